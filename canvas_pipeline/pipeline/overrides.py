"""Change the numbers of runs without editing code: by a YAML file (track, profile, method) and by ``METHOD.FIELD=VALUE`` texts.

Every value is checked against ``Hyperparameters`` before anything starts. The limits of a run stay those of the method table."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.methods import Hyperparameters, method
from canvas_pipeline.pipeline.track import Track, track_named, track_names
from canvas_pipeline.profiles import profile_named

Changes = dict[str, dict[str, Any]]
"""Method → field → value."""
FIELDS = {field.name: field.type for field in msgspec.structs.fields(Hyperparameters)}
CHOICES: Mapping[str, tuple[str, ...]] = {
    "optimizer": ("adamw_torch", "adamw_torch_fused", "adamw_8bit", "paged_adamw_8bit", "adafactor", "sgd"),
    "schedule": ("cosine", "linear", "constant", "constant_with_warmup"),
}
"""What a text field may be, where its type does not say it: names of the training library."""
POSITIVE = ("epochs", "learning_rate", "batch", "accumulation", "beta", "max_length", "clip")
NOT_NEGATIVE = ("chosen_nll", "warmup", "weight_decay", "adapter_rank", "adapter_alpha", "max_steps")


def resolve(track: Track, profile: str, file: str, texts: Sequence[str]) -> Changes:
    """Return what a track's methods change at a profile: the file's numbers, and those of the texts over them.

    Raises ``BadConfig`` that names the setting, what there is instead, and the closest name."""
    changes: Changes = {}
    if file:
        for name, fields in _of_file(Path(file)).get(track.name, {}).get(profile, {}).items():
            changes[name] = dict(fields)
    for text in texts:
        name, field, value = parsed(text)
        changes.setdefault(name, {})[field] = value
    if changes:
        profile_named(track.profiles, profile)
    where = " and ".join([*([file] if file else []), *(["--set"] if texts else [])])
    return {name: checked(track, profile, name, fields, where) for name, fields in changes.items()}


def parsed(text: str) -> tuple[str, str, str]:
    """Split ``METHOD.FIELD=VALUE``."""
    path, given, value = text.partition("=")
    name, dot, field = path.strip().rpartition(".")
    if not given or not dot or not name or not value.strip():
        raise BadConfig(f"{text!r} changes no number; write METHOD.FIELD=VALUE, e.g. dpo.beta=0.1")
    return name, field.strip(), value.strip()


def checked(track: Track, profile: str, name: str, fields: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return a method's changed fields with their types, if such a run could train. Raises ``BadConfig``."""
    _known(name, track.methods, "method", where)
    table = track.numbers(name, profile)
    found: dict[str, Any] = {}
    for field, value in fields.items():
        _known(field, FIELDS, f"number of {name}", where)
        found[field] = _converted(f"{where}: {name}.{field}", field, value)
    changed, row = msgspec.structs.replace(table, **found), method(name)
    unused = [
        *(["beta"] if row.objective == "sft" else []),
        *(["chosen_nll"] if row.objective != "pairwise" else []),
        *(["adapter_rank", "adapter_alpha"] if not (row.adapter or changed.adapter) else []),
    ]
    if without := [field for field in found if field in unused]:
        raise BadConfig(f"{where}: {name} does not use {without[0]}, so it would train the same")
    if changed.max_length > table.max_length:
        raise BadConfig(
            f"{where}: {name}.max_length is {changed.max_length}, but the table's {table.max_length} is what memory is reserved "
            "for; it can only be lowered"
        )
    if (row.adapter or changed.adapter) and changed.adapter_rank < 1:
        raise BadConfig(f"{where}: {name} trains an adapter; its adapter_rank must be at least 1")
    if row.objective == "unpaired" and changed.batch < 2:
        raise BadConfig(f"{where}: {name}.batch must be at least 2: a prompt is compared with another row's completion")
    return found


def _of_file(path: Path) -> dict[str, dict[str, dict[str, dict[str, Any]]]]:
    """Read the file and check all of it, not only the part that applies here."""
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        raise BadConfig(f"{path}: the file of overrides cannot be read") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = f":{mark.line + 1}" if mark is not None else ""
        raise BadConfig(f"{path}{at}: not readable YAML") from None
    tree = _level(tree, f"{path}", "tracks")
    for name, profiles in tree.items():
        _known(name, track_names(), "track", str(path))
        track = track_named(name)
        for profile, methods in _level(profiles, f"{path}: {name}", "profiles").items():
            _known(profile, track.profiles, "profile", str(path))
            for each, fields in _level(methods, f"{path}: {name}.{profile}", "methods").items():
                checked(track, profile, each, _level(fields, f"{path}: {name}.{profile}.{each}", "numbers"), str(path))
    return {
        name: {p: dict(methods or {}) for p, methods in (profiles or {}).items()} for name, profiles in tree.items()
    }


def _level(value: Any, where: str, what: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        example = "canvas: {embedded: {dpo: {beta: 0.1}}}"
        raise BadConfig(f"{where}: {what} with a colon behind each are expected here, e.g. {example}")
    return value


def _known(name: str, there: Iterable[str], what: str, where: str) -> None:
    known = list(there)
    if name not in known:
        close = difflib.get_close_matches(name, known, 1, 0.5)
        hint = f" (did you mean {close[0]}?)" if close else ""
        raise BadConfig(f"{where}: there is no {what} {name!r}{hint}; there are: {', '.join(known)}")


def _converted(where: str, field: str, value: Any) -> Any:
    none = isinstance(value, str) and value.lower() in ("none", "null")
    try:
        # Not strict: YAML reads 5e-7 as text, and the command line gives nothing else.
        found = msgspec.convert(None if none else value, FIELDS[field], strict=False)
    except msgspec.ValidationError as error:
        raise BadConfig(f"{where} is {value!r}: {str(error)[:1].lower()}{str(error)[1:]}") from None
    if isinstance(found, float) and found in (float("inf"), float("-inf")) or found != found:
        raise BadConfig(f"{where} is {value!r}; a finite number is expected")
    if field in CHOICES and found not in CHOICES[field]:
        raise BadConfig(f"{where} is {value!r}; choose one of: {', '.join(CHOICES[field])}")
    if field in POSITIVE and found <= 0:
        raise BadConfig(f"{where} is {value!r}; it must be positive")
    if field in NOT_NEGATIVE and found < 0:
        raise BadConfig(f"{where} is {value!r}; it must not be negative")
    if field == "warmup" and found >= 1:
        raise BadConfig(f"{where} is {value!r}; it is a share of the steps, below 1")
    return found
