"""SemEval-2020 task 6 (DeftEval): what its three subtasks share - the corpus, the card, the form of a submission."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from bench.data import deft_format as deft
from bench.data.submissions import pairs
from bench.errors import BenchError
from bench.task import Card, DataTask, Malformed
from bench.types import Example, Json

_SUBJECT = re.compile(r"(?:^|/)t\d+_([a-z]+)_")
CITATION = "Spala et al. 2020, SemEval-2020 Task 6: Definition Extraction from Free Text with the DEFT Corpus (SemEval)"


def deft_card(
    title: str, n_examples: int, subtask: int, chance: tuple[float, float], best: float | None = None,
    gives_away: Mapping[str, float] | None = None,
) -> Card:  # fmt: skip
    """The card of a subtask; `best` is the winner's value of the metric that ranks."""
    return Card(
        title=title,
        source="https://github.com/adobe-research/deft_corpus",
        revision="db8c95565c2e58d861537cb8cb4621c50b75cd13",
        licence="CC BY-NC-SA 4.0",
        split=f"labelled test (data/test_files/labeled/subtask_{subtask})",
        n_examples=n_examples,
        language="en",
        chance=chance,
        scenario="reading",
        cluster="textbook section",
        citation=CITATION,
        references={} if best is None else {"winner of the shared task": best},
        gives_away=gives_away or {},
    )


class Deft(DataTask):
    """A subtask: examples come file by file, each file (a section of a textbook) being a cluster."""

    subtask: ClassVar[int]

    def examples(self) -> Sequence[Example]:
        """The labelled test files in order of name, called `<file>:<number from 0>`."""
        return self.data.read(self._test)

    def training(self) -> Sequence[Example]:
        """The development files."""
        return self.data.read(self._dev)

    def _test(self, root: Path) -> list[Example]:
        found = deft.files(deft.labelled(root, self.subtask), self.subtask)
        return [
            Example(f"{stem}:{number}", inputs, target, cluster=stem)
            for stem, path in found.items()
            for number, (inputs, target) in enumerate(self.of_file(path))
        ]

    def _dev(self, root: Path) -> list[Example]:
        return [
            Example(f"dev/{stem}:{number}", inputs, target, cluster=f"dev/{stem}")
            for stem, path in deft.files(deft.dev(root), self.subtask).items()
            for number, (inputs, target) in enumerate(self.of_dev_file(path))
        ]

    def slices(self, example: Example) -> Mapping[str, str]:
        """The subject of the textbook, which the file's name says (t1_biology_0_101)."""
        subject = _SUBJECT.search(example.cluster)
        return {"subject": subject[1]} if subject else {}

    @abstractmethod
    def of_file(self, path: Path) -> Iterator[tuple[dict[str, Json], Json]]:
        """The inputs and target of each example of a labelled test file."""

    def of_dev_file(self, path: Path) -> Iterator[tuple[dict[str, Json], Json]]:
        """The inputs and target of each example of a development file, which has all columns."""
        return self.of_file(path)

    @abstractmethod
    def of_submitted_file(self, path: Path, golds: Sequence[Example]) -> Iterator[Json]:
        """The answer to each example in a submitted file, `Malformed` for a bad one."""

    @abstractmethod
    def of_json(self, answer: Json, example: Example) -> Json:
        """The answer to an example out of a JSON submission, `Malformed` for a bad one."""

    def checked(self, example: Example, answer: Json) -> Json:
        """As in a JSON submission."""
        return self.of_json(answer, example)

    def submitted(self, path: Path, examples: Sequence[Example]) -> Iterator[tuple[str, Json]]:
        """The official folder of `.deft` files (or one such file), or a JSON object {id: answer}."""
        if path.is_dir() or path.suffix == ".deft":
            yield from self._from_files(path, {example.id for example in examples})
            return
        known = {example.id: example for example in examples}
        for key, answer in pairs(path):
            yield key, self.of_json(answer, known[key]) if key in known else answer

    def _from_files(self, path: Path, asked: set[str]) -> Iterator[tuple[str, Json]]:
        golds: dict[str, list[Example]] = {}
        for example in self.examples():  # all of a file, also where only some are asked for: rows are matched by place
            golds.setdefault(example.cluster, []).append(example)
        if path.is_file():
            found = {path.stem.removeprefix(f"task_{self.subtask}_"): path}
        else:
            inner = path / f"subtask_{self.subtask}"
            found = deft.files(inner if inner.is_dir() else path, self.subtask)
        if not golds.keys() & found.keys():
            raise BenchError(
                f"{path}: no file is named as a gold one (found {next(iter(found))}.deft, expected e.g. "
                f"task_{self.subtask}_{next(iter(golds))}.deft); keep the official names"
            )
        for stem, file in found.items():
            if stem not in golds:
                yield stem, Malformed(f"{file.name} is not among the gold files")
                continue
            answers = self.of_submitted_file(file, golds[stem])
            for example, answer in zip(golds[stem], answers, strict=True):
                if example.id in asked:
                    yield example.id, answer


def words(text: Any) -> list[str]:
    """A text's words, by which sentences are compared: white space does not count."""
    return str(text).split()
