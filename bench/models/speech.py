"""Speech recognisers of transformers: CTC (wav2vec 2.0 and its kin) and sequence to sequence (Whisper and its kin)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.errors import BenchError
from bench.models import checkpoint, sound, sound_windows, weights
from bench.models.audio_model import AudioModel
from bench.models.base import Device
from bench.models.torch_model import TorchModel
from bench.types import Prediction, Request, Transcribe

if TYPE_CHECKING:
    import torch

CTC, SEQ2SEQ = "AutoModelForCTC", "AutoModelForSpeechSeq2Seq"
_WINDOW = 20.0  # seconds that a CTC model hears at once; its attention grows with the square
_POOL = 4  # passes' worth of windows that are sorted by length


class Heard(NamedTuple):
    """The tokens of one window, and how they ended: see `Prediction`."""

    ids: list[int]
    finish: str = "none"


_Item = tuple[int, int, sound_windows.Window]  # request, place in its recording, window


class SpeechRecogniser(AudioModel, TorchModel):
    """Writes down recordings of any length, greedily; which of the two kinds it is, its config.json says.

    CTC: windows of `window_seconds`, each sharing `overlap_seconds` with its neighbours on either side, whose frames are
    dropped; repeats and blanks are removed once, over the whole recording. Sequence to sequence: windows without overlap,
    each cut in the quietest tenth of a second of its last `overlap_seconds`, their texts joined by a space. Whisper's
    windows are 30 s at most. A window that holds no sound at all gives no words.

    `languages` are those that the model writes (None: any, or what the model itself says). `n_windows` go through the model
    at once: padded to the longest where the model masks padding, else only those of one length.
    """

    auto_class = CTC
    processor_class = "AutoProcessor"
    outputs = (Transcribe,)

    def __init__(
        self,
        source: str,
        sha256: str | None = None,
        trust: list[str] | None = None,
        *,
        languages: list[str] | None = None,
        window_seconds: float | None = None,
        overlap_seconds: float = 4.0,
        n_windows: int = 8,
    ) -> None:
        super().__init__(source, sha256, trust)
        if n_windows < 1:
            raise BenchError(f"model.n_windows={n_windows} must be at least 1")
        if overlap_seconds < 0.1:
            raise BenchError(f"model.overlap_seconds={overlap_seconds} must be at least 0.1")
        self.languages, self.window_seconds = languages, window_seconds
        self.overlap_seconds, self.n_windows = overlap_seconds, n_windows
        self.ahead = sound.Ahead()

    def load(self, device: Device, *, seed: int) -> None:
        """Load the model, its feature extractor and its tokenizer."""
        sound.library()
        folder = weights.folder(self.source, self.sha256)
        if folder.is_dir():  # else `load` says what is wrong
            from transformers.models.auto.modeling_auto import MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING_NAMES as SEQ2SEQ_KINDS

            kind = checkpoint.settings(folder, self.source).get("model_type")
            self.auto_class = SEQ2SEQ if kind in SEQ2SEQ_KINDS else CTC
        super().load(device, seed=seed)
        self.extractor: Any = getattr(self.processor, "feature_extractor", None)
        if self.extractor is None or self.tokenizer is self.processor:
            raise BenchError(
                f"{self.source} lacks preprocessor_config.json or its tokenizer; copy what the model's page has beside config.json"
            )
        self.rate = int(self.extractor.sampling_rate)
        generation = getattr(self.model, "generation_config", None)
        self.multilingual: bool | None = getattr(generation, "is_multilingual", None)  # Whisper says so
        given = getattr(generation, "eos_token_id", None)
        self.ends = [one for one in (given if isinstance(given, list) else [given]) if one is not None]
        self._measure()

    def _measure(self) -> None:
        """Find out the lengths of windows, in samples."""
        # Whisper's extractor pads everything to this many seconds, which its positions are made for.
        self.fixed: float | None = getattr(self.extractor, "chunk_length", None) if self.auto_class == SEQ2SEQ else None
        seconds = self.window_seconds or self.fixed or _WINDOW
        if seconds <= 2 * self.overlap_seconds or (self.fixed and seconds > self.fixed):
            most = f" and at most {self.fixed} s" if self.fixed else ""
            raise BenchError(
                f"model.window_seconds={seconds} must be more than twice overlap_seconds={self.overlap_seconds}{most}"
            )
        self.hop = 1
        if self.auto_class == CTC:
            self.hop = getattr(self.model.config, "inputs_to_logits_ratio", None) or self._frame_step()
        self.length, self.overlap = (
            round(s * self.rate / self.hop) * self.hop for s in (seconds, self.overlap_seconds)
        )
        counts = getattr(self.model, "_get_feat_extract_output_lengths", None)
        self.masks_padding = bool(getattr(self.extractor, "return_attention_mask", False)) and counts is not None

    def _frame_step(self) -> int:
        """Samples from one frame of logits to the next, a whole number of 10 ms, seen on ten seconds of silence."""
        import numpy as np

        silence = np.zeros(10 * self.rate, np.float32)
        frames, tick = self._logits([silence])[0].shape[1], self.rate // 100
        return max(1, round(len(silence) / frames / tick)) * tick

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        """The windows of all recordings go through the model together."""
        languages = [self._language(request) for request in batch]
        found: list[dict[int, Heard]] = [{} for _ in batch]
        windows = iter(self._windows(batch))
        while pool := list(islice(windows, _POOL * self.n_windows)):
            for group in self._groups(pool):
                asked = [(batch[i].id, languages[i]) for i, _, _ in group]
                heard = self._hear([window for _, _, window in group], asked)
                for (i, place, _), said in zip(group, heard, strict=True):
                    found[i][place] = said
        return [self._written(r, [said[k] for k in sorted(said)]) for r, said in zip(batch, found, strict=True)]

    def _language(self, request: Request) -> str:
        if not isinstance(request.output, Transcribe):
            raise TypeError("a recogniser writes down speech; it was asked for something else")
        language, known = request.output.language, self.languages
        if known is None and self.multilingual is False:
            known = ["en"]  # what Whisper calls not multilingual is English
        if known is not None and language not in known:
            raise ValueError(f"{self.source} writes {', '.join(known)}; it was asked for {language!r}")
        return language

    def _windows(self, batch: Sequence[Request]) -> Iterator[_Item]:
        for i, request in enumerate(batch):
            source = self.pieces(request)
            for place, window in enumerate(self._cut(source)):
                if not window.silent:
                    yield i, place, window

    def _cut(self, source: Iterable[sound.Samples]) -> Iterator[sound_windows.Window]:
        if self.auto_class == CTC:
            return sound_windows.overlapping(source, self.length, self.overlap)
        return sound_windows.at_pauses(source, self.rate, self.length, self.overlap)

    def _groups(self, pool: list[_Item]) -> Iterator[list[_Item]]:
        """The windows, longest first, in groups that make one pass."""

        def length(item: _Item) -> int:
            return len(item[2].samples)

        pool.sort(key=length, reverse=True)
        alike: Iterable[list[_Item]] = [pool]
        if not (self.fixed or self.masks_padding):
            alike = (list(group) for _, group in groupby(pool, key=length))
        for group in alike:
            for first in range(0, len(group), self.n_windows):
                yield group[first : first + self.n_windows]

    def _hear(self, windows: list[sound_windows.Window], asked: list[tuple[str, str]]) -> list[Heard]:
        """What is said in each window, with its request's id and language: of CTC a token for each frame, else generated ones."""
        if self.auto_class == SEQ2SEQ:
            return self._generated([window.samples for window in windows], asked)
        logits, frames = self._logits([window.samples for window in windows])
        best = logits.argmax(-1).tolist()
        # A frame counts where it begins: a window has fewer frames than hops, for the last ones would reach beyond its end.
        return [
            Heard(
                ids[window.left // self.hop : (len(window.samples) - window.right) // self.hop if window.right else n]
            )
            for ids, n, window in zip(best, frames, windows, strict=True)
        ]

    def _logits(self, samples: list[sound.Samples]) -> tuple[torch.Tensor, list[int]]:
        """Logits [b, frames, tokens] in float32, and how many frames of each are not padding."""
        import torch

        inputs = self._inputs(samples)
        with torch.inference_mode():
            logits = self.model(**inputs).logits.float()
        if len({len(x) for x in samples}) == 1:
            return logits, [logits.shape[1]] * len(samples)
        lengths = inputs["attention_mask"].sum(-1)
        return logits, self.model._get_feat_extract_output_lengths(lengths).tolist()

    def _generated(self, samples: list[sound.Samples], asked: list[tuple[str, str]]) -> list[Heard]:
        import torch
        from transformers import StoppingCriteria, StoppingCriteriaList

        from bench.decoding.telling import Tokens

        special = set(self.tokenizer.all_special_ids)
        unheard = special - set(self.ends)
        told = self.listener and Tokens(self.listener, [name for name, _ in asked], self.ends, unheard=unheard)
        calls: list[torch.Tensor] = []  # the tokens of each with their ends, which Whisper's `generate` takes off

        class Seen(StoppingCriteria):  # type: ignore[misc]
            def __call__(self, ids: Any, scores: Any, **_: Any) -> Any:
                if calls and calls[-1].shape[1] < ids.shape[1]:
                    calls.pop()  # the same call, a token later
                calls.append(ids)
                return torch.zeros(len(ids), dtype=torch.bool, device=ids.device)

        options: dict[str, Any] = {}
        if self.multilingual:
            options = {"language": [language for _, language in asked], "task": "transcribe"}
        with torch.inference_mode():
            ids = self.model.generate(
                **self._inputs(samples), do_sample=False, num_beams=1,
                stopping_criteria=StoppingCriteriaList([Seen(), *([told.criterion] if told else [])]), **options,
            )  # fmt: skip
        finishes = ["none"] * len(samples)  # Whisper that writes times may be called again, for some
        if len(calls) == 1:
            ended = torch.isin(calls[0][:, 1:], calls[0].new_tensor(self.ends)).any(-1)  # [0] may start with its end
            finishes = ["stop" if one else "length" for one in ended.tolist()]
        rows = zip(ids.tolist(), finishes, strict=True)
        found = [Heard([token for token in row if token not in special], finish) for row, finish in rows]
        for row, one in enumerate(found):
            made = len(one.ids) + (one.finish == "stop")
            if told and made != told.counted[row]:  # what was said again, and what was taken out of it
                told.tell(row, made - told.counted[row])
        return found

    def _inputs(self, samples: list[sound.Samples]) -> dict[str, Any]:
        """What the model takes of these samples, on the device and in its dtype."""
        return sound.extracted(
            self.extractor, samples, self.rate, self.model, padding="max_length" if self.fixed else "longest"
        )

    def _written(self, request: Request, heard: list[Heard]) -> Prediction:
        ids = [one.ids for one in heard]
        if self.auto_class == CTC:  # a token a frame: nothing is generated
            text = self.tokenizer.decode([token for row in ids for token in row]).strip()
            return Prediction(request.id, text=text, finish="stop")
        texts = [self.tokenizer.decode(row, skip_special_tokens=True).strip() for row in ids]
        finish = next(
            (one for one in ("length", "none") if one in [h.finish for h in heard]), "stop" if heard else "none"
        )
        return Prediction(request.id, text=" ".join(filter(None, texts)), new_tokens=sum(map(len, ids)), finish=finish)
