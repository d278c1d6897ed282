"""A store that is exchanged for an empty or an older one under the same address, and a run that a person deletes there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from scripts.hard.forked import asked, bench
from scripts.hard.row import Row, Scale, counted
from scripts.hard.stores.study import RUN, ended, faults, make, synced


def tried(scale: Scale) -> Iterator[Row]:
    """Empty, restored from an earlier day, and with a run that a person deleted."""
    folder = scale.folder / "exchanged"
    uri = f"sqlite:///{folder}/store.db"
    runs = make(folder, range(2), RUN)
    verdicts = [synced(uri, folder, runs, again=scale.long)]
    shutil.copy(folder / "store.db", folder / "backup.db")
    (folder / "store.db").unlink()
    done = bench("sync", folder=folder, MLFLOW_TRACKING_URI=uri)
    verdicts.append(
        ended(done)
        or _says(done.stdout, "had been logged before and were no longer there")
        or faults(uri, runs, room=folder)
    )
    make(folder, range(2, 3), RUN)
    verdicts.append(synced(uri, folder, runs, again=scale.long))
    shutil.copy(folder / "backup.db", folder / "store.db")
    verdicts.append(synced(uri, folder, runs, again=scale.long))
    yield counted("a store exchanged for a new one, and for its backup, under the same address; `bench sync`", verdicts)
    gone = asked(lambda: _delete_one(uri), folder)
    done = bench("sync", folder=folder, MLFLOW_TRACKING_URI=uri)
    n = asked(lambda: _n_active(uri, gone), folder)
    fault = (
        ended(done) or _says(done.stdout, "1 were deleted there and stay so") or ("" if n == 0 else "it is there again")
    )
    yield counted("a run that a person deleted in the store stays deleted; `bench sync`", [fault])


def _says(text: str, words: str) -> str:
    return "" if words in text else f"{words!r} is not in {text!r}"


def _delete_one(uri: str) -> str:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("hard_numbers v1") or client.search_experiments()[0]
    one = client.search_runs([experiment.experiment_id])[0]
    client.delete_run(one.info.run_id)
    return str(one.data.tags["finai_bench.run"])


def _n_active(uri: str, key: str) -> int:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    places = [one.experiment_id for one in client.search_experiments()]
    return len(client.search_runs(places, f"tags.`finai_bench.run` = '{key}'"))
