"""Earnings-21: write down what is said in an earnings call of about an hour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from bench.data.files import read_text
from bench.data.look import Look
from bench.data.nlp_transcript import read_nlp, read_reference
from bench.data.shapes import TRANSCRIPT, a_text
from bench.data.submissions import kind, table
from bench.errors import BenchError
from bench.metrics.metric import AnyMetric
from bench.metrics.speech import CLASSES, SPEECH, as_it_stands
from bench.task import Card, DataTask, Malformed
from bench.text.rows import columns, rows
from bench.types import Audio, Example, Json, Prediction, Request, Transcribe
from tasks.slices import band
from tasks.transcripts import spoken_words

_OBTAIN = (
    "get the folder earnings21 of https://github.com/revdotcom/speech-datasets (with git-lfs, for the recordings) into the "
    "data directory: media/ID.mp3, references/ID.nlp (there transcripts/nlp_references) and normalizations/ID.norm.json"
)
_LAYOUTS = (("references", "normalizations"), ("transcripts/nlp_references", "transcripts/normalizations"))
_ABOUT = "earnings21-file-metadata.csv"  # beside the folders, with the sector of each company
_SOUND = (".mp3", ".wav")


class Earnings21(DataTask):
    """Word error rate on whole calls, against references in which numbers and abbreviations may be said in several ways."""

    name, version, output = "earnings21", 1, Transcribe
    parts = frozenset({"audio"})
    metrics: ClassVar[tuple[AnyMetric, ...]] = SPEECH
    missing_left_out = True
    card = Card(
        title="Earnings-21",
        source="https://github.com/revdotcom/speech-datasets",
        revision="main",
        licence="CC BY-SA 4.0",
        split="evaluation set",
        n_examples=44,
        language="en",
        chance=(0.98, 1.02),
        gives_away={"function_words": 0.892, "frequent": 0.995},  # of four of the calls
        scenario="operations",
        cluster="call",
        citation="Del Rio et al. 2021, Earnings-21: A Practical Benchmark for ASR in the Wild (Interspeech)",
        obtain=_OBTAIN,
        references={
            "Rev ESPNet 2021": 0.128, "Rev Kaldi 2021": 0.132, "Microsoft 2021": 0.158, "Speechmatics 2021": 0.160,
            "Amazon 2021": 0.170, "Google 2021": 0.178,
        },
    )  # fmt: skip

    def examples(self) -> Sequence[Example]:
        """The calls in the order of their numbers; the recordings are not needed for this."""
        return _examples(self._folder)

    @cached_property
    def _folder(self) -> Path:
        return self.data.read(lambda folder: folder)

    def request(self, example: Example) -> Request:
        """The recording, whether it is there or not: reference rows do not listen."""
        return Request(example.id, (Audio(str(_recording(self._folder, example.id))),), Transcribe("en"))

    def answer(self, prediction: Prediction) -> str:
        """The words without the punctuation around them, which the references keep apart."""
        return spoken_words(prediction.text or "")

    def checked(self, example: Example, answer: Json) -> str:
        """A transcript in one text."""
        return a_text(answer, TRANSCRIPT)

    def ideal(self, example: Example) -> Prediction:
        """The reference as it is written."""
        return Prediction(example.id, text=as_it_stands(example.target))

    def slices(self, example: Example) -> Mapping[str, str]:
        """The company's sector, where the file that says it is there, and the length of the call."""
        if example.target is None:
            return self._sectors.get(example.id, {})
        return {"length": band(len(example.target), (4_000, 8_000), "word")} | self._sectors.get(example.id, {})

    @cached_property
    def _sectors(self) -> Mapping[str, dict[str, str]]:
        path = self._folder / _ABOUT
        rows = table(path, ("file_id", "sector")) if path.is_file() else ()
        return {row["file_id"]: {"sector": row["sector"].strip()} for _, row in rows if row["sector"].strip()}

    def look(self, example: Example) -> Look:
        """The words and the entities with the ways to say them."""
        return Look(words=example.target)

    def submitted(self, path: Path, examples: Sequence[Example]) -> Iterator[tuple[str, Json]]:
        """A folder of ID.nlp, ID.ctm or ID.txt, one such file, or an object {call: transcript}; words count as they are."""
        if path.is_dir():
            files = sorted(file for file in path.iterdir() if file.suffix in _READERS and not file.name.startswith("."))
            if not files:
                raise BenchError(
                    f"{path} holds no transcript; give a folder of files such as 4384683.nlp, .ctm or .txt"
                )
            for file in files:
                yield file.stem, _READERS[file.suffix](file)
        elif path.suffix in _READERS:
            yield path.stem, _READERS[path.suffix](path)
        else:
            for key, text in super().submitted(path, examples):
                yield key, text if isinstance(text, str) else Malformed(f"found {kind(text)}, expected a text")

    def official(self, values: Mapping[str, float], examples: Sequence[Example]) -> Mapping[str, Json]:
        """The keys of fstalign's JSON log, rates as fractions, summed over the calls as its authors do."""
        words = values["reference_words"]
        counts = {name: round(values[name] * words) for name in ("insertions", "deletions", "substitutions")}
        best = {"wer": values["wer"], "numErrors": sum(counts.values()), "numWordsInReference": round(words)} | counts
        by_class = {label: {"wer": values[f"wer_{label}"]} for label in CLASSES if f"wer_{label}" in values}
        return {"bestWER": best, "classWER": by_class}

    def problems(self) -> Iterator[str]:
        """As for any task, and the recordings that are missing."""
        yield from super().problems()
        missing = [example.id for example in self.examples() if not _recording(self._folder, example.id).is_file()]
        if missing:
            yield (
                f"{len(missing):,} recordings are missing, the first is {self._folder / 'media' / missing[0]}.mp3; models "
                f"that listen cannot run: {_OBTAIN}"
            )


def _examples(folder: Path) -> list[Example]:
    nlps, norms = next(((folder / a, folder / b) for a, b in _LAYOUTS if (folder / a).is_dir()), (None, None))
    if nlps is None or norms is None:
        raise BenchError(f"{folder} holds no folder {_LAYOUTS[0][0]}/; {_OBTAIN}")
    found = [
        Example(path.stem, {"recording": path.stem}, read_reference(path, norms / f"{path.stem}.norm.json"), path.stem)
        for path in sorted(nlps.glob("[!.]*.nlp"))
    ]
    if not found:
        raise BenchError(f"{nlps} holds no .nlp file; {_OBTAIN}")
    return found


def _recording(folder: Path, call: str) -> Path:
    """Where the recording of a call is, or where it belongs."""
    places = [folder / "media" / f"{call}{suffix}" for suffix in _SOUND]
    return next((place for place in places if place.is_file()), places[0])


def _of_nlp(path: Path) -> str:
    return " ".join(token.word for token in read_nlp(path))


def _of_ctm(path: Path) -> str:
    """The fifth column of each line: recording, channel, start, duration, word."""
    words = []
    for number, line in enumerate(rows(read_text(path)), start=1):
        cells = columns(line)
        if not cells or line.startswith(";;"):
            continue
        if len(cells) < 5:
            raise BenchError(
                f"{path} line {number}: {len(cells)} columns, expected recording channel start duration word"
            )
        words.append(cells[4])
    return " ".join(words)


_READERS = {".nlp": _of_nlp, ".ctm": _of_ctm, ".txt": read_text}
