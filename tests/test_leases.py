"""Locks hold between machines that see the same folder, also where the system's own hold within one machine alone."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import leases, locks, machine
from bench.disk import clear_drafts, draft_of, put_anew, write_atomically
from bench.errors import BenchError
from bench.leaderboard.index_file import file_in
from bench.runs import locks as run_locks
from bench.runs.attempt import Attempt
from bench.runs.folder import RunFolder
from bench.runs.journal import JOURNAL, LEDGER
from bench.tracking import store
from bench.training.ledger import Ledger as TrainingLedger
from bench.types import Prediction

ELSEWHERE = "another system pid:[1]"


@pytest.fixture(autouse=True)
def _shared(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every folder is one that other machines see, and nobody waits for a minute."""
    monkeypatch.setattr(machine, "shared_kind", lambda path: "nfs4")
    monkeypatch.setattr(leases, "BEAT_SECONDS", 0.02)
    monkeypatch.setattr(leases, "SILENT_SECONDS", 0.3)
    yield
    leases.forget()


def of_another(lock: Path, number: int, beat: int = 1, **said: object) -> Path:
    """A lease of a process on another machine."""
    path = lock.with_name(f"{lock.name}.lease{number}")
    text = {
        "word": f"w{number}",
        "beat": beat,
        "over": False,
        "pid": 7,
        "began": "1",
        "processes": ELSEWHERE,
        "host": "far",
    }
    path.write_bytes(json.dumps(text | said).encode().ljust(511) + b"\n")
    return path


def take(lock: Path) -> bool:
    file = locks.opened(lock)
    if locks.taken(file):
        return True
    locks.let_go(file)
    return False


def test_a_lock_that_was_given_back_is_anyones_and_leaves_one_file(tmp_path: Path) -> None:
    for _ in range(3):
        with run_locks.locked(tmp_path):
            pass
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", ".lock.lease3"]
    assert json.loads((tmp_path / ".lock.lease3").read_bytes())["over"] is True


def test_a_machine_that_lives_is_not_robbed_and_is_named(tmp_path: Path) -> None:
    lock, over = tmp_path / ".lock", threading.Event()
    lock.write_text(json.dumps({"pid": 7, "host": "far", "since": "2026-01-01", "what": "", "draft": ""}))

    def beats() -> None:
        beat = 1
        while not over.wait(0.05):
            of_another(lock, 4, beat := beat + 1)

    of_another(lock, 4)
    other = threading.Thread(target=beats)
    other.start()
    try:
        with (
            pytest.raises(BenchError, match="in use by process 7 on far, since 2026-01-01"),
            run_locks.locked(tmp_path),
        ):
            pass
        assert str(run_locks.holder(tmp_path)) == "process 7 on far, since 2026-01-01"
    finally:
        over.set()
        other.join()


@pytest.mark.parametrize("said", [b"", b"{", b"[]", b"\xff\xfe", b'{"pid": true}', b'{"over": 0, "pid": "7"}'])
def test_a_machine_that_went_away_holds_a_lock_for_as_long_as_silence_lasts(
    tmp_path: Path, said: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    path = of_another(tmp_path / ".lock", 4)
    if said:
        path.write_bytes(said)
    began = time.monotonic()
    with run_locks.locked(tmp_path):
        assert time.monotonic() - began > leases.SILENT_SECONDS
        assert sorted(one.name for one in tmp_path.glob("*.lease*")) == [".lock.lease5"]


def test_a_dead_process_of_this_machine_holds_nothing_and_a_living_one_does_though_the_system_has_no_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", none)
    lock = tmp_path / ".lock"
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    of_another(lock, 1, processes=machine.processes(), pid=gone.pid)
    with run_locks.locked(tmp_path):
        assert not take(lock)
        with pytest.raises(BenchError, match=f"in use by process {os.getpid()}"), run_locks.locked(tmp_path):
            pass
        assert run_locks.holder(tmp_path) is not None
    assert run_locks.holder(tmp_path) is None
    of_another(lock, 9, processes=machine.processes(), pid=os.getpid(), began="0")  # its number is another's by now
    assert take(lock)


@pytest.mark.slow
def test_of_many_that_find_a_dead_owner_one_gets_the_lock(tmp_path: Path) -> None:
    code = (
        "import sys, time, pathlib; from bench import leases, machine\n"
        "lock = pathlib.Path(sys.argv[1]); name = sys.argv[2]; machine.processes = lambda: name\n"
        "leases.BEAT_SECONDS, leases.SILENT_SECONDS = 0.05, 0.5\n"
        "until = time.monotonic() + 4\n"
        "while time.monotonic() < until and not leases.taken(lock): time.sleep(0.001)\n"
        "print(lock in leases._ours, flush=True); sys.stdin.read()\n"
    )
    of_another(tmp_path / "x", 1)
    words = [sys.executable, "-c", code, str(tmp_path / "x")]
    found = [
        subprocess.Popen([*words, f"machine {number}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for number in range(6)
    ]
    said = [one.stdout.readline().strip() for one in found if one.stdout]
    for one in found:
        one.communicate("")
    assert sorted(said) == ["False"] * 5 + ["True"]


def test_a_training_that_was_taken_for_dead_writes_no_more(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "task" / "model" / "training-1")
    with folder.locked():
        (folder.path / "seed-0").mkdir()
        ledger = TrainingLedger(folder.path / "seed-0", 1)
        ledger.write("train", 1.0, start=0, step=1)
        of_another(folder.path / ".lock", 2)
        time.sleep(0.1)
        with pytest.raises(BenchError, match="was taken over by"):
            ledger.write("train", 1.0, start=1, step=2)
    assert (folder.path / "seed-0" / "ledger.jsonl").read_bytes().count(b"\n") == 1


def test_who_was_taken_for_dead_writes_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = RunFolder(tmp_path / "task" / "model" / "run")
    with folder.locked(), Attempt(folder) as attempt:
        attempt.keep([Prediction("a", text="b")])
        kept = (folder.path / "predictions.jsonl").read_bytes()
        of_another(folder.path / ".lock", 2)
        (folder.path / ".lock").write_text(json.dumps({"pid": 7, "host": "far", "since": "", "what": "", "draft": ""}))
        time.sleep(0.1)
        for write in (lambda: attempt.keep([Prediction("c", text="d")]), lambda: attempt.watch.begin("2026-01-01")):
            with pytest.raises(
                BenchError, match="was taken over by process 7 on far, to which this process gave no sign"
            ):
                write()
    assert (folder.path / "predictions.jsonl").read_bytes() == kept
    assert (folder.path / ".lock.lease2").read_bytes().startswith(b'{"word": "w2"')  # which is not given back for it


def test_who_wakes_within_a_write_writes_into_no_file_of_who_took_over(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "task" / "model" / "run")
    (folder.path / "seed-0").mkdir(parents=True)
    files = [folder.path / name for name in (JOURNAL, LEDGER, "seed-0/ledger.jsonl")]
    for file in files:
        file.write_bytes(b"kept\n")
        file.chmod(0o640)
    suspended = [file.open("ab", buffering=0) for file in files]
    of_another(folder.path / ".lock", 1)
    with folder.locked():
        for late in suspended:
            late.write(b"late\n")
            late.close()
        assert [(file.read_bytes(), file.stat().st_mode & 0o777) for file in files] == [(b"kept\n", 0o640)] * 3
    before = [file.stat().st_ino for file in files]
    with folder.locked():  # whose last owner gave it back
        assert [file.stat().st_ino for file in files] == before


def test_who_wakes_within_a_write_is_told_that_the_run_was_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "is_lost", lambda lock, *, now=False: now)  # it was looked at a moment ago
    folder = RunFolder(tmp_path / "task" / "model" / "run")
    with folder.locked(), Attempt(folder) as attempt:
        attempt.keep([Prediction("a", text="b")])
        of_another(folder.path / ".lock", 2)
        put_anew(folder.path / JOURNAL)
        with pytest.raises(BenchError, match="was taken over by"):
            attempt.keep([Prediction("c", text="d")])


def test_who_was_suspended_looks_before_it_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "_beat", lambda: None)  # the thread has not come to it yet
    lock = tmp_path / ".lock"
    assert take(lock)
    assert not locks.is_lost(lock)
    of_another(lock, 2)
    assert not locks.is_lost(lock)  # it was seen a moment ago
    time.sleep(0.1)
    assert locks.is_lost(lock)


@pytest.mark.parametrize("how", ["removed", "emptied", "link", "folder"])
def test_who_lost_its_lease_to_nobody_is_not_told_that_another_has_the_run(tmp_path: Path, how: str) -> None:
    (folder := tmp_path / "run").mkdir()
    with run_locks.locked(folder):
        if how == "folder":
            folder.rename(tmp_path / "moved")
        elif how == "removed":
            (folder / ".lock.lease1").unlink()
        elif how == "emptied":
            (folder / ".lock.lease1").write_bytes(b"")
        else:
            (folder / ".lock.lease7").symlink_to("/dev/null")
        time.sleep(0.1)
        with pytest.raises(
            BenchError, match="is gone; put it back" if how == "folder" else "was removed or changed by somebody"
        ):
            run_locks.refuse_lost(folder)


def test_a_lease_whose_number_has_no_next_is_none_or_is_named(tmp_path: Path) -> None:
    (tmp_path / ".lock.lease9999999999999999").touch()
    assert take(tmp_path / ".lock")
    assert (tmp_path / ".lock.lease1").exists()
    (tmp_path / ".other.lease999999999999999").write_text('{"over": true}')
    with pytest.raises(locks.NoLocksError, match=r"\.other\.lease999999999999999 is the last that there can be"):
        take(tmp_path / ".other")


def test_a_second_try_of_the_same_process_takes_nothing_from_the_first(tmp_path: Path) -> None:
    lock = tmp_path / ".lock"
    assert take(lock)
    assert not take(lock)
    time.sleep(0.1)
    assert not locks.is_lost(lock)
    assert json.loads((tmp_path / ".lock.lease1").read_bytes())["over"] is False


def test_a_folder_where_no_lease_can_be_made_is_said_to_take_no_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(leases, "taken", none)
    with pytest.raises(BenchError, match="takes no locks"), run_locks.locked(tmp_path):
        pass


def test_the_type_of_a_file_system_is_that_of_its_last_and_longest_mount(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    table = tmp_path / "mountinfo"
    table.write_text(
        "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 22 0:40 / /home rw shared:1 - nfs4 server:/home rw\n"
        "31 30 8:2 / /home/a\\040b rw - xfs /dev/sdb rw\n32 22 8:3 / /data rw - ext4 /dev/sdc rw\n"
        "33 22 0:41 / /data rw - fuse.sshfs far: rw\nnonsense\n34 22 0:42 / /new rw - whatfs x rw\n"
    )
    monkeypatch.setattr(machine, "_MOUNTS", table)
    found = [
        machine.shared_kind(Path(path)) for path in ("/home/c", "/home/a b/c", "/data/x", "/homeless", "/new", "/")
    ]
    assert found == ["nfs4", "", "fuse.sshfs", "", "whatfs", ""]
    monkeypatch.setattr(machine, "_MOUNTS", tmp_path / "none")
    assert machine.shared_kind(Path("/home/c")) == ""


def test_a_draft_of_another_machine_with_our_number_is_another_and_is_left(tmp_path: Path) -> None:
    ours, far = draft_of(tmp_path / "mark.json"), tmp_path / f".mark.json.{os.getpid()}-00000000"
    old, plain = tmp_path / ".mark.json.99999999-00000000", tmp_path / ".mark.json.99999998"
    assert ours.name == f".mark.json.{os.getpid()}-{machine.token()}"
    for path in (ours, far, old, plain):
        path.write_text("half")
    os.utime(old, (1, 1))
    clear_drafts(tmp_path, ["mark.json"], but_of_living=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([ours.name, far.name])
    write_atomically(tmp_path / "mark.json", "whole")
    clear_drafts(tmp_path, ["mark.json"])
    assert [path.name for path in tmp_path.iterdir()] == ["mark.json"]


def test_an_index_on_a_shared_folder_lies_on_this_machine_in_a_folder_that_nobody_else_can_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, temporary = tmp_path / "runs", tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(machine, "shared_kind", lambda path: "nfs4" if path == runs else "")
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(temporary))
    assert file_in(tmp_path) == tmp_path / ".index.db"
    place = file_in(runs)
    assert place is not None
    assert place.parent.parent == temporary
    assert place == file_in(runs) != file_in(tmp_path / "runs" / "..")
    place.parent.chmod(0o777)
    assert file_in(runs) is None  # in memory
    place.parent.rmdir()
    place.parent.symlink_to(tmp_path)
    assert file_in(runs) is None


def test_a_default_store_on_a_shared_folder_is_warned_of_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store._warn_shared.cache_clear()
    for _ in range(2):
        store._warn_shared(store.default_uri(tmp_path))
    store._warn_shared("http://127.0.0.1:5000")
    assert capsys.readouterr().err.count("is a SQLite file on nfs4, which several machines at once may damage") == 1


def test_who_holds_a_lock_of_a_folder_is_told_without_looking_through_it_for_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(300):
        (tmp_path / f"lock{number}").touch()
    looked: list[Path] = []
    look = leases.os.scandir
    monkeypatch.setattr(leases.os, "scandir", lambda place: (looked.append(Path(place)), look(place))[1])
    assert list(locks.holders(tmp_path)) == []
    assert len(looked) <= 3
    with run_locks.locked(tmp_path):
        assert [one.pid for one in locks.holders(tmp_path)] == [os.getpid()]
    (tmp_path / "lock7.lease3").write_text(json.dumps({"over": True}))
    assert leases.leased(tmp_path) >= {"lock7"}
    assert list(locks.holders(tmp_path)) == []
    assert leases.leased(tmp_path / "gone") == set()
