"""The commands of the README and of other pages, run as they stand there, those of a page one after another in one new folder."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = {
    name: (ROOT / name).read_text(encoding="utf-8")
    for name in ("README.md", "docs/tables.md", "docs/data.md", "docs/models.md")
}


def commands() -> list[tuple[str, str]]:
    """The lines of all blocks marked `sh`, each with its page."""
    blocks = [
        (name, one) for name, text in PAGES.items() for one in re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
    ]
    return [(name, line) for name, block in blocks for line in block.split("\n") if line.strip()]


def files(page: str) -> dict[str, str]:
    """The whole files of a page: a block behind a line that ends with the file's path."""
    found = re.findall(r"`([\w/]+\.(?:py|yaml|csv))`\n\n```(?:python|yaml|csv)\n(.*?)```", PAGES[page], flags=re.DOTALL)
    return dict(found)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a page, with its files."""
    known: dict[str, Path] = {}

    def of(page: str) -> Path:
        if page not in known:
            known[page] = made = tmp_path_factory.mktemp("page")
            (made / "tasks").symlink_to(ROOT / "tasks")
            for name, text in files(page).items():
                (made / name).parent.mkdir(parents=True, exist_ok=True)
                (made / name).write_text(text)
                if name.endswith(".py"):
                    (made / name).with_name("__init__.py").write_text("")
        return known[page]

    return of


def _expanded(pattern: str, folder: Path) -> list[str]:
    """What a shell makes of a pattern in that folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.glob(pattern))


@pytest.mark.slow
@pytest.mark.parametrize(("page", "command"), commands())
def test_a_command_of_a_page_works(page: str, command: str, folder: Callable[[str], Path]) -> None:
    here = folder(page)
    words = [found for word in shlex.split(command) for found in (_expanded(word, here) if "*" in word else [word])]
    environment = os.environ | {"BENCH_RUNS": str(here / "runs"), "BENCH_OFFLINE": "1"}
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        environment[name] = value
    assert words[0] == "bench"
    done = subprocess.run(
        [sys.executable, "-m", "bench.cli", *words[1:]], cwd=here, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_every_make_target_of_the_readme_exists() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    used = set(re.findall(r"^    make ([a-z]+)", PAGES["README.md"], flags=re.MULTILINE))
    assert used == {"demo", "test"}
    assert used <= set(targets)


def test_every_file_that_the_documentation_links_to_exists() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    for page in pages:
        for link in re.findall(r"\]\(((?!http)[^)#]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_every_task_model_and_suite_of_the_readme_is_in_conf() -> None:
    for group, name in re.findall(r"\b(task|model|suite)=([a-z0-9_,]+)", PAGES["README.md"]):
        for one in set(name.split(",")) - {"report_qa", "last_number", "loans", "branch_qa"}:
            assert (ROOT / "conf" / group / f"{one}.yaml").exists(), f"{group}={one}"


@pytest.mark.slow
def test_the_files_of_the_readme_are_whole_and_give_what_they_say(folder: Callable[[str], Path]) -> None:
    assert set(files("README.md")) == {
        "report_qa/task.py", "conf/task/report_qa.yaml", "conf/model/my_model.yaml", "report_qa/model.py",
        "conf/model/last_number.yaml", "report_qa/metrics.py", "conf/leaderboards/report_qa.yaml",
    }  # fmt: skip
    assert set(files("docs/tables.md")) == {"data/loans.csv", "conf/task/loans.yaml"}
    script = (
        "from bench import Device\nfrom bench.run import evaluate\nfrom bench.runs.settings import Settings\n"
        "from report_qa.model import LastNumber\nfrom report_qa.metrics import SAYS_NUMBER\nfrom report_qa.task import ReportQA\n"
        "ReportQA.metrics = (*ReportQA.metrics, SAYS_NUMBER)\n"
        "run, _ = evaluate(ReportQA(), LastNumber(), 'last', Device('cpu', 'none'), Settings())\n"
        "print([score.value for score in run.scores])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder("README.md"), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[0.5, 1.0]"


def test_what_can_be_imported_from_bench_is_what_its_stub_and_the_page_say() -> None:
    import bench

    stub = (ROOT / "bench/__init__.pyi").read_text(encoding="utf-8")
    homes = {name: home for homes in (bench._HOMES, bench._MORE) for home, names in homes.items() for name in names}
    assert {name: home for home, name in re.findall(r"from ([\w.]+) import (\w+) as \2", stub)} == homes
    assert re.findall(r'^    "(\w+)",$', stub, flags=re.MULTILINE) == bench.__all__
    assert all(getattr(bench, name) is not None for name in homes)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = bench.nothing
