"""What a free answer commits itself to: its claims, whether it refuses, yes or no, up or down, its quantities and its words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import Any

from bench.text.quantities import Number, read_numbers

RESTATES = 0.4
RUN = 8  # words
_END = re.compile(r"(?<=[\w%)\]\"'”][.!?])\s+(?=[A-Z\"'“(])|\n+|(?<!\s)\s+(?=[-•*] )")
_CONCLUDES = re.compile(
    r"(?:therefore|so|thus|hence|in conclusion|in summary|to sum up|overall|consequently|as a result|finally|round(?:ed|ing))\b",
    re.IGNORECASE,
)
_LACKS = r"(?:provide|contain|include|mention|specify|disclose|state|have (?:enough|sufficient|any information))"
_FOUND = r"(?:determin|answer|provid|find|found|calculat|ascertain|comput|confirm|identif|assess|conclu)"
_REFUSES = re.compile(
    rf"\bi(?:'m|’m| am) (?:sorry|unable|not able)\b"
    rf"|\b(?:cannot|can't|can’t|could not|couldn't|not possible to|(?:un|not )able to) (?:be )?(?:\w+ )?{_FOUND}"
    rf"|\b(?:not|n't|n’t) (?:\w+ )?(?:enough|sufficient) (?:information|data|context)|\binsufficient\b"
    rf"|\b(?:does|do|did)(?: not|n't|n’t) (?:\w+ )?{_LACKS}"
    rf"|\b(?:is|are|was|were)(?: not|n't|n’t) (?:\w+ )?(?:provided|mentioned|specified|included|disclosed|available|given|stated)"
    rf"|\bi (?:do(?: not|n't|n’t) (?:have|know)|can't|cannot)\b|\bno (?:\w+ )?information\b|\bunanswerable\b",
    re.IGNORECASE,
)
_YES_NO = re.compile(r"(?:^\W*|[,:;]\s+)(yes|no)\b(?=[,.;:!\s]|$)(?!\s+\w+ (?:of|in|on)\b)", re.IGNORECASE)
_STARTS = re.compile(r"\W*(yes|no)\b(?=\W|$)", re.IGNORECASE)
_BOTH = re.compile(r"\W*(?:yes|no)\W+(?:(?:and|or|but)\W+)?(?:also\W+)?(?:yes|no)\b", re.IGNORECASE)
_NEGATES = re.compile(r"\b(?:no|not|none|never|neither|nor|without|cannot|nothing|negative)\b|n['’]t\b", re.IGNORECASE)
_UP = re.compile(r"\b(?:increas|improv|grew|grow|ris(?:e|ing|en)\b|rose|higher|expand|accelerat|gain)", re.IGNORECASE)
_DOWN = re.compile(
    r"\b(?:decreas|declin|drop|fell\b|fall|lower|reduc|shr[aiu]nk|decelerat|worsen|deteriorat|negative)", re.IGNORECASE
)
_WORD = re.compile(r"[A-Za-z][A-Za-z&'’-]*[A-Za-z]")
_LABEL = re.compile(r"\(?(?:19|20)\d\d\)?|\d+[A-Za-z]")  # a year, or a name such as 3M
_RUN = re.compile(r"\d[\d.,]*\w*")
_EMPTY = frozenset(
    """a an the of in on at to for from by with as is are was were be been being it its this that these those and or but if than
    then so such which who whom whose what when where how why here there their they them he she his her we our you your i has have
    had do does did will would can could may might shall should also into over under between during about approximately around
    roughly other more most some any all both each per not no yes due primarily mainly company companies based fiscal year fy
    million billion bn mn thousand usd percent because while however only just very same none never nor neither without cannot
    following experienced""".split()
)


@dataclass(frozen=True)
class Said:
    """An answer as its sentences; what it stands for are its `claims`: the first and the last that draws a conclusion."""

    text: str

    @cached_property
    def sentences(self) -> list[str]:
        """Its sentences and the items of its lists, without what only asks."""
        pieces = (piece.strip() for piece in _END.split(self.text) if piece)
        return [piece for piece in pieces if piece and not piece.endswith("?")]

    @cached_property
    def conclusion(self) -> list[str]:
        """The last sentence that says to be one; none, or one."""
        return [one for one in self.sentences if _CONCLUDES.match(one)][-1:]

    @cached_property
    def claims(self) -> list[str]:
        """The first sentence and the conclusion."""
        return list(dict.fromkeys([*self.sentences[:1], *self.conclusion]))

    @cached_property
    def result(self) -> list[Number]:
        """The quantities that it gives as its result.

        Those behind the last "=" of the sentence that concludes; of the last with any where it calculates, else of the first.
        """
        return quantities(self.result_text)

    @cached_property
    def result_text(self) -> str:
        """Where it gives its result; "" where it holds no quantity."""
        with_any = [one for one in self.sentences if quantities(one)]
        if not with_any:
            return ""
        last = with_any[-1]
        sentence = last if _CONCLUDES.match(last) or "=" in self.text else with_any[0]
        behind = sentence.rpartition("=")[2]
        return behind if quantities(behind) else sentence

    @property
    def says_both(self) -> bool:
        """Whether it answers both yes and no."""
        stated = {found[1].lower() for one in self.sentences if (found := _STARTS.match(one))}
        return len(stated) == 2 or _BOTH.match(self.text) is not None

    @property
    def refuses(self) -> bool:
        """Whether its first or last sentence says that there is no answer."""
        return any(map(refuses, [*self.sentences[:1], *self.sentences[-1:]]))

    def polarity(self, question: str) -> str | None:
        """ "yes" or "no" to a question; None where it says both, or nothing.

        Where neither word is said, a claim counts that holds a share of `RESTATES` of the question's words: against the direction
        that is asked about, or with a negation, it is a no.
        """
        stated = {found[1].lower() for one in self.sentences if (found := _STARTS.match(one))}
        stated = stated or {found[1].lower() for one in self.claims if (found := _YES_NO.search(one[:200]))}
        if stated:
            return stated.pop() if len(stated) == 1 else None
        wanted = content_words(_END.split(question)[0])
        for claim in [*self.conclusion, *self.sentences[:1]]:
            if (share(wanted, claim) or 0.0) < RESTATES:
                continue
            asked, way = direction(question), direction(claim)
            if asked and way:
                return "yes" if (asked == way) != negates(claim) else "no"
            return "no" if negates(claim) else "yes"
        return None


def refuses(sentence: str) -> bool:
    """Whether a sentence says that the answer is not to be had.

    >>> refuses("The text does not state the amount."), refuses("It did not grow.")
    (True, False)
    """
    return _REFUSES.search(sentence) is not None


def negates(sentence: str) -> bool:
    """Whether a sentence holds a negation."""
    return _NEGATES.search(sentence) is not None


def stated_polarity(text: str) -> str | None:
    """The yes or no that a text begins with."""
    found = _STARTS.match(text)
    return found[1].lower() if found else None


def direction(text: str) -> str | None:
    """ "up" or "down" where a text speaks of one of them only."""
    up, down = _UP.search(text) is not None, _DOWN.search(text) is not None
    return None if up == down else "up" if up else "down"


def quantities(text: str) -> list[Number]:
    """The numbers of a text that are no years and no names."""
    return [number for number in read_numbers(text) if not _LABEL.fullmatch(number.text)]


def n_figures(text: str) -> int:
    """How many runs of digits a text holds that are no years and no names, whether or not they can be read as numbers."""
    return sum(not _LABEL.fullmatch(run) for run in _RUN.findall(text))


def content_words(text: str) -> list[str]:
    """The stems of the words that say something, each once, in order.

    >>> content_words("The operations of the company were growing"), content_words("It operates")
    (['oper', 'grow'], ['oper'])
    """
    plain = (word.lower().replace("’", "'").removesuffix("'s") for word in _WORD.findall(text))
    return list(dict.fromkeys(_stem(word) for word in plain if word not in _EMPTY))


def copied(text: str, source: str) -> float:
    """The share of a text's words that stand in runs of `RUN` and more words of a source.

    >>> copied("one two three four five six seven eight nine", "one two three four five six seven eight")
    0.8888888888888888
    """
    words, known = text.lower().split(), _runs(source)
    held = {at + i for at in range(len(words) - RUN + 1) if tuple(words[at : at + RUN]) in known for i in range(RUN)}
    return len(held) / len(words) if words else 0.0


@lru_cache(maxsize=256)
def _runs(source: str) -> frozenset[tuple[str, ...]]:
    words = source.lower().split()
    return frozenset(tuple(words[at : at + RUN]) for at in range(len(words) - RUN + 1))


@cache
def _stemmer() -> Any:
    from nltk.stem.porter import PorterStemmer  # type: ignore[import-untyped,unused-ignore]

    return PorterStemmer()


@lru_cache(maxsize=65_536)
def _stem(word: str) -> str:
    return str(_stemmer().stem(word))


def share(wanted: Sequence[str], text: str) -> float | None:
    """The share of the content words that a text holds; None where none are wanted."""
    held = set(content_words(text))
    return sum(word in held for word in wanted) / len(wanted) if wanted else None
