"""YAML read as plain values: no tag makes an object, and what is wrong is one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from bench.errors import BenchError

MOST_YAML_BYTES = 1024**2
MOST_DEPTH = 64


def read_yaml(path: Path, *, aliases: bool = False) -> Any:
    """The value in a YAML file, None if it is empty.

    Raises BenchError for what cannot be read, a tag such as !!python/object, a file that is too long or nested too deeply, and,
    unless `aliases`, for an alias: a few lines of them stand for gigabytes.
    """
    try:
        if path.stat().st_size > MOST_YAML_BYTES:
            raise BenchError(f"{path} is longer than {MOST_YAML_BYTES:,} bytes; give a file of settings")
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise BenchError(
            f"{path} cannot be read ({getattr(error, 'strerror', None) or error}); check the file"
        ) from None
    try:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MOST_DEPTH:  # PyYAML's time grows with the square
                raise BenchError(f"{path} is nested more than {MOST_DEPTH} deep; give a file of settings")
            if not aliases and isinstance(event, yaml.AliasEvent):
                raise BenchError(f"{path} holds an alias (*name); write the value out")
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError, TypeError, AttributeError) as error:
        raise BenchError(f"{path}: {reason(error)}; correct the file") from None


def reason(error: Exception) -> str:
    """What PyYAML found, and where, in one line."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    said = getattr(error, "problem", None) or " ".join(str(error).split()) or type(error).__name__
    mark = getattr(error, "problem_mark", None)
    if "could not determine a constructor" in said:
        said = f"the tag {said.rsplit(' ', 1)[-1]} would make an object, which YAML may not do here"
    return f"{f'line {mark.line + 1}: ' if mark else ''}{said[:200]}"
