"""What fills the slots of the name recogniser's templates beside names: topics, kinds of work, days, verbs, words.

The order of the files decides what a seed draws.
"""

from __future__ import annotations

import re

from canvas_pipeline.privacy.name_model.templates import texts

TOPICS = texts("fillers/topics")
WORKS = texts("fillers/works")
DAYS = texts("fillers/days")
CLOCKS = texts("fillers/clocks")
COURSES = texts("fillers/courses")
EPONYMS = texts("fillers/eponyms")
EPONYM_NOUNS = texts("fillers/eponym_nouns")
TOPIC_PLACES = texts("fillers/topic_places")
AFTER_PROPER = texts("fillers/after_proper_names")
VERBS = texts("fillers/verbs")
OBJECTS = texts("fillers/objects")
NEAR = texts("fillers/small_words")
WHERE = texts("fillers/words_of_place")
COMMON = texts("fillers/common_words")
WORDS_AND_NAMES = texts("fillers/words_and_names")
"""Ordinary words that people are called as well: the name recogniser always reads a text that holds one."""
STEMS = texts("fillers/stems")
SUFFIXES = texts("fillers/suffixes")
"""Parts of learned words: what ends like this is a topic, however rare, and nobody's name."""
BUILDINGS = texts("fillers/buildings")
BUILDINGS_WITH_ROOMS = BUILDINGS[:14]


def ordinary_words() -> tuple[str, ...]:
    """Return a few thousand English words of Faker's tables (prose, professions, business) and ``COMMON``; none of them a name."""
    from faker.providers.company.en_US import Provider as company
    from faker.providers.job import Provider as job
    from faker.providers.lorem.en_US import Provider as lorem

    phrases = [*lorem.word_list, *job.jobs]
    phrases += [word for table in (*company.bsWords, *company.catch_phrase_words) for word in table]
    phrases += COMMON
    return tuple(sorted({word for phrase in phrases for word in re.findall(r"[a-z]{3,}", phrase.lower())}))
