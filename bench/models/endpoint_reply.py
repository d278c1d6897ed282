"""What stands in a server's reply: the answer's words, the thinking that it keeps apart, how it ended, what it counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.text.finish import finish_of
from bench.types import Json, is_token_count

_THINKING = (
    "reasoning_content",
    "reasoning",
    "thinking",
    "reasoning_details",
)  # as servers call it, beside the content
_REASONS = ("finish_reason", "native_finish_reason", "stop_reason", "done_reason", "stop_type")
_INNER = ("text", "thinking", "reasoning", "summary", "content")  # where a piece of thinking has its words
_DEPTH = 4  # of pieces within pieces
_NO_NUMBER = "NaN happened"  # SGLang's `matched_stop` where the model computed no number: it calls that a stop


@dataclass(frozen=True)
class Reply:
    """`text` is None where there is none; `finish` as in `Prediction`, and `reason` the word that the server has for it."""

    text: str | None
    thinking: str | None
    finish: str
    reason: Json
    refusal: str | None
    is_call: bool  # of a tool, which answers nothing

    @property
    def is_empty(self) -> bool:
        """Whether not a word of the answer was said."""
        return not (self.text or "").strip()

    @property
    def why_nothing(self) -> str:
        """Why an answer has no text, in a few words."""
        return (self.refusal or f"finish_reason {self.reason!r}")[:200]


def reply_of(found: Json, *, chat: bool) -> Reply:
    """What the first choice of a reply says."""
    choice = _choice(found)
    message = table(choice, "message") if chat else choice
    text, thought = _content(message.get("content") if chat else choice.get("text"))
    refusal = message.get("refusal")
    refusal = refusal if isinstance(refusal, str) and refusal.strip() else None
    reason = next((place[name] for place in (choice, found) for name in _REASONS if place.get(name)), None)
    finish = "refused" if refusal else finish_of(reason)
    if choice.get("matched_stop") == _NO_NUMBER:
        text, finish, reason = None, "error", _NO_NUMBER
    called = _calls(message) or "call" in str(reason)
    return Reply(text, thought or thinking_in(message), finish, reason, refusal, called)


def says(message: Mapping[str, Json]) -> bool:
    """Whether a message, or a piece of one, holds words of any kind: of the answer, of thinking, of a refusal or of a call."""
    return any((_content(message.get("content"))[0], thinking_in(message), message.get("refusal"), _calls(message)))


def has_reason(choice: Mapping[str, Json]) -> bool:
    """Whether a choice says why it ended."""
    return any(choice.get(name) for name in _REASONS)


def thinking_in(message: Mapping[str, Json]) -> str | None:
    """The thinking that a message holds: among its content, or beside it."""
    within = _content(message.get("content"))[1]
    return within or next((words for name in _THINKING if (words := _words(message.get(name)))), None)


def _calls(message: Mapping[str, Json]) -> bool:
    return bool(message.get("tool_calls") or message.get("function_call"))


def _choice(found: Json) -> dict[str, Json]:
    return found["choices"][0] if isinstance(found["choices"][0], dict) else {}


def _content(content: Json) -> tuple[str | None, str | None]:
    """The text of a message's content, and its thinking where it comes in pieces."""
    if not isinstance(content, list):
        return (content if isinstance(content, str) else None), None
    pieces = [one for one in content if isinstance(one, dict)]
    texts = [one.get("text") for one in pieces if one.get("type") in ("text", "output_text")]
    said = "".join(texts) if all(isinstance(one, str) for one in texts) else None  # type: ignore[arg-type]
    thoughts = [_words(one) for one in pieces if one.get("type") in ("thinking", "reasoning", "reasoning_content")]
    return said, "\n".join(filter(None, thoughts)) or None


def _words(value: Json, depth: int = 0) -> str:
    """The words of thinking, however they are wrapped."""
    if isinstance(value, str):
        return value
    if depth < _DEPTH and isinstance(value, list):
        return "\n".join(filter(None, (_words(one, depth + 1) for one in value)))
    if depth < _DEPTH and isinstance(value, Mapping):
        return next((words for name in _INNER if (words := _words(value.get(name), depth + 1))), "")
    return ""


def counts(found: Json) -> dict[str, Any]:
    """The tokens that a server says it counted, 0 for what is no count; thinking is among the new ones.

    Some servers leave thinking out of what they call completion tokens: where their total says so, it is added.
    """
    usage = table(found, "usage")
    prompt, new = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    inner = (table(usage, name) for name in ("completion_tokens_details", "output_tokens_details"))
    thought = next((n for place in (*inner, usage) if (n := _count(place, "reasoning_tokens"))), 0)
    if thought and (thought > new or _count(usage, "total_tokens") == prompt + new + thought):
        new += thought
    return {"prompt_tokens": prompt, "new_tokens": new, "thinking_tokens": thought}


def _count(place: Mapping[str, Json], name: str) -> int:
    count = place.get(name)
    return count if is_token_count(count) else 0


def table(record: Json, name: str) -> dict[str, Json]:
    """An object within another, {} for what is none."""
    found = record.get(name)
    return found if isinstance(found, dict) else {}
