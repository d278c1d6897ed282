"""What a model gets in place of a request: all that it holds, under names and files that tell nothing."""

from __future__ import annotations

import os
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from bench.artifacts.seals import ABSENT, Seal, refuse_changed
from bench.engine.bare import bare_copy
from bench.engine.history import Replies
from bench.errors import BenchError
from bench.models.base import Answered, Device, Heard, Model
from bench.runs.asked import Asked, files_of
from bench.types import Audio, Image, ImageFile, Part, Prediction, Request, Video

_ENDINGS = frozenset(
    ".wav .flac .ogg .oga .opus .mp3 .m4a .aac .aif .aiff .wma .mp4 .m4v .mov .avi .mkv .webm .mpg .mpeg .png .jpg .jpeg".split()
)
_END = object()
T = TypeVar("T")
_AT_ONCE = 2  # batches whose media lie ready: the one that is answered and the one that comes next


@dataclass(frozen=True)
class Named:
    """The examples' ids by the names that a model knows them by, and their files by those that stood for them."""

    ids: Mapping[str, str]
    files: Mapping[str, str]

    def text(self, said: str) -> str:
        """A text about requests with the examples' ids and files in it."""
        names = {**self.ids, **self.files}
        for name in sorted(names, key=len, reverse=True):
            said = said.replace(name, names[name])
        return said

    def of(self, found: Sequence[Prediction]) -> list[Prediction]:
        """The predictions under the examples' ids."""
        return [
            one.but(id=self.ids[one.id], error=None if one.error is None else self.text(one.error)) for one in found
        ]


class Veiled(Model, AbstractContextManager["Veiled"]):
    """A model as the loop asks it: requests go in under neutral names, predictions come out under their own.

    A data set's ids and file names may hold the answer (RAVDESS writes the emotion into both, and a file's time may go with
    its label). A model gets as id the name in `Asked.names`; a recording or film as a copy without remarks, named by its digest
    and with no time of its own; a picture in a file as its bytes. Copies lie in a temporary folder, those of two batches
    at a time. What the model says of a request (an error, a BenchError) names the example and its own file again.
    Where a request shows the model's own `replies`, these stand in it as texts.
    """

    def __init__(self, model: Model, asked: Asked, replies: Replies | None = None) -> None:
        self.model, self.asked, self.replies = model, asked, replies or Replies()
        self.parts, self.outputs, self.needs, self.needs_any = model.parts, model.outputs, model.needs, model.needs_any
        self.answers_alone, self.uses_device = model.answers_alone, model.uses_device
        self.schedules_itself = model.schedules_itself
        self._held: dict[str, Request] = {}
        self._recent: deque[frozenset[str]] = deque(maxlen=_AT_ONCE)
        self._true: dict[str, str] = {}  # what was veiled, by what stands for it
        self._lock = threading.RLock()  # `prepare` comes from a thread of its own
        self._exit = ExitStack()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the copies, and have the model let go of what it keeps from one batch to the next."""
        self._held.clear()
        self.model.free()
        self._exit.close()

    @property
    def learns(self) -> bool:  # type: ignore[override]
        """As of the model itself."""
        return self.model.learns

    @property
    def loaded(self) -> tuple[Device, int] | None:
        """As of the model itself."""
        return self.model.loaded

    @loaded.setter
    def loaded(self, value: tuple[Device, int] | None) -> None:
        self.model.loaded = value

    def load(self, device: Device, *, seed: int) -> None:
        """Load the model."""
        self.model.load(device, seed=seed)

    def free(self) -> None:
        """Have the model let go of its reserve."""
        self.model.free()

    def reveal(self, ideal: Mapping[str, Prediction]) -> None:
        """The ideal predictions, by the names that the model knows."""
        self.model.reveal(self.known(ideal))

    def known(self, found: Mapping[str, Prediction]) -> dict[str, Prediction]:
        """Predictions by the names that the model knows."""
        names = self.asked.names
        return {names[key]: replace(one, id=names[key]) for key, one in found.items()}

    def cost(self, request: Request) -> int:
        """What the model says; its files are links for as long as it takes, since a size is all that it may want to know."""
        name, request = self.asked.names[request.id], self.replies.filled(request)
        files = list(files_of(request))
        if not files:
            return self.model.cost(replace(request, id=name))
        places = {str(path): str(self._links / f"{i}{_ending(path)}") for i, path in enumerate(files)}
        try:
            for path, place in places.items():
                Path(place).symlink_to(Path(path).resolve())
            return self.model.cost(Request(name, tuple(_moved(part, places) for part in request.parts), request.output))
        finally:
            for place in places.values():
                Path(place).unlink(missing_ok=True)

    def prepare(self, batch: Sequence[Request]) -> None:
        """Make the copies of the batch that comes next, and tell the model of it."""
        self.model.prepare(self.ready(batch))

    def ready(self, batch: Sequence[Request]) -> list[Request]:
        """Make the copies of the batch that comes next without telling the model of it: what it gets."""
        with self._lock:
            self._recent.append(frozenset(request.id for request in batch))
            self._drop()
            return [self._given(request) for request in batch]

    def handed(self, batch: Sequence[Request], pack: Callable[[Sequence[Request]], T]) -> tuple[T, Named]:
        """What `pack` makes of the batch as a model gets it, for one elsewhere; and what gives its words their own names again.

        Copies are there while it packs.
        """
        with self._lock:
            given = [self._given(request) for request in batch]
            try:
                packed = pack(given)
                names = {veiled.id: request.id for veiled, request in zip(given, batch, strict=True)}
                used = {str(path) for request in given for path in files_of(request)}
                files = {neutral: true for neutral, true in self._true.items() if neutral in used}
            finally:
                self._drop()
        return packed, Named(names, files)

    def forget(self) -> None:
        """Have the model forget what it computed from requests."""
        self.model.forget()

    def hear(self, heard: Heard | None) -> None:
        """Have the listener told under the examples' ids."""
        if heard is None:
            self.model.hear(None)
            return
        own = {name: key for key, name in self.asked.names.items()}
        self.model.hear(lambda name, n: heard(own.get(name, name), n))

    def client_overhead_seconds(self, qps: float | None = None) -> float | None:
        """As of the model itself."""
        return self.model.client_overhead_seconds(qps)

    def caveats(self) -> list[str]:
        """Those of the model, which name no request."""
        return self.model.caveats()

    def units(self, batch: Sequence[Request]) -> list[list[Request]]:
        """As the model cuts the batch; one that does not cut gets no copies of its media for it."""
        if type(self.model).units is Model.units:
            self.unit_tokens = self.model.unit_tokens
            return super().units(batch)
        with self._lock:
            own = {self.asked.names[request.id]: request for request in batch}
            given = [self._given(request) for request in batch]
        try:
            return [[own[one.id] for one in unit] for unit in self.model.units(given)]
        finally:
            with self._lock:
                self._drop()

    @property
    def takes_at_once(self) -> bool:  # type: ignore[override]
        """As of the model itself."""
        return self.model.takes_at_once

    def submit(self, request: Request) -> Future[Prediction]:
        """What the model submits, under the example's id when it is there; what it says names the example and its own file."""
        if fault := fault_of(request):
            refused = Future[Prediction]()
            refused.set_result(Prediction(request.id, error=f"ValueError: {fault}"[:500]))
            return refused
        with self._lock:
            given = self._given(request)
        own, found = {given.id: request.id}, Future[Prediction]()

        def over(asked: Future[Prediction]) -> None:
            if asked.cancelled():
                found.cancel()
            elif (error := asked.exception()) is not None:
                if isinstance(error, Exception):
                    self._rename(error, own)
                found.set_exception(error)
            else:
                found.set_result(self._named([asked.result()], own)[0])

        asked = self.model.submit(given)
        asked.add_done_callback(over)
        found.add_done_callback(lambda done: asked.cancel() if done.cancelled() else None)
        return found

    def predict(self, batch: Sequence[Request]) -> Answered:
        """The model's predictions, as it gives them; what it raises or says wrong names the examples as the data do.

        Raises ValueError where a request has a film that cannot be shown, before the model is asked.
        """
        if fault := next(filter(None, map(fault_of, batch)), ""):
            raise ValueError(fault)
        with self._lock:
            given = [self._given(request) for request in batch]
        own = {veiled.id: request.id for veiled, request in zip(given, batch, strict=True)}
        streams = False
        try:
            with self._renaming(own):
                found = self.model.predict(given)
            if streams := isinstance(found, Iterator):
                return self._streamed(found, own)
            named: list[Prediction] = self._named(found, own)
            return named
        finally:
            if not streams:
                with self._lock:
                    self._drop()

    def _streamed(self, found: Iterator[Any], own: Mapping[str, str]) -> Iterator[list[Prediction]]:
        """What an iterator gives, under the examples' ids; what is no prediction is refused by whoever asked."""
        try:
            while True:
                with self._renaming(own):
                    group = next(found, _END)
                if group is _END:
                    return
                yield self._named(group if isinstance(group, list) else [group], own)
        finally:  # not behind each answer: it looks at all that is at hand
            with self._lock:
                self._drop()

    @contextmanager
    def _renaming(self, own: Mapping[str, str]) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self._rename(error, own)
            raise

    def _named(self, found: Any, own: Mapping[str, str]) -> Any:
        """The predictions under the examples' ids; what is no list of them is refused by whoever asked."""
        if not isinstance(found, list) or not all(isinstance(one, Prediction) for one in found):
            return found
        return [
            one.but(id=own.get(one.id, one.id), error=None if one.error is None else self._plain(one.error, own))
            for one in found
        ]

    def _given(self, request: Request) -> Request:
        """The request as the model gets it; the same object each time while its batch is at hand."""
        if request.id not in self._held:
            name = self.asked.names[request.id]
            filled = self.replies.filled(request)
            parts = tuple(self._veiled(part, f"{name}-{i}") for i, part in enumerate(filled.parts))
            self._held[request.id] = Request(name, parts, request.output)
        return self._held[request.id]

    def _veiled(self, part: Part, name: str) -> Part:
        if not isinstance(part, Audio | Video | ImageFile):
            return part
        path = Path(part.path)
        seal = self.asked.media.get(path)
        if seal is None or seal.sha256 == ABSENT:  # the model says so, and is told of no other file
            return _moved(part, {part.path: self._stands_for(part, self._copies / f"{name}{_ending(path)}")})
        if isinstance(part, ImageFile):
            return Image(_read(path, seal), part.media_type)
        copy = self._copies / f"{seal.sha256[:32]}{_ending(path)}"
        if not copy.exists():
            _copy(path, copy, seal)
        return _moved(part, {part.path: self._stands_for(part, copy)})

    def _stands_for(self, part: Audio | Video | ImageFile, neutral: Path) -> str:
        self._true[str(neutral)] = (part.made_from if isinstance(part, Video) else "") or part.path
        return str(neutral)

    def _drop(self) -> None:
        """Drop the requests and copies that belong to no batch at hand."""
        near = frozenset().union(*self._recent)
        for key in [key for key in self._held if key not in near]:
            del self._held[key]
        if not self._true:  # no request has a copy of a file
            return
        used = {str(path) for request in self._held.values() for path in files_of(request)}
        for neutral in [neutral for neutral in self._true if neutral not in used]:
            Path(neutral).unlink(missing_ok=True)
            del self._true[neutral]

    @cached_property
    def _copies(self) -> Path:
        return Path(self._exit.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))

    @cached_property
    def _links(self) -> Path:
        return Path(self._exit.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))

    def _plain(self, text: str, own: Mapping[str, str]) -> str:
        """A text about requests with the examples' ids and files in it."""
        with self._lock:
            names = Named(own, dict(self._true))
        return names.text(text)

    def _rename(self, error: Exception, own: Mapping[str, str]) -> None:
        error.args = tuple(self._plain(one, own) if isinstance(one, str) else one for one in error.args)
        if isinstance(error, OSError) and isinstance(error.filename, str):
            error.filename = self._plain(error.filename, own)


def _moved(part: Part, places: Mapping[str, str]) -> Part:
    """The part with its file at another place."""
    if isinstance(part, ImageFile):
        return ImageFile(places[part.path], part.media_type)
    if isinstance(part, Video):
        return Video(places[part.path])
    return replace(part, path=places[part.path]) if isinstance(part, Audio) else part


def fault_of(request: Request) -> str:
    """Why a film of the request cannot be shown as asked, "" where all can."""
    return next((part.fault for part in request.parts if isinstance(part, Video) and part.fault), "")


def _ending(path: Path) -> str:
    """The ending of a file's name where it is that of a known format."""
    return path.suffix.lower() if path.suffix.lower() in _ENDINGS else ""


def _read(path: Path, seal: Seal) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        refuse_changed({path: seal})
        raise BenchError(f"{path} cannot be read ({error.strerror}); check the file and its disk") from None


def _copy(path: Path, copy: Path, seal: Seal) -> None:
    """The same sound in a file of its own, whose times say nothing; raises BenchError where that cannot be made."""
    try:
        bare_copy(path, copy)
        os.utime(copy, (0, 0))
    except OSError as error:
        copy.unlink(missing_ok=True)
        refuse_changed({path: seal})
        raise BenchError(
            f"{path} cannot be copied into {copy.parent} ({error.strerror}), where the model would read it under a name that "
            "tells nothing; make room there, or set TMPDIR to a folder with more"
        ) from None
