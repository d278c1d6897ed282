"""A text spoken by one of `SPEAKERS` with a feeling: samples, and when each word is said."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from tasks.finmm.voice import espeak
from tasks.finmm.voice.espeak import RATE
from tasks.finmm.voice.speaker import FORMANT, JOE, SPEAKERS, Speaker, delivery

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples: TypeAlias = NDArray[np.float32]

__all__ = ["FORMANT", "JOE", "RATE", "SPEAKERS", "Speaker", "spoken"]
Timed: TypeAlias = tuple[str, float, float]


def spoken(text: str, speaker: Speaker, valence: float = 0.0, arousal: float = 0.3) -> tuple[Samples, list[Timed]]:
    """The samples at 22,050 Hz, within [-1, 1], and (word, start, end) in seconds for every word of the text.

    Words are what white space parts, without the punctuation around them; write numbers as words, for a word "125" is one word
    here. Equal input gives equal samples, whatever was spoken before and in whichever process. Times of espeak-ng's voices are
    its own; those of the neural voice come from the lengths of its phonemes, and by the letters within a clause whose words it
    runs together. Raises ValueError for a text without words or a feeling outside its scale.
    """
    words = text.split()
    if not any(map(_bare, words)):
        raise ValueError(f"{text[:60]!r} holds no word to speak")
    if not (-1 <= valence <= 1 and 0 <= arousal <= 1):
        raise ValueError(f"valence {valence} and arousal {arousal}, expected -1 to 1 and 0 to 1")
    if speaker.neural:
        from tasks.finmm.voice import neural

        samples, times = neural.speech(words, speaker, delivery(speaker, valence, arousal))
    else:
        samples, times = _formant(words, speaker, valence, arousal)
    loud = _levelled(samples, delivery(speaker, valence, arousal).loudness)
    return loud, [(_bare(word), *time) for word, time in zip(words, times, strict=True) if _bare(word)]


def _bare(word: str) -> str:
    return word.strip("\"“”‘’'().,;:!?…–—-")


def _formant(
    words: list[str], speaker: Speaker, valence: float, arousal: float
) -> tuple[Samples, list[tuple[float, float]]]:
    import numpy as np

    how = delivery(speaker, valence, arousal)
    sound, marks = espeak.speech(" ".join(words), speaker.voice, pitch=how.pitch, pitch_range=how.range, rate=how.rate)
    samples = np.asarray(np.frombuffer(sound, "<i2") / 32_768, np.float32)
    return samples, _times(words, marks, len(samples))


def _times(words: list[str], marks: list[espeak.Mark], n_samples: int) -> list[tuple[float, float]]:
    """When each word is said. A word that has no mark of its own, as it was said with the one before, gets a share of that one."""
    begins: list[int | None] = []
    place = 0
    for word in words:
        inside = [mark.sample for mark in marks if place <= mark.position < place + len(word)]
        begins.append(min(inside) if inside else None)
        place += len(word) + 1
    stops = sorted({mark.sample for mark in marks} | {n_samples})
    found: list[tuple[float, float]] = []
    i = 0
    while i < len(words):
        last = i + 1
        while last < len(words) and begins[last] is None:
            last += 1
        start = begins[i] or 0
        later = [begin for begin in begins[last:] if begin is not None] or [n_samples]
        pauses = [mark.sample for mark in marks if mark.position < 0 and start < mark.sample < later[0]]
        end = pauses[0] if pauses and last == i + 1 else pauses[-1] if pauses else min(later[0], stops[-1])
        found += shares(words[i:last], start / RATE, end / RATE)
        i = last
    return found


def shares(words: list[str], start: float, end: float) -> list[tuple[float, float]]:
    """The time parted among words by their letters."""
    total = sum(map(len, words))
    found, at = [], start
    for word in words:
        until = at + (end - start) * len(word) / total
        found.append((at, until))
        at = until
    return found


def _levelled(samples: Samples, loudness: float) -> Samples:
    """The samples at this loudness (root mean square where somebody speaks, in dB of full scale), within full scale."""
    import numpy as np

    loud = samples[np.abs(samples) > 0.01]
    if not len(loud):
        return samples
    power = float(np.sqrt(np.mean(loud.astype(np.float64) ** 2)))
    gain = min(10 ** (loudness / 20) / power, 0.99 / float(np.abs(samples).max()))
    return np.asarray(samples * gain, np.float32)
