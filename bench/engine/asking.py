"""From a task to what a model is asked: examples, requests, their digests, and the files that they stand on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from bench.artifacts.seals import Seal, Sealer, State, refuse_changed, seal_read
from bench.data.files import noted
from bench.engine.history import Replies
from bench.engine.shots import few_shot
from bench.errors import BenchError, CodeError, authored
from bench.runs.asked import Asked, ask
from bench.runs.compact import Numbered
from bench.runs.identity import fingerprint, fingerprint_of
from bench.task import Task
from bench.types import Example, Generate, Json, Prediction, Request, is_token_count

_REMEDY = "correct it and run the same command again: what was answered before is kept"
_NAMED = 3  # files that a message names


@dataclass(frozen=True)
class Asking:
    """Examples with their `request`, what was asked as a whole, and the task's data `files` by name with their digests."""

    examples: Sequence[Example]
    request: Callable[[Example], Request]
    asked: Asked
    files: Mapping[str, str]
    seals: Mapping[Path, Seal]

    def stamped(
        self, batch: Sequence[Request], predictions: Sequence[Prediction], replies: Replies | None = None
    ) -> list[Prediction]:
        """The predictions with the digests of their requests, which are among the batch; raises BenchError where one has changed.

        So it does where a file that the requests stand on is no longer what it was. With the `replies` that requests showed they
        say what these were, too.
        """
        refuse_changed(self.seals)
        answered = {prediction.id: prediction for prediction in predictions}
        own = [request for request in batch if request.id in answered]
        found = self.asked.stamped(own, predictions)
        if replies is None or not self.asked.histories:
            return found
        heard = {one.id: self.asked.digest_of(replies.filled(one)) for one in own if one.id in self.asked.histories}
        return [one.but(heard=heard.get(one.id, "")) for one in found]

    @cached_property
    def place(self) -> Mapping[str, int]:
        """Each example's number in the data, from 0."""
        if len(self.asked.places) == len(self.examples):
            return self.asked.places
        ids = (example.id for example in self.examples)
        return Numbered(lambda number: self.examples[number].id, ids, n=len(self.examples))


def asking(task: Task, limit: int | None, shots: int, seed: int, max_new_tokens: int | None = None) -> Asking:
    """The task's first `limit` examples and all that they are asked; raises BenchError for what the task does wrong.

    `max_new_tokens` replaces the limit of each request that generates; None keeps it.
    """
    sealer = Sealer()
    with noted() as read:
        examples = first_examples(task, limit)
        request = requests_of(task, shots, seed, max_new_tokens)
        asked = ask(examples, request, sealer, media_are_data=not task.makes_media)
    seals = sealed_files(task, read, sealer)
    sealer.keep()
    return Asking(examples, request, asked, {name: seals[path].sha256 for name, path in _named(seals)}, seals)


def requests_of(task: Task, shots: int, seed: int, max_new_tokens: int | None = None) -> Callable[[Example], Request]:
    """What makes the request of an example, with one line for what the task does wrong in it."""
    return _limited(_checked_requests(task, few_shot(task, shots, seed)), max_new_tokens)


def sealed_files(task: Task, read: Mapping[Path, State | None], sealer: Sealer) -> Mapping[Path, Seal]:
    """The seals of all files that the task has ever read: one that keeps what it read reads it but once."""
    return seal_read(sealer, read, vars(task).setdefault("_files_read", {}))


def data_of(task: Task, examples: Sequence[Example]) -> str:
    """The fingerprint of the examples with their media; without the media where these do not lie here."""
    if task.parts > {"text"} and not task.makes_media:
        with suppress(BenchError):
            return ask(examples, _checked_requests(task, task.request), Sealer()).data
    return fingerprint_of(examples)


def first_examples(task: Task, limit: int | None) -> Sequence[Example]:
    """The task's first `limit` examples (None: all); raises BenchError when there are none or an id comes twice."""
    if limit is not None and limit < 1:
        raise BenchError(f"limit={limit} must be at least 1, or null for all examples")
    with noted() as read:
        try:
            with authored(f"task '{task.name}'", "examples()", _REMEDY):
                examples = task.examples()
                if limit is not None and limit < len(
                    examples
                ):  # who makes examples when asked for them makes none here
                    examples = examples[:limit]
        except CodeError as error:
            raise CodeError(f"{error} (read: {_files(read)})", error.example, error.said) from error
    if not examples:
        raise BenchError(f"task '{task.name}' has no examples in {_files(read)}; bring its data again")
    seen = Numbered(lambda number: examples[number].id, n=len(examples))
    for number, example in enumerate(examples):
        if seen.add(example.id) < number:
            raise BenchError(
                f"task '{task.name}': example {number + 1} repeats the id {example.id[:80]!r}; ids must be unique, correct the "
                f"data file{f' {_files(read)}' if read else ''}"
            )
    return examples


def _files(read: Collection[Path]) -> str:
    """What a task's examples were made of, for a message."""
    named = [str(path) for path in sorted(read)]
    if not named:
        return "its data"
    return ", ".join(named[:_NAMED]) + (f" and {len(named) - _NAMED:,} more" if len(named) > _NAMED else "")


def ideals(task: Task, examples: Sequence[Example]) -> dict[str, Prediction]:
    """The ideal prediction of each example, by id."""
    found = {}
    with authored(f"task '{task.name}'", "ideal()", _REMEDY) as place:
        for example in examples:
            place.example, place.given = example.id, example.target
            found[example.id] = task.ideal(example)
    return found


def ideal_digest(ideal: Mapping[str, Prediction]) -> str:
    """What a model that reads the ideal answers stands on beside the requests."""
    return fingerprint([prediction.to_json() for prediction in ideal.values()])


def _checked_requests(task: Task, request: Callable[[Example], Request]) -> Callable[[Example], Request]:
    """The requests, with one line for whatever `request` does wrong."""

    def checked(example: Example) -> Request:
        with authored(f"task '{task.name}'", "request()", _REMEDY) as place:
            place.example, place.given = example.id, example.inputs
            found = request(example)
        if not isinstance(found, Request) or found.id != example.id or not isinstance(found.output, task.output):
            came = (
                f"one of id {found.id!r} and output {type(found.output).__name__}" if isinstance(found, Request) else ""
            )
            raise BenchError(
                f"task '{task.name}': request() of example {example.id!r} gave {came or f'a {type(found).__name__}'}; a Request "
                f"of that id is due whose output is a {task.output.__name__}; {_REMEDY}"
            )
        return found

    return checked


def most_tokens(config: Mapping[str, Json]) -> int | None:
    """The `max_new_tokens` of a run's configuration, None in those of before; raises BenchError for what is none."""
    found = config.get("max_new_tokens")
    if found is not None and not (is_token_count(found) and found):
        raise BenchError(f"its max_new_tokens is {repr(found)[:40]}, which is none")
    return found


def _limited(request: Callable[[Example], Request], most: int | None) -> Callable[[Example], Request]:
    """The requests with this limit of new tokens, where they generate."""
    if most is None:
        return request

    def limited(example: Example) -> Request:
        found = request(example)
        if not isinstance(found.output, Generate):
            return found
        return replace(found, output=replace(found.output, max_new_tokens=most))

    return limited


def _named(paths: Mapping[Path, Seal]) -> list[tuple[str, Path]]:
    """Each file by the shortest end of its path that no other has, which says nothing of the machine."""
    found: list[tuple[str, Path]] = []
    for path in paths:
        parts, n = path.parts, 1
        while n < len(parts) and sum(other.parts[-n:] == parts[-n:] for other in paths) > 1:
            n += 1
        found.append(("/".join(parts[-n:]), path))
    return sorted(found)
