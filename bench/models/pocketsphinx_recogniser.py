"""PocketSphinx: a recogniser of English speech that needs a hundred megabytes and no GPU."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bench.errors import BenchError
from bench.models import sound
from bench.models.base import Device
from bench.models.window_recogniser import WindowRecogniser
from bench.types import Prediction, Request


class PocketSphinx(WindowRecogniser):
    """Writes English in lower case without punctuation, on one core.

    `source` is a folder with the acoustic model `acoustic`, the language model `words` and the dictionary `dictionary`.
    """

    library = "pocketsphinx"

    def __init__(
        self,
        source: str,
        sha256: str | None = None,
        acoustic: str = "en-us",
        words: str = "en-us.lm.bin",
        dictionary: str = "cmudict-en-us.dict",
        window_seconds: float = 15.0,
    ) -> None:
        super().__init__(source, sha256, window_seconds)
        self.files = {"hmm": acoustic, "lm": words, "dict": dictionary}

    def load(self, device: Device, *, seed: int) -> None:
        """Load the models; the search has no chance in it, so the seed changes nothing."""
        sound.library()
        try:
            import pocketsphinx
        except ImportError:
            raise BenchError(
                "this recogniser needs PocketSphinx; install it with `pip install 'finai-bench[audio]'`"
            ) from None
        places = dict(zip(self.files, map(str, self.inside(*self.files.values())), strict=True))
        try:
            self.decoder: Any = pocketsphinx.Decoder(**places, loglevel="FATAL")
        except (RuntimeError, ValueError) as error:
            raise BenchError(f"{self.source} cannot be loaded ({error}); bring the folder again") from None

    def predict(self, batch: Sequence[Request]) -> Iterator[Prediction]:
        """One recording after the other."""
        return (Prediction(request.id, text=self._text(request), finish="stop") for request in batch)

    def _text(self, request: Request) -> str:
        return " ".join(filter(None, map(self._words, self.windows(request))))

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
