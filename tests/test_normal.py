"""Text as it is scored: what cannot be seen counts for nothing, and adding to a wrong answer never makes it better."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import LCSseq
from small_data import NAMES, shipped, without_meteor, write

from bench.metrics import meteor
from bench.metrics.metric import Metric, RankedMetric, fitted
from bench.metrics.reading import anls
from bench.metrics.speech import WER
from bench.runs.settings import Settings
from bench.scoring.measure import score
from bench.scoring.source import scorer_of
from bench.submissions.reading import evaluate
from bench.task import Task
from bench.text import normal
from bench.text.normal import normalised, scored
from bench.types import Example, Prediction, Regress

Main = Callable[..., tuple[int, list[str], list[str]]]
BLANKS = (
    " ", "\n", "\t", "\u2003", "\u3000", "\u00a0", "\u0085", "\u3164", "\u2800", "\u180e", "\u2028", "\u2029", "\u1680",
    "\x0b", "\x0c", "\x1c", "\u115f", "\uffa0", "\u202f", "\u205f", "\u2000",
)  # fmt: skip
UNSEEN = (
    "\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u202e", "\u2066", "\u200e", "\ufe0f", "\ufe00", "\U000e0100",
    "\U000e0041", "\U000e007f", "\x00", "\x07", "\x1b", "\x7f", "\x9b", "\u034f", "\u061c", "\u2063", "\u17b4", "\u180b",
    "\U0001d173", "\ufff9", "\ud800", "\uffff", "\u2065",
)  # fmt: skip


@pytest.mark.parametrize("sign", BLANKS)
def test_white_space_of_any_kind_is_one_blank_and_none_at_the_ends(sign: str) -> None:
    assert normalised(f"{sign * 3}a{sign * 2000}b{sign}") == "a b"


@pytest.mark.parametrize("sign", UNSEEN)
def test_what_cannot_be_seen_is_taken_out(sign: str) -> None:
    assert normalised(f"{sign}12{sign * 2000}.5{sign}") == "12.5"


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("１２．５０ ＵＳＤ", "12.50 USD"), ("ﬁrst", "first"), ("wait…", "wait..."), ("e\u0301", "é"), ("－5", "-5"), ("𝟏𝟐", "12"),
        ("Ⅳ", "IV"), ("㎏", "kg"), ("10²", "10²"), ("3½", "3½"), ("note①", "note①"), ("5⒈", "5⒈"), ("H₂O", "H₂O"), ("™", "TM"),
        ("", ""), ("\u200b", ""),
    ],
)  # fmt: skip
def test_compatible_signs_are_what_they_stand_for_but_none_turns_into_a_digit(text: str, same: str) -> None:
    assert normalised(text) == same


def test_letters_that_look_alike_stay_different() -> None:
    assert normalised("b\u0430nk") != normalised("bank")  # a Cyrillic a


@pytest.mark.slow
@given(st.text(st.characters(), max_size=40))
def test_what_is_normalised_stays_as_it_is(text: str) -> None:
    once = normalised(text)
    assert normalised(once) == once
    assert once == " ".join(once.split())


@pytest.mark.slow
def test_many_marks_on_one_letter_are_few_and_cost_no_time() -> None:
    start = time.perf_counter()
    assert len(normalised("x" + "\u0301\u0316" * 500_000)) <= 31
    assert len(normalised("x" + "\u0344" * 1000)) <= 31  # one sign that stands for two marks
    assert time.perf_counter() - start < 20


def test_every_text_of_an_answer_is_normalised_and_one_without_any_is_the_same_object() -> None:
    answer = {"answer": ["１２ ", 7, None, True], "scale": ""}
    assert scored(answer) == {"answer": ["12", 7, None, True], "scale": ""}
    plain = {"answer": ["12", 7.5], "inner": ({"a": "b"},)}
    assert scored(plain) is plain


@pytest.mark.slow
def test_the_rule_is_part_of_what_made_a_score(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = shipped("squad_v1", folder)
    before = scorer_of(task)["answer"]
    monkeypatch.setattr(type(task), "normalises", False)
    assert scorer_of(task)["answer"] != before


# ---- what is added to an answer


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory of small files."""
    return write(tmp_path_factory.mktemp("data"))


PADDED: dict[str, Callable[[str], str]] = {
    "unseen signs at the end": lambda text: text + "".join((*BLANKS, *UNSEEN)) * 5,
    "unseen signs before": lambda text: "".join((*BLANKS, *UNSEEN)) * 5 + text,
    "unseen signs between": lambda text: "".join(UNSEEN).join(text),
    "blanks within": lambda text: f"{text[:1]}{' ' * 2000}{text[1:]}",
    "wide blanks within": lambda text: f"{text[:1]}{chr(0x2003) * 2000}{text[1:]}",
    "accents": lambda text: text + "\u0301" * 1000,
    "signs": lambda text: text + "¤" * 2000,
    "words": lambda text: text + " ¤" * 500,
}
LABELS_OR_NUMBERS = (  # their answers have a shape that nothing can be added to
    "banking77", "deft_sentence", "finmm_emotion", "finmm_video_emotion", "finmm_voice_emotion", "goemotions", "omg_emotion",
    "phrasebank", "ravdess",
)  # fmt: skip
SAME = [name for name in PADDED if name.startswith("unseen")]


def some(task: Task) -> list[Example]:
    """The first examples, more where the first say nothing of what ranks; of an hour of speech the first words."""
    found, n = list(task.examples()), 2
    while is_undefined(task, found[:n]) and n < len(found):
        n *= 2
    examples = found[:n]
    return [replace(one, target=one.target[:60]) for one in examples[:1]] if task.name == "earnings21" else examples


def is_undefined(task: Task, examples: Sequence[Example]) -> bool:
    """Whether what ranks has no value over answers to these that are all wrong."""
    metric = fitted(task.metrics[0], [one.target for one in examples])
    assert isinstance(metric, Metric | RankedMetric)
    return bool(metric.undefined(np.array([metric.worst(one.target) for one in examples])))


def weak(task: Task, example: Example) -> list[str]:
    """Answers that are not right: a letter, and the beginning of what is right."""
    ideal = task.ideal(example).text or ""
    return ["x", ideal[: max(len(ideal) // 2, 1)], " ".join(ideal.split()[:2])]


def value(task: Task, examples: Sequence[Example], text: str) -> float:
    """The ranked metric of this text for each of the examples, higher being better."""
    metric = task.metrics[0]
    assert isinstance(metric, Metric | RankedMetric)
    ranked = type("Ranked", (), {"__getattr__": lambda self, name: getattr(task, name)})()
    ranked.metrics = (metric,)
    said = [Prediction(example.id, text=text) for example in examples]
    (found,) = score(ranked, examples, said, resamples=0, seed=0)
    assert found.value is not None
    return found.value if found.higher_is_better else -found.value


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NAMES if name not in LABELS_OR_NUMBERS])
def test_nothing_that_is_added_to_a_weak_answer_raises_what_ranks(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meteor, "ready", without_meteor)
    task = shipped(name, folder)
    examples = some(task)
    for text in weak(task, examples[0]):
        plain = value(task, examples, text)
        for how in (
            SAME if name == "dstc7" else PADDED
        ):  # NIST punishes what is short: any words added to one or two raise it
            found = value(task, examples, PADDED[how](text))
            assert found == plain or (how not in SAME and found < plain), (text, how)


@pytest.mark.slow
@given(st.text("ab c", max_size=12), st.text("ab c", min_size=1, max_size=8), st.integers(0, 30))
def test_anls_is_bounded_by_the_share_of_the_target_that_an_answer_holds_whatever_is_added(
    answer: str, target: str, n: int
) -> None:
    answer, target = normalised(answer), normalised(target) or "a"
    padded = answer + "#" * n
    held = LCSseq.similarity(answer, target)  # signs in their order
    assert anls(padded, [target]) <= held / max(len(padded), len(target)) + 1e-12
    assert anls(padded, [target]) <= held / max(len(answer), len(target)) + 1e-12


@pytest.mark.slow
@given(st.text(max_size=12), st.text(min_size=1, max_size=8), st.text("".join((*BLANKS, *UNSEEN)), max_size=50))
def test_anls_of_a_normalised_answer_does_not_see_padding(answer: str, target: str, padding: str) -> None:
    plain = anls(normalised(answer), [normalised(target)])
    assert anls(normalised(answer + padding), [normalised(target)]) == plain
    assert anls(normalised(padding + answer), [normalised(target)]) == plain


@pytest.mark.parametrize("name", ["docvqa", "finmm_docvqa"])
@pytest.mark.parametrize("padding", [" ", "\u2003", "\u200b", "\u00a0", "\ufe0f"])
def test_padding_has_no_anls_and_the_official_script_s_figure_stands_beside(
    name: str, padding: str, folder: Path, tmp_path: Path, bench_main: Main
) -> None:
    import json

    task = shipped(name, folder)
    form = (
        (lambda one, text: {"questionId": one, "answer": text})
        if name == "docvqa"
        else (lambda one, text: {"id": one, "answer": text})
    )
    said = [form(example.id, f"x{padding * 2000}y{padding * 9}") for example in task.examples()]
    (tmp_path / "padded.json").write_text(json.dumps(said))
    run, _, official = evaluate(
        task, tmp_path / "padded.json", "padded", Settings(runs_dir=tmp_path / "runs", resamples=10)
    )
    (found,) = run.scores
    assert (found.value, found.low, found.high) == (0.0, None, None) or found.high == 0.0
    if padding.isspace():  # lengths are of the raw text, distances of the text with white space folded
        assert found.official is not None
        assert found.official > 0.95
        assert official["anls"] == found.official


def test_a_normal_answer_has_no_second_figure(folder: Path) -> None:
    task = shipped("docvqa", folder)
    said = [Prediction(example.id, text=example.target[0]) for example in task.examples()]
    (found,) = score(task, task.examples(), said, resamples=0, seed=0)
    assert (found.value, found.official) == (1.0, None)


def test_full_width_digits_are_right_and_the_official_script_s_figure_stands_beside(folder: Path) -> None:
    task = shipped("squad_v1", folder)
    examples = [example for example in task.examples() if example.id == "po-1"]
    found = score(task, examples, [Prediction("po-1", text="６５２ km")], resamples=0, seed=0)
    assert [(one.metric, one.value, one.official) for one in found] == [("f1", 1.0, 0.5), ("exact_match", 1.0, 0.0)]


# ---- what an answer may cost


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_an_answer_of_endless_length_takes_no_time(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meteor, "ready", without_meteor)
    task = shipped(name, folder)
    example = task.examples()[0]
    start = time.process_time()
    for text in ("x" * 200_000, "a b " * 50_000, "1" * 200_000):
        said: dict[str, Any] = (
            {"text": text} if not issubclass(task.output, Regress) else {"values": {"valence": 0.0, "arousal": 0.0}}
        )
        score(task, [example], [Prediction(example.id, **said)], resamples=0, seed=0)
    assert time.process_time() - start < 30


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("deft_tags", [["Term", '".' * 2_500, 0]] * 256),
        ("finentity", [[f"Apple {i} " * 80, 0, "Positive"] for i in range(1_000)]),
        ("tatqa", {"answer": ["a1 " * 6_000] * 100, "scale": ""}), ("finqa", {"program": ["9" * 20_000] * 400, "value": None}),
        ("deft_relations", [["T1" * 10_000, "T2", "AKA"]] * 256), ("phrasebank", {"label": "neutral" * 2_800}),
        ("finentity", [[f"A{i}", 0, "Positive"] for i in range(200)]), ("deft_tags", [["Term", '".' * 2_400, 0]]),
    ],
)  # fmt: skip
def test_a_list_of_long_texts_takes_no_time(name: str, answer: Any, folder: Path) -> None:
    task = shipped(name, folder)
    example = task.examples()[0]
    start = time.process_time()
    score(task, [example], [Prediction(example.id, answer=answer)], resamples=0, seed=0)
    assert time.process_time() - start < 30


def test_a_transcript_of_endless_length_is_all_wrong_and_never_better_than_a_shorter_one() -> None:
    reference = ["it", "fell", "by", "five"] * 5
    rates = []
    for n in (20, 60, 89, 91, 100, 10_000):
        errors, words = WER.measure(reference, " ".join(["it", "fell", "by", "six"] * n)[: n * 12])
        rates.append(errors / words)
    assert rates == sorted(rates)


@pytest.mark.slow
@given(st.text(max_size=40) | st.text("é\u0301\u1100\u1161ßﬁ½\u200b\u3000 aA1１\u00a0\u0378", max_size=12))
def test_what_is_passed_over_as_plain_is_what_the_whole_way_gives(text: str) -> None:
    whole = normal._few_marks(
        normal._compatible(normal._few_marks(text.translate(normal._SEEN))).translate(normal._SEEN)
    )
    assert normalised(text) == " ".join(whole.split())
