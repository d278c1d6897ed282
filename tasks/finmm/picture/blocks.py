"""Parts that pages are made of: labelled values, tables, forms, logos, signatures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from tasks.finmm.picture.canvas import BOLD, GREY, LABEL, LINE, PLAIN, SMALL, Canvas, Pen
from tasks.finmm.picture.document import Table

WHITE = (255, 255, 255)


def lines(canvas: Canvas, x: float, y: float, names: Sequence[str], pen: Pen = PLAIN) -> float:
    """Values below each other; returns the next base line."""
    for name in names:
        if canvas.has(name):
            canvas.put(name, x, y, pen)
            y += canvas.line * max(pen.size, 0.86)
    return y


def pairs(canvas: Canvas, span: tuple[float, float], y: float, names: Sequence[str], *,
          pen: Pen = PLAIN, gap: float | None = None) -> float:  # fmt: skip
    """Labels at the left edge, values at the right one or, with a gap, that far from the left one."""
    left, right = span
    for name in names:
        if not canvas.has(name):
            continue
        label = canvas.field(name).label
        label_pen = pen if pen.bold else replace(LABEL, size=pen.size * 0.95)
        width = min(canvas.measure(label, label_pen), 0.5 * (right - left) if gap is None else gap - 0.4 * canvas.em)
        canvas.text(left, y, label, label_pen.within(width))
        if gap is None:
            canvas.put(name, right, y, pen.right().within(right - left - width - 0.6 * canvas.em))
        else:
            canvas.put(name, left + gap, y, pen.within(right - left - gap))
        y += canvas.line * max(1.0, pen.size)
    return y


def stacked(canvas: Canvas, x: float, y: float, names: Sequence[str], room: float) -> float:
    """Small labels with the values below them."""
    for name in names:
        if canvas.has(name):
            canvas.text(x, y, canvas.field(name).label, SMALL.within(room))
            canvas.put(name, x, y + canvas.line * 0.95, canvas.entry().within(room))
            y += canvas.line * 2.25
    return y


def boxed_row(canvas: Canvas, y: float, cells: Sequence[tuple[str, float]], height: float = 2.5) -> float:
    """A row of form boxes, label in the corner; widths are shares of the page. Returns the lower edge."""
    x, bottom = canvas.left, y + height * canvas.line
    whole = sum(share for _, share in cells)
    for name, share in cells:
        right = x + (canvas.right - canvas.left) * share / whole
        canvas.frame((x, y, right, bottom), LINE)
        if name and canvas.has(name):
            pad, room = 0.4 * canvas.em, right - x - 0.9 * canvas.em
            canvas.text(x + pad, y + 0.92 * canvas.line, canvas.field(name).label, SMALL.within(room))
            canvas.put(name, x + pad, bottom - 0.5 * canvas.line, canvas.entry().within(room))
        x = right
    return bottom


def heading(canvas: Canvas, y: float, text: str, filled: bool) -> float:
    """A section heading over the whole width; returns the next base line."""
    if filled:
        canvas.frame((canvas.left, y - canvas.line, canvas.right, y + 0.42 * canvas.line), None, canvas.style.accent)
        canvas.text(canvas.left + 0.5 * canvas.em, y, text, replace(BOLD, colour=WHITE))
    else:
        canvas.text(canvas.left, y, text, replace(BOLD, colour=canvas.style.accent))
        canvas.rule(canvas.left, y + 0.45 * canvas.line, canvas.right, y + 0.45 * canvas.line, (canvas.style.accent, 2))
    return y + 1.6 * canvas.line


def _widths(canvas: Canvas, table: Table, room: float, size: float) -> tuple[list[float], float]:
    pad = 0.9 * canvas.em
    natural = []
    for number, column in enumerate(table.columns):
        texts = [canvas.measure(row[number], Pen(size)) for row in table.rows]
        natural.append(max(*texts, canvas.measure(column.heading, Pen(size, bold=True)), 0.0) + pad)
    spare = room - sum(natural)
    if spare < 0:
        shrunk = size * room / sum(natural) * 0.98
        return [width * room / sum(natural) for width in natural], shrunk
    widest = max(range(len(natural)), key=natural.__getitem__)
    natural[widest] += spare * 0.6
    return [width + spare * 0.4 / len(natural) for width in natural], size


def table(canvas: Canvas, table: Table, span: tuple[float, float], y: float, *,
          look: str = "lines", size: float = 1.0) -> float:  # fmt: skip
    """Rows of cells; look is lines, grid, zebra, bar, none or, without a head, bare. Returns the next base line."""
    left, right = span
    widths, size = _widths(canvas, table, right - left, size)
    step = canvas.line * (1.32 if look in ("grid", "zebra") else 1.2) * max(size, 0.8)
    edges = [left + sum(widths[:number]) for number in range(len(widths) + 1)]
    top = y - step * 0.72
    if look != "bare":
        _head(canvas, table, edges, y, look, size)
        y += step * 1.08
    for number, row in enumerate(table.rows, 1):
        if look == "zebra" and number % 2:
            canvas.frame((left, y - step * 0.72, right, y + step * 0.28), None, canvas.pale(0.08))
        for column, (at, end), cell in zip(table.columns, pairwise(edges), row, strict=True):
            if cell:
                name, pen = f"{table.name}_{number}_{column.key}", canvas.entry(Pen(size)).within(end - at)
                inner = 0.42 * canvas.em
                canvas.put(name, *((end - inner, y, pen.right()) if column.align == "right" else (at + inner, y, pen)))
        if look in ("grid", "lines"):
            canvas.rule(left, y + step * 0.3, right, y + step * 0.3)
        y += step
    if look == "grid":
        bottom = y - step * 0.7
        canvas.frame((left, top, right, bottom), LINE)
        for edge in edges[1:-1]:
            canvas.rule(edge, top, edge, bottom)
    return y


def _head(canvas: Canvas, table: Table, edges: Sequence[float], y: float, look: str, size: float) -> None:
    step = canvas.line * max(size, 0.8)
    dark = look in ("bar", "zebra")
    if dark:
        canvas.frame((edges[0], y - step * 0.95, edges[-1], y + step * 0.42), None, canvas.style.accent)
    for column, at, end in zip(table.columns, edges[:-1], edges[1:], strict=True):
        pen = Pen(size, bold=True, colour=WHITE if dark else (26, 26, 28)).within(end - at - 0.3 * canvas.em)
        inner = 0.42 * canvas.em
        canvas.text(
            *(
                (end - inner, y, column.heading, pen.right())
                if column.align == "right"
                else (at + inner, y, column.heading, pen)
            )
        )
    if not dark:
        canvas.rule(edges[0], y + step * 0.38, edges[-1], y + step * 0.38, ((60, 60, 64), 1))


def paragraph(canvas: Canvas, span: tuple[float, float], y: float, text: str, pen: Pen = SMALL) -> float:
    """Words broken at the right edge; returns the next base line."""
    row = ""
    for word in text.split():
        if row and canvas.measure(f"{row} {word}", pen) > span[1] - span[0]:
            canvas.text(span[0], y, row, pen)
            row, y = word, y + canvas.line * pen.size * 0.95
        else:
            row = f"{row} {word}".strip()
    canvas.text(span[0], y, row, pen)
    return y + canvas.line * pen.size


def logo(canvas: Canvas, x: float, y: float, side: float, name: str) -> None:
    """A plain mark with initials or bars, its upper left corner at x, y."""
    shape, accent = canvas.stream.randrange(4), canvas.style.accent
    box = x, y, x + side, y + side
    initials = "".join(word[0] for word in name.split()[:2])
    if shape == 0:
        canvas.draw.ellipse([round(edge) for edge in box], accent)
    elif shape == 1:
        canvas.frame(box, None, accent)
    elif shape == 2:
        canvas.draw.polygon([(x + side / 2, y), (x + side, y + side), (x, y + side)], accent)
        return
    else:
        for number in range(3):
            height = side * (0.4 + 0.3 * number)
            canvas.frame(
                (x + side * number * 0.36, y + side - height, x + side * (number * 0.36 + 0.26), y + side), None, accent
            )
        return
    pen = Pen(side / canvas.em * 0.5, bold=True, align="centre", colour=WHITE)
    canvas.text(x + side / 2, y + side * 0.68, initials, pen.within(side * 0.8))


def signature(canvas: Canvas, x: float, y: float, name: str, room: float) -> None:
    """A name signed in ink above a line, with a flourish below it."""
    pen = Pen(1.1, family="signature", colour=canvas.style.ink).within(room * 0.9)
    width = min(canvas.measure(name, pen), room)
    canvas.text(x + 0.05 * room, y - 0.15 * canvas.line, name, pen)
    points = [
        (x + width * step / 12, y + 0.1 * canvas.line + canvas.em * canvas.stream.uniform(-0.22, 0.22))
        for step in range(1, 15)
    ]
    canvas.draw.line(points, canvas.style.ink, 1, "curve")
    canvas.rule(x, y + 0.35 * canvas.line, x + room, y + 0.35 * canvas.line, (GREY, 1))


def barcode(canvas: Canvas, x: float, y: float, width: float, height: float) -> None:
    """Bars that encode nothing."""
    end = x + width
    while x < end:
        bar = canvas.stream.choice((1, 1, 2, 3))
        canvas.draw.rectangle((round(x), round(y), round(x) + bar - 1, round(y + height)), (20, 20, 20))
        x += bar + canvas.stream.choice((1, 2, 2, 3))
