"""A table that somebody has becomes a task, whichever way it is written; one that cannot is one line, and leaves nothing."""

from __future__ import annotations

import csv
import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench.config import compose as conf
from bench.config.build import build
from bench.data.plain_yaml import read_yaml
from bench.errors import BenchError
from bench.scaffold.columns import guessed
from bench.scaffold.naming import refuse_name
from bench.scaffold.rendered import rendered
from bench.scaffold.rows_out import Wanted
from bench.scaffold.task_files import Asked, Made, make_task
from bench.scaffold.written import draft, refuse_existing
from bench.scoring.measure import score
from bench.task import Task
from bench.types import Prediction

QA = "question,answer\nWhat is it?,5\n"


def made(folder: Path, content: str | bytes, *, name: str = "mine", file: str = "in.csv", **asked: Any) -> Made:
    """Make a task out of a file of this content, below folder/out."""
    (folder / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    with draft(folder / "out") as files:
        found = make_task(files, Asked(name, str(folder / file), **asked))
        files.place()
    return found


def rows(folder: Path, name: str = "mine") -> list[dict[str, Any]]:
    """The rows as they were written."""
    if (lines := folder / f"out/data/{name}.jsonl").is_file():
        return [json.loads(line) for line in lines.read_text("utf-8").split("\n") if line]
    with (folder / f"out/data/{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


PAIRS = [{"id": "r1", "question": "Wie heißt du?", "answer": "Jörg"}, {"id": "r2", "question": "Wer?", "answer": "Ann"}]
TEXT = "question,answer\nWie heißt du?,Jörg\nWer?,Ann\n"


@pytest.mark.parametrize(
    ("content", "file", "asked"),
    [
        (TEXT, "in.csv", {}),
        (TEXT.replace(",", ";"), "in.csv", {}),
        ("sep=;\r\n" + TEXT.replace(",", ";"), "in.csv", {}),
        (TEXT.replace(",", "|").replace("\n", "\r\n"), "in.txt", {}),
        (TEXT.replace(",", "\t").replace("\n", "\r"), "in.tsv", {}),
        (TEXT.encode("utf-8-sig"), "in.csv", {}),
        (TEXT.encode("latin-1"), "in.csv", {}),
        (TEXT.encode("utf-16"), "in.csv", {}),
        (TEXT.encode("utf-32"), "in.csv", {}),
        (TEXT.replace("question,answer\n", ""), "in.csv", {"header": ("question", "answer")}),
        (TEXT.replace("question,answer", "x,y"), "in.csv", {"kind": "qa", "columns": {"question": "x", "answer": "y"}}),
        (TEXT.replace("question,answer", " Frage , Antwort "), "in.csv", {}),
        (TEXT + "\n , \n", "in.csv", {}),
        ('{"query": "Wie heißt du?", "gold": "Jörg"}\n\n{"query": "Wer?", "gold": "Ann"}', "in.jsonl", {}),
    ],
)
def test_the_same_rows_come_of_every_way_to_write_them(
    content: str | bytes, file: str, asked: dict[str, Any], tmp_path: Path
) -> None:
    assert made(tmp_path, content, file=file, **asked).n_examples == 2
    assert rows(tmp_path) == PAIRS


def test_a_cell_of_several_lines_and_an_index_of_pandas_are_read(tmp_path: Path) -> None:
    made(tmp_path, ',question,answer,year\n0,"What\nis, it?","say ""5""",2024\n1,Who?,Ann,2025\n')
    assert rows(tmp_path)[0] == {"id": "0", "question": "What\nis, it?", "answer": 'say "5"'}


def test_a_cell_of_a_long_report_is_read(tmp_path: Path) -> None:
    made(tmp_path, f"context,question,answer\n{'word ' * 40_000}end,Which?,end\n")
    assert len(rows(tmp_path)[0]["context"]) == 200_003


def test_answers_that_no_model_can_say_in_full_are_counted_and_named(tmp_path: Path) -> None:
    cells = ["5", '"two\nlines"', " ".join(["word"] * 25), "字" * 200, "a\u3000b"]
    found = made(tmp_path, "question,answer\n" + "".join(f"What {i}?,{one}\n" for i, one in enumerate(cells)))
    look = "\n".join(found.notes)
    assert re.search("look: 1 of 5 answers go on behind a line break.*: r2$", look, re.MULTILINE)
    assert re.search("look: 2 of 5 answers are longer than the 24 tokens.*: r3, r4$", look, re.MULTILINE)
    quoted = 'context,question,answer\nHe said "pay".,What?,"""pay"""\nIt is 5.,How many?,5\n'
    found = made(tmp_path, quoted, name="quoted")
    assert "1 of 2 answers begin with the stop string '\"', at which a reply ends" in found.notes[-1]


def test_latin_1_is_said_with_a_word_of_it_and_what_is_left_out_too(tmp_path: Path) -> None:
    notes = "\n".join(made(tmp_path, "question,answer,author\nWie heißt du?,Jörg,x\n".encode("latin-1")).notes)
    assert "not UTF-8, so read as Windows-1252 (Latin-1): 'heißt'" in notes
    assert "left out: author" in notes
    assert "question = question, answer = answer" in notes


OPTIONS = "question,A,B,C,answer\nq1?,x,y,z,{}\nq2?,u,v,,{}\n"


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        (("B", "a"), {}), (("Y", "u"), {}), (("(b)", "A."), {}), (("1", "0"), {}),
        (("2", "1"), {"wanted": Wanted(first_option=1)}),
    ],
)  # fmt: skip
def test_the_right_option_is_found_by_letter_text_and_number(
    given: tuple[str, str], asked: dict[str, Any], tmp_path: Path
) -> None:
    made(tmp_path, OPTIONS.format(*given), **asked)
    assert [one["answer"] for one in rows(tmp_path)] == ["B", "A"]


JSONL = {"file": "in.jsonl"}
COUNTS = "question,option1,option2,option3,answer\nHow many?,10,20,30,2\nHow many cards?,2,3,4,2\n"
HEAD = "question,A,B,C,answer\n"


@pytest.mark.parametrize(
    ("content", "wanted", "right", "said"),
    [
        (COUNTS, Wanted(first_option=1), "BB", "the number of an option from 1"),
        (COUNTS, Wanted(first_option=0), "CC", "from 0"),
        (HEAD + "a?,x,y,z,3.0\nb?,x,y,z,1.0\n", Wanted(), "CA", "the number of an option from 1"),
        (HEAD + "a?,2,3,4,3\nb?,5,6,7,7\n", Wanted(), "BC", "the text of an option"),
        (HEAD + "a?,B,C,A,A\nb?,C,A,B,B\n", Wanted(answers="letter"), "AB", "the letter of an option"),
        (HEAD + "a?,B,C,A,A\nb?,C,A,B,B\n", Wanted(answers="text"), "CC", "the text of an option"),
        (HEAD + "a?,B,C,A,A\nb?,x,y,z,B\n", Wanted(), "AB", "the letter of an option"),
        (COUNTS[:40] + "a?,A,B,C,A\nb?,A,B,C,B\n", Wanted(), "AB", ""),  # which is the same by text and by letter
    ],
)
def test_answers_that_are_options_are_read_in_one_way_which_is_said(
    content: str, wanted: Wanted, right: str, said: str, tmp_path: Path
) -> None:
    notes = "\n".join(made(tmp_path, content, wanted=wanted).notes)
    assert "".join(one["answer"] for one in rows(tmp_path)) == right
    assert f"each answer is read as {said}" in notes or said == "from 0"


def test_a_number_of_json_is_not_the_text_of_an_option(tmp_path: Path) -> None:
    some = [{"question": f"{i}?", "choices": ["1", "2", "0"], "answer": i} for i in range(3)]
    made(tmp_path, "\n".join(map(json.dumps, some)), file="in.jsonl")
    assert [one["answer"] for one in rows(tmp_path)] == ["A", "B", "C"]


LOANS = "nr,age,home,state\n" + "".join(f"{i},{20 + i},{'ro'[i % 2]},{'yes' if i % 3 else 'no'}\n" for i in range(30))


@pytest.mark.parametrize(
    ("content", "asked", "said"),
    [
        ("", {}, "is empty; give a file with rows"),
        ("question,answer\n", {}, "has no rows"),
        ("text,label\n\n , \n", {}, "has no rows below the names text, label"),
        ("question\nWhat?\n", {}, "found one column"),
        ("What is it?,5\nWho is it?,7\n", {}, "has '5', which looks like data.*--header name1,name2"),
        ("question,answer\nWho, is it?,7,\n", {}, "line 2: 4 cells, expected 2"),
        ("question,answer\na?,5\nb?\n", {}, "line 3: 1 cells, expected 2"),
        ("question,answer\na?,5\nb?,\n", {}, "line 3: 'answer' is empty; correct the row, or take it out"),
        ("context,question,answer\nx,a?,5\nx,b?,\n", {}, "line 3: 'answer' is empty.*or say --unanswerable"),
        ("question,answer\n,5\n", {}, "line 2: 'question' is empty"),
        ("id,question,answer\n1,a?,5\n1,b?,x\n", {}, "line 3: the id '1' in 'id' comes twice, first in line 2"),
        ("id,question,answer\n1,a?,5\n,b?,x\n", {}, "line 3: 'id' is empty"),
        ("question,question,answer\na,b,c\n", {}, "the column 'question' comes twice"),
        ('question,answer\n"Wha,5\nb,c\n', {}, "line 2: a quotation mark is opened here and never closed"),
        (b"question,answer\na\0b,c\n", {}, "found a NUL"),
        (b"question,answer\na\x81b,c\n", {}, "is neither UTF-8 nor Windows-1252"),
        ("u,v,w\n1a,2b,3c\n", {}, "which kind of task.*u, v, w; say --kind"),
        ("u,v\na,b\n", {"kind": "labels"}, "needs text, label, and which column is text and label cannot be told"),
        (QA, {"columns": {"question": "q"}}, "--columns names 'q', and there are question, answer"),
        (QA, {"kind": "qa", "columns": {"label": "answer"}}, "'label' is nothing that a task of kind qa reads"),
        (QA, {"columns": {"question": "question", "answer": "question"}}, "'question' to both question and answer"),
        (QA, {"header": ("a",)}, "--header has 1 names, and .* 2 columns"),
        ("question,A,B,answer\nq?,x,y,z\n", {}, "the answer 'z' is none of the options A, B"),
        ("question,A,B,C,answer\na?,x,y,z,1\nb?,x,y,z,2\n", {}, "say --first-option 0 or --first-option 1"),
        ("question,A,B,answer\nq?,x,x,x\n", {}, "found the options"),
        (COUNTS, {}, r"line 2 \('2'\); say --first-option 0 or --first-option 1"),
        (HEAD + "a?,2,3,4,3\nb?,1,2,3,2\n", {}, "text of an option and as .* from 1.*--answers text or --first-option 1"),
        (HEAD + "a?,B,C,A,A\nb?,C,A,B,B\n", {}, "differ first in line 2 .*; say --answers text or --answers letter"),
        (HEAD + "a?,x,y,z,y\nb?,u,v,w,B\n", {}, r"no one way .* text of an option not line 3 \('B'\)"),
        (HEAD + "a?,x,y,z,7\n", {"wanted": Wanted(first_option=1)}, "'7' is not the number of an option from 1 to 3"),
        (HEAD + "a?,x,y,z,y\n", {"wanted": Wanted(first_option=1)}, "line 2: the answer 'y' is not the number"),
        (HEAD + "a?,x,y,z,y\n", {"wanted": Wanted(first_option=1, answers="text")}, "leave one out"),
        ("context,question,answer\nA b,q?,\"{'text': ['A'], 'answer_start': [6]}\"\n", {}, "line 2: 'answer' is .* JSON Lines"),
        ("question,answer\nq?,\"{'text': array(['A'], dtype=object)}\"\n", {}, "a list or object as a program prints it"),
        ("question,answer\nq?,\"['A', 'B']\"\n", {}, "a list or object as a program prints it"),
        ("text,label\na,\"['x']\"\nb,\"['y']\"\n", {"kind": "labels"}, "a list or object as a program prints it"),
        ('tokens,tags\n"[\'a\', \'b\']","[\'O\', \'O\']"\n', {}, "line 2: 'tokens' is .* as a program prints it"),
        ('{"question": "a?", "answer": "5"}\n{"question": x}\n', JSONL, "line 2 is not JSON: column 14: .*; correct the line$"),
        ('{"question": "a?", "answer": NaN}\n', JSONL, "line 1 is not JSON: NaN is not a JSON number"),
        ('{"question": "a?", "answer": "5"}\n{"question": "b', JSONL, "line 2 is not JSON: column 14: .*cut off"),
        ('{"question": "a?", "answer": "5"}\n{"question": "b?", "answer": "\\ud800"}', JSONL, r"in.jsonl line 2: .*U\+D800"),
        (QA, {"wanted": Wanted(first_option=1)}, "--first-option is for tasks of kind choice, and this is of kind qa"),
        ("text,label\na,Yes\nb,yes\n", {}, "'Yes' and 'yes' are one when they are scored"),
        ("text,label\na,A\nb,\uff21\n", {"kind": "labels"}, "'A' and '\uff21' are one when they are scored"),
        ("text,label\na,caf\u00e9\nb,cafe\u0301\n", {"kind": "labels"}, r"'caf\\xe9' and 'cafe\\u0301' are one"),
        (LOANS.replace("o,", "r\u200b,"), {"kind": "table", "columns": {"label": "home"}}, "are one when they are scored"),
        ("tokens,tags\na b,B-A B-\uff21\n", {}, "are one when they are scored"),
        ("text,label\na,C\nb,C++\n", {"kind": "labels"}, r"'Answer: C' is read as 'C\+\+'.* each named by words of its own"),
        ("text,label\na,-1\nb,1\n", {"kind": "labels"}, "cannot be told apart in a model's reply"),
        ("text,label\na,x\nb,\x1b[31mred\n", {"kind": "labels"}, r"line 3: 'label' holds U\+001B.*\('\\x1b\[31mred'\)"),
        ("question,A,B,answer\nq?,x\x07,y,B\n", {}, r"line 2: 'options' holds U\+0007"),
        ("question,A,B,answer\nq?,A1,\uff211,B\n", {}, "found the options .*, each once"),
        ("text,label\na,x\nb,\u2800\n", {"kind": "labels"}, r"line 3: 'label' holds nothing that is seen \(U\+2800\)"),
        ("text,label\na,x\nb,x\n", {"kind": "labels"}, "every row has the label 'x'"),
        ("text,score\na,high\nb,2\n", {"kind": "scores"}, "line 2: 'score' is 'high', expected a number"),
        ("text,label\n" + "".join(f"t {i},{i * 1.37}\n" for i in range(25)), {"kind": "labels"}, "25 different numbers in 25 rows"),
        ("text,score\na,2\nb,2\n", {"kind": "scores"}, "every score is 2"),
        ("image,question,answer\n../../etc/x.png,What?,x\n", {}, "is not below the folder of in.csv"),
        ("image,question,answer\n/etc/x.png,What?,x\n", {}, "is not below the folder of in.csv"),
        ("image,question,answer\na.png,What?,x\n", {}, "a.png does not exist"),
        ("tokens,tags\na b,O\n", {}, "line 2: 2 tokens and 1 tags"),
        ("tokens,tags\na b,O PER\n", {}, "found the tag 'PER', expected O, B-LABEL or I-LABEL"),
        (LOANS.replace(",no", f",{'x' * 1001}", 1), {"kind": "table", "columns": {"label": "home"}}, "in.csv line 2: found a"),
        (LOANS.replace("state", "${state}"), {"kind": "table", "columns": {"label": "${state}"}}, "which a configuration cannot"),
        ("text,label\na,x\nb,y\nb,???\n", {"kind": "labels"}, r"'\?\?\?' is \?\?\?, or"),
        ("text,label\na,x\nb,y\nb,${z}\n", {"kind": "labels"}, "which a configuration cannot"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_a_task_is_one_line_and_leaves_nothing(
    content: str | bytes, asked: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(BenchError, match=said) as caught:
        made(tmp_path, content, **asked)
    assert "\n" not in str(caught.value)
    assert [one.name for one in tmp_path.iterdir()] == [asked.get("file", "in.csv")]


@pytest.mark.parametrize(
    ("names", "row", "kind"),
    [
        (["Frage", "Antwort"], ["a", "b"], "qa"),
        (["passage", "query", "gold_answer"], ["a", "b", "c"], "qa"),
        (["question", "option_a", "option_b", "correct"], ["a", "b", "c", "A"], "choice"),
        (["question", "choices", "answer"], ["a", ["x", "y"], 0], "choice"),
        (["image", "question", "answer"], ["p.png", "a", "b"], "docvqa"),
        (["path", "sentence"], ["a.wav", "b"], "speech"),
        (["tokens", "ner_tags"], [["a"], ["O"]], "spans"),
        (["headline", "sentiment"], ["a", "b"], "labels"),
        (["headline", "sentiment_score"], ["a", "0.5"], "scores"),
        (["review", "stars"], ["a", "5"], "scores"),
        (["article", "summary"], ["a", "b"], "generation"),
        (["age", "income", "home", "defaulted"], ["1", "2", "r", "yes"], "table"),
    ],
)
def test_the_kind_is_told_by_the_columns(names: list[str], row: list[Any], kind: str) -> None:
    some = [dict(zip(names, row, strict=True)) for _ in range(6)]
    for i, one in enumerate(some):
        if kind in ("labels", "scores"):
            one[names[-1]] = ["0.1", "0.7", "-0.4"][i % 3] if kind == "scores" else "xy"[i % 2]
        elif kind == "generation":
            one[names[-1]] = f"a summary of number {i}"
    assert guessed(names, some, None, {}).kind == kind


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("label", "0 1 2 1", "labels"),
        ("label", "0 1 2 3 4 0", "labels"),
        ("class", "1 2 3 3", "labels"),
        ("label", "0.0 1.0 2.0 1.0", "labels"),
        ("target", "-1 0 1 1", "labels"),
        ("label", "0.1 0.7 -0.4 0.1", "scores"),
        ("score", "0 1 0 1", "scores"),
        ("score", "3 4", "scores"),
        ("score", ".5 1. -.5 ?", "scores"),
        ("Rating", "1 2 3 1", "scores"),
    ],
)
def test_whole_numbers_called_labels_are_labels_and_numbers_called_scores_scores(
    name: str, values: str, kind: str
) -> None:
    some = [{"text": f"text {i}", name: one} for i, one in enumerate(values.split(" "))]
    assert guessed(["text", name], some, None, {}).kind == kind


def test_a_table_keeps_its_columns_and_hides_the_ids(tmp_path: Path) -> None:
    found = made(tmp_path, LOANS, columns={"label": "state"}, kind="table")
    assert (found.n_rows, found.n_examples) == (30, 6)
    about = yaml.safe_load((tmp_path / "out/conf/task/mine.yaml").read_text())["about"]
    assert (about["labels"], about["label"], about["drop"]) == (
        ["no", "yes"],
        "state",
        ["nr"],
    )  # quoted, else true and false


def test_numbers_of_a_table_with_a_comma_or_per_cent_are_said_to_be_categories(tmp_path: Path) -> None:
    odd = "".join(f'{i},"{i},5",{i} %,{"yes" if i % 3 else "no"}\n' for i in range(30))
    (said,) = [one for one in made(tmp_path, f"age,fee,share,label\n{odd}", kind="table").notes if "categories" in one]
    assert "the numbers of fee, share hold a comma or %" in said


def test_small_scores_as_pandas_writes_them_are_numbers(tmp_path: Path) -> None:
    assert made(tmp_path, "text,score\na,1e-05\nb,1\n", kind="scores").n_examples == 2


@pytest.mark.parametrize(("kind", "name"), [("docvqa", "a.png"), ("speech", "a.wav")])
def test_a_picture_or_recording_that_cannot_be_read_is_one_line(kind: str, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("hello")
    content = {"docvqa": f"image,question,answer\n{name},q?,x\n", "speech": f"audio,transcript\n{name},a b\n"}[kind]
    with pytest.raises(BenchError, match=rf"^{re.escape(str(tmp_path / name))}.*take its rows out$"):
        made(tmp_path, content, kind=kind)


ODD = ("1e3 5E5 1e-3 1.e5 0e0 .5e3 1_0 0x1F 0b1 1:30 2020-01-01 ~ null NaN .nan -.inf = << !x &a *b %x @x `x - yes On {a} [b] "
       "1,000 +1e3 08 1\u0663 # a: \\\\{a} a\u0085b x\u2028y '").split(" ")  # fmt: skip


@pytest.mark.slow
def test_every_label_comes_back_as_itself_through_hydra_and_through_yaml(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them in one file, which takes Hydra a second: the odd ones, and a thousand of signs that mean something to YAML."""
    drawn, signs = random.Random(0), "0123456789eE.+-_:~ xyno NIaF#'\",[]{}&*!|>%@`?=<\\$\t\u00a0\u2028é😀"
    made_up = ["".join(drawn.choices(signs, k=drawn.randint(1, 6))).strip() for _ in range(1000)]
    labels = [one for one in dict.fromkeys([*ODD, "a b", "a #b", *made_up]) if one and "${" not in one]
    told = {
        "kind": "table",
        "target": "tasks.table.TableTask",
        "name": "odd",
        "labels": labels,
        "positive": "1e3",
        "label": "5E5",
    }
    blank = dict.fromkeys(
        ("comment", "instruction", "title", "source", "revision", "licence", "split", "scenario", "shares"), "x"
    )
    empty = {"more": [], "groups": {}, "favourable": "", "drop": ["1e-3"], "n": 1, "chance": (0, 1), "local": "x.csv"}
    path = tmp_path / "conf/task/odd.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(rendered("task.yaml", **told, **blank, **empty), encoding="utf-8", newline="\n")
    monkeypatch.setenv("BENCH_CONF", str(tmp_path / "conf"))
    for about in (conf.plain(conf.compose(["task=odd"])[0])["task"]["about"], read_yaml(path)["about"]):
        assert about["labels"] == labels
        assert (about["positive"], about["label"], about["drop"]) == ("1e3", "5E5", ["1e-3"])


@pytest.mark.parametrize(
    "labels",
    [["+", "-", "0"], ["😀", "😡", "👍"], ["कि", "की"], ["\uff21", "cafe\u0301", "a\u00adb"], ["☀\ufe0f", "☁\ufe0f"]],
)
def test_labels_of_any_signs_that_can_be_told_apart_score_in_full(labels: list[str], tmp_path: Path) -> None:
    text = "text,label\n" + "".join(f"what is said {i},{labels[i % len(labels)]}\n" for i in range(12))
    made(tmp_path, text, kind="labels")
    told = read_yaml(tmp_path / "out/conf/task/mine.yaml")
    told["data"] |= {"data_dir": str(tmp_path / "out/data"), "path": None}
    task = build(told, "task", Task)
    examples = task.examples()
    by_scores = [task.ideal(one) for one in examples]
    in_words = [Prediction(one.id, text=str(task.label_of(one))) for one in examples]
    for given in (by_scores, in_words):
        found = {one.metric: one.value for one in score(task, examples, given, resamples=20, seed=0)}
        assert found["accuracy"] == found["macro_f1"] == 1.0


def test_codes_of_spans_have_words_of_their_own(tmp_path: Path) -> None:
    made(tmp_path, "tokens,tags\na b c d,B-PER B-PERSON B-ORG B-cafe\u0301\n")
    labels = read_yaml(tmp_path / "out/conf/task/mine.yaml")["about"]["labels"]
    assert labels == {"PER": "Per", "PERSON": "Person", "ORG": "Organisation", "caf\u00e9": "Caf\u00e9"}
    assert rows(tmp_path)[0]["tags"][3] == "B-caf\u00e9"


def test_references_that_rouge_cannot_read_are_ranked_by_letters(tmp_path: Path) -> None:
    made(
        tmp_path,
        "text,summary\n利率上升。,利率\n银行盈利。,盈利\n",
        kind="generation",
        columns={"reference": "summary"},
    )
    assert "ranks: chrf" in (tmp_path / "out/conf/task/mine.yaml").read_text("utf-8")


def test_the_event_that_is_looked_for_is_the_label_called_like_one(tmp_path: Path) -> None:
    made(tmp_path, LOANS.replace("no", "NO").replace("yes", "Yes"), columns={"label": "state"}, kind="table")
    assert yaml.safe_load((tmp_path / "out/conf/task/mine.yaml").read_text())["about"]["positive"] == "Yes"


def test_a_hub_data_set_is_written_down_with_its_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.data import hub

    some = [{"id": "a", "context": "x 5", "question": "q?", "answers": {"text": ["5", "five"], "answer_start": [2, 2]}}]
    monkeypatch.setattr(hub, "rows", lambda source, split: some if (source.revision, split) == ("abc", "train") else [])
    with draft(tmp_path / "out") as files:
        make_task(files, Asked("mine", "hub:own/set@abc", split="train"))
        files.place()
    assert rows(tmp_path) == [{"id": "a", "context": "x 5", "question": "q?", "answer": ["5", "five"]}]
    assert "hub:own/set@abc" in (tmp_path / "out/conf/task/mine.yaml").read_text()


@pytest.mark.parametrize(
    "name", ["../x", "a/b", "", "1a", "a-b", "a b", "É", "class", "match", "yes", "null", "conf", "x" * 61, "con"]
)
def test_a_name_that_can_be_no_file_or_word_is_refused(name: str) -> None:
    with pytest.raises(BenchError, match="the name"):
        refuse_name("task", name, (), is_package=False)


@pytest.mark.parametrize("name", ["con", "Com1", "nul"])
def test_a_name_that_windows_has_for_a_device_is_said_to_be_reserved(name: str) -> None:
    with pytest.raises(BenchError, match=f"is reserved: .* such as my_{name.lower()}"):
        refuse_name("task", name, (), is_package=False)


def test_a_name_that_is_taken_is_refused_in_any_case_of_letters() -> None:
    with pytest.raises(BenchError, match="is taken by the task 'loans'"):
        refuse_name("task", "Loans", ["loans"], is_package=False)
    with pytest.raises(BenchError, match="a module that Python has already"):
        refuse_name("model", "json", (), is_package=True)
    refuse_name("task", "json", (), is_package=False)


def test_what_is_there_is_written_over_only_when_it_is_said(tmp_path: Path) -> None:
    made(tmp_path, QA)
    with pytest.raises(BenchError, match=r"mine.yaml and 2 more exist; .* --force"):
        refuse_existing(tmp_path / "out", ["conf/task/mine.yaml", "data/mine.csv", "tests/test_mine.py"], force=False)
    refuse_existing(tmp_path / "out", ["conf/task/mine.yaml"], force=True)
    (tmp_path / "out/folder").mkdir()
    with pytest.raises(BenchError, match="is a folder, where a file is to be written"):
        refuse_existing(tmp_path / "out", ["folder"], force=True)


def _place_what_is_not_there(root: Path) -> None:
    with draft(root) as files:
        files.write("a.txt", "new")
        files.write("new/c.txt", "new")
        files.names.append("b.txt/none")  # which was never made
        files.place()


def test_files_that_cannot_all_be_placed_leave_what_was_there(tmp_path: Path) -> None:
    root = tmp_path / "out"
    (root / "b.txt").mkdir(parents=True)  # where a file should come
    (root / "a.txt").write_text("old")
    with pytest.raises(BenchError, match="cannot be written"):
        _place_what_is_not_there(root)
    assert (root / "a.txt").read_text() == "old"
    assert sorted(one.name for one in root.iterdir()) == ["a.txt", "b.txt"]
