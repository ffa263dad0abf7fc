"""The invented campus of the synthetic contributors: subjects, topics, forms of work, people, buildings.

Data only, and nothing is real: given names and surnames are combined at random, telephone numbers are from the range reserved for
fiction (555-01xx), SSNs from the block reserved for advertising (987-65-43xx), domains are ``example.*``. The name tables are
separate from those of ``gazetteer`` on purpose, so that recall is measured on names that the recognisers do not contain.
"""

from __future__ import annotations

from typing import NamedTuple

from canvas_pipeline.tracks.canvas.rows import ItemType


class Subject(NamedTuple):
    code: str
    courses: tuple[tuple[str, str], ...]  # number, title
    topics: tuple[str, ...]


def _subject(code: str, courses: str, topics: str) -> Subject:
    pairs = tuple((entry.split(" ", 1)[0], entry.split(" ", 1)[1]) for entry in courses.split("|"))
    return Subject(code, pairs, tuple(topics.split("|")))


SUBJECTS: tuple[Subject, ...] = (
    _subject("CS", "2114 Software Design|3704 Intermediate Software Engineering|1064 Introduction to Programming",
             "Recursion|Sorting|Hash Tables|Linked Lists|Unit Testing|Big-O Analysis|Graph Search|Refactoring|Version Control|Inheritance|Binary Trees|Iterators|Debugging|Parsing"),
    _subject("MATH", "2204 Multivariable Calculus|1226 Calculus of a Single Variable|2114 Linear Algebra",
             "Limits|Partial Derivatives|Eigenvalues|Double Integrals|Matrix Inverses|Taylor Series|Vector Fields|Determinants|Gradients|Line Integrals|Row Reduction|Curl|Improper Integrals|Bases"),
    _subject("ENGL", "1106 Writing from Research|2604 Introduction to Critical Reading|1664 American Short Fiction",
             "Thesis Statements|Close Reading|Annotated Bibliography|Narrative Voice|Peer Review|Rhetorical Analysis|Metaphor|Citations|Personal Essay|Revision Plan|Sonnets|Irony|Source Synthesis|Setting"),
    _subject("BIOL", "1105 Principles of Biology|2704 Evolutionary Biology|2304 Plant Biology",
             "Mitosis|Photosynthesis|Natural Selection|Cell Membranes|Genetic Drift|Enzymes|Food Webs|Phylogeny|DNA Replication|Osmosis|Speciation|Meiosis|Leaf Anatomy|Fossils"),
    _subject("CHEM", "1035 General Chemistry|2535 Organic Chemistry|1045 General Chemistry Laboratory",
             "Stoichiometry|Titration|Molarity|Bonding|Gas Laws|Isomers|Acids and Bases|Spectroscopy|Redox|Reaction Rates|Safety Training|Chirality|Calorimetry|Lewis Structures"),
    _subject("PHYS", "2305 Foundations of Physics|2306 Electricity and Optics|1055 Introduction to Astronomy",
             "Kinematics|Friction|Torque|Circuits|Momentum|Thin Lenses|Work and Energy|Waves|Magnetism|Projectiles|Capacitors|Stars|Orbits|Interference"),
    _subject("ECON", "2005 Principles of Economics|3104 Microeconomic Theory|2006 Macroeconomics",
             "Elasticity|Inflation|Opportunity Cost|Market Failure|Trade|Monopoly|Price Controls|Unemployment|Fiscal Policy|Externalities|Game Theory|Interest Rates|Budget Lines|Growth"),
    _subject("HIST", "1116 World History since 1500|3544 History of Science|1215 American History",
             "Industrial Revolution|Reconstruction|Silk Road|Cold War|Primary Sources|Treaty of Versailles|Printing Press|Decolonization|New Deal|Gold Rush|Civil Rights|Enlightenment|Map Exercise|Oral History"),
    _subject("PSYC", "1004 Introductory Psychology|2034 Developmental Psychology|3014 Cognitive Psychology",
             "Memory|Attachment|Classical Conditioning|Sleep|Perception|Motivation|Bias|Language|Attention|Stress|Personality|Emotion|Learning|Decision Making"),
    _subject("STAT", "3005 Statistical Methods|2004 Introductory Statistics|3704 Statistics for Engineers",
             "Sampling|Confidence Intervals|Regression|Hypothesis Tests|Boxplots|Probability|Normal Curve|ANOVA|Study Design|Correlation|Bootstrap|Chi-Square|Outliers|Residuals"),
    _subject("PHIL", "1204 Knowledge and Reality|1304 Morality and Justice|2125 History of Ancient Philosophy",
             "Stoicism|Free Will|Utilitarianism|Plato|Skepticism|Personal Identity|Virtue|Social Contract|Arguments|Induction|Justice|Aristotle|Duty|Consciousness"),
    _subject("ECE", "2024 Circuits and Devices|2544 Fundamentals of Digital Systems|1004 Introduction to Engineering",
             "Logic Gates|Op Amps|Karnaugh Maps|Flip-Flops|Phasors|Breadboards|State Machines|Nodal Analysis|Soldering|Filters|Boolean Algebra|Transistors|Timers|Counters"),
    _subject("MUS", "1104 Music Appreciation|2116 Theory of Music|1005 World Music",
             "Sonata Form|Rhythm|Blues|Cadences|Listening Log|Jazz|Intervals|Opera|Concert Report|Chords|Minimalism|Folk Songs|Ear Training|Counterpoint"),
    _subject("COMM", "2004 Public Speaking|1015 Communication Skills|3064 Persuasion",
             "Impromptu Speech|Outlines|Active Listening|Audience Analysis|Visual Aids|Persuasive Speech|Interviews|Storytelling|Ethics|Delivery|Debate|Group Roles|Self-Evaluation|Elevator Pitch"),
)  # fmt: skip

# template, Canvas type, submission types, points. {t} is a topic, {n} a running number.
FORMS: tuple[tuple[str, ItemType, tuple[str, ...], float | None], ...] = (
    ("Homework {n}: {t}", "ASGN", ("online_upload",), 20.0),
    ("{t} Quiz", "QUIZ", ("online_quiz",), 10.0),
    ("Lab {n} – {t}", "ASGN", ("online_upload",), 25.0),
    ("Reading {n}: {t}", "ASGN", ("online_text_entry",), 5.0),
    ("Discussion {n}: {t}", "DISC", ("discussion_topic",), 10.0),
    ("Project {n}: {t}", "ASGN", ("online_upload", "online_url"), 100.0),
    ("{t} Worksheet", "ASGN", ("on_paper",), 15.0),
    ("Quiz {n} - {t}", "QUIZ", ("online_quiz",), 12.0),
    ("{t} Reflection", "ASGN", ("online_text_entry",), 10.0),
    ("{t} Problem Set", "ASGN", ("external_tool",), 30.0),
    ("Exam {n}: {t}", "QUIZ", ("online_quiz",), 150.0),
    ("Presentation: {t}", "ASGN", ("media_recording",), 50.0),
    ("{t} Draft", "ASGN", ("online_upload",), 20.0),
    ("In-class: {t}", "ASGN", ("none",), 0.0),
    ("What’s next in {t}?", "DISC", ("discussion_topic",), 5.0),
    ("{t} Practice", "QUIZ", ("online_quiz",), None),
)

# Titles that every course has: they repeat across courses and must survive the merge.
COMMON_TITLES: tuple[tuple[str, ItemType, tuple[str, ...], float | None], ...] = (
    ("Syllabus Quiz", "QUIZ", ("online_quiz",), 5.0),
    ("Midterm Exam", "QUIZ", ("online_quiz",), 100.0),
    ("Final Exam", "QUIZ", ("on_paper",), 200.0),
    ("Introduce Yourself", "DISC", ("discussion_topic",), 5.0),
    ("Attendance", "ASGN", ("none",), 10.0),
    ("Course Evaluation", "ASGN", ("external_tool",), None),
)

# Looks like an identity and is none: must come through unchanged.
DECOYS: tuple[str, ...] = (
    "FALL 2023 archive", "ISO 8601 dates", "HTTP 404 lab", "EXAM 100 points", "COVID 2020 case study", "RFC 2616 notes",
    "Python 3.12 setup", "Essay on 1984", "Chapter 1105 questions", "Version 2.10.4 notes", "SPRING 2025 review",
    "Top 500 words", "UTF 8 exercise", "Unit 12 recap", "1,000 digits of pi", "Order 66 debate", "IEEE 754 floats",
)  # fmt: skip

GIVEN_NAMES: tuple[str, ...] = tuple(
    "Adaeze Amara Anneliese Arjun Bronwen Caspian Dariela Eirik Farida Giulia Henrike Ibrahim Ingrid Jovana Kenji Leocadia "
    "Mateo Nadia Oluwaseun Priya Quentin Rosalind Sunniva Tobias Ulrike Viktor Wanjiru Ximena Yusuf Zelda Grace Daniel "
    "Laura Kevin".split()
)
SURNAMES: tuple[str, ...] = tuple(
    "Achterberg Bellweather Castellanos Dragomir Eszterhas Featherstone Grzybowski Halvorsen Iwasaki Jankowiak Kowalczyk "
    "Lindqvist Mbeki Nakagawa Okonjo Papadakis Quesnel Rautenbach Szymanski Thorvaldsen Umarov Vasquez Wolverton Xiong "
    "Yamauchi Zelenko Bennett Coleman Morales Hughes".split()
)
# None of these are in `patterns`' list of well-known building words except by their last word (Hall, Center …).
BUILDINGS: tuple[str, ...] = (
    "Wexford Hall", "Birchmere Center", "Larkspur Hall", "Quarry Auditorium", "Tamarack Building", "Holloway Library",
    "Penrose Tower", "Ashgrove Gym",
)  # fmt: skip
EMAIL_DOMAINS: tuple[str, ...] = (
    "example.edu", "mail.example.edu", "cs.dept.example.org", "Example.COM", "EXAMPLE.EDU", "students.example.net",
    "example.co.uk",
)  # fmt: skip
CONTRIBUTOR_STEMS: tuple[str, ...] = ("ada", "bo", "cy", "dee", "eli", "fay", "gus", "hal", "ivy", "jo")
SUBMISSION_ODDITIES: tuple[str, ...] = ("not_graded", "student_annotation", "basic_lti_launch")
