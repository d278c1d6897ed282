"""A model that `bench train` left, by the folder of its training."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar, NamedTuple

from bench.artifacts.digest import digest
from bench.artifacts.fetch import locate
from bench.artifacts.uri import parse
from bench.data.plain_yaml import read_yaml
from bench.errors import BenchError
from bench.models import shards, taught_names
from bench.models.base import Answered, Model
from bench.models.composite import Composite
from bench.types import Choose, Generate, Json, Regress, Request, Transcribe

RECORD, CONFIG, MODEL = "training.json", "model.yaml", "model"
BEST = "best"
ANY_PARTS, ANY_OUTPUTS = frozenset({"text", "row", "image", "audio", "video"}), (Generate, Choose, Regress, Transcribe)
_PICKLED = (*shards.PICKLED, ".pkl", ".pickle", ".npy", ".npz")


class Left(NamedTuple):
    """Where a trained model lies, which `seed` of which training it is, and its name on boards."""

    folder: Path
    origin: str
    name: str


class Trained(Composite):
    """The model in `path`: the folder of a training, with the `seed` that is meant, of one seed, or of the model itself.

    `seed` is a number, or "best" for the one that scored best when its training ended: best on the examples that it is evaluated
    on, so that the name on boards says so. A training of one seed needs none. `path` may also be that of a version in MLflow's
    registry, `mlflow:models/NAME/VERSION`. The model is what the `model.yaml` beside its weights says; only what lies in its own
    folder is loaded, nothing pickled, and only if it is still what the training left.
    """

    stages = ("model",)
    bound_to = "one that its user has trained, with weights in a folder of theirs"
    incidental: ClassVar[frozenset[str]] = frozenset({"path", "seed"})  # the digest of the folder says which it is

    def __init__(self, path: str | None = None, seed: Json = None, model: Model | None = None) -> None:
        self.left = left(path, seed) if path is not None else None
        if self.left is None or model is None:
            self.parts, self.outputs = ANY_PARTS, ANY_OUTPUTS  # whoever runs it is told that the path is missing
            return
        self.model = model
        self.parts, self.outputs, self.needs, self.needs_any = model.parts, model.outputs, model.needs, model.needs_any
        self.variant = self.left.name

    @classmethod
    def filled_in(cls, config: Mapping[str, Json]) -> Mapping[str, Json]:
        """The configuration with that of the model itself, as its folder has it; without a path there is none."""
        if config.get("path") is None:
            return config
        return {**config, "model": configured(left(str(config["path"]), config.get("seed")).folder)}

    @property
    def models(self) -> tuple[Model, ...]:
        """The model itself."""
        if self.left is None:
            raise BenchError(
                "model.path is not given; name a training with model.path=runs/TASK/MODEL/train-ID (and model.seed=N)"
            )
        return super().models

    @property
    def outside(self) -> tuple[str, ...]:  # type: ignore[override]
        """Also the modules of the model's own class."""
        return (*super().outside, *(cls.__module__ for one in self.models for cls in type(one).__mro__))

    @property
    def revision(self) -> str:  # type: ignore[override]
        """Task, model, training and seed."""
        return self.left.origin if self.models and self.left else ""

    @cached_property
    def weights_sha256(self) -> str:  # type: ignore[override]
        """The digest of the model's folder."""
        return digest(self.left.folder) if self.left else ""

    @property
    def taught(self) -> frozenset[str]:  # type: ignore[override]
        """What it was trained on."""
        return taught_names.read(self.left.folder) if self.left else frozenset()

    def cost(self, request: Request) -> int:
        """The model's own."""
        return self.models[0].cost(request)

    def prepare(self, batch: Sequence[Request]) -> None:
        """The model's own."""
        self.models[0].prepare(batch)

    def units(self, batch: Sequence[Request]) -> list[list[Request]]:
        """The model's own."""
        return self.models[0].units(batch)

    def predict(self, batch: Sequence[Request]) -> Answered:
        """The model's own."""
        return self.models[0].predict(batch)


def configured(folder: Path) -> dict[str, Json]:
    """The configuration in a model's folder; raises BenchError for one that would load anything from elsewhere."""
    found = read_yaml(folder / CONFIG)
    if not isinstance(found, dict) or found.get("source") != "file:." or not isinstance(found.get("_target_"), str):
        raise BenchError(
            f"{folder / CONFIG} must name a class (_target_) and source: file:. beside it; train the model anew"
        )
    if found.get("trust") or any(_has_target(value) for value in found.values()):
        raise BenchError(
            f"{folder / CONFIG} asks for trust, or for another model inside; what a training leaves does neither"
        )
    if pickled := sorted(path.name for path in folder.rglob("*") if path.suffix in _PICKLED):
        raise BenchError(
            f"{folder} holds {pickled[0]}, which may be pickled and run code when it is read; keep safetensors alone"
        )
    return {**found, "source": f"file:{folder}"}


def _has_target(value: Json) -> bool:
    inside = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return (isinstance(value, Mapping) and "_target_" in value) or any(map(_has_target, inside))


def left(path: str, seed: Json) -> Left:
    """The model that is meant; raises BenchError where there is none, several, or another than the training left."""
    if path.startswith("mlflow:"):
        return _registered(path, seed)
    place = _one_within(Path(path))
    training = next((one for one in (place, *list(place.resolve().parents)[:2]) if (one / RECORD).is_file()), None)
    if training is None:
        raise BenchError(
            f"model.path={path} is no training that has ended: there is no {RECORD}; give runs/TASK/MODEL/train-ID, or run the "
            "same `bench train` again, which goes on to its end"
        )
    told = _told(training / RECORD)
    if place.resolve() != training.resolve():
        below = place.resolve().relative_to(training.resolve()).parts[0]
        if seed is not None:
            raise BenchError(f"model.path={path} is of one seed already; leave model.seed={seed} out")
        seed = next((one for one in told if below == f"seed-{one}"), below)
    chosen, best = _chosen(told, seed, path)
    folder = training / f"seed-{chosen}" / MODEL
    if not (folder / CONFIG).is_file() or digest(folder) != told[chosen].get("sha256"):
        raise BenchError(
            f"{folder} is not the model that the training left (its sha256 is another); train it anew with --fresh"
        )
    *_, task, model, name = training.resolve().parts
    short = name.removeprefix("train-")
    marked = f"-best-of-{len(told)}" if best and len(told) > 1 else ""
    return Left(folder, f"{task}/{model}/{name}/seed-{chosen}", f"{model}-{short}-seed-{chosen}{marked}")


def _one_within(place: Path) -> Path:
    """The training below a folder runs/TASK/MODEL, where it has but one that has ended; raises BenchError for several."""
    if (place / RECORD).is_file():
        return place
    found = sorted(path.parent for path in place.glob(f"train-*/{RECORD}"))
    if len(found) > 1:
        known = ", ".join(one.name for one in found)
        raise BenchError(f"model.path={place} has {len(found)} trainings; give the folder of one: {known}")
    return found[0] if found else place


def _registered(uri: str, seed: Json) -> Left:
    """A model that was put into MLflow's registry."""
    source = parse(uri)
    if seed is not None:
        raise BenchError(f"model.path={uri} is of one seed already; leave model.seed={seed} out")
    folder = locate(uri, fetch="bench fetch model=NAME")
    name = f"{re.sub(r'[^A-Za-z0-9_.-]', '_', source.name)}-{source.revision}"
    return Left(folder, f"{source.name}/{source.revision}", name)


def _told(path: Path) -> dict[int, Mapping[str, Json]]:
    """What a training's record says of each of its seeds; of the others it says which is the better number."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        better = 1 if record["target"].get("higher_is_better", True) else -1
        return {int(one["seed"]): {**one, "rank": better * float(one["value"])} for one in record["seeds"]}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BenchError(f"{path} is no record of a training ({error}); train it anew with --fresh") from None


def _chosen(told: Mapping[int, Mapping[str, Json]], seed: Json, path: str) -> tuple[int, bool]:
    """The seed that is meant, and whether it was chosen by its score."""
    if seed == BEST:
        return max(sorted(told), key=lambda one: told[one]["rank"]), True
    if seed is None and len(told) == 1:
        return next(iter(told)), False
    if type(seed) is int and seed in told:
        return seed, False
    known = ", ".join(f"{one} ({told[one]['value']:.4f})" for one in sorted(told))
    said = "is not given" if seed is None else f"{seed} is none of them"
    raise BenchError(
        f"{path} has {len(told)} models and model.seed {said}; choose one by model.seed=N, or model.seed=best (the name on boards "
        f"then says that it was chosen by its score): {known}"
    )
