"""Models out of MLflow's registry, as one folder that transformers reads; its own command line fetches them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from bench.artifacts import transfer
from bench.artifacts.child import bound
from bench.artifacts.failing import full, no_room
from bench.errors import BenchError
from bench.text.rows import rows
from bench.text.secret_urls import public_url
from bench.text.secrets import clean
from bench.text.shown import tell


def uri() -> str:
    """The registry's address: `MLFLOW_REGISTRY_URI` or `MLFLOW_TRACKING_URI`, else the store beside the runs."""
    runs = Path(os.environ.get("BENCH_RUNS") or "runs")
    given = os.environ.get("MLFLOW_REGISTRY_URI") or os.environ.get("MLFLOW_TRACKING_URI")
    return given or f"sqlite:///{(runs / 'mlflow.db').resolve()}"


def bring(source: str, name: str, version: str, folder: Path) -> Path:
    """Download a version of a registered model below `folder`, and give the folder that holds its config.json.

    A process of its own does it, as with pip: no layer but tracking depends on MLflow. Raises BenchError.
    """
    address = uri()
    if address.startswith("sqlite:///") and not Path(address.removeprefix("sqlite:///")).exists():
        raise BenchError(f"{source}: there is no MLflow store at {public_url(address)}; set MLFLOW_TRACKING_URI")
    tell(f"bench: fetching {source} from {public_url(address)}", err=True)
    done = folder / "download"
    done.mkdir()
    command = bound(
        "mlflow", "artifacts", "download", "--artifact-uri", f"models:/{name}/{version}", "--dst-path", str(done)
    )
    settings = {"MLFLOW_TRACKING_URI": address, "MLFLOW_REGISTRY_URI": address, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2"}
    with transfer.coming(source, done), subprocess.Popen(
        command, env={**os.environ, **settings}, text=True, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as outcome:  # fmt: skip
        said = outcome.stderr.read() if outcome.stderr else ""
    if outcome.returncode:
        if why := full(said):
            raise no_room(source, why)
        lines = rows(said.strip())
        reason = next(
            (line for line in reversed(lines) if "Exception:" in line or "Error" in line), "".join(lines[-1:])
        )
        raise BenchError(
            f"{source} could not be fetched ({clean(reason.strip())[:200]}); check its name and version in the registry, "
            "and MLFLOW_TRACKING_URI"
        )
    return _one_folder(done, source)


def _one_folder(done: Path, source: str) -> Path:
    """The folder with the only config.json; what its transformers flavour keeps apart (the tokenizer) is put beside it."""
    found = sorted(path.parent for path in done.rglob("config.json"))
    if len(found) != 1:
        raise BenchError(
            f"{source} holds {len(found)} folders with a config.json, 1 is due; log one transformers model"
        )
    model = found[0]
    for component in sorted(model.parent.glob("components/*")) + sorted(model.parent.glob("processor")):
        shutil.copytree(component, model, dirs_exist_ok=True)
    return model
