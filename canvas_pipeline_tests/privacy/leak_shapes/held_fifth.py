"""The fifth half, kept for a second count: its author had not read the code that masks, and shares no shape with the fourth."""

from __future__ import annotations

from collections.abc import Mapping

from canvas_pipeline_tests.privacy.leak_shapes.wording import lines

FIFTH: Mapping[str, tuple[str, ...]] = {
    "directory id": lines("""
        [[{login}{d2}]]-{l4}{d3}-{season}{year}-TTh
        Faculty Playground: [[{login}]]
        {title} ARCHIVE [[{login}]] {year}
        {l4} {d4}: {title}, Hybrid, [[{login}{d1}]], {year}
        {title} +[[{login}]]
        Grp_{season}{year}_[[{login}]]_{title}
        CE - {title} - [[{login}]] - Workshop
        OEI {title} rubric copy ([[{login}]], do not enroll)
        {title}: Section {d3} : [[{login}]] : {season}
        [[{s2}{d5}]] & [[{login}]]: {title} combined
        Training shell [[{login}{d1}]] Q{d1b}
        WIP {title} {year} v{d1} [[{login}]]
        {d5} {title} {year}{season} #[[{login}]]
    """),
    "school surname": lines("""
        Class page: [[{sur}]] 2nd Grade
        7A Humanities~[[{sur}]]
        Summer School Algebra Readiness [[{sur}]] Session 2
        [[{sur}]].{init}.Drama.Sem1
        Mlle [[{sur}]] French 4H
        Class of {year} Advisory - [[{sur}]] {init}.
        SPED Resource | [[{sur}]] | Caseload
        English 11 CP [[{sur}]], [[{wordgiven}]]
        Orchestra 6-8, dir. [[{sur}]]
        IB DP Physics HL Y1 [[{sur}]] Block F
        DC ENGL Comp I ([[{sur}]] @ HS campus)
        Sr. [[{sur}]] Religion 9
        [[{sur}]]/[[{surb}]] Grade 5 Team
        Credit Recovery_[[{sur}]]_Lab 2
    """),
    "person after a cue": lines("""
        Sit with [[{wordgiven}]] at the debate
        {init2}. [[{sur}]] subbing Thursday
        Your grader is [[{wordgiven}]] [[{wordsur}]]
        Team captains [[{wordgiven}]] + [[{wordgivenb}]]
        Happy birthday [[{wordgiven}]]!
        Réunion avec Mme [[{sur}]]
        Notes taken by [[{wordgiven}]] {init}.
        DSP accommodation letter re: [[{sur}]], [[{wordgiven}]]
        Panel moderated by {init}{init2} [[{sur}]]
        Shadowing Nurse [[{wordsur}]]
        Q&A w/ author [[{wordgiven}]] [[{sur}]]
        From [[{wordgiven}]]: missing worksheet
        [[{wordgiven}]] and [[{wordgivenb}]] - Group B slides
        Swap shifts with [[{wordgiven}]] (clinical)
    """),
    "place without a number": lines("""
        Meet the team in [[{sur}]] Cafeteria
        [[{wordhouse}]] Residence Hall study break
        Final jury - [[{sur}]] Studio
        Shuttle stop: [[{sur}]] Plaza
        Open house at [[{wordhouse}]] Clubhouse
        Tutoring moved from library to [[{sur}]] Learning Center
        Vorlesung im [[{sur}]]-Hörsaal
        Convocation [[{sur}]] Arena
        Lab tour, [[{sur}]] Engineering Building lobby
        Vigil on [[{sur}]] Lawn
        Photo shoot outside [[{wordhouse}]] Stadium
        Make-up test: [[{sur}]] Testing Center
        Choir call time, [[{sur}]] Concert Hall stage door
        Picnic near [[{wordhouse}]] Field
    """),
    "house number": lines("""
        Studio critique | [[{d3}]] {sur} Arts Building
        Ride share from [[{d4}]] {wordhouse} Lane
        Practicum site: [[{d3}]] {sur} Blvd
        Test makeups ([[{d3}]]{init}, {sur} Library)
        Lab section B in [[{d4}]] {sur} Engineering
        Come to [[{d3}]] {sur} Dormitory lounge
        Bus pickup at [[{d3}]] {wordhouse} Drive
        [[{d4}]] {sur} Research Park tour sign-up
        Exam in [[0{d3}]] {sur} Hall & [[0{d3b}]] {surb} Hall
        Food pantry: [[{d3}]] {wordhouse} Court
        Proctored at [[{d3}.{d2}]] {sur} Building
        TA desk is [[{d3}]]-A {sur} Hall
    """),
    "clock beside a course": lines("""
        {l4} 1{d3} lecture moved up to [[{hour}:50am]]
        Kahoot {l4} 1{d3} Friday [[{hour}:15-{hour}:45 PM]]
        Exam start [[0{d1}:30 hrs]] - {l4} 1{d3}
        Clase {l4} 1{d3}: [[1{d1}:00 h]]
        {l4} 1{d3} Wed/Fri [[{hour}:40PM]] group
        Due [[{hour2}:59 PM]] - {l4} 1{d3} homework
        SI {l4} 1{d3} [[{hour}.00-{hour2}.15]]
        {l4}1{d3}, [[{hour2}:30p]] cohort
        {l4} 1{d3} - noon section, not [[{hour}pm]]
        Before [[{hour}:20]] class: {l4} 1{d3} worksheet
        {l4} 1{d3} sync mtg ~[[{hour}:05pm CT]]
        M[[{hour}:30]] W[[{hour2}:30]] {l4} 1{d3} office
    """),
    "login id": lines("""
        FSUID [[{s2}{d2}{s1}]]
        R number: [[R{d8}]]
        submission_[[{d9}]]_late_essay.pdf
        Account name [[{login}{d2}]] for the VM
        eCampus: user [[{login}]], reset needed
        CUNYfirst ID [[2{d7}]]
        git clone [[{login}]]@stu:lab5.git
        M# [[M{d8}]]
        Candidate number [[{d6}]] only, no names
        e-ID [[{s1}{d6}]] answer sheet
        [[{login}{d1}]]'s submission (resubmit)
        Scantron bubble [[0{d8}]] as ID
        userid [[{s4}{d2}]] on Moodle
        CCID=[[{login}]]
    """),
    "national id": lines("""
        Enter TFN ([[{tfn}]]) on the super form
        TC kimlik numaranız [[{tckimlik}]]
        CNP student: [[{cnp}]]
        hetu [[{hetu}]] lomakkeeseen
        RSA ID no. [[{zaid}]]
        C.I. [[{ecuador}]] matrícula
        报名 身份证号码:[[{ric}]]
        주민번호 [[{rrn}]] 제출
        NIR [[{nir}]] (stage)
        CPR-nummer på forsiden: [[{cpr}]]
        NHS no. [[{nhs}]] vaccination record
        Rol único [[{rut}]] - práctica
        Matrícula nº [[{d9}]] no cabeçalho
        Student-ID / Matrikelnr. = [[{d7}]]
    """),
    "meeting id": lines("""
        zoommtg join confno=[[{d11}]]
        Senha da reunião: [[{mixed}]]
        腾讯会议 [[{d3}-{d3b}-{d3c}]]
        Zoom mtg [[{d3}.{d4}.{d4b}]]
        Enter code [[{d6}]] for the Zoom waiting room
        Office hours PW=[[{mixed}]]
        teams id [[{d3}{d3b}{d3c}{d2}]] / code [[{mixed}]]
        Dienstags via Zoom [[{d4} {d3} {d4b}]]
        g.co/meet/[[{s3}-{s4}-{s3b}]]
        Whereby or Zoom [[{d10}]] (pass [[{d6}]])
        One tap mobile, [[{d11}]]#
        GoToMeeting access [[{d3}-{d3b}-{d3c}]]
        Zugangscode [[{d6}]] Zoom-Tutorium
    """),
    "phone abroad": lines("""
        Call before pickup: [[+52 1 55 {d4} {d4b}]]
        emergency contact [[+966 5{d1} {d3} {d4}]]
        Nr tel: [[+40 72{d1} {d3} {d3b}]]
        Puh. [[040 {d3} {d4}]]
        Nonna risponde al [[33{d1} {d3} {d4}]]
        Móvil del tutor [[65{d1} {d2} {d2b} {d2c}]]
        HP: [[081{d1}-{d4}-{d4b}]]
        携帯 [[090-{d4}-{d4b}]]
        Viber [[+359 88 {d3} {d4}]]
        Phone number is [[03{d2} {d7}]]
        Erreichbar unter [[+43 664 {d7}]]
        Kontaktní telefon [[60{d1} {d3} {d3b}]]
        Lab manager ([[+27 82 {d3} {d4}]])
        Intercom or [[(02) 9{d3} {d4}]]
    """),
    "chat handle": lines("""
        my insta is [[{login}{d3}]]
        Twitch: [[{login}_{s2}]]
        instagram.com/[[{login}.{s2}{d1}]]
        Zalo: [[{login}{d2}]]
        BeReal [[{login}{d1}]] - photo journal
        Quizlet by [[{login}{d2}]]
        pinterest.com/[[{login}]]/board
        Xiaohongshu ID [[{d9}]]
        Reddit u/[[{login}_{d2}]]
        Goodreads profile = [[{login}{d1}]]
        Facebook Messenger ([[{login}.{d3}]])
        Cash App $[[{login}{d2}]]
        Club server on discord, owner [[{login}.{d2}]]
        SoundCloud/[[{login}]]
    """),
    "own code in a title": lines("""
        [[{l3}-0{d3}]] - Lista 2 <= {l3}-0{d3}
        [[{l2}{d4}{l2b}]] practicum 1 <= {l2}{d4}{l2b}
        [[{d4} L {d3}]] Übung <= {d4} L {d3}
        [[{l4}{d2}]] laboration 2 <= {l4}{d2}
        [[{d3}-{d1}{l1}{d1b}-{l2}]] examen final <= {d3}-{d1}{l1}{d1b}-{l2}
        Seminar 5 ([[{l3}{d4}-{d1}]]) <= {l3}{d4}-{d1}
        [[{l2}{d4}S]] Mission 4 <= {l2}{d4}S
        [[{l4} {d4}.{d2}W]] discussion <= {l4} {d4}.{d2}W
        [[{d1}{l2}{d3}-{d1b}]] quiz grades <= {d1}{l2}{d3}-{d1b}
        week3-[[{d7}]]-slides <= {d7}
        [[{l1} {l1b} {d3}]] worksheet <= {l1} {l1b} {d3}
        [[{l3}{d3}/{d3b}]] joint lecture <= {l3}{d3}/{d3b}
        How to pass [[{d4}{l1}{d1}]] <= {d4}{l1}{d1}-P3
    """),
    "code in a name": lines("""
        [[{l4}/{d4}]] {title} <= {l4}/{d4}
        [[{d2}{l2}{d2b}]]-{title} <= {d2}{l2}{d2b}
        {title} — [[{l3}{d5}]] <= {l3}{d5}
        [[{l2}.{d5}]] {title} {season} <= {l2}.{d5}
        {title}; [[{d4}:{d2}]] <= {d4}:{d2}
        [[1000-{d3}{s1}{l3}]] {title} <= 1000-{d3}{s1}{l3}
        [[{l1}{d5}]] {title} (Laurea) <= {l1}{d5}
        GE-[[{l4}_{d3}_{d2}]] {title} <= {l4}_{d3}_{d2}
        [[{l3}F {d3}]] {title}, Monsoon <= {l3}F {d3}
        {title} ([[{l4} {d3}{l1}-{d2}]]) {year} <= {l4} {d3}{l1}-{d2}
        [[{d3}{l4}]]: {title} <= z
        {title} - Hybrid - [[{l2}-{d5}]] <= {l2}-{d5}
    """),
    "foreign code": lines("""
        Articulation agreement for [[{l4} {d2}]]
        Continues [[{l4}{d3}B]]
        [[{l2}-{d3}]] alumni panel
        same textbook as [[{l3} {d3}]] last year
        Do NOT enroll in both [[{l4} {d3}]] & this
        Credit excluded: [[{l4}{d4}/{d4b}]]
        Convalidación de [[{l3}{d4}]]
        [[{l4}:{d4}]] honors contract
        Pathway: [[{l3}{d3}]] > [[{l3}{d3b}]]
        Study abroad swap ([[{l2}{d5}]])
        Minor requires [[{l4} {d4}]] by junior year
        Guest visit to [[{l2} {d3}{l1}]]
        [[{l4}{d3}{l1}]] recap before we start
    """),
    "rest of a section list": lines("""
        {l4} {d3} [[#0{d2}, #0{d2b}]] rubric <= {l4} {d3}
        {l4}{d3}[[-TUT0{d1}]] sheet 2 <= {l4}{d3}
        {l4} {d3}[[-2{d2} to 2{d2b}]] seating <= {l4} {d3}
        {l4}{d3}[[_L0{d1}_D0{d1b}]] lab log <= {l4}{d3}
        {l4} {d4}[[/-0{d2}]] debrief <= {l4} {d4}
        {l4} {d3} [[§0{d2}]] intro <= {l4} {d3}
        {l4} {d3}[[-{d2}Z,{d2b}Z]] asynchronous module <= {l4} {d3}
        {l4}{d3}, sections [[{d4} + {d4b}]], midterm <= {l4}{d3}
        {l4}_{d3}[[_0{d2}]].pdf <= {l4}_{d3}
        {l4} {d3}[[.5{d2} or .5{d2b}]] essay 1 <= {l4} {d3}
        {l4}{d3}[[-HY0{d1}/-IN0{d1b}]] notes <= {l4}{d3}
        {l4} {d3}[[;0{d2};0{d2b}]] final <= {l4} {d3}
    """),
    "number with its term": lines("""
        Anthropology {season} '{d2} [[{d5}]]
        {year}W1-[[{d5}]] office hour poll
        [[{d5}]] ({year}-{season}) Nutrition
        Sect ID [[{d5}]]; {season} {year}; Drawing I
        {season} {year}: [[{d5}]] and [[{d5b}]] merged
        [[{d5}]].{season}{year} Astronomy
        Philosophy {year}/{season}/[[{d5}]]
        Index [[{d5}]], {season} {year}
        {year}03_[[{d5}]] Welding safety
        Call no. [[{d5}]] ({season} {year})
        Reg#[[{d5}]] {year}{season} Chemistry prelab
        Dance <[[{d5}]]> {season}{year}
        [[{d5}]]+{year}{season} exam key
    """),
}
