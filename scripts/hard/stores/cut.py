"""A store that goes away at each request of the logging of a run, and a logging process that is killed at random moments."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from scripts.hard.forked import bench, start
from scripts.hard.row import Row, Scale, counted
from scripts.hard.stores.served import Served
from scripts.hard.stores.study import MINI, RUN, ended, faults, make, of_seed, synced, unlogged

_QUICK = {"MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "0", "MLFLOW_HTTP_REQUEST_BACKOFF_JITTER": "0"}


def tried(scale: Scale) -> Iterator[Row]:
    """Cuts at each request, then kills, at a server and at SQLite."""
    folder = scale.folder / "cut"
    with Served(folder / "served") as served:
        yield from _cuts(served, folder, scale)
        if scale.long:
            yield _kills(lambda i: served.uri, folder / "killed", scale, "a server")
    yield _kills(lambda i: f"sqlite:///{folder}/killed-{i % 4}.db", folder / "killed-file", scale, "SQLite")


def _cuts(served: Served, folder: Path, scale: Scale) -> Iterator[Row]:
    """The server cuts the connection at the k-th request, before or after it has done it, and then for ever, or only once."""
    served.fault("", 0)
    bench(*RUN, "seed=0", f"tracking.uri={served.uri}", folder=folder / "whole", **_QUICK)
    n = served.seen()  # with those that make the experiments; later runs need fewer
    served.fault("", 0)
    bench(*RUN, "seed=1", f"tracking.uri={served.uri}", folder=folder / "whole", **_QUICK)
    needed, seed = served.seen(), 1000
    ks = sorted({*range(n)} if scale.long else {needed // 3, needed // 2, needed - 2})
    for once in (False, True):
        verdicts = []
        for how in ("before", "after") if scale.long else ("after" if once else "before",):
            for k in ks if scale.long else ks[once:][:1]:
                seed += 1
                place = folder / f"{how}-{k}-{once}"
                served.fault(how, k, once=once)
                done = bench(*RUN, f"seed={seed}", f"tracking.uri={served.uri}", folder=place, **_QUICK)
                reached = served.seen() > k
                served.fault("", 0)
                fault = ended(done) if once or not reached else unlogged(done, place / "runs", 1)
                fault = fault or (faults(served.uri, place / "runs", room=place) if once else "")
                fault = fault or synced(served.uri, place, place / "runs", again=scale.long)
                verdicts.append(f"{how} request {k} of {needed}: {fault}" if fault else "")
        kind = "cuts one request" if once else "goes away at a request"
        yield counted(f"a server that {kind}, each of {n}, before or behind its work; `bench sync` later", verdicts)


def _kills(uri_of: object, folder: Path, scale: Scale, name: str) -> Row:
    """`kill -9` of a `bench sync` of two runs of a suite, at a moment drawn evenly over an undisturbed one."""
    assert callable(uri_of)
    draw, verdicts, caught = scale.draw(f"kill {name}"), [], 0
    tries = scale.n(2, 40)
    source = make(folder / "source", range(tries + 1), MINI)
    begun = time.monotonic()
    whole = of_seed(source, tries, folder / "whole")
    bench("sync", "--runs", str(whole), folder=folder / "whole", MLFLOW_TRACKING_URI=uri_of(0))
    took = time.monotonic() - begun
    for i in range(tries):
        runs = of_seed(source, i, folder / str(i))
        child = start("sync", "--runs", str(runs), folder=folder / str(i), MLFLOW_TRACKING_URI=uri_of(i))
        time.sleep(draw.uniform(0.2, 1.0) * took)
        child.kill()
        caught += child.wait().returncode == -9
        verdicts.append(synced(uri_of(i), folder / str(i), runs))
    return counted(f"kill -9 of the logging process at random moments, {name} ({caught} while it worked)", verdicts)
