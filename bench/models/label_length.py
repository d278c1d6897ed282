"""What a label's log-likelihood is divided by, so that a long label does not lose for its length alone."""

from __future__ import annotations

from collections.abc import Sequence

from bench.errors import BenchError

KINDS = ("none", "tokens", "characters")


def known_rule(kind: str) -> str:
    """The kind; raises BenchError for an unknown one."""
    if kind not in KINDS:
        raise BenchError(f"model.label_length={kind} is none of {', '.join(KINDS)}")
    return kind


def lengths(kind: str, labels: Sequence[str], tokens: Sequence[Sequence[int]]) -> list[int]:
    """The divisor of each label, whose tokens as a reply are `tokens`.

    >>> [lengths(kind, ["no", "maybe"], [[4], [5, 6]]) for kind in KINDS]
    [[1, 1], [1, 2], [2, 5]]
    """
    if kind == "tokens":
        return [len(reply) for reply in tokens]
    return [len(label) if kind == "characters" else 1 for label in labels]
