"""Causal language models run by vLLM: the prompts of `CausalLM`, token for token, answered by its engine as they are finished."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, ClassVar

from bench.errors import BenchError
from bench.models import checkpoint, scale, vllm_settings, weights
from bench.models.base import Device, Heard
from bench.models.begun import Begun, handed_on
from bench.models.plain_prompt import Prompt
from bench.models.prompted import PromptedLM
from bench.models.skeleton import skeleton
from bench.models.vllm_engine import Ended, Engine
from bench.types import Choose, Generate, Json, Output, Prediction, Regress, Request

if TYPE_CHECKING:
    import torch

_WORKER = "bench.models.vllm_worker.Told"


class VLLM(PromptedLM):
    """Answers as `CausalLM` does: greedily, a label by its likelihood as the reply, a place on a scale by its steps.

    The engine gets token ids and gives token ids back; where a reply ends is decided here, as for `CausalLM`, and the rest of
    the request is aborted. A label is read behind a prompt of its own, by the prompt's log-likelihoods. What a label needs
    behind a prompt is one token more than for `CausalLM`, so that a prompt which fills the context is cut by one token more.

    `prefix_caching` None is on for a task that has replies written and off for one that has labels or numbers chosen: with it,
    vLLM's log-likelihoods may depend on the order of requests (vllm-project/vllm#42019). With true, labels are refused. With
    `batch_invariant` vLLM says that no answer depends on the company in its batch; `audit=batch_invariance` tries that.
    `options` are further arguments of vLLM's engine. All of them are part of the run's identity, and so are vLLM's version, its
    attention backend, which has to be named, and the variables of its environment; only the memory that it takes is not.
    """

    beyond_label = 1
    schedules_itself = takes_at_once = True
    incidental: ClassVar[frozenset[str]] = frozenset({"gpu_memory_utilization"})

    def __init__(  # noqa: PLR0913 - each is a key of conf/model
        self,
        source: str,
        sha256: str | None = None,
        chat: bool = True,
        label_length: str = "none",
        calibrated: bool = True,
        trust: list[str] | None = None,
        attention_backend: str | None = None,
        batch_invariant: bool = False,
        prefix_caching: bool | None = None,
        tensor_parallel_size: int = 1,
        max_model_len: int | None = None,
        max_num_seqs: int | None = None,
        max_num_batched_tokens: int | None = None,
        kv_cache_dtype: str = "auto",
        quantization: str | None = None,
        enforce_eager: bool = False,
        gpu_memory_utilization: float = 0.9,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(source, sha256, chat, label_length, calibrated, trust)
        self.answers_alone = self.batch_invariant = batch_invariant
        self.prefix_caching, self.attention_backend = prefix_caching, vllm_settings.checked_backend(attention_backend)
        self.max_model_len = vllm_settings.checked("max_model_len", max_model_len)
        self.tensor_parallel_size = vllm_settings.checked("tensor_parallel_size", tensor_parallel_size)
        if not 0 < gpu_memory_utilization <= 1:
            raise BenchError(
                f"model.gpu_memory_utilization={gpu_memory_utilization} must be a share of the GPU's memory, up to 1"
            )
        self.arguments = {
            "attention_backend": self.attention_backend, "tensor_parallel_size": self.tensor_parallel_size,
            "max_num_seqs": vllm_settings.checked("max_num_seqs", max_num_seqs),
            "max_num_batched_tokens": vllm_settings.checked("max_num_batched_tokens", max_num_batched_tokens),
            "kv_cache_dtype": kv_cache_dtype, "quantization": quantization, "enforce_eager": enforce_eager,
            "gpu_memory_utilization": gpu_memory_utilization, **vllm_settings.checked_options(options),
        }  # fmt: skip
        self.caches = bool(prefix_caching)
        self.engine: Engine | None = None
        self._begun = Begun()
        self._priors: dict[tuple[str, tuple[str, ...]], asyncio.Task[torch.Tensor]] = {}
        self._found: dict[str, Json] = {}

    def expects(self, output: type[Output]) -> None:
        """Keep a prefix cache where nothing but text is asked for."""
        caches = issubclass(output, Generate) if self.prefix_caching is None else self.prefix_caching
        if caches and not issubclass(output, Generate):
            raise BenchError(
                f"model.prefix_caching=true, but this task asks for {output.__name__}, whose log-likelihoods may depend on the "
                "order of requests with it (vllm-project/vllm#42019); leave it out, or set it to false"
            )
        if caches != self.caches:
            self.caches, self.loaded = caches, None  # another engine is needed

    def telling(self, config: Json) -> Json:
        """Also the engine's version, whether it caches, and what the environment tells it; raises BenchError without vLLM."""
        found = super().telling(config)
        engine = {
            "vllm": vllm_settings.version(),
            "prefix_caching": self.caches,
            "environment": vllm_settings.variables(),
        }
        return {**found, "engine": engine} if isinstance(found, Mapping) else found

    def load(self, device: Device, *, seed: int) -> None:
        """Start the engine on these weights; what can be wrong without it is found before."""
        vllm_settings.version()
        vllm_settings.set_environment(batch_invariant=self.batch_invariant)
        vllm_settings.refuse_device(device, self.tensor_parallel_size)
        folder = weights.folder(self.source, self.sha256)
        checkpoint.check(folder, self.source, self.trust, text=True)
        checkpoint.refuse_misfit(self.source, checkpoint.settings(folder, self.source), self.auto_class)
        self._load_processor(folder)
        bare = skeleton(folder, self.source, self.auto_class, remote_code="remote_code" in self.trust)
        self.model, self.context = bare.model, bare.context
        self._refuse_other_tokenizer()
        self._read_prompts(bare.ends)
        if self.max_model_len is not None:
            self.context = min(self.max_model_len, self.context or self.max_model_len)
        self._begun.let_go()
        self._priors.clear()
        with vllm_settings.alone():
            self.engine = Engine(self.source, self._given(str(folder), device, seed))
        self.context = self.engine.places
        self._found = self._engine_says(self.engine)

    def _given(self, folder: str, device: Device, seed: int) -> dict[str, Any]:
        """The engine's arguments: no tokenizer of its own, no weights that are pickled, nothing that it samples otherwise."""
        given = {
            "model": folder, "tokenizer": folder, "skip_tokenizer_init": True, "runner": "generate", "dtype": device.dtype,
            "seed": seed, "trust_remote_code": "remote_code" in self.trust, "load_format": "safetensors",
            "generation_config": "vllm", "logprobs_mode": "raw_logprobs", "enable_prefix_caching": self.caches,
            "worker_extension_cls": _WORKER, "disable_log_stats": True, "max_model_len": self.context, **self.arguments,
        }  # fmt: skip
        return {name: value for name, value in given.items() if value is not None}

    def _engine_says(self, engine: Engine) -> dict[str, Json]:
        """What it really does, for the record; BenchError where that is not what was asked for."""
        try:
            used = sorted(
                {name for names in engine.run(engine.told("bench_attention_backends")).result() for name in names}
            )
        except Exception as error:  # of another version, whose workers keep it elsewhere: it is no answer that is lost
            used = [f"not told ({type(error).__name__})"]
        else:
            if self.attention_backend not in used:
                raise BenchError(
                    f"model.attention_backend={self.attention_backend}, but vLLM uses {', '.join(used) or 'none'}; name that"
                )
        config = engine.llm.vllm_config
        return {
            "engine": f"vLLM {vllm_settings.version()}", "attention": ", ".join(used), "prefix_caching": self.caches,
            "batch_invariant": self.batch_invariant, "tensor_parallel_size": self.tensor_parallel_size,
            "max_model_len": engine.places, "max_num_seqs": config.scheduler_config.max_num_seqs,
            "max_num_batched_tokens": config.scheduler_config.max_num_batched_tokens,
        }  # fmt: skip

    def describe(self) -> Mapping[str, Json]:
        """The engine as it was, and what the chat template puts otherwise."""
        return {**self._found, **self.put_otherwise()} if self._found else {}

    def prepare(self, batch: Sequence[Request]) -> None:
        """Begin to answer the batch that comes next, so that the engine stays busy; not while somebody measures."""
        if self.listener is None:
            self._begin(batch)

    def units(self, batch: Sequence[Request]) -> list[list[Request]]:
        """All of it: the engine keeps hundreds under way, and what a crash may cost is what it has not answered."""
        return [list(batch)]

    def _begin(self, batch: Sequence[Request]) -> None:
        new = self._begun.missing(batch)
        asked = [scale.asked(request) for request in new]
        prompts = iter(self._ahead.take([one for some in asked for one in some]))
        for request, some in zip(new, asked, strict=True):
            self._begun.add(request, self._asked(request, [(one, next(prompts)) for one in some]))

    def _asked(self, request: Request, some: Sequence[tuple[Request, Prompt | str]]) -> Future[Prediction]:
        if self.engine is None or self.engine.is_dead:
            raise BenchError(f"{self.source}: vLLM's engine does not run any more; run the same command again")
        return self.engine.run(self._answer(self.engine, request, some, self.listener))

    async def _answer(
        self, engine: Engine, request: Request, some: Sequence[tuple[Request, Prompt | str]], heard: Heard | None
    ) -> Prediction:
        """The prediction for a request, made of what each of `some` comes to; what is wrong with one is its error."""
        if why := next((prompt for _, prompt in some if isinstance(prompt, str)), ""):
            return Prediction(request.id, error=why)
        try:
            found = await asyncio.gather(*(self._one(engine, *one, heard) for one in some))  # type: ignore[arg-type]
        except (Ended, ValueError) as error:  # one request is no reason to end a run
            words = str(error) if isinstance(error, Ended) else f"ValueError: {error}"
            return Prediction(request.id, error=words, finish="error")
        return scale.rated(request, found) if isinstance(request.output, Regress) else found[0]

    async def _one(self, engine: Engine, request: Request, prompt: Prompt, heard: Heard | None) -> Prediction:
        """One text, or one choice."""
        output = request.output
        if isinstance(output, Choose):
            if self.caches:
                raise ValueError("a label was asked for beside texts; set model.prefix_caching=false")
            replies = self._replies(output.labels)
            score = await self._scores(engine, prompt.ids, replies)
            prior = await self._prior(engine, request, output.labels) if self.calibrated else None
            return self._shares(request, output.labels, prompt, score, prior)
        assert isinstance(output, Generate)  # noqa: S101 - `_reply_tokens` has refused all others

        def over(tokens: list[int]) -> bool:
            if heard is not None:
                heard(request.id, 1)
            return self._is_over(request, prompt, tokens)

        each = bool(output.stop) or heard is not None
        said = await engine.said(prompt.ids, sorted(self.ends), output.max_new_tokens, over=over, each=each)
        return self.said_by(request, prompt, said)

    async def _scores(self, engine: Engine, prompt: list[int], replies: Sequence[list[int]]) -> torch.Tensor:
        import torch

        return torch.tensor(await engine.log_likelihoods(prompt, replies), dtype=torch.float64)

    async def _prior(self, engine: Engine, request: Request, labels: tuple[str, ...]) -> torch.Tensor:
        """What the labels are worth where nothing is said; asked once a prompt, whoever waits for it."""
        blank = self._blank(request)
        key = (self.prompt(blank), labels)
        if (task := self._priors.get(key)) is None or task.cancelled() or (task.done() and task.exception()):
            (prompt,) = self._tokenised([blank])
            if isinstance(prompt, str):
                raise ValueError(prompt)
            task = self._priors[key] = asyncio.ensure_future(self._scores(engine, prompt.ids, self._replies(labels)))
        return await asyncio.shield(task)

    def predict(self, batch: Sequence[Request]) -> Iterator[Prediction]:
        """Each answer as soon as it is there."""
        self._begin(batch)
        yield from self._begun.answered(batch)

    def submit(self, request: Request) -> Future[Prediction]:
        """Give the request to the engine at once; cancelling the future aborts it there."""
        some = scale.asked(request)
        return handed_on(self._asked(request, list(zip(some, self._tokenised(some), strict=True))))

    def forget(self) -> None:
        """Empty the prefix cache, and forget what labels are worth without a question."""
        self._priors.clear()
        if self.engine is not None and not self.engine.is_dead:
            self.engine.run(self.engine.forgotten()).result()

    def free(self) -> None:
        """Abort what nobody waits for: the engine's memory is its own."""
        self._begun.let_go()

    def sync(self) -> None:
        """Nothing is left on the device when an answer is there."""

    def device_memory_bytes(self) -> int | None:
        """The peak of all its GPUs together, most of which it reserves at the start; None where it is not told."""
        if self.engine is None or self.engine.is_dead:
            return None
        with contextlib.suppress(Exception):  # of a version whose workers cannot be asked
            return sum(self.engine.run(self.engine.told("bench_peak_memory")).result()) or None
        return None
