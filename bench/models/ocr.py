"""A text model that can read pages: OCR turns each picture into text, and the text model answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.errors import BenchError
from bench.models.base import Answered, Model
from bench.models.page_values import PAGE
from bench.models.pages import PageReader, Reader
from bench.models.reading import Reading
from bench.types import Image, Part, Request, Span, Text


class OcrPipeline(Reading):
    """A reader (RapidOCR) reads the pictures, `text_model` answers; a request without pictures is the text model's alone.

    `detector` and `recogniser` are its ONNX weights, as pinned URIs with their sha256; `reader` is another reader in its place.
    `lines_kept` drops all but this share of the lines (an ablation).
    """

    stages = ("reader", "text_model")

    def __init__(
        self,
        text_model: Model,
        detector: str = "",
        detector_sha256: str = "",
        recogniser: str = "",
        recogniser_sha256: str = "",
        lines_kept: float = 1.0,
        reader: Reader | None = None,
    ) -> None:
        weights = (detector, detector_sha256, recogniser, recogniser_sha256)
        if any(weights) if reader else not all(weights):
            raise BenchError(
                "a pipeline that reads pages needs either model.detector and model.recogniser with their sha256, or model.reader"
            )
        if reader is not None and not isinstance(reader, Reader):
            raise BenchError(f"model.reader={type(reader).__name__} reads no pages; choose rapidocr or tesseract")
        if not 0 < lines_kept <= 1:
            raise BenchError(f"model.lines_kept={lines_kept} must be above 0 and at most 1")
        self.take(text_model, frozenset({"image"}))
        self.text_model, self.lines_kept = text_model, lines_kept
        self.reader = reader or PageReader(*weights)

    def reads(self, request: Request) -> bool:
        """Whether it holds a picture."""
        return any(isinstance(part, Image) for part in request.parts)

    def ahead(self, batch: Sequence[Request]) -> None:
        """Read the pages of a batch that comes next; one that cannot be read fails in `predict`."""
        self.reader.prepare(batch)

    def read(self, image: Image) -> str:
        """The text of a page, a line for each line that was found, top to bottom; fields of one line are joined by " | "."""
        return "\n".join(self._kept(self.reader.lines(image)))

    def _kept(self, lines: list[str]) -> list[str]:
        """Evenly spaced lines, `lines_kept` of them."""
        return [line for i, line in enumerate(lines) if int((i + 1) * self.lines_kept) > int(i * self.lines_kept)]

    def predict(self, batch: Sequence[Request]) -> Answered:
        """Read the pictures, then pass on what the text model answers, as it comes."""
        return self.text_model.predict([self._as_text(request) for request in batch])

    def _as_text(self, request: Request) -> Request:
        if not self.reads(request):
            return request
        pages: list[str] = []
        parts: list[Part] = []
        for part in request.parts:
            if isinstance(part, Image):
                pages.append(self.read(part))
                parts.append(Text(PAGE + pages[-1]))
            else:
                parts.append(part)
        output = request.output
        if isinstance(output, Span) and pages:
            output = replace(output, context="\n".join(pages))
        return Request(request.id, tuple(parts), output)
