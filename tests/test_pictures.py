"""Pictures of every kind become upright RGB, or one line."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest

from bench.models.base import Device
from bench.models.page_places import Word
from bench.models.pages import Reader
from bench.models.pictures import decoded
from bench.types import Image, Prediction, Read, Request


def encoded(picture: Any, kind: str = "PNG", **options: Any) -> Image:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return Image(file.getvalue())


def made(mode: str, size: tuple[int, int], colour: Any = 0) -> Any:
    from PIL import Image as Pillow

    return Pillow.new(mode, size, colour)


@pytest.mark.parametrize(
    ("mode", "kind", "colour", "seen"),
    [
        ("CMYK", "JPEG", (0, 0, 0, 0), (255, 255, 255)),
        ("CMYK", "TIFF", (0, 0, 0, 255), (0, 0, 0)),
        ("L", "PNG", 200, (200, 200, 200)),
        ("1", "PNG", 1, (255, 255, 255)),
        ("I;16", "PNG", 0x8080, (128, 128, 128)),  # 32,896 of 65,535; a plain conversion makes it white
        ("I;16", "TIFF", 0x1000, (16, 16, 16)),
        ("I;16", "PNG", 0, (0, 0, 0)),
        ("RGBA", "PNG", (0, 0, 0, 0), (255, 255, 255)),  # black where nothing is to be seen
        ("RGBA", "PNG", (10, 20, 30, 255), (10, 20, 30)),
        ("LA", "PNG", (0, 0), (255, 255, 255)),
        ("RGBA", "WEBP", (0, 0, 0, 0), (255, 255, 255)),
    ],
)
def test_a_picture_of_any_kind_has_the_colours_that_a_person_sees(mode: str, kind: str, colour: Any, seen: Any) -> None:
    found = decoded(encoded(made(mode, (4, 2), colour), kind))
    assert (found.mode, found.size) == ("RGB", (4, 2))
    assert found.getpixel((1, 1)) == seen


def test_a_palette_s_transparent_colour_is_paper() -> None:
    picture = made("P", (4, 2), 0)
    picture.putpalette([0, 0, 0, 255, 0, 0])
    picture.putpixel((3, 1), 1)
    for kind in ("PNG", "GIF"):
        found = decoded(encoded(picture, kind, transparency=0))
        assert (found.getpixel((0, 0)), found.getpixel((3, 1))) == ((255, 255, 255), (255, 0, 0))


def test_of_a_picture_that_moves_the_first_frame_counts() -> None:
    frames = [made("RGB", (4, 2), colour) for colour in ("red", "blue")]
    for kind in ("GIF", "PNG"):
        image = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
        assert decoded(image).getpixel((0, 0)) == (255, 0, 0)


@pytest.mark.parametrize(
    ("orientation", "left_top"), [(1, (0, 0)), (3, (3, 1)), (6, (1, 0)), (8, (0, 3)), (99, (0, 0))]
)
def test_a_picture_stands_as_its_exif_says(orientation: int, left_top: tuple[int, int]) -> None:
    picture = made("RGB", (4, 2), "white")
    picture.putpixel((0, 0), (255, 0, 0))
    exif = picture.getexif()
    exif[0x0112] = orientation
    found = decoded(encoded(picture, exif=exif))
    assert found.size == ((2, 4) if orientation in (6, 8) else (4, 2))
    assert found.getpixel(left_top) == (255, 0, 0)


def test_exif_that_is_broken_turns_nothing() -> None:
    whole = encoded(made("RGB", (4, 2), "red"), "PNG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff" + bytes(range(40)))
    assert decoded(whole).getpixel((0, 0)) == (255, 0, 0)


def noise(width: int, height: int) -> Any:
    from PIL import Image as Pillow

    return Pillow.fromarray(np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8))


def no_pixels() -> Image:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 0, 7, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    return Image(b"\x89PNG\r\n\x1a\n" + parts)


def two_hundred_megapixels() -> Image:
    return encoded(made("1", (20_000, 10_000)))


BAD = {
    "truncated PNG": (lambda: Image(encoded(noise(60, 60)).data[:-4_000]), "truncated"),
    "truncated JPEG": (lambda: Image(encoded(noise(60, 60), "JPEG").data[:-900]), "truncated"),
    "0 pixels": (no_pixels, "cannot be read"),
    "200 megapixels": (two_hundred_megapixels, "more than 80,000,000 pixels"),
    "empty": (lambda: Image(b""), "empty"),
    "no picture": (lambda: Image(b"hello"), "UnidentifiedImageError"),
}


class Says(Reader):
    """Reads a page as its size."""

    def load(self, device: Device, *, seed: int = 0) -> None:
        pass

    def _lines(self, image: Image) -> list[str]:
        return [str(decoded(image).size)]

    def _words(self, image: Image) -> list[Word]:
        raise NotImplementedError


@pytest.mark.parametrize("name", BAD)
def test_a_bad_picture_fails_its_own_request_in_one_line(name: str) -> None:
    make, said = BAD[name]
    asked = [Request(key, (one,), Read(9)) for key, one in (("bad", make()), ("good", encoded(noise(6, 5))))]
    reader = Says()
    reader.prepare(asked)
    bad, good = reader.predict(asked)
    assert said in (bad.error or "")
    assert "\n" not in (bad.error or "")
    assert good == Prediction("good", text="(6, 5)", finish="stop")
