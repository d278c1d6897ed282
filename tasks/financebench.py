"""FinanceBench: questions of analysts on filings, each with the pages that hold the answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from bench.data.files import all_or_none, beside, field, read_jsonl
from bench.data.shapes import a_text
from bench.data.source import DataSource
from bench.data.submissions import kind, pairs
from bench.errors import BenchError
from bench.metrics.metric import AnyMetric, Metric
from bench.metrics.numbers import NUMERIC_MATCH
from bench.metrics.reading import token_f1
from bench.metrics.verdict import CORRECT
from bench.task import Card, DataTask, Malformed, Unparsed
from bench.text.quantities import FACTORS, sole_number
from bench.types import Example, Generate, Json, Part, Prediction, Request, Text
from tasks.reports import new_id
from tasks.slices import stated

SYSTEM = (
    "Answer the question on the company's filing. If it asks for a number, write only the number with its unit, rounded as "
    "asked; otherwise one or two short sentences."
)
EVIDENCE = ("gold", "none")


TOKEN_F1 = Metric("f1", measure=lambda target, answer: (token_f1(answer, target["text"]),), signature="squad-v1.1")


class FinanceBench(DataTask):
    """Free text with the gold evidence as context, or with `evidence: none` from memory alone."""

    name, version, output = "financebench", 2, Generate
    metrics: ClassVar[tuple[AnyMetric, ...]] = (CORRECT, NUMERIC_MATCH, TOKEN_F1)
    card = Card(
        title="FinanceBench, open sample",
        source="https://github.com/patronus-ai/financebench",
        revision="6e138b2f29670bc416456cd16258f9a48b93b76e",
        licence="CC BY-NC 4.0",
        split="financebench_open_source.jsonl",
        n_examples=150,
        language="en",
        chance=(0.0, 0.06),
        scenario="reading",
        cluster="document",
        citation="Islam et al. 2023, FinanceBench: A New Benchmark for Financial Question Answering",
        agreement="accuracy 88.3 %, kappa 0.77 with 600 verdicts of the organisers on four set-ups that the rules were not made on "
        "(numbers 97.6 %, 0.95; texts 86.5 %, 0.73; yes or no 78.4 %, 0.57), where the more frequent verdict "
        "has 54.3 %; kappa by set-up 0.51 to 0.87; scripts/financebench_agreement.py",
    )

    def __init__(self, data: DataSource, evidence: str = "gold") -> None:
        if evidence not in EVIDENCE:
            raise BenchError(f"task.evidence={evidence} is not one of {', '.join(EVIDENCE)}")
        self.data, self.evidence = data, evidence

    def examples(self) -> Sequence[Example]:
        """The questions in the order of the file; without evidence they are other data, with a board of their own."""
        shown = self.evidence == "gold"
        return self.data.read(lambda path: all_or_none(examples(path, with_evidence=shown), str(path)))

    def request(self, example: Example) -> Request:
        """The evidence, if it is shown, then the question."""
        inputs = example.inputs
        shown = f"Filing {inputs['document']} of {inputs['company']}"
        pages = f"{shown}:\n{inputs['evidence']}\n" if "evidence" in inputs else f"{shown}.\n"
        asked = Text(f"{pages}Question: {inputs['question']}")
        parts: tuple[Part, ...] = (Text(SYSTEM, "system"), asked, Text("Answer:", "assistant"))
        return Request(example.id, parts, Generate(max_new_tokens=160, stop=("\nQuestion:",)))

    def answer(self, prediction: Prediction) -> Json:
        """The reply behind its last "Answer:", see `read_reply`."""
        return read_reply(prediction.text or "") or Unparsed("")

    def checked(self, example: Example, answer: Json) -> str:
        """A text."""
        return a_text(answer)

    def ideal(self, example: Example) -> Prediction:
        """The gold answer."""
        return Prediction(example.id, text=example.target["text"])

    def slices(self, example: Example) -> Mapping[str, str]:
        """The filing, how the question came about, its reasoning, the company's sector, and if a number answers it."""
        filing = _FILING.search(example.inputs["document"])
        found = {"filing": filing[0].lower() if filing else "other"} | self._kinds.get(example.id, {})
        if example.target is not None:
            found["answer"] = "number" if sole_number(example.target["text"]) else "text"
        return found

    @cached_property
    def _kinds(self) -> Mapping[str, dict[str, str]]:
        """What the file says of each question, and of its company where the file of documents lies beside it."""
        return self.data.read(_kinds_of)

    def submitted(self, path: Path, examples: Sequence[Example]) -> Iterator[tuple[str, Json]]:
        """An object {financebench_id: text}, or a list or lines of {"financebench_id", "answer"}."""
        for key, text in pairs(path, "financebench_id", "answer"):
            yield key, text if isinstance(text, str) else Malformed(f"found {kind(text)}, expected a text")


_FILING = re.compile(r"10K|10Q|8K|EARNINGS", re.IGNORECASE)
_UNIT = re.compile(
    r"\bin\s+(?:units\s+of\s+)?(?:USD|US\$|\$|(?:US\s+)?dollars)?\s*(thousand|million|billion)s?\b", re.IGNORECASE
)


def examples(path: Path, *, with_evidence: bool = True) -> Iterator[Example]:
    """The questions of the official file, of which the answers may be left out; raises BenchError naming the bad line."""
    seen: set[str] = set()
    for number, record in read_jsonl(path):
        where = f"{path} line {number}"
        key = new_id(record, "financebench_id", where, seen)
        question, document = field(record, "question", str, where), field(record, "doc_name", str, where)
        inputs = {"question": question, "document": document, "company": field(record, "company", str, where)}
        if with_evidence:
            pieces = field(record, "evidence", list, where)
            inputs["evidence"] = "\n\n".join(_page(field(piece, "evidence_text", str, where)) for piece in pieces)
        unit = _UNIT.search(question)
        factor = FACTORS[unit[1].lower()] if unit else None
        target = None
        if "answer" in record:
            target = {"text": field(record, "answer", str, where), "factor": factor, "question": question}
            target |= {"evidence": inputs["evidence"]} if with_evidence else {}  # what an answer may not just copy
        yield Example(key, inputs, target, document)


def _kinds_of(path: Path) -> dict[str, dict[str, str]]:
    documents = beside(path, "financebench_document_information.jsonl")
    sectors = {one.get("doc_name"): one for _, one in read_jsonl(documents)} if documents else {}
    found = {}
    for _, one in read_jsonl(path):
        reasoning = stated("reasoning", one, "question_reasoning")
        if " OR" in reasoning.get("reasoning", ""):  # annotators did not agree, or the question needs all of them
            reasoning = {"reasoning": "several"}
        sector = stated("sector", sectors.get(one["doc_name"], {}), "gics_sector")
        found[one["financebench_id"]] = stated("question type", one, "question_type") | reasoning | sector
    return found


def _page(text: str) -> str:
    """The page without the empty lines that its table cells left."""
    return "\n".join(line for line in map(str.strip, text.splitlines()) if line)


_LEAD = re.compile(r"^\W*(?:the )?(?:final )?answer(?: is)?\s*:", re.IGNORECASE | re.MULTILINE)
_FENCE = re.compile(r"^\s*```[\w+-]*\s*$", re.MULTILINE)


def read_reply(text: str) -> str:
    """The whole reply on one line, from behind its last "Answer:", without code fences and bold marks.

    >>> read_reply("5,829 less 94 is 5,735.\\n**Answer:** $5,735 million")
    '$5,735 million'
    """
    text = _FENCE.sub("", text).replace("**", "")
    leads = list(_LEAD.finditer(text))
    return " ".join((text[leads[-1].end() :] if leads else text).split())
