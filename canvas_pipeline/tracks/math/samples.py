"""Write sample files in all nine formats: drawn problems, broken lines among them, and beside each file what a reader must find.

``truth/<file>`` has a row for each line: the gold answer of a good one, the reason of refusal of a broken one.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from canvas_pipeline.records import Row, write_jsonl
from canvas_pipeline.storage.atomic import whole_file
from canvas_pipeline.tracks.math.problems import Drawn, draw
from canvas_pipeline.tracks.math.reader import LONGEST
from canvas_pipeline.tracks.math.rows import LETTERS

ROWS = 60
"""Good lines of a file."""
TRUTH, SUITE = "truth", "svamp-held-out.jsonl"
UNLABELLED = 2
"""Problems of the suite without a gold answer: such a row is refused from a benchmark and counted."""

Object = Mapping[str, Any]


class Truth(Row, frozen=True, kw_only=True, omit_defaults=True):
    """What a reader must find on a line: the gold answer, or the reason of refusal."""

    line: int
    gold: str = ""
    reason: str = ""


def _options(one: Drawn, rng: random.Random) -> tuple[list[str], str]:
    """Return five options and the letter of the right one."""
    others = {max(0, one.answer + by) for by in (-10, -2, -1, 1, 2, 3, 10)} - {one.answer}
    values = [*rng.sample(sorted(others), 4), one.answer]
    rng.shuffle(values)
    return [str(value) for value in values], LETTERS[values.index(one.answer)]


def _gsm8k(one: Drawn, rng: random.Random) -> tuple[Object, str]:
    marked = [f"{step.rpartition('=')[0]}=<<{step}>>{step.rpartition('=')[2]}" for step in one.steps]
    return {"question": one.problem, "answer": "\n".join([*marked, f"#### {one.answer}"])}, str(one.answer)


def _math(one: Drawn, rng: random.Random) -> tuple[Object, str]:
    if rng.random() < 0.5:
        text = f"The answer is $\\boxed{{{one.answer}}}$."
        found = {"problem": one.problem, "solution": f"{one.steps[-1]}. {text}"}
        return {**found, "level": f"Level {len(one.steps)}", "type": "Prealgebra"}, str(one.answer)
    top, under = rng.randint(1, 8), rng.randint(9, 20)
    share = Fraction(top, under)
    gold = f"\\frac{{{share.numerator}}}{{{share.denominator}}}"
    problem = f"What is $\\frac{{{top * 2}}}{{{under * 2}}}$ in lowest terms?"
    return {
        "problem": problem,
        "solution": f"It is $\\boxed{{{gold}}}$.",
        "level": "Level ?",
        "type": "Number Theory",
    }, gold


def _svamp(one: Drawn, rng: random.Random) -> tuple[Object, str]:
    body, _, question = one.problem.rpartition(". ")
    found = {
        "ID": f"chal-{rng.randrange(10**6)}",
        "Body": body,
        "Question": question,
        "Equation": f"( {one.equation} )",
    }
    return {**found, "Answer": float(one.answer), "Type": "Common-Division"}, str(one.answer)


def _mawps(one: Drawn, rng: random.Random) -> tuple[Object, str]:
    found = {"iIndex": rng.randrange(10**6), "sQuestion": one.problem, "lEquations": [f"X={one.equation}"]}
    return {**found, "lSolutions": [float(one.answer)]}, str(one.answer)


def _mathqa(one: Drawn, rng: random.Random) -> tuple[Object, str]:
    options, letter = _options(one, rng)
    lettered = [f"{name.lower()} ) {value}" for name, value in zip(LETTERS, options, strict=False)]
    text = repr(lettered) if rng.random() < 0.5 else " , ".join(lettered)
    found = {
        "Problem": one.problem,
        "Rationale": f"{' . '.join(one.steps)} . answer : {letter.lower()}",
        "options": text,
    }
    return {**found, "correct": letter.lower(), "annotated_formula": one.equation, "category": "general"}, letter


def _aqua(one: Drawn, rng: random.Random) -> tuple[Object, str]:
    options, letter = _options(one, rng)
    lettered = [f"{name}){value}" for name, value in zip(LETTERS, options, strict=False)]
    rationale = f"{', '.join(one.steps)}.\nThe answer is {letter}."
    return {"question": one.problem, "options": lettered, "rationale": rationale, "correct": letter}, letter


def _mathx(one: Drawn, rng: random.Random) -> tuple[Object, str]:
    if rng.random() < 0.7:
        text = f"<think>\nLet me see.\n</think>\n{one.steps[-1]}, so it is \\boxed{{{one.answer}}}."
        return {"problem": one.problem, "generated_solution": text, "expected_answer": str(one.answer)}, str(one.answer)
    x, by = rng.randint(2, 9), rng.randint(2, 9)
    text = f"{x * by}/{by}={x}, hence \\boxed{{x = {x}}}."
    return {
        "question": f"Solve {by}x = {x * by} for x.",
        "generated_solution": text,
        "expected_answer": f"x = {x}",
    }, f"x = {x}"


def _mathbench(one: Drawn, rng: random.Random) -> tuple[Object, str]:
    if rng.random() < 0.5:
        return {"question": one.problem, "answer": str(one.answer), "topic": one.family}, str(one.answer)
    options, letter = _options(one, rng)
    return {"question": one.problem, "answer": letter, "topic": one.family, "options": options}, letter


def _generic(one: Drawn, rng: random.Random) -> tuple[Object, str]:
    return {"prompt": one.problem, "completion": f"{', '.join(one.steps)}. The answer is {one.answer}.", "label": one.answer}, str(
        one.answer
    )  # fmt: skip


FORMS: Mapping[str, Callable[[Drawn, random.Random], tuple[Object, str]]] = {
    "gsm8k": _gsm8k, "math": _math, "svamp": _svamp, "mawps": _mawps, "mathqa": _mathqa, "aqua": _aqua, "mathx": _mathx,
    "mathbench": _mathbench, "generic": _generic,
}  # fmt: skip
"""Format → a drawn problem as an object of it, with its gold answer."""

# Format → (key of its problem, changes of a good object that make it unusable, each with its reason).
FAULTS: Mapping[str, tuple[str, Sequence[tuple[Object, str]]]] = {
    "gsm8k": ("question", (({"answer": "They are many.\n#### many"}, "gold_unreadable"), ({"answer": ""}, "gold_missing"))),
    "math": ("problem", (({"solution": "So $\\boxed{\\frac{1}{}}$."}, "gold_unreadable"), ({"solution": ""}, "gold_missing"))),
    "svamp": ("Question", (({"Answer": None, "Equation": ""}, "gold_missing"), ({"Answer": "five"}, "field_type"))),
    "mawps": ("sQuestion", (({"lSolutions": [], "lEquations": []}, "gold_missing"), ({"lSolutions": 5}, "field_type"))),
    "mathqa": ("Problem", (({"correct": "g"}, "option_missing"), ({"options": "38 , 27 , 30"}, "options_unparsable"))),
    "aqua": ("question", (({"correct": "H"}, "option_missing"), ({"options": ["A)21", "C)22"]}, "options_unparsable"))),
    "mathx": ("problem", (({"generated_solution": "So \\boxed{1000}."}, "gold_contradicts_solution"),
                          ({"generated_solution": "<think>\nLet me see"}, "thinking_unclosed"))),
    "mathbench": ("question", (({"answer": ""}, "gold_missing"), ({"answer": "Z", "options": ["1", "2"]}, "option_missing"))),
    "generic": ("prompt", (({"completion": "The answer is 1000."}, "gold_contradicts_solution"),
                           ({"completion": "", "label": None}, "gold_missing"))),
}  # fmt: skip


def broken_lines(name: str, good: Object) -> list[tuple[str, str]]:
    """Return ten lines that cannot be used, each with its reason; ``good`` is an object of the format."""
    key, faults = FAULTS[name]
    text = json.dumps(good)
    changed: list[tuple[Object, str]] = [
        ({key: 7}, "field_type"), ({key: "  "}, "problem_empty"), ({key: "How many? " * (LONGEST // 10 + 1)}, "too_long"),
        *faults,
    ]  # fmt: skip
    if name == "svamp":  # its text is two fields
        changed[1] = ({key: " ", "Body": ""}, "problem_empty")
    return [
        (text[: len(text) // 2], "malformed_json"),
        (text.replace('":', '"', 1), "malformed_json"),
        ('"a text"', "not_an_object"),
        ('{"index": 3, "error": "timeout"}', "error_row"),
        ('{"text": "no problem"}', "unknown_format"),
        *((json.dumps({**good, **change}), reason) for change, reason in changed),
    ]


def write_samples(folder: Path, seed: int) -> list[Path]:
    """Write a file for each format and its truth, and a suite of held-out wordings. The same seed gives the same bytes."""
    for name in (TRUTH, "bench"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    training = [_write(folder, name, random.Random(f"math.samples:{seed}:{name}")) for name in FORMS]
    return [*training, _write_suite(folder / "bench" / SUITE, random.Random(f"math.samples:{seed}:bench"))]


def _write_suite(path: Path, rng: random.Random) -> Path:
    """Write a benchmark suite, of which nobody labelled the last ``UNLABELLED`` problems."""
    objects = [dict(_svamp(draw(rng, held_out=True), rng)[0]) for _ in range(ROWS + UNLABELLED)]
    for found in objects[ROWS:]:
        found["Answer"] = None
    with whole_file(path) as temporary:
        temporary.write_text("\n".join(map(json.dumps, objects)), encoding="utf-8")
    return path


def _write(folder: Path, name: str, rng: random.Random) -> Path:
    path = folder / f"{name}-style.jsonl"
    objects = [FORMS[name](draw(rng), rng) for _ in range(ROWS)]
    lines: list[tuple[str, Truth]] = [(json.dumps(found), Truth(line=0, gold=gold)) for found, gold in objects]
    whole = next(found for found, _ in objects if FAULTS[name][0] in found)
    for text, reason in broken_lines(name, whole):
        lines.insert(rng.randrange(len(lines)), (text, Truth(line=0, reason=reason)))
    with whole_file(path) as temporary:
        temporary.write_text("\n".join(text for text, _ in lines), encoding="utf-8")
    truths = (Truth(line=at, gold=of.gold, reason=of.reason) for at, (_, of) in enumerate(lines, 1))
    with whole_file(folder / TRUTH / path.name) as temporary:
        write_jsonl(temporary, truths)
    return path
