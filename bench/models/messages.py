"""The parts of a request as the messages of a chat, in the form of OpenAI's API."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from bench.types import Image, Part, Text


def messages(parts: Sequence[Part]) -> list[dict[str, Any]]:
    """Parts of one role in a row make one message; a picture is the user's, and makes a list of the message's content.

    Raises ValueError for a part that such a chat does not take.

    >>> messages([Text("Be brief.", "system"), Text("A"), Text("B")])
    [{'role': 'system', 'content': 'Be brief.'}, {'role': 'user', 'content': 'A\\nB'}]
    """
    grouped: list[tuple[str, list[Part]]] = []
    for part in parts:
        role = part.role if isinstance(part, Text) else "user"
        if grouped and grouped[-1][0] == role:
            grouped[-1][1].append(part)
        else:
            grouped.append((role, [part]))
    return [{"role": role, "content": _content(group)} for role, group in grouped]


def _content(parts: Sequence[Part]) -> str | list[dict[str, Any]]:
    texts = [part.text for part in parts if isinstance(part, Text)]
    return "\n".join(texts) if len(texts) == len(parts) else [_piece(part) for part in parts]


def _piece(part: Part) -> dict[str, Any]:
    match part:
        case Text(text=text):
            return {"type": "text", "text": text}
        case Image(data=data, media_type=media_type):
            url = f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"
            return {"type": "image_url", "image_url": {"url": url}}
    raise ValueError(f"a chat takes text and pictures, not {part.kind}")
