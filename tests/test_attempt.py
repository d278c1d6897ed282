"""Attempts at a run: what is kept when, what a kill leaves, and how the next attempt goes on from it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.bundles.claims import times_add_up
from bench.errors import BenchError
from bench.models.base import Device, Model
from bench.record import Timing
from bench.run import evaluate
from bench.runs import journal, timing
from bench.runs.attempt import Attempt
from bench.runs.folder import RunFolder
from bench.runs.heartbeat import ALIVE
from bench.runs.journal import JOURNAL, LEDGER
from bench.types import Generate, Prediction, Request

Make = Callable[..., Any]
CPU = Device("cpu", "float32", 1)
HALF = Device("cpu", "bfloat16", 1)


class Streams(Model):
    """Says the last word of each request, one after another from the last; stops by `stops_at` answers, if it is given."""

    outputs = (Generate,)

    def __init__(self, stops_at: int | None = None, unit: int = 5) -> None:
        self.asked: list[str] = []
        self.said, self.stops_at, self.unit = 0, stops_at, unit

    def units(self, batch: Sequence[Request]) -> list[list[Request]]:
        return [list(batch[i : i + self.unit]) for i in range(0, len(batch), self.unit)]

    def predict(self, batch: Sequence[Request]) -> Iterator[Prediction]:
        self.asked += [request.parts[-1].text.split()[-1] for request in batch]  # type: ignore[union-attr]
        for request in reversed(batch):
            if self.said == self.stops_at:
                raise KeyboardInterrupt
            self.said += 1
            yield Prediction(request.id, text=request.parts[-1].text.split()[-1], new_tokens=1)  # type: ignore[union-attr]


@pytest.mark.slow
@pytest.mark.parametrize(("device", "again"), [(CPU, 0), (HALF, 3)], ids=["float32", "bfloat16"])
def test_a_run_goes_on_with_the_missing_ids_or_where_company_counts_with_the_unit(
    tmp_path: Path, tiny_task: Make, quick_settings: Make, device: Device, again: int
) -> None:
    there = quick_settings(runs_dir=tmp_path / "whole", batch_size=99)
    _, whole = evaluate(tiny_task(12), Streams(), "streams", device, there)
    settings = quick_settings(batch_size=99)
    with pytest.raises(KeyboardInterrupt):
        evaluate(tiny_task(12), Streams(stops_at=8), "streams", device, settings)
    model = Streams()
    told: list[tuple[int, int]] = []
    run, folder = evaluate(tiny_task(12), model, "streams", device, settings, progress=lambda *now: told.append(now))
    assert len(model.asked) == 4 + again  # three of the second unit's five were there
    assert (folder.path / JOURNAL).read_bytes() == (whole.path / JOURNAL).read_bytes()
    assert told[0] == (8, 12)
    assert told[-1] == (12, 12)
    assert (run.timings["n"], run.timings["new_tokens"], run.timings["attempts"]) == (12, 12, 2)
    assert not (folder.path / ALIVE).exists()


def test_each_answer_is_in_the_journal_before_the_next_is_asked_for(
    tiny_task: Make, quick_settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = quick_settings(batch_size=99)
    lines: list[int] = []

    def looks(done: int, n: int) -> None:
        (path,) = settings.runs_dir.glob(f"tiny/streams/*/{JOURNAL}")
        lines.append(path.read_bytes().count(b"\n") - done)

    evaluate(
        tiny_task(6), Streams(), "streams", CPU, settings, progress=lambda done, n: looks(done, n) if done else None
    )
    assert lines == [0] * 6


def test_the_journal_of_a_complete_run_is_in_the_order_of_the_data(tiny_task: Make, quick_settings: Make) -> None:
    _, folder = evaluate(tiny_task(12), Streams(), "streams", CPU, quick_settings(batch_size=99))
    assert [one.id for one in folder.predictions()] == [example.id for example in tiny_task(12).examples()]
    assert sorted(place for one in folder.timings() for place in one.places or ()) == list(range(12))


def opened(path: Path) -> RunFolder:
    path.mkdir(parents=True, exist_ok=True)
    return RunFolder(path)


def test_an_attempt_is_in_the_ledger_from_its_first_moment(tmp_path: Path) -> None:
    folder = opened(tmp_path / "r")
    with Attempt(folder) as attempt:
        (begin,) = folder.timings()
        assert (begin.attempt, begin.phase, begin.seconds, attempt.number) == (1, "begin", 0.0, 1)
        assert begin.at is not None
        deadline = time.monotonic() + 60
        while (
            not ((folder.path / ALIVE).exists() and (folder.path / ALIVE).read_text()) and time.monotonic() < deadline
        ):
            time.sleep(0.01)
        assert (folder.path / ALIVE).read_text().split()[0] == "1"
    assert not (folder.path / ALIVE).exists()


@pytest.mark.parametrize(
    ("alive", "lost"),
    [
        ("1 0000000012.5\n", 9.0),
        ("1 0000000002.0\n", 0.0),
        ("2 12.5", None),
        ("nonsense", None),
        ("1 inf", None),
        ("", None),
    ],
    ids=["killed", "killed behind a reading", "of another", "damaged", "no time", "empty"],
)
def test_what_a_killed_attempt_took_is_written_down_by_the_next(tmp_path: Path, alive: str, lost: float | None) -> None:
    folder = opened(tmp_path / "r")
    for reading in (Timing(1, "begin", 0.0, at="2026-01-02T03:04:05+00:00"), Timing(1, "load", 3.5)):
        folder.write_timing(reading)
    (folder.path / ALIVE).write_text(alive)
    with Attempt(folder) as attempt:
        assert attempt.number == 2
    found = folder.timings()[2:]
    assert [(one.attempt, one.phase) for one in found] == [(1, "lost")] * (lost is not None) + [(2, "begin")]
    assert lost is None or found[0].seconds == lost
    assert timing.summarise(folder.timings())["seconds"]["total"] == 3.5 + (lost or 0.0)


def test_an_attempt_that_fails_leaves_its_sign_of_life_for_the_next(tmp_path: Path) -> None:
    folder = opened(tmp_path / "r")
    with pytest.raises(KeyboardInterrupt), Attempt(folder):
        raise KeyboardInterrupt
    assert (folder.path / ALIVE).read_text().startswith("1 ")


PLACE = {name: number for number, name in enumerate("abcdef")}


def ledger(*groups: str, attempt: int = 1) -> list[Timing]:
    places = [tuple(PLACE[name] for name in group) for group in groups]
    return [Timing(attempt, "predict", 1.0, len(one), 0, places=one) for one in places]


def left(folder: RunFolder, text: str | bytes, readings: Sequence[Timing] = ()) -> tuple[journal.Kept, list[str]]:
    """What is recovered of a journal with these lines, and what is said of it."""
    said: list[str] = []
    (folder.path / JOURNAL).write_bytes(text.encode() if isinstance(text, str) else text)
    for reading in readings:
        folder.write_timing(reading)
    return journal.recover(folder.path, PLACE, said.append), said


def line(name: str, **more: Any) -> str:
    return json.dumps({"id": name, "text": name.upper()} | more) + "\n"


@pytest.mark.parametrize(
    ("text", "kept", "n_bad"),
    [
        (line("c") + line("a"), "ac", 0),
        (line("a") + line("b")[:-5], "a", 0),
        (line("a") + line("a") + line("b"), "ab", 1),
        (line("a") + line("a", text="other"), "a", 1),
        (line("a")[:9] + "\n" + line("b"), "b", 1),
        ("3\n[]\nnull\n\n{}\n" + line("b") + line("c", id=["x"]), "b", 6),
        (b"\xff\xfe\n" + line("a").encode(), "a", 1),
        (line("a", sense=1) + line("b"), "b", 1),
        (line("a", text=5) + line("a", no_answer=float("nan")) + line("b", error="too"), "", 3),
        ("\ufeff" + line("a") + line("b").replace("\n", "\r\n"), "b", 1),
        ("", "", 0),
    ],
    ids=[
        "any order",
        "torn at its end",
        "a line twice",
        "an id twice",
        "torn inside",
        "no objects",
        "no UTF-8",
        "unknown key",
        "other types",
        "a mark and line ends of an editor",
        "-",
    ],
)
def test_a_journal_that_was_damaged_goes_on_with_what_can_be_read(
    tmp_path: Path, text: Any, kept: str, n_bad: int
) -> None:
    folder = opened(tmp_path / "r")
    found, said = left(folder, text)
    assert found == journal.Kept(frozenset(kept), frozenset(), False)
    assert [one.id for one in folder.predictions()] == list(kept if text[:9] != line("c")[:9] else "ca")
    bad = [one for one in said if "have no reading" not in one]  # as none has here
    assert [f"{n_bad} lines cannot be read or come a second time" in one for one in bad] == [True] * bool(n_bad)
    first = next(folder.predictions(), None)
    assert first is None or first.text == first.id.upper()


def test_an_answer_to_an_example_that_is_not_there_ends_it_with_a_line(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"the prediction for 'z' is not in the data; run again with --fresh"):
        left(opened(tmp_path / "r"), line("a") + line("z"))


def test_a_group_that_did_not_all_reach_the_journal_is_asked_again(tmp_path: Path) -> None:
    folder = opened(tmp_path / "r")
    found, said = left(folder, line("b") + line("c") + line("d"), ledger("b", "cde"))
    assert (found.ids, said) == (frozenset("b"), [])
    found, _ = left(folder, line("b") + line("c") + line("d") + line("e"), ledger("cd", "e", attempt=2))
    assert found.ids == frozenset("bcde")
    assert timing.summarise(folder.timings())["repeated_seconds"] == 1.0


def test_a_damaged_line_of_the_ledger_costs_no_answer(tmp_path: Path) -> None:
    folder = opened(tmp_path / "r")
    (folder.path / LEDGER).write_text('nonsense\n{"attempt": "x", "phase": 3, "seconds": null}\n{"attempt": 1}\n')
    found, said = left(folder, line("a") + line("b"), ledger("ab"))
    assert (found.ids, len(said), len(folder.timings())) == (frozenset("ab"), 1, 1)


def test_an_answer_to_another_request_or_to_no_example_at_all_is_none(tmp_path: Path) -> None:
    folder, said = opened(tmp_path / "r"), list[str]()
    (folder.path / JOURNAL).write_text(line("a", asked="0" * 16) + line("b", asked="1" * 16))
    for reading in ledger("a", "b"):
        folder.write_timing(reading)
    asked = dict.fromkeys("abc", "1" * 16)
    journal.recover(folder.path, PLACE, said.append, asked)
    assert ([one.id for one in folder.predictions()], "1 lines answer another request" in said[0]) == (["b"], True)
    with pytest.raises(BenchError, match="the prediction for '' is not in the data"):
        left(folder, line(""))


@pytest.mark.parametrize("damage", ["nonsense", "begin"])
def test_a_run_whose_ledger_was_damaged_has_the_readings_of_what_is_answered_from_then_on(
    tiny_task: Make, quick_settings: Make, damage: str
) -> None:
    settings = quick_settings(batch_size=99)
    with pytest.raises(KeyboardInterrupt):
        evaluate(tiny_task(9), Streams(stops_at=4), "streams", CPU, settings)
    (path,) = settings.runs_dir.glob(f"tiny/streams/*/{LEDGER}")
    lost = [one for one in path.read_text().splitlines() if damage in ("nonsense", json.loads(one)["phase"])]
    path.write_text("\n".join([*lost[:-1], damage]) + "\n")  # the last reading of an answer, or all of them
    said: list[str] = []
    run, folder = evaluate(tiny_task(9), Streams(), "streams", CPU, settings, say=said.append)
    untimed = 1 if damage == "nonsense" else 4
    assert run.timings["n"] == 9 - untimed
    assert any(f"{untimed} answers have no reading" in one for one in said)
    times_add_up(run, folder.path, list(folder.predictions()))


def test_a_journal_of_before_goes_on_by_its_batches(tmp_path: Path) -> None:
    folder = opened(tmp_path / "r")
    readings = [Timing(1, "predict", 9.0, 2, 0), Timing(2, "predict", 1.0, 2, 0), Timing(2, "predict", 3.0, 3, 2)]
    found, _ = left(
        folder, line("d") + line("b") + line("a") + line("f"), readings
    )  # one of the second batch is missing
    assert (found.ids, found.unplaced) == (frozenset("db"), True)
    assert [one.places for one in folder.timings()] == [(), (3, 1), ()]
    times = timing.summarise(folder.timings())
    assert (times["n"], times["examples_per_second"], times["repeated_seconds"]) == (2, 2.0, 12.0)


def test_answers_of_before_in_half_precision_are_said_to_be_of_other_batches(
    tiny_task: Make, quick_settings: Make
) -> None:
    settings = quick_settings(batch_size=99)
    with pytest.raises(KeyboardInterrupt):
        evaluate(tiny_task(9), Streams(stops_at=5), "streams", HALF, settings)
    (path,) = settings.runs_dir.glob(f"tiny/streams/*/{LEDGER}")
    path.write_text('{"attempt":1,"phase":"predict","seconds":1.0,"n":5,"batch":0}\n')
    said: list[str] = []
    evaluate(tiny_task(9), Streams(), "streams", HALF, settings, say=said.append)
    assert [one for one in said if one.startswith("the first 5 answers are of an earlier version")]


KILLED = """
    import sys, time
    sys.path[:0] = {path!r}
    from pathlib import Path
    from tiny import TinyTask
    from test_attempt import CPU, Streams
    from bench.run import evaluate
    from bench.runs.settings import Settings

    def slowly(done, n):
        if done:
            print(done, flush=True)
            time.sleep(0.02)

    settings = Settings(runs_dir=Path({runs!r}), batch_size=99, resamples=10)
    evaluate(TinyTask(12), Streams(), "streams", CPU, settings, progress=slowly)
"""


@pytest.mark.slow
@pytest.mark.parametrize("after", [1, 5, 11])
def test_kill_minus_nine_loses_at_most_the_answer_that_was_under_way(
    tmp_path: Path, tiny_task: Make, quick_settings: Make, after: int
) -> None:
    tests = str(Path(__file__).parent)
    script = textwrap.dedent(KILLED).format(path=[tests, str(Path(tests).parent)], runs=str(quick_settings().runs_dir))
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(after):
            assert process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
    (path,) = quick_settings().runs_dir.glob("tiny/*/*")
    assert len(list(RunFolder(path).predictions())) >= after
    run, folder = evaluate(tiny_task(12), Streams(), "streams", CPU, quick_settings(batch_size=99))
    assert (folder.path, run.timings["n"]) == (path, 12)
