"""The text of a page in the order in which it is read."""

from __future__ import annotations

from itertools import groupby

from tasks.finmm.picture.document import Document

_SAME_ROW = 0.5  # of the size of body text: base lines nearer than that to the row's first are one row
_STAMP = ("stamp", "stamp_date")


def reading_lines(document: Document) -> list[str]:
    """All that is written on the page with a letter or a digit in it, a line for each row.

    Rows go from the top to the bottom over the whole width, so that of columns beside each other the first row of each comes
    first; the pieces of a row go from left to right with a blank between them. Initials in a logo and signatures count as text. A
    rubber stamp, which lies across the rows, comes last.
    """
    from tasks.finmm.picture import page

    canvas = page.lay_out(document, dry=True)
    pieces = sorted((base, left, text) for left, base, text in canvas.written if any(map(str.isalnum, text)))
    rows: list[tuple[float, int]] = []  # base line of each row's first piece
    numbered = []
    for base, left, text in pieces:
        if not rows or base - rows[-1][0] > _SAME_ROW * canvas.em:
            rows.append((base, len(rows)))
        numbered.append((rows[-1][1], left, text))
    lines = [" ".join(text for _, _, text in row) for _, row in groupby(sorted(numbered), key=lambda piece: piece[0])]
    return lines + [field.value for field in document.fields if field.name in _STAMP]
