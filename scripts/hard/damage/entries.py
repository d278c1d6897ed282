"""DAWNBench entries: what is not refused has the numbers that the file's own library reads, or a finding that says what was done."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scripts.hard.damage.readers import _TESTS
from scripts.hard.damage.subject import Damage, Subject


def subjects() -> Iterator[Subject]:
    """A training with its curve, and an inference."""
    if str(_TESTS) not in sys.path:
        sys.path.insert(0, str(_TESTS))
    import dawnbench_entries as small

    from bench.data.dawnbench_files import read_entries

    train = {"in/SQuAD/train/a.json": json.dumps(small.FIELDS, indent=1).encode(), "in/SQuAD/train/a.tsv": small.ROWS.encode()}
    imagenet = {
        "in/ImageNet/train/b.json": json.dumps(small.FIELDS | {"costPerHour": 3.06}, indent=1).encode(),
        "in/ImageNet/train/b.tsv": small.imagenet((1, 0.5, 60.0, 85.0), (2, 1.0, 75.0, 93.1), (3, 1.4, 76.0, 93.4)).encode(),
    }
    inference = {
        "in/SQuAD/inference/c.json": json.dumps(small.FIELDS | {"latency": 12.5, "cost": 0.00002, "f1Score": 0.76, "costPerHour": 0.9}).encode()
    }
    for name, files in (("training", train), ("training of ImageNet", imagenet), ("inference", inference)):
        yield Subject(
            f"dawnbench {name}", files, lambda folder: read_entries(folder / "in"), _wrong,
            named=lambda damage: (Path(damage.file).stem,),
            command=lambda folder: ["dawnbench", "import", str(folder / "in"), "--runs", str(folder / "runs"), "--replace"],
        )  # fmt: skip


def _wrong(folder: Path, found: Any, damage: Damage) -> str:
    if len(found) != 1:
        return f"{len(found)} entries of one"
    (one,) = found
    for finding in one.findings:
        if not str(finding).strip() or "\n" in str(finding):
            return f"a finding that is no line: {finding!r}"
    if one.refused:
        return "" if one.findings else "refused without a finding"
    try:
        json.dumps([dict(one.fields), list(one.curve), one.accuracy, one.latency_ms, one.cost, one.cost_per_hour], allow_nan=False)
    except ValueError as error:
        return f"an entry with what is no number ({error})"
    try:
        told = json.loads((next(folder.glob("in/*/*/*.json"))).read_bytes().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        return f"an entry of what JSON's own reader refuses ({error})"
    if not isinstance(told, dict):
        return "an entry of what is no object"
    if damage.file.endswith(".tsv"):
        rows = [row for row in damage.data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n").split("\n") if row.strip()]
        if len(one.curve) > len(rows) - 1:
            return f"{len(one.curve)} points of {len(rows) - 1} rows"
        if len(one.curve) < len(rows) - 1 and not one.findings:
            return f"{len(one.curve)} points of {len(rows) - 1} rows, and no finding says why"
    for name, value in (("latency", one.latency_ms), ("costPerHour", one.cost_per_hour)):
        there = told.get(name)
        if isinstance(there, int | float) and not isinstance(there, bool) and value is not None and value != there and not one.findings:
            return f"{name} {value}, the file says {there}, and no finding says why"
    return ""
