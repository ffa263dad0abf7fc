"""The wordings of the third held half, which were read after they had been counted once: for writing rules by. Data only."""

from __future__ import annotations

from collections.abc import Mapping

from canvas_pipeline_tests.privacy.leak_shapes.wording import lines

SEEN_THIRD: Mapping[str, tuple[str, ...]] = {
    "directory id": lines("""
        [[{login}]] Sandbox
        Sandbox - [[{login}{d1}]]
        Sandbox_[[{login}]]_{year}
        [[{login}]]'s Test Course
        MASTER {title} ([[{login}]])
        DEV: {title}, [[{login}{d1}]]
        {title}: {l4}{d3}-0{d3b} [[{login}]] {year}{season}
        {l4} {d3} - {title} ({d5}) - [[{login}]] - {season} {year}
        {season}{year} {l4}{d3} {d5} [[{login}]]
        {year}SP {title} [[{login}{d2}]]
        zz_OLD_{title}_[[{login}]]
        {title} -- [[{login}]] -- {year}{season}
        Copy of {title} {season} {year} [[{login}{d1}]]
    """),
    "school surname": lines("""
        English 9 - [[{sur}]] - Period 3
        Algebra 1 (Mr. [[{sur}]])
        Mrs. [[{sur}]]'s 3rd Grade Class
        Ms. [[{sur}]] Homeroom {year}
        AP Calculus AB/[[{sur}]]/{year}
        [[{sur}]], {init}. Physical Science MP{d1}
        Advisory [[{sur}]] Gr 10
        Math 7 [[{sur}]]/[[{surb}]] (co-taught)
        {title} w/ [[{sur}]]
        Coach [[{sur}]] PE Per 4
        {year} S2 Team Blue ELA 8 [[{sur}]]
        Concert Band: [[{sur}]]/Hour 6
    """),
    "person after a cue": lines("""
        Guest speaker: Dr. [[{sur}]]
        Conference with Prof. [[{sur}]]
        Email [[{wordgiven} {sur}]] if absent
        TA: [[{wordgiven}]] (section 2)
        Lab partners: [[{wordgiven}]] & [[{wordgivenb}]]
        Substitute: Mrs. [[{wordsur}]]
        Group 4 - [[{wordgiven}]], [[{wordgivenb}]]
        Advisor meeting ([[{wordgiven} {wordsur}]])
        Graded by [[{wordgiven}]]
        Make-up quiz for [[{wordgiven} {sur}]]
        [[{sur}]], [[{wordgiven}]] - extension
        Tutoring by [[{wordgiven} {wordsur}]]
        Peer review of [[{wordgiven}]] {init}.
    """),
    "place without a number": lines("""
        Rehearsal in the [[{sur}]] Theatre
        Meet in [[{wordhouse}]] Courtyard
        Field trip: bus leaves from [[{sur}]] Parking Lot
        Library session ([[{sur}]] Reading Room)
        Final exam location: [[{sur}]] Gymnasium
        Lab day - [[{wordhouse}]] Computer Lab
        [[{sur}]] Science Center, east entrance
        Drop hard copy at the [[{wordhouse}]] Front Desk
        Lecture moved to [[{sur}]] Lecture Theater
        Tuesday study tables in [[{sur}]] Commons
        Showcase: [[{wordhouse}]] Gallery, 2nd floor
    """),
    "house number": lines("""
        Section meets in [[{d4}]]-{init} {wordhouse} Hall
        Pick up exams: [[{d3}]] {sur} Center
        Office: [[{d3}]] {sur} Annex
        Turn in at [[{d4}]] {wordhouse} Science Building
        Lab ([[{d3}]]/[[{d3b}]] {sur} Hall)
        SI session, [[{d3}]] {sur} Hall, Tuesday
        Meet outside [[{d3}]] {sur} Gym
        [[{d1}-{d3}]] {wordhouse} Hall review session
        Mailbox in [[{d3}]] {sur} House
        Exam 2 @ [[{d4}]] {sur} Auditorium
    """),
    "clock beside a course": lines("""
        {l4} 1{d3} Final - [[{hour}:00 AM]]
        {l4}1{d3} exam, Thursday [[{hour}-{hour2}pm]]
        Zoom for {l4} 1{d3} starts [[{hour}.30pm]]
        [[{hour}AM]] {l4} 1{d3} lecture link
        {l4} 1{d3} MWF [[{hour}:10]]
        {l4} 1{d3} ([[{hour}:30a]]-[[{hour2}:50a]])
        Quiz closes [[{hour}:59pm]], {l4} 1{d3}
        {l4} 1{d3} lab | T [[{hour}:00-{hour2}:50]]
        Midterm {l4} 1{d3} [[1{d1}:30]] sharp
        {l4} 1{d3}: class begins [[{hour}:20 a.m.]] Monday
    """),
    "login id": lines("""
        Name the repo cs-[[{login}]]
        ssh [[{login}]]@server
        Your campus ID: [[{login}]]
        Banner ID: [[B00{d6}]]
        A-number [[A0{d7}]] on every page
        EMPLID [[{d7}]]
        PUID = [[00{d8}]]
        github.com/[[{login}]]/hw1
        [[{login}]]_hw4.py
        MyID ([[{login}{d1}]]) on scantron
        GT username: [[{login}{d1}]]
        /home/[[{login}]]/lab2
        SID [[3{d9}]] late add
    """),
    "national id": lines("""
        TFN [[{tfn}]]
        T.C. Kimlik No: [[{tckimlik}]]
        CNP [[{cnp}]] (formular)
        Henkilötunnus [[{hetu}]]
        SA ID number [[{zaid}]]
        Cédula de identidad: [[{ecuador}]]
        身份证号 [[{ric}]]
        주민등록번호 [[{rrn}]]
        OIB: [[{oib}]]
        N° de sécurité sociale [[{nir}]]
        CPR-nr. [[{cpr}]]
        Numero di matricola: [[{d7}]]
        Legajo [[{d5}]]
        Código de estudiante [[{d8}]]
        Numéro étudiant : [[{d8}]]
        RA do aluno [[{d7}]]
    """),
    "meeting id": lines("""
        https://zoom.us/j/[[{d11}]]
        https://{s4}.zoom.us/j/[[{d10}]]?pwd=[[{mixed}]]
        Zoom link (ID: [[{d3} {d4} {d4b}]])
        Office hours Zoom - [[{d3}-{d3b}-{d4}]]
        Personal meeting ID is [[{d10}]]
        Google Meet code [[{s3}-{s4}-{s3b}]]
        Teams: Meeting ID [[{d3} {d3b} {d3c} {d3d}]]
        Zoom (password = [[{d6}]])
        Lecture recording, passcode [[{mixed}]]
        Zoom/[[{d11}]]/week 3
        Webex meeting number: [[{d4} {d3} {d4b}]]
    """),
    "phone abroad": lines("""
        Telefono [[3{d2} {d7}]]
        Celular: [[(11) 9{d4}-{d4b}]]
        Tel: [[+44 20 {d4} {d4b}]]
        Handy [[017{d1}/{d7}]]
        Bel [[06-{d8}]]
        Appeler le [[+33 {d1} {d2} {d2b} {d2c} {d2d}]]
        WhatsApp: [[+91 9{d4} {d5}]]
        Contact no. [[+63 9{d2} {d3} {d4}]]
        Llame al [[55 {d4} {d4b}]]
        电话 [[13{d1} {d4} {d4b}]]
        Fax [[+81-3-{d4}-{d4b}]]
        Mob: [[+61 4{d2} {d3} {d3b}]]
    """),
    "chat handle": lines("""
        follow @[[{login}]] on X
        Instagram: @[[{login}_{s3}]]
        Slack me: @[[{login}]]
        Signal username [[{login}.{d2}]]
        t.me/[[{login}]]
        TikTok @[[{login}{d2}]] project
        linkedin.com/in/[[{login}]]-{d3}
        Skype: live:[[{login}{d1}]]
        Roblox user [[{login}{d3}]]
        Minecraft IGN [[{login}{d2}]]
        Chess.com - [[{login}{d2}]]
        Duolingo username: [[{login}{d2}]]
    """),
    "own code in a title": lines("""
        [[{d2}-{d3}]]_hw3.pdf <= {d2}-{d3}
        Welcome to [[{l4} {d4}-{d2}]] <= {l4} {d4}-{d2}
        [[{l3}{d4}H]] final review <= {l3}{d4}H.31S
        Syllabus: [[{l4}.{d4}.{d3}]] <= {l4}.{d4}.{d3}
        [[{l2} {d4}/{d4b}]] lab manual <= {l2} {d4}/{d4b}
        [[{d3}-{d3b}-{d2}]] homework <= {d3}-{d3b}-{d2}
        Quiz 1 - [[{l4}-{l2} {d4}]] <= {l4}-{l2} {d4}-001
        [[{l1}{d2}.{d4}]] reading <= {l1}{d2}.{d4}.01
        [[{d1}.{d3}{l1}]] pset 2 <= {d1}.{d3}{l1}
        [[{l4}{d5}]] weekly quiz <= {l4}{d5}_31_S1
        Announcements, [[{d4}-{l4}-{d3}]] <= {d4}-{l4}-{d3}
    """),
    "code in a name": lines("""
        [[{l4}.{d4}]] {title} <= {l4}.{d4}
        {title} {season} {year} ([[{d4}-{d2}]]) <= {d4}-{d2}
        [[{d1}.{d3}{l1}]] {title} <= {d1}.{d3}{l1}
        {title} / [[{l3}-{d4}-{d2}]] <= {l3}-{d4}-{d2}
        [[{l2}-{d3}-{l2b}]]: {title} <= {l2}-{d3}-{l2b}
        {season} {year} [[{l1}{d2} {d4}]] {title} <= {l1}{d2} {d4}
        [[{l4}{d5}]] - {title} ({year}) <= {l4}{d5}
        {title}_[[{d3}.{d3b}.{d2}]] <= {d3}.{d3b}.{d2}
        [[{d3}{l2}{d1}]] {title} Sem 2 <= {d3}{l2}{d1}
    """),
    "foreign code": lines("""
        Not open to students who took [[{l4} 3{d3}]]
        [[{l3} {d3}L]] students only
        Material from [[{l4}-{d4}]]
        Waiver exam for [[{l4}{d3}H]]
        Bridge from [[{l2} {d4}]] to this class
        (see [[{l4}.{d4}]] notes)
        Concurrent: [[{l4}*{d4}]]
        [[{l3}-{d3}-{d2}]] transfer eval
        Sequel to [[{l4} 1{d2}A]]
        Honors version: [[{l4} H{d3}]]
        Linked with [[{l4}{d3}W]] & [[{l4b}{d3b}]]
    """),
    "rest of a section list": lines("""
        {l4}{d3}[[.0{d2}/.1{d2b}]] review <= {l4}{d3}
        {l4} {d3} ([[0{d2}, 0{d2b}]]) quiz <= {l4} {d3}
        {l4}{d3} [[0{d2} & 0{d2b}]] exam <= {l4}{d3}
        {l4}-{d3}[[-{d2}H/-{d2b}H]] notes <= {l4}-{d3}
        {l4}{d3}[[_0{d2}_0{d2b}]] homework <= {l4}{d3}
        {l4} {d3}[[:{d2},{d2b}]] lab <= {l4} {d3}
        {l4}{d3}[[-W0{d1}]] welcome page <= {l4}{d3}
        {l4} {d3}[[-1{d2}+1{d2b}]] combined <= {l4} {d3}
        {l4}{d3}[[-0{d2}-LEC]] slides <= {l4}{d3}
    """),
    "number with its term": lines("""
        {season} {year} CRN [[{d5}]] syllabus
        [[{d5}]].{year}30 discussion
        {year}10-[[{d5}]] orientation
        Biology [[{d5}]] {season}{year}
        Anatomy - [[{d5}]] - {season} {year}
        {season} {year}/[[{d5}]] Ceramics
        Ethics, {season} {year}, #[[{d5}]]
        [[{d5}]]-{season}-{year} exam review
        Roster {year}{season}_[[{d5}]]
        Film History ([[{d5}]] – {season} {year})
    """),
}
