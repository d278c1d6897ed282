"""What a drawn customer looks like, and what the face does at a moment."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from tasks.finmm.video.brush import Colour

_SKINS: tuple[Colour, ...] = (
    (245, 214, 190), (232, 190, 158), (214, 165, 126), (184, 132, 94), (146, 98, 66), (106, 70, 48), (82, 54, 40),
)  # fmt: skip
_HAIRS: tuple[Colour, ...] = ((28, 24, 24), (58, 40, 30), (96, 64, 38), (150, 110, 62), (176, 172, 168), (120, 52, 30))
_CLOTHES: tuple[Colour, ...] = (
    (52, 78, 120), (120, 44, 56), (46, 98, 84), (86, 74, 110), (170, 132, 64), (64, 64, 70), (190, 190, 182), (152, 88, 60),
)  # fmt: skip
_WALLS: tuple[Colour, ...] = ((206, 214, 216), (222, 212, 196), (190, 204, 190), (212, 202, 214), (180, 192, 206))
HER_HAIR = ("long", "bun", "bob", "scarf")
HIS_HAIR = ("short", "parted", "bald", "curls")


@dataclass(frozen=True, slots=True)
class Looks:
    """A face that stays the same in all clips of a video."""

    skin: Colour
    hair: Colour
    style: str
    clothes: Colour
    wall: Colour
    iris: Colour
    width: float
    height: float
    glasses: bool
    beard: bool
    shows: float  # how much of a feeling gets into the face
    moody: float  # the corners of the mouth at rest
    room: int


@dataclass(frozen=True, slots=True)
class Face:
    """A moment: `smile` and `arch` from -1 to 1, the rest from 0 to 1; `turn` to the side from -1 to 1."""

    smile: float
    mouth: float
    eyes: float
    frown: float
    worry: float
    lift: float
    flush: float
    turn: float
    gaze: float


def looks(key: str, female: bool) -> Looks:
    """The customer of a video."""
    stream = Random(f"{key}/looks")
    style = stream.choice(HER_HAIR if female else HIS_HAIR)
    return Looks(
        skin=stream.choice(_SKINS),
        hair=stream.choice(_HAIRS),
        style=style,
        clothes=stream.choice(_CLOTHES),
        wall=stream.choice(_WALLS),
        iris=stream.choice(((70, 46, 30), (52, 82, 110), (70, 96, 60), (46, 34, 28))),
        width=stream.uniform(0.93, 1.06),
        height=stream.uniform(0.95, 1.06),
        glasses=stream.random() < 0.28,
        beard=not female and stream.random() < 0.35,
        shows=stream.uniform(0.75, 1.0),
        moody=stream.gauss(0.0, 0.1),
        room=stream.randrange(3),
    )
