"""Yes or no to a label: the boxes of check lists ("[x]", "❌") and verdicts behind it ("joy: no"), as words that the reader knows.

What is affirmed becomes the bare label and what is denied "not" before it, so that one rule credits and denies.
"""

from __future__ import annotations

import re

LABEL = "[\ue000-\uf8ff]"  # a label in a text stands as one sign of Unicode's private area
SURE = 0.5  # of several labels: the share from which one is given

_TICKED = re.compile(r"\[[ \t]?[xX*✓✔☑✅√][ \t]?\]|\([ \t]?[xX✓✔√][ \t]?\)|[☑✅✓✔]")
_EMPTY = re.compile(
    r"\[[ _\t]{0,3}\]|(?<!\\)\([ _\t]{0,3}\)|\[[ \t]?[✗✘❌✖-][ \t]?\]|\([ \t]?[✗✘❌✖-][ \t]?\)|[☐✗✘❌✖⬜🚫⛔👎]"
)
_YES = r"(?:yes|true|y|present|correct|right|applies|100 ?%|1(?:\.0{1,6})?)"
_NO = (
    r"(?:no(?: (?:evidence|signs?|indication|mention)\b[^,;.|\n]{0,60})?|not(?: \w+){1,2}|nope|false|n|n/a|na|not|none|never|absent"
    r"|wrong|incorrect|rejected|ruled out|excluded|eliminated|discarded|denied|unlikely|impossible|untrue|0(?:\.0{1,6})? ?%?)"
)
_NUMBER = r"(?P<number>\d{1,3}(?:\.\d{1,12})? ?%?)"
_BETWEEN = r"[ \t]{0,3}(?:(?:[:=|?(–—→⇒]|->|-(?=[ \t]))[ \t]{0,3}){1,3}"
_BEHIND = r"[ \t]{0,3}\)?(?=[ \t]{0,3}(?:[,;|\n!)(–—]|\.(?!\d)|$|-\s|because\b|and\b))"
_ONE = re.compile(rf"({LABEL}){_BETWEEN}(?:(?P<no>{_NO})|{_YES}){_BEHIND}")
_SEVERAL = re.compile(
    rf"({LABEL}){_BETWEEN}(?:(?:{_NUMBER}|(?P<no>{_NO})|{_YES}){_BEHIND}"
    rf"|(?P<none>(?:no|not|none|never|absent|hardly)\b)(?! (?!\1){LABEL}))"
)
_NO_BEFORE = re.compile(r"^([^\w\n]{0,6})(?:no|false|absent|not present|none)[ \t]{0,3}:[ \t]{0,3}(?=\S)", re.MULTILINE)


def without_boxes(text: str) -> str:
    """The text, a line for each box that stands before something, and a verdict for each that stands behind.

    >>> without_boxes("[ ] up [x] down"), without_boxes("up ✅, down ❌")
    ('\\nnot  up \\n down', 'up  : yes , down  : no ')
    """
    return "\n".join(_line(line) for line in text.split("\n"))


def _line(line: str) -> str:
    found = [*_TICKED.finditer(line), *_EMPTY.finditer(line)]
    if not found:
        return line
    if not line[: min(one.start() for one in found)].strip(" \t-*•·>|0123456789.)") or (
        len(found) == 1
        and line[: found[0].start()].rstrip().endswith(":")
        and line[found[0].end() :].strip(" \t.,;|*`")
    ):
        yes, no = "\n", "\nnot "
    elif not line[max(one.end() for one in found) :].strip(" \t.,;|*`"):
        yes, no = " : yes ", " : no "
    else:
        yes = no = " unclear "
    return _EMPTY.sub(no, _TICKED.sub(yes, line))


def without_verdicts(said: str, *, several: bool) -> str:
    """The text with its labels as signs, each with a verdict behind it as itself or as denied.

    Of several labels a share of `SURE` or more affirms; where one is due only 0 and 1 say something of themselves.
    """
    said = _NO_BEFORE.sub(r"\1not ", said)
    return _SEVERAL.sub(_of_several, said) if several else _ONE.sub(_verdict, said)


def _verdict(found: re.Match[str]) -> str:
    return f"not {found[1]} " if found["no"] else f"{found[1]} "


def _of_several(found: re.Match[str]) -> str:
    """The label on the last line that it shares with what stands before it: what is said of the next is its own."""
    denied = found["no"] or found["none"]
    if found["number"]:
        share = float(found["number"].rstrip("% ")) / (100 if "%" in found["number"] else 1)
        denied = not SURE <= share <= 1
    return f"not {found[1]}\n" if denied else f"{found[1]}\n"
