"""FiQA: how good a headline or post is for the company that it is about, as a number from -1 to 1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from bench.data.files import all_or_none, beside
from bench.data.shapes import a_number, an_object
from bench.data.submissions import kind, number, pairs
from bench.errors import BenchError
from bench.metrics.concordance import ccc, pearson, reach
from bench.metrics.metric import AnyMetric
from bench.metrics.regression import rmse, sign_f1
from bench.task import Card, DataTask, Malformed, Unparsed
from bench.text.number_said import number_said
from bench.types import Example, Json, Prediction, Regress, Request, Text
from tasks import label_files
from tasks.labels import mixed
from tasks.slices import words
from tasks.text_records import alike, cell, records, text_of

NAME, LOW, HIGH = "sentiment", -1.0, 1.0
_SAID = (NAME, "sentiment_score", "score", "value")


class FiqaSentiment(DataTask):
    """The sentiment score of each company that a text is about; training.json without what is evaluated lies beside.

    The three classes that FinBen makes of it have a test split of their own, 175 of whose 233 texts are in the training file here:
    it is not offered, and the F1 of the signs says what those classes say.
    """

    name, version, output = "fiqa_sentiment", 1, Regress
    metrics: ClassVar[tuple[AnyMetric, ...]] = (
        rmse(NAME, LOW, HIGH), ccc(NAME, LOW, HIGH), pearson(NAME, LOW, HIGH), sign_f1(NAME),
    )  # fmt: skip
    card = Card(
        title="FiQA 2018, task 1: sentiment of posts and headlines",
        source="https://github.com/gtfintechlab/FLaME (its train, valid and test files of the WWW'18 challenge)",
        revision="the files of 770, 111 and 230 texts",
        licence='none stated ("Public" by PIXIU), not to be passed on',
        split="test (ids are those of the file)",
        n_examples=230,
        language="en",
        chance=(0.6, 0.8),
        scenario="market",
        cluster="text",
        citation="Maia et al. 2018, WWW'18 Open Challenge: Financial Opinion Mining and Question Answering",
        obtain="ask the organisers (https://sites.google.com/view/fiqa) or take the files from FLaME, and lay train.json, "
        "valid.json and test.json into finance/fiqa_sentiment/ of the data directory",
    )

    def examples(self) -> Sequence[Example]:
        """One for each company of each text, in a fixed mixed order."""
        return mixed(self.data.read(lambda path: all_or_none(_examples(path, ""), str(path))))

    def training(self) -> Sequence[Example]:
        """Those of train.json and valid.json beside the test file, without texts that are evaluated too."""
        evaluated = {alike(example.inputs["text"]) for example in self.examples()}
        files = [beside(self.data.here(), f"{name}.json") for name in ("train", "valid")]
        found = [one for path in files if path for one in _examples(path, f"{path.stem}-")]
        return [one for one in found if alike(one.inputs["text"]) not in evaluated]

    def request(self, example: Example) -> Request:
        """What is asked, then the company and the text."""
        asked = Text(
            "How good or bad is this for the company that is named, as an investor sees it? From -1 (very bad) over 0 to 1 "
            "(very good).",
            "system",
        )
        text = Text(f"Company: {example.inputs['about']}\n{example.inputs['text']}")
        return Request(example.id, (asked, text), Regress((NAME,), (LOW,), (HIGH,)))

    def answer(self, prediction: Prediction) -> Json:
        """The value, held within the scale; of a text the number that it gives."""
        value = (prediction.values or {}).get(NAME)
        if value is None and prediction.text is not None:
            value = number_said(prediction.text, LOW, HIGH)
            if value is None:
                return Unparsed({NAME: None})
        return {NAME: float(min(max(value if value is not None else 0.0, LOW), HIGH))}

    def checked(self, example: Example, answer: Json) -> Json:
        """{sentiment: a number}, or as in a submission the number; Malformed where a text gave none."""
        found = an_object(answer, (NAME,))[NAME] if isinstance(answer, dict) else answer
        if found is None:
            return Malformed("the reply gives no number from -1 to 1")
        return {NAME: a_number(found, *reach(LOW, HIGH))}

    def ideal(self, example: Example) -> Prediction:
        """The target itself."""
        return Prediction(example.id, values={NAME: example.target[NAME]})

    def slices(self, example: Example) -> Mapping[str, str]:
        """The length of the text, and whether a headline or a post (which names a $STOCK)."""
        text = example.inputs["text"]
        return {"length": words(text, (8, 15)), "kind": "post" if "$" in text else "headline"}

    def submitted(self, path: Path, examples: Sequence[Example]) -> Iterator[tuple[str, Json]]:
        """Rows with `id` and `score` (or sentiment, value), CSV or JSON Lines; rows with a reply (`output`); or {id: score}."""
        for column in (*_SAID, ""):
            rows = label_files.brought(path, column) if not column else label_files.of_column(path, column)
            if rows is None:
                continue
            for row in rows:
                if row.is_reply and row.said is not None:
                    yield row.id, Prediction(row.id, text=row.said)
                else:
                    yield row.id, _number(row.said)
            return
        for key, value in pairs(path):
            yield key, value if isinstance(value, dict) else _number(value)


def _number(found: Json) -> Json:
    if found is None or isinstance(found, list | bool):
        return Malformed(f"found {kind(found)}, expected a number from -1 to 1")
    try:
        plain = found.replace("\N{MINUS SIGN}", "-") if isinstance(found, str) else found
        return {NAME: number(plain, *reach(LOW, HIGH))}
    except ValueError as error:
        return Malformed(str(error))


def _examples(path: Path, before: str) -> Iterator[Example]:
    """The companies of each record {sentence, info: [{target, sentiment_score}]}; a text's second company has -1 behind its id."""
    first: dict[str, str] = {}
    known: set[str] = set()
    for where, record in records(path):
        text, name = text_of(record, "sentence", where), f"{before}{cell(record, 'id', where)}"
        if not isinstance(infos := cell(record, "info", where), list):
            raise BenchError(
                f"{where}: 'info' is {type(infos).__name__}, expected a list; bring the official file again"
            )
        cluster = first.setdefault(alike(text), name)
        for i, info in enumerate(infos):
            if not isinstance(info, dict):
                raise BenchError(f"{where}: 'info'[{i}] is {type(info).__name__}, expected an object")
            key = f"{name}-{i}" if i else name
            if key in known:
                raise BenchError(f"{where}: the id {key!r} comes twice; bring the official file again")
            known.add(key)
            target = _score(info.get("sentiment_score"), where)
            yield Example(key, {"text": text, "about": str(cell(info, "target", where))}, target, cluster)


def _score(found: Json, where: str) -> Json:
    if found is None or found == "":
        return None
    try:
        return {NAME: float(number(found, LOW, HIGH))}
    except ValueError as error:
        raise BenchError(f"{where}: sentiment_score: {error}; bring the official file again") from None
