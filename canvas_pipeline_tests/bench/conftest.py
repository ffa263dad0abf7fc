from __future__ import annotations

import pytest

from canvas_pipeline.bench.mock_canvas import MockCanvas
from canvas_pipeline_tests.bench.week import week


@pytest.fixture
def canvas() -> MockCanvas:
    return MockCanvas(week())
