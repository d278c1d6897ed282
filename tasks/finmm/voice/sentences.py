"""Sentences of finmm's own conversations that can be spoken: the customers' of its emotions, the agents' of its dialogues."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from typing import NamedTuple

from bench.data.files import read_jsonl
from tasks.finmm import FOLDER
from tasks.finmm.voice.numerals import MONTHS

SOURCES = (FOLDER / "emotion" / "utterances.jsonl", FOLDER / "dialogue" / "conversations.jsonl")
LEARNED_FROM = 1_000  # seeds from here on draw from conversations that the seeds below never see
# A whole number or a decimal that stands alone. Years, times, codes and ordinals have digits too: such sentences are left out.
NUMBER = re.compile(r"(?<![\w.,:/$£€-])(?:\d{1,3}(?:,\d{3})+|\d{1,3})(?:\.\d{1,2})?(?![\w:/%°-]|[.,]\d)")
# Said otherwise than number by number, or with another value: the days of months, what is below nothing.
_OTHERWISE = re.compile(rf"\d (?:{'|'.join(MONTHS)})|\bminus \d")
_PLAIN = re.compile(r"[A-Za-z .,;:?!'’-]*")


class Sentence(NamedTuple):
    """A sentence, who says it in which conversation, and how it feels, which of agents nobody annotated (None)."""

    text: str
    role: str
    conversation: str
    topic: str
    feeling: tuple[str, float, float] | None


@cache
def sentences(for_training: bool) -> tuple[Sentence, ...]:
    """Those of three fifths of the conversations, or for training of the rest: a conversation is never in both."""
    found = [*_customers(), *_agents()]
    return tuple(one for one in found if _speakable(one.text) and is_for_training(one.conversation) is for_training)


def is_for_training(name: str) -> bool:
    """Which side a conversation's name, or the text of a written call, falls on: two fifths of all are for training."""
    return hashlib.sha256(name.encode()).digest()[0] % 5 < 2


def _speakable(text: str) -> bool:
    if _OTHERWISE.search(text):
        return False
    return bool(_PLAIN.fullmatch(NUMBER.sub("", text))) and 3 <= len(text.split()) <= 45


def _customers() -> list[Sentence]:
    return [
        Sentence(
            record["text"], "customer", record["conversation"], "service",
            (record["emotion"], float(record["valence"]), float(record["arousal"])),
        )
        for _, record in read_jsonl(SOURCES[0])
    ]  # fmt: skip


def _agents() -> list[Sentence]:
    return [
        Sentence(turn["text"], "agent", record["id"], record["domain"].replace("_", " "), None)
        for _, record in read_jsonl(SOURCES[1])
        for turn in record["turns"]
        if turn["speaker"] == "agent"
    ]
