"""A run of very many answers with faults in it, watched from outside: what is right of each answer is known."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.hard import forked
from scripts.hard.command import OWN, environment, is_clean, words
from scripts.hard.row import Row, Scale, counted, say

sys.path.append(str(OWN))
from hard_stubs.long import FAILS, KINDS, STOPS, fault_of, said_to

MEGABYTE = 1_000_000
LEDGER_LINE = 215  # bytes, about
GROWTH = 25 * MEGABYTE  # from the first to the last sample of a process that answers
SLOWER = (1.6, 1.25)  # an answer of the last tenth against one of the first (short, long)
_LONGEST = 1500.0  # seconds of one process


@dataclass
class Lived:
    """What was seen of one process: (answers, resident bytes, open files, threads, bytes of journal and ledger) as they went."""

    code: int
    said: str
    samples: list[tuple[int, int, int, int, int, int]] = field(default_factory=list)
    told: list[tuple[float, float, int]] = field(default_factory=list)


def tried(scale: Scale) -> Iterator[Row]:
    """A run with faults that cost at most their own answer, kills and a full file; then one with the faults that stop it."""
    n, every = scale.n(12_000, 5_000_000), scale.n(300, 10_000)
    yield from _long(scale, n, every)
    yield _stopped(scale, scale.n(2_000, 60_000), scale.n(350, 5_000))


def _long(scale: Scale, n: int, every: int) -> Iterator[Row]:
    folder = scale.folder / "long"
    ends = (
        [("kill", 0.3), ("full", 0.6), ("", 1.0)]
        if scale.long
        else [("kill", 0.25), ("full", 0.5), ("kill", 0.75), ("", 1.0)]
    )
    lives, verdicts, done = list[Lived](), list[str](), 0
    for end, share in ends:
        one = _life(folder, n, every, end, share, int(share * n) - done)
        lives.append(one)
        done += one.told[-1][2] if one.told else 0
        verdicts.append(_ended(end, one))
        say(f"{n:,} answers: {end or 'the end'} after about {done:,}")
    run, places = _folder_of(folder), range(n)
    wrong = dict(_wrong(run, n, every))
    faults = [place for place in places[every // 2 :: every] if fault_of(place, every)]
    yield counted(
        f"faults in {n:,} answers, one in {every:,}: {', '.join(KINDS)}", [wrong.pop(place, "") for place in faults]
    )
    yield counted(
        f"answers of it: all {n:,} there once and right", [*wrong.values()] + [""] * (n - len(faults) - len(wrong))
    )
    yield counted("kill -9 and files that cannot grow, under way", verdicts[:-1])
    yield _flat(lives, run, n, SLOWER[scale.long])
    failed = sum(fault_of(place, every) in FAILS for place in faults)
    yield counted("its record", [verdicts[-1] or _record(run, n, failed)])


def _life(folder: Path, n: int, every: int, end: str, share: float, answers: int) -> Lived:
    """One process of the run; killed behind so many answers, or with files that cannot grow beyond their share."""
    limit = int(share * n * LEDGER_LINE) if end == "full" else None
    with _started(folder, n, every, limit) as process:
        lived = Lived(0, "")
        deadline, told = time.monotonic() + _LONGEST, folder / f"told-{process.pid}"
        while process.poll() is None:
            time.sleep(0.05)
            lived.told = _told(told)
            _look(lived, folder, process.pid)
            if (end == "kill" and lived.told and lived.told[-1][2] >= answers) or time.monotonic() > deadline:
                process.kill()
        lived.code = process.returncode
    lived.told = _told(told)
    lived.said = (folder / "said").read_text(encoding="utf-8")[-2000:]
    return lived


def _words(folder: Path, n: int, every: int, *, stops: bool) -> tuple[str, ...]:
    return (
        "run", "task=hard_lazy", f"task.n={n}", "model=hard_faulty", f"model.folder={folder}", f"model.every={every}",
        f"model.stops={str(stops).lower()}", "tracking=none", "device=cpu", "device.dtype=float32",
    )  # fmt: skip


def _started(folder: Path, n: int, every: int, limit: int | None) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    arguments = words(*_words(folder, n, every, stops=False))

    def limited() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    with (folder / "said").open("wb") as said:
        return subprocess.Popen(
            arguments, cwd=folder, env=environment(folder), stdout=said, stderr=said, stdin=subprocess.DEVNULL,
            preexec_fn=limited,
        )  # fmt: skip


def _told(path: Path) -> list[tuple[float, float, int]]:
    if not path.exists():
        return []
    rows = [line.split() for line in path.read_text(encoding="ascii").split("\n")[:-1]]
    return [(float(wall), float(cpu), int(said)) for wall, cpu, said in rows]


def _look(lived: Lived, folder: Path, pid: int) -> None:
    """Take a sample where the number of answers is another than at the last."""
    answers = lived.told[-1][2] if lived.told else 0
    if not answers or (lived.samples and lived.samples[-1][0] == answers):
        return
    try:
        status = dict(
            line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").split("\n")[:-1]
        )
        files = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
        run = _folder_of(folder)
        sizes = [(run / name).stat().st_size for name in ("predictions.jsonl", "timings.jsonl")]
        resident = 1024 * int(status["VmRSS"].split()[0])
    except (OSError, KeyError, ValueError):  # it ended just now
        return
    lived.samples.append((answers, resident, files, int(status["Threads"]), *sizes))


def _ended(end: str, one: Lived) -> str:
    """ "" where a process ended as it must."""
    if end == "kill":
        return "" if one.code == -9 and one.told else f"was to be killed, ended with {one.code}: {one.said[-300:]!r}"
    if end == "full":
        line = one.code == 2 and "cannot be written (File too large)" in one.said
        done = subprocess.CompletedProcess([], one.code, one.said, "")
        return is_clean(done) or ("" if line else f"files could not grow, ended with {one.code}: {one.said[-300:]!r}")
    return "" if one.code == 0 else f"ended with {one.code}: {one.said[-300:]!r}"


def _folder_of(folder: Path) -> Path:
    (found,) = folder.glob("runs/hard_lazy/hard_faulty/*")
    return found


def _wrong(run: Path, n: int, every: int, kinds: Sequence[str] = KINDS) -> Iterator[tuple[int, str]]:
    """The places whose answers are not what they must be, with the reason; the journal must be in the order of the data."""
    place = -1
    with (run / "predictions.jsonl").open("rb") as file:
        for place, line in enumerate(file):
            one = json.loads(line)
            fails = fault_of(place, every, kinds) in FAILS
            if one["id"] != f"n{place}":
                yield place, f"line {place + 1} answers {one['id']}"
            elif fails != ("error" in one) or (not fails and one.get("text") != said_to(place)):
                yield place, f"{one['id']}: {line[:200]!r}"
    for lost in range(place + 1, n):
        yield lost, f"n{lost} has no answer"


def _record(run: Path, n: int, failed: int) -> str:
    """ "" where the record says of the run what is known of it."""
    record: Mapping[str, Any] = json.loads((run / "run.json").read_text(encoding="utf-8"))
    (score,) = record["scores"]
    found = (score["n"], score["n_failed"], record["timings"]["n"])
    due = (n, failed, n)
    return "" if found == due else f"its record says of (n, failed, timed) {found}, {due} are due"


def _flat(lives: Sequence[Lived], run: Path, n: int, slower: float) -> Row:
    """What the end of the run takes against its start."""
    first, last = lives[0], lives[-1]
    grew = max(life.samples[-1][1] - life.samples[0][1] for life in lives if life.samples)
    files, threads = (_most(lives, column) for column in (2, 3))
    early, late = _each(first.told, first=True, n=n), _each(last.told, first=False, n=n)
    sizes = {name: (run / name).stat().st_size / n for name in ("predictions.jsonl", "timings.jsonl")}
    begun = first.samples[-1]
    start = begun[4] / begun[0]
    verdicts = [
        "" if grew < GROWTH else f"resident memory grew by {grew / MEGABYTE:.0f} MB while it answered",
        "" if files[1] <= files[0] + 2 else f"open files went from {files[0]} to {files[1]}",
        "" if threads[1] <= threads[0] + 2 else f"threads went from {threads[0]} to {threads[1]}",
        ""
        if late <= slower * early
        else f"an answer takes {1e6 * late:.0f} µs at the end, {1e6 * early:.0f} at the start",
        "" if sizes["predictions.jsonl"] <= 1.1 * start else f"a line of the journal grew from {start:.0f} bytes",
    ]
    most = max(sample[1] for life in lives for sample in life.samples)
    figures = (
        f"nothing; memory {most / MEGABYTE:.0f} MB, +{grew / MEGABYTE:.1f} while it answers; {files[0]} → {files[1]} open files; "
        f"{1e6 * early:.0f} → {1e6 * late:.0f} µs of the processor an answer; journal {sizes['predictions.jsonl']:.0f}, ledger "
        f"{sizes['timings.jsonl']:.0f} bytes an answer"
    )
    return counted(
        "memory, open files, threads, time and bytes an answer: the end against the start", verdicts, figures
    )


def _most(lives: Sequence[Lived], column: int) -> tuple[int, int]:
    """The most of something in the first half of a process's answers, and in the second; of all of them."""
    found = [(life.samples[: -(-len(life.samples) // 2)], life.samples[len(life.samples) // 2 :]) for life in lives]
    early, late = (max(sample[column] for half in halves for sample in half) for halves in zip(*found, strict=True))
    return early, late


def _each(told: Sequence[tuple[float, float, int]], *, first: bool, n: int) -> float:
    """Seconds of the processor that an answer of the first or last tenth of the run took."""
    reach = n // 10
    some = [one for one in told if (one[2] <= reach if first else one[2] >= told[-1][2] - reach)]
    return (some[-1][1] - some[0][1]) / (some[-1][2] - some[0][2])


def _stopped(scale: Scale, n: int, every: int) -> Row:
    """A run that stops at each of its faults with a line; the same command goes on, the model being mended."""
    folder, verdicts = scale.folder / "stopped", list[str]()
    faults = range(every // 2, n, every)
    for _ in range(len(faults) + 1):
        done = forked.bench(*_words(folder, n, every, stops=True), folder=folder, seconds=_LONGEST)
        if done.returncode == 0:
            break
        due = done.returncode == 2 and "what it answered before is kept" in done.stderr
        verdicts.append(is_clean(done) or ("" if due else f"ended with {done.returncode}: {done.stderr[-300:]!r}"))
    wrong = [reason for _, reason in _wrong(_folder_of(folder), n, every, STOPS)]
    if wrong:
        verdicts.append(f"{wrong[0]} (of {len(wrong)})")
    if len(verdicts) < len(faults):
        verdicts += [f"{len(faults) - len(verdicts)} faults did not stop the run"]
    return counted(f"faults of a model that stop the run: {', '.join(STOPS)}", verdicts)
