"""What commands have in common: how a run, a table and a JSON line are printed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.commands.shared.streams import can_say
from bench.text.secrets import clean
from bench.text.shown import json_text, tell, terminal

if TYPE_CHECKING:
    from rich.console import Console

    from bench.types import Run

LONGEST_CELL = 500  # characters of a cell in a table on a terminal


def emit(record: Any) -> None:
    """The one JSON line that `--json` promises."""
    sys.stdout.flush()
    line = json_text(json.dumps(_clean(record), ensure_ascii=False, allow_nan=False))
    print(line if can_say(line) else json.dumps(_clean(record), allow_nan=False), flush=True)


def _clean(record: Any) -> Any:
    """The record without secrets in its texts."""
    if isinstance(record, dict):
        return {clean(key) if isinstance(key, str) else key: _clean(value) for key, value in record.items()}
    if isinstance(record, list | tuple):
        return [_clean(one) for one in record]
    return clean(record) if isinstance(record, str) else record


def summary(run: Run, folder: Path) -> dict[str, Any]:
    """What `bench run --json` prints of a run."""
    scores = {s.metric: {k: v for k, v in vars(s).items() if k != "metric"} for s in run.scores}
    return {
        "task": run.task, "model": run.model, "run_id": run.run_id, "run_dir": str(folder), "n": run.n_examples,
        "scores": scores, "timings": run.timings, "environment": run.environment, "data_fingerprint": run.data_fingerprint,
        "answers": dict(run.answers),
    }  # fmt: skip


def print_run(run: Run, folder: Path) -> None:
    """A run's scores, what of them is absent and why, its speed and its folder."""
    from bench.leaderboard import endings
    from bench.leaderboard.board import interval, shown

    seconds = run.timings["seconds"]
    rate = run.timings["examples_per_second"]
    scores = ", ".join(f"{s.metric} {interval(s)}" for s in run.scores if s.value is not None)
    tell(f"{run.task} / {run.model}: {scores}")
    if ended := endings.line(run, shown):
        tell(f"  {ended}")
    absent: dict[str, list[str]] = {}
    for score in run.scores:
        if score.value is None:
            absent.setdefault(score.note, []).append(score.metric)
    for reason, names in absent.items():
        tell(f"  {', '.join(names)} {reason}")
    speed = f"{rate:,.1f} a second, {seconds['total']:.1f} s in all; " if rate else ""
    tell(f"  {run.n_examples} examples, {speed}{folder}")
    sys.stdout.flush()


def print_rows(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table of texts; one without a rank ("–" in the first column) is dimmed."""
    from rich.table import Table as RichTable
    from rich.text import Text

    table = RichTable(title=Text(terminal(title)), title_justify="left")
    for heading in headings:
        number = any(word in heading for word in ("seconds", "hours", "cost", "latency", "accuracy"))
        table.add_column(
            Text(terminal(heading)), justify="right" if number else "left", overflow="fold", no_wrap=heading == "status"
        )
    for row in rows:
        table.add_row(*(Text(terminal(cell, LONGEST_CELL)) for cell in row), style="dim" if row[0] == "–" else None)
    console().print(table)


def console() -> Console:
    """Where tables go: nothing is cut where a file or a log is read."""
    from rich.console import Console

    return Console(width=None if os.isatty(1) else 240)


def figures(value: Any) -> str:
    """A value of an official script as text, to four decimals."""
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(figures, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {figures(one)}" for key, one in value.items()) + "}"
    return f"{value:.4f}".replace("-0.0000", "0.0000") if isinstance(value, float) else str(value)
