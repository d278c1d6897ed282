"""An entry: a run with the rows of its ranked metric in one small JSON file.

Entries are what a pull request adds (`leaderboards/submissions/<task>/<submitter>/<model>.json`) and what a gate compares with
(`leaderboards/baselines/<task>/<model>.json`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.disk import write_atomically
from bench.errors import BenchError
from bench.metrics.metric import AnyMetric, Metric, RankedMetric
from bench.record import Run
from bench.runs import record_schema
from bench.runs.claimed import reported as origin_reported
from bench.runs.identity import fingerprint
from bench.runs.measurements import Measurements
from bench.scoring.bounds import AGREES, value
from bench.text import claimed
from bench.types import Json

FORMAT = 1
_DIGEST = "sha256"  # the key of a baseline's own digest
DEPTH = 3  # parts of a submission's path: task, submitter, file; two where an earlier version wrote it
SUBMISSIONS, BASELINES = Path("leaderboards/submissions"), Path("leaderboards/baselines")


@dataclass(frozen=True)
class Entry:
    """`measurements` hold the ranked metric only, None where the references are held out.

    `speed` holds (examples, seconds) of each batch, one list a measured run: what a gate on speed compares; a submission
    has none. `readings` are those of timing scenarios in the form of `bench.judging.readings`, by scenario, one mapping a run.
    """

    run: Run
    measurements: Measurements | None
    speed: tuple[tuple[tuple[int, float], ...], ...] = field(default=())
    readings: tuple[Mapping[str, Json], ...] = field(default=())

    def to_json(self) -> dict[str, Json]:
        """The file's content; the inverse of `from_json`."""
        rows = self.measurements.to_json() if self.measurements else None
        return {
            "format": FORMAT,
            "run": self.run.to_json(),
            "measurements": rows,
            "speed": [[list(batch) for batch in one] for one in self.speed],
            **({"readings": [dict(one) for one in self.readings]} if self.readings else {}),
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Json], *, strangers: bool = False) -> Entry:
        """Raises ValueError, TypeError or KeyError for what is no entry; that of `strangers` has the forms of a bundle's run."""
        if record["format"] != FORMAT:
            raise ValueError(f"its format is {record['format']}, this version reads {FORMAT}")
        if wrong := record_schema.problem(record["run"], strangers=strangers) or claimed.problem(record["run"]):
            raise ValueError(f"run.{wrong}")
        said = {name: value for name, value in record.items() if name != _DIGEST}
        if _DIGEST in record and fingerprint(said) != record[_DIGEST]:  # earlier versions wrote none
            raise ValueError("it is no longer what was written: its sha256 is another")
        rows = record["measurements"]
        speed = tuple(tuple((int(n), float(seconds)) for n, seconds in one) for one in record["speed"])
        readings = tuple(dict(one) for one in record.get("readings", ()))
        run = Run.from_json(record["run"]).whole()
        return cls(run, Measurements.from_json(rows) if rows else None, speed, readings)


def path_of(folder: Path, run: Run) -> Path:
    """Where the entry of this run stands below `leaderboards/baselines`."""
    return folder / run.task / f"{run.model}.json"


def read(path: Path, *, strangers: bool = False) -> Entry:
    """Read an entry; raises BenchError when the file is none."""
    try:
        return Entry.from_json(json.loads(path.read_text(encoding="utf-8")), strangers=strangers)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError) as error:
        raise BenchError(f"{path} is not an entry ({type(error).__name__}: {error}); make it again") from None


def reported(path: Path) -> Entry:
    """A submission, which somebody reports: without a word on its origin it is nobody's here."""
    found = read(path, strangers=True)
    return replace(found, run=replace(found.run, origin=origin_reported(found.run.origin)))


def disagreement(entry: Entry, metric: AnyMetric) -> str:
    """Why the score that ranks is not that of the entry's own rows, "" where it is; `metric` is the one that the task ranks by."""
    run, rows, score = entry.run, entry.measurements, entry.run.scores[0]
    if score.metric != metric.name:
        return f"its first score is of {score.metric}, the task ranks by {metric.name}"
    if rows is None:
        held_out = score.value is None or "attempt" in run.origin.get("verified", {})
        return (
            "" if held_out else "it has a score and no rows, and does not say that it was scored on held-out references"
        )
    if (len(rows), len(rows.failed)) != (score.n, score.n_failed):
        return f"it has {len(rows)} rows with {len(rows.failed)} failures, its score {score.n} with {score.n_failed}"
    if other := set(rows.rows) - {metric.name}:
        return f"it has rows of {', '.join(sorted(other))}, where only {metric.name} is due"
    if not isinstance(metric, Metric | RankedMetric):
        return ""
    if metric.name not in rows.rows:
        if score.value is None:  # undefined, and ranked by nothing
            return ""
        return f"it has no rows of {metric.name}, which every score of it comes from"
    table = rows.rows[metric.name]
    try:
        found = value(metric, table)
    except (ValueError, IndexError, TypeError) as error:
        return f"its rows of {table.shape[1]} columns are none of {metric.name} ({error})"
    if score.value is None or not math.isclose(score.value, found, rel_tol=AGREES, abs_tol=AGREES):
        return f"{metric.name} says {score.value}, its own rows give {found:.6g}"
    return ""


def write(path: Path, entry: Entry, *, sealed: bool = False) -> None:
    """Write the file, a line a key so that a review shows what changed; `sealed`, with the digest of all that it says."""
    said = entry.to_json()
    lines = [
        f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False, allow_nan=False)}"
        for key, value in (said | ({_DIGEST: fingerprint(said)} if sealed else {})).items()
    ]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, "{" + ",\n".join(lines) + "}\n")
    except OSError as error:
        raise BenchError(f"{path} cannot be written ({error.strerror}); run in a writable folder") from None


def paths(folder: Path) -> list[Path]:
    """Every entry's file below the folder, in order: in a submitter's folder, or in its task's as earlier versions wrote it."""
    return sorted([*folder.glob("*/*.json"), *folder.glob("*/*/*.json")])


def find(folder: Path) -> Iterator[tuple[Path, Entry]]:
    """Every entry below the folder, in order of path."""
    for path in paths(folder):
        yield path, read(path)
