"""Leases: locks for folders that several machines see (NFS, Lustre, FUSE), where those of the system may hold within one alone.

A lease of the lock P is the file P.lease<N> with the highest N. Who wants it makes N + 1, and one alone can: a file is made
exclusively also by NFS, from its version 3 on. It may, when the owner of N gave it back, or is dead: of this machine the system
knows; of another its file was seen without a change for `SILENT_SECONDS`, while an owner writes into it every `BEAT_SECONDS`. The
clocks of two machines are never compared. An owner that was suspended, or cut off, for so long finds N + 1 before it writes on
(`is_lost`); one that was suspended within a write does not, so that who comes behind a silence puts copies in the place of the
files that are appended to (`is_after_silence`).
"""

from __future__ import annotations

import errno
import json
import os
import platform
import re
import secrets
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import machine

_MARK = ".lease"  # stands between the name of a lock and the number of its lease
BEAT_SECONDS = 5.0
_LAST = 10**15 - 1  # of the numbers; a higher one is none
SILENT_SECONDS = 60.0  # as long as NFS keeps what it knows of a file by default (acregmax), and no shorter
_BYTES = 512  # of the file, always: what is written over it in place needs no room on a full disk


@dataclass
class Lease:
    """One of ours: which lock, its number, by which word it is known, and when it was written last."""

    lock: Path
    number: int
    word: str
    lost: bool = False
    over: bool = False
    after_silence: bool = False  # whoever had it before, on another machine, was taken for dead and may not be
    beats: int = 0
    at: float = field(default_factory=lambda: _now())

    @property
    def path(self) -> Path:
        """Its file."""
        return _path(self.lock, self.number)

    def write(self, *, over: bool = False) -> None:
        """Say that its owner lives, or that it is `over`; unless another has it by now. Raises OSError."""
        with _guard:
            if not self.over and not self.lost:
                self.over = over
                self._write()

    def _write(self) -> None:
        if _highest(self.lock) != self.number or _read(self.path).get("word") != self.word:
            self.lost = True
            return
        self.beats += 1
        file = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC)  # anew each time: closing hands it to the server
        try:
            os.pwrite(file, self.text(), 0)
            os.fsync(file)
        finally:
            os.close(file)
        self.at = _now()

    def text(self) -> bytes:
        """What its file says."""
        said = {
            "word": self.word, "beat": self.beats, "over": self.over, "pid": os.getpid(), "began": machine.began(os.getpid()),
            "processes": machine.processes(), "host": platform.node()[:80],
        }  # fmt: skip
        return json.dumps(said).encode().ljust(_BYTES - 1) + b"\n"


@dataclass
class _Seen:
    """Another's lease as it was seen last: its number and text, since when it has not changed, and whether it ever did."""

    number: int
    text: bytes
    since: float
    changed: bool = False


_ours: dict[Path, Lease] = {}
_seen: dict[Path, _Seen] = {}
_guard = threading.Lock()  # what is written by the thread that says we live, and by who gives a lease back
_beating: threading.Thread | None = None


def taken(lock: Path) -> bool:
    """Take the lease of a lock, if nobody has it or its owner is dead; raises OSError where its file cannot be made."""
    number = _highest(lock)
    if number and not _is_free(lock, number):
        return False
    _seen.pop(lock, None)
    before = _read(_path(lock, number)) if number else {"over": True}
    if number >= _LAST:
        raise OSError(
            errno.EOVERFLOW, f"{_path(lock, number).name} is the last that there can be, and should be removed"
        )
    lease = Lease(lock, number + 1, secrets.token_hex(8), after_silence=not before.get("over") and not _is_dead(before))
    try:
        file = os.open(lease.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    except FileExistsError:
        return False
    try:
        os.write(file, lease.text())
        os.fsync(file)
    finally:
        os.close(file)
    if _highest(lock) != lease.number:  # what was seen was old: a later one is there
        with suppress(OSError):
            lease.path.unlink()
        return False
    for older in _numbers(lock):
        if older < lease.number:
            with suppress(OSError):  # of another user, perhaps
                _path(lock, older).unlink()
    _ours[lock] = lease
    _beat()
    return True


def is_undecided(lock: Path) -> bool:
    """Whether it is not known yet if the owner of this lease, on another machine, is alive: whoever waits learns it."""
    seen = _seen.get(lock)
    return seen is not None and (not seen.changed or _now() - seen.since > 2 * BEAT_SECONDS)


def look_anew(lock: Path) -> None:
    """Forget what was seen of a lease: somebody who waits for it begins."""
    _seen.pop(lock, None)


def give_back(lock: Path) -> None:
    """Let go of a lease of ours; nothing where there is none."""
    if (lease := _ours.pop(lock, None)) is not None:
        with suppress(OSError):  # then others see that this process is gone
            lease.write(over=True)


def is_lost(lock: Path, *, now: bool = False) -> bool:
    """Whether a lease of ours was taken over by another machine, since it took this one for dead; False where there is none.

    With `now` it is looked at even where that was done a moment ago.
    """
    lease = _ours.get(lock)
    if lease is None:
        return False
    if now or _now() - lease.at > 2 * BEAT_SECONDS:  # suspended, or the server was away
        with suppress(OSError):
            lease.write()
    return lease.lost


def is_taken(lock: Path) -> bool:
    """Whether another has the lease that was ours; else somebody removed or changed its file, or the folder is gone."""
    number = _highest(lock)
    word = _read(_path(lock, number)).get("word") if number else None
    return isinstance(word, str) and (lock not in _ours or word != _ours[lock].word)


def is_after_silence(lock: Path) -> bool:
    """Whether a lease of ours was that of another machine which gave no sign of life, and may wake while it writes."""
    lease = _ours.get(lock)
    return lease is not None and lease.after_silence


def is_held(lock: Path) -> bool:
    """Whether somebody has the lease, for who looks once: on another machine, if its file was written lately by our clock."""
    number = _highest(lock)
    if not number:
        return False
    said = _read(_path(lock, number))
    if said.get("over") or _is_dead(said):
        return False
    if said.get("processes") == machine.processes():
        return True
    try:
        return time.time() - _path(lock, number).stat().st_mtime < SILENT_SECONDS
    except OSError:
        return False


def forget() -> None:
    """Of a child: its parent's leases are none of its own."""
    global _beating, _guard
    _ours.clear()
    _seen.clear()
    _beating, _guard = None, threading.Lock()


def _is_free(lock: Path, number: int) -> bool:
    """Whether nobody has this lease any more: it was given back, its owner is dead, or it was silent for long enough."""
    text = _bytes(_path(lock, number))
    said = _parsed(text)
    if said.get("over") or _is_dead(said):
        return True
    seen, now = _seen.get(lock), _now()
    if said.get("processes") == machine.processes():
        _seen[lock] = _Seen(number, text, now, changed=True)  # a living process of this machine
        return False
    if seen is None or seen.number != number:
        _seen[lock] = _Seen(number, text, now)
        return False
    if seen.text != text:
        _seen[lock] = _Seen(number, text, now, changed=True)
        return False
    return now - seen.since >= SILENT_SECONDS


def _is_dead(said: dict[str, Any]) -> bool:
    """Whether the owner was a process of this machine that is gone."""
    pid = said.get("pid")
    if said.get("processes") != machine.processes() or not isinstance(pid, int) or isinstance(pid, bool):
        return False
    return not machine.lives(pid) or machine.began(pid) != said.get("began")


def _beat() -> None:
    """Have a thread say that we live, as long as there is a lease."""
    global _beating
    if _beating is None or not _beating.is_alive():
        _beating = threading.Thread(target=_beats, name="leases", daemon=True)
        _beating.start()


def _beats() -> None:
    while True:
        time.sleep(BEAT_SECONDS)
        for lease in list(_ours.values()):
            with suppress(OSError):  # the server is away: what is lost is looked at before anything is written
                lease.write()


def _highest(lock: Path) -> int:
    return max(_numbers(lock), default=0)


def _numbers(lock: Path) -> list[int]:
    begins = f"{lock.name}{_MARK}"
    with suppress(FileNotFoundError), os.scandir(lock.parent) as entries:
        behind = [entry.name[len(begins) :] for entry in entries if entry.name.startswith(begins)]
        return [int(number) for number in behind if re.fullmatch(r"[1-9][0-9]{0,14}", number)]
    return []


def leased(folder: Path) -> set[str]:
    """The names of the locks in a folder that have, or had, a lease."""
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        return {name for name, mark, _ in (entry.name.rpartition(_MARK) for entry in entries) if mark}
    return set()


def _path(lock: Path, number: int) -> Path:
    return lock.with_name(f"{lock.name}{_MARK}{number}")


def _read(path: Path) -> dict[str, Any]:
    return _parsed(_bytes(path))


def _bytes(path: Path) -> bytes:
    """What stands in the file, opened anew, since NFS asks its server only then; b"" where it cannot be read."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return b""
    try:
        return os.read(file, _BYTES)
    except OSError:
        return b""
    finally:
        os.close(file)


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _now() -> float:
    """Seconds of a clock that also goes on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
