"""Fixture ``good_line`` for jobs that start after the data stages."""

from canvas_pipeline_tests.pipeline.good_line import good_line

__all__ = ["good_line"]
