"""Give a stage what it needs while it is built: its inputs, the track's settings, a log, and a way to start a process."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from canvas_pipeline.guardrails.audit import AUDIT
from canvas_pipeline.pipeline import audits
from canvas_pipeline.pipeline.stage import StageSpec
from canvas_pipeline.pipeline.workspace import Launch, Log, StageResult, Workspace, child, make
from canvas_pipeline.storage.store import Stage, Writer

if TYPE_CHECKING:
    from canvas_pipeline.pipeline.track import Track


@dataclass(frozen=True, slots=True)
class BuildContext:
    """The environment in which one stage is built.

    ``workspace`` is for code that concerns the whole track: the gate, the release, removal."""

    spec: StageSpec
    workspace: Workspace
    start: Launch

    @property
    def track(self) -> Track:
        return self.workspace.track

    @property
    def profile(self) -> Any:
        """Return the profile, of the track's own type."""
        return self.workspace.profile

    @property
    def seed(self) -> int:
        return self.workspace.seed

    @property
    def part(self) -> str:
        """Return which part of a partitioned stage this is; empty for other stages."""
        return self.spec.name.partition("/")[2]

    @property
    def log(self) -> Log:
        return self.workspace.log

    def input(self, name: str) -> Stage:
        """Return a declared input stage, whose audit passed if it has one.

        Raises ``GateClosed`` if the audit failed, ``MissingInput`` or ``ArtifactCorrupt`` if the stage is missing or was changed,
        ``KeyError`` if it is not among the spec's inputs."""
        if name not in self.spec.inputs:
            raise KeyError(f"{self.spec.name} reads {name}, which its declaration does not name")
        source = self.track.stages().get(name)
        if source is not None and AUDIT in source.checks:
            return audits.audited(self.workspace, name)
        return self.workspace.store.get(name)

    def make(
        self,
        build: Callable[[Writer], None],
        inputs: Mapping[str, str] | None = None,
        config: Mapping[str, Any] | None = None,
        *,
        runs: Sequence[str] = (),
        unused: Collection[str] = (),
    ) -> tuple[Stage, bool]:
        """Reuse the stage if its recipe is unchanged, else build it. Return it, and whether it was reused.

        The arguments are those of ``workspace.make``."""
        return make(self.workspace, self.spec.name, build, inputs, config, runs=runs, unused=unused)

    def launch(self, command: Sequence[str]) -> None:
        """Run a command in its own process, with the workspace's environment. Raises the error that its exit code stands for."""
        self.start(command, child(self.workspace, os.environ))

    def unfinished(self, writer: Writer) -> Path:
        """Return a folder for intermediate results. After a kill, the next build with the same recipe finds them there."""
        return self.workspace.unfinished(self.spec.name, writer.fingerprint)


def build_stage(ws: Workspace, name: str, launch: Launch | None = None) -> StageResult:
    """Build or reuse one stage of the workspace's track. Raises ``KeyError`` for an unknown name.

    ``launch`` is needed only for a stage that starts a process."""
    context = context_of(ws, name, launch)
    return context.spec.build(context)


def context_of(ws: Workspace, name: str, launch: Launch | None = None) -> BuildContext:
    """Return the context with which ``build_stage`` calls a stage."""
    return BuildContext(ws.track.stages()[name], ws, launch or _no_process)


def _no_process(command: Sequence[str], env: Mapping[str, str]) -> None:
    raise AssertionError("this stage starts no process")
