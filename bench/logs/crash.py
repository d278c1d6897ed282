"""The report of a fault, which somebody may send: versions, where it was raised, and the last lines of the log.

It holds no data and no secret by the way it is made, not by a search: of what was raised its type and its places in code, never its
words; of a line its template, with numbers and names of the program alone. What a line quotes stands in the run's log.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from bench.logs.log import Public, log

LEFT_OUT = "…"
_PLACES = re.compile(r"%(?:%|[-#0 +]*\d*(?:\.\d+)?[a-zA-Z])")
_FROZEN = re.compile(r"<frozen [a-z_.]+>")
_MOST_FRAMES = 40
OWN = "own code"


def report(
    error: BaseException, command: Sequence[str], facts: Mapping[str, Any], lines: Sequence[logging.LogRecord]
) -> str:
    """The whole text. `command` are words that may be shown, `facts` names and values that describe the machine."""
    parts = [
        "A fault of FinAI Bench. This report holds no data and no secrets: what may quote either is left out (…).",
        f"command: {' '.join(command)}",
        *(f"{name}: {value}" for name, value in facts.items()),
        "",
        *_raised(error),
        "",
        f"the last {len(lines)} lines of the log:",
        *map(line, lines),
    ]
    return "\n".join(parts) + "\n"


def _raised(error: BaseException) -> Iterator[str]:
    """What was raised, and what that came of, without their words."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield f"{'raised' if one is error else 'which came of'} {_name(type(one))}"
        frames = traceback.extract_tb(one.__traceback__)
        if len(frames) > _MOST_FRAMES:
            yield f"  ({len(frames) - _MOST_FRAMES} more)"
        for frame in frames[-_MOST_FRAMES:]:
            where = place(frame.filename)
            yield f"  {where} line {frame.lineno}" + (f", in {frame.name}" if where != OWN else "")
        one = one.__cause__ or one.__context__


def _name(kind: type) -> str:
    """A class of Python, of this package or of an installed one by its name; of anybody's own code that it is one."""
    module = sys.modules.get(kind.__module__)
    file, found = getattr(module, "__file__", None), cast("Any", module)
    for name in kind.__qualname__.split("."):
        found = getattr(found, name, None)
    is_known = kind.__module__ in sys.builtin_module_names if file is None else place(file) != OWN
    return f"{kind.__module__}.{kind.__qualname__}" if is_known and found is kind else "an exception of own code"


def place(path: str) -> str:
    """A file of code without the folders it was installed in: from its package on; of anybody's own only that it is.

    >>> place("/home/ann/.venv/lib/python3.11/site-packages/torch/nn/functional.py"), place("/home/ann/secret/model.py")
    ('torch/nn/functional.py', 'own code')
    """
    parts = Path(path).parts
    roots = {Path(__file__).parents[1]: "bench", Path(__file__).parents[2] / "tasks": "tasks"}
    for root, name in roots.items():
        if Path(path).is_relative_to(root):
            return f"{name}/{Path(path).relative_to(root).as_posix()}"
    for marker in ("site-packages", "dist-packages", f"python{sys.version_info.major}.{sys.version_info.minor}"):
        if marker in parts:
            return "/".join(parts[parts.index(marker) + 1 :])
    return path if _FROZEN.fullmatch(path) else OWN


def line(record: logging.LogRecord) -> str:
    """A line of the log with nothing of its data.

    >>> told = ("%d answers of %s, %s", (3, "Ann's page", Public("squad_v1")), None)
    >>> line(logging.LogRecord("bench", logging.INFO, __file__, 7, *told))[24:]
    '    INFO bench/logs/crash.py line 7: 3 answers of …, squad_v1'
    """
    from time import gmtime, strftime

    when = f"{strftime('%Y-%m-%dT%H:%M:%S', gmtime(record.created))}.{int(record.msecs):03d}Z"
    where = place(record.pathname)
    is_ours = record.name == log.name and where.startswith(("bench/", "tasks/"))  # whoever may use our logger's name
    said = _public(record) if is_ours else LEFT_OUT
    return f"{when}    {record.levelname} {where} line {record.lineno}: {said}"


def _public(record: logging.LogRecord) -> str:
    given = record.args if isinstance(record.args, tuple) else (record.args,) if record.args else ()
    arguments = iter(given)

    def one(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        value = next(arguments, LEFT_OUT)
        if isinstance(value, Public | bool | None | int | float):
            return found[0] % value
        return LEFT_OUT

    return _PLACES.sub(one, str(record.msg))
