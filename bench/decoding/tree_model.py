"""Which of transformers' causal models can read a prefix tree, found out by trying."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bench.decoding.prefix_tree import Group, Row
from bench.decoding.tree_attention import Branch, Head, Pass, Rows, Step

NAME = "bench_prefix_tree"
_TOLERANCE = {torch.float32: 1e-3, torch.float16: 0.05, torch.bfloat16: 0.1}


def install(model: Any) -> str:
    """Let the model's attention layers ask the pass that a forward call is given as `tree`.

    Returns "" where the model then answers as it did before, else why it cannot, and leaves the model as it was.
    """
    from transformers import AttentionInterface

    config = model.config.get_text_config()
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"]) - {"full_attention"}
    if kinds or (getattr(config, "sliding_window", None) and getattr(config, "use_sliding_window", True)):
        return f"its layers are of the kind {', '.join(sorted(kinds)) or 'sliding_attention'}"
    turned = getattr(config, "rope_parameters", None) or {}
    if turned.get("rope_type") in ("dynamic", "longrope"):
        return "how it turns positions depends on the longest prompt of a pass"
    if not getattr(model, "_supports_attention_backend", False):
        return f"{type(model).__name__} takes no other attention"
    # Everyday tokens: on special ones, which stand first in a vocabulary, bfloat16 alone changes what a model says.
    ids = [config.vocab_size * place // 8 for place in range(1, 7)]
    before = model.config._attn_implementation
    with torch.inference_mode():
        expected = model(input_ids=torch.tensor([ids], device=model.device), use_cache=False).logits[0]
    AttentionInterface.register(NAME, _attention)
    try:
        model.set_attn_implementation(NAME)
        worst = (_through_a_tree(model, ids) - expected).abs().max() / expected.abs().max()
    except (RuntimeError, TypeError, ValueError, AttributeError, LookupError) as error:
        reason = f"{type(error).__name__}: {(str(error).splitlines() or ['no message'])[0]}"
    else:
        reason = "" if worst <= _TOLERANCE[model.dtype] else f"its answers change by {float(worst):.1%}"
    if reason:
        model.set_attn_implementation(before)
    return reason


@torch.inference_mode()
def _through_a_tree(model: Any, ids: list[int]) -> Tensor:
    """Logits [6, vocabulary] of six tokens, read as a head, a group's part and a row behind another row, and a step."""
    head = Head()
    rows = Rows(model.device)
    _, two = rows.join([], [2, 2], 3)
    group = Group(ids[2:3], [Row(0, ids[:2]), Row(1, ids[3:5])])
    branch = Branch(head, [group], model.device, rows=rows, places=two)
    branch.shared.keep([0])  # the second row alone takes the step
    found = []
    for tokens, places, tree, mine in (
        (ids[:2], [0, 1], head, [0, 1]),
        (ids[2:3] + ids[:2] + ids[3:5], [2, 3, 4, 3, 4], branch, [0, 3, 4]),
        (ids[5:], [5], Step([branch.shared], rows, two[1:]), [0]),
    ):
        given = {"input_ids": tokens, "position_ids": places}
        there = {name: torch.tensor([value], device=model.device) for name, value in given.items()}
        found.append(model(**there, use_cache=False, tree=tree).logits[0, mine])
    return torch.cat(found)


def _attention(
    module: Any, query: Tensor, key: Tensor, value: Tensor, mask: None, *, scaling: float, tree: Pass, **other: Any
) -> tuple[Tensor, None]:
    """What transformers calls in each layer: heads come as [1, H, T, D] and leave as [1, T, H, D]."""
    if other.get("sliding_window") or other.get("softcap") or other.get("s_aux") is not None:
        raise NotImplementedError("the prefix tree has no sliding window, soft cap or attention sink")
    q, k, v = (heads[0].transpose(0, 1) for heads in (query, key, value))
    return tree.attend(module.layer_idx, q, k, v, scaling)[None], None
