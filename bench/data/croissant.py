"""Croissant metadata of a folder of annotation files: which files there are, with checksums, and which fields their records have.

Format: http://mlcommons.org/croissant/1.0, JSON-LD that data catalogues and loaders read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.data.check import KINDS, Kind, format_problem, iter_problems
from bench.data.croissant_fields import PASSAGES, record_sets
from bench.data.files import read_json, read_jsonl
from bench.data.spec_schema import load
from bench.data.submissions import kind as what
from bench.disk import json_lettered
from bench.errors import BenchError

NAME = "croissant.json"
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    **{
        term: f"cr:{term}"
        for term in (
            "citeAs", "column", "equivalentProperty", "extract", "field", "fileProperty", "fileObject", "fileSet", "format",
            "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex",
            "repeated", "replace", "samplingRate", "separator", "source", "subField", "transform",
        )
    },
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "sc": "https://schema.org/",
}  # fmt: skip
_FORMATS = {
    ".wav": "audio/wav", ".flac": "audio/flac", ".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".mp4": "video/mp4",
    ".webm": "video/webm", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png",
}  # fmt: skip
_OURS = ("@context", "@type", "conformsTo", "distribution", "recordSet")  # everything else is kept as somebody wrote it

_CALLED = {str: "a text", dict: "an object", list: "a list"}
_KEPT_AS = {"name": (str,), "description": (str,), "license": (str, dict, list)}


def croissant(folder: Path, said: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """The metadata of all annotation files below `folder` and of the files they name; and which JSON files are none.

    What a croissant.json there already says of name, licence, authors and so on is kept, unless `said` has it. Raises BenchError
    where there is no annotation file, for one that is damaged or does not keep to its specification, and where no licence is known.
    """
    if not folder.is_dir():
        raise BenchError(f"{folder} is not a folder; give the folder of the annotation files")
    files, others = _annotation_files(folder)
    if not files:
        raise BenchError(
            f"{folder} holds no annotation file (.json, .jsonl) of a known specification; give the folder of some"
        )
    kept = _kept(folder / NAME)
    found = {**kept, **said}
    if "license" not in found:
        raise BenchError(f"{folder}: no licence is known; give --licence, an SPDX identifier or the licence's address")
    distribution: list[dict[str, Any]] = []
    records: list[dict[str, Any]] = []
    media: dict[Path, str] = {}
    for path, spec, kind in files:
        here = _file_object(folder, path, "application/json" if kind.whole_file else "application/jsonlines")
        distribution += [here, here | {"@id": f"{here['@id']}{PASSAGES}"}] if kind.whole_file else [here]
        records += record_sets(folder, path, spec, kind)
        for name in () if kind.whole_file else _media(path):
            media[path.parent / name] = _FORMATS.get(Path(name).suffix.lower(), "application/octet-stream")
    distribution += [_file_object(folder, path, form) for path, form in sorted(media.items())]
    whole = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": folder.resolve().name,
        **found,
        "distribution": distribution,
        "recordSet": records,
    }
    return whole, others


def _annotation_files(folder: Path) -> tuple[list[tuple[Path, str, Kind]], list[str]]:
    files, others = [], []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in (".json", ".jsonl", ".ndjson") or path.name == NAME or not path.is_file():
            continue
        if (known := _kind_of(path)) is None:
            others.append(str(path.relative_to(folder)))
            continue
        if problem := next(iter_problems(path, known[0]), None):
            raise BenchError(
                f"{format_problem(problem)} (correct what `bench data check {path} --spec {known[0]}` finds)"
            )
        files.append((path, *known))
    return files, others


def _kind_of(path: Path) -> tuple[str, Kind] | None:
    """The specification and kind whose required fields the first record has, of several the one that requires most."""
    try:
        first = next((record for _, record in read_jsonl(path)), None) if path.suffix != ".json" else read_json(path)
    except BenchError as error:  # nobody can tell what it was: left out, its data would be lost without a word
        raise BenchError(f"{error}; or take it out of the folder") from None
    if not isinstance(first, dict):
        return None
    fitting = [
        (len(needed), spec, kind)
        for spec, kinds in KINDS.items()
        for kind in kinds
        if (needed := set(load(spec)["$defs"][kind.name]["required"])) <= first.keys()
    ]
    return max(fitting, key=lambda one: one[0])[1:] if fitting else None


def _kept(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    whole = read_json(path)
    if not isinstance(whole, dict):
        raise BenchError(f"{path} holds no JSON object; remove it, or correct it")
    for key, allowed in _KEPT_AS.items():
        if not isinstance(whole.get(key, ""), allowed):
            kinds = " or ".join(_CALLED[one] for one in allowed)
            raise BenchError(f"{path}: {key}: found {what(whole[key])}, expected {kinds}; correct it, or remove it")
    return {key: value for key, value in whole.items() if key not in _OURS}


def _file_object(folder: Path, path: Path, form: str) -> dict[str, Any]:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    name = path.relative_to(folder).as_posix()
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        "contentSize": f"{path.stat().st_size} B",
        "encodingFormat": form,
        "sha256": digest,
    }


def _media(path: Path) -> Iterator[str]:
    for _, record in read_jsonl(path):
        name = record.get("image", record.get("file"))
        if isinstance(name, str):
            yield name


def as_text(whole: Mapping[str, Any]) -> str:
    """The metadata as it is written to a file."""
    return json_lettered(whole, indent=1) + "\n"
