"""The recordings, films and pictures of a task as they lie here: which of them no model could take, and why."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from bench.errors import BenchError
from bench.models import pictures, sound, video
from bench.task import Task
from bench.types import Audio, Example, ImageFile, Video

Named: TypeAlias = Audio | Video | ImageFile
_MOST = 5  # files of one fault that are named
_TOLERANCE = 0.5  # seconds by which a clip may be shorter than it is annotated: cuts are at frames


def faults(task: Task) -> Iterator[str]:
    """A line for each of the first files that are no sound, film or picture, or shorter than they are annotated.

    Their beginning is read, so that a set of thousands takes seconds. Files that are missing the task itself tells of.
    """
    if task.makes_media or (task.parts <= {"text", "row"} and type(task).beside is Task.beside):
        return
    broken, short = [], []
    try:
        for example, part in _files(task):
            try:
                _refuse_unusable(part)
            except ValueError as error:
                broken.append(str(error))
            else:
                short += [line for line in [_too_short(task, example, part)] if line]
    except BenchError as error:  # a library that is not installed
        yield f"its files were not looked into: {error}"
    yield from _first(broken, "cannot be read or seen")
    yield from _first(short, "are annotated beyond their end")


def _files(task: Task) -> Iterator[tuple[Example, Named]]:
    """Each file that lies here once, with the first example that names it."""
    seen: set[str] = set()
    for example in task.examples():
        parts: tuple[object, ...] = tuple(task.beside(example))
        with suppress(BenchError):  # a missing page, which the task tells of
            parts += task.request(example).parts
        for part in parts:
            if not isinstance(part, Audio | Video | ImageFile) or part.path in seen:
                continue
            if os.path.lexists(part.path) or (isinstance(part, Video) and part.fault):
                seen.add(part.path)
                yield example, part


def _refuse_unusable(part: Named) -> None:
    """Raise ValueError with what is wrong with the beginning of a file."""
    match part:
        case Audio():
            next(sound.pieces(part.path, 16_000))
        case Video(fault=fault) if fault:
            raise ValueError(fault)
        case Video():
            next(video.shown(part.path, 1_000))
        case ImageFile():
            pictures.decoded(part, max_side=16)


def _too_short(task: Task, example: Example, part: Named) -> str:
    """What is wrong with the times that an example is annotated with, "" where they fit its clip or nobody tells them."""
    look = task.look(example)
    if isinstance(part, ImageFile) or look.start is None or look.end is None:
        return ""
    if look.end < look.start:
        return f"{Path(part.path)}: annotated to end at {look.end:g} s, before it begins at {look.start:g} s"
    lasts = sound.seconds(part.path)
    due = look.end - look.start
    return (
        f"{part.path} lasts {lasts:.1f} s, annotated are {due:.1f} s"
        if lasts is not None and lasts < due - _TOLERANCE
        else ""
    )


def _first(lines: list[str], what: str) -> Iterator[str]:
    yield from lines[:_MOST]
    if len(lines) > _MOST:
        yield f"{len(lines) - _MOST:,} more files {what}"
