"""A text model that can read pages: OCR turns each picture into text, and the text model answers."""

from __future__ import annotations

import hashlib
import io
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from bench import artifacts
from bench.errors import BenchError
from bench.models.base import Device, Model
from bench.types import Generate, Image, Part, Prediction, Request, Span, Text

_PAGES_KEPT = 64  # several questions are asked about a page; they come close together


class OcrPipeline(Model):
    """RapidOCR reads the picture, `text_model` answers.

    `detector` and `recogniser` are its ONNX weights, as pinned URIs with their sha256. `lines_kept` drops all but this share
    of the lines (an ablation).
    """

    parts = frozenset({"text", "image"})
    needs = frozenset({"image"})
    outputs = (Generate,)

    def __init__(
        self,
        text_model: Model,
        detector: str,
        detector_sha256: str,
        recogniser: str,
        recogniser_sha256: str,
        lines_kept: float = 1.0,
    ) -> None:
        if not 0 < lines_kept <= 1:
            raise BenchError(f"model.lines_kept={lines_kept} must be above 0 and at most 1")
        self.text_model, self.lines_kept = text_model, lines_kept
        self.weights = {"Det": (detector, detector_sha256), "Rec": (recogniser, recogniser_sha256)}
        try:
            reader = f"rapidocr {version('rapidocr')}"
        except PackageNotFoundError:
            reader = ""
        self.revision = f"{reader} + {text_model.revision}"
        self.weights_sha256 = " + ".join([detector_sha256, recogniser_sha256, text_model.weights_sha256])
        self._pages: OrderedDict[str, str] = OrderedDict()

    def fetch(self) -> None:
        """Bring the reader's and the text model's weights."""
        for uri, sha256 in self.weights.values():
            artifacts.locate(uri, sha256=sha256, fetch="bench fetch model=NAME")
        self.text_model.fetch()

    def load(self, device: Device, *, seed: int) -> None:
        """Load the reader and the text model."""
        try:
            from rapidocr import RapidOCR
        except ImportError:
            raise BenchError(
                "reading pictures needs RapidOCR; install it with `pip install 'finai-bench[ocr]'`"
            ) from None
        options: dict[str, Any] = {"Global.log_level": "error", "Global.use_cls": False}
        options["EngineConfig.onnxruntime.intra_op_num_threads"] = device.threads
        for part, (uri, sha256) in self.weights.items():
            options[f"{part}.model_path"] = str(artifacts.locate(uri, sha256=sha256, fetch="bench fetch model=NAME"))
        self.reader: Any = RapidOCR(params=options)
        self.text_model.load(device, seed=seed)

    def sync(self) -> None:
        """Wait for the text model's device."""
        self.text_model.sync()

    def device_memory_bytes(self) -> int | None:
        """The text model's."""
        return self.text_model.device_memory_bytes()

    def read(self, image: Image) -> str:
        """The text of a page, a line for each line that was found, top to bottom; fields of one line are joined by " | "."""
        key = hashlib.sha256(image.data).hexdigest()
        if key not in self._pages:
            import numpy as np
            from PIL import Image as Pillow

            page = Pillow.open(io.BytesIO(image.data)).convert("RGB")
            found = self.reader(np.asarray(page)[:, :, ::-1])  # RapidOCR takes BGR, as OpenCV does
            boxes = zip(found.boxes, found.txts, strict=True) if found.boxes is not None else ()
            self._pages[key] = "\n".join(self._kept(in_lines([(box.tolist(), text) for box, text in boxes])))
            if len(self._pages) > _PAGES_KEPT:
                self._pages.popitem(last=False)
        return self._pages[key]

    def _kept(self, lines: list[str]) -> list[str]:
        """Evenly spaced lines, `lines_kept` of them."""
        return [line for i, line in enumerate(lines) if int((i + 1) * self.lines_kept) > int(i * self.lines_kept)]

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        """Read the pictures, then ask the text model."""
        return self.text_model.predict([self._as_text(request) for request in batch])

    def _as_text(self, request: Request) -> Request:
        pages: list[str] = []
        parts: list[Part] = []
        for part in request.parts:
            if isinstance(part, Image):
                pages.append(self.read(part))
                parts.append(Text(f"Page: {pages[-1]}"))
            else:
                parts.append(part)
        output = request.output
        if isinstance(output, Span) and pages:
            output = replace(output, context="\n".join(pages))
        return Request(request.id, tuple(parts), output)


def in_lines(boxes: Sequence[tuple[Sequence[Sequence[float]], str]]) -> list[str]:
    """Texts with their four-cornered boxes as lines: those whose middles lie within half a height of each other are one.

    >>> in_lines([([[50, 0], [90, 0], [90, 10], [50, 10]], "12.00"), ([[0, 1], [40, 1], [40, 11], [0, 11]], "Total")])
    ['Total | 12.00']
    """
    placed = []
    for corners, text in boxes:
        xs, ys = zip(*corners, strict=True)
        placed.append((sum(ys) / 4, max(ys) - min(ys), min(xs), text))
    lines: list[list[tuple[float, float, float, str]]] = []
    for item in sorted(placed):
        last = lines[-1] if lines else []
        if last and abs(item[0] - last[-1][0]) < 0.5 * min(item[1], last[-1][1]):
            last.append(item)
        else:
            lines.append([item])
    return [" | ".join(text for _, _, _, text in sorted(line, key=lambda item: item[2])) for line in lines]
