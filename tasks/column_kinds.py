"""What the values of a table's column are: numbers where all that is there are, else categories; and what nearly is one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bench.data.submissions import number

MISSING = ("", "?", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "null")
_LIKE_A_NUMBER = re.compile(r"[^\w\s]{0,2}\s?[-+]?\s?\d[\d.,'’ ]*\s?[^\w\s]?")
_DATE = re.compile(r"\d{1,4}[.]\d{1,2}[.]\d{1,4}")
_NEARLY = 0.9  # of the values that are there
_FEWEST = 10  # values


def kind_of_values(values: Sequence[str]) -> str:
    """ "number" where every value that is there is one, else "category"."""
    return "number" if all(_is_number(value) for value in values if value not in MISSING) else "category"


def hidden_numbers(names: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A line for each column that is taken for categories although nearly all of its values are or look like numbers."""
    for place, name in enumerate(names):
        there = [row[place] for row in rows if row[place] not in MISSING]
        odd = [value for value in there if not _is_number(value)]
        like = [
            value
            for value in there
            if _is_number(value) or (_LIKE_A_NUMBER.fullmatch(value) and not _DATE.fullmatch(value))
        ]
        if odd and len(there) >= _FEWEST and len(like) >= _NEARLY * len(there):
            yield (
                f"the column {name!r} is taken for categories: {len(odd):,} of {len(there):,} values are no numbers as they stand, "
                f"the first {odd[0][:40]!r}; write numbers bare and missing values empty, or name its kind in task.about.columns"
            )


def _is_number(value: str) -> bool:
    try:
        number(value)
    except ValueError:
        return False
    return True
