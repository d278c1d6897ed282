"""The models that this package ships, by the names that conf/model gives them."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path

import yaml


@cache
def conf_dir() -> Path:
    """The shipped configuration: in the wheel beside the code, in a checkout at its top."""
    packaged = Path(__file__).resolve().parents[1] / "conf"
    return packaged if packaged.is_dir() else packaged.parents[1] / "conf"


@cache
def models() -> dict[str, bool]:
    """The shipped models by name, and whether each is a row for comparison, whose name no other model may bear."""
    found = {}
    for path in sorted((conf_dir() / "model").glob("*.yaml")):
        target = (yaml.safe_load(path.read_text("utf-8")) or {}).get("_target_", "")
        module, _, name = str(target).rpartition(".")
        kind = getattr(importlib.import_module(module), name) if module.startswith("bench.") else None
        found[path.stem] = getattr(kind, "is_reference", False) is True
    return found
