"""Pictures, recordings and films as files of the site: known by their first bytes, each written once, within limits."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import TypeAlias

from bench.models.pictures import PICTURES
from bench.site.folder import SiteFolder
from bench.types import Audio, Image, Json, Video

Medium: TypeAlias = Image | Audio | Video
MOST_BYTES = {"image": 20_000_000, "audio": 5_000_000, "video": 20_000_000}  # of one file
MOST_IN_ALL = 300_000_000  # bytes of one task's files
_SHOWN = {
    "image": ("png", "jpg", "gif", "webp"),
    "audio": ("wav", "flac", "ogg", "mp3", "aac", "mp4", "webm"),
    "video": ("mp4", "webm", "ogg"),
}  # what browsers show or play; whether one knows the codec inside, it says itself
_TURNED = (5, 6, 7, 8)  # values of EXIF's orientation that swap width and height
_ORIENTATION = 0x0112
_NOUN = {"image": "picture", "audio": "recording", "video": "film"}


class MediaFiles:
    """The media of one task in a folder of the site."""

    def __init__(self, out: SiteFolder, folder: str) -> None:
        self.out, self.folder, self.left = out, folder, MOST_IN_ALL

    def of(self, part: Medium) -> Json:
        """How a page shows it: a file of the site, or what it is called with why it is not here."""
        if isinstance(part, Video) and part.fault:
            return _absent(part, "it cannot be shown to a model as the task asks")
        try:
            data = _read(part)
        except OSError:
            return _absent(part, "it was not on the machine that made this page")
        if data is None:
            return _absent(part, f"it is larger than {MOST_BYTES[part.kind] / 1e6:g} MB")
        ending = ending_of(data[:16])
        if ending not in _SHOWN[part.kind]:
            return _absent(part, f"it is no {_NOUN[part.kind]} of a kind that browsers show")
        name = f"{self.folder}/{hashlib.sha256(data).hexdigest()[:20]}.{ending}"
        if not self.out.has(name):
            if len(data) > self.left:
                return _absent(part, f"this task has {MOST_IN_ALL / 1e6:g} MB of them here already")
            self.left -= len(data)
            self.out.write(name, data)
        if not isinstance(part, Image):
            return {"kind": part.kind, "file": name}
        width, height = _size(data)
        return {"kind": "image", "file": name, "width": width, "height": height}


def _read(part: Medium) -> bytes | None:
    """The bytes of the picture or file, None where they are too many; raises OSError where there is no such file."""
    path = getattr(part, "path", None)
    if path is not None and Path(path).stat().st_size > MOST_BYTES[part.kind]:
        return None
    data = part.data if isinstance(part, Image) else Path(part.path).read_bytes()
    return data if len(data) <= MOST_BYTES[part.kind] else None


def _absent(part: Medium, why: str) -> Json:
    path = getattr(part, "made_from", "") or getattr(part, "path", "")
    return {"kind": "named", "name": Path(path).name or f"a {_NOUN[part.kind]}", "why": why}


def ending_of(head: bytes) -> str:
    """The ending of the kind of file that begins so, "" for one that is not known; what a file is called says nothing.

    >>> [ending_of(head) for head in (b"RIFF....WAVE", b"\\xff\\xd8\\xff\\xe0", b"....ftypisom", b"ID3", b"<svg")]
    ['wav', 'jpg', 'mp4', 'mp3', '']
    """
    if head[:4] == b"RIFF":
        return {b"WAVE": "wav", b"WEBP": "webp"}.get(head[8:12], "")
    if head[4:8] == b"ftyp":
        return "mp4"
    if head[:1] == b"\xff" and head[1:2] and head[1] & 0xE0 == 0xE0:
        return "aac" if head[1] & 0x06 == 0 else "mp3"  # by the layer of the frame's head
    begins = {
        b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpg", b"GIF8": "gif", b"fLaC": "flac", b"OggS": "ogg", b"ID3": "mp3",
        b"\x1a\x45\xdf\xa3": "webm",
    }  # fmt: skip
    return next((ending for start, ending in begins.items() if head.startswith(start)), "")


def _size(data: bytes) -> tuple[int, int]:
    """Width and height in pixels as a browser shows it, turned by what EXIF says; 0, 0 where it cannot be read."""
    from PIL import Image as Pictures

    try:
        with Pictures.open(io.BytesIO(data), formats=PICTURES) as picture:
            width, height = picture.size
            return (height, width) if picture.getexif().get(_ORIENTATION) in _TURNED else (width, height)
    except Exception:  # a damaged picture makes its decoder raise what it likes; the browser says that it is none
        return 0, 0
