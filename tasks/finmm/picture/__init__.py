"""Pictures of financial documents with questions: made on demand, the same in every process."""

from __future__ import annotations

from tasks.finmm.picture.corpus import annotate, docvqa_file, encode, render, write_corpus
from tasks.finmm.picture.document import Document
from tasks.finmm.picture.generate import KINDS, make_document

__all__ = ["KINDS", "Document", "annotate", "docvqa_file", "encode", "make_document", "render", "write_corpus"]
