"""Taking in the runs of a verified bundle: run folders that say where they are from, and entries; all of them or none."""

from __future__ import annotations

import datetime
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bench import __version__
from bench.bundles import slots
from bench.bundles.bundle import Bundle
from bench.bundles.verify import Verified
from bench.disk import draft_of, write_atomically
from bench.errors import BenchError
from bench.leaderboard import entry as entries
from bench.leaderboard.entry import Entry
from bench.record import Run
from bench.runs import environment
from bench.runs.folder import ORIGIN, RECORD, read_run
from bench.runs.identity import canonical
from bench.runs.measurements import Measurements
from bench.types import Json


def seal() -> dict[str, str]:
    """Who verified, as far as others need to know: the day, and the version and commit of the code."""
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return {"date": today, "version": __version__, "commit": environment.commit()}


def origin_of(bundle: Bundle, answers: str, verified: Mapping[str, Json] | None = None) -> dict[str, Json]:
    """What an entry, and a run that came in the bundle, say of where they are from."""
    found: dict[str, Json] = {"bundle": bundle.sha256, "submitter": bundle.submitter, "predictions": answers}
    return found | ({"verified": dict(verified)} if verified else {})


def entry_of(run: Run, rows: Measurements | None, origin: Mapping[str, Json]) -> Entry:
    """The run with the rows of the metric that ranks."""
    ranked = rows.only(run.scores[0].metric) if rows is not None else None
    return Entry(replace(run, origin=dict(origin)), ranked)


def place_of(runs_dir: Path, run: Run, bundle: str) -> Path:
    """The folder of a bundle's run: never one that `bench run` would go on with."""
    return runs_dir / run.task / run.model / f"{run.run_id}-{bundle[:8]}"


def admit(
    bundle: Bundle, found: Sequence[Verified], runs_dir: Path, submissions: Path, *, replaces: bool = False
) -> list[str]:
    """Put the runs into the runs directory and their entries below `submissions`; what was done, a line each.

    A run that was made here stays as it is; adding twice changes nothing, but that a rerun takes its place. Raises BenchError where
    something cannot be written, a name is somebody else's, or the submitter has an entry that is not to be replaced; and then
    nothing was added.
    """
    stamp, lines = seal(), []
    made: list[Path] = []
    before: dict[Path, str | None] = {}
    try:
        for one in found:
            counted: dict[str, Json] = {"attempt": one.attempt} if one.attempt is not None else {}
            counted |= {"rerun": one.rerun.record()} if one.rerun is not None else {}
            origin = origin_of(bundle, one.answers, stamp | counted)
            own = slots.refuse_taken(submissions, one.run, bundle.submitter, bundle.sha256)
            if one.rerun is not None or own is None or not is_added(own, bundle.sha256):
                entry = entry_of(one.run, one.measurements, origin)
                lines += put(submissions, entry, own, before, replaces=replaces)[1]
            place = place_of(runs_dir, one.run, bundle.sha256)
            here = runs_dir / one.run.task / one.run.model / one.run.run_id
            if not place.exists() and not _is_same(here, one.run):
                _copy(one, place, origin)
                made.append(place)
                lines.append(f"added {place}")
            elif place.exists() and one.rerun is not None:
                before[place / ORIGIN] = (place / ORIGIN).read_text(encoding="utf-8")
                write_atomically(place / ORIGIN, canonical(origin) + "\n")
                lines.append(f"wrote {place / ORIGIN}")
    except (OSError, BenchError) as error:
        _undo(made, before)
        said = f"{runs_dir} cannot be written ({error.strerror})" if isinstance(error, OSError) else str(error)
        raise BenchError(f"nothing was added: {said}") from None
    return lines


def put(
    submissions: Path, entry: Entry, own: Path | None, before: dict[Path, str | None], *, replaces: bool
) -> tuple[Path, list[str]]:
    """Write an entry in its place, instead of its submitter's `own` one of before; where, and what was done, a line each.

    `before` is told what stood where, to undo it. Raises BenchError where it would be in the place of another bundle's and does
    not replace it.
    """
    submitter, bundle = str(entry.run.origin["submitter"]), str(entry.run.origin["bundle"])
    path = slots.place(submissions, entry.run, submitter)
    what = slots.replaced(own, bundle, submitter, allowed=replaces)
    if own is None and path.exists():  # of a file system that knows no capitals
        raise BenchError(f"{path} is there already and is of another name; give the model another name")
    for one in {path, own or path}:
        before.setdefault(one, one.read_text(encoding="utf-8") if one.exists() else None)
    entries.write(path, entry)
    if own is not None and own != path:  # where earlier versions wrote it
        own.unlink()
    return path, [*([f"replaced {what}"] if what else []), f"wrote {path}"]


def _is_same(folder: Path, run: Run) -> bool:
    """Whether the run was made here: whoever verifies a bundle of their own has it already."""
    if not (folder / RECORD).exists():
        return False
    own = read_run(folder / RECORD)
    return not own.origin and (own.created, own.scores) == (run.created, run.scores)


def is_added(path: Path, bundle: str) -> bool:
    """Whether the entry at this path was verified, of this very bundle."""
    if not path.exists():
        return False
    origin = entries.read(path).run.origin
    return origin.get("bundle") == bundle and "verified" in origin


def _copy(one: Verified, place: Path, origin: Mapping[str, Json]) -> None:
    """The unpacked folder at its place: whole, or not at all. Scores on held-out references come in here."""
    runs_dir = place.parents[2]
    draft = draft_of(runs_dir / "adding")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        shutil.copytree(one.folder, draft)
        if one.attempt is not None:
            write_atomically(draft / RECORD, json.dumps(one.run.to_json(), indent=1, allow_nan=False) + "\n")
        write_atomically(draft / ORIGIN, canonical(dict(origin)) + "\n")
        place.parent.mkdir(parents=True, exist_ok=True)
        draft.rename(place)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _undo(made: Sequence[Path], before: Mapping[Path, str | None]) -> None:
    for place in made:
        shutil.rmtree(place, ignore_errors=True)
    for path, text in before.items():
        if text is None and path.exists():
            path.unlink()
        elif text is not None:
            write_atomically(path, text)
