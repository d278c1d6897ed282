"""What `scripts/install.py` tells uv and pip, tried with programs that only write down what they are asked."""

from __future__ import annotations

import doctest
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
PLAN = "Would install 2 packages\n + nvidia-cublas==13.1\n + torch==2.13.0\n"


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("install", ROOT / "scripts/install.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "has_gpu", lambda: False)
    monkeypatch.delenv("TORCH", raising=False)
    for name in ("UV_TORCH_BACKEND", "UV_FIND_LINKS", "UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    return module


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a space, in which pip knows one setting and uv plans CUDA unless it is told a backend or links."""
    made = tmp_path / "a b" / "bin"
    made.mkdir(parents=True)
    program(
        made / "python",
        """case "$*" in *"config list"*) echo "global.find-links='/links'";; *list) echo 'pip 1';; esac""",
    )
    program(
        made / "uv",
        f"""echo "$UV_FIND_LINKS|$UV_TORCH_BACKEND|$*" >> '{made}/asked'
case "$*$UV_TORCH_BACKEND" in *--dry-run*cpu) [ ! -e '{made}/unreachable' ];; *--dry-run*) cat '{made}/plan' >&2;; esac""",
    )
    (made / "plan").write_text(PLAN)
    return made.parent


def program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def asked(folder: Path) -> list[list[str]]:
    return [line.split("|") for line in (folder / "bin/asked").read_text().splitlines()]


def by_uv(install: ModuleType, folder: Path) -> bool:
    return bool(install.Environment(folder).by_uv(str(folder / "bin/uv"), [install.TORCH, "-e", ".[demo]"]))


def test_the_links_of_pip_are_handed_to_uv_and_a_plan_without_cuda_is_installed(
    install: ModuleType, folder: Path
) -> None:
    (folder / "bin/plan").write_text(" + torch==2.13.0+cpu\n")
    assert by_uv(install, folder)
    assert [(links, backend) for links, backend, _ in asked(folder)] == [("/links", ""), ("/links", "")]
    assert "--dry-run" not in asked(folder)[-1][2]


def test_a_plan_with_cuda_is_made_again_for_the_cpu(install: ModuleType, folder: Path) -> None:
    assert by_uv(install, folder)
    assert [backend for _, backend, _ in asked(folder)] == ["", "cpu", "cpu"]


def test_nothing_for_cuda_is_installed_without_a_gpu_unless_it_is_said(
    install: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "bin/unreachable").touch()
    with pytest.raises(install.InstallError, match=r"1 packages for CUDA \(nvidia-cublas.*TORCH=any"):
        by_uv(install, folder)
    assert all("--dry-run" in command for *_, command in asked(folder))
    monkeypatch.setenv("TORCH", "any")
    assert by_uv(install, folder)
    assert asked(folder)[-1][1] == ""


def test_with_a_gpu_the_default_build_is_preferred_to_a_local_one_for_the_cpu(
    install: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "has_gpu", lambda: True)
    assert by_uv(install, folder)
    assert asked(folder)[-1][2].endswith(" torch==2.13.0 -e .[demo]")
    (folder / "bin/plan").write_text(" + torch==2.13.0+cpu\n")
    assert by_uv(install, folder)
    assert asked(folder)[-1][2].endswith(" torch===2.13.0 -e .[demo]")


def test_what_the_user_tells_uv_goes_before_what_pip_is_told(
    install: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cache = {"UV_CACHE_DIR": str(tmp_path / "uv")}
    pip = {"index-url": ["https://pip"], "extra-index-url": ["https://x", "https://y"], "find-links": ["/p", "/q"]}
    own = {"UV_INDEX_URL": "https://mine", "UV_FIND_LINKS": "/mine", "UV_SYSTEM_PYTHON": "1", "UV_LINK_MODE": "copy"}
    assert install.uv_settings(pip, own | cache) == cache | {
        "UV_INDEX_URL": "https://mine",
        "UV_FIND_LINKS": "/mine",
        "UV_INDEX": "https://x https://y",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_LINK_MODE": "copy",
    }


def test_a_home_that_cannot_be_written_leaves_uv_without_a_cache(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install.os, "access", lambda path, mode: False)
    assert install.uv_settings({}, {})["UV_NO_CACHE"] == "1"


def test_pip_is_not_let_to_bring_cuda_either(install: ModuleType, folder: Path) -> None:
    environment = install.Environment(folder)
    program(
        folder / "bin/python",
        f"""echo "$*" >> '{folder}/bin/asked'; case "$*" in *versions*) cat '{folder}/bin/plan';; esac""",
    )
    (folder / "bin/plan").write_text("Available versions: 2.14.1, 2.13.0\n")
    if sys.platform == "linux":
        with pytest.raises(install.InstallError, match="pip would bring"):
            environment.by_pip([install.TORCH, "-e", ".[demo]"])
    (folder / "bin/plan").write_text("Available versions: 2.14.1, 2.13.0+cpu, 2.13.0\n")
    environment.by_pip([install.TORCH, "-e", ".[demo]"])
    assert [line.endswith((install.TORCH, "-e .[demo]")) for line in (folder / "bin/asked").read_text().splitlines()][
        -2:
    ] == [True, True]


def test_an_installation_that_was_cut_short_is_made_anew_and_a_whole_one_is_kept(
    install: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = install.Environment(tmp_path)
    made = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        made.extend(["venv"] if "--clear" in command else [])
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(install, "run", run)
    environment.make()
    environment.done()
    environment.make()  # killed here: the mark stays
    assert made == []
    environment.make()
    assert made == ["venv"]


def test_one_line_says_that_neither_uv_nor_pip_could_install(install: ModuleType, folder: Path) -> None:
    program(folder / "bin/python", "echo 'ERROR: No matching distribution found for torch==2.13.0' >&2; exit 1")
    with pytest.raises(
        install.InstallError, match=r"neither uv nor pip .*No matching distribution.* is there a network"
    ):
        install.Environment(folder).by_pip([install.TORCH])


@pytest.mark.parametrize(("target", "extra"), [("demo", "demo"), ("test", "dev")])
def test_make_installs_by_the_script(target: str, extra: str, tmp_path: Path) -> None:
    command = ["make", "-n", "-f", str(ROOT / "Makefile"), target, f"VENV={tmp_path}/v", "PYTHON=python9"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"python9 scripts/install.py {tmp_path}/v {extra}\n" in done.stdout


@pytest.mark.slow
def test_the_examples_in_the_script_hold(install: ModuleType) -> None:
    outcome = doctest.testmod(install)
    assert outcome.attempted >= 3
    assert outcome.failed == 0
