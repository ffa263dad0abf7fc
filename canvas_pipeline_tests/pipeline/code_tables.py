"""Tables: the root of each stage's code, and the stages that an edit of a file rebuilds."""

from __future__ import annotations

from collections.abc import Mapping

SCHEMAS = "tracks.canvas.datasets"
ASKING = ("tracks.canvas.tools.prompt:prompt", "tracks.canvas.bench.score:report")
BY_TOOL = "tracks.canvas.bench.score:by_tool"
BY_HAND = ("tracks.canvas.bench.human:case", "tracks.canvas.bench.human:report")
STAGES: Mapping[str, tuple[str, ...]] = {
    "collab": ("tracks.canvas.data.intake:collab.build",),
    "corpus": ("tracks.canvas.data.intake:corpus.build",),
    "canaries": (
        "tracks.canvas.data.canaries:canaries_asset.build", "tracks.canvas.data.intake:corpus",
        *(f"tracks.canvas.data.examples:{step}" for step in (
            "trajectories", "item_pairs", "labelled_pairs", "mutation_pairs", "feedback_examples", "split",
        )),
        "tracks.canvas.data.samples:onpolicy_pairs",
    ),
    "trajectories": ("tracks.canvas.data.examples:trajectories.build",),
    "item_pairs": ("tracks.canvas.data.examples:item_pairs.build",),
    "labelled_pairs": ("tracks.canvas.data.examples:labelled_pairs.build",),
    "mutation_pairs": ("tracks.canvas.data.examples:mutation_pairs.build",),
    "sft_samples": ("tracks.canvas.data.samples:sft_samples.sample", *ASKING),
    "bon_samples": ("tracks.canvas.data.samples:bon_samples.sample", *ASKING),
    "round_samples": ("tracks.canvas.data.samples:round_samples.sample", *ASKING),
    "round_pairs": ("tracks.canvas.data.samples:round_pairs.build",),
    "bon_rows": ("tracks.canvas.data.samples:bon_rows.build",),
    "onpolicy_pairs": ("tracks.canvas.data.samples:onpolicy_pairs.build",),
    "feedback_examples": ("tracks.canvas.data.examples:feedback_examples.build",),
    "splits": ("tracks.canvas.data.examples:split.build",),
    "bench_cases": ("tracks.canvas.data.examples:bench_cases.build",),
    "wordings": ("tracks.canvas.data.language:wordings.build",),
    "audits": ("pipeline.audits:of_files.build",),
    "verdicts": ("pipeline.verdicts:of_split.build", "guardrails.standard", "tracks.canvas.guards"),
    "base_model": ("pipeline.training:base_model.point",),
    "shipped base_model": ("pipeline.training:base_model.copy",),
    "training_image": ("pipeline.training_image:training_image.examine",),
    "installation": ("pipeline.training_image:installed_code.check",),
    "reference_logprobs": ("pipeline.training:reference_logprobs.compute", "training.reference", SCHEMAS),
    "measurements": ("pipeline.training:run_spec.measure", "training.measure", SCHEMAS),
    "run_spec": ("pipeline.training:run_spec.write",),
    "sft_checkpoint": ("pipeline.training:checkpoint.train", "training.supervised", SCHEMAS),
    "dpo_checkpoint": ("pipeline.training:checkpoint.train", "training.preference", SCHEMAS),
    "bench": ("pipeline.evaluation:_benched.run", *ASKING, BY_TOOL, *BY_HAND),
    "candidates_bench": (
        "pipeline.evaluation:_each_benched.build", *ASKING, BY_TOOL, *BY_HAND, "tracks.canvas.bench.selection:select",
    ),
    "method_matrix": (
        "pipeline.evaluation:method_matrix.build", "tracks.canvas.bench.score:report", "tracks.canvas.bench.trivial:trivial",
        BY_TOOL,
    ),
    "suite_bench": ("pipeline.parts:suite_bench.build", *ASKING),
    "sweep": ("pipeline.sweep:_compared.build",),
    "production_checkpoint": ("pipeline.evaluation:production_checkpoint.build", "tracks.canvas.bench.selection:select"),
    "scenarios": ("tracks.canvas.data.scenarios:scenarios.run",),
    "gguf": ("pipeline.release:gguf.build", *ASKING),
    "constrained_bench": ("tracks.canvas.data.constrained:constrained_bench.build", *ASKING),
    "cards": ("pipeline.release:cards.build", "tracks.canvas.card:facts"),
    "release_log": ("pipeline.release:release_log.build",),
    "release": ("pipeline.release:release.build",),
}  # fmt: skip
"""Stage → the root of its code. Two tests compare it with the existing stages."""

MODELS = "reference_logprobs measurements sft_checkpoint dpo_checkpoint"
SPEAKS = "bench candidates_bench suite_bench scenarios gguf constrained_bench sft_samples bon_samples round_samples"
"""Trainings, and the stages that load what was trained."""
PAIRED = "onpolicy_pairs bon_rows round_pairs"
"""The rows that are made of what a model said."""
SCORED = (
    f"{PAIRED} canaries method_matrix production_checkpoint bench candidates_bench suite_bench gguf constrained_bench "
    "sft_samples bon_samples round_samples"
)
"""Those that judge what a model said, or ask it through the code that does."""
SIZED = (
    f"constrained_bench sft_samples bon_samples round_samples {PAIRED} canaries trajectories item_pairs labelled_pairs "
    "mutation_pairs feedback_examples bench_cases verdicts gguf"
)
EDITS: Mapping[str, str] = {
    "profiles.py": "canaries trajectories labelled_pairs mutation_pairs splits bench_cases verdicts run_spec release_log release "
    f"{MODELS} {SPEAKS}",
    "tracks/canvas/profiles.py": "canaries trajectories labelled_pairs mutation_pairs splits bench_cases scenarios",
    "tracks/canvas/datasets.py": f"canaries verdicts cards {MODELS}",
    "training/run.py": MODELS,
    "training/checkpoint.py": f"{MODELS} {SPEAKS}",
    "training/encoding.py": f"{MODELS} {SPEAKS}",
    "models/gemma4/tiny.py": f"{MODELS} {SPEAKS} {PAIRED} canaries cards release_log release",
    "models/gemma4/chat_template.jinja": f"{MODELS} {SPEAKS} {PAIRED} canaries cards release_log release",
    "training/layout.py": MODELS,
    "training/shared_layers.py": MODELS,
    "training/candidates.py": "measurements sft_checkpoint dpo_checkpoint",
    "training/weights.py": f"cards run_spec production_checkpoint {MODELS} {SPEAKS}",
    "training/spec.py": f"run_spec {MODELS}",
    "training/supervised.py": "measurements sft_checkpoint",
    "training/preference.py": "measurements dpo_checkpoint",
    "training/admission.py": "",
    "tracks/canvas/tiny_base.py": "",
    "tracks/canvas/embedded_base/config.json": "",
    "evaluation/generate.py": SPEAKS,
    "evaluation/constrained.py": SPEAKS,
    "models/gemma4/grammar.py": "constrained_bench",
    "pipeline/generation_process.py": "bench candidates_bench suite_bench gguf constrained_bench sft_samples bon_samples "
    "round_samples",
    "evaluation/benchmark.py": f"{PAIRED} "
    f"sweep canaries method_matrix production_checkpoint release_log release {SPEAKS}",
    "tracks/canvas/bench/score.py": SCORED,
    "tracks/canvas/bench/human.py": "bench candidates_bench",
    "evaluation/clusters.py": f"{PAIRED} "
    f"sweep canaries method_matrix production_checkpoint cards release_log release {SPEAKS}",
    "tracks/canvas/bench/selection.py": "candidates_bench production_checkpoint",
    "evaluation/groups.py": f"{PAIRED} sweep canaries method_matrix production_checkpoint release_log release {SPEAKS}",
    "tracks/canvas/bench/trivial.py": "method_matrix",
    "tracks/canvas/bench/benchmark.py": "",
    "tracks/canvas/bench/scenarios/__main__.py": "scenarios",
    "tracks/canvas/bench/scenarios/run.py": "scenarios",
    "tracks/canvas/bench/scenarios/policy.py": "scenarios",
    "tracks/canvas/bench/faithfulness.py": f"{SCORED} scenarios",
    "tracks/canvas/card.py": "cards",
    "tracks/canvas/examples/on_policy.py": f"sft_samples bon_samples round_samples {PAIRED} canaries",
    "evaluation/charts.py": "sweep canaries method_matrix",
    "guardrails/guard.py": "sweep audits canaries verdicts training_image method_matrix cards release_log release",
    "guardrails/standard.py": "canaries verdicts cards release_log release",
    "tracks/canvas/guards.py": "verdicts cards",
    "guardrails/rows.py": "canaries verdicts release_log release",
    "guardrails/gate.py": "release_log release",
    "privacy/audit/auditor.py": f"audits {PAIRED} canaries",
    "privacy/audit/gguf_texts.py": f"audits {PAIRED} canaries",
    "tracks/canvas/intake/checking/repair.py": "",
    "tracks/canvas/intake/synthetic/canaries.py": "canaries",
    "privacy/words/given_names.txt": "collab canaries trajectories bench_cases",
    "privacy/name_model/training.py": "",
    "privacy/name_model/words/training/person.txt": "",
    "privacy/identities/recognisers.py": "collab canaries trajectories bench_cases",
    "privacy/identities/person_model/ner/model": "collab canaries trajectories bench_cases",
    "privacy/identities/person_model/MODEL_CARD.md": "",
    "tracks/canvas/intake/stream/merge.py": "corpus canaries bench_cases",
    "tracks/canvas/intake/synthetic/synthesize.py": "bench_cases",
    "tracks/canvas/examples/mutation.py": "mutation_pairs canaries",
    "tracks/canvas/examples/difference.py": "labelled_pairs mutation_pairs trajectories canaries",
    "release/cards.py": "cards",
    "release/gguf_worker.py": "gguf constrained_bench cards release_log release",
    "storage/store.py": "canaries cards",
    "gb10/ledger.py": "",
}
"""Edited file → the stages that are rebuilt. Canaries run the data stages, their audits and their plots."""
