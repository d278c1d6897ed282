"""What a gate compares with: a baseline whose numbers were changed never passes as if it were whole."""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scripts.hard.damage import world
from scripts.hard.damage.subject import Damage, Subject

_BASELINE = "baseline.json"


@functools.lru_cache
def _made() -> bytes:
    place, files = world.complete()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / place).mkdir(parents=True)
        for name, data in files.items():
            (Path(folder) / place / name).write_bytes(data)
        world.said("check", f"{folder}/{place}", "--update", "--against", f"{folder}/{_BASELINE}", "--no-speed")
        return (Path(folder) / _BASELINE).read_bytes()


def subjects() -> Iterator[Subject]:
    """The baseline of `bench check`, against the run that it was made of."""
    place, files = world.complete()
    below = {f"{place}/{name}": data for name, data in files.items()} | {_BASELINE: _made()}
    sound = _numbers(json.loads(_made()))

    def check(folder: Path) -> Any:
        return world.said("check", str(folder / place), "--against", str(folder / _BASELINE), "--no-speed", "--json")

    def wrong(folder: Path, found: Any, damage: Damage) -> str:
        if found[0] == 0 and damage.file == _BASELINE:
            try:
                there = _numbers(json.loads(damage.data.decode("utf-8-sig")))
            except (ValueError, KeyError, TypeError, RecursionError, AttributeError) as error:
                return f"PASS against what is no baseline ({type(error).__name__})"
            if there != sound:
                return f"PASS against other numbers: {[key for key in sound if sound[key] != there[key]]}"
        return ""

    yield Subject("baseline", below, check, wrong, (_BASELINE,), lambda damage: (_BASELINE, "hard_numbers/hard_stub", "hard_numbers"))
    run = tuple(f"{place}/{name}" for name in ("run.json", "measurements.json", "timings.jsonl"))
    value = json.loads(files["run.json"])["scores"][0]["value"]

    def of_run(folder: Path, found: Any, damage: Damage) -> str:
        told = json.loads(found[1])
        stated = json.loads(damage.data.decode("utf-8-sig"))["scores"][0]["value"] if damage.file.endswith("run.json") else value
        return f"a verdict on a record that says {stated}: {str(told)[:200]}" if stated != value else ""

    names = lambda damage: (Path(damage.file).name, "hard_numbers/hard_stub", Path(place).name)  # noqa: E731
    yield Subject("checked run", below, check, of_run, run, names)


def _numbers(entry: Any) -> dict[str, Any]:
    rows, score = entry["measurements"], entry["run"]["scores"][0]
    return {
        "score": {name: score[name] for name in ("metric", "value", "low", "high", "n", "n_failed", "higher_is_better")}, "ids": rows["ids"],
        "digests": rows["digests"], "rows": rows["rows"], "failed": rows["failed"], "clusters": rows["clusters"],
    }  # fmt: skip
