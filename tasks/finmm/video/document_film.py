"""A document on a table filmed by a moving phone: over the whole page, then close to what is asked about."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from random import Random
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from tasks.finmm.picture import make_document
from tasks.finmm.picture import page as pages
from tasks.finmm.video import sounds
from tasks.finmm.video.clip import Clip
from tasks.finmm.video.encode import RATE, Film

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Box: TypeAlias = tuple[int, int, int, int]

SIZE, FPS = (480, 640), 10
_OVERVIEW, _TURN, _MOVE, _HOLD, _END = 0.9, 0.7, 0.5, 1.1, 0.4  # seconds
_BEFORE = 0.3
_TABLES = ((112, 84, 62), (70, 72, 78), (164, 150, 128), (52, 62, 58), (138, 104, 74))


def film(clip: Clip) -> Film:
    """The film of a document; each question's evidence is held in view for a second."""
    samples, words = sounds.voice(clip, _BEFORE)
    canvas = pages.lay_out(make_document(int(str(clip.shown["page_seed"])), int(str(clip.shown["page"]))))
    boxes = pages.boxes(canvas)
    table = _Table(clip, pages.decode(pages.develop(canvas)))
    table.lay_upon(_above(clip))
    asked = sorted(
        (one for one in clip.questions), key=lambda one: boxes[one.evidence][1]
    )  # from the top of the page down
    path, held = _path(clip, table, [boxes[one.evidence] for one in asked])
    spoken = len(samples) / RATE + 0.3
    seconds = math.ceil(max(path[-1][0], spoken) * FPS) / FPS
    heard = sounds.in_a_room(samples, seconds, clip.id)
    return Film(SIZE, FPS, seconds, _frames(clip, table, path, round(seconds * FPS)), heard, words,
                dict(zip((one.id for one in asked), held, strict=True)))  # fmt: skip


def _above(clip: Clip) -> Image.Image | None:
    """The page that is turned away first."""
    upon = clip.shown["upon"]
    if upon is None:
        return None
    return pages.decode(pages.develop(pages.lay_out(make_document(int(str(clip.shown["page_seed"])), int(str(upon))))))


Keyframe: TypeAlias = "tuple[float, float, float, float]"  # second, x and y of the middle, width of what is seen


def _path(clip: Clip, table: _Table, boxes: list[Box]) -> tuple[list[Keyframe], list[tuple[float, float]]]:
    """Where the phone looks, in pixels of the table, and from when to when at each box."""
    stream = Random(f"{clip.id}/path")
    (left, top), (width, height) = table.page_at, table.page.size
    whole = table.whole
    middle = left + width / 2, top + height / 2
    path = [(0.0, *middle, whole * 1.08), (_OVERVIEW + (_TURN if table.upper else 0.0), *middle, whole)]
    if table.upper:
        path.append((path[-1][0] + 0.5, *middle, whole * 0.98))
    near = min(whole, max(0.7 * width, 430.0))
    held = []
    for box in boxes:
        x, y = left + (box[0] + box[2]) / 2, top + (box[1] + box[3]) / 2
        seen = max(near, 1.25 * (box[2] - box[0]))
        # What a value is called stands mostly to its left: the value comes to lie right of the middle.
        x = min(max(x - 0.18 * seen, left + 0.46 * seen), left + width - 0.46 * seen) if seen < width else middle[0]
        y = min(max(y, top + 0.4 * seen), top + height - 0.4 * seen)
        x, y = x + stream.uniform(-0.02, 0.02) * seen, y + stream.uniform(-0.04, 0.04) * seen
        at = path[-1][0] + _MOVE
        drift = stream.uniform(-5, 5), stream.uniform(-5, 5), stream.uniform(0.95, 1.0)
        path += [(at, x, y, seen), (at + _HOLD, x + drift[0], y + drift[1], seen * drift[2])]
        held.append((round(at, 3), round(at + _HOLD, 3)))
    last = path[-1]
    return [*path, (last[0] + _END, *last[1:])], held


class _Table:
    """The page on a table, perhaps under another."""

    def __init__(self, clip: Clip, page: Image.Image) -> None:
        stream = Random(f"{clip.id}/table")
        self.page, self.upper = page, None  # type: tuple[Image.Image, Image.Image | None]
        self.whole = max(
            page.width * 1.06, page.height * 1.06 * SIZE[0] / SIZE[1]
        )  # the width at which the page is seen whole
        seen = 1.45 * self.whole, 1.45 * self.whole * SIZE[1] / SIZE[0]
        self.page_at = round((seen[0] - page.width) / 2), round((seen[1] - page.height) / 2)
        self.colour = stream.choice(_TABLES)
        self.rng = np.random.default_rng(stream.getrandbits(63))
        self.bare = self._bare()
        self._put(self.bare, page)

    def _bare(self) -> Image.Image:
        """Wood: long grain in one colour."""
        width, height = (side + 2 * edge for side, edge in zip(self.page.size, self.page_at, strict=True))
        grain = self.rng.standard_normal((height // 6 + 1, width // 90 + 2))
        picture = Image.fromarray(np.clip(128 + 22 * grain, 0, 255).astype(np.uint8)).resize(
            (width, height), Image.Resampling.BICUBIC
        )
        levels = np.asarray(picture, np.float32)[..., None] / 128
        return Image.fromarray(np.clip(levels * np.array(self.colour, np.float32), 0, 255).astype(np.uint8))

    def _put(self, table: Image.Image, page: Image.Image) -> None:
        """Lay a page down, with its shadow."""
        x, y = self.page_at
        shadow = Image.new("L", table.size, 0)
        ImageDraw.Draw(shadow).rectangle((x + 6, y + 8, x + page.width + 10, y + page.height + 12), fill=110)
        small = shadow.resize((shadow.width // 8, shadow.height // 8)).filter(ImageFilter.GaussianBlur(1.5))
        table.paste((0, 0, 0), mask=small.resize(table.size))
        table.paste(page, (x, y))

    def lay_upon(self, upper: Image.Image | None) -> None:
        """Another page upon the first, brought to about its size."""
        if upper is not None:
            scale = min(self.page.width / upper.width, 1.15 * self.page.height / upper.height)
            self.upper = upper.resize(
                (round(upper.width * scale), round(upper.height * scale)), Image.Resampling.BICUBIC
            )

    def at(self, turned: float) -> Image.Image:
        """The table with the upper page turned over to the left by `turned`, 0 lying, 1 gone."""
        if self.upper is None or turned >= 1:
            return self.bare
        table = self.bare.copy()
        if turned <= 0:
            self._put(table, self.upper)
            return table
        share = math.cos(math.pi * turned)  # from the full width over none to its back, on the left
        width = max(2, round(abs(share) * self.upper.width))
        x, y = self.page_at
        if share > 0:
            leaf = ImageEnhance.Brightness(self.upper.resize((width, self.upper.height))).enhance(0.55 + 0.45 * share)
            table.paste(leaf, (x, y))
        else:
            level = round(200 + 40 * -share)
            table.paste((level, level, level - 4), (x - width, y, x, y + self.upper.height))
        return table


def _frames(clip: Clip, table: _Table, path: list[Keyframe], n_frames: int) -> Iterator[Image.Image]:
    stream = Random(f"{clip.id}/hand")
    hand = _Hand(stream)
    glare = _glare(stream)
    focus = stream.uniform(1.0, 2.0)  # the second at which the camera hunts for focus
    for number in range(n_frames):
        now = number / FPS
        turned = min(1.0, max(0.0, (now - _OVERVIEW) / _TURN)) if table.upper is not None else 1.0
        world = table.at(turned * turned * (3 - 2 * turned))
        shot = hand.shot(world, path, now)
        before = _where(path, now - 0.4 / FPS)
        if math.dist(before[:2], _where(path, now)[:2]) > 0.008 * before[2]:  # it moves: the picture smears
            for part in (1, 2, 3):
                shot = Image.blend(shot, hand.shot(world, path, now - 0.12 * part / FPS), 1 / (part + 1))
        soft = 1.8 * math.exp(-(((now - focus) / 0.18) ** 2))
        if soft > 0.3:
            shot = shot.filter(ImageFilter.GaussianBlur(soft))
        yield _lit(shot, glare, now, hand.light)


def _where(path: list[Keyframe], now: float) -> tuple[float, float, float]:
    """The middle and the width of what is seen; between keyframes it starts and stops softly."""
    for start, end in itertools.pairwise(path):
        if now < end[0]:
            t = max(0.0, (now - start[0]) / (end[0] - start[0]))
            t = t * t * (3 - 2 * t)
            x, y, width = (a + (b - a) * t for a, b in zip(start[1:], end[1:], strict=True))
            return x, y, width
    return path[-1][1:]


class _Hand:
    """A hand that shakes and holds the phone at a slant."""

    def __init__(self, stream: Random) -> None:
        self.phases = [stream.uniform(0, 2 * math.pi) for _ in range(8)]
        self.tilt = stream.uniform(-0.05, 0.05)
        self.slant = stream.uniform(-0.05, 0.05), stream.uniform(-0.02, 0.1)
        self.light = stream.uniform(0.82, 1.04)

    def shot(self, world: Image.Image, path: list[Keyframe], now: float) -> Image.Image:
        """What the phone sees."""
        a, b, c, d, e, f, *_ = self.phases
        x, y, width = _where(path, now)
        x += width * 0.006 * (math.sin(5.1 * now + a) + 0.5 * math.sin(11 * now + b))
        y += width * 0.006 * (math.sin(4.3 * now + c) + 0.5 * math.sin(13 * now + d))
        angle = self.tilt + 0.012 * math.sin(1.9 * now + e)
        across, along = self.slant[0] + 0.015 * math.sin(1.3 * now + f), self.slant[1]
        half = width / 2, width / 2 * SIZE[1] / SIZE[0]
        corners = []
        for sx, sy in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
            u = sx * half[0] * (1 - sy * along) * (1 + 0.2 * sx * across)
            v = sy * half[1] * (1 + sx * across)
            corners.append(
                (x + u * math.cos(angle) - v * math.sin(angle), y + u * math.sin(angle) + v * math.cos(angle))
            )
        return world.transform(SIZE, Image.Transform.PERSPECTIVE, _perspective(corners), Image.Resampling.BICUBIC)


def _perspective(corners: list[tuple[float, float]]) -> list[float]:
    """The eight numbers that Pillow wants, by which the frame's corners, clockwise from the upper left, show these points."""
    width, height = SIZE
    rows, values = [], []
    for (u, v), (x, y) in zip(((0, 0), (width, 0), (width, height), (0, height)), corners, strict=True):
        rows += [[u, v, 1, 0, 0, 0, -u * x, -v * x], [0, 0, 0, u, v, 1, -u * y, -v * y]]
        values += [x, y]
    return [float(value) for value in np.linalg.solve(np.array(rows, float), np.array(values, float))]


def _glare(stream: Random) -> tuple[NDArray[np.float32], float, float, float]:
    """A patch of light twice the frame's size, its strength in levels, and how fast it wanders, in pixels a second."""
    y, x = np.mgrid[0 : 2 * SIZE[1], 0 : 2 * SIZE[0]].astype(np.float32)
    lean = stream.uniform(-0.6, 0.6)
    u, v = (x - SIZE[0]) + lean * (y - SIZE[1]), y - SIZE[1]
    patch = np.exp(-((u / stream.uniform(50, 120)) ** 2) - (v / stream.uniform(90, 220)) ** 2).astype(np.float32)
    return patch, stream.choice((0.0, 35.0, 65.0, 95.0)), stream.uniform(-60, 60), stream.uniform(-50, 50)


def _lit(
    shot: Image.Image, glare: tuple[NDArray[np.float32], float, float, float], now: float, light: float
) -> Image.Image:
    patch, strength, across, along = glare
    levels = np.asarray(shot, np.float32) * light
    if strength:
        left = round(min(max(SIZE[0] * 0.5 - across * now, 0), SIZE[0]))
        top = round(min(max(SIZE[1] * 0.5 - along * now, 0), SIZE[1]))
        levels = levels + strength * patch[top : top + SIZE[1], left : left + SIZE[0], None]
    return Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))
