"""How a batch is cut into the smallest pieces that are computed together, by the work in them."""

from __future__ import annotations

from collections.abc import Sequence

from bench.decoding.prefix_tree import prefix_tree

# Floating point operations of a piece: about 5 s on two cores of a server's processor, on a GPU of that kind.
_WORK = {"cpu": 1e12, "cuda": 5e14}
_HALF = 1.5  # times that in a type of two bytes
_EMULATED = 0.2  # times that where the processor has no arithmetic of the type
MOST_SAID = 64  # tokens of a reply that count: few replies are as long as they may be


def work_of(device: str, dtype: str, n_parameters: int, *, emulated: bool) -> int:
    """How many tokens one piece may compute, at least 1."""
    speed = _EMULATED if emulated else 1 if dtype == "float32" else _HALF
    return max(1, int(_WORK[device] * speed / (2 * max(n_parameters, 1))))


def units(prompts: Sequence[list[int]], replies: Sequence[int], tokens: int) -> list[list[int]]:
    """The prompts' places in runs of about so many computed tokens, in their order; what shares a beginning is never cut.

    A shared beginning counts once, a reply's `replies` tokens up to a bound. It depends on these alone, so that a run
    that is resumed meets the same pieces.
    """
    tree = prefix_tree(prompts)
    places = {min(row.index for row in group.rows): group for group in tree.groups}
    found: list[list[int]] = []
    held = tokens
    for _, group in sorted(places.items()):
        members = sorted(row.index for row in group.rows)
        cost = group.size + sum(min(replies[i], MOST_SAID) for i in members)
        if held + cost > tokens:
            found.append([])
            held = 0
        found[-1] += members
        held += cost
    return found
