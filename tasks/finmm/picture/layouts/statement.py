"""Bank statements: letter, bank form and striped page."""

from __future__ import annotations

from dataclasses import replace

from tasks.finmm.picture import blocks
from tasks.finmm.picture.canvas import BOLD, LABEL, PLAIN, SMALL, Canvas, Pen

_HEAD = ("account", "statement_number", "period_start", "period_end", "branch")
_SUMS = ("opening_balance", "total_in", "total_out", "closing_balance")


def _holder(canvas: Canvas, x: float, y: float, room: float) -> float:
    canvas.put("holder", x, y, BOLD.within(room))
    return blocks.lines(canvas, x, y + canvas.line, ("holder_street", "holder_town"), PLAIN.within(room))


def letter(canvas: Canvas) -> None:
    """Address window, key numbers at the right, opening and closing balance around the table."""
    y = canvas.top + 1.3 * canvas.line
    side = 2.6 * canvas.em
    blocks.logo(canvas, canvas.left, y - 1.6 * canvas.em, side, canvas.field("bank").value)
    canvas.put("bank", canvas.left + side + 0.7 * canvas.em, y, Pen(1.4, bold=True, colour=canvas.style.accent))
    y += 3.2 * canvas.line
    end = _holder(canvas, canvas.left, y + canvas.line, canvas.across(0.48) - canvas.left)
    y = max(end, blocks.pairs(canvas, (canvas.across(0.52), canvas.right), y, _HEAD)) + 1.2 * canvas.line
    canvas.text(canvas.left, y, canvas.document.title, Pen(1.35, bold=True))
    span = canvas.left, canvas.right
    inner = canvas.left + 0.42 * canvas.em, canvas.right - 0.42 * canvas.em
    y = blocks.pairs(canvas, inner, y + 1.8 * canvas.line, ("opening_balance",), pen=BOLD)
    y = blocks.table(canvas, canvas.document.table("moves"), span, y + 0.4 * canvas.line, look="lines", size=0.92)
    y = blocks.pairs(canvas, inner, y + 0.3 * canvas.line, ("closing_balance",), pen=BOLD)
    y = blocks.pairs(canvas, inner, y, ("total_out", "total_in"), pen=Pen(0.92))
    blocks.paragraph(canvas, span, y + canvas.line, canvas.document.notes[0])


def form(canvas: Canvas) -> None:
    """Title in the middle, summary boxes, a full grid."""
    middle = canvas.width / 2
    y = canvas.top + 1.2 * canvas.line
    canvas.put("bank", middle, y, Pen(1.5, bold=True, align="centre"))
    branch = canvas.field("branch")
    canvas.text(middle - 0.3 * canvas.em, y + 1.2 * canvas.line, f"{branch.label}:", LABEL.right())
    canvas.put("branch", middle + 0.3 * canvas.em, y + 1.2 * canvas.line, PLAIN)
    canvas.text(middle, y + 3.1 * canvas.line, canvas.document.title, Pen(1.2, bold=True, align="centre"))
    y = blocks.boxed_row(canvas, y + 3.9 * canvas.line, (("holder", 5), ("account", 5)))
    y = blocks.boxed_row(canvas, y, (("statement_number", 3), ("period_start", 3.5), ("period_end", 3.5)))
    y = blocks.boxed_row(canvas, y, tuple((name, 1) for name in _SUMS))
    y = blocks.lines(canvas, canvas.left, y + 1.5 * canvas.line, ("holder_street", "holder_town"), SMALL)
    span = canvas.left, canvas.right
    y = blocks.table(canvas, canvas.document.table("moves"), span, y + canvas.line, look="grid", size=0.9)
    blocks.paragraph(canvas, span, y + 0.6 * canvas.line, canvas.document.notes[0])


def striped(canvas: Canvas) -> None:
    """A summary panel beside the address, striped rows."""
    canvas.frame((0, 0, canvas.width, canvas.top * 0.55), None, canvas.style.accent)
    y = canvas.top + 1.6 * canvas.line
    room = 0.47 * (canvas.right - canvas.left)
    canvas.put("bank", canvas.right, y, Pen(1.3, bold=True, align="right", colour=canvas.style.accent).within(room))
    canvas.text(canvas.left, y, canvas.document.title, Pen(1.5).within(room))
    y += 2.2 * canvas.line
    end = _holder(canvas, canvas.left, y, canvas.across(0.46) - canvas.left)
    end = blocks.pairs(
        canvas, (canvas.left, canvas.across(0.46)), end + 0.6 * canvas.line, _HEAD, gap=8.4 * canvas.em, pen=Pen(0.95)
    )
    panel = canvas.across(0.54), y - 1.1 * canvas.line, canvas.right, y + 5.4 * canvas.line
    canvas.frame(panel, None, canvas.pale())
    inner = panel[0] + canvas.em, panel[2] - canvas.em
    blocks.pairs(canvas, inner, y + 0.5 * canvas.line, _SUMS[:3])
    canvas.rule(inner[0], y + 2.9 * canvas.line, inner[1], y + 2.9 * canvas.line)
    blocks.pairs(canvas, inner, y + 4.2 * canvas.line, ("closing_balance",), pen=replace(BOLD, size=1.1))
    y = max(end, panel[3]) + 1.4 * canvas.line
    span = canvas.left, canvas.right
    y = blocks.table(canvas, canvas.document.table("moves"), span, y, look="zebra", size=0.92)
    blocks.paragraph(canvas, span, y + canvas.line, canvas.document.notes[0])


LAYOUTS = (letter, form, striped)
