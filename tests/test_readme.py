"""The README's commands, run as they stand there, one after another in one new folder."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands() -> list[str]:
    """The lines of all blocks marked `sh`."""
    blocks = re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("readme")
    (made / "tasks").symlink_to(ROOT / "tasks")
    return made


def _expanded(pattern: str, folder: Path) -> list[str]:
    """What a shell makes of a pattern in that folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.glob(pattern))


@pytest.mark.slow
@pytest.mark.parametrize("command", commands())
def test_a_command_of_the_readme_works(command: str, folder: Path) -> None:
    words = [found for word in shlex.split(command) for found in (_expanded(word, folder) if "*" in word else [word])]
    assert words[0] == "bench"
    environment = os.environ | {"BENCH_RUNS": str(folder / "runs"), "BENCH_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "bench.cli", *words[1:]], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_every_make_target_of_the_readme_exists() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    used = set(re.findall(r"^    make ([a-z]+)", README, flags=re.MULTILINE))
    assert used == {"demo", "test"}
    assert used <= set(targets)


def test_every_file_that_the_documentation_links_to_exists() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    for page in pages:
        for link in re.findall(r"\]\(((?!http)[^)#]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_every_task_model_and_suite_of_the_readme_is_in_conf() -> None:
    for group, name in re.findall(r"\b(task|model|suite)=([a-z0-9_,]+)", README):
        for one in name.split(","):
            assert (ROOT / "conf" / group / f"{one}.yaml").exists(), f"{group}={one}"
