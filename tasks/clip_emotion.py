"""How a person in a clip feels, from the words, the sound, the pictures or all of them: what OMG-Emotion and finmm share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

from bench.data.shapes import a_number, an_object
from bench.errors import BenchError
from bench.metrics.concordance import ccc, ccc_per_video, mse, pearson, reach
from bench.metrics.metric import AnyMetric
from bench.types import Audio, Example, Json, Part, Prediction, Request, Text, Video
from tasks.scales import ScaledTask
from tasks.silent_film import shown_only
from tasks.slices import words

EMOTIONS = ("anger", "disgust", "fear", "happy", "neutral", "sad", "surprise")  # by the number in EmotionMaxVote
SCALES = {"valence": (-1.0, 1.0), "arousal": (0.0, 1.0)}
PARTS = {
    "transcript": frozenset({"text"}),
    "sound": frozenset({"audio"}),  # of the clip: its file is given as a recording
    "picture": frozenset({"video"}),  # a copy of the clip without its sound
    "video": frozenset({"video"}),  # with its sound
    "all": frozenset({"text", "video"}),
    "both": frozenset({"text", "video"}),  # what "all" was called
}


class ClipEmotion(ScaledTask):
    """Valence and arousal of every utterance of a video; `modality` is a key of `PARTS`.

    An example's inputs hold its `transcript`, and its target the number of its `video` for the mean over videos.
    """

    scales = SCALES
    metrics: ClassVar[tuple[AnyMetric, ...]] = tuple(
        metric(name, *SCALES[name]) for metric in (ccc, ccc_per_video, pearson, mse) for name in SCALES
    )

    def __init__(self, modality: str) -> None:
        if modality not in PARTS:
            raise BenchError(f"task.modality={modality!r} is not one of {sorted(PARTS)}")
        self.modality, self.parts, self.shows_only = modality, PARTS[modality], modality == "picture"

    @abstractmethod
    def clip(self, example: Example) -> str:
        """The path of the example's film."""

    def transcript(self, example: Example) -> str:
        """What is said; raises BenchError where no transcripts are here."""
        return str(example.inputs["transcript"])

    def request(self, example: Example) -> Request:
        """The transcript, what the modality takes of the clip, or first one and then the other.

        A clip whose pictures cannot be had without its sound is given as a film with a fault.
        """
        parts: list[Part] = []
        if "text" in self.parts:
            parts.append(Text(self.transcript(example)))
        if "audio" in self.parts:
            parts.append(Audio(self.clip(example)))
        if "video" in self.parts:
            clip = self.clip(example)
            parts.append(shown_only(clip) if self.shows_only else Video(clip))
        return Request(example.id, tuple(parts), self.asked())

    def checked(self, example: Example, answer: Json) -> dict[str, float]:
        """Two numbers, which may leave their scales by as much as the metrics take."""
        found = an_object(answer, SCALES)
        return {name: a_number(found[name], *reach(*SCALES[name])) for name in SCALES}

    def ideal(self, example: Example) -> Prediction:
        """The target itself."""
        return Prediction(example.id, values={name: example.target[name] for name in SCALES})

    def slices(self, example: Example) -> Mapping[str, str]:
        """The emotion by name, and the length of the transcript."""
        length = {"length": words(example.inputs["transcript"], (5, 15))}
        return length | (self.emotion(example) if example.target is not None else {})

    @abstractmethod
    def emotion(self, example: Example) -> dict[str, str]:
        """{"emotion": one of `EMOTIONS`}, nothing where it is not known."""

    def official(self, values: Mapping[str, float], examples: Sequence[Example]) -> Mapping[str, Json]:
        """What the two versions of calculateEvaluationCCC.py print: over all utterances, and the means over videos."""
        return {key: values[name] for key, name in _OFFICIAL.items() if name in values}


_OFFICIAL = {
    "Arousal CCC": "ccc_arousal",
    "Arousal Pearson Cor": "pearson_arousal",
    "Arousal MSE": "mse_arousal",
    "Valence CCC": "ccc_valence",
    "Valence cor": "pearson_valence",
    "Valence MSE": "mse_valence",
    "Mean CCC Arousal": "ccc_arousal_per_video",
    "Mean CCC Valence": "ccc_valence_per_video",
}
