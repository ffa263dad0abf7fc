"""The good line, for what people see of it in a browser."""

from canvas_pipeline_tests.pipeline.good_line import good_line

__all__ = ["good_line"]
