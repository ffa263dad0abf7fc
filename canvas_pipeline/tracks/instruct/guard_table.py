"""Define the guards of the instruct track beside the standard ones: S1 S2 S3 S8 S9 S10 S11 S13, numbered as the requirements.

Verdicts about rows are recomputed from the files; the others refer to recorded measurements.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from canvas_pipeline.datasets.best_of import MARGIN, PAIRS_PER_PROMPT
from canvas_pipeline.datasets.quality import DELIMITERS, QualityBounds, QualityReport, is_placeholder, is_runaway
from canvas_pipeline.evaluation.decision import Decision
from canvas_pipeline.guardrails.guard import NOTHING_TO_EVALUATE, Bound, Guard, Measured, RowsEvidence
from canvas_pipeline.guardrails.standard import base_guard
from canvas_pipeline.guardrails.table import GuardTable
from canvas_pipeline.guardrails.verdict import Number
from canvas_pipeline.methods import Method
from canvas_pipeline.tracks.instruct.datasets import DATASETS
from canvas_pipeline.tracks.instruct.guards import MUST_FAIL_MOST, MUST_WORK_LEAST, PAIR_BOUNDS, PROBES_LEAST, BaseCheck
from canvas_pipeline.tracks.instruct.rows import InstructRow, PreferenceRow, prompt_of
from canvas_pipeline.verifiers.constraints import check_constraints

TRAJECTORY_PARTS = ("trajectory_train", "trajectory_eval")
PREFERENCE_PARTS = ("preference_train", "preference_eval")


@dataclass(frozen=True, slots=True)
class LeakEvidence:
    """Training instructions that equal or nearly equal an evaluation item's. ``rows`` are their ids."""

    training: int
    evaluation: int
    rows: tuple[str, ...]


def _tokenizer(check: BaseCheck) -> Measured:
    """Report that no chat template is active and no prompt has a special token: the loader raises where one does.

    The number of tokens that ``encode`` adds by itself (a BOS) is included."""
    return Measured(
        {
            "probes": check.followed.cases + check.completed.cases, "template_active": 0, "markers_in_prompts": 0,
            "had_template": bool(check.had_template), "tokens_added_by_encode": check.encode_delta,
        }
    )  # fmt: skip


def _sentinels(check: BaseCheck) -> Measured:
    """Measure how many instructions the base follows and how many texts it completes, over all temperatures."""
    kinds: dict[str, Number] = {f"kind/{kind}": rate.share for kind, rate in check.by_kind.items()}
    followed, completed = check.followed, check.completed
    probes = followed.cases + completed.cases
    return Measured({"followed": followed.share, "completed": completed.share, "probes": probes, **kinds})


def _decision(found: Decision) -> Measured:
    """Report whether a decision lets the run continue, by its own band or by a recorded reason."""
    return Measured(
        {
            "share": found.rate.share, "verdict": found.verdict, "fragile": found.fragile, "open": int(found.open),
            "acknowledged": int(bool(found.acknowledged)),
        }
    )  # fmt: skip


def _rows(e: RowsEvidence) -> Measured:
    """Count rows with a wrong answer, a placeholder, a runaway, a delimiter, another prompt or no origin."""
    rows: list[InstructRow] = list(e.rows)
    problems = {
        "wrong": [row.id for row in rows if not check_constraints(row.response, row.constraints).right],
        "placeholders": [row.id for row in rows if is_placeholder(row.response)],
        "runaways": [row.id for row in rows if is_runaway(row.response)],
        "delimiters": [row.id for row in rows if DELIMITERS.search(row.response)],
        "other_prompt": [row.id for row in rows if row.prompt != prompt_of(row.instruction)],
        "without_origin": [row.id for row in rows if not row.provenance.generator or not row.provenance.base_verdicts],
    }
    topics = Counter(row.topic for row in rows)
    texts = Counter((row.instruction, row.response) for row in rows)
    numbers: dict[str, Number] = {
        "rows": len(rows), **{name: len(ids) for name, ids in problems.items()}, "repeated": len(rows) - len(texts),
        "largest_topic_share": max(topics.values()) / len(rows) if rows else None,
        "median_words": statistics.median(len(row.response.split()) for row in rows) if rows else None,
    }  # fmt: skip
    return Measured(numbers, where=[f"row {id_}" for ids in problems.values() for id_ in ids])


def _quality(report: QualityReport) -> Measured:
    """Report the figures of the quality gate over all generated texts. A critic's share is bounded only where a critic ran."""
    numbers: dict[str, Number] = {"rows": report.rows, **{m.name: m.value for m in report.measures}}
    critic = any(measure.name == "critic_accept" for measure in report.measures)
    least = QualityBounds().critic_accept_least if critic else None
    return Measured(numbers, {"critic_accept_least": least}, where=report.failed)


def _leaks(e: LeakEvidence) -> Measured:
    """Report the rows whose instruction equals or nearly equals that of an evaluation item."""
    return Measured(
        {"training": e.training, "evaluation": e.evaluation, "leaks": len(e.rows)},
        where=[f"row {row}" for row in e.rows],
    )


def _pairs(e: RowsEvidence) -> Measured:
    """Count pairs with equal sides, another prompt or a small margin, and measure what length alone would predict."""
    rows: list[PreferenceRow] = list(e.rows)
    count = len(rows)
    lengths = [tuple(len(_text(side)) for side in (row.chosen, row.rejected)) for row in rows]
    longer, shorter = sum(a > b for a, b in lengths), sum(a < b for a, b in lengths)
    prompts = Counter(row.row_id for row in rows)
    numbers: dict[str, Number] = {
        "pairs": count,
        "identical_sides": sum(_text(row.chosen).strip() == _text(row.rejected).strip() for row in rows),
        "wrong_prefix": sum(not _text(row.prompt).endswith(prompt_of("")[-9:]) for row in rows),
        "margin_below": sum(row.margin < MARGIN for row in rows),
        "length_only_accuracy": max(longer, shorter) / count if count else None,
        "most_pairs_a_prompt": max(prompts.values(), default=0),
        "sampled_share": sum(row.sampled for row in rows) / count if count else None,
    }
    for kind, hits in sorted(Counter(axis for row in rows for axis in row.axes).items()):
        numbers[f"negatives/{kind}"] = hits / count
    return Measured(numbers)


def _text(messages: tuple[object, ...]) -> str:
    return "".join(getattr(message, "content", "") for message in messages)


def _preference(method: Method) -> bool:
    return method.objective != "sft"


_B = Bound


def _own() -> Iterator[Guard]:
    yield base_guard("accuracy", 0.0, "the base was asked every test item before any training")
    yield Guard(
        "s1", "s1_plain_tokenizer", "the base reads text alone: no chat template, no special token in a prompt",
        "line", ("base_model",), BaseCheck, _tokenizer,
        (_B("probes", ">=", "min_probes", 1, "check the base first (base_check)"),
         _B("template_active", "<=", "max_templates", 0, "take the template away"),
         _B("markers_in_prompts", "<=", "max_markers", 0, "remove the special tokens from the prompts")))  # fmt: skip
    yield Guard(
        "s2", "s2_sentinels", "the base fails instructions and goes on with plain texts",
        "line", ("base_model",), BaseCheck, _sentinels,
        (_B("probes", ">=", "min_probes", PROBES_LEAST, "one item a kind proves nothing"),
         _B("followed", "<=", "must_fail_most", MUST_FAIL_MOST, "it follows instructions before any training; use a base model"),
         _B("completed", ">=", "must_work_least", MUST_WORK_LEAST,
            "it does not complete plain texts either; check that it is loaded right")))  # fmt: skip
    yield Guard(
        "s3", "s3_base_decision", "the base leaves something to learn: GO, or a recorded reason to go on",
        "line", ("base_model", "bench_cases"), Decision, _decision,
        (_B("open", ">=", "min_open", 1, "STOP cannot be overridden; for REVIEW give the option acknowledge/base"),))  # fmt: skip
    yield Guard(
        "s8", "s8_rows", "every training row is right, whole, single and has an origin",
        "line", TRAJECTORY_PARTS, RowsEvidence, _rows,
        (_B("rows", ">=", "min_rows", 1, NOTHING_TO_EVALUATE),
         *(_B(name, "<=", "max_wrong", 0, "such a row must not be trained on; make the rows again")
           for name in ("wrong", "placeholders", "runaways", "delimiters", "other_prompt", "without_origin", "repeated")),
         _B("largest_topic_share", "<=", "max_topic_share", 0.05, "one topic outweighs the others; lower its cap")))  # fmt: skip
    bounds = QualityBounds()
    yield Guard(
        "s9", "s9_quality", "the generated texts are within the quality gate's bounds",
        "line", TRAJECTORY_PARTS, QualityReport, _quality,
        (_B("runaway", "<", "runaway_below", bounds.runaway_below, "see quality.json of sft_rows"),
         _B("token_limit_hits", "<", "token_limit_hits_below", bounds.token_limit_hits_below, "answers are cut off"),
         _B("delimiter_leaks", "<=", "delimiter_leaks_most", bounds.delimiter_leaks_most, "answers hold marks of the prompt"),
         _B("median_tokens", "<", "median_tokens_below", bounds.median_tokens_below, "the answers are too long"),
         _B("critic_accept", ">=", "critic_accept_least", None, "the critic refuses most answers", optional=True)))  # fmt: skip
    yield Guard(
        "s10", "s10_no_leakage", "no training instruction is that of an evaluation item, or near one",
        "line", (*TRAJECTORY_PARTS, "bench_cases"), LeakEvidence, _leaks,
        (_B("training", ">=", "min_rows", 1, NOTHING_TO_EVALUATE),
         _B("evaluation", ">=", "min_items", 240, "draw the test items first (bench_cases)"),
         _B("leaks", "<=", "max_leaks", 0, "remove these rows; they would be measured on what they learnt")))  # fmt: skip
    yield Guard(
        "s11", "s11_pairs", "pairs are real: right against wrong, by the model itself, and no ruler finds the chosen side",
        "line", PREFERENCE_PARTS, RowsEvidence, _pairs,
        (_B("pairs", ">=", "min_pairs", 1, NOTHING_TO_EVALUATE),
         _B("identical_sides", "<=", "max_identical", PAIR_BOUNDS["identical_sides"], "both sides say the same"),
         _B("wrong_prefix", "<=", "max_wrong_prefix", 0, "a pair has another prompt than training and benchmark"),
         _B("margin_below", "<=", "max_margin_below", PAIR_BOUNDS["margin_below"], "a pair's scores are too close"),
         _B("length_only_accuracy", "<=", "max_length_only", PAIR_BOUNDS["length_only_accuracy"],
            "the longer or the shorter side is nearly always the chosen one: DPO would learn the length"),
         _B("most_pairs_a_prompt", "<=", "max_pairs_a_prompt", PAIRS_PER_PROMPT, "one prompt outweighs the others"),
         _B("sampled_share", ">=", "min_sampled", 0.5, "most rejected sides are made up; sample more answers")),
        _preference)  # fmt: skip
    yield Guard(
        "s13", "s13_sft_decision", "the supervised model is good enough to be sampled from: above 40 %, or a recorded reason",
        "line", ("sft_checkpoint", "bench_cases"), Decision, _decision,
        (_B("open", ">=", "min_open", 1, "INVESTIGATE: look at the types that fail, or give the option acknowledge/sft"),),
        _preference)  # fmt: skip


GUARDS = tuple(_own())
TABLE = GuardTable(GUARDS, DATASETS)
"""All guards of the track, standard ones included."""
