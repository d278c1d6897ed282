"""OMG-Emotion: how a person in a monologue feels, from the words, the clip or both."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from bench.data.files import read_text
from bench.data.look import Look
from bench.data.source import DataSource
from bench.data.submissions import number, table
from bench.errors import BenchError
from bench.metrics.concordance import reach
from bench.task import Card, DataTask
from bench.text.rows import cells
from bench.types import Example, Json
from tasks.clip_emotion import EMOTIONS, SCALES, ClipEmotion

_KEYS = ("video", "utterance", "arousal", "valence")
_LONGEST = 86_400.0  # seconds of a video
_VOTES = {str(number) for number in range(len(EMOTIONS))}
# The gold file, its transcripts and its number of utterances; the first that is there is evaluated.
_SPLITS = (
    ("omg_ValidationVideos.csv", "omg_ValidationTranscripts.csv", 617),
    ("omg_TestVideos_WithLabels.csv", "omg_TestTranscripts.csv", 2_229),
)
_OBTAIN = (
    "ask the organisers (https://www2.informatik.uni-hamburg.de/wtm/OMG-EmotionChallenge/) and take the annotations from "
    "https://github.com/knowledgetechnologyuhh/OMGEmotionChallenge, whose prepare_data.py gets and cuts the videos; lay "
    "omg_ValidationVideos.csv, omg_ValidationTranscripts.csv and the clips VIDEO/UTTERANCE.mp4 into omg_emotion/ of the data "
    "directory"
)


class OmgEmotion(ClipEmotion, DataTask):
    """Valence and arousal of every utterance of a video; `modality` is transcript, sound, picture, video or all."""

    name, version = "omg_emotion", 1
    card = Card(
        title="OMG-Emotion",
        source="https://github.com/knowledgetechnologyuhh/OMGEmotionChallenge",
        revision="master",
        licence="CC BY-NC-SA 3.0 DE, not to be passed on",
        split="validation",
        n_examples=617,
        language="en",
        chance=(-0.1, 0.1),
        scenario="operations",
        cluster="video",
        citation="Barros et al. 2018, The OMG-Emotion Behavior Dataset (IJCNN)",
        obtain=_OBTAIN,
        references={
            "baseline: vision": 0.23,
            "baseline: speech": 0.21,
            "baseline: text": 0.20,
            "best published": 0.520,
        },
    )

    def __init__(self, data: DataSource, modality: str = "transcript") -> None:
        ClipEmotion.__init__(self, modality)
        DataTask.__init__(self, data)

    def examples(self) -> Sequence[Example]:
        """The utterances in the order of the gold file; a clip need not be there, nor a transcript."""
        return _examples(self._folder, *self._split[:2])

    def training(self) -> Sequence[Example]:
        """The training utterances, where their files are there."""
        there = (self._folder / "omg_TrainVideos.csv").is_file()
        return _examples(self._folder, "omg_TrainVideos.csv", "omg_TrainTranscripts.csv") if there else ()

    @cached_property
    def _place(self) -> Path:
        return self.data.read(lambda place: place)

    @property
    def _folder(self) -> Path:
        return self._place if self._place.is_dir() else self._place.parent

    @property
    def _split(self) -> tuple[str, str, int]:
        if self._place.is_file():  # one gold file, whatever it is called; its transcripts are called alike
            known = [split for split in _SPLITS if split[0] == self._place.name]
            other = self._place.name.replace("Videos", "Transcripts").replace("_WithLabels", "")
            return known[0] if known else (self._place.name, other if other != self._place.name else "", 0)
        for split in _SPLITS:
            if (self._folder / split[0]).is_file():
                return split
        raise BenchError(f"{self._folder} holds neither {_SPLITS[0][0]} nor {_SPLITS[1][0]}; {_OBTAIN}")

    def clip(self, example: Example) -> str:
        """The film of an utterance, which need not be there."""
        return str(_clip(self._folder, example))

    def transcript(self, example: Example) -> str:
        """What is said; raises BenchError where the file of transcripts is missing."""
        if not self._split[1]:
            raise BenchError(
                f"{self._gold} names no file of transcripts, which are in NAMETranscripts.csv of a gold file NAMEVideos.csv; "
                "call them so, or run with task.modality=video"
            )
        if not (transcripts := self._folder / self._split[1]).is_file():
            raise BenchError(f"{transcripts} does not exist; put it there, or run with task.modality=video")
        return super().transcript(example)

    def emotion(self, example: Example) -> dict[str, str]:
        """The emotion that most annotators named."""
        return self._emotions.get(example.id, {})

    @cached_property
    def _emotions(self) -> Mapping[str, dict[str, str]]:
        rows = ((_key(row), row.get("EmotionMaxVote", "").strip()) for _, row in table(self._gold, _KEYS[:2]))
        return {key: {"emotion": EMOTIONS[int(vote)]} for key, vote in rows if vote in _VOTES}

    def look(self, example: Example) -> Look:
        """When the utterance begins and ends in its video, where the gold file says that."""
        start, end = self._lasting.get(example.id, (None, None))
        return Look(start=start, end=end)

    @cached_property
    def _lasting(self) -> Mapping[str, tuple[float, float]]:
        """The seconds at which each utterance begins and ends, of rows that tell them."""
        found: dict[str, tuple[float, float]] = {}
        for _, row in table(self._gold, _KEYS[:2]):
            with contextlib.suppress(ValueError):
                found[_key(row)] = number(row.get("start", ""), 0, _LONGEST), number(row.get("end", ""), 0, _LONGEST)
        return found

    @property
    def _gold(self) -> Path:
        return self._folder / self._split[0]

    def submitted(self, path: Path, examples: Sequence[Example]) -> Iterator[tuple[str, Json]]:
        """Rows `video,utterance,arousal,valence` in any order; values may leave their scale by its width, as the script allows.

        The official script aligns by row and so needs every row; raises BenchError for one that is missing, comes twice or
        is unknown, or that has no finite numbers.
        """
        if path.is_dir():
            raise BenchError(f"{path} is a folder; give a CSV file with the columns {','.join(_KEYS)}")
        known = {example.id for example in self.examples()}
        found: dict[str, Json] = {}
        for where, row in table(path, _KEYS):
            key = _key(row)
            if key not in known:
                raise BenchError(f"{where}: the utterance {key!r} is not in {self._split[0]}; remove the row")
            if key in found:
                raise BenchError(f"{where}: the utterance {key!r} comes twice; keep one of its rows")
            found[key] = _values(row, where, {name: reach(*SCALES[name]) for name in SCALES})
        if missing := [example.id for example in examples if example.id not in found]:
            raise BenchError(f"{path}: {len(missing):,} utterances are missing, the first is {missing[0]!r}; add them")
        yield from found.items()

    def problems(self) -> Iterator[str]:
        """The size of the split, and the transcripts and clips that are missing."""
        examples, (gold, transcripts, n) = self.examples(), self._split
        if n and len(examples) != n:  # 0: a file of which no official size is known
            yield f"{gold} has {len(examples):,} utterances, the official one {n:,}"
        with_text = _transcripts(self._folder / transcripts)
        transcripts = transcripts or "the folder, which has no file of transcripts that is called like it,"
        if silent := [example.id for example in examples if example.id not in with_text]:
            yield f"{transcripts} lacks {len(silent):,} utterances, the first are {', '.join(silent[:3])}"
        if absent := [example.id for example in examples if not _clip(self._folder, example).is_file()]:
            yield f"{len(absent):,} clips are missing in {self._folder}, the first are {', '.join(absent[:3])}"


def _examples(folder: Path, gold: str, transcripts: str) -> list[Example]:
    said = _transcripts(folder / transcripts)
    videos: dict[str, int] = {}
    found: dict[str, Example] = {}
    for where, row in table(folder / gold, _KEYS[:2]):  # the test set was given out without the other two
        key, video = _key(row), row["video"].strip()
        if key in found:
            raise BenchError(f"{where}: the utterance {key!r} comes twice; bring the official file again")
        number_of_video = videos.setdefault(video, len(videos))
        target = _values(row, where, SCALES) | {"video": number_of_video} if set(SCALES) & set(row) else None
        inputs = {"video": video, "utterance": row["utterance"].strip(), "transcript": said.get(key, "")}
        found[key] = Example(key, inputs, target, video)
    if not found:
        raise BenchError(f"{folder / gold} holds no utterance; bring the official file again")
    return list(found.values())


def _key(row: Mapping[str, str]) -> str:
    return f"{row['video'].strip()}/{row['utterance'].strip()}"


def _values(row: Mapping[str, str], where: str, scales: Mapping[str, tuple[float, float]]) -> dict[str, Json]:
    """The numbers of a row within `scales`: the gold's are those of the scale, a submission's may leave it."""
    found: dict[str, Json] = {}
    for name in SCALES:
        if name not in row:
            raise BenchError(
                f"{where.rpartition(' line ')[0]} line 1: the column {name!r} is missing; bring the official file again"
            )
        try:
            found[name] = number(row[name], *scales[name])
        except ValueError as error:
            raise BenchError(f"{where}: {name}: {error}; correct the row") from None
    return found


def _transcripts(path: Path) -> dict[str, str]:
    """What is said in each utterance; nothing where the file is not there. Its quotes are read leniently."""
    if not path.is_file():
        return {}
    found = cells(read_text(path), path, strict=False)
    header = next(found, (1, []))[1]
    for name in ("video", "utterance", "transcript"):
        if name not in header:
            raise BenchError(f"{path} line 1: the column {name!r} is missing; expected link,video,utterance,transcript")
    said: dict[str, str] = {}
    for line, cell in found:
        if any("\n" in one.strip() or "\r" in one.strip() for one in cell):
            raise BenchError(
                f"{path}: a cell of the row that ends in line {line} holds several lines, so a quotation mark is opened before and "
                "not closed; close it, each transcript stands in one line"
            )
        # A row may lack cells or have too many: it is read as far as it goes.
        row = dict.fromkeys(header, "") | dict(zip(header, cell, strict=False))
        if row["video"] and row["utterance"]:
            said[_key(row)] = row["transcript"].strip()
    return said


def _clip(folder: Path, example: Example) -> Path:
    return folder / f"{example.id.removesuffix('.mp4')}.mp4"
