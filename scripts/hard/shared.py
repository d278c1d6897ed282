"""Two machines on one folder, killed or suspended at random moments, each time gone on with by the other.

As far as one machine can show it: the folder is mounted twice by bindfs, on which the locks of the system hold within one mount
alone, and each process has process numbers of its own. A silence of 3 s stands for that of a minute.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from scripts.hard.command import environment
from scripts.hard.crash import RUN, Undisturbed, finished
from scripts.hard.parts import once
from scripts.hard.row import Row, Scale, counted

SLOW = (*RUN, "tracking=none", "model.seconds=0.01")
ELSEWHERE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child=KILL")
COMMAND = (
    "import sys; from bench import leases; leases.SILENT_SECONDS, leases.BEAT_SECONDS = 3.0, 0.3\n"
    "from bench.cli import main; sys.exit(main(sys.argv[1:]))"
)


def tried(scale: Scale) -> Iterator[Row]:
    """The rows of this part; none in the short version, where tests/test_shared_folder.py does the same."""
    if not scale.long:
        return
    if why := _why_not():
        yield Row(f"two machines on one folder: SKIPPED, {why}", 0, 0, "–")
        return
    whole = Undisturbed(scale.folder / "whole")
    yield _killed(scale, whole)
    yield _suspended(scale, whole)


def _why_not() -> str:
    if missing := [name for name in ("bindfs", "unshare", "umount") if shutil.which(name) is None]:
        return f"{', '.join(missing)} is not installed"
    tried = subprocess.run([*ELSEWHERE, "true"], capture_output=True, check=False)
    return "" if tried.returncode == 0 and Path("/dev/fuse").exists() else "it takes the right to mount"


@contextmanager
def _mounted(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Two mounts of the runs below a folder."""
    places = folder / "here", folder / "there"
    with ExitStack() as after:
        for place in (folder / "runs", *places):
            place.mkdir(parents=True)
        for place in places:
            subprocess.run(["bindfs", str(folder / "runs"), str(place)], check=True)
            after.callback(subprocess.run, ["umount", "--lazy", str(place)], check=False)
        yield places


def _begun(folder: Path, place: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*ELSEWHERE, sys.executable, "-c", COMMAND, *SLOW, f"runs_dir={place}"], cwd=folder, env=environment(folder),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
    )  # fmt: skip


def _killed(scale: Scale, whole: Undisturbed) -> Row:
    draw, verdicts = scale.draw("machines"), []
    for number in range(20):
        folder = scale.folder / f"machines{number}"
        with _mounted(folder) as places:
            for kill in range(draw.randint(1, 3)):
                process = _begun(folder, places[kill % 2])
                time.sleep(draw.uniform(1.0, 6.0))
                process.kill()
                process.communicate()
            verdicts.append(_ended(_begun(folder, places[1])) or finished(folder, whole) or once(folder))
        shutil.rmtree(folder, ignore_errors=True)
    return counted("kill -9 of a run on one of two machines, gone on with on the other", verdicts)


def _suspended(scale: Scale, whole: Undisturbed) -> Row:
    draw, verdicts = scale.draw("suspended"), []
    for number in range(10):
        folder = scale.folder / f"suspended{number}"
        with _mounted(folder) as places:
            verdicts.append(_one_suspended(folder, places, draw) or finished(folder, whole) or once(folder))
        shutil.rmtree(folder, ignore_errors=True)
    return counted("suspended on one machine, taken over by the other, and woken: it writes nothing more", verdicts)


def _one_suspended(folder: Path, places: tuple[Path, Path], draw: random.Random) -> str:
    first = _begun(folder, places[0])
    until = time.monotonic() + 60  # it has to be at it, else it is the one that is refused
    while not list((folder / "runs").glob("*/*/*/timings.jsonl")) and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(draw.uniform(0.0, 2.0))
    inner = int(Path(f"/proc/{first.pid}/task/{first.pid}/children").read_text().split()[0])
    os.kill(inner, signal.SIGSTOP)
    second = _begun(folder, places[1])
    if draw.random() < 0.5:  # it wakes while the other is at it
        time.sleep(draw.uniform(4.0, 8.0))
        with suppress(ProcessLookupError):
            os.kill(inner, signal.SIGCONT)
    wrong = _ended(second)
    with suppress(ProcessLookupError):
        os.kill(inner, signal.SIGCONT)
    _, said = first.communicate(timeout=120)
    if first.returncode == 0 or wrong:  # it woke in time, and it was the other that was refused
        return "" if first.returncode == 0 and "is in use by" in wrong else wrong
    return (
        ""
        if first.returncode == 2 and "was taken over by" in said
        else f"the first ended with {first.returncode}: {said[-200:]}"
    )


def _ended(process: subprocess.Popen[str]) -> str:
    """What is wrong with how a run ended, "" for nothing."""
    _, said = process.communicate(timeout=180)
    return "" if process.returncode == 0 else f"ended with {process.returncode}: {said[-200:]}"
