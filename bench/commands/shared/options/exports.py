"""The commands that write runs in the formats of others."""

from __future__ import annotations

from pathlib import Path

from bench.commands.shared.options.parts import REFERENCE, Commands, runs_option

FORMATS = ("csv", "parquet", "latex", "markdown", "eee", "hf-eval-results", "model-index", "mteb")
RELATIONSHIPS = ("first_party", "third_party", "collaborative", "other")


def add(commands: Commands) -> None:
    """Add `export` and `card`."""
    export = commands.add_parser("export", help="runs as a table, or in the format of a hub or another harness")
    export.add_argument("references", nargs="+", metavar="RUN", help=REFERENCE)
    export.add_argument("--to", required=True, choices=FORMATS, metavar="FORMAT", help=", ".join(FORMATS))
    export.add_argument(
        "-o",
        "--output",
        default="-",
        metavar="FILE",
        help="the file, or a folder for a file each; - (the default) is stdout",
    )
    export.add_argument(
        "--metric", action="append", default=[], metavar="NAME",
        help="this one only, may be given again; else all, in a table and where one counts that which ranks",
    )  # fmt: skip
    export.add_argument("--dataset", metavar="OWNER/NAME", help="hf-eval-results: the benchmark's data set on the Hub")
    export.add_argument("--task-id", metavar="ID", help="hf-eval-results: its task there; else the task's name here")
    export.add_argument("--organization", metavar="NAME", help="eee: who made the evaluation")
    export.add_argument("--relationship", choices=RELATIONSHIPS, help="eee: of who made it to the model (other)")
    runs_option(export)

    card = commands.add_parser(
        "card", help="a section for a model card: scores, what they stand on, how to repeat them"
    )
    card.add_argument("references", nargs="+", metavar="RUN", help=f"{REFERENCE}; of one model")
    card.add_argument(
        "--append", type=Path, metavar="MODEL_CARD.md",
        help="put it into this card, in the place of the run's earlier section, and the scores into its front matter",
    )  # fmt: skip
    runs_option(card)
