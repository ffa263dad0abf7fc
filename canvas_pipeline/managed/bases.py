"""Base models that the managed service tunes, with what its public pages say of them.

Source: the pages "Tune an open model" and "About supervised fine-tuning for Gemini models" of Google Cloud, as they were stored
publicly in 2026. They change: a base that is not listed is taken with a warning, and every limit can be given by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from canvas_pipeline.errors import BadConfig

Mode = Literal["PEFT_ADAPTER", "FULL"]
Format = Literal["prompt-completion", "messages", "gemini"]

MODES: tuple[Mode, ...] = ("PEFT_ADAPTER", "FULL")
FORMATS: tuple[Format, ...] = ("prompt-completion", "messages", "gemini")
REGIONS = ("us-central1", "europe-west4", "us-west1", "us-east5", "asia-southeast1")
ADAPTER_SIZES: Mapping[int, str] = {1: "ONE", 4: "FOUR", 8: "EIGHT", 16: "SIXTEEN", 32: "THIRTY_TWO"}
"""Ranks that are offered, by the word in the API's names. The client knows 2 as well, which no base supports."""
ADVISED_ROWS = 100
VALIDATION_SHARE, VALIDATION_ROWS = 0.25, 5000
"""A validation file has at most this share of the training rows, and fewer rows than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """One base model. ``limits``: mode → most tokens of a row (None: the pages do not say); ``hub``: its name on the hub, which a
    fetched adapter may give for its base. ``family`` is None where the service has the template alone."""

    id: str
    family: str | None
    licence: str
    hub: str = ""
    limits: Mapping[str, int | None] = field(default_factory=dict)
    known: bool = True

    @property
    def first_party(self) -> bool:
        """Whether it is one of the service's own models: those take a learning-rate multiplier, open ones a learning rate."""
        return self.id.startswith("gemini-")

    @property
    def formats(self) -> tuple[Format, ...]:
        return ("gemini",) if self.first_party else ("prompt-completion", "messages")


def _open(id_: str, hub: str, family: str, licence: str, peft: int | None = None, full: int | None = None) -> Base:
    limits = {mode: limit for mode, limit in (("PEFT_ADAPTER", peft), ("FULL", full)) if limit is not None}
    return Base(id=id_, hub=hub, family=family, licence=licence, limits=limits)


BASES: Mapping[str, Base] = {
    base.id: base
    for base in (
        _open("google/gemma-3-27b-it", "google/gemma-3-27b-it", "gemma3", "gemma", 8192, 8192),
        _open("google/gemma3@gemma-3-12b-it", "google/gemma-3-12b-it", "gemma3", "gemma", full=8192),
        _open("google/gemma3@gemma-3-4b-it", "google/gemma-3-4b-it", "gemma3", "gemma", full=8192),
        _open("google/gemma3@gemma-3-1b-it", "google/gemma-3-1b-it", "gemma3", "gemma", full=8192),
        _open("meta/llama3_1@llama-3.1-8b", "meta-llama/Llama-3.1-8B", "plain-llama3", "llama3.1", 4096, 8192),
        _open("meta/llama3_1@llama-3.1-8b-instruct", "meta-llama/Llama-3.1-8B-Instruct", "llama3", "llama3.1", 4096, 8192),
        _open("meta/llama3-2@llama-3.2-1b-instruct", "meta-llama/Llama-3.2-1B-Instruct", "llama3", "llama3.2", full=8192),
        _open("meta/llama3-2@llama-3.2-3b-instruct", "meta-llama/Llama-3.2-3B-Instruct", "llama3", "llama3.2", full=8192),
        _open("meta/llama3-3@llama-3.3-70b-instruct", "meta-llama/Llama-3.3-70B-Instruct", "llama3", "llama3.3", 4096, 8192),
        Base(id="qwen/qwen3@qwen3-32b", hub="Qwen/Qwen3-32B", family="qwen3", licence="apache-2.0",
             limits={"PEFT_ADAPTER": None}),
        _open("meta/llama4@llama-4-scout-17b-16e-instruct", "meta-llama/Llama-4-Scout-17B-16E-Instruct", "llama4", "llama4", 2048),
        *(Base(id=name, family=None, licence="proprietary", limits={"PEFT_ADAPTER": None})
          for name in ("gemini-2.5-pro", "gemini-2.5-flash", "gemini-2.5-flash-lite")),
    )
}  # fmt: skip
ALIASES: Mapping[str, str] = {"google/gemma3@gemma-3-27b-it": "google/gemma-3-27b-it"}
"""Other names of a base in the service's pages."""


def base_named(name: str, family: str | None = None) -> tuple[Base, tuple[str, ...]]:
    """Look a base up by id, alias or name on the hub; return it with warnings for people.

    A base that is not listed is taken as it is, with the ``family`` that is given: its limits and modes are not known."""
    if name in ALIASES:
        return BASES[ALIASES[name]], (f"{name} is the same base as {ALIASES[name]}, which is the name that is sent",)
    found = BASES.get(name) or next((base for base in BASES.values() if base.hub and base.hub == name), None)
    if found is not None:
        if family is not None and family != found.family:
            raise BadConfig(f"{found.id} is of the family {found.family}, not {family}; leave --family out")
        return found, ()
    unknown = Base(id=name, family=family, licence="unknown", known=False)
    return unknown, (f"{name} is not in the table of bases ({', '.join(BASES)}): its limits are not checked",)
