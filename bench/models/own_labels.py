"""A model's own labels against those that a request names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bench.errors import BenchError


def normal(label: str) -> str:
    """A label as it is compared: lower-cased words.

    >>> normal("Card_Arrival")
    'card arrival'
    """
    return " ".join(re.findall(r"\w+", label.lower().replace("_", " ")))


def names_of(config: Any) -> list[str]:
    """A model's labels in the order of its numbers, as its config.json has them."""
    names = config.id2label
    return [str(names[i]) for i in range(len(names))]


def matched(
    own: Sequence[str],
    wanted: Sequence[str],
    renamed: Mapping[str, str],
    source: str,
    *,
    all_wanted: bool = True,
    all_own: bool = True,
) -> dict[str, int]:
    """The number of the own label that stands for each wanted one, as it is called or as `renamed` {own: wanted} says.

    Case, underscores and punctuation do not count; an own label that is renamed to "" is left out. Raises BenchError when
    a wanted label has none (unless `all_wanted` is False), when an own one is left over (unless `all_own` is False), when
    two stand for one, or when `renamed` names a label that the model does not have.
    """
    renames = {normal(mine): theirs for mine, theirs in renamed.items()}
    if unknown := sorted(mine for mine in renamed if normal(mine) not in set(map(normal, own))):
        raise BenchError(f"model.labels renames {_shown(unknown)}; the labels of {source} are {_shown(own)}")
    places: dict[str, int] = {}
    for number, label in enumerate(own):
        name = normal(renames.get(normal(label), label))
        if name and name in places:
            raise BenchError(
                f"{source}: {own[places[name]]!r} and {label!r} both stand for {name!r}; correct model.labels"
            )
        if name:
            places[name] = number
    missing = [label for label in wanted if normal(label) not in places] if all_wanted else []
    left = [own[i] for name, i in places.items() if name not in set(map(normal, wanted))] if all_own else []
    if missing or left:
        what = f"nothing for {_shown(missing)}" if missing else f"more than was asked for: {_shown(left)}"
        raise BenchError(
            f"{source} has the labels {_shown(own)}, asked for are {_shown(wanted)}: {what}; set model.labels to "
            '{its label: label asked for}, with "" for one to leave out, or choose another model'
        )
    return {label: places[normal(label)] for label in wanted if normal(label) in places}


def _shown(labels: Sequence[str], most: int = 6) -> str:
    return ", ".join(map(repr, labels[:most])) + (f" and {len(labels) - most} more" if len(labels) > most else "")
