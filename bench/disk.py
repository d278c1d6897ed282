"""Writing files so that a crash leaves all of one or nothing."""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any


def write_atomically(path: Path, content: str | bytes | Iterable[bytes]) -> None:
    """Write a file (of text: in UTF-8; in pieces, if need be) so that readers see all of it or nothing, also after a crash."""
    draft = _draft(path)
    try:
        with draft.open("wb") as file:
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


def json_lettered(value: Any, indent: int | None = None) -> str:
    """JSON with letters as they are, escaped only where UTF-8 cannot hold them (half a surrogate pair); NaN is refused."""
    text = json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False)
    halves = not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text)
    return json.dumps(value, indent=indent, allow_nan=False) if halves else text


def _draft(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}")


def clear_drafts(folder: Path, names: Iterable[str], *, but_of_living: bool = False) -> None:
    """Remove what killed processes left of these files half written.

    Nobody else may be writing them, as under a lock; else those of processes that are there are left.
    """
    for name in names:
        for path in folder.glob(f".{glob.escape(name)}.*"):
            pid = path.suffix[1:]
            if pid.isdigit() and not (but_of_living and lives(int(pid))):
                with suppress(OSError):
                    path.unlink(missing_ok=True)


def lives(pid: int) -> bool:
    """Whether a process of this number runs here; one that is dead and was not asked for yet does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):  # it is somebody else's
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (OSError, IndexError):
        return True
