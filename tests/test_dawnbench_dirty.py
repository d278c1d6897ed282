"""DAWNBench entries of strangers: whatever is in the files, every dirty value is one clear line and no command falls over."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dawnbench_entries import FIELDS, ROWS, imagenet, write
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.data.dawnbench_files import read_entries
from bench.data.dawnbench_format import Entry
from bench.data.dawnbench_store import keep, kept
from bench.data.dawnbench_values import accuracies
from bench.data.source import DataSource
from bench.leaderboard import dawnbench, dawnbench_page
from tasks.dawnbench import Dawnbench

Main = Callable[..., tuple[int, list[str], list[str]]]
NASTY = (
    "NaN", "Infinity", "1e309", "-1", "0", '""', "null", "true", "[]", "1e-400", "9" * 5000, "\ufeff", "\r", ";", ",", "\t", "\x00",
    "\u2028", "\x1b[2J", "\\ud800", "$", "%", "0,5", "-0.0", '"a":1,', '"latency": 1,', "{", "}", "[" * 1200, "\n", "é",
)  # fmt: skip


ALLOWED = "expected a number from 0 to"
EITHER = "could be a fraction or percent; write it on the scale from 0 to {}, or with a % sign"
COLUMNS = "expected each of the columns epoch, hours, f1Score once, with TABs between them"


def told(folder: Path, **place: Any) -> list[str]:
    """The findings of one entry, without the name of its file."""
    (entry,) = read_entries(write(folder, **place))
    return [str(finding).partition(" ")[2] for finding in entry.findings]


@pytest.mark.parametrize(
    ("tsv", "line"),
    [
        (ROWS.replace("\t", ";"), f"line 1, epoch: found 'epoch;hours;f1Score'; refused: {COLUMNS}"),
        (ROWS.replace("0.5", "0,5"), f"line 2, hours: found '0,5'; refused: {ALLOWED} 100,000; write a decimal point"),
        (ROWS.replace("0.74", "0,74"), f"line 3, f1Score: found '0,74'; refused: {ALLOWED} 1; write a decimal point"),
        (ROWS.replace("0.5\t", "$0.5\t"), f"line 2, hours: found '$0.5'; refused: {ALLOWED} 100,000"),
        (ROWS.replace("0.5\t", "5%\t"), f"line 2, hours: found '5%'; refused: {ALLOWED} 100,000"),
        (ROWS.replace("0.5\t", "1e309\t"), f"line 2, hours: found '1e309'; refused: {ALLOWED} 100,000"),
        (
            ROWS.replace("1.0\t", "0.4\t"),
            "line 3, hours: found '0.4'; refused: less than 0.5 before it; time does not run back: give the hours since the "
            "training began",
        ),
        (ROWS.replace("0.70", "0.7%"), f"line 3, f1Score: found '0.74'; refused: {EITHER.format(1)}"),
        (
            ROWS.replace("0.74", "1.0").replace("0.76", "76"),
            f"line 3, f1Score: found '1.0'; refused: {EITHER.format(1)}",
        ),
        (
            ROWS.replace("2\t1.0", "1\t1.0"),
            "line 3, epoch: found '1'; noted: not behind the epoch 1 before it; the row counts, since nothing is ranked by it",
        ),
        (
            ROWS.replace("0.5\t", "1800\t")
            .replace("1.0\t", "3600\t")
            .replace("1.5\t", "5400\t")
            .replace("2.0\t", "7200\t"),
            "line 2, hours: found '1800'; noted: 1,800 hours an epoch; they count as they are given, but are these seconds?",
        ),
        (ROWS.replace("0.74", '"0.74"'), f"line 3, f1Score: found '\"0.74\"'; refused: {ALLOWED} 1"),
        ("", f"line 1, epoch: found ''; refused: {COLUMNS}"),
        ("epoch\thours\tf1Score\n", "line 1: found no rows; refused: expected one for each epoch"),
        (None, "line 1: found no such file; refused: a training entry needs its TSV beside the JSON; add it"),
    ],
)
def test_what_is_wrong_in_a_tsv_is_one_line_with_what_is_allowed(tmp_path: Path, tsv: str | None, line: str) -> None:
    assert line in told(tmp_path, place="SQuAD/train/a", tsv=tsv)


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"latency": "5%"}, "latency: found '5%'; refused: expected a number"),
        ({"latency": "5,5"}, "latency: found '5,5'; refused: expected a number; write a decimal point"),
        ({"latency": "$5"}, "latency: found '$5'; refused: expected a number"),
        ({"cost": "$0"}, "cost: found '$0'; left out: expected a number from 1e-11 to 10,000"),
        ({"cost": "free"}, "cost: found 'free'; left out: expected a number"),
        ({"cost": "5%"}, "cost: found '5%'; left out: expected a number"),
        (
            {"costPerHour": 0.9, "cost": 1},
            "cost: found 1.0; noted: latency and costPerHour give 1.25e-06; the cost counts as it is given",
        ),
        ({"top1Accuracy": 1}, f"top1Accuracy: found 1; refused: {EITHER.format(100)}"),
        ({"top1Accuracy": "0.95%"}, "top1Accuracy: found '0.95%'; corrected: read as 0.95, on the scale from 0 to 100"),
        ({"top1Accuracy": "95 %"}, "top1Accuracy: found '95 %'; corrected: read as 95.0, on the scale from 0 to 100"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_json_is_one_line_with_what_is_allowed(
    tmp_path: Path, fields: dict[str, Any], line: str
) -> None:
    found = told(tmp_path, place="CIFAR10/inference/a", **{"latency": 5.0, "top1Accuracy": 94.5} | fields)
    assert [one.partition(", ")[2] for one in found] == [line]


@pytest.mark.slow
@given(st.lists(st.tuples(st.floats(0.0, 100.0), st.booleans()), min_size=1, max_size=6), st.sampled_from([1.0, 100.0]))
def test_a_percent_sign_is_heeded_whatever_stands_beside_it(column: list[tuple[float, bool]], whole: float) -> None:
    read = accuracies([f"{value!r}%" if signed else value for value, signed in column], whole)
    for got, (value, signed) in zip(read, column, strict=True):
        assert got is None or 0 <= got <= whole
        if signed:
            assert got == pytest.approx(value * whole / 100)
        elif any(sign for _, sign in column) and 0 < value <= 1:
            assert got is None


@pytest.mark.slow
def test_a_column_of_ten_thousand_faults_is_told_in_four_lines(tmp_path: Path) -> None:
    rows = ROWS + "4\t2.0\t0.745\n" * 10_000
    found = told(tmp_path, place="SQuAD/train/a", tsv=rows)
    assert len(found) == 4
    assert found[-1].endswith("since nothing is ranked by it; 9,996 more rows so")


def test_columns_that_are_swapped_are_refused(tmp_path: Path) -> None:
    found = told(tmp_path, place="ImageNet/train/a", tsv=imagenet((1, 1.0, 93.5, 76.0)))
    text = "more than top5Accuracy 76 beside it, which it is part of; are the two swapped?"
    assert found == [f"line 2, top1Accuracy: found '93.5'; refused: {text}"]


def test_what_no_entry_is_made_of_is_refused_unread(tmp_path: Path, bench_main: Main) -> None:
    secret = tmp_path / "secret"
    secret.write_text("epoch\thours\tpassword-1234\n")
    folder = tmp_path / "in/SQuAD/train"
    write(tmp_path / "in", "SQuAD/train/tsv")
    (folder / "tsv.tsv").symlink_to(secret)
    (folder / "json.json").symlink_to(secret)
    (folder / "loop.json").symlink_to("loop.json")
    (folder / "gone.json").symlink_to("nowhere")
    (folder / "folder.json").mkdir()
    os.mkfifo(folder / "pipe.json")
    write(tmp_path / "in", "SQuAD/train/big", ROWS + "#" * 1024**2)
    write(
        tmp_path / "in", "SQuAD/train/deep", ROWS, text=json.dumps(FIELDS)[:-1] + f', "misc": {"[" * 900}{"]" * 900}}}'
    )
    write(tmp_path / "in", "SQuAD/train/a\u202eb", ROWS)
    code, out, err = bench_main("dawnbench", "import", "in")
    assert (code, err) == (1, [])
    assert "password" not in "\n".join(out)
    said = {
        line.split(" line 1")[0].rpartition("/")[2]: line.rpartition("; ")[0].partition("; ")[2] for line in out[:-1]
    }
    out_of = "a link that leads out of the folder"
    nowhere = "it cannot be read, or is a link that leads nowhere"
    assert said == {
        "tsv.tsv": out_of, "json.json": out_of, "loop.json": nowhere, "gone.json": nowhere, "folder.json": "it is no file",
        "pipe.json": "it is no file", "big.tsv": "", "deep.json": said["deep.json"],
        "a\\u202eb.json": "its name holds U+202E, which cannot be seen ('a\\u202eb.json')",
    }  # fmt: skip
    assert "nested too deeply" in said["deep.json"]


@pytest.mark.parametrize("name", ["名前", "ключ с пробелом", "a" * 240, "é"])
def test_names_of_all_scripts_are_kept_or_refused_in_one_line(tmp_path: Path, bench_main: Main, name: str) -> None:
    write(tmp_path / "in", f"SQuAD/train/{name}", ROWS)
    code, _, err = bench_main("dawnbench", "import", "in")
    assert (code, len(err)) in ((0, 0), (2, 1))
    assert len(kept(Path("runs"))) == (1 if code == 0 else 0)


def mutated(data: Any, text: str) -> str:
    """The text with one to three of the nasty things in it, in place of some letters."""
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        end = min(len(text), at + data.draw(st.sampled_from([0, 0, 1, 3, 10])))
        text = text[:at] + data.draw(st.sampled_from(NASTY)) + text[end:]
    return text


@pytest.mark.slow
@settings(max_examples=40)
@given(st.data())
def test_whatever_is_in_the_files_every_command_says_what_it_found(
    tmp_path_factory: pytest.TempPathFactory, data: Any
) -> None:
    folder = tmp_path_factory.mktemp("any")
    kind = data.draw(st.sampled_from(["train", "inference"]))
    place = f"{data.draw(st.sampled_from(['SQuAD', 'CIFAR10', 'ImageNet', 'other']))}/{kind}/a"
    fields = FIELDS | {"costPerHour": 0.9} | ({"latency": 5.0, "f1Score": 0.8} if kind == "inference" else {})
    text, tsv = json.dumps(fields, indent=1), ROWS if kind == "train" else None
    if data.draw(st.booleans()) and tsv:
        tsv = mutated(data, tsv)
    else:
        text = mutated(data, text)
    write(folder / "in", place, tsv, text=text)
    entries = read_entries(folder / "in")
    report = Dawnbench(DataSource("dawnbench/")).judge(folder / "in")
    json.dumps([report.official, report.entries, report.findings], allow_nan=False)
    keep(entries, folder / "runs")
    _consistent(entries, kept(folder / "runs"))


def _consistent(brought: list[Entry], there: list[Entry]) -> None:
    """What is kept is what was not refused, with the same figures, and the boards can show it."""
    assert [(one.fields, one.curve, one.cost, one.latency_ms) for one in brought if not one.refused] == [
        (one.fields, one.curve, one.cost, one.latency_ms) for one in there
    ]
    found = dawnbench.tables(map(dawnbench.of_entry, there))
    json.dumps([dawnbench_page.record(table) for table in found], allow_nan=False)
    page = dawnbench_page.markdown(found)
    assert not set(page) & {"\x1b", "\x00", "\u2028", "\r"}
    for table in found:
        assert all(row.value > 0 for row in table.rows)
    assert all("\n" not in str(finding) for entry in brought for finding in entry.findings)
