"""Checkpoints of a seed: one counts once its seal is there, which is written when all else is on the disk."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from bench.artifacts.digest import digest
from bench.disk import write_atomically

SEAL = "whole.json"  # the sha256 of each file of the checkpoint
_PREFIX = "checkpoint-"


def place(folder: Path, step: int) -> Path:
    """Where transformers writes the checkpoint behind this step."""
    return folder / f"{_PREFIX}{step}"


def seal(folder: Path, step: int) -> None:
    """Say that the checkpoint is whole, and remove the others: there is never none, and but for this moment never two."""
    made = place(folder, step)
    files = sorted(path for path in made.rglob("*") if path.is_file() and path.name != SEAL)
    for path in files:
        with path.open("rb") as file:
            os.fsync(file.fileno())
    write_atomically(made / SEAL, json.dumps({str(path.relative_to(made)): digest(path) for path in files}) + "\n")
    remove(folder, but=step)


def last_whole(folder: Path, most: int) -> int:
    """The step of the last checkpoint that is whole and not behind step `most`, 0 where there is none; all others are removed."""
    steps = sorted((step for step in _steps(folder) if step <= most), reverse=True)
    found = next((step for step in steps if _is_whole(place(folder, step))), 0)
    remove(folder, but=found)
    return found


def remove(folder: Path, but: int = 0) -> None:
    """Remove all checkpoints but that of one step."""
    for step in _steps(folder):
        if step != but:
            made = place(folder, step)
            (made / SEAL).unlink(missing_ok=True)  # first: what is left of it when this is cut off is none
            shutil.rmtree(made)


def _steps(folder: Path) -> list[int]:
    names = (path.name.removeprefix(_PREFIX) for path in folder.glob(f"{_PREFIX}*") if path.is_dir())
    return [int(name) for name in names if name.isascii() and name.isdigit()]


def _is_whole(made: Path) -> bool:
    try:
        sealed = json.loads((made / SEAL).read_text(encoding="utf-8"))
        return bool(sealed) and all(digest(made / name) == sha256 for name, sha256 in sealed.items())
    except (OSError, ValueError, AttributeError):
        return False
