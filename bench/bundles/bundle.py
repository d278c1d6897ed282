"""A bundle: runs in one zip that others can verify, without data and without secrets.

    manifest.json                            from whom, which runs, their scores, the sha256 of each file
    runs/<task>/<model>/<run id>/            a run's folder, in its public form
      run.json config.yaml predictions.jsonl timings.jsonl measurements.json scenarios/SCENARIO.jsonl

The same runs of the same submitter give the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from bench import __version__
from bench.bundles import slots
from bench.bundles.archive import members, name_problem
from bench.bundles.public import public_config, public_run, public_text
from bench.bundles.readings import public_readings
from bench.disk import draft_of
from bench.errors import BenchError
from bench.record import Run
from bench.runs import measurements
from bench.runs.claimed import IMPORTED
from bench.runs.folder import CONFIG, RECORD, RunFolder, read_run, refuse_altered
from bench.runs.journal import JOURNAL, LEDGER
from bench.runs.measurements import FILE as MEASUREMENTS
from bench.runs.record_schema import FORMAT
from bench.text.names import typed
from bench.types import Json

__all__ = ["MANIFEST", "Bundle", "pack", "public_config", "public_run", "write"]
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Bundle:
    """The runs of a bundle in their public form, with the zip's `sha256`, and where each lies unpacked."""

    sha256: str
    submitter: str
    runs: tuple[tuple[Path, Run], ...]


def pack(folders: Sequence[Path], submitter: str, about: Mapping[str, str] | None = None) -> tuple[bytes, list[Run]]:
    """The bundle of these run folders, and the runs as they stand in it.

    `about` says of models, by name, what conf/model says of them. Raises BenchError for a run that is not complete, was changed
    since it was made, is a reference row, came in a bundle itself, or is the second of its task and model.
    """
    submitter = typed(submitter)
    if said := slots.submitter_problem(submitter):
        raise BenchError(f"--submitter: {said}")
    files: dict[str, bytes] = {}
    entries: list[dict[str, Json]] = []
    runs: dict[tuple[str, str], Run] = {}
    for folder in folders:
        found = complete_run(folder)
        key = (found.task, found.model)
        if key in runs:
            raise BenchError(
                f"{found.task}/{found.model} is given twice (runs {runs[key].run_id} and {found.run_id}); choose one"
            )
        runs[key], parts = _public_files(folder, found)
        place = f"runs/{found.task}/{found.model}/{found.run_id}"
        if said := slots.names_problem([model for _, model in runs], ""):
            raise BenchError(said)
        if problem := name_problem(place):
            raise BenchError(f"{place} {problem}, so no archive can hold it; give the model another name")
        files |= {f"{place}/{name}": data for name, data in parts.items()}
        entries.append(_entry(runs[key], parts, (about or {}).get(found.model, "")))
    manifest = {
        "format": FORMAT, "submitter": submitter, "created": max(run.created for run in runs.values()), "version": __version__,
        "runs": sorted(entries, key=lambda entry: (entry["task"], entry["model"])),
    }  # fmt: skip
    files[MANIFEST] = _json(manifest)
    data = _zip(files)
    members(io.BytesIO(data))  # what is too large to be read is not written
    return data, [runs[key] for key in sorted(runs)]


def complete_run(folder: Path) -> Run:
    """The run of a folder that may be bundled; raises BenchError for one that may not."""
    if not (folder / RECORD).is_file():
        raise BenchError(f"{folder} is not complete: it has no {RECORD}; the same `bench run` command goes on with it")
    run = read_run(folder / RECORD)
    where = f"{run.task}/{run.model}/{run.run_id}"
    if run.is_reference:
        raise BenchError(f"{where} is a reference row, which everybody can make; submit the run of a model")
    if log := run.origin.get(IMPORTED):
        raise BenchError(
            f"{where} was imported from {log['file']}, a log of {log['harness']}: hand on that log, which others import themselves"
        )
    if run.origin:
        raise BenchError(f"{where} came in a bundle; hand on that bundle, which says who made it")
    refuse_altered(folder, run)
    if missing := {JOURNAL, LEDGER} - set(run.files):
        raise BenchError(f"{folder / RECORD} names no {min(missing)}; run it again with --fresh")
    if MEASUREMENTS not in run.files and any(score.value is not None for score in run.scores):
        measurements.read(folder)  # says how they are made
        raise BenchError(f"{folder / RECORD} names no {MEASUREMENTS}; run it again with --fresh")
    return run


def _public_files(folder: Path, run: Run) -> tuple[Run, dict[str, bytes]]:
    """The run as others may see it, and its files; the digests in its record are those of these files."""
    import yaml

    public = public_run(run)
    files = {
        CONFIG: yaml.safe_dump(dict(public.config), sort_keys=False, allow_unicode=True).encode(),
        JOURNAL: _journal(folder),
        LEDGER: (folder / LEDGER).read_bytes(),
    }
    if MEASUREMENTS in run.files:
        files[MEASUREMENTS] = (folder / MEASUREMENTS).read_bytes()
    raw, summaries = public_readings(folder, run)
    files |= raw
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}
    public = replace(public, files=digests, origin={}, scenarios=summaries)
    return public, {RECORD: _json(public.to_json())} | files


def _journal(folder: Path) -> bytes:
    """The predictions as they were made; of an error, which may name a file of this machine, the public form."""
    lines = []
    whole = (folder / JOURNAL).read_bytes().splitlines(keepends=True)
    for line, prediction in zip(whole, RunFolder(folder).predictions(), strict=True):
        if prediction.error is not None and (said := public_text(prediction.error)) != prediction.error:
            line = (json.dumps(prediction.to_json() | {"error": said}) + "\n").encode()
        lines.append(line)
    return b"".join(lines)


def _entry(run: Run, files: Mapping[str, bytes], about: str) -> dict[str, Json]:
    """A run in the manifest."""
    ranked = run.scores[0]
    return {
        "task": run.task, "version": run.task_version, "model": run.model, "run_id": run.run_id, "revision": run.model_revision,
        "weights_sha256": run.weights_sha256, "card": _card(run, about), "data_fingerprint": run.data_fingerprint,
        "metric": ranked.metric, "value": ranked.value, "low": ranked.low, "high": ranked.high,
        "files": {
            name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)} for name, data in sorted(files.items())
        },
    }  # fmt: skip


def _card(run: Run, about: str) -> dict[str, str]:
    """What conf/model says of the model: its first line (with the licence), and where the weights are from."""
    if run.submission:
        about = "predictions that were brought"
    given = run.config.get("model")
    sources = given if isinstance(given, Mapping) else {}
    said = {
        name: sources[name] for name in ("source", "model", "function", "uri") if isinstance(sources.get(name), str)
    }
    return {"about": about[:500]} | {name: value[:500] for name, value in said.items()}


def _json(value: Json) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=True, allow_nan=False) + "\n").encode()


def _zip(files: Mapping[str, bytes]) -> bytes:
    """A zip of these files with nothing in it that depends on when, where or by whom it was made."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        for name in sorted(files, key=lambda name: (name != MANIFEST, name)):
            info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.create_system, info.external_attr, info.compress_type = 3, 0o100644 << 16, zipfile.ZIP_DEFLATED
            archive.writestr(info, files[name])
    return memory.getvalue()


def write(path: Path, data: bytes) -> str:
    """Write the bundle so that readers see all of it or nothing; its sha256. Raises BenchError where that cannot be."""
    if path.suffix != ".zip":
        raise BenchError(f"-o {path}: a bundle is a FILE.zip")
    draft = draft_of(path)
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError as error:
        with suppress(OSError):  # of a read-only file system
            draft.unlink(missing_ok=True)
        raise BenchError(f"{path} cannot be written ({error.strerror}); choose another place with -o") from None
    return hashlib.sha256(data).hexdigest()
