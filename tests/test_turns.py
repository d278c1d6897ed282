"""What several processes bring into one cache: one at a time, the dead hold nothing, and what changed is named."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench import leases
from bench.artifacts import kept, turn
from bench.artifacts.child import bound
from bench.artifacts.digest import cache_dir, digest
from bench.artifacts.failing import keeping
from bench.artifacts.held import stay_offline
from bench.artifacts.made import made
from bench.artifacts.seals import Sealer
from bench.errors import BenchError

BenchMain = Callable[..., tuple[int, Any, Any]]
HOLD = (
    "import sys, time, pathlib; from bench.artifacts.turn import turn\n"
    "with turn(pathlib.Path(sys.argv[1]), 'fetching', 'x') as folder:\n"
    "    (folder / 'half').write_text('half'); print('held', flush=True); time.sleep(60)\n"
)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(turn, "_SAID_AFTER", 0.0)
    monkeypatch.setattr(turn, "_LOOK", 0.01)


def put(name: str, text: str) -> Path:
    """A file that was put into the cache so long ago that its times are believed."""
    draft, place = cache_dir() / "draft", cache_dir() / name
    draft.parent.mkdir(parents=True, exist_ok=True)
    draft.write_text(text)
    kept.put(draft, place)
    return place


@pytest.mark.slow
def test_a_killed_process_holds_no_turn_and_its_draft_is_cleared(capsys: pytest.CaptureFixture[str]) -> None:
    place = cache_dir() / "https" / "a"
    owner = subprocess.Popen([sys.executable, "-c", HOLD, str(place)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    assert owner.stdout.readline() == "held\n"
    killing = threading.Timer(0.1, owner.kill)
    killing.start()
    with turn.turn(place, "fetching", "x") as folder:
        assert [path.name for path in (cache_dir() / "drafts").iterdir()] == [folder.name]
    said = capsys.readouterr().err
    assert f"waiting for process {owner.pid}, since 20" in said
    assert said.rstrip().endswith(", which is fetching x")
    assert not list((cache_dir() / "drafts").iterdir())
    owner.communicate()


def test_drafts_of_the_dead_are_cleared_by_whoever_brings_another_thing_and_those_of_the_living_are_not() -> None:
    dead = cache_dir() / "drafts" / f"{'d' * 32}-x"
    dead.mkdir(parents=True)
    (cache_dir() / "turns").mkdir()
    (cache_dir() / "turns" / ("d" * 32)).touch()
    with turn.turn(cache_dir() / "a", "fetching", "a") as first, turn.turn(cache_dir() / "b", "fetching", "b"):
        assert first.is_dir()
        assert not dead.exists()


def test_ctrl_c_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    place = cache_dir() / "a"
    with turn.turn(place, "fetching", "a"):
        monkeypatch.setattr(time, "sleep", interrupted)
        with pytest.raises(KeyboardInterrupt), turn.turn(place, "fetching", "a"):
            pass


def test_a_file_system_without_locks_gives_a_turn_to_all_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def none(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", none)
    monkeypatch.setattr(leases, "taken", none)
    with turn.turn(cache_dir() / "a", "fetching", "a"), turn.turn(cache_dir() / "b", "fetching", "b"):
        assert capsys.readouterr().err.count("on a file system without locks") == 1


@pytest.mark.slow
def test_what_is_made_once_is_made_anew_where_a_byte_has_changed(capsys: pytest.CaptureFixture[str]) -> None:
    place, times = cache_dir() / "derived" / "page", []

    def make(draft: Path) -> None:
        times.append(draft)
        draft.write_text("page")

    assert made(place, "drawing", "page", make).read_text() == "page"
    place.write_text("pagf")
    code = f"import pathlib; from bench.artifacts.made import is_there; print(is_there(pathlib.Path({str(place)!r})))"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (other.stdout, len(times)) == ("False\n", 1)
    assert made(place, "drawing", "page", make).read_text() == "page"
    assert len(times) == 2
    assert f"{place} is not what was made; it is made anew" in capsys.readouterr().err


@pytest.mark.parametrize("hidden", [False, True])
def test_a_changed_byte_is_found_and_named_also_with_its_time_put_back(hidden: bool) -> None:
    place, before = put("hub/a/dev.json", "data"), (cache_dir() / "hub/a/dev.json").stat()
    assert kept.is_as_it_was(place)
    place.write_text("datb")
    if hidden:
        os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(BenchError, match=rf"is not what was fetched; delete {place} and fetch it again"):
        kept.refuse_exchanged(place, "hub:o/a@1#dev.json")


def test_a_damaged_record_is_named_with_what_it_is_of() -> None:
    place = put("hub/a/dev.json", "data")
    (record,) = (cache_dir() / "records").iterdir()
    record.write_text(record.read_text().replace(digest(place), "0" * 64))
    with pytest.raises(BenchError, match=rf"{record} is damaged, which says what {place} was .* delete both"):
        kept.refuse_exchanged(place, "hub:o/a@1#dev.json")


def test_a_cache_that_was_copied_keeps_its_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put("hub/a/dev.json", "data")
    (tmp_path / "cache").rename(tmp_path / "other")
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "other"))
    (tmp_path / "other/hub/a/dev.json").write_text("datb")
    assert kept.wrong_with(tmp_path / "other/hub/a/dev.json")


def test_a_damaged_seal_or_digest_is_computed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.artifacts.digest.LARGE", 1)
    path = tmp_path / "data"
    path.write_text("data")
    monkeypatch.setattr(time, "time", lambda: path.stat().st_ctime + 3)  # not fresh any more
    sealer = Sealer()
    right = (sealer.seal(path).sha256, digest(path))
    sealer.keep()
    for folder in ("seals", "digests"):
        (place,) = (cache_dir() / folder).iterdir()
        text = place.read_text()
        assert right[0] in text
        place.write_text(text.replace(right[0], "0" * 64))
    assert (Sealer().seal(path).sha256, digest(path)) == right


def test_verify_reads_every_byte_and_names_what_rotted_behind_the_times(
    bench_main: BenchMain, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = put("hub/a/dev.json", "data")
    assert bench_main("fetch", "--verify")[0] == 0
    place.write_text("datb")
    (record,) = (cache_dir() / "records").iterdir()
    state, found = place.stat(), json.loads(record.read_text())
    found["files"][""][1:] = [state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino]
    found["check"] = kept.check(found["path"], found["files"])
    record.write_text(json.dumps(found))
    assert kept.is_as_it_was(place)  # nothing that a start looks at tells
    code, _, err = bench_main("fetch", "--verify")
    assert code == 1
    assert f"bench: {place} is changed; delete {place} and fetch it again" in err


def test_a_full_disk_is_one_line_also_where_a_library_wraps_it() -> None:
    with (
        pytest.raises(BenchError, match=r"^x cannot be kept in .*\(No space left on device\).*set BENCH_CACHE"),
        keeping("x"),
    ):
        raise RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)")
    with pytest.raises(RuntimeError, match="other"), keeping("x"):
        raise RuntimeError("another reason")


def test_a_program_that_writes_into_the_cache_ends_with_the_process_that_started_it() -> None:
    start = "import subprocess, sys; p = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE); print(p.pid, flush=True); p.wait()"
    words = [*bound("http.server", "0", "--bind", "127.0.0.1")]
    parent = subprocess.Popen(
        [sys.executable, "-c", start, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    end = time.monotonic() + 60
    while _lives(child) and time.monotonic() < end:
        time.sleep(0.02)
    assert not _lives(child)
    parent.wait()
    parent.stdout.close()


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except OSError:
        return False


def test_offline_says_so_to_every_library() -> None:
    stay_offline()
    assert {
        os.environ[name] for name in ("BENCH_OFFLINE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE")
    } == {"1"}


@pytest.mark.slow
def test_a_suite_goes_on_where_one_source_fails_and_lists_it_at_the_end(bench_main: BenchMain) -> None:
    code, _, err = bench_main("fetch", "task=finmm_qa", "model=smollm2", "model.source='file:gone.gguf'")
    assert code == 2
    assert err[-1].startswith("bench: not fetched: model smollm2: file:gone.gguf does not exist")
