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
from tasks.page_folders import annotation_files, found_below, picture
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
        """The form; raises BenchError when its picture is not here."""
        return self.data.read(lambda folder: picture(_below(folder, "images"), example.inputs["form"], _OBTAIN))

    def slices(self, example: Example) -> Mapping[str, str]:
        """How many questions the form has."""
        return {"questions": band(len(example.inputs["questions"]), (4, 8, 16), "question")}


def _below(folder: Path, name: str) -> Path:
    return found_below(folder, _ROOTS, (name,), _OBTAIN)


def _read(folder: Path) -> list[Example]:
    files = annotation_files(_below(folder, "annotations"), (".json",), _OBTAIN)
    found = filter(None, map(_example, files))
    return all_or_none(found, str(folder))


def _example(path: Path) -> Example | None:
    """A form with the questions that have a text of their own and linked answers; None where it has no such question."""
    entities: dict[int, Mapping[str, Any]] = {}
    for place, entity in enumerate(_entities(path)):
        if entities.setdefault(entity["id"], entity) is not entity:
            raise BenchError(
                f"{path}: form[{place}]: the id {entity['id']} stands twice; ids are unique in a form, correct the file"
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
    """The answers of one question from the top and from left to right, as one text; none where nothing is filled in."""
    lines: list[list[Mapping[str, Any]]] = []
    for one in sorted(entities, key=lambda one: (one["box"][1], one["box"][0])):
        if lines and _beside(lines[-1][0]["box"], one["box"]):
            lines[-1].append(one)
        else:
            lines.append([one])
    ordered = (one for line in lines for one in sorted(line, key=lambda one: one["box"][0]))
    text = " ".join(" ".join(one["text"] for one in ordered).split())
    return [text] if text else []


def _beside(first: Sequence[float], other: Sequence[float]) -> bool:
    """Whether two boxes stand in one printed line: each is beside the other with half of its height or more."""
    shared = min(first[3], other[3]) - max(first[1], other[1])
    return shared > 0 and 2 * shared >= max(first[3] - first[1], other[3] - other[1])


def _entities(path: Path) -> Iterator[Mapping[str, Json]]:
    for number, entity in enumerate(field(read_json(path), "form", list, str(path))):
        where = f"{path}: form[{number}]"
        box, links = field(entity, "box", list, where), field(entity, "linking", list, where)
        if len(box) != 4 or not all(type(one) in (int, float) for one in box):
            raise BenchError(f"{where}: box: found {str(box)[:60]}, expected four numbers; correct the file")
        if not all(isinstance(one, list) and [type(key) for key in one] == [int, int] for one in links):
            raise BenchError(f"{where}: linking: found {str(links)[:60]}, expected pairs of ids; correct the file")
        yield {
            "id": field(entity, "id", int, where),
            "label": field(entity, "label", str, where),
            "text": field(entity, "text", str, where),
            "box": box,
            "linking": links,
        }
