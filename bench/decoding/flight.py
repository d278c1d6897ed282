"""The rows of a language model that are under way: they join, take steps together, and leave, each at its own end.

Continuous batching by Yu et al. 2022, "Orca" (OSDI), with first passes of their own instead of ones that ride along with steps.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from bench.decoding.first_pass import PASS_TOKENS, first_pass
from bench.decoding.kept_head import KeptHead
from bench.decoding.phases import Phases
from bench.decoding.prefix_tree import Group, prefix_tree
from bench.decoding.tree_attention import Rows, Shared, Step, placed
from bench.decoding.units import MOST_SAID

LOOK_EVERY = {"cpu": 1, "cuda": 8}  # steps between two looks at the tokens: on a GPU a look waits for the device
KEPT_BYTES = {"cpu": 2 << 30, "cuda": 8 << 30}  # of keys and values at once
SHRINK = 0.75  # of the places that are taken: below that, copying them costs less than reading past the others


@dataclass(eq=False)
class Asked:
    """A prompt, and what is `said` behind it: up to `limit` tokens, at least 1, or to where these are `finished`."""

    prompt: list[int]
    limit: int
    finished: Callable[[list[int]], bool]
    said: list[int] = field(default_factory=list)
    work: float = 0.0  # tokens that are computed for it, from when it joins

    @property
    def wanted(self) -> bool:
        """Whether anybody still waits for it: what joins is only what is wanted."""
        return True

    def take(self, tokens: Sequence[int]) -> bool:
        """Say these tokens, up to the end; whether it goes on."""
        for token in tokens:
            self.said.append(token)
            if self.finished(self.said):
                return False
        return len(self.said) < self.limit


@dataclass(frozen=True)
class Alike:
    """Prompts that wait and begin alike behind the tokens `head`, so that they join together: one for each row of the group."""

    head: list[int]
    group: Group
    asked: list[Asked]

    @property
    def slots(self) -> int:
        """Tokens of its own that a row may come to."""
        return max(len(row.tokens) + one.limit for row, one in zip(self.group.rows, self.asked, strict=True))

    @property
    def wanted(self) -> Alike:
        """Those that are."""
        kept = [(row, one) for row, one in zip(self.group.rows, self.asked, strict=True) if one.wanted]
        if len(kept) == len(self.asked):
            return self
        return Alike(self.head, Group(self.group.shared, [row for row, _ in kept]), [one for _, one in kept])

    def weighed(self) -> float:
        """How many tokens are computed for it, as for `units`; noted at each: its part of what is shared, its own, and a reply."""
        shared = len(self.group.shared) / len(self.asked)
        for row, one in zip(self.group.rows, self.asked, strict=True):
            one.work = shared + len(row.tokens) + min(one.limit, MOST_SAID)
        return sum(one.work for one in self.asked)


def alike(asked: Sequence[Asked], before: Sequence[list[int]] = ()) -> deque[Alike]:
    """The prompts in their groups. What all of them begin with is their head; prompts from `before` have a say in that, too."""
    tree = prefix_tree([one.prompt for one in asked], before)
    return deque(Alike(tree.head, group, [asked[row.index] for row in group.rows]) for group in tree.groups)


def kept_tokens(model: Any) -> int:
    """How many tokens' keys and values may be kept at once."""
    config = model.config.get_text_config()
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    of_a_token = 2 * config.num_hidden_layers * heads * size * model.dtype.itemsize
    return int(KEPT_BYTES[model.device.type] // of_a_token)


class Flight:
    """Rows under way. What is still to be computed of them, as it was when they joined, is at most `most_work` tokens.

    None: as many as memory holds; one group of those that wait joins in any case. False when none is under way.
    """

    def __init__(self, model: Any, kept: KeptHead, most_work: int | None = None) -> None:
        self.phases = Phases()
        self.most_work = most_work
        self._model, self._kept = model, kept
        self._memory, self._kind = kept_tokens(model), model.device.type
        self._rows = Rows(model.device)
        self._shares: list[Shared] = []
        self._asked: list[Asked] = []  # in the order of the shares' rows; all lists here are
        self._joining: list[Asked] = []
        self._places: list[int] = []
        self._full = 0  # how many were under way when something had to wait; 0 where nothing has
        self._tokens = self._positions = placed([], model.device)  # the last token of each, and where it stands
        self._step: Step | None = None

    def __bool__(self) -> bool:
        return bool(self._asked)

    def __iter__(self) -> Iterator[Asked]:
        """Those that are under way, and those that are joining."""
        return iter([*self._asked, *self._joining])

    @property
    def work(self) -> float:
        """How many tokens are computed for what is under way."""
        return sum(one.work for one in self)

    def join(self, waiting: deque[Alike]) -> list[Asked]:
        """Let as much of what waits join as there is room for; gives those whose first token ends them.

        Where there was no room for some, the next come when enough places are free to be worth a pass.
        """
        if not waiting or len(self._asked) > SHRINK * self._full > 0:
            return []
        taken = self._admitted(waiting)
        no_room = waiting and (not taken or waiting[0].head == taken[0].head)
        self._full = len(self._asked) + sum(len(one.asked) for one in taken) if no_room else 0
        if not taken:
            return []
        groups, new = [one.group for one in taken], [asked for one in taken for asked in one.asked]
        self._joining = new
        self.phases.tell()
        head = self._kept.head(self._model, taken[0].head)
        lengths = [len(row.tokens) for group in groups for row in group.rows]
        slots = max(self._slots(), *(one.slots for one in taken))
        self._places, places = self._rows.join(self._places, lengths, slots)
        shares, logits = first_pass(self._model, head, groups, self._rows, places)
        self.phases = Phases()
        for share in shares:
            self._share(share)
        self._places += places
        self._asked, self._joining = self._asked + new, []
        tokens, positions = _likeliest(logits), placed([len(one.prompt) for one in new], self._model.device)
        self._tokens, self._positions = torch.cat([self._tokens, tokens]), torch.cat([self._positions, positions])
        self._step = None
        return self._looked_at(tokens[:, None], len(self._asked) - len(new))

    def steps(self) -> list[Asked]:
        """The next token of each row, or some of them before they are looked at; gives the rows that have ended."""
        if not self._asked:
            return []
        self.phases.begin()
        tokens = []
        for _ in range(min(LOOK_EVERY[self._kind], *(one.limit - len(one.said) for one in self._asked))):
            tokens.append(self._next())
        return self._looked_at(torch.stack(tokens, 1), 0)

    def _admitted(self, waiting: deque[Alike]) -> list[Alike]:
        """What may join now, all with one head, taken off what waits, of which goes what nobody wants."""
        taken: list[Alike] = []
        rows, slots, work = len(self._asked), self._slots(), self.work
        heads = {id(share.head): share.head for share in self._shares}.values()
        kept = sum(share.size for share in self._shares) + sum(head.length for head in heads)
        while waiting and (not taken or waiting[0].head == taken[0].head):
            one = waiting[0] = waiting[0].wanted
            if not one.asked:
                waiting.popleft()
                continue
            kept += len(one.group.shared) + (0 if taken else len(one.head))
            rows, slots, work = rows + len(one.asked), max(slots, one.slots), work + one.weighed()
            full = kept + self._rows.size(rows, slots) > self._memory
            if (taken or self._asked) and (full or (self.most_work is not None and work > self.most_work)):
                break
            taken.append(waiting.popleft())
        return taken

    def _share(self, new: Shared) -> None:
        """Add what a pass left: to its neighbour's, where both are small and of one head, so that a step has few parts."""
        last = self._shares[-1] if self._shares else None
        n, width = (len(last.lengths) + len(new.lengths), max(last.width, new.width)) if last else (0, 0)
        if last and last.head is new.head and last.keys and new.keys and n * width <= PASS_TOKENS[self._kind]:
            last.absorb(new)
        else:
            self._shares.append(new)

    def _slots(self) -> int:
        """The most tokens of its own that a row under way may come to."""
        known = (self._rows.known[place] for place in self._places)
        return max((n + one.limit - len(one.said) for n, one in zip(known, self._asked, strict=True)), default=0)

    def _next(self) -> Tensor:
        """The likeliest token after the last of each row, which becomes the last."""
        if self._step is None:
            self._step = Step(self._shares, self._rows, self._places)
        given = {"input_ids": self._tokens[None], "position_ids": self._positions[None]}
        logits = self._model(**given, use_cache=False, tree=self._step).logits[0]
        self._step.advance()
        self._tokens, self._positions = _likeliest(logits), self._positions + 1
        return self._tokens

    def _looked_at(self, tokens: Tensor, start: int) -> list[Asked]:
        """Take these tokens [rows, new] of the rows from `start` on; rows that have ended leave, and are given."""
        self.phases.decoded(*tokens.shape)
        going = [True] * start
        going += [one.take(said) for one, said in zip(self._asked[start:], tokens.tolist(), strict=True)]
        ended = [one for one, on in zip(self._asked, going, strict=True) if not on]
        if ended:
            self._leave(going)
        return ended

    def _leave(self, going: Sequence[bool]) -> None:
        stay = [place for place, on in enumerate(going) if on]
        kept = placed(stay, self._model.device)
        self._tokens, self._positions = self._tokens[kept], self._positions[kept]
        self._asked = [self._asked[i] for i in stay]
        self._places = [self._places[i] for i in stay]
        flags = iter(going)
        for share in self._shares:
            share.keep([group for group in share.owner if next(flags)])
        self._shares = [share for share in self._shares if share.owner]
        if not self._full and len(self._places) <= SHRINK * len(self._rows.known):
            self._rows.keep(self._places, self._slots())
            self._places = list(range(len(self._places)))
        self._step = None


def _likeliest(logits: Tensor) -> Tensor:
    """The first of the largest; of bfloat16 on a CPU `max` finds it four times faster than `argmax`."""
    found: Tensor = logits.max(-1).indices
    return found
