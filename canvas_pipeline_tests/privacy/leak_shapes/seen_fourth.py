"""The wordings of the fourth half, which were read after they had been counted once: for writing rules by. Data only."""

from __future__ import annotations

from collections.abc import Mapping

from canvas_pipeline_tests.privacy.leak_shapes.wording import lines

SEEN_FOURTH: Mapping[str, tuple[str, ...]] = {
    "directory id": lines("""
        ONLINE: {title} [[{login}{d1}]] 8W2
        Dev Shell - {l4} {d4} - [[{login}]]
        [[{login}]]_{l4}{d4}_Playground
        {title} Blueprint v2 [[{login}]]
        {l4}-{d3}-{d2} {title} {season} {year} ONLN: [[{login}{d2}]]
        PRACTICE COURSE FOR [[{login}]]
        {year}.{d5}.[[{login}]].{title}
        {title} (WEB) {year}F [[{login}]] cross-list
        Template_{title}_owner=[[{login}]]
        {season} {year} - Merged: {title}; [[{login}]]
        {title} {l1}{d2} *[[{login}{d1}]]*
        IMPORT {year}-{season} {title} from [[{login}]]
        {title} @[[{login}]] summer session
    """),
    "school surname": lines("""
        Yr 9 Maths Set 3 [[{sur}]]
        10X2/Geography ([[{sur}]])
        Señora [[{sur}]] - Español 3
        Homebase [[{sur}]] 8th
        [[{sur}]] ELD 2 Blk 4 ({year}-S1)
        Kindergarten AM | [[{sur}]]
        {year} Q3 Ceramics {init}. [[{sur}]]
        Precalculus H: Mr {init} [[{sur}]]'s class
        [[{sur}]]{year}_USGov_Per2
        M/W/F Chemistry Dr. [[{sur}]] 0{d1}
        4B - [[{sur}]] - Social Studies
        Study Hall [[{sur}]]/Pd 7/TBD
        Frau [[{sur}]]: Deutsch I, B-Day
        Integrated Science II ([[{sur}]], [[{surb}]])
    """),
    "person after a cue": lines("""
        Feedback from [[{wordgiven}]] on your draft
        Lecture by Professor {init}. [[{sur}]]
        [[{wordgiven}]]'s study guide
        Thank-you card for [[{wordgiven}]] [[{wordsur}]]
        cc [[{wordgiven}]] and [[{wordgivenb}]] on emails
        Peer mentor assigned = [[{wordgiven}]] {init}
        Presenters: {init}. [[{sur}]], {init2}. [[{surb}]]
        See [[{sur}]] for the key
        Zoom tutoring ([[{wordgiven}]], Mondays)
        Seminar talk - [[{wordgiven}]] [[{sur}]], guest
        Reminder: pick up packet from Ms [[{wordsur}]]
        Late pass granted - [[{sur}]] {init}
        Entrevista a [[{wordgiven}]] [[{sur}]]
        Supervisor: [[{sur}]] (Labor)
    """),
    "place without a number": lines("""
        Pinning ceremony, [[{sur}]] Chapel
        Bring goggles to [[{sur}]] Makerspace
        Reception follows ([[{wordhouse}]] Terrace)
        Tech rehearsal / [[{wordhouse}]] Black Box Theater
        Section 4 meets at the [[{sur}]] Pavilion
        [[{sur}]] Greenhouse tour
        Midterm: A–L in [[{sur}]] Amphitheater
        Tailgate by [[{wordhouse}]] Quad
        Advising walk-ins: [[{sur}]] Student Union
        Poster setup in [[{wordhouse}]] Foyer
        Clinical sim @ [[{sur}]] Skills Lab
        Star party ([[{sur}]] Observatory roof)
        Swim test at [[{sur}]] Natatorium
    """),
    "house number": lines("""
        Drop box outside [[{d3}]] {sur} Laboratory
        Advising in [[{d4}]]{init} {sur} Complex
        [[{d3}]] {wordhouse} Pavilion (exam overflow)
        Peer tutoring Wed, [[{d4}]] {sur} Commons
        Report to [[{d3}]], {sur} Hall, for orientation
        Field trip address: [[{d4}]] {wordhouse} Avenue
        Site visit - [[{d3}]] {sur} Street
        Meet in rooms [[{d3}]] and [[{d3b}]] {sur} Hall
        Return keys to [[B{d2}]] {sur} Hall
        Clinic placement ([[{d4}]] {sur} Road)
        [[{d3}]]-[[{d3b}]] {wordhouse} Tower, mock trial
        Sign in: [[{d3}]] {sur} Student Center first
    """),
    "clock beside a course": lines("""
        {l4} 1{d3} drop-in ([[{hour} to {hour2} pm]])
        Doors open [[{hour}:25 PM]] for {l4} 1{d3}
        {l4}-1{d3} by [[{hour}:05pm]]
        Mock exam {l4} 1{d3} / [[{hour2}:15]]
        TR [[{hour}:35-{hour2}:50]] {l4} 1{d3} roster
        {l4} 1{d3} Test 2 (Sat. [[{hour}a.m.]])
        [[1{d1}h30]] cours {l4} 1{d3}
        {l4} 1{d3} Tutorium um [[1{d1}.15 Uhr]]
        Lab check-in {l4} 1{d3} no later than [[{hour}:55 pm]]
        {l4} 1{d3} @[[{hour2}:40PM]]-dress rehearsal
        [[{hour}p]] help session - {l4} 1{d3}
        {l4} 1{d3} opens at [[{hour}:00am EST]]
    """),
    "login id": lines("""
        JHED [[{login}{d1}]]
        scp report.pdf [[{login}]]@hpc:
        Ulearn account [[{login}{d2}]] locked
        ID # [[{d9}]] late work
        Student ID no: [[{d8}]]
        [[{s2}{d5}]]-assignment3.docx
        Sign in with [[{login}]] / temp password
        PennKey: [[{login}]]
        HKU No. [[30{d8}]]
        print queue user [[{login}{d1}]]
        LDAP uid=[[{login}]]
        X-number [[X0{d7}]] at top right
        A3 ([[c{d7}]]) regrade
        My WKU ID is [[8{d8}]]
    """),
    "national id": lines("""
        Ingresar RUT sin puntos: [[{rutplain}]]
        Inscrição CPF nº [[{cpf}]]
        NINO for placement form - [[{nino}]]
        Extranjeros: escribir NIE ([[{nie}]])
        CURP del alumno [[{curp}]]
        Aadhar card no. [[{aadhaar}]] copy
        Nr PESEL studenta: [[{pesel}]]
        pnr [[{personnummer}]] (tenta)
        Burgerservicenummer [[{bsn}]]
        S.I.N. = [[{sin}]] for payroll
        C.F. [[{fiscale}]] modulo tirocinio
        OIB studenta [[{oib}]]
        Matrikel-Nr [[{d8}]] auf Deckblatt
        N° étudiant [[{d8}]] sur la copie
    """),
    "meeting id": lines("""
        BigBlueButton room code [[{s3}-{s3b}-{s4}]]
        Dial-in conference ID: [[{d3} {d3b} {d3c}]]#
        PMI [[{d3}-{d3b}-{d4}]] for tutoring
        us02web.zoom.us/j/[[8{d10}]]
        Zoomroom# [[{d11}]] pwd: [[{mixed}]]
        Meet link: [[{s3}-{s4}-{s3b}]] (Tues)
        Teams-Besprechung, Kennung [[{d3} {d3b} {d3c} {d3d}]]
        Réunion Zoom n° [[{d3} {d4} {d4b}]] code secret [[{d6}]]
        ID de reunión [[{d3} {d4} {d4b}]]
        Recording pw [[{mixed}]]
        Jitsi / Zoom backup [[{d10}]]
        Lab zoom is [[{d11}]], waiting room on
        WebEx event no. [[2{d3} {d3b} {d4}]]
    """),
    "phone abroad": lines("""
        Whatsapp grupo [[+55 11 9{d4}-{d4b}]]
        SMS-Nummer [[+41 79 {d3} {d2} {d2b}]]
        Hotline: [[+353 87 {d3} {d4}]]
        Field trip emergency [[+82 10-{d4}-{d4b}]]
        Tlf. [[4{d2} {d2b} {d3}]]
        Nummer der Werkstatt [[0171 {d7}]]
        Portable : [[06.{d2}.{d2b}.{d2c}.{d2d}]]
        Cel [[300 {d3} {d4}]]
        Text coach on [[021 {d3} {d4}]]
        Landline [[0121 {d3} {d4}]]
        Contact prof [[+90 53{d1} {d3} {d2} {d2b}]]
        Tel. kom. [[50{d1} {d3} {d3b}]]
        Ring mamma [[070-{d3} {d2} {d2b}]]
    """),
    "chat handle": lines("""
        snap: [[{login}_{s2}]]
        twitter.com/[[{login}{d1}]]
        Steam ID [[{login}{d3}]]
        dm [[{login}]] on ig for notes
        Threads @[[{login}.{s2}]]
        youtube.com/@[[{login}{d2}]]
        微信号:[[{login}{d3}]]
        Telegram-Kanal @[[{login}_{s4}]]
        Bluesky: [[{login}]].bsky.social
        Venmo @[[{login}-{d2}]] for lab fee
        Kahoot nickname [[{login}{d1}]]
        Scratch username: [[{login}_{d2}]]
        discord user [[{login}]] (ask for invite)
        find me on Strava as [[{login}{d2}]]
    """),
    "own code in a title": lines("""
        [[L{l4}{d4}]] - examen de janvier <= L{l4}{d4}
        [[{d3}-{l3}-0{d1}]] prétest <= {d3}-{l3}-0{d1}
        Exercise for [[{d3}-0{d3b}-00L]] <= {d3}-0{d3b}-00L
        [[{l2}-A{d4}]] Round 2 <= {l2}-A{d4}
        [[{l4}_V {d3}]] tutorial quiz <= {l4}_V {d3}
        [[{l2} F{d3}]] Tut Sheet 1 <= {l2} F{d3}
        [[{l2}{d4}.{d3}]] Evidencia 1 <= {l2}{d4}.{d3}
        Consultation hours [[0{d3}-{d4}]] <= 0{d3}-{d4}-0{d1}
        [[{l4}-F{d3}]]: TP noté <= {l4}-F{d3}
        [[{l3}{d3}H1]] Term Test 2 <= {l3}{d3}H1 F LEC0101
        [[M{d4}.{d6}]] HW#3 <= M{d4}.{d6}
        Reading list ([[8{d5}P]]) <= 8{d5}P
        midterm_[[{l1}0{l1b}{d2}A]]_solutions <= {l1}0{l1b}{d2}A
    """),
    "code in a name": lines("""
        [[U{d2}{l3}{d4}]] {title} <= U{d2}{l3}{d4}
        {title} [[{d8}]] <= {d8}
        LV-Nr. [[{d6}]]: {title} <= {d6}
        {title}, [[{l2}{d3}{l1}]] <= {l2}{d3}{l1}-{year}
        {year}/{d2} [[{l4}-{d4}{l1}]] {title} <= {l4}-{d4}{l1}
        [[{d4}H{d1}]] {title} Hon <= {d4}H{d1}
        {title} ~ [[{l1}{d1}-{d4}]] <= {l1}{d1}-{d4}
        [[{l4}{d3}-{l2}]] {title} Tutorials <= {l4}{d3}-{l2}
        "{title}" ([[{l3}.{d3}]]) <= {l3}.{d3}
        {season}: [[{d5}-{l2}]]: {title} <= {d5}-{l2}
        {title} WS [[{d2}-{d2b}-{d4}]] <= {d2}-{d2b}-{d4}
        [[{l2}{d1}{l2b}{d3}]] {title} <= q
    """),
    "foreign code": lines("""
        If you have credit for [[{l3}{d3}H1]], skip part B
        Placement into [[MAT {d3}]] or higher
        Homework from my [[{l3} {d4}]] class
        Recommended prep = [[{l4}{d4}]]
        [[{l2}{d4}]] tutors wanted
        My schedule: [[{l4} 2{d2}]] and [[{l3} 3{d2}]]
        Formerly [[{l4}-{d3}]]
        Substitutes for [[{l2}.{d3}]] at partner school
        AP credit → [[{l4} 1{d2}]]
        [[{l3}-{d3}]] vs this course: which one?
        Anerkennung von [[{l3}{d4}V]]
        Équivalence [[{d3}-{l3}-0{d1}]]
        TA-ing for [[{l3}{d3}]] next term
    """),
    "rest of a section list": lines("""
        {l4} {d3} sec. [[0{d2}/0{d2b}]] quiz <= {l4} {d3}
        {l4}{d3} [[- 0{d2}; 0{d2b}]] outline <= {l4}{d3}
        {l4} {d4}[[-8{d2}, -8{d2b}]]: exam prep <= {l4} {d4}
        {l4}{d3}[[.L0{d1}]] handout <= {l4}{d3}
        {l4} {d3}[[|0{d2}|0{d2b}]] survey <= {l4} {d3}
        {l4} {d3}[[-M0{d1}/T0{d1b}]] problem set <= {l4} {d3}
        {l4}{d3}[[_{d2}_ONL]] start here <= {l4}{d3}
        {l4}-{d3}[[-0{d2}&0{d2b}]] forum <= {l4}-{d3}
        {l4} {d3} ([[LEC 0{d2}]]) recap <= {l4} {d3}
        {l4}{d4}[[-{d3}/{d3b}/{d3c}]] kickoff <= {l4}{d4}
        {l4} {d3}[[.{d3b}, .{d3c}]] schedule <= {l4} {d3}
        {l4}{d3}[[~{d2}A+{d2b}B]] worksheet <= {l4}{d3}
    """),
    "number with its term": lines("""
        CRN:[[{d5}]] Term:{year}20 welcome
        Geology {year}{season}.[[{d5}]]
        {year}SU [[{d5}]] Kinesiology lab
        Sociology ~ [[{d5}]] ~ {season}{year}
        [[{d5}]]@{year}-{season} gradebook
        Term {year}40, ref. no. [[{d5}]]
        Attendance [[{d5}]]/{year}{season}
        Photography ({season} {year}, [[{d5}]])
        {season}_{year}_[[{d5}]]_syllabus.docx
        [[{d5}]]: {season} {year} final exam window
        Class nbr [[{d5}]] {season} {year} Ecology
        T{year}{d1}-[[{d5}]] meeting notes
    """),
}
