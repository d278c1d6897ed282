"""Kills the process it is loaded into at one chosen moment; Python loads it by its name where this folder is on the path.

`HARD_FAULT` says the moment, `HARD_BELOW` the folder that is watched. "file:K": before the K-th time that a file or folder below
it is opened, made, renamed, cut or removed. "torn:K": in the middle of the K-th group of lines that a journal or ledger takes.
"count": never; at its end the process writes into `HARD_COUNT` how many of both there were.
"""

import atexit
import os
import random
import signal
import sys
from pathlib import Path
from typing import Any

_FILES = {
    "open",
    "os.mkdir",
    "os.rename",
    "os.remove",
    "os.truncate",
    "os.link",
    "os.rmdir",
    "shutil.copyfile",
    "sqlite3.connect",
}
_seen = {"file": 0, "torn": 0}


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _watch_files(below: str, at: int) -> None:
    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event not in _FILES or not isinstance(args[0], str | bytes | os.PathLike):
            return
        if below in os.fsdecode(args[0]):
            _seen["file"] += 1
            if _seen["file"] == at:
                _die()

    sys.addaudithook(hook)


def _watch_lines(at: int) -> None:
    from bench.runs import appended

    whole = appended.Appended.write

    def write(self: Any, texts: Any) -> None:
        _seen["torn"] += 1
        if _seen["torn"] == at:
            data = "".join(text + "\n" for text in texts).encode()
            with self.path.open("ab", buffering=0) as file:
                file.write(data[: random.randrange(len(data) + 1)])
            _die()
        whole(self, texts)

    appended.Appended.write = write  # type: ignore[method-assign]


_kind, _, _at = os.environ.get("HARD_FAULT", "").partition(":")
if _kind:
    _watch_files(os.environ["HARD_BELOW"], int(_at) if _kind == "file" else 0)
if _kind in ("torn", "count"):
    _watch_lines(int(_at) if _kind == "torn" else 0)
if _kind == "count":
    atexit.register(lambda: Path(os.environ["HARD_COUNT"]).write_text(f"{_seen['file']} {_seen['torn']}"))
