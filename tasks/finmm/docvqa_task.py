"""Questions on rendered pictures of financial documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path

from bench.errors import BenchError
from bench.metrics.reading import ANLS
from bench.task import Card, Task
from bench.types import Example, Image, Prediction, Request, Span
from tasks.answers import short_answer
from tasks.finmm import LICENCE
from tasks.finmm.picture import KINDS, encode, make_document, write_corpus
from tasks.prompts import page
from tasks.slices import of_short_answer


class FinmmDocVQA(Task):
    """Short answers to questions on one page; the pages are rendered when they are asked for."""

    name, version, metrics, output = "finmm_docvqa", 1, (ANLS,), Span
    parts = frozenset({"text", "image"})
    card = Card(
        title="finmm: questions on financial documents",
        source="tasks/finmm/picture (rendered)",
        revision="1",
        licence=LICENCE,
        split="test (document_seed 7)",
        n_examples=467,
        language="en",
        chance=(0.0, 0.03),
        scenario="risk control",
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
        picture = Image(_picture(example.inputs["seed"], example.inputs["index"]), "image/jpeg")
        question = example.inputs["question"]
        return Request(
            example.id, page(picture, question), Span(max_new_tokens=24, stop=("\n", '"'), question=question)
        )

    def write(self, folder: Path) -> None:
        """Write the documents as images, annotation records and a DocVQA file; memory is flat in their number."""
        write_corpus(folder, self.document_seed, self.documents)

    def answer(self, prediction: Prediction) -> str:
        """The first line, without a lead or quotes; a final full stop stays."""
        return short_answer(prediction.text or "", keep_full_stop=True)

    def ideal(self, example: Example) -> Prediction:
        """The answer as it is printed."""
        return Prediction(example.id, text=example.target[0])

    def slices(self, example: Example) -> Mapping[str, str]:
        """The kind of document, what the question asks for (lookup, item, compare, …) with which word, the answer's length."""
        kinds = {"document": example.inputs["kind"].replace("_", " "), "question type": self._asked[example.id]}
        return kinds | of_short_answer(example)

    @cached_property
    def _asked(self) -> Mapping[str, str]:
        """The kind of each question."""
        documents = (make_document(self.document_seed, index) for index in range(self.documents))
        return {question.id: question.kind for document in documents for question in document.questions}


@lru_cache(maxsize=2)
def _picture(seed: int, index: int) -> bytes:
    """The picture, kept while its questions are asked: they follow one another."""
    return encode(make_document(seed, index))
