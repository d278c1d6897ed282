"""OMG-Emotion: the mean over videos by hand, the official layout in small, submissions, and bad files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bench.commands.doctor import examine
from bench.data.source import DataSource
from bench.errors import BenchError
from bench.metrics.concordance import ccc, ccc_per_video, mse, pearson
from bench.metrics.metric import Metric, RankedMetric
from bench.models.base import Device
from bench.models.reference import Constant
from bench.run import evaluate
from bench.runs.settings import Settings
from bench.scoring.measure import score
from bench.submissions.reading import read
from bench.types import Prediction, Regress, Text, Video
from tasks.omg_emotion import OmgEmotion

PER_VIDEO = ccc_per_video("valence", -1.0, 1.0)
GOLD = """link,start,end,video,utterance,arousal,valence,EmotionMaxVote
https://v/1,0.0,1.5,aa_1,utterance_1.mp4,0.0,-0.5,5
https://v/1,1.5,2.5,aa_1,utterance_2.mp4,0.5,0.0,4
https://v/2,0.0,3.0,bb_1,utterance_1.mp4,0.25,0.5,3
https://v/2,3.0,4.0,bb_1,utterance_3.mp4,0.75,1.0,3
"""
TRANSCRIPTS = """link,video,utterance,transcript
"https://v/1",aa_1,utterance_1.mp4,"it is gone, all of it "
"https://v/1",aa_1,utterance_2.mp4,""
"https://v/2",bb_1,utterance_1.mp4,"so I said "yes" to her"
"""
IDS = ["aa_1/utterance_1.mp4", "aa_1/utterance_2.mp4", "bb_1/utterance_1.mp4", "bb_1/utterance_3.mp4"]
HEADER = "video,utterance,arousal,valence\n"
ROWS = [
    "aa_1,utterance_1.mp4,0.1,-0.5\n", "aa_1,utterance_2.mp4,0.2,0.0\n", "bb_1,utterance_1.mp4,0.3,1.0\n",
    "bb_1,utterance_3.mp4,0.4,0.5\n",
]  # fmt: skip
Made = Callable[..., OmgEmotion]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Makes the task on a folder in the official layout, of two videos with two utterances each."""
    folder = tmp_path / "omg_emotion"
    folder.mkdir()

    def make(modality: str = "transcript", gold: str = GOLD, name: str = "omg_ValidationVideos.csv") -> OmgEmotion:
        (folder / name).write_text(gold, encoding="utf-8")
        (folder / "omg_ValidationTranscripts.csv").write_text(TRANSCRIPTS, encoding="utf-8")
        return OmgEmotion(DataSource("omg_emotion/", str(tmp_path)), modality)

    return make


def per_video(triples: list[tuple[float, float, int]], weights: list[float] | None = None) -> float:
    """The metric's value of (target, prediction, video) triples."""
    rows = np.array([PER_VIDEO.measure({"valence": t, "video": v}, {"valence": p}) for t, p, v in triples])
    return float(PER_VIDEO.summarise(rows, np.array([weights or [1.0] * len(rows)]))[0])


@pytest.mark.parametrize(
    ("triples", "expected"),
    [
        # right in video 0 (1), reversed in video 1 (-1)
        ([(0.0, 0.0, 0), (1.0, 1.0, 0), (0.0, 1.0, 1), (1.0, 0.0, 1)], 0.0),
        # t 0, 1; p 0, 1/2 is 2/3 (see the global metric); a constant prediction is 0
        ([(0.0, 0.0, 0), (1.0, 0.5, 0), (0.0, 0.3, 1), (1.0, 0.3, 1)], 1 / 3),
        # videos count alike, however many utterances they have, in whatever order these come
        ([(1.0, 1.0, 1), (0.0, 0.0, 0), (0.5, 0.3, 1), (1.0, 1.0, 0), (0.0, 1.0, 2), (1.0, 0.0, 2)], None),
        ([(0.2, 0.2, 0)], 1.0),  # one utterance: 1 where it is exact
        ([(0.2, 0.3, 0)], 0.0),
    ],
)
def test_the_mean_over_videos_by_hand(triples: list[tuple[float, float, int]], expected: float | None) -> None:
    if expected is None:  # video 1: means .75 and .65, var 1/16 and .1225, cov .0875: .175 / .195
        expected = (1 + 0.175 / 0.195 - 1) / 3
    assert per_video(triples) == pytest.approx(expected, abs=1e-12)


def test_a_video_that_is_drawn_twice_counts_twice() -> None:
    triples = [(0.0, 0.0, 0), (1.0, 1.0, 0), (0.0, 1.0, 1), (1.0, 0.0, 1)]
    assert per_video(triples, [2.0, 2.0, 1.0, 1.0]) == pytest.approx(1 / 3)  # (1 + 1 - 1) / 3
    assert per_video(triples, [0.0, 0.0, 3.0, 3.0]) == pytest.approx(-1.0)


VALUES = st.integers(-100, 100).map(lambda number: number / 100)


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(triples=st.lists(st.tuples(VALUES, VALUES, st.integers(0, 3)), min_size=1, max_size=12))
def test_the_mean_over_videos_is_that_of_the_global_metric_within_each(triples: list[tuple[float, float, int]]) -> None:
    metric, within = ccc("valence", -1.0, 1.0), []
    for video in {video for *_, video in triples}:
        rows = np.array([metric.measure({"valence": t}, {"valence": p}) for t, p, v in triples if v == video])
        within.append(float(metric.summarise(rows.sum(axis=0), np.array(float(len(rows))))))
    assert per_video(triples) == pytest.approx(np.mean(within), abs=1e-9)


def value(metric: Metric, t: list[float], p: list[float]) -> float:
    rows = np.array([metric.measure({"valence": a}, {"valence": b}) for a, b in zip(t, p, strict=True)])
    return float(metric.summarise(rows.sum(axis=0), np.array(float(len(rows)))))


def test_squared_error_and_correlation_are_those_of_scipy() -> None:
    rng = np.random.default_rng(0)
    t, p = list(rng.uniform(-1, 1, 50)), list(rng.uniform(-1, 1, 50))
    assert value(mse("valence", -1, 1), t, p) == pytest.approx(np.mean((np.array(t) - np.array(p)) ** 2))
    assert value(pearson("valence", -1, 1), t, p) == pytest.approx(stats.pearsonr(t, p)[0])
    assert value(pearson("valence", -1, 1), t, [0.3] * 50) == 0.0


@pytest.mark.parametrize("metric", OmgEmotion.metrics, ids=lambda metric: str(metric.name))
def test_a_failure_counts_as_the_far_end_of_the_scale(metric: Metric | RankedMetric) -> None:
    target = {"valence": 0.2, "arousal": 0.2, "video": 0.0}
    end = {"valence": -1.0, "arousal": 1.0}
    assert metric.worst(target) == metric.measure(target, end)
    assert metric.best(target) == metric.measure(target, target)


def test_examples_are_the_utterances_of_the_gold_file(made: Made) -> None:
    examples = made().examples()
    assert [example.id for example in examples] == IDS
    assert [example.cluster for example in examples] == ["aa_1", "aa_1", "bb_1", "bb_1"]
    assert examples[0].target == {"valence": -0.5, "arousal": 0.0, "video": 0}
    assert [e.inputs["transcript"] for e in examples[:2]] == ["it is gone, all of it", ""]
    assert examples[3].inputs["transcript"] == ""  # it is not in the file


@pytest.mark.parametrize("modality", ["transcript", "video", "both"])
def test_the_modality_decides_what_a_model_gets(made: Made, tmp_path: Path, modality: str) -> None:
    task = made(modality)
    text, clip = Text("it is gone, all of it"), Video(str(tmp_path / "omg_emotion/aa_1/utterance_1.mp4"))
    request = task.request(task.examples()[0])
    assert request.parts == {"transcript": (text,), "video": (clip,), "both": (text, clip)}[modality]
    assert {part.kind for part in request.parts} == task.parts
    assert request.output == Regress(("valence", "arousal"), (-1.0, 0.0), (1.0, 1.0))


def test_another_modality_is_refused(made: Made) -> None:
    with pytest.raises(
        BenchError,
        match=r"task\.modality='face' is not one of \['all', 'both', 'picture', 'sound', 'transcript', 'video'\]",
    ):
        made("face")


def test_without_transcripts_a_submission_can_be_scored_but_no_text_asked_for(made: Made, tmp_path: Path) -> None:
    task = made()
    (tmp_path / "omg_emotion/omg_ValidationTranscripts.csv").unlink()
    examples = task.examples()
    assert len(examples) == 4
    with pytest.raises(BenchError, match=r"omg_ValidationTranscripts\.csv does not exist; put it there, or run with"):
        task.request(examples[0])


TRANSCRIPT_HEAD = "link,video,utterance,transcript\n"


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        ('l,aa_1,utterance_1.mp4,"it is gone\nl,aa_1,utterance_2.mp4,ho\nl,bb_1,utterance_1.mp4,"yes"\n', (2, 3)),
        ('l,aa_1,utterance_1.mp4,ho\n\n"l",aa_1,utterance_2.mp4,"it is gone\n"l",bb_1,utterance_1.mp4,"yes"\n', (4, 5)),
        ('l,aa_1,utterance_1.mp4,"it is\ngone\nl,aa_1,utterance_2.mp4,ho, ho, ho\n', (2, 4)),
    ],
)
def test_a_quotation_mark_that_swallows_utterances_is_refused_with_its_line(
    made: Made, tmp_path: Path, rows: str, lines: tuple[int, int]
) -> None:
    task = made()
    (tmp_path / "omg_emotion/omg_ValidationTranscripts.csv").write_text(TRANSCRIPT_HEAD + rows, encoding="utf-8")
    message = (
        rf"Transcripts\.csv line {lines[0]}: .* not closed, so that the row of line {lines[1]} is read .*; close it"
    )
    with pytest.raises(BenchError, match=message):
        task.examples()


def test_what_is_said_may_run_over_lines_and_hold_quotes(made: Made, tmp_path: Path) -> None:
    task = made()
    rows = 'l,aa_1,utterance_1.mp4,"gone,\n\nall of it"\nl,aa_1,utterance_2.mp4,"so "yes", no"\n'
    (tmp_path / "omg_emotion/omg_ValidationTranscripts.csv").write_text(TRANSCRIPT_HEAD + rows, encoding="utf-8")
    said = [one.inputs["transcript"] for one in task.examples()]
    assert said[0] == "gone,\n\nall of it"
    assert said[1].startswith("so yes")


@pytest.mark.slow
def test_a_run_says_which_utterances_are_asked_without_a_text(made: Made, tmp_path: Path) -> None:
    told: list[str] = []
    for modality in ("transcript", "both", "video"):
        told.append(modality)
        settings = Settings(runs_dir=tmp_path / modality, resamples=10)
        evaluate(made(modality), Constant(), "constant", Device("cpu", "none", 1), settings, say=told.append)
    line = (
        "omg_ValidationTranscripts.csv lacks 1 utterances, the first are bb_1/utterance_3.mp4, which are asked with an empty text; "
        "add their rows"
    )
    assert told == ["transcript", line, "both", line, "video"]


def test_a_gold_file_whose_name_leads_to_no_transcripts_says_so(made: Made, tmp_path: Path) -> None:
    made(name="gold.csv")
    task = OmgEmotion(DataSource("omg_emotion/", path=str(tmp_path / "omg_emotion/gold.csv")))
    with pytest.raises(
        BenchError, match=r"gold\.csv has no file of transcripts: that of aVideos\.csv is aTranscripts\.csv, .*rename"
    ):
        task.request(task.examples()[0])
    assert "has no file of transcripts" in next(iter(task.problems()))


def test_the_labelled_test_set_is_taken_where_it_is_alone(made: Made) -> None:
    assert len(made(name="omg_TestVideos_WithLabels.csv").examples()) == 4


def test_the_training_set_is_there_for_examples_in_prompts(made: Made, tmp_path: Path) -> None:
    task = made()
    assert task.training() == ()
    (tmp_path / "omg_emotion/omg_TrainVideos.csv").write_text(GOLD.replace("aa_1", "cc_1"), encoding="utf-8")
    assert task.training()[0].id == "cc_1/utterance_1.mp4"


def test_values_of_a_model_are_held_within_their_scales(made: Made) -> None:
    answer = made().answer(Prediction("x", values={"arousal": -0.2, "valence": 1.5}))
    assert answer == {"valence": 1.0, "arousal": 0.0}


def test_the_ideal_prediction_agrees_completely(made: Made) -> None:
    task = made()
    examples = task.examples()
    scores = {s.metric: s.value for s in score(task, examples, [task.ideal(e) for e in examples], resamples=0, seed=0)}
    assert next(iter(scores)) == "ccc_valence"
    assert {name: scores[name] for name in scores if not name.startswith("mse")} == pytest.approx(
        dict.fromkeys((name for name in scores if not name.startswith("mse")), 1.0)
    )
    assert scores["mse_valence"] == pytest.approx(0.0, abs=1e-12)


def test_a_submission_is_joined_by_video_and_utterance(made: Made, tmp_path: Path) -> None:
    task = made()
    examples = task.examples()
    path = tmp_path / "said.csv"
    path.write_bytes(("\ufeff" + HEADER + "".join(ROWS[::-1])).replace("\n", "\r\n").encode())
    answers = dict(task.submitted(path, examples))
    assert answers["bb_1/utterance_3.mp4"] == {"valence": 0.5, "arousal": 0.4}
    predictions = [Prediction(key, answer=answer) for key, answer in answers.items()]
    values = {s.metric: s.value for s in score(task, examples, predictions, resamples=0, seed=0) if s.value is not None}
    found = task.official(values, examples)
    # valence: right in aa_1; in bb_1 the two are exchanged, which is -1
    assert found["Mean CCC Valence"] == pytest.approx(0.0)
    # t -.5, 0, .5, 1 and p -.5, 0, 1, .5: means .25, var .3125, cov .25
    assert found["Valence CCC"] == found["Valence cor"] == pytest.approx(0.8)
    assert found["Valence MSE"] == pytest.approx(0.125)
    assert list(found)[:3] == ["Arousal CCC", "Arousal Pearson Cor", "Arousal MSE"]


def test_a_submission_may_leave_the_scale(made: Made, tmp_path: Path) -> None:
    task, path = made(), tmp_path / "said.csv"
    path.write_text(HEADER + "aa_1,utterance_1.mp4,1.25,-1.5\n" + "".join(ROWS[1:]), encoding="utf-8")
    assert dict(task.submitted(path, task.examples()))[IDS[0]] == {"valence": -1.5, "arousal": 1.25}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEADER + "aa_1,utterance_1.mp4,0\n", "line 2: 3 columns, expected 4"),
        ("video,utterance,valence\n", "line 1: the column 'arousal' is missing"),
        ("", "line 1: the column 'video' is missing"),
        (HEADER + 'aa_1,"utterance_1.mp4,0,0\n', "line 2: a quotation mark is opened here and never closed"),
        (HEADER + "aa_1,\xe9,0,0\n", "line 2: byte 0xe9 is not UTF-8"),
    ],
)
def test_a_bad_submission_is_refused_with_its_line(made: Made, tmp_path: Path, content: str, message: str) -> None:
    task, path = made(), tmp_path / "said.csv"
    path.write_text(content, encoding="latin-1")
    with pytest.raises(BenchError, match=message):
        list(task.submitted(path, task.examples()))


@pytest.mark.parametrize(
    ("content", "faults", "reason"),
    [
        (ROWS[:3], {"missing": IDS[3:]}, ""),
        ([*ROWS, ROWS[1]], {"duplicated": IDS[1:2]}, ""),
        ([*ROWS, "zz,utterance_1.mp4,0,0\n"], {"unknown": ["zz/utterance_1.mp4"]}, ""),
        (["aa_1,utterance_1.mp4,nan,0\n", *ROWS[1:]], {"malformed": IDS[:1]}, "line 2: arousal: found 'nan', expected a finite"),
        ([*ROWS[:3], "bb_1,utterance_3.mp4,0,-inf\n"], {"malformed": IDS[3:]}, "line 5: valence: found '-inf', expected a finite"),
        ([*ROWS[:3], "bb_1,utterance_3.mp4,,0\n"], {"malformed": IDS[3:]}, "line 5: arousal: found '', expected a number"),
        ([*ROWS[:3], "bb_1,utterance_3.mp4,7,0\n"], {"malformed": IDS[3:]}, "line 5: arousal: found '7', expected a number from"),
    ],
)  # fmt: skip
def test_a_row_that_is_missing_or_damaged_costs_no_other_row_of_a_submission(
    made: Made, tmp_path: Path, content: list[str], faults: dict[str, list[str]], reason: str
) -> None:
    task, path = made(), tmp_path / "said.csv"
    path.write_text(HEADER + "".join(content), encoding="utf-8")
    found = read(task, path, task.examples())
    assert {
        kind: list(ids) for kind in ("missing", "unknown", "duplicated", "malformed") if (ids := getattr(found, kind))
    } == faults
    assert sum(one.error is None for one in found.predictions) >= 3
    errors = [one.error for one in found.predictions if one.error]
    assert (len(errors), "".join(errors).startswith(f"malformed: {reason}" if reason else "")) == (bool(reason), True)


def test_a_submission_without_a_row_is_refused(made: Made, tmp_path: Path) -> None:
    task, path = made(), tmp_path / "said.csv"
    path.write_text(HEADER, encoding="utf-8")
    with pytest.raises(BenchError, match="it holds no predictions"):
        read(task, path, task.examples())


@pytest.mark.parametrize(
    ("gold", "message"),
    [
        (GOLD + GOLD.splitlines()[1], "line 6: the utterance 'aa_1/utterance_1.mp4' comes twice"),
        (GOLD.replace("0.75,1.0,3", "0.75,NaN,3"), "line 5: valence: found 'NaN', expected a finite number"),
        (
            GOLD.replace("0.75,1.0,3", "1.7,1.0,3"),
            "line 5: arousal: found '1.7', expected a number from 0 to 1; correct",
        ),
        (GOLD.replace("0.75,1.0,3", "0.75,-1.01,3"), "line 5: valence: found '-1.01', expected a number from -1 to 1"),
        (GOLD.replace("arousal", "activity"), "line 1: the column 'arousal' is missing"),
        (GOLD.replace("0.75,1.0,3", "1.7,1.0,3"), "line 5: arousal: found '1.7', expected a number from 0 to 1"),
        (GOLD.replace("0.75,1.0,3", "0.7,-1.01,3"), "line 5: valence: found '-1.01', expected a number from -1 to 1"),
        (GOLD.splitlines()[0], "holds no utterance"),
    ],
)
def test_a_damaged_gold_file_is_refused_with_its_line(made: Made, gold: str, message: str) -> None:
    with pytest.raises(BenchError, match=message):
        made(gold=gold).examples()


def test_doctor_names_what_is_missing(made: Made, tmp_path: Path) -> None:
    task = made()
    clip = tmp_path / "omg_emotion/aa_1/utterance_2.mp4"
    clip.parent.mkdir()
    clip.write_bytes(b"")
    size, text, clips = task.problems()
    assert size == "omg_ValidationVideos.csv has 4 utterances, the official one 617"
    assert text == "omg_ValidationTranscripts.csv lacks 1 utterances, the first are bb_1/utterance_3.mp4"
    assert clips.startswith("3 clips are missing in")
    assert clips.endswith(f"the first are {IDS[0]}, {IDS[2]}, {IDS[3]}")


@pytest.mark.parametrize("modality", ["transcript", "video", "both"])
def test_doctor_names_clips_that_nothing_can_play_whatever_the_modality(
    made: Made, tmp_path: Path, modality: str
) -> None:
    task = made(modality)
    for name, content in {IDS[0]: b"", IDS[2]: b"a text, no film"}.items():
        clip = tmp_path / "omg_emotion" / name
        clip.parent.mkdir(exist_ok=True)
        clip.write_bytes(content)
    found = [line for line in examine(task).problems if "holds no sound or film" in line]
    assert [name in line for name, line in zip((IDS[0], IDS[2]), found, strict=True)] == [True, True]


def test_a_folder_that_is_not_there_says_how_to_get_it(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with pytest.raises(BenchError, match=r"holds neither omg_ValidationVideos\.csv nor .*; ask the organisers"):
        OmgEmotion(DataSource("omg_emotion/", path=str(tmp_path / "other"))).examples()


def test_chance_is_about_zero() -> None:
    rng = np.random.default_rng(0)
    low, high = OmgEmotion.card.chance
    targets = rng.normal(0.1, 0.3, 617).clip(-1, 1)
    for _ in range(20):
        assert low <= value(ccc("valence", -1, 1), list(targets), list(rng.uniform(-1, 1, 617))) <= high


def test_a_gold_file_may_have_any_name_and_may_be_given_itself(tmp_path: Path) -> None:
    gold = tmp_path / "mine.csv"
    gold.write_text("link,start,end,video,utterance,arousal,valence,EmotionMaxVote\nl,0,1,v,u1.mp4,0.3,-0.2,4\n")
    task = OmgEmotion(DataSource("omg_emotion/", path=str(gold)))
    assert [(example.id, example.target["valence"]) for example in task.examples()] == [("v/u1.mp4", -0.2)]
    with pytest.raises(BenchError, match=r"mine\.csv has no file of transcripts"):
        task.request(task.examples()[0])
