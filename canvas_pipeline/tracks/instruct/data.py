"""Make the training rows and preference pairs of the instruct track.

Every answer is checked by the constraints of its instruction before it is trained on. Refused drafts have a reason and the funnel
adds up. The embedded profile takes the items' own answers; others let a model write them.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from canvas_pipeline.datasets.best_of import Pairing, PairReport, Scored, pair_report, pairs_of
from canvas_pipeline.datasets.duplicates import capped, deduplicate, leaks
from canvas_pipeline.datasets.quality import QualityReport, quality, refusal_reason
from canvas_pipeline.datasets.text_model import TextGenerator
from canvas_pipeline.errors import BadInput
from canvas_pipeline.records import Funnel, Refusal, digest, funnel
from canvas_pipeline.tracks.instruct.profiles import REFUSALS
from canvas_pipeline.tracks.instruct.rows import (
    Draft,
    InstructPair,
    InstructRow,
    Provenance,
    SampledAnswer,
    TestItem,
    prompt_of,
)
from canvas_pipeline.tracks.instruct.scorer import TYPES, draw_item, draw_twins
from canvas_pipeline.verifiers.constraints import Constraint, check_constraints
from canvas_pipeline.verifiers.critic import Comparison, FirstTokenModel, accepted_share, prefer
from canvas_pipeline.verifiers.words import plain

SHOTS = 4
RESPONSE_TEMPERATURE, REWORD_TEMPERATURE = 0.4, 0.7
STOPS = ("\n\n", "\nInstruction:", "\nOne way:")  # each begins a further example in the prompts of ``model_drafts``
TOPIC_LEAST, TOPIC_SHARE = 20, 0.01
PRINCIPLES = (
    "The answer follows the instruction exactly.",
    "The answer is true.",
    "The answer says nothing that was not asked for.",
)
# Which demand, if broken, makes what kind of negative.
NEGATIVE_KINDS: Mapping[str, str] = {
    "words_exactly": "format", "sentences_exactly": "format", "numbered_list": "format", "json_keys": "format",
    "members": "factual", "mentions": "factual", "avoids": "factual", "equals": "factual", "number": "factual",
    "in_order": "off_topic", "words_at_most": "verbose", "refuses": "compliance",
}  # fmt: skip
CONSTRUCTED_SEED = 17


@dataclass(frozen=True, slots=True)
class BuiltRows:
    """Training rows with what was refused; ``refusals`` name drafts by their position."""

    rows: tuple[InstructRow, ...]
    refusals: tuple[Refusal, ...]
    funnel: Funnel
    quality: QualityReport


@dataclass(frozen=True, slots=True)
class BuiltPairs:
    """Preference pairs. The funnel counts prompts: kept are those that gave a pair."""

    pairs: tuple[InstructPair, ...]
    funnel: Funnel
    report: PairReport


def training_items(count: int, seed: int) -> list[TestItem]:
    """Draw ``count`` training items, the types in turn. Instructions may repeat; duplicates are merged later."""
    rng, names = random.Random(f"instruct.train:{seed}"), list(TYPES)
    return [draw_item(names[at % len(names)], "train", rng) for at in range(count)]


def world_drafts(items: Sequence[TestItem], seed: int) -> list[Draft]:
    """Answer items with their right answers. Words count as tokens, so no tokenizer is needed."""
    return [
        Draft(
            item=item, instruction=item.instruction, response=item.gold, stopped=True, tokens=len(item.gold.split()),
            generator="world", seed=seed,
        )
        for item in items
    ]  # fmt: skip


def model_drafts(items: Sequence[TestItem], model: TextGenerator, seed: int, max_new_tokens: int) -> list[Draft]:
    """Let a model word the instructions anew and answer them, both by completing a few examples.

    A new wording counts only if it holds all that was filled into the old one; else the item keeps its own."""
    asked = [_reword_prompt(item, seed) for item in items]
    reworded = model.generate(asked, temperature=REWORD_TEMPERATURE, seed=seed, max_new_tokens=max_new_tokens)
    instructions = [
        _first_line(generated.text)
        if generated.stopped and asks_the_same(item, _first_line(generated.text))
        else item.instruction
        for item, generated in zip(items, reworded, strict=True)
    ]
    prompts = [_answer_prompt(item, instruction, seed) for item, instruction in zip(items, instructions, strict=True)]
    answers = model.generate(prompts, temperature=RESPONSE_TEMPERATURE, seed=seed, max_new_tokens=max_new_tokens)
    parameters: dict[str, float | str] = {"temperature": RESPONSE_TEMPERATURE, "max_new_tokens": float(max_new_tokens)}
    return [
        Draft(
            item=item, instruction=instruction, response=generated.text.strip(), stopped=generated.stopped, tokens=generated.tokens,
            generator=model.name, seed=seed, parameters=parameters,
        )
        for item, instruction, generated in zip(items, instructions, answers, strict=True)
    ]  # fmt: skip


def asks_the_same(item: TestItem, wording: str) -> bool:
    """Tell whether another wording contains every term of an item."""
    text = f" {plain(wording)} "
    return bool(wording) and all(f" {plain(term)} " in text for term in item.terms if plain(term))


def build_rows(
    drafts: Sequence[Draft],
    evaluation: Sequence[TestItem],
    base_verdicts: str,
    critic: FirstTokenModel | None = None,
    stage: str = "sft_rows",
) -> BuiltRows:
    """Turn drafts into training rows: text checks, constraints, critic, duplicates, topic cap, leakage; in this order.

    ``evaluation`` are the items of test and selection; ``base_verdicts`` the sha256 of the base's verdicts. Raises ``BadInput``
    where a prompt holds an escaped newline: a template was written wrongly."""
    refusals: list[Refusal] = []
    alive = list(enumerate(drafts))

    def refuse(position: int, reason: str) -> None:
        refusals.append(Refusal(source=stage, line=position, reason=reason))

    for _, draft in alive:
        if "\\n" in prompt_of(draft.instruction):
            raise BadInput(
                f"item {draft.item.id}: its prompt holds a backslash and an n; write the template with a real newline"
            )
    alive = _kept(alive, {at: reason for at, draft in alive if (reason := _draft_reason(draft))}, refuse)
    accepted = None
    if critic is not None:
        reasons, accepted = _criticised(alive, critic)
        alive = _kept(alive, reasons, refuse)
    unique = deduplicate(
        alive, lambda row: f"{row[1].instruction}\n{row[1].response}", within=lambda row: row[1].item.topic
    )
    most = max(TOPIC_LEAST, int(TOPIC_SHARE * len(unique.kept)))
    alive, over = capped(unique.kept, lambda row: row[1].item.topic, most)
    for at, _ in over:
        refuse(at, "topic_cap")
    found = leaks(
        ((str(at), draft.instruction) for at, draft in alive), {item.id: item.instruction for item in evaluation}
    )
    alive = _kept(alive, {int(leak.row_id): "in_tests" for leak in found}, refuse)
    rows = tuple(_row(draft, base_verdicts) for _, draft in alive)
    counted = funnel(stage, len(drafts), len(rows), refusals, merged=len(unique.duplicates))
    report = quality(
        responses=[draft.response for draft in drafts], tokens=[draft.tokens for draft in drafts],
        stopped=[draft.stopped for draft in drafts], reasons=counted.refused, critic_accept=accepted, critic_ran=critic is not None,
    )  # fmt: skip
    return BuiltRows(rows, tuple(refusals), counted, report)


def leaking_rows(rows: Sequence[InstructRow], evaluation: Sequence[TestItem]) -> tuple[str, ...]:
    """Give the ids of training rows whose instruction is that of an evaluation item, or near it. The gate wants none."""
    found = leaks(((row.id, row.instruction) for row in rows), {item.id: item.instruction for item in evaluation})
    return tuple(leak.row_id for leak in found)


def sampling_plan(rows: Sequence[InstructRow], prompts: int, seed: int) -> list[InstructRow]:
    """Choose the training rows whose prompts are answered several times, as many of each type as there are."""
    rng = random.Random(f"instruct.candidates:{seed}")
    by_type: dict[str, list[InstructRow]] = {}
    for row in rng.sample(list(rows), len(rows)):
        by_type.setdefault(row.instruction_type, []).append(row)
    share = -(-prompts // max(1, len(by_type)))
    return [row for name in sorted(by_type) for row in by_type[name][:share]][:prompts]


def sample_answers(
    rows: Sequence[InstructRow], model: TextGenerator, k: int, temperature: float, seed: int, max_new_tokens: int
) -> list[SampledAnswer]:
    """Answer each prompt ``k`` times, each sample with a seed of its own."""
    if not 2 <= k <= 4:
        raise BadInput(f"{k} samples a prompt; best of N takes 2 to 4")
    prompts = [row.prompt for row in rows]
    answers = []
    for sample in range(k):
        generated = model.generate(prompts, temperature=temperature, seed=seed + sample, max_new_tokens=max_new_tokens)
        answers += [
            SampledAnswer(
                row_id=row.id,
                sample=sample,
                text=one.text.strip(),
                stopped=one.stopped,
                tokens=one.tokens,
                seed=seed + sample,
            )  # fmt: skip
            for row, one in zip(rows, generated, strict=True)
        ]
    return answers


def build_pairs(
    rows: Sequence[InstructRow], answers: Sequence[SampledAnswer], stage: str = "pairs", construct: bool = True
) -> BuiltPairs:
    """Pair sampled answers by their constraints. ``construct`` adds one made-up wrong answer where a sampled one is right, while
    there are fewer of them than of sampled ones.

    Raises ``BadInput`` for an answer to a row that is not there."""
    by_row: dict[str, list[SampledAnswer]] = {row.id: [] for row in rows}
    for answer in answers:
        if answer.row_id not in by_row:
            raise BadInput(
                f"an answer belongs to row {answer.row_id}, which is not among the rows; sample again from these rows"
            )
        by_row[answer.row_id].append(answer)
    pairs: list[InstructPair] = []
    pairings: list[Pairing] = []
    reasons: list[Refusal] = []
    for line, row in enumerate(rows):
        scored = [_scored(row, answer) for answer in sorted(by_row[row.id], key=lambda answer: answer.sample)]
        made_up = construct and sum(not pair.sampled for pair in pairs) < sum(pair.sampled for pair in pairs)
        found = pairs_of(scored, _constructed(row, rows[line - 1]) if made_up else ())
        if found.reason:
            reasons.append(Refusal(source=stage, line=line, reason=found.reason))
        pairings += found.pairs
        pairs += [_pair(row, pairing, number) for number, pairing in enumerate(found.pairs)]
    return BuiltPairs(tuple(pairs), funnel(stage, len(rows), len(rows) - len(reasons), reasons), pair_report(pairings))


def pass_at(rows: Sequence[InstructRow], answers: Sequence[SampledAnswer]) -> tuple[float, float]:
    """Give the share of right samples, and the share of prompts with at least one right sample."""
    right: Counter[str] = Counter()
    demands = {row.id: row.constraints for row in rows}
    for answer in answers:
        right[answer.row_id] += check_constraints(answer.text, demands[answer.row_id], stopped=answer.stopped).right
    return (right.total() / len(answers) if answers else 0.0), (
        sum(n > 0 for n in right.values()) / len(rows) if rows else 0.0
    )


def _draft_reason(draft: Draft) -> str | None:
    if not draft.stopped:
        return "token_limit"
    return refusal_reason(draft.instruction, draft.response) or (
        None if check_constraints(draft.response, draft.item.constraints).right else "check_failed"
    )


def _kept(
    alive: Sequence[tuple[int, Draft]], reasons: Mapping[int, str], refuse: Callable[[int, str], None]
) -> list[tuple[int, Draft]]:
    for at, _ in alive:
        if at in reasons:
            refuse(at, reasons[at])
    return [(at, draft) for at, draft in alive if at not in reasons]


def _criticised(alive: Sequence[tuple[int, Draft]], critic: FirstTokenModel) -> tuple[dict[int, str], float | None]:
    """Ask the critic about each answer beside another item's; principles are taken in turn."""
    asked = [
        Comparison(
            id=str(at), instruction=draft.instruction, first=draft.response, second=alive[number - 1][1].response,
            principle=PRINCIPLES[number % len(PRINCIPLES)],
        )
        for number, (at, draft) in enumerate(alive)
    ]  # fmt: skip
    found = prefer(critic, asked)
    reasons: dict[int, str] = {int(p.id): p.reason or "critic_rejected" for p in found if p.winner != "first"}
    return reasons, accepted_share(found)


def _row(draft: Draft, base_verdicts: str) -> InstructRow:
    prompt, embedded = prompt_of(draft.instruction), draft.generator == "world"
    provenance = Provenance(
        generator=draft.generator, seed=draft.seed, wording_id=draft.item.wording_id, prompt_sha256=digest("prompt", prompt),
        parameters=draft.parameters, base_verdicts=base_verdicts, quantisation="none" if embedded else "as served",
        dtype="float32" if embedded else "as served",
    )  # fmt: skip
    return InstructRow(
        id=digest("instruct", draft.instruction, draft.response)[:12], instruction=draft.instruction,
        instruction_type=draft.item.type, response=draft.response, prompt=prompt, completion=f" {draft.response}",
        topic=draft.item.topic, constraints=draft.item.constraints, provenance=provenance,
    )  # fmt: skip


def _scored(row: InstructRow, answer: SampledAnswer) -> Scored:
    found = check_constraints(answer.text, row.constraints, stopped=answer.stopped)
    # A cut answer may meet every demand and is still no answer.
    score = found.score if answer.stopped else 0.0
    return Scored(answer.text, score, found.right, "" if found.right else _kind(row, answer.text, found.failed))


def _kind(row: InstructRow, text: str, failed: Sequence[str]) -> str:
    refused = check_constraints(text, [Constraint(kind="refuses")]).right
    if refused and row.instruction_type != "harmful_refusal":
        return "refusal"
    return NEGATIVE_KINDS[failed[0]] if failed else "verbose"


def _constructed(row: InstructRow, other: InstructRow) -> list[Scored]:
    """Make up one wrong answer, its kind drawn by the row's id; none where it happens to be right."""
    harmful = row.instruction_type == "harmful_refusal"
    made = {
        "refusal": REFUSALS[0],
        "verbose": f"{row.response} {row.response} {row.response} {row.response}",
        "off_topic": other.response,
    }
    kinds = ["off_topic"] if harmful else list(made)
    kind = random.Random(f"{row.id}:{CONSTRUCTED_SEED}").choice(kinds)
    found = check_constraints(made[kind], row.constraints)
    return [] if found.right else [Scored(made[kind], found.score, False, kind, sampled=False)]


def _pair(row: InstructRow, pairing: Pairing, number: int) -> InstructPair:
    chosen, rejected = pairing.chosen, pairing.rejected
    return InstructPair(
        id=digest("pair", row.id, str(number))[:12], row_id=row.id, prompt=row.prompt, chosen=f" {chosen.text}",
        rejected=f" {rejected.text}", chosen_score=chosen.score, rejected_score=rejected.score, margin=pairing.margin,
        negative_kind=rejected.kind, sampled=rejected.sampled, topic=row.topic,
    )  # fmt: skip


def _shots(item: TestItem, seed: int) -> list[TestItem]:
    rng = random.Random(f"{item.id}:{seed}")
    return [draw_item(item.type, "train", rng) for _ in range(SHOTS)]


def _answer_prompt(item: TestItem, instruction: str, seed: int) -> str:
    return "\n\n".join(
        [*(f"{prompt_of(shot.instruction)} {shot.gold}" for shot in _shots(item, seed)), prompt_of(instruction)]
    )


def _reword_prompt(item: TestItem, seed: int) -> str:
    """Two wordings of a request a line, the last line to be completed."""
    rng = random.Random(f"{item.id}:{seed}:reword")
    twins = [draw_twins(item.type, rng) for _ in range(SHOTS)]
    lines = [f"One way: {one.instruction} Another way: {other.instruction}" for one, other in twins]
    return "\n".join([*lines, f"One way: {item.instruction} Another way:"])


def _first_line(text: str) -> str:
    return text.strip().split("\n")[0].strip()
