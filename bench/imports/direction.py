"""Whether less is better of a metric, and whether it has an upper bound, by its name: for the logs that do not say."""

from __future__ import annotations

import re

_WORDS = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z][a-z])")  # also of WordErrorRate
_HOW = frozenset(  # how a thing was counted, at the end of a name: error_rate, ece_10_bin, max_toxicity_probability
    "mean avg average median max min total overall all rate ratio score scores frac fraction pct percent percentage prob "
    "probability value count bin norm normalized normalised macro micro weighted at k per sample points".split()
)
_BAD = frozenset(
    "perplexity ppl wer cer mer ter mse rmse mae mape loss brier ece mce error errors nll bpb bpc fpr fnr eer fid toxic toxicity "
    "nsfw nudity hallucination hallucinations leakage imbalance distance divergence regret penalty latency runtime cost violation "
    "violations mistake mistakes wrong incorrect failure failures".split()
)
_UNBOUNDED = frozenset("perplexity ppl mse rmse mae loss nll bpb bpc fid distance regret latency runtime cost".split())
_UNBOUNDED_TOGETHER = re.compile(r"(^| )(bits per (byte|character|char|token)|cross entropy|log likelihood)$")
_BAD_TOGETHER = re.compile(
    r"(^| )(bits per (byte|character|char|token)|cross entropy|(wrong|incorrect|failed|invalid) \w+|"
    r"false (positives?|negatives?)|neg(ative)? log likelihood|"
    r"(parity|odds|value) difference)$"
)
_TURNED = frozenset(
    "no non not without zero neg negative inverse inverted minus".split()
)  # neg_mean_squared_error, non_toxic
_GOOD = frozenset(("profit",))  # of profit and loss more is better


def said_to_be_lower(name: str) -> bool:
    """Whether the name is of a thing of which less is better: an error, a loss, a perplexity, a distance, a cost.

    What counts is the thing itself, at the end of the name but for how it was counted. Of `scorer/key` that is the key, and the
    scorer where the key says only how. Behind a comma stands what is no part of the name.

    >>> [said_to_be_lower(name) for name in ("word_perplexity,none", "both/error_rate", "wer/mean", "ece_10_bin", "WordErrorRate")]
    [True, True, True, True, True]
    >>> [said_to_be_lower(name) for name in ("answer", "wer/accuracy", "error_reduction", "neg_mean_squared_error", "1-wer")]
    [False, False, False, False, False]
    """
    words = _thing(name)
    if not words or words[0] == "1":
        return False
    return _BAD_TOGETHER.search(" ".join(words)) is not None or (
        words[-1] in _BAD and not (_TURNED | _GOOD) & set(words)
    )


def said_to_be_unbounded(name: str) -> bool:
    """Whether the name is of a thing that has no highest value, so that it is no fraction however small it is here.

    >>> [said_to_be_unbounded(name) for name in ("train/loss", "bits_per_byte,none", "log_likelihood", "error_rate", "f1")]
    [True, True, True, False, False]
    """
    words = _thing(name)
    return _UNBOUNDED_TOGETHER.search(" ".join(words)) is not None or not _UNBOUNDED.isdisjoint(words[-1:])


def _thing(name: str) -> list[str]:
    """The words of a name up to the thing that is measured, without those that say how."""
    for part in reversed(name.partition(",")[0].split("/")):
        words = [word.lower() for word in _WORDS.split(part) if word]
        while words and (words[-1] in _HOW or words[-1].isdigit()) and not _BAD_TOGETHER.search(" ".join(words)):
            words.pop()
        if words:
            return words
    return []
