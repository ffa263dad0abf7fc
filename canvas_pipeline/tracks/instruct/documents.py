"""Write the plain documents that the embedded text base is trained on: facts, lists, sums, stories, repetitions.

They contain no instruction, no question with its answer and no turn. They mix words of the track's tables with made-up ones, so
that the base learns to copy words, not only to memorise them. The same seed gives the same documents.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence

from canvas_pipeline.tracks.instruct.profiles import CATEGORIES, COUNTS, FRAMES, HARMS, RELATIONS, TOPICS, TRANSLATIONS
from canvas_pipeline.verifiers.words import plural, singular

_STARTS = "b br c ch cl d dr f fl g gl h j k l m n p pl r s sh st t th tr v w z".split()
_VOWELS = "a e i o u ai ea oo".split()
_ENDS = ["", "n", "l", "r", "s", "t", "nd", "rk", "m", "ck"]
_NUMBERS = "zero one two three four five six seven eight nine ten eleven twelve".split()
_NAMES = "Ann Ben Carl Dora Emil Fay Gus Hana Ida Jon Kim Leo Mia Nora Otto Pia".split()
_MEMBERS = tuple(sorted({member for members in CATEGORIES.values() for member in members}))
# The subject of a fact in a table, in three forms.
_SHEET: Mapping[str, tuple[str, ...]] = {
    "capital": ("capital of {x}", "{x}, capital", "the capital of {x}"),
    "opposite": ("opposite of {x}", "{x}, opposite", "the opposite of {x}"),
    "young": ("young {x}", "{x}, its young", "the name of a young {x}"),
    "color": ("color of {x}", "{x}, color", "the color of {x}"),
    "sides": ("sides of a {x}", "{x}, sides", "the number of sides of a {x}"),
    "legs": ("legs of a {x}", "{x}, legs", "the number of legs of a {x}"),
}
_BACKWARD: Mapping[str, str] = {
    "capital": "{y} is the capital of {x}",
    "opposite": "{y} is the opposite of {x}",
    "young": "A {y} is a young {x}",
    "color": "{y} is the color of {x}",
    "sides": "{y} is the number of sides of a {x}",
    "legs": "{y} is the number of legs of a {x}",
}


def made_up(rng: random.Random) -> str:
    """Make up a word that mostly does not exist, which can only be copied."""
    parts = (rng.choice(_STARTS) + rng.choice(_VOWELS) + rng.choice(_ENDS) for _ in range(rng.choice((1, 2, 2))))
    return "".join(parts)


def word(rng: random.Random) -> str:
    """Draw a word from the tables, or make one up."""
    return rng.choice((rng.choice(TOPICS), rng.choice(_MEMBERS), made_up(rng)))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _fact(rng: random.Random) -> tuple[str, str, str]:
    name = rng.choice(list(RELATIONS))
    return name, *rng.choice(list(RELATIONS[name].facts.items()))


def _fact_sentence(rng: random.Random, name: str, x: str, y: str) -> str:
    forward = RELATIONS[name].statement if rng.random() < 0.7 else _BACKWARD[name]
    return _capital(forward.format(x=x, y=y)) + "."


def facts_of_a_kind(rng: random.Random) -> str:
    """Write several facts of one relation as sentences."""
    name = rng.choice(list(RELATIONS))
    facts = list(RELATIONS[name].facts.items())
    chosen = rng.sample(facts, min(len(facts), rng.randint(2, 6)))
    return rng.choice((" ", "\n")).join(_fact_sentence(rng, name, x, y) for x, y in chosen)


def mixed_facts(rng: random.Random) -> str:
    """Write facts of all relations as sentences."""
    return " ".join(_fact_sentence(rng, *_fact(rng)) for _ in range(rng.randint(1, 6)))


def fact_sheet(rng: random.Random) -> str:
    """Write a table of facts: the subject on the left, the value on the right."""
    form = rng.randrange(3)
    rows = [_fact(rng) for _ in range(rng.randint(3, 7))]
    mark = rng.choice((": ", " - ", " = "))
    return "\n".join(f"{_SHEET[name][form].format(x=x)}{mark}{y}" for name, x, y in rows)


def dictionary(rng: random.Random) -> str:
    """Write words with their translations."""
    language = rng.choice(list(TRANSLATIONS))
    pairs = rng.sample(list(TRANSLATIONS[language].items()), rng.randint(2, 6))
    form = rng.choice((
        "In {l}, {x} is {y}.", "The {l} word for {x} is {y}.", "{x} ({l}): {y}", "{l} for {x}: {y}", "{y} is {l} and means {x}.",
        "{x} becomes {y} in {l}.", "{l}, {x}: {y}",
    ))  # fmt: skip
    return "\n".join(_capital(form.format(l=language, x=x, y=y)) for x, y in pairs)


def both_languages(rng: random.Random) -> str:
    """Write words with their translations into both languages."""
    shared = sorted(set.intersection(*(set(pairs) for pairs in TRANSLATIONS.values())))
    form = rng.choice(("{x}: {pairs}", "{x} ({pairs})"))
    lines = []
    for x in rng.sample(shared, rng.randint(2, 4)):
        languages = rng.sample(list(TRANSLATIONS), len(TRANSLATIONS))
        pairs = ", ".join(f"{language} {TRANSLATIONS[language][x]}" for language in languages)
        lines.append(form.format(x=x, pairs=pairs))
    return "\n".join(lines)


def named_lists(rng: random.Random) -> str:
    """Write lists of members of categories, each after their number."""
    lines = []
    for _ in range(rng.randint(1, 4)):
        category, n = rng.choice(list(CATEGORIES)), rng.choice(list(COUNTS))
        head = rng.choice(
            (f"{COUNTS[n]} {category}", f"{category}, {COUNTS[n]} of them", f"some {category}: {COUNTS[n]}")
        )
        members = rng.sample(CATEGORIES[category], n)
        lines.append(f"{_capital(head)}: {', '.join(members)}")
    return "\n".join(lines)


def numbered_lists(rng: random.Random) -> str:
    """Write numbered lines under a heading that gives their number."""
    parts = []
    for _ in range(rng.randint(1, 3)):
        category, n = rng.choice(list(CATEGORIES)), rng.choice(list(COUNTS))
        head = rng.choice((f"{COUNTS[n]} {category} with numbers", f"{category}, numbered from one to {COUNTS[n]}"))
        lines = [f"{i}. {member}" for i, member in enumerate(rng.sample(CATEGORIES[category], n), 1)]
        parts.append("\n".join([_capital(head), *lines]))
    return "\n".join(parts)


def one_of_each(rng: random.Random) -> str:
    """Write a member of one category and one of another."""
    lines = []
    for _ in range(rng.randint(1, 4)):
        one, two = rng.sample(list(CATEGORIES), 2)
        a, b = rng.choice(CATEGORIES[one]), rng.choice(CATEGORIES[two])
        head = rng.choice((f"{one} and {two}", f"{singular(one)} and {singular(two)}", f"from {one} and from {two}"))
        lines.append(f"{_capital(head)}: {a}, {b}")
    return "\n".join(lines)


def checklist(rng: random.Random) -> str:
    """List which words belong to a category and which do not."""
    lines = []
    category = rng.choice(list(CATEGORIES))
    form = rng.choice((
        "{m} in the group of {c}: {v}", "{c}, {m}: {v}", "{m} among {c}: {v}", "{m} is in the group of {c}: {v}",
    ))  # fmt: skip
    yes, no = rng.choice((("yes", "no"), ("YES", "NO"), ("true", "false")))
    for _ in range(rng.randint(3, 7)):
        if rng.random() < 0.4:
            category = rng.choice(list(CATEGORIES))
        inside = rng.random() < 0.5
        pool = CATEGORIES[category] if inside else [m for m in _MEMBERS if m not in CATEGORIES[category]]
        lines.append(_capital(form.format(m=rng.choice(pool), c=category, v=yes if inside else no)))
    return "\n".join(lines)


def belonging(rng: random.Random) -> str:
    """Write sentences about which word belongs to which category."""
    lines = []
    for _ in range(rng.randint(2, 5)):
        category = rng.choice(list(CATEGORIES))
        member = rng.choice(CATEGORIES[category])
        name = singular(category)
        article = ("an " if name[0] in "aeiou" else "a ") if plural(name) == category else ""
        lines.append(rng.choice((
            f"The {member} is one of the {category}.", f"{_capital(member)} belongs to the {category}.",
            f"{_capital(member)} is {article}{name}.", f"Among the {category} is {member}.",
        )))  # fmt: skip
    return " ".join(lines)


def counted_sentences(rng: random.Random) -> str:
    """Write sentences about a word with the number of their words."""
    lines = []
    for _ in range(rng.randint(1, 4)):
        about, n = (rng.choice(TOPICS) if rng.random() < 0.5 else word(rng)), rng.choice(list(FRAMES))
        line = _capital(rng.choice(FRAMES[n]).format(t=about))
        lines.append(rng.choice((
            f"{_capital(about)}, in {COUNTS[n]} words: {line}", f"On {about}: {line}", f"{COUNTS[n]} words, {about}: {line}",
            f"{line} These are {COUNTS[n]} words on {about}.", f"A line on {about}, with {COUNTS[n]} words: {line}",
        )))  # fmt: skip
    return "\n".join(map(_capital, lines))


def paragraph(rng: random.Random) -> str:
    """Write a short text about one word, sometimes under its title."""
    about = word(rng)
    frames = [frame for n in FRAMES for frame in FRAMES[n]]
    sentences = [_capital(frame.format(t=about)) for frame in rng.sample(frames, rng.randint(2, 5))]
    return rng.choice((f"{_capital(about)}\n", "")) + " ".join(sentences)


def sums(rng: random.Random) -> str:
    """Write sums and differences with their results."""
    lines = []
    style = rng.choice((" = ", " is ", " makes ", ": "))
    for _ in range(rng.randint(3, 8)):
        a, b = rng.randint(0, 10), rng.randint(0, 10)
        lines.append(f"{a} + {b}{style}{a + b}" if rng.random() < 0.5 else f"{a + b} - {b}{style}{a}")
    return rng.choice(("\n", ", ")).join(lines)


def number_story(rng: random.Random) -> str:
    """Write a story in which things become more or fewer."""
    name, thing = rng.choice(_NAMES), plural(rng.choice((rng.choice(_MEMBERS), made_up(rng))))
    a, b = rng.randint(1, 10), rng.randint(1, 10)
    if rng.random() < 0.5:
        return f"{name} had {a} {thing} and got {b} more. Now {name} has {a + b} {thing}, for {a} + {b} = {a + b}."
    return f"{name} had {a + b} {thing} and gave {b} away. Now {name} has {a} {thing}, for {a + b} - {b} = {a}."


def counting(rng: random.Random) -> str:
    """Write numbers in order, as digits or words."""
    start, length = rng.randint(0, 20), rng.randint(5, 12)
    if rng.random() < 0.2:
        return ", ".join(_NUMBERS[start % 5 : start % 5 + length])
    return rng.choice((", ", " ")).join(str(n) for n in range(start, start + length))


def pattern(rng: random.Random) -> str:
    """Write two or three words that alternate."""
    words = [word(rng) for _ in range(rng.choice((2, 2, 3)))]
    return rng.choice((" ", " ", ", ")).join(words * rng.randint(4, 8))


def repetition(rng: random.Random) -> str:
    """Write words and repeat them in the same order."""
    words = [made_up(rng) if rng.random() < 0.6 else word(rng) for _ in range(rng.randint(2, 8))]
    text = ", ".join(words)
    middle = rng.choice((". Again: ", ". Once more: ", "\n", ".\nThe same words: ", " and again "))
    return middle.join([text] * rng.choice((2, 2, 3)))


def gaps(rng: random.Random) -> str:
    """Write a sentence with a gap, and the word of the gap."""
    lines = []
    for _ in range(rng.randint(1, 4)):
        name, x, y = _fact(rng)
        lines.append(_capital(RELATIONS[name].statement.format(x=x, y="___")) + f". In the gap stood {y}.")
    return "\n".join(lines)


_SCENES = (
    "{n} wrote a {a} list of {c} for the school.", "{n} read a sentence about {t} and then another one.",
    "The teacher explains what {t} is.", "{n} and {m} talk about {t} in the morning.",
    "First {n} saw {t}, second {m} saw {u}.", "It took {n} exactly {k} days to find {t}.",
    "{n} can translate the word {t} and say it in {l}.", "The answer was short, with only {k} words.",
    "{n} gave {m} a book about {t}.", "The page was complete, no blank was left to fill.",
    "{m} could not help, because it was late.", "To {h} is a crime and harms people.",
    "{n} said yes, {m} said no.", "They calculate how much it is and write the number down.",
    "I'm sorry, said {n}, I cannot come.", "{n} asked {m} to finish the story, please.",
    "A numbered page tells you which one it is.", "{n} was told how to make {t} by {m}.",
)  # fmt: skip


def story(rng: random.Random) -> str:
    """Write sentences about people and what they do."""
    return " ".join(
        rng.choice(_SCENES).format(
            n=rng.choice(_NAMES), m=rng.choice(_NAMES), t=word(rng), u=word(rng), c=rng.choice(list(CATEGORIES)),
            k=rng.choice(_NUMBERS), l=rng.choice(list(TRANSLATIONS)), h=rng.choice(HARMS), a=rng.choice(("long", "short", "new")),
        )
        for _ in range(rng.randint(2, 5))
    )  # fmt: skip


Writer = Callable[[random.Random], str]
# Mixture → weight of each kind of document. The second has more of what takes longest to learn.
MIXTURES: Mapping[str, Mapping[Writer, float]] = {
    "all": {
        facts_of_a_kind: 8, mixed_facts: 6, fact_sheet: 8, gaps: 4,
        dictionary: 9, both_languages: 5,
        named_lists: 6, numbered_lists: 5, one_of_each: 4, checklist: 12, belonging: 4,
        counted_sentences: 6, paragraph: 4, story: 6,
        sums: 6, number_story: 3, counting: 2, pattern: 4, repetition: 6,
    },
    "practice": {
        facts_of_a_kind: 8, mixed_facts: 10, fact_sheet: 6, gaps: 3,
        dictionary: 5, both_languages: 3,
        named_lists: 10, numbered_lists: 8, one_of_each: 3, checklist: 12, belonging: 3,
        counted_sentences: 10, paragraph: 3, story: 3,
        sums: 14, number_story: 2, counting: 2, pattern: 10, repetition: 8,
    },
}  # fmt: skip


def documents(seed: int, mixture: str = "all") -> Iterator[str]:
    """Yield documents of a mixture, without end."""
    rng = random.Random(f"instruct.documents:{seed}")
    writers = MIXTURES[mixture]
    kinds: Sequence[Writer] = list(writers)
    weights = list(writers.values())
    while True:
        yield rng.choices(kinds, weights)[0](rng)
