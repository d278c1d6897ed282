"""ConvFinQA: conversations on pages of earnings reports, each turn a number that a small calculation gives."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from bench.data.files import all_or_none, field, parse, read_text
from bench.data.shapes import a_list, a_number, a_text, short
from bench.data.submissions import kind, pairs
from bench.errors import BenchError
from bench.metrics.convfinqa import CONVFINQA
from bench.metrics.finqa_language import execute
from bench.metrics.metric import AnyMetric
from bench.task import Card, DataTask, Malformed, Unparsed
from bench.text.quantities import answer_number
from bench.text.rows import rows as text_rows
from bench.types import Example, Generate, Json, Part, Prediction, Reply, Request, Text
from tasks.answers import short_answer
from tasks.calculations import calculated
from tasks.finqa import read_value
from tasks.programs import read_program
from tasks.reports import entries, new_id
from tasks.slices import question_word

SYSTEM = (
    "Answer each question of a conversation about a report with the calculation that gives the answer, on one line: steps such "
    "as x0 = a - b with numbers from the report, and ans for the answer. Shares are fractions: 12% is 0.12. Write the "
    "calculation alone."
)
_BAKERY = (
    "Report:\nthe bakery sells bread and cakes .\n- | 2015 | 2014\nbread | 1200 | 1000\ncakes | 300 | 400\n"
    "amounts are in thousands .\n"
)
_WORKED = (
    ("what were the sales of bread in 2015?", "ans = 1200"),
    ("and in 2014?", "ans = 1000"),
    ("what was, then, the change?", "ans = 1200 - 1000"),
    ("how much is that as a share of those in 2014?", "x0 = 1200 - 1000; ans = x0 / 1000"),
)
_MOST_TOKENS = 400  # of a program in FinQA's language
_PERCENT = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]\d+)?%")
_LAST = 5  # the turn from which on they are one slice


class ConvFinQA(DataTask):
    """Each turn sees the gold answers of the turns before it (teacher forcing)."""

    name, version, output = "convfinqa", 1, Generate
    metrics: ClassVar[tuple[AnyMetric, ...]] = CONVFINQA
    card = Card(
        title="ConvFinQA (gold history)",
        source="https://github.com/czyssrs/ConvFinQA",
        revision="the processed dev file of Program of Thoughts (2023)",
        licence="MIT",
        split="dev, as the Program of Thoughts repository has it (convfinqa_dev.json)",
        n_examples=1_490,
        language="en",
        chance=(0.0, 0.02),
        scenario="reading",
        cluster="report page",
        citation="Chen et al. 2022, ConvFinQA: Exploring the Chain of Numerical Reasoning in Conversational Finance QA (EMNLP)",
        obtain=(
            "convfinqa_dev.json of https://github.com/wenhuchen/Program-of-Thoughts, with the programs' results as "
            "exe_ans_list beside each dialogue's programs"
        ),
        references={
            "human experts (private test set)": 0.8944,
            "FinQANet, the authors' model (private test set)": 0.6890,
        },
    )

    def examples(self) -> Sequence[Example]:
        """The turns of each dialogue in their order, called by the dialogue's id, "-" and the turn's number from 0."""
        return self.data.read(lambda path: all_or_none(turns(path), str(path)))

    def request(self, example: Example) -> Request:
        """A worked conversation, then the report, the turns before with their answers, and the question."""
        asked = [f"Question: {question}" for question in example.inputs["questions"]]
        asked[0] = f"Report:\n{example.inputs['report']}\n{asked[0]}"
        parts: list[Part] = [Text(SYSTEM, "system")]
        for place, (question, answer) in enumerate(_WORKED):
            parts += [Text(f"{'' if place else _BAKERY}Question: {question}"), Text(answer, "assistant")]
        for place, question in enumerate(asked[:-1]):
            parts += [Text(question), self._reply(example, place)]
        return Request(example.id, (*parts, Text(asked[-1])), Generate(max_new_tokens=96, stop=("\n",)))

    def _reply(self, example: Example, place: int) -> Part:
        """What the assistant said in an earlier turn: the gold calculation."""
        given: list[str] = example.inputs["answers"]
        if place >= len(given):
            raise BenchError(
                f"task '{self.name}': the gold answers that later turns of {example.id!r} see are held out; evaluate convfinqa_own"
            )
        return Text(given[place], "assistant")

    def answer(self, prediction: Prediction) -> Json:
        """What the calculation or program of the reply gives, or the number that it says: see `read`."""
        found = read(prediction.text or "")
        return Unparsed("") if found == "" else found

    def checked(self, example: Example, answer: Json) -> Json:
        """A number, "yes", "no", "12%", or "" for none; also what gives one: a calculation, or a program in FinQA's language."""
        if isinstance(answer, str) and not (answer in ("", "yes", "no") or _PERCENT.fullmatch(answer)):
            answer = read(a_text(answer))
        if isinstance(answer, list):
            program = short(a_list(answer, a_text, _MOST_TOKENS))
            rows = [[cell.strip() for cell in row.split("|")] for row in text_rows(example.inputs["table"])]
            found = execute(program, rows)
            return "" if found is None else found
        if isinstance(answer, str):
            return answer
        if isinstance(answer, bool) or not isinstance(answer, int | float):
            return Malformed(f"found {kind(answer)}, expected a number, a calculation or the tokens of a program")
        return a_number(answer)

    def ideal(self, example: Example) -> Prediction:
        """The gold calculation."""
        return Prediction(example.id, text=example.target["program"])

    def slices(self, example: Example) -> Mapping[str, str]:
        """The turn, the kind of conversation (one question taken apart, or two of a page) and the question's word."""
        turn = len(example.inputs["questions"])
        return {
            "turn": f"turn {turn}" if turn < _LAST else f"turn {_LAST} and later",
            "conversation": "two questions" if example.id.startswith("Double_") else "one question",
            "question word": question_word(example.inputs["questions"][-1]),
        }

    def submitted(self, path: Path, examples: Sequence[Example]) -> Iterator[tuple[str, Json]]:
        """{id of a turn: answer}, {id of a dialogue: [answers]}, a list of {"id", "answer"}, or all answers in order.

        An answer is a number, a text with one, a calculation in assignment lines, or a program in FinQA's language, as a text or
        as its tokens.
        """
        flat = parse(read_text(path), str(path), finite=False) if path.suffix == ".json" and path.is_file() else None
        if isinstance(flat, list) and flat and not any(isinstance(one, dict) for one in flat):
            if len(flat) != len(examples):
                raise BenchError(
                    f"{path}: a list of {len(flat):,} answers for {len(examples):,} turns; give one for each, or {{id: answer}}"
                )
            yield from ((example.id, one) for example, one in zip(examples, flat, strict=True))
            return
        known = {example.inputs["dialogue"] for example in examples}
        for key, given in pairs(path):
            if key in known and isinstance(given, list):
                yield from ((f"{key}-{turn}", one) for turn, one in enumerate(given))
            else:
                yield key, given


class ConvFinQAOwn(ConvFinQA):
    """Each turn sees what the model itself answered in the turns before it: what goes wrong early stays wrong."""

    name = "convfinqa_own"
    card = replace(ConvFinQA.card, title="ConvFinQA (own history)", references={})

    def examples(self) -> Sequence[Example]:
        """The turns, with no gold answers among what is asked."""
        return [
            replace(example, inputs={name: value for name, value in example.inputs.items() if name != "answers"})
            for example in super().examples()
        ]

    def _reply(self, example: Example, place: int) -> Part:
        """What the model said itself."""
        return Reply(of=f"{example.inputs['dialogue']}-{place}")


def turns(path: Path) -> Iterator[Example]:
    """The turns of an official file; a dialogue ends before a turn whose result nobody has.

    Raises BenchError naming the dialogue that is not as it must be.
    """
    seen: set[str] = set()
    for where, entry in entries(path, "dialogues"):
        key, questions = new_id(entry, "id", where, seen), field(entry, "questions", list, where)
        if not questions or not all(isinstance(one, str) for one in questions):
            raise BenchError(f"{where}: 'questions' is no list of texts; bring the file again")
        programs, results = _gold(entry, where, len(questions))
        table = field(entry, "table", str, where)
        report = "\n".join(filter(None, (field(entry, "text", str, where).strip(), table.strip())))
        page = re.sub(r"^(?:Single|Double)_|-\d+$", "", key)
        for turn in range(len(questions)):
            if programs and results[turn] is None:
                break
            inputs = {
                "dialogue": key, "report": report, "table": table, "questions": questions[: turn + 1],
                "answers": programs[:turn],
            }  # fmt: skip
            target = {"dialogue": key, "program": programs[turn], "result": results[turn]} if programs else None
            yield Example(f"{key}-{turn}", inputs, target, page)


def _gold(entry: Json, where: str, n: int) -> tuple[list[str], list[Json]]:
    """The programs of the turns and their results; two empty lists where they are held out."""
    if "programs" not in entry and "exe_ans_list" not in entry:
        return [], []
    programs, results = (field(entry, name, list, where) for name in ("programs", "exe_ans_list"))
    if len(programs) != n or len(results) != n:
        raise BenchError(
            f"{where}: {n} questions, {len(programs)} programs and {len(results)} results; bring the file again"
        )
    for program, result in zip(programs, results, strict=True):
        fits = result in ("yes", "no") if isinstance(result, str) else result is None or type(result) in (int, float)
        if not isinstance(program, str) or not fits:
            raise BenchError(
                f"{where}: found the program {str(program)[:40]!r} with the result {str(result)[:40]!r}, expected a text with a "
                "number, yes, no or null; bring the file again"
            )
    return programs, results


def read(text: str) -> Json:
    """The answer that a text gives: the tokens of a program in FinQA's language, else a number, "yes", "no", "12%" or "".

    A calculation in assignment lines is computed. A percentage that is said stays one, as results are in shares or in per cent.
    """
    if (program := read_program(text)) is not None:
        return program
    holds, value = calculated(text)
    if not holds:
        number = answer_number(short_answer(text.rpartition("Answer:")[2]))
        value = read_value(text)
        if number is not None and number.percent and value == number.unscaled:
            return f"{number.mantissa!r}%"
    return "" if value is None else value
