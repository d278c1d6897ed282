"""How a page looks: paper, type, ink and the traces of scanning."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

Colour = tuple[int, int, int]

PAPER_INCHES = {
    "A4": (8.27, 11.69),
    "letter": (8.5, 11.0),
    "A5": (5.83, 8.27),
    "cheque": (8.2, 3.6),
    "receipt": (3.3, 14.0),
}
DPI = {"A4": (90, 130), "letter": (90, 126), "A5": (112, 132), "cheque": (104, 130), "receipt": (135, 180)}
ACCENTS: tuple[Colour, ...] = (
    (24, 62, 112), (132, 28, 38), (20, 96, 74), (88, 52, 120), (190, 92, 20), (40, 40, 44),
    (0, 110, 140), (100, 80, 40),
)  # fmt: skip
INKS: tuple[Colour, ...] = ((22, 34, 110), (16, 22, 70), (28, 28, 32), (40, 60, 150))
PAPERS: tuple[Colour, ...] = (
    (255, 255, 255), (255, 255, 255), (253, 252, 248), (250, 247, 238), (246, 246, 248),
    (252, 248, 230), (238, 244, 238),
)  # fmt: skip
PRINTED = ("arimo", "arimo", "dejavu_sans", "dejavu_serif", "stix", "stix")
ASCII_ONLY = ("cm", "cm_sans", "builtin")
TYPEWRITTEN = ("dejavu_mono", "cm_mono", "dejavu_mono")
HANDS = ("caveat", "kalam")
LEVELS = {"clean": 0.0, "light": 0.4, "medium": 0.75, "heavy": 1.0}


@dataclass(frozen=True, slots=True)
class Noise:
    """Traces of printing and scanning; 0 everywhere leaves a born-digital page.

    Angle in degrees; blur as a standard deviation in pixels; resolution as the share of pixels that the scanner kept;
    folds as heights between 0 and 1; quality is that of the JPEG file.
    """

    level: str
    angle: float
    blur: float
    grain: float
    specks: int
    lighting: float
    fold_rows: tuple[float, ...]
    resolution: float
    fade: float
    holes: bool
    bed: Colour
    quality: int


@dataclass(frozen=True, slots=True)
class Stamp:
    """A rubber stamp: fields `stamp` and, if dated, `stamp_date`."""

    angle: float
    colour: Colour
    strength: float
    round: bool


@dataclass(frozen=True, slots=True)
class Style:
    """Everything about the look that is not text; `fullness` is the share of the height that text may take."""

    layout: int
    paper: str
    dpi: int
    background: Colour
    family: str
    size: float
    accent: Colour
    ink: Colour
    hand: str | None
    fullness: float
    noise: Noise
    stamp: Stamp | None


def draw_noise(stream: Random) -> Noise:
    """Noise of one page; a quarter of the pages are clean."""
    level = stream.choices(list(LEVELS), (25, 33, 28, 14))[0]
    strength = LEVELS[level]

    def upto(most: float, least: float = 0.0) -> float:
        return round(strength * stream.uniform(least, most), 3)

    tilt = min(2.5, abs(stream.gauss(0, 1.3))) * strength
    coarse = stream.random() < 0.5
    return Noise(
        level=level,
        angle=round(tilt * stream.choice((-1, 1)), 3),
        blur=upto(0.6 if coarse else 1.15, 0.2),
        grain=upto(16, 3),
        specks=int(upto(260)),
        lighting=upto(0.42, 0.05),
        fold_rows=_folds(stream) if stream.random() < 0.4 * strength else (),
        resolution=1.0 - (upto(0.36, 0.1) if coarse else 0.0),
        fade=upto(0.45),
        holes=stream.random() < 0.15 * strength,
        bed=stream.choice(((255, 255, 255), (244, 244, 242), (206, 206, 204), (58, 58, 62), (24, 24, 26))),
        quality=94 if strength == 0 else int(86 - strength * stream.uniform(0, 52)),
    )


def _folds(stream: Random) -> tuple[float, ...]:
    return stream.choice(((0.5,), (0.333, 0.667), (0.34,), (0.49,)))


def draw_stamp(stream: Random) -> Stamp:
    """Look of a stamp."""
    colour = stream.choice(((170, 24, 32), (28, 52, 140), (16, 104, 60), (90, 40, 120)))
    return Stamp(round(stream.uniform(-22, 22), 2), colour, round(stream.uniform(0.45, 0.8), 2), stream.random() < 0.25)


def draw_style(stream: Random, paper: str, n_layouts: int, families: tuple[str, ...], hand: bool) -> Style:
    """Look of one page; `hand` asks for values filled in by hand."""
    low, high = DPI[paper]
    return Style(
        layout=stream.randrange(n_layouts),
        paper=paper,
        dpi=stream.randint(low, high),
        background=stream.choice(PAPERS),
        family=stream.choice(families),
        size=round(stream.uniform(0.93, 1.06), 3),
        accent=stream.choice(ACCENTS),
        ink=stream.choice(INKS),
        hand=stream.choice(HANDS) if hand else None,
        fullness=round(stream.uniform(0.66, 0.98), 3),
        noise=draw_noise(stream),
        stamp=None,
    )
