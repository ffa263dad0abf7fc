"""Wordings in which names and titles of real exports leak identities, by kind, in two halves whose shapes differ. Data only.

``[[…]]`` marks what must not survive; ``{…}`` are slots that ``leak_cases`` fills. After ``<=`` stands the contributor's own course
code. ``TRAINING`` may be read while rules are written; ``HELD`` is for the measure alone: its texts are never printed.
"""

from __future__ import annotations

from collections.abc import Mapping


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.strip().splitlines())


IN_NAMES = frozenset({"directory id", "school surname", "code in a name"})
"""Kinds whose texts are names of courses; all others are titles."""

TRAINING: Mapping[str, tuple[str, ...]] = {
    "directory id": _lines("""
        {l4}{d3}-0{d3b}: {title}-{season} {year} [[{login}]]
        {l4}{d3}-0{d3b}/{l4b}{d3}-0{d3b}:  {title}-{season} {year} [[{login}]]/
        {l4}{d3}-0{d3b}: {title}-{season} {year} [[{login}{d1}]]
        {title} {season} {year} [[{login}]]
        {title} - {season} {year} - [[{login}]]
        {title} ([[{login}{d2}]])
    """),
    "school surname": _lines("""
        S2-AP Chem-[[{sur}]]-04
        [[{sur}]]_APUSH_{year}
        Geometry Pd 6 [[{sur}]]
        P3 Algebra 2 - [[{sur}]]
        [[{sur}]] - AP Lit - P4
        Biology H-[[{sur}]]-S1
        {title} {season} {year} [[{sur}]]
        {title}_[[{sur}]]_{season}{year}
    """),
    "person after a cue": _lines("""
        Interview with {init} [[{sur}]]
        Interview with [[{wordgiven}]]
        Interview with [[{wordgiven} {wordsur}]]
        Interview - [[{wordgiven}]]
        Meeting with {init} [[{sur}]]
        Ask [[{wordgiven}]] about lab 3
        Partner: [[{wordgiven}]]
    """),
    "place without a number": _lines("""
        [[{wordhouse}]] Ballroom Practice
        [[{l3}]] Multipurpose Room
        Review in the [[{sur}]] Ballroom
        [[{wordhouse}]] Lounge study night
        Meet at [[{wordhouse}]] Conference Room
        Concert, [[{sur}]] Recital Hall
    """),
    "house number": _lines("""
        [[{d4}]] {wordhouse} Hall tour
        Meet at [[{d3}]] {sur} Hall
        Tutoring: [[{d4}]] {sur} Library
    """),
    "clock beside a course": _lines("""
        Review session {l4} 1{d3} at [[{hour}pm]]
        Review in {l4} 1{d3}, [[{hour}:30 PM]]
        {l4} 1{d3} at [[{hour}:15]]
        Study group [[{hour} pm]] in {l4} 1{d3}
    """),
    "login id": _lines("""
        Put your NetID ([[{short}]]) on page 1
        Name your file [[s{d7}]]_A2.zip
        CWID [[{d8}]] needed
        uni: [[{s2}{d4}]]
        Submit as [[z{d7}]].pdf
        UniqName: [[{login}]]
        login [[{s3}{d3}]] for the server
        EID=[[{s2}{d5}]]
    """),
    "national id": _lines("""
        DNI [[{d8}K]]
        RUT [[{rut}]]
        Matrikelnummer: [[{d7}]]
        Matr.-Nr. [[{d8}]]
        CPF [[{cpf}]] on the form
        NINO [[{nino}]]
        my RUT is [[{rutplain}]]
        Cédula [[{d8}]]
        CURP: [[{curp}]]
    """),
    "meeting id": _lines("""
        Zoom ID [[{d3} {d4} {d4b}]] passcode [[{d6}]]
        Zoom meeting ID: [[{d3} {d4} {d4b}]]
        Passcode: [[{d6}]]
        Meeting ID [[{d10}]] pw [[{mixed}]]
        Zoom [[{d11}]]
    """),
    "phone abroad": _lines("""
        Call [[07{d3} {d6}]]
        WhatsApp [[+34 6{d2} {d2b} {d2c} {d2d}]]
        Tel. [[0{d2} {d7}]]
        Text [[06 {d2} {d2b} {d2c} {d2d}]] if late
        phone: [[98{d3} {d5}]]
        Mobile [[04{d2} {d3} {d3b}]]
    """),
    "chat handle": _lines("""
        Discord: [[{login}]]#{d4}
        WeChat: [[{login}_{d2}]]
        Discord [[{login}{d3}]]
        WeChat ID [[{login}]]
        IG: [[{login}]]
        My Telegram is [[{login}_{s2}]]
    """),
    "own code in a title": _lines("""
        [[{d2}-{d3}]] Homework 1 <= {d2}-{d3}
        [[{l4}9{d4}]] Homework 1 <= {l4}9{d4}_2031_SM2
        [[01:{d3}:{d3b}]] Homework 2 <= 01:{d3}:{d3b}
        [[{d5}]] roster quiz <= {d5b}.203110.EA, {d5}.203110.EA
        Final for [[{d2}-{d3}]] <= {d2}-{d3}
        [[EN.{d3}.{d3b}]] HW 4 <= EN.{d3}.{d3b}.01.SP31
        hw2_[[{l3}{d4}]].pdf <= {l3}{d4}
        notes[[{l4}9{d4}]]final <= {l4}9{d4}_2031_SM2
    """),
    "code in a name": _lines("""
        [[{d2}-{d3}]]: {title} <= {d2}-{d3}
        {title} ([[01:{d3}:{d3b}]]) <= 01:{d3}:{d3b}:05
        [[EN.{d3}.{d3b}]] {title} <= EN.{d3}.{d3b}
        [[{d2}-{d3}]] {title} <= x
        [[{l4}9{d4}]] {title} <= {l4}9{d4}_2031_SM2
    """),
    "foreign code": _lines("""
        Same as [[{d2}-{d3}]] malloc lab
        Prereq: [[{l4}1{d4}]]
        Overlaps [[{l3}2{d3}]]
        Review of [[CS {d2}A]]
        [[{l2}{d3}X]] lab
        Cross-listed with [[{d2}-{d3}]]
    """),
    "rest of a section list": _lines("""
        {l4}{d3}[[-0{d3b},0{d3c}]] quiz <= {l4}{d3}
        HIST 3{d3}[[/6{d2}]] essay <= HIST 3{d3}
        {l4}{d3}[[_A0{d1}]] week 2 <= {l4}{d3}
        CS 3{d3}[[-0{d3b}]]: intro <= CS 3{d3}
    """),
    "number with its term": _lines("""
        Data Structures ([[{d5}]]_{year}Spring)
        Quiz for ([[{d5}]]_Fall{year})
        ([[{d5}]]_{year}Spring) syllabus
    """),
}

HELD: Mapping[str, tuple[str, ...]] = {
    "directory id": _lines("""
        {l4}{d3}: {title} ({season} {year}) [[{login}{d2}]]
        {season} {year} {title}-[[{login}]]
        {title} - [[{s2}{d4}]]
        {title} {season} {year} ([[{login}]])
        {l4} {d3} {title}, {season} {year}, [[{login}]]
        [[{login}{d1}]]: {title}
        {title}_{season}{year}_[[{login}]]
        {year} {season} {title} [[{login}]]
    """),
    "school surname": _lines("""
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
    "person after a cue": _lines("""
        Interviewing {init}{init2} [[{sur}]]
        Interview: [[{wordgiven}]]
        Coffee chat with [[{wordgiven} {wordsur}]]
        Office hours with {init} [[{wordsur}]]
        Interview of [[{wordgiven} {sur}]]
        Mentor - [[{wordgiven}]]
        1:1 with [[{wordgiven}]]
        Roommate: {init} [[{sur}]]
    """),
    "place without a number": _lines("""
        [[{wordhouse}]] Banquet Room rehearsal
        Dance social @ [[{sur}]] Ballroom
        [[{l4}]] Conference Room sign-up
        [[{sur}]] Seminar Room moved
        Poster fair: [[{wordhouse}]] Atrium
        Career fair in the [[{wordhouse}]] Fieldhouse
        [[{wordhouse}]] Auditorium seating
        Game night, [[{sur}]] Rec Room
    """),
    "house number": _lines("""
        Lab moved to [[{d3}]] {wordhouse} Building
        [[{d3}]]{init} {sur} Hall, drop off
        Office hours ([[{d4}]] {sur} Tower)
        [[{d2}-{d3}]] {sur} Building walk-through
    """),
    "clock beside a course": _lines("""
        {l4} 1{d3} @ [[{hour}pm]] review
        Help room ({l4} 1{d3}, [[{hour}:45pm]])
        [[{hour}:30]]-[[{hour2}:45]] {l4} 1{d3}
        Make-up in {l4} 1{d3} from [[{hour} p.m.]]
    """),
    "login id": _lines("""
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
    "national id": _lines("""
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
    "meeting id": _lines("""
        Join Zoom: [[{d3}-{d4}-{d4b}]], code [[{d6}]]
        Webinar ID [[{d3} {d4} {d4b}]]
        Teams meeting [[{d3} {d3b} {d3c} {d2}]] Passcode: [[{mixed}]]
        Webex access code: [[2{d3} {d3b} {d4}]]
        meet.google.com/[[{s3}-{s4}-{s3b}]]
        Zoom room {d3} {d3b} [[{d4}]], password [[{mixed}]]
    """),
    "phone abroad": _lines("""
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
    "chat handle": _lines("""
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
    "own code in a title": _lines("""
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
    "code in a name": _lines("""
        {title} [{d2}.{d3}] <= {d2}.{d3}
        [[{l4}-GA {d4}]] {title} <= {l4}-GA {d4}
        {title} - [[{d3}-{d4}]] <= {d3}-{d4}
        [[{d2}{l3}{d3}]] {title} <= {d2}{l3}{d3}
        {title} | [[{l3}:{d4}]] <= {l3}:{d4}:0A{d1}
        [[{d3}.{d3b}]] {title} ({season}) <= y
    """),
    "foreign code": _lines("""
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
    "rest of a section list": _lines("""
        {l4}{d3}[[-0{d3b}/0{d3c}]] recap <= {l4}{d3}
        MATH 2{d3}[[_B0{d1}, _B1{d1}]] exam <= MATH 2{d3}
        CS 3{d3}[[.0{d2}]] & more <= CS 3{d3}
        PHYS 1{d3}[[-{d2}L]] prelab <= PHYS 1{d3}
        {l4}{d3}[[-0{d3b},0{d3c},0{d3d}]]: welcome <= {l4}{d3}
    """),
    "number with its term": _lines("""
        Statistics [[[{d5}]]_{season}{year}]
        [[{d5}]]_{year}Fall review
        Calculus ([[{d5}]]-{year}Spring)
        ([[{d5}]] {season} {year}) Botany
    """),
}

# Two kinds of the held half stood above the aim when it was read; these shapes were written before the rules were changed for them.
SECOND: Mapping[str, tuple[str, ...]] = {
    "directory id": _lines("""
        {title}: {season} {year} / [[{login}]]
        {season} '{d2} {title} [[{login}{d2}]]
        [{season} {year}] {title} ~ [[{login}{d1}]]
        {title} {year}-{season} <[[{login}]]>
        {title} sec {d3} {season}{year}/[[{login}]]
        {title} (Instructor: [[{login}]])
        {title} by [[{login}]] {season} {year}
        [[{login}]] | {title} | {season} {year}
    """),
    "national id": _lines("""
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
