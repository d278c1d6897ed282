"""`bench data render` writes documents, voices and videos through the tasks that render them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.cli import main


class Written:
    """What a task is asked for."""

    def __init__(self) -> None:
        self.overrides: list[str] = []
        self.folders: list[Path] = []

    def write(self, folder: Path) -> None:
        self.folders.append(folder)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Written:
    found = Written()
    monkeypatch.setattr("bench.config.compose.compose", lambda overrides: (found.overrides.extend(overrides), None))
    monkeypatch.setattr("bench.config.compose.plain", lambda config: {"task": {}})
    monkeypatch.setattr("bench.config.build.build", lambda config, what: found)
    return found


DOCUMENTS = ["task=finmm_docvqa", "task.documents=4", "task.document_seed=3"]
VOICES = ["task=finmm_speech", "task.utterances=4", "task.utterance_seed=3"]
VIDEOS = ["task=finmm_video_emotion", "task.clips=4", "task.clip_seed=3"]


@pytest.mark.parametrize(
    ("words", "folder", "overrides"),
    [
        (["documents"], "documents", DOCUMENTS),
        (["corpus"], "corpus", DOCUMENTS),
        (["documents", "corpus"], "corpus", DOCUMENTS),
        (["voices", "corpus"], "corpus", VOICES),
        (["videos", "corpus"], "corpus", VIDEOS),
        (["voices"], "voices", VOICES),
    ],
)
def test_the_kind_says_the_task_and_without_one_documents_are_rendered(
    written: Written, capsys: pytest.CaptureFixture[str], words: list[str], folder: str, overrides: list[str]
) -> None:
    assert main(["data", "render", *words, "--seed", "3", "--n", "4", "--json"]) == 0
    assert (written.overrides, written.folders) == (overrides, [Path(folder)])
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert said["folder"] == folder


def test_an_unknown_kind_is_refused(written: Written, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "render", "songs", "corpus"]) == 2
    assert "choose documents, voices, videos" in capsys.readouterr().err
    assert written.folders == []


@pytest.mark.parametrize(
    ("kind", "option", "said"),
    [
        ("documents", "--n=0", "--n 0 must be at least 1"),
        ("voices", "--n=0", "--n 0 must be at least 1"),
        ("voices", "--seed=-1", "--seed -1 must be from 0 to"),
        ("videos", "--seed=-1", "--seed -1 must be from 0 to"),
    ],
)
def test_a_wrong_number_is_refused_by_the_option_that_was_typed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, option: str, said: str
) -> None:
    assert main(["data", "render", kind, str(tmp_path / "x"), option]) == 2
    shown = capsys.readouterr().err
    assert said in shown
    assert "task." not in shown
