"""Which labels a reply gives as its answer: one rule, for models, journals and tasks alike (docs/replies.md has the table).

A label counts where it stands alone or in one of a few frames ("The sentiment is X.", "Answer: X", JSON). A sentence that
merely mentions one says none, a negated one is never credited, and of two that differ neither is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

from bench.text.stated_json import spelled_out
from bench.text.thinking import behind_thinking

_FIRST = 0xE000  # a label in a text stands as one sign of Unicode's private area, so that no rule looks into it
_L = "[\ue000-\uf8ff]"
_MARKS = str.maketrans(dict.fromkeys('*`"“”«»„#>', " ") | {"’": "'", "‘": "'", "_": " "})
_HTML = re.compile(r"</?(?:b|i|u|em|strong|p|br|code|span)\s*/?>", re.IGNORECASE)
_MARKUP = re.compile(r"\\(?:text|textbf|mathrm|boxed|fbox)\s*(?=\{)|(?<!\w)'|'(?!\w)|[{}$]|\\[()\[\]]", re.IGNORECASE)
_BOX = re.compile(r"\\boxed\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
_TAG = re.compile(
    r"</?(?:final[_ ])?(?:answer|label|sentiment|emotion|intent|category|class|output|result)s?>", re.IGNORECASE
)
_ECHO = re.compile(
    r"(\b(?:sentence|text|statement|headline|comment|news|message|question)\s*):?\s*[\"“][^\"”]{12,}[\"”]",
    re.IGNORECASE,
)
_FENCE = re.compile(r"^\s*```[\w+#-]*\s*$", re.MULTILINE)
_SENTENCE = re.compile(r"\n+|(?<=[.!?。！？])(?<!e\.g\.)(?<!i\.e\.)(?<!vs\.)(?<!cf\.)(?<!viz\.)(?<!resp\.)\s+")

_NO = (
    r"(?:not|never|neither|nor|no|none|non|un|cannot|without|except|excluding|besides|hardly|barely|scarcely|less|least|"
    r"rather than|instead of|as opposed to|other than|different from|opposite of|(?:any|every|no)thing but|all but|far from|"
    r"free of|lacks?|"
    r"\w+n't)"
)
_NEGATOR = re.compile(rf"(?<!\w){_NO}(?!\w)")
_HANGING = re.compile(rf"((?<!\w){_NO})[\s:-]*\n\s*[-•]?")  # what is denied stands on the next line
_REFUSED_LIST = re.compile(
    rf"(?:(?<!\w){_NO}(?!\w)|reject|ruled? out|discard|wrong|incorrect|options|choices|possibilit|candidates)[^\n]*:\s*$",
    re.MULTILINE,
)
_FILLER = (
    r"(?:(?:at all|a|an|the|really|exactly|quite|so much|as|particularly|especially|very|overall|be|is|it's|it is)\s+)*"
)
_DENIED = re.compile(
    rf"(?:(?<!\w)(?:neither|nor|not|never|no longer|rather than|instead of|as opposed to|anything but|far from|non|un)(?!\w)"
    rf"|(?<!\w)\w+n't)[\s-]+{_FILLER}({_L})"
)
_REASON = re.compile(
    r",?\s+(?:because|since|as|given|due to|considering|although|though|even though|despite|while)\b"
    r"|\s+(?:[–—|]|-{1,2})\s+|\s*[–—;(]"
    r"|,\s*(?:i (?:think|believe|guess|would say|suppose)|surely|in my (?:view|opinion)|which|with)\b|:\s"
)
_BACK = re.compile(
    r"[\s,.;:(]*(?:no|nope|not|wrong|incorrect|false|untrue|wait|unlikely|scratch that|just kidding|not (?:at all|really|quite|so))"
    r"\s*(?:[,.!;:)–—-]|$)"
)

_SHARE = re.compile(r"\s*[\d.]+\s?%?")  # behind a label and a colon: a list of shares, and it depends on the others

_ABOUT = (
    r"(?:sentence|text|statement|headline|comment|news|message|question|query|request|tweet|article|passage|utterance)"
)
_NOUN = (
    r"(?:(?:my|the|final|correct|best|right|predicted|overall|chosen|most|appropriate|suitable|likely|expressed|main)\s+)*"
    r"(?:answer|label|sentiment|emotion|intent|category|class|classification|prediction|choice|response|tone|polarity|result"
    r"|output|verdict|conclusion|categorie)s?"
    rf"(?:\s+(?:of|for|in|expressed in|conveyed by|conveyed in)\s+(?:this|the|that)\s+(?:\w+\s+)?{_ABOUT})?"
)
_LEAD = re.compile(
    rf"(?:{_NOUN}\s*(?:(?:is|are|would be|should be|was)\b\s*:?|:|=|->|→|⇒)"
    rf"|(?:it|this|that|(?:this|the|that)\s+(?:\w+\s+)?{_ABOUT})"
    r"(?:'s|\s+(?:is|was|seems|appears|sounds|expresses|conveys|shows|has|would be))"
    r"(?:\s+(?:to be|(?:classified|labell?ed|categori[sz]ed|rated) as))?\b"
    r"|i(?:'d|'ll|\s+would|\s+will)?\s+(?:say|choose|pick|select|think|believe|guess|answer|go with"
    rf"|(?:classify|label|rate|call|categori[sz]e)\s+(?:it|this|that|(?:this|the)\s+(?:\w+\s+)?{_ABOUT})(?:\s+as)?)\b"
    r"(?:\s+(?:that\s+)?(?:it|this)(?:\s+is|'s))?\s*:?"
    r"|(?:no|yes)\s*[,.;:!–—-]+|(?:so|thus|hence|therefore|then|but|and|or|also|actually|rather|okay|ok|sure|well|wait|hmm|maybe"
    r"|perhaps|possibly|clearly|definitely|certainly|probably|most likely|likely|overall|simply|just|a|an|the)(?:\s*[,:!.]+|\b))\s*"
)
_NUMBERED = re.compile(r"^\s*(?:\(?(?:\d{1,2}|[a-z])[.):]\s+)")
_BEHIND = re.compile(r"\s+(?:sentiment|label|emotion|intent|category|class|tone|polarity|one)$")
_LEFT = " \t.,:;()[]=•·✅✔→⇒➡"  # no "!", which denies what it stands before
_EDGE = _LEFT + "!"
_ITEMS = re.compile(r"[,;/|&+•·]|\band\b|\s-\s")
_READ = 8_000  # characters at the end of a reply that are looked at
_WORDS_OF_AN_ITEM = 2  # a longer one, which is no label, makes its sentence prose


def form(text: str) -> str:
    """A label as it is compared: without case, underscores and doubled spaces, full-width signs as others."""
    return " ".join(unicodedata.normalize("NFKC", text).replace("_", " ").casefold().split())


def labels_said(text: str, labels: Sequence[str], *, several: bool = False) -> list[str]:
    """The labels that a reply gives as its answer, in the order of the list; without `several` one or none.

    >>> labels_said("It is not negative but positive.", ("positive", "negative")), labels_said("up or down", ("up", "down"))
    (['positive'], [])
    """
    said = _marked(text, tuple(labels))
    if said is None or _REFUSED_LIST.search(said):
        return []
    if len(whole := said.strip().lstrip(_LEFT).rstrip(_EDGE)) == 1:
        found = {whole} if re.match(_L, whole) else set()
    elif several:
        found = {sign for sentence in _sentences(said) for sign in _listed(sentence)}
    else:
        found = _one(said)
    return [label for i, label in enumerate(labels) if chr(_FIRST + i) in found]


def labels_mentioned(text: str, labels: Sequence[str]) -> list[str]:
    """The labels that a reply names anywhere behind its thinking, be it to deny them."""
    said = _marked(text, tuple(labels)) or ""
    return [label for i, label in enumerate(labels) if chr(_FIRST + i) in said]


def _marked(text: str, labels: tuple[str, ...]) -> str | None:
    """The reply behind its thinking, plain and in small letters, each label as its sign; None where the thinking does not end."""
    answer = behind_thinking(text)
    if answer is None:
        return None
    answer = "".join(
        sign
        for sign in unicodedata.normalize("NFKC", answer[-_READ:])
        if unicodedata.category(sign) not in ("Cf", "Co")
    )
    answer = _TAG.sub("\n", _BOX.sub(r"\n\1\n", spelled_out(_FENCE.sub("", answer))))
    plain = _MARKUP.sub(" ", _HTML.sub(" ", _ECHO.sub(r"\1", answer)).translate(_MARKS)).casefold()
    plain = re.sub(r"[^\S\n]+", " ", plain)
    signs = _pattern(labels).sub(lambda match: chr(_FIRST + int(str(match.lastgroup)[1:])), plain)
    return _HANGING.sub(r"\1 ", signs)


@lru_cache(maxsize=256)
def _pattern(labels: tuple[str, ...]) -> re.Pattern[str]:
    """Any of the labels as whole words, the longest first; the group's name has its place in the list."""
    forms = sorted(((form(label), i) for i, label in enumerate(labels)), key=lambda one: -len(one[0]))
    each = []
    for name, i in forms:
        name = name.translate(_MARKS)
        words = re.findall(r"\w+", name)
        between = re.escape("".join(dict.fromkeys(re.sub(r"[\w\s]", "", name))))
        spelled = rf"[ \t'{between}-]{{1,3}}".join(map(re.escape, words)) if words else re.escape(name)
        each.append(rf"(?P<l{i}>(?<!\w){spelled}(?!\w){'[?]?' if name.endswith('?') else ''})")
    return re.compile("|".join(each) or "(?!)")


def _sentences(said: str) -> Iterator[str]:
    return (sentence for sentence in _SENTENCE.split(said) if sentence.strip(_EDGE))


def _one(said: str) -> set[str]:
    """The one label that the statements of a reply agree on; none where one is denied, or where it is taken back."""
    given: set[str] = set()
    denied: set[str] = set()
    for sentence in _sentences(said):
        if _BACK.fullmatch(sentence.strip()):
            return set()
        core, *tail = _REASON.split(_behind_leads(sentence), maxsplit=1)
        behind = tail[0] if tail else ""
        if sentence.rstrip(" )").endswith("?") and not behind:
            continue
        left = _bare(_DENIED.sub(" ", core))
        if not left or re.fullmatch(_L, left):
            denied |= set(_DENIED.findall(core))
        if re.fullmatch(_L, left):
            if _BACK.match(behind):
                return set()
            also = behind if _SHARE.match(behind) else _bare(_DENIED.sub(" ", behind))
            given |= {left, *re.findall(_L, also if len(also) == 1 or _SHARE.match(behind) else "")}
    return given - denied if len(given) == 1 else set()


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
        yield from (item for item in items if re.fullmatch(_L, item))


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
