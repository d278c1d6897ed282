"""A reply that comes in pieces, put together into the object that the server would have sent at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.models.endpoint_reply import counts, has_reason, says, thinking_in
from bench.types import Json

_SAME = frozenset({"type", "role", "id", "index", "object", "format", "signature"})  # told again, not gone on with
_WORDS = ("delta", "message", "text")  # of a choice


class Pieces:
    """Takes the chunks of a chat or a completion; `reply` is what has come by now.

    A chunk whose words are new is one token, or as many as the server's running count says; one without words, such as the first
    that names only the role or the last that brings the count, is none that came.
    """

    def __init__(self) -> None:
        self.told = 0  # tokens, in all
        self.chunks = 0  # with words
        self.thought = False  # whether thinking has come
        self.is_whole = False  # whether a chunk has said how the reply ended
        self._top: dict[str, Json] = {}
        self._choices: dict[int, dict[str, Json]] = {}

    def add(self, chunk: Mapping[str, Json]) -> int:
        """Take in a chunk; how many tokens are new with it."""
        self._top |= {name: value for name, value in chunk.items() if name != "choices" and value is not None}
        found = chunk.get("choices")
        choices = found if isinstance(found, list) else []
        spoke = [self._take(choice if isinstance(choice, dict) else {}) for choice in choices]
        if not any(spoke):
            return 0
        counted = counts(self._top)["new_tokens"] if chunk.get("usage") else 0
        new = max(1, counted - self.told)
        self.chunks += 1
        self.told += new
        return new

    def _take(self, choice: Mapping[str, Json]) -> bool:
        """Add to a choice; whether words came with it."""
        place = choice.get("index")
        kept = self._choices.setdefault(place if isinstance(place, int) else 0, {})
        whole = choice.get("message")
        delta: Any = choice.get("delta", whole)
        kept |= {key: value for key, value in choice.items() if key not in _WORDS and value not in (None, "")}
        if isinstance(delta, dict):
            kept["message"] = delta if delta is whole else merged(kept.get("message"), delta)
        if (text := choice.get("text")) is not None:
            kept["text"] = merged(kept.get("text"), text)
        self.is_whole |= has_reason(choice)
        message = delta if isinstance(delta, dict) else {}
        self.thought |= bool(thinking_in(message))
        return says(message) or (isinstance(text, str) and text != "")

    @property
    def reply(self) -> dict[str, Json]:
        """What the server would have sent, had it not streamed; without choices where none has come."""
        return {**self._top, "choices": [self._choices[place] for place in sorted(self._choices)]}


def merged(old: Json, new: Json, name: str = "") -> Json:
    """What a value is once a piece has come: texts go on, lists grow, and what only names something stays as it was told last.

    >>> merged({"role": "assistant", "content": "4"}, {"role": "assistant", "content": " %"})
    {'role': 'assistant', 'content': '4 %'}
    >>> merged([{"type": "text", "text": "a"}], [{"type": "text", "text": "b"}, {"type": "call", "text": "c"}])
    [{'type': 'text', 'text': 'ab'}, {'type': 'call', 'text': 'c'}]
    """
    if new is None or old is None:
        return old if new is None else new
    if isinstance(old, str) and isinstance(new, str) and name not in _SAME:
        return old + new
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{key: merged(old.get(key), value, key) for key, value in new.items()}}
    if isinstance(old, list) and isinstance(new, list):
        grown = list(old)
        for item in new:
            place = _place(grown, item)
            if place is None:
                grown.append(item)
            else:
                grown[place] = merged(grown[place], item)
        return grown
    return new


def _place(items: list[Json], item: Json) -> int | None:
    """Which of the items a new one goes on with: that of its index, else the last where it is of the same type and id."""
    if not isinstance(item, dict):
        return None
    if (index := item.get("index")) is not None:
        return next((i for i, one in enumerate(items) if isinstance(one, dict) and one.get("index") == index), None)
    last = items[-1] if items else None
    alike = isinstance(last, dict) and all(last.get(name) == item.get(name) for name in ("type", "id", "index"))
    return len(items) - 1 if alike and item.get("type") is not None else None
