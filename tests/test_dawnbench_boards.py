"""DAWNBench's boards: published entries beside our own trainings and readings, by hand and against the published figures."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dawnbench_entries import PRICE, ROWS, imagenet, reading, seed, timed, training, write
from small_data import reference_data

Main = Callable[..., tuple[int, list[str], list[str]]]


def boards(main: Main) -> dict[tuple[str, str], dict[str, Any]]:
    """What `bench board dawnbench --json` says, by data set and ranking."""
    code, out, _ = main("board", "dawnbench", "--json")
    assert code == 0
    return {(one["data_set"], one["ranking"]): one for one in json.loads(out[-1])["dawnbench"]}


def values(table: dict[str, Any]) -> list[tuple[int, float]]:
    return [(row["rank"], row["value"]) for row in table["rows"]]


def absent(table: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["source"], one["reason"]) for one in table["absent"]]


def test_without_entries_the_board_says_how_they_come(bench_main: Main) -> None:
    code, out, err = bench_main("board", "dawnbench")
    assert (code, err) == (0, [])
    assert out == ["DAWNBench: no entries yet; `bench dawnbench import PATH` brings them"]
    assert "no complete runs" in bench_main("board")[1][0]
    assert not Path("leaderboards/dawnbench.md").read_text().count("|")


@pytest.mark.slow
def test_the_published_best_figures_stand_first_on_the_boards(bench_main: Main) -> None:
    data = reference_data()
    golden = json.loads((data / "GOLDEN.json").read_text())["dawnbench"]
    code, out, _ = bench_main("dawnbench", "import", str(data / "dawnbench"))
    assert (code, out[-2]) == (0, "69 entries: 69 new; in runs/dawnbench/entries")
    found = boards(bench_main)
    assert list(found) == [(one, ranking) for one in ("SQuAD", "CIFAR10")
                           for ranking in ("time_to_accuracy", "training_cost", "latency", "inference_cost")]  # fmt: skip
    time = found["SQuAD", "time_to_accuracy"]["rows"]
    for bar, published in golden["squad_train_seconds_to_f1"].items():
        for model, seconds in published.items():
            best = min(row["seconds"][bar] for row in time if row["model"] == model)
            assert round(best, 1) == seconds, (bar, model)
    first = {key: table["rows"][0] for key, table in found.items()}
    assert first["SQuAD", "latency"]["value"] == golden["squad_best_latency_ms"]
    assert round(first["CIFAR10", "time_to_accuracy"]["value"], 2) == golden["cifar10_best_train_seconds"]
    assert first["CIFAR10", "latency"]["value"] == golden["cifar10_best_latency_ms"]
    # DrQA on a P4: row 7 has F1 0.7505 after 0.94526 h, at $ 0.60; BaiduNet9 on a V100: row 24, 0.01994991 h
    assert first["SQuAD", "training_cost"]["value"] == pytest.approx(0.94526 * 0.60, rel=1e-4)
    assert first["CIFAR10", "training_cost"]["value"] == pytest.approx(0.01994991 * 1.0632, rel=1e-4)
    assert first["SQuAD", "inference_cost"]["value"] == pytest.approx(0.533 * 100 / 3.6e6, rel=1e-4)  # 100 ms
    assert first["CIFAR10", "inference_cost"]["value"] == 2.078e-7
    assert {row["origin"] for table in found.values() for row in table["rows"]} == {"unverified"}
    assert [len(table["absent"]) for table in found.values()] == [0, 4, 0, 3, 0, 11, 0, 8]
    assert {one["reason"] for one in found["CIFAR10", "inference_cost"]["absent"]} == {"gives no cost"}


@pytest.mark.slow
def test_importing_again_changes_nothing_and_another_content_is_refused(tmp_path: Path, bench_main: Main) -> None:
    path = write(tmp_path / "in", "SQuAD/train/a", ROWS)
    assert "1 entries: 1 new" in bench_main("dawnbench", "import", "in")[1][0]
    assert "1 entries: 1 already there" in bench_main("dawnbench", "import", "in")[1][0]
    write(tmp_path / "copy", "SQuAD/train/b", ROWS)  # the same under another name
    assert "1 already there" in bench_main("dawnbench", "import", "copy")[1][0]
    assert len(boards(bench_main)["SQuAD", "time_to_accuracy"]["rows"]) == 1
    path.with_suffix(".tsv").write_text(ROWS.replace("1.5\t", "1.4\t"))
    code, out, err = bench_main("dawnbench", "import", "in")
    assert (code, out, len(err)) == (2, [], 1)
    assert "SQuAD/train/a.json is kept with another content; --replace" in err[0]
    assert values(boards(bench_main)["SQuAD", "time_to_accuracy"]) == [(1, 5400.0)]
    assert "1 replaced" in bench_main("dawnbench", "import", "in", "--replace")[1][0]
    assert values(boards(bench_main)["SQuAD", "time_to_accuracy"]) == [(1, 1.4 * 3600)]
    code, out, _ = bench_main("dawnbench", "import", "in", "--json")
    assert json.loads(out[-1])["entries"] == [{"place": "SQuAD/train/a.json", "action": "already there"}]


def test_two_entries_of_one_name_are_refused_before_anything_is_kept(tmp_path: Path, bench_main: Main) -> None:
    write(tmp_path / "in/x", "SQuAD/train/a", ROWS)
    write(tmp_path / "in/y", "SQuAD/train/a", ROWS.replace("1.5\t", "1.4\t"))
    code, _, err = bench_main("dawnbench", "import", "in", "--replace")
    assert (code, "SQuAD/train/a.json is there twice with different contents" in err[0]) == (2, True)
    assert not Path("runs/dawnbench").exists()


def test_a_refused_entry_is_named_and_not_kept(tmp_path: Path, bench_main: Main) -> None:
    write(tmp_path / "in", "SQuAD/train/good", ROWS)
    write(tmp_path / "in", "SQuAD/train/bad", ROWS.replace("1.0\t", "-1.0\t"))
    code, out, _ = bench_main("dawnbench", "import", "in")
    assert (code, out[1]) == (0, "2 entries: 1 new, 1 refused; in runs/dawnbench/entries")
    assert out[0] == ("  refused: SQuAD/train/bad.tsv line 3, hours: found '-1.0'; expected a number from 0 to 100,000")
    assert [one["source"] for one in boards(bench_main)["SQuAD", "time_to_accuracy"]["rows"]] == [
        "SQuAD/train/good.json"
    ]
    assert bench_main("dawnbench", "import", "in/SQuAD/train/bad.json")[0] == 1
    assert bench_main("dawnbench", "import", "nowhere")[0] == 2


def test_a_kept_entry_that_was_damaged_is_told_and_has_no_place(tmp_path: Path, bench_main: Main) -> None:
    write(tmp_path / "in", "SQuAD/train/a", ROWS)
    write(tmp_path / "in", "SQuAD/train/b", ROWS.replace("1.5\t", "1.4\t"))
    bench_main("dawnbench", "import", "in")
    Path("runs/dawnbench/entries/SQuAD/train/a.tsv").unlink()
    _, out, err = bench_main("board", "dawnbench")
    assert "left out: SQuAD/train/a.tsv line 1: found no such file; refused" in err[0]
    assert any("No place here, refused:" in line for line in out)


def test_imagenet_entries_are_ranked_by_top5_and_cost(tmp_path: Path, bench_main: Main) -> None:
    """In the manner of the real ones: 157.55 s and 0.0739 ms are the published best figures."""
    at = "ImageNet/train/"
    fast = imagenet((0, 0.0012, 0.6, 2.41), (26, 0.038755556, 70.66, 89.8), (27, 0.043763889, 75.75, 93.04))
    write(
        tmp_path,
        at + "sixteen_machines",
        fast,
        costPerHour=329.6,
        misc={"schedule": {"max_lr": 25.0}},
        usedBlacklist=True,
    )
    write(tmp_path, at + "one_machine", imagenet((1, 1.0, 60, 80), (2, 2.0, 76.1, 93)), costPerHour=12.24)
    write(tmp_path, at + "first_row_at_zero", imagenet((0, 0, 0.12, 0.53), (35, 0.0688, 75.9, 93.06)), misc="none")
    write(tmp_path, at + "never", imagenet((1, 1.0, 60, 80), (2, 2.0, 75.9, 92.999999)))
    blanks = (
        imagenet((1, 0.13, 8.4, 21.4), (2, 0.2, 76, 93.05))
        .replace("\t", "   ", 3)
        .replace("epoch", "Iterations   epoch", 1)
    )
    write(tmp_path, at + "more_columns", blanks.replace("\n1\t", "\n640\t1\t").replace("\n2\t", "\n1280\t2\t"))
    write(tmp_path, at + "hours_of_each_epoch", imagenet((1, 0.13, 8.4, 21.4), (2, 0.08, 76, 93.05)))
    write(tmp_path, at + "swapped", imagenet((1, 1.0, 80, 60), (2, 2.0, 93.1, 76)))
    at = "ImageNet/inference/"
    write(tmp_path, at + "npu", latency=0.0739278, cost=None, top5Accuracy=93.156)
    write(tmp_path, at + "cpu", latency=17.38, cost=1.64e-06, top5Accuracy=93.07, timestamp="2018-4-20")
    write(tmp_path, at + "below", latency=0.01, cost=1e-9, top5Accuracy=92.99)
    write(tmp_path, at + "fraction", latency=5, costPerHour=0.9, top5Accuracy=0.93)
    code, out, _ = bench_main("dawnbench", "import", str(tmp_path))
    assert (code, out[-2]) == (0, "11 entries: 9 new, 2 refused; in runs/dawnbench/entries")
    refused = [line for line in out if line.startswith("  refused")]
    assert [line.split(": found")[0].removeprefix("  refused: ImageNet/train/") for line in refused] == [
        "hours_of_each_epoch.tsv line 3, hours", "swapped.tsv line 2, top1Accuracy",
        "swapped.tsv line 3, top1Accuracy",
    ]  # fmt: skip
    assert "time does not run back: give the hours since the training began" in refused[0]
    found = {ranking: table for (_, ranking), table in boards(bench_main).items()}
    assert [(row["rank"], round(row["value"], 2), Path(row["source"]).stem) for row in found["time_to_accuracy"]["rows"]] == [
        (1, 157.55, "sixteen_machines"), (2, 247.68, "first_row_at_zero"), (3, 720.0, "more_columns"), (4, 7200.0, "one_machine"),
    ]  # fmt: skip
    assert absent(found["time_to_accuracy"]) == [("ImageNet/train/never.json", "never reaches 93")]
    assert [round(value, 2) for _, value in values(found["training_cost"])] == [14.42, 24.48]  # 0.043763889 h × 329.6
    assert [round(value, 4) for _, value in values(found["latency"])] == [0.0739, 5.0, 17.38]
    assert values(found["inference_cost"]) == [(1, 0.9 * 5 / 3.6e6), (2, 1.64e-06)]
    assert absent(found["inference_cost"]) == [
        ("ImageNet/inference/npu.json", "gives no cost"), ("ImageNet/inference/below.json", "never reaches 93"),
    ]  # fmt: skip


def test_equal_figures_share_a_rank_and_a_cost_of_nothing_is_none(tmp_path: Path, bench_main: Main) -> None:
    for name, cost in {"a": 0.9, "b": "$0.90", "c": 0, "d": "$0", "e": "free"}.items():
        write(tmp_path, f"SQuAD/train/{name}", ROWS, costPerHour=cost, misc=name)
    bench_main("dawnbench", "import", str(tmp_path))
    found = boards(bench_main)
    assert [rank for rank, _ in values(found["SQuAD", "time_to_accuracy"])] == [1] * 5
    assert values(found["SQuAD", "training_cost"]) == [(1, 1.35), (1, 1.35)]
    assert {why for _, why in absent(found["SQuAD", "training_cost"])} == {"its costPerHour was left out, as no price"}


@pytest.mark.slow
@pytest.mark.usefixtures("as_recorded")
def test_our_trainings_and_readings_stand_beside_the_published_ones(
    tmp_path: Path, bench_main: Main, run_record: Any
) -> None:
    write(tmp_path, "SQuAD/train/a", ROWS, costPerHour=0.5)
    write(tmp_path, "SQuAD/inference/b", latency=20.0, cost=2e-9, f1Score=0.76)
    bench_main("dawnbench", "import", str(tmp_path))
    training(tmp_path / "runs")
    timed(run_record, tmp_path / "runs")
    found = {ranking: table for (_, ranking), table in boards(bench_main).items()}
    assert values(found["time_to_accuracy"]) == [(1, 1800.0), (2, 5400.0)]  # the mean of 0.4, 0.5 and 0.6 hours
    assert values(found["training_cost"]) == [(1, 0.45), (2, 0.75)]
    assert values(found["latency"]) == [(1, 12.5), (2, 20.0)]
    assert values(found["inference_cost"]) == [(1, 2e-9), (2, pytest.approx(0.9 * 12.5 / 3.6e6))]
    ours = found["time_to_accuracy"]["rows"][0]
    assert (ours["origin"], ours["claimed"], ours["n"], ours["hardware"]) == (
        "trained here",
        False,
        "5 seeds",
        "2 × Abacus 3",
    )
    assert ours["source"] == "squad_v1/minilm_span/train-0123456789ab"
    ours = found["latency"]["rows"][0]
    assert (ours["origin"], ours["accuracy"], ours["n"], ours["framework"]) == (
        "run here",
        0.8,
        "10,570 items",
        "PyTorch 2.13.0",
    )
    _, out, err = bench_main("board", "dawnbench")
    assert err == []
    assert [line.split("\t")[:3] for line in out[2:4]] == [
        ["1", "minilm_span", "1,800.0"], ["2", "Abacus", "~5,400.0"],
    ]  # fmt: skip
    page = Path("leaderboards/dawnbench.md").read_text()
    assert "| 1 | minilm_span | 1,800.0 |" in page
    assert "| 2 | Abacus | *\\~5,400.0* |" in page


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"comparable": False, "split": "four fifths of dev"}, "not comparable: four fifths of dev"),
        ({"target": {"value": 0.8}}, "its target was f1:0.8, where the bar is f1:0.75"),
        ({"target": {"metric": "exact_match"}}, "its target was exact_match:0.75, where the bar is f1:0.75"),
        ({"hours": (0.5, None, None)}, "no valid result: 2 of 3 runs miss the target; one may, as the slowest"),
        ({"hours": (0.001, 0.001, 0.001)}, "its 3.6 s are less than any machine takes"),
    ],
)  # fmt: skip
def test_a_training_that_is_not_comparable_is_named_with_the_reason(
    tmp_path: Path, bench_main: Main, changes: dict[str, Any], reason: str
) -> None:
    training(tmp_path / "runs", **changes)
    table = boards(bench_main)["SQuAD", "time_to_accuracy"]
    assert (table["rows"], absent(table)) == ([], [("squad_v1/minilm_span/train-0123456789ab", reason)])


@pytest.mark.usefixtures("as_recorded")
@pytest.mark.parametrize(
    ("price", "reason"),
    [
        ({}, "has no price; give it one with price="),
        (PRICE | {"currency": "EUR"}, "its price is in EUR, where the competition counts US dollars"),
        (PRICE | {"per_hour": None, "per_million": {"prompt": 1, "completion": 2}}, "its price is not that of a machine's hour"),
    ],
)  # fmt: skip
def test_without_a_price_in_dollars_there_is_no_place_on_the_costs(
    tmp_path: Path, bench_main: Main, run_record: Any, price: dict[str, Any], reason: str
) -> None:
    training(tmp_path / "runs", price=price)
    timed(run_record, tmp_path / "runs", price=price)
    found = {ranking: table for (_, ranking), table in boards(bench_main).items()}
    assert [len(table["rows"]) for table in found.values()] == [1, 0, 1, 0]
    assert [why for name in ("training_cost", "inference_cost") for _, why in absent(found[name])] == [reason] * 2


@pytest.mark.usefixtures("as_recorded")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"verdict": "INVALID", "reasons": ["p90 needs 64 answers, there are 50: 14 more"]},
         "its single_stream is INVALID: p90 needs 64 answers, there are 50: 14 more"),
        ({"failed": 3}, "3 of its timed answers failed"),
        ({"audit": {"cache": {"passed": False}}}, "it failed the audit 'cache'"),
        ({"latency": None}, "its reading has no mean latency"),
        ({"latency": {"mean": 0}}, "its mean latency of 0.0 s is less than any machine takes"),
    ],
)  # fmt: skip
def test_a_reading_that_does_not_count_is_named_with_the_reason(
    tmp_path: Path, bench_main: Main, run_record: Any, changes: dict[str, Any], reason: str
) -> None:
    timed(run_record, tmp_path / "runs", scenarios={"single_stream": reading(**changes)})
    table = boards(bench_main)["SQuAD", "latency"]
    assert (table["rows"], absent(table)) == ([], [("squad_v1/alpha/0123456789ab", reason)])


@pytest.mark.usefixtures("as_recorded")
def test_a_run_below_the_bar_or_on_a_part_has_no_place_and_one_without_a_reading_is_not_spoken_of(
    tmp_path: Path, bench_main: Main, run_record: Any
) -> None:
    runs = tmp_path / "runs"
    timed(run_record, runs, model="weak", value=0.7499999)
    timed(run_record, runs, model="part", n_examples=200)
    timed(run_record, runs, model="untimed", scenarios={})
    timed(run_record, runs, model="oracle", is_reference=True)
    table = boards(bench_main)["SQuAD", "latency"]
    assert table["rows"] == []
    assert {one["model"]: one["reason"] for one in table["absent"]} == {
        "weak": "its f1Score of 0.7499999 is below the bar of 0.75",
        "part": "scored on 200 examples, where SQuAD has 10,570",
    }


def test_a_run_that_was_handed_in_stands_as_self_reported(run_record: Any) -> None:
    from bench.leaderboard.dawnbench_own import of_run

    run = run_record(value=0.8, n_examples=10_570, scenarios={"single_stream": reading()})
    standing = of_run(replace(run, origin={"bundle": "0" * 64, "submitter": "Ann"}), "x").standing()
    assert (standing.origin, standing.claimed) == ("self-reported", True)
    standing = of_run(replace(run, origin={"verified": {"date": "2026-11-28"}}), "x").standing()
    assert (standing.origin, standing.claimed) == ("verified, times claimed", True)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "is no record of a training"), ("[]", "is no record of a training"),
        ('{"task": "squad_v1"}', "is no record of a training"),
        ("1e309", "is no record of a training"),
    ],
)  # fmt: skip
def test_a_damaged_record_of_a_training_is_told_and_costs_only_itself(
    tmp_path: Path, bench_main: Main, text: str, reason: str
) -> None:
    training(tmp_path / "runs")
    (training(tmp_path / "runs", name="train-0123456789cd") / "training.json").write_text(text)
    code, out, err = bench_main("board", "dawnbench")
    assert (code, len(err), sum(line.startswith("1\tminilm_span") for line in out)) == (0, 1, 2)
    assert reason in err[0]


def test_a_number_beyond_all_bounds_makes_no_training(tmp_path: Path, bench_main: Main) -> None:
    for place, value in enumerate(("1e309", "-1", '"1"', "true")):
        folder = training(tmp_path / "runs", name=f"train-0123456789a{place}", seeds=[seed(0, 0.5)])
        file = folder / "training.json"
        file.write_text(file.read_text().replace('"hours": 0.25', f'"hours": {value}'))
    _, _, err = bench_main("board", "dawnbench")
    assert [line.count("seeds[0].curve[0].hours") for line in err] == [1] * 4


@pytest.mark.slow
def test_the_board_stands_on_the_site_and_in_the_list(tmp_path: Path, bench_main: Main) -> None:
    write(tmp_path / "in", "SQuAD/train/a", ROWS, model="<b>Abacus</b>")
    bench_main("dawnbench", "import", "in")
    code, out, _ = bench_main("board", "--html", "site", "--json")
    assert (code, json.loads(out[-1])["site"]["n_boards"]) == (0, 1)
    page = Path("site/boards/dawnbench.html").read_text()
    assert "&lt;b&gt;Abacus&lt;/b&gt;" in page
    assert 'class="num claimed" data-sort="5,400.0"' in page
    assert 'href="boards/dawnbench.html"' in Path("site/index.html").read_text()
    assert "dawnbench" in json.loads(bench_main("list", "boards", "--json")[1][-1])
