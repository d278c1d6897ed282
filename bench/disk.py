"""Writing files so that a crash leaves all of one or nothing."""

from __future__ import annotations

import errno
import glob
import json
import os
import re
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench import machine

_DRAFT = re.compile(r"\.([0-9]{1,10})(?:-([0-9a-f]{8}))?")  # behind the name: the process and its machine
_PIECE = 2**20  # bytes that are copied at once
_FORSAKEN_SECONDS = 3600.0  # from which on a draft of another machine is nobody's


def remedy(error: OSError) -> str:
    """What helps where a file cannot be written: "free space", or to see that it can be at all."""
    return "free space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "see that it can be written to"


def write_atomically(path: Path, content: str | bytes | Iterable[bytes], *, as_before: bool = False) -> None:
    """Write a file (of text: in UTF-8; in pieces, if need be) so that readers see all of it or nothing, also after a crash.

    With `as_before` a file that is there keeps its mode and group, and its owner where the system lets us; else OSError.
    """
    draft = draft_of(path)
    try:
        with draft.open("wb") as file:
            if as_before and path.exists():
                _made_like(file.fileno(), path.stat())
            whole = content.encode("utf-8") if isinstance(content, str) else content
            file.writelines([whole] if isinstance(whole, bytes) else whole)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except BaseException as error:  # a full disk: what it took is given back
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)
        raise


def plain_text(path: Path) -> str:
    """The text of a file in UTF-8; raises OSError as `Path.read_text`, and for a named pipe or device, which would never end."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "it is no plain file", str(path))
    return path.read_text(encoding="utf-8")


def put_anew(path: Path) -> None:
    """Put a copy in the place of a file, if it is there: whoever has the old one open writes into it no more. Raises OSError."""

    def pieces() -> Iterator[bytes]:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece

    if path.exists():
        write_atomically(path, pieces(), as_before=True)


def _made_like(file: int, before: os.stat_result) -> None:
    """Give an open file the owner, group and mode of another."""
    if hasattr(os, "fchown") and (before.st_uid, before.st_gid) != ((now := os.fstat(file)).st_uid, now.st_gid):
        try:
            os.fchown(file, before.st_uid, before.st_gid)
        except PermissionError:  # whose it is only root may say
            os.fchown(file, -1, before.st_gid)
    os.fchmod(file, stat.S_IMODE(before.st_mode))


def json_lettered(value: Any, indent: int | None = None) -> str:
    """JSON with letters as they are, escaped only where UTF-8 cannot hold them (half a surrogate pair); NaN is refused."""
    text = json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False)
    halves = not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text)
    return json.dumps(value, indent=indent, allow_nan=False) if halves else text


def draft_of(path: Path) -> Path:
    """Where this process, and no other on any machine, makes what becomes the file."""
    return path.with_name(f".{path.name}.{os.getpid()}-{machine.token()}")


def clear_drafts(folder: Path, names: Iterable[str], *, but_of_living: bool = False) -> None:
    """Remove what killed processes left of these files half written.

    Nobody else may be writing them, as under a lock; else those of processes that are there are left.
    """
    for name in names:
        for path in folder.glob(f".{glob.escape(name)}.*"):
            found = _DRAFT.fullmatch(path.suffix)
            if found is not None and not (but_of_living and _may_live(path, int(found[1]), found[2])):
                with suppress(OSError):
                    path.unlink(missing_ok=True)


def _may_live(draft: Path, pid: int, where: str | None) -> bool:
    """Whether who makes a draft may be there; of another machine that is not known, so that what it left is kept for an hour."""
    if where in (None, machine.token()):
        return machine.lives(pid)
    try:
        return time.time() - draft.stat().st_mtime < _FORSAKEN_SECONDS
    except OSError:
        return True
