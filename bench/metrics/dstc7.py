"""DSTC7 track 2's metrics: cleaning, NIST and BLEU of mteval-v14c.pl, entropy, diversity and length."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from functools import cache, lru_cache, partial
from typing import Any, TypeAlias

import numpy as np

from bench.metrics.contrast import contrast, same_answer
from bench.metrics.generation import NO_REFERENCE, distinct_share, shannon_entropy
from bench.metrics.meteor import meteor
from bench.metrics.metric import AnyMetric, Array, CorpusMetric, Metric, Row, lacking

Ngram: TypeAlias = tuple[str, ...]
Prepare: TypeAlias = Callable[[str], str]
_ORDERS = (1, 2, 3, 4)
_LINK = re.compile(r"\[([^\]]*)\] \( *__url__ *\)")
_CONTRACTIONS = ("'s", "'m", "'re", "n't", "'ll", "'ve", "'d", "'em")
_PUNCTUATION = re.compile(r"([{-~\[-` -&(-+:-@/])")
_MARK_AFTER_NONDIGIT, _MARK_BEFORE_NONDIGIT = re.compile(r"([^0-9])([.,])"), re.compile(r"([.,])([^0-9])")
_DASH_AFTER_DIGIT = re.compile(r"([0-9])(-)")
_HALF_AT = 1.5  # NIST's penalty is one half where the references are this many times as long as the answers
_BETA = math.log(2) / math.log(_HALF_AT) ** 2


@cache
def _tweet_tokenizer() -> Any:
    from nltk.tokenize.casual import TweetTokenizer  # type: ignore[import-untyped,unused-ignore]

    return TweetTokenizer(preserve_case=False)


@lru_cache(maxsize=65_536)  # every metric of the task asks for the same strings
def clean(text: str) -> str:
    """Lower-case, name URLs, drop odd characters, tokenise and split contractions, with one space between tokens.

    A word from "http" on becomes `__url__`, and of a Markdown link only its text stays. "can't" gives "can n't"; where two
    of them follow each other, the second gives "ca n't", as in the script.
    Source: clean_str in evaluation/src/tokenizers.py of the track's organisers.

    >>> clean("I can't, see https://example.org :)")
    "i can n't , see __url__ :)"
    """
    words = [word if (at := word.find("http")) < 0 else f"{word[:at]} __url__".strip() for word in text.lower().split()]
    text = _LINK.sub(r"\1", " ".join(words)).replace("__url__", "URL")
    text = re.sub(r"[^A-Za-z0-9():,.!?\"']", " ", text).replace("URL", "__url__")
    text = f" {' '.join(_tweet_tokenizer().tokenize(text))} "
    text = text.replace(" won't ", " will n't ").replace(" can't ", " can n't ")
    for ending in _CONTRACTIONS:
        text = text.replace(f"{ending} ", f" {ending} ")
    return " ".join(text.split())


@lru_cache(maxsize=65_536)
def mteval_tokens(text: str) -> Ngram:
    """The words that mteval-v14c.pl counts (default, not international, tokenisation).

    As the organisers hand it over: "&" and "<" are blanks and an empty line is `__empty__`, five words for mteval.
    """
    text = text.replace("&", " ").replace("<", " ") or "__empty__"
    text = f" {re.sub('[A-Z]', lambda letter: letter[0].lower(), text)} "
    text = _PUNCTUATION.sub(r" \1 ", text)
    text = _MARK_AFTER_NONDIGIT.sub(r"\1 \2 ", text)
    text = _MARK_BEFORE_NONDIGIT.sub(r" \1 \2", text)
    return tuple(_DASH_AFTER_DIGIT.sub(r"\1 \2 ", text).split())


@lru_cache(maxsize=65_536)
def _ngrams(tokens: Ngram) -> Counter[Ngram]:
    """How often each n-gram of orders 1 to 4 occurs."""
    return Counter(tokens[i : i + n] for n in _ORDERS for i in range(len(tokens) - n + 1))


@lru_cache(maxsize=2)  # the four orders of NIST share it
def information(corpus: tuple[Ngram, ...]) -> dict[Ngram, float]:
    """NIST's weight of each n-gram of all references, in bits: log2(count of it without its last word / count of it).

    For a single word the upper count is that of all words; so too after the one word "0", which Perl takes for nothing.
    """
    counts: Counter[Ngram] = Counter()
    for tokens in corpus:
        counts.update(_ngrams(tokens))
    words = sum(map(len, corpus))
    return {
        ngram: math.log2((words if ngram[:-1] in ((), ("0",)) else counts[ngram[:-1]]) / count)
        for ngram, count in counts.items()
    }


@lru_cache(maxsize=16_384)
def _matches(references: tuple[Ngram, ...], answer: Ngram) -> dict[Ngram, int]:
    """The answer's n-grams that references hold, each as often as the reference that holds most of it."""
    held: Counter[Ngram] = Counter()
    for reference in set(references):
        held |= _ngrams(reference)
    return {ngram: min(count, held[ngram]) for ngram, count in _ngrams(answer).items() if ngram in held}


def _by_order(matches: dict[Ngram, int], weight: Callable[[Ngram], float]) -> list[float]:
    found = [0.0] * len(_ORDERS)
    for ngram, count in matches.items():
        found[len(ngram) - 1] += count * weight(ngram)
    return found


def _totals(answer: Ngram) -> list[int]:
    return [max(len(answer) - n + 1, 0) for n in _ORDERS]


def nist_from_sums(totals: Array, n: Array, order: int) -> Array:
    """Cumulative NIST-`order` from sums of (information matched 1..4, n-grams 1..4, mean reference length): [..., 9] -> [...].

    0 or more, without an upper bound. Answers shorter than the references are penalised.
    Source: Doddington 2002 (HLT), as mteval-v14c.pl computes it.
    """
    share = totals[..., 0:4] / np.maximum(totals[..., 4:8], 1.0)
    references = totals[..., 8]
    ratio = totals[..., 4] / np.where(references > 0, references, 1.0)
    shortness = np.log(np.clip(ratio, 1e-300, 1.0))
    penalty = np.where(ratio > 0, np.exp(-_BETA * shortness**2), 0.0)
    return np.asarray(share[..., :order].sum(axis=-1) * penalty)


def bleu_from_sums(totals: Array, n: Array, order: int) -> Array:
    """Cumulative BLEU-`order` in [0, 1] from sums of (matches 1..4, n-grams 1..4, closest reference length): [..., 9] -> [...].

    The k-th order without a match counts 1 / 2^k matches; an order without any n-gram counts as complete.
    Source: Papineni et al. 2002 (ACL), as mteval-v14c.pl computes it (smoothing on, its default).
    """
    matches, ngrams, references = totals[..., 0:4], totals[..., 4:8], totals[..., 8]
    none = (matches == 0) & (ngrams > 0)
    smoothed = np.where(none, 0.5 ** np.cumsum(none, axis=-1), matches)
    precision = np.where(ngrams > 0, smoothed / np.where(ngrams > 0, ngrams, 1.0), 1.0)
    length = ngrams[..., 0]
    brevity = np.exp(np.minimum(0.0, 1 - references / np.where(length > 0, length, 1.0)))
    geometric = np.exp(np.log(precision[..., :order]).mean(axis=-1))
    return np.where(length > 0, geometric * brevity, 0.0)


def _sides(references: Sequence[str], answer: str, prepare: Prepare) -> tuple[tuple[Ngram, ...], Ngram]:
    if isinstance(references, str):
        raise TypeError(f"references must be a list of strings, got the string {references!r}")
    return tuple(mteval_tokens(prepare(text)) for text in references), mteval_tokens(prepare(answer))


def _longest(references: Sequence[str]) -> str:
    return max(references, key=len, default="")


def bleu(order: int, prepare: Prepare) -> Metric:
    """Cumulative BLEU of this order; an example without references counts nothing."""

    def measure(references: Sequence[str], answer: str) -> Row:
        golds, said = _sides(references, answer, prepare)
        if not golds:
            return (0.0,) * 9
        closest = min((abs(len(gold) - len(said)), len(gold)) for gold in golds)[1]  # the shorter of two as close
        return (*_by_order(_matches(golds, said), lambda ngram: 1.0), *_totals(said), closest)

    return Metric(
        f"bleu_{order}",
        measure,
        summarise=partial(bleu_from_sums, order=order),
        worst=lambda references: measure(references, ""),
        best=lambda references: measure(references, _longest(references)),
        signature="mteval-v14c, smoothed",
        undefined=lacking(NO_REFERENCE, 8),
    )


def nist(order: int, prepare: Prepare) -> Metric:
    """Cumulative NIST of this order; an example without references counts nothing.

    Its weights of n-grams come from all the references that `fit` is given.
    """

    def fit(targets: Sequence[Sequence[str]]) -> Metric:
        corpus = tuple(tokens for references in targets for tokens in _sides(references, "", prepare)[0])
        return fitted(lambda: information(corpus))

    def fitted(weights: Callable[[], dict[Ngram, float]]) -> Metric:
        known = cache(weights)

        def measure(references: Sequence[str], answer: str) -> Row:
            golds, said = _sides(references, answer, prepare)
            if not golds:
                return (0.0,) * 9
            mean_length = sum(map(len, golds)) / len(golds)
            return (*_by_order(_matches(golds, said), known().__getitem__), *_totals(said), mean_length)

        return Metric(
            f"nist_{order}",
            measure,
            summarise=partial(nist_from_sums, order=order),
            worst=lambda references: measure(references, ""),
            best=lambda references: measure(references, _longest(references)),
            is_fraction=False,
            signature="mteval-v14c",
            fit=fit,
            undefined=lacking(NO_REFERENCE, 8),
        )

    def unfitted() -> dict[Ngram, float]:
        raise ValueError("NIST's weights come from all references; call fit(targets) first")

    return fitted(unfitted)


def _corpus(name: str, order: int, prepare: Prepare, summarise: Callable[[Array], float], **more: Any) -> CorpusMetric:
    def count(answer: str) -> Counter[Hashable]:
        words = prepare(answer).split()
        return Counter(zip(*(words[start:] for start in range(order)), strict=False))

    return CorpusMetric(f"{name}_{order}", count, summarise, signature="DSTC7 tokens", **more)


def dstc7_metrics(prepare: Prepare = clean) -> tuple[AnyMetric, ...]:
    """What ranks, all that the official script prints, the share of one answer; `prepare` is `clean` for option -c, else `str`.

    BLEU-2 ranks, less that of other pages: of these figures it goes best with what people judged (docs/log.md), and what answers
    have in common everywhere does not raise it.
    """
    return (
        contrast(bleu(2, prepare), prepare),
        *(nist(order, prepare) for order in (4, 1, 2, 3)),
        *(bleu(order, prepare) for order in _ORDERS),
        meteor(prepare),
        *(_corpus("entropy", order, prepare, shannon_entropy, is_fraction=False) for order in _ORDERS),
        *(_corpus("div", order, prepare, distinct_share) for order in (1, 2)),
        Metric(
            "avg_len",
            measure=lambda references, answer: (len(prepare(answer).split()),),
            best=lambda references: (len(prepare(_longest(references)).split()),),
            is_fraction=False,
            signature="DSTC7 tokens",
        ),
        same_answer(prepare),
    )
