"""Wordings that rules are written by. Data only."""

from __future__ import annotations

from collections.abc import Mapping

from canvas_pipeline_tests.privacy.leak_shapes.wording import lines

TRAINING: Mapping[str, tuple[str, ...]] = {
    "directory id": lines("""
        {l4}{d3}-0{d3b}: {title}-{season} {year} [[{login}]]
        {l4}{d3}-0{d3b}/{l4b}{d3}-0{d3b}:  {title}-{season} {year} [[{login}]]/
        {l4}{d3}-0{d3b}: {title}-{season} {year} [[{login}{d1}]]
        {title} {season} {year} [[{login}]]
        {title} - {season} {year} - [[{login}]]
        {title} ([[{login}{d2}]])
    """),
    "school surname": lines("""
        S2-AP Chem-[[{sur}]]-04
        [[{sur}]]_APUSH_{year}
        Geometry Pd 6 [[{sur}]]
        P3 Algebra 2 - [[{sur}]]
        [[{sur}]] - AP Lit - P4
        Biology H-[[{sur}]]-S1
        {title} {season} {year} [[{sur}]]
        {title}_[[{sur}]]_{season}{year}
    """),
    "person after a cue": lines("""
        Interview with {init} [[{sur}]]
        Interview with [[{wordgiven}]]
        Interview with [[{wordgiven} {wordsur}]]
        Interview - [[{wordgiven}]]
        Meeting with {init} [[{sur}]]
        Ask [[{wordgiven}]] about lab 3
        Partner: [[{wordgiven}]]
    """),
    "place without a number": lines("""
        [[{wordhouse}]] Ballroom Practice
        [[{l3}]] Multipurpose Room
        Review in the [[{sur}]] Ballroom
        [[{wordhouse}]] Lounge study night
        Meet at [[{wordhouse}]] Conference Room
        Concert, [[{sur}]] Recital Hall
    """),
    "house number": lines("""
        [[{d4}]] {wordhouse} Hall tour
        Meet at [[{d3}]] {sur} Hall
        Tutoring: [[{d4}]] {sur} Library
    """),
    "clock beside a course": lines("""
        Review session {l4} 1{d3} at [[{hour}pm]]
        Review in {l4} 1{d3}, [[{hour}:30 PM]]
        {l4} 1{d3} at [[{hour}:15]]
        Study group [[{hour} pm]] in {l4} 1{d3}
    """),
    "login id": lines("""
        Put your NetID ([[{short}]]) on page 1
        Name your file [[s{d7}]]_A2.zip
        CWID [[{d8}]] needed
        uni: [[{s2}{d4}]]
        Submit as [[z{d7}]].pdf
        UniqName: [[{login}]]
        login [[{s3}{d3}]] for the server
        EID=[[{s2}{d5}]]
    """),
    "national id": lines("""
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
    "meeting id": lines("""
        Zoom ID [[{d3} {d4} {d4b}]] passcode [[{d6}]]
        Zoom meeting ID: [[{d3} {d4} {d4b}]]
        Passcode: [[{d6}]]
        Meeting ID [[{d10}]] pw [[{mixed}]]
        Zoom [[{d11}]]
    """),
    "phone abroad": lines("""
        Call [[07{d3} {d6}]]
        WhatsApp [[+34 6{d2} {d2b} {d2c} {d2d}]]
        Tel. [[0{d2} {d7}]]
        Text [[06 {d2} {d2b} {d2c} {d2d}]] if late
        phone: [[98{d3} {d5}]]
        Mobile [[04{d2} {d3} {d3b}]]
    """),
    "chat handle": lines("""
        Discord: [[{login}]]#{d4}
        WeChat: [[{login}_{d2}]]
        Discord [[{login}{d3}]]
        WeChat ID [[{login}]]
        IG: [[{login}]]
        My Telegram is [[{login}_{s2}]]
    """),
    "own code in a title": lines("""
        [[{d2}-{d3}]] Homework 1 <= {d2}-{d3}
        [[{l4}9{d4}]] Homework 1 <= {l4}9{d4}_2031_SM2
        [[01:{d3}:{d3b}]] Homework 2 <= 01:{d3}:{d3b}
        [[{d5}]] roster quiz <= {d5b}.203110.EA, {d5}.203110.EA
        Final for [[{d2}-{d3}]] <= {d2}-{d3}
        [[EN.{d3}.{d3b}]] HW 4 <= EN.{d3}.{d3b}.01.SP31
        hw2_[[{l3}{d4}]].pdf <= {l3}{d4}
        notes[[{l4}9{d4}]]final <= {l4}9{d4}_2031_SM2
    """),
    "code in a name": lines("""
        [[{d2}-{d3}]]: {title} <= {d2}-{d3}
        {title} ([[01:{d3}:{d3b}]]) <= 01:{d3}:{d3b}:05
        [[EN.{d3}.{d3b}]] {title} <= EN.{d3}.{d3b}
        [[{d2}-{d3}]] {title} <= x
        [[{l4}9{d4}]] {title} <= {l4}9{d4}_2031_SM2
    """),
    "foreign code": lines("""
        Same as [[{d2}-{d3}]] malloc lab
        Prereq: [[{l4}1{d4}]]
        Overlaps [[{l3}2{d3}]]
        Review of [[CS {d2}A]]
        [[{l2}{d3}X]] lab
        Cross-listed with [[{d2}-{d3}]]
    """),
    "rest of a section list": lines("""
        {l4}{d3}[[-0{d3b},0{d3c}]] quiz <= {l4}{d3}
        HIST 3{d3}[[/6{d2}]] essay <= HIST 3{d3}
        {l4}{d3}[[_A0{d1}]] week 2 <= {l4}{d3}
        CS 3{d3}[[-0{d3b}]]: intro <= CS 3{d3}
    """),
    "number with its term": lines("""
        Data Structures ([[{d5}]]_{year}Spring)
        Quiz for ([[{d5}]]_Fall{year})
        ([[{d5}]]_{year}Spring) syllabus
    """),
}
