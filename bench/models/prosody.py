"""How something is said, in 83 numbers: pitch, loudness, pauses, rate and colour of a voice."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.models import sound_windows
from bench.models.pitch import pitch

if TYPE_CHECKING:
    from bench.models.sound import Samples

RATE = 16_000
_WINDOW = 20.0  # seconds that are looked at together; of a call of hours only its frames are held
_WIDTH, _STEP, _SIZE = (
    640,
    160,
    1_024,
)  # samples of a frame (40 ms), from one to the next (10 ms), of its Fourier transform
_STEPS_A_SECOND = RATE // _STEP
_FLOOR = -100.0  # dB of full scale, below which nothing is told apart
_CLEAR = 0.6  # from which clarity on a frame has a pitch
_BELOW_LOUDEST = 35.0  # dB below the loud frames, from which on nobody is taken to speak
_BANDS = ((0, 500), (500, 1_000), (1_000, 2_000), (2_000, 4_000), (4_000, 8_000))  # Hz
_MELS, _CEPSTRA = 26, 12


class Frames(NamedTuple):
    """A recording in steps of 10 ms: level in dB [n], pitch in Hz [n], its clarity [n], colour [n, c]."""

    level: Any
    pitch: Any
    clarity: Any
    colour: Any


def features(pieces: Iterable[Samples]) -> Any:
    """The numbers [83] of mono samples at 16 kHz that come in pieces; NaN where there is nothing to measure.

    None where it holds no sound at all.
    """
    import numpy as np

    found, loudest = [], 0.0
    for window in sound_windows.overlapping(pieces, round(_WINDOW * RATE), 0):
        loudest = max(loudest, float(abs(window.samples).max(initial=0.0)))
        found.append(_frames(window.samples))
    if loudest < sound_windows.SILENCE:
        return None
    return _described(Frames(*(np.concatenate(one) for one in zip(*found, strict=True))))


def _frames(samples: Samples) -> Frames:
    import numpy as np
    from scipy import fft

    padded = np.pad(samples, (0, max(0, _WIDTH - len(samples))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WIDTH)[::_STEP]
    level = np.maximum(10 * np.log10(np.mean(frames.astype(np.float64) ** 2, axis=1) + 1e-12), _FLOOR)
    power = np.abs(fft.rfft(frames * np.hanning(_WIDTH).astype(np.float32), _SIZE, axis=1)) ** 2 + 1e-10
    hertz, clarity = pitch(frames, RATE)
    return Frames(level, hertz, clarity, _colour(power))


def _colour(power: Any) -> Any:
    """Of power spectra [n, f]: shares of bands in dB, centroid, flatness and slope, and cepstra: [n, 5 + 3 + 12]."""
    import numpy as np
    from scipy import fft

    hertz = np.linspace(0, RATE / 2, power.shape[1])
    whole = power.sum(axis=1)
    bands = [10 * np.log10(power[:, (hertz >= a) & (hertz < b)].sum(axis=1) / whole) for a, b in _BANDS]
    centroid = power @ hertz / whole
    logs = np.log(power)
    flatness = logs.mean(axis=1) - np.log(power.mean(axis=1))
    octaves = np.log2(np.maximum(hertz, 50.0))
    slope = logs @ (octaves - octaves.mean()) / ((octaves - octaves.mean()) ** 2).sum()
    cepstra = fft.dct(np.log(power @ _mel_bands().T), axis=1, norm="ortho")[:, 1 : 1 + _CEPSTRA]
    return np.column_stack([*bands, centroid / 1_000, flatness, slope, cepstra])


@functools.cache
def _mel_bands() -> Any:
    """Triangles over the Fourier bins [mels, f], evenly spaced in mel from 0 Hz to half the rate."""
    import numpy as np

    def mel(hertz: float) -> float:
        return float(2_595 * np.log10(1 + hertz / 700))

    ends = 700 * (10 ** (np.linspace(0, mel(RATE / 2), _MELS + 2) / 2_595) - 1)
    hertz = np.linspace(0, RATE / 2, _SIZE // 2 + 1)
    rising = (hertz - ends[:-2, None]) / (ends[1:-1] - ends[:-2])[:, None]
    falling = (ends[2:, None] - hertz) / (ends[2:] - ends[1:-1])[:, None]
    return np.maximum(0.0, np.minimum(rising, falling))


def _described(frames: Frames) -> Any:
    """One list of numbers for the whole recording."""
    import numpy as np

    loud = float(np.percentile(frames.level, 95))
    spoken = frames.level > loud - _BELOW_LOUDEST
    voiced = spoken & (frames.clarity > _CLEAR)
    semitones = 12 * np.log2(np.where(voiced, frames.pitch, 100.0) / 100.0)
    tune = semitones[voiced]
    steps = np.abs(np.diff(semitones))[voiced[1:] & voiced[:-1]]
    numbers = [
        *_spread(tune), _slope(np.flatnonzero(voiced), tune), float(np.mean(steps)) if len(steps) else np.nan,
        float(np.median(frames.clarity[voiced])) if voiced.any() else np.nan,
        loud, *_spread(frames.level[spoken]), _slope(np.flatnonzero(spoken), frames.level[spoken]),
        float(np.mean(np.abs(np.diff(frames.level)))) if len(frames.level) > 1 else np.nan,
        *_rhythm(frames, spoken, voiced),
    ]  # fmt: skip
    colour = frames.colour[spoken] if spoken.any() else frames.colour
    heard = frames.colour[voiced] if voiced.any() else colour
    return np.array([*numbers, *colour.mean(axis=0), *colour.std(axis=0), *heard.mean(axis=0)], np.float64)


def _spread(values: Any) -> list[float]:
    """Mean, deviation, and the 10th, 50th and 90th percentile."""
    import numpy as np

    if not len(values):
        return [np.nan] * 5
    return [float(np.mean(values)), float(np.std(values)), *(float(one) for one in np.percentile(values, [10, 50, 90]))]


def _slope(steps: Any, values: Any) -> float:
    """How much the values rise in a second, by least squares; NaN for fewer than three."""
    import numpy as np

    if len(values) < 3:
        return float("nan")
    seconds = steps / _STEPS_A_SECOND - np.mean(steps / _STEPS_A_SECOND)
    return float(seconds @ values / (seconds @ seconds))


def _rhythm(frames: Frames, spoken: Any, voiced: Any) -> list[float]:
    """Length (log of seconds), shares that are spoken and voiced, and by second: beats, stretches with a voice, pauses; their mean.

    Beats are peaks of the level, smoothed over 70 ms, that stand out by 3 dB: about one a syllable.
    """
    import numpy as np
    from scipy.signal import find_peaks

    seconds = len(spoken) / _STEPS_A_SECOND
    smooth = np.convolve(frames.level, np.ones(7) / 7, "same")
    beats, _ = find_peaks(smooth, prominence=3.0)
    first, last = np.flatnonzero(spoken)[[0, -1]] if spoken.any() else (0, len(spoken) - 1)
    within = ~spoken[first : last + 1]
    pauses = _runs(within, least=10)
    speaking = max((last + 1 - first) / _STEPS_A_SECOND, 0.01)
    return [
        float(np.log(seconds)), float(spoken.mean()), float(voiced.sum() / max(1, spoken.sum())),
        float(spoken[beats].sum() / speaking), len(_runs(voiced, least=3)) / speaking, len(pauses) / speaking,
        float(np.mean(pauses)) / _STEPS_A_SECOND if len(pauses) else 0.0,
    ]  # fmt: skip


def _runs(flags: Any, least: int) -> list[int]:
    """The lengths of the stretches of True that have at least so many."""
    import numpy as np

    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [int(n) for n in edges[1::2] - edges[::2] if n >= least]
