"""How the answers of a run ended, as text: counts, what they may do to the score, and the cells of a board."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.record import Run, Score
from bench.types import Json

COLUMNS = {"cut": "n_cut", "empty": "n_empty", "unparsed": "n_unparsed", "refused": "n_refused"}
LEGEND = (
    "Cut: answers that ended at the most tokens that they may have; in brackets what the score would be were they all wrong, and "
    "all right. Empty: nothing but white space. Unparsed: the task's parser found no answer. Refused: by an endpoint's filter. "
    "All are scored as they are, but that an answer which was cut or refused before a word has failed; unknown where nobody said "
    "how answers ended."
)
Shown = Callable[[Score, float | None], str]  # a value of a score's metric as text


def count(run: Run, column: str) -> int | None:
    """One of the counts; None where it is unknown."""
    found = run.answers.get(COLUMNS[column])
    return found if type(found) is int else None


def telling(runs: Sequence[Run]) -> list[str]:
    """The columns in which one of these runs has something to tell."""
    return [column for column in COLUMNS if any(count(run, column) or _at_least(run, column) for run in runs)]


def legend(columns: Sequence[str]) -> str:
    """What the columns of a board that say how answers ended mean; "" where it has none."""
    return "" if set(COLUMNS).isdisjoint(columns) else LEGEND


def cell(run: Run, column: str, score: Score, shown: Shown) -> str:
    """A count as a board shows it, of the cut ones with what `score` would be were they wrong, and right."""
    n = count(run, column)
    least = _at_least(run, column)
    text = f"{n}" if n is not None else f"{least} or more" if least else "unknown"
    between = if_cut(run, score, shown) if column == "cut" else ""
    return f"{text} ({between})" if between else text


def if_cut(run: Run, score: Score, shown: Shown) -> str:
    """The score if all cut answers were wrong and if all were right, "" where none was cut or it has no rows."""
    bounds: Json = run.answers.get("if_cut", {}).get(score.metric)
    return f"{shown(score, bounds['wrong'])} to {shown(score, bounds['right'])}" if bounds else ""


def line(run: Run, shown: Shown) -> str:
    """What a reader of the scores must know of how the answers ended, in one line; "" for nothing."""
    parts = []
    if n := count(run, "cut") or _at_least(run, "cut"):
        more = "" if count(run, "cut") is not None else " or more"
        parts.append(f"{n}{more} of {run.n_examples} cut ({100 * n / run.n_examples:.1f} %){_between(run, shown)}")
    parts += [f"{found} {what}" for column, what in _WORDS.items() if (found := count(run, column))]
    return "; ".join(parts)


def unknown(run: Run) -> str:
    """What cannot be known of how the answers ended, in a line; "" where all is."""
    if not run.answers:
        return "how the answers ended is not in this record: `bench rescore` counts it"
    lacking = [column for column in COLUMNS if count(run, column) is None]
    return f"how many answers are {' or '.join(lacking)} is unknown: nobody said how they ended" if lacking else ""


_WORDS = {
    "empty": "empty",
    "unparsed": "in which the task's parser found no answer",
    "refused": "refused by the endpoint's filter",
}


def _between(run: Run, shown: Shown) -> str:
    """ ": f1 61.2, between 60.1 and 63.0 were they wrong or right" of the score that ranks."""
    score = run.scores[0]
    bounds = run.answers.get("if_cut", {}).get(score.metric)
    if not bounds or score.value is None:
        return ""
    low, high = (shown(score, bounds[how]) for how in ("wrong", "right"))
    return f": {score.metric} {shown(score, score.value)}, between {low} and {high} were they wrong or right"


def _at_least(run: Run, column: str) -> int:
    """How many are known to be cut or refused where the count of all is not."""
    finish = {"cut": "length", "refused": "refused"}.get(column)
    found = run.answers.get("finishes", {}).get(finish, 0) if finish else 0
    return found if type(found) is int else 0
