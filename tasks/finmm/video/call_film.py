"""A service call at a counter screen: a customer whose face follows what they feel, and whose mouth follows the voice."""

from __future__ import annotations

import math
from collections.abc import Iterator
from random import Random
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from tasks.finmm.picture import fonts
from tasks.finmm.video import face, sounds
from tasks.finmm.video.brush import SCALE, Brush, mixed
from tasks.finmm.video.clip import Clip
from tasks.finmm.video.encode import RATE, Film
from tasks.finmm.video.traits import Face, Looks, looks

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIZE, FPS = (320, 240), 12
_BEFORE, _AFTER = 0.3, 0.45  # seconds of silence


def film(clip: Clip) -> Film:
    """The film of a call; it lasts as long as the voice, and somewhat longer."""
    samples, words = sounds.voice(clip, _BEFORE)
    end = max((word[2] for word in words), default=0.0)
    seconds = math.ceil((max(end, len(samples) / RATE) + _AFTER) * FPS) / FPS
    n_frames = round(seconds * FPS)
    loud = sounds.loudness(samples, FPS, n_frames)
    heard = sounds.in_a_room(samples, seconds, clip.id)
    return Film(SIZE, FPS, seconds, _frames(clip, loud), heard, words)


def _frames(clip: Clip, loud: NDArray) -> Iterator[Image.Image]:  # type: ignore[type-arg]
    who = looks(clip.video, female=sounds.is_female(clip))
    room = _room(who, clip.video)
    mind = _Mind(clip, who)
    for number, level in enumerate(loud):
        now = number / FPS
        picture = room.copy()
        draw = ImageDraw.Draw(picture)
        x, y, angle = mind.pose(now)
        zoom = 1.0 + 0.03 * mind.arousal
        head = Brush(draw, (160 + x, 112 + y), angle, zoom)
        body = Brush(draw, (160 + 0.35 * x, 116 + 0.3 * y), 0.25 * angle, 1.0)
        face.draw(head, body, who, mind.face(now, float(level)))
        _counter(draw, number)
        yield picture.reduce(SCALE)


class _Mind:
    """What a face does over time: a feeling that comes and goes, blinks, and a head that is never still."""

    def __init__(self, clip: Clip, who: Looks) -> None:
        self.valence = who.shows * float(str(clip.shown["valence"])) + who.moody
        self.arousal = float(str(clip.shown["arousal"]))
        self.emotion, self.who = clip.emotion, who
        stream = Random(f"{clip.id}/motion")
        self.phases = [stream.uniform(0, 2 * math.pi) for _ in range(8)]
        self.blinks = []
        now = stream.uniform(0.2, 2.0)
        while now < 30:
            self.blinks.append(now)
            now += stream.uniform(0.9, 4.5 - 2.2 * self.arousal)

    def pose(self, now: float) -> tuple[float, float, float]:
        """How far the head is off its place, in pixels, and its tilt in radians: livelier with arousal, lower with sadness."""
        a, b, c, d, *_ = self.phases
        size, speed = 1.5 + 7.5 * self.arousal, 0.8 + 2.4 * self.arousal
        x = size * (0.7 * math.sin(speed * now + a) + 0.3 * math.sin(2.7 * speed * now + b))
        y = 0.6 * size * math.sin(1.7 * speed * now + c) + 5 * max(0.0, -self.valence) * (1 - self.arousal)
        return x, y, 0.035 * (0.4 + self.arousal) * math.sin(0.9 * speed * now + d)

    def face(self, now: float, level: float) -> Face:
        """The face at a moment, the voice being as loud as `level`."""
        *_, e, f, g, h = self.phases
        wave = 0.85 + 0.15 * math.sin(1.3 * now + e) + 0.06 * math.sin(4.1 * now + f)
        valence, arousal = max(-1.0, min(1.0, self.valence * wave)), max(0.0, min(1.0, self.arousal * wave))
        upset = max(0.0, -valence)
        hot = max(0.0, min(1.0, (arousal - 0.3) * 2.0))
        scared = 0.35 if self.emotion in ("fear", "surprise") else 0.0
        blink = min((abs(now - at) for at in self.blinks), default=9.0)
        return Face(
            smile=valence,
            mouth=level * (0.35 + 0.5 * arousal),
            eyes=0.05 if blink < 0.06 else 0.4 if blink < 0.13 else min(1.3, 0.68 + 0.45 * arousal + scared / 2),
            frown=upset * hot * (0.6 if scared else 1.0),
            worry=upset * (1 - hot) * 0.9 + scared * upset,
            lift=min(1.0, 0.55 * arousal * max(0.0, valence) + scared + 0.12 * level),
            flush=max(0.0, arousal - 0.35) * 1.3,
            turn=0.55 * math.sin((0.5 + arousal) * now + g) * (0.4 + 0.6 * arousal),
            gaze=math.sin(0.9 * now + h) * (0.8 - 0.5 * arousal) - 0.3 * upset * (1 - hot),
        )


def _room(who: Looks, key: str) -> Image.Image:
    """What is behind the customer, enlarged."""
    width, height = SIZE[0] * SCALE, SIZE[1] * SCALE
    picture = Image.new("RGB", (width, height), who.wall)
    draw = ImageDraw.Draw(picture)
    for y in range(0, height, 6):  # light falls from above
        draw.rectangle((0, y, width, y + 5), fill=mixed(who.wall, (70, 70, 80), 0.28 * y / height))
    stream = Random(f"{key}/room")
    dark = mixed(who.wall, (40, 40, 50), 0.35)
    if who.room == 0:  # a window
        left = stream.choice((60, 640))
        draw.rectangle((left, 70, left + 250, 400), fill=(238, 244, 250), outline=dark, width=12)
        draw.line((left + 125, 70, left + 125, 400), fill=dark, width=10)
    elif who.room == 1:  # shelves
        for row in range(3):
            y = 150 + 150 * row
            draw.rectangle((0, y, width, y + 14), fill=dark)
            x = 10
            while x < width:
                thick, tall = stream.randrange(16, 44), stream.randrange(60, 120)
                book = stream.randrange(40, 210), stream.randrange(40, 210), stream.randrange(40, 210)
                draw.rectangle((x, y - tall, x + thick, y), fill=mixed(who.wall, book, 0.45))
                x += thick + stream.choice((3, 5, 60))
    else:  # a picture on the wall, a lamp
        draw.rectangle((70, 90, 300, 260), fill=(236, 232, 222), outline=dark, width=14)
        draw.polygon(
            [(90, 245), (160, 150), (210, 205), (250, 165), (284, 245)], fill=mixed(who.wall, (60, 110, 90), 0.5)
        )
        draw.polygon([(720, 180), (860, 180), (900, 300), (680, 300)], fill=(250, 232, 190))
        draw.rectangle((784, 300, 796, 720), fill=dark)
    return picture


def _counter(draw: ImageDraw.ImageDraw, number: int) -> None:
    """The frame of the counter's screen around the picture: a bar with buttons, the clock of the call."""
    width, height = SIZE[0] * SCALE, SIZE[1] * SCALE
    draw.rectangle((0, 0, width, 54), fill=(24, 32, 44))
    draw.rectangle((0, height - 72, width, height), fill=(24, 32, 44))
    font = fonts.load("arimo", 0, 30)
    draw.text((24, 27), "Counter 3 · video service", fill=(220, 226, 232), font=font, anchor="lm")
    draw.text((width - 24, 27), f"00:{number // FPS:02}", fill=(220, 226, 232), font=font, anchor="rm")
    for x, colour in ((width // 2 - 96, (66, 78, 96)), (width // 2, (66, 78, 96)), (width // 2 + 96, (196, 52, 52))):
        draw.ellipse((x - 26, height - 62, x + 26, height - 10), fill=colour)
    draw.rounded_rectangle((width // 2 - 104, height - 48, width // 2 - 88, height - 26), 8, fill=(236, 238, 240))
    draw.polygon(
        [(width // 2 - 12, height - 48), (width // 2 - 12, height - 24), (width // 2 + 14, height - 36)],
        fill=(236, 238, 240),
    )
    draw.rectangle((width // 2 + 84, height - 40, width // 2 + 108, height - 32), fill=(255, 255, 255))
