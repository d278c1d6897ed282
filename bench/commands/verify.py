"""`bench verify`: bundles of others, scored again on one's own data."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.commands.shared import output
from bench.config import compose as conf
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.bundles.bundle import Bundle
    from bench.bundles.copies import Said
    from bench.bundles.verify import Hidden, Verified
    from bench.commands.shared.rebuilt import Draw
    from bench.task import Task
    from bench.types import Example, Prediction, Run, Score

VERIFIED, REFUSED, UNABLE = "verified", "refused", "unable"
_WORDS = {VERIFIED: "VERIFIED", REFUSED: "REFUSED", UNABLE: "NOT VERIFIED"}


@dataclass
class Verdict:
    """What became of a run, or of a bundle that could not be read (`run` is None)."""

    file: Path
    status: str
    line: str
    run: Run | None = None
    found: Verified | None = None
    said: Said | None = None
    added: list[str] = field(default_factory=list)

    def text(self, *, several: bool = False) -> str:
        """One line for a person, and one for each note; of `several` bundles it says which."""
        what = (
            f"{self.run.task} / {self.run.model}{f' in {self.file}' if several else ''}" if self.run else str(self.file)
        )
        notes = [f"\n  note: {note}" for note in (self.found.notes if self.found else ())]
        return f"{_WORDS[self.status]}  {what}: {self.line}{''.join(notes)}"

    def record(self) -> dict[str, Any]:
        """The same for `--json`."""
        named = {"task": self.run.task, "model": self.run.model, "run_id": self.run.run_id} if self.run else {}
        scores = [vars(score) for score in self.found.scores] if self.found else []
        notes = list(self.found.notes) if self.found else []
        rerun = self.found.rerun.record() if self.found and self.found.rerun else None
        return {"file": str(self.file), "status": self.status, "line": self.line, **named, "scores": scores,
                "notes": notes, "rerun": rerun, "added": self.added}  # fmt: skip


def main(options: argparse.Namespace) -> int:
    """Print a line a run; 0 if all are verified, 1 if one is refused, 2 if one could not be judged."""
    for path in options.bundles:
        if not path.is_file():
            raise BenchError(f"{path} is not a file; give bundles that `bench submit` made")
    ground, draw = Ground(options.data_dir), _draw(options)
    try:
        with tempfile.TemporaryDirectory(prefix="bench-verify-") as folder:
            verdicts = judge(options.bundles, Path(folder), ground, options.runs, add=options.add, draw=draw)
    except OSError as error:
        raise BenchError(
            f"a bundle cannot be unpacked ({error.strerror}); free space, or name another folder in TMPDIR"
        ) from None
    if options.json:
        counts = {status: sum(one.status == status for one in verdicts) for status in _WORDS}
        output.emit(counts | {"runs": [verdict.record() for verdict in verdicts]})
    else:
        for verdict in verdicts:
            print(verdict.text(several=len(options.bundles) > 1))
            for line in verdict.added:
                print(f"  {line}")
    statuses = {verdict.status for verdict in verdicts}
    return 1 if REFUSED in statuses else 2 if UNABLE in statuses else 0


def _draw(options: argparse.Namespace) -> Draw | None:
    """Which examples `--rerun` asks for, None without it; raises BenchError for a number that means nothing."""
    if options.offline:
        os.environ["BENCH_OFFLINE"] = os.environ["HF_HUB_OFFLINE"] = "1"
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


@dataclass
class Ground:
    """What bundles are judged by: the tasks as this installation has them, over the data that lie here."""

    data_dir: Path | None = None

    def task(self, name: str) -> Task:
        """The task of this name in conf/task; raises BenchError where there is none that runs models."""
        from bench.config.build import build
        from bench.task import Task

        if name not in conf.names("task"):
            raise BenchError(f"task '{name}' is not known here; `bench list tasks` shows those that are")
        task = build(self._config(name), "task")
        if not isinstance(task, Task):
            raise BenchError(f"task '{name}' ranks entries and runs no model, so no bundle can hold a run of it")
        return task

    def _config(self, name: str) -> Mapping[str, Any]:
        quoted = str(self.data_dir).replace("'", r"\'")
        place = [f"data_dir='{quoted}'"] if self.data_dir else []
        found: Mapping[str, Any] = conf.plain(conf.compose([f"task={name}", *place])[0])["task"]
        return found

    def hidden(self, submitter: str) -> Hidden:
        """Scores on held-out references, counted as an attempt of this submitter; None where there are none here."""
        from bench.submissions import held_out

        def score(
            task: Task, examples: Sequence[Example], predictions: Sequence[Prediction]
        ) -> tuple[tuple[Score, ...], int] | None:
            private = held_out.references(task, self._config(task.name), examples)
            if private is None:
                return None
            result = held_out.score(task, private, predictions, submitter)
            return result.scores, result.attempt

        return score


def judge(
    paths: Sequence[Path], room: Path, ground: Ground, runs_dir: Path, *, add: bool = False, draw: Draw | None = None
) -> list[Verdict]:
    """The verdict on every run of these bundles, which are unpacked below `room`; with `add` the good ones are taken in.

    With `draw` the models of those whose scores hold are run again.
    """
    from bench.bundles import copies
    from bench.bundles.archive import Refused
    from bench.bundles.unpack import predictions, unpack
    from bench.leaderboard.entry import SUBMISSIONS

    found: list[list[Verdict]] = []  # of each bundle, in the order in which they were given
    bundles: list[tuple[Bundle, list[Verdict]]] = []
    for number, path in enumerate(paths):
        try:
            bundle = unpack(path, room / str(number))
        except Refused as error:
            found.append([Verdict(path, REFUSED, str(error))])
            continue
        verdicts = []
        for folder, run in bundle.runs:
            answers = copies.answers(predictions(folder, f"{run.task}/{run.model}"))
            said = copies.Said.of(run, answers, f"{run.task}/{run.model} in {path}")
            verdicts.append(Verdict(path, UNABLE, "", run, said=said))
        found.append(verdicts)
        bundles.append((bundle, verdicts))
    others = [one.said for _, verdicts in bundles for one in verdicts if one.said]
    others += list(copies.known(runs_dir, SUBMISSIONS, others))
    for bundle, verdicts in bundles:
        for (folder, _), verdict in zip(bundle.runs, verdicts, strict=True):
            _decide(verdict, bundle, folder, ground, others)
            if draw is not None and verdict.status == VERIFIED:
                _run_again(verdict, folder, ground, draw)
        if add and all(verdict.status == VERIFIED for verdict in verdicts):
            _take_in(bundle, verdicts, runs_dir)
    return [verdict for verdicts in found for verdict in verdicts]


def _decide(verdict: Verdict, bundle: Bundle, folder: Path, ground: Ground, others: Sequence[Said]) -> None:
    from dataclasses import replace

    from bench.bundles import copies
    from bench.bundles.archive import Refused
    from bench.bundles.verify import verified
    from bench.leaderboard.board import interval

    run, said = verdict.run, verdict.said
    if run is None or said is None:
        return
    try:
        found = verified(run, folder, ground.task(run.task), ground.hidden(bundle.submitter or run.model))
        if other := copies.copied(said, others):
            line = f"it says the very same as {other.where}"
            if found.telling >= copies.TELLING:
                raise Refused(f"{line}, {found.telling} different wrong answers among it; one of the two is a copy")
            found = replace(
                found, notes=(*found.notes, f"{line}, which so few different wrong answers may do by chance")
            )
    except Refused as error:
        verdict.status, verdict.line = REFUSED, str(error)
    except BenchError as error:
        verdict.status, verdict.line = UNABLE, str(error)
    else:
        ranked = found.scores[0]
        what = f"{ranked.metric} {interval(ranked)} scored again" if ranked.value is not None else "its ids are those"
        verdict.status, verdict.found = VERIFIED, found
        verdict.line = f"{what} on your data, {found.n:,} predictions"


def _run_again(verdict: Verdict, folder: Path, ground: Ground, draw: Draw) -> None:
    """Run a verified run's model again; where that cannot be done, a note says why, and all that is claimed stays so."""
    from dataclasses import replace

    from bench.bundles.archive import Refused
    from bench.commands.shared.rebuilt import again

    if verdict.run is None or verdict.found is None:
        return
    try:
        found = again(verdict.run, folder, ground.task(verdict.run.task), draw)
    except Refused as error:
        verdict.status, verdict.line, verdict.found = REFUSED, str(error), None
    except BenchError as error:
        note = f"not run again: {error}; what it claims stays claimed"
        verdict.found = replace(verdict.found, notes=(*verdict.found.notes, note))
    else:
        verdict.found = replace(verdict.found, rerun=found, notes=(*verdict.found.notes, found.line()))


def _take_in(bundle: Bundle, verdicts: Sequence[Verdict], runs_dir: Path) -> None:
    from bench.bundles.admit import admit
    from bench.leaderboard.entry import SUBMISSIONS

    found = [verdict.found for verdict in verdicts if verdict.found]
    if any(one.measurements is None and one.scores[0].value is None for one in found):  # "added" stays without scores
        verdicts[-1].added = ["not added: a run was not scored; whoever has its references adds it (BENCH_PRIVATE)"]
        return
    verdicts[-1].added = admit(bundle, found, runs_dir, SUBMISSIONS) or ["nothing to add: it is here already"]
