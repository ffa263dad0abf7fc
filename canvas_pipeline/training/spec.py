"""A run as one file: method, inputs and their hashes, numbers, verdicts. Whoever has it can make the same checkpoint.

In: JSON. Out: a ``RunSpec``, or a refusal. What must hold: nothing trains before ``admit`` has read every input again and
found the sha256 that the spec names, and the gate has found a passed verdict of each guard for exactly these hashes. The
same file runs by hand, under Dagster, under a launcher or on a cluster. No torch here: the code location reads this file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from canvas_pipeline.artifacts import MANIFEST, content_sha256, sha256_file
from canvas_pipeline.errors import BadConfig, BadInput, GateClosed, MissingInput, SchemaMismatch
from canvas_pipeline.guardrails import gate
from canvas_pipeline.guardrails.verdict import Verdict
from canvas_pipeline.profiles import Profile, profile
from canvas_pipeline.records import FeedbackExample, PreferencePair, Row, Trajectory, digest, dumps
from canvas_pipeline.training.methods import Hyperparameters, Method, method
from canvas_pipeline.training.precision import Compute, compute_dtype

ROWS: Mapping[str, type[Row]] = {"trajectory": Trajectory, "preference": PreferencePair, "feedback": FeedbackExample}
REFERENCE = "reference_logprobs"


class InputFile(Row, frozen=True, kw_only=True):
    """A file or folder by absolute path, and the sha256 of its content (``sha256_path``)."""

    path: str
    sha256: str


class RunSpec(Row, frozen=True, kw_only=True):
    """One training run. ``inputs`` has the names the gate uses: ``<dataset>_train``, ``<dataset>_eval``, ``base_model`` or
    ``checkpoint/sft`` (the weights it starts from), ``reference_logprobs`` for the methods that use them, and further
    files that verdicts are bound to (``bench_cases`` …). ``compute`` is the number type of its products (``precision``)."""

    method: str
    profile: str
    seed: int
    hyperparameters: Hyperparameters
    compute: Compute
    inputs: dict[str, InputFile]
    verdicts: tuple[Verdict, ...] = ()

    @property
    def row(self) -> Method:
        """The method's row of the table."""
        return method(self.method)

    @property
    def sizes(self) -> Profile:
        """The profile's row."""
        return profile(self.profile)

    @property
    def sha256(self) -> str:
        """What identifies the run's result: everything but where it is written and where its inputs lie."""
        numbers = dumps(self.hyperparameters).decode()
        return digest(self.method, self.profile, str(self.seed), numbers, self.compute, *self._hashes())

    def _hashes(self) -> list[str]:
        used = self.needed
        return [part for name in sorted(used) if name in self.inputs for part in (name, self.inputs[name].sha256)]

    @property
    def needed(self) -> tuple[str, ...]:
        """The inputs that the training itself reads."""
        row = self.row
        reads = (f"{row.dataset}_train", f"{row.dataset}_eval", row.start)
        return (*reads, REFERENCE) if row.dataset == "preference" else reads

    def path(self, name: str) -> Path:
        """The path of an input; raises ``MissingInput`` naming it where the spec has none."""
        try:
            return Path(self.inputs[name].path)
        except KeyError:
            raise MissingInput(f"the run spec of {self.method} names no input {name!r}; make the spec again") from None

    @property
    def train_path(self) -> Path:
        return self.path(f"{self.row.dataset}_train")

    @property
    def eval_path(self) -> Path:
        return self.path(f"{self.row.dataset}_eval")

    @property
    def start_path(self) -> Path:
        """The folder of the weights it starts from (a stage's folder or its ``model`` folder)."""
        return model_folder(self.path(self.row.start))


def sha256_path(path: Path) -> str:
    """The content hash of a file, or of a folder over names and bytes of its files (a stage's folder gives the hash in
    its manifest). Raises ``MissingInput`` where nothing is there."""
    if path.is_file():
        return sha256_file(path)
    if not path.is_dir():
        raise MissingInput(f"{path}: no such file or folder; materialise the stage that writes it first")
    files = (p for p in sorted(path.rglob("*")) if p.is_file() and p.relative_to(path).as_posix() != MANIFEST)
    return content_sha256({p.relative_to(path).as_posix(): sha256_file(p) for p in files})


def model_folder(path: Path) -> Path:
    """Where the weights lie: the folder itself, or its ``model`` folder. Raises ``MissingInput`` where neither has any."""
    for folder in (path, path / "model"):
        if (folder / "config.json").is_file():
            return folder
    raise MissingInput(f"{path}: no model there (no config.json); materialise the stage that makes it first")


def make_spec(
    name: str,
    profile_name: str,
    seed: int,
    inputs: Mapping[str, Path],
    verdicts: tuple[Verdict, ...] = (),
    hyperparameters: Hyperparameters | None = None,
    compute: Compute | None = None,
) -> RunSpec:
    """A spec with every input's hash as it is now; ``compute`` is by default what this machine has hardware for.

    Raises ``BadConfig`` for names that do not exist, ``MissingInput`` for files that are not there."""
    return RunSpec(
        method=name,
        profile=profile(profile_name).name,
        seed=seed,
        hyperparameters=hyperparameters or method(name).hyperparameters(profile_name),
        compute=compute or compute_dtype(),
        inputs={key: InputFile(path=str(path.resolve()), sha256=sha256_path(path)) for key, path in inputs.items()},
        verdicts=verdicts,
    )


def write_spec(spec: RunSpec, path: Path) -> None:
    """Write a spec as canonical JSON."""
    path.write_bytes(dumps(spec) + b"\n")


def read_spec(path: Path) -> RunSpec:
    """Read a spec; raises ``MissingInput``, or ``BadInput`` naming the field that is wrong."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise MissingInput(f"{path}: no such run spec; make one with canvas-train or materialise run_spec") from None
    try:
        spec = msgspec.json.decode(raw, type=RunSpec)
    except msgspec.DecodeError as error:
        detail = str(error) if isinstance(error, msgspec.ValidationError) else "malformed JSON"
        raise BadInput(f"{path}: not a run spec ({detail}); make it again") from None
    method(spec.method), profile(spec.profile)
    return spec


def admit(spec: RunSpec) -> None:
    """Return if the run may train; otherwise raise, with nothing written.

    ``GateClosed`` when an input differs from what the spec names, or the gate refuses its verdicts; ``MissingInput`` when
    one is absent; ``SchemaMismatch`` when the rows are not those of the method."""
    missing = [name for name in spec.needed if name not in spec.inputs]
    if missing:
        raise MissingInput(
            f"the run spec of {spec.method} lacks {', '.join(missing)}; materialise run_spec/{spec.method} again"
        )
    hashes = {name: sha256_path(Path(file.path)) for name, file in spec.inputs.items()}
    changed = [name for name, file in spec.inputs.items() if hashes[name] != file.sha256]
    if changed:
        raise GateClosed(
            f"{spec.method}: {', '.join(changed)} changed since the run spec was made, so its verdicts do not count; "
            f"run the checks again and materialise run_spec/{spec.method}"
        )
    for name in (f"{spec.row.dataset}_train", f"{spec.row.dataset}_eval"):
        check_schema(spec.path(name), spec.row)
    files = {name: Path(file.path) for name, file in spec.inputs.items() if name.endswith(("_train", "_eval"))}
    gate.raise_closed(
        spec.method, gate.reverify(spec.method, spec.verdicts, hashes, files, spec.sizes, limits_of(spec))
    )


def limits_of(spec: RunSpec) -> gate.Limits:
    """The thresholds that the method table gives, by guard. The table's length, whatever the spec says of its own: an
    edited spec does not raise the bound that its rows were judged by."""
    table = spec.row.hyperparameters(spec.profile)
    return {
        "g5": {"max_grad_norm": spec.row.grad_norm_bound[spec.profile]},
        "g11": {"max_length": min(spec.hyperparameters.max_length, table.max_length)},
    }


def check_schema(path: Path, row: Method) -> None:
    """Raise ``SchemaMismatch`` where a file's first row lacks a column the method needs, naming the columns."""
    try:
        with path.open("rb") as file:
            first = next((line for line in file if line.strip()), b"")
    except FileNotFoundError:
        raise MissingInput(f"{path}: no such file; materialise the split that writes it first") from None
    if not first:
        raise BadInput(f"{path}: no rows; {row.name} needs a {row.dataset} set")
    try:
        present = msgspec.json.decode(first, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        raise BadInput(f"{path}:1: not a JSON object") from None
    lacking = [column for column in row.columns if column not in present]
    if lacking:
        raise SchemaMismatch(
            f"{path}: {row.name} trains on {row.dataset} rows, but the column(s) {', '.join(lacking)} are missing "
            f"(it has {', '.join(sorted(present))}); give it the file of splits/{row.dataset}"
        )


def check_batch(spec: RunSpec) -> None:
    """Raise ``BadConfig`` for numbers that cannot train."""
    h = spec.hyperparameters
    if spec.method == "kto" and h.batch < 2:
        raise BadConfig("kto needs a batch of at least 2: its KL term pairs each prompt with a neighbour's completion")
    if spec.row.adapter and h.adapter_rank < 1:
        raise BadConfig(f"{spec.method} needs adapter_rank >= 1")
    if min(h.batch, h.accumulation, h.max_length) < 1 or h.learning_rate <= 0 or h.beta <= 0:
        raise BadConfig("batch, accumulation, max_length, learning_rate and beta must be positive")
