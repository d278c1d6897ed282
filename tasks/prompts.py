"""Prompts with worked examples, and those of the question tasks: the question behind them, with the reply begun.

The worked examples are written for this and come from no data set. As turns of a chat they show a chat model the form of
an answer; joined with line breaks they are the classic few-shot prompt of a base model.
"""

from __future__ import annotations

from collections.abc import Iterable

from bench.types import Part, Text

SYSTEM = "Copy the shortest answer from the {label}."
SYSTEM_V2 = SYSTEM + " If it does not say, answer: unanswerable"

SHOTS = (
    (
        "The bakery opened in 1998 and employs twelve people. Its owner is Maria Lopez, who bought it from her uncle.",
        "Who owns the bakery?",
        "Maria Lopez",
    ),
    (
        "Rainfall in the valley fell from 820 mm in 2010 to 610 mm in 2015, mostly because the summer storms came later.",
        "How much rain fell in the valley in 2015?",
        "610 mm",
    ),
    (
        "The museum is closed on Mondays. Children under six enter free, and students pay half the price of 8 euros.",
        "When is the museum closed?",
        "on Mondays",
    ),
)
PAGES = (
    ("Bill no. | 2231\nTable 4\nSoup | 5.50\nTea | 2.20\nTotal | 7.70", "What is the total of the bill?", "7.70"),
    (
        "Green Valley Clinic\nPatient: Omar Diaz\nVisit on 3 May 2018\nNext visit | 9 June 2018",
        "When is the next visit?",
        "9 June 2018",
    ),
    ("Parcel slip\nFrom: L. Novak, Brno\nTo: J. Smith, Leeds\nWeight | 2.4 kg", "Who sent the parcel?", "L. Novak"),
)


def passage(context: str, question: str, *, may_be_unanswerable: bool = False) -> tuple[Part, ...]:
    """The parts of a question on a passage; its text comes before the question, so that questions share it."""
    system = SYSTEM_V2 if may_be_unanswerable else SYSTEM
    asked = Text(f"Passage: {context}\nQuestion: {question}")
    return (Text(system.format(label="passage"), "system"), *_turns("Passage", SHOTS), asked, _BEGUN)


def page(picture: Part, question: str) -> tuple[Part, ...]:
    """The parts of a question on a picture; the worked examples are pages in words."""
    system = Text(SYSTEM.format(label="page"), "system")
    return (system, *_turns("Page", PAGES), picture, Text(f"Question: {question}"), _BEGUN)


def film(clip: Part, question: str) -> tuple[Part, ...]:
    """The parts of a question on a film; the worked examples are what is read in one, in words."""
    system = Text(SYSTEM.format(label="film"), "system")
    return (system, *_turns("Film", PAGES), clip, Text(f"Question: {question}"), _BEGUN)


_BEGUN = Text('Answer: "', "assistant")


def _turns(label: str, shots: tuple[tuple[str, str, str], ...]) -> tuple[Text, ...]:
    return worked(
        f"{label}: ", [(f"{source}\nQuestion: {question}", f'Answer: "{answer}"') for source, question, answer in shots]
    )


def worked(lead: str, shots: Iterable[tuple[str, str]]) -> tuple[Text, ...]:
    """Worked examples, each as two turns of a chat: what is asked, behind `lead`, and the answer."""
    return tuple(part for asked, answer in shots for part in (Text(lead + asked), Text(answer, "assistant")))
