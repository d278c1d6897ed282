"""Which names what is new may have."""

from __future__ import annotations

import importlib.util
import keyword
import re
from collections.abc import Collection

from bench.errors import BenchError
from bench.text.names import problem

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}")
_OTHERWISE = {"null", "none", "true", "false", "yes", "no", "on", "off", "y", "n"}  # to YAML or Hydra
_FOLDERS = {"conf", "data", "tests", "leaderboards", "bench", "tasks", "src"}  # which lie beside it


def refuse_name(kind: str, name: str, taken: Collection[str], *, is_package: bool) -> None:
    """Raise BenchError for a name that can be no file, no word of Python, or is taken; `is_package`: that is imported, too."""
    said = f"bench new {kind} {name[:60]!r}: the name"
    if not _NAME.fullmatch(name):
        raise BenchError(
            f"{said} must be 1 to 60 letters, digits and _ of ASCII, beginning with a letter, such as my_{kind}"
        )
    if problem(name):  # which of such names is that of a device alone
        raise BenchError(
            f"{said} is reserved: Windows has a device of this name; choose another, such as my_{name.lower()}"
        )
    if keyword.iskeyword(name) or keyword.issoftkeyword(name) or name.lower() in _OTHERWISE | _FOLDERS:
        raise BenchError(
            f"{said} means something else to Python, YAML or this folder; choose another, such as my_{name.lower()}"
        )
    if other := next((one for one in taken if one.casefold() == name.casefold()), None):
        raise BenchError(f"{said} is taken by the {kind} {other!r}; choose another, such as my_{name.lower()}")
    if is_package and importlib.util.find_spec(name) is not None:
        raise BenchError(
            f"{said} is that of a module that Python has already; choose another, such as my_{name.lower()}"
        )
