"""The figures that papers on financial classification print, out of what was wanted and what was read by their own rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from bench.metrics import binary
from bench.metrics.classification import averaged
from bench.metrics.metric import Metric


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


READINGS: Mapping[str, Callable[[str, Sequence[str]], str]] = MappingProxyType({"begins": begins, "mentions": mentions})


def label_figures(targets: Sequence[str], given: Sequence[str], labels: Sequence[str]) -> dict[str, float]:
    """Accuracy, precision, F1 in its averages, MCC and how many answers are none of the labels, "" standing for one.

    `f1_weighted_by_prediction` is a weighted F1 with its arguments swapped, as CALM prints it; `f1_macro_all_labels` counts what is
    said and is no label as a class, each wording one, and `f1_macro_gold_labels` does not. 0/0 is 0 throughout.
    """
    every = (*labels, *dict.fromkeys(one for one in given if one not in labels))
    of: dict[str, Metric] = {
        "f1_weighted": averaged("f1", every, "weighted"), "f1_macro_all_labels": averaged("f1", every),
        "f1_weighted_by_prediction": binary.by_prediction(every), "mcc": binary.mcc(every),
        "precision_weighted": averaged("precision", every, "weighted"),
    }  # fmt: skip
    rows = [of["mcc"].measure(target, {"label": label}) for target, label in zip(targets, given, strict=True)]
    totals, n = np.array(rows, dtype=float).sum(axis=0), np.array(float(len(rows)))
    right = sum(target == label for target, label in zip(targets, given, strict=True))
    figures = {name: float(metric.summarise(totals, n)) for name, metric in of.items()}
    return {
        "n": len(rows),
        "accuracy": right / len(rows),
        **figures,
        "f1_macro_gold_labels": figures["f1_macro_all_labels"] * len(every) / len(labels),  # another wording has F1 0
        "unparsed": len([one for one in given if one not in labels]),
    }
