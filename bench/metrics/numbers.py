"""Numbers in answers, compared with a gold number; how they are read is in `bench.text.quantities`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bench.metrics.metric import Metric, Row, lacking
from bench.text.quantities import Number, answer_number, sole_number


def agrees(found: Number, gold: Number, tolerance: float = 0.01) -> bool:
    """Whether two numbers are the same within a share `tolerance` of the gold one; the sign counts.

    A number without scale and per cent may also be meant in the gold's: 65.4 and 0.654 agree with 65.4 %, and 1577 with 1577
    million. A stated scale is taken at its word.
    """
    readings = [found.value]
    if found.factor is None and not found.percent:
        readings.append(replace(gold, mantissa=found.mantissa).value)
    slack = tolerance * abs(gold.value) * (1 + 1e-9)  # the bound itself agrees, whatever its last bit
    return any(abs(reading - gold.value) <= slack for reading in readings)


def _gold(target: Mapping[str, Any]) -> Number | None:
    """The gold answer where it is a number and nothing else, in the unit that the question asks for."""
    number = sole_number(target["text"])
    return number and number.within(target["factor"])


def _numeric_match(target: Mapping[str, Any], answer: str) -> Row:
    """(match, 1) where the gold answer is a number, (0, 0) where it is a sentence."""
    gold, found = _gold(target), answer_number(answer)
    return (float(gold is not None and found is not None and agrees(found, gold)), float(gold is not None))


# target {"text", "factor": of the unit that the question asks for, or None}, answer text; over the numeric targets alone
NUMERIC_MATCH = Metric(
    "numeric_match",
    measure=_numeric_match,
    summarise=lambda totals, n: totals[..., 0] / totals[..., 1].clip(min=1),
    worst=lambda target: (0.0, float(_gold(target) is not None)),
    best=lambda target: (float(_gold(target) is not None),) * 2,
    signature="answers that are one number, 1 % tolerance",
    undefined=lacking("no gold answer is a number", 1),
)
