"""The verdicts on bundles of others: each by its own claims, then beside what lies here, then by running its model again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.config import compose as conf
from bench.config.overrides import override
from bench.errors import EXIT_INTERNAL, BenchError, fault
from bench.text.names import labelled
from bench.text.shown import tell, terminal

if TYPE_CHECKING:
    from bench.bundles.bundle import Bundle
    from bench.bundles.copies import Said
    from bench.bundles.verify import Hidden, Verified
    from bench.commands.shared.rebuilt import Draw
    from bench.record import Run
    from bench.task import Task

VERIFIED, REFUSED, UNABLE, BROKEN = "verified", "refused", "unable", "broken"
WORDS = {VERIFIED: "VERIFIED", REFUSED: "REFUSED", UNABLE: "NOT VERIFIED", BROKEN: "INTERNAL ERROR"}
CODES = {BROKEN: EXIT_INTERNAL, REFUSED: 1, UNABLE: 2, VERIFIED: 0}  # of several verdicts the first here counts


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
    left_out: bool = False  # it was to be added and could not be

    def text(self, *, several: bool = False) -> str:
        """One line for a person, and one for each note; of `several` bundles it says which."""
        what = (
            f"{self.run.task} / {labelled(self.run.model)}{f' in {self.file}' if several else ''}"
            if self.run
            else str(self.file)
        )
        notes = [f"\n  note: {terminal(note)}" for note in (self.found.notes if self.found else ())]
        return f"{WORDS[self.status]}  {terminal(what)}: {terminal(self.line)}{''.join(notes)}"

    def record(self) -> dict[str, Any]:
        """The same for `--json`."""
        named = {"task": self.run.task, "model": self.run.model, "run_id": self.run.run_id} if self.run else {}
        scores = [vars(score) for score in self.found.scores] if self.found else []
        notes = list(self.found.notes) if self.found else []
        rerun = self.found.rerun.record() if self.found and self.found.rerun else None
        return {"file": str(self.file), "status": self.status, "line": self.line, **named, "scores": scores,
                "notes": notes, "rerun": rerun, "added": self.added}  # fmt: skip


@dataclass
class Ground:
    """What bundles are judged by: the tasks as this installation has them, over the data that lie here."""

    data_dir: Path | None = None
    draw: Draw | None = None  # which examples the models of those whose scores hold are run on again

    def task(self, name: str) -> Task:
        """The task of this name in conf/task; raises BenchError where there is none that runs models."""
        from bench.config.build import build
        from bench.task import Task

        if name not in conf.names("task"):
            raise BenchError(f"task '{name}' is not known here; `bench list tasks` shows those that are")
        task = build(self.config(name), "task")
        if not isinstance(task, Task):
            raise BenchError(f"task '{name}' ranks entries and runs no model, so no bundle can hold a run of it")
        return task

    def config(self, name: str) -> Mapping[str, Any]:
        """What conf/task says of the task, over the data that lie here."""
        place = [override("data_dir", self.data_dir)] if self.data_dir else []
        found: Mapping[str, Any] = conf.plain(conf.compose([f"task={name}", *place])[0])["task"]
        return found

    def hidden(self, submitter: str) -> Hidden:
        """How an attempt of this submitter is scored where references are held out: here not at all."""
        return lambda task, examples, predictions: None


def judge(
    paths: Sequence[Path], room: Path, ground: Ground, runs_dir: Path, *, add: bool = False, replace: bool = False
) -> list[Verdict]:
    """The verdict on every run of these bundles, which are unpacked below `room`; with `add` the good ones are taken in.

    What is wrong with one bundle, or goes wrong over it, is said of that one alone. With `replace` an entry takes the place of its
    own submitter's earlier one.
    """
    from bench.leaderboard.entry import SUBMISSIONS

    found = [_opened(path, room / str(number)) for number, path in enumerate(paths)]
    for bundle, verdicts in found:
        for verdict in verdicts if bundle else ():
            _about(verdict, _claims, bundle, ground, SUBMISSIONS)
    _compare(found, runs_dir)
    for bundle, verdicts in found:
        sound = [one for one in verdicts if one.status == VERIFIED] if bundle else []
        for verdict in sound:
            _about(verdict, _run_again, bundle, ground)
        if add and sound and all(one.status == VERIFIED for one in verdicts):
            _about(verdicts[-1], _taken_in, bundle, verdicts, runs_dir, replace)
    return [verdict for _, verdicts in found for verdict in verdicts]


def _compare(found: Sequence[tuple[Bundle | None, list[Verdict]]], runs_dir: Path) -> None:
    """Refuse what says the same as a run that lies here or an entry; of two of these bundles that do, verify neither."""
    from bench.bundles import copies
    from bench.bundles.archive import Refused
    from bench.leaderboard.entry import SUBMISSIONS

    sound = [one for _, verdicts in found for one in verdicts if one.status == VERIFIED]
    known, problems = copies.known(runs_dir, SUBMISSIONS, [one.said for one in sound if one.said])
    for problem in problems:
        tell(f"bench: not compared with what lies here: {problem}", err=True)
    for one in sound:  # first what is known here, so that a copy of it takes no other down
        _about(one, _copied, known, Refused)
    sound = [one for one in sound if one.status == VERIFIED]
    for one in sound:  # then nobody can tell which of the two was first
        _about(one, _copied, [other.said for other in sound], BenchError)


def _about(verdict: Verdict, act: Callable[..., None], *given: Any) -> None:
    """Do something about one run's verdict, and let whatever is raised be part of it."""
    from bench.bundles.archive import Refused

    try:
        act(verdict, *given)
    except Refused as error:
        verdict.status, verdict.line = REFUSED, str(error)
    except BenchError as error:
        verdict.status, verdict.line = UNABLE, str(error)
    except OSError as error:
        verdict.status, verdict.line = (
            UNABLE,
            f"{error.strerror or error}; free space, or name another folder in TMPDIR",
        )
    except (
        Exception
    ) as error:  # a fault of ours says nothing of this bundle, and must not keep the others from a verdict
        verdict.status = BROKEN
        verdict.line = (
            f"a fault of bench itself, which says nothing of the bundle: {fault(error, tell)}; please report it"
        )


def _opened(path: Path, room: Path) -> tuple[Bundle | None, list[Verdict]]:
    """The unpacked bundle with a verdict to come for each run; None, and the verdict, for one that cannot be unpacked."""
    from bench.bundles import copies
    from bench.bundles.unpack import predictions, unpack

    whole = Verdict(path, UNABLE, "")
    opened: list[tuple[Bundle, list[Verdict]]] = []

    def open_it(verdict: Verdict) -> None:
        bundle = unpack(path, room)
        runs = []
        for folder, run in bundle.runs:
            name = f"{run.task}/{run.model}"
            said = copies.Said.of(run, copies.answers(predictions(folder, name)), f"{name} in {path}", bundle.submitter)
            runs.append(Verdict(path, UNABLE, "", run, said=said))
        opened.append((bundle, runs))

    _about(whole, open_it)
    return opened[0] if opened else (None, [whole])


def _claims(verdict: Verdict, bundle: Bundle, ground: Ground, submissions: Path) -> None:
    """Judge a run by its name, which nobody else may have here, and by its own claims."""
    from bench.bundles.archive import Refused
    from bench.bundles.slots import Taken, refuse_taken
    from bench.bundles.verify import verified
    from bench.leaderboard.cells import interval

    run = verdict.run
    if run is None:
        return
    try:
        refuse_taken(submissions, run, bundle.submitter, bundle.sha256)
    except Taken as error:
        raise Refused(str(error)) from None
    folder = next(folder for folder, one in bundle.runs if one is run)
    found = verified(run, folder, ground.task(run.task), ground.hidden(bundle.submitter or run.model))
    ranked = found.scores[0]
    what = f"{ranked.metric} {interval(ranked)} scored again" if ranked.value is not None else "its ids are those"
    verdict.status, verdict.found = VERIFIED, found
    verdict.line = f"{what} on your data, {found.n:,} predictions"


def _copied(verdict: Verdict, others: Sequence[Said], fault_of: type[BenchError]) -> None:
    """Raise the fault that it is that a run's claims hold, but its answers are another model's; note what may be chance."""
    from dataclasses import replace

    from bench.bundles import copies

    found, said = verdict.found, verdict.said
    if found is None or said is None:
        return
    if (other := copies.copied(said, others)) is not None:
        line = f"it says the very same as {other.where}"
        if found.telling >= copies.TELLING:
            raise fault_of(f"{line}, {found.telling} different wrong answers among it; one of the two is a copy")
        note = f"{line}, which so few different wrong answers may do by chance"
    elif (other := copies.renamed(said, others)) is not None:
        whose = f" by {other.submitter}" if other.submitter else ""
        note = f"it is the same model under another name as {other.where}{whose}, and says the very same"
    else:
        return
    verdict.found = replace(found, notes=(*found.notes, note))


def _run_again(verdict: Verdict, bundle: Bundle, ground: Ground) -> None:
    """Run a verified run's model again; where that cannot be done, a note says why, and all that is claimed stays so."""
    from dataclasses import replace

    from bench.bundles.archive import Refused
    from bench.commands.shared.rebuilt import again

    if verdict.run is None or verdict.found is None or ground.draw is None:
        return
    folder = next(folder for folder, one in bundle.runs if one is verdict.run)
    try:
        found = again(verdict.run, folder, ground.task(verdict.run.task), ground.draw)
    except BenchError as error:
        if isinstance(error, Refused):
            verdict.found = None
            raise
        note = f"not run again: {error}; what it claims stays claimed"
        verdict.found = replace(verdict.found, notes=(*verdict.found.notes, note))
    else:
        verdict.found = replace(verdict.found, rerun=found, notes=(*verdict.found.notes, found.line()))


def _taken_in(verdict: Verdict, bundle: Bundle, verdicts: Sequence[Verdict], runs_dir: Path, replace: bool) -> None:
    """Add a bundle's runs, and say so at its last verdict."""
    from bench.bundles.admit import admit
    from bench.leaderboard.entry import SUBMISSIONS

    found = [one.found for one in verdicts if one.found]
    if any(one.measurements is None and one.scores[0].value is None for one in found):  # "added" stays without scores
        verdict.added = ["not added: a run was not scored; whoever has its references adds it (BENCH_PRIVATE)"]
        return
    try:
        done = admit(bundle, found, runs_dir, SUBMISSIONS, replaces=replace)
        verdict.added = done or ["nothing to add: it is here already"]
    except BenchError as error:
        verdict.added, verdict.left_out = [str(error)], True
