"""Reference rows: what a score means is seen beside the best, a fixed, a random and a word-matching answer."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import fmean

from bench.errors import BenchError
from bench.models.base import Model
from bench.types import Choose, Fields, Generate, Output, Prediction, Regress, Request, Span, Tag, Text, Transcribe

_WORD = re.compile(r"[\w'%$€£.,-]*\w")
_NAME = re.compile(r"\b[A-Z][\w&.-]*(?: (?:of |and |& )?[A-Z][\w&.-]*)*")
_PAGES = 2  # that must have a value for it to be a common one
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")


class Reference(Model):
    """Takes everything and needs no device."""

    parts = frozenset({"text", "image", "audio", "video"})
    outputs: tuple[type[Output], ...] = (Generate, Choose, Regress, Transcribe)
    is_reference = True
    answers_alone = True
    uses_libraries = False
    uses_device = False
    revision = "1"

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        """One prediction a request, each independent of the others."""
        return [self.one(request) for request in batch]

    def one(self, request: Request) -> Prediction:
        """The prediction for one request."""
        raise NotImplementedError


class Oracle(Reference):
    """Says the target: the best score there is, and a proof that prompt, parser and metric let it through."""

    reads_targets = True

    def reveal(self, ideal: Mapping[str, Prediction]) -> None:
        """Keep the ideal predictions by id."""
        self.ideal = ideal

    def one(self, request: Request) -> Prediction:
        """The ideal prediction."""
        return self.ideal[request.id]


class Constant(Reference):
    """The same answer always: `text`, the first label, or the point `at` (0 low, 1 high) of the scale."""

    def __init__(self, text: str = "I don't know.", at: float = 0.5) -> None:
        self.text, self.at = text, at

    def one(self, request: Request) -> Prediction:
        """The fixed answer in the form that is asked for."""
        match request.output:
            case Choose(labels=labels):
                return Prediction(request.id, label_scores={label: float(label == labels[0]) for label in labels})
            case Regress(names=names, low=low, high=high):
                values = {n: a + self.at * (b - a) for n, a, b in zip(names, low, high, strict=True)}
                return Prediction(request.id, values=values)
            case _:
                return Prediction(request.id, text=self.text)


class Majority(Constant):
    """The commonest label of the references, or the mean of their numbers; of a text the constant one.

    It reads the references, as nobody else may: no answer that is always the same does better. Of a field it gives the commonest
    value if that stands on at least two pages. Else nothing: a value that only one page has was read off that page.
    """

    revision = "2"  # values of fields that a single reference has are no longer said
    reads_targets = True

    def reveal(self, ideal: Mapping[str, Prediction]) -> None:
        """Count the ideal predictions."""
        labels = Counter(
            max(one.label_scores, key=one.label_scores.__getitem__) for one in ideal.values() if one.label_scores
        )
        self.label = max(labels, key=lambda label: (labels[label], label)) if labels else ""
        values = [one.values for one in ideal.values() if one.values]
        self.means = {name: fmean(one[name] for one in values) for name in values[0]} if values else {}
        self.values = _commonest_values(one.text or "" for one in ideal.values())

    def one(self, request: Request) -> Prediction:
        """The same answer to every request."""
        match request.output:
            case Choose(labels=labels) if self.label in labels:
                return Prediction(request.id, label_scores={label: float(label == self.label) for label in labels})
            case Regress() if self.means:
                return Prediction(request.id, values=dict(self.means))
            case Fields(names=names):
                values = {name: self.values.get(name) for name in names}
                return Prediction(request.id, text=json.dumps(values, ensure_ascii=False))
            case _:
                return super().one(request)


def _commonest_values(said: Iterable[str]) -> dict[str, str]:
    """The commonest value of each field, of equal ones the alphabet's first; none that fewer than `_PAGES` objects have."""
    counts: dict[str, Counter[str]] = {}
    for text in said:
        found = json.loads(text) if text.startswith("{") else {}
        for name, value in found.items():
            if isinstance(value, str):
                counts.setdefault(name, Counter())[value] += 1
    usual = {name: min(count, key=lambda value: (-count[value], value)) for name, count in counts.items()}
    return {name: value for name, value in usual.items() if counts[name][value] >= _PAGES}


class Random(Reference):
    """Uniform over what the request allows: labels, the scale, up to five words of a text, words of the prompt (in each field)."""

    revision = "2"  # its draws go by the name that a request is given, no longer by the example's id

    def load(self, device: object, *, seed: int) -> None:
        """Keep the seed: each request has its own stream, so that order and batches do not matter."""
        self.seed = seed

    def one(self, request: Request) -> Prediction:
        """A draw from the answers that the request allows."""
        draw = random.Random(f"{self.seed}/{request.id}")
        match request.output:
            case Choose(labels=labels):
                return Prediction(request.id, label_scores={label: draw.random() for label in labels})
            case Regress(names=names, low=low, high=high):
                values = {n: draw.uniform(a, b) for n, a, b in zip(names, low, high, strict=True)}
                return Prediction(request.id, values=values)
            case Span(context=str(context)) if words := list(_WORD.finditer(context)):
                first = draw.randrange(len(words))
                last = min(first + draw.randrange(5), len(words) - 1)
                return Prediction(request.id, span=(words[first].start(), words[last].end()))
            case Fields(names=names):
                seen = _words_of(request)
                drawn = {name: " ".join(draw.choices(seen, k=draw.randint(1, 3))) for name in names}
                return Prediction(request.id, text=json.dumps(drawn, ensure_ascii=False))
            case _:
                words_seen = _words_of(request)
                return Prediction(request.id, text=" ".join(draw.choices(words_seen, k=draw.randint(1, 16))))


def _words_of(request: Request) -> list[str]:
    return _WORD.findall(" ".join(part.text for part in request.parts if isinstance(part, Text))) or ["?"]


class Failing(Constant):
    """Raises on about one request in `every`, the same ones each time: shows how failures are kept and counted."""

    revision = "2"  # as of `Random`

    def __init__(self, every: int = 5, text: str = "I don't know.", at: float = 0.5) -> None:
        super().__init__(text, at)
        if every < 1:
            raise BenchError(f"model.every={every} must be at least 1")
        self.every = every

    def one(self, request: Request) -> Prediction:
        """The constant answer, or an exception."""
        if random.Random(request.id).randrange(self.every) == 0:
            raise RuntimeError(f"this model fails on about one request in {self.every}")
        return super().one(request)


class Lexical(Reference):
    """Matches words: the sentence that shares most with the question, without its words; mood by a word list.

    Where phrases are to be tagged: those that are written with capitals, all with the first label.
    """

    revision = "2"
    parts = frozenset({"text"})
    outputs = (Generate, Choose, Regress)

    def one(self, request: Request) -> Prediction:
        """An answer from word overlap alone."""
        texts = [part.text for part in request.parts if isinstance(part, Text) and part.role == "user"]
        match request.output:
            case Choose(labels=labels):
                seen = _bag(texts[-1])
                return Prediction(request.id, label_scores={x: float((_bag(x) & seen).total()) for x in labels})
            case Regress(names=names, low=low, high=high):
                values = {n: a + _mood(n, texts[-1]) * (b - a) for n, a, b in zip(names, low, high, strict=True)}
                return Prediction(request.id, values=values)
            case Tag(pieces=pieces, labels=labels):
                return Prediction(request.id, text=json.dumps(list(_tagged(pieces, labels[0]))))
            case Span(question=question, context=str(context)):
                return Prediction(request.id, text=_without(question, _nearest(question, _SENTENCE.split(context))))
            case _:
                earlier = [sentence for text in texts[-3:] for sentence in _SENTENCE.split(text) if sentence.strip()]
                return Prediction(request.id, text=_nearest(texts[-1], earlier) if earlier else "")


def names_in(text: str) -> Iterator[tuple[int, int]]:
    """Where names stand: words with capitals that follow one another, as (start, end)."""
    return ((name.start(), name.start() + len(name[0].rstrip(".&-"))) for name in _NAME.finditer(text))


def _tagged(pieces: Sequence[str], label: str) -> Iterator[tuple[str, str]]:
    """Each piece with its tag: B-LABEL where a name begins, I-LABEL where it goes on."""
    ends = list(names_in("".join(pieces)))
    at = 0
    for piece in pieces:
        begins = any(at <= start < at + len(piece) for start, _ in ends)
        goes_on = any(start < at < end for start, end in ends)
        yield piece, f"B-{label}" if begins else f"I-{label}" if goes_on else "O"
        at += len(piece)


def _bag(text: str) -> Counter[str]:
    return Counter(word.lower() for word in _WORD.findall(text))


def _nearest(question: str, sentences: Sequence[str]) -> str:
    """The sentence that shares most with the question, each word weighed down by how many sentences hold it."""
    asked, bags = set(_bag(question)), [set(_bag(sentence)) for sentence in sentences]
    holding = Counter(word for bag in bags for word in bag)
    gain = [sum(1 / holding[word] for word in bag & asked) / (4 + len(bag)) ** 0.5 for bag in bags]
    return sentences[max(range(len(sentences)), key=gain.__getitem__)]


def _without(question: str, sentence: str) -> str:
    """The longest run of words of the sentence that are not in the question."""
    asked, best, run = set(_bag(question)), (0, 0), None
    for word in _WORD.finditer(sentence):
        if word.group().lower() in asked:
            run = None
            continue
        run = (run[0] if run else word.start(), word.end())
        best = max(best, run, key=lambda r: r[1] - r[0])
    return sentence[slice(*best)] or sentence


_GLAD = frozenset(
    """thank thanks grateful glad happy relieved relief great good wonderful lovely kind helpful pleased proud finally
    perfect excellent brilliant delighted hope fair easy smile joy love best better safe trust""".split()
)
_UPSET = frozenset(
    """angry furious lost lose stolen scam fraud worried afraid scared debt denied refused rejected wrong unfair shame
    ashamed cry crying dead died funeral never nothing nobody worst terrible awful sick disgusting hate late fee fees
    robbed lied liar desperate hopeless alone fear panic hurt sad sorry can't cannot""".split()
)
_STIRRED = frozenset(
    """furious outrageous disgusting panic immediately now urgent shocked shaking screaming unbelievable wow amazing
    please scam stolen never robbed god help desperate terrified thrilled finally""".split()
)


def _mood(name: str, text: str) -> float:
    """A place on a scale from 0 to 1 by counting words; 0.5 for a scale it has no list for."""
    bag = _bag(text)
    glad, upset, stirred = (sum(bag[word] for word in words) for words in (_GLAD, _UPSET, _STIRRED))
    if name == "valence":
        return 0.5 + 0.5 * (glad - upset) / (glad + upset + 1)
    if name == "arousal":
        loud = stirred + text.count("!") + 0.5 * text.count("?")
        return 0.3 + 0.6 * loud / (loud + 1)
    return 0.5
