"""A customer's head and shoulders, drawn from what the face does at a moment."""

from __future__ import annotations

import math

from tasks.finmm.video.brush import Brush, Colour, Point, bend, mixed, oval
from tasks.finmm.video.traits import Face, Looks

_DARK: Colour = (34, 26, 26)
_WHITE: Colour = (246, 244, 240)


def draw(brush: Brush, body: Brush, looks: Looks, face: Face) -> None:
    """The customer: `brush` moves with the head, `body` with the shoulders."""
    shade = mixed(looks.skin, (60, 30, 24), 0.22)
    _hair_behind(brush, looks)
    _shoulders(body, brush, looks, shade)
    skin = mixed(looks.skin, (206, 84, 70), 0.2 * face.flush)
    for side in (-1, 1):
        brush.oval((side * 45 * looks.width - 5 * face.turn, 2), (7, 11), shade)
    outline = [(x * looks.width, y * looks.height) for x, y in _outline()]
    brush.shape(outline, skin)
    for side in (-1, 1):
        brush.oval((side * 27 + 6 * face.turn, 20), (9, 6), mixed(skin, (214, 90, 80), 0.1 + 0.35 * face.flush))
    if looks.beard:
        _beard(brush, looks, face)
    _nose(brush, shade, face)
    _mouth(brush, looks, face)
    for side in (-1, 1):
        _eye(brush, looks, face, side, skin)
        _brow(brush, looks, face, side)
    if face.frown > 0.3:
        for x in (-3, 3):
            brush.line([(x + 7 * face.turn, -22), (x * 0.8 + 7 * face.turn, -18), (x + 7 * face.turn, -13)], 1.0, shade)
    if looks.glasses:
        _glasses(brush, face)
    _hair(brush, looks, face)


def _outline() -> list[Point]:
    """A head: round above, narrower towards the chin."""
    found = []
    for i in range(60):
        angle = 2 * math.pi * i / 60
        x, y = 46 * math.sin(angle), -58 * math.cos(angle)
        found.append((x * (1 - 0.2 * max(0.0, y / 58) ** 1.5), y))
    return found


def _shoulders(body: Brush, head: Brush, looks: Looks, shade: Colour) -> None:
    body.shape([(-19, 30), (19, 30), (24, 84), (-24, 84)], shade)
    edge = [
        (-92, 150),
        *bend((-88, 104), (-70, 80), (-24, 72)),
        (0, 88),
        *bend((24, 72), (70, 80), (88, 104)),
        (92, 150),
    ]
    body.shape(edge, looks.clothes)
    dark = mixed(looks.clothes, (0, 0, 0), 0.3)
    for side in (-1, 1):
        body.shape([(side * 25, 70), (side * 2, 90), (side * 12, 108), (side * 34, 80)], dark)
        body.line([(side * 58, 150), (side * 60, 124), (side * 56, 112)], 1.2, dark)


def _eye(brush: Brush, looks: Looks, face: Face, side: int, skin: Colour) -> None:
    x, y = side * 18.5 + 7 * face.turn, -6.0
    high = 6.3 * face.eyes * (1 - 0.28 * max(0.0, face.smile))
    if high < 1.1:
        brush.line([(x - 8.5, y), (x, y + 2.4), (x + 8.5, y)], 1.8, _DARK)
        return
    brush.oval((x, y), (9.2, high), _WHITE)
    gaze = x + 2.6 * face.gaze + 1.4 * face.turn
    radius = 4.3
    brush.oval((gaze, y), (radius, min(radius, high)), looks.iris)
    brush.oval((gaze, y), (2.0, min(2.0, high)), (18, 14, 14))
    brush.oval((gaze + 1.4, y - min(1.6, high / 2)), (0.9, 0.9), (255, 255, 255))
    lid = bend((x - 9.4, y + 0.5), (x, y - 2 * high + 0.4), (x + 9.4, y + 0.5))
    brush.line(lid, 1.7, _DARK)
    under = mixed(skin, (70, 40, 34), 0.35)
    brush.line(
        [(x - 7, y + high + 1.6), (x, y + high + 3.4 - 2.2 * max(0.0, face.smile)), (x + 7, y + high + 1.6)], 0.8, under
    )


def _brow(brush: Brush, looks: Looks, face: Face, side: int) -> None:
    colour = mixed(looks.hair, _DARK, 0.4)
    x = 7 * face.turn
    inner = (side * (9 - 1.5 * face.frown) + x, -19 - 5 * face.lift - 6 * face.worry + 5.5 * face.frown)
    outer = (side * 30 + x, -17 - 3.5 * face.lift + 4.5 * face.worry - 2.0 * face.frown)
    middle = (side * 20 + x, -24 - 6.5 * face.lift - 1.0 * face.worry + 3.0 * face.frown)
    brush.line([inner, middle, outer], 3.4, colour)


def _nose(brush: Brush, shade: Colour, face: Face) -> None:
    x = 9 * face.turn
    brush.line([(x - 1, -2), (x + 5 + 3 * face.turn, 12), (x + 6, 17)], 1.3, shade)
    brush.line([(x - 6, 18), (x, 22), (x + 6, 17)], 1.6, shade)


def _mouth(brush: Brush, looks: Looks, face: Face) -> None:
    x, y = 8 * face.turn, 36.0
    wide = 15.5 + 4.5 * max(0.0, face.smile) - 2.0 * face.mouth - 1.5 * max(0.0, -face.smile)
    up = 6.8 * face.smile  # how far the corners stand above the middle
    left, right = (x - wide, y - up), (x + wide, y - up)
    lips = mixed(looks.skin, (186, 62, 72), 0.55)
    gap = 1.2 + 13 * face.mouth
    upper = bend(left, (x, y - 0.35 * gap + up * 0.55), right)
    lower = bend(right, (x, y + 1.7 * gap + up * 0.75), left)
    brush.shape([*upper, *lower], (74, 20, 26))
    if gap > 3.5:
        teeth = [(a, b + min(3.6, gap * 0.4) * (1 - ((a - x) / wide) ** 2)) for a, b in reversed(upper)]
        brush.shape([*upper, *teeth], _WHITE)
    brush.line(upper, 2.2, lips)
    brush.line(lower, 2.6, lips)
    if face.smile > 0.3:
        crease = mixed(looks.skin, (70, 40, 34), 0.3)
        for side in (-1, 1):
            brush.line(
                [(x + side * 13, 19), (x + side * (wide + 6), 25), (x + side * (wide + 4.5), y - up + 3)], 0.9, crease
            )


def _beard(brush: Brush, looks: Looks, face: Face) -> None:
    """Behind the mouth, from ear to ear."""
    outer = [(x * looks.width, y * looks.height) for x, y in _outline() if y > 8]
    outer.sort()
    inner = bend((36 * looks.width, 10), (6 * face.turn, 66), (-36 * looks.width, 10))
    brush.shape([*sorted(outer, key=lambda point: point[0]), *inner], mixed(looks.hair, looks.skin, 0.25))
    brush.line(
        [(-17 + 8 * face.turn, 31), (8 * face.turn, 23), (17 + 8 * face.turn, 31)],
        3.4,
        mixed(looks.hair, looks.skin, 0.25),
    )


def _glasses(brush: Brush, face: Face) -> None:
    frame = (40, 38, 44)
    for side in (-1, 1):
        x = side * 18.5 + 7 * face.turn
        around = oval((x, -5), (13.5, 11), n=30)
        brush.line([*around, around[0], around[1]], 1.5, frame)
        brush.line([(x + side * 13.5, -6), (x + side * 20, -8), (side * 45, -5)], 1.4, frame)
    brush.line([(-5 + 7 * face.turn, -7), (7 * face.turn, -10), (5 + 7 * face.turn, -7)], 1.5, frame)


def _hair_behind(brush: Brush, looks: Looks) -> None:
    dark = mixed(looks.hair, (0, 0, 0), 0.25)
    if looks.style == "long":
        brush.shape([*bend((-52, 84), (-66, -70), (0, -66)), *bend((0, -66), (66, -70), (52, 84))], dark)
    elif looks.style == "bob":
        brush.shape([*bend((-50, 40), (-66, -72), (0, -66)), *bend((0, -66), (66, -72), (50, 40))], dark)
    elif looks.style == "bun":
        brush.oval((0, -66), (19, 16), dark)
        brush.oval((0, -10), (48, 54), dark)
    elif looks.style == "scarf":
        cloth = mixed(looks.clothes, (255, 255, 255), 0.15)
        brush.shape(
            [*bend((-56, 92), (-74, -78), (0, -70)), *bend((0, -70), (74, -78), (56, 92))],
            cloth,
        )


def _hair(brush: Brush, looks: Looks, face: Face) -> None:
    wide, high, turn = 47 * looks.width, 60 * looks.height, 8 * face.turn
    crown = [(x, y) for x, y in oval((0, 0), (wide + 1.5, high + 2), n=60) if y < -8]
    crown.sort()
    if looks.style == "bald":
        for side in (-1, 1):
            brush.shape(bend((side * wide, 4), (side * (wide + 3), -22), (side * (wide - 7), -30)), looks.hair)
        return
    if looks.style == "scarf":
        cloth = mixed(looks.clothes, (255, 255, 255), 0.3)
        crown = [(x * 1.05, y * 1.04) for x, y in crown]
        brush.shape([*crown, *bend((wide, -8), (turn, -62), (-wide, -8))], cloth)
        return
    inner = {
        "short": bend((wide - 2, -12), (turn, -58), (-wide + 2, -12)),
        "parted": [
            (wide - 1, -12), *bend((wide - 6, -30), (turn + 20, -40), (turn - 16, -50)),
            *bend((turn - 16, -50), (-30, -44), (-wide, -12)),
        ],
        "curls": bend((wide - 3, -12), (turn, -50), (-wide + 3, -12)),
        "long": [*bend((wide, -8), (wide - 6, -46), (turn + 2, -50)), *bend((turn + 2, -50), (-wide + 6, -46), (-wide, -8))],
        "bob": bend((wide, -6), (turn, -44), (-wide, -6)),
        "bun": bend((wide - 1, -10), (turn, -66), (-wide + 1, -10)),
    }[looks.style]  # fmt: skip
    brush.shape([*crown, *inner], looks.hair)
    if looks.style == "curls":
        for i in range(11):
            angle = math.pi * (0.06 + 0.88 * i / 10)
            brush.oval((-wide * math.cos(angle), -high * math.sin(angle) + 3), (9.5, 9), looks.hair)
