"""Drawing in coordinates that move with a head: every shape is sampled, turned, and drawn larger than it is shown."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PIL import ImageDraw

Point = tuple[float, float]
Colour = tuple[int, int, int]
SCALE = 3  # how much larger than shown, so that edges are smooth


class Brush:
    """Shapes around (x, y) on the frame, turned by `angle` radians and enlarged by `zoom`."""

    def __init__(self, draw: ImageDraw.ImageDraw, at: Point, angle: float = 0.0, zoom: float = 1.0) -> None:
        self.draw, self.at, self.zoom = draw, at, zoom * SCALE
        self.cos, self.sin = math.cos(angle), math.sin(angle)

    def place(self, points: Sequence[Point]) -> list[Point]:
        """Where points lie in the enlarged frame."""
        x0, y0 = self.at[0] * SCALE, self.at[1] * SCALE
        return [
            (x0 + self.zoom * (x * self.cos - y * self.sin), y0 + self.zoom * (x * self.sin + y * self.cos))
            for x, y in points
        ]

    def shape(self, points: Sequence[Point], colour: Colour) -> None:
        """A filled polygon."""
        self.draw.polygon(self.place(points), fill=colour)

    def oval(self, at: Point, radii: Point, colour: Colour, *, lean: float = 0.0) -> None:
        """A filled ellipse, turned by `lean` radians."""
        if min(radii) > 0.05:
            self.shape(oval(at, radii, lean=lean), colour)

    def line(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        """A smooth line through a start, a point that draws it aside, and an end, or along any more points, with round ends."""
        path = self.place(bend(points[0], points[1], points[2]) if len(points) == 3 else points)
        pixels = max(1, round(width * self.zoom))
        self.draw.line(path, fill=colour, width=pixels, joint="curve")
        r = pixels / 2
        for x, y in (path[0], path[-1]):
            self.draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)


def oval(at: Point, radii: Point, *, lean: float = 0.0, n: int = 44) -> list[Point]:
    """The points of an ellipse."""
    cos, sin = math.cos(lean), math.sin(lean)
    found = []
    for i in range(n):
        x, y = radii[0] * math.cos(2 * math.pi * i / n), radii[1] * math.sin(2 * math.pi * i / n)
        found.append((at[0] + x * cos - y * sin, at[1] + x * sin + y * cos))
    return found


def bend(start: Point, aside: Point, end: Point, n: int = 14) -> list[Point]:
    """A quadratic curve."""
    found = []
    for i in range(n + 1):
        t = i / n
        a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t * t
        found.append((a * start[0] + b * aside[0] + c * end[0], a * start[1] + b * aside[1] + c * end[1]))
    return found


def mixed(first: Colour, second: Colour, share: float) -> Colour:
    """A colour between two: the second by `share`."""
    red, green, blue = (round(a + (b - a) * min(1.0, max(0.0, share))) for a, b in zip(first, second, strict=True))
    return red, green, blue
