"""ECTSum: the bullet points that a news agency makes of an earnings call."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from bench.data.files import all_or_none, field, read_jsonl, read_text
from bench.data.shapes import a_list, a_text, short
from bench.data.submissions import kind, pairs
from bench.errors import BenchError
from bench.metrics.ectsum import ECTSUM, published
from bench.metrics.metric import AnyMetric
from bench.task import Card, DataTask, Malformed, Unparsed
from bench.text.rows import rows
from bench.types import Example, Generate, Json, Prediction, Request, Text
from tasks.reports import new_id

SYSTEM = (
    "Summarise the earnings call in two to five bullet points for a news wire. One fact a line, in lower case, with its number as "
    "the call gives it: earnings per share, revenue, outlook, dividends. Nothing else."
)
# Form and tone of the gold lines; its call and its numbers are invented.
SHOT = (
    "Call:\nThank you, and welcome to the third quarter call of Example Bakeries. Sales were $12.4 million, up 3.5% on the year. "
    "Adjusted earnings came to $0.21 per share. For the full year we now expect sales between $48 million and $50 million.",
    "q3 adjusted earnings per share $0.21.\nq3 sales rose 3.5 percent to $12.4 million.\nsees fy sales $48 million to $50 million.",
)


class EctSum(DataTask):
    """Bullet points of a call of some 3,000 words; a context that is too short for it sees its beginning and its end."""

    name, version, output = "ectsum", 1, Generate
    metrics: ClassVar[tuple[AnyMetric, ...]] = ECTSUM
    card = Card(
        title="ECTSum",
        source="https://github.com/rajdeep345/ECTSum",
        revision="0190a31435082d122bba8d1d219e24f4e730b50a",
        licence="GPL-3.0 (the repository's; the calls are those of their companies)",
        split="test (data/final/test)",
        n_examples=495,
        language="en",
        chance=(0.0, 0.12),
        scenario="reading",
        cluster="company",
        citation="Mukherjee et al. 2022, ECTSum: A New Benchmark Dataset For Bullet Point Summarization of Long Earnings Call "
        "Transcripts (EMNLP)",
        obtain="get data/final/test of https://github.com/rajdeep345/ECTSum (GPL-3.0, so not passed on here) and put its folders "
        "ects and gt_summaries there",
        gives_away={"all_numbers": 0.0913},
        references={"ECT-BPS, the authors' model, cut to the gold's number of lines": 0.467, "ECT-BPS": 0.394},
    )

    def examples(self) -> Sequence[Example]:
        """The calls in the order of test.jsonl, or by name of the official folders."""
        return self.data.read(
            lambda path: all_or_none(examples(path), str(path / "test.jsonl") if path.is_dir() else str(path))
        )

    def request(self, example: Example) -> Request:
        """A worked example, the call, and the beginning of an answer."""
        call, bullets = SHOT
        told = Text("Call:\n" + "\n".join(example.inputs["transcript"]))
        begun = Text("Summary:", "assistant")
        parts = (Text(SYSTEM, "system"), Text(call), Text(f"Summary:\n{bullets}", "assistant"), told, begun)
        return Request(example.id, parts, Generate(max_new_tokens=160, stop=("\nCall:",)))

    def answer(self, prediction: Prediction) -> Json:
        """The lines of the reply, see `bullets`."""
        return bullets(prediction.text or "") or Unparsed([])

    def checked(self, example: Example, answer: Json) -> Json:
        """A list of lines, or a text of them."""
        lines = rows(a_text(answer)) if isinstance(answer, str) else a_list(answer, a_text)
        return short([line for line in lines if line.strip()])

    def ideal(self, example: Example) -> Prediction:
        """The gold lines."""
        return Prediction(example.id, text="\n".join(example.target["summary"]))

    def slices(self, example: Example) -> Mapping[str, str]:
        """How long the call is, and the year it was held in."""
        words = sum(len(line.split()) for line in example.inputs["transcript"])
        year = re.search(r"_(20\d\d)$", example.id)
        found = {
            "call": "up to 2,000 words" if words <= 2_000 else "2,000 to 4,000" if words <= 4_000 else "above 4,000"
        }
        return found | ({"year": year[1]} if year else {})

    def submitted(self, path: Path, examples: Sequence[Example]) -> Iterator[tuple[str, Json]]:
        """Lines of {"id", "summary"}, or an object {id: summary}; a summary is a list of lines or a text of them."""
        for key, found in pairs(path, "id", "summary"):
            fits = isinstance(found, str) or (isinstance(found, list) and all(isinstance(one, str) for one in found))
            yield key, found if fits else Malformed(f"found {kind(found)}, expected a list of lines")

    def official(self, values: Mapping[str, float], examples: Sequence[Example]) -> Mapping[str, Json]:
        """The authors' F1 of ROUGE and their share of known numbers, as fractions; also of summaries cut to the gold's length."""
        return published(values)


def examples(path: Path) -> Iterator[Example]:
    """The calls of test.jsonl ({"id", "transcript", "summary"}) in the folder, else of its folders ects and gt_summaries."""
    file = path / "test.jsonl" if path.is_dir() else path
    if file.is_file():
        yield from _of_lines(file)
        return
    calls = sorted((path / "ects").glob("*.txt"))
    if not calls:
        raise BenchError(f"{path} holds neither test.jsonl nor ects/*.txt; {EctSum.card.obtain}")
    for call in calls:
        gold = path / "gt_summaries" / call.name
        yield _example(call.stem, _lines(call), _lines(gold) if gold.is_file() else None)


def _of_lines(path: Path) -> Iterator[Example]:
    seen: set[str] = set()
    for number, record in read_jsonl(path):
        where = f"{path} line {number}"
        key = new_id(record, "id", where, seen)
        summary = _texts(record, "summary", where) if "summary" in record else None
        yield _example(key, _texts(record, "transcript", where), summary)


def _texts(record: Mapping[str, Json], name: str, where: str) -> list[str]:
    found: list[str] = field(record, name, list, where)
    if wrong := [one for one in found if not isinstance(one, str)]:
        raise BenchError(f"{where}: {name!r} holds {kind(wrong[0])}, expected texts; bring the file again")
    return found


def _example(key: str, call: list[str], summary: list[str] | None) -> Example:
    """The company's name begins the id: AAN_q3_2021."""
    target = None if summary is None else {"summary": summary, "source": call}
    return Example(key, {"transcript": call}, target, re.sub(r"_q\d_\d{4}$", "", key))


def _lines(path: Path) -> list[str]:
    return [line.strip() for line in rows(read_text(path)) if line.strip()]


_FENCE = re.compile(r"^\s*```[\w+-]*\s*$", re.MULTILINE)
_LEAD = re.compile(r"^\W*(?:here\b.{0,80}|(?:the |bullet )?(?:summary|points?|highlights)\W*)[:：]\W*$", re.IGNORECASE)
_MARK = re.compile(r"^(?:[-*•–—‣▪●·+]+|\(?\d{1,2}[.)](?=\s))\s*")
_LABEL = re.compile(r"^summary:\s*", re.IGNORECASE)


def bullets(text: str) -> list[str]:
    """The lines of a reply without their marks, bold signs, and a line that only says that a summary comes.

    >>> bullets("Here is the summary:\\n- **q3 sales** $5 million.\\n\\n2. sees fy sales up 3%.")
    ['q3 sales $5 million.', 'sees fy sales up 3%.']
    """
    plain = _FENCE.sub("", text).replace("**", "")
    lines = (_LABEL.sub("", line.strip()) for line in rows(plain))
    found = (_MARK.sub("", line).strip() for line in lines if not _LEAD.match(line))
    return [line for line in found if any(map(str.isalnum, line))]
