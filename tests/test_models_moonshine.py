"""Moonshine: its tokens, its bounds, and what it hears of what is spoken to it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from small_text_models import answered
from spoken import noise, speak, tone, write_wav

from bench.config.build import build
from bench.config.compose import choice
from bench.engine import feed
from bench.errors import BenchError
from bench.models import moonshine_recogniser, sound
from bench.models.base import Device
from bench.models.moonshine_recogniser import Moonshine, pieces_of, text_of
from bench.types import Audio, Prediction, Request, Transcribe

pytest.importorskip("av", reason="PyAV is not installed; nothing can listen without it")
RATE = 16_000
SAID = ("one two three four five six seven", "good morning and thank you for joining the call")


def ask(path: Path, key: str = "a", language: str = "en") -> Request:
    return Request(key, (Audio(str(path)),), Transcribe(language))


# The pieces: <unk>, <s>, </s>, a word, its end, a byte of é, the other, a mark
PIECES = [b"<unk>", b"<s>", b"</s>", "▁one".encode(), b"s", b"\xc3", b"\xa9", b"<<ST_0>>"]


def packed(pieces: list[bytes]) -> bytes:
    return b"".join(bytes([len(one)]) + one for one in pieces)


def test_pieces_are_read_by_their_lengths_of_one_byte_or_two() -> None:
    long = [b"a" * 127, b"b" * 128, b"c" * 300, b""]
    data = b"\x7f" + long[0] + b"\x80\x01" + long[1] + b"\xac\x02" + long[2] + b"\x00"
    assert pieces_of(data, "here") == long
    assert pieces_of(packed(PIECES), "here") == PIECES


@pytest.mark.parametrize("data", [b"\x05abc", b"\x80", b"\x01a\x02"])
def test_pieces_that_are_cut_off_are_one_line(data: bytes) -> None:
    with pytest.raises(BenchError, match=r"^here is cut off"):
        pieces_of(data, "here")


def test_bytes_make_letters_together_and_marks_say_nothing() -> None:
    assert text_of([1, 3, 4, 3, 5, 6, 7, 0], PIECES) == "ones oneé"
    assert text_of([5], PIECES) == "�"  # half a letter is no crash
    assert text_of([], PIECES) == ""


class Session:
    """Stands for ONNX Runtime: an encoder that counts samples, or a decoder that says `says` again and again."""

    def __init__(self, says: list[int] | None = None) -> None:
        self.says = says
        self.asked: list[Any] = []
        name, shape = "past_key_values.0.decoder.key", ["b", 1, "n", 2]
        self.caches = [
            SimpleNamespace(name=name, shape=shape),
            SimpleNamespace(name=name.replace("dec", "enc"), shape=shape),
        ]

    def get_inputs(self) -> list[Any]:
        return self.caches

    def get_outputs(self) -> list[Any]:
        made = [
            SimpleNamespace(name=one.name.replace("past_key_values", "present"), shape=one.shape) for one in self.caches
        ]
        return [SimpleNamespace(name="logits", shape=["b", "n", len(PIECES)]), *made]

    def run(self, names: None, given: dict[str, Any]) -> list[Any]:
        self.asked.append(given)
        if self.says is None:
            return [np.zeros((1, 3, 4), np.float32)]
        n = given["past_key_values.0.decoder.key"].shape[2]
        logits = np.eye(len(PIECES))[[self.says[n % len(self.says)]]][None]
        return [logits, np.zeros((1, 1, n + 1, 2)), np.full((1, 1, 3, 2), n)]


Made = Callable[..., tuple[Moonshine, Session]]


@pytest.fixture
def stubbed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    def made(says: list[int], threads: int = 1, **options: Any) -> tuple[Moonshine, Session]:
        folder = tmp_path / "weights"
        folder.mkdir(exist_ok=True)
        for name in ("encoder_model.ort", "decoder_model_merged.ort"):
            (folder / name).touch()
        (folder / "tokenizer.bin").write_bytes(packed(PIECES))
        decoder = Session(says)
        monkeypatch.setattr(
            moonshine_recogniser, "_session", lambda path, _: decoder if "decoder" in path.name else Session()
        )
        model = Moonshine(f"file:{folder}", **options)
        model.load(Device(threads=threads), seed=0)
        return model, decoder

    return made


def test_tokens_follow_each_other_to_the_end_and_are_told_as_they_are_made(stubbed: Made, tmp_path: Path) -> None:
    model, decoder = stubbed([3, 4, 2])
    told: list[tuple[str, int]] = []
    model.hear(lambda name, n: told.append((name, n)))
    found = answered(model, [ask(write_wav(tmp_path / "a.wav", tone(1.0)))])
    assert found == [Prediction("a", text="ones", new_tokens=2, finish="stop")]
    assert told == [("a", 1)] * 3  # the end, too
    assert [int(one["input_ids"][0, 0]) for one in decoder.asked] == [1, 3, 4]
    assert [bool(one["use_cache_branch"][0]) for one in decoder.asked] == [False, True, True]
    assert [one["past_key_values.0.encoder.key"].max(initial=0) for one in decoder.asked] == [
        0,
        0,
        0,
    ]  # of the first step
    assert all(one["encoder_attention_mask"].shape == (1, RATE) for one in decoder.asked)


def test_a_recogniser_that_repeats_itself_is_cut_by_the_length_of_the_sound(stubbed: Made, tmp_path: Path) -> None:
    model, _ = stubbed([3], tokens_per_second=2.0)
    (found,) = answered(model, [ask(write_wav(tmp_path / "a.wav", tone(2.2)))])
    assert found == Prediction("a", text="one one one one one", new_tokens=5, finish="length")


@pytest.mark.parametrize("threads", [1, 2])
def test_recordings_are_heard_by_as_many_threads_and_a_bad_one_fails_alone(
    stubbed: Made, tmp_path: Path, threads: int
) -> None:
    model, _ = stubbed([3, 2], threads)
    paths = [write_wav(tmp_path / f"{i}.wav", tone(0.2 + i / 10)) for i in range(4)]
    asked = [*(ask(path, path.stem) for path in paths), ask(tmp_path / "none.wav", "x"), ask(paths[0], "d", "de")]
    found = feed.answer(model, asked, "x")
    assert [one.text for one in found] == ["one"] * 4 + [None] * 2
    assert "does not exist" in (found[4].error or "")
    assert "writes down English" in (found[5].error or "")


def test_silence_has_no_words_and_a_blink_is_padded(stubbed: Made, tmp_path: Path) -> None:
    model, decoder = stubbed([3, 2])
    silent, blink = answered(
        model,
        [ask(write_wav(tmp_path / "a.wav", np.zeros(RATE))), ask(write_wav(tmp_path / "b.wav", tone(0.01)), "b")],
    )
    assert (silent.text, silent.new_tokens, silent.finish) == ("", 0, "stop")
    assert blink.text == "one"
    assert decoder.asked[0]["encoder_attention_mask"].shape == (1, 1_600)


@pytest.mark.parametrize(
    ("options", "said"),
    [({"window_seconds": 31.0}, "from 1 to 30"), ({"window_seconds": 0.5}, "window_seconds=0.5"),
     ({"tokens_per_second": 0.0}, "tokens_per_second=0"), ({"source": "moonshine"}, "is none of")],
)  # fmt: skip
def test_a_wrong_setting_is_one_line(options: dict[str, Any], said: str) -> None:
    with pytest.raises(BenchError, match=said):
        Moonshine(**{"source": "file:x", **options})


def test_weights_that_are_missing_damaged_or_of_another_model_are_one_line(
    stubbed: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, _ = stubbed([3])
    pieces = tmp_path / "weights" / "tokenizer.bin"
    pieces.write_bytes(packed(PIECES[:-1]))
    with pytest.raises(BenchError, match=r"has 8 tokens and 2 caches, tokenizer.bin 7 pieces"):
        model.load(Device(), seed=0)
    pieces.unlink()
    with pytest.raises(BenchError, match=r"holds no tokenizer.bin; it must hold encoder_model.ort, "):
        model.load(Device(), seed=0)
    pieces.write_bytes(packed(PIECES))
    monkeypatch.undo()
    pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    with pytest.raises(
        BenchError, match=r"^file:.*: encoder_model.ort cannot be loaded \([^\n]+bring the folder again$"
    ):
        model.load(Device(), seed=0)


# Its own weights


@cache
def moonshine(threads: int = 2, **options: float) -> Moonshine:
    """Moonshine with its own weights; skips where they can be had nowhere."""
    pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    model = build({**choice("model", "moonshine"), **options}, "model")
    assert isinstance(model, Moonshine)
    try:
        model.fetch()
    except BenchError as error:
        pytest.skip(f"the weights of Moonshine are not here: {error}")
    model.load(Device(threads=threads), seed=0)
    return model


def words(text: str | None) -> str:
    return "".join(letter for letter in (text or "").lower() if letter.isalnum() or letter == " ")


@pytest.mark.slow
def test_moonshine_hears_what_is_spoken_to_it_alike_in_any_company_order_and_number_of_threads(tmp_path: Path) -> None:
    requests = [ask(speak(tmp_path / f"{i}.wav", text), str(i)) for i, text in enumerate(SAID)]
    requests.append(ask(write_wav(tmp_path / "n.wav", noise(3.0)), "n"))
    together = answered(moonshine(), requests)
    assert [words(one.text) for one in together[:2]] == list(SAID)
    assert together == answered(moonshine(), requests[::-1])[::-1]
    assert together == [one for request in requests for one in answered(moonshine(1), [request])]


@pytest.mark.slow
def test_moonshine_hears_long_recordings_in_windows(tmp_path: Path) -> None:
    speech = sound.read(str(speak(tmp_path / "a.wav", SAID[0])), RATE)
    long = np.concatenate([speech, np.zeros(12 * RATE), speech, 0.3 * speech])
    (found,) = answered(moonshine(), [ask(write_wav(tmp_path / "b.wav", long))])
    assert words(found.text) == " ".join([SAID[0]] * 3)


@pytest.mark.slow
def test_digits_that_are_read_out_fast_are_not_cut(tmp_path: Path) -> None:
    path = speak(tmp_path / "a.wav", "four seven one one zero eight one five nine nine two three", words_per_minute=240)
    (found,) = answered(moonshine(), [ask(path)])
    (cut,) = answered(moonshine(tokens_per_second=4.0), [ask(path)])
    assert found.finish == "stop"
    assert words(found.text).endswith("two three")
    assert cut.finish == "length"
