"""Print one short line per event of a run to standard error: ``time  step  message``.

The event log in the web UI is not affected.
"""

import logging
import sys
from typing import Any

import dagster as dg

from canvas_pipeline.pipeline.processes import progress_text


class Short(logging.Formatter):
    """Format a record as ``12:03:10  dpo_checkpoint  done 120  loss 0.31``. Messages are not truncated."""

    def format(self, record: logging.LogRecord) -> str:
        meta: dict[str, Any] = getattr(record, "dagster_meta", None) or {}
        step = str(meta.get("step_key") or meta.get("job_name") or "").rpartition("__")[2]
        message = str(meta.get("orig_message") or record.getMessage())
        return f"{self.formatTime(record, '%H:%M:%S')}  {step:<24}  {progress_text(message)}"


@dg.logger(
    config_schema={"log_level": dg.Field(str, default_value="INFO", description="DEBUG shows Dagster's own events")},
    description="Short lines for people who watch a terminal.",
)
def console(context: dg.InitLoggerContext) -> logging.Logger:
    """Create the terminal logger for a run of this code location."""
    level = context.logger_config["log_level"]
    logger = logging.Logger("canvas_pipeline.console", level=level)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Short())
    logger.addHandler(handler)
    return logger
