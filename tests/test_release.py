"""What a release holds, and which licences come with it."""

from __future__ import annotations

import importlib
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
META = "Metadata-Version: 2.4\nName: x\nRequires-Python: >=3.11\nLicense-Expression: MIT\nDescription-Content-Type: text/markdown\n"
FILES = {
    "bench/cli.py": "", "bench/conf/task/a.yaml": "", "x-1.dist-info/METADATA": META, "x-1.dist-info/licenses/LICENSE": "",
    "x-1.dist-info/entry_points.txt": "[console_scripts]\nbench = bench.cli:main\n",
}  # fmt: skip


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return importlib.import_module


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, []),
        ({"bench/conf/task/a.yaml": None}, ["lacks bench/conf/task/a.yaml"]),
        ({"tests/test_x.py": ""}, ["holds tests/test_x.py, which is not in the repository"]),
        ({"bench/left.pyc": ""}, ["holds bench/left.pyc, which is not in the repository"]),
        ({"x-1.dist-info/entry_points.txt": ""}, ["gives no command `bench`"]),
        ({"x-1.dist-info/licenses/LICENSE": None}, ["holds no LICENSE"]),
        ({"x-1.dist-info/METADATA": META.replace("License-Expression: MIT\n", "")}, ["says no License-Expression"]),
    ],
)
def test_a_wheel_holds_what_the_repository_has_and_nothing_else(
    script: Callable[[str], ModuleType], tmp_path: Path, change: dict[str, str | None], said: list[str]
) -> None:
    wheel = tmp_path / "x-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as made:
        for name, text in {**FILES, **change}.items():
            if text is not None:
                made.writestr(name, text)
    files = ["bench/cli.py", "conf/task/a.yaml", "tests/test_x.py", "README.md"]
    assert script("release").problems(wheel, files) == said


@pytest.mark.slow
def test_the_wheel_that_is_built_here_is_whole(script: Callable[[str], ModuleType], tmp_path: Path) -> None:
    release = script("release")
    wheel = release.build(tmp_path, isolated=False)
    assert release.problems(wheel, release.tracked()) == []
    with zipfile.ZipFile(wheel) as opened:
        names = opened.namelist()
    assert {"bench/conf/config.yaml", "bench/leaderboards/finmm_qa.yaml", "tasks/finmm/text/qa.json"} <= set(names)


@pytest.mark.parametrize(
    ("name", "licence", "kind"),
    [
        ("a", "MIT", "permissive"),
        ("a", "Apache-2.0 AND MIT", "permissive"),
        ("a", "GPL-3.0-only OR BSD-3-Clause", "permissive"),  # the user may choose
        ("a", "MPL-2.0 AND MIT", "file"),
        ("a", "Python Software Foundation License; BSD License", "permissive"),
        ("a", "ISC License (ISCL)", "permissive"),
        ("av", "BSD-3-Clause", "copyleft"),  # what it carries
        ("a", "GPL-3.0-only", None),
        ("a", "MIT AND GPL-2.0-or-later", None),
        ("a", "GNU Library or Lesser General Public License (LGPL)", None),
        ("a", "AGPL-3.0", None),
        ("a", "UNKNOWN", None),
        ("a", "", None),
        ("a", "SSPL-1.0", None),
        ("a", "MIT-style but not for commercial use", None),
    ],
)
def test_a_licence_is_known_or_somebody_has_to_read_it(
    script: Callable[[str], ModuleType], name: str, licence: str, kind: str | None
) -> None:
    licences = script("licences")
    if kind is not None:
        assert licences.kind_of(name, licence) == kind
        return
    (line,) = licences.faults({name: (licence, "")}, {"": {name}})
    assert line.startswith(f"{name}: {licence} is not known here; read it")


def test_copyleft_never_comes_with_a_plain_installation(script: Callable[[str], ModuleType]) -> None:
    licences = script("licences")
    stated = {"av": ("BSD-3-Clause", "")}
    assert licences.faults(stated, {"": set(), "audio": {"av"}}) == []
    assert licences.faults(stated, {"": {"av"}}) == ["av: BSD-3-Clause is copyleft, and a plain installation brings it"]


@pytest.mark.slow
def test_the_page_of_licences_lists_all_that_is_installed_here() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/licences.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
