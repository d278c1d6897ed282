"""How a short answer is read out of what a model wrote."""

from __future__ import annotations

import json
import re

_LEAD = re.compile(r"^(?:(?:the\s+)?(?:short\s+)?answer(?:\s+is)?\s*(?::|-\s)\s*|the answer is\s+)", re.IGNORECASE)
_BOLD = re.compile(r"\*\*(\w.*?)\*\*")
_FENCE = re.compile(r"^\s*```\w*\s*$", re.MULTILINE)
_SAYS_NOT = r"(?:stated|mentioned|given|provided|answerable|specified|say|said|known|enough information)"
_REFUSAL = re.compile(
    r"^\W*(?:"
    r"(?:unanswerable|unknown|none|n[./]?a\.?|no answer|not " + _SAYS_NOT + r"(?: in .*)?)\W*$"
    r"|there is no answer|not enough information|(?:it )?(?:cannot|can't|can’t) be (?:determined|answered|known)"
    r"|i(?: am|'m|’m) (?:unable|not able|not sure)"
    r"|i (?:do not|don't|don’t|cannot|can't|can’t) (?:know|answer|tell|find)"
    r"|(?:it|this|that|this information|the answer) (?:is|was) not "
    + _SAYS_NOT
    + r"|it (?:does not|doesn't|doesn’t) "
    + _SAYS_NOT
    + r"|the (?:passage|text|context|page|document) (?:does not|doesn't|doesn’t) "
    r"(?:say|state|mention|give|provide|specify|contain|answer)"
    r")",
    re.IGNORECASE,
)


def short_answer(text: str, *, keep_full_stop: bool = False) -> str:
    """The first line that is not empty, without a lead such as "Answer:", outer quotes and a final full stop.

    Code fences are passed over; of a JSON object it is the value of "answer". `keep_full_stop` is for metrics that compare
    characters: "Sp. z o.o." ends in one.

    >>> short_answer('\\nThe answer is: "14.8 %."\\nBecause')
    '14.8 %'
    """
    text = _FENCE.sub("", text).strip()
    if text.startswith("{"):
        text = _from_json(text)
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    line = _LEAD.sub("", _BOLD.sub(r"\1", line)).strip().strip("\"'“”‘’`").strip()
    if keep_full_stop or not line.endswith(".") or line.endswith(".."):
        return line
    return line[:-1].rstrip("\"'”")


def _from_json(text: str) -> str:
    """The value of "answer" in a JSON object, the text itself where there is none."""
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return str(found["answer"]) if isinstance(found, dict) and "answer" in found else text


def or_nothing(answer: str) -> str:
    """The answer, or "" (no answer) where it says that there is none.

    >>> or_nothing("Unanswerable."), or_nothing("I don't know"), or_nothing("No. 7")
    ('', '', 'No. 7')
    """
    return "" if _REFUSAL.match(answer) else answer
