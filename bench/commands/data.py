"""`bench data check`, `bench data agreement`, `bench data render` and `bench data croissant`."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path

from bench.commands.shared import output
from bench.config import compose as conf
from bench.errors import BenchError
from bench.text.shown import tell

# What can be rendered: the task that does it, the name of its number and of its seed, and what lies in the folder then.
_RENDERED = {
    "documents": ("finmm_docvqa", "documents", "document_seed", "images/, annotations.jsonl, docvqa.json"),
    "voices": ("finmm_speech", "utterances", "utterance_seed", "sounds/, annotations.jsonl"),
    "videos": ("finmm_video_emotion", "clips", "clip_seed", "VIDEO/UTTERANCE.mp4, annotations.jsonl, omg_*.csv"),
}


def main(options: argparse.Namespace) -> int:
    """One act of `bench data`."""
    acts = {"check": _check, "agreement": _agreement, "render": _render, "croissant": _croissant}
    return acts[options.act](options)


def _check(options: argparse.Namespace) -> int:
    """Print every problem with file, line, field and rule; 1 if there is one."""
    from bench.data.check import check_file, format_problem
    from bench.models.sound import opened

    reads = importlib.util.find_spec("av") is not None
    problems = check_file(
        options.file, options.spec, check_images=not options.no_files, opened=opened if reads else None
    )
    note = _unseen(options, reads)
    if options.json:
        output.emit(
            {
                "file": str(options.file),
                "problems": [vars(problem) | {"file": str(problem.file)} for problem in problems],
                "not_checked": note,
            }
        )
        return 1 if problems else 0
    for problem in problems:
        tell(format_problem(problem))
    tell(f"{options.file}: {len(problems)} problems" if problems else f"{options.file}: ok")
    if note:
        tell(note)
    return 1 if problems else 0


def _unseen(options: argparse.Namespace, reads: bool) -> str:
    """What of a file of pictures or recordings was not looked at, "" for nothing."""
    if options.spec == "text":
        return ""
    if options.no_files:
        return "the files beside it were not looked at"
    if options.spec in ("voice", "video") and not reads:
        return "length, rate and frames of the files were not compared: install PyAV (pip install 'finai-bench[audio]')"
    return ""


def _agreement(options: argparse.Namespace) -> int:
    """Print how far the annotators of the files agree, thing by thing."""
    from bench.commands.shared import tables
    from bench.data.judgements import judgements
    from bench.stats.agreement import measured

    found = judgements(options.files, options.spec)
    rows = [row for one in found.judged.values() for row in measured(one.name, one.level, one.values, found.clusters)]
    if not any(row.n_units for row in rows):
        names = ", ".join(sorted(found.annotators)) or "nobody"
        raise BenchError(
            f"{', '.join(map(str, options.files))}: no unit was judged by two annotators (there are: {names}); agreement needs "
            "two who judge the same ids"
        )
    if options.json:
        kept = [vars(row) | {"annotators": list(row.annotators)} for row in rows]
        output.emit(
            {
                "files": list(map(str, options.files)),
                "spec": found.spec,
                "annotators": sorted(found.annotators),
                "agreement": kept,
            }
        )
        return 0
    headings = ("judged", "measure", "value", "95 % interval", "units", "judgements", "by one only", "note")
    tables.show_plain(
        f"{len(found.annotators)} annotators: {', '.join(sorted(found.annotators))}",
        headings,
        [
            (
                row.name,
                row.measure,
                "–" if row.value is None else f"{row.value:z.3f}",
                f"{row.interval[0]:z.3f} to {row.interval[1]:z.3f}" if row.interval else "–",
                f"{row.n_units:,}",
                f"{row.n_values:,}",
                f"{row.n_alone:,}",
                row.note,
            )
            for row in rows
        ],
    )
    return 0


def _render(options: argparse.Namespace) -> int:
    """Write what a finmm task renders with another seed or number; conf/ is the link to the task."""
    from bench.config.build import build

    kind, folder = _what(options)
    task, number, seed, written = _RENDERED[kind]
    overrides = [f"task={task}", f"task.{number}={options.n}", f"task.{seed}={options.seed}"]
    config, _ = conf.compose(overrides)
    before = _files(folder)
    try:
        build(conf.plain(config)["task"], "task").write(folder)
    except OSError as error:
        raise BenchError(f"{folder} cannot be written ({error.strerror}); choose another folder") from None
    except BenchError as error:  # the task's own words, by the options of this command
        raise BenchError(str(error).replace(f"task.{number}=", "--n ").replace(f"task.{seed}=", "--seed ")) from None
    now = _files(folder)
    left = sorted(path for path, state in before.items() if now.get(path) == state)
    if options.json:
        output.emit({"folder": str(folder), kind: options.n, "left": left})
        return 0
    tell(f"{options.n} {kind} in {folder}: {written}")
    if left:
        tell(f"{len(left):,} files were there before and are not of this rendering, the first is {left[0]}; to have none of them, "
             "render into an empty folder")  # fmt: skip
    return 0


def _files(folder: Path) -> dict[str, tuple[int, int]]:
    """The files below a folder, and what changes when they are written again."""
    found = {path.relative_to(folder).as_posix(): path.stat() for path in folder.rglob("*") if path.is_file()}
    return {name: (state.st_ino, state.st_mtime_ns) for name, state in found.items()}


def _what(options: argparse.Namespace) -> tuple[str, Path]:
    """What to render, and where. `render documents` has always been documents in a folder called documents, and still is.

    A kind stands before the folder; one word alone is the folder, and what it is called says the kind if it can.
    """
    if options.kind is None:
        kind = options.folder.name
        return (kind if kind in _RENDERED else "documents"), options.folder
    if options.kind not in _RENDERED:
        raise BenchError(f"there is no {options.kind!r} to render; choose {', '.join(_RENDERED)}, then the folder")
    return options.kind, options.folder


def _croissant(options: argparse.Namespace) -> int:
    """Write croissant.json into a folder of annotation files."""
    from bench.data.croissant import NAME, as_text, croissant
    from bench.disk import write_atomically

    said = {"name": options.name, "license": options.licence, "description": options.description}
    whole, others = croissant(options.folder, {key: value for key, value in said.items() if value})
    place = options.folder / NAME
    try:
        write_atomically(place, as_text(whole))
    except OSError as error:
        raise BenchError(f"{place} cannot be written ({error.strerror}); check the folder") from None
    n_files, n_sets = len(whole["distribution"]), len(whole["recordSet"])
    if options.json:
        output.emit({"file": str(place), "files": n_files, "record_sets": n_sets, "left_out": others})
        return 0
    for other in others:
        tell(f"{other}: not an annotation file of any specification, left out")
    tell(f"{place}: {n_files} files, {n_sets} record sets")
    return 0
