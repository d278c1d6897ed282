"""What of an interrupted run stands: also of one whose requests show the model's own replies, which an answer must be of."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable

from bench.engine.asking import Asking
from bench.engine.history import Replies, standing
from bench.runs.attempt import Attempt
from bench.runs.journal import Kept


def recovered(attempt: Attempt, asked: Asking, say: Callable[[str], None]) -> tuple[Kept, Replies]:
    """What earlier attempts left, and the replies among it that later requests show.

    An answer to a request that showed another reply than the journal has now is left out and asked again, and so on behind it.
    """
    other: dict[str, str] = {}  # of answers that do not stand
    expected = ChainMap(other, asked.asked.by_id)  # type: ignore[arg-type]  # which is only read
    kept = attempt.recovered(asked.place, say, expected)
    if not asked.asked.histories:
        return kept, Replies()
    while True:
        found = {one.id: one for one in attempt.folder.predictions()}
        stands = standing(asked.examples, asked.request, asked.asked, found)
        if len(stands) == len(found):
            return kept, Replies(found.values())
        other |= {key: "heard another reply" for key in found if key not in stands}
        kept = attempt.recovered(asked.place, say, expected)
