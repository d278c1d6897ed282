"""What the page of a run shows of its time: the timeline, the trace file beside the page, and its scenarios."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.bundles.public import public_text
from bench.record import Run
from bench.site.distributions import Distribution, distribution
from bench.site.folder import SiteFolder
from bench.site.strips import Strip, strips
from bench.timeline.scenarios import of_run
from bench.timeline.trace import document
from bench.timeline.whole import timeline


@dataclass(frozen=True)
class Times:
    """`trace` names the trace file beside the page, "" where nothing was timed; `left_out` earlier attempts are not drawn."""

    strips: list[Strip] = field(default_factory=list)
    scenarios: list[Distribution] = field(default_factory=list)
    trace: str = ""
    left_out: int = 0
    notes: Sequence[str] = ()


def write(out: SiteFolder, name: str, run: Run, folder: Path | None) -> Times:
    """Write the trace file of a run, whose page has this name; what the page shows of its time."""
    readings = of_run(run, folder)
    scenarios = [distribution(run, one) for one in readings]
    if folder is None:
        return Times(scenarios=scenarios)
    whole = timeline(run, folder, readings)
    drawn, left_out = strips(whole)
    trace = ""
    if any(one.bars or one.answers for one in whole.processes):
        trace = f"{name}.trace.json"
        out.write(f"runs/{trace}", "".join(document(run, whole)))
    return Times(drawn, scenarios, trace, left_out, [public_text(note) for note in whole.notes])
