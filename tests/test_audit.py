"""The audit of a run: whether an answer depends on the company that its request had."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.engine import audit
from bench.engine.audit import batch_invariance, known_kind, said
from bench.errors import BenchError
from bench.models.base import Device, Model
from bench.record import Run, Timing
from bench.run import evaluate
from bench.runs.folder import RunFolder
from bench.runs.journal import JOURNAL
from bench.runs.settings import Settings
from bench.runs.timing import Stopwatch
from bench.types import Choose, Example, Generate, Prediction, Regress, Request, Text

Make = Callable[..., Any]
Main = Callable[..., tuple[int, list[str], list[str]]]
CPU = Device("cpu", "float32", 1)
AUDIT = "batch_invariance"


class Alone(Model):
    """Answers by its function, and remembers how it was asked."""

    outputs = (Generate,)

    def __init__(self, reply: Callable[[Request], Prediction]) -> None:
        self.reply, self.calls, self.loads = reply, [], 0

    def load(self, device: Device, *, seed: int) -> None:
        self.loads += 1

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        self.calls.append([request.id for request in batch])
        return [self.reply(request) for request in batch]


def audited(
    before: Sequence[Mapping[str, Any]],
    after: Sequence[Mapping[str, Any]],
    output: Any,
    *,
    size: int = 99,
    seed: int = 0,
) -> tuple[dict[str, Any], Alone]:
    """The audit of a model that said `before` in its batches and says `after` alone, fields of each Prediction."""
    examples = [Example(f"e{i}", {}, None, "c") for i in range(len(before))]
    told = {e.id: Prediction(e.id, **fields) for e, fields in zip(examples, before, strict=True)}
    alone = {e.id: Prediction(e.id, **fields) for e, fields in zip(examples, after, strict=True)}
    model = Alone(lambda request: alone[request.id])
    result = batch_invariance(
        examples, lambda e: Request(e.id, (Text("?"),), output), told, model, CPU, Stopwatch(lambda timing: None),
        size=size, seed=seed, name="m",
    )  # fmt: skip
    return result, model


ONE = Choose(("up", "down"))
MANY = Choose(("up", "down", "flat"), several=True)
SCALE = Regress(("valence",), (-1.0,), (1.0,))


@pytest.mark.parametrize(
    ("output", "before", "after", "flips"),
    [
        (Generate(4), {"text": "rose"}, {"text": "rose"}, 0),
        (Generate(4), {"text": "rose"}, {"text": "rose "}, 1),
        (Generate(4), {"text": "rose", "new_tokens": 2}, {"text": "rose", "new_tokens": 3}, 0),
        (ONE, {"label_scores": {"up": 0.6, "down": 0.4}}, {"label_scores": {"up": 0.9, "down": 0.1}}, 0),
        (ONE, {"label_scores": {"up": 0.6, "down": 0.4}}, {"label_scores": {"up": 0.4, "down": 0.6}}, 1),
        # With several labels those above one half count: {up} and {up, flat}, whose best label is the same.
        (MANY, {"label_scores": {"up": 0.9, "down": 0.1, "flat": 0.4}}, {"label_scores": {"up": 0.9, "down": 0.1, "flat": 0.6}}, 1),
        (MANY, {"label_scores": {"up": 0.9, "down": 0.1, "flat": 0.8}}, {"label_scores": {"up": 0.8, "down": 0.2, "flat": 0.9}}, 0),
        (SCALE, {"values": {"valence": 0.1230}}, {"values": {"valence": 0.1234}}, 0),
        (SCALE, {"values": {"valence": 0.123}}, {"values": {"valence": 0.124}}, 1),
        (SCALE, {"values": {"valence": 0.5}}, {"error": "ValueError: no"}, 1),
        (Generate(4), {"error": "ValueError: no"}, {"text": "rose"}, 1),
        (Generate(4), {"error": "ValueError: no"}, {"error": "RuntimeError: another"}, 0),
    ],
    ids=[
        "text", "a space more", "other tokens, same text", "same label", "other label", "a label more", "labels in other order",
        "fourth decimal", "third decimal", "fails alone", "failed in company", "fails always",
    ],
)  # fmt: skip
def test_a_flip_is_another_answer(output: Any, before: Any, after: Any, flips: int) -> None:
    result, _ = audited([before], [after], output)
    assert ("noise" in result) == (output is SCALE)  # numbers alone have a size of change
    result.pop("noise", None)
    assert result == {"kind": AUDIT, "n": 1, "flips": flips, "flip_rate": flips, "ids": ["e0"][:flips]}


def numbers(*values: float | None) -> list[Prediction]:
    return [Prediction("e", error="no") if v is None else Prediction("e", values={"valence": v}) for v in values]


@pytest.mark.parametrize(
    ("before", "after", "noise"),
    [
        ((0.0, 1.0), (0.0, 1.0), 0.0),
        # The variance of 0 and 1 is 0.25; changes of 0.1 and 0 are 0.01 / 2 = 0.005 squared, and 0.005 / (2 * 0.25) = 0.01.
        ((0.0, 1.0), (0.1, 1.0), 0.01),
        ((0.0, 1.0), (1.0, 0.0), 1.0),  # changes of 1 are twice what unrelated answers differ by, and 1 is the most
        ((0.5, 0.5), (0.5, 0.5), 0.0),
        ((0.5, 0.5), (0.5, 0.5001), 1.0),  # numbers that are all the same vary by their company alone
        ((0.0, 1.0, None, None), (0.1, 1.0, None, 0.5), 0.255),  # (0.01 * 2 + 0 + 1) / 4
        ((None,), (None,), 0.0),
    ],
)
def test_noise_is_the_share_of_the_variance_that_company_makes(
    before: Sequence[float | None], after: Sequence[float | None], noise: float
) -> None:
    found = audit.noise(list(zip(numbers(*before), numbers(*after), strict=True)))
    assert found == pytest.approx(noise)


def test_the_rate_is_the_share_of_those_asked_again_one_at_a_time() -> None:
    texts = [{"text": str(i)} for i in range(8)]
    result, model = audited(texts, [*texts[:6], {"text": "x"}, {"text": "y"}], Generate(4))
    assert result == {"kind": AUDIT, "n": 8, "flips": 2, "flip_rate": 0.25, "ids": ["e6", "e7"]}
    assert model.calls == [[f"e{i}"] for i in range(8)]
    assert model.loads == 1


def test_the_sample_is_that_of_its_seed_without_repetition_and_no_larger_than_the_run() -> None:
    texts = [{"text": "x"}] * 50
    samples = {
        seed: [audited(texts, texts, Generate(4), size=9, seed=seed)[1].calls for _ in range(2)] for seed in range(4)
    }
    for first, second in samples.values():
        assert first == second
        assert len({name for (name,) in first}) == len(first) == 9
    assert len({str(first) for first, _ in samples.values()}) == 4
    result, model = audited(texts, texts, Generate(4), size=60)
    assert result["n"] == len(model.calls) == 50


def test_what_is_asked_alone_is_checked_as_in_a_run() -> None:
    result, _ = audited([{"text": "rose"}], [{"text": None}], Generate(4))  # no text: a failure
    assert result["flips"] == 1


def test_an_audit_is_timed_as_a_phase_of_its_own() -> None:
    readings: list[Timing] = []
    told = {"a": Prediction("a", text="x")}
    model = Alone(lambda request: told[request.id])
    batch_invariance(
        [Example("a", {}, None, "c")], lambda e: Request(e.id, (Text("?"),), Generate(4)), told, model, CPU,
        Stopwatch(readings.append), size=5, seed=0, name="m",
    )  # fmt: skip
    assert [(reading.phase, reading.n) for reading in readings] == [("load", 0), ("audit", 1)]


def test_numbers_and_labels_are_said_in_one_way() -> None:
    assert said(Request("a", (), MANY), Prediction("a", label_scores={"up": 0.6, "down": 0.5, "flat": 0.7})) == [
        "flat",
        "up",
    ]
    assert said(Request("a", (), SCALE), Prediction("a", values={"valence": 0.12345})) == {"valence": 0.123}


def test_only_known_audits_are_taken() -> None:
    assert [known_kind(kind) for kind in audit.KINDS] == ["none", AUDIT]
    with pytest.raises(BenchError, match=r"^audit=foo is none of none, batch_invariance$"):
        known_kind("foo")


def go(task: Any, model: Any, settings: Settings) -> tuple[Run, RunFolder]:
    return evaluate(task, model, "echo", CPU, settings)


def test_a_model_whose_answers_depend_on_their_company_flips(
    tiny_task: Make, echo_model: Make, quick_settings: Make
) -> None:
    # It says "1 of 4 after t0" in a batch of four, and "0 of 1 after t1" alone; no batch of these ten has but one.
    run, folder = go(tiny_task(), echo_model(), quick_settings(batch_size=4, audit=AUDIT))
    assert (run.audit["n"], run.audit["flips"], run.audit["flip_rate"]) == (10, 10, 1.0)
    assert json.loads((folder.path / "run.json").read_text())["audit"] == run.audit
    assert run.timings["seconds"]["audit"] >= 0
    assert run.timings["n"] == 10  # what the audit asks is no part of the run's speed


def test_a_model_whose_answers_are_its_own_does_not(tiny_task: Make, echo_model: Make, quick_settings: Make) -> None:
    model = echo_model()
    model.predict = lambda batch: [Prediction(request.id, text=request.id) for request in batch]
    run, _ = go(tiny_task(), model, quick_settings(audit=AUDIT, audit_size=4))
    assert run.audit == {"kind": AUDIT, "n": 4, "flips": 0, "flip_rate": 0.0, "ids": []}


def test_in_batches_of_one_nothing_flips(tiny_task: Make, echo_model: Make, quick_settings: Make) -> None:
    run, _ = go(tiny_task(), echo_model(), quick_settings(batch_size=1, audit=AUDIT))
    assert (run.audit["n"], run.audit["flips"]) == (10, 0)


def test_a_run_without_an_audit_has_none(tiny_task: Make, echo_model: Make, quick_settings: Make) -> None:
    run, _ = go(tiny_task(), echo_model(), quick_settings())
    assert run.audit == {}
    assert "audit" not in run.timings["seconds"]


@pytest.mark.slow
def test_a_complete_run_gets_its_audit_later_and_asks_nothing_but_the_sample(
    tiny_task: Make, echo_model: Make, quick_settings: Make
) -> None:
    first, folder = go(tiny_task(), echo_model(), quick_settings())
    journal = (folder.path / JOURNAL).read_bytes()
    model = echo_model()
    run, again = go(tiny_task(), model, quick_settings(audit=AUDIT, audit_size=6))
    assert again.path == folder.path
    assert (folder.path / JOURNAL).read_bytes() == journal
    assert (run.audit["n"], model.loads, len(model.calls)) == (6, 1, 6)
    assert all(len(call) == 1 for call in model.calls)
    assert (run.scores, run.timings["n"]) == (first.scores, 10)
    for name in ("prompt_tokens", "new_tokens", "examples_per_second"):
        assert run.timings[name] == first.timings[name]


@pytest.mark.slow
def test_an_audit_stays_with_its_run(tiny_task: Make, echo_model: Make, quick_settings: Make) -> None:
    first, _ = go(tiny_task(), echo_model(), quick_settings(audit=AUDIT))
    for settings in (quick_settings(), quick_settings(audit=AUDIT), quick_settings(resamples=60)):
        model = echo_model()
        run, _ = go(tiny_task(), model, settings)
        assert run.audit == first.audit
        assert (model.loads, model.calls) == (0, [])
    assert run.resamples == 60


@pytest.mark.slow
def test_an_interrupted_run_is_audited_when_it_is_complete(
    tiny_task: Make, echo_model: Make, quick_settings: Make
) -> None:
    settings = quick_settings(audit=AUDIT)
    with pytest.raises(KeyboardInterrupt):
        go(tiny_task(), echo_model(interrupt_at=2), settings)
    whole = go(tiny_task(), echo_model(), quick_settings(runs_dir=settings.runs_dir / "whole", audit=AUDIT))[0]
    resumed, _ = go(tiny_task(), echo_model(), settings)
    assert resumed.audit == whole.audit


@pytest.mark.slow
def test_the_command_audits_and_refuses_an_unknown_audit_in_one_line(
    bench_main: Main, own_package: Path, tmp_path: Path
) -> None:
    command = ["run", "task=words", "model=stub", "batch_size=3", "tracking=none", "runs_dir=runs", "--json"]
    code, out, err = bench_main(*command, f"audit={AUDIT}", "audit_size=5")
    assert (code, err) == (0, [])
    record = json.loads((tmp_path / json.loads(out[-1])["run_dir"] / "run.json").read_text())
    assert (record["audit"]["kind"], record["audit"]["n"], record["audit"]["flips"]) == (AUDIT, 5, 5)
    code, out, err = bench_main(*command, "audit=foo")
    assert (code, out, err) == (2, [], ["bench: audit=foo is none of none, batch_invariance"])
    code, out, err = bench_main(*command, "audit_size=0")
    assert (code, out, err) == (2, [], ["bench: audit_size=0 must be at least 1"])


def test_an_audit_that_comes_later_blesses_no_edited_prediction(
    tiny_task: Make, echo_model: Make, quick_settings: Make
) -> None:
    _, folder = go(tiny_task(), echo_model(), quick_settings())
    journal = folder.path / JOURNAL
    record = (folder.path / "run.json").read_bytes()
    journal.write_text(journal.read_text().replace(" of ", " off ", 1))
    with pytest.raises(BenchError, match=r"predictions\.jsonl is not the file that the run wrote"):
        go(tiny_task(), echo_model(), quick_settings(audit=AUDIT))
    assert (folder.path / "run.json").read_bytes() == record


@pytest.mark.slow
def test_an_audit_that_comes_later_keeps_the_scores_that_another_scorer_made(
    tiny_task: Make, echo_model: Make, quick_settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, folder = go(tiny_task(), echo_model(), quick_settings())
    record = json.loads((folder.path / "run.json").read_text())
    record["scorer"] = dict.fromkeys(record["scorer"], "0" * 16)
    (folder.path / "run.json").write_text(json.dumps(record))
    run, _ = go(tiny_task(), echo_model(), quick_settings(audit=AUDIT))
    assert run.audit["n"] == 10
    assert [one["scorer"] for one in run.history] == [record["scorer"]]
    assert run.scorer == first.scorer


@pytest.mark.slow
def test_an_audit_of_a_complete_run_that_was_cut_off_is_made_again(
    tiny_task: Make, echo_model: Make, quick_settings: Make
) -> None:
    _, folder = go(tiny_task(), echo_model(), quick_settings())
    with pytest.raises(KeyboardInterrupt):
        go(tiny_task(), echo_model(interrupt_at=1), quick_settings(audit=AUDIT))
    run, again = go(tiny_task(), echo_model(), quick_settings(audit=AUDIT))
    assert (again.path, run.audit["n"]) == (folder.path, 10)
    ledger = folder.path / "timings.jsonl"
    ledger.write_text(ledger.read_text().replace('"attempt":1', '"attempt":2', 1))
    with pytest.raises(BenchError, match=r"timings\.jsonl is not the file that the run wrote"):
        go(tiny_task(), echo_model(), quick_settings(audit=AUDIT, audit_size=5))
