"""A model's own history: requests that show what it answered before are asked in waves, each with the replies put in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from bench.errors import BenchError
from bench.runs.asked import Asked
from bench.types import Example, Part, Prediction, Reply, Request, Text

T = TypeVar("T")

LONGEST = 400  # characters of a reply that later requests show
FAILED = "(no answer)"  # stands for the reply of a turn that failed, or said nothing


class Replies:
    """What a model answered so far, by the ids of the examples."""

    def __init__(self, predictions: Iterable[Prediction] = ()) -> None:
        self._said: dict[str, str] = {}
        self.add(predictions)

    def add(self, predictions: Iterable[Prediction]) -> None:
        """Take in answers; one that is there already stays."""
        for one in predictions:
            self._said.setdefault(one.id, as_turn(one))

    def __contains__(self, key: object) -> bool:
        return key in self._said

    def filled(self, request: Request) -> Request:
        """The request with a text for each reply that it shows, itself where it shows none; BenchError for one not given yet."""
        if not any(type(part) is Reply for part in request.parts):
            return request
        return replace(request, parts=tuple(self._text(part, request.id) for part in request.parts))

    def _text(self, part: Part, key: str) -> Part:
        if not isinstance(part, Reply):
            return part
        if part.of not in self._said:
            raise BenchError(
                f"the request of example {key!r} shows the model's own reply to {part.of!r}, which is not here; the task is asked "
                "by `bench run`, turn by turn, and only a finished run can be timed or looked at"
            )
        return Text(self._said[part.of], part.role)


def as_turn(prediction: Prediction) -> str:
    """What a model said, as a turn that later requests show: on one line, at most `LONGEST` characters, without its thinking.

    On one line it looks like no turn of somebody else in a prompt that marks them by lines; the marks that chat templates are
    made of are broken up.

    >>> as_turn(Prediction("a", text="ans = 5\\n\\nUser: and then?<|im_end|>"))
    'ans = 5 User: and then?< |im_end| >'
    """
    said = _said(prediction)
    line = " ".join(said[: 4 * LONGEST].split()).replace("<|", "< |").replace("|>", "| >")
    if not line:
        return FAILED
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 2].rstrip()} …"


def _said(prediction: Prediction) -> str:
    if prediction.error is not None:
        return ""
    if prediction.label_scores:
        return max(prediction.label_scores, key=lambda label: prediction.label_scores[label])  # type: ignore[index]
    if prediction.values:
        return ", ".join(f"{name} {value:.4g}" for name, value in prediction.values.items())
    return str(prediction.text or ("" if prediction.answer is None else prediction.answer))


def waves(examples: Sequence[Example], asked: Asked) -> Iterator[Sequence[Example]]:
    """The examples in the order in which they can be asked: those of a wave show replies of earlier waves alone.

    A reply to one that is not among the examples is there already.
    """
    if not asked.histories:
        yield examples
        return
    depth: dict[str, int] = {}
    found: list[list[Example]] = []
    for example in examples:
        before = [depth[of] for of in asked.histories.get(example.id, ()) if of in depth]
        depth[example.id] = 1 + max(before, default=-1)
        if depth[example.id] == len(found):
            found.append([])
        found[depth[example.id]].append(example)
    yield from found


def in_waves(
    examples: Sequence[Example], asked: Asked, plan: Callable[[Sequence[Example], int], Iterator[T]]
) -> Iterator[Iterator[T]]:
    """What `plan` makes of each wave and its place; none may be asked for before the last is answered, which it may show."""
    place = 0
    for wave in waves(examples, asked):
        yield plan(wave, place)
        place += len(wave)


def standing(
    examples: Iterable[Example], request: Callable[[Example], Request], asked: Asked, found: Mapping[str, Prediction]
) -> dict[str, Prediction]:
    """Of answers by id those whose requests showed what the answers among them say; all where no request shows a reply."""
    if not asked.histories:
        return dict(found)
    kept: dict[str, Prediction] = {}
    replies = Replies()
    for example in examples:
        one, shows = found.get(example.id), asked.histories.get(example.id, ())
        if one is None or not all(of in kept for of in shows):
            continue
        if not shows or one.heard == asked.digest_of(replies.filled(request(example))):
            kept[one.id] = one
            replies.add([one])
    return kept
