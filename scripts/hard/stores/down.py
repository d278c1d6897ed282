"""A store that is down, silent, odd or slow: the evaluation finishes, `bench sync` logs later."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from scripts.hard.forked import bench, start
from scripts.hard.row import Row, Scale, counted
from scripts.hard.stores.served import Odd, Served, unused_port
from scripts.hard.stores.study import RUN, ended, faults, synced, timed, unlogged

_ODD: dict[str, tuple[int, bytes, dict[str, str]]] = {
    "says nothing": (0, b"", {}),
    "500": (500, b"oops", {}),
    "503, come again in an hour": (503, b"", {"Retry-After": "3600"}),
    "HTML": (200, b"<html><body>Welcome</body></html>", {"Content-Type": "text/html"}),
    "401": (401, b"who are you?", {}),
    "403 in JSON": (403, b'{"error_code": "PERMISSION_DENIED", "message": "no"}', {}),
    "404": (404, b"<h1>not found</h1>", {}),
    "{} to all": (200, b"{}", {}),
    "[]": (200, b"[1]", {}),
    "another JSON": (200, b'{"experiment": 7, "run": "x", "experiment_id": {}}', {}),
    "itself, for ever": (302, b"", {"Location": "/again"}),
    "nothing": (200, b"", {}),
}
_SHORT = ("says nothing", "503, come again in an hour")


def tried(scale: Scale) -> Iterator[Row]:
    """Down from the start, then slow."""
    folder = scale.folder / "down"
    seeds = range(scale.n(2, 4))
    words = (*RUN, f"seed={','.join(map(str, seeds))}")
    quick = {} if scale.long else {"MLFLOW_HTTP_REQUEST_TIMEOUT": "1", "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "0"}
    alone = bench(*words, "tracking=none", folder=folder / "alone").seconds
    verdicts, delays = [], []
    port = unused_port()
    with ExitStack() as held:
        uris = {"refuses": f"http://127.0.0.1:{port}"}
        for name, answer in _ODD.items():
            if scale.long or name in _SHORT:
                uris[name] = held.enter_context(Odd(folder / f"odd {name}".replace("/", ""), *answer)).uri
        begun = {
            name: start(*words, f"tracking.uri={uri}", folder=folder / f"at {name}".replace("/", ""), **quick)
            for name, uri in uris.items()
        }
        for name, one in begun.items():
            done, runs = one.wait(180), folder / f"at {name}".replace("/", "") / "runs"
            verdicts.append(_named(name, unlogged(done, runs, len(seeds))))
            delays.append((name, done.seconds - alone))
            if not verdicts[-1]:
                verdicts.append(_named(name, synced(f"sqlite:///{folder}/{len(delays)}.db", runs.parent, runs)))
    slowest = max(seconds for _, seconds in delays)
    timed(delays)
    yield counted(
        f"store down, hanging or odd from the start ({len(uris)} kinds), {len(seeds)} runs each; `bench sync` later",
        verdicts, f"nothing; {slowest:.0f} s of waiting at most for all runs",
    )  # fmt: skip
    with Served(folder / "served", port) as served:
        yield counted(
            "two `bench sync` at once, and once more, to the server that was down", [_two_at_once(served.uri, scale)]
        )
        yield _slow(served, scale)


def _two_at_once(uri: str, scale: Scale) -> str:
    folder = scale.folder / "down" / "at refuses"
    for path in folder.glob("runs/*/*/*/mlflow.json"):
        path.unlink()
    both = [start("sync", folder=folder, MLFLOW_TRACKING_URI=uri) for _ in range(2)]
    for one in both:
        if fault := ended(one.wait(), "of two syncs at once: "):
            return fault
    return synced(uri, folder, folder / "runs")


def _slow(served: Served, scale: Scale) -> Row:
    verdicts, took = [], []
    for i, seconds in enumerate([0.2, 1.0, 2.0] if scale.long else [0.1]):
        folder = scale.folder / "down" / f"slow-{seconds}"
        served.fault("slow", 0, seconds=seconds)
        done = bench(*RUN, f"seed={50 + i}", f"tracking.uri={served.uri}", folder=folder)
        n = served.seen()
        served.fault("", 0)
        took.append((f"{n} requests, each {seconds} s late:", done.seconds))
        verdicts.append(ended(done) or faults(served.uri, folder / "runs", room=folder))
    return counted("a server whose every answer is late", verdicts, f"nothing; {timed(took)} s a run")


def _named(name: str, fault: str) -> str:
    return f"{name}: {fault}" if fault else ""
