"""Rows that try to win without answering: what they say, and that no task lets one of them win."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from small_data import NAMES, built, reference_data

from bench.config.build import task_class
from bench.engine import feed
from bench.errors import BenchError
from bench.models.cheat import PADDING, STRATEGIES, Cheat
from bench.types import Audio, Choose, Generate, Prediction, Regress, Request, Tag, Text

TEXT = "Ann Lee of Acme Ltd paid 1,200 dollars in 2019."
ASKED = Request("q", (Text("Be brief.", "system"), Text(TEXT)), Generate(8))
CHOICE = Request("c", (Text(TEXT),), Choose(("up", "down", "flat")))
SCALE = Request("s", (Text(TEXT),), Regress(("valence",), (-1.0,), (1.0,)))


@pytest.mark.parametrize(
    ("strategy", "text"),
    [
        ("empty", ""),
        ("padded_end", "x" + " " * PADDING),
        ("all_numbers", "1,200, 2019"),
        ("echo", TEXT),
        ("alternatives", "Ann Lee of Acme Ltd or 1,200 or 2019"),
        ("all_labels", TEXT),
    ],
)
def test_a_strategy_says_what_its_name_says(strategy: str, text: str) -> None:
    assert Cheat(strategy).one(ASKED) == Prediction("q", text=text)


def test_every_strategy_answers_what_it_takes_and_a_recording_too() -> None:
    heard = Request("h", (Audio("a.wav"),), Generate(8))
    tagged = Request("t", (Text(TEXT),), Tag(8, pieces=tuple(TEXT), labels=("Positive", "Negative")))
    for strategy in STRATEGIES[:-1]:
        cheat = Cheat(strategy)
        fitting = [one for one in (ASKED, CHOICE, SCALE, heard, tagged) if isinstance(one.output, cheat.outputs)]
        assert fitting, strategy
        for request in fitting:
            (answer,) = feed.answer(cheat, [request], strategy)
            assert (answer.id, answer.error) == (request.id, None), strategy


def test_all_labels_and_extremes_are_given_as_scores_and_values() -> None:
    assert Cheat("all_labels").one(CHOICE).label_scores == {"up": 1.0, "down": 1.0, "flat": 1.0}
    assert Cheat("high").one(CHOICE).label_scores == {"up": 0.0, "down": 0.0, "flat": 1.0}
    assert Cheat("low").one(SCALE).values == {"valence": -1.0}
    assert Cheat("extremes").one(SCALE).values in ({"valence": -1.0}, {"valence": 1.0})


def test_the_majority_is_the_most_frequent_target_the_mean_of_numbers_and_nothing_where_none_comes_twice() -> None:
    def usual(*ideal: Prediction) -> Prediction:
        cheat = Cheat("majority")
        cheat.reveal({str(i): one for i, one in enumerate(ideal)})
        return cheat.one(ASKED)

    assert usual(*(Prediction("", text=text) for text in "abb")) == Prediction("q", text="b")
    assert usual(*(Prediction("", values={"v": value}) for value in (0.0, 1.0))).values == {"v": 0.5}
    assert usual(*(Prediction("", text=text) for text in "abc")) == Prediction("q", text="")
    cheat = Cheat("majority")
    cheat.reveal(
        {
            name: Prediction("", label_scores={x: float(x == name) for x in ("up", "down", "flat")})
            for name in ("up", "down")
        }
    )
    assert cheat.one(CHOICE) == Prediction("c", label_scores={"up": 0.0, "down": 0.0, "flat": 0.0})


def test_an_unknown_strategy_is_refused_with_those_there_are() -> None:
    with pytest.raises(BenchError, match="'none' is not one of empty, padded_end"):
        Cheat("none")


@pytest.mark.slow
def test_each_strategy_is_a_row_of_its_own_and_none_is_ranked(bench_main: Callable[..., Any]) -> None:
    asked = ["task=finmm_qa", "model=cheat", "model.strategy=empty,echo", "limit=4", "resamples=20", "runs_dir=runs"]
    assert bench_main("run", "-m", *asked)[0] == 0
    code, out, _ = bench_main("board", "finmm_qa")
    rows = [line for line in out if "cheat-" in line]
    assert (code, len(rows)) == (0, 2)
    assert all("ref" in row for row in rows)


@pytest.fixture(scope="module")
def gaming(script: Callable[[str], Any]) -> Any:
    """The script of docs/gaming.md."""
    return script("gaming")


_SHAPES = {"one": "high", "labels": "all_labels", "every label": "all_labels"}  # that give what a strategy gives


def _strategy(name: str) -> str:
    strategy, _, shape = name.partition("(")
    return strategy.strip() or _SHAPES.get(shape.rstrip(")"), shape.rstrip(")"))


def _winners(gaming: Any, name: str, limit: int) -> set[str]:
    """The strategies that beat the plain rows."""
    game = gaming.Game(built(name, reference_data()), limit)
    plain = game.plain()
    doors = (game.by_model, game.by_file, game.by_journal)
    return {_strategy(who) for door in doors for who, score in door() if gaming.wins(score, plain)}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [name for name in NAMES if name not in ("chitchat", "omg_emotion", "sroie", "funsd")]
)  # no data of theirs are here
def test_no_strategy_wins_on_the_reference_data_but_those_that_the_card_names(gaming: Any, name: str) -> None:
    given = set(built(name, reference_data()).card.gives_away)
    assert _winners(gaming, name, 100 if given else 50) <= given  # fewer may be won by chance, where something is near


GIVING = ("deft_relations", "deft_sentence", "earnings21", "ectsum", "finmm_ocr", "goemotions", "phrasebank")


def test_the_cards_that_name_what_is_given_away_are_tried() -> None:
    assert {name for name in NAMES if task_class(name).card.gives_away} == set(GIVING)


@pytest.mark.slow
@pytest.mark.parametrize("name", GIVING)
def test_a_card_says_what_the_whole_split_gives_away(gaming: Any, name: str) -> None:
    task = built(name, reference_data())
    game = gaming.Game(task, None)
    found = {strategy: game.of(strategy).value for strategy in task.card.gives_away}
    assert found == pytest.approx(dict(task.card.gives_away), abs=5e-4)
