"""Publishes the adapter of the production checkpoint alone, for those who have its base, under the gate of the whole release.

    <to>/<name>-adapter-<12 hex>/   adapter_model.safetensors adapter_config.json  tokenizer files with the chat template
                                    README.md DATA_CARD.md RELEASE-LOG.md release.json SHA256SUMS

The folder loads with ``PeftModel.from_pretrained(base, folder)``. What is published was audited as it is, and holds no pickle."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.pipeline import audits, candidates, training
from canvas_pipeline.pipeline.evidence import evidence_of
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.release import gate, publish
from canvas_pipeline.release.adapter import read_adapter
from canvas_pipeline.release.cards import Fact, model_card
from canvas_pipeline.release.release_log import release_log
from canvas_pipeline.storage.digests import sha256_file
from canvas_pipeline.training.weights import ADAPTER

TOKENIZER = (
    "tokenizer.json", "tokenizer_config.json", "tokenizer.model", "special_tokens_map.json", "added_tokens.json", "vocab.json",
    "merges.txt", "chat_template.jinja",
)  # fmt: skip
CARD, DATA_CARD = "README.md", "DATA_CARD.md"


def publish_adapter(ws: Workspace, to: Path) -> Path:
    """Publish below ``to`` and return the release's folder; ``canvas-release verify`` checks it.

    Raises ``BadConfig`` where the production method trained no adapter, ``GateClosed`` with every reason against the release."""
    found, paths = evidence_of(ws, read_again=True)
    gate.require(ws.track.guards, found)
    files = {Path(name).name: path for name, path in paths.items() if name.startswith(f"{ADAPTER}/")}
    if not files:
        raise BadConfig(
            f"{found.method}, the production method, trained no adapter; train with an adapter: lora, qlora"
        )
    read_adapter(next(iter(files.values())).parent)
    checkpoint = training.current_checkpoint(ws, found.method)
    weights = candidates.chosen(checkpoint, ws.store.get(f"{found.method}_bench"), found.method)
    folder, cards = weights.directory(), ws.store.get("cards")
    files |= {name: folder / name for name in TOKENIZER if (folder / name).is_file()} | {
        DATA_CARD: cards.path(DATA_CARD)
    }
    facts = msgspec.json.decode(cards.path("facts.json").read_bytes(), type=dict[str, Fact])
    alone = {key: fact for key, fact in facts.items() if key != "adapter.folder"}
    text = model_card(alone, ws.track.card.template, tuple(ws.track.contributors(ws)), "adapter")
    with tempfile.TemporaryDirectory(dir=ws.root) as scratch:
        card = Path(scratch) / CARD
        card.write_text(text, encoding="utf-8")
        files[CARD] = card
        hashes = {name: sha256_file(path) for name, path in files.items()}
        audits.require(audits.of_files(ws, "adapter_release", files, hashes, hashes))
        bound = {
            **publish.binding(found),
            "name": f"{found.name}-adapter",
            "model": {name: {"file": name, "sha256": hashes[name]} for name in files if name not in (CARD, DATA_CARD)},
            "cards": {name: hashes[name] for name in (CARD, DATA_CARD)},
        }
        return publish.assemble(f"{found.name}-adapter", files, release_log(ws.track.guards, found), bound, to)
