"""What a command line calls a run, as the folder of a run."""

from __future__ import annotations

import glob
import re
from pathlib import Path

from bench.commands.shared.run_names import pairs
from bench.errors import BenchError
from bench.runs.folder import ARTIFACTS, CONFIG, RECORD, read_run
from bench.runs.journal import JOURNAL
from bench.text.meant import meant


def resolve(reference: str, runs_dir: Path) -> list[Path]:
    """The run folders that a reference names: one, or those of a bundle of several runs.

    A reference is a run's folder or its `run.json`, a run id (or the beginning of one), TASK/MODEL (its latest run), a
    bundle FILE.zip or FILE.zip#TASK/MODEL, or mlflow:ID. Raises BenchError where it names none, or several.
    """
    path = Path(reference)
    if path.name == RECORD and path.is_file():
        return [path.parent]
    if (path / RECORD).is_file():
        return [path]
    if reference.startswith("mlflow:"):
        return [_logged(reference.removeprefix("mlflow:"), runs_dir)]
    if (bundle := _bundle(reference)) is not None:
        return _bundled(*bundle)
    return [_found(reference, runs_dir)]


def complete(reference: str, runs_dir: Path) -> list[Path]:
    """As `resolve`; BenchError says of a run that was interrupted how it goes on."""
    try:
        return resolve(reference, runs_dir)
    except BenchError:
        named = list((runs_dir / reference).glob("*")) if reference.count("/") == 1 else []
        named += runs_dir.glob(f"*/*/{glob.escape(reference)}*") if reference and "/" not in reference else []
        begun = [
            folder
            for folder in (Path(reference), *named)
            if any((folder / name).exists() for name in (CONFIG, JOURNAL))
        ]
        if begun and not any((folder / RECORD).exists() for folder in begun):
            raise BenchError(
                f"{begun[0]} is not complete: it has no {RECORD}; the same `bench run` command goes on with it"
            ) from None
        raise


def one(reference: str, runs_dir: Path) -> Path:
    """The one run folder that a reference names."""
    folders = resolve(reference, runs_dir)
    if len(folders) > 1:
        choices = ", ".join(f"{reference}#{run.task}/{run.model}" for run in (read_run(f / RECORD) for f in folders))
        raise BenchError(f"{reference} holds {len(folders)} runs; choose one of {choices}")
    return folders[0]


def _found(reference: str, runs_dir: Path) -> Path:
    """The folder below the runs directory: by run id, or the latest of TASK/MODEL."""
    is_id = reference and "/" not in reference
    by_id = [path.parent for path in runs_dir.glob(f"*/*/{glob.escape(reference)}*/{RECORD}")] if is_id else []
    by_id = [folder for folder in by_id if folder.relative_to(runs_dir).parts[0] != ARTIFACTS]
    exact = [folder for folder in by_id if folder.name == reference]
    if len(exact or by_id) > 1:
        raise BenchError(f"{reference} is the beginning of {len(by_id)} runs below {runs_dir}; give more of the id")
    if by_id:
        return (exact or by_id)[0]
    named = list((runs_dir / reference).glob(f"*/{RECORD}")) if reference.count("/") == 1 else []
    if not named and re.fullmatch("[0-9a-f]{32}", reference):  # no run here has so long an id
        return _logged(reference, runs_dir)
    if not named:
        raise BenchError(
            f"{reference or repr(reference)} is no run: not a folder with {RECORD}, no id and no TASK/MODEL below {runs_dir}, "
            f"no bundle (FILE.zip) and no mlflow:ID{meant(reference, pairs(runs_dir))}"
        )
    return max(named, key=lambda path: (read_run(path).created, path)).parent


def _bundle(reference: str) -> tuple[Path, str] | None:
    """File and member of FILE.zip or FILE.zip#TASK/MODEL, either of which may hold a # of its own; None for what is neither."""
    marks = [match.end() for match in re.finditer(r"\.zip(?=#|$)", reference)]
    ends = [end for end in marks if Path(reference[:end]).is_file()] or marks
    return (Path(reference[: ends[-1]]), reference[ends[-1] + 1 :]) if ends else None


def _bundled(path: Path, member: str) -> list[Path]:
    """The run folders of a bundle, all of them or the one of TASK/MODEL; unpacked once below the cache."""
    from bench.bundles.archive import Refused
    from bench.bundles.unpack import unpacked

    try:
        runs = unpacked(path).runs
    except Refused as error:
        raise BenchError(f"{path}: {error}") from None
    chosen = [folder for folder, run in runs if member in ("", f"{run.task}/{run.model}")]
    if not chosen:
        raise BenchError(
            f"{path} holds no {member}; it holds {', '.join(f'{run.task}/{run.model}' for _, run in runs)}"
        )
    return chosen


def _logged(run_id: str, runs_dir: Path) -> Path:
    """The folder of a run of the MLflow store, downloaded once."""
    from bench.commands.shared import stored

    return stored.one(run_id, runs_dir)
