"""A number on a scale from a language model: the expected value over the scale's steps, each by how likely its words are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bench.types import Choose, Part, Prediction, Regress, Request, Text

_SIGN = ("very negative", "negative", "neutral", "positive", "very positive")
STEPS: Mapping[str, tuple[str, ...]] = {  # from the low end to the high end, evenly spaced
    "valence": _SIGN,
    "sentiment": _SIGN,
    "arousal": ("very calm", "calm", "neutral", "excited", "very excited"),
}
FEELINGS = ("valence", "arousal")  # of who speaks
ANY_STEPS = ("very low", "low", "medium", "high", "very high")  # of a scale that is not known by name


def asked(request: Request) -> list[Request]:
    """For each scale of a `Regress` request one to choose among its steps; itself, where it asks for something else.

    It holds the question, what the system says, and the last part of the user, which is the one to judge. The steps have words,
    whatever numbers the scale goes by: "-0.5" is three tokens where "0" is one, and a small model does not know what they mean.
    """
    output = request.output
    if not isinstance(output, Regress):
        return [request]
    return [
        replace(
            request,
            id=f"{request.id}/{name}",
            parts=(Text(question(name), "system"), *judged(request)),
            output=Choose(steps(name)),
        )
        for name in output.names
    ]


def judged(request: Request) -> list[Part]:
    """What the system says, and the last text of the user."""
    texts = [i for i, part in enumerate(request.parts) if isinstance(part, Text) and part.role == "user"]
    return [
        part
        for i, part in enumerate(request.parts)
        if not isinstance(part, Text) or part.role == "system" or i in texts[-1:]
    ]


def steps(name: str) -> tuple[str, ...]:
    """The words of a scale's steps, from low to high."""
    return STEPS.get(name.casefold(), ANY_STEPS)


def question(name: str) -> str:
    """What is asked of a text.

    >>> question("risk")
    'How high is the risk: very low, low, medium, high, very high?'
    """
    choice = f"{', '.join(steps(name))}?"
    if name.casefold() in FEELINGS:
        return f"How does the speaker feel: {choice}"
    return f"What is the {name}: {choice}" if name.casefold() in STEPS else f"How high is the {name}: {choice}"


def expected(shares: Sequence[float], low: float, high: float) -> float:
    """The mean of the steps' places between `low` and `high`, weighted by their shares, which add up to 1.

    >>> expected([0.0, 0.5, 0.5], -1.0, 1.0), expected([0.2, 0.8], 3.0, 3.0)
    (0.5, 3.0)
    """
    place = math.fsum(i * share for i, share in enumerate(shares)) / (len(shares) - 1)
    return min(max(low + (high - low) * place, low), high)


def rated(request: Request, found: Sequence[Prediction]) -> Prediction:
    """The numbers that the choices among a `Regress` request's steps come to, one choice a scale; an error where one failed."""
    output = request.output
    assert isinstance(output, Regress)  # noqa: S101 - `asked` has made the choices of it
    if failed := next((one for one in found if one.label_scores is None), None):
        return replace(failed, id=request.id)
    scales = zip(output.names, output.low, output.high, found, strict=True)
    values = {name: expected(list((one.label_scores or {}).values()), low, high) for name, low, high, one in scales}
    tokens, cut = sum(one.prompt_tokens for one in found), sum(one.truncated for one in found)
    return Prediction(request.id, values=values, prompt_tokens=tokens, truncated=cut)
