"""The seed of the example commands: the pipeline's own, or another one whose rows stay in a store of their own.

The seed decides which students are held out for the benchmark. Rows of two seeds in one folder would let a model be trained on what
it is benched with, so a store names its seed in ``seed.json``, and no command mixes two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from canvas_pipeline.errors import BadConfig, BadInput
from canvas_pipeline.pipeline.settings import given
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.records import Row, dumps
from canvas_pipeline.storage.atomic import whole_file

VARIABLE = "CANVAS_SEED"
MARK = "seed.json"


class _Store(Row, frozen=True, kw_only=True):
    seed: int


def pipeline_seed(environ: Mapping[str, str]) -> int:
    """Return the seed that the pipeline runs with here. Raises ``BadConfig`` where ``CANVAS_SEED`` is no whole number."""
    return int(given(environ).get("seed", Workspace.seed))


def seed_for(
    seed: int | None,
    store: Path | None,
    out: Path,
    inputs: Iterable[Path | None],
    root: Path,
    environ: Mapping[str, str],
) -> int:
    """Return the seed of a command: the pipeline's, unless another is given together with a store of its own.

    ``inputs`` are rows that a seed was used for. Raises ``BadConfig`` for another seed without a store, or an output outside of it;
    ``BadInput`` where a store or an input is of another seed."""
    own = pipeline_seed(environ)
    rows = [path for path in inputs if path is not None]
    if seed is None or seed == own:
        if store is not None:
            raise BadConfig(f"--store is for rows of another seed than the pipeline's, which is {own}; leave it out")
        for path in (*rows, out):
            if (found := _store_of(path)) is not None:
                raise BadInput(
                    f"{path} is in a store of seed {_read(found).seed}, and the pipeline's is {own}; give --seed "
                    f"{_read(found).seed} --store {found}, or use other files"
                )
        return own
    if store is None:
        raise BadConfig(
            f"the pipeline's seed is {own}: with {seed}, other students are held out, and its models were trained on them; give "
            "--store FOLDER for rows of that seed, or leave out --seed"
        )
    _begin(store, seed, root)
    if not _inside(out, store):
        raise BadConfig(f"{out} is outside of the store {store}; rows of seed {seed} are written there")
    if outside := [path for path in rows if not _inside(path, store)]:
        raise BadInput(f"{outside[0]} is not in the store {store}, so it is not of seed {seed}; make it there")
    return seed


def _begin(store: Path, seed: int, root: Path) -> None:
    if _inside(store, root) or _inside(root, store):
        raise BadConfig(f"{store} is not apart from the data folder {root}; name another folder with --store")
    mark = store / MARK
    if mark.exists():
        if _read(store).seed != seed:
            raise BadInput(
                f"{store} holds rows of seed {_read(store).seed}, not {seed}; name another folder with --store"
            )
        return
    if store.is_dir() and any(store.iterdir()):
        raise BadInput(f"{store} holds other files; name a new or empty folder with --store")
    store.mkdir(parents=True, exist_ok=True)
    with whole_file(mark) as temporary:
        temporary.write_bytes(dumps(_Store(seed=seed)) + b"\n")


def _inside(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())


def _store_of(path: Path) -> Path | None:
    return next((folder for folder in path.resolve().parents if (folder / MARK).is_file()), None)


def _read(store: Path) -> _Store:
    try:
        return msgspec.json.decode((store / MARK).read_bytes(), type=_Store)
    except msgspec.DecodeError:
        raise BadInput(f"{store / MARK} names no seed; make the store again") from None
