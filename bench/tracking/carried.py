"""What a board needs of a run as tags of it in MLflow, so that it comes with the search that finds the run.

Of a run whose files are on another machine a board would else ask for each file alone, some 20,000 times for 10,000 runs. The tags
hold the texts of `run.json`, `origin.json` and `measurements.json`, packed; no page of MLflow shows a tag that begins so. What
does not fit into them is left out, the measurements first, and read from its file as before.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.runs.folder import ORIGIN, RECORD
from bench.runs.measurements import FILE as MEASUREMENTS
from bench.timing.summary import FOLDER

TAG = "mlflow.finai_bench.record"
_LENGTH = 7900  # characters of a tag, of the 8,000 that MLflow keeps
_MOST = 4  # tags: some 25 kB packed, which is a record with the measurements of about a thousand examples
NAMES = (TAG, *(f"{TAG}.{i + 1}" for i in range(1, _MOST)))
_LARGEST = 8_000_000  # bytes that a packed text may become


@dataclass(frozen=True)
class Carried:
    """Texts of files of a run's folder by their names; `whole` says that a board needs no other."""

    texts: Mapping[str, str]
    whole: bool


def tags(folder: Path) -> dict[str, str]:
    """The tags of what is in this folder now; one that is empty says that all has to be read from files."""
    texts = {name: _text(folder / name) for name in (RECORD, ORIGIN, MEASUREMENTS) if (folder / name).is_file()}
    if parts := _parts(texts, whole=not (folder / FOLDER).is_dir()):
        return parts
    texts.pop(MEASUREMENTS, None)
    return _parts(texts, whole=False) or {TAG: ""}


def read(found: Mapping[str, str]) -> Carried | None:
    """What a run's tags carry; None where they carry nothing, or not all of it."""
    number, _, first = found.get(TAG, "").partition(" ")
    if not number.isdigit() or not 0 < int(number) <= _MOST:
        return None
    parts = [first, *(found.get(NAMES[i], "") for i in range(1, int(number)))]
    try:
        reader = zlib.decompressobj()
        plain = reader.decompress(base64.b64decode("".join(parts), validate=True), _LARGEST)
        texts = json.loads(plain) if reader.eof else None  # the check of zlib is behind its last byte
    except (zlib.error, ValueError, RecursionError):
        return None
    if not isinstance(texts, dict) or not isinstance(texts.get(RECORD), str):
        return None
    names = [name for name in (RECORD, ORIGIN, MEASUREMENTS) if isinstance(texts.get(name), str)]
    return Carried({name: texts[name] for name in names}, texts.get("whole") is True)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="surrogateescape")


def _parts(texts: Mapping[str, str], *, whole: bool) -> dict[str, str]:
    """The tags of these texts; {} where they are too long, or there is no record."""
    if RECORD not in texts:
        return {}
    packed = base64.b64encode(zlib.compress(json.dumps({**texts, "whole": whole}).encode(), 9)).decode()
    parts = [packed[at : at + _LENGTH] for at in range(0, len(packed), _LENGTH)]
    if len(parts) > _MOST:
        return {}
    return {NAMES[i]: f"{len(parts)} {part}" if i == 0 else part for i, part in enumerate(parts)}
