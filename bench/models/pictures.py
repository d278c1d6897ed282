"""Pictures as pixels: the one place where a picture of whatever kind becomes RGB, or one line that says why not.

A picture is upright as its EXIF says, transparent places are white as on paper, CMYK and 16 bits a channel come to 8 bits of RGB,
and of a picture that moves the first frame counts.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

from bench.types import Image, ImageFile

PICTURES = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM")  # of Pillow's others, EPS would start another program
MOST_PIXELS = 80_000_000  # of one picture, 240 MB in RGB
MOST_PICTURE_BYTES = 100 * 1024**2  # of its file
_SIXTEEN = 256  # steps of a 16-bit channel that are one of an 8-bit channel


def decoded(image: Image, max_side: int | None = None) -> Any:
    """The picture in RGB, no side longer than `max_side` pixels; raises ValueError when it is too large or cannot be read."""
    from PIL import Image as Pillow

    data = b""
    try:
        if isinstance(image, ImageFile) and Path(image.path).stat().st_size > MOST_PICTURE_BYTES:
            raise ValueError(f"its file is larger than {MOST_PICTURE_BYTES:,} bytes")
        data = image.data
        with Pillow.open(io.BytesIO(data), formats=PICTURES) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise Pillow.DecompressionBombError
            if opened.width * opened.height == 0:
                raise ValueError(f"it has no pixels, {opened.width} by {opened.height}")
            picture = _in_rgb(_upright(opened))
    except Exception as error:  # a damaged picture makes its decoder raise what it likes
        kind = f"{len(data)} bytes" if data else "empty"
        bomb = isinstance(error, Pillow.DecompressionBombError)
        why = f"it has more than {MOST_PIXELS:,} pixels" if bomb else _why(error)
        where = f"{image.path}: " if isinstance(image, ImageFile) else ""
        raise ValueError(f"{where}the picture ({image.media_type}, {kind}) cannot be read: {why[:200]}") from None
    if max_side is not None and max(picture.size) > max_side:
        picture.thumbnail((max_side, max_side), Pillow.Resampling.LANCZOS)
    return picture


def _why(error: Exception) -> str:
    """What its decoder said, in one line: of its own kinds of error only the name tells the user anything."""
    said = " ".join(str(error).split())
    if type(error) is ValueError:
        return said
    if isinstance(error, FileNotFoundError):
        return "FileNotFoundError; put the file there"
    return f"OSError, {said}" if type(error) is OSError and "truncated" in said else type(error).__name__


def _upright(opened: Any) -> Any:
    """Turned as its EXIF says; EXIF that cannot be read says nothing."""
    from PIL import Image as Pillow
    from PIL import ImageOps

    opened.load()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of broken EXIF
        try:
            return ImageOps.exif_transpose(opened)
        except (Pillow.DecompressionBombError, MemoryError):
            raise
        except Exception:  # whatever a broken tag makes its reader raise; the pixels are whole
            return opened


def _in_rgb(picture: Any) -> Any:
    """8 bits of RGB: 16 bits scaled down, what is transparent laid on white."""
    from PIL import Image as Pillow

    if picture.mode.startswith("I;16") or picture.mode == "I":  # a plain conversion would cut every shade above 255 off
        picture = _eight_bits(picture)
    if picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        return Pillow.alpha_composite(Pillow.new("RGBA", picture.size, "white"), picture).convert("RGB")
    return picture.convert("RGB")


def _eight_bits(picture: Any) -> Any:
    """Grey of 16 bits as grey of 8; what fits into 8 bits already stays as it is."""
    import numpy as np
    from PIL import Image as Pillow

    grey = np.asarray(picture).astype(np.int64)
    scaled = grey // _SIXTEEN if picture.mode.startswith("I;16") or grey.max(initial=0) >= _SIXTEEN else grey
    return Pillow.fromarray(scaled.clip(0, 255).astype(np.uint8))
