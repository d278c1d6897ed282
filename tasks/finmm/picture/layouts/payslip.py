"""Payslips: two columns, a boxed form and a plain letter."""

from __future__ import annotations

from tasks.finmm.picture import blocks
from tasks.finmm.picture.canvas import BOLD, PLAIN, SMALL, Canvas, Pen

_PERSON = ("employee", "employee_id", "job", "department")
_PAY = ("period", "pay_date", "account")


def _employer(canvas: Canvas, x: float, y: float, align: str) -> float:
    room = (canvas.right - canvas.left) * (1 if align == "centre" else 0.58)
    canvas.put("employer", x, y, Pen(1.3, bold=True, align=align, colour=canvas.style.accent).within(room))
    return blocks.lines(
        canvas,
        x,
        y + 1.1 * canvas.line,
        ("employer_street", "employer_town"),
        Pen(0.85, align=align, colour=SMALL.colour),
    )


def _net(canvas: Canvas, y: float, left: float) -> float:
    canvas.frame(
        (left, y - 1.2 * canvas.line, canvas.right, y + 0.7 * canvas.line), canvas.style.accent, canvas.pale(), 2
    )
    span = left + 0.7 * canvas.em, canvas.right - 0.7 * canvas.em
    return blocks.pairs(canvas, span, y, ("net",), pen=Pen(1.2, bold=True)) + canvas.line


def two_columns(canvas: Canvas) -> None:
    """Earnings at the left, deductions at the right."""
    y = canvas.top + 1.2 * canvas.line
    canvas.text(canvas.right, y, canvas.document.title, Pen(1.5, bold=True, align="right"))
    y = _employer(canvas, canvas.left, y, "left") + 0.8 * canvas.line
    left, right = (canvas.left, canvas.across(0.49)), (canvas.across(0.52), canvas.right)
    end = blocks.pairs(canvas, left, y, _PERSON, gap=6.8 * canvas.em, pen=Pen(0.95))
    y = max(end, blocks.pairs(canvas, right, y, _PAY, gap=6.8 * canvas.em, pen=Pen(0.95))) + 0.7 * canvas.line
    ends = [
        blocks.table(canvas, canvas.document.table(name), span, y, look="bar", size=0.95)
        for name, span in (("earnings", left), ("deductions", right))
    ]
    y = max(ends) + 0.5 * canvas.line
    blocks.pairs(canvas, left, y, ("gross",), pen=BOLD)
    blocks.pairs(canvas, right, y, ("total_deductions",), pen=BOLD)
    y = _net(canvas, y + 2.4 * canvas.line, canvas.across(0.52))
    canvas.text(canvas.left, y, canvas.document.notes[0], SMALL)


def boxed(canvas: Canvas) -> None:
    """Form boxes at the top, full-width tables."""
    middle = canvas.width / 2
    y = _employer(canvas, middle, canvas.top + 1.2 * canvas.line, "centre")
    canvas.text(middle, y + 0.7 * canvas.line, canvas.document.title, Pen(1.25, bold=True, align="centre"))
    y = blocks.boxed_row(canvas, y + 1.3 * canvas.line, (("employee", 4), ("employee_id", 2), ("department", 3)), 2.3)
    y = blocks.boxed_row(canvas, y, (("job", 3), ("period", 3), ("pay_date", 3)), 2.3)
    y = blocks.boxed_row(canvas, y, (("account", 6), ("", 3)), 2.3) + 1.6 * canvas.line
    span = canvas.left, canvas.right
    inner = canvas.left + 0.42 * canvas.em, canvas.right - 0.42 * canvas.em
    for name, total in (("earnings", "gross"), ("deductions", "total_deductions")):
        y = blocks.table(canvas, canvas.document.table(name), span, y, look="lines", size=0.95)
        y = blocks.pairs(canvas, inner, y, (total,), pen=BOLD) + 0.5 * canvas.line
    y = _net(canvas, y + 0.4 * canvas.line, canvas.across(0.5))
    canvas.text(canvas.left, y, canvas.document.notes[0], SMALL)


def plain(canvas: Canvas) -> None:
    """Set like a typed letter, sums at the right edge."""
    y = canvas.top + 1.4 * canvas.line
    canvas.text(canvas.left, y, canvas.document.title, Pen(1.5, bold=True))
    canvas.put("period", canvas.right, y, Pen(1.15, align="right"))
    canvas.rule(canvas.left, y + 0.6 * canvas.line, canvas.right, y + 0.6 * canvas.line, ((50, 50, 54), 2))
    span = canvas.left, canvas.right
    y = blocks.pairs(
        canvas, span, y + 1.9 * canvas.line, ("employer", *_PERSON, "pay_date", "account"), gap=9 * canvas.em
    )
    y += 0.6 * canvas.line
    for name, total in (("earnings", "gross"), ("deductions", "total_deductions")):
        canvas.text(canvas.left, y, name.capitalize(), Pen(1.05, bold=True, colour=canvas.style.accent))
        y = blocks.table(
            canvas,
            canvas.document.table(name),
            (canvas.across(0.04), canvas.right),
            y + 1.25 * canvas.line,
            look="bare",
        )
        y = (
            blocks.pairs(canvas, (canvas.across(0.06), canvas.right - 0.42 * canvas.em), y, (total,), pen=BOLD)
            + 0.6 * canvas.line
        )
    y = _net(canvas, y + 0.6 * canvas.line, canvas.left)
    y = blocks.lines(canvas, canvas.left, y, ("employer_street", "employer_town"), SMALL)
    canvas.text(canvas.left, y, canvas.document.notes[0], PLAIN.within(canvas.right - canvas.left))


LAYOUTS = (two_columns, boxed, plain)
