"""Whether a record says of its own predictions what they say: nothing here needs a score, and an honest run never differs."""

from __future__ import annotations

import datetime
import hashlib
import math
from collections.abc import Mapping, Sequence

from bench.bundles.archive import Refused
from bench.bundles.strict import short
from bench.engine.reuse import counted
from bench.record import ELSEWHERE, UNKNOWN, Run
from bench.task import Task
from bench.types import Example, Prediction, Span


def refuse_contradictions(run: Run, task: Task, examples: Sequence[Example], found: Mapping[str, Prediction]) -> None:
    """Raise Refused at the first thing that the record, or a prediction, says and another part of it denies."""
    _same_dates(run)
    if (due := counted(found.values())) != dict(run.reused):
        raise Refused(f"reused: its record says {short(dict(run.reused))}, its predictions {short(due)}")
    for name, value in (("seed", run.seed), ("limit", run.limit)):
        if name in run.config and run.config[name] != value:
            raise Refused(f"{name}: its record says {value}, its configuration {short(run.config[name])}")
    _same_ends(found)
    _same_asked(run, examples, found)
    _same_audit(run, found)
    if not run.submission:
        if given := next((one.id for one in found.values() if one.answer is not None), None):
            raise Refused(
                f"the prediction for {given!r} is a final answer, which only predictions that were brought may be"
            )
    elif foreign := set(run.submission["missing"].get("first", ())) - ({one.id for one in examples} - set(found)):
        raise Refused(f"it says that {short(repr(min(foreign)))} is missing, which is not")
    _same_spans(task, examples, found)


def _same_dates(run: Run) -> None:
    """The run and its scores of before were made one after the other, and none of them tomorrow."""
    latest = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)
    made = [run.created, *(one[name] for one in run.history for name in ("created", "replaced"))]
    for text in made:
        if datetime.datetime.fromisoformat(text) > latest:
            raise Refused(f"it says to be of {text}, which is in the future")
    if made[1:] != sorted(made[1:], key=datetime.datetime.fromisoformat):
        raise Refused("its scores of before do not follow one another in time")


def _same_ends(found: Mapping[str, Prediction]) -> None:
    """Thinking is no longer than all that was said."""
    for one in found.values():
        if one.thinking_tokens > one.new_tokens:
            raise Refused(
                f"the prediction for {one.id!r} has {one.thinking_tokens:,} tokens of thinking among {one.new_tokens:,}"
            )


def _same_asked(run: Run, examples: Sequence[Example], found: Mapping[str, Prediction]) -> None:
    """What was asked as a whole is what each prediction says to answer; of what was brought nobody knows."""
    if (run.asked == ELSEWHERE) is not bool(run.submission) and run.asked != UNKNOWN:
        what = "predictions that were brought, of which it cannot tell what was asked"
        raise Refused(f"asked: its record says {run.asked[:12]}, and {'' if run.submission else 'not '}to be of {what}")
    if run.asked in (UNKNOWN, ELSEWHERE):
        return
    digests = "\n".join(found[one.id].asked if one.id in found else "" for one in examples)
    if (whole := hashlib.sha256(digests.encode()).hexdigest()) != run.asked:
        raise Refused(f"asked: its record says {run.asked[:12]}, the requests of its predictions give {whole[:12]}")


def _same_audit(run: Run, found: Mapping[str, Prediction]) -> None:
    audit = run.audit
    if not audit:
        return
    n, flips, ids = audit["n"], audit["flips"], audit.get("ids", [])
    sound = flips <= n <= run.n_examples and len(set(ids)) == len(ids) == flips and set(ids) <= set(found)
    if not sound or not math.isclose(audit["flip_rate"], flips / n if n else 0.0, rel_tol=1e-9):
        raise Refused(f"audit: {flips} flips of {n} at a rate of {audit['flip_rate']}, {len(ids)} of them named")


def _same_spans(task: Task, examples: Sequence[Example], found: Mapping[str, Prediction]) -> None:
    """The text of a span is what stands there."""
    for example in examples:
        one = found.get(example.id)
        if one is None or one.span is None:
            continue
        output = task.request(example).output
        context = output.context if isinstance(output, Span) else None
        start, end = one.span
        if context is None or not start <= end <= len(context) or one.text != context[start:end]:
            there = (
                "which is no span of its context"
                if context is None
                else f"where {short(repr(context[start:end]))} stands"
            )
            raise Refused(f"example {example.id!r}: span {start}:{end} with the text {short(repr(one.text))}, {there}")
