from __future__ import annotations

import pytest

from canvas_pipeline.tracks.canvas.mock.canvas import MockCanvas
from canvas_pipeline_tests.tracks.canvas.bench.week import week


@pytest.fixture
def canvas() -> MockCanvas:
    return MockCanvas(week())
