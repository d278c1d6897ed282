"""Open-domain human conversations: the sixth turn, given the first five."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from bench.artifacts.fetch import locate
from bench.data.files import field, read_json
from bench.errors import BenchError
from bench.metrics.contrast import References
from bench.task import Card
from bench.types import Example, Json
from tasks.dialogue import NextReply

TURN = 5  # counted from 0: one scored turn a conversation, late enough to have a topic
WORDS = range(5, 31)  # "yeah" can be matched by nobody, and a few essays would outweigh everything else


class Chitchat(NextReply):
    """One reply a conversation, against what the other person really wrote."""

    name, version = "chitchat", 2
    system = (
        "You are a student chatting online with another student about your day, your tastes and your plans. "
        "Reply in one short, friendly sentence."
    )
    max_new_tokens = 32
    card = Card(
        title="Chit-Chat dataset (BYU PCCL)",
        source="pypi:chitchat-dataset",
        revision="0.9.0",
        licence="MIT",
        split="conversations whose sixth turn has 5 to 30 words",
        n_examples=2_099,
        language="en",
        chance=(-0.01, 0.02),
        scenario="marketing",
        cluster="conversation",
        citation="Myers, Etchart and Fulda 2020, Conversational Scaffolding (ICAART)",
    )

    def __init__(self, source: str, sha256: str | None = None) -> None:
        self.source, self.sha256 = source, sha256

    def fetch(self) -> None:
        """Bring the data file into the cache."""
        locate(self.source, sha256=self.sha256)

    def examples(self) -> Sequence[Example]:
        """In the order of the file; messages that one person sends in a row are one turn."""
        path = locate(self.source, sha256=self.sha256, fetch="bench fetch task=chitchat")
        found = []
        data = read_json(path)
        if not isinstance(data, dict):
            raise BenchError(
                f"{path}: found a {type(data).__name__}, expected an object of conversations; bring the file again"
            )
        for key, record in data.items():
            turns = _turns(record, f"{path}: {key}")
            if len(turns) > TURN and all(turns[:TURN]) and len(turns[TURN].split()) in WORDS:
                # The model speaks as whoever writes the scored turn; turns alternate.
                roles = ["assistant" if (TURN - i) % 2 == 0 else "user" for i in range(TURN)]
                seen = [list(pair) for pair in zip(roles, turns, strict=False)]
                references = References([turns[TURN]], key=key, cluster=key, shown="\n".join(turns[:TURN]))
                found.append(Example(key, {"turns": seen}, references, cluster=key))
        return found


def _turns(record: Json, where: str) -> list[str]:
    """The texts of a conversation's turns, which change speaker each time."""
    groups = field(record, "messages", list, where)
    for group in groups:
        if not isinstance(group, list):
            raise BenchError(
                f"{where}: found the messages {str(group)[:40]!r}, expected a list of them; bring the file again"
            )
    messages = [message for group in groups for message in group]
    by_sender = groupby(messages, key=lambda message: field(message, "sender", str, where))
    return [
        " ".join(" ".join(field(message, "text", str, where).split()) for message in group) for _, group in by_sender
    ]
