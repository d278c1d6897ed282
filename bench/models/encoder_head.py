"""What the heads on text encoders share: texts as tokens, rows with their special tokens, and tight batches of rows."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from bench.errors import BenchError
from bench.models.base import Device
from bench.models.places import behind_padding
from bench.models.torch_model import TorchModel
from bench.types import Request, Text

_PER_PASS = {"cpu": 2_048, "cuda": 32_768}  # tokens with padding: what fits in a cache, what fills a GPU
_PASS_COSTS = {"cpu": 32, "cuda": 2_048}  # what one more pass costs beside its tokens, in tokens
_USUAL_LIMIT = 512  # tokens, where neither model nor tokenizer has one
_NO_LIMIT = 1_000_000  # transformers writes 10^30 where a tokenizer has no limit


class Tokens(NamedTuple):
    """A text without special tokens: ids [t] and the place (start, end) of each in characters."""

    ids: list[int]
    places: list[tuple[int, int]]


class Row(NamedTuple):
    """What goes through the model: ids [t] and the type of each (which text it is of)."""

    ids: list[int]
    types: list[int]


@dataclass(frozen=True)
class Layout:
    """The special tokens (id, type) before, between and after one text or two, and the types of the texts themselves."""

    before: tuple[tuple[int, int], ...]
    between: tuple[tuple[int, int], ...]
    after: tuple[tuple[int, int], ...]
    types: tuple[int, ...]

    @property
    def n_special(self) -> int:
        """How many special tokens a row has."""
        return len(self.before) + len(self.between) + len(self.after)

    def row(self, first: Sequence[int], second: Sequence[int] = ()) -> Row:
        """The texts with their special tokens."""
        marked = [*self.before, *((token, self.types[0]) for token in first), *self.between]
        marked += [*((token, self.types[-1]) for token in second), *self.after]
        return Row([token for token, _ in marked], [kind for _, kind in marked])


class EncoderHead(TorchModel):
    """A head on a text encoder with a fast tokenizer.

    `max_length` is the longest row in tokens (None: what the model takes), `tokens_per_pass` how many tokens, padding
    counted, go through the model at once (None: by the device). The rows of a whole batch are sorted by length and packed,
    so that hardly any padding is computed.
    """

    parts = frozenset({"text"})

    def __init__(
        self,
        source: str,
        sha256: str | None = None,
        *,
        max_length: int | None = None,
        tokens_per_pass: int | None = None,
        trust: list[str] | None = None,
    ) -> None:
        super().__init__(source, sha256, trust)
        for name, value in (("max_length", max_length), ("tokens_per_pass", tokens_per_pass)):
            if value is not None and value < 1:
                raise BenchError(f"model.{name}={value} must be at least 1, or null for the usual one")
        self.max_length, self.tokens_per_pass = max_length, tokens_per_pass
        self._ready: deque[Mapping[str, Tokens]] = deque(maxlen=2)  # the batch that comes next, and the one before
        self._one_at_a_time = threading.Lock()  # a fast tokenizer fails when two threads use it

    def load(self, device: Device, *, seed: int) -> None:
        """Load, and find out how long a row may be and which special tokens it has."""
        super().load(device, seed=seed)
        if not self.tokenizer.is_fast:
            raise BenchError(f"{self.source}: this head needs a fast tokenizer; put its tokenizer.json into the folder")
        if self.tokenizer.pad_token is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token or self.tokenizer.unk_token
        if getattr(self.model.config, "pad_token_id", None) is None:  # decoders find a row's last token by it
            self.model.config.pad_token_id = self.tokenizer.pad_token_id
        most = longest_row(self.model, self.tokenizer)
        if self.max_length is not None and self.max_length > most:
            raise BenchError(
                f"model.max_length={self.max_length} is more than the {most} tokens that {self.source} takes"
            )
        self.limit = self.max_length or most
        self.single, self.pair = self._layout(("x",)), self._layout(("x", "x"))
        self.budget = self.tokens_per_pass or _PER_PASS[device.kind]
        self.pass_costs = _PASS_COSTS[device.kind]

    def _layout(self, texts: tuple[str, ...]) -> Layout:
        found = self.tokenizer(*([text] for text in texts), return_token_type_ids=True)
        ids, types, owners = found["input_ids"][0], found["token_type_ids"][0], found.sequence_ids(0)
        if not set(range(len(texts))) <= set(owners):
            raise BenchError(
                f"{self.source}: the tokenizer makes no token of the letter x; copy the model's own tokenizer"
            )
        marked = list(zip(ids, types, strict=True))
        spans = [(owners.index(k), len(owners) - owners[::-1].index(k)) for k in range(len(texts))]
        between = tuple(marked[spans[0][1] : spans[1][0]]) if len(texts) > 1 else ()
        kinds = tuple(types[start] for start, _ in spans)
        return Layout(tuple(marked[: spans[0][0]]), between, tuple(marked[spans[-1][1] :]), kinds)

    def texts(self, request: Request) -> list[str]:
        """The texts of a request that will be needed as tokens; none of a request that cannot be answered."""
        return [text] if (text := last_said(request)) is not None else []

    def cost(self, request: Request) -> int:
        """The tokens of what is read, about."""
        return sum(map(len, self.texts(request))) // 4

    def prepare(self, batch: Sequence[Request]) -> None:
        """Tokenise the batch that comes next; the last two batches are kept."""
        self._ready.append(self.tokens(text for request in batch for text in self.texts(request)))

    def tokens(self, texts: Iterable[str]) -> dict[str, Tokens]:
        """The tokens of each text, once even where it comes several times."""
        wanted = dict.fromkeys(texts)
        known = {text: batch[text] for batch in tuple(self._ready) for text in wanted if text in batch}
        if missing := [text for text in wanted if text not in known]:
            with self._one_at_a_time:
                found = self.tokenizer(
                    missing, add_special_tokens=False, return_offsets_mapping=True, return_attention_mask=False
                )
            pairs = zip(found["input_ids"], found["offset_mapping"], strict=True)
            known |= {text: Tokens(ids, places) for text, (ids, places) in zip(missing, pairs, strict=True)}
        return known

    def passes(self, rows: Sequence[Row]) -> Iterator[tuple[list[int], Any]]:
        """The model's output for every row, in some order: (numbers of the rows, output of the padded rows)."""
        import torch

        for group in packed([len(row.ids) for row in rows], self.budget, self.pass_costs):
            inputs = self._padded([rows[i] for i in group])
            with torch.inference_mode():
                found = self.model(**inputs)
            yield group, found

    def _padded(self, rows: Sequence[Row]) -> dict[str, Any]:
        """The rows as tensors [b, t], padded on the right."""
        import torch

        width = max(len(row.ids) for row in rows)
        gaps = [width - len(row.ids) for row in rows]
        pad, pad_type = self.tokenizer.pad_token_id, self.tokenizer.pad_token_type_id
        lists = {
            "input_ids": [row.ids + [pad] * gap for row, gap in zip(rows, gaps, strict=True)],
            "attention_mask": [[1] * (width - gap) + [0] * gap for gap in gaps],
        }
        if "token_type_ids" in self.tokenizer.model_input_names:
            lists["token_type_ids"] = [row.types + [pad_type] * gap for row, gap in zip(rows, gaps, strict=True)]
        return {name: torch.tensor(values, device=self.device) for name, values in lists.items()}


def last_said(request: Request) -> str | None:
    """The last text of the user, which is the one to judge; None where there is none."""
    return next((part.text for part in request.parts[::-1] if isinstance(part, Text) and part.role == "user"), None)


def longest_row(model: Any, tokenizer: Any) -> int:
    """How many tokens the model takes: as many as it has places for, and not more than its tokenizer says."""
    stated = getattr(model.config, "max_position_embeddings", None) or _NO_LIMIT
    found = min([*(behind_padding(model) or [stated]), tokenizer.model_max_length])
    return int(found) if 0 < found < _NO_LIMIT else _USUAL_LIMIT


def packed(lengths: Sequence[int], budget: int, pass_costs: int) -> Iterator[list[int]]:
    """The numbers of the items in groups, longest items first, such that the least is computed.

    A group costs its size times its longest item, which `budget` limits (an item that is longer goes alone), and
    `pass_costs` more. The best division of the sorted items is found from that of each beginning of them.

    >>> list(packed([3, 9, 4, 8], budget=100, pass_costs=5))
    [[1, 3], [2, 0]]
    """
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    best, begins = [0.0], [0]
    for end in range(1, len(order) + 1):
        least, begin = math.inf, end - 1
        for start in range(end - 1, -1, -1):
            area = lengths[order[start]] * (end - start)
            if area > budget and end - start > 1:
                break
            if (total := best[start] + area + pass_costs) <= least:
                least, begin = total, start
        best.append(least)
        begins.append(begin)
    groups, end = [], len(order)
    while end:
        groups.append(order[begins[end] : end])
        end = begins[end]
    yield from reversed(groups)
