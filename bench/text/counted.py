"""Counts with the word that they count."""

from __future__ import annotations


def counted(n: int, one: str, many: str = "") -> str:
    """A count and its word; `many` where an s does not make the plural.

    >>> counted(1, "example"), counted(2_000, "example"), counted(0, "entry", "entries")
    ('1 example', '2,000 examples', '0 entries')
    """
    return f"{n:,} {one if n == 1 else many or f'{one}s'}"
