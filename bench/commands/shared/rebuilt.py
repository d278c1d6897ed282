"""The public model that somebody's run names, made of one's own conf/model and run again: nothing of the run's is trusted.

Of a run's configuration, numbers of batches, shots, seed and switches (true or false) of the model are taken over. Code, paths,
sources, addresses and trust are those of conf/model here.
"""

from __future__ import annotations

import copy
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.bundles.archive import Refused
from bench.bundles.asked_again import ask, sample
from bench.bundles.public import public_config
from bench.bundles.rerun import Again, compared
from bench.bundles.strict import short
from bench.bundles.unpack import predictions
from bench.config import compose as conf
from bench.config.build import build
from bench.engine.asking import asking, most_tokens
from bench.engine.fitting import refuse_misfit
from bench.engine.history import Replies
from bench.engine.teaching import teach
from bench.errors import BenchError
from bench.models.base import Device, Model
from bench.record import UNKNOWN, Run
from bench.runs.settings import Settings
from bench.task import Task
from bench.types import Json

_MOST_BATCH = 4096  # requests at once; a run that says more is asked in batches of these


@dataclass(frozen=True)
class Draw:
    """How many examples are run again, and the `seed` that chooses them: one that no submitter could know."""

    n: int
    seed: int = field(default_factory=lambda: secrets.randbelow(2**31))


def again(run: Run, folder: Path, task: Task, draw: Draw) -> Again:
    """Run the model of an unpacked run again on a sample, and compare.

    Raises BenchError where it cannot be run again here, Refused where it answers otherwise.
    """
    model = model_of(run)
    refuse_misfit(task, model, run.model)
    asked = asking(task, run.limit, _number(run, "shots", 0, least=0), run.seed, most_tokens(run.config))
    if run.asked not in (UNKNOWN, asked.asked.digest):
        raise BenchError("it was asked otherwise than your version of the task asks")
    if model.learns:
        teach(model, task, asked, run.model)
    device = _device(run, model)
    chosen = sample(asked.examples, draw.n, draw.seed)
    claims = {one.id: one for one in predictions(folder, f"{run.task}/{run.model}")}
    answers = ask(
        asked, chosen, model, device, seed=run.seed, batch_size=min(_MOST_BATCH, _number(run, "batch_size", Settings.batch_size)),
        batch_tokens=_number(run, "batch_tokens", Settings.batch_tokens), name=run.model,
        replies=Replies(claims.values() if asked.asked.histories else ()),
    )  # fmt: skip
    return compared(run, task, asked, chosen, claims, answers, model, device, draw.seed)


def model_of(run: Run) -> Model:
    """The model of conf/model that the run names; raises BenchError where others cannot make it, Refused for a reference row."""
    if run.submission:
        raise BenchError("its predictions were brought, and no model with them")
    if run.model not in conf.names("model"):
        raise BenchError(f"model '{short(run.model)}' is not in conf/model here")
    ours = copy.deepcopy(dict(conf.plain(conf.compose([f"model={run.model}"])[0])["model"]))
    model: Model = build(ours, "model")
    if model.is_reference:
        raise Refused(f"model '{run.model}' is a reference row, which everybody can make and nobody hands in")
    if model.bound_to:
        raise BenchError(f"model '{run.model}' is {model.bound_to}, which nobody else has")
    switches = list(_switches(public_config({"model": ours})["model"], run.config.get("model"), ("model",)))
    for path, value in switches:
        _set(ours, path[1:], value)
    model = build(ours, "model") if switches else model
    for said, due in ((run.weights_sha256, model.weights_sha256), (run.model_revision, model.revision)):
        if said != due:
            raise BenchError(
                f"it says {short(said or 'none')}, conf/model/{run.model}.yaml here has {short(due or 'none')}"
            )
    return model


def _switches(ours: Json, theirs: Json, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], bool]]:
    """Where the two differ in a switch, with what the run says; raises BenchError where they differ in anything else."""
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        for name in dict.fromkeys([*ours, *theirs]):
            yield from _switches(ours.get(name), theirs.get(name), (*path, str(name)))
    elif isinstance(ours, bool) and isinstance(theirs, bool):
        if ours is not theirs:
            yield path, theirs
    elif ours != theirs or isinstance(ours, bool) is not isinstance(theirs, bool):
        raise BenchError(
            f"its {'.'.join(path)} is {short(repr(theirs))}, that of conf/model here {short(repr(ours))}; only switches may differ"
        )


def _set(config: dict[str, Any], path: tuple[str, ...], value: bool) -> None:
    for name in path[:-1]:
        config = config[name]
    config[path[-1]] = value


def _number(run: Run, name: str, default: int, *, least: int = 1) -> int:
    found = run.config.get(name, default)
    if type(found) is not int or found < least:
        raise BenchError(f"its {name} is {short(repr(found))}, which is none")
    return found


def _device(run: Run, model: Model) -> Device:
    """The device of this machine that is most like the one that the run says."""
    from bench.models.device import resolve
    from bench.runs.environment import physical_cores

    if not model.uses_device:
        return Device("cpu", "none", 1)
    kind, dtype, threads = (run.environment.get(name) for name in ("device", "dtype", "threads"))
    cores = min(threads, physical_cores()) if type(threads) is int and threads > 0 else None
    own = resolve("auto" if kind == "cuda" else "cpu", "float32", cores)
    possible = ("bfloat16", "float16") if own.kind == "cuda" else ("bfloat16",)
    return next((replace(own, dtype=one) for one in possible if one == dtype), own)
