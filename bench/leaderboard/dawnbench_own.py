"""What was trained and timed here, in DAWNBench's terms: its data set, figures and texts, or why it is not comparable."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from bench.data.dawnbench_figures import Figures, item_cost
from bench.data.dawnbench_format import INFERENCE
from bench.data.dawnbench_values import DATA_SETS, LEAST_LATENCY_MS
from bench.leaderboard.dawnbench import Standing
from bench.record import Run, Score
from bench.runs.claimed import is_own
from bench.text.shown import terminal
from bench.types import Json

TRAINED_HERE, RUN_HERE = "trained here", "run here"
VERIFIED, SELF_REPORTED = "verified, times claimed", "self-reported"
READING = "single_stream"  # one item after the other, as the competition asks
BY_TASK = {one.task: name for name, one in DATA_SETS.items() if one.task}


@dataclass(frozen=True)
class Own:
    """A training or reading of our own. `lacks` is the first reason why it is not comparable, "" where it is.

    `accuracy` is on the scale of the data set, `per_hour` in US dollars, None with `no_cost`; `seconds` is the time to the bar of
    a training, `latency_ms` the mean of a reading. `told` is what an entry says of it beside its fields.
    """

    data_set: str
    kind: str
    model: str
    source: str
    created: str
    environment: Mapping[str, Json]
    lacks: str
    no_cost: str
    per_hour: float | None
    seconds: float | None = None
    latency_ms: float | None = None
    accuracy: float | None = None
    n: str = ""
    origin: str = ""
    told: Mapping[str, Json] = field(default_factory=dict)

    @property
    def hardware(self) -> str:
        """The machine in words."""
        if self.environment.get("device") == "cuda":
            return str(self.environment.get("device_name") or "1 GPU")
        cores, cpu = self.environment.get("cores"), str(self.environment.get("cpu") or "CPU")
        return f"{cores} × {cpu}" if cores else cpu

    @property
    def framework(self) -> str:
        """What computed, in words: torch or onnxruntime with its version, else this harness."""
        packages = self.environment.get("packages")
        found = packages if isinstance(packages, Mapping) else {}
        named = next((name for name in ("torch", "onnxruntime", "finai-bench") if name in found), "")
        return f"{'PyTorch' if named == 'torch' else named} {found[named]}" if named else "finai-bench"

    @property
    def cost(self) -> float | None:
        """US dollars of the training, or of one item."""
        if self.per_hour is None:
            return None
        if self.kind == INFERENCE:
            return None if self.latency_ms is None else item_cost(self.per_hour, self.latency_ms)
        return None if self.seconds is None else self.seconds / 3600 * self.per_hour

    def standing(self) -> Standing:
        """Its place on the boards."""
        bar = DATA_SETS[self.data_set].bars[0]
        hours = {} if self.seconds is None else {bar: self.seconds / 3600}
        return Standing(
            self.data_set, Figures(self.kind, hours, bar, reaches=True, latency_ms=self.latency_ms, cost=self.cost),
            self.model, self.hardware, self.framework, self.created[:10], self.origin, self.source, self.claimed,
            self.accuracy, self.n, self.lacks, self.no_cost,
        )  # fmt: skip

    @property
    def claimed(self) -> bool:
        """Whether its figures are somebody's word only: nobody can measure again how long another machine took."""
        return self.origin in (SELF_REPORTED, VERIFIED)


def of_run(run: Run, source: str) -> Own:
    """A run's reading; raises KeyError for a task that is none of the competition's."""
    data_set = BY_TASK[run.task]
    one = DATA_SETS[data_set]
    reading = _mapping(run.scenarios.get(READING))
    score = next((score for score in run.scores if score.metric == one.metric), None)
    per_hour, no_cost = hourly(run.price)
    mean = _amount(_mapping(reading.get("latency")).get("mean"))
    answered = reading.get("n")
    return Own(
        data_set, INFERENCE, run.model, source, run.created, {**run.environment, **_known(reading.get("environment"))},
        _run_lacks(run, score, data_set, reading), no_cost, per_hour,
        latency_ms=None if mean is None else mean * 1000,
        accuracy=None if score is None or score.value is None else on_scale(score.value, one.whole),
        n=f"{answered:,} items" if isinstance(answered, int) else "", origin=_origin(run),
        told={"run": run.run_id, "scenario": READING, "rules": reading.get("rules"), "items timed": answered,
              "latency": "mean of the items, one after the other"},
    )  # fmt: skip


def _origin(run: Run) -> str:
    if is_own(run):
        return RUN_HERE
    return VERIFIED if run.origin.get("verified") else SELF_REPORTED


def _run_lacks(run: Run, score: Score | None, data_set: str, reading: Mapping[str, Json]) -> str:
    """The first reason why a run has no place among the entries."""
    one = DATA_SETS[data_set]
    verdict = terminal(reading.get("verdict") or "without a verdict", 40)
    reasons = reading.get("reasons")
    why = "; ".join(terminal(each, 200) for each in reasons) if isinstance(reasons, list) else ""
    mean = _amount(_mapping(reading.get("latency")).get("mean"))
    failed, audit = reading.get("failed"), _failed_audit(reading)
    faults = [
        (run.is_reference, "a reference row, which shows what a score is worth"),
        (not reading, f"has no reading of {READING}; run it with timing={READING}"),
        (run.n_examples != one.n_items, f"scored on {run.n_examples:,} examples, where {data_set} has {one.n_items:,}"),
        (score is None or score.value is None, f"has no {one.metric}"),
        (verdict != "VALID", f"its {READING} is {verdict}: {why or 'no reason is recorded'}"),
        (failed not in (0, None), f"{terminal(failed, 40)} of its timed answers failed"),
        (bool(audit), f"it failed the audit '{audit}'"),
        (mean is None, "its reading has no mean latency"),
        (
            mean is not None and mean * 1000 < LEAST_LATENCY_MS,
            f"its mean latency of {mean} s is less than any machine takes",
        ),
    ]
    if lacks := next((reason for holds, reason in faults if holds), ""):
        return lacks
    value = on_scale(score.value, one.whole) if score and score.value is not None else 0.0
    return "" if value >= one.bars[0] else f"its {one.accuracy} of {value:.10g} is below the bar of {one.bars[0]:g}"


def _failed_audit(reading: Mapping[str, Json]) -> str:
    audits = _mapping(reading.get("audit"))
    return next((name.replace("_", " ") for name, one in audits.items() if _mapping(one).get("passed") is False), "")


def on_scale(fraction: float, whole: float) -> float:
    """A fraction on a scale from 0 to 1 or 100: the number whose digits are the same, so that no bar is passed by rounding.

    >>> on_scale(0.29, 100.0), on_scale(0.9399999999999998, 100.0), on_scale(0.75, 1.0)
    (29.0, 93.99999999999999, 0.75)
    """
    return fraction if whole == 1 else float(Decimal(repr(fraction)).scaleb(2))


def hourly(price: Mapping[str, Json]) -> tuple[float | None, str]:
    """US dollars an hour of a price as records have it, or None with the reason."""
    if not price:
        return None, "has no price; give it one with price="
    if price.get("currency") != "USD":
        return None, f"its price is in {terminal(price.get('currency'), 20)}, where the competition counts US dollars"
    per_hour = _amount(price.get("per_hour"))
    if per_hour is None or per_hour == 0:
        return None, "its price is not that of a machine's hour"
    return per_hour, ""


def _amount(value: Json) -> float | None:
    """A finite number of 0 or more, of a record that may be a stranger's."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        return None
    return float(value)


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}


def _known(value: Json) -> dict[str, Json]:
    return {name: one for name, one in _mapping(value).items() if one}
