"""Generation and label choice as the library does them, for models that cannot read a prefix tree.

They are padded, and nothing is shared; they are also what the tree's results are checked against.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from bench.decoding.phases import Phases, tell_prefill
from bench.runs import spans

_PASS_TOKENS = {"cpu": 4096, "cuda": 32768}  # of padded prompts
Finished = Callable[[int, list[int]], bool]


def greedy(
    model: Any, prompts: Sequence[list[int]], limits: Sequence[int], finished: Finished, pad: int
) -> Iterator[list[tuple[int, list[int]]]]:
    """As `bench.decoding.greedy.greedy`, by the model's own `generate`.

    Only prompts of one limit go together, since `generate` steps finished rows along with the others, and a row has no
    places behind its limit.
    """
    from transformers import GenerationConfig, StoppingCriteria, StoppingCriteriaList

    for run in _alike(prompts, limits, _PASS_TOKENS[model.device.type]):
        width = max(len(prompts[i]) for i in run)
        ids = torch.tensor([[pad] * (width - len(prompts[i])) + prompts[i] for i in run], device=model.device)
        mask = torch.tensor([[0] * (width - len(prompts[i])) + [1] * len(prompts[i]) for i in run], device=model.device)

        began, phases = spans.clock(), list[Phases]()
        over: dict[int, int] = {}  # how many tokens the answers have that have ended

        class Done(StoppingCriteria):  # type: ignore[misc]
            def __call__(
                self, ids: Tensor, scores: Tensor, run: list[int] = run, width: int = width, began: float = began,
                phases: list[Phases] = phases, over: dict[int, int] = over, **_: Any,
            ) -> Tensor:  # fmt: skip
                if not phases:  # the first token: its pass is over
                    tell_prefill(ids.device.type, began, len(run), len(run) * width)
                    phases.append(Phases())
                phases[0].decoded(len(run), 1)
                for i, row in zip(run, ids[:, width:].tolist(), strict=True):
                    if i not in over and finished(i, row):  # once a step: whoever listens counts them
                        over[i] = len(row)
                return torch.tensor([i in over for i in run], device=ids.device)

        with torch.inference_mode():
            out = model.generate(
                ids, attention_mask=mask, stopping_criteria=StoppingCriteriaList([Done()]),
                generation_config=GenerationConfig(max_new_tokens=limits[run[0]], do_sample=False, pad_token_id=pad),
            )  # fmt: skip
        rows = list(zip(run, out[:, width:].tolist(), strict=True))
        for one in phases:
            one.tell()
        yield [(i, row[: over.get(i)]) for i, row in rows]  # [:None] is all of it


def label_log_likelihoods(
    model: Any, prompts: Sequence[list[int]], labels: Sequence[Sequence[list[int]]]
) -> Iterator[Tensor]:
    """As `bench.decoding.label_choice.label_log_likelihoods`, each label behind a copy of the prompt."""
    for prompt, replies in zip(prompts, labels, strict=True):
        yield torch.cat([_scores(model, prompt, [replies[i] for i in run]) for run in _runs(prompt, replies, model)])


def _runs(prompt: list[int], replies: Sequence[list[int]], model: Any) -> Iterator[range]:
    at_once = max(1, _PASS_TOKENS[model.device.type] // (len(prompt) + max(map(len, replies))))
    return (range(start, min(start + at_once, len(replies))) for start in range(0, len(replies), at_once))


@torch.inference_mode()
def _scores(model: Any, prompt: list[int], replies: Sequence[list[int]]) -> Tensor:
    width = max(map(len, replies))
    ids = torch.tensor([prompt + reply + [0] * (width - len(reply)) for reply in replies], device=model.device)
    mask = torch.tensor(
        [[1] * (len(prompt) + len(reply)) + [0] * (width - len(reply)) for reply in replies], device=model.device
    )
    start = spans.clock()
    logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits[:, len(prompt) - 1 : -1].float()
    tell_prefill(model.device.type, start, len(replies), int(ids.numel()))
    scores = logits.log_softmax(-1).gather(-1, ids[:, len(prompt) :, None])[..., 0]
    summed: Tensor = (scores * mask[:, len(prompt) :]).sum(-1)
    return summed


def _alike(prompts: Sequence[list[int]], limits: Sequence[int], tokens: int) -> Iterator[list[int]]:
    """The prompts' indices in runs of one limit and like length that fill at most so many tokens, padding counted."""
    for limit in sorted(set(limits), reverse=True):
        order = sorted((i for i in range(len(prompts)) if limits[i] == limit), key=lambda i: -len(prompts[i]))
        while order:
            run = order[: max(1, tokens // len(prompts[order[0]]))]
            order = order[len(run) :]
            yield run
