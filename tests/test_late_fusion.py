"""Baselines of sound, frames and words: what they learn, what is missing, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from spoken import noise, tone, write_wav
from test_models_prosody import buzz
from test_models_video import film
from tiny import TinyTask

from bench.engine import feed
from bench.engine.asking import asking
from bench.engine.fitting import fits
from bench.engine.teaching import digest, taught, teach
from bench.errors import BenchError
from bench.metrics.concordance import ccc
from bench.models import film_features, video
from bench.models.base import Device
from bench.models.late_fusion import LateFusion
from bench.run import evaluate
from bench.runs.settings import Settings
from bench.task import Task
from bench.types import Audio, Choose, Example, Generate, Part, Prediction, Regress, Request, Text, Video

av = pytest.importorskip("av", reason="PyAV is not installed; nothing can listen or watch without it")
SCALES = Regress(("valence", "arousal"), (-1.0, 0.0), (1.0, 1.0))
LABELS = Choose(("low", "high"))
Lesson = list[tuple[Request, Prediction]]
RNG = np.random.default_rng(3)
DRAWN = [(float(a), float(v)) for a, v in zip(RNG.uniform(0, 1, 24), RNG.uniform(-1, 1, 24), strict=True)]


@pytest.fixture(scope="module")
def voices(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Voices that are the higher and louder the more arousal they have; nothing in them tells of valence."""
    folder = tmp_path_factory.mktemp("voices")
    return [
        write_wav(folder / f"{i}.wav", (0.1 + 0.6 * arousal) * buzz(0.3, 100 + 120 * arousal))
        for i, (arousal, _) in enumerate(DRAWN)
    ]


def heard(voices: Sequence[Path], *, words: bool = False, low: int = 0, high: int = 99) -> Lesson:
    """A lesson of voices, with words that tell of valence beside."""
    found = []
    for i, (path, (arousal, valence)) in list(enumerate(zip(voices, DRAWN, strict=True)))[low:high]:
        text = [Text(" ".join(["good" if valence > 0 else "bad"] * 3))] if words else []
        parts: tuple[Part, ...] = (*text, Audio(str(path)))
        found.append(
            (Request(str(i), parts, SCALES), Prediction(str(i), values={"valence": valence, "arousal": arousal}))
        )
    return found


def fitted(lesson: Lesson, *senses: str, threads: int = 1, seed: int = 0, **options: Any) -> LateFusion:
    model = LateFusion(list(senses or ["sound"]), **options)
    model.learn(lesson)
    model.load(Device(threads=threads), seed=seed)
    return model


def answers(model: LateFusion, lesson: Lesson) -> list[Any]:
    return [one.values or one.label_scores for one in model.predict([request for request, _ in lesson])]


@pytest.mark.slow
def test_arousal_is_heard_in_unseen_voices_and_what_cannot_be_heard_is_told_from_the_folds(voices: list[Path]) -> None:
    model = fitted(heard(voices, high=18))
    unseen = heard(voices, low=18)
    found = [one["arousal"] for one in answers(model, unseen)]
    assert found == pytest.approx([(one.values or {})["arousal"] for _, one in unseen], abs=0.12)
    told: Any = model.describe()
    assert told["fitted_on"] == 18
    assert told["learned_sound"]["arousal"]["r"] > 0.95
    assert told["learned_sound"]["valence"]["r"] < 0.6


@pytest.mark.slow
def test_the_same_lesson_and_seed_give_the_same_answers_in_any_company_and_number_of_threads(
    voices: list[Path],
) -> None:
    lesson = heard(voices, words=True)
    one, other = (fitted(lesson, "sound", "words", threads=threads) for threads in (1, 2))
    together = answers(one, lesson)
    assert together == answers(other, lesson)
    assert together == [found for pair in lesson for found in answers(one, [pair])]
    assert together == answers(one, lesson[::-1])[::-1]


@pytest.mark.slow
def test_each_number_is_taken_from_the_sense_that_tells_it(voices: list[Path]) -> None:
    lesson = heard(voices, words=True)
    told: Any = fitted(lesson, "sound", "words").describe()
    assert told["weights"]["sound"]["arousal"] > 5 * told["weights"]["words"]["arousal"]
    assert told["weights"]["words"]["valence"] > 5 * told["weights"]["sound"]["valence"]


@pytest.mark.slow
def test_where_a_sense_is_missing_the_others_answer_as_they_would_alone(voices: list[Path], tmp_path: Path) -> None:
    lesson = heard(voices, words=True)
    both, alone = fitted(lesson, "sound", "words"), fitted(lesson, "words")
    silent = str(write_wav(tmp_path / "silent.wav", np.zeros(8_000)))
    text, audio = lesson[0][0].parts
    missing = [(text,), (text, Audio(silent))]
    asked = [(Request(str(i), parts, SCALES), lesson[0][1]) for i, parts in enumerate(missing)]
    assert answers(both, asked) == answers(alone, asked[:1]) * 2
    only_sound = [(Request("b", (Text(" "), audio), SCALES), lesson[0][1])]
    assert answers(both, only_sound) == answers(fitted(lesson, "sound"), only_sound)


@pytest.mark.slow
def test_what_says_nothing_gets_the_mean_and_what_is_not_there_fails(voices: list[Path], tmp_path: Path) -> None:
    lesson = heard(voices)
    model = fitted(lesson)
    silent = Request("a", (Audio(str(write_wav(tmp_path / "s.wav", np.zeros(800)))),), SCALES)
    mute = Request("b", (Video(str(film(tmp_path / "mute.mp4"))),), SCALES)
    found = feed.answer(model, [silent, mute, lesson[0][0]], "x")
    mean = np.mean([[one.values[name] for name in SCALES.names] for _, one in lesson if one.values], axis=0)
    assert list((found[0].values or {}).values()) == pytest.approx(mean)
    assert "holds nothing for sound" in (found[1].error or "")
    assert found[2].error is None


@pytest.mark.slow
def test_predictions_spread_as_the_targets_do_unless_least_squares_is_asked_for(voices: list[Path]) -> None:
    draw = np.random.default_rng(0)
    lesson = [
        (request, Prediction(request.id, values={
            "valence": 0.5 * (one.values or {})["arousal"] + draw.normal(0, 0.2), "arousal": 0.5,
        }))
        for request, one in heard(voices)
    ]  # fmt: skip
    wanted = [(one.values or {})["valence"] for _, one in lesson]
    wide, least = (
        [one["valence"] for one in answers(fitted(lesson, spread=spread), lesson)]
        for spread in ("targets", "least_squares")
    )
    assert np.std(least) < 0.9 * np.std(wide)
    assert np.std(wide) == pytest.approx(np.std(wanted), rel=0.4)


@pytest.mark.slow
def test_labels_are_shares_of_one_and_may_be_several(voices: list[Path]) -> None:
    def labelled(output: Choose) -> Lesson:
        return [
            (Request(one.id, one.parts, output), Prediction(one.id, label_scores={
                "low": float(arousal < 0.5), "high": float(arousal >= 0.5),
            }))
            for (one, _), (arousal, _) in zip(heard(voices), DRAWN, strict=True)
        ]  # fmt: skip

    found = answers(fitted(labelled(LABELS)), labelled(LABELS))
    assert [sum(one.values()) for one in found] == pytest.approx([1.0] * 24)
    assert sum((one["high"] > 0.5) == (arousal >= 0.5) for one, (arousal, _) in zip(found, DRAWN, strict=True)) >= 22
    several = answers(
        fitted(labelled(Choose(LABELS.labels, several=True))), labelled(Choose(LABELS.labels, several=True))
    )
    assert all(0 < score <= 1 for one in several for score in one.values())


def talking(path: Path, at: tuple[int, int], mouth: float) -> Path:
    """A film of a disc before stripes that moves to and fro around a place [x, y], with a mouth so far open."""
    y, x = np.mgrid[:120, :160]
    with av.open(str(path), "w") as file:
        track = file.add_stream("mpeg4", rate=10)
        track.width, track.height, track.pix_fmt, track.bit_rate = 160, 120, "yuv420p", 4_000_000
        for i in range(10):
            left = x - at[0] - 6 * (i % 3)
            picture = np.where((x // 12) % 2, 200, 160)
            picture = np.where(left**2 + (y - at[1]) ** 2 < 24**2, 120, picture)
            picture = np.where((left / 12) ** 2 + ((y - at[1] - 8) / (1 + 10 * mouth)) ** 2 < 1, 10, picture)
            pixels = np.repeat(picture.astype(np.uint8)[..., None], 3, axis=2)
            file.mux(track.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        file.mux(track.encode(None))
    return path


@pytest.mark.parametrize("at", [(40, 40), (110, 40), (60, 80), (115, 75)])
def test_the_part_that_moves_is_looked_at_wherever_it_is(at: tuple[int, int], tmp_path: Path) -> None:
    path = str(talking(tmp_path / "a.mp4", at, 0.2))
    part = film_features._moving([film_features._grey(frame) for frame in video.shown(path, 8)])
    assert part.shape == (8, 64, 64)
    middle = part[:, 16:48, 16:48] * 255
    assert np.mean(abs(middle - 120) < 15) > 0.6  # of the disc, not of the stripes around it
    assert np.mean(middle < 60) > 0.02  # with its mouth


def test_a_film_of_one_frame_or_without_movement_is_looked_at_as_a_whole(tmp_path: Path) -> None:
    for n, per_second in ((1, 10), (3, 10)):
        found = film_features.features(str(film(tmp_path / f"{n}.mp4", n, per_second=per_second)), 3)
        assert found.shape == (1_536,)
        assert np.isfinite(found).all()
        assert (found[film_features.MOVED].max() > 0) == (n > 1)


@pytest.mark.slow
def test_bad_files_of_the_lesson_are_left_out_and_counted(voices: list[Path], tmp_path: Path) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(voices[0].read_bytes()[:500])
    target = Prediction("x", values={"valence": 9.0, "arousal": 9.0})
    bad = [(Request(str(path), (Audio(str(path)),), SCALES), target) for path in (broken, tmp_path / "none.wav")]
    model, whole = fitted([*heard(voices), *bad]), fitted(heard(voices))
    assert model.describe()["unreadable"] == 2
    assert model.describe()["learned_sound"]["arousal"]["r"] > 0.9
    assert whole.describe()["unreadable"] == 0
    with pytest.raises(
        BenchError, match=r"^sound can be perceived in fewer than 4 training examples.*none.wav does not exist"
    ):
        fitted([*heard(voices, high=3), bad[1]])


@pytest.mark.parametrize(
    ("options", "said"),
    [({"senses": []}, "one or more of sound, frames, words"), ({"senses": ["sound", "sound"]}, "each once"),
     ({"senses": ["smell"]}, r"model.senses=\['smell'\]"), ({"senses": ["frames"], "n_frames": 0}, "model.n_frames=0"),
     ({"senses": ["words"], "spread": "wide"}, "targets or least_squares")],
)  # fmt: skip
def test_a_wrong_setting_is_one_line(options: dict[str, Any], said: str) -> None:
    with pytest.raises(BenchError, match=said):
        LateFusion(**options)


class Voices(TinyTask):
    """Arousal of voices, of which one of the training split is evaluated, too."""

    output = Regress  # type: ignore[assignment]
    metrics = (ccc("arousal", 0.0, 1.0),)  # type: ignore[assignment]
    parts = frozenset({"audio"})

    def __init__(self, paths: Sequence[Path], folders: Sequence[str] = ()) -> None:
        self.paths, self.folders = paths, folders

    def _example(self, i: int) -> Example:
        cluster = self.folders[i] if self.folders else f"c{i // 3}"
        return Example(f"e{i}", {"n": i}, {"arousal": DRAWN[i][0], "video": i // 3}, cluster)

    def examples(self) -> Sequence[Example]:
        return [self._example(i) for i in range(8)]

    def training(self) -> Sequence[Example]:
        return [self._example(i) for i in range(7, 24)]

    def request(self, example: Example) -> Request:
        return Request(
            example.id, (Audio(str(self.paths[example.inputs["n"]])),), Regress(("arousal",), (0.0,), (1.0,))
        )

    def answer(self, prediction: Prediction) -> Any:
        return dict(prediction.values or {})

    def checked(self, example: Example, answer: Any) -> Any:
        return answer

    def ideal(self, example: Example) -> Prediction:
        return Prediction(example.id, values={"arousal": example.target["arousal"]})


def test_a_recording_that_is_evaluated_is_never_learned_and_other_recordings_are_another_lesson(
    voices: list[Path], tmp_path: Path
) -> None:
    task = Voices(voices)
    found, left_out = taught(task, asking(task, None, 0, 0), "prosody")
    assert (len(found), left_out) == (16, 1)
    copies = [tmp_path / f"{i}.wav" for i in range(24)]
    for i, (copy, path) in enumerate(zip(copies, voices, strict=True)):
        copy.write_bytes(path.read_bytes())
        if i == 20:
            write_wav(copy, tone(0.3))
    other, _ = taught(Voices(copies), asking(Voices(copies), None, 0, 0), "prosody")
    assert digest(other) != digest(found)
    assert digest(other[:10]) == digest(found[:10])


def test_clusters_are_told_to_who_folds_by_them_and_are_part_of_what_it_stands_on(voices: list[Path]) -> None:
    model, task, moved = LateFusion(["sound"]), Voices(voices), Voices(voices, [f"x{i % 4}" for i in range(24)])
    first = teach(model, task, asking(task, None, 0, 0), "prosody")
    assert model.clusters == tuple(f"c{i // 3}" for i in range(8, 24))
    assert teach(model, moved, asking(moved, None, 0, 0), "prosody") != first


@pytest.mark.slow
def test_a_run_fits_in_a_phase_of_its_own_and_says_what_it_learned(voices: list[Path], tmp_path: Path) -> None:
    settings = Settings(runs_dir=tmp_path, resamples=10)
    run, folder = evaluate(Voices(voices), LateFusion(["sound"]), "prosody", Device(), settings)
    assert run.timings["seconds"]["fit"] > 0
    assert (run.computed["fitted_on"], run.computed["left_out"]) == (16, 1)
    assert run.scores[0].value > 0.8
    assert all(one.error is None for one in folder.predictions())


@cache
def asks(*parts: str) -> Task:
    task = TinyTask()
    task.parts, task.output = frozenset(parts), Regress  # type: ignore[misc,assignment]
    return task


def test_each_sense_fits_what_it_can_perceive() -> None:
    sound, frames, words = (LateFusion([one]) for one in ("sound", "frames", "words"))
    every = LateFusion(["sound", "frames", "words"])
    for parts, fitting in (
        (("audio",), (sound, every)), (("video",), (sound, frames, every)), (("text",), (words, every)),
        (("text", "video"), (sound, frames, words, every)), (("image",), ()), (("text", "image"), ()),
    ):  # fmt: skip
        assert [one for one in (sound, frames, words, every) if fits(asks(*parts), one)] == list(fitting)
    assert asks("audio").output is not Generate


@pytest.mark.slow
def test_a_film_that_cannot_be_read_fails_with_its_reason_and_costs_no_other(
    voices: list[Path], tmp_path: Path
) -> None:
    model = fitted(heard(voices))
    whole = film(tmp_path / "whole.mp4", samples=noise(1.0))
    (tmp_path / "cut.mp4").write_bytes(whole.read_bytes()[:2_000])
    (tmp_path / "sound.txt").write_bytes(voices[0].read_bytes())  # a wrong suffix is read by what is in it
    asked = [
        Video(str(whole)),
        Video(str(tmp_path / "cut.mp4")),
        Video(str(tmp_path / "none.mp4")),
        Audio(str(tmp_path / "sound.txt")),
    ]
    found = feed.answer(model, [Request(str(i), (part,), SCALES) for i, part in enumerate(asked)], "x")
    assert [one.error is None for one in found] == [True, False, False, True]
    assert "cut.mp4" in (found[1].error or "")
    assert "none.mp4 does not exist" in (found[2].error or "")
