"""Causal language models: greedy generation through the chat template, the likeliest of given labels, a place on a scale."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.errors import BenchError
from bench.models import label_length as lengths
from bench.models import scale
from bench.models.base import Device
from bench.models.chat_roles import ChatTemplate, Messages, one_text
from bench.models.places import places
from bench.models.plain_prompt import Prompt, appended_end, fit, plain_text, texts
from bench.models.read_ahead import ReadAhead
from bench.models.thought import thinking_tokens
from bench.models.torch_model import TorchModel
from bench.text.thinking import behind_thinking, cut, opens
from bench.types import Choose, Generate, Json, Prediction, Regress, Request, Text

if TYPE_CHECKING:
    import torch

    from bench.decoding.kept_head import KeptHead


class CausalLM(TorchModel):
    """Generates greedily; of labels it scores each by its likelihood as the reply, and of a scale its steps: see `scale`.

    With `chat`, parts of one role in a row make one message of the chat template; without, the parts are one text, as base
    models are prompted. A last part of the assistant begins the reply. A prompt that is longer than the context loses the
    middle of its longest part, never the question. What generation_config.json says of sampling and penalties is not used.

    `label_length` says what a label's log-likelihood is divided by: "none", "tokens" or "characters". With `calibrated`, its
    log-likelihood for a text that says nothing ("N/A") is subtracted first, so that a label does not win for being a common
    phrase. Source: Holtzman et al. 2021, "Surface Form Competition" (EMNLP); Zhao et al. 2021, "Calibrate Before Use" (ICML).
    """

    added_end = 0  # tokens that the tokenizer puts behind a text
    auto_class = "AutoModelForCausalLM"
    parts = frozenset({"text"})
    outputs = (Generate, Choose, Regress)

    def __init__(
        self,
        source: str,
        sha256: str | None = None,
        chat: bool = True,
        label_length: str = "none",
        calibrated: bool = True,
        trust: list[str] | None = None,
    ) -> None:
        super().__init__(source, sha256, trust)
        self.chat, self.label_length, self.calibrated = chat, lengths.known_rule(label_length), calibrated
        self._known_replies: dict[tuple[str, ...], list[list[int]]] = {}
        self._priors: dict[tuple[str, tuple[str, ...]], torch.Tensor] = {}
        self.kept: KeptHead | None = None
        self._ahead = ReadAhead(lambda batch: self._tokenised(batch))

    def load(self, device: Device, *, seed: int) -> None:
        """Load, and check that there is a chat template if one is needed."""
        super().load(device, seed=seed)
        from transformers import GenerationConfig

        from bench.decoding import kept_head, packed_weights, tree_model

        if self.chat and not self.tokenizer.chat_template:
            raise BenchError(
                f"{self.source}: the tokenizer has no chat template; set model.chat=false to prompt it as a base model"
            )
        self.kept = kept_head.KeptHead()
        self._ahead.clear()
        self.template = ChatTemplate(self.source, self._rendered, one_text)
        if self.chat:
            self.template.check()
        self.added_end = appended_end(self.tokenizer)
        self._priors.clear()
        self._known_replies.clear()
        self.context = places(self.model)
        given = self.model.generation_config.eos_token_id
        self.ends = {self.tokenizer.eos_token_id, *(given if isinstance(given, list) else [given])} - {None}
        self.pad = self.tokenizer.pad_token_id if self.tokenizer.pad_token_id is not None else min(self.ends, default=0)
        # `generate` takes from here what it is not told: penalties, beams, words that are not to be said.
        self.model.generation_config = GenerationConfig(eos_token_id=given, pad_token_id=self.pad)
        self.no_tree = tree_model.install(self.model)
        self.packed = packed_weights.pack(self.model)

    def describe(self) -> Mapping[str, Json]:
        """Whether shared beginnings are computed once, and if not, why."""
        if not hasattr(self, "no_tree"):  # never loaded: an old run is only scored again
            return {}
        way = f"padded, since {self.no_tree}" if self.no_tree else "prefix tree"
        put = {"chat": said} if self.chat and (said := self.template.describe()) else {}
        return {"decoding": way, "packed_weights": self.packed, **put}

    def cost(self, request: Request) -> int:
        """The prompt's and the labels' or the reply's tokens, about."""
        output = request.output
        if isinstance(output, Regress):
            return sum(map(self.cost, scale.asked(request)))
        behind = sum(map(len, output.labels)) // 4 if isinstance(output, Choose) else 0
        return super().cost(request) + behind

    def prompt(self, request: Request) -> str:
        """The request as text, up to where the reply begins or goes on."""
        if not self.chat:
            return plain_text(request)
        parts, begun = texts(request)
        return self.template.text(parts) + begun

    def _rendered(self, messages: Messages) -> str:
        return str(self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))

    def prepare(self, batch: Sequence[Request]) -> None:
        """Tokenise what comes next, if that was not done when its batch was cut."""
        self._ahead.keep([one for request in batch for one in scale.asked(request)])

    def units(self, batch: Sequence[Request]) -> list[list[Request]]:
        """Runs of about 5 s; what shares a beginning stays together. They depend on the prompts and on the model's size."""
        from bench.decoding import units

        asked = [scale.asked(request) for request in batch]
        prompts = iter(self._ahead.keep([one for some in asked for one in some]))
        ids, said = [], []
        for some in asked:  # a request's first prompt, and what is computed beside it
            made = [(one, prompt) for one in some if not isinstance(prompt := next(prompts), str)]
            ids.append(made[0][1].ids if made else [self.pad])
            beside = sum(len(prompt.ids) for _, prompt in made[1:])
            said.append(sum(self._said(one) for one, _ in made) + beside)
        return [[batch[i] for i in unit] for unit in units.units(ids, said, self.unit_tokens or 1)]

    def _said(self, request: Request) -> int:
        """How many tokens are computed behind the prompt, at most."""
        if isinstance(request.output, Choose):
            return sum(map(len, self._replies(request.output.labels)))
        return self._reply_tokens(request)

    def _tokenised(self, batch: Sequence[Request]) -> list[Prompt | str]:
        """Each request's prompt, or why there is none."""
        said = [self.prompt(request) for request in batch]
        ids = self.tokenizer(said, add_special_tokens=not self.chat)["input_ids"]
        return [self._fitted(*one) for one in zip(batch, said, map(self._open, ids), strict=True)]

    def _open(self, tokens: list[int]) -> list[int]:
        """The prompt's tokens without the end that the tokenizer puts behind a text, and with one beginning."""
        kept = tokens[: len(tokens) - self.added_end] if not self.chat else tokens
        begins = self.tokenizer.bos_token_id
        return kept[1:] if begins is not None and kept[:2] == [begins, begins] else kept

    def _fitted(self, request: Request, text: str, tokens: list[int]) -> Prompt | str:
        """The prompt, cut where it leaves no room for the reply; what is wrong where that is not enough."""
        room = self.context - self._reply_tokens(request) if self.context else len(tokens)
        if not tokens:
            return f"request {request.id!r} has no text, and the tokenizer adds no token to begin with"
        thinks = opens(text) if self.chat else ""
        if len(tokens) <= room:
            return Prompt(tokens, thinks=thinks)
        try:
            cut_down = fit(
                request, text, self.tokenizer, room + (0 if self.chat else self.added_end), special=not self.chat
            )
        except ValueError as error:
            return str(error)
        return cut_down._replace(ids=self._open(cut_down.ids), thinks=thinks)

    def _reply_tokens(self, request: Request) -> int:
        """How many tokens the reply may need behind the prompt."""
        if isinstance(request.output, Generate):
            return request.output.max_new_tokens
        if isinstance(request.output, Choose):
            return max(map(len, self._replies(request.output.labels)))
        raise TypeError(f"a causal model writes or chooses, it cannot give {request.output!r}")

    def predict(self, batch: Sequence[Request]) -> Iterator[list[Prediction]]:
        """The answers of one batch, which may mix texts, labels and numbers, as they are finished."""
        scales = [request for request in batch if isinstance(request.output, Regress)]
        yield from self._predict([request for request in batch if not isinstance(request.output, Regress)])
        asked = [scale.asked(request) for request in scales]
        waiting = {one.id: (request, some) for request, some in zip(scales, asked, strict=True) for one in some}
        found: dict[str, Prediction] = {}
        for group in self._predict([one for some in asked for one in some]):
            for one in group:
                found[one.id] = one
                request, some = waiting[one.id]
                if all(other.id in found for other in some):
                    yield [scale.rated(request, [found.pop(other.id) for other in some])]

    def _predict(self, batch: Sequence[Request]) -> Iterator[list[Prediction]]:
        """The texts and labels of one batch."""
        prompts = self._ahead.take(batch)
        wrong = [Prediction(r.id, error=why) for r, why in zip(batch, prompts, strict=True) if isinstance(why, str)]
        if wrong:
            yield wrong
        asked = [(r, prompt) for r, prompt in zip(batch, prompts, strict=True) if not isinstance(prompt, str)]
        for answer, kind in ((self._chosen, Choose), (self._generated, Generate)):
            some = [(request, prompt) for request, prompt in asked if isinstance(request.output, kind)]
            if some:
                yield from answer([request for request, _ in some], [prompt for _, prompt in some])

    def _chosen(self, batch: Sequence[Request], prompts: Sequence[Prompt]) -> Iterator[list[Prediction]]:
        """The probability of each label among the labels of its request."""
        labels = [request.output.labels for request in batch if isinstance(request.output, Choose)]
        found = self._label_scores([prompt.ids for prompt in prompts], labels)
        for request, names, prompt, score in zip(batch, labels, prompts, found, strict=True):
            if self.calibrated:
                score = score - self._prior(request, names)
            divisors = lengths.lengths(self.label_length, names, self._replies(names))
            shares = (score.double() / score.new_tensor(divisors)).softmax(0).tolist()
            chosen = dict(zip(names, shares, strict=True))
            yield [
                Prediction(request.id, label_scores=chosen, prompt_tokens=len(prompt.ids), truncated=prompt.truncated)
            ]

    def _label_scores(self, prompts: Sequence[list[int]], labels: Sequence[tuple[str, ...]]) -> Iterator[torch.Tensor]:
        """The log-likelihood of each label as the reply to each prompt: [labels]."""
        from bench.decoding import label_choice, plain

        replies = [self._replies(names) for names in labels]
        if self.no_tree:
            return plain.label_log_likelihoods(self.model, prompts, replies)
        return label_choice.label_log_likelihoods(self.model, prompts, replies, self.kept)

    def _prior(self, request: Request, labels: tuple[str, ...]) -> torch.Tensor:
        """The labels' log-likelihoods where the last thing that the user says is "N/A"; computed once a prompt."""
        parts = list(request.parts)
        last = max(i for i, part in enumerate(parts) if isinstance(part, Text) and part.role == "user")
        parts[last] = Text("N/A")
        blank = replace(request, parts=tuple(parts))
        key = (self.prompt(blank), labels)
        if key not in self._priors:
            (prompt,) = self._tokenised([blank])
            if isinstance(prompt, str):
                raise ValueError(prompt)
            (self._priors[key],) = self._label_scores([prompt.ids], [labels])
        return self._priors[key]

    def _replies(self, labels: tuple[str, ...]) -> list[list[int]]:
        """The tokens of each label as a whole reply; in a chat with its end, else one that begins another would win."""
        if labels not in self._known_replies:
            said = list(labels) if self.chat else [" " + label for label in labels]
            end = [self.tokenizer.eos_token_id] if self.chat else []
            tokens = self.tokenizer(said, add_special_tokens=False)["input_ids"]
            self._known_replies[labels] = [reply + end for reply in tokens]
        return self._known_replies[labels]

    def _generated(self, batch: Sequence[Request], prompts: Sequence[Prompt]) -> Iterator[list[Prediction]]:
        """Greedy answers, each cut where its own limit or stop string says."""
        from bench.decoding import greedy, plain

        most = [request.output.max_new_tokens for request in batch if isinstance(request.output, Generate)]

        def finished(index: int, tokens: list[int]) -> bool:
            if self.listener is not None:
                self.listener(batch[index].id, 1)
            return self._is_over(batch[index], prompts[index], tokens)

        ids = [prompt.ids for prompt in prompts]
        if self.no_tree:
            found = plain.greedy(self.model, ids, most, finished, self.pad)
        else:
            found = greedy.greedy(self.model, ids, most, finished, self.kept)
        for group in found:
            yield [self._said_by(batch[i], prompts[i], tokens) for i, tokens in group]

    def _is_over(self, request: Request, prompt: Prompt, tokens: list[int]) -> bool:
        """Whether the reply's last token ends it, or the stop string that it completes."""
        from bench.decoding.stops import has_stopped

        stop = request.output.stop if isinstance(request.output, Generate) else ()
        return tokens[-1] in self.ends or has_stopped(self.tokenizer, tokens, stop, prompt.thinks)

    def _said_by(self, request: Request, prompt: Prompt, tokens: list[int]) -> Prediction:
        """What the model said, without what ends it; it was cut where nothing does, or where it did not end to think."""
        kept = tokens[:-1] if tokens[-1] in self.ends else tokens
        text = prompt.thinks + self.tokenizer.decode(kept, skip_special_tokens=True)
        whole = self._is_over(request, prompt, tokens) and behind_thinking(text) is not None
        stop = request.output.stop if isinstance(request.output, Generate) else ()
        return Prediction(
            request.id, text=cut(text, stop), prompt_tokens=len(prompt.ids), new_tokens=len(kept),
            truncated=prompt.truncated, finish="stop" if whole else "length",
            thinking_tokens=thinking_tokens(self.tokenizer, kept, prompt.thinks),
        )  # fmt: skip

    def forget(self) -> None:
        """Forget the prompts' beginning, and what labels are worth without a question."""
        if self.kept is not None:
            self.kept.let_go()
        self._priors.clear()

    def free(self) -> None:
        """Also let go of what is kept of the prompts' beginning."""
        if self.kept is not None:
            self.kept.let_go()
        super().free()
