"""Service calls: which customer says what, and how they feel, out of the annotated conversations."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from random import Random

from tasks.finmm.video.clip import Clip

TRAINING_FROM = 1_000  # seeds from here on speak the other half of the conversations
_FILE = Path(__file__).parents[1] / "emotion" / "utterances.jsonl"
_LONGEST = 21  # words: about eight seconds
_WITHHELD = (0.18, 0.12)  # how far a face is off from what was rated: standard deviations of valence and arousal


def write(seed: int, index: int, number: int) -> Clip:
    """Call number `number` of a seed: customers in an order of its own, each with all that they say, in mixed order."""
    conversations = _conversations(seed >= TRAINING_FROM)
    size = sum(len(one) for one in conversations)
    round_, left = divmod(number, size)
    for place, one in enumerate(_mixed(conversations, f"finmm-calls/{seed}/{round_}")):
        if left < len(one):
            video = round_ * len(conversations) + place
            return _clip(seed, index, video, left, one)
        left -= len(one)
    raise AssertionError("the conversations hold as many utterances as were counted")


def _clip(seed: int, index: int, video: int, place: int, conversation: tuple[dict[str, str], ...]) -> Clip:
    name = f"finmm-{seed}-c{video:04}"
    said = json.loads(json.dumps(_mixed(conversation, f"{name}/order")[place]))
    stream = Random(f"{name}/{place}/expression")
    valence, arousal = float(said["valence"]), float(said["arousal"])
    shown = {
        "valence": _within(stream.gauss(valence, _WITHHELD[0]), -1.0),
        "arousal": _within(stream.gauss(arousal, _WITHHELD[1]), 0.0),
        "voice_valence": _within(stream.gauss(valence, _WITHHELD[0]), -1.0),
        "voice_arousal": _within(stream.gauss(arousal, _WITHHELD[1]), 0.0),
    }
    return Clip(
        seed, index, "call", name, f"utterance_{place + 1}", said["text"], Random(f"{name}/voice").randrange(1_000),
        said["conversation"], valence, arousal, said["emotion"], shown=shown,
    )  # fmt: skip


def _within(value: float, low: float) -> float:
    return min(1.0, max(low, value))


def _mixed(items: tuple, seed: str) -> list:  # type: ignore[type-arg]
    return Random(seed).sample(items, len(items))


@cache
def _conversations(training: bool) -> tuple[tuple[dict[str, str], ...], ...]:
    """Every second conversation, each at least two utterances that are short enough for a clip."""
    found: dict[str, list[dict[str, str]]] = {}
    with _FILE.open(encoding="utf-8") as file:
        for record in map(json.loads, file):
            found.setdefault(record["conversation"], []).append(record)
    half = list(found.values())[training::2]
    short = [tuple(one for one in conversation if len(one["text"].split()) <= _LONGEST) for conversation in half]
    return tuple(one for one in short if len(one) > 1)
