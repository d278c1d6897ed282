"""The tutorial's commands, one after another in one new folder, with the file that it shows."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "tutorial.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_each_command_of_the_tutorial_works_after_those_before_it(tmp_path: Path) -> None:
    shown = re.findall(r"`([\w/]+\.csv)`\n\n```csv\n(.*?)```", PAGE, flags=re.DOTALL)
    assert [name for name, _ in shown] == ["questions.csv"]
    for name, text in shown:
        (tmp_path / name).write_text(text)
    blocks = re.findall(r"```sh\n(.*?)```", PAGE, flags=re.DOTALL)
    lines = [line for block in blocks for line in block.split("\n") if line.strip()]
    assert len(lines) > 10
    for line in lines:
        words, environment = (
            shlex.split(line),
            os.environ | {"BENCH_RUNS": str(tmp_path / "runs"), "BENCH_OFFLINE": "1"},
        )
        while "=" in words[0]:
            name, _, value = words.pop(0).partition("=")
            environment[name] = value
        assert words[0] == "bench"
        command = [sys.executable, "-m", "bench.cli", *words[1:]]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        assert done.stdout.strip(), line
