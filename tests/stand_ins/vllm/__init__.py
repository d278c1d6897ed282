"""Stands in for vLLM in tests: as much of its API (0.33) as the adapter uses, over a small model of transformers on the CPU.

What the real one does not know is a TypeError here. `STAND_IN_VLLM` in the environment, a JSON object, tells it what to do wrong:
see `async_llm.Faults`.
"""

from typing import TypedDict

from vllm.engine_args import AsyncEngineArgs
from vllm.sampling_params import SamplingParams

__version__ = "0.33.0+stand.in"  # which no table can pass off as the real one
__all__ = ["AsyncEngineArgs", "SamplingParams", "TokensPrompt"]


class TokensPrompt(TypedDict):
    prompt_token_ids: list[int]
