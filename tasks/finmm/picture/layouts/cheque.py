"""Cheques: the slip with the box at the right, one with the amount in a band, one with a stub."""

from __future__ import annotations

from dataclasses import replace

from tasks.finmm.picture import blocks
from tasks.finmm.picture.canvas import BOLD, GREY, LABEL, PLAIN, SMALL, Canvas, Pen


def _step(canvas: Canvas) -> float:
    return (canvas.bottom - canvas.top) / 12.6


def _pattern(canvas: Canvas) -> None:
    pale = canvas.pale(0.13)
    step = max(7, round(0.8 * canvas.em))
    for x in range(-canvas.height, canvas.width, step):
        canvas.rule(x, canvas.height, x + canvas.height, 0, (pale, 1))


def _line(canvas: Canvas, y: float, name: str, span: tuple[float, float]) -> None:
    label = canvas.field(name).label
    left, right = span
    canvas.text(left, y, label, LABEL)
    at = left + canvas.measure(label, LABEL) + 0.8 * canvas.em
    canvas.rule(at - 0.3 * canvas.em, y + 0.3 * canvas.em, right, y + 0.3 * canvas.em, (GREY, 1))
    canvas.put(name, at, y, canvas.entry(Pen(1.08)).within(right - at - 0.2 * canvas.em))


def _codes(canvas: Canvas, left: float) -> None:
    pen, y = Pen(1.1, family="dejavu_mono"), canvas.bottom
    canvas.text(left, y, canvas.field("cheque_number").value, pen)
    canvas.text(left + 9 * canvas.em, y, f"|: {canvas.field('sort_code').value} :|", pen)
    canvas.text(left + 23 * canvas.em, y, canvas.field("account").value, pen)


def _box(canvas: Canvas, box: tuple[float, float, float, float]) -> None:
    canvas.frame(box, (70, 70, 74), (255, 255, 255), 2)
    pen = canvas.entry(replace(BOLD, size=1.15)).centre().within(box[2] - box[0] - canvas.em)
    canvas.put("amount", (box[0] + box[2]) / 2, (box[1] + box[3]) / 2 + 0.38 * canvas.em, pen)


def _sign(canvas: Canvas, y: float, room: float) -> None:
    left = canvas.right - room
    by = "signer" if canvas.has("signer") else "drawer"
    blocks.signature(canvas, left, y, canvas.field(by).value, room)
    if by == "signer":
        canvas.put("signer", left, y + _step(canvas), SMALL.within(room))


def classic(canvas: Canvas) -> None:
    """Bank at the upper left, date at the right, amount box below it."""
    _pattern(canvas)
    left, right, step = canvas.left, canvas.right, _step(canvas)
    y = canvas.top + step
    canvas.put("bank", left, y, Pen(1.4, bold=True, colour=canvas.style.accent))
    blocks.lines(canvas, left, y + step, ("branch", "bank_street"), SMALL)
    blocks.pairs(canvas, (canvas.across(0.66), right), y - 0.1 * step, ("cheque_number",), gap=8 * canvas.em)
    _line(canvas, y + 1.9 * step, "date", (canvas.across(0.66), right))
    _line(canvas, y + 4.1 * step, "payee", (left, right))
    _line(canvas, y + 6.2 * step, "amount_words", (left, canvas.across(0.7)))
    _box(canvas, (canvas.across(0.73), y + 4.8 * step, right, y + 6.9 * step))
    canvas.put("drawer", left, y + 7.6 * step, PLAIN.within(canvas.across(0.5) - left))
    blocks.pairs(
        canvas, (left, canvas.across(0.5)), y + 8.45 * step, ("account", "sort_code"), gap=7.5 * canvas.em, pen=Pen(0.9)
    )
    _sign(canvas, y + 9.5 * step, canvas.across(0.3) - left)
    if canvas.has("memo"):
        _line(canvas, y + 10.35 * step, "memo", (left, canvas.across(0.5)))
    _codes(canvas, left)


def personal(canvas: Canvas) -> None:
    """Drawer at the upper left, bank in the middle, memo and signature below."""
    left, right, step = canvas.left, canvas.right, _step(canvas)
    canvas.frame(
        (left * 0.4, left * 0.4, canvas.width - left * 0.4, canvas.height - left * 0.4), canvas.style.accent, None, 2
    )
    y = canvas.top + step
    canvas.put("drawer", left, y, BOLD.within(canvas.across(0.5) - left))
    canvas.put("cheque_number", right, y, Pen(1.1, bold=True, align="right"))
    _line(canvas, y + 1.7 * step, "date", (canvas.across(0.62), right))
    _line(canvas, y + 3.9 * step, "payee", (left, canvas.across(0.72)))
    _box(canvas, (canvas.across(0.75), y + 2.7 * step, right, y + 4.5 * step))
    _line(canvas, y + 6 * step, "amount_words", (left, right))
    canvas.put("bank", left, y + 7.5 * step, Pen(1.15, bold=True, colour=canvas.style.accent))
    blocks.lines(canvas, left, y + 8.4 * step, ("branch", "bank_street"), SMALL)
    account = canvas.field("account").label
    canvas.text(canvas.across(0.45), y + 7.5 * step, account, LABEL)
    canvas.put("account", canvas.across(0.45), y + 8.4 * step, Pen(0.95))
    canvas.put("sort_code", canvas.across(0.45), y + 9.3 * step, Pen(0.85, colour=GREY))
    if canvas.has("memo"):
        _line(canvas, y + 10.6 * step, "memo", (left, canvas.across(0.42)))
    _sign(canvas, y + 10.2 * step, 0.3 * (right - left))


def with_stub(canvas: Canvas) -> None:
    """A stub at the left repeats number and date; the slip is at the right of a dotted line."""
    step, edge = _step(canvas), canvas.across(0.2)
    for top in range(0, canvas.height, 9):
        canvas.rule(edge, top, edge, top + 4, (GREY, 1))
    left, right, y = edge + 1.2 * canvas.em, canvas.right, canvas.top + step
    canvas.frame((edge + 1, 0, canvas.width, 2.6 * step + canvas.top * 0.85), None, canvas.pale(0.2))
    room = canvas.across(0.62) - left
    canvas.put("bank", left, y, Pen(1.3, bold=True, colour=canvas.style.accent).within(room))
    canvas.put("branch", left, y + step, SMALL)
    canvas.put("cheque_number", right, y, BOLD.right())
    _line(canvas, y + 3.1 * step, "date", (canvas.across(0.68), right))
    _line(canvas, y + 4.9 * step, "payee", (left, right))
    _line(canvas, y + 6.7 * step, "amount_words", (left, right))
    _box(canvas, (canvas.across(0.74), y + 7.5 * step, right, y + 9.3 * step))
    canvas.put("drawer", left, y + 8.3 * step, PLAIN.within(room))
    blocks.pairs(
        canvas, (left, canvas.across(0.7)), y + 9.3 * step, ("account", "sort_code"), gap=7.4 * canvas.em, pen=Pen(0.9)
    )
    _sign(canvas, y + 10.5 * step, 0.26 * (canvas.right - canvas.left))
    _stub(canvas, y, edge - canvas.left - canvas.em)


def _stub(canvas: Canvas, y: float, room: float) -> None:
    pen = canvas.entry(Pen(0.9)).within(room)
    canvas.text(canvas.left, y, canvas.field("cheque_number").value, Pen(0.9, bold=True))
    for number, name in enumerate(("date", "payee", "amount")):
        canvas.text(canvas.left, y + (2 + 1.6 * number) * _step(canvas), canvas.field(name).value, pen)
    if canvas.has("memo"):
        label = canvas.field("memo").label
        canvas.text(canvas.left, y + 6.9 * _step(canvas), label, SMALL)
        canvas.put("memo", canvas.left, y + 7.9 * _step(canvas), pen)


LAYOUTS = (classic, personal, with_stub)
