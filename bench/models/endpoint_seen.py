"""What an endpoint's client sees while somebody measures, and what of it a reader of the times must know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.models.endpoint_pieces import Pieces

USAGE, STREAMED, WHOLE = range(
    3
)  # how a server can be asked: with its count at the end, without, or not to stream at all


@dataclass
class Seen:
    """Counts of answers: see `lines`."""

    answers: int = 0
    waited: int = 0  # for one of the places that `concurrency` gives
    paced: int = 0  # for their turn by requests_per_minute, or because the server asked for a pause
    tried_again: int = 0
    unstreamed: int = 0
    uncounted: int = 0
    at_once: int = 0
    went_on: int = 0
    thought: int = 0
    miscounted: int = 0
    pieces: int = 0  # of those that were miscounted
    counted: int = 0

    def answered(self, counted: Mapping[str, int], pieces: Pieces, arrivals: int) -> None:
        """A streamed reply with the tokens that its server counted."""
        n = counted["new_tokens"]
        self.answers += 1
        self.uncounted += not n and bool(pieces.chunks)
        self.at_once += arrivals == 1 and max(n, pieces.told) > 1
        thought = counted["thinking_tokens"]
        self.thought += thought > 0 and not pieces.thought and pieces.told <= n - thought
        if 0 < n < pieces.chunks:
            self.miscounted, self.pieces, self.counted = (
                self.miscounted + 1,
                self.pieces + pieces.chunks,
                self.counted + n,
            )

    def lines(self, way: int, concurrency: int, per_minute: float | None) -> list[str]:
        """What a reader must know, a line each."""
        n, why = self.answers + self.unstreamed, ", which the server refuses" if way == WHOLE else ""
        told = {
            "waited": f"model.limits.concurrency={concurrency} held {_n('request', self.waited)} back; their times hold the wait",
            "paced": f"{_n('request', self.paced)} had to wait for model.limits.requests_per_minute={per_minute or 'null'} or for "
            "a pause that the server asked for; their times hold the wait",
            "tried_again": f"{_n('answer', self.tried_again)} needed more than one try; their times hold all tries",
            "unstreamed": f"{self.unstreamed} of {n} answers were not streamed{why}: they have no time to first token",
            "uncounted": f"the server told no number of tokens for {self.uncounted} of {n} answers: each piece that came is "
            "counted as a token",
            "at_once": f"{self.at_once} of {n} answers came all at once: the server, or what stands before it, holds replies "
            "back, and their first token is their last",
            "thought": f"for {self.thought} of {n} answers the server counts thinking that it did not send: their time to first "
            "token holds it, and their time per token is too short",
            "miscounted": f"the server's count is wrong for {self.miscounted} of {n} answers: {self.counted} tokens in "
            f"{self.pieces} pieces that came",
            "went_on": f"{self.went_on} of {n} answers went on behind their end ([DONE]); what came there is not counted",
        }
        return [line for name, line in told.items() if getattr(self, name)]


def _n(what: str, n: int) -> str:
    return f"{n} {what}{'s' * (n != 1)}"
