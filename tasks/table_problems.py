"""What is wrong with the rows of a table as a task, though each can be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from bench.types import Column, Example
from tasks.giveaways import giveaways

if TYPE_CHECKING:
    from tasks.table import TableTask

_MANY_ALIKE = 0.1  # of the rows to evaluate; published files have a few


def unfit(
    task: TableTask, columns: Sequence[Column], parts: tuple[Sequence[Example], Sequence[Example]], alike: int
) -> Iterator[str]:
    """A line for each column that gives the label away, for labels and groups that a side lacks, and for rows on both sides.

    `parts` are the rows to evaluate and those to learn from, `alike` of the first stand in the training file too.
    """
    test, learnt = parts
    for name in giveaways(columns, [*test, *learnt], task.label_of):
        yield f"the column {name!r} alone tells the label of every row; drop it, unless it is known before the label is"
    yield from _labels(task, *({task.label_of(one) for one in side} for side in parts))
    if task.splits is None and not learnt:
        yield "there are no rows to learn from: those that there are, are like rows to evaluate, or their file is not here"
    if alike > _MANY_ALIKE * len(test):
        yield f"{alike:,} of {len(test):,} rows to evaluate are in the training file too, whose rows like them are not learned from"
    for attribute, group in task.groups.items():
        seen = {one.target["groups"][attribute] for one in test}
        if none := [name for name in group.names if name not in seen]:
            yield f"no row to evaluate is in the group {none[0]!r} of {attribute}: nothing can be said of how it is treated"


def _labels(task: TableTask, test: set[str], learnt: set[str]) -> Iterator[str]:
    for label in task.labels:
        if label not in test | learnt:
            yield f"no row has the label {label!r}"
        elif learnt and label not in learnt:
            yield f"no row to learn from has the label {label!r}: all of them are among those to evaluate"
