"""`check`: the gate of `bench check`, for a program."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.notebook import html
from bench.notebook.naming import Reference, reference_of, runs_below
from bench.notebook.plainly import plainly

if TYPE_CHECKING:
    from bench.judging.check import Check


def check(
    run: Reference, against: Reference | None = None, *, margin: float = 0.01, speed_margin: float | None = 0.2,
    level: float = 0.05, most: Mapping[str, str | float] | None = None, runs_dir: str | os.PathLike[str] | None = None,
) -> Checked:  # fmt: skip
    """Judge whether a run is surely no worse than another, or than a baseline's file; true only for PASS.

    Without `against` it is leaderboards/baselines/TASK/MODEL.json. `margin` is a fraction of the score, `speed_margin` one of the
    time (None: speed is not judged), `level` how often a verdict may be wrong, `most` how many answers may be "cut", "empty" or
    "unparsed", as in {"cut": "1%"}. Raises BenchError where the two cannot be compared.
    """
    from bench.commands.check import judge
    from bench.judging.check import Rules
    from bench.judging.ended import limits

    with plainly():
        rules = Rules(margin, speed_margin, level, limits(most or {})).in_range()
        baseline = None if against is None else reference_of(against)
        return Checked(judge([reference_of(run)], baseline, rules, runs_below(runs_dir)))


class Checked:
    """The verdicts of a gate, on the score, on speed, and on how answers ended."""

    def __init__(self, checks: Sequence[Check]) -> None:
        self.checks = tuple(checks)

    @property
    def outcome(self) -> str:
        """PASS, FAIL, or INCONCLUSIVE where the data do not decide."""
        from bench.judging.verdicts import outcome

        return outcome(self.checks)

    def __bool__(self) -> bool:
        return self.outcome == "PASS"

    def to_frame(self) -> Any:
        """A pandas DataFrame with a row for each verdict."""
        from bench.notebook import frames

        return frames.checks(self.checks)

    def __repr__(self) -> str:
        from bench.judging.verdicts import line

        return html.plain([line(one) for one in self.checks])

    def _repr_html_(self) -> str:
        from bench.judging.verdicts import said

        rows = [(one.verdict.outcome, one.what, said(one)) for one in self.checks]
        of = self.checks[0].run
        return html.table(f"{of.task} / {of.model}: {self.outcome}", ("verdict", "of", "why"), rows)
