"""Donut and its like: an encoder of one picture, a decoder that goes on from the tokens of a task."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from bench.errors import BenchError
from bench.models.base import Device
from bench.models.pictures import decoded
from bench.models.torch_model import TorchModel
from bench.text.thinking import cut
from bench.types import Fields, Generate, Image, Prediction, Read, Request, Span

_TAG = re.compile(r"</?s_[^<>]{1,100}>|<sep/>")
_QUESTION = "{question}"


class Donut(TorchModel):
    """A vision encoder-decoder that reads a page without OCR; each page goes through it alone.

    `prompt` is what the decoder begins with. With {question} in it the model answers questions: what it writes up to the first
    closing tag, without tags. Without, it writes all that its training asked for, as tags <s_NAME>value</s_NAME>, which are the
    reply where fields or all the text are asked for. Source: Kim et al. 2022, "OCR-free Document Understanding Transformer" (ECCV).
    """

    auto_class, processor_class = "AutoModelForImageTextToText", "AutoProcessor"
    parts = frozenset({"text", "image"})
    needs = frozenset({"image"})
    answers_alone = True

    def __init__(
        self,
        source: str,
        sha256: str | None = None,
        *,
        prompt: str = "<s_docvqa><s_question>{question}</s_question><s_answer>",
        trust: list[str] | None = None,
    ) -> None:
        super().__init__(source, sha256, trust)
        if not prompt:
            raise BenchError("model.prompt is empty; give the tokens that the model's task begins with, as <s_cord-v2>")
        self.prompt, self.asks = prompt, _QUESTION in prompt
        self.outputs = (Span,) if self.asks else (Fields, Read)

    def load(self, device: Device, *, seed: int) -> None:
        """Load, and check that it sees, that its decoder has room, and that its vocabulary has the tokens of the prompt."""
        super().load(device, seed=seed)
        if getattr(self.processor, "image_processor", None) is None:
            raise BenchError(f"{self.source} has no image processor; copy the model's preprocessor_config.json")
        decoder = getattr(self.model.config, "decoder", None)
        if decoder is None:
            raise BenchError(f"{self.source} is no vision encoder-decoder; choose bench.models.vision.VisionLM for it")
        known = self.tokenizer.get_vocab()
        if unknown := [tag for tag in _TAG.findall(self.prompt) if tag not in known]:
            raise BenchError(
                f"model.prompt has {unknown[0]}, which is no token of {self.source}; give the prompt of its own task"
            )
        self.places = int(getattr(decoder, "max_position_embeddings", 0) or 0)
        ends = self.model.generation_config.eos_token_id
        self.ends = {*(ends if isinstance(ends, list) else [ends]), self.tokenizer.eos_token_id} - {None}
        closing = self.prompt[self.prompt.rfind("<") :].replace("<", "</", 1)
        if self.asks and closing in known:  # an answer ends with the tag that the prompt opened last
            self.ends.add(known[closing])

    def units(self, batch: Sequence[Request]) -> list[list[Request]]:
        """Each request by itself."""
        return [[request] for request in batch]

    def predict(self, batch: Sequence[Request]) -> Iterator[Prediction]:
        """What is written for each page; a request whose picture cannot be read, or that has not one, has its own `error`."""
        for request in batch:
            try:
                yield self._answer(request)
            except ValueError as error:
                yield Prediction(request.id, error=str(error))

    def _answer(self, request: Request) -> Prediction:
        import torch

        from bench.decoding.stops import criteria
        from bench.decoding.telling import Tokens

        output = request.output
        assert isinstance(output, Generate)  # noqa: S101 - all of `outputs` are
        pixels = self._pixels(request)
        ids = self._prompt(output)
        room = self.places - len(ids) if self.places else output.max_new_tokens
        if room < 1:
            raise ValueError(
                f"the question has {len(ids)} tokens, the decoder has places for {self.places}; ask shorter"
            )
        told = self.listener and Tokens(self.listener, [request.id], self.ends)
        with torch.inference_mode():
            found = self.model.generate(
                pixel_values=pixels,
                decoder_input_ids=torch.tensor([ids], device=self.device),
                max_new_tokens=min(output.max_new_tokens, room),
                do_sample=False,
                num_beams=1,
                eos_token_id=sorted(self.ends),
                pad_token_id=self.tokenizer.pad_token_id,
                stopping_criteria=criteria(self.tokenizer, (), len(ids), tokens=told),
            )
        new = found[0, len(ids) :].tolist()
        n = next((i for i, token in enumerate(new) if token in self.ends), len(new))
        text = self.tokenizer.decode(new[:n], skip_special_tokens=False)
        said = " ".join(_TAG.sub(" ", text).split()) if self.asks else text
        finish = "stop" if n < len(new) else "length"
        return Prediction(request.id, text=cut(said, output.stop), prompt_tokens=len(ids), new_tokens=n, finish=finish)

    def _pixels(self, request: Request) -> Any:
        """The one picture of a request, as its processor makes it; raises ValueError for none, several or a damaged one."""
        pictures = [part for part in request.parts if isinstance(part, Image)]
        if len(pictures) != 1:
            raise ValueError(f"this model reads one picture a request, found {len(pictures)}")
        found = self.processor.image_processor(decoded(pictures[0]), return_tensors="pt")["pixel_values"]
        return found.to(self.device, self.model.dtype)

    def _prompt(self, output: Generate) -> list[int]:
        """The tokens that the decoder begins with."""
        question = output.question if isinstance(output, Span) else ""
        text = self.prompt.replace(_QUESTION, _TAG.sub(" ", question))
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids
