"""What `bench list` shows: filters by what a card says, what a request holds, and who can answer it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import pytest

from bench.commands.shared import filters
from bench.config import compose as conf

Main = Callable[..., tuple[int, list[str], list[str]]]


@pytest.fixture
def names(bench_main: Main) -> Callable[..., list[str]]:
    def listed(*words: str) -> list[str]:
        code, out, err = bench_main("list", *words, "--json")
        assert (code, err) == (0, [])
        return list(json.loads(out[-1]))

    return listed


@pytest.mark.slow
def test_each_filter_keeps_what_has_it_and_together_all_of_them(names: Callable[..., list[str]]) -> None:
    risk, images, cc = (
        names("tasks", "--scenario", "risk"),
        names("tasks", "--parts", "image"),
        names("tasks", "--licence", "cc"),
    )
    assert "credit_german" in risk
    assert "finmm_qa" not in risk
    assert {"finmm_docvqa", "digits"} <= set(images)
    assert "finmm_qa" in cc
    assert "ectsum" not in cc  # GPL
    both = names("tasks", "--parts", "image", "--output", "choose", "--licence", "CC0")
    assert both == ["finmm_page_class"]
    assert names("tasks", "--parts", "image", "--parts", "text", "--output", "Choose") == ["digits", "finmm_page_class"]
    assert "finmm_speech" in names("tasks", "--metric", "wer", "--language", "en")


@pytest.mark.slow
def test_what_fits_is_what_a_run_would_take(names: Callable[..., list[str]]) -> None:
    assert "finmm_docvqa" not in names("tasks", "--fits", "lexical")
    assert "finmm_docvqa" in names("tasks", "--fits", "ocr_minilm", "--parts", "image")
    readers = names("models", "--fits", "finmm_docvqa", "--takes", "image")
    assert {"ocr_minilm", "oracle"} <= set(readers)
    assert "lexical" not in readers
    assert "smollm2" in names("models", "--output", "Span")  # who generates can be asked for a span
    assert "whisper_tiny_en" in names("models", "--takes", "audio", "--output", "Transcribe")


@pytest.mark.slow
def test_every_task_and_model_can_be_filtered_and_is_made_as_a_run_makes_it() -> None:
    for group in ("task", "model"):
        assert [name for name in conf.names(group) if filters._made(group, name, is_asked=False) is None] == []


@pytest.mark.parametrize(
    ("words", "texts"),
    [
        (["tasks", "--scenario", "markting"], ["--scenario markting: none of the tasks", "known: market, ", "did you mean market"]),
        (["tasks", "--parts", "images"], ["known: audio, image, ", "did you mean image?"]),
        (["tasks", "--output", "Chose"], ["did you mean Choose?"]),
        (["tasks", "--licence", "proprietary-x"], ["none of the tasks", "known: "]),
        (["tasks", "--fits", "orakle"], ["there is no model of this name", "did you mean oracle?"]),
        (["models", "--fits", "finmm_q"], ["there is no task of this name", "did you mean finmm_qa?"]),
        (["models", "--scenario", "risk"], ["--scenario says nothing of models", "--takes"]),
        (["tasks", "--takes", "image"], ["--takes says nothing of tasks"]),
        (["suites", "--licence", "cc"], ["--licence says nothing of suites", "takes no filter"]),
        (["tasks", "--parts", ""], ["none of the tasks"]),
        (["tsks"], ["'tsks'", "did you mean tasks?"]),
    ],
)  # fmt: skip
def test_a_filter_that_nothing_can_meet_is_one_line(
    bench_main: Main, words: Sequence[str], texts: Sequence[str]
) -> None:
    code, out, err = bench_main("list", *words)
    assert (code, out, len(err)) == (2, [], 1)
    for text in texts:
        assert text in err[0]


def test_nothing_left_is_said_and_is_no_error(bench_main: Main) -> None:
    code, out, err = bench_main("list", "tasks", "--parts", "row", "--parts", "image")
    assert (code, out) == (0, [])
    assert err == [f"bench: none of the {len(conf.names('task'))} tasks is all of that; leave a filter out"]


@pytest.mark.parametrize(
    ("value", "has", "is_it"),
    [("cc", "CC BY 4.0", True), ("cc-by", "CC BY-NC 4.0", True), ("cc", "according to", False), ("by", "CC BY 4.0", True),
     ("4.0", "CC BY 4.0", True), ("c", "MIT", False), ("(", "MIT (code)", False)],
)  # fmt: skip
def test_a_card_is_found_by_how_its_words_begin(value: str, has: str, is_it: bool) -> None:
    assert filters._begins(value, has) is is_it
