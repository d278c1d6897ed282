"""The run directory: what is on disk when, and what a crash leaves behind."""

from __future__ import annotations

import json
import math
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.artifacts.digest import digest
from bench.errors import BenchError
from bench.record import Run, Timing
from bench.runs import record_schema
from bench.runs.folder import CONFIG, ORIGIN, RECORD, RunFolder, find_runs, read_run, write_atomically
from bench.runs.identity import canonical, fingerprint
from bench.runs.journal import JOURNAL, LEDGER
from bench.types import Prediction

PREDICTIONS = [
    Prediction("a", text="one"),
    Prediction("b", error="RuntimeError: no"),
    Prediction("c", span=(0, 3), text="Zoë"),
]


def opened(path: Path) -> RunFolder:
    folder = RunFolder(path)
    path.mkdir(parents=True)
    return folder


def test_each_batch_is_on_disk_when_the_write_returns(tmp_path: Path) -> None:
    folder = opened(tmp_path / "r")
    for n, prediction in enumerate(PREDICTIONS, start=1):
        folder.write_predictions([prediction])
        folder.write_timing(Timing(1, "predict", 0.5, n=1, batch=n))
        assert len((folder.path / JOURNAL).read_bytes().splitlines()) == n
        assert len((folder.path / LEDGER).read_bytes().splitlines()) == n


def test_the_journal_gives_back_what_was_written(tmp_path: Path) -> None:
    more = [
        Prediction("", text=""),
        Prediction("d", label_scores={"yes": 0.0, "no": -1.5}),
        Prediction("e", values={"valence": 0.1}, prompt_tokens=7, new_tokens=1),
        Prediction("f", text="line\nbreak, \u2028 and \x85", span=(0, 0)),
    ]
    folder = opened(tmp_path / "r")
    folder.write_predictions([*PREDICTIONS, *more])
    assert list(folder.predictions()) == [*PREDICTIONS, *more]


def test_a_reading_survives_the_ledger(tmp_path: Path) -> None:
    folder = opened(tmp_path / "r")
    readings = [Timing(1, "load", 1.25), Timing(2, "predict", 0.1 + 0.2, n=3, batch=0, prompt_tokens=5, new_tokens=4)]
    for reading in readings:
        folder.write_timing(reading)
    assert folder.timings() == readings


def test_any_text_a_model_can_return_fits_the_journal(tmp_path: Path) -> None:
    folder = opened(tmp_path / "r")
    folder.write_predictions([Prediction("a", text="\ud83d")])
    assert [p.id for p in folder.predictions()] == ["a"]


def test_a_half_written_last_line_is_not_read_and_is_cut(tmp_path: Path) -> None:
    folder = opened(tmp_path / "r")
    folder.write_predictions(PREDICTIONS)
    whole = (folder.path / JOURNAL).read_bytes()
    (folder.path / JOURNAL).write_bytes(whole + b'{"id": "d", "te')
    assert list(folder.predictions()) == PREDICTIONS
    folder.keep(len(PREDICTIONS))
    assert (folder.path / JOURNAL).read_bytes() == whole


def test_a_half_written_reading_is_cut_from_the_ledger(tmp_path: Path) -> None:
    folder = opened(tmp_path / "r")
    folder.write_timing(Timing(1, "load", 1.0))
    whole = (folder.path / LEDGER).read_bytes()
    (folder.path / LEDGER).write_bytes(whole + b'{"attempt":1,"pha')
    assert folder.timings() == [Timing(1, "load", 1.0)]
    folder.keep(0)
    assert (folder.path / LEDGER).read_bytes() == whole


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4])
def test_keep_leaves_the_first_lines_and_every_reading(tmp_path: Path, n: int) -> None:
    folder = opened(tmp_path / "r")
    folder.write_predictions(PREDICTIONS)
    folder.write_timing(Timing(1, "predict", 0.5, n=3, batch=0))
    folder.keep(n)
    assert list(folder.predictions()) == PREDICTIONS[:n]
    assert len(folder.timings()) == 1


def test_keep_in_an_empty_folder_does_nothing(tmp_path: Path) -> None:
    opened(tmp_path / "r").keep(5)
    assert list((tmp_path / "r").iterdir()) == []


@pytest.mark.parametrize("line", ["nonsense", '{"id": "a", "sense": 1}', '{"id": "a", "span": 3}', "{}"])
def test_a_damaged_journal_line_is_refused_by_its_number(tmp_path: Path, line: str) -> None:
    folder = opened(tmp_path / "r")
    folder.write_predictions(PREDICTIONS[:1])
    with (folder.path / JOURNAL).open("a") as file:
        file.write(line + "\n")
    with pytest.raises(BenchError, match=r"predictions\.jsonl line 2: .*--fresh"):
        list(folder.predictions())


@pytest.mark.parametrize("line", ['["a"]', "null", "3"])
def test_a_journal_line_that_is_no_object_is_refused_by_its_number(tmp_path: Path, line: str) -> None:
    folder = opened(tmp_path / "r")
    (folder.path / JOURNAL).write_text(line + "\n")
    with pytest.raises(BenchError, match=r"predictions\.jsonl line 1: "):
        list(folder.predictions())


@pytest.mark.parametrize("line", ["nonsense", '{"attempt": 1, "phase": "load"}', '{"sense": 1}'])
def test_a_damaged_ledger_line_is_refused_by_its_number(tmp_path: Path, line: str) -> None:
    folder = opened(tmp_path / "r")
    (folder.path / LEDGER).write_text(line + "\n")
    with pytest.raises(BenchError, match=r"timings\.jsonl line 1"):
        folder.timings()


def test_the_record_comes_last_with_the_digests_of_the_other_files(
    tmp_path: Path, run_record: Callable[..., Run]
) -> None:
    folder = RunFolder(tmp_path / "r")
    with folder.opened("seed: 0\n"):
        folder.write_predictions(PREDICTIONS)
        folder.write_timing(Timing(1, "load", 1.0))
        assert not folder.complete
        done = folder.finish(run_record(files={}))
    assert folder.complete
    assert done.files == {name: digest(folder.path / name) for name in (CONFIG, JOURNAL, LEDGER)}
    assert folder.read() == done
    assert (folder.path / CONFIG).read_text() == "seed: 0\n"
    assert [p.name for p in folder.path.iterdir() if p.name.startswith(".run")] == []  # no draft is left


def test_a_record_with_nan_is_not_written(tmp_path: Path, run_record: Callable[..., Run]) -> None:
    folder = opened(tmp_path / "r")
    with pytest.raises(ValueError, match="JSON"):
        folder.finish(run_record(value=float("nan")))
    assert not folder.complete


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "new \ud800")
    assert path.read_text() == "old"


def test_a_second_opening_of_the_same_folder_is_refused(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "r")
    with folder.opened("first\n"):
        with (
            pytest.raises(BenchError, match=r"in use by process [0-9]+, since "),
            RunFolder(tmp_path / "r").opened("second\n"),
        ):
            pass
        assert (folder.path / CONFIG).read_text() == "first\n"  # the refused one wrote nothing
    with RunFolder(tmp_path / "r").opened("third\n"):
        pass


@pytest.mark.slow
def test_a_second_process_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from bench.errors import BenchError; from bench.runs.folder import RunFolder\n"
        "try:\n"
        "    with RunFolder(Path(sys.argv[1])).opened(''): print('opened')\n"
        "except BenchError as error: print(error)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "r")]
    with RunFolder(tmp_path / "r").opened(""):
        second = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"is in use by process {os.getpid()}, since " in second.stdout
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "opened\n"


def test_a_folder_below_a_file_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(BenchError, match=r"cannot be written .*runs_dir= or BENCH_RUNS"),
        RunFolder(tmp_path / "file" / "r").opened(""),
    ):
        pass


def test_fresh_takes_the_next_free_number_and_the_latest_is_found(tmp_path: Path) -> None:
    def found(*, fresh: bool = False) -> str:
        return RunFolder.find(tmp_path, "task", "model", "abc", fresh=fresh).path.name

    assert found() == "abc"
    assert found(fresh=True) == "abc"  # nothing is there yet
    for expected in ("abc-2", "abc-3", "abc-4"):
        (tmp_path / "task" / "model" / found(fresh=True)).mkdir(parents=True, exist_ok=True)
        assert found(fresh=True) == expected
    assert found() == "abc-3"  # the one that was begun last


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "3", "{}", '{"scores": []}', '{"scores": [{"metrics": 1}]}', '{"scores": 1}']
)
def test_a_damaged_record_is_refused_by_its_path(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t" / "m" / "id" / RECORD
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(BenchError, match=r"run\.json is not a run record .*--fresh"):
        read_run(path)
    with pytest.raises(BenchError, match="run record"):
        list(find_runs(tmp_path))


def test_a_record_with_an_unknown_field_is_refused(tmp_path: Path, run_record: Callable[..., Run]) -> None:
    record = run_record().to_json()
    path = tmp_path / RECORD
    path.write_text(json.dumps(record))
    assert read_run(path) == run_record()
    path.write_text(json.dumps(record | {"colour": "red"}))
    with pytest.raises(BenchError, match="colour"):
        read_run(path)


@pytest.mark.parametrize(
    "edit",
    [
        {"scores": []}, {"scores": [{"metric": "f1", "value": "12", "low": None, "high": None, "n": 1, "n_failed": 0}]},
        {"scores": [{"metric": "f1", "value": math.nan, "low": None, "high": None, "n": 1, "n_failed": 0}]},
        {"timings": {}}, {"timings": {"seconds": {"total": "long"}, "examples_per_second": 1.0}}, {"environment": None},
        {"config": None}, {"audit": None}, {"audit": {"kind": "batch_invariance"}}, {"created": 5}, {"model": 5},
        {"n_examples": "x"},
    ],
)  # fmt: skip
def test_a_record_whose_fields_are_of_another_type_is_refused_by_its_path(
    tmp_path: Path, run_record: Callable[..., Run], edit: dict[str, object]
) -> None:
    path = tmp_path / RECORD
    path.write_text(json.dumps(run_record().to_json() | edit))
    with pytest.raises(BenchError, match=r"run\.json is not whole"):
        read_run(path)


def test_a_record_of_endless_nesting_is_refused_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / RECORD
    path.write_text("[" * 100_000)
    with pytest.raises(BenchError, match=r"run\.json is not a run record"):
        read_run(path)


def test_only_complete_runs_are_found_in_order_of_path(tmp_path: Path, run_record: Callable[..., Run]) -> None:
    for name in ("m2", "m1"):
        folder = RunFolder(tmp_path / "t" / name / "id")
        with folder.opened(""):
            folder.finish(run_record(name))
    RunFolder(tmp_path / "t" / "m0" / "id").path.mkdir(parents=True)
    assert [run.model for _, run in find_runs(tmp_path)] == ["m1", "m2"]
    assert list(find_runs(tmp_path / "nowhere")) == []


def test_the_fingerprint_does_not_depend_on_the_order_of_keys() -> None:
    assert fingerprint({"a": 1, "b": [True, None, "é"]}) == fingerprint({"b": [True, None, "é"], "a": 1})
    # printf '{"a":1,"b":"é"}\n' | sha256sum
    assert fingerprint({"b": "é", "a": 1}) == "86fe296db8927e9cb5d8818cc9f99ec24ab069f3b9860878fa5ecc673da84b59"
    assert canonical({"b": "é", "a": 1}) == '{"a":1,"b":"é"}'


def test_the_fingerprint_tells_values_and_their_number_apart() -> None:
    values = [(), (1,), (1, 1), ([1, 1],), ("1",), (1.5,), (True,), (None,), ({},), ([],), ("",)]
    assert len({fingerprint(*value) for value in values}) == len(values)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [1, {"x": float("-inf")}]])
def test_nan_has_no_fingerprint(value: object) -> None:
    with pytest.raises(ValueError, match="JSON"):
        fingerprint(value)


@pytest.mark.parametrize("number", ["1e9998", "-1e400", "1" + "0" * 400 + ".5", "NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("place", ["timings", "config", "origin"])
def test_a_record_with_a_number_beyond_all_floats_is_one_line(
    run_record: Callable[..., Run], tmp_path: Path, place: str, number: str
) -> None:
    path = tmp_path / RECORD
    text = json.dumps(run_record().to_json())
    path.write_text(text.replace(f'"{place}": {{', f'"{place}": {{"first_batch_seconds": [{number}], ', 1))
    if place == "origin":
        path.write_text(text)
        path.with_name(ORIGIN).write_text(f'{{"verified": [{number}]}}')
    with pytest.raises(
        BenchError, match=r"run\.json is not whole \(ValueError: it holds a number that is not finite\)"
    ):
        read_run(path)


def test_a_record_with_the_largest_numbers_is_read(run_record: Callable[..., Run], tmp_path: Path) -> None:
    path = tmp_path / RECORD
    known = run_record(config={"most": 1.7976931348623157e308, "least": -5e-324, "whole": 10**300, "none": -0.0})
    path.write_text(json.dumps(known.to_json()))
    assert read_run(path).config == known.config


def test_an_error_that_quotes_half_a_surrogate_pair_can_be_printed_and_stored() -> None:
    assert str(BenchError("key 'a\ud83db', Zoë")) == "key 'a\\ud83db', Zoë"


@pytest.mark.slow
@pytest.mark.parametrize("command", [("compare", "{run}", "{run}"), ("check", "{run}", "--against", "{run}")])
def test_a_record_of_a_task_that_nobody_knows_is_named(
    own_package: Path, bench_main: Callable[..., tuple[int, list[str], list[str]]], command: tuple[str, ...]
) -> None:
    bench_main("run", "task=words", "model=stub", "tracking=none")
    path = next(Path("runs/words/stub").glob("*/run.json"))
    path.write_text(path.read_text().replace('"task": "words"', '"task": "wards"'))
    code, _, err = bench_main(*(word.format(run=path.parent) for word in command))
    assert code == 2
    assert path.parent.name in err[-1]
    assert "task 'wards' is not in conf/task" in err[-1]


VALUES = [
    None,
    True,
    0,
    -1,
    1.0,
    0.5,
    "",
    "text",
    [],
    [1],
    {},
    {"a": 1},
    [None],
    [[]],
    {"metric": 3},
    [{"metric": None}],
    10**30,
]


def put_somewhere(chance: random.Random, record: Any, depth: int) -> Any:
    """The record with one value put in place of another, some levels down."""
    if depth and isinstance(record, dict) and record:
        name = chance.choice(list(record))
        return record | {name: put_somewhere(chance, record[name], depth - 1)}
    if depth and isinstance(record, list) and record:
        at = chance.randrange(len(record))
        return [*record[:at], put_somewhere(chance, record[at], depth - 1), *record[at + 1 :]]
    return chance.choice(VALUES)


@pytest.mark.slow
def test_the_quick_look_at_a_record_s_types_takes_what_the_library_takes(run_record: Callable[..., Run]) -> None:
    whole = json.loads(json.dumps(run_record().to_json()))
    chance, taken = random.Random(0), 0
    for _ in range(2000):
        record = put_somewhere(chance, whole, chance.randint(1, 4))
        fits = record_schema._fits(record_schema._types_of_run(), record)
        assert fits == (record_schema._first(record_schema._eased_run(False), record) == ""), record
        taken += fits
    assert 200 < taken < 1800
