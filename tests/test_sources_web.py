"""Files on the web: fetched once, pinned, taken out of archives, and refused when they change."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from bench.artifacts import lock
from bench.artifacts.digest import digest
from bench.artifacts.fetch import locate
from bench.data.source import DataSource
from bench.errors import BenchError

FILE, FOLDER = "squad/dev.json", "deft/"


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder, a cache and a lock of the test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("BENCH_LOCK", raising=False)


class _Server(HTTPServer):
    """Serves `files` by path and counts what was asked."""

    files: dict[str, bytes]
    asked: list[str]


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        body = self.server.files.get(self.path)
        self.send_response(200 if body is not None else 404)
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[_Server]:
    """A web server on this machine."""
    found = _Server(("127.0.0.1", 0), _Handler)
    found.files, found.asked = {}, []
    thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield found
    found.shutdown()
    found.server_close()
    thread.join()


def address(server: _Server, path: str) -> str:
    return f"http://127.0.0.1:{server.server_port}{path}"


def zipped(**members: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "/"), text)
    return buffer.getvalue()


def test_a_file_on_the_web_is_fetched_once_and_pinned(server: _Server, capsys: pytest.CaptureFixture[str]) -> None:
    server.files["/a.json?v=1"] = b"{}"
    uri = address(server, "/a.json?v=1")
    source = DataSource(FILE, remote=uri)
    assert [source.read(lambda path: path.read_text()) for _ in range(2)] == ["{}", "{}"]
    assert server.asked == ["/a.json?v=1"]
    pin = json.loads(Path("bench.lock").read_text())[uri]
    assert pin["sha256"] == digest(locate(uri))
    assert set(pin) == {"sha256", "fetched"}
    said = capsys.readouterr().err.splitlines()
    assert [line.startswith("bench: ") for line in said] == [True, True]
    assert "is pinned at sha256" in said[1]
    assert "it was not checked before" in said[1]


def test_a_file_or_folder_in_a_zip_archive_on_the_web_is_taken_out_of_it(server: _Server) -> None:
    server.files["/a.zip"] = zipped(in__a="one", in__sub__b="two", other="three")
    assert locate(address(server, "/a.zip#in/a")).read_text() == "one"
    folder = locate(address(server, "/a.zip#in"))
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()) == ["a", "sub/b"]


@pytest.mark.parametrize(
    ("body", "text"), [(zipped(a="x"), "the archive holds no in/a"), (b"x", "is not a zip archive")]
)
def test_an_archive_that_does_not_hold_it_is_one_line(server: _Server, body: bytes, text: str) -> None:
    server.files["/a.zip"] = body
    with pytest.raises(BenchError, match=text):
        locate(address(server, "/a.zip#in/a"))
    assert not Path("bench.lock").exists()


def test_an_address_that_later_serves_something_else_is_refused(
    server: _Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.files["/a.json"] = b"{}"
    uri = address(server, "/a.json")
    locate(uri)
    before = Path("bench.lock").read_bytes()
    server.files["/a.json"] = b"[]"
    monkeypatch.setenv("BENCH_CACHE", "another")
    with pytest.raises(BenchError, match=r"has sha256 4f53cda18c2baa0c…, expected 44136fa355b3678a…"):
        locate(uri)
    assert Path("bench.lock").read_bytes() == before
    left = [path for path in Path("another").rglob("*") if path.is_file()]
    assert {path.parent.name for path in left} <= {"turns"}  # what was refused is not kept


def test_a_file_in_the_cache_is_checked_against_the_lock_of_this_folder(server: _Server) -> None:
    server.files["/a.json"] = b"{}"
    uri = address(server, "/a.json")
    locate(uri)
    lock.pin(uri, sha256="0" * 64)
    with pytest.raises(BenchError, match="expected 0000000000000000…"):
        locate(uri)


def test_a_digest_that_the_configuration_gives_needs_no_lock(server: _Server) -> None:
    server.files["/a.json"] = b"{}"
    sha256 = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert locate(address(server, "/a.json"), sha256=sha256).read_text() == "{}"
    assert not Path("bench.lock").exists()


def test_offline_nothing_is_asked(server: _Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_OFFLINE", "1")
    server.files["/a.json"] = b"{}"
    for uri, text in (
        (address(server, "/a.json"), "is not in"),
        ("hub:owner/name#a.json", "is not pinned in bench.lock"),
    ):
        with pytest.raises(
            BenchError, match=rf"^data/squad/dev\.json does not exist, and {uri} {text} .*--offline forbids"
        ):
            DataSource(FILE, remote=uri).fetch()
    assert server.asked == []


@pytest.mark.parametrize("path", ["/gone.json", None])
def test_an_address_that_answers_nothing_is_one_line(server: _Server, path: str | None) -> None:
    uri = address(server, path) if path else "http://127.0.0.1:9/a.json"
    with pytest.raises(BenchError, match=r"could not be fetched \(.*\); check the network, or") as caught:
        locate(uri)
    assert "\n" not in str(caught.value)


def test_a_model_in_the_cache_that_was_exchanged_is_not_taken(server: _Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("/a.bin", "/b.bin"):
        server.files[name] = b"weights"
    one, other = (locate(address(server, name), sha256=None) for name in ("/a.bin", "/b.bin"))
    monkeypatch.setenv("BENCH_LOCK", "another.lock")  # which has no pin of them
    one.write_bytes(b"exchanged")
    with pytest.raises(BenchError, match=r"a.bin in the cache is not what was fetched; delete .* and fetch it again"):
        locate(address(server, "/a.bin"))
    assert locate(address(server, "/b.bin")) == other
