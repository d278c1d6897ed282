"""What a tagger says: the pieces of a text, each with a tag O, B-LABEL or I-LABEL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.types import Json


def tagged_pieces(found: Json) -> tuple[list[str], list[str]] | None:
    """Pieces and tags out of [[piece, tag], …]; None where it is something else, a piece is blank or a tag is none.

    >>> tagged_pieces([["Wells ", "B-Bank"], ["Fargo", "I-Bank"]])
    (['Wells ', 'Fargo'], ['B-Bank', 'I-Bank'])
    """
    if not isinstance(found, list) or not found:
        return None
    for pair in found:
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(one, str) for one in pair):
            return None
        if not pair[0].strip() or (pair[1] != "O" and not pair[1].startswith(("B-", "I-"))):
            return None
    return [piece for piece, _ in found], [tag for _, tag in found]


def phrases(tags: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """(first piece, piece after the last, first tag) of each phrase; I- after another label or O begins one too.

    >>> list(phrases(["B-a", "I-a", "B-a", "O", "I-b"]))
    [(0, 2, 'B-a'), (2, 3, 'B-a'), (4, 5, 'I-b')]
    """
    first = 0
    while first < len(tags):
        name, after = tags[first][2:], first + 1
        while after < len(tags) and name and tags[after] == f"I-{name}":
            after += 1
        if name:
            yield first, after, tags[first]
        first = after
