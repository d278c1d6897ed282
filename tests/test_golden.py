"""Every published number of the reference data, through the command, to four decimals."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
DATA = Path(__file__).parents[2] / "shared" / "data"
CASES = {
    ("squad_v1", "match_lstm"): "squad/predictions/match_lstm-v1.1.json",
    ("squad_v1", "slqa_plus"): "squad/predictions/slqa_plus-v1.1.json",
    ("squad_v2", "bert_single"): "squad/predictions/bert_single-v2.0.json",
    ("squad_v2", "bidaf_elmo"): "squad/predictions/bidaf_elmo-v2.0.json",
    ("docvqa", "llama_vision"): "docvqa/outputs/llama_vision.json",
    ("docvqa", "qwen2_vl_2b_instruct"): "docvqa/outputs/qwen2_vl_2b_instruct.json",
    ("docvqa", "qwen2_vl_7b_instruct"): "docvqa/outputs/qwen2_vl_7b_instruct.json",
    ("tatqa", "sample_prediction"): "tatqa/sample_prediction.json",
}
ELSEWHERE = {
    "dstc7_demo",
    "dstc7_constant_baseline",
    "dstc7_human_table",
    "dawnbench",
}  # the three tests below, and DSTC7's


def numbers(value: Any, at: str = "") -> Iterator[tuple[str, float]]:
    """Every number in a JSON value with its path."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from numbers(one, f"{at}/{key}")
    elif isinstance(value, list):
        for i, one in enumerate(value):
            yield from numbers(one, f"{at}/{i}")
    elif not isinstance(value, str):
        yield at, float(value)


@pytest.fixture(scope="module")
def golden() -> dict[str, Any]:
    """The published numbers; skips where the reference data are not beside the checkout."""
    path = DATA / "GOLDEN.json"
    if not path.is_file():
        pytest.skip(f"{path} is not there: the reference data are no part of the project")
    return dict(json.loads(path.read_text()))


@pytest.fixture
def official(bench_main: Callable[..., Any], tmp_path: Path) -> Callable[..., dict[str, float]]:
    """What `bench score` says that the official script prints, every number by its path."""

    def call(task: str, predictions: str, *more: str) -> dict[str, float]:
        code, out, _ = bench_main(
            "score",
            task,
            str(DATA / predictions),
            "--json",
            *more,
            f"data_dir={DATA}",
            f"runs_dir={tmp_path}",
            "resamples=1",
        )
        assert code == 0
        return dict(numbers(json.loads(out[-1])["official"]))

    return call


def agree(found: dict[str, float], published: Any) -> None:
    """Each published number is there, equal to the fourth decimal."""
    expected = dict(numbers(published))
    assert expected
    assert {key: found.get(key) for key in expected} == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize(("task", "name"), CASES)
def test_a_published_output_scores_its_published_number(
    task: str, name: str, golden: dict[str, Any], official: Callable[..., dict[str, float]]
) -> None:
    agree(official(task, CASES[task, name]), golden[task][name])


def test_the_organisers_own_demo_of_dstc7_scores_its_numbers(
    golden: dict[str, Any], official: Callable[..., dict[str, float]]
) -> None:
    published = dict(golden["dstc7_demo"])
    found = official("dstc7", "dstc7/demo/hyp.txt", "--data", str(DATA / "dstc7" / "demo"))
    if "/meteor" not in found:
        del published["meteor"]  # tests/test_dstc7.py says where METEOR's program is missing
    agree(found, published)


def test_the_entries_of_dawnbench_have_their_times(
    golden: dict[str, Any], official: Callable[..., dict[str, float]]
) -> None:
    agree(official("dawnbench", "dawnbench"), golden["dawnbench"])


def test_no_published_number_is_left_out(golden: dict[str, Any]) -> None:
    covered = {(task, name) for task in golden if task not in ELSEWHERE for name in golden[task]}
    assert covered == set(CASES)
    assert set(golden) == {task for task, _ in CASES} | ELSEWHERE
