"""Word error rate as fstalign counts it, 0 or more, lower is better; its parts per reference word, and their number.

Predictions and references: strings of words, of either case; there are no alternatives. A compound with and without its
hyphen is the same.
"""

from bench.metrics.evaluate_module import module
from bench.metrics.speech import SPEECH

_OF_ALL_WORDS = ("wer", "substitutions", "deletions", "insertions", "reference_words")
Wer = module(
    __name__,
    [metric for metric in SPEECH if metric.name in _OF_ALL_WORDS],
    __doc__,
    references="string",
    target=lambda text: text.lower().split(),
)
