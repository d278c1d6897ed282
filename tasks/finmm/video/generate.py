"""From (seed, index) to a clip; nothing but the standard library is needed, and nothing is drawn."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tasks.finmm.picture import make_document
from tasks.finmm.video import calls
from tasks.finmm.video.clip import KINDS, Clip, Question
from tasks.finmm.video.screens import make_screen

_OTHER_DOCUMENTS = 20_000  # between the seed of a film and that of its pages: finmm_docvqa asks about none of them
_MOST_ASKED = 3
_SHOWN = (
    "Here is the {}. I will go over it slowly.",
    "I am filming the {} now, so that you can check it.",
    "So this is the {}. Tell me if you can read it.",
    "You asked for the {}. Here it is, on my kitchen table.",
    "This is the {} that we talked about. I hope the light is good enough.",
)


def make_clip(seed: int, index: int) -> Clip:
    """Clip number `index` of the endless corpus `seed`; kinds take turns.

    It depends on no other index. Seeds from 1,000 on are for training: what is said in their calls is said in no call of a
    seed below. Raises ValueError for a negative index.
    """
    if index < 0:
        raise ValueError(f"a clip's index counts from 0, got {index}")
    number, kind = divmod(index, len(KINDS))
    return _WRITERS[KINDS[kind]](seed, index, number)


def index_of(kind: str, number: int) -> int:
    """The index of the clip that is number `number` of its kind.

    >>> [index_of("screen", 0), index_of("call", 4)]
    [2, 12]
    """
    return number * len(KINDS) + KINDS.index(kind)


def clip_of(kind: str, seed: int, number: int) -> Clip:
    """Clip number `number` of one kind."""
    return make_clip(seed, index_of(kind, number))


def _document(seed: int, index: int, number: int) -> Clip:
    page_seed = seed + _OTHER_DOCUMENTS
    document = make_document(page_seed, number)
    name = document.kind.replace("_", " ")
    stream = Random(f"finmm-clip/{seed}/{index}")
    turned = number + stream.choice((1, 2, 3, 5)) if stream.random() < 0.6 else None  # the page that lies upon it
    asked = [question for question in document.questions if question.extractive]
    first: dict[str, Question] = {}
    for question in stream.sample(asked, len(asked)):
        text = question.text if turned is None else f"On the second page: {question.text}"
        key = f"finmm-clip-{seed}-{index}-{len(first) + 1}"
        first.setdefault(
            question.evidence[0], Question(key, question.kind, text, question.answers, question.evidence[0])
        )
    questions = tuple(first.values())[:_MOST_ASKED]
    return Clip(
        seed, index, "document", f"finmm-{seed}-d{number:04}", "utterance_1", stream.choice(_SHOWN).format(name),
        stream.randrange(1_000), "", questions=questions,
        shown={"page_seed": page_seed, "page": number, "upon": turned, "name": name},
    )  # fmt: skip


_WRITERS: dict[str, Callable[[int, int, int], Clip]] = {
    "call": calls.write,
    "document": _document,
    "screen": make_screen,
}
