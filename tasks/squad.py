"""SQuAD 1.1 and 2.0 and XQuAD's English part: questions on Wikipedia paragraphs, each answered by a span or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from bench.data import squad_format
from bench.data.files import beside
from bench.data.shapes import a_number, a_text, an_object
from bench.data.submissions import items, kind
from bench.errors import BenchError
from bench.metrics.metric import AnyMetric
from bench.metrics.reading import EXACT_MATCH, SQUAD_V2, TOKEN_F1
from bench.task import Card, DataTask, Malformed, Task, Unparsed
from bench.types import Example, Json, Prediction, Request, Span
from tasks.answers import said_shortly
from tasks.prompts import passage
from tasks.slices import of_short_answer


class SquadV1(DataTask):
    """Short answers to questions on a paragraph; every question has one."""

    name, version, output = "squad_v1", 1, Span
    metrics: ClassVar[tuple[AnyMetric, ...]] = (TOKEN_F1, EXACT_MATCH)
    card = Card(
        title="SQuAD 1.1",
        source="hub:rajpurkar/squad",
        revision="7b6d24c440a36b6815f21b70d25016731768db1f",
        licence="CC BY-SA 4.0",
        split="validation (dev-v1.1.json)",
        n_examples=10_570,
        language="en",
        chance=(0.02, 0.06),
        scenario="reading",
        cluster="paragraph",
        citation="Rajpurkar et al. 2016, SQuAD: 100,000+ Questions for Machine Comprehension of Text (EMNLP)",
        references={"human": 0.91221, "best published (test)": 0.95719},
    )
    may_be_unanswerable = False

    def examples(self) -> Sequence[Example]:
        """The questions in the order of the file, from the first source at hand; raises BenchError for one without its answer."""
        found = self.data.read(squad_format.examples, lambda rows: list(squad_format.examples_from_rows(rows)))
        for example in found if not self.may_be_unanswerable else ():
            if example.target == []:
                raise BenchError(
                    f"{self.data.here() or self.name}: question {example.id[:80]!r} has no answer, and every question of this task "
                    "has one; correct the file"
                )
        return found

    def training(self) -> Sequence[Example]:
        """The questions of the training file, where it lies beside the evaluated one as train-v1.1.json or train-v2.0.json."""
        train = self._training_file()
        return squad_format.taught(train) if train else ()

    def _training_file(self) -> Path | None:
        here = self.data.here()
        return beside(here, here.name.replace("dev-", "train-")) if here else None

    def to_train(self) -> Task:
        """Itself, or its articles in two parts where the training file is not here."""
        parted = _PARTED.get(self.name)
        return parted(self.data) if parted and self._training_file() is None else self

    def request(self, example: Example) -> Request:
        """Worked examples and the passage first, so that questions share a prefix."""
        context, question = example.inputs["context"], example.inputs["question"]
        output = Span(24, ("\n", '"'), question, context, self.may_be_unanswerable)
        parts = passage(context, question, may_be_unanswerable=self.may_be_unanswerable)
        return Request(example.id, parts, output)

    def answer(self, prediction: Prediction) -> Json:
        """The first line, without a lead or quotes."""
        return said_shortly(prediction)

    def checked(self, example: Example, answer: Json) -> str:
        """A text."""
        return a_text(answer)

    def ideal(self, example: Example) -> Prediction:
        """The first accepted answer, with its place where that is known."""
        place = example.place if isinstance(example, squad_format.Located) else None
        return Prediction(example.id, text=example.target[0], span=place)

    def slices(self, example: Example) -> Mapping[str, str]:
        """The question's word, the length of the answer, and whether there is one, where there may be none."""
        found = of_short_answer(example)
        if self.may_be_unanswerable and example.target is not None:
            found["answerable"] = "yes" if example.target else "no"
        return found

    def submitted(self, path: Path, examples: Sequence[Example]) -> Iterator[tuple[str, Json]]:
        """An object {question id: answer text}."""
        for key, text in items(path):
            yield key, text if isinstance(text, str) else Malformed(f"found {kind(text)}, expected a text")

    def official(self, values: Mapping[str, float], examples: Sequence[Example]) -> Mapping[str, Json]:
        """The keys of evaluate-v1.1.py, in percent."""
        return {name: 100 * values[name] for name in ("exact_match", "f1")}


class XquadEn(SquadV1):
    """240 paragraphs of SQuAD 1.1's development set, whose translations make XQuAD."""

    name, version = "xquad_en", 1
    card = Card(
        title="XQuAD, English",
        source="hub:google/xquad",
        revision="pinned in bench.lock at the first fetch",
        licence="CC BY-SA 4.0",
        split="xquad.en (xquad.en.json)",
        n_examples=1_190,
        language="en",
        chance=(0.02, 0.06),
        scenario="reading",
        cluster="paragraph",
        citation="Artetxe, Ruder and Yogatama 2020, On the Cross-lingual Transferability of Monolingual Representations (ACL)",
    )


class SquadV2(SquadV1):
    """As SQuAD 1.1, with as many questions that the paragraph does not answer."""

    name, version = "squad_v2", 1
    metrics = SQUAD_V2
    card = Card(
        title="SQuAD 2.0",
        source="hub:rajpurkar/squad_v2",
        revision="pinned in bench.lock at the first fetch",
        licence="CC BY-SA 4.0",
        split="validation (dev-v2.0.json)",
        n_examples=11_873,
        language="en",
        chance=(0.01, 0.06),
        scenario="reading",
        cluster="paragraph",
        citation="Rajpurkar, Jia and Liang 2018, Know What You Don't Know: Unanswerable Questions for SQuAD (ACL)",
        references={"human": 0.89452, "best published (test)": 0.93214},
    )
    may_be_unanswerable = True
    missing_left_out = takes_no_answer = True

    def answer(self, prediction: Prediction) -> Json:
        """The first line, or "" where it says that there is no answer, with the probability of none (0 if not given)."""
        found = said_shortly(prediction, may_be_none=True)
        answer = {"text": "" if isinstance(found, Unparsed) else found, "no_answer": prediction.no_answer}
        return Unparsed(answer) if isinstance(found, Unparsed) else answer

    def checked(self, example: Example, answer: Json) -> Json:
        """A text, or {"text", "no_answer"}, whose number the official script takes of any size, with its place in its file."""
        found = {"text": answer, "no_answer": None} if isinstance(answer, str) else an_object(answer, *_ANSWER)
        a_text(found["text"])
        for key in ("no_answer", "rank"):
            if found.get(key) is not None:
                a_number(found[key])
        return found

    def ideal(self, example: Example) -> Prediction:
        """The first accepted answer, or the word that the prompt asks for."""
        return super().ideal(example) if example.target else Prediction(example.id, text="unanswerable")

    def submitted(self, path: Path, examples: Sequence[Example]) -> Iterator[tuple[str, Json]]:
        """An object {question id: answer text}, "" where there is none."""
        for key, text in super().submitted(path, examples):
            yield key, text if isinstance(text, Malformed) else {"text": text, "no_answer": None}

    def official(self, values: Mapping[str, float], examples: Sequence[Example]) -> Mapping[str, Json]:
        """The keys of evaluate-v2.0.py, scores in percent."""
        has_answer = sum(bool(example.target) for example in examples)
        totals = {"total": len(examples), "HasAns_total": has_answer, "NoAns_total": len(examples) - has_answer}
        found = {name: value if name.endswith("thresh") else 100 * value for name, value in values.items()}
        found["exact"] = found.pop("exact_match")
        return {key: found[key] for key in _OFFICIAL_V2 if key in found} | totals


class _Parted(SquadV1):
    """The articles of a development set in two parts that share none: those of the last fifth are evaluated, the others taught.

    For who has no training file; nobody else's numbers are on this part. A file that tells no articles apart is cut between two
    paragraphs, and the article there may be on both sides.
    """

    def examples(self) -> Sequence[Example]:
        """The questions on the last fifth of the articles, in the order of the file."""
        found = super().examples()
        held = _last_fifth(found)
        return [one for one in found if _part_of(one, held)]

    def training(self) -> Sequence[Example]:
        """Those on the others."""
        found = self.data.read(squad_format.taught, lambda rows: list(squad_format.taught_from_rows(rows)))
        held = _last_fifth(found)
        return [one for one in found if not _part_of(one, held)]

    @property
    def training_is(self) -> str:  # type: ignore[override]  # the file says which it is
        """What the file lets be parted."""
        parts = "articles" if _tells_articles(super().examples()) else "paragraphs"
        return f"four fifths of the dev {parts}, the last fifth evaluated (the training file is not here)"

    def problems(self) -> Iterator[str]:
        """The number of examples of the whole file, where it is not the official one."""
        whole = _WHOLE[self.name]
        n = len(super().examples())
        if n != whole.card.n_examples:
            yield f"{n:,} examples in all, where the {whole.card.split} has {whole.card.n_examples:,}"


class SquadV1Parted(_Parted):
    """SQuAD 1.1's development set, four fifths of its articles against the rest."""

    name, version = "squad_v1_parted", 1
    card = replace(
        SquadV1.card, title="SQuAD 1.1, a fifth of the dev articles", split="the last fifth of the articles of dev-v1.1.json",
        n_examples=SquadV1.card.n_examples // 5, references={},
    )  # fmt: skip


class SquadV2Parted(_Parted, SquadV2):
    """SQuAD 2.0's development set, four fifths of its articles against the rest."""

    name, version = "squad_v2_parted", 1
    card = replace(
        SquadV2.card, title="SQuAD 2.0, a fifth of the dev articles", split="the last fifth of the articles of dev-v2.0.json",
        n_examples=SquadV2.card.n_examples // 5, references={},
    )  # fmt: skip


_PARTED: Mapping[str, type[_Parted]] = {"squad_v1": SquadV1Parted, "squad_v2": SquadV2Parted}
_WHOLE: Mapping[str, type[SquadV1]] = {"squad_v1_parted": SquadV1, "squad_v2_parted": SquadV2}
_FIFTH = 5


def _tells_articles(found: Sequence[Example]) -> bool:
    """Whether the titles part the questions into enough articles."""
    return len({one.inputs["title"] for one in found}) >= _FIFTH


def _last_fifth(found: Sequence[Example]) -> frozenset[str]:
    """The titles of the last fifth of the articles; where the file does not tell them apart, its last paragraphs."""
    tells = _tells_articles(found)
    names = list(dict.fromkeys(one.inputs["title"] if tells else one.cluster for one in found))
    return frozenset(names[len(names) - max(1, len(names) // _FIFTH) :])


def _part_of(one: Example, held: frozenset[str]) -> bool:
    return one.inputs["title"] in held or one.cluster in held


_ANSWER = (("text", "no_answer"), ("rank",))
_OFFICIAL_V2 = (
    "exact", "f1", "HasAns_exact", "HasAns_f1", "NoAns_exact", "NoAns_f1",
    "best_exact", "best_exact_thresh", "best_f1", "best_f1_thresh",
)  # fmt: skip
