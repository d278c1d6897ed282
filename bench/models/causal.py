"""Causal language models: greedy generation through the chat template."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.errors import BenchError
from bench.models.base import Device
from bench.models.torch_model import TorchModel
from bench.types import Generate, Prediction, Request, Text

_WORTH_SHARING = 32  # tokens: below that one more forward pass costs more than it saves


class CausalLM(TorchModel):
    """Generates greedily. With `chat`, parts of one role in a row make one message of the chat template; without, the parts
    are one text, as base models are prompted. A last part of the assistant begins the reply.
    """

    auto_class = "AutoModelForCausalLM"
    parts = frozenset({"text"})
    outputs = (Generate,)

    def __init__(self, source: str, sha256: str | None = None, chat: bool = True) -> None:
        super().__init__(source, sha256)
        self.chat = chat

    def load(self, device: Device, *, seed: int) -> None:
        """Load, and check that there is a chat template if one is needed."""
        super().load(device, seed=seed)
        if self.chat and not self.tokenizer.chat_template:
            raise BenchError(
                f"{self.source}: the tokenizer has no chat template; set model.chat=false to prompt it as a base model"
            )
        if self.tokenizer.pad_token is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token

    def prompt(self, request: Request) -> str:
        """The request as text, up to where the reply begins or goes on."""
        parts = []
        for part in request.parts:
            if not isinstance(part, Text):
                raise BenchError(f"request {request.id!r} holds {part.kind}, which a text model cannot read")
            parts.append(part)
        begun = parts.pop().text if parts and parts[-1].role == "assistant" else ""
        if not self.chat:
            return as_plain_text(parts) + ("\n" + begun.rstrip(" ") if begun else "")
        messages: list[dict[str, str]] = []
        for part in parts:
            if messages and messages[-1]["role"] == part.role:
                messages[-1]["content"] += "\n" + part.text
            else:
                messages.append({"role": part.role, "content": part.text})
        template = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return str(template) + begun

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        """Greedy answers of one batch; what its prompts begin with in common is computed once for all of them."""
        import torch

        limits = [request.output for request in batch if isinstance(request.output, Generate)]
        if len(limits) < len(batch):
            raise TypeError("a causal model generates; it was asked for something else")
        longest = max(limit.max_new_tokens for limit in limits)
        prompts = self.tokenizer([self.prompt(request) for request in batch], add_special_tokens=not self.chat)[
            "input_ids"
        ]
        room = self.model.config.max_position_embeddings - longest
        if max(map(len, prompts)) > room:
            if len(batch) > 1:
                raise ValueError("a prompt of this batch is too long")  # the engine asks one at a time
            raise ValueError(f"prompt has {len(prompts[0])} tokens, the context has room for {room}")
        stops = sorted({stop for limit in limits for stop in limit.stop})
        inputs = self._shared(prompts)
        with torch.inference_mode():
            found = self.model.generate(
                **inputs,
                max_new_tokens=longest,
                do_sample=False,
                pad_token_id=self.tokenizer.pad_token_id,
                **({"stop_strings": stops, "tokenizer": self.tokenizer} if stops else {}),
            )
        new = found[:, inputs["input_ids"].shape[1] :].tolist()
        return [self._finished(r, ids, len(prompt)) for r, ids, prompt in zip(batch, new, prompts, strict=True)]

    def _shared(self, prompts: Sequence[list[int]]) -> dict[str, Any]:
        """Padded prompts [b, t] with the key-value cache of their common beginning, where that is worth it.

        Padding stands between the beginning and the rest; positions are counted without it. What is shared depends on the
        batch alone, so that a resumed run computes the same.
        """
        import torch
        from transformers import DynamicCache

        shared = min(common_prefix(prompts), min(map(len, prompts)) - 1) if len(prompts) > 1 else 0
        shared = shared if shared >= _WORTH_SHARING else 0
        width = max(map(len, prompts))
        pad = self.tokenizer.pad_token_id
        rows = [p[:shared] + [pad] * (width - len(p)) + p[shared:] for p in prompts]
        mask = [[1] * shared + [0] * (width - len(p)) + [1] * (len(p) - shared) for p in prompts]
        inputs: dict[str, Any] = {
            "input_ids": torch.tensor(rows, device=self.device),
            "attention_mask": torch.tensor(mask, device=self.device),
        }
        if shared:
            with torch.inference_mode():
                cache = DynamicCache(config=self.model.config)
                head = inputs["input_ids"][:1, :shared]
                cache = self.model(
                    input_ids=head, past_key_values=cache, use_cache=True, logits_to_keep=1
                ).past_key_values
                cache.batch_repeat_interleave(len(prompts))
            inputs["past_key_values"] = cache
        return inputs

    def _finished(self, request: Request, ids: list[int], prompt_tokens: int) -> Prediction:
        output = request.output
        assert isinstance(output, Generate)  # noqa: S101 - checked for the whole batch in `predict`
        ends = {self.tokenizer.eos_token_id, self.tokenizer.pad_token_id}
        length = next((i for i, token in enumerate(ids) if token in ends), len(ids))
        text = self.tokenizer.decode(ids[: min(length, output.max_new_tokens)], skip_special_tokens=True)
        cut = min((text.find(stop) for stop in output.stop if stop in text), default=len(text))
        return Prediction(
            request.id, text=text[:cut], prompt_tokens=prompt_tokens, new_tokens=min(length, output.max_new_tokens)
        )


def as_plain_text(parts: Sequence[Text]) -> str:
    """The parts as one text: a blank line before what follows the assistant or the system, else a line break.

    >>> as_plain_text([Text("Be brief.", "system"), Text("Q: 1+1?"), Text("A: 2", "assistant"), Text("Q: 2+2?")])
    'Be brief.\\n\\nQ: 1+1?\\nA: 2\\n\\nQ: 2+2?'
    """
    text = ""
    for before, part in zip([None, *parts], parts, strict=False):
        text += (
            "" if before is None else "\n\n" if part.role == "user" and before.role != "user" else "\n"
        ) + part.text
    return text


def common_prefix(sequences: Sequence[list[int]]) -> int:
    """How many items all sequences begin with alike: that of the smallest and the largest, since order is by first difference.

    >>> common_prefix([[1, 2, 3], [1, 2, 4, 5], [1, 2]])
    2
    """
    first, last = min(sequences), max(sequences)
    return next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
