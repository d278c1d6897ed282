"""A request as nobody has seen it: the data's own with a word more in each of its parts, so that no earlier answer is one to it."""

from __future__ import annotations

from dataclasses import replace

from bench.types import Image, Output, Request, Span, Tag, Text


def unseen(request: Request, word: str) -> Request | None:
    """The request with this word behind its texts, and in no picture that was seen before; None where nothing in it can be changed.

    A picture keeps what it shows: readers stop at its end, and the word stands behind. A recording or film stays the same, so
    a request that holds nothing else has no variant.
    """
    places = [i for i, part in enumerate(request.parts) if isinstance(part, Text) and part.role == "user"]
    changed = False
    parts = list(request.parts)
    if places:
        last = parts[places[-1]]
        assert isinstance(last, Text)  # noqa: S101 - it was chosen so
        parts[places[-1]] = replace(last, text=f"{last.text} {word}")
        changed = True
    for i, part in enumerate(parts):
        if isinstance(part, Image):
            parts[i] = Image(part.data + word.encode(), part.media_type)
            changed = True
    return Request(request.id, tuple(parts), _output(request.output, word)) if changed else None


def _output(output: Output, word: str) -> Output:
    """What is asked for, in the changed text: readers of passages look there and nowhere else."""
    if isinstance(output, Span):
        context = output.context and f"{output.context} {word}"
        return replace(output, question=f"{output.question} {word}", context=context)
    return replace(output, pieces=(*output.pieces, f" {word}")) if isinstance(output, Tag) else output
