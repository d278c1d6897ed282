"""A plugin for pytest: `assert_no_regression(run, baseline)` in a team's own suite.

It is loaded in every pytest session of whoever has the harness installed, so it imports nothing until it is called.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

import pytest


def assert_no_regression(
    run: str | os.PathLike[str],
    baseline: str | os.PathLike[str] | None = None,
    *,
    margin: float = 0.01,
    speed_margin: float | None = None,
    level: float = 0.05,
    inconclusive: str = "fail",
    runs: str | os.PathLike[str] | None = None,
    most: Mapping[str, str | float] | None = None,
) -> None:
    """Fail the test unless the run is surely no worse than its baseline; both are given as `bench check` takes them.

    Without `baseline` it is leaderboards/baselines/TASK/MODEL.json. `margin` is a fraction; with `speed_margin` (0.2: 20 %
    longer) speed is judged too, which makes sense on the machine of the baseline only. Where the data do not decide, the test
    fails with `inconclusive="fail"` and is skipped with `"skip"`. `runs` is the runs directory (else BENCH_RUNS, else runs).
    `most` says how many answers may be "cut", "empty" or "unparsed", as in {"cut": "1%", "empty": 3}.
    Raises BenchError where the two cannot be compared.
    """
    __tracebackhide__ = True
    from pathlib import Path

    from bench.commands.check import judge
    from bench.errors import BenchError
    from bench.judging import verdicts
    from bench.judging.check import Rules
    from bench.judging.ended import limits

    if inconclusive not in ("fail", "skip"):
        raise BenchError(f"inconclusive={inconclusive!r} is neither 'fail' nor 'skip'")
    folder = Path(runs if runs is not None else os.environ.get("BENCH_RUNS", "runs"))
    against = None if baseline is None else os.fspath(baseline)
    found = judge([os.fspath(run)], against, Rules(margin, speed_margin, level, limits(most or {})), folder)
    lines = "\n".join(verdicts.line(check) for check in found if check.verdict.outcome != "PASS")
    outcome = verdicts.outcome(found)
    if outcome == "INCONCLUSIVE" and inconclusive == "skip":
        pytest.skip(lines)
    if outcome != "PASS":
        raise AssertionError(lines)


@pytest.fixture(name="assert_no_regression", scope="session")
def _assert_no_regression() -> Callable[..., None]:
    """The function of this name: `assert_no_regression(run, baseline, margin=0.01)`."""
    return assert_no_regression
