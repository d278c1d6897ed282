"""The commands that say which of two runs is better."""

from __future__ import annotations

from pathlib import Path

from bench.commands.shared.options.parts import REFERENCE, Commands, runs_option


def add(commands: Commands) -> None:
    """Add `compare` and `check`."""
    compare = commands.add_parser(
        "compare", help="the difference between runs on the same examples, paired and clustered"
    )
    compare.add_argument("references", nargs="+", metavar="RUN", help=f"A B, or A B A B …: {REFERENCE}")
    compare.add_argument("--metric", help="instead of the one that ranks")
    compare.add_argument(
        "--shared", action="store_true", help="where the data differ, compare the examples that both have"
    )
    compare.add_argument("--examples", type=int, default=10, metavar="N", help="how many changed examples to show (10)")
    compare.add_argument(
        "--resamples", type=int, default=10_000, metavar="N", help="of clusters, and of signs (10,000)"
    )
    compare.add_argument("--seed", type=int, default=0)
    runs_option(compare)

    check = commands.add_parser("check", help="gate for CI: exit code 0 PASS, 1 FAIL, 3 INCONCLUSIVE")
    check.add_argument("references", nargs="+", metavar="RUN", help=f"{REFERENCE}; one a task")
    check.add_argument(
        "--against", metavar="BASELINE",
        help="a baseline file, a folder of them, or a run; else leaderboards/baselines/TASK/MODEL.json",
    )  # fmt: skip
    check.add_argument("--update", action="store_true", help="make the runs the new baselines")
    check.add_argument(
        "--margin", type=float, default=0.01, help="how much less of a score is tolerated, as a fraction (0.01)"
    )
    check.add_argument(
        "--speed-margin", type=float, default=0.2, help="how much longer it may take, as a fraction (0.2)"
    )
    check.add_argument("--no-speed", action="store_true", help="judge the score alone")
    for name, what in (
        ("cut", "cut at their limit"),
        ("empty", "empty"),
        ("unparsed", "of no form that the task reads"),
    ):
        check.add_argument(
            f"--max-{name}", metavar="MOST", help=f"how many answers may be {what}: 1%%, 0.01 or a count such as 3"
        )
    check.add_argument("--level", type=float, default=0.05, help="how often PASS or FAIL may be wrong (0.05)")
    check.add_argument("--junit", type=Path, metavar="FILE", help="write the verdicts as JUnit XML")
    check.add_argument("--markdown", type=Path, metavar="FILE", help="append the verdicts to a job's summary")
    runs_option(check)
