"""Where a task's data lie: a path of the user's own, the data directory in its official layout, then a pinned URI."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import TypeVar

from bench.artifacts.fetch import locate, resolved
from bench.artifacts.uri import parse
from bench.data import files, hub
from bench.errors import BenchError
from bench.types import Json

T = TypeVar("T")
Rows = Iterable[Mapping[str, Json]]


class DataSource:
    """The data of one task.

    `local` is the official file below the data directory ("squad/dev-v1.1.json"), or the official folder, with a slash at
    its end ("deft/"). `path` is a file or folder of the user's that comes before everything else. `remote` is a URI as
    `bench.artifacts.fetch` reads it; `hub:OWNER/NAME@REVISION` without a path inside is loaded by `datasets` as rows of `split`.
    `sha256` pins the remote file. `obtain` says how to get data that no command may fetch.
    """

    def __init__(
        self,
        local: str,
        data_dir: str = "data",
        path: str | None = None,
        remote: str | None = None,
        split: str = "test",
        sha256: str | None = None,
        obtain: str = "",
    ) -> None:
        self.local, self.data_dir, self.own = local, data_dir, path
        self.remote, self.split, self.sha256, self.obtain = remote, split, sha256, obtain
        self.carried: Path | None = None  # a file of the package that serves where the data directory has none

    def here(self) -> Path | None:
        """The file or folder on this machine that needs no fetching, None if there is none.

        Raises BenchError when the user named a path and the data are not in it.
        """
        if self.own is None:
            place = Path(self.data_dir) / self.local
            return place if self._fits(place) else self.carried
        if Path(self.own).is_file() and self.local.endswith("/"):
            return Path(self.own)  # one file of an official folder: the task says whether it is enough
        tail = PurePosixPath(self.local)
        below = [tail, tail.relative_to(tail.parts[0]), PurePosixPath(tail.name), PurePosixPath()]
        tried = [Path(self.own) / part for part in below]
        for place in tried:
            if self._fits(place):
                return place
        if not Path(self.own).exists():
            raise BenchError(f"data.path={self.own} does not exist; give the file or folder that holds {self.local}")
        raise BenchError(f"data.path={self.own} holds no {self.local}; give that {self._kind} or the folder it lies in")

    def read(self, of_path: Callable[[Path], T], of_rows: Callable[[Rows], T] | None = None) -> T:
        """What `of_path` makes of the file or folder, or `of_rows` of the rows of a Hub data set.

        Raises BenchError saying what is missing, where it was looked for and what brings it.
        """
        place = self.here()
        if place is not None:
            return self._noted(place, of_path)
        source = parse(self._remote())
        try:
            if source.scheme == "hub" and not source.inside and of_rows is not None:
                return of_rows(hub.rows(resolved(source, "dataset"), self.split))
            place = locate(source.uri, sha256=self.sha256, repo_type="dataset")
        except BenchError as error:
            raise BenchError(f"{Path(self.data_dir) / self.local} does not exist, and {error}") from None
        return self._noted(place, of_path)

    def fetch(self) -> None:
        """Bring the data into the cache, if they are not on this machine."""
        self.read(lambda path: None, lambda rows: None)

    def _noted(self, place: Path, of_path: Callable[[Path], T]) -> T:
        """What `of_path` makes of it; a file is noted whichever way that reads it."""
        if place.is_file():
            files.note(place)
        return of_path(place)

    @property
    def _kind(self) -> str:
        return "folder" if self.local.endswith("/") else "file"

    def _fits(self, place: Path) -> bool:
        return place.is_dir() if self.local.endswith("/") else place.is_file()

    def _remote(self) -> str:
        if self.remote is None:
            place = Path(self.data_dir) / self.local
            how = self.obtain or "put it there"
            raise BenchError(f"{place} does not exist; {how}, or set BENCH_DATA or data.path= to where it is")
        return self.remote
