"""What of an interrupted run stands: also of one whose requests show the model's own replies, which an answer must be of."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable

from bench.engine.asking import Asking
from bench.engine.history import Replies, standing
from bench.runs.attempt import Attempt
from bench.runs.journal import Kept
from bench.runs.shards import Elsewhere


def recovered(
    attempt: Attempt, asked: Asking, say: Callable[[str], None], elsewhere: Elsewhere | None = None
) -> tuple[Kept, Replies]:
    """What earlier attempts left, and the replies that later requests show, of this and of other parts (`elsewhere`).

    An answer to a request that showed another reply than the journal has now is left out and asked again, and so on behind it.
    """
    other: dict[str, str] = {}  # of answers that do not stand
    expected = ChainMap(other, asked.asked.by_id)  # type: ignore[arg-type]  # which is only read
    n = None if elsewhere is None else sum(one.id not in elsewhere for one in asked.examples)
    kept = attempt.recovered(asked.place, say, expected, n)
    if not asked.asked.histories:
        return kept, Replies()
    others = {one.id: one for one in elsewhere.answers()} if elsewhere else {}
    while True:
        own = {one.id: one for one in attempt.folder.predictions()}
        stands = standing(asked.examples, asked.request, asked.asked, others | own)
        fallen = [key for key in own if key not in stands]
        if not fallen:
            return kept, Replies(stands.values())
        other |= dict.fromkeys(fallen, "heard another reply")
        kept = attempt.recovered(asked.place, say, expected, n)
