"""Settings, boards, addresses and archives that a stranger wrote: nothing is run, and what is odd about each is one line."""

from __future__ import annotations

import contextlib
import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.artifacts import fetch, unpack
from bench.artifacts.uri import parse
from bench.config import compose
from bench.errors import BenchError

Main = Callable[..., tuple[int, list[str], list[str]]]
TAG = "!!python/object/apply:os.mkdir [ran]"


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({"conf/model/own.yaml": f"_target_: {TAG}\n"}, ["run", "task=finmm_qa", "model=own", "limit=1"]),
        ({"conf/model/own.yaml": f"_target_: x\nsource: {TAG}\n"}, ["run", "task=finmm_qa", "model=own", "limit=1"]),
        ({"conf/task/own.yaml": f"_target_: x.Y\na: {TAG}\n"}, ["run", "task=own", "model=constant"]),
        ({"conf/task/own.yaml": f"_target_: x.Y\na: {TAG}\n"}, ["run", "-m", "task=own,finmm_qa", "model=constant"]),
        ({"conf/task/own.yaml": f"_target_: {TAG}\n"}, ["score", "own", "x.jsonl"]),
        (
            {"conf/suite/own.yaml": f"# @package _global_\nsuite:\n  tasks: {TAG}\n"},
            ["run", "suite=own", "model=constant"],
        ),
        ({"conf/task/own.yaml": f"_target_: {TAG}\n"}, ["list", "tasks"]),
        ({"conf/task/own.yaml": f"_target_: {TAG}\n"}, ["doctor", "task=own"]),
        ({"leaderboards/own.yaml": f"title: {TAG}\ntask: finmm_qa\n"}, ["board", "own"]),
        ({"leaderboards/own.yaml": f"title: {TAG}\nsuite: mini\n"}, ["board", "own"]),
        ({"leaderboards/own.yaml": "title: x\ntask: finmm_qa\ncolumns: [[n]]\n"}, ["board", "own"]),
        ({"leaderboards/own.yaml": "title: x\nsuite: mini\ndevices: [[n]]\n"}, ["board", "own"]),
    ],
)
def test_a_tag_in_a_file_of_settings_is_one_line_and_makes_nothing(
    files: Mapping[str, str], command: list[str], tmp_path: Path, bench_main: Main, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "conf").mkdir()
    monkeypatch.setenv("BENCH_CONF", str(tmp_path / "conf"))
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    code, _, err = bench_main(*command)
    assert not (tmp_path / "ran").exists()
    if command[:1] != ["list"]:  # which does not look inside
        assert code == 2
        assert "own.yaml" in err[-1]
    assert not any("Traceback" in line for line in err)


# --- trust ----------------------------------------------------------------------------------------------------------------

OWN = "_target_: bench.models.classifier.Classifier\nsource: file:mine\ntrust: [remote_code]\nmax_length: 8\n"
STORED = "_target_: bench.models.pyfunc.PyFunc\nuri: models:/mine/1\nstore: sqlite:///a.db\ntrust: [pickle]\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "left"),
    [
        ([], ["remote_code"]),
        (["model.max_length=9"], ["remote_code"]),
        (["model.source=file:other"], []),
        (["++model.sha256=" + "0" * 64], []),
        (["model._target_=bench.models.tagger.Tagger"], []),
        (["model.source=file:other", "model.trust=[remote_code]"], ["remote_code"]),
        (["model.source=file:other", "++model.trust=[remote_code]"], ["remote_code"]),
        (["model.trust=[remote_code]"], ["remote_code"]),
        (["model.trust=[]"], []),
    ],
)
def test_trust_in_a_file_is_for_the_weights_that_the_file_names(
    more: list[str], left: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "own.yaml").write_text(OWN)
    monkeypatch.setenv("BENCH_CONF", str(tmp_path))
    config, _ = compose.compose(["model=own", *more])
    assert list(config.model.trust) == left


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "left"),
    [([], ["pickle"]), (["model.uri=models:/other/1"], []), (["model.store=sqlite:///b.db"], [])],
)
def test_trust_in_a_file_is_for_the_registered_model_that_the_file_names(
    more: list[str], left: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "own.yaml").write_text(STORED)
    (tmp_path / "model" / "pair.yaml").write_text(
        "defaults: [own@text_model]\n_target_: bench.models.ocr.OcrPipeline\n"
    )
    monkeypatch.setenv("BENCH_CONF", str(tmp_path))
    config, _ = compose.compose(["model=own", *more])
    assert list(config.model.trust) == left
    inner = [word.replace("model.", "model.text_model.") for word in more]
    config, _ = compose.compose(["model=pair", *inner])
    assert list(config.model.text_model.trust) == left


# --- addresses and archives -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri",
    [
        "pypi:package==1.0#../../etc/passwd", "pypi:package==1.0#/etc/passwd", "hub:owner/name@main#../x",
        "hub:owner/name#a/../../x",
        "https://host/a.zip#..", "https://host/a.zip#a\\..\\b", "pypi:--index-url==1#x", "pypi:-r==1#x", "pypi:p==--x#x",
        "hub:../..@main", "hub:owner/--x", "hub:o/n@../x",
    ],
)  # fmt: skip
def test_an_address_that_leaves_its_source_or_is_an_option_is_refused(uri: str) -> None:
    with pytest.raises(BenchError, match=r"is not a path inside the source|is none of"):
        parse(uri)


def _archive(path: Path, members: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


@pytest.mark.parametrize(
    ("members", "limits", "said"),
    [
        ({"in/a": bytes(300_000)}, {"_FIRST": 1000, "MOST_RATIO": 50}, "300,000 bytes out of an archive of"),
        ({"in/a": bytes(30)}, {"MOST_UNPACKED_BYTES": 20}, "30 bytes out of an archive"),
        ({f"in/{i}": b"" for i in range(4)}, {"MOST_MEMBERS": 3}, "4 files in one archive, at most 3"),
        ({"in//../../x": b"1", "in": b"1"}, {}, "cannot be unpacked"),
        ({"in/../../../escaped": b"1"}, {}, None),
    ],
)
def test_an_archive_is_unpacked_within_bounds_and_inside_its_folder(
    members: Any, limits: Any, said: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in limits.items():
        monkeypatch.setattr(unpack, name, value)
    place = tmp_path / "deep" / "er"
    place.mkdir(parents=True)
    archive, source = _archive(tmp_path / "a.zip", members), parse("https://host/a.zip#in")
    with contextlib.nullcontext() if said is None else pytest.raises(BenchError, match=said):
        unpack.unpacked(archive, source, place)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "deep"]
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["er"]


def test_an_archive_that_is_damaged_or_locked_is_one_line(tmp_path: Path) -> None:
    source, path = parse("https://host/a.zip#in"), _archive(tmp_path / "a.zip", {"in": b"text that is long enough" * 9})
    whole, flags = path.read_bytes(), b"PK\x01\x02\x14\x03\x14\x00"
    for damaged in (whole[:40] + b"\xff\xff\xff" + whole[43:], whole.replace(flags + b"\0", flags + b"\1")):
        path.write_bytes(damaged)
        with pytest.raises(BenchError, match=r"https://host/a.zip#in"):
            unpack.unpacked(path, source, tmp_path)


@pytest.mark.parametrize(
    ("headers", "most", "said"),
    [({}, 3, "more than 3 bytes"), ({"Content-Length": "9"}, 10, "cut off after 5 of 9 bytes")],
)
def test_what_a_server_sends_without_end_or_cut_off_is_refused(
    headers: dict[str, str], most: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Answer(io.BytesIO):
        pass

    answer = Answer(b"12345")
    answer.headers = headers  # type: ignore[attr-defined]
    monkeypatch.setattr(fetch, "MOST_DOWNLOAD_BYTES", most)
    with pytest.raises(ValueError, match=said):
        fetch._copy(answer, io.BytesIO())
