"""What a function is given for a run, as the command line would name it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias

from bench.errors import BenchError
from bench.notebook.evaluation import Evaluation

Reference: TypeAlias = "Evaluation | str | os.PathLike[str]"


def reference_of(given: Reference) -> str:
    """The folder of an evaluation; a text or path as it is: folder, id, TASK/MODEL, bundle or mlflow:ID."""
    if isinstance(given, Evaluation):
        return str(given.folder)
    if not isinstance(given, str | os.PathLike):
        raise BenchError(
            f"a run is an evaluation, a folder, an id, TASK/MODEL, FILE.zip or mlflow:ID, and no {type(given).__name__}"
        )
    return os.fspath(given)


def runs_below(given: str | os.PathLike[str] | None) -> Path:
    """The runs directory: the one that is given, else that of BENCH_RUNS, else runs; raises BenchError for an empty text."""
    if given is not None and not os.fspath(given):
        raise BenchError("runs_dir is empty; name a folder, or . for this one")
    return Path(given if given is not None else os.environ.get("BENCH_RUNS", "runs"))


def folder_of(given: Reference, runs_dir: str | os.PathLike[str] | None) -> Path:
    """The one folder of a run; raises BenchError where there is none, or several."""
    from bench.commands.shared.references import one

    return one(reference_of(given), runs_below(runs_dir))
