"""Writing several files so that all of them are there afterwards, or none."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.errors import BenchError


class Draft:
    """Files that are made in a folder of their own, and then put below `root`; `names` are theirs in order."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root, self.folder = root, folder
        self.names: list[str] = []
        self.gone: list[str] = []  # files of an earlier time below `root`, which are taken away when these are placed

    def path(self, name: str) -> Path:
        """Where the file called `name` is made."""
        self.names.append(name)
        place = self.folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def write(self, name: str, text: str) -> None:
        """Make a file of this text."""
        self.path(name).write_text(text, encoding="utf-8", newline="\n")

    def place(self) -> None:
        """Put the files below `root`; where one cannot be put, none is, and those that were there are as they were."""
        kept, made, done = self.folder / ".kept", [], []
        old = [name for name in self.gone if name not in self.names and os.path.lexists(self.root / name)]
        try:
            for name in old:
                (kept / name).parent.mkdir(parents=True, exist_ok=True)
                os.replace(self.root / name, kept / name)
            for name in self.names:
                target = self.root / name
                made += _folders(target.parent)
                if os.path.lexists(target):
                    (kept / name).parent.mkdir(parents=True, exist_ok=True)
                    os.replace(target, kept / name)
                done.append(name)
                os.replace(self.folder / name, target)
        except BaseException:
            for name in (*reversed(done), *old):
                with suppress(OSError):
                    if name in done:
                        (self.root / name).unlink(missing_ok=True)
                if os.path.lexists(kept / name):
                    os.replace(kept / name, self.root / name)
            for folder in reversed(made):
                with suppress(OSError):
                    folder.rmdir()
            raise
        for folder in {(self.root / name).parent for name in old}:
            with suppress(OSError):  # where something else lies in it
                folder.rmdir()


@contextmanager
def draft(root: Path) -> Iterator[Draft]:
    """A draft of files below `root`, gone at the end with all that was not placed.

    Raises BenchError where the folder cannot be written.
    """
    there = next(one for one in (root.absolute(), *root.absolute().parents) if os.path.lexists(one))
    if not there.is_dir():
        raise BenchError(f"{there} is no folder; give another with --dir")
    folder = None
    try:
        folder = Path(tempfile.mkdtemp(prefix=".new-", dir=there))
        yield Draft(root, folder)
    except OSError as error:
        name = error.filename2 or error.filename or root
        raise BenchError(f"{name} cannot be written ({error.strerror}); choose another folder with --dir") from None
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def refuse_existing(root: Path, names: Sequence[str], *, force: bool) -> None:
    """Raise BenchError where one of the files is there already, unless it is to be written over."""
    there = [root / name for name in names if os.path.lexists(root / name)]
    if folder := next((one for one in there if one.is_dir()), None):
        raise BenchError(f"{folder} is a folder, where a file is to be written; choose another name or --dir")
    if there and not force:
        more = f" and {len(there) - 1} more exist" if len(there) > 1 else " exists"
        raise BenchError(f"{there[0]}{more}; choose another name or --dir, or write over it with --force")


def _folders(folder: Path) -> list[Path]:
    """Make a folder; those that were not there, from the top."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return list(reversed(missing))
