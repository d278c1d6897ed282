"""The raw file of a timing, read strictly, and the summary that anybody computes from it."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.timing.percentiles import ENOUGH, estimate, fewest_below
from bench.timing.raw import Answer
from bench.timing.summary import summary_of

HEADER: dict[str, Any] = {
    "form": 1, "scenario": "single_stream",
    "settings": {
        "rules": "default", "qps": None, "bound": None, "percentile": 50, "min_seconds": 0.0, "min_count": 11,
        "limit_seconds": 600.0, "warmup": 0, "seed": 0, "server_batch": 1, "alone": False, "audit": True,
        "n_examples": 100, "at_once": False,
    },
    "environment": {"device": "cpu", "device_name": "", "dtype": "float32", "threads": 2, "cpu": "one", "load": 0.1},
    "started": "2026-11-28T20:00:00+00:00", "clock": "CLOCK_MONOTONIC",
}  # fmt: skip
END = {"end": {"why": "done"}}
SAME = {"n": 20, "unlike": 0, "differ": 0, "worse": None, "ids": []}


def answer(i: int, **more: Any) -> dict[str, Any]:
    return {
        "id": f"q{i}", "place": i, "scheduled": float(i), "issued": float(i), "first": i + 0.2, "ended": i + 0.5,
        "prompt_tokens": 3, "new_tokens": 4, "finish": "stop", "heard": 4, **more,
    }  # fmt: skip


def written(folder: Path, *lines: Any, header: dict[str, Any] = HEADER) -> Path:
    path = folder / "single_stream.jsonl"
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in (header, *lines)))
    return path


def changed(**settings: Any) -> dict[str, Any]:
    return {**HEADER, "settings": {**HEADER["settings"], **settings}}


def test_the_summary_by_hand(tmp_path: Path) -> None:
    found = summary_of(written(tmp_path, *(answer(i, heard=5) for i in range(20)), END))
    assert (found["verdict"], found["reasons"], found["n"], found["seconds"]) == ("VALID", [], 20, 19.5)
    assert found["examples_per_second"] == pytest.approx(20 / 19.5)
    assert found["tokens_per_second"] == pytest.approx(80 / 19.5)
    assert found["latency"]["p50"] == pytest.approx(0.5)
    assert found["ttft"]["p50"] == pytest.approx(0.2)
    assert found["tpot"]["p50"] == pytest.approx(0.3 / 4)  # the token that ends the reply is one of five
    assert found["latency"]["p90"] is None
    assert found["audit"] == {"same_answers": None, "cache": None}


@pytest.mark.parametrize(
    ("cache", "passed"),
    [
        ({"distinct": [1.0] * 5, "repeated": [0.95] * 5, "seen": [1.0] * 5, "fresh": [1.0] * 5}, True),
        ({"distinct": [1.0] * 5, "repeated": [0.85] * 5, "seen": [1.0] * 5, "fresh": [1.0] * 5}, False),
        ({"distinct": [1.0] * 5, "repeated": [1.0] * 5, "seen": [0.1] * 5, "fresh": [1.0] * 5}, False),
        ({"distinct": [4e-5] * 5, "repeated": [1e-5] * 5, "seen": [], "fresh": []}, True),  # noise of one call
        ({"distinct": [1.0] * 5, "repeated": [1.0, 0.2, 1.0, 1.0, 0.2], "seen": [], "fresh": []}, True),
    ],
)
def test_a_model_that_answers_sooner_when_asked_again_keeps_answers(
    tmp_path: Path, cache: dict[str, Any], passed: bool
) -> None:
    lines = [answer(i) for i in range(20)]
    found = summary_of(written(tmp_path, *lines, {"audit": {"same_answers": SAME, "cache": cache}}, END))
    assert found["audit"]["cache"]["passed"] is passed
    assert found["verdict"] == ("VALID" if passed else "INVALID")


def test_answers_that_differ_or_are_worse_make_it_invalid(tmp_path: Path) -> None:
    for same, passed in (
        ({"unlike": 3}, True),
        ({"unlike": 3, "differ": 2}, False),
        ({"worse": "they are worse"}, False),
    ):
        note = {"audit": {"same_answers": SAME | same, "cache": None}}
        found = summary_of(written(tmp_path, *(answer(i) for i in range(20)), note, END))
        assert found["audit"]["same_answers"]["passed"] is passed
        assert found["verdict"] == ("VALID" if passed else "INVALID")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["not json", END], "line 2: Expecting value"),
        ([answer(0)], "no end: the measurement was cut off"),
        ([END, answer(0)], "line 3: stands behind the end"),
        ([answer(0, ended=-1.0), END], "answer.ended is -1.0"),
        ([answer(0, ended=float("nan")), END], "NaN is no number"),
        ([answer(0, ended=0.1), END], "its first token came before it was issued, or behind its end"),
        ([answer(0, issued=-0.0, scheduled=0.1), END], "do not follow each other"),
        ([answer(1), answer(0), END], "line 3: issued before the line above"),
        ([answer(0, new_tokens=True), END], "answer.new_tokens is True"),
        ([answer(0, speed=1), END], "answer has a key 'speed'"),
        ([{"faster": 1}, END], "an answer is due, or one of load, warmup"),
        (['{"end": {"why": "done"}, "end": {"why": "done"}}'], "a key comes twice"),
        ([{"end": {"why": "luck"}}], "end.why is 'luck'"),
        ([{"warmup": {"n": 1, "seconds": 1}}, {"warmup": {"n": 1, "seconds": 1}}, END], "warmup comes twice"),
        ([{"probe": {"number": 1, "qps": 2.0}}, END], "a rate that was tried, and none is searched"),
        ([{"audit": {"same_answers": SAME | {"differ": 3}, "cache": None}}, END], "audit.same_answers is"),
        (["[1]", END], "found a list, expected an object"),
        (["[" * 100_000, END], "line 2"),
    ],
)
def test_what_no_measurement_would_have_written_is_refused_with_its_line(
    tmp_path: Path, lines: list[Any], said: str
) -> None:
    with pytest.raises(BenchError) as error:
        summary_of(written(tmp_path, *lines))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "header",
    [{}, {**HEADER, "form": 2}, {**HEADER, "scenario": "fast"}, {**HEADER, "more": 1}, changed(percentile=80),
     changed(bound={"p": 1}), {**HEADER, "started": "yesterday"}, changed(qps=-1.0),
     {**HEADER, "scenario": "server"}],
)  # fmt: skip
def test_a_header_of_another_form_is_refused(tmp_path: Path, header: dict[str, Any]) -> None:
    with pytest.raises(BenchError, match="line 1"):
        summary_of(written(tmp_path, answer(0), END, header=header))


def test_a_file_that_is_cut_off_or_missing_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, answer(0), END)
    for data in (b"", path.read_bytes()[:-1]):
        path.write_bytes(data)
        with pytest.raises(BenchError):
            summary_of(path)
    with pytest.raises(BenchError, match="cannot be read"):
        summary_of(tmp_path / "nothing.jsonl")


@pytest.mark.slow
@given(st.integers(0, 2000), st.integers(0, 255))
def test_a_byte_that_was_changed_is_refused_or_gives_a_whole_summary(place: int, byte: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        path = written(Path(name), answer(0), answer(1, error="no"), {"warmup": {"n": 1, "seconds": 0.5}}, END)
        data = bytearray(path.read_bytes())
        data[place % len(data)] = byte
        path.write_bytes(bytes(data))
        with contextlib.suppress(BenchError):
            json.dumps(summary_of(path), allow_nan=False)


@pytest.mark.parametrize(
    ("clock", "said"),
    [
        ({"kept_waiting": 0.9}, None),
        ({"kept_waiting": 3.0}, "other programs had the processor for 30 % of the time"),
        ({"stopped": 2.0}, "the program stood still for 2 s"),
        ({"suspended": 2.0}, "the machine was suspended for 2 s"),
        ({"backwards": 0.1}, "the clock ran backwards, by 0.1 s"),
    ],
)
def test_what_the_clock_saw_makes_it_invalid(tmp_path: Path, clock: dict[str, float], said: str | None) -> None:
    quiet = {"seconds": 10.0, "suspended": 0.0, "backwards": 0.0, "stopped": 0.0, "kept_waiting": 0.0}
    found = summary_of(written(tmp_path, *(answer(i) for i in range(20)), {"clock": quiet | clock}, END))
    assert [one.startswith(said or "") for one in found["reasons"]] == ([True] if said else [])


def test_an_example_that_was_asked_twice_is_not_allowed_by_the_default_rules(tmp_path: Path) -> None:
    lines = [answer(i) for i in range(20)] + [answer(20, id="q0", place=0)]
    found = summary_of(written(tmp_path, *lines, END))
    assert found["reasons"] == ["an example was asked twice, which these rules do not allow"]
    assert summary_of(written(tmp_path, *lines, END, header=changed(rules="mlperf")))["verdict"] == "VALID"


def test_a_file_without_an_answer_is_invalid(tmp_path: Path) -> None:
    for scenario in ("single_stream", "offline"):
        found = summary_of(written(tmp_path, END, header={**HEADER, "scenario": scenario}))
        assert (found["verdict"], found["n"], found["examples_per_second"]) == ("INVALID", 0, None)


def test_too_few_answers_for_a_confidence_of_99_percent_are_said_by_the_rules_of_mlperf(tmp_path: Path) -> None:
    header = {**changed(rules="mlperf", qps=1.0, bound={"percentile": 50, "seconds": 1.0}), "scenario": "server"}
    lines = [answer(i, ended=i + (3.0 if i < 8 else 0.5)) for i in range(20)]
    found = summary_of(written(tmp_path, *lines, END, header=header))
    due = fewest_below(50, 8) + 8
    assert any(
        f"p50 needs {due} answers to be below it with 99 % confidence, there are 20: {due - 20} more" in one
        for one in found["reasons"]
    )
    assert found["latency"]["p50"] == 0.5


def test_the_counts_that_a_percentile_needs_are_those_of_one_sample_above_it() -> None:
    assert {rank: fewest_below(rank, 1) + 1 for rank in ENOUGH} == ENOUGH
    assert [fewest_below(90, above) + above for above in (0, 1, 2, 5)] == [44, 64, 81, 127]
    for rank, above in ((90, 3), (99, 2), (50, 10)):  # the chance of no more above, where that many samples are asked
        assert _at_most(above, fewest_below(rank, above) + above, rank) <= 0.01
        assert _at_most(above, fewest_below(rank, above) + above - 1, rank) > 0.01


def _at_most(above: int, n: int, rank: int) -> float:
    from math import comb

    return sum(comb(n, k) * (1 - rank / 100) ** k * (rank / 100) ** (n - k) for k in range(above + 1))


def test_the_estimate_of_a_percentile_discards_what_may_be_discarded() -> None:
    assert estimate([float(i) for i in range(63)], 90) is None
    assert estimate([float(i) for i in range(64)], 90) == (63.0, 0)
    assert estimate([float(i) for i in range(81)], 90) == (79.0, 1)


def test_an_answers_times_are_differences_of_what_is_kept() -> None:
    one = Answer("q", 0, 1.0, 1.5, 2.0, 4.0, 3, 5, "stop", 0)
    assert (one.latency, one.ttft, one.tpot) == (3.0, 1.0, 0.5)
    assert Answer("q", 0, 1.0, 1.5, 2.0, 4.0, 3, 1, "stop", 0).tpot is None
