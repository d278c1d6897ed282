"""Bundles: VERIFIED stands only over what the original said, whatever bytes of the zip or of a file in it were changed."""

from __future__ import annotations

import functools
import io
import json
import os
import random
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scripts.hard.damage import world
from scripts.hard.damage.subject import Damage, Subject

_ZIP = "bundle.zip"
_ODD = (
    "doubled name",
    "absolute",
    "parent",
    "symlink",
    "declared huge",
    "folder",
    "backslash",
    "bomb",
    "encrypted flag",
    "comment",
    "device",
)


@functools.lru_cache
def _made() -> bytes:
    from bench.bundles import bundle

    place, files = world.complete()
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder) / place
        at.mkdir(parents=True)
        for name, data in files.items():
            (at / name).write_bytes(data)
        data, _ = bundle.pack((at,), "Anna")
        return data if isinstance(data, bytes) else b"".join(data)


def _verdict(path: Path) -> Any:
    """The verdicts of the bundle, what is unpacked, and the predictions and scores of each verified run."""
    from bench.commands.shared.bundle_verdicts import BROKEN, Ground, judge

    class Here(Ground):
        def task(self, name: str) -> Any:
            from hard_stubs import Numbers

            from bench.errors import BenchError

            if name != "hard_numbers":
                raise BenchError(f"task '{name}' is not known here")
            return Numbers(world.N)

    world.ready()
    with tempfile.TemporaryDirectory(dir=path.parent) as room:
        found = judge([path], Path(room), Here(), path.parent / "no-runs")
        if broken := [one for one in found if one.status == BROKEN]:
            raise RuntimeError(broken[0].line)
        said = []
        for one in found:
            folder = one.found.folder if one.found else None
            text = (folder / "predictions.jsonl").read_bytes() if folder else b""
            said.append((one.status, one.line, text, _scores(one.run) if one.run else None))
        return said


def _scores(run: Any) -> list[Any]:
    return [(one.metric, one.value, one.low, one.high, one.n, one.n_failed) for one in run.scores]


def _wrong(folder: Path, found: Any, damage: Damage) -> str:
    _place, files = world.complete()
    for status, line, predictions, scores in found:
        if status != "verified":
            if not line.strip() or "\n" in line:
                return f"{status} with the line {line!r}"
            continue
        if _parsed(predictions) != _parsed(files["predictions.jsonl"]):
            return "VERIFIED over other predictions"
        value = json.loads(files["run.json"])["scores"][0]["value"]
        if scores[0][:2] != ("exact_match", value):
            return f"VERIFIED over other scores: {scores}"
    return ""


def _parsed(text: bytes) -> list[Any]:
    return [json.loads(line) for line in io.BytesIO(text)]


def subjects() -> Iterator[Subject]:
    """The bytes of the zip; each file in it, the zip made again; the same with all digests put right; odd zips."""
    with zipfile.ZipFile(io.BytesIO(_made())) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    command = lambda folder: ["verify", str(folder / _ZIP), "--runs", str(folder / "no-runs")]  # noqa: E731
    yield Subject(
        "bundle bytes", {_ZIP: _made()}, lambda folder: _verdict(folder / _ZIP), _wrong, command=command, raw=True
    )

    def inside(right: bool) -> Any:
        def read(folder: Path) -> Any:
            found = {name: (folder / "in" / name).read_bytes() for name in files}
            if right:
                found = _put_right(found)
            _zipped(folder / "made" / _ZIP, found)
            return _verdict(folder / "made" / _ZIP)

        return read

    below = {f"in/{name}": data for name, data in files.items()}
    yield Subject("bundle files", below, inside(False), _wrong)
    yield Subject("bundle files with digests put right", below, inside(True), _as_scored)

    record = next(name for name in files if name.endswith("run.json"))

    def forged(folder: Path) -> Any:
        try:
            scores = json.loads((folder / "scores.json").read_bytes())
            changed = json.dumps(json.loads(files[record]) | {"scores": scores}).encode()
        except (ValueError, RecursionError):
            changed = (folder / "scores.json").read_bytes()
        _zipped(folder / "made" / _ZIP, _put_right(files | {record: changed}))
        return _verdict(folder / "made" / _ZIP)

    scores = json.dumps(json.loads(files[record])["scores"]).encode()
    yield Subject("bundle of forged scores", {"scores.json": scores}, forged, _as_scored)

    def odd(folder: Path) -> Any:
        which = int.from_bytes((folder / "which.bin").read_bytes()[:8].ljust(8, b"\0"), "big")
        (folder / "made").mkdir(exist_ok=True)
        (folder / "made" / _ZIP).write_bytes(_odd(files, random.Random(which)))
        return _verdict(folder / "made" / _ZIP)

    yield Subject("bundle of an odd zip", {"which.bin": b"\0" * 8}, odd, _odd_wrong, raw=True)


def _as_scored(folder: Path, found: Any, damage: Damage) -> str:
    """With the digests of a careful forger: VERIFIED may stand over other predictions, but over their own scores alone."""
    for status, _line, predictions, scores in found:
        if status != "verified":
            continue
        told = _parsed(predictions)
        right = sum(one.get("text", "").strip() == one["id"].removeprefix("n") for one in told)
        if len(told) != world.N or abs(scores[0][1] - right / world.N) > 1e-6:
            return f"VERIFIED with {scores[0]}, where {right} of {len(told)} answers are right"
    return ""


def _odd_wrong(folder: Path, found: Any, damage: Damage) -> str:
    outside = [path for path in (folder / "evil", folder.parent / "evil", Path("/tmp/hard-evil")) if path.exists()]
    return f"a file outside of the bundle was written: {outside[0]}" if outside else _wrong(folder, found, damage)


def _zipped(path: Path, files: dict[str, bytes]) -> None:
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr, info.compress_type = 3, 0o100644 << 16, zipfile.ZIP_DEFLATED
            archive.writestr(info, data)


def _put_right(files: dict[str, bytes]) -> dict[str, bytes]:
    """Every digest that fits, as far as what is there can be read."""
    import sys

    from scripts.hard.damage.readers import _TESTS

    if str(_TESTS) not in sys.path:
        sys.path.insert(0, str(_TESTS))
    import bundles as forging

    made = dict(files)
    try:
        forging.put_right(made)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError, StopIteration):
        return files
    return made


def _odd(files: dict[str, bytes], draw: random.Random) -> bytes:
    """The bundle as an archive that no `bench submit` writes."""
    kinds = draw.sample(_ODD, draw.choice((1, 1, 2)))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        names = list(files)
        draw.shuffle(names)
        for name in names:
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr, info.compress_type = (
                3,
                0o100644 << 16,
                draw.choice((0, 8, 8, 12, 14)),
            )
            archive.writestr(info, files[name])
        for kind in kinds:
            _add(archive, kind, names, files, draw)
    data = bytearray(out.getvalue())
    if "declared huge" in kinds or "encrypted flag" in kinds:
        at = data.find(b"PK\x01\x02")
        if "declared huge" in kinds:
            data[at + 24 : at + 28] = (2**31).to_bytes(4, "little")
        else:
            data[at + 8] |= 1
    return bytes(data)


def _add(archive: zipfile.ZipFile, kind: str, names: list[str], files: dict[str, bytes], draw: random.Random) -> None:
    import warnings

    info = zipfile.ZipInfo("evil")
    info.create_system, info.external_attr, info.compress_type = 3, 0o100644 << 16, 8
    data = b"evil"
    if kind == "doubled name":
        info.filename = draw.choice(names)
        data = draw.choice((files[info.filename], b"{}"))
    elif kind == "absolute":
        info.filename = "/tmp/hard-evil"
    elif kind == "parent":
        info.filename = draw.choice(("../evil", "runs/../../evil", "runs/../../../evil"))
    elif kind == "symlink":
        info.filename, info.external_attr = draw.choice((names[0], "evil")), 0o120777 << 16
        data = b"/etc/passwd"
    elif kind == "folder":
        info.filename, data = f"{names[0]}/", b""
    elif kind == "backslash":
        info.filename = "runs\\evil"
    elif kind == "bomb":
        data = b"\0" * 50_000_000
    elif kind == "device":
        info.external_attr = 0o020666 << 16
    elif kind == "comment":
        archive.comment = b"PK\x05\x06" * 20
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr(info, data)


def outside() -> None:
    """Take away what an earlier trial may have left outside of its folder."""
    shutil.rmtree(os.path.join(tempfile.gettempdir(), "hard-evil"), ignore_errors=True)  # noqa: PTH118
