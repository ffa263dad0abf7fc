"""Describe a run in one file: method, hyperparameters, inputs with their hashes, verdicts. The same spec makes the same checkpoint.

``admission.admit`` checks a spec before its run trains. The file runs by hand, under Dagster, under a launcher or on a cluster.
This module does not import torch, since the code location loads it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from canvas_pipeline.errors import BadInput, MissingInput
from canvas_pipeline.guardrails.verdict import Verdict
from canvas_pipeline.methods import Adapter, Hyperparameters, Method, method
from canvas_pipeline.profiles import Profile, digest_of
from canvas_pipeline.records import Row, digest, dumps
from canvas_pipeline.storage.digests import sha256_path
from canvas_pipeline.training.precision import Compute, compute_dtype
from canvas_pipeline.training.weights import model_folder

SPEC = "run spec"
"""What a run spec that is handed to the training process is sealed for."""


class InputFile(Row, frozen=True, kw_only=True):
    """An absolute path of a file or folder, and the sha256 of its content (``sha256_path``)."""

    path: str
    sha256: str


class RunSpec(Row, frozen=True, kw_only=True):
    """One training run of a track. ``inputs`` has the names the gate uses: ``<dataset>_train``, ``<dataset>_eval``, ``base_model``
    or ``<method>_checkpoint`` (the weights it starts from), the method's ``reference`` where it has one, and further
    files that verdicts are bound to (``bench_cases`` …). ``compute`` is the number type of its products (``precision``);
    ``sizes`` the digest of the profile's values (``profiles.digest_of``)."""

    track: str
    method: str
    profile: str
    sizes: str
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
    def sha256(self) -> str:
        """The digest that identifies the run's result: everything except paths."""
        numbers = dumps(self.hyperparameters).decode()
        return digest(
            self.track, self.method, self.profile, self.sizes, str(self.seed), numbers, self.compute, *self._hashes()
        )

    def _hashes(self) -> list[str]:
        used = self.needed
        return [part for name in sorted(used) if name in self.inputs for part in (name, self.inputs[name].sha256)]

    @property
    def needed(self) -> tuple[str, ...]:
        """The inputs that the training itself reads."""
        row = self.row
        return (*row.reads, row.reference) if row.reference else row.reads

    @property
    def adapter(self) -> Adapter | None:
        """The adapter that is trained in place of the whole weights, if any: the method's, or the run's own."""
        return self.row.adapter or self.hyperparameters.adapter

    @property
    def loaded_as(self) -> Compute:
        """The number type in which weights are loaded: the method's, where products are computed in it.

        Without hardware for bfloat16 all weights are float32, and only the saved ones are bfloat16."""
        return self.hyperparameters.dtype if self.compute == "bfloat16" else "float32"

    @property
    def needs_bitsandbytes(self) -> bool:
        """Tell whether it trains on 4-bit weights or with 8-bit optimiser states."""
        return self.adapter == "qlora" or self.hyperparameters.optimizer.endswith("8bit")

    def path(self, name: str) -> Path:
        """Return the path of an input. Raises ``MissingInput`` where the spec does not name it."""
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


def make_spec(
    track: str,
    name: str,
    profile: Profile,
    seed: int,
    inputs: Mapping[str, Path],
    verdicts: tuple[Verdict, ...] = (),
    hyperparameters: Hyperparameters | None = None,
    compute: Compute | None = None,
    sha256_of: Callable[[Path], str] = sha256_path,
) -> RunSpec:
    """Make a spec with the current hash of every input. ``compute`` defaults to what this machine has hardware for;
    ``sha256_of`` hashes an input, a file or a folder.

    Raises ``BadConfig`` for names that do not exist, ``MissingInput`` for files that are not there."""
    return RunSpec(
        track=track,
        method=name,
        profile=profile.name,
        sizes=digest_of(profile),
        seed=seed,
        hyperparameters=hyperparameters or method(name).hyperparameters(profile.name),
        compute=compute or compute_dtype(),
        inputs={key: InputFile(path=str(path.resolve()), sha256=sha256_of(path)) for key, path in inputs.items()},
        verdicts=verdicts,
    )


def write_spec(spec: RunSpec, path: Path) -> None:
    """Write a spec as canonical JSON."""
    path.write_bytes(dumps(spec) + b"\n")


def read_spec(path: Path) -> RunSpec:
    """Read a spec. Raises ``MissingInput``, or ``BadInput`` naming the field that is wrong."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise MissingInput(f"{path}: no such run spec; make one with canvas-train or materialise run_spec") from None
    try:
        spec = msgspec.json.decode(raw, type=RunSpec)
    except msgspec.DecodeError as error:
        detail = str(error) if isinstance(error, msgspec.ValidationError) else "malformed JSON"
        raise BadInput(f"{path}: not a run spec ({detail}); make it again") from None
    method(spec.method)
    return spec
