"""`bench export`: runs as a table for a paper, one line a score, or in the format of a hub or another harness."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from bench.commands.shared.output import is_of_a_device
from bench.disk import write_atomically
from bench.errors import BenchError
from bench.text.shown import tell

if TYPE_CHECKING:
    from bench.exports.item import Item

Files: TypeAlias = Mapping[str, str | bytes]  # by their path in a folder
_OF_ONE = {
    "hf-eval-results": ("dataset", "task_id"),
    "eee": ("organization", "relationship"),
}  # options of a format alone
_ENDINGS = {
    "csv": (".csv",), "parquet": (".parquet",), "latex": (".tex",), "markdown": (".md", ".markdown"), "eee": (".json",),
    "hf-eval-results": (".yaml", ".yml"), "model-index": (".yaml", ".yml"), "mteb": (".json",),
}  # fmt: skip


def main(options: argparse.Namespace) -> int:
    """Write the runs in the format, and say what of them it has no place for."""
    from bench.commands.shared import output
    from bench.commands.shared.exportable import items_of
    from bench.exports.item import refuse_unknown

    _refuse_options(options)
    items = items_of(options.references, options.runs)
    refuse_unknown(items, options.metric)
    files = _files(options, items)
    written = _written(options, files, items)
    for line in _left_out(options.to, items, options.metric):
        tell(f"bench: {line}", err=True)
    if options.json:
        runs = [
            {"task": one.run.task, "model": one.run.model, "run_id": one.run.run_id, "claimed": one.claimed}
            for one in items
        ]
        text = None if written or isinstance(only := next(iter(files.values())), bytes) else only
        output.emit({"to": options.to, "runs": runs, "files": [str(path) for path in written], "text": text})
    else:
        for path in written:
            tell(f"{path}: {path.stat().st_size:,} bytes")
    return 0


def _refuse_options(options: argparse.Namespace) -> None:
    """Raise BenchError for an option that the format has no use for, or one that is no name on the Hub."""
    for to, names in _OF_ONE.items():
        for name in names:
            if to != options.to and getattr(options, name) is not None:
                raise BenchError(
                    f"--{name.replace('_', '-')} belongs to --to {to}, this is --to {options.to}; leave it out"
                )
    if options.dataset is not None:
        from huggingface_hub.utils import HFValidationError, validate_repo_id

        try:
            validate_repo_id(options.dataset)
            named = options.dataset.count("/") == 1
        except HFValidationError:
            named = False
        if not named:
            raise BenchError(f"--dataset: {options.dataset[:120]!a} is no data set of the Hub; give OWNER/NAME")


def _files(options: argparse.Namespace, items: Sequence[Item]) -> Files:
    """What is to be written, by its path in a folder."""
    from bench.exports import hub

    to, metrics = options.to, options.metric
    if to in ("csv", "parquet"):
        from bench.exports import long

        return {f"scores.{to}": (long.csv_of if to == "csv" else long.parquet_of)(items, metrics)}
    if to in ("latex", "markdown"):
        from bench.exports import latex, markdown, paper

        tables = paper.papers(items, metrics)
        return {"scores.tex": latex.latex_of(tables)} if to == "latex" else {"scores.md": markdown.markdown_of(tables)}
    if to == "model-index":
        return {"model-index.yaml": hub.front_matter(hub.model_index(items, metrics))}
    if to == "hf-eval-results":
        told = {"dataset": options.dataset or "", "task_id": options.task_id or ""}
        models = hub.by_model(items)
        before = {name: f"{name.replace('/', '--')}/" if len(models) > 1 else "" for name in models}
        return {f"{before[name]}{hub.FILE}": hub.eval_results(those, metrics, **told) for name, those in models.items()}
    return _eee(options, items) if to == "eee" else _mteb(items, metrics)


def _eee(options: argparse.Namespace, items: Sequence[Item]) -> Files:
    from bench.exports import eee

    by = eee.schema(Path(os.environ.get("BENCH_DATA", "data")))
    who, relationship = options.organization or "", options.relationship or "other"
    found = {}
    for one in items:
        record = eee.record(one, options.metric, organization=who, relationship=relationship)
        eee.refuse_unfit(record, by, one.name)
        found[eee.path_of(one)] = eee.text_of(record)
    return found


def _mteb(items: Sequence[Item], metrics: Sequence[str]) -> Files:
    from bench.exports import mteb

    found: dict[str, str] = {}
    for one in items:
        path = mteb.path_of(one)
        if path in found:
            raise BenchError(
                f"{one.name} would be {path} as another run here is; MTEB has one result of a model and task: choose one"
            )
        found[path] = mteb.text_of(mteb.result(one, metrics))
    return found


def _written(options: argparse.Namespace, files: Files, items: Sequence[Item]) -> list[Path]:
    """Write the files, all that are to be one into stdout or the file that is named; the paths that were written."""
    target = Path(options.output)
    into = options.output != "-" and (target.is_dir() or options.output.endswith(("/", os.sep)))
    if len(files) > 1 and not into:
        raise BenchError(
            f"--to {options.to} makes a file for each of {len(files)}, and -o {options.output} is one; name a folder: -o FOLDER/"
        )
    if options.output == "-":
        _printed(next(iter(files.values())), options)
        return []
    paths = {target / name if into else target: content for name, content in files.items()}
    for path in paths:
        if (path.exists() and not path.is_file()) or is_of_a_device(path):
            raise BenchError(f"-o {path} is no file; name a file, a folder with a slash at its end, or - for stdout")
        if inside := next((one for one in items if path.resolve().is_relative_to(one.folder.resolve())), None):
            raise BenchError(
                f"-o {path} lies in the folder of {inside.name}, which stays as its run left it; choose another place"
            )
    for path, content in paths.items():
        _refuse_others(path, content, options.to)
    for path, content in paths.items():
        try:
            path = path.resolve() if path.is_symlink() else path  # else the link would become the file
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, content)
        except OSError as error:
            raise BenchError(f"{path} cannot be written ({error.strerror}); choose another place with -o") from None
    return list(paths)


def _refuse_others(path: Path, content: str | bytes, to: str) -> None:
    """Raise BenchError for a file that is there and, by its name, is something else than the format's."""
    if not path.exists() or path.suffix.lower() in _ENDINGS[to]:
        return
    try:
        there = (
            path.read_bytes() if path.stat().st_size <= len(content) * 4 else None
        )  # UTF-8 has 4 bytes a letter at most
    except OSError:
        there = None
    if there not in (b"", content.encode() if isinstance(content, str) else content):
        raise BenchError(
            f"-o {path} is there, and its ending is not that of {to} ({', '.join(_ENDINGS[to])}), so it may be something else; "
            "choose another name, or remove it"
        )


def _printed(content: str | bytes, options: argparse.Namespace) -> None:
    """The content on stdout; with --json it is a text of the one line."""
    if isinstance(content, str):
        if not options.json:
            sys.stdout.write(content)
    elif options.json or sys.stdout.isatty():
        raise BenchError(f"--to {options.to} is no text; name a file with -o")
    else:
        sys.stdout.flush()
        try:
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()
        except OSError as error:
            raise BenchError(f"stdout cannot be written ({error.strerror}); name a file with -o") from None


def _left_out(to: str, items: Sequence[Item], metrics: Sequence[str]) -> list[str]:
    """What the format has no place for, and what a reader of it should know, a line each."""
    from bench.exports.item import chosen, cut_text

    without = [one.name for one in items if not chosen(one, metrics)]
    lines = [f"{name} has none of --metric {', '.join(metrics)}, so it is left out" for name in without]
    if to in ("eee", "model-index", "mteb"):
        for one in items:
            absent = [score.metric for score in chosen(one, metrics) if score.value is None]
            lines += [f"{one.name}: {', '.join(absent)} left out, for they have no value"] if absent else []
    if to in ("eee", "hf-eval-results", "model-index", "mteb"):
        lines += [
            f"{one.name} is of {text}, which stands beside its scores" for one in items if (text := cut_text(one))
        ]
        lines += [
            f"{one.name} was {one.whose}, and {one.claimed} of it is claimed, which it says"
            for one in items
            if one.claimed
        ]
    return lines
