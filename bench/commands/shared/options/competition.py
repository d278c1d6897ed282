"""The command of the competition DAWNBench."""

from __future__ import annotations

from pathlib import Path

from bench.commands.shared.options.parts import REFERENCE, Commands, runs_option


def add(commands: Commands) -> None:
    """Add `dawnbench`."""
    dawnbench = commands.add_parser(
        "dawnbench", help="entries of DAWNBench: onto its boards, or out of own measurements"
    )
    acts = dawnbench.add_acts()
    brought = acts.add_parser("import", help="check entries and keep them for `bench board dawnbench`")
    brought.add_argument("path", type=Path, help="an entry's JSON file, or a folder in the competition's layout")
    brought.add_argument(
        "--replace", action="store_true", help="put a changed entry in the place of the kept one of its name"
    )
    runs_option(brought)

    made = acts.add_parser("export", help="write a training, or a timed run, as an entry")
    made.add_argument("reference", metavar="RUN|TRAINING", help=f"a training's folder or id, or {REFERENCE}")
    made.add_argument(
        "-o", "--output", type=Path, default=Path(), metavar="DIR", help="below it DATASET/train or DATASET/inference"
    )
    made.add_argument("--author", help="who stands behind the entry; else BENCH_AUTHOR")
    made.add_argument("--author-email", metavar="EMAIL", help="how to reach them; else BENCH_AUTHOR_EMAIL")
    made.add_argument("--framework", help="what computed; else what the record says")
    made.add_argument("--hardware", help="the machine, best with provider and instance; else what the record says")
    made.add_argument(
        "--model", dest="model_name", metavar="NAME", help="the model's name on the board; else that of the run"
    )
    made.add_argument("--code-url", metavar="URL", help="where the code is")
    made.add_argument("--seed", type=int, help="which seed's curve of a training; else the middle one by time")
    made.add_argument(
        "--cost", action="store_true", help="fail where there is no price; else an entry has no cost then"
    )
    made.add_argument("--sample", action="store_true", help="allow a latency that was measured on a part of the items")
    made.add_argument(
        "--replace", action="store_true", help="put it in the place of an entry of this name that is another"
    )
    runs_option(made)
