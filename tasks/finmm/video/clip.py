"""The nouns: a clip is what is said, felt and shown, all fixed before anything is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

KINDS = ("call", "document", "screen")  # clips take turns in this order


@dataclass(frozen=True, slots=True)
class Question:
    """One question on what is to be seen; `kind` is the slice that it belongs to, the first of `answers` is as it stands there."""

    id: str
    kind: str
    text: str
    answers: tuple[str, ...]
    evidence: str = ""  # the field of the document, or the place on the screen


@dataclass(frozen=True, slots=True)
class Clip:
    """One film: `video` and `utterance` name its file, `text` is what is said in it, `speaker` the number of its voice.

    `valence`, `arousal` and `emotion` are those annotated of the text, None where nobody speaks to be rated. `shown` is what
    the film of its kind is drawn from.
    """

    seed: int
    index: int
    kind: str
    video: str
    utterance: str
    text: str
    speaker: int
    conversation: str
    valence: float | None = None
    arousal: float | None = None
    emotion: str | None = None
    questions: tuple[Question, ...] = ()
    shown: Mapping[str, object] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Video and utterance; neither tells what is asked."""
        return f"{self.video}/{self.utterance}"

    @property
    def file(self) -> str:
        """Where a corpus keeps the film."""
        return f"{self.id}.mp4"
