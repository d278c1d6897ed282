"""Bad recordings, films and pages at the level of the whole command: one line or a failed example, and the rest goes on."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from spoken import noise, tone, write_wav

from bench.data import whole
from bench.models import sound, video

av = pytest.importorskip("av", reason="PyAV is not installed; nothing can listen or watch without it")
Main = Callable[..., tuple[int, list[str], list[str]]]
RATE = 16_000
LISTENER = '''
"""Listens to recordings and watches films, as models do; its answers are of no use."""

import numpy as np

from bench.models import pictures, sound, video
from bench.types import Audio, Image, Video


def loudness(requests):
    return [{"angry": float(np.abs(sound.read(sound.recording(one), 16_000)).mean())} | dict.fromkeys(one.output.labels[:4], 0.0)
            | dict.fromkeys(one.output.labels[5:], 0.0) for one in requests]


def brightness(requests):
    return [{"valence": -len(video.frames(path, 3, 32)) / 10, "arousal": 0.5} for one in requests for path in video.films(one)]


def voice(requests):
    paths = [path for one in requests for path in video.films(one)]
    return [{"valence": 0.0, "arousal": min(1.0, len(sound.read(path, 16_000)) / 160_000)} for path in paths]


def size(requests):
    return [str(pictures.decoded(part).size[0]) for one in requests for part in one.parts if isinstance(part, Image)]
'''


def encoded(
    path: Path, codec: str, samples: Any, *, rate: int = RATE, layout: str = "mono", container: str | None = None
) -> Path:
    """Samples [n] or [n, channels] by an encoder, in the container of the name's ending or another one."""
    from av.audio.resampler import AudioResampler

    with av.open(str(path), "w", format=container) as file:
        track = file.add_stream(codec, rate=rate)
        track.layout = layout
        data = (np.atleast_2d(np.asarray(samples).T) * 32_767).astype("<i2")
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(data.T.reshape(1, -1)), format="s16", layout=layout)
        frame.sample_rate = rate
        resampler = AudioResampler(format=track.format, layout=layout, rate=rate, frame_size=track.frame_size or 0)
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            file.mux(track.encode(piece))
        file.mux(track.encode(None))
    return path


def film(
    path: Path, seconds: float = 1.0, *, samples: Any = None, container: str | None = None, head_first: bool = False
) -> Path:
    """A film of noise at ten frames a second, with a sound track where there are samples."""
    options = {"movflags": "faststart"} if head_first else {}
    with av.open(str(path), "w", format=container, options=options) as file:
        picture = file.add_stream("mpeg4", rate=10)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        voice = file.add_stream("aac", rate=RATE, layout="mono") if samples is not None else None
        random = np.random.default_rng(0)
        for i in range(round(10 * seconds)):
            frame = av.VideoFrame.from_ndarray(random.integers(0, 255, (48, 64, 3), np.uint8), format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, 10)
            file.mux(picture.encode(frame))
        file.mux(picture.encode(None))
        if voice is not None:
            frame = av.AudioFrame.from_ndarray(
                (np.asarray(samples) * 32_767).astype("<i2")[None], format="s16", layout="mono"
            )
            frame.sample_rate = RATE
            file.mux([*voice.encode(frame), *voice.encode(None)])
    return path


def cut(path: Path, share: float = 0.6) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


@pytest.fixture
def command(bench_main: Main, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """`bench run` with one of the functions above: the record, the journal by id, and what was said."""
    (tmp_path / "listener.py").write_text(LISTENER)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("BENCH_DATA", str(tmp_path / "data"))

    def run(task: str, function: str, part: str, output: str, *more: str) -> Any:
        code, out, err = bench_main(
            "run", f"task={task}", "model=function", f"model.function=listener:{function}", f"model.parts=[{part}]",
            f"model.outputs=[{output}]", "tracking=none", "resamples=20", "--json", *more,
        )  # fmt: skip
        assert code in (0, 2), (out, err)
        if code:
            return code, {}, err
        folder = Path(json.loads(out[-1])["run_dir"])
        lines = map(json.loads, (folder / "predictions.jsonl").read_text().split("\n")[:-1])
        return json.loads((folder / "run.json").read_text()), {line["id"]: line for line in lines}, err

    yield run
    sys.modules.pop("listener", None)


# Recordings, in the layout of RAVDESS

CALL = tone(0.5)
SIX = np.stack([CALL] * 6, axis=1)


def _text(path: Path) -> Path:
    path.write_text("Dear all, please find the call attached.\n" * 9)
    return path


HEARD: dict[str, Callable[[Path], object]] = {
    "plain": lambda path: write_wav(path, CALL),
    "silent": lambda path: write_wav(path, np.zeros(RATE // 2)),
    "8 bit": lambda path: encoded(path, "pcm_u8", CALL),
    "24 bit": lambda path: encoded(path, "pcm_s24le", CALL),
    "32 bit floats": lambda path: encoded(path, "pcm_f32le", CALL),
    "telephone": lambda path: encoded(path, "pcm_mulaw", tone(0.5, 8_000), rate=8_000),
    "six channels": lambda path: write_wav(path, SIX),
    "5.1": lambda path: encoded(path, "pcm_s16le", SIX, layout="5.1"),
    "an mp3": lambda path: encoded(path, "libmp3lame", CALL, container="mp3"),
    "a flac": lambda path: encoded(path, "flac", CALL, container="flac"),
    "a film": lambda path: film(path, samples=CALL, container="mp4"),
    "48 kHz": lambda path: write_wav(path, tone(0.5, 48_000), 48_000),
}
DEAF: dict[str, tuple[Callable[[Path], object], str]] = {
    "0 seconds": (lambda path: write_wav(path, []), "lasts 0 seconds"),
    "0 bytes": (lambda path: path.write_bytes(b""), "holds no sound or film that FFmpeg can read"),
    "a text": (_text, "holds no sound or film that FFmpeg can read"),
    "cut off": (lambda path: cut(write_wav(path, CALL)), "is cut off: it has"),
    "a mute film": (lambda path: film(path, container="mp4"), "has no sound track"),
    "a folder": (lambda path: path.mkdir(), "does not exist"),
    "a link to nothing": (lambda path: path.symlink_to(path.parent / "away.wav"), "does not exist"),
    "a pipe": (lambda path: os.mkfifo(path), "does not exist"),
    "half an mp3": (lambda path: cut(encoded(path, "libmp3lame", noise(3.0), container="mp3")), "is cut off"),
}


def _named(i: int) -> str:
    """The name of a recording of RAVDESS whose emotion, sentence and actor are of no interest."""
    return f"03-01-05-01-01-01-{i + 1:02d}"


@pytest.mark.slow
def test_recordings_of_every_form_are_heard_and_those_that_cannot_be_fail_alone_with_their_reason(
    command: Callable[..., Any], tmp_path: Path
) -> None:
    folder = tmp_path / "data/ravdess"
    folder.mkdir(parents=True)
    kinds = [*HEARD, *DEAF]
    for i, kind in enumerate(kinds):
        make = HEARD[kind] if kind in HEARD else DEAF[kind][0]
        make(folder / f"{_named(i)}.wav")
    run, journal, _ = command("ravdess", "loudness", "audio", "Choose", "batch_size=8")
    assert run["n_examples"] == len(journal) == len(kinds)
    assert run["scores"][0]["n_failed"] == len(DEAF)
    loud = 0.5 * 2 / np.pi  # the mean of |sin| times its amplitude
    for i, kind in enumerate(kinds):
        line = journal[_named(i)]
        if kind in HEARD:
            assert "error" not in line, (kind, line)
            assert line["label_scores"]["angry"] == pytest.approx(0 if kind == "silent" else loud, abs=0.05), kind
        else:
            assert DEAF[kind][1] in line["error"], (kind, line)
            assert f"{_named(i)}.wav" in line["error"], kind
            assert "\n" not in line["error"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", DEAF)
def test_doctor_names_a_recording_that_nothing_can_hear(bench_main: Main, tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "data/ravdess"
    folder.mkdir(parents=True)
    write_wav(folder / f"{_named(0)}.wav", CALL)
    DEAF[kind][0](folder / f"{_named(1)}.wav")
    code, out, _ = bench_main("doctor", "task=ravdess", f"data_dir={tmp_path / 'data'}", "--json")
    lines = [line for line in json.loads(out[-1])["problems"] if "where the all audio" not in line]
    assert code == 1
    if kind != "half an mp3":  # whose beginning is whole
        assert len(lines) == 1, lines
        assert DEAF[kind][1] in lines[0]
        assert f"{_named(1)}.wav" in lines[0]


@pytest.mark.slow
def test_doctor_has_nothing_against_recordings_of_other_forms(bench_main: Main, tmp_path: Path) -> None:
    folder = tmp_path / "data/ravdess"
    folder.mkdir(parents=True)
    for i, make in enumerate(HEARD.values()):
        make(folder / f"{_named(i)}.wav")
    _, out, _ = bench_main("doctor", "task=ravdess", f"data_dir={tmp_path / 'data'}", "--json")
    assert len(json.loads(out[-1])["problems"]) == 1  # their number is not that of the set


# Films, in the layout of OMG-Emotion

CLIPS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "whole": (lambda path: film(path, samples=CALL), "", ""),
    "mute": (lambda path: film(path), "", "has no sound track"),
    "silent": (lambda path: film(path, samples=np.zeros(RATE)), "", ""),
    "cut in the middle": (
        lambda path: cut(film(path, 3.0, samples=tone(3.0), head_first=True)),
        "is cut off: it has",
        "is cut off: it has",
    ),
    "cut before its head": (lambda path: cut(film(path, samples=CALL)), "FFmpeg can read (", "FFmpeg can read ("),
    "unknown tracks": (
        lambda path: _unknown(film(path, samples=CALL)),
        "a video track in a format that FFmpeg does not know",
        "an audio track in a format that FFmpeg does not know",
    ),
    "webm": (lambda path: film(path, samples=None, container="matroska"), "", "has no sound track"),
    "cut webm": (lambda path: cut(film(path, 3.0, container="matroska")), "is cut off: it has", "is cut off: it has"),
    "sound alone": (lambda path: write_wav(path, CALL), "has no pictures", ""),
    "a text": (_text, "FFmpeg can read", "FFmpeg can read"),
    "0 bytes": (lambda path: path.write_bytes(b""), "FFmpeg can read", "FFmpeg can read"),
    "missing": (lambda path: None, "does not exist", "does not exist"),
    "a folder": (lambda path: path.mkdir(), "does not exist", "does not exist"),
    "one frame": (lambda path: film(path, 0.1, samples=CALL), "", ""),
}


def _unknown(path: Path) -> None:
    data = path.read_bytes()
    for name in (b"mp4a", b"mp4v", b"esds"):
        assert name in data
        data = data.replace(name, b"zzzz")
    path.write_bytes(data)


def _omg(folder: Path, clips: list[tuple[str, float]]) -> Path:
    """The gold file of these utterances of one video, with how long each lasts."""
    place = folder / "data/omg_emotion"
    (place / "vid").mkdir(parents=True)
    rows = [
        f"https://v,{10 * i},{10 * i + lasts},vid,{name}.mp4,{i % 5 / 4},{i % 3 - 1},{i % 7}\n"
        for i, (name, lasts) in enumerate(clips)
    ]
    (place / "omg_ValidationVideos.csv").write_text(
        "link,start,end,video,utterance,arousal,valence,EmotionMaxVote\n" + "".join(rows)
    )
    return place / "vid"


@pytest.mark.slow
@pytest.mark.parametrize(("function", "which"), [("brightness", 1), ("voice", 2)])
def test_films_that_cannot_be_seen_or_heard_fail_alone_with_their_reason(
    command: Callable[..., Any], tmp_path: Path, function: str, which: int
) -> None:
    folder = _omg(tmp_path, [(f"utterance_{i}", 0.1) for i in range(len(CLIPS))])
    for i, (make, _, _) in enumerate(CLIPS.values()):
        make(folder / f"utterance_{i}.mp4")
    run, journal, _ = command("omg_emotion", function, "video", "Regress", "task.modality=video", "batch_size=4")
    due = {f"vid/utterance_{i}.mp4": found[which] for i, found in enumerate(CLIPS.values())}
    assert set(journal) == set(due)
    assert run["scores"][0]["n_failed"] == sum(map(bool, due.values()))
    for key, said in due.items():
        assert bool(said) == ("error" in journal[key]), (key, journal[key])
        assert said in journal[key].get("error", "")
        assert key.rpartition("/")[2] in journal[key].get("error", key)


@pytest.mark.slow
def test_one_missing_clip_of_600_costs_no_other_one(
    command: Callable[..., Any], bench_main: Main, tmp_path: Path
) -> None:
    folder = _omg(tmp_path, [(f"u{i}", 0.1) for i in range(600)])
    write_wav(folder / "u0.mp4", tone(0.1, 4_000), 4_000)  # what a film is does not matter here
    for i in range(1, 600):
        if i != 417:
            os.link(folder / "u0.mp4", folder / f"u{i}.mp4")
    run, journal, _ = command("omg_emotion", "voice", "video", "Regress", "task.modality=video")
    assert len(journal) == 600
    assert [key for key, line in journal.items() if "error" in line] == ["vid/u417.mp4"]
    assert run["scores"][0]["n_failed"] == 1
    code, out, _ = bench_main(
        "doctor", "task=omg_emotion", "task.modality=video", f"data_dir={tmp_path / 'data'}", "--json"
    )
    assert code == 1
    assert any(
        line.startswith("1 clips are missing") and line.endswith("vid/u417.mp4")
        for line in json.loads(out[-1])["problems"]
    )


@pytest.mark.slow
def test_annotations_beyond_a_clip_s_end_are_told_by_doctor_and_stop_no_run(
    command: Callable[..., Any], bench_main: Main, tmp_path: Path
) -> None:
    folder = _omg(tmp_path, [("fits", 1.0), ("beyond", 9.0), ("back", -2.0), ("nearly", 1.4)])
    for name in ("fits", "beyond", "back", "nearly"):
        film(folder / f"{name}.mp4", 1.0)
    _, journal, _ = command("omg_emotion", "brightness", "video", "Regress", "task.modality=video")
    assert not any("error" in line for line in journal.values())
    _, out, _ = bench_main(
        "doctor", "task=omg_emotion", "task.modality=video", f"data_dir={tmp_path / 'data'}", "--json"
    )
    lines = [line for line in json.loads(out[-1])["problems"] if "/vid/" in line]
    assert [line.rpartition("/")[2] for line in lines] == [
        "beyond.mp4 lasts 1.0 s, annotated are 9.0 s", "back.mp4: annotated to end at 18 s, before it begins at 20 s",
    ]  # fmt: skip


@pytest.mark.slow
def test_what_was_computed_before_a_clip_goes_away_is_kept(command: Callable[..., Any], tmp_path: Path) -> None:
    folder = _omg(tmp_path, [(f"u{i}", 0.1) for i in range(6)])
    for i in range(6):
        film(folder / f"u{i}.mp4", 0.3 + i / 10)
    source = tmp_path / "listener.py"
    taken = LISTENER.replace(
        "def brightness(requests):",
        f"def brightness(requests):\n    __import__('pathlib').Path({str(folder / 'u1.mp4')!r}).unlink()",
    )
    source.write_text(taken)
    code, _, err = command("omg_emotion", "brightness", "video", "Regress", "task.modality=video", "batch_size=2")
    assert code == 2
    assert len([line for line in err if line.startswith("bench: ")]) == 1
    assert "u1.mp4 disappeared while the run was at it" in err[-1]


# Pages, in a layout like DocVQA's


def _page(path: Path) -> None:
    from PIL import Image as Pillow

    Pillow.new("RGB", (40, 20), "white").save(path, "PNG")


PAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "whole": (_page, ""),
    "a text": (_text, "cannot be read"),
    "0 bytes": (lambda path: path.write_bytes(b""), "cannot be read"),
    "cut off": (lambda path: (_page(path), cut(path, 0.5)), "cannot be read"),
    "a film": (lambda path: film(path, container="mp4"), "cannot be read"),
}


def _docvqa(folder: Path, names: list[str]) -> Path:
    place = folder / "data/docvqa"
    (place / "images").mkdir(parents=True)
    rows = [
        {"questionId": i, "question": "Q?", "docId": i, "image": f"documents/{name}", "answers": ["40"]}
        for i, name in enumerate(names)
    ]
    (place / "val_v1.0_withQT.json").write_text(json.dumps({"data": rows}))
    return place / "images"


@pytest.mark.slow
def test_a_bad_page_fails_alone_and_doctor_names_it(
    command: Callable[..., Any], bench_main: Main, tmp_path: Path
) -> None:
    folder = _docvqa(tmp_path, [f"p{i}.png" for i in range(len(PAGES))])
    for i, (make, _) in enumerate(PAGES.values()):
        make(folder / f"p{i}.png")
    run, journal, _ = command("docvqa", "size", "text,image", "Generate")
    assert run["scores"][0]["n_failed"] == len(PAGES) - 1
    for i, (_, said) in enumerate(PAGES.values()):
        assert said in journal[str(i)].get("error", "")
    assert journal["0"]["text"] == "40"
    _, out, _ = bench_main("doctor", "task=docvqa", f"data_dir={tmp_path / 'data'}", "--json")
    named = [line for line in json.loads(out[-1])["problems"] if "/images/" in line]
    assert [line.partition(": ")[0].rpartition("/")[2] for line in named] == [f"p{i}.png" for i in range(1, len(PAGES))]


@pytest.mark.slow
def test_a_missing_page_is_one_line_before_anything_is_computed(command: Callable[..., Any], tmp_path: Path) -> None:
    _page(_docvqa(tmp_path, ["p0.png", "p1.png"]) / "p0.png")
    code, _, err = command("docvqa", "size", "text,image", "Generate")
    assert (code, len(err)) == (2, 1)
    assert "p1.png cannot be read (no such file)" in err[0]


# How a file that is shorter than it says is known


@pytest.mark.parametrize("name", ["a.wav", "a.avi", "a.mkv", "a.webm", "a.mp4", "a.mov", "a.aiff", "a.m4a"])
def test_a_file_that_lost_its_end_is_known_by_its_own_head(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if path.suffix in (".wav", ".aiff", ".m4a"):
        encoded(path, {".wav": "pcm_s16le", ".aiff": "pcm_s16be", ".m4a": "aac"}[path.suffix], CALL)
    else:
        film(path, container={".webm": "matroska"}.get(path.suffix), head_first=path.suffix == ".mp4")
    assert whole.cut(str(path)) == ""
    data = path.read_bytes()
    path.write_bytes(data + b"remarks that some program puts behind the end")
    assert whole.cut(str(path)) == ""
    for share in (0.5, 0.95):
        path.write_bytes(data[: int(share * len(data))])
        there = int(share * len(data))
        assert whole.cut(str(path)).startswith(f"it has {there:,} of "), share
        assert path.suffix in (".mov", ".m4a", ".mp4") or whole.cut(str(path)).endswith(f" of {len(data):,} bytes")


NONSENSE = [
    b"", b"RIFF", b"\x1a\x45\xdf\xa3", b"\x1a\x45\xdf\xa3\xff", bytes(100), b"\0\0\0\x01ftyp", b"\0\0\0\x03moov" * 9,
    b"\xff\xff\xff\xffRIFF" * 4, b"\0\0\0\x08free" * 50,
]  # fmt: skip


@pytest.mark.parametrize("data", NONSENSE)
def test_a_head_that_makes_no_sense_says_nothing(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x").write_bytes(data)
    assert whole.cut(str(tmp_path / "x")) == ""


def test_how_long_a_file_is_stands_in_its_head(tmp_path: Path) -> None:
    assert sound.seconds(str(write_wav(tmp_path / "a.wav", CALL))) == pytest.approx(0.5)
    assert sound.seconds(str(film(tmp_path / "a.mp4", 1.5))) == pytest.approx(1.5)
    assert len(video.frames(str(film(tmp_path / "b.mp4", 0.1)), 8, 32)) == 1
