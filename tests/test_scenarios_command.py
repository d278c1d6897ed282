"""`bench run timing=…` as a whole: beside a run or alone, and what its audits find."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from bench.runs.folder import read_run
from bench.timing.summary import FOLDER, summary_of

Bench = Callable[..., tuple[int, list[str], list[str]]]

MODELS = '''
"""Models that are slow, by a clock that is set by hand, and some that cheat when they are timed."""

from timed import Hand

from bench.models.base import Model
from bench.types import Generate, Prediction

CLOCK = Hand()


class Plain(Model):
    """Takes a millisecond for each request."""

    outputs, revision, uses_device, answers_alone = (Generate,), "1", False, True
    seconds = 0.001

    def key(self, request):
        return request.parts[-1].text

    def predict(self, batch):
        for request in batch:
            yield self.one(request, len(batch))

    def one(self, request, n):
        CLOCK.t += self.seconds
        if self.listener is not None:
            self.listener(request.id, 1)
        return Prediction(request.id, text=self.key(request).split()[-1], new_tokens=2)


class Caches(Plain):
    """Keeps every answer."""

    def __init__(self):
        self.kept = {}

    def one(self, request, n):
        if (key := self.key(request)) not in self.kept:
            self.kept[key] = super().one(request, n).text
        return Prediction(request.id, text=self.kept[key])


class Forgets(Caches):
    """Keeps every answer, and lets go of it when it is told to."""

    def forget(self):
        self.kept.clear()


class WorseHeard(Plain):
    """Says less where somebody listens."""

    def one(self, request, n):
        if self.listener is not None:
            return Prediction(request.id, text="no")
        return super().one(request, n)


class WorseAlone(Plain):
    """Says less when it is asked alone; and says so of itself that company makes no difference."""

    def one(self, request, n):
        return Prediction(request.id, text="no") if n == 1 else super().one(request, n)


class WorseAloneAnyhow(WorseAlone):
    """The same on a device, where the company in a batch may change an answer."""

    uses_device, answers_alone = True, False


class WorseAgain(Plain):
    """Answers nothing where it has seen a request before."""

    def __init__(self):
        self.seen = set()

    def one(self, request, n):
        if (key := self.key(request)) in self.seen:
            return Prediction(request.id, text="no")
        self.seen.add(key)
        return super().one(request, n)


class Chance(Plain):
    """Does not say the same twice, as some servers do."""

    outputs, answers_alone, takes_at_once = (Generate,), False, True
    n = 0

    def one(self, request, n):
        Chance.n += 1
        found = super().one(request, n)
        return found if Chance.n % 9 else Prediction(request.id, text="other", new_tokens=2)
'''


@pytest.fixture
def bench(bench_main: Bench, own_package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Runs `bench run` with one of these models on the task of numbers, and gives its JSON."""
    conf = tmp_path / "conf" / "model"
    conf.mkdir(parents=True)
    (tmp_path / "timed_models").mkdir()
    (tmp_path / "timed_models" / "__init__.py").write_text(MODELS)
    for name in ("Plain", "Caches", "Forgets", "WorseHeard", "WorseAlone", "WorseAloneAnyhow", "WorseAgain", "Chance"):
        (conf / f"{name.lower()}.yaml").write_text(f"_target_: timed_models.{name}\n")
    monkeypatch.setenv("BENCH_CONF", f"{tmp_path / 'conf'}:{os.environ['BENCH_CONF']}")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("bench.scenarios.measure.Pulse", nullcontext)  # a machine that has other work makes all INVALID
    monkeypatch.setattr("bench.scenarios.measure.Monotonic", lambda: importlib.import_module("timed_models").CLOCK)

    def run(*words: str, code: int = 0) -> dict[str, Any]:
        found, out, err = bench_main(
            "run",
            "task=words",
            "tracking=none",
            "device=cpu",
            "device.dtype=bfloat16",
            "resamples=20",
            "--json",
            *words,
        )
        assert found == code, err
        return dict(json.loads(out[-1]))

    return run


@pytest.mark.slow
def test_a_scenario_stands_in_the_record_beside_the_score_and_changes_nothing_else(bench: Any) -> None:
    plain = bench("model=plain", "task.n=70")
    before = read_run(Path(plain["run_dir"]) / "run.json")
    found = bench("model=plain", "task.n=70", "timing=single_stream", "timing.min_seconds=0")
    assert found["run_dir"] == plain["run_dir"]
    after = read_run(Path(found["run_dir"]) / "run.json")
    assert {**after.to_json(), "scenarios": {}} == before.to_json()
    reading = after.scenarios["single_stream"]
    assert (
        reading
        == found["scenarios"]["single_stream"]
        == summary_of(Path(found["run_dir"]) / FOLDER / "single_stream.jsonl")
    )
    assert (reading["verdict"], reading["n"], reading["audit"]["same_answers"]["n"]) == ("VALID", 64, 64)
    assert reading["latency"]["p50"] == pytest.approx(0.001)
    assert "timing" not in after.config


@pytest.mark.slow
def test_scenarios_of_one_run_are_added_one_after_another(bench: Any) -> None:
    found = bench(
        "-m",
        "model=plain",
        "task.n=70",
        "timing=offline,single_stream,server",
        "timing.qps=200",
        "timing.min_seconds=0.1",
    )
    run = read_run(Path(found["runs"][-1]["run_dir"]) / "run.json")
    assert set(run.scenarios) == {"offline", "single_stream", "server"}
    assert len({one["run_dir"] for one in found["runs"]}) == 1


@pytest.mark.slow
def test_a_timing_alone_makes_no_run_and_a_later_run_takes_it_into_its_record(bench: Any) -> None:
    alone = bench("model=plain", "task.n=70", "timing=single_stream", "timing.alone=true", "timing.min_seconds=0")
    folder = Path(alone["run_dir"])
    assert not (folder / "run.json").exists()
    reading = alone["scenarios"]["single_stream"]
    assert (reading["verdict"], reading["audit"]["same_answers"]) == ("VALID", None)
    assert reading["audit"]["cache"]["passed"]
    found = bench("model=plain", "task.n=70")
    assert found["run_dir"] == str(folder)
    assert read_run(folder / "run.json").scenarios == {"single_stream": reading}


@pytest.mark.slow
def test_a_damaged_raw_file_costs_a_run_nothing(bench: Any) -> None:
    folder = Path(bench("model=plain", "timing=single_stream", "timing.alone=true", "timing.audit=false")["run_dir"])
    (folder / FOLDER / "single_stream.jsonl").write_text("no timing\n")
    bench("model=plain")
    assert read_run(folder / "run.json").scenarios == {}


@pytest.mark.parametrize(
    ("model", "scenario", "same", "cache"),
    [
        ("caches", "single_stream", True, False),
        ("forgets", "single_stream", True, True),
        ("worseheard", "offline", False, True),
        ("worsealoneanyhow", "single_stream", False, True),
        ("chance", "single_stream", True, True),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in (
                ("plain", "offline", True, True),
                ("caches", "offline", True, False),
                ("worseheard", "single_stream", False, True),
                ("worsealone", "single_stream", False, True),
                ("worseagain", "single_stream", False, False),
            )
        ),
    ],
)
def test_the_audits_find_what_cheats_when_it_is_timed(
    bench: Any, model: str, scenario: str, same: bool, cache: bool
) -> None:
    words = ("task.n=70", f"timing={scenario}", "timing.min_seconds=0", "timing.warmup=0", "seed=1")
    found = bench(f"model={model}", *words)["scenarios"][scenario]
    assert found["audit"]["same_answers"]["passed"] is same, found["reasons"]
    assert found["audit"]["cache"]["passed"] is cache, found["reasons"]
    assert (found["verdict"] == "VALID") == (same and cache)


@pytest.mark.slow
def test_a_cache_that_forgets_when_told_gains_nothing_from_a_request_that_was_asked_before(bench: Any) -> None:
    found = bench("model=forgets", "task.n=70", "timing=offline", "timing.min_seconds=0.2")["scenarios"]["offline"]
    assert (found["verdict"], found["n"], found["reasons"]) == ("VALID", 210, [])
    assert found["examples_per_second"] == pytest.approx(1000.0)  # 1 ms each, in every pass


@pytest.mark.slow
def test_a_reference_row_that_computes_nothing_is_not_timed(bench_main: Bench, own_package: Path) -> None:
    code, _, err = bench_main("run", "task=words", "model=constant", "tracking=none", "timing=offline", "resamples=20")
    assert code == 2
    assert "model 'constant' is a reference row that computes nothing" in err[-1]


@pytest.mark.slow
def test_a_person_reads_the_verdict_the_reasons_and_a_table(bench: Any, bench_main: Bench) -> None:
    code, out, _ = bench_main(
        "run", "task=words", "task.n=50", "model=plain", "tracking=none", "resamples=20", "timing=single_stream",
        "timing.min_seconds=0",
    )  # fmt: skip
    text = "\n".join(out)
    assert code == 0
    assert "words / plain / single_stream: INVALID" in text
    assert "p90 needs 64 answers, there are 50: 14 more" in text
    assert "to the first token" in text
    assert "0 of 50 answers are others than the run's; no cache" in text


@pytest.mark.slow
def test_every_timing_is_checked_before_the_first_run(bench_main: Bench, own_package: Path, tmp_path: Path) -> None:
    code, _, err = bench_main("run", "-m", "task=words", "model=stub", "timing=offline,server", "tracking=none")
    assert (code, len(err)) == (2, 1)
    assert "timing=server needs timing.qps=RATE" in err[0]
    assert not (tmp_path / "runs").exists()
