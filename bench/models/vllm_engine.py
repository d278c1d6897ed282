"""vLLM's asynchronous engine in an event loop of its own thread: token ids in, token ids or their log-likelihoods out."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import itertools
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, ClassVar, TypeVar

from bench.errors import BenchError, words_of
from bench.runs import spans

T = TypeVar("T")
_FREED_SECONDS = 10.0  # that blocks of requests which have just ended may stay taken
_MOMENT = 0.02
_END_SECONDS = 5.0


class Ended(Exception):
    """A request that vLLM ended without an answer; its words say why."""


class Engine:
    """One engine: a process has at most one, since each takes most of the GPU's memory; making another closes the one before.

    Its methods that are coroutines run in its own loop: see `run`. Raises BenchError where it does not start, with vLLM's words.
    """

    current: ClassVar[Engine | None] = None

    def __init__(self, source: str, arguments: Mapping[str, Any]) -> None:
        if Engine.current is not None:
            Engine.current.close()
        self.source, self.is_dead, self._names = source, False, itertools.count()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="vllm", daemon=True)
        self._thread.start()
        self.llm: Any = None
        try:
            self.llm = self.run(self._made(arguments)).result()
        except BaseException:
            self.close()
            raise
        Engine.current = self

    async def _made(self, arguments: Mapping[str, Any]) -> Any:
        """Made in the loop, so that its tasks begin there."""
        with spans.imports():
            from vllm import AsyncEngineArgs
            from vllm.v1.engine.async_llm import AsyncLLM
        try:
            return AsyncLLM.from_engine_args(AsyncEngineArgs(**arguments))
        except Exception as error:  # vLLM raises anything for what it cannot load or has no room for, of whatever class
            words = " ".join(str(error).split()) or type(error).__name__
            raise BenchError(
                f"{self.source}: vLLM does not start: {words[:400]}; its own lines above say more, and model.options takes any "
                "other argument of its engine"
            ) from error

    @property
    def places(self) -> int:
        """How many tokens a prompt and its reply may have together."""
        return int(self.llm.model_config.max_model_len)

    def run(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Begin the work in the loop; cancelling the future cancels it there."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def said(
        self, prompt: list[int], ends: Sequence[int], most: int, *, over: Callable[[list[int]], bool], each: bool
    ) -> list[int]:
        """The likeliest tokens behind the prompt, up to one of `ends`, to `most` of them, or to where they are `over`.

        `over` is asked once for each token, with all of them up to it; with `each` as soon as it is there, else at the end.
        """
        from vllm.sampling_params import RequestOutputKind

        kind = RequestOutputKind.DELTA if each else RequestOutputKind.FINAL_ONLY
        more = {"max_tokens": most, "stop_token_ids": list(ends), "output_kind": kind}
        tokens: list[int] = []
        why = None
        async with contextlib.aclosing(self._outputs(prompt, more)) as outputs:
            async for output in outputs:
                (found,) = output.outputs
                for token in found.token_ids:
                    tokens.append(token)
                    if over(tokens):
                        return tokens  # what is left of the request is aborted
                why = found.finish_reason or why
        if why not in ("stop", "length") or not tokens:
            raise Ended(f"vLLM ended the request ({why or 'without a reason'}) after {len(tokens)} tokens")
        if (
            why == "stop" or not min(most, self.places - len(prompt)) <= len(tokens) <= most
        ):  # an end would have been `over`
            raise Ended(f"vLLM says {why!r} after {len(tokens)} of {most} tokens, the last of which is {tokens[-1]}")
        return tokens

    async def log_likelihoods(self, prompt: list[int], replies: Sequence[list[int]]) -> list[float]:
        """log P(reply | prompt) of each reply, summed over its tokens; each is read behind a prompt of its own."""
        tasks = [asyncio.ensure_future(self._log_likelihood(prompt, reply)) for reply in replies]
        try:
            return list(await asyncio.gather(*tasks))
        except BaseException:  # one that fails, or a request that is cancelled, takes the others along
            for task in tasks:
                task.cancel()
            raise

    async def _log_likelihood(self, prompt: list[int], reply: list[int]) -> float:
        from vllm.sampling_params import RequestOutputKind

        ids = [*prompt, *reply]
        more = {"max_tokens": 1, "prompt_logprobs": 0, "output_kind": RequestOutputKind.FINAL_ONLY}
        last = None
        async with contextlib.aclosing(self._outputs(ids, more)) as outputs:
            async for output in outputs:
                last = output
        found = list(last.prompt_logprobs or ()) if last is not None else []
        if len(found) != len(ids):
            raise Ended(f"vLLM gave log-likelihoods of {len(found)} of {len(ids)} tokens")
        there = [(token, found[place]) for place, token in enumerate(ids) if place >= len(prompt)]
        if missing := next((token for token, one in there if not one or token not in one), None):
            raise Ended(f"vLLM gave no log-likelihood of token {missing}")
        return float(sum(one[token].logprob for token, one in there))

    async def _outputs(self, prompt: list[int], more: Mapping[str, Any]) -> Any:
        """What the engine yields for one request; BenchError where it has died."""
        from vllm import SamplingParams, TokensPrompt
        from vllm.v1.engine.exceptions import EngineDeadError

        asked = SamplingParams(temperature=0.0, detokenize=False, **more)
        found = self.llm.generate(TokensPrompt(prompt_token_ids=prompt), asked, f"bench-{next(self._names)}")
        try:
            async with contextlib.aclosing(found) as outputs:
                async for output in outputs:
                    yield output
        except EngineDeadError as error:
            self.is_dead = True
            raise BenchError(
                f"{self.source}: vLLM's engine died (its own lines above say why); what was answered is kept, run the same command "
                "again to go on from there"
            ) from error
        except Exception as error:  # of vLLM alone, which refuses one request by errors of many classes
            raise Ended(f"vLLM failed the request: {type(error).__name__}: {words_of(error)}"[:500]) from error

    async def forgotten(self) -> None:
        """Let go of the prefix cache; raises BenchError where vLLM does not, for then what is timed may have been kept."""
        ends_at = self._loop.time() + _FREED_SECONDS
        while (await self.llm.reset_prefix_cache()) is False:
            if self._loop.time() > ends_at:
                raise BenchError(f"{self.source}: vLLM does not empty its prefix cache; set model.prefix_caching=false")
            await asyncio.sleep(_MOMENT)

    async def told(self, method: str) -> list[Any]:
        """What each worker answers to a method of `vllm_worker.Told`."""
        return list(await self.llm.collective_rpc(method))

    def close(self) -> None:
        """End the engine and its processes; what was asked of it and not answered is cancelled."""
        if Engine.current is self:
            Engine.current = None
        self.is_dead = True
        if self.llm is not None:
            self.llm.shutdown()
        if self._thread.is_alive():
            with contextlib.suppress(TimeoutError):
                self.run(_cancelled()).result(_END_SECONDS)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_END_SECONDS)


async def _cancelled() -> None:
    """Cancel all that goes on in this loop."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@atexit.register
def _close() -> None:
    if Engine.current is not None:
        Engine.current.close()
