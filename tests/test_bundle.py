"""What goes into a bundle, what never does, and what is refused when one is written or unpacked."""

from __future__ import annotations

import json
import os
import platform
import shutil
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.artifacts.digest import cache_dir
from bench.bundles import bundle, strict
from bench.bundles.archive import Refused
from bench.bundles.bundle import public_config
from bench.bundles.public import public_text
from bench.bundles.unpack import unpack, unpacked
from bench.commands.shared import references
from bench.errors import BenchError
from bench.runs import measurements
from bench.runs.folder import read_run
from tests import bundles

BenchMain = Callable[..., tuple[int, list[str], list[str]]]

SECRETS = [
    "sk-proj-abc123def456ghi789",
    "hunter2",
    "s3cr3t",
    "AKIAABCDEFGHIJKLMNOP",
    "/home/anna",
    "anna@bank.example",
    "tok-9",
]
PRIVATE = {
    "task": {"_target_": "tasks.squad.SquadV1", "data": {"local": "squad/dev.json", "data_dir": "/home/anna/data",
                                                         "path": "/home/anna/mine.json"}},
    "model": {
        "_target_": "bench.models.endpoint.Endpoint", "base_url": "https://anna:hunter2@llm.example/v1?api_key=s3cr3t&v=2",
        "api_key": "tok-9", "key_env": "AKIAABCDEFGHIJKLMNOP", "max_tokens_key": "max_tokens", "thinking_tokens": 5,
        "source": "file:/home/anna/my models/small.gguf", "store": "sqlite:////home/anna/x.db",
        "options": {"headers": {"X-Auth": "s3cr3t"}, "user": "anna@bank.example", "say": "Authorization: Bearer tok-9tok-9",
                    "more": ["--token=s3cr3t", "/home/anna/b", "/no_think and/or not", "a/b"]},
    },
    "tracking": {"uri": "postgresql://anna:hunter2@db/ml"}, "runs_dir": "/home/anna/runs", "data_dir": "/home/anna/data",
    "data": {"path": "/home/anna/mine.json"}, "batch_tokens": 7, "seed": 0, "note": "sk-proj-abc123def456ghi789",
}  # fmt: skip


def test_a_public_config_keeps_what_others_need_and_nothing_that_is_somebody_s() -> None:
    assert public_config(PRIVATE) == {
        "task": {"_target_": "tasks.squad.SquadV1", "data": {"local": "squad/dev.json"}},
        "model": {
            "_target_": "bench.models.endpoint.Endpoint", "base_url": "https://llm.example/v1?v=2", "max_tokens_key": "max_tokens",
            "thinking_tokens": 5, "source": "file:small.gguf",
            "options": {"say": "Authorization: Bearer withheld", "more": ["--token=withheld", "b", "/no_think and/or not", "a/b"]},
        },
        "data": {}, "batch_tokens": 7, "seed": 0, "note": "withheld",
    }  # fmt: skip


@pytest.mark.parametrize(
    "name", ["apiKey", "API-KEY", "secret_name", "password", "x_token", "Cookie", "passphrase", "credentials"]
)
def test_what_is_called_a_secret_is_left_out_whatever_its_type(name: str) -> None:
    for value in ("x", 3, ["x"], {"y": "x"}):
        assert public_config({"model": {name: value}}) == {"model": {}}


TEXTS = [
    ("[Errno 2] No such file: '/home/anna/x y/z.txt'", "[Errno 2] No such file: 'z.txt'"),
    ("C:\\Users\\anna\\model.bin is damaged", "model.bin is damaged"), ("see ~/models/a.bin", "see a.bin"),
    ("../../anna/a.bin", "a.bin"), ("http://h.example/a/b", "http://h.example/a/b"), ("file:///home/anna/x", "file:x"),
    ("hub:owner/name@rev", "hub:owner/name@rev"), ("pypi:a==1#b/c", "pypi:a==1#b/c"), ("1/2 of it, and/or", "1/2 of it, and/or"),
    ("password: hunter2", "password: withheld"), ("KeyError: 'label'", "KeyError: 'label'"), ("key: value", "key: value"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "public"), TEXTS)
def test_a_text_keeps_the_last_part_of_a_path_and_no_secret(text: str, public: str) -> None:
    assert public_text(text) == public
    assert public_text(public) == public


@pytest.mark.slow
def test_no_byte_of_a_bundle_holds_data_a_secret_or_a_local_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine, user = "machine-of-nobody-7f3a", "user-of-nobody-9c1e"  # the real ones may be as short as any word
    monkeypatch.setattr(socket, "gethostname", lambda: machine)
    monkeypatch.setattr(platform, "node", lambda: machine)
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("Linux", machine, "6", "1", "x86_64")))
    for name in ("USER", "LOGNAME", "USERNAME", "HOSTNAME"):
        monkeypatch.setenv(name, machine if name == "HOSTNAME" else user)
    error = "no file /home/anna/weights.bin; password=hunter2"
    folder = bundles.run(tmp_path / "runs", model=bundles.Guesser(error=error), config=PRIVATE)
    path = bundles.made(tmp_path, folder)
    files = bundles.contents(path)
    everything = "".join(files).encode() + b"".join(files.values())
    for secret in [*SECRETS, str(tmp_path), machine, user, "number of the question"]:
        assert secret.encode() not in everything
    lines = files[bundles.place(files, "predictions.jsonl")].decode().splitlines()
    line = json.loads(lines[5])
    assert len(line.pop("asked")) == 16
    assert line == {
        "id": "w5",
        "error": "RuntimeError: no file weights.bin; password=withheld",
        "finish": "error",
    }
    assert b'"question"' not in everything
    assert b'"target"' not in everything


@pytest.mark.slow
def test_the_same_runs_give_the_same_bytes(tmp_path: Path) -> None:
    folders = [bundles.run(tmp_path / "runs", name) for name in ("b", "a")]
    one = bundle.pack(folders, "Anna")[0]
    assert one == bundle.pack(folders[::-1], "Anna")[0]
    assert one != bundle.pack(folders, "Bert")[0]


@pytest.mark.slow
def test_what_is_unpacked_is_what_was_packed(tmp_path: Path) -> None:
    folder = bundles.run(tmp_path / "runs")
    found = unpack(bundles.made(tmp_path, folder), tmp_path / "out")
    ((place, run),) = found.runs
    own = read_run(folder / "run.json")
    assert replace(run, files={}) == replace(own, files={})
    assert run.files["predictions.jsonl"] == own.files["predictions.jsonl"]
    assert measurements.read(place).ids == measurements.read(folder).ids
    assert read_run(place / "run.json").origin == {"bundle": found.sha256, "submitter": "Anna"}
    assert place.relative_to(tmp_path / "out").parts[:3] == ("runs", "numbers", "guesser")


@pytest.mark.slow
def test_a_run_that_was_edited_is_not_bundled(tmp_path: Path) -> None:
    for name in ("predictions.jsonl", "measurements.json", "timings.jsonl", "config.yaml"):
        folder = bundles.run(tmp_path / name)
        (folder / name).write_text((folder / name).read_text() + "\n")
        with pytest.raises(BenchError, match=f"{name} is not the file that the run wrote"):
            bundle.pack([folder], "")


@pytest.mark.slow
def test_what_may_not_be_bundled_is_refused_in_one_line(tmp_path: Path) -> None:
    folder = bundles.run(tmp_path / "runs")
    record = folder / "run.json"
    whole = record.read_text()
    edits = [
        ({"is_reference": True}, "is a reference row, which everybody can make"),
        ({"origin": {"bundle": "ab"}}, "came in a bundle; hand on that bundle"),
        ({"model": "a:b"}, "has ':', which can be in no folder's name; give the model another name"),
        ({"model": ".."}, "it can be no folder"), ({"files": {}}, "names no predictions.jsonl"),
    ]  # fmt: skip
    for change, line in edits:
        record.write_text(json.dumps(json.loads(whole) | change))
        with pytest.raises(BenchError, match=line):
            bundle.pack([folder], "")
    record.write_text(whole)
    with pytest.raises(BenchError, match="numbers/guesser is given twice"):
        bundle.pack([folder, bundles.run(tmp_path / "runs", seed=3)], "")
    with pytest.raises(BenchError, match="the submitter's name"):
        bundle.pack([folder], "a\nb")
    record.unlink()
    with pytest.raises(BenchError, match=r"is not complete: it has no run.json; the same `bench run` command goes on"):
        bundle.pack([folder], "")


def test_a_bundle_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="cannot be written"):
        bundle.write(tmp_path / "nowhere" / "a.zip", b"x")
    with pytest.raises(BenchError, match=r"a bundle is a FILE.zip"):
        bundle.write(tmp_path / "a.tar", b"x")
    bundle.write(tmp_path / "a.zip", b"old")
    bundle.write(tmp_path / "a.zip", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]
    assert (tmp_path / "a.zip").read_bytes() == b"new"


# What the manifest or a file may say, and the line it is refused with.
FORGERIES: list[tuple[str, str, Callable[[Any], Any], str]] = [
    ("no manifest", "manifest.json", lambda m: None, "manifest.json: the record"),
    ("later format", "manifest.json", bundles.with_key("format", value=2), "manifest.json: format: 1 was expected"),
    ("unknown key", "manifest.json", bundles.with_key("x", value=2), "'x' was unexpected"),
    ("wrong hash", "manifest.json", bundles.with_key("runs", 0, "files", "predictions.jsonl", "sha256", value="0" * 64),
     "predictions.jsonl' is not the file that manifest.json names"),
    ("another value", "manifest.json", bundles.with_key("runs", 0, "value", value=0.9), "run.json says value"),
    ("a path", "manifest.json", bundles.with_key("runs", 0, "task", value="../../x"), "runs[0].task: '../../x' does not match"),
    ("a path", "manifest.json", bundles.with_key("runs", 0, "model", value="a/../../b"), "runs[0].model: 'a/../../b' does"),
    ("a bad run id", "manifest.json", bundles.with_key("runs", 0, "run_id", value=".."), "runs[0].run_id: '..' does not match"),
]  # fmt: skip


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundles.made(tmp_path_factory.mktemp("good"))


@pytest.mark.parametrize(("what", "name", "edit", "line"), FORGERIES)
def test_a_manifest_that_does_not_fit_is_refused(
    tmp_path: Path, good: Path, what: str, name: str, edit: Callable[[Any], Any], line: str
) -> None:
    files = bundles.contents(good)
    bundles.changed(files, name, edit)
    with pytest.raises(Refused) as caught:
        unpack(bundles.zipped(tmp_path / "bad.zip", files), tmp_path / "out")
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


RECORDS: list[tuple[str, Callable[[Any], Any], str]] = [
    ("run.json", bundles.with_key("limit", value=5.0), "limit: 5.0 is not of type 'integer', 'null'"),
    ("run.json", bundles.with_key("scores", 1, "value", value="1"), "scores[1].value: '1' is not of type"),
    ("run.json", bundles.with_key("resamples", value=10**9), "resamples: 1000000000 is greater than the maximum"),
    ("run.json", bundles.with_key("origin", value={"submitter": "x"}), "run.json has an origin, which no bundle has"),
    ("run.json", bundles.with_key("is_reference", value=True), "run.json is a reference row, which no bundle has"),
    ("run.json", bundles.with_key("config", value={"seed": 1}), "config.yaml is not the configuration"),
    ("measurements.json", bundles.with_key("rows", "f1", "k", value=10**12), "k=1000000000000 is no number of columns"),
    ("measurements.json", bundles.with_key("ids", 0, value="w1"), "an id comes twice"),
    ("measurements.json", bundles.with_key("clusters", value=[]), "clusters has 0 entries for 60 ids"),
    ("measurements.json", bundles.with_key("rows", "f1", value={"k": 9, "sparse": [[0.5, 1]] * 60}), "measurements.json: "),
    ("predictions.jsonl", lambda rows: [*rows, rows[0]], "the prediction for 'w0' comes twice"),
    ("predictions.jsonl", bundles.with_key(0, "text", value=3), "line 1: not a prediction (text is 3)"),
    ("predictions.jsonl", bundles.with_key(0, "values", value={"a": "b"}), "values is {'a': 'b'}"),
    ("predictions.jsonl", bundles.with_key(0, "error", value="no"), "one answer is due, found text, error"),
    ("predictions.jsonl", bundles.with_key(0, "extra", value="no"), "not a prediction ('extra')"),
    ("predictions.jsonl", lambda rows: [7], "is not an object"),
    ("timings.jsonl", bundles.with_key(0, "seconds", value=-1), "not a timing (seconds is -1)"),
    ("timings.jsonl", bundles.with_key(0, "phase", value="nap"), "not a timing (phase is 'nap')"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "edit", "line"), RECORDS)
def test_a_record_that_no_run_writes_is_refused(
    tmp_path: Path, good: Path, name: str, edit: Callable[[Any], Any], line: str
) -> None:
    files = bundles.contents(good)
    bundles.changed(files, name, edit)
    bundles.put_right(files)
    with pytest.raises(Refused) as caught:
        unpack(bundles.zipped(tmp_path / "bad.zip", files), tmp_path / "out")
    assert line in str(caught.value)
    assert len(str(caught.value)) < 500


def test_files_that_the_manifest_does_not_name_or_that_are_missing_are_refused(tmp_path: Path, good: Path) -> None:
    files = bundles.contents(good)
    with pytest.raises(Refused, match=r"member 'runs/extra.txt' is not in manifest.json"):
        unpack(bundles.zipped(tmp_path / "a.zip", files | {"runs/extra.txt": b"hello"}), tmp_path / "a")
    del files[bundles.place(files, "timings.jsonl")]
    with pytest.raises(Refused, match=r"timings.jsonl' is in manifest.json but not in the archive"):
        unpack(bundles.zipped(tmp_path / "b.zip", files), tmp_path / "b")
    with pytest.raises(Refused, match=r"it has no manifest.json"):
        unpack(bundles.zipped(tmp_path / "c.zip", {"a.json": b"{}"}), tmp_path / "c")


JSONS = [
    (b"[" * 100_000, "nested too deep"), (b"{" * 3, "is not JSON"), (b"NaN", "NaN is no number"), (b"1e999", "1e999 is too large"),
    (b"-Infinity", "-Infinity is no number"), (b"1" * 1_000_000, "a number has 1,000,000 digits"),
    (b'{"a": 1, "a": 2}', "the key 'a' comes twice"), (b'"\xff"', "is not UTF-8 (byte 1)"), (b"", "is not JSON"),
    (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "nested too deep"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "line"), JSONS)
def test_json_with_a_trap_is_refused(data: bytes, line: str) -> None:
    with pytest.raises(Refused) as caught:
        strict.parsed(data, "x.json")
    assert line in str(caught.value)
    assert str(caught.value).startswith("x.json")


def test_a_line_for_a_terminal_holds_nothing_that_it_would_obey() -> None:
    assert strict.short("a\x1b[31m\nb\u202e" + "c" * 300) == "a\\x1b[31m⏎b\\u202e" + "c" * 182 + "…"


def test_yaml_that_grows_by_its_aliases_is_refused(tmp_path: Path, good: Path) -> None:
    files = bundles.contents(good)
    files[bundles.place(files, "config.yaml")] = b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
    bundles.put_right(files)
    with pytest.raises(Refused, match=r"config.yaml line 2: it has aliases"):
        unpack(bundles.zipped(tmp_path / "bad.zip", files), tmp_path / "out")


@pytest.mark.slow
def test_a_bundle_is_a_run_wherever_a_run_is_asked_for(tmp_path: Path) -> None:
    folders = [bundles.run(tmp_path / "runs", name) for name in ("b", "a")]
    path = bundles.made(tmp_path, *folders)
    found = references.resolve(str(path), tmp_path)
    assert [read_run(folder / "run.json").model for folder in found] == ["a", "b"]
    assert all(folder.is_relative_to(cache_dir() / "bundles") for folder in found)
    assert references.one(f"{path}#numbers/b", tmp_path) == found[1]
    assert unpacked(path).submitter == "Anna"
    with pytest.raises(BenchError, match=r"holds no numbers/c; it holds numbers/a, numbers/b"):
        references.resolve(f"{path}#numbers/c", tmp_path)
    with pytest.raises(BenchError, match=r"good.zip holds 2 runs; choose one of"):
        references.one(str(path), tmp_path)
    path.write_bytes(b"x" + path.read_bytes())
    with pytest.raises(BenchError, match=r"good.zip: something stands before the archive"):
        references.resolve(str(path), tmp_path)
    with pytest.raises(BenchError, match="is not a file"):
        references.resolve(str(tmp_path / "none.zip"), tmp_path)


def test_a_place_where_nothing_can_be_written_or_removed_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(BenchError, match=r"cannot be written .*; choose another place with -o"):
        bundle.write(tmp_path / "file" / "mine.zip", b"data")


@pytest.mark.parametrize("reference", ["", "*", "**", "?", "["])
def test_signs_that_a_shell_would_expand_name_no_run(tmp_path: Path, reference: str) -> None:
    bundles.run(tmp_path / "runs", "a")
    with pytest.raises(BenchError, match="is no run"):
        references.resolve(reference, tmp_path / "runs")


@pytest.mark.slow
def test_submit_writes_a_bundle_and_the_entry_of_a_pull_request(tmp_path: Path, bench_main: BenchMain) -> None:
    folder = bundles.run(tmp_path / "runs")
    code, out, err = bench_main("submit", str(folder), "-o", "mine.zip", "--submitter", "Anna", "--json")
    assert (code, err) == (0, [])
    said = json.loads(out[-1])
    entry = json.loads(Path("leaderboards/submissions/numbers/anna/guesser.json").read_text())
    assert entry["run"]["origin"]["bundle"] == said["sha256"]
    assert entry["run"]["origin"]["submitter"] == "Anna"
    assert "verified" not in entry["run"]["origin"]
    assert list(entry["measurements"]["rows"]) == ["f1"]
    assert entry["speed"] == []
    shutil.rmtree("leaderboards")
    code, out, _ = bench_main("submit", "numbers/guesser", "-o", "mine.zip", "--runs", str(tmp_path / "runs"))
    assert out[0].startswith("mine.zip: 1 run, ")
    assert "leaderboards/submissions/numbers/anonymous/guesser.json" in out[1]


@pytest.mark.slow
def test_submit_replaces_an_entry_of_one_s_own_on_demand_and_never_another_s(
    tmp_path: Path, bench_main: BenchMain
) -> None:
    first, other = bundles.run(tmp_path / "runs"), bundles.run(tmp_path / "more", model=bundles.Guesser("b"))
    path = Path("leaderboards/submissions/numbers/anna/guesser.json")

    def submit(folder: Path, submitter: str, *more: str) -> tuple[int, list[str], list[str]]:
        return bench_main("submit", str(folder), "-o", "mine.zip", "--submitter", submitter, *more)

    assert [submit(first, "Anna")[0] for _ in range(2)] == [0, 0]  # the same bytes twice are one entry
    bundle, entry = Path("mine.zip").read_bytes(), path.read_bytes()
    for submitter, said in [
        (
            "Ben",
            "the name 'guesser' is taken by 'Anna' (leaderboards/submissions/numbers/anna/guesser.json); give the model",
        ),
        ("", "the name 'guesser' is taken by 'Anna'"),
        ("anna", "the name 'guesser' is taken by 'Anna'"),
        (
            "Anna",
            "'Anna' has an entry of this name: leaderboards/submissions/numbers/anna/guesser.json, self-reported, of 2",
        ),
        ("\u0410nna", "--submitter: the submitter's name '\\u0410nna' mixes Latin and Cyrillic letters"),
    ]:
        code, out, err = submit(other, submitter, *(["--replace"] if submitter != "Anna" else []))
        assert (code, out, len(err)) == (2, [], 1)
        assert said in err[0]
    assert (Path("mine.zip").read_bytes(), path.read_bytes()) == (bundle, entry)
    code, out, _ = submit(other, "Anna", "--replace")
    assert code == 0
    assert out[1].startswith(f"  replaced {path}, self-reported, of 2")
    assert path.read_bytes() != entry


@pytest.mark.slow
def test_a_submitter_who_is_taken_for_another_is_refused_for_any_model(tmp_path: Path, bench_main: BenchMain) -> None:
    folders = [bundles.run(tmp_path / "runs", name) for name in ("one", "two")]
    assert bench_main("submit", str(folders[0]), "-o", "a.zip", "--submitter", "Anna Lee")[0] == 0
    for name in ("anna lee", "Anna-Lee", "Anna Iee"):
        code, _, err = bench_main("submit", str(folders[1]), "-o", "b.zip", "--submitter", name)
        assert code == 2
        assert f"the submitter '{name}' would be taken for 'Anna Lee'" in err[0]
    assert bench_main("submit", str(folders[1]), "-o", "b.zip", "--submitter", "Anna Lee")[0] == 0


@pytest.mark.slow
def test_submit_says_of_an_interrupted_run_and_of_a_bundle_what_to_do(tmp_path: Path, bench_main: BenchMain) -> None:
    folder = bundles.run(tmp_path / "runs")
    path = bundles.made(tmp_path, folder)
    code, _, err = bench_main("submit", str(path), "-o", "other.zip")
    assert code == 2
    assert "is a bundle already; hand it on as it is" in err[0]
    (folder / "run.json").unlink()
    for reference in (str(folder), "numbers/guesser"):
        code, _, err = bench_main("submit", reference, "-o", "other.zip", "--runs", str(tmp_path / "runs"))
        assert code == 2
        assert "is not complete: it has no run.json; the same `bench run` command goes on with it" in err[0]
    shutil.rmtree(folder)
    assert not Path("other.zip").exists()
