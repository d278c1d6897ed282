"""Held-out references: the answers that only a maintainer has, in `BENCH_PRIVATE`.

That folder is a second data directory in the same layout, whose files have the answers that the public ones lack. Only
`bench score` and `bench verify` read it, for nothing but scores: rounded, without intervals, and counted by submitter in
`attempts.jsonl`. No error says what a private file holds. docs/held-out.md
"""

from __future__ import annotations

import datetime
import json
import os
import re
import time
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bench import locks
from bench.config.build import build
from bench.data.source import DataSource
from bench.errors import BenchError
from bench.record import Score
from bench.runs.identity import canonical, fingerprint
from bench.scoring.answers import final, known_once
from bench.scoring.measure import measured, without_references
from bench.scoring.measure import score as scores_of
from bench.submissions.reading import Judge, Judged, Submission, measurable
from bench.task import DataTask, Task
from bench.types import Example, Json, Prediction

VARIABLE, ATTEMPTS = "BENCH_PRIVATE", "attempts.jsonl"
_LOCK, _PATIENCE_SECONDS = ".attempts.lock", 90.0  # longer than a dead machine holds a lock
_NOTE = "held out: rounded, without an interval"
# The place that our own readers put before what they found: file, line, and the steps to an entry. Never what was found.
_PLACE = r"[\w./-]*(?: line \d+)?(?: is not JSON: (?:line \d+ )?column \d+|: \w*\[\d+\](?:\.\w+(?:\[\d+\])?)*(?=:))?"


@dataclass(frozen=True)
class Result:
    """What a submitter gets to know: rounded scores and which attempt of theirs on the task it is.

    `malformed` are the ids whose prediction no metric could take; they count as wrong.
    """

    scores: tuple[Score, ...]
    attempt: int
    malformed: tuple[str, ...]


def folder() -> Path | None:
    """The private data directory, None where none is named; raises BenchError where it is no folder."""
    named = os.environ.get(VARIABLE, "")
    if named and not Path(named).is_dir():
        raise BenchError(f"{VARIABLE} names no folder; set it to the data directory with the answers, or unset it")
    return Path(named) if named else None


def references(task: Task, config: Mapping[str, Json], examples: Sequence[Example]) -> list[Example] | None:
    """The public `examples` of a task with their targets; None where `BENCH_PRIVATE` has none for it.

    `config` is what the task was built from. Raises BenchError, which quotes at most an id, where the private file cannot
    be read or is not the public one with answers. All examples are wanted: scores of chosen ones would tell their answers.
    """
    private = _private(config)
    place = private.data.here() if private else None
    if private is None or place is None:
        return None
    with _unquoted(task, place):
        found = list(private.examples())
    if len(found) != len(examples):
        raise BenchError(
            f"task '{task.name}': {len(examples):,} public examples, {len(found):,} in {VARIABLE}; held-out references are "
            "scored on all of them: leave limit= out, or bring the same files"
        )
    for public, full in zip(examples, found, strict=True):
        if (public.id, public.inputs, public.cluster) != (full.id, full.inputs, full.cluster):
            raise BenchError(
                f"task '{task.name}': the example {public.id!r} is another one in {VARIABLE}; both need the same version of "
                "the files, and nothing but the answers may be left out of the public ones"
            )
    if without_references(found):
        raise BenchError(
            f"task '{task.name}': the files in {VARIABLE} have no answers either; put those with answers there"
        )
    return found


def _private(config: Mapping[str, Json]) -> DataTask | None:
    """The same task on the private folder, without the user's own path and with nothing to fetch."""
    place, data = folder(), config.get("data")
    if place is None or not isinstance(data, Mapping):
        return None
    given = {key: value for key, value in data.items() if key not in ("path", "remote")}
    task = build({**config, "data": {**given, "data_dir": str(place)}}, "task")
    return task if isinstance(task, DataTask) and isinstance(task.data, DataSource) else None


def described(configs: Mapping[str, Mapping[str, Json]]) -> str:
    """Whether `BENCH_PRIVATE` is set, and for which of these tasks it holds files: all that `bench doctor` says of it."""
    if folder() is None:
        return f"none ({VARIABLE} is not set)"
    found = {name: _private(config) for name, config in configs.items()}
    names = [name for name, task in found.items() if task is not None and task.data.here() is not None]
    return f"{VARIABLE} is set, for {', '.join(names) or 'none of the tasks'}"


@contextmanager
def _unquoted(task: Task, place: Path | None = None) -> Iterator[None]:
    """Turn whatever is raised inside into one line that says where it is, and never what was found."""
    try:
        yield
    except Exception as error:  # any message or traceback may hold an answer
        said = re.match(re.escape(str(place)) + _PLACE, str(error)) if place and isinstance(error, BenchError) else None
        where = said[0] if said else f"in {VARIABLE}"
        kind = "" if isinstance(error, BenchError) else f" ({type(error).__name__})"
        doing = "cannot be read" if place else "do not fit these predictions"
        raise BenchError(
            f"task '{task.name}': {where}: the references {doing}{kind}, and what was found is not shown; who may see it runs "
            f"`bench doctor task={task.name} data_dir=` with that folder"
        ) from None


def score(task: Task, private: Sequence[Example], predictions: Sequence[Prediction], submitter: str) -> Result:
    """The rounded scores of a submission on the examples of `references`, and its number among the submitter's attempts.

    The same answers again are the same attempt. Missing predictions count as wrong. Raises BenchError for an id that is
    unknown or comes twice, and where the attempt cannot be written down: then there is no score.
    """
    by_id = {example.id: example for example in private}
    said = [
        measurable(task, replace(by_id[one.id], target=None), one)
        for one in known_once(task, by_id, predictions, "correct the submission")
    ]
    attempt = _attempt(task, by_id, said, submitter)  # before anything is measured
    with _unquoted(task):
        taken = [measurable(task, by_id[one.id], one) for one in said]
        found = scores_of(task, private, taken, resamples=0, seed=0)
    given = {one.id for one in predictions if one.error is None}
    malformed = tuple(one.id for one in taken if one.error is not None and one.id in given)
    return Result(tuple(map(_rounded, found)), attempt, malformed)


def _rounded(found: Score) -> Score:
    """To a tenth of a percent point, or two digits; no bounds, for they narrow the value down."""
    value = None if found.value is None else round(found.value, 3 if found.is_fraction else 2) + 0.0  # no -0.0
    note = "absent: it cannot be had of these predictions" if value is None else _NOTE
    return replace(found, value=value, low=None, high=None, worst=None, best=None, official=None, note=note)


def judge(
    task: Task, config: Mapping[str, Json], submitter: str | None, model: str, examples: Sequence[Example]
) -> Judge | None:
    """How `bench score` scores a submission on held-out references; None where the references are public, or not here."""
    private = references(task, config, examples) if without_references(examples) else None
    if private is not None:
        return partial(_judged, task, examples, private, submitter or model)
    if submitter:
        none = f"those of task '{task.name}' are public"
        if without_references(examples):
            none = f"{VARIABLE} {'is not set' if folder() is None else f'has none of task {task.name!r}'}"
        raise BenchError(f"--submitter counts attempts on held-out references; {none}; leave it out")
    return None


def _judged(
    task: Task, public: Sequence[Example], private: Sequence[Example], submitter: str, submission: Submission
) -> Judged:
    result = score(task, private, submission.predictions, submitter)
    more = {"submitter": _name(submitter), "attempt": result.attempt}
    found = measured(task, public, submission.predictions, resamples=1, seed=0)  # no score: how the answers ended
    return Judged(
        found._replace(scores=result.scores),
        replace(submission, malformed=submission.malformed + result.malformed),
        more,
    )


def _name(submitter: str) -> str:
    """The name as it is shown: single spaces, and no sign that cannot be seen."""
    plain = unicodedata.normalize("NFKC", submitter)
    name = " ".join("".join(x for x in plain if x.isspace() or unicodedata.category(x)[0] != "C").split())
    if not name:
        raise BenchError(f"the submitter {submitter!r} is no name; give one, by which attempts are counted")
    return name


def _attempt(task: Task, by_id: Mapping[str, Example], predictions: Sequence[Prediction], submitter: str) -> int:
    """The number of this attempt, written down if it is a new one: 1 + the submitter's other answers to this task.

    Other capitals or spaces make no other submitter. Raises BenchError where the file cannot be written or is damaged.
    """
    place = folder()
    if place is None:
        raise BenchError(f"{VARIABLE} is not set; held-out references are scored where it is")
    key = {"task": task.name, "submitter": _name(submitter).casefold(), "predictions": _said(task, by_id, predictions)}
    path = place / ATTEMPTS
    try:
        with _counting(place), os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "a+b") as file:
            file.seek(0)
            known = [_parsed(line, number) for number, line in enumerate(file, start=1)]
            own = [one for one in known if (one["task"], one["submitter"]) == (key["task"], key["submitter"])]
            for one in own:
                if one["predictions"] == key["predictions"]:
                    return int(one["count"])
            now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
            file.write((canonical({"time": now, **key, "count": len(own) + 1}) + "\n").encode())
            file.flush()
            os.fsync(file.fileno())
            return len(own) + 1
    except OSError as error:
        raise BenchError(
            f"{path} cannot be written ({error.strerror}); attempts are counted there, and without it there is no score"
        ) from None


@contextmanager
def _counting(place: Path) -> Iterator[None]:
    """Be the one who counts, behind others; raises BenchError where one of them does not end, OSError where there are no locks."""
    file, until = locks.opened(place / _LOCK), time.monotonic() + _PATIENCE_SECONDS
    try:
        while not locks.taken(file):
            if time.monotonic() > until:
                raise BenchError(f"{VARIABLE}/{ATTEMPTS} is in use by {locks.owner(file)}; wait for it or end it")
            time.sleep(0.02)
        yield
    finally:
        locks.let_go(file)


def _said(task: Task, by_id: Mapping[str, Example], predictions: Sequence[Prediction]) -> str:
    """The fingerprint of the answers, in whatever file, order and wording they came."""
    return fingerprint(
        {one.id: None if one.error is not None else final(task, by_id[one.id], one) for one in predictions}
    )


def _parsed(line: bytes, number: int) -> Mapping[str, Json]:
    try:
        found = json.loads(line)
        texts = [found[key] for key in ("task", "submitter", "predictions")]
        if not line.endswith(b"\n") or type(found["count"]) is not int or found["count"] < 1:
            raise TypeError
        if not all(isinstance(text, str) for text in texts):
            raise TypeError
        return {key: found[key] for key in ("task", "submitter", "predictions", "count")}
    except (ValueError, TypeError, KeyError, RecursionError):
        raise BenchError(
            f"{VARIABLE}/{ATTEMPTS} line {number} is damaged; mend it, for attempts are counted there, and without it there "
            "is no score"
        ) from None
