"""What a machine runs out of: disk, the right to write, open files, memory, patience. One line, and the same command goes on."""

from __future__ import annotations

import contextlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.hard import forked
from scripts.hard.command import Ended, environment, is_clean, start, words
from scripts.hard.crash import RUN, Undisturbed, complete, finished
from scripts.hard.row import Row, Scale, counted

QUIET = (*RUN, "tracking=none")
_CGROUPS = (
    (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"),
    (Path("/sys/fs/cgroup"), "memory.max"),
)  # version 1 and 2


def tried(scale: Scale) -> Iterator[Row]:
    """The rows of this part."""
    whole = Undisturbed(scale.folder / "whole")
    yield disk_full(scale, whole)
    yield limited(
        scale,
        whole,
        "files no longer than a random size (RLIMIT_FSIZE)",
        resource.RLIMIT_FSIZE,
        lambda draw: draw.randint(1, 60_000),
    )
    yield limited(
        scale, whole, "few open files (RLIMIT_NOFILE)", resource.RLIMIT_NOFILE, lambda draw: draw.randint(3, 60)
    )
    yield limited(
        scale, whole, "little memory (RLIMIT_AS)", resource.RLIMIT_AS, lambda draw: draw.randint(60, 900) << 20
    )
    yield killed_for_memory(scale, whole)
    yield read_only(scale, whole)
    yield folder_goes(scale, whole)
    yield signalled(scale, whole)


@contextmanager
def tmpfs(folder: Path, size: str) -> Iterator[bool]:
    """A file system of this size in memory; gives whether this machine lets us have one."""
    folder.mkdir(parents=True, exist_ok=True)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, check=False
    )
    try:
        yield made.returncode == 0
    finally:
        if made.returncode == 0:
            subprocess.run(["umount", "-l", str(folder)], check=True)


def remount(folder: Path, options: str) -> None:
    """Give the file system other options."""
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True, capture_output=True)


def skipped(fault: str, why: str) -> Row:
    """The row of what cannot be tried on this machine, which says so."""
    return Row(f"{fault}: NOT TRIED, {why}", 0, 0, "–")


def one_line(done: Ended) -> str:
    """ "" where a command that failed said so in at most three lines that name a cause, with a code for users."""
    if wrong := is_clean(done):
        return wrong
    said = [line for line in done.stderr.split("\n") if line.strip()]
    return "" if done.returncode == 0 or len(said) <= 3 else f"{len(said)} lines: {done.stderr[:400]!r}"


def disk_full(scale: Scale, whole: Undisturbed) -> Row:
    """Runs on a disk that is full at a random point of all that a run writes; then there is room, and the same command goes on."""
    draw, verdicts = scale.draw("disk"), []
    fault = "disk full (tmpfs)"
    for number in range(scale.n(2, 40)):
        folder = scale.folder / f"disk{number}"
        with tmpfs(folder / "runs", f"{draw.randint(1, 40) * 4}k") as made:
            if not made:
                return skipped(fault, "no file system may be mounted here")
            first = forked.bench(*QUIET, folder=folder, BENCH_CACHE=str(whole.cache))
            kept = answers(folder)
            remount(folder / "runs", "size=20m")
            verdict = one_line(first) or finished(folder, whole)
            if not verdict and first.returncode and kept and asked_again(folder) > 1:
                verdict = f"{asked_again(folder)} answers were asked twice"
            verdicts.append(verdict)
    return counted(fault, verdicts)


def answers(folder: Path) -> int:
    """How many whole answers the journal has."""
    return sum(path.read_bytes().count(b"\n") for path in (folder / "runs").glob("*/*/*/predictions.jsonl"))


def asked_again(folder: Path) -> int:
    """How many answers were asked for more than once."""
    (ledger,) = (folder / "runs").glob("*/*/*/timings.jsonl")
    readings = [json.loads(line) for line in ledger.read_text().split("\n") if line]
    places = [place for one in readings if one["phase"] == "predict" for place in one.get("places", ())]
    return len(places) - len(set(places))


def limited(scale: Scale, whole: Undisturbed, fault: str, kind: int, value: Callable[[random.Random], int]) -> Row:
    """Runs under a random limit of the system; then without it, and the same command goes on."""
    draw, verdicts = scale.draw(fault), []
    for number in range(scale.n(3, 40)):
        folder, most = scale.folder / f"limit{kind}-{number}", value(draw)
        folder.mkdir()

        def limit(most: int = most) -> None:
            resource.setrlimit(kind, (most, most))

        first = subprocess.run(
            words(*QUIET), cwd=folder, env=environment(folder, BENCH_CACHE=str(whole.cache)), capture_output=True, text=True,
            timeout=120, preexec_fn=limit, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        verdicts.append((starved(first) and f"limit {most}: {starved(first)}") or finished(folder, whole))
    return counted(fault, verdicts)


def starved(done: subprocess.CompletedProcess[str]) -> str:
    """What is wrong with how a command ended under a limit; Python itself, which may not even begin, is not ours to mend."""
    began = "bench" in done.stderr or "/bench/" in done.stderr
    if done.returncode and not began:
        return ""
    return one_line(done)


def killed_for_memory(scale: Scale, whole: Undisturbed) -> Row:
    """Runs whose model takes more memory than their group may have, so that the system kills them; then with more."""
    fault, verdicts = "killed by the system for its memory (cgroup)", []
    home, bound = next((one for one in _CGROUPS if one[0].is_dir()), _CGROUPS[1])
    group = home / f"hard-{os.getpid()}"
    try:
        group.mkdir()
        (group / bound).write_text(str(250 << 20))
    except OSError as error:
        return skipped(fault, f"no group of processes may be made here ({error.strerror})")
    try:
        for number in range(scale.n(1, 5)):
            folder = scale.folder / f"memory{number}"
            folder.mkdir()
            first = subprocess.run(
                words(*QUIET, "model.megabytes=600"), cwd=folder, env=environment(folder), capture_output=True, text=True,
                timeout=120,
                preexec_fn=lambda: (group / "cgroup.procs").write_text(str(os.getpid())), stdin=subprocess.DEVNULL, check=False,
            )  # fmt: skip
            said = forked.bench("status", folder=folder).stdout
            after = forked.bench(*QUIET, "model.megabytes=600", folder=folder)
            is_right = (
                first.returncode == -signal.SIGKILL
                and "killed, or its machine went down" in said
                and after.returncode == 0
            )
            verdicts.append("" if is_right else f"{first.returncode}, {said!r}, {after.stderr[-200:]!r}")
    finally:
        with contextlib.suppress(OSError):
            group.rmdir()
    return counted(fault, verdicts)


def read_only(scale: Scale, whole: Undisturbed) -> Row:
    """Runs below a folder that may not be written: one line; what is complete there is answered, shown and compared."""
    fault, verdicts = "folder that may only be read", []
    for number in range(scale.n(1, 5)):
        folder = scale.folder / f"ro{number}"
        with tmpfs(folder / "runs", "20m") as made:
            if not made:
                return skipped(fault, "no file system may be mounted here")
            remount(folder / "runs", "ro")
            first = forked.bench(*QUIET, folder=folder, BENCH_CACHE=str(whole.cache))
            verdicts.append(
                one_line(first) or ("" if first.returncode == 2 and "Read-only" in first.stderr else f"{first}")
            )
            remount(folder / "runs", "rw")
            verdicts.append(finished(folder, whole))
            remount(folder / "runs", "ro")
            for command in (
                QUIET,
                ("status",),
                ("board", "hard_numbers"),
                ("compare", "hard_numbers/hard_stub", "hard_numbers/hard_stub"),
            ):
                done = forked.bench(*command, folder=folder, BENCH_CACHE=str(whole.cache))
                verdicts.append("" if done.returncode == 0 else f"{command}: {done.returncode} {done.stderr[-300:]}")
            logging = forked.bench(*RUN, folder=folder, BENCH_CACHE=str(whole.cache))
            verdicts.append(one_line(logging) or ("" if logging.returncode == 0 else f"{logging.stderr[-300:]}"))
    return counted(fault, verdicts)


def folder_goes(scale: Scale, whole: Undisturbed) -> Row:
    """The folder of a run is removed, or renamed and put back, while it answers: one line, and the same command goes on."""
    draw, verdicts = scale.draw("goes"), []
    for number in range(scale.n(2, 16)):
        folder, back = scale.folder / f"goes{number}", number % 2 == 1
        process = forked.start(*QUIET, "model.seconds=0.004", folder=folder)
        until = time.monotonic() + 60
        while not list((folder / "runs").glob("*/*/*/predictions.jsonl")) and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(draw.uniform(0, 0.8))
        if back:
            (folder / "runs").rename(folder / "elsewhere")
        else:
            shutil.rmtree(folder / "runs", ignore_errors=True)
        first = process.wait(120)
        if back:
            shutil.rmtree(folder / "runs", ignore_errors=True)
            (folder / "elsewhere").rename(folder / "runs")
        verdicts.append(
            one_line(first)
            or (
                "a success without a folder"
                if first.returncode == 0 and not complete(folder)
                else finished(folder, whole)
            )
        )
    return counted("folder removed, or renamed and put back, under a run", verdicts)


def signalled(scale: Scale, whole: Undisturbed) -> Row:
    """Interrupted by Ctrl-C (also twice at once), a polite end, or a terminal that hangs up, at a random moment."""
    draw, verdicts = scale.draw("signals"), []
    for number in range(scale.n(3, 30)):
        folder, kind = scale.folder / f"signal{number}", (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)[number % 3]
        process = start(*QUIET, "model.seconds=0.004", folder=folder)
        time.sleep(draw.uniform(0.3, 2.5))
        process.send_signal(kind)
        if draw.random() < 0.3:
            process.send_signal(kind)
        out, err = process.communicate(timeout=120)
        first = subprocess.CompletedProcess([], process.returncode, out, err)
        began = bool(list((folder / "runs").glob("*/*/*/predictions.jsonl")))
        is_over = bool(complete(folder)) and first.returncode == -kind  # it came while Python itself was ending
        verdict = one_line(first) if began and not is_over else ""  # before bench has begun, Python itself ends
        if began and not is_over and first.returncode not in (0, 130):
            verdict = f"exit code {first.returncode}: {err[-300:]!r}"
        verdicts.append(verdict or finished(folder, whole))
    return counted("SIGINT, SIGTERM, SIGHUP at random moments", verdicts)
