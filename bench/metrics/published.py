"""The figures that papers on financial classification print, out of what was wanted and what was read by their own rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from bench.metrics.evaluate_module import value
from bench.metrics.label_figures import by_published_name, label_metrics


def begins(text: str, labels: Sequence[str]) -> str:
    """The label that a reply begins with, "" where it begins with none; in any case of letters.

    Source: the zero-shot paper on FOMC and the PhraseBank (Shah et al. 2023), which reads the reply's first word.

    >>> begins("  NEUTRAL\\nThe sentence", ("dovish", "neutral")), begins("It is neutral", ("dovish", "neutral"))
    ('neutral', '')
    """
    said = text.strip().lower()
    return next((label for label in labels if said.startswith(label.lower())), "")


def mentions(text: str, labels: Sequence[str]) -> str:
    """The label that a reply mentions first as a whole word, be it to deny it; "" for none. So CALM's outputs are read.

    >>> mentions("I cannot say 'good' or 'bad'", ("bad", "good")), mentions("goodness", ("bad", "good"))
    ('good', '')
    """
    by_word = {label.lower(): label for label in labels}
    found = re.search(rf"(?<!\w)(?:{'|'.join(map(re.escape, by_word))})(?!\w)", text.lower())
    return by_word[found[0]] if found else ""


def exactly(text: str, labels: Sequence[str]) -> str:
    """The label that a reply is, without blanks around it; "" for any other."""
    return text.strip() if text.strip() in labels else ""


READINGS: Mapping[str, Callable[[str, Sequence[str]], str]] = MappingProxyType(
    {"begins": begins, "mentions": mentions, "exactly": exactly}
)


def label_figures(targets: Sequence[str], given: Sequence[str], labels: Sequence[str]) -> dict[str, float]:
    """Accuracy, precision, F1 in its averages, MCC and how many answers are none of the labels, "" standing for one.

    `f1_weighted_by_prediction` is a weighted F1 with its arguments swapped, as CALM prints it; `f1_macro_all_labels` counts "none
    of the labels" as a class where there is one. 0/0 is 0 throughout.
    """
    answers = [{"label": label} for label in given]
    figures = {metric.name: value(metric, targets, answers) for metric in label_metrics(labels)}
    return {"n": len(targets), **by_published_name(figures, len(targets))}
