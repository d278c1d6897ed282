"""How much better answers fit their own references than those of other contexts: what no answer that fits every context can win.

Overlap with references rewards what people say everywhere: in DSTC7 one sentence for all contexts has a higher NIST-4 than the
best system. Against the references of other contexts it has exactly as much, so that nothing is left of it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache

import numpy as np

from bench.metrics.metric import Array, CorpusMetric, Metric, Row

ROUNDS = 4  # other contexts that each answer is held against
COPIED = 2  # words in a row that also stand in what was shown are a quotation
SHOWN = 0.8  # share of an answer's words above which it is made of what was shown, in whatever order
Words = Callable[[str], str]


class References(list[str]):
    """An example's references, with what they belong to: its `key`, its `cluster`, and the text that was `shown`."""

    def __init__(self, texts: Iterable[str] = (), *, key: str = "", cluster: str = "", shown: str = "") -> None:
        super().__init__(texts)
        self.key, self.cluster, self.shown = key, cluster, shown


def contrast(inner: Metric, words: Words = str.lower) -> Metric:
    """A metric over references, less its value where each answer is held against the references of another cluster.

    That value is the mean over `ROUNDS` ways to deal the references out, in each of which every example's are used once: of an
    answer that stands in no relation to its context nothing remains, and of one that is the same everywhere exactly nothing,
    whatever the references are. Runs of `COPIED` words that stand in what was `shown` are left out of an answer before, and nothing
    is left of one that is made of such words, for a piece of the page fits its context and answers nothing; `words` gives a text's
    words with blanks between them. Examples without references count nothing; undefined where there is but one cluster.
    """

    def fit(targets: Sequence[Sequence[str]]) -> Metric:
        others = dealt([target for target in targets if target])
        return of(inner if inner.fit is None else inner.fit(targets), others)

    def of(known: Metric, others: Mapping[str, Sequence[Sequence[str]]] | None) -> Metric:
        def measure(references: Sequence[str], answer: str) -> Row:
            if others is None:
                raise ValueError("a contrast is with the references of all other contexts; call fit(targets) first")
            said = uncopied(answer, getattr(references, "shown", ""), words)
            own = np.array(known.measure(references, said))
            held = others.get(_key(references), ())
            if not held:
                return (0.0,) * (2 * len(own))
            return (*own, *np.mean([known.measure(other, said) for other in held], axis=0))

        def alone(rows: Array) -> str:
            own = rows[:, : rows.shape[1] // 2]
            return "there are no references of other contexts" if inner.undefined(own) else ""

        return Metric(
            f"{inner.name}_contrast",
            measure,
            summarise=lambda totals, n: _difference(known, totals, n),
            worst=lambda references: measure(references, ""),
            best=lambda references: measure(references, max(references, key=len, default="")),
            is_fraction=inner.is_fraction,
            signature=f"{inner.signature}, less {ROUNDS} other contexts, without {COPIED} words copied or {SHOWN:.0%} shown",
            fit=fit,
            absent=inner.absent,
            undefined=alone,
        )

    return of(inner, None)


def _difference(known: Metric, totals: Array, n: Array) -> Array:
    half = totals.shape[-1] // 2
    return known.summarise(totals[..., :half], n) - known.summarise(totals[..., half:], n)


def dealt(targets: Sequence[Sequence[str]]) -> dict[str, list[Sequence[str]]]:
    """For each target, by key, those of other clusters that its answer is held against; over all, each is used equally often.

    The targets, those of a cluster together, are turned by `ROUNDS` even steps, of which only those count that bring nobody to
    its own cluster.
    """
    grouped: dict[str, list[Sequence[str]]] = defaultdict(list)
    for target in targets:
        grouped[getattr(target, "cluster", "") or _key(target)].append(target)
    ordered = [target for group in grouped.values() for target in group]
    n, largest = len(ordered), max(map(len, grouped.values()), default=0)
    steps = {round(n * turn / (ROUNDS + 1)) for turn in range(1, ROUNDS + 1)}
    found: dict[str, list[Sequence[str]]] = defaultdict(list)
    for step in sorted(step for step in steps if largest <= step <= n - largest):
        for place, target in enumerate(ordered):
            found[_key(target)].append(ordered[(place + step) % n])
    return dict(found)


def _key(references: Sequence[str]) -> str:
    return getattr(references, "key", "") or "\n".join(references)


def uncopied(answer: str, shown: str, words: Words = str.lower) -> str:
    """The answer without runs of `COPIED` and more words that stand in what was shown; "" where all but a few words do.

    >>> uncopied("He said sadly the bank closed 23 branches", "In May the bank closed 23 branches in Leeds")
    'he said sadly'
    >>> uncopied("branches 23 closed bank the", "In May the bank closed 23 branches in Leeds")
    ''
    """
    said = words(answer).split()
    known, seen = _runs(words(shown)), _seen(words(shown))
    plain = [word for word in said if any(map(str.isalnum, word))]
    if sum(word in seen for word in plain) > SHOWN * len(plain):
        return ""
    copied = {
        place + i
        for place in range(len(said) - COPIED + 1)
        if tuple(said[place : place + COPIED]) in known
        for i in range(COPIED)
    }
    return " ".join(word for place, word in enumerate(said) if place not in copied) if copied else answer


@lru_cache(maxsize=4_096)
def _runs(text: str) -> frozenset[tuple[str, ...]]:
    words = text.split()
    return frozenset(tuple(words[i : i + COPIED]) for i in range(len(words) - COPIED + 1))


@lru_cache(maxsize=4_096)
def _seen(text: str) -> frozenset[str]:
    return frozenset(text.split())


def same_answer(words: Words = str.lower) -> CorpusMetric:
    """The share of the answers that are the most frequent one; all the same is 1."""

    def most(counts: Array) -> float:
        return float(counts.max() / counts.sum()) if counts.size else 0.0

    return CorpusMetric(
        "same_answer",
        count=lambda answer: Counter([" ".join(words(answer).split())]),
        summarise=most,
        higher_is_better=False,
        signature="words of a text, lower case",
        absent=lambda answers: "" if answers else "no example has an answer",
    )
