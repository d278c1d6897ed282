"""A line of progress, fitted to a width: with a bar on a terminal, without one in a log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.text.cells import cut, width_of
from bench.text.secrets import clean
from bench.text.shown import terminal

if TYPE_CHECKING:
    from rich.console import Console

_LONGEST_LABEL = 100  # characters
_BAR = (6, 40)  # cells of the shortest bar that says anything, and of the longest that looks well
_SHORTEST_LABEL = 10  # cells
_GO = ("rate", "elapsed", "left")  # what of the facts goes where there is no room for all, first first; others stay


@dataclass(frozen=True)
class Line:
    """What is said of one thing that goes on: `fraction` of it is done, None where nobody can say or nothing shows it.

    `facts` stand behind the label in their order, by name.
    """

    label: str
    facts: Mapping[str, str] = field(default_factory=dict)
    fraction: float | None = None

    def plain(self) -> str:
        """The whole line, for a log."""
        return f"{self.label}: {', '.join(filter(None, self.facts.values()))}"


def drawn(lines: Sequence[Line], width: int, console: Console) -> str:
    """The lines in at most `width` cells each, with the codes of this console's colours; what matters least is left out.

    First go rate and elapsed time, then the bar, then the label is cut, then goes the time left.
    """
    fitted = [_fitted(line, width) for line in lines]
    widest = max((width_of(label) for label, _ in fitted), default=0)  # so that the bars stand below each other
    return "\n".join(
        _drawn(line, label, text, widest, width, console) for line, (label, text) in zip(lines, fitted, strict=True)
    )


def _fitted(line: Line, width: int) -> tuple[str, str]:
    """The label and the facts for which there is room."""
    label, facts = (
        terminal(clean(line.label), _LONGEST_LABEL),
        {name: text for name, text in line.facts.items() if text},
    )
    label = cut(label, max(_SHORTEST_LABEL, width // 3))
    shortest = 0 if line.fraction is None else _BAR[0] + 1
    for name in _GO[:2]:
        if _needed(label, facts) + shortest > width:
            facts.pop(name, None)
    if _needed(label, facts) > width:
        label = cut(label, max(width - width_of(_joined(facts)) - 1, 0))
    if _needed(label, facts) > width:
        facts.pop("left", None)
    return label, _joined(facts)


def _drawn(line: Line, label: str, text: str, widest: int, width: int, console: Console) -> str:
    padded = label + " " * (widest - width_of(label))
    for start in (padded, label):
        room = width - width_of(start) - width_of(text) - 2
        if line.fraction is not None and room >= _BAR[0]:
            return f"{start} {_bar(line.fraction, min(room, _BAR[1]), console)} {text}"
    return cut(" ".join(filter(None, (label, text))), width)


def _joined(facts: Mapping[str, str]) -> str:
    return terminal(", ".join(facts.values()))


def _needed(label: str, facts: Mapping[str, str]) -> int:
    return width_of(label) + 1 + width_of(_joined(facts))


def _bar(fraction: float, width: int, console: Console) -> str:
    """A bar of exactly `width` cells."""
    from rich.progress_bar import ProgressBar
    from rich.text import Text

    with console.capture() as shown:
        console.print(ProgressBar(1.0, min(max(fraction, 0.0), 1.0), width=width), end="")
    text = shown.get().rstrip("\n")
    return text + " " * (width - Text.from_ansi(text).cell_len)  # without colours what is missing is not drawn
