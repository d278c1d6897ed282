"""How a short answer is read out of what a model wrote."""

from __future__ import annotations

import json
import re

from bench.task import Unparsed
from bench.types import Prediction

_LEAD = re.compile(r"^(?:(?:the\s+)?(?:short\s+)?answer(?:\s+is)?\s*(?::|-\s)\s*|the answer is\s+)", re.IGNORECASE)
_BOLD = re.compile(r"\*\*([^*\s][^*]*)\*\*")
_FENCE = re.compile(r"^[^\S\n]*```[\w+#-]*[^\S\n]*$", re.MULTILINE)
_HERE = r"(?:\W*$|\s+(?:in|by) the\b)"  # "not given" says nothing; "not given to minors" is an answer
_SAYS = r"(?:say|state|mention|give|provide|specify|contain|answer)"
_SAID = r"(?:said|stated|mentioned|given|provided|answerable|specified|known)"
_NOT = r"(?: not|n't|n’t)"
_SORRY = r"(?:(?:(?:i(?: am|'m|’m) )?(?:sorry|afraid)|unfortunately)(?:,? but|,| that)? )?"
_SOURCE = r"the (?:(?:given|provided|above) )?(?:passage|text|context|page|document|paragraph|article)"
_REFUSAL = re.compile(
    rf"^\W*{_SORRY}(?:(?:unknown|none|null|unclear|n[./]?a\.?|no answer)\W*$"
    rf"|unanswerable(?:\W*$|\s*[:;,.–—-]\s)"
    rf"|there(?: is|'s|’s) no answer\b"
    rf"|there(?: is|'s|’s) no (?:information|mention)(?:\W*$| (?:about|of|on|regarding|in|that|to|available|given|provided)\b)"
    rf"|no (?:answer|information) (?:(?:can|could) be|is) (?:found|given|provided|stated|determined|available)\b"
    rf"|(?:there is )?(?:not enough|insufficient) information(?:\W*$| to\b| in\b)"
    rf"|(?:(?:it|this|that|the answer) )?(?:cannot|can't|can’t) be (?:determined|answered|known|found)"
    rf"|(?:cannot|can't|can’t|unable to) (?:answer|say|tell|determine)(?:\W*$| (?:this|the question|from the|based on)\b)"
    rf"|(?:it|this|that|the answer)(?: is|'s|’s) (?:unclear|unknown)\W*$"
    rf"|i(?: am|'m|’m) (?:unable|not able|not sure)\b"
    rf"|i (?:do{_NOT}|cannot|can't|can’t) (?:know|answer|tell|find)\b"
    rf"|(?:(?:it|this|that|the answer|(?:the|this) information) (?:is|was)(?: not|n't|n’t)|not) {_SAID}{_HERE}"
    rf"|(?:it|this|{_SOURCE}) does{_NOT} {_SAYS}\b"
    rf"|{_SOURCE} (?:is silent|says nothing)(?:\W*$| (?:on|about)\b))",
    re.IGNORECASE,
)


def short_answer(text: str, *, keep_full_stop: bool = False) -> str:
    """The first line that says something, without a lead such as "Answer:", outer quotes and a final full stop.

    Code fences are passed over; of a JSON object it is the value of "answer". `keep_full_stop` is for metrics that compare
    characters: "Sp. z o.o." ends in one.

    >>> short_answer('\\nThe answer is: "14.8 %."\\nBecause')
    '14.8 %'
    """
    text = _FENCE.sub("", text).strip()
    if text.startswith(("{", "[")):
        text = _from_json(text)
    lines = (
        _LEAD.sub("", _BOLD.sub(r"\1", line.strip())).strip().strip("\"'“”‘’`").strip() for line in text.splitlines()
    )
    line = next(filter(None, lines), "")
    if keep_full_stop or not line.endswith(".") or line.endswith(".."):
        return line
    return line[:-1].rstrip("\"'”")


def said_shortly(prediction: Prediction, *, keep_full_stop: bool = False, may_be_none: bool = False) -> str | Unparsed:
    """The short answer of a prediction; where there `may_be_none`, "" is one too, said in words or as null."""
    found = short_answer(prediction.text or "", keep_full_stop=keep_full_stop)
    if found or prediction.span is not None or prediction.no_answer is not None:
        return or_nothing(found) if may_be_none else found
    return "" if may_be_none and _is_null(prediction.text or "") else Unparsed("")


def _is_null(text: str) -> bool:
    """Whether a text is null, or a JSON object whose "answer" is null or empty."""
    try:
        found = json.loads(_FENCE.sub("", text).strip())
    except (ValueError, RecursionError):
        return False
    return found is None or (isinstance(found, dict) and "answer" in found and found["answer"] in (None, ""))


def _from_json(text: str) -> str:
    """The value of "answer" in a JSON object, or the one item of a list, digits as they stand; else the text itself."""
    try:
        found = json.loads(text, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        return text
    if isinstance(found, list) and len(found) == 1:
        found = found[0] if isinstance(found[0], dict) else {"answer": found[0]}
    if not isinstance(found, dict) or isinstance(found.get("answer", []), list | dict):
        return text
    return "" if found["answer"] is None else str(found["answer"])


def or_nothing(answer: str) -> str:
    """The answer, or "" (no answer) where it says that there is none.

    >>> or_nothing("Unanswerable."), or_nothing("I don't know"), or_nothing("No. 7")
    ('', '', 'No. 7')
    """
    return "" if _REFUSAL.match(answer) else answer
