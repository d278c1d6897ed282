"""A text model that can listen: a recogniser writes down what is said, and the text model answers."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from bench.errors import BenchError
from bench.models import sound
from bench.models.base import Answered, Device, Model, flat
from bench.models.composite import Composite
from bench.types import Audio, Choose, Part, Prediction, Request, Span, Text, Transcribe

_KEPT = 1_024  # transcripts; several questions may be asked about a recording


class SoundOff(Model):
    """A recogniser that hears nothing: for pipelines that only watch."""

    parts = frozenset({"audio"})
    outputs = (Transcribe,)
    revision = "1"
    uses_device = False

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        """No words."""
        return [Prediction(request.id, text="") for request in batch]


class ListenThenRead(Composite):
    """`recogniser` writes the recording down in `language`; `text_model` answers from its words, behind those of `lead`.

    What is said stands where the recording stood. Where a request to choose holds no text of its own, the labels are named in
    a system message, which a text model would otherwise never see.
    """

    parts = frozenset({"text", "audio"})
    needs = frozenset({"audio"})
    stages = ("recogniser", "text_model")

    def __init__(self, recogniser: Model, text_model: Model, language: str = "en", lead: str = "") -> None:
        refuse_others(recogniser, text_model)
        self.recogniser, self.text_model, self.language, self.lead = recogniser, text_model, language, lead
        self.outputs = text_model.outputs
        self._transcripts: OrderedDict[tuple[str, int, int], str] = OrderedDict()

    def load(self, device: Device, *, seed: int) -> None:
        """Load both, and forget what was heard: another device or precision may hear something else."""
        self._transcripts.clear()
        super().load(device, seed=seed)

    def cost(self, request: Request) -> int:
        """The size of the files, then the length of the text."""
        return sound.n_tokens(self.files(request)) + sum(
            len(part.text) // 4 for part in request.parts if isinstance(part, Text)
        )

    def prepare(self, batch: Sequence[Request]) -> None:
        """Let the recogniser read what it has not heard yet; what cannot be read is left to `predict`."""
        for request in batch:
            with contextlib.suppress(ValueError):
                if asked := [self._spoken(path) for path in self.to_hear(request) if self._unheard(path)]:
                    self.recogniser.prepare(asked)

    def predict(self, batch: Sequence[Request]) -> Answered:
        """Listen to the recordings, then ask the text model."""
        heard = self.heard(batch)
        return self.text_model.predict([self.as_read(request, heard) for request in batch])

    def heard(self, batch: Sequence[Request]) -> dict[str, str]:
        """What is said in each recording of the requests, by its path; raises ValueError when one cannot be read."""
        paths = list(dict.fromkeys(path for request in batch for path in self.to_hear(request)))
        asked = [self._spoken(path) for path in paths if self._unheard(path)]
        found = {p.id: p.text or "" for p in (flat(self.recogniser.predict(asked)) if asked else ())}
        for path in paths:
            key = _key(path)
            found[path] = self._transcripts[key] = found[path] if path in found else self._transcripts[key]
            self._transcripts.move_to_end(key)
        while len(self._transcripts) > _KEPT:
            self._transcripts.popitem(last=False)
        return found

    def _unheard(self, path: str) -> bool:
        return _key(path) not in self._transcripts

    def files(self, request: Request) -> list[str]:
        """The paths of what is to be listened to."""
        return recordings(request)

    def to_hear(self, request: Request) -> Iterable[str]:
        """Those of the files that the recogniser is asked about."""
        return self.files(request)

    def _spoken(self, path: str) -> Request:
        return Request(path, (Audio(path),), Transcribe(self.language))

    def as_read(self, request: Request, heard: dict[str, str]) -> Request:
        """The request with words in place of sound."""
        parts: list[Part] = [self.said(heard[part.path]) if isinstance(part, Audio) else part for part in request.parts]
        return finished(request, parts, " ".join(heard[path] for path in recordings(request)))

    def said(self, words: str) -> Text:
        """What the text model reads in place of a recording."""
        return Text(self.lead + words)


def refuse_others(recogniser: Model, reader: Model) -> None:
    """Raise BenchError unless the one writes down recordings and the other reads text."""
    if "audio" not in recogniser.parts or Transcribe not in recogniser.outputs:
        raise BenchError(
            f"model.recogniser is a {type(recogniser).__name__}, which writes down no speech; choose a recogniser"
        )
    if "text" not in reader.parts or reader.needs - {"text"}:
        raise BenchError(f"{type(reader).__name__} cannot answer from text alone; choose a model that does")


def recordings(request: Request) -> list[str]:
    """The paths of a request's recordings."""
    return [part.path for part in request.parts if isinstance(part, Audio)]


def finished(request: Request, parts: list[Part], words: str) -> Request:
    """The request with other parts: the labels named where it has no text of its own, the words as the context of a span."""
    output = request.output
    if isinstance(output, Choose) and not any(isinstance(part, Text) for part in request.parts):
        parts = [Text(f"Choose one of: {', '.join(output.labels)}.", "system"), *parts]
    if isinstance(output, Span) and output.context is None:
        output = replace(output, context=words)
    return Request(request.id, tuple(parts), output)


def _key(path: str) -> tuple[str, int, int]:
    """The file as it is now; a file that is missing is left to the recogniser, which says so."""
    place = Path(path)
    if not place.is_file():
        return path, 0, 0
    found = place.stat()
    return path, found.st_size, found.st_mtime_ns
