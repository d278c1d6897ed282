"""What `evaluate` and `load_run` give: a complete run with its scores, times and predictions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from bench.notebook import html
from bench.notebook.kinds import chosen
from bench.notebook.plainly import plainly

if TYPE_CHECKING:
    from bench.record import Run, Score
    from bench.runs.measurements import Measurements
    from bench.types import Json, Prediction


class Evaluation:
    """A complete run: `run` is its record, `folder` where it lies. Shown as its scores with their 95 % intervals."""

    def __init__(self, run: Run, folder: Path) -> None:
        self.run, self.folder = run, folder.absolute()

    @property
    def task(self) -> str:
        """The task's name."""
        return self.run.task

    @property
    def model(self) -> str:
        """What the model is called."""
        return self.run.model

    @property
    def run_id(self) -> str:
        """12 hex digits of all that can change an answer."""
        return self.run.run_id

    @property
    def scores(self) -> Mapping[str, Score]:
        """Each metric's score by name, the one that ranks first: `value` with `low` and `high`, fractions as they are."""
        return MappingProxyType({score.metric: score for score in self.run.scores})

    @property
    def timings(self) -> Mapping[str, Json]:
        """Seconds by phase, examples a second and the like, None for what means nothing of this model.

        Of a run that was handed in these are its maker's word, as `to_frame("timings")` says of each.
        """
        from bench.runs.rates import shown

        return MappingProxyType(shown(self.run))

    @cached_property
    def predictions(self) -> tuple[Prediction, ...]:
        """What the model said of each example, in the order of the data; raises BenchError where the file is damaged."""
        from bench.runs.folder import RunFolder

        with plainly():
            return tuple(RunFolder(self.folder).predictions())

    @cached_property
    def measurements(self) -> Measurements:
        """What the metrics measured of each example, with clusters and slices; raises BenchError where that was not kept."""
        from bench.runs import measurements

        with plainly():
            return measurements.read(self.folder)

    def to_frame(self, of: str = "scores") -> Any:
        """A pandas DataFrame of the "scores", the "predictions", the "slices" (of the metric that ranks) or the "timings"."""
        from bench.notebook import frames

        with plainly():
            return chosen(of, {
                "scores": lambda: frames.scores(self.run), "predictions": lambda: frames.predictions(self),
                "slices": lambda: frames.slices(self), "timings": lambda: frames.timings(self.run, self.timings),
            }, "frame")  # fmt: skip

    def plot(self, of: str = "scores") -> Any:
        """A figure of the "scores", the "slices" or the "calibration", where a model gave confidences in labels."""
        from bench.notebook import plots

        with plainly():
            return chosen(of, {
                "scores": lambda: plots.scores(self.run), "slices": lambda: plots.slices(self),
                "calibration": lambda: plots.calibration(self),
            }, "plot")  # fmt: skip

    def __repr__(self) -> str:
        from bench.leaderboard.cells import interval

        said = [f"{score.metric} {interval(score)}" for score in self.run.scores if score.value is not None]
        return html.plain([f"{self._title()}: {', '.join(said)}", *self._lines()])

    def _repr_html_(self) -> str:
        from bench.leaderboard.cells import interval

        rows = [(one.metric, interval(one), one.n, one.n_failed, one.note) for one in self.run.scores]
        return html.table(self._title(), ("metric", "value [95 %]", "n", "failed", "note"), rows) + html.lines(
            [*self._lines()]
        )

    def _title(self) -> str:
        from bench.text.names import labelled

        return f"{self.run.task} / {labelled(self.run.model)}"

    def _lines(self) -> Iterator[str]:
        from bench.leaderboard import endings
        from bench.leaderboard.cells import shown
        from bench.leaderboard.readings import figure
        from bench.runs.claimed import LEGEND, is_claimed
        from bench.runs.claimed import shown as marked
        from bench.runs.rates import examples_per_second

        failed = self.run.scores[0].n_failed
        if failed and failed == self.run.n_examples:
            yield f"every one of the {failed} examples failed, so this is no result"
        if ended := endings.line(self.run, shown):
            yield ended
        rate = examples_per_second(self.run)
        speed = f", {marked(self.run, 'examples_per_second', figure(rate))} a second" if rate else ""
        yield f"{self.run.n_examples} examples{speed}; run {self.run.run_id} in {self.folder}"
        if is_claimed(self.run, "examples_per_second"):
            yield LEGEND
