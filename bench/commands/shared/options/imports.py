"""The command that makes runs of other harnesses' logs."""

from __future__ import annotations

from pathlib import Path

from bench.commands.shared.options.parts import Commands, Parser

_ACTS = (
    ("lm-eval", "SAMPLES.jsonl", "lm-evaluation-harness 0.4: the samples of --log_samples"),
    ("inspect", "LOG.eval", "inspect_ai 0.3: its .eval or JSON log"),
    ("eee", "FILE", "Every Eval Ever 0.3: the aggregate .json, or the samples' .jsonl"),
    ("helm", "DIR", "HELM: the folder of one run"),
    ("mteb", "FILE", "MTEB: a task's JSON, which holds figures and no samples"),
)


def add(commands: Commands) -> None:
    """Add `import`, with an act a harness."""
    made = commands.add_parser("import", help="make runs of other harnesses' logs: lm-eval, inspect, eee, helm, mteb")
    acts = made.add_acts()
    for name, what, told in _ACTS:
        act = acts.add_parser(name, help=told)
        act.add_argument("path", type=Path, metavar=what)
        act.add_argument(
            "overrides", nargs="*", metavar="KEY=VALUE",
            help="task= a task of ours, by whose parser and metrics its answers are scored; limit= seed= resamples= runs_dir=",
        )  # fmt: skip
        _more(act, name)


def _more(act: Parser, name: str) -> None:
    if name == "lm-eval":
        act.add_argument(
            "--results", type=Path, metavar="FILE", help="results_TIME.json; else the one that lies beside the samples"
        )
    if name == "eee":
        act.add_argument("--evaluation", metavar="NAME", help="which evaluation of a file that holds several")
    act.add_argument("--model", help="the name on the board; else that of the log")
    act.add_argument("--metric", metavar="NAME", help="the metric of the log's own task that ranks; else its first")
    if name != "mteb":
        act.add_argument(
            "--cluster",
            metavar="FIELD",
            help="the field of the data that samples of one cluster share, such as context",
        )
        for way in ("less", "more"):
            act.add_argument(
                f"--{way}-is-better", action="append", default=[], metavar="METRIC",
                help=f"a metric of the log's own task of which {way} is better, where the log does not say and its name misleads",
            )  # fmt: skip
        act.add_argument("--paired", action="store_true", help="with task=: leave out our examples that the log lacks")
    act.add_argument("--fresh", action="store_true", help="keep the earlier record of the same log beside the new one")
