"""A text model that can listen: a recogniser writes down what is said, and the text model answers."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from bench.errors import BenchError
from bench.models import sound
from bench.models.base import Answered, Device, Model, flat
from bench.models.reading import Reading
from bench.models.remembered import Remembered, of_file
from bench.types import Audio, Choose, Part, Prediction, Request, Span, Text, Transcribe, Video


class SoundOff(Model):
    """A recogniser that hears nothing: for pipelines that only watch."""

    parts = frozenset({"audio"})
    outputs = (Transcribe,)
    revision = "1"
    uses_device = False
    answers_alone = True

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        """No words."""
        return [Prediction(request.id, text="", finish="stop") for request in batch]


class ListenThenRead(Reading):
    """`recogniser` writes the recording down in `language`; `text_model` answers from its words, behind those of `lead`.

    What is said stands where the recording stood. Where a request to choose holds no text of its own, the labels are named in
    a system message, which a text model would otherwise never see. A request without recordings is the text model's alone.

    A recording is heard once a run, whatever its file is called. In bfloat16 and float16 what is heard may depend on the other
    recordings that go through the recogniser with it, and which these are, on where a run was resumed: there each goes alone,
    unless the recogniser says that this makes no difference (`answers_alone`).
    """

    stages = ("recogniser", "text_model")
    listens_to: ClassVar[type[Audio] | type[Video]] = Audio

    def __init__(self, recogniser: Model, text_model: Model, language: str = "en", lead: str = "") -> None:
        refuse_deaf(recogniser)
        self.take(text_model, frozenset({self.listens_to.kind}))
        self.recogniser, self.text_model, self.language, self.lead = recogniser, text_model, language, lead
        self._transcripts: Remembered[str] = Remembered(sys.getsizeof)
        self._together = recogniser.answers_alone

    def load(self, device: Device, *, seed: int) -> None:
        """Load both, and forget what was heard: another device or precision may hear something else."""
        self._transcripts.clear()
        self._together = self.recogniser.answers_alone or device.dtype == "float32"
        super().load(device, seed=seed)

    def forget(self) -> None:
        """Forget what was heard."""
        self._transcripts.clear()
        super().forget()

    def reads(self, request: Request) -> bool:
        """Whether it holds a recording, or a film where films are watched."""
        return any(isinstance(part, self.listens_to) for part in request.parts)

    def cost(self, request: Request) -> int:
        """The size of the files, then the length of the text; what the text model says where there is nothing to hear."""
        if not self.reads(request):
            return super().cost(request)
        return sound.n_tokens(self.files(request)) + sum(
            len(part.text) // 4 for part in request.parts if isinstance(part, Text)
        )

    def ahead(self, batch: Sequence[Request]) -> None:
        """Let the recogniser read what it has not heard yet; what cannot be read is left to `predict`."""
        for request in batch:
            with contextlib.suppress(ValueError):
                if asked := [self._spoken(path) for path in self.to_hear(request) if self._unheard(path)]:
                    self.recogniser.prepare(asked)

    def predict(self, batch: Sequence[Request]) -> Answered:
        """Listen to the recordings, then pass on what the text model answers, as it comes."""
        heard = self.heard(batch)
        return self.text_model.predict(
            [self.as_read(request, heard) if self.reads(request) else request for request in batch]
        )

    def heard(self, batch: Sequence[Request]) -> dict[str, str]:
        """What is said in each recording of the requests, by its path; raises ValueError when one cannot be read."""
        paths = dict.fromkeys(path for request in batch for path in self.to_hear(request))
        keys = {path: of_file(path) or path for path in paths}  # of a missing file the recogniser says that it is
        known = {key: words for key in keys.values() if (words := self._transcripts.get(key)) is not None}
        unheard: dict[bytes | str, str] = {}
        for path, key in keys.items():
            if key not in known:
                unheard.setdefault(key, path)  # the first of those that are alike
        for key, words in self._listened(unheard):
            self._transcripts.keep(key, words)
            known[key] = words
        return {path: known[key] for path, key in keys.items()}

    def _listened(self, paths: Mapping[bytes | str, str]) -> Iterator[tuple[bytes | str, str]]:
        """What the recogniser hears in these recordings, by their keys; raises ValueError for one that it failed on, at the end."""
        keys = {path: key for key, path in paths.items()}
        asked = [self._spoken(path) for path in keys]
        for group in [asked] if self._together and asked else [[one] for one in asked]:
            found = list(flat(self.recogniser.predict(group)))
            yield from ((keys[one.id], one.text or "") for one in found if one.error is None)
            if failed := next((one for one in found if one.error is not None), None):
                raise ValueError(failed.error)

    def _unheard(self, path: str) -> bool:
        return self._transcripts.get(of_file(path) or path) is None

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


def refuse_deaf(recogniser: Model) -> None:
    """Raise BenchError unless it writes down recordings."""
    if "audio" not in recogniser.parts or Transcribe not in recogniser.outputs:
        raise BenchError(
            f"model.recogniser is a {type(recogniser).__name__}, which writes down no speech; choose a recogniser"
        )


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
