"""Readers of pages: what stands on a picture, in lines and in words with their boxes; and RapidOCR, which is one of them."""

from __future__ import annotations

import contextlib
import sys
import threading
from abc import abstractmethod
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeVar

from bench.artifacts.fetch import locate
from bench.errors import BenchError
from bench.models.base import Device, Model
from bench.models.page_places import BETWEEN, Corners, Word, in_lines, reading_order, scaled, split_line
from bench.models.pictures import decoded
from bench.models.remembered import Remembered, of_picture
from bench.types import Image, Prediction, Read, Request

_WORD_BYTES = 300  # about what a word's box takes
_FETCH = "bench fetch model=NAME"
Found = TypeVar("Found")


class Reader(Model):
    """Reads pages; each different page is read once a run, and alone, so that what is kept of it does not depend on the others.

    As a model it answers with the lines of a request's pages, from top to bottom.
    """

    parts = frozenset({"text", "image"})
    needs = frozenset({"image"})
    outputs = (Read,)
    answers_alone = True

    def __init__(self) -> None:
        self._kept: Remembered[list[Any]] = Remembered(_size)
        self._reading = threading.Lock()  # pages are also read ahead, in another thread; what is kept is had without it

    @abstractmethod
    def load(self, device: Device, *, seed: int = 0) -> None:
        """Load the reader, which computes on the CPU."""

    @abstractmethod
    def _lines(self, image: Image) -> list[str]:
        """The lines of a page, read now; raises ValueError for a picture that cannot be read."""

    @abstractmethod
    def _words(self, image: Image) -> list[Word]:
        """The words of a page, read now; raises ValueError for a picture that cannot be read."""

    def forget(self) -> None:
        """Forget the pages."""
        self._kept.clear()

    def lines(self, image: Image) -> list[str]:
        """A text for each line that was found, top to bottom; fields of one line are joined by " | "."""
        return self._remembered("lines", image, self._lines)

    def words(self, image: Image) -> list[Word]:
        """The words of each line that was found, with their boxes, in the order in which lines are read."""
        return self._remembered("words", image, self._words)

    def prepare(self, batch: Sequence[Request], *, words: bool = False) -> None:
        """Read the pictures of these requests, so that they are there when asked for; what cannot be read is left."""
        for image in (image for request in batch for image in _pages(request)):
            with contextlib.suppress(ValueError):
                self.words(image) if words else self.lines(image)

    def units(self, batch: Sequence[Request]) -> list[list[Request]]:
        """Each request by itself: a page takes long, and says nothing of another."""
        return [[request] for request in batch]

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        """What stands on the pages of each request; one with a page that cannot be read has its own `error`."""
        return [self._said(request) for request in batch]

    def _said(self, request: Request) -> Prediction:
        try:
            lines = [line for page in _pages(request) for line in self.lines(page)]
        except ValueError as error:
            return Prediction(request.id, error=str(error))
        # Where all the text is asked for, what stands apart in a row is apart by a blank, as a person would write it down.
        between = " " if isinstance(request.output, Read) else BETWEEN
        return Prediction(request.id, text="\n".join(line.replace(BETWEEN, between) for line in lines), finish="stop")

    def _remembered(self, kind: str, image: Image, read: Callable[[Image], list[Found]]) -> list[Found]:
        try:
            key = kind, of_picture(image)
        except OSError:
            return read(image)  # which says why its file cannot be read
        if (found := self._kept.get(key)) is None:
            with self._reading:
                if (found := self._kept.get(key)) is None:  # the other thread may have read it meanwhile
                    found = read(image)
                    self._kept.keep(key, found)
        return found


class PageReader(Reader):
    """RapidOCR with these ONNX weights, pinned URIs with their sha256."""

    def __init__(self, detector: str, detector_sha256: str, recogniser: str, recogniser_sha256: str) -> None:
        super().__init__()
        self.weights = {"Det": (detector, detector_sha256), "Rec": (recogniser, recogniser_sha256)}
        try:
            self.revision = f"rapidocr {version('rapidocr')}"
        except PackageNotFoundError:
            self.revision = ""
        self.weights_sha256 = f"{detector_sha256} + {recogniser_sha256}"
        self._engine: Any = None

    def fetch(self) -> None:
        """Bring the weights."""
        for uri, sha256 in self.weights.values():
            locate(uri, sha256=sha256, fetch=_FETCH)

    def load(self, device: Device, *, seed: int = 0) -> None:
        """Load the reader, which computes on the CPU; raises BenchError when RapidOCR is not installed."""
        self._kept.clear()
        try:
            from rapidocr import RapidOCR
        except ImportError:
            raise BenchError(
                "reading pictures needs RapidOCR; install it with `pip install 'finai-bench[ocr]'`"
            ) from None
        options: dict[str, Any] = {"Global.log_level": "error", "Global.use_cls": False}
        options["EngineConfig.onnxruntime.intra_op_num_threads"] = device.threads
        for part, (uri, sha256) in self.weights.items():
            options[f"{part}.model_path"] = str(locate(uri, sha256=sha256, fetch=_FETCH))
        try:
            self._engine = RapidOCR(params=options)
            # It would load them with the first page, where a bad file fails each page by itself.
            for part in ("det", "rec"):
                getattr(self._engine, f"_load_{part}_model", lambda: None)()
        except (
            Exception
        ) as error:  # what onnxruntime raises for a file that is no model of its own operators is anything
            names = " or ".join(uri for uri, _ in self.weights.values())
            line = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise BenchError(
                f"{names} cannot be read as a model ({line[:200]}); correct the address in conf/"
            ) from error

    def _read(self, image: Image, *, words: bool) -> tuple[Any, tuple[int, int]]:
        """What RapidOCR says of the picture, and its width and height in pixels."""
        import numpy as np

        page = decoded(image)
        pixels = np.asarray(page)[:, :, ::-1]  # RapidOCR takes BGR, as OpenCV does
        return self._engine(pixels, return_word_box=words), page.size

    def _lines(self, image: Image) -> list[str]:
        found, _ = self._read(image, words=False)
        boxes = zip(found.boxes, found.txts, strict=True) if found.boxes is not None else ()
        return in_lines([(box.tolist(), text) for box, text in boxes])

    def _words(self, image: Image) -> list[Word]:
        found, size = self._read(image, words=True)
        if found.boxes is None:
            return []
        lines = [(box.tolist(), text) for box, text in zip(found.boxes, found.txts, strict=True)]
        # Its own word boxes come from where the recogniser saw each character; it has none for a line it could not cut.
        cut = found.word_results if len(found.word_results) == len(lines) else [()] * len(lines)
        words: list[tuple[str, Corners]] = []
        for i in reading_order([corners for corners, _ in lines]):
            own = [(text, corners) for text, _, corners in cut[i] if text.strip()] if all(cut[i]) else []
            words += own or split_line(*lines[i])
        return [Word(text, scaled(corners, size)) for text, corners in words]


def _size(found: Sequence[str | Word]) -> int:
    return sum(sys.getsizeof(one) if isinstance(one, str) else sys.getsizeof(one.text) + _WORD_BYTES for one in found)


def _pages(request: Request) -> list[Image]:
    return [part for part in request.parts if isinstance(part, Image)]
