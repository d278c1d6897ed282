"""Whether labels can be told apart: by scoring, to which case and the like are no difference, and in what a model writes."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence

from bench.text.normal import normalised
from bench.text.reply import labels_said
from bench.text.signs import form

_REPLIES = ("{}", "{}.", "Answer: {}", "The answer is {}.")


def label_form(label: str) -> str:
    """A label as two of them are compared: what has the same form is one label to whoever scores.

    >>> label_form("Caf\\u00e9_A"), label_form("cafe\\u0301 \\uff21\\u200b") == label_form("caf\\u00e9_a")
    ('café a', True)
    """
    return form(normalised(label))


def not_apart(labels: Sequence[str], *, in_replies: bool = True) -> str:
    """Which of the labels cannot be told apart and what to do, "" where each can.

    Two that are one when they are scored; one of which nothing is left then; and, `in_replies`, one that a plain reply says and the
    parser takes for another ("The answer is C." where there is C++): only labels with the same words can be that.
    """
    first: dict[str, str] = {}
    for label in labels:
        if not (key := label_form(label)):
            return (
                f"of the label {ascii(label)[:60]} nothing is left that is scored; give it a name of letters or digits"
            )
        if (other := first.setdefault(key, label)) != label:
            return (
                f"the labels {_both(other, label)} are one when they are scored (case, _, the width of letters, how accents are "
                "coded and signs that cannot be seen do not count); write them in one way if they mean the same, else name one "
                "of them otherwise"
            )
    return _confused(tuple(first.values())) if in_replies else ""


def unread_in_words(labels: Sequence[str]) -> list[tuple[str, str]]:
    """The labels that are read where they stand alone, and in a plain sentence as no label, each with such a reply.

    >>> unread_in_words(("AA+", "low risk"))
    [('AA+', 'Answer: AA+')]
    """
    found = []
    for label in labels:
        if re.fullmatch(r"[\w\s-]+", label):  # of which the parser reads each
            continue
        unread = next((x for x in (one.format(label) for one in _REPLIES[2:]) if not labels_said(x, labels)), None)
        if unread is not None:
            found.append((label, unread))
    return found


def _confused(labels: tuple[str, ...]) -> str:
    """The first label that a reply gives and that is read as another, with such a reply."""
    alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for label in labels:
        alike[tuple(re.findall(r"\w+", label_form(label)))].append(label)
    for label in (one for some in alike.values() if len(some) > 1 for one in some):
        for reply in (frame.format(label) for frame in _REPLIES):
            if (said := labels_said(reply, labels)) and said != [label]:
                return (
                    f"the labels {_both(label, said[0])} cannot be told apart in a model's reply: {reply[:80]!r} is read as "
                    f"{said[0][:40]!r}, as signs beside a word do not count there; keep them as two, each named by words of its own"
                )
    return ""


def _both(one: str, other: str) -> str:
    """The two, by the numbers of their signs where they look the same."""
    shown = [repr(x[:40]) for x in (one, other)]
    if len({unicodedata.normalize("NFC", x) for x in shown}) == 1:
        shown = [ascii(x[:40]) for x in (one, other)]
    return " and ".join(shown)
