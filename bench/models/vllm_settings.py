"""What must be right before vLLM is started: that it is there, its device, and the environment that it reads when imported."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from bench.errors import BenchError
from bench.models import checkpoint
from bench.models.base import Device
from bench.runs import spans

_INVARIANT = "VLLM_BATCH_INVARIANT"
_OWN: Mapping[str, str] = {  # nobody is told of a run, and no process is forked beside our threads
    "VLLM_NO_USAGE_STATS": "1", "VLLM_DO_NOT_TRACK": "1", "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
}  # fmt: skip
_said: dict[str, str] = {}  # what `variables` found before vLLM was imported, which sets some itself
_NO_MATTER = re.compile(  # in the names of variables that change no answer
    "LOG|CACHE|KEY|TOKEN$|PORT|HOST|_IP|ROOT|PATH|DIR|TIMEOUT|USAGE|TRACK|TRACE|PROFIL|MULTIPROC|SLEEP|STATS|DEBUG|BUILD|SERVER"
)
_GIVEN = {  # arguments that this adapter gives by itself
    "model": "model.source", "tokenizer": "model.source", "dtype": "device.dtype", "seed": "seed",
    "trust_remote_code": "model.trust",
    "enable_prefix_caching": "model.prefix_caching", "skip_tokenizer_init": None, "load_format": None,
    "generation_config": None, "logprobs_mode": None, "worker_extension_cls": None, "runner": None,
    **{name: f"model.{name}" for name in (
        "attention_backend", "tensor_parallel_size", "max_model_len", "max_num_seqs", "max_num_batched_tokens", "kv_cache_dtype",
        "quantization", "enforce_eager", "gpu_memory_utilization",
    )},
}  # fmt: skip


def version() -> str:
    """The installed version; raises BenchError where there is none."""
    try:
        return importlib.metadata.version("vllm")
    except importlib.metadata.PackageNotFoundError:
        raise BenchError(
            "this model needs vLLM, which is not installed; `pip install 'finai-bench[vllm]'` on Linux with an NVIDIA GPU, in an "
            "environment of its own, since it pins torch and transformers"
        ) from None


def checked(name: str, value: object, *, least: int = 1) -> Any:
    """A whole number of at least this; raises BenchError for another, None where it is left to vLLM."""
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < least):
        raise BenchError(f"model.{name}={value} must be a whole number of at least {least}")
    return value


def checked_options(options: Mapping[str, Any] | None) -> dict[str, Any]:
    """Further arguments of the engine; raises BenchError for those that have a key of their own, or that answers hang on."""
    for name in options or {}:
        if name in _GIVEN:
            own = _GIVEN[name]
            raise BenchError(
                f"model.options.{name} is given by {own or 'this adapter alone, since answers depend on it'}"
            )
        if name.startswith("data_parallel"):
            raise BenchError(
                f"model.options.{name}: for several copies of a model cut the run into parts (launch=local)"
            )
    return dict(options or {})


def checked_backend(name: str | None) -> str:
    """The name of an attention backend; raises BenchError where none is named: which one computed is part of what a run is."""
    if not isinstance(name, str) or not re.fullmatch("[A-Z0-9_]+", name) or name == "AUTO":
        raise BenchError(
            f"model.attention_backend={name} must be one of vLLM's, in capitals, such as FLASH_ATTN, FLASHINFER or TRITON_ATTN: it "
            "is part of the run's identity, so that vLLM may not choose it"
        )
    return name


def variables() -> dict[str, str]:
    """What else the environment tells vLLM that may change an answer, by name; without what this adapter sets itself."""
    if "vllm" not in sys.modules:
        _said.clear()
        for name, value in sorted(os.environ.items()):
            if name.startswith("VLLM_") and name not in (*_OWN, _INVARIANT) and not _NO_MATTER.search(name):
                _said[name] = value
    return dict(_said)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Let neither this process nor those that begin in it ask the Hub: a configuration may name what lies there."""
    name = "HF_HUB_OFFLINE"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        with checkpoint.alone():
            yield
    finally:
        os.environ.pop(name)
        if before is not None:
            os.environ[name] = before


def refuse_device(device: Device, tensor_parallel_size: int) -> None:
    """Raise BenchError where there is no GPU, or fewer than tensors are to be cut over; vLLM's own build for CPUs may have none."""
    if device.kind == "cuda":
        import torch

        if (n := torch.cuda.device_count()) < tensor_parallel_size:
            raise BenchError(
                f"model.tensor_parallel_size={tensor_parallel_size}, but this process sees {n} GPU{'s' * (n != 1)}; lower it, or "
                "set CUDA_VISIBLE_DEVICES (each part of launch=local sees one GPU)"
            )
        return
    with spans.imports():
        from vllm.platforms import current_platform

    if current_platform.device_type != device.kind:
        raise BenchError(
            f"vLLM computes on a GPU here, and the device is {device.kind}; give device=cuda on a machine with one, or take "
            "the same weights with our own engine (bench.models.causal.CausalLM)"
        )


def set_environment(*, batch_invariant: bool) -> None:
    """Set what vLLM reads when it is imported; raises BenchError where this process has imported it for the other kind."""
    wanted = str(int(batch_invariant))
    if "vllm" in sys.modules and os.environ.get(_INVARIANT, "0") != wanted:
        raise BenchError(
            f"model.batch_invariant={str(batch_invariant).lower()} cannot be had in this process, which has run vLLM otherwise "
            "before; run it by itself (vLLM reads it once, when it is imported)"
        )
    os.environ.update(
        {name: os.environ.get(name, value) if "METHOD" in name else value for name, value in _OWN.items()}
    )
    os.environ[_INVARIANT] = wanted
