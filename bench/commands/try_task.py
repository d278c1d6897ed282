"""`bench try`: a task before it is run."""

from __future__ import annotations

import argparse
from collections import Counter

from bench.commands.shared import output
from bench.errors import BenchError
from bench.record import Score
from bench.scaffold import suspicions
from bench.scaffold.trial import Trial, models, tried
from bench.stats.intervals import MIN_CLUSTERS
from bench.text.counted import counted
from bench.text.shown import tell
from bench.types import Request, Row, Text

_LONGEST = 1_500  # characters of a part that are shown


def main(options: argparse.Namespace) -> int:
    """Show prompts, plain scores, who can take the task and what looks wrong; 1 where something is wrong with the rows."""
    if options.prompts < 0:
        raise BenchError(f"--prompts {options.prompts} must be 0 or more")
    found = tried(options.overrides)
    can, cannot = models(found.task)
    has_interval = len({one.cluster for one in found.examples}) >= MIN_CLUSTERS
    half = suspicions.half_width(found.examples) if has_interval else None
    if options.json:
        output.emit(
            {
                "task": found.task.name,
                "n": found.n_examples,
                "clusters": len({one.cluster for one in found.examples}),
                "half_width": half,
                "prompts": [{"id": one.id, "parts": shown(one)} for one in found.requests[: options.prompts]],
                "metric": found.task.metrics[0].name,
                "scores": {name: one.value for name, one in found.scores.items()},
                "models": can,
                "not": cannot,
                "faults": found.faults,
                "warnings": found.remarks,
            }
        )
        return 1 if found.faults else 0
    _tell(found, options.prompts, can, cannot, half)
    return 1 if found.faults else 0


def _tell(found: Trial, prompts: int, can: list[str], cannot: dict[str, str], half: float | None) -> None:
    task, n_clusters = found.task, len({one.cluster for one in found.examples})
    tell(
        f"{task.name}: {counted(found.n_examples, 'example')} in {counted(n_clusters, 'cluster')} ({task.card.cluster}); "
        f"{task.output.__name__} out"
    )
    for request in found.requests[:prompts]:
        tell("")
        tell(f"prompt of {request.id}:")
        for line in shown(request):
            tell(f"  {line}")
    if found.scores:
        part = f" of {len(found.looked):,} examples" if len(found.looked) < found.n_examples else ""
        tell("")
        tell(f"{task.metrics[0].name}{part}:")
        for name, score in found.scores.items():
            tell(f"  {name:<9}{_value(score)}")
    tell("")
    tell(f"{counted(len(can), 'registered model')} can take it: {', '.join(can)}")
    for why, n in Counter(cannot.values()).most_common():
        tell(f"  {n} cannot, each {why}: {', '.join(name for name, one in cannot.items() if one == why)}")
    if half is not None:
        tell("")
        tell(
            f"a score of 50 % would have an interval of about ± {100 * half:.1f} points, were each cluster all right or all wrong"
        )
    for line in found.faults:
        tell(f"WRONG: {line}")
    for line in found.remarks:
        tell(f"look: {line}")
    if not found.faults and not found.remarks:
        tell("nothing looks wrong")


def shown(request: Request) -> list[str]:
    """The parts of a request as a model gets them, and what is asked for: a line or more for each."""
    lines = []
    for part in request.parts:
        if isinstance(part, Text):
            kind = f"{part.role}, row of {len(part.columns)} columns" if isinstance(part, Row) else part.role
            text = (
                part.text if len(part.text) <= _LONGEST else f"{part.text[:_LONGEST]} … ({len(part.text):,} characters)"
            )
            first, *rest = text.split("\n")
            lines += [f"[{kind}] {first}", *(f"    {line}" for line in rest)]
        else:
            lines.append(f"[{part.kind}] {getattr(part, 'path', None) or 'made for the request'}")
    return [*lines, f"-> {_output(request)}"]


def _output(request: Request) -> str:
    given = {
        name: value for name, value in vars(request.output).items() if name not in ("context", "question", "pieces")
    }
    told = ", ".join(f"{name}={str(value)[:160]}" for name, value in given.items() if value not in ((), "", False))
    return f"{type(request.output).__name__}({told})"


def _value(score: Score) -> str:
    if score.value is None:
        return score.note
    unit = 100 if score.is_fraction else 1
    around = (
        f" [{unit * score.low:.1f}, {unit * score.high:.1f}]"
        if score.low is not None and score.high is not None
        else ""
    )
    return f"{unit * score.value:.1f}{around}"
