"""What is computed once a run, however often it is asked for: kept by a digest of what it came from, up to so many bytes."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Generic, TypeVar

from bench.types import Image

MOST_BYTES = 64 * 1024**2  # 40,000 vectors of 384 numbers, or some thousands of pages or of hours of speech
_ENTRY_BYTES = 400  # about what an entry takes beside its value

Value = TypeVar("Value")


class Remembered(Generic[Value]):
    """Values by key, those used last; `size` says how many bytes a value takes. Threads may share it.

    Keys are digests of contents: a model gets texts and files under neutral names, and a copy of a file is gone two batches
    later. What is kept belongs to one load of a model, whose `load` clears it. A key that went is computed again, so that
    a value must not depend on what else was asked for: else a run that was resumed would answer otherwise.
    """

    def __init__(self, size: Callable[[Value], int], most_bytes: int = MOST_BYTES) -> None:
        self.most_bytes, self.n_bytes = most_bytes, 0
        self._size = size
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: Hashable) -> Value | None:
        """The value, None where it is not (or no longer) there."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def keep(self, key: Hashable, value: Value) -> None:
        """Keep a value; the ones that were not used for longest make room."""
        with self._lock:
            if key in self._values:
                self._drop(key)
            self._values[key] = value
            self.n_bytes += self._size(value) + _ENTRY_BYTES
            while self.n_bytes > self.most_bytes:
                self._drop(next(iter(self._values)))

    def _drop(self, key: Hashable) -> None:
        self.n_bytes -= self._size(self._values.pop(key)) + _ENTRY_BYTES

    def clear(self) -> None:
        """Forget all of it."""
        with self._lock:
            self._values.clear()
            self.n_bytes = 0


def of_text(text: str) -> bytes:
    """The digest of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def of_picture(image: Image) -> bytes:
    """The digest of a picture's bytes."""
    return hashlib.sha256(image.data).digest()


def of_file(path: str) -> bytes | None:
    """The digest of a file's bytes, None where there is no file."""
    place = Path(path)
    if not place.is_file():
        return None
    with place.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
