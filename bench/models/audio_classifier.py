"""Classifiers of sound from transformers: which of its labels a recording has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, islice

from bench.errors import BenchError
from bench.models import own_labels, sound, sound_windows
from bench.models.audio_model import AudioModel
from bench.models.base import Device
from bench.models.torch_model import TorchModel
from bench.types import Choose, Prediction, Request

_POOL = 4  # passes' worth of stretches that are sorted by length


class AudioClassifier(AudioModel, TorchModel):
    """Gives each label of the request the probability of the model's own label of that name, in whatever case.

    `labels` maps the model's labels to the request's where their names differ, those that the request does not have to "";
    what they take of the probability is not shared out. A label of the request that the model does not have is refused,
    unless it is in `absent`: then its probability is 0.

    A recording longer than `max_seconds`, or than what the model takes, is cut into stretches of that length; the mean of their
    probabilities counts, each by its length. `n_windows` stretches of one length go through the model at once, so that none is
    padded for another's sake.
    """

    auto_class = "AutoModelForAudioClassification"
    processor_class = "AutoFeatureExtractor"
    outputs = (Choose,)

    def __init__(
        self,
        source: str,
        sha256: str | None = None,
        trust: list[str] | None = None,
        *,
        labels: dict[str, str] | None = None,
        absent: list[str] | None = None,
        max_seconds: float = 30.0,
        n_windows: int = 8,
    ) -> None:
        super().__init__(source, sha256, trust)
        if max_seconds < 1 or n_windows < 1:
            raise BenchError(
                f"model.max_seconds={max_seconds} model.n_windows={n_windows}: each must be at least 1; correct them"
            )
        self.labels, self.absent = dict(labels or {}), list(absent or [])
        self.max_seconds, self.n_windows = max_seconds, n_windows
        self.ahead = sound.Ahead()
        self._known: dict[tuple[str, ...], Mapping[str, int]] = {}

    def load(self, device: Device, *, seed: int) -> None:
        """Load the model and its feature extractor."""
        sound.library()
        super().load(device, seed=seed)
        self.rate = int(self.processor.sampling_rate)
        # Spectrograms have one size: Whisper's of 30 s, AST's of `max_length` frames of 10 ms; more would be cut off.
        seconds = getattr(self.processor, "chunk_length", None) or getattr(self.processor, "max_length", 0) / 100
        self.fixed, self.seconds = bool(seconds), min(self.max_seconds, seconds or self.max_seconds)
        self.own = own_labels.names_of(self.model.config)

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        """Stretches of one length go through the model together, whichever recording they are of."""
        places = [self._places(request) for request in batch]
        sums = [[0.0] * len(self.own) for _ in batch]
        samples = [0] * len(batch)
        stretches = self._stretches(batch)
        while pool := list(islice(stretches, _POOL * self.n_windows)):
            for some in self._groups(pool):
                rows = self._probabilities([piece for _, piece in some])
                for (i, piece), row in zip(some, rows, strict=True):
                    samples[i] += len(piece)
                    sums[i] = [total + len(piece) * share for total, share in zip(sums[i], row, strict=True)]
        means = [[total / n for total in row] for row, n in zip(sums, samples, strict=True)]
        return [_chosen(r, own, row) for r, own, row in zip(batch, places, means, strict=True)]

    def _stretches(self, batch: Sequence[Request]) -> Iterator[tuple[int, sound.Samples]]:
        for i, request in enumerate(batch):
            source = self.pieces(request)
            for window in sound_windows.overlapping(source, round(self.seconds * self.rate), 0):
                yield i, window.samples

    def _groups(self, pool: list[tuple[int, sound.Samples]]) -> Iterator[list[tuple[int, sound.Samples]]]:
        """Stretches of one length, longest first, in groups that make one pass."""
        pool.sort(key=lambda item: -len(item[1]))
        for _, group in groupby(pool, key=lambda item: len(item[1])):
            alike = list(group)
            for first in range(0, len(alike), self.n_windows):
                yield alike[first : first + self.n_windows]

    def _probabilities(self, samples: list[sound.Samples]) -> list[list[float]]:
        """The probability of each of the model's labels: [b, labels]."""
        import torch

        padding = "max_length" if self.fixed else "longest"
        inputs = sound.extracted(self.processor, samples, self.rate, self.model, padding=padding)
        with torch.inference_mode():
            logits = self.model(**inputs).logits.float()
        several = self.model.config.problem_type == "multi_label_classification"
        rows: list[list[float]] = (logits.sigmoid() if several else logits.softmax(-1)).tolist()
        return rows

    def _places(self, request: Request) -> Mapping[str, int]:
        """Which of the model's labels stands for each of the request's; raises BenchError where they do not match."""
        if not isinstance(request.output, Choose):
            raise TypeError("a classifier chooses; it was asked for something else")
        labels = request.output.labels
        if labels not in self._known:
            absent = set(map(own_labels.normal, self.absent))
            wanted = [label for label in labels if own_labels.normal(label) not in absent]
            self._known[labels] = own_labels.matched(self.own, wanted, self.labels, self.source)
        return self._known[labels]


def _chosen(request: Request, places: Mapping[str, int], row: list[float]) -> Prediction:
    """The probability of each label of the request; `places` are the model's labels that stand for it."""
    output = request.output
    assert isinstance(output, Choose)  # noqa: S101 - `_places` has checked it
    scores = {label: row[places[label]] if label in places else 0.0 for label in output.labels}
    return Prediction(request.id, label_scores=scores)
