"""Causal language models: greedy generation through the chat template, and the likeliest of given labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.models.base import Device
from bench.models.torch_model import TorchModel
from bench.types import Choose, Generate, Prediction, Request, Text

if TYPE_CHECKING:
    import torch

_LENGTHS: dict[str, Callable[[str, list[int]], float]] = {
    "tokens": lambda text, tokens: len(tokens),
    "characters": lambda text, tokens: len(text),
    "none": lambda text, tokens: 1,
}
_WORTH_SHARING = 32  # tokens: below that one more forward pass costs more than it saves


class CausalLM(TorchModel):
    """Generates greedily; of labels it scores each by its likelihood as the reply.

    With `chat`, parts of one role in a row make one message of the chat template; without, the parts are one text, as base
    models are prompted. A last part of the assistant begins the reply.

    `label_length` says what a label's log-likelihood is divided by: "none", "tokens" or "characters". With `calibrated`, its
    log-likelihood for a text that says nothing ("N/A") is subtracted first, so that a label does not win for being a common
    phrase. Source: Holtzman et al. 2021, "Surface Form Competition" (EMNLP); Zhao et al. 2021, "Calibrate Before Use" (ICML).
    """

    auto_class = "AutoModelForCausalLM"
    parts = frozenset({"text"})
    outputs = (Generate, Choose)

    def __init__(
        self,
        source: str,
        sha256: str | None = None,
        chat: bool = True,
        label_length: str = "none",
        calibrated: bool = True,
    ) -> None:
        super().__init__(source, sha256)
        if label_length not in _LENGTHS:
            raise BenchError(f"model.label_length={label_length} is none of {', '.join(_LENGTHS)}")
        self.chat, self.label_length, self.calibrated = chat, label_length, calibrated
        self._priors: dict[tuple[str, tuple[str, ...]], torch.Tensor] = {}

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
        """The answers of one batch: chosen labels one request at a time, texts together."""
        if all(isinstance(request.output, Choose) for request in batch):
            return self._chosen(batch)
        return self._generated(batch)

    def _chosen(self, batch: Sequence[Request]) -> list[Prediction]:
        """The probability of each label among the labels of its request."""
        labels = [request.output.labels for request in batch if isinstance(request.output, Choose)]
        found = []
        for request, names, (tokens, score) in zip(batch, labels, self._label_scores(batch), strict=True):
            if self.calibrated:
                score = score - self._prior(request, names)
            length = [
                _LENGTHS[self.label_length](name, reply)
                for name, reply in zip(names, self._replies(names), strict=True)
            ]
            shares = (score.double() / score.new_tensor(length)).softmax(0).tolist()
            chosen = dict(zip(names, shares, strict=True))
            found.append(Prediction(request.id, label_scores=chosen, prompt_tokens=tokens))
        return found

    def _label_scores(self, batch: Sequence[Request]) -> Iterator[tuple[int, torch.Tensor]]:
        """The length of each prompt, and the log-likelihood of each label as the reply to it: [labels]."""
        from bench.models.label_choice import label_log_likelihoods

        prompts = self._prompts(batch)
        replies = [self._replies(request.output.labels) for request in batch if isinstance(request.output, Choose)]
        self._refuse_too_long(prompts, max(len(reply) for labels in replies for reply in labels))
        shared = min(common_prefix(prompts), min(map(len, prompts)) - 1)
        scores = label_log_likelihoods(self.model, prompts, shared, replies)
        yield from zip(map(len, prompts), scores, strict=True)

    def _prior(self, request: Request, labels: tuple[str, ...]) -> torch.Tensor:
        """The labels' log-likelihoods where the last thing that the user says is "N/A"; computed once a prompt."""
        parts = list(request.parts)
        last = max(i for i, part in enumerate(parts) if isinstance(part, Text) and part.role == "user")
        parts[last] = Text("N/A")
        blank = replace(request, parts=tuple(parts))
        key = (self.prompt(blank), labels)
        if key not in self._priors:
            ((_, self._priors[key]),) = self._label_scores([blank])
        return self._priors[key]

    def _replies(self, labels: Sequence[str]) -> list[list[int]]:
        """The tokens of each label as a whole reply; in a chat with its end, else one that begins another would win."""
        texts = list(labels) if self.chat else [" " + label for label in labels]
        end = [self.tokenizer.eos_token_id] if self.chat else []
        return [tokens + end for tokens in self.tokenizer(texts, add_special_tokens=False)["input_ids"]]

    def _prompts(self, batch: Sequence[Request]) -> list[list[int]]:
        texts = [self.prompt(request) for request in batch]
        found: list[list[int]] = self.tokenizer(texts, add_special_tokens=not self.chat)["input_ids"]
        return found

    def _refuse_too_long(self, prompts: Sequence[list[int]], reply: int) -> None:
        """Raise ValueError where a prompt leaves no room for the reply; of a batch, the engine then asks one at a time."""
        room = self.model.config.max_position_embeddings - reply
        if (longest := max(map(len, prompts))) > room:
            raise ValueError(f"prompt has {longest} tokens, the context has room for {room}")

    def _generated(self, batch: Sequence[Request]) -> list[Prediction]:
        """Greedy answers of one batch; what its prompts begin with in common is computed once for all of them."""
        import torch

        limits = [request.output for request in batch if isinstance(request.output, Generate)]
        if len(limits) < len(batch):
            raise TypeError("a causal model generates; it was asked for something else")
        longest = max(limit.max_new_tokens for limit in limits)
        prompts = self._prompts(batch)
        self._refuse_too_long(prompts, longest)
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
