"""A task's examples as files of the site: inputs, targets and pictures, written once for all runs on them."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.record import Run
from bench.runs.identity import fingerprint
from bench.site.folder import SiteFolder
from bench.site.names import script, slug
from bench.task import Task
from bench.types import Audio, Example, Image, Json, Video

CHUNK = 200  # examples in a file: some 200 KB of passages, and a page of examples needs one or two of them
_LARGEST_SOUND = 1_000_000  # bytes of a recording that is worth having in a site
_ENDINGS = {"image/png": "png", "image/jpeg": "jpg", ".wav": "wav", ".mp3": "mp3", ".flac": "flac", ".ogg": "ogg"}


class TaskData:
    """The examples of one task, as they lie on this machine now.

    `reason` says why the site shows none of their inputs and targets, "" where it does: there is no such task or no
    data here, or the data may not be passed on and `all_data` was not asked for.
    """

    def __init__(self, name: str, task: Task | None, *, all_data: bool) -> None:
        self.task = task
        self.folder = f"data/{slug(name)}"
        self.examples: Sequence[Example] = ()
        self.reason = "" if task else "This version has no task of that name."
        if task:
            try:
                self.examples = task.examples()
            except BenchError:  # its line names a path of this machine, which is nobody's business
                self.reason = "The data of this task were not on the machine that made this page."
            else:
                card = getattr(task, "card", None)  # a task of one's own may do without
                if card is not None and card.obtain and not all_data:
                    self.reason = (
                        "The data of this task may not be passed on, so their inputs and references are not shown; whoever has "
                        "obtained them makes a site of their own with bench board --html DIR --all-data."
                    )
        self._place = {
            (example.id, fingerprint(vars(example))[:12]): place for place, example in enumerate(self.examples)
        }
        self._used: set[int] = set()

    def places(self, ids: Sequence[str], digests: Sequence[str]) -> list[int]:
        """Where these examples stand in the data, -1 for one that is not there as it was when it was scored."""
        return [self._place.get(pair, -1) for pair in zip(ids, digests, strict=True)]

    def places_of_all(self, run: Run) -> list[int] | None:
        """The places of a run's examples by the fingerprint of them all; None where the data here are others."""
        chosen = self.examples[: run.limit]
        same = chosen and fingerprint(*map(vars, chosen)) == run.data_fingerprint
        return list(range(len(chosen))) if same else None

    def use(self, places: Iterable[int]) -> None:
        """Say that a run shows the examples at these places."""
        self._used.update(place for place in places if place >= 0)

    def write(self, out: SiteFolder) -> None:
        """Write what the runs show, `CHUNK` places a file; nothing where it may not be shown."""
        if self.reason or not self._used:
            return
        for number in sorted({place // CHUNK for place in self._used}):
            chunk = [
                self._record(out, self.examples[place]) if place in self._used else None
                for place in range(number * CHUNK, min((number + 1) * CHUNK, len(self.examples)))
            ]
            key = f"{self.folder}/{number}"
            out.write(f"{key}.js", script(key, chunk))

    def _record(self, out: SiteFolder, example: Example) -> Json:
        """An example as the page takes it; a reference that is held out is not there."""
        found: dict[str, Any] = {"inputs": example.inputs, "media": self._media(out, example)}
        return found if example.target is None else found | {"target": example.target}

    def _media(self, out: SiteFolder, example: Example) -> list[Json]:
        """Pictures and short recordings as files of the site; of others only the name."""
        if self.task is None or self.task.parts <= {"text"}:
            return []
        try:
            parts = self.task.request(example).parts
        except BenchError:
            return [
                {"kind": "missing", "name": "a picture or recording that was not on the machine that made this page"}
            ]
        return [
            _picture(out, self.folder, part) if isinstance(part, Image) else _recording(out, self.folder, part)
            for part in parts
            if isinstance(part, Image | Audio | Video)
        ]


def _picture(out: SiteFolder, folder: str, part: Image) -> Json:
    """The file of a picture, written once, with its size in pixels."""
    name = f"{folder}/{hashlib.sha256(part.data).hexdigest()[:20]}.{_ENDINGS.get(part.media_type, 'img')}"
    if not out.has(name):
        out.write(name, part.data)
    width, height = _size(part.data)
    return {"kind": "image", "file": name, "width": width, "height": height}


def _size(data: bytes) -> tuple[int, int]:
    from PIL import Image as Pictures

    try:
        with Pictures.open(io.BytesIO(data)) as picture:
            return picture.size
    except OSError:  # no picture that can be read: the browser says so
        return 0, 0


def _recording(out: SiteFolder, folder: str, part: Audio | Video) -> Json:
    path = Path(part.path)
    ending = _ENDINGS.get(path.suffix.lower())
    if isinstance(part, Video) or not ending or not path.is_file() or path.stat().st_size > _LARGEST_SOUND:
        return {"kind": "named", "name": path.name}
    data = path.read_bytes()
    name = f"{folder}/{hashlib.sha256(data).hexdigest()[:20]}.{ending}"
    if not out.has(name):
        out.write(name, data)
    return {"kind": "audio", "file": name, "name": path.name}
