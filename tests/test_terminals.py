"""Whatever becomes of what is printed, everything is computed and stored, and the exit code is the command's own."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.cli import main

RUN = ["run", "-m", "task=words", "model=stub", "task.n=3,4", "tracking.enabled=false", "resamples=20"]


class Terminal(io.TextIOWrapper):
    """A terminal of some encoding in memory; `said` is what came there."""

    def __init__(self, encoding: str, errors: str = "strict") -> None:
        self.bytes = io.BytesIO()
        super().__init__(self.bytes, encoding=encoding, errors=errors)

    @property
    def said(self) -> str:
        self.flush()
        return self.bytes.getvalue().decode(self.encoding)


class Failing(io.StringIO):
    """A stream that raises from the `after`-th write on; without `reconfigure`, as many replacements of stdout are."""

    encoding = "ascii"  # type: ignore[assignment]

    def __init__(self, error: Exception, after: int = 0) -> None:
        super().__init__()
        self.error, self.left = error, after

    def write(self, text: str) -> int:
        if not self.left:
            raise self.error
        self.left -= 1
        return super().write(text)


FAULTS = [
    (OSError(errno.EPIPE, "Broken pipe"), 0),
    (OSError(errno.EBADF, "Bad file descriptor"), 0),
    (OSError(errno.ENOSPC, "No space left on device"), 2),
    (OSError(errno.EIO, "Input/output error"), 2),
    (ValueError("I/O operation on closed file"), 2),
]


@pytest.fixture
def runs(own_package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[Path]]:
    monkeypatch.chdir(tmp_path)
    return lambda: sorted(tmp_path.glob("runs/words/*/*/run.json"))


def in_terminal(stream: io.TextIOBase, *arguments: str) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        patch.setattr(sys, "stderr", Terminal("ascii") if isinstance(stream, Terminal) else stream)
        return main(arguments)


@pytest.mark.slow
@pytest.mark.parametrize(("error", "code"), FAULTS, ids=lambda value: str(value)[:12])
@pytest.mark.parametrize("after", [0, 1])
def test_a_sweep_is_computed_whole_whatever_its_stdout_does(
    runs: Callable[[], list[Path]], error: Exception, code: int, after: int
) -> None:
    assert in_terminal(Failing(error, after), *RUN) == code
    assert len(runs()) == 2


NAME = "naïve 模型"


@pytest.mark.parametrize(
    "encoding", ["ascii", *(pytest.param(one, marks=pytest.mark.slow) for one in ("cp1252", "utf-16"))]
)
def test_every_command_speaks_every_encoding(runs: Callable[[], list[Path]], tmp_path: Path, encoding: str) -> None:
    def say(*arguments: str) -> tuple[int, str]:
        return in_terminal(terminal := Terminal(encoding), *arguments), terminal.said

    assert say("run", "task=words", "model=stub", "task.n=3", "tracking.enabled=false", "resamples=20")[0] == 0
    (folder,) = (path.parent for path in runs())
    (tmp_path / "said.json").write_text('{"w0": "naïve – ✓ 😀 \\ud800", "w1": "1", "é\\ud800": "x"}', encoding="utf-8")
    score = ["score", "words", "said.json", "--model", NAME, "task.n=3", "resamples=20"]
    assert say(*score)[0] == 0
    code, said = say(*score, "--json")
    assert (code, json.loads(said)["model"]) == (0, NAME)
    for command in (
        ["board"], ["board", "words"], ["board", "--json"], ["list", "tasks"], ["list", "boards"], ["doctor", "task=finmm_qa"],
        ["rescore", "--all"], ["sync"], ["compare", str(folder), f"words/{NAME}"], ["check", str(folder), "--update"],
        ["check", str(folder), "--no-speed"], ["submit", str(folder), "-o", "a.zip", "--submitter", NAME],
        ["verify", "a.zip"], ["run", "--cfg", "job", "data.path='naïve – ✓'"], ["compare", "naïve – ✓", "x"],
    ):  # fmt: skip
        code, said = say(*command)
        assert code in (0, 1, 2, 3), command
        assert said or code == 2, command


def test_what_a_terminal_has_no_letter_for_is_escaped_unless_the_user_chose_otherwise() -> None:
    found = {}
    for errors in ("strict", "replace", "xmlcharrefreplace", "surrogateescape"):
        with pytest.MonkeyPatch.context() as patch:
            terminal = Terminal("ascii", errors)
            patch.setattr(sys, "stdout", terminal)
            from bench.commands.shared.streams import lasting

            with lasting():
                print("naïve")
            found[errors] = terminal.said
    assert found == {
        "strict": "na\\xefve\n", "replace": "na?ve\n", "xmlcharrefreplace": "na&#239;ve\n", "surrogateescape": "na\\xefve\n",
    }  # fmt: skip


@pytest.mark.slow
def test_a_gate_says_its_verdict_by_the_exit_code_though_nobody_reads(runs: Callable[[], list[Path]]) -> None:
    assert in_terminal(Terminal("utf-8"), *RUN[:-3], "tracking.enabled=false", "resamples=20") == 0
    folder = str(runs()[0].parent)
    assert in_terminal(Terminal("utf-8"), "check", folder, "--update") == 0
    shown = in_terminal(Terminal("utf-8"), "check", folder, "--no-speed")
    gone = OSError(errno.EPIPE, "Broken pipe")
    assert in_terminal(Failing(gone), "check", folder, "--no-speed") == shown
    assert in_terminal(Failing(OSError(errno.ENOSPC, "full")), "check", folder, "--no-speed") == (shown or 2)


@pytest.mark.slow
def test_closed_and_full_streams_end_nothing(tmp_path: Path, own_package: Path) -> None:
    run = f"{sys.executable} -m bench.cli run task=words model=stub task.n=3 resamples=20"
    command = f"{run} runs_dir=a <&- >&- 2>&-; echo $?; {run} runs_dir=b >/dev/full; echo $?"
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "2"]
    assert "bench: stdout cannot be written (No space left on device); what was computed is stored" in done.stderr
    assert len(list(tmp_path.glob("[ab]/words/stub/*/mlflow.json"))) == 2
    for store in tmp_path.glob("[ab]/mlflow.db"):
        assert store.read_bytes().startswith(b"SQLite format 3")
    assert os.listdir(tmp_path / "a")  # noqa: PTH208 - the closed numbers were not given to files
