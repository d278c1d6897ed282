"""`bench new`: files to begin with, which work as they are written."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.commands.shared import output
from bench.config import compose as conf
from bench.errors import BenchError
from bench.scaffold import code_files, task_files
from bench.scaffold.naming import refuse_name
from bench.scaffold.rows_out import Wanted
from bench.scaffold.written import Draft, draft, refuse_existing
from bench.text.counted import counted
from bench.text.shown import tell

_FOLDER = "my"  # what is written below the current folder where nothing else is said
_PACKAGES = ("model", "metric", "package")


def main(options: argparse.Namespace) -> int:
    """Write the files, and say what they are and which commands come next."""
    kind, name = options.act, options.name
    root = _root(options)
    vouched = conf.own_conf_dirs()
    with _and_own(root / "conf"), draft(root) as made:
        _refuse(options, root)
        if kind == "board":
            options.task = _task_of_board(options, vouched)
        lines, models = _made(made, options)
        lines += _put_away(made, options) if kind == "task" else []
        made.place()
    written = [str(root / one) for one in made.names]
    commands = _next(kind, name, root, models)
    if options.json:
        output.emit({"kind": kind, "name": name, "files": written, "notes": lines, "next": commands})
        return 0
    for path in written:
        tell(f"wrote {path}")
    for line in lines:
        tell(line)
    tell("next:")
    for command in commands:
        tell(f"  {command}")
    return 0


@contextmanager
def _and_own(folder: Path) -> Iterator[None]:
    """With the folder that is written to before those of `BENCH_CONF`, so that what `bench new` wrote earlier is known."""
    own, before = conf.own_conf_dirs(), os.environ.get("BENCH_CONF")
    place = folder.resolve()
    if not place.is_dir() or place in own or (own and os.pathsep in str(place)):
        yield
        return
    os.environ["BENCH_CONF"] = os.pathsep.join(map(str, (place, *own)))
    try:
        yield
    finally:
        if before is None:
            del os.environ["BENCH_CONF"]
        else:
            os.environ["BENCH_CONF"] = before


def _root(options: argparse.Namespace) -> Path:
    """Below which folder is written: --dir, else that of the first folder of `BENCH_CONF`, else my/; a package is its own."""
    if options.act == "package":
        return Path(options.dir or ".") / str(options.name)
    if options.dir is not None:
        return Path(str(options.dir))
    own = conf.own_conf_dirs()
    return _relative(Path(own[0]).parent) if own else Path(_FOLDER)


def _relative(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _refuse(options: argparse.Namespace, root: Path) -> None:
    """Raise BenchError for a name that cannot be, and where something of it is there already."""
    kind, name = options.act, options.name
    paths = {
        "task": task_files.file_names, "model": code_files.model_names, "metric": code_files.metric_names,
        "board": code_files.board_names, "package": code_files.package_names,
    }  # fmt: skip
    scenario = getattr(options, "scenario", None)
    refuse_name(kind, name, (), is_package=False)
    there = code_files.suite_names(name, scenario) if kind == "suite" else paths[kind](name)
    refuse_existing(root, there, force=options.force)
    is_own = any(os.path.lexists(root / one) for one in there)  # which --force writes over
    refuse_name(kind, name, () if is_own else _taken(kind), is_package=kind in _PACKAGES and not is_own)
    if kind == "package" and root.exists() and not options.force and any(root.iterdir()):
        raise BenchError(f"{root} exists and is not empty; choose another name or --dir, or write into it with --force")


def _taken(kind: str) -> Sequence[str]:
    """The names of this kind that there are."""
    if kind in ("task", "model", "suite"):
        return list(conf.names(kind))
    if kind == "board":
        from bench.commands.shared import boards

        own = {path.stem for folder in conf.own_conf_dirs() for path in (folder / "task").glob("*.yaml")}
        others = set(conf.names("task")) - own  # the board of a task of one's own may have its name
        return [*boards.of_files(), *others, *(path.stem for path in boards.suites())]
    return []


def _made(made: Draft, options: argparse.Namespace) -> tuple[list[str], str]:
    """Make the files; lines on what they are, and models that can run on them."""
    kind, name = options.act, options.name
    if kind == "task":
        found = task_files.make_task(made, _asked(options))
        part = f", evaluated: {found.n_examples:,}" if found.n_examples < found.n_rows else ""
        return [f"{counted(found.n_rows, 'row')}{part}", *found.notes], "oracle,constant,random"
    if kind == "suite":
        tasks = [one for one in (options.tasks or "").split(",") if one]
        every = code_files.make_suite(made, name, tasks, options.scenario)
        return [f"tasks: {', '.join(every)}"], "oracle,constant,minilm"
    if kind == "board":
        code_files.make_board(made, name, options.task)
        return [f"task: {options.task}"], options.task
    {"model": code_files.make_model, "metric": code_files.make_metric, "package": code_files.make_package}[kind](
        made, name
    )
    return [], name


def _task_of_board(options: argparse.Namespace, vouched: Sequence[Path]) -> str:
    """The task that is said, else the one called like the board.

    Raises BenchError where there is none, and for one whose class lies beside a folder that `BENCH_CONF` does not name: who sets it
    vouches for that code.
    """
    task = str(options.task or options.name)
    if (path := conf.file_of("task", task)) is None:
        if options.task is not None:
            return task  # which is refused with the nearest name
        raise BenchError(
            f"bench new board {task}: no task is called so; say --task NAME (`bench list tasks` shows what there is)"
        )
    folder = path.parents[1]
    package = str(conf.choice("task", task).get("_target_", "")).partition(".")[0]
    if folder not in (*vouched, *conf.conf_dirs()[len(conf.own_conf_dirs()) :]) and (folder.parent / package).is_dir():
        raise BenchError(
            f"task '{task}' is code in {_relative(folder.parent / package)}, which is run for those that BENCH_CONF names; "
            f"export BENCH_CONF={shlex.quote(str(_relative(folder)))} first"
        )
    return task


def _put_away(made: Draft, options: argparse.Namespace) -> list[str]:
    """Mark rows of an earlier task of this name to be taken away if the new one reads others; lines on that and what is left."""
    root, name = made.root, options.name
    source = Path(options.file or "")
    others = [one for one in task_files.file_names(name) if one not in made.names and (root / one).is_file()]
    kept = [one for one in others if source.is_file() and source.samefile(root / one)]
    made.gone = [one for one in others if one not in kept]
    files = sorted(str(one.relative_to(root)) for one in (root / "data" / name).rglob("*") if one.is_file())
    left = kept + [one for one in files if one not in (*made.names, *made.gone, *kept)]
    lines = [f"took away {root / one}, the rows of the task before" for one in made.gone]
    if left:
        more = f" and {len(left) - 1:,} more" if len(left) > 1 else ""
        lines.append(f"the task does not read {root / left[0]}{more}; take away what is not to be passed on with it")
    return lines


def _asked(options: argparse.Namespace) -> task_files.Asked:
    """What is told of a task; raises BenchError for columns that are not ROLE=NAME."""
    columns: dict[str, str] = {}
    for pair in filter(None, (options.columns or "").split(",")):
        role, equals, column = pair.partition("=")
        if not (role and equals and column):
            raise BenchError(
                f"--columns {options.columns}: found {pair!r}, expected ROLE=NAME, as in question=q,answer=a"
            )
        if role.strip() in columns:
            raise BenchError(f"--columns {options.columns}: {role.strip()!r} comes twice; name one column for it")
        columns[role.strip()] = column.strip()
    asked = task_files.Asked(
        options.name, options.file, options.kind, columns, tuple(filter(None, (options.header or "").split(","))), options.split,
        Wanted(options.unanswerable, options.first_option, options.answers), task_files.CARDS.get(options.scenario or "", ""),
    )  # fmt: skip
    if options.scenario and options.file is None:
        if options.kind not in (None, task_files.SCENARIOS[options.scenario][0][1]):
            raise BenchError(
                f"--scenario {options.scenario} has an example of its own kind; leave --kind out, or give --from FILE"
            )
        return task_files.of_scenario(asked, options.scenario)
    if options.file is None and (columns or options.header or asked.wanted != Wanted()):
        raise BenchError(
            "--columns, --header, --unanswerable, --answers and --first-option speak of a file; give it with --from"
        )
    return asked


def _next(kind: str, name: str, root: Path, models: str) -> list[str]:
    """The commands that come next, as a shell in this folder takes them."""
    place = shlex.quote(str(root / "conf"))
    own = [one for one in conf.own_conf_dirs() if one == (root / "conf").resolve()]
    export = [] if own or kind == "package" else [f"export BENCH_CONF={place}{_and_others()}"]
    tests = shlex.quote(str(root / "tests"))
    steps: Mapping[str, list[str]] = {
        "task": [f"bench try task={name}", f"bench run -m task={name} model={models}", f"bench board {name}"],
        "suite": [f"bench run -m suite={name} model={models}", f"bench board {name}"],
        "board": [f"bench run task={models} model=constant limit=20", f"bench board {name}"],
        "model": [f"bench run task=finmm_qa model={name} limit=20", "bench board finmm_qa"],
        "metric": [f"bench run task={name}_qa model=lexical limit=20", f"bench board {name}_qa"],
        "package": [f"pip install --no-deps -e {shlex.quote(str(root))}", f"bench run task={name}_qa model={name}_model"],
    }  # fmt: skip
    return [*export, *steps[kind], f"python -m pytest {tests}"]


def _and_others() -> str:
    """The folders that `BENCH_CONF` names already, behind a colon."""
    return "".join(f"{os.pathsep}{shlex.quote(str(_relative(one)))}" for one in conf.own_conf_dirs())
