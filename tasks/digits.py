"""Handwritten digits, one a picture: the 1,797 that scikit-learn carries, so that nothing is fetched."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import ClassVar

from bench.metrics.classification import single_label
from bench.metrics.metric import AnyMetric
from bench.task import Card
from bench.types import Choose, Example, Image, Json, Request, Text
from tasks.labels import LabelTask, mixed

LABELS = tuple("0123456789")
SIDE = 128  # pixels of a picture's side; a vision model makes of it what it takes
_CELLS, _MOST = 8, 16  # the data are 8 x 8 counts of ink, from 0 to 16
_EVALUATED = 500  # the last of the file


class Digits(LabelTask):
    """Which digit somebody wrote into a box of a form.

    The scenario is reading what people write into the boxes of cheques, transfers and forms; it is small enough that a network
    is trained on it in seconds. The file has its writers one behind the other, a hundred and some pictures each, and does not say
    who is who. So the split cuts it at one place: the last 500 are evaluated, by other writers than those before the cut, but for
    one who may stand on both sides. Drawn at random, all hands would be on both sides, and a network of 98 % comes to 99.8 %.
    """

    name, version, labels = "digits", 1, LABELS
    metrics: ClassVar[tuple[AnyMetric, ...]] = single_label(LABELS)
    parts = frozenset({"text", "image"})
    makes_media = True
    instruction = "Say which digit is written in the picture."
    card = Card(
        title="Handwritten digits (UCI optdigits, as in scikit-learn)",
        source="https://archive.ics.uci.edu/dataset/80 (its test part, optdigits.tes, in scikit-learn's load_digits)",
        revision="1998-07-01",
        licence="CC BY 4.0",
        split="the last 500 of the 1,797 pictures (no official split: all are the test part of the source)",
        n_examples=_EVALUATED,
        language="none",
        chance=(0.05, 0.16),
        scenario="operations",
        cluster="picture",
        citation="Alpaydin and Kaynak 1998, Optical Recognition of Handwritten Digits (UCI Machine Learning Repository)",
    )
    training_is = "pictures before the last 500 of the 1,797 that scikit-learn carries, by other writers"

    def __init__(self) -> None:
        """It has no source of data but scikit-learn."""

    def fetch(self) -> None:
        """Nothing to bring."""

    def examples(self) -> Sequence[Example]:
        """The last 500 in a fixed mixed order; the file counts 0, 1, 2, … and has a writer's pictures together."""
        return mixed(_pictures()[-_EVALUATED:])

    def training(self) -> Sequence[Example]:
        """Those before the last 500, in the file's order."""
        return _pictures()[:-_EVALUATED]

    def request(self, example: Example) -> Request:
        """The instruction, then the picture: dark ink on white."""
        told = Text(f"{self.instruction} One of: {', '.join(LABELS)}.", "system")
        return Request(example.id, (told, Image(picture(example.inputs["ink"]))), Choose(LABELS))

    def slices(self, example: Example) -> Mapping[str, str]:
        """The digit."""
        return {} if example.target is None else {"label": example.target}

    def problems(self) -> Iterator[str]:
        """Whether scikit-learn still carries the pictures that this was written for."""
        yield from super().problems()
        if (found := _checksum()) != _KNOWN:
            yield f"scikit-learn carries other pictures than this task was made of (sum {found}, expected {_KNOWN})"


@cache
def _pictures() -> list[Example]:
    """All 1,797 in the order of the file; `ink` are the rows of counts, top to bottom."""
    from sklearn.datasets import load_digits

    found = load_digits()
    pairs = zip(found.images.astype(int).tolist(), found.target.tolist(), strict=True)
    return [Example(f"digit-{i}", {"ink": ink}, str(target), f"digit-{i}") for i, (ink, target) in enumerate(pairs)]


def _checksum() -> int:
    """A number that another picture, label or order would change."""
    return zlib.crc32(repr([(one.inputs["ink"], one.target) for one in _pictures()]).encode())


_KNOWN = 1_123_842_889


def picture(ink: Json) -> bytes:
    """The counts of ink [8, 8] as a grey PNG of `SIDE` pixels, between cell centres in straight lines.

    In whole numbers, and packed without compression: whatever the versions of the libraries here, the bytes are the same, and so is
    what was asked.
    """
    import numpy as np

    scale = SIDE // _CELLS
    place = 2 * np.arange(SIDE) + 1 - scale  # of each pixel, in 2 * scale parts of a cell, from the first cell's centre
    beyond = np.clip(place, 0, 2 * scale * (_CELLS - 1))
    left = np.minimum(beyond // (2 * scale), _CELLS - 2)
    weights = np.zeros((SIDE, _CELLS), dtype=np.int64)
    rows = np.arange(SIDE)
    weights[rows, left + 1] = beyond - 2 * scale * left
    weights[rows, left] = 2 * scale - weights[rows, left + 1]
    whole = (2 * scale) ** 2 * _MOST
    dark = weights @ np.array(ink, dtype=np.int64) @ weights.T
    return _png((255 - (255 * dark + whole // 2) // whole).astype(np.uint8).tobytes(), SIDE)


def _png(grey: bytes, side: int) -> bytes:
    """A square picture of 8 bits a pixel as a PNG whose data are one stored block: at most 65,535 bytes with a byte a row."""
    raw = b"".join(b"\0" + grey[at : at + side] for at in range(0, len(grey), side))
    block = struct.pack("<BHH", 1, len(raw), 0xFFFF - len(raw))
    packed = b"\x78\x01" + block + raw + struct.pack(">I", zlib.adler32(raw))
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*one) for one in ((b"IHDR", head), (b"IDAT", packed), (b"IEND", b"")))


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
