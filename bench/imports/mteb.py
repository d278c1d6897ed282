"""MTEB: the JSON of one task. It holds scores by split and subset and no samples, so that nothing of it can be paired."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.errors import BenchError
from bench.imports import reading
from bench.imports.log import Log, dated, listed, named, number, refuse_huge, refuse_version, shortly
from bench.types import Json

HARNESS = "mteb"
WHAT = "the TASK.json that mteb writes into results/MODEL/REVISION"
_COUNTABLE = 2**40  # examples of a set
_MOST = 99  # scores of a record beside the one that ranks


def read(path: Path) -> Log:
    """The figures of a task; raises BenchError for what is none. The mean over the subsets of the test split ranks, as in mteb."""
    found = reading.document(path, WHAT)
    reading.needed(found, ("task_name", "scores", "mteb_version"), str(path), WHAT)
    version = found["mteb_version"] or "unknown"  # exports in its form were made by no mteb
    refuse_version(None if version == "unknown" else version, "mteb 1 or 2", str(path))
    scores = found["scores"]
    if not isinstance(scores, Mapping) or not scores:
        raise BenchError(f"{path}: 'scores' holds no split; give {WHAT}")
    split = "test" if "test" in scores else next(iter(scores))
    stated: dict[str, float] = {}
    for name, rows in scores.items():
        for place, row in enumerate(rows if isinstance(rows, list) else ()):
            value = number(row.get("main_score")) if isinstance(row, Mapping) else None
            if value is None:
                raise BenchError(
                    f"{path}: scores.{shortly(name, 40)}[{place}] has no main_score that is a number; give {WHAT}"
                )
            key = named(f"main_score,{name},{row.get('hf_subset', 'default')}")
            if key in stated:
                raise BenchError(f"{path}: {shortly(key, 80)} stands twice; keep one")
            stated[key] = value
    refuse_huge(stated, str(path))
    of_split = [value for key, value in stated.items() if key.split(",")[1] == split]
    if not of_split:
        raise BenchError(f"{path}: the split {split!r} has no scores; the splits are {listed(list(map(str, scores)))}")
    ranked = {"main_score": math.fsum(of_split) / len(of_split)}
    kept = ranked | dict(list(stated.items())[:_MOST])
    n, failed = (_summed(scores[split], name) for name in ("n", "n_failed"))
    subsets = sorted(str(row.get("hf_subset", "default")) for row in scores[split])
    notes = [f"main_score is the mean over {len(of_split)} subset{'s' * (len(of_split) > 1)} of the split {split!r}"]
    if len(stated) > _MOST:
        notes.append(f"{len(stated) - _MOST} of {len(stated)} subsets are left out")
    return Log(HARNESS, str(version), str(found["task_name"]), _model(path), tuple(kept), (), kept,
               n=n, failed={"main_score": min(failed, n)} if n and failed else {},
               task_version=str(found.get("dataset_revision") or ""), notes=tuple(notes),
               folder=_folder(path), data=(f"split {split}", *(f"subset {one}" for one in subsets)),
               date=dated(found.get("date")))  # fmt: skip


def _summed(rows: Sequence[Mapping[str, Json]], name: str) -> int | None:
    """A count of all subsets together, as `bench export --to mteb` writes it; None where one has none. mteb itself writes none."""
    found = [row.get(name) for row in rows]
    whole = [one for one in found if type(one) is int and 0 <= one < _COUNTABLE]
    return sum(whole) if len(whole) == len(found) else None


def _model(path: Path) -> str:
    """The name of model_meta.json beside it, "" where that is not there or names none."""
    meta = path.with_name("model_meta.json")
    told: Json = reading.document(meta, "mteb's model_meta.json").get("name") if meta.is_file() else None
    return told if isinstance(told, str) else ""


def _folder(path: Path) -> str:
    """The folder that mteb names by the model, of results/ORG__MODEL/REVISION/TASK.json; "" for a file that lies elsewhere."""
    *_, results, model, _, _ = ("", "", "", *path.absolute().parts)
    return model if results == "results" and "__" in model.strip("_") else ""
