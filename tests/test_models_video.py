"""Films: frames and words for models that take text, and pictures if they can."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from small_data import OMG_GOLD, write
from spoken import speak, tone

from bench.config.build import build
from bench.engine import feed
from bench.engine.fitting import fits
from bench.errors import BenchError
from bench.models import sound, video
from bench.models.base import Model
from bench.models.film_features import _grey
from bench.models.listen import SoundOff
from bench.models.video import WatchThenRead
from bench.types import Choose, Generate, Image, Prediction, Regress, Request, Text, Transcribe, Video

av = pytest.importorskip("av", reason="PyAV is not installed; nothing can watch without it")
RATE = 16_000


def film(path: Path, n_frames: int = 20, *, per_second: int = 10, samples: Any = None, width: int = 64) -> Path:
    """A film whose i-th frame is grey of 10 · i (mod 250), with a sound track of these samples at 16 kHz."""
    with av.open(str(path), "w") as file:
        picture = file.add_stream("mpeg4", rate=per_second) if n_frames else None
        if picture is not None:
            picture.width, picture.height, picture.pix_fmt, picture.bit_rate = width, 48, "yuv420p", 4_000_000
        voice = file.add_stream("aac", rate=RATE, layout="mono") if samples is not None else None
        for i in range(n_frames):
            frame = av.VideoFrame.from_ndarray(np.full((48, width, 3), 10 * i % 250, np.uint8), format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, per_second)
            file.mux(picture.encode(frame))
        if picture is not None:
            file.mux(picture.encode(None))
        if voice is not None:
            frame = av.AudioFrame.from_ndarray(
                (np.asarray(samples) * 32_767).astype("<i2")[None], format="s16", layout="mono"
            )
            frame.sample_rate = RATE
            file.mux(voice.encode(frame))
            file.mux(voice.encode(None))
    return path


def grey(image: Image) -> float:
    """Which frame of `film` a picture is."""
    return float(np.asarray(Pillow.open(io.BytesIO(image.data))).mean()) / 10


class Hears(Model):
    """Says how long a sound track is, in tenths of a second."""

    parts, outputs, revision = frozenset({"audio"}), (Transcribe,), "1"

    def __init__(self) -> None:
        self.asked = 0

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        self.asked += len(batch)
        lengths = [len(sound.read(sound.recording(request), RATE)) for request in batch]
        return [
            Prediction(r.id, text=f"{round(10 * n / RATE)} tenths" if n else "")
            for r, n in zip(batch, lengths, strict=True)
        ]


class Reads(Model):
    """Keeps what it is asked."""

    outputs, revision = (Generate, Choose, Regress), "1"

    def __init__(self) -> None:
        self.asked: list[Request] = []

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        self.asked += batch
        return [Prediction(r.id, text="yes") for r in batch]


class Sees(Reads):
    """Takes pictures too."""

    parts = frozenset({"text", "image"})


def ask(path: Path, key: str = "a", *texts: Text) -> Request:
    return Request(key, (*texts, Video(str(path))), Generate(8))


def test_frames_are_those_at_the_middle_of_each_share(tmp_path: Path) -> None:
    path = str(film(tmp_path / "a.mp4"))
    # 2 s in 4 shares: 0.25, 0.75, 1.25, 1.75 s; at 10 frames a second frames 2, 7, 12 and 17 are on the screen
    assert [round(grey(image)) for image in video.frames(path, 4, 64)] == [2, 7, 12, 17]
    assert [round(grey(image)) for image in video.frames(path, 1, 64)] == [10]


def test_tags_that_are_no_utf8_cost_nothing(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", samples=[0.1] * 16_000)
    expected = video.frames(str(path), 3, 64), sound.seconds(str(path))
    tagged = path.read_bytes()
    assert tagged.count(b"Lavf") == 1
    path.write_bytes(tagged.replace(b"Lavf", b"\xe9\xe8vf"))  # a Latin-1 title, as older cameras write
    assert (video.frames(str(path), 3, 64), sound.seconds(str(path))) == expected
    assert sound.read(str(path), 16_000).any()


def test_no_frame_is_shown_twice(tmp_path: Path) -> None:
    path = str(film(tmp_path / "a.mp4", 3))
    assert [round(grey(image)) for image in video.frames(path, 16, 64)] == [0, 1, 2]


def test_skipping_through_a_long_film_gives_the_frames_of_decoding_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(film(tmp_path / "a.mp4", 120))
    decoded = [image.data for image in video.frames(path, 5, 64)]
    monkeypatch.setattr(video, "_LEAP", 0.5)
    assert [image.data for image in video.frames(path, 5, 64)] == decoded


def test_frames_are_no_larger_than_asked_for(tmp_path: Path) -> None:
    (image,) = video.frames(str(film(tmp_path / "a.mp4", 2, width=128)), 1, 32)
    assert Pillow.open(io.BytesIO(image.data)).size == (32, 12)


TURNS = {  # a, b, c, d of the display matrix; where the stored picture's bright upper left corner is shown
    "as stored": ((1, 0, 0, 1), "upper left"),
    "a quarter clockwise, as of a phone": ((0, 1, -1, 0), "upper right"),
    "a quarter back": ((0, -1, 1, 0), "lower left"),
    "upside down": ((-1, 0, 0, -1), "lower right"),
    "mirrored": ((-1, 0, 0, 1), "upper right"),
    "mirrored and turned": ((0, 1, 1, 0), "upper left"),
}


@pytest.mark.parametrize("turn", TURNS)
def test_a_film_that_was_taken_with_the_phone_held_upright_is_seen_upright(tmp_path: Path, turn: str) -> None:
    path, pixels = tmp_path / "a.mp4", np.zeros((48, 64, 3), np.uint8)
    pixels[:24, :32] = 255
    with av.open(str(path), "w") as file:
        track = file.add_stream("mpeg4", rate=10)
        track.width, track.height, track.pix_fmt, track.bit_rate = 64, 48, "yuv420p", 4_000_000
        file.mux(track.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        file.mux(track.encode(None))
    matrix, corner = TURNS[turn]
    a, b, c, d = (one << 16 for one in matrix)
    data = bytearray(path.read_bytes())
    place = data.index(b"tkhd") + 44  # behind version, times, track, length, layer and volume
    data[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    seen = np.asarray(Pillow.open(io.BytesIO(video.frames(str(path), 1, 512)[0].data)).convert("L")) / 255
    assert seen.shape == ((64, 48) if matrix[0] == 0 else (48, 64))
    height, width = (side // 2 for side in seen.shape)
    rows = {"upper": slice(0, height), "lower": slice(height, None)}
    sides = {"left": slice(0, width), "right": slice(width, None)}
    bright = [f"{row} {side}" for row in rows for side in sides if seen[rows[row], sides[side]].mean() > 0.5]
    assert bright == [corner]
    moving = _grey(next(iter(video.shown(str(path), 1))))
    assert moving.shape == seen.shape


def test_a_model_that_takes_pictures_sees_frames_and_reads_words(tmp_path: Path) -> None:
    sees = Sees()
    model = WatchThenRead(Hears(), sees, n_frames=2, lead="Said: ")
    model.predict([ask(film(tmp_path / "a.mp4", samples=tone(2.0)), "a", Text("Why?"))])
    why, first, second, words = sees.asked[0].parts
    assert why == Text("Why?")
    assert isinstance(first, Image)
    assert isinstance(second, Image)
    assert [round(grey(first)), round(grey(second))] == [5, 15]
    assert isinstance(words, Text)
    assert words.text.startswith("Said: 2")


def test_a_text_model_reads_the_words_alone(tmp_path: Path) -> None:
    reads, hears = Reads(), Hears()
    model = WatchThenRead(hears, reads)
    path = film(tmp_path / "a.mp4", samples=tone(2.0))
    model.predict([ask(path), ask(path, "b")])
    assert [part.kind for part in reads.asked[0].parts] == ["text"]
    assert hears.asked == 1


def test_frames_that_were_taken_ahead_are_the_same(tmp_path: Path) -> None:
    sees = Sees()
    model = WatchThenRead(SoundOff(), sees, n_frames=3)
    batch = [ask(film(tmp_path / f"{i}.mp4", 5 + i), str(i)) for i in range(2)] + [ask(tmp_path / "none.mp4", "n")]
    model.prepare(batch)
    assert sorted(map(len, model._ready.values())) == [3, 3]
    model.predict(batch[:2])
    assert not model._ready
    model.predict(batch[:2])
    assert sees.asked[:2] == sees.asked[2:]


def test_a_film_without_sound_is_watched_only(tmp_path: Path) -> None:
    sees = Sees()
    WatchThenRead(Hears(), sees, n_frames=2).predict([ask(film(tmp_path / "a.mp4"))])
    assert [part.kind for part in sees.asked[0].parts] == ["image", "image"]


def test_with_the_sound_off_a_text_model_reads_what_the_task_says(tmp_path: Path) -> None:
    reads = Reads()
    WatchThenRead(SoundOff(), reads).predict([ask(film(tmp_path / "a.mp4", samples=tone(2.0)), "a", Text("I am sad."))])
    assert reads.asked[0].parts == (Text("I am sad."),)


def bad_film(folder: Path, name: str) -> Path:
    path = folder / name
    match name:
        case "mute.mp4":
            film(path)
        case "sound.mp4":
            film(path, 0, samples=tone(1.0))
        case "cut.mp4":
            path.write_bytes(film(folder / "whole.mp4", samples=tone(2.0)).read_bytes()[:4_000])
        case "text.mp4":
            path.write_text("not a film\n" * 20)
    return path


@pytest.mark.parametrize(
    ("name", "reader", "line"),
    [
        ("mute.mp4", Reads, "has no sound track, and Reads takes no pictures"),
        ("sound.mp4", Sees, "has no pictures"),
        ("cut.mp4", Sees, "holds no sound or film that FFmpeg can read"),
        ("cut.mp4", Reads, "holds no sound or film that FFmpeg can read"),
        ("text.mp4", Sees, "holds no sound or film that FFmpeg can read"),
        ("none.mp4", Sees, "does not exist"),
    ],
)
def test_a_bad_film_is_one_line_and_fails_alone(tmp_path: Path, name: str, reader: type[Reads], line: str) -> None:
    model = WatchThenRead(Hears(), reader(), n_frames=2)
    good = ask(film(tmp_path / "good.mp4", 5, samples=tone(0.5)), "good")
    found = feed.answer(model, [good, ask(bad_film(tmp_path, name), "bad")], "watching")
    assert [p.error is None for p in found] == [True, False]
    assert line in (found[1].error or "")
    assert "\n" not in (found[1].error or "")


@pytest.mark.parametrize("options", [{"n_frames": 0}, {"max_side": 4}])
def test_settings_out_of_range_are_one_line(options: dict[str, int]) -> None:
    with pytest.raises(BenchError, match=f"model.{next(iter(options))}="):
        WatchThenRead(SoundOff(), Reads(), **options)


def omg(folder: Path, modality: str) -> Any:
    write(folder, {"omg_emotion/omg_ValidationVideos.csv": OMG_GOLD})
    source = {"_target_": "bench.data.source.DataSource", "local": "omg_emotion/", "data_dir": str(folder)}
    return build({"_target_": "tasks.omg_emotion.OmgEmotion", "modality": modality, "data": source}, "task")


def test_it_fits_the_clips_of_omg_emotion_and_reads_them(tmp_path: Path) -> None:
    model = WatchThenRead(Hears(), reads := Reads())
    task = omg(tmp_path, "video")
    assert fits(task, model)
    assert fits(omg(tmp_path, "both"), model)
    assert fits(omg(tmp_path, "transcript"), model)  # the text model's alone
    (tmp_path / "omg_emotion" / "aa_1").mkdir()
    film(tmp_path / "omg_emotion" / "aa_1" / "utterance_1.mp4", samples=tone(1.0))
    request = task.request(task.examples()[0])
    model.predict([request])
    assert reads.asked[0].output == request.output
    assert [part.kind for part in reads.asked[0].parts] == ["text"]
    assert model.cost(request) > model.cost(task.request(task.examples()[1])) == 0  # its clip is missing


def test_the_sound_track_of_a_film_is_read_like_a_recording(tmp_path: Path) -> None:
    read = sound.read(str(film(tmp_path / "a.mp4", samples=tone(2.0))), RATE)
    assert len(read) == pytest.approx(2 * RATE, abs=0.2 * RATE)
    assert np.sqrt(2 * np.mean(read[4_000:28_000] ** 2)) == pytest.approx(0.5, abs=0.02)


@pytest.mark.slow
def test_a_real_recogniser_hears_what_is_said_in_a_film(tmp_path: Path) -> None:
    from test_models_speech import SAID, sphinx, word_errors

    speech = sound.read(str(speak(tmp_path / "a.wav", SAID[0])), RATE)
    path = film(tmp_path / "a.mp4", samples=speech)
    model = WatchThenRead(sphinx(), reads := Reads())
    model.predict([ask(path)])
    (words,) = reads.asked[0].parts
    assert isinstance(words, Text)
    assert word_errors(SAID[0], words.text) <= 3  # of 7
