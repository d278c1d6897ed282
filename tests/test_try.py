"""`bench try` and `bench new` as whole commands, and what a look at a task's rows finds."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tiny import TinyTask

from bench.scaffold import suspicions
from bench.scaffold.columns import KINDS
from bench.scaffold.task_files import SCENARIOS
from bench.scaffold.trial import Trial, _examples
from bench.types import Choose, Example, Generate, Request, Span, Text

ROOT = Path(__file__).resolve().parents[1]
Bench = Callable[..., tuple[int, list[str], list[str]]]


class Asked(TinyTask):
    """A tiny task that asks these texts, for labels where it has some."""

    def __init__(self, rows: Sequence[tuple[str, Any]], labels: tuple[str, ...] = (), clusters: int = 1000) -> None:
        super().__init__(len(rows))
        self.rows, self.labels, self.clusters = rows, labels, clusters
        self.output = Choose if labels else Generate

    def examples(self) -> list[Example]:
        return [Example(f"e{i}", {"q": q}, a, f"c{i % self.clusters}") for i, (q, a) in enumerate(self.rows)]

    def request(self, example: Example) -> Request:
        return Request(example.id, (Text(example.inputs["q"]),), Choose(self.labels) if self.labels else Generate(8))


@pytest.fixture(autouse=True)
def _forgets_what_was_written(tmp_path: Path) -> Iterator[None]:
    """A module of one test's folder is no name that is taken in the next."""
    path, modules = [*sys.path], {*sys.modules}
    yield
    sys.path[:] = path
    for name in {*sys.modules} - modules:
        if tmp_path in Path(getattr(sys.modules[name], "__file__", None) or "/").resolve().parents:
            del sys.modules[name]
    importlib.invalidate_caches()


def looks(task: Any) -> str:
    """The lines on a task."""
    examples = task.examples()
    return "\n".join(suspicions.warnings(task, examples, examples, [task.request(one) for one in examples]))


@pytest.mark.parametrize(
    ("task", "line"),
    [
        (Asked([("same", ["a1"]), ("same", ["a1"]), ("other", ["b1"])]), "1 example asks what another asks already: e0, e1"),
        (Asked([("same", ["a1"]), ("same", ["b1"])]), "1 of these with different targets, so that no model gets all right: e0, e1"),
        (Asked([("It is 812 million. How much?", ["812 million"]), ("q", ["x1x"])]), "in 1 of 2 prompts the target stands in what"),
        (Asked([(f"{i} this is spam", "spam") for i in range(10)], ("spam", "ham")), "the text names the right label and no other"),
        (Asked([(str(i), "no" if i else "yes") for i in range(20)], ("yes", "no")), "95 % have the label 'no' (no 19, yes 1)"),
        (Asked([(str(i), "no" if i > 3 else "yes") for i in range(15)], ("yes", "no")), "some labels are rare (no 11, yes 4)"),
        (Asked([(str(i), "no") for i in range(9)], ("yes", "no")), "no example has the label yes"),
        (Asked([(str(i), ["x"]) for i in range(50)], clusters=5), "5 clusters (question): an interval needs 6, so there"),
        (Asked([(str(i), ["x"]) for i in range(50)], clusters=25), "about ± 20 points at 50 examples in 25 clusters"),
        (Asked([("p", ["1 2 3 4 5 6 7 8 9"]), ("q", ["1 2 3 4 5 6 7 8 9", "x"])]), "1 of 2 answers are longer than the 8 tokens"),
        (Asked([(str(i), "ab"[i % 2]) for i in range(20)], ("a", "b+")), "'Answer: b+' is read as no label, and only 'b+' alone"),
        (Asked([("q", None)]), "the references are held out"),
    ],
)  # fmt: skip
def test_what_looks_wrong_is_a_line(task: Any, line: str) -> None:
    task.card = replace(TinyTask.card, cluster="question")
    assert line in looks(task)


class Passages(Asked):
    """Of which each row is (passage, answers)."""

    output = Span

    def request(self, example: Example) -> Request:
        return Request(
            example.id,
            (Text(example.inputs["q"]),),
            Span(8, (), "what?", example.inputs["q"], may_be_unanswerable=True),
        )


def test_answers_that_do_not_stand_in_their_passage_are_counted_and_named() -> None:
    task = Passages([("It fell by 4 %.", ["4 %"]), ("It rose.", ["fell"]), ("40", ["4"]), ("It rose.", [])])
    task.output = Span
    assert "in 2 (67 %) of 3 passages no accepted answer stands: e1, e2;" in looks(task)
    task.rows = [("It fell by 4 %.", ["five", "4 %"])]
    assert "accepted answer stands" not in looks(task)


def test_nothing_is_said_of_rows_that_are_sound() -> None:
    rows = [(f"number {i}: good or bad?", "good" if i % 2 else "bad") for i in range(400)]
    assert looks(Asked(rows, ("good", "bad"))) == ""
    assert looks(Asked([(f"number {i}", [f"x{i}x"]) for i in range(400)])) == ""
    assert "stands in what" not in looks(Asked([("12 apples", ["2 apples"])] * 1))  # no whole word


def test_a_metric_that_cannot_tell_a_perfect_answer_is_named() -> None:
    task = Asked([(str(i), ["the"]) for i in range(9)])  # of which SQuAD's normalisation leaves nothing
    examples = task.examples()
    found = Trial(task, examples, examples, [task.request(one) for one in examples], (), ())
    assert any("an empty answer comes to as much of f1 as a perfect one" in line for line in found.remarks)


def test_ids_that_are_missing_or_come_twice_are_named() -> None:
    examples = [Example(name, {}, "", "c") for name in ("a", "b", "a", "", "b", "b")]
    assert suspicions.ids(examples) == [
        "1 example has no id, the first is number 4; give each its own",
        "2 ids come more than once: a, b; give each example its own",
    ]


def test_a_task_that_no_run_takes_for_its_ids_is_looked_at_all_the_same() -> None:
    examples, faults = _examples(TinyTask(ids=["a", "b", "a"]), None)
    assert (len(examples), faults) == (3, ["1 id comes more than once: a; give each example its own"])


def test_half_an_interval_is_that_of_clusters_by_their_weight() -> None:
    alone = [Example(str(i), {}, "", str(i)) for i in range(100)]
    assert suspicions.half_width(alone) == pytest.approx(1.96 * 0.5 / 10)  # 0.098
    pairs = [Example(str(i), {}, "", str(i // 2)) for i in range(100)]
    assert suspicions.half_width(pairs) == pytest.approx(1.96 * 0.5 / 50**0.5)


def test_the_wheel_has_the_templates_and_each_kind_and_scenario_has_its_example() -> None:
    import tomllib

    from bench.commands.shared.options import starting
    from bench.scaffold.rendered import FOLDER

    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert "bench" in wheel["packages"]
    assert "exclude" not in wheel
    assert tuple(SCENARIOS) == starting._SCENARIOS
    ignored = subprocess.run(["git", "check-ignore", "-q", *map(str, FOLDER.rglob("*.*"))], cwd=ROOT, check=False)
    assert ignored.returncode in (1, 128)  # hatchling leaves out what git ignores; 128 where this is no checkout
    assert {one[2] for some in SCENARIOS.values() for one in some} <= {one.name for one in (FOLDER / "data").iterdir()}


@pytest.mark.slow
def test_a_task_of_one_file_is_written_tried_and_run(
    bench_main: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["no;question;answer", *(f"{i};How much is {i} + {i}?;{2 * i} euros" for i in range(1, 51))]
    (tmp_path / "q.csv").write_text("\n".join(lines))
    code, out, err = bench_main("new", "task", "sums", "--from", "q.csv", "--json")
    assert (code, err) == (0, [])
    told = json.loads(out[-1])
    assert told["files"] == ["my/data/sums.csv", "my/conf/task/sums.yaml", "my/tests/test_sums.py"]
    assert told["next"][0] == "export BENCH_CONF=my/conf"
    monkeypatch.setenv("BENCH_CONF", "my/conf")
    code, out, err = bench_main("try", "task=sums", "--json")
    found = json.loads(out[-1])
    assert (code, found["n"], found["faults"]) == (0, 50, [])
    assert (found["scores"]["oracle"], found["scores"]["empty"]) == (1.0, 0.0)
    assert "lexical" in found["models"]
    assert found["not"]["boosting"] == "gives no Generate"
    assert "Question: How much is" in "".join(found["prompts"][0]["parts"])
    assert bench_main("run", "task=sums", "model=oracle", "tracking=none", "resamples=20")[0] == 0
    code, out, _ = bench_main("board", "sums")
    assert code == 0
    assert any("oracle" in line and "100.0" in line for line in out)
    code, _, err = bench_main("new", "task", "sums", "--from", "q.csv")
    assert (code, len(err)) == (2, 1)
    assert "exist; choose another name" in err[0]


@pytest.mark.slow
def test_boards_and_suites_find_the_tasks_that_were_written_before(bench_main: Bench, tmp_path: Path) -> None:
    assert bench_main("new", "task", "k_qa")[0] == bench_main("new", "metric", "hits")[0] == 0
    for words in (["board", "k_qa"], ["board", "b", "--task", "k_qa"], ["suite", "s", "--tasks", "k_qa,finmm_qa"]):
        assert bench_main("new", *words)[0] == 0, words
    for name in ("k_qa", "b"):
        lines = (tmp_path / f"my/conf/leaderboards/{name}.yaml").read_text().split("\n")
        assert lines[:2] == ["title: 'FILL IN: k qa'", "task: k_qa"]
    assert "- k_qa" in (tmp_path / "my/conf/suite/s.yaml").read_text()
    code, _, err = bench_main("new", "board", "h", "--task", "hits_qa")
    assert (code, "export BENCH_CONF=my/conf first" in err[0]) == (2, True)  # whose code nobody has vouched for
    assert "BENCH_CONF" not in os.environ
    assert bench_main("new", "task", "K_QA")[2] == [
        "bench: bench new task 'K_QA': the name is taken by the task 'k_qa'; choose another, such as my_k_qa"
    ]


@pytest.mark.slow
def test_rows_of_the_task_before_do_not_travel_with_one_that_is_written_over_it(
    bench_main: Bench, tmp_path: Path
) -> None:
    data = tmp_path / "my/data"
    assert bench_main("new", "task", "mine", "--kind", "docvqa")[0] == 0
    pictures = [one for one in (data / "mine").rglob("*") if one.is_file() and one.name != "rows.csv"]
    code, out, _ = bench_main("new", "task", "mine", "--kind", "spans", "--force")
    assert (code, (data / "mine/rows.csv").exists(), (data / "mine.jsonl").exists()) == (0, False, True)
    assert "took away my/data/mine/rows.csv, the rows of the task before" in out
    assert any(line.startswith("the task does not read my/data/mine/") for line in out)
    for one in pictures:
        one.unlink()
    again = ("new", "task", "mine", "--from", "my/data/mine.jsonl", "--kind", "table", "--force")
    code, _, _ = bench_main(*again, "--columns", "label=id")  # tokens are lists, which no table has
    assert (code, (data / "mine.jsonl").exists()) == (2, True)
    (tmp_path / "my/data/mine.jsonl").write_text(
        '{"text": "a", "label": "x", "n": 1}\n{"text": "b", "label": "y", "n": 2}\n' * 5
    )
    code, out, err = bench_main(*again)
    assert (code, (data / "mine.jsonl").exists()) == (0, True), err  # which is what was read, and may be all there is
    assert "the task does not read my/data/mine.jsonl; take away what is not to be passed on with it" in out


@pytest.mark.slow
def test_nothing_is_said_of_an_interval_where_there_will_be_none(
    bench_main: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "".join(f"The bank has {i} branches in the north.,How many {i}?,{i}\n" for i in range(1, 9))
    (tmp_path / "q.csv").write_text("context,question,answer,cluster\n" + rows.replace("\n", ",one\n"))
    assert bench_main("new", "task", "few", "--from", "q.csv")[0] == 0
    monkeypatch.setenv("BENCH_CONF", "my/conf")
    monkeypatch.setattr("bench.commands.try_task.models", lambda task: (["oracle"], {}))  # which takes seconds
    code, out, _ = bench_main("try", "task=few")
    assert (code, out[0].split("(")[0]) == (0, "few: 8 examples in 1 cluster ")
    assert "1 registered model can take it: oracle" in out
    assert any("so there will be none" in line for line in out)
    assert not any("a score of 50 %" in line for line in out)
    assert json.loads(bench_main("try", "task=few", "--json")[1][-1])["half_width"] is None


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["new", "task", "../x"], "the name must be 1 to 60 letters"),
        (["new", "task", "finmm_qa"], "is taken by the task"),
        (["new", "board", "b", "--task", "nope"], "task 'nope' is not in conf/task"),
        (["new", "board", "b", "--task", "finmm_q"], "finmm_qa"),
        (["new", "board", "nope"], "no task is called so; say --task NAME"),
        (["new", "board", "finmm_qa"], "is taken by the board 'finmm_qa'"),
        (["new", "task", "t", "--columns", "question=q"], "speak of a file; give it with --from"),
        (["new", "task", "t", "--from", "x.csv", "--columns", "q"], "found 'q', expected ROLE=NAME"),
        (["new", "task", "t", "--from", "none.csv"], "--from none.csv does not exist"),
        (["new", "task", "t", "--scenario", "risk", "--kind", "qa"], "has an example of its own kind"),
        (["new", "task", "t", "--from", "a.csv", "--from", "b.csv"], "--from: is given twice"),
        (["new", "task", "t", "--from", "a.csv", "--columns", "text=a,text=b"], "'text' comes twice"),
        (["try"], "no task is given"),
        (["try", "finmm_qa"], "say bench try task=finmm_qa"),
        (["try", "finmm_q"], "'finmm_q' is not KEY=VALUE; say bench try task=NAME"),
        (["try", "task=finmm_qa", "--prompts", "-1"], "--prompts -1 must be 0 or more"),
        (["try", "task=finmm_qa", "model=oracle"], "runs no model; leave model= out"),
        (["try", "task=dawnbench"], "ranks entries and asks no model"),
    ],
)
def test_what_cannot_be_begun_is_one_line_and_leaves_nothing(
    words: list[str], line: str, bench_main: Bench, tmp_path: Path
) -> None:
    code, _, err = bench_main(*words)
    assert (code, len(err)) == (2, 1), err
    assert line in err[0]
    assert not list(tmp_path.iterdir())


def run(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """A command of its own in the folder, as a user runs it."""
    path = os.pathsep.join(filter(None, [more.pop("PYTHONPATH", ""), str(ROOT), os.environ.get("PYTHONPATH", "")]))
    environment = {**os.environ, "BENCH_OFFLINE": "1", "PYTHONPATH": path, **more}
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.mark.slow
def test_all_that_can_be_begun_works_as_it_is_written(
    bench_main: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every kind of task, and the others: written, tried, run by two models, on a board, and green by its own test."""
    for kind in KINDS:
        assert bench_main("new", "task", f"a_{kind}", "--kind", kind)[0] == 0
    for words in (
        ["model", "guess"],
        ["metric", "hits"],
        ["board", "bord", "--task", "a_qa"],
        *(["suite", f"s_{one}", "--scenario", one] for one in SCENARIOS),
    ):
        code, out, err = bench_main("new", *words)
        assert (code, err) == (0, []), (words, out, err)
    monkeypatch.setenv("BENCH_CONF", "my/conf")
    monkeypatch.setattr(sys, "path", [*sys.path])
    importlib.invalidate_caches()
    quiet = ("tracking=none", "resamples=20", "limit=6")
    for kind in KINDS:
        code, out, err = bench_main("try", f"task=a_{kind}", "--prompts", "1")
        assert (code, err) == (0, []), (out, err)
        assert any(line.startswith("look: the card says nothing yet of title, source") for line in out)
    tasks = ",".join(f"a_{kind}" for kind in KINDS)
    assert bench_main("run", "-m", f"task={tasks}", "model=oracle,constant", *quiet)[0] == 0
    assert bench_main("run", "-m", "task=a_qa,a_labels,hits_qa", "model=guess", *quiet)[0] == 0
    assert bench_main("run", "task=finmm_qa", "model=guess", *quiet)[0] == 0
    assert bench_main("run", "-m", "suite=s_risk", "model=oracle", *quiet)[0] == 0
    assert bench_main("board", "bord")[0] == 0
    assert "passed" in run(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", "my/tests", BENCH_CONF="").stdout


@pytest.mark.slow
def test_a_package_is_installed_by_pip_and_found(bench_main: Bench, tmp_path: Path) -> None:
    assert bench_main("new", "package", "lab_tasks")[0] == 0
    pip = ("-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index", "--target", "site")
    run(tmp_path, *pip, "./lab_tasks")
    words = (
        "-m",
        "bench.cli",
        "run",
        "task=lab_tasks_qa",
        "model=lab_tasks_model",
        "tracking=none",
        "resamples=20",
        "--json",
    )
    done = run(tmp_path, *words, PYTHONPATH=str(tmp_path / "site"))
    assert json.loads(done.stdout.strip().split("\n")[-1])["n"] == 12
    assert "4 passed" in run(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", "lab_tasks/tests").stdout
