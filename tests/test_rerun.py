"""`bench verify --rerun N`: the named public model is run again here; answers, speed, and what of a claim it confirms."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.bundles import admit
from bench.bundles import rerun as verdicts
from bench.bundles.archive import Refused
from bench.bundles.asked_again import UNLIKE, same, sample
from bench.bundles.rerun import Again
from bench.commands.shared.rebuilt import model_of
from bench.config import compose as conf
from bench.errors import BenchError
from bench.leaderboard import alike
from bench.leaderboard import entry as entries
from bench.models.base import Device
from bench.record import Run
from bench.runs import environment as environments
from bench.runs.claimed import is_claimed, rerun_of
from bench.runs.folder import find_runs
from bench.types import Choose, Example, Generate, Prediction, Regress, Request
from tests import bundles

Make = Callable[..., Run]
ENTRY = Path("leaderboards/submissions/sums/ann/adder.json")


def _submitted(study: Any, name: str = "sums.zip", *overrides: str) -> bundles.Files:
    """A bundle of a run, and what is in it; the run itself is gone."""
    study.run("runs_dir=made", *overrides)
    assert study.bench("submit", "sums/adder", "-o", name, "--submitter", "Ann", "--runs", "made")[0] == 0
    ENTRY.unlink()
    return bundles.contents(Path(name))


def _rezipped(files: bundles.Files, name: str = "forged.zip") -> str:
    bundles.put_right(files)
    bundles.zipped(Path(name), files)
    return name


def _said(study: Any, *words: str) -> tuple[int, dict[str, Any]]:
    code, out, err = study.bench("verify", *words, "--json")
    assert err == []
    (one,) = json.loads(out[-1])["runs"]
    return code, one


@pytest.mark.slow
def test_an_honest_bundle_is_confirmed_and_its_entry_says_so(study: Any) -> None:
    _submitted(study)
    code, one = _said(study, "sums.zip", "--rerun", "5", "--seed", "3", "--add")
    assert (code, one["status"]) == (0, "verified")
    assert {name: one["rerun"][name] for name in ("n", "equal", "seed")} == {"n": 5, "equal": 5, "seed": 3}
    assert one["notes"][-1].startswith("run again on 5 examples (seed 3): 5 of 5 answers equal; speed not compared, ")
    assert rerun_of(entries.read(ENTRY).run) == rerun_of(next(run for _, run in find_runs(Path("runs"))))
    assert "verified, rerun 5 of 5 equal" in "\n".join(study.bench("board", "sums")[1])
    assert study.bench("verify", "sums.zip", "--add")[1][-1] == "  nothing to add: it is here already"  # and it stays
    assert rerun_of(entries.read(ENTRY).run) is not None


@pytest.mark.slow
def test_a_rerun_that_comes_later_takes_the_place_of_the_record_without(study: Any) -> None:
    _submitted(study)
    _said(study, "sums.zip", "--add")
    assert rerun_of(entries.read(ENTRY).run) is None
    _, one = _said(study, "sums.zip", "--rerun", "99", "--add")
    assert [line.split("/")[-1] for line in one["added"]] == ["adder.json", "origin.json"]
    assert one["rerun"]["n"] == 12  # all there are
    assert rerun_of(entries.read(ENTRY).run) == rerun_of(next(run for _, run in find_runs(Path("runs"))))


@pytest.mark.slow
def test_without_a_seed_the_examples_are_chosen_anew_each_time(study: Any) -> None:
    _submitted(study)
    assert len({_said(study, "sums.zip", "--rerun", "1")[1]["rerun"]["seed"] for _ in range(2)}) == 2


@pytest.mark.slow
def test_right_answers_that_the_model_does_not_give_are_refused_and_not_added(study: Any) -> None:
    """All of the bundle fits together: scores, rows, digests, configuration. Only the answers are of something better."""
    files = _submitted(study)
    study.edit("conf/model/adder.yaml", "plus: 0", "plus: 1")
    bundles.changed(files, "run.json", bundles.with_key("config", "model", "plus", value=1))
    config = json.loads(files[bundles.place(files, "run.json")])["config"]
    files[bundles.place(files, "config.yaml")] = json.dumps(config).encode()  # JSON is YAML
    forged = _rezipped(files)
    assert _said(study, forged)[0] == 0  # nothing that can be scored tells
    code, one = _said(study, forged, "--rerun", "4", "--seed", "1", "--add")
    assert (code, one["status"], one["added"]) == (1, "refused", [])
    assert one["line"].startswith("4 of 4 answers are not what adder says here, such as ")
    assert not ENTRY.exists()


def test_a_reference_row_under_its_own_name_is_refused(run_record: Make) -> None:
    with pytest.raises(Refused, match="model 'lexical' is a reference row"):
        model_of(run_record("lexical"))


@pytest.mark.slow
def test_times_divided_by_a_million_are_refused_by_a_rerun_and_claimed_without_one(study: Any) -> None:
    files = _submitted(study)

    def quick(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [row | {"seconds": row["seconds"] / 1e6} for row in rows]

    def summed(record: dict[str, Any]) -> dict[str, Any]:
        times = record["timings"]
        seconds = {name: value / 1e6 for name, value in times["seconds"].items() if name != "total"}
        times |= {
            "seconds": seconds | {"total": sum(seconds.values())},
            "first_batch_seconds": times["first_batch_seconds"] / 1e6,
        }
        times["examples_per_second"] *= 1e6
        times["seconds_per_answer"] /= 1e6
        return record

    bundles.changed(files, "timings.jsonl", quick)
    bundles.changed(files, "run.json", summed)
    forged = _rezipped(files)
    code, one = _said(study, forged, "--add")
    assert (code, one["status"]) == (0, "verified")
    run = entries.read(ENTRY).run
    assert run.timings["examples_per_second"] > 1e8
    assert is_claimed(run, "examples_per_second")
    code, one = _said(study, forged, "--rerun", "12")
    assert (code, one["status"]) == (1, "refused")
    assert "took here on the same processor; no machine differs so much from itself" in one["line"]


@pytest.mark.slow
def test_what_cannot_be_run_again_is_said_in_one_line_and_stays_claimed(study: Any) -> None:
    files = _submitted(study)
    bundles.changed(files, "run.json", bundles.with_key("config", "model", "plus", value=2))
    config = json.loads(files[bundles.place(files, "run.json")])["config"]
    files[bundles.place(files, "config.yaml")] = json.dumps(config).encode()
    code, one = _said(study, _rezipped(files), "--rerun", "3", "--add")
    assert (code, one["status"], one["rerun"]) == (0, "verified", None)
    assert one["notes"][-1] == (
        "not run again: its model.plus is 2, that of conf/model here 0; only switches may differ; what it claims stays claimed"
    )
    assert is_claimed(entries.read(ENTRY).run, "device")


def _minilm(make: Make, *path: str, value: Any) -> Run:
    """A run of a public model as its bundle would say, but for one thing."""
    ours = copy.deepcopy(dict(conf.choice("model", "minilm")))
    record = {"config": {"model": ours}, "weights_sha256": ours["sha256"], "model_revision": "0.1.0"}
    assert model_of(make("minilm", **record)).weights_sha256 == ours["sha256"]
    return make("minilm", **bundles.with_key(*path, value=value)(record))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        (("nearest",), 4, "its model.nearest is 4, that of conf/model here 3; only switches may differ"),
        (("nearest",), True, "its model.nearest is True, that of conf/model here 3"),
        (("_target_",), "os.system", "its model._target_ is 'os.system', that of conf/model here"),
        (("trust",), ["pickle"], "its model.trust is ['pickle'], that of conf/model here None"),
        (("source",), "file:/tmp/x", "its model.source is 'file:/tmp/x', that of conf/model here 'pypi:"),
        (("poles", "valence"), "x", "its model.poles.valence is 'x', that of conf/model here {"),
        ((), "minilm", "its model is 'minilm', that of conf/model here {"),
    ],
)
def test_a_model_of_another_configuration_is_not_made(
    run_record: Make, path: tuple[str, ...], value: Any, line: str
) -> None:
    with pytest.raises(BenchError) as raised:
        model_of(_minilm(run_record, "config", "model", *path, value=value))
    assert line in str(raised.value)


@pytest.mark.slow
def test_a_model_of_other_weights_is_not_made(run_record: Make) -> None:
    with pytest.raises(BenchError, match=f"it says {'f' * 64}, conf/model/minilm.yaml here has 04b1622"):
        model_of(_minilm(run_record, "weights_sha256", value="f" * 64))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "line"),
    [
        ("function", "model 'function' is a function of its user's own, which nobody else has"),
        ("endpoint", "model 'endpoint' is what somebody's server says, which nobody else has"),
        ("pyfunc", "model 'pyfunc' is in its user's registry, which nobody else has"),
        ("../../x", r"model '\.\./\.\./x' is not in conf/model here"),
        ("rag_smollm2", "its model is None, that of conf/model here"),
    ],
)
def test_only_models_that_everybody_can_make_are_made_again(run_record: Make, model: str, line: str) -> None:
    with pytest.raises(BenchError, match=line):
        model_of(run_record(model, config={}))
    with pytest.raises(BenchError, match="its predictions were brought"):
        model_of(run_record(model, submission={"file": "x"}))


@pytest.mark.slow
def test_a_bundle_that_brings_a_rerun_of_its_own_is_not_believed(study: Any) -> None:
    files = _submitted(study)
    verified = admit.seal() | {"rerun": {"n": 9, "equal": 9, "reproduced": True}}
    bundles.changed(files, "run.json", bundles.with_key("origin", value={"verified": verified}))
    assert _said(study, _rezipped(files), "--rerun", "3")[0] == 1


@pytest.mark.slow
def test_a_seed_without_a_rerun_and_a_rerun_of_nothing_are_refused(study: Any) -> None:
    _submitted(study)
    for words in (("--seed", "1"), ("--rerun", "0"), ("--rerun", "2", "--seed", "-1")):
        code, _, (line,) = study.bench("verify", "sums.zip", *words)
        assert code == 2
        assert "--rerun" in line


# The rules, by hand.

ASKED, CHOOSE = Request("a", (), Generate(4)), Request("a", (), Choose(("p", "q")))
REGRESS = Request("a", (), Regress(("v",), (0.0,), (1.0,)))


@pytest.mark.parametrize(
    ("request_", "a", "b", "equal"),
    [
        (ASKED, {"text": "x"}, {"text": "x"}, True),
        (ASKED, {"text": "x"}, {"text": "x "}, False),
        (ASKED, {"text": ""}, {"error": "no"}, False),
        (ASKED, {"error": "one"}, {"error": "another"}, True),
        (ASKED, {"text": "x", "no_answer": 0.1}, {"text": "x", "no_answer": 0.105}, True),
        (ASKED, {"text": "x", "no_answer": 0.1}, {"text": "x", "no_answer": 0.9}, False),
        (CHOOSE, {"label_scores": {"p": 0.6, "q": 0.4}}, {"label_scores": {"p": 0.605, "q": 0.396}}, True),
        (CHOOSE, {"label_scores": {"p": 0.6, "q": 0.4}}, {"label_scores": {"p": 0.9, "q": 0.1}}, False),
        (CHOOSE, {"label_scores": {"p": 0.501, "q": 0.499}}, {"label_scores": {"p": 0.499, "q": 0.501}}, False),
        (REGRESS, {"values": {"v": 0.0005}}, {"values": {"v": 0.0014}}, True),
        (REGRESS, {"values": {"v": 0.5}}, {"values": {"v": 0.51}}, False),
        (REGRESS, {"values": {"v": 0.5}}, {"error": "no"}, False),
    ],
)  # fmt: skip
def test_answers_are_the_same_up_to_the_last_digits(
    request_: Request, a: dict[str, Any], b: dict[str, Any], equal: bool
) -> None:
    assert same(request_, Prediction("a", **a), Prediction("a", **b)) is equal


def test_on_another_machine_numbers_need_not_be_so_close() -> None:
    near, far = (Prediction("a", values={"v": value}) for value in (0.52, 0.56))  # the scale is 1 long
    assert same(REGRESS, Prediction("a", values={"v": 0.5}), near, UNLIKE)
    assert not same(REGRESS, Prediction("a", values={"v": 0.5}), far, UNLIKE)
    sure, doubtful = (Prediction("a", label_scores={"p": p, "q": 1 - p}) for p in (0.9, 0.6))
    assert not same(CHOOSE, sure, doubtful, UNLIKE)


def test_every_example_can_be_drawn_and_a_seed_draws_the_same() -> None:
    examples = [Example(f"e{i}", {}, None, "c") for i in range(10)]
    assert {one.id for seed in range(60) for one in sample(examples, 2, seed)} == {f"e{i}" for i in range(10)}
    assert sample(examples, 3, 5) == sample(examples, 3, 5)
    assert sample(examples, 99, 0) == examples


@pytest.mark.parametrize(
    ("changes", "reproduced", "words"),
    [
        ({}, True, "speed reproduced within ×2: 15 examples a second claimed, 10 here"),
        ({"claimed": 50.0}, False, "speed not reproduced: claimed is ×5 faster than here"),
        ({"claimed": 2.0}, False, "speed not reproduced: claimed is ×5 slower than here"),
        (
            {"differing": "cpu x, here y"},
            False,
            "speed not compared, 15 examples a second claimed, 10 here (cpu x, here y)",
        ),
        ({"seconds": 0.01}, False, "which took 10 ms only; it stays claimed"),
        ({"claimed": None}, False, "it claims no speed"),
    ],
)
def test_a_speed_is_reproduced_on_the_same_processor_only(
    changes: dict[str, Any], reproduced: bool, words: str
) -> None:
    found = replace(Again(20, 1, 20, 10.0, 2.0, 15.0, "", "one"), **changes)
    assert (found.reproduced, found.record()["reproduced"]) == (reproduced, reproduced)
    assert words in found.line()


def _answers(n: int, wrong: set[int], right: set[int]) -> dict[str, Prediction]:
    """Answers to the task of numbers: even ones share a word with the target, those of `right` are it, those of `wrong` nothing."""
    return {
        f"w{i}": Prediction(f"w{i}", text=f"word {i}" if i in right else "no" if i in wrong else f"a w{i} word")
        for i in range(n)
    }


@pytest.mark.parametrize(
    ("wrong", "right", "differing", "line"),
    [
        (set(), {1}, "", None),  # 1 of 20: a batch's company
        (set(), {1, 2}, "", "2 of 20 answers are not what .* at most 1 may differ"),
        (set(range(5)), set(range(5, 10)), "cpu", None),  # on another processor, and both ways
        (set(range(6)), set(range(6, 11)), "cpu", r"at most 10 may differ \(cpu\)"),
        (set(), set(range(6)), "cpu", None),
        (set(), set(range(7)), "cpu", "score better in 7 and worse in 0"),  # 1 in 128 by chance
        (set(range(7)), set(), "cpu", None),  # worse than it is: no gain
    ],
)
def test_how_many_answers_may_differ_depends_on_the_machine_and_none_may_favour_the_claim(
    run_record: Make, wrong: set[int], right: set[int], differing: str, line: str | None
) -> None:
    task, n = bundles.Numbers(20), 20
    claims, found = _answers(n, wrong, right), _answers(n, set(), set())
    other = [one for one in task.examples() if claims[one.id] != found[one.id]]
    given: Any = (run_record(), task, other, n, claims, _Now(found), bundles.Guesser(), differing)
    if line is None:
        verdicts._refuse_answers(*given)
    else:
        with pytest.raises(Refused, match=line):
            verdicts._refuse_answers(*given)


class _Now:
    def __init__(self, predictions: dict[str, Prediction], seconds: float = 1.0, fastest: float = 0.0) -> None:
        self.predictions, self.seconds, self.fastest = predictions, seconds, fastest


class _Scale(bundles.Numbers):
    """Say a number from 0 to 1; every target is 1."""

    def examples(self) -> list[Example]:
        return [Example(f"w{i}", {"question": str(i)}, {"v": 1.0}, "c") for i in range(self.n)]

    def request(self, example: Example) -> Request:
        return replace(REGRESS, id=example.id)


def _compared(run: Run, claimed: list[float], **now: Any) -> Again:
    """What is said of these numbers where the model says 0.5 each time."""
    task, model, device = _Scale(len(claimed)), bundles.Guesser(), Device("cpu", run.environment["dtype"], 1)
    claims = {f"w{i}": Prediction(f"w{i}", values={"v": value}) for i, value in enumerate(claimed)}
    found = {name: Prediction(name, values={"v": 0.5}) for name in claims}
    environment = dict(environments.describe() | device.describe())
    same_here = replace(run, environment=environment, libraries=environments.computing(model.uses_libraries))
    given: Any = (same_here, task, task, task.examples(), claims, _Now(found, **now), model, device, 1)
    return verdicts.compared(*given)


def test_half_precision_leaves_numbers_open_on_the_same_machine_and_whole_precision_does_not(run_record: Make) -> None:
    moved = [0.5 + 0.002 * (-1) ** i for i in range(20)]
    for dtype in ("bfloat16", "float16"):
        assert _compared(run_record(dtype=dtype), moved).equal == 20
    with pytest.raises(Refused, match=r"20 of 20 answers are not what .*; at most 1 may differ"):
        _compared(run_record(), moved)
    assert _compared(run_record(), [0.5005] * 20).equal == 20


def test_numbers_that_all_move_to_their_targets_are_no_rounding_however_near_they_are(run_record: Make) -> None:
    half = run_record(dtype="bfloat16")
    with pytest.raises(Refused, match=r"20 numbers differ .* nearer to their targets in 20 and farther in 0"):
        _compared(half, [0.52] * 20)
    assert _compared(half, [0.48] * 20).equal == 20  # worse than it is: no gain
    assert _compared(half, [0.5] * 12 + [0.502] * 8).equal == 20  # one rounding may move eight the same way


def test_a_loaded_machine_makes_no_speed_impossible_and_its_fastest_batch_counts(run_record: Make) -> None:
    timings = run_record().timings | {"examples_per_second": 900.0}
    run = run_record(timings=timings)
    assert not _compared(run, [0.5] * 20, seconds=20.0).reproduced
    assert _compared(run, [0.5] * 20, seconds=200.0, fastest=1.0).equal == 20
    with pytest.raises(Refused, match=r"×9e[+]03 of the 0.1 that the fastest batch of 20 examples"):
        _compared(run, [0.5] * 20, seconds=200.0, fastest=0.1)


def test_a_model_in_plain_python_has_no_last_digits(run_record: Make) -> None:
    class Plain(bundles.Guesser):
        uses_libraries = False

    task = bundles.Numbers(20)
    claims, found = _answers(20, {3}, set()), _answers(20, set(), set())
    given: Any = (run_record(), task, [task.examples()[3]], 20, claims, _Now(found), Plain(), "cpu")
    with pytest.raises(Refused, match=r"at most 0 may differ$"):
        verdicts._refuse_answers(*given)


def test_an_entry_with_a_rerun_stands_in_the_table_of_the_device_that_it_was_found_on(run_record: Make) -> None:
    record = Again(20, 1, 20, 10.0, 2.0, 12.0, "", "one").record()
    run = run_record("a", origin={"bundle": "b", "submitter": "s", "verified": admit.seal() | {"rerun": record}})
    assert alike.place(run) == "cpu"
