"""From ink on paper to a scanned page: stamp, folds, light, tilt, blur, grain and the JPEG file."""

from __future__ import annotations

import io
import math

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from tasks.finmm.picture import fonts
from tasks.finmm.picture.canvas import Box, Canvas
from tasks.finmm.picture.style import Noise, Stamp

IntBox = tuple[int, int, int, int]
Matrix = tuple[float, float, float, float, float, float]


def stamp(canvas: Canvas, look: Stamp) -> None:
    """Press the stamp where it covers the fewest values; its texts get boxes too."""
    page = canvas.image
    ink, texts = _stamp_ink(canvas, look)
    turned = ink.rotate(look.angle, Image.Resampling.BICUBIC, expand=True)
    left, top = _free_place(canvas, turned.size)
    page.paste(Image.new("RGB", turned.size, look.colour), (left, top), turned)
    radians = math.radians(look.angle)
    for name, box in texts.items():
        corners = [
            _turn(x - ink.width / 2, y - ink.height / 2, -radians) for x in (box[0], box[2]) for y in (box[1], box[3])
        ]
        xs, ys = zip(*corners, strict=True)
        x, y = left + turned.width / 2, top + turned.height / 2
        canvas.boxes[name] = x + min(xs), y + min(ys), x + max(xs), y + max(ys)


def _turn(x: float, y: float, radians: float) -> tuple[float, float]:
    cos, sin = math.cos(radians), math.sin(radians)
    return x * cos - y * sin, x * sin + y * cos


def _stamp_ink(canvas: Canvas, look: Stamp) -> tuple[Image.Image, dict[str, Box]]:
    dated = canvas.has("stamp_date")
    big, small = (fonts.load("arimo", 1, round(canvas.em * size)) for size in (2.1, 1.15))
    word = canvas.field("stamp").value
    width = round(max(big.getlength(word), small.getlength("00 MMM 0000")) + 2.4 * canvas.em)
    height = round(canvas.em * (4.9 if dated else 3.4))
    ink = Image.new("L", (width, height), 0)
    draw = ImageDraw.Draw(ink)
    edge, strength = max(2, round(0.16 * canvas.em)), round(255 * look.strength)
    draw.rounded_rectangle(
        (1, 1, width - 2, height - 2), height / 2.4 if look.round else 0.4 * canvas.em, None, strength, edge
    )
    boxes: dict[str, Box] = {}
    rows = [("stamp", big, 2.45 if not dated else 2.35)] + ([("stamp_date", small, 4.05)] if dated else [])
    for name, font, row in rows:
        at = width / 2, row * canvas.em
        text = canvas.field(name).value
        draw.text(at, text, strength, font, "ms")
        left, top, right, bottom = font.getbbox(text, anchor="ms")
        boxes[name] = at[0] + left, at[1] + top, at[0] + right, at[1] + bottom
    wear = np.random.default_rng(canvas.stream.getrandbits(32)).random((height // 3 + 1, width // 3 + 1))
    worn = Image.fromarray((255 * np.clip(wear * 3 + 0.35, 0, 1)).astype(np.uint8)).resize(ink.size)
    return ImageChops.multiply(ink, worn), boxes


def _free_place(canvas: Canvas, size: tuple[int, int]) -> tuple[int, int]:
    most_x = max(1, canvas.width - size[0] - 8)
    most_y = max(1, canvas.height - size[1] - 8)
    places = [(canvas.stream.randrange(most_x), canvas.stream.randrange(most_y)) for _ in range(60)]

    def covered(place: tuple[int, int]) -> float:
        here = (*place, place[0] + size[0], place[1] + size[1])
        return 3 * sum(_shared(here, box) for box in canvas.boxes.values()) + sum(
            _shared(here, box) for box in canvas.inked
        )

    return min(places, key=covered)


def _shared(first: Box, second: Box) -> float:
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    return max(0.0, width) * max(0.0, height)


def tilt_matrix(size: tuple[int, int], degrees: float) -> Matrix:
    """The affine map from the tilted page back to the straight one, around the middle."""
    radians = math.radians(degrees)
    cos, sin = math.cos(radians), math.sin(radians)
    x, y = size[0] / 2, size[1] / 2
    return cos, sin, x - cos * x - sin * y, -sin, cos, y + sin * x - cos * y


def tilt_box(box: Box, size: tuple[int, int], degrees: float) -> IntBox:
    """A box after the tilt, in whole pixels inside the page and at least one pixel wide and high."""
    x, y = size[0] / 2, size[1] / 2
    radians = math.radians(degrees)
    corners = [_turn(a - x, b - y, radians) for a in (box[0], box[2]) for b in (box[1], box[3])]
    xs, ys = zip(*corners, strict=True)
    left, top = (
        min(max(0, math.floor(low)), most - 1) for low, most in ((x + min(xs), size[0]), (y + min(ys), size[1]))
    )
    right, bottom = min(size[0], math.ceil(x + max(xs))), min(size[1], math.ceil(y + max(ys)))
    return left, top, max(right, left + 1), max(bottom, top + 1)


def scan(page: Image.Image, noise: Noise, seed: int) -> Image.Image:
    """The page as a scanner saw it."""
    rng = np.random.default_rng(seed)
    if noise.holes:
        _punch(page, noise)
    if noise.lighting or noise.fold_rows:
        page = ImageChops.multiply(page, _shade(page.size, noise, rng))
    if noise.angle:
        matrix = tilt_matrix(page.size, noise.angle)
        page = page.transform(page.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR, fillcolor=noise.bed)
    if noise.fade:
        lift = round(120 * noise.fade)
        page = page.point([lift + level * (255 - lift) // 255 for level in range(256)] * 3)
    if noise.resolution < 1:
        small = round(page.width * noise.resolution), round(page.height * noise.resolution)
        page = page.resize(small, Image.Resampling.BOX).resize(page.size, Image.Resampling.BILINEAR)
    if noise.blur:
        # one box pass of the same variance: a third of the time of a Gaussian, and no reader sees the difference
        page = page.filter(ImageFilter.BoxBlur((math.sqrt(12 * noise.blur**2 + 1) - 1) / 2))
    return _dirt(page, noise, rng) if noise.grain or noise.specks else page


def _punch(page: Image.Image, noise: Noise) -> None:
    draw, radius = ImageDraw.Draw(page), round(page.width * 0.012)
    for height in (0.36, 0.64):
        x, y = round(page.width * 0.032), round(page.height * height)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), noise.bed, (120, 120, 120))


def _shade(size: tuple[int, int], noise: Noise, rng: np.random.Generator) -> Image.Image:
    width, height = size
    x, y = np.meshgrid(np.linspace(0, 1, 24), np.linspace(0, 1, 32))
    angle = rng.uniform(0, 2 * math.pi)
    slope = (np.cos(angle) * (x - 0.5) + np.sin(angle) * (y - 0.5)) * 0.8 + 0.5
    edge = np.exp(-x / 0.06) * rng.uniform(0, 1)
    light = 1 - noise.lighting * np.clip(0.75 * slope + 0.5 * edge, 0, 1)
    shade = Image.fromarray((255 * light).astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
    for row in noise.fold_rows:
        band = max(6, height // 60)
        rows = np.abs(np.arange(2 * band) - band + rng.uniform(-2, 2)) / band
        dark = 255 * (1 - 0.16 * np.exp(-rows * 4) - 0.12 * (rows < 0.07))
        strip = Image.fromarray(np.repeat(dark.astype(np.uint8)[:, None], width, axis=1))
        top = round(row * height) - band
        shade.paste(ImageChops.multiply(shade.crop((0, top, width, top + 2 * band)), strip), (0, top))
    return Image.merge("RGB", (shade, shade, shade))


def _dirt(page: Image.Image, noise: Noise, rng: np.random.Generator) -> Image.Image:
    tile = Image.fromarray(np.clip(128 + noise.grain * rng.standard_normal((211, 307)), 0, 255).astype(np.uint8))
    grain = Image.new("L", page.size)
    for left in range(0, page.width, 307):
        for top in range(0, page.height, 211):
            grain.paste(tile, (left, top))
    page = ImageChops.add(page, Image.merge("RGB", (grain, grain, grain)), 1, -128)
    draw = ImageDraw.Draw(page)
    for x, y, size, level in zip(
        *(rng.integers(0, most, noise.specks).tolist() for most in (*page.size, 5, 150)), strict=True
    ):
        draw.rectangle((x, y, x + size // 3, y + size // 4), (level, level, level))
    return page


def encode(page: Image.Image, quality: int) -> bytes:
    """The page as a JPEG file."""
    file = io.BytesIO()
    page.save(file, "JPEG", quality=quality)
    return file.getvalue()
