"""The journal of predictions and the ledger of readings: lines that are appended while a run is under way, and found again."""

from __future__ import annotations

import json
import os
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, TypeVar

from bench.disk import write_atomically
from bench.errors import BenchError
from bench.record import Timing
from bench.runs import forms
from bench.runs.identity import canonical
from bench.text import secrets
from bench.text.shown import terminal
from bench.types import Json, Prediction

T = TypeVar("T")
JOURNAL, LEDGER = "predictions.jsonl", "timings.jsonl"
_SYNC_SECONDS = 1.0  # between two times that the disk is waited for: what a power cut may take


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Whole lines of a JSONL file with the offset behind each; an unfinished last line is left out."""
    if not path.exists():
        return
    offset = 0
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                return
            offset += len(line)
            yield offset, line


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
    return _readable(record)


def check_of(prediction: Prediction) -> str:
    """Eight digits that tell whether an answer is still what was given, whatever is written of its request beside it."""
    said = prediction.but(asked="", reused="", heard="")
    if said.error is not None:
        said = said.but(error=secrets.clean(said.error))
    return f"{zlib.crc32(canonical(said.to_json()).encode('utf-8', 'surrogatepass')):08x}"


def of_timing(timing: Timing) -> str:
    """The ledger's line of a reading."""
    return canonical({name: value for name, value in vars(timing).items() if value is not None})


def _readable(record: Json) -> str:
    """JSON with letters as they are, escaped only where UTF-8 cannot hold them (half a surrogate pair)."""
    text = json.dumps(record, ensure_ascii=False, allow_nan=False)
    return text if text.isascii() or _is_utf8(text) else json.dumps(record, allow_nan=False)


def _is_utf8(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


class Appended:
    """A file that lines are appended to, each group of them handed to the system at once; the disk is waited for once a second.

    So a process that is killed loses nothing that was appended, and a machine that loses its power a second of it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO | None = None
        self._synced = time.monotonic()

    def write(self, texts: Sequence[str]) -> None:
        """Append the lines; raises BenchError where the disk takes no more."""
        try:
            if self._file is None:
                _cut_unfinished(self.path)
                self._file = self.path.open("ab", buffering=0)
            data = memoryview("".join(text + "\n" for text in texts).encode())
            while data:
                data = data[self._file.write(data) or 0 :]
            if time.monotonic() - self._synced > _SYNC_SECONDS:
                os.fsync(self._file.fileno())
                self._synced = time.monotonic()
        except OSError as error:
            raise BenchError(
                f"{self.path} cannot be written ({error.strerror}); free space and run the same command again"
            ) from None

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _cut_unfinished(path: Path) -> None:
    """Cut off a last line that a crash left unfinished, so that the next one is no part of it."""
    if not path.exists():
        return
    with path.open("rb+") as file:
        if file.seek(0, os.SEEK_END) and file.seek(-1, os.SEEK_END) >= 0 and file.read(1) != b"\n":
            file.truncate(max((end for end, _ in lines(path)), default=0))


@dataclass(frozen=True)
class Kept:
    """What earlier attempts left: the ids of the answers that stand, and of these the ones that were `reused` from other runs.

    `unplaced` says that an earlier version wrote them, in other batches.
    """

    ids: frozenset[str] = frozenset()
    reused: frozenset[str] = frozenset()
    unplaced: bool = False


def recover(
    folder: Path, place: Mapping[str, int], say: Callable[[str], None], asked: Mapping[str, str] | None = None
) -> Kept:
    """What earlier attempts finished; journal and ledger are left with that, each line whole.

    Lines may stand in any order. One that no run could have written, or that comes a second time, is left out, and `say` is told
    so, as is an answer to another request than is `asked` (digests by id). A group of answers that did not all reach the journal
    is left out too: its reading is of work that nothing came of. `place` is each example's number in the data. Raises BenchError
    for an answer to an example that is not there.
    """
    journal, ledger = folder / JOURNAL, folder / LEDGER
    readings, unread = readable(ledger)
    found, bad, other = _answers(journal, asked or {}, _checks(readings), place)
    for foreign in (key for key in found if key not in place):
        raise BenchError(f"{journal}: the prediction for {foreign!r} is not in the data; run again with --fresh")
    for path, n in ((journal, bad), (ledger, unread)):
        if n:
            say(
                f"{path}: {n} lines cannot be read or come a second time, or are not what was written; they are left out, "
                "what is missing is asked again"
            )
    if other:
        say(f"{journal}: {other} lines answer another request than this run's; they are left out and asked again")
    unplaced = any(one.phase == "predict" and one.places is None for one in readings)
    placed, cut = _placed(readings, [place[key] for key, (_, reused) in found.items() if not reused])
    whole = _whole(placed, {place[key] for key in found}) - cut
    stands = {key: of for key, of in found.items() if of[1] or place[key] in whole}
    timed = owners(placed)
    if untimed := sum(not reused and place[key] not in timed for key, (_, reused) in stands.items()):
        say(f"{ledger}: {untimed} answers have no reading; they stand, and the run's times are those of the others")
    _rewrite(journal, {number for number, _ in stands.values()})
    _rewrite(ledger, {*range(len(readings))}, [of_timing(one) for one in placed] if unplaced or unread else None)
    return Kept(frozenset(stands), frozenset(key for key, (_, reused) in stands.items() if reused), unplaced)


def readable(ledger: Path) -> tuple[list[Timing], int]:
    """The readings of a ledger, oldest first, and how many of its lines are none."""
    found: list[Timing] = []
    bad = 0
    for _, line in lines(ledger):
        try:
            found.append(forms.timing(forms.loaded(line)))
        except forms.WRONG:
            bad += 1
    return found, bad


def _checks(readings: Sequence[Timing]) -> dict[int, set[str]]:
    """For each place what the readings that are of it say of its answer; none of what earlier versions wrote."""
    found: dict[int, set[str]] = {}
    for one in readings:
        for place, check in zip(one.places or (), one.checks or (), strict=False):
            found.setdefault(place, set()).add(check)
    return found


def _answers(
    journal: Path, asked: Mapping[str, str], checks: Mapping[int, set[str]], place: Mapping[str, int]
) -> tuple[dict[str, tuple[int, bool]], int, int]:
    """Of each answered id the number of its line and whether it was reused.

    With them how many lines are no answer, not the one that was given or a second one, and how many answer another request than
    is `asked`.
    """
    found: dict[str, tuple[int, bool]] = {}
    bad = other = 0
    for number, (_, line) in enumerate(lines(journal)):
        try:
            one = forms.prediction(forms.loaded(line))
        except forms.WRONG:
            bad += 1
            continue
        if one.asked != asked.get(one.id, one.asked):
            other += 1
            continue
        known = checks.get(place.get(one.id, -1))
        if known and not one.reused and check_of(one) not in known:
            bad += 1
            continue
        bad += one.id in found
        found.setdefault(one.id, (number, bool(one.reused)))
    return found, bad, other


def _placed(readings: Sequence[Timing], order: Sequence[int]) -> tuple[list[Timing], set[int]]:
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


def _whole(readings: Sequence[Timing], answered: set[int]) -> set[int]:
    """The answered places whose last reading has all of its answers here; those that no reading is of stand as they are."""
    owner = owners(readings)
    torn = {number for place, number in owner.items() if place not in answered}
    return {place for place in answered if owner.get(place) not in torn}


def owners(readings: Sequence[Timing]) -> dict[int, int]:
    """For each place, the number of the last reading that is of it: an answer that was given again was made by that one."""
    return {place: number for number, one in enumerate(readings) for place in one.places or ()}


def _rewrite(path: Path, kept: set[int], instead: Sequence[str] | None = None) -> None:
    """Leave only these lines of the file, or others in their stead; a file that holds just them stays as it is."""
    if not path.exists():
        return
    if instead is not None:
        write_atomically(path, "".join(line + "\n" for line in instead))
        return
    ends, windows = list[int](), False
    for end, line in lines(path):
        ends.append(end)
        windows = windows or line.endswith(b"\r\n")  # of an editor, or of git
    if windows or len(kept) < len(ends):
        whole = (line for number, (_, line) in enumerate(lines(path)) if number in kept)
        write_atomically(path, (line.rstrip(b"\r\n") + b"\n" for line in whole))
    elif path.stat().st_size != (end := ends[-1] if ends else 0):
        os.truncate(path, end)


def settle(folder: Path, ids: Sequence[str]) -> None:
    """Put the journal of a finished run into the order of the data, so that the same answers are the same bytes.

    `ids` are all examples' in that order. Nothing is done where it is so already.
    """
    path, spans, start = folder / JOURNAL, dict[str, tuple[int, int]](), 0
    for end, line in lines(path):
        spans[json.loads(line)["id"]] = (start, end - start)
        start = end
    order = [key for key in ids if key in spans]
    if order == list(spans):
        return
    with path.open("rb") as file:

        def line_of(key: str) -> bytes:
            file.seek(spans[key][0])
            return file.read(spans[key][1])

        write_atomically(path, map(line_of, order))
