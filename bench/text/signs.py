"""A reply in plain small letters, each label in it as one sign, so that no rule looks into a label."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache

from bench.text.ballot import without_boxes, without_verdicts
from bench.text.retraction import NO
from bench.text.stated_json import spelled_out
from bench.text.thinking import behind_thinking

_FIRST = 0xE000  # the first sign of Unicode's private area
_MARKS = str.maketrans(dict.fromkeys('*`"“”«»„#>【】「」『』《》', " ") | {"’": "'", "‘": "'", "_": " "})
_CHEER = frozenset(
    "\ufe0f👍😊🙂😀😃😄😁🎉📈📉🚀🔥😐😠😡😢😞😟🙁☹"
)  # says no more than the label; another picture may mock it
_HTML = re.compile(r"</?(?:b|i|u|em|strong|p|br|code|span)\s*/?>", re.IGNORECASE)
_MARKUP = re.compile(r"\\(?:text|textbf|mathrm|boxed|fbox)\s*(?=\{)|(?<!\w)'|'(?!\w)|[{}$]|\\[()\[\]]", re.IGNORECASE)
_BOX = re.compile(r"\\boxed\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
_TAG = re.compile(
    r"</?(?:final[_ ])?(?:answer|response|label|sentiment|emotion|intent|category|class|output|result|kind|type)s?>",
    re.IGNORECASE,
)
_ECHO = re.compile(
    r"(\b(?:sentence|text|statement|headline|comment|news|message|question)\s*):?\s*[\"“][^\"”]{12,}[\"”]",
    re.IGNORECASE,
)
_FENCE = re.compile(r"^[ \t]*```[\w+#-]*[ \t]*$", re.MULTILINE)
_HANGING = re.compile(rf"((?<!\w){NO})[\s:-]*\n\s*[-•]?")  # what is denied stands on the next line
_DEGREES = (
    "very", "slightly", "strongly", "highly", "extremely", "quite", "fairly", "somewhat", "mildly", "moderately", "mostly",
    "overwhelmingly", "largely", "generally", "really", "truly", "weakly", "predominantly", "pretty", "clearly",
)  # fmt: skip
_OPENS = frozenset(
    "the this that it its in as a an there these they explanation reason reasoning because since although we i based".split()
)  # words that begin a sentence behind a label without a full stop
_NO_SENTENCE = frozenset("or and not but nor no yes vs versus to if is was".split())
_BEHIND_FIRST = re.compile(
    r"(?P<glued>[\"”]?[ \t]{0,3}(?=(?i:explanation|explaination|reason|because)\b)|[\"”]['’]?(?=[A-Z]))"
    r"|['\"”’*]{0,3}(?:[ \t,|]|//){1,4}(?=(?P<word>[A-Z][\w'’]*))"
)
_NOUNS = re.compile(r"(?:sentiment|label|emotion|intent|category|class|tone|polarity|stance|one)")
_READ = 8_000  # characters at the end of a reply that are looked at


def form(text: str) -> str:
    """A label as it is compared: without case, underscores and doubled spaces, full-width signs as others."""
    return " ".join(unicodedata.normalize("NFKC", text).replace("_", " ").casefold().split())


def sign_of(label: str, labels: Sequence[str], alike: Mapping[str, str]) -> str:
    """The sign of a label, which is that of the one that it means the same as."""
    return chr(_FIRST + labels.index(alike.get(label, label)))


@lru_cache(maxsize=4096)
def _is_shown(sign: str) -> bool:
    """Whether a sign is one that the reader of a reply sees, and no picture that says no more than the label."""
    return unicodedata.category(sign) not in ("Cf", "Co") and sign not in _CHEER


def marked(text: str, labels: tuple[str, ...], alike: Mapping[str, str], *, several: bool) -> str | None:
    """The reply behind its thinking, plain and in small letters, each label as its sign; None where the thinking does not end."""
    answer = behind_thinking(text)
    if answer is None:
        return None
    answer = answer[-_READ:]
    if not answer.isascii():
        answer = "".join(filter(_is_shown, unicodedata.normalize("NFKC", answer)))
    answer = _first_apart(answer, labels)
    answer = _TAG.sub("\n", _BOX.sub(r"\n\1\n", without_boxes(spelled_out(_FENCE.sub("", answer)))))
    plain = _MARKUP.sub(" ", _HTML.sub(" ", _ECHO.sub(r"\1", answer)).translate(_MARKS)).casefold()
    plain = re.sub(r"[^\S\n]+", " ", plain)
    signs = _pattern(labels).sub(lambda match: sign_of(labels[int(str(match.lastgroup)[1:])], labels, alike), plain)
    return _HANGING.sub(r"\1 ", without_verdicts(signs, several=several))


def _first_apart(answer: str, labels: tuple[str, ...]) -> str:
    """The reply with a line break behind the label that it begins with, where a sentence follows without a stop.

    "NEGATIVE The profit fell", "NEGATIVE, Sales fell" and "NEGATIVEexplanation: …" begin so; capitals tell that from "Negative
    Growth Ltd", and behind a label that is not in capitals only the words with which sentences begin do.
    """
    start = len(answer) - len(answer.lstrip(" \t\n'\"“‘*"))
    for label in sorted(map(form, labels), key=len, reverse=True):
        end = start + len(label)
        if form(answer[start:end]) != label or not (found := _BEHIND_FIRST.match(answer, end)):
            continue
        capitals, word = answer[start:end].isupper(), (found["word"] or "").casefold()
        names = {name.split()[0] for name in map(form, labels) if name}
        sentence = capitals and word not in names | _NO_SENTENCE and not _NOUNS.fullmatch(word)
        if (found["glued"] is not None and capitals) or (word and (sentence or word in _OPENS)):
            return f"{answer[:end]}\n{answer[found.end() :]}"
    return answer


@lru_cache(maxsize=256)
def _pattern(labels: tuple[str, ...]) -> re.Pattern[str]:
    """Any of the labels as whole words, the longest first; the group's name has its place in the list.

    How much of it ("very positive") is passed over where no label of the list tells degrees apart.
    """
    forms = sorted(((form(label), i) for i, label in enumerate(labels)), key=lambda one: -len(one[0]))
    each = []
    for name, i in forms:
        name = name.translate(_MARKS)
        words = re.findall(r"\w+", name)
        between = re.escape("".join(dict.fromkeys(re.sub(r"[\w\s]", "", name))))
        spelled = rf"[ \t'{between}-]{{1,3}}".join(map(re.escape, words)) if words else re.escape(name)
        if name[:1].isdigit():  # -1 is another number, and no label 1, while 1-2 holds both
            spelled = rf"(?<!\W-)(?<!^-){spelled}"
        each.append(rf"(?P<l{i}>{spelled}(?!\w){'[?]?' if name.endswith('?') else ''})")
    degrees = (
        ""
        if {word for name, _ in forms for word in name.split()} & set(_DEGREES)
        else f"(?:(?:{'|'.join(_DEGREES)}) )?"
    )
    # That a word begins is asked once for all: a place inside a word tries no label.
    return re.compile(rf"(?<!\w){degrees}(?:{'|'.join(each)})" if each else "(?!)")
