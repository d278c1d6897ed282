"""The asynchronous engine: each request takes a step in turn, as many at once as `max_num_seqs`."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import random
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, ClassVar

from vllm.engine_args import AsyncEngineArgs
from vllm.sampling_params import RequestOutputKind, SamplingParams
from vllm.v1.engine.exceptions import EngineDeadError, EngineGenerateError

BACKENDS = ("FLASH_ATTN", "FLASHINFER", "TRITON_ATTN", "FLEX_ATTENTION", "CPU_ATTN")
BLOCK = 16  # tokens of a block of the prefix cache


@dataclass
class Faults:
    """What it does wrong: see each."""

    dies_after: int | None = None  # requests that are finished, then the engine dies
    part: bool = False  # of a reply only the first half comes, with a reason all the same
    lacks: bool = False  # log-likelihoods of the last tokens are missing
    reason: str | None = None  # of every reply
    fails: str = ""  # the words of what every request raises
    shuffled: bool = False  # requests end in any order
    uses: str = ""  # another attention backend than asked for
    starts: str = ""  # the words of what it raises when it is made
    seconds: float = 0.0  # of each step
    stuck: bool = False  # its prefix cache is never emptied


@dataclass
class Logprob:
    logprob: float
    rank: int | None = None
    decoded_token: str | None = None


@dataclass
class Output:
    token_ids: list[int]
    finish_reason: str | None
    index: int = 0
    text: str = ""


@dataclass
class RequestOutput:
    request_id: str
    prompt_token_ids: list[int]
    outputs: list[Output]
    finished: bool
    prompt_logprobs: list[dict[int, Logprob] | None] | None = None


@dataclass
class Seen:
    """What a test may look at: see each."""

    args: AsyncEngineArgs | None = None
    invariant: str = ""
    prompts: list[list[int]] = field(default_factory=list)
    params: list[SamplingParams] = field(default_factory=list)
    now: int = 0  # requests under way
    most: int = 0
    aborted: int = 0
    finished: int = 0
    emptied: int = 0
    shut: int = 0
    cached: set[tuple[int, ...]] = field(default_factory=set)


class AsyncLLM:
    """`seen` is of the engine that was made last."""

    seen: ClassVar[Seen] = Seen()

    def __init__(self, args: AsyncEngineArgs) -> None:
        import torch
        import transformers

        asyncio.get_running_loop()
        AsyncLLM.seen = Seen(args, os.environ.get("VLLM_BATCH_INVARIANT", ""))
        self.faults = Faults(**json.loads(os.environ.get("STAND_IN_VLLM") or "{}"))
        if self.faults.starts:
            raise RuntimeError(self.faults.starts)
        if args.attention_backend not in BACKENDS:
            raise ValueError(
                f"Unknown attention backend: '{args.attention_backend}'. Valid options are: {', '.join(BACKENDS)}"
            )
        assert args.load_format == "safetensors"
        assert args.skip_tokenizer_init
        torch.set_num_threads(1)
        self.args, self.dead = args, False
        dtype = getattr(torch, args.dtype)
        self.model = transformers.AutoModelForCausalLM.from_pretrained(args.model, dtype=dtype).eval()
        places = self.model.config.max_position_embeddings
        if (args.max_model_len or 0) > places:
            raise ValueError(
                f"User-specified max_model_len ({args.max_model_len}) is greater than the derived max_model_len"
            )
        self.model_config = SimpleNamespace(max_model_len=args.max_model_len or places)
        batch = SimpleNamespace(
            max_num_seqs=args.max_num_seqs or 256, max_num_batched_tokens=args.max_num_batched_tokens or 8192
        )
        self.vllm_config = SimpleNamespace(scheduler_config=batch)
        self.room = asyncio.Semaphore(batch.max_num_seqs)
        self.random = random.Random(0)
        self.known: dict[tuple[int, ...], int] = {}  # the next token, so that a test takes no longer than it must

    @classmethod
    def from_engine_args(cls, engine_args: AsyncEngineArgs) -> AsyncLLM:
        return cls(engine_args)

    async def generate(
        self, prompt: dict[str, Any], sampling_params: SamplingParams, request_id: str
    ) -> AsyncGenerator[RequestOutput, None]:
        ids, seen = prompt["prompt_token_ids"], self.seen
        seen.prompts.append(ids)
        seen.params.append(sampling_params)
        if self.dead:
            raise EngineDeadError
        if len(ids) >= self.model_config.max_model_len:
            raise ValueError(f"The decoder prompt (length {len(ids)}) is too long for the model")
        over = False
        async with self.room:
            seen.now += 1
            seen.most = max(seen.most, seen.now)
            try:
                if self.faults.fails:
                    raise EngineGenerateError(self.faults.fails)
                async for output in self._steps(ids, sampling_params, request_id):
                    over = output.finished
                    yield output
            finally:
                seen.now -= 1
                seen.finished += over
                seen.aborted += not over

    async def _steps(self, ids: list[int], params: SamplingParams, name: str) -> AsyncGenerator[RequestOutput, None]:
        new: list[int] = []
        told = 0
        logprobs = self._prompt_logprobs(ids) if params.prompt_logprobs is not None else None
        most = min(params.max_tokens or 1, self.model_config.max_model_len - len(ids))
        while True:
            for _ in range(self.random.randrange(20) if self.faults.shuffled else 1):
                await asyncio.sleep(self.faults.seconds)
            if self.faults.dies_after is not None and self.seen.finished >= self.faults.dies_after:
                self.dead = True
            if self.dead:
                raise EngineDeadError
            new.append(self._next([*ids, *new]))
            reason = "stop" if new[-1] in params.stop_token_ids else "length" if len(new) == most else None
            if reason and self.faults.part and logprobs is None:
                new = new[: len(new) // 2]
            if reason or (params.output_kind is RequestOutputKind.DELTA and not self.faults.part):
                done = reason is not None
                out = Output(new[told:], (self.faults.reason or reason) if done else None)
                told = len(new)
                yield RequestOutput(name, ids, [out], done, logprobs if done else None)
            if reason:
                return

    def _next(self, ids: list[int]) -> int:
        import torch

        if (key := tuple(ids)) not in self.known:
            with torch.inference_mode():
                self.known[key] = int(self.model(torch.tensor([ids])).logits[0, -1].argmax())
        return self.known[key]

    def _prompt_logprobs(self, ids: list[int]) -> list[dict[int, Logprob] | None]:
        """With a prefix cache they are other ones the second time that a block is seen, as in issue 42019."""
        import torch

        with torch.inference_mode():
            logs = self.model(torch.tensor([ids])).logits[0].float().log_softmax(-1)
        found: list[dict[int, Logprob] | None] = [None]
        found += [{token: Logprob(float(logs[place, token]))} for place, token in enumerate(ids[1:])]
        if self.args.enable_prefix_caching and tuple(ids[:BLOCK]) in self.seen.cached:
            found = [one and {token: Logprob(logprob.logprob + 1.0) for token, logprob in one.items()} for one in found]
        self.seen.cached.add(tuple(ids[:BLOCK]))
        return found[:-1] if self.faults.lacks else found

    async def reset_prefix_cache(self, reset_running_requests: bool = False, reset_connector: bool = False) -> bool:
        if self.seen.now or self.faults.stuck:
            return False
        self.seen.cached.clear()
        self.seen.emptied += 1
        return True

    async def collective_rpc(
        self,
        method: str,
        timeout: float | None = None,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> list[Any]:
        module, _, name = self.args.worker_extension_cls.rpartition(".")
        worker = getattr(importlib.import_module(module), name)()
        used = self.faults.uses or self.args.attention_backend
        group = SimpleNamespace(backend=SimpleNamespace(get_name=lambda: used))
        worker.model_runner = SimpleNamespace(attn_groups=[[group]])
        return [getattr(worker, method)(*args, **(kwargs or {}))] * self.args.tensor_parallel_size

    def shutdown(self, timeout: float | None = None) -> None:
        self.dead = True
        self.seen.shut += 1
