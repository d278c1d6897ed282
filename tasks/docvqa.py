"""DocVQA, single page: questions on scanned documents, by their picture or by the text that an OCR read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from bench.data.files import all_or_none, field, read_json
from bench.data.shapes import a_text
from bench.data.source import DataSource
from bench.data.squad_format import answers_of
from bench.data.submissions import kind, records
from bench.errors import BenchError
from bench.metrics.reading import ANLS
from bench.task import Card, DataTask, Malformed, Unparsed
from bench.types import Example, ImageFile, Json, Prediction, Request, Span
from tasks.answers import said_shortly
from tasks.prompts import page, passage
from tasks.slices import of_short_answer

OFFICIAL, WITH_TEXT = "val_v1.0_withQT.json", "val_squad_format.json"
HIDDEN = "test_v1.0.json"  # the official test set, whose answers are not public
_ANSWER_KEYS = ("answer", "predicted_answer")  # the second in files that people publish beside the gold


class DocVQA(DataTask):
    """Short answers to questions on one page.

    `pages` is "image", "text" (the page's OCR text, needs the SQuAD-shaped file) or "auto": the image where the folder has
    images, else the text.
    """

    name, version, metrics, output = "docvqa", 1, (ANLS,), Span
    missing_left_out = True
    card = Card(
        title="DocVQA, single page",
        source="https://www.docvqa.org",
        revision="1.0",
        licence="not to be passed on: the pages are from the UCSF Industry Documents Library",
        split="validation",
        n_examples=5_349,
        language="en",
        chance=(0.0, 0.03),
        scenario="reading",
        cluster="document",
        citation="Mathew, Karatzas and Jawahar 2021, DocVQA: A Dataset for VQA on Document Images (WACV)",
        obtain=(
            "register at the Robust Reading Competition, task Document Visual Question Answering, download the single page "
            f"validation set, and put {OFFICIAL} and the folder images/ below docvqa/ in the data directory"
        ),
        references={"human (test)": 0.981, "BERT-large on OCR text (test)": 0.665},
    )

    def __init__(self, data: DataSource, pages: str = "auto") -> None:
        if pages not in ("auto", "image", "text"):
            raise BenchError(f"task.pages={pages} is none of auto, image, text")
        self.data = data
        place = data.here()
        has_images = place is not None and (_folder(place) / "images").is_dir()
        self.pages = ("image" if has_images else "text") if pages == "auto" else pages
        self.parts = frozenset({"text", "image"} if self.pages == "image" else {"text"})

    def examples(self) -> Sequence[Example]:
        """The questions in the order of the file, from the official one or the one with the pages' text."""
        return self.data.read(self._read)

    def _file(self, path: Path) -> Path:
        if path.is_dir():
            names = [OFFICIAL, WITH_TEXT] if self.pages == "image" else [WITH_TEXT, OFFICIAL]
            there = [path / name for name in names if (path / name).is_file()]
            there += [path / HIDDEN] if (path / HIDDEN).is_file() else []
            if not there:
                raise BenchError(f"{path} holds neither {OFFICIAL} nor {WITH_TEXT}; {self.card.obtain}")
            path = there[0]
        return path

    def _read(self, path: Path) -> Sequence[Example]:
        path = self._file(path)
        found = read_json(path)
        examples = _with_text(found, str(path)) if isinstance(found, list) else _official(found, str(path))
        return all_or_none(examples, str(path))

    def request(self, example: Example) -> Request:
        """The page, then the question; raises BenchError when the page is not here."""
        question, context = example.inputs["question"], example.inputs.get("context")
        output = Span(max_new_tokens=24, stop=("\n", '"'), question=question, context=context)
        if self.pages == "text":
            if context is None:
                raise BenchError(f"docvqa: question {example.id} has no OCR text; use task.pages=image")
            return Request(example.id, passage(context, question), output)
        return Request(example.id, page(self._image(example), question), output)

    def _image(self, example: Example) -> ImageFile:
        place, name = self.data.here(), example.inputs.get("image")
        if place is None or name is None:
            raise BenchError(f"docvqa: question {example.id} names no image; use task.pages=text")
        path = _folder(place) / "images" / Path(name).name
        if not path.is_file():
            raise BenchError(f"{path} cannot be read (no such file); {self.card.obtain}")
        return ImageFile(str(path), "image/jpeg" if path.suffix in (".jpg", ".jpeg") else "image/png")

    def answer(self, prediction: Prediction) -> str | Unparsed:
        """The first line, without a lead or quotes; a final full stop stays, since characters are compared."""
        return said_shortly(prediction, keep_full_stop=True)

    def checked(self, example: Example, answer: Json) -> str:
        """A text."""
        return a_text(answer)

    def ideal(self, example: Example) -> Prediction:
        """The first accepted answer."""
        return Prediction(example.id, text=example.target[0])

    def slices(self, example: Example) -> Mapping[str, str]:
        """What on the page holds the answer, where the file says it, the question's word and the answer's length."""
        kinds = self._kinds.get(example.id, ())
        kind = {"question type": kinds[0] if len(kinds) == 1 else "several"} if kinds else {}
        return kind | of_short_answer(example)

    @cached_property
    def _kinds(self) -> Mapping[str, Sequence[str]]:
        """The `question_types` of each question of the official file (form, table/list, free_text, …)."""
        found = self.data.read(lambda path: read_json(self._file(path)))
        records = found["data"] if isinstance(found, dict) else ()
        return {str(one["questionId"]): one["question_types"] for one in records if one.get("question_types")}

    def submitted(self, path: Path, examples: Sequence[Example]) -> Iterator[tuple[str, Json]]:
        """A list of {"questionId", "answer"}."""
        for where, record in records(path):
            question = field(record, "questionId", (int, str), where)
            key = next((key for key in _ANSWER_KEYS if key in record), "answer")
            if key not in record:
                raise BenchError(f"{where}: the field 'answer' (str) is missing; found {', '.join(record)}")
            answer = record[key]
            yield (
                str(question),
                answer if isinstance(answer, str) else Malformed(f"found {kind(answer)}, expected a text"),
            )

    def official(self, values: Mapping[str, float], examples: Sequence[Example]) -> Mapping[str, Json]:
        """The mean over the questions that were answered, and their number."""
        return {**values, "n": len(examples)}

    def problems(self) -> Iterator[str]:
        """A wrong number of questions, and pages that are not in images/."""
        yield from super().problems()
        if self.pages == "image":
            names = {example.inputs["image"] for example in self.examples()}
            place = self.data.here()
            missing = sorted(n for n in names if place and not (_folder(place) / "images" / Path(n).name).is_file())
            if missing:
                yield f"{len(missing):,} of {len(names):,} pages are not in images/, the first is {missing[0]}"


def _folder(place: Path) -> Path:
    return place if place.is_dir() else place.parent


def _official(found: Json, where: str) -> Iterator[Example]:
    for number, record in enumerate(field(found, "data", list, where)):
        place = f"{where}: data[{number}]"
        answers = list(map(str, field(record, "answers", list, place))) if "answers" in record else None
        _refuse_empty(answers, place)
        inputs = {"question": field(record, "question", str, place), "image": field(record, "image", str, place)}
        document = str(field(record, "docId", (int, str), place))
        yield Example(str(field(record, "questionId", (int, str), place)), inputs, answers, document)


def _with_text(found: list[Json], where: str) -> Iterator[Example]:
    for number, record in enumerate(found):
        context = field(record, "context", str, f"{where}: [{number}]")
        for q, item in enumerate(field(record, "qas", list, f"{where}: [{number}]")):
            place = f"{where}: [{number}].qas[{q}]"
            answers = answers_of(item, place)
            _refuse_empty(answers, place)
            inputs = {"context": context, "question": field(item, "question", str, place)}
            yield Example(str(field(item, "id", (int, str), place)), inputs, answers, cluster=str(number))


def _refuse_empty(answers: list[str] | None, where: str) -> None:
    if answers == []:
        raise BenchError(
            f"{where}: 'answers' is empty; each question needs at least one, or no key 'answers' where they are held out"
        )
