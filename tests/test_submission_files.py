"""Submissions that are refused: each with one line that says where, what was found and what is allowed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_data import shipped, write

from bench.errors import BenchError
from bench.runs.settings import Settings
from bench.submissions.reading import evaluate

Main = Callable[..., tuple[int, list[str], list[str]]]
QUICK = ["resamples=20", "runs_dir=runs"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory of small files."""
    return write(tmp_path / "data")


@pytest.fixture
def refused(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Scores what must be refused and gives the one line that the command would print."""
    monkeypatch.chdir(tmp_path)

    def call(task: str, content: bytes | None, name: str = "system.json", **more: Any) -> str:
        if content is not None:
            Path(name).write_bytes(content)
        settings = Settings(**{"resamples": 10} | {key: more.pop(key) for key in ("resamples", "seed") if key in more})
        with pytest.raises(BenchError) as caught:
            evaluate(shipped(task, data), Path(name), more.pop("model", "mine"), settings, **more)
        assert "\n" not in str(caught.value)
        assert not list(Path("runs").rglob("run.json"))
        return str(caught.value)

    return call


@pytest.mark.parametrize(
    ("task", "probabilities", "text"),
    [
        ("squad_v1", "{}", "task 'squad_v1' has no unanswerable questions; leave --na-prob out"),
        ("squad_v2", '{"elbe-1": 0.5}', "na.json: 1 predictions have no probability, the first is 'po-1'"),
        ("squad_v2", '{"elbe-1": "high", "po-1": 0}', "na.json: 'elbe-1': found 'high', expected a number"),
        ("squad_v2", '{"elbe-1": 1e999, "po-1": 0}', "na.json: 'elbe-1': found inf, expected a finite number"),
        ("squad_v2", '{"elbe-1": 1' + 400 * "0" + ', "po-1": 0}', "na.json: 'elbe-1': found '10000"),
        ("squad_v2", '{"elbe-1": NaN, "po-1": 0}', "na.json is not JSON: line 1: NaN is not a JSON number"),
        ("squad_v2", "[]", "na.json: found a list at the top"),
    ],
)
def test_bad_probabilities_are_one_line(
    refused: Callable[..., str], tmp_path: Path, task: str, probabilities: str, text: str
) -> None:
    (tmp_path / "na.json").write_text(probabilities)
    said = b'{"elbe-1": "Bohemia", "po-1": "652 km"}'
    assert text in refused(task, said, no_answer=tmp_path / "na.json")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b'{"elbe-1": "Bohe', "system.json is not JSON: line 1 column 12"),
        (b'{\n"elbe-1": "a",\n"po-1": }', "system.json is not JSON: line 3 column 9"),
        (b'["Bohemia"]', "system.json: found a list at the top, expected an object {id: answer}"),
        (b'"Bohemia"', "system.json: found a text at the top"),
        (b'{"5733be28": "x"}', "no prediction is for an example of task 'squad_v1' (the first id is '5733be28', expected"),
        (b"{}", "it holds no predictions"),
        (b'{"elbe-1": NaN}', "system.json is not JSON: line 1: NaN is not a JSON number"),
        (b'{"elbe-1": -Infinity}', "-Infinity is not a JSON number"),
        ('{\r\n"elbe-1": "Bohême"}'.encode("latin-1"), "system.json line 2: byte 0xea is not UTF-8"),
        (b"", "system.json is not JSON: line 1 column 1"),
        (b" \n", "is not JSON"),
        (b"[" * 2_000_000, "system.json is not JSON: nested too deeply"),
        (b'{"a":' * 400_000, "system.json is not JSON: nested too deeply"),
        (b'{"elbe-1": 1' + b"0" * 5000 + b"}", "system.json is not JSON: "),
    ],
    ids=lambda value: value[:20] if isinstance(value, bytes) else None,
)  # fmt: skip
def test_a_file_that_is_no_submission_is_one_line(refused: Callable[..., str], content: bytes, text: str) -> None:
    assert text in refused("squad_v1", content)


@pytest.mark.parametrize("task", ["squad_v1", "squad_v2", "docvqa"])
def test_what_is_no_file_is_one_line(refused: Callable[..., str], tmp_path: Path, task: str) -> None:
    assert "nowhere.json does not exist; give a file or folder of predictions" in refused(
        task, None, name="nowhere.json"
    )
    assert "other.json@me does not exist" in refused(task, None, name="other.json@me")
    (tmp_path / "folder").mkdir()
    assert "folder" in refused(task, None, name="folder")
    assert "give the model another name" in refused(task, b"{}", model="../up")
    assert "resamples=0 must be at least 1" in refused(task, b"{}", resamples=0)
    assert "seed=-1 must be at least 0" in refused(task, b"{}", seed=-1)


@pytest.mark.parametrize("name", [" ", "a\nb", "a\x1bb", "a:b", "a\\b", "x" * 121])
def test_a_model_name_that_no_bundle_can_hold_is_refused(refused: Callable[..., str], name: str) -> None:
    assert "give the model another name" in refused("squad_v1", b"{}", model=name)


def test_a_second_file_of_predictions_is_refused_by_its_name(bench_main: Main) -> None:
    found = bench_main("score", "squad_v1", "a.json", "b.json")
    assert found == (2, [], ["bench: score takes one file or folder of predictions and KEY=VALUE; 'b.json' is neither"])


@pytest.mark.slow
def test_the_command_refuses_with_one_line_and_leaves_no_record(bench_main: Main, data: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.json").write_text('{"elbe-1": "Bohe')
    code, out, err = bench_main("score", "squad_v1", "cut.json", f"data_dir='{data}'", *QUICK)
    assert (code, out, len(err)) == (2, [], 1)
    assert err[0].startswith("bench: cut.json is not JSON: line 1 column 12")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ('{"id": "po-1", "txt": "x"}', "line 2: not a prediction (the key 'txt' is none of a prediction"),
        ('{"text": "x"}', "line 2: not a prediction (the key 'id' must be a text or a number)"),
        ('{"id": ["po-1"], "text": "x"}', "line 2: not a prediction (the key 'id'"),
        ('{"id": "po-1", "span": 3}', "line 2: not a prediction"),
        ('{"id": "po-1", "text": "x", "text": "y"}', "line 2 is not JSON: the key 'text' comes twice"),
        ('{"id": "po-1", "values": {"a": 1, "a": 2}}', "line 2 is not JSON: the key 'a' comes twice"),
        (
            '{"id": "po-1", "values": {"a": ' + "1" * 5_000 + "}}",
            "line 2 is not JSON: a number of more than 4,300 digits",
        ),
        ("[1]", "line 2: found a list, expected an object"),
        ('{"id": "po-1", "te', "line 2 is not JSON"),
    ],
)
def test_a_journal_line_of_another_shape_is_one_line(refused: Callable[..., str], line: str, text: str) -> None:
    assert text in refused("squad_v1", f'{{"id": "elbe-1", "text": "x"}}\n{line}\n'.encode(), name="system.jsonl")
