"""The TSV of a DAWNBench training entry: accuracy after so many hours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from bench.data.dawnbench_values import (
    DATA_SETS,
    MOST_EPOCHS,
    MOST_HOURS,
    SLOW_EPOCH_HOURS,
    DataSet,
    Finding,
    accuracies,
    as_number,
    as_seen,
    unreadable,
)
from bench.data.files import read_text
from bench.errors import BenchError
from bench.text.rows import columns, rows

Curve: TypeAlias = Sequence[tuple[float, float]]  # (hours, accuracy) in the order of the file
_SHOWN = 4  # findings of one kind in one file
_Row: TypeAlias = tuple[int, dict[str, str]]  # line and cells by column


def read_curve(path: Path, file: str, data_set: str) -> tuple[str, Curve, list[Finding]]:
    """Data set, curve and findings of a TSV; without a `data_set` its columns tell which it is."""
    findings: list[Finding] = []

    def find(line: int, field: str, found: str, action: str, text: str) -> None:
        findings.append(Finding(as_seen(file), line, field, as_seen(found), action, text))

    if not path.is_file():
        find(1, "", "no such file", "refused", "a training entry needs its TSV beside the JSON; add it")
        return data_set, (), findings
    try:
        lines = rows(read_text(path)) or [""]
    except BenchError as error:
        find(1, "", path.name, "refused", str(error))
        return data_set, (), findings
    tabs = "\t" in lines[0]
    header = _cells(lines[0], tabs)
    if not data_set:
        data_set = next((name for name, one in DATA_SETS.items() if one.accuracy in header), "")
    expected = DATA_SETS[data_set].columns if data_set else DATA_SETS["SQuAD"].columns
    if missing := [name for name in expected if header.count(name) != 1]:
        text = f"expected each of the columns {', '.join(expected)} once, with TABs between them"
        find(1, missing[0], repr(lines[0][:60]), "refused", text)
        return data_set, (), findings
    if not tabs:
        find(1, "", "blanks between the columns", "corrected", "read as if they were TABs")
    if header != list(expected):
        find(
            1, "", f"the columns {', '.join(header)}", "corrected", f"read by their names, not as {', '.join(expected)}"
        )
    given = [
        (number, dict(zip(header, cells, strict=False)) if len(cells) == len(header) else {})
        for number, line in enumerate(lines[1:], start=2)
        if (cells := _cells(line, tabs)) != [""]
    ]
    in_rows: list[Finding] = []
    curve = _curve(file, DATA_SETS[data_set], given, in_rows)
    return data_set, curve, [*findings, *_folded(in_rows)]


def _cells(line: str, tabs: bool) -> list[str]:
    return [cell.strip() for cell in line.strip().split("\t")] if tabs else columns(line) or [""]


def _curve(file: str, data_set: DataSet, rows: Sequence[_Row], findings: list[Finding]) -> Curve:
    """The rows that can be read and can be. Any other is left out behind the bars, and before them refuses the entry."""
    read = _columns(data_set, rows)
    curve: list[tuple[float, float]] = []
    last = (0.0, 0.0)  # epoch and hours
    for line, cells in rows:
        epoch, at, accuracy = _number(cells, "epoch"), _number(cells, "hours"), read[data_set.accuracy][line]
        passed = any(one >= max(data_set.bars) for _, one in curve)
        field, text = _fault(data_set, last, cells, accuracy)
        if not field:
            field, text = _swapped(data_set, {name: column[line] for name, column in read.items()})
        if not field:
            notes = _notes(last if curve else None, epoch, at or 0.0)
            findings.extend(
                Finding(as_seen(file), line, name, as_seen(repr(cells[name])), "noted", note) for name, note in notes
            )
        if not field and at is not None and accuracy is not None:
            last = (last[0] if epoch is None else epoch, at)
            curve.append((at, accuracy))
            continue
        found = as_seen(repr(cells[field])) if cells else "another number of columns than the header has"
        findings.append(Finding(as_seen(file), line, field, found, "left out" if passed else "refused", text))
    if not rows:
        findings.append(Finding(as_seen(file), 1, "", "no rows", "refused", "expected one for each epoch"))
    findings.extend(_corrected(file, data_set, rows, read[data_set.accuracy]))
    return curve


def _folded(findings: Sequence[Finding]) -> Iterator[Finding]:
    """The findings, of which the last that is shown of a kind says how many more there are: a file may have any number of rows."""
    kinds = Counter((one.field, one.action) for one in findings)
    shown: Counter[tuple[str, str]] = Counter()
    for one in findings:
        kind = (one.field, one.action)
        shown[kind] += 1
        if shown[kind] < _SHOWN or kinds[kind] == _SHOWN == shown[kind]:
            yield one
        elif shown[kind] == _SHOWN:
            yield replace(one, text=f"{one.text}; {kinds[kind] - _SHOWN:,} more rows so")


def _columns(data_set: DataSet, rows: Sequence[_Row]) -> dict[str, dict[int, float | None]]:
    """The accuracies of each column by line, on the scale of the data set."""
    found = {}
    for name in data_set.columns[2:]:
        scaled = accuracies([cells.get(name) for _, cells in rows], data_set.whole)
        found[name] = {line: value for (line, _), value in zip(rows, scaled, strict=True)}
    return found


def _fault(
    data_set: DataSet, last: tuple[float, float], cells: Mapping[str, str], accuracy: float | None
) -> tuple[str, str]:
    """The column of a row that cannot be, with the reason, ("", "") for one that can; `last` are epoch and hours before it."""
    epoch, at = _number(cells, "epoch"), _number(cells, "hours")
    if at is None or not 0 <= at <= MOST_HOURS:
        return "hours", f"expected a number from 0 to {MOST_HOURS:,.0f}{_hint(cells.get('hours'))}"
    if accuracy is None:
        return data_set.accuracy, unreadable(cells.get(data_set.accuracy), data_set.whole)
    if at < last[1]:
        text = f"less than {last[1]!r} before it; time does not run back: give the hours since the training began"
        return "hours", text
    if epoch is not None and not 0 <= epoch <= MOST_EPOCHS:
        return "epoch", f"expected a number from 0 to {MOST_EPOCHS:,.0f}"
    epochs, seconds = 0.0 if epoch is None else epoch - last[0], (at - last[1]) * 3600
    if seconds < (least := epochs * data_set.least_epoch):
        return "hours", f"{seconds:.3g} s after the row before, where {epochs:g} epochs take {least:g} s at least"
    bar, least, seconds = min(data_set.bars), data_set.least_training, at * 3600
    if accuracy >= bar and seconds < least:
        return "hours", f"{seconds:.3g} s in all, where no machine trains to {bar:g} within {least:g} s"
    return "", ""


def _swapped(data_set: DataSet, values: Mapping[str, float | None]) -> tuple[str, str]:
    """As `_fault`, for a row whose best answer is right more often than one of its best five."""
    ranking, others = values[data_set.accuracy], [name for name in values if name != data_set.accuracy]
    for name in others:
        value = values[name]
        if value is not None and ranking is not None and value > ranking:
            return (
                name,
                f"more than {data_set.accuracy} {ranking:g} beside it, which it is part of; are the two swapped?",
            )
    return "", ""


def _notes(last: tuple[float, float] | None, epoch: float | None, at: float) -> Iterator[tuple[str, str]]:
    """The columns of a row that counts with what is odd about them; `last` are epoch and hours before it, None for nothing."""
    if epoch is None:
        yield "epoch", "no number; the row counts, since nothing is ranked by it"
        return
    if last is not None and epoch <= last[0]:
        yield "epoch", f"not behind the epoch {last[0]:g} before it; the row counts, since nothing is ranked by it"
    before = last or (0.0, 0.0)
    if (each := (at - before[1]) / max(epoch - before[0], 1.0)) > SLOW_EPOCH_HOURS:
        yield "hours", f"{each:,.0f} hours an epoch; they count as they are given, but are these seconds?"


def _hint(cell: str | None) -> str:
    """What to do about a cell that is a number elsewhere in the world."""
    try:
        as_number(cell)
    except ValueError as error:
        return "".join(str(error).partition("; ")[1:])
    return ""


def _number(cells: Mapping[str, str], name: str) -> float | None:
    try:
        return as_number(cells[name])
    except (KeyError, ValueError):
        return None


def _corrected(
    file: str, data_set: DataSet, rows: Sequence[_Row], scaled: Mapping[int, float | None]
) -> Iterator[Finding]:
    """One finding for all values of the column that were given on the other scale, or with a sign."""
    given = {line: cells.get(data_set.accuracy, "") for line, cells in rows}
    changed = [line for line, value in scaled.items() if value is not None and _number({"": given[line]}, "") != value]
    if changed:
        line = changed[0]
        text = f"read as {scaled[line]!r}, on the scale from 0 to {data_set.whole:g}; {len(changed)} rows so"
        yield Finding(as_seen(file), line, data_set.accuracy, as_seen(given[line]), "corrected", text)
