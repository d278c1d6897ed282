"""Texts by the cells that they take on a terminal: two for a sign of Chinese, none for a mark on another letter."""

from __future__ import annotations


def width_of(text: str) -> int:
    """How many cells the text takes.

    >>> width_of("模型 a"), width_of("e" + chr(0x301))
    (6, 1)
    """
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def cut(text: str, most: int) -> str:
    """The text in at most `most` cells, with … where something is missing.

    >>> cut("模型模型", 5), cut("ab", 2), cut("abc", 0)
    ('模型…', 'ab', '')
    """
    if width_of(text) <= most:
        return text
    if most < 1:
        return ""
    from rich.cells import set_cell_size

    return set_cell_size(text, most - 1).rstrip() + "…"
