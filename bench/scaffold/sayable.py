"""Answers that no model can say: a reply ends at the request's stop strings, and after as many tokens as it allows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import islice

from bench.text.counted import counted
from bench.text.shown import visible
from bench.types import Example, Generate, Json, Request, Span

_SIGNS_A_TOKEN = 8  # more than tokenizers put into one of most languages, so that what is said to be too long is


def unsayable(asked: Iterable[tuple[Example, Request]]) -> Iterator[str]:
    """A line for each reason why no accepted answer of some examples can be said in full, with how many and the first id.

    Only requests for a text whose targets are texts are looked at; one answer that can be said is enough.
    """
    found: dict[str, list[str]] = {}
    n = 0
    for example, request in asked:
        output, answers = request.output, _texts(example.target)
        if not isinstance(output, Generate) or type(output) not in (Generate, Span) or not answers:
            continue
        n += 1
        whys = [_why(one, output) for one in answers]
        if all(whys):
            found.setdefault(whys[0], []).append(str(example.id))
    for why, names in found.items():
        names.sort(key=lambda one: (len(one), one))  # r2 before r10: tasks mix their rows
        yield (
            f"{len(names):,} of {counted(n, 'answer')} {why}: {', '.join(visible(one)[:40] for one in islice(names, 3))}"
            + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")
        )


def fewest_tokens(text: str) -> int:
    """About how many tokens a text is at least: its words, or its signs where these are long or not parted by blanks.

    >>> fewest_tokens("14.8 million euro"), fewest_tokens("x" * 80)
    (3, 10)
    """
    return max(len(text.split()), math.ceil(len("".join(text.split())) / _SIGNS_A_TOKEN))


def _texts(target: Json) -> list[str]:
    given = target if isinstance(target, list) else [target]
    return [one.strip() for one in given if isinstance(one, str) and one.strip()]


def _why(answer: str, output: Generate) -> str:
    """Why the answer cannot be said to its end, "" where it can: what stands behind a stop string counts if it has words."""
    for stop in filter(None, output.stop):
        before, there, behind = answer.partition(stop)
        if there and any(sign.isalnum() for sign in behind):
            if not before.strip():
                return f"begin with {_named(stop)}, at which a reply ends, so that nothing of them is said; leave it out there"
            return f"go on behind {_named(stop)}, at which a reply ends, so that no model says all of them; take it out there"
    if fewest_tokens(answer) > output.max_new_tokens:
        return (
            f"are longer than the {output.max_new_tokens} tokens that a reply may have (about.max_new_tokens where there is that), "
            "so that no model can say all of them"
        )
    return ""


def _named(stop: str) -> str:
    return "a line break" if stop == "\n" else f"the stop string {stop!r}"
