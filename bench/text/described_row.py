"""The row of a table in words: what a language model reads of it. One template, whose change is another prompt."""

from __future__ import annotations

from collections.abc import Sequence

from bench.types import Column

TEMPLATE = 1  # a sentence a column: "The DESCRIPTION is VALUE."


def described(columns: Sequence[Column], values: Sequence[float | str | None]) -> str:
    """A sentence for each column, with the meaning of a code and not the code.

    >>> described([Column("age", "number", "age in years"), Column("housing", "category", "", (("A152", "own"),))], [31.0, "A152"])
    'The age in years is 31. The housing is own.'
    """
    return " ".join(f"The {_name(one)} is {_value(one, value)}." for one, value in zip(columns, values, strict=True))


def _name(column: Column) -> str:
    return column.description or column.name.replace("_", " ").strip()


def _value(column: Column, value: float | str | None) -> str:
    if value is None:
        return "not known"
    if isinstance(value, str):
        return dict(column.codes).get(value, value)
    return f"{value:.10g}"
