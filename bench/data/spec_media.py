"""Whether the file that a record names is there, and is what the record says: its bytes, length, rate and frames."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, TypeAlias

from bench.data.located_json import Finding
from bench.data.spec_recordings import moment
from bench.data.spec_rules import Record, whole
from bench.data.spec_schema import show

Opened: TypeAlias = Callable[[str], Any]  # PyAV's container of a path; ValueError says why there is none
_SLACK = 0.1  # seconds that a codec may add or an editor may round away


class Tracks(NamedTuple):
    """What a file holds: its length in seconds by sound and by picture, and the facts of both; None where there is none."""

    sound: float | None
    rate: int | None
    picture: float | None
    size: tuple[int, int] | None
    frame_rate: float | None


def image_findings(record: Record, folder: Path, opened: Opened | None) -> Iterator[Finding]:
    """The picture's file lies below the folder of the annotation file, and is not empty."""
    at_fault = list(_place_findings(record, "image", folder))
    yield from at_fault
    name = record.get("image")
    if not at_fault and isinstance(name, str) and name.strip() and not (folder / PurePosixPath(name)).stat().st_size:
        yield Finding(("image",), "image-empty", "found a file of 0 bytes; a picture is allowed")


def voice_findings(record: Record, folder: Path, opened: Opened | None) -> Iterator[Finding]:
    """The recording is there, with the bytes, length and rate that the record gives it."""
    yield from _media_findings(record, folder, opened, _voice)


def film_findings(record: Record, folder: Path, opened: Opened | None) -> Iterator[Finding]:
    """The film is there, with the bytes, length, frames and sound that the record gives it."""
    yield from _media_findings(record, folder, opened, _film)


def _place_findings(record: Record, key: str, folder: Path) -> Iterator[Finding]:
    name = record.get(key)
    if not isinstance(name, str) or not name.strip():
        return
    pure = PurePosixPath(name)
    if pure.is_absolute() or ".." in pure.parts or "\\" in name:
        message = f"found {show(name)}; a path below this file's folder, with forward slashes, is allowed"
        yield Finding((key,), f"{key}-path", message)
    elif not _is_file(folder / pure):
        message = f"found no file {show(name)}; a path relative to this file's folder is allowed"
        yield Finding((key,), f"{key}-missing", message.replace("the text ", ""))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that is too long for a file, or none
        return False


def _media_findings(
    record: Record, folder: Path, opened: Opened | None, compare: Callable[[Record, Tracks], Iterator[Finding]]
) -> Iterator[Finding]:
    at_fault = list(_place_findings(record, "file", folder))
    yield from at_fault
    name = record.get("file")
    if at_fault or not isinstance(name, str) or not name.strip():
        return
    path = folder / PurePosixPath(name)
    if isinstance(due := record.get("sha256"), str):
        try:
            with path.open("rb") as stream:
                there = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            yield Finding(("file",), "file-unreadable", f"found a file that cannot be read: {error.strerror}")
            return
        if due != there:
            yield Finding(("sha256",), "file-digest", f"found {show(due)}; {there}, that of the file, is allowed")
    if opened is None:
        return
    try:
        tracks = _tracks(opened, path)
    except ValueError as error:
        yield Finding(("file",), "file-unreadable", " ".join(f"found {error}".split()))
        return
    yield from compare(record, tracks)


def _tracks(opened: Opened, path: Path) -> Tracks:
    """What a file holds; its lengths are those of the packets that are there, whatever its head promises."""
    with opened(str(path.absolute())) as file:
        sound, picture = next(iter(file.streams.audio), None), next(iter(file.streams.video), None)
        ends: dict[int, float] = {}
        streams = [stream for stream in (sound, picture) if stream is not None]
        if not streams:
            raise ValueError("a file without sound and without a picture")
        try:
            for packet in file.demux(streams):
                if packet.pts is not None and packet.time_base is not None:
                    end = float((packet.pts + (packet.duration or 0)) * packet.time_base)
                    ends[packet.stream.index] = max(end, ends.get(packet.stream.index, 0.0))
            for stream in streams:
                if stream.index in ends:
                    file.seek(0)
                    next(iter(file.decode(stream)), None)
        except (OSError, ValueError) as error:
            raise ValueError(f"a file that is damaged ({getattr(error, 'strerror', None) or error})") from None
        return Tracks(
            ends.get(sound.index, 0.0) if sound is not None else None,
            sound.rate if sound is not None else None,
            ends.get(picture.index, 0.0) if picture is not None else None,
            (picture.width, picture.height) if picture is not None else None,
            float(picture.average_rate) if picture is not None and picture.average_rate else None,
        )


def _voice(record: Record, found: Tracks) -> Iterator[Finding]:
    if found.sound is None:
        yield Finding(("file",), "file-unreadable", "found a file without sound; a recording is allowed")
        return
    yield from _length(record, found.sound)
    yield from _rate(record, found)


def _film(record: Record, found: Tracks) -> Iterator[Finding]:
    if found.picture is None or found.size is None:
        yield Finding(("file",), "file-unreadable", "found a file without a moving picture; a film is allowed")
        return
    yield from _length(record, found.picture)
    for key, there in zip(("width", "height"), found.size, strict=True):
        if whole(record.get(key)) and record[key] != there:
            yield Finding((key,), "file-frame", f"found {show(record[key])}; {there}, that of the file, is allowed")
    said, there_rate = record.get("frame_rate"), found.frame_rate
    if (fits := moment(said)) and there_rate and abs(fits - there_rate) > 0.01 * there_rate:
        yield Finding(
            ("frame_rate",), "file-frame", f"found {show(said)}; {there_rate:g}, that of the file, is allowed"
        )
    if found.sound is None and "rate" in record:
        yield Finding(("rate",), "file-sound", "found a rate of sound, and a file without sound; no rate is allowed")
    elif found.sound is not None and "rate" not in record:
        message = f"found no rate, and a file with sound; {found.rate}, that of the file, is allowed"
        yield Finding(("rate",), "file-sound", message)
    elif found.sound is not None:
        yield from _rate(record, found)


def _length(record: Record, there: float) -> Iterator[Finding]:
    said = moment(record.get("seconds"))
    if there <= 0:
        yield Finding(("file",), "file-length", "found a file that lasts 0 s; one that lasts longer is allowed")
    elif said is not None and abs(said - there) > _SLACK:
        message = f"found {said:g} s; {there:.3f}, the length of the file, is allowed"
        yield Finding(("seconds",), "file-length", message)


def _rate(record: Record, found: Tracks) -> Iterator[Finding]:
    if whole(record.get("rate")) and record["rate"] != found.rate:
        yield Finding(
            ("rate",), "file-rate", f"found {show(record['rate'])}; {found.rate}, that of the file, is allowed"
        )
