"""Models that are fitted on the training split: what they learn from, what they never see, and what is refused."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from small_data import built, reference_data
from tiny import TinyTask

from bench.engine.asking import asking
from bench.engine.teaching import digest, taught
from bench.errors import BenchError
from bench.ground import ground_of
from bench.metrics.reading import EXACT_MATCH
from bench.models.base import Device, Model
from bench.models.reference import Majority
from bench.models.tabular import Boosting, Logistic
from bench.run import evaluate
from bench.runs.settings import Settings
from bench.types import Choose, Column, Example, Prediction, Regress, Request, Row, Text

COLUMNS = (Column("x", "number"), Column("kind", "category"))
LABELS = ("no", "yes")


def row(key: str, x: float | None, kind: str | None) -> Request:
    return Request(key, (Text("Choose.", "system"), Row(f"{x} {kind}", "user", COLUMNS, (x, kind))), Choose(LABELS))


def lesson(n: int = 60) -> list[tuple[Request, Prediction]]:
    """yes where x is above 0.5 or the kind is b, and nothing else."""
    draw = random.Random(1)
    found = []
    for i in range(n):
        x, kind = draw.random(), draw.choice("abc")
        yes = x > 0.5 or kind == "b"
        found.append(
            (row(f"t{i}", x, kind), Prediction(f"t{i}", label_scores={"no": float(not yes), "yes": float(yes)}))
        )
    return found


def fitted(model: Model, given: Sequence[tuple[Request, Prediction]], seed: int = 0) -> Any:
    model.learn(given)
    model.load(Device(), seed=seed)
    return model


@pytest.mark.slow
@pytest.mark.parametrize("make", [Logistic, Boosting])
def test_a_rule_is_learned_with_probabilities_that_add_up_and_unseen_and_missing_values_are_no_fault(make: Any) -> None:
    model = fitted(make(), lesson(200))
    asked = [
        row("a", 0.9, "a"),
        row("b", 0.1, "b"),
        row("c", 0.1, "a"),
        row("d", None, "never seen"),
        row("e", 0.9, None),
    ]
    found = list(model.predict(asked))
    scores = [one.label_scores for one in found]
    assert [max(one, key=one.__getitem__) for one in scores[:3] if one] == ["yes", "yes", "no"]
    assert all(one is not None and sum(one.values()) == pytest.approx(1.0) for one in scores)
    assert model.describe()["fitted_on"] == 200


@pytest.mark.slow
@pytest.mark.parametrize("make", [Logistic, Boosting])
def test_the_same_lesson_and_seed_give_the_same_answers(make: Any) -> None:
    asked = [row("a", 0.4, "c")]
    first, second = (list(fitted(make(), lesson()).predict(asked)) for _ in range(2))
    assert first == second


def test_texts_are_learned_as_weighted_words_and_numbers_by_a_ridge() -> None:
    said = {"the money is lost": "no", "we gained a lot": "yes", "lost again": "no", "gained more": "yes"}
    pairs = [
        (
            Request(str(i), (Text(text),), Choose(LABELS)),
            Prediction(str(i), label_scores={x: float(x == label) for x in LABELS}),
        )
        for i, (text, label) in enumerate(said.items())
    ]
    (found,) = fitted(Logistic(), pairs).predict([Request("a", (Text("it gained"),), Choose(LABELS))])
    assert found.label_scores is not None
    assert found.label_scores["yes"] > 0.5
    output = Regress(("score",), (-1.0,), (1.0,))
    rated = [
        (Request(str(i), (Text(t),), output), Prediction(str(i), values={"score": v}))
        for i, (t, v) in enumerate((("good good", 1.0), ("bad", -1.0), ("good", 0.9)))
    ]
    (found,) = fitted(Logistic(), rated).predict([Request("a", (Text("good"),), output)])
    assert found.values is not None
    assert 0.0 < found.values["score"] <= 1.0


@pytest.mark.slow
def test_a_cut_that_is_cross_validated_stands_at_one_half_and_changes_no_order() -> None:
    given = [
        (one, said)
        for one, said in lesson(300)
        if said.label_scores and (said.label_scores["no"] or int(one.id[1:]) % 7 == 0)
    ]
    plain, moved = (fitted(Logistic(threshold=how), given) for how in ("half", "cross-validated"))
    asked = [row(str(i), i / 20, "ac"[i % 2]) for i in range(20)]
    chances = [
        [one.label_scores["yes"] for one in model.predict(asked) if one.label_scores] for model in (plain, moved)
    ]
    order = [sorted(range(20), key=one.__getitem__) for one in chances]
    assert order[0] == order[1]
    assert sum(one > 0.5 for one in chances[1]) > sum(one > 0.5 for one in chances[0])
    assert 0 < moved.describe()["threshold"] < 0.5


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "got none"),
        ([(one, Prediction(one.id, label_scores={"no": 1.0, "yes": 0.0})) for one, _ in lesson(9)], "has the label 'no' only"),
        ([*lesson(3), (Request("t", (Text("x"),), Choose(LABELS)), lesson(1)[0][1])], "rows of a table and texts"),
    ],
)  # fmt: skip
def test_what_cannot_be_learned_is_one_line(given: Any, said: str) -> None:
    with pytest.raises(BenchError, match=said):
        fitted(Logistic(), given)


@pytest.mark.parametrize(
    ("make", "said"), [(lambda: Logistic(c=0), "model.c=0"), (lambda: Boosting(threshold="low"), "half or cross")]
)
def test_a_wrong_setting_is_one_line(make: Any, said: str) -> None:
    with pytest.raises(BenchError, match=said):
        make()


class Taught(TinyTask):
    """Choices, of whose training split one example asks what an evaluated one asks."""

    output = Choose  # type: ignore[assignment]
    metrics = (replace(EXACT_MATCH, measure=lambda target, answer: (float(target == answer),)),)  # type: ignore[assignment]
    split: Sequence[tuple[str, str]] = (("up it goes", "yes"), ("down it goes", "no"), ("one", "yes"))

    def examples(self) -> Sequence[Example]:
        return [Example("a", {"text": "one"}, "yes", "a"), Example("b", {"text": "two"}, "no", "b")]

    def training(self) -> Sequence[Example]:
        return [Example(f"t{i}", {"text": text}, label, f"t{i}") for i, (text, label) in enumerate(self.split)]

    def request(self, example: Example) -> Request:
        return Request(example.id, (Text(example.inputs["text"]),), Choose(LABELS))

    def answer(self, prediction: Prediction) -> Any:
        return max(prediction.label_scores or {"": 0.0}, key=(prediction.label_scores or {"": 0.0}).__getitem__)

    def ideal(self, example: Example) -> Prediction:
        return Prediction(example.id, label_scores={x: float(x == example.target) for x in LABELS})


def test_what_is_evaluated_is_never_learned_and_the_lesson_is_part_of_the_identity(tmp_path: Path) -> None:
    task = Taught()
    found, left_out = taught(task, asking(task, None, 0, 0), "logistic")
    assert left_out == 1
    assert [request.id for request, _ in found] == ["t0", "t1"]
    ids = set()
    for split in (
        Taught.split,
        (*Taught.split, ("more", "no")),
        (("up it goes", "no"), *Taught.split[1:], ("it", "yes")),
    ):
        other = Taught()
        other.split = split
        ids.add(ground_of(other, Logistic(), "logistic", Device(), Settings(runs_dir=tmp_path)).identity.run_id)
    assert len(ids) == 3
    assert digest(found) != digest(found[:1])


def test_a_run_fits_in_a_phase_of_its_own_and_says_on_how_many(tmp_path: Path) -> None:
    run, _ = evaluate(Taught(), Logistic(), "logistic", Device(), Settings(runs_dir=tmp_path, resamples=10))
    assert run.timings["seconds"]["fit"] > 0
    assert "load" not in run.timings["seconds"]
    assert run.computed == {"fitted_on": 2, "left_out": 1}


@pytest.mark.slow
def test_a_fit_that_is_interrupted_or_breaks_leaves_no_answer_and_the_same_command_fits_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, at = evaluate(Taught(), Logistic(), "m", Device(), Settings(runs_dir=tmp_path / "whole", resamples=10))
    for error in (KeyboardInterrupt, BenchError):
        with monkeypatch.context() as patch:
            patch.setattr(Logistic, "_fit_labels", Mock(side_effect=error))
            with pytest.raises(error):
                evaluate(Taught(), Logistic(), "m", Device(), Settings(runs_dir=tmp_path, resamples=10))
    run, folder = evaluate(Taught(), Logistic(), "m", Device(), Settings(runs_dir=tmp_path, resamples=10))
    assert folder.path.name == at.path.name
    assert run.computed == whole.computed
    assert [one.label_scores for one in folder.predictions()] == [one.label_scores for one in at.predictions()]


@pytest.mark.slow
@pytest.mark.parametrize("make", [Logistic, Boosting])
def test_infinite_numbers_are_missing_ones_and_a_model_may_be_loaded_again(make: Any) -> None:
    inf = float("inf")
    model = fitted(make(), [*lesson(), (row("i", inf, "a"), lesson(1)[0][1]), (row("j", -inf, "b"), lesson(2)[1][1])])
    model.load(Device(), seed=0)
    infinite, missing, not_a_number = (
        one.label_scores
        for one in model.predict([row("a", inf, "c"), row("b", None, "c"), row("c", float("nan"), "c")])
    )
    assert infinite == missing == not_a_number


def test_a_task_without_training_split_is_refused_before_anything_runs(tmp_path: Path) -> None:
    task = Taught()
    for split, said in (((), "has none here"), ((("one", "yes"),), "all of it is evaluated, too")):
        task.split = split
        with pytest.raises(BenchError, match=said):
            evaluate(task, Logistic(), "logistic", Device(), Settings(runs_dir=tmp_path))
    assert not list(tmp_path.iterdir())


def test_the_majority_row_always_says_the_commonest_label_or_the_mean(tmp_path: Path) -> None:
    model = Majority()
    ideal = [Prediction(str(i), label_scores={"no": float(i < 3), "yes": float(i >= 3)}) for i in range(5)]
    model.reveal({one.id: one for one in ideal})
    (found,) = model.predict([row("a", 1.0, "a")])
    assert found.label_scores == {"no": 1.0, "yes": 0.0}
    model.reveal({str(v): Prediction(str(v), values={"s": v}) for v in (0.0, 0.5, 1.0)})
    (found,) = model.predict([Request("a", (Text("x"),), Regress(("s",), (-1.0,), (1.0,)))])
    assert found.values == {"s": 0.5}


ACCURACY = {"credit_german": 0.66, "fraud_card": 0.941373, "claims_travel": 0.985004}  # GOLDEN.json, majority_baseline


@pytest.mark.slow
@pytest.mark.parametrize("name", ACCURACY)
def test_the_majority_row_has_the_reference_figures(name: str, tmp_path: Path) -> None:
    task = built(name, reference_data())
    run, _ = evaluate(task, Majority(), "majority", Device(), Settings(runs_dir=tmp_path, resamples=10))
    values = {one.metric: one.value for one in run.scores}
    assert values["accuracy"] == pytest.approx(ACCURACY[name], abs=5e-5)
    assert values["mcc"] == 0.0


@pytest.mark.slow
def test_honest_baselines_beat_the_published_language_models_on_tables(tmp_path: Path) -> None:
    published = {"credit_german": -0.0673, "fraud_card": 0.0662}  # the best MCC of CALM's outputs that are here
    for name, best in published.items():
        for model in (Logistic(), Boosting()):
            run, _ = evaluate(
                built(name, reference_data()),
                model,
                type(model).__name__,
                Device(),
                Settings(runs_dir=tmp_path, resamples=10),
            )
            assert (run.scores[0].metric, run.scores[0].value > best + 0.2) == ("mcc", True)  # type: ignore[operator]
