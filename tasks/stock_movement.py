"""Whether a stock closes higher or lower on a day, from the days before: prompts of FinBen, read back into stock, day and facts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from bench.errors import BenchError
from bench.types import Example, Json
from tasks.labelled_text import LabelledText
from tasks.text_records import text_of

_ASKED = re.compile(r"\$(?P<stock>[\w.^-]+)\s.*?\b(?:at|on)\s+(?P<day>\d{4}-\d\d-\d\d)\b", re.DOTALL)
_CONTEXT = re.compile(r"^Context:\s*(?P<facts>.*?)\s*(?:^Answer:\s*)?\Z", re.DOTALL | re.MULTILINE)


class StockMovement(LabelledText):
    """Rise or Fall of one stock on one day.

    The ten wordings of the question in the file say the same, so it is asked in one. Stocks of one day move together: a day is
    a cluster. That days of one stock depend on each other too (their weeks overlap) is not
    in the intervals, which are rather too narrow than too wide.
    """

    about_too = ("id", "ranks")

    def of_record(self, where: str, record: Mapping[str, Json], number: str) -> Iterator[Example]:
        """The example of a prompt; raises BenchError where stock, day or facts are not found in it."""
        prompt = text_of(record, self.told["text"], where)
        asked, context = _ASKED.search(prompt), _CONTEXT.search(prompt)
        if not asked or not context or not context["facts"]:
            raise BenchError(
                f"{where}: found {prompt[:60]!r}, expected a question with $STOCK and the day, then Context: and the prices"
            )
        stock, day = asked["stock"], asked["day"]
        text = f"Stock: ${stock}\nDay: {day}\n\n{context['facts']}"
        label = self.read_label(record.get(self.told["label"]), where)
        posts = "with posts" if _posts(context["facts"]) else "prices alone"
        yield Example(
            str(record.get("id", number)), {"text": text, "stock": stock, "day": day, "facts": posts}, label, day
        )

    def slices(self, example: Example) -> Mapping[str, str]:
        """The label, and whether there are posts."""
        found = dict(super().slices(example))
        found.pop("length")
        return {**found, "facts": example.inputs["facts"]}


def _posts(facts: str) -> bool:
    """Whether lines "DAY: post" stand behind the prices."""
    return re.search(r"^\d{4}-\d\d-\d\d:\s*\S", facts, re.MULTILINE) is not None
