"""Names that are common in student bodies, and words of courses that name nobody a student meets.

``GIVEN`` and ``SURNAMES`` are evidence for a person, ``ORDINARY`` (words of course work) is evidence against one. ``FAMOUS`` and
``EPONYMS`` are people, works and terms of the curriculum: alone in a title they are course work, beside a title ("Dr. Newton") or
another cue they are a person. ``TERMS``, in lower case, decide on the name recogniser's findings only: the recogniser does not read
them, and the rules for people do not either. The lists are independent of the synthetic people that recall is measured on.
"""

from __future__ import annotations

from canvas_pipeline.privacy.word_lists import word_list

GIVEN = frozenset(word_list("given_names"))
SURNAMES = frozenset(word_list("surnames"))
ORDINARY = frozenset(word_list("course_work"))
FAMOUS = frozenset(word_list("famous_names"))
EPONYMS = frozenset(word_list("eponyms"))
FULL_NAMES = frozenset(name.lower() for name in word_list("full_names"))
"""Authors, figures, works and events in full; a span within one of these is no identity."""
FIELD_WORDS = frozenset(word_list("field_words"))
LANDS = frozenset(word_list("lands"))
"""Countries, states, continents and peoples: too wide to be where somebody is."""

PROGRAMS = frozenset(word_list("programs"))
CLIPPED = frozenset(word_list("clipped_words"))
TERM_EPONYMS = frozenset(word_list("term_eponyms"))
TERMS = PROGRAMS | CLIPPED | TERM_EPONYMS | frozenset((*word_list("brands"), *word_list("borrowed_words")))
NAMESAKES = frozenset(word_list("namesakes"))
"""Those of ``TERMS`` that many people are called: terms only beside what is called after them ("Barr body", "Julia notebook")."""
STATES = frozenset(word_list("lms_states"))
"""What the LMS itself writes as a state, kind or setting."""

THINGS = frozenset(word_list("things"))
"""Nouns that are called after somebody ("Wilson's theorem", "a Taylor series")."""
CALLED_AFTER = frozenset(word_list("called_after"))
"""Further ones, beside WordNet's things: ideas, and nouns that are verbs too."""
PROGRAM_PARTS = frozenset(
    "notebook notebooks script scripts package program programs code setup install sets level levels pipeline".split()
)
"""What stands behind a program's name."""
