"""Recordings that the tests make: speech by espeak-ng, tones, and files of given samples."""

from __future__ import annotations

import ctypes
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.finmm.voice import espeak


def write_wav(path: Path, samples: Any, rate: int = 16_000) -> Path:
    """Samples [n] or [n, channels], full scale at ±1, as 16-bit WAV."""
    samples = np.asarray(samples, np.float64)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples.shape[1] if samples.ndim > 1 else 1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(samples, -1, 1) * 32_767).astype("<i2").tobytes())
    return path


def tone(seconds: float, rate: int = 16_000, hertz: float = 440.0) -> Any:
    """A sine of amplitude 0.5."""
    return 0.5 * np.sin(np.arange(round(seconds * rate)) / rate * 2 * np.pi * hertz)


def noise(seconds: float, rate: int = 16_000, seed: int = 0) -> Any:
    """Noise whose loudness and pitch go up and down, so that no two windows of it are alike."""
    n = round(seconds * rate)
    time = np.arange(n) / rate
    rough = np.random.default_rng(seed).normal(size=n)
    return 0.1 * (1.2 + np.sin(7 * time + seed)) * rough + 0.2 * np.sin(2_000 * time + 300 * np.sin(3 * time + seed))


_UTF8, _RATE_PARAMETER = 1, 1  # names of speak_lib.h: espeakCHARS_UTF8, espeakRATE


def speak(path: Path, text: str, *, voice: str = "en-us+edward", words_per_minute: int = 150) -> Path:
    """The text as speech in a WAV file, the same whatever was spoken before; skips the test where espeak-ng is not installed."""
    pytest.importorskip("espeakng_loader", reason="espeakng-loader is not installed; it speaks for the tests")
    heard: list[bytes] = []

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
    def keep(samples: int | None, n: int, events: int | None) -> int:
        if samples and n > 0:
            heard.append(ctypes.string_at(samples, 2 * n))
        return 0

    with espeak._library() as library:
        library.espeak_SetSynthCallback(keep)
        library.espeak_SetVoiceByName(voice.encode())
        library.espeak_SetParameter(_RATE_PARAMETER, words_per_minute, 0)
        said = text.encode() + b"\0"
        library.espeak_Synth(said, len(said), 0, 1, 0, _UTF8, None, None)
        library.espeak_Synchronize()
    return write_wav(path, np.frombuffer(b"".join(heard), "<i2") / 32_768, espeak.RATE)
