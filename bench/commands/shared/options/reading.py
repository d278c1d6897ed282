"""The commands that run no model."""

from __future__ import annotations

from pathlib import Path

from bench.commands.shared.options.parts import REFERENCE, Commands, level_option, runs_option


def add(commands: Commands) -> None:
    """Add `rescore`, `board`, `list`, `fetch`, `doctor`, `data`, `trace`, `sync` and `status`."""
    rescore = commands.add_parser("rescore", help="today's parser and metrics on stored predictions, without a model")
    rescore.add_argument("references", nargs="*", metavar="RUN", help=REFERENCE)
    rescore.add_argument("--all", action="store_true", help="every run of the runs directory")
    rescore.add_argument("--dry-run", action="store_true", help="say what would change, and write nothing")
    runs_option(rescore)
    level_option(rescore)

    board = commands.add_parser("board", help="print boards and write leaderboards/NAME.md")
    board.add_argument("name", nargs="?", help="the board; all of them without a name")
    board.add_argument("--html", type=Path, metavar="DIR", help="make a site that needs no server and no network")
    board.add_argument("--all-data", action="store_true", help="put data that may not be passed on into the site too")
    board.add_argument(
        "--store", metavar="URI", help="read the runs from this MLflow store instead of the runs directory"
    )
    board.add_argument("--speed", action="store_true", help="print the readings of timing scenarios instead of scores")
    runs_option(board)

    _list(commands)
    completion = commands.add_parser(
        "completion", help="print what bash, zsh or fish reads to complete the words of bench"
    )
    completion.add_argument("shell", choices=["bash", "zsh", "fish"])

    fetch = commands.add_parser("fetch", help="bring the data and weights that a run needs")
    fetch.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="as for run")
    fetch.add_argument(
        "--verify", action="store_true", help="read every byte of the cache, and name the files that have changed"
    )

    doctor = commands.add_parser("doctor", help="what of the data is here, and what is wrong with a task's folder")
    doctor.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="task= data.path= data_dir=")

    _data(commands)

    trace = commands.add_parser("trace", help="when a run did what, as a file for the profilers of browsers")
    trace.add_argument("reference", metavar="RUN", help=REFERENCE)
    trace.add_argument("-o", "--output", type=Path, metavar="FILE", help="the file; else trace-RUN_ID.json")
    runs_option(trace)

    _sync(commands)
    _status(commands)


def _sync(commands: Commands) -> None:
    sync = commands.add_parser("sync", help="log the runs that the MLflow store has missed")
    runs_option(sync)
    level_option(sync)


def _list(commands: Commands) -> None:
    show = commands.add_parser("list", help="what there is to run; filters together narrow it down")
    show.add_argument("kind", choices=["tasks", "models", "suites", "boards", "prices"])
    show.add_argument("--scenario", help="tasks of it: risk, marketing, operations, market, reading")
    show.add_argument(
        "--licence", help="tasks whose data have it: cc, cc0, mit, …; words that it has, or their beginnings"
    )
    show.add_argument("--language", help="tasks in it: en, zh, …")
    show.add_argument("--metric", help="tasks that are scored by it: f1, accuracy, …")
    show.add_argument(
        "--parts", action="append", metavar="PART", help="tasks whose requests hold it: text, row, image, audio, video"
    )
    show.add_argument(
        "--takes", action="append", metavar="PART", help="models that take it: text, row, image, audio, video"
    )
    show.add_argument(
        "--output",
        metavar="OUTPUT",
        help="tasks that ask for it, models that give it: Generate, Span, Choose, Regress, …",
    )
    show.add_argument(
        "--fits", metavar="NAME", help="tasks that this model can answer, or models that can answer this task"
    )


def _status(commands: Commands) -> None:
    status = commands.add_parser("status", help="what runs here, how far it is, and what stopped")
    status.add_argument(
        "reference", nargs="?", metavar="RUN", help="a run's folder, id (or its beginning) or TASK/MODEL: more of it"
    )
    runs_option(status)


def _data(commands: Commands) -> None:
    """The acts of `data`."""
    data = commands.add_parser(
        "data", help="check annotation files, measure agreement, or render documents, voices and videos"
    )
    acts = data.add_acts()
    check = acts.add_parser("check", help="validate a file against an annotation specification")
    check.add_argument("file", type=Path)
    check.add_argument("--spec", required=True, help="text, picture, voice or video")
    check.add_argument(
        "--no-files", action="store_true", help="leave out the pictures, sounds and films beside the file"
    )
    agreement = acts.add_parser("agreement", help="how far annotators agree: Krippendorff's alpha, CCC and likeness")
    agreement.add_argument(
        "files", type=Path, nargs="+", metavar="FILE", help="records with annotations, or a file an annotator"
    )
    agreement.add_argument("--spec", help="text, picture, voice or video; else told by the first record's keys")
    render = acts.add_parser("render", help="render any number of documents, voices or videos with annotations")
    render.add_argument("kind", nargs="?", metavar="KIND", help="documents, voices or videos; documents without it")
    render.add_argument("folder", type=Path)
    render.add_argument("--seed", type=int, default=0, help="other seeds give other documents")
    render.add_argument("--n", type=int, default=100, help="how many")
    croissant = acts.add_parser(
        "croissant", help="write croissant.json: the files of a folder, checksums, records and fields"
    )
    croissant.add_argument("folder", type=Path, help="the folder of the annotation files")
    croissant.add_argument(
        "--name", help="of the data set; else what croissant.json says already, or the folder's name"
    )
    croissant.add_argument("--licence", help="SPDX identifier or address; else what croissant.json says already")
    croissant.add_argument("--description", help="else what croissant.json says already")
