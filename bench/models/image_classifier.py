"""Classifiers of pictures from transformers: which of its labels a picture has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bench.errors import BenchError
from bench.models.base import Device
from bench.models.own_labels import matched, names_of
from bench.models.pictures import decoded
from bench.models.remembered import Remembered, of_picture
from bench.models.torch_model import TorchModel
from bench.types import Choose, Image, Prediction, Request


class ImageClassifier(TorchModel):
    """The probability of each label for the picture of a request; what stands beside it in words is not read.

    They are the softmax over the labels asked for, or where several may be right the sigmoid of each. `labels` maps the
    model's labels to those of the request where they differ. At most `pictures_per_pass` pictures go through the model at once;
    each is prepared by itself, once a run.
    """

    auto_class, processor_class = "AutoModelForImageClassification", "AutoImageProcessor"
    parts = frozenset({"text", "image"})
    needs = frozenset({"image"})
    outputs = (Choose,)

    def __init__(
        self,
        source: str,
        sha256: str | None = None,
        *,
        labels: dict[str, str] | None = None,
        pictures_per_pass: int = 64,
        trust: list[str] | None = None,
    ) -> None:
        super().__init__(source, sha256, trust)
        if pictures_per_pass < 1:
            raise BenchError(f"model.pictures_per_pass={pictures_per_pass} must be at least 1")
        self.labels, self.pictures_per_pass = labels or {}, pictures_per_pass
        self._pixels: Remembered[Any] = Remembered(lambda pixels: pixels.nbytes)  # float32 [c, h, w]
        self._matched: dict[tuple[str, ...], dict[str, int]] = {}

    def load(self, device: Device, *, seed: int) -> None:
        """Load the model and its image processor, and take the model's own names of its labels."""
        super().load(device, seed=seed)
        self.ready()

    def ready(self) -> None:
        """Forget what another load knew, and take the model's own names of its labels."""
        self._pixels.clear()
        self._matched.clear()
        self.own = names_of(self.model.config)

    def prepare(self, batch: Sequence[Request]) -> None:
        """Decode and resize the pictures of the batch that comes next."""
        if hasattr(self, "own"):
            for request in batch:
                self.pixels(request)

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        """Pictures of one shape go through the model together."""
        import torch

        pixels = [self.pixels(request) for request in batch]
        found = torch.empty(len(batch), len(self.own))
        for places in self._passes([tuple(one.shape) for one in pixels]):
            inputs = torch.stack([pixels[i] for i in places]).to(self.device, self.model.dtype)
            with torch.inference_mode():
                found[places] = self.model(pixel_values=inputs).logits.float().cpu()
        return [
            Prediction(request.id, label_scores=self._scores(request.output, numbers))
            for request, numbers in zip(batch, found, strict=True)
        ]

    def pixels(self, request: Request) -> Any:
        """What the processor makes of the request's one picture: a tensor [c, h, w]; raises ValueError where that fails."""
        pictures = [part for part in request.parts if isinstance(part, Image)]
        if len(pictures) != 1 or not isinstance(request.output, Choose):
            raise ValueError(f"this model chooses a label for one picture; request {request.id!r} has {len(pictures)}")
        key = of_picture(pictures[0])
        if (known := self._pixels.get(key)) is None:
            known = self.processor(images=decoded(pictures[0]), return_tensors="pt")["pixel_values"][0]
            self._pixels.keep(key, known)
        return known

    def _passes(self, shapes: Sequence[tuple[int, ...]]) -> Iterator[list[int]]:
        """The places of pictures that are of one shape, as many as go through the model at once."""
        for shape in dict.fromkeys(shapes):
            places = [i for i, one in enumerate(shapes) if one == shape]
            for first in range(0, len(places), self.pictures_per_pass):
                yield places[first : first + self.pictures_per_pass]

    def _scores(self, output: Any, numbers: Any) -> dict[str, float]:
        """Probabilities from the numbers of one picture, [k]."""
        if output.labels not in self._matched:
            self._matched[output.labels] = matched(self.own, output.labels, self.labels, self.source)
        places = self._matched[output.labels]
        chosen = numbers[[places[label] for label in output.labels]]
        found = chosen.sigmoid() if output.several else chosen.softmax(0)
        return dict(zip(output.labels, found.tolist(), strict=True))
