"""The surroundings of a track: data folder, store, profile, teacher; and how any stage is made or reused.

Nothing here knows Dagster or the command line, so an asset and a command give the same bytes.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from canvas_pipeline.errors import BadConfig, MissingInput
from canvas_pipeline.guardrails.verdict import Allowance, Verdict
from canvas_pipeline.methods import Hyperparameters, method
from canvas_pipeline.privacy.contributor_id import all_invented
from canvas_pipeline.privacy.courses.registry import KEY_VARIABLE, registry_key
from canvas_pipeline.profiles import digest_of, profile_named
from canvas_pipeline.records import Funnel
from canvas_pipeline.storage.code_version import code_version, library_versions, reads_profile, root_of
from canvas_pipeline.storage.seal import Seal
from canvas_pipeline.storage.store import Recipe, Stage, Store, Writer
from canvas_pipeline.training.progress import child_environment

if TYPE_CHECKING:
    from canvas_pipeline.pipeline.track import Track

Log = Callable[[str], None]
Launch = Callable[[Sequence[str], Mapping[str, str]], None]
"""Runs a command in its own process and raises when it fails; Dagster passes a Pipes session, a CLI a plain subprocess."""

PACKAGE = Path(__file__).resolve().parents[1]
CHECKOUT = PACKAGE.parent if (PACKAGE.parent / "pyproject.toml").is_file() else None
"""The clone that this package lies in; None where it was installed from a wheel."""
SHIPPED = CHECKOUT or PACKAGE / "shipped"
"""Where ``deploy/``, ``dagster.yaml`` and ``pyproject.toml`` lie: a wheel brings them along."""
DEPLOY = SHIPPED / "deploy"
SYNTHETIC_KEY = b"invented contributors need no secret"
PLANTED = "planted"
"""A file in a workspace's root: canaries were planted here, so nothing here is ever trained on or released."""
KEPT = "registry.kept"
"""A file in ``private``: the last real contributor has left, and those who stay keep the handles they have."""


def _silent(_: str) -> None:
    return None


@dataclass(frozen=True)
class Workspace:
    """The surroundings of one track over one data folder. ``collab`` and ``sessions`` are folders of JSONL; ``private`` never
    leaves the machine; ``deploy`` holds the training image's files (G10)."""

    root: Path
    track: Track
    profile: Any
    """A row of the track's profiles."""
    seed: int = 7
    base_model: str = ""
    teacher_endpoint: str = ""
    teacher_model: str = ""
    teacher_identity: str = ""
    """Stated for a teacher whose server reports neither weights nor revision; recorded in every vote."""
    allowances: tuple[Allowance, ...] = ()
    deploy: Path = DEPLOY
    options: Mapping[str, str] = field(default_factory=dict)
    """Settings that only the track knows."""
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Method → field → number instead of the method table's."""
    log: Log = field(default=_silent, compare=False)
    planted: bool = False
    """A copy with canaries in it, made by ``line.canaries``: audits report and do not stop, so that survivors can be counted.
    What such a copy holds is good for nothing else, see ``holds_canaries``."""

    def numbers(self, name: str) -> Hyperparameters:
        """The numbers of a method's run here: those of the track's table, and the overrides instead of them."""
        table = self.track.numbers(name, self.profile.name)
        return msgspec.structs.replace(table, **self.overrides.get(method(name).choice, {}))

    @property
    def store(self) -> Store:
        """The stages of the track: a stage's key begins with the track's name, on the disk and in Dagster."""
        return Store(self.root / "artifacts" / self.track.name, self.seal)

    @property
    def seal(self) -> Seal:
        """What signs this data folder's artefacts."""
        return Seal(self.private / "store.key")

    def unfinished(self, stage: str, fingerprint: str) -> Path:
        """A folder for what a stage has worked out before it is whole: a run that is killed leaves it, the next one goes on from it
        if its recipe is the same. What other recipes of the stage left is removed."""
        name = f"{self.track.name}.{stage.replace('/', '.')}"
        folder = self.root / "work" / f"{name}.{fingerprint[:16]}"
        for other in folder.parent.glob(f"{name}.*"):
            if other != folder:
                shutil.rmtree(other, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @property
    def collab(self) -> Path:
        return self.root / "collab"

    @property
    def sessions(self) -> Path:
        return self.root / "sessions"

    @property
    def prompts(self) -> Path:
        """Prompts worded by hand, for the bench alone."""
        return self.root / "prompts"

    @property
    def private(self) -> Path:
        return self.root / "private"

    @property
    def holds_canaries(self) -> bool:
        """Whether this is such a copy, also when somebody opens a kept one later as if it were any workspace."""
        return self.planted or (self.root / PLANTED).exists()

    def all_allowances(self) -> tuple[Allowance, ...]:
        """The run's own allowances, and the shipped ones for the other stages."""
        own = {a.stage for a in self.allowances}
        return (*self.allowances, *(a for a in self.track.allowances if a.stage not in own))

    @property
    def synthetic(self) -> bool:
        """Whether every contributor here is invented: only ``canvas-data synthesize`` writes a ground truth beside a file."""
        return all_invented(self.collab)

    def registry(self) -> tuple[bytes, Path]:
        """The secret behind course handles, and the private register they are kept in.

        ``CANVAS_REGISTRY_KEY``, else a key file (mode 0600) made on first use. Where all contributors are invented there is
        nothing to protect: a fixed key makes their handles, and so every artefact, the same on every machine. The first
        real contributor ends that by itself."""
        if self.synthetic and KEY_VARIABLE not in os.environ and not (self.private / KEPT).exists():
            return SYNTHETIC_KEY, self.private / "synthetic-registry.jsonl"
        return registry_key(os.environ, self.private / "registry.key"), self.private / "registry.jsonl"


@dataclass(frozen=True)
class StageResult:
    """A stage as it now stands: whether it was reused, the verdicts on it, numbers and pictures for a reader."""

    stage: Stage
    reused: bool
    verdicts: tuple[Verdict, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    funnels: tuple[Funnel, ...] = ()
    """What G6 looked at: rows in and out of this stage, or of every stage up to here."""
    figures: Mapping[str, Any] = field(default_factory=dict)
    """What a reader came for, shown first: numbers with their unit in the name, an interval as text beside them. ``facts`` come
    after them."""
    parts: Mapping[str, StageResult] = field(default_factory=dict)
    """Parts of partitioned stages that were made or reused with this one, by the name of their stage (``source/a.jsonl``)."""


def make(
    ws: Workspace,
    stage: str,
    build: Callable[[Writer], None],
    inputs: Mapping[str, str] | None = None,
    config: Mapping[str, Any] | None = None,
    *,
    runs: Sequence[str] = (),
    unused: Collection[str] = (),
) -> tuple[Stage, bool]:
    """Reuse the stage made by this recipe or build it. The code version is of what ``build`` uses and of ``runs``: modules whose
    code decides the result too, because a child process runs them. ``unused`` names libraries that this code imports, but not
    for this stage."""
    made, reused = ws.store.make(recipe(ws, stage, (root_of(build), *runs), inputs, config, unused=unused), build)
    ws.log(f"{stage}: {'nothing changed, reused' if reused else 'made'} {made.sha256[:12]}")
    return made, reused


def recipe(
    ws: Workspace,
    stage: str,
    code: Sequence[str],
    inputs: Mapping[str, str] | None = None,
    config: Mapping[str, Any] | None = None,
    *,
    unused: Collection[str] = (),
) -> Recipe:
    """What ``make`` makes a stage from, here and now; ``code`` are roots as ``code_version`` takes them."""
    sizes = {"sizes": digest_of(ws.profile)} if reads_profile(*code) else {}
    return Recipe(
        stage=stage,
        code_version=code_version(*code),
        code=tuple(code),
        inputs=dict(inputs or {}),
        config={"profile": ws.profile.name, "seed": ws.seed, **sizes, **(config or {})},
        libraries=library_versions(*code, unused=unused),
    )


def child(ws: Workspace, base: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process that computes for this workspace."""
    return child_environment(base) | {**ws.seal.environment()}


def allowance_of(text: str) -> Allowance:
    """``STAGE=SHARE:REASON`` as an allowance, e.g. ``corpus=0.6:one contributor exported an empty term``."""
    found = re.fullmatch(r"([^=]+)=\s*([0-9.]+)\s*:(.+)", text.strip())
    try:
        stage, share, reason = found.groups() if found else ("", "", "")
        return Allowance(stage=stage.strip(), minimum_retained=float(share), reason=reason.strip())
    except ValueError:
        raise BadConfig("an allowed shrinkage is STAGE=SHARE:REASON, e.g. corpus=0.6:why less may be kept") from None


def workspace(root: Path, profile_name: str, track: Track, **settings: Any) -> Workspace:
    """A workspace over an existing data folder; raises ``MissingInput`` or ``BadConfig``."""
    profile = profile_named(track.profiles, profile_name)
    if not root.is_dir():
        raise MissingInput(f"{root}: no such data folder; it should hold collab/ (contributor files) and sessions/")
    return Workspace(root=root.resolve(), track=track, profile=profile, **settings)
