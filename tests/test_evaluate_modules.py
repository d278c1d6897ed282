"""The metrics as modules of the `evaluate` library, such a module as a metric of a task, and the table of all metrics."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bench
from bench.config.build import task_class
from bench.errors import BenchError
from bench.metrics import bertscore, meteor
from bench.metrics.classification import ACCURACY, AURC, averaged
from bench.metrics.evaluate_module import value
from bench.metrics.metric import ModuleMetric
from bench.metrics.reading import TOKEN_F1
from bench.models.base import Device
from bench.run import evaluate as run_task
from bench.scoring.measure import score
from bench.types import Prediction

MODULES = Path(bench.__file__).parent / "metrics" / "modules"
NAMES = sorted(path.name for path in MODULES.iterdir() if (path / f"{path.name}.py").is_file())
ROOT = Path(__file__).parents[1]
LN2, LN3 = math.log(2), math.log(3)


@dataclass(frozen=True)
class Case:
    """What goes into a module's compute, and all that must come out."""

    module: str
    predictions: list[Any]
    references: list[Any]
    found: dict[str, float]
    options: dict[str, Any] = field(default_factory=dict)


def labelled(text: str) -> list[dict[str, Any]]:
    """ "0 5 up, 7 9 down" as spans."""
    parts = (span.split() for span in text.split(", "))
    return [{"start": int(start), "end": int(end), "label": label} for start, end, label in parts]


def related(text: str) -> list[dict[str, str]]:
    """ "T1 T2 AKA" as a list of that relation."""
    return [dict(zip(("root", "tag", "relation"), text.split(), strict=True))]


# Each sum stands in the comment above its case.
CASES = [
    # "12.4 mln" is one edit of 8 letters from "12.4 mn"; "no" is nothing like "yes": (0.875 + 0) / 2
    Case("anls", ["12.4 mln", "no"], [["dollars", "12.4 mn"], ["yes"]], {"anls": 0.4375}),
    # {cat, sat} of {cat, sat, down}: 2 · 2 / 5 = 0.8, not exact; "Paris." is
    Case("squad_reading", ["the cat sat", "Paris."], [["cat sat down"], ["paris"]], {"exact_match": 0.5, "f1": 0.9}),
    # 0.8 as above; no answer where there is none: 1; an answer where there is none: 0
    Case("squad_v2_reading", ["the cat sat", "", "x"], [["cat sat down"], [], []], {"exact_match": 1 / 3, "f1": 0.6}),
    # f1 0.8, 0, 1 as above. Best: nothing answered 2; first answered 2 + 0.8 at 0.1; third is empty; second - 1
    Case(
        "squad_v2",
        [{"text": "cat sat", "no_answer": 0.1}, {"text": "dog", "no_answer": 0.9}, {"text": "", "no_answer": 0.2}],
        [["the cat sat down"], [], []],
        {
            "f1": 0.6,
            "exact_match": 1 / 3,
            "HasAns_f1": 0.8,
            "HasAns_exact": 0.0,
            "NoAns_f1": 0.5,
            "NoAns_exact": 0.5,
            "best_f1": 2.8 / 3,
            "best_f1_thresh": 0.1,
            "best_exact": 2 / 3,
            "best_exact_thresh": 0.0,
        },
    ),
    # F1 of up 2·1/(1+2), flat 2·1/(2+1), down 0; weighted (2·2/3 + 2/3 + 0) / 4
    Case(
        "classification",
        ["up", "flat", "flat", "?"],
        ["up", "up", "flat", "down"],
        {"accuracy": 0.5, "macro_f1": 4 / 9, "weighted_f1": 0.5},
        {"labels": ["up", "flat", "down"]},
    ),
    # recall of up 1/2, flat 1/1, down 0/1; calm does not occur
    Case(
        "average_recall",
        ["up", "flat", "flat", "?"],
        ["up", "up", "flat", "down"],
        {"uar": 0.5},
        {"labels": ["up", "flat", "down", "calm"]},
    ),
    # up: right 2, given 2, wanted 2; down: right 0, given 0, wanted 2
    Case(
        "multi_label_f1",
        [["up"], ["up"], []],
        [["up"], ["down", "up"], ["down"]],
        {f"{average}_{score}": 0.5 for average in ("macro", "weighted") for score in ("f1", "precision", "recall")}
        | {"micro_f1": 2 / 3, "micro_precision": 1.0, "micro_recall": 0.5, "accuracy": 1 / 3},
        {"labels": ["up", "down"]},
    ),
    # |1 - 0.9| and |0 - 0.8| lie in two of the 15 bins; in one bin they are |0.1 - 0.8|
    Case(
        "calibration_error",
        [{"label": "up", "confidence": 0.9}, {"label": "up", "confidence": 0.8}],
        ["up", "down"],
        {"ece": 0.45},
    ),
    Case(
        "calibration_error",
        [{"label": "up", "confidence": 0.9}, {"label": "up", "confidence": 0.8}],
        ["up", "down"],
        {"ece": 0.35},
        {"bins": 1},
    ),
    # the surest one is right: risk 0; of both one is wrong: risk 1/2
    Case(
        "risk_coverage",
        [{"label": "up", "confidence": 0.8}, {"label": "up", "confidence": 0.9}],
        ["down", "up"],
        {"aurc": 0.25},
    ),
    # one of two found, nothing found wrongly
    Case("positive_class", ["1", "0", "0"], ["1", "1", "0"], {"f1": 2 / 3, "precision": 1.0, "recall": 0.5}),
    # words: (4/5 · 3/4 · 2/3 · 1/2)^(1/4); letters: mean of 4/5, 3/4, 2/3, 1/2 and 0/1
    Case(
        "chrf_bleu",
        ["a b c d e"],
        [["a b c d f"]],
        {"bleu": 0.2**0.25, "chrf": (4 / 5 + 3 / 4 + 2 / 3 + 1 / 2) / 5},
    ),
    # 5 of 9 words, 4 of 7 pairs; of the three 4-grams two are the same: ln 3 - 2/3 ln 2
    Case(
        "distinct",
        ["a b c d e", "a b c d"],
        [[], []],
        {"distinct_1": 5 / 9, "distinct_2": 4 / 7, "entropy_4": LN3 - 2 / 3 * LN2},
    ),
    # both words weigh log2 3, "the cat" log2 1; a reference 1.5 times as long halves it
    Case("nist", ["the cat"], [["the cat sat"]], {f"nist_{n}": math.log2(3) / 2 for n in (1, 2, 3, 4)}),
    # 2/4 words, 1/3 pairs, then 1/2 of 2 and 1/4 of 1
    Case(
        "bleu_mteval",
        ["the cat ran off"],
        [["The cat sat down"]],
        {"bleu_1": 0.5, "bleu_2": (1 / 6) ** (1 / 2), "bleu_3": (1 / 24) ** (1 / 3), "bleu_4": (1 / 96) ** (1 / 4)},
    ),
    # cleaning turns the address into one word, __url__, of which mteval makes five; without, it makes "x . y" of "x.y":
    # of the 2 and 4 words the reference shares but "go": 1/6 and 1/4
    Case("bleu_mteval", ["go http://x.y"], [["go a b c d e"]], {"bleu_1": 1 / 6}),
    Case("bleu_mteval", ["go x.y"], [["go a b c"]], {"bleu_1": 1 / 4}, {"clean": False}),
    # 1 of 2 words on both sides: mean 1/2; one piece of one word: penalty 0.6
    Case("meteor", ["a b"], [["a c"]], {"meteor": 0.5 * (1 - 0.6)}),
    # words a 2, b 1, c 1; pairs "a b" and "a c"
    Case(
        "dstc7_diversity",
        ["a b", "a c"],
        [[], []],
        {
            "entropy_1": 1.5 * LN2,
            "entropy_2": LN2,
            "entropy_3": 0.0,
            "entropy_4": 0.0,
            "div_1": 0.75,
            "div_2": 1.0,
            "avg_len": 2.0,
        },
    ),
    # "sat up" for "down": one word changed, one too many; "hello" is lost; five words
    Case(
        "wer",
        ["the cat SAT sat up", ""],
        ["The cat sat down", "hello"],
        {"wer": 0.6, "substitutions": 0.2, "deletions": 0.2, "insertions": 0.2, "reference_words": 5.0},
    ),
    # a number in another form; "net fee" for "fee" is 2/3, rounded
    Case(
        "tatqa",
        [{"answer": ["$1,452.4"], "scale": "million"}, {"answer": ["net fee"], "scale": ""}],
        [
            {"answer": ["1452.4"], "scale": "million", "type": "arithmetic"},
            {"answer": ["fee"], "scale": "", "type": "span"},
        ],
        {"f1": (1 + 0.67) / 2, "exact_match": 0.5, "scale": 1.0},
    ),
    # the same program; the same result on another way; none; greater than
    Case(
        "finqa",
        [
            ["subtract(", "12", "10", ")", "divide(", "#0", "10", ")", "EOF"],
            ["add(", "3", "5", ")", "EOF"],
            [],
            ["greater(", "5", "3", ")", "EOF"],
        ],
        [
            {"program": "subtract(12, 10), divide(#0, 10)", "result": "0.2", "table": []},
            {
                "program": "table_sum(cost, none)",
                "result": "8",
                "table": [["year", "2019", "2020"], ["cost", "3", "5"]],
            },
            {"program": "add(1, 1)", "result": "2", "table": []},
            {"program": "greater(5, 3)", "result": "yes", "table": []},
        ],
        {"execution_accuracy": 0.75, "program_accuracy": 0.5},
    ),
    # two right, one wrong, and one reference that is no number
    Case(
        "numeric_match",
        ["about $1.5 million", "65.4", "4", "1"],
        [
            {"text": "1.5", "factor": 1e6},
            {"text": "65.4%", "factor": None},
            {"text": "3", "factor": None},
            {"text": "the bank", "factor": None},
        ],
        {"numeric_match": 2 / 3},
    ),
    # both spans found, one with the right label
    Case(
        "labelled_spans",
        [labelled("0 5 up, 7 9 down"), []],
        [labelled("0 5 up, 7 9 up"), []],
        {"f1": 0.5, "span_f1": 1.0, "label_accuracy": 0.5},
        {"labels": ["up", "down"]},
    ),
    # as one set AKA is found, Refers-To not wanted: (1 + 0) / 2; apart AKA is 2·1/(1+2)
    Case(
        "relations_f1",
        [related("T1 T2 AKA"), related("T1 T3 Refers-To")],
        [related("T1 T2 AKA"), related("T1 T2 AKA")],
        {"macro_f1": 0.5, "macro_f1_by_example": 1 / 3, "micro_f1_by_example": 0.5},
        {"labels": ["AKA", "Refers-To"]},
    ),
    # B found, I not: (1 + 0) / 2 and 2·1/(1+2)
    Case(
        "tags_f1",
        [["B-Term", "O", "O"]],
        [["B-Term", "I-Term", "O"]],
        {"macro_f1": 0.5, "micro_f1": 2 / 3},
        {"labels": ["B-Term", "I-Term"]},
    ),
    # var t = var p = 2/3, cov = 1/3, means equal: (2/3) / (4/3)
    Case("ccc", [-1.0, 1.0, 0.0], [-1.0, 0.0, 1.0], {"ccc": 0.5}),
    # as above: (1/3) / (2/3), and (0 + 1 + 1) / 3
    Case("pearson_mse", [-1.0, 1.0, 0.0], [-1.0, 0.0, 1.0], {"pearson": 0.5, "mse": 2 / 3}),
    # 0.5 as above, and 1 where both are the same
    Case(
        "ccc_per_video",
        [-1.0, 1.0, 0.0, 0.3, 0.6],
        [{"value": number, "video": 0} for number in (-1.0, 0.0, 1.0)]
        + [{"value": 0.3, "video": 1}, {"value": 0.6, "video": 1}],
        {"ccc_per_video": 0.75},
    ),
    # good 1 right of 2 given and 2 wanted, bad 1 of 1 and 2, one answer of neither: (2·4 - 2·2 - 1·2) / sqrt((16 - 6)(16 - 8))
    Case(
        "label_figures",
        ["good", "bad", "good", "?"],
        ["good", "bad", "bad", "good"],
        {
            "mcc": 2 / math.sqrt(80),
            "accuracy": 1 / 2,
            "balanced_accuracy": 1 / 2,
            "weighted_f1": (2 * 1 / 2 + 2 * 2 / 3) / 4,
            "weighted_precision": (2 * 1 / 2 + 2 * 1) / 4,
            "f1_macro_gold_labels": (1 / 2 + 2 / 3) / 2,
            "f1_macro_all_labels": (1 / 2 + 2 / 3 + 0) / 3,
            "f1_weighted_by_prediction": (2 * 1 / 2 + 1 * 2 / 3 + 1 * 0) / 4,
            "unparsed": 1 / 4,
        },
        {"labels": ["good", "bad"]},
    ),
    # P(bad) .9, .6, .4, .1 of bad, good, bad, good: 3 of 4 pairs; 1/2 · 1 + 1/2 · 2/3; the first alone; of .4 examples all are bad
    Case(
        "binary_ranking",
        [
            {"label": label, "confidence": sure}
            for label, sure in (("bad", 0.9), ("bad", 0.6), ("good", 0.6), ("good", 0.9))
        ],
        ["bad", "good", "bad", "good"],
        {"roc_auc": 0.75, "average_precision": 5 / 6, "recall_at_1_percent_false_alarms": 0.5, "lift_10": 2.0},
        {"labels": ["good", "bad"], "positive": "bad"},
    ),
    # chosen 1/2 of a and 2/2 of b; of those who deserve it all; of the others 0/1 and 1/1
    Case(
        "group_fairness",
        ["good", "bad", "good", "good"],
        [
            {"label": label, "group": group}
            for label, group in (("good", "a"), ("bad", "a"), ("bad", "b"), ("good", "b"))
        ],
        {
            "selection_rate_difference_group": 0.5,
            "true_positive_rate_difference_group": 0.0,
            "false_positive_rate_difference_group": 1.0,
        },
        {"groups": ["a", "b"], "favourable": "good"},
    ),
    # off by .4 and 0; both signs are right
    Case("rmse", [0.1, -0.5], [0.5, -0.5], {"rmse": math.sqrt(0.16 / 2), "sign_f1": 1.0}),
    # all words; ab and cd of the pairs ab, bc, cd and cd, da, ab; ab or cd in one go; line by line both
    Case(
        "rouge_stemmed",
        [["c d", "a b"]],
        [["a b", "c d"]],
        {"rouge1": 1.0, "rouge2": 2 / 3, "rougeL": 0.5, "rougeLsum": 1.0},
    ),
    # 1.2 billion is there, 7 % is not
    Case(
        "numbers_in_source",
        [["sales $1.2 bn, up 7%"], ["none"]],
        [["revenue of 1,200,000,000"], ["7"]],
        {"numbers_in_source": 0.5},
    ),
    # 4 words and 3 pairs of the gold's 4 and 3, beside 6 and 5: 2 · 4 / 10, 2 · 3 / 8; 5 is there, 7 is not
    Case(
        "ectsum",
        [["q2 sales $5 million.", "up 7%."]],
        [{"summary": ["q2 sales $5 million."], "source": ["sales were $5 million, up 3%"]}],
        {
            "rouge1": 0.8,
            "rouge2": 0.75,
            "rougeL": 0.8,
            "rougeLsum": 0.8,
            "rougeL_as_published": 2 * (2 / 3) ** (1 / 1.2) / ((2 / 3) ** (1 / 1.2) + 1),
            "numbers_in_source": 0.5,
            "num_precision": 0.5,
            **{f"{name}_goldlength": 1.0 for name in ("rouge1", "rouge2", "rougeL_as_published", "num_precision")},
        },
    ),
    # two words are unit vectors of their own (see `told_by_an_encoder`): a b of a c have one in common
    Case("bertscore_local", ["a b", "a"], ["a c", "a"], {"bertscore": 0.75}),
    # the first dialogue has a wrong turn
    Case(
        "whole_dialogues",
        ["a", "b", "c"],
        [{"dialogue": key, "answer": gold} for key, gold in (("d1", "a"), ("d1", "x"), ("d2", "c"))],
        {"whole_dialogues": 0.5},
    ),
]
ONE_OF_TWO_WORDS = "2 2 0 0 1 1 0 0" + " 0" * 12 + " 1 1 1"  # as METEOR's program tells it


@pytest.fixture(scope="module")
def caches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """`evaluate` copies modules and writes tables here only, and forgets them afterwards."""
    import evaluate

    folder = tmp_path_factory.mktemp("evaluate")
    path, modules = list(sys.path), set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("modules", "metrics", "evaluate"):
            patch.setattr(evaluate.config, f"HF_{name.upper()}_CACHE", folder / name)
        patch.setattr(evaluate.config, "DOWNLOADED_EVALUATE_PATH", folder / "downloads")
        yield folder
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if name.startswith("evaluate_modules"):
            del sys.modules[name]


@pytest.fixture(scope="module")
def load(caches: Path) -> Callable[..., Any]:
    """Loads one of our modules by its path."""
    import evaluate

    return lambda name, **options: evaluate.load(str(MODULES / name), **options)


@pytest.fixture(autouse=True)
def told_by_meteor(monkeypatch: pytest.MonkeyPatch) -> None:
    """METEOR's answer without its program."""
    monkeypatch.setattr(meteor, "_segment", lambda references, answer: ONE_OF_TWO_WORDS)


@pytest.fixture(autouse=True)
def told_by_an_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """BERTScore's vectors without a model: each letter is a direction of its own, and so are the marks around a text."""

    def vectors(text: str) -> Any:
        return np.eye(27)[[26, *(ord(letter) - ord("a") for letter in text.split()), 26]]

    monkeypatch.setattr(bertscore, "encoder", lambda source, layer: vectors)


# --- the modules -----------------------------------------------------------------------------------------------------


def test_every_folder_is_a_module_and_has_a_case() -> None:
    folders = {path.name for path in MODULES.iterdir() if path.name != "__pycache__"}
    assert set(NAMES) == folders == {case.module for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.module)
def test_a_module_gives_the_value_worked_by_hand(case: Case, load: Callable[..., Any]) -> None:
    found = load(case.module).compute(predictions=case.predictions, references=case.references, **case.options)
    assert {name: found[name] for name in case.found} == pytest.approx(case.found, abs=1e-9)
    if case.module != "bleu_mteval":  # of which two cases look at one order only
        assert set(found) == set(case.found)


def test_a_module_gives_the_number_of_the_metric_in_the_harness(load: Callable[..., Any]) -> None:
    labels, golds, given = ["up", "flat", "down"], ["up", "up", "flat", "down"], ["up", "flat", "flat", "up"]
    answers = [{"label": label, "confidence": 0.1 * i} for i, label in enumerate(given)]
    found = load("classification").compute(predictions=given, references=golds, labels=labels)
    for metric in (ACCURACY, averaged("f1", labels), averaged("f1", labels, "weighted")):
        assert found[metric.name] == value(metric, golds, answers)
    assert load("risk_coverage").compute(predictions=answers, references=golds) == {"aurc": value(AURC, golds, answers)}


def test_a_module_takes_predictions_one_by_one(load: Callable[..., Any]) -> None:
    found = load("squad_reading")
    found.add(prediction="the cat sat", reference=["cat sat down"])
    found.add_batch(predictions=["Paris."], references=[["paris"]])
    assert found.compute() == pytest.approx({"exact_match": 0.5, "f1": 0.9})


@pytest.mark.parametrize(
    ("names", "sample"),
    [
        (["anls", "squad_reading", "squad_v2_reading", "chrf_bleu", "distinct"], "anls"),
        (["nist", "bleu_mteval", "meteor", "dstc7_diversity"], "nist"),
        (["classification", "average_recall"], "classification"),
        (["risk_coverage", "calibration_error"], "risk_coverage"),
        (["ccc", "pearson_mse"], "ccc"),
    ],
    ids=lambda part: "" if isinstance(part, str) else " ".join(part),
)
def test_modules_that_take_the_same_are_combined(names: list[str], sample: str, load: Callable[..., Any]) -> None:
    import evaluate

    case = next(case for case in CASES if case.module == sample)
    given = {"predictions": case.predictions, "references": case.references} | case.options
    found = evaluate.combine([load(name) for name in names]).compute(**given)
    single = {name: load(name).compute(**given) for name in names}
    keys = [key for values in single.values() for key in values]
    expected = {
        key if keys.count(key) == 1 else f"{name}_{key}": number
        for name, values in single.items()
        for key, number in values.items()
    }
    assert found == expected
    assert len(found) == len(keys)


def test_nothing_is_written_but_into_the_caches(
    load: Callable[..., Any], caches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    load("anls").compute(predictions=["a"], references=[["a"]])
    assert not list(tmp_path.iterdir())
    assert (caches / "modules").is_dir()


@pytest.mark.parametrize(
    ("name", "references", "options", "message"),
    [
        ("anls", ["a"], {}, "expected a list instead"),
        ("anls", [["a"]], {"threshold": 0.3}, "unexpected keyword argument 'threshold'"),
        ("classification", ["a"], {}, "missing a required argument: 'labels'"),
        ("classification", ["a"], {"labels": "abc"}, "list of all the labels, got the string 'abc'"),
        ("classification", ["a"], {"labels": ["b"]}, "target 'a' is not one of the 1 labels"),
        ("positive_class", ["a"], {}, "expected '0' or '1'"),
    ],
)
def test_what_a_module_cannot_take_is_refused(
    name: str, references: list[Any], options: dict[str, Any], message: str, load: Callable[..., Any]
) -> None:
    # In memory: a computation that fails leaves its file locked, for which the next one would wait a second.
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        load(name, keep_in_memory=True).compute(predictions=["a"], references=references, **options)


def test_no_predictions_are_refused(load: Callable[..., Any]) -> None:
    with pytest.raises(BenchError, match="there are no predictions"):
        load("anls", keep_in_memory=True).compute(predictions=[], references=[])


@pytest.mark.parametrize("name", ["calibration_error", "risk_coverage"])
def test_a_module_says_that_confidences_are_missing(name: str, load: Callable[..., Any]) -> None:
    given = [{"label": "up", "confidence": 0.5}, {"label": "up", "confidence": None}]
    with pytest.raises(BenchError, match="absent: 1 of 2 answers carry no confidence"):
        load(name, keep_in_memory=True).compute(predictions=given, references=["up", "up"])


def test_squad_v2_says_that_probabilities_are_missing(load: Callable[..., Any]) -> None:
    with pytest.raises(BenchError, match="no probabilities of no answer"):
        load("squad_v2", keep_in_memory=True).compute(
            predictions=[{"text": "a", "no_answer": None}], references=[["a"]]
        )


def test_meteor_says_what_it_needs(load: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(references: Any, answer: str) -> str:
        raise BenchError("METEOR needs Java")

    monkeypatch.setattr(meteor, "_segment", missing)
    with pytest.raises(BenchError, match="metric 'meteor' is absent: METEOR needs Java"):
        load("meteor", keep_in_memory=True).compute(predictions=["a"], references=[["a"]])


# --- a module as a metric of a task ----------------------------------------------------------------------------------


def task_with(tiny_task: Callable[..., Any], module: str, **changes: Any) -> Any:
    """The tiny task with its token F1 and with that of a module."""
    task = tiny_task(4)
    task.metrics = (TOKEN_F1, ModuleMetric("outside_f1", module, "f1", **changes))
    return task


def answers(*texts: str | None) -> list[Prediction]:
    return [
        Prediction(f"t{i}", error="broke" if text is None else None, text=text or None) for i, text in enumerate(texts)
    ]


def test_a_tasks_module_is_loaded_when_it_is_scored_and_not_before(
    tiny_task: Any, echo_model: Any, quick_settings: Any, caches: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import evaluate

    model, found = echo_model(), []

    def loaded(path: str, *more: Any, real: Any = evaluate.load, **options: Any) -> Any:
        found.append((path, len(model.calls)))
        return real(path, *more, **options)

    monkeypatch.setattr(evaluate, "load", loaded)
    path = str(MODULES / "squad_reading")
    task = task_with(tiny_task, path)
    assert found == []
    run, _ = run_task(task, model, "echo", Device("cpu", "float32"), quick_settings())
    assert found == [(path, 2)]  # once, after both batches
    assert run.scores[1].value == run.scores[0].value


def test_a_tasks_module_gives_its_value_without_an_interval(tiny_task: Any, caches: Path) -> None:
    path = str(MODULES / "squad_reading")
    task = task_with(tiny_task, path)
    ours, theirs = score(task, task.examples(), answers("word0", "no word1", "x", "x"), resamples=10, seed=0)
    assert (ours.value, theirs.value) == (pytest.approx((1 + 2 / 3) / 4), pytest.approx((1 + 2 / 3) / 4))
    assert (theirs.metric, theirs.low, theirs.high, theirs.n, theirs.n_failed) == ("outside_f1", None, None, 4, 0)
    assert path in theirs.note


def test_a_failed_example_counts_with_what_the_metric_names(tiny_task: Any, caches: Path) -> None:
    path = str(MODULES / "squad_reading")
    predictions = answers("word0", None, "x", "x")
    for failed, expected in (("", 1 / 4), ("word1", 2 / 4)):
        task = task_with(tiny_task, path, failed=failed)
        found = score(task, task.examples(), predictions, resamples=10, seed=0)[1]
        assert (found.value, found.n, found.n_failed) == (pytest.approx(expected), 4, 1)


def test_answers_and_targets_are_turned_into_what_the_module_takes(tiny_task: Any, caches: Path) -> None:
    task = task_with(
        tiny_task, str(MODULES / "squad_reading"), prediction=lambda answer: answer[::-1], reference=lambda _: ["ab"]
    )
    found = score(task, task.examples(), answers("ba", "ba", "ba", "ab"), resamples=10, seed=0)[1]
    assert found.value == 0.75


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (None, "find a module script"),
        ("raise OSError('no such thing')\n", "no such thing"),
        ("from bench.metrics.evaluate_module import module\nM = module(__name__, [], 'none')\n", "f1"),
    ],
    ids=["not there", "broken", "without the key"],
)
def test_a_module_that_cannot_be_had_leaves_all_else_as_it_is(
    source: str | None, reason: str, tiny_task: Any, echo_model: Any, quick_settings: Any, caches: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "outside"
    if source is not None:
        folder.mkdir()
        (folder / "outside.py").write_text(source)
    task = task_with(tiny_task, str(folder))
    run, kept = run_task(task, echo_model(), "echo", Device("cpu", "float32"), quick_settings())
    ours, theirs = run.scores
    assert (ours.value, theirs.value, theirs.low) == (0.0, None, None)
    assert theirs.note.startswith(f"absent: evaluate module {str(folder)!r}: ")
    assert reason in theirs.note
    assert kept.complete
    assert len(list(kept.predictions())) == 4


@pytest.mark.parametrize("name", ["f1", "stranger/f1", "./f1", "bench/metrics/modules/anls", "~/f1", "f1/f1.py", ""])
def test_a_module_that_is_a_name_or_depends_on_the_folder_is_not_run(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("f1", "stranger/f1"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "f1.py").write_text("import os\nos.mkdir('ran')\n")
    with pytest.raises(BenchError, match=r"a module is code, so give the absolute path"):
        value(ModuleMetric("f1", name, "f1"), [["a"]], ["a"])
    assert not (tmp_path / "ran").exists()


def test_a_module_metric_that_is_absent_is_not_loaded(tiny_task: Any) -> None:
    metric = ModuleMetric("outside_f1", "nowhere", "f1", absent=lambda answers: "it is Sunday")
    with pytest.raises(BenchError, match="metric 'outside_f1' is absent: it is Sunday"):
        value(metric, [["a"]], ["a"])


# --- the table of all metrics ----------------------------------------------------------------------------------------


def table() -> list[list[str]]:
    """The rows of docs/metrics.md: cells of metric, meaning, range, source, module, tasks."""
    lines = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8").splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def metrics_of_tasks() -> list[tuple[str, str]]:
    """(task, metric) of each conf/task; a task that is scored from entries has no metrics."""
    found = []
    for path in (ROOT / "conf" / "task").glob("*.yaml"):
        metrics = getattr(task_class(path.stem), "metrics", ())
        found += [(path.stem, metric.name) for metric in metrics]
    return found


def test_every_row_of_the_table_has_its_six_cells() -> None:
    assert table()
    assert [row for row in table() if len(row) != 6 or not all(row)] == []


def test_every_metric_of_every_task_stands_in_the_table_and_no_other() -> None:
    listed = [(task, metric) for row in table() for metric in quoted(row[0]) for task in quoted(row[5])]
    assert sorted(listed) == sorted(metrics_of_tasks())


def test_every_module_stands_in_the_table_and_no_other() -> None:
    assert {name for row in table() for name in quoted(row[4])} == set(NAMES)
