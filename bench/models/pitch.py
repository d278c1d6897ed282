"""How high a voice is: the period of each short stretch of sound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LOW, HIGH = 60.0, 500.0  # Hz; of speech
_NEAR_BEST = 0.9  # of the best peak; the first that comes so near is the period, a later one twice or thrice as long


def pitch(frames: NDArray[np.float32], rate: int) -> tuple[Any, Any]:
    """The pitch in Hz [n] of frames [n, w], and how clear it is [n]: 1 for what repeats itself exactly, about 0 for noise.

    A frame must hold two periods of 60 Hz. One in which nothing repeats has a clarity of 0. By the normalised square difference
    function of McLeod and Wyvill 2005, "A smarter way to find pitch" (ICMC), with its key maxima and parabolas.
    """
    import numpy as np
    from scipy import fft

    width = frames.shape[1]
    shortest, longest = int(rate / HIGH), int(np.ceil(rate / LOW))
    if width < 2 * longest:
        raise ValueError(f"frames of {width} samples hold no two periods of {LOW:g} Hz; {2 * longest} are needed")
    centred = frames - frames.mean(axis=1, keepdims=True)
    size = fft.next_fast_len(width + longest + 2, real=True)
    spectrum = fft.rfft(centred, size, axis=1)
    products = fft.irfft(spectrum.real**2 + spectrum.imag**2, size, axis=1)[:, : longest + 2]
    sums = np.cumsum(np.pad(centred.astype(np.float64) ** 2, ((0, 0), (1, 0))), axis=1)
    lags = np.arange(longest + 2)
    squares = sums[:, width - lags] + sums[:, -1:] - sums[:, lags]  # of both ends that overlap at each lag
    alike = 2 * products / np.maximum(squares, 1e-12)
    before, here, after = (alike[:, shortest + i : longest + i + 1] for i in (-1, 0, 1))
    peaks = np.where((here > before) & (here >= after), here, 0.0)
    best = peaks.max(axis=1)
    first = np.argmax(peaks >= np.maximum(_NEAR_BEST * best, 1e-9)[:, None], axis=1)
    rows = np.arange(len(frames))
    a, b, c = before[rows, first], here[rows, first], after[rows, first]
    bend = a - 2 * b + c
    shift = np.where(bend < 0, 0.5 * (a - c) / np.where(bend < 0, bend, -1.0), 0.0)
    return rate / (shortest + first + np.clip(shift, -0.5, 0.5)), np.clip(best, 0.0, 1.0)
