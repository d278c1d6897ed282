"""`bench fetch`: data and weights beforehand, and whether the cache is still what it was."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

from bench.artifacts import kept
from bench.artifacts.digest import cache_dir
from bench.commands.shared import output
from bench.commands.shared.pace import bytes_text
from bench.config import compose as conf
from bench.errors import BenchError
from bench.text.shown import tell


def main(options: argparse.Namespace) -> int:
    """Bring data and weights into the cache; with `--verify` read every byte of it, 1 where one is not what it was."""
    found: dict[str, Any] = {}
    failed: list[tuple[str, str]] = []
    if options.overrides or not options.verify:
        found["fetched"], failed = _fetched(options.overrides)
        found |= {"failed": dict(failed)} if failed else {}
    wrong = _verified(found) if options.verify else []
    if options.json:
        output.emit(found)
    elif ready := found.get("fetched"):
        tell(f"ready: {', '.join(ready)}")
    for name, why in failed:  # again, where they stand together
        tell(f"bench: not fetched: {name}: {why}", err=True)
    return 2 if failed else 1 if wrong else 0


def _fetched(overrides: Sequence[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """What was brought, and what was not, with the reason; one that fails costs itself alone, where there are several."""
    from bench.commands.shared.progress import Display
    from bench.config.build import build

    config, choices = conf.compose(overrides)
    plain = conf.plain(config)
    tasks = plain["suite"]["tasks"] if plain["suite"] else [choices["task"]] if "task" in choices else []
    if not tasks and "model" not in choices:
        raise BenchError("nothing to fetch; name task=, suite= or model=")

    def bring_task(name: str) -> None:
        rest = [word for word in overrides if not word.startswith(("suite=", "task="))]
        build(conf.plain(conf.compose([*rest, f"task={name}"])[0])["task"], "task").fetch()

    def bring_model(_: str) -> None:
        build(plain["model"], "model").fetch()

    due: list[tuple[str, str, Callable[[str], None]]] = [(f"task {name}", "data", bring_task) for name in tasks]
    if "model" in choices:
        due.append((f"model {choices['model']}", "weights", bring_model))
    done, failed = [], []
    with Display() as display:
        for label, what, bring in due:
            display.run(label).doing(f"looks for its {what}")
            name = label.partition(" ")[2]
            try:
                bring(name)
                done.append(name)
            except BenchError as error:
                if len(due) == 1:
                    raise
                failed.append((label, str(error)))
                tell(f"bench: {label}: {error}", err=True)
    return done, failed


def _verified(found: dict[str, Any]) -> list[str]:
    """What of the cache is no longer as it was put there, each told in a line; the counts go into `found`."""
    from bench.commands.shared.progress import Display

    wrong, n, n_bytes = [], 0, 0
    with Display() as display:
        progress = display.run(f"reading {cache_dir()}")
        for one in kept.read_all():
            n, n_bytes = n + 1, n_bytes + one.n_bytes
            progress.doing(f"{n:,} things, {bytes_text(n_bytes)}")
            if one.wrong:
                wrong.append(f"{one.wrong}; {_remedy(one)}")
                tell(f"bench: {wrong[-1]}", err=True)
    found["verified"] = {"things": n, "bytes": n_bytes, "wrong": wrong}
    if not wrong:
        tell(f"bench: {cache_dir()}: {n:,} things, {bytes_text(n_bytes)}, all as they were put there", err=True)
    return wrong


def _remedy(one: kept.Kept) -> str:
    place = one.path.relative_to(cache_dir()).as_posix() if one.path.is_relative_to(cache_dir()) else ""
    if one.path == one.record:
        return "delete it: what it was of gets a new one, checked by its pin where it has one"
    if place.startswith(("derived/", "bundles/", "mlflow/empty-")):
        return "the next use makes it anew"
    both = f"{one.record} and " if str(one.record) in one.wrong else ""
    return f"delete {both}{one.path} and fetch it again"
