"""`bench submit`: runs as a bundle that others can verify, and the entries that a pull request adds."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from bench.commands.shared import output, references
from bench.config import compose as conf
from bench.errors import BenchError
from bench.text.names import typed
from bench.text.shown import of_name, tell

if TYPE_CHECKING:
    from bench.bundles.bundle import Bundle
    from bench.record import Run


def main(options: argparse.Namespace) -> int:
    """Write the bundle and one entry a run; say what goes where."""
    from bench.bundles import bundle, slots
    from bench.leaderboard import entry
    from bench.leaderboard.cells import shown

    if (submitter := typed(options.submitter)) != options.submitter:
        tell(f"bench: the submitter is written {submitter}, with the apostrophe of a keyboard", err=True)
    folders = [folder for reference in options.references for folder in _folders(reference, options.runs)]
    data, runs = bundle.pack(folders, submitter, conf.names("model"))
    sha256 = hashlib.sha256(data).hexdigest()
    own = [slots.refuse_taken(entry.SUBMISSIONS, run, submitter, sha256) for run in runs]
    for path in own:  # before anything is written
        slots.replaced(path, sha256, submitter, allowed=options.replace)
    made = bundle.Bundle(bundle.write(options.output, data), submitter, ())
    by_name = {(run.task, run.model): pair for pair in zip(runs, own, strict=True) for run in pair[:1]}
    record, lines = [], []
    for folder in folders:
        found = bundle.complete_run(folder)
        run, before = by_name[found.task, found.model]
        path, done = _entry(folder, run, made, before, replaces=options.replace)
        lines += [
            *done,
            of_name(
                f"  {run.task} / {run.model}",
                f"{run.scores[0].metric} {shown(run.scores[0], run.scores[0].value)}; {path}",
            ),
        ]
        lines += _tells_of_people(run, folder)
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


def _entry(folder: Path, run: Run, made: Bundle, own: Path | None, *, replaces: bool) -> tuple[Path, list[str]]:
    """Write the entry of a run in the bundle; its place, and what it replaced."""
    from bench.bundles import admit, copies
    from bench.leaderboard import entry
    from bench.runs import measurements
    from bench.runs.folder import RunFolder

    if own is not None and admit.is_added(own, made.sha256):
        return own, []
    rows = measurements.read(folder) if measurements.FILE in run.files else None
    origin = admit.origin_of(made, copies.answers(RunFolder(folder).predictions()))
    path, done = admit.put(entry.SUBMISSIONS, admit.entry_of(run, rows, origin), own, {}, replaces=replaces)
    return path, [f"  {line}" for line in done if not line.startswith("wrote")]


def _tells_of_people(run: Run, folder: Path) -> list[str]:
    """A line where the measurements of a run tell of each person the right label and the groups, as its rows need them."""
    from bench.runs import measurements

    if measurements.FILE not in run.files or not any("_difference_" in one.metric for one in run.scores):
        return []
    told = ", ".join(measurements.read(folder).slices)
    return [
        f"  {run.task}: its measurements tell of every row, by its id, what is right and the groups of the person ({told}); hand "
        "the bundle and its entry only to those who may know them"
    ]


def _folders(reference: str, runs_dir: Path) -> list[Path]:
    """The run folders of a reference; BenchError says of one that was interrupted how it goes on."""
    if reference.partition("#")[0].endswith(".zip"):
        raise BenchError(f"{reference} is a bundle already; hand it on as it is, it says who made it")
    return references.complete(reference, runs_dir)
