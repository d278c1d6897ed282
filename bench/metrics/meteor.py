"""METEOR 1.5 through its own Java program, which the package pycocoevalcap 1.2 carries.

The program gives statistics of one segment; the formula over their sums stands here in vectorised form, so that an
interval needs no further run of it, and a test holds it against the program's own total.
"""

from __future__ import annotations

import atexit
import shutil
import subprocess
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from bench.artifacts.fetch import locate
from bench.artifacts.held import held
from bench.errors import BenchError
from bench.metrics.metric import Array, Metric, Row

_URI = "pypi:pycocoevalcap==1.2#pycocoevalcap/meteor"
_SHA256 = "e92bd46710840eb449fbd24dabe4b2be7cc128a708d2f1fa1a3197efff8bdbc1"
_ALPHA, _BETA, _GAMMA, _DELTA = 0.85, 0.2, 0.6, 0.75  # English, task "rank"
_WEIGHTS = np.array([1.0, 0.6, 0.8, 0.6])  # of exact, stem, synonym and paraphrase matches
_KEPT = 20_000  # lines whose answers are kept
_NUMBERS = 23  # that the program prints for a segment


def fetch() -> None:
    """Bring the program into the cache, where there is Java to run it; raises BenchError when it cannot be had."""
    if shutil.which("java") is not None:
        locate(_URI, sha256=_SHA256)


def meteor_from_sums(totals: Array, n: Array) -> Array:
    """METEOR in [0, 1] from sums of the rows that `weighted` gives: [..., 6] -> [...].

    The weighted harmonic mean of precision and recall, less a penalty for matches that lie in many pieces.
    Source: Denkowski and Lavie 2014, "Meteor Universal" (WMT), with the parameters of version 1.5.
    """
    found, length, covered, reference_length, chunks, words = np.moveaxis(totals, -1, 0)
    some = (found > 0) & (covered > 0)
    precision = np.where(some, found, 1.0) / np.where(some, length, 1.0)
    recall = np.where(some, covered, 1.0) / np.where(some, reference_length, 1.0)
    mean = 1 / ((1 - _ALPHA) / precision + _ALPHA / recall)
    penalty = _GAMMA * (chunks / np.where(some, words, 1.0)) ** _BETA
    return np.where(some, mean * (1 - penalty), 0.0)


def weighted(statistics: str) -> Row:
    """A segment's row from the 23 numbers that the program prints for it.

    It is (matches in the answer, its length, matches in the reference, its length, chunks, mean of matched words), where
    matches and lengths weigh content words 0.75 and function words 0.25. A segment that is matched whole and in order has
    no chunks, as the program adds segments up. Raises ValueError where the text is not such a line.
    """
    numbers = np.array(statistics.split(), dtype=np.float64)
    if len(numbers) != _NUMBERS:
        raise ValueError(f"found {statistics[:80]!r}, expected the {_NUMBERS} numbers of a segment from METEOR 1.5")
    lengths, functions = numbers[0:2], numbers[2:4]  # of the answer and of the reference, here and below
    content, function = numbers[4:20].reshape(4, 2, 2).swapaxes(0, 1)  # [module, side] each
    chunks, words = numbers[20], numbers[21:23]
    length = _DELTA * (lengths - functions) + (1 - _DELTA) * functions
    matches = _WEIGHTS @ (_DELTA * content + (1 - _DELTA) * function)
    whole = chunks == 1 and ((content + function).sum(axis=0) == lengths).all()
    return (matches[0], length[0], matches[1], length[1], 0.0 if whole else chunks, words.mean())


class _Program:
    """One Java process that answers a line with a line, started at the first question and ended with Python."""

    def __init__(self, jar: Path) -> None:
        self.command = ["java", "-Xmx1g", "-jar", str(jar), "-", "-", "-stdio", "-l", "en"]
        self.process: subprocess.Popen[str] | None = None
        self.lock = Lock()
        self.answered: dict[str, list[str]] = {}  # an answer may be scored twice: as it came, and normalised

    def ask(self, line: str, answers: int = 1) -> list[str]:
        """The lines that answer `line`; raises BenchError when the process has ended."""
        with self.lock:
            if line in self.answered:
                return self.answered[line]
            process = self.process or self._started()
            try:
                print(line, file=process.stdin, flush=True)
                found = [process.stdout.readline().strip() for _ in range(answers)] if process.stdout else []
            except OSError:
                found = []
            if len(found) < answers or not all(found):
                self.close()
                raise BenchError("METEOR's Java process ended before it answered; it needs 1 GB of memory: free some")
            if len(self.answered) < _KEPT:
                self.answered[line] = found
            return found

    def _started(self) -> subprocess.Popen[str]:
        pipe: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(self.command, text=True, encoding="utf-8", **pipe)
        atexit.register(self.close)
        return self.process

    def close(self) -> None:
        """End the process; the next question starts a new one."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


@cache  # a failure is not kept
def ready() -> _Program:
    """The program, not yet started; raises BenchError where Java or the jar is missing, for it fetches nothing."""
    if shutil.which("java") is None:
        raise BenchError("METEOR needs Java, and there is no `java` on the path; install a Java runtime")
    try:
        folder = held(_URI, sha256=_SHA256)  # 104 MB are not for the middle of a scoring
    except BenchError:
        raise BenchError("METEOR's program is not on this machine; run `bench fetch task=dstc7`") from None
    return _Program(folder / "meteor-1.5.jar")


def _absent(answers: Sequence[Any]) -> str:
    """Why METEOR cannot be had, after one question to the program; "" if it can."""
    try:
        _segment(["a"], "a")
    except BenchError as error:
        return str(error)
    return ""


def _segment(references: Sequence[str], answer: str) -> str:
    """The program's statistics of one segment against the reference that suits it best."""
    texts = [" ".join(text.replace("|||", " ").split()) for text in (*references, answer)]
    return ready().ask(" ||| ".join(["SCORE", *texts]))[0]


def meteor(prepare: Callable[[str], str]) -> Metric:
    """METEOR of texts that `prepare` has tokenised and lower-cased; an example without references counts nothing."""

    def measure(references: Sequence[str], answer: str) -> Row:
        if not references:
            return (0.0,) * 6
        return weighted(_segment([prepare(text) for text in references], prepare(answer)))

    return Metric(
        "meteor",
        measure,
        summarise=meteor_from_sums,
        worst=lambda references: measure(references, ""),
        best=lambda references: measure(references, max(references, key=len, default="")),
        signature="METEOR 1.5 -l en, no -norm",
        absent=_absent,
    )
