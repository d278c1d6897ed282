"""What the tasks on finmm's pages share: the same documents, drawn when they are asked for, and their slices."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import ClassVar

from bench.errors import BenchError
from bench.task import Card, Task
from bench.types import Example, Image
from tasks.finmm import LICENCE
from tasks.finmm.docvqa_task import page_image
from tasks.finmm.picture import KINDS, Document, make_document

DOCUMENTS, SEED = 96, 7
_TRAINING = 1_000  # how far from the seed of the documents that are evaluated that of the others is


class FinmmPages(Task):
    """One example of each document whose kind is in `kinds`, out of the first `documents`."""

    parts = frozenset({"text", "image"})
    makes_media = True
    kinds: ClassVar[Sequence[str]] = KINDS

    def __init__(self, documents: int = DOCUMENTS, document_seed: int = SEED) -> None:
        if documents < 1:
            raise BenchError(f"task.documents={documents} must be at least 1")
        self.documents, self.document_seed = documents, document_seed

    def fetch(self) -> None:
        """Nothing to bring."""

    def examples(self) -> Sequence[Example]:
        """The documents in turn; no picture is drawn for that."""
        return self._of(self.document_seed)

    def training(self) -> Sequence[Example]:
        """As many documents of another seed."""
        return self._of(self.document_seed + _TRAINING)

    def _of(self, seed: int) -> list[Example]:
        indices = [index for index in range(self.documents) if KINDS[index % len(KINDS)] in self.kinds]
        return [self.example(seed, index) for index in indices]

    def example(self, seed: int, index: int) -> Example:
        """The example of one document."""
        raise NotImplementedError

    def page(self, example: Example) -> Image:
        """The page as a picture."""
        return page_image(example.inputs["seed"], example.inputs["index"])

    def slices(self, example: Example) -> Mapping[str, str]:
        """The kind of document, and how worn its page is."""
        document = drawn(example.inputs["seed"], example.inputs["index"])
        return {"document": document.kind.replace("_", " "), "scan": document.style.noise.level}


@lru_cache(maxsize=1_024)
def drawn(seed: int, index: int) -> Document:
    """The document of that number."""
    return make_document(seed, index)


def page_id(seed: int, index: int) -> str:
    """An id that does not tell the kind of document, as the number does.

    >>> page_id(7, 0)
    'page-eb3b1dd75a'
    """
    return f"page-{hashlib.sha256(f'finmm/page/{seed}/{index}'.encode()).hexdigest()[:10]}"


def page_card(title: str, n_examples: int, chance: tuple[float, float]) -> Card:
    """The card of a task on these pages."""
    return Card(
        title=f"finmm: {title}",
        source="tasks/finmm/picture (rendered)",
        revision="1",
        licence=LICENCE,
        split=f"test (document_seed {SEED})",
        n_examples=n_examples,
        language="en",
        chance=chance,
        scenario="operations",
        cluster="document",
    )
