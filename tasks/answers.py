"""How a short answer is read out of what a model wrote."""

from __future__ import annotations

import re

_LEAD = re.compile(r"^(?:the\s+)?(?:short\s+)?answer(?:\s+is)?\s*[:\-]\s*|^the answer is\s+", re.IGNORECASE)
_BOLD = re.compile(r"\*\*(\w.*?)\*\*")
_REFUSAL = re.compile(
    r"^\W*(?:unanswerable|no answer|none|n/?a|not (?:stated|mentioned|given|provided|answerable|specified)"
    r"|i (?:do not|don't|don’t|cannot|can't|can’t) (?:know|answer|tell|find)"
    r"|(?:it|this|that) is not (?:stated|mentioned|given|provided|specified)"
    r"|the (?:passage|text|context|page|document) does(?: not|n't|n’t))\b",
    re.IGNORECASE,
)


def short_answer(text: str, *, keep_full_stop: bool = False) -> str:
    """The first line that is not empty, without a lead such as "Answer:", outer quotes and a final full stop.

    `keep_full_stop` is for metrics that compare characters: "Sp. z o.o." ends in one.

    >>> short_answer('\\nThe answer is: "14.8 %."\\nBecause')
    '14.8 %'
    """
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    line = _BOLD.sub(r"\1", _LEAD.sub("", line)).strip().strip("\"'“”‘’`").strip()
    if keep_full_stop or not line.endswith(".") or line.endswith(".."):
        return line
    return line[:-1].rstrip("\"'”")


def or_nothing(answer: str) -> str:
    """The answer, or "" (no answer) where it says that there is none.

    >>> or_nothing("Unanswerable."), or_nothing("I don't know"), or_nothing("No. 7")
    ('', '', 'No. 7')
    """
    return "" if _REFUSAL.match(answer) else answer
