"""Utterances as sound: in memory, as files of the cache, and as a folder with its annotations."""

from __future__ import annotations

import hashlib
import io
import json
import random
import tempfile
import wave
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from bench.artifacts.digest import derived, digest
from bench.artifacts.made import made
from bench.disk import write_atomically
from tasks.finmm import FOLDER
from tasks.finmm.voice import channel
from tasks.finmm.voice.calls import ANSWERS
from tasks.finmm.voice.sentences import SOURCES
from tasks.finmm.voice.speaker import FORMANT, Speaker
from tasks.finmm.voice.speaking import RATE, spoken
from tasks.finmm.voice.utterance import Utterance, make_utterance

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples: TypeAlias = NDArray[np.float32]

Timed: TypeAlias = tuple[str, float, float]
# What the annotations call a channel, which are the specification's words.
SPECIFIED = {"clean": "clean", "telephone": "telephone", "noise": "room", "overlap": "clean", "codec": "voip"}

_DISTANCE = 4.0  # dB, the standard deviation of how near the microphone is: loudness alone must not tell arousal
_OPPOSITE = {"customer": "agent", "agent": "customer", "executive": "analyst", "analyst": "executive"}


@dataclass(frozen=True)
class Sound:
    """A rendered utterance: samples at `rate`, its words with times, and what the other speaker says into it, if one does."""

    samples: Samples
    rate: int
    words: tuple[Timed, ...]
    other: tuple[Speaker, str, tuple[Timed, ...]] | None = None
    strength: float = 0.0  # dB of speech over noise or over the other speaker, thousand bits a second of the encoder


def render(utterance: Utterance) -> Sound:
    """The utterance spoken and sent through its channel."""
    rng = random.Random(f"finmm voice {utterance.seed} {utterance.index} channel")
    samples, said = spoken(utterance.said, utterance.speaker, *utterance.performed)
    wide, words = channel.framed(samples, RATE), _later(said, channel.lead())
    nearer = random.Random(f"finmm voice {utterance.seed} {utterance.index} distance").gauss(0, _DISTANCE)
    wide = channel.within(wide * 10 ** (nearer / 20))
    if utterance.channel == "telephone":
        return Sound(channel.telephone(wide), channel.NARROW, words)
    if utterance.channel == "noise":
        snr = rng.uniform(2, 18)
        place = (utterance.seed, utterance.index)
        return Sound(channel.noisy(wide, snr, place), channel.WIDE, words, strength=round(snr, 1))
    if utterance.channel == "overlap":
        return _overlapped(utterance, wide, words, rng)
    if utterance.channel == "codec":
        kilobits = rng.choice((8, 16))
        return Sound(channel.encoded(wide, kilobits), channel.WIDE, words, strength=kilobits)
    return Sound(wide, channel.WIDE, words)


def _later(words: list[Timed], seconds: float) -> tuple[Timed, ...]:
    return tuple((word, start + seconds, end + seconds) for word, start, end in words)


def _overlapped(utterance: Utterance, wide: Samples, words: tuple[Timed, ...], rng: random.Random) -> Sound:
    other = rng.choice([speaker for speaker in FORMANT if speaker != utterance.speaker])
    text, below = rng.choice(ANSWERS), rng.uniform(4, 12)
    samples, said = spoken(text, other)
    second = channel.resampled(samples, RATE, channel.WIDE)
    start = rng.randrange(max(len(wide) - len(second), 0) + 1)
    mixed = channel.mixed(wide, second, start, below)
    heard = tuple(one for one in _later(said, start / channel.WIDE) if one[2] <= len(wide) / channel.WIDE)
    whole = len(heard) == len(said)  # else the recording ends before the other does
    if not heard:
        return Sound(mixed, channel.WIDE, words, strength=round(below, 1))
    return Sound(
        mixed,
        channel.WIDE,
        words,
        (other, text if whole else " ".join(word for word, _, _ in heard), heard),
        round(below, 1),
    )


def encode(sound: Sound) -> bytes:
    """The sound as a WAV file of 16 bits."""
    import numpy as np

    with io.BytesIO() as file:
        with wave.open(file, "wb") as out:
            out.setparams((1, 2, sound.rate, 0, "NONE", ""))
            out.writeframes(np.round(np.clip(sound.samples, -1, 1) * 32_767).astype("<i2").tobytes())
        return file.getvalue()


def sound_file(seed: int, index: int, neural: bool = False) -> str:
    """The path of an utterance's WAV file: rendered once on this machine and kept in the cache, or in a temporary folder."""
    name = f"{seed}-{index}{'-neural' if neural else ''}.wav"
    place = _sounds() / name

    def make(draft: Path) -> None:
        write_atomically(draft, encode(render(make_utterance(seed, index, neural))))

    try:
        return str(made(place, "speaking", f"utterance {Path(name).stem}", make))
    except OSError:
        spare = Path(_spare().name) / name
        if not spare.is_file():
            make(spare)
        return str(spare)


@cache
def _spare() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="finmm-voices-")


@cache
def _sounds() -> Path:
    """Where the sounds are kept that this source makes with these versions of what it makes them with."""
    drawn_from = "".join(digest(path) for path in (FOLDER / "voice", *SOURCES))
    versions = "".join(
        f"{name} {_version(name)}\n" for name in ("espeakng-loader", "numpy", "scipy", "av", "onnxruntime")
    )
    return derived(hashlib.sha256(f"{drawn_from}\n{versions}".encode()).hexdigest(), "finmm-voices")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def annotate(utterance: Utterance, sound: Sound, sha256: str) -> dict[str, Any]:
    """The record of an utterance by the specification of voices."""
    seconds = len(sound.samples) / sound.rate
    segment = _segment(utterance.speaker.name, utterance.text, sound.words, seconds) | {
        "entities": [
            {"kind": one.kind, "spoken": " ".join(utterance.words[first : last + 1]), "written": one.written, "value": one.value,
             "first_word": first, "last_word": last}
            for one, (first, last) in zip(utterance.entities, utterance.places, strict=True)
        ],
        "valence": utterance.valence, "arousal": utterance.arousal, "emotion": utterance.emotion,
    }  # fmt: skip
    speakers, segments = [_speaker(utterance.speaker, utterance.role)], [segment]
    if sound.other:
        speaker, text, words = sound.other
        speakers.append(_speaker(speaker, _OPPOSITE[utterance.role]))
        segments.append(_segment(speaker.name, text, words, seconds))
        segments.sort(key=lambda one: float(one["start"]))
    return {
        "id": utterance.id, "file": f"sounds/{utterance.id}.wav", "sha256": sha256, "seconds": round(seconds, 4),
        "rate": sound.rate, "channel": SPECIFIED[utterance.channel], "language": "en", "licence": "CC0-1.0", "source": "synthetic",
        "conversation": utterance.conversation, "speakers": speakers, "segments": segments, "agreement": "assigned",
        "x_channel": utterance.channel, "x_strength": sound.strength, "x_topic": utterance.topic,
    }  # fmt: skip


def _speaker(speaker: Speaker, role: str) -> dict[str, Any]:
    return {
        "id": speaker.name, "role": role, "accent": speaker.accent, "sex": speaker.sex, "synthetic": True,
        "voice": speaker.synthesiser,
    }  # fmt: skip


def _segment(speaker: str, text: str, words: tuple[Timed, ...], seconds: float) -> dict[str, Any]:
    timed = [
        {"word": word, "start": round(start, 3), "end": min(round(end, 3), round(seconds - 0.0005, 3))}
        for word, start, end in words
    ]
    return {"speaker": speaker, "start": timed[0]["start"], "end": timed[-1]["end"], "text": text, "words": timed}


def write_voices(folder: Path, seed: int, n: int, neural: bool = False) -> None:
    """Write n utterances: `sounds/ID.wav` and `annotations.jsonl`, one of them in memory at a time."""
    (folder / "sounds").mkdir(parents=True, exist_ok=True)
    with (folder / "annotations.jsonl").open("w", encoding="utf-8") as records:
        for index in range(n):
            utterance = make_utterance(seed, index, neural)
            sound = render(utterance)
            data = encode(sound)
            record = annotate(utterance, sound, hashlib.sha256(data).hexdigest())
            (folder / record["file"]).write_bytes(data)
            records.write(json.dumps(record, ensure_ascii=False) + "\n")
