"""Matthews' correlation, balanced accuracy, rankings by probability, fairness, RMSE, ROUGE and whole dialogues."""

from __future__ import annotations

import csv
import json
import math
import os
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.metrics.binary import (
    average_precision,
    balanced_accuracy,
    by_prediction,
    lift,
    macro_with_none,
    mcc,
    recall_at_false_alarms,
    roc_auc,
)
from bench.metrics.classification import averaged
from bench.metrics.dialogues import whole_dialogues
from bench.metrics.evaluate_module import value
from bench.metrics.fairness import fairness
from bench.metrics.label_figures import label_metrics
from bench.metrics.lens import of_key
from bench.metrics.metric import AnyMetric, Metric, RankedMetric
from bench.metrics.published import label_figures
from bench.metrics.regression import rmse, sign_f1
from bench.metrics.rouge import rouge
from bench.scoring.bounds import of_rows
from bench.stats.paired import difference

LABELS = ("good", "bad")
RANKINGS = (roc_auc, average_precision, recall_at_false_alarms, lift)
FINANCE = Path(os.environ.get("BENCH_DATA", "data")) / "finance"


def said(labels: Sequence[str]) -> list[dict[str, Any]]:
    return [{"label": label, "confidence": None} for label in labels]


def sure(chances: Sequence[float]) -> list[dict[str, Any]]:
    """Answers with this probability of "bad"."""
    return [{"label": "bad" if p > 0.5 else "good", "confidence": max(p, 1 - p)} for p in chances]


def test_matthews_is_the_correlation_of_the_four_cells() -> None:
    # right good 3, right bad 2, good called bad 1, bad called good 2: (3·2 - 1·2) / sqrt(5·3·4·4) = 4 / 15.4919
    targets = ["good"] * 4 + ["bad"] * 4
    answers = ["good"] * 3 + ["bad"] + ["bad"] * 2 + ["good"] * 2
    assert value(mcc(LABELS), targets, said(answers)) == pytest.approx(4 / math.sqrt(240))
    assert value(balanced_accuracy(LABELS), targets, said(answers)) == pytest.approx((0.75 + 0.5) / 2)


def test_who_says_one_label_always_has_no_correlation_and_half_the_recall() -> None:
    targets = ["good"] * 9 + ["bad"]
    assert value(mcc(LABELS), targets, said(["good"] * 10)) == 0.0
    assert value(balanced_accuracy(LABELS), targets, said(["good"] * 10)) == 0.5
    assert value(mcc(LABELS), targets, said(["perhaps"] * 10)) == 0.0


@pytest.mark.parametrize("seed", range(3))
def test_labels_agree_with_scikit_learn_an_answer_of_none_being_a_class(seed: int) -> None:
    from sklearn import metrics as theirs

    draw = np.random.default_rng(seed)
    names = ["a", "b", "c"]
    targets = [names[i] for i in draw.integers(0, 3, 60)]
    answers = [[*names, ""][i] for i in draw.integers(0, 4, 60)]
    assert value(mcc(names), targets, said(answers)) == pytest.approx(theirs.matthews_corrcoef(targets, answers))
    assert value(macro_with_none(names), targets, said(answers)) == pytest.approx(
        theirs.f1_score(targets, answers, average="macro", zero_division=0)
    )
    assert value(by_prediction(names), targets, said(answers)) == pytest.approx(
        theirs.f1_score(answers, targets, average="weighted", zero_division=0)
    )


@pytest.mark.parametrize("seed", range(4))
def test_rankings_agree_with_scikit_learn_also_with_ties_and_weights(seed: int) -> None:
    from sklearn import metrics as theirs

    draw = np.random.default_rng(seed)
    wanted = draw.random(80) < 0.3
    chances = np.round(np.clip(0.3 * wanted + 0.7 * draw.random(80), 0, 1), 1 + seed % 2)
    targets = ["bad" if one else "good" for one in wanted]
    answers = sure(chances.tolist())
    given = np.array([roc_auc("bad", LABELS).measure(t, a)[0] for t, a in zip(targets, answers, strict=True)])
    assert given == pytest.approx(chances)
    weights = np.stack([np.ones(80), draw.integers(0, 3, 80).astype(float)])
    rows = np.stack([given, wanted.astype(float)], axis=1)
    for row, weight in enumerate(weights):
        found = {make: make("bad", LABELS).summarise(rows, weights)[row] for make in RANKINGS}
        assert found[roc_auc] == pytest.approx(theirs.roc_auc_score(wanted, given, sample_weight=weight))
        assert found[average_precision] == pytest.approx(
            theirs.average_precision_score(wanted, given, sample_weight=weight)
        )
        alarms, recall, _ = theirs.roc_curve(wanted, given, sample_weight=weight, drop_intermediate=False)
        assert found[recall_at_false_alarms] == pytest.approx(recall[alarms <= 0.01 + 1e-9].max())


def test_lift_is_how_much_commoner_positives_are_in_the_top_tenth() -> None:
    targets = ["bad"] * 4 + ["good"] * 16
    first = sure([0.9, 0.8, 0.2, 0.2] + [0.3] * 16)
    assert value(lift("bad", LABELS), targets, first) == pytest.approx(5.0)  # two of the top two, 4 of 20 in all
    # The cut goes through the second place of ten that tie, one of them a positive: 1 + 1/10 of 2, over 4/20.
    tied = sure([0.9, 0.5, 0.2, 0.2] + [0.5] * 9 + [0.1] * 7)
    assert value(lift("bad", LABELS), targets, tied) == pytest.approx((1.1 / 2) / 0.2)


def test_rankings_are_absent_where_answers_give_labels_alone_and_have_an_end_for_an_answer_of_neither() -> None:
    for make in RANKINGS:
        metric = make("bad", LABELS)
        assert metric.absent(said(["bad"])) == "1 of 1 answers carry no confidence"
        assert metric.measure("bad", {"label": "", "confidence": 0.9}) == (0.0, 1.0)
        assert metric.measure("good", {"label": "", "confidence": 0.9}) == (1.0, 0.0)
        with pytest.raises(ValueError, match="must be one of two labels"):
            make("bad", ("bad", "good", "ugly"))


@pytest.mark.parametrize("make", RANKINGS)
def test_rankings_of_one_class_alone_are_undefined_whatever_is_answered(make: Any) -> None:
    for target, reason in (("bad", "all examples are 'bad'"), ("good", "no example is 'bad'")):
        for said_so in ([0.1, 0.5, 0.9], [0.5, 0.5, 0.5]):
            with pytest.raises(BenchError, match=f"undefined: {reason}, a ranking takes both labels"):
                value(make("bad", LABELS), [target] * 3, sure(said_so))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_fairness_agrees_with_fairlearn(seed: int) -> None:
    from fairlearn import metrics as theirs

    draw = np.random.default_rng(seed)
    groups = draw.choice(["young", "old", "older"], 90)
    wanted, given = draw.random(90) < 0.6, draw.random(90) < 0.5
    targets = [
        {"label": LABELS[1 - int(w)], "groups": {"age": str(g)}} for w, g in zip(wanted, groups, strict=True)
    ]  # good is favourable
    answers = said([LABELS[1 - int(one)] for one in given])
    found = {m.name: value(m, targets, answers) for m in fairness({"age": ("young", "old", "older")}, "good")}
    options: dict[str, Any] = {"sensitive_features": groups}
    assert found == pytest.approx({
        "selection_rate_difference_age": theirs.demographic_parity_difference(wanted, given, **options),
        "true_positive_rate_difference_age": theirs.true_positive_rate_difference(wanted, given, **options),
        "false_positive_rate_difference_age": theirs.false_positive_rate_difference(wanted, given, **options),
    })  # fmt: skip


def test_a_group_that_nobody_deserves_in_is_left_out_and_what_is_no_label_favours_nobody() -> None:
    targets = [{"label": "good", "groups": {"sex": "female"}}, {"label": "bad", "groups": {"sex": "male"}}]
    selected, true, false = fairness({"sex": ("female", "male")}, "good")
    answers = said(["", "good"])
    assert value(selected, targets, answers) == 1.0
    for one in (true, false):  # of which each speaks of one group only
        with pytest.raises(BenchError, match="a difference takes two groups"):
            value(one, targets, answers)
    with pytest.raises(ValueError, match="'other' is not one of female, male"):
        selected.measure({"label": "good", "groups": {"sex": "other"}}, answers[0])


def test_a_lens_reads_one_entry_of_the_target() -> None:
    metric = of_key(mcc(LABELS), "label")
    targets = [{"label": "good"}, {"label": "bad"}]
    assert value(metric, targets, said(["good", "bad"])) == 1.0
    assert list(metric.worst(targets[0])) == list(mcc(LABELS).worst("good"))


def test_a_number_is_off_by_the_root_of_its_mean_square_and_its_sign_is_a_label() -> None:
    targets = [{"score": 0.5}, {"score": -0.5}, {"score": 0.0}]
    answers = [{"score": 0.1}, {"score": -0.2}, {"score": 0.0}]
    assert value(rmse("score", -1, 1), targets, answers) == pytest.approx(math.sqrt((0.16 + 0.09) / 3))
    assert value(sign_f1("score"), targets, answers) == 1.0
    assert value(sign_f1("score"), targets, [{"score": 0.1}] * 3) == pytest.approx(0.5 / 3)
    assert rmse("score", -1, 1).higher_is_better is False


def test_rouge_stems_and_takes_the_lines_of_a_summary() -> None:
    assert value(rouge("rouge1"), ["sales rose"], ["sale rising"]) == pytest.approx(0.5)
    # two of three words, one of two pairs
    assert value(rouge("rouge1"), ["a b c"], ["a b d"]) == pytest.approx(2 / 3)
    assert value(rouge("rouge2"), ["a b c"], ["a b d"]) == pytest.approx(0.5)
    assert value(rouge("rougeLsum"), [["a b", "c d"]], [["c d", "a b"]]) == 1.0
    assert value(rouge("rougeL"), [["a b", "c d"]], [["c d", "a b"]]) == 0.5
    assert value(rouge("rouge1"), ["a"], [""]) == 0.0
    with pytest.raises(ValueError, match="rouge9 is not one of"):
        rouge("rouge9")


def test_a_dialogue_counts_where_all_its_turns_are_right() -> None:
    metric = whole_dialogues("dialogues", lambda target, answer: float(target["answer"] == answer))
    targets = [{"dialogue": d, "answer": 1} for d in ("a", "b", "a", "b", "c")]
    assert value(metric, targets, [1, 1, 1, 0, 1]) == pytest.approx(2 / 3)
    rows = np.array([metric.measure(t, a) for t, a in zip(targets, [1, 1, 1, 0, 1], strict=True)])
    drawn = np.array([[0, 2, 0, 2, 1], [1, 0, 1, 0, 0], [0, 0, 0, 0, 0]], dtype=float)
    assert metric.summarise(rows, drawn).tolist() == pytest.approx([1 / 3, 1.0, 0.0])
    assert metric.worst(targets[0])[1] == 0.0


@pytest.mark.parametrize("metric", [mcc(LABELS), *(make("bad", LABELS) for make in RANKINGS)])
def test_best_is_no_worse_than_worst(metric: AnyMetric) -> None:
    assert isinstance(metric, Metric | RankedMetric)
    targets = ["good", "bad", "good"]
    ends = []
    for rows in ([metric.worst(t) for t in targets], [metric.best(t) for t in targets]):
        array = np.array(rows, dtype=float)
        if isinstance(metric, RankedMetric):
            ends.append(float(metric.summarise(array, np.ones((1, 3)))[0]))
        else:
            ends.append(float(metric.summarise(array.sum(axis=0), np.array(3.0))))
    assert ends[0] < ends[1]


@pytest.mark.slow
@pytest.mark.skipif(not FINANCE.is_dir(), reason="BENCH_DATA holds no finance/")
def test_the_published_figures_of_complaints_come_out() -> None:
    golden = json.loads((FINANCE / "GOLDEN.json").read_text())
    with (FINANCE / "cfpb_complaints" / "dataset.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    labels = sorted({row["product"] for row in rows})
    for model, wanted in golden["cfpb_complaints"].items():
        given = [row[f"{model}_prediction"] for row in rows]
        _agree([row["product"] for row in rows], given, labels, wanted)


def _agree(targets: list[str], given: list[str], labels: Sequence[str], wanted: dict[str, float]) -> None:
    metrics = {
        "mcc": mcc(labels), "f1_macro_all_labels": macro_with_none(labels), "f1_weighted_by_prediction": by_prediction(labels),
        "f1_weighted": averaged("f1", labels, "weighted"), "precision_weighted": averaged("precision", labels, "weighted"),
        "f1_macro_gold_labels": averaged("f1", labels),
    }  # fmt: skip
    for name, metric in metrics.items():
        assert value(metric, targets, said(given)) == pytest.approx(wanted[name], abs=5e-5), name


@pytest.mark.parametrize("make", RANKINGS)
def test_draws_that_lost_a_class_have_no_value_and_their_interval_counts_them(make: Any) -> None:
    metric = make("bad", LABELS)
    targets, answers = ["bad"] + ["good"] * 9, sure([0.375, *(0.05 * i for i in range(9))])
    rows = np.array([metric.measure(t, a) for t, a in zip(targets, answers, strict=True)])
    none, all_of_it = np.array([0.0, *[1.0] * 9]), np.array([3.0, *[0.0] * 9])
    assert np.isnan(metric.summarise(rows, np.stack([none, all_of_it]))).all()
    found = of_rows(metric, rows, [str(i) for i in range(10)], resamples=500, seed=0)
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.high
    lost = re.fullmatch(r"bootstrap over 10 clusters, 500 resamples, (\d+) of them lost a class", found.note)
    assert lost
    assert 130 < int(lost[1]) < 230  # (1 - 1/10)^10 of 500 is 174
    lower = rows.copy()
    lower[0, 0] = 0.01
    changed = difference(metric, rows, lower, [str(i) for i in range(10)], resamples=500)
    assert changed.low is not None
    assert math.isfinite(changed.low)
    # Of one draw that lost it nothing is left.
    notes = [of_rows(metric, rows, list("abcdefghij"), resamples=1, seed=seed).note for seed in range(50)]
    assert "no interval: none of 1 resamples has a value" in notes


def test_the_interval_of_a_negative_correlation_is_not_cut_at_0() -> None:
    metric, draw = mcc(LABELS), np.random.default_rng(0)
    targets = ["good", "bad"] * 30
    answers = said(["bad" if (t == "good") ^ (draw.random() < 0.3) else "good" for t in targets])
    rows = np.array([metric.measure(t, a) for t, a in zip(targets, answers, strict=True)])
    clusters = [str(i) for i in range(60)]
    found, held = of_rows(metric, rows, clusters, resamples=100, seed=0), value(metric, targets, answers)
    assert held < -0.2
    assert found.low is not None
    assert found.high is not None
    assert -1.0 <= found.low < held < found.high
    best = np.array([metric.best(t) for t in targets])
    gained = difference(metric, rows, best, clusters, resamples=100)
    assert gained.high is not None
    assert gained.value == pytest.approx(1.0 - held)
    assert gained.high > 1.0


PRINTED = {"weighted_f1": "f1_weighted", "weighted_precision": "precision_weighted"}  # as papers call them


@pytest.mark.slow
@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["a", "b", "?"])), min_size=1, max_size=30)
)  # fmt: skip
def test_the_figures_of_labels_are_those_of_scikit_learn_and_stay_in_range(pairs: list[tuple[str, str]]) -> None:
    from sklearn import metrics as theirs

    targets, answers = [t for t, _ in pairs], [a for _, a in pairs]
    by_name = {m.name: value(m, targets, said(answers)) for m in label_metrics(("a", "b"))}
    found = {PRINTED.get(name, name): one for name, one in by_name.items()}
    found["unparsed"] *= len(pairs)
    options: dict[str, Any] = {"zero_division": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of what is 0/0
        wanted = {
            "accuracy": theirs.accuracy_score(targets, answers),
            "f1_weighted": theirs.f1_score(targets, answers, average="weighted", **options),
            "f1_macro_gold_labels": theirs.f1_score(
                targets, answers, average="macro", labels=sorted(set(targets)), **options
            ),
            "f1_macro_all_labels": theirs.f1_score(targets, answers, average="macro", **options),
            "f1_weighted_by_prediction": theirs.f1_score(answers, targets, average="weighted", **options),
            "mcc": theirs.matthews_corrcoef(targets, answers),
            "precision_weighted": theirs.precision_score(targets, answers, average="weighted", **options),
            "unparsed": answers.count("?"),
        }
    assert found == pytest.approx(wanted, abs=1e-9)


FOMC = ("dovish", "hawkish", "neutral")


@pytest.mark.skipif(not FINANCE.is_dir(), reason="BENCH_DATA holds no finance/")
@pytest.mark.parametrize(
    ("task", "model", "file", "labels", "pattern"),
    [
        ("fomc", "gpt4-5768", "fomc/predictions/gpt4-5768.jsonl", FOMC, r"^\s*(dovish|hawkish|neutral)"),
        ("fomc", "dolly-5768", "fomc/predictions/dolly-5768.jsonl", FOMC, r"^\s*(dovish|hawkish|neutral)"),
        ("ccfraud", "gpt4_100", "ccfraud/predictions/gpt4_100.jsonl", LABELS, r"\b(good|bad)\b"),
    ],
)
def test_the_published_figures_come_out_of_answers_of_which_some_are_none(
    task: str, model: str, file: str, labels: tuple[str, ...], pattern: str
) -> None:
    golden = json.loads((FINANCE / "GOLDEN.json").read_text())[task][model]
    answers = [json.loads(line) for line in (FINANCE / file).read_text().splitlines()]
    targets = [one["answer"] if "answer" in one else FOMC[one["label"]] for one in answers]
    read = [re.search(pattern, one["output"].lower()) for one in answers]
    found = label_figures(targets, [one[1] if one else "" for one in read], labels)
    assert {name: found[name] for name in golden} == pytest.approx(golden, abs=5e-5)
