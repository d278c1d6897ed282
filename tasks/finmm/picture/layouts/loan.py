"""Loan applications: sections of boxes, two columns, and a numbered list."""

from __future__ import annotations

from tasks.finmm.picture import blocks
from tasks.finmm.picture.canvas import LABEL, SMALL, Canvas, Pen

_PERSON = ("applicant", "birth_date", "applicant_street", "applicant_town", "applicant_phone", "job", "employer")
_LOAN = ("amount", "purpose", "term", "rate", "instalment")
_MONTH = ("income", "other_income", "total_income", "expenses", "disposable")
_WEALTH = ("assets", "debts", "net_worth")
_FILE = ("application_number", "application_date", "officer")


def _sign(canvas: Canvas, y: float) -> None:
    room = 0.34 * (canvas.right - canvas.left)
    blocks.paragraph(canvas, (canvas.left, canvas.across(0.58)), y, canvas.document.notes[0])
    blocks.signature(canvas, canvas.right - room, y + 1.2 * canvas.line, canvas.field("applicant").value, room)
    canvas.text(canvas.right - room, y + 2.4 * canvas.line, "Signature of applicant", SMALL)


def boxed(canvas: Canvas) -> None:
    """Lettered sections of boxes."""
    y = canvas.top + 1.4 * canvas.line
    canvas.put(
        "lender",
        canvas.left,
        y,
        Pen(1.35, bold=True, colour=canvas.style.accent).within(0.5 * (canvas.right - canvas.left)),
    )
    canvas.text(
        canvas.right,
        y,
        canvas.document.title,
        Pen(1.1, bold=True, align="right").within(0.46 * (canvas.right - canvas.left)),
    )
    y = blocks.boxed_row(canvas, y + canvas.line, tuple((name, 1) for name in _FILE))
    y = blocks.heading(canvas, y + 1.8 * canvas.line, "A  Applicant", filled=True) - 1.1 * canvas.line
    y = blocks.boxed_row(canvas, y, (("applicant", 6), ("birth_date", 4)))
    y = blocks.boxed_row(canvas, y, (("applicant_street", 4), ("applicant_town", 4), ("applicant_phone", 3)))
    y = blocks.boxed_row(canvas, y, (("job", 4), ("employer", 6)))
    y = blocks.heading(canvas, y + 1.8 * canvas.line, "B  Loan", filled=True) - 1.1 * canvas.line
    y = blocks.boxed_row(canvas, y, (("amount", 4), ("purpose", 4), ("term", 2.4)))
    y = blocks.boxed_row(canvas, y, (("rate", 3), ("instalment", 4), ("", 3)))
    y = blocks.heading(canvas, y + 1.8 * canvas.line, "C  Income and means", filled=True) - 1.1 * canvas.line
    y = blocks.boxed_row(canvas, y, (("income", 1), ("other_income", 1), ("total_income", 1)))
    y = blocks.boxed_row(canvas, y, (("expenses", 1), ("disposable", 1), ("assets", 1)))
    y = blocks.boxed_row(canvas, y, (("debts", 1), ("net_worth", 1), ("", 1)))
    _sign(canvas, y + 1.7 * canvas.line)


def columns(canvas: Canvas) -> None:
    """The person at the left, the loan and the money at the right."""
    canvas.frame((0, 0, canvas.width, canvas.top + 2.6 * canvas.line), None, canvas.pale(0.16))
    y = canvas.top + 1.2 * canvas.line
    canvas.text(canvas.left, y, canvas.document.title, Pen(1.35, bold=True).within(0.55 * (canvas.right - canvas.left)))
    canvas.put(
        "lender",
        canvas.right,
        y,
        Pen(1.1, bold=True, align="right", colour=canvas.style.accent).within(0.42 * (canvas.right - canvas.left)),
    )
    y += 3.4 * canvas.line
    room = 0.44 * (canvas.right - canvas.left)
    end = blocks.stacked(canvas, canvas.left, y, _PERSON, room)
    end = blocks.stacked(canvas, canvas.left, end, _FILE, room)
    span = canvas.across(0.52), canvas.right
    for title, names in (("The loan", _LOAN), ("Each month", _MONTH), ("What you own and owe", _WEALTH)):
        canvas.text(span[0], y, title, Pen(1.05, bold=True, colour=canvas.style.accent))
        canvas.rule(span[0], y + 0.4 * canvas.line, span[1], y + 0.4 * canvas.line, (canvas.style.accent, 1))
        y = blocks.pairs(canvas, span, y + 1.55 * canvas.line, names, pen=canvas.entry()) + canvas.line
    _sign(canvas, max(y, end) + 0.6 * canvas.line)


def numbered(canvas: Canvas) -> None:
    """One numbered line a question."""
    y = canvas.top + 1.3 * canvas.line
    canvas.put("lender", canvas.width / 2, y, Pen(1.3, bold=True, align="centre"))
    canvas.text(
        canvas.width / 2,
        y + 1.4 * canvas.line,
        canvas.document.title,
        Pen(1.15, align="centre", colour=canvas.style.accent),
    )
    y += 3.4 * canvas.line
    names = (*_FILE, *_PERSON, *_LOAN, *_MONTH, *_WEALTH)
    step = 1.34 * canvas.line
    for number, name in enumerate(names, 1):
        canvas.text(canvas.left + 1.6 * canvas.em, y, f"{number}.", LABEL.right())
        canvas.text(canvas.left + 2.3 * canvas.em, y, canvas.field(name).label, LABEL)
        canvas.put(name, canvas.across(0.45), y, canvas.entry().within(canvas.right - canvas.across(0.45)))
        canvas.rule(canvas.across(0.44), y + 0.34 * canvas.em, canvas.right, y + 0.34 * canvas.em)
        y += step
    _sign(canvas, y + canvas.line)


LAYOUTS = (boxed, columns, numbered)
