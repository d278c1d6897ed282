"""Numbers from a model that chooses: each scale in equal steps, which are labels, and the mean of those by their probabilities."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from bench.types import Choose, Part, Prediction, Regress, Request, Text

STEPS = tuple("123456789")  # of every scale, the first being its low end; one token each
_ASKS = "How high is the {name} of what follows, on a scale from 1 (lowest) to 9 (highest)? Answer with one number."

Answers = Callable[[Sequence[Request]], Iterable[list[Prediction]]]


def choices(request: Request) -> list[Request]:
    """The request to choose a step, for each number that is asked for; the request itself where it asks for none.

    The question stands before the last text of the user, which is the one to judge.
    """
    output = request.output
    if not isinstance(output, Regress):
        return [request]
    places = [i for i, part in enumerate(request.parts) if isinstance(part, Text) and part.role == "user"]
    at = places[-1] if places else len(request.parts)
    found = []
    for name in output.names:
        asks: Part = Text(_ASKS.format(name=name.replace("_", " ")))
        parts = (*request.parts[:at], asks, *request.parts[at:])
        found.append(Request(f"{request.id}/{name}", parts, Choose(STEPS)))
    return found


def first(request: Request) -> Request:
    """The first of its choices."""
    return choices(request)[0]


def values(batch: Sequence[Request], answers: Answers) -> Iterator[list[Prediction]]:
    """The numbers of requests for some, of what `answers` says to their choices, each as soon as all its choices are there."""
    asked = {request.id: (request, choices(request)) for request in batch}
    owner = {choice.id: key for key, (_, several) in asked.items() for choice in several}
    known: dict[str, Prediction] = {}
    for group in answers([choice for _, several in asked.values() for choice in several]):
        known |= {one.id: one for one in group}
        complete = []
        for key in dict.fromkeys(owner[one.id] for one in group):
            request, several = asked[key]
            if all(choice.id in known for choice in several):
                complete.append(_rated(request, [known[choice.id] for choice in several]))
        if complete:
            yield complete


def _rated(request: Request, chosen: Sequence[Prediction]) -> Prediction:
    """The request's numbers from the probabilities of the steps of each; its error where one of them failed."""
    failed = next((one for one in chosen if one.error is not None), None)
    output = request.output
    if failed is not None or not isinstance(output, Regress):
        return replace(failed or chosen[0], id=request.id)
    found = {}
    for name, low, high, one in zip(output.names, output.low, output.high, chosen, strict=True):
        scores = one.label_scores or {}
        mean = sum(i * scores[step] for i, step in enumerate(STEPS)) / sum(scores[step] for step in STEPS)
        found[name] = low + (high - low) * mean / (len(STEPS) - 1)
    return Prediction(
        request.id, values=found, prompt_tokens=sum(one.prompt_tokens for one in chosen),
        truncated=sum(one.truncated for one in chosen),
    )  # fmt: skip
