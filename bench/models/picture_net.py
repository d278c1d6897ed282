"""A small convolutional network for pictures that is trained from scratch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.models.base import Device
from bench.models.image_classifier import ImageClassifier
from bench.models.taught_labels import TaughtLabels
from bench.models.trainable import Recipe, Row, Taught, Trainable, saved, untrained

if TYPE_CHECKING:
    import torch

_FEWEST_PIXELS = 32  # the first layers of a ResNet leave a quarter of each side
_LABELS = "labels"


class PictureNet(ImageClassifier, Trainable):
    """A ResNet of basic layers for pictures of `side` by `side` pixels: a stage of `depths` layers for each of the `widths`.

    It has no weights before it is trained; what it saves is an `ImageClassifier`.
    Source: He et al. 2016, "Deep Residual Learning for Image Recognition" (CVPR).
    """

    recipe = Recipe(learning_rate=2e-3, batch_size=16, epochs=12, warmup=0.1, weight_decay=0.01)
    revision = weights_sha256 = ""

    def __init__(
        self,
        *,
        side: int = 32,
        widths: list[int] | None = None,
        depths: list[int] | None = None,
        pictures_per_pass: int = 64,
    ) -> None:
        super().__init__("file:untrained", pictures_per_pass=pictures_per_pass)
        self.side, self.widths, self.depths = side, list(widths or (32, 64)), list(depths or (1, 1))
        if side < _FEWEST_PIXELS or len(self.widths) != len(self.depths) or min(*self.widths, *self.depths) < 1:
            raise BenchError(
                f"model.side={side} must be at least {_FEWEST_PIXELS}, and model.widths={self.widths} and "
                f"model.depths={self.depths} as long as each other, with whole numbers from 1"
            )

    def fetch(self) -> None:
        """There is nothing to bring."""

    def load(self, device: Device, *, seed: int) -> None:
        """Raise BenchError: there are no weights."""
        raise untrained()

    def begin(self, device: Device, *, seed: int, taught: Sequence[Taught]) -> torch.nn.Module:
        """A network drawn by the seed, with a number for each label that is taught."""
        import torch
        from transformers import ResNetConfig, ResNetForImageClassification
        from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

        self.task_labels = TaughtLabels.of(taught)
        torch.manual_seed(seed)
        config = ResNetConfig(
            embedding_size=self.widths[0], hidden_sizes=self.widths, depths=self.depths, layer_type="basic",
            **self.task_labels.config(),
        )  # fmt: skip
        self.device = torch.device(device.kind)
        self.model: Any = ResNetForImageClassification(config).to(self.device)
        self.processor = ViTImageProcessorPil(size={"height": self.side, "width": self.side})
        self.ready()
        return self.model  # type: ignore[no-any-return]

    def rows(self, taught: Sequence[Taught]) -> Sequence[Row]:
        """A picture's pixels and its label, for each example."""
        return [
            {"pixel_values": self.pixels(request), _LABELS: self.task_labels.target(ideal)} for request, ideal in taught
        ]

    def collate(self, rows: Sequence[Row]) -> dict[str, torch.Tensor]:
        """Pixels [b, c, h, w] and labels."""
        import torch

        return {
            "pixel_values": torch.stack([row["pixel_values"] for row in rows]),
            _LABELS: self.task_labels.batch([row[_LABELS] for row in rows]),
        }

    def save(self, folder: Path) -> None:
        """Weights as safetensors, configuration and image processor."""
        saved(self.model, self.processor, folder)

    def trained_config(self, folder: Path) -> dict[str, Any]:
        """That of an `ImageClassifier`."""
        return {"_target_": "bench.models.image_classifier.ImageClassifier", "source": f"file:{folder}"}
