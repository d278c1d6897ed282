"""A page that remembers where each value was written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from PIL import Image, ImageDraw
from PIL.ImageFont import FreeTypeFont

from tasks.finmm.picture import fonts
from tasks.finmm.picture.document import Document, Field
from tasks.finmm.picture.style import PAPER_INCHES, Colour

Box = tuple[float, float, float, float]
BLACK: Colour = (26, 26, 28)
GREY: Colour = (84, 84, 88)
LINE: Colour = (150, 150, 154)


@dataclass(frozen=True, slots=True)
class Pen:
    """How a text is set; `size` is relative to the body text, `room` the most pixels that it may take."""

    size: float = 1.0
    bold: bool = False
    italic: bool = False
    align: str = "left"
    colour: Colour = BLACK
    family: str | None = None
    room: float | None = None

    def right(self) -> Pen:
        """The same, ending at x."""
        return replace(self, align="right")

    def centre(self) -> Pen:
        """The same, centred on x."""
        return replace(self, align="centre")

    def within(self, room: float) -> Pen:
        """The same, set smaller where it would be wider than that."""
        return replace(self, room=room)


PLAIN, BOLD, ITALIC = Pen(), Pen(bold=True), Pen(italic=True)
SMALL, LABEL = Pen(0.86, colour=GREY), Pen(0.92, colour=GREY)
_ANCHORS = {"left": "ls", "right": "rs", "centre": "ms"}


def join(first: Box, second: Box) -> Box:
    """The smallest box around both."""
    return min(first[0], second[0]), min(first[1], second[1]), max(first[2], second[2]), max(first[3], second[3])


class Canvas:
    """Ink on paper in pixels; `em` is the size of body text, `line` the distance of two lines.

    `stretch` lets the page take that much more height, partly by larger type; a `dry` canvas only measures.
    """

    def __init__(self, document: Document, stretch: float = 1.0, dry: bool = False) -> None:
        style = document.style
        inches = PAPER_INCHES[style.paper]
        self.document, self.style = document, style
        self.width, self.height = (round(side * style.dpi) for side in inches)
        self.image = Image.new("RGB", (1, 1) if dry else (self.width, self.height), style.background)
        self.draw = ImageDraw.Draw(self.image)
        points = {"cheque": 10.2, "receipt": 7.4, "A5": 8.1}.get(style.paper, 9.2)
        grown: float = max(0.85, min(1.22, stretch**0.5))
        self.em: float = max(11.0, points * style.size * style.dpi / 72) * grown
        self.line: float = self.em * 1.42 * stretch / grown
        margin = {"cheque": 0.3, "receipt": 0.22, "A5": 0.45}.get(style.paper, 0.72)
        self.left, self.top = margin * style.dpi, max(margin * 0.85, 0.25) * style.dpi
        self.right, self.bottom = self.width - self.left, self.height - self.top
        self.fields = {field.name: field for field in document.all_fields()}
        self.boxes: dict[str, Box] = {}
        self.inked: list[Box] = []
        self.written: list[tuple[float, float, str]] = []  # (left edge, base line, text) of all that is written
        self.lowest = 0.0
        self.stream = Random(f"{document.id}/ink")

    def field(self, name: str) -> Field:
        """A field of the document."""
        return self.fields[name]

    def has(self, name: str) -> bool:
        """Whether the document has a field of that name."""
        return name in self.fields

    def across(self, share: float) -> float:
        """The x that lies that far between the left margin (0) and the right one (1)."""
        return self.left + (self.right - self.left) * share

    def font(self, pen: Pen, text: str) -> FreeTypeFont:
        """The font for a text: a fallback where letters are missing, smaller where room is short."""
        family = pen.family or self.style.family
        if not fonts.covers(family, text):
            family = "dejavu_serif" if family in ("cm", "stix") else "dejavu_sans"
        pixels = self.em * pen.size * fonts.SCALE.get(family, 1.0)
        style = 1 if pen.bold else 2 if pen.italic else 0
        font = fonts.load(family, style, max(8, round(pixels)))
        width = font.getlength(text)
        if pen.room is not None and width > pen.room:
            font = fonts.load(family, style, max(8, int(pixels * pen.room / width)))
        return font

    def measure(self, text: str, pen: Pen = PLAIN) -> float:
        """Width of a text in pixels."""
        return float(self.font(pen, text).getlength(text))

    def text(self, x: float, y: float, text: str, pen: Pen = PLAIN) -> Box:
        """Write with the base line at y; returns the box around the ink."""
        if not text.strip():
            return x, y, x, y
        self.lowest = max(self.lowest, y)
        box = self._by_hand(x, y, text, pen) if pen.family in ("caveat", "kalam") else self._in_type(x, y, text, pen)
        self.inked.append(box)
        self.written.append((box[0], y, text))
        return box

    def _in_type(self, x: float, y: float, text: str, pen: Pen) -> Box:
        font, anchor = self.font(pen, text), _ANCHORS[pen.align]
        x, y = round(x), round(y)
        self.draw.text((x, y), text, pen.colour, font, anchor)
        left, top, right, bottom = font.getbbox(text, anchor=anchor)
        return x + left, y + top, x + right, y + bottom

    def _by_hand(self, x: float, y: float, text: str, pen: Pen) -> Box:
        font = self.font(pen, text)
        x -= font.getlength(text) * {"left": 0.0, "right": 1.0, "centre": 0.5}[pen.align]
        box: Box | None = None
        slope = self.stream.uniform(-0.006, 0.006)
        start, space = x, font.getlength(" ")
        for word in text.split(" "):
            at = round(x), round(y + slope * (x - start) + self.stream.uniform(-0.05, 0.05) * self.em)
            self.draw.text(at, word, pen.colour, font, "ls")
            left, top, right, bottom = font.getbbox(word, anchor="ls")
            ink = at[0] + left, at[1] + top, at[0] + right, at[1] + bottom
            box = join(box, ink) if box else ink
            x += font.getlength(word) + space
        return box or (x, y, x, y)

    def put(self, name: str, x: float, y: float, pen: Pen = PLAIN) -> Box:
        """Write the value of a field and remember where; the first place counts."""
        box = self.text(x, y, self.field(name).value, pen)
        self.boxes.setdefault(name, box)
        return box

    def entry(self, pen: Pen = PLAIN) -> Pen:
        """A pen for values that are filled in: by hand where the document is."""
        return replace(pen, family=self.style.hand, colour=self.style.ink, bold=False) if self.style.hand else pen

    def rule(self, x0: float, y0: float, x1: float, y1: float, pen: tuple[Colour, int] = (LINE, 1)) -> None:
        """A straight line."""
        self.draw.line((round(x0), round(y0), round(x1), round(y1)), pen[0], pen[1])

    def frame(self, box: Box, outline: Colour | None = LINE, fill: Colour | None = None, width: int = 1) -> None:
        """A rectangle."""
        left, top, right, bottom = (round(edge) for edge in box)
        self.draw.rectangle((left, top, right, bottom), fill, outline, width)

    def pale(self, share: float = 0.12) -> Colour:
        """The accent colour thinned with the paper."""
        red, green, blue = (
            round(ink * share + paper * (1 - share))
            for ink, paper in zip(self.style.accent, self.style.background, strict=True)
        )
        return red, green, blue
