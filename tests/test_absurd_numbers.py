"""No number that somebody submits ends in a traceback, costs another answer its score, or leaves a score's range."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from small_data import NAMES, shipped, without_meteor, write

from bench.errors import BenchError
from bench.metrics import meteor
from bench.scoring.measure import measured
from bench.submissions.reading import read

# As they stand in JSON; the long one is an int to Python, and no float.
NUMBERS = [
    "1e200", "-1e308", "1e-320", "1e999", "-1e999", "true", "null", "9" * 4_000, "-0.0", "18446744073709551616",
    '"1e200"', '"nan"', '"-inf"', '"1e999"', '"%s"' % ("9" * 5_000), '"9e9999999"', '"1e308*1e308"',
]  # fmt: skip
SHAPES = [
    '"answer": {x}', '"text": {x}', '"label_scores": {{"{label}": {x}, "other": 1}}',
    '"values": {{"valence": {x}, "arousal": {x}}}',
    '"values": {{"valence": 0, "arousal": {x}}}', '"answer": {{"label": "{label}", "confidence": {x}}}',
    '"answer": {{"valence": 0.1, "arousal": {x}}}', '"answer": {{"text": "a", "no_answer": {x}}}',
    '"answer": {{"text": "a", "no_answer": 0.5, "rank": {x}}}', '"answer": {{"answer": {x}, "scale": "million"}}',
    '"answer": {{"answer": ["1", {x}], "scale": {x}}}', '"answer": {{"program": {x}, "value": {x}}}', '"answer": [{x}, {x}, {x}]',
    '"answer": [["Term", "x", {x}]]', '"answer": [[0, {x}, "{label}"]]', '"answer": {{"labels": [{x}]}}',
    '"text": "a", "prompt_tokens": {x}, "truncated": {x}', '"text": "divide(1, 1e-320), exp(#0, 999999999)"',
    '"text": "multiply(1e308, 1e308)"', '"text": "{{\\"answer\\": 1e999, \\"scale\\": 1e999}}"', '"span": [{x}, {x}]',
]  # fmt: skip


SLOW = {"earnings21": 4, "ectsum": 40, "dstc7": 40, "finmm_dialogue": 40, "chitchat": 24}  # so many of these are enough


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("data"))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_task_takes_absurd_numbers_one_by_one(
    name: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meteor, "ready", without_meteor)
    task = shipped(name, data)
    examples = list(task.examples())[:60]
    label = json.dumps(getattr(task, "labels", ("a",))[0])[1:-1]
    said = [shape.format(x=x, label=label) for shape in SHAPES for x in NUMBERS]
    said = said[:: max(1, len(said) // SLOW.get(name, 400))]
    for n in range(0, len(said), len(examples)):
        some = said[n : n + len(examples)]
        path = tmp_path / f"{n}.jsonl"
        lines = [f'{{"id": {json.dumps(one.id)}, {text}}}\n' for one, text in zip(examples, some, strict=False)]
        path.write_text("".join(lines))
        try:
            found = read(task, path, examples)
        except BenchError as error:
            assert "\n" not in str(error)  # noqa: PT017
            continue
        scores, *_ = measured(task, examples, found.predictions, resamples=0, seed=0)
        for score in scores:
            assert score.value is None or math.isfinite(score.value)
            assert score.value is None or not score.is_fraction or -1.0 <= score.value <= 1.0, score.metric
        official = {
            one.id: f"{text[10:]}" for one, text in zip(examples, some, strict=False) if text.startswith('"answer"')
        }
        path = tmp_path / f"{n}.json"
        path.write_text("{" + ", ".join(f"{json.dumps(key)}: {text}" for key, text in official.items()) + "}")
        try:
            found = read(task, path, examples)
        except BenchError as error:
            assert "\n" not in str(error)  # noqa: PT017
            continue
        measured(task, examples, found.predictions, resamples=0, seed=0)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "9" * 5_000])
def test_what_is_no_number_of_json_is_one_line(data: Path, tmp_path: Path, value: str) -> None:
    task = shipped("squad_v2", data)
    for name, text in (
        ("a.json", '{"elbe-1": %s}'),
        ("a.jsonl", '{"id": "elbe-1", "answer": {"text": "a", "no_answer": %s}}\n'),
    ):
        (tmp_path / name).write_text(text % value)
        with pytest.raises(BenchError, match="is not JSON: ") as caught:
            read(task, tmp_path / name, task.examples())
        assert len(str(caught.value)) < 600


OMG = "video,utterance,arousal,valence\n" + "".join(
    f"{name},{{0}},{{1}}\n"
    for name in ("aa_1,utterance_1.mp4", "aa_1,utterance_2.mp4", "bb_1,utterance_1.mp4", "bb_1,utterance_3.mp4")
)


@pytest.mark.parametrize("value", ["1e200", "-1e308", "nan", "inf", "1e999", "2.1", "-1.1", "9" * 5_000, "true", ""])
def test_an_arousal_that_no_scale_holds_is_malformed_and_told_with_its_line(
    data: Path, tmp_path: Path, value: str
) -> None:
    (path := tmp_path / "a.csv").write_text(OMG.format(value, 0))
    task = shipped("omg_emotion", data)
    error = read(task, path, task.examples()).predictions[0].error or ""
    assert re.match(r"malformed: line 2: arousal: found .*, expected a .*number", error)
    assert len(error) < 300


@pytest.mark.parametrize("task_name", ["omg_emotion", "finmm_emotion"])
def test_values_far_off_their_scale_are_malformed_and_the_others_count(
    data: Path, tmp_path: Path, task_name: str
) -> None:
    task = shipped(task_name, data)
    examples = list(task.examples())[:4]
    wild = cycle(["1e200", "-1e160", "3.5", "true"])
    lines = [{"id": one.id, "answer": {"valence": 0.5, "arousal": 0.5}} for one in examples]
    for line, x in zip(lines[1:], wild, strict=False):
        line["answer"] = {"valence": 0.5, "arousal": json.loads(x)}  # type: ignore[assignment]
    (path := tmp_path / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = read(task, path, examples)
    assert len(found.malformed) == 3
    assert measured(task, examples, found.predictions, resamples=0, seed=0)[0][0].n_failed == 3


def test_a_huge_number_of_a_model_is_held_within_the_scale(data: Path) -> None:
    from bench.types import Prediction

    task = shipped("omg_emotion", data)
    assert task.answer(Prediction("a", values={"valence": 10**400, "arousal": -(10**400)})) == {
        "valence": 1.0,
        "arousal": 0.0,
    }
    choose = shipped("phrasebank", data)
    assert choose.answer(Prediction("a", label_scores={"neutral": 10**400}))["confidence"] is None


@pytest.mark.parametrize("value", [10**400, 1e999, float("nan"), -(10**4000)], ids=lambda value: "number")
def test_an_absurd_number_of_a_model_fails_its_example_alone(value: float) -> None:
    from bench.engine.checked import _numbers

    with pytest.raises(ValueError, match=r"values|digits"):
        _numbers("values", {"valence": value}, ["valence"])


@pytest.mark.slow
def test_the_command_says_which_answers_were_absurd(data: Path, tmp_path: Path, bench_main: Callable[..., Any]) -> None:
    said = {"03-01-01-01-01-01-01": {"label": "neutral", "confidence": -5}, "03-01-02-01-01-01-02": "calm"}
    Path("a.json").write_text(json.dumps(said))
    code, out, err = bench_main("score", "ravdess", "a.json", f"data_dir={data}", "resamples=20")
    assert (code, err) == (0, [])
    assert any(line.strip().startswith("1 malformed: 03-01-01-01-01-01-01") for line in out)
