"""TAT-QA: questions on a table of an annual report and the text around it, answered with a scale."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from bench.data.files import all_or_none, beside, field, read_json
from bench.data.shapes import a_list, a_number, a_text, an_object, short
from bench.data.submissions import items, kind
from bench.errors import BenchError
from bench.metrics.metric import AnyMetric
from bench.metrics.tatqa import TATQA, is_number, to_number
from bench.task import Card, DataTask, Malformed, Unparsed
from bench.text.quantities import Number, is_misread, sole_number
from bench.types import Example, Generate, Json, Prediction, Request
from tasks.answers import or_nothing, short_answer
from tasks.reports import entries, new_id, page_prompt, table_text
from tasks.slices import question_word, stated

TYPES = ("span", "multi-span", "arithmetic", "count")
SCALES = ("", "thousand", "million", "billion", "percent")
_LONGEST_SCALE = 40  # characters: others' units ("tonnes of CO2e"), no second answer

SYSTEM = (
    "Answer the question from the table and the text. Copy words and numbers as they stand; round what you compute to two "
    "decimals. Write several answers as a JSON list. Then give the scale of the answer: none, thousand, million, billion or "
    "percent."
)
_BAKERY = (
    "Table:\n | 2015 | 2014\nBread | 1,200 | 1,000\nCakes and pies | 300 | 400\n"
    "Text:\nThe table shows the bakery's sales by product (in thousands of dollars).\n"
)
SHOTS = (
    ("What were the sales of bread in 2014?", "Answer: 1,000 | scale: thousand"),
    ("By what percentage did the sales of bread change from 2014 to 2015?", "Answer: 20 | scale: percent"),
    ("Which products did the bakery sell?", 'Answer: ["Bread", "Cakes and pies"] | scale: none'),
)


class TatQA(DataTask):
    """Spans, several spans, counts and arithmetic over one table with its paragraphs; a missing answer counts 0."""

    name, version, output = "tatqa", 1, Generate
    metrics: ClassVar[tuple[AnyMetric, ...]] = TATQA
    card = Card(
        title="TAT-QA",
        source="https://github.com/NExTplusplus/TAT-QA",
        revision="ec12a30c26365ff05face6ffc431aaff9cb67c91",
        licence="CC BY 4.0",
        split="dev (tatqa_dataset_dev.json)",
        n_examples=1_668,
        language="en",
        chance=(0.005, 0.03),
        scenario="reading",
        cluster="table",
        citation="Zhu et al. 2021, TAT-QA: A Question Answering Benchmark on a Hybrid of Tabular and Textual Content (ACL)",
        references={"human experts (test)": 0.908, "TagOp, the authors' model (test)": 0.58},
    )

    def examples(self) -> Sequence[Example]:
        """The questions in the order of the file."""
        return self.data.read(lambda path: all_or_none(examples(path), str(path)))

    def training(self) -> Sequence[Example]:
        """The questions of tatqa_dataset_train.json, where it lies beside the evaluated file."""
        path = beside(self.data.here(), "tatqa_dataset_train.json")
        return list(examples(path)) if path else ()

    def request(self, example: Example) -> Request:
        """Worked examples, then table and text, which questions share, and the question."""
        asked = f"Table:\n{example.inputs['table']}\nText:\n{example.inputs['text']}\nQuestion: {example.inputs['question']}"
        parts = page_prompt(SYSTEM, _BAKERY, SHOTS, asked, "Answer:")
        return Request(example.id, parts, Generate(max_new_tokens=128, stop=("\n",)))

    def answer(self, prediction: Prediction) -> Json:
        """The answers and their scale, see `read_reply`."""
        found = read_reply(prediction.text or "")
        return found if found["answer"] else Unparsed(found)

    def checked(self, example: Example, answer: Json) -> Json:
        """{"answer", "scale"}, or [answer, scale] as in a submission."""
        if isinstance(answer, dict):
            answer = [*map(an_object(answer, ("answer", "scale")).get, ("answer", "scale"))]
        found = _submitted(answer)
        return found if isinstance(found, Malformed) else found | {"answer": short(a_list(found["answer"], _one))}

    def ideal(self, example: Example) -> Prediction:
        """The gold answers as a list, which no rule of reading touches, and the gold scale."""
        answers = json.dumps(example.target["answer"], ensure_ascii=False)
        return Prediction(example.id, text=f"{answers} | scale: {example.target['scale'] or 'none'}")

    def slices(self, example: Example) -> Mapping[str, str]:
        """Where the answer comes from (table, text or both), the question's word, the answer's type and its scale."""
        found = self._sources.get(example.id, {}) | {"question word": question_word(example.inputs["question"])}
        if example.target is not None:
            found |= {"answer type": example.target["type"], "scale": example.target["scale"] or "none"}
        return found

    @cached_property
    def _sources(self) -> Mapping[str, dict[str, str]]:
        """The `answer_from` of each question."""
        tables = self.data.read(read_json)
        questions = (question for entry in tables for question in entry["questions"])
        return {one["uid"]: stated("answer from", one, "answer_from") for one in questions}

    def submitted(self, path: Path, examples: Sequence[Example]) -> Iterator[tuple[str, Json]]:
        """An object {question id: [answer, scale]}, where the answer is a text, a number, a list of them, or nothing."""
        for key, given in items(path):
            yield key, _submitted(given)

    def official(self, values: Mapping[str, float], examples: Sequence[Example]) -> Mapping[str, Json]:
        """The three figures that tatqa_eval.py prints: percent with two decimals."""
        return {name: float(f"{100 * values[name]:.2f}") for name in ("exact_match", "f1", "scale")}


def examples(path: Path) -> Iterator[Example]:
    """The questions of an official file, without `answer` as in the test set too; raises BenchError naming the bad entry."""
    seen: set[str] = set()
    for where, entry in entries(path, "tables"):
        table = field(entry, "table", dict, where)
        paragraphs = field(entry, "paragraphs", list, where)
        shared = {
            "table": table_text(field(table, "table", list, f"{where}.table")),
            "text": "\n".join(field(one, "text", str, f"{where}.paragraphs[{j}]") for j, one in enumerate(paragraphs)),
        }
        for j, question in enumerate(field(entry, "questions", list, where)):
            at = f"{where}.questions[{j}]"
            uid = new_id(question, "uid", at, seen)
            inputs = {**shared, "question": field(question, "question", str, at)}
            yield Example(uid, inputs, _target(question, at), field(table, "uid", str, f"{where}.table"))


def _target(question: Json, where: str) -> Json:
    if "answer" not in question:
        return None
    answer = field(question, "answer", (list, str, int, float), where)
    found, scale = field(question, "answer_type", str, where), field(question, "scale", str, where)
    if found not in TYPES:
        raise BenchError(
            f"{where}: answer_type {found!r} is not one of {', '.join(TYPES)}; bring the official file again"
        )
    if scale not in SCALES:
        raise BenchError(f"{where}: scale {scale!r} is not one of {SCALES}; bring the official file again")
    if found in ("span", "multi-span") and not isinstance(answer, list):
        raise BenchError(f"{where}: the answer {answer!r} is no list of spans; bring the official file again")
    if found == "count" and not re.fullmatch("[0-9]+", str(answer)):
        raise BenchError(f"{where}: the answer {answer!r} is no count; bring the official file again")
    spans = answer if found in ("span", "multi-span") else [str(answer)]
    return {"answer": spans, "scale": scale, "type": found}


def _submitted(given: Json) -> Json:
    """The final answer out of [answer, scale]; as in the official script 0 and "" answer nothing, but "0" does.

    A scale that is none of the five ("year") is wrong as a scale and counts as that script counts it: 1 for numbers.
    """
    if not isinstance(given, list) or len(given) != 2:
        return Malformed(f"found {kind(given)}, expected [answer, scale]")
    answer, scale = given
    if isinstance(answer, dict) and answer:
        answer = str(answer)  # as that script: a text, mostly a wrong one
    if isinstance(answer, dict | bool) or (
        isinstance(answer, list) and any(isinstance(one, dict | list | bool) for one in answer)
    ):
        return Malformed(f"found the answer {kind(answer)}, expected a text, a number, or a list of them")
    if not isinstance(scale, str) and (answer or scale is not None):
        return Malformed(f"found the scale {kind(scale)}, expected one of {SCALES}")
    if scale and len(scale) > _LONGEST_SCALE:
        return Malformed(f"found a scale of {len(scale)} characters, expected one of {SCALES}")
    answers = answer if isinstance(answer, list) else [answer] if answer else []
    return {"answer": answers, "scale": scale or ""}


def _one(found: Json) -> str | int | float | None:
    return None if found is None else a_text(found) if isinstance(found, str) else a_number(found)


_FENCE = re.compile(r"^[^\S\n]*```[\w+-]*[^\S\n]*$", re.MULTILINE)
_LEAD = re.compile(r"^[^\w\n]*(?:the )?(?:final )?answers?(?: is| are)?\s*:", re.IGNORECASE | re.MULTILINE)
_STATED = re.compile(
    r"(?<![\s|;,(])[\s|;,(]*\bscale\s*(?:[:=]|\bis\b)[\s\"']*(?:(?P<scale>none|thousand|million|billion|percent)\w*[\"').]*|$)",
    re.IGNORECASE | re.MULTILINE,
)
_RESTATED = re.compile(r"([^()]{1,60}?) ?\(([^()]{1,60})\)\.?")  # 12.5 percent (12.5%)
_TWICE = re.compile(r"^[^%]{0,40}[A-Za-z][^%]{0,80}%")  # a scale word and a per cent
_BARE = re.compile(r"(?:[-+$€£¥()]|[^\w\s])?[ -]?[\d.,'’ ()-]+%?\)?")
_DECODER = json.JSONDecoder(parse_float=str, parse_int=str)  # digits as they stand
_NAMES = {1e3: "thousand", 1e6: "million", 1e9: "billion"}


def read_reply(text: str) -> dict[str, Json]:
    """{"answer": texts, "scale"} out of "14.8 | scale: million", a list, JSON, or a number with its scale word.

    Without a stated scale that of the number counts ("$1,452.4 million", "14.8 %"); its word is taken off, as it would
    count twice.

    >>> read_reply("Answer: $1,452.4 million")
    {'answer': ['$1,452.4'], 'scale': 'million'}
    """
    text = _FENCE.sub("", text).replace("**", "").strip()
    if (found := _from_json(text)) is not None:
        return found
    leads = list(_LEAD.finditer(text))
    text = (text[leads[-1].end() :] if leads else text).strip()
    answers, rest = _list(text)
    stated = _STATED.search(rest)
    scale = _scale(stated["scale"] or "") if stated else None
    if answers is not None:
        return {"answer": answers, "scale": scale or ""}
    line = next((line.strip() for line in _STATED.sub("", rest).splitlines() if line.strip()), "")
    return _with_scale(or_nothing(short_answer(line)), scale)


def _with_scale(answer: str, scale: str | None) -> dict[str, Json]:
    if restated := _RESTATED.fullmatch(answer):
        one, other = sole_number(restated[1]), sole_number(restated[2])
        if one and other and abs(one.value - other.value) <= 1e-9 * abs(one.value):
            answer = restated[1]
    number = sole_number(answer)
    if number is None:  # the official script would read 1,5,7 as 157, "8 0000" as two numbers, and per cent twice
        twice = _TWICE.search(answer) is not None
        wrong = (is_number(answer) and (twice or is_misread(answer))) or (
            is_misread(answer) and _BARE.fullmatch(answer)
        )
        return {"answer": [answer] if answer and not wrong else [], "scale": scale or ""}
    if number.factor in (None, *_NAMES) and not _near(_digits(answer), number.mantissa):
        answer = _plain(number)
    own = "percent" if number.percent else _NAMES.get(number.factor or 1.0, "")
    if own and scale in (None, own):
        answer, scale = answer if answer.endswith("%") else re.sub(r"[\sA-Za-z.]+$", "", answer), own
    return {"answer": [answer], "scale": scale or ""}


def _digits(answer: str) -> float | None:
    """The number's size as the official script reads it, without its scale word; brackets around a comma are no minus to it."""
    bare = re.sub(r"[\sA-Za-z.]+$", "", answer)
    found = to_number(bare) if is_number(bare) else None
    return found * 100 if found is not None and "%" in bare else found


def _near(found: float | None, wanted: float) -> bool:
    """Whether it is the same but for the places that the official script rounds to."""
    return found is not None and abs(found - wanted) <= 0.0051


def _plain(number: Number) -> str:
    """A number that the official script reads otherwise (8 000, 1’577, a typographic minus, 1e3), as it reads it right."""
    digits = f"{number.mantissa:.12f}".rstrip("0").rstrip(".")
    scale = _NAMES.get(number.factor or 1.0, "")
    return f"{digits}{' %' if number.percent else ''}{' ' + scale if scale else ''}"


def _from_json(text: str) -> dict[str, Json] | None:
    """The answer of a JSON object in the text, None where there is none."""
    start, end = text.find("{"), text.rfind("}")
    try:
        found = _DECODER.decode(text[start : end + 1]) if 0 <= start < end else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or "answer" not in found:
        return None
    answer, scale = found["answer"], found.get("scale")
    stated = _scale(scale) if isinstance(scale, str) else None
    if isinstance(answer, list):
        return {"answer": _texts(answer), "scale": stated or ""}
    return _with_scale("" if answer is None else or_nothing(str(answer).strip()), stated)


def _list(text: str) -> tuple[list[str] | None, str]:
    """The JSON list that the text begins with, None where there is none, and the rest of the text."""
    try:
        found, end = _DECODER.raw_decode(text) if text.startswith("[") else (None, 0)
    except (ValueError, RecursionError):
        return None, text
    return (None if found is None else _texts(found)), text[end:]


def _texts(found: list[Json]) -> list[str]:
    return [str(one) for one in found if one not in (None, "")]


def _scale(word: str) -> str:
    """The scale that a word names; "" for none and for words that name none."""
    return next((scale for scale in SCALES[1:] if word.lower().startswith(scale)), "")
