"""Parts of a run that processes answer apart, each in a folder of its own beside the run, and how they become the one run.

    runs/<task>/<model>/<run id>/
      shards/.lock          held while somebody sees which parts there are
      shards/3-of-8/        a part: journal, ledger, lock, log and sign of life, as a run has them
        part.json           which part it is, and when all of it is answered by what, in how much memory
      shards/logs/          the logs of parts that were taken in
      shards.json           what is known of the parts that were taken in

What parts have answered is taken in by whoever goes on with the run: into its journal, and with their readings into its ledger.
Then the parts' folders go. A kill in between costs nothing: who comes next does it again, and the same lines come of it.
"""

from __future__ import annotations

import heapq
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from bench.disk import json_lettered, write_atomically
from bench.errors import BenchError
from bench.logs.log import FILE as LOG
from bench.record import Timing
from bench.runs import forms, journal, locks, record_schema
from bench.runs.appended import lines
from bench.runs.attempt import lost_in
from bench.runs.folder import IDENTITY, TAKEN_IN, RunFolder
from bench.runs.forms import WRONG
from bench.runs.identity import Identity
from bench.runs.journal import JOURNAL, LEDGER, of_timing
from bench.runs.ledger import Ledger, readable
from bench.runs.state import ANSWERED, PARTS
from bench.types import Example, Json, Prediction, Request

FOLDER, PART = PARTS, ANSWERED
LOGS = "logs"  # beside the parts: those of parts that were taken in, and of whoever launched them
MOST = 4096  # parts of a run
Say = Callable[[str], None]


@dataclass(frozen=True, order=True)
class Shard:
    """Part `number` (from 1) of the `of` parts of a run."""

    of: int
    number: int

    @classmethod
    def parsed(cls, text: str) -> Shard:
        """The part that a text like "3/8" names; raises BenchError for none.

        >>> Shard.parsed("3/8").folder, str(Shard.parsed("1/1"))
        ('3-of-8', '1/1')
        """
        found = re.fullmatch(r"([1-9][0-9]{0,5})/([1-9][0-9]{0,5})", text)
        if found is None or not int(found[1]) <= int(found[2]) <= MOST:
            raise BenchError(
                f"shard={text} is no part: NUMBER/PARTS is due, from 1/8 to 8/8 for eight of them, and at most {MOST} parts"
            )
        return cls(int(found[2]), int(found[1]))

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @property
    def folder(self) -> str:
        """The name of its folder."""
        return f"{self.number}-of-{self.of}"


@dataclass(frozen=True)
class Part:
    """A part that is there: which, where, the token that the parts which were begun for one another share, and what it says."""

    shard: Shard
    path: Path
    together: str
    said: Mapping[str, Json]

    @property
    def is_done(self) -> bool:
        """Whether it says that all of it is answered."""
        return "seconds" in self.said

    @property
    def key(self) -> str:
        """What its readings are called by in the ledger of the run: "3/8 0a1b2c3d"."""
        return f"{self.shard} {self.together}"


@dataclass(frozen=True)
class Elsewhere:
    """The examples that a part does not answer: those of other parts, and those that the run itself has answers to.

    `numbers` are the parts of the examples by their `place`, `number` is its own, `known` are the ids that the run in `folder` has.
    """

    place: Mapping[str, int]
    numbers: Sequence[int]
    number: int
    known: Set[str]
    folder: RunFolder

    def __contains__(self, key: str) -> bool:
        return self.numbers[self.place[key]] != self.number or key in self.known

    def answers(self) -> Iterator[Prediction]:
        """What the run has, which requests of the part may show."""
        return self.folder.predictions()


def split(
    examples: Sequence[Example], request: Callable[[Example], Request], cost: Callable[[Request], int], of: int
) -> Sequence[int]:
    """The number of the part, from 1, of each example.

    Clusters (a passage, a document, a conversation) stay whole. The costliest comes first, each into the part that has the least
    by then (Graham, 1969: at most 4/3 of the best longest part, for whole clusters).
    """
    costs: dict[str, int] = {}
    for example in examples:
        costs[example.cluster] = costs.get(example.cluster, 0) + max(1, cost(request(example)))
    loads = [(0, number) for number in range(1, of + 1)]
    part: dict[str, int] = {}
    for cluster in sorted(
        costs, key=lambda one: -costs[one]
    ):  # which is stable: what costs the same comes as in the data
        load, number = heapq.heappop(loads)
        part[cluster] = number
        heapq.heappush(loads, (load + costs[cluster], number))
    return [part[example.cluster] for example in examples]


def found_in(folder: Path) -> list[Part]:
    """The parts that lie beside a run, in their order; raises BenchError for a folder among them that is none."""
    found = []
    for path in sorted((folder / FOLDER).glob("*")):
        if path.name.startswith(".") or path.name == LOGS or not path.is_dir():
            continue
        try:
            if path.is_symlink() or not (path / PART).is_file():
                raise ValueError("it is a link" if path.is_symlink() else f"it has no {PART}")
            said = forms.loaded((path / PART).read_bytes())
            if wrong := record_schema.misfit(said, record_schema.PART):
                raise ValueError(wrong)
            shard, together = Shard.parsed(said["shard"]), said["together"]
            if shard.folder != path.name or not re.fullmatch("[0-9a-f]{8}", together):
                raise ValueError(f"it says to be part {shard}")
        except (OSError, BenchError, *WRONG) as error:
            raise BenchError(
                f"{path} is no part of the run ({error}); a part lies in a folder of its own name, with its {PART}: put it right, "
                "or remove the folder, and its examples are asked again"
            ) from None
        found.append(Part(shard, path, together, said))
    return sorted(found, key=lambda one: (one.shard.of, one.shard.number))


def begun(folder: Path, shard: Shard) -> Part:
    """The folder of a part, made where it is not there; it belongs to the parts of the same count that are there."""
    for one in found_in(folder):
        if one.shard == shard:
            return one
    together = next((one.together for one in found_in(folder) if one.shard.of == shard.of), secrets.token_hex(4))
    path = folder / FOLDER / shard.folder
    said = {"shard": str(shard), "together": together}
    draft = path.with_name(f".{path.name}")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    write_atomically(draft / PART, json_lettered(said) + "\n")
    draft.rename(path)
    return Part(shard, path, together, said)


def finished(part: Part, said: Mapping[str, Json]) -> None:
    """Write down that all of the part is answered, and what by."""
    write_atomically(part.path / PART, json_lettered({**part.said, **said}) + "\n")


def taken_in(folder: Path) -> list[Mapping[str, Json]]:
    """What is known of the parts whose answers the run has, in the order in which they were taken in."""
    try:
        found = forms.loaded((folder / TAKEN_IN).read_bytes())
        return [dict(one) for one in found if _is_known(one)]
    except (OSError, *WRONG):
        return []


def _is_known(one: Json) -> bool:
    said = {name: value for name, value in one.items() if name not in ("key", "n", "log")}
    return isinstance(one["key"], str) and not record_schema.misfit(said, record_schema.PART)


def take_in(
    folder: RunFolder, identity: Identity, place: Mapping[str, int], asked: Mapping[str, str], say: Say, but: str = ""
) -> int:
    """Take what all parts have answered into the run, whose lock is ours; how many parts there were.

    Parts of `but`, a token, are left where they are. Raises BenchError where one of them is under way, of another run, or where two
    answered the same example otherwise.
    """
    for path in (*(folder.path / FOLDER).glob(".gone-*"), *(folder.path / FOLDER).glob(".*-of-*")):  # of who was killed
        shutil.rmtree(path, ignore_errors=True)
    parts = [one for one in found_in(folder.path) if one.together != but]
    if not parts:
        return 0
    with ExitStack() as held:
        _make_logs(folder.path / FOLDER / LOGS)
        for one in parts:
            held.enter_context(locks.locked(one.path))
            refuse_other(one, folder.path, identity)
        own_ids = journal.recover(folder.path, place, say, asked).ids
        answered = [recovered(one, place, say, asked) for one in parts]
        doubled = _doubled(parts, answered)
        _refuse_changed(folder.path, own_ids, parts, answered)
        _say_known(folder.path, parts, answered)
        keys = {one.key for one in parts}
        own = [one for one in readable(folder.path / LEDGER)[0] if one.part not in keys]
        folder.stand_on(identity, [version for one in parts for version in RunFolder(one.path).library_attempts()])
        write_atomically(
            folder.path / LEDGER, (f"{of_timing(one)}\n".encode() for one in _readings(own, parts, len(place)))
        )
        write_atomically(folder.path / JOURNAL, _answers(folder.path, parts, answered, doubled))
        for one in parts:
            _remove(one)
    return len(parts)


def recovered(part: Part, place: Mapping[str, int], say: Say, asked: Mapping[str, str]) -> Set[str]:
    """The ids of what a part has answered, whose lock is ours; raises BenchError for answers that are none of this data."""
    remedy = "remove the part's folder, and its examples are asked again"
    return journal.recover(part.path, place, say, asked, remedy=remedy).ids


def _readings(own: Sequence[Timing], parts: Sequence[Part], n: int) -> Iterator[Timing]:
    """The readings of the run, then those of each part: attempts are counted on, and batches stand behind those before."""
    yield from own
    last = max((one.attempt for one in own), default=0)
    for number, part in enumerate(parts, 1):
        found, _ = readable(part.path / LEDGER)
        found += lost_in(part.path, Ledger(part.path / LEDGER))
        for one in found:
            batch = None if one.batch is None else number * n + one.batch
            yield replace(one, attempt=last + one.attempt, batch=batch, part=part.key)
        last += max((one.attempt for one in found), default=0)


def _answers(
    folder: Path, parts: Sequence[Part], answered: Sequence[Set[str]], doubled: Sequence[frozenset[str]]
) -> Iterator[bytes]:
    """The lines of the run's journal that no part has, then those of each part."""
    for _, line in lines(folder / JOURNAL):
        with suppress(*WRONG):  # what cannot be read is asked again
            key = forms.loaded(line)["id"]
            if not any(key in one for one in answered):
                yield line
    for part, left_out in zip(parts, doubled, strict=True):
        for _, line in lines(part.path / JOURNAL):
            if not left_out or forms.loaded(line)["id"] not in left_out:
                yield line


def _doubled(parts: Sequence[Part], answered: Sequence[Set[str]]) -> list[frozenset[str]]:
    """Of each part the ids that one before it has answered just so; raises BenchError where two answers differ."""
    found = []
    for number, ids in enumerate(answered):
        twice: dict[str, int] = {}
        for before in range(number):
            small, large = sorted((ids, answered[before]), key=len)
            twice |= {key: before for key in small if key in large}
        if twice:
            ours = _records(parts[number].path, twice)
            for before in sorted(set(twice.values())):
                theirs = _records(parts[before].path, twice)
                for key in (key for key, where in twice.items() if where == before and ours[key] != theirs[key]):
                    raise BenchError(
                        f"parts {parts[before].shard} and {parts[number].shard} of {'/'.join(parts[number].path.parts[-5:-2])} "
                        f"both answered example {key!r}, and otherwise: parts have no example in common; remove the folder of the "
                        "one that is not of this run"
                    )
        found.append(frozenset(twice))
    return found


def _refuse_changed(run: Path, own: Set[str], parts: Sequence[Part], answered: Sequence[Set[str]]) -> None:
    """Raise BenchError where a part answered otherwise what the run has: a part that came back, or was copied here, later."""
    for part, ids in zip(parts, answered, strict=True):
        small, large = sorted((own, ids), key=len)
        twice = {key: 0 for key in small if key in large}  # a kill while parts were taken in leaves some, alike in both
        if twice:
            ours, theirs = _records(run, twice), _records(part.path, twice)
            if (key := next((key for key in twice if ours[key] != theirs[key]), None)) is not None:
                raise BenchError(
                    f"part {part.shard} of {'/'.join(run.parts[-3:])} answered example {key!r} otherwise than the run has it from "
                    f"before; remove the part's folder ({part.path}) to keep the run's answers, or the run's folder to begin anew"
                )


def _records(folder: Path, ids: Mapping[str, int]) -> dict[str, Json]:
    found = (forms.loaded(line) for _, line in lines(folder / JOURNAL))
    return {one["id"]: one for one in found if one["id"] in ids}


def refuse_other(part: Part, run: Path, identity: Identity) -> None:
    """Raise BenchError for a part that was answered on another ground than the run has."""
    if not (part.path / IDENTITY).exists() and not (part.path / JOURNAL).exists():
        return  # it was killed before it began
    its = RunFolder(part.path).identity()
    if its is None:
        raise BenchError(
            f"{part.path / IDENTITY} cannot be read, so nobody can tell what part {part.shard} was asked; remove the part's "
            "folder, and its examples are asked again"
        )
    if its == identity:
        return
    other = [name for name, value in vars(identity).items() if getattr(its, name) != value]
    raise BenchError(
        f"part {part.shard} of {'/'.join(run.parts[-3:])} is of another run: its {', '.join(other)} differ"
        f"{'s' if len(other) == 1 else ''} ({part.path}); put the part where it belongs, or remove it"
    )


def _say_known(folder: Path, parts: Sequence[Part], answered: Sequence[Set[str]]) -> None:
    """Keep beside the run what is known of parts that are taken in."""
    say_known(folder, [
        {**one.said, "key": one.key, "n": len(ids), "log": f"{FOLDER}/{LOGS}/{_log_name(one)}"}
        for one, ids in zip(parts, answered, strict=True)
    ])  # fmt: skip


def say_known(folder: Path, said: Sequence[Mapping[str, Json]]) -> None:
    """Keep what is `said` of parts beside a run, instead of what was said of them before."""
    keys = {one["key"] for one in said}
    known = [one for one in taken_in(folder) if one["key"] not in keys]
    write_atomically(folder / TAKEN_IN, json_lettered([*known, *said], indent=1) + "\n")


def _log_name(part: Part) -> str:
    return f"{part.shard.folder}-{part.together}.txt"


def _make_logs(path: Path) -> None:
    try:
        path.mkdir(exist_ok=True)
    except OSError as error:
        raise BenchError(
            f"{path} cannot be made ({error.strerror}); the logs of parts are kept there: move away what it is"
        ) from None


def _remove(part: Part) -> None:
    """Keep the log of a part that was taken in, and remove its folder."""
    logs = part.path.parent / LOGS
    with suppress(FileNotFoundError):
        (part.path / LOG).replace(logs / _log_name(part))
    gone = part.path.with_name(f".gone-{part.path.name}")
    shutil.rmtree(gone, ignore_errors=True)
    part.path.rename(gone)  # at once, so that no half of it is ever found
    shutil.rmtree(gone, ignore_errors=True)


@contextmanager
def taken_into(
    folder: RunFolder, identity: Identity, place: Mapping[str, int], asked: Mapping[str, str], say: Say
) -> Iterator[None]:
    """As `take_in`, for a run that goes on by itself; it says what came of which parts."""
    if (folder.path / FOLDER).is_dir() and (n := take_in(folder, identity, place, asked, say)):
        say(f"{'/'.join(folder.path.parts[-3:])}: took in the answers of {n} part{'s' if n > 1 else ''}")
    yield


def environment_of(folder: Path) -> Mapping[str, Json]:
    """Where the answers of a run were computed whose parts were all answered elsewhere, {} where it answered any itself.

    Of a field that differs (processors, devices, commits) each value stands once; a number of threads that differs is not known.
    """
    known = [one["environment"] for one in taken_in(folder) if isinstance(one.get("environment"), dict)]
    if not known or any(one.phase == "predict" and one.part is None for one in RunFolder(folder).readings()):
        return {}
    found = dict(known[0])
    for name in ("cpu", "device_name", "commit"):
        found[name] = ", ".join(dict.fromkeys(str(one[name]) for one in known if one.get(name)))
    if len({one.get("threads") for one in known}) > 1:
        found["threads"] = None
    return found


def with_memory(folder: Path, peak: int, device: int | None) -> dict[str, Json]:
    """The most memory that one process of the run held, here or for a part of it, of the machine and of its device."""
    known = taken_in(folder)
    found: dict[str, list[int | None]] = {"peak_memory_bytes": [peak], "device_memory_bytes": [device]}
    for name, values in found.items():
        values += [one[name] for one in known if isinstance(one.get(name), int)]
    return {name: max((one for one in values if one is not None), default=None) for name, values in found.items()}


def computed_in(folder: Path) -> Mapping[str, Json]:
    """What the model said of the way it computed the parts; {} where none said anything."""
    return next((one["computed"] for one in taken_in(folder) if isinstance(one.get("computed"), dict)), {})
