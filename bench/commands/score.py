"""`bench score`: a submission in its official format, or the entries of a competition."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.commands.shared import output, tables
from bench.config import compose as conf
from bench.config import prices
from bench.config.overrides import override
from bench.errors import BenchError
from bench.text.shown import name_problem, tell

if TYPE_CHECKING:
    from bench.task import EntryTask, Task
    from bench.types import Json


def main(options: argparse.Namespace) -> int:
    """Score what somebody predicted, give the figures by the official definitions and say what is wrong in the file.

    Where the references are held out, rounded scores and the number of the submitter's attempt.
    """
    from functools import partial

    from bench.commands.shared.progress import Display
    from bench.config.build import build
    from bench.runs.settings import Settings
    from bench.submissions import held_out
    from bench.submissions import reading as submissions
    from bench.task import EntryTask

    _refuse(options)
    config = _config(options)
    task = build(config["task"], "task")
    if isinstance(task, EntryTask):
        return _score_entries(task, options)
    settings = Settings(
        runs_dir=Path(config["runs_dir"]), limit=config["limit"], seed=config["seed"], resamples=config["resamples"],
        fresh=options.fresh, config={"task": config["task"], "submission": options.predictions.name},
    )  # fmt: skip
    file, at, system = options.predictions.name.rpartition("@")
    name = options.model or (system if at and file else options.predictions.stem)
    with Display() as display:
        display.run(f"{task.name} / {name}").doing("scores what was predicted")
        found, folder, official = submissions.evaluate(
            task, options.predictions, name, settings, no_answer=options.na_prob,
            judge_of=partial(held_out.judge, task, config["task"], options.submitter, name),
        )  # fmt: skip
    if options.json:
        output.emit(output.summary(found, folder.path) | {"official": official, "submission": found.submission})
        return 0
    output.print_run(found, folder.path)
    if official:
        tell(_official_line(task, official))
    if "attempt" in found.submission:
        attempt, submitter = found.submission["attempt"], found.submission["submitter"]
        tell(f"  held out, so rounded and without intervals: attempt {attempt} of {submitter} on {found.task}")
    for kind in ("missing", "unknown", "duplicated", "malformed"):
        if n := found.submission[kind]["n"]:
            ids = ", ".join(found.submission[kind]["first"])
            tell(f"  {n:,} {kind}: {ids}{', …' if n > len(found.submission[kind]['first']) else ''}")
    return 0


def _official_line(task: Task, official: Mapping[str, Json]) -> str:
    figures = ", ".join(f"{key} {output.figures(value)}" for key, value in official.items())
    card = getattr(task, "card", None)  # a task of one's own may have none
    of_ours = card is not None and card.source.startswith("tasks/")  # its only script is this program
    return f"  on the text as it came: {figures}" if of_ours else f"  official figures: {figures}"


def _config(options: argparse.Namespace) -> Mapping[str, Any]:
    """What is asked; raises BenchError for what only answers that are made here have."""
    data = [override("data.path", options.data)] if options.data else []
    composed, choices = conf.compose([f"task={options.task}", *data, *options.overrides])
    config = conf.plain(composed)
    if prices.chosen(config, choices)[0] or config["energy"] != "none":
        raise BenchError("price and energy are of answers that are made here; predictions that were brought have none")
    return config


def _refuse(options: argparse.Namespace) -> None:
    """Raise BenchError for a word that is no override, and for a name that nobody could read."""
    if further := [word for word in options.overrides if "=" not in word and not word.startswith("~")]:
        raise BenchError(f"score takes one file or folder of predictions and KEY=VALUE; {further[0]!r} is neither")
    if said := name_problem(options.submitter or ""):
        raise BenchError(f"--submitter: the name {said}; give another")


def _score_entries(task: EntryTask, options: argparse.Namespace) -> int:
    """Rank the entries of a competition and name every dirty value; 1 if not one of them could be counted."""
    from collections import Counter

    if unused := next((name for name in ("na_prob", "model", "submitter", "fresh") if getattr(options, name)), None):
        raise BenchError(
            f"--{unused.replace('_', '-')} is of no use to task '{task.name}', whose entries name themselves"
        )
    report = task.judge(options.predictions)
    actions = Counter(finding["action"] for finding in report.findings)
    refused = sum(entry["status"] == "refused" for entry in report.entries)
    counts = {"entries": len(report.entries), "refused": refused, "values": dict(actions)}
    code = 1 if refused == len(report.entries) else 0
    if options.json:
        record = {"task": task.name, "official": report.official, "counts": counts}
        output.emit(record | {"findings": report.findings, "entries": report.entries})
        return code
    for table in report.tables:
        tables.show_plain(table.title, table.headings, table.rows)
    figures = ", ".join(f"{key} {output.figures(value)}" for key, value in report.official.items())
    tell(f"official figures: {figures or 'none'}")
    shown = ", ".join(f"{n} {action}" for action, n in actions.items())
    tell(f"{counts['entries']} entries, {refused} of them refused; dirty values: {shown or 'none'}")
    for one in report.findings:
        field = f", {one['field']}" if one["field"] else ""
        tell(f"  {one['action']}: {one['file']} line {one['line']}{field}: found {one['found']}; {one['text']}")
    return code
