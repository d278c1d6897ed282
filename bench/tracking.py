"""Runs in MLflow: one experiment a board, one MLflow run a Run, nested under its suite's. The only `import mlflow`."""

from __future__ import annotations

import datetime
import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.artifacts import digest
from bench.disk import write_atomically
from bench.records import ARTIFACTS, CONFIG, JOURNAL, LEDGER, RECORD
from bench.types import Json, Run

if TYPE_CHECKING:
    from mlflow import MlflowClient

MARK = "mlflow.json"  # in the run directory: where and under which id the run was logged
_KEY = "finai_bench.run"  # the tag that makes logging idempotent


class StoreError(Exception):
    """The store did not take what was sent; the run directory is complete all the same."""


@dataclass(frozen=True)
class Logged:
    """Where a run is in MLflow."""

    uri: str
    run_id: str


def default_uri(runs_dir: Path) -> str:
    """SQLite beside the runs."""
    return f"sqlite:///{(runs_dir / 'mlflow.db').resolve()}"


def is_logged(folder: Path, uri: str) -> bool:
    """Whether the run was logged to this store before, by its mark."""
    try:
        mark = json.loads((folder / MARK).read_text())
        return bool(mark["uri"] == uri and mark["record"] == digest(folder / RECORD))
    except (OSError, ValueError, KeyError):
        return False


class Tracker:
    """Logs complete runs to one store. Whatever the store raises becomes StoreError."""

    def __init__(self, uri: str, runs_dir: Path) -> None:
        self.uri, self.artifacts = (
            uri,
            (runs_dir / ARTIFACTS).resolve().as_uri() if uri.startswith("sqlite:") else None,
        )
        # Answer soon when the server is down: by default MLflow tries for minutes.
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
        with _store_errors(uri):
            import logging

            from mlflow import MlflowClient

            for name in ("mlflow", "alembic"):
                logging.getLogger(name).setLevel(logging.WARNING)
            self.client: MlflowClient = MlflowClient(tracking_uri=uri)

    def suite(self, name: str, model: str, seed: int) -> str:
        """Start the parent run of a suite, in the experiment `suite <name>`."""
        with _store_errors(self.uri):
            experiment = self._experiment(f"suite {name}")
            run = self.client.create_run(
                experiment, run_name=model, tags={"model": model, "suite": name, "seed": str(seed)}
            )
            return str(run.info.run_id)

    def finish_suite(self, parent: str, runs: Mapping[str, Run]) -> None:
        """Give the parent run the ranked score of each task, and end it."""
        from mlflow.entities import Metric

        with _store_errors(self.uri):
            now = int(time.time() * 1000)
            ranked = {f"{task}.{run.scores[0].metric}": run.scores[0].value for task, run in runs.items()}
            scores = [Metric(name, value, now, 0) for name, value in ranked.items() if value is not None]
            self.client.log_batch(parent, metrics=scores)
            self.client.set_terminated(parent)

    def log(self, run: Run, folder: Path, parent: str | None = None) -> Logged:
        """Log a complete run once: scores, bounds and timings as metrics, config as params, fingerprints as tags."""
        with _store_errors(self.uri):
            experiment = self._experiment(f"{run.task} v{run.task_version}")
            record = digest(folder / RECORD)
            key = f"{run.task}/{run.model}/{run.run_id}/{record[:12]}"
            known = self.client.search_runs(
                [experiment], f"tags.`{_KEY}` = '{key}' and attributes.status = 'FINISHED'", max_results=1
            )
            run_id = known[0].info.run_id if known else self._create(run, folder, experiment, {_KEY: key}, parent)
        write_atomically(folder / MARK, json.dumps({"uri": self.uri, "run_id": run_id, "record": record}) + "\n")
        return Logged(self.uri, run_id)

    def _create(self, run: Run, folder: Path, experiment: str, tags: dict[str, str], parent: str | None) -> str:
        from mlflow.entities import Dataset as Data
        from mlflow.entities import DatasetInput, InputTag, Metric, Param, RunTag

        tags |= {"mlflow.parentRunId": parent} if parent else {}
        now = int(datetime.datetime.fromisoformat(run.created).timestamp() * 1000)
        start = now - int(1000 * run.timings["seconds"]["total"])  # so that MLflow's duration is the evaluation's
        created = self.client.create_run(experiment, run_name=run.model, tags=tags, start_time=start)
        run_id = str(created.info.run_id)
        self.client.log_batch(
            run_id,
            metrics=[Metric(_name(name), float(value), now, 0) for name, value in _metrics(run).items()],
            params=[Param(_name(name), str(value)[:6000]) for name, value in flat(run.config).items()],
            tags=[RunTag(name, str(value)) for name, value in _tags(run).items()],
        )
        data = Data(
            name=run.task, digest=run.data_fingerprint[:32], source_type="finai-bench",
            source=json.dumps({"task": run.task}), profile=json.dumps({"n_examples": run.n_examples}),
        )  # fmt: skip
        self.client.log_inputs(run_id, datasets=[DatasetInput(data, [InputTag("mlflow.data.context", "evaluation")])])
        for name in (RECORD, JOURNAL, LEDGER, CONFIG):
            self.client.log_artifact(run_id, str(folder / name))
        self.client.set_terminated(run_id, end_time=now)
        return run_id

    def _experiment(self, name: str) -> str:
        found = self.client.get_experiment_by_name(name)
        return str(
            found.experiment_id if found else self.client.create_experiment(name, artifact_location=self.artifacts)
        )


def _metrics(run: Run) -> dict[str, float]:
    """Scores with their bounds, then timings, as flat names; what is absent is left out."""
    found: dict[str, float | None] = {}
    for score in run.scores:
        found |= {score.metric: score.value, f"{score.metric}.low": score.low, f"{score.metric}.high": score.high}
        found |= {f"{score.metric}.worst": score.worst, f"{score.metric}.best": score.best}
        found[f"{score.metric}.official"] = score.official
    found |= {"n": run.scores[0].n, "n_failed": run.scores[0].n_failed}
    found |= {f"submission.{kind}": fault["n"] for kind, fault in run.submission.items() if isinstance(fault, dict)}
    found["flip_rate"] = run.audit.get("flip_rate")
    found |= {f"time.{name}": value for name, value in flat(run.timings).items()}
    return {name: float(value) for name, value in found.items() if value is not None}


def _tags(run: Run) -> dict[str, Json]:
    """Fingerprints and environment: what one filters by."""
    environment = {
        name: value for name, value in run.environment.items() if not isinstance(value, dict) and value != ""
    }
    return {
        "task": run.task, "task_version": run.task_version, "model": run.model, "model_revision": run.model_revision,
        "weights_sha256": run.weights_sha256, "data_fingerprint": run.data_fingerprint, "reference_row": run.is_reference,
        "run_dir_id": run.run_id, "mlflow.source.name": "bench run", "mlflow.source.git.commit": run.environment.get("commit", ""),
        "mlflow.note.content": _note(run),
    } | environment | {f"computed.{name}": value for name, value in run.computed.items()}  # fmt: skip


def _note(run: Run) -> str:
    lines = [f"| {s.metric} | {_bound(s.value)} | {_bound(s.low)} | {_bound(s.high)} |" for s in run.scores]
    return "\n".join(["| metric | value | 95 % low | 95 % high |", "|---|---|---|---|", *lines])


def _name(text: str) -> str:
    """A key that MLflow takes: letters, digits, and a few signs."""
    return re.sub(r"[^\w\-./ :]", "_", text)


def _bound(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def flat(tree: Mapping[str, Json], prefix: str = "") -> dict[str, Json]:
    """Nested dictionaries as one, with dotted keys."""
    found: dict[str, Json] = {}
    for name, value in tree.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return found


@contextmanager
def _store_errors(uri: str) -> Iterator[None]:
    """Turn what MLflow, its database and the network raise into one StoreError of one line."""
    from mlflow.exceptions import MlflowException
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, RequestException, SQLAlchemyError, OSError) as error:
        lines = str(error).strip().splitlines()
        raise StoreError(f"MLflow store {uri}: {lines[0][:200] if lines else type(error).__name__}") from error


def unlogged(found: Iterator[tuple[Path, Run]], uri: str) -> Iterator[tuple[Path, Run]]:
    """The runs that have no mark of this store."""
    return ((folder, run) for folder, run in found if not is_logged(folder, uri))
