"""What a reply says behind its answer that undoes it: that it was wrong, or another label."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bench.text.ballot import LABEL

NO = (
    r"(?:not|never|neither|nor|no|none|non|un|cannot|without|except|excluding|besides|hardly|barely|scarcely|less|least|"
    r"rather than|instead of|as opposed to|other than|different from|opposite of|"
    r"(?:any|every|no)thing but|all but|far from|free of|lacks?|"
    r"\w+n't)"
)
_DENIES = re.compile(rf"(?<!\w)(?:{NO}|nothing)(?!\w)(?! (?:only|just|merely|doubt)\b)")
_TWICE = re.compile(
    r"\b(?:den(?:y|ies|ied)|doubt\w*|rul(?:e|ed|ing) out|exclud\w+|overlook\w*|ignor\w+|help|question)\b"
)
_PIECES = re.compile(r"\.(?!\d)|[,;:!?()\[\]\n–—]|\s-{1,3}\s")
_CLAUSES = re.compile(r"[.;:!?()\n–—]|\s-{1,3}\s|\bbut\b|\bhowever\b|\band (?=(?:it|this|that|the|i|so)\b)")
_REASON = re.compile(
    r"(?<!\w)(?:because|since|given|due to|considering|although|though|even though|despite|while"
    rf"|as(?! (?:(?:a|an|the|being|quite|very|too|rather|more|having|overall) )*{LABEL}))\b"
)
_OPENING = r"(?:(?:oh|well|but|and|so|hmm|actually|no|i think|i believe|in fact|however|or|also|yes|please) )*"
_ANY = re.compile(
    rf"(\bany (?:\w{{1,20}} )?\w{{1,20}}), (?=(?:either |be it |whether )?{LABEL} n?or )"
)  # "no sign of any mood, good or bad"
_FIELD = re.compile(r"\b(correct|right|valid|accurate|confidence|probability|certainty) ?: ?(?=[\w.])")
_ANSWER = r"(?:answer|label|choice|reply|response|classification|prediction|sentiment|one)"
_RIGHT = r"(?:right|correct|true|so|the case|accurate)"
_WRONG = (
    r"(?:wrong|incorrect|false|untrue|mistaken|inaccurate|a mistake|an error|a joke|a lie"
    rf"|(?:not|hardly|far from) {_RIGHT})"
)
_UNDONE = re.compile(
    rf"{_OPENING}(?:"
    rf"(?:(?:that|this|it|which|(?:my|the|this|that)(?: \w+)? {_ANSWER}|the above|{LABEL})"
    rf"(?:'s| is| was| may be| might be| could be"
    rf"| would be| seems| looks)|is|was)(?: \w+)?? {_WRONG}\b"
    rf"|(?:that|this|it|the \w+|{LABEL}) (?:is|was)n't (?:{_RIGHT}|it)\b"
    r"|(?:i )?(?:take|took|taking) (?:that|it|this|my \w+) back\b"
    r"|(?:ignore|disregard|forget|scratch|scrap|strike|discard|cancel|delete) (?:that|this|it|the|my|what|all|everything)\b"
    r"|never ?mind\b|(?:on|upon|after) (?:second|further|closer|more|reflection|reconsider\w*|another|review)\b"
    r"|correction\b|(?:to )?correct(?:ing)? (?:myself|that|this)\b"
    r"|i(?:'m| am| was| stand|'ve been| have been)(?: \w+)??"
    r" (?:wrong|mistaken|corrected|lying|kidding|joking|sorry|unsure|uncertain)\b"
    r"|i(?:'m| am) not (?:sure|certain|convinced)\b|i(?:'ve| have)? (?:made|make) (?:a|an) (?:mistake|error)\b"
    r"|i(?:'ve| have)? changed? my mind\b|sorry\b|my apolog|apologies|my (?:bad|mistake|error|fault)\b|oops|whoops|wait\b|psych\b"
    r"|let me (?:correct|revise|reconsider|rethink|change|fix|redo|re\w+)\b"
    r"|i (?:do not|don't|can't|cannot|wouldn't|would not) (?:really )?(?:think|believe|say) (?:so|that|it|this)\b"
    r"|i (?:cannot|can't|could not|couldn't|am unable to|am not able to) (?:really )?(?:say|tell|know|determine|judge|decide"
    r"|answer)\b(?! (?:more|enough|why|how))"
    r"|i (?:doubt|disagree|retract|withdraw|meant|mean|reconsider|revise|revoke)\b"
    r"|(?:quite |just |exactly )?(?:the )?(?:opposite|reverse|contrary|inverse|inverted|reversed)\b"
    r"|said no one\b|i lied\b|none of (?:this|that|it) is\b"
    r"|(?:do not|don't) (?:trust|believe|use|count|credit) (?:this|that|it|me|my)\b"
    rf"|(?:actually|rather|better|instead) ?{LABEL}"
    r"|i (?:can|could|will|'ll) (?:help|assist|try|do (?:that|this|it)|certainly)\b|i(?:'d| would) be (?:happy|glad)\b|happy to\b"
    r"|i(?:'m| am) (?:an? (?:ai|language)|unable|not able)\b|as an? (?:ai|language model)\b|i (?:understand|lack)\b(?! that\b)"
    r"|(?:please )?(?:provide|share|send|paste) (?:me |us )?(?:the|your|more|some|any|further)\b"
    r"|(?:now )?(?:please )?give me\b|how (?:can|may) i\b"
    r"|(?:(?:there (?:is|are)|i have|the) )?(?:insufficient|not enough|too little) (?:data|information|context|details|evidence)\b"
    r"|(?:there (?:is|are)|i have) no (?:data|information|context|details) (?:here|to (?:judge|decide|go)|given|provided)\b"
    r"|(?:negated|negation|inverted|reversed|wrong|incorrect|retracted|rejected) = (?:yes|true|1)\b"
    r"|(?:no|nope|not|wrong|incorrect|false|untrue|unlikely|edit|revised|not (?:at all|really|quite|so|true|correct|right|sure)"
    r"|(?:just |only |just a |a )?(?:kidding|joking|joke)|(?:being )?(?:sarcasm|sarcastic|sarcastically|irony|ironic|ironically)|/s"
    r"|maybe|perhaps|possibly|unsure|uncertain|who knows|or not"
    r"|(?:correct|right|valid|true|accurate|confidence|score|probability|certainty|is correct|iscorrect)"
    r" ?=? ?(?:no|false|0(?:\.0{1,6})?))[^\w\ue000-\uf8ff]*$"
    r")"
)


def takes_back(text: str) -> bool:
    """Whether a piece of a text in small letters begins by taking back what stands before it.

    >>> takes_back("on second thought, down"), takes_back("the firm was wrong")
    (True, False)
    """
    return any(_UNDONE.match(piece.strip()) for piece in _PIECES.split(_FIELD.sub(r"\1 = ", text)))


def besides(text: str) -> Iterator[str]:
    """The labels, as signs, that a text mentions without denying them, outside its clauses of reason."""
    for clause in _CLAUSES.split(_ANY.sub(r"\1 ", text)):
        for part in _REASON.split(clause, maxsplit=1)[0].split(","):
            no = None if _TWICE.search(part) else _DENIES.search(part)
            yield from re.findall(LABEL, part[: no.start()] if no else part)
