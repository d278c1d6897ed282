"""An agent's next reply in service conversations on inclusive finance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from bench.data.files import field, read_jsonl
from bench.metrics.contrast import References
from bench.task import Card
from bench.types import Example
from tasks.dialogue import NextReply
from tasks.finmm import FOLDER, LICENCE

_FILE = FOLDER / "dialogue" / "conversations.jsonl"


class FinmmDialogue(NextReply):
    """Every agent turn with references is an example; the turns before it are what the model sees."""

    name, version = "finmm_dialogue", 2
    system = (
        "You are a service agent of a bank or insurer. Reply to the customer in one or two short, concrete sentences."
    )
    card = Card(
        title="finmm: service dialogue",
        source="tasks/finmm/dialogue/conversations.jsonl",
        revision="1",
        licence=LICENCE,
        split="test",
        n_examples=218,
        language="en",
        chance=(-0.01, 0.02),
        scenario="operations",
        cluster="conversation",
    )

    def examples(self) -> Sequence[Example]:
        """The scored turns in the order of the file."""
        found = []
        for number, record in read_jsonl(_FILE):
            where = f"{_FILE} line {number}"
            conversation = field(record, "id", str, where)
            seen: list[list[str]] = []
            for index, turn in enumerate(field(record, "turns", list, where), start=1):
                text = field(turn, "text", str, f"{where} turn {index}")
                if "references" in turn:
                    key, shown = f"{conversation}-{index}", "\n".join(said for _, said in seen)
                    texts = [text, *field(turn, "references", list, f"{where} turn {index}")]
                    references = References(texts, key=key, cluster=conversation, shown=shown)
                    found.append(Example(key, {"turns": list(seen)}, references, conversation))
                seen.append(["assistant" if field(turn, "speaker", str, where) == "agent" else "user", text])
        return found

    def slices(self, example: Example) -> Mapping[str, str]:
        """What the conversation is about, and as of every dialogue."""
        return {"subject": self._domains[example.cluster]} | dict(super().slices(example))

    @cached_property
    def _domains(self) -> Mapping[str, str]:
        return {record["id"]: record["domain"].replace("_", " ") for _, record in read_jsonl(_FILE)}
