"""The tables of financial documents, as rows of cells."""

from __future__ import annotations

import json
from typing import ClassVar

from bench.data.shapes import a_list, a_number, a_text, short
from bench.data.submissions import kind
from bench.metrics.metric import AnyMetric
from bench.metrics.table_cells import TABLES
from bench.task import Unparsed
from bench.types import Example, Json, Prediction, Request, Rows, Text
from tasks.finmm.pages import FinmmPages, drawn, page_card, page_id
from tasks.finmm.printed_tables import TABLES_OF, printed_rows
from tasks.table_json import LONGEST
from tasks.table_reply import MOST_CELLS, MOST_ROWS, said_table

INSTRUCTION = (
    "Write the table of the page as JSON: a list of rows, each a list of texts, one for each column, as they are printed. The "
    'heading row comes first; an empty cell is "".'
)


class FinmmTables(FinmmPages):
    """One table of each invoice, bank statement, balance sheet and insurance claim."""

    name, version, output = "finmm_tables", 1, Rows
    kinds = tuple(TABLES_OF)
    metrics: ClassVar[tuple[AnyMetric, ...]] = TABLES
    keeps_tabs = True
    card = page_card("tables of documents", 48, (0.0, 0.02))

    def example(self, seed: int, index: int) -> Example:
        """The document and the rows of its table."""
        document = drawn(seed, index)
        key = page_id(seed, index)
        return Example(key, {"seed": seed, "index": index, "kind": document.kind}, printed_rows(document), key)

    def request(self, example: Example) -> Request:
        """The instruction, the page, then which table is meant."""
        asked = Text(f"The table: {TABLES_OF[example.inputs['kind']]}.\nJSON:")
        return Request(example.id, (Text(INSTRUCTION, "system"), self.page(example), asked), Rows(max_new_tokens=2_000))

    def answer(self, prediction: Prediction) -> list[list[str]] | Unparsed:
        """The rows of the first table in the reply: JSON, HTML, Markdown, LaTeX or lines of cells."""
        return said_table(prediction.text or "") or Unparsed([])

    def checked(self, example: Example, answer: Json) -> list[list[str]]:
        """A list of rows, each a list of texts, numbers or nulls."""
        found = a_list(answer, lambda row: a_list(row, _cell, MOST_CELLS), MOST_ROWS)
        short([cell for row in found for cell in row])
        return found

    def ideal(self, example: Example) -> Prediction:
        """The rows as JSON."""
        return Prediction(example.id, text=json.dumps(example.target, ensure_ascii=False))


def _cell(value: Json) -> str:
    if value is None:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return a_text(json.dumps(a_number(value)), LONGEST)
    if not isinstance(value, str):
        raise ValueError(f"found {kind(value)} in a row, expected a text")
    return a_text(value, LONGEST)
