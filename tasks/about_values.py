"""Single values of a task's `about`, which YAML may have taken for something else than its author meant."""

from __future__ import annotations

from bench.errors import BenchError
from bench.types import Json


def word(value: Json, where: str) -> str:
    """A label or a code as the file of data writes it; a number is its digits.

    Raises BenchError for true and false, which YAML makes of yes, no, on, off, true and false without quotes.
    """
    if isinstance(value, bool):
        raise BenchError(
            f"{where}: found {str(value).lower()}, which YAML makes of yes, no, on, off, true and false; put the word in quotes"
        )
    if not isinstance(value, str | int | float):
        raise BenchError(f"{where}: found {str(value)[:60]!r}, expected a text or a number")
    return str(value)


def delimiter(value: Json) -> str:
    """The sign between two cells, or "blank" for any blanks; a backslash and a t are a tab, which YAML takes for two signs."""
    if value == "blank":
        return "blank"
    found = {"\\t": "\t", "tab": "\t"}.get(str(value), str(value))
    if len(found) != 1 or found in '\r\n"':
        raise BenchError(f'task.about.delimiter: found {found!r}, expected one sign, as ";" or "\\t", or blank')
    return found
