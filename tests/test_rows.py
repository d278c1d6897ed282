"""Rows end at CR LF, LF and CR and nowhere else, in every file that a person brings and in every journal."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_data import EMOTION_ROWS, FILES, shipped, write

from bench.data.files import read_jsonl, read_text
from bench.data.nlp_transcript import read_nlp
from bench.data.submissions import table
from bench.errors import BenchError
from bench.submissions.reading import read
from bench.text.rows import LONGEST_CELL, cells, columns, rows
from tasks.banking77 import questions
from tasks.earnings21 import _of_ctm

ROOT = Path(__file__).parents[1]
LETTERS = "\u2028\u2029\x85\x0b\x0c\x1c\x1d\x1e"  # at which str.splitlines breaks, and no reader of files does
ODD = f"a{'b'.join(LETTERS)}c"
ENDS = ("\n", "\r\n", "\r")


@pytest.mark.slow
@given(
    st.lists(st.text(st.sampled_from("x, " + LETTERS), max_size=5), min_size=1), st.sampled_from(ENDS), st.booleans()
)
def test_rows_end_at_cr_and_lf_only(given_rows: list[str], end: str, closed: bool) -> None:
    text = end.join(given_rows) + (end if closed else "")
    expected = given_rows if closed or given_rows[-1] else given_rows[:-1]
    assert rows(text) == expected


def test_columns_are_parted_by_blanks_only() -> None:
    assert columns(f" 1\t {ODD}  2 ") == ["1", ODD, "2"]
    assert columns(" \t") == []


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[str, str], Path]:
    def save(name: str, text: str) -> Path:
        (path := tmp_path / name).write_bytes(text.encode("utf-8"))
        return path

    return save


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_every_reader_keeps_such_letters_in_their_row(saved: Callable[[str, str], Path], end: str, mark: str) -> None:
    def file(name: str, *lines: str) -> Path:
        return saved(name, mark + end.join(lines) + end)

    assert [row for _, row in table(file("a.csv", "id,label", f"1,{ODD}", f'"{ODD}",2'), ("id", "label"))] == [
        {"id": "1", "label": ODD},
        {"id": ODD, "label": "2"},
    ]
    unquoted = table(file("a.tsv", "id\tx", f'"1\t{ODD}'), ("id", "x"), delimiter="\t", quoted=False)
    assert [row for _, row in unquoted] == [{"id": '"1', "x": ODD}]
    lines = file("a.jsonl", json.dumps({"id": ODD}, ensure_ascii=False), "", '{"id": 2}')
    assert list(read_jsonl(lines)) == [(1, {"id": ODD}), (3, {"id": 2})]
    assert [token.word for token in read_nlp(file("a.nlp", "token|tags", f"{ODD}|[]", "two|[]"))] == [
        ODD.lower(),
        "two",
    ]
    assert _of_ctm(file("a.ctm", f"r 1 0 1 {ODD}", "r 1 1 1 two")) == f"{ODD} two"
    assert [one.inputs["text"] for one in questions(file("a.csv", "text,category", f"{ODD},age_limit"))] == [ODD]


SUBMITTED = {
    "banking77": ("a.csv", "id,label,comment\n{id},age_limit,{odd}\n"),
    "goemotions": ("a.csv", 'id,label,comment\n{id},joy,"{odd}"\n'),
    "omg_emotion": ("a.csv", "link,video,utterance,arousal,valence\n" + "".join(
        f"{{odd}},{name},0.1,0.2\n" for name in (
            "aa_1,utterance_1.mp4", "aa_1,utterance_2.mp4", "bb_1,utterance_1.mp4", "bb_1,utterance_3.mp4"))),
    "ravdess": ("a.csv", "id,label,comment\n{id},sad,{odd}\n"),
    "squad_v1": ("a.jsonl", '{{"id": "{id}", "text": "x\u2028\x85\u2029y"}}\n'),
    "phrasebank": ("a.jsonl", '{{"id": "{id}", "text": "neutral\u2028\x85"}}\n'),
    "dstc7": ("a.tsv", "{id}\t{odd}\n"),
}  # fmt: skip


@pytest.mark.parametrize("task_name", SUBMITTED)
@pytest.mark.parametrize("end", ENDS)
def test_a_submission_with_such_letters_is_read_whole(
    saved: Callable[[str, str], Path], tmp_path: Path, task_name: str, end: str
) -> None:
    task = shipped(task_name, write(tmp_path / "data"))
    examples = task.examples()
    name, text = SUBMITTED[task_name]
    path = saved(name, text.format(id=examples[0].id, odd=ODD).replace("\n", end))
    found = read(task, path, examples)
    assert not found.unknown
    assert not found.malformed
    assert found.predictions[0].id == examples[0].id


@pytest.mark.parametrize("task_name", ["phrasebank", "goemotions", "banking77", "omg_emotion"])
def test_data_with_such_letters_are_read_whole(tmp_path: Path, task_name: str) -> None:
    changed = {
        "phrasebank/Sentences_50Agree.txt": f"Sales {ODD} rose .@positive\n",
        "goemotions/test.tsv": EMOTION_ROWS + f"So {ODD}\t18\tz\n",
        "banking77/test.csv": f"text,category\nPaid {ODD} back?,age_limit\n",
        "omg_emotion/omg_ValidationTranscripts.csv": f'link,video,utterance,transcript\nv,aa_1,utterance_1.mp4,"we {ODD}"\n',
    }
    task = shipped(task_name, write(tmp_path / "data", FILES | changed))
    assert sum(ODD in str(value) for example in task.examples() for value in example.inputs.values()) == 1


def test_a_journal_keeps_such_letters_in_their_line(tiny_task: Any, echo_model: Any, quick_settings: Any) -> None:
    from bench.models.base import Device
    from bench.run import evaluate
    from bench.types import Prediction

    class Odd(type(echo_model())):  # type: ignore[misc]
        def predict(self, batch: Any) -> list[Prediction]:
            return [Prediction(request.id, text=ODD + "\r\n" + "\r") for request in batch]

    run, folder = evaluate(tiny_task(4), Odd(), "odd", Device("cpu", "none", 1), quick_settings())
    assert [one.text for one in folder.predictions()] == [ODD + "\r\n\r"] * 4
    assert run.scores[0].n_failed == 0


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"id,label\n1,a\x00b\n", "a.csv line 2: found a NUL, which no text holds"),
        ("id,label\n1,a\n".encode("utf-16"), "a.csv is UTF-16, as its first two bytes say; save the file as UTF-8"),
        ("id,label\n1,a\n".encode("utf-16-be"), "a.csv line 1: found a NUL, which no text holds (is it UTF-16?)"),
        (b'id,label\n1,a\n2,"b\n3,c\n', "a.csv line 3: a quotation mark is opened here and never closed"),
        (b'id,label\n1,"a"b\n', "a.csv line 2: ',' expected after '\"'"),
        pytest.param(
            b'id,label\n2,"' + b"x" * (LONGEST_CELL + 1),
            "a.csv line 2: a cell has more than 10,000,000 char",
            id="long",
        ),
        (b"id,label,label\n1,a,b\n", "a.csv line 1: the column 'label' comes twice"),
        (b"id,label\n1,a,b\n", "a.csv line 2: 3 columns, expected 2"),
        (b"", "a.csv line 1: the column 'id' is missing"),
    ],
)
def test_a_table_that_cannot_be_read_is_one_line(tmp_path: Path, content: bytes, text: str) -> None:
    (path := tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(BenchError) as caught:
        list(table(path, ("id", "label")))
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def test_latin_1_text_that_is_utf_16_is_refused(tmp_path: Path) -> None:
    data = FILES | {"phrasebank/Sentences_50Agree.txt": "Sales rose .@positive\n".encode("utf-16")}
    with pytest.raises(BenchError, match="found a NUL"):
        shipped("phrasebank", write(tmp_path / "data", data)).examples()


@pytest.mark.slow
def test_a_lenient_table_still_says_where_a_cell_is_too_long() -> None:
    with pytest.raises(BenchError, match="t line 2: a cell has more than"):
        list(cells('a\n"' + "b" * (LONGEST_CELL + 1), "t", strict=False))


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    (path := tmp_path / "a").write_bytes(b"\xef\xbb\xbfa")
    assert read_text(path) == "a"


# Where any line break may end what is looked at, since it is no row of a file.
_RIGHT = {
    "bench/bundles/bundle.py": "bytes, of which only CR and LF end a line",
    "bench/bundles/readings.py": "bytes, of which only CR and LF end a line",
    "bench/scenarios/raw_file.py": "bytes, of which only CR and LF end a line",
    "bench/runs/environment.py": "a file of the kernel",
    "tasks/financebench.py": "a page of a PDF, in which a form feed ends a line",
    "tasks/answers.py": "what a model replies, in whose lines a person would see them",
    "tasks/tatqa.py": "what a model replies",
}
_OF_AN_ERROR = re.compile(r"(error|cause|stderr)\b.*splitlines\(")  # the first line of what another program said


@pytest.mark.slow
def test_nothing_else_splits_text_at_whatever_python_calls_a_line() -> None:
    found = []
    for folder in ("bench", "tasks", "scripts"):
        for path in (ROOT / folder).rglob("*.py"):
            name = str(path.relative_to(ROOT))
            for line in path.read_text(encoding="utf-8").split("\n"):
                told = (
                    name in _RIGHT or _OF_AN_ERROR.search(line) or line.lstrip().startswith(("#", "lines = str(error)"))
                )
                if "splitlines(" in line and not told and name not in ("bench/text/rows.py", "bench/config/errors.py"):
                    found.append(f"{name}: {line.strip()}")
    assert not found
