"""Exporting to DAWNBench: an entry says the very numbers that were measured, and what makes none says why in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dawnbench_entries import FIELDS, MACHINE, PRICE, reading, timed, training
from hypothesis import given
from hypothesis import strategies as st

from bench.data.dawnbench_format import INFERENCE, TRAIN, read_entry
from bench.data.dawnbench_write import Draft, entry_name, write_entry
from bench.errors import BenchError
from bench.leaderboard.dawnbench_own import on_scale

Main = Callable[..., tuple[int, list[str], list[str]]]
WHO = ("--author", "Ada Lovelace", "--author-email", "ada@example.org")


def rows(data: Any) -> list[tuple[float, ...]]:
    """A curve on SQuAD's scale, whose time runs no faster than any machine."""
    n = data.draw(st.integers(1, 8))
    hours = 0.0
    found = []
    for epoch in range(1, n + 1):
        hours += data.draw(st.floats(0.01, 20.0))
        found.append((float(epoch), hours, data.draw(st.floats(0.0, 1.0))))
    return found


@pytest.mark.slow
@given(st.data())
def test_an_entry_is_read_back_to_the_very_same_numbers(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    folder = tmp_path_factory.getbasetemp() / "read_back"
    per_hour = data.draw(st.none() | st.floats(1e-3, 1e6))
    fields = FIELDS | ({} if per_hour is None else {"costPerHour": per_hour})
    draft = Draft("SQuAD", TRAIN, "a", fields, rows(data))
    found = read_entry(write_entry(draft, folder, replaces=True), "a")
    assert list(found.curve) == [(hours, value) for _, hours, value in draft.rows]
    assert (found.cost_per_hour, found.findings) == (per_hour, [])
    numbers = {"latency": data.draw(st.floats(1e-3, 3.6e6)), "cost": data.draw(st.floats(1e-11, 1e4))}
    accuracy = data.draw(st.floats(1.0, 100.0, exclude_min=True))
    draft = Draft("CIFAR10", INFERENCE, "b", FIELDS | numbers | {"top1Accuracy": accuracy})
    found = read_entry(write_entry(draft, folder, replaces=True), "b")
    assert (found.latency_ms, found.cost, found.accuracy) == (*numbers.values(), accuracy)


@given(st.floats(0.0, 1.0))
def test_a_fraction_in_percent_has_the_same_digits_and_passes_no_bar_by_rounding(value: float) -> None:
    assert float(f"{on_scale(value, 100.0)!r}") == on_scale(value, 100.0)
    assert (on_scale(value, 100.0) >= 94.0) == (value >= 0.94)
    assert on_scale(value, 1.0) == value


@pytest.mark.slow
def test_a_training_becomes_an_entry_with_the_curve_of_its_middle_seed(tmp_path: Path, bench_main: Main) -> None:
    folder = training(tmp_path / "runs")
    code, out, err = bench_main(
        "dawnbench", "export", str(folder), *WHO, "--code-url", "https://ada:pw@example.org/x", "-o", "out"
    )
    name = "out/SQuAD/train/ada-lovelace_minilm_span_2-abacus-3_pytorch-2-13-0"
    assert (code, err) == (0, [])
    path = next(Path("out/SQuAD/train").glob("*.json"))
    assert out[0] == f"{path}: seed 0, 1,800.0 s to the bar, $ 0.45"
    fields = json.loads(path.read_text())
    assert list(fields) == ["version", "author", "authorEmail", "framework", "codeURL", "commitHash", "model", "hardware",
                            "costPerHour", "timestamp", "misc"]  # fmt: skip
    assert fields["codeURL"] == "https://example.org/x"
    assert (fields["timestamp"], fields["commitHash"], fields["misc"]["seed"]) == ("2026-11-28", "abc123def456", 0)
    assert path.with_suffix(".tsv").read_text() == "epoch\thours\tf1Score\n1\t0.25\t0.4\n2\t0.5\t0.75\n"
    assert name.startswith(str(path.parent))
    code, out, _ = bench_main("score", "dawnbench", "out", "--json")
    report = json.loads(out[-1])
    assert (code, report["findings"]) == (0, [])
    assert (report["entries"][0]["seconds"]["0.75"], report["entries"][0]["cost"]) == (1800.0, 0.45)
    assert (
        bench_main("dawnbench", "export", str(folder), *WHO, "--code-url", "https://example.org/x", "-o", "out")[0] == 0
    )


@pytest.mark.usefixtures("as_recorded")
def test_a_timed_run_becomes_an_entry_with_its_mean_latency(tmp_path: Path, bench_main: Main, run_record: Any) -> None:
    timed(run_record, tmp_path / "runs")
    more = ("--hardware", "1 vCPU (Cloud [c5.large])", "--framework", "PyTorch 2", "--model", "Alpha", "-o", "out")
    code, _, err = bench_main("dawnbench", "export", "squad_v1/alpha", *WHO, *more, "--json")
    assert (code, err) == (0, [])
    path = Path("out/SQuAD/inference/ada-lovelace_alpha_1-vcpu-cloud-c5-large_pytorch-2.json")
    fields = json.loads(path.read_text())
    assert [fields[name] for name in ("latency", "cost", "f1Score")] == [12.5, 0.9 * 12.5 / 3.6e6, 0.8]
    assert (fields["hardware"], fields["model"], fields["misc"]["items timed"]) == (more[1], "Alpha", 10_570)
    found = read_entry(path, "x")
    assert (found.findings, found.latency_ms, found.cost, found.accuracy) == ([], 12.5, fields["cost"], 0.8)


@pytest.mark.usefixtures("as_recorded")
def test_a_run_on_cifar10_is_exported_in_percent(tmp_path: Path, bench_main: Main, run_record: Any) -> None:
    run = run_record()
    score = [vars(run.scores[0]) | {"metric": "accuracy", "value": 0.9405}]
    folder = timed(run_record, tmp_path / "runs", task="cifar10", n_examples=10_000,
                   scenarios={"single_stream": reading(n=10_000)})  # fmt: skip
    record = json.loads((folder / "run.json").read_text()) | {"scores": score}
    (folder / "run.json").write_text(json.dumps(record))
    assert bench_main("dawnbench", "export", str(folder), *WHO)[0] == 0
    (path,) = Path("CIFAR10/inference").glob("*.json")
    assert json.loads(path.read_text())["top1Accuracy"] == 94.05


@pytest.mark.slow
@pytest.mark.usefixtures("as_recorded")
def test_without_a_price_an_entry_has_no_cost_and_says_so(tmp_path: Path, bench_main: Main, run_record: Any) -> None:
    folders = [training(tmp_path / "runs", price={}), timed(run_record, tmp_path / "runs", price={})]
    for folder in folders:
        code, _, err = bench_main("dawnbench", "export", str(folder), *WHO, "--cost")
        assert (code, len(err)) == (2, 1)
        assert "has no price; give it one with price=; without --cost the entry is written without one" in err[0]
        code, _, err = bench_main("dawnbench", "export", str(folder), *WHO)
        assert (code, len(err)) == (0, 1)
        assert "the entry has no cost" in err[0]
    assert not {"cost", "costPerHour"} & set(json.loads(next(Path("SQuAD").rglob("*.json")).read_text()))


@pytest.mark.parametrize(
    ("changes", "options", "reason"),
    [
        ({"comparable": False, "split": "four fifths of dev"}, WHO, "makes no entry: not comparable: four fifths of dev"),
        ({"target": {"value": 0.7}}, WHO, "its target was f1:0.7, where the bar is f1:0.75"),
        ({"task": "digits"}, WHO, "is a training on 'digits'; DAWNBench has squad_v1, cifar10"),
        ({}, WHO[2:], "give --author (or BENCH_AUTHOR)"),
        ({}, (), "give --author (or BENCH_AUTHOR) and --author-email (or BENCH_AUTHOR_EMAIL)"),
        ({}, (*WHO[:3], "ada"), "--author-email: 'ada' is no address; give one like ann@example.org"),
        ({}, (*WHO, "--code-url", "my code"), "--code-url: 'my code' is no address; give one like https://example.org/code"),
        ({}, (*WHO, "--seed", "7"), "has no seed 7; it has 0, 1, 2, 3, 4"),
        ({}, (*WHO, "--hardware", "a\x1b[2Jb"), "hardware: found"),
        ({"hours": (0.5, None, 0.4)}, (*WHO, "--seed", "1"), "seed 1 never reaches 0.75 (1 of 3 seeds do not)"),
        ({"created": "2015-01-01T00:00:00+00:00"}, WHO, "timestamp: found '2015-01-01'"),
        ({"hours": (0.5, 0.0001, 0.4)}, (*WHO, "--seed", "1"), "0.18 s after the row before, where 1 epochs take 0.5 s at least"),
        ({"price": PRICE | {"per_hour": 1e-9}}, WHO, "costPerHour: found 1e-09; left out: expected a number from 0.001"),
    ],
)  # fmt: skip
def test_a_training_that_makes_no_entry_says_why_in_one_line(
    tmp_path: Path, bench_main: Main, changes: dict[str, Any], options: tuple[str, ...], reason: str
) -> None:
    folder = training(tmp_path / "runs", **changes)
    code, out, err = bench_main("dawnbench", "export", str(folder), *options)
    assert (code, out, len(err)) == (2, [], 1)
    assert reason in err[0]
    assert not [*Path().glob("SQuAD"), *Path().glob("CIFAR10")]


@pytest.mark.usefixtures("as_recorded")
@pytest.mark.parametrize(
    ("changes", "options", "reason"),
    [
        ({"scenarios": {}}, (), "makes no entry: has no reading of single_stream; run it with timing=single_stream"),
        ({"scenarios": {"server": reading()}}, (), "has no reading of single_stream"),
        ({"scenarios": {"single_stream": reading(verdict="INVALID", reasons=["too short"])}}, (), "is INVALID: too short"),
        ({"value": 0.74}, (), "its f1Score of 0.74 is below the bar of 0.75"),
        ({"n_examples": 50, "limit": 50}, (), "scored on 50 examples, where SQuAD has 10,570"),
        ({"is_reference": True}, (), "a reference row"),
        ({"task": "finmm_qa"}, (), "is a run of task 'finmm_qa', which is none of DAWNBench's; it has squad_v1, cifar10"),
        ({"scenarios": {"single_stream": reading(n=1024)}}, (), "timed 1,024 items, where the competition takes the mean of all"),
        ({"scenarios": {"single_stream": reading(n=1024)}}, ("--sample",), ""),
        ({"scenarios": {"single_stream": reading(latency={"mean": 1e-9})}}, (), "1e-09 s is less than any machine takes"),
        ({}, ("--seed", "1"), "is a run, which has no seeds; leave --seed out"),
        ({"origin": {"bundle": "0" * 64, "submitter": "Bob"}}, (), "was handed in by somebody else"),
    ],
)  # fmt: skip
def test_a_run_that_makes_no_entry_says_why_in_one_line(
    tmp_path: Path, bench_main: Main, run_record: Any, changes: dict[str, Any], options: tuple[str, ...], reason: str
) -> None:
    folder = timed(run_record, tmp_path / "runs", **changes)
    code, _, err = bench_main("dawnbench", "export", str(folder), *WHO, *options)
    assert (code, len(err)) == ((2, 1) if reason else (0, 0))
    assert reason in "".join(err)


@pytest.mark.slow
@pytest.mark.usefixtures("as_recorded")
def test_a_reference_names_a_training_or_a_run_and_never_guesses(
    tmp_path: Path, bench_main: Main, run_record: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_AUTHOR", "Ada")
    monkeypatch.setenv("BENCH_AUTHOR_EMAIL", "ada@example.org")
    folder = training(tmp_path / "runs", model="alpha")
    for reference in ("train-0123", "squad_v1/alpha", str(folder), str(folder / "training.json")):
        assert bench_main("dawnbench", "export", reference)[0] == 0, reference
    for reference, reason in (("train-", "beginning of 2"), ("train-9", "is no training"), ("nothing", "is no run")):
        training(tmp_path / "runs", name="train-123456789abc", model="beta") if reference == "train-" else None
        code, _, err = bench_main("dawnbench", "export", reference)
        assert (code, reason in err[0]) == (2, True)
    (tmp_path / "runs/squad_v1/alpha/train-half").mkdir()
    code, _, err = bench_main("dawnbench", "export", "runs/squad_v1/alpha/train-half")
    assert (code, "is not complete: it has no training.json; the same `bench train` command" in err[0]) == (2, True)
    timed(run_record, tmp_path / "runs", run_id="aaaaaaaaaaaa")
    code, _, err = bench_main("dawnbench", "export", "squad_v1/alpha")
    assert (code, "is more than one training or run" in err[0]) == (2, True)
    assert bench_main("dawnbench", "export", "aaaa")[0] == 0


def test_another_entry_of_the_name_is_replaced_only_when_asked(tmp_path: Path, bench_main: Main) -> None:
    folder = training(tmp_path / "runs")
    assert bench_main("dawnbench", "export", str(folder), *WHO)[0] == 0
    code, _, err = bench_main("dawnbench", "export", str(folder), *WHO, "--seed", "1")
    assert (code, "exists with another content; --replace" in err[0]) == (2, True)
    assert bench_main("dawnbench", "export", str(folder), *WHO, "--seed", "1", "--replace")[0] == 0


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path, bench_main: Main) -> None:
    folder = training(tmp_path / "runs")
    Path("SQuAD").write_text("a file")
    code, _, err = bench_main("dawnbench", "export", str(folder), *WHO)
    assert (code, len(err)) == (2, 1)
    assert "cannot be written" in err[0]


@pytest.mark.slow
@given(st.lists(st.text(max_size=300), min_size=4, max_size=4))
def test_the_name_of_an_entry_is_a_file_everywhere(parts: list[str]) -> None:
    name = f"{entry_name(*parts)}.json"
    assert len(name.encode()) < 240
    assert name.isprintable()
    assert not set(name) & set('/\\:*?"<>| \t\n')


def test_what_the_importer_would_correct_is_not_written(tmp_path: Path) -> None:
    draft = Draft("SQuAD", TRAIN, "a", FIELDS, [(1.0, 0.5, 75.0)])
    with pytest.raises(BenchError, match=r"would not be taken: a.tsv line 2, f1Score: found 75; corrected"):
        write_entry(draft, tmp_path)
    assert not [*tmp_path.iterdir()]
    assert MACHINE["device"] == "cpu"
