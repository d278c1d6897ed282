"""What the sound goes through: telephone band, noise, a second speaker, an encoder at a low bit rate."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, TypeAlias

from bench.errors import BenchError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples: TypeAlias = NDArray[np.float32]

WIDE, NARROW = 16_000, 8_000
_BEFORE, _AFTER = 0.2, 0.3  # seconds of silence
_MU = 255.0


def framed(samples: Samples, rate: int) -> Samples:
    """The samples at 16 kHz with silence around them, which is `lead()` seconds long before."""
    import numpy as np

    wide = resampled(samples, rate, WIDE)
    return np.concatenate((np.zeros(round(_BEFORE * WIDE)), wide, np.zeros(round(_AFTER * WIDE)))).astype(np.float32)


def lead() -> float:
    """Seconds before the first word."""
    return _BEFORE


def resampled(samples: Samples, rate: int, wanted: int) -> Samples:
    """The samples at another rate."""
    import math

    import numpy as np
    from scipy.signal import resample_poly

    common = math.gcd(rate, wanted)
    return np.asarray(resample_poly(samples, wanted // common, rate // common), np.float32)


def telephone(samples: Samples) -> Samples:
    """300 to 3,400 Hz at 8 kHz through the 8 bits of mu-law (ITU-T G.711's curve)."""
    import numpy as np
    from scipy.signal import butter, sosfiltfilt

    band = butter(4, (300, 3_400), "bandpass", fs=NARROW, output="sos")
    narrow = np.clip(sosfiltfilt(band, resampled(samples, WIDE, NARROW)), -1, 1)
    pressed = np.sign(narrow) * np.log1p(_MU * np.abs(narrow)) / np.log1p(_MU)
    steps = np.round(pressed * 127) / 127
    return np.asarray(np.sign(steps) * np.expm1(np.abs(steps) * np.log1p(_MU)) / _MU, np.float32)


def noisy(samples: Samples, snr: float, seed: tuple[int, ...]) -> Samples:
    """With noise that falls by 3 dB an octave, as in a room full of people, `snr` dB below the speech."""
    import numpy as np

    white = np.fft.rfft(np.random.default_rng(seed).normal(size=len(samples)))
    pink = np.fft.irfft(white / np.sqrt(np.maximum(np.arange(len(white)), 20)), len(samples))
    wanted = power(samples) / 10 ** (snr / 10)
    return within(samples + pink * np.sqrt(wanted / np.mean(pink**2)))


def power(samples: Samples) -> float:
    """The mean square where somebody speaks; raises no error for silence."""
    import numpy as np

    loud = samples[np.abs(samples) > 0.005].astype(np.float64)
    return float(np.mean(loud**2)) if len(loud) else 1e-9


def within(samples: NDArray[np.floating]) -> Samples:
    """The samples, made quieter where they would leave full scale."""
    import numpy as np

    peak = float(np.abs(samples).max(initial=0.0))
    return np.asarray(samples / max(1.0, peak / 0.99), np.float32)


def mixed(samples: Samples, other: Samples, start: int, below: float) -> Samples:
    """With another speaker from `start` on, `below` dB quieter."""
    import numpy as np

    found = np.array(samples, np.float64)
    other = other[: len(found) - start]
    gain = np.sqrt(power(samples) / power(other) / 10 ** (below / 10))
    found[start : start + len(other)] += other * gain
    return within(found)


def encoded(samples: Samples, kilobits: int) -> Samples:
    """Through an MP3 encoder and back, at so many thousand bits a second; as long as before and in its place."""
    import numpy as np

    try:
        import av
    except ImportError:
        raise BenchError(
            "sound through an encoder needs PyAV; install it with `pip install 'finai-bench[audio]'`"
        ) from None
    file = io.BytesIO()
    with av.open(file, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=WIDE, layout="mono")
        stream.bit_rate = kilobits * 1_000
        frame = av.AudioFrame.from_ndarray(np.asarray(samples, np.float32)[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = WIDE, 0
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    file.seek(0)
    with av.open(file, "r", format="mp3") as made:
        heard = [frame.to_ndarray().reshape(-1) for frame in made.decode(audio=0)]
    return _in_place(np.concatenate(heard).astype(np.float32), samples)


def _in_place(heard: Samples, samples: Samples) -> Samples:
    """Cut to where the original is, for encoders begin late."""
    import numpy as np
    from scipy.signal import correlate

    lag = int(np.argmax(correlate(heard, samples, mode="full", method="fft"))) - (len(samples) - 1)
    lag = max(lag, 0)
    found = np.zeros(len(samples), np.float32)
    there = heard[lag : lag + len(samples)]
    found[: len(there)] = there
    return within(found)
