"""RAVDESS: which of eight emotions an actor speaks a sentence with."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from bench.errors import BenchError
from bench.metrics.classification import ACCURACY, AURC, average_recall, averaged, calibration_error
from bench.metrics.metric import AnyMetric
from bench.task import Card
from bench.types import Audio, Choose, Example, Request
from tasks.labels import LabelTask

LABELS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")  # 01 to 08 in a file's name
# modality-channel-emotion-intensity-statement-repetition-actor; here audio only (03) of speech (01)
_NAME = re.compile(r"03-01-0([1-8])-0[12]-0[12]-0[12]-(0[1-9]|1[0-9]|2[0-4])")
_OTHER = re.compile(r"(?:0[12]-0[12]|03-02)(?:-[0-9]{2}){5}")  # the set's film and song
_OBTAIN = (
    "download Audio_Speech_Actors_01-24.zip from https://zenodo.org/records/1188976 and unpack it into ravdess/ of the data "
    "directory"
)


class Ravdess(LabelTask):
    """Emotion of acted speech.

    The file names hold the emotion, and they are the ids; a model gets neither (bench/engine/veil.py).
    """

    name, version, labels = "ravdess", 1, LABELS
    parts = frozenset({"audio"})
    metrics: ClassVar[tuple[AnyMetric, ...]] = (
        average_recall(LABELS),
        ACCURACY,
        averaged("f1", LABELS),
        calibration_error(),
        AURC,
    )
    card = Card(
        title="RAVDESS, speech",
        source="https://zenodo.org/records/1188976",
        revision="1.0.0",
        licence="CC BY-NC-SA 4.0",
        split="all audio-only speech of the 24 actors (ids are file names without .wav)",
        n_examples=1_440,
        language="en",
        chance=(0.09, 0.16),
        scenario="operations",
        cluster="actor",
        citation="Livingstone and Russo 2018, The Ryerson Audio-Visual Database of Emotional Speech and Song (PLoS ONE 13)",
        obtain=_OBTAIN,
    )

    def examples(self) -> Sequence[Example]:
        """The recordings by actor and name."""
        return self.data.read(recordings)

    def request(self, example: Example) -> Request:
        """The recording alone."""
        return Request(example.id, (Audio(str(self._paths[example.inputs["recording"]])),), Choose(LABELS))

    def slices(self, example: Example) -> Mapping[str, str]:
        """The emotion, how strongly it is acted, the actor's sex and which of the two sentences is spoken."""
        cells = example.id.split("-")
        found = {
            "intensity": "strong" if cells[3] == "02" else "normal",
            "actor": "female" if int(cells[6]) % 2 == 0 else "male",
            "sentence": "dogs" if cells[4] == "02" else "kids",
        }
        return found if example.target is None else found | {"emotion": example.target}

    @cached_property
    def _paths(self) -> dict[str, Path]:
        return self.data.read(_files)


def recordings(folder: Path) -> list[Example]:
    """The recordings in a folder or in its subfolders Actor_01 to Actor_24; `inputs` name no path, which may differ."""
    found = []
    for name in _files(folder):
        match = _NAME.fullmatch(name)
        assert match  # noqa: S101 - `_files` has checked it
        found.append(Example(name, {"recording": name}, LABELS[int(match[1]) - 1], f"actor {match[2]}"))
    if not found:
        raise BenchError(f"{folder} holds no recording such as 03-01-06-01-02-01-12.wav; {_OBTAIN}")
    return found


def _files(folder: Path) -> dict[str, Path]:
    """The wav file of each recording by name, in order of actor and name."""
    found: dict[str, Path] = {}
    for path in [*folder.glob("*.wav"), *folder.glob("Actor_*/*.wav")]:
        if path.name.startswith(".") or _OTHER.fullmatch(path.stem):
            continue
        if not _NAME.fullmatch(path.stem):
            raise BenchError(
                f"{path}: the name is not modality-channel-emotion-intensity-statement-repetition-actor of RAVDESS, such as "
                f"03-01-06-01-02-01-12.wav; rename or remove it"
            )
        if path.stem in found:
            raise BenchError(f"{path} lies also at {found[path.stem]}; keep one of the two")
        found[path.stem] = path
    return dict(sorted(found.items(), key=lambda item: (item[0][-2:], item[0])))
