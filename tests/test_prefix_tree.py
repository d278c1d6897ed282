"""Prompts as a tree of shared beginnings: nothing lost, nothing computed twice that need not be, the order of no account."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.decoding.prefix_tree import (
    LONGEST_REST,
    WORTH_A_HEAD,
    WORTH_SHARING,
    Group,
    PrefixTree,
    Row,
    common_prefix,
    prefix_tree,
)
from bench.decoding.units import units, work_of

BLOCKS = [[block * 10 + i % 7 for i in range(n)] for block, n in enumerate((3, 14, 16, 20, 63, 64, 70))]
ENDS = st.lists(st.integers(0, 3), max_size=4)
PROMPTS = st.lists(
    st.builds(
        lambda blocks, end: [token for block in blocks for token in block] + end,
        st.lists(st.sampled_from(BLOCKS), max_size=3),
        ENDS,
    ).filter(bool),
    min_size=1,
    max_size=8,
)


def run(start: int, n: int) -> list[int]:
    """`n` tokens from `start` on."""
    return list(range(start, start + n))


def shape(tree: PrefixTree) -> tuple[list[int], list[tuple[list[int], list[list[int]]]]]:
    """The tree without the prompts' places."""
    return tree.head, [(group.shared, [row.tokens for row in group.rows]) for group in tree.groups]


@pytest.mark.parametrize(
    ("prompts", "head", "groups", "size"),
    [
        # a prompt alone: all but its last token are "shared"
        ([[5, 6, 7]], [], [Group([5, 6], [Row(0, [7])])], 3),
        ([[5]], [], [Group([], [Row(0, [5])])], 1),
        # 16 tokens in common are worth a group: 16 + 2 + 1 instead of 18 + 17
        (
            [[*run(100, 16), 1, 2], [*run(100, 16), 3]],
            [],
            [Group(run(100, 16), [Row(0, [1, 2]), Row(1, [3])])],
            19,
        ),
        # 15 are not
        (
            [[*run(100, 15), 1, 2], [*run(100, 15), 3]],
            [],
            [Group([*run(100, 15), 1], [Row(0, [2])]), Group(run(100, 15), [Row(1, [3])])],
            33,
        ),
        # one that begins the other keeps its last token for itself, the other goes on from there
        ([run(100, 20), run(100, 22)], [], [Group(run(100, 19), [Row(0, [119]), Row(1, [119, 120, 121])])], 23),
        # the same twice: each needs a token of its own, whose prediction it gets
        ([run(100, 20), run(100, 20)], [], [Group(run(100, 19), [Row(0, [119]), Row(1, [119])])], 21),
        # of the 16 in common the shorter keeps its last: 15 are not worth it
        (
            [run(100, 16), run(100, 18)],
            [],
            [Group(run(100, 15), [Row(0, [115])]), Group(run(100, 17), [Row(1, [117])])],
            34,
        ),
        # of 64 tokens the 16 that two share are a quarter, of 65 less: rows are padded to the longest own part
        (
            [[*run(100, 16), 1], [*run(100, 16), *run(200, 48)]],
            [],
            [Group(run(100, 16), [Row(0, [1]), Row(1, run(200, 48))])],
            65,
        ),
        (
            [[*run(100, 16), 1], [*run(100, 16), *run(200, 49)]],
            [],
            [Group(run(100, 16), [Row(0, [1])]), Group([*run(100, 16), *run(200, 48)], [Row(1, [248])])],
            82,
        ),
        # the third shares 19 with two that share 40: taking it in would save 2 * 19 instead of 40
        (
            [[*run(100, 40), 1], [*run(100, 40), 2], [*run(100, 19), 900]],
            [],
            [Group(run(100, 40), [Row(0, [1]), Row(1, [2])]), Group(run(100, 19), [Row(2, [900])])],
            62,
        ),
        # with 20 in common it is as good, and taken in
        (
            [[*run(100, 40), 1], [*run(100, 40), 2], [*run(100, 20), 900]],
            [],
            [
                Group(
                    run(100, 20),
                    [Row(0, [*run(120, 20), 1]), Row(1, [*run(120, 20), 2]), Row(2, [900])],
                )
            ],
            63,
        ),
        # 64 tokens in common of all are a head; behind it 16 in common of the first two are a group
        (
            [[*run(100, 64), *run(10, 16), 1], [*run(100, 64), *run(10, 16), 2], [*run(100, 64), 3]],
            run(100, 64),
            [Group(run(10, 16), [Row(0, [1]), Row(1, [2])]), Group([], [Row(2, [3])])],
            83,
        ),
        # 63 are not: they are the first part of a group
        (
            [[*run(100, 63), 1], [*run(100, 63), 2]],
            [],
            [Group(run(100, 63), [Row(0, [1]), Row(1, [2])])],
            65,
        ),
        # a head leaves the shortest prompt its last token: of 65 in common 64
        ([run(100, 65), run(100, 66)], run(100, 64), [Group([], [Row(0, [164])]), Group([164], [Row(1, [165])])], 67),
    ],
)  # fmt: skip
def test_what_prompts_share_is_found(prompts: list[list[int]], head: list[int], groups: list[Group], size: int) -> None:
    tree = prefix_tree(prompts)
    assert tree.head == head
    assert tree.groups == sorted(groups, key=lambda group: -len(group.shared))
    assert tree.size == size


def test_a_prompt_without_a_token_is_refused() -> None:
    with pytest.raises(ValueError, match="has no token"):
        prefix_tree([[1], []])


@pytest.mark.slow
@given(PROMPTS)
def test_a_row_with_what_stands_before_it_is_its_prompt_and_every_prompt_has_one(prompts: list[list[int]]) -> None:
    tree = prefix_tree(prompts)
    found = {row.index: tree.head + group.shared + row.tokens for group in tree.groups for row in group.rows}
    assert [found[i] for i in range(len(prompts))] == prompts
    assert sum(len(group.rows) for group in tree.groups) == len(prompts)
    assert all(row.tokens for group in tree.groups for row in group.rows)
    assert all(group.rows for group in tree.groups)


@pytest.mark.slow
@given(PROMPTS)
def test_a_tree_never_has_more_tokens_than_its_prompts(prompts: list[list[int]]) -> None:
    tree = prefix_tree(prompts)
    assert tree.size <= sum(map(len, prompts))
    counted = len(tree.head) + sum(len(g.shared) + sum(len(row.tokens) for row in g.rows) for g in tree.groups)
    assert tree.size == counted


@pytest.mark.slow
@given(PROMPTS, st.randoms(use_true_random=False))
def test_the_order_of_prompts_does_not_matter(prompts: list[list[int]], random: object) -> None:
    turned = list(prompts)
    random.shuffle(turned)  # type: ignore[attr-defined]
    assert shape(prefix_tree(turned)) == shape(prefix_tree(prompts))


@pytest.mark.slow
@given(PROMPTS)
def test_a_head_and_a_group_are_there_only_where_they_are_worth_it(prompts: list[list[int]]) -> None:
    tree = prefix_tree(prompts)
    own = min(common_prefix(prompts), min(map(len, prompts)) - 1)
    assert len(tree.head) == (own if len(prompts) > 1 and own >= WORTH_A_HEAD else 0)
    for group in tree.groups:
        assert len(group.rows) == 1 or len(group.shared) >= WORTH_SHARING
        longest = len(group.shared) + max(len(row.tokens) for row in group.rows)
        assert len(group.rows) == 1 or longest <= LONGEST_REST * len(group.shared)
    lengths = [len(group.shared) for group in tree.groups]
    assert lengths == sorted(lengths, reverse=True)


@pytest.mark.slow
@given(PROMPTS)
def test_two_neighbours_that_are_not_in_one_group_share_too_little_for_it(prompts: list[list[int]]) -> None:
    tree = prefix_tree(prompts)
    alone = sorted(group.shared + row.tokens for group in tree.groups if len(group.rows) == 1 for row in group.rows)
    for one, other in pairwise(alone):
        together = min(common_prefix([one, other]), len(one) - 1, len(other) - 1)
        assert together < WORTH_SHARING or max(len(one), len(other)) > LONGEST_REST * together


@pytest.mark.slow
@given(st.lists(st.lists(st.integers(0, 50), min_size=1, max_size=90), min_size=1, max_size=6))
def test_prompts_that_begin_differently_share_nothing(rests: list[list[int]]) -> None:
    prompts = [[100 + i, *rest] for i, rest in enumerate(rests)]
    tree = prefix_tree(prompts)
    assert tree.head == []
    assert all(len(group.rows) == 1 for group in tree.groups)
    assert tree.size == sum(map(len, prompts))


@pytest.mark.slow
@given(st.lists(st.lists(st.integers(0, 2), max_size=6), min_size=1, max_size=5))
def test_the_common_prefix_ends_where_two_differ_or_one_ends(sequences: list[list[int]]) -> None:
    expected = 0
    while all(len(one) > expected and one[expected] == sequences[0][expected] for one in sequences):
        expected += 1
    assert common_prefix(sequences) == expected


# -- units -------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@given(PROMPTS, st.integers(1, 300), st.data())
def test_units_are_all_prompts_once_of_about_the_work_that_is_allowed_and_never_cut_a_group(
    prompts: list[list[int]], tokens: int, data: st.DataObject
) -> None:
    replies = data.draw(st.lists(st.integers(0, 90), min_size=len(prompts), max_size=len(prompts)))
    found = units(prompts, replies, tokens)
    assert sorted(i for unit in found for i in unit) == list(range(len(prompts)))
    assert found == units(prompts, replies, tokens)
    at = {i: number for number, unit in enumerate(found) for i in unit}
    groups = prefix_tree(prompts).groups
    for group in groups:
        assert len({at[row.index] for row in group.rows}) == 1
    for number in range(len(found)):
        inside = [group for group in groups if at[group.rows[0].index] == number]
        work = sum(group.size + sum(min(replies[row.index], 64) for row in group.rows) for group in inside)
        assert work <= tokens or len(inside) == 1


def test_units_follow_the_order_of_the_prompts_and_count_a_shared_beginning_once() -> None:
    first, second = run(0, 40), run(100, 40)
    prompts = [[*second, 1], [*first, 1], [*second, 2], [*first, 2], run(200, 5)]
    # 40 + 2 + 2 * 3 = 48 tokens for each pair, 5 + 3 for the last
    assert units(prompts, [3] * 5, 47) == [[0, 2], [1, 3], [4]]
    assert units(prompts, [3] * 5, 56) == [[0, 2], [1, 3, 4]]
    assert units(prompts, [3] * 5, 96) == [[0, 2, 1, 3], [4]]
    assert units(prompts, [3] * 5, 104) == [[0, 2, 1, 3, 4]]
    assert units([[1], [2]], [64, 9], 75) == units([[1], [2]], [9_999, 9], 75) == [[0, 1]]


def test_the_work_of_a_unit_depends_on_model_device_and_type_alone() -> None:
    assert work_of("cpu", "float32", 125_000_000, emulated=False) == 4_000
    assert work_of("cpu", "bfloat16", 125_000_000, emulated=False) == 6_000
    assert work_of("cpu", "bfloat16", 125_000_000, emulated=True) == 800
    assert work_of("cuda", "float32", 125_000_000, emulated=False) == 2_000_000
    assert work_of("cpu", "float32", 10**15, emulated=False) == 1
