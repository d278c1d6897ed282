"""`load_run`: a run that was made before, or elsewhere."""

from __future__ import annotations

import os

from bench.notebook.evaluation import Evaluation
from bench.notebook.naming import Reference, folder_of
from bench.notebook.plainly import plainly


def load_run(run: Reference, *, runs_dir: str | os.PathLike[str] | None = None) -> Evaluation:
    """The complete run that a reference names: a folder, an id, TASK/MODEL (the latest), FILE.zip#TASK/MODEL or mlflow:ID.

    Raises BenchError where there is none or several, where it is not complete, and where a file of it was altered since.
    """
    from bench.leaderboard.evidence import with_evidence
    from bench.runs.folder import RECORD, read_run, refuse_altered

    with plainly():
        folder = folder_of(run, runs_dir)
        found = read_run(folder / RECORD)
        refuse_altered(folder, found)
        return Evaluation(with_evidence(folder, found), folder)
