"""Verdicts of a gate as text: a line each, JSON, JUnit XML and a Markdown summary of a job."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Sequence

from bench.judging.check import Check
from bench.judging.readings import JUDGED
from bench.leaderboard.cells import amount
from bench.stats.gate import FAIL, INCONCLUSIVE, PASS
from bench.text.shown import markdown as shown
from bench.text.shown import terminal
from bench.types import Json

_WORST_FIRST = (FAIL, INCONCLUSIVE, PASS)


def outcome(checks: Sequence[Check]) -> str:
    """The job's: FAIL where any check fails, else INCONCLUSIVE where any is, else PASS."""
    found = {check.verdict.outcome for check in checks}
    return next(word for word in _WORST_FIRST if word in found)


def line(check: Check) -> str:
    """The verdict in one line: what was found, what is allowed, and why."""
    return f"{check.verdict.outcome}  {title(check)}: {said(check)}"


def title(check: Check) -> str:
    """The task, the model, and what was judged."""
    return f"{check.run.task} / {check.run.model} {check.what}"


def said(check: Check) -> str:
    """The line without its verdict."""
    told = _score if check.what == "score" else _speed if is_of_speed(check) else None
    parts = [told(check)] if told and check.value is not None else []
    if check.verdict.outcome == INCONCLUSIVE and check.what == "score":
        parts.append(_needed(check))
    parts += [part for part in (check.verdict.reason, *check.notes) if part]
    return "; ".join(part for part in parts if part)


def is_of_speed(check: Check) -> bool:
    """Whether a verdict is on times: of the run's batches ("speed"), or of a scenario reading ("offline speed")."""
    return check.what.partition(" ")[0] in ("speed", *JUDGED)


def _score(check: Check) -> str:
    unit = 100 if check.score.is_fraction else 1
    upwards = check.score.higher_is_better
    change = check.change if upwards or check.change is None else -check.change
    low, high = check.verdict.low, check.verdict.high
    if not upwards and low is not None and high is not None:
        low, high = -high, -low
    values = (check.value or 0.0, check.expected or 0.0)
    shown = [amount(found) if unit == 1 else f"{unit * found:.1f}" for found in values]
    bounds = _bounds(check.verdict.outcome, low, high, unit, upwards=upwards)
    less = "" if upwards else " (less is better)"
    other = f" ({check.baseline.model})" if check.baseline.model != check.run.model else ""
    return (
        f"{check.score.metric}{less} {shown[0]}, baseline{other} {shown[1]}, difference {_signed(change or 0.0, unit)}"
        f"{bounds}, margin {amount(check.margin) if unit == 1 else f'{unit * check.margin:.2f}'}"
    )


def _bounds(outcome: str, low: float | None, high: float | None, unit: float, *, upwards: bool) -> str:
    """The bound that the verdict rests on; both where neither decides."""
    if low is None or high is None:
        return ""
    if outcome == INCONCLUSIVE:
        return f" [between {_signed(low, unit)} and {_signed(high, unit)}]"
    least = (outcome == PASS) == upwards
    return f" [at least {_signed(low, unit)}]" if least else f" [at most {_signed(high, unit)}]"


def _signed(value: float, unit: float) -> str:
    """A difference with its sign: of fractions in points, of what is none with three digits that count."""
    if unit == 1 and value and not 0.1 <= abs(value) < 1e6:
        return f"{value:+.3g}"
    text = f"{unit * value:+.2f}"
    return "0.00" if float(text) == 0 else text


def _speed(check: Check) -> str:
    """Times as words: the run's, the baseline's, and how much longer it takes."""
    longer = [_longer(change) for change in (check.change, check.verdict.high, check.verdict.low)]
    bounds = ""
    if check.verdict.low is not None:
        either = {PASS: f"at most {longer[2]}", FAIL: f"at least {longer[1]}"}
        bounds = f" [{either.get(check.verdict.outcome, f'between {longer[1]} and {longer[2]}')}]"
    what = "an answer" if check.what.startswith("single_stream") else "an example"
    return (
        f"{_seconds(check.value)} {what}, baseline {_seconds(check.expected)}, difference {longer[0]}{bounds}, "
        f"margin {100 * check.margin:+.0f} %"
    )


def _longer(change: float | None) -> str:
    """ln(baseline / run) as percent of time more or less."""
    text = f"{100 * math.expm1(-(change or 0.0)):+.1f} %"
    return text if float(text[:-2]) else "0.0 %"


def _seconds(value: float | None) -> str:
    found = value or 0.0
    return f"{found:.3g} s" if found >= 1 else f"{1000 * found:.3g} ms"


def _needed(check: Check) -> str:
    needed = check.verdict.needed
    if needed is None:
        return ""
    more = f"{'about' if check.verdict.low is not None else 'at least'} {needed:,} examples are needed"
    size = check.baseline.n_examples
    return f"{more}, more than the baseline's {size:,}: widen the margin, or make it of more" if needed > size else more


def record(check: Check) -> dict[str, Json]:
    """One verdict for `--json`; scores as fractions, speed as seconds and ln(baseline / run)."""
    verdict = check.verdict
    of_times = "seconds an answer" if check.what.startswith("single_stream") else "seconds an example"
    metric = (
        check.score.metric if check.what == "score" else of_times if is_of_speed(check) else f"answers {check.what}"
    )
    return {
        "task": check.run.task, "model": check.run.model, "run_id": check.run.run_id, "baseline_run_id": check.baseline.run_id,
        "what": check.what, "metric": metric,
        "verdict": verdict.outcome, "value": check.value, "baseline": check.expected, "change": check.change,
        "low": verdict.low, "high": verdict.high, "p": verdict.p, "margin": check.margin, "n": check.n,
        "needed": verdict.needed, "reason": verdict.reason, "notes": list(check.notes), "line": line(check),
    }  # fmt: skip


def junit(checks: Sequence[Check]) -> str:
    """JUnit XML: a suite a task and model, a case each for score and speed.

    FAIL is a failure and INCONCLUSIVE an error: CI shows both as not passed and apart from each other, where "skipped" would
    look green beside an exit code of 3.
    """
    root = ET.Element("testsuites", {"name": "bench check", **_counts(checks)})
    suites: dict[tuple[str, str], list[Check]] = {}
    for check in checks:
        suites.setdefault((check.run.task, check.run.model), []).append(check)
    for (task, model), found in suites.items():
        suite = ET.SubElement(root, "testsuite", {"name": _xml(f"{task} / {model}"), **_counts(found), "skipped": "0"})
        for check in found:
            seconds = check.run.timings["seconds"].get("predict", 0.0) if check.what == "speed" else 0.0
            case = ET.SubElement(
                suite, "testcase", classname=_xml(f"{task}.{model}"), name=check.what, time=f"{seconds:.3f}"
            )
            kind = {FAIL: "failure", INCONCLUSIVE: "error"}.get(check.verdict.outcome)
            if kind:
                ET.SubElement(case, kind, message=_xml(said(check)), type=check.verdict.outcome).text = _xml(
                    line(check)
                )
            ET.SubElement(case, "system-out").text = _xml(line(check))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False).join(
        ('<?xml version="1.0" encoding="UTF-8"?>\n', "\n")
    )


def _counts(checks: Sequence[Check]) -> dict[str, str]:
    outcomes = [check.verdict.outcome for check in checks]
    return {
        "tests": str(len(checks)),
        "failures": str(outcomes.count(FAIL)),
        "errors": str(outcomes.count(INCONCLUSIVE)),
    }


def _xml(text: str) -> str:
    """The text without what XML cannot hold, or nobody can see; its markup is escaped by who writes the tree."""
    return terminal(text).replace("\ufffe", "").replace("\uffff", "")


def markdown(checks: Sequence[Check]) -> str:
    """A summary for a job's page: the verdict, and a row each."""
    rows = [
        f"| {check.verdict.outcome} | {shown(f'{check.run.task} / {check.run.model}')} | {check.what} | {shown(said(check))} |"
        for check in checks
    ]
    heads = ["| verdict | task / model | on | found |", "|---|---|---|---|"]
    return "\n".join([f"## bench check: {outcome(checks)}", "", *heads, *rows, "", ""])
