"""Data that change under a run: it stops, says which file, and goes on to the same end once the file is as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from scripts.hard import forked
from scripts.hard.command import is_clean
from scripts.hard.damage.readers import small_data
from scripts.hard.own.hard_stubs.meddling import CHANGES, HARMLESS
from scripts.hard.row import Row, Scale, counted


@dataclass(frozen=True)
class Case:
    """A file that a task stands on, how many examples that has, and what else the command says.

    A file that is `looked_at_last` is needed for the last example only, and noticed there.
    """

    what: str
    task: str
    file: str
    n: int
    words: tuple[str, ...] = ()
    looked_at_last: bool = False


CASES = (
    Case("questions", "squad_v1", "squad/dev-v1.1.json", 4),
    Case("conversations", "convfinqa_own", "finance/convfinqa/convfinqa_dev.json", 5),
    Case("a training file of examples that are shown", "sec_ner", "finance/sec_ner/valid.jsonl", 2, ("shots=1",)),
    Case("answers beside pages", "sroie", "sroie/key", 3),
    Case("the page that is asked about last", "sroie", "sroie/img", 3, looked_at_last=True),
)


def tried(scale: Scale) -> Iterator[Row]:
    """The rows of this part."""
    runs = [Whole(scale.folder / f"whole{number}", case) for number, case in enumerate(CASES)]
    draw = scale.draw("changed")
    for text, changes, stops in (
        ("a file of the data changes under a run, in {n} ways: it stops and names the file", CHANGES, True),
        ("a file of the data is touched or written anew with the same bytes: the run goes on", HARMLESS, False),
    ):
        tries = [(whole, change) for whole in runs for change in changes for _ in range(scale.n(1, 2))]
        chosen = tries if scale.long else draw.sample(tries, 4 if stops else 1)
        verdicts = []
        for number, (whole, change) in enumerate(chosen):
            at = draw.randint(0, whole.case.n)
            folder = scale.folder / f"{'stops' if stops else 'goes_on'}{number}"
            said = whole.changed(folder, change, at) if stops else whole.touched(folder, change, at)
            verdicts.append(said and f"{whole.case.what}, {change}, before answer {at}: {said}")
        yield counted(text.format(n=len(changes)), verdicts)


class Whole:
    """A run of a case to which nothing happened, and what becomes of the same run when its data change."""

    def __init__(self, folder: Path, case: Case) -> None:
        self.folder, self.case = folder, case

    @cached_property
    def answers(self) -> tuple[bytes, bytes]:
        """Predictions and measurements."""
        self._data(self.folder)
        done = self._bench(self.folder)
        assert done.returncode == 0, done.stderr
        return self._found(self.folder)

    def changed(self, folder: Path, change: str, at: int) -> str:
        """ "" where the run stopped with the file's name and what was answered kept, and went on to the same end, else why not."""
        path = self._data(folder)
        sound = path.read_bytes()
        done = self._bench(folder, HARD_CHANGE=json.dumps([str(path), change, at]))
        if done.returncode != 2 or is_clean(done):
            return f"it ended with {done.returncode}: {is_clean(done) or (done.stdout + done.stderr)[-300:]!r}"
        if path.name not in done.stderr or "put it back" not in done.stderr:
            return f"it said {done.stderr[-300:]!r}"
        held = sum(len(one.read_bytes().split(b"\n")) - 1 for one in folder.glob("runs/*/*/*/predictions.jsonl"))
        due = max(0, (self.case.n if self.case.looked_at_last else at) - 1)
        if held != due:
            return f"{held} answers are kept of {due} that needed no changed file"
        if path.is_dir():
            path.rmdir()
        path.unlink(missing_ok=True)
        path.write_bytes(sound)
        return self._ends(folder)

    def touched(self, folder: Path, change: str, at: int) -> str:
        """ "" where the run took no notice, else why not."""
        path = self._data(folder)
        return self._ends(folder, HARD_CHANGE=json.dumps([str(path), change, at]))

    def _data(self, folder: Path) -> Path:
        """The file of the case, in data of its own."""
        small_data().write(folder / "data")
        path = folder / "data" / self.case.file
        return sorted(path.iterdir())[-1] if path.is_dir() else path

    def _bench(self, folder: Path, **more: str) -> forked.Done:
        case = self.case
        return forked.bench(
            "run", f"task={case.task}", "model=hard_meddler", f"data_dir={folder / 'data'}", "tracking=none", "batch_size=1",
            "resamples=10", *case.words, folder=folder, **more,
        )  # fmt: skip

    def _ends(self, folder: Path, **more: str) -> str:
        done = self._bench(folder, **more)
        if done.returncode or is_clean(done):
            return f"it ended with {done.returncode}: {is_clean(done) or (done.stdout + done.stderr)[-300:]!r}"
        return "" if self._found(folder) == self.answers else "another result than that of an undisturbed run"

    def _found(self, folder: Path) -> tuple[bytes, bytes]:
        (run,) = (path.parent for path in folder.glob("runs/*/*/*/run.json"))
        return (run / "predictions.jsonl").read_bytes(), (run / "measurements.json").read_bytes()
