"""Every task end to end with the reference rows: the oracle is perfect, random is at chance, failures are seen."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from small_data import CARRIED, NAMES, built, part, reference_data, shipped, without_meteor, write

from bench.commands import doctor as doctors
from bench.config import compose as conf
from bench.config.build import build
from bench.engine.fitting import fits
from bench.metrics import meteor
from bench.metrics.metric import Metric, RankedMetric
from bench.models.base import Device
from bench.record import Run, Score
from bench.run import evaluate
from bench.runs.settings import Settings
from bench.task import Task

DOCUMENTS = {"finmm_docvqa": 10, "finmm_page_class": 96}  # enough for chance; of others their few are
ENOUGH = {"squad_v1": 3_000, "squad_v2": 3_000}  # of eleven thousand: the bounds are some seven standard errors away
NOWHERE = Device("cpu", "none", 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory of small files."""
    return write(tmp_path_factory.mktemp("data"))


@pytest.fixture(params=NAMES)
def task(request: pytest.FixtureRequest, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Task:
    """A task as its configuration builds it, on small files or on the first of the reference data."""
    if request.param == "dstc7":
        monkeypatch.setattr(meteor, "ready", without_meteor)
    return shipped(request.param, folder)


@cache
def model_config(name: str) -> Any:
    """What conf/model/NAME says."""
    return conf.plain(conf.compose([f"model={name}"])[0])["model"]


def row(task: Task, name: str, runs: Path, *, seed: int = 0, limit: int | None = None, **config: Any) -> Run:
    """The run of a reference row on the task; `config` are arguments of the model."""
    model = build({**model_config(name), **config}, "model")
    run, _ = evaluate(task, model, name, NOWHERE, Settings(runs_dir=runs, limit=limit, seed=seed, resamples=20))
    return run


def of_rows(task: Task, run: Run) -> list[Score]:
    """The scores of metrics that are measured example by example, of those that could be had."""
    pairs = zip(task.metrics, run.scores, strict=True)
    return [s for metric, s in pairs if isinstance(metric, Metric | RankedMetric) and s.value is not None]


@pytest.mark.slow
def test_the_oracle_is_perfect_and_so_is_the_best_case_of_a_run_that_failed_throughout(
    task: Task, tmp_path: Path
) -> None:
    said, failed = (
        row(task, name, tmp_path / "runs", limit=part(task), **config)
        for name, config in (("oracle", {}), ("failing", {"every": 1}))
    )
    ranked = said.scores[0]
    if ranked.metric.endswith("_contrast"):  # the references of other contexts share some words with one's own
        assert ranked.value is not None
        assert (0.8 if ranked.n > 9 else 0.0) <= ranked.value < 1.0
    elif ranked.is_fraction:
        assert ranked.value == pytest.approx(float(ranked.higher_is_better), abs=1e-12)
    assert ranked.value is not None
    best = {score.metric: score for score in of_rows(task, failed)}
    for score in of_rows(task, said):
        assert (score.n_failed, score.worst, score.best) == (0, None, None)
        if score.metric in best:
            assert best[score.metric].best == pytest.approx(score.value, abs=1e-9), score.metric
    for score in failed.scores:
        assert (score.n, score.n_failed) == (said.n_examples, said.n_examples)
        assert score.worst is None or score.value == score.worst


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "seeds"),
    [
        ("finmm_qa", 3),
        ("finmm_docvqa", 1),
        ("finmm_emotion", 3),
        ("finmm_dialogue", 2),
        *((f"finmm_{one}", 2) for one in ("ocr", "page_class", "page_fields", "tables")),
    ],
)
def test_random_is_at_chance(folder: Path, tmp_path: Path, name: str, seeds: int) -> None:
    task = shipped(name, folder, **({"documents": DOCUMENTS[name]} if name in DOCUMENTS else {}))
    low, high = task.card.chance
    for seed in range(seeds):
        assert low <= row(task, "random", tmp_path / "runs", seed=seed).scores[0].value <= high


@pytest.mark.slow
def test_random_is_at_chance_on_all_documents(folder: Path, tmp_path: Path) -> None:
    task = shipped("finmm_docvqa", folder, documents=100)
    low, high = task.card.chance
    assert low <= row(task, "random", tmp_path / "runs").scores[0].value <= high


@pytest.mark.slow
@pytest.mark.parametrize("model", ["constant", "random"])
def test_constant_and_random_never_fail(task: Task, tmp_path: Path, model: str) -> None:
    found = row(task, model, tmp_path / "runs", limit=part(task))
    assert [score.n_failed for score in found.scores] == [0] * len(task.metrics)
    assert found.scores[0].value is not None


@pytest.mark.slow
@pytest.mark.parametrize("name", CARRIED)
def test_failing_fails_on_some_and_is_bounded(folder: Path, tmp_path: Path, name: str) -> None:
    task = shipped(name, folder)
    for score in of_rows(task, row(task, "failing", tmp_path / "runs")):
        assert 0 < score.n_failed < score.n
        assert score.worst is not None
        assert score.best is not None
        assert score.worst == score.value
        if "_difference_" in score.metric:  # of groups: right answers for all need not bring them nearer
            continue
        if (
            score.metric.endswith("_accuracy") and name == "finmm_speech"
        ):  # one kind of value, which a failed one need not have
            assert score.best >= score.value
            continue
        assert score.best != score.value
        assert (score.best > score.value) is score.higher_is_better
        assert 0.0 <= score.best <= 1.0


@pytest.mark.slow
def test_a_constant_has_no_concordance(folder: Path, tmp_path: Path) -> None:
    for score in row(shipped("finmm_emotion", folder), "constant", tmp_path / "runs").scores:
        assert score.value == pytest.approx(0.0, abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["finmm_qa", "finmm_emotion"])
def test_matching_words_is_better_than_chance(folder: Path, tmp_path: Path, name: str) -> None:
    task = shipped(name, folder)
    lexical, chance = (row(task, model, tmp_path / "runs").scores[0].value for model in ("lexical", "random"))
    assert lexical > chance


def test_the_oracle_fits_every_task(task: Task) -> None:
    assert fits(task, build(model_config("oracle"), "model"))


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NAMES if name not in (*CARRIED, "chitchat")])
def test_random_is_at_chance_on_the_reference_data(name: str, tmp_path: Path) -> None:
    task = built(name, reference_data())
    if doctors.examine(task).problems:
        pytest.skip("the reference data are not the whole set")
    low, high = task.card.chance
    value = row(task, "random", tmp_path / "runs", limit=ENOUGH.get(name)).scores[0].value
    assert value is not None
    assert low <= value <= high
