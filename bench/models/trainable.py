"""What a model must give beside its answers so that it can be trained to a target."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from bench.errors import BenchError
from bench.models.base import Device
from bench.types import Prediction, Request

if TYPE_CHECKING:
    import torch

Taught: TypeAlias = tuple[Request, Prediction]  # what is asked, and the ideal answer
Row: TypeAlias = Mapping[str, Any]  # the numbers of one training example, as `collate` takes them


@dataclass(frozen=True)
class Recipe:
    """How a model is trained unless the command says otherwise: all of it are keys of `train.` there.

    `learning_rate` is the highest; it rises over the share `warmup` of all steps and falls to 0 behind. `epochs` is the most that
    are trained; `evaluations` is how often an epoch is evaluated.
    """

    learning_rate: float = 5e-5
    batch_size: int = 32
    epochs: int = 3
    warmup: float = 0.06
    weight_decay: float = 0.01
    evaluations: int = 1


class Trainable(ABC):
    """Beside `Model` a base of a model that learns from requests and their ideal answers, whatever the task.

    `begin` instead of `load`; from then on the model answers (`predict`) with what its network has learned so far.
    """

    recipe: Recipe = Recipe()

    @abstractmethod
    def begin(self, device: Device, *, seed: int, taught: Sequence[Taught]) -> torch.nn.Module:
        """The network before its first step: weights where there are some, drawn by `seed` where not.

        `taught` is what it will learn from: labels and shapes may be read off it. Called with a batch of `collate` by name the
        network returns an object with `loss`, as those of transformers do.
        """

    @abstractmethod
    def rows(self, taught: Sequence[Taught]) -> Sequence[Row]:
        """The training rows; an example may give several (windows of a long text) or none (its answer does not stand there)."""

    @abstractmethod
    def collate(self, rows: Sequence[Row]) -> dict[str, torch.Tensor]:
        """A batch of rows, padded."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write the network as a checkpoint that `source: file:FOLDER` of the same class, or of `answers_as`, loads again."""

    def trained_config(self, folder: Path) -> dict[str, Any]:
        """The configuration of the trained model for `bench run`: `_target_`, `source` and what else its class takes."""
        return {"_target_": f"{type(self).__module__}.{type(self).__qualname__}", "source": f"file:{folder}"}


def untrained() -> BenchError:
    """What to raise where a model that has learned nothing yet is asked."""
    return BenchError(
        "this model has learned nothing yet; train it with `bench train task=NAME model=NAME target=METRIC:VALUE`, then "
        "evaluate what that leaves with `bench run task=NAME model=trained model.path=FOLDER`"
    )


def saved(network: Any, processor: Any, folder: Path) -> None:
    """Write a network of transformers and its tokenizer or processor as a checkpoint: weights as safetensors, nothing pickled."""
    network.save_pretrained(folder)
    processor.save_pretrained(folder)
