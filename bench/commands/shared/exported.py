"""`bench dawnbench export`: a training, or a run that was timed, as an entry of the competition."""

from __future__ import annotations

import argparse
import glob
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.commands.shared import output, references
from bench.errors import BenchError
from bench.text.shown import tell

if TYPE_CHECKING:
    from bench.data.dawnbench_write import Draft
    from bench.leaderboard.dawnbench_own import Own
    from bench.leaderboard.dawnbench_training import Seed, Trained

_COMMIT = re.compile("[0-9a-f]{7,40}")  # of a clean checkout


def main(options: argparse.Namespace) -> int:
    """Write the entry; raises BenchError for what makes none, with the reason."""
    from bench.data.dawnbench_write import write_entry

    own, trained = _measured(options.reference, options.runs)
    _refuse(own, options)
    seed = trained.chosen(options.seed) if trained else None
    draft = _draft(own, seed, trained, options)
    path = write_entry(draft, options.output, replaces=options.replace)
    if options.json:
        output.emit({"file": str(path), "data_set": draft.data_set, "kind": draft.kind, "fields": draft.fields})
        return 0
    tell(f"{path}: {_said(own, seed)}")
    if own.per_hour is None:
        tell(f"bench: the entry has no cost: {own.source} {own.no_cost}", err=True)
    tell(f"`bench score dawnbench {path}` checks it as any other; a pull request to the competition adds it")
    return 0


def _measured(reference: str, runs_dir: Path) -> tuple[Own, Trained | None]:
    """What a reference names: a training with its seeds, or a run."""
    from bench.leaderboard.dawnbench_own import BY_TASK, of_run
    from bench.leaderboard.dawnbench_training import read_training

    if (path := _training(reference, runs_dir)) is not None:
        trained = read_training(path, str(path.parent))
        return trained.own, trained
    from bench.leaderboard.evidence import with_evidence
    from bench.runs.folder import RECORD, read_run

    folder = references.one(reference, runs_dir)
    run = with_evidence(folder, read_run(folder / RECORD))
    if run.task not in BY_TASK:
        raise BenchError(
            f"{folder} is a run of task '{run.task}', which is none of DAWNBench's; it has {', '.join(BY_TASK)}"
        )
    return of_run(run, str(folder)), None


def _training(reference: str, runs_dir: Path) -> Path | None:
    """The record of the training that a reference names, None where it names none."""
    from bench.training.record import FILE

    given = Path(reference)
    if given.name == FILE and given.is_file():
        return given
    if (given / FILE).is_file():
        return given / FILE
    if given.is_dir() and given.name.startswith("train-"):
        raise BenchError(f"{given} is not complete: it has no {FILE}; the same `bench train` command goes on with it")
    if reference.startswith("train-") and "/" not in reference:
        found = sorted(runs_dir.glob(f"*/*/{glob.escape(reference)}*/{FILE}"))
        if len(found) != 1:
            what = "no training" if not found else f"the beginning of {len(found)} trainings"
            raise BenchError(f"{reference} is {what} below {runs_dir}; give the training's folder")
        return found[0]
    if reference.count("/") != 1:
        return None
    found = sorted((runs_dir / reference).glob(f"train-*/{FILE}"))
    if found and (len(found) > 1 or any((runs_dir / reference).glob("*/run.json"))):
        raise BenchError(
            f"{reference} is more than one training or run; give the folder of one, such as {found[0].parent}"
        )
    return found[0] if found else None


def _refuse(own: Own, options: argparse.Namespace) -> None:
    """Raise BenchError for a measurement that makes no entry."""
    from bench.data.dawnbench_format import INFERENCE
    from bench.data.dawnbench_values import DATA_SETS

    if own.claimed:
        raise BenchError(f"{own.source} was handed in by somebody else; only what was measured here becomes an entry")
    if own.kind == INFERENCE and options.seed is not None:
        raise BenchError(f"{own.source} is a run, which has no seeds; leave --seed out")
    if own.lacks:
        raise BenchError(f"{own.source} makes no entry: {own.lacks}")
    if own.per_hour is None and options.cost:
        raise BenchError(f"{own.source} {own.no_cost}; without --cost the entry is written without one")
    n, whole = own.told.get("items timed"), DATA_SETS[own.data_set].n_items
    if own.kind == INFERENCE and not options.sample and not (isinstance(n, int) and n >= whole):
        raise BenchError(
            f"{own.source} timed {own.n or 'an unknown number of items'}, where the competition takes the mean of all {whole:,}; "
            "--sample writes the entry all the same, and says so in it"
        )


def _draft(own: Own, seed: Seed | None, trained: Trained | None, options: argparse.Namespace) -> Draft:
    """The entry: the texts of the command line, else of the record, and the numbers of the measurement."""
    from bench.data.dawnbench_values import DATA_SETS
    from bench.data.dawnbench_write import VERSION, Draft, entry_name

    author, email = _author(options)
    model, hardware = options.model_name or own.model, options.hardware or own.hardware
    framework = options.framework or own.framework
    commit = str(own.environment.get("commit") or "")
    fields: dict[str, Any] = {"version": VERSION, "author": author, "authorEmail": email, "framework": framework}
    fields |= {"codeURL": _url(options.code_url)} if options.code_url else {}
    fields |= {"commitHash": commit} if _COMMIT.fullmatch(commit) else {}
    fields |= {"model": model, "hardware": hardware}
    if seed is None:
        fields |= {"latency": own.latency_ms} | ({"cost": own.cost} if own.cost is not None else {})
        fields |= {DATA_SETS[own.data_set].accuracy: own.accuracy}
    elif own.per_hour is not None:
        fields |= {"costPerHour": own.per_hour}
    fields |= {"timestamp": own.created[:10], "misc": _misc(own, seed, trained)}
    name = entry_name(author, model, hardware, framework)
    return Draft(own.data_set, own.kind, name, fields, seed.curve if seed else ())


def _author(options: argparse.Namespace) -> tuple[str, str]:
    """Who stands behind the entry; raises BenchError for what is not given, and for an address that is none."""
    author = options.author or os.environ.get("BENCH_AUTHOR", "")
    email = options.author_email or os.environ.get("BENCH_AUTHOR_EMAIL", "")
    missing = [said for said, given in (("--author (or BENCH_AUTHOR)", author), ("--author-email (or BENCH_AUTHOR_EMAIL)", email))
               if not given.strip()]  # fmt: skip
    if missing:
        raise BenchError(f"an entry names who stands behind it; give {' and '.join(missing)}")
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email.strip()):
        raise BenchError(f"--author-email: {email!a} is no address; give one like ann@example.org")
    return author.strip(), email.strip()


def _url(text: str) -> str:
    """The address of the code, without a password in it; raises BenchError for what is none."""
    from bench.text.secret_urls import public_url
    from bench.text.shown import name_problem

    if not re.match(r"https?://[^/\s]+", text) or name_problem(text, 1_000):
        raise BenchError(f"--code-url: {text[:200]!a} is no address; give one like https://example.org/code")
    return public_url(text)


def _misc(own: Own, seed: Seed | None, trained: Trained | None) -> dict[str, Any]:
    """What the fields of the competition have no place for."""
    from bench import __version__

    found: dict[str, Any] = {"measured by": f"finai-bench {__version__}", **own.told}
    if seed is not None and trained is not None:
        found |= {
            "seed": seed.seed,
            "seeds trained": len(trained.seeds),
            "seconds by the rule of MLPerf over the seeds": own.seconds,
        }
    return {key: value for key, value in found.items() if value is not None}


def _said(own: Own, seed: Seed | None) -> str:
    """The figure of the entry, in words."""
    if seed is not None and seed.hours is not None:
        return f"seed {seed.seed}, {seed.hours * 3600:,.1f} s to the bar" + (
            f", $ {seed.hours * own.per_hour:.4g}" if own.per_hour is not None else ""
        )
    return f"{own.latency_ms:.4g} ms an item" + (f", $ {own.cost:.4g} an item" if own.cost is not None else "")
