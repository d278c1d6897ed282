"""What a command line calls a run that may be under way, as its folder."""

from __future__ import annotations

import glob
from collections.abc import Callable
from pathlib import Path

from bench.commands.shared.run_names import pairs
from bench.errors import BenchError
from bench.runs.folder import ARTIFACTS, CONFIG
from bench.text.meant import meant


def any_folder(reference: str, runs_dir: Path, first: Callable[[Path], bool] = lambda folder: False) -> Path:
    """The folder of a run, complete or not: by its path, its id or the beginning of that, or the latest of TASK/MODEL.

    Of several of TASK/MODEL those that are sought (`first`) come before others.
    """
    if (Path(reference) / CONFIG).is_file():
        return Path(reference)
    depth = 9 if Path(reference).is_absolute() else reference.count("/")
    patterns = {0: f"*/*/{glob.escape(reference)}*/{CONFIG}", 1: f"{glob.escape(reference)}/*/{CONFIG}",
                2: f"{glob.escape(reference)}/{CONFIG}"}  # fmt: skip
    found = [path.parent for path in runs_dir.glob(patterns[depth])] if depth in patterns and reference else []
    found = [path for path in found if path.relative_to(runs_dir).parts[0] != ARTIFACTS]
    if depth == 0 and len(found) > 1:
        found = [path for path in found if path.name == reference] or found
        if len(found) > 1:
            raise BenchError(f"{reference} is the beginning of {len(found)} runs below {runs_dir}; give more of the id")
    if not found:
        raise BenchError(
            f"{reference} is no run: not a folder with {CONFIG}, and no id and no TASK/MODEL below {runs_dir}; `bench status` "
            f"lists those that are not complete{meant(reference, pairs(runs_dir))}"
        )
    return max(found, key=lambda path: (first(path), (path / CONFIG).stat().st_mtime))
