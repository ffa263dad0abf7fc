"""Course identities as people and systems write them, each in a table that a test walks.

``WHOLE``: the whole entry is the identity. ``INSIDE``: ``[[…]]`` marks the identity within a text.
What only looks like one is in ``course_decoys``.
"""

from __future__ import annotations

WHOLE: tuple[str, ...] = (
    # the registrar's form and its relatives
    "CS_3704_21936_202601", "cs_3704_21936_202601", "Cs_3704_21936_202601", "CS-3704-21936-202601", "CS 3704 21936 202601",
    "CS.3704.21936.202601", "CS/3704/21936/202601", "MATH_2024H_12345_202509", "math_2024h_12345_202509", "ZZ_9911_33333_202601",
    "QQQ_8001_33333_202606", "XY_101_10001_199901", "CS–3704–21936–202601", "CS—3704—21936—202601", "CS\u00a03704\u00a021936\u00a0202601",
    "CS__3704__21936__202601", "CS370421936202601", "E_1234_21936_202601", "CS_3704_001_21936_202601", "ECE_2024_L01_12345_202601",
    "CS_3704_202601_21936", "202601_CS_3704_21936", "202601_21936_CS_3704", "21936_CS_3704_202601", "202601-CS-3704-21936",
    "CS_3704_202601", "202601_CS_3704", "202601 CS 3704", "CS_3704_21936", "CS-3704-21936", "Cs 3704 21936",
    # no CRN, every separator and case
    "CS 3704", "CS3704", "cs3704", "cs-3704", "CS-3704", "CS_3704", "cs_3704", "Cs3704", "cS 3704", "CS.3704", "CS/3704", "CS|3704",
    "CS~3704", "CS\\3704", "CS#3704", "CS:3704", "CS #3704", "CS  3704", "CS - 3704", "CS – 3704", "CS\t3704", "CS\n3704", "CS—3704",
    "CS\u20103704", "CS\u20113704", "CS\u22123704", "CS\u00a03704", "CS\u20093704", "CS\u202f3704", "CS\u30003704", "CS&nbsp;3704", "CS%203704",
    "CS\u200b3704", "CS\u200d3704", "CS\u20603704", "CS\ufeff3704", "C\u200bS\u200b3\u200b7\u200b0\u200b4", "CS\u00ad3704", "CS \u200e3704",
    "ＣＳ　３７０４", "CS ３７０４", "CS３７０４", "ＣＳ＿３７０４＿２１９３６＿２０２６０１", "CS ٣٧٠٤", "𝐂𝐒 𝟑𝟕𝟎𝟒", "𝖢𝖲𝟥𝟩𝟢𝟦", "CS－3704", "Ⓒⓢ 3704",
    # mixed case, written out, lettered numbers, three digits
    "Econ 2005", "econ 2005", "ECON2005", "Math 1226", "STAT 3005", "stat 3005", "fin3104", "art1404", "info_1204", "STAT 2004", "COMM 2004", "ECE 2024", "MATH 2024", "Psyc 1004", "Engl 1106", "Hist 1116", "Biol 1105",
    "Chem 1035", "Phys 2305", "Mathematics 1226", "Chemistry 1035", "Biology 1105", "Physics 2305", "History 1116", "Psychology 3014",
    "MATH 2024H", "math 2024h", "Math2024h", "CHEM 1045L", "CHEM1045L", "BIOL 1105AB", "PHYS 101", "CS 101", "cs101", "ECE 101H", "MATH 226",
    "ENGL 1106H", "chem-1045l", "BIO 110", "PSYC-101A",
    # ambiguous subjects in capitals
    "ART 1404", "BUS 2314", "IS 4414", "IT 2104", "ME 3124", "AS 1115", "MS 2944", "LAW 3004", "REL 1024", "FIN 3104", "INFO 1204", "COMM 2004",
    "COMP 3704", "RED 4984", "SCI 1004", "STS 2054", "CE 3104", "SPAN 1105", "LAT 1114", "HUM 1704", "IR 2104", "AT 0984",
    # unknown subjects
    "XYZ 4411", "XYZ4411", "XYZ-4411", "XYZ_4411", "QABC 2114", "ZORP 3704", "XYZ 4411H", "QWERT 1001", "XYZ_4411_202601", "XYZ 4411-001",
    "XYZ_4411_33333",
    # sections and terms
    "CS 3704-001", "CS-3704-001", "CS_3704_001", "CS3704.001", "CS 3704-01", "CS 3704-L01", "cs3704-001",
    "CS 3704 Spring 2026", "CS 3704, Spring 2026", "CS3704 Fall 2025", "CS_3704_Spring_2026", "CS-3704-Fall-2025", "CS 3704 2026 Spring",
    "CS 3704 spring 2026", "Spring 2026 CS 3704", "Fall 2025 MATH 1226", "2026 Spring CS 3704", "Spring_2026_CS_3704", "2026Spring_CS_3704",
    "CS3704 Summer2026", "CS 3704 SP26", "CS3704-FA25", "CS3704_SP2026", "CS 3704 Winter 2026", "CS 3704 Autumn 2025", "CS 3704-001 Spring 2026",
    "Summer 2025 Cs 3704", "cs 3704 su26", "MATH 2024H Spring 2026", "CS 3704 Spring '2026",
    # cross-listed
    "CS/ECE 2500", "CS / ECE 2500", "MATH/STAT/CS 4424", "CS&ECE 2500", "CS 4624/5624", "CS 4624 / 5624", "CS 4624/ECE 4624", "CS4624/5624",
    "CS 4624 & 5624", "CS 2114, 2505 and 3704", "CS 2114 and 2505", "CS 2114, 2505", "CS 4624/ECE 4624/MATH 4624", "XYZ/CS 2500",
    "CS 4624&5624G", "CS 2114 or 2505",
)  # fmt: skip

INSIDE: tuple[str, ...] = (
    "Notes for [[CS 3704]] exam", "[[CS 3704]]: Software Engineering", "([[CS 3704]])", "“[[CS 3704]]”", "<[[CS 3704]]>",
    "site_[[CS_3704_21936_202601]]_main", "_[[CS3704]]_", "__[[CS 3704]]__", "x_[[cs3704]]_y", "backup-[[CS_3704_21936_202601]].zip",
    "site[[CS_3704_21936_202601]]x", "9[[CS_3704_21936_202601]]", "@[[CS_3704_21936_202601]]", "#[[CS3704]]", "[[cs3704]]exam", "[[CS3704]]Final",
    "my[[CS3704]]", "2026[[CS3704]]", "the[[CS3704]] site", "[[CS_3704_21936_2026011]]", "[[CS3704]], HW 2", "[[CS3704]]; Lab", "[[CS3704]]'s page",
    "[[CS3704]]’s page", "Due in [[MATH 1226]].", "HW3 [[CS3704]]", "[[CS 3704]] MWF 10:10-11:00", "[[CS-3704]] TR 9:30 AM", "[[CS 3704]] Section 003",
    "[[CS 3704]] Sec. 3", "[[CS_3704_21936_202601]] MWF 10:10", "[[CS_3704_21936_202601]]  ", "  [[CS3704]] ", "[[CS_3704_21936_202601]]_MWF",
    "[[CS 3704]] - Smith", "[[CS_3704_21936_202601]]: Data Structures", "Re: [[CS 3704]] 🎉", "🎉[[CS3704]]🎉", "[[CS\u00a03704]]\u00a0📚 notes",
    "CS Club & [[CS 3704]]", "Spring: [[CS 3704]] and Fall: [[CS 2114]]", "[[CS 2114]] → [[CS 3704]]", "[[CS 2114]]; [[MATH 1226]]; [[ENGL 1106]]",
    "prereq: [[CS 2114]]", "take [[PHYS 2305]] before [[PHYS 2306]]", "EXAM FOR [[ART 1404]]", "HTTP 404 in [[CS 3704]]", "FALL 2023 archive of [[CS3704]]",
    "Week 10: [[HIST 1116]] 1000 words", "[[CS 3704]] and 1000 words", "[[CS 3704]], 100 points", "[[CS 3704]] 100 points", "[[ECON 2005]] students",
    # bare reference numbers
    "Data Structures ([[21936]])", "Data Structures [x] ([[21936]])", "Econ ( [[21936]] )", "Calc [x] [ [[21936]] ]",
    "CRN [[21936]]", "CRN: [[21936]]", "CRN#[[21936]]", "crn [[21936]]", "crn_[[21936]]", "CRN[[21936]]", "(CRN [[21936]])", "CRN is [[21936]]",
    "CRNs [[21936, 21940]]", "CRNs: [[21936/21940]]", "CRNs are [[21936 and 21940]]", "\"crn\": \"[[21936]]\"", "crn=[[21936]]", "CRN - [[21936]]",
    "[[21936]] (CRN)", "[[21936]] CRN", "course reference number [[21936]]", "Course Reference Number: [[21936]]", "call number [[21936]]",
    "class number [[21936]]", "class # [[21936]]", "Section [[21936]]", "section: [[21936]]", "course [[21936]]", "register for [[21936]]",
    "enroll in [[21936]]", "waitlisted for [[21936]]", "force-add [[21936]]", "registration #[[21936]]", "（[[21936]]）", "([[２１９３６]])",
    "CRN\u00a0[[21936]]", "CRN\u200b[[21936]]", "Lab ([[21936/21940]])", "Lab ([[21936, 21940]])", "the CRN: [[21936]].", "CRN [[21936]]!",
    # partly masked
    "****_[[3704_21936_202601]]", "@COURSE12345678_[[21936_202601]]", "@COURSE12345678 [[21936 202601]]",
    "CS_@COURSE12345678_[[21936]]", "@COURSE12345678 [[21936]]", "@COURSE12345678_[[3704_21936]]", "CS_****_[[21936_202601]]", "CS_####_[[21936-202601]]",
    "[[202601_21936]]", "██_[[3704_21936_202601]]", "[REDACTED]_[[21936_202601]]", "@COURSE12345678-[[21936]]-x", "██ [[CS 3704]] ██",
    "@COURSE12345678 and [[CS 3704]]", "@PERSON123456's [[CS3704]] draft", "@EMAIL123456_[[CS_3704_21936_202601]]",
    # two-letter and shouted unknowns where the context says course
    "[[QQ 4411]] exam", "syllabus of [[QQ 4411]]", "EXAM NOTES FOR [[XYZ 4411]] TODAY", "class [[QQ 4411]]", "[[QQ 4411-001]]",
    "[[Economics 2005]] syllabus", "HISTORY COURSE [[ART 2014]]",
    # addresses are masked whole
    "mail [[cs3704-staff@example.edu]] now", "to [[jo@cs3704.example.edu]].", "see [[https://canvas.example.edu/courses/CS_3704_21936_202601/files]]",
    "see [[www.example.edu/cs3704/syllabus]] today", "([[https://example.edu/CS3704]])",
    # subjects that are a word or nearly one, written so that only a course is meant
    "Drop [[Soc 1061]] before the deadline", "Reminder: [[fin 1280]] problem set five", "Syllabus of [[Fin 3811]] attached",
    "Write-up for the bench work ([[me_1383]])", "Recordings of [[me2264]] are up", "Exam conflict: [[Me 1695]] – see announcement",
    "Urban Planning ([[Me 5715]])",
)  # fmt: skip
