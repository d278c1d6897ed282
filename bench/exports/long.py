"""Every score of every run as a line of its own, with what a re-user needs of it: CSV for spreadsheets, Parquet for programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence

from bench.errors import BenchError
from bench.exports.item import CONFIDENCE, Item, chosen, cut_text, own_and_claimed, repeated, settings, told_settings
from bench.leaderboard.alike import origin_of, said_device, scorer_digest
from bench.record import Run, Score
from bench.runs.claimed import date_of
from bench.runs.rates import examples_per_second, seconds_per_answer
from bench.scoring.foreign import imported
from bench.text.shown import csv_text, visible
from bench.types import Json

_INTEGERS = frozenset({"task_version", "n", "n_failed", "limit", "seed", "shots", "max_new_tokens", "batch_size", "batch_tokens",
                       "parts", "n_cut", "n_empty", "n_unparsed"})  # fmt: skip
_NUMBERS = frozenset({"value", "low", "high", "confidence_level", "worst", "best", "official", "examples_per_second",
                      "seconds_per_answer", "claimed_examples_per_second", "claimed_seconds_per_answer"})  # fmt: skip
_SWITCHES = frozenset({"ranks", "higher_is_better", "is_fraction", "is_reference"})


def rows(items: Sequence[Item], metrics: Sequence[str] = ()) -> list[dict[str, Json]]:
    """One mapping a score; None where nothing is known. Fractions are fractions, never percent."""
    return [_row(one, score) for one in items for score in chosen(one, metrics)]


def _row(one: Item, score: Score) -> dict[str, Json]:
    run, card = one.run, one.card
    return {
        "task": run.task, "task_version": run.task_version, "task_title": one.title, "model": run.model,
        "metric": score.metric, "value": score.value, "low": score.low, "high": score.high,
        "confidence_level": None if score.low is None else CONFIDENCE, "n": score.n or None, "n_failed": score.n_failed,
        "worst": score.worst, "best": score.best, "official": score.official,
        "ranks": score.metric == run.scores[0].metric, "higher_is_better": score.higher_is_better,
        "is_fraction": score.is_fraction, "signature": score.signature, "note": score.note,
        "origin": origin_of(run), "claimed": one.claimed, "submitter": one.submitter, "is_reference": run.is_reference,
        **settings(run), "examples": cut_text(one) or "all", "data_fingerprint": run.data_fingerprint, "asked": run.asked,
        "scorer": scorer_digest(run), **_measured(run), "parts": run.timings.get("parts"),
        **{name: run.answers.get(name) for name in ("n_cut", "n_empty", "n_unparsed")},
        "model_revision": run.model_revision, "weights_sha256": run.weights_sha256,
        "model_config": _json(told_settings(run)), "libraries": _json(run.libraries), "run_id": run.run_id,
        "split": card.split if card else None, "data_source": card.source if card else None,
        "data_revision": card.revision if card else None, "data_licence": card.licence if card else None,
        "citation": card.citation if card else None, "repeat": repeated(one),
    }  # fmt: skip


def _measured(run: Run) -> dict[str, Json]:
    """What is measured of the run, and what is claimed of a run that was handed in: never in one column."""
    environment = run.environment
    figures = {
        "device": said_device(run), "dtype": None if run.submission else environment.get("dtype"),
        "examples_per_second": examples_per_second(run), "seconds_per_answer": seconds_per_answer(run),
        "commit": environment.get("commit") or None, "date": date_of(run) or None,
    }  # fmt: skip
    both = {name: own_and_claimed(run, name, value) for name, value in figures.items()}
    return (
        {name: one[0] for name, one in both.items()}
        | {f"claimed_{name}": one[1] for name, one in both.items()}
        | {"imported": run.created if imported(run) else None}
    )


def _json(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def csv_of(items: Sequence[Item], metrics: Sequence[str] = ()) -> str:
    """The lines as CSV with a heading, in UTF-8; a text that a spreadsheet would compute has an apostrophe before it."""
    found = rows(items, metrics)
    file = io.StringIO()
    writer = csv.DictWriter(file, list(found[0]) if found else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in found)
    return file.getvalue()


def _cell(value: Json) -> Json:
    if isinstance(value, bool):
        return "true" if value else "false"
    return csv_text(value) if isinstance(value, str) else value


def parquet_of(items: Sequence[Item], metrics: Sequence[str] = ()) -> bytes:
    """The lines as Parquet, whose columns have types; raises BenchError where pyarrow is not installed."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise BenchError(
            "--to parquet needs pyarrow, which is not installed; `pip install pyarrow`, or use --to csv"
        ) from None
    found = rows(items, metrics)
    kinds = {_INTEGERS: pyarrow.int64(), _NUMBERS: pyarrow.float64(), _SWITCHES: pyarrow.bool_()}
    schema = pyarrow.schema([
        (name, next((kind for names, kind in kinds.items() if name in names), pyarrow.string())) for name in found[0]
    ])  # fmt: skip
    told = [
        {name: visible(value, lines=True) if isinstance(value, str) else value for name, value in row.items()}
        for row in found
    ]
    file = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(told, schema), file)
    return file.getvalue()
