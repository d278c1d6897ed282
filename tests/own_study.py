"""A task, a model and a metric of somebody's own, in files that a test edits between two commands."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

TASKS = '''
"""Sums of two numbers, spoken on a recording."""

from pathlib import Path

from bench.metrics.metric import Metric, mean
from bench.task import Card, Task
from bench.types import Audio, Example, Generate, ImageFile, Prediction, Request, Text

from NAME.words import END


def right(target, answer):
    return (float(target == answer),)


class Sums(Task):
    """Sums."""

    name, version, metrics, output = "sums", 1, (Metric("exact", measure=right, summarise=mean),), Generate
    parts = frozenset({"text"})
    card = Card(
        title="Sums", source="made", revision="1", licence="CC0", split="all", n_examples=12, language="en",
        chance=(0.0, 0.1), scenario="operations", cluster="sum",
    )

    def __init__(self, n: int = 12, media: str = ""):
        self.n, self.media = n, media
        self.parts = frozenset({"text", "image"}) if media else frozenset({"text"})

    def examples(self):
        return [Example(f"s{i}", {"a": i, "b": 2 * i}, str(3 * i), f"c{i // 2}") for i in range(self.n)]

    def training(self):
        return [Example(f"t{i}", {"a": i, "b": 1}, str(i + 1), f"t{i}") for i in range(4)]

    def request(self, example):
        parts = (Text("Add.", "system"), Text(f"{example.inputs['a']} + {example.inputs['b']}{END}"))
        if self.media:
            parts = (ImageFile(str(Path(self.media) / f"{example.id}.png")), *parts)
        return Request(example.id, parts, Generate(4, ("#",)))

    def answer(self, prediction):
        return prediction.text.strip()

    def ideal(self, example):
        return Prediction(example.id, text=example.target)
'''

MODELS = '''
"""A model that adds."""

from bench.models.base import Model
from bench.types import Generate, Prediction

from NAME.adding import add


class Adder(Model):
    """Adds what the last part says; reads pictures, but looks at their first byte only."""

    parts, outputs, uses_device = frozenset({"text", "image"}), (Generate,), False

    def __init__(self, plus: int = 0):
        self.plus = plus

    def predict(self, batch):
        return [Prediction(r.id, text=self.said(r)) for r in batch]

    def said(self, request):
        first = request.parts[0]
        seen = first.data[:1].decode() if first.kind == "image" else ""
        return seen + add(request.parts[-1].text, self.plus)
'''

FILES = {
    "NAME/__init__.py": "",
    "NAME/tasks.py": TASKS,
    "NAME/models.py": MODELS,
    "NAME/words.py": "END = ' ='\n",
    "NAME/adding.py": "def add(text, plus):\n    a, b = text.rstrip(' =').split(' + ')\n    return str(int(a) + int(b) + plus)\n",
    "conf/task/sums.yaml": "# Sums\n_target_: NAME.tasks.Sums\nn: 12\nmedia: ''\n",
    "conf/model/adder.yaml": "# Adds\n_target_: NAME.models.Adder\nplus: 0\n",
}


class Study:
    """The files below `folder`, and `bench run` over them in this process as if in a new one."""

    def __init__(self, folder: Path, name: str, bench_main: Callable[..., Any]) -> None:
        self.folder, self.name, self._main = folder, name, bench_main
        for path, text in FILES.items():
            self.write(path, text)

    def write(self, path: str, text: str) -> Path:
        """Write a file; NAME stands for the package's name."""
        place = self.folder / path.replace("NAME", self.name)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text.replace("NAME", self.name), encoding="utf-8")
        return place

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace a piece of a file, which must be there."""
        place = self.folder / path.replace("NAME", self.name)
        text = place.read_text(encoding="utf-8")
        assert old in text
        place.write_text(text.replace(old, new), encoding="utf-8")

    def bench(self, *arguments: str) -> tuple[int, list[str], list[str]]:
        """A whole command: exit code, stdout, stderr."""
        for module in [one for one in sys.modules if one.partition(".")[0] == self.name]:
            del sys.modules[module]
        importlib.invalidate_caches()
        code, out, err = self._main(*arguments)
        return code, out, err

    def run(self, *overrides: str, task: str = "sums", model: str = "adder") -> dict[str, Any]:
        """`bench run`: its JSON, with what stderr said under "said"."""
        code, out, err = self.bench(
            "run", f"task={task}", f"model={model}", "tracking=none", "resamples=20", "--json", *overrides
        )
        assert code == 0, (out, err)
        return {**json.loads(out[-1]), "said": err}

    def fails(self, *overrides: str, task: str = "sums", model: str = "adder") -> str:
        """The one line with which `bench run` ends."""
        code, _, err = self.bench("run", f"task={task}", f"model={model}", "tracking=none", "resamples=20", *overrides)
        assert code == 2
        assert len(err) == 1, err
        return err[0]

    def record(self, run: dict[str, Any]) -> dict[str, Any]:
        """The run.json of a run."""
        found: dict[str, Any] = json.loads((Path(run["run_dir"]) / "run.json").read_text())
        return found

    def texts(self, run: dict[str, Any]) -> dict[str, str]:
        """What was answered, by id."""
        lines = (Path(run["run_dir"]) / "predictions.jsonl").read_text().splitlines()
        return {line["id"]: line.get("text", line.get("error")) for line in map(json.loads, lines)}
