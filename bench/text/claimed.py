"""What a record may claim of itself: texts of one line, of signs that can be seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bench.text.shown import name_problem

LONGEST = 2000  # characters of a claimed text
# What a person wrote for a machine (a prompt, a stop), and what files of others held: escaped where it is shown, not refused here.
_FREE = frozenset({"config", "submission", "audit", "history", "computed", "measurements"})

_BARE = frozenset({int, float, bool, type(None)})


def problem(record: Any) -> str:
    """The first text of a record, or key, that nobody can read as it stands, and why; "" where there is none."""
    if _is_plain(record):  # nearly every one, in a third of the time
        return ""
    return next((f"{place} {why}" for place, text in _texts(record, "") if (why := name_problem(text, LONGEST))), "")


def _is_plain(value: Any) -> bool:
    """Whether all texts that are looked at are short and of ASCII alone; false for what is none of JSON's own types.

    A walk in plain loops: a board asks this of every run.
    """
    kind = type(value)
    if kind is str:
        return len(value) <= LONGEST and value.isascii() and value.isprintable()
    if kind is dict:
        for name, one in value.items():
            if not (type(name) is str and len(name) <= LONGEST and name.isascii() and name.isprintable()):
                return False
            if type(one) not in _BARE and name not in _FREE and not _is_plain(one):
                return False
        return True
    if kind is list or kind is tuple:
        for one in value:  # noqa: SIM110
            if type(one) not in _BARE and not _is_plain(one):
                return False
        return True
    return kind in _BARE


def _texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield place or "it", value
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield f"a key of {place}" if place else "a key", str(name)
            if name not in _FREE:
                yield from _texts(one, f"{place}.{name}".lstrip("."))
    elif isinstance(value, list | tuple):
        for i, one in enumerate(value):
            yield from _texts(one, f"{place}[{i}]")
