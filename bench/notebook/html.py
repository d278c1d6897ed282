"""Texts of strangers as HTML of a notebook: text, and nothing else."""

from __future__ import annotations

import html
from collections.abc import Sequence

from bench.text.secrets import clean
from bench.text.shown import terminal

_LONGEST_CELL = 500  # characters
_MOST_ROWS = 200


def text(value: object, most: int = _LONGEST_CELL) -> str:
    """One line of text as HTML: no markup, no secret, nothing that cannot be seen."""
    return html.escape(terminal(clean(str(value)), most))


def table(title: str, headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table; of very many rows the first, and how many more there are."""
    head = "".join(f'<th scope="col">{text(one)}</th>' for one in headings)
    body = "".join(f"<tr>{''.join(f'<td>{text(one)}</td>' for one in row)}</tr>" for row in rows[:_MOST_ROWS])
    more = f"<p>{len(rows) - _MOST_ROWS:,} more rows: see to_frame()</p>" if len(rows) > _MOST_ROWS else ""
    return f"<table><caption>{text(title)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def lines(found: Sequence[object]) -> str:
    """Lines below a table."""
    return "".join(f"<p>{text(one, 2000)}</p>" for one in found)


def plain(found: Sequence[object]) -> str:
    """The same lines for a terminal, one below the other."""
    return "\n".join(terminal(clean(str(one)), 2000) for one in found)
