"""Scenario readings on boards: which of them may rank, by which number, and their cells as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.record import Run
from bench.timing.settings import SCENARIOS
from bench.types import Json

Reading = Mapping[str, Json]
VALID = "VALID"
_BRIEF = 60  # characters of a reason on a board of quality, whose rows are about something else
COLUMNS = {  # the columns that a board may have of readings: the scenario, and where in the reading the number stands
    "offline_examples_per_second": ("offline", "examples_per_second"),
    "offline_tokens_per_second": ("offline", "tokens_per_second"),
    "single_stream_p50": ("single_stream", "latency", "p50"),
    "single_stream_p90": ("single_stream", "latency", "p90"),
    "single_stream_p99": ("single_stream", "latency", "p99"),
    "single_stream_ttft": ("single_stream", "ttft", "p50"),
    "single_stream_tpot": ("single_stream", "tpot", "p50"),
    "server_qps": ("server", "qps"),
}
LEGEND = (
    "Timed: what a reading of a timing scenario is worth; one that is INVALID, or that an audit caught, ranks nowhere. Single p90: "
    "ms within which 9 of 10 answers came when one was asked for after the other (`bench board TASK --speed` shows more)."
)


def of(run: Run, scenario: str) -> Reading:
    """The run's reading of a scenario, {} where it has none."""
    return part(run.scenarios, scenario)


def part(found: Reading, name: str) -> Reading:
    """An object in a reading, {} where there is none."""
    one = found.get(name)
    return one if isinstance(one, Mapping) else {}


def there(run: Run) -> list[str]:
    """The scenarios of which the run has a reading, in the order of `SCENARIOS`."""
    return [name for name in SCENARIOS if of(run, name)]


def telling(runs: Sequence[Run]) -> list[str]:
    """The columns by which a board of quality says of readings what it must, where one of these runs has one."""
    names = {name for run in runs for name in there(run)}
    return (["single_stream_p90"] if "single_stream" in names else []) + (["timed"] if names else [])


def number(found: Reading, *path: str) -> float | None:
    """A number of a reading by its place, None where there is none."""
    inner: Json = found
    for step in path:
        inner = inner.get(step) if isinstance(inner, Mapping) else None
    return float(inner) if isinstance(inner, int | float) and not isinstance(inner, bool) else None


def value(found: Reading) -> float | None:
    """The number by which a scenario ranks: examples a second, seconds at its percentile, or the highest rate within a bound."""
    return number(found, *ranks_by(found))


def ranks_by(found: Reading) -> tuple[str, ...]:
    """Where in a reading the number stands that ranks."""
    if found.get("scenario") == "offline":
        return ("examples_per_second",)
    return ("qps",) if found.get("bound") else ("latency", f"p{found.get('percentile')}")


def higher_is_better(found: Reading) -> bool:
    """Whether more of that number is better."""
    return ranks_by(found)[0] != "latency"


def barred(found: Reading) -> str:
    """Why a reading does not rank, in a few words; "" for one that does."""
    if found.get("verdict") != VALID:
        reasons = [str(one) for one in found.get("reasons") or ()]
        more = f" and {len(reasons) - 1} more" if len(reasons) > 1 else ""
        return f"INVALID: {reasons[0]}{more}" if reasons else "INVALID"
    if failed := failed_audits(found):
        return f"audit failed: {'; '.join(failed)}"
    if below := found.get("lowered"):
        return str(below)
    return "" if value(found) is not None else "INVALID: it has no number to rank by"


def failed_audits(found: Reading) -> list[str]:
    """What the audits of a reading found to be wrong."""
    said = []
    answers, cache = _audit(found, "same_answers"), _audit(found, "cache")
    if answers and answers.get("passed") is not True:
        said.append(f"{answers.get('differ')} of {answers.get('n')} answers differ when timed")
    if cache and cache.get("passed") is not True:
        said.append("it keeps answers: what was asked before is answered sooner")
    return said


def audits(found: Reading) -> str:
    """What the audits of a reading found, "–" where none was made."""
    failed, made = failed_audits(found), [name for name in _AUDITS if _audit(found, name)]
    passed = [_AUDITS[name] for name in made if _audit(found, name).get("passed") is True]
    return "; ".join([*failed, *passed]) or "–"


_AUDITS = {"same_answers": "same answers", "cache": "no cache"}


def _audit(found: Reading, name: str) -> Reading:
    return part(part(found, "audit"), name)


def verdict(found: Reading) -> str:
    """The verdict of a reading with the reason why it does not rank."""
    return barred(found) or VALID


def cell(run: Run, column: str) -> str:
    """One of `COLUMNS`, or "timed": the verdicts of all readings."""
    if column == "timed":
        return ", ".join(f"{name} {_brief(verdict(of(run, name)))}" for name in there(run)) or "–"
    scenario, *path = COLUMNS[column]
    unit = 1000 if path[0] in ("latency", "ttft", "tpot") else 1
    return figure(number(of(run, scenario), *path), unit)


def _brief(text: str) -> str:
    return text if len(text) <= _BRIEF else f"{text[: _BRIEF - 1].rstrip()}…"


def figure(found: float | None, unit: float = 1) -> str:
    """Three digits, without an exponent."""
    if found is None:
        return "–"
    scaled = found * unit
    return f"{scaled:,.0f}" if scaled >= 100 else f"{scaled:.1f}" if scaled >= 10 else f"{scaled:.2f}"


def interval(found: Reading, key: str = "intervals") -> tuple[float | None, float | None]:
    """The bounds of the number that ranks, as `bench.leaderboard.evidence` has them from the raw file; None where unknown."""
    pair = part(found, key).get(ranks_by(found)[-1])
    if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(one, int | float | None) for one in pair):
        return None, None  # of an entry, which has none of its own
    return pair[0], pair[1]
