"""What `bench` writes for itself: raw timings, trainings, seals, digests, locks, the index of boards, counts of attempts."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scripts.hard.damage import world
from scripts.hard.damage.readers import _TESTS, small_data
from scripts.hard.damage.subject import Damage, Subject


def timings() -> Iterator[Subject]:  # noqa: PLR0915
    """Raw files of timing scenarios, records and ledgers of trainings."""
    if str(_TESTS) not in sys.path:
        sys.path.insert(0, str(_TESTS))
    import tempfile

    import dawnbench_entries
    import raw_times

    from bench.timing import raw
    from bench.timing.summary import summarise

    with tempfile.TemporaryDirectory() as made:
        raw_times.write(Path(made), "single_stream", raw_times.single_stream(70))
        data = (Path(made) / "scenarios" / "single_stream.jsonl").read_bytes()
        folder = dawnbench_entries.training(Path(made))
        training = (folder / "training.json").read_bytes()

    def read(folder: Path) -> Any:
        found = raw.read(folder / "scenarios/single_stream.jsonl")
        return found, summarise(found)

    def wrong(folder: Path, found: Any, damage: Damage) -> str:
        told, summary = found
        json.dumps(summary, allow_nan=False)
        n = sum(b'"id"' in line for line in damage.data.split(b"\n"))
        read = sum(len(probe.answers) for probe in told.probes)
        return "" if n == read else f"{read} answers of {n} lines"

    yield Subject("raw timings", {"scenarios/single_stream.jsonl": data}, read, wrong)

    from bench.training import record

    seconds = json.loads(training)["result"]

    def rounded(due: Any, said: Any) -> Any:
        """What is due, with the last digits of numbers as they are said: a record's readers allow for these."""
        if isinstance(due, dict) and isinstance(said, dict):
            return {name: rounded(value, said.get(name)) for name, value in due.items()}
        close = (
            isinstance(due, float) and isinstance(said, int | float) and abs(due - said) <= 1e-9 * max(1.0, abs(due))
        )
        return said if close else due

    def of_training(folder: Path, found: Any, damage: Damage) -> str:
        json.dumps(found.to_json(), allow_nan=False)
        return (
            ""
            if found.result == rounded(seconds, found.result)
            else f"the result {str(found.result)[:150]}, the seeds give {str(seconds)[:150]}"
        )

    yield Subject(
        "record of a training",
        {"t/training.json": training},
        lambda folder: record.read(folder / "t/training.json"),
        of_training,
    )

    from bench.training.ledger import readings, totals, way

    lines = [
        {"attempt": 1, "phase": "begin", "seconds": 0.0, "at": "2026-01-02T03:04:05+00:00"},
        {"attempt": 1, "phase": "load", "seconds": 1.0, "weights": "a" * 64, "order": "b" * 64},
        *({"attempt": 1, "phase": "train", "seconds": 2.0, "start": 5 * i, "step": 5 * i + 5} for i in range(5)),
        *(
            {"attempt": 1, "phase": "evaluate", "seconds": 0.5, "step": 5 * i + 5, "epoch": i + 1.0, "value": 0.1 * i}
            for i in range(5)
        ),
        {"attempt": 1, "phase": "save", "seconds": 0.5, "step": 25, "weights": "a" * 64, "why": "reached"},
    ]
    ledger = "".join(json.dumps(one) + "\n" for one in lines).encode()

    def of_ledger(folder: Path) -> Any:
        found, bad = readings(folder)
        return found, bad, way(found), totals(found)

    def counted(folder: Path, found: Any, damage: Damage) -> str:
        n = damage.data.count(b"\n")
        return "" if len(found[0]) + found[1] == n else f"{len(found[0])} readings and {found[1]} bad ones of {n} lines"

    yield Subject("ledger of a training", {"ledger.jsonl": ledger}, of_ledger, counted)


def caches() -> Iterator[Subject]:  # noqa: PLR0915
    """Seals, digests, what is kept of fetched models, pins: damaged, they cost time, and never give another digest."""
    from bench.artifacts.digest import digest
    from bench.artifacts.lock import pins
    from bench.artifacts.seals import Sealer

    data = b"some data\n" * 20
    sha256 = hashlib.sha256(data).hexdigest()

    def sealed(folder: Path) -> Any:
        path = folder / "data" / "a.txt"
        path.parent.mkdir(exist_ok=True)
        if not path.exists():
            path.write_bytes(data)
            os.utime(path, (1e9, 1e9))
        place = (
            folder / "cache" / "seals" / f"{hashlib.sha256(str(path.parent.resolve()).encode()).hexdigest()[:32]}.json"
        )
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes((folder / "seals.json").read_bytes())
        sealer = Sealer()
        found = sealer.seal(path).sha256
        sealer._new.add(path.parent)
        sealer.keep()
        return found

    is_digest = lambda folder, found, damage: "" if found == sha256 else f"the digest {found[:80]!r}, it is {sha256}"  # noqa: E731
    seals = json.dumps({"a.txt": ["0" * 64, 1, 2, 3, 4], "b.txt": ["1" * 64, 1, 2, 3, 4]}).encode()
    yield Subject("cache of seals", {"seals.json": seals}, sealed, is_digest)

    large = b"\0" * (8 * 2**20)
    whole = hashlib.sha256(large).hexdigest()

    def digested(folder: Path) -> Any:
        from bench.artifacts import digest as module

        path = folder / "large.bin"
        if not path.exists():
            path.write_bytes(large)
        place = folder / "cache" / "digests" / "one"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes((folder / "digest.txt").read_bytes())
        module._known_digest = lambda path: place
        return digest(path)

    def of_large(folder: Path, found: Any, damage: Damage) -> str:
        """Another whole digest in the cache cannot be told from the right one; whatever is none must not be taken."""
        import re

        is_one = re.fullmatch(rb"[0-9a-f]{64}", damage.data) is not None
        return "" if found == whole or (is_one and found.encode() == damage.data) else f"the digest {found[:80]!r}"

    yield Subject("cache of digests", {"digest.txt": whole.encode()}, digested, of_large, raw=True)

    lock = json.dumps(
        {"hub:a/b@main": {"revision": "a" * 40, "fetched": "2026-01-01"}, "https://x/y": {"sha256": "b" * 64}}, indent=1
    ).encode()

    def locked(folder: Path) -> Any:
        from bench.artifacts.lock import pinned

        os.environ["BENCH_LOCK"] = str(folder / "bench.lock")
        return pins(), pinned("hub:a/b@main", "revision"), pinned("https://x/y", "sha256")

    def is_pinned(folder: Path, found: Any, damage: Damage) -> str:
        for one in found[1:]:
            if one is not None and not isinstance(one, str):
                return f"a pin that is {one!r}"
        return ""

    yield Subject("bench.lock", {"bench.lock": lock}, locked, is_pinned)


def indexes() -> Iterator[Subject]:
    """The index of boards, which is made again from the records whatever became of it; the mark of a store."""
    import tempfile

    from bench.tracking import mark

    place, files = world.complete()
    below = {f"{place}/{name}": data for name, data in files.items()}
    with tempfile.TemporaryDirectory() as made:
        for name, data in below.items():
            (Path(made) / name).parent.mkdir(parents=True, exist_ok=True)
            (Path(made) / name).write_bytes(data)
        with world.inside(made):
            board = world.said("board", "hard_numbers", "--runs", f"{made}/runs", "--json")
        found = [
            path for path in (Path(made) / "runs").rglob("*") if path.is_file() and path.read_bytes()[:6] == b"SQLite"
        ]
        index = {str(path.relative_to(made)): path.read_bytes() for path in found}
    value = json.loads(files["run.json"])["scores"][0]["value"]

    def read(folder: Path) -> Any:
        return world.said("board", "hard_numbers", "--runs", str(folder / "runs"), "--json")

    def wrong(folder: Path, found: Any, damage: Damage) -> str:
        return "" if str(value)[:6] in found[1] else f"a board without the score {value}: {found[1][:200]}"

    if index and board:
        yield Subject("index of boards", below | index, read, wrong, tuple(index), writes=True, raw=True)
    marked = json.dumps(
        {
            "uri": "sqlite:///x.db",
            "run_id": "1",
            "record": "0" * 64,
            "suites": ["a"],
            "time": {"at": "2026-01-01T00:00:00+00:00", "seconds": 1.0},
        }
    )

    def of_mark(folder: Path) -> Any:
        found = mark.read(folder)
        logged = mark.is_logged(folder, "sqlite:///x.db")
        mark.add_time(folder, "2026-01-01T00:00:00+00:00", None, 1.0)
        return found, logged

    def is_mark(folder: Path, found: Any, damage: Damage) -> str:
        one = found[0]
        if one is None:
            return ""
        return (
            ""
            if all(isinstance(each, str) for each in (one.uri, one.run_id, one.record, *one.suites))
            else f"the mark {one}"
        )

    yield Subject(
        "mark of a store",
        {"mlflow.json": marked.encode(), "run.json": b"{}"},
        of_mark,
        is_mark,
        ("mlflow.json",),
        writes=True,
    )


def attempts() -> Iterator[Subject]:
    """The count of a submitter's attempts on held-out references: damaged, there is no score."""
    from bench.submissions import held_out
    from bench.types import Prediction

    task = small_data().shipped("finmm_qa", Path())
    examples = {one.id: one for one in task.examples()[:2]}
    given = [Prediction(key, answer="fees") for key in examples]

    def said(text: str) -> str:
        return held_out._said(task, examples, [Prediction(key, answer=text) for key in examples])

    line = {"time": "2026-01-01T00:00:00+00:00", "task": task.name, "submitter": "ann"}
    known = [line | {"predictions": said(f"{i}"), "count": i + 1} for i in range(3)]
    known.append(line | {"submitter": "bo", "predictions": said("0"), "count": 1})
    file = "".join(json.dumps(one) + "\n" for one in known).encode()

    def read(folder: Path) -> Any:
        os.environ["BENCH_PRIVATE"] = str(folder)
        return held_out._attempt(task, examples, given, "Ann")

    def wrong(folder: Path, found: Any, damage: Damage) -> str:
        lines = [json.loads(one) for one in damage.data.split(b"\n")[:-1]]
        due = 1 + sum(one["task"] == task.name and one["submitter"] == "ann" for one in lines)
        return "" if found == due else f"attempt {found}, the file has {due - 1}"

    yield Subject("attempts", {"attempts.jsonl": file}, read, wrong, writes=True)
