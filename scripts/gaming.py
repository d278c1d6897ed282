"""Plays every strategy of `model=cheat` on every task, as a model, as an official file and as a journal, and prints docs/gaming.md.

    BENCH_DATA=DATA python scripts/gaming.py [--limit 200] [TASK …] > docs/gaming.md

A strategy wins where the low end of its interval is above the high end of the best of the plain rows `constant`, `lexical` and
`random`. `majority` is told what is right most often; it is shown, and not held against a metric that a class can carry.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from bench.config import compose as conf
from bench.config.build import build
from bench.engine.feed import answer
from bench.engine.fitting import fits
from bench.errors import BenchError
from bench.leaderboard.cells import interval
from bench.models.base import Device
from bench.models.cheat import STRATEGIES, TEXTS, Cheat
from bench.models.reference import Constant, Lexical, Random, Reference
from bench.record import Score
from bench.scoring.measure import score
from bench.submissions.reading import read
from bench.task import Task
from bench.types import Choose, Json, Prediction, Request, Tag

NOWHERE = Device("cpu", "none", 1)
RESAMPLES = 200
LARGE = {"earnings21": 4}  # examples, of tasks with few and long ones
Shape = Callable[[Request, str], Json]


def _labels(request: Request) -> list[str]:
    return list(request.output.labels) if isinstance(request.output, Choose | Tag) else []


def _every_span(request: Request) -> Json:
    text = "".join(request.output.pieces) if isinstance(request.output, Tag) else ""
    found = re.finditer(r"\b[A-Z][\w&.-]*(?: [A-Z][\w&.-]*)*", text)
    return [[one.start(), one.end(), label] for one in found for label in _labels(request)]


def _every_relation(request: Request) -> Json:
    ids = list(dict.fromkeys(re.findall(r"\bT\d+\b", str(getattr(request.parts[-1], "text", "")))))
    kinds = ("Direct-Defines", "Indirect-Defines", "AKA", "Refers-To", "Supplements")
    return [[a, b, kind] for a in ids for b in ids if a != b for kind in kinds]


def _every_pair(request: Request) -> Json:
    return [one for one in _every_relation(request) if one[0] < one[1] and one[2] == "Direct-Defines"]


SHAPES: Mapping[str, Shape] = {
    "text": lambda request, text: text,
    "list": lambda request, text: [text],
    "pieces": lambda request, text: re.split(r", |\n| or |(?<=[.!?]) ", text),
    "text object": lambda request, text: {"text": text, "no_answer": None},
    "value": lambda request, text: {"program": None, "value": text},
    "answers": lambda request, text: {"answer": re.split(r", | or ", text), "scale": ""},
    "percents": lambda request, text: {"answer": re.split(r", | or ", text), "scale": "percent"},
    "official answers": lambda request, text: [re.split(r", | or ", text), ""],
}  # made of a strategy's text
ALONE: Mapping[str, Shape] = {
    "every label": lambda request, text: _labels(request),
    "labels": lambda request, text: {"labels": _labels(request)},
    "label of labels": lambda request, text: {"label": _labels(request), "confidence": None},
    "joined labels": lambda request, text: ", ".join(_labels(request)),
    "or": lambda request, text: " or ".join(_labels(request)),
    "unsure": lambda request, text: {"label": (_labels(request) or [""])[0], "confidence": -5},
    "too sure": lambda request, text: {"label": (_labels(request) or [""])[-1], "confidence": 1e9},
    "every span": lambda request, text: _every_span(request),
    "every relation": lambda request, text: _every_relation(request),
    "every pair": lambda request, text: _every_pair(request),
    "both": lambda request, text: [0, 1],
    "one": lambda request, text: 1,
    "far": lambda request, text: {"valence": 1e200, "arousal": 1e200},
    "nothing": lambda request, text: [],
}  # the same whatever the strategy


def main() -> None:
    """Print the page."""
    asks = argparse.ArgumentParser(description=__doc__)
    asks.add_argument("tasks", nargs="*")
    asks.add_argument("--limit", type=int, default=200)
    given = asks.parse_args()
    print("| task | metric | best plain row | best by a model | best by a file | best by a journal | majority |")
    print("|---|---|---|---|---|---|---|")
    for name in given.tasks or conf.names("task"):
        try:
            task = build(conf.plain(conf.compose([f"task={name}"])[0])["task"], "task")
            if isinstance(task, Task):
                print(row(task, given.limit), flush=True)
        except BenchError:
            print(f"| {name} | – | its data are not here | | | | |", flush=True)


def row(task: Task, limit: int) -> str:
    """One line of the table."""
    game = Game(task, limit)
    best = game.plain()
    cells = [task.name, task.metrics[0].name, _cell(best, None)]
    for door in (game.by_model, game.by_file, game.by_journal):
        cells.append(_cell(_best(dict(door())), best))
    cells.append(_cell(("majority", game.play(Cheat("majority"))), best))
    return "| " + " | ".join(cells) + " |"


PLAIN: Mapping[str, Reference] = {"constant": Constant(), "lexical": Lexical(), "random": Random()}
Named = tuple[str, Score]


def _fits(task: Task, model: Reference) -> bool:
    return fits(task, model)


def _best(scores: Mapping[str, Score]) -> Named | None:
    def order(pair: Named) -> float:
        return -9e9 if pair[1].value is None else pair[1].value if pair[1].higher_is_better else -pair[1].value

    return max(scores.items(), key=order, default=None)


def wins(score: Score, plain: Named) -> bool:
    """Whether it is better than the plain row beyond the intervals of both; where one has none, by its value."""
    over = plain[1]
    sign = 1 if score.higher_is_better else -1
    if score.value is None or over.value is None:
        return score.value is not None
    low, high = (score.low, over.high) if sign > 0 else (score.high, over.low)
    return sign * (score.value if low is None else low) > sign * (over.value if high is None else high)


def _cell(found: Named | None, plain: Named | None) -> str:
    if found is None or found[1].value is None:
        return "–"
    text = f"{found[0]} {interval(found[1])}"
    return f"**{text}**" if plain and wins(found[1], plain) else text


class Game:
    """One task's examples, and what a strategy scores on them through each door."""

    def __init__(self, task: Task, limit: int | None) -> None:
        self.task, self.examples = task, task.examples()[: LARGE.get(task.name, limit)]
        self.requests = [task.request(example) for example in self.examples]
        task.metrics = task.metrics[:1]  # the one that ranks  # type: ignore[misc]
        self._scores: dict[bytes, Score] = {}
        self._files: dict[tuple[str, bytes], Score | None] = {}

    def plain(self) -> Named:
        """The best of the plain rows that can do the task."""
        found = _best({name: self.play(model) for name, model in PLAIN.items() if _fits(self.task, model)})
        assert found is not None
        return found

    def play(self, model: Reference) -> Score:
        """The ranked score of a model."""
        return self.score(self.said(model))

    def said(self, model: Reference) -> list[Prediction]:
        """What it answers; a request that it fails is an error, as in the loop."""
        if not _fits(self.task, model):
            return []
        model.load(NOWHERE, seed=0)
        if model.reads_targets:
            model.reveal({example.id: self.task.ideal(example) for example in self.examples})
        return answer(model, self.requests, model.variant or type(model).__name__)

    def score(self, predictions: Sequence[Prediction]) -> Score:
        """The ranked score of predictions; of the same ones, which several strategies give by several doors, once."""
        key = sha256(repr(predictions).encode("utf-8", "surrogatepass")).digest()
        if key not in self._scores:
            self._scores[key] = score(self.task, self.examples, predictions, resamples=RESAMPLES, seed=0)[0]
        return self._scores[key]

    def of(self, name: str) -> Score:
        """What a strategy, or a shape that is the same whatever the strategy, gets by its first door."""
        if name in STRATEGIES:
            return self.play(Cheat(name))
        answers = {example.id: ALONE[name](one, "") for example, one in zip(self.examples, self.requests, strict=True)}
        found = self._read(lambda folder: self._official(folder / "system.json", answers))
        if found is None:
            raise BenchError(f"task '{self.task.name}' refuses the shape {name!r} as a whole")
        return found

    def by_model(self) -> Iterator[Named]:
        """Every strategy that fits, but the one that is told."""
        for strategy in STRATEGIES[:-1]:
            if _fits(self.task, cheat := Cheat(strategy)):
                yield strategy, self.play(cheat)

    def by_file(self) -> Iterator[Named]:
        """Every strategy in every shape, in the official JSON of the task."""
        yield from self._by(lambda folder, answers: self._official(folder / "system.json", answers))

    def by_journal(self) -> Iterator[Named]:
        """Every strategy in every shape, as the answers of a `predictions.jsonl`."""
        yield from self._by(_journal)
        for strategy, said in self._texts():
            lines = [{"id": example.id, "text": text} for example, text in zip(self.examples, said, strict=True)]
            if (found := self._read(lambda folder, lines=lines: _lines(folder, lines))) is not None:
                yield f"{strategy} (text)", found

    def _by(self, write: Callable[[Path, Mapping[str, Json]], Path]) -> Iterator[Named]:
        for name, said in self._answers():
            answers = {example.id: one for example, one in zip(self.examples, said, strict=True)}
            if (found := self._read(lambda folder, answers=answers: write(folder, answers))) is not None:
                yield name, found

    def _texts(self) -> Iterator[tuple[str, list[str]]]:
        for strategy, say in TEXTS.items():
            yield strategy, [say(request) for request in self.requests]

    def _answers(self) -> Iterator[tuple[str, list[Json]]]:
        for strategy, texts in self._texts():
            for shape, form in SHAPES.items():
                pairs = zip(self.requests, texts, strict=True)
                yield f"{strategy} ({shape})", [form(request, text) for request, text in pairs]
        for shape, form in ALONE.items():
            yield f"({shape})", [form(request, "") for request in self.requests]

    def _official(self, path: Path, answers: Mapping[str, Json]) -> Path:
        record: Any = answers
        if self.task.name == "docvqa":
            record = [{"questionId": int(key), "answer": answer} for key, answer in answers.items()]
        path.write_text(json.dumps(record), encoding="utf-8")
        return path

    def _read(self, write: Callable[[Path], Path]) -> Score | None:
        """The score of what `write` puts into a folder; None where it is refused as a whole, which is how it should be."""
        with tempfile.TemporaryDirectory() as folder:
            path = write(Path(folder))
            key = path.name, sha256(path.read_bytes()).digest()
            if key not in self._files:  # another strategy may have said the same
                self._files[key] = self._read_anew(path)
            return self._files[key]

    def _read_anew(self, path: Path) -> Score | None:
        try:
            return self.score(read(self.task, path, self.examples).predictions)
        except BenchError:
            return None


def _journal(folder: Path, answers: Mapping[str, Json]) -> Path:
    return _lines(folder, [{"id": key, "answer": answer} for key, answer in answers.items()])


def _lines(folder: Path, records: Sequence[Json]) -> Path:
    path = folder / "predictions.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


if __name__ == "__main__":
    main()
