"""Lines of "token:Label", read as published scores read them."""

from __future__ import annotations

import json

import pytest
from small_data import reference_data

from tasks.token_lines import as_published, published_figures

WORDS = {"PER": "Person", "LOC": "Location", "ORG": "Organisation"}
TAGS = ("O", *(f"{begin}-{code}" for code in WORDS for begin in "BI"))
TOKENS = ["Ana", "Li", "of", "Tez"]


@pytest.mark.parametrize(
    ("reply", "tags"),
    [
        ("Ana:Person_B\nLi:Person_I\nof:Other\nTez:Organisation_B", ["B-PER", "I-PER", "O", "B-ORG"]),
        ("Ana: person_b \nLi:PERSON_I.\nof:Other\nTez:(Organisation_B)", ["B-PER", "I-PER", "O", "B-ORG"]),
        ("Ana:Person_B\nof:Other\nTez:Organisation_B", ["B-PER", "", "O", "B-ORG"]),
        ("Here it is\nAna:Person_B\nLi:Person_I\nof:Other\nTez:Organisation_B", ["", "", "", ""]),
        ("Ana Li:Person_B\nof:Other\nTez:Organisation", ["B-PER", "B-PER", "O", ""]),
        ("Ana\nLi:Person_I\nof:Other:Other\nTez:Product_B", ["", "I-PER", "O", ""]),
        ("", ["", "", "", ""]),
    ],
    ids=["each", "loose labels", "a line left out", "a line added", "two in a line", "no label", "nothing"],
)
def test_tokens_wait_for_their_line(reply: str, tags: list[str]) -> None:
    assert as_published(TOKENS, reply, WORDS) == tags


def test_the_line_of_a_colon_costs_all_after_it_and_a_colon_without_a_line_only_itself() -> None:
    assert as_published(["Tez", ":", "up"], "Tez:Organisation_B\n::Other\nup:Other", WORDS) == ["B-ORG", "", ""]
    assert as_published(["Tez", ":", "up"], "Tez:Organisation_B\nup:Other", WORDS) == ["B-ORG", "", "O"]


def test_a_phrase_of_the_published_figure_begins_with_b_and_may_run_into_the_next_sentence() -> None:
    gold = [["O", "B-PER"], ["O", "B-ORG"]]
    assert published_figures(gold, gold, TAGS)["entity_f1_spans_start_at_B"] == 1.0
    on = published_figures(gold, [["O", "B-PER"], ["I-PER", "I-ORG"]], TAGS)
    assert on["entity_f1_spans_start_at_B"] == 0.0
    assert (on["n"], on["accuracy"], on["unparsed_tokens"]) == (4, 0.5, 0)
    with pytest.raises(ValueError, match="found 3 tags, expected 4"):
        published_figures(gold, [["O", "O", "O"]], TAGS)


@pytest.mark.slow
def test_the_published_figures_of_gpt_4_are_met() -> None:
    folder = reference_data() / "finance"
    if not (folder / "finer_ord/predictions/gpt4.jsonl").exists():
        pytest.skip("the published replies are not here")
    rows = [json.loads(line) for line in (folder / "finer_ord/predictions/gpt4.jsonl").read_text("utf-8").splitlines()]
    given = [as_published(row["tokens"], row["output"], WORDS) for row in rows]
    found = published_figures([[TAGS[label] for label in row["labels"]] for row in rows], given, TAGS)
    assert found == pytest.approx(
        json.loads((folder / "GOLDEN.json").read_text("utf-8"))["finer_ord"]["gpt4"], abs=5e-5
    )
