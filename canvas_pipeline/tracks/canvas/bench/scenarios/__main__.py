"""Run all scenarios with a model and write their results as JSONL."""

from canvas_pipeline.tracks.canvas.bench.scenarios.run import main

if __name__ == "__main__":
    raise SystemExit(main())
