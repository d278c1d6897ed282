"""The site's folder: written beside its place and swapped in whole, and never in place of something else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bench import machine
from bench.errors import BenchError

MARKER = ".finai-bench-site"  # in every site, so that only a site is ever replaced by one


class SiteFolder:
    """Where files of a site are written; counts them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.n_files = self.n_bytes = 0

    def write(self, name: str, content: str | bytes) -> None:
        """Write one file below the folder; half a surrogate pair, which UTF-8 cannot hold, becomes "?"."""
        data = content.encode("utf-8", "replace") if isinstance(content, str) else content
        place = self.path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        self.n_files += 1
        self.n_bytes += len(data)

    def has(self, name: str) -> bool:
        """Whether the file was written already."""
        return (self.path / name).exists()


@contextmanager
def replacing(target: Path) -> Iterator[SiteFolder]:
    """A new folder that takes the place of `target` when the block ends; an error leaves `target` as it was.

    Raises BenchError where `target` holds something else than an earlier site or nothing, and where it cannot be written.
    """
    target = Path(os.path.abspath(target))  # noqa: PTH100 (a link is kept as a name, not followed)
    _refuse_others(target)
    new, old = (target.with_name(f"{target.name}.{word}-{os.getpid()}-{machine.token()}") for word in ("new", "old"))
    try:
        new.mkdir(parents=True)
        (new / MARKER).write_text("made by `bench board --html`, which replaces this folder as a whole\n")
        yield SiteFolder(new)
        if target.exists():
            target.rename(old)
        try:
            new.rename(target)
        except OSError:
            if old.exists():
                old.rename(target)
            raise
    except OSError as error:
        raise BenchError(
            f"the site cannot be written to {target} ({error.strerror}); free space or choose another folder"
        ) from None
    finally:
        for leftover in (new, old):
            with suppress(FileNotFoundError):
                shutil.rmtree(leftover)


def _refuse_others(target: Path) -> None:
    if target.is_symlink():
        raise BenchError(f"--html {target} is a link; name the folder itself")
    if target.exists() and not target.is_dir():
        raise BenchError(f"--html {target} is a file; name a folder")
    if target.is_dir() and any(target.iterdir()) and not (target / MARKER).is_file():
        raise BenchError(
            f"--html {target} holds files that are no site of `bench board --html`; choose a new or an empty folder"
        )
