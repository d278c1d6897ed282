"""Text encoders that are taught: a fresh head on pretrained weights, for labels of a text or the span that answers a question."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.models.base import Device
from bench.models.classifier import Classifier
from bench.models.encoder_head import EncoderHead, Tokens, last_said
from bench.models.span_head import SpanHead, may_be_unanswerable
from bench.models.taught_labels import TaughtLabels
from bench.models.trainable import Recipe, Row, Taught, Trainable, saved, untrained
from bench.types import Prediction, Request

if TYPE_CHECKING:
    import torch

_HEADS = ("classifier.", "pre_classifier.", "score.", "qa_outputs.", "pooler.", "bert.pooler.")
_LABELS, _FIRST, _LAST, _ROW = "labels", "start_positions", "end_positions", "row"


class TaughtHead(EncoderHead, Trainable):
    """A head that is drawn by the seed on an encoder whose weights are at `source`.

    Of the encoder the `trained_layers` nearest the head learn with it (None: all of it, its embeddings too). The others stay as
    they are, which takes a part of the time.
    """

    trained_layers: int | None = None
    _begun = False

    def load(self, device: Device, *, seed: int) -> None:
        """Raise BenchError: the head would be random."""
        if not self._begun:
            raise untrained()
        super().load(device, seed=seed)

    def start(self, device: Device, seed: int) -> torch.nn.Module:
        """The network with a fresh head."""
        self.spare_weights, self._begun = _HEADS, True
        self.load(device, seed=seed)
        self._hold()
        return self.model  # type: ignore[no-any-return]

    def _hold(self) -> None:
        """Keep what is not to learn as it is."""
        if self.trained_layers is None:
            return
        encoder = self.model.base_model
        layers = getattr(getattr(encoder, "encoder", None), "layer", None)
        if layers is None or not 0 <= self.trained_layers <= len(layers):
            found = "no layers that can be told apart" if layers is None else f"{len(layers)} layers"
            raise BenchError(f"model.trained_layers={self.trained_layers}: the encoder at {self.source} has {found}")
        held = [encoder.embeddings, *layers[: len(layers) - self.trained_layers]]
        for weight in (weight for part in held for weight in part.parameters()):
            weight.requires_grad = False

    def save(self, folder: Path) -> None:
        """Weights as safetensors, configuration and tokenizer."""
        saved(self.model, self.tokenizer, folder)

    def padded(self, rows: Sequence[Row]) -> dict[str, torch.Tensor]:
        """The rows of a batch as tensors [b, t]."""
        return self._padded([row[_ROW] for row in rows])


class TaughtClassifier(TaughtHead, Classifier):
    """A number for each label of a task: one is right, or several may be. What is saved is a `Classifier`."""

    recipe = Recipe(learning_rate=3e-4, batch_size=32, epochs=4, warmup=0.1, weight_decay=0.01, evaluations=2)

    def __init__(
        self,
        source: str,
        sha256: str | None = None,
        *,
        trained_layers: int | None = None,
        max_length: int | None = 128,
        tokens_per_pass: int | None = None,
        trust: list[str] | None = None,
    ) -> None:
        Classifier.__init__(self, source, sha256, max_length=max_length, tokens_per_pass=tokens_per_pass, trust=trust)
        self.trained_layers = trained_layers

    def loading(self) -> dict[str, Any]:
        """The labels that are taught."""
        return self.task_labels.config()

    def begin(self, device: Device, *, seed: int, taught: Sequence[Taught]) -> torch.nn.Module:
        """The encoder, and a head with a number for each label that is taught."""
        self.task_labels = TaughtLabels.of(taught)
        return self.start(device, seed)

    def rows(self, taught: Sequence[Taught]) -> Sequence[Row]:
        """A text and its label for each example; a text that is too long is cut as it is when it is asked about."""
        texts = [last_said(request) for request, _ in taught]
        if None in texts:
            raise BenchError("a training example has no text of the user to choose a label for; choose another model")
        tokens = self.tokens(text for text in texts if text is not None)
        return [
            {_ROW: self.row(tokens[text].ids)[0], _LABELS: self.task_labels.target(ideal)}
            for text, (_, ideal) in zip(texts, taught, strict=True) if text is not None
        ]  # fmt: skip

    def collate(self, rows: Sequence[Row]) -> dict[str, torch.Tensor]:
        """The padded texts and their labels."""
        return {**self.padded(rows), _LABELS: self.task_labels.batch([row[_LABELS] for row in rows])}

    def trained_config(self, folder: Path) -> dict[str, Any]:
        """That of a `Classifier`."""
        target = f"{Classifier.__module__}.{Classifier.__qualname__}"
        return {"_target_": target, "source": f"file:{folder}", "max_length": self.max_length}


class TaughtSpan(TaughtHead, SpanHead):
    """The first and the last token of the answer. What is saved is a `SpanHead`.

    A passage is learned in the windows in which it is read. A window that does not hold the answer, or a question without one, has
    the class token as the first and the last. Source: Devlin et al. 2019, "BERT" (NAACL), section 4.2, and its run_squad.py.
    """

    recipe = Recipe(learning_rate=3e-4, batch_size=16, epochs=3, warmup=0.1, weight_decay=0.01, evaluations=2)

    def __init__(
        self,
        source: str,
        sha256: str | None = None,
        *,
        trained_layers: int | None = None,
        max_length: int | None = 256,
        stride: int = 64,
        max_answer_length: int = 30,
        tokens_per_pass: int | None = None,
        trust: list[str] | None = None,
    ) -> None:
        SpanHead.__init__(
            self, source, sha256, max_length=max_length, stride=stride, max_answer_length=max_answer_length,
            tokens_per_pass=tokens_per_pass, trust=trust,
        )  # fmt: skip
        self.trained_layers = trained_layers

    def begin(self, device: Device, *, seed: int, taught: Sequence[Taught]) -> torch.nn.Module:
        """The encoder, and a head with two numbers for each token."""
        return self.start(device, seed)

    def rows(self, taught: Sequence[Taught]) -> Sequence[Row]:
        """A row for each window; none for an example whose answer does not stand in its passage, or whose question is too long."""
        if any(len(self.texts(request)) != 2 for request, _ in taught):
            raise BenchError("a training example has no passage to point into; choose another model for this task")
        tokens = self.tokens(text for request, _ in taught for text in self.texts(request))
        return [row for request, ideal in taught for row in self._rows(request, ideal, tokens)]

    def _rows(self, request: Request, ideal: Prediction, tokens: dict[str, Tokens]) -> Iterator[Row]:
        asked, text = self.texts(request)
        question, context = tokens[asked], tokens[text]
        place = answer_place(text, ideal)
        if place is None and not may_be_unanswerable(request):
            return
        held = [i for i, (start, end) in enumerate(context.places) if place and end > place[0] and start < place[1]]
        if (place and not held) or len(question.ids) + self.pair.n_special + self.stride >= self.limit:
            return
        at, null = len(self.pair.before) + len(question.ids) + len(self.pair.between), self._null_at()
        for first, after in self._windows(question, context):
            inside = bool(held) and first <= held[0] and held[-1] < after
            ends = (held[0] - first + at, held[-1] - first + at) if inside else (null, null)
            row = self.pair.row(question.ids, context.ids[first:after])
            yield {_ROW: row, _FIRST: ends[0], _LAST: ends[1]}

    def collate(self, rows: Sequence[Row]) -> dict[str, torch.Tensor]:
        """The padded windows, and where the answer begins and ends in each."""
        import torch

        ends = {name: torch.tensor([row[name] for row in rows]) for name in (_FIRST, _LAST)}
        return {**self.padded(rows), **ends}

    def trained_config(self, folder: Path) -> dict[str, Any]:
        """That of a `SpanHead`."""
        return {
            "_target_": f"{SpanHead.__module__}.{SpanHead.__qualname__}", "source": f"file:{folder}",
            "max_length": self.max_length, "stride": self.stride, "max_answer_length": self.max_answer_length,
        }  # fmt: skip


def answer_place(passage: str, ideal: Prediction) -> tuple[int, int] | None:
    """Where the ideal answer stands, in characters: its span, else the first place of its text; None where it stands nowhere.

    >>> answer_place("of 10 in 10", Prediction("q", text="10")), answer_place("no", Prediction("q", text="10"))
    ((3, 5), None)
    """
    if ideal.span is not None:
        return ideal.span
    text = (ideal.text or "").strip()
    at = passage.find(text) if text else -1
    return (at, at + len(text)) if at >= 0 else None
