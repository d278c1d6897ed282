"""Models that see: pictures and text in, greedily generated text out."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from bench.errors import BenchError
from bench.models import reply
from bench.models.base import Device
from bench.models.chat_roles import ChatTemplate, Messages, pieces
from bench.models.pictures import decoded
from bench.models.plain_prompt import as_plain_text
from bench.models.thought import thinking_tokens
from bench.models.torch_model import TorchModel
from bench.text.thinking import opens
from bench.types import Choose, Generate, Image, Json, Prediction, Regress, Request, Text

_AHEAD = 2  # batches that are kept ready


class Seen(NamedTuple):
    """A request as its prompt, up to where the reply begins or goes on, with a placeholder for each of its pictures."""

    prompt: str
    pictures: list[Any]


class Group(NamedTuple):
    """Requests of a batch (their places in it) that go through the model together, and its inputs, on the CPU.

    `thinks` has the tag of thinking that each prompt ends with, "" mostly.
    """

    places: list[int]
    inputs: Any
    thinks: Mapping[int, str]


class Encoded(NamedTuple):
    """A batch that is ready for the model, and why some of its requests (by place) are not."""

    groups: list[Group]
    failed: dict[int, str]


class VisionLM(TorchModel):
    """An image-text-to-text model (Idefics3, SmolVLM, LLaVA, Qwen2-VL and the like) with its own processor.

    With `chat`, parts of one role in a row make one message of the processor's chat template, with placeholders where the
    pictures stand; without, pictures come first and the rest is plain text. Labels and numbers are asked for in words and
    read from the reply. At most `pictures_per_pass` pictures go through the model at once, no side of one longer than
    `max_side` pixels (null: as the processor has it). A prompt that leaves no room for the reply is refused.
    """

    auto_class, processor_class = "AutoModelForImageTextToText", "AutoProcessor"
    parts = frozenset({"text", "image"})
    outputs = (Generate, Choose, Regress)

    def __init__(
        self,
        source: str,
        sha256: str | None = None,
        *,
        chat: bool = True,
        max_side: int | None = None,
        pictures_per_pass: int = 8,
        trust: list[str] | None = None,
    ) -> None:
        super().__init__(source, sha256, trust)
        if pictures_per_pass < 1 or (max_side is not None and max_side < 1):
            raise BenchError("model.pictures_per_pass and model.max_side must be at least 1")
        self.chat, self.max_side, self.pictures_per_pass = chat, max_side, pictures_per_pass
        self._ready: dict[tuple[Request, ...], Encoded] = {}
        self._lock = threading.Lock()  # of the processor, which `prepare` uses in another thread

    def load(self, device: Device, *, seed: int) -> None:
        """Load, and check that the processor sees and has a chat template if one is needed."""
        super().load(device, seed=seed)
        if getattr(self.processor, "image_processor", None) is None:
            raise BenchError(f"{self.source} has no image processor; copy the model's preprocessor_config.json")
        if self.chat and not (self.processor.chat_template or self.tokenizer.chat_template):
            raise BenchError(f"{self.source} has no chat template; set model.chat=false to prompt it as a base model")
        self.template = ChatTemplate(self.source, self._rendered, pieces)
        if self.chat:
            self.template.check()
        if self.tokenizer.pad_token is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token
        self.tokenizer.padding_side = "left"
        self.reader: Any = copy.deepcopy(self.tokenizer)  # reads replies while the processor's is at work
        ends = self.model.generation_config.eos_token_id
        self.ends = set(ends if isinstance(ends, list) else [ends])
        config = self.model.config.get_text_config()
        self.context = getattr(config, "max_position_embeddings", None)

    def describe(self) -> Mapping[str, Json]:
        """What the chat template made to be put otherwise than asked."""
        return {"chat": said} if self.chat and hasattr(self, "template") and (said := self.template.describe()) else {}

    def _rendered(self, messages: Messages) -> str:
        return str(self.processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))

    def prepare(self, batch: Sequence[Request]) -> None:
        """Decode and tokenise a batch that comes next."""
        self._ready[tuple(batch)] = self._encode(batch)
        while len(self._ready) > _AHEAD:
            del self._ready[next(iter(self._ready))]

    def predict(self, batch: Sequence[Request]) -> Iterator[list[Prediction]]:
        """The answers of one batch, group by group; a request with a picture that cannot be read has its own `error`."""
        encoded = self._ready.pop(tuple(batch), None) or self._encode(batch)
        yield [Prediction(batch[i].id, error=why) for i, why in encoded.failed.items()]
        for group in encoded.groups:
            yield list(self._answers(batch, group).values())

    def _encode(self, batch: Sequence[Request]) -> Encoded:
        """The inputs of a batch in groups, short prompts with short ones, pictures never with none."""
        seen: dict[int, Seen] = {}
        failed: dict[int, str] = {}
        for i, request in enumerate(batch):
            try:
                seen[i] = self._seen(request)
            except ValueError as error:
                failed[i] = str(error)
        groups = []
        with self._lock:
            for places in self._grouped(batch, seen):
                group = self._inputs(places, seen)
                long = self._too_long(batch, group)
                failed |= long
                if kept := [i for i in places if i not in long]:
                    groups.append(group if not long else self._inputs(kept, seen))
        return Encoded(groups, failed)

    def _seen(self, request: Request) -> Seen:
        """The request with its pictures decoded; raises ValueError for one that cannot be read."""
        parts = [part for part in request.parts if isinstance(part, Text | Image)]
        if len(parts) < len(request.parts):
            raise ValueError("this model takes text and pictures only")
        last = parts[-1] if parts else None
        begun = last.text if isinstance(last, Text) and last.role == "assistant" else ""
        parts = parts[:-1] if begun else parts
        parts += [Text(told)] if (told := reply.instruction(request.output)) else []
        pictures = [decoded(part, self.max_side) for part in parts if isinstance(part, Image)]
        if not self.chat:
            texts = [part for part in parts if isinstance(part, Text)]
            token = getattr(self.processor, "image_token", "<image>")
            plain = as_plain_text(texts) + ("\n" + begun.rstrip(" ") if begun else "")
            return Seen(token * len(pictures) + plain, pictures)
        with self._lock:
            prompt = self.template.text(parts)
        return Seen(prompt + begun, pictures)

    def _grouped(self, batch: Sequence[Request], seen: Mapping[int, Seen]) -> Iterator[list[int]]:
        """The places of requests that may go together: alike in where they stop, with few enough pictures or none at all."""
        order = sorted(seen, key=lambda i: (_ends(batch[i]), len(seen[i].pictures), len(seen[i].prompt)))
        group: list[int] = []
        for i in order:
            n = sum(len(seen[place].pictures) for place in (*group, i))
            mixed = group and bool(seen[i].pictures) != bool(seen[group[0]].pictures)
            if group and (mixed or n > self.pictures_per_pass or _ends(batch[i]) != _ends(batch[group[0]])):
                yield group
                group = []
            group.append(i)
        if group:
            yield group

    def _inputs(self, places: list[int], seen: Mapping[int, Seen]) -> Group:
        pictures = [seen[i].pictures for i in places]
        # A chat template writes the tokens that a prompt begins with itself.
        options = {"padding": True, "return_tensors": "pt", "add_special_tokens": not self.chat}
        texts = [seen[i].prompt for i in places]
        inputs = self.processor(text=texts, images=pictures if any(pictures) else None, **options)
        return Group(places, inputs, {i: opens(seen[i].prompt) for i in places})

    def _too_long(self, batch: Sequence[Request], group: Group) -> dict[int, str]:
        """The places of the requests whose prompt leaves no room for the reply, and what to say of them."""
        found = {}
        for i, length in zip(group.places, group.inputs["attention_mask"].sum(1).tolist(), strict=True):
            room = (self.context or 10**9) - reply.longest(batch[i].output)
            if length > room:
                found[i] = (
                    f"prompt and pictures have {length} tokens, the context has room for {room}; ask with fewer shots, or "
                    "for smaller pictures by model.max_side"
                )
        return found

    def _answers(self, batch: Sequence[Request], group: Group) -> dict[int, Prediction]:
        """What the model says to the requests of one group, by their places."""
        import torch

        from bench.decoding.stops import criteria
        from bench.decoding.telling import Tokens

        stops, limit = _ends(batch[group.places[0]])
        names, pad = [batch[i].id for i in group.places], self.reader.pad_token_id
        told = self.listener and Tokens(self.listener, names, self.ends, padding=pad)
        inputs = group.inputs.to(self.device, self.model.dtype)
        with torch.inference_mode():
            found = self.model.generate(
                **inputs,
                max_new_tokens=limit,
                do_sample=False,
                pad_token_id=pad,
                stopping_criteria=criteria(
                    self.reader, stops, inputs["input_ids"].shape[1], [group.thinks[i] for i in group.places], told
                ),
            )
        new = found[:, inputs["input_ids"].shape[1] :].tolist()
        lengths = inputs["attention_mask"].sum(1).tolist()
        return {
            i: self._finished(batch[i], ids, length, group.thinks[i])
            for i, ids, length in zip(group.places, new, lengths, strict=True)
        }

    def _finished(self, request: Request, ids: list[int], prompt_tokens: int, thinks: str) -> Prediction:
        """The reply up to its end, its own limit or a stop string."""
        while ids and ids[-1] == self.reader.pad_token_id and ids[-1] not in self.ends:
            ids = ids[:-1]  # others of the group went on
        n = next((i for i, token in enumerate(ids) if token in self.ends), len(ids))
        text = thinks + self.reader.decode(ids[:n], skip_special_tokens=True)
        # The others of a group went on where one had ended: by an end token, or by a stop string before the limit.
        finish = "stop" if n < len(ids) or len(ids) < reply.longest(request.output) else "length"
        thought = thinking_tokens(self.reader, ids[:n], thinks)
        return reply.read(
            request, text, finish=finish, prompt_tokens=prompt_tokens, new_tokens=n, thinking_tokens=thought
        )


def _ends(request: Request) -> tuple[tuple[str, ...], int]:
    """Where a reply must end: stop strings and most tokens. Behind its own most a prompt may have no places."""
    return request.output.stop if isinstance(request.output, Generate) else (), reply.longest(request.output)
