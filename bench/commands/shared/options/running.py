"""The commands by which models and submissions come to scores."""

from __future__ import annotations

from pathlib import Path

from bench.commands.shared.options.parts import Commands, level_option, runs_option


def add(commands: Commands) -> None:
    """Add `run`, `merge`, `train` and `score`."""
    run = commands.add_parser("run", help="evaluate models on tasks; resumes what was interrupted")
    run.add_argument(
        "overrides", nargs="*", metavar="KEY=VALUE", help="Hydra overrides: task= model= suite= limit= device= …"
    )
    run.add_argument("-m", "--multirun", action="store_true", help="run every combination of a,b,c values")
    run.add_argument("--fresh", action="store_true", help="start anew even if the run is there")
    run.add_argument(
        "--strict",
        action="store_true",
        help="a run that was computed under other versions of what computes is another run",
    )
    run.add_argument(
        "--reuse", action="store_true", help="a new run takes over what earlier ones answered to the very same requests"
    )
    run.add_argument("--offline", action="store_true", help="open no connection; what is not there is an error")
    level_option(run)
    run.add_argument("--cfg", choices=["job"], help="print the composed configuration and stop")

    merge = commands.add_parser("merge", help="make the one run of the parts that `bench run shard=…` answered")
    merge.add_argument("reference", metavar="RUN", help="its folder, its id or the beginning of that, or TASK/MODEL")
    runs_option(merge)
    level_option(merge)

    train = commands.add_parser(
        "train", help="train a model to a target: how long it takes; goes on where it was killed"
    )
    train.add_argument(
        "overrides", nargs="*", metavar="KEY=VALUE",
        help="task= model= target=METRIC:VALUE seeds= limit_seconds= train.learning_rate= train.batch_size= train.epochs= …",
    )  # fmt: skip
    train.add_argument("--fresh", action="store_true", help="train anew even if it is there")
    train.add_argument("--offline", action="store_true", help="open no connection; what is not there is an error")
    level_option(train)

    score = commands.add_parser(
        "score", help="score a submission in the task's official format, or a predictions.jsonl"
    )
    score.add_argument("task", help="`bench list tasks` shows them")
    score.add_argument("predictions", type=Path, help="the file or folder; FILE@SYSTEM where one file holds several")
    score.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="resamples= seed= limit= runs_dir= task.… ")
    score.add_argument("--data", type=Path, help="the file or folder of the task's data, instead of BENCH_DATA")
    score.add_argument("--na-prob", type=Path, metavar="FILE", help="probabilities of no answer (SQuAD 2.0)")
    score.add_argument("--model", help="the name on the board; else that of the file")
    score.add_argument("--submitter", help="who asks, where the references are held out; else the model's name")
    score.add_argument(
        "--fresh", action="store_true", help="keep the earlier record of the same file beside the new one"
    )
