"""What was asked: a digest of every request as a model gets it, and of the media in it by their bytes."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from bench.artifacts.seals import ABSENT, Seal, Sealer, refuse_changed
from bench.errors import BenchError
from bench.runs.compact import Counted, Digests, Numbered
from bench.runs.identity import add_value, canonical
from bench.types import (
    Audio,
    Example,
    Generate,
    Image,
    ImageFile,
    Json,
    Output,
    Part,
    Prediction,
    Reply,
    Request,
    Row,
    Text,
    Video,
)

DIGITS = 16  # hex digits of one request's digest in the journal


@dataclass(frozen=True)
class Asked:
    """The requests of a run: `digest` of them all in order, of each by id, and `data`, the fingerprint of the examples.

    `media` are the sealed files that the requests name. `names` is what a model knows each example by: a digest of what its
    request holds, without its id, and so nothing that the model does not get anyway; the second of two that hold the same ends
    in -2. `histories` says of the requests that show the model's own replies which requests these answered. `places` are the
    examples' numbers in the data, from 0.
    """

    digest: str
    data: str
    by_id: Mapping[str, str]
    media: Mapping[Path, Seal] = field(default_factory=dict, repr=False)
    names: Mapping[str, str] = field(default_factory=dict, repr=False)
    histories: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    places: Mapping[str, int] = field(default_factory=dict, repr=False)

    def stamped(self, batch: Sequence[Request], predictions: Sequence[Prediction]) -> list[Prediction]:
        """The predictions, each with the digest of its request.

        Raises BenchError where a request is not the one that was digested before, or a file of the batch has changed.
        """
        for request in batch:
            if request_digest(request, self._sha256) != self.by_id[request.id]:
                raise BenchError(
                    f"example {request.id!r} was asked otherwise than at first: `request` must give the same for the same "
                    "example each time (no clock, no random numbers, no counter)"
                )
        names = {path for request in batch for path in files_of(request)}
        refuse_changed({path: self.media[path] for path in sorted(names)})
        return [prediction.but(asked=self.by_id[prediction.id]) for prediction in predictions]

    def limit_of(self, request: Request, digest: str, limits: Iterable[int]) -> int | None:
        """The first of these limits of new tokens with which a request to generate has this digest; None where none gives it."""
        if not isinstance(request.output, Generate):
            return None
        before = hashlib.sha256()
        before.update(_encoded([_framed(request.id), *_of_parts(request, self._sha256)]))
        for limit in limits:
            state = before.copy()
            state.update(_encoded(_of_output(replace(request.output, max_new_tokens=limit), request.id)))
            if state.hexdigest()[:DIGITS] == digest:
                return limit
        return None

    def digest_of(self, request: Request) -> str:
        """The digest of one of the requests as it stands, perhaps with replies in it."""
        return request_digest(request, self._sha256)

    def _sha256(self, path: Path) -> str:
        return self.media[path].sha256 if path in self.media else ""


def ask(
    examples: Sequence[Example], request: Callable[[Example], Request], sealer: Sealer, *, media_are_data: bool = True
) -> Asked:
    """Digest every request, in the order of the examples.

    The fingerprint of the data takes in the media that requests name, by their sha256, where those are data. Raises BenchError
    where a request shows the reply to one that does not come before it.
    """
    places = Numbered(lambda number: examples[number].id, n=len(examples))
    by_id, names, alike = Digests(places, len(examples)), Digests(places, len(examples)), Counted(len(examples))
    histories: dict[str, tuple[str, ...]] = {}
    whole, data = hashlib.sha256(), hashlib.sha256()

    def sha256(path: Path) -> str:
        return sealer.seal(path).sha256

    for example in examples:
        asked = request(example)
        held = _held(asked, sha256)
        digest = _digest([_framed(asked.id), *held])
        whole.update((digest if not len(places) else f"\n{digest}").encode())
        if replies := replies_in(asked):
            histories[example.id] = _looked_back(example.id, replies, places)
            held = _held(_under_names(asked, names), sha256)
        place, name = places.add(example.id), _digest(held)
        by_id.put(place, digest)
        names.put(place, name, alike.add(int(name, 16)))
        found = [sha256(path) for path in files_of(asked)] if media_are_data else []
        media = [one for one in found if one != ABSENT]  # who scores predictions needs none
        add_value(data, example.to_json() | {"media": media} if media else example.to_json())
    sealer.keep()
    return Asked(whole.hexdigest(), data.hexdigest(), by_id, dict(sealer.sealed), names, histories, places)


def replies_in(request: Request) -> tuple[str, ...]:
    """The ids of the requests whose replies this one shows."""
    return tuple(part.of for part in request.parts if isinstance(part, Reply))


def _looked_back(key: str, replies: tuple[str, ...], before: Container[str]) -> tuple[str, ...]:
    """The replies that a request shows; histories look back only, so that none is a cycle and every `limit` cuts whole ones."""
    for of in replies:
        if of not in before:
            what = "itself" if of == key else repr(of)
            raise BenchError(
                f"the request of example {key!r} shows the reply to {what}, which is no example before it; a Reply names one that "
                "comes earlier in examples()"
            )
    return replies


def _under_names(request: Request, names: Mapping[str, str]) -> Request:
    """The request with the names of those whose replies it shows in place of their ids, which no model may know."""
    parts = (replace(part, of=names[part.of]) if isinstance(part, Reply) else part for part in request.parts)
    return replace(request, parts=tuple(parts))


def files_of(request: Request) -> Iterator[Path]:
    """The files that a request names."""
    return (Path(part.path) for part in request.parts if isinstance(part, Audio | Video | ImageFile))


def request_digest(request: Request, sha256: Callable[[Path], str]) -> str:
    """16 hex digits over a request's id, parts (roles, text, media by sha256) and output; `sha256` gives that of a file.

    A field of the output that has its default is left out, so that a new one changes no digest of before.
    """
    return _digest([_framed(request.id), *_held(request, sha256)])


def name_of(request: Request, sha256: Callable[[Path], str]) -> str:
    """The digest of what a request holds, without its id: what a model knows it by."""
    return _digest(_held(request, sha256))


def _digest(pieces: Sequence[str]) -> str:
    return hashlib.sha256(_encoded(pieces)).hexdigest()[:DIGITS]


def _encoded(pieces: Sequence[str]) -> bytes:
    return "".join(pieces).encode("utf-8", "surrogatepass")


def _held(request: Request, sha256: Callable[[Path], str]) -> list[str]:
    """What a request holds beside its id."""
    return [*_of_parts(request, sha256), *_of_output(request.output, request.id)]


def _of_parts(request: Request, sha256: Callable[[Path], str]) -> list[str]:
    pieces: list[str] = []
    for part in request.parts:
        if type(part) is Text:  # most parts are
            text, role = part.text, part.role
            pieces.append(f"4:text{len(role)}:{role}{len(text)}:{text}")
        else:
            pieces += map(_framed, _of_part(part, sha256))
    return pieces


def _of_output(output: Output, example: str) -> list[str]:
    pieces = [_framed(output.__class__.__name__)]
    kind: Any = output.__class__
    defaults = _defaults(kind)
    for name, value in vars(output).items():
        if value != defaults.get(name, MISSING):
            pieces.append(_framed(name))
            pieces.append(_framed(_as_text(value, example, name)))
    return pieces


def _framed(piece: str) -> str:
    """A text with its length before it, so that no two lists of them look alike when they are put together."""
    return f"{len(piece)}:{piece}"


def _of_part(part: Part, sha256: Callable[[Path], str]) -> tuple[str, ...]:
    match part:
        case Row(text=text, role=role):
            return ("row", role, text, canonical([list(map(vars, part.columns)), part.values]))
        case Reply(role=role, of=of):
            return ("reply", role, of)
        case Text(text=text, role=role):
            return ("text", role, text)
        case ImageFile():
            return ("image", part.media_type, sha256(Path(part.path)))
        case Image():
            return ("image", part.media_type, hashlib.sha256(part.data).hexdigest())
        case Audio() | Video():
            return (part.kind, sha256(Path(part.path)))
    raise BenchError(
        f"a request's part is a {type(part).__name__}; it must be Text, Row, Reply, Image, ImageFile, Audio or Video"
    )


def _as_text(value: Json, example: str, name: str) -> str:
    """A field's value with a letter for its kind; raises BenchError for what JSON does not have."""
    if isinstance(value, str):
        return f"s{value}"
    if value is None or isinstance(value, int):  # numbers and switches are the most, and `json` takes a while
        return f"n{value!r}"
    if isinstance(value, tuple) and all(isinstance(one, str) for one in value):
        return "l" + "".join(map(_framed, value))
    try:
        return f"j{canonical(value)}"
    except (TypeError, ValueError) as error:
        raise BenchError(
            f"the request of example {example!r}: its output's {name} cannot be written as JSON ({error})"
        ) from None


@functools.cache
def _defaults(kind: Any) -> Mapping[str, object]:
    return {one.name: one.default for one in fields(kind)} if is_dataclass(kind) else {}
