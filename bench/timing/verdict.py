"""Whether a reading says what it claims to say: VALID, or INVALID with each reason and what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from bench.timing.percentiles import ENOUGH, fewest_below, percentile
from bench.timing.raw import Answer, Probe, Raw
from bench.timing.settings import Bound
from bench.types import Json

MOST_FAILED = 0.01  # of the answers, before their times say nothing of the others
MOST_FASTER = 0.1  # that a repeated sample may be answered sooner
MOST_SEEN_FASTER = (
    0.25  # that one of the data may be answered sooner than the same with a word more, which nobody has seen
)
_LEAST_SAVED = 1e-4  # seconds an answer: less is the noise of one call
_FEW = 20  # answers before a rate is known
_LATE, _LATE_SHARE, _VERY_LATE = 0.01, 0.05, 1.0  # seconds that a request was sent too late; the share of these; at all
MOST_WAITING = 0.2  # of the time that the program may wait for a processor
_AWAY = 0.05  # seconds that the machine or the program may stand still


def reasons(raw: Raw, probe: Probe) -> list[str]:
    """Why the reading is INVALID, a line each; [] for a VALID one."""
    found = [*_of_answers(raw, probe), *_of_clock(raw), *_of_audits(raw)]
    if raw.header["scenario"] == "server":
        found += of_server(raw.settings, probe)
    return found


def _of_answers(raw: Raw, probe: Probe) -> Iterator[str]:
    """Too few, too short, or too many that failed."""
    settings, answers = raw.settings, probe.answers
    right = [one for one in answers if one.error is None]
    failed = len(answers) - len(right)
    if failed > MOST_FAILED * len(answers):
        yield f"{failed} of {len(answers)} answers failed ({100 * failed / len(answers):.1f} %); at most 1 % may"
    if probe.why == "bound":
        above = sum(one.error is not None or one.latency > settings["bound"]["seconds"] for one in answers)
        yield (
            f"it was ended when so many answers were above the bound that it cannot be met: {above} of {len(answers)}"
        )
        return
    n, rank, due = len(right), settings["percentile"], settings["min_count"]
    once = "" if _may_repeat(raw) else f"; the data have {settings['n_examples']}, and each is asked once"
    hint = once if n + failed >= settings["n_examples"] else ""
    if raw.header["scenario"] != "offline" and n < ENOUGH[rank]:
        yield f"p{rank} needs {ENOUGH[rank]} answers, there are {n}: {ENOUGH[rank] - n} more{hint}"
    elif n < due:
        yield f"{due:,} answers are due, there are {n:,}: {due - n:,} more{hint}"
    if (took := seconds_of(answers)) < settings["min_seconds"] - 1e-9:
        yield (
            f"{settings['min_seconds']:g} s are due, it took {took:.3g} s: {settings['min_seconds'] - took:.3g} more{hint}"
        )
    if probe.why == "limit":
        yield f"it was ended at its limit of {settings['limit_seconds']:g} s; timing.limit_seconds raises it"
    if not _may_repeat(raw) and len({one.place for one in answers}) < len(answers):
        yield "an example was asked twice, which these rules do not allow"


def _may_repeat(raw: Raw) -> bool:
    return bool(raw.settings["rules"] == "mlperf") or raw.header["scenario"] == "offline"


def seconds_of(answers: Sequence[Answer]) -> float:
    """From the time at which the first answer was due to the end of the last."""
    if not answers:
        return 0.0
    return max(one.ended for one in answers) - min(one.scheduled for one in answers)


def of_server(settings: Mapping[str, Json], probe: Probe) -> list[str]:
    """What is wrong with one rate: it is beyond what is answered, its requests were sent late, or it misses the bound."""
    found = [line for line in (_beyond(settings, probe), _late(settings, probe)) if line]
    if settings["bound"] is not None and probe.answers:
        found += _misses(Bound(**settings["bound"]), probe.answers, settings["rules"] == "mlperf")
    return found


def _beyond(settings: Mapping[str, Json], probe: Probe) -> str:
    """That more comes than can be answered, so that waiting grows for as long as is measured; "" where it does not."""
    answers, qps = probe.answers, probe.qps
    if qps is None or len(answers) < _FEW:
        return "the rate is beyond what is answered: the requests that wait grew without bound" * (
            probe.why == "capacity"
        )
    rate = capacity(answers, at_once=settings["at_once"])
    if probe.why != "capacity" and (rate is None or rate > qps):
        return ""
    told = f"{rate:.3g} a second" if rate is not None else "fewer"
    return f"{qps:g} requests a second are beyond what is answered, {told}: they wait longer the longer it lasts"


def capacity(answers: Sequence[Answer], *, at_once: bool) -> float | None:
    """The highest rate at which these are answered, as far as they show it; None where they do not wait for each other.

    A model that answers one call at a time is busy from issue to end: the rate is that of its busy time, without its longest
    call, which may be a stall that never comes again. Of one that answers
    several at once nobody sees how busy it is; where waiting grows by a fifth of the time that passes, the rate is that of its
    ends.
    """
    if not at_once:
        calls, until = list[float](), float("-inf")
        for one in answers:
            calls.append(max(0.0, one.ended - max(one.issued, until)))
            until = max(until, one.ended)
        busy = sum(calls) - max(calls)
        return (len(answers) - 1) / busy if busy else None
    third = len(answers) // 3
    early, late = answers[:third], answers[-third:]
    apart = median(one.scheduled for one in late) - median(one.scheduled for one in early)
    grown = median(one.latency for one in late) - median(one.latency for one in early)
    if apart <= 0 or grown <= 0.2 * apart:
        return None
    ends = sorted(one.ended for one in answers)
    return (len(ends) - 1) / (ends[-1] - ends[0]) if ends[-1] > ends[0] else None


def _late(settings: Mapping[str, Json], probe: Probe) -> str:
    """That the harness itself sent requests too late: of each for which it had only to wait, how late it was."""
    late, until = [], float("-inf")
    for one in probe.answers:
        if settings["at_once"] or until <= one.scheduled:
            late.append(one.issued - one.scheduled)
        until = max(until, one.ended)
    usual = median(one.latency for one in probe.answers) if probe.answers else 0.0
    many = [seconds for seconds in late if seconds > max(_LATE, 0.1 * usual)]
    if not late or (len(many) <= _LATE_SHARE * len(late) and max(late) <= _VERY_LATE):
        return ""
    return f"{max(1, len(many))} of {len(late)} requests were sent late, by up to {max(late):.3g} s: the machine had other work"


def _misses(bound: Bound, answers: Sequence[Answer], sure: bool) -> list[str]:
    """That the bound is not met: a failed answer is one above it. With `sure`, that it may be chance that it is."""
    times = [one.latency if one.error is None else float("inf") for one in answers]
    found = percentile(times, bound.percentile)
    if found is None:
        return []  # too few answers is said already
    above = sum(seconds > bound.seconds for seconds in times)
    if not found <= bound.seconds:
        took = f"{found:.3g} s" if found < float("inf") else "no end"
        return [
            f"p{bound.percentile} took {took}, {bound.seconds:g} s are allowed ({above} of {len(times)} took longer)"
        ]
    if sure and (due := fewest_below(bound.percentile, above) + above) > len(times):
        return [
            f"with {above} answers above {bound.seconds:g} s, p{bound.percentile} needs {due:,} answers to be below it with "
            f"99 % confidence, there are {len(times):,}: {due - len(times):,} more"
        ]
    return []


def _of_clock(raw: Raw) -> Iterator[str]:
    found = raw.notes.get("clock", {})
    if found.get("suspended", 0.0) > _AWAY:
        yield f"the machine was suspended for {found['suspended']:.3g} s while it was measured"
    if found.get("backwards", 0.0) > 0:
        yield f"the clock ran backwards, by {found['backwards']:.3g} s"
    if found.get("kept_waiting", 0.0) > MOST_WAITING * found.get("seconds", 0.0):
        share = found["kept_waiting"] / found["seconds"] if found["seconds"] else 1.0
        yield f"other programs had the processor for {100 * share:.0f} % of the time; measure on a machine that is idle"
    if found.get("stopped", 0.0) > _AWAY:
        yield f"the program stood still for {found['stopped']:.3g} s while it was measured: it was stopped, or got no processor"


def _of_audits(raw: Raw) -> Iterator[str]:
    same, cache = audits(raw).values()
    if same is not None and not same["passed"]:
        worse = (raw.notes["audit"]["same_answers"] or {}).get("worse")
        yield f"timed answers are others than the run's: {same['differ']} of {same['n']}" + (
            f"; {worse}" if worse else ""
        )
    if cache is not None and not cache["passed"]:
        said = [
            f"{what} are answered {100 * (1 - ratio):.0f} % sooner than what it has never seen"
            for what, ratio, most in (
                ("requests asked again", cache["ratio"], MOST_FASTER),
                ("the data's own requests", cache["seen_ratio"], MOST_SEEN_FASTER),
            )
            if ratio is not None and ratio < 1 - most
        ]
        yield f"the model keeps answers: {' and '.join(said)}"


def audits(raw: Raw) -> dict[str, dict[str, Json] | None]:
    """The audits' results, out of what the file holds of them."""
    found = raw.notes.get("audit", {"same_answers": None, "cache": None})
    same, cache = found["same_answers"], found["cache"]
    return {
        "same_answers": same and {
            "n": same["n"], "unlike": same["unlike"], "differ": same["differ"],
            "passed": same["differ"] <= same["n"] // 100 and not same["worse"],
        },
        "cache": cache and audits_of_cache(cache),
    }  # fmt: skip


def audits_of_cache(times: Mapping[str, Sequence[float]]) -> dict[str, Json]:
    """Of pairs of times the medians, and the median of their ratios; too small a difference is none."""
    ratio, saved = _ratio(times["repeated"], times["distinct"])
    seen, of_seen = _ratio(times["seen"], times["fresh"])
    return {
        "distinct_seconds": median(times["distinct"]), "repeated_seconds": median(times["repeated"]), "ratio": ratio,
        "seen_ratio": seen,
        "passed": not (
            (ratio is not None and ratio < 1 - MOST_FASTER and saved > _LEAST_SAVED)
            or (seen is not None and seen < 1 - MOST_SEEN_FASTER and of_seen > _LEAST_SAVED)
        ),
    }  # fmt: skip


def _ratio(again: Sequence[float], first: Sequence[float]) -> tuple[float | None, float]:
    """The median of the ratios of pairs, None for none, and the median of what was saved."""
    pairs = [(a, b) for a, b in zip(again, first, strict=True) if b > 0]
    if not pairs:
        return None, 0.0
    return median(a / b for a, b in pairs), median(b - a for a, b in pairs)
