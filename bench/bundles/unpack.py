"""Unpacking a bundle that nobody vouches for: what comes out has the form of run folders, whatever it claims."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from io import BufferedReader
from pathlib import Path
from typing import TypeVar

from bench.artifacts.digest import cache_dir
from bench.artifacts.made import made
from bench.bundles import slots, strict
from bench.bundles.archive import MIB, Member, Refused, chunks, content, members
from bench.bundles.bundle import MANIFEST, Bundle
from bench.bundles.readings import same_readings
from bench.data.plain_yaml import NotPlain, plain_yaml
from bench.disk import write_atomically
from bench.errors import BenchError
from bench.record import Run, Timing
from bench.runs.folder import CONFIG, ORIGIN, RECORD, find_runs
from bench.runs.identity import canonical
from bench.runs.journal import JOURNAL, LEDGER
from bench.runs.measurements import FILE as MEASUREMENTS
from bench.text.names import typed
from bench.types import Json, Prediction

T = TypeVar("T")
_MOST = {
    MANIFEST: 4 * MIB,
    RECORD: 4 * MIB,
    CONFIG: MIB // 4,
    MEASUREMENTS: 32 * MIB,
}  # bytes of what is read as a whole
_LINE = 4 * MIB  # bytes of a line of what is read line by line


def unpacked(path: Path) -> Bundle:
    """The bundle, unpacked once below the cache; raises Refused for what is no sound bundle, BenchError for no file."""
    with _opened(path) as file:
        sha256 = _digest(file)
    place = cache_dir() / "bundles" / sha256
    try:
        made(place, "unpacking", str(path), lambda draft: _refuse_other(unpack(path, draft), sha256, path))
    except OSError as error:
        raise BenchError(
            f"{place.parent} cannot be written ({error.strerror}); set BENCH_CACHE to another folder"
        ) from None
    runs = tuple(find_runs(place / "runs"))
    return Bundle(place.name, str(runs[0][1].origin["submitter"]), runs)


def _refuse_other(bundle: Bundle, sha256: str, path: Path) -> None:
    """Raise BenchError where the file is no longer the one whose digest was taken."""
    if bundle.sha256 != sha256:
        raise BenchError(f"{path} changed while it was read; run the same command again")


def unpack(path: Path, folder: Path) -> Bundle:
    """Unpack the bundle into a new folder, checking everything that can be checked without the data.

    Every file of the manifest is there with its sha256, and no other; the records have the form of a run's; the manifest says
    of each run what its record says. Raises Refused otherwise; the folder may then hold a part, which is the caller's to delete.
    """
    with _opened(path) as file:
        sha256 = _digest(file)
        found = members(file)
        if MANIFEST not in found:
            raise Refused(f"it has no {MANIFEST}; `bench submit` makes bundles")
        manifest = strict.manifest(strict.parsed(content(file, found[MANIFEST], _MOST[MANIFEST]), MANIFEST), MANIFEST)
        manifest["submitter"] = typed(manifest["submitter"])
        if said := slots.names_problem([entry["model"] for entry in manifest["runs"]], manifest["submitter"]):
            raise Refused(said)
        places = {f"runs/{entry['task']}/{entry['model']}/{entry['run_id']}": entry for entry in manifest["runs"]}
        _refuse_others(manifest, places, found)
        folder.mkdir(parents=True)
        for place, entry in places.items():
            (folder / place).mkdir(parents=True)
            for name, told in entry["files"].items():
                (folder / place / name).parent.mkdir(exist_ok=True)
                _extract(file, found[f"{place}/{name}"], told, folder / place / name)
    origin = {"bundle": sha256, "submitter": manifest["submitter"]}
    runs = []
    for place, entry in sorted(places.items()):
        run = _checked(folder / place, entry, place)
        write_atomically(folder / place / ORIGIN, canonical(origin) + "\n")
        runs.append((folder / place, run))
    if (latest := max(run.created for _, run in runs)) != manifest["created"]:
        raise Refused(f"{MANIFEST} says created {manifest['created']}, its latest run {latest}")
    write_atomically(folder / MANIFEST, canonical(manifest) + "\n")
    return Bundle(sha256, manifest["submitter"], tuple(runs))


def _opened(path: Path) -> BufferedReader:
    try:
        if not path.is_file():
            raise BenchError(f"{path} is not a file; give a bundle that `bench submit` made")
        return path.open("rb")
    except OSError as error:
        raise BenchError(f"{path} cannot be read ({error.strerror}); give a file that can") from None


def _digest(file: BufferedReader) -> str:
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()


def _refuse_others(manifest: Json, places: Mapping[str, Json], found: Mapping[str, Member]) -> None:
    """Raise Refused unless the archive holds the manifest's files and no others, of one run a task and model."""
    named = {f"{place}/{name}" for place, entry in places.items() for name in entry["files"]} | {MANIFEST}
    if other := sorted(set(found) - named):
        raise Refused(f"member {other[0]!r} is not in {MANIFEST}")
    if missing := sorted(named - set(found)):
        raise Refused(f"{missing[0]!r} is in {MANIFEST} but not in the archive")
    pairs = {(entry["task"], entry["model"]) for entry in places.values()}
    if len(pairs) != len(manifest["runs"]):
        raise Refused(f"{MANIFEST} names two runs of one task and model")


def _extract(file: BufferedReader, member: Member, told: Mapping[str, Json], path: Path) -> None:
    state = hashlib.sha256()
    with path.open("xb") as out:
        for piece in chunks(file, member):
            state.update(piece)
            out.write(piece)
    if (state.hexdigest(), member.size) != (told["sha256"], told["bytes"]):
        raise Refused(
            f"{member.name!r} is not the file that {MANIFEST} names: sha256 {state.hexdigest()[:12]}…, "
            f"expected {told['sha256'][:12]}…"
        )


def _checked(folder: Path, entry: Mapping[str, Json], place: str) -> Run:
    """The run of an unpacked folder, once all its files have the form that they should."""
    run = strict.run(strict.parsed(_whole(folder, RECORD, place), f"{place}/{RECORD}"), f"{place}/{RECORD}")
    claims = {
        "task": run.task, "version": run.task_version, "model": run.model, "run_id": run.run_id, "revision": run.model_revision,
        "weights_sha256": run.weights_sha256, "data_fingerprint": run.data_fingerprint, "metric": run.scores[0].metric,
        "value": run.scores[0].value, "low": run.scores[0].low, "high": run.scores[0].high,
    }  # fmt: skip
    for name, value in claims.items():
        if entry[name] != value:
            raise Refused(
                f"{place}/{RECORD} says {name} {strict.short(repr(value))}, {MANIFEST} {strict.short(repr(entry[name]))}"
            )
    told = {name: one["sha256"] for name, one in entry["files"].items() if name != RECORD}
    if run.files != told or run.origin or run.is_reference:
        what = (
            "names other files than" if run.files != told else "has an origin" if run.origin else "is a reference row"
        )
        raise Refused(f"{place}/{RECORD} {what}{f' {MANIFEST}' if run.files != told else ', which no bundle has'}")
    for _ in predictions(folder, place):
        pass
    timings(folder, place)
    if (folder / MEASUREMENTS).exists():
        strict.measurements(
            strict.parsed(_whole(folder, MEASUREMENTS, place), f"{place}/{MEASUREMENTS}"), f"{place}/{MEASUREMENTS}"
        )
    _check_config(run, _whole(folder, CONFIG, place), f"{place}/{CONFIG}")
    same_readings(run, folder)
    return run


def _whole(folder: Path, name: str, place: str) -> bytes:
    if (size := (folder / name).stat().st_size) > _MOST[name]:
        raise Refused(f"'{place}/{name}' has {size:,} bytes; at most {_MOST[name]:,} are read")
    return (folder / name).read_bytes()


def predictions(folder: Path, place: str) -> Iterator[Prediction]:
    """The predictions of an unpacked run; raises Refused for a line that is none, or an id that comes twice."""
    seen: set[str] = set()
    for found in _records(folder / JOURNAL, f"{place}/{JOURNAL}", strict.prediction):
        if found.id in seen:
            raise Refused(f"{place}/{JOURNAL}: the prediction for {found.id[:80]!r} comes twice")
        seen.add(found.id)
        yield found


def timings(folder: Path, place: str) -> list[Timing]:
    """The readings of an unpacked run; raises Refused for a line that is none."""
    return list(_records(folder / LEDGER, f"{place}/{LEDGER}", strict.timing))


def _records(path: Path, where: str, make: Callable[[Json, str], T]) -> Iterator[T]:
    with path.open("rb") as file:
        number = 0
        while line := file.readline(_LINE + 1):
            number += 1
            at = f"{where} line {number}"
            if len(line) > _LINE or not line.endswith(b"\n"):
                raise Refused(f"{at} is cut off, or longer than {_LINE:,} bytes")
            if line.endswith(b"\r\n"):
                raise Refused(f"{at} ends with a carriage return, which no run writes")
            record = strict.parsed(line, at)
            if not isinstance(record, dict):
                raise Refused(f"{at} is not an object {{…}}")
            yield make(record, at)


def _check_config(run: Run, data: bytes, where: str) -> None:
    """Raise Refused unless the YAML is the record's configuration; aliases, by which YAML grows without end, are not read."""
    try:
        found = plain_yaml(data.decode("utf-8"), aliases=False)
        same = canonical(found) == canonical(dict(run.config))  # true is not 1
    except NotPlain as error:
        raise Refused(f"{where}{error}") from None
    except (ValueError, TypeError, RecursionError, OverflowError) as error:
        what = "UTF-8" if isinstance(error, UnicodeDecodeError) else "of the values that a configuration has"
        raise Refused(f"{where} is not {what} ({strict.short(error)})") from None
    if not same:
        raise Refused(f"{where} is not the configuration that {RECORD} holds")
