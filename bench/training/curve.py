"""The curve of one seed as DAWNBench has it: a TSV of epoch, hours of training, and the metric."""

from __future__ import annotations

from bench.data.dawnbench_values import DATA_SETS
from bench.training.ledger import Way

FILE = "curve.tsv"


def text(found: Way, task: str, metric: str) -> str:
    """The evaluations of a way, a line each, behind a line of headings, under DAWNBench's name and in its unit where it has one."""
    theirs = next((one for one in DATA_SETS.values() if (one.task, one.metric) == (task, metric)), None)
    name, whole = (theirs.accuracy, theirs.whole) if theirs else (metric, 1.0)
    lines = [f"epoch\thours\t{name}"]
    for one in found.evaluations:
        if one.step and one.value is not None:
            lines.append(f"{one.epoch:.10g}\t{found.seconds(one.step) / 3600:.10g}\t{whole * one.value:.10g}")
    return "\n".join(lines) + "\n"
