"""Killed processes: at random moments, beside each other on one folder, and in the middle of a sweep."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.hard import forked
from scripts.hard.command import FAULTS, OWN, ROOT, bench, is_clean, start
from scripts.hard.row import Row, Scale, counted

RUN = ("run", "task=hard_numbers", "model=hard_stub", "model.seconds=0.001", "model.load_seconds=0.2")
_MEASURED = ("timings", "created", "environment", "files")  # of a record: what no two runs have in common


def tried(scale: Scale) -> Iterator[Row]:
    """The rows of this part."""
    place = scale.folder
    whole = Undisturbed(place / "whole")
    yield killed_at_files(scale, whole)
    yield torn(scale, whole)
    yield killed_at_moments(scale, whole)
    yield killed_while_logging(scale, whole)
    yield beside_each_other(scale)
    yield dead_owner(scale)
    yield sweeps(scale)


class Undisturbed:
    """A run that nothing happened to: what every other must end with. Its logging makes the empty store of the cache."""

    def __init__(self, folder: Path) -> None:
        count = folder / "count"
        done = bench(*RUN, folder=folder, HARD_FAULT="count", HARD_COUNT=str(count), **with_faults(folder))
        assert done.returncode == 0, done.stderr
        self.run, self.cache = run_of(folder), folder / "cache"
        self.n_files, self.n_lines = map(int, count.read_text().split())


def with_faults(folder: Path) -> dict[str, str]:
    """The environment in which a fault can be asked for."""
    return {"PYTHONPATH": os.pathsep.join(map(str, (FAULTS, ROOT, OWN))), "HARD_BELOW": str(folder / "runs")}


@dataclass(frozen=True)
class Found:
    """What a run left: its answers and measurements by their bytes, and its record without what is measured."""

    predictions: bytes
    measurements: bytes
    record: dict[str, Any]
    attempts: int


def complete(folder: Path) -> list[Path]:
    """The folders of the complete runs."""
    return [path.parent for path in (folder / "runs").glob("hard_numbers/*/*/run.json")]


def run_of(folder: Path) -> Found:
    """The one run below a folder; raises AssertionError where there are more, or pieces of files that a kill left."""
    runs = complete(folder)
    assert len(runs) == 1, f"{len(runs)} runs"
    own = runs[0]
    drafts = [path.name for path in own.iterdir() if path.name.startswith(".") and not path.name.startswith(".lock")]
    assert not drafts, f"left behind: {drafts}"
    record = json.loads((own / "run.json").read_bytes())
    return Found(
        (own / "predictions.jsonl").read_bytes(), (own / "measurements.json").read_bytes(),
        {name: value for name, value in record.items() if name not in _MEASURED}, record["timings"]["attempts"],
    )  # fmt: skip


def logged(folder: Path) -> str:
    """ "" where the store has the run exactly once and finished, after one `bench sync`; else what it has."""
    done = forked.bench("sync", folder=folder)
    if done.returncode:
        return f"bench sync: {done.stderr[-200:]}"

    def asked() -> Any:
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri=f"sqlite:///{folder / 'runs' / 'mlflow.db'}")
        return list(client.search_runs([one.experiment_id for one in client.search_experiments()]))

    found = forked.asked(asked, folder)
    if len(found) != 1 or found[0].info.status != "FINISHED":
        return f"the store has {[one.info.status for one in found]}"
    record = json.loads((complete(folder)[0] / "run.json").read_bytes())
    value = found[0].data.metrics.get("exact_match")
    return "" if value == record["scores"][0]["value"] else f"the store says {value}"


def finished(folder: Path, whole: Undisturbed, *, tracking: bool = False) -> str:
    """Run the same command to its end: "" where it ended as the undisturbed run did, else what differs."""
    done = forked.bench(*RUN, *([] if tracking else ["tracking=none"]), folder=folder, BENCH_CACHE=str(whole.cache))
    if done.returncode or (wrong := is_clean(done)):
        return f"the same command ended with {done.returncode}: {done.stderr[-300:]}" if done.returncode else wrong
    try:
        found = run_of(folder)
    except AssertionError as error:
        return str(error)
    for name in ("predictions", "measurements"):
        if getattr(found, name) != getattr(whole.run, name):
            return f"other {name}"
    ours, due = dict(found.record), dict(whole.run.record)
    for one in (ours, due):
        one["config"] = {
            name: value for name, value in one["config"].items() if name not in ("runs_dir", "tracking", "model")
        }
    if ours != due:
        return f"another record: {[name for name in due if ours.get(name) != due[name]]}"
    return logged(folder) if tracking else ""


def killed_at_files(scale: Scale, whole: Undisturbed) -> Row:
    """Kill before the K-th time that a file of the runs directory is touched, K drawn from all of a run; up to 3 times."""
    draw, verdicts = scale.draw("files"), []
    for number in range(scale.n(2, 30)):
        folder, tracking = scale.folder / f"file{number}", scale.long or not number
        words = RUN if tracking else (*RUN, "tracking=none")
        for _ in range(draw.randint(1, 3)):
            at = draw.randint(1, whole.n_files)
            forked.bench(
                *words,
                folder=folder,
                HARD_FAULT=f"file:{at}",
                **with_faults(folder) | {"BENCH_CACHE": str(whole.cache)},
            )
        verdicts.append(finished(folder, whole, tracking=tracking))
    return counted("kill -9 before a file is opened, renamed or removed (journal, score, run.json, MLflow)", verdicts)


def torn(scale: Scale, whole: Undisturbed) -> Row:
    """Kill in the middle of a group of lines, at any of its bytes."""
    draw, verdicts = scale.draw("torn"), []
    for number in range(scale.n(2, 30)):
        folder = scale.folder / f"torn{number}"
        for _ in range(draw.randint(1, 2)):
            fault = f"torn:{draw.randint(1, whole.n_lines)}"
            forked.bench(*RUN, "tracking=none", folder=folder, HARD_FAULT=fault, **with_faults(folder))
        verdicts.append(finished(folder, whole))
    return counted("kill -9 in the middle of a line of journal or ledger", verdicts)


def killed_at_moments(scale: Scale, whole: Undisturbed) -> Row:
    """Kill after a random time, from the first import on."""
    draw, verdicts, lost = scale.draw("moments"), [], 0
    for number in range(scale.n(2, 30)):
        folder = scale.folder / f"moment{number}"
        for _ in range(draw.randint(1, 2)):
            process = start(*RUN, "tracking=none", folder=folder)
            end(process, draw.uniform(0.05, 2.5))
        verdicts.append(finished(folder, whole))
        ledger = next((folder / "runs").glob("*/*/*/timings.jsonl")).read_text().split("\n")
        again = sum(json.loads(line).get("n", 0) for line in ledger if '"phase":"predict"' in line) - 300
        lost = max(lost, again)
    return counted(
        "kill -9 at random moments (import, load, answers, score)",
        verdicts,
        f"at most {lost} answers of 300, asked again",
    )


def killed_while_logging(scale: Scale, whole: Undisturbed) -> Row:
    """Kill while the complete run is logged into MLflow."""
    draw, verdicts = scale.draw("logging"), []
    for number in range(scale.n(1, 20)):
        folder = scale.folder / f"log{number}"
        for _ in range(draw.randint(1, 2)):
            process = forked.start(*RUN, folder=folder, BENCH_CACHE=str(whole.cache))
            until = time.monotonic() + 60
            while (
                not list((folder / "runs").glob("*/*/*/run.json"))
                and not process.is_over()
                and time.monotonic() < until
            ):
                time.sleep(0.01)
            process.end(draw.uniform(0.0, 1.0))
        verdicts.append(finished(folder, whole, tracking=True))
    return counted("kill -9 while a run is logged into MLflow", verdicts)


def end(process: subprocess.Popen[str], after: float) -> None:
    """Kill a process after so many seconds, if it is still there."""
    try:
        process.communicate(timeout=after)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def beside_each_other(scale: Scale) -> Row:
    """Start several at once on one folder: one is at it, the others are refused in one line, and the end is that of one."""
    verdicts = []
    for number in range(scale.n(1, 8)):
        folder, n = scale.folder / f"beside{number}", scale.n(3, 6)
        slow = (*RUN, "model.seconds=0.01", "tracking=none")
        processes = [forked.start(*slow, folder=folder, waits=True) for _ in range(n)]
        for process in processes:
            process.go()
        said = [process.wait(120) for process in processes]
        refused = [one.stderr for one in said if one.returncode == 2]
        done = [one for one in said if one.returncode == 0]
        lines = (folder / next((folder / "runs").glob("*/*/*/predictions.jsonl"))).read_text().count("\n")
        is_right = lines == 300 and len(done) >= 1 and len(done) + len(refused) == n
        named = all("in use by process" in err and "Traceback" not in err for err in refused)
        verdicts.append("" if is_right and named else f"{len(done)} done, {lines} lines, refused: {refused}")
    return counted(f"{scale.n(3, 6)} processes at once on one run", verdicts)


def dead_owner(scale: Scale) -> Row:
    """Kill the owner of a lock, also one whose child lives on with its files: the next process goes on at once."""
    verdicts = []
    for number in range(scale.n(2, 10)):
        folder = scale.folder / f"owner{number}"
        words = (*RUN, "model.seconds=0.02", f"model.habit={'forks' if number % 2 else 'none'}", "tracking=none")
        process = forked.start(*words, folder=folder)
        until = time.monotonic() + 60
        while not list((folder / "runs").glob("*/*/*/predictions.jsonl")) and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(0.2)
        process.kill()
        process.wait()
        done = forked.bench(*words, folder=folder)
        verdicts.append("" if done.returncode == 0 else done.stderr[-300:])
    return counted("kill -9 of a lock's owner, with and without a child that lives on", verdicts)


def sweeps(scale: Scale) -> Row:
    """Kill a sweep with cells that fail in several ways, and go on: the failed are named at the end, the others are done once."""
    draw, verdicts = scale.draw("sweeps"), []
    words = (
        "run",
        "-m",
        "task=hard_numbers,squad_v1",
        "model=hard_stub",
        "model.habit=none,raises,exits,memory",
        "tracking=none",
    )
    for number in range(scale.n(1, 8)):
        folder = scale.folder / f"sweep{number}"
        forked.start(*words, folder=folder, BENCH_OFFLINE="1").end(draw.uniform(0.1, 3))
        done = forked.bench(*words, folder=folder, BENCH_OFFLINE="1")
        verdicts.append(sweep_verdict(folder, done))
    return counted("kill -9 of a sweep of 8 cells, 7 of which fail", verdicts)


def sweep_verdict(folder: Path, done: forked.Done) -> str:
    """What is wrong with how the sweep ended; "" for nothing."""
    at_end = done.stderr.partition("7 of 8 jobs failed")[2]
    named = sum(f"{what} / hard_stub" in line for line in at_end.split("\n") for what in ("hard_numbers", "squad_v1"))
    if done.returncode != 2 or "Traceback" in done.stderr:
        return f"exit code {done.returncode}: {done.stderr[-600:]}"
    n = len(complete(folder))
    return "" if (named, n) == (7, 1) else f"{named} named at the end, {n} complete: {done.stderr[-800:]}"
