"""Fixture ``good_line`` for the tests of stage functions and of the gate."""

from canvas_pipeline_tests.pipeline.good_line import good_line

__all__ = ["good_line"]
