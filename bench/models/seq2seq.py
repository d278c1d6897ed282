"""Encoder-decoder models (T5, BART): greedy generation, and the likeliest of given labels."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.models.base import Device
from bench.models.encoder_head import longest_row, packed
from bench.models.label_length import known_rule, lengths
from bench.models.places import places
from bench.models.plain_prompt import Prompt, fitted
from bench.models.torch_model import TorchModel
from bench.text.thinking import cut
from bench.types import Choose, Generate, Prediction, Request

if TYPE_CHECKING:
    import torch

_PER_PASS = {"cpu": 4_096, "cuda": 32_768}  # tokens of prompts, padding counted
_PASS_COSTS = {"cpu": 256, "cuda": 4_096}  # what one more pass costs beside its tokens, in tokens: it decodes anew
_IDS = (
    "bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id", "forced_bos_token_id", "forced_eos_token_id",
)  # fmt: skip


class Seq2Seq(TorchModel):
    """Reads the request as plain text and writes greedily; of labels it scores each by its likelihood as the whole reply.

    Nothing of the checkpoint's generation settings (beams, penalties, least length) counts but the special tokens. A prompt
    of more than `max_length` tokens (None: what the model takes) loses tokens out of the middle of its longest part, so
    that the instruction and the question, which stand at the ends, stay: of a passage with a question behind it, the
    question is never cut. It is refused where that is not enough.

    `label_length` says what a label's log-likelihood is divided by: "none", "tokens" or "characters".
    """

    auto_class = "AutoModelForSeq2SeqLM"
    parts = frozenset({"text"})
    outputs = (Generate, Choose)

    def __init__(
        self,
        source: str,
        sha256: str | None = None,
        *,
        label_length: str = "none",
        max_length: int | None = None,
        tokens_per_pass: int | None = None,
        trust: list[str] | None = None,
    ) -> None:
        super().__init__(source, sha256, trust)
        for name, value in (("max_length", max_length), ("tokens_per_pass", tokens_per_pass)):
            if value is not None and value < 1:
                raise BenchError(f"model.{name}={value} must be at least 1, or null for the usual one")
        self.label_length, self.max_length, self.tokens_per_pass = (
            known_rule(label_length),
            max_length,
            tokens_per_pass,
        )

    def load(self, device: Device, *, seed: int) -> None:
        """Load, and find out how long a prompt may be."""
        super().load(device, seed=seed)
        from transformers import GenerationConfig

        if not self.tokenizer.is_fast or self.tokenizer.pad_token_id is None:
            raise BenchError(f"{self.source}: a fast tokenizer with a padding token is due; put in its tokenizer.json")
        most = places(self.model, encoder=True)  # T5 has no bound: its positions are relative
        if most and self.max_length and self.max_length > most:
            raise BenchError(f"model.max_length={self.max_length} is more than the {most} tokens of {self.source}")
        usual = longest_row(self.model, self.tokenizer)
        self.limit = self.max_length or min(usual, most or usual)
        self.most_said = places(self.model)
        given = self.model.generation_config
        self.model.generation_config = GenerationConfig(**{name: getattr(given, name, None) for name in _IDS})
        if given.decoder_start_token_id is None:
            raise BenchError(
                f"{self.source}: config.json has no decoder_start_token_id; take it from the model's maker"
            )
        self.budget, self.pass_costs = self.tokens_per_pass or _PER_PASS[device.kind], _PASS_COSTS[device.kind]

    def predict(self, batch: Sequence[Request]) -> Iterator[list[Prediction]]:
        """Prompts of like length go through the encoder together; a batch may mix texts and labels."""
        import torch

        wrong: list[Prediction] = []
        prompts: dict[int, Prompt] = {}
        alike: dict[tuple[tuple[str, ...], int] | None, list[int]] = {}
        for i, request in enumerate(batch):
            try:
                kind = self._kind(request)
                prompts[i] = fitted(request, self.tokenizer, self.limit)
            except ValueError as error:
                wrong.append(Prediction(request.id, error=str(error)))
            else:
                alike.setdefault(kind, []).append(i)
        if wrong:
            yield wrong
        for kind, members in alike.items():
            for group in packed([len(prompts[i].ids) for i in members], self.budget, self.pass_costs):
                here = [members[k] for k in group]
                answer = self._chosen if kind is None else self._generated
                with torch.inference_mode():
                    found = list(answer([batch[i] for i in here], [prompts[i] for i in here]))
                yield found

    def _kind(self, request: Request) -> tuple[tuple[str, ...], int] | None:
        """Where a reply must end, stop strings and most tokens, None for a choice: only what ends alike is written together.

        Else a stop string of one would end another's reply, and a model that is made to say its end as the last token would
        say it at another's limit. Raises ValueError where the decoder has no room for what is asked.
        """
        output, room = request.output, self.most_said or math.inf
        if isinstance(output, Generate):
            if output.max_new_tokens >= room:
                raise ValueError(f"asked for {output.max_new_tokens} new tokens, the decoder has room for {room - 1}")
            return output.stop, output.max_new_tokens
        if not isinstance(output, Choose):
            raise TypeError(f"an encoder-decoder model writes or chooses, it cannot give {output!r}")
        longest = max(map(len, self._replies(output.labels)))
        if longest > room:
            raise ValueError(f"a label has {longest} tokens, the decoder has room for {room}")
        return None

    def _replies(self, labels: Sequence[str]) -> list[list[int]]:
        """The tokens of each label as the whole reply."""
        replies: list[list[int]] = self.tokenizer(text_target=list(labels))["input_ids"]
        return replies

    def _encoded(self, prompts: Sequence[Prompt]) -> dict[str, Any]:
        """Ids and mask [b, t] of the padded prompts."""
        import torch

        width, pad = max(len(prompt.ids) for prompt in prompts), self.tokenizer.pad_token_id
        ids = [prompt.ids + [pad] * (width - len(prompt.ids)) for prompt in prompts]
        mask = [[1] * len(prompt.ids) + [0] * (width - len(prompt.ids)) for prompt in prompts]
        return {
            "input_ids": torch.tensor(ids, device=self.device),
            "attention_mask": torch.tensor(mask, device=self.device),
        }

    def _generated(self, batch: Sequence[Request], prompts: Sequence[Prompt]) -> Iterator[Prediction]:
        """Greedy replies to requests of one kind."""
        output = batch[0].output
        assert isinstance(output, Generate)  # noqa: S101 - `_kind` saw to it
        from bench.decoding.stops import criteria
        from bench.decoding.telling import Tokens

        eos, pad = {self.tokenizer.eos_token_id}, {self.tokenizer.pad_token_id}
        told = self.listener and Tokens(self.listener, [request.id for request in batch], eos, over=pad)
        found = self.model.generate(
            **self._encoded(prompts), max_new_tokens=output.max_new_tokens, do_sample=False,
            stopping_criteria=criteria(self.tokenizer, output.stop, 1, tokens=told),  # behind the decoder's start
        )  # fmt: skip
        ends = eos | pad
        made_to_end = self.model.generation_config.forced_eos_token_id is not None
        whole = output.max_new_tokens - (
            1 if made_to_end else 0
        )  # tokens of an answer that nothing but its limit ended
        for request, prompt, row in zip(batch, prompts, found[:, 1:].tolist(), strict=True):
            length = next((i for i, token in enumerate(row) if token in ends), len(row))
            text = self.tokenizer.decode(row[:length], skip_special_tokens=True)
            yield Prediction(
                request.id,
                text=cut(text, output.stop),
                prompt_tokens=len(prompt.ids),
                new_tokens=length,
                truncated=prompt.truncated,
                finish="stop" if length < whole or cut(text, output.stop) != text else "length",
            )

    def _chosen(self, batch: Sequence[Request], prompts: Sequence[Prompt]) -> Iterator[Prediction]:
        """The probability of each label among those of its request; the encoder reads each prompt once."""
        encoded = self._encoded(prompts)
        states = self.model.get_encoder()(**encoded).last_hidden_state
        for request, prompt, state in zip(batch, prompts, states, strict=True):
            output = request.output
            assert isinstance(output, Choose)  # noqa: S101 - `_kind` saw to it
            replies = self._replies(output.labels)
            scores = self._log_likelihoods(state[None, : len(prompt.ids)], replies).double()
            divisors = lengths(self.label_length, output.labels, replies)
            shares = (scores / scores.new_tensor(divisors)).softmax(0).tolist()
            chosen = dict(zip(output.labels, shares, strict=True))
            yield Prediction(request.id, label_scores=chosen, prompt_tokens=len(prompt.ids), truncated=prompt.truncated)

    def _log_likelihoods(self, state: torch.Tensor, replies: Sequence[list[int]]) -> torch.Tensor:
        """log P(reply | prompt) summed over the tokens of each reply, float32 [n]; `state` is the encoder's, [1, t, d].

        What the decoder takes from the prompt is computed once, with its first token, and lent to all replies.
        """
        import torch

        n, width = len(replies), max(map(len, replies))
        start = torch.tensor([[self.model.generation_config.decoder_start_token_id]], device=self.device)
        first = self.model(encoder_outputs=(state,), decoder_input_ids=start, use_cache=True)
        ids = torch.tensor([reply + [0] * (width - len(reply)) for reply in replies], device=self.device)
        told = torch.tensor(
            [[1.0] * len(reply) + [0.0] * (width - len(reply)) for reply in replies], device=self.device
        )
        logits = first.logits.expand(n, -1, -1)
        if width > 1:
            cache = first.past_key_values
            for half in (cache.self_attention_cache, cache.cross_attention_cache):
                for layer in half.layers:  # views: no copy for a label
                    layer.keys, layer.values = layer.keys.expand(n, -1, -1, -1), layer.values.expand(n, -1, -1, -1)
            more = self.model(
                encoder_outputs=(state.expand(n, -1, -1),), decoder_input_ids=ids[:, :-1], past_key_values=cache
            )
            logits = torch.cat([logits, more.logits], dim=1)
        scores: torch.Tensor = logits.float().log_softmax(-1).gather(-1, ids[:, :, None])[:, :, 0]
        return (scores * told).sum(1).cpu()
