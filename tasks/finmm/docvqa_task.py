"""Questions on rendered pictures of financial documents."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache, cached_property, lru_cache
from importlib.metadata import version
from pathlib import Path

from bench.artifacts.digest import derived, digest
from bench.artifacts.made import made
from bench.data.look import Box, Look
from bench.data.shapes import a_text
from bench.disk import write_atomically
from bench.errors import BenchError
from bench.metrics.reading import ANLS
from bench.task import Card, Task, Unparsed
from bench.types import Example, Image, ImageFile, Json, Prediction, Request, Span
from tasks.answers import said_shortly
from tasks.finmm import FOLDER, LICENCE
from tasks.finmm.picture import KINDS, annotate, encode, make_document, write_corpus
from tasks.prompts import page
from tasks.slices import of_short_answer


class FinmmDocVQA(Task):
    """Short answers to questions on one page; the pages are rendered when they are asked for."""

    name, version, metrics, output = "finmm_docvqa", 1, (ANLS,), Span
    parts = frozenset({"text", "image"})
    makes_media = True
    card = Card(
        title="finmm: questions on financial documents",
        source="tasks/finmm/picture (rendered)",
        revision="1",
        licence=LICENCE,
        split="test (document_seed 7)",
        n_examples=467,
        language="en",
        chance=(0.0, 0.03),
        scenario="reading",
        cluster="document",
    )

    def __init__(self, documents: int = 100, document_seed: int = 7) -> None:
        if documents < 1:
            raise BenchError(f"task.documents={documents} must be at least 1")
        self.documents, self.document_seed = documents, document_seed

    def examples(self) -> Sequence[Example]:
        """All questions of each document in turn; nothing is rendered for that."""
        found = []
        for index in range(self.documents):
            document = make_document(self.document_seed, index)
            for question in document.questions:
                inputs = {
                    "seed": self.document_seed,
                    "index": index,
                    "kind": KINDS[index % len(KINDS)],
                    "question": question.text,
                }
                found.append(Example(question.id, inputs, list(question.answers), cluster=document.id))
        return found

    def request(self, example: Example) -> Request:
        """The page, then the question."""
        picture = page_image(example.inputs["seed"], example.inputs["index"])
        question = example.inputs["question"]
        return Request(
            example.id, page(picture, question), Span(max_new_tokens=24, stop=("\n", '"'), question=question)
        )

    def write(self, folder: Path) -> None:
        """Write the documents as images, annotation records and a DocVQA file; memory is flat in their number."""
        write_corpus(folder, self.document_seed, self.documents)

    def answer(self, prediction: Prediction) -> str | Unparsed:
        """The first line, without a lead or quotes; a final full stop stays."""
        return said_shortly(prediction, keep_full_stop=True)

    def checked(self, example: Example, answer: Json) -> str:
        """A text."""
        return a_text(answer)

    def ideal(self, example: Example) -> Prediction:
        """The answer as it is printed."""
        return Prediction(example.id, text=example.target[0])

    def slices(self, example: Example) -> Mapping[str, str]:
        """The kind of document, what the question asks for (lookup, item, compare, …) with which word, the answer's length."""
        kinds = {"document": example.inputs["kind"].replace("_", " "), "question type": self._asked[example.id]}
        return kinds | of_short_answer(example)

    def look(self, example: Example) -> Look:
        """Where on the page the values stand that answer the question."""
        page = boxes_of(example.inputs["seed"], example.inputs["index"])
        document = make_document(example.inputs["seed"], example.inputs["index"])
        evidence = next((one.evidence for one in document.questions if one.id == example.id), ())
        return Look(boxes=tuple(page[name] for name in evidence if name in page))

    @cached_property
    def _asked(self) -> Mapping[str, str]:
        """The kind of each question."""
        documents = (make_document(self.document_seed, index) for index in range(self.documents))
        return {question.id: question.kind for document in documents for question in document.questions}


def page_image(seed: int, index: int) -> Image:
    """The page of a document: rendered once on this machine and kept in the cache, or held where that cannot be written."""
    place = _pages() / f"{seed}-{index}.jpg"
    try:
        made(
            place,
            "drawing",
            f"page {seed}-{index}",
            lambda draft: write_atomically(draft, encode(make_document(seed, index))),
        )
    except OSError:
        return Image(encode(make_document(seed, index)), "image/jpeg")
    return ImageFile(str(place), "image/jpeg")


@lru_cache(maxsize=8)
def boxes_of(seed: int, index: int) -> Mapping[str, Box]:
    """Where each field of a document is printed on its page, by its name; the page is laid out for that and not drawn."""
    record = annotate(make_document(seed, index))
    return {one["name"]: Box(one["name"], one["value"], tuple(one["box"])) for one in record["fields"]}


@cache
def _pages() -> Path:
    """Where the pages are kept that this source draws with these versions of what it draws with."""
    drawn_with = (
        "pillow",
        "numpy",
        "matplotlib",
        "fontpkg-arimo",
        "fontpkg-caveat",
        "fontpkg-dancing-script",
        "fontpkg-kalam",
    )
    versions = "".join(f"{name} {version(name)}\n" for name in drawn_with)
    return derived(hashlib.sha256(f"{digest(FOLDER / 'picture')}\n{versions}".encode()).hexdigest(), "finmm-pages")
