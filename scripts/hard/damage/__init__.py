"""Bad data: whatever `bench` opens, damaged by bytes and by values, ends with a line that names the place or with a right result.

Each group of kinds is a module of this folder whose `subjects()` yields what is damaged (`subject.Subject`: the files, the call
that reads them, and what is right). `trials` does the damage, each subject in a process of its own within bounds of time and
memory. An input is repeated by its seed and index; those that failed are kept in `HARD_INPUTS`, or a folder that the row names.
`HARD_ONLY` takes the subjects whose name holds one of some words, with commas between.
"""

from __future__ import annotations

import importlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from scripts.hard.damage.subject import Subject
from scripts.hard.damage.trials import Tried
from scripts.hard.damage.trials import tried as of_subject
from scripts.hard.row import Row, Scale, say

# Of each row: its text, the module of its subjects, and its share of the short version's time.
GROUPS = (
    ("damaged data of {n} tasks' readers", "readers:subjects", 12.0),
    ("damaged journal, ledger, identity, configuration and heartbeat of a run under way", "runs:journals", 4.0),
    ("damaged files of a complete run, in {n} uses", "runs:records", 8.0),
    ("damaged baseline of a gate, and the run that is checked", "baselines:subjects", 2.0),
    ("damaged submissions, {n} formats of tasks", "submissions:subjects", 5.0),
    ("damaged configuration, overrides, prices and boards", "settings:subjects", 6.0),
    ("damaged entries of DAWNBench", "entries:subjects", 2.0),
    ("damaged raw timings, and records and ledgers of trainings", "kept:timings", 2.0),
    ("damaged seals, digests and pins", "kept:caches", 2.0),
    ("damaged index of boards and mark of a store", "kept:indexes", 2.0),
    ("damaged pictures, recordings, films and annotations", "media:subjects", 5.0),
    ("damaged heads of weights", "media:weights", 1.0),
    ("damaged bundles: bytes of the zip, files in it, digests put right, odd zips", "bundles:subjects", 5.0),
)  # fmt: skip
SHORT = 20  # of each subject: the same ones on every machine, within the seconds above
LONG = int(os.environ.get("HARD_INPUTS_EACH", "10000"))  # inputs of each subject
_SHARE = 0.01  # of the inputs go through the whole command


def tried(scale: Scale) -> Iterator[Row]:
    """A row for each group of kinds; of the long version 10,000 inputs for each subject."""
    import numpy  # noqa: F401  (loaded before the processes are made)

    from bench import task  # noqa: F401
    from scripts.hard.damage import world

    os.environ["BENCH_OFFLINE"] = "1"  # what is not here is not fetched for a trial
    world.ready()
    kept = Path(os.environ.get("HARD_INPUTS") or tempfile.mkdtemp(prefix="hard-damage-inputs-"))
    kept.mkdir(parents=True, exist_ok=True)
    only = [word for word in os.environ.get("HARD_ONLY", "").split(",") if word]
    for text, module, seconds in GROUPS:
        name, _, call = module.partition(":")
        subjects = list(getattr(importlib.import_module(f"scripts.hard.damage.{name}"), call)())
        chosen = [one for one in subjects if not only or any(word in one.name for word in only)]
        if not scale.long and len(chosen) > 6:
            chosen = chosen[::3]
        if chosen:
            yield _row(text.format(n=len(chosen)), chosen, scale, seconds, kept)


def _row(text: str, subjects: list[Subject], scale: Scale, seconds: float, kept: Path) -> Row:
    found = []
    for number, subject in enumerate(subjects):
        folder = scale.folder / f"{subject.name.replace(' ', '_')}-{number}"
        each = 86_400.0 if scale.long else seconds / len(subjects)
        one = of_subject(
            subject, folder, seed=scale.seed, n=scale.n(SHORT, LONG), seconds=each, share=_SHARE, inputs=kept,
        )  # fmt: skip
        if scale.long or one.n_failures:
            say(
                f"{subject.name}: {one.tries:,} inputs, {one.refused:,} refused, {one.commands} commands, {one.n_failures} failed"
            )
        found.append(one)
    return _counted(text, found)


def _counted(text: str, found: list[Tried]) -> Row:
    tries, bad = sum(one.tries for one in found), sum(one.n_failures for one in found)
    refused, commands = sum(one.refused for one in found), sum(one.commands for one in found)
    failures = [line for one in found for line in one.failures]
    said = f"{text}: {refused:,} refused with their place, the others read right; {commands:,} by the whole command"
    return Row(said, tries, tries - bad, "nothing" if not bad else f"{bad:,} inputs", tuple(failures[:60]))
