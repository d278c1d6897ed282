"""How a comparison is printed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from bench.commands.shared import tables
from bench.text.shown import of_name, tell
from bench.text.table import Column

if TYPE_CHECKING:
    from bench.judging.changes import Change, Changes
    from bench.judging.compare import Comparison
    from bench.judging.pair import PairedMetric, Slice
    from bench.stats.paired import Difference

# What the tables of a comparison are made of. The least important goes first where there is no room; runs and scores stay.
_COLUMNS = {
    one.heading.removesuffix(" [95 %]"): one
    for one in (
        Column("pair"), Column("metric"), Column("slice"), Column("example"), Column("A"), Column("B"), Column("effect"),
        Column("B - A [95 %]"), Column("A's answer", folds=16), Column("B's answer", folds=16), Column("verdict", 90),
        Column("p (Holm)", 80), Column("p", 70), Column("clusters", 50), Column("n", 40), Column("detectable", 30),
    )
}  # fmt: skip


def show(comparison: Comparison, changed: Changes) -> None:
    """The two runs, every metric's difference, the verdict, slices, changed examples and speed."""
    from bench.leaderboard.alike import origin_of
    from bench.runs.claimed import date_text

    a, b = comparison.a.run, comparison.b.run
    first = comparison.metrics[0]
    size = f", {first.difference.g:,} clusters" if first.difference else ""
    tell(f"{a.task}, version {a.task_version}: {comparison.n:,} examples{size}")
    for letter, run in (("A", a), ("B", b)):
        tell(f"  {letter}  {run.model}  {run.run_id}, {origin_of(run)}, {date_text(run)}")
    for note in comparison.notes:
        tell(f"  {note}")
    columns = [_COLUMNS[name] for name in ("metric", "A", "B", "B - A", "p", "detectable")]
    if (
        corrected := comparison.adjusted_p is not None
        and first.difference
        and comparison.adjusted_p != first.difference.p
    ):
        columns.insert(5, _COLUMNS["p (Holm)"])
    holm = [p_text(comparison.adjusted_p or 0.0) if i == 0 else "" for i in range(len(comparison.metrics))]
    rows = [_metric(one, [p] if corrected else []) for one, p in zip(comparison.metrics, holm, strict=True)]
    tables.show("", columns, [tables.Row(row) for row in rows])
    for line in _legend(comparison.metrics):
        tell(f"  {line}")
    tell(verdict(comparison))
    _slices(comparison)
    _changes(first, changed)
    _speed(comparison)
    print(flush=True)


def show_together(comparisons: Sequence[Comparison]) -> None:
    """One line a pair, with the p that all of them together leave."""
    rows = []
    for one in comparisons:
        first = one.metrics[0]
        found = first.difference
        rows.append([
            f"{one.a.run.task}: {one.a.run.model} to {one.b.run.model}", first.metric, f"{one.n:,}", difference(first, found),
            p_text(found.p) if found else "–", p_text(one.adjusted_p) if one.adjusted_p is not None else "–", verdict(one),
        ])  # fmt: skip
    columns = [_COLUMNS[name] for name in ("pair", "metric", "n", "B - A", "p", "p (Holm)", "verdict")]
    tables.show("All pairs", columns, [tables.Row(row) for row in rows])


def verdict(comparison: Comparison) -> str:
    """The comparison in plain words."""
    from bench.judging.compare import LEVEL, better, same_rows
    from bench.stats.intervals import MIN_CLUSTERS

    first, one, other = comparison.metrics[0], comparison.a, comparison.b
    if one.folder.resolve() == other.folder.resolve():
        return f"no verdict: A and B are one run, {one.run.run_id}; name two, by their ids where they are of one model"
    found, winner = first.difference, better(comparison)
    if found is None:
        return f"no verdict: {of_name(first.metric, first.note)}"
    if winner:
        lower = "" if first.higher_is_better else " (lower is better)"
        p = p_text(comparison.adjusted_p or 0.0)
        return f"{winner} is better by {points(first, abs(found.value))} of {first.metric}{lower}, p {p}"
    if same_rows(comparison):
        return f"no difference found: every example has the same {first.metric}"
    if found.g < MIN_CLUSTERS:
        return f"no difference found, and none could be: {found.g} clusters are too few, at least {MIN_CLUSTERS} are needed"
    if found.low is None:
        return f"no verdict: {of_name(first.metric, found.note)}"
    if (comparison.adjusted_p or 0.0) < LEVEL:
        return f"no difference of {first.metric} found: the runs answer differently (p {p_text(found.p)}), but its interval holds 0"
    corrected = ""
    if found.p < LEVEL:
        corrected = f" (p {p_text(found.p)} alone, {p_text(comparison.adjusted_p or 1.0)} as one of several)"
    reach = (
        f"; one of at least {points(first, found.detectable)} would have been found 4 times in 5"
        if found.detectable
        else ""
    )
    return f"no difference found{corrected}{reach}"


def points(metric: PairedMetric, value: float) -> str:
    """An amount of a metric: fractions in points, of which 100 are the whole."""
    return f"{100 * value:.2f} points" if metric.is_fraction else f"{value:.4g}"


def difference(metric: PairedMetric, found: Difference | None) -> str:
    """A difference with its interval, signed."""
    if found is None:
        return "–"
    low, high = (
        ("–", "–")
        if found.low is None or found.high is None
        else (signed(metric, found.low), signed(metric, found.high))
    )
    return f"{signed(metric, found.value)} [{low}, {high}]"


def signed(metric: PairedMetric, value: float) -> str:
    """A number of a metric with its sign, never "-0.00"."""
    text = f"{100 * value:+.2f}" if metric.is_fraction else f"{value:+{_digits(value)}}"
    return text.lstrip("+-") if float(text) == 0 else text


def _digits(value: float) -> str:
    """The form of a number that is no fraction: four digits behind the point, or four that count where those would not do."""
    return ".4f" if value == 0 or 0.01 <= abs(value) < 1e6 else ".4g"


def p_text(p: float) -> str:
    """A p-value to two digits that count."""
    return "< 0.0001" if p < 1e-4 else f"{p:.2g}" if p < 0.01 else f"{p:.3f}"


def _metric(metric: PairedMetric, holm: list[str]) -> list[str]:
    found = metric.difference
    name = metric.metric if metric.higher_is_better else f"{metric.metric} (lower is better)"
    values = [
        "–" if value is None else f"{100 * value:.2f}" if metric.is_fraction else f"{value:{_digits(value)}}"
        for value in (metric.a, metric.b)
    ]
    if found is None:
        return [name, *values, "–", "–", *[""] * len(holm), "–"]
    reach = points(metric, found.detectable).removesuffix(" points") if found.detectable else "–"
    return [name, *values, difference(metric, found), p_text(found.p), *holm, reach]


def _legend(metrics: Sequence[PairedMetric]) -> Iterator[str]:
    """What the columns mean, which test gave each p, and why some have none."""
    if any(metric.difference for metric in metrics):
        yield "fractions in percent; p two-sided; a true difference as large as the detectable one is found 4 times in 5"
    reasons: dict[str, list[str]] = {}
    for metric in metrics:
        reasons.setdefault(metric.difference.test if metric.difference else metric.note, []).append(metric.metric)
    yield from (of_name(", ".join(names), reason) for reason, names in reasons.items())
    widths: dict[str, list[str]] = {}
    for metric in metrics:
        if metric.difference and metric.difference.note:
            widths.setdefault(metric.difference.note, []).append(metric.metric)
    yield from (of_name(", ".join(names), note) for note, names in widths.items())


def _slices(comparison: Comparison) -> None:
    if not comparison.slices:
        return
    first = comparison.metrics[0]
    rows = [_slice(first, one) for one in comparison.slices]
    print()
    tell(f"By slice, {first.metric}; for looking: of so many intervals some are wrong")
    columns = [_COLUMNS[name] for name in ("slice", "n", "clusters", "B - A")]
    tables.show("", columns, [tables.Row(row) for row in rows])


def _slice(metric: PairedMetric, one: Slice) -> list[str]:
    found = one.difference
    return [f"{one.name} = {one.value}", f"{found.n:,}", f"{found.g:,}", difference(metric, found)]


def _changes(metric: PairedMetric, changed: Changes) -> None:
    count = f"{changed.n:,} examples changed"
    if changed.better is not None and changed.worse is not None:
        count += f": B better on {changed.better:,}, worse on {changed.worse:,}"
    print()
    tell(f"{count}" + ("; worst for B first" if changed.worst and changed.better is not None else ""))
    if changed.note and changed.worst:
        tell(f"  {changed.note}")
    if changed.worst:
        own = changed.worst[0].a is not None
        names = ["example", *(["A", "B"] if own else ["effect"]), "A's answer", "B's answer"]
        tables.show(
            "", [_COLUMNS[name] for name in names], [tables.Row(_change(metric, one, own)) for one in changed.worst]
        )


def _change(metric: PairedMetric, one: Change, own: bool) -> list[str]:
    if own:
        values = [
            "–" if v is None else f"{100 * v:.1f}" if metric.is_fraction else f"{v:{_digits(v)}}"
            for v in (one.a, one.b)
        ]
    else:
        values = ["–" if one.effect is None else signed(metric, one.effect)]
    return [one.id, *values, one.a_answer, one.b_answer]


def readings(comparison: Comparison) -> Iterator[str]:
    """A line for each number of a timing scenario that both have a reading of."""
    from bench.judging.readings import between, spread

    for one in between(comparison.a, comparison.b):
        if one.found is None or one.value is None or one.expected is None:
            yield f"speed not compared: {one.reason}"
            continue
        more, low, high = (f"{100 * share:+.1f} %" for share in spread(one.found))
        a, b = (f"{1000 * seconds:.3g} ms" for seconds in (one.expected, one.value))
        yield f"{one.what}: A {a} and B {b}, B takes {more} [{low}, {high}] longer; {one.note}"


def _speed(comparison: Comparison) -> None:
    """Examples a second, untested, and what differs between the machines; of a claimed speed only that it is claimed."""
    from bench.judging.compare import machines
    from bench.runs.claimed import is_claimed
    from bench.runs.rates import examples_per_second

    runs = {"A": comparison.a.run, "B": comparison.b.run}
    rates = [examples_per_second(run) for run in runs.values()]
    if said := list(readings(comparison)):
        for line in said:
            tell(line)
        return
    if not all(rates):
        return
    if claimed := [letter for letter, run in runs.items() if is_claimed(run, "examples_per_second")]:
        tell(
            f"speed: not compared, since {' and '.join(claimed)} was handed in and its speed is claimed; "
            "`bench verify FILE --rerun N` runs it again here"
        )
        return
    line = f"speed: A {rates[0]:,.1f} and B {rates[1]:,.1f} examples a second, not tested (`bench check` does)"
    if differing := machines(comparison):
        line += "; not alike: " + ", ".join(f"{key} {a or '–'} and {b or '–'}" for key, (a, b) in differing.items())
    tell(line)
