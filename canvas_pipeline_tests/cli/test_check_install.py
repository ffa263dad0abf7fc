"""Where a GPU is visible, an installation is whole only if Triton compiles a kernel for it."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from canvas_pipeline.cli import check_install
from canvas_pipeline.cli.check_install import _triton_compiles
from canvas_pipeline.errors import MissingTool


def with_kernel(monkeypatch: pytest.MonkeyPatch, result: bool | Exception) -> None:
    """A visible GPU, and a kernel that gives ``result``: this machine has neither."""

    def doubles(device: str) -> bool:
        assert device == "cuda"
        if isinstance(result, Exception):
            raise result
        return result

    module = ModuleType("canvas_pipeline.training.triton_kernel")
    module.doubles = doubles  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "canvas_pipeline.training.triton_kernel", module)
    monkeypatch.setattr(check_install, "has_gpu", lambda: True)


def test_without_a_gpu_nothing_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_install, "has_gpu", lambda: False)
    assert not _triton_compiles()


def test_a_kernel_that_compiles_and_is_right_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    with_kernel(monkeypatch, True)
    assert _triton_compiles()


def test_a_missing_compiler_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    with_kernel(monkeypatch, RuntimeError("Failed to find C compiler. Please specify via CC environment variable."))
    with pytest.raises(MissingTool, match=r"RuntimeError.*gcc libc6-dev python3-dev"):
        _triton_compiles()


def test_a_wrong_result_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with_kernel(monkeypatch, False)
    with pytest.raises(MissingTool, match="wrong result"):
        _triton_compiles()
