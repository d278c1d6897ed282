"""Trust that a file of conf/model gives is for what that file names: other weights need trust of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_NAMES = ("_target_", "source", "sha256", "uri", "store", "runs_dir")  # what says which bytes are loaded, and how


def withdraw(model: Any, file: Any, overrides: Sequence[str], key: str = "model") -> None:
    """Empty each `trust` of a composed model that `file` gave, where the command line changed what it was given for.

    `file` is the same choice without overrides. Trust that is on the command line itself (`model.trust=[…]`) stays.
    """
    if not isinstance(model, Mapping):
        return
    given = file if isinstance(file, Mapping) else {}
    said = any(word.lstrip("+").split("=", 1)[0] == f"{key}.trust" for word in overrides)
    if model.get("trust") and not said and any(model.get(name) != given.get(name) for name in _NAMES):
        model["trust"] = []  # type: ignore[index]  # a DictConfig
    for name in list(model):
        withdraw(model[name], given.get(name), overrides, f"{key}.{name}")


def given(model: Any) -> bool:
    """Whether a composed model, or one inside it, has trust at all."""
    return isinstance(model, Mapping) and (bool(model.get("trust")) or any(given(model[name]) for name in model))
