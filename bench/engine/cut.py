"""Whether answers are cut at their limit, said while a run is going on: later it has cost its hours."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.runs.endings import is_cut
from bench.types import Generate, Prediction, Request

ALARMING = 0.05  # the share of cut answers from which somebody should know
_SURE = 20  # answers, from which their share says something of all
_FACTOR = 4  # by which a limit that is too low is raised


class Watched:
    """Counts the answers of one run as they come, and says in a line, once, that too many are cut and what to raise."""

    def __init__(self, n: int, say: Callable[[str], None]) -> None:
        """`n` is the number of all examples."""
        self.n, self.say = n, say
        self.seen = self.cut = 0
        self.thinks = self.told = False

    def see(self, answers: Sequence[Prediction], requests: Sequence[Request]) -> None:
        """Count a group of answers to some of these requests."""
        self.seen += len(answers)
        self.cut += sum(map(is_cut, answers))
        self.thinks = self.thinks or any(one.thinking or one.thinking_tokens for one in answers)
        sure = self.cut > ALARMING * self.n or (self.seen >= _SURE and self.cut > ALARMING * self.seen)
        if sure and not self.told:
            self.told = True
            outputs = [one.output for one in requests if isinstance(one.output, Generate)]
            limit = max((one.max_new_tokens for one in outputs), default=None)
            self.say(f"{self.cut} of {self.seen} answers so far are cut {remedy(limit, thinks=self.thinks)}")


def remedy(limit: int | None, *, thinks: bool) -> str:
    """Where answers were cut and which setting to raise; `limit` is None where no number of tokens was asked for."""
    thinking = "; a model that thinks first needs model.thinking_tokens on top" if thinks else ""
    if limit is None:
        return f"before they ended: raise what the model may write with max_new_tokens{thinking}"
    return f"at their limit of {limit} tokens: raise it with max_new_tokens={_FACTOR * limit} (now {limit}){thinking}"
