"""Models of sound and film through the whole `bench` command: tiny random checkpoints, and recordings as people have them."""

from __future__ import annotations

import json
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_data import OMG_GOLD, OMG_TEXT, write
from spoken import noise, tone, write_wav
from test_models_moonshine import moonshine
from test_models_speech import tiny_classifier, tiny_ctc, tiny_whisper
from test_models_video import film

pytest.importorskip("av", reason="PyAV is not installed; nothing can listen or watch without it")
pytestmark = pytest.mark.slow
RATE = 16_000
CONF = Path(__file__).parent.parent / "conf" / "model"
Main = Callable[..., tuple[int, list[str], list[str]]]
OPTIONS = ("tracking=none", "device=cpu", "device.dtype=float32", "resamples=20")


def outcome(bench_main: Main, *arguments: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What `bench run` says of its one run, and the lines of its journal."""
    code, out, err = bench_main("run", *arguments, *OPTIONS, "--json")
    assert code in (0, 1), (out, err)
    found = json.loads(out[-1])
    lines = (Path(found["run_dir"]) / "predictions.jsonl").read_text(encoding="utf-8").split("\n")
    return found, [json.loads(line) for line in lines if line]


def failed(found: dict[str, Any]) -> int:
    """How many examples of a run failed."""
    return int(next(iter(found["scores"].values()))["n_failed"])


def calls(folder: Path, *seconds: float) -> list[str]:
    """Earnings-21 of noises of so many seconds, and what of the command line names it."""
    files: dict[str, str] = {}
    for i in range(len(seconds)):
        head = "token|speaker|ts|endTs|punctuation|prepunctuation|case|tags|wer_tags\n"
        files[f"references/{i}.nlp"] = f"{head}good|1|||||LC|[]|[]\nmorning|1|||||LC|[]|[]\n"
        files[f"normalizations/{i}.norm.json"] = "{}"
    there = write(folder / "data" / "earnings21", files)
    (there / "media").mkdir()
    for i, length in enumerate(seconds):
        write_wav(there / "media" / f"{i}.wav", noise(length, seed=i))
    return ["task=earnings21", f"data_dir={folder / 'data'}"]


def actors(folder: Path, *names: str) -> Path:
    """RAVDESS of noises under these names."""
    there = folder / "data" / "ravdess"
    there.mkdir(parents=True, exist_ok=True)
    for i, name in enumerate(names):
        write_wav(there / f"{name}.wav", noise(0.4 + i / 5, seed=i))
    return there


@pytest.mark.parametrize("kind", ["whisper", "wav2vec2"])
def test_a_recogniser_s_checkpoint_runs_through_the_command_on_recordings(
    kind: str, bench_main: Main, tmp_path: Path
) -> None:
    make = tiny_whisper if kind == "whisper" else tiny_ctc
    folder = make(tmp_path / "m", **({"multilingual": False} if kind == "whisper" else {"masks": True}))
    model = "whisper_tiny_en" if kind == "whisper" else "wav2vec2"
    found, lines = outcome(bench_main, f"model={model}", f"model.source=file:{folder}", *calls(tmp_path, 0.5, 1.2))
    assert [line.get("error") for line in lines] == [None, None]
    assert all("text" in line for line in lines)
    assert failed(found) == 0


def test_a_classifier_of_emotions_runs_through_the_command_on_recordings(bench_main: Main, tmp_path: Path) -> None:
    folder = tiny_classifier(tmp_path / "m", ["neu", "hap", "ang", "sad"])
    actors(tmp_path, "03-01-01-01-01-01-01", "03-01-05-01-01-01-02")
    options = ("task=ravdess", "model=wav2vec2_emotion", f"model.source=file:{folder}", f"data_dir={tmp_path / 'data'}")
    _, lines = outcome(bench_main, *options)
    for line in lines:
        assert sum(line["label_scores"].values()) == pytest.approx(1.0, abs=1e-4)
        assert line["label_scores"]["calm"] == 0.0


def clips(folder: Path) -> list[str]:
    """OMG-Emotion of four clips and eight to learn from, all noise, and what of the command line names it."""
    files = {"omg_emotion/omg_ValidationVideos.csv": OMG_GOLD, "omg_emotion/omg_ValidationTranscripts.csv": OMG_TEXT}
    for name, text in (("Videos", OMG_GOLD), ("Transcripts", OMG_TEXT)):
        head, _, rows = text.partition("\n")
        taught = "".join(rows.replace("aa_1", f"{x}a_1").replace("bb_1", f"{x}b_1") for x in "tu")
        files[f"omg_emotion/omg_Train{name}.csv"] = f"{head}\n{taught}"
    there = write(folder / "data", files) / "omg_emotion"
    for n, video in enumerate(("aa_1", "bb_1", "ta_1", "tb_1", "ua_1", "ub_1")):
        (there / video).mkdir()
        for i, number in enumerate((1, 2 + n % 2)):
            film(there / video / f"utterance_{number}.mp4", 6 + i, samples=noise(0.6, seed=4 * n + i))
    return ["task=omg_emotion", "task.modality=both", f"data_dir={folder / 'data'}"]


@pytest.mark.parametrize("kind", ["whisper", "wav2vec2"])
def test_a_recogniser_s_checkpoint_hears_films_through_the_command(
    kind: str, bench_main: Main, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = tiny_whisper if kind == "whisper" else tiny_ctc
    folder = make(tmp_path / "m", **({"multilingual": False} if kind == "whisper" else {"masks": True}))
    recogniser = "whisper_tiny_en" if kind == "whisper" else "wav2vec2"
    watches = CONF.joinpath("watch_minilm.yaml").read_text(encoding="utf-8").replace("sphinx", recogniser)
    write(tmp_path / "conf", {"model/watches.yaml": watches})
    monkeypatch.setenv("BENCH_CONF", str(tmp_path / "conf"))
    options = ("model=watches", f"model.recogniser.source=file:{folder}")
    _, lines = outcome(bench_main, *options, *clips(tmp_path))
    assert [line.get("error") for line in lines] == [None] * 4


def test_fused_runs_through_the_command_and_a_bad_film_costs_no_other(bench_main: Main, tmp_path: Path) -> None:
    options = clips(tmp_path)
    there = tmp_path / "data" / "omg_emotion"
    film(there / "aa_1" / "utterance_1.mp4", 6)  # without sound
    film(there / "aa_1" / "utterance_2.mp4", 6, samples=np.zeros(9_000))
    cut = there / "bb_1" / "utterance_1.mp4"
    cut.write_bytes(cut.read_bytes()[:1_500])
    (there / "tb_1" / "utterance_3.mp4").unlink()
    for model, failing in (
        ("fused", {"bb_1/utterance_1.mp4"}),
        ("prosody", {"aa_1/utterance_1.mp4", "bb_1/utterance_1.mp4"}),
    ):
        if model == "prosody":
            film(there / "tb_1" / "utterance_3.mp4", 6, samples=noise(0.5, seed=99))
        found, lines = outcome(bench_main, f"model={model}", *options)
        assert {line["id"] for line in lines if line.get("error")} == failing
        assert failed(found) == len(failing)


def odd(folder: Path, kind: str) -> Path:
    """A recording of 0.5 s of RAVDESS's name in an odd form."""
    path = folder / "03-01-01-01-01-01-01.wav"
    samples = tone(0.5)
    match kind:
        case "8 bit" | "24 bit" | "six channels":
            width, channels = {"8 bit": (1, 1), "24 bit": (3, 1), "six channels": (2, 6)}[kind]
            data = np.repeat(samples, channels)
            whole = np.round(data * 127 + 128).astype("u1").tobytes() if width == 1 else (
                (data * 2**31 * 0.999).astype("<i4").view("u1").reshape(-1, 4)[:, 4 - width :].tobytes()
            )  # fmt: skip
            with wave.open(str(path), "wb") as file:
                file.setparams((channels, width, RATE, 0, "NONE", ""))
                file.writeframes(whole)
        case "wrong suffix":
            film(folder / "a.mp4", samples=samples).rename(path)
        case "silent":
            write_wav(path, np.zeros(RATE))
        case "no samples":
            write_wav(path, [])
        case "cut":
            path.write_bytes(write_wav(path, samples).read_bytes()[:9_000])
        case "film without sound":
            film(folder / "a.mp4").rename(path)
    return path


ODD = {
    "8 bit": "", "24 bit": "", "six channels": "", "wrong suffix": "", "silent": "", "no samples": "lasts 0 seconds",
    "cut": "is cut off", "film without sound": "has no sound track",
}  # fmt: skip


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_recording_is_heard_or_fails_with_its_reason_and_the_others_are_answered(
    kind: str, bench_main: Main, tmp_path: Path
) -> None:
    moonshine()  # skips where its weights are not here
    there = actors(tmp_path, "03-01-05-01-01-01-02")
    odd(there, kind)
    options = ("task=ravdess", "model=moonshine_minilm", f"data_dir={tmp_path / 'data'}")
    _, lines = outcome(bench_main, *options)
    errors = {line["id"]: line.get("error") or "" for line in lines}
    assert set(errors) == {"03-01-05-01-01-01-02", "03-01-01-01-01-01-01"}
    assert errors["03-01-05-01-01-01-02"] == ""
    said = errors["03-01-01-01-01-01-01"]
    assert ODD[kind] in said
    assert bool(said) == bool(ODD[kind])
