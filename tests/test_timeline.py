"""The timeline of a run: what the ledger says of its time, as bars, and as a trace file that profilers open."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
import raw_times
from hypothesis import given
from hypothesis import strategies as some

from bench.models.base import Device
from bench.record import Run, Span, Timing
from bench.run import evaluate
from bench.runs import forms, spans
from bench.runs.journal import LEDGER, of_timing, readable
from bench.timeline import scenarios
from bench.timeline.attempts import attempts
from bench.timeline.bars import Bar, Process, Timeline, lanes
from bench.timeline.trace import document, events
from bench.timeline.whole import timeline

Make = Callable[..., Any]
CPU = Device("cpu", "float32", 1)
AT = "2099-01-02T03:04:05+00:00"


def check(found: Sequence[dict[str, Any]]) -> None:
    """What a profiler asks of a trace: known events, no negative time, bars of a track that nest, and ends to all beginnings."""
    bars: dict[tuple[int, int], list[tuple[float, float]]] = {}
    begun: dict[tuple[str, str], list[str]] = {}
    for one in found:
        assert one["ph"] in "MXbeC"
        assert type(one["pid"]) is type(one["tid"]) is int
        assert isinstance(one["name"], str)
        if one["ph"] != "M":
            assert one["ts"] >= 0
        if one["ph"] == "X":
            assert one["dur"] >= 0
            bars.setdefault((one["pid"], one["tid"]), []).append((one["ts"], one["ts"] + one["dur"]))
        elif one["ph"] == "b":
            begun.setdefault((one["cat"], one["id"]), []).append(one["name"])
        elif one["ph"] == "e":
            assert begun[one["cat"], one["id"]].pop() == one["name"]  # the inner one ends first
    assert not any(begun.values())
    for track in bars.values():
        open_ends: list[float] = []
        for start, end in sorted(track, key=lambda bar: (bar[0], -bar[1])):
            while open_ends and open_ends[-1] <= start + 1e-3:
                open_ends.pop()
            assert not open_ends or end <= open_ends[-1] + 1e-3
            open_ends.append(end)


def ledger(folder: Path, readings: Iterable[Timing]) -> list[Timing]:
    """The readings as a file of them gives them back."""
    (folder / LEDGER).write_text("".join(of_timing(one) + "\n" for one in readings))
    found, bad = readable(folder / LEDGER)
    assert not bad
    return found


def begun(attempt: int, at: str = "2026-01-02T03:04:05+00:00", **more: Any) -> Timing:
    return Timing(attempt, "begin", 0.0, at=at, **more)


def test_every_reading_of_a_run_says_when_it_began_and_lies_behind_the_one_before(
    tmp_path: Path, tiny_task: Make, echo_model: Make, quick_settings: Make
) -> None:
    _, folder = evaluate(tiny_task(10), echo_model(), "echo", CPU, quick_settings())
    first, *rest = folder.timings()
    assert (first.phase, first.start) == ("begin", None)
    end = 0.0
    for one in rest:
        assert one.start is not None
        assert one.start >= end - 1e-5
        end = one.start + one.seconds
    (process,) = attempts(folder.timings())
    assert process.notes == ()
    assert [bar.name for bar in process.bars if bar.track == "phases"] == ["load", *4 * ["predict"], "score"]
    assert sum(bar.about["rows"] for bar in process.bars if bar.name == "write") == 10
    assert {bar.track for bar in process.bars if bar.name == "prepare unit"} == {"prepare"}


def test_the_time_that_no_phase_covers_is_a_gap_between_bars() -> None:
    (process,) = attempts([begun(1), Timing(1, "load", 2.0, start=0.5), Timing(1, "score", 1.0, start=4.0)])
    assert [(bar.name, bar.start, bar.end) for bar in process.bars] == [("load", 0.5, 2.5), ("score", 4.0, 5.0)]


def test_readings_of_earlier_versions_stand_one_behind_another_and_a_note_says_so() -> None:
    old = [begun(1), Timing(1, "load", 2.0), Timing(1, "predict", 3.0, n=2, batch=0), Timing(1, "score", 1.0)]
    (process,) = attempts(old)
    assert [(bar.name, bar.start, bar.guessed) for bar in process.bars] == [
        ("load", 0.0, True), ("predict", 2.0, True), ("score", 5.0, True),
    ]  # fmt: skip
    assert "3 readings do not say when they began" in process.notes[0]
    assert any(
        "do not say" in one for one in json.loads("".join(document(_run(), Timeline([process]))))["otherData"]["notes"]
    )


def test_work_that_was_done_again_is_marked_and_what_a_killed_attempt_took_stands_behind_its_readings() -> None:
    killed = [
        begun(1), Timing(1, "load", 2.0, start=0.0), Timing(1, "predict", 3.0, n=2, batch=0, places=(0, 1), start=2.0),
        Timing(1, "lost", 1.5),
    ]  # fmt: skip
    again = [
        begun(2, "2026-01-02T03:05:05+00:00"), Timing(2, "predict", 3.0, n=2, batch=0, places=(0, 1), start=0.1),
    ]  # fmt: skip
    first, second = attempts([*killed, *again])
    assert [(bar.name, bar.start, bar.repeated) for bar in first.bars] == [
        ("load", 0.0, False), ("predict", 2.0, True), ("lost", 5.0, False),
    ]  # fmt: skip
    assert (second.offset, second.notes, second.bars[0].repeated) == (60.0, (), False)


@pytest.mark.parametrize(
    ("at", "offset", "note"),
    [
        ("2026-01-02T03:04:00+00:00", 9.0, "a clock was set"),
        ("2026-01-02T03:04:13+00:00", 9.0, None),  # whole seconds: the end of the first is within the same one
        (None, 9.0, "does not say when it began"),
    ],
)
def test_no_attempt_is_placed_before_the_end_of_the_one_before(at: str | None, offset: float, note: str | None) -> None:
    second = [begun(2, at)] if at else []
    found = attempts([begun(1), Timing(1, "load", 9.0, start=0.0), *second, Timing(2, "load", 1.0, start=0.0)])
    assert found[1].offset == offset
    assert (note is None) is (not found[1].notes)
    assert note is None or note in found[1].notes[0]


def test_a_start_that_jumps_back_gets_a_track_of_its_own_and_a_note() -> None:
    (process,) = attempts([begun(1), Timing(1, "load", 9.0, start=5.0), Timing(1, "score", 9.0, start=1.0)])
    assert "before the one before them was over" in process.notes[0]
    tracks = [one["args"]["name"] for one in events(Timeline([process])) if one["name"] == "thread_name"]
    assert tracks == ["phases", "phases, overlapping 1"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"start": -0.1}, {"start": "0"}, {"start": float("inf")}, {"start": True}, {"spans": [["load", 0.0, -1.0, 0, 0, ""]]},
        {"spans": [["load", 0.0, 1.0, 0, 0]]}, {"spans": [["<b>", 0.0, 1.0, 0, 0, ""]]}, {"spans": {"load": 1}},
        {"spans": [["load", 0.0, 1.0, -1, 0, ""]]}, {"spans": [["load", 0.0, 1.0, 0, 0, ""]] * 1001},
        {"spans": [["load", 1e11, 1.0, 0, 0, ""]]},
    ],
)  # fmt: skip
def test_a_reading_that_no_clock_gave_is_no_reading(wrong: dict[str, Any]) -> None:
    line = {"attempt": 1, "phase": "load", "seconds": 1.0}
    assert forms.timing(line).start is None
    with pytest.raises(forms.WRONG):
        forms.timing(line | wrong)


def test_a_reading_comes_back_from_the_ledger_with_its_spans(tmp_path: Path) -> None:
    one = Timing(1, "predict", 2.0, n=1, batch=0, places=(0,), start=1.5, spans=(Span("prefill", 1.6, 0.5, 1, 30),))
    assert ledger(tmp_path, [one]) == [one]


def test_spans_are_kept_while_somebody_listens_with_the_kind_of_their_thread_and_also_when_they_fail() -> None:
    with spans.span("import"):
        pass  # nobody listens
    with spans.told(), spans.told():  # a job, and its attempt
        with pytest.raises(KeyError), spans.span("tokenise", rows=3, tokens=40):
            raise KeyError
        for name in ("prepare_0", "Thread-7 (run)"):
            beside = threading.Thread(target=_told, name=name)
            beside.start()
            beside.join()
        found = spans.taken(spans.clock())
        assert spans.taken(0.0) == ()
    assert [(one.name, one.rows, one.tokens, one.track) for one in found] == [
        ("prepare", 0, 0, ""), ("tokenise", 3, 40, ""), ("prepare unit", 0, 0, "prepare"),
        ("prepare unit", 0, 0, "another thread"),
    ]  # fmt: skip
    assert all(one.start <= 0 <= one.seconds for one in found)


def _told() -> None:
    with spans.span("prepare unit"):
        pass


def test_a_flood_of_spans_is_cut_and_counted() -> None:
    with spans.told():
        for _ in range(1500):
            spans.tell("decode", 0.0, 1.0)
        found = spans.taken(0.0)
    assert len(found) == 1000
    assert (found[-1].name, found[-1].rows) == ("not kept", 501)
    (process,) = attempts([begun(1), Timing(1, "load", 1.0, start=0.0, spans=found)])
    assert process.notes == ("501 finer phases were not kept: too many between two readings",)


def test_the_process_is_older_than_this_test_and_younger_than_a_day() -> None:
    began = spans.process_began()
    assert began is not None
    assert 0 < time.perf_counter() - began < 86_400


def test_what_a_process_did_before_the_attempt_stands_before_it() -> None:
    early = (Span("import", -3.0, 1.0), Span("import", -1.5, 0.5), Span("prepare", -2.0, 2.0))
    (process,) = attempts([begun(1, spans=early), Timing(1, "load", 1.0, start=0.0)])
    assert [(bar.name, bar.track) for bar in process.bars] == [
        ("import", "phases"), ("import", "inside"), ("prepare", "phases"), ("load", "phases"),
    ]  # fmt: skip
    assert min(one["ts"] for one in events(Timeline([process])) if one["ph"] == "X") == 0.0


@pytest.mark.slow
@given(some.lists(some.tuples(some.floats(-1e3, 1e6), some.floats(0, 1e4), some.sampled_from("ab")), max_size=30))
def test_any_bars_make_a_trace_that_nests_and_loses_none(found: list[tuple[float, float, str]]) -> None:
    bars = [Bar("x", track, start, seconds) for start, seconds, track in found]
    assert sum(map(len, lanes(bars))) == len(bars)
    made = [*events(Timeline([Process("attempt 1", 0.0, bars)]))]
    check(made)
    assert sum(one["ph"] == "X" for one in made) == len(bars)


def _run(**changes: Any) -> Run:
    fields: dict[str, Any] = {name: {} for name in Run.__dataclass_fields__} | {
        "run_id": "0123456789ab", "task": "squad_v1", "model": "m", "created": "2026-01-02T03:04:05+00:00",
    }  # fmt: skip
    return Run(**fields | changes)


def _timed(folder: Path, scenario: str, answers: list[dict[str, Any]], **settings: Any) -> Run:
    return _run(scenarios={scenario: raw_times.write(folder, scenario, answers, **settings)})


def test_an_answer_of_a_scenario_is_a_wait_a_first_token_and_a_decode_and_the_queue_is_counted(tmp_path: Path) -> None:
    answers = [
        raw_times.answer(0, 0.0, 0.0, 0.1, 1.0),
        raw_times.answer(1, 0.5, 1.0, 1.2, 2.0),
        raw_times.answer(2, 0.75, 2.0, None, 3.0),
    ]
    found = [*events(timeline(_timed(tmp_path, "server", answers, qps=2.0), tmp_path))]
    check(found)
    assert [(one["name"], one["ts"], one["dur"]) for one in found if one["ph"] == "X"] == [("warmup", 0.0, 4e5)]
    begins = [
        (one["name"], round(one["ts"] / 1e6 - 0.4, 6)) for one in found if one["ph"] == "b" and one["id"] == "1.1"
    ]
    assert begins == [("answer", 0.5), ("waits", 0.5), ("to first token", 1.0), ("decode", 1.2)]
    assert [one["name"] for one in found if one["ph"] == "b" and one["id"] == "1.2"] == ["answer", "waits", "computed"]
    queue = {round(one["ts"] / 1e6 - 0.4, 6): one["args"] for one in found if one["ph"] == "C"}
    assert [queue[at]["waiting"] for at in (0.0, 0.5, 0.75, 1.0, 2.0, 3.0)] == [0, 1, 2, 1, 0, 0]
    assert [queue[at]["computed"] for at in (0.0, 0.5, 1.0, 3.0)] == [1, 1, 1, 0]


def test_rates_that_were_searched_are_processes_one_behind_another(tmp_path: Path) -> None:
    lines = []
    for number, rate in enumerate((2.0, 4.0), start=1):
        lines += [
            {"probe": {"number": number, "qps": rate}},
            *raw_times.server(20, rate),
            {"probed": {"number": number, "why": "done"}},
        ]
    run = _timed(tmp_path, "server", lines, bound={"percentile": 99, "seconds": 2.0})
    first, second = timeline(run, tmp_path).processes
    assert (first.title, second.title) == ("scenario server at 2 a second", "scenario server at 4 a second")
    assert second.offset == first.offset + first.end
    (reading,) = scenarios.of_run(run, tmp_path)
    assert reading.probe is not None
    assert reading.probe.qps == run.scenarios["server"]["qps"]


@pytest.mark.parametrize("how", ["gone", "altered", "other", "unread"])
def test_raw_readings_that_the_record_does_not_vouch_for_are_left_out(tmp_path: Path, how: str) -> None:
    run = _timed(tmp_path, "single_stream", raw_times.single_stream(20))
    path = tmp_path / "scenarios" / "single_stream.jsonl"
    if how == "gone":
        path.unlink()
    elif how == "altered":
        path.write_text(path.read_text().replace('"place": 3,', '"place": 4,'))
    elif how == "other":
        run = _run(scenarios={"server": run.scenarios["single_stream"]})
        path.rename(path.with_name("server.jsonl"))
    else:
        path.write_text("{}\n")
        run = _run(scenarios={"single_stream": {"sha256": hashlib.sha256(b"{}\n").hexdigest()}})
    found = timeline(run, tmp_path)
    assert not found.processes
    assert {"gone": "not here", "altered": "not those", "other": "are of", "unread": "cannot be read"}[
        how
    ] in found.notes[0]


@pytest.mark.slow
def test_the_command_writes_a_trace_of_a_run_and_of_nothing_says_why(
    tmp_path: Path, tiny_task: Make, echo_model: Make, quick_settings: Make, bench_main: Make
) -> None:
    _, folder = evaluate(tiny_task(10), echo_model(), "echo", CPU, quick_settings())
    code, out, _ = bench_main("trace", "tiny/echo", "-o", "t.json")
    assert code == 0
    assert "ui.perfetto.dev" in out[0]
    made = json.loads(Path("t.json").read_text())
    check(made["traceEvents"])
    assert made["otherData"]["model"] == "echo"
    (folder.path / LEDGER).write_text("")
    assert bench_main("trace", str(folder.path))[0] == 2
    for wrong in ("runs", "nowhere/t.json"):
        code, _, said = bench_main("trace", "tiny/echo", "-o", wrong)
        assert (code, len(said)) == (2, 1)


def test_logging_that_came_behind_the_record_stands_behind_the_attempt_that_did_it(
    tmp_path: Path, tiny_task: Make, echo_model: Make, quick_settings: Make
) -> None:
    run, folder = evaluate(tiny_task(4), echo_model(), "echo", CPU, quick_settings())
    end = timeline(run, folder.path).processes[0].end
    for said, due in (
        ({"at": AT, "start": end + 1, "seconds": 2.0}, ["score", "log"]),
        *(({"at": AT, "start": wrong, "seconds": 2.0}, ["predict", "score"]) for wrong in (0.0, "x", 1e300, None)),
        ({"at": "soon", "start": None, "seconds": 2.0}, ["predict", "score"]),
        ({"seconds": -1}, ["predict", "score"]),
    ):
        (folder.path / "mlflow.json").write_text(json.dumps({"uri": "u", "run_id": "r", "time": said}))
        first, *later = timeline(run, folder.path).processes
        assert [bar.name for bar in first.bars if bar.track == "phases"][-2:] == due
        assert [one.title for one in later] == (
            ["logged later"] if said.get("start", 0) is None and said["at"] == AT else []
        )


def test_a_ledger_that_was_altered_is_drawn_and_called_so(
    tmp_path: Path, tiny_task: Make, echo_model: Make, quick_settings: Make
) -> None:
    run, folder = evaluate(tiny_task(4), echo_model(), "echo", CPU, quick_settings())
    assert timeline(run, folder.path).notes == ()
    path = folder.path / LEDGER
    path.write_text(path.read_text() + of_timing(Timing(1, "load", 9.0, start=99.0)) + "\n")
    assert timeline(run, folder.path).notes == ("the ledger is no longer the file that the record names",)
