"""Writing files so that a crash leaves all of one or nothing."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


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
    except BaseException:  # a full disk: what it took is given back
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise


def _draft(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}")


def clear_drafts(folder: Path, names: Iterable[str]) -> None:
    """Remove what killed processes left of these files half written; nobody else may be writing them, as under a lock."""
    for name in names:
        for path in folder.glob(f".{glob.escape(name)}.*"):
            if path.suffix[1:].isdigit():
                with suppress(OSError):
                    path.unlink(missing_ok=True)
