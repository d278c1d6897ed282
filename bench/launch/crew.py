"""What passes between a run and those who answer units of it elsewhere: a work to get ready for, parcels, and what comes back.

All of it is plain and can be pickled. A request in a parcel has its neutral name; recordings and films travel as their bytes.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from bench.errors import BenchError
from bench.models.base import Device, Model
from bench.record import Timing
from bench.runs.asked import files_of
from bench.types import Audio, ImageFile, Json, Output, Part, Prediction, Request, Video


@dataclass(frozen=True)
class Work:
    """What a worker gets ready for: `make` gives the model, which has to be what the run's identity says.

    `lesson` and `clusters` are what a model that learns is given, `ideal` what a reference row is, by the names that it knows.
    `places` are the folders that modules are imported from, `settings` variables of the environment.
    """

    make: partial[Model]
    name: str
    device: Device
    seed: int
    identity: Mapping[str, Json]  # weights_sha256, revision, code
    libraries: Mapping[str, str]
    output: type[Output]  # what the task asks for
    strict: bool = False
    lesson: Sequence[tuple[Request, Prediction]] = field(default=(), repr=False)
    clusters: Sequence[str] = ()
    ideal: Mapping[str, Prediction] = field(default_factory=dict, repr=False)
    folder: str = ""
    places: Sequence[str] = ()
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)

    def is_as(self, other: Work) -> bool:
        """Whether who is ready for the other is ready for this."""
        mine, its = ((one.func, one.args, one.keywords) for one in (self.make, other.make))
        return mine == its and replace(self, make=other.make) == other


@dataclass(frozen=True)
class Parcel:
    """Requests as a model gets them, and the bytes of the files that they name."""

    requests: Sequence[Request]
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    faults: Mapping[str, str] = field(default_factory=dict)  # of films that cannot be shown, by the request's name


@dataclass(frozen=True)
class Facts:
    """What a worker says once its model is loaded: its readings until then, where it is and what it holds."""

    readings: Sequence[Timing]
    environment: Mapping[str, Json]
    libraries: Mapping[str, str]
    unit_tokens: int | None
    context: int | None
    cuts: bool  # whether the model has a way of its own to cut a batch
    node: str
    pid: int
    held: Held


@dataclass(frozen=True)
class Held:
    """The most memory that a worker held so far, of its machine and of its device, and what its model says of its way."""

    peak: int
    device: int | None
    computed: Mapping[str, Json]


@dataclass(frozen=True)
class Ready:
    """A worker is ready to be asked."""

    worker: int
    facts: Facts


@dataclass(frozen=True)
class Cut:
    """How a worker's model cuts a parcel: the places of the requests of each unit."""

    worker: int
    ticket: int
    units: Sequence[Sequence[int]]


@dataclass(frozen=True)
class Came:
    """A group of answers to a ticket, the seconds that it took and the halvings; none for what came behind the last."""

    worker: int
    ticket: int
    group: Sequence[Prediction]
    seconds: float
    halvings: int = 0


@dataclass(frozen=True)
class Over:
    """All of a ticket was answered."""

    worker: int
    ticket: int
    held: Held


@dataclass(frozen=True)
class Refused:
    """What a worker says that its user can put right, and that ends the run."""

    worker: int
    line: str
    ticket: int | None = None


@dataclass(frozen=True)
class Fault:
    """A fault of this package in a worker."""

    worker: int
    trace: str


@dataclass(frozen=True)
class Lost:
    """A worker is gone with all that it was asked, by itself or with its node."""

    worker: int
    why: str
    with_node: bool = False


@dataclass(frozen=True)
class Gone:
    """Those who answer are all gone, and none can come."""

    why: str


Event: TypeAlias = Ready | Cut | Came | Over | Refused | Fault | Lost | Gone


class Crew(Protocol):
    """Workers, by numbers from 1, each of which answers one ticket behind another."""

    n: int

    def begin(self, work: Work) -> None:
        """Start all workers; raises BenchError where that cannot be."""

    def start(self, worker: int) -> None:
        """Start a worker anew that was lost."""

    def cut(self, worker: int, ticket: int, parcel: Parcel) -> None:
        """Have a worker's model cut a batch, beside what it answers."""

    def ask(self, worker: int, ticket: int, parcel: Parcel) -> None:
        """Have a worker answer, behind what it was asked before."""

    def next(self) -> Event:
        """What comes next; waits for it."""

    def rest(self) -> None:
        """Nothing more is asked of them for this work."""


def packed(requests: Sequence[Request]) -> Parcel:
    """The requests with the bytes of the recordings and films they name; BenchError for a file that is not there any more."""
    files: dict[str, bytes] = {}
    for path in dict.fromkeys(path for request in requests for path in files_of(request)):
        try:
            files[str(path)] = path.read_bytes()
        except FileNotFoundError:
            continue  # the model says so
        except OSError as error:
            raise BenchError(f"{path} cannot be read ({error.strerror}); check the file and its disk") from None
    return Parcel(list(requests), files)


class Unpacked:
    """Opens a parcel at a time: its files stand in a folder here, under their names and without times, until they are dropped."""

    def __init__(self) -> None:
        self.own: dict[str, str] = {}  # what the files are called where they were packed

    @cached_property
    def _folder(self) -> Path:
        return Path(tempfile.mkdtemp(prefix="bench-"))

    def __call__(self, parcel: Parcel) -> list[Request]:
        """The requests, with their files at their places here."""
        names = {path: self._folder / Path(path).name for path in parcel.files}
        self.own = {str(here): path for path, here in names.items()}
        for path, data in parcel.files.items():
            names[path].write_bytes(data)
            os.utime(names[path], (0, 0))
        return [_moved(request, names) for request in parcel.requests]

    def drop(self) -> None:
        """Remove the files."""
        for path in self.own:
            Path(path).unlink(missing_ok=True)


def _moved(request: Request, names: Mapping[str, Path]) -> Request:
    if not names:
        return request
    return replace(request, parts=tuple(_part(part, names) for part in request.parts))


def _part(part: Part, names: Mapping[str, Path]) -> Part:
    if not isinstance(part, Audio | Video | ImageFile) or part.path not in names:
        return part
    place: Any = str(names[part.path])
    return ImageFile(place, part.media_type) if isinstance(part, ImageFile) else replace(part, path=place)


def other_versions(due: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """What computes elsewhere under another version than here."""
    names = dict.fromkeys((*due, *found))
    return [
        f"{name} {found.get(name, 'none')} (here {due.get(name, 'none')})"
        for name in names if due.get(name) != found.get(name)
    ]  # fmt: skip
