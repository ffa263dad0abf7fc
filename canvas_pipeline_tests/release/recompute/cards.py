"""Says what the cards of a release should say, from what lies in the data folder, and compares."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from canvas_pipeline_tests.release.recompute.scores import prompts, score, share, shares

Cells = dict[tuple[str, str, str], str]
"""(section, row, column) → text."""
DATASETS = {
    "trajectory": ("trajectories",),
    "preference": ("onpolicy_pairs", "mutation_pairs", "labelled_pairs"),
    "feedback": ("feedback_examples",),
}
INTERVAL = re.compile(r"\[([\d.]+), ([\d.]+)\]")
DRAWN = 0.8
"""Per cent: five standard errors of the ends of a bootstrap of some hundred wordings."""
PARTS = ("train", "eval", "test")


class Found(NamedTuple):
    """The cells that agree, those that do not (with the text expected), and those that were not computed."""

    equal: list[str]
    different: list[str]
    uncovered: list[str]


def current(data: Path, track: str, stage: str) -> Path:
    return data / "artifacts" / track / stage / "current"


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def content(folder: Path) -> str:
    """The hash over the names and bytes of a stage's files that count."""
    manifest = json.loads((folder / "manifest.json").read_text())
    counted = sorted(name for name, entry in manifest["files"].items() if not entry["report"])
    whole = hashlib.sha256()
    for part in (text for name in counted for text in (name, sha256(folder / name))):
        whole.update(len(part.encode()).to_bytes(8, "big") + part.encode())
    return whole.hexdigest()


def cells(path: Path) -> Cells:
    """Every cell of a card's tables, apart from sources; and the values in its header."""
    found: Cells = {}
    section, head = "", []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            section, head = line[3:], []
        elif not line.startswith("|"):
            head = []
            if not section and (value := re.fullmatch(r"\s+value: (\S+)", line)):
                found["header", "headline", "value"] = value[1]
        elif not head:
            head = [cell.strip() for cell in line.strip("|").split("|")]
        elif not line.startswith("|---"):
            row = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))]
            found |= {
                (section, row[0], column): cell
                for column, cell in zip(head[1:], row[1:], strict=True)
                if column != "source"
            }
    return found


def model_card(data: Path, track: str, release: Path) -> Cells:
    """What the model card should say."""
    method = json.loads((current(data, track, "production_checkpoint") / "selection.json").read_text())["chosen"][
        "method"
    ]
    trained = current(data, track, f"{method}_checkpoint")
    summary = json.loads((trained / "summary.json").read_text())
    found: Cells = {
        ("Model", "name", "value"): f"{track}-{method}",
        ("Model", "method", "value"): method,
        ("Model", "checkpoint", "value"): content(trained),
    }
    numbers = {
        key: summary[key] for key in ("steps", "rows", "eval_rows", "tokens", "seed", "compute") if key in summary
    }
    for key, value in {**numbers, **summary["hyperparameters"]}.items():
        if value is not None:
            found["Training", key.replace("_", " "), "value"] = number(value)
    cases = rows(current(data, track, "bench_cases") / "rows.jsonl")
    found["Benchmark", "cases", "value"] = number(len(cases))
    found |= drawn_from(data, track, cases)
    right: set[str] = set()
    found |= under_a_grammar(current(data, track, "constrained_bench"), cases)
    for stage in sorted((data / "artifacts" / track).glob("*_bench")):
        name = stage.name.removesuffix("_bench")
        if name == "constrained":
            continue
        said = {row["id"]: row for row in rows(stage / "current" / "predictions.jsonl")}
        scored = [score(case, said[case["id"]]) for case in cases]
        found |= {("Benchmark", metric, name): text for metric, text in shares(cases, scored).items()}
        by_hand = rows(stage / "current" / "human.jsonl")
        found["Prompts worded by hand", "prompts", "value"] = number(len(by_hand))
        answered = {row["id"]: row for row in rows(stage / "current" / "predictions-human.jsonl")}
        found["Prompts worded by hand", name, "value"] = prompts(by_hand, answered)
        if name == method:
            right = {c["id"] for c, s in zip(cases, scored, strict=True) if s.exact and c["expected_tools"]}
            calling = [s for c, s in zip(cases, scored, strict=True) if c["expected_tools"]]
            found["header", "headline", "value"] = repr(sum(s.selected for s in calling) / len(calling))
    found |= quants(current(data, track, f"{method}_gguf"), release, right)
    for step in dict.fromkeys(("sft", method)):
        spec = json.loads((current(data, track, f"{step}_run_spec") / "spec.json").read_text())
        for verdict in spec["verdicts"]:
            about = f" ({verdict['subject']})" if verdict["subject"] else ""
            state = "passed" if verdict["passed"] else "failed"
            found["Guardrails", verdict["guard"], "value"] = f"{verdict['name']}: {state}{about}"
    return found | of_data(data, track)


def drawn_from(data: Path, track: str, cases: Sequence[Mapping[str, Any]]) -> Cells:
    """The students, contributors and wordings of the cases. A synthesised contributor's name begins with ``+``."""
    items = rows(current(data, track, "corpus") / "rows.jsonl")
    items += rows(current(data, track, "bench_cases") / "synthesised.jsonl")
    of = {item["id"]: set(item["contributors"]) for item in items}
    asked = [set().union(*(of[id_] for id_ in parents)) for parents in {tuple(case["parents"]) for case in cases}]
    names = set().union(*asked)
    counts = {
        "students": len(asked),
        "synthesised students": sum(all(name.startswith("+") for name in who) for who in asked),
        "contributors": len(names),
        "synthesised contributors": sum(name.startswith("+") for name in names),
        "wordings": len({name for case in cases for name in case["phrasing"].split("+")}),
    }
    return {("Benchmark", name, "value"): number(count) for name, count in counts.items()}


def under_a_grammar(folder: Path, cases: Sequence[Mapping[str, Any]]) -> Cells:
    """The figures of the bench under a grammar. (Of the free run beside it no predictions are kept.)"""
    said = {row["id"]: row for row in rows(folder / "predictions.jsonl")}
    found = shares(cases, [score(case, said[case["id"]]) for case in cases])
    shown = ("malformed", "tool selection", "exact call", "over calling")
    return {("With a grammar", metric, "with a grammar"): found[metric] for metric in shown}


def quants(folder: Path, release: Path, right: set[str]) -> Cells:
    known = json.loads((folder / "quants.json").read_text())
    found: Cells = {}
    for quant, told in known.items():
        (path,) = release.glob(f"*-{quant}.gguf")
        kept, of = told["exact_retained"], told["exact_unquantised"]
        report = folder / f"report-{quant}.json"
        if report.exists():
            kept = sum(one["exact"] for one in json.loads(report.read_text())["outcomes"] if one["case_id"] in right)
            of = len(right)
        values = {
            "file": path.name, "size": f"{path.stat().st_size / 2**20:.1f} MiB", "sha256": sha256(path),
            "types": ", ".join(f"{kind} {count}" for kind, count in sorted(told["report"]["types"].items())),
            "retained": share(kept, of),
        }  # fmt: skip
        found |= {("Quantised files", quant, column): text for column, text in values.items()}
    return found


def of_data(data: Path, track: str) -> Cells:
    """The rows of both cards' section on the data."""
    items = rows(current(data, track, "corpus") / "rows.jsonl")
    return {
        ("Data", "contributors", "value"): number(len(list((data / "collab").glob("*.jsonl")))),
        ("Data", "items", "value"): number(len(items)),
        ("Data", "reference instant", "value"): max(item["collected_at"] for item in items),
    }


def data_card(data: Path, track: str) -> Cells:
    """What the data card should say."""
    found = of_data(data, track)
    courses = {item["course"] for item in rows(current(data, track, "corpus") / "rows.jsonl")} - {None}
    found["Privacy", "course handles", "value"] = number(len(courses))
    for name in DATASETS:
        for part in PARTS:
            path = current(data, track, f"{name}_split") / f"{part}.jsonl"
            found["Rows", name, part] = number(len(rows(path)))
            found["Hashes", f"{name} {part}", "value"] = sha256(path)
    for stage, counts in funnels(data, track).items():
        values = dict(zip(("in", "kept", "merged", "refused"), counts, strict=True))
        if stage == "onpolicy_pairs":  # which completions are wrong takes the judge of the project to say
            values = {column: values[column] for column in ("kept", "refused")}
        found |= {("Funnel", stage.replace("_", " "), column): number(count) for column, count in values.items()}
    return found


def funnels(data: Path, track: str) -> dict[str, tuple[int, int, int, int]]:
    """Rows in, kept, merged and refused of each stage, from the lines of its files and of those it is made from."""

    def count(stage: str, *names: str) -> int:
        paths = (current(data, track, stage) / name for name in names)
        return sum(len(rows(path)) for path in paths if path.exists())

    people = [f"collab/{path.name}" for path in sorted((data / "artifacts" / track / "collab").iterdir())]
    told = [json.loads((current(data, track, who) / "manifest.json").read_text())["funnel"] for who in people]
    taken = sum(count(who, "rows.jsonl") for who in people)
    refused = sum(count(who, "refusals.jsonl") for who in people)
    brought = sum(one["rows_in"] for one in told)
    found = {"contributors": (brought, taken, brought - taken - refused, refused)}
    made_from: dict[str, tuple[str, ...]] = {"corpus": tuple(people), "labelled_pairs": ("item_pairs",)}
    made_from |= {f"{name}_split": sources for name, sources in DATASETS.items()}
    for stage in (
        "corpus",
        "trajectories",
        "labelled_pairs",
        "mutation_pairs",
        "onpolicy_pairs",
        *(f"{name}_split" for name in DATASETS),
    ):
        kept, left = count(stage, "rows.jsonl", *(f"{part}.jsonl" for part in PARTS)), count(stage, "refusals.jsonl")
        given = sum(count(source, "rows.jsonl") for source in made_from.get(stage, ())) or kept + left
        found[stage] = (given, kept, given - kept - left, left)
    return found


def number(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}" if isinstance(value, float) else str(value)


def compared(said: Cells, computed: Cells) -> Found:
    equal_, different = [], []
    for key, text in computed.items():
        place = " / ".join(key)
        if agree(said.get(key), text):
            equal_.append(place)
        else:
            different.append(f"{place}: the card says {said.get(key)!r}, computed {text!r}")
    return Found(equal_, different, [" / ".join(key) for key in said if key not in computed])


def agree(said: str | None, computed: str) -> bool:
    """Whether two texts are equal, the ends of an interval to ``DRAWN`` points: a bootstrap draws by chance."""
    if said is None or not (ends := INTERVAL.search(computed)) or not (others := INTERVAL.search(said)):
        return said == computed
    near = all(
        abs(float(one) - float(other)) <= DRAWN for one, other in zip(ends.groups(), others.groups(), strict=True)
    )
    return near and INTERVAL.sub("", said) == INTERVAL.sub("", computed)


def recompute(data: Path, track: str = "canvas", release: Path | None = None) -> Found:
    """Compare both cards of a release (by default the current one) with what its data folder holds."""
    folder = release or data / "releases" / "current"
    one = compared(cells(folder / "README.md"), model_card(data, track, folder))
    two = compared(cells(folder / "DATA_CARD.md"), data_card(data, track))
    return Found(*(first + second for first, second in zip(one, two, strict=True)))
