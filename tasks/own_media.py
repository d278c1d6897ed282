"""Pictures and recordings of one's own by a file of conf/task alone: questions on pages, and what is said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import ClassVar

from bench.data.look import Look
from bench.data.shapes import TRANSCRIPT, a_text
from bench.errors import BenchError
from bench.metrics.metric import AnyMetric
from bench.metrics.reading import ANLS
from bench.metrics.speech import WER, as_it_stands
from bench.task import Unparsed
from bench.types import Audio, Example, ImageFile, Json, Prediction, Request, Span, Transcribe
from tasks.answers import said_shortly
from tasks.own_rows import RowsTask, some
from tasks.prompts import page
from tasks.slices import of_short_answer, words
from tasks.transcripts import spoken_words

_PICTURES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}
_SOUNDS = (".wav", ".flac", ".mp3", ".ogg")


class _FilesTask(RowsTask):
    """Rows that name a file each, below the folder in which the rows lie."""

    endings: ClassVar[tuple[str, ...]]

    def place(self, name: str, where: str) -> Path:
        """The file; raises BenchError for one that is not there, lies elsewhere or has another ending."""
        root, path = self.data.here(), PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name or path.suffix.lower() not in self.endings:
            raise BenchError(
                f"{where}: found {name[:80]!r}, expected a file below the folder of the rows, ending in {' or '.join(self.endings)}"
            )
        found = (root if root and root.is_dir() else root.parent if root else Path()) / path
        if not found.is_file():
            raise BenchError(f"{where}: {found} does not exist; put it there, or take the row out")
        return found

    def problems(self) -> Iterator[str]:
        """Those of every task, and files that are not there."""
        yield from super().problems()
        for example in self.examples():
            try:
                self.place(example.inputs["file"], f"example {example.id}")
            except BenchError as error:
                yield str(error)


class PageTask(_FilesTask):
    """Short answers to the column `question` on the picture that `image` names; `answer` is accepted, in JSON Lines also a list."""

    output = Span
    parts = frozenset({"text", "image"})
    roles = ("image", "question", "answer")
    metrics: ClassVar[tuple[AnyMetric, ...]] = (ANLS,)
    endings = tuple(_PICTURES)

    def of_row(self, where: str, row: Mapping[str, Json]) -> tuple[Mapping[str, Json], Json, str]:
        """Picture and question, and the accepted answers; questions on one picture are a cluster."""
        inputs = {"file": self.text(row, "image", where), "question": self.text(row, "question", where)}
        name = self.named("answer")
        return inputs, some(row.get(name), f"{where}: {name!r}") or None, inputs["file"]

    def request(self, example: Example) -> Request:
        """The picture, then the question."""
        question, path = example.inputs["question"], self.place(example.inputs["file"], f"example {example.id}")
        picture = ImageFile(str(path), _PICTURES[path.suffix.lower()])
        return Request(example.id, page(picture, question), Span(24, ("\n", '"'), question, None))

    def answer(self, prediction: Prediction) -> str | Unparsed:
        """The first line, without a lead or quotes; a final full stop stays, since characters are compared."""
        return said_shortly(prediction, keep_full_stop=True)

    def checked(self, example: Example, answer: Json) -> str:
        """A text."""
        return a_text(answer)

    def ideal(self, example: Example) -> Prediction:
        """The first accepted answer."""
        return Prediction(example.id, text=example.target[0])

    def slices(self, example: Example) -> Mapping[str, str]:
        """The question's word and the answer's length."""
        return of_short_answer(example)


class SpeechTask(_FilesTask):
    """The words of the recording that `audio` names, held against `transcript`; `about.language` is en where it is not said."""

    output = Transcribe
    parts = frozenset({"audio"})
    roles = ("audio", "transcript")
    about_too = (*RowsTask.about_too, "language")
    metrics: ClassVar[tuple[AnyMetric, ...]] = (WER,)
    endings = _SOUNDS
    language: ClassVar[str]

    @classmethod
    def defined(cls, about: Mapping[str, Json]) -> Mapping[str, Json]:
        """The language."""
        return {**super().defined(about), "language": str(about.get("language") or "en")}

    def of_row(self, where: str, row: Mapping[str, Json]) -> tuple[Mapping[str, Json], Json, str]:
        """The recording, and its words in small letters without punctuation."""
        file, said = self.text(row, "audio", where), self.may_be(row, "transcript", where)
        target = None if said is None else spoken_words(said).lower().split()
        if target == []:
            raise BenchError(f"{where}: 'transcript' is {said!r}, which holds no word; correct the row")
        return {"file": file}, target, file

    def request(self, example: Example) -> Request:
        """The recording alone."""
        path = self.place(example.inputs["file"], f"example {example.id}")
        return Request(example.id, (Audio(str(path)),), Transcribe(self.language))

    def answer(self, prediction: Prediction) -> str:
        """The words without the punctuation around them."""
        return spoken_words(prediction.text or "")

    def checked(self, example: Example, answer: Json) -> str:
        """A transcript in one text."""
        return a_text(answer, TRANSCRIPT)

    def ideal(self, example: Example) -> Prediction:
        """The reference."""
        return Prediction(example.id, text=as_it_stands(example.target))

    def slices(self, example: Example) -> Mapping[str, str]:
        """How many words are said."""
        return {} if example.target is None else {"length": words(" ".join(example.target), (8, 16))}

    def look(self, example: Example) -> Look:
        """The words."""
        return Look(words=example.target)
