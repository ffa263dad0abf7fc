"""Check whether a run may train: its inputs are those that its spec names, and the gate is open.

Separate from ``spec``, so that the code version of a checkpoint does not depend on the code of the guards. Does not import torch.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from canvas_pipeline.datasets.spec import DatasetSpec
from canvas_pipeline.errors import BadConfig, BadInput, GateClosed, MissingInput, SchemaMismatch
from canvas_pipeline.guardrails import gate
from canvas_pipeline.guardrails.table import GuardTable
from canvas_pipeline.methods import Hyperparameters
from canvas_pipeline.storage.digests import sha256_path
from canvas_pipeline.training.run import Run
from canvas_pipeline.training.spec import RunSpec


def admit(table: GuardTable, run: Run) -> None:
    """Return if the run may train; otherwise raise, with nothing written.

    ``GateClosed`` when an input differs from what the spec names, or the gate refuses its verdicts; ``MissingInput`` when
    one is absent; ``SchemaMismatch`` when the rows are not those of the method."""
    spec = run.spec
    missing = [name for name in spec.needed if name not in spec.inputs]
    if missing:
        raise MissingInput(
            f"the run spec of {spec.method} lacks {', '.join(missing)}; materialise {spec.method}_run_spec again"
        )
    hashes = {name: sha256_path(Path(file.path)) for name, file in spec.inputs.items()}
    changed = [name for name, file in spec.inputs.items() if hashes[name] != file.sha256]
    if changed:
        raise GateClosed(
            f"{spec.method}: {', '.join(changed)} changed since the run spec was made, so its verdicts do not count; "
            f"run the checks again and materialise {spec.method}_run_spec"
        )
    for name in run.dataset.parts:
        check_schema(spec.path(name), spec.method, run.dataset)
    files = {name: Path(file.path) for name, file in spec.inputs.items() if name.endswith(("_train", "_eval"))}
    gate.raise_closed(
        spec.method,
        gate.reverify(table, spec.row, spec.verdicts, hashes, files, run.profile, limits_of(spec, run.numbers)),
    )


def limits_of(spec: RunSpec, numbers: Hyperparameters | None = None) -> gate.Limits:
    """Return the thresholds that the method table gives, by guard. ``numbers`` are the track's own, where it has some.

    The length is at most the table's: an edited spec does not raise the bound of its rows."""
    table = numbers or spec.row.hyperparameters(spec.profile)
    return {
        "g5": {"max_norm_share": spec.row.norm_share_bound[spec.profile]},
        "g11": {"max_length": min(spec.hyperparameters.max_length, table.max_length)},
    }


def check_schema(path: Path, method: str, dataset: DatasetSpec) -> None:
    """Raise ``SchemaMismatch`` where a file's first row lacks a column of the data set's rows, naming the columns."""
    try:
        with path.open("rb") as file:
            first = next((line for line in file if line.strip()), b"")
    except FileNotFoundError:
        raise MissingInput(f"{path}: no such file; materialise the split that writes it first") from None
    if not first:
        raise BadInput(f"{path}: no rows; {method} needs a {dataset.name} set")
    try:
        present = msgspec.json.decode(first, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        raise BadInput(f"{path}:1: not a JSON object") from None
    required = [field.encode_name for field in msgspec.structs.fields(dataset.row_type) if field.required]
    lacking = [column for column in required if column not in present]
    if lacking:
        raise SchemaMismatch(
            f"{path}: {method} trains on {dataset.name} rows, but the column(s) {', '.join(lacking)} are missing "
            f"(it has {', '.join(sorted(present))}); give it the file of {dataset.split}"
        )


def check_batch(spec: RunSpec) -> None:
    """Raise ``BadConfig`` for numbers that cannot train."""
    h = spec.hyperparameters
    if spec.row.objective == "unpaired" and h.batch < 2:
        raise BadConfig(
            f"{spec.method} needs a batch of at least 2: its KL term pairs each prompt with a neighbour's completion"
        )
    if spec.adapter and h.adapter_rank < 1:
        raise BadConfig(f"{spec.method} needs adapter_rank >= 1")
    if min(h.batch, h.accumulation, h.max_length) < 1 or h.learning_rate <= 0 or h.beta <= 0:
        raise BadConfig("batch, accumulation, max_length, learning_rate and beta must be positive")
    if h.candidates < 1 or h.patience < 0:
        raise BadConfig("candidates must be at least 1 (the last step), and patience at least 0 (never stop early)")
