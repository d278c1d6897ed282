"""Entries of DAWNBench, trainings and timed runs, made up for tests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.training.result import result

FIELDS: dict[str, Any] = {
    "version": "v1.0", "author": "Ada", "authorEmail": "ada@example.org", "framework": "None 1.0", "model": "Abacus",
    "hardware": "1 CPU", "timestamp": "2020-02-29",
}  # fmt: skip
ROWS = "epoch\thours\tf1Score\n1\t0.5\t0.70\n2\t1.0\t0.74\n3\t1.5\t0.76\n4\t2.0\t0.745\n"
IMAGENET = "epoch\thours\ttop1Accuracy\ttop5Accuracy\n"
PRICE = {"name": "m", "currency": "USD", "per_hour": 0.9, "per_million": None, "date": "2026-11-01", "source": "a list"}
MACHINE = {
    "device": "cpu", "device_name": "", "dtype": "float32", "cpu": "Abacus 3", "cores": 2, "commit": "abc123def456",
    "packages": {"torch": "2.13.0"},
}  # fmt: skip


def write(folder: Path, place: str, tsv: str | None = None, text: str | None = None, **fields: Any) -> Path:
    """An entry at `place` (SQuAD/train/a): its fields over the usual ones, or the text of its JSON file."""
    path = folder / f"{place}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(FIELDS | fields, indent=1) if text is None else text, encoding="utf-8")
    if tsv is not None:
        path.with_suffix(".tsv").write_bytes(tsv.encode())
    return path


def imagenet(*rows: tuple[float, float, float, float]) -> str:
    """The TSV of an ImageNet training."""
    return IMAGENET + "".join("\t".join(map(str, row)) + "\n" for row in rows)


TARGET = {"metric": "f1", "value": 0.75, "higher_is_better": True, "is_fraction": True}


def seed(number: int, hours: float | None, bar: float = 0.75) -> dict[str, Any]:
    """A seed of a training that reaches the bar after so many hours, or never."""
    end = 2.0 if hours is None else hours
    curve = [
        {"step": 10, "epoch": 1.0, "hours": end / 2, "value": 0.4},
        {"step": 20, "epoch": 2.0, "hours": end, "value": bar if hours else 0.6},
    ]
    return {
        "seed": number, "reached": hours is not None, "seconds": hours and hours * 3600, "hours": hours, "epoch": 2.0,
        "value": curve[-1]["value"], "best": curve[-1]["value"], "attempts": 1, "curve": curve, "model": f"seed-{number}/model",
        "sha256": "0" * 64, "why": "reached" if hours else "epochs", "trained_seconds": end * 3600, "phases": {},
        "repeated_seconds": 0.0, "lost_seconds": 0.0,
    }  # fmt: skip


def training(
    runs: Path,
    hours: Sequence[float | None] = (0.5, 0.4, 0.6, 0.3, 0.7),
    name: str = "train-0123456789ab",
    **changes: Any,
) -> Path:
    """A training's folder with its record: five seeds that reach F1 0.75 after these hours."""
    target = TARGET | changes.pop("target", {})
    seeds = changes.pop("seeds", None) or [seed(number, one, target["value"]) for number, one in enumerate(hours)]
    record = {
        "training_id": name, "task": "squad_v1", "task_version": 1, "model": "minilm_span",
        "target": target, "recipe": {}, "limit_seconds": 9999, "device": "cpu", "dtype": "float32",
        "n_training": 87_599, "n_evaluation": 10_570, "split": "train-v1.1 against dev-v1.1", "comparable": True, "seeds": seeds,
        "result": result([one["seconds"] for one in seeds]), "model_revision": "1", "weights_sha256": "", "asked": "", "taught": "",
        "data_fingerprint": "", "leaked": 0, "untrained": 0.06, "config": {}, "files": {},
        "environment": MACHINE, "libraries": {"torch": "2.13.0"}, "code": {}, "price": PRICE, "energy": {},
        "created": "2026-11-28T10:00:00+00:00",
    }  # fmt: skip
    folder = runs / str(changes.get("task", record["task"])) / str(changes.get("model", record["model"])) / name
    folder.mkdir(parents=True)
    (folder / "training.json").write_text(json.dumps(record | changes))
    return folder


def reading(**changes: Any) -> dict[str, Any]:
    """A reading of single_stream over all of SQuAD's questions, 12.5 ms each."""
    found = {
        "scenario": "single_stream", "rules": "default", "verdict": "VALID", "reasons": [], "percentile": 90, "n": 10_570,
        "failed": 0, "seconds": 132.1, "latency": {"mean": 0.0125, "min": 0.01, "max": 0.5, "p50": 0.012, "p90": 0.02},
        "ttft": None, "tpot": None, "audit": {"same_answers": {"n": 10, "differ": 0, "passed": True}, "cache": None},
        "environment": {"device": "cpu", "dtype": "float32", "threads": 2, "cpu": "Abacus 3", "load": 0.1},
    }  # fmt: skip
    return found | changes


def timed(make: Any, runs: Path, run_id: str = "0123456789ab", **changes: Any) -> Path:
    """A run's folder with its record: F1 0.8 on all of SQuAD, with a reading of single_stream and a price."""
    given = {
        "value": 0.8, "run_id": run_id, "n_examples": 10_570, "scenarios": {"single_stream": reading()}, "price": PRICE,
        "environment": MACHINE, "created": "2026-11-27T10:00:00+00:00", "files": {},
    }  # fmt: skip
    run = make(**given | changes)
    folder = runs / run.task / run.model / run.run_id
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(run.to_json()))
    return folder
