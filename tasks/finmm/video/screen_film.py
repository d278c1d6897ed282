"""The recording of a banking or trading screen: a cursor that fills in a form, presses the button, and what then changes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from PIL import Image, ImageDraw

from tasks.finmm.picture import fonts
from tasks.finmm.video import sounds
from tasks.finmm.video.brush import Colour, Point, mixed
from tasks.finmm.video.clip import Clip
from tasks.finmm.video.encode import RATE, Film
from tasks.finmm.video.screens import Screen

SIZE, FPS = (480, 360), 10
_ACCENTS: tuple[Colour, ...] = ((28, 98, 184), (16, 124, 96), (140, 60, 140), (196, 88, 28), (180, 40, 62))
_BEFORE, _KEY, _LOOK = 0.3, 0.08, 1.5  # seconds: until the voice, between two keys, to read what has changed
_DONE = 0.3  # seconds after the click until something changes
_STANDS = ("Cash", "Rate")  # the last field, which nobody fills in
_BUTTON = (390, 268, 456, 294)
_FIELDS = tuple((318, 84 + 42 * i, 456, 106 + 42 * i) for i in range(4))


@dataclass(frozen=True, slots=True)
class Step:
    """From `start` the cursor moves to `at`, arrives and clicks at `click`, and then `text` is typed."""

    start: float
    click: float
    at: Point
    text: str = ""

    @property
    def end(self) -> float:
        """When the last letter is typed."""
        return self.click + 0.1 + _KEY * len(self.text)


def film(clip: Clip) -> Film:
    """The film of a screen; what has changed stays in view for a second and a half."""
    screen = clip.shown["screen"]
    assert isinstance(screen, Screen)  # noqa: S101 - the writer of screens has put it there
    samples, words = sounds.voice(clip, _BEFORE)
    steps = _steps(screen, Random(f"{clip.id}/hand"))
    seconds = math.ceil(max(steps[-1].end + _LOOK, len(samples) / RATE + 0.3) * FPS) / FPS
    ticks = [(step.click, 0.12) for step in steps]
    ticks += [(step.click + 0.1 + _KEY * i, 0.05) for step in steps for i in range(len(step.text))]
    heard = sounds.in_a_room(samples, seconds, clip.id, ticks=ticks)
    return Film(SIZE, FPS, seconds, _frames(screen, steps, clip, round(seconds * FPS)), heard, words,
                {one.id: _seen(one.kind, steps, seconds) for one in clip.questions})  # fmt: skip


def _seen(kind: str, steps: list[Step], seconds: float) -> tuple[float, float]:
    """From when to when a figure is on the screen: before it is done, when all is typed, after, or all the time."""
    done = steps[-1].click + _DONE
    start, end = {
        "before": (0.0, done),
        "after": (done, seconds),
        "message": (done, seconds),
        "typed": (steps[-2].end, seconds),
    }.get(kind, (0.0, seconds))
    return round(start, 3), round(end, 3)


def _steps(screen: Screen, hand: Random) -> list[Step]:
    found: list[Step] = []
    now = 0.9  # the figures before are to be seen first
    for box, (label, text) in zip(_FIELDS, screen.form, strict=True):
        if label in _STANDS:
            break
        at = hand.uniform(box[0] + 12, box[2] - 12), hand.uniform(box[1] + 6, box[3] - 6)
        typed = "" if screen.kind == "exchange" and not found else text
        found.append(Step(now, now + hand.uniform(0.3, 0.45), at, typed))
        now = found[-1].end + 0.08
    at = hand.uniform(_BUTTON[0] + 8, _BUTTON[2] - 8), hand.uniform(_BUTTON[1] + 6, _BUTTON[3] - 6)
    return [*found, Step(now, now + 0.5, at)]


def _frames(screen: Screen, steps: list[Step], clip: Clip, n_frames: int) -> Iterator[Image.Image]:
    stream = Random(f"{clip.id}/ticks")
    for number in range(n_frames):
        now = number / FPS
        done = now >= steps[-1].click + _DONE
        picture = _desk(screen)
        draw = ImageDraw.Draw(picture)
        _rows(draw, screen, done, stream)
        _form(draw, screen, steps, now)
        if done:
            _message(draw, screen)
        _cursor(draw, steps, now)
        yield picture


def _colours(screen: Screen) -> tuple[Colour, Colour, Colour, Colour]:
    """Of the ground, of cards, of text and of small text."""
    if screen.dark:
        return (22, 26, 34), (34, 40, 52), (236, 240, 244), (156, 166, 180)
    return (240, 242, 246), (255, 255, 255), (28, 34, 44), (104, 112, 124)


def _text(
    draw: ImageDraw.ImageDraw, at: Point, text: str, look: tuple[int, Colour], *, bold: bool = False, anchor: str = "lm"
) -> None:
    draw.text(at, text, fill=look[1], font=fonts.load("arimo", int(bold), look[0]), anchor=anchor)


def _desk(screen: Screen) -> Image.Image:
    ground, card, text, small = _colours(screen)
    accent = _ACCENTS[screen.accent]
    picture = Image.new("RGB", SIZE, ground)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, SIZE[0], 34), fill=accent)
    _text(draw, (12, 17), screen.name, (15, (255, 255, 255)), bold=True)
    _text(draw, (SIZE[0] - 12, 17), screen.currency, (13, mixed(accent, (255, 255, 255), 0.8)), anchor="rm")
    draw.rounded_rectangle((10, 44, 296, 304), 6, fill=card)
    draw.rounded_rectangle((306, 44, 470, 304), 6, fill=card)
    left, right = {
        "transfer": ("Accounts", "New payment"),
        "order": ("Watch list", "Order"),
        "exchange": ("Wallets", "Exchange"),
    }[screen.kind]
    _text(draw, (22, 60), left, (13, text), bold=True)
    _text(draw, (318, 58), right, (13, text), bold=True)
    _text(draw, (284, 60), {"order": "Price"}.get(screen.kind, "Balance"), (11, small), anchor="rm")
    return picture


def _rows(draw: ImageDraw.ImageDraw, screen: Screen, done: bool, stream: Random) -> None:
    _, card, text, small = _colours(screen)
    step = 216 // len(screen.rows)
    for i, (name, detail, before, after) in enumerate(screen.rows):
        y = 92 + step * i
        changed = done and before != after
        if changed and screen.kind != "order":
            draw.rounded_rectangle((16, y - 18, 290, y + 24), 4, fill=mixed(card, _ACCENTS[screen.accent], 0.16))
        _text(draw, (22, y - 5), name, (14, text), bold=True)
        _text(draw, (22, y + 13), detail, (11, small))
        figure = after if done else before
        _text(draw, (284, y), figure, (16, text), bold=changed, anchor="rm")
        if screen.kind == "order" and stream.random() < 0.3:  # the market is alive
            up = stream.random() < 0.5
            points = [(190, y + 4), (198, y + 4), (194, y - 4)] if up else [(190, y - 4), (198, y - 4), (194, y + 4)]
            draw.polygon(points, fill=(40, 160, 90) if up else (206, 60, 60))
        if i + 1 < len(screen.rows):
            draw.line((22, y + step // 2 + 3, 284, y + step // 2 + 3), fill=mixed(card, small, 0.25))


def _form(draw: ImageDraw.ImageDraw, screen: Screen, steps: list[Step], now: float) -> None:
    ground, card, text, small = _colours(screen)
    for i, (box, (label, value)) in enumerate(zip(_FIELDS, screen.form, strict=True)):
        _text(draw, (318, box[1] - 7), label, (11, small))
        step = steps[i] if i < len(steps) - 1 else None
        if step is None or not step.text:  # a figure that stands there, or a choice that is already made
            draw.rounded_rectangle(box, 4, fill=card if step is None else ground, outline=mixed(card, small, 0.3))
            _text(draw, (box[0] + 8, (box[1] + box[3]) / 2), value, (14, text))
            continue
        active = step.click <= now <= step.end
        draw.rounded_rectangle(
            box,
            4,
            fill=ground,
            outline=_ACCENTS[screen.accent] if active else mixed(card, small, 0.4),
            width=2 if active else 1,
        )
        letters = max(0, min(len(value), int((now - step.click - 0.1) / _KEY) + 1)) if now >= step.click + 0.1 else 0
        shown = value[:letters] + ("|" if active and int(now * 4) % 2 else "")
        _text(draw, (box[0] + 8, (box[1] + box[3]) / 2), shown, (14, text))
    pressed = steps[-1].click <= now <= steps[-1].click + 0.2
    accent = _ACCENTS[screen.accent]
    draw.rounded_rectangle(_BUTTON, 5, fill=mixed(accent, (0, 0, 0), 0.35 if pressed else 0.0))
    _text(
        draw,
        ((_BUTTON[0] + _BUTTON[2]) / 2, (_BUTTON[1] + _BUTTON[3]) / 2),
        screen.button,
        (14, (255, 255, 255)),
        bold=True,
        anchor="mm",
    )


def _message(draw: ImageDraw.ImageDraw, screen: Screen) -> None:
    draw.rounded_rectangle((10, 312, 470, 352), 6, fill=(32, 128, 78))
    draw.line([(22, 332), (28, 339), (40, 324)], fill=(255, 255, 255), width=3)
    _text(draw, (52, 332), " · ".join(screen.done), (13, (255, 255, 255)), bold=True)


def _cursor(draw: ImageDraw.ImageDraw, steps: list[Step], now: float) -> None:
    x, y = _pointer(steps, now)
    for step in steps:
        since = now - step.click
        if 0 <= since < 0.3:
            r = 5 + 40 * since
            draw.ellipse((x - r, y - r, x + r, y + r), outline=(250, 170, 40), width=2)
    arrow = [(0, 0), (0, 17), (4, 13), (7, 20), (10, 19), (7, 12), (12, 12)]
    draw.polygon([(x + a, y + b) for a, b in arrow], fill=(255, 255, 255), outline=(10, 10, 10))


def _pointer(steps: list[Step], now: float) -> Point:
    at: Point = (240.0, 200.0)
    for step in steps:
        if now < step.start:
            break
        t = min(1.0, (now - step.start) / max(0.01, step.click - step.start))
        t = t * t * (3 - 2 * t)
        at = at[0] + (step.at[0] - at[0]) * t, at[1] + (step.at[1] - at[1]) * t
    return at
