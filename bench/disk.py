"""Writing files so that a crash leaves all of one or nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def write_atomically(path: Path, content: str | bytes | Iterable[bytes]) -> None:
    """Write a file (of text: in UTF-8; in pieces, if need be) so that readers see all of it or nothing, also after a crash."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
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
