"""CFLUE: questions of Chinese financial examinations, with one option, several options, or right and wrong."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from bench.data.files import all_or_none
from bench.data.shapes import a_list, a_text, an_object
from bench.data.submissions import kind, pairs
from bench.errors import BenchError
from bench.metrics.classification import ACCURACY
from bench.metrics.groups import over_groups
from bench.metrics.lens import of_key
from bench.metrics.metric import AnyMetric, Metric
from bench.task import Card, DataTask, Malformed, Unparsed
from bench.text.choices_said import choices_said
from bench.types import Choose, Example, Json, Prediction, Request, Text
from tasks import label_files
from tasks.labels import SURE, mixed
from tasks.slices import band
from tasks.text_records import alike, cell, records, text_of

LETTERS = "ABCDEFGH"
KINDS = {"单项选择题": "one option", "多项选择题": "several options", "判断题": "right or wrong"}
_ASKED = {
    "one option": "请选出唯一正确的选项，只回答一个字母。",
    "several options": "请选出所有正确的选项，只回答字母，例如 AC。",
    "right or wrong": "请判断下面的说法是否正确，只回答选项的字母。",
}
SUBJECTS = {
    "中级经济师": "economist, intermediate", "初级经济师": "economist, junior", "注册会计师": "certified accountant",
    "初级会计职称": "accountant, junior", "银行初级资格": "banking, junior", "银从中级资格": "banking, intermediate",
    "基金从业资格": "funds", "期货从业资格": "futures", "证券从业资格": "securities", "证券专项考试": "securities, special",
    "金融理财师（AFP）": "financial planner", "黄金从业资格": "gold",
    "保险从业资格": "insurance", "反假货币知识": "counterfeit money",
    "中国精算师": "actuary",
}  # fmt: skip
_TOGETHER = {  # a table of slices has room for twelve
    "securities, special": "securities", "actuary": "insurance, actuary", "insurance": "insurance, actuary",
    "gold": "gold, counterfeit money", "counterfeit money": "gold, counterfeit money",
}  # fmt: skip


def _letter_f1(target: Mapping[str, Any], answer: Mapping[str, Any]) -> tuple[float]:
    """The F1 of the chosen letters of one question, a letter being a character and never what white space parts."""
    right = len(set(target["labels"]) & set(answer["labels"]))
    return (2 * right / (len(target["labels"]) + len(answer["labels"])) if right else 0.0,)


class Cflue(DataTask):
    """All letters of a question or nothing; accuracy, and its mean over the fifteen examinations.

    application.json (125 samples of 25 tasks of generation, extraction and translation) is not part: five samples of each make no
    score. `several` options are asked for as such, and a question of one option has one right letter among those that it lists.
    """

    name, version, output = "cflue", 1, Choose
    metrics: ClassVar[tuple[AnyMetric, ...]] = (
        of_key(ACCURACY, "labels"),
        over_groups("accuracy_over_subjects", ACCURACY, tuple(SUBJECTS.values()), group="subject", key="labels"),
        Metric("letter_f1", measure=_letter_f1, signature="F1 of the letters of a question, mean over questions"),
    )
    card = Card(
        title="CFLUE, knowledge: Chinese financial examinations",
        source="https://github.com/aliyun/cflue (data/dev/knowledge.json)",
        revision="the dev split (2024)",
        licence="CC BY-NC-SA 4.0",
        split="dev (ids are rows from 0)",
        n_examples=3_864,
        language="zh",
        chance=(0.18, 0.26),
        scenario="reading",
        cluster="question",
        citation="Zhu et al. 2024, Benchmarking Large Language Models on CFLUE (Findings of ACL)",
        obtain="take data/dev/knowledge.json of https://github.com/aliyun/cflue into finance/cflue/ of the data directory",
    )

    def examples(self) -> Sequence[Example]:
        """The questions in a fixed mixed order."""
        return mixed(self.data.read(lambda path: all_or_none(_examples(path), str(path))))

    def request(self, example: Example) -> Request:
        """The examination and what to answer, then the question with its options, a line each."""
        told = example.inputs
        system = Text(f"以下是{told['examination']}考试的一道题。{_ASKED[told['kind']]}", "system")
        options = "\n".join(f"{letter}. {text}" for letter, text in told["options"].items())
        letters = tuple(told["options"])
        asked = Choose(letters, several=told["kind"] == "several options")
        return Request(example.id, (system, Text(f"{told['question']}\n{options}")), asked)

    def answer(self, prediction: Prediction) -> Json:
        """The letters that the reply chooses (`bench.text.choices_said`); of scores those from `SURE` on, else the best."""
        if (scores := prediction.label_scores) is None:
            found = list(choices_said(prediction.text or ""))
            return {"labels": found} if found else Unparsed({"labels": []})
        probable = all(0.0 <= score <= 1.0 for score in scores.values())
        best = max(scores, key=lambda name: scores[name], default="")
        return {"labels": [x for x in sorted(scores) if probable and scores[x] >= SURE] or [best], "best": best}

    def checked(self, example: Example, answer: Json) -> Json:
        """{"labels": letters of this question, each once}, or as in a submission a text such as "ABD" or a list of letters.

        Where one option is right, `best` (that of the highest score) stands for all.
        """
        given = an_object(answer, ("labels",), ("best",)) if isinstance(answer, dict) else {"labels": answer}
        one = given.get("best") if example.inputs["kind"] != KINDS["多项选择题"] else None
        found = given["labels"] if one is None else [one]
        letters = (
            list(a_text(found, len(LETTERS) * 2)) if isinstance(found, str) else a_list(found, a_text, len(LETTERS))
        )
        options = example.inputs["options"]
        for letter in letters:
            if letter not in options:
                return Malformed(f"found {letter[:20]!r}, which is none of the options {', '.join(options)}")
        return {"labels": [letter for letter in options if letter in letters]}

    def ideal(self, example: Example) -> Prediction:
        """Certainty of the right letters."""
        right = example.target["labels"]
        return Prediction(example.id, label_scores={x: float(x in right) for x in example.inputs["options"]})

    def slices(self, example: Example) -> Mapping[str, str]:
        """The kind of question, the examination (small ones together) and the length in characters."""
        subject = SUBJECTS[example.inputs["examination"]]
        length = band(len(example.inputs["question"]), (30, 80), "character")
        return {"kind": example.inputs["kind"], "subject": _TOGETHER.get(subject, subject), "length": length}

    def submitted(self, path: Path, examples: Sequence[Example]) -> Iterator[tuple[str, Json]]:
        """A JSON object {id: letters}, or rows of `id` and letters (`answer`, `prediction`) or a whole reply (`output`)."""
        rows = label_files.brought(path, "answer")
        if rows is None:
            yield from ((key, _letters(value)) for key, value in pairs(path))
            return
        for row in rows:
            yield (
                row.id,
                Prediction(row.id, text=row.said) if row.is_reply and row.said is not None else _letters(row.said),
            )


def _letters(found: Json) -> Json:
    """Letters as they are meant ("a, b", "AB", ["A", "B"]); Malformed where a text says none."""
    if not isinstance(found, str):
        return (
            Malformed(f"found {kind(found)}, expected letters such as AC")
            if not isinstance(found, list | dict)
            else found
        )
    said = choices_said(found)
    return {"labels": list(said)} if said else Malformed(f"found {found[:40]!r}, expected letters such as AC")


def _examples(path: Path) -> Iterator[Example]:
    first: dict[str, str] = {}
    for number, (where, record) in enumerate(records(path)):
        question, key = text_of(record, "question", where), str(number)
        examination, of_kind = str(cell(record, "名称", where)).strip(), str(cell(record, "task", where)).strip()
        if examination not in SUBJECTS or of_kind not in KINDS:
            raise BenchError(
                f"{where}: found the examination {examination!r} and the kind {of_kind!r}, of which one is unknown"
            )
        options = _options(cell(record, "choices", where), where)
        right = str(record.get("answer") or "").strip().upper()
        if any(letter not in options for letter in right):
            raise BenchError(
                f"{where}: the answer {right!r} is none of the options {', '.join(options)}; bring the file again"
            )
        inputs = {"question": question, "options": options, "kind": KINDS[of_kind], "examination": examination}
        target = {"labels": sorted(set(right)), "subject": SUBJECTS[examination]} if right else None
        yield Example(key, inputs, target, first.setdefault(alike(f"{question} {options}"), key))


def _options(found: Json, where: str) -> dict[str, str]:
    """The options {letter: text} of a mapping, or of one that is written as Python does."""
    try:
        options = ast.literal_eval(found) if isinstance(found, str) else found
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        options = None
    if not isinstance(options, dict) or len(options) < 2 or any(key not in tuple(LETTERS) for key in options):
        raise BenchError(
            f"{where}: found the choices {str(found)[:60]!r}, expected {{'A': …, 'B': …}}; bring the file again"
        )
    return {str(key): str(text).strip() for key, text in sorted(options.items())}
