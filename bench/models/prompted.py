"""What every way to run a causal language model shares: its prompts as tokens, where replies end, what they come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.errors import BenchError
from bench.models import label_length as lengths
from bench.models import scale
from bench.models.chat_roles import ChatTemplate, Messages, one_text
from bench.models.plain_prompt import Prompt, appended_end, fit, plain_text, texts
from bench.models.read_ahead import ReadAhead
from bench.models.thought import thinking_tokens
from bench.models.torch_model import TorchModel
from bench.text.thinking import behind_thinking, cut, opens
from bench.types import Choose, Generate, Prediction, Regress, Request, Text

if TYPE_CHECKING:
    import torch


class PromptedLM(TorchModel):
    """A causal language model as it is asked: the tokens of a prompt are the same, whatever engine reads them.

    With `chat`, parts of one role in a row make one message of the chat template; without, the parts are one text, as base
    models are prompted. A last part of the assistant begins the reply. A prompt that is longer than the context loses the
    middle of its longest part, never the question. What generation_config.json says of sampling and penalties is not used.

    `label_length` says what a label's log-likelihood is divided by: "none", "tokens" or "characters". With `calibrated`, its
    log-likelihood for a text that says nothing ("N/A") is subtracted first, so that a label does not win for being a common
    phrase. Source: Holtzman et al. 2021, "Surface Form Competition" (EMNLP); Zhao et al. 2021, "Calibrate Before Use" (ICML).
    """

    added_end = 0  # tokens that the tokenizer puts behind a text
    beyond_label = 0  # tokens that the engine needs places for behind a label
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
        self._ahead = ReadAhead(lambda batch: self._tokenised(batch))

    def _read_prompts(self, ends: int | Sequence[int] | None) -> None:
        """Get ready to make prompts, once the tokenizer is loaded; `ends` are the tokens that end a reply beside its own.

        Raises BenchError where there is no chat template and one is needed.
        """
        if self.chat and not self.tokenizer.chat_template:
            raise BenchError(
                f"{self.source}: the tokenizer has no chat template; set model.chat=false to prompt it as a base model"
            )
        self._ahead.clear()
        self._known_replies.clear()
        self.template = ChatTemplate(self.source, self._rendered, one_text)
        if self.chat:
            self.template.check()
        self.added_end = appended_end(self.tokenizer)
        given = list(ends) if isinstance(ends, Sequence) else [ends]
        self.ends: set[int] = {self.tokenizer.eos_token_id, *given} - {None}

    def put_otherwise(self) -> dict[str, str]:
        """For a run's record: what the chat template puts otherwise than asked, {} for nothing."""
        return {"chat": said} if self.chat and (said := self.template.describe()) else {}

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

    def prompts_of(self, batch: Sequence[Request]) -> list[Prompt | str]:
        """Each request's prompt, or why there is none; one that was made beforehand is taken."""
        return self._ahead.take(batch)

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
            return max(map(len, self._replies(request.output.labels))) + self.beyond_label
        raise TypeError(f"a causal model writes or chooses, it cannot give {request.output!r}")

    def _shares(
        self, request: Request, names: tuple[str, ...], prompt: Prompt, score: torch.Tensor, prior: torch.Tensor | None
    ) -> Prediction:
        """The probability of each label by its log-likelihood, less what it is worth without a question: float32 [labels]."""
        if prior is not None:
            score = score - prior
        divisors = lengths.lengths(self.label_length, names, self._replies(names))
        shares = (score.double() / score.new_tensor(divisors)).softmax(0).tolist()
        chosen = dict(zip(names, shares, strict=True))
        return Prediction(request.id, label_scores=chosen, prompt_tokens=len(prompt.ids), truncated=prompt.truncated)

    def _blank(self, request: Request) -> Request:
        """The same where the last thing that the user says is "N/A"."""
        parts = list(request.parts)
        last = max(i for i, part in enumerate(parts) if isinstance(part, Text) and part.role == "user")
        parts[last] = Text("N/A")
        return replace(request, parts=tuple(parts))

    def _replies(self, labels: tuple[str, ...]) -> list[list[int]]:
        """The tokens of each label as a whole reply; in a chat with its end, else one that begins another would win."""
        if labels not in self._known_replies:
            said = list(labels) if self.chat else [" " + label for label in labels]
            end = [self.tokenizer.eos_token_id] if self.chat else []
            tokens = self.tokenizer(said, add_special_tokens=False)["input_ids"]
            self._known_replies[labels] = [reply + end for reply in tokens]
        return self._known_replies[labels]

    def _is_over(self, request: Request, prompt: Prompt, tokens: list[int]) -> bool:
        """Whether the reply's last token ends it, or the stop string that it completes."""
        from bench.decoding.stops import has_stopped

        stop = request.output.stop if isinstance(request.output, Generate) else ()
        return tokens[-1] in self.ends or has_stopped(self.tokenizer, tokens, stop, prompt.thinks)

    def goes_no_further(self, request: Request, prompt: Prompt, tokens: list[int]) -> bool:
        """Whether the reply's last token, which whoever listens hears of, ends it."""
        heard = self.listener  # which another thread may take away
        if heard is not None:
            heard(request.id, 1)
        return self._is_over(request, prompt, tokens)

    def said_by(self, request: Request, prompt: Prompt, tokens: list[int]) -> Prediction:
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
