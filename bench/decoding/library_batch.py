"""Generation by transformers' own continuous batching, `generate_batch`, as an alternative to ours; its answers are checked."""

from __future__ import annotations

import contextlib
import io
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from bench.decoding.phases import tell_prefill
from bench.runs import spans

Finished = Callable[[int, list[int]], bool]
_PAGE = 16  # tokens of a page of its cache on a CPU, where it cannot find the sizes out by the memory that is left
_MOST_PAGES = 1 << 14
_PASS_TOKENS = 2048
_MOST_SAID = 400  # characters of what was wrong


class _Heard(logging.Filter):
    """Hears what the library's thread raises: it logs that with a traceback, and gives back the text of it, which may be none.

    Errors are kept as text, since their frames hold what filled the memory. Nothing of it is printed: the requests have their
    errors, and what it warns of is how it ends when it is interrupted.
    """

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.is_full = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is printed."""
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            self.said.append(": ".join(filter(None, [type(error).__name__, str(error)])))
            self.is_full |= type(error).__name__ in ("MemoryError", "OutOfMemoryError")
        return record.levelno < logging.WARNING

    def taken(self) -> list[str]:
        """What was raised since this was asked."""
        said, self.said = self.said, []
        return said


_heard = _Heard()


def greedy(
    model: Any, prompts: Sequence[list[int]], limits: Sequence[int], finished: Finished, ends: Sequence[int], pad: int
) -> Iterator[list[tuple[int, list[int]]]]:
    """As `bench.decoding.greedy.greedy`, by the library; nothing is `finished` before all of one limit are.

    The library may return a part of the answers and say nothing but a line of its log: what it returned is matched by its prompt
    and given, and then RuntimeError is raised for what is missing, failed or not asked for, so that whoever asks asks again;
    MemoryError where the library's thread ended for want of memory.
    """
    wrong: list[str] = []
    _heard.is_full = False
    for limit in sorted(set(limits), reverse=True):
        some = [i for i, most in enumerate(limits) if most == limit]
        start = spans.clock()
        found = _asked(model, [prompts[i] for i in some], limit, ends, pad)
        tell_prefill(model.device.type, start, len(some), sum(len(prompts[i]) for i in some))
        answers, faults = _matched(found, some, prompts, limit)
        if answers:
            yield [(i, _cut(i, tokens, finished)) for i, tokens in answers]
        raised = _heard.taken()
        wrong += raised if faults and raised else faults
    if wrong:
        kind = MemoryError if _heard.is_full else RuntimeError
        raise kind(f"generate_batch: {'; '.join(dict.fromkeys(wrong))}"[:_MOST_SAID])


def _asked(model: Any, prompts: Sequence[list[int]], limit: int, ends: Sequence[int], pad: int) -> list[Any]:
    """What the library gives back of these prompts; what its thread raised is heard."""
    from transformers import GenerationConfig

    settings = GenerationConfig(
        max_new_tokens=limit, do_sample=False, eos_token_id=sorted(ends) or None, pad_token_id=pad
    )
    logger = logging.getLogger("ContinuousBatchingLogger")
    if _heard not in logger.filters:  # for good: behind an interruption its thread goes on for a while
        logger.addFilter(_heard)
    _heard.taken()
    with contextlib.redirect_stdout(io.StringIO()):  # it prints a line there where its thread ended
        found = model.generate_batch([*prompts], generation_config=settings, **_sizes(model, prompts, limit))
    return [*found.values()]


def _matched(
    found: Sequence[Any], some: Sequence[int], prompts: Sequence[list[int]], limit: int
) -> tuple[list[tuple[int, list[int]]], list[str]]:
    """The tokens of each answer with its place among the prompts, and what is wrong with others, or with there being none."""
    waiting: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
    for i in some:
        waiting[tuple(prompts[i])].append(i)
    answers: list[tuple[int, list[int]]] = []
    wrong: list[str] = []
    for one in found:
        places = waiting[tuple(one.prompt_ids)]
        tokens = [int(token) for token in one.generated_tokens]
        if not places:
            wrong.append("an answer to nothing that was asked")
            continue
        i = places.pop(0)
        if one.error is not None:
            wrong.append(str(one.error) or "it failed, and does not say why")
        elif not 1 <= len(tokens) <= limit:
            wrong.append(f"{len(tokens)} tokens")
        else:
            answers.append((i, tokens))
    if missing := sum(map(len, waiting.values())):
        wrong.append(f"{missing} of {len(some)} answers are missing")
    return answers, wrong


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
