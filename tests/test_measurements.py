"""measurements.json and entries: what they hold, and what of them is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bench.errors import BenchError
from bench.leaderboard import entry
from bench.leaderboard.entry import Entry
from bench.record import Run
from bench.runs import measurements
from bench.runs.measurements import Measurements, shared


def made(n: int = 4, *, k: int = 1, digests: str = "d") -> Measurements:
    """n examples in clusters of two; the row of example i is i, i+1, … in its k columns."""
    return Measurements(
        ids=tuple(f"q{i}" for i in range(n)),
        digests=tuple(f"{digests}{i}" for i in range(n)),
        clusters=tuple(f"c{i // 2}" for i in range(n)),
        failed=frozenset({"q1"}),
        rows={"f1": np.arange(n)[:, None] + np.arange(k, dtype=np.float64)[None, :]},
        slices={"kind": tuple("ab"[i % 2] for i in range(n))},
        fitted=frozenset({"nist"}),
    )


def same(a: Measurements, b: Measurements) -> bool:
    rows = a.rows.keys() == b.rows.keys() and all(np.array_equal(a.rows[name], b.rows[name]) for name in a.rows)
    return rows and replace(a, rows={}) == replace(b, rows={})


@pytest.mark.parametrize("k", [1, 2, 8, 9, 40])
def test_what_is_written_is_read_again(tmp_path: Path, k: int) -> None:
    measurements.write(tmp_path, made(k=k))
    assert same(measurements.read(tmp_path), made(k=k))


@pytest.mark.slow
@given(st.integers(1, 12).flatmap(lambda k: arrays(np.float64, (3, k), elements=st.floats(-1e9, 1e9))))
def test_every_finite_row_survives_json_exactly(rows: np.ndarray[Any, Any]) -> None:
    found = Measurements.from_json(json.loads(json.dumps(replace(made(3), rows={"m": rows}).to_json())))
    assert np.array_equal(found.rows["m"], rows)


def test_a_wide_row_is_written_by_its_cells_that_are_not_0() -> None:
    rows = np.zeros((1, 30))
    rows[0, 4], rows[0, 7] = 1, 0.5
    packed = replace(made(1), rows={"cells": rows}).to_json()["rows"]["cells"]
    assert packed == {"k": 30, "sparse": [[4, 1, 7, 0.5]]}


def damaged(**changes: Any) -> dict[str, Any]:
    return {**made().to_json(), **changes}


@pytest.mark.parametrize(
    ("record", "fault"),
    [
        (damaged(ids=["q0", "q1", "q2"]), "digests has 4 entries for 3 ids"),
        (damaged(ids=["q0", "q1", "q2", "q0"]), "an id comes twice"),
        (damaged(ids=[0, 1, 2, 3]), "expected a list of texts"),
        (damaged(rows={"f1": {"k": 1, "dense": [1, 2, 3]}}), "f1 has 3 entries for 4 ids"),
        (damaged(rows={"f1": {"k": 1, "dense": [1, 2, 3, float("nan")]}}), "no finite number"),
        (damaged(rows={"f1": {"k": 2, "dense": [1, 2, 3, 4]}}), "1 columns, expected 2"),
        (damaged(rows={"f1": {"k": 9, "sparse": [[9, 1], [], [], []]}}), "outside 0 to 8"),
        (damaged(rows={"f1": {"k": 9, "sparse": [[-1, 1], [], [], []]}}), "outside 0 to 8"),
        (damaged(rows={"f1": {"k": 9, "sparse": [[1.5, 1], [], [], []]}}), "outside 0 to 8"),
        (damaged(rows={"f1": {"k": 9, "sparse": [[1, 1, 2], [], [], []]}}), "a column without a value"),
        (damaged(rows={"f1": {"k": 10**9, "sparse": [[], [], [], []]}}), "at most 100,000,000 cells"),
        (damaged(rows={"f1": {"k": 0, "dense": [[], [], [], []]}}), "0 columns"),
        (damaged(rows={"f1": {"k": 1, "dense": ["1e", 2, 3, 4]}}), "ValueError"),
        (damaged(rows={"f1": {"k": 1, "dense": [10**400, 2, 3, 4]}}), "OverflowError"),
        ({}, "KeyError"),
        ([], "TypeError"),
    ],
)
def test_a_damaged_file_is_one_line_with_its_fault(tmp_path: Path, record: Any, fault: str) -> None:
    (tmp_path / measurements.FILE).write_text(json.dumps(record))
    with pytest.raises(BenchError, match=fault) as raised:
        measurements.read(tmp_path)
    assert "\n" not in str(raised.value)


def test_a_folder_without_the_file_is_told_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="same `bench run` command writes it"):
        measurements.read(tmp_path)


def test_only_examples_of_the_same_id_and_content_are_shared() -> None:
    a, b = made(4), made(6)
    changed = replace(b, digests=("d0", "other", *b.digests[2:]))
    left, right = shared(a, changed)
    assert left.ids == right.ids == ("q0", "q2", "q3")
    assert left.rows["f1"][:, 0].tolist() == right.rows["f1"][:, 0].tolist() == [0, 2, 3]
    assert left.slices["kind"] == ("a", "a", "b")
    assert left.failed == frozenset()


def test_shared_examples_stand_in_the_order_of_the_first() -> None:
    left, right = shared(made(3), made(3).take([2, 0, 1]))
    assert same(left, right)


def test_only_keeps_the_metrics_that_are_named() -> None:
    both = replace(made(), rows={"f1": made().rows["f1"], "nist": made().rows["f1"]})
    assert list(both.only("nist").rows) == ["nist"]
    assert both.only("nist").fitted == {"nist"}
    assert both.only("f1").fitted == frozenset()


def test_an_entry_is_written_and_read_again(tmp_path: Path, run_record: Callable[..., Run]) -> None:
    before = Entry(run_record("m"), made(), (((3, 0.5), (2, 0.25)), ((5, 1.0),)))
    path = entry.path_of(tmp_path, before.run)
    entry.write(path, before)
    after = entry.read(path)
    assert path == tmp_path / "squad_v1" / "m.json"
    assert (after.run, after.speed) == (before.run, before.speed)
    assert after.measurements is not None
    assert same(after.measurements, made())
    assert [found for found, _ in entry.find(tmp_path)] == [path]


def test_an_entry_without_references_has_no_measurements(tmp_path: Path, run_record: Callable[..., Run]) -> None:
    entry.write(tmp_path / "e.json", Entry(run_record("m"), None))
    assert entry.read(tmp_path / "e.json").measurements is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', '{"format": 1, "run": {}}', "\udcff"])
def test_what_is_no_entry_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "e.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(BenchError, match="is not an entry") as raised:
        entry.read(path)
    assert "\n" not in str(raised.value)


def test_a_baseline_whose_run_was_edited_out_of_shape_is_one_line(
    tmp_path: Path, run_record: Callable[..., Run]
) -> None:
    entry.write(tmp_path / "e.json", Entry(replace(run_record("m"), audit={"kind": "batch_invariance"}), made()))
    with pytest.raises(BenchError, match="is not an entry") as raised:
        entry.read(tmp_path / "e.json")
    assert "\n" not in str(raised.value)
