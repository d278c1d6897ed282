"""`bench verify`: bundles of others, scored again on one's own data."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.artifacts.held import stay_offline
from bench.commands.shared import output
from bench.commands.shared.bundle_verdicts import CODES, WORDS, Ground, judge
from bench.errors import BenchError
from bench.text.shown import tell

if TYPE_CHECKING:
    from bench.bundles.verify import Hidden
    from bench.commands.shared.rebuilt import Draw
    from bench.record import Score
    from bench.task import Task
    from bench.types import Example, Prediction


class WithPrivate(Ground):
    """The ground of whoever may have references that are held out."""

    def hidden(self, submitter: str) -> Hidden:
        """Scores on held-out references, counted as an attempt of this submitter; None where there are none here."""
        from bench.submissions import held_out

        def score(
            task: Task, examples: Sequence[Example], predictions: Sequence[Prediction]
        ) -> tuple[tuple[Score, ...], int] | None:
            private = held_out.references(task, self.config(task.name), examples)
            if private is None:
                return None
            result = held_out.score(task, private, predictions, submitter)
            return result.scores, result.attempt

        return score


def main(options: argparse.Namespace) -> int:
    """Print a line a run, in the order of the bundles; the exit code is that of the worst verdict.

    0 all verified; 1 one refused; 2 one could not be judged, or not be added; 70 a fault of bench itself, before all others.
    """
    ground = WithPrivate(options.data_dir, _draw(options))
    try:
        with tempfile.TemporaryDirectory(prefix="bench-verify-") as folder:
            verdicts = judge(
                options.bundles, Path(folder), ground, options.runs, add=options.add, replace=options.replace
            )
    except OSError as error:
        raise BenchError(
            f"there is no room to unpack bundles ({error.strerror}); free space, or name another folder in TMPDIR"
        ) from None
    if options.json:
        counts = {status: sum(one.status == status for one in verdicts) for status in WORDS}
        output.emit(counts | {"runs": [verdict.record() for verdict in verdicts]})
    else:
        for verdict in verdicts:
            for line in verdict.text(several=len(options.bundles) > 1).split("\n"):
                tell(line)
            for line in verdict.added:
                tell(f"  {line}")
    codes = {CODES[verdict.status] for verdict in verdicts} | ({2} if any(one.left_out for one in verdicts) else set())
    return next(code for code in CODES.values() if code in codes)


def _draw(options: argparse.Namespace) -> Draw | None:
    """Which examples `--rerun` asks for, None without it; raises BenchError for a number that means nothing."""
    if options.offline:
        stay_offline()
    if options.rerun is None:
        if options.seed is not None:
            raise BenchError("--seed chooses the examples of --rerun N; give both")
        return None
    if options.rerun < 1 or (options.seed or 0) < 0:
        raise BenchError(
            f"--rerun {options.rerun} --seed {options.seed}: run at least 1 example, by a seed of at least 0"
        )
    from bench.commands.shared.rebuilt import Draw

    return Draw(options.rerun) if options.seed is None else Draw(options.rerun, options.seed)
