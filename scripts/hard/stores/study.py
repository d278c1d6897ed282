"""Runs to log, and what a store must hold of them."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from scripts.hard.forked import Done, asked, bench
from scripts.hard.row import say

RUN = ("run", "-m", "suite=mini", "suite.tasks=[hard_numbers]", "model=hard_stub", "limit=20", "resamples=20")
_PROGRESS = re.compile(r"\d+ of \d+|logs the run|, \d+ s$")  # a line every ten seconds, where it takes long
_LATER = re.compile(r"`(MLFLOW_TRACKING_URI=\S+ )?bench sync( --runs \S+)?` logs it later")
MINI = ("run", "-m", "suite=mini", "suite.tasks=[finmm_qa,finmm_emotion]", "model=constant", "limit=3", "resamples=20")


def make(folder: Path, seeds: Sequence[int], words: Sequence[str] = RUN) -> Path:
    """Complete runs that no store has, one for each seed and task of the suite; their runs directory."""
    done = bench(*words, f"seed={','.join(map(str, seeds))}", "tracking=none", folder=folder)
    if done.returncode:
        raise RuntimeError(f"the runs could not be made: {done.stderr[-1000:]}")
    return folder / "runs"


def copies(runs: Path, target: Path) -> Path:
    """The same runs in another runs directory, as a partner has them: without marks."""
    shutil.copytree(runs, target, ignore=shutil.ignore_patterns("mlflow.*", ".mlflow*", "mlartifacts"))
    return target


def folders(*runs: Path) -> list[Path]:
    """The complete runs below these runs directories."""
    return sorted(path.parent for one in runs for path in one.glob("*/*/*/run.json") if "mlartifacts" not in path.parts)


def of_seed(source: Path, i: int, folder: Path) -> Path:
    """The runs of one seed alone."""
    for path in source.glob("*/*/*/run.json"):
        if json.loads(path.read_text())["seed"] == i:
            copies(path.parent, folder / "runs" / path.parent.relative_to(source))
    return folder / "runs"


def faults(uri: str, *runs: Path, room: Path, marked: bool = True) -> str:
    """What the store has otherwise than exactly once and whole of these runs, in one text; "" for nothing.

    `marked`: each folder's mark must name the run that is there.
    """
    found = asked(lambda: _Look(uri).faults(folders(*runs), marked=marked), room)
    return "; ".join(found[:6])


def ended(done: Done, what: str = "") -> str:
    """What is wrong with how a command ended that must end with 0; "" for nothing."""
    if "Traceback" in done.stderr + done.stdout:
        return f"{what}a traceback: {done.stderr[-400:]!r}"
    return "" if done.returncode == 0 else f"{what}exit code {done.returncode}: {done.stderr[-400:]!r}"


def unlogged(done: Done, runs: Path, n: int) -> str:
    """What is wrong with a `bench run` of `n` runs whose store takes nothing; "" where it finished and said so in one line."""
    if fault := ended(done):
        return fault
    if len(folders(runs)) != n:
        return f"{len(folders(runs))} complete runs instead of {n}"
    said = [line for line in done.lines if _LATER.search(line)]
    others = [line for line in done.lines if line not in said and not _PROGRESS.search(line)]
    if len(said) != 1 or others:
        return f"{len(said)} of {len(done.lines)} lines say how the runs are logged later: {done.stderr[-500:]!r}"
    return ""


def synced(uri: str, folder: Path, *runs: Path, marked: bool = True, again: bool = True) -> str:
    """What is wrong after `bench sync` of these runs directories, and once more, into a store that works; "" for nothing."""
    for one in runs:
        done = bench("sync", "--runs", str(one), folder=folder, MLFLOW_TRACKING_URI=uri)
        if fault := ended(done, "bench sync: "):
            return fault
    if again:
        done = bench("sync", "--runs", str(runs[-1]), folder=folder, MLFLOW_TRACKING_URI=uri)
        if not done.stdout.startswith("0 runs logged"):
            return f"a second sync said {done.stdout!r} {done.stderr[-300:]!r}"
    return faults(uri, *runs, room=folder, marked=marked)


class _Look:
    """One look at a whole store, by MLflow's own client, without what logs into it."""

    def __init__(self, uri: str) -> None:
        from mlflow import MlflowClient
        from mlflow.entities import ViewType

        self.uri, self.client = uri, MlflowClient(tracking_uri=uri)
        experiments = [one.experiment_id for one in self.client.search_experiments(ViewType.ALL)]
        self.active: list[Any] = []
        token = None
        while True:
            page = self.client.search_runs(experiments, max_results=1000, page_token=token)
            self.active += page
            token = page.token
            if not token:
                break

    def faults(self, paths: Sequence[Path], *, marked: bool) -> list[str]:
        from bench.runs.folder import read_run
        from bench.tracking import mark
        from bench.tracking.fields import KEY, key_of

        runs = {path: read_run(path / "run.json") for path in paths}
        keys = {path: key_of(run) for path, run in runs.items()}
        found = [f"run {one.info.run_id} is {one.info.status}" for one in self.active if one.info.status != "FINISHED"]
        for path in {key: path for path, key in keys.items()}.values():
            mine = [one for one in self.active if one.data.tags.get(KEY) == keys[path]]
            if len(mine) != 1:
                found.append(f"{path.parent.parent.name} seed {runs[path].seed} is there {len(mine)} times")
            else:
                found += self._of_one(mine[0], runs[path], path)
        for path in paths if marked else ():
            said = mark.of_store(path, self.uri)
            if not mark.is_logged(path, self.uri) or said is None:
                found.append(f"{path} has no mark")
            elif said.run_id not in {one.info.run_id for one in self.active}:
                found.append(f"the mark of {path} names a run that is not there")
        return found + self._of_parents([*runs.values()])

    def _of_one(self, one: Any, run: Any, path: Path) -> list[str]:
        from dataclasses import replace

        from bench.text.secrets import withheld
        from bench.tracking import fields

        metrics = {fields.name(name): value for name, value in fields.metrics(run).items()}
        tags = {name: str(value)[: fields.LONGEST_TAG] for name, value in fields.tags(run).items()}
        wrong = {
            "metrics": {name: one.data.metrics.get(name) for name in metrics} != metrics,
            "params": one.data.params != fields.params(replace(run, config=withheld(run.config))),
            "tags": {name: one.data.tags.get(name) for name in tags} != tags,
            "inputs": [given.dataset.digest for given in one.inputs.dataset_inputs] != [run.data_fingerprint[:32]],
        }
        found = [name for name, is_wrong in wrong.items() if is_wrong]
        for name in fields.FILES:
            if (path / name).exists():
                try:
                    same = self._file(one, name) == (path / name).read_bytes()
                except Exception:
                    same = False
                found += [] if same else [f"artifact {name}"]
        return [f"{one.info.run_id} lacks the right {', '.join(found)}"] if found else []

    def _file(self, one: Any, name: str) -> bytes:
        import tempfile

        place = str(one.info.artifact_uri)
        if place.startswith("file:") or place.startswith("/"):
            return (Path(unquote(place.removeprefix("file://"))) / name).read_bytes()
        with tempfile.TemporaryDirectory() as folder:
            return Path(self.client.download_artifacts(one.info.run_id, name, folder)).read_bytes()

    def _of_parents(self, runs: Sequence[Any]) -> list[str]:
        """Each suite, model and seed has one parent, which has the score of each of its runs, and all of them below it."""
        from bench.tracking import fields, suites

        found = []
        for suite, model, seed in sorted({(suites.of_record(run), run.model, run.seed) for run in runs}):
            parents = [
                one for one in self.active
                if suites.SUITE in one.data.tags and (one.data.tags["suite"], one.data.tags["model"], one.data.tags["seed"])
                == (suite, model, str(seed))
            ]  # fmt: skip
            if len(parents) != 1:
                found.append(f"suite {suite} of {model} seed {seed} has {len(parents)} parents")
                continue
            tags, metrics = parents[0].data.tags, parents[0].data.metrics
            mine = {fields.key_of(run): run for run in runs if (run.model, run.seed) == (model, seed)}
            below = {one.data.tags.get(fields.KEY) for one in self.active
                     if one.data.tags.get(suites.PARENT) == parents[0].info.run_id}  # fmt: skip
            said = all(
                {f"finai_bench.run_of.{run.task}", f"{run.task}.{run.scores[0].metric}"} <= {*tags, *metrics}
                for run in mine.values()
            )
            seconds = sum(value for name, value in metrics.items() if name.endswith(".seconds"))
            if not said or below != set(mine) or abs(metrics["time.seconds.total"] - seconds) > 1e-6:
                found.append(
                    f"the parent of {model} seed {seed} has {len(below)} of {len(mine)} runs, or lacks a score"
                )
        return found


def timed(rows: Sequence[tuple[str, float]]) -> str:
    """Seconds by name, for the table."""
    for name, seconds in rows:
        say(f"stores: {name}: {seconds:.1f} s")
    return ", ".join(f"{name} {seconds:.1f}" for name, seconds in rows)
