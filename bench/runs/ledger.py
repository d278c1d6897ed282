"""A ledger as it is found: its readings, and which of them made each answer."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.record import Timing
from bench.runs import forms
from bench.runs.appended import lines

_MOST_PLACES = 1 << 26  # of a data set; a reading of a place behind it is of nothing that is here


class Owners:
    """For each place the number of the last reading that is of it: an answer that was given again was made by that one."""

    def __init__(self, readings: Iterable[Timing] = ()) -> None:
        self._of = array("q")  # by place, -1 for none
        self._beyond: dict[int, int] = {}
        for number, one in enumerate(readings):
            self.see(number, one.places or ())

    def see(self, number: int, places: Sequence[int]) -> None:
        """Take in that the reading of this number is of these places; readings come in their order."""
        for place in places:
            if place >= _MOST_PLACES:
                self._beyond[place] = number
                continue
            if place >= len(self._of):
                self._of.extend(array("q", [-1]) * (place + 1 - len(self._of)))
            self._of[place] = number

    def get(self, place: int) -> int:
        """The number of the reading, -1 for none."""
        return self._of[place] if place < len(self._of) else self._beyond.get(place, -1)

    def __contains__(self, place: object) -> bool:
        return isinstance(place, int) and self.get(place) >= 0

    def items(self) -> Iterator[tuple[int, int]]:
        """Each place that has a reading, and its number."""
        yield from ((place, number) for place, number in enumerate(self._of) if number >= 0)
        yield from self._beyond.items()


class Checks:
    """For each place what the readings that are of it say of its answer (`bench.runs.journal.check_of`), in 8 bytes."""

    def __init__(self) -> None:
        self._of = array("q")  # by place, -1 for none
        self._others: dict[int, set[int]] = {}  # of answers that were given again, and of places behind all data

    def see(self, place: int, check: int) -> None:
        """Take in that an answer of this check was given."""
        if place >= _MOST_PLACES or (place < len(self._of) and self._of[place] not in (-1, check)):
            self._others.setdefault(place, set()).add(check)
            return
        if place >= len(self._of):
            self._of.extend(array("q", [-1]) * (place + 1 - len(self._of)))
        self._of[place] = check

    def allow(self, place: int, check: int) -> bool:
        """Whether this answer was given; of one that no reading checks nobody can tell."""
        first = self._of[place] if place < len(self._of) else -1
        others = self._others.get(place, ())
        return (first == -1 and not others) or check == first or check in others


class Ledger:
    """What a ledger says in one pass, without holding its readings.

    `number` is the last attempt's, `seconds` are those that are known of each attempt itself, `of_workers` those of each part that
    workers answered for it, `begun` the attempts with a line "begin".
    `owners` and `checks` are of the lines that can be read, `unread` how many cannot; `unplaced` says that an earlier version
    wrote some, without places.
    """

    def __init__(self, path: Path) -> None:
        self.number = self.unread = n_read = 0
        self.unplaced = False
        self.seconds, self.begun, self.owners = dict[int, float](), set[int](), Owners()
        self.checks, self.of_workers = Checks(), dict[int, dict[str, float]]()
        for _, line in lines(path):
            try:
                one = forms.timing_record(forms.loaded(line))
            except forms.WRONG:
                self.unread += 1
                continue
            attempt, phase, places = one["attempt"], one["phase"], one.get("places")
            self.number = max(self.number, attempt)
            self._add(attempt, one.get("part"), one["seconds"])
            if phase == "begin":
                self.begun.add(attempt)
            elif phase == "predict" and places is None:
                self.unplaced = True
            self.owners.see(n_read, places or ())
            for place, check in zip(places or (), one.get("checks", ()), strict=False):
                self.checks.see(place, check)
            n_read += 1

    def _add(self, attempt: int, part: str | None, seconds: float) -> None:
        of = self.seconds if part is None else self.of_workers.setdefault(attempt, {})
        key: Any = attempt if part is None else part
        of[key] = of.get(key, 0.0) + seconds


def readable(path: Path) -> tuple[list[Timing], int]:
    """The readings of a ledger, oldest first, and how many of its lines are none."""
    found: list[Timing] = []
    bad = 0
    for _, line in lines(path):
        try:
            found.append(forms.timing(forms.loaded(line)))
        except forms.WRONG:
            bad += 1
    return found, bad


def placed(readings: Sequence[Timing], order: Sequence[int]) -> tuple[list[Timing], set[int]]:
    """The readings, those that an earlier version wrote with the places of their answers, which stand in the journal's `order`.

    With them the places that are of a batch which a crash cut off.
    """
    last = {one.batch: number for number, one in enumerate(readings) if one.phase == "predict" and one.places is None}
    found: list[Timing] = []
    cut: set[int] = set()
    for number, one in enumerate(readings):
        if one.phase != "predict" or one.places is not None:
            found.append(one)
            continue
        start = one.batch or 0
        there = tuple(order[start : start + one.n]) if last[one.batch] == number else ()
        cut |= set(there) if len(there) < one.n else set()
        found.append(replace(one, places=there if len(there) == one.n else ()))
    return found, cut
