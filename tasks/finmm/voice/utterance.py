"""What is said, by whom, over which line and with which feeling, from a seed and a place alone."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from functools import cache

from tasks.finmm.voice.calls import LINES, Line
from tasks.finmm.voice.entity import MAKERS, Entity, number
from tasks.finmm.voice.sentences import LEARNED_FROM, NUMBER, Sentence, is_for_training, sentences
from tasks.finmm.voice.speaker import FORMANT, JOE, Speaker

CHANNELS = ("clean", "telephone", "noise", "overlap", "codec")
_PLACE = re.compile(r"\{(\w+)\}")
_OWN_NOISE = (
    0.22,
    0.11,
)  # how far the voice strays from what is annotated, as standard deviations of valence and arousal
_CALL = 4  # written lines to a call


@dataclass(frozen=True)
class Utterance:
    """One utterance. `text` is as written and `said` as it goes to the synthesiser; `words` are those of `said`, bare.

    `valence`, `arousal` and `emotion` are annotated; `performed` is the (valence, arousal) that the voice is given, which strays
    from them as no two people sound alike. `places` are the first and last word of each entity.
    """

    id: str
    seed: int
    index: int
    text: str
    said: str
    words: tuple[str, ...]
    entities: tuple[Entity, ...]
    places: tuple[tuple[int, int], ...]
    speaker: Speaker
    role: str
    topic: str
    channel: str
    valence: float
    arousal: float
    emotion: str
    performed: tuple[float, float]
    conversation: str


def make_utterance(seed: int, index: int, neural: bool = False) -> Utterance:
    """The utterance at a place of a seed's endless list. Every second one is a sentence of finmm's own, while there are any.

    With `neural` every third is spoken by the neural voice. Seeds from 1,000 on are for training: their sentences come from other
    conversations, and no text of theirs is one of a seed below.
    """
    rng = random.Random(f"finmm voice {seed} {index}")
    own = _own(seed)
    made = (
        _of_sentence(own[index // 2], rng) if index % 2 == 0 and index // 2 < len(own) else _of_call(seed, index, rng)
    )
    conversation, role, topic, feeling, pieces = made
    text, said, entities, places = _put_together(pieces)
    speaker = _speaker(seed, conversation, role)
    valence, arousal = (round(one, 2) for one in feeling[1:])
    return Utterance(
        id=f"finmm-voice-{seed}-{index:05d}", seed=seed, index=index, text=text, said=said,
        words=tuple(filter(None, map(bare, said.split()))), entities=tuple(entities), places=tuple(places),
        speaker=JOE if neural and index % 3 == 0 else speaker, role=role, topic=topic, channel=rng.choice(CHANNELS),
        valence=valence, arousal=arousal, emotion=feeling[0],
        performed=(
            min(max(rng.gauss(valence, _OWN_NOISE[0]), -1.0), 1.0), min(max(rng.gauss(arousal, _OWN_NOISE[1]), 0.0), 1.0),
        ),
        conversation=conversation,
    )  # fmt: skip


def bare(word: str) -> str:
    """The word without the punctuation around it."""
    return word.strip("\"“”‘’'().,;:!?…–—-")


_Made = tuple[str, str, str, tuple[str, float, float], list[str | Entity]]


@cache
def _own(seed: int) -> tuple[Sentence, ...]:
    found = list(sentences(seed >= LEARNED_FROM))
    random.Random(f"finmm voice {seed}").shuffle(found)
    return tuple(found)


def _of_sentence(sentence: Sentence, rng: random.Random) -> _Made:
    """A sentence of finmm; an agent of whom no feeling is annotated is calm and mildly friendly."""
    pieces: list[str | Entity] = []
    end = 0
    for match in NUMBER.finditer(sentence.text):
        pieces += [sentence.text[end : match.start()], number(match[0])]
        end = match.end()
    feeling = sentence.feeling or ("neutral", _near(rng, 0.15, -1), _near(rng, 0.27, 0))
    return sentence.conversation, sentence.role, sentence.topic, feeling, [*pieces, sentence.text[end:]]


def _of_call(seed: int, index: int, rng: random.Random) -> _Made:
    """A line of a written call: four neighbours are of one call, on one topic and with one currency.

    It is filled anew until the text falls on the side of the seed, so that no text is for training and for evaluation.
    """
    call = index // (2 * _CALL)
    of_call = random.Random(f"finmm voice {seed} call {call}")
    topic = of_call.choice(sorted({line.topic for line in LINES}))
    currency = of_call.choice(("GBP", "USD", "EUR"))
    line: Line = rng.choice([line for line in LINES if line.topic == topic])
    feeling = (line.emotion, _near(rng, line.valence, -1), _near(rng, line.arousal, 0))
    pieces = _filled(line.text, rng, currency)
    while is_for_training(_put_together(pieces)[0]) is not (seed >= LEARNED_FROM):
        pieces = _filled(line.text, rng, currency)
    return f"call-{seed}-{call:05d}", line.role, topic, feeling, pieces


def _filled(text: str, rng: random.Random, currency: str) -> list[str | Entity]:
    return [MAKERS[part](rng, currency) if i % 2 else part for i, part in enumerate(_PLACE.split(text))]


def _near(rng: random.Random, value: float, low: float) -> float:
    return min(max(rng.gauss(value, 0.08), low), 1.0)


def _put_together(pieces: list[str | Entity]) -> tuple[str, str, list[Entity], list[tuple[int, int]]]:
    """The text as written and as said, the entities, and the places of their words."""
    text = said = ""
    entities, places = [], []
    for piece in pieces:
        if isinstance(piece, str):
            text, said = text + piece, said + piece
            continue
        before = len([word for word in said.split() if bare(word)])
        text, said = text + piece.written, said + piece.spoken
        entities.append(piece)
        places.append((before, len([word for word in said.split() if bare(word)]) - 1))
    return text, " ".join(said.replace("’", "'").split()), entities, places


def _speaker(seed: int, conversation: str, role: str) -> Speaker:
    return random.Random(f"finmm voice {seed} {conversation} {role}").choice(FORMANT)
