"""`bench submit`: runs as a bundle that others can verify, and the entries that a pull request adds."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.commands.shared import output, references
from bench.config import compose as conf
from bench.errors import BenchError
from bench.text.shown import tell


def main(options: argparse.Namespace) -> int:
    """Write the bundle and one entry a run; say what goes where."""
    from bench.bundles import admit, bundle, copies
    from bench.leaderboard import entry
    from bench.leaderboard.board import interval
    from bench.runs import measurements
    from bench.runs.folder import RunFolder

    folders = [folder for reference in options.references for folder in _folders(reference, options.runs)]
    data, runs = bundle.pack(folders, options.submitter, conf.names("model"))
    made = bundle.Bundle(bundle.write(options.output, data), options.submitter, ())
    by_name = {(run.task, run.model): run for run in runs}
    record, lines = [], []
    for folder in folders:
        own = bundle.complete_run(folder)
        run = by_name[own.task, own.model]
        path = entry.path_of(entry.SUBMISSIONS, run)
        lines.append(f"  {run.task} / {run.model}: {run.scores[0].metric} {interval(run.scores[0])}; {path}")
        if not admit.is_added(path, made.sha256):
            rows = measurements.read(folder) if measurements.FILE in run.files else None
            if path.exists() and (theirs := _theirs(path, options.submitter)):
                lines.append(f"    it replaces the entry of {theirs}: there is one for a model")
            origin = admit.origin_of(made, copies.answers(RunFolder(folder).predictions()))
            entry.write(path, admit.entry_of(run, rows, origin))
        record.append({"task": run.task, "model": run.model, "run_id": run.run_id, "entry": str(path)})
    if options.json:
        output.emit({"bundle": str(options.output), "sha256": made.sha256, "bytes": len(data), "runs": record})
        return 0
    n = f"{len(runs)} run{'s' if len(runs) > 1 else ''}"
    tell(f"{options.output}: {n}, {len(data):,} bytes, sha256 {made.sha256}")
    for line in lines:
        tell(line)
    tell(
        f"give {options.output} to whoever verifies (`bench verify {options.output}`); a pull request adds the entries above"
    )
    return 0


def _theirs(path: Path, submitter: str) -> str:
    """Who else stands behind the entry that is there, "" where nobody else does or it cannot be read."""
    from bench.leaderboard import entry

    try:
        other = str(entry.read(path).run.origin.get("submitter", ""))
    except BenchError:
        return ""
    return repr(other) if other and other != submitter else ""


def _folders(reference: str, runs_dir: Path) -> list[Path]:
    """The run folders of a reference; BenchError says of one that was interrupted how it goes on."""
    from bench.runs.folder import JOURNAL, RECORD

    if reference.partition("#")[0].endswith(".zip"):
        raise BenchError(f"{reference} is a bundle already; hand it on as it is, it says who made it")
    try:
        return references.resolve(reference, runs_dir)
    except BenchError:
        named = (runs_dir / reference).glob("*") if reference.count("/") == 1 else ()
        for folder in (Path(reference), *named):
            if (folder / JOURNAL).exists() and not (folder / RECORD).exists():
                raise BenchError(
                    f"{folder} is not complete: it has no {RECORD}; the same `bench run` command goes on with it"
                ) from None
        raise
