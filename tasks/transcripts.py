"""The words of a transcript, as recognisers and their tools write it."""

from __future__ import annotations

import json
import re

_KEYS = ("text", "transcript", "transcription")
_TIME = r"(?:\d{1,2}:)?\d{1,2}:\d{2}(?:[.,]\d{1,3})?"
_SUBTITLE = re.compile(rf"(?:\A|\n)(?:WEBVTT[^\n]*|(?:\d+[ \t]*\n)?[ \t]*{_TIME}[ \t]*-->[ \t]*{_TIME}[^\n]*)(?=\n|\Z)")
_TIMES = re.compile(rf"\[{_TIME}(?:\s*(?:-->|-|–)\s*{_TIME})?\]|<\|\d+(?:\.\d+)?\|>|♪")
_NO_SPEECH = re.compile(r"\[[A-Za-z][A-Za-z _-]{1,30}\]")  # [BLANK_AUDIO], [noise], [inaudible]
_FENCE = re.compile(r"^\s*```[\w+#-]*\s*$", re.MULTILINE)
_BREAK = re.compile(r"…|\.{2,}|--+|[–—]")  # dashes between clauses, dots for a pause
_INITIALS = re.compile(r"(?:\w\.){2,}")  # "J.J.", "U.S.": the full stop belongs to the word
_BEFORE, _AFTER = '"“‘`*_([{¿¡', '"”`*_)]},.;:!?'
_UNSAID = '"“”‘`()[]{}¿¡,.;:!?-'


def spoken_words(text: str) -> str:
    """The words of a transcript as recognisers write it, without punctuation around them.

    Of a JSON object it is the value of "text", "transcript" or "transcription", or those of its "segments". Times and numbers of
    subtitles are left out, and what stands in square brackets for no speech. Apostrophes and hyphens stay, and <tags>.

    >>> spoken_words('"Well -- the U.S. market, we\\'re up 5.2%..."')
    "Well the U.S. market we're up 5.2%"
    """
    text = _FENCE.sub("", text).strip()
    if text.startswith("{"):
        text = _of_object(text)
    text = _NO_SPEECH.sub(" ", _TIMES.sub(" ", _SUBTITLE.sub("\n", text)))
    text = text.replace("’", "'").replace("\u2010", "-").replace("\u2011", "-")
    return " ".join(filter(None, map(_bare, _BREAK.sub(" ", text).split())))


def _of_object(text: str) -> str:
    """The transcript in a JSON object; the text itself where it has none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(found, dict):
        return text
    if said := next((found[key] for key in _KEYS if isinstance(found.get(key), str)), None):
        return str(said)
    parts = found.get("segments")
    said = " ".join(
        one["text"]
        for one in (parts if isinstance(parts, list) else ())
        if isinstance(one, dict) and isinstance(one.get("text"), str)
    )
    return said or text


def _bare(word: str) -> str:
    """The word without what stands around it; "" for signs that nobody says."""
    if not word.strip(_UNSAID):
        return ""
    bare = word.lstrip(_BEFORE)
    while bare and bare[-1] in _AFTER and not _INITIALS.fullmatch(bare) and not (bare[-1] == ")" and "(" in bare):
        bare = bare[:-1]
    return bare or word
