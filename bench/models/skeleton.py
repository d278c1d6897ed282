"""A model without its weights: what its configuration alone says, for an engine that loads the weights itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from bench.models import checkpoint
from bench.models.places import places
from bench.runs import spans


class Skeleton(NamedTuple):
    """The model on torch's meta device, how many tokens it has places for, and the tokens that end its replies."""

    model: Any
    context: int | None
    ends: int | list[int] | None


def skeleton(folder: Path, uri: str, auto_class: str, *, remote_code: bool) -> Skeleton:
    """That of a checkpoint in this folder; raises BenchError for a configuration that transformers cannot make a model of."""
    with spans.imports():
        import torch
        import transformers

    with checkpoint.one_line(uri), checkpoint.alone():
        config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=remote_code)
        with torch.device("meta"):
            model = getattr(transformers, auto_class).from_config(config, trust_remote_code=remote_code)
        said = model.generation_config
        if (folder / "generation_config.json").exists():
            said = transformers.GenerationConfig.from_pretrained(folder, local_files_only=True)
    return Skeleton(model, places(model), said.eos_token_id)
