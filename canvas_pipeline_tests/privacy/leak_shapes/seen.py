"""Wordings that were held until they were read: further ones to write rules by. Data only."""

from __future__ import annotations

from collections.abc import Mapping

from canvas_pipeline_tests.privacy.leak_shapes.wording import lines

SEEN: Mapping[str, tuple[str, ...]] = {
    "directory id": lines("""
        {l4}{d3}: {title} ({season} {year}) [[{login}{d2}]]
        {season} {year} {title}-[[{login}]]
        {title} - [[{s2}{d4}]]
        {title} {season} {year} ([[{login}]])
        {l4} {d3} {title}, {season} {year}, [[{login}]]
        [[{login}{d1}]]: {title}
        {title}_{season}{year}_[[{login}]]
        {year} {season} {title} [[{login}]]
    """),
    "school surname": lines("""
        [[{sur}]] 4th Period Biology
        1st Hour Chemistry [[{sur}]]
        AP_Lit_[[{sur}]]_P4
        [[{sur}]]-English 10-Block B
        Spanish II Per. 5 ([[{sur}]])
        Gr 8 Science [[{sur}]] Sec 2
        {year}-[[{sur}]]-World History-3
        Honors Physics: [[{sur}]], Period 2
        {title} [[{sur}]] {season} {year}
        24/25 Algebra I [[{sur}]] A Day
    """),
    "person after a cue": lines("""
        Interviewing {init}{init2} [[{sur}]]
        Interview: [[{wordgiven}]]
        Coffee chat with [[{wordgiven} {wordsur}]]
        Office hours with {init} [[{wordsur}]]
        Interview of [[{wordgiven} {sur}]]
        Mentor - [[{wordgiven}]]
        1:1 with [[{wordgiven}]]
        Roommate: {init} [[{sur}]]
    """),
    "place without a number": lines("""
        [[{wordhouse}]] Banquet Room rehearsal
        Dance social @ [[{sur}]] Ballroom
        [[{l4}]] Conference Room sign-up
        [[{sur}]] Seminar Room moved
        Poster fair: [[{wordhouse}]] Atrium
        Career fair in the [[{wordhouse}]] Fieldhouse
        [[{wordhouse}]] Auditorium seating
        Game night, [[{sur}]] Rec Room
    """),
    "house number": lines("""
        Lab moved to [[{d3}]] {wordhouse} Building
        [[{d3}]]{init} {sur} Hall, drop off
        Office hours ([[{d4}]] {sur} Tower)
        [[{d2}-{d3}]] {sur} Building walk-through
    """),
    "clock beside a course": lines("""
        {l4} 1{d3} @ [[{hour}pm]] review
        Help room ({l4} 1{d3}, [[{hour}:45pm]])
        [[{hour}:30]]-[[{hour2}:45]] {l4} 1{d3}
        Make-up in {l4} 1{d3} from [[{hour} p.m.]]
    """),
    "login id": lines("""
        Your AndrewID is [[{login}]]
        upload [[u{d7}]]_lab3.zip
        Kerberos: [[{login}]]
        UFID {d4}-{d4b} and ONYEN [[{login}{d1}]]
        zID [[z{d7}]] required
        HW2_[[{s3}{d4}]].tar.gz for NetID [[{s3}{d4}]]
        computing id: [[{s3}{d1}{s2}]]
        NUID [[00{d7}]]
        BUID U[[{d8}]] on the cover
        username = [[{login}{d2}]]
    """),
    "national id": lines("""
        NIE [[{nie}]]
        Aadhaar [[{aadhaar}]]
        PESEL [[{pesel}]]
        Personnummer [[{personnummer}]]
        Matricola [[{d6}]]
        Nº de matrícula: [[{d8}]]
        BSN: [[{bsn}]]
        NHS number [[{nhs}]]
        codice fiscale [[{fiscale}]]
        Studentnummer [[{d7}]]
        學號 [[{d9}]]
        SIN [[{sin}]]
    """),
    "meeting id": lines("""
        Join Zoom: [[{d3}-{d4}-{d4b}]], code [[{d6}]]
        Webinar ID [[{d3} {d4} {d4b}]]
        Teams meeting [[{d3} {d3b} {d3c} {d2}]] Passcode: [[{mixed}]]
        Webex access code: [[2{d3} {d3b} {d4}]]
        meet.google.com/[[{s3}-{s4}-{s3b}]]
        Zoom room {d3} {d3b} [[{d4}]], password [[{mixed}]]
    """),
    "phone abroad": lines("""
        SMS to [[0{d3} / {d7}]]
        Ring [[(0{d1}) {d4} {d4b}]]
        Llamar al [[6{d2} {d3} {d3b}]]
        WeChat call 1[[3{d1} {d4} {d4b}]]
        Telefon: [[0{d3}-{d6}]]
        Kontakt [[+49 {d3} {d7}]]
        cell [[9{d4} {d5}]]
        Tel [[{d2} {d2b} {d2c} {d2d}]]
        Mobile: [[8{d3} {d4}]]
    """),
    "chat handle": lines("""
        add me on discord: [[{login}.{s2}]]
        Snapchat = [[{login}{d2}]]
        LINE ID: [[{login}{d2}]]
        WhatsApp/WeChat: [[wxid_{s4}{d4}]]
        QQ [[{d9}]]
        Group chat host [[{login}]]#{d4}
        GroupMe - [[{login}_{d2}]]
        Insta: [[{login}.{s3}]]
        Kakao [[{login}{d3}]]
    """),
    "own code in a title": lines("""
        Read before [[{d2}.{d3}]] lecture <= {d2}.{d3}
        [[{l4}-UA.0{d3}]] problem set <= {l4}-UA.0{d3}.001.FA31
        [[{d3}.{d3b}]] exam 1 <= {year}W-{d3}.{d3b}-A
        Lab 2 ([[{d2}{l3}{d3}]]) <= {d2}{l3}{d3}
        [[7{l2}0{d2}]] coursework <= 7{l2}0{d2}-31
        quiz [[{l3}-{d3}-{d2}]] <= {l3}-{d3}-{d2}
        [[{l2}{d3}.{d1}x]] unit test <= {l2}{d3}.{d1}x/2T2031
        tutorial_[[{d4}{l4}]] <= {d4}{l4}.31
        [[{d3}:{d3b}]] notes <= {d3}:{d3b}:0{d1}
        [[{d5}]] attendance <= SEC{d5b}+{d5}.3120
    """),
    "code in a name": lines("""
        {title} [{d2}.{d3}] <= {d2}.{d3}
        [[{l4}-GA {d4}]] {title} <= {l4}-GA {d4}
        {title} - [[{d3}-{d4}]] <= {d3}-{d4}
        [[{d2}{l3}{d3}]] {title} <= {d2}{l3}{d3}
        {title} | [[{l3}:{d4}]] <= {l3}:{d4}:0A{d1}
        [[{d3}.{d3b}]] {title} ({season}) <= y
    """),
    "foreign code": lines("""
        Equivalent to [[{d2}.{d3}]]
        Transfer credit from [[{l4}9{d4}]]
        Corequisite [[EECS {d2}B]]
        Notes from [[MATH {d2}C]] discussion
        like [[{l3}3{d3}]] at the other campus
        Retake of [[{d2}-{d3}]]
        anti-requisite [[01:{d3}:{d3b}]]
        [[EN.{d3}.{d3b}]] reading
        compare [[{l2}{d3}V]] slides
    """),
    "rest of a section list": lines("""
        {l4}{d3}[[-0{d3b}/0{d3c}]] recap <= {l4}{d3}
        MATH 2{d3}[[_B0{d1}, _B1{d1}]] exam <= MATH 2{d3}
        CS 3{d3}[[.0{d2}]] & more <= CS 3{d3}
        PHYS 1{d3}[[-{d2}L]] prelab <= PHYS 1{d3}
        {l4}{d3}[[-0{d3b},0{d3c},0{d3d}]]: welcome <= {l4}{d3}
    """),
    "number with its term": lines("""
        Statistics [[[{d5}]]_{season}{year}]
        [[{d5}]]_{year}Fall review
        Calculus ([[{d5}]]-{year}Spring)
        ([[{d5}]] {season} {year}) Botany
    """),
}

# Two kinds of these stood above the aim when they were read; these shapes were written before the rules were changed for them.
SEEN_TOO: Mapping[str, tuple[str, ...]] = {
    "directory id": lines("""
        {title}: {season} {year} / [[{login}]]
        {season} '{d2} {title} [[{login}{d2}]]
        [{season} {year}] {title} ~ [[{login}{d1}]]
        {title} {year}-{season} <[[{login}]]>
        {title} sec {d3} {season}{year}/[[{login}]]
        {title} (Instructor: [[{login}]])
        {title} by [[{login}]] {season} {year}
        [[{login}]] | {title} | {season} {year}
    """),
    "national id": lines("""
        my CUIT: [[{d2}-{d8}-{d1}]]
        tax number [[{d2} {d3} {d3b} {d3c}]]
        Carte d'étudiant n° [[{d8}]]
        Immatrikulationsnummer [[{d7}]]
        Número de expediente [[{d6}]]
        Student nr. [[{d7}]]
        fødselsnummer [[{d6} {d5}]]
        Sozialversicherungsnummer [[{d4} {d6}]]
        NIF: [[{nie}]] (copy)
        codice fiscale di studente [[{fiscale}]]
        insurance number [[{nino}]]
        Documento de identidad [[{d8}]]
    """),
}
