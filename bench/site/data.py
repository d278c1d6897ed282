"""A task's examples as files of the site: inputs, targets and pictures, written once for all runs on them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from bench.errors import BenchError
from bench.record import Run
from bench.runs.identity import digest_of, fingerprint_of
from bench.site import marks
from bench.site.folder import SiteFolder
from bench.site.media import MediaFiles
from bench.site.names import script, slug
from bench.task import Task
from bench.types import Audio, Example, Image, Json, Video

CHUNK = 200  # examples in a file: some 200 KB of passages, and a page of examples needs one or two of them


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
        self._place = {(example.id, digest_of(example)): place for place, example in enumerate(self.examples)}
        self._used: set[int] = set()

    def places(self, ids: Sequence[str], digests: Sequence[str]) -> list[int]:
        """Where these examples stand in the data, -1 for one that is not there as it was when it was scored."""
        return [self._place.get(pair, -1) for pair in zip(ids, digests, strict=True)]

    def places_of_all(self, run: Run) -> list[int] | None:
        """The places of a run's examples by the fingerprint of them all; None where the data here are others."""
        chosen = self.examples[: run.limit]
        same = chosen and fingerprint_of(chosen) == run.data_fingerprint
        return list(range(len(chosen))) if same else None

    def use(self, places: Iterable[int]) -> None:
        """Say that a run shows the examples at these places."""
        self._used.update(place for place in places if place >= 0)

    def write(self, out: SiteFolder) -> None:
        """Write what the runs show, `CHUNK` places a file; nothing where it may not be shown."""
        if self.reason or not self._used:
            return
        media = MediaFiles(out, self.folder)
        for number in sorted({place // CHUNK for place in self._used}):
            chunk = [
                self._record(media, self.examples[place]) if place in self._used else None
                for place in range(number * CHUNK, min((number + 1) * CHUNK, len(self.examples)))
            ]
            key = f"{self.folder}/{number}"
            out.write(f"{key}.js", script(key, chunk))

    def _record(self, media: MediaFiles, example: Example) -> Json:
        """An example as the page takes it; a reference that is held out is not there, nor what belongs to it."""
        found: dict[str, Any] = {"inputs": example.inputs, "media": self._media(media, example)}
        if example.target is None or self.task is None:
            return found
        return found | {"target": example.target, **marks.shown(self.task.look(example))}

    def _media(self, media: MediaFiles, example: Example) -> list[Json]:
        """Pictures, recordings and films as files of the site; of what cannot be there the name and why."""
        if self.task is None or self.task.parts <= {"text"}:
            return []
        try:
            parts = self.task.request(example).parts
        except BenchError:
            why = "it was not on the machine that made this page"
            return [{"kind": "named", "name": "a picture or recording", "why": why}]
        return [media.of(part) for part in parts if isinstance(part, Image | Audio | Video)]
