"""Words for values that stand in no account: reasons, descriptions, activities, questions, kinds of work, forms of deadlines."""

from __future__ import annotations

from collections.abc import Mapping

REASONS: tuple[str, ...] = (
    "it was cancelled", "I am ill", "I have no time", "it clashes with work", "I finished early", "the date changed",
    "I will not go", "it is a duplicate", "I have an exam", "my plans changed", "it was moved", "I need to rest",
    "I am travelling", "I have to study", "we meet online", "nobody can come", "I'm sick", "something came up",
    "I got the day wrong", "my friend can't make it", "I have a cold", "the train is late", "I'm too tired",
)  # fmt: skip
DESCRIPTIONS: tuple[str, ...] = (
    "bring laptop", "take notes", "phone off", "bring the book", "meet online", "start with the hard part", "quiet place",
    "ask questions", "bring water", "two chapters", "use the template", "with the group", "bring headphones", "print the slides",
)  # fmt: skip
ACTIVITIES: tuple[str, ...] = ("Study", "Work on", "Review", "Finish", "Start", "Practise", "Read for", "Prepare")
QUERIES: tuple[str, ...] = (
    "which first", "which one first", "what is more urgent", "which is due first", "what should I do first",
    "which comes first", "what to start with", "which has priority", "what is more important", "which should I start",
    "which one matters more", "what do I do first", "what should I tackle first",
)  # fmt: skip
TASK_WORDS: Mapping[str, tuple[str, ...]] = {
    "writing": ("writing", "essay writing", "writing a paper", "writing my essay"),
    "problem_set": ("problem sets", "problem set work", "a problem set", "my problem set"),
    "exam_prep": ("exam prep", "exam preparation", "preparing for an exam", "studying for an exam"),
    "project_work": ("project work", "working on a project", "a project", "my group project"),
    "reading": ("reading", "reading a chapter", "textbook reading", "reading a paper"),
    "review": ("review", "reviewing notes", "a review", "going over my notes"),
    "admin": ("admin", "admin tasks", "admin stuff", "emails and admin"),
    "discussion": ("discussion posts", "a discussion", "discussion board posts", "a discussion reply"),
    "lab": ("lab work", "a lab", "lab reports", "my lab report"),
}
DEADLINE_FORMS: tuple[str, ...] = (
    "{title} due {adverbial} ({hours} hours)",
    "{title} {adverbial}, {hours} hours",
    "{title}, {bare}, {hours}h",
    "{title} due {bare}, about {hours} hours",
)
"""``bare`` and ``adverbial`` are the due day."""
