"""Bad data: whatever `bench` opens, damaged by bytes and by values, ends with a line that names the place or with a right result.

Each group of kinds is a module of this folder whose `subjects()` yields what is damaged (`subject.Subject`: the files, the call
that reads them, and what is right). `trials` does the damage, each subject in a process of its own within bounds of time and
memory. An input is repeated by its seed and index; those that failed are kept in `HARD_INPUTS`, or a folder that the row names.
`HARD_ONLY` takes the subjects whose name holds one of some words, with commas between.
"""

from __future__ import annotations

import importlib
import math
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scripts.hard.damage.subject import Subject
from scripts.hard.damage.trials import Asked, Tried
from scripts.hard.damage.trials import tried as of_subjects
from scripts.hard.row import Row, Scale, say

SHORT = 7  # of each subject: the same ones on every machine, within the seconds above
LONG = int(os.environ.get("HARD_INPUTS_EACH", "10000"))  # inputs of each reader, and at least so many of each row
_SHARE = 0.01  # of the inputs go through the whole command


@dataclass(frozen=True)
class Group:
    """A row: its text, the module of its subjects, its share of the short version's seconds, and of LONG for `each` subject.

    Without `each` the subjects share LONG: they are uses of the same files, or kinds of damage to them.
    """

    text: str
    subjects: str
    seconds: float
    each: float = 0.0
    stride: int = 0  # of tasks, in the short version; 0 where its subjects are no tasks

    def n(self, n_subjects: int) -> int:
        """How many inputs each of its subjects has in the long version."""
        return math.ceil(LONG * self.each if self.each else LONG / n_subjects)


GROUPS = (
    Group("damaged data of {n} tasks' readers", "readers:subjects", 12.0, each=1.0, stride=5),
    Group("damaged journal, ledger, identity, configuration and heartbeat of a run under way", "runs:journals", 4.0),
    Group("damaged files of a complete run, in {n} uses", "runs:records", 8.0),
    Group("damaged baseline of a gate, and the run that is checked", "baselines:subjects", 2.0),
    Group("damaged submissions, {n} formats of tasks", "submissions:subjects", 5.0, each=0.1, stride=5),
    Group("damaged configuration, overrides, prices and boards", "settings:subjects", 6.0),
    Group("damaged entries of DAWNBench", "entries:subjects", 2.0),
    Group("damaged raw timings, and records and ledgers of trainings", "kept:timings", 2.0, each=1.0),
    Group("damaged seals, digests and pins", "kept:caches", 2.0),
    Group("damaged counts of attempts on held-out references", "kept:attempts", 1.0),
    Group("damaged index of boards and mark of a store", "kept:indexes", 2.0),
    Group("damaged pictures, recordings, films and annotations", "media:subjects", 5.0, each=1.0),
    Group("damaged heads of weights", "media:weights", 1.0, each=1.0),
    Group("damaged bundles: bytes of the zip, files in it, digests put right, odd zips", "bundles:subjects", 5.0),
)


def tried(scale: Scale) -> Iterator[Row]:
    """A row for each group of kinds; of the long version 10,000 inputs or more."""
    import numpy  # noqa: F401  (loaded before the processes are made)

    from bench import task  # noqa: F401
    from scripts.hard.damage import world

    os.environ["BENCH_OFFLINE"] = "1"  # what is not here is not fetched for a trial
    world.ready()
    kept = Path(os.environ.get("HARD_INPUTS") or tempfile.mkdtemp(prefix="hard-damage-inputs-"))
    kept.mkdir(parents=True, exist_ok=True)
    only = [word for word in os.environ.get("HARD_ONLY", "").split(",") if word]
    for group in GROUPS:
        name, _, call = group.subjects.partition(":")
        made = getattr(importlib.import_module(f"scripts.hard.damage.{name}"), call)
        subjects = list(made(group.stride) if group.stride and not scale.long else made())
        chosen = [one for one in subjects if not only or any(word in one.name for word in only)]
        if not scale.long and not group.stride and len(chosen) > 6:
            chosen = chosen[::3]
        if chosen:
            yield _row(group, chosen, scale, kept)


def _row(group: Group, subjects: list[Subject], scale: Scale, kept: Path) -> Row:
    n = scale.n(SHORT, group.n(len(subjects)))
    share = 86_400.0 if scale.long else group.seconds / len(subjects)
    before = {one.name: scale.keep.found("damage", one.name, scale.seed, n) for one in subjects}
    asked = (
        (one, Asked(scale.folder / f"{one.name.replace(' ', '_')}-{number}", scale.seed, n, share, _SHARE, kept))
        for number, one in enumerate(subjects)
        if before[one.name] is None
    )
    found = [Tried(**one) for one in before.values() if one is not None]
    for subject, one in of_subjects(asked, scale.n(1, os.cpu_count() or 1)):
        if scale.long or one.n_failures:
            counts = f"{one.tries:,} inputs, {one.refused:,} refused, {one.commands} commands, {one.n_failures} failed"
            say(f"{subject.name}: {counts}")
        if not one.n_failures:
            scale.keep.put(vars(one), "damage", subject.name, scale.seed, n)
        found.append(one)
    return _counted(group.text.format(n=len(subjects)), found)


def _counted(text: str, found: list[Tried]) -> Row:
    tries, bad = sum(one.tries for one in found), sum(one.n_failures for one in found)
    refused, commands = sum(one.refused for one in found), sum(one.commands for one in found)
    failures = [line for one in found for line in one.failures]
    said = f"{text}: {refused:,} refused with their place, the others read right; {commands:,} by the whole command"
    return Row(said, tries, tries - bad, "nothing" if not bad else f"{bad:,} inputs", tuple(failures[:60]))
