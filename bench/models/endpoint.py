"""A model behind an OpenAI-compatible endpoint: vLLM, SGLang, llama.cpp, Ollama, `transformers serve`, or a provider."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, ClassVar

from bench.errors import BenchError
from bench.models import reply
from bench.models.base import Device, Heard, Model
from bench.models.endpoint_client import Client, Limits
from bench.models.endpoint_errors import Failure
from bench.models.endpoint_reply import counts, reply_of
from bench.models.endpoint_settings import (
    address_of,
    advice,
    checked_price,
    checked_url,
    checked_variable,
    is_near,
    key_in,
)
from bench.models.endpoint_stream import Telling
from bench.models.messages import messages
from bench.models.plain_prompt import begun_by, continued
from bench.text.thinking import behind_thinking
from bench.types import Choose, Generate, Json, Prediction, Regress, Request, Text


class Endpoint(Model):
    """Asks `model` at `base_url`/chat/completions, or, with chat=false, a base model at `base_url`/completions.

    It is asked for its likeliest words (temperature 0, and the run's seed). A label or numbers are asked for in words and read
    out of the reply; a reply that holds none is an error that quotes it. A request whose reply is begun (a last part of the
    assistant) goes without the beginning, which is taken off if the model says it; with `prefill` the server goes on from
    it, as vLLM and SGLang can.

    Stop strings cut the reply here. In a chat they are not sent: the reply of one that thinks, or begins with a line break, would
    end before its answer. To /completions they are, and a reply that comes back empty is asked for again without them.

    What an endpoint serves cannot be known beforehand: its revision is the model's name, and `revision` where you give one.
    `thinking_tokens` are added to what an answer may have. `extra` is merged into each request; null takes a key out. The
    key is read from the environment variable `key_env`, and is shown nowhere; `base_url` may be env:NAME of a variable that holds
    the address. `price_per_million` is in USD; `price=` of the command line says more of a
    price, and one of the two is given (`bench.engine.priced`).

    How a reply ended is what the server says (`bench.text.finish`), and "stop" where it went on behind a stop string. What an
    endpoint refuses without a word is an error; a reply that was cut before its first word is an empty text.

    While somebody listens (`hear`), replies are streamed: what they say is the same.
    """

    outputs = (Generate, Choose, Regress)
    uses_device = False
    uses_libraries = False
    takes_at_once = True
    bound_to = "what somebody's server says"
    incidental: ClassVar[frozenset[str]] = frozenset(
        {"limits", "key_env", "price_per_million", "alone"}
    )  # change no answer

    def __init__(  # noqa: PLR0913 - each is a key of conf/model
        self,
        base_url: str,
        limits: Limits,
        model: str | None = None,
        revision: str | None = None,
        chat: bool = True,
        images: bool = False,
        prefill: bool = False,
        max_tokens_key: str = "max_tokens",
        thinking_tokens: int = 0,
        extra: dict[str, Any] | None = None,
        key_env: str | None = "OPENAI_API_KEY",
        price_per_million: dict[str, float] | None = None,
        alone: bool = False,
    ) -> None:
        self.answers_alone = alone
        self.base_url, self.limits = checked_url(base_url), limits
        self.name, self.chat, self.prefill = model, chat, prefill and chat
        self.revision = f"{model}@{revision}" if revision else model or ""
        self.max_tokens_key, self.thinking_tokens, self.extra = max_tokens_key, thinking_tokens, extra or {}
        self.key_env, self.token_price = checked_variable(key_env), checked_price(price_per_million)
        if images and not chat:
            raise BenchError("model.images=true needs model.chat=true: /completions takes no pictures")
        if thinking_tokens < 0:
            raise BenchError(f"model.thinking_tokens={thinking_tokens} must not be negative")
        self.parts = frozenset({"text", "image"} if images else {"text"})
        self.served: set[tuple[str, str]] = set()  # (model, system_fingerprint) as the server names them
        self._client: Client | None = None
        self._begun: dict[Request, Future[Json | Failure]] = {}

    @property
    def served_from(self) -> str:  # type: ignore[override]
        """Whether the server is on this machine; one whose address is not known yet is taken to be elsewhere."""
        if self.base_url.startswith("env:") and not os.environ.get(self.base_url[4:]):
            return "far"
        return "near" if is_near(address_of(self.base_url)) else "far"

    def load(self, device: Device, *, seed: int) -> None:
        """Read the key and start the client; no request is sent yet."""
        if not self.name:
            raise BenchError(f"model.model is not given; name the model to ask for, as {self.base_url}/models lists it")
        address = address_of(self.base_url)
        if os.environ.get("BENCH_OFFLINE") and not is_near(address):
            raise BenchError(
                f"--offline forbids asking {self.base_url}; leave it out, or serve the model on this machine"
            )
        self.seed = seed
        path = "chat/completions" if self.chat else "completions"
        self._client = Client(
            f"{address}/{path}",
            key_in(self.key_env),
            self.limits,
            advice(self.key_env, self.name, self.base_url),
            shown=f"{self.base_url}/{path}",
            extra=self.extra,
        )

    def hear(self, heard: Heard | None) -> None:
        """Stream what is asked from now on, and begin anew to note what the client sees."""
        super().hear(heard)
        if self._client is not None:
            self._client.watch()

    def caveats(self) -> list[str]:
        """What the client saw that is part of the times, or makes them others than they seem."""
        return self._client.saw() if self._client is not None else []

    def client_overhead_seconds(self, qps: float | None = None) -> float | None:
        """The larger of what it adds to the first token and to the end, measured against a server of known delays here."""
        from bench.models.endpoint_overhead import overhead

        return max(overhead(self, qps))

    def prepare(self, batch: Sequence[Request]) -> None:
        """Begin to ask the batch that comes next, so that the endpoint stays busy while the slowest of this one answers.

        Not while somebody listens: who measures says when a request is sent.
        """
        if self.listener is None:
            with contextlib.suppress(ValueError):  # a request that cannot be put into words: `predict` says so
                self._begin(batch)

    def _begin(self, batch: Sequence[Request]) -> None:
        for request in batch:
            if self._client is not None and request not in self._begun:
                self._begun[request] = self._asked(request)

    def _asked(self, request: Request) -> Future[Json | Failure]:
        assert self._client is not None  # noqa: S101 - `load` made it
        body = self._body(request)
        telling = Telling(self.listener, request.id) if self.listener is not None else None
        return self._client.submit(body, telling, instead=partial(self._instead, request, body))

    def submit(self, request: Request) -> Future[Prediction]:
        """Send the request at once; what the limits hold back is in its time, and in `caveats`."""
        found: Future[Prediction] = Future()
        try:
            asked = self._asked(request)
        except ValueError as error:
            found.set_result(Prediction(request.id, error=f"ValueError: {error}"))
            return found

        def over(asked: Future[Json | Failure]) -> None:
            with contextlib.suppress(concurrent.futures.InvalidStateError):  # it was cancelled
                if asked.cancelled():
                    found.cancel()
                elif (error := asked.exception()) is not None:
                    found.set_exception(error)
                else:
                    found.set_result(self._read(request, asked.result()))

        found.add_done_callback(lambda done: asked.cancel() if done.cancelled() else None)
        asked.add_done_callback(over)
        return found

    def predict(self, batch: Sequence[Request]) -> Iterator[Prediction]:
        """Each answer as it comes; a request that the endpoint does not answer has an error, and costs no other."""
        try:
            self._begin(batch)
            waiting = {self._begun[request]: request for request in batch}
            while waiting:
                for one in self._done(waiting):
                    request = waiting.pop(one)
                    found = one.result()
                    del self._begun[request]
                    yield self._read(request, found)
        except BaseException:  # Ctrl-C too: nothing goes on that nobody will read
            for one in reversed(self._begun.values()):  # those that wait first, else they take a place that is let go
                one.cancel()
            self._begun.clear()
            raise

    def _done(self, waiting: Mapping[Future[Json | Failure], Request]) -> list[Future[Json | Failure]]:
        """Those that have come by now, at least one; what ends the run stands behind the others, so that these are kept."""
        done, _ = concurrent.futures.wait(waiting, return_when=concurrent.futures.FIRST_COMPLETED)
        return sorted(done, key=lambda one: one.exception() is not None)

    def _instead(self, request: Request, body: Mapping[str, Json], found: Json) -> dict[str, Json] | None:
        """What is asked in place of a reply that says nothing where a stop string may be why: its next words may be the answer."""
        if self.chat or not isinstance(request.output, Generate) or not request.output.stop:
            return None
        said = behind_thinking(reply_of(found, chat=False).text or "")
        return None if said and said.strip() else {name: value for name, value in body.items() if name != "stop"}

    def _body(self, request: Request) -> dict[str, Json]:
        """What is sent for a request."""
        parts = list(request.parts)
        begun = parts.pop() if begun_by(request) else None
        if told := reply.instruction(request.output):
            parts.append(Text(told))
        body: dict[str, Json] = {"model": self.name, "temperature": 0.0, "seed": self.seed}
        body[self.max_tokens_key] = reply.longest(request.output) + self.thinking_tokens
        if self.listener is not None:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        if not self.chat:
            body["prompt"] = continued(parts, begun_by(request) or ("Answer:" if told else ""))
            if isinstance(request.output, Generate) and request.output.stop:
                body["stop"] = list(request.output.stop[:4])  # OpenAI takes no more; `cut` knows them all
        else:
            if begun and self.prefill:
                parts.append(begun)
                body |= {"continue_final_message": True, "add_generation_prompt": False}
            body["messages"] = messages(parts)
        return {name: value for name, value in {**body, **self.extra}.items() if value is not None}

    def _read(self, request: Request, found: Json | Failure) -> Prediction:
        """The prediction that a reply makes."""
        if isinstance(found, Failure):
            return Prediction(
                request.id, error=f"endpoint {found.text}", finish="refused" if found.refused else "error"
            )
        self.served.add((str(found.get("model") or ""), str(found.get("system_fingerprint") or "")))
        said = reply_of(found, chat=self.chat)
        more = counts(found) | {"thinking": said.thinking, "finish": said.finish}
        cut = said.is_empty and said.finish == "length"
        if cut and isinstance(request.output, Generate):
            return Prediction(request.id, text="", **more)
        if said.text is None or (said.is_empty and (cut or said.is_call or said.finish in ("refused", "error"))):
            hint = "; raise model.thinking_tokens" if cut else ""
            more["finish"] = said.finish if cut or said.finish == "refused" else "error"
            return Prediction(request.id, error=f"endpoint gave no text: {said.why_nothing}{hint}", **more)
        begun = begun_by(request) if self.chat and not self.prefill else ""
        return reply.read(request, said.text, begun=begun, **more)
