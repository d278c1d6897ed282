"""How a line names what a person may give: as options of a command, or as the keyword arguments of a function of Python."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_IN_PYTHON: ContextVar[bool] = ContextVar("in_python", default=False)
_SWITCHES = frozenset({"fresh", "strict", "reuse", "shared"})
_VALUES = {
    name: name.replace("-", "_") for name in ("margin", "speed-margin", "level", "against", "metric", "resamples")
}
_VALUES["runs"] = "runs_dir"
_OPTION = re.compile(r"`[^`]* [^`]*`|(?<![\w-])--(?P<name>[a-z]+(?:-[a-z]+)*)")  # a whole command stays as it is
_MOST = "max-"


@contextmanager
def in_python() -> Iterator[None]:
    """Meanwhile lines are for somebody who called a function."""
    before = _IN_PYTHON.set(True)
    try:
        yield
    finally:
        _IN_PYTHON.reset(before)


def as_asked(line: str) -> str:
    """The line with its options as the reader of it would give them.

    >>> with in_python():
    ...     as_asked("--fresh asks anew, leave --max-cut out; `bench run --fresh`")
    "fresh=True asks anew, leave most={'cut': …} out; `bench run --fresh`"
    """
    return _OPTION.sub(_as_argument, line) if _IN_PYTHON.get() else line


def _as_argument(found: re.Match[str]) -> str:
    name = found["name"]
    if name in _SWITCHES:
        return f"{name}=True"
    if name in _VALUES:
        return f"{_VALUES[name]}="
    return f"most={{'{name.removeprefix(_MOST)}': …}}" if name and name.startswith(_MOST) else found[0]
