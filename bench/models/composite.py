"""A model made of others, one after another: what has to be done for each of them is done here, once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from bench.models.base import Device, Heard, Model
from bench.types import Json, Prediction, Request


class Composite(Model):
    """Models that work one after another; `stages` names the attributes that hold them, in this order, the last answers.

    What concerns the whole model concerns each stage: weights, device, memory, what it computed. What concerns a request
    (`predict`, `prepare`, `cost`, `expects`) is the subclass's, since a later stage sees another request than the composite does.
    Its `predict` returns what the last stage's does: a last stage that gives its answers as they are finished does so in a
    composite too.
    """

    stages: ClassVar[tuple[str, ...]]

    @property
    def models(self) -> tuple[Model, ...]:
        """The stages themselves."""
        return tuple(getattr(self, name) for name in self.stages)

    @property
    def revision(self) -> str:  # type: ignore[override]  # the stages find their own out when asked
        """Those of all stages."""
        return " + ".join(model.revision for model in self.models)

    @property
    def weights_sha256(self) -> str:  # type: ignore[override]
        """Those of all stages."""
        return " + ".join(model.weights_sha256 for model in self.models)

    @property
    def uses_device(self) -> bool:  # type: ignore[override]
        """Whether any stage does."""
        return any(model.uses_device for model in self.models)

    @property
    def is_reference(self) -> bool:  # type: ignore[override]
        """Whether any stage is a reference row: the whole then competes with nobody."""
        return any(model.is_reference for model in self.models)

    @property
    def reads_targets(self) -> bool:  # type: ignore[override]
        """Whether any stage does."""
        return any(model.reads_targets for model in self.models)

    @property
    def outside(self) -> tuple[str, ...]:  # type: ignore[override]
        """The modules that the stages call."""
        return tuple(module for model in self.models for module in model.outside)

    @property
    def bound_to(self) -> str:  # type: ignore[override]
        """What of the first stage that is its user's own."""
        return next((model.bound_to for model in self.models if model.bound_to), "")

    @property
    def learns(self) -> bool:  # type: ignore[override]
        """Whether any stage does."""
        return any(model.learns for model in self.models)

    @property
    def folds_clusters(self) -> bool:  # type: ignore[override]
        """Whether any stage does."""
        return any(model.folds_clusters for model in self.models)

    def learn(self, taught: Sequence[tuple[Request, Prediction]]) -> None:
        """Pass the lesson on to those that learn."""
        self.loaded = None  # what was fitted before was fitted to another lesson
        for model in self.models:
            if model.learns:
                model.left_out, model.clusters = self.left_out, self.clusters
                model.learn(taught)

    @property
    def uses_libraries(self) -> bool:  # type: ignore[override]
        """Whether any stage does."""
        return any(model.uses_libraries for model in self.models)

    @property
    def answers_alone(self) -> bool:  # type: ignore[override]
        """Whether all stages do."""
        return all(model.answers_alone for model in self.models)

    @property
    def served_from(self) -> str:  # type: ignore[override]
        """The furthest place where a server computes for any stage."""
        places = {model.served_from for model in self.models}
        return next((place for place in ("far", "near") if place in places), "")

    @property
    def token_price(self) -> Mapping[str, float] | None:  # type: ignore[override]
        """What a stage charges: the last one's, whose tokens predictions count, before any other's."""
        return next((model.token_price for model in reversed(self.models) if model.token_price is not None), None)

    @property
    def unit_tokens(self) -> int | None:  # type: ignore[override]
        """As many as the slowest stage computes in some seconds."""
        return min((model.unit_tokens for model in self.models if model.unit_tokens is not None), default=None)

    @property
    def context(self) -> int | None:  # type: ignore[override]
        """That of the last stage, whose tokens predictions count."""
        return self.models[-1].context

    def telling(self, config: Json) -> Json:
        """Also of each stage's configuration only what can change an answer."""
        found = super().telling(config)
        if not isinstance(found, Mapping):
            return found
        stages = {name: model for name, model in zip(self.stages, self.models, strict=True) if name in found}
        return {**found, **{name: model.telling(found[name]) for name, model in stages.items()}}

    def fetch(self) -> None:
        """Bring the weights of all stages."""
        for model in self.models:
            model.fetch()

    def load(self, device: Device, *, seed: int) -> None:
        """Load all stages, in their order."""
        for model in self.models:
            model.load(device, seed=seed)

    def reveal(self, ideal: Mapping[str, Prediction]) -> None:
        """Pass the ideal predictions on; requests keep their ids from stage to stage."""
        for model in self.models:
            model.reveal(ideal)

    def hear(self, heard: Heard | None) -> None:
        """Of the last stage, whose reply it is."""
        self.models[-1].hear(heard)

    def client_overhead_seconds(self, qps: float | None = None) -> float | None:
        """Of the stages that have a client, together."""
        found = [seconds for one in self.models if (seconds := one.client_overhead_seconds(qps)) is not None]
        return sum(found) if found else None

    def caveats(self) -> list[str]:
        """Those of all stages."""
        return [line for model in self.models for line in model.caveats()]

    def free(self) -> None:
        """Have all stages let go of their reserve: any of them may hold what the one that failed lacked."""
        for model in self.models:
            model.free()

    def forget(self) -> None:
        """Have all stages forget."""
        for model in self.models:
            model.forget()

    def sync(self) -> None:
        """Wait for all stages."""
        for model in self.models:
            model.sync()

    def describe(self) -> Mapping[str, Json]:
        """What the stages say; where two speak of the same, the later one."""
        return {key: value for model in self.models for key, value in model.describe().items()}

    def device_memory_bytes(self) -> int | None:
        """The highest peak that a stage names: they share the device, so that each sees the others' memory too."""
        peaks = [peak for model in self.models if (peak := model.device_memory_bytes()) is not None]
        return max(peaks, default=None)
