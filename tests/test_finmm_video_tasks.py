"""finmm_video_emotion and finmm_video_qa: what a model gets by each modality, and that OMG-Emotion's layout is one code path."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.data.source import DataSource
from bench.errors import BenchError
from bench.models import sound
from bench.scoring.measure import score
from bench.types import Audio, Part, Text, Video
from tasks.clip_emotion import PARTS, ClipEmotion
from tasks.finmm.video import clip_file, make_clip
from tasks.finmm.video_emotion_task import FinmmVideoEmotion
from tasks.finmm.video_qa_task import FinmmVideoQA
from tasks.omg_emotion import OmgEmotion
from tasks.silent_film import without_sound


@pytest.fixture(scope="module")
def omg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory whose omg_emotion/ holds two rendered calls."""
    place = tmp_path_factory.mktemp("data")
    FinmmVideoEmotion(clips=2).write(place / "omg_emotion")
    return place


def kinds(parts: tuple[Part, ...]) -> list[type[Part]]:
    """What the parts of a request are."""
    return [type(part) for part in parts]


def tracks(path: str) -> list[str]:
    """What is in a film."""
    with sound.opened(path) as film:
        return [stream.type for stream in film.streams]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("modality", "expected"),
    [
        ("transcript", [Text]), ("sound", [Audio]), ("picture", [Video]), ("video", [Video]), ("all", [Text, Video]),
        ("both", [Text, Video]),
    ],
)  # fmt: skip
def test_a_modality_is_what_a_model_gets_in_both_tasks(modality: str, expected: list[type[Part]], omg: Path) -> None:
    tasks = FinmmVideoEmotion(2, modality=modality), OmgEmotion(DataSource("omg_emotion/", str(omg)), modality)
    for task in tasks:
        request = task.request(task.examples()[0])
        assert kinds(request.parts) == expected
        assert {part.kind for part in request.parts} == task.parts == PARTS[modality]
        for part in request.parts:
            if isinstance(part, Audio | Video):
                assert tracks(part.path) == (["video"] if modality == "picture" else ["video", "audio"])


def test_rendered_calls_in_the_official_layout_are_the_same_examples_with_the_same_targets(omg: Path) -> None:
    ours, official = FinmmVideoEmotion(2), OmgEmotion(DataSource("omg_emotion/", str(omg)))
    there = official.examples()
    assert [f"{example.id}.mp4" for example in ours.examples()] == [example.id for example in there]
    assert [example.target for example in ours.examples()] == [example.target for example in there]
    assert [ours.slices(example) for example in ours.examples()] == [official.slices(example) for example in there]
    assert [example.inputs["transcript"] for example in ours.examples()] == [
        example.inputs["transcript"] for example in there
    ]
    assert Path(official.clip(there[0])).read_bytes() == Path(ours.clip(ours.examples()[0])).read_bytes()
    assert type(official).request is type(ours).request is ClipEmotion.request
    assert list(official.problems()) == ["omg_ValidationVideos.csv has 2 utterances, the official one 617"]


def test_what_knows_the_target_is_best_by_the_official_figures_too() -> None:
    task = FinmmVideoEmotion(12)
    examples = task.examples()
    found = score(task, examples, [task.ideal(example) for example in examples], resamples=0, seed=0)
    values = {one.metric: one.value for one in found if one.value is not None}
    assert values["ccc_valence"] == values["ccc_arousal_per_video"] == pytest.approx(1.0)
    assert task.official(values, examples)["Mean CCC Valence"] == pytest.approx(1.0)


def test_what_is_trained_on_is_never_evaluated() -> None:
    task = FinmmVideoEmotion()
    taught, asked = task.training(), task.examples()
    assert (len(taught), len(asked)) == (240, 80)
    assert not {example.inputs["transcript"] for example in taught} & {
        example.inputs["transcript"] for example in asked
    }
    assert not {example.id for example in taught} & {example.id for example in asked}
    assert task.slices(taught[0]).keys() == task.slices(asked[0]).keys() == {"length", "emotion"}


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: FinmmVideoEmotion(0), r"task\.clips=0 must be at least 1"),
        (lambda: FinmmVideoEmotion(clip_seed=1_007), r"task\.clip_seed=1007 must be from 0 to 999"),
        (lambda: FinmmVideoEmotion(modality="smell"), r"task\.modality='smell' is not one of \['all', "),
        (lambda: FinmmVideoQA(0), r"task\.clips=0 must be at least 1"),
        (lambda: FinmmVideoQA(clip_seed=-1), r"task\.clip_seed=-1 must be at least 0"),
    ],
)
def test_settings_out_of_range_are_refused(made: object, said: str) -> None:
    assert callable(made)
    with pytest.raises(BenchError, match=said):
        made()


def test_a_question_on_a_film_comes_with_the_film_that_shows_it() -> None:
    task = FinmmVideoQA(2)
    asked = task.examples()
    assert {example.inputs["kind"] for example in asked} == {"document", "screen"}
    last = task.request(asked[-1])
    assert [part.path for part in last.parts if isinstance(part, Video)] == [clip_file(7, 2)]
    assert last.output.question == make_clip(7, 2).questions[-1].text  # type: ignore[union-attr]
    assert task.slices(asked[0])["film"] == "document"


def test_neither_ids_nor_what_is_said_tell_the_answer_to_a_question() -> None:
    task = FinmmVideoQA(40)
    for example in task.examples():
        clip = make_clip(example.inputs["seed"], example.inputs["index"])
        for answer in example.target:
            assert answer.lower() not in f"{example.id} {example.cluster} {clip.text}".lower() or len(answer) < 3


def test_a_film_without_its_sound_is_made_once_and_what_cannot_be_read_stays_as_it_is(tmp_path: Path) -> None:
    clip = clip_file(7, 2)
    silent = without_sound(clip)
    assert silent != clip
    assert without_sound(clip) == silent
    assert without_sound(silent) != clip
    assert tracks(silent) == ["video"]
    broken, absent = tmp_path / "broken.mp4", tmp_path / "absent.mp4"
    broken.write_bytes(Path(clip).read_bytes()[:200])
    assert without_sound(str(broken)) == str(broken)
    assert without_sound(str(absent)) == str(absent)
