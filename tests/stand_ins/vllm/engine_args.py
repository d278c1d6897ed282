"""Arguments of the engine; every other than those of the real class is a TypeError."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class AsyncEngineArgs:
    model: str = "Qwen/Qwen3-0.6B"
    tokenizer: str | None = None
    runner: str = "auto"
    skip_tokenizer_init: bool = False
    trust_remote_code: bool = False
    load_format: str = "auto"
    dtype: str = "auto"
    kv_cache_dtype: str = "auto"
    seed: int = 0
    max_model_len: int | None = None
    tensor_parallel_size: int = 1
    block_size: int | None = None
    enable_prefix_caching: bool | None = None
    gpu_memory_utilization: float = 0.92
    max_num_batched_tokens: int | None = None
    max_num_seqs: int | None = None
    logprobs_mode: str = "raw_logprobs"
    disable_log_stats: bool = False
    quantization: str | None = None
    enforce_eager: bool = False
    worker_extension_cls: str = ""
    generation_config: str = "auto"
    attention_backend: str | None = None
    enable_log_requests: bool = False
    attention_config: dict[str, Any] = field(default_factory=dict)
