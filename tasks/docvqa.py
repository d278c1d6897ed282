"""DocVQA, single page: questions on scanned documents, by their picture or by the text that an OCR read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench.data.files import field, read_json
from bench.data.source import DataSource
from bench.data.submissions import kind, records
from bench.errors import BenchError
from bench.metrics.reading import ANLS
from bench.task import Card, DataTask, Malformed
from bench.types import Example, Image, Json, Prediction, Request, Span
from tasks.answers import short_answer
from tasks.prompts import page, passage

OFFICIAL, WITH_TEXT = "val_v1.0_withQT.json", "val_squad_format.json"
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
        scenario="risk control",
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

    def _read(self, path: Path) -> Sequence[Example]:
        if path.is_dir():
            names = [OFFICIAL, WITH_TEXT] if self.pages == "image" else [WITH_TEXT, OFFICIAL]
            there = [path / name for name in names if (path / name).is_file()]
            if not there:
                raise BenchError(f"{path} holds neither {OFFICIAL} nor {WITH_TEXT}; {self.card.obtain}")
            path = there[0]
        found = read_json(path)
        return list(_with_text(found, str(path)) if isinstance(found, list) else _official(found, str(path)))

    def request(self, example: Example) -> Request:
        """The page, then the question; raises BenchError when the page is not here."""
        question, context = example.inputs["question"], example.inputs.get("context")
        output = Span(max_new_tokens=24, stop=("\n", '"'), question=question, context=context)
        if self.pages == "text":
            if context is None:
                raise BenchError(f"docvqa: question {example.id} has no OCR text; use task.pages=image")
            return Request(example.id, passage(context, question), output)
        return Request(example.id, page(self._image(example), question), output)

    def _image(self, example: Example) -> Image:
        place, name = self.data.here(), example.inputs.get("image")
        if place is None or name is None:
            raise BenchError(f"docvqa: question {example.id} names no image; use task.pages=text")
        path = _folder(place) / "images" / Path(name).name
        try:
            return Image(path.read_bytes(), "image/jpeg" if path.suffix in (".jpg", ".jpeg") else "image/png")
        except OSError as error:
            raise BenchError(f"{path} cannot be read ({error.strerror}); {self.card.obtain}") from None

    def answer(self, prediction: Prediction) -> str:
        """The first line, without a lead or quotes; a final full stop stays, since characters are compared."""
        return short_answer(prediction.text or "", keep_full_stop=True)

    def ideal(self, example: Example) -> Prediction:
        """The first accepted answer."""
        return Prediction(example.id, text=example.target[0])

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
        answers = field(record, "answers", list, place)
        if not answers:
            raise BenchError(
                f"{place}: 'answers' is empty; the test set's answers are not public, use the validation set"
            )
        inputs = {"question": field(record, "question", str, place), "image": field(record, "image", str, place)}
        document = str(field(record, "docId", (int, str), place))
        yield Example(str(field(record, "questionId", (int, str), place)), inputs, list(map(str, answers)), document)


def _with_text(found: list[Json], where: str) -> Iterator[Example]:
    for number, record in enumerate(found):
        context = field(record, "context", str, f"{where}: [{number}]")
        for q, item in enumerate(field(record, "qas", list, f"{where}: [{number}]")):
            place = f"{where}: [{number}].qas[{q}]"
            answers = [field(answer, "text", str, f"{place}.answers") for answer in field(item, "answers", list, place)]
            if not answers:
                raise BenchError(f"{place}: 'answers' is empty; each question needs at least one")
            inputs = {"context": context, "question": field(item, "question", str, place)}
            yield Example(str(field(item, "id", (int, str), place)), inputs, answers, cluster=str(number))
