"""What a tagger says: the pieces of a text, each with a tag O, B-LABEL or I-LABEL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

from bench.types import Json
from tasks.mentions import unquoted


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


def token_places(tokens: Sequence[str], words: str) -> list[tuple[int, int]]:
    """(first token, token after the last) of every place of the words, which begins and ends with a token."""
    ends = list(accumulate(map(len, tokens), initial=0))
    first_at, after_at = ({end: i for i, end in enumerate(part)} for part in (ends[:-1], ends))
    while bare := "".join(words.split()):
        for change in (str, str.lower):
            text, looked_for = change("".join(tokens)), change(bare)
            starts = [i for i in first_at if text.startswith(looked_for, i)]
            if found := [(first_at[i], after_at[i + len(bare)]) for i in starts if i + len(bare) in after_at]:
                return found
        if (shorter := unquoted(words).rstrip(".,;: ")) == words:
            break
        words = shorter
    return []
