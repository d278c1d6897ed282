"""The run directory: a journal that survives a crash, and `run.json`, whose presence means complete.

    runs/<task>/<model>/<run id>/
      identity.json       what it stands on, and under which versions of what computes each attempt was made
      config.yaml         what was asked, resolved
      predictions.jsonl   one line a prediction, as it was finished; of a complete run in the order of the data
      timings.jsonl       one line a reading; attempts and repeated work included
      .alive              while an attempt is under way: how long it has been (see `bench/runs/attempt.py`)
      log.txt             what was said and done, with times; it never leaves this machine (see `bench/logs/log.py`)
      measurements.json   what the metrics measured of each example
      scenarios/          raw files of timing scenarios (see `bench/timing/raw.py`)
      run.json            written last, atomically, with the sha256 of the other files

The reading of a group of answers is written before them. So answers in the journal always have their reading; a group that a crash
cut off is left out of the journal and asked again, and its first reading stays in the ledger as repeated work.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from bench.artifacts.digest import digest
from bench.disk import clear_drafts, json_lettered, plain_text, write_atomically
from bench.errors import BenchError
from bench.logs.log import into as logged_into
from bench.record import Run, Timing
from bench.runs import locks, record_schema
from bench.runs.appended import Appended, lines
from bench.runs.forms import WRONG, prediction, timing
from bench.runs.heartbeat import ALIVE
from bench.runs.identity import Identity
from bench.runs.journal import JOURNAL, LEDGER, of_prediction, of_timing, parsed
from bench.runs.measurements import FILE as MEASUREMENTS
from bench.text import claimed
from bench.types import Json, Prediction

RECORD, CONFIG = "run.json", "config.yaml"
IDENTITY = "identity.json"
TAKEN_IN = "shards.json"  # what is known of parts that others answered (see `bench/runs/shards.py`)
ORIGIN = "origin.json"  # in the folder of a run that came in a bundle: from whom, and who verified it
ARTIFACTS = "mlartifacts"  # below the runs directory: MLflow's copies, which are no runs of their own


class RunFolder:
    """One run's directory."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def find(
        cls, runs_dir: Path, task: str, model: str, run_id: str, *,
        fresh: bool = False, under: Mapping[str, str] | None = None,
    ) -> RunFolder:  # fmt: skip
        """The latest folder for this identity; with `fresh`, or if there is none, the next free one.

        With `under`, the latest that was computed under just these versions.
        """
        place = runs_dir / task / model
        taken = sorted(_numbers(place, run_id), reverse=True)  # one between may have been deleted
        for number in taken:
            found = cls(place / _numbered(run_id, number))
            if not fresh and (under is None or not found.other_versions(under)):
                return found
        return cls(place / _numbered(run_id, max(taken, default=0) + 1))

    def siblings(self) -> list[RunFolder]:
        """The other runs of this model on this task, those with the latest journal first."""
        others = [path.parent for path in self.path.parent.glob(f"*/{JOURNAL}") if path.parent != self.path]
        others.sort(key=lambda folder: -(folder / JOURNAL).stat().st_mtime_ns)
        return [RunFolder(folder) for folder in others]

    def identity(self) -> Identity | None:
        """What the run stands on; None where that was not kept, or not in the form that it has now."""
        try:
            return Identity(**json.loads((self.path / IDENTITY).read_text(encoding="utf-8"))["identity"])
        except (OSError, *WRONG):
            return None

    def libraries(self) -> dict[str, str]:
        """The versions of what computed its answers; where attempts had several, all of them."""
        attempts = self.library_attempts()
        names = dict.fromkeys(name for attempt in attempts for name in attempt)
        return {name: ", ".join(dict.fromkeys(one[name] for one in attempts if name in one)) for name in names}

    def library_attempts(self) -> list[dict[str, str]]:
        """The versions of what computed its answers, once for each set of them that an attempt had."""
        try:
            found = [dict(one) for one in json.loads((self.path / IDENTITY).read_text(encoding="utf-8"))["libraries"]]
            if not all(isinstance(text, str) for one in found for pair in one.items() for text in pair):
                raise TypeError("a version is a text")
            return found
        except (OSError, *WRONG):
            return [dict(self.read().libraries)] if self.complete else []

    def other_versions(self, now: Mapping[str, str]) -> list[str]:
        """What computed its answers under another version than there is now: "torch 2.12.0 (here 2.13.0)"."""
        then = self.libraries()
        return [f"{name} {then[name]} (here {now[name]})" for name in now if then.get(name, now[name]) != now[name]]

    def notices(self, libraries: Mapping[str, str], code: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
        """What a person should know before what is here is taken for an answer of today, a line each."""
        if not (self.path / JOURNAL).exists():
            return
        name = "/".join(self.path.parts[-3:])
        if others := self.other_versions(libraries):
            what = "is complete and" if self.complete else "goes on, and"
            yield f"{name} {what} was computed under {', '.join(others)}; --strict makes it another run"
        for module, found in code.items():
            if not found["sha256"]:
                yield (
                    f"{name}: the source of {module} cannot be read, so nobody can tell whether it is what answered then; "
                    "--fresh starts anew"
                )

    @property
    def complete(self) -> bool:
        """Whether the run was finished."""
        return (self.path / RECORD).exists()

    def read(self) -> Run:
        """The finished run; raises BenchError when the record cannot be read."""
        return read_run(self.path / RECORD)

    def tidy(self) -> None:
        """Take away the sign of life that a complete run has of who was killed at the very end, where nobody is at it."""
        if (self.path / ALIVE).exists() and locks.holder(self.path) is None:
            with suppress(OSError):
                (self.path / ALIVE).unlink(missing_ok=True)

    @contextmanager
    def opened(
        self, config: str, identity: Identity | None = None, libraries: Mapping[str, str] | None = None
    ) -> Iterator[None]:
        """Make the folder, lock it against a second process and write `config.yaml`, and what the run stands on."""
        with self.locked():
            write_atomically(self.path / CONFIG, config)
            if identity is not None:
                self.stand_on(identity, [dict(libraries or {})])
            yield

    def stand_on(self, identity: Identity, libraries: Sequence[dict[str, str]]) -> None:
        """Write what the run stands on, with these versions of what computes beside those of before."""
        attempts = self.library_attempts()
        attempts += [one for one in libraries if one not in attempts]
        write_atomically(
            self.path / IDENTITY, json_lettered({"identity": vars(identity), "libraries": attempts}) + "\n"
        )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Make the folder, if need be, keep every other process out of it, and log into it what is done meanwhile."""
        with ExitStack() as held:
            try:
                self.path.mkdir(parents=True, exist_ok=True)
                held.enter_context(locks.locked(self.path))
            except OSError as error:
                raise BenchError(
                    f"run directory {self.path} cannot be written ({error.strerror}); choose another with runs_dir= or BENCH_RUNS"
                ) from None
            clear_drafts(self.path, (CONFIG, IDENTITY, JOURNAL, LEDGER, MEASUREMENTS, RECORD, TAKEN_IN))
            held.enter_context(logged_into(self.path))
            yield

    def is_whole(self, name: str, run: Run) -> bool:
        """Whether a file of the folder is the one that the run's record names."""
        return (self.path / name).is_file() and digest(self.path / name) == run.files.get(name)

    def predictions(self) -> Iterator[Prediction]:
        """The journal's predictions, in the order in which they were made."""
        for number, (_, line) in enumerate(lines(self.path / JOURNAL), start=1):
            yield parsed(self.path / JOURNAL, number, line, prediction)

    def all_predictions(self, n: int) -> Iterator[Prediction]:
        """The predictions of a run whose `n` examples are all answered; raises BenchError behind the last where some lack."""
        found = 0
        for one in self.predictions():
            found += 1
            yield one
        if found != n:
            raise BenchError(
                f"{self.path / JOURNAL} has {found} of {n} answers; it was changed or moved while the run was at it: put it back "
                "and run the same command again"
            )

    def timings(self) -> list[Timing]:
        """All readings, oldest first."""
        return list(self.readings())

    def readings(self) -> Iterator[Timing]:
        """The readings one after the other, oldest first."""
        for number, (_, line) in enumerate(lines(self.path / LEDGER), start=1):
            yield parsed(self.path / LEDGER, number, line, _reading)

    def keep(self, n_predictions: int) -> None:
        """Cut the journal after its first `n_predictions` lines, and an unfinished line off the ledger."""
        for name, limit in ((JOURNAL, n_predictions), (LEDGER, None)):
            path, end = self.path / name, 0
            for number, (offset, _) in enumerate(lines(path)):
                if limit is not None and number >= limit:
                    break
                end = offset
            if path.exists() and path.stat().st_size != end:
                os.truncate(path, end)

    def write_timing(self, timing: Timing) -> None:
        """Append one reading and flush it."""
        self._append(LEDGER, [of_timing(timing)])

    def write_predictions(self, predictions: Sequence[Prediction]) -> None:
        """Append one batch and flush it."""
        self._append(JOURNAL, [of_prediction(prediction) for prediction in predictions])

    def finish(self, run: Run) -> Run:
        """Write `run.json` with the digests of the other files: from now on the run is complete."""
        locks.refuse_lost(self.path)
        files = {
            name: digest(self.path / name)
            for name in (CONFIG, JOURNAL, LEDGER, MEASUREMENTS)
            if (self.path / name).exists()
        }
        return self.amend(Run.from_json(run.to_json() | {"files": files}))

    def amend(self, run: Run) -> Run:
        """Write `run.json` again, with what was learned since; the digests of the other files stay those of the run."""
        write_atomically(self.path / RECORD, json_lettered(run.to_json(), indent=1) + "\n")
        return run

    def _append(self, name: str, texts: Sequence[str]) -> None:
        file = Appended(self.path / name)
        try:
            file.write(texts)
        finally:
            file.close()


def _reading(record: Mapping[str, Json]) -> Timing:
    """A line of the ledger, whose fields that say nothing may be null."""
    return timing({name: value for name, value in record.items() if value is not None})


def _numbers(place: Path, run_id: str) -> Iterator[int]:
    """The numbers of the folders that runs of this identity have."""
    for path in place.glob(f"{run_id}*"):
        if path.name == run_id:
            yield 1
        elif (number := path.name.removeprefix(f"{run_id}-")).isdecimal() and _numbered(
            run_id, int(number)
        ) == path.name:
            yield int(number)


def _numbered(run_id: str, number: int) -> str:
    return run_id if number == 1 else f"{run_id}-{number}"


def read_run(path: Path) -> Run:
    """Read a `run.json` and the origin beside it; raises BenchError when it is damaged or of another version."""
    try:
        origin = path.with_name(ORIGIN)
        texts = {RECORD: plain_text(path)}
        texts |= {ORIGIN: plain_text(origin)} if origin.exists() else {}
    except (OSError, *WRONG) as error:
        raise _no_record(str(path), error) from None
    return run_of(texts, str(path))


def run_of(texts: Mapping[str, str], path: str) -> Run:
    """The run of the texts of a `run.json` and an `origin.json`, where there is one, by their names; `path` is for messages.

    Raises BenchError for a record that is damaged or of another version.
    """
    try:
        run = Run.from_json(_FINITE.decode(texts[RECORD]))
        run = replace(run, origin=_FINITE.decode(texts[ORIGIN])) if ORIGIN in texts else run
    except _NotFinite as error:
        raise _not_whole(path, ValueError(str(error))) from None
    except WRONG as error:
        raise _no_record(path, error) from None
    try:
        record = run.to_json()
        if wrong := record_schema.problem(record) or claimed.problem(record):
            raise ValueError(wrong)
        return run.whole()
    except WRONG as error:
        raise _not_whole(path, error) from None


class _NotFinite(ValueError):
    """A record holds a number that is none, or is beyond all floats."""


def _finite(text: str) -> float:
    """A number of a record with a point or an exponent; raises for 1e999, which JSON reads as an infinity, and for NaN."""
    found = float(text)
    if found - found != 0.0:  # half the time of `isfinite`, asked for every number of 10,000 records
        raise _NotFinite("it holds a number that is not finite")
    return found


_FINITE = json.JSONDecoder(parse_float=_finite, parse_constant=_finite)


def _not_whole(path: str, error: Exception) -> BenchError:
    return BenchError(
        f"{path} is not whole ({type(error).__name__}: {error}); delete its folder or run again with --fresh"
    )


def _no_record(path: str, error: Exception) -> BenchError:
    return BenchError(f"{path} is not a run record ({error}); delete its folder or run again with --fresh")


def refuse_altered(folder: Path, run: Run, but: Sequence[str] = (), grown: Sequence[str] = ()) -> None:
    """Raise BenchError for a file of the run's folder, `but` these, that is not, or no longer, the one that its record names.

    Those that may have `grown` since begin with it: what was done to a complete run, and cut off, left lines behind its end.
    """
    for name, sha256 in run.files.items():
        if name in but or (name in grown and _begins_with(folder / name, sha256)):
            continue
        if not (folder / name).is_file() or digest(folder / name) != sha256:
            raise BenchError(
                f"{folder / name} is not the file that the run wrote (its sha256 differs from {RECORD}); run it again with --fresh"
            )


def _begins_with(path: Path, sha256: str) -> bool:
    """Whether the first lines of the file, however many, are the file of this digest."""
    state = hashlib.sha256()
    for _, line in lines(path):
        state.update(line)
        if state.hexdigest() == sha256:
            return True
    return False


def find_runs(runs_dir: Path) -> Iterator[tuple[Path, Run]]:
    """Every complete run below `runs_dir`, in order of path."""
    for folder in run_folders(runs_dir):
        yield folder, read_run(folder / RECORD)


def run_folders(runs_dir: Path) -> Iterator[Path]:
    """The folder of every complete run below `runs_dir`, in order of path."""
    for path in sorted(runs_dir.glob(f"*/*/*/{RECORD}")):
        if path.relative_to(runs_dir).parts[0] != ARTIFACTS:
            yield path.parent
