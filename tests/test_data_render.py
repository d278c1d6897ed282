"""`bench data render` writes documents, voices and videos through the tasks that render them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.cli import main
from bench.errors import BenchError


class Written:
    """What a task is asked for."""

    def __init__(self) -> None:
        self.overrides: list[str] = []
        self.folders: list[Path] = []
        self.files: list[str] = []
        self.error = ""

    def write(self, folder: Path) -> None:
        self.folders.append(folder)
        if self.error:
            raise BenchError(self.error)
        for name in self.files:
            folder.mkdir(exist_ok=True)
            (folder / name).write_text("new")


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
    ("option", "said"),
    [
        ("task.utterances=0 must be at least 1", "--n 0 must be at least 1"),
        ("task.utterance_seed=-1 must be from 0 to 9", "--seed -1 must be from 0 to 9"),
    ],
)
def test_what_is_wrong_with_a_number_is_said_of_the_option_that_was_typed(
    written: Written, capsys: pytest.CaptureFixture[str], option: str, said: str
) -> None:
    written.error = option
    assert main(["data", "render", "voices", "corpus"]) == 2
    assert said in capsys.readouterr().err


def test_files_of_an_earlier_rendering_are_told(
    written: Written, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = tmp_path / "corpus"
    for names, left in ((["a", "b", "c"], []), (["a"], ["b", "c"])):
        written.files = names
        assert main(["data", "render", "voices", str(folder), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["left"] == left
    assert main(["data", "render", "voices", str(folder)]) == 0
    assert "2 files were there before and are not of this rendering, the first is b;" in capsys.readouterr().out
