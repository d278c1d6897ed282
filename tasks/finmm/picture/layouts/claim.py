"""Insurance claims: a boxed form, a form with ruled lines and a summary letter."""

from __future__ import annotations

from tasks.finmm.picture import blocks
from tasks.finmm.picture.canvas import BOLD, GREY, LABEL, PLAIN, SMALL, Canvas, Pen

_SUMS = ("claimed", "excess")


def _sums(canvas: Canvas, y: float, share: float) -> float:
    span = canvas.across(share), canvas.right - 0.42 * canvas.em
    y = blocks.pairs(canvas, span, y, _SUMS, pen=canvas.entry())
    return blocks.pairs(canvas, span, y, ("payable",), pen=canvas.entry(Pen(1.08, bold=True)))


def _sign(canvas: Canvas, y: float) -> None:
    room = 0.32 * (canvas.right - canvas.left)
    blocks.paragraph(canvas, (canvas.left, canvas.across(0.6)), y, canvas.document.notes[0])
    blocks.signature(canvas, canvas.right - room, y + 1.6 * canvas.line, canvas.field("holder").value, room)
    canvas.text(canvas.right - room, y + 2.8 * canvas.line, "Signature", SMALL)


def boxed(canvas: Canvas) -> None:
    """Numbered sections of boxes."""
    y = canvas.top + 1.4 * canvas.line
    canvas.put("insurer", canvas.left, y, Pen(1.4, bold=True, colour=canvas.style.accent))
    canvas.text(
        canvas.right,
        y,
        canvas.document.title,
        Pen(1.1, bold=True, align="right").within(0.5 * (canvas.right - canvas.left)),
    )
    y = blocks.boxed_row(canvas, y + 1.1 * canvas.line, (("claim_number", 3), ("policy_number", 3), ("cover", 4)))
    y = blocks.heading(canvas, y + 1.9 * canvas.line, "1. Insured", filled=True) - 1.1 * canvas.line
    y = blocks.boxed_row(canvas, y, (("holder", 6), ("holder_phone", 4)))
    y = blocks.boxed_row(canvas, y, (("holder_street", 5), ("holder_town", 5)))
    y = blocks.heading(canvas, y + 1.9 * canvas.line, "2. Loss", filled=True) - 1.1 * canvas.line
    y = blocks.boxed_row(canvas, y, (("loss_date", 3), ("report_date", 3), ("cause", 4)))
    y = blocks.boxed_row(canvas, y, (("place", 6), ("adjuster", 4)))
    y = blocks.heading(canvas, y + 1.9 * canvas.line, "3. Amounts", filled=True)
    y = blocks.table(canvas, canvas.document.table("losses"), (canvas.left, canvas.right), y, look="grid")
    _sign(canvas, _sums(canvas, y + 0.3 * canvas.line, 0.5) + canvas.line)


def ruled(canvas: Canvas) -> None:
    """Labels with dotted lines to write on."""
    middle = canvas.width / 2
    y = canvas.top + 1.3 * canvas.line
    canvas.text(middle, y, canvas.document.title, Pen(1.4, bold=True, align="centre"))
    canvas.put("insurer", middle, y + 1.4 * canvas.line, Pen(1.1, align="centre", colour=canvas.style.accent))
    y += 3.4 * canvas.line
    left, right = (canvas.left, canvas.across(0.49)), (canvas.across(0.53), canvas.right)
    for names in (("claim_number", "policy_number"), ("holder", "cover"), ("holder_street", "holder_town"),
                  ("holder_phone", "adjuster"), ("loss_date", "report_date"), ("place", "cause")):  # fmt: skip
        for name, span in zip(names, (left, right), strict=True):
            _on_line(canvas, span, y, name)
        y += 1.75 * canvas.line
    y = blocks.heading(canvas, y + 0.8 * canvas.line, "Items claimed", filled=False)
    y = blocks.table(canvas, canvas.document.table("losses"), (canvas.left, canvas.right), y, look="lines")
    _sign(canvas, _sums(canvas, y + 0.4 * canvas.line, 0.48) + 1.2 * canvas.line)


def _on_line(canvas: Canvas, span: tuple[float, float], y: float, name: str) -> None:
    label = f"{canvas.field(name).label}: "
    at = span[0] + canvas.measure(label, LABEL)
    canvas.text(span[0], y, label, LABEL)
    canvas.put(name, at + 0.3 * canvas.em, y, canvas.entry().within(span[1] - at - 0.4 * canvas.em))
    for x in range(round(at), round(span[1]), 5):
        canvas.rule(x, y + 0.32 * canvas.em, x + 1, y + 0.32 * canvas.em, (GREY, 1))


def letter(canvas: Canvas) -> None:
    """A letter that sums up the claim."""
    y = canvas.top + 1.4 * canvas.line
    side = 3 * canvas.em
    blocks.logo(canvas, canvas.right - side, y - canvas.em, side, canvas.field("insurer").value)
    canvas.put("insurer", canvas.left, y, Pen(1.35, bold=True))
    canvas.put("holder", canvas.left, y + 3.2 * canvas.line, PLAIN)
    y = blocks.lines(
        canvas, canvas.left, y + 4.2 * canvas.line, ("holder_street", "holder_town", "holder_phone"), PLAIN
    )
    y += 1.3 * canvas.line
    canvas.text(canvas.left, y, canvas.document.title, Pen(1.2, bold=True, colour=canvas.style.accent))
    span = canvas.left, canvas.across(0.85)
    names = ("claim_number", "policy_number", "cover", "cause", "place", "loss_date", "report_date", "adjuster")
    y = blocks.pairs(canvas, span, y + 1.6 * canvas.line, names, gap=11 * canvas.em, pen=canvas.entry())
    y = blocks.paragraph(
        canvas,
        (canvas.left, canvas.right),
        y + 0.6 * canvas.line,
        "We have assessed the following items under your policy.",
        PLAIN,
    )
    y = blocks.table(
        canvas,
        canvas.document.table("losses"),
        (canvas.across(0.05), canvas.across(0.95)),
        y + 0.8 * canvas.line,
        look="zebra",
    )
    y = blocks.pairs(
        canvas, (canvas.across(0.45), canvas.across(0.95)), y + 0.4 * canvas.line, _SUMS, pen=canvas.entry()
    )
    y = blocks.pairs(canvas, (canvas.across(0.45), canvas.across(0.95)), y, ("payable",), pen=canvas.entry(BOLD))
    _sign(canvas, y + 1.4 * canvas.line)


LAYOUTS = (boxed, ruled, letter)
