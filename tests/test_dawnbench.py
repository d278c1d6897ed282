"""DAWNBench: time to accuracy, costs, dirty values, ranking and the commands, by hand and against the published figures."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from dawnbench_entries import FIELDS, ROWS, write
from hypothesis import given
from hypothesis import strategies as st

from bench.commands.doctor import where
from bench.data.dawnbench_figures import hours_to
from bench.data.dawnbench_files import read_entries
from bench.data.dawnbench_format import Entry, read_entry
from bench.data.dawnbench_values import Finding, as_number, in_unit
from bench.data.source import DataSource
from bench.errors import BenchError
from bench.task import Task
from tasks.dawnbench import Dawnbench

Main = Callable[..., tuple[int, list[str], list[str]]]


def trained(folder: Path, tsv: str, place: str = "SQuAD/train/a", **fields: Any) -> Entry:
    path = write(folder, place, tsv, **fields)
    return read_entry(path, path.name)


def inferred(folder: Path, place: str = "SQuAD/inference/a", **fields: Any) -> Entry:
    path = write(folder, place, **{"f1Score": 0.8, "latency": 5.0, "cost": 1e-6} | fields)
    return read_entry(path, path.name)


def found(findings: Sequence[Finding]) -> list[tuple[int, str, str]]:
    return [(finding.line, finding.field, finding.action) for finding in findings]


def task(folder: Path | str) -> Dawnbench:
    return Dawnbench(DataSource("dawnbench/", path=str(folder)))


@pytest.mark.parametrize(
    ("bar", "expected"), [(0.70, 0.5), (0.74, 1.0), (0.75, 1.5), (0.76, 1.5), (0.761, None), (0.0, 0.5)]
)
def test_time_to_accuracy_is_that_of_the_first_row_at_the_bar(bar: float, expected: float | None) -> None:
    assert hours_to([(0.5, 0.70), (1.0, 0.74), (1.5, 0.76), (2.0, 0.745)], bar) == expected


@pytest.mark.slow
@given(st.lists(st.tuples(st.floats(0, 99), st.floats(0, 1)), max_size=9), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_bar_is_not_reached_earlier_where_time_runs_on(
    rows: list[tuple[float, float]], one: float, other: float
) -> None:
    curve = sorted(rows)
    low, high = hours_to(curve, min(one, other)), hours_to(curve, max(one, other))
    assert high is None or (low is not None and low <= high)


@pytest.mark.parametrize(
    ("value", "mark", "expected"),
    [
        (7, "", 7.0), (7.5, "", 7.5), ("7.5", "", 7.5), (" 0.9 ", "", 0.9), ("82.5 %", "%", 82.5), ("$0.90", "$", 0.9),
        ("1e-6", "", 1e-6),
    ],
)  # fmt: skip
def test_a_number_is_read_where_it_can_be_only_one(value: Any, mark: str, expected: float) -> None:
    assert as_number(value, mark) == expected


@pytest.mark.parametrize(
    ("value", "mark"), [("5%", ""), ("$5", ""), ("5%", "$"), ("$5", "%"), ("$5%", "$"), ("$$5", "$"), ("$", "$")]
)
def test_a_sign_of_another_quantity_makes_it_no_number(value: str, mark: str) -> None:
    with pytest.raises(ValueError, match="expected a number"):
        as_number(value, mark)


@pytest.mark.parametrize(
    "value",
    [
        True,
        None,
        [],
        "",
        "0,75",
        "7 ms",
        "1_0",
        "１",
        "١",
        "1\u00a0",
        "infinity",
        "0x1p3",
        "nan",
        "inf",
        math.nan,
        math.inf,
        "1" * 400,
    ],
)
def test_what_is_no_finite_number_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="expected a"):
        as_number(value)


@pytest.mark.parametrize(
    ("values", "whole", "expected"),
    [
        ([0.5, 0.8252], 1, [0.5, 0.8252]),
        ([82.5], 1, [0.825]),
        ([50.0, 82.5], 1, [0.5, 0.825]),
        ([0.5, 0.6, 82.5], 1, [0.5, 0.6, 0.825]),
        ([50.0, 82.5, 0.9], 1, [0.5, 0.825, None]),  # 0.9 of 1 or 0.9 %: a wrong guess would reach the bar
        ([0.0, 50.0, 82.5], 1, [0.0, 0.5, 0.825]),  # nothing is nothing on both scales
        ([101.0, -1.0], 1, [None, None]),
        ([93.5, 94.0], 100, [93.5, 94.0]),
        ([0.935, 0.94], 100, [93.5, 94.0]),
        ([0.5, 94.0], 100, [0.5, 94.0]),  # half a percent in the first epoch
        ([94.0, 940.0, -1.0], 100, [94.0, None, None]),
        ([], 1, []),
    ],
)
def test_an_accuracy_on_the_other_scale_is_read_where_it_is_clear(
    values: list[float], whole: float, expected: list[float | None]
) -> None:
    assert in_unit(values, whole) == expected


def test_a_clean_entry_has_no_findings(tmp_path: Path) -> None:
    entry = trained(tmp_path, ROWS, costPerHour=0.9, codeURL="https://example.org", misc={}, momentum=0.9)
    assert (entry.data_set, entry.kind, entry.findings, entry.refused) == ("SQuAD", "train", [], False)
    assert entry.curve == [(0.5, 0.70), (1.0, 0.74), (1.5, 0.76), (2.0, 0.745)]
    assert (entry.accuracy, entry.cost_per_hour, entry.fields) == (0.76, 0.9, FIELDS)
    entry = inferred(tmp_path)
    assert (entry.kind, entry.accuracy, entry.latency_ms, entry.cost, entry.findings) == (
        "inference",
        0.8,
        5.0,
        1e-6,
        [],
    )


@pytest.mark.parametrize(
    "tsv",
    [
        "\ufeff" + ROWS.replace("\n", "\r\n"),  # a byte order mark and Windows line ends
        ROWS.replace("\t", "\t  ").replace("\n", "  \n"),  # blanks round the cells
        ROWS + "\n\n",
        ROWS.rstrip("\n"),
    ],
)
def test_harmless_spacing_is_no_finding(tmp_path: Path, tsv: str) -> None:
    entry = trained(tmp_path, tsv)
    assert (len(entry.curve), entry.findings) == (4, [])


def test_columns_in_another_order_are_read_by_their_names_and_said(tmp_path: Path) -> None:
    entry = trained(tmp_path, "epoch\tf1Score\thours\n1\t0.70\t0.5\n2\t0.76\t1.0\n")
    assert entry.curve == [(0.5, 0.70), (1.0, 0.76)]
    assert found(entry.findings) == [(1, "", "corrected")]


@pytest.mark.parametrize(
    ("tsv", "expected"),
    [
        (ROWS.replace("0.74\n", "74\n"), [(3, "f1Score", "corrected")]),
        (ROWS.replace("\t0.7", "\t7"), [(2, "f1Score", "corrected")]),  # all rows, as 70, 74, 76, 745 %
        (ROWS.replace("\t", "  "), [(1, "", "corrected")]),
        (ROWS.replace("2.0\t", "1.2\t"), [(5, "hours", "left out")]),  # time runs back, behind the bar
        (ROWS.replace("0.745", "n/a"), [(5, "f1Score", "left out")]),  # behind the bar it changes nothing
        (ROWS + "5\t2.5\n", [(6, "hours", "left out")]),
    ],
)
def test_what_is_clear_in_a_tsv_is_read_and_named(
    tmp_path: Path, tsv: str, expected: list[tuple[int, str, str]]
) -> None:
    tsv = tsv.replace("745\n", "74\n") if "\t745" in tsv else tsv
    entry = trained(tmp_path, tsv)
    assert not entry.refused
    assert found(entry.findings) == expected
    assert all(finding.file == "a.tsv" for finding in entry.findings)
    assert hours_to(entry.curve, 0.75) == 1.5


@pytest.mark.parametrize(
    ("tsv", "line", "field"),
    [
        (None, 1, ""),
        ("", 1, "epoch"),
        ("epoch\thours\tf1Score\n", 1, ""),
        (ROWS.replace("f1Score", "accuracy"), 1, "f1Score"),
        (ROWS.replace("epoch", "hours"), 1, "epoch"),
        (ROWS.replace("0.74\n", "n/a\n"), 3, "f1Score"),  # would it have reached the bar?
        (ROWS.replace("0.74\n", "174\n"), 3, "f1Score"),
        (ROWS.replace("1.0\t", "nan\t"), 3, "hours"),
        (ROWS.replace("1.0\t", "-1.0\t"), 3, "hours"),
        (ROWS.replace("1.0\t", "1e-300\t"), 3, "hours"),  # time runs back
        (ROWS.replace("1.0\t", "0.5\t"), 3, "hours"),  # an epoch in no time
        (ROWS.replace("1.0\t", "1e200\t"), 3, "hours"),
        (ROWS.replace("2\t1.0", "1e300\t1.0"), 3, "epoch"),
        (ROWS.replace("2\t1.0", "-2\t1.0"), 3, "epoch"),
        ("epoch\thours\tf1Score\n1\t0\t0.76\n", 2, "hours"),
        ("epoch\thours\tf1Score\n0\t0\t0.76\n", 2, "hours"),
        ("epoch\thours\tf1Score\n1\t1e-300\t0.76\n", 2, "hours"),
        ("epoch\thours\tf1Score\nx\t0.0001\t0.76\n", 2, "hours"),  # 0.36 s in all
        ("epoch\thours\tf1Score\n1\t5\t0.70\n2\t1e-300\t0.76\n", 3, "hours"),
        (ROWS.replace("\t0.74\n", "\n"), 3, "hours"),
        ("epoch\thours\tf1Score\n1\t1\t60\n2\t2\t0.9\n3\t3\t80\n", 3, "f1Score"),
    ],
)
def test_what_is_unclear_in_a_tsv_refuses_the_entry(tmp_path: Path, tsv: str | None, line: int, field: str) -> None:
    path = write(tmp_path, "SQuAD/train/a", tsv)
    entry = read_entry(path, "a.json")
    assert entry.refused
    assert (line, field, "refused") in found(entry.findings)


def test_a_tsv_that_is_not_utf8_is_refused_with_the_line(tmp_path: Path) -> None:
    path = write(tmp_path, "SQuAD/train/a")
    path.with_suffix(".tsv").write_bytes(b"epoch\thours\tf1Score\n1\t1\t0.8 caf\xe9\n")
    (finding,) = read_entry(path, "a.json").findings
    assert finding.action == "refused"
    assert "line 2: byte 0xe9" in finding.text


def test_a_row_before_the_first_epoch_and_an_epoch_without_a_number_are_no_fault(tmp_path: Path) -> None:
    entry = trained(tmp_path, ROWS.replace("1\t0.5\t0.70", "0\t0\t0.01\n1\t0.5\t0.70").replace("2\t1.0", "two\t1.0"))
    assert (len(entry.curve), entry.refused, found(entry.findings)) == (5, False, [(4, "epoch", "noted")])


@pytest.mark.slow
def test_no_stranger_writes_to_the_terminal(tmp_path: Path, bench_main: Main) -> None:
    bad = "\x1b[2J\u202e\u2028"
    write(
        tmp_path,
        f"SQuAD/train/{bad}",
        ROWS.replace("hours", f"hours{bad}"),
        **{f"{bad}key": 1, "author": bad, "latency": bad},
    )
    write(tmp_path, "SQuAD/train/twice", ROWS, text=json.dumps(FIELDS)[:-1] + f', "{bad[4:]}": 1, "{bad[4:]}": 2}}')
    write(tmp_path, "SQuAD/train/order", f"epoch\tf1Score\thours\t{bad[:4]}\n1\t0.70\t0.5\t1\n")
    for more in ([], ["--json"]):
        _, out, err = bench_main("score", "dawnbench", str(tmp_path), *more)
        text = "\n".join([*out, *err])
        assert not [sign for sign in "\x1b\u202e\u2028" if sign in text]


@pytest.mark.parametrize(
    ("fields", "line", "field", "action"),
    [
        ({"f1Score": 82.52085997573373}, 9, "f1Score", "corrected"),
        ({"f1Score": "80%"}, 9, "f1Score", "corrected"),
        ({"latency": "5.0"}, 10, "latency", "corrected"),
        ({"version": 1.0}, 2, "version", "corrected"),
        ({"timestamp": "2020/2/9"}, 8, "timestamp", "corrected"),
        ({"timestamp": "2020-02-29T10:00:00Z"}, 8, "timestamp", "corrected"),
        ({"cost": "cheap"}, 11, "cost", "left out"),
        ({"cost": -1}, 11, "cost", "left out"),
        *(({"cost": x}, 11, "cost", "left out") for x in (0, 1e-300, 1e200, "1e999")),
        *(({"costPerHour": x}, 12, "costPerHour", "left out") for x in (0, 1e-300, 1e200, True)),
        ({"costPerHour": "?"}, 12, "costPerHour", "left out"),
        ({"f1Score": 825}, 9, "f1Score", "refused"),
        ({"f1Score": None}, 9, "f1Score", "refused"),
        ({"latency": 0}, 10, "latency", "refused"),
        *(({"latency": x}, 10, "latency", "refused") for x in (1e-300, 9e-4, -5, 1e300, "1e999", "nan", True, "0")),
        *(({"f1Score": x}, 9, "f1Score", "refused") for x in (101, -0.1, 1e200, "1e999")),
        ({"cost": 0, "latency": None}, 11, "cost", "refused"),
        *(({"timestamp": x}, 8, "timestamp", "refused") for x in ("2999-01-01", "2016-06-15", "0001-01-01")),
        *(
            ({"model": f"a{x}b"}, 6, "model", "refused")
            for x in ("\x1b[2J", "\u202e", "\n", "\u2066", "\u2028", "\x00", "\u200f")
        ),
        ({"hardware": "x" * 1_001}, 7, "hardware", "refused"),
        ({"latency": "5 to 6"}, 10, "latency", "refused"),
        ({"latency": None, "cost": None}, 10, "latency", "refused"),
        ({"timestamp": "29.2.2021"}, 8, "timestamp", "refused"),
        ({"timestamp": "2021-02-29"}, 8, "timestamp", "refused"),
        ({"model": ""}, 6, "model", "refused"),
        ({"author": None}, 3, "author", "refused"),
        ({"hardware": ["CPU"]}, 7, "hardware", "refused"),
    ],
)
def test_a_dirty_value_is_named_with_its_line_and_field(
    tmp_path: Path, fields: dict[str, Any], line: int, field: str, action: str
) -> None:
    entry = inferred(tmp_path, **fields)
    assert (line, field, action) in found(entry.findings)
    assert entry.refused == (action == "refused")


def test_what_was_corrected_has_the_value_meant(tmp_path: Path) -> None:
    assert inferred(tmp_path, f1Score=82.52085997573373).accuracy == 0.8252085997573373
    assert inferred(tmp_path, timestamp="2020/2/9").fields["timestamp"] == "2020-02-09"
    fields = {"place": "CIFAR10/inference/a", "top1Accuracy": 0.9423}
    assert inferred(tmp_path, **fields).accuracy == pytest.approx(94.23)
    renamed = write(tmp_path, "CIFAR10/inference/b", latency=1.0, accuracy=94.45)  # as in the organisers' example
    entry = read_entry(renamed, "b.json")
    assert (entry.accuracy, found(entry.findings)) == (94.45, [(10, "accuracy", "corrected")])


@pytest.mark.parametrize("missing", list(FIELDS))
def test_a_missing_field_refuses_the_entry(tmp_path: Path, missing: str) -> None:
    fields = {key: value for key, value in FIELDS.items() if key != missing}
    path = write(tmp_path, "SQuAD/train/a", ROWS, text=json.dumps(fields))
    assert found(read_entry(path, "a.json").findings) == [(1, missing, "refused")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"version": "v1.0",', "is not JSON: line 1"),
        ("[]", "expected an object"),
        ('{"latency": NaN}', "NaN is not a JSON number"),
        (json.dumps(FIELDS)[:-1] + ', "model": "Other"}', "'Abacus' and 'Other' are both given"),
    ],
)
def test_a_damaged_file_is_refused_and_costs_only_itself(tmp_path: Path, text: str, reason: str) -> None:
    write(tmp_path, "SQuAD/train/a", ROWS, text=text)
    write(tmp_path, "SQuAD/train/b", ROWS)
    bad, good = read_entries(tmp_path)
    assert any(reason in finding.text for finding in bad.findings)
    assert (bad.refused, good.refused) == (True, False)


def test_a_cost_that_is_not_given_comes_from_the_latency(tmp_path: Path) -> None:
    # 0.9 $ an hour are 0.9 / 3,600,000 a millisecond.
    assert inferred(tmp_path, latency=4.0, cost=None, costPerHour=0.9).cost == pytest.approx(4.0 * 0.9 / 3_600_000)
    assert inferred(tmp_path, cost=None).cost is None
    assert inferred(tmp_path, cost=2e-6, costPerHour=0.9).cost == 2e-6


def test_outside_its_folders_an_entry_is_known_by_its_fields(tmp_path: Path) -> None:
    top5 = "epoch\thours\ttop1Accuracy\ttop5Accuracy\n1\t1\t70\t92.9\n2\t2\t71\t93\n"
    for place, tsv, fields, expected in (
        ("a", ROWS, {}, ("SQuAD", "train")),
        ("b", top5, {}, ("ImageNet", "train")),
        ("c", "epoch\thours\ttop1Accuracy\n1\t1\t94\n", {}, ("CIFAR10", "train")),
        ("d", None, {"latency": 1, "top1Accuracy": 94}, ("CIFAR10", "inference")),
    ):
        entry = read_entry(write(tmp_path, place, tsv, **fields), place)
        assert (entry.data_set, entry.kind, entry.findings) == (*expected, [])
    unknown = read_entry(write(tmp_path, "e", latency=1), "e")
    assert (unknown.data_set, unknown.refused) == ("unknown", True)


def test_a_folder_takes_its_entries_and_leaves_other_files(tmp_path: Path) -> None:
    write(tmp_path, "SQuAD/train/a", ROWS)
    write(tmp_path, "SQuAD/notes/b", ROWS)
    (tmp_path / "SQuAD/train/lost.tsv").write_text(ROWS)
    files = {entry.file: entry.refused for entry in read_entries(tmp_path)}
    assert files == {"SQuAD/train/a.json": False, "SQuAD/train/lost.tsv": True}
    assert [entry.data_set for entry in read_entries(tmp_path / "SQuAD/train")] == ["SQuAD", "SQuAD"]


@pytest.mark.parametrize(
    ("name", "reason"), [("none", "does not exist"), ("empty", "holds no entries"), ("a.tsv", "give its JSON file")]
)
def test_a_path_without_entries_is_one_line(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.tsv").write_text(ROWS)
    with pytest.raises(BenchError, match=reason):
        read_entries(tmp_path / name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Entries of every fate in each ranking."""
    write(tmp_path, "SQuAD/train/slow", ROWS, costPerHour=2.0)
    write(tmp_path, "SQuAD/train/fast", ROWS.replace("1.5\t", "1.25\t"), model="Slide rule")
    write(tmp_path, "SQuAD/train/low", ROWS.replace("0.76", "0.748"))
    write(tmp_path, "SQuAD/train/bad", ROWS.replace("0.74\n", "x\n"))
    for name, fields in {
        "one": {"latency": 5}, "two": {"latency": 4, "f1Score": 80.0}, "low": {"latency": 1, "f1Score": 0.7499},
        "none": {"latency": None, "cost": 1e-6},
    }.items():  # fmt: skip
        write(tmp_path, f"SQuAD/inference/{name}", **{"f1Score": 0.75} | fields)
    write(
        tmp_path, "ImageNet/train/a", "epoch\thours\ttop1Accuracy\ttop5Accuracy\n1\t0.05\t70\t92.99\n2\t0.1\t60\t93\n"
    )
    return tmp_path


def test_entries_are_ranked_by_time_with_the_others_behind_them(folder: Path) -> None:
    report = task(folder).judge(folder)
    shown = [(e["data_set"], e["kind"], e["rank"], Path(e["file"]).stem, e["status"]) for e in report.entries]
    assert shown == [
        ("SQuAD", "train", 1, "fast", "ranked"),
        ("SQuAD", "train", 2, "slow", "ranked"),
        ("SQuAD", "train", None, "low", "never reaches 0.75"),
        ("SQuAD", "train", None, "bad", "refused"),
        ("SQuAD", "inference", 1, "two", "ranked"),
        ("SQuAD", "inference", 2, "one", "ranked"),
        ("SQuAD", "inference", None, "low", "never reaches 0.75"),
        ("SQuAD", "inference", None, "none", "no latency"),
        ("ImageNet", "train", 1, "a", "ranked"),
    ]
    fast, slow, low = report.entries[:3]
    assert (fast["seconds"], fast["cost"]) == ({"0.75": 4500.0, "0.73": 3600.0}, None)
    assert (slow["hours"], slow["cost"], slow["costs"]) == (
        {"0.75": 1.5, "0.73": 1.0},
        3.0,
        {"0.75": 3.0, "0.73": 2.0},
    )
    assert low["seconds"] == {"0.75": None, "0.73": 3600.0}
    assert report.official == {
        "squad_train_seconds_to_f1": {
            "0.73": {"Slide rule": 3600.0, "Abacus": 3600.0},
            "0.75": {"Slide rule": 4500.0, "Abacus": 5400.0},
        },
        "squad_best_latency_ms": 4,
        "imagenet_best_train_seconds": 360.0,
    }
    assert [(f["file"], f["action"]) for f in report.findings] == [
        ("SQuAD/train/bad.tsv", "refused"),
        ("SQuAD/inference/two.json", "corrected"),
    ]
    json.dumps(vars(report) | {"tables": []}, allow_nan=False)


@pytest.mark.slow
def test_the_command_prints_tables_and_every_finding(folder: Path, bench_main: Main) -> None:
    code, out, err = bench_main("score", "dawnbench", str(folder))
    text = "\n".join(out)
    assert (code, err) == (0, [])
    assert [line.strip() for line in out if line.startswith("DAWNBench")] == [
        "DAWNBench SQuAD train", "DAWNBench SQuAD inference", "DAWNBench ImageNet train",
    ]  # fmt: skip
    assert "never reaches 0.75" in text
    assert "9 entries, 1 of them refused; dirty values: 1 refused, 1 corrected" in out
    assert "SQuAD/inference/two.json line 9, f1Score: found 80.0; read as 0.8" in text
    assert "SQuAD/train/bad.tsv line 3, f1Score: found 'x'" in text


def test_the_command_gives_one_json_object(folder: Path, bench_main: Main) -> None:
    code, out, _ = bench_main("score", "dawnbench", str(folder / "SQuAD/train/slow.json"), "--json")
    record = json.loads(out[-1])
    assert (code, record["task"], record["counts"]) == (0, "dawnbench", {"entries": 1, "refused": 0, "values": {}})
    assert record["official"] == {"squad_train_seconds_to_f1": {"0.73": {"Abacus": 3600.0}, "0.75": {"Abacus": 5400.0}}}
    assert [entry["file"] for entry in record["entries"]] == ["slow.json"]


def test_only_refused_entries_are_a_failed_check(folder: Path, bench_main: Main) -> None:
    code, out, _ = bench_main("score", "dawnbench", str(folder / "SQuAD/train/bad.json"))
    assert code == 1
    assert "official figures: none" in out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (
            ["run", "task=dawnbench", "model=oracle", "tracking.enabled=false"],
            "runs no model; `bench score dawnbench PATH`",
        ),
        (["score", "dawnbench", "nowhere"], "nowhere does not exist"),
        (["score", "dawnbench", ".", "--model", "me"], "--model is of no use to task 'dawnbench'"),
        (["fetch", "task=dawnbench"], "stanford-futuredata/dawn-bench-entries"),
    ],
)
def test_what_a_competition_cannot_do_is_one_line(bench_main: Main, arguments: list[str], reason: str) -> None:
    code, _, err = bench_main(*arguments)
    assert (code, len(err)) == (2, 1)
    assert reason in err[0]


@pytest.mark.slow
def test_the_doctor_counts_entries_and_names_refused_ones(folder: Path, bench_main: Main) -> None:
    code, out, _ = bench_main("doctor", "task=dawnbench", f"data.path={folder}")
    assert code == 1
    assert out[0] == f"dawnbench: 9 entries; {folder}"
    assert "SQuAD/train/bad.tsv line 3, f1Score: found 'x'; refused" in out[1]
    assert bench_main("doctor", "task=dawnbench", f"data.path={folder / 'ImageNet'}")[0] == 0
    code, out, _ = bench_main("doctor", "task=dawnbench", "--json")
    assert (code, json.loads(out[-1])["n_examples"]) == (1, 0)
    assert where(task(folder)) == str(folder)  # type: ignore[arg-type]  # as `bench doctor` without a name shows it


def test_a_competition_is_listed_and_is_no_task_with_examples(bench_main: Main) -> None:
    assert "latency" in json.loads(bench_main("list", "tasks", "--json")[1][-1])["dawnbench"]
    assert not isinstance(task("."), Task)


@pytest.fixture(scope="module")
def data() -> Path:
    found = Path(os.environ.get("BENCH_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not (found / "GOLDEN.json").exists():
        pytest.skip(f"the reference data are not in {found}; set BENCH_DATA to their folder")
    return found


@pytest.mark.slow
def test_the_competition_gets_its_published_figures(data: Path) -> None:
    golden = json.loads((data / "GOLDEN.json").read_text())["dawnbench"]
    report = task(data / "dawnbench").judge(data / "dawnbench")
    assert list(report.official) == list(golden)
    for key in ("squad_best_latency_ms", "cifar10_best_train_seconds", "cifar10_best_latency_ms"):
        assert report.official[key] == golden[key], key
    seconds = report.official["squad_train_seconds_to_f1"]
    for bar, published in golden["squad_train_seconds_to_f1"].items():
        assert seconds[bar] == seconds[bar] | published


@pytest.mark.slow
def test_drqas_time_is_that_of_the_column_called_hours(data: Path) -> None:
    """Its TSVs have the columns epoch, f1Score, hours: read by position, row 6 on a K80 would have 0.735 "hours" at F1 0.819."""
    entry = read_entry(data / "dawnbench/SQuAD/train/dawn_drqa_1k80-ec2.json", "k80")
    hours, f1 = entry.curve[5]
    assert (round(hours, 4), round(f1, 4)) == (0.8195, 0.7352)
    official = task(data / "dawnbench").judge(data / "dawnbench").official
    assert official["squad_train_seconds_to_f1"]["0.75"]["DrQA"] == 1626.5  # 0.45181 hours on a 2080 RTX, row 8


@pytest.mark.slow
def test_of_the_competition_six_values_are_dirty_and_no_entry_is_refused(data: Path) -> None:
    report = task(data / "dawnbench").judge(data / "dawnbench")
    assert len(report.entries) == Dawnbench.card.n_examples
    assert {entry["status"] for entry in report.entries} == {"ranked"}
    dirty = {(finding["file"], finding["line"], finding["action"]) for finding in report.findings}
    drqa = ("1k80-ec2", "1nv2080-dev", "1p100-ec2", "1p4-gc_pytorch", "1t4-gc_pytorch")
    assert dirty == {(f"SQuAD/train/dawn_drqa_{name}.tsv", 1, "corrected") for name in drqa} | {
        ("SQuAD/inference/dawn_fastfusionnet-1080ti.json", 13, "corrected")
    }
