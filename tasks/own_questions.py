"""Questions of one's own by a file of conf/task alone: short answers, with or without a passage, and one of some options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from bench.data.shapes import a_text, an_object
from bench.errors import BenchError
from bench.metrics.classification import ACCURACY
from bench.metrics.lens import of_key
from bench.metrics.metric import AnyMetric
from bench.metrics.reading import EXACT_MATCH_OWN, EXACT_MATCH_OWN_V2, TOKEN_F1_OWN, TOKEN_F1_OWN_V2
from bench.task import Malformed, Unparsed
from bench.text.choices_said import choices_said
from bench.text.normal import normalised
from bench.types import Choose, Example, Generate, Json, Prediction, Request, Span, Text
from tasks.answers import said_shortly
from tasks.own_rows import RowsTask, a_cell, a_length, ranked, some
from tasks.prompts import passage
from tasks.slices import of_short_answer, question_word, words

LETTERS = "ABCDEFGH"


class QuestionTask(RowsTask):
    """Short answers to the column `question` on the passage in `context`; accepted is what `answer` has, in JSON Lines also a list.

    Under `about`: `passages: false` where there is no column `context`; `unanswerable: true` where an empty answer says that the
    passage has none; `instruction` in place of the worked examples; `max_new_tokens`; `ranks`, f1 or exact_match.
    """

    roles = ("question", "context", "answer")
    about_too = (*RowsTask.about_too, "passages", "unanswerable", "instruction", "max_new_tokens", "ranks")
    passages: ClassVar[bool]
    unanswerable: ClassVar[bool]
    instruction: ClassVar[str]
    longest: ClassVar[int]

    @classmethod
    def defined(cls, about: Mapping[str, Json]) -> Mapping[str, Json]:
        """Output and metrics, by whether there are passages, and questions without an answer."""
        for key in ("passages", "unanswerable"):
            if not isinstance(about.get(key, False), bool):
                raise BenchError(f"task.about.{key}: found {str(about[key])[:40]!r}, expected true or false")
        passages, unanswerable = about.get("passages", True), about.get("unanswerable", False)
        with_none: tuple[AnyMetric, ...] = (TOKEN_F1_OWN_V2, EXACT_MATCH_OWN_V2)
        metrics: tuple[AnyMetric, ...] = with_none if unanswerable else (TOKEN_F1_OWN, EXACT_MATCH_OWN)
        return {
            **super().defined(about), "passages": passages, "unanswerable": unanswerable, "output": Span if passages else Generate,
            "instruction": str(about.get("instruction") or ""), "longest": a_length(about.get("max_new_tokens"), 24),
            "metrics": ranked(metrics, about.get("ranks")),
        }  # fmt: skip

    def of_row(self, where: str, row: Mapping[str, Json]) -> tuple[Mapping[str, Json], Json, str]:
        """Question and passage, and the accepted answers; questions on one passage are a cluster."""
        inputs = {"question": self.text(row, "question", where)}
        if self.passages:
            inputs["context"] = self.text(row, "context", where)
        name = self.named("answer")
        answers = some(row.get(name), f"{where}: {name!r}")
        target = answers if answers or (self.unanswerable and name in row) else None
        return inputs, target, inputs["context"] if self.passages else inputs["question"]

    def request(self, example: Example) -> Request:
        """The passage before the question, so that questions share it."""
        question, context = example.inputs["question"], example.inputs.get("context")
        if context is None:
            told = Text(self.instruction or "Answer the question as shortly as you can.", "system")
            parts = (told, Text(f"Question: {question}"))
            return Request(example.id, parts, Generate(self.longest, ("\n",)))
        if not self.instruction:
            told_by_example = passage(context, question, may_be_unanswerable=self.unanswerable)
            asked = Span(self.longest, ("\n", '"'), question, context, self.unanswerable)
            return Request(example.id, told_by_example, asked)
        parts = (Text(self.instruction, "system"), Text(f"Passage: {context}\nQuestion: {question}"))
        return Request(example.id, parts, Span(self.longest, ("\n",), question, context, self.unanswerable))

    def answer(self, prediction: Prediction) -> Json:
        """The first line, without a lead or quotes; "" where it may say that there is no answer, and does."""
        return said_shortly(prediction, may_be_none=self.unanswerable)

    def checked(self, example: Example, answer: Json) -> str:
        """A text."""
        return a_text(answer)

    def ideal(self, example: Example) -> Prediction:
        """The first accepted answer, or that there is none."""
        return Prediction(example.id, text=example.target[0] if example.target else "unanswerable")

    def slices(self, example: Example) -> Mapping[str, str]:
        """The question's word, the length of the answer, and whether there is one, where there may be none."""
        found = of_short_answer(example)
        if self.unanswerable and example.target is not None:
            found["answerable"] = "yes" if example.target else "no"
        return found


class ChoiceTask(RowsTask):
    """Questions with options of their own in the columns A, B, C … (in JSON Lines also a list `options`); `answer` is a letter.

    Under `about`: `instruction`. A passage may stand in `context`.
    """

    output = Choose
    roles = ("question", "context", "options", *LETTERS, "answer")
    about_too = (*RowsTask.about_too, "instruction")
    metrics: ClassVar[tuple[AnyMetric, ...]] = (of_key(ACCURACY, "labels"),)
    instruction: ClassVar[str]

    @classmethod
    def defined(cls, about: Mapping[str, Json]) -> Mapping[str, Json]:
        """The instruction."""
        default = "Choose the one right option. Answer with its letter alone."
        return {**super().defined(about), "instruction": str(about.get("instruction") or default)}

    def of_row(self, where: str, row: Mapping[str, Json]) -> tuple[Mapping[str, Json], Json, str]:
        """Question, passage and options, and the letter of the right one."""
        question, context = self.text(row, "question", where), self.may_be(row, "context", where)
        options = self._options(row, where)
        inputs = {"question": question, "options": options} | ({"context": context} if context else {})
        if (right := self.may_be(row, "answer", where)) is None:
            return inputs, None, context or question
        if right.upper() not in options:
            there = ", ".join(f"{letter} ({text[:20]})" for letter, text in options.items())
            raise BenchError(f"{where}: the answer is {right[:40]!r}, expected the letter of an option: {there}")
        return inputs, {"labels": [right.upper()]}, context or question

    def _options(self, row: Mapping[str, Json], where: str) -> dict[str, str]:
        """{letter: text}; raises BenchError for fewer than two, too many, a gap, or two that are the same."""
        given = row.get(self.named("options"))
        cells = given if isinstance(given, list) else [row.get(self.named(letter)) for letter in LETTERS]
        texts = [a_cell(one, f"{where}: option {i + 1}") for i, one in enumerate(cells)]
        while texts and texts[-1] is None:
            texts.pop()
        found = [one for one in texts if one]
        if (
            len(found) != len(texts)
            or not 2 <= len(found) <= len(LETTERS)
            or len(set(map(normalised, found)) - {""}) < len(found)
        ):
            shown = [one or "" for one in texts]
            raise BenchError(
                f"{where}: found the options {str(shown)[:120]}, expected 2 to {len(LETTERS)} texts, each once and none left out "
                f"between; correct the row"
            )
        return dict(zip(LETTERS, found, strict=False))

    def request(self, example: Example) -> Request:
        """The passage if there is one, the question, and its options, a line each."""
        told = example.inputs
        options = "\n".join(f"{letter}. {text}" for letter, text in told["options"].items())
        before = f"Passage: {told['context']}\n" if "context" in told else ""
        parts = (Text(self.instruction, "system"), Text(f"{before}Question: {told['question']}\n{options}"))
        return Request(example.id, parts, Choose(tuple(told["options"])))

    def answer(self, prediction: Prediction) -> Json:
        """The letter with the best score, or that a reply chooses (`bench.text.choices_said`); two letters are a wrong answer."""
        if scores := prediction.label_scores:
            return {"labels": [max(scores, key=lambda name: scores[name])]}
        found = list(choices_said(prediction.text or ""))
        return {"labels": found} if found else Unparsed({"labels": []})

    def checked(self, example: Example, answer: Json) -> Json:
        """{"labels": letters of this question}, or as in a submission a letter, or the text of an option."""
        options = example.inputs["options"]
        if isinstance(answer, str):
            answer = {"labels": [_letter(answer, options) or answer.strip().upper()]}
        found = an_object(answer, ("labels",))["labels"]
        if not isinstance(found, list) or any(not isinstance(one, str) for one in found):
            raise ValueError(f"found {str(found)[:40]!r}, expected letters")
        if wrong := [one for one in found if one not in options]:
            return Malformed(f"found {wrong[0][:20]!r}, which is none of the options {', '.join(options)}")
        return {"labels": found}

    def ideal(self, example: Example) -> Prediction:
        """Certainty of the right letter."""
        right = example.target["labels"]
        return Prediction(example.id, label_scores={x: float(x in right) for x in example.inputs["options"]})

    def slices(self, example: Example) -> Mapping[str, str]:
        """The question's word, its length, and how many options it has."""
        asked = example.inputs["question"]
        n = len(example.inputs["options"])
        return {"question word": question_word(asked), "length": words(asked), "options": f"{n} options"}


def _letter(text: str, options: Mapping[str, str]) -> str:
    """The letter of the option with this text, in any case where no other option is so called; "" for none."""
    said = normalised(text)
    for form in (str, str.casefold):
        same = [letter for letter, one in options.items() if form(normalised(one)) == form(said)]
        if len(same) == 1:
            return same[0]
    return ""
