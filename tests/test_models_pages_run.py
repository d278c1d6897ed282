"""Vision models of the Hub's families, tiny and random, on tasks of pages through the whole command; and the shipped readers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import test_models_vision as vision

Main = Callable[..., tuple[int, list[str], list[str]]]
pytestmark = pytest.mark.slow
TASKS = ("finmm_page_class", "finmm_page_fields", "finmm_ocr")
QUICK = ("device=cpu", "tracking=none", "runs_dir=runs", "resamples=20")


def records(folder: Path) -> list[Any]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("runs/*/*/*/run.json"))]


@pytest.fixture
def smolvlm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """SmolVLM's family with room for what a page's text may take."""
    monkeypatch.setitem(vision.LANGUAGE, "max_position_embeddings", 4_096)
    return vision.idefics3(tmp_path / "tiny")


@pytest.mark.parametrize("task", TASKS)
def test_a_tiny_smolvlm_answers_tasks_of_pages_through_the_whole_command(
    task: str, smolvlm: Path, tmp_path: Path, bench_main: Main
) -> None:
    source = ("model=smolvlm_256m", f"model.source=file:{smolvlm}")
    code, _, err = bench_main("run", f"task={task}", "task.documents=2", *source, *QUICK)
    assert code == 0, err
    (record,) = records(tmp_path)
    (path,) = tmp_path.glob("runs/*/*/*/predictions.jsonl")
    said = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    assert len(said) == record["scores"][0]["n"] == 2
    if task != "finmm_page_class":  # a random reply names no label, which is its own failed example
        assert all(one.get("text") is not None for one in said), said


READERS: Sequence[tuple[str, str]] = [
    ("rapidocr", "finmm_ocr"), ("tesseract", "finmm_ocr"), ("ocr_rules", "finmm_page_fields"),
    ("tesseract_rules", "finmm_page_class"), ("ocr_minilm", "finmm_page_fields"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "task"), READERS)
def test_a_shipped_reader_answers_as_well_a_second_time(
    model: str, task: str, tmp_path: Path, bench_main: Main
) -> None:
    # That pages go together is the affair of a reader, not of what is behind it.
    documents = 2 if task == "finmm_ocr" else 1
    for folder in ("runs", "again"):
        code, _, err = bench_main(
            "run",
            f"task={task}",
            f"task.documents={documents}",
            f"model={model}",
            *QUICK[:2],
            f"runs_dir={folder}",
            "resamples=20",
        )
        if code == 2 and ("OFFLINE" in err[-1] or "install" in err[-1]):
            pytest.skip(err[-1])
        assert code == 0, err
    first, again = (
        [p.read_text() for p in tmp_path.glob(f"{folder}/*/*/*/predictions.jsonl")] for folder in ("runs", "again")
    )
    assert first == again
    (record,) = records(tmp_path)
    assert record["scores"][0]["n_failed"] == 0
    assert record["model_revision"]
    assert record["weights_sha256"]
