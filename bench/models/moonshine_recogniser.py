"""Moonshine tiny: an encoder-decoder of 27 million weights for English speech, in 8 bits, computed by ONNX Runtime."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.models import sound
from bench.models.base import Device
from bench.models.side_by_side import answers
from bench.models.window_recogniser import RATE, WindowRecogniser
from bench.types import Prediction, Request

_ENCODER, _DECODER, _PIECES = "encoder_model.ort", "decoder_model_merged.ort", "tokenizer.bin"
_START, _END = 1, 2  # <s> and </s> among the pieces
_LEAST = 0.1  # seconds; the convolutions need 0.06
_PAST, _PRESENT = "past_key_values.", "present."


class Moonshine(WindowRecogniser):
    """Writes English with capitals and punctuation, numbers mostly in digits; greedily.

    A window has at most `tokens_per_second` tokens: where nothing is said that it knows, it would repeat itself without end. An
    answer that was cut there ends by "length". Each recording is computed by one thread, as many at once as the device has, so
    that no answer depends on the number of cores.
    """

    longest = 30.0

    def __init__(
        self, source: str, sha256: str | None = None, window_seconds: float = 15.0, tokens_per_second: float = 12.0
    ) -> None:
        super().__init__(source, sha256, window_seconds)
        if not 1 <= tokens_per_second <= 50:
            raise BenchError(f"model.tokens_per_second={tokens_per_second} must be from 1 to 50")
        self.tokens_per_second = tokens_per_second

    def load(self, device: Device, *, seed: int) -> None:
        """Load the models; nothing is drawn, so the seed changes nothing."""
        sound.library()
        encoder, decoder, pieces = self.inside(_ENCODER, _DECODER, _PIECES)
        self._threads = device.threads
        self._encoder, self._decoder = _session(encoder, self.source), _session(decoder, self.source)
        self._pieces = pieces_of(pieces.read_bytes(), f"{self.source}: {_PIECES}")
        self._given = {one.name: one.shape for one in self._decoder.get_inputs() if one.name.startswith(_PAST)}
        self._made = [one.name for one in self._decoder.get_outputs()]
        sizes = {one.name: one.shape[-1] for one in self._decoder.get_outputs()}
        if not self._given or sizes.get("logits") != len(self._pieces):
            raise BenchError(
                f"{self.source}: {_DECODER} has {sizes.get('logits')} tokens and {len(self._given)} caches, {_PIECES} "
                f"{len(self._pieces)} pieces; they are not of one model, bring the folder again"
            )

    def predict(self, batch: Sequence[Request]) -> Iterator[Prediction]:
        """As many recordings at once as there are threads; each prediction in its turn."""
        return answers(self._heard, batch, self._threads)

    def _heard(self, request: Request) -> Prediction:
        texts, n, finish = [], 0, "stop"
        for samples in self.windows(request):
            ids, ended = self._tokens(samples, request.id)
            n += len(ids)
            finish = finish if ended else "length"
            texts.append(text_of(ids, self._pieces))
        return Prediction(request.id, text=" ".join(filter(None, texts)), new_tokens=n, finish=finish)

    def _tokens(self, samples: sound.Samples, name: str) -> tuple[list[int], bool]:
        """The likeliest token after each other, without the end, and whether the end came."""
        import numpy as np

        most = math.ceil(len(samples) / RATE * self.tokens_per_second)
        heard = np.pad(samples, (0, max(0, round(_LEAST * RATE) - len(samples))))[None]
        mask = np.ones(heard.shape, np.int64)  # of samples: the decoder too counts them, and takes each 384th
        (hidden,) = self._encoder.run(None, {"input_values": heard, "attention_mask": mask})
        past = {key: np.zeros((1, shape[1], 0, shape[3]), np.float32) for key, shape in self._given.items()}
        steady = {"encoder_hidden_states": hidden, "encoder_attention_mask": mask}
        ids, last = list[int](), _START
        while len(ids) < most:
            step = {"input_ids": np.array([[last]], np.int64), "use_cache_branch": np.array([bool(ids)])}
            found = dict(zip(self._made, self._decoder.run(None, {**steady, **step, **past}), strict=True))
            for key in past:  # what was made of the sound comes once, with the first token
                if ".decoder." in key or last == _START:
                    past[key] = found[_PRESENT + key.removeprefix(_PAST)]
            last = int(found["logits"][0, -1].argmax())
            if self.listener is not None:
                self.listener(name, 1)
            if last == _END:
                return ids, True
            ids.append(last)
        return ids, False


def _session(path: Path, source: str) -> Any:
    """A model of ONNX Runtime on one thread; raises BenchError when it is not installed or the file is no model."""
    try:
        import onnxruntime
    except ImportError:
        raise BenchError(
            "this recogniser needs ONNX Runtime; install it with `pip install 'finai-bench[audio]'`"
        ) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what fails is raised too
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its own classes, which share no base with each other
        why = " ".join(str(error).split())[:200]
        raise BenchError(f"{source}: {path.name} cannot be loaded ({why}); bring the folder again") from None


def pieces_of(data: bytes, where: str) -> list[bytes]:
    """The pieces of text by their ids: before each stands its length, in one byte below 128 or in two, the low seven bits first.

    A byte that is no letter of its own is a piece of that one byte. Raises BenchError where the last one is cut off.

    >>> pieces_of(bytes([1, 65, 129, 1]) + b"b" * 129, "x")[0]
    b'A'
    """
    found, at = list[bytes](), 0
    while at < len(data):
        n = data[at]
        at += 1
        if n >= 128:
            n = n - 128 + 128 * int.from_bytes(data[at : at + 1])
            at += 1
        found.append(data[at : at + n])
        at += n
    if at != len(data):
        raise BenchError(f"{where} is cut off; bring the folder again")
    return found


def text_of(ids: Sequence[int], pieces: Sequence[bytes]) -> str:
    """The text of these tokens; those that only mark something (`<unk>`, `<<ST_1>>`) say nothing.

    >>> text_of([0, 1, 2], ["▁Café".encode()[:-1], b"\\xa9", b"<<ST_3>>"])
    'Café'
    """
    said = b"".join(piece for piece in (pieces[one] for one in ids) if not _marks(piece))
    return said.decode("utf-8", "replace").replace("▁", " ").strip()


def _marks(piece: bytes) -> bool:
    return len(piece) > 2 and piece.startswith(b"<") and piece.endswith(b">")
