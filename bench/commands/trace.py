"""`bench trace`: when a run did what, as a file that the profilers of browsers open."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.disk import write_atomically
from bench.errors import BenchError
from bench.text.shown import tell


def main(options: argparse.Namespace) -> int:
    """Write the trace file of one run, and say what of it no clock told."""
    from bench.commands.shared import output, references
    from bench.runs.folder import RECORD, read_run
    from bench.timeline.trace import document
    from bench.timeline.whole import timeline

    folder = references.one(options.reference, options.runs)
    run = read_run(folder / RECORD)
    found = timeline(run, folder)
    if not any(process.bars or process.answers for process in found.processes):
        why = found.notes[0] if found.notes else "its ledger is empty or not here"
        raise BenchError(f"{options.reference} has no readings to draw: {why}")
    path = options.output or Path(f"trace-{run.run_id}.json")
    if path.is_dir():
        raise BenchError(f"-o {path} is a folder; name a file in it")
    try:
        write_atomically(path, (piece.encode() for piece in document(run, found)))
    except OSError as error:
        raise BenchError(f"{path} cannot be written ({error.strerror}); choose another place with -o") from None
    notes = [*found.notes, *(f"{one.title}: {note}" for one in found.processes for note in one.notes)]
    if options.json:
        output.emit(
            {"file": str(path), "bytes": path.stat().st_size, "processes": len(found.processes), "notes": notes}
        )
        return 0
    tell(
        f"{path}: {path.stat().st_size:,} bytes; open it in https://ui.perfetto.dev (it stays on your machine) or chrome://tracing"
    )
    for note in notes:
        tell(f"  {note}")
    return 0
