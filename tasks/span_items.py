"""Where phrases stand among the tokens of a text: the items that metrics of phrases count."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.metrics.labelling import Item
from tasks.tagging import phrases, token_places


def of_tags(tags: Sequence[str]) -> set[Item]:
    """(first token, token after the last, code) of each phrase."""
    return {(first, after, tag[2:]) for first, after, tag in phrases(tags)}


def wanted_items(target: Mapping[str, Any]) -> set[Item]:
    """Those of a target {"tokens", "tags"}."""
    return of_tags(target["tags"])


def found_items(target: Mapping[str, Any], answer: Sequence[Any]) -> set[Item]:
    """Of tags, or of mentions [phrase, number of its place or 0 for all, code] at their places among the tokens."""
    if all(isinstance(one, str) for one in answer):
        if answer and len(answer) != len(target["tokens"]):
            raise ValueError(f"found {len(answer)} tags, expected {len(target['tokens'])}, one for each token")
        return of_tags(answer)
    return placed(target["tokens"], answer)


def placed(tokens: Sequence[str], mentions: Sequence[Sequence[Any]]) -> set[Item]:
    """The places of mentions that are not inside that of a longer phrase; a place has one label, that said of its number first."""
    where: dict[str, list[tuple[int, int]]] = {}
    held: list[tuple[int, int]] = []
    for phrase in sorted({phrase for phrase, _, _ in mentions}, key=lambda one: (-len(one), one)):
        where[phrase] = [p for p in token_places(tokens, phrase) if not any(a < p[1] and p[0] < b for a, b in held)]
        held += where[phrase]
    said: dict[tuple[int, int], str] = {}
    for phrase, number, label in sorted(mentions, key=lambda mention: not mention[1]):
        for place in where[phrase][number - 1 : number] if number else where[phrase]:
            said.setdefault(place, label)
    return {(*place, label) for place, label in said.items()}


def by_token(items: Iterable[Item]) -> set[Item]:
    """(token, code) of each token of the items."""
    return {(i, label) for first, after, label in items for i in range(first, after)}


def as_tagger(tokens: Sequence[str], tags: Sequence[str]) -> str:
    """What a tagger says of tokens, blanks between them."""
    ends = [" "] * (len(tokens) - 1) + [""]
    return json.dumps([[token + end, tag] for token, end, tag in zip(tokens, ends, tags, strict=True)])
