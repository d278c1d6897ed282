"""`bench check`: the gate for CI."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BenchError
from bench.text.shown import tell

if TYPE_CHECKING:
    from bench.judging.baseline import Side
    from bench.judging.check import Check, Rules
    from bench.metrics.metric import AnyMetric
    from bench.record import Run

EXIT = {"PASS": 0, "FAIL": 1, "INCONCLUSIVE": 3}


def main(options: argparse.Namespace) -> int:
    """Judge the runs, or make them the new baselines."""
    from bench.commands.shared import output
    from bench.judging import verdicts
    from bench.judging.check import Rules
    from bench.judging.ended import NAMES, limits

    most = limits({name: getattr(options, f"max_{name}") for name in NAMES})
    rules = Rules(options.margin, None if options.no_speed else options.speed_margin, options.level, most).in_range()
    if options.update:
        return _update(options)
    found = judge(options.references, options.against, rules, options.runs)
    if options.junit:
        _write(options.junit, verdicts.junit(found))
    if options.markdown:
        _write(options.markdown, verdicts.markdown(found), append=True)
    outcome = verdicts.outcome(found)
    if options.json:
        output.emit({"verdict": outcome, "checks": [verdicts.record(check) for check in found]})
    else:
        for check in found:
            tell(verdicts.line(check))
    return EXIT[outcome]


def judge(references: Sequence[str], against: str | None, rules: Rules, runs_dir: Path) -> list[Check]:
    """The verdicts on the runs that are named; raises BenchError where one cannot be compared with its baseline."""
    from bench.judging.baseline import refuse_altered
    from bench.judging.gate import checks
    from bench.metrics.metric import Metric, RankedMetric

    sides = _sides(references, runs_dir)
    seen: set[tuple[str, str]] = set()
    for side in sides:
        run = side.entry.run
        if (run.task, run.model) in seen:
            raise BenchError(f"{run.task}/{run.model} is given twice; give one run of it (--update takes several)")
        seen.add((run.task, run.model))
    pairs = [(side, _baseline(side.entry.run, against, runs_dir)) for side in sides]
    metrics = [_metric(side.entry.run) for side in sides]
    for pair, metric in zip(pairs, metrics, strict=True):
        for side in pair:
            if isinstance(metric, Metric | RankedMetric):
                refuse_altered(side.entry, metric)
    return checks(pairs, metrics, rules)


def _sides(references: Sequence[str], runs_dir: Path) -> list[Side]:
    from bench.commands.shared.references import resolve
    from bench.judging.baseline import of_folder

    folders = {folder: reference for reference in references for folder in resolve(reference, runs_dir)}
    for folder, reference in folders.items():
        if ".zip" not in reference and not reference.startswith(
            "mlflow:"
        ):  # else somebody else's, on another installation
            _refuse_other_versions(folder)
    return [of_folder(folder) for folder in folders]


def _refuse_other_versions(folder: Path) -> None:
    """Raise BenchError for a run that was found again under other versions than are installed: it says nothing of those."""
    from bench.runs import environment
    from bench.runs.folder import RunFolder

    found = RunFolder(folder)
    if not found.read().origin and (others := found.other_versions(environment.computing(with_libraries=True))):
        raise BenchError(
            f"{folder} was computed under {', '.join(others)}, so it says nothing of what is installed here; run it again with "
            "`bench run … --strict`"
        )


def _metric(run: Run) -> AnyMetric:
    """The metric that ranks the task, by the task's name."""
    from bench.config.build import class_of
    from bench.task import Task

    try:
        cls = class_of(run)
    except BenchError as error:
        raise BenchError(f"run {run.run_id}, model '{run.model}': {error}") from None
    if not issubclass(cls, Task):
        raise BenchError(f"task '{run.task}' ranks entries and has no runs to check")
    return cls.metrics[0]


def _baseline(run: Run, against: str | None, runs_dir: Path) -> Side:
    """What the run is compared with: a baseline's file, the one of its name in a folder of them, or another run."""
    from bench.commands.shared.references import resolve
    from bench.judging.baseline import of_entry, of_folder
    from bench.leaderboard import entry as entries
    from bench.runs.folder import RECORD

    path = Path(against) if against is not None else entries.BASELINES
    if against is None or (path.is_dir() and not (path / RECORD).exists()):
        path = entries.path_of(path, run)
        if not path.is_file():
            raise BenchError(f"{path} does not exist; make this baseline with `bench check RUN --update`")
    if path.is_file() and path.suffix == ".json" and path.name != RECORD:
        return of_entry(entries.read(path))
    found = [of_folder(folder) for folder in resolve(str(against), runs_dir)]
    same = [side for side in found if side.entry.run.task == run.task]
    if len(same) > 1:
        same = [side for side in same if side.entry.run.model == run.model]
    if len(same) != 1:
        raise BenchError(
            f"{against} holds no one run to compare {run.task}/{run.model} with; name it with {against}#TASK/MODEL"
        )
    return same[0]


def _update(options: argparse.Namespace) -> int:
    """Write the baselines, several runs of one task and model into one; 0."""
    from bench.commands.shared import output
    from bench.judging.baseline import baseline
    from bench.leaderboard import entry as entries

    for name in ("junit", "markdown", "max_cut", "max_empty", "max_unparsed"):
        if getattr(options, name):
            raise BenchError(f"--update makes baselines and judges nothing; leave --{name.replace('_', '-')} out")
    groups: dict[tuple[str, str], list[Side]] = {}
    for side in _sides(options.references, options.runs):
        groups.setdefault((side.entry.run.task, side.entry.run.model), []).append(side)
    target = Path(options.against) if options.against is not None else entries.BASELINES
    if target.suffix == ".json" and len(groups) > 1:
        raise BenchError(f"{target} holds one baseline, {len(groups)} are given; give --against a folder")
    made = []
    for sides in groups.values():
        found = baseline(sides, speed=not options.no_speed)
        made.append((target if target.suffix == ".json" else entries.path_of(target, found.run), found, sides))
    for path, found, sides in made:  # all were read before the first is written
        entries.write(path, found, sealed=True)
        if not options.json:
            tell(f"{path}: {found.run.task} / {found.run.model}, {_holds(found.run, len(found.speed), sides, options)}")
    if options.json:
        record = [
            {"path": str(path), "run_id": found.run.run_id, "timed_runs": len(found.speed)} for path, found, _ in made
        ]
        output.emit({"baselines": record})
    return 0


def _holds(run: Run, n_timed: int, sides: Sequence[Side], options: argparse.Namespace) -> str:
    """What a new baseline holds, and what of its speed it does not."""
    from bench.leaderboard.cells import interval

    score = f"{run.scores[0].metric} {interval(run.scores[0])} of {run.n_examples:,} examples"
    if options.no_speed:
        return f"{score}, no speed"
    untimed = sorted({side.unmeasured for side in sides if side.unmeasured})
    speed = f"speed of {n_timed} of {len(sides)} run{'s' if len(sides) > 1 else ''}"
    return f"{score}, {speed}" + (f" (one {'; one '.join(untimed)})" if untimed else "")


def _write(path: Path, text: str, *, append: bool = False) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a" if append else "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise BenchError(f"{path} cannot be written ({error.strerror}); choose another file") from None
