"""When runs begin and end in MLflow, and what of their speed is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
import yaml

from bench.models.shipped import conf_dir, models
from bench.record import Run
from bench.runs import rates
from bench.tracking import times, views
from bench.tracking.fields import metrics, tags

Make = Callable[..., Run]
MADE = "2026-01-02T03:04:05+00:00"  # of the record that `run_record` makes, whose attempts worked for 10 s


@pytest.mark.parametrize(
    ("more", "paused"),
    [
        ({}, 0.0),
        ({"started": "2026-01-02T03:03:55+00:00"}, 0.0),
        ({"attempts": 2}, None),  # a record of before, which does not say when it was begun
        ({"attempts": 2, "started": "2025-12-30T03:04:05+00:00"}, 3 * 86400 - 10.0),
        ({"attempts": 2, "started": "2026-01-02T03:04:00+00:00"}, 0.0),  # a clock that was set
    ],
)
def test_a_run_ends_when_its_record_was_made_and_lasts_as_long_as_it_worked_whatever_it_paused(
    run_record: Make, more: dict[str, Any], paused: float | None
) -> None:
    run = replace(run_record(), timings=run_record().timings | more)
    start, end = times.span(run)
    assert (end, end - start) == (1000 * datetime.fromisoformat(MADE).timestamp(), 10_000)
    assert times.paused(run) == paused
    found = metrics(run)
    assert (found["time.attempts"], found["time.seconds.total"]) == (more.get("attempts", 1), 10.0)
    assert (found.get("time.seconds.paused"), tags(run).get("started")) == (paused, more.get("started"))


def reference(run_record: Make, model: dict[str, Any], **more: Any) -> Run:
    return run_record("row", is_reference=True, config={"model": model}, **more)


@pytest.mark.parametrize(
    ("model", "computes"),
    [
        ({"_target_": "bench.models.reference.Oracle"}, False),
        ({"_target_": "mine.models.Majority"}, False),
        ({}, False),
        ({"_target_": "bench.models.reference.Lexical"}, True),
        ({"_target_": "bench.models.ocr.OcrPipeline", "reader": {"_target_": "bench.models.reference.Oracle"}}, True),
    ],
)
def test_a_reference_row_that_computes_nothing_has_no_speed(
    run_record: Make, model: dict[str, Any], computes: bool
) -> None:
    run = reference(run_record, model)
    speed = (12.5, 0.08) if computes else (None, None)
    assert (rates.examples_per_second(run), rates.seconds_per_answer(run)) == speed
    told = {name for name in metrics(run) if "per_" in name}
    assert told == ({"time.examples_per_second", "time.seconds_per_answer"} if computes else set())


def test_of_the_shipped_reference_rows_only_word_matching_computes(run_record: Make) -> None:
    rows = [name for name, is_reference in models().items() if is_reference]
    configs = {name: yaml.safe_load((conf_dir() / "model" / f"{name}.yaml").read_text("utf-8")) for name in rows}
    assert {name for name in rows if rates.computes(reference(run_record, configs[name]))} == {"lexical"}


def test_percentiles_of_a_record_from_before_are_not_shown_and_its_time_per_answer_is_that_of_its_rate(
    run_record: Make,
) -> None:
    timings = {key: value for key, value in run_record().timings.items() if key != "seconds_per_answer"}
    run = replace(run_record(), timings=timings | {"latency_p50": 21.5, "latency_p90": 23.5})
    assert rates.shown(run)["seconds_per_answer"] == 0.08
    assert not any("latency" in name for name in [*rates.shown(run), *metrics(run)])


class Client:
    """Keeps the tags of experiments."""

    def __init__(self) -> None:
        self.tags: dict[str, str] = {}

    def set_experiment_tag(self, experiment: str, name: str, value: str) -> None:
        assert experiment == "7"
        self.tags[name] = value


def mark(client: Client, *columns: str, order: str = "") -> None:
    views.marked(client, "7", dict(client.tags), columns, order)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        (None, views.MODELS), ("", views.MODELS), ("no_inferred_type", views.MODELS),
        ("genai_development_inferred", views.MODELS), ("genai_development", "genai_development"),
    ],
)  # fmt: skip
def test_an_experiment_is_one_of_model_training_unless_a_person_has_chosen_otherwise(
    kind: str | None, found: str
) -> None:
    client = Client()
    client.tags |= {} if kind is None else {views.KIND: kind}
    mark(client, "f1")
    assert client.tags[views.KIND] == found


def test_an_experiment_has_a_view_of_its_score_and_time_that_grows_and_keeps_what_a_person_added() -> None:
    client = Client()
    mark(client, "f1", "f1.low", order="-f1")
    view = json.loads(client.tags[views.TAG])
    state = json.loads(view["state"])
    assert (view["name"], type(view["createdAt"])) == ("Score and time", int)  # what MLflow's page needs
    assert state["selectedColumns"][-2:] == ["metrics.`f1`", "metrics.`f1.low`"]
    assert (state["orderByKey"], state["orderByAsc"]) == ("metrics.`f1`", False)
    state["selectedColumns"].insert(0, "params.`seed`")
    client.tags[views.TAG] = json.dumps(view | {"state": json.dumps(state)})
    mark(client, "f1", "time.seconds_per_answer")
    columns = json.loads(json.loads(client.tags[views.TAG])["state"])["selectedColumns"]
    assert (columns[0], columns[-1]) == ("params.`seed`", "metrics.`time.seconds_per_answer`")
    before = dict(client.tags)
    mark(client, "f1.low")
    assert client.tags == before
    assert f"viewStateShareKey={views.VIEW}" in client.tags["mlflow.note.content"]
