"""Verifying a run that somebody brings: its predictions are scored again on one's own data, and nothing is taken on trust."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from bench.bundles import copies
from bench.bundles.archive import Refused
from bench.bundles.claims import same_answers, same_rows, same_scores, times_add_up
from bench.bundles.consistent import refuse_contradictions
from bench.bundles.readings import refuse_impossible
from bench.bundles.rerun import Again
from bench.bundles.strict import short
from bench.bundles.unpack import predictions
from bench.engine.asking import asking, data_of, first_examples, most_tokens
from bench.engine.history import standing
from bench.errors import BenchError, CodeError
from bench.metrics.metric import Metric, RankedMetric, fitted
from bench.record import ELSEWHERE, UNKNOWN, Run, Score
from bench.runs.compact import Texts
from bench.runs.identity import digest_of, fingerprint, fingerprint_of
from bench.runs.measurements import FILE as MEASUREMENTS
from bench.runs.measurements import Measurements
from bench.runs.measurements import read as read_measurements
from bench.runs.settings import RESAMPLES, SEED
from bench.scoring.measure import Measured, measured, without_references
from bench.scoring.source import changed, scorer_of
from bench.task import Task
from bench.types import Example, Json, Prediction

Hidden = Callable[[Task, Sequence[Example], Sequence[Prediction]], "tuple[tuple[Score, ...], int] | None"]


@dataclass(frozen=True)
class Verified:
    """A run whose claims were found true. `scores` were made here, with intervals by the rule of all boards.

    `measurements` are the claimed ones, the same to `ROWS`.

    `answers` is the fingerprint of its `n` predictions, of which `telling` are different and not right; `notes` are what a person
    should know all the same. `attempt` counts where references are held out, and `run` then has the scores that it got. `rerun`
    says what came of running its model again, where that was asked for and could be done.
    """

    run: Run
    folder: Path
    scores: tuple[Score, ...]
    measurements: Measurements | None
    answers: str
    n: int
    telling: int
    notes: tuple[str, ...] = field(default=())
    attempt: int | None = None
    rerun: Again | None = None


def verified(run: Run, folder: Path, task: Task, hidden: Hidden = lambda *given: None) -> Verified:
    """Compare the claims of an unpacked run with what its predictions give on the data of `task` that lie here.

    `hidden(task, examples, predictions)` gives the rounded scores on held-out references and the number of the attempt, None
    where there are none here. Raises Refused, with the first example or figure that differs, for a claim that is false;
    BenchError where one's own data or version do not allow a judgement.
    """
    place = f"{run.task}/{run.model}"
    if run.task_version != task.version:
        raise BenchError(
            f"it is of version {run.task_version} of task '{run.task}', yours is {task.version}; update one of the two"
        )
    examples = _same_data(run, folder, task)
    found = {prediction.id: prediction for prediction in predictions(folder, place)}
    _same_ids(run, examples, found)
    refuse_contradictions(run, task, examples, found)
    refuse_impossible(run, folder, examples, found)
    if without_references(examples):
        times_add_up(run, folder, list(found.values()))
        ours = _scored(task, examples, found, 1, SEED)
        same_answers(run, ours.endings)
        return _on_held_out(run, folder, task, examples, found, hidden, ours.scores)
    scores, rows, endings = _scored(task, examples, found, RESAMPLES, SEED)
    claimed = read_measurements(folder) if (folder / MEASUREMENTS).exists() else None
    if claimed is None or rows is None:
        raise Refused(f"it has no {MEASUREMENTS}, which your references allow; they were not held out")
    same_rows(claimed, rows)
    by_rule = (run.resamples, run.seed) == (RESAMPLES, SEED)
    theirs = scores if by_rule else _scored(task, examples, found, run.resamples, run.seed).scores
    same_scores(run, theirs)
    same_answers(run, endings)
    times_add_up(run, folder, list(found.values()))
    telling = _telling(task, examples, found, rows)
    return Verified(
        run,
        folder,
        scores,
        claimed,
        copies.answers(found.values()),
        len(found),
        telling,
        tuple(_notes(run, task, theirs, found)),
    )


def _on_held_out(
    run: Run, folder: Path, task: Task, examples: Sequence[Example], found: Mapping[str, Prediction], hidden: Hidden,
    absent: tuple[Score, ...],
) -> Verified:  # fmt: skip
    """A run whose references its submitter never saw: it gets its scores here, where they are; else they are `absent`."""
    if (folder / MEASUREMENTS).exists():
        raise Refused(f"it has {MEASUREMENTS}, which nobody can make whose references are held out")
    told = hidden(task, examples, list(found.values()))
    answers, telling = copies.answers(found.values()), _telling(task, examples, found, None)
    if told is None:
        if any(score.value is not None for score in run.scores):
            raise BenchError(
                "it claims scores on references that are held out; BENCH_PRIVATE must name the folder that has them"
            )
        same_scores(run, absent)
        note = "the references are held out: nothing was scored"
        return Verified(run, folder, absent, None, answers, len(found), telling, (note,))
    scores, attempt = told
    if any(score.value is not None for score in run.scores):
        same_scores(run, scores)
    note = f"the references are held out: rounded scores, attempt {attempt}"
    return Verified(replace(run, scores=scores), folder, scores, None, answers, len(found), telling, (note,), attempt)


def _same_data(run: Run, folder: Path, task: Task) -> Sequence[Example]:
    """One's own examples, once they are those of the claim."""
    examples = first_examples(task, run.limit)
    own = {data_of(task, examples), fingerprint_of(examples)}  # whoever scores needs no pictures or sounds
    if run.data_fingerprint not in own and not _same_but_for_media(run, folder, task, examples):
        yours = min(own)
        theirs = f"{run.data_fingerprint[:12]} ({run.n_examples} examples)"
        raise Refused(f"it was made on data {theirs}, yours are {yours[:12]} ({len(examples)})")
    if run.n_examples != len(examples):
        raise Refused(f"it says to have {run.n_examples} examples, the data have {len(examples)}")
    return examples


def _same_but_for_media(run: Run, folder: Path, task: Task, examples: Sequence[Example]) -> bool:
    """Whether each example is one's own, where its pictures, sounds or films, which are in the fingerprint, do not lie here."""
    if task.parts <= {"text"} or task.makes_media or not (folder / MEASUREMENTS).exists():
        return False
    claimed = read_measurements(folder)
    return len(claimed) == len(examples) and claimed.digests == Texts(map(digest_of, examples))


def _same_ids(run: Run, examples: Sequence[Example], found: Mapping[str, Prediction]) -> None:
    """Every example has a prediction and no other has; of a submission that was scored, as many are missing as its record says."""
    ids = {example.id for example in examples}
    if foreign := [key for key in found if key not in ids]:
        raise Refused(
            f"the prediction for {short(repr(foreign[0]))} is for no example of your data ({len(foreign)} such)"
        )
    missing = [example.id for example in examples if example.id not in found]
    told = run.submission["missing"]["n"] if run.submission else 0
    if len(missing) != told:
        first = f"; the first without one is {missing[0]!r}" if missing else ""
        raise Refused(f"{len(missing)} of {len(examples)} examples have no prediction, its record says {told}{first}")


def _scored(
    task: Task, examples: Sequence[Example], found: Mapping[str, Prediction], resamples: int, seed: int
) -> Measured:
    try:
        return measured(task, examples, found.values(), resamples=resamples, seed=seed)
    except CodeError as error:
        where = f"the answer to {error.example!r}" if error.example else "its answers"
        raise Refused(f"{where} cannot be scored ({short(error.said)})") from None


def _telling(
    task: Task, examples: Sequence[Example], found: Mapping[str, Prediction], rows: Measurements | None
) -> int:
    """How many different answers are not right: what chance would not give twice."""
    table = rows.rows.get(task.metrics[0].name) if rows else None
    best: Callable[[Json], Sequence[float]] | None = None
    if table is not None:
        metric = fitted(task.metrics[0], [example.target for example in examples])
        best = metric.best if isinstance(metric, Metric | RankedMetric) else None
    answers = set()
    for i, example in enumerate(examples):
        given = found.get(example.id)
        if given is None or given.error is not None:
            continue
        if best is not None and table is not None and np.allclose(table[i], best(example.target)):
            continue
        answers.add(fingerprint(copies.said(given)))
    return len(answers)


def _notes(run: Run, task: Task, scores: Sequence[Score], found: Mapping[str, Prediction]) -> list[str]:
    """What a person should know though the claim is true: other signatures, and another prompt than one's own task asks."""
    notes = []
    for what in ("signature", "note"):
        pairs = zip(run.scores, scores, strict=True)
        if other := [score.metric for claim, score in pairs if getattr(claim, what) != getattr(score, what)]:
            notes.append(f"{', '.join(other)}: another {what} than yours gives")
    if run.scenarios:
        notes.append(
            f"readings of {', '.join(run.scenarios)}: their raw files give them; how long answers took stays claimed"
        )
    if run.scorer and changed(run.scorer, scorer_of(task)):
        notes.append("it says to be scored by another parser or metrics than yours, so it stands in a table of its own")
    if (run.resamples, run.seed) != (RESAMPLES, SEED):
        notes.append(
            f"its own intervals are of {run.resamples:,} resamples, seed {run.seed}; here and on boards they are by one rule"
        )
    if run.asked in (UNKNOWN, ELSEWHERE):
        return notes
    try:
        own = asking(task, run.limit, int(run.config.get("shots", 0)), run.seed, most_tokens(run.config))
    except (BenchError, TypeError, ValueError) as error:
        return [*notes, f"what was asked cannot be compared here ({short(error)})"]
    told = "it was asked otherwise than your version of the task asks, so it stands in a table of its own"
    if own.asked.digest != run.asked:
        return [*notes, told]
    stands = standing(own.examples, own.request, own.asked, found)
    if unlike := [key for key in found if key not in stands]:
        raise Refused(f"example {unlike[0]!r}: its request did not show what the predictions say of the turns before")
    return notes
