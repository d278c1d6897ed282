"""What recognisers share that write English, hear one window after the other and come with a package."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import ClassVar

from bench.artifacts.digest import digest
from bench.artifacts.fetch import locate, resolved
from bench.artifacts.uri import parse
from bench.errors import BenchError
from bench.models import sound, sound_windows
from bench.models.audio_model import AudioModel
from bench.types import Request, Transcribe

RATE = 16_000  # samples a second
FETCH = "bench fetch model=NAME"
_SEARCH = 0.3  # the share of a window, at its end, in which a pause is looked for


class WindowRecogniser(AudioModel):
    """Hears English by itself on the CPU: the weights are the folder `source`; `library` is a package without a record of its own.

    A recording is cut into windows of at most `window_seconds`, each in the quietest tenth of a second of its last 30 %; a
    window that holds no sound gives no words.
    """

    outputs = (Transcribe,)
    rate = RATE
    uses_device = False  # the CPU, whatever the device
    answers_alone = True
    library: ClassVar[str] = ""
    longest: ClassVar[float] = 120.0  # seconds that a window may have

    def __init__(self, source: str, sha256: str | None, window_seconds: float) -> None:
        if not 1 <= window_seconds <= self.longest:
            raise BenchError(f"model.window_seconds={window_seconds} must be from 1 to {self.longest:g}")
        parse(source)
        self.source, self.sha256, self.window_seconds = source, sha256, window_seconds
        self.ahead = sound.Ahead()

    @functools.cached_property
    def revision(self) -> str:  # type: ignore[override]  # found out when it is first asked for
        """The versions of the library, where it is named, and of the source."""
        try:
            library = f"{self.library} {version(self.library)}" if self.library else ""
        except PackageNotFoundError:
            library = ""
        return " + ".join(filter(None, [library, resolved(parse(self.source)).revision]))

    @functools.cached_property
    def weights_sha256(self) -> str:  # type: ignore[override]
        """The digest of the folder: the given one, which is checked, else that of what is there."""
        return self.sha256 or digest(locate(self.source, fetch=FETCH))

    def fetch(self) -> None:
        """Bring the weights into the cache."""
        locate(self.source, sha256=self.sha256, fetch=FETCH)

    def inside(self, *names: str) -> list[Path]:
        """The files or folders of these names among the weights; raises BenchError for one that is not there."""
        folder = locate(self.source, sha256=self.sha256, fetch=FETCH)
        for name in names:
            if not (folder / name).exists():
                raise BenchError(
                    f"{self.source} holds no {name}; it must hold {', '.join(names)}: correct model.source"
                )
        return [folder / name for name in names]

    def windows(self, request: Request) -> Iterator[sound.Samples]:
        """The windows of a recording that hold sound; raises ValueError for another language than English."""
        output = request.output
        if not isinstance(output, Transcribe) or output.language != "en":
            raise ValueError(f"{type(self).__name__} writes down English ('en'); it was asked for {output!r}")
        longest = round(self.window_seconds * RATE)
        for window in sound_windows.at_pauses(self.pieces(request), RATE, longest, round(_SEARCH * longest)):
            if not window.silent:
                yield window.samples
