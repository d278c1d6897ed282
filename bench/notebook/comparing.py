"""`compare`: is the second of two runs better on the same examples, by how much, and where? As `bench compare` says it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from bench.notebook import html
from bench.notebook.kinds import chosen
from bench.notebook.naming import Reference, folder_of
from bench.notebook.plainly import plainly

if TYPE_CHECKING:
    from bench.judging.changes import Changes
    from bench.judging.compare import Comparison
    from bench.judging.pair import PairedMetric


def compare(
    a: Reference, b: Reference, *, metric: str | None = None, shared: bool = False, examples: int = 10,
    resamples: int = 10_000, seed: int = 0, runs_dir: str | os.PathLike[str] | None = None,
) -> Compared:  # fmt: skip
    """Compare two runs of one task, paired and clustered; each is an evaluation or what `load_run` takes.

    `metric` decides instead of the one that ranks; with `shared`, runs on different data are compared on the examples that both
    have; `examples` are how many changed examples are kept. Raises BenchError where the two cannot be compared.
    """
    from bench.commands.shared.paired import in_range, of_sides
    from bench.judging.changes import changes
    from bench.judging.compare import corrected
    from bench.judging.pair import read_side

    with plainly():
        for name, given in (("examples", examples), ("resamples", resamples), ("seed", seed)):
            in_range(name, given)
        sides = [read_side(folder_of(one, runs_dir)) for one in (a, b)]
        found, decides = of_sides(*sides, metric=metric, on_shared=shared, resamples=resamples, seed=seed)
        (comparison,) = corrected([found])
        return Compared(comparison, changes(comparison, decides, examples))


class Compared:
    """Two runs compared: `comparison` has every metric and slice, `changes` the examples that B answers otherwise, worst first."""

    def __init__(self, comparison: Comparison, changes: Changes) -> None:
        self.comparison, self.changes = comparison, changes

    @property
    def better(self) -> str:
        """ "A" or "B" where one is better at 5 %, by test and interval; "" where no difference was found."""
        from bench.judging.compare import better

        return better(self.comparison)

    @property
    def verdict(self) -> str:
        """The comparison in plain words."""
        from bench.commands.shared.differences import verdict

        return verdict(self.comparison)

    def to_frame(self, of: str = "metrics") -> Any:
        """A pandas DataFrame of the "metrics", the "slices" or the "changes": differences are B - A, fractions as they are."""
        from bench.notebook import frames

        with plainly():
            return chosen(of, {
                "metrics": lambda: frames.differences(self.comparison), "slices": lambda: frames.slice_differences(self.comparison),
                "changes": lambda: frames.changes(self.changes),
            }, "frame")  # fmt: skip

    def plot(self, of: str = "metrics") -> Any:
        """A figure of the differences B - A with their 95 % intervals: of all "metrics", or by the "slices" of the first."""
        from bench.notebook import plots

        with plainly():
            return chosen(of, {
                "metrics": lambda: plots.differences(self.comparison), "slices": lambda: plots.slice_differences(self.comparison),
            }, "plot")  # fmt: skip

    def __repr__(self) -> str:
        return html.plain([self._title(), *self._sides(), *(" ".join(self._row(one)) for one in self.comparison.metrics),
                           *self.comparison.notes, self.verdict])  # fmt: skip

    def _repr_html_(self) -> str:
        rows = [self._row(one) for one in self.comparison.metrics]
        first = html.lines(self._sides())
        shown = html.table(self._title(), ("metric", "A", "B", "B - A [95 %]", "p"), rows)
        changed = [(one.id, one.a_answer, one.b_answer) for one in self.changes.worst]
        below = (
            html.table("Changed examples, worst for B first", ("example", "A's answer", "B's answer"), changed)
            if changed
            else ""
        )
        return first + shown + html.lines([*self.comparison.notes, self.verdict]) + below

    def _title(self) -> str:
        return f"{self.comparison.a.run.task}: {self.comparison.n:,} examples"

    def _sides(self) -> list[str]:
        from bench.leaderboard.alike import origin_of
        from bench.text.names import labelled

        runs = {"A": self.comparison.a.run, "B": self.comparison.b.run}
        return [f"{letter}: {labelled(run.model)} ({run.run_id}), {origin_of(run)}" for letter, run in runs.items()]

    def _row(self, one: PairedMetric) -> list[str]:
        return [*_cells(one)]


def _cells(one: PairedMetric) -> Iterator[str]:
    from bench.commands.shared.differences import difference, p_text

    yield one.metric if one.higher_is_better else f"{one.metric} (lower is better)"
    for value in (one.a, one.b):
        yield "–" if value is None else f"{100 * value:.2f}" if one.is_fraction else f"{value:.4f}"
    yield difference(one, one.difference)
    yield p_text(one.difference.p) if one.difference else one.note or "–"
