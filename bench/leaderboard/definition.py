"""What a board is: that of a task by default, and what a file says more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.data.plain_yaml import read_yaml
from bench.errors import BenchError
from bench.leaderboard.columns import BY_THEMSELVES, DECLARED, ON_REQUEST
from bench.text.meant import among
from bench.text.rows import rows

COLUMNS = tuple(name for name in DECLARED if name not in (*BY_THEMSELVES, *ON_REQUEST))
ALLOWED = (*COLUMNS, *ON_REQUEST)


@dataclass(frozen=True)
class Board:
    """One task and version: `metric` ranks, `more` are shown beside it, `devices` get a table each.

    Every task has one from its first metric; `leaderboards/<name>.yaml` only says more.
    """

    name: str
    title: str
    task: str
    version: int
    metric: str
    more: tuple[str, ...] = ()
    columns: tuple[str, ...] = COLUMNS
    devices: tuple[str, ...] = ("cpu", "cuda")
    currency: str = ""  # that of all costs in its columns, "" where there are none, or several
    caution: str = ""  # what answers get that need no reading, where that is more than the plain reference rows do
    own_ranking: bool = False  # runs of another harness' task, whose logs may rank by several metrics: each has a board


def definitions(*, suites: bool = False, own: Sequence[Path] = ()) -> list[Path]:
    """All board files, those of `suites` or of tasks, in order of name.

    Of several of one name that in ./leaderboards comes first, then those of the folders `own` in their order (the leaderboards/ of
    `BENCH_CONF` and of installed packages), then what this package ships.
    """
    packaged = Path(__file__).resolve().parents[1] / "leaderboards"
    checkout = Path(__file__).resolve().parents[2] / "leaderboards"
    shipped = packaged if packaged.is_dir() else checkout
    folders = [shipped, *reversed(own), Path("leaderboards")]
    found = {path.stem: path for folder in folders for path in folder.glob("*.yaml")}
    return [found[name] for name in sorted(found) if _is_suite(found[name]) == suites]


def _is_suite(path: Path) -> bool:
    """Whether the definition is that of a suite's board."""
    try:
        return any(line.startswith("suite:") for line in rows(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return False


_TYPES = {"title": str, "task": str, "version": int, "metric": str, "more": list, "columns": list, "devices": list}
_NEEDED = ("title", "task", "version", "metric")
Default = Callable[[str], Board | None]


def read(path: Path, default: Default = lambda task: None) -> Board:
    """Read a board's file. What it leaves out is that of its task's `default`; without `task` it is that of its name.

    Raises BenchError for an unknown key, a wrong type, or a key that is missing and has no default.
    """
    allowed = ", ".join(f"{name} ({kind.__name__})" for name, kind in _TYPES.items())
    try:
        found = read_yaml(path) or {}
        _refuse(found)
        known = default(str(found.get("task", path.stem)))
        if known is None and (missing := [name for name in _NEEDED if name not in found]):
            raise TypeError(f"{missing[0]} is missing, and task {found.get('task', path.stem)!r} is not known here")
    except (TypeError, AttributeError) as error:
        raise BenchError(f"{path}: {' '.join(str(error).split())}; allowed keys: {allowed}") from None
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}
    board = replace(known, name=path.stem, **values) if known else Board(path.stem, **values)
    if unknown := set(board.columns) - set(ALLOWED):
        hint = (
            "; seconds_per_answer took the place of p50 and p90, which were of batches"
            if unknown & {"p50", "p90"}
            else ""
        )
        raise BenchError(f"{path}: columns {sorted(unknown)} are not among {', '.join(ALLOWED)}{hint}")
    return board


def _refuse(found: Mapping[str, object]) -> None:
    """Raise TypeError for a key that no board has, or a value of another type."""
    for name, value in found.items():
        if name not in _TYPES:
            raise TypeError(f"{name!r} is no key of a board")
        if type(value) is not _TYPES[name]:
            raise TypeError(f"{name} is a {type(value).__name__}")
        if isinstance(value, list) and not all(isinstance(one, str) for one in value):
            raise TypeError(f"{name} holds something that is no text")


def unknown_board(name: str, known: Sequence[str]) -> BenchError:
    """The error for a name that is neither a board nor a task."""
    return BenchError(f"board '{name}' does not exist, nor does a task of that name; {among(name, known)}")
