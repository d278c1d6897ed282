"""Aligns recognised words to a reference that may be said in several ways, as Rev's fstalign does.

The reference is a word graph: a chain of words, in which each entity ("$3.44") forks into the ways to say it. The
recognised words are aligned to the path of the graph that they fit best, and the words on that path are the reference
words. fstalign takes these for the same too, where they fit exactly: a compound with and without hyphens, a word that was
broken off with and without its hyphen, and any <tag> and <unk>. A tag is a word otherwise.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Words: TypeAlias = tuple[str, ...]
Slot: TypeAlias = str | tuple[str, tuple[Words, ...]]
Costs: TypeAlias = npt.NDArray[np.int64]

# One number orders alignments: fewest errors, then fewest substitutions (in fstalign one weighs 1.5), then most reference
# words (it takes the lowest rate of the paths that it has found).
_ERROR, _SUBSTITUTED, _WORD = 1 << 40, 1 << 20, -1
_MATCH, _SUBSTITUTE, _DELETE, _INSERT = _WORD, _ERROR + _SUBSTITUTED + _WORD, _ERROR + _WORD, _ERROR
_NEVER = 1 << 61


class _Arc(NamedTuple):
    """A step in the graph from node `source` over `words`: none, one, or where `exact` several that must be met exactly.

    `span` numbers the entity that it lies in, 0 outside of any; `label` is its class.
    """

    source: int
    words: Words
    span: int = 0
    label: str = ""
    exact: bool = False


@dataclass
class Counts:
    """The errors of one alignment, the reference words on its path, and both within each class of entity."""

    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0
    words: int = 0
    class_errors: Counter[str] = field(default_factory=Counter)
    class_words: Counter[str] = field(default_factory=Counter)

    @property
    def errors(self) -> int:
        """Substitutions, deletions and insertions."""
        return self.substitutions + self.deletions + self.insertions


def align(reference: Sequence[Any], said: Sequence[str]) -> Counts:
    """The alignment of recognised words with least errors; `reference` as `bench.data.nlp_transcript` reads it.

    Of several with as few errors, the one with fewest substitutions counts, then that with most reference words.

    >>> align(["it", "fell", {"label": "PERCENT", "alternatives": [["5%"], ["five", "percent"]]}], ["fell", "five"]).errors
    2
    """
    return _aligned(_frozen(reference), tuple(said))


def _frozen(reference: Sequence[Any]) -> tuple[Slot, ...]:
    return tuple(
        slot if isinstance(slot, str) else (slot["label"], tuple(map(tuple, slot["alternatives"])))
        for slot in reference
    )


@lru_cache(maxsize=256)  # every metric of a task asks for the same calls
def _aligned(reference: tuple[Slot, ...], said: Words) -> Counts:
    arcs = _graph(reference)
    _add_synonyms(arcs, said)
    return _trace(arcs, _moves(arcs, said), said)


def _graph(reference: tuple[Slot, ...]) -> list[list[_Arc]]:
    """The arcs that enter each node; node 0 is the start, the last one the end, and every arc leads to a higher one."""
    arcs: list[list[_Arc]] = [[]]
    for span, slot in enumerate(reference, start=1):
        start = len(arcs) - 1
        if isinstance(slot, str):
            arcs.append([_Arc(start, (slot,))])
            continue
        label, alternatives = slot
        last: list[_Arc] = []
        for words in alternatives:
            source = start
            for word in words[:-1]:
                arcs.append([_Arc(source, (word,), span, label)])
                source = len(arcs) - 1
            last.append(_Arc(source, words[-1:], span, label))
        arcs.append(last)
    return arcs


def _add_synonyms(arcs: list[list[_Arc]], said: Words) -> None:
    """Put beside words of the graph what fstalign takes for the same; never across the border of an entity."""
    leaving: dict[int, list[tuple[int, _Arc]]] = defaultdict(list)
    for node, entering in enumerate(arcs):
        for arc in entering:
            leaving[arc.source].append((node, arc))
    spoken = frozenset(said)
    by_first: dict[str, list[tuple[Words, Words]]] = defaultdict(list)
    for key, value in _synonyms([*(word for into in arcs for arc in into for word in arc.words), *said]).items():
        if spoken.issuperset(value):
            by_first[key[0]].append((key, value))
    for start in range(len(arcs)):
        for word, span, label in dict.fromkeys((arc.words[:1], arc.span, arc.label) for _, arc in leaving[start]):
            for key, value in by_first.get("".join(word), ()):
                for end in _ends(leaving, start, key, span):
                    arcs[end].append(_Arc(start, value, span, label, exact=True))


def _ends(leaving: Mapping[int, list[tuple[int, _Arc]]], start: int, words: Words, span: int) -> Iterator[int]:
    """The nodes where a walk from `start` over the words ends."""
    if not words:
        yield start
        return
    for node, arc in leaving.get(start, ()):
        if arc.words == words[:1] and arc.span == span:
            yield from _ends(leaving, node, words[1:], span)


def _synonyms(words: Iterable[str]) -> dict[Words, Words]:
    """What may stand for what, from the hyphens and <tags> in the words of both sides."""
    found: dict[Words, Words] = {}
    for word in dict.fromkeys(words):
        if re.fullmatch("<.+>", word):
            found.setdefault((word,), ("<unk>",))
        elif word.find("-") == len(word) - 1 > 0:
            found.setdefault((word,), (word[:-1],))
        elif "-" in word and all(parts := tuple(re.split("-+", word))):
            found.setdefault((word,), parts)
            found.setdefault(parts, (word,))
    return found


def _moves(arcs: list[list[_Arc]], said: Words) -> list[npt.NDArray[np.unsignedinteger]]:
    """How the best alignment reaches each node with each number of recognised words: [n_words + 1] a node.

    0 is an insertion, 2k + 1 the k-th entering arc with its words met (or replaced), 2k + 2 the arc with none of them.
    Costs are kept less those of inserting every word so far, which makes an insertion free and a row one running minimum.
    """
    n, dtype = len(said), np.min_scalar_type(2 * max(map(len, arcs)) + 2)
    places: dict[str, list[int]] = defaultdict(list)
    for place, word in enumerate(said, start=1):
        places[word].append(place)
    where = {word: np.array(ends, dtype=np.intp) for word, ends in places.items()}
    last_use = {arc.source: node for node, entering in enumerate(arcs) for arc in entering}
    rows: dict[int, Costs] = {0: np.zeros(n + 1, dtype=np.int64)}
    moves = [np.zeros(n + 1, dtype=dtype)]
    for node, entering in enumerate(arcs[1:], start=1):
        best, move = np.full(n + 1, _NEVER, dtype=np.int64), np.zeros(n + 1, dtype=dtype)
        for k, arc in enumerate(entering):
            for code, cost in enumerate(_ways(arc, rows[arc.source], where), start=2 * k + 1):
                if cost is not None:
                    np.copyto(move, code, where=cost < best, casting="unsafe")
                    np.minimum(best, cost, out=best)
        row = np.minimum.accumulate(best)
        move[row < best] = 0
        rows[node] = row
        moves.append(move)
        for source in {arc.source for arc in entering}:
            if last_use[source] == node:
                del rows[source]
    return moves


def _ways(arc: _Arc, row: Costs, where: Mapping[str, npt.NDArray[np.intp]]) -> tuple[Costs | None, Costs | None]:
    """The costs after an arc, given those before it: with its words met or replaced, and with none of them."""
    if not arc.words:
        return None, row
    met = np.full_like(row, _NEVER)
    if arc.exact:
        k = len(arc.words)
        ends = where[arc.words[-1]]
        for back, word in enumerate(reversed(arc.words[:-1]), start=1):
            ends = np.intersect1d(ends, where[word] + back)
        met[ends] = row[ends - k] + k * (_MATCH - _INSERT)
        return met, None
    met[1:] = row[:-1] + (_SUBSTITUTE - _INSERT)
    ends = where.get(arc.words[0], _NOWHERE)
    met[ends] = row[ends - 1] + (_MATCH - _INSERT)
    return met, row + _DELETE


_NOWHERE = np.zeros(0, dtype=np.intp)


class Step(NamedTuple):
    """One step of an alignment: words of the reference and what was said for them, neither of which may be there."""

    reference: Words
    said: Words

    @property
    def kind(self) -> str:
        """What of the four it is: right, substituted, left out or put in."""
        if self.reference == self.said:
            return "right"
        return "substituted" if self.reference and self.said else "left out" if self.reference else "put in"


def steps(reference: Sequence[Any], said: Sequence[str]) -> list[Step]:
    """The alignment that `align` counts, a step for a step.

    >>> [(*one, one.kind) for one in steps(["it", "fell"], ["it", "fell", "far"])][1:]
    [(('fell',), ('fell',), 'right'), ((), ('far',), 'put in')]
    """
    words = tuple(said)
    arcs = _graph(_frozen(reference))
    _add_synonyms(arcs, words)
    found = [Step(arc.words if arc else (), met) for _, arc, met in _walk(arcs, _moves(arcs, words), words)]
    return [step for step in reversed(found) if step != Step((), ())]


def _walk(
    arcs: list[list[_Arc]], moves: list[npt.NDArray[np.unsignedinteger]], said: Words
) -> Iterator[tuple[int, _Arc | None, Words]]:
    """The best alignment from its end to its start: the node, the arc into it and the words that stand for it.

    There is no arc where a word was put in.
    """
    node, n = len(arcs) - 1, len(said)
    while node or n:
        move = int(moves[node][n])
        if not move:
            n -= 1
            yield node, None, said[n : n + 1]
            continue
        arc = arcs[node][(move - 1) // 2]
        met = said[n - len(arc.words) : n] if move % 2 else ()
        yield node, arc, met
        node, n = arc.source, n - len(met)


def _trace(arcs: list[list[_Arc]], moves: list[npt.NDArray[np.unsignedinteger]], said: Words) -> Counts:
    """Count along the best alignment, from its end to its start.

    An insertion belongs to an entity where it stands between two of its words.
    """
    counts, after = Counts(), _Arc(0, ())
    for node, arc, met in _walk(arcs, moves, said):
        if arc is None:
            counts.insertions += 1
            within = after.span and any(one.span == after.span for one in arcs[node])
            counts.class_errors[after.label] += bool(within)
            continue
        after = arc
        counts.words += len(after.words)
        counts.class_words[after.label] += len(after.words)
        wrong = met != after.words
        counts.substitutions += wrong and bool(met)
        counts.deletions += wrong and not met
        counts.class_errors[after.label] += wrong
    return counts
