"""Reading sound, cutting it into windows, recognising speech, and text models that listen."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_text_models import answered
from spoken import noise, speak, tone, write_wav

from bench.config import compose as conf
from bench.config.build import build
from bench.engine import feed
from bench.errors import BenchError
from bench.models import sound, sound_windows
from bench.models.base import Device, Model
from bench.models.listen import ListenThenRead, SoundOff
from bench.types import Audio, Choose, Generate, Prediction, Request, Span, Text, Transcribe

av = pytest.importorskip("av", reason="PyAV is not installed; nothing can listen without it")
CPU = Device("cpu", "float32", 1)
RATE = 16_000


def ask(path: Path, output: Any = None, key: str = "a") -> Request:
    return Request(key, (Audio(str(path)),), output or Transcribe("en"))


def encoded(path: Path, codec: str, samples: Any, rate: int) -> Path:
    """Mono samples in another format; the name's ending says in which container."""
    with av.open(str(path), "w") as file:
        track = file.add_stream(codec, rate=rate)
        track.layout = "mono"
        frame = av.AudioFrame.from_ndarray((samples * 32_767).astype("<i2")[None], format="s16", layout="mono")
        frame.sample_rate = rate
        for packet in [*track.encode(frame), *track.encode(None)]:
            file.mux(packet)
    return path


# Reading


def test_channels_are_averaged(tmp_path: Path) -> None:
    both = np.stack([tone(0.5), np.zeros(RATE // 2)], axis=1)
    assert sound.read(str(write_wav(tmp_path / "a.wav", both)), RATE) == pytest.approx(tone(0.5) / 2, abs=1e-4)


def test_a_recording_at_its_own_rate_is_read_as_it_is(tmp_path: Path) -> None:
    read = sound.read(str(write_wav(tmp_path / "a.wav", noise(0.5))), RATE)
    assert read.dtype == np.float32
    assert read == pytest.approx(noise(0.5), abs=1e-4)


@pytest.mark.parametrize(("name", "codec"), [("a.wav", "pcm_s16le"), ("a.flac", "flac"), ("a.mp3", "libmp3lame")])
def test_every_format_is_resampled_to_the_rate_asked_for(tmp_path: Path, name: str, codec: str) -> None:
    path = encoded(tmp_path / name, codec, tone(1.0, 44_100), 44_100)
    read = sound.read(str(path), RATE)
    assert len(read) == pytest.approx(RATE, abs=RATE * 0.06)  # MP3 pads
    inner = read[2_000:12_000].astype(np.float64)
    assert np.sqrt(2 * np.mean(inner**2)) == pytest.approx(0.5, abs=0.03)  # LAME takes 5 % off
    spectrum = np.abs(np.fft.rfft(inner))
    assert np.argmax(spectrum) * RATE / len(inner) == pytest.approx(440, abs=2)


def test_resampling_keeps_what_the_lower_rate_can_hold_and_drops_the_rest(tmp_path: Path) -> None:
    def both(rate: int) -> Any:
        return tone(0.5, rate, 300) + 0.3 * tone(0.5, rate, 2_500)

    samples = both(48_000) + 0.2 * tone(0.5, 48_000, 15_000)
    read = sound.read(str(write_wav(tmp_path / "a.wav", samples, 48_000)), RATE)
    assert read[500:7_500] == pytest.approx(both(RATE)[500:7_500], abs=2e-3)


def test_a_long_recording_comes_in_short_pieces(tmp_path: Path) -> None:
    path = str(write_wav(tmp_path / "a.wav", noise(20)))
    pieces = list(sound.pieces(path, RATE))
    assert max(map(len, pieces)) < RATE
    assert sum(map(len, pieces)) == 20 * RATE


def bad_file(folder: Path, name: str) -> Path:
    path = folder / name
    whole = write_wav(folder / "whole.wav", tone(3.0))
    match name:
        case "cut.wav":
            path.write_bytes(whole.read_bytes()[:40_000])
        case "cut.flac" | "cut.mp3":
            codec = "flac" if name == "cut.flac" else "libmp3lame"
            found = encoded(folder / f"whole{path.suffix}", codec, noise(3.0), RATE).read_bytes()
            path.write_bytes(found[: len(found) // 2])
        case "empty.wav":
            write_wav(path, [])
        case "nan.wav":
            head = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x03\0\x01\0\x80>\0\0\0\xfa\0\0\x04\0 \0data\x40\x06\0\0"
            path.write_bytes(head + np.full(400, np.nan, "<f4").tobytes())
        case "text.wav":
            path.write_text("Dear all, please find attached the call.\n" * 9)
        case "zero.wav":
            path.write_bytes(b"")
        case "lfs.mp3":
            path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n")
    return path


BAD = [
    ("cut.wav", "is cut off: it has 40,000 of 96,044 bytes"),
    ("cut.flac", "is cut off or damaged after"),
    ("cut.mp3", "of 3.0 s can be read"),
    ("empty.wav", "lasts 0 seconds"),
    ("nan.wav", "holds samples that are not finite numbers"),
    ("text.wav", "holds no sound or film that FFmpeg can read"),
    ("zero.wav", "holds no sound or film that FFmpeg can read"),
    ("lfs.mp3", "run `git lfs pull`"),
    ("missing.wav", "does not exist"),
]


@pytest.mark.parametrize(("name", "line"), BAD)
def test_a_bad_file_is_one_line(tmp_path: Path, name: str, line: str) -> None:
    path = bad_file(tmp_path, name)
    with pytest.raises(ValueError, match=f"^{path}") as caught:
        sound.read(str(path), RATE)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_wav_that_was_written_as_a_stream_is_read(tmp_path: Path) -> None:
    data = bytearray(write_wav(tmp_path / "a.wav", tone(0.5)).read_bytes())
    data[4:8] = data[40:44] = b"\xff" * 4
    (tmp_path / "b.wav").write_bytes(data)
    assert len(sound.read(str(tmp_path / "b.wav"), RATE)) == RATE // 2


@pytest.mark.parametrize("n", [0, 2])
def test_a_request_needs_exactly_one_recording(n: int) -> None:
    with pytest.raises(ValueError, match=f"holds {n} recordings"):
        sound.recording(Request("a", tuple(Audio(str(i)) for i in range(n)), Transcribe()))


def test_what_was_read_ahead_is_handed_out_once_and_kept_within_bounds(tmp_path: Path) -> None:
    paths = [str(write_wav(tmp_path / f"{i}.wav", tone(0.5))) for i in range(4)] + [str(tmp_path / "missing.wav")]
    ahead = sound.Ahead(seconds=2.0)
    ahead.prepare([str(write_wav(tmp_path / "long.wav", tone(0.6))), *paths], RATE)
    assert [path for path, _ in ahead._held] == paths[:4]  # 0.6 s is more than a quarter of 2 s
    assert len(list(ahead.pieces(paths[0], RATE))) == 1
    assert len(list(ahead.pieces(paths[0], RATE))) > 1  # from the file again
    ahead.prepare([str(write_wav(tmp_path / f"{i}.wav", tone(0.5))) for i in (5, 6)], RATE)
    assert [Path(path).stem for path, _ in ahead._held] == ["2", "3", "5", "6"]
    with pytest.raises(ValueError, match="does not exist"):
        list(ahead.pieces(paths[4], RATE))


# Windows


def in_pieces(samples: Any, sizes: Sequence[int]) -> list[Any]:
    return np.split(samples, np.cumsum(sizes))


SIZES = st.lists(st.integers(0, 50), max_size=12)


@pytest.mark.slow
@given(st.integers(0, 300), st.integers(1, 40), st.integers(0, 20), SIZES)
def test_overlapping_windows_count_each_sample_once(n: int, more: int, overlap: int, sizes: list[int]) -> None:
    samples, length = np.arange(n, dtype=np.float32), 2 * overlap + more
    windows = list(sound_windows.overlapping(in_pieces(samples, sizes), length, overlap))
    counted = [w.samples[w.left : len(w.samples) - w.right] for w in windows]
    assert np.array_equal(np.concatenate(counted), samples)
    assert all(len(w.samples) == length for w in windows[:-1])
    assert len(windows[-1].samples) <= length
    assert windows[-1].right == windows[0].left == 0


@pytest.mark.slow
@given(st.integers(0, 900), st.integers(60, 200), st.integers(10, 60), SIZES)
def test_windows_cut_at_pauses_hold_each_sample_once(n: int, longest: int, search: int, sizes: list[int]) -> None:
    samples = np.random.default_rng(n).normal(size=n).astype(np.float32)
    windows = list(sound_windows.at_pauses(in_pieces(samples, sizes), 100, longest, search))
    assert np.array_equal(np.concatenate([w.samples for w in windows] or [samples]), samples)
    assert all(longest - search < len(w.samples) <= longest for w in windows[:-1])
    assert all(0 < len(w.samples) <= longest for w in windows)


def test_a_cut_falls_into_the_pause() -> None:
    samples = noise(10).astype(np.float32)
    samples[int(3.6 * RATE) : int(3.8 * RATE)] *= 0.01
    first, *_ = sound_windows.at_pauses([samples], RATE, 5 * RATE, 2 * RATE)
    assert 3.6 < len(first.samples) / RATE < 3.8


def test_silence_is_cut_as_late_as_can_be() -> None:
    windows = list(sound_windows.at_pauses([np.zeros(10 * RATE, np.float32)], RATE, 5 * RATE, 2 * RATE))
    assert [round(len(w.samples) / RATE, 2) for w in windows] == [4.95, 4.95, 0.1]
    assert all(w.silent for w in windows)


# Listening, then reading


class Hears(Model):
    """Says a recording's name and counts how often it was asked."""

    parts, outputs, revision, weights_sha256 = frozenset({"audio"}), (Transcribe,), "h", "1"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        paths = [sound.recording(request) for request in batch]
        self.asked += [Path(path).stem for path in paths]
        for path in paths:
            sound.read(path, RATE)
        return [Prediction(r.id, text=f"words of {Path(p).stem}") for r, p in zip(batch, paths, strict=True)]


class Reads(Model):
    """Keeps what it is asked; answers with the last thing that the user says."""

    outputs, revision, weights_sha256 = (Generate, Choose), "r", "2"

    def __init__(self) -> None:
        self.asked: list[Request] = []

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        self.asked += batch
        return [Prediction(r.id, text=[p.text for p in r.parts if isinstance(p, Text)][-1]) for r in batch]


def listening(**options: Any) -> tuple[Any, Hears, Reads]:
    hears, reads = Hears(), Reads()
    return ListenThenRead(hears, reads, **options), hears, reads


def test_words_stand_where_the_recording_stood(tmp_path: Path) -> None:
    model, _, reads = listening(lead="Somebody says: ")
    path = write_wav(tmp_path / "one.wav", tone(0.1))
    answered(model, [Request("a", (Text("Listen.", "system"), Audio(str(path)), Text("Why?")), Generate(8))])
    assert reads.asked[0].parts == (Text("Listen.", "system"), Text("Somebody says: words of one"), Text("Why?"))


def test_a_recording_is_heard_once_however_often_it_is_asked_about(tmp_path: Path) -> None:
    model, hears, _ = listening()
    one, two = (write_wav(tmp_path / f"{name}.wav", tone(s)) for name, s in (("one", 0.1), ("two", 0.2)))
    answered(model, [ask(one, Generate(8), "a"), ask(two, Generate(8), "b"), ask(one, Generate(8), "c")])
    same = shutil.copy(one, tmp_path / "same.wav")  # under neutral names, which change from batch to batch
    found = answered(model, [ask(path, Generate(8), str(path)) for path in (same, one)])
    assert (hears.asked, {p.text for p in found}) == (["one", "two"], {"words of one"})
    os.utime(write_wav(one, 0.5 * tone(0.1)), ns=(0, one.stat().st_mtime_ns))
    answered(model, [ask(one, Generate(8))])
    assert hears.asked == ["one", "two", "one"]  # the file is another one now
    model.load(CPU, seed=1)
    answered(model, [ask(one, Generate(8))])
    assert hears.asked[3:] == ["one"]


@pytest.mark.parametrize(
    ("dtype", "alone", "calls"), [("float32", False, 1), ("bfloat16", True, 1), ("bfloat16", False, 2)]
)
def test_recordings_are_heard_together_only_where_that_changes_nothing(
    tmp_path: Path, dtype: str, alone: bool, calls: int
) -> None:
    model, hears, _ = listening()
    hears.answers_alone = alone
    model.load(Device("cpu", dtype), seed=0)
    paths = [write_wav(tmp_path / f"{name}.wav", tone(s)) for name, s in (("one", 0.1), ("two", 0.2))]
    with mock.patch.object(hears, "predict", wraps=hears.predict) as predict:
        answered(model, [ask(path, Generate(8), path.stem) for path in paths])
    assert predict.call_count == calls


def test_a_recording_that_the_recogniser_fails_on_is_no_silence_and_costs_no_other(tmp_path: Path) -> None:
    model, hears, _ = listening()
    heard = hears.predict

    def fails(batch: Sequence[Request]) -> list[Prediction]:
        return [Prediction(p.id, error="too loud") if p.text == "words of two" else p for p in heard(batch)]

    paths = [write_wav(tmp_path / f"{name}.wav", tone(s)) for name, s in (("one", 0.1), ("two", 0.2))]
    with mock.patch.object(hears, "predict", fails):
        good, bad = feed.answer(model, [ask(path, Generate(8), path.stem) for path in paths], "listening")
    assert (good.text, bad.error) == ("words of one", "ValueError: too loud")
    assert hears.asked.count("one") == 1


def test_labels_are_named_where_the_task_says_nothing(tmp_path: Path) -> None:
    model, _, reads = listening()
    answered(model, [ask(write_wav(tmp_path / "one.wav", tone(0.1)), Choose(("happy", "sad")))])
    assert reads.asked[0].parts == (Text("Choose one of: happy, sad.", "system"), Text("words of one"))


def test_a_span_is_looked_for_in_the_words(tmp_path: Path) -> None:
    model, _, reads = listening()
    answered(model, [ask(write_wav(tmp_path / "one.wav", tone(0.1)), Span(8, question="Who?"))])
    output = reads.asked[0].output
    assert isinstance(output, Span)
    assert output.context == "words of one"


def test_a_bad_recording_fails_alone(tmp_path: Path) -> None:
    model, *_ = listening()
    good = ask(write_wav(tmp_path / "one.wav", tone(0.1)), Generate(8), "good")
    bad = ask(bad_file(tmp_path, "cut.wav"), Generate(8), "bad")
    found = feed.answer(model, [good, bad], "listening")
    assert found[0].text == "words of one"
    assert "is cut off" in (found[1].error or "")


def test_a_pipeline_is_pinned_by_both_its_models() -> None:
    model, *_ = listening()
    assert (model.revision, model.weights_sha256, model.outputs) == ("h + r", "1 + 2", (Generate, Choose))


def test_a_pipeline_of_the_wrong_parts_is_refused() -> None:
    with pytest.raises(BenchError, match="writes down no speech"):
        ListenThenRead(Reads(), Reads())
    with pytest.raises(BenchError, match="cannot answer from text alone"):
        ListenThenRead(SoundOff(), Hears())


# Real and tiny models


@cache
def sphinx() -> Model:
    """PocketSphinx with its own models; skips where it is not installed."""
    pytest.importorskip("pocketsphinx", reason="PocketSphinx is not installed")
    model = build(conf.plain(conf.compose(["model=sphinx"])[0])["model"], "model")
    assert isinstance(model, Model)
    model.load(CPU, seed=0)
    return model


def word_errors(reference: str, found: str) -> int:
    """The edit distance in words."""
    from rapidfuzz.distance import Levenshtein

    return int(Levenshtein.distance(reference.split(), found.split()))


SAID = ("one two three four five six seven", "good morning and thank you for joining the call")


@pytest.mark.slow
def test_pocketsphinx_hears_most_of_what_is_spoken_to_it(tmp_path: Path) -> None:
    requests = [ask(speak(tmp_path / f"{i}.wav", text), key=str(i)) for i, text in enumerate(SAID)]
    found = answered(sphinx(), requests)
    errors = sum(word_errors(text, p.text or "") for text, p in zip(SAID, found, strict=True))
    assert errors <= 6  # of 16 words; 2 when it was measured


@pytest.mark.slow
def test_pocketsphinx_hears_a_recording_alike_behind_any_other(tmp_path: Path) -> None:
    requests = [ask(speak(tmp_path / f"{i}.wav", text), key=str(i)) for i, text in enumerate(SAID)]
    together = answered(sphinx(), requests)
    assert together == answered(sphinx(), requests[::-1])[::-1]
    assert together == [p for r in requests for p in answered(sphinx(), [r])]
    sphinx().prepare(requests)
    assert together == answered(sphinx(), requests)


@pytest.mark.slow
def test_pocketsphinx_hears_long_recordings_in_windows_and_nothing_in_silence(tmp_path: Path) -> None:
    speech = sound.read(str(speak(tmp_path / "a.wav", SAID[0])), RATE)
    long = np.concatenate([speech, np.zeros(12 * RATE), speech])
    (found, none) = answered(
        sphinx(),
        [ask(write_wav(tmp_path / "b.wav", long)), ask(write_wav(tmp_path / "c.wav", np.zeros(RATE)), key="c")],
    )
    assert word_errors(f"{SAID[0]} {SAID[0]}", found.text or "") <= 4
    assert none.text == ""


@pytest.mark.slow
def test_pocketsphinx_refuses_other_languages_and_fails_on_bad_files_alone(tmp_path: Path) -> None:
    good = ask(write_wav(tmp_path / "c.wav", np.zeros(RATE)))
    found = feed.answer(
        sphinx(), [good, ask(tmp_path / "none.wav", key="b"), ask(tmp_path, Transcribe("de"), "c")], "x"
    )
    assert [p.error is None for p in found] == [True, False, False]
    assert "does not exist" in (found[1].error or "")
    assert "writes down English" in (found[2].error or "")


def tiny_ctc(folder: Path, *, masks: bool) -> Path:
    """A small random wav2vec 2.0: of the kind that masks padding, or of the one that does not."""
    import torch
    from transformers import (
        Wav2Vec2Config,
        Wav2Vec2CTCTokenizer,
        Wav2Vec2FeatureExtractor,
        Wav2Vec2ForCTC,
        Wav2Vec2Processor,
    )  # fmt: skip

    folder.mkdir()
    torch.manual_seed(0)
    vocab = {token: i for i, token in enumerate(["<pad>", "<s>", "</s>", "<unk>", "|", *"abcdefgh"])}
    (folder / "letters.json").write_text(json.dumps(vocab))
    config = Wav2Vec2Config(
        vocab_size=len(vocab), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        conv_dim=(16,) * 7, num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=2, pad_token_id=0,
        initializer_range=0.5, feat_extract_norm="layer" if masks else "group", do_stable_layer_norm=masks, conv_bias=masks,
    )  # fmt: skip
    Wav2Vec2ForCTC(config).save_pretrained(folder)
    tokenizer = Wav2Vec2CTCTokenizer(str(folder / "letters.json"))
    Wav2Vec2Processor(Wav2Vec2FeatureExtractor(return_attention_mask=masks), tokenizer).save_pretrained(folder)
    return folder


def recogniser(folder: Path, **options: Any) -> Any:
    from bench.models.speech import SpeechRecogniser

    model = SpeechRecogniser(f"file:{folder}", **options)
    model.load(CPU, seed=0)
    return model


def noises(folder: Path, *seconds: float) -> list[Request]:
    return [ask(write_wav(folder / f"{i}.wav", noise(s, seed=i)), key=str(i)) for i, s in enumerate(seconds)]


@pytest.mark.slow
@pytest.mark.parametrize("masks", [True, False])
def test_ctc_writes_what_the_librarys_pipeline_writes(tmp_path: Path, masks: bool) -> None:
    from transformers import pipeline

    model = recogniser(tiny_ctc(tmp_path / "m", masks=masks), window_seconds=2.0, overlap_seconds=0.4)
    assert model.masks_padding is masks
    reference = pipeline(
        "automatic-speech-recognition",
        model=model.model, tokenizer=model.tokenizer, feature_extractor=model.extractor,
    )  # fmt: skip
    requests = noises(tmp_path, 1.3, 5.1, 2.0, 7.77)
    found = answered(model, requests)
    for request, prediction in zip(requests, found, strict=True):
        samples = sound.read(sound.recording(request), RATE)
        assert prediction.text == reference(samples, chunk_length_s=2.0, stride_length_s=0.4)["text"]
        assert len(set(prediction.text)) >= 3
    assert found == [p for r in requests for p in answered(model, [r])]
    model.prepare(requests)
    assert found == answered(model, requests)


@pytest.mark.slow
def test_ctc_logits_are_those_of_the_forward_pass_and_every_frame_counts_once(tmp_path: Path) -> None:
    import torch

    model = recogniser(tiny_ctc(tmp_path / "m", masks=True), window_seconds=2.0, overlap_seconds=0.4)
    samples = [noise(s).astype(np.float32) for s in (0.7, 1.5)]
    logits, frames = model._logits(samples)
    for row, n, one in zip(logits, frames, samples, strict=True):
        inputs = model.extractor(one, sampling_rate=RATE, return_tensors="pt")
        with torch.inference_mode():
            expected = model.model(**inputs).logits[0]
        assert (row[:n] - expected).abs().max() < 1e-3  # padded beside a longer one; processors round differently
        assert (model._logits([one])[0][0] - expected).abs().max() < 1e-5
    windows = list(model._cut([noise(7.77).astype(np.float32)]))
    counted = sum(len(model._hear([window], ["en"])[0].ids) for window in windows)
    assert counted == model.model._get_feat_extract_output_lengths(round(7.77 * RATE))


@pytest.mark.slow
def test_the_step_between_frames_can_be_measured(tmp_path: Path) -> None:
    model = recogniser(tiny_ctc(tmp_path / "m", masks=False))
    assert model._frame_step() == model.hop == 320


@pytest.mark.slow
def test_ctc_gives_no_words_for_silence_and_some_for_a_blink(tmp_path: Path) -> None:
    model = recogniser(tiny_ctc(tmp_path / "m", masks=False))
    silent, blink = answered(
        model,
        [ask(write_wav(tmp_path / "s.wav", np.zeros(RATE))), ask(write_wav(tmp_path / "b.wav", noise(0.02)), key="b")],
    )
    assert (silent.text, bool(blink.text)) == ("", True)


def tiny_whisper(folder: Path, *, multilingual: bool) -> Path:
    """A small random Whisper over bytes."""
    import torch
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import (
        GenerationConfig,
        WhisperConfig,
        WhisperFeatureExtractor,
        WhisperForConditionalGeneration,
        WhisperProcessor,
        WhisperTokenizer,
    )  # fmt: skip

    torch.manual_seed(0)
    end, start, *more = (
        f"<|{name}|>"
        for name in ("endoftext", "startoftranscript", "en", "de", "transcribe", "translate", "notimestamps")
    )
    vocab = {token: i for i, token in enumerate([*sorted(ByteLevel.alphabet()), end, start, *more])}
    tokenizer = WhisperTokenizer(vocab=vocab, merges=[])
    tokenizer.add_special_tokens({"additional_special_tokens": [start, *more]})
    ids = {"pad_token_id": vocab[end], "bos_token_id": vocab[end], "eos_token_id": vocab[end],
           "decoder_start_token_id": vocab[start]}  # fmt: skip
    config = WhisperConfig(
        vocab_size=len(vocab), d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32, max_target_positions=24, init_std=0.6,
        begin_suppress_tokens=None, suppress_tokens=None, **ids,
    )  # fmt: skip
    model = WhisperForConditionalGeneration(config)
    languages = {
        "lang_to_id": {name: vocab[name] for name in more[:2]},
        "task_to_id": {name: vocab[f"<|{name}|>"] for name in ("transcribe", "translate")},
    }
    model.generation_config = GenerationConfig(
        max_length=20, no_timestamps_token_id=vocab[more[-1]], is_multilingual=multilingual,
        **ids, **(languages if multilingual else {}),
    )  # fmt: skip
    model.save_pretrained(folder)
    WhisperProcessor(WhisperFeatureExtractor(feature_size=80), tokenizer).save_pretrained(folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("multilingual", [True, False])
def test_whisper_writes_what_its_own_generate_writes_window_by_window(tmp_path: Path, multilingual: bool) -> None:
    import torch

    model = recogniser(tiny_whisper(tmp_path / "m", multilingual=multilingual), n_windows=2)
    requests = noises(tmp_path, 1.3, 61.0, 30.0)
    found = answered(model, requests)
    options = {"language": "en", "task": "transcribe"} if multilingual else {}
    for request, prediction in zip(requests, found, strict=True):
        samples = [sound.read(sound.recording(request), RATE)]
        windows = list(sound_windows.at_pauses(samples, RATE, 30 * RATE, 4 * RATE))
        texts, ended = [], []
        for window in windows:
            inputs = model.extractor(window.samples, sampling_rate=RATE, return_tensors="pt")
            with torch.inference_mode():
                ids = model.model.generate(inputs["input_features"], do_sample=False, **options)[0]
                whole = model.model.generate(
                    inputs["input_features"], do_sample=False, force_unique_generate_call=True, **options
                )[0]
            ended.append(model.model.generation_config.eos_token_id in whole[1:].tolist())
            texts.append(model.tokenizer.decode(ids, skip_special_tokens=True).strip())
        assert prediction.text == " ".join(filter(None, texts))
        assert prediction.new_tokens >= len(windows)
        assert prediction.finish == ("stop" if all(ended) else "length")
    assert len({p.text for p in found}) == 3
    assert found == [p for r in requests for p in answered(model, [r])]


@pytest.mark.slow
def test_whisper_is_told_the_language_and_an_english_one_refuses_another(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", noise(1.0))
    requests = [ask(path, Transcribe("en"), "a"), ask(path, Transcribe("de"), "b")]
    one, other = answered(recogniser(tiny_whisper(tmp_path / "m", multilingual=True)), requests)
    assert one.text != other.text
    english = recogniser(tiny_whisper(tmp_path / "e", multilingual=False))
    assert "writes en; it was asked for 'de'" in (feed.answer(english, requests, "x")[1].error or "")


@pytest.mark.slow
def test_bad_settings_and_folders_of_recognisers_are_one_line(tmp_path: Path) -> None:
    whisper = tiny_whisper(tmp_path / "w", multilingual=False)
    with pytest.raises(BenchError, match="at most 30 s"):
        recogniser(whisper, window_seconds=40.0)
    with pytest.raises(BenchError, match="more than twice"):
        recogniser(whisper, window_seconds=5.0, overlap_seconds=3.0)
    with pytest.raises(BenchError, match="n_windows=0"):
        recogniser(whisper, n_windows=0)
    ctc = tiny_ctc(tmp_path / "c", masks=False)
    (ctc / "processor_config.json").unlink()
    with pytest.raises(BenchError, match=f"^file:{ctc}"):
        recogniser(ctc)


def tiny_classifier(folder: Path, labels: Sequence[str]) -> Any:
    """A small random classifier of sound with these labels, in a folder."""
    import torch
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2ForSequenceClassification

    torch.manual_seed(0)
    config = Wav2Vec2Config(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, conv_dim=(16,) * 7,
        num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=2, initializer_range=0.5, classifier_proj_size=16,
        id2label=dict(enumerate(labels)), label2id={label: i for i, label in enumerate(labels)},
    )  # fmt: skip
    Wav2Vec2ForSequenceClassification(config).save_pretrained(folder)
    Wav2Vec2FeatureExtractor().save_pretrained(folder)
    return folder


def classifier(folder: Path, **options: Any) -> Any:
    from bench.models.audio_classifier import AudioClassifier

    model = AudioClassifier(f"file:{folder}", **options)
    model.load(CPU, seed=0)
    return model


@pytest.mark.slow
def test_a_classifier_gives_the_probabilities_of_the_forward_pass_to_the_labels_of_the_request(tmp_path: Path) -> None:
    import torch

    folder = tiny_classifier(tmp_path / "m", ["ANG", "Happy", "sad", "noise"])
    model = classifier(folder, labels={"ANG": "angry", "noise": ""}, absent=["calm"], max_seconds=2.0)
    output = Choose(("happy", "angry", "calm", "sad"))
    requests = [ask(Path(sound.recording(r)), output, r.id) for r in noises(tmp_path, 0.5, 5.0, 0.5, 2.0)]

    def shares(samples: Any) -> Any:
        inputs = model.processor(samples, sampling_rate=RATE, return_tensors="pt")
        with torch.inference_mode():
            return model.model(**inputs).logits[0].softmax(-1).numpy()

    found = answered(model, requests)
    for request, prediction in zip(requests, found, strict=True):
        samples = sound.read(sound.recording(request), RATE)
        stretches = np.split(samples, range(2 * RATE, len(samples), 2 * RATE))
        angry, happy, sad, _ = sum(len(x) * shares(x) for x in stretches) / len(samples)
        expected = {"happy": happy, "angry": angry, "calm": 0.0, "sad": sad}
        assert prediction.label_scores == pytest.approx(expected, abs=1e-5)
    for together, r in zip(found, requests, strict=True):
        (alone,) = answered(model, [r])
        assert together.label_scores == pytest.approx(alone.label_scores, abs=1e-6)


@pytest.mark.slow
def test_a_classifier_whose_labels_do_not_match_is_one_line(tmp_path: Path) -> None:
    folder = tiny_classifier(tmp_path / "m", ["happy", "sad"])
    model = classifier(folder)
    (request,) = noises(tmp_path, 0.5)
    with pytest.raises(BenchError, match=r"nothing for 'calm'; set model\.labels"):
        answered(model, [Request("a", request.parts, Choose(("happy", "calm")))])
    with pytest.raises(BenchError, match=r"model\.labels renames 'angry'"):
        classifier(folder, labels={"angry": "sad"}).predict([Request("a", request.parts, Choose(("happy", "sad")))])
    silent = ask(write_wav(tmp_path / "s.wav", np.zeros(RATE)), Choose(("happy", "sad")))
    (found,) = answered(model, [silent])
    assert sum((found.label_scores or {}).values()) == pytest.approx(1.0)
