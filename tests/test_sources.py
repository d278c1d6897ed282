"""Where data lie: paths of one's own, the data directory, and sources that are fetched once and pinned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.artifacts import fetch, lock
from bench.artifacts.uri import Source, parse
from bench.data import hub
from bench.data.source import DataSource
from bench.errors import BenchError

FILE, FOLDER = "squad/dev.json", "deft/"


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder, a cache and a lock of the test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("BENCH_LOCK", raising=False)


def filled(*names: str) -> None:
    """Files that hold their own name; a name that ends with a slash is a folder."""
    for name in names:
        path = Path(name)
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.write_text(name)


@pytest.mark.parametrize(
    ("local", "there", "path", "expected"),
    [
        (FILE, ["data/squad/dev.json"], None, "data/squad/dev.json"),
        (FILE, ["data/squad/other.json"], None, None),
        (FILE, ["data/squad/dev.json/"], None, None),  # a folder where a file is due
        (FILE, ["my.json", "data/squad/dev.json"], "my.json", "my.json"),
        (FILE, ["mine/dev.json"], "mine", "mine/dev.json"),
        (FILE, ["mine/squad/dev.json"], "mine", "mine/squad/dev.json"),
        (FILE, ["mine/squad/dev.json", "mine/dev.json"], "mine", "mine/squad/dev.json"),
        (FILE, ["mine/squad/dev.json"], "mine/squad/", "mine/squad/dev.json"),
        ("a/b/c.json", ["mine/b/c.json"], "mine", "mine/b/c.json"),
        (FOLDER, ["data/deft/x"], None, "data/deft"),
        (FOLDER, ["data/deft"], None, None),  # a file where a folder is due
        (FOLDER, ["mine/deft/x"], "mine", "mine/deft"),
        (FOLDER, ["mine/x"], "mine", "mine"),
        (FOLDER, ["mine/x", "mine/deft/x"], "mine", "mine/deft"),
        (FOLDER, ["one.txt"], "one.txt", "one.txt"),  # one file of it: the task says whether it is enough
    ],
)
def test_data_are_found_in_a_path_of_ones_own_or_else_in_the_data_directory(
    local: str, there: list[str], path: str | None, expected: str | None
) -> None:
    filled(*there)
    found = DataSource(local, "data", path).here()
    assert (None if found is None else str(found)) == expected


@pytest.mark.parametrize(
    ("local", "there", "path", "text"),
    [
        (FILE, [], "gone.json", "data.path=gone.json does not exist; give the file or folder that holds squad/dev.json"),
        (FILE, ["mine/other.json"], "mine", "data.path=mine holds no squad/dev.json; give that file or the folder it lies in"),
        (FOLDER, [], "gone", "data.path=gone does not exist; give the file or folder that holds deft/"),
        (FILE, [], None, "data/squad/dev.json does not exist; put it there, or set BENCH_DATA or data.path= to where it is"),
    ],
)  # fmt: skip
def test_data_that_are_not_there_are_one_line_that_says_where(
    local: str, there: list[str], path: str | None, text: str
) -> None:
    filled(*there)
    with pytest.raises(BenchError) as caught:
        DataSource(local, "data", path).read(lambda place: place)
    assert str(caught.value) == text


def test_data_that_no_command_may_fetch_say_how_to_get_them() -> None:
    with pytest.raises(
        BenchError, match=r"^data/deft does not exist; ask the authors, or set BENCH_DATA or data\.path="
    ):
        DataSource(FOLDER, obtain="ask the authors").fetch()


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("file:a b/c#d.json", ("file", "a b/c#d.json", "", "")),
        ("pypi:llm-x==0.1.2#llm_x/m.gguf", ("pypi", "llm-x", "0.1.2", "llm_x/m.gguf")),
        ("hub:owner/name@abc123", ("hub", "owner/name", "abc123", "")),
        ("hub:owner/na.me-1_2@v1.0#data/a b.json", ("hub", "owner/na.me-1_2", "v1.0", "data/a b.json")),
        ("hub:owner/name", ("hub", "owner/name", "", "")),
        ("hub:owner/name#x.json", ("hub", "owner/name", "", "x.json")),
        ("https://h.org/a.json?x=1", ("https", "https://h.org/a.json?x=1", "", "")),
        ("https://h.org/a.zip#in/a.txt", ("https", "https://h.org/a.zip", "", "in/a.txt")),
        ("http://127.0.0.1:80/a", ("https", "http://127.0.0.1:80/a", "", "")),
    ],
)
def test_a_uri_is_read(uri: str, expected: tuple[str, str, str, str]) -> None:
    assert parse(uri) == Source(uri, *expected)


@pytest.mark.parametrize(
    "uri",
    ["", "x.json", "file:", "hub:name", "hub:owner/name@", "pypi:x", "pypi:x==1", "ftp://h/a", "https://", "s3:a/b"],
)
def test_what_is_no_uri_is_refused_with_the_forms_there_are(uri: str) -> None:
    with pytest.raises(
        BenchError, match=r"is none of file:PATH, pypi:PACKAGE==VERSION#PATH, hub:OWNER/NAME@REVISION, htt"
    ):
        parse(uri)


class _Api:
    """The Hub's client as this project uses it: `fails` is what it raises."""

    def __init__(self, fails: Exception | None = None) -> None:
        self.fails, self.asked = fails, []  # type: tuple[Exception | None, list[str]]

    def HfApi(self) -> _Api:
        return self

    def repo_info(self, name: str, **_: Any) -> Any:
        return self._answer(f"info {name}", type("Info", (), {"sha": "f" * 40})())

    def dataset_info(self, name: str, revision: str, **_: Any) -> Any:
        return self._answer(f"rows {name}@{revision}", None)

    def hf_hub_url(self, name: str, inside: str, revision: str, repo_type: str) -> str:
        return f"{name}/{inside}"

    def get_hf_file_metadata(self, url: str, timeout: float) -> Any:
        return type("Metadata", (), {"size": 7})()

    def hf_hub_download(self, name: str, inside: str, local_dir: Path, revision: str, repo_type: str) -> str:
        (local_dir / "got").write_text(f"{repo_type} {name}@{revision} {inside}")
        return str(self._answer(f"file {name}@{revision}#{inside}", local_dir / "got"))

    def _answer(self, question: str, answer: Any) -> Any:
        self.asked.append(question)
        if self.fails:
            raise self.fails
        return answer


@pytest.fixture
def hub_api(monkeypatch: pytest.MonkeyPatch) -> Callable[..., _Api]:
    """Puts a client of the test's own in the place of the Hub's."""

    def make(fails: Exception | None = None) -> _Api:
        api = _Api(fails)
        for module in (fetch, hub):
            monkeypatch.setattr(module, "hub_client", lambda: api)
        return api

    return make


def test_a_hub_file_without_a_revision_is_pinned_at_the_one_it_has(hub_api: Callable[..., _Api]) -> None:
    api = hub_api()
    source = DataSource(FILE, remote="hub:owner/name#a.json")
    expected = f"dataset owner/name@{'f' * 40} a.json"
    assert [source.read(lambda path: path.read_text()) for _ in range(2)] == [expected, expected]
    assert api.asked == ["info owner/name", f"file owner/name@{'f' * 40}#a.json"]
    assert lock.pinned("hub:owner/name#a.json", "revision") == "f" * 40
    assert parse("hub:owner/name#a.json").revision == "f" * 40


@pytest.mark.parametrize(
    "remote", ["hub:owner/name", "hub:owner/name@abc", "hub:owner/name#a.json", "hub:owner/name@abc#a.json"]
)
def test_without_a_network_a_hub_source_is_one_line(hub_api: Callable[..., _Api], remote: str) -> None:
    hub_api(ConnectionError("no route to host\nmore"))
    with pytest.raises(BenchError) as caught:
        DataSource(FILE, remote=remote).read(lambda path: None, lambda rows: None)
    assert str(caught.value).startswith(
        f"data/squad/dev.json does not exist, and {remote} could not be fetched (no route to host)"
    )
    assert "\n" not in str(caught.value)
    assert not Path("bench.lock").exists()


@pytest.mark.parametrize("text", ["{", "[]", '{"a": 1}', "\x00"])
def test_a_damaged_lock_is_one_line(text: str) -> None:
    Path("bench.lock").write_text(text)
    with pytest.raises(BenchError, match=r"^bench\.lock cannot be read .*restore it, or delete it to pin anew$"):
        parse("hub:owner/name")


def test_the_lock_may_lie_elsewhere_and_keeps_what_it_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_LOCK", str(tmp_path / "mine.lock"))
    lock.pin("b", revision="2")
    lock.pin("a", sha256="1")
    assert list(lock.pins()) == ["a", "b"]
    assert (lock.pinned("b", "revision"), lock.pinned("b", "sha256"), lock.pinned("c", "revision")) == ("2", None, None)
    monkeypatch.setenv("BENCH_LOCK", str(tmp_path / "no" / "mine.lock"))
    with pytest.raises(BenchError, match=r"cannot be written .*set BENCH_LOCK to a writable file"):
        lock.pin("a", sha256="1")
