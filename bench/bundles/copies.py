"""Whether two runs say the very same: predictions that were handed in under another name."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError
from bench.leaderboard import entry as entries
from bench.record import Run
from bench.runs.folder import RECORD, RunFolder, read_run, run_folders
from bench.runs.identity import canonical
from bench.types import Json, Prediction

# So many different answers that are not right must agree before chance is ruled out: right answers agree by themselves, and
# so do those of two models that know a label or two.
TELLING = 10


@dataclass(frozen=True)
class Said:
    """Who said what: `answers` is the fingerprint of a run's raw predictions, `where` its place in words."""

    task: str
    data: str
    model: str
    revision: str
    weights: str
    answers: str
    where: str
    submitter: str = ""

    @classmethod
    def of(cls, run: Run, answers: str, where: str, submitter: str = "") -> Said:
        """What this run said; whoever hands it in is its `submitter`, else the one that its origin names."""
        weights, who = run.weights_sha256, submitter or str(run.origin.get("submitter", ""))
        return cls(run.task, run.data_fingerprint, run.model, run.model_revision, weights, answers, where, who)

    def bears_on(self, other: Said) -> bool:
        """Whether these are of another name on the same examples, so that they should not say the very same."""
        return self.model != other.model and (self.task, self.data) == (other.task, other.data)

    def is_other(self, other: Said) -> bool:
        """Whether these are two models, by what they say of themselves."""
        if not self.bears_on(other):
            return False
        # Those who serve a model do not know its weights; then its revision may name it.
        same = (self.weights, self.revision) == (other.weights, other.revision) and self.revision != "submission"
        return not (same or (self.weights and self.weights == other.weights))


def answers(predictions: Iterable[Prediction]) -> str:
    """The sha256 of what was said to each example, in the order of the ids; tokens, and the words of an error, do not count."""
    lines = sorted(canonical([found.id, said(found)]) for found in predictions)
    state = hashlib.sha256()
    for line in lines:
        state.update(line.encode("utf-8", "surrogatepass") + b"\n")
    return state.hexdigest()


def said(prediction: Prediction) -> Json:
    """The answer of a prediction, whatever its form; None for an error."""
    for name in ("text", "label_scores", "values", "answer"):
        if (value := getattr(prediction, name)) is not None:
            return value
    return None


def copied(one: Said, others: Iterable[Said]) -> Said | None:
    """The first of the others that says the same and calls itself another model."""
    return next((other for other in others if other.answers == one.answers and one.is_other(other)), None)


def renamed(one: Said, others: Iterable[Said]) -> Said | None:
    """The first of the others that says the same, is the same model under another name, and comes from somebody else."""
    alike = (other for other in others if other.answers == one.answers and one.bears_on(other))
    return next((other for other in alike if not one.is_other(other) and other.submitter != one.submitter), None)


def known(runs_dir: Path, submissions: Path, asked: Collection[Said]) -> tuple[list[Said], list[str]]:
    """What other models said to the same examples, by the runs of the runs directory and the entries of others.

    Also what could not be read of these, a line each: a damaged file here is no fault of whoever is judged.
    """
    found, problems = [], []
    for path in run_folders(runs_dir):
        try:
            run = read_run(path / RECORD)
            if any(one.bears_on(Said.of(run, "", "")) for one in asked):
                where = f"{run.task}/{run.model}/{run.run_id}"
                found.append(Said.of(run, answers(RunFolder(path).predictions()), where))
        except BenchError as error:
            problems.append(str(error))
    for path in entries.paths(submissions):
        try:
            run = entries.read(path).run
            if "predictions" in run.origin:
                found.append(Said.of(run, str(run.origin["predictions"]), str(path)))
        except BenchError as error:
            problems.append(str(error))
    return found, problems
