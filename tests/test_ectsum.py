"""ECTSum: its files, replies, the authors' figures, and the numbers of a summary that stand in its call."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from small_data import CALLS, built, reference_data, write

from bench.errors import BenchError
from bench.metrics.ectsum import ECTSUM, published, values
from bench.metrics.evaluate_module import value
from bench.metrics.grounding import NUMBERS_IN_SOURCE
from bench.metrics.rouge import rouge
from bench.scoring.measure import score
from bench.task import Task
from bench.types import Prediction
from tasks.ectsum import bullets


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Task:
    return built("ectsum", write(tmp_path_factory.mktemp("data")))


def test_calls_of_a_company_are_one_cluster_and_the_gold_lines_are_no_part_of_what_is_asked(task: Task) -> None:
    first, second, third = task.examples()
    assert (first.cluster, second.cluster, third.cluster) == ("AB", "AB", "CD")
    asked = " ".join(part.text for part in task.request(first).parts if part.kind == "text")
    assert "We expect $6 million." in asked
    assert "sees fy $6 million." not in asked


def test_the_official_folders_are_read_as_the_one_file(task: Task, tmp_path: Path) -> None:
    folder = tmp_path / "finance" / "ectsum"
    for key, call, lines in CALLS:
        write(folder, {f"ects/{key}.txt": "\n".join(call) + "\n", f"gt_summaries/{key}.txt": "\n".join(lines)})
    assert list(built("ectsum", tmp_path).examples()) == list(task.examples())
    for gold in (folder / "gt_summaries").iterdir():
        gold.unlink()
    assert [one.target for one in built("ectsum", tmp_path).examples()] == [None] * 3


def test_a_folder_without_calls_says_how_to_get_them(tmp_path: Path) -> None:
    (tmp_path / "finance" / "ectsum").mkdir(parents=True)
    with pytest.raises(BenchError, match=r"holds neither test\.jsonl nor ects/"):
        built("ectsum", tmp_path).examples()


@pytest.mark.parametrize(
    ("said", "lines"),
    [
        ("q3 sales $5 million.\nq3 loss $1 million.", ["q3 sales $5 million.", "q3 loss $1 million."]),
        ("Here is the summary:\n\n- **q3 sales** $5 million.\n* up 3%.", ["q3 sales $5 million.", "up 3%."]),
        ("Summary:\n1. q3 sales\n2) 1.5 million", ["q3 sales", "1.5 million"]),
        ("Summary: q3 sales $5 million.", ["q3 sales $5 million."]),
        ("```text\n• q3 sales\n```", ["q3 sales"]),
        ("1.5 billion in sales", ["1.5 billion in sales"]),
        ("12 stores opened", ["12 stores opened"]),
        ("Highlights include:", ["Highlights include:"]),
        ("-\n---\n\n", []),
        ("", []),
    ],
)
def test_a_reply_gives_its_lines(said: str, lines: list[str]) -> None:
    assert bullets(said) == lines


def test_a_perfect_summary_has_all_and_an_empty_one_nothing(task: Task) -> None:
    examples = task.examples()
    for made, expected in (
        ([task.ideal(one) for one in examples], 1.0),
        ([Prediction(one.id, text="") for one in examples], 0.0),
    ):
        found = {one.metric: one.value for one in score(task, examples, made, resamples=1, seed=0)}
        assert found["rouge1"] == found["rougeL_as_published_goldlength"] == expected
        assert found["num_precision"] == expected


@pytest.mark.parametrize("form", ["lines", "text", "object"])
def test_a_submission_is_lines_or_a_text_of_them(task: Task, tmp_path: Path, form: str) -> None:
    path = tmp_path / ("mine.json" if form == "object" else "mine.jsonl")
    summaries: dict[str, Any] = {key: gold if form == "lines" else "\n".join(gold) for key, _, gold in CALLS}
    rows = [json.dumps({"id": key, "summary": summary}) for key, summary in summaries.items()]
    path.write_text(json.dumps(summaries) if form == "object" else "\n".join(rows), encoding="utf-8")
    given = dict(task.submitted(path, task.examples()))
    assert [task.checked(one, given[one.id]) for one in task.examples()] == [gold for _, _, gold in CALLS]


@pytest.mark.parametrize(
    ("answer", "hits", "least"),
    [
        (["sales $5 million, up 3%"], 2, 2),
        (["sales of 5,000,000 dollars"], 1, 1),
        (["a loss of -5 million"], 1, 1),  # "loss" may be a word or a sign
        (["5 billion", "0.03"], 1, 2),  # another size; 3 % is 0.03
        (["q3 of fy2021"], 0, 0),
        ([], 0, 0),
        (["1e400", "nan inf", "9" * 400], 0, 0),
    ],
)
def test_a_number_is_in_the_source_by_its_size(answer: list[str], hits: int, least: int) -> None:
    source = ["We sold for 5 million.", "That is 3% more."]
    found = NUMBERS_IN_SOURCE.measure({"source": source}, answer)
    assert found[0] == hits
    assert least <= found[1] <= max(least, 1)


def test_a_source_without_numbers_holds_none() -> None:
    assert NUMBERS_IN_SOURCE.measure({"source": ["nothing"]}, ["5"]) == (0.0, 1.0)
    assert value(NUMBERS_IN_SOURCE, [{"source": []}], [["no number"]]) == 0.0


def test_the_values_of_a_line_are_those_that_the_authors_compare() -> None:
    lines = ["Q2 10-K '21 at 9:30 on May 12, slide 4, call 555-123-4567", "2021: 1,200 of 3/4 and $1.50, covid-19"]
    assert values(lines) == {"1,200", "3/4", "1.50", "19"}


def test_rouge_l_as_published_is_never_below_that_of_the_lines() -> None:
    gold, said = ["a b c d"], ["a b x y"]
    plain = value(rouge("rougeLsum"), [gold], [said])
    assert plain == pytest.approx(0.5)
    assert value(rouge("rougeLsum", weight=1.2), [gold], [said]) == pytest.approx(0.5 ** (1 / 1.2))


def test_a_summary_of_the_longest_length_is_measured_in_time(task: Task) -> None:
    example = task.examples()[0]
    answer = task.checked(example, ["5 "] * 990 + ["x" * 100] * 10)
    assert all(one.measure(example.target, answer)[0] >= 0 for one in ECTSUM if one.name != "bertscore")


@pytest.mark.slow
@pytest.mark.parametrize("form", ["ect_bps", "ect_bps_goldlength"])
def test_the_authors_figures_come_out_to_their_three_decimals(form: str) -> None:
    data = reference_data()
    task = built("ectsum", data)
    golden = json.loads((data / "finance" / "GOLDEN.json").read_text())["ectsum"][form]
    examples = task.examples()
    given = dict(task.submitted(data / "finance" / "ectsum" / "predictions" / f"{form}.jsonl", examples))
    answers = [task.checked(one, given[one.id]) for one in examples]
    found = published(
        {m.name: value(m, [one.target for one in examples], answers) for m in ECTSUM if m.name != "bertscore"}
    )  # type: ignore[type-var]
    assert {name: round(found[name], 3) for name in golden} == golden
