"""Generation by transformers' own continuous batching, `generate_batch`, as an alternative to ours; its answers are checked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from bench.decoding.phases import tell_prefill
from bench.runs import spans

Finished = Callable[[int, list[int]], bool]
_PAGE = 16  # tokens of a page of its cache on a CPU, where it cannot find the sizes out by the memory that is left
_MOST_PAGES = 1 << 14
_PASS_TOKENS = 2048


def greedy(
    model: Any, prompts: Sequence[list[int]], limits: Sequence[int], finished: Finished, ends: Sequence[int], pad: int
) -> Iterator[list[tuple[int, list[int]]]]:
    """As `bench.decoding.greedy.greedy`, by the library; nothing is `finished` before all of one limit are.

    The library may return a part of the answers and say nothing but a line of its log: what it returned is matched by its prompt
    and given, and then RuntimeError is raised for what is missing, failed or not asked for, so that whoever asks asks again.
    """
    from transformers import GenerationConfig

    wrong: list[str] = []
    for limit in sorted(set(limits), reverse=True):
        some = [i for i, most in enumerate(limits) if most == limit]
        settings = GenerationConfig(
            max_new_tokens=limit, do_sample=False, eos_token_id=sorted(ends) or None, pad_token_id=pad
        )
        asked = [prompts[i] for i in some]
        start = spans.clock()
        found = model.generate_batch(asked, generation_config=settings, **_sizes(model, asked, limit))
        tell_prefill(model.device.type, start, len(some), sum(map(len, asked)))
        waiting: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
        for i in some:
            waiting[tuple(prompts[i])].append(i)
        answers = []
        for one in found.values():
            places = waiting[tuple(one.prompt_ids)]
            tokens = [int(token) for token in one.generated_tokens]
            if one.error is not None or not places or not 1 <= len(tokens) <= limit:
                wrong.append(
                    str(one.error or f"{len(tokens)} tokens" if places else "an answer to nothing that was asked")
                )
            else:
                i = places.pop(0)
                answers.append((i, _cut(i, tokens, finished)))
        if answers:
            yield answers
        if missing := sum(map(len, waiting.values())):
            wrong.append(f"{missing} of {len(some)} answers are missing")
    if wrong:
        raise RuntimeError(f"generate_batch: {'; '.join(dict.fromkeys(wrong))}"[:400])


def _cut(index: int, tokens: list[int], finished: Finished) -> list[int]:
    """The tokens up to where the answer is over, which is asked once for each."""
    for n in range(1, len(tokens) + 1):
        if finished(index, tokens[:n]):
            return tokens[:n]
    return tokens


def _sizes(model: Any, prompts: Sequence[list[int]], limit: int) -> dict[str, Any]:
    """On a CPU how large its cache and its passes are; on a GPU it finds that out, and captures graphs beforehand."""
    if model.device.type != "cpu":
        return {}
    from transformers import ContinuousBatchingConfig

    pages = sum(-(-(len(prompt) + limit) // _PAGE) + 1 for prompt in prompts)
    longest = -(-(max(map(len, prompts)) + limit) // _PAGE) + 1
    config = ContinuousBatchingConfig(
        page_size=_PAGE, num_blocks=max(longest, min(pages, _MOST_PAGES)), max_batch_tokens=_PASS_TOKENS,
        use_cuda_graph=False, use_async_batching=False, auto_switch_to_flash=False,
    )  # fmt: skip
    return {"continuous_batching_config": config, "warmup": False}
