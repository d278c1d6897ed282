"""Logs of other harnesses as runs. The logs in golden/imports were written by lm-eval 0.4.13 and inspect_ai 0.3.285 on finmm (CC0):
`python scripts/make_import_logs.py MODEL_FOLDER tests/golden/imports 3`, with SmolLM2-135M-Instruct."""

from __future__ import annotations

import gzip
import json
import math
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from bench import load_run
from bench.cli import main
from bench.commands.shared import output
from bench.config.build import build, class_of
from bench.errors import BenchError
from bench.exports import card, long, paper
from bench.exports import eee as to_eee
from bench.exports.item import item
from bench.imports import eee, helm, inspect_ai, lm_eval, making, mteb, reading
from bench.imports.log import Log, Sample, named
from bench.imports.pairing import pair
from bench.judging.compare import compare
from bench.judging.pair import read_side
from bench.leaderboard import cells
from bench.leaderboard.alike import origin_of
from bench.leaderboard.board import Row, tables
from bench.leaderboard.cells import shown
from bench.leaderboard.definition import Board
from bench.metrics.reading import EXACT_MATCH
from bench.runs import measurements
from bench.runs.claimed import is_claimed
from bench.runs.folder import read_run
from bench.runs.settings import Settings
from bench.scoring.bounds import by_rule
from bench.task import Task
from bench.types import Example, Generate, Prediction, Request, Text

LOGS = Path(__file__).parent / "golden" / "imports"
QUESTIONS = next(iter(LOGS.glob("samples_finmm_questions_*.jsonl")), LOGS)
CHOICES = next(iter(LOGS.glob("samples_finmm_answerable_*.jsonl")), LOGS)
RESULTS = next(iter(LOGS.glob("results_*.json")), LOGS)
EVAL = LOGS / "finmm_questions.eval"


def imported(log: Log, path: Path, runs: Path, **more):
    return making.as_it_is(making.Source.of(log, path, more.pop("model", None), **more), Settings(runs_dir=runs))


class Asks(Task):
    """Questions on a passage, asked after an instruction."""

    name, version, metrics, output = "asks", 1, (), Generate

    def __init__(self, *rows: dict[str, str]) -> None:
        texts = [{name: text for name, text in row.items() if name != "id"} for row in rows]
        self.rows = [Example(row.get("id", str(i)), texts[i], "yes", "c") for i, row in enumerate(rows)]

    def examples(self):
        return self.rows

    def request(self, example):
        shown = "\n".join(example.inputs[name] for name in ("context", "question") if name in example.inputs)
        return Request(example.id, (Text(f"Read this.\n{shown}"),), Generate(8))

    def answer(self, prediction: Prediction):
        return prediction.text

    def ideal(self, example):
        return Prediction(example.id, text="yes")


def test_the_perplexity_of_a_sample_is_its_log_likelihood_of_which_more_is_better(tmp_path):
    """lm-eval's `process_results` puts the log likelihood under that name; only the aggregate is a perplexity."""
    line = {"doc": {"text": "a b"}, "target": "b", "arguments": [["a", " b"]], "resps": [[["-1.5", "False"]]],
            "filtered_resps": [["-1.5", "False"]], "filter": "none", "metrics": ["perplexity", "acc"], "acc": 0.0}  # fmt: skip
    path = tmp_path / "samples_x_2026-11-30T05-51-19.436923.jsonl"
    path.write_text("".join(json.dumps(line | {"doc_id": i, "perplexity": -1.0 - i}) + "\n" for i in range(2)))
    told = {
        "results": {"x": {"perplexity,none": 4.5}},
        "higher_is_better": {"x": {"perplexity": False}},
        "lm_eval_version": "0.4.13",
    }
    (tmp_path / "results_2026-11-30T05-51-19.436923.json").write_text(json.dumps(told))
    log = lm_eval.read(path)
    assert (log.metrics, log.lower) == (("log_likelihood", "acc"), frozenset())
    assert "log_likelihood (more is better)" in log.notes[0]
    found = imported(log, path, tmp_path / "runs").run.scores[0]
    assert (found.metric, found.value, found.higher_is_better) == ("log_likelihood", -1.5, True)


def test_a_log_of_lm_eval_becomes_a_run_with_the_values_that_lm_eval_printed(tmp_path):
    log = lm_eval.read(CHOICES)
    stated = json.loads(RESULTS.read_text())["results"]["finmm_answerable"]
    run = imported(log, CHOICES, tmp_path, cluster="context").run
    assert {one.metric: one.value for one in run.scores} == {
        name: stated[f"{name},none"] for name in ("acc", "acc_norm")
    }
    assert (run.task, run.task_version, run.model, log.version) == (
        "lm-eval-finmm_answerable",
        1,
        "smollm2-135m",
        "0.4.13",
    )
    kept = read_run(next(tmp_path.rglob("run.json")))
    assert origin_of(kept) == "imported"
    assert is_claimed(kept, "examples_per_second")
    assert [one.name for one in class_of(kept).metrics] == ["acc", "acc_norm"]


def test_scores_of_another_harness_own_task_are_its_word_in_exports_with_the_interval_of_boards(tmp_path):
    log = lm_eval.read(CHOICES)
    samples = [
        replace(log.samples[0], id=str(i), digest=str(i), values={"acc": float(i % 3 > 0), "acc_norm": 1.0})
        for i in range(40)
    ]
    made = imported(replace(log, samples=tuple(samples), n=40, stated={}), CHOICES, tmp_path, model="a")
    changed, measured = replace(made.run, resamples=100), measurements.read(made.folder.path)
    items = [item(made.folder.path, one, None, measured) for one in (changed, replace(made.run, model="b"))]
    (table,) = paper.papers(items)
    assert all(
        (cell.claimed, cell.best, cell.group) == (True, False, None) for _, cells in table.rows for cell in cells
    )
    score = items[0].run.scores[0]
    assert None not in (score.low, score.high)
    assert score == by_rule(made.run.scores[0], class_of(made.run).metrics[0], measured)
    assert {row["claimed"] for row in long.rows(items)} == {"all"}
    assert "Imported from a log of lm-eval" in card.section(items[0])
    assert f"| \\~{shown(score, score.value)} |" in card.section(items[0])
    assert "imported from a log of lm-eval" in " ".join(table.notes)
    for show in (load_run(made.folder.path).to_frame, load_run(made.folder.path).plot):
        with pytest.raises(BenchError, match="was imported with its task"):
            show("slices")


def test_each_filter_of_lm_eval_is_a_metric_of_its_own_and_the_reply_is_the_raw_one():
    log = lm_eval.read(QUESTIONS)
    assert log.metrics == ("exact_match", "exact_match,number")
    line = json.loads(QUESTIONS.read_text().split("\n")[0])
    assert log.samples[0].said == line["resps"][0][0]
    assert len(log.samples) == 3


@pytest.mark.slow
def test_a_log_is_paired_with_our_task_by_its_texts_and_scored_by_our_metrics(tmp_path):
    task = build({"_target_": "tasks.finmm.qa.FinmmQA"}, "task")
    for log, path in ((lm_eval.read(QUESTIONS), QUESTIONS), (inspect_ai.read(EVAL), EVAL)):
        made = making.with_ours(
            making.Source.of(log, path, "theirs", only_paired=True), task, Settings(runs_dir=tmp_path)
        )
        assert (made.pairs["paired"], made.pairs["alone"]["n"], made.run.n_examples) == (3, 0, 3)
        assert {one.metric for one in made.run.scores} == {"f1", "exact_match"}
        assert set(made.theirs) == set(log.metrics)
        said = {one.id: one.text for one in made.folder.predictions()}
        assert said == {one.own_id: one.said for one in log.samples}


def test_choices_are_scored_by_likelihood_only_where_they_are_our_labels(tmp_path):
    log = lm_eval.read(CHOICES)
    assert set(log.samples[0].choices) == {"yes", "no"}
    task = build({"_target_": "tasks.finmm.qa.FinmmQA"}, "task")
    with pytest.raises(BenchError, match="its choices are yes, no, where a text is due"):
        making.with_ours(making.Source.of(log, CHOICES, "m"), task, Settings(runs_dir=tmp_path))


def test_what_stands_behind_solved_examples_is_what_was_asked():
    task = Asks(
        {"context": "A short passage.", "question": "Who was first?"},
        {"context": "A short passage.", "question": "Who was next?"},
    )
    shots = "A short passage.\nWho was next?\nshe\n\nA short passage.\nWho was first?\nAnswer:"
    assert {k: v.id for k, v in pair(task, task.rows, [Sample("s", (shots,), shots)]).samples.items()} == {"0": "s"}


@pytest.mark.parametrize(
    ("texts", "own_id", "n"),
    [
        (("Where is my card?",), "9", 1),  # the id of another data set says nothing
        (("where  is my CARD?",), "", 1),
        (("Text: Where is my card? Answer:",), "", 1),
        (('He asks: "Where is my card?"',), "", 1),
        (("Where is my card? I lost it.",), "0", 0),  # a piece of another text, though the id is ours
        (("Nobody knows: where is my card?x",), "", 0),
        (("Something else",), "0", 0),
    ],
)
def test_a_text_pairs_as_a_whole_and_an_id_alone_pairs_nothing(texts, own_id, n):
    task = Asks({"question": "Where is my card?"})
    assert len(pair(task, task.rows, [Sample("s", texts, "", own_id=own_id)]).samples) == n


def test_a_single_word_pairs_only_with_the_id():
    task = Asks({"id": "a", "question": "seven"})
    assert len(pair(task, task.rows, [Sample("0", ("How many?", "seven"), own_id="b")]).samples) == 0
    assert len(pair(task, task.rows, [Sample("0", ("seven",), own_id="a")]).samples) == 1


def test_of_samples_with_the_same_texts_the_id_decides_or_none_is_paired():
    task = Asks({"id": "a", "question": "Is it so?"}, {"id": "b", "question": "Is it so?"})
    samples = [Sample("0", ("Is it so?",), own_id="b"), Sample("1", ("Is it so?",), own_id="a")]
    assert {key: one.id for key, one in pair(task, task.rows, samples).samples.items()} == {"a": "1", "b": "0"}
    found = pair(task, task.rows, [Sample("0", ("Is it so?",), own_id="x"), Sample("1", ("Is it so?",), own_id="y")])
    assert (len(found.samples), found.ambiguous, len(found.alone)) == (0, 2, 2)


def _changed(line: int, **fields):
    """The committed log with other fields in one of its lines."""
    rows = [json.loads(one) for one in CHOICES.read_text().split("\n") if one]
    rows[line].update(fields)
    return "".join(json.dumps(one) + "\n" for one in rows)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda text: text[: len(text) - 200], "line 3 is not JSON.*cut off"),
        (lambda text: "", "is empty"),
        (lambda text: "\n", "holds no samples"),
        (lambda text: text + text.split("\n")[1] + "\n", "doc_id 1 under the filter 'none' stands in line 2 too"),
        (lambda text: "[1]\n", "found a list, expected an object"),
        (lambda text: '{"id": 1}\n', "the key 'doc_id' is missing"),
        (lambda text: "".join(text.split("\n")[0]) + "\n", "holds 1 samples, its results say 3"),
        (lambda text: _changed(0, metrics="acc"), "'metrics' is no list of names"),
        (lambda text: _changed(0, resps="x"), "'resps' is a str"),
        (lambda text: "[" * 100_000, "line 1 is not JSON"),
    ],
)  # fmt: skip
def test_a_damaged_log_is_one_line_that_says_where(tmp_path, make, said):
    path = tmp_path / CHOICES.name
    path.write_text(make(CHOICES.read_text()))
    shutil.copy(RESULTS, tmp_path)
    with pytest.raises(BenchError, match=said) as found:
        lm_eval.read(path)
    assert "\n" not in str(found.value)


def test_what_is_no_log_at_all_is_one_line(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(gzip.compress(CHOICES.read_bytes()))
    for path, said in (
        (tmp_path / "a.jsonl", "packed .gzip."),
        (tmp_path, "is a folder"),
        (tmp_path / "b", "does not exist"),
        (RESULTS, "--results"),
    ):
        with pytest.raises(BenchError, match=said):
            lm_eval.read(path)
    with pytest.raises(BenchError, match="is of finmm_questions, finmm_answerable, the samples of 'other'"):
        lm_eval.read(Path(shutil.copy(CHOICES, tmp_path / "samples_other_2026-01-01T00-00-00.jsonl")), RESULTS)


@pytest.mark.parametrize("value", [math.nan, None, "high", [1, 2], {"a": 1}, 10**400])
def test_a_metric_that_is_no_number_is_left_out_and_said(tmp_path, value):
    path = tmp_path / "x.jsonl"
    path.write_text(_changed(1, acc=value).replace("[1, 2]", "[1,2]"))
    made = imported(lm_eval.read(path), path, tmp_path / "runs", model="m")
    assert [one.metric for one in made.run.scores] == ["acc_norm"]
    assert any("acc is left out: 1 samples lack it, the first is '1'" in line for line in made.lines)


def test_older_lines_of_lm_eval_and_prompts_of_messages_are_read(tmp_path):
    path = tmp_path / "x.jsonl"
    old = {
        key: value for key, value in json.loads(_changed(0).split("\n")[0]).items() if key not in ("filter", "metrics")
    }
    message = '[{"role": "user", "content": "Who?\\nAnswer:"}]'
    path.write_text(json.dumps(old | {"arguments": [[message, {}]], "resps": [["me"]]}) + "\n")
    sample = lm_eval.read(path).samples[0]
    assert (sample.prompt, sample.said, set(sample.values)) == ("Who?\nAnswer:", "me", {"acc", "acc_norm"})
    path.write_text(
        json.dumps(old | {"acc": ["a", "b"], "acc_norm": ["a", "b"]}) + "\n"
    )  # as a corpus' metric stands there
    with pytest.raises(BenchError, match=r"no metric with a number of every sample.*acc is no number a sample"):
        imported(lm_eval.read(path), path, tmp_path, model="m")


def test_both_forms_of_an_inspect_log_are_the_same_log(tmp_path):
    zipped = inspect_ai.read(EVAL)
    assert zipped == inspect_ai.read(_inspect(tmp_path))
    assert zipped.metrics == ("match", "includes")
    assert [one.id for one in zipped.samples] == ["finmm-qa-028-1", "finmm-qa-028-2", "finmm-qa-028-3"]
    assert any("up to 2 epochs" in line for line in zipped.notes)


def _inspect(tmp_path, **changes):
    """The committed log in its older form, one JSON of the header and the samples, with other values in it."""
    archive = reading.Archive(EVAL, inspect_ai.WHAT)
    log = archive.json("header.json")
    log["samples"] = [archive.json(name) for name in archive.names() if name.startswith("samples/")]
    log.update(changes)
    path = tmp_path / "log.json"
    path.write_text(json.dumps(log))
    return path


def test_words_of_inspect_count_as_inspect_counts_them_and_epochs_are_averaged(tmp_path):
    words = {"C": 1, "I": 0, "P": 0.5, "N": 0, "yes": 1, "0.25": 0.25}
    samples = [
        {"id": i, "epoch": epoch, "input": f"q {i}", "target": "t", "output": {"choices": [], "completion": "x"},
         "scores": {"s": {"value": word}}}
        for i, word in enumerate(words) for epoch in (1, 2)
    ] + [{"id": "e", "epoch": 1, "input": "q", "target": "t", "error": {"message": "it broke"}, "scores": {}}]  # fmt: skip
    samples[0]["scores"]["s"]["value"] = "I"
    log = inspect_ai.read(_inspect(tmp_path, samples=samples, results={}))
    assert [one.values.get("s") for one in log.samples] == [0.5, 0, 0.5, 0, 1, 0.25, None]
    asked = {
        "id": 1,
        "epoch": 1,
        "input": "q",
        "choices": ["Rome", "Paris"],
        "target": "B",
        "output": {"completion": "ANSWER: B"},
    }
    chosen = inspect_ai.read(
        _inspect(tmp_path, samples=[asked | {"scores": {"choice": {"value": "C", "answer": "B"}}}], results={})
    )
    assert chosen.samples[0].said == "Paris"
    _inspect(tmp_path, samples=samples, results={})
    run = imported(log, tmp_path / "log.json", tmp_path / "runs").run
    assert (run.scores[0].n, run.scores[0].n_failed, run.scores[0].value) == (7, 1, 2.25 / 7)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"status": "cancelled"}, "status 'cancelled'"),
        ({"version": 9}, "version 9"),
        ({"eval": {}}, "no log of inspect_ai"),
        ({"samples": []}, "holds 0 samples"),
        ({"samples": [1]}, "found a int, expected an object"),
    ],
)
def test_a_log_of_inspect_that_cannot_be_used_is_one_line(tmp_path, changes, said):
    with pytest.raises(BenchError, match=said):
        inspect_ai.read(_inspect(tmp_path, **changes))


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"../header.json": b"{}"}, "leaves the folder"),
        ({"/etc/x": b"{}"}, "absolute path"),
        ({"header.json": b"0" * 50_000_000}, "unpacks to more than"),
        ({"_journal/start.json": b"{}"}, "did not end"),
        ({"a.json": b"{}"}, "it is no log"),
        ({"header.json": b"\xff"}, "not UTF-8"),
    ],
)
def test_a_hostile_zip_is_one_line_and_nothing_is_unpacked(tmp_path, members, said):
    path = tmp_path / "x.eval"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    with pytest.raises(BenchError, match=said):
        inspect_ai.read(path)
    assert list(tmp_path.iterdir()) == [path]


def test_a_zip_that_was_cut_or_changed_is_one_line(tmp_path):
    data = EVAL.read_bytes()
    with zipfile.ZipFile(EVAL) as archive:
        at = archive.getinfo("header.json").header_offset + 100
    for place, text in enumerate((data[: len(data) // 2], data[:at] + bytes(200) + data[at + 200 :], b"PK", b"{}")):
        path = tmp_path / f"{place}.eval"
        path.write_bytes(text)
        with pytest.raises(BenchError, match=r"cut off|bring the log again|\.eval: "):
            inspect_ai.read(path)


def _helm(folder: Path, n: int = 6) -> Path:
    """A run of HELM as its documentation has it: two metrics, counts beside them, a perturbed copy, two trials of the first."""
    folder.mkdir()
    stat = lambda name, mean, **more: {"name": {"name": name, "split": "test", **more}, "mean": mean, "count": 1}  # noqa: E731
    keys = [(f"id{i}", 0) for i in range(n)] + [("id0", 1)]
    states = [
        {"instance": {"id": key, "split": "test", "input": {"text": f"Question {key}"},
                      "references": [{"output": {"text": "Paris"}, "tags": ["correct"]}, {"output": {"text": "Rome"}, "tags": []}]},
         "train_trial_index": trial, "output_mapping": {"A": "Paris", "B": "Rome"}, "request": {"prompt": f"Q: {key}"},
         "result": {"success": True, "completions": [{"text": " A"}]}} for key, trial in keys
    ]  # fmt: skip
    stats = [
        {"instance_id": key, "train_trial_index": trial,
         "stats": [stat("num_prompt_tokens", 9), stat("f1_score", 0.5), stat("exact_match", trial)]} for key, trial in keys
    ]  # fmt: skip
    stats.append(
        {
            "instance_id": "id1",
            "train_trial_index": 0,
            "perturbation": {"name": "typos"},
            "stats": [stat("exact_match", 1)],
        }
    )
    for name, value in (("run_spec", {"name": "mmlu:subject=x,model=openai_gpt2", "adapter_spec": {"model": "openai/gpt2"}}),
                        ("scenario_state", {"request_states": states}), ("per_instance_stats", stats)):  # fmt: skip
        (folder / f"{name}.json").write_text(json.dumps(value))
    return folder


def test_a_run_of_helm_has_its_metrics_without_counts_and_perturbations(tmp_path):
    log = helm.read(_helm(tmp_path / "helm"))
    assert (log.task, log.model, log.metrics) == ("mmlu:subject=x", "openai/gpt2", ("exact_match", "f1_score"))
    assert [one.values["exact_match"] for one in log.samples] == [0.5, 0, 0, 0, 0, 0]
    assert (log.samples[0].said, log.samples[0].target) == ("Paris", ["Paris"])
    assert any("1 measurements of perturbed" in line for line in log.notes)
    run = imported(log, tmp_path / "helm", tmp_path / "runs").run
    assert (run.model, run.scores[0].value) == ("openai__gpt2", 0.5 / 6)
    whole = json.loads((tmp_path / "helm" / "scenario_state.json").read_text())
    whole["request_states"][3]["instance"]["split"] = "valid"
    (tmp_path / "helm" / "scenario_state.json").write_text(json.dumps(whole))
    test = helm.read(tmp_path / "helm")
    assert (len(test.samples), "1 instances of other splits" in test.notes[-2]) == (5, True)
    (tmp_path / "helm" / "scenario_state.json").write_text('{"request_states": [{"instance": {"id": "id0"}}]}')
    with pytest.raises(BenchError, match=r"measures 6 instances that scenario_state\.json has not"):
        helm.read(tmp_path / "helm")


def test_figures_without_samples_stand_on_boards_and_pair_with_nothing(tmp_path):
    folder = tmp_path / "results" / "org__model" / "abc"
    folder.mkdir(parents=True)
    path = folder / "STS12.json"
    rows = [{"hf_subset": name, "main_score": value, "languages": ["eng"]} for name, value in (("a", 0.5), ("b", 0.7))]
    path.write_text(
        json.dumps({"task_name": "STS12", "mteb_version": "2.1", "dataset_revision": "r", "scores": {"test": rows}})
    )
    log = mteb.read(path)
    run = imported(log, path, tmp_path / "runs").run
    assert (run.task, run.model, run.scores[0].value, run.scores[0].low) == ("mteb-STS12", "org__model", 0.6, None)
    with pytest.raises(BenchError, match="figures and no samples"):
        read_side(next((tmp_path / "runs").rglob("run.json")).parent)
    path.write_text(
        json.dumps({"task_name": "STS12", "mteb_version": "2.1", "scores": {"test": [{"main_score": None}]}})
    )
    with pytest.raises(BenchError, match=r"scores.test\[0\] has no main_score"):
        mteb.read(path)


def _eee(tmp_path: Path, **more) -> tuple[Path, list[dict]]:
    rows = [
        {"schema_version": "0.3.0", "evaluation_id": "e", "model_id": "org/m", "evaluation_name": "quiz", "sample_id": f"s{i}",
         "interaction_type": "single_turn", "input": {"raw": f"question {i}?", "reference": ["yes"]}, "output": {"raw": ["yes"]},
         "answer_attribution": [], "evaluation": {"score": i % 2, "is_correct": bool(i % 2)}, **more} for i in range(8)
    ]  # fmt: skip
    (tmp_path / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = {"evaluation_name": "quiz", "source_data": {}, "metric_config": {"metric_id": "accuracy", "lower_is_better": False},
              "score_details": {"score": 0.5, "uncertainty": {"num_samples": 8}}}  # fmt: skip
    whole = {
        "schema_version": "0.3.0", "evaluation_id": "e", "model_info": {"id": "org/m"},
        "eval_library": {"name": "x", "version": "1"},
        "evaluation_results": [result], "detailed_evaluation_results": {"format": "jsonl", "file_path": "data/samples.jsonl"},
    }  # fmt: skip
    (tmp_path / "whole.json").write_text(json.dumps(whole))
    return tmp_path / "whole.json", rows


def test_every_eval_ever_is_read_with_its_samples_or_as_figures_alone(tmp_path):
    path, _ = _eee(tmp_path)
    log = eee.read(path)
    assert (log.task, log.model, log.version, log.metrics, len(log.samples)) == (
        "quiz",
        "org/m",
        "x 1",
        ("accuracy",),
        8,
    )
    assert eee.read(tmp_path / "samples.jsonl").metrics == ("score",)
    for there in ("../../samples2.jsonl", "a" * 5000, "", "..", "\0"):
        whole = json.loads(path.read_text())
        whole["detailed_evaluation_results"]["file_path"] = there
        path.write_text(json.dumps(whole))
        assert eee.read(path).samples == ()
    _eee(tmp_path)
    (tmp_path / "samples.jsonl").unlink()
    figures = eee.read(path)
    assert (figures.samples, figures.stated, figures.n) == ((), {"accuracy": 0.5}, 8)
    assert "do not lie beside it" in figures.notes[0]


def test_every_eval_ever_of_another_version_or_of_several_evaluations_is_one_line(tmp_path):
    _eee(tmp_path, schema_version="0.2.2")
    with pytest.raises(BenchError, match=r"schema_version is 0.2.2, this version reads 0.3.x"):
        eee.read(tmp_path / "samples.jsonl")
    _, rows = _eee(tmp_path)
    rows[3]["evaluation_name"] = "other"
    (tmp_path / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(BenchError, match="choose one with --evaluation: quiz, other"):
        eee.read(tmp_path / "samples.jsonl")
    assert len(eee.read(tmp_path / "samples.jsonl", "quiz").samples) == 7


def _many(path: Path, right: int, n: int = 60) -> Path:
    """A log as lm-eval writes it, of n documents in 12 passages; every `right`-th is wrong."""
    base = json.loads(CHOICES.read_text().split("\n")[0])
    path.parent.mkdir(exist_ok=True)
    with path.open("w") as file:
        for i in range(n):
            doc = {"id": f"d{i}", "context": f"passage {i // 5}", "question": f"question {i}"}
            row = base | {
                "doc_id": i,
                "doc": doc,
                "doc_hash": f"{i:064x}",
                "acc": float(i % right != 0),
                "acc_norm": 1.0,
            }
            file.write(json.dumps(row) + "\n")
    return path


@pytest.mark.slow
def test_two_imports_compare_and_are_gated_by_the_paired_clustered_test(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runs = str(tmp_path / "runs")
    for model, right in (("a", 2), ("b", 6)):
        path = _many(tmp_path / model / "samples_quiz_2026-01-01T00-00-00.jsonl", right)
        assert main(["import", "lm-eval", str(path), "--cluster", "context", f"runs_dir={runs}", "resamples=200"]) == 0
    assert "nobody here measured it" in capsys.readouterr().out
    assert main(["compare", "lm-eval-quiz/a", "lm-eval-quiz/b", "--runs", runs, "--json"]) == 0
    found = json.loads(capsys.readouterr().out.strip().split("\n")[-1])["pairs"][0]
    assert (found["better"], found["a"]["origin"], found["metrics"][0]["difference"]["g"]) == ("B", "imported", 12)
    assert main(["check", "lm-eval-quiz/b", "--against", "lm-eval-quiz/a", "--runs", runs]) == 0
    assert "imported from a log, so its speed is not judged" in capsys.readouterr().out
    assert main(["check", "lm-eval-quiz/a", "--against", "lm-eval-quiz/b", "--runs", runs]) == 1
    assert main(["check", "lm-eval-quiz/a", "--update", "--runs", runs]) == 0  # a baseline that is a file
    base = "leaderboards/baselines/lm-eval-quiz/a.json"
    assert main(["check", "lm-eval-quiz/b", "--runs", runs, "--against", base]) == 0
    assert main(["board", "--runs", runs, "lm-eval-quiz"]) == 0
    assert "imported" in capsys.readouterr().out
    assert main(["import", "lm-eval", str(QUESTIONS), "task=finmm_qa", "--paired", f"runs_dir={runs}"]) == 0
    assert "3 of 3 examples of finmm_qa are in the log" in capsys.readouterr().out
    for words, said in (
        (["submit", "lm-eval-quiz/a", "-o", "x.zip", "--submitter", "me", "--runs", runs], "hand on that log"),
        (["rescore", "--all", "--runs", runs], ""),
    ):
        code = main(words)
        told = capsys.readouterr()
        assert (code == 2 and said in told.err) if said else code == 0, told


def test_runs_of_different_filters_compare_by_what_both_have(tmp_path):
    log = lm_eval.read(_many(tmp_path / "m" / "q.jsonl", 3))
    both = imported(log, tmp_path / "m" / "q.jsonl", tmp_path / "runs", model="both")
    one = imported(
        log.ranked_by("acc"), tmp_path / "m" / "q.jsonl", tmp_path / "runs", model="other", cluster="context"
    )
    assert both.run.data_fingerprint != one.run.data_fingerprint  # clusters are a property of the data
    sides = [read_side(made.folder.path) for made in (both, both)]
    assert compare(*sides, class_of(both.run).metrics).n == 60


@pytest.mark.slow
def test_the_same_log_is_the_same_run_and_a_command_says_what_it_cannot_do(tmp_path, capsys):
    path, runs = _many(tmp_path / "m" / "q.jsonl", 3, 8), f"runs_dir={tmp_path / 'runs'}"
    for _ in range(2):
        assert main(["import", "lm-eval", str(path), runs]) == 0
    assert len(list((tmp_path / "runs").rglob("run.json"))) == 1
    for words, said in (
        (["--metric", "f1"], "the log has no 'f1'; it has acc, acc_norm"),
        (["--cluster", "page"], "has no field 'page'; its fields are id, context, question"),
        (["limit=3"], "give task= too"),
        (["--model", "oracle"], "name of a reference row|reference row"),
        (["task=finmm_qa"], "none of its 8 samples is one of the 242 examples of 'finmm_qa'"),
    ):
        assert main(["import", "lm-eval", str(path), runs, *words]) == 2
        told = capsys.readouterr().err
        assert any(one in told for one in said.split("|")), told


def test_a_file_beyond_the_bound_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "MOST", 10)
    with pytest.raises(BenchError, match="at most 10 are read"):
        lm_eval.read(CHOICES)


SECRETS = ("https://ann:hunter2pw@host.example/v1", "https://host.example/v1?api_key=hunter2pw", "sk-hunter2pwABCDEFGH12345",
           "openai__sk-hunter2pwABCDEFGH12345", "model=x,base_url=http://ann:hunter2pw@host/v1", "http__ann__hunter2pw@host__v1",
           "ann:hunter2pw@host/v1", "ann%3Ahunter2pw%40host/v1", "api_key=hunter2pw9")  # fmt: skip


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_in_a_models_name_is_refused_unshown_and_recorded_nowhere(tmp_path, name):
    log = replace(lm_eval.read(CHOICES), model=name)
    with pytest.raises(BenchError, match="--model NAME") as found:
        imported(log, CHOICES, tmp_path / "runs")
    assert "hunter2pw" not in str(found.value)
    with pytest.raises(BenchError, match="--model holds") as found:
        imported(log, CHOICES, tmp_path / "runs", model=name)
    assert "hunter2pw" not in str(found.value)
    assert not (tmp_path / "runs").exists()
    imported(log, CHOICES, tmp_path / "runs", model="mine")
    assert not any(b"hunter2pw" in one.read_bytes() for one in (tmp_path / "runs").rglob("*") if one.is_file())


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("/home/ann/private/models/x7", "x7"),
        ("pretrained=/home/ann/private/models/x7,dtype=float16", "x7"),
        ("~/private/models/x7/", "x7"),
        ("./private/x7", "x7"),
        (r"C:\Users\ann\private\x7", "x7"),
        ("file:///home/ann/private/x7", "x7"),
        ("hf//home/ann/private/x7", "x7"),
        ("$HOME/private/x7", "x7"),
        ("/private/hub/models--org--x7/snapshots/0123456789abcdef", "org__x7"),
        ("out/ann/private/x7", "x7"),
        ("__home__ann__private__x7", "x7"),
        ("openrouter/org/model-7b", "openrouter__org__model-7b"),
        ("org/model-7b", "org__model-7b"),
        ("Qwen2.5-0.5B-Instruct-GPTQ-Int4", "Qwen2.5-0.5B-Instruct-GPTQ-Int4"),
    ],
)
def test_of_a_local_path_the_last_part_is_the_models_name_and_the_record_holds_no_path(tmp_path, name, shown):
    made = imported(replace(lm_eval.read(CHOICES), model=name), CHOICES, tmp_path / "runs")
    assert made.run.model == shown
    files = [one for one in (tmp_path / "runs").rglob("*") if one.is_file()]
    assert len(files) > 3
    assert not any("private" in str(one.relative_to(tmp_path)) or b"private" in one.read_bytes() for one in files)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda whole: whole["evaluation_results"][0]["score_details"]["uncertainty"].update(num_samples=80), "is of 80 samples"),
        (lambda whole: whole["evaluation_results"][0]["score_details"]["uncertainty"].update(num_samples="80"), "expected"),
        (lambda whole: whole["detailed_evaluation_results"].update(total_rows=9), r"says 9 \(total_rows\)"),
        (lambda whole: whole["model_info"].update(id="org/other"), "are of two evaluations"),
    ],
)  # fmt: skip
def test_an_aggregate_that_contradicts_the_samples_beside_it_is_one_line(tmp_path, change, said):
    path, _ = _eee(tmp_path)
    whole = json.loads(path.read_text())
    change(whole)
    path.write_text(json.dumps(whole))
    with pytest.raises(BenchError, match=said):
        eee.read(path)


def test_what_makes_answers_doubtful_is_said_and_errors_count_as_failed(tmp_path):
    answer = {"id": 1, "epoch": 1, "input": "q", "target": "t", "output": {"model": "m-2026", "completion": "x"},
              "scores": {"s": {"value": "C"}}}  # fmt: skip
    samples = [
        answer,
        answer | {"id": 2, "output": {"model": "org/another", "completion": "x"}},
        answer | {"id": 3, "error": {"message": "no answer from /home/ann/private/socket"}},
        answer | {"id": 4, "invalidation": {"author": "me"}},
    ]
    about = reading.Archive(EVAL, inspect_ai.WHAT).json("header.json")["eval"] | {"model": "org/m"}
    path = _inspect(tmp_path, samples=samples, results={}, eval=about)
    log = inspect_ai.read(path)
    said = " | ".join(log.notes)
    assert "1 samples were answered by another model than 'org/m', the first is '2', by 'org/another'" in said
    assert "1 samples ended in an error and count as wrong, the first is '3'" in said
    assert "1 samples are marked as invalid in the log, the first is '4'" in said
    run = imported(log, path, tmp_path / "runs").run
    assert (run.scores[0].value, run.scores[0].n_failed) == (0.75, 1)
    assert not any(b"private" in one.read_bytes() for one in (tmp_path / "runs").rglob("*") if one.is_file())
    log = inspect_ai.read(_inspect(tmp_path, invalidated=True))
    assert any("invalidated: true" in line for line in log.notes)
    folder = _helm(tmp_path / "helm")
    states = json.loads((folder / "scenario_state.json").read_text())
    states["request_states"][2]["result"]["success"] = False
    (folder / "scenario_state.json").write_text(json.dumps(states))
    log = helm.read(folder)
    assert any("1 requests had no success and count as wrong, the first is 'id2'" in line for line in log.notes)
    assert (log.samples[2].values, log.samples[2].error) == ({}, "it had no success")
    rows = _eee(tmp_path, error="it broke")[1]
    (tmp_path / "samples.jsonl").write_text(
        "".join(json.dumps(row | {"error": i == 1}) + "\n" for i, row in enumerate(rows))
    )
    log = eee.read(tmp_path / "samples.jsonl")
    assert (log.samples[1].values, "1 samples ended in an error" in log.notes[0]) == ({}, True)


def test_a_request_of_helm_that_stands_twice_is_one_line_and_choices_of_one_instance_are_none(tmp_path):
    folder = _helm(tmp_path / "helm")
    path = folder / "scenario_state.json"
    states = json.loads(path.read_text())
    path.write_text(
        json.dumps(
            {"request_states": [{**one, "reference_index": i} for one in states["request_states"] for i in (0, 1)]}
        )
    )
    assert len(helm.read(folder).samples) == 6
    path.write_text(json.dumps({"request_states": [*states["request_states"], states["request_states"][1]]}))
    with pytest.raises(BenchError, match=r"request_states\[7\]: the request of instance 'id1' stands twice in trial 0"):
        helm.read(folder)


def test_an_instance_of_helm_stands_once_for_each_group_of_metrics_and_has_one_value_of_each(tmp_path):
    folder = _helm(tmp_path / "helm")  # helm 0.5.16 writes them so where a run has two groups of metrics
    path = folder / "per_instance_stats.json"
    stats = json.loads(path.read_text())
    more = [
        {**one, "stats": [*map(dict, one["stats"]), {"name": {"name": "rouge_l"}, "mean": 0.25}]} for one in stats[:7]
    ]
    path.write_text(json.dumps([*stats, *more]))
    log = helm.read(folder)
    assert log.metrics == ("exact_match", "f1_score", "rouge_l")
    assert log.samples[1].values == {"exact_match": 0.0, "f1_score": 0.5, "rouge_l": 0.25}
    more[2]["stats"][1]["mean"] = 0.75
    path.write_text(json.dumps([*stats, *more]))
    with pytest.raises(BenchError, match=r"\[10\]: instance 'id2' has two values of f1_score, 0.5 and 0.75; keep one"):
        helm.read(folder)


@pytest.mark.parametrize("version", ["0.3.0", "9.9.9", "0.40.1", "0.2.1", "1", 4])
def test_another_version_of_a_harness_is_one_line_and_a_development_version_is_read(tmp_path, version):
    results = json.loads(RESULTS.read_text())
    path = tmp_path / "results.json"
    path.write_text(json.dumps(results | {"lm_eval_version": version}))
    with pytest.raises(BenchError, match=f"version {version} of lm-eval; 0.4 is read"):
        lm_eval.read(CHOICES, path)
    path.write_text(json.dumps(results | {"lm_eval_version": "0.4.9.dev0"}))
    assert lm_eval.read(CHOICES, path).version == "0.4.9.dev0"
    about = reading.Archive(EVAL, inspect_ai.WHAT).json("header.json")["eval"]
    other = "0.2.1" if version == "0.3.0" else version
    with pytest.raises(BenchError, match=f"version {other} of inspect_ai; 0.3 is read"):
        inspect_ai.read(_inspect(tmp_path, eval=about | {"packages": {"inspect_ai": other}}))


@pytest.mark.parametrize("value", [1e308, -1e200, 10**300])
def test_a_value_that_is_no_score_is_one_line_that_names_the_sample(tmp_path, value):
    path = tmp_path / "x.jsonl"
    path.write_text(_changed(1, acc=value))
    with pytest.raises(BenchError, match=r"sample '1': acc is -?1e.*, which is no score"):
        imported(lm_eval.read(path), path, tmp_path / "runs", model="m")
    folder = _helm(tmp_path / "helm")
    stats = json.loads((folder / "per_instance_stats.json").read_text())
    for place in (0, 6):
        stats[place]["stats"][2]["mean"] = value
    (folder / "per_instance_stats.json").write_text(json.dumps(stats))
    with pytest.raises(BenchError, match="sample 'id0': exact_match is"):
        helm.read(folder)
    whole = {
        "task_name": "t",
        "mteb_version": "2",
        "scores": {"test": [{"hf_subset": one, "main_score": value} for one in "ab"]},
    }
    (tmp_path / "t.json").write_text(json.dumps(whole))
    with pytest.raises(BenchError, match="main_score,test,a is"):
        mteb.read(tmp_path / "t.json")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("step", ["write_predictions", "finish"])
def test_whatever_fails_while_an_import_is_made_leaves_no_folder_and_no_harm_to_what_is_there(
    tmp_path, monkeypatch, step
):
    def broken(*_, **__):
        raise OSError("no space is left")

    with monkeypatch.context() as patched:
        patched.setattr(making.RunFolder, step, broken)
        with pytest.raises(OSError, match="no space"):
            imported(lm_eval.read(CHOICES), CHOICES, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
    made = imported(lm_eval.read(CHOICES), CHOICES, tmp_path / "runs")
    monkeypatch.setattr(making, "measured", broken)
    with pytest.raises(OSError, match="no space"):
        imported(lm_eval.read(CHOICES), CHOICES, tmp_path / "runs")
    assert list(made.folder.predictions())


def test_the_model_of_a_file_of_mteb_is_its_folder_only_where_mteb_laid_it_so(tmp_path):
    text = json.dumps({"task_name": "t", "mteb_version": "2", "scores": {"test": [{"main_score": 0.5}]}})
    for place in ("home/downloads/t.json", "results/downloads/abc/t.json", "org__m/abc/t.json"):
        path = tmp_path / place
        path.parent.mkdir(parents=True)
        path.write_text(text)
        with pytest.raises(BenchError, match="give its name with --model"):
            imported(mteb.read(path), path, tmp_path / "runs")
    path = tmp_path / "results" / "org__m" / "abc" / "t.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    made = imported(mteb.read(path), path, tmp_path / "runs")
    assert (made.run.model, made.run.origin["imported"]["model"]) == ("org__m", "")
    assert made.lines[-1] == "the log names no model; its folder is named 'org__m'"
    assert (made.run.n_examples, made.run.scores[0].n) == (0, 0)  # unknown
    assert read_run(made.folder.path / "run.json").n_examples == 0


def test_figures_have_the_number_of_samples_that_the_file_says_of_each(tmp_path):
    path, _ = _eee(tmp_path)
    whole = json.loads(path.read_text())
    first = whole["evaluation_results"][0]
    whole["evaluation_results"] = [
        {
            **first,
            "metric_config": {"metric_id": name},
            "score_details": {"score": 0.5, "uncertainty": {"num_samples": n}},
        }
        for name, n in (("a", 2**50), ("b", 5))
    ]
    whole["detailed_evaluation_results"] = {}
    path.write_text(json.dumps(whole))
    run = imported(eee.read(path), path, tmp_path / "runs").run
    assert ([(one.metric, one.n) for one in run.scores], run.n_examples) == ([("a", 2**50), ("b", 5)], 2**50)


@pytest.mark.slow
def test_what_the_log_says_is_better_and_what_was_left_out_are_of_a_runs_identity(tmp_path):
    log = lm_eval.read(CHOICES)
    logs = (log, replace(log, lower=frozenset({"acc"})), log.ranked_by("acc_norm"), log)
    made = [imported(one, CHOICES, tmp_path / "runs") for one in logs]
    ids = [one.run.run_id for one in made]
    assert (len(set(ids)), ids[0]) == (3, ids[3])
    with pytest.raises(BenchError, match="less is better"):
        compare(*(read_side(one.folder.path) for one in made[:2]), class_of(made[0].run).metrics[:1])
    board = Board("b", "b", made[0].run.task, made[0].run.task_version, "acc")
    found = tables(board, [replace(one.run, model=str(i)) for i, one in enumerate(made[:2])])
    assert [(len(table.rows), table.notes[-1].split(",")[0]) for table in found] == [
        (1, "by these logs more is better"), (1, "by these logs less is better")
    ]  # fmt: skip
    task, said = Asks({"question": "Who is it?"}), Sample("s", ("Who is it?",), said="yes", values={"m": 1.0})
    task.metrics, task.rows = (EXACT_MATCH,), [replace(one, target=["yes"]) for one in task.rows]
    log = Log("lm-eval", "0.4", "t", "m", ("m",), (said,))
    ids = [making.with_ours(making.Source.of(log, CHOICES, "m", only_paired=one), task,
                            Settings(runs_dir=tmp_path / "runs", limit=1)).run.run_id for one in (True, False)]  # fmt: skip
    assert ids[0] != ids[1]


def test_percent_and_fractions_of_one_metric_are_not_compared_and_stand_in_two_tables(tmp_path):
    log = lm_eval.read(CHOICES).ranked_by("acc_norm")
    hundreds = [replace(one, values={name: 100 * value for name, value in one.values.items()}) for one in log.samples]
    made = [imported(one, CHOICES, tmp_path / "runs") for one in (log, replace(log, samples=tuple(hundreds)))]
    with pytest.raises(BenchError, match="no fraction"):
        compare(*(read_side(one.folder.path) for one in made), class_of(made[0].run).metrics[:1])
    board = Board("b", "b", made[0].run.task, made[0].run.task_version, "acc_norm")
    found = tables(board, [replace(one.run, model=str(i)) for i, one in enumerate(made)])
    assert [(len(table.rows), table.notes[-1].split(",")[0]) for table in found] == [
        (1, "in these logs acc_norm is a fraction"), (1, "in these logs acc_norm is no fraction")
    ]  # fmt: skip
    path = tmp_path / "STS12.json"
    scores = {"test": [{"hf_subset": "default", "main_score": -0.4}]}
    path.write_text(json.dumps({"task_name": "STS12", "mteb_version": "2.26.24", "scores": scores}))
    assert mteb.read(path).stated["main_score"] == -0.4
    assert (
        imported(mteb.read(path), path, tmp_path / "runs", model="m").run.scores[0].is_fraction
    )  # as other correlations are


@pytest.mark.slow
@pytest.mark.parametrize("word", ["shots=3", "device=cpu", "~shots", "tracking=none", "data_dir=x"])
def test_an_override_that_an_import_makes_no_use_of_is_refused(tmp_path, capsys, word):
    assert main(["import", "lm-eval", str(CHOICES), f"runs_dir={tmp_path / 'runs'}", word]) == 2
    said = capsys.readouterr().err
    assert "makes no use of" in said or "give task= too" in said
    assert word.strip("~+").split("=")[0].split(".")[0] in said
    assert not (tmp_path / "runs").exists()


def _stated(tmp_path: Path, score: float, **config) -> Path:
    """An aggregate whose samples do not lie beside it."""
    path, _ = _eee(tmp_path)
    whole = json.loads(path.read_text())
    whole["detailed_evaluation_results"] = {}
    whole["evaluation_results"][0]["score_details"]["score"] = score
    whole["evaluation_results"][0]["metric_config"].update(config)
    path.write_text(json.dumps(whole))
    return path


@pytest.mark.parametrize(
    ("score", "config", "said"),
    [
        (1.7, {"min_score": 0, "max_score": 1}, "is 1.7, beyond its own min_score 0 and max_score 1"),
        (-0.1, {"min_score": 0}, "is -0.1, beyond its own min_score 0;"),
        (0.5, {"min_score": 1, "max_score": 0}, "min_score 1 is above max_score 0"),
        (0.5, {"max_score": "1"}, "max_score is 1, expected a number"),
    ],
)
def test_a_figure_beyond_the_bounds_of_its_own_file_is_one_line(tmp_path, score, config, said):
    with pytest.raises(BenchError, match=said):
        eee.read(_stated(tmp_path, score, **config))


def test_scales_that_files_state_are_tables_of_their_own_whatever_the_value_is(tmp_path):
    percent, proportion = {"min_score": 0, "max_score": 100}, {"min_score": 0, "max_score": 1}
    runs = []
    for i, (score, config) in enumerate((
        (0.5, {}), (0.9, proportion), (0.8, {"metric_unit": "proportion"}), (1.0, {"max_score": 1, "min_score": -1}),
        (0.7, percent), (42, {"metric_unit": "percent"}), (42, percent | {"metric_unit": "Percent"}),
        (0.7, {"min_score": 0, "max_score": 10}), (7, {"min_score": 0, "max_score": 10, "metric_unit": "points"}), (3, {}),
    )):  # fmt: skip
        path = _stated(tmp_path, score, **config)
        runs.append(imported(eee.read(path), path, tmp_path / "runs", model=str(i)).run)
    found = tables(Board("b", "b", "eee-quiz", 0, "accuracy"), runs)
    assert sorted("".join(sorted(row.run.model for row in one.rows)) for one in found) == ["0123", "456", "7", "8", "9"]
    notes = {one.rows[0].run.model: one.notes[-1] for one in found}
    assert notes["7"] == "in these logs accuracy is in numbers from 0 to 10, in those of another table a fraction"
    for bounds, value, is_fraction in ((percent, 50, True), (percent, 0.5, False), (proportion, 0.5, True)):
        path, _ = _eee(tmp_path)  # whose samples are 0 and 1
        whole = json.loads(path.read_text())
        whole["evaluation_results"][0]["metric_config"].update(bounds)
        whole["evaluation_results"][0]["score_details"]["score"] = value
        path.write_text(json.dumps(whole))
        assert imported(eee.read(path), path, tmp_path / "runs").run.scores[0].is_fraction is is_fraction


def test_figures_of_other_splits_or_subsets_stand_in_tables_of_their_own(tmp_path):
    path, runs = tmp_path / "t.json", []
    for i, (split, names) in enumerate(
        (("test", "ab"), ("test", "ba"), ("test", "a"), ("validation", "ab"), ("test", "ab"))
    ):
        rows = [{"hf_subset": name, "main_score": 0.5 + i / 10} for name in names]
        scores = {split: rows} | ({"dev": rows} if i == 4 else {})  # which ranks nothing where there is a test split
        path.write_text(json.dumps({"task_name": "t", "mteb_version": "2", "scores": scores}))
        runs.append(imported(mteb.read(path), path, tmp_path / "runs", model=str(i)).run)
    found = tables(Board("b", "b", "mteb-t", 0, "main_score"), runs)
    shown = {"".join(sorted(row.run.model for row in one.rows)): one.notes[0] for one in found}
    assert shown == {"014": "figures of split test, subset a, subset b", "2": "figures of split test, subset a",
                     "3": "figures of split validation, subset a, subset b"}  # fmt: skip
    one, other = (eee.read(_stated(tmp_path, 0.5)), replace(eee.read(_stated(tmp_path, 0.5)), data=("hf_split dev",)))
    assert len({imported(log, path, tmp_path / "runs").run.data_fingerprint for log in (one, other)}) == 2
    path = _stated(tmp_path, 0.5)
    whole = json.loads(path.read_text())
    whole["evaluation_results"][0]["source_data"] = {"dataset_name": "quiz", "hf_split": "dev", "samples_number": 8}
    path.write_text(json.dumps(whole))
    assert eee.read(path).data == ("dataset_name quiz", "hf_split dev")


def test_the_commit_the_date_and_the_library_of_an_imported_run_are_the_logs_own_or_none(tmp_path):
    path = _stated(tmp_path, 0.5)
    plain = eee.read(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"evaluation_timestamp": "1796017679"}))
    results = json.loads(RESULTS.read_text()) | {"git_hash": "0a1b2c3d", "date": 1796017679.8}
    (tmp_path / "r.json").write_text(json.dumps(results))
    hashed = lm_eval.read(CHOICES, tmp_path / "r.json")
    told = {
        "plain": imported(plain, path, tmp_path / "runs"),
        "dated": imported(eee.read(path), path, tmp_path / "runs", model="dated"),
        "hashed": imported(hashed, CHOICES, tmp_path / "runs"),
    }
    runs = {name: read_run(made.folder.path / "run.json") for name, made in told.items()}
    items = {name: item(told[name].folder.path, run, None, None) for name, run in runs.items()}
    assert {name: run.environment["commit"] for name, run in runs.items()} == {
        "plain": "",
        "dated": "",
        "hashed": "0a1b2c3d",
    }
    board = Board("b", "b", "", 0, runs["plain"].scores[0].metric, columns=("commit", "date"))
    today, day = runs["plain"].created, "2026-11-30T05:47:59+00:00"
    assert cells.cells(board, Row(1, runs["plain"], runs["plain"].scores[0]))[-2:] == ["–", f"imported {today[:10]}"]
    assert cells.cells(replace(board, metric="acc"), Row(1, runs["hashed"], runs["hashed"].scores[0]))[-2:] == [
        "~0a1b2c3d", "~2026-11-30"
    ]  # fmt: skip
    rows = {name: long.rows([one])[0] for name, one in items.items()}
    assert [(rows[name]["date"], rows[name]["claimed_date"], rows[name]["imported"]) for name in ("plain", "dated")] == [
        (None, None, runs["plain"].created), (None, day, runs["dated"].created)
    ]  # fmt: skip
    assert [(rows[name]["commit"], rows[name]["claimed_commit"]) for name in ("plain", "hashed")] == [
        (None, None),
        (None, "0a1b2c3d"),
    ]
    shown_there = card.section(items["plain"])
    assert "- Commit" not in shown_there
    assert "- Date" not in shown_there
    assert f"- Imported: `{runs['plain'].created}`" in shown_there
    assert "- Made by: eee x 1, run" in shown_there
    records = {name: to_eee.record(one) for name, one in items.items()}
    libraries = {name: tuple(one["eval_library"][key] for key in ("name", "version")) for name, one in records.items()}
    assert libraries == {"plain": ("x", "1"), "dated": ("x", "1"), "hashed": ("lm-eval", "0.4.13")}
    assert records["plain"]["evaluation_results"][0]["evaluation_name"] == "quiz"
    assert "evaluation_timestamp" not in records["dated"]  # claimed, and stands among the details
    assert records["dated"]["source_metadata"]["additional_details"]["claimed_date"] == day
    assert "claimed_date" not in records["plain"]["source_metadata"]["additional_details"]


SIGNS = "\x1b[31m\u202e\u200b\0e\u0301" + "\u0336" * 6


def test_signs_that_cannot_be_seen_in_any_name_of_a_log_stand_as_numbers_in_a_record_that_can_be_read(tmp_path):
    log = lm_eval.read(CHOICES)
    path = Path(shutil.copy(CHOICES, tmp_path / f"x{SIGNS.replace(chr(0), '')}.jsonl"))
    rows = [json.loads(one) for one in path.read_text().split("\n") if one]
    path.write_text("".join(json.dumps({**one, "filter": f"f{SIGNS}", "metrics": [f"acc{SIGNS}"], f"acc{SIGNS}": 1}) + "\n"
                            for one in rows))  # fmt: skip
    strange = replace(lm_eval.read(path), task=f"t{SIGNS}", task_version=f"1{SIGNS}", version=f"0.4{SIGNS}",
                      model=f"m{SIGNS}", stated={f"acc{SIGNS}": 0.5})  # fmt: skip
    made = imported(strange, path, tmp_path / "runs", model="m")
    kept = read_run(made.folder.path / "run.json")
    assert kept.scores[0].metric.startswith(r"acc\x1b[31m\u202e\u200b\x00")
    assert kept.origin["imported"]["stated"].keys() == {named(f"acc{SIGNS}")}
    long = [f"{'x' * 150}{i}" for i in range(2)]
    both = replace(
        log,
        metrics=(*map(named, long),),
        samples=tuple(replace(one, values={named(n): 1.0 for n in long}) for one in log.samples),
    )
    assert len({one.metric for one in imported(both, CHOICES, tmp_path / "runs").run.scores}) == 2
    with pytest.raises(BenchError, match=r"holds what no record of a run may .*cannot be seen.*; correct the log"):
        imported(replace(log, metrics=("a\x1b",), samples=tuple(replace(one, values={"a\x1b": 1.0}) for one in log.samples)),
                 CHOICES, tmp_path / "other")  # fmt: skip
    assert not (tmp_path / "other").exists()


def test_names_that_secrets_are_called_by_withhold_nothing_of_what_is_printed_of_a_run(tmp_path, capsys):
    log = lm_eval.read(CHOICES)
    names = {"acc": "api_key", "acc_norm": "passwd"}
    samples = tuple(replace(one, values={names[name]: 1.0 for name in one.values}) for one in log.samples)
    log = replace(log, metrics=tuple(names.values()), samples=samples, task="auth_token")
    made = imported(log, CHOICES, tmp_path / "runs", model="passwd")
    imported(log, CHOICES, tmp_path / "runs", model="api_key")
    output.print_run(made.run, made.folder.path)
    assert (
        main(["compare", f"{made.run.task}/passwd", f"{made.run.task}/api_key", "--runs", str(tmp_path / "runs")]) == 0
    )
    told = capsys.readouterr().out
    assert "withheld" not in told
    assert told.startswith("lm-eval-auth_token / passwd – api_key 100.0")
    output.tell(output.of_name("passwd", "no sk-hunter2pwABCDEFGH12345 and password=hunter2pw"))
    assert capsys.readouterr().out == "passwd – no withheld and password=withheld\n"


def test_each_metric_that_ranks_has_a_table_and_the_site_shows_all_and_none_hides_another(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    log = lm_eval.read(CHOICES)
    lower = replace(log, lower=frozenset({"acc"}))
    alone = replace(
        log,
        metrics=("acc_norm",),
        samples=tuple(replace(one, values={"acc_norm": one.values["acc_norm"]}) for one in log.samples),
    )
    older = replace(log, task_version="0")
    for one, name in ((log, "a"), (lower, "a"), (alone, "c"), (log.ranked_by("acc_norm"), "d"), (older, "old")):
        made = imported(one, CHOICES, tmp_path / "runs", model=name)
    assert main(["board", "lm-eval-finmm_answerable", "--html", "site", "--json"]) == 0
    told = capsys.readouterr()
    boards = json.loads(told.out.strip().split("\n")[-1])
    models = {
        name: [[row["model"] for row in table["rows"]] for table in tables]
        for name, tables in boards.items()
        if name != "site"
    }
    assert models == {"lm-eval-finmm_answerable": [["a"], ["a"]], "lm-eval-finmm_answerable-by-acc_norm": [["c", "d"]]}
    assert boards["site"]["n_runs"] == 5
    assert "of version 0; this is version 1: `bench board lm-eval-finmm_answerable-v0`" in told.err
    sides = [read_side(path.parent) for path in (tmp_path / "runs" / made.run.task).rglob("run.json")]
    by_name = {
        side.run.model: side for side in sides if side.run.model in ("c", "d") or side.run.scores[0].higher_is_better
    }
    with pytest.raises(BenchError, match=r"ranks by acc and .* by acc_norm; import one of them again"):
        compare(by_name["a"], by_name["d"], class_of(by_name["a"].run).metrics)
    items = [item(side.folder, side.run, None, side.rows) for side in sides if side.run.task_version]
    assert [(head[1], head[2].count("ranked by")) for head in paper.papers(items, ["acc_norm"])[0].heads] == [
        ("acc_norm % ↑", 1)] * 3  # fmt: skip
    assert sorted(head[1] for head in paper.papers(items)[0].heads) == ["acc % ↑", "acc % ↓", "acc_norm % ↑"]
    mine = Board("mine", "mine", made.run.task, 1, "acc_norm")  # of a file, which says what ranks
    found = tables(mine, [by_name[name].run for name in "acd"])
    assert [sorted(row.run.model for row in table.rows) for table in found] == [["a"], ["c", "d"]]
    assert found[0].notes[-1] == "these logs rank by acc, those of another table do not"
