"""The commands by which runs change hands."""

from __future__ import annotations

from pathlib import Path

from bench.commands.shared.options.parts import REFERENCE, Commands, runs_option


def add(commands: Commands) -> None:
    """Add `submit` and `verify`."""
    submit = commands.add_parser("submit", help="make a bundle of runs that others can verify")
    submit.add_argument("references", nargs="+", metavar="RUN", help=REFERENCE)
    submit.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the bundle, a .zip")
    submit.add_argument("--submitter", default="", help="who stands behind it: a name or an address")
    submit.add_argument(
        "--replace", action="store_true", help="put it in the place of your own earlier entry of this name"
    )
    runs_option(submit)

    verify = commands.add_parser("verify", help="score the predictions of bundles again, on your own data")
    verify.add_argument("bundles", nargs="+", type=Path, metavar="FILE")
    verify.add_argument("--data-dir", type=Path, metavar="DIR", help="instead of BENCH_DATA")
    verify.add_argument(
        "--add", action="store_true", help="put what is verified into the runs directory and leaderboards/submissions"
    )
    verify.add_argument(
        "--replace", action="store_true", help="with --add: in the place of the same submitter's earlier entry"
    )
    verify.add_argument(
        "--rerun",
        type=int,
        metavar="N",
        help="run the named public model again on N examples, and compare answers and speed",
    )
    verify.add_argument("--seed", type=int, help="of the choice of these examples; else one that nobody could know")
    verify.add_argument("--offline", action="store_true", help="open no connection; what is not there is an error")
    runs_option(verify)
