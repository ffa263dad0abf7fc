"""The comparison ends within its limit from every thread and process, and the library's absence is said."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from canvas_pipeline.errors import MissingTool
from canvas_pipeline.verifiers.symbolic import SymbolicComparer

TOWER = "(2003^{2002^{2001}})"


@pytest.fixture
def comparer() -> Iterator[SymbolicComparer]:
    with SymbolicComparer(seconds=1) as comparer:
        yield comparer


def test_each_side_that_cannot_be_read_is_named(comparer: SymbolicComparer) -> None:
    assert comparer.compare("2\\sqrt{2}", "\\sqrt{8}") == "equal"
    assert comparer.compare("2\\sqrt{2}", "\\sqrt{7}") == "different"
    assert comparer.compare("\\frac{", "5") == "gold_unreadable"
    assert comparer.compare("5", "\\frac{") == "answer_unreadable"


@pytest.mark.parametrize("hang", [TOWER, "9^{9^{9^{9}}}", "(" * 3000 + "1" + ")" * 3000])
def test_a_comparison_without_end_is_undecided_and_the_next_one_is_decided(
    comparer: SymbolicComparer, hang: str
) -> None:
    assert comparer.compare("5", hang) in {"undecided", "answer_unreadable"}
    assert comparer.compare("5", "2+3") == "equal"


def test_memory_is_limited() -> None:
    with SymbolicComparer(seconds=20, memory_mib=512) as comparer:
        assert comparer.compare("5", "2^{2^{40}}") in {"undecided", "different"}
        assert comparer.compare("5", "2+3") == "equal"


def test_threads_share_a_comparer(comparer: SymbolicComparer) -> None:
    assert threading.current_thread() is threading.main_thread()
    pairs = [(f"x+{number}", f"{number + number % 2}+x") for number in range(20)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda pair: comparer.compare(*pair), pairs))
    assert results == ["equal" if number % 2 == 0 else "different" for number in range(20)]


def test_a_thread_is_not_held_longer_than_the_limit(comparer: SymbolicComparer) -> None:
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(comparer.compare, "5", TOWER).result(timeout=300) == "undecided"


def _compare(comparer: SymbolicComparer, results: Connection) -> None:
    results.send([comparer.compare("x+1", "1+x"), comparer.compare("5", TOWER), comparer.compare("x", "y")])
    comparer.close()


def test_a_forked_process_has_its_own_worker(comparer: SymbolicComparer) -> None:
    assert comparer.compare("x", "y") == "different"
    mine, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=_compare, args=(comparer, theirs))
    process.start()
    assert mine.poll(300) and mine.recv() == ["equal", "undecided", "different"]
    process.join()
    assert comparer.compare("x+1", "1+x") == "equal"


def test_closing_ends_the_worker_and_a_later_comparison_starts_one(comparer: SymbolicComparer) -> None:
    comparer.compare("x", "y")
    process = comparer._process
    assert process is not None
    comparer.close()
    assert process.poll() is not None
    assert comparer.compare("x", "x") == "equal"


def test_without_the_library_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "math_verify.py").write_text("raise ImportError\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    with SymbolicComparer() as comparer, pytest.raises(MissingTool, match="--extra math"):
        comparer.compare("x", "x")
