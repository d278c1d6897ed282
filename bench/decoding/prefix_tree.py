"""What prompts begin with in common, as a tree of three levels: a head for all, a part for each group, a rest for each row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

WORTH_SHARING = 16  # tokens: a shorter beginning is not worth a node of its own
LONGEST_REST = 4  # tokens of a group's longest prompt for each shared one: rows are kept padded to the longest
WORTH_A_HEAD = 64  # tokens: reading a head costs every token of the batch one more merge


@dataclass(frozen=True)
class Row:
    """One prompt's own end, at least one token; `index` is its place among the prompts."""

    index: int
    tokens: list[int]


@dataclass(frozen=True)
class Group:
    """Prompts that go on alike behind the head (questions on one passage); a prompt like no other is a group of one."""

    shared: list[int]
    rows: list[Row]

    @property
    def size(self) -> int:
        """How many tokens have to be computed."""
        return len(self.shared) + sum(len(row.tokens) for row in self.rows)


@dataclass(frozen=True)
class PrefixTree:
    """`head` begins all prompts; head + shared + tokens of a row is that row's prompt."""

    head: list[int]
    groups: list[Group]

    @property
    def size(self) -> int:
        """How many tokens have to be computed; without sharing it would be those of all prompts."""
        return len(self.head) + sum(group.size for group in self.groups)


def prefix_tree(prompts: Sequence[list[int]], before: Sequence[list[int]] = ()) -> PrefixTree:
    """The tree of the prompts, its longest groups first. It depends on the prompts alone, not on their order.

    With prompts from `before`, the head is what these begin with, too.

    Raises ValueError for an empty prompt.
    """
    if not all(prompts):
        raise ValueError("a prompt has no token")
    order = sorted(range(len(prompts)), key=prompts.__getitem__)
    head = min(common_prefix([prompts[order[0]], prompts[order[-1]], *before]), min(map(len, prompts)) - 1)
    if len(prompts) + len(before) == 1 or head < WORTH_A_HEAD:
        head = 0
    groups = [_group(prompts, members, head) for members in _alike([(i, prompts[i][head:]) for i in order])]
    groups.sort(key=lambda group: len(group.shared), reverse=True)
    return PrefixTree(prompts[order[0]][:head], groups)


def _group(prompts: Sequence[list[int]], members: Sequence[int], head: int) -> Group:
    own = [prompts[i][head:] for i in members]
    shared = min(common_prefix([own[0], own[-1]]), min(map(len, own)) - 1)
    return Group(own[0][:shared], [Row(i, tokens[shared:]) for i, tokens in zip(members, own, strict=True)])


def _alike(ordered: Sequence[tuple[int, list[int]]]) -> Iterator[list[int]]:
    """Neighbours that share a beginning worth it, taken in for as long as each makes more be shared in all."""
    members: list[int] = []
    first: list[int] = []
    shared = longest = 0
    for index, tokens in ordered:
        together = min(common_prefix([first, tokens]), len(tokens) - 1, len(first) - 1, shared)
        saved_now, saved_then = (len(members) - 1) * shared, len(members) * together
        widest = max(longest, len(tokens))
        worth = together >= WORTH_SHARING and widest <= LONGEST_REST * together
        if members and worth and saved_then >= saved_now:
            members.append(index)
            shared, longest = together, widest
            continue
        if members:
            yield members
        members, first, shared, longest = [index], tokens, len(tokens) - 1, len(tokens)
    if members:
        yield members


def common_prefix(sequences: Sequence[list[int]]) -> int:
    """How many items all sequences begin with alike: that of the smallest and the largest, since order is by first difference.

    >>> common_prefix([[1, 2, 3], [1, 2, 4, 5], [1, 2]])
    2
    """
    first, last = min(sequences), max(sequences)
    if first == last[: len(first)]:
        return len(first)
    return next(i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b)
