"""A text model that can read pages: OCR turns each picture into text, and the text model answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.errors import BenchError
from bench.models.base import Answered, Model
from bench.models.pages import PageReader
from bench.models.reader import Reader
from bench.types import Generate, Image, Part, Request, Span, Text


class OcrPipeline(Reader):
    """RapidOCR reads the picture, `text_model` answers; a request without a picture goes straight to that, as it is.

    `detector` and `recogniser` are its ONNX weights, as pinned URIs with their sha256. `lines_kept` drops all but this share
    of the lines (an ablation).
    """

    stages = ("reader", "text_model")

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
        self.parts = text_model.parts | {"image"}
        self.outputs = (*text_model.outputs, Generate)  # an extractive one is asked for the span that a reply is
        self.reader = PageReader(detector, detector_sha256, recogniser, recogniser_sha256)

    def reads(self, request: Request) -> bool:
        """Whether it holds a picture."""
        return any(isinstance(part, Image) for part in request.parts)

    def read_ahead(self, batch: Sequence[Request]) -> None:
        """Read the pages of a batch that comes next."""
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
