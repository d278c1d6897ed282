"""Check the entries below leaderboards/submissions: what CI runs on a pull request. `--help` says how.

A line an entry: ok, or FAIL with the reason. Exit code 0 if none failed, 1 if one did, 2 if it could not be judged.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from bench.bundles import slots, strict
from bench.bundles.archive import MIB, Refused
from bench.bundles.claims import same_rows
from bench.bundles.verify import Verified
from bench.commands.shared.bundle_verdicts import VERIFIED, Ground, judge
from bench.commands.shared.rebuilt import Draw
from bench.commands.verify import WithPrivate
from bench.errors import BenchError, fault
from bench.leaderboard.entry import FORMAT, SUBMISSIONS, Entry, disagreement, path_of
from bench.metrics.metric import Metric, RankedMetric
from bench.record import Run
from bench.runs.claimed import rerun_of
from bench.runs.folder import RECORD, read_run
from bench.task import Task
from bench.text.shown import tell

_LARGEST = 32 * MIB  # bytes of an entry


def main() -> int:
    """Check the files named, or those that changed, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="entries; else those that changed, or all")
    parser.add_argument("--since", metavar="GIT_REF", help="check what differs from where this branch left GIT_REF")
    parser.add_argument("--bundles", type=Path, metavar="DIR", help="verify the bundles (*.zip) that lie here")
    parser.add_argument(
        "--data-dir", type=Path, metavar="DIR", help="the data to verify them on, instead of BENCH_DATA"
    )
    parser.add_argument(
        "--rerun",
        type=int,
        metavar="N",
        help="run the models of bundles again on N examples; needed where an entry says so",
    )
    options = parser.parse_args()
    draw = Draw(options.rerun) if options.rerun else None
    bundles = {_digest(path): path for path in sorted(options.bundles.glob("*.zip"))} if options.bundles else {}
    ground, worst = WithPrivate(options.data_dir), 0
    if options.since:
        found: Iterator[tuple[str, Path]] = changed(options.since)
    else:
        found = (("", path) for path in options.files or sorted(p for p in SUBMISSIONS.rglob("*") if p.is_file()))
    for status, path in found:
        try:
            line = "is taken away" if status == "D" else check(path, ground, bundles, draw, changed=bool(options.since))
            line += replaced(options.since, path) if status in ("M", "D") else ""
            tell(f"ok    {path}: {line}")
        except Refused as error:
            tell(f"FAIL  {path}: {error}")
            worst = 1
        except BenchError as error:
            tell(f"????  {path}: {error}")
            worst = worst or 2
        except Exception as error:  # a fault over one entry says nothing of the others
            tell(f"????  {path}: a fault of this script, {fault(error, tell)}; please report it")
            worst = worst or 2
    return worst


def changed(since: str) -> Iterator[tuple[str, Path]]:
    """How each file below leaderboards/submissions changed (A, M, D) since this branch left `since`, uncommitted ones too."""
    base = _git("merge-base", since, "HEAD").strip()
    words = _git("diff", "--name-status", "--no-renames", "-z", base, "--", str(SUBMISSIONS)).split("\0")[:-1]
    yield from ((status, Path(path)) for status, path in zip(words[::2], words[1::2], strict=True))
    new = _git("ls-files", "--others", "--exclude-standard", "-z", "--", str(SUBMISSIONS)).split("\0")[:-1]
    yield from (("A", Path(path)) for path in new)


def replaced(since: str, path: Path) -> str:
    """What stood at this path, in words; raises Refused where a pull request touches what is another submitter's."""
    with tempfile.TemporaryDirectory() as folder:
        before = Path(folder) / path.name
        before.write_text(_git("show", f"{_git('merge-base', since, 'HEAD').strip()}:{path}"), encoding="utf-8")
        try:
            old, new = read(before).run.origin, read(path).run.origin if path.exists() else {}
        except Refused:
            return "; what stood there was no entry"
        whose = strict.short(repr(old.get("submitter", "")))
        if new and old.get("submitter") != new.get("submitter"):
            raise Refused(f"it takes the place of an entry of {whose}")
        said = slots.described(before).partition(", ")[2]
    return f"; it was that of {whose}, {said}: a name proves nothing, so ask who it is"


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"git {' '.join(words[:2])}: {done.stderr.strip()}; run at the top of a checkout")
    return done.stdout


def check(
    path: Path, ground: Ground, bundles: Mapping[str, Path], draw: Draw | None = None, *, changed: bool = False
) -> str:
    """What is to be said of a good entry; raises Refused for another, BenchError where the data to judge it are missing."""
    found = read(path)
    run, origin = found.run, found.run.origin
    if run.is_reference or not origin.get("bundle"):
        raise Refused(
            "it names no bundle; `bench submit` makes entries" if not run.is_reference else "it is a reference row"
        )
    submitter = str(origin.get("submitter", ""))
    if said := slots.name_problem(run.model) or slots.submitter_problem(submitter):
        raise Refused(said)
    due = slots.place(SUBMISSIONS, run, submitter)
    if path.is_symlink() or path not in (due, *(() if changed else (path_of(SUBMISSIONS, run),))):
        raise Refused(f"it is of {run.task}/{run.model} by {submitter!r}, whose only place is {due}")
    try:
        slots.refuse_taken(SUBMISSIONS, run, submitter, str(origin.get("bundle", "")), pass_over=True)
    except slots.Taken as error:
        raise Refused(str(error)) from None
    try:
        task = ground.task(run.task)
    except BenchError as error:
        raise Refused(str(error)) from None
    said = agrees(found, task)
    bundle = bundles.get(str(origin["bundle"]))
    if bundle is not None:
        return f"{said}; {of_bundle(found, bundle, ground, draw, changed=changed)}"
    missing = f"its bundle {origin['bundle'][:12]}… is not here"
    if "verified" not in origin:
        return f"{said}; self-reported, {missing}"
    if changed:  # else anybody could write the word
        raise Refused(f"it says that it was verified, but {missing}: give it with --bundles, or leave 'verified' out")
    return f"{said}; says that it was verified on {strict.short(origin['verified']['date'])}, {missing}"


def read(path: Path) -> Entry:
    """The entry in a file that nobody vouches for."""
    if not path.is_file() or path.suffix != ".json" or path.stat().st_size > _LARGEST:
        raise Refused(f"not an entry: TASK/MODEL.json, a file of at most {_LARGEST:,} bytes")
    record = strict.parsed(path.read_bytes(), "it")
    if (
        not isinstance(record, dict)
        or set(record) != {"format", "run", "measurements", "speed"}
        or record["format"] != FORMAT
    ):
        raise Refused(f"not an entry of format {FORMAT} with the keys format, run, measurements, speed")
    if record["speed"]:
        raise Refused("it has readings of speed, which a submission has not")
    rows = record["measurements"]
    return Entry(strict.run(record["run"], "run"), strict.measurements(rows, "measurements") if rows else None)


def agrees(found: Entry, task: Task) -> str:
    """Raise Refused unless the ranked value is that of the entry's own rows; else the value in words."""
    run, metric, rows = found.run, task.metrics[0], found.measurements
    if run.task_version != task.version:
        raise Refused(f"it is of version {run.task_version} of task '{task.name}', which is now {task.version}")
    if [score.metric for score in run.scores] != [one.name for one in task.metrics]:
        raise Refused(f"its metrics are not those of task '{task.name}': {', '.join(one.name for one in task.metrics)}")
    score = run.scores[0]
    if wrong := disagreement(found, metric):
        raise Refused(wrong)
    if rows is None:
        return f"{score.metric} without rows, its references are held out"
    if score.n != run.n_examples:
        raise Refused(f"its score is of {score.n} examples, it says to have {run.n_examples}")
    if isinstance(metric, Metric | RankedMetric):
        return f"{metric.name} {score.value:.4f} over {len(rows)} examples"
    return f"{metric.name}, a metric without rows"


def of_bundle(found: Entry, bundle: Path, ground: Ground, draw: Draw | None = None, *, changed: bool = False) -> str:
    """Raise Refused unless the bundle is verified, holds this very run, and was found so again by whoever says that it was."""
    run = found.run
    says_again = changed and "rerun" in run.origin.get("verified", {})
    if says_again and draw is None:  # else anybody could write the word
        raise Refused(
            "it says that its model was run again: give --rerun N, which does that here, or leave 'rerun' out"
        )
    with tempfile.TemporaryDirectory() as folder:
        verdicts = judge([bundle], Path(folder) / "in", replace(ground, draw=draw), Path(folder) / "runs")
        one = next((v for v in verdicts if v.run and (v.run.task, v.run.model) == (run.task, run.model)), verdicts[0])
        if one.status != VERIFIED or one.found is None:
            raise (Refused if one.status == "refused" else BenchError)(f"its bundle: {one.line}")
        if (one.found.run.task, one.found.run.model) != (run.task, run.model) or one.found.run != replace(
            run, origin={}
        ):
            raise Refused("it is not the run that its bundle holds")
        ours = one.found.measurements
        if (ours is None) != (found.measurements is None):
            raise Refused("it has rows and its bundle has none, or the other way round")
        if ours is not None and found.measurements is not None:
            same_rows(found.measurements, ours.only(run.scores[0].metric))
        submitter = read_run(one.found.folder / RECORD).origin["submitter"]
        if run.origin.get("submitter") != submitter:
            raise Refused(
                f"it is by {strict.short(run.origin.get('submitter'))!r}, its bundle by {strict.short(submitter)!r}"
            )
        again = one.found.rerun
        if says_again and (again is None or (said_reproduced(run) and not again.reproduced)):
            why = "its speed was not reproduced" if again else "its model cannot be run again"
            raise Refused(f"it says that its model was run again, and here {why}: {'; '.join(one.found.notes)}")
        if one.said is None or run.origin.get("predictions") != one.said.answers:
            raise Refused("it gives another fingerprint of the predictions than its bundle")
    return f"its bundle {bundle.name} {one.line}" + (f"; {again.line()}" if again else "")


def said_reproduced(run: Run) -> bool:
    """Whether the entry says that its speed was reproduced."""
    again = rerun_of(run)
    return again is not None and again.reproduced


def _is_run(run: Run, found: Verified) -> bool:
    """Whether the entry's run is the bundle's; its scores on held-out references can be compared only where those are."""
    hidden = found.measurements is None and found.attempt is None
    return found.run == replace(run, origin={}, scores=found.run.scores if hidden else run.scores)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    sys.exit(main())
