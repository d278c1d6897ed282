"""A timing as text: its verdict and reasons, its rates, and a table of what an answer takes."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping

from bench.text.shown import tell
from bench.timing.percentiles import ENOUGH
from bench.types import Json

_ROWS = {"latency": "an answer", "ttft": "to the first token", "tpot": "per token behind it"}


def print_timing(label: str, summary: Mapping[str, Json]) -> None:
    """What a person wants to know of a timing, on stdout."""
    for line in lines(label, summary):
        tell(line)
    sys.stdout.flush()


def lines(label: str, summary: Mapping[str, Json]) -> Iterator[str]:
    """The same, line by line."""
    yield f"{label}: {summary['verdict']}{' by the rules of MLPerf' if summary['rules'] == 'mlperf' else ''}"
    for reason in summary["reasons"]:
        yield f"  {reason}"
    failed = f", {summary['failed']} failed" if summary["failed"] else ""
    yield f"  {summary['n']:,} answers in {seconds(summary['seconds'])}{failed}; {_rates(summary)}"
    yield from _table(summary)
    if early := summary["early_stopping"]:
        yield f"  p{summary['percentile']} is at most {seconds(early['seconds'])} with 99 % confidence"
    for one in summary["search"] or ():
        at = "" if one["seconds"] is None else f", p{summary['bound']['percentile']} {seconds(one['seconds'])}"
        yield f"  tried {one['qps']:.3g} a second: {one['verdict']}{at}"
    yield f"  {_audits(summary['audit'])}"
    for line in summary.get("caveats", ()):
        yield f"  {line}"
    if summary["client_overhead_seconds"] is not None:
        yield f"  the client itself takes {seconds(summary['client_overhead_seconds'])} of an answer"


def _rates(summary: Mapping[str, Json]) -> str:
    parts = []
    if summary["qps"] is not None:
        parts.append(f"asked {summary['qps']:.3g} a second")
    if summary["examples_per_second"] is not None:
        parts.append(f"{summary['examples_per_second']:,.3g} examples a second")
    if summary["tokens_per_second"] is not None:
        parts.append(f"{summary['tokens_per_second']:,.3g} tokens a second")
    return ", ".join(parts) or "no rate"


def _table(summary: Mapping[str, Json]) -> Iterator[str]:
    """Mean and percentiles, – where too few samples would make one a guess."""
    columns = ("mean", *(f"p{rank}" for rank in ENOUGH), "max")
    rows = {text: summary[name] for name, text in _ROWS.items() if summary[name] is not None}
    if not rows:
        return
    width = max(map(len, rows))
    yield "  " + " " * width + "".join(f"{column:>10}" for column in columns)
    for text, found in rows.items():
        yield f"  {text:<{width}}" + "".join(f"{seconds(found[column]):>10}" for column in columns)


def _audits(found: Mapping[str, Json]) -> str:
    same, cache = found["same_answers"], found["cache"]
    if same is None:
        answers = "answers were not compared with a run's"
    else:
        unlike = f", {same['unlike']} unlike but not by being timed" if same["unlike"] > same["differ"] else ""
        answers = f"{same['differ']} of {same['n']} answers are others than the run's{unlike}"
    if cache is None:
        return f"audit: {answers}; whether it keeps answers was not looked at"
    kept = "keeps answers" if not cache["passed"] else "no cache"
    return f"audit: {answers}; {kept}: asked again takes {100 * cache['ratio']:.0f} % of the first time"


def seconds(value: float | None) -> str:
    """A time with its unit, to three digits.

    >>> seconds(None), seconds(0.0123), seconds(2.5), seconds(125)
    ('–', '12.3 ms', '2.5 s', '125 s')
    """
    if value is None:
        return "–"
    return f"{1000 * value:.3g} ms" if value < 1 else f"{value:.3g} s"
