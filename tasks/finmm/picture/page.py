"""From a document to its picture: lay out, stamp, scan, encode."""

from __future__ import annotations

import io
from dataclasses import replace
from random import Random

from PIL import Image

from tasks.finmm.picture import scan
from tasks.finmm.picture.canvas import Canvas
from tasks.finmm.picture.document import Document
from tasks.finmm.picture.layouts import LAYOUTS

_OWN_HEIGHT = ("cheque", "receipt")  # these are laid out in fixed steps or cut to length


def lay_out(document: Document, dry: bool = False) -> Canvas:
    """The clean page with the place of every value, before any scanner saw it; a `dry` one has places and no picture."""
    draw = LAYOUTS[document.kind][document.style.layout]
    stretch = 1.0
    if document.style.paper not in _OWN_HEIGHT:
        sketch = Canvas(document, dry=True)
        draw(sketch)
        full = (sketch.bottom - sketch.top) / (sketch.lowest - sketch.top)
        stretch = max(min(1.0, full * 0.97), min(1.6, full * document.style.fullness))
    canvas = Canvas(document, stretch, dry)
    draw(canvas)
    if dry:
        return canvas
    if canvas.height != canvas.image.height:
        canvas.image = canvas.image.crop((0, 0, canvas.width, canvas.height))
    if document.style.stamp:
        scan.stamp(canvas, document.style.stamp)
    return canvas


def boxes(canvas: Canvas) -> dict[str, scan.IntBox]:
    """The pixels of every printed value on the scanned page."""
    size = canvas.width, canvas.height
    return {name: scan.tilt_box(box, size, canvas.style.noise.angle) for name, box in canvas.boxes.items()}


def develop(canvas: Canvas) -> bytes:
    """The scanned page as a JPEG file."""
    noise = canvas.style.noise
    if canvas.style.paper in _OWN_HEIGHT:
        noise = replace(noise, holes=False)
    seed = Random(f"{canvas.document.id}/scan").getrandbits(63)
    return scan.encode(scan.scan(canvas.image, noise, seed), noise.quality)


def decode(file: bytes) -> Image.Image:
    """A JPEG file as RGB pixels."""
    return Image.open(io.BytesIO(file)).convert("RGB")
