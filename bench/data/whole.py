"""Which files of sound and film FFmpeg may read, and whether one is as long as its own head says.

FFmpeg reads what is there of a shorter one without a word.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

# What FFmpeg may read: files of sound and film, not lists of addresses (HLS, DASH, concat), which it would go and open.
READ = {
    "protocol_whitelist": "file",
    "format_whitelist": "wav,w64,flac,ogg,mp3,aac,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,aiff,au,amr,asf,mpeg,mpegts,flv,caf",
}
_UNKNOWN = (0, 0xFFFFFFFF)  # what a RIFF that was written as a stream gives as its size
_BOXES = frozenset(b"ftyp moov mdat moof mfra free skip wide uuid udta meta styp sidx pdin emsg".split())
_MOST_BOXES = 100_000
_PADDED = 1  # byte behind a part of odd length, which some programs count and do not write


def refuse_cut(path: str) -> None:
    """Raise ValueError for a WAV, AVI, AIFF, MP4, MOV, Matroska or WebM file that is shorter than it says."""
    if missing := cut(path):
        raise ValueError(f"{path} is cut off: {missing}; bring the file again")


def cut(path: str) -> str:
    """What of a file is there where it is less than it should be, "" where it is whole or nobody can tell."""
    size = Path(path).stat().st_size
    with Path(path).open("rb") as file:
        due, least = _due(file, size)
    return f"it has {size:,} of {least}{due:,} bytes" if due is not None and size < due - _PADDED else ""


def _due(file: BinaryIO, size: int) -> tuple[int | None, str]:
    """How many bytes the file should have, None where its head does not say, and whether that is only the least."""
    head = file.read(64)
    if head[:4] == b"RIFF":
        due = int.from_bytes(head[4:8], "little")
        return None if due in _UNKNOWN else due + 8, ""
    if head[:4] == b"FORM":
        return int.from_bytes(head[4:8], "big") + 8, ""
    if head[4:8] in _BOXES:
        return _of_boxes(file, size), "at least "
    return _of_segment(head) if head[:4] == b"\x1a\x45\xdf\xa3" else None, ""


def _of_boxes(file: BinaryIO, size: int) -> int | None:
    """Where the box ends that goes beyond the end of an MP4; what stands behind the last known box is none of it."""
    place = 0
    for _ in range(_MOST_BOXES):
        file.seek(place)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if len(head) < 8 or head[4:8] not in _BOXES or length == 0:  # 0: to the end of the file
            return None
        length = int.from_bytes(head[8:16], "big") if length == 1 else length
        if length < 8:
            return None
        place += length
        if place > size:
            return place
    return None


def _of_segment(head: bytes) -> int | None:
    """Where the segment of a Matroska ends, which holds all behind the file's head; None where it was written as a stream."""
    _, length, place = _sized(head, 4)
    if head[place + length : place + length + 4] != b"\x18\x53\x80\x67":
        return None
    known, inside, begin = _sized(head, place + length + 4)
    return begin + inside if known else None


def _sized(head: bytes, place: int) -> tuple[bool, int, int]:
    """A Matroska number at this place: whether it is known, its value, and the place behind it."""
    first = head[place] if place < len(head) else 0
    width = 9 - first.bit_length()
    mask = (1 << (7 * width)) - 1
    value = int.from_bytes(head[place : place + width], "big") & mask
    return bool(first) and value != mask, value, place + width
