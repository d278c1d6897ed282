"""PocketSphinx: a recogniser of English speech that needs a hundred megabytes and no GPU."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bench.artifacts.digest import digest
from bench.artifacts.fetch import locate, resolved
from bench.artifacts.uri import parse
from bench.errors import BenchError
from bench.models import sound, sound_windows
from bench.models.audio_model import AudioModel
from bench.models.base import Device
from bench.types import Prediction, Request, Transcribe

RATE = 16_000  # samples a second, which the acoustic model was trained at
_FETCH = "bench fetch model=NAME"
_SEARCH = 0.3  # the share of a window, at its end, in which a pause is looked for


class PocketSphinx(AudioModel):
    """Writes English in lower case without punctuation.

    `source` is a folder with the acoustic model `acoustic`, the language model `words` and the dictionary `dictionary`. A
    recording is cut into windows of at most `window_seconds`, each in the quietest tenth of a second of its last 30 %; a
    window that holds no sound gives no words.
    """

    outputs = (Transcribe,)
    rate = RATE
    uses_device = False  # one core of the CPU, whatever the device
    answers_alone = True  # see `_words`

    def __init__(
        self,
        source: str,
        sha256: str | None = None,
        acoustic: str = "en-us",
        words: str = "en-us.lm.bin",
        dictionary: str = "cmudict-en-us.dict",
        window_seconds: float = 15.0,
    ) -> None:
        if not 1 <= window_seconds <= 120:
            raise BenchError(f"model.window_seconds={window_seconds} must be from 1 to 120")
        parse(source)
        self.source, self.sha256, self.window_seconds = source, sha256, window_seconds
        self.files = {"hmm": acoustic, "lm": words, "dict": dictionary}
        self.ahead = sound.Ahead()

    @functools.cached_property
    def revision(self) -> str:  # type: ignore[override]  # found out when it is first asked for
        """The versions of the library and of its source."""
        try:
            library = f"pocketsphinx {version('pocketsphinx')}"
        except PackageNotFoundError:
            library = ""
        return " + ".join(filter(None, [library, resolved(parse(self.source)).revision]))

    @functools.cached_property
    def weights_sha256(self) -> str:  # type: ignore[override]
        """The digest of the folder: the given one, which is checked, else that of what is there."""
        return self.sha256 or digest(locate(self.source, fetch=_FETCH))

    def fetch(self) -> None:
        """Bring the models into the cache."""
        locate(self.source, sha256=self.sha256, fetch=_FETCH)

    def load(self, device: Device, *, seed: int) -> None:
        """Load the models; the search has no chance in it, so the seed changes nothing."""
        sound.library()
        try:
            import pocketsphinx
        except ImportError:
            raise BenchError(
                "this recogniser needs PocketSphinx; install it with `pip install 'finai-bench[audio]'`"
            ) from None
        folder = locate(self.source, sha256=self.sha256, fetch=_FETCH)
        places = {name: folder / inside for name, inside in self.files.items()}
        for path in places.values():
            if not Path(path).exists():
                raise BenchError(f"{self.source} holds no {path.name}; correct model.acoustic, .words or .dictionary")
        try:
            self.decoder: Any = pocketsphinx.Decoder(
                **{name: str(path) for name, path in places.items()}, loglevel="FATAL"
            )
        except (RuntimeError, ValueError) as error:
            raise BenchError(f"{self.source} cannot be loaded ({error}); bring the folder again") from None

    def predict(self, batch: Sequence[Request]) -> Iterator[Prediction]:
        """One recording after the other."""
        return (Prediction(request.id, text=self._text(request), finish="stop") for request in batch)

    def _text(self, request: Request) -> str:
        output = request.output
        if not isinstance(output, Transcribe) or output.language != "en":
            raise ValueError(f"PocketSphinx writes down English ('en'); it was asked for {output!r}")
        longest = round(self.window_seconds * RATE)
        windows = sound_windows.at_pauses(self.pieces(request), RATE, longest, round(_SEARCH * longest))
        return " ".join(filter(None, (self._words(window.samples) for window in windows if not window.silent)))

    def _words(self, samples: sound.Samples) -> str:
        """The words of one window."""
        import numpy as np

        # The level of noise and the cepstral mean are carried from one utterance to the next, so that a recording would be
        # heard otherwise behind another one.
        self.decoder.reinit_feat()
        self.decoder.start_utt()
        self.decoder.process_raw((np.clip(samples, -1, 1) * 32_767).astype("<i2").tobytes(), full_utt=True)
        self.decoder.end_utt()
        found = self.decoder.hyp()
        return str(found.hypstr) if found is not None else ""
