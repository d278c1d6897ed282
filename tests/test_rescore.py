"""Scoring stored predictions again: when, what is kept, and what whoever writes a parser or metric is told."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from own_study import Study

from bench.config.build import build
from bench.metrics.metric import Metric
from bench.scoring.source import _hashed, _Modules, _of_metric, changed, scorer_of


def scores(study: Study, run: dict[str, Any]) -> dict[str, float]:
    return {score["metric"]: score["value"] for score in study.record(run)["scores"]}


@pytest.mark.slow
def test_a_parser_that_changed_scores_a_complete_run_anew_and_keeps_the_scores_of_before(study: Study) -> None:
    first = study.run()
    before = study.record(first)
    lines = (Path(first["run_dir"]) / "predictions.jsonl").read_bytes()
    study.edit("NAME/tasks.py", "prediction.text.strip()", "'3'")
    again = study.run()
    after = study.record(again)
    assert again["run_id"] == first["run_id"]
    assert (Path(first["run_dir"]) / "predictions.jsonl").read_bytes() == lines
    assert [one["value"] for one in after["scores"]] == [pytest.approx(1 / 12)]
    (past,) = after["history"]
    assert past["scores"] == before["scores"]
    assert (past["scorer"], past["created"]) == (before["scorer"], before["created"])
    assert (after["created"], after["timings"], after["asked"]) == (
        before["created"],
        before["timings"],
        before["asked"],
    )
    rows = json.loads((Path(first["run_dir"]) / "measurements.json").read_text())["rows"]["exact"]["dense"]
    assert sum(rows) == 1
    assert study.run()["said"] == []  # once


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("float(target == answer)", "float(target != answer)", "metric 'exact' changed"),
        ("summarise=mean)", "summarise=mean, signature='v2')", "metric 'exact' changed"),
        ('Metric("exact", ', 'Metric("exactly", ', "metric 'exactly', metric 'exact' changed"),
        ("summarise=mean),)", "summarise=mean), Metric('more', measure=right))", "metric 'more' changed"),
        ("prediction.text.strip()", "self.cleaned(prediction.text)\n\n    def cleaned(self, text):\n        return text",
         "the parser changed"),
    ],
)  # fmt: skip
def test_a_metric_or_parser_that_changed_in_any_way_is_applied_and_named(
    study: Study, old: str, new: str, what: str
) -> None:
    first = study.run()
    study.edit("NAME/tasks.py", old, new)
    again = study.run()
    assert again["run_id"] == first["run_id"]
    assert f"scored anew ({what}" in again["said"][-1]


@pytest.mark.slow
def test_what_a_parser_only_reaches_counts_and_what_it_does_not_reach_does_not(study: Study) -> None:
    study.edit("NAME/tasks.py", "prediction.text.strip()", "tidy(prediction.text) + TAIL")
    study.edit("NAME/tasks.py", "def right", "TAIL = ''\n\n\ndef right")
    study.edit("NAME/tasks.py", "import END", "import END, tidy")
    study.write(
        "NAME/words.py",
        "import re\nEND = ' ='\nSPACE = re.compile(r' +')\n\n\ndef tidy(text):\n    return SPACE.sub('', text)\n",
    )
    study.run()
    assert study.run()["said"] == []
    for path, old, new in [
        ("NAME/tasks.py", "TAIL = ''", "TAIL = '.'"), ("NAME/words.py", "r' +'", "r' *'"),
        ("NAME/words.py", "SPACE.sub('', text)", "text"),
    ]:  # fmt: skip
        study.edit(path, old, new)
        assert "the parser changed" in study.run()["said"][-1]
    for path, old, new in [
        ("NAME/tasks.py", "    def answer(self, prediction):\n", "    def answer(self, prediction):\n        '''Tidied.'''\n"),
        ("NAME/tasks.py", "def right(target, answer):", "def right(target, answer):  # exact\n"),
        ("NAME/tasks.py", "def right", "OTHER = 3\n\n\ndef unused():\n    return OTHER\n\n\ndef right"),
        ("NAME/words.py", "import re\n", "import re\n\n\n# nothing\n"),
    ]:  # fmt: skip
        study.edit(path, old, new)
        assert study.run()["said"] == []


@pytest.mark.slow
def test_rescore_names_what_it_would_do_does_it_and_then_has_nothing_to_do(study: Study) -> None:
    first, second = study.run(), study.run("model.plus=1")
    study.edit("NAME/tasks.py", "prediction.text.strip()", "str(int(prediction.text) - 1)")
    code, out, _ = study.bench("rescore", "--all", "--dry-run")
    assert (code, out[-1]) == (0, "2 of 2 runs would be scored again")
    assert scores(study, first) == {"exact": 1.0}
    code, out, _ = study.bench("rescore", first["run_id"], "--json")
    assert (code, json.loads(out[-1])["changed"]) == (0, 1)
    assert (scores(study, first), scores(study, second)) == ({"exact": 0.0}, {"exact": 0.0})
    code, out, _ = study.bench("rescore", "--all")
    assert (code, out[-1]) == (0, "1 of 2 runs scored again")
    assert scores(study, second) == {"exact": 1.0}
    assert study.bench("rescore", "--all")[1][-1] == "0 of 2 runs scored again"


@pytest.mark.slow
def test_rescore_refuses_what_it_could_not_vouch_for_and_goes_on_with_the_rest(study: Study) -> None:
    runs = [study.run(f"model.plus={i}") for i in range(3)]
    study.edit("NAME/tasks.py", "prediction.text.strip()", "prediction.text")
    journal = Path(runs[0]["run_dir"]) / "predictions.jsonl"
    journal.write_text(journal.read_text().replace('"0"', '"1"'))
    (Path(runs[1]["run_dir"]) / "run.json").write_text("{")
    code, out, err = study.bench("rescore", "--all")
    assert (code, out[-1]) == (2, "1 of 1 runs scored again, 2 could not be")
    assert len(err) == 2
    assert "predictions.jsonl is not the file that the run wrote" in "".join(err)
    assert "is not a run record" in "".join(err)
    study.edit("NAME/tasks.py", "str(3 * i)", "str(3 * i + 1)")
    code, _, err = study.bench("rescore", runs[2]["run_id"])
    assert (code, len(err)) == (2, 1)
    assert "was made on other data" in err[0]
    assert study.bench("rescore")[0] == study.bench("rescore", "--all", "x")[0] == 2


@pytest.mark.slow
def test_a_record_that_asks_for_more_than_its_run_did_is_refused_before_anything_is_made(study: Study) -> None:
    path = Path(study.run()["run_dir"]) / "run.json"
    record = json.loads(path.read_text())
    record["config"]["task"]["n"] = 10**31
    path.write_text(json.dumps(record))
    code, _, err = study.bench("rescore", "--all")
    assert (code, len(err)) == (2, 1)
    assert "run.json does not hold the configuration of config.yaml beside it; run it again with --fresh" in err[0]


@pytest.mark.slow
def test_measurements_that_were_lost_or_damaged_are_made_again(study: Study) -> None:
    run = study.run()
    file = Path(run["run_dir"]) / "measurements.json"
    whole = file.read_bytes()
    for damage in (file.unlink, lambda: file.write_text("[]")):
        damage()
        assert study.run()["run_id"] == run["run_id"]
        assert file.read_bytes() == whole


@pytest.mark.slow
def test_two_scorers_never_share_a_table_and_are_not_compared(study: Study) -> None:
    study.run()
    study.edit("NAME/tasks.py", "prediction.text.strip()", "prediction.text")
    study.run("model.plus=1")
    study.write("leaderboards/sums.yaml", "title: Sums\ntask: sums\nversion: 1\nmetric: exact\n")
    assert study.bench("board", "sums")[0] == 0
    text = (study.folder / "leaderboards/sums.md").read_text()
    assert text.count("## ") == 2
    assert text.count("`bench rescore --all` scores all runs by those of today") == 2
    ids = [path.name for path in sorted((study.folder / "runs/sums/adder").iterdir())]
    code, _, err = study.bench("compare", *ids)
    assert (code, len(err)) == (2, 1)
    assert "were not scored alike: the parser of one is not that of the other" in err[0]
    study.bench("rescore", "--all")
    assert study.bench("board", "sums")[0] == 0
    assert (study.folder / "leaderboards/sums.md").read_text().count("## ") == 1
    assert study.bench("compare", *ids)[0] == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("prediction.text.strip()", "{}[prediction.text]",
         "task 'sums': answer() of example 's0' raised KeyError: '0' (tasks.py line 44); it was given {'id': 's0', 'text': '0'"),
        ("return (float(target == answer),)", "return 0.5",
         "metric 'exact': the row of example 's0' is 0.5 (float); measure() and worst() give a sequence of 1 finite number"),
        ("return (float(target == answer),)", "return (1.0,) * (1 + (answer == '9'))",
         "task 'sums', metric 'exact': the row of example 's3' is (1.0, 1.0) (tuple); measure()"),
        ("return (float(target == answer),)", "return (float('nan') if answer == '9' else 1.0,)",
         "the row of example 's3' is (nan,)"),
        ("return (float(target == answer),)", "return None", "the row of example 's0' is None (NoneType)"),
        ("return (float(target == answer),)", "return 'x'", "the row of example 's0' is 'x' (str)"),
        ("return (float(target == answer),)", "return (1 / (int(answer) - 9),)",
         "task 'sums', metric 'exact': measure() of example 's3' raised ZeroDivisionError: division by zero (tasks.py line 14)"),
        ("summarise=mean", "summarise=lambda totals, n: totals[5]", "task 'sums', metric 'exact': summarise() raised IndexError"),
        ("summarise=mean", "summarise=lambda totals, n: totals[..., 0] * float('inf')", "summarise() gave inf for 12 rows"),
    ],
)  # fmt: skip
def test_what_a_parser_or_metric_does_wrong_is_one_line_and_costs_no_prediction(
    study: Study, old: str, new: str, line: str
) -> None:
    study.edit("NAME/tasks.py", old, new)
    said = study.fails()
    assert line in said
    assert said.endswith(
        "correct it and run the same command again: the predictions are kept, and no model is asked again"
    )
    study.edit("NAME/tasks.py", new, old)
    study.edit(
        "NAME/models.py", "    def said(self", "    def load(self, device, *, seed):\n        pass\n\n    def said(self"
    )
    study.edit("NAME/models.py", "    def load(self, device, *, seed):\n        pass\n\n", "")
    run = study.run()
    assert study.record(run)["timings"]["attempts"] == 2
    assert len((Path(run["run_dir"]) / "timings.jsonl").read_text().split('"predict"')) == 2  # one batch, asked once


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("return Request(", "return None and Request(", "request() of example 's0' gave a NoneType; a Request of that id is due"),
        ("Request(example.id, parts", "Request('x', parts", "request() of example 's0' gave one of id 'x' and output Generate"),
        ("return Request(", "return [][0] and Request(", "request() of example 's0' raised IndexError"),
        ("return [Example(", "return 1 / 0 and [Example(", "task 'sums': examples() raised ZeroDivisionError"),
    ],
)  # fmt: skip
def test_what_a_task_does_wrong_before_a_model_is_asked_is_one_line(
    study: Study, old: str, new: str, line: str
) -> None:
    study.edit("NAME/tasks.py", old, new)
    assert line in study.fails()


@pytest.mark.slow
def test_what_ideal_does_wrong_is_one_line_and_an_ideal_that_changed_is_another_oracle(study: Study) -> None:
    first = study.run(model="oracle")
    assert study.run(model="oracle")["run_id"] == first["run_id"]
    study.edit(
        "NAME/tasks.py",
        "Prediction(example.id, text=example.target)",
        "Prediction(example.id, text='' + example.target + ' ')",
    )
    assert study.run(model="oracle")["run_id"] != first["run_id"]
    study.edit("NAME/tasks.py", "'' + example.target", "3 + example.target")
    assert "task 'sums': ideal() of example 's0' raised TypeError" in study.fails(model="oracle")


def test_the_scorer_of_a_task_names_its_parser_and_each_metric() -> None:
    task = build({"_target_": "tasks.finmm.qa.FinmmQA"}, "task")
    found = scorer_of(task)
    assert list(found) == ["answer", "f1", "exact_match"]
    assert scorer_of(task) == found
    assert changed(found, found) == []
    assert changed({}, found) == ["the parser", "metric 'f1'", "metric 'exact_match'"]
    assert changed(found, found | {"f1": "0"}) == ["metric 'f1'"]


@pytest.mark.slow
def test_new_scores_reach_the_mlflow_run_of_before_and_make_no_second_one(study: Study) -> None:
    from mlflow import MlflowClient

    code, _, err = study.bench("run", "task=sums", "model=adder", "resamples=20")
    assert (code, err) == (0, [])
    study.edit("NAME/tasks.py", "prediction.text.strip()", "'3'")
    assert study.bench("rescore", "--all")[0] == 0
    client = MlflowClient(f"sqlite:///{study.folder / 'runs/mlflow.db'}")

    def logged() -> list[float]:
        (run,) = client.search_runs([one.experiment_id for one in client.search_experiments()])
        return [
            point.value for point in sorted(client.get_metric_history(run.info.run_id, "exact"), key=lambda p: p.step)
        ]

    assert logged() == [1.0, pytest.approx(1 / 12)]
    study.edit("NAME/tasks.py", "'3'", "prediction.text")
    assert study.bench("run", "task=sums", "model=adder", "resamples=20")[0] == 0  # scores by itself
    assert logged() == [1.0, pytest.approx(1 / 12), 1.0]
    assert study.bench("sync")[1][-1].startswith("0 runs logged")


@pytest.mark.slow
def test_the_scorer_is_the_same_whatever_is_loaded() -> None:
    """A digest that depends on which modules are there yet would score every run again and again."""
    import subprocess
    import sys

    script = (
        "import importlib, pkgutil, sys\nfrom pathlib import Path\nfrom bench.config import compose as conf\n"
        "from bench.config.build import build\nfrom bench.scoring.source import scorer_of\n"
        "if sys.argv[1] == 'all':\n"
        "    import numpy, rapidfuzz.distance.Levenshtein, sacrebleu, scipy.special, nltk, evaluate, sympy, datasets\n"
        "    import bench.metrics, tasks\n"
        "    for one in (bench.metrics, tasks):\n"
        "        for found in pkgutil.iter_modules(one.__path__):\n"
        "            importlib.import_module(f'{one.__name__}.{found.name}')\n"
        "names = [name for name in conf.names('task') if name != 'dawnbench'][::3]\n"
        "print({name: scorer_of(build(conf.choice('task', name), 'task')) for name in names})\n"
    )
    found = [
        subprocess.run([sys.executable, "-c", script, word], capture_output=True, text=True, check=True).stdout
        for word in ("few", "all")
    ]
    assert found[0] == found[1] != ""


HELD = """
import functools, re
from bench.metrics.metric import Metric
import NAME.deep.inner
try:
    from NAME.other import offset
except ImportError:
    offset = None
from NAME.stars import *

NAMES = ["a"]
NAMES.append("b")
NAMES += ["c"]
WORDS = {"x"}

class Rule:
    def __init__(self, weight): self.weight = weight
    def __call__(self, target, answer): return (self.weight,)
    def bound(self, target, answer): return (self.weight,)

def keyed(target, answer, *, scale=1): return (scale,)
def made(table, pattern, words):
    return lambda target, answer: (float(bool(table and pattern and words)),)
def named(target, answer): return (float(len(NAMES)),)
def dotted(target, answer): return (NAME.deep.inner.value(),)
def tried(target, answer): return (offset(),)
def starred(target, answer): return (star(),)
def inside(target, answer):
    import NAME.deep.inner as far
    return (far.value(),)
def plus(target, answer, more): return (more[0],)

MEASURES = {
    "dict": made({"a": 1}, None, None), "pattern": made(None, re.compile("a"), None), "set": made(None, None, frozenset("ab")),
    "keyed": keyed, "callable": Rule(1), "bound": Rule(2).bound, "named": named, "dotted": dotted, "tried": tried,
    "starred": starred, "inside": inside, "partial": functools.partial(plus, more=[1]),
}
"""


@pytest.mark.parametrize(
    ("metric", "file", "old", "new"),
    [
        ("dict", "held", '{"a": 1}', '{"a": 2}'),
        ("pattern", "held", 're.compile("a")', 're.compile("a", re.I)'),
        ("set", "held", 'frozenset("ab")', 'frozenset("ac")'),
        ("keyed", "held", "scale=1", "scale=2"),
        ("callable", "held", "Rule(1)", "Rule(3)"),
        ("bound", "held", "Rule(2)", "Rule(3)"),
        ("named", "held", 'append("b")', 'append("z")'),
        ("named", "held", '+= ["c"]', '+= ["z"]'),
        ("dotted", "deep/inner", "1", "2"),
        ("inside", "deep/inner", "1", "2"),
        ("tried", "other", "1", "2"),
        ("starred", "stars", "1", "2"),
        ("partial", "held", "more=[1]", "more=[2]"),
    ],
)
def test_what_a_metric_holds_or_reaches_counts_however_it_is_reached_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, metric: str, file: str, old: str, new: str
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # an edit within a second would be taken for none

    def scorers(*, edited: bool) -> dict[str, str]:
        files = {
            "held": HELD,
            "deep/inner": "def value(): return 1",
            "other": "def offset(): return 1",
            "stars": "def star(): return 1",
        }
        for path, text in (files | {"__init__": "", "deep/__init__": ""}).items():
            place = tmp_path / "held_one" / f"{path}.py"
            place.parent.mkdir(parents=True, exist_ok=True)
            assert not (edited and path == file) or old in text
            text = text.replace(old, new) if edited and path == file else text
            place.write_text(text.replace("NAME", "held_one"))
        for loaded in [key for key in sys.modules if key.partition(".")[0] == "held_one"]:
            del sys.modules[loaded]
        importlib.invalidate_caches()
        measures = importlib.import_module("held_one.held").MEASURES
        modules = _Modules(frozenset())
        return {key: _hashed(_of_metric(Metric(key, measure), modules)) for key, measure in measures.items()}

    before = scorers(edited=False)
    after = scorers(edited=True)
    assert {key for key in before if before[key] != after[key]} >= {metric}
    assert {key for key in before if before[key] != after[key]} <= {metric, "dotted", "inside"}
