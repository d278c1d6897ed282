"""The corpus of voices: what is said, how it is spoken and what is written about it."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import wave
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.artifacts.digest import digest
from bench.errors import BenchError
from tasks.finmm.voice import CHANNELS, Utterance, channel, corpus, make_utterance, numerals, sound_file, write_voices
from tasks.finmm.voice.entity import MAKERS, Entity
from tasks.finmm.voice.sentences import sentences
from tasks.finmm.voice.speaker import FORMANT
from tasks.omg_emotion import EMOTIONS

SEED, LEARNED = 7, 1007
speaks = pytest.mark.usefixtures("synthesiser")


@pytest.fixture
def synthesiser() -> None:
    pytest.importorskip("espeakng_loader", reason="espeakng-loader is not installed; it speaks for these tests")
    pytest.importorskip("av", reason="PyAV is not installed; it encodes for these tests")


@lru_cache(maxsize=2)
def utterances(seed: int = SEED, n: int = 900) -> tuple[Utterance, ...]:
    return tuple(make_utterance(seed, index) for index in range(n))


def entities(kind: str) -> list[Entity]:
    return [one for utterance in utterances() for one in utterance.entities if one.kind == kind]


@pytest.mark.parametrize(
    ("n", "said"),
    [
        (0, "zero"), (7, "seven"), (13, "thirteen"), (20, "twenty"), (99, "ninety nine"), (100, "one hundred"),
        (101, "one hundred and one"), (1_000, "one thousand"), (1_005, "one thousand and five"),
        (2_345, "two thousand three hundred and forty five"), (40_000, "forty thousand"),
        (1_000_001, "one million and one"), (3_200_000_000, "three billion two hundred million"),
    ],
)  # fmt: skip
def test_a_whole_number_is_said_as_the_british_say_it(n: int, said: str) -> None:
    assert numerals.cardinal(n) == said
    assert numerals.cardinal(n, "") == " ".join(word for word in said.split() if word != "and")


@pytest.mark.parametrize(
    ("n", "said"),
    [(1, "first"), (2, "second"), (3, "third"), (5, "fifth"), (8, "eighth"), (9, "ninth"), (12, "twelfth"), (20, "twentieth"),
     (21, "twenty first"), (30, "thirtieth")],
)  # fmt: skip
def test_a_place_in_an_order_is_said(n: int, said: str) -> None:
    assert numerals.ordinal(n) == said


def test_years_decimals_and_signs_are_said() -> None:
    assert [numerals.year(n) for n in (2000, 2004, 2010, 2024, 1905, 1998)] == [
        "two thousand", "two thousand and four", "twenty ten", "twenty twenty four", "nineteen oh five", "nineteen ninety eight",
    ]  # fmt: skip
    assert numerals.decimal("1,204.05") == "one thousand two hundred and four point zero five"
    assert numerals.digits("QK07") == "Q K zero seven"


@pytest.mark.slow
def test_an_utterance_is_the_same_each_time_and_no_two_have_one_text() -> None:
    assert make_utterance(SEED, 41) == make_utterance(SEED, 41)
    assert len({one.text for one in utterances()}) == len({one.id for one in utterances()}) == 900


@pytest.mark.slow
def test_training_shares_no_text_and_no_conversation_with_the_evaluation() -> None:
    learned = utterances(LEARNED)
    assert not {one.text for one in utterances()} & {one.text for one in learned}
    assert not {one.conversation for one in utterances()} & {one.conversation for one in learned}
    assert len(sentences(False)) > 300
    assert len(sentences(True)) > 200


def test_the_first_240_hold_every_channel_role_emotion_speaker_and_kind_of_entity() -> None:
    first = utterances()[:240]
    assert {one.channel for one in first} == set(CHANNELS)
    assert {one.role for one in first} == {"customer", "agent", "executive", "analyst"}
    assert {one.emotion for one in first} == set(EMOTIONS)
    assert {one.speaker for one in first} == set(FORMANT)
    kinds = {entity.kind for one in first for entity in one.entities}
    assert kinds == {"amount", "date", "number", "percentage", "account", "reference", "phone"}


def test_a_name_of_an_utterance_tells_its_seed_and_place_alone() -> None:
    assert all(re.fullmatch(r"finmm-voice-7-\d{5}", one.id) for one in utterances())


def test_feelings_lie_on_their_scales_and_the_voice_strays_from_them() -> None:
    for axis, low in ((0, -1.0), (1, 0.0)):
        marked = np.array([(one.valence, one.arousal)[axis] for one in utterances()])
        heard = np.array([one.performed[axis] for one in utterances()])
        assert low <= marked.min()
        assert marked.max() <= 1
        assert low <= heard.min()
        assert heard.max() <= 1
        assert 0.7 < float(np.corrcoef(marked, heard)[0, 1]) < 0.95  # neither read off nor hidden


def test_all_that_is_said_is_words_and_each_entity_stands_where_its_place_says() -> None:
    for one in utterances():
        assert not re.search(r"[\d£$€%]", one.said), one.said
        assert all(re.fullmatch(r"[A-Za-z][A-Za-z'-]*", word) for word in one.words), one.words
        for entity, (first, last) in zip(one.entities, one.places, strict=True):
            assert " ".join(one.words[first : last + 1]) == entity.spoken
            assert entity.written in one.text


def test_the_value_of_what_is_written_is_the_value() -> None:
    for one in entities("amount"):
        number, currency = one.value.split()
        scale = 10**6 if "million" in one.written else 10**9 if "billion" in one.written else 1
        assert float(re.sub(r"[^\d.]", "", one.written)) * scale == pytest.approx(float(number))
        assert one.written[0] == {"GBP": "£", "USD": "$", "EUR": "€"}[currency]
    for one in entities("date"):
        year, month, day = one.value.split("-")
        words = one.written.replace(",", "").split()
        assert {year, str(int(day)), numerals.MONTHS[int(month) - 1]} == set(words)
    for kind in ("account", "reference", "phone"):
        assert entities(kind)
        assert all(one.written.replace(" ", "") == one.value for one in entities(kind))
    for kind in ("number", "percentage"):
        assert all(one.written.rstrip("%").replace(",", "") == one.value for one in entities(kind))


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_the_ways_to_write_an_entity_are_distinct_and_end_with_the_written_one(name: str) -> None:
    import random

    for seed in range(200):
        one = MAKERS[name](random.Random(seed), "GBP" if seed % 2 else "USD")
        ways = one.ways()
        assert ways[0] == one.spoken.lower().split()
        assert ways[-1] == one.written.lower().replace(", ", " ").split()
        assert len({tuple(way) for way in ways}) == len(ways)


def of_channel(name: str) -> Utterance:
    return next(one for one in utterances() if one.channel == name and len(one.words) < 20)


@pytest.mark.slow
@speaks
@pytest.mark.parametrize("name", CHANNELS)
def test_a_sound_is_the_same_each_time_within_full_scale_and_holds_its_words(name: str) -> None:
    one = of_channel(name)
    sound = corpus.render(one)
    assert corpus.encode(sound) == corpus.encode(corpus.render(one))
    assert float(np.abs(sound.samples).max()) <= 1
    assert tuple(word for word, _, _ in sound.words) == one.words
    assert sound.words[-1][2] < len(sound.samples) / sound.rate
    assert sound.rate == (8_000 if name == "telephone" else 16_000)


@speaks
def test_what_is_encoded_stays_in_its_place() -> None:
    speech = channel.framed(np.sin(np.arange(22_050) ** 1.3 / 40).astype(np.float32) * 0.4, 22_050)
    heard = channel.encoded(speech, 16)
    assert len(heard) == len(speech)
    assert float(np.corrcoef(heard[:12_000], speech[:12_000])[0, 1]) > 0.8
    assert not np.array_equal(heard, speech)


def test_noise_and_the_other_speaker_are_as_loud_as_is_said() -> None:
    speech = (np.sin(np.arange(32_000) / 9) * 0.3).astype(np.float32)
    noise = channel.noisy(speech, 6.0, (1, 2)).astype(np.float64) - speech
    assert 10 * np.log10(channel.power(speech) / np.mean(noise**2)) == pytest.approx(6.0, abs=0.1)
    both = channel.mixed(speech, speech[:8_000], 10_000, 12.0).astype(np.float64) - speech
    assert 10 * np.log10(channel.power(speech) / np.mean(both[10_000:18_000] ** 2)) == pytest.approx(12.0, abs=0.3)
    assert not both[:10_000].any()


def test_a_telephone_passes_speech_and_stops_what_is_below_and_above() -> None:
    time = np.arange(16_000) / 16_000
    loud = {hertz: float(np.std(channel.telephone((0.4 * np.sin(2 * np.pi * hertz * time)).astype(np.float32))))
            for hertz in (60, 1_000, 5_000)}  # fmt: skip
    assert loud[1_000] == pytest.approx(0.4 / 2**0.5, rel=0.05)
    assert loud[60] < 0.02
    assert loud[5_000] < 0.02
    steps = channel.telephone((0.9 * np.sin(np.arange(64_000) / 11)).astype(np.float32))
    assert len(np.unique(steps)) <= 255


@pytest.mark.slow
@speaks
def test_loudness_alone_does_not_tell_arousal() -> None:
    chosen = [one for one in utterances() if one.channel == "clean" and len(one.words) < 30][:40]
    loud = [10 * np.log10(channel.power(corpus.render(one).samples)) for one in chosen]
    assert abs(float(np.corrcoef(loud, [one.performed[1] for one in chosen])[0, 1])) < 0.85
    assert len(chosen) == 40


def records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "annotations.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.slow
@speaks
def test_a_written_corpus_says_of_every_word_when_and_of_every_file_what_it_is(tmp_path: Path) -> None:
    write_voices(tmp_path, SEED, 12)
    found = records(tmp_path)
    assert [one["id"] for one in found] == [one.id for one in utterances()[:12]]
    for record, utterance in zip(found, utterances(), strict=False):
        place = tmp_path / record["file"]
        assert hashlib.sha256(place.read_bytes()).hexdigest() == record["sha256"]
        with wave.open(str(place)) as file:
            assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, record["rate"])
            assert file.getnframes() / record["rate"] == pytest.approx(record["seconds"], abs=1e-4)
        assert record["licence"] == "CC0-1.0"
        assert record["source"] == "synthetic"
        assert all(speaker["synthetic"] for speaker in record["speakers"])
        assert {one["speaker"] for one in record["segments"]} == {one["id"] for one in record["speakers"]}
        (main,) = [one for one in record["segments"] if one["speaker"] == utterance.speaker.name]
        assert main["text"] == utterance.text
        assert len(main["entities"]) == len(utterance.entities)
        for segment in record["segments"]:
            times = [time for word in segment["words"] for time in (word["start"], word["end"])]
            assert times == sorted(times)
            assert 0 <= segment["start"] <= times[0]
            assert times[-1] <= segment["end"] <= record["seconds"]


@pytest.mark.slow
@speaks
def test_a_corpus_from_another_process_is_the_same_byte_for_byte(tmp_path: Path) -> None:
    write_voices(tmp_path / "here", SEED, 8)
    code = (
        "import sys, pathlib; from tasks.finmm.voice import write_voices; write_voices(pathlib.Path(sys.argv[1]), 7, 8)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "there")], check=True)
    assert digest(tmp_path / "here") == digest(tmp_path / "there")


@speaks
def test_a_sound_is_rendered_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "_sounds", lambda: tmp_path / "kept")
    first = sound_file(SEED, 3)
    monkeypatch.setattr(corpus, "render", lambda utterance: pytest.fail("rendered a second time"))
    assert sound_file(SEED, 3) == first
    assert Path(first).parent == tmp_path / "kept"


@speaks
def test_a_sound_is_made_where_the_cache_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(corpus, "_sounds", lambda: tmp_path / "file" / "kept")
    assert Path(sound_file(SEED, 3)).read_bytes()[:4] == b"RIFF"


def test_a_missing_encoder_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(BenchError, match=r"needs PyAV; install it with"):
        channel.encoded(np.zeros(1_600, np.float32), 8)


def test_with_the_neural_voice_every_third_speaks_by_it_and_says_the_same() -> None:
    for index in range(6):
        plain, other = make_utterance(SEED, index), make_utterance(SEED, index, neural=True)
        assert other.speaker.neural is (index % 3 == 0)
        assert (plain.text, plain.channel, plain.performed) == (other.text, other.channel, other.performed)
