"""`bench dawnbench`: entries of the competition are brought onto its boards, and measurements of our own become entries."""

from __future__ import annotations

import argparse
from collections import Counter
from typing import TYPE_CHECKING

from bench.commands.shared import output
from bench.text.shown import tell

if TYPE_CHECKING:
    from bench.data.dawnbench_format import Entry


def main(options: argparse.Namespace) -> int:
    """`import` entries, or `export` one."""
    if options.act == "import":
        return _import(options)
    from bench.commands.shared import exported

    return exported.main(options)


def _import(options: argparse.Namespace) -> int:
    """Keep the entries of a folder below the runs directory, and name every dirty value; 1 if each of them was refused."""
    from bench.data import dawnbench_store as store
    from bench.data.dawnbench_files import read_entries

    entries = read_entries(options.path)
    done = store.keep(entries, options.runs, replaces=options.replace)
    refused = sum(entry.refused for entry in entries)
    code = 1 if refused == len(entries) else 0
    counts = Counter(one.action for one in done)
    if options.json:
        findings = [vars(finding) for entry in entries for finding in entry.findings]
        folder = str(options.runs / store.FOLDER)
        output.emit(
            {"entries": [vars(one) for one in done], "refused": refused, "findings": findings, "folder": folder}
        )
        return code
    _tell(entries)
    said = [f"{counts[word]} {word}" for word in (store.NEW, store.SAME, store.REPLACED) if counts[word]]
    said += [f"{refused} refused"] if refused else []
    tell(f"{len(entries)} entries: {', '.join(said)}; in {options.runs / store.FOLDER}")
    if done:
        tell("`bench board dawnbench` ranks them")
    return code


def _tell(entries: list[Entry]) -> None:
    for entry in entries:
        for one in entry.findings:
            field = f", {one.field}" if one.field else ""
            tell(f"  {one.action}: {one.file} line {one.line}{field}: found {one.found}; {one.text}")
