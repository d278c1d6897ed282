"""Every task end to end with the reference rows: the oracle is perfect, random is at chance, failures are seen."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bench import config as conf
from bench.build import build
from bench.metrics.metric import Metric
from bench.models.base import Device
from bench.run import Settings, evaluate, fits
from bench.task import Task
from bench.types import Prediction, Run, Score

NOWHERE = Device("cpu", "none", 1)
SHIPPED = ["finmm_qa", "finmm_docvqa", "finmm_emotion", "finmm_dialogue"]
SMALL_FILES = ["squad_v1", "chitchat"]

SQUAD: dict[str, Any] = {
    "data": [
        {"title": "Bakery", "paragraphs": [
            {"context": "The bakery opened in 1998. It belongs to Ann Lee.", "qas": [
                {"id": "s1", "question": "When did it open?", "answers": [{"text": "1998", "answer_start": 21}]},
                {"id": "s2", "question": "Whose is it?", "answers": [{"text": "Ann Lee", "answer_start": 41},
                                                                     {"text": "Ann Lee.", "answer_start": 41}]},
            ]},
            {"context": 'They called it "The Loaf".', "qas": [
                {"id": "s3", "question": "Its name?", "answers": [{"text": '"The Loaf".', "answer_start": 15}]},
            ]},
        ]},
    ]
}  # fmt: skip


def talk(n_turns: int) -> dict[str, Any]:
    """A conversation whose turns are five words and more, one of them sent in two messages."""
    turns = [
        [(who, f"This is turn number {i} of mine.")] for i, who in zip(range(n_turns), "ab" * n_turns, strict=False)
    ]
    turns[1].insert(0, ("b", "Hi  there."))
    return {"messages": [[{"text": text, "sender": sender} for sender, text in turn] for turn in turns]}


CHITCHAT = {"c1": talk(12), "c2": talk(9), "too short": talk(2)}


@pytest.fixture(scope="session")
def shipped_task(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Task]:
    """Builds conf/task/NAME once, with a small file of the official format where the data are somewhere else."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "squad").mkdir()
    (folder / "squad" / "dev-v1.1.json").write_text(json.dumps(SQUAD), encoding="utf-8")
    (folder / "chitchat.json").write_text(json.dumps(CHITCHAT), encoding="utf-8")
    more = {
        "squad_v1": [f"data_dir={folder}"],
        "chitchat": [f"task.source=file:{folder / 'chitchat.json'}", "task.sha256=null"],
        "finmm_docvqa": ["task.documents=3"],
    }

    @cache
    def make(name: str, *overrides: str) -> Task:
        config, _ = conf.compose([f"task={name}", *more.get(name, []), *overrides])
        task = build(conf.plain(config)["task"], "task")
        assert isinstance(task, Task)
        return task

    return make


@cache
def model_config(name: str) -> Any:
    """What conf/model/NAME says."""
    return conf.plain(conf.compose([f"model={name}"])[0])["model"]


def row(task: Task, name: str, runs: Path, *, seed: int = 0, **config: Any) -> Run:
    """The run of a reference row on the task; `config` are arguments of the model."""
    model = build({**model_config(name), **config}, "model")
    run, _ = evaluate(task, model, name, NOWHERE, Settings(runs_dir=runs, seed=seed, resamples=20))
    return run


def of_rows(task: Task, run: Run) -> list[Score]:
    """The scores of metrics that are measured example by example."""
    return [score for metric, score in zip(task.metrics, run.scores, strict=True) if isinstance(metric, Metric)]


def test_every_shipped_task_is_looked_at_here() -> None:
    assert set(conf.names("task")) <= {*SHIPPED, *SMALL_FILES}


@pytest.mark.parametrize("name", [*SHIPPED, *SMALL_FILES])
def test_the_oracle_is_perfect(shipped_task: Callable[..., Task], tmp_path: Path, name: str) -> None:
    task = shipped_task(name)
    scores = of_rows(task, row(task, "oracle", tmp_path / "runs"))
    assert scores
    for score in scores:
        assert score.value == 1.0, score.metric
        assert score.n_failed == 0
        assert {score.low, score.high} in ({1.0}, {None})


@pytest.mark.parametrize("name", [*SHIPPED, *SMALL_FILES])
def test_the_best_case_of_a_run_that_failed_throughout_is_perfect(
    shipped_task: Callable[..., Task], tmp_path: Path, name: str
) -> None:
    task = shipped_task(name)
    for score in of_rows(task, row(task, "failing", tmp_path / "runs", every=1)):
        assert score.n_failed == score.n
        assert score.value == score.worst
        assert score.best == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("name", SHIPPED)
def test_the_size_of_a_shipped_task_is_the_cards(shipped_task: Callable[..., Task], name: str) -> None:
    task = shipped_task(name, *(["task.documents=100"] if name == "finmm_docvqa" else []))
    assert len(task.examples()) == task.card.n_examples


@pytest.mark.parametrize(
    ("name", "seeds"), [("finmm_qa", 3), ("finmm_docvqa", 1), ("finmm_emotion", 3), ("finmm_dialogue", 2)]
)
def test_random_is_at_chance(shipped_task: Callable[..., Task], tmp_path: Path, name: str, seeds: int) -> None:
    task = shipped_task(name, *(["task.documents=10"] if name == "finmm_docvqa" else []))
    low, high = task.card.chance
    for seed in range(seeds):
        assert low <= row(task, "random", tmp_path / "runs", seed=seed).scores[0].value <= high


@pytest.mark.slow
def test_random_is_at_chance_on_all_documents(shipped_task: Callable[..., Task], tmp_path: Path) -> None:
    task = shipped_task("finmm_docvqa", "task.documents=100")
    low, high = task.card.chance
    assert low <= row(task, "random", tmp_path / "runs").scores[0].value <= high


@pytest.mark.parametrize("model", ["constant", "random"])
@pytest.mark.parametrize("name", [*SHIPPED, *SMALL_FILES])
def test_constant_and_random_never_fail(
    shipped_task: Callable[..., Task], tmp_path: Path, name: str, model: str
) -> None:
    task = shipped_task(name)
    assert [score.n_failed for score in row(task, model, tmp_path / "runs").scores] == [0] * len(task.metrics)


@pytest.mark.parametrize("name", SHIPPED)
def test_failing_fails_on_some_and_is_bounded(shipped_task: Callable[..., Task], tmp_path: Path, name: str) -> None:
    task = shipped_task(name)
    for score in of_rows(task, row(task, "failing", tmp_path / "runs")):
        assert 0 < score.n_failed < score.n
        assert score.worst is not None
        assert score.best is not None
        assert score.worst == score.value < score.best <= 1.0


def test_a_constant_has_no_concordance(shipped_task: Callable[..., Task], tmp_path: Path) -> None:
    for score in row(shipped_task("finmm_emotion"), "constant", tmp_path / "runs").scores:
        assert score.value == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("name", ["finmm_qa", "finmm_emotion"])
def test_matching_words_is_better_than_chance(shipped_task: Callable[..., Task], tmp_path: Path, name: str) -> None:
    task = shipped_task(name)
    lexical, chance = (row(task, model, tmp_path / "runs").scores[0].value for model in ("lexical", "random"))
    assert lexical > chance


@pytest.mark.parametrize("name", [*SHIPPED, *SMALL_FILES])
def test_no_request_tells_the_target(shipped_task: Callable[..., Task], name: str) -> None:
    """Changing every target changes no request."""
    import dataclasses

    task = shipped_task(name)
    for example in task.examples()[:20]:
        other = dataclasses.replace(example, target={"valence": 0.123} if isinstance(example.target, dict) else ["zzz"])
        assert task.request(other) == task.request(example)


@pytest.mark.parametrize("name", [*SHIPPED, *SMALL_FILES])
def test_the_parser_is_pure(shipped_task: Callable[..., Task], name: str) -> None:
    task = shipped_task(name)
    example = task.examples()[0]
    ideal = task.ideal(example)
    assert task.answer(ideal) == task.answer(Prediction.from_json(json.loads(json.dumps(ideal.to_json()))))


@pytest.mark.parametrize("name", [*SHIPPED, *SMALL_FILES])
def test_a_task_asks_for_what_it_says_it_will(shipped_task: Callable[..., Task], name: str) -> None:
    task = shipped_task(name)
    for example in task.examples()[:20]:
        request = task.request(example)
        assert request.id == example.id
        assert {part.kind for part in request.parts} == task.parts
        assert isinstance(request.output, task.output)


def test_the_oracle_fits_every_task(shipped_task: Callable[..., Task]) -> None:
    oracle = build(model_config("oracle"), "model")
    assert all(fits(shipped_task(name), oracle) for name in [*SHIPPED, *SMALL_FILES])
