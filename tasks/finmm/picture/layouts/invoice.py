"""Invoices: letterhead, grid and coloured band."""

from __future__ import annotations

from dataclasses import replace

from tasks.finmm.picture import blocks
from tasks.finmm.picture.canvas import BOLD, LABEL, PLAIN, SMALL, Canvas, Pen

_META = ("invoice_number", "issue_date", "due_date", "order_number", "terms")
_SUMS = ("subtotal", "discount", "shipping", "tax")


def _seller_lines(canvas: Canvas, x: float, y: float, pen: Pen) -> float:
    y = blocks.lines(canvas, x, y, ("seller_street", "seller_town"), pen)
    for name in ("seller_phone", "seller_email", "seller_tax_id"):
        _labelled(canvas, x, y, name, pen)
        y += canvas.line * 0.92
    return y


def _labelled(canvas: Canvas, x: float, y: float, name: str, pen: Pen) -> None:
    label = f"{canvas.field(name).label} "
    width = canvas.measure(label, pen)
    if pen.align == "left":
        canvas.text(x, y, label, pen)
        canvas.put(name, x + width, y, pen)
        return
    box = canvas.put(name, x, y, pen)
    canvas.text(box[0] - 0.3 * canvas.em, y, label.strip(), pen)


def _buyer(canvas: Canvas, x: float, y: float, room: float) -> float:
    canvas.text(x, y, canvas.field("buyer").label, LABEL)
    canvas.put("buyer", x, y + canvas.line * 1.1, BOLD.within(room))
    return blocks.lines(canvas, x, y + canvas.line * 2.1, ("buyer_street", "buyer_town"), PLAIN.within(room))


def _sums(canvas: Canvas, y: float, share: float = 0.56) -> float:
    span = canvas.across(share), canvas.right - 0.42 * canvas.em
    y = blocks.pairs(canvas, span, y, _SUMS)
    canvas.rule(span[0], y - 0.8 * canvas.line, canvas.right, y - 0.8 * canvas.line)
    return blocks.pairs(canvas, span, y + 0.25 * canvas.line, ("total",), pen=Pen(1.12, bold=True))


def _foot(canvas: Canvas, y: float, share: float = 0.8) -> None:
    y += 1.6 * canvas.line
    y = blocks.pairs(canvas, (canvas.left, canvas.across(share)), y, ("bank", "account"), gap=8.2 * canvas.em)
    canvas.text(canvas.left, y + 0.4 * canvas.line, canvas.document.notes[0], SMALL)


def letterhead(canvas: Canvas) -> None:
    """Seller at the upper left, numbers at the right, ruled lines."""
    y, em = canvas.top + canvas.line, canvas.em
    side = 3.4 * em
    blocks.logo(canvas, canvas.left, y - em, side, canvas.field("seller").value)
    title = Pen(1.75, bold=True, align="right", colour=canvas.style.accent)
    edge = canvas.text(canvas.right, y + 0.6 * em, canvas.document.title, title)[0]
    x = canvas.left + side + em
    canvas.put("seller", x, y + 0.3 * em, Pen(1.3, bold=True).within(edge - x - em))
    below = _seller_lines(canvas, x, y + 1.9 * em, SMALL)
    y = below + 1.2 * canvas.line
    end = blocks.pairs(canvas, (canvas.across(0.55), canvas.right), y, _META)
    y = max(end, _buyer(canvas, canvas.left, y, canvas.across(0.5) - canvas.left)) + canvas.line
    y = blocks.table(canvas, canvas.document.table("items"), (canvas.left, canvas.right), y, look="lines")
    _foot(canvas, _sums(canvas, y + 0.6 * canvas.line))


def grid(canvas: Canvas) -> None:
    """Everything in boxes, title in the middle."""
    middle = (canvas.left + canvas.right) / 2
    y = canvas.top + 1.2 * canvas.line
    canvas.put("seller", middle, y, Pen(1.45, bold=True, align="centre").within(canvas.right - canvas.left))
    y += canvas.line
    for name in ("seller_street", "seller_town", "seller_tax_id"):
        canvas.put(name, middle, y, SMALL.centre())
        y += canvas.line * 0.9
    canvas.put("seller_phone", middle - canvas.em, y, SMALL.right())
    canvas.put("seller_email", middle + canvas.em, y, SMALL)
    y += 1.7 * canvas.line
    canvas.text(middle, y, canvas.document.title, Pen(1.5, bold=True, align="centre"))
    top = y + 0.6 * canvas.line
    left_end = _buyer(canvas, canvas.left + 0.6 * canvas.em, top + canvas.line, middle - canvas.left - 1.2 * canvas.em)
    span = middle + 0.6 * canvas.em, canvas.right - 0.6 * canvas.em
    bottom = max(left_end, blocks.pairs(canvas, span, top + canvas.line, _META)) - 0.3 * canvas.line
    canvas.frame((canvas.left, top, canvas.right, bottom))
    canvas.rule(middle, top, middle, bottom)
    y = blocks.table(
        canvas, canvas.document.table("items"), (canvas.left, canvas.right), bottom + 1.6 * canvas.line, look="grid"
    )
    _foot(canvas, _sums(canvas, y + 0.4 * canvas.line, 0.5))


def band(canvas: Canvas) -> None:
    """A coloured band across the top, striped rows."""
    height = canvas.top + 4.6 * canvas.line
    canvas.frame((0, 0, canvas.width, height), None, canvas.style.accent)
    white = (255, 255, 255)
    title = Pen(1.6, bold=True, align="right", colour=white)
    edge = canvas.text(canvas.right, canvas.top + 1.5 * canvas.line, canvas.document.title, title)[0]
    name = Pen(1.35, bold=True, colour=white).within(edge - canvas.left - 1.5 * canvas.em)
    canvas.put("seller", canvas.left, canvas.top + 1.2 * canvas.line, name)
    blocks.lines(
        canvas, canvas.left, canvas.top + 2.3 * canvas.line, ("seller_street", "seller_town"), Pen(0.9, colour=white)
    )
    y = height + 1.7 * canvas.line
    end = blocks.pairs(canvas, (canvas.left, canvas.across(0.44)), y, _META)
    y = max(end, _buyer(canvas, canvas.across(0.54), y, canvas.right - canvas.across(0.54))) + canvas.line
    y = blocks.table(canvas, canvas.document.table("items"), (canvas.left, canvas.right), y, look="zebra")
    y = _sums(canvas, y + 0.5 * canvas.line)
    for line in ("seller_phone", "seller_email", "seller_tax_id"):
        _labelled(canvas, canvas.right, y + canvas.line, line, replace(SMALL, align="right"))
        y += canvas.line * 0.92
    _foot(canvas, y - 3.6 * canvas.line, 0.54)


LAYOUTS = (letterhead, grid, band)
