"""Which labels a reply gives as its answer: one rule, for models, journals and tasks alike (docs/replies.md has the table).

A label counts where it stands alone or in one of a few frames ("The sentiment is X.", "Answer: X", JSON). A sentence that
merely mentions one says none, a negated one is never credited, and of two that differ neither is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

from bench.text.ballot import LABEL, SURE
from bench.text.retraction import NO, besides, takes_back
from bench.text.signs import form, marked, sign_of

_SENTENCE = re.compile(r"\n+|(?<=[.!?。！？])(?<!e\.g\.)(?<!i\.e\.)(?<!vs\.)(?<!cf\.)(?<!viz\.)(?<!resp\.)\s+")

_NEGATOR = re.compile(rf"(?<!\w){NO}(?!\w)")
_REFUSED_LIST = re.compile(
    rf"(?:(?<!\w){NO}(?!\w)|reject|ruled? out|discard|wrong|incorrect|options|choices|possibilit|candidates)[^\n]*:\s*$",
    re.MULTILINE,
)
_FILLER = (
    r"(?:(?:at all|a|an|the|really|exactly|quite|so much|as|particularly|especially|very|overall|be|is|it's|it is)\s+)*"
)
_DENIED = re.compile(
    rf"(?:(?<!\w)(?:neither|nor|not|never|no longer|rather than|instead of|as opposed to|anything but|far from|non|un)(?!\w)"
    rf"|(?<!\w)\w+n't)[\s-]+{_FILLER}({LABEL})"
)
_REASON = re.compile(
    r",?\s+(?:because|since|as|given|due to|considering|although|though|even though|despite|while)\b"
    r"|\s+by\s+(?:an?|the|this|our)\s+(?:\w+\s+){0,3}(?:classifier|model|system)\b"
    r"|\s+(?:[–—|]|-{1,2})\s+|\s*[–—;(]|,\s*(?=\d)"
    r"|,\s*(?:i (?:think|believe|guess|would say|suppose)|surely|in my (?:view|opinion)|which|with)\b|:\s"
)
_CONCLUDES = re.compile(
    r"\b(?:hence|therefore|thus|so|overall|(?:indicat|suggest|impl|convey|express|reflect|signal)(?:e?s|ies|ing|ying|y)|which is"
    r"|this is|it is|classified as|associated with)\b"
)
_HEDGED = re.compile(r"\b(?:may|might|could|opposite|but|however|although|though|except|or)\b|\?")
_SHARE = re.compile(
    r"\s*(?:[:(=,]\s*)?(?P<number>\d{1,3}(?:\.\d{1,12})?)\s?(?P<percent>%?)"
    r"(?=\s?(?:[).,;:|]|$|sure|confiden|certain|prob|likel))"
)
_ALONE: Mapping[str, str] = MappingProxyType({})

_ABOUT = (
    r"(?:sentence|text|statement|headline|comment|news|message|question|query|request|tweet|article|passage|utterance|customer|client"
    r"|applicant|transaction|person|user|individual|borrower|case|stock|price|policy|document|page|picture|image|form|scan|paper)"
    r"(?:\s+(?:in|on)\s+(?:this|the|that)\s+(?:picture|image|page|photo|scan))?"
)
_WHOSE = (
    r"(?:(?:claims?|insurance|monetary policy|policy|credit|loan|market|price|(?:client|customer|person|applicant|user|borrower"
    r"|individual|transaction|sentence|statement|headline|document|page)(?:'s)?)\s+)"
)
_NOUN = (
    rf"{_WHOSE}{{0,2}}"
    r"(?:(?:my|the|final|correct|best|right|predicted|overall|chosen|most|appropriate|suitable|likely|expressed|main)\s+)*"
    r"(?:answer|label|sentiment|emotion|intent|category|class|classification|prediction|choice|response|tone|polarity|result"
    r"|output|verdict|conclusion|categorie|digit|stance|decision|assessment|creditworthiness|status|credit|rating|risk|outcome"
    r"|movement|direction|kind|type)s?"
    rf"(?:\s+(?:of|for|in|expressed in|conveyed by|conveyed in)\s+(?:(?:this|the|that)\s+)?(?:\w+\s+)?{_ABOUT})?"
    r"(?:\s+(?:expressed|conveyed|here))?"
)
_LEAD = re.compile(
    rf"(?:(?:(?:this|the|that)\s+)?{_NOUN}\s*(?:(?:is|are|would be|should be|was)\b\s*:?|:|=|->|→|⇒|\s[-–—]\s)"
    rf"|(?:(?:this|the|that)\s+(?:\w+\s+)?{_ABOUT}\b[^\n\ue000-\uf8ff]{{0,600}}?\s)??(?:is|was)\s+(?:classified|labell?ed"
    r"|categori[sz]ed|rated)\s+as\b\s*:?"
    r"|\w+(?:'s)?\s+(?:monetary\s+policy\s+)?stance(?:\s+on\s+monetary\s+policy)?\s+(?:is|remains)(?:\s+currently)?\b"
    r"|(?:option|choice|label|class|number)\s+\(?(?:\d{1,2}|[a-z])[.):]+"
    r"|(?:based on|according to)\s[^,;:.\n\ue000-\uf8ff]{1,60},"
    rf"|(?:it|this|that|(?:this|the|that)\s+(?:\w+\s+)?{_ABOUT})"
    r"(?:'s|\s+(?:is|was|seems|appears|sounds|expresses|conveys|shows|indicates|suggests|implies|reflects|leans|has|would be"
    r"|(?:can|could|should|would|may|might|will)\s+be))"
    r"(?:\s+(?:to be|considered|(?:classified|labell?ed|categori[sz]ed|rated|considered|described) as))?\b"
    r"|i(?:'d|'ll|\s+would|\s+will)?\s+(?:say|choose|pick|select|think|believe|guess|predict|answer|go with"
    rf"|(?:classify|label|rate|call|categori[sz]e)\s+(?:it|this|that|(?:this|the)\s+(?:\w+\s+)?{_ABOUT}|{_NOUN})(?:\s+as)?)\b"
    r"(?:\s+(?:that\s+)?(?:it|this)(?:\s+is|'s))?\s*:?"
    r"|(?:classif(?:y|ied)|labell?(?:ed)?|rated?|categori[sz]ed?)(?:\s+(?:it|this|that))?\s+as\b"
    r"|in\s+(?:my\s+(?:view|opinion)|conclusion|summary|short)\b,?|here(?:'s|\s+is)\b|leaning\b"
    rf"|{LABEL}(?:\s*(?:/|,|\bor\b)\s*(?:or\s+)?{LABEL})+\s*[:?]"
    r"|(?:no|yes)\s*[,.;:!–—-]+|(?:so|thus|hence|therefore|then|but|and|or|also|actually|rather|okay|ok|sure|well|wait|hmm|clearly"
    r"|definitely|certainly|probably|most likely|likely|overall|simply|just|a|an|the)(?:\s*[,:!.]+|\b))\s*"
)
_NUMBERED = re.compile(r"^\s*(?:\(?(?:\d{1,2}|[a-z])[.):]\s+)")
_BEHIND = re.compile(
    r"\s+(?:credit(?: risk)?|risk|credit rating|transaction|customer|client|sentiment|label|emotion|intent|category|class|tone"
    r"|polarity|stance|one)$"
)
_LEFT = " \t.,:;()[]|=•·→⇒➡"  # no "!", which denies what it stands before
_EDGE = _LEFT + "!"
_ITEMS = re.compile(r"[,;/|&+•·]|\band\b|\s-\s")
_YES_NO = ("yes", "no")
_BEGINS = re.compile(rf"(?P<label>{LABEL})[\s'\"*]*(?:[,.;:!–—\n]|\s-{{1,2}}\s)(?P<rest>.*)", re.DOTALL)
_ANSWERS = re.compile(
    rf"(?:[.!?;:,\n]|\b(?:so|therefore|hence|thus|but|is|actually|rather|say|or))[\s'\"*]*(?P<label>{LABEL})(?=[\s'\"*]*(?:[.!?;:,\n]|$))"
)
_UNSURE = re.compile(
    r"\b(?:cannot|can't|could not|couldn't|unable|impossible|not (?:possible|sure|certain|clear|able)|unsure|unclear|uncertain"
    r"|don't know|do not know|depends|maybe|perhaps|possibly)\b"
)
_EXPLAINS = re.compile(r"\W*(?:explanation|reason(?:ing)?|rationale|justification)\s*:")
_WORDS_OF_AN_ITEM = 2  # a longer one, which is no label, makes its sentence prose


def labels_said(
    text: str, labels: Sequence[str], *, several: bool = False, alike: Mapping[str, str] = _ALONE
) -> list[str]:
    """The labels that a reply gives as its answer, in the order of the list; without `several` one or none.

    `alike` has for a label another that means the same, which is given for it.

    >>> labels_said("It is not negative but positive.", ("positive", "negative")), labels_said("up or down", ("up", "down"))
    (['positive'], [])
    """
    return list(_labels_said(text, tuple(labels), several, tuple(alike.items())))


@lru_cache(maxsize=2048)  # models say the same few words again and again
def _labels_said(
    text: str, labels: tuple[str, ...], several: bool, pairs: tuple[tuple[str, str], ...]
) -> tuple[str, ...]:
    alike, whole = dict(pairs), form(text)
    whole_reply = {whole, whole.rstrip(" .!")}
    if not several and (itself := [one for one in labels if one not in alike and form(one) in whole_reply]):
        return (itself[0],)  # of labels that hold each other, too
    said = marked(text, labels, alike, several=several)
    if said is None or _REFUSED_LIST.search(said):
        return ()
    if len(alone := said.strip().lstrip(_LEFT).rstrip(_EDGE)) == 1:
        found = {alone} if re.match(LABEL, alone) else set()
    else:
        found = _several(said) if several else _one(said) or _yes_or_no(said, labels, alike)
    return tuple(label for label in labels if label not in alike and sign_of(label, labels, alike) in found)


def labels_mentioned(text: str, labels: Sequence[str]) -> list[str]:
    """The labels that a reply names anywhere behind its thinking, be it to deny them."""
    said = marked(text, tuple(labels), _ALONE, several=False) or ""
    return [label for label in labels if sign_of(label, labels, _ALONE) in said]


def _sentences(said: str) -> Iterator[str]:
    return (sentence for sentence in _SENTENCE.split(said) if sentence.strip(_EDGE))


def _one(said: str) -> set[str]:
    """The one label that the statements of a reply agree on; none where one is denied, or where it is taken back.

    Behind the first statement no other label may be mentioned but to deny it or within a reason, or where the last sentence that
    mentions any comes back to the answer.
    """
    given: set[str] = set()
    denied: set[str] = set()
    beside: set[str] = set()
    explains = False
    for sentence in (part for whole in _sentences(said) for part in whole.split(";")):
        explains = explains or bool(given and _EXPLAINS.match(sentence))
        core, behind = _with_reason(sentence)
        left = _bare(_DENIED.sub(" ", core))
        if not left or re.fullmatch(LABEL, left):
            denied |= set(_DENIED.findall(core))
        asked = sentence.rstrip(" )").endswith("?") and not behind
        if re.fullmatch(LABEL, left) and not asked:
            if takes_back(behind) or _unlikely(behind):
                return set()
            reason = _bare(_DENIED.sub(" ", _REASON.sub("", behind, count=1)))  # "because it is X" says X
            given |= {left, *besides(behind), *re.findall(LABEL, reason if len(reason) == 1 else "")}
        elif given:
            if takes_back(sentence) or _unlikely(sentence):
                return set()
            beside |= set(re.findall(rf"^\W*({LABEL})", sentence) if explains else besides(sentence))
    if len(given) == 1 and beside - given and _concluded(said) not in given:
        return set()
    return given - denied if len(given) == 1 else set()


def _concluded(said: str) -> str:
    """The label that the last sentence which names any concludes with, "" where it only mentions one."""
    for sentence in reversed(list(_sentences(said))):
        if re.search(LABEL, sentence):
            behind = _CONCLUDES.split(sentence)[-1]
            found = set(re.findall(LABEL, behind))
            whole = _CONCLUDES.search(sentence) and len(found) == 1
            return found.pop() if whole and not _NEGATOR.search(behind) and not _HEDGED.search(behind) else ""
    return ""


def _yes_or_no(said: str, labels: Sequence[str], alike: Mapping[str, str]) -> set[str]:
    """The yes or no that a reply begins with, and gives its reason behind a sign: "No, there will be no claim."

    None where what follows takes it back, says the other as an answer, or that there is none.
    """
    signs = {sign_of(label, labels, alike) for label in labels if form(label) in _YES_NO}
    begins = _BEGINS.match(_behind_leads(said))
    if len(signs) != len(_YES_NO) or begins is None or begins["label"] not in signs:
        return set()
    rest = begins["rest"]
    others = {match["label"] for match in _ANSWERS.finditer(f". {rest}")} - {begins["label"]}
    if others or takes_back(rest) or takes_back(f", {rest}") or _UNSURE.search(rest):
        return set()
    return {begins["label"]}


def _with_reason(sentence: str) -> tuple[str, str]:
    """The sentence without what it begins with, up to its reason, and the reason with the words that introduce it."""
    core = _behind_leads(sentence)
    found = _REASON.search(core)
    return (core[: found.start()], core[found.start() :]) if found else (core, "")


def _unlikely(behind: str) -> bool:
    """Whether a share of less than a half stands first."""
    found = _SHARE.match(behind)
    return found is not None and float(found["number"]) / (100 if found["percent"] else 1) < SURE


def _several(said: str) -> set[str]:
    """The labels that are listed and nowhere denied; none where they are taken back."""
    first = re.search(LABEL, said)
    if not first or takes_back(said[first.end() :]):
        return set()
    return {sign for sentence in _sentences(said) for sign in _listed(sentence)} - set(_DENIED.findall(said))


def _listed(sentence: str) -> Iterator[str]:
    """The labels that a sentence lists, up to where it denies some."""
    if sentence.rstrip().endswith("?"):
        return
    parts = re.split(r"(?<!thing )(?<!all )\bbut\b", _behind_leads(sentence))
    kept = [part[: no.start()] if (no := _NEGATOR.search(part)) else part for part in parts]
    items = [
        _bare(item) for part in kept for item in _ITEMS.split(_REASON.split(part.replace(";", ","), maxsplit=1)[0])
    ]
    if all(len(item.split()) <= _WORDS_OF_AN_ITEM for item in items):
        yield from (item for item in items if re.fullmatch(LABEL, item))


def _behind_leads(sentence: str) -> str:
    """The sentence without its number, and without the frames that it begins with."""
    left = _NUMBERED.sub("", sentence).lstrip(_LEFT + "-").rstrip(_EDGE + "-")
    while (lead := _LEAD.match(left)) and lead.end():
        left = left[lead.end() :].lstrip(_LEFT)
    return left


def _bare(piece: str) -> str:
    """A piece without frames, the noun behind a label, and what joins it to others."""
    left = re.sub(r"[\s,]+(?:but|and|or)$", "", _behind_leads(piece))
    return _BEHIND.sub("", left).rstrip(_EDGE)
