"""Pages: pictures as pixels, and what RapidOCR reads on them, in lines and in words with their boxes."""

from __future__ import annotations

import contextlib
import io
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

from bench.artifacts.fetch import locate
from bench.errors import BenchError
from bench.models.base import Device, Model
from bench.models.remembered import Remembered, of_picture
from bench.types import Generate, Image, ImageFile, Prediction, Request

PICTURES = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM")  # of Pillow's others, EPS would start another program
MOST_PIXELS = 80_000_000  # of one picture, 240 MB in RGB
MOST_PICTURE_BYTES = 100 * 1024**2  # of its file
_WORD_BYTES = 300  # about what a word's box takes
_FETCH = "bench fetch model=NAME"
Found = TypeVar("Found")
Corners = Sequence[Sequence[float]]


@dataclass(frozen=True)
class Word:
    """A word of a page; `box` is (left, top, right, bottom), each from 0 to 1000 of the page's width or height."""

    text: str
    box: tuple[int, int, int, int]


def decoded(image: Image, max_side: int | None = None) -> Any:
    """The picture in RGB, no side longer than `max_side` pixels; raises ValueError when it is too large or cannot be read."""
    from PIL import Image as Pillow

    data = b""
    try:
        if isinstance(image, ImageFile) and Path(image.path).stat().st_size > MOST_PICTURE_BYTES:
            raise ValueError(f"its file is larger than {MOST_PICTURE_BYTES:,} bytes")
        data = image.data
        with Pillow.open(io.BytesIO(data), formats=PICTURES) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise Pillow.DecompressionBombError
            picture = opened.convert("RGB")
    except Exception as error:  # a damaged picture makes its decoder raise what it likes
        kind = f"{len(data)} bytes" if data else "empty"
        bomb = isinstance(error, Pillow.DecompressionBombError)
        why = str(error) if type(error) is ValueError else type(error).__name__
        why = f"it has more than {MOST_PIXELS:,} pixels" if bomb else why
        raise ValueError(f"the picture ({image.media_type}, {kind}) cannot be read: {why[:200]}") from None
    if max_side is not None and max(picture.size) > max_side:
        picture.thumbnail((max_side, max_side), Pillow.Resampling.LANCZOS)
    return picture


class PageReader(Model):
    """RapidOCR with these ONNX weights, pinned URIs with their sha256; each different page is read once a run.

    A page is read alone, so that what is kept of it does not depend on the others. As a model it answers with the lines of a
    request's pages.
    """

    parts = needs = frozenset({"image"})
    outputs = (Generate,)

    def __init__(self, detector: str, detector_sha256: str, recogniser: str, recogniser_sha256: str) -> None:
        self.weights = {"Det": (detector, detector_sha256), "Rec": (recogniser, recogniser_sha256)}
        try:
            self.revision = f"rapidocr {version('rapidocr')}"
        except PackageNotFoundError:
            self.revision = ""
        self.weights_sha256 = f"{detector_sha256} + {recogniser_sha256}"
        self._engine: Any = None
        self._kept: Remembered[list[Any]] = Remembered(_size)
        self._reading = threading.Lock()  # pages are also read ahead, in another thread; what is kept is had without it

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
            for part in (
                "det",
                "rec",
            ):  # it would load them with the first page, where a bad file fails each page by itself
                getattr(self._engine, f"_load_{part}_model", lambda: None)()
        except (
            Exception
        ) as error:  # what onnxruntime raises for a file that is no model of its own operators is anything
            names = " or ".join(uri for uri, _ in self.weights.values())
            line = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise BenchError(
                f"{names} cannot be read as a model ({line[:200]}); correct the address in conf/"
            ) from error

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

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        """What stands on the pages of each request."""
        return [
            Prediction(
                request.id, text="\n".join(line for page in _pages(request) for line in self.lines(page)), finish="stop"
            )
            for request in batch
        ]

    def _remembered(self, kind: str, image: Image, read: Callable[[Image], list[Found]]) -> list[Found]:
        key = kind, of_picture(image)
        if (found := self._kept.get(key)) is None:
            with self._reading:
                if (found := self._kept.get(key)) is None:  # the other thread may have read it meanwhile
                    found = read(image)
                    self._kept.keep(key, found)
        return found

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


def scaled(corners: Corners, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The upright box around the corners, from 0 to 1000 of the page's (width, height).

    >>> scaled([[10, 20], [50, 20], [50, 40], [10, 40]], (100, 200))
    (100, 100, 500, 200)
    """
    xs, ys = ([point[i] * 1000 / size[i] for point in corners] for i in (0, 1))
    left, top, right, bottom = (min(1000, max(0, round(v))) for v in (min(xs), min(ys), max(xs), max(ys)))
    return left, top, right, bottom


def split_line(corners: Corners, text: str) -> list[tuple[str, Corners]]:
    """The words of a line, each with its share of the line's upright box by counting characters.

    >>> split_line([[0, 0], [70, 0], [70, 9], [0, 9]], "ab cdef")
    [('ab', [[0.0, 0], [20.0, 9]]), ('cdef', [[30.0, 0], [70.0, 9]])]
    """
    xs, ys = zip(*corners, strict=True)
    left, step, at = min(xs), (max(xs) - min(xs)) / max(1, len(text)), 0
    words: list[tuple[str, Corners]] = []
    for word in text.split():
        at = text.index(word, at)
        words.append((word, [[left + at * step, min(ys)], [left + (at + len(word)) * step, max(ys)]]))
        at += len(word)
    return words


def reading_order(boxes: Sequence[Corners]) -> list[int]:
    """The places of four-cornered boxes, line by line from the top and from left to right within a line."""
    return [i for line in _rows(boxes) for i in line]


def in_lines(boxes: Sequence[tuple[Corners, str]]) -> list[str]:
    """Texts with their four-cornered boxes as lines: those whose middles lie within half a height of each other are one.

    >>> in_lines([([[50, 0], [90, 0], [90, 10], [50, 10]], "12.00"), ([[0, 1], [40, 1], [40, 11], [0, 11]], "Total")])
    ['Total | 12.00']
    """
    return [" | ".join(boxes[i][1] for i in line) for line in _rows([corners for corners, _ in boxes])]


def _rows(boxes: Sequence[Corners]) -> list[list[int]]:
    """The places of the boxes in rows from the top, each from left to right."""
    placed = []
    for i, corners in enumerate(boxes):
        xs, ys = zip(*corners, strict=True)
        placed.append((sum(ys) / 4, max(ys) - min(ys), min(xs), i))
    rows: list[list[tuple[float, float, float, int]]] = []
    for item in sorted(placed):
        last = rows[-1] if rows else []
        if last and abs(item[0] - last[-1][0]) < 0.5 * min(item[1], last[-1][1]):
            last.append(item)
        else:
            rows.append([item])
    return [[i for _, _, _, i in sorted(row, key=lambda item: item[2])] for row in rows]
