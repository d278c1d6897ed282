"""Reading JSON and JSON Lines with errors that name file and line."""

from __future__ import annotations

import json
import math
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TypeVar

from bench.artifacts.seals import State, state_of
from bench.errors import BenchError
from bench.text.rows import rows
from bench.types import Example, Json

SomeExample = TypeVar("SomeExample", bound=Example)
_STRING_OR_CONSTANT = re.compile(r'"(?:\\.|[^"\\])*"|-?\b(NaN|Infinity)\b')

_DIGITS = sys.int_info.default_max_str_digits
_LONG = re.compile(rf"[0-9]{{{_DIGITS + 1}}}")
_BEYOND = re.compile(r"[0-9]{309}")  # only a whole number of so many digits can be beyond all floats
_UTF16 = (b"\xff\xfe", b"\xfe\xff")  # its byte order marks

_NOTED: ContextVar[dict[Path, State | None] | None] = ContextVar("noted", default=None)


@contextmanager
def noted() -> Iterator[dict[Path, State | None]]:
    """The files that `read_text` and what stands on it read inside the block, each with its state before it was first read.

    They are what a task's data were, whoever asked for them. A block around this one has them too.
    """
    found: dict[Path, State | None] = {}
    around = _NOTED.get()
    token = _NOTED.set(found)
    try:
        yield found
    finally:
        _NOTED.reset(token)
        if around is not None:
            around.update({path: state for path, state in found.items() if path not in around})


def note(path: Path) -> None:
    """Count a file among those of the block, for one that is read in another way."""
    if (found := _NOTED.get()) is not None:
        found.setdefault(path, state_of(path))


def _refuse_constant(name: str) -> Json:
    raise ValueError(f"{name} is not a JSON number")


def _once(pairs: list[tuple[str, Json]]) -> Json:
    """The object, of which no key comes twice: of two values one would be lost."""
    found = dict(pairs)
    if len(found) != len(pairs):
        uses = Counter(key for key, _ in pairs)
        raise ValueError(f"the key {next(key for key in found if uses[key] > 1)[:80]!a} comes twice")
    return found


def read_text(path: Path, encoding: str = "utf-8-sig") -> str:
    """The file's text (a byte order mark is harmless); raises BenchError with the line that cannot be decoded, or is no text."""
    note(path)
    try:
        data = path.read_bytes()
        text = data.decode(encoding)
    except OSError as error:
        raise BenchError(f"{path} cannot be read ({error.strerror}); check the path") from None
    except UnicodeDecodeError as error:
        if data.startswith(_UTF16):
            raise BenchError(f"{path} is UTF-16, as its first two bytes say; save the file as UTF-8") from None
        line = error.object[: error.start].count(b"\n") + 1
        found = error.object[error.start]
        raise BenchError(
            f"{path} line {line}: byte 0x{found:02x} is not UTF-8 (is it Latin-1?); save the file as UTF-8"
        ) from None
    if (at := text.find("\0")) >= 0:
        line = len(rows(text[: at + 1]))
        raise BenchError(
            f"{path} line {line}: found a NUL, which no text holds (is it UTF-16?); save the file as UTF-8"
        )
    return text


def _whole(token: str) -> int:
    _finite(token)
    return int(token)


def _finite(token: str) -> float:
    if not math.isfinite(value := float(token)):
        raise ValueError(f"{token[:40]} is beyond all numbers that can be computed with")
    return value


def parse(
    text: str, where: str, *, object_pairs_hook: Callable[[list[tuple[str, Json]]], Json] = _once, finite: bool = True,
    constant: Callable[[str], Json] = _refuse_constant, ended: bool | None = None,
) -> Json:  # fmt: skip
    """The JSON value of a text; raises BenchError that names `where`, line and column of what is damaged.

    A key that comes twice is refused, without a hook of one's own, and so is a number beyond all floats, unless it need not be
    `finite`: in a submission that is one malformed answer. `constant` makes what NaN and Infinity stand for; they are refused.
    Of one line, which `where` names, `ended` says whether a line's end follows; a file, or a line without one, may be cut off.
    """
    try:
        return json.loads(
            text,
            parse_constant=constant,
            parse_float=_finite if finite else float,
            parse_int=_whole if finite and _BEYOND.search(text) else None,
            object_pairs_hook=object_pairs_hook,
        )
    except json.JSONDecodeError as error:
        place = f"column {error.colno}" if ended is not None else f"line {error.lineno} column {error.colno}"
        hint = "correct the line" if ended else "the file may be cut off, bring it again"
        raise BenchError(f"{where} is not JSON: {place}: {error.msg}; {hint}") from None
    except (ValueError, RecursionError) as error:
        place = _line_of_constant(text) if ended is None else ""
        reason = "nested too deeply" if isinstance(error, RecursionError) else f"{place}{error}"
        if "int_max_str_digits" in reason:  # Python's own words, which say what to change in Python
            line = text.count("\n", 0, found.start()) + 1 if (found := _LONG.search(text)) else 1
            reason = f"{f'line {line}: ' if line > 1 else ''}a number of more than {_DIGITS:,} digits"
        raise BenchError(f"{where} is not JSON: {reason}; correct the file") from None


def _line_of_constant(text: str) -> str:
    """Where the first NaN or Infinity stands outside of strings, which the JSON reader does not say."""
    found = next((match for match in _STRING_OR_CONSTANT.finditer(text) if match[1]), None)
    return f"line {text.count(chr(10), 0, found.start()) + 1}: " if found else ""


def read_json(path: Path) -> Json:
    """The file's JSON; raises BenchError with line and column when it is damaged or cut off."""
    return parse(read_text(path), str(path))


def read_jsonl(path: Path, *, finite: bool = True) -> Iterator[tuple[int, dict[str, Json]]]:
    """The objects of a JSON Lines file with their line numbers; empty lines are passed over, a key that comes twice is refused."""
    text = read_text(path)
    lines = rows(text)
    for number, line in enumerate(lines, start=1):
        if line.strip():
            ended = number < len(lines) or text.endswith(("\n", "\r"))
            record = parse(line, f"{path} line {number}", finite=finite, ended=ended)
            if not isinstance(record, dict):
                raise BenchError(f"{path} line {number}: found a {type(record).__name__}, expected an object {{…}}")
            yield number, record


def beside(path: Path | None, name: str) -> Path | None:
    """The file called `name` in the folder of `path`; None where there is none, or where it is `path` itself."""
    found = path.with_name(name) if path else None
    return found if found and found != path and found.is_file() else None


def field(record: Json, name: str, kind: type | tuple[type, ...], where: str) -> Json:
    """`record[name]`, or a BenchError saying where what is missing or of the wrong kind."""
    wanted = " or ".join(k.__name__ for k in (kind if isinstance(kind, tuple) else (kind,)))
    if not isinstance(record, dict) or name not in record:
        raise BenchError(f"{where}: the field {name!r} ({wanted}) is missing; bring the official file again")
    if not isinstance(record[name], kind) or (isinstance(record[name], bool) and kind is not bool):
        raise BenchError(f"{where}: {name!r} is a {type(record[name]).__name__}, expected {wanted}; correct the file")
    return record[name]


def all_or_none(found: Iterable[SomeExample], where: str) -> list[SomeExample]:
    """The examples, all with a target or, where the references are held out, none; raises BenchError where only some have one."""
    examples = list(found)
    without = [example.id for example in examples if example.target is None]
    if without and len(without) < len(examples):
        raise BenchError(
            f"{where}: {len(without):,} of {len(examples):,} examples have no answer, the first is {without[0]!r}; give the "
            "answers of all, or of none where they are held out"
        )
    return examples
