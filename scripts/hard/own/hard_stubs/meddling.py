"""A model under which the data of its task change: it does so itself, so that the moment is known."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bench.models.base import Device, Model
from bench.types import Generate, Prediction, Request, Span


def _turned(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    with path.open("r+b") as file:
        file.write(data)


def _turned_unseen(path: Path) -> None:
    before = path.stat()
    _turned(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _exchanged(path: Path, data: bytes) -> None:
    other = path.with_name(f"{path.name}.new")
    other.write_bytes(data)
    other.replace(path)


def _as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _as_link(path: Path) -> None:
    other = path.with_name(f"{path.name}.other")
    other.write_bytes(path.read_bytes() + b" ")
    path.unlink()
    path.symlink_to(other)


# What other people's programs do to a file.
CHANGES: dict[str, Callable[[Path], object]] = {
    "a letter changed in place": _turned,
    "a letter changed, and the time of change put back": _turned_unseen,
    "another file put in its place": lambda path: _exchanged(path, path.read_bytes()[:-1]),
    "written to its end": lambda path: path.write_bytes(path.read_bytes() + b"\n"),
    "cut in the middle": lambda path: os.truncate(path, path.stat().st_size // 2),
    "emptied": lambda path: os.truncate(path, 0),
    "deleted": Path.unlink,
    "moved away": lambda path: shutil.move(path, path.with_name(f"{path.name}.old")),
    "a folder in its place": _as_folder,
    "a link to another file in its place": _as_link,
}
# These leave every byte as it was.
HARMLESS: dict[str, Callable[[Path], object]] = {
    "touched": lambda path: os.utime(path),
    "written anew with the same bytes": lambda path: path.write_bytes(path.read_bytes()),
    "an equal file put in its place": lambda path: _exchanged(path, path.read_bytes()),
}


class Meddler(Model):
    """Answers a word to everything. `HARD_CHANGE` holds path, change and before which answer, 0 being its load."""

    outputs, revision, uses_device, answers_alone = (Generate, Span), "1", False, True
    parts = frozenset({"text", "image"})

    def load(self, device: Device, *, seed: int) -> None:
        """Read what is to be done."""
        self.given = 0
        self.path, self.change, self.at = json.loads(os.environ.get("HARD_CHANGE") or '["", "", -1]')
        self._meddle()

    def predict(self, batch: Sequence[Request]) -> Iterator[Prediction]:
        """One by one."""
        for request in batch:
            self.given += 1
            self._meddle()
            yield Prediction(request.id, text="word", new_tokens=1, prompt_tokens=2)

    def _meddle(self) -> None:
        if self.given == self.at:
            (CHANGES | HARMLESS)[self.change](Path(self.path))
