"""Which sample of a log is which example of ours: by the texts that both stand on.

An id is a word of its data set, and a number is an id in every one: so ids alone pair nothing that has a text. A pair is where
every text of the example of two words or more stands in the sample: as a text of its data, or in what it was asked. Of several
examples that one prompt holds (solved ones stand before it) it is the one that stands last. Of several samples with the same
texts, the id tells which; where it does not, none is paired.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.imports.log import Sample, texts_in
from bench.types import Example, Json

_WORDS = re.compile(r"\w+")
_ANCHOR = 8  # words by which a text is looked for


@dataclass(frozen=True)
class Paired:
    """The samples by our examples' ids, and what has no partner; `ambiguous` are of the samples `alone`.

    `by_id` counts pairs of examples that have no text. `other_target` are ids of pairs whose right answers differ as texts.
    """

    samples: Mapping[str, Sample]
    alone: tuple[Sample, ...]
    missing: tuple[str, ...]
    ambiguous: int
    by_id: int
    other_target: tuple[str, ...]


def normal(text: str) -> str:
    """A text as it is compared: one form of Unicode, no case, single blanks.

    >>> normal("What  is\\nthe NET income?")
    'what is the net income?'
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def pair(examples: Sequence[Example], samples: Sequence[Sample]) -> Paired:
    """Our examples and their samples."""
    needed = [_needed(example) for example in examples]
    found, ambiguous = _by_texts(examples, needed, samples)
    taken = {id(samples[at]) for at in found.values()}
    by_id = {one.own_id: at for at, one in enumerate(samples) if id(one) not in taken}
    textless = 0
    for place, example in enumerate(examples):
        if not needed[place] and example.id in by_id:
            found[place], textless = by_id[example.id], textless + 1
    used = set(found.values())
    pairs = {examples[place].id: samples[at] for place, at in sorted(found.items())}
    return Paired(
        pairs, tuple(one for at, one in enumerate(samples) if at not in used),
        tuple(one.id for one in examples if one.id not in pairs), ambiguous, textless,
        tuple(one.id for one in examples if one.id in pairs and _differ(one.target, pairs[one.id].target)),
    )  # fmt: skip


def _needed(example: Example) -> frozenset[str]:
    """The texts of an example that a sample must have: those of two words or more; of one that has no such, all."""
    texts = {normal(text) for text in texts_in(example.inputs)} - {""}
    return frozenset(text for text in texts if " " in text) or frozenset(texts)


def _by_texts(
    examples: Sequence[Example], needed: Sequence[frozenset[str]], samples: Sequence[Sample]
) -> tuple[dict[int, int], int]:
    """Sample by example, both by place, and how many samples fit several examples, or one with others."""
    index: dict[str, set[int]] = defaultdict(set)
    for at, sample in enumerate(samples):
        for text in sample.texts:
            index[normal(text)].add(at)
    fits: dict[int, set[int]] = {}
    for place, texts in enumerate(needed):
        known = sorted((index.get(text, set()) for text in texts), key=len)
        if known and (both := set.intersection(*known)):
            fits[place] = both
    matched = {at for group in fits.values() for at in group}
    asked = {at: sample for at, sample in enumerate(samples) if at not in matched}
    for at, place in _in_prompts({i: texts for i, texts in enumerate(needed) if texts and i not in fits}, asked):
        fits.setdefault(place, set()).add(at)
    return _one_to_one(examples, fits, samples)


def _one_to_one(
    examples: Sequence[Example], fits: Mapping[int, set[int]], samples: Sequence[Sample]
) -> tuple[dict[int, int], int]:
    uses = Counter(at for group in fits.values() for at in group)
    found: dict[int, int] = {}
    unclear: set[int] = set()
    for place, group in fits.items():
        if len(group) == 1 and uses[next(iter(group))] == 1:
            found[place] = next(iter(group))
            continue
        named = [at for at in group if samples[at].own_id == examples[place].id]
        if len(named) == 1:
            found[place] = named[0]
        else:
            unclear |= group
    return found, len(unclear - set(found.values()))


def _in_prompts(wanted: Mapping[int, frozenset[str]], samples: Mapping[int, Sample]) -> list[tuple[int, int]]:
    """(sample, example) where the example's texts stand in what the sample was asked, and none stands behind them."""
    if not wanted or not samples:
        return []
    shared = Counter(text for texts in wanted.values() for text in texts)
    keys = {place: min(texts, key=lambda text: (shared[text], -len(text), text)) for place, texts in wanted.items()}
    anchors: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for place, key in keys.items():
        if words := _WORDS.findall(key)[:_ANCHOR]:
            anchors[len(words)][" ".join(words)].append(place)
    found = []
    for at, sample in samples.items():
        text = normal(sample.prompt or "\n".join(sample.texts))
        words = _WORDS.findall(text)
        near = {place for n, known in anchors.items() for i in range(len(words) - n + 1)
                for place in known.get(" ".join(words[i : i + n]), ())}  # fmt: skip
        fits = [(text.rfind(keys[place]) + len(keys[place]), len(keys[place]), place) for place in near
                if all(one in text for one in wanted[place])]  # fmt: skip
        if fits:
            last = max(fits)[:2]
            found += [(at, place) for *end, place in fits if tuple(end) == last]
    return found


def _differ(ours: Json, theirs: Json) -> bool:
    """Whether both are texts, or lists of them, with none in common."""
    mine, other = ({normal(text) for text in texts_in(one)} - {""} for one in (ours, theirs))
    if isinstance(ours, Mapping) or not mine or not other:
        return False
    return not mine & other and not any(one in text for text in other for one in mine)
