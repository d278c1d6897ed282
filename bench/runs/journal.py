"""The journal of predictions and the ledger of readings: their lines, what an attempt left of them, and their order at the end."""

from __future__ import annotations

import json
import os
import zlib
from array import array
from collections.abc import Callable, Iterable, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from bench.disk import json_lettered, write_atomically
from bench.errors import BenchError
from bench.record import Timing
from bench.runs import forms
from bench.runs.appended import lines
from bench.runs.compact import Marked
from bench.runs.identity import canonical
from bench.runs.ledger import Checks, Ledger, Owners, placed, readable
from bench.text import secrets
from bench.text.shown import terminal
from bench.types import Json, Prediction

T = TypeVar("T")
JOURNAL, LEDGER = "predictions.jsonl", "timings.jsonl"
_OF_THE_REQUEST = ("asked", "reused", "heard")


def parsed(path: Path, number: int, line: bytes, make: Callable[[dict[str, Json]], T]) -> T:
    """What a line says; raises BenchError for one that cannot be read."""
    try:
        found = json.loads(line)
        if not isinstance(found, dict):
            raise TypeError(f"found a {type(found).__name__}, expected an object {{…}}")
        return make(found)
    except forms.WRONG as error:
        said = f"{type(error).__name__}: {error}" if isinstance(error, KeyError) else terminal(error, 300)
        raise BenchError(f"{path} line {number}: {said}; run again with --fresh") from None


def of_prediction(prediction: Prediction) -> str:
    """The journal's line of a prediction; its error, which may quote anything, says no secret."""
    said = prediction.error
    record = (prediction if said is None else replace(prediction, error=secrets.clean(said))).to_json()
    return json_lettered(record)


def check_of(prediction: Prediction) -> int:
    """A number of 32 bits that tells whether an answer is still what was given, whatever is written of its request beside it."""
    said = prediction.error
    return check_of_record((prediction if said is None else replace(prediction, error=secrets.clean(said))).to_json())


def check_of_record(record: Mapping[str, Json]) -> int:
    """The same of the journal's line."""
    own = {name: value for name, value in record.items() if name not in _OF_THE_REQUEST}
    return zlib.crc32(canonical(own).encode("utf-8", "surrogatepass"))


def of_timing(timing: Timing) -> str:
    """The ledger's line of a reading."""
    return canonical({name: value for name, value in vars(timing).items() if value is not None})


@dataclass(frozen=True)
class Kept:
    """What earlier attempts left: the ids of the answers that stand, and of these the ones that were `reused` from other runs.

    `unplaced` says that an earlier version wrote them, in other batches.
    """

    ids: Set[str] = frozenset()
    reused: Set[str] = frozenset()
    unplaced: bool = False


def recover(
    folder: Path, place: Mapping[str, int], say: Callable[[str], None], asked: Mapping[str, str] | None = None,
    read: Ledger | None = None, remedy: str = "run again with --fresh",
) -> Kept:  # fmt: skip
    """What earlier attempts finished; journal and ledger are left with that, each line whole.

    Lines may stand in any order. One that no run could have written, or that comes a second time, is left out, and `say` is told
    so, as is an answer to another request than is `asked` (digests by id). A group of answers that did not all reach the journal
    is left out too: its reading is of work that nothing came of. `place` is each example's number in the data, `read` the ledger
    where it was read before. Raises BenchError, with the `remedy`, for an answer to an example that is not there.
    """
    journal, ledger = folder / JOURNAL, folder / LEDGER
    read = read or Ledger(ledger)
    found = _Answers(journal, place, asked or {}, read.checks, remedy)
    for path, n in ((journal, found.bad), (ledger, read.unread)):
        if n:
            say(
                f"{path}: {n} lines cannot be read or come a second time, or are not what was written; they are left out, "
                "what is missing is asked again"
            )
    if found.other:
        say(f"{journal}: {found.other} lines answer another request than this run's; they are left out and asked again")
    instead: Iterable[Timing] | None = readable(ledger)[0] if read.unread or read.unplaced else None
    made, cut = read.owners, set[int]()
    if read.unplaced and instead is not None:
        instead, cut = placed([*instead], [at for at in found.order if not found.reused[at]])
        made = Owners(instead)
    stands = _standing(found, made, cut)
    if untimed := sum(stands[at] and not found.reused[at] and at not in made for at in found.order):
        say(f"{ledger}: {untimed} answers have no reading; they stand, and the run's times are those of the others")
    kept = bytearray(found.n_lines)
    for at in found.order:
        kept[found.line[at]] = stands[at]
    _rewrite(journal, kept)
    _rewrite(ledger, None, None if instead is None else map(of_timing, instead))
    reused = bytearray(a and b for a, b in zip(stands, found.reused, strict=True))
    return Kept(Marked(place, stands), Marked(place, reused), read.unplaced)


class _Answers:
    """What a journal holds, by the places of its answers: the number of the `line`, and a 1 for each that is there or `reused`.

    `order` are the places as they come; `bad` lines are no answer or a second one, and `other` answer another request than is
    `asked`.
    """

    def __init__(
        self, journal: Path, place: Mapping[str, int], asked: Mapping[str, str], checks: Checks, remedy: str
    ) -> None:  # fmt: skip
        self.there, self.reused = bytearray(len(place)), bytearray(len(place))
        self.line, self.order = array("I", bytes(4 * len(place))), array("I")
        self.n_lines = self.bad = self.other = 0
        for number, (_, line) in enumerate(lines(journal)):
            self.n_lines = number + 1
            try:
                one = forms.prediction_record(forms.loaded(line))
            except forms.WRONG:
                self.bad += 1
                continue
            key = one["id"]
            if (due := asked.get(key)) is not None and one.get("asked", "") != due:
                self.other += 1
            elif (at := place.get(key)) is None:
                raise BenchError(f"{journal}: the prediction for {key!r} is not in the data; {remedy}")
            elif self.there[at] or ("reused" not in one and not checks.allow(at, check_of_record(one))):
                self.bad += 1
            else:
                self.there[at], self.line[at], self.reused[at] = 1, number, "reused" in one
                self.order.append(at)


def _standing(found: _Answers, made: Owners, cut: Set[int]) -> bytearray:
    """A 1 for each place whose answer stands: its last reading has all of its answers here, or it has none, or it was reused."""
    n = len(found.there)
    torn = {number for at, number in made.items() if at >= n or not found.there[at]}
    stands = bytearray(found.there)
    if torn or cut:
        for at in found.order:
            stands[at] = found.reused[at] or (at not in cut and made.get(at) not in torn)
    return stands


def _rewrite(path: Path, kept: bytearray | None, instead: Iterable[str] | None = None) -> None:
    """Leave only the lines that are `kept` (None: all), or others in their stead; a file that holds just them stays as it is."""
    if not path.exists():
        return
    if instead is not None:
        write_atomically(path, ((line + "\n").encode() for line in instead))
        return
    size, windows = 0, False
    for end, line in lines(path):
        size = end
        windows = windows or line.endswith(b"\r\n")  # of an editor, or of git
    if windows or (kept is not None and not all(kept)):
        whole = (line for number, (_, line) in enumerate(lines(path)) if kept is None or kept[number])
        write_atomically(path, (line.rstrip(b"\r\n") + b"\n" for line in whole))
    elif path.stat().st_size != size:
        os.truncate(path, size)


def ids_in(folder: Path) -> set[str]:
    """The ids of the answers that a journal has now, of lines that can be read."""
    found = set()
    for _, line in lines(folder / JOURNAL):
        with suppress(*forms.WRONG):
            found.add(forms.prediction_record(forms.loaded(line))["id"])
    return found


def settle(folder: Path, place: Mapping[str, int]) -> None:
    """Put the journal of a finished run into the order of the data, so that the same answers are the same bytes.

    `place` is each example's number in that order. Nothing is done where it is so already.
    """
    path, starts, start, last, ordered = folder / JOURNAL, array("q", [-1]) * len(place), 0, -1, True
    for end, line in lines(path):
        if (at := place.get(json.loads(line)["id"])) is not None:
            starts[at] = start
            ordered, last = ordered and at > last, at
        start = end
    if ordered:
        return
    with path.open("rb") as file:

        def line_at(start: int) -> bytes:
            file.seek(start)
            return file.readline()

        write_atomically(path, (line_at(start) for start in starts if start >= 0))
