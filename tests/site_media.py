"""Tasks of sound, film and forms to make a site of: all invented, tiny, and rendered where the test says."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from site_data import CARD
from spoken import tone, write_wav

from bench.data.look import Box, Look
from bench.metrics.concordance import ccc
from bench.metrics.metric import Metric, mean
from bench.metrics.speech import SPEECH
from bench.record import Run
from bench.runs import measurements
from bench.runs.identity import fingerprint
from bench.scoring.measure import measured
from bench.site import Item
from bench.task import Task
from bench.types import Audio, Example, Fields, Image, Prediction, Regress, Request, Text, Transcribe, Video

SAID = ["please move twelve hundred euros", "the fee is four percent", "no thank you"]


class Media(Task):
    """What the three share: a folder with their files, data that may be kept back."""

    def __init__(self, folder: Path, *, obtain: str = "", held_out: bool = False, ending: str = "") -> None:
        self.folder, self.held_out, self.ending = folder, held_out, ending or self.ends
        self.card = replace(CARD, obtain=obtain, cluster="video")  # type: ignore[misc]

    ends = ".wav"

    def path(self, example: Example) -> str:
        return str(self.folder / f"{example.id}{self.ending}")

    def ideal(self, example: Example) -> Prediction:
        raise NotImplementedError


class Calls(Media):
    """What is said in three recordings."""

    name, version, metrics, output, parts = "calls", 1, SPEECH[:1], Transcribe, frozenset({"audio"})

    def examples(self) -> Sequence[Example]:
        return [
            Example(f"c{i}", {"channel": "telephone"}, None if self.held_out else words.split(), f"c{i}")
            for i, words in enumerate(SAID)
        ]

    def request(self, example: Example) -> Request:
        return Request(example.id, (Audio(self.path(example)),), Transcribe())

    def answer(self, prediction: Prediction) -> str:
        return prediction.text or ""


class Films(Media):
    """How somebody feels in four clips of two videos, of which the first is given out of order."""

    name, version, output, parts = "films", 1, Regress, frozenset({"video"})
    metrics = (ccc("valence", -1, 1), ccc("arousal", 0, 1))
    ends = ".mp4"
    times = ((2.0, 4.0), (0.0, 2.0), (0.0, 1.0), (1.0, 3.0))

    def examples(self) -> Sequence[Example]:
        return [
            Example(
                f"f{i}",
                {"clip": i},
                None if self.held_out else {"valence": 0.5 - i / 4, "arousal": i / 4},
                f"<b>film {i // 2}",
            )
            for i in range(4)
        ]

    def request(self, example: Example) -> Request:
        return Request(
            example.id, (Video(self.path(example)),), Regress(("valence", "arousal"), (-1.0, 0.0), (1.0, 1.0))
        )

    def look(self, example: Example) -> Look:
        start, end = self.times[int(example.id[1:])]
        return Look(start=start, end=end)

    def answer(self, prediction: Prediction) -> Any:
        return dict(prediction.values or {})


class Forms(Media):
    """Two fields of a form of 400 x 200 pixels, turned by EXIF where it says so."""

    name, version, output, parts = "forms", 1, Fields, frozenset({"text", "image"})
    metrics = (Metric("exact", measure=lambda target, answer: (float(target == answer),), summarise=mean),)

    def examples(self) -> Sequence[Example]:
        return [
            Example(
                "p0",
                {"kind": "form"},
                None if self.held_out else {"total": "12.50 EUR", "payee": "Ann Lee", "note": None},
                "p0",
            )
        ]

    def request(self, example: Example) -> Request:
        return Request(example.id, (Image(form()), Text("Read it.")), Fields(99, names=("total", "payee", "note")))

    def look(self, example: Example) -> Look:
        return Look(boxes=(Box("total", "12.50 EUR", (300, 150, 380, 170)), Box("payee", "Ann Lee", (20, 30, 120, 50))))

    def answer(self, prediction: Prediction) -> Any:
        import json

        return json.loads(prediction.text or "{}")


def form(orientation: int = 1) -> bytes:
    from PIL import Image as Pillow

    page = Pillow.new("RGB", (400, 200), "white")
    page.paste((0, 0, 0), (300, 150, 380, 170))
    page.paste((0, 0, 0), (20, 30, 120, 50))
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    page.save(file, "JPEG", exif=exif)
    return file.getvalue()


def calls(folder: Path, **options: Any) -> Calls:
    for i in range(3):
        write_wav(folder / f"c{i}.wav", tone(0.3 + 0.1 * i, 8_000), 8_000)
    return Calls(folder, **options)


def films(folder: Path, codec: str = "mpeg4", **options: Any) -> Films:
    for i in range(4):
        clip(folder / f"f{i}.mp4", 8 + i, codec)
    return Films(folder, **options)


def clip(path: Path, n: int, codec: str = "mpeg4") -> Path:
    """A film of n frames of 64 x 48 in greys, ten a second."""
    import av

    with av.open(str(path), "w") as file:
        track = file.add_stream(codec, rate=10)
        track.width, track.height, track.pix_fmt = 64, 48, "yuv420p"
        for i in range(n):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 20 * i % 250, np.uint8), format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, 10)
            file.mux(track.encode(frame))
        file.mux(track.encode(None))
    return path


def answered(folder: Path, make: Callable[..., Run], task: Task, model: str, said: Sequence[Any]) -> Item:
    """A run whose i-th answer is a text, {name: value}, or None for a failure."""
    examples = task.examples()
    predictions = [
        Prediction(one.id, error="cut off") if found is None
        else Prediction(one.id, values=found) if isinstance(found, dict) else Prediction(one.id, text=found)
        for one, found in zip(examples, said, strict=True)
    ]  # fmt: skip
    scores, rows, _ = measured(task, examples, predictions, resamples=20, seed=0)
    folder.mkdir(parents=True)
    import json

    (folder / "predictions.jsonl").write_text("".join(json.dumps(one.to_json()) + "\n" for one in predictions))
    if rows is not None:
        measurements.write(folder, rows)
    return Item(
        make(
            model,
            task=task.name,
            scores=scores,
            n_examples=len(examples),
            run_id=folder.name,
            data_fingerprint=fingerprint(*map(vars, examples)),
        ),
        folder,
    )
