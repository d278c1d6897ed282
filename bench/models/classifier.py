"""Heads that judge a whole text: its label, several labels, or by entailment labels that the model was never taught."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.errors import BenchError
from bench.models.base import Device
from bench.models.encoder_head import Row, last_said
from bench.models.labelled_head import LabelledHead
from bench.types import Choose, Prediction, Request


class SequenceHead(LabelledHead):
    """A head with k numbers for a text. A text that is too long keeps its beginning; the Prediction says how much was cut."""

    auto_class = "AutoModelForSequenceClassification"

    def numbers(self, rows: Sequence[Row]) -> Any:
        """The head's numbers for each row: float32 [n, k]."""
        import torch

        found = torch.empty(len(rows), len(self.own))
        for group, output in self.passes(rows):
            found[group] = output.logits.float().cpu()
        return found

    def row(self, ids: Sequence[int], beside: Sequence[int] | None = None) -> tuple[Row, int]:
        """A text, with another `beside` it or alone, and how many tokens were cut off its end; the other stays whole."""
        layout = self.single if beside is None else self.pair
        room = self.limit - layout.n_special - len(beside or ())
        if room < 1:
            raise ValueError(f"what stands beside the text has {len(beside or ())} tokens, which leaves no room for it")
        return layout.row(ids[:room], beside or ()), max(len(ids) - room, 0)


class Classifier(SequenceHead):
    """The probability of each label for the last text of the user.

    They are the softmax over the labels asked for, or where several may be right the sigmoid of each. `labels` maps the
    model's labels to those of the request where they differ.

    With `hypothesis`, a sentence with {} for the label, the model is one of natural language inference: a label's score is
    how much the text entails the sentence. Of several, a label's probability is that of entailment against the model's
    label of contradiction (or of no entailment), else the softmax of the labels' entailment. Source: Yin, Hay and Roth
    2019, "Benchmarking Zero-shot Text Classification" (EMNLP).
    """

    outputs = (Choose,)

    def __init__(
        self,
        source: str,
        sha256: str | None = None,
        *,
        labels: dict[str, str] | None = None,
        hypothesis: str = "",
        max_length: int | None = None,
        tokens_per_pass: int | None = None,
        trust: list[str] | None = None,
    ) -> None:
        super().__init__(
            source, sha256, labels=labels, max_length=max_length, tokens_per_pass=tokens_per_pass, trust=trust
        )
        if hypothesis and (hypothesis.count("{}") != 1 or labels):
            raise BenchError(
                f"model.hypothesis={hypothesis!r} needs {{}} once, where the label goes, and no model.labels beside it"
            )
        self.hypothesis = hypothesis

    def load(self, device: Device, *, seed: int) -> None:
        """Load, and find the model's labels for yes and no if it is to judge hypotheses."""
        super().load(device, seed=seed)
        if self.hypothesis:
            self.entails = self._only("entail")
            others = [i for i in range(len(self.own)) if i != self.entails]
            self.denies = others[0] if len(others) == 1 else self._only("contra")

    def _only(self, begin: str) -> int:
        found = [i for i, label in enumerate(self.own) if label.lower().startswith(begin)]
        if len(found) != 1:
            raise BenchError(
                f"{self.source}: no label begins with {begin!r} among {', '.join(self.own)}; model.hypothesis needs a model "
                "of natural language inference with labels so called"
            )
        return found[0]

    def texts(self, request: Request) -> list[str]:
        """The text, and the sentence of each label if hypotheses are judged."""
        labels = request.output.labels if self.hypothesis and isinstance(request.output, Choose) else ()
        return [*super().texts(request), *(self.hypothesis.replace("{}", label) for label in labels)]

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        """All texts of the batch, with all their hypotheses, go through the model packed by length."""
        for request in batch:
            if not isinstance(request.output, Choose) or last_said(request) is None:
                raise ValueError(f"request {request.id!r} has no text of the user to choose a label for")
        tokens = self.tokens(text for request in batch for text in self.texts(request))
        made = []
        for text, *sentences in map(self.texts, batch):
            beside = [tokens[sentence].ids for sentence in sentences] if self.hypothesis else [None]
            made.append([self.row(tokens[text].ids, other) for other in beside])
        numbers = self.numbers([row for rows in made for row, _ in rows]).split([len(rows) for rows in made])
        done = []
        for request, rows, found in zip(batch, made, numbers, strict=True):
            scores = self._scores(request.output, found)
            n_tokens, cut = sum(len(row.ids) for row, _ in rows), max(cut for _, cut in rows)
            done.append(Prediction(request.id, label_scores=scores, prompt_tokens=n_tokens, truncated=cut))
        return done

    def _scores(self, output: Any, numbers: Any) -> dict[str, float]:
        """Probabilities from the numbers of one text, [1, k], or of its hypotheses, [labels, k]."""
        if self.hypothesis:
            chosen = numbers[:, self.entails]
            several = numbers[:, [self.denies, self.entails]].softmax(1)[:, 1]
        else:
            places = self.places(output.labels)
            chosen = numbers[0, [places[label] for label in output.labels]]
            several = chosen.sigmoid()
        found = several if output.several else chosen.softmax(0)
        return dict(zip(output.labels, found.tolist(), strict=True))
