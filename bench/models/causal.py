"""Causal language models: greedy generation through the chat template, the likeliest of given labels, a place on a scale."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING

from bench.errors import BenchError
from bench.models import scale
from bench.models.base import Device
from bench.models.places import places
from bench.models.plain_prompt import Prompt
from bench.models.prompted import PromptedLM
from bench.models.under_way import UnderWay
from bench.types import Choose, Generate, Json, Output, Prediction, Regress, Request

if TYPE_CHECKING:
    import torch

    from bench.decoding.kept_head import KeptHead


ENGINES = ("tree", "continuous", "generate_batch")


class CausalLM(PromptedLM):
    """Generates greedily; of labels it scores each by its likelihood as the reply, and of a scale its steps: see `scale`.

    Prompts, labels and where replies end: `PromptedLM`. `engine` is "tree", ours, which computes a batch in units; "continuous",
    the same where texts join those that are under way as soon as others have ended, so that in half precision what a text is
    written beside, and with it a word, may be another when a run is done again; or "generate_batch", the library's continuous
    batching: it writes texts all at once, so that nobody is told of their tokens, and labels are then scored without a tree.
    """

    def __init__(
        self,
        source: str,
        sha256: str | None = None,
        chat: bool = True,
        label_length: str = "none",
        calibrated: bool = True,
        trust: list[str] | None = None,
        engine: str = "tree",
    ) -> None:
        super().__init__(source, sha256, chat, label_length, calibrated, trust)
        if engine not in ENGINES:
            raise BenchError(f"model.engine={engine} is none of {', '.join(ENGINES)}")
        self.engine = engine
        self.takes_at_once = engine == "continuous"
        self.under_way: UnderWay | None = None
        self._priors: dict[tuple[str, tuple[str, ...]], torch.Tensor] = {}
        self.kept: KeptHead | None = None

    def expects(self, output: type[Output]) -> None:
        """Texts are written in what company there is; labels and numbers are read in units by any engine."""
        self.schedules_itself = self.engine == "continuous" and issubclass(output, Generate)

    def load(self, device: Device, *, seed: int) -> None:
        """Load, and check that there is a chat template if one is needed."""
        self.under_way = self.kept = None  # they hold what is loaded by now
        super().load(device, seed=seed)
        from transformers import GenerationConfig

        from bench.decoding import kept_head, packed_weights, tree_model

        given = self.model.generation_config.eos_token_id
        self._read_prompts(given)
        self.kept = kept_head.KeptHead()
        self._priors.clear()
        self.context = places(self.model)
        self.pad = self.tokenizer.pad_token_id if self.tokenizer.pad_token_id is not None else min(self.ends, default=0)
        # `generate` takes from here what it is not told: penalties, beams, words that are not to be said.
        self.model.generation_config = GenerationConfig(eos_token_id=given, pad_token_id=self.pad)
        ours = self.engine != "generate_batch"
        self.no_tree = tree_model.install(self.model) if ours else "the library's generate_batch was asked for"
        if self.no_tree and self.engine == "continuous":
            raise BenchError(
                f"{self.source}: model.engine=continuous cannot run it, since {self.no_tree}; leave it out"
            )
        self.packed = packed_weights.pack(self.model) if ours else False
        self.under_way = UnderWay(self, self.at_once) if self.engine == "continuous" else None

    def describe(self) -> Mapping[str, Json]:
        """Whether shared beginnings are computed once, and if not, why."""
        if not hasattr(self, "no_tree"):  # never loaded: an old run is only scored again
            return {}
        if self.engine == "generate_batch":
            return {"decoding": "the library's generate_batch", **self.put_otherwise()}
        way = f"padded, since {self.no_tree}" if self.no_tree else "prefix tree"
        way += ", continuous batching" if self.under_way and self.under_way.wrote else ""
        return {"decoding": way, "packed_weights": self.packed, **self.put_otherwise()}

    def units(self, batch: Sequence[Request]) -> list[list[Request]]:
        """Runs of about 5 s; what shares a beginning stays together. They depend on the prompts and on the model's size."""
        from bench.decoding import units

        if self.engine == "generate_batch" or self.schedules_itself:
            return [list(batch)]  # the one is set up anew for each call, the other bounds what is under way
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

    def prepare(self, batch: Sequence[Request]) -> None:
        """Tokenise the batch that comes next; where texts may join others, begin them, but not while somebody measures."""
        super().prepare(batch)
        if self.under_way is not None and self.listener is None:
            self.under_way.begin(batch)

    def submit(self, request: Request) -> Future[Prediction]:
        """Begin it beside those under way; only with `engine` "continuous"."""
        return self.under_way.submit(request) if self.under_way is not None else super().submit(request)

    def predict(self, batch: Sequence[Request]) -> Iterator[list[Prediction]]:
        """The answers of one batch, which may mix texts, labels and numbers, as they are finished."""
        if self.under_way is not None:
            texts = [request for request in batch if isinstance(request.output, Generate)]
            for one in self.under_way.answered(texts):
                yield [one]
            batch = [request for request in batch if not isinstance(request.output, Generate)]
        yield from self.at_once(batch)

    def at_once(self, batch: Sequence[Request]) -> Iterator[list[Prediction]]:
        """The answers of one batch that is computed by itself."""
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
            prior = self._prior(request, names) if self.calibrated else None
            yield [self._shares(request, names, prompt, score, prior)]

    def _label_scores(self, prompts: Sequence[list[int]], labels: Sequence[tuple[str, ...]]) -> Iterator[torch.Tensor]:
        """The log-likelihood of each label as the reply to each prompt: [labels]."""
        from bench.decoding import label_choice, plain

        replies = [self._replies(names) for names in labels]
        if self.no_tree:
            return plain.label_log_likelihoods(self.model, prompts, replies)
        return label_choice.label_log_likelihoods(self.model, prompts, replies, self.kept)

    def _prior(self, request: Request, labels: tuple[str, ...]) -> torch.Tensor:
        """The labels' log-likelihoods where the last thing that the user says is "N/A"; computed once a prompt."""
        blank = self._blank(request)
        key = (self.prompt(blank), labels)
        if key not in self._priors:
            (prompt,) = self._tokenised([blank])
            if isinstance(prompt, str):
                raise ValueError(prompt)
            (self._priors[key],) = self._label_scores([prompt.ids], [labels])
        return self._priors[key]

    def _generated(self, batch: Sequence[Request], prompts: Sequence[Prompt]) -> Iterator[list[Prediction]]:
        """Greedy answers, each cut where its own limit or stop string says."""
        from bench.decoding import greedy, library_batch, plain

        most = [request.output.max_new_tokens for request in batch if isinstance(request.output, Generate)]

        told = self._is_over if self.engine == "generate_batch" else self.goes_no_further

        def finished(index: int, tokens: list[int]) -> bool:
            return told(batch[index], prompts[index], tokens)

        ids = [prompt.ids for prompt in prompts]
        if self.engine == "generate_batch":
            found = library_batch.greedy(self.model, ids, most, finished, sorted(self.ends), self.pad)
        elif self.no_tree:
            found = plain.greedy(self.model, ids, most, finished, self.pad)
        else:
            found = greedy.greedy(self.model, ids, most, finished, self.kept)
        for group in found:
            yield [self.said_by(batch[i], prompts[i], tokens) for i, tokens in group]

    def forget(self) -> None:
        """Forget the prompts' beginning, and what labels are worth without a question."""
        if self.under_way is not None:
            self.under_way.forget()
        if self.kept is not None:
            self.kept.let_go()
        self._priors.clear()

    def free(self) -> None:
        """Also let go of what is kept of the prompts' beginning, and of what is under way."""
        if self.under_way is not None:
            self.under_way.let_go()
            self.under_way.forget()
        if self.kept is not None:
            self.kept.let_go()
        super().free()
