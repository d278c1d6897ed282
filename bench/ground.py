"""What a run stands on before anything is asked of its model: what is asked, its identity, and the folder that is its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.engine import asking, teaching
from bench.engine.asking import Asking
from bench.engine.fitting import refuse_misfit
from bench.errors import BenchError
from bench.models.base import Device, Model
from bench.models.taught_names import refuse_taught
from bench.runs import environment
from bench.runs.code import code_of, named_in, sha256_of
from bench.runs.folder import RunFolder
from bench.runs.identity import Identity
from bench.runs.settings import Settings
from bench.scoring.measure import without_references
from bench.scoring.record import Basis
from bench.task import Task
from bench.types import Prediction


@dataclass(frozen=True)
class Ground:
    """One model on one task, found in a runs directory; nothing of it loads the model."""

    model: Model
    asked: Asking
    ideal: Mapping[str, Prediction]
    identity: Identity
    basis: Basis
    folder: RunFolder


def ground_of(task: Task, model: Model, name: str, device: Device, settings: Settings) -> Ground:
    """The ground of a model called `name`; raises BenchError for a misfit, and for what the task does wrong."""
    refuse_misfit(task, model, name)
    model.expects(task.output)
    asked = asking.asking(task, settings.limit, settings.shots, settings.seed, settings.max_new_tokens)
    if model.taught:
        refuse_taught(name, model.taught, [task.request(example) for example in asked.examples], task.name)
    ideal = _ideal(task, model, name, asked)
    stands_on = asking.ideal_digest(ideal) if ideal else ""
    if model.learns:
        stands_on += teaching.teach(model, task, asked, name)
    code = code_of(
        {*(cls.__module__ for cls in type(model).__mro__), *model.outside, *named_in(settings.config.get("model"))}
    )
    if (
        model.seen_code
    ):  # looked at as it is: more than a module without a file says, and less than all lines of a script
        code = {name: found for name, found in code.items() if found["sha256"] and name != "__main__"} | {
            name: dict(found) for name, found in model.seen_code.items()
        }
    libraries = environment.computing(model.uses_libraries)
    identity = Identity(
        task=task.name, version=task.version, asked=asked.asked.digest, data=asked.asked.data, files=asked.files, model=name,
        revision=model.revision, weights_sha256=model.weights_sha256, config=model.telling(settings.config.get("model")),
        code=sha256_of(code), device=device.kind, dtype=device.dtype, seed=settings.seed, batch_size=settings.batch_size,
        batch_tokens=settings.batch_tokens, ideal=stands_on,
    )  # fmt: skip
    folder = RunFolder.find(
        settings.runs_dir,
        task.name,
        name,
        identity.run_id,
        under=libraries if settings.strict else None,
        fresh=settings.fresh or (settings.strict and not all(one["sha256"] for one in code.values())),
    )
    basis = Basis(
        task, asked.examples, settings, identity.data, identity.asked, name, model.revision, device, model.weights_sha256,
        model.is_reference, asked.files, code, libraries,
    )  # fmt: skip
    return Ground(model, asked, ideal, identity, basis, folder)


def _ideal(task: Task, model: Model, name: str, asked: Asking) -> dict[str, Prediction]:
    """What a model that reads the references gets of them; {} for every other."""
    if not model.reads_targets:
        return {}
    if without_references(asked.examples):
        raise BenchError(f"model '{name}' reads the references of task '{task.name}', which are held out")
    return asking.ideals(task, asked.examples)
