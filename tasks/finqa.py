"""FinQA: questions on a page of an earnings report that a small program answers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from bench.data.files import all_or_none, beside, field, read_json
from bench.data.shapes import a_list, a_number, a_text, an_object, short
from bench.data.submissions import kind, pairs
from bench.errors import BenchError
from bench.metrics.finqa import FINQA
from bench.metrics.finqa_language import tokens
from bench.metrics.metric import AnyMetric
from bench.task import Card, DataTask, Malformed, Unparsed
from bench.text.quantities import answer_number
from bench.types import Example, Generate, Json, Prediction, Request
from tasks.answers import short_answer
from tasks.programs import read_program
from tasks.reports import entries, new_id, page_prompt, table_text
from tasks.slices import band, question_word

SYSTEM = (
    "Answer the question on the report with a program of steps, each with two arguments: add(a, b), subtract(a, b), "
    "multiply(a, b), divide(a, b), exp(a, b), greater(a, b), or, for a whole row of the table, table_max(row name, none), "
    "table_min, table_sum, table_average. Copy numbers from the report; #0 is the result of the first step, #1 of the "
    "second; constants are const_1, const_100, const_1000, const_m1 (minus one). Write the program alone."
)
_BAKERY = (
    "Report:\nthe bakery sells bread and cakes .\n | 2015 | 2014\nbread | 1200 | 1000\ncakes | 300 | 400\n"
    "amounts are in thousands .\n"
)
SHOTS = (
    ("what was the percentage change in bread from 2014 to 2015?", "Program: subtract(1200, 1000), divide(#0, 1000)"),
    ("were cakes higher in 2015 than in 2014?", "Program: greater(300, 400)"),
    ("what were the average yearly cakes?", "Program: table_average(cakes, none)"),
)
_NOTHING = {"program": None, "value": None}
_NUMBERED = re.compile(r"nos?\b\.?:?\s*\d", re.IGNORECASE)  # "No. 5" is the fifth of something
_BOTH = re.compile(r"(yes|no)\W+(?:or\W+|and\W+|but\W+)?(?!\1)(?:yes|no)(?=\W*$|[,.;:!?])", re.IGNORECASE)
_MOST_TOKENS = 400  # of a program; the longest official one has 25
# how many questions the official files hold; dev_200.json is the part of dev.json in the local data directory
SIZES = {"test.json": 1_147, "dev.json": 883, "dev_200.json": 200}  # of a folder the first that is there is evaluated


class FinQA(DataTask):
    """A program in FinQA's language, or only its result, which counts for execution accuracy alone."""

    name, version, output = "finqa", 1, Generate
    metrics: ClassVar[tuple[AnyMetric, ...]] = FINQA
    card = Card(
        title="FinQA",
        source="https://github.com/czyssrs/FinQA",
        revision="pinned in bench.lock at the first fetch",
        licence="MIT",
        split="test (test.json), or where that is not there dev (dev.json; 200 of its 883 questions as dev_200.json)",
        n_examples=1_147,
        language="en",
        chance=(0.0, 0.02),
        scenario="reading",
        cluster="report page",
        citation="Chen et al. 2021, FinQA: A Dataset of Numerical Reasoning over Financial Data (EMNLP)",
        references={"human experts (test)": 0.9116, "FinQANet, the authors' model (test)": 0.6124},
    )
    missing_left_out = True

    def examples(self) -> Sequence[Example]:
        """The questions in the order of the file."""
        return self.data.read(lambda path: all_or_none(examples(_evaluated(path)), str(_evaluated(path))))

    def training(self) -> Sequence[Example]:
        """The questions of train.json, where it lies beside the evaluated file."""
        here = self.data.here()
        path = beside(_evaluated(here) if here else None, "train.json")
        return list(examples(path)) if path else ()

    def request(self, example: Example) -> Request:
        """Worked examples, then the page, which questions share, and the question."""
        asked = f"Report:\n{example.inputs['report']}\nQuestion: {example.inputs['question']}"
        parts = page_prompt(SYSTEM, _BAKERY, SHOTS, asked, "Program:")
        return Request(example.id, parts, Generate(max_new_tokens=96, stop=("\n",)))

    def answer(self, prediction: Prediction) -> Json:
        """The program, else the value that the reply gives."""
        text = prediction.text or ""
        program = read_program(text)
        answer = {"program": program, "value": None if program else read_value(text)}
        return Unparsed(answer) if answer == _NOTHING else answer

    def checked(self, example: Example, answer: Json) -> Json:
        """{"program", "value"}, of which one at most is something, or what stands for it in a submission."""
        if isinstance(answer, dict):
            found = an_object(answer, ("program", "value"))
            if found["program"] is not None and found["value"] is not None:
                return Malformed("found a program and a value, expected one of them")
            if found == _NOTHING:
                return found
            answer = found["value"] if found["program"] is None else a_list(found["program"], a_text, _MOST_TOKENS)
        found = _submitted(answer)
        if isinstance(found, Malformed):
            return found
        if found["program"] is not None:
            short(a_list(found["program"], a_text, _MOST_TOKENS))
        if isinstance(found["value"], int | float):
            a_number(found["value"])
        return found

    def ideal(self, example: Example) -> Prediction:
        """The gold program."""
        return Prediction(example.id, text=example.target["program"])

    def slices(self, example: Example) -> Mapping[str, str]:
        """What of the page holds the facts (table, text or both), the question's word and the steps of the program."""
        found = {"question word": question_word(example.inputs["question"])}
        if evidence := self._evidence.get(example.id):
            found["evidence"] = evidence
        if example.target is not None:
            found["steps"] = band(example.target["program"].count("("), (1, 2), "step")
        return found

    @cached_property
    def _evidence(self) -> Mapping[str, str]:
        """The parts of the page that `gold_inds` names for each question (table_3, text_1)."""
        questions = self.data.read(lambda path: read_json(_evaluated(path)))
        parts = {
            one["id"]: sorted({key.partition("_")[0] for key in one["qa"].get("gold_inds") or ()}) for one in questions
        }
        return {key: " and ".join(found) for key, found in parts.items()}

    def submitted(self, path: Path, examples: Sequence[Example]) -> Iterator[tuple[str, Json]]:
        """A list of {"id", "predicted"}: the tokens of a program with "EOF" at the end, a program as a text, or a value."""
        for key, given in pairs(path, "id", "predicted"):
            yield key, _submitted(given)

    def official(self, values: Mapping[str, float], examples: Sequence[Example]) -> Mapping[str, Json]:
        """What evaluate.py prints: how many predictions, and fractions of them."""
        found = {"All": len(examples)}
        return found | {"Exe acc": values["execution_accuracy"], "Prog acc": values["program_accuracy"]}

    def problems(self) -> Iterator[str]:
        """As of any task; the size may be that of any official file."""
        n = len(self.examples())
        if n not in SIZES.values():
            known = ", ".join(f"{name} has {size:,}" for name, size in SIZES.items())
            yield f"{n:,} examples, where {known}"


def _evaluated(place: Path) -> Path:
    """The file itself, or of a folder the split to evaluate."""
    if place.is_file():
        return place
    for name in SIZES:
        if (place / name).is_file():
            return place / name
    raise BenchError(f"{place} holds none of {', '.join(SIZES)}; bring an official file")


def examples(path: Path) -> Iterator[Example]:
    """The questions of an official file, without program and result as in the private test set too.

    Raises BenchError naming the entry that is not as it must be.
    """
    seen: set[str] = set()
    for where, entry in entries(path, "questions"):
        key, qa = new_id(entry, "id", where, seen), field(entry, "qa", dict, where)
        table = field(entry, "table", list, where)
        if not all(isinstance(row, list) and row and all(isinstance(cell, str) for cell in row) for row in table):
            raise BenchError(f"{where}: 'table' is not a list of rows of texts; bring the official file again")
        before, after = (_prose(field(entry, name, list, where)) for name in ("pre_text", "post_text"))
        question, target = field(qa, "question", str, f"{where}.qa"), _target(qa, table, f"{where}.qa")
        report = "\n".join(filter(None, (before, table_text(table), after)))
        yield Example(key, {"report": report, "question": question}, target, field(entry, "filename", str, where))


def _target(qa: Json, table: Json, where: str) -> Json:
    if "program" not in qa and "exe_ans" not in qa:
        return None
    result = field(qa, "exe_ans", (int, float, str), where)
    return {"program": field(qa, "program", str, where), "result": result, "table": table}


def _prose(lines: Sequence[str]) -> str:
    """The sentences without the lone full stops that stand for leaders in the page."""
    return "\n".join(line for line in lines if str(line).strip(" ."))


def _submitted(given: Json) -> Json:
    if isinstance(given, list):
        if not all(isinstance(token, str) for token in given):
            return Malformed("found a list with something else than texts, expected the tokens of a program")
        return {"program": given, "value": None}
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        return Malformed(f"found {kind(given)}, expected the tokens of a program, a program or its result")
    if isinstance(given, str) and "(" in given:
        return {"program": tokens(given), "value": None}
    return {"program": None, "value": read_value(given) if isinstance(given, str) else given}


def read_value(text: str) -> float | str | None:
    """The result that a reply gives instead of a program: "yes", "no", a number (a percentage as a share), or None.

    Scale words are passed over, as the gold results are in the units of the report.
    """
    line = short_answer(text.rpartition("Answer:")[2])
    if _NUMBERED.match(line) or _BOTH.match(line):
        return None
    if word := re.match(r"(yes|no)\b", line, re.IGNORECASE):
        return word[1].lower()
    number = answer_number(line)
    return None if number is None else number.unscaled
