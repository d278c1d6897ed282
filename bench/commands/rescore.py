"""`bench rescore`: today's parser and metrics on stored predictions."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.commands.shared import output
from bench.config import compose as conf
from bench.errors import BenchError
from bench.text.shown import tell

if TYPE_CHECKING:
    from bench.record import Run
    from bench.task import Task


def main(options: argparse.Namespace) -> int:
    """Score the named runs, or all, again in place; the scores of before go into their history. 2 if one could not be."""
    from bench.commands.shared.progress import Display
    from bench.commands.shared.references import resolve
    from bench.leaderboard.stamps import folders
    from bench.logs.log import say
    from bench.runs.folder import RunFolder

    if bool(options.references) == options.all:
        raise BenchError("name runs to score again, or give --all; see `bench rescore --help`")
    if not options.runs.is_dir():
        raise BenchError(f"the runs directory {options.runs} does not exist; name it with --runs or BENCH_RUNS")
    named = [path for reference in options.references for path in resolve(reference, options.runs)]
    found = named or [options.runs / path for path in sorted(folders(options.runs))]
    lines, failed = [], []
    with Display() as display:
        progress, paths = display.run("bench rescore"), list(dict.fromkeys(found))
        for done, path in enumerate(paths):
            progress(done, len(paths))
            try:
                lines.append(_again(RunFolder(path), options))
            except BenchError as error:
                failed.append(str(error))
                say(str(error))
    changed = sum(line["changed"] for line in lines)
    if options.json:
        output.emit({"runs": lines, "changed": changed, "failed": failed})
    else:
        for line in lines:
            tell(line["text"])
        verb = "would be scored again" if options.dry_run else "scored again"
        tell(f"{changed} of {len(lines)} runs {verb}" + (f", {len(failed)} could not be" if failed else ""))
    return 2 if failed else 0


def _again(folder: Any, options: argparse.Namespace) -> dict[str, Any]:
    """Score one run again where what scores it has changed."""
    from bench.engine.asking import data_of, first_examples
    from bench.runs.folder import refuse_altered
    from bench.runs.measurements import FILE
    from bench.scoring.foreign import ONLY_PAIRED, imported, is_foreign
    from bench.scoring.rescore import is_scored_as_now, rescore

    run: Run = folder.read()
    where = f"{run.task}/{run.model} ({run.run_id})"
    if is_foreign(run):
        text = f"{where}: imported with its own scores, which nothing here makes"
        return {"run_id": run.run_id, "task": run.task, "model": run.model, "changed": False, "text": text}
    refuse_altered(folder.path, run, but=(FILE,))
    _refuse_other_config(folder.path, run)
    task = task_of(run)
    if task.version != run.task_version:
        raise BenchError(
            f"{where} is of version {run.task_version} of its task, which is {task.version} here; run it again"
        )
    examples = first_examples(task, run.limit)
    if imported(run) and run.config.get(ONLY_PAIRED):
        answered = {one.id for one in folder.predictions()}
        examples = [one for one in examples if one.id in answered]
    if run.data_fingerprint not in (data_of(task, examples), _without_media(examples)):
        raise BenchError(
            f"{where} was made on other data (fingerprint {run.data_fingerprint[:12]}) than the {len(examples):,} examples "
            "that lie here; bring those data, or run it again"
        )
    if is_scored_as_now(folder, task, run.resamples):
        return {
            "run_id": run.run_id,
            "task": run.task,
            "model": run.model,
            "changed": False,
            "text": f"{where}: up to date",
        }
    said: list[str] = []
    done = rescore(folder, task, examples, resamples=run.resamples, say=said.append, dry=options.dry_run)
    scores = {score.metric: score.value for score in done.scores}
    if not options.dry_run:
        _log(folder.path, done, options.runs)
    line = {"run_id": run.run_id, "task": run.task, "model": run.model, "changed": True, "text": said[-1]}
    return line if options.dry_run else line | {"scores": scores}


def _refuse_other_config(folder: Path, run: Run) -> None:
    """Raise BenchError for a record whose configuration is not that of its config.yaml: it may ask for examples without end."""
    from bench.data.plain_yaml import read_yaml
    from bench.runs.folder import CONFIG, RECORD
    from bench.runs.identity import canonical

    if CONFIG in run.files and canonical(read_yaml(folder / CONFIG)) != canonical(dict(run.config)):
        raise BenchError(
            f"{folder / RECORD} does not hold the configuration of {CONFIG} beside it; run it again with --fresh"
        )


def _log(folder: Path, run: Run, runs_dir: Path) -> None:
    """Bring the scores to where the run is logged, if it is."""
    from bench.logs.log import say
    from bench.tracking import mark
    from bench.tracking.log import update
    from bench.tracking.store import StoreError, sync_command

    if (marked := mark.read(folder)) is not None:
        try:
            update(folder, run, runs_dir)
        except StoreError as error:
            say(f"{error}; `{sync_command(marked.uri, runs_dir)}` brings the new scores later")


def task_of(run: Run) -> Task:
    """The task as the run configured it, over the data that lie here; raises BenchError where it cannot be made."""
    from bench.config.build import build
    from bench.task import Task

    task = build(task_config(run.task, run.config.get("task")), "task")
    if not isinstance(task, Task):
        raise BenchError(f"task '{run.task}' ranks entries and has no runs to score")
    return task


def task_config(name: str, config: Any) -> Mapping[str, Any]:
    """How a run configured its task, over the data that lie here; raises BenchError for one that nobody knows."""
    known = name in conf.names("task")
    today: Mapping[str, Any] = conf.plain(conf.compose([f"task={name}"])[0])["task"] if known else {}
    config = config if isinstance(config, Mapping) else today
    if not config:
        raise BenchError(f"task '{name}' is not known here; `bench list tasks` shows those that are")
    if isinstance(config.get("data"), Mapping) and not _lies_here(config["data"]) and today.get("data"):
        return {**config, "data": today["data"]}
    return dict(config)


def _lies_here(data: Mapping[str, Any]) -> bool:
    """Whether the data that a run's configuration names can still be found under that name."""
    own = data.get("path")
    return Path(own).exists() if own else (Path(str(data.get("data_dir", ""))) / str(data.get("local", ""))).exists()


def _without_media(examples: Any) -> str:
    from bench.runs.identity import fingerprint_of

    return fingerprint_of(examples)
