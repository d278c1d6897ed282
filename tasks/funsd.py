"""FUNSD: what is filled in for each question of noisy scanned forms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from bench.data.files import all_or_none, field, read_json
from bench.data.source import DataSource
from bench.errors import BenchError
from bench.metrics.entities import LINKS
from bench.metrics.metric import AnyMetric
from bench.task import Card, DataTask
from bench.types import Example, ImageFile, Json
from tasks.field_reply import name_form
from tasks.fields import FieldsTask
from tasks.page_folders import annotation_files, found_below, picture, without_picture
from tasks.slices import band

_ROOTS = ("testing_data", "dataset/testing_data", "")
_OBTAIN = (
    "download https://guillaumejaume.github.io/FUNSD/dataset.zip and put its folder testing_data/ (annotations/, images/) below "
    "funsd/ in the data directory"
)


class Funsd(FieldsTask, DataTask):
    """The answers that the annotators linked to each question; the questions are given as they are printed.

    That is the set's entity linking with the questions known, which a model that reads a picture can answer. It is not the entity
    labelling that papers report, in which each word is given with its box.
    """

    name, version = "funsd", 1
    metrics: ClassVar[tuple[AnyMetric, ...]] = LINKS
    card = Card(
        title="FUNSD, answers of forms by their questions (no entity labelling)",
        source="https://guillaumejaume.github.io/FUNSD/",
        revision="2019",
        licence="for non-commercial, research and educational purposes; not to be passed on",
        split="testing_data, forms with linked questions",
        n_examples=50,
        language="en",
        chance=(0.0, 0.02),
        scenario="operations",
        cluster="form",
        citation="Jaume, Ekenel and Thiran 2019, FUNSD: A Dataset for Form Understanding in Noisy Scanned Documents (OST@ICDAR)",
        obtain=_OBTAIN,
    )

    def __init__(self, data: DataSource) -> None:
        self.data = data

    def examples(self) -> Sequence[Example]:
        """The forms by name."""
        return self.data.read(_read)

    def asked(self, example: Example) -> Sequence[tuple[str, str]]:
        """The questions as they are printed."""
        return [(question, "") for question in example.inputs["questions"]]

    def page(self, example: Example) -> ImageFile:
        """The form, whose picture need not be there."""
        return self.data.read(lambda folder: picture(_below(folder, "images"), example.inputs["form"], _OBTAIN))

    def slices(self, example: Example) -> Mapping[str, str]:
        """How many questions the form has."""
        return {"questions": band(len(example.inputs["questions"]), (4, 8, 16), "question")}

    def problems(self) -> Iterator[str]:
        """A wrong number of forms, and forms without a picture."""
        yield from super().problems()
        yield from without_picture(self.examples(), self.page, "forms")


def _below(folder: Path, name: str) -> Path:
    return found_below(folder, _ROOTS, (name,), _OBTAIN)


def _read(folder: Path) -> list[Example]:
    files = annotation_files(_below(folder, "annotations"), (".json",), _OBTAIN)
    found = filter(None, map(_example, files))
    return all_or_none(found, str(folder))


def _example(path: Path) -> Example | None:
    """A form with the questions that have a text of their own and linked answers; None where it has no such question."""
    entities: dict[int, Mapping[str, Any]] = {}
    for number, entity in enumerate(_entities(path)):
        if entities.setdefault(entity["id"], entity) is not entity:
            raise BenchError(
                f"{path}: form[{number}]: the id {entity['id']} comes twice; bring the official file again"
            )
    linked: dict[int, set[int]] = {}
    for link in (link for entity in entities.values() for link in entity["linking"]):
        for one, other in (link, link[::-1]):
            labels = [entities[key]["label"] if key in entities else "" for key in (one, other)]
            if labels == ["question", "answer"]:
                linked.setdefault(one, set()).add(other)
    texts = {key: " ".join(entities[key]["text"].split()) for key in entities}
    forms = Counter(name_form(texts[key]) for key in linked)
    target = [
        {"name": texts[key], "kind": "text", "texts": _answer([entities[one] for one in linked[key]])}
        for key in sorted(linked)
        if name_form(texts[key]) and forms[name_form(texts[key])] == 1
    ]
    questions = [one["name"] for one in target]
    return Example(path.stem, {"form": path.stem, "questions": questions}, target, path.stem) if target else None


def _answer(entities: Sequence[Mapping[str, Any]]) -> list[str]:
    """The answers of one question line by line, each from the left, as one text; none where nothing is filled in."""
    text = " ".join(" ".join(one["text"] for line in _lines(entities) for one in line).split())
    return [text] if text else []


def _lines(entities: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """What is printed on one line together, from the top, each line from the left.

    Boxes of a line are seldom level to the pixel: they are one where each two share half of the lower one's height.
    """
    lines: list[list[Mapping[str, Any]]] = []
    for one in sorted(entities, key=lambda one: (one["box"][1], one["box"][0])):
        beside = (line for line in lines if all(_level(one["box"], other["box"]) for other in line))
        if (line := next(beside, None)) is None:
            lines.append([one])
        else:
            line.append(one)
    return [sorted(line, key=lambda one: one["box"][0]) for line in lines]


def _level(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether two boxes (left, top, right, bottom) stand beside one another."""
    shared = min(one[3], other[3]) - max(one[1], other[1])
    return shared >= min(one[3] - one[1], other[3] - other[1]) / 2


def _entities(path: Path) -> Iterator[Mapping[str, Json]]:
    for number, entity in enumerate(field(read_json(path), "form", list, str(path))):
        where = f"{path}: form[{number}]"
        box, links = field(entity, "box", list, where), field(entity, "linking", list, where)
        if len(box) != 4 or not all(type(one) in (int, float) for one in box):
            raise BenchError(f"{where}: box: found {str(box)[:60]}, expected four numbers; correct the file")
        if not all(isinstance(one, list) and len(one) == 2 and all(type(key) is int for key in one) for one in links):
            raise BenchError(f"{where}: linking: found {str(links)[:60]}, expected pairs of ids; correct the file")
        yield {
            "id": field(entity, "id", int, where),
            "label": field(entity, "label", str, where),
            "text": field(entity, "text", str, where),
            "box": box,
            "linking": links,
        }
