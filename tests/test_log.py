"""What is written of a run while it goes on: its log, how it stands, and the report of a fault."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from bench import leases
from bench.commands.shared import signals
from bench.commands.shared.faults import public_words
from bench.disk import clear_drafts, draft_of, write_atomically
from bench.errors import BenchError
from bench.logs import crash
from bench.logs import log as logs
from bench.models.base import Device
from bench.run import evaluate
from bench.runs import locks, state
from bench.runs.course import Course
from bench.runs.folder import RunFolder
from bench.runs.heartbeat import ALIVE, Heartbeat, last_beat, last_facts
from bench.text import secrets
from bench.types import Prediction

Make = Callable[..., Any]
Main = Callable[..., tuple[int, list[str], list[str]]]
CPU = Device("cpu", "float32", 1)
CANARY = "Ann Lee owes 4,711"
KEY = "sk-abc123def456ghi789"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    handlers, level, propagate = [*logs.log.handlers], logs.log.level, logs.log.propagate
    yield
    logs.log.handlers[:], logs.log.propagate = handlers, propagate
    logs.log.setLevel(level)
    logs._threshold, logs._folder, logs._command = logging.INFO, None, ()
    logs._recent.clear()


def lines(folder: Path) -> list[str]:
    return (folder / logs.FILE).read_text(encoding="utf-8").rstrip("\n").split("\n")


def test_a_run_has_a_log_of_its_attempts_failures_and_phases(
    tiny_task: Make, echo_model: Make, quick_settings: Make
) -> None:
    task, settings = tiny_task(10), quick_settings()
    with pytest.raises(KeyboardInterrupt):
        evaluate(task, echo_model(fails=["t4"], interrupt_at=2), "echo", CPU, settings)
    _, folder = evaluate(task, echo_model(fails=["t4"]), "echo", CPU, settings)
    found = lines(folder.path)
    assert all(line[10] == "T" and line[23:25] == "Z " for line in found)
    text = "\n".join(found)
    failed = "WARNING example t4 failed: RuntimeError: no answer for ['t4']"
    ended = ("WARNING interrupted with ", "attempt 1 did not finish: interrupted")
    for said in ("INFO    attempt 1 begins", failed, *ended, "attempt 2 begins", "INFO    score: "):
        assert said in text, said


@pytest.mark.parametrize(
    ("level", "has", "lacks"),
    [
        ("debug", "DEBUG   3 answers in ", "\0"),
        ("info", "INFO    attempt 1", "DEBUG"),
        ("warning", "WARNING example", "INFO"),
    ],
)
def test_the_log_has_what_its_level_says(
    tiny_task: Make, echo_model: Make, quick_settings: Make, level: str, has: str, lacks: str
) -> None:
    logs.begin(level)
    _, folder = evaluate(tiny_task(10), echo_model(fails=["t9"]), "echo", CPU, quick_settings())
    text = "\n".join(lines(folder.path))
    assert has in text
    assert lacks not in text


def test_a_sign_of_life_has_the_last_error_without_its_secrets_whatever_its_letters(tmp_path: Path) -> None:
    course = Course()
    course.begin(0, 9)
    course.came(
        [
            Prediction("n1", error=f"key {KEY}\x1b"),
            Prediction("n2", text="4"),
            Prediction("語" * 2000, error="é" * 9000),
        ]
    )
    assert (course.facts("")["done"], course.facts("")["failed"]) == (3, 2)
    beaten(tmp_path, **course.facts("load"))
    assert (tmp_path / ALIVE).stat().st_size == 4096
    course.came([Prediction("n3", error=f"key {KEY}\x1b")])
    beaten(tmp_path, **course.facts("load"))
    assert last_facts(tmp_path)["last_error"] == "example n3: key withheld\\x1b"


@pytest.mark.slow
def test_many_failures_are_counted_and_not_listed(tiny_task: Make, echo_model: Make, quick_settings: Make) -> None:
    task = tiny_task(60)
    _, folder = evaluate(task, echo_model(fails=task.ids), "echo", CPU, quick_settings())
    found = lines(folder.path)
    assert sum("failed:" in line for line in found) == 20
    assert any("60 examples failed in this attempt" in line for line in found)


@pytest.mark.slow
def test_a_run_that_is_complete_is_not_written_into_when_it_is_asked_again(
    tiny_task: Make, echo_model: Make, quick_settings: Make
) -> None:
    settings = quick_settings()
    _, folder = evaluate(tiny_task(10), echo_model(), "echo", CPU, settings)
    before = {path.name: path.stat().st_mtime_ns for path in folder.path.iterdir()}
    evaluate(tiny_task(10), echo_model(), "echo", CPU, settings)
    assert {path.name: path.stat().st_mtime_ns for path in folder.path.iterdir()} == before


def test_a_log_holds_no_secret_no_control_sign_and_warnings_of_other_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "hunter2hunter2")
    with logs.into(tmp_path), logs.into(tmp_path):
        logs.log.info("%s", f"a\x1b[31m\nb {KEY} hunter2hunter2")
        logging.getLogger("somebody").warning("theirs, %s", "password: hunter3")
        logging.getLogger("somebody").info("not theirs")
        try:
            raise ValueError(f"key {KEY}")
        except ValueError:
            logs.log.exception("oops")
    found = lines(tmp_path)
    text = "\n".join(found)
    assert not {KEY, "hunter2", "hunter3", "\x1b", "not theirs"} & {
        one for one in (KEY, "hunter2", "hunter3", "\x1b", "not theirs") if one in text
    }
    assert [line[25:] for line in found[:2]] == [
        "INFO    a\\x1b[31m⏎b withheld withheld",
        "WARNING somebody: theirs, password: withheld",
    ]
    assert found[2].endswith("ERROR   oops")
    assert all(line.startswith("    ") for line in found[3:])  # no line of a traceback passes for one of the log


def test_a_log_that_cannot_be_written_costs_only_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / logs.FILE).mkdir()
    with logs.into(tmp_path):
        for _ in range(3):
            logs.log.info("a line")
    assert capsys.readouterr().err.count("the run goes on without a log") == 1


def test_a_long_log_is_put_aside_and_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_MOST_BYTES", 2000)
    with logs.into(tmp_path):
        for _ in range(200):
            logs.log.info("a line of some length, to fill the file")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.txt", "log.txt.1"]
    assert all(path.stat().st_size <= 2000 for path in tmp_path.iterdir())


class Odd(Exception):
    """An exception of somebody's own, whose name might say something."""


Odd.__module__ = "numpy"  # and may claim to be anybody's


def test_a_report_of_a_fault_has_versions_places_and_lines_but_no_data_and_no_secret() -> None:
    logs.begin()
    for number in range(60):
        logs.log.info("%d of %d answers of %s", number, 60, logs.Public("squad_v1"))
    logs.say(f"example {CANARY}: {KEY}")
    logs.log.warning("example %s failed: %s", "n1", CANARY)
    logging.getLogger("bench").error(CANARY)
    try:
        try:
            raise Odd(CANARY)
        except Odd as error:
            raise KeyError(CANARY) from error
    except KeyError as error:
        found = crash.report(error, ["run"], {"python": "3.11"}, logs.recent())
    assert "raised builtins.KeyError" in found
    assert "which came of an exception of own code" in found
    assert "the last 50 lines of the log:" in found
    assert len(found.partition("lines of the log:\n")[2].rstrip().split("\n")) == 50
    for secret in (CANARY, "Ann", "4,711", KEY, "Odd", "n1", str(Path.home()), os.environ.get("USER") or "\0"):
        assert secret not in found, secret


@pytest.mark.slow
def test_a_fault_of_bench_is_reported_in_the_folder_of_its_run(
    own_package: Path, bench_main: Main, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from bench.scoring import record

    def fails(*given: object, **more: object) -> None:
        raise AssertionError(CANARY)

    monkeypatch.setattr(record.Basis, "finish", fails)
    monkeypatch.setenv("SOME_TOKEN", KEY)
    words = ("run", "task=words", "model=stub", "tracking=none", "runs_dir=runs", f"model.habit={KEY[:10]}")
    code, _, err = bench_main(*words)
    assert code == 70
    (path,) = Path("runs").glob("*/*/*/crash-*.txt")
    assert f"please report it with {path}" in err[-1].replace(str(tmp_path) + "/", "")
    text = path.read_text()
    assert "command: run task=words model=stub tracking=none runs_dir=… model.habit=…" in text
    assert "finai-bench" in text
    assert "bench/run.py line" in text
    for secret in (CANARY, KEY[:10], str(tmp_path), str(own_package)):
        assert secret not in text, secret
    code, out, _ = bench_main("status", "words/stub", "--runs", "runs")
    assert code == 0
    assert any("stopped, 12 of 12 answers" in line for line in out)
    assert any(line.endswith(str(path)) for line in out)


@pytest.mark.slow
def test_a_sweep_goes_on_behind_a_fault_of_bench_and_ends_with_its_code(
    own_package: Path, bench_main: Main, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.scoring import record

    whole, calls = record.Basis.finish, list[object]()

    def fails_once(self: Any, *given: Any, **more: Any) -> Any:
        calls.append(given)
        if len(calls) == 1:
            raise ZeroDivisionError
        return whole(self, *given, **more)

    monkeypatch.setattr(record.Basis, "finish", fails_once)
    code, out, err = bench_main("run", "-m", "task=words", "model=stub", "task.n=3,5", "tracking=none", "runs_dir=runs")
    assert (code, len(list(Path("runs").glob("*/*/*/run.json")))) == (70, 1)
    assert any(line.startswith("words / stub: ") for line in out)
    assert err[-2].startswith("bench: 1 of 2 jobs failed")
    assert "words / stub (task.n=3): a fault of bench itself" in err[-1]


@pytest.mark.slow
def test_a_model_of_ones_own_that_cannot_be_loaded_is_no_fault_of_bench(
    own_package: Path, bench_main: Main, monkeypatch: pytest.MonkeyPatch
) -> None:
    import bench_own_stubs  # type: ignore[import-not-found]

    monkeypatch.setattr(bench_own_stubs.Stub, "load", lambda self, device, *, seed: {}["weights"])
    code, _, err = bench_main("run", "task=words", "model=stub", "tracking=none", "runs_dir=runs")
    assert (code, len(err)) == (2, 1)
    assert err[0].startswith("bench: model Stub: load() raised KeyError: 'weights' (test_log.py line ")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "memory is not enough"),
        (OSError(24, "Too many open files"), "too many files are open: raise the limit (`ulimit -n 1024`)"),
        (
            OSError(28, "No space left on device", "/x/y"),
            "/x/y cannot be written (No space left on device); free space",
        ),
        (RuntimeError("can't start new thread"), "no thread can be started"),
        (PermissionError(13, "Permission denied", "/x/y"), "/x/y: Permission denied; correct the name"),
    ],
)
def test_a_limit_of_the_machine_is_one_line_and_no_fault(
    bench_main: Main, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    from bench.commands import list as listing

    def fails(options: object) -> int:
        raise ValueError("in the course of something") from error

    monkeypatch.setattr(listing, "main", fails)
    code, _, err = bench_main("list", "tasks")
    assert (code, len(err)) == (2, 1)
    assert said in err[0]


def test_less_memory_than_the_libraries_load_in_is_one_line_before_they_hang(
    bench_main: Main, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (146 << 20, 1 << 40))
    code, _, err = bench_main("run", "task=finmm_qa", "model=oracle")
    assert (code, len(err)) == (2, 1)
    assert "may have 153 MB of memory, and 320 MB is the least" in err[0]


def beaten(folder: Path, **facts: Any) -> None:
    with pytest.raises(KeyboardInterrupt), Heartbeat(folder, 3, lambda: facts):
        raise KeyboardInterrupt


def test_a_sign_of_life_says_how_far_and_behind_its_end_by_what(tmp_path: Path) -> None:
    beaten(tmp_path, done=7, n=9, rate=2.0)
    assert last_beat(tmp_path) is not None
    assert last_facts(tmp_path) == {"done": 7, "n": 9, "rate": 2.0, "ended": "interrupted"}
    assert (tmp_path / ALIVE).stat().st_size == 4096


@pytest.mark.parametrize(
    "said",
    [b'{"done": Infinity}', b'{"failed": 1e999}', b'{"n": ' + b"9" * 400 + b"}", b"[" * 200_000, b"\xff", b"[]"],
)
def test_a_damaged_sign_of_life_says_nothing_and_hinders_nobody(tmp_path: Path, bench_main: Main, said: bytes) -> None:
    folder = made(tmp_path / "runs", "a")
    (folder / ALIVE).write_bytes(b"1 000000005.0\n" + said)
    assert bench_main("status", "--runs", str(tmp_path / "runs"))[0] == 0
    assert state.state_of(folder).state == "stopped"
    assert last_beat(folder) == (1, 5.0)


@pytest.mark.parametrize("said", [b'{"pid": Infinity, "host": "", "since": "", "what": ""}', b"[" * 4096, b"\xff"])
def test_a_damaged_lock_is_held_by_another_process(tmp_path: Path, said: bytes) -> None:
    with locks.locked(tmp_path):
        (tmp_path / locks.LOCK).write_bytes(said)
        assert str(locks.holder(tmp_path)) == "another process"
        with pytest.raises(BenchError, match="in use by another process"), locks.locked(tmp_path):
            pass


def test_what_is_no_file_or_cannot_be_read_hides_no_other_run(tmp_path: Path, bench_main: Main) -> None:
    odd = made(tmp_path / "runs", "a")
    os.mkfifo(odd / locks.LOCK)
    (odd / "predictions.jsonl").mkdir()
    made(tmp_path / "runs", "b", done=1, n=2)
    code, out, _ = bench_main("status", "--runs", str(tmp_path / "runs"))
    assert code == 0
    assert [line.split("\t")[0] for line in out[2:4]] == ["t/m/a", "t/m/b"]


@pytest.mark.parametrize(
    "word",
    [
        'model.api_key="pa\'ss99wordtail"',
        "model.headers={X-Team: secret'tail}",
        "+model.headers.X-Team=tail",
        "model.api_key=47114711",
    ],
)
def test_no_secret_of_the_command_line_is_in_the_log_or_a_report(word: str) -> None:
    logs.begin("info", ["run", word, "limit=3"])
    assert logs.command().endswith("limit=3")
    for text in (logs.command(), " ".join(public_words(["run", word, "limit=3"]))):
        assert "tail" not in text
        assert "4711" not in text


@pytest.mark.parametrize(
    "text",
    [
        "ValueError: password=hunter22tail",
        "bench: api_key=abcdef99tail",
        "a: b: api_key: abcdef99tail x",
        'E: "token=ab12cdtail"',
    ],
)
def test_a_secret_behind_another_name_is_taken_out(text: str) -> None:
    assert "tail" not in secrets.clean(text)
    assert secrets.clean("ValueError: 3 of 5: the key is missing") == "ValueError: 3 of 5: the key is missing"


@pytest.mark.parametrize("level", ["debug", "info"])
def test_what_is_said_before_a_run_has_its_folder_is_in_its_log(tmp_path: Path, level: str) -> None:
    logs.begin(level)
    with logs.into(tmp_path / "r"):
        logs.say("a notice")
        (tmp_path / "r").mkdir()
        logs.log.info("begins")
    assert [line.partition("INFO    ")[2] for line in lines(tmp_path / "r")] == ["a notice", "begins"]


def test_a_later_folder_is_found_where_an_earlier_one_was_deleted(tmp_path: Path) -> None:
    for name in ("abc", "abc-3", "abc-x", "abcd", "abc-03"):
        (tmp_path / "t" / "m" / name).mkdir(parents=True)
    assert RunFolder.find(tmp_path, "t", "m", "abc").path.name == "abc-3"
    (tmp_path / "t" / "m" / "abc").rmdir()
    assert RunFolder.find(tmp_path, "t", "m", "abc").path.name == "abc-3"
    assert RunFolder.find(tmp_path, "t", "m", "abc", fresh=True).path.name == "abc-4"


@pytest.mark.parametrize("gone", ["folder", "journal"])
def test_a_run_whose_files_are_moved_away_has_no_score_and_goes_on_when_they_are_back(
    tiny_task: Make, echo_model: Make, quick_settings: Make, gone: str, tmp_path: Path
) -> None:
    class Moves(type(echo_model())):  # type: ignore[misc]
        def predict(self, batch: Sequence[Any]) -> Any:
            if len(self.calls) == 2:
                self.path = next((tmp_path / "runs").glob("*/*/*/predictions.jsonl"))
                self.path = self.path.parent if gone == "folder" else self.path
                self.path.rename(tmp_path / "away")
                if gone == "folder":
                    self.path.mkdir()
            return super().predict(batch)

    model = Moves()
    with pytest.raises(BenchError, match="was removed or moved while the run was at it"):
        evaluate(tiny_task(10), model, "echo", CPU, quick_settings())
    assert not list((tmp_path / "runs").glob("*/*/*/run.json"))
    if gone == "folder":
        shutil.rmtree(model.path)
    (tmp_path / "away").rename(model.path)
    run, _ = evaluate(tiny_task(10), echo_model(), "echo", CPU, quick_settings())
    assert (run.n_examples, run.scores[0].n_failed) == (10, 0)


def test_a_journal_that_lacks_answers_is_never_scored(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.write_predictions([Prediction("a", text="1")])
    assert [one.id for one in folder.all_predictions(1)] == ["a"]
    with pytest.raises(BenchError, match="has 1 of 2 answers"):
        list(folder.all_predictions(2))


def sent(kind: signal.Signals) -> None:
    os.kill(os.getpid(), kind)
    time.sleep(0.02)


def test_signals_that_come_at_once_are_one_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {kind: signal.getsignal(kind) for kind in signals._SIGNALS}
    monkeypatch.setattr(signals, "_ended", float("-inf"))
    try:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signals.interruptible()
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN  # as `nohup` wants it
        with pytest.raises(KeyboardInterrupt):
            sent(signal.SIGTERM)
        for kind in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):
            sent(kind)
        monkeypatch.setattr(signals, "_ended", float("-inf"))
        with pytest.raises(KeyboardInterrupt):
            sent(signal.SIGINT)
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


class Mute(Exception):
    """An error whose words cannot be said."""

    def __str__(self) -> str:
        raise ValueError


@pytest.mark.slow
@pytest.mark.parametrize("error", [SystemExit(0), Mute()], ids=["ends the program", "cannot be said"])
@pytest.mark.parametrize("where", ["examples", "request", "answer"])
def test_a_task_that_ends_the_program_or_raises_what_cannot_be_said_is_one_line(
    own_package: Path, bench_main: Main, monkeypatch: pytest.MonkeyPatch, where: str, error: BaseException
) -> None:
    import bench_own_stubs

    def fails(self: object, *given: object) -> None:
        raise error

    monkeypatch.setattr(bench_own_stubs.Words, where, fails)
    code, _, err = bench_main("run", "task=words", "model=stub", "tracking=none", "runs_dir=runs")
    assert (code, len(err)) == (2, 1)
    assert f"task 'words': {where}()" in err[0]


def made(runs: Path, name: str, **facts: Any) -> Path:
    folder = runs / "t" / "m" / name
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("{}\n")
    if facts:
        beaten(folder, **facts)
    return folder


@pytest.mark.slow
def test_status_tells_what_runs_what_stopped_and_what_is_complete(tmp_path: Path, bench_main: Main) -> None:
    runs = tmp_path / "runs"
    going, _, done = (made(runs, name, done=3, n=9, rate=0.5, doing="load", command="bench run x") for name in "abc")
    (done / "run.json").write_text("{}")
    with locks.locked(going):
        found = {one.folder.name: one for one in state.states(runs)}
        code, out, _ = bench_main("status", "--runs", str(runs))
    assert code == 0
    assert {name: one.state for name, one in found.items()} == {"a": "running", "b": "stopped", "c": "complete"}
    assert (found["a"].left, found["b"].left) == (12.0, None)
    assert found["a"].owner is not None
    assert found["a"].owner.pid == os.getpid()
    assert [line.split("\t")[:3] for line in out[2:4]] == [
        ["t/m/a", "running", "3 of 9"],
        ["t/m/b", "stopped", "3 of 9"],
    ]
    assert out[-1].startswith("2 runs are under way or stopped, 1 are complete")
    code, out, _ = bench_main("status", "b", "--runs", str(runs))
    assert "  lock: free" in out
    assert "  ended by: interrupted" in out
    assert "  the same command goes on from there: bench run x" in out
    code, out, _ = bench_main("status", "t/m", "--runs", str(runs), "--json")
    (one,) = json.loads(out[-1])["runs"]
    assert one["run"] == "t/m/c"


def test_a_process_that_gives_no_sign_of_life_is_said_to_give_none(tmp_path: Path) -> None:
    folder = made(tmp_path, "a", done=1, n=2)
    old = time.time() - 60
    os.utime(folder / ALIVE, (old, old))
    with locks.locked(folder):
        assert state.state_of(folder).state == "no sign of life"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing"], "nothing is no run"),
        (["a/b/c/d"], "a/b/c/d is no run"),
        (["/no/such"], "/no/such is no run"),
        (["x" * 300], "File name too long"),
        (["--runs", "elsewhere"], "elsewhere does not exist"),
        (["a"], "the beginning of 2 runs"),
    ],
)
def test_a_run_that_is_not_there_is_one_line(tmp_path: Path, bench_main: Main, words: Sequence[str], said: str) -> None:
    for name in ("a1", "a2"):
        made(tmp_path / "runs", name)
    code, _, err = bench_main("status", *words)
    assert (code, len(err)) == (2, 1)
    assert said in err[0]


_CHILD = """
import os, sys, time
from pathlib import Path
from bench.runs import locks
with locks.locked(Path(sys.argv[1])):
    if len(sys.argv) > 2 and os.fork() == 0:
        os.close(1)
        time.sleep(20)
        os._exit(0)
    print("held", flush=True)
    time.sleep(20)
"""


@pytest.mark.slow
@pytest.mark.parametrize("forks", [[], ["forks"]], ids=["alone", "with a child that lives on"])
def test_a_lock_names_its_owner_and_a_dead_one_holds_it_not(tmp_path: Path, forks: list[str]) -> None:
    process = subprocess.Popen([sys.executable, "-c", _CHILD, str(tmp_path), *forks], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    with pytest.raises(BenchError, match=f"in use by process {process.pid}, since 20"), RunFolder(tmp_path).locked():
        pass
    process.kill()
    process.wait()
    process.stdout.close()
    with RunFolder(tmp_path).locked():
        assert locks.holder(tmp_path) is not None
    assert locks.holder(tmp_path) is None


def test_a_file_system_without_locks_is_said_to_be_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(file: int, how: int) -> None:
        raise OSError(38, "Function not implemented")

    def read_only(lock: Path) -> bool:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(fcntl, "flock", none)
    with RunFolder(tmp_path).locked():
        assert (tmp_path / ".lock.lease1").exists()  # which does as well
    monkeypatch.setattr(leases, "taken", read_only)
    with pytest.raises(BenchError, match=r"takes no locks \(Function not implemented\)"), RunFolder(tmp_path).locked():
        pass


def test_what_a_killed_process_left_half_written_is_cleared_away(tmp_path: Path) -> None:
    for name in (".run.json.123", ".mlflow.json.5", ".lock", "run.json", ".run.json.txt"):
        (tmp_path / name).write_text("x")
    clear_drafts(tmp_path, ["run.json"])
    draft_of(tmp_path / "run.json").write_text("x")
    (tmp_path / ".run.json.99999999").write_text("x")
    clear_drafts(tmp_path, ["run.json"], but_of_living=True)
    assert {path.name for path in tmp_path.glob(".run.json.*")} == {
        draft_of(tmp_path / "run.json").name,
        ".run.json.txt",
    }
    write_atomically(tmp_path / "run.json", "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", ".mlflow.json.5", ".run.json.txt", "run.json"]
