"""`bench card`: a section of a model card with a run's scores, what they stand on and how to repeat them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.commands.shared.output import is_of_a_device
from bench.disk import write_atomically
from bench.errors import BenchError
from bench.text.shown import tell

_MOST = 4_000_000  # bytes of a model card


def main(options: argparse.Namespace) -> int:
    """Print the section with its front matter, or put both into a card that is there."""
    from bench.commands.shared import output
    from bench.commands.shared.exportable import items_of
    from bench.exports import card

    items = items_of(options.references, options.runs)
    models = list(dict.fromkeys(one.run.model for one in items))
    if len(models) > 1:
        raise BenchError(
            f"a model card is of one model, these runs are of {', '.join(models[:5])}; name the runs of one"
        )
    keys = [(one.run.task, one.run.model) for one in items]
    if twice := next((one for one in items if keys.count((one.run.task, one.run.model)) > 1), None):
        raise BenchError(f"a card has one section a task, and there are {keys.count(keys[items.index(twice)])} runs of "
                         f"{twice.run.task}/{twice.run.model}; choose one")  # fmt: skip
    if options.append is None:
        text = card.whole(items)
        if not options.json:
            sys.stdout.write(text)
    else:
        text = card.appended(_read(options.append), items, str(options.append))
        _write(options.append, text)
    if options.json:
        output.emit({"file": str(options.append) if options.append else None, "text": None if options.append else text,
                     "runs": [one.run.run_id for one in items]})  # fmt: skip
    elif options.append is not None:
        tell(f"{options.append}: {', '.join(one.run.task for one in items)} of {models[0]}")
    return 0


def _read(path: Path) -> str:
    """The card, "" for one that is not there yet; raises BenchError for what is no text of a card."""
    try:
        if (path.exists() and not path.is_file()) or is_of_a_device(path):
            raise BenchError(f"{path} is no file; name the model card, a Markdown file")
        data = path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise BenchError(f"{path} cannot be read ({error.strerror}); name the model card, a Markdown file") from None
    if len(data) > _MOST:
        raise BenchError(f"{path} has {len(data):,} bytes, a model card at most {_MOST:,}; name the model card")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BenchError(f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8") from None


def _write(path: Path, text: str) -> None:
    try:
        write_atomically(path.resolve() if path.is_symlink() else path, text.encode(), as_before=True)
    except OSError as error:
        raise BenchError(f"{path} cannot be written ({error.strerror}); it stays as it was") from None
