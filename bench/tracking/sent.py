"""Which files of a run's folder may be sent to a store: the run's own, and not what a link in a stranger's folder leads to."""

from __future__ import annotations

from pathlib import Path

from bench.artifacts.digest import digest
from bench.errors import BenchError
from bench.record import Run
from bench.runs import readings
from bench.runs.folder import ORIGIN, RECORD
from bench.tracking.fields import FILES


def refuse_foreign(folder: Path, run: Run) -> None:
    """Raise BenchError for a link or special file whose digest the record does not have; others are held against it elsewhere."""
    vouched = {RECORD, ORIGIN, *run.files}  # the first two were read as what they should be
    for name in (*FILES, *readings.FILES):
        path = folder / name
        if name in vouched or not (path.is_symlink() or path.exists()) or _is_own(path, run):
            continue
        raise BenchError(
            f"{path} is {'a link' if path.is_symlink() else 'no plain file'}, and its sha256 is not in {RECORD}; the store would "
            "show what it leads to: put the file itself there, or remove it"
        )


def _is_own(path: Path, run: Run) -> bool:
    """Whether it is a plain file of the folder, or the raw file of a reading that the record has."""
    if not path.is_file():
        return False
    reading = run.scenarios.get(path.stem)
    told = (
        reading.get("sha256")
        if isinstance(reading, dict) and f"{path.parent.name}/{path.name}" in readings.FILES
        else None
    )
    return not path.is_symlink() or (told is not None and digest(path) == told)
