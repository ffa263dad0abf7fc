"""Texts for mock accounts: events, announcements, planner notes, syllabus sentences.

No text contains a name, a place, a marker or a digit that could be read as an identity. ``students`` uses these tables and corpus
items only."""

from __future__ import annotations

PERSONAL_EVENTS: tuple[str, ...] = (
    "Gym", "Dentist", "Work shift", "Club meeting", "Band practice", "Choir", "Volunteering", "Doctor", "Group call",
    "Team practice", "Office hours", "Tutoring", "Lunch with friends", "Career fair", "Language exchange", "Swimming",
    "Haircut", "Job interview", "Movie night", "Running group", "Chess club", "Debate club", "Film club", "Yoga",
    "Study group", "Advising", "Blood donation", "Bike repair", "Library shift", "Pottery class",
)  # fmt: skip

ALL_DAY_EVENTS: tuple[str, ...] = (
    "Family visit",
    "Reading day",
    "Birthday",
    "Open house",
    "Drop deadline",
    "Move-out day",
)

EXAMS: tuple[str, ...] = (
    "Midterm exam", "Final exam", "Midterm", "Written exam", "Oral exam", "Lab exam", "Second midterm", "Practice exam",
)  # fmt: skip

ANNOUNCEMENTS: tuple[tuple[str, str], ...] = (
    ("Slides posted", "The slides of the last lecture are online."),
    ("Quiz postponed", "The quiz moves to next week."),
    ("Office hours moved", "Office hours start an hour later this week."),
    ("Grades posted", "Scores of the last assignment are visible now."),
    ("Guest lecture", "There is a guest lecture this week."),
    ("Reading list", "The reading list has two new chapters."),
    ("Lab is online", "This week the lab meets online."),
    ("Extra credit", "An extra credit task is open."),
    ("Review session", "A review session is held before the exam."),
    ("Class cancelled", "There is no class on Friday."),
    ("Project groups", "Please choose your project group."),
    ("Survey open", "The course survey closes soon."),
    ("Template updated", "Use the new report template."),
    ("Deadline reminder", "Do not forget the next deadline."),
)

PLANNER_NOTES: tuple[tuple[str, str], ...] = (
    ("Read chapter", "take notes"),
    ("Return books", "library desk"),
    ("Email tutor", "ask about feedback"),
    ("Print notes", "both sides"),
    ("Watch lecture", "at double speed"),
    ("Make flashcards", "one set"),
    ("Fix citations", "use the guide"),
    ("Draft outline", "one page"),
    ("Check feedback", "then revise"),
    ("Buy notebook", "squared paper"),
    ("Rewrite notes", "clean copy"),
    ("Practice problems", "odd ones only"),
)

DEPARTMENTS: tuple[str, ...] = ("QB", "QV", "QZ", "VX", "WX", "XA", "XE", "XR", "ZB", "ZK", "ZQ", "ZV")
"""Letters of course codes that no school has: a contributor's own are masked, and the audit knows them."""

OTHER_COURSES: tuple[str, ...] = (
    "Astronomy", "Film Studies", "Marine Biology", "Music Theory", "Robotics", "Game Design", "Ceramics", "Latin",
    "Criminology", "Meteorology", "Bird Watching", "Medieval Poetry", "Knitting", "Chess Theory", "Wine Tasting",
)  # fmt: skip
"""Courses that a student asks for and does not have."""

GRADING: tuple[str, ...] = (
    "Homework counts 40 percent, exams 60.",
    "The final exam counts half.",
    "Projects count 70 percent.",
    "Weekly quizzes count a third.",
    "Labs and reports count equally.",
    "Participation counts 10 percent.",
    "The lowest score is dropped.",
    "Every assignment counts the same.",
)

LATE_POLICY: tuple[str, ...] = (
    "Late work loses 10 percent a day.",
    "Late work is not accepted.",
    "You may be late twice.",
    "Late work is fine for two days.",
    "Ask before the deadline for more time.",
    "Late work gets half credit.",
)
