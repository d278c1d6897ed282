"""The examples of one run as files of the site: a light list of all, and the answers in chunks that a page loads as it needs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.bundles.public import public_text
from bench.errors import BenchError
from bench.record import Run
from bench.runs import measurements
from bench.runs.endings import is_cut, is_empty
from bench.runs.folder import RunFolder
from bench.runs.journal import JOURNAL
from bench.runs.measurements import Measurements
from bench.scoring.answers import read as read_answer
from bench.site import marks
from bench.site.along import Drawn, along
from bench.site.data import CHUNK, TaskData
from bench.site.folder import SiteFolder
from bench.site.names import script
from bench.site.scores import PerExample, per_example
from bench.task import Malformed, Task, Unparsed
from bench.text.thinking import apart
from bench.types import Example, Json, Prediction

_UNREADABLE = (ValueError, TypeError, LookupError, AttributeError)  # what a parser raises on an answer that is none


@dataclass(frozen=True)
class Written:
    """What the run's page says of its examples: how many, by which metric, what cannot be shown and why, and pictures of all."""

    n: int
    per_example: PerExample | None
    note: str
    drawn: Drawn


@dataclass(frozen=True)
class Files:
    """What a run's folder holds of its examples; `here` is False where there is no folder, `fault` says what is damaged."""

    measured: Measurements | None
    predictions: Mapping[str, Prediction]
    here: bool
    fault: str = ""


def read(run: Run, folder: Path | None, measured: Measurements | None) -> Files:
    """Read a run's folder; without one, what an entry brought. Damage is told, and the rest of the site still made."""
    if folder is None:
        return Files(measured, {}, here=False)
    try:
        if measured is None and (folder / measurements.FILE).exists():
            measured = measurements.read(folder)
        own = RunFolder(folder)
        if JOURNAL in run.files and not own.is_whole(JOURNAL, run):
            raise BenchError(
                f"{folder / JOURNAL} was changed since the run ended; put it back as it was, or run again with --fresh"
            )
        return Files(measured, {found.id: found for found in own.predictions()}, here=True)
    except BenchError as error:
        return Files(None, {}, here=True, fault=str(error))


def write(out: SiteFolder, name: str, run: Run, files: Files, data: TaskData) -> Written:
    """Write `examples/NAME/list.js` and the answers beside it."""
    measured, predictions = files.measured, files.predictions
    ids, places = _order(run, measured, predictions, data)
    shown = per_example(data.task.metrics, measured) if data.task and measured else None
    data.use(places)
    failed = measured.failed if measured else {one.id for one in predictions.values() if one.error is not None}
    key = f"examples/{name}"
    record = {
        "ids": ids,
        "scores": [_short(value) for value in shown.values] if shown else None,
        "metric": shown.metric if shown else None,
        "own": shown.own if shown else None,
        "higher": shown.higher_is_better if shown else None,
        "fraction": shown.is_fraction if shown else None,
        "failed": [i for i, one in enumerate(ids) if one in failed],
        "places": None if places == list(range(len(ids))) else places,
        "data": data.folder if not data.reason and any(place >= 0 for place in places) else None,
        "answers": bool(predictions),
        "chunk": CHUNK,
    }
    out.write(f"{key}/list.js", script(f"{key}/list", record))
    if predictions:
        for start in range(0, len(ids), CHUNK):
            number = start // CHUNK
            chunk = [
                _answer(
                    data.task,
                    data.examples[place] if place >= 0 else None,
                    predictions.get(one),
                    is_marked=not data.reason,
                )
                for one, place in zip(ids[start : start + CHUNK], places[start : start + CHUNK], strict=True)
            ]
            out.write(f"{key}/{number}.js", script(f"{key}/{number}", chunk))
    return Written(len(ids), shown, _note(run, files, data, places), along(data, places, predictions))


def _order(
    run: Run, measured: Measurements | None, predictions: Mapping[str, Prediction], data: TaskData
) -> tuple[list[str], list[int]]:
    """The ids in the order of the data, as far as that is known, and the place of each in the data here."""
    if measured:
        return list(measured.ids), data.places(measured.ids, measured.digests)
    places = data.places_of_all(run)
    if places is not None:
        return [data.examples[place].id for place in places], places
    return list(predictions), [-1] * len(predictions)


def _note(run: Run, files: Files, data: TaskData, places: Sequence[int]) -> str:
    """What the page cannot show, in a sentence or two; "" where it shows all."""
    if files.fault:
        return "The files of this run are damaged, so its examples are not shown."
    found = []
    if not files.here:
        found.append("Only the scores of this submission are here; its answers are in its bundle.")
    if not files.measured:
        absent = all(score.value is None for score in run.scores)
        why = "the references are held out" if absent or run.submission else "an earlier version made the run"
        found.append(f"There are no scores of single examples: {why}.")
    if data.reason:
        found.append(data.reason)
    elif missing := sum(place < 0 for place in places):
        found.append(
            f"{missing:,} of {len(places):,} examples are not in the data on the machine that made this page, or were changed "
            "since: for them there are answers and scores only."
        )
    return " ".join(found)


def _answer(
    task: Task | None, example: Example | None, prediction: Prediction | None, *, is_marked: bool = False
) -> Json:
    """A prediction as the page takes it: the final answer, the raw one where it says more, the error, what is right in it."""
    if prediction is None:
        return {"error": "no prediction"}
    text, found = _said(prediction)
    if prediction.error is not None:
        return _safe({"error": public_text(prediction.error)} | found)
    raw = next((one for one in (text, prediction.label_scores, prediction.values) if one is not None), None)
    if task is not None:
        try:
            found |= _read(task, example, prediction)
            if example is not None and "answer" in found and is_marked:
                found |= marks.of(task, example, found["answer"])
        except _UNREADABLE as error:
            found["error"] = f"this version of the task cannot read the answer ({type(error).__name__})"
    elif prediction.answer is not None:
        found["answer"] = prediction.answer
    if raw is not None and raw != found.get("answer"):
        found["raw"] = dict(raw) if isinstance(raw, Mapping) else raw
    if prediction.truncated:
        found["truncated"] = prediction.truncated
    return _safe(found)


def _said(prediction: Prediction) -> tuple[str | None, dict[str, Any]]:
    """The text without its thinking, which journals of before have in it, and what is told beside it."""
    text, thought, n_tokens = prediction.text, prediction.thinking, prediction.thinking_tokens
    if thought is None and text is not None and prediction.span is None:
        thought, behind = apart(text)
        text = text if behind is None else behind
    beside = {"thinking": thought, "thinking_tokens": n_tokens, "ended": _ended(prediction)}
    return text, {name: value for name, value in beside.items() if value}


def _read(task: Task, example: Example | None, prediction: Prediction) -> dict[str, Any]:
    """The final answer, or why there is none, and whether the parser found it; without an example nothing checks its shape."""
    if example is not None:
        one = read_answer(task, example, prediction)
        answer, parsed = one.answer, one.parsed
    else:  # changed since, or not here
        answer = task.answer(prediction) if prediction.answer is None else prediction.answer
        parsed = not isinstance(answer, Unparsed)
        answer = answer.scored_as if isinstance(answer, Unparsed) else answer
    said = {"error": answer.reason} if isinstance(answer, Malformed) else {"answer": answer}
    return said if parsed else said | {"unparsed": True}


def _ended(prediction: Prediction) -> str:
    """How an answer ended, in words; "" where it is whole, failed for another reason, or nobody says."""
    if is_cut(prediction):
        return "cut at the most tokens that it may have, before its end"
    if prediction.finish == "refused":
        return "refused by the endpoint's filter"
    return "nothing but white space" if prediction.error is None and is_empty(prediction) else ""


def _safe(value: Any) -> Json:
    """The value as JSON can hold it: a number that is none becomes a text."""
    if isinstance(value, Mapping):
        return {str(name): _safe(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_safe(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _short(value: float) -> float | int | None:
    """Six digits: what a page can show. None where an example's contribution cannot be had."""
    if not math.isfinite(value):
        return None
    found = float(f"{value:.6g}")
    return int(found) if found == int(found) else found
