"""BERTScore: how near each token of a text is to one of the other text, by the hidden layer of a language model.

The package bert-score is not needed: its rule is the few lines of `greedy`, its model the checkpoint that it takes for English.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import Any

import numpy as np

from bench.artifacts.held import held
from bench.errors import BenchError
from bench.metrics.metric import Array, Metric, Row
from bench.metrics.rouge import as_lines

REPOSITORY, REVISION, LAYER = "FacebookAI/roberta-large", "722cf37b1afa9454edce342e7895e588b6ff1d59", 17
_LONGEST = 512  # tokens, what is behind them is cut


def greedy(reference: Array, answer: Array) -> tuple[float, float, float]:
    """Precision, recall and F1 of two texts' unit vectors [tokens, d], the first and last of which belong to no word.

    Each token of the one is matched with the nearest of the other, these two among them; they do not count themselves. A text
    without a word has 0. Source: Zhang et al. 2020, "BERTScore: Evaluating Text Generation with BERT" (ICLR), without idf weights.
    """
    if min(len(reference), len(answer)) <= 2:
        return 0.0, 0.0, 0.0
    near = answer @ reference.T
    precision, recall = float(near.max(axis=1)[1:-1].mean()), float(near.max(axis=0)[1:-1].mean())
    both = precision + recall
    return precision, recall, 2 * precision * recall / both if both > 0 else 0.0


@cache  # a failure is not kept
def encoder(source: str, layer: int) -> Callable[[str], Array]:
    """Gives a text's unit vectors [tokens, d] in that hidden layer; BenchError where the model is not on this machine."""
    try:
        folder = held(source)
    except BenchError:
        name, _, revision = source.removeprefix("hub:").partition("@")
        how = f"; bring it with `hf download {name} --revision {revision}`" if revision else ""
        raise BenchError(f"BERTScore's model {name} is not on this machine{how}") from None
    import torch
    import transformers

    options = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **options)
        model = transformers.AutoModel.from_pretrained(
            folder, use_safetensors=True, dtype=torch.float32, **options
        ).eval()
    except (OSError, ValueError) as error:
        raise BenchError(f"BERTScore's model {source} cannot be loaded: {' '.join(str(error).split())[:160]}") from None

    @lru_cache(maxsize=4096)
    def vectors(text: str) -> Array:
        tokens = tokenizer(text, return_tensors="pt", truncation=True, max_length=_LONGEST)
        with torch.inference_mode():
            hidden = model(**tokens, output_hidden_states=True).hidden_states[layer][0]
        return np.asarray(torch.nn.functional.normalize(hidden, dim=-1).numpy(), dtype=np.float64)

    return vectors


def bertscore(source: str = f"hub:{REPOSITORY}@{REVISION}", layer: int = LAYER) -> Metric:
    """The mean F1 of BERTScore, not rescaled, about 0.8 to 1; texts or lists of lines. Absent where the model is not here."""

    def measure(target: str | Sequence[str], answer: str | Sequence[str]) -> Row:
        vectors = encoder(source, layer)
        texts = [" ".join(as_lines(text).split()) for text in (target, answer)]
        return (min(1.0, max(0.0, greedy(*map(vectors, texts))[2])),)

    def absent(answers: Sequence[Any]) -> str:
        try:
            encoder(source, layer)
        except BenchError as error:
            return str(error)
        return ""

    name = source.removeprefix("hub:").partition("@")[0].rpartition("/")[2]
    return Metric(
        "bertscore",
        measure=measure,
        signature=f"F1, {name} layer {layer}, no idf, not rescaled",
        absent=absent,
    )
