"""What only looks like a course identity, by what it is instead: to be left alone. A test walks ``DECOYS``."""

from __future__ import annotations

_TERMS = (
    "FALL 2023", "Fall 2023", "fall 2023", "SPRING 2025", "SUMMER 2024", "WINTER 2022", "AUTUMN 2021",
    "Spring 2026 exam", "TERM 2026", "AY 2024", "FY 2025", "SP 2026", "FA 2025", "SU 2026", "MAR 2026", "JUNE 2026",
    "JULY 1776", "APRIL 1865", "SEPT 2025", "September 2025", "DEC 1941", "Year 2025", "2026 Spring", "Default Term",
    "2025 Summer Session 2", "202601", "2026-01", "2026_01_15", "SEMESTER 2025", "MAY 1968", "MARCH 1917",
    "Nov. 1918",
)  # fmt: skip
_STANDARDS = (
    "ISO 8601", "ISO 9001", "ISO8601", "ISO-8601", "iso 8601", "RFC 2616", "RFC 7231", "rfc2119", "IEEE 754",
    "IEEE 1394", "IEEE 802.11", "ANSI 1234", "UTF 8", "UTF 1600", "ASCII 127", "SHA 256", "SHA256", "SHA-512",
    "AES 256", "AES-128", "RSA 2048", "RSA 4096", "DIN 4102", "EN 1090", "BS 5750", "ASTM 1234", "NIST 800",
    "OSHA 1910", "SAE 1020 steel", "AISI 4140", "NFPA 1600", "ITU 1200", "MIL 1553", "MIL-STD 1553", "UL 1449",
    "NEMA 1234", "IEC 61131", "ISBN 1234", "CVE 2021", "CVE-2021-44228", "CAS 7732", "UN 1203", "IP 1234", "IPV 4096",
    "USB 3000", "PCI 3000",
)  # fmt: skip
_ERRORS = (
    "HTTP 404", "HTTP 500 errors", "http 404", "HTTP404", "Error 1045", "error 500", "ERR 1234", "ERROR 4411",
    "error code XYZ 4411", "Code 1001", "exit code 137", "404 page", "Bug 12345", "BUG 4411", "issue #12345",
    "error ORA-1555", "status 503", "BSOD 0x000", "code: WXYZ-4411", "PR 12345", "GH 1234",
)  # fmt: skip
_WORK = (
    "EXAM 100", "EXAM 1000", "Exam 101 review", "QUIZ 1000", "Quiz 100", "MIDTERM 100", "FINAL 2026", "HW 1234",
    "HW 100", "Homework 1000", "LAB 100", "LAB 1001", "UNIT 1200", "Unit 12 recap", "WEEK 100", "Week 10",
    "PART 1234", "STEP 1000", "TASK 1001", "PAGE 1105", "PAGES 1200", "Page 1105", "pp. 1105", "PP 1105-1110",
    "Chapter 1105 questions", "CH 1105", "CHAP 1105", "FIG 1234", "TABLE 1000", "EQ 1001", "PS 1234", "PSET 100",
    "PROJ 1000", "TEST 1000", "LEVEL 1000", "SLIDE 1001", "worth 1000 points", "100 points", "EXAM 100 points",
    "MATH: 100 points", "Math 100 points", "Stats: 150 pts", "PHYS 100%", "CHEM 100%", "1500 words",
    "it is 1000 words", "Top 500 words", "TOP 1000", "Order 66 debate", "ORDER 1234", "1,000 digits of pi",
    "10000 steps", "12345 steps", "10,000 hours", "MAX 1000", "MIN 1200 words", "READ 1500 WORDS", "WRITE 1000 WORDS",
    "THIS IS 300 POINTS", "THERE ARE 1200 OF THEM", "EARN 2000 POINTS", "ONLY 1500 LEFT", "YOU GET 1000 XP NOW",
    "ESSAY 1500", "GROUP 1234", "TEAM 1101", "Essay (1500 words)", "score 1450", "SAT 1450", "GRE 330", "AP 1234",
    "grade of 1000", "XYZ 4411 points",
)  # fmt: skip
_NUMBERS = (
    "Version 2.10.4 notes", "version 3704", "Python 3.12 setup", "v1.2.3456", "V 2024", "VER 1234", "Windows 2000",
    "WIN 2000", "Office 2019", "PHP 8100", "Linux 6100", "Essay on 1984", "Orwell’s 1984", "in 1776", "1914-1918",
    "1,234", "3.14159", "2026-03-01T04:59:59Z", "12:30", "03/01/2026", "COVID 2020", "COVID 2020 case study",
    "COVID-2019", "SARS 2003", "WWII 1945", "GDP 2008", "AD 1066", "BCE 1200", "1200 BC", "Olympics 2024",
    "World Cup 2022", "Class of 2026", "Vision 2030", "agenda 2030", "ENIAC 1946", "Apollo 11", "GPT 4000",
    "the year 2000", "Y2K 2000", "ATARI 2600 POINTS", "zip 24060", "Blacksburg, VA 24060", "FL 32601", "PO Box 1234",
    "PIN 1234", "ZIP 24061", "$21936", "21,936", "21936 people", "12345.67", "0.21936", "order 1234-5678",
    "ISBN 978-3-16-148410-0", "tel 1234", "Room 1234", "ROOM 1234", "RM 1100", "Hall 1234", "Suite 1200", "APT 1234",
    "BOX 1234", "BLDG 1234", "(540) 555-0199", "540-555-0199", "987-65-4321", "905123456", "Economics 2008",
    "economics 2008 crisis", "History 1945", "English 2020", "Philosophy 1900", "VT 2025", "VT 2026 calendar",
)  # fmt: skip
_SCIENCE = (
    "CO 2000", "CO 1500 ppm", "NO 1200", "NOX 1200", "NACL 1000 mg", "CU 1083", "AL 6061", "AL 7075", "KCL 1000",
    "NACA 2412", "NACA 4415", "NGC 1300", "NGC 4151", "PSR 1913", "SN 1987", "galaxy ABC 4151", "KHZ 1000",
    "MHZ 2400", "PPM 1500", "RPM 1200", "HZ 1000", "phys100mL", "100mL", "1000 K", "PSI 3000", "XYZ 3000 psi",
    "XYZ 1500 kg", "QRS 2000 rpm", "LED 1000", "RGB 1000", "DDR 3200", "GTX 1080", "RTX 3080", "RTX 4090", "STM 3200",
    "ESP 3266", "MSP 4300", "LTC 2400", "IBM 7090", "IBM 1130", "PDP 1100", "CPU 3000", "GPU 4090", "HP 1200",
    "TI 1234", "VAX 1170", "DNA 100", "RNA 1000 bits", "H2SO4 1000",
)  # fmt: skip
_WAYS = (
    "bus 4410", "Bus 1204", "bus 38", "bus 100", "bus route XYZ 4410", "flight DLX 4410", "Flight 1549", "UA 1549",
    "AA 1549", "DL 1234", "BA 2490", "RT 4600", "Route 4600", "HWY 1234", "SR 1200", "I-81 exit 118", "GATE 1234",
    "TRAIN 1234", "train ACEX 1234", "locker ABC 1234", "license plate ABC 1234", "Form 1040", "FORM 1040",
    "IRS 1040", "FDA 1571", "EPA 1664", "CFR 1910", "HB 1234", "SB 1070", "model ABC 1234", "printer ABC 1234",
    "chip XYZ 7400", "SDG 2030", "OPUS 1234", "BWV 1080", "OP 1234",
)  # fmt: skip
_WORDS = (
    "ee4779cdc944", "item ee4779cdc944e853", "Is 1413 the answer", "At 1400 we meet", "give me 1383 of them",
    "art 1404", "bus 1234", "is 3704", "me 3704", "it 1000", "as 1234", "are 1200", "real 2000", "red 1234",
    "law 1000", "edit 1234", "Xyz 4411", "xyz 4411", "abc 1234", "Team 1234", "with 3704", "about 1500 people",
    "over 2000", "SINCE 1776", "BORN 1564", "DIED 1616", "CIRCA 1500", "ABOUT 1500", "UNTIL 2030",
    "FROM 1200 TO 1500", "AND 1000", "THE 4400", "FOR 1234", "NEW 2024 RULES", "@COURSE12345678", "@PERSON123456",
    "@EMAIL3 and @ROOM12", "@STUDENT_ID123456", "@TIME123456 MWF", "cee3704ab12f", "5f3bio2210ce", "a3cs4821b9ff",
    "id 0123456789ab", "call:canvas.get_course{course_id:182734}", "Homework 3", "Lab 2 – Titration", "Midterm Exam",
    "Syllabus Quiz", "", "   ", "🎉🎉", "CS", "CS majors", "CS 37", "2nd CS exam", "MATH 12", "QQ 4411", "IN 4411",
    "XYZ 8411", "XYZ 2005", "ABCDEF 4411",
)  # fmt: skip
DECOYS: tuple[str, ...] = tuple(
    dict.fromkeys((*_TERMS, *_STANDARDS, *_ERRORS, *_WORK, *_NUMBERS, *_SCIENCE, *_WAYS, *_WORDS))
)
