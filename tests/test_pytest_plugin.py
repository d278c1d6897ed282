"""Tests of the plugin for pytest: a session of somebody's own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.errors import BenchError
from bench.pytest_plugin import assert_no_regression
from bench.record import Run
from bench.runs import measurements
from bench.runs.folder import RunFolder
from bench.runs.measurements import Measurements

N = 400


def save(make: Callable[..., Run], runs: Path, share: float, n: int = N) -> Path:
    """A run with this share of its answers right."""
    run = make(f"m{share}-{n}", value=share, n_examples=n)
    folder = RunFolder(runs / run.task / run.model / run.run_id)
    ids = tuple(f"q{i}" for i in range(n))
    right = (np.arange(n) % 10 < 10 * share).astype(np.float64)
    with folder.opened("{}\n"):
        measurements.write(folder.path, Measurements(ids, ids, ids, frozenset(), {"f1": right[:, None]}))
        folder.finish(run)
    return folder.path


@pytest.mark.slow
def test_it_says_nothing_of_equal_runs_and_gives_the_line_of_a_worse_one(
    run_record: Callable[..., Run], tmp_path: Path
) -> None:
    good, bad, few = (save(run_record, tmp_path, share, n) for share, n in ((0.8, N), (0.5, N), (0.8, 20)))
    assert_no_regression(good, good)
    assert_no_regression(good, str(bad), margin=0.02)
    with pytest.raises(AssertionError, match=r"^FAIL  squad_v1 / m0.5-400 score: f1 50.0, baseline \(m0.8-400\) 80.0"):
        assert_no_regression(bad, good)
    with pytest.raises(AssertionError, match=r"^INCONCLUSIVE  "):
        assert_no_regression(few, good)
    with pytest.raises(pytest.skip.Exception, match=r"^INCONCLUSIVE  .*examples are needed"):
        assert_no_regression(few, good, inconclusive="skip")
    with pytest.raises(AssertionError, match="speed: the run was brought"):
        assert_no_regression(good, good, speed_margin=0.2)
    with pytest.raises(BenchError, match="inconclusive='never' is neither"):
        assert_no_regression(good, good, inconclusive="never")
    with pytest.raises(BenchError, match="the margin is -1"):
        assert_no_regression(good, good, margin=-1)


_SUITE = """
from bench.pytest_plugin import assert_no_regression


def test_same(assert_no_regression):
    assert_no_regression({good!r}, {good!r}, margin=0.01)


def test_worse():
    assert_no_regression({bad!r}, {good!r})


def test_few():
    assert_no_regression({few!r}, {good!r}, inconclusive="skip")
"""


@pytest.mark.slow
def test_a_suite_of_somebodys_own_passes_fails_and_skips(run_record: Callable[..., Run], tmp_path: Path) -> None:
    good, bad, few = (str(save(run_record, tmp_path, share, n)) for share, n in ((0.8, N), (0.5, N), (0.8, 20)))
    (tmp_path / "test_own.py").write_text(_SUITE.format(good=good, bad=bad, few=few))
    words = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "bench.pytest_plugin",
        "-p",
        "no:cacheprovider",
        "-rs",
        "test_own.py",
    ]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert "1 failed, 1 passed, 1 skipped" in done.stdout
    assert "AssertionError: FAIL  squad_v1 / m0.5-400 score" in done.stdout
    assert (
        "pytest_plugin.py" not in done.stdout.split("short test summary")[0].split("FAILURES")[1]
    )  # the test's own line is shown
    assert "INCONCLUSIVE  squad_v1 / m0.8-20 score" in done.stdout


@pytest.mark.slow
def test_it_imports_nothing_heavy() -> None:
    code = "import pytest, sys; before = set(sys.modules); import bench.pytest_plugin; print(sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['bench', 'bench.pytest_plugin']"
