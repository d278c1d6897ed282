"""A request as text for a model with a fixed room: what is too long loses the middle of its longest part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from bench.types import Part, Request, Span, Text


class Prompt(NamedTuple):
    """A prompt's tokens with the special ones, how many were cut out of it, and the tag of thinking that it ends with, if any."""

    ids: list[int]
    truncated: int = 0
    thinks: str = ""


def texts(request: Request) -> tuple[list[Text], str]:
    """What is said to the model, and how its reply is to begin ("" mostly); raises ValueError for a part that is no text."""
    parts = []
    for part in request.parts:
        if not isinstance(part, Text):
            raise ValueError(f"request {request.id!r} holds {part.kind}, which a text model cannot read")
        parts.append(part)
    begun = parts.pop().text if parts and parts[-1].role == "assistant" else ""
    return parts, begun


def plain_text(request: Request) -> str:
    """The request as base models are prompted, up to where the reply begins or goes on."""
    parts, begun = texts(request)
    return as_plain_text(parts) + ("\n" + begun.rstrip(" ") if begun else "")


def as_plain_text(parts: Sequence[Text]) -> str:
    """The parts as one text: a blank line before what follows the assistant or the system, else a line break.

    >>> as_plain_text([Text("Be brief.", "system"), Text("Q: 1+1?"), Text("A: 2", "assistant"), Text("Q: 2+2?")])
    'Be brief.\\n\\nQ: 1+1?\\nA: 2\\n\\nQ: 2+2?'
    """
    text = ""
    for before, part in zip([None, *parts], parts, strict=False):
        text += (
            "" if before is None else "\n\n" if part.role == "user" and before.role != "user" else "\n"
        ) + part.text
    return text


def appended_end(tokenizer: Any) -> int:
    """How many tokens the tokenizer puts behind a text: the end, which a model that goes on from the text must not read."""
    bare, whole = tokenizer("a", add_special_tokens=False)["input_ids"], tokenizer("a")["input_ids"]
    for start in range(len(whole) - len(bare), -1, -1) if bare else ():
        if whole[start : start + len(bare)] == bare:
            return len(whole) - len(bare) - start
    return 0


def fitted(request: Request, tokenizer: Any, limit: int) -> Prompt:
    """The request as plain text in at most `limit` tokens: see `fit`."""
    text = plain_text(request)
    ids: list[int] = tokenizer(text)["input_ids"]
    return Prompt(ids) if len(ids) <= limit else fit(request, text, tokenizer, limit)


def fit(request: Request, text: str, tokenizer: Any, limit: int, *, special: bool = True) -> Prompt:
    """`text`, which holds the request's parts, as at most `limit` tokens; `tokenizer` must be a fast one.

    What is too much is cut out of the middle of the longest part, so that both its ends stay, and of a `Span` the whole
    question where it stands in that part. Raises ValueError when that is not enough.
    """
    found = tokenizer(text, add_special_tokens=special, return_offsets_mapping=True)
    ids, places = found["input_ids"], found["offset_mapping"]
    excess = len(ids) - limit
    start, end, behind = _longest(texts(request)[0], text, request)
    inside = [i for i, (a, b) in enumerate(places) if start <= a < b <= end]
    n_behind = sum(places[i][1] > behind for i in inside)
    keep = len(inside) - excess
    if keep < n_behind or limit < 1:
        raise ValueError(
            f"prompt has {len(ids)} tokens, the context has room for {limit}, and of its longest part only "
            f"{len(inside) - n_behind} may be cut out; ask with fewer shots, or take a model with a longer context"
        )
    n_before = keep - max(n_behind, keep - keep // 2)
    cut = set(inside[n_before : n_before + excess])
    return Prompt([token for i, token in enumerate(ids) if i not in cut], excess)


def _longest(parts: Sequence[Text], text: str, request: Request) -> tuple[int, int, int]:
    """Where the longest part stands in the text, (start, end) in characters, and from where on it has to stay whole.

    That is where the question of a `Span` begins in it, else its end.
    """
    longest, at = (0, 0), 0
    for part in parts:
        said = part.text if part.text in text else part.text.strip()  # chat templates may strip what is said
        start = text.index(said, at)
        at = start + len(said)
        longest = max(longest, (start, at), key=lambda span: span[1] - span[0])
    start, end = longest
    question = request.output.question if isinstance(request.output, Span) else ""
    asked = text.rfind(question, start, end) if question else -1
    return start, end, asked if asked >= 0 else end


def begun_by(request: Request) -> str:
    """How the reply is begun, "" if it is not."""
    last = request.parts[-1] if request.parts else None
    return last.text if isinstance(last, Text) and last.role == "assistant" else ""


def continued(parts: Sequence[Part], begun: str) -> str:
    """The text that a base model continues, where the reply begins like this."""
    text: str = as_plain_text([part for part in parts if isinstance(part, Text)])
    return text + ("\n" + begun.rstrip(" ") if begun else "")
