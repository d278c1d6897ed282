"""What ranks dialogue: answers against their own references, less those of other contexts."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import small_data
from hypothesis import assume, given
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.metrics.contrast import COPIED, References, contrast, dealt, same_answer, uncopied
from bench.metrics.dstc7 import bleu, clean, nist
from bench.metrics.evaluate_module import value
from bench.metrics.generation import CHRF
from bench.metrics.metric import Metric

WORDS = "rates bank loan fee card limit branch paid euro why how soon never mortgage interest cheque".split()
METRICS = [bleu(2, clean), nist(4, clean), CHRF]


def references(n: int = 40, clusters: int = 20, seed: int = 1, shown: str = "") -> list[References]:
    draw = random.Random(seed)
    return [
        References(
            [" ".join(draw.choices(WORDS, k=draw.randint(4, 9))) for _ in range(draw.randint(1, 3))],
            key=f"e{i}", cluster=f"c{i % clusters}", shown=shown,
        )
        for i in range(n)
    ]  # fmt: skip


def contrasted(metric: Metric, targets: list[References], answers: list[str]) -> float:
    return value(contrast(metric, clean), targets, answers)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
@pytest.mark.parametrize("said", ["", "never", "why is the interest on a mortgage paid so soon", "bank " * 200])
def test_one_answer_to_everything_wins_nothing(metric: Metric, said: str) -> None:
    targets = references()
    assert contrasted(metric, targets, [said] * len(targets)) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.slow
@given(
    st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join), min_size=2, max_size=9), st.data()
)
def test_a_constant_wins_nothing_whatever_the_references_and_clusters_are(texts: list[str], data: Any) -> None:
    targets = [
        References([text], key=str(i), cluster=data.draw(st.sampled_from("abcd"))) for i, text in enumerate(texts)
    ]
    assume(dealt(targets))
    assert contrasted(bleu(2, clean), targets, ["rates bank"] * len(texts)) == pytest.approx(0.0, abs=1e-12)


def test_an_answer_that_fits_its_own_context_wins_and_one_that_fits_another_loses() -> None:
    targets = references()
    own = [target[0] for target in targets]
    assert contrasted(bleu(2, clean), targets, own) > 0.5
    drawn = [target[0] for target in references(seed=2)]
    assert abs(contrasted(bleu(2, clean), targets, drawn)) < 0.03
    (step, *_) = [i for i, target in enumerate(targets) if target is dealt(targets)["e0"][0]]
    assert contrasted(bleu(2, clean), targets, own[step:] + own[:step]) < 0


def test_each_is_held_against_others_of_no_cluster_of_its_own_and_each_is_used_equally_often() -> None:
    targets = references(41, clusters=7)
    others = dealt(targets)
    assert set(others) == {target.key for target in targets}
    by_key = {target.key: target for target in targets}
    for key, held in others.items():
        assert held
        assert all(one.cluster != by_key[key].cluster for one in held if isinstance(one, References))
    used = Counter(one.key for held in others.values() for one in held if isinstance(one, References))
    assert len(set(used.values())) == 1


@pytest.mark.parametrize("clusters", [1, 2])
def test_where_there_are_no_other_contexts_there_is_nothing_to_hold_an_answer_against(clusters: int) -> None:
    targets = references(5, clusters=1) if clusters == 1 else references(9, 1) + references(1, seed=3)
    for said in ("", "rates bank", targets[0][0]):
        with pytest.raises(BenchError, match="undefined: there are no references of other contexts"):
            contrasted(bleu(2, clean), targets, [said] * len(targets))


def test_an_example_without_references_counts_nothing() -> None:
    targets = references()
    said = [target[0] for target in targets]
    more = contrasted(bleu(2, clean), [*targets, References(key="none", cluster="c")], [*said, "bank"])
    assert more == pytest.approx(contrasted(bleu(2, clean), targets, said))


def test_two_examples_of_the_same_references_are_dealt_out_apart() -> None:
    same = [References(["rates bank"], key=str(i), cluster=str(i)) for i in range(3)]
    targets = [*same, *references()]
    assert contrasted(bleu(2, clean), targets, ["rates bank loan"] * len(targets)) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        ("the bank closed 23 branches", ""),
        ("The bank closed 23 branches!", ""),
        ("sad that the bank closed 23 branches in may", "sad that in may"),
        ("the shop opened 23 old branches", "the shop opened 23 old branches"),
        ("sadly we closed 23", "sadly we"),
        ("branches 23 closed bank the", ""),
        ("", ""),
    ],
)
def test_a_quotation_of_what_was_shown_is_left_out(answer: str, left: str) -> None:
    assert uncopied(answer, "In Leeds, the bank closed 23 branches.", clean) == left
    assert COPIED == 2


def test_an_echo_of_the_context_wins_nothing() -> None:
    shown = [References(one, key=one.key, cluster=one.cluster, shown=one[0] + " and more") for one in references()]
    assert contrasted(bleu(2, clean), shown, [one[0] for one in shown]) == 0.0
    assert contrasted(bleu(2, clean), references(), [one[0] for one in shown]) > 0.5


def test_rows_are_asked_for_behind_fit_only() -> None:
    with pytest.raises(ValueError, match=r"call fit\(targets\) first"):
        contrast(bleu(2, clean)).measure(["a"], "a")


def test_the_share_of_the_most_frequent_answer() -> None:
    assert value(same_answer(clean), [[]] * 4, ["I agree.", "i agree .", "No!", ""]) == 0.5
    assert value(same_answer(), [[]], [""]) == 1.0


@pytest.mark.parametrize("name", ["finmm_dialogue", "chitchat", "dstc7"])
def test_a_dialogue_tasks_references_know_where_they_belong(name: str, tmp_path: Path) -> None:
    task = small_data.shipped(name, small_data.write(tmp_path))
    for example in task.examples()[:30]:
        assert isinstance(example.target, References)
        assert (example.target.key, example.target.cluster) == (example.id, example.cluster)
        turns = [turn if isinstance(turn, str) else turn[1] for turn in example.inputs["turns"]]
        assert all(turn in example.target.shown for turn in turns)


@pytest.mark.slow
def test_no_frequent_sentence_is_above_zero_on_service_dialogues() -> None:
    task = small_data.built("finmm_dialogue", Path("nowhere"))
    examples = task.examples()
    metric = task.metrics[0]
    assert metric.name == "bleu_2_contrast"
    targets = [example.target for example in examples]
    for said in ("I don't know.", "I am sorry to hear that, and I can help you with your account today."):
        assert abs(value(metric, targets, [said] * len(targets))) < 0.002
    people = [target[min(1, len(target) - 1)] for target in targets]
    rest = [
        References([one for one in target if one != said] or target, key=target.key, cluster=target.cluster)
        for target, said in zip(targets, people, strict=True)
    ]
    assert value(metric, rest, people) > 0.1
