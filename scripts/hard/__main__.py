"""Does faults to whole runs and counts what survives: `python -m scripts.hard [--short] [--only crash,stores] [--keep FILE]`.

The long version takes many hours: with `--keep` each part that survived, and each subject of damage, is a line of a file, and the
same call goes on with what is missing.

Each part is a module of this folder whose `tried(scale)` yields rows; `--only stores` takes all those of stores. Prints one table,
and below it what did not survive; ends with 1 where anything did not, or where a part broke off.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.hard import forked
from scripts.hard.row import HEAD, Keep, Row, Scale, say

PARTS = (
    "stores.postgres",
    "stores.down",
    "damage",
    "offline",
    "stores.cut",
    "offline.closed",
    "crash",
    "parts",
    "shared",
    "changed",
    "resources",
    "long_runs",
    "degenerate",
    "stores.many",
    "stores.databases",
    "stores.schemas",
    "stores.exchanged",
    "stores.shared",
)  # the longest of the short ones first


@dataclass(frozen=True)
class Part:
    """What came of a part: its rows, the seconds that it took, and whether it broke off."""

    rows: Sequence[Row]
    seconds: float = 0.0
    broke: bool = False


class Going:
    """A part in a process of its own: a fork of this one, which has imported what commands need."""

    def __init__(self, name: str, options: argparse.Namespace, said: Path) -> None:
        self.name, self.said, self.began = name, said, time.monotonic()
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid:
            return
        code = 1
        try:
            self._inside(options)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)

    def _inside(self, options: argparse.Namespace) -> None:
        with tempfile.TemporaryDirectory(prefix=f"hard-{self.name}-") as place, self.said.open("w") as said:
            folder = Path(place)
            forked.own_cache(folder / "warm")
            scale = Scale(not options.short, folder, options.seed, Keep(options.keep))
            for row in importlib.import_module(f"scripts.hard.{self.name}").tried(scale):
                print(json.dumps(row.to_json()), file=said, flush=True)

    def ended(self, status: int) -> Part:
        """What came of it, once it has ended."""
        lines = self.said.read_text().split("\n") if self.said.exists() else []
        rows = [Row(**json.loads(line)) for line in lines[:-1]]  # behind the last line's end stands what a kill cut off
        part = Part(rows, time.monotonic() - self.began, status != 0)
        broke = ", BROKE OFF" if part.broke else ""
        say(f"{self.name}: {sum(row.tries for row in part.rows):,} tries in {part.seconds:.0f} s{broke}")
        return part


def tried(names: Sequence[str], options: argparse.Namespace, folder: Path) -> list[Part]:
    """The parts: what was kept of them, the others tried, four beside each other in the short version."""
    keep = Keep(options.keep)
    kept = {name: keep.found(*_key(name, options)) for name in names}
    done = {
        name: Part([Row(**row) for row in one["rows"]], one["seconds"]) for name, one in kept.items() if one is not None
    }
    waiting, going = [name for name in names if name not in done], dict[int, Going]()
    if waiting:
        forked.warm(folder)
    while waiting or going:
        if waiting and len(going) < (4 if options.short else 1):
            one = Going(waiting[0], options, folder / f"{waiting[0]}.rows")
            going[one.pid] = one
            del waiting[0]
            continue
        pid, status = os.wait()
        if pid not in going:  # what a part left behind
            continue
        name, part = going[pid].name, going.pop(pid).ended(status)
        done[name] = part
        if not (
            part.broke or any(row.failures for row in part.rows) or any(key.startswith("HARD_") for key in os.environ)
        ):
            keep.put({"rows": [row.to_json() for row in part.rows], "seconds": part.seconds}, *_key(name, options))
    return [done[name] for name in names]


def _of(name: str, part: str) -> bool:
    return part == name or part.startswith(f"{name}.")


def _key(name: str, options: argparse.Namespace) -> tuple[object, ...]:
    return name, "short" if options.short else "long", options.seed


def main() -> int:
    """Run the parts, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="the version that CI runs")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, with commas between")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--keep", type=Path, metavar="FILE", help="go on with what this file has not, and add what ends"
    )
    options = parser.parse_args()
    asked = options.only.split(",")
    if unknown := [name for name in asked if not any(_of(name, part) for part in PARTS)]:
        parser.error(f"unknown part {unknown[0]!r}; the parts are {', '.join(PARTS)}")
    names = [part for part in PARTS if any(_of(name, part) for name in asked)]
    start = time.monotonic()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory(prefix="hard-") as folder:
        found = tried(names, options, Path(folder))
    print(HEAD)
    rows = [row for part in found for row in part.rows]
    for row in rows:
        print(row)
    for row in rows:
        for line in row.failures:
            print(f"NOT SURVIVED {row.fault}: {line}")
    broken = [name for name, part in zip(names, found, strict=True) if part.broke]
    tries, survived = sum(row.tries for row in rows), sum(row.survived for row in rows)
    print(f"{tries:,} faults and inputs tried, {survived:,} survived, in {time.monotonic() - start:.0f} s")
    if commits := sorted({line["commit"] for line in Keep(options.keep).lines()}):
        print(f"{options.keep} has what was tried at {', '.join(commits)}")
    if broken:
        print(f"broke off: {', '.join(broken)}")
    return 1 if broken or survived < tries else 0


if __name__ == "__main__":
    sys.exit(main())
