"""What of a run stands in MLflow, and under which names: metrics, tags, files, and the key that makes it one."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from bench.record import Run
from bench.runs import costs, energy, rates
from bench.runs.claimed import is_claimed
from bench.runs.folder import CONFIG, ORIGIN, RECORD
from bench.runs.identity import fingerprint
from bench.runs.journal import JOURNAL, LEDGER
from bench.runs.measurements import FILE as MEASUREMENTS
from bench.tracking import times
from bench.types import Json

if TYPE_CHECKING:
    from mlflow.entities import Run as LoggedRun

KEY = "finai_bench.run"  # the tag that makes logging idempotent
ID = "run_dir_id"  # the tag with the id of the run's folder
LOGGED = "finai_bench.logged"  # the metric that says when, in milliseconds; MLflow's own times are the evaluation's
LONGEST_TAG = 8000  # characters that MLflow keeps of a tag
_LONGEST_PARAM, _LONGEST_KEY = 6000, 250
FILES = (RECORD, JOURNAL, LEDGER, CONFIG, MEASUREMENTS, ORIGIN)  # of a run's folder, as far as they are there


def key_of(run: Run) -> str:
    """What makes two records one run: the same in the folder where it was made and in one that came in a bundle."""
    scores = [[one.metric, one.value, one.low, one.high, one.n, one.n_failed] for one in run.scores]
    return fingerprint([run.task, run.task_version, run.model, run.run_id, run.data_fingerprint, run.created, scores])[
        :32
    ]


def is_of(stored: LoggedRun, run: Run) -> bool:
    """Whether a run of a store is this one, whatever it was scored then: a mark may have come from the folder of another run."""
    return (stored.data.tags.get(ID), stored.data.tags.get("task")) == (run.run_id, run.task)


def metrics(run: Run) -> dict[str, float]:
    """Scores with their bounds, then timings, as flat names; what is absent is left out."""
    found: dict[str, float | None] = {}
    for score in run.scores:
        found |= {score.metric: score.value, f"{score.metric}.low": score.low, f"{score.metric}.high": score.high}
        found |= {f"{score.metric}.worst": score.worst, f"{score.metric}.best": score.best}
        found[f"{score.metric}.official"] = score.official
    found |= {"n": run.scores[0].n, "n_failed": run.scores[0].n_failed}
    found |= {f"submission.{kind}": fault["n"] for kind, fault in run.submission.items() if isinstance(fault, dict)}
    found |= {f"answers.{name}": run.answers.get(name) for name in ("n_empty", "n_unparsed")}
    found |= {said(run, f"answers.{name}"): run.answers.get(name) for name in ("n_cut", "n_refused")}
    for metric, values in run.answers.get("if_cut", {}).items():
        found |= {said(run, f"{metric}.if_cut_{how}"): value for how, value in values.items()}
    spent = {f"cost.{key}": value for key, value in costs.totals(run).items() if key != "currency"}
    spent[f"energy.joules{'' if energy.is_measured(run) else '_estimated'}"] = run.energy.get("joules")
    found |= {said(run, name): value for name, value in spent.items()}
    found[said(run, "flip_rate")] = run.audit.get("flip_rate")
    timings = {**rates.shown(run), "seconds": {**run.timings["seconds"], "paused": times.paused(run)}}
    found |= {said(run, f"time.{name}"): value for name, value in flat(timings).items() if name != "started"}
    found |= {said(run, name): value for name, value in of_readings(run).items()}
    return {name: float(value) for name, value in found.items() if value is not None}


_OF_READING = (  # of a reading, each with the name of its scenario behind it
    "n", "failed", "seconds", "examples_per_second", "tokens_per_second", "qps", "achieved_qps", "client_overhead_seconds",
)  # fmt: skip


def of_readings(run: Run) -> dict[str, float | None]:
    """The numbers of the readings of timing scenarios: "latency_p90_single_stream" and the like, in seconds."""
    found: dict[str, float | None] = {}
    for scenario, reading in run.scenarios.items():
        found |= {f"{name}_{scenario}": reading.get(name) for name in _OF_READING}
        for what in ("latency", "ttft", "tpot"):
            found |= {f"{what}_{name}_{scenario}": value for name, value in (reading.get(what) or {}).items()}
    return found


def _verdicts(run: Run) -> dict[str, Json]:
    """What each reading is worth, as tags."""
    return {
        f"verdict_{scenario}": "; ".join([str(reading.get("verdict")), *map(str, reading.get("reasons") or ())])
        for scenario, reading in run.scenarios.items()
    }


def said(run: Run, name: str) -> str:
    """The name under which a figure stands, apart from those that were measured where it is claimed: charts sort by names."""
    return f"claimed.{name}" if is_claimed(run, name) else name


def tags(run: Run) -> dict[str, Json]:
    """Fingerprints and environment: what one filters by."""
    environment = {
        name: value for name, value in run.environment.items() if not isinstance(value, dict) and value != ""
    }
    started = {"started": run.timings["started"]} if "started" in run.timings else {}
    return {
        "task": run.task, "task_version": run.task_version, "model": run.model, "model_revision": run.model_revision,
        "weights_sha256": run.weights_sha256, "data_fingerprint": run.data_fingerprint, "reference_row": run.is_reference,
        ID: run.run_id, "mlflow.source.name": "bench run", "mlflow.note.content": _note(run),
        said(run, "mlflow.source.git.commit"): run.environment.get("commit", ""),
    } | {said(run, name): value for name, value in (
        environment | started | _verdicts(run) | _flat_texts(run)
        | {f"computed.{name}": value for name, value in run.computed.items()}
    ).items()}  # fmt: skip


def _flat_texts(run: Run) -> dict[str, Json]:
    """What a run's costs and energy stand on, as flat names."""
    tree = {"price": run.price, "energy": {key: value for key, value in run.energy.items() if key != "joules"}}
    return {key: value for key, value in flat(tree).items() if value is not None}


def _note(run: Run) -> str:
    lines = [f"| {s.metric} | {_bound(s.value)} | {_bound(s.low)} | {_bound(s.high)} |" for s in run.scores]
    return "\n".join(["| metric | value | 95 % low | 95 % high |", "|---|---|---|---|", *lines])


def params(run: Run) -> dict[str, str]:
    """The configuration as flat names and texts; a text that is too long for MLflow is cut there, and whole in config.yaml."""
    found: dict[str, str] = {}
    for key, value in flat(run.config).items():
        known = name(key)
        known = known if known not in found else _short(known, key)  # two keys that differ in a sign only
        found[known] = str(value)[:_LONGEST_PARAM]
    return found


def name(text: str) -> str:
    """A key that MLflow takes: letters, digits and a few signs, no path but itself, and not too long.

    >>> name("model.labels.a=b"), name("/a//b"), len(name("x" * 999))
    ('model.labels.a_b', '_a__b', 250)
    """
    known = re.sub(r"[^\w\-./ :]", "_", text)
    if known != posixpath.normpath(known) or known.startswith(("/", "..")):
        known = known.replace("/", "_")
    known = known if known.strip(".") else "_" * max(len(known), 1)
    return known if len(known) <= _LONGEST_KEY else _short(known, text)


def _short(known: str, whole: str) -> str:
    return f"{known[: _LONGEST_KEY - 9]}-{fingerprint(whole)[:8]}"


def _bound(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def flat(tree: Mapping[str, Json], prefix: str = "") -> dict[str, Json]:
    """Nested dictionaries as one, with dotted keys."""
    found: dict[str, Json] = {}
    for name, value in tree.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return found
