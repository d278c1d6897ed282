"""What a run costs, out of its record: the one place that multiplies a price with seconds or tokens.

An example costs `per_hour` times the seconds that it took, plus `per_million` times its tokens. The seconds are those of the run's
own throughput (`bench.runs.rates`): what was spent on the answers, without loading, scoring, audits and repeated work, which do
not grow with the examples. Nothing is converted from one currency to another. There is no cost without a price, of rows that
compute nothing, of predictions that were brought, and where a server did not count its tokens.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench.record import Run, Score
from bench.runs.price import is_whole
from bench.runs.rates import computes, examples_per_second
from bench.types import Json

# Metrics whose value is the share of examples that were answered rightly; a failed one was not. Of others, such as a mean F1 or
# a correlation, no number of right answers follows. The task's ranking metric counts before the others.
SHARES_OF_RIGHT = ("accuracy", "exact_match", "execution_accuracy", "correct")
_OFFLINE = "offline"


@dataclass(frozen=True)
class Cost:
    """An amount above 0 in a currency, by its code of ISO 4217."""

    amount: float
    currency: str

    def __str__(self) -> str:
        return f"{figure(self.amount)} {self.currency}"


def per_example(run: Run) -> Cost | None:
    """What an example cost in this run, as it ran; None where that cannot be told."""
    if run.submission or not computes(run) or not is_whole(run.price):
        return None
    times = run.timings
    return _cost(
        run.price, examples_per_second(run), times.get("n"), times.get("prompt_tokens"), times.get("new_tokens")
    )


def per_1000(run: Run) -> Cost | None:
    """What 1,000 examples cost."""
    return _times(per_example(run), 1000.0)


def absence(run: Run) -> str:
    """Why a run that has a price has no cost."""
    if run.submission or not computes(run):
        return "nobody timed it" if run.submission else "a row that computes nothing costs nothing"
    if run.price.get("uncounted"):
        return f"the server did not count the tokens of {run.price['uncounted']} answers"
    return "no token was counted" if run.price.get("per_million") else "it has no speed"


def right(run: Run, ranks: str = "") -> Score | None:
    """The score that says which share of the answers is right: that of the metric that `ranks` if it does; None for none."""
    shares = [one for one in run.scores if one.metric in SHARES_OF_RIGHT and one.is_fraction and one.higher_is_better]
    return next((one for one in shares if one.metric == ranks), shares[0] if shares else None)


def per_right_answer(run: Run, ranks: str = "") -> Cost | None:
    """What a right answer cost: an example's cost over the share of right answers; None where none is right, or none is told."""
    score, each = right(run, ranks), per_example(run)
    if score is None or not score.value or each is None or not 0 < score.value <= 1:
        return None
    return _times(each, 1 / score.value)


def of_scenario(run: Run, scenario: str = _OFFLINE) -> Cost | None:
    """What 1,000 examples cost at the throughput that a VALID reading of a timing scenario says; None without one."""
    reading = run.scenarios.get(scenario)
    if (
        not isinstance(reading, Mapping)
        or reading.get("verdict") != "VALID"
        or not computes(run)
        or not is_whole(run.price)
    ):
        return None
    rate, n, prompt, new = (reading.get(name) for name in ("examples_per_second", "n", "prompt_tokens", "new_tokens"))
    return _times(_cost(run.price, rate, n, prompt, new), 1000.0)


def of_hours(hours: float | None, price: Mapping[str, Json]) -> Cost | None:
    """What so many hours of the machine cost, as those of a training to its target; None without a price per hour."""
    if hours is None or hours < 0 or not is_whole(price) or price.get("per_hour") is None:
        return None
    return _sound(hours * price["per_hour"], price)


def totals(run: Run, ranks: str = "") -> dict[str, Json]:
    """The run's costs as flat figures for JSON and a store, {} where it has none."""
    found = {
        "per_1000": per_1000(run),
        "per_right_answer": per_right_answer(run, ranks),
        "per_1000_offline": of_scenario(run),
    }
    amounts: dict[str, Json] = {name: cost.amount for name, cost in found.items() if cost is not None}
    return {**amounts, "currency": run.price["currency"]} if amounts else {}


def _cost(price: Mapping[str, Json], rate: float | None, n: Json, prompt: Json, new: Json) -> Cost | None:
    """The cost of one of `n` examples at `rate` a second that have so many tokens together."""
    amount = 0.0
    if price.get("per_hour") is not None:
        if not rate:
            return None
        amount += price["per_hour"] / 3600 / rate
    if tokens := price.get("per_million"):
        if price.get("uncounted") or not n or not prompt or new is None:
            return None
        amount += (prompt * tokens["prompt"] + new * tokens["completion"]) / 1e6 / n
    return _sound(amount, price)


def _sound(amount: float, price: Mapping[str, Json]) -> Cost | None:
    """The amount as a cost; None for what no cost is, which a record that somebody edited may hold."""
    return Cost(float(amount), str(price["currency"])) if math.isfinite(amount) and amount > 0 else None


def _times(cost: Cost | None, factor: float) -> Cost | None:
    return None if cost is None else Cost(cost.amount * factor, cost.currency)


def figure(amount: float) -> str:
    """Three significant digits, without an exponent: no cost is so small that it would be shown as nothing.

    >>> figure(0.0000312345), figure(12.3456), figure(1234567.0)
    ('0.0000312', '12.3', '1,234,567')
    """
    if amount >= 100:
        return f"{amount:,.0f}"
    return str(np.format_float_positional(amount, precision=3, fractional=False, unique=False, trim="-"))
