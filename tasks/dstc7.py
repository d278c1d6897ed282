"""DSTC7 track 2: the next comment of an online discussion about a web page, which the comment should draw on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from bench.data import dstc7_format
from bench.data.shapes import a_text
from bench.data.source import DataSource
from bench.data.submissions import kind
from bench.metrics import meteor
from bench.metrics.contrast import References
from bench.metrics.dstc7 import clean, dstc7_metrics
from bench.task import Card, DataTask, Malformed
from bench.types import Example, Generate, Json, Prediction, Request, Text
from tasks.slices import band

_SYSTEM = (
    "You take part in an online discussion about a web page. Write the next comment: one or two informal sentences, "
    "in answer to the last one and with something that the page says. Write nothing but the comment."
)
_OPENING = "Write a comment on this page."
_FENCE = re.compile(r"^\s*```[\w+#-]*\s*$", re.MULTILINE)
_LEAD = re.compile(r"^(?:(?:next )?comment|reply|response|answer)\s*:\s*", re.IGNORECASE)
_QUOTES = ('""', "“”", "''")


class Dstc7(DataTask):
    """The contexts that people judged, or the official test set or plain references where their files lie in the folder.

    `clean` says whether texts are cleaned before they are scored; None as the organisers do: conversations are, plain lines
    (ref0.txt, ref1.txt, … as in their demo) are tokenised already and are not.

    46 of the 1,000 contexts come without references: they count for entropy, diversity and length only.
    """

    name, version, output = "dstc7", 2, Generate
    metrics = dstc7_metrics()
    missing_left_out = True
    card = Card(
        title="DSTC7 track 2: grounded response generation",
        source="dstc7-task2-human_eval.tgz of the track's organisers",
        revision="the release of human judgments (2018)",
        licence="O-UDA 1.0",
        split="test, the part that people judged",
        n_examples=1_000,
        language="en",
        chance=(-0.01, 0.02),
        scenario="operations",
        cluster="page",
        citation="Yoshino et al. 2019, Dialog System Technology Challenge 7; Galley et al. 2019, Grounded Response "
        "Generation Task at DSTC7",
        obtain="from the repository DSTC7-End-to-End-Conversation-Modeling of the organisers (MSR-NLP), folder evaluation",
        references={
            "human (this release)": 0.091,
            "best system (this release)": 0.036,
            "constant baseline (this release)": 0.0,
        },
    )
    official_size: ClassVar[int] = 2_208

    def __init__(self, data: DataSource, clean: bool | None = None) -> None:
        self.data, self.clean = data, clean
        self.metrics = dstc7_metrics(self._prepared)  # type: ignore[misc]  # of this folder's layout

    @cached_property
    def _cleans(self) -> bool:
        return not self.data.read(dstc7_format.has_plain) if self.clean is None else self.clean

    def _prepared(self, text: str) -> str:
        return clean(text) if self._cleans else text

    def fetch(self) -> None:
        """See that the data are there and bring METEOR's program into the cache."""
        self.data.fetch()
        meteor.fetch()

    def examples(self) -> Sequence[Example]:
        """The examples in the order of the file, each with its references."""
        return [
            one if one.target is None else replace(one, target=_references(one))
            for one in self.data.read(lambda folder: dstc7_format.examples(folder))
        ]

    def request(self, example: Example) -> Request:
        """The page as the scene, shared by a discussion's examples, then the turns as a chat that a user turn ends."""
        page, turns = example.inputs["page"], example.inputs["turns"] or [_OPENING]
        if len(turns) % 2 == 0:  # roles take turns, and many chat templates want the first to be the user's
            turns = ["\n".join(turns[:2]), *turns[2:]]
        chat = (Text(turn, ("user", "assistant")[i % 2]) for i, turn in enumerate(turns))
        scene = Text(f"{_SYSTEM}\n\nThe page: {page}" if page else _SYSTEM, "system")
        return Request(example.id, (scene, *chat), Generate(max_new_tokens=64, stop=("\n",)))

    def answer(self, prediction: Prediction) -> Json:
        """The comment with white space folded; the metrics clean it as the official script does."""
        return comment(prediction.text or "")

    def checked(self, example: Example, answer: Json) -> str:
        """A text."""
        return a_text(answer)

    def ideal(self, example: Example) -> Prediction:
        """The longest reference."""
        return Prediction(example.id, text=max(example.target, key=len, default=""))

    def slices(self, example: Example) -> Mapping[str, str]:
        """The length of the discussion so far, where the files say it, and how many different comments people gave."""
        turns = self._depths.get(example.id) or len(example.inputs["turns"])
        found = {"turns before": band(turns, (2, 4), "turn")} if turns else {}
        if example.target is not None:
            found["references"] = band(len(set(example.target)), (1, 3), "reference")
        return found

    @cached_property
    def _depths(self) -> Mapping[str, int]:
        return self.data.read(dstc7_format.depths)

    def submitted(self, path: Path, examples: Sequence[Example]) -> Iterator[tuple[str, Json]]:
        """Rows with the key first and the response last, the release's FILE@SYSTEM, or JSON {key: response}.

        Where the references are plain lines, it is a hypothesis a line.
        """
        file, at, system = str(path).rpartition("@")
        if path.exists() or not at:
            file, system = str(path), ""
        if self.data.read(dstc7_format.has_plain):
            said = dstc7_format.plain_responses(path)
        else:
            said = dstc7_format.responses(Path(file), system)
        for key, response in said:
            found = "no response" if response is None else kind(response)
            yield key, response if isinstance(response, str) else Malformed(f"found {found}, expected a text")

    def official(self, values: Mapping[str, float], examples: Sequence[Example]) -> Mapping[str, Json]:
        """What dstc.py prints, with -c where texts are cleaned; NIST and BLEU come to it with four decimals from mteval-v14c.pl."""
        found: dict[str, Json] = {
            "nist": [round(values[f"nist_{order}"], 4) for order in (1, 2, 3, 4)],
            "bleu": [round(values[f"bleu_{order}"], 4) for order in (1, 2, 3, 4)],
            "meteor": values.get("meteor"),
            "entropy": [values[f"entropy_{order}"] for order in (1, 2, 3, 4)],
            "diversity": [values[f"div_{order}"] for order in (1, 2)],
            "avg_len": values["avg_len"],
        }
        return {key: value for key, value in found.items() if value is not None}

    def problems(self) -> Iterator[str]:
        """As every task; of the official test set, which the organisers' keys cut to 2,208 examples, that number.

        Plain references may be any number.
        """
        if self.data.read(dstc7_format.has_plain):
            return
        expected = self.official_size if self.data.read(dstc7_format.has_official) else self.card.n_examples
        if (n := len(self.examples())) != expected:
            yield f"{n:,} examples, where the evaluation has {expected:,}"


def _references(example: Example) -> References:
    """The references, with the page and the turns that an answer may quote."""
    shown = "\n".join([example.inputs["page"], *example.inputs["turns"]])
    return References(example.target, key=example.id, cluster=example.cluster, shown=shown)


def comment(text: str) -> str:
    """The comment in what a model wrote: of a JSON object its one text; without a lead such as "Reply:" and quotes behind it.

    Quotes without a lead stay, for people put them round whole comments too.

    >>> comment('Comment: "Nice one,\\nthanks!"')
    'Nice one, thanks!'
    """
    text = _FENCE.sub("", text).strip()
    if text.startswith("{"):
        try:
            texts = [value for value in json.loads(text).values() if isinstance(value, str)]
        except ValueError:
            texts = []
        text = texts[0] if len(texts) == 1 else text
    text = " ".join(text.split())
    said = _LEAD.sub("", text)
    if said != text and said[:1] + said[-1:] in _QUOTES and said[0] not in said[1:-1]:
        return said[1:-1].strip()
    return said
