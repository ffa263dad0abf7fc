"""What a stage sees while it is made: the stages it is made from, the track's settings, a log, and how to start a process."""

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
    """The surroundings of one stage. ``workspace`` is for what asks about the whole track: the gate, the release, removal."""

    spec: StageSpec
    workspace: Workspace
    start: Launch

    @property
    def track(self) -> Track:
        return self.workspace.track

    @property
    def profile(self) -> Any:
        """A row of the track's profiles."""
        return self.workspace.profile

    @property
    def seed(self) -> int:
        return self.workspace.seed

    @property
    def log(self) -> Log:
        return self.workspace.log

    def input(self, name: str) -> Stage:
        """One of the stages that the spec declares. Raises ``GateClosed`` where its audit found something, ``MissingInput`` or
        ``ArtifactCorrupt`` where it is not there as it was made, ``KeyError`` for a stage that is not declared."""
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
        """Reuse the stage if it was made from the same, or build it; returns it and whether it was reused. Arguments as of
        ``workspace.make``."""
        return make(self.workspace, self.spec.name, build, inputs, config, runs=runs, unused=unused)

    def launch(self, command: Sequence[str]) -> None:
        """Run a command that computes with a model in a process of its own. Raises what the process failed with."""
        self.start(command, child(self.workspace, os.environ))

    def unfinished(self, writer: Writer) -> Path:
        """A folder for what is worked out before the stage is whole; a killed run leaves it to the next one of the same recipe."""
        return self.workspace.unfinished(self.spec.name, writer.fingerprint)


def build_stage(ws: Workspace, name: str, launch: Launch | None = None) -> StageResult:
    """Make one stage of the workspace's track; without ``launch`` one that starts no process. Raises ``KeyError`` for no stage."""
    context = context_of(ws, name, launch)
    return context.spec.build(context)


def context_of(ws: Workspace, name: str, launch: Launch | None = None) -> BuildContext:
    """What ``build_stage`` gives to a stage."""
    return BuildContext(ws.track.stages()[name], ws, launch or _no_process)


def _no_process(command: Sequence[str], env: Mapping[str, str]) -> None:
    raise AssertionError("this stage starts no process")
