"""Which options of a question in Chinese or English a reply chooses, where options are letters: "答案是ABD", "选A、B和D", "Ｂ"."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from bench.text.thinking import behind_thinking

_GROUP = r"(?<![A-Za-z])(?:[A-H](?![a-z])(?:\s*(?:[、,;/&+·]|和|与|及|以及|and)?\s*(?:选项)?(?=[A-H](?![a-z])))?){1,8}(?![A-Za-z])"
_OPEN = r"[\s*_`#\"'“”‘’「」【】《》\[\](){}<>:：=,，-]*"
_LEAD = re.compile(
    r"(?:答案|选项|选择|应选|故选|可选|只选|选|结论|(?i:answers?|options?|choices?))"
    rf"(?:(?:应该|应当|应|就|都|也|只)?(?:是|为|选|填)|选择|选项|\s*(?i:is|are)\b|分别)*{_OPEN}(?:\\boxed\{{|\\text\{{)*{_OPEN}(?P<group>{_GROUP})"
    r"(?=(?P<behind>[^。\n;；]{0,12}))"
)
_AFFIRMED = re.compile(
    rf"(?P<group>{_GROUP})\s*(?:项|选项|四项|三项)?(?:全部|全|都|均|皆|是)*(?:正确|符合题意|入选|当选|对)(?P<behind>)"
)
_BOXED = re.compile(rf"\\boxed\{{{_OPEN}(?:\\text\{{)?{_OPEN}(?P<group>{_GROUP})(?P<behind>)")
_DENIES = re.compile(
    r"(?:不|非|勿|别|未|没有|没|排除|错误的?|除了?|not|isn't|never|no)\s*(?:能|应|该|会|要|是|再|正确的?|the|a)*\s*$",
    re.IGNORECASE,
)
_WRONG = re.compile(r"^[^A-Za-z,，]{0,4}?(?:不正确|不对|不符|不选|错误|错的|有误|排除|不是|是错)")
_WHOLE = re.compile(rf"^{_OPEN}(?P<group>{_GROUP})(?:{_OPEN}|\W*)$")
_LINE = re.compile(rf"^{_OPEN}(?P<group>{_GROUP})\s*(?:[.、:(),。;\]】*]|\s|$|选项|项)(?P<behind>.*)$")
_TRUE = ("对", "正确", "是", "√", "✓", "✔", "true", "正确的", "对的", "是的", "说法正确", "表述正确")
_FALSE = (
    "错",
    "错误",
    "否",
    "×",
    "✗",
    "✘",
    "x",
    "false",
    "错误的",
    "错的",
    "不正确",
    "不对",
    "不是",
    "说法错误",
    "表述错误",
    "说法不正确",
)
_VERDICT = re.compile(
    r"^(?:(?:正确)?答案|判断|结论|本题|该题|题目|这个?|此|该|说法|表述|陈述|是|为|应为|[:：\s])*(?P<word>\S{1,8}?)$"
)


def choices_said(text: str, letters: str = "ABCDEFGH") -> str:
    """The letters that a reply gives as its answer, in the order of the alphabet; "" where it gives none.

    What is introduced as the answer counts ("答案", "选", "answer"), the last of several, unless it is denied or called wrong; else
    letters alone, or those with which the first lines begin. 对 and 错, 正确 and 错误 alone are A and B.
    """
    said = behind_thinking(text)
    if said is None:
        return ""
    plain = unicodedata.normalize("NFKC", said).replace("\u3000", " ").strip()
    found = _whole(plain) or _introduced(plain) or _lines(plain) or _verdict(plain)
    found = found.upper().replace("AND", "")
    return "".join(letter for letter in letters if letter in found)


def _whole(plain: str) -> str:
    match = _WHOLE.match(plain.upper() if re.fullmatch(r"[a-h\W]{1,24}", plain) else plain)  # "abd" alone
    return match["group"] if match else ""


def _introduced(plain: str) -> str:
    """The group behind the last introduction that nothing denies."""
    found = ""
    for match in sorted(
        [*_LEAD.finditer(plain), *_BOXED.finditer(plain), *_AFFIRMED.finditer(plain)],
        key=lambda one: one.start("group"),
    ):
        if not _DENIES.search(plain[max(0, match.start() - 12) : match.start()]) and not _WRONG.match(match["behind"]):
            found = match["group"]
    return found


def _lines(plain: str) -> str:
    """The letters with which lines begin: that of the first line, and of the following ones as long as each has its own."""
    found: list[str] = []
    for line in _filled(plain):
        match = _LINE.match(line)
        if not match:
            break
        if not _WRONG.match(match["behind"].strip()):
            found.append(match["group"])
    return "".join(found)


def _filled(plain: str) -> Iterator[str]:
    return (line.strip() for line in plain.split("\n") if line.strip())


def _verdict(plain: str) -> str:
    """A or B where the first line or sentence says no more than right or wrong."""
    first = re.split(r"[\n。.,，!！;；]", plain.strip(" \t\n*\"'“”"), maxsplit=1)[0].strip(" \t*\"'“”。")
    match = _VERDICT.match(first.lower())
    word = match["word"] if match else first.lower()
    return "A" if word in _TRUE else "B" if word in _FALSE else ""
