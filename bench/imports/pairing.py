"""Which sample of a log is which example of ours: by the texts that both stand on.

An id is a word of its data set, and a number is an id in every one: so ids alone pair nothing that has a text. The texts of an
example are those of its inputs that our own request shows, of two words or more. A pair is where each of them is a text of the
sample's data, whole; or where each stands in a text of the sample, or in what it was asked, as a line, a quotation or behind
and before a label ("Text: … Answer:") and not as a piece of a longer sentence. Of several examples that one prompt holds so
(solved ones stand before it) it is the one that stands last. Of several samples with the same texts, and
for an example whose texts are single words, the id tells which; where it does not, none is paired.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.errors import BenchError
from bench.imports.log import Sample, texts_in
from bench.task import Task
from bench.types import Example, Json, Text

_WORDS, _WORDS_2 = re.compile(r"\w+"), re.compile(r"\w\W+\w")
_LINE_END = re.compile(r"[\r\n\u2028\u2029]+")
_NEAR = 60  # letters behind a piece that are looked at
_BEFORE = re.compile(r"""(?:\n|[:>"'“‘«(\[{|] ?)\Z""")
_BEHIND = re.compile(r"""\n| ?["'”’»)\]}|<]| (?:\w+ ){0,2}\w+ ?:""")
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
    """A text as it is compared: one form of Unicode, no case, single blanks, no empty lines.

    >>> normal("What  is\\n\\n the NET income?")
    'what is\\nthe net income?'
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    lines = (" ".join(line.split()) for line in _LINE_END.split(folded))
    return "\n".join(line for line in lines if line)


def pair(task: Task, examples: Sequence[Example], samples: Sequence[Sample]) -> Paired:
    """The task's examples and their samples."""
    needed = [_needed(task, example) for example in examples]
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


def _needed(task: Task, example: Example) -> frozenset[str]:
    """The texts of an example that a sample must have: see above; of one that has none of two words, all."""
    texts = {normal(text) for text in texts_in(example.inputs)} - {""}
    try:
        shown = normal("\n".join(part.text for part in task.request(example).parts if isinstance(part, Text)))
    except (BenchError, OSError):  # its media are not here, which nothing needs that is scored
        shown = ""
    seen = {text for text in texts if text in shown} or texts
    return frozenset(text for text in seen if _WORDS_2.search(text)) or frozenset(seen)


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
    wanted = {i: texts for i, texts in enumerate(needed) if i not in fits and any(map(_WORDS_2.search, texts))}
    for at, place in _in_texts(wanted, asked):
        fits.setdefault(place, set()).add(at)
    return _one_to_one(examples, needed, fits, samples)


def _one_to_one(
    examples: Sequence[Example],
    needed: Sequence[frozenset[str]],
    fits: Mapping[int, set[int]],
    samples: Sequence[Sample],
) -> tuple[dict[int, int], int]:
    uses = Counter(at for group in fits.values() for at in group)
    found: dict[int, int] = {}
    unclear: set[int] = set()
    for place, group in fits.items():
        tells = any(map(_WORDS_2.search, needed[place]))  # a word alone may be an answer, or anything else of the data
        if tells and len(group) == 1 and uses[next(iter(group))] == 1:
            found[place] = next(iter(group))
            continue
        named = [at for at in group if samples[at].own_id == examples[place].id]
        if len(named) == 1:
            found[place] = named[0]
        else:
            unclear |= group
    return found, len(unclear - set(found.values()))


def _in_texts(wanted: Mapping[int, frozenset[str]], samples: Mapping[int, Sample]) -> list[tuple[int, int]]:
    """(sample, example) where the example's texts stand in one text of the sample, and no other example's behind them."""
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
        for text in map(normal, dict.fromkeys((*sample.texts, sample.prompt))):
            words = _WORDS.findall(text)
            near = {place for n, known in anchors.items() for i in range(len(words) - n + 1)
                    for place in known.get(" ".join(words[i : i + n]), ())}  # fmt: skip
            if fits := [(_last(text, keys[place]), len(keys[place]), place) for place in near
                        if all(_last(text, one) >= 0 for one in wanted[place])]:  # fmt: skip
                last = max(fits)[:2]
                found += [(at, place) for *end, place in fits if tuple(end) == last]
                break
    return found


def _last(text: str, piece: str) -> int:
    """Where a piece last ends in a text as something of its own, -1 where it does not stand there so."""
    end = len(text)
    while (start := text.rfind(piece, 0, end)) >= 0:
        behind = start + len(piece)
        is_begun = not start or _BEFORE.search(text[max(0, start - 2) : start])
        if is_begun and (behind == len(text) or _BEHIND.match(text[behind : behind + _NEAR])):
            return behind
        end = behind - 1
    return -1


def _differ(ours: Json, theirs: Json) -> bool:
    """Whether both are texts, or lists of them, with none in common."""
    mine, other = ({normal(text) for text in texts_in(one)} - {""} for one in (ours, theirs))
    if isinstance(ours, Mapping) or not mine or not other:
        return False
    return not mine & other and not any(one in text for text in other for one in mine)
