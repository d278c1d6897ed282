"""`bench compare`: what is refused, what is said, and that the figures are those of the runs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.errors import BenchError
from bench.judging.changes import changes, one_line, said
from bench.judging.compare import Comparison, better, compare, corrected, machines
from bench.judging.pair import Side
from bench.metrics.classification import AURC, averaged
from bench.metrics.generation import DISTINCT_1
from bench.metrics.metric import AnyMetric, Metric, RankedMetric
from bench.record import Run, Score
from bench.runs import measurements
from bench.runs.folder import RunFolder
from bench.runs.measurements import Measurements
from bench.types import Prediction

Array = np.ndarray[Any, np.dtype[np.float64]]
RIGHT = Metric("right", measure=lambda target, answer: (answer,), signature="s")
ERRORS = replace(RIGHT, name="errors", higher_is_better=False)
Maker = Callable[..., Run]


@pytest.fixture
def side(tmp_path: Path, run_record: Maker) -> Callable[..., Side]:
    """Makes a side of a task whose rows are given by metric; one example a cluster."""

    def make(model: str, rows: Mapping[str, Any], metrics: tuple[AnyMetric, ...] = (RIGHT,), **more: Any) -> Side:
        arrays = {name: np.array(values, dtype=np.float64).reshape(len(values), -1) for name, values in rows.items()}
        n = len(next(iter(arrays.values())))
        changes = {key: more.pop(key) for key in ("slices", "digests", "clusters", "fitted", "failed") if key in more}
        ids = tuple(more.pop("ids", [f"e{i}" for i in range(n)]))
        found = Measurements(ids, ids, ids, frozenset(), arrays)
        found = replace(found, **changes)
        scores = tuple(_score(metric, arrays.get(metric.name)) for metric in metrics)
        run = run_record(model, scores=scores, n_examples=n, **more)
        folder = tmp_path / model
        folder.mkdir(exist_ok=True)
        lines = [json.dumps({"id": name, "text": f"{model} on {name}"}) for name in ids]
        (folder / "predictions.jsonl").write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        return Side(folder, run, found)

    return make


def _score(metric: AnyMetric, rows: Array | None) -> Score:
    from bench.stats.swaps import value

    known = rows is not None and isinstance(metric, Metric | RankedMetric)
    found = value(metric, rows) if known else 0.25  # type: ignore[arg-type]
    return Score(
        metric.name, found, None, None, 1, 0, metric.higher_is_better, metric.is_fraction, signature=metric.signature
    )


def one(comparison: Comparison) -> Comparison:
    """The comparison as the only one of its family."""
    return corrected([comparison])[0]


# The figures


def test_a_comparison_has_both_values_their_difference_and_the_exact_test_by_hand(side: Callable[..., Side]) -> None:
    a, b = side("a", {"right": [1] + [0] * 9}), side("b", {"right": [0] + [1] * 8 + [0]})
    found = one(compare(a, b, [RIGHT]))
    first = found.metrics[0]
    assert first.difference is not None
    assert (first.a, first.b, first.difference.value) == pytest.approx((0.1, 0.8, 0.7))
    assert first.difference.p == pytest.approx(20 / 512)  # 9 changed, 1 for a: 2 (1 + 9) / 2**9
    assert (first.difference.test, found.n) == ("exact McNemar", 10)
    assert better(found) == "B"


def test_less_is_better_where_the_metric_says_so(side: Callable[..., Side]) -> None:
    a, b = (side(n, {"errors": rows}, (ERRORS,)) for n, rows in (("a", [1] * 9 + [0] * 3), ("b", [0] * 11 + [1])))
    assert better(one(compare(a, b, [ERRORS]))) == "B"
    assert better(one(compare(b, a, [ERRORS]))) == "A"


def test_the_same_run_differs_by_nothing(side: Callable[..., Side]) -> None:
    a = side("a", {"right": [1, 0] * 5})
    found = one(compare(a, a, [RIGHT]))
    assert found.metrics[0].difference is not None
    assert (found.metrics[0].difference.value, found.metrics[0].difference.p, better(found)) == (0.0, 1.0, "")
    assert changes(found, RIGHT, 5).n == 0


def test_holm_runs_over_the_pairs_and_leaves_out_those_without_a_test(side: Callable[..., Side]) -> None:
    a, b = side("a", {"right": [0] * 20}), side("b", {"right": [1] * 6 + [0] * 14})  # p = 2 / 2**6
    tested = compare(a, b, [RIGHT])
    plain = side("c", {"right": [0]}, (DISTINCT_1,))
    untested = compare(plain, plain, [DISTINCT_1])
    assert better(one(tested)) == "B"
    first, none, second = corrected([tested, untested, tested])
    assert (first.adjusted_p, none.adjusted_p, second.adjusted_p) == (0.0625, None, 0.0625)
    assert better(first) == better(none) == ""


def test_a_test_without_an_interval_on_its_side_makes_nobody_better(side: Callable[..., Side]) -> None:
    found = one(compare(side("a", {"right": [0] * 20}), side("b", {"right": [1] * 8 + [0] * 12}), [RIGHT]))
    first = found.metrics[0]
    assert first.difference is not None
    around = replace(first, difference=replace(first.difference, low=-0.1))
    assert better(found) == "B"
    assert better(replace(found, metrics=(around,))) == ""


def test_the_chosen_metric_decides_and_stands_first(side: Callable[..., Side]) -> None:
    both = (RIGHT, ERRORS)
    a, b = (side(n, {"right": [0, 1] * 4, "errors": [1] * 8}, both) for n in "ab")
    assert [m.metric for m in compare(a, b, both, chosen="errors").metrics] == ["errors", "right"]
    with pytest.raises(BenchError, match="no metric 'f2'; it has right, errors"):
        compare(a, b, both, chosen="f2")


def test_metrics_without_rows_show_both_values_and_say_so(side: Callable[..., Side]) -> None:
    a, b = (side(n, {"right": [0, 1]}, (RIGHT, DISTINCT_1)) for n in "ab")
    found = compare(a, b, (RIGHT, DISTINCT_1)).metrics[1]
    assert (found.a, found.b, found.difference, found.note) == (0.25, 0.25, None, "no paired test: gives no rows")
    with pytest.raises(BenchError, match="cannot be compared by distinct_1: no paired test"):
        compare(a, b, (RIGHT, DISTINCT_1), chosen="distinct_1")


# What is refused


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "other"}, "differ in the task: squad_v1 and other"),
        ({"task_version": 2}, "differ in the version of the task: 1 and 2"),
        ({"data_fingerprint": "e" * 64}, r"ran on different data \(2 and 2 examples, 2 in common\); --shared"),
    ],
)
def test_runs_of_other_tasks_versions_and_data_are_refused(
    side: Callable[..., Side], change: dict[str, Any], message: str
) -> None:
    with pytest.raises(BenchError, match=message):
        compare(side("a", {"right": [0, 1]}), side("b", {"right": [0, 1]}, **change), [RIGHT])


def test_on_shared_examples_only_those_of_the_same_content_count(side: Callable[..., Side]) -> None:
    a = side("a", {"right": [0, 1, 1, 0]})
    b = side(
        "b", {"right": [1, 0, 1]}, ids=["e2", "e1", "x"], digests=("e2", "changed", "x"), data_fingerprint="e" * 64
    )
    found = compare(a, b, [RIGHT], on_shared=True)
    assert (found.n, found.metrics[0].a, found.metrics[0].b) == (1, 1.0, 1.0)  # e2 alone
    assert found.notes[0] == "compared on the 1 examples that both have, of 4 (A) and 3 (B)"


def test_nothing_in_common_is_refused_even_where_the_shared_are_asked_for(side: Callable[..., Side]) -> None:
    a, b = side("a", {"right": [0]}), side("b", {"right": [0]}, ids=["x"], data_fingerprint="e" * 64)
    for on_shared in (False, True):
        with pytest.raises(BenchError, match="nothing can be compared"):
            compare(a, b, [RIGHT], on_shared=on_shared)


def test_a_metric_that_needs_all_examples_is_tested_on_all_of_them_only(side: Callable[..., Side]) -> None:
    rows = {"right": [0, 1, 1], "errors": [0, 1, 1]}
    a, b = (side(n, rows, (RIGHT, ERRORS), fitted=frozenset({"errors"})) for n in "ab")
    assert compare(a, b, (RIGHT, ERRORS)).metrics[1].difference is not None
    less = replace(b, rows=b.rows.take([0, 1]), run=replace(b.run, data_fingerprint="e" * 64))
    less = replace(
        less, run=replace(less.run, scores=(replace(b.run.scores[0], value=0.5), replace(b.run.scores[1], value=0.5)))
    )
    found = compare(a, less, (RIGHT, ERRORS), on_shared=True).metrics
    assert found[0].difference is not None
    assert found[1].note.startswith("no paired test: it depends on all examples together")
    assert found[1].note.endswith("each value is of all its examples")


def test_two_ways_of_measuring_are_not_compared(side: Callable[..., Side]) -> None:
    other = replace(RIGHT, signature="old")
    a, b = side("a", {"right": [0, 1]}), side("b", {"right": [0, 1]}, (other,))
    with pytest.raises(BenchError, match="measured in two ways"):
        compare(a, b, [RIGHT])
    with pytest.raises(BenchError, match="measured as 'old', this version measures 's'"):
        compare(b, b, [RIGHT])


def test_rows_that_do_not_give_the_recorded_score_are_refused(side: Callable[..., Side]) -> None:
    a = side("a", {"right": [0, 1]})
    boasting = replace(a, run=replace(a.run, scores=(replace(a.run.scores[0], value=0.9),)))
    with pytest.raises(BenchError, match=r"its rows give right 0\.5, its record says 0\.9"):
        compare(a, boasting, [RIGHT])
    wide = replace(a, rows=replace(a.rows, rows={"right": np.zeros((2, 4))}))
    f1 = replace(averaged("f1", ["x", "y"]), name="right", signature="s")
    with pytest.raises(BenchError, match="cannot be summarised"):
        compare(wide, wide, [f1])


# Slices and changed examples


def test_slices_are_the_differences_of_their_examples_the_largest_first(side: Callable[..., Side]) -> None:
    slices = {"kind": ("memo",) * 3 + ("report",) * 4 + ("",), "all": ("one",) * 8}
    a, b = side("a", {"right": [0] * 8}, slices=slices), side("b", {"right": [1, 1, 0] + [0] * 5}, slices=slices)
    found = [(s.name, s.value, s.difference.n, s.difference.value) for s in compare(a, b, [RIGHT]).slices]
    assert found == [("kind", "report", 4, 0.0), ("kind", "memo", 3, pytest.approx(2 / 3))]


def test_changed_examples_come_worst_for_b_first_with_both_answers(side: Callable[..., Side]) -> None:
    a, b = side("a", {"right": [0.5, 1.0, 0.2, 0.4]}), side("b", {"right": [0.5, 0.1, 0.9, 0.3]})
    found = changes(one(compare(a, b, [RIGHT])), RIGHT, 2)
    assert (found.n, found.better, found.worse, found.note) == (3, 1, 2, "")
    assert [(c.id, c.a, c.b) for c in found.worst] == [("e1", 1.0, 0.1), ("e3", 0.4, 0.3)]
    assert found.worst[0].effect == pytest.approx(-0.9 / 4)
    assert (found.worst[0].a_answer, found.worst[0].b_answer) == ("a on e1", "b on e1")


def test_where_less_is_better_the_worst_example_has_more(side: Callable[..., Side]) -> None:
    a, b = side("a", {"errors": [0, 1, 1]}, (ERRORS,)), side("b", {"errors": [1, 1, 0]}, (ERRORS,))
    found = changes(one(compare(a, b, [ERRORS])), ERRORS, 9)
    assert [(c.id, c.a, c.b) for c in found.worst] == [("e0", 0.0, 1.0), ("e2", 1.0, 0.0)]


def test_a_metric_that_is_no_mean_ranks_by_what_an_example_does_to_the_score(side: Callable[..., Side]) -> None:
    f1 = averaged("f1", ["x", "y"])
    rows = {  # right x, right y, given x, given y, wanted x, wanted y
        "a": [[1, 0, 1, 0, 1, 0], [0, 1, 0, 1, 0, 1], [0, 0, 1, 0, 0, 1]],
        "b": [[1, 0, 1, 0, 1, 0], [0, 0, 1, 0, 0, 1], [0, 1, 0, 1, 0, 1]],
    }
    a, b = (side(name, {"macro_f1": rows[name]}, (f1,)) for name in "ab")
    found = changes(one(compare(a, b, [f1])), f1, 5)
    # b: x 2/3, y 2/3. With a's answer to e1 all is right, 1; with a's to e2 x is 1/2 and y 0.
    assert [(c.id, c.a, c.b) for c in found.worst] == [("e1", None, None), ("e2", None, None)]
    assert [c.effect for c in found.worst] == pytest.approx([2 / 3 - 1, 2 / 3 - 1 / 4])
    assert "no mean over examples" in found.note


def test_examples_of_an_ordered_metric_are_not_ranked(side: Callable[..., Side]) -> None:
    a, b = (side(n, {"aurc": rows}, (AURC,)) for n, rows in (("a", [[0.9, 0], [0.5, 1]]), ("b", [[0.9, 1], [0.6, 1]])))
    found = changes(one(compare(a, b, [AURC])), AURC, 5)
    assert ([c.id for c in found.worst], found.better, found.worse) == (["e0", "e1"], None, None)
    assert "no example has a value" in found.note


@pytest.mark.parametrize(
    ("prediction", "text"),
    [
        (Prediction("e", text="a  b\n c\x1b[31m"), "a b c\\x1b[31m"),
        (Prediction("e", text=""), "(nothing)"),
        (Prediction("e", label_scores={"x": 0.25, "y": 0.75}), "y (0.75)"),
        (Prediction("e", values={"valence": 0.125}), "valence 0.125"),
        (Prediction("e", answer=["x"]), "['x']"),
        (Prediction("e", error="out of memory"), "(failed: out of memory)"),
        (Prediction("e", text="w" * 500), "w" * 159 + "…"),
    ],
)
def test_an_answer_is_shown_on_one_line_without_control_characters(prediction: Prediction, text: str) -> None:
    assert one_line(said(prediction)) == text


def test_other_machines_are_named(side: Callable[..., Side]) -> None:
    a, b = side("a", {"right": [0, 1]}), side("b", {"right": [0, 1]})
    faster = replace(b, run=replace(b.run, environment={**b.run.environment, "cpu": "two", "dtype": "bfloat16"}))
    assert machines(compare(a, b, [RIGHT])) == {}
    assert machines(compare(a, faster, [RIGHT])) == {"cpu": ("one", "two"), "dtype": ("float32", "bfloat16")}


# The command


Bench = Callable[..., tuple[int, list[str], list[str]]]


@pytest.fixture(scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the runs of the first test that asked for them are kept for the others."""
    return tmp_path_factory.mktemp("made") / "runs"


@pytest.fixture
def runs(own_package: Path, bench_main: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, _made: Path) -> Path:
    """Runs of the task `words`: of `oracle` and `constant` on all 12 examples in 4 clusters, of `random` on the first 8."""
    monkeypatch.setenv("BENCH_RUNS", str(tmp_path / "runs"))
    if _made.exists():
        return Path(shutil.copytree(_made, tmp_path / "runs"))
    for model, limit in (("oracle", "null"), ("constant", "null"), ("random", "8")):
        code, _, errors = bench_main("run", "task=words", f"model={model}", f"limit={limit}", "tracking.enabled=false")
        assert code == 0, errors
    shutil.copytree(tmp_path / "runs", _made)
    return tmp_path / "runs"


@pytest.mark.slow
def test_the_command_compares_and_prints_what_it_found(runs: Path, bench_main: Bench) -> None:
    code, lines, _ = bench_main("compare", "words/constant", "words/oracle", "--examples", "2")
    text = "\n".join(lines)
    assert code == 0
    assert "words, version 1: 12 examples, 4 clusters" in text
    assert "+100.00 [–, –]" in text
    assert "no difference found, and none could be: 4 clusters are too few, at least 6 are needed" in text
    assert "12 examples changed: B better on 12, worse on 0" in text

    code, lines, _ = bench_main("compare", "words/constant", "words/oracle", "--json", "--examples", "0")
    (pair,) = json.loads(lines[-1])["pairs"]
    assert (code, pair["n"], pair["better"], pair["changed"]["n"], pair["changed"]["worst"]) == (0, 12, "", 12, [])
    assert pair["metrics"][0]["difference"]["p"] == 0.125  # 2 of the 2**4 swaps of clusters

    code, lines, _ = bench_main("compare", "words/oracle", "words/oracle")
    assert code == 0
    assert "no verdict: A and B are one run, " in "\n".join(lines)
    bench_main("run", "task=words", "model=oracle", "tracking=none", "seed=5")
    ids = sorted(path.name for path in Path("runs/words/oracle").iterdir())
    code, lines, _ = bench_main("compare", *ids)
    assert code == 0
    assert "no difference found: every example has the same exact_match" in "\n".join(lines)


def test_bundles_pair_by_task_and_say_which_runs_have_no_partner(side: Callable[..., Side]) -> None:
    from bench.commands.compare import _pairs

    def of(task: str, model: str) -> Side:
        return side(model, {"right": [0]}, task=task)

    first, second = [of("x", "a"), of("y", "a"), of("z", "a")], [of("z", "b"), of("x", "b")]
    pairs, alone = _pairs(first, second, "a.zip", "b.zip")
    assert [(a.run.task, b.run.task) for a, b in pairs] == [("x", "x"), ("z", "z")]
    assert alone == ["y/a (0123456789ab) of a.zip has no partner of its task"]
    with pytest.raises(BenchError, match=r"a\.zip and b\.zip have no task in common: x and z, w"):
        _pairs([of("x", "a")], [of("z", "b"), of("w", "b")], "a.zip", "b.zip")
    with pytest.raises(BenchError, match=r"b\.zip holds several runs of x; choose one of b\.zip#x/b, b\.zip#x/c"):
        _pairs([of("x", "a")], [of("x", "b"), of("x", "c")], "a.zip", "b.zip")


def test_several_pairs_are_corrected_together_and_summed_up(runs: Path, bench_main: Bench) -> None:
    code, lines, _ = bench_main("compare", *["words/constant", "words/oracle"] * 2, "--examples", "0")
    text = "\n".join(lines)
    assert code == 0
    assert "p (Holm)" in text
    assert "All pairs" in text
    assert sum("words: constant to oracle" in line and "0.125" in line and "0.250" in line for line in lines) == 2


@pytest.mark.slow
def test_the_command_refuses_in_one_line_what_it_cannot_compare(runs: Path, bench_main: Bench) -> None:
    for arguments, message in (
        (
            ["words/oracle", "words/random"],
            "ran on different data (12 and 8 examples, 8 in common); --shared compares those",
        ),
        (["words/oracle"], "compare takes pairs of runs"),
        (["words/oracle", "words/oracle", "--resamples", "5"], "--resamples is 5; give at least 100"),
        (["words/oracle", "words/oracle", "--examples", "-1"], "--examples is -1; give at least 0"),
        (["words/oracle", "words/oracle", "--metric", "bleu"], "no metric 'bleu'; it has exact_match"),
        (["words/oracle", "words/nobody"], "words/nobody is no run"),
    ):
        code, _, errors = bench_main("compare", *arguments)
        assert (code, len(errors)) == (2, 1), errors
        assert message in errors[0]
    code, lines, _ = bench_main("compare", "words/oracle", "words/random", "--shared")
    assert code == 0
    assert any("compared on the 8 examples that both have, of 12 (A) and 8 (B)" in line for line in lines)


def test_a_run_without_rows_is_refused_in_one_line(runs: Path, bench_main: Bench) -> None:
    (folder,) = (runs / "words" / "oracle").iterdir()
    (folder / measurements.FILE).unlink()
    code, _, errors = bench_main("compare", "words/constant", str(folder))
    assert (code, len(errors)) == (2, 1)
    assert "has no measurements.json" in errors[0]


def test_an_answer_that_looks_like_markup_is_printed_as_it_is(runs: Path, bench_main: Bench) -> None:
    (folder,) = (runs / "words" / "constant").iterdir()
    path = folder / "predictions.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    text = "\\[/bold] [red]x"
    path.write_text("".join(json.dumps({**line, "text": text}) + "\n" for line in lines), encoding="utf-8")
    RunFolder(folder).finish(RunFolder(folder).read())  # as if the model had said so
    code, printed, _ = bench_main("compare", "words/constant", "words/oracle")
    assert code == 0
    assert any(text in line for line in printed)


@pytest.mark.parametrize("name", ["predictions.jsonl", "measurements.json", "timings.jsonl"])
def test_a_run_whose_files_were_altered_is_refused_by_the_file(runs: Path, bench_main: Bench, name: str) -> None:
    (folder,) = (runs / "words" / "constant").iterdir()
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")
    code, _, errors = bench_main("compare", "words/constant", "words/oracle")
    assert (code, len(errors)) == (2, 1)
    assert f"{name} is not the file that the run wrote" in errors[0]
