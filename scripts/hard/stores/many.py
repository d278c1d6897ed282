"""Many processes that log to one store at once: nothing lost, nothing doubled, also where some are killed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from scripts.hard.forked import Child, Done, start
from scripts.hard.row import Row, Scale, counted, say
from scripts.hard.stores.study import MINI, RUN, copies, ended, faults, folders, make, of_seed, synced


def tried(scale: Scale) -> Iterator[Row]:
    """SQLite that nobody has made yet, SQLite that is there, and kills."""
    folder = scale.folder / "many"
    source = Source(scale, folder / "source")
    for i in range(scale.n(1, 3)):
        place = folder / f"sqlite-{i}"
        uri = f"sqlite:///{place}/store.db"
        yield source.at_once(uri, place, f"{source.n} processes at once, a new SQLite store")
        if scale.long:
            yield source.at_once(uri, place / "there", f"{source.n} processes at once, a SQLite store that is there")
    if scale.long:
        yield source.killed(lambda i: f"sqlite:///{folder}/killed-{i}.db", folder / "killed", "SQLite")


class Source:
    """Runs that processes log: the very same for all of them, and some of each alone."""

    def __init__(self, scale: Scale, folder: Path) -> None:
        self.scale, self.n, self.folder = scale, scale.n(4, 16), folder
        self.common = make(folder / "common", range(scale.n(1, 3)), MINI)
        whole = make(folder / "whole", range(100, 100 + self.n), RUN)
        self.own = [of_seed(whole, 100 + i, folder / f"own-{i}") for i in range(self.n)]
        self.took = 3.0  # seconds of the slowest process, the last time that nothing was killed

    def directories(self, place: Path) -> list[Path]:
        """A runs directory for each process."""
        made = []
        for i, own in enumerate(self.own):
            runs = copies(self.common, place / f"p{i}" / "runs")
            copies(own / "hard_numbers", runs / "hard_numbers")
            made.append(runs)
        return made

    def begin(self, uri: str, place: Path) -> tuple[list[Path], list[Child]]:
        """All processes, at one moment."""
        places = self.directories(place)
        children = [
            start("sync", "--runs", str(runs), folder=runs.parent, waits=True, MLFLOW_TRACKING_URI=uri,
                  BENCH_CACHE=str(place / "cache"))
            for runs in places
        ]  # fmt: skip
        time.sleep(0.2)
        for one in children:
            one.go()
        return places, children

    def at_once(self, uri: str, place: Path, name: str) -> Row:
        """All processes log at once; then every run is there once, whole, and said to be."""
        places, children = self.begin(uri, place)
        done = [one.wait() for one in children]
        waited = self.took = max(one.seconds for one in done)
        verdicts = [ended(one) or _all(one, runs) for one, runs in zip(done, places, strict=True)]
        verdicts.append(faults(uri, *places, room=place, marked=False))
        verdicts.append(synced(uri, place, *places))
        n = len(folders(places[0])) * self.n
        say(f"stores: {name}: {n} loggings, the slowest process took {waited:.1f} s")
        return counted(
            f"{name}, {n} loggings", verdicts, f"0 lost, 0 doubled; {waited:.0f} s at most" if not any(verdicts) else "see below"
        )  # fmt: skip

    def killed(self, uri_of: Callable[[int], str], place: Path, name: str) -> Row:
        """Some processes are killed at random moments of their logging; one sync of all the runs makes it exact."""
        draw, verdicts, kills = self.scale.draw(f"many {name}"), [], 0
        for i in range(self.scale.n(1, 4)):
            uri, spot = uri_of(i), place / str(i)
            _, children = self.begin(uri, spot)
            chosen = sorted((draw.uniform(0.1, 0.8) * self.took, one) for one in range(self.n // 3 + 1))
            began = time.monotonic()
            for after, one in chosen:
                time.sleep(max(0.0, began + after - time.monotonic()))
                children[one].kill()
            done = [one.wait() for one in children]
            kills += sum(one.returncode == -9 for one in done)
            verdicts += [ended(one) for one in done if one.returncode != -9]
            whole = copies(self.common, spot / "whole")
            for own in self.own:
                copies_into(own, whole)
            verdicts.append(synced(uri, spot, whole))
        return counted(f"kill -9 of {kills} of the processes that log at once, {name}; then one `bench sync`", verdicts)


def copies_into(own: Path, whole: Path) -> None:
    """The runs of one process beside those of the others."""
    for folder in folders(own):
        copies(folder, whole / folder.relative_to(own))


def _all(done: Done, runs: Path) -> str:
    """Whether a sync says that it logged, or found logged, all runs of its directory."""
    words = done.stdout.split()
    n = sum(int(words[i]) for i, word in enumerate(words) if word.isdigit() and words[i + 1] in ("runs", "others"))
    return "" if n == len(folders(runs)) else f"{n} of {len(folders(runs))} runs: {done.stdout!r}"
