"""How the answers of a run ended: whole or cut, empty, or without anything that the task's parser could read as an answer."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from bench.text.normal import normalised
from bench.text.thinking import behind_thinking
from bench.types import FINISHES, Json, Prediction

_RAW = ("text", "label_scores", "values")


@dataclass
class Endings:
    """What is counted while answers are read; `cut` are the places of those that were cut, in the order of the data.

    `n_untold` are texts of which nobody says how they ended, and `n_brought` final answers that no parser has read: what they
    would add to a count is unknown. `if_cut` has, by metric, the value if each cut answer were wrong, and if each were right;
    nothing for a metric that has no rows. An answer that failed is neither empty nor unparsed.
    """

    finishes: Counter[str] = field(default_factory=Counter)
    cut: list[int] = field(default_factory=list)
    n_empty: int = 0
    n_unparsed: int = 0
    n_untold: int = 0
    n_brought: int = 0
    if_cut: dict[str, tuple[float, float]] = field(default_factory=dict)

    def see(self, place: int, prediction: Prediction, *, parsed: bool) -> None:
        """Count one answer; `parsed` says that the task's parser found one in it, or that there was nothing to parse."""
        self.finishes[prediction.finish] += 1
        if is_cut(prediction):
            self.cut.append(place)
        elif not _tells(prediction):
            self.n_untold += 1
        if prediction.error is None:
            self.n_brought += all(getattr(prediction, name) is None for name in _RAW)
            self.n_empty += is_empty(prediction)
            self.n_unparsed += not parsed

    def record(self, *, generates: bool = True) -> dict[str, Json]:
        """What the record says: None where a count is unknown. What does not generate, as reference rows, is never cut."""
        told = not generates or not (self.n_untold or self.n_brought)
        return {
            "finishes": {name: self.finishes[name] for name in FINISHES},
            "n_cut": len(self.cut) if told else None,
            "n_refused": self.finishes["refused"] if told else None,
            "n_empty": None if self.n_brought else self.n_empty,
            "n_unparsed": None if self.n_brought else self.n_unparsed,
            "if_cut": {name: {"wrong": wrong, "right": right} for name, (wrong, right) in sorted(self.if_cut.items())},
        }


def is_cut(prediction: Prediction) -> bool:
    """Whether an answer was cut: as its model says, or by its thinking, which does not end."""
    if prediction.finish == "none" and prediction.error is None and prediction.text is not None:
        return behind_thinking(prediction.text) is None
    return prediction.finish == "length"


def is_empty(prediction: Prediction) -> bool:
    """Whether the answer is nothing but white space; one that was taken out of a text may be no text at all.

    >>> is_empty(Prediction("a", text=" \\n")), is_empty(Prediction("a", text="", no_answer=0.9)), is_empty(Prediction("a"))
    (True, False, False)
    """
    if prediction.text is None or prediction.span is not None or prediction.no_answer is not None:
        return False
    answer = behind_thinking(prediction.text)
    return answer is not None and not normalised(answer)


def _tells(prediction: Prediction) -> bool:
    """Whether it can be known that the answer is whole: its model says so, or has written no text of its own."""
    taken = prediction.text is None or prediction.span is not None or prediction.no_answer is not None
    return prediction.finish != "none" or taken
