"""OMG-Emotion: how a person in a monologue feels, from the words, the clip or both."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from bench.data.look import Look
from bench.data.source import DataSource
from bench.data.submissions import number, table
from bench.errors import BenchError
from bench.metrics.concordance import reach
from bench.task import Card, DataTask, Malformed
from bench.types import Example, Json, Part, Video
from tasks.clip_emotion import EMOTIONS, SCALES, ClipEmotion
from tasks.omg_transcripts import key_of, transcripts_of

_KEYS = ("video", "utterance", "arousal", "valence")
_LONGEST = 86_400.0  # seconds of a video
_VOTES = {str(number) for number in range(len(EMOTIONS))}
# The gold file, its transcripts and its number of utterances; the first that is there is evaluated.
_SPLITS = (
    ("omg_ValidationVideos.csv", "omg_ValidationTranscripts.csv", 617),
    ("omg_TestVideos_WithLabels.csv", "omg_TestTranscripts.csv", 2_229),
)
_NAMELESS = "has no file of transcripts: that of aVideos.csv is aTranscripts.csv, and its name does not hold Videos"
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

    def beside(self, example: Example) -> Sequence[Part]:
        """The clip, which other modalities take."""
        return () if self.parts > {"text"} or "text" not in self.parts else (Video(self.clip(example)),)

    def transcript(self, example: Example) -> str:
        """What is said; raises BenchError where the file of transcripts is missing."""
        gold, transcripts, _ = self._split
        if not transcripts:
            raise BenchError(f"{self._folder / gold} {_NAMELESS}; rename both, or run with task.modality=video")
        if not (self._folder / transcripts).is_file():
            raise BenchError(
                f"{self._folder / transcripts} does not exist; put it there, or run with task.modality=video"
            )
        return super().transcript(example)

    def notices(self, examples: Sequence[Example]) -> Iterator[str]:
        """Utterances that are asked without a text because the file of transcripts has no row for them."""
        if "text" in self.parts and (silent := self._silent(examples)):
            yield f"{silent}, which are asked with an empty text; add their rows"

    def _silent(self, examples: Sequence[Example]) -> str:
        """What the file of transcripts lacks, "" where it lacks nothing."""
        transcripts = self._split[1]
        said = transcripts_of(self._folder / transcripts) if transcripts else {}
        silent = [example.id for example in examples if example.id not in said]
        return (
            f"{transcripts} lacks {len(silent):,} utterances, the first are {', '.join(silent[:3])}" if silent else ""
        )

    def emotion(self, example: Example) -> dict[str, str]:
        """The emotion that most annotators named."""
        return self._emotions.get(example.id, {})

    @cached_property
    def _emotions(self) -> Mapping[str, dict[str, str]]:
        rows = ((key_of(row), row.get("EmotionMaxVote", "").strip()) for _, row in table(self._gold, _KEYS[:2]))
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
                found[key_of(row)] = number(row.get("start", ""), 0, _LONGEST), number(row.get("end", ""), 0, _LONGEST)
        return found

    @property
    def _gold(self) -> Path:
        return self._folder / self._split[0]

    def submitted(self, path: Path, examples: Sequence[Example]) -> Iterator[tuple[str, Json]]:
        """Rows `video,utterance,arousal,valence` in any order; values may leave their scale by its width, as the script allows.

        A row without two finite numbers is malformed. The official script aligns by row and so needs every row: what is missing
        or malformed counts as the far end of the scale, in its figures too.
        """
        if path.is_dir():
            raise BenchError(f"{path} is a folder; give a CSV file with the columns {','.join(_KEYS)}")
        for where, row in table(path, _KEYS):
            try:
                yield key_of(row), _values(row, {name: reach(*scale) for name, scale in SCALES.items()})
            except ValueError as error:
                yield key_of(row), Malformed(f"line {where.rpartition(' ')[2]}: {error}")

    def problems(self) -> Iterator[str]:
        """The size of the split, and the transcripts and clips that are missing."""
        examples, (gold, transcripts, n) = self.examples(), self._split
        if n and len(examples) != n:  # 0: a file of which no official size is known
            yield f"{gold} has {len(examples):,} utterances, the official one {n:,}"
        if not transcripts:
            yield f"{gold} {_NAMELESS}; rename both"
        elif silent := self._silent(examples):
            yield silent
        if absent := [example.id for example in examples if not _clip(self._folder, example).is_file()]:
            yield f"{len(absent):,} clips are missing in {self._folder}, the first are {', '.join(absent[:3])}"


def _examples(folder: Path, gold: str, transcripts: str) -> list[Example]:
    said = transcripts_of(folder / transcripts) if transcripts else {}
    videos: dict[str, int] = {}
    found: dict[str, Example] = {}
    for where, row in table(folder / gold, _KEYS[:2]):  # the test set was given out without the other two
        key, video = key_of(row), row["video"].strip()
        if key in found:
            raise BenchError(f"{where}: the utterance {key!r} comes twice; bring the official file again")
        number_of_video = videos.setdefault(video, len(videos))
        target = _gold_values(row, where) | {"video": number_of_video} if set(SCALES) & set(row) else None
        inputs = {"video": video, "utterance": row["utterance"].strip(), "transcript": said.get(key, "")}
        found[key] = Example(key, inputs, target, video)
    if not found:
        raise BenchError(f"{folder / gold} holds no utterance; bring the official file again")
    return list(found.values())


def _gold_values(row: Mapping[str, str], where: str) -> dict[str, Json]:
    """The two values of a row of the gold file; raises BenchError where one is missing or outside its scale."""
    if lacking := [name for name in SCALES if name not in row]:
        file = where.rpartition(" line ")[0]
        raise BenchError(f"{file} line 1: the column {lacking[0]!r} is missing; bring the official file again")
    try:
        return _values(row, SCALES)
    except ValueError as error:
        raise BenchError(f"{where}: {error}; correct the row") from None


def _values(row: Mapping[str, str], scales: Mapping[str, tuple[float, float]]) -> dict[str, Json]:
    """The numbers of a row; ValueError names the column of one that is none, or outside its scale."""
    found: dict[str, Json] = {}
    for name, scale in scales.items():
        try:
            found[name] = number(row[name], *scale)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    return found


def _clip(folder: Path, example: Example) -> Path:
    return folder / f"{example.id.removesuffix('.mp4')}.mp4"
