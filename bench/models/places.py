"""How many tokens in a row a text model has places for."""

from __future__ import annotations

from typing import Any

_READ = ("max_position_embeddings", "max_encoder_position_embeddings")  # the second is LED's
_SAID = ("max_position_embeddings", "max_decoder_position_embeddings", "max_target_positions", "max_seq_len")


def places(model: Any, *, encoder: bool = False) -> int | None:
    """How many tokens its decoder, or its `encoder`, may be given; None where there is no bound (T5, Mamba).

    Of a model without an encoder it is the context: the prompt and what is said. A token behind a table of positions is an
    IndexError on a CPU; on a GPU it breaks every later call.
    """
    part = model
    if model.config.is_encoder_decoder:
        part = model.get_encoder() if encoder else model.get_decoder()
    config = part.config.get_text_config()
    stated = (getattr(config, name, None) for name in (_READ if encoder else _SAID))
    return min(filter(None, [next(filter(None, stated), None), *behind_padding(part)]), default=None)


def behind_padding(model: Any) -> list[int]:
    """The places of each table of positions that begins with those of the padding, as RoBERTa's does, without them."""
    return [
        module.num_embeddings - module.padding_idx - 1
        for name, module in model.named_modules()
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None
    ]
