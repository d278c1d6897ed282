"""What commands have in common: how a run, a table and a JSON line are printed."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.commands.shared.streams import can_say
from bench.text.secrets import clean, known_now
from bench.text.shown import json_text, of_name, tell

if TYPE_CHECKING:
    from bench.record import Run


def is_of_a_device(path: Path) -> bool:
    """Whether a path, or what it links to, is one of the system's own (/dev/stdout, /proc/…), which no file may take the place of.

    >>> is_of_a_device(Path("/dev/stdout")), is_of_a_device(Path("/dev/fd/1")), is_of_a_device(Path("/dev/shm/a.csv"))
    (True, True, False)
    """
    given = path.absolute()
    return given.parent in (Path("/dev"), Path("/dev/fd")) or given.parts[1:2] == ("proc",)


def emit(record: Any) -> None:
    """The one JSON line that `--json` promises."""
    sys.stdout.flush()
    shown = _clean(record, known_now(), {})
    line = json_text(json.dumps(shown, ensure_ascii=False, allow_nan=False))
    print(line if can_say(line) else json.dumps(shown, allow_nan=False), flush=True)


def _clean(record: Any, known: Sequence[str], seen: dict[str, str]) -> Any:
    """The record without secrets in its texts; `seen` are texts that were cleaned before, as the same names come in every row."""
    if isinstance(record, dict):
        return {_clean(key, known, seen): _clean(value, known, seen) for key, value in record.items()}
    if isinstance(record, list | tuple):
        return [_clean(one, known, seen) for one in record]
    if not isinstance(record, str):
        return record
    if record not in seen:
        seen[record] = clean(record, known)
    return seen[record]


def summary(run: Run, folder: Path) -> dict[str, Any]:
    """What `bench run --json` prints of a run."""
    from bench.runs.costs import totals
    from bench.runs.rates import shown

    scores = {s.metric: {k: v for k, v in vars(s).items() if k != "metric"} for s in run.scores}
    return {
        "task": run.task, "model": run.model, "run_id": run.run_id, "run_dir": str(folder), "n": run.n_examples or None,
        "scores": scores, "timings": shown(run), "environment": run.environment, "data_fingerprint": run.data_fingerprint,
        "answers": dict(run.answers), "scenarios": dict(run.scenarios),
        "price": dict(run.price), "cost": totals(run), "energy": dict(run.energy),
    }  # fmt: skip


def timing_alone(label: str, folder: Path, summary: Mapping[str, Any]) -> dict[str, Any]:
    """What `bench run --json` prints of a timing without a run."""
    return {"timing": label, "run_dir": str(folder), "scenarios": {summary["scenario"]: dict(summary)}}


def print_run(run: Run, folder: Path) -> None:
    """A run's scores, what of them is absent and why, its speed and its folder."""
    from bench.leaderboard import endings
    from bench.leaderboard.cells import interval, shown
    from bench.runs.rates import examples_per_second, seconds_per_answer

    rate, each = examples_per_second(run), seconds_per_answer(run)
    scores = ", ".join(f"{s.metric} {interval(s)}" for s in run.scores if s.value is not None)
    tell(of_name(f"{run.task} / {run.model}", scores))
    if ended := endings.line(run, shown):
        tell(f"  {ended}")
    absent: dict[str, list[str]] = {}
    for score in run.scores:
        if score.value is None:
            absent.setdefault(score.note, []).append(score.metric)
    for reason, names in absent.items():
        tell(f"  {', '.join(names)} {reason}")
    for line in _uncommon(run):
        tell(f"  {line}")
    speed = f"{rate:,.1f} a second, {_brief(each)} per answer, " if rate and each else ""
    took = f"{run.timings['seconds']['total']:.1f} s in all; " if run.timings["examples_per_second"] else ""
    tell(f"  {run.n_examples or 'an unknown number of'} examples, {speed}{took}{folder}")
    if parts := run.timings.get("parts"):
        tell(f"  answered in {parts} part{'s' if parts > 1 else ''}: {_duration(run)}")
    for line in _spent(run):
        tell(f"  {line}")
    sys.stdout.flush()


def _duration(run: Run) -> str:
    """How long the parts of a run took beside one another, and together."""
    wall, total = run.timings["wall_seconds"], run.timings["seconds"]["total"]
    return f"{wall:.1f} s by the longest of them, {total:.1f} s of all together, which is what rates are of"


def _uncommon(run: Run) -> Iterator[str]:
    """Why scores have no interval, or one that was not resampled, each reason once."""
    scored = [score for score in run.scores if score.value is not None]
    reasons: dict[str, list[str]] = {}
    for score in scored:
        if score.low is None or not score.note.startswith(("bootstrap", "jackknife")) or "widened" in score.note:
            reasons.setdefault(score.note, []).append(score.metric)
    for reason, names in reasons.items():
        if reason:
            yield reason if len(names) == len(scored) else of_name(", ".join(names), reason)


def _spent(run: Run) -> Iterator[str]:
    """What the run cost and took of energy, as far as that is known."""
    from bench.runs import costs, energy, price

    if each := costs.per_1000(run):
        score, right = costs.right(run), costs.per_right_answer(run)
        answer = f", {right} for an answer that is right by {score.metric}" if score and right else ""
        yield f"{each} for 1,000 examples{answer}; {price.shown(run.price)}"
    elif run.price:
        yield f"no cost can be told: {costs.absence(run)}; {price.shown(run.price)}"
    if run.energy:
        how, by, counter, covers = (run.energy[name] for name in ("how", "by", "counter", "covers"))
        yield f"{energy.shown(run)}, {how} by {by}: {counter}; {covers}"


def _brief(seconds: float) -> str:
    return f"{seconds:,.2f} s" if seconds >= 1 else f"{1000 * seconds:.3g} ms"


def figures(value: Any) -> str:
    """A value of an official script as text, to four decimals."""
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(figures, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {figures(one)}" for key, one in value.items()) + "}"
    return f"{value:.4f}".replace("-0.0000", "0.0000") if isinstance(value, float) else str(value)
