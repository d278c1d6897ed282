"""Prices and what runs cost by them: every figure has a currency, a day and a source, and none looks cheaper than it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.bundles.public import public_run
from bench.cli import main
from bench.config import compose as conf
from bench.config.build import build, task_class
from bench.config.prices import chosen
from bench.engine.priced import price_for
from bench.errors import BenchError
from bench.leaderboard import board as boards
from bench.leaderboard.definition import Board
from bench.leaderboard.markdown import markdown
from bench.metrics.metric import Metric
from bench.models.base import Device
from bench.models.endpoint import Endpoint
from bench.models.endpoint_client import Limits
from bench.record import Run
from bench.run import evaluate
from bench.runs import costs, price, record_schema
from bench.runs.journal import JOURNAL
from bench.tracking import fields
from bench.types import Prediction

Make = Callable[..., Any]
CPU = Device("cpu", "float32", 1)
GIVEN = {"currency": "USD", "per_hour": 3.6, "date": "2026-11-01", "source": "a bill"}
HOUR = {**GIVEN, "name": "own", "per_million": None}
TOKENS = {**HOUR, "per_hour": None, "per_million": {"prompt": 0.5, "completion": 2.0}}
MODEL = {"_target_": "bench.models.causal.CausalLM"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"date": None}, "price.date is missing"),
        ({"date": "2026-02-30"}, "is no day"),
        ({"date": "01.11.2026"}, "is no day"),
        ({"date": 2026}, "is no day"),
        ({"date": "9999-01-01"}, "still to come"),
        ({"date": "1970-01-01"}, "is before 2000-01-01"),
        ({"source": None}, "price.source is missing"),
        ({"source": "  - "}, "price.source is missing"),
        ({"source": "a\nb"}, "price.source holds U+000A"),
        ({"currency": None}, "price.currency is missing"),
        ({"currency": "usd"}, "did you mean USD?"),
        ({"currency": "$"}, "none of ISO 4217's codes"),
        ({"currency": "ABC"}, "none of ISO 4217's codes"),
        ({"per_hour": None}, "price.per_hour (of a machine) or price.per_million"),
        ({"per_hour": -1}, "above 0"),
        ({"per_hour": 0}, "a cost of nothing"),
        ({"per_hour": 0.00001}, "a price per second is 3,600 times"),
        ({"per_hour": float("nan")}, "must be a finite number"),
        ({"per_hour": float("inf")}, "must be a finite number"),
        ({"per_hour": True}, "is no number"),
        ({"per_hour": [1]}, "is no number"),
        ({"per_hour": 1e9}, "which nothing costs"),
        ({"per_hour": "38 %"}, "is a text that is no plain number"),
        ({"per_hour": "$0.38"}, "is a text that is no plain number"),
        ({"per_hour": "0,38"}, "is a text that is no plain number"),
        ({"per_hour": "1.234"}, "is a text that is no plain number"),
        ({"per_hour": "nan"}, "is a text that is no plain number"),
        ({"per_million": 0.5}, "must be two prices"),
        ({"per_million": {"prompt": 0.5}}, "price.per_million.completion is missing"),
        ({"per_million": {"input": 1, "output": 1}}, "price.per_million.input is no price of tokens"),
        ({"per_million": {"prompt": 0, "completion": 0}}, "a cost of nothing"),
        ({"per_million": {"prompt": 1.5e-7, "completion": 6e-7}}, "a price per token is given times a million"),
        ({"per_minute": 1}, "price.per_minute is no key of a price"),
    ],
)
def test_what_is_no_price_is_refused_in_one_line(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(BenchError) as error:
        price.read(GIVEN | changes)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_number_as_text_is_read_and_named_where_it_can_only_mean_one() -> None:
    found, notes = price.read(GIVEN | {"per_hour": " 0.38"})
    assert (found["per_hour"], notes) == (0.38, ["price.per_hour was given as the text ' 0.38'; it is read as 0.38"])
    assert price.read(GIVEN) == (HOUR, [])
    assert price.read(dict.fromkeys(GIVEN)) == ({}, [])


@pytest.mark.slow
def test_every_shipped_price_says_where_it_stands() -> None:
    for name in conf.names("price"):
        config, choices = conf.compose([f"price={name}"])
        found, notes = chosen(conf.plain(config), choices)
        assert not notes
        assert (found == {}) == (name == "none")
        assert name == "none" or "DAWNBench" in found["source"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["price=dawnbench_p2_xlarge", "price.per_hour=0.001"], "price.per_hour is given beside price=dawnbench_p2_xlarge"),
        (["price=dawnbench_p2_xlarge", "price.date=2026-01-01"], "price.date is given beside"),
        (["price=dawnbench_p2_xlarge", "price.per_million={prompt: 1, completion: 1}"], "price.per_million is given beside"),
        (["price.per_hour=1"], "price.currency is missing"),
        (["price.per_hours=1"], "price.per_hours"),
        (["+price.per_minute=1"], "price.per_minute"),
        (["price=cheap"], "price 'cheap' does not exist"),
        (["energy=watts"], "energy=watts is not one of none, auto, codecarbon"),
    ],
)  # fmt: skip
def test_a_wrong_price_on_the_command_line_ends_before_anything_runs(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", "task=finmm_qa", "model=lexical", "limit=2", *words]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_a_file_of_ones_own_is_a_price_and_an_empty_one_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "price").mkdir()
    (tmp_path / "price/box.yaml").write_text("currency: EUR\nper_hour: 0.4\ndate: 2026-11-01\nsource: our bill\n")
    (tmp_path / "price/empty.yaml").write_text("currency: null\n")
    monkeypatch.setenv("BENCH_CONF", str(tmp_path))
    config, choices = conf.compose(["price=box"])
    found, _ = chosen(conf.plain(config), choices)
    assert (found["name"], found["currency"], found["date"]) == ("box", "EUR", "2026-11-01")
    config, choices = conf.compose(["price=empty"])
    with pytest.raises(BenchError, match="price=empty: its file holds no price"):
        chosen(conf.plain(config), choices)


def endpoint(host: str = "https://host", **more: Any) -> Endpoint:
    return Endpoint(f"{host}/v1", Limits(), model="m", **more)


BOTH = {**TOKENS, "per_hour": 1.0}
OWN = {"price_per_million": {"prompt": 0.5, "completion": 2.0}}


@pytest.mark.parametrize(
    ("given", "stages", "said"),
    [
        (HOUR, "here", ""),
        (TOKENS, "here", "computes on this machine, where no token has a price"),
        (HOUR, "far", "computes on no machine of ours"),
        (BOTH, "far", "computes on no machine of ours"),
        (TOKENS, "far", ""),
        (HOUR, "near", ""),
        (TOKENS, "near", ""),
        (TOKENS, "here far", "computes in part on this machine"),
        (HOUR, "here far", "ends with an endpoint"),
        (BOTH, "here far", ""),
        (BOTH, "far here", "asks an endpoint before its last stage"),
        (HOUR, "far here", "asks an endpoint before its last stage"),
    ],
)
def test_a_price_is_of_all_that_computes_and_of_nothing_else(
    given: dict[str, Any], stages: str, said: str, echo_model: Make
) -> None:
    from bench.models.composite import Composite

    parts = [
        {"here": echo_model, "far": endpoint, "near": lambda: endpoint("http://127.0.0.1:1")}[one]()
        for one in stages.split()
    ]

    class Pipe(Composite):
        stages = tuple(str(i) for i in range(len(parts)))
        predict = None  # type: ignore[assignment]

        @property
        def models(self) -> Any:
            return tuple(parts)

    model = Pipe() if len(parts) > 1 else parts[0]
    if not said:
        assert price_for(given, model, "m") == given
        return
    with pytest.raises(BenchError, match=said):
        price_for(given, model, "m")


def test_the_price_of_a_model_s_settings_is_recorded_as_such_and_never_beside_another() -> None:
    found = price_for({}, endpoint(**OWN), "m")
    assert (found["name"], found["currency"]) == ("model.price_per_million", "USD")
    assert found["per_million"] == {"prompt": 0.5, "completion": 2.0}
    assert price.day(found["date"])
    assert price_for({}, endpoint(), "m") == {}
    with pytest.raises(BenchError, match=r"price and model\.price_per_million are both given"):
        price_for(TOKENS, endpoint(**OWN), "m")


def priced(run_record: Make, found: dict[str, Any], **changes: Any) -> Run:
    times = run_record().timings | changes.pop("times", {})
    return run_record(price=found, config={"model": MODEL}, timings=times, **changes)


def test_costs_follow_from_seconds_and_tokens(run_record: Make) -> None:
    by_hour = priced(
        run_record, HOUR
    )  # 12.5 a second at 0.001 USD a second: 0.00008 each; half of them are right by EM * 2
    assert str(costs.per_1000(by_hour)) == "0.08 USD"
    assert costs.right(by_hour, "f1").metric == "exact_match"
    assert costs.per_right_answer(by_hour).amount == pytest.approx(0.00008 / 0.25)
    times = {"n": 100, "prompt_tokens": 1_000_000, "new_tokens": 250_000}  # 0.50 + 0.50 USD for 100
    by_token = priced(run_record, TOKENS, times=times)
    assert costs.per_example(by_token).amount == pytest.approx(0.01)
    both = priced(run_record, {**TOKENS, "per_hour": 3.6}, times=times)
    assert costs.per_example(both).amount == pytest.approx(0.01008)
    assert costs.of_hours(2.0, HOUR) == costs.Cost(7.2, "USD")
    assert (costs.of_hours(2.0, TOKENS), costs.of_hours(None, HOUR), costs.of_hours(-1.0, HOUR)) == (None, None, None)


@pytest.mark.parametrize(
    ("found", "changes"),
    [
        ({}, {}),
        (HOUR, {"submission": {"missing": {}}}),
        (HOUR, {"is_reference": True}),
        (HOUR, {"times": {"examples_per_second": None}}),
        (HOUR, {"times": {"examples_per_second": 0.0}}),
        (HOUR | {"per_hour": -3.6}, {}),
        (HOUR | {"per_hour": float("nan")}, {}),
        ({"per_hour": 3.6}, {}),
        (TOKENS | {"per_million": {"prompt": 1.0}}, {"times": {"prompt_tokens": 9, "new_tokens": 9}}),
        (TOKENS, {"times": {"prompt_tokens": 0, "new_tokens": 0}}),  # a server that counts nothing costs nothing
        (TOKENS | {"uncounted": 3}, {"times": {"prompt_tokens": 9, "new_tokens": 9}}),
    ],
)
def test_there_is_no_cost_where_none_can_be_told(
    found: dict[str, Any], changes: dict[str, Any], run_record: Make
) -> None:
    run = priced(run_record, found, **changes)
    assert (costs.per_1000(run), costs.per_right_answer(run), costs.totals(run)) == (None, None, {})


def test_an_answer_that_is_right_has_no_cost_where_no_metric_counts_them(run_record: Make) -> None:
    none_right = priced(run_record, HOUR, value=0.0)
    assert costs.per_right_answer(none_right) is None
    only_f1 = priced(run_record, HOUR, scores=run_record().scores[:1])
    assert costs.per_right_answer(only_f1) is None
    assert costs.per_1000(only_f1) is not None


@pytest.mark.parametrize("name", ["banking77", "finmm_qa", "squad_v2", "tatqa", "finqa", "financebench", "ravdess"])
def test_metrics_that_count_right_answers_are_means(name: str) -> None:
    counted = [metric for metric in task_class(name).metrics if metric.name in costs.SHARES_OF_RIGHT]
    assert counted
    for metric in counted:
        assert isinstance(metric, Metric)
        assert metric.is_fraction
        assert metric.higher_is_better


def test_offline_throughput_gives_a_cost_only_of_a_valid_reading(run_record: Make) -> None:
    reading = {"verdict": "VALID", "examples_per_second": 25.0, "n": 100, "prompt_tokens": 0, "new_tokens": 0}
    assert str(costs.of_scenario(priced(run_record, HOUR, scenarios={"offline": reading}))) == "0.04 USD"
    bad = {"offline": reading | {"verdict": "INVALID"}}
    assert costs.of_scenario(priced(run_record, HOUR, scenarios=bad)) is None


def table(*runs: Run) -> str:
    board = Board("b", "B", "squad_v1", 1, "f1")
    return markdown(board, boards.tables(board, runs))


def test_a_board_shows_costs_in_the_currency_of_its_heading_and_whose_price_it_is(run_record: Make) -> None:
    page = table(priced(run_record, HOUR), run_record("free"))
    assert "| USD/1,000 | USD/right answer |" in page
    assert "| 0.08 | 0.00032 |" in page
    assert "Price of alpha: own: 3.6 USD an hour, of 2026-11-01 (a bill)." in page
    assert "cost" not in table(run_record()).lower()


def test_two_currencies_stand_beside_each_other_unconverted_and_rank_nothing(run_record: Make) -> None:
    dear, cheap = priced(run_record, HOUR), priced(run_record, HOUR | {"currency": "JPY"}, model="beta", value=0.4)
    page = table(dear, cheap)
    assert "| cost/1,000 |" in page
    assert page.index("0.08 USD") < page.index("0.08 JPY")


def test_the_cost_of_a_stranger_is_claimed(run_record: Make) -> None:
    claimed = priced(run_record, HOUR | {"per_hour": 0.001}, origin={"bundle": "", "submitter": "eve"})
    page = table(claimed, run_record("here"))
    assert r"*\~0.00" in page
    assert "Price of" not in page
    assert "claimed.cost.per_1000" in fields.metrics(claimed)
    assert fields.metrics(priced(run_record, HOUR))["cost.per_1000"] == pytest.approx(0.08)


@pytest.mark.parametrize(
    "change", [{"per_hour": 0}, {"currency": "usd"}, {"more": 1}, {"source": ""}, {"date": "today"}, {"per_hour": "1"}]
)
def test_a_record_holds_a_price_of_this_form_only(change: dict[str, Any]) -> None:
    schema = record_schema.RUN["properties"]["price"]
    assert not record_schema.misfit(HOUR, schema)
    assert not record_schema.misfit(TOKENS | {"uncounted": 1}, schema)
    assert not record_schema.misfit({}, schema)
    assert record_schema.misfit(HOUR | change, schema)


def test_a_bundle_holds_no_path_of_a_price(run_record: Make) -> None:
    run = public_run(priced(run_record, HOUR | {"source": "the bill in /home/ann/bills/november.pdf"}))
    assert "/home" not in json.dumps(run.price)


@pytest.mark.slow
def test_another_price_changes_the_record_and_asks_no_model(
    tiny_task: Make, echo_model: Make, quick_settings: Make
) -> None:
    said: list[str] = []

    def go(found: dict[str, Any], **more: Any) -> tuple[Run, Any, Any]:
        model = echo_model()
        run, folder = evaluate(tiny_task(), model, "echo", CPU, quick_settings(price=found, **more), say=said.append)
        return run, folder, model

    first, folder, _ = go(HOUR)
    answers = (folder.path / JOURNAL).read_bytes()
    assert first.price == HOUR
    for found, now, lines in [
        ({}, HOUR, 0),  # without a price the one that is there stays
        (HOUR, HOUR, 0),
        (HOUR | {"per_hour": 7.2}, HOUR | {"per_hour": 7.2}, 1),
    ]:
        said.clear()
        run, again, model = go(found)
        assert (run.price, again.path, model.calls, len(said)) == (now, folder.path, [], lines)
        assert folder.read() == run
    assert "own: 7.2 USD an hour" in said[0]
    assert "instead of own: 3.6 USD an hour" in said[0]
    assert (folder.path / JOURNAL).read_bytes() == answers
    audited, _, _ = go({}, audit="batch_invariance", audit_size=2)
    assert audited.price["per_hour"] == 7.2


def test_answers_whose_tokens_the_server_did_not_tell_make_no_cheap_row(
    tiny_task: Make, echo_model: Make, quick_settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = echo_model()
    model.served_from = "far"
    untold = type(model).predict

    def predict(self: Any, batch: Any) -> Any:
        for number, one in enumerate(untold(self, batch)):
            yield Prediction(one.id, text=one.text, prompt_tokens=one.prompt_tokens if number else 0, new_tokens=2)

    monkeypatch.setattr(type(model), "predict", predict)
    run, _ = evaluate(tiny_task(), model, "echo", CPU, quick_settings(price=TOKENS))
    assert run.price["uncounted"] >= 1
    assert costs.per_1000(run) is None
    assert "did not count the tokens" in costs.absence(run)


@pytest.mark.slow
def test_the_whole_command_says_the_cost_and_keeps_it_out_of_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    run = ["run", "task=finmm_qa", "model=lexical", "limit=2", "tracking=none"]
    assert main([*run, "price=dawnbench_p2_xlarge"]) == 0
    assert "USD for 1,000 examples" in capsys.readouterr().out
    own = ["price.per_hour='0.38'", "price.currency=EUR", "price.date=2026-11-01", "price.source=a bill"]
    assert main([*run, *own, "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["cost"]["currency"] == "EUR"
    assert "is read as 0.38" in err
    assert "nothing was asked again" in err
    (record,) = tmp_path.glob("runs/*/*/*/run.json")
    assert "price" not in json.loads(record.read_text())["config"]
    assert "price" not in record.with_name("config.yaml").read_text()
    assert main(["list", "prices"]) == 0
    assert "dawnbench_p2_xlarge" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("word", ["price=dawnbench_p2_xlarge", "energy=auto"])
def test_predictions_that_were_brought_have_no_price(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", "finmm_qa", "predictions.jsonl", word]) == 2
    assert "predictions that were brought have none" in capsys.readouterr().err


@pytest.mark.slow
def test_the_models_of_conf_build_with_no_price_of_their_own() -> None:
    assert build(conf.plain(conf.compose(["model=endpoint"])[0])["model"], "model").token_price is None
