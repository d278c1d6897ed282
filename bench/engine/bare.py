"""A recording without what its file says about it: dates, names of takes and projects, remarks."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import BinaryIO

_SOUND = (b"fmt ", b"fact", b"data")  # what a WAV is played from; the rest is said about it
_ID3_HEAD, _ID3V1_BYTES = 10, 128
_PIECE = 1 << 20


def bare_copy(source: Path, target: Path) -> None:
    """Copy a recording; of a WAV only its sound, of an MP3 all but its ID3 tags. Anything else, or what is damaged, as it is.

    Raises OSError.
    """
    with source.open("rb") as file, target.open("wb") as made:
        size = source.stat().st_size
        if (chunks := _chunks(file, size)) is not None:
            kept = [(name, start, length) for name, start, length in chunks if name in _SOUND]
            total = 4 + sum(8 + length + length % 2 for _, _, length in kept)
            made.write(b"RIFF" + total.to_bytes(4, "little") + b"WAVE")
            for name, start, length in kept:
                made.write(name + length.to_bytes(4, "little"))
                _pass_on(file, made, start, start + length)
                made.write(b"\0" * (length % 2))
            return
        _pass_on(file, made, *_between_tags(file, size))


def _chunks(file: BinaryIO, size: int) -> list[tuple[bytes, int, int]] | None:
    """Name, place and length of each part of a WAV that is whole; None for any other file."""
    file.seek(0)
    head = file.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE" or not size - 1 <= int.from_bytes(head[4:8], "little") + 8 <= size:
        return None
    found, place = [], 12
    while place + 8 <= size:
        file.seek(place)
        part = file.read(8)
        length = int.from_bytes(part[4:], "little")
        if place + 8 + length > size:
            return None
        found.append((part[:4], place + 8, length))
        place += 8 + length + length % 2
    names = [name for name, _, _ in found]
    return found if names.count(b"fmt ") == names.count(b"data") == 1 else None


def _between_tags(file: BinaryIO, size: int) -> tuple[int, int]:
    """Where an MP3 begins and ends without the ID3 tags before and behind it; the whole of any other file."""
    start, end = 0, size
    file.seek(0)
    while (head := file.read(_ID3_HEAD))[:3] == b"ID3" and len(head) == _ID3_HEAD:
        length = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))
        start += _ID3_HEAD + length + (_ID3_HEAD if head[5] & 0x10 else 0)
        file.seek(start)
    if start and start < end - _ID3V1_BYTES:
        file.seek(end - _ID3V1_BYTES)
        end -= _ID3V1_BYTES if file.read(3) == b"TAG" else 0
    return (start, end) if start < end else (0, size)


def _pass_on(file: BinaryIO, made: BinaryIO, start: int, end: int) -> None:
    file.seek(start)
    if start == 0 and end == file.seek(0, 2):
        file.seek(0)
        shutil.copyfileobj(file, made, _PIECE)
        return
    file.seek(start)
    left = end - start
    while left and (piece := file.read(min(left, _PIECE))):
        made.write(piece)
        left -= len(piece)
