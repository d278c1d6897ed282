"""Till receipts: a narrow strip, cut below the last line."""

from __future__ import annotations

from dataclasses import replace

from tasks.finmm.picture import blocks
from tasks.finmm.picture.canvas import BOLD, PLAIN, SMALL, Canvas, Pen

_BODY = Pen(colour=(52, 52, 56))


def _head(canvas: Canvas, y: float, centred: bool) -> float:
    x = canvas.width / 2 if centred else canvas.left
    room = canvas.right - canvas.left
    pen = replace(_BODY, align="centre" if centred else "left")
    canvas.put("shop", x, y, replace(pen, size=1.4, bold=True).within(room))
    y = blocks.lines(canvas, x, y + 1.2 * canvas.line, ("shop_street", "shop_town"), pen.within(room))
    phone = canvas.field("shop_phone")
    if centred:
        canvas.put("shop_phone", x, y, pen)
    else:
        canvas.text(x, y, f"{phone.label} ", pen)
        canvas.put("shop_phone", x + canvas.measure(f"{phone.label} ", pen), y, pen)
    y += 1.5 * canvas.line
    if canvas.document.title:
        canvas.text(x, y, canvas.document.title, replace(pen, bold=True))
        y += 1.3 * canvas.line
    return y


def _dashes(canvas: Canvas, y: float) -> float:
    n = int((canvas.right - canvas.left) / canvas.measure("-", _BODY))
    canvas.text(canvas.left, y, "-" * n, _BODY)
    return y + canvas.line


def _two_line_items(canvas: Canvas, y: float) -> float:
    for number, row in enumerate(canvas.document.table("items").rows, 1):
        here = f"items_{number}"
        canvas.put(f"{here}_description", canvas.left, y, _BODY)
        y += canvas.line
        box = canvas.put(f"{here}_quantity", canvas.left + 1.5 * canvas.em, y, _BODY)
        canvas.text(box[2] + 0.6 * canvas.em, y, "x", _BODY)
        canvas.put(f"{here}_price", box[2] + 1.8 * canvas.em, y, _BODY)
        canvas.put(f"{here}_amount", canvas.right, y, _BODY.right())
        y += canvas.line * (1.1 if len(row) else 1)
    return y


def _pay(canvas: Canvas, y: float, total: Pen) -> float:
    span = canvas.left, canvas.right
    y = blocks.pairs(canvas, span, y, ("subtotal", "tax"), pen=_BODY)
    y = blocks.pairs(canvas, span, y + 0.2 * canvas.line, ("total",), pen=total)
    return blocks.pairs(canvas, span, y + 0.2 * canvas.line, ("paid_by", "card", "tendered", "change"), pen=_BODY)


def _end(canvas: Canvas, y: float, with_bars: bool) -> None:
    note = canvas.document.notes[0]
    canvas.text(
        canvas.width / 2, y + canvas.line, note, replace(_BODY, align="centre").within(canvas.right - canvas.left)
    )
    y += 1.8 * canvas.line
    if with_bars:
        width = 0.66 * (canvas.right - canvas.left)
        blocks.barcode(canvas, (canvas.width - width) / 2, y, width, 2.6 * canvas.line)
        y += 3.4 * canvas.line
    canvas.height = min(canvas.height, round(y + canvas.line))


def till(canvas: Canvas) -> None:
    """Shop in the middle, two printed lines an item."""
    y = _head(canvas, canvas.top + canvas.line, centred=True)
    y = blocks.pairs(
        canvas, (canvas.left, canvas.right), y, ("date", "time", "receipt_number", "cashier", "till"), pen=_BODY
    )
    y = _two_line_items(canvas, _dashes(canvas, y))
    y = _pay(canvas, _dashes(canvas, y), replace(BOLD, size=1.25))
    _end(canvas, _dashes(canvas, y), with_bars=True)


def columns(canvas: Canvas) -> None:
    """Shop at the left, items as a small table."""
    y = _head(canvas, canvas.top + canvas.line, centred=False)
    half = (canvas.left + canvas.right) / 2
    end = blocks.pairs(canvas, (canvas.left, half - canvas.em), y, ("date", "time"), pen=_BODY)
    blocks.pairs(canvas, (half, canvas.right), y, ("receipt_number", "cashier"), pen=_BODY)
    y = blocks.table(
        canvas, canvas.document.table("items"), (canvas.left, canvas.right), end + canvas.line, look="none", size=0.95
    )
    canvas.rule(canvas.left, y - 0.5 * canvas.line, canvas.right, y - 0.5 * canvas.line)
    y = _pay(canvas, y + 0.6 * canvas.line, replace(BOLD, size=1.1))
    _end(canvas, y, with_bars=False)


def slip(canvas: Canvas) -> None:
    """Amounts first, details of the sale at the end."""
    side = 3 * canvas.em
    blocks.logo(canvas, (canvas.width - side) / 2, canvas.top, side, canvas.field("shop").value)
    y = _head(canvas, canvas.top + side + 1.6 * canvas.line, centred=True)
    items = canvas.document.table("items")
    for number in range(1, len(items.rows) + 1):
        box = canvas.put(f"items_{number}_quantity", canvas.left, y, PLAIN)
        canvas.put(f"items_{number}_amount", canvas.right, y, PLAIN.right())
        canvas.put(f"items_{number}_description", max(box[2] + canvas.em, canvas.left + 2 * canvas.em), y, PLAIN)
        canvas.put(f"items_{number}_price", canvas.left + 2 * canvas.em, y + 0.85 * canvas.line, SMALL)
        y += 1.95 * canvas.line
    y = _pay(canvas, _dashes(canvas, y), replace(BOLD, size=1.3))
    y = _dashes(canvas, y)
    y = blocks.pairs(
        canvas, (canvas.left, canvas.right), y, ("receipt_number", "date", "time", "till", "cashier"), pen=_BODY
    )
    _end(canvas, y, with_bars=canvas.stream.random() < 0.5)


LAYOUTS = (till, columns, slip)
