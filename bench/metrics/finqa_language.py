"""FinQA's little language: a program is a list of tokens, its steps are run on a table. Nothing is evaluated as Python.

As in the official files ["subtract(", "5829", "5735", ")", "divide(", "#0", "5735", ")", "EOF"]: the last token is dropped
unread, whatever it is.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Table = Sequence[Sequence[str]]
Result = float | str

OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul, "divide": operator.truediv,
    "exp": operator.pow, "greater": operator.gt,
}  # fmt: skip
ROW_OPERATIONS: dict[str, Callable[[list[float]], float]] = {
    "table_max": max, "table_min": min, "table_sum": sum, "table_average": lambda row: sum(row) / len(row),
}  # fmt: skip
NAMES = (*OPERATIONS, *ROW_OPERATIONS)
FAULTS = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    ArithmeticError,
)  # of a program that makes no sense


@dataclass(frozen=True)
class Step:
    """One operation with its two arguments; `text` is the step as it stands between the closing brackets."""

    operation: str
    first: str
    second: str
    text: str

    @property
    def on_row(self) -> bool:
        """Whether it works on a row of the table."""
        return self.operation in ROW_OPERATIONS

    def leaves(self) -> list[str]:
        """What the step takes from outside: a row operation as a whole, else the arguments that are no references.

        The first step's text lacks the separator that the others' begin with: the official script, too, takes a row
        operation that moved from the first place to another one for a different one.
        """
        return [self.text] if self.on_row else [arg for arg in (self.first, self.second) if "#" not in arg]


def tokens(program: str) -> list[str]:
    """The tokens of a program written out, cut at ", " and brackets, with "EOF" at the end.

    >>> tokens("subtract(5829, 5735), divide(#0, 5735)")
    ['subtract(', '5829', '5735', ')', 'divide(', '#0', '5735', ')', 'EOF']
    """
    found = []
    for part in program.split(", "):
        for piece in part.replace("(", "(\0").replace(")", "\0)\0").split("\0"):
            if piece:
                found.append(piece)
    return [*found, "EOF"]


def steps(program: Sequence[str]) -> list[Step] | None:
    """The steps of a program, None where it is none."""
    body = program[:-1]
    for place, token in enumerate(body):
        if (place % 4 == 0 and token.strip("(") not in NAMES) or (place % 4 == 3 and token != ")"):
            return None
    found = []
    for text in "|".join(body).split(")")[:-1]:
        operation, _, rest = text.strip().partition("(")
        arguments = rest.strip("|").strip().split("|")
        if text.count("(") != 1 or len(arguments) < 2 or operation.strip("|").strip() not in NAMES:
            return None
        found.append(Step(operation.strip("|").strip(), arguments[0].strip(), arguments[1].strip(), text.strip()))
    return found


def execute(program: Sequence[str], table: Table) -> Result | None:
    """The result, rounded to 5 places, or "yes" or "no"; None where the program cannot be run."""
    found = steps(program)
    if not found:
        return None
    rows = {row[0]: row[1:] for row in table if row}
    results: dict[int, Any] = {}
    row: list[float] | None = None
    try:
        for place, step in enumerate(found):
            if step.on_row:
                row = _row(step.first, results, rows, row)
                results[place] = ROW_OPERATIONS[step.operation](row)
            else:
                left, right = _operand(step.first, results), _operand(step.second, results)
                value = OPERATIONS[step.operation](left, right)
                results[place] = ("yes" if value else "no") if step.operation == "greater" else value
        last: Result = results[len(found) - 1]
        return last if last in ("yes", "no") else round(float(last), 5)
    except FAULTS:
        return None


def _row(
    argument: str, results: Mapping[int, Any], rows: Mapping[str, Sequence[str]], last: list[float] | None
) -> list[float]:
    """The numbers of the row that is named; for a reference those of the row that was used last, as officially."""
    if "#" not in argument:
        return [_cell(cell) for cell in rows[argument]]
    if int(argument.replace("#", "")) not in results or last is None:
        raise ValueError(f"{argument} is no row")
    return last


def _operand(argument: str, results: Mapping[int, Any]) -> Any:
    return results[int(argument.replace("#", ""))] if "#" in argument else _number(argument)


def _number(text: str) -> float:
    """A number without its thousands commas, "12%" as a share, "const_100" or "const_m1" (-1); ValueError for the rest."""
    text = text.replace(",", "")
    try:
        return float(text)
    except ValueError:
        if "%" in text:
            return float(text.replace("%", "")) / 100.0
        constant = text.replace("const_", "")
        return float("-1" if constant == "m1" and "const" in text else constant)


def _cell(text: str) -> float:
    """A table cell's number: without the dollar sign and whatever follows a bracket."""
    return _number(text.replace("$", "").strip().split("(")[0].strip())
