"""What leaves the package: pixels, annotation records, the DocVQA file and whole folders."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.finmm.picture.document import Document
from tasks.finmm.picture.generate import make_document

if TYPE_CHECKING:
    from PIL import Image

    from tasks.finmm.picture.canvas import Canvas


def encode(document: Document) -> bytes:
    """The page as the JPEG file that `write_corpus` writes."""
    from tasks.finmm.picture import page

    return page.develop(page.lay_out(document))


def render(document: Document) -> Image.Image:
    """The page as RGB pixels, equal to those of the file that `write_corpus` writes."""
    from tasks.finmm.picture import page

    return page.decode(page.develop(page.lay_out(document)))


def annotate(document: Document) -> dict[str, Any]:
    """The annotation record of the page: every value with its box in pixels, every question."""
    from tasks.finmm.picture import page

    return _record(page.lay_out(document))


def _record(canvas: Canvas) -> dict[str, Any]:
    from tasks.finmm.picture import page

    document, boxes = canvas.document, page.boxes(canvas)
    return {
        "id": document.id,
        "kind": document.kind,
        "image": image_path(document),
        "width": canvas.width,
        "height": canvas.height,
        "language": "en",
        "currency": document.currency,
        "source": "rendered",
        "fields": [
            {"name": field.name, "value": field.value, "box": list(boxes[field.name])}
            for field in document.all_fields()
            if field.name in boxes
        ],
        "questions": [
            {
                "id": question.id,
                "question": question.text,
                "answers": list(question.answers),
                "evidence": list(question.evidence),
            }
            for question in document.questions
        ],
    }


def image_path(document: Document) -> str:
    """Where a corpus keeps the picture."""
    return f"images/{document.id}.jpg"


def docvqa_rows(document: Document) -> list[dict[str, Any]]:
    """The document's questions in the official DocVQA form."""
    return [
        {
            "questionId": question.id,
            "question": question.text,
            "image": image_path(document),
            "docId": document.id,
            "answers": list(question.answers),
        }
        for question in document.questions
    ]


def docvqa_file(documents: Iterable[Document]) -> dict[str, Any]:
    """The official DocVQA gold file."""
    return {"data": [row for document in documents for row in docvqa_rows(document)]}


def write_corpus(folder: Path, seed: int, n: int) -> None:
    """Write n documents: `images/<id>.jpg`, `annotations.jsonl` and `docvqa.json`, one document in memory at a time."""
    from tasks.finmm.picture import page

    (folder / "images").mkdir(parents=True, exist_ok=True)
    with (
        (folder / "annotations.jsonl").open("w", encoding="utf-8") as records,
        (folder / "docvqa.json").open("w", encoding="utf-8") as gold,
    ):
        gold.write('{"data": [')
        comma = "\n"
        for document in (make_document(seed, index) for index in range(n)):
            canvas = page.lay_out(document)
            records.write(json.dumps(_record(canvas), ensure_ascii=False) + "\n")
            (folder / image_path(document)).write_bytes(page.develop(canvas))
            for row in docvqa_rows(document):
                gold.write(comma + json.dumps(row, ensure_ascii=False))
                comma = ",\n"
        gold.write("\n]}\n")
