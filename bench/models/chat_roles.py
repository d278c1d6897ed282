"""A chat template as it is: which roles it takes is tried with words that must come out again, before anything is asked.

Templates refuse a system role, want user and assistant to take turns, or leave out what they do not know. What a template
cannot render at all is told when the model loads; what it can render in another form is rendered so, always.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from bench.errors import BenchError
from bench.types import Image, Part, Text

Messages = list[dict[str, Any]]
_USUAL = (("user",), ("system", "user"), ("system", "user", "assistant", "user"))  # the roles of nearly all requests
SAID = {
    "as asked": "",
    "system in user": "the chat template takes no system text: it stands at the beginning of the first user message",
    "one message": "the chat template takes no such turns: they stand in one user message",
}


class ChatTemplate:
    """Renders requests by `render(messages)`, a template of a tokenizer or processor; `content` makes a message's content.

    Of the ways to put a request's roles, the first that the template renders whole is taken for all requests of these roles:
    as they are, the system text as the beginning of the first user message, all as one user message.
    """

    def __init__(
        self, source: str, render: Callable[[Messages], str], content: Callable[[Sequence[Part]], Any]
    ) -> None:
        self.source, self._render, self._content = source, render, content
        self._ways: dict[tuple[str, ...], str] = {}

    def check(self) -> None:
        """Raise BenchError where the template cannot render what every task asks."""
        for roles in _USUAL:
            self._way(roles)

    def text(self, parts: Sequence[Part]) -> str:
        """The parts as the template puts them, up to where the reply begins."""
        return self._render(self._messages(_put(parts, self._way(_roles(parts)))))

    def describe(self) -> str:
        """What is put otherwise than asked, in a sentence; "" for nothing."""
        return "; ".join(dict.fromkeys(SAID[way] for way in self._ways.values() if SAID[way]))

    def _way(self, roles: tuple[str, ...]) -> str:
        if roles not in self._ways:
            faults = {}
            for way in SAID:
                if not (fault := self._fault(roles, way)):
                    self._ways[roles] = way
                    break
                faults[way] = fault
            else:
                raise BenchError(
                    f"{self.source}: the chat template does not render messages of {', '.join(roles)}: "
                    f"{faults['as asked']}; correct it, or set model.chat=false to prompt it as a base model"
                )
        return self._ways[roles]

    def _fault(self, roles: tuple[str, ...], way: str) -> str:
        """Why words of these roles do not come out of the template whole and in order, "" if they do."""
        words = [f"Probe{i}word{role}" for i, role in enumerate(roles)]
        parts = [Text(word, role) for word, role in zip(words, roles, strict=True)]
        try:
            text = self._render(self._messages(_put(parts, way)))
        except Exception as error:  # a template may raise anything
            return " ".join(f"{type(error).__name__}: {error}".split())[:200]
        place = 0
        for word, role in zip(words, roles, strict=True):
            if (place := text.find(word, place)) < 0:
                return f"it leaves out what the {role} says"
        return ""

    def _messages(self, parts: Sequence[Part]) -> Messages:
        """Parts of one role in a row as one message."""
        grouped: list[tuple[str, list[Part]]] = []
        for part in parts:
            if not grouped or grouped[-1][0] != _role(part):
                grouped.append((_role(part), []))
            grouped[-1][1].append(part)
        return [{"role": role, "content": self._content(group)} for role, group in grouped]


def one_text(parts: Sequence[Part]) -> str:
    """The content of a message without pictures: a line a part."""
    return "\n".join(part.text for part in parts if isinstance(part, Text))


def pieces(parts: Sequence[Part]) -> Messages:
    """The content of a message that may hold pictures; texts in a row are lines of one."""
    found: Messages = []
    for part in parts:
        if isinstance(part, Image):
            found.append({"type": "image"})
        elif isinstance(part, Text) and found and found[-1]["type"] == "text":
            found[-1]["text"] += "\n" + part.text
        elif isinstance(part, Text):
            found.append({"type": "text", "text": part.text})
    return found


def _role(part: Part) -> str:
    return part.role if isinstance(part, Text) else "user"


def _roles(parts: Sequence[Part]) -> tuple[str, ...]:
    """The roles of the messages."""
    roles = [_role(part) for part in parts]
    return tuple(role for role, before in zip(roles, [None, *roles], strict=False) if role != before)


def _put(parts: Sequence[Part], way: str) -> list[Part]:
    """The parts with the roles that a way gives them; a blank line stands behind what moves."""
    if way == "as asked":
        return list(parts)
    moved = ("system",) if way == "system in user" else ("system", "assistant")
    return [
        replace(part, role="user", text=part.text + "\n") if isinstance(part, Text) and part.role in moved else part
        for part in parts
    ]
