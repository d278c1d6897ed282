"""One store for a lab: PostgreSQL and MLflow's server as scripts/serve_store.py starts them, with a database that goes away."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from scripts.hard.row import Row, Scale, counted, say
from scripts.hard.stores.lab import Lab
from scripts.hard.stores.many import Source, copies_into
from scripts.hard.stores.postgres import missing
from scripts.hard.stores.study import copies, ended, faults, synced

_GIVES_UP = "run `bench sync` again"  # what a sync says that the store did not take all of


def tried(scale: Scale) -> Iterator[Row]:
    """Many that log through the server while its database ends and comes back; not in the short version: it takes long to start."""
    if not scale.long:
        return
    if why := missing():
        say(f"stores: a server in front of PostgreSQL: skipped, {why}")
        yield Row(f"a server in front of PostgreSQL: SKIPPED, {why}", 0, 0, "–")
        return
    folder = scale.folder / "shared"
    source = Source(scale, folder / "source")
    with Lab(folder / "undisturbed-store", workers=scale.n(2, 4)) as lab:
        yield source.at_once(
            lab.uri, folder / "undisturbed", f"{source.n} processes at once, a server in front of PostgreSQL"
        )
    for i in range(scale.n(1, 3)):
        with Lab(folder / f"store-{i}", workers=scale.n(2, 4)) as lab:
            yield _restarted(lab, source, folder / f"restarted-{i}", scale, i)


def _restarted(lab: Lab, source: Source, place: Path, scale: Scale, i: int) -> Row:
    """The database is killed while all processes log, and started again by the script; then one `bench sync` of all runs."""
    places, children = source.begin(lab.uri, place)
    until = time.monotonic() + 120
    while time.monotonic() < until and not any(path for runs in places for path in runs.glob("*/*/*/mlflow.json")):
        time.sleep(0.01)  # the first has logged a run: the others are in the middle
    time.sleep(scale.draw(f"lab {i}").uniform(0, 0.5))
    lab.kill_database()
    done = [one.wait() for one in children]
    gave_up = sum(_GIVES_UP in one.stderr for one in done)
    verdicts = [
        "" if _GIVES_UP in one.stderr and one.returncode == 2 and len(one.lines) == 1 else ended(one) for one in done
    ]
    whole = copies(source.common, place / "whole")
    for own in source.own:
        copies_into(own, whole)
    fault = synced(lab.uri, place, whole) or faults(lab.uri, whole, room=place)
    say(
        f"stores: PostgreSQL killed under {source.n} processes: {gave_up} gave up; {max(one.seconds for one in done):.0f} s at most"
    )
    return counted(
        f"PostgreSQL behind MLflow's server ends while {source.n} processes log, and comes back; then one `bench sync`",
        [*verdicts, fault],
        f"0 lost, 0 doubled; {gave_up} processes gave up, each with a line" if not fault else "see below",
    )
