"""What is heard in a film: the voice, a room behind it, clicks and keys."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.finmm.video.clip import Clip
from tasks.finmm.video.encode import RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tasks.finmm.video.encode import Samples

Words = tuple[tuple[str, float, float], ...]


def voice(clip: Clip, start: float) -> tuple[Samples, Words]:
    """What is said from `start` on, in seconds, and when each word is."""
    from tasks.finmm.voice.speaking import spoken

    valence, arousal = (float(str(clip.shown.get(name, value))) for name, value in
                        (("voice_valence", 0.05), ("voice_arousal", 0.3)))  # fmt: skip
    samples, words = spoken(clip.text, speaker(clip), valence, arousal)
    held = np.concatenate([np.zeros(round(start * RATE), np.float32), np.asarray(samples, np.float32)])
    return held, tuple((word, round(begin + start, 3), round(end + start, 3)) for word, begin, end in words)


def loudness(samples: Samples, fps: int, n_frames: int) -> NDArray[np.float64]:
    """How loud each frame's sound is, from 0 to 1 at the loudest tenth."""
    step = RATE / fps
    power = np.array([
        np.sqrt(np.mean(part**2)) if (part := samples[round(i * step) : round((i + 1) * step)]).size else 0.0
        for i in range(n_frames)
    ])  # fmt: skip
    most = float(np.quantile(power, 0.92)) or 1.0
    return np.clip(power / max(most, 1e-6), 0, 1)


def in_a_room(samples: Samples, seconds: float, key: str, *, ticks: Iterable[tuple[float, float]] = ()) -> Samples:
    """The voice in a film's length with the hum and hiss of a room, and `ticks` (second, strength) of mouse and keys."""
    rng = np.random.default_rng(Random(f"{key}/room").getrandbits(63))
    n = round(seconds * RATE)
    time = np.arange(n) / RATE
    hiss = np.convolve(rng.standard_normal(n + 7), np.ones(8) / 8, "valid")
    found = rng.uniform(0.001, 0.004) * hiss + rng.uniform(0.0005, 0.002) * np.sin(
        2 * np.pi * rng.uniform(48, 62) * time
    )
    found[: min(n, len(samples))] += samples[:n]
    for second, strength in ticks:
        start = round(second * RATE)
        length = min(round(0.02 * RATE), n - start)
        if length > 0:
            fall = np.exp(-np.arange(length) / (0.004 * RATE))
            found[start : start + length] += strength * fall * rng.standard_normal(length)
    return np.clip(found, -1, 1).astype(np.float32)


def speaker(clip: Clip) -> Any:
    """The voice of a clip: one of those that need no weights."""
    from tasks.finmm.voice.speaking import FORMANT

    return FORMANT[clip.speaker % len(FORMANT)]


def is_female(clip: Clip) -> bool:
    """Whether the clip's voice is a woman's."""
    return bool(speaker(clip).sex == "female")


def described(who: Any, role: str) -> dict[str, Any]:
    """The speaker's record."""
    return {
        "id": who.name,
        "role": role,
        "accent": who.accent,
        "sex": who.sex,
        "synthetic": True,
        "voice": who.synthesiser,
    }
