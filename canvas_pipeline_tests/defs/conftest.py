"""The good line, for jobs that go on from where the data half ends."""

from canvas_pipeline_tests.pipeline.good_line import good_line

__all__ = ["good_line"]
