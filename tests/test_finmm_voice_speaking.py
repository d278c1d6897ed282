"""Speech that the project makes: equal each time, with the time of every word, and changed by the feeling."""

from __future__ import annotations

import ctypes
import hashlib
import locale
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from bench.errors import BenchError
from tasks.finmm.voice import speaking
from tasks.finmm.voice.speaker import FORMANT, JOE, SPEAKERS, delivery
from tasks.finmm.voice.speaking import RATE, spoken

pytest.importorskip("espeakng_loader", reason="espeakng-loader is not installed; it speaks for these tests")
TEXT = "Hello, my card ending four two was charged twenty-five pounds. I don't know why!"


def digests(names: list[str]) -> dict[str, str]:
    chosen = [speaker for name in names for speaker in FORMANT if speaker.name == name]
    return {one.name: hashlib.sha256(spoken(TEXT, one, 0.4, 0.7)[0].tobytes()).hexdigest() for one in chosen}


@pytest.mark.slow
def test_speech_is_equal_whatever_was_spoken_before_and_in_another_process() -> None:
    names = [speaker.name for speaker in FORMANT]
    here = digests(names)
    assert len(set(here.values())) == len(FORMANT) >= 10
    assert digests(names[::-1]) == here
    code = f"from test_finmm_voice_speaking import digests; print(digests({names[3:5]!r}))"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parent
    )
    assert eval(found.stdout) == {name: here[name] for name in names[3:5]}


@pytest.mark.parametrize("speaker", FORMANT, ids=lambda speaker: speaker.name)
def test_no_voice_takes_random_numbers_that_other_code_shares(speaker: speaking.Speaker) -> None:
    found = set()
    for seed in (1, 2):
        ctypes.CDLL(None).srand(seed)
        found.add(spoken("who charged my card", speaker)[0].tobytes())
    assert len(found) == 1


@pytest.mark.parametrize("speaker", FORMANT, ids=lambda speaker: speaker.name)
def test_every_word_has_its_time_in_order_and_within_the_sound(speaker: speaking.Speaker) -> None:
    samples, words = spoken(TEXT, speaker)
    said = "Hello my card ending four two was charged twenty-five pounds I don't know why"
    assert [word for word, _, _ in words] == said.split()
    ends = [time for _, start, end in words for time in (start, end)]
    assert ends == sorted(ends)
    assert 0 <= ends[0] < ends[-1] <= len(samples) / RATE
    assert all(end > start for _, start, end in words)
    pauses = np.abs(samples[int(words[9][2] * RATE) + 400 : int(words[10][1] * RATE) - 400])  # after "pounds."
    assert len(pauses) > RATE // 10
    assert pauses.max() < 0.02


def test_a_feeling_is_heard_as_faster_louder_higher_and_livelier() -> None:
    for speaker in SPEAKERS:
        calm, upset, glad = delivery(speaker, 0, 0.1), delivery(speaker, 0, 0.9), delivery(speaker, 0.8, 0.9)
        assert calm.rate < upset.rate
        assert calm.pitch < upset.pitch <= glad.pitch
        assert calm.loudness < upset.loudness
        assert upset.range < glad.range
    quiet, loud = (spoken(TEXT, FORMANT[0], 0.0, arousal)[0] for arousal in (0.1, 0.9))
    assert len(loud) < 0.9 * len(quiet)
    assert float(np.sqrt(np.mean(loud**2))) > 2 * float(np.sqrt(np.mean(quiet**2)))
    assert np.abs(loud).max() <= 1


@pytest.mark.slow
def test_threads_that_speak_at_once_do_not_disturb_each_other_and_nothing_stays_loaded() -> None:
    alone = [spoken(TEXT, speaker)[0].tobytes() for speaker in FORMANT]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda speaker: spoken(TEXT, speaker)[0].tobytes(), FORMANT))
    assert together == alone
    maps = Path("/proc/self/maps")
    if maps.exists():
        assert not re.search(r"/espeak-\w+/", maps.read_text())


def test_speaking_leaves_the_locale_of_the_process_as_it_was() -> None:
    before = locale.setlocale(locale.LC_CTYPE)
    spoken("a word", FORMANT[0])
    assert locale.setlocale(locale.LC_CTYPE) == before


@pytest.mark.parametrize(
    ("text", "valence", "arousal"), [("", 0, 0.3), (" . - ", 0, 0.3), ("a", 1.5, 0.3), ("a", 0, -0.1)]
)
def test_what_cannot_be_spoken_is_refused(text: str, valence: float, arousal: float) -> None:
    with pytest.raises(ValueError, match=r"holds no word|expected -1 to 1"):
        spoken(text, FORMANT[0], valence, arousal)


def test_a_missing_synthesiser_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(BenchError, match=r"speaking needs espeakng-loader; install it with `pip install"):
        spoken(TEXT, FORMANT[0])


@pytest.mark.slow
def test_the_neural_voice_is_equal_twice_and_times_its_words() -> None:
    pytest.importorskip("onnxruntime")
    try:
        samples, words = spoken(TEXT, JOE)
    except BenchError as error:
        pytest.skip(f"the neural voice cannot be had here: {error}")
    spoken("something else in between", JOE)
    assert np.array_equal(spoken(TEXT, JOE)[0], samples)
    assert [word for word, _, _ in words][8:10] == ["twenty-five", "pounds"]
    ends = [time for _, start, end in words for time in (start, end)]
    assert ends == sorted(ends)
    assert ends[-1] <= len(samples) / RATE
