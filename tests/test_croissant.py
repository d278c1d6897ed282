"""Croissant metadata: the reference library reads it without an error, and it says of the files what they are."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from recordings import VIDEO, VOICE, write_film, write_sound
from test_data_check import PICTURE, QA, UTTERANCE

from bench.cli import main
from bench.data.croissant import as_text, croissant
from bench.errors import BenchError

FINMM = Path(__file__).parent.parent / "tasks" / "finmm"


@pytest.mark.slow
def test_the_metadata_of_finmm_is_what_the_command_writes_today_with_the_checksums_of_its_files() -> None:
    text = (FINMM / "croissant.json").read_text(encoding="utf-8")
    assert as_text(croissant(FINMM, {})[0]) == text, "run `bench data croissant tasks/finmm`"
    files = json.loads(text)["distribution"]
    assert len(files) >= 4
    for file in files:
        assert hashlib.sha256((FINMM / file["contentUrl"]).read_bytes()).hexdigest() == file["sha256"]
    assert "publicdomain/zero" in json.loads(text)["license"]


@pytest.mark.slow
def test_the_reference_library_reads_every_record_of_finmm() -> None:
    mlcroissant = pytest.importorskip("mlcroissant", reason="mlcroissant is not installed; it is in the extra dev")
    data = mlcroissant.Dataset(jsonld=str(FINMM / "croissant.json"))
    assert not data.metadata.ctx.issues.errors
    n = {name: len(list(data.records(name))) for name in ("emotion/utterances", "dialogue/conversations", "text/qa")}
    questions = json.loads((FINMM / "text/qa.json").read_text(encoding="utf-8"))["data"]
    n_questions = sum(len(paragraph["qas"]) for article in questions for paragraph in article["paragraphs"])
    assert n == {"emotion/utterances": 285, "dialogue/conversations": 66, "text/qa": n_questions}
    first = next(iter(data.records("dialogue/conversations")))
    assert len(first["dialogue/conversations/turns/text"]) == len(first["dialogue/conversations/turns/speaker"]) > 1


def folder(path: Path) -> Path:
    """One file of each kind with what it names."""
    write_sound(path / VOICE["file"])
    write_film(path / VIDEO["file"])
    (path / "images").mkdir()
    (path / "images/p1.png").write_bytes(b"no picture, but a file")
    for name, record in {"voice": VOICE, "video": VIDEO, "picture": PICTURE, "emotion": UTTERANCE}.items():
        (path / f"{name}.jsonl").write_text(json.dumps(record) + "\n")
    (path / "qa.json").write_text(json.dumps(QA))
    (path / "other.json").write_text("[1, 2]")
    return path


@pytest.mark.slow
def test_a_folder_of_all_kinds_is_described_and_read_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mlcroissant = pytest.importorskip("mlcroissant", reason="mlcroissant is not installed; it is in the extra dev")
    assert main(["data", "croissant", str(folder(tmp_path)), "--licence", "CC0-1.0", "--name", "all", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["record_sets"], said["left_out"]) == (6, ["other.json"])
    whole = json.loads((tmp_path / "croissant.json").read_text())
    named = {file["@id"] for file in whole["distribution"]}
    assert {"images/p1.png", VOICE["file"], VIDEO["file"]} <= named
    data = mlcroissant.Dataset(jsonld=str(tmp_path / "croissant.json"))
    assert not data.metadata.ctx.issues.errors
    (voice,) = data.records("voice")
    assert (voice["voice/rate"], voice["voice/file"]) == (8000, b"sounds/v1.wav")
    assert voice["voice/segments/text"] == [segment["text"].encode() for segment in VOICE["segments"]]
    (video,) = data.records("video")
    assert video["video/questions/question"] == [b"What is due?"]


def test_what_somebody_wrote_into_it_is_kept_and_a_changed_file_changes_its_checksum(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(json.dumps(UTTERANCE) + "\n")
    assert main(["data", "croissant", str(tmp_path), "--licence", "MIT"]) == 0
    place = tmp_path / "croissant.json"
    whole: dict[str, Any] = json.loads(place.read_text())
    place.write_text(json.dumps(whole | {"citeAs": "Somebody 2024"}))
    file.write_text(json.dumps({**UTTERANCE, "text": "Else."}) + "\n")
    assert main(["data", "croissant", str(tmp_path), "--name", "new"]) == 0
    again = json.loads(place.read_text())
    assert (again["citeAs"], again["license"], again["name"]) == ("Somebody 2024", "MIT", "new")
    assert again["distribution"][0]["sha256"] != whole["distribution"][0]["sha256"]


REFUSED = [
    ({}, ["--licence", "MIT"], "no annotation file"),
    ({"a.jsonl": json.dumps(UTTERANCE)}, [], "no licence is known"),
    ({"a.jsonl": json.dumps({**UTTERANCE, "emotion": "hapy"})}, ["--licence", "MIT"], "emotion: enum"),
    ({"a.jsonl": json.dumps(VOICE)}, ["--licence", "MIT"], "file-missing"),
    ({"a.jsonl": json.dumps(UTTERANCE), "croissant.json": "[]"}, ["--licence", "MIT"], "holds no JSON object"),
    ({"a.jsonl": "\xff", "b.json": "[" * 100_000}, ["--licence", "MIT"], "a.jsonl line 1: byte 0xff is not UTF-8"),
]


@pytest.mark.parametrize(("files", "options", "said"), REFUSED)
def test_what_cannot_be_described_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], files: dict[str, str], options: list[str], said: str
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="latin-1")
    assert main(["data", "croissant", str(tmp_path), *options]) == 2
    shown = capsys.readouterr().err
    assert said in shown
    assert shown.count("\n") == 1


def test_a_file_is_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "croissant", str(tmp_path / "none")]) == 2
    assert "is not a folder" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "content"), [("voice.jsonl", '{"id": "v1", "fi\n'), ("qa.json", '{"data": [')])
def test_a_damaged_file_is_refused_and_not_left_out(tmp_path: Path, name: str, content: str) -> None:
    (folder(tmp_path) / name).write_text(content)
    with pytest.raises(BenchError, match=rf"{name}.* is not JSON.* or take it out of the folder"):
        croissant(tmp_path, {"license": "CC0-1.0"})


@pytest.mark.parametrize(("key", "value"), [("license", 5), ("license", None), ("name", ["x"]), ("description", {})])
def test_what_a_catalogue_could_not_read_is_not_kept(tmp_path: Path, key: str, value: Any) -> None:
    (folder(tmp_path) / "croissant.json").write_text(json.dumps({"license": "CC0-1.0", key: value}))
    with pytest.raises(BenchError, match=rf"croissant\.json: {key}: found .*, expected a text.*; correct it"):
        croissant(tmp_path, {})
