"""Count ordinary titles that intake masks by mistake.

``python -m canvas_pipeline_tests.privacy.false_masks training``.

``ordinary/<half>.en.txt`` holds English titles, ``<half>.world.txt`` titles of other languages: written by hand, and frames with
topics, of which a seed draws. The halves share no entry. ``--show`` prints what was masked of those that may be looked at:
``second`` and ``third`` were held until their texts were read by those who change the rules. ``fresh`` is held: it prints counts
with Wilson bounds only, and nothing is tuned by it.

How ``third`` and ``fresh`` were written: from what courses of high schools, community colleges and universities hold, subject
by subject, in about the proportion in which it occurs there (homework, quizzes, exams, discussions, labs, readings, projects,
pages and events, then topics, works, software, states that Canvas writes). Its author knew the other halves, to repeat none of
their entries, but had not read the code that masks and ran nothing that masks over the texts, before or after; no entry was
chosen for being easy or hard. No title holds a person of a course, a room, a code, a login or a number of somebody; names are
those of authors, works, laws, places, companies and products that a syllabus names.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from pathlib import Path

from canvas_pipeline.evaluation.statistics import wilson
from canvas_pipeline.privacy.identities.languages import home_of
from canvas_pipeline.privacy.identities.pii import Scrubber

FOLDER = Path(__file__).parent / "ordinary"
KEY = b"key of the ordinary titles"
HELD = "fresh"
SHOWN = ("training", "second", "third")
HALVES = (*SHOWN, HELD)
DRAWN_AS = {
    "second": "held",
    "third": "held",
}  # the name that its framed topics were first drawn by: figures stay comparable
DRAWN = {"en": 900, "world": 200}  # framed topics: in English, and in each other language that has frames


def entries(half: str, part: str) -> dict[str, list[str]]:
    """Section ("es titles") → its entries."""
    sections: dict[str, list[str]] = {}
    name = "en " if part == "en" else ""
    for line in (FOLDER / f"{half}.{part}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            section = sections.setdefault(name + line[2:], [])
        elif line.strip():
            section += [entry.strip() for entry in line.split(" | ")]
    return sections


def titles(half: str, part: str, seed: int = 10) -> dict[str, list[str]]:
    """Language → distinct titles."""
    sections = entries(half, part)
    found: dict[str, list[str]] = {}
    for section, texts in sections.items():
        language, kind = section.split()
        if kind == "titles":
            found.setdefault(language, []).extend(texts)
        if kind == "frames":
            framed = [frame.format(t=topic) for frame in texts for topic in sections[f"{language} topics"]]
            random.Random(f"{seed}/{DRAWN_AS.get(half, half)}/{language}").shuffle(framed)
            found[language] += framed[: DRAWN[part]]
    return {language: list(dict.fromkeys(texts)) for language, texts in found.items()}


def masked(texts: list[str]) -> list[tuple[str, str]]:
    """Those that came out otherwise than they went in, as titles of one contributor."""
    scrubber = Scrubber(KEY, "ordinary", home=home_of(texts))
    return [(text, out.text) for text, out in zip(texts, scrubber.scrub(texts), strict=True) if out.text != text]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("half", choices=HALVES)
    parser.add_argument("--show", action="store_true", help="print what was masked (never of the held half)")
    words = parser.parse_args()
    for part in ("en", "world"):
        wrong, of = Counter[str](), Counter[str]()
        for language, texts in titles(words.half, part).items():
            of[language] = len(texts)
            found = masked(texts)
            wrong[language] = len(found)
            if words.show and words.half in SHOWN:
                print(*(f"{language}\t{text}\t{out}" for text, out in found), sep="\n")
        share = wilson(wrong.total(), of.total())
        print(f"{part}: {share.hits} of {share.cases} masked, {share.share:.2%} ({share.low:.2%} – {share.high:.2%})")
        if part == "world":
            print(*(f"{language} {wrong[language]}/{of[language]}" for language in of), sep=", ")


if __name__ == "__main__":
    main()
