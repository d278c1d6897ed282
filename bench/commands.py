"""What each command does, from parsed options to an exit code. Progress and notes go to stderr, results to stdout."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import config as conf
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.doctor import Finding
    from bench.leaderboard.board import Board, Table
    from bench.task import EntryTask
    from bench.types import Run


def run(options: argparse.Namespace) -> int:
    """Evaluate, print scores and say where the run is."""
    if options.cfg:
        import yaml

        config, _ = conf.compose(options.overrides)
        print(yaml.safe_dump(dict(conf.plain(config)), sort_keys=False, allow_unicode=True), end="")
        return 0
    if options.offline:
        os.environ["BENCH_OFFLINE"] = os.environ["HF_HUB_OFFLINE"] = "1"
    from bench.jobs import Runner, plan, say

    jobs = plan(options.overrides, multirun=options.multirun)
    runner = Runner(fresh=options.fresh) if options.json else Runner(fresh=options.fresh, done=_print_run)
    try:
        outcome = runner.run(jobs)
    except KeyboardInterrupt:
        done, n = runner.progress.state
        say(
            f"interrupted; {done} of {n} predictions of {runner.progress.label} are kept, the same command goes on from there"
        )
        return 130
    if options.json:
        found = [_summary(finished, folder) for finished, folder in outcome.done]
        many = {"runs": found, "skipped": outcome.skipped, "failed": dict(outcome.failed)}
        emit(found[0] if len(jobs) == 1 and found else many)
    return 2 if outcome.failed else 0


def _summary(run: Run, folder: Path) -> dict[str, Any]:
    """What `bench run --json` prints of a run."""
    scores = {s.metric: {k: v for k, v in vars(s).items() if k != "metric"} for s in run.scores}
    return {
        "task": run.task, "model": run.model, "run_id": run.run_id, "run_dir": str(folder), "n": run.n_examples,
        "scores": scores, "timings": run.timings, "environment": run.environment, "data_fingerprint": run.data_fingerprint,
    }  # fmt: skip


def _print_run(run: Run, folder: Path) -> None:
    from bench.leaderboard.board import interval

    seconds = run.timings["seconds"]
    rate = run.timings["examples_per_second"]
    scores = ", ".join(f"{s.metric} {interval(s)}" for s in run.scores if s.value is not None)
    print(f"{run.task} / {run.model}: {scores}")
    absent: dict[str, list[str]] = {}
    for score in run.scores:
        if score.value is None:
            absent.setdefault(score.note, []).append(score.metric)
    for reason, names in absent.items():
        print(f"  {', '.join(names)} {reason}")
    speed = f"{rate:,.1f} a second, {seconds['total']:.1f} s in all; " if rate else ""
    print(f"  {run.n_examples} examples, {speed}{folder}", flush=True)


def score(options: argparse.Namespace) -> int:
    """Score what somebody predicted, say what the official script prints and what is wrong in the file."""
    from bench import submission as submissions
    from bench.build import build
    from bench.run import Settings
    from bench.task import EntryTask

    quoted = str(options.data).replace("'", r"\'")
    data = [f"data.path='{quoted}'"] if options.data else []
    config = conf.plain(conf.compose([f"task={options.task}", *data, *options.overrides])[0])
    task = build(config["task"], "task")
    if isinstance(task, EntryTask):
        return _score_entries(task, options)
    settings = Settings(
        runs_dir=Path(config["runs_dir"]), limit=config["limit"], seed=config["seed"], resamples=config["resamples"],
        fresh=options.fresh, config={"task": config["task"], "submission": options.predictions.name},
    )  # fmt: skip
    file, at, system = options.predictions.name.rpartition("@")
    name = options.model or (system if at and file else options.predictions.stem)
    found, folder, official = submissions.evaluate(task, options.predictions, name, settings, no_answer=options.na_prob)
    if options.json:
        emit(_summary(found, folder.path) | {"official": official, "submission": found.submission})
        return 0
    _print_run(found, folder.path)
    print("  official script: " + ", ".join(f"{key} {_figures(value)}" for key, value in official.items()))
    for kind in ("missing", "unknown", "duplicated", "malformed"):
        if n := found.submission[kind]["n"]:
            ids = ", ".join(found.submission[kind]["first"])
            print(f"  {n:,} {kind}: {ids}{', …' if n > len(found.submission[kind]['first']) else ''}")
    return 0


def _score_entries(task: EntryTask, options: argparse.Namespace) -> int:
    """Rank the entries of a competition and name every dirty value; 1 if not one of them could be counted."""
    from collections import Counter

    if unused := next((name for name in ("na_prob", "model", "fresh") if getattr(options, name)), None):
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
        emit(record | {"findings": report.findings, "entries": report.entries})
        return code
    for table in report.tables:
        _print_rows(table.title, table.headings, table.rows)
    figures = ", ".join(f"{key} {_figures(value)}" for key, value in report.official.items())
    print(f"official figures: {figures or 'none'}")
    shown = ", ".join(f"{n} {action}" for action, n in actions.items())
    print(f"{counts['entries']} entries, {refused} of them refused; dirty values: {shown or 'none'}")
    for one in report.findings:
        field = f", {one['field']}" if one["field"] else ""
        print(f"  {one['action']}: {one['file']} line {one['line']}{field}: found {one['found']}; {one['text']}")
    return code


def _print_rows(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table of texts; one without a rank ("–" in the first column) is dimmed."""
    from rich.console import Console
    from rich.table import Table as RichTable

    table = RichTable(title=title, title_justify="left")
    for heading in headings:
        number = any(word in heading for word in ("seconds", "hours", "cost", "latency", "accuracy"))
        table.add_column(heading, justify="right" if number else "left", overflow="fold", no_wrap=heading == "status")
    for row in rows:
        table.add_row(*(cell.replace("[", r"\[") for cell in row), style="dim" if row[0] == "–" else None)
    Console(width=None if os.isatty(1) else 240).print(table)  # nothing is cut where a file or a log is read


def _figures(value: Any) -> str:
    """A value of an official script as text, to four decimals."""
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_figures, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_figures(one)}" for key, one in value.items()) + "}"
    return f"{value:.4f}".replace("-0.0000", "0.0000") if isinstance(value, float) else str(value)


def board(options: argparse.Namespace) -> int:
    """Print boards and write their Markdown pages."""
    from bench.disk import write_atomically
    from bench.leaderboard import board as boards
    from bench.records import find_runs

    paths = [boards.find(options.name)] if options.name else boards.definitions()
    runs = [found for _, found in find_runs(options.runs)]
    out = Path("leaderboards")
    record: dict[str, Any] = {}
    for path in paths:
        one = boards.read(path)
        found = boards.tables(one, runs)
        if not found and not options.name:
            continue
        try:
            out.mkdir(exist_ok=True)
            write_atomically(out / f"{one.name}.md", boards.markdown(one, found))
        except OSError as error:
            raise BenchError(
                f"{out / one.name}.md cannot be written ({error.strerror}); run `bench board` in a writable folder"
            ) from None
        record[one.name] = [_table_json(table) for table in found]
        if not options.json:
            _print_board(one, found)
    if options.json:
        emit(record)
    elif not record:
        print(f"no complete runs in {options.runs}; `bench run suite=mini model=lexical` makes some")
    return 0


def _print_board(board: Board, found: list[Table]) -> None:
    from rich.console import Console
    from rich.table import Table as RichTable

    from bench.leaderboard import board as boards

    console = Console(width=None if os.isatty(1) else 240)  # nothing is cut where a file or a log is read
    if not found:
        console.print(f"{board.title}: no runs yet")
    for table in found:
        rich = RichTable(title=f"{board.title}: {boards.title(table)}", title_justify="left")
        for heading in boards.headings(board):
            text = heading in ("rank", "model", "device", "dtype", "commit", "date")
            rich.add_column(
                heading, justify="left" if text else "right", no_wrap=heading == "model" or "[95" in heading
            )
        for row in table.rows:
            rich.add_row(
                *(cell.replace("[", r"\[") for cell in boards.cells(board, row)),
                style="dim" if row.rank is None else None,
            )
        console.print(rich)


def _table_json(table: Table) -> dict[str, Any]:
    rows = [
        {"rank": row.rank, "model": row.run.model, **vars(row.score), "run_id": row.run.run_id,
         "examples_per_second": row.run.timings["examples_per_second"]}
        for row in table.rows
    ]  # fmt: skip
    return {"device": table.device, "data_fingerprint": table.fingerprint, "n": table.n, "rows": rows}


def list_(options: argparse.Namespace) -> int:
    """Print the choices of a kind, one a line."""
    if options.kind == "boards":
        from bench.leaderboard.board import definitions, read

        found = {path.stem: read(path).title for path in definitions()}
    else:
        found = conf.names(options.kind.removesuffix("s"))
    if options.json:
        emit(found)
        return 0
    width = max(map(len, found), default=0)
    for name, text in found.items():
        print(f"{name:<{width}}  {text}")
    return 0


def fetch(options: argparse.Namespace) -> int:
    """Bring data and weights into the cache."""
    from bench.build import build

    config, choices = conf.compose(options.overrides)
    plain = conf.plain(config)
    tasks = plain["suite"]["tasks"] if plain["suite"] else [choices["task"]] if "task" in choices else []
    if not tasks and "model" not in choices:
        raise BenchError("nothing to fetch; name task=, suite= or model=")
    for task in tasks:
        one, _ = conf.compose(
            [word for word in options.overrides if not word.startswith(("suite=", "task="))] + [f"task={task}"]
        )
        build(conf.plain(one)["task"], "task").fetch()
    if "model" in choices:
        build(plain["model"], "model").fetch()
    fetched = [*tasks, *([choices["model"]] if "model" in choices else [])]
    if options.json:
        emit({"fetched": fetched})
    else:
        print(f"ready: {', '.join(fetched)}")
    return 0


def doctor(options: argparse.Namespace) -> int:
    """Check the data of the named task, or say what of every task is here; 1 if something is wrong with a named one."""
    from bench import doctor as doctors
    from bench.build import build
    from bench.task import EntryTask

    config, choices = conf.compose(options.overrides)
    if "task" in choices:
        task = build(conf.plain(config)["task"], "task")
        kind = "entries" if isinstance(task, EntryTask) else "examples"
        found = _entries_found(task) if isinstance(task, EntryTask) else doctors.examine(task)
        if options.json:
            emit(vars(found))
        else:
            print(f"{found.task}: {found.n_examples:,} {kind}; {found.where}")
            for problem in found.problems:
                print(f"  {problem}")
            print(f"  to obtain: {found.obtain}" if found.obtain else "  ok" if not found.problems else "")
        return 1 if found.problems else 0
    others = [word for word in options.overrides if not word.startswith("task=")]
    tasks = {name: conf.plain(conf.compose([f"task={name}", *others])[0])["task"] for name in conf.names("task")}
    places = {name: doctors.where(build(one, "task")) for name, one in tasks.items()}
    here = doctors.machine(config.data_dir)
    if options.json:
        emit({"machine": here, "tasks": places})
        return 0
    for title, lines in (("this machine", here), ("tasks", places)):
        print(f"{title}:")
        for name, line in lines.items():
            print(f"  {name:<{max(map(len, lines))}}  {line}")
    return 0


def _entries_found(task: Any) -> Finding:
    """What the doctor finds of a competition: how many entries lie here, and why any of them is refused."""
    from bench import doctor as doctors

    try:
        n, problems = task.n_entries(), tuple(task.problems())
    except BenchError as error:
        n, problems = 0, (str(error),)
    return doctors.Finding(task.name, doctors.where(task), n, problems, task.card.obtain if problems else "")


def data(options: argparse.Namespace) -> int:
    """`bench data check` or `bench data render`."""
    return _check(options) if options.act == "check" else _render(options)


def _check(options: argparse.Namespace) -> int:
    """Print every problem with file, line, field and rule; 1 if there is one."""
    from bench.data.check import check_file, format_problem

    problems = check_file(options.file, options.spec)
    if options.json:
        emit(
            {
                "file": str(options.file),
                "problems": [vars(problem) | {"file": str(problem.file)} for problem in problems],
            }
        )
        return 1 if problems else 0
    for problem in problems:
        print(format_problem(problem))
    print(f"{options.file}: {len(problems)} problems" if problems else f"{options.file}: ok")
    return 1 if problems else 0


def _render(options: argparse.Namespace) -> int:
    """Write the documents of finmm_docvqa with another seed or number; conf/ is the link to the task."""
    from bench.build import build

    overrides = ["task=finmm_docvqa", f"task.documents={options.n}", f"task.document_seed={options.seed}"]
    config, _ = conf.compose(overrides)
    try:
        build(conf.plain(config)["task"], "task").write(options.folder)
    except OSError as error:
        raise BenchError(f"{options.folder} cannot be written ({error.strerror}); choose another folder") from None
    if options.json:
        emit({"folder": str(options.folder), "documents": options.n})
    else:
        print(f"{options.n} documents in {options.folder}: images/, annotations.jsonl, docvqa.json")
    return 0


def sync(options: argparse.Namespace) -> int:
    """Log every complete run that the store does not have."""
    from bench.records import find_runs
    from bench.tracking import StoreError, Tracker, default_uri, unlogged

    uri = os.environ.get("MLFLOW_TRACKING_URI") or default_uri(options.runs)
    missing = [*unlogged(find_runs(options.runs), uri)]
    try:
        if missing:
            tracker = Tracker(uri, options.runs)
            for folder, found in missing:
                tracker.log(found, folder)
    except StoreError as error:
        raise BenchError(f"{error}; start the store and run `bench sync` again") from None
    if options.json:
        emit({"logged": len(missing), "store": uri})
    else:
        print(f"{len(missing)} runs logged to {uri}")
    return 0


def emit(record: Any) -> None:
    """The one JSON line that `--json` promises."""
    sys.stdout.flush()
    print(json.dumps(record, ensure_ascii=False, allow_nan=False), flush=True)
