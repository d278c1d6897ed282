"""How something is said, as numbers: pitch, loudness, pauses and rate of recordings that are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from spoken import noise, tone

from bench.models import prosody
from bench.models.pitch import pitch

RATE = 16_000
# Where the numbers of `prosody.features` lie, as `_described` lists them
TUNE, TUNE_SPREAD, RISE, CLARITY, LOUD, SPOKEN, VOICED, BEATS, PAUSES, PAUSE_SECONDS = 0, 1, 5, 7, 8, 17, 18, 19, 21, 22


def frames(samples: Any) -> Any:
    return np.lib.stride_tricks.sliding_window_view(np.asarray(samples, np.float32), 640)[::160]


def buzz(seconds: float, hertz: Any, lowest: float = 0.0) -> Any:
    """Harmonics of equal strength below 3.4 kHz, those below `lowest` left out, as a telephone does."""
    n = round(seconds * RATE)
    phase = 2 * np.pi * np.cumsum(np.broadcast_to(hertz, n)) / RATE
    top = float(np.max(hertz))
    kept = [k for k in range(1, int(3_400 / top)) if k * top >= lowest]
    return 0.5 * np.sum([np.cos(k * phase + k * k) for k in kept], axis=0) / len(kept)


def measured(*pieces: Any) -> Any:
    return prosody.features([np.asarray(piece, np.float32) for piece in pieces])


@pytest.mark.parametrize("hertz", [65, 100, 147.3, 233, 390, 480])
@pytest.mark.parametrize("make", [lambda f: tone(0.5, hertz=f), lambda f: buzz(0.5, f), lambda f: buzz(0.5, f, 300)])
def test_pitch_is_right_within_half_a_percent_for_tones_voices_and_telephones(make: Any, hertz: float) -> None:
    found, clarity = pitch(frames(make(hertz)), RATE)
    assert found == pytest.approx(np.full(len(found), hertz), rel=0.005)
    assert clarity.min() > 0.9


def test_noise_and_silence_have_no_clear_pitch() -> None:
    _, clarity = pitch(frames(np.random.default_rng(0).normal(size=RATE)), RATE)
    assert np.mean(clarity > 0.6) < 0.02
    found, clarity = pitch(frames(np.zeros(RATE)), RATE)
    assert clarity.max() == 0.0
    assert np.isfinite(found).all()


def test_a_frame_that_is_too_short_for_the_lowest_voice_is_refused() -> None:
    with pytest.raises(ValueError, match="534 are needed"):
        pitch(np.zeros((1, 500), np.float32), RATE)


@pytest.mark.slow
def test_a_voice_an_octave_higher_is_twelve_semitones_higher_and_a_gain_of_two_six_decibels_louder() -> None:
    low, high, quiet = measured(buzz(1.0, 120)), measured(buzz(1.0, 240)), measured(buzz(1.0, 120) / 2)
    assert high[TUNE] - low[TUNE] == pytest.approx(12, abs=0.1)
    assert low[TUNE_SPREAD] == pytest.approx(0, abs=0.1)
    assert low[LOUD] - quiet[LOUD] == pytest.approx(6.02, abs=0.01)
    assert quiet[TUNE] == pytest.approx(low[TUNE], abs=0.01)


def test_a_voice_that_rises_an_octave_in_two_seconds_rises_six_semitones_a_second() -> None:
    found = measured(buzz(2.0, 110 * 2 ** np.linspace(0, 1, 2 * RATE)))
    assert found[RISE] == pytest.approx(6, abs=0.2)


def test_syllables_and_pauses_are_counted() -> None:
    syllable = buzz(0.18, 130) * np.hanning(round(0.18 * RATE))
    words = [syllable if i % 8 < 5 else np.zeros(len(syllable)) for i in range(21)]  # 5, a pause of 0.54 s, 5, …
    found = measured(np.concatenate(words))
    seconds = 21 * 0.18
    assert found[BEATS] * seconds == pytest.approx(15, abs=1.5)
    assert found[PAUSES] * seconds == pytest.approx(2, abs=0.2)
    assert found[PAUSE_SECONDS] == pytest.approx(0.54, abs=0.08)
    assert 0.5 < found[SPOKEN] < 0.9


def test_the_pieces_that_a_recording_comes_in_make_no_difference() -> None:
    samples = noise(2.0)
    assert np.array_equal(measured(samples), measured(*np.split(samples, [1, 5_000, 5_001, 30_000])))


@pytest.mark.slow
def test_what_lasts_longer_than_a_window_is_measured_as_a_whole() -> None:
    found, short = measured(buzz(50.0, 150)), measured(buzz(5.0, 150))
    assert found[TUNE] == pytest.approx(short[TUNE], abs=0.01)
    assert found[LOUD] == pytest.approx(short[LOUD], abs=0.05)


def test_silence_has_no_features_and_a_whisper_or_blink_some_that_are_missing_never_infinite() -> None:
    assert measured(np.zeros(RATE)) is None
    for samples in (0.1 * np.random.default_rng(0).normal(size=RATE), tone(0.001), np.ones(9), -np.ones(RATE)):
        found = measured(samples)
        assert found.shape == (83,)
        assert not np.isinf(found).any()
    assert np.isnan(measured(0.1 * np.random.default_rng(0).normal(size=400))[TUNE])
