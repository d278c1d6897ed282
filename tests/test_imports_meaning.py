"""What a log's figures mean here: which way is better, how the model was asked, of which data they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.cli import main
from bench.errors import BenchError
from bench.exports import hub
from bench.exports.item import item
from bench.imports import eee, helm, inspect_ai, lm_eval, making, mteb
from bench.imports.direction import said_to_be_lower
from bench.judging.compare import compare
from bench.judging.pair import read_side
from bench.leaderboard.board import tables
from bench.leaderboard.definition import Board
from bench.runs.settings import Settings
from bench.scoring.foreign import class_of
from bench.types import Json


def made(log, runs: Path, model: str) -> making.Made:
    return making.as_it_is(making.Source.of(log, Path(__file__), model), Settings(runs_dir=runs))


def rows(made_: list[making.Made]) -> list[list[str]]:
    """The models of each table of the board of these runs, in their order."""
    run = made_[0].run
    found = tables(Board("b", "b", run.task, run.task_version, run.scores[0].metric), [one.run for one in made_])
    return [[row.run.model for row in table.rows] for table in found]


def written(path: Path, value: Json) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return path


def inspect_log(path: Path, values: list[Json], steps: Json = (), results: Json = None, **more: Json) -> Path:
    """A log with these scores of one scorer; "!" is a sample that ended in an error."""
    reply = {"choices": [{"message": {"content": "yes"}}]}
    samples = []
    for i, value in enumerate(values):
        ended = {"error": {"message": "gone"}} if value == "!" else {"scores": {"judge": {"value": value}}}
        samples.append({"id": i, "epoch": 1, "input": f"question {i}", "target": "yes", "output": reply, **ended})
    given = {"task": "quiz", "model": "org/m", **more}
    whole = {"version": 2, "status": "success", "eval": given, "plan": {"steps": list(steps)}, "results": results or {}}
    return written(path, {**whole, "samples": samples})


def lm_eval_log(folder: Path, prefix: str, said: Json = None) -> Path:
    """A log whose questions stand behind `prefix`, with its results where something is said in them."""
    folder.mkdir()
    if said is not None:
        written(folder / "results_2026-11-30T05-41-21.json", {"results": {"quiz": {}}, **said})
    path = folder / "samples_quiz_2026-11-30T05-41-21.jsonl"
    for i in range(6):
        line = {
            "doc_id": i,
            "doc": {"q": f"question {i}"},
            "target": "yes",
            "resps": [["yes"]],
            "filtered_resps": ["yes"],
        }
        asked = {"arguments": {"gen_args_0": {"arg_0": f"{prefix}question {i}"}}}
        with path.open("a") as file:
            file.write(json.dumps({**line, **asked, "metrics": ["acc"], "acc": i % 2}) + "\n")
    return path


def helm_run(folder: Path, stats: dict[str, float], **adapter: Json) -> Path:
    spec = {"name": "quiz:model=org_m", "adapter_spec": {"model": "org/m", "method": "generation", **adapter}}
    written(folder / "run_spec.json", spec)
    keys = [f"id{i}" for i in range(6)]
    written(folder / "scenario_state.json", {"request_states": [
        {"instance": {"id": key, "split": "test", "input": {"text": f"question {key}"}, "references": []},
         "result": {"success": True, "completions": [{"text": "yes"}]}} for key in keys]})  # fmt: skip
    written(folder / "per_instance_stats.json", [
        {"instance_id": key, "stats": [{"name": {"name": name, "split": "test"}, "mean": value} for name, value in stats.items()]}
        for key in keys])  # fmt: skip
    return folder


def aggregate(path: Path, *, metric: str = "accuracy", told: Json = None, **source: Json) -> Path:
    config = {"metric_id": metric, "metric_unit": "proportion"} | ({} if told is None else {"lower_is_better": told})
    result = {"evaluation_name": "quiz", "source_data": {"dataset_name": "quiz", "additional_details": source},
              "metric_config": config, "score_details": {"score": 0.5, "uncertainty": {"num_samples": 40}}}  # fmt: skip
    return written(path, {"schema_version": "0.3.0", "model_info": {"id": "org/m"}, "eval_library": {"name": "x", "version": "1"},
                          "evaluation_results": [result]})  # fmt: skip


@pytest.mark.parametrize(
    "name",
    "wer cer ppl word_perplexity,none both/error_rate judge/hallucination_rate wer/mean WordErrorRate brier_score ece_10_bin nll "
    "bits_per_byte false_positive_rate mean_absolute_error log_loss cross_entropy negative_log_likelihood toxic_frac "
    "max_toxicity_probability denoised_runtime demographic_parity_difference total_cost_1 "
    "wrong_answer_rate incorrect_answers judge/failed_tests".split(),
)
def test_less_is_better_of_what_is_bad_by_its_name_however_it_was_counted(name):
    assert said_to_be_lower(name)


@pytest.mark.parametrize(
    "name",
    "accuracy f1 wer/accuracy error_reduction error_correction_accuracy neg_mean_squared_error non_toxic 1-wer profit_and_loss "
    "log_likelihood loss_given_default answer terse_score lossless mean,error".split(),
)
def test_more_is_better_of_the_rest_and_of_what_is_turned_round(name):
    assert not said_to_be_lower(name)


def test_an_error_rate_among_several_values_of_a_scorer_ranks_the_lower_one_first_and_a_failure_counts_as_an_error(
    tmp_path,
):
    values = {"good": [0, 0, 1, 0, 0, 0, 0, 0], "bad": [1] * 8, "broken": [0, 0, 0, 0, "!", "!", "!", "!"]}
    found = []
    for name, given in values.items():
        path = inspect_log(
            tmp_path / f"{name}.json", [one if one == "!" else {"error_rate": one, "f1": 1 - one} for one in given]
        )
        log = inspect_ai.read(path)
        found.append(made(log, tmp_path / "runs", name))
        assert "less is better of judge/error_rate, by its name; --more-is-better says otherwise" in found[-1].lines
    assert rows(found) == [["good", "broken", "bad"]]
    assert [one.run.scores[0].value for one in found] == [0.125, 1.0, 0.5]


def test_what_helms_schema_calls_better_when_lower_is_so_here_and_of_the_rest_more_is(tmp_path):
    stats = {"exact_match": 0.5, "toxic_frac": 0.5, "bias_metric:mode=associations,demographic_category=race": 0.5,
             "max_nsfw_probability_given_toxic_prompt=False": 0.5, "edit_distance": 0.5, "wer_score": 0.5}  # fmt: skip
    log = helm.read(helm_run(tmp_path / "run", stats))
    assert set(log.metrics) - log.lower == {"exact_match", "edit_distance"}


def test_where_a_file_of_every_eval_ever_does_not_say_which_way_its_metrics_name_does(tmp_path):
    lower = [eee.read(aggregate(tmp_path / "a.json", metric="wer", told=told)).lower for told in (None, False, True)]
    assert lower == [{"wer"}, set(), {"wer"}]
    rows_ = [{"schema_version": "0.3.0", "model_id": "m", "evaluation_name": "quiz", "sample_id": str(i % 2), "input": {"raw": "q"},
              "evaluation": {"score": 0.5}, "evaluation_result_id": ("wer", "accuracy")[i // 2]} for i in range(4)]  # fmt: skip
    (tmp_path / "s.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows_))
    assert eee.read(tmp_path / "s.jsonl").lower == {"wer"}


def test_where_a_name_misleads_an_option_says_which_way_unless_the_log_itself_does(tmp_path, capsys):
    path = inspect_log(tmp_path / "log.json", [{"strikes": 1, "loss": 2}] * 8)
    turned = ["--less-is-better", "judge/strikes", "--more-is-better", "judge/loss"]
    assert main(["import", "inspect", str(path), f"runs_dir={tmp_path / 'runs'}", *turned, "--json"]) == 0
    told = json.loads(capsys.readouterr().out.strip().split("\n")[-1])
    run = json.loads(next((tmp_path / "runs").glob("*/*/*/run.json")).read_text())
    assert [(one["metric"], one["higher_is_better"]) for one in run["scores"]] == [
        ("judge/strikes", False),
        ("judge/loss", True),
    ]
    assert not [line for line in told["notes"] if "by its name" in line]
    said = eee.read(aggregate(tmp_path / "a.json", metric="wer", told=False))
    for less, more, why in ((["wer"], [], "the log itself says that more is better of wer"), (["cer"], [], "has no 'cer'"),
                            (["wer"], ["wer"], "not both")):  # fmt: skip
        with pytest.raises(BenchError, match=why):
            said.turned(less, more)
    assert said.turned([], ["wer"]).lower == set()


def test_a_loss_below_one_is_no_fraction_so_it_stands_with_those_above_and_a_failure_leaves_it_out(tmp_path):
    low, high = (
        made(inspect_ai.read(inspect_log(tmp_path / f"{name}.json", [{"loss": value}] * 8)), tmp_path / "runs", name)
        for name, value in (("low", 0.25), ("high", 2.5))
    )
    assert not low.run.scores[0].is_fraction
    assert rows([high, low]) == [["low", "high"]]
    broken = inspect_ai.read(inspect_log(tmp_path / "broken.json", [{"loss": 0.25}, "!"]))
    with pytest.raises(
        BenchError, match="judge/loss is left out: 1 samples have no value, and of what is no fraction the worst"
    ):
        made(broken, tmp_path / "runs", "broken")


def test_small_and_very_large_values_are_legible_in_every_command(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, value in (("small", 0.00123), ("other", 0.00456), ("huge", 1e90)):
        path = inspect_log(tmp_path / f"{name}.json", [{"loss": value + value * i / 100} for i in range(8)])
        assert main(["import", "inspect", str(path), "--model", name]) == 0
    for words in (["board", "inspect-quiz"], ["compare", "inspect-quiz/small", "inspect-quiz/other"],
                  ["compare", "inspect-quiz/huge", "inspect-quiz/other"],
                  ["check", "inspect-quiz/other", "--against", "inspect-quiz/small", "--margin", "0.001"]):  # fmt: skip
        main(words)
    said = capsys.readouterr().out
    assert all(
        text in said for text in ("0.00127", "0.001273", "1.04e+90", "baseline (small) 0.00127, difference +0.00345")
    )
    assert max(map(len, said.split())) < 60


def test_each_way_in_which_epochs_were_reduced_keeps_its_own_figure(tmp_path):
    metric = lambda value: {"accuracy": {"value": value}}  # noqa: E731
    scores = [{"name": "judge", "scorer": "judge", "reducer": by, "metrics": metric(value)}
              for by, value in (("pass_at_2", 0.9), ("mean", 0.5), ("mode", 0.4))]  # fmt: skip
    scores.append({"name": "f1", "scorer": "other", "metrics": metric(0.3)})
    log = inspect_ai.read(inspect_log(tmp_path / "log.json", ["C", "I"], results={"scores": scores}))
    assert log.stated == {"judge/accuracy,pass_at_2": 0.9, "judge/accuracy,mean": 0.5, "judge/accuracy,mode": 0.4,
                          "other/f1/accuracy": 0.3}  # fmt: skip
    lines = [line.partition(" by ")[0] for line in made(log, tmp_path / "runs", "m").lines if "own count" in line]
    assert lines == ["judge/accuracy,pass_at_2 is 0.9", "judge/accuracy,mode is 0.4"]


_SYSTEM = {"solver": "system_message", "params": {"template": "Think!"}}
_PLAIN = {"solver": "generate", "params": {"tool_calls": "loop"}}


def test_logs_of_inspect_whose_solvers_or_instructions_differ_stand_in_tables_of_their_own(tmp_path):
    logs = {
        "plain": {"steps": [_PLAIN]},
        "newer": {"steps": [_PLAIN | {"params_passed": {}}]},
        "told": {"steps": [_SYSTEM, _PLAIN]},
        "shots": {"steps": [_PLAIN], "task_args": {"fewshot": 5}},
        "system": {"steps": [_PLAIN], "model_generate_config": {"system_message": "Think!", "temperature": 0.5}},
        "warm": {"steps": [_PLAIN], "model_generate_config": {"temperature": 0.5}},
    }
    found = [made(inspect_ai.read(inspect_log(tmp_path / f"{name}.json", ["C", "I"] * 4, **more)), tmp_path / "runs", name)
             for name, more in logs.items()]  # fmt: skip
    assert sorted(rows(found)) == [["newer", "plain", "warm"], ["shots"], ["system"], ["told"]]
    same = [made(inspect_ai.read(tmp_path / f"{name}.json"), tmp_path / "runs", "m") for name in ("plain", "told")]
    assert same[0].run.run_id != same[1].run.run_id
    assert rows(same) == [["m"], ["m"]]  # neither hides the other
    metrics = class_of(found[0].run).metrics
    notes = [compare(*(read_side(found[i].folder.path) for i in pair), metrics).notes for pair in ((0, 2), (0, 1))]
    assert [any("were not asked alike" in one for one in few) for few in notes] == [True, False]


def test_a_log_that_does_not_say_how_it_asked_stands_in_each_table_of_its_data(tmp_path):
    logs = {"plain": [_PLAIN], "told": [_SYSTEM, _PLAIN], "silent": []}
    found = [made(inspect_ai.read(inspect_log(tmp_path / f"{name}.json", ["C", "I"] * 4, steps)), tmp_path / "runs", name)
             for name, steps in logs.items()]  # fmt: skip
    assert [sorted(table) for table in rows(found)] == [["plain", "silent"], ["silent", "told"]]


def test_logs_of_lm_eval_differ_by_their_prompts_and_behind_chat_templates_by_what_made_them(tmp_path):
    chat = lambda shots, **more: {"n-shot": {"quiz": shots}, "chat_template": "<|x|>", **more}  # noqa: E731
    logs = {"a": ("", None), "b": ("", None), "shots": ("yes? yes\n", None)}
    chats = {
        "x": ("<x>", chat(0)),
        "y": ("<y>", chat(0)),
        "five": ("<x>", chat(5)),
        "told": ("<x>", chat(0, system_instruction="!")),
    }
    for given, tables_ in ((logs, [["a", "b"], ["shots"]]), (chats, [["five"], ["told"], ["x", "y"]])):
        found = [
            made(lm_eval.read(lm_eval_log(tmp_path / name, *one)), tmp_path / "runs", name)
            for name, one in given.items()
        ]
        assert sorted(sorted(table) for table in rows(found)) == tables_
    assert found[2].run.origin["imported"]["asking"] == "5 solved examples, a chat template"


def test_runs_of_helm_differ_by_how_prompts_were_made_and_not_by_what_a_model_needs(tmp_path):
    runs = {"a": {}, "b": {"global_prefix": "Human:", "stop_sequences": ["H"], "model_deployment": "x"},
            "shots": {"max_train_instances": 5}, "told": {"instructions": "Think!"}}  # fmt: skip
    found = [made(helm.read(helm_run(tmp_path / name, {"exact_match": 0.5}, **more)), tmp_path / "runs", name)
             for name, more in runs.items()]  # fmt: skip
    assert sorted(sorted(table) for table in rows(found)) == [["a", "b"], ["shots"], ["told"]]


def test_figures_that_our_own_export_wrote_of_other_data_or_prompts_stand_in_tables_of_their_own(tmp_path):
    said = {
        "a": {},
        "b": {},
        "data": {"data_fingerprint": "f" * 64},
        "split": {"split": "train"},
        "asked": {"asked": "0" * 64},
    }
    for odd in ({"asked": {"x": 1}}, {"asked": None}, {"data_fingerprint": ["f"], "split": {}}):
        assert eee.read(aggregate(tmp_path / "odd.json", **odd)).asked == ""
    base = {"data_fingerprint": "a" * 64, "split": "test", "asked": "1" * 64, "n_examples": "40"}
    found = [
        made(eee.read(aggregate(tmp_path / f"{name}.json", **base | more)), tmp_path / "runs", name)
        for name, more in said.items()
    ]
    assert sorted(sorted(table) for table in rows(found)) == [["a", "b"], ["asked"], ["data"], ["split"]]


def test_the_same_samples_in_another_order_are_the_same_data_whatever_the_harness(tmp_path):
    lines = lm_eval_log(tmp_path / "a", "").read_text().split("\n")[:-1]
    turned = lm_eval_log(tmp_path / "b", "")
    turned.write_text("".join(f"{line}\n" for line in lines[::-1]))
    found = [
        made(lm_eval.read(path), tmp_path / "runs", path.parent.name) for path in (tmp_path / "a" / turned.name, turned)
    ]
    assert rows(found) == [["a", "b"]]
    assert compare(*(read_side(one.folder.path) for one in found), class_of(found[0].run).metrics).n == 6
    for name, change in (("c", list), ("d", lambda states: states[::-1])):
        path = helm_run(tmp_path / name, {"exact_match": 0.5}) / "scenario_state.json"
        written(path, {"request_states": change(json.loads(path.read_text())["request_states"])})
    assert rows([made(helm.read(tmp_path / name), tmp_path / "runs", name) for name in "cd"]) == [["c", "d"]]


def test_the_number_of_examples_that_an_export_in_mtebs_form_counts_is_that_of_its_import(tmp_path):
    row = {"main_score": 0.5, "n": 30, "n_failed": 4, "hf_subset": "a"}
    for rows_, n, failed in (([row], 30, 4), ([row, row | {"hf_subset": "b"}], 60, 8), ([row | {"n": "30"}], 0, 0),
                             ([row | {"n": True}], 0, 0), ([row | {"n_failed": 99}], 30, 30)):  # fmt: skip
        whole = {"task_name": "quiz", "mteb_version": None, "scores": {"test": rows_}}
        score = made(mteb.read(written(tmp_path / "quiz.json", whole)), tmp_path / "runs", f"m{n}{failed}").run.scores[
            0
        ]
        assert (score.n, score.n_failed) == (n, failed)


def test_a_comparison_of_logs_that_were_clustered_otherwise_says_by_which_fields(tmp_path):
    path = lm_eval_log(tmp_path / "a", "")
    sides = []
    for cluster in (None, "q"):
        source = making.Source.of(lm_eval.read(path), path, f"m{cluster}", cluster=cluster)
        sides.append(read_side(making.as_it_is(source, Settings(runs_dir=tmp_path / "runs")).folder.path))
    with pytest.raises(BenchError, match=r"other fields for --cluster \(none and q\); import one again"):
        compare(*sides, class_of(sides[0].run).metrics)


def test_failures_that_an_export_of_ours_counts_are_counted_after_its_import(tmp_path):
    for told, n in {"7": 7, "41": 40, "-1": 0, "many": 0}.items():  # of 40 samples
        path = aggregate(tmp_path / "a.json")
        whole = json.loads(path.read_text())
        whole["evaluation_results"][0]["score_details"]["details"] = {"n_failed": told}
        one = made(eee.read(written(path, whole)), tmp_path / "runs", f"m{told}")
        assert (one.run.scores[0].n_failed, one.run.scores[0].n) == (n, 40)


@pytest.mark.parametrize(
    ("version", "said"), [("0.9.1", "mteb; 1 or 2 is read"), ("3.0.0", "mteb; 1 or 2 is read"), ("20.1", "mteb; 1")]
)
def test_a_version_of_mteb_of_another_series_is_one_line_and_none_is_unknown(tmp_path, version, said):
    whole = {"task_name": "quiz", "scores": {"test": [{"main_score": 0.5}]}}
    with pytest.raises(BenchError, match=f"version {version} of {said}"):
        mteb.read(written(tmp_path / "quiz.json", whole | {"mteb_version": version}))
    log = mteb.read(written(tmp_path / "quiz.json", whole | {"mteb_version": None}))
    assert log.version == "unknown"
    assert mteb.read(written(tmp_path / "quiz.json", whole | {"mteb_version": "1.39.0"})).version == "1.39.0"


def test_exports_say_which_way_is_better_and_no_number_of_examples_that_the_log_does_not_say(tmp_path):
    whole = {"task_name": "quiz", "mteb_version": "2.26.24", "scores": {"test": [{"main_score": 0.5}]}}
    figures = made(mteb.read(written(tmp_path / "quiz.json", whole)), tmp_path / "runs", "m")
    loss = made(inspect_ai.read(inspect_log(tmp_path / "loss.json", [{"loss": 2}] * 8)), tmp_path / "runs", "m")
    told = [hub.model_index([item(one.folder.path, one.run, None, None)])[0]["results"][0] for one in (figures, loss)]
    assert ["n_examples" in one["dataset"]["args"] for one in told] == [False, True]
    assert [one["metrics"][0]["args"]["higher_is_better"] for one in told] == [True, False]
    assert [figures.run.answers[name] for name in ("n_cut", "n_empty", "n_unparsed")] == [None] * 3


def test_a_log_of_no_task_or_with_an_id_that_is_none_is_one_line(tmp_path, capsys):
    path = inspect_log(tmp_path / "log.json", ["C", "I"])
    for change, said in (
        ({"task": " "}, "does not say of which task it is"),
        ({"id": [1]}, "the id is '[1]', expected"),
    ):
        whole = json.loads(path.read_text())
        (whole["eval"] if "task" in change else whole["samples"][1]).update(change)
        written(path, whole)
        assert main(["import", "inspect", str(path), f"runs_dir={tmp_path / 'runs'}"]) == 2
        assert said in capsys.readouterr().err
        path = inspect_log(tmp_path / "log.json", ["C", "I"])
    assert not (tmp_path / "runs").exists()
