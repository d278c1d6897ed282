"""Balance sheets: one column, two columns side by side, and a list with notes in a frame."""

from __future__ import annotations

from tasks.finmm.picture import blocks
from tasks.finmm.picture.canvas import BOLD, ITALIC, SMALL, Canvas, Pen
from tasks.finmm.picture.content.balance_sheet import PARTS

_HEADINGS = {part: heading for part, heading, _ in PARTS}
Span = tuple[float, float]


def _title(canvas: Canvas, y: float, align: str) -> float:
    x = {"left": canvas.left, "centre": canvas.width / 2}[align]
    canvas.put("company", x, y, Pen(1.4, bold=True, align=align))
    canvas.text(x, y + 1.5 * canvas.line, canvas.document.title, Pen(1.2, align=align, colour=canvas.style.accent))
    as_of = canvas.field("as_of")
    if align == "left":
        canvas.text(x, y + 2.7 * canvas.line, f"{as_of.label} ", ITALIC)
        canvas.put("as_of", x + canvas.measure(f"{as_of.label} ", ITALIC), y + 2.7 * canvas.line, ITALIC)
    else:
        box = canvas.put("as_of", x + canvas.em, y + 2.7 * canvas.line, ITALIC.centre())
        canvas.text(box[0] - 0.35 * canvas.em, y + 2.7 * canvas.line, as_of.label, ITALIC.right())
    canvas.put("unit", x, y + 3.7 * canvas.line, Pen(0.9, italic=True, align=align))
    return y + 5.6 * canvas.line


def _years(canvas: Canvas, span: Span, y: float, size: float) -> float:
    now, before = _edges(canvas, span, size)
    canvas.put("this_year", now, y, Pen(size, bold=True, align="right"))
    canvas.put("last_year", before, y, Pen(size, bold=True, align="right"))
    canvas.rule(span[0], y + 0.4 * canvas.line, span[1], y + 0.4 * canvas.line)
    return y + 1.5 * canvas.line


def _edges(canvas: Canvas, span: Span, size: float) -> tuple[float, float]:
    texts = [canvas.field(f"total_assets_{side}").value for side in ("now", "before")]
    width = max(canvas.measure(text, Pen(size, bold=True)) for text in texts) + 2.4 * canvas.em * size
    return span[1] - width, span[1]


def _sum(canvas: Canvas, span: Span, y: float, name: str, size: float) -> float:
    now, before = _edges(canvas, span, size)
    pen = Pen(size, bold=True)
    room = now - canvas.measure(canvas.field("total_assets_now").value, pen) - span[0] - 0.5 * canvas.em
    for edge in (now, before):
        canvas.rule(
            edge - 4.5 * canvas.em * size, y - 0.95 * canvas.line, edge, y - 0.95 * canvas.line, ((60, 60, 60), 1)
        )
    canvas.text(span[0], y, canvas.field(f"{name}_now").label, pen.within(room))
    canvas.put(f"{name}_now", now, y, pen.right())
    canvas.put(f"{name}_before", before, y, pen.right())
    return y + 1.45 * canvas.line


def _part(canvas: Canvas, span: Span, y: float, part: str, size: float) -> float:
    now, before = _edges(canvas, span, size)
    pen = Pen(size)
    room = now - canvas.measure(canvas.field("total_assets_now").value, pen) - span[0] - 1.4 * canvas.em
    canvas.text(span[0], y, _HEADINGS[part], Pen(size, bold=True, colour=canvas.style.accent))
    y += 1.2 * canvas.line
    for number in range(1, len(canvas.document.table(part).rows) + 1):
        canvas.put(f"{part}_{number}_account", span[0] + 0.9 * canvas.em, y, pen.within(room))
        canvas.put(f"{part}_{number}_now", now, y, pen.right())
        canvas.put(f"{part}_{number}_before", before, y, pen.right())
        y += 1.14 * canvas.line
    return _sum(canvas, span, y + 0.15 * canvas.line, f"{part}_total", size)


def _assets(canvas: Canvas, span: Span, y: float, size: float) -> float:
    for part in ("fixed_assets", "current_assets"):
        y = _part(canvas, span, y, part, size)
    return _sum(canvas, span, y, "total_assets", size)


def _funding(canvas: Canvas, span: Span, y: float, size: float) -> float:
    for part in ("equity", "long_debts", "current_debts"):
        y = _part(canvas, span, y, part, size)
    y = _sum(canvas, span, y, "total_debts", size)
    return _sum(canvas, span, y, "total_funding", size)


def _end(canvas: Canvas, y: float) -> None:
    room = 0.34 * (canvas.right - canvas.left)
    blocks.paragraph(canvas, (canvas.left, canvas.across(0.58)), y + 1.2 * canvas.line, canvas.document.notes[0])
    if canvas.has("signer"):
        x, base = canvas.right - room, y + 1.6 * canvas.line
        blocks.signature(canvas, x, base, canvas.field("signer").value, room)
        canvas.put("signer", x, base + 1.3 * canvas.line, BOLD.within(room))
        canvas.text(x, base + 2.2 * canvas.line, canvas.field("signer").label, SMALL)


def tall(canvas: Canvas) -> None:
    """All in one column."""
    span = canvas.left, canvas.right
    y = _years(canvas, span, _title(canvas, canvas.top + canvas.line, "left") - canvas.line, 0.95)
    y = _funding(canvas, span, _assets(canvas, span, y, 0.95) + 0.3 * canvas.line, 0.95)
    _end(canvas, y)


def side_by_side(canvas: Canvas) -> None:
    """Assets at the left, equity and liabilities at the right."""
    y = _title(canvas, canvas.top + 2 * canvas.line, "centre") + canvas.line
    left, right = (canvas.left, canvas.across(0.485)), (canvas.across(0.515), canvas.right)
    top = y - canvas.line
    size = 0.82
    start = _years(canvas, left, y, size)
    now, before = _edges(canvas, right, size)
    for edge, name in ((now, "this_year"), (before, "last_year")):
        canvas.text(edge, y, canvas.field(name).value, Pen(size, bold=True, align="right"))
    canvas.rule(right[0], y + 0.4 * canvas.line, right[1], y + 0.4 * canvas.line)
    end = max(_assets(canvas, left, start, size), _funding(canvas, right, start, size))
    canvas.rule(canvas.width / 2, top, canvas.width / 2, end)
    _end(canvas, end + canvas.line)


def framed(canvas: Canvas) -> None:
    """A frame around a centred list."""
    y = _title(canvas, canvas.top + 1.6 * canvas.line, "centre")
    span = canvas.across(0.06), canvas.across(0.94)
    start = y + 0.2 * canvas.line
    y = _years(canvas, span, start + 0.6 * canvas.line, 0.92)
    y = _funding(canvas, span, _assets(canvas, span, y, 0.92) + 0.2 * canvas.line, 0.92)
    canvas.frame((canvas.left, start - canvas.line, canvas.right, y - 0.5 * canvas.line), (70, 70, 74), None, 2)
    _end(canvas, y)


LAYOUTS = (tall, side_by_side, framed)
