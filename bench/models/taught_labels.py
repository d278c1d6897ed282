"""The labels that a head with a number for each of them is taught: read off what it learns from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.models.trainable import Taught
from bench.types import Choose, Prediction

if TYPE_CHECKING:
    import torch

_SURE = 0.5  # the score from which an ideal answer gives a label, where several may be right


@dataclass(frozen=True)
class TaughtLabels:
    """The labels in the order of the task's, and whether `several` may be right at once."""

    names: tuple[str, ...]
    several: bool

    @classmethod
    def of(cls, taught: Sequence[Taught]) -> TaughtLabels:
        """What all the requests ask to choose from; raises BenchError where that is not one list of at least two labels."""
        asked = {request.output if isinstance(request.output, Choose) else None for request, _ in taught}
        output = next(iter(asked)) if len(asked) == 1 else None
        if output is None:
            raise BenchError(
                "this model learns one list of labels, and the task's requests do not all ask for the same one"
            )
        if len(output.labels) < 2:
            raise BenchError(
                f"the task has {len(output.labels)} label; a model learns to tell at least two from each other"
            )
        return cls(output.labels, output.several)

    def config(self) -> dict[str, Any]:
        """What the labels are in a configuration of transformers, which chooses the loss by it."""
        kind = "multi_label_classification" if self.several else "single_label_classification"
        return {
            "id2label": dict(enumerate(self.names)),
            "label2id": {name: i for i, name in enumerate(self.names)},
            "problem_type": kind,
        }

    def target(self, ideal: Prediction) -> int | list[float]:
        """The number of the ideal answer's label; of several, 1.0 for each that is right. Raises BenchError where none is told."""
        scores = [(ideal.label_scores or {}).get(name, 0.0) for name in self.names]
        if self.several:
            return [float(score >= _SURE) for score in scores]
        if max(scores) <= 0:
            raise BenchError(f"training example {ideal.id!r} has no label to learn; correct the training split")
        return max(range(len(scores)), key=scores.__getitem__)

    def batch(self, targets: Sequence[int | list[float]]) -> torch.Tensor:
        """The targets [b] as whole numbers, or of several [b, labels] as the loss takes them."""
        import torch

        return torch.tensor(targets, dtype=torch.float32 if self.several else torch.long)
