"""Bundles for tests: a task of sixty numbers, a model that errs in its own way, and hands that change what they made."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.bundles import bundle
from bench.bundles.verify import Hidden
from bench.commands.shared.bundle_verdicts import Ground
from bench.errors import BenchError
from bench.metrics.reading import EXACT_MATCH, TOKEN_F1
from bench.models.base import Device, Model
from bench.record import Score
from bench.run import evaluate
from bench.runs.settings import Settings
from bench.task import Card, Task
from bench.types import Example, Generate, Json, Prediction, Request, Text

Files = dict[str, bytes]


class Numbers(Task):
    """Say the number of the question; clusters of three."""

    name, version, metrics, output = "numbers", 1, (TOKEN_F1, EXACT_MATCH), Generate
    card = Card(
        title="numbers", source="none", revision="1", licence="CC0 1.0", split="test", n_examples=60, language="en",
        chance=(0.0, 0.0), scenario="none", cluster="three",
    )  # fmt: skip

    def __init__(self, n: int = 60, seen: str = "") -> None:
        self.n, self.seen = n, seen

    def examples(self) -> Sequence[Example]:
        return [Example(f"w{i}", {"question": f"{i}{self.seen}"}, [f"word {i}"], f"c{i // 3}") for i in range(self.n)]

    def request(self, example: Example) -> Request:
        return Request(example.id, (Text(example.inputs["question"]),), Generate(8))

    def answer(self, prediction: Prediction) -> str:
        return str(prediction.text.strip())  # type: ignore[union-attr]  # a text is what it asked for

    def ideal(self, example: Example) -> Prediction:
        return Prediction(example.id, text=example.target[0])


@dataclass
class Here(Ground):
    """One's own data: the task of sixty numbers, or another; `told` is what whoever has the references says."""

    own: Task | None = None
    told: tuple[tuple[Score, ...], int] | None = None

    def task(self, name: str) -> Task:
        if name != "numbers":
            raise BenchError(f"task '{name}' is not known here")
        return self.own or Numbers()

    def hidden(self, submitter: str) -> Hidden:
        return lambda task, examples, predictions: self.told


class Guesser(Model):
    """Right for every other number; its `voice` is in what it says else. Fails for w5 with `error`."""

    outputs, revision, uses_device = (Generate,), "1", False

    def __init__(self, voice: str = "a", error: str = "") -> None:
        self.voice, self.error = voice, error
        self.weights_sha256 = hashlib.sha256(voice.encode()).hexdigest()

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        numbers = [int(request.parts[-1].text.split()[0]) for request in batch]  # type: ignore[union-attr]
        if self.error and 5 in numbers:
            raise RuntimeError(self.error)
        return [
            Prediction(r.id, text=f"word {n}" if n % 2 else f"{self.voice} w{n} word", prompt_tokens=4, new_tokens=2)
            for r, n in zip(batch, numbers, strict=True)
        ]


def run(folder: Path, name: str = "guesser", model: Model | None = None, **settings: Any) -> Path:
    """The folder of a run that was made here."""
    asked = Settings(**{"runs_dir": folder, "batch_size": 16, "resamples": 50, "config": {"seed": 0}} | settings)
    return evaluate(Numbers(), model or Guesser(), name, Device("cpu", "none", 1), asked)[1].path


def made(folder: Path, *runs: Path, submitter: str = "Anna", name: str = "good.zip") -> Path:
    """A bundle of these runs (of one more where there are none)."""
    data, _ = bundle.pack(runs or (run(folder / "made"),), submitter)
    bundle.write(folder / name, data)
    return folder / name


def contents(path: Path) -> Files:
    """What is in a bundle, by name."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def place(files: Files, name: str) -> str:
    """The path in the bundle of its one run's file."""
    return next(path for path in files if path.endswith(f"/{name}"))


def changed(files: Files, name: str, edit: Callable[[Any], Json]) -> None:
    """Edit a JSON file, or the list of a JSONL file's records."""
    path = name if name in files else place(files, name)
    if path.endswith(".jsonl"):
        records = edit([json.loads(line) for line in files[path].splitlines()])
        files[path] = b"".join(json.dumps(record).encode() + b"\n" for record in records)
    else:
        files[path] = json.dumps(edit(json.loads(files[path]))).encode()


def with_key(*path: str | int, value: Json) -> Callable[[Any], Any]:
    """An edit that sets one value."""

    def edit(record: Any) -> Any:
        inner = record
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = value
        return record

    return edit


def put_right(files: Files) -> None:
    """Make every digest fit, and the manifest say what the record says: what a careful forger does."""

    def record_of(run: dict[str, Any]) -> dict[str, Any]:
        return run | {"files": {name: _sha256(files[place(files, name)]) for name in run["files"]}}

    changed(files, "run.json", record_of)
    run = json.loads(files[place(files, "run.json")])

    def manifest_of(manifest: dict[str, Any]) -> dict[str, Any]:
        manifest["created"] = run["created"]
        entry = manifest["runs"][0]
        ranked = run["scores"][0]
        entry |= {
            "task": run["task"], "version": run["task_version"], "model": run["model"], "revision": run["model_revision"],
            "weights_sha256": run["weights_sha256"], "data_fingerprint": run["data_fingerprint"],
            "value": ranked["value"], "low": ranked["low"], "high": ranked["high"], "metric": ranked["metric"],
        }  # fmt: skip
        entry["files"] = {
            name: {"sha256": _sha256(files[place(files, name)]), "bytes": len(files[place(files, name)])}
            for name in entry["files"]
        }
        return manifest

    changed(files, "manifest.json", manifest_of)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def renamed(files: Files, model: str) -> Files:
    """The bundle as another model's."""
    old = json.loads(files["manifest.json"])["runs"][0]["model"]
    found = {name.replace(f"/{old}/", f"/{model}/"): data for name, data in files.items()}
    changed(found, "run.json", with_key("model", value=model))
    put_right(found)
    return found


def zipped(path: Path, files: Files) -> Path:
    """The files as an archive of the form that `bench submit` writes."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr, info.compress_type = 3, 0o100644 << 16, zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return path
