"""The verdicts on a run's speed: on its scenario readings where both sides have some, else on the seconds of its batches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bench.judging.baseline import Side, elsewhere
from bench.judging.check import Check, Rules
from bench.judging.readings import Difference, Timed, differences
from bench.stats.gate import INCONCLUSIVE, Verdict
from bench.stats.speed import Slowdown, judge_speed, seconds_an_example, slowdown
from bench.stats.spread import MIN_RUNS


def speed_checks(run: Side, base: Side, rules: Rules) -> list[Check]:
    """A verdict on each number of the scenarios that both sides have readings of; without any, one on the seconds of the batches.

    A reading was taken to be compared, that is why it goes before: warm, with nothing else in it, and its conditions are known.
    """
    ours: Mapping[str, Timed] = run.readings[-1] if run.readings else {}
    found = [_of_reading(one, run, base, rules) for one in differences(ours, base.readings)]
    if found:
        return found
    check = speed_check(run, base, rules)
    lacking = sorted({name for one in base.readings for name in one})
    if not lacking:
        return [check]
    hint = (
        f"the baseline has a reading of {', '.join(lacking)}; `bench run … timing={lacking[-1]}` makes one to compare"
    )
    return [replace(check, notes=(*check.notes, hint))]


def _of_reading(one: Difference, run: Side, base: Side, rules: Rules) -> Check:
    """The verdict on one number of a scenario; INCONCLUSIVE where the two were not measured alike."""
    ours, theirs, margin = run.entry.run, base.entry.run, rules.speed_margin or 0.0
    if one.found is None:
        verdict = Verdict(INCONCLUSIVE, None, None, 1.0, reason=one.reason)
        return Check(one.what, ours, theirs, ours.scores[0], verdict, margin, one.n)
    verdict = judge_speed(one.found, margin=margin, level=rules.level)
    if verdict.outcome == INCONCLUSIVE and one.found.error is not None:
        verdict = replace(verdict, reason=_reason(one.found))
    spread = f"{100 * one.found.between:.1f} % from run to run, " + ("measured" if one.found.measured else "assumed")
    notes = (one.note, spread)
    return Check(
        one.what, ours, theirs, ours.scores[0], verdict, margin, one.n, one.value, one.expected, one.found.value, notes
    )  # fmt: skip


def _reason(found: Slowdown) -> str:
    """Why a difference is not decided, and what would help."""
    if found.within > found.between:
        return f"its answers leave ± {100 * found.within:.0f} % open; take more of them (timing.min_count)"
    if not found.measured:
        return f"a baseline of {MIN_RUNS} runs or more says how much runs differ"
    return f"runs differ by {100 * found.between:.0f} % among themselves; a quieter machine would decide"


def speed_check(run: Side, base: Side, rules: Rules) -> Check:
    """The verdict on seconds an example; INCONCLUSIVE where the two were not measured alike."""
    ours, theirs = run.entry.run, base.entry.run
    margin = rules.speed_margin or 0.0
    unmeasured = [
        f"{who} {one.unmeasured}" for who, one in (("the run", run), ("the baseline", base)) if one.unmeasured
    ]
    differing = elsewhere(ours, theirs)
    reason = "; ".join(unmeasured) or (differing and f"measured elsewhere: {differing}")
    if reason:
        verdict = Verdict(INCONCLUSIVE, None, None, 1.0, reason=reason)
        return Check("speed", ours, theirs, ours.scores[0], verdict, margin, ours.n_examples)
    (batches,) = run.entry.speed
    found = slowdown(batches, base.entry.speed)
    k = len(base.entry.speed)
    spread = f"{100 * found.between:.1f} % from run to run, " + (f"seen in {k} runs" if found.measured else "assumed")
    note = f"{ours.n_examples:,} examples in {len(batches):,} batches; {spread} of the baseline"
    if not found.measured:
        note = f"{ours.n_examples:,} examples in {len(batches):,} batches; {spread} (a baseline of {MIN_RUNS} runs measures it)"
    return Check(
        "speed", ours, theirs, ours.scores[0], judge_speed(found, margin=margin, level=rules.level), margin, ours.n_examples,
        seconds_an_example([batches]), seconds_an_example(base.entry.speed), found.value, (note,),
    )  # fmt: skip
