"""A text or image-text model that can watch: some frames of the film, and what is said in it."""

from __future__ import annotations

import contextlib
import io
import itertools
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from bench.errors import BenchError
from bench.models import sound
from bench.models.base import Model
from bench.models.listen import ListenThenRead, SoundOff, finished
from bench.models.pictures import MOST_PIXELS
from bench.types import Image, Part, Request, Text, Video

_KEPT = 32  # films whose frames are taken ahead
MOST_FRAMES = 2_000_000  # that are decoded of one film: six hours of sixty a second, and more
_LEAP = 10.0  # seconds of film that are skipped rather than decoded


class WatchThenRead(ListenThenRead):
    """`text_model` sees `n_frames` evenly spaced frames of the film if it takes pictures, and reads what `recogniser` hears.

    Both stand where the film stood, frames first, the words behind those of `lead`. Frames are PNG, their longer side at most
    `max_side` pixels. A film without sound is watched only; a model that takes no pictures then has nothing to go by, and the
    request fails. Of a film that is silent no text is given where the request has some of its own.
    """

    listens_to = Video

    def __init__(
        self,
        recogniser: Model,
        text_model: Model,
        language: str = "en",
        lead: str = "",
        *,
        n_frames: int = 8,
        max_side: int = 512,
    ) -> None:
        super().__init__(recogniser, text_model, language, lead)
        if n_frames < 1 or max_side < 16:
            raise BenchError(f"model.n_frames={n_frames} must be at least 1, model.max_side={max_side} at least 16")
        self.n_frames, self.max_side = n_frames, max_side
        self.sees = self.watches = "image" in text_model.parts
        self._ready: OrderedDict[str, list[Image]] = OrderedDict()

    def files(self, request: Request) -> list[str]:
        """The paths of the films."""
        return films(request)

    def ahead(self, batch: Sequence[Request]) -> None:
        """Let the recogniser read the sound, and take the frames; a film that cannot be read is left to `predict`."""
        super().ahead(batch)
        if not self.sees:
            return
        for path in list(dict.fromkeys(path for request in batch for path in films(request)))[:_KEPT]:
            with contextlib.suppress(ValueError):
                self._ready[path] = frames(path, self.n_frames, self.max_side)
        while len(self._ready) > _KEPT:
            self._ready.popitem(last=False)

    def to_hear(self, request: Request) -> Iterable[str]:
        """The films that have a sound track; raises ValueError where nothing would be left."""
        if isinstance(self.recogniser, SoundOff):
            return
        for path in films(request):
            if sound.has_track(path, "audio"):
                yield path
            elif not self.sees:
                raise ValueError(
                    f"{path} has no sound track, and {type(self.text_model).__name__} takes no pictures; choose a model that does"
                )

    def as_read(self, request: Request, heard: dict[str, str]) -> Request:
        """The request with frames and words in place of the film."""
        has_text = any(isinstance(part, Text) and part.role == "user" for part in request.parts)
        parts: list[Part] = []
        for part in request.parts:
            if not isinstance(part, Video):
                parts.append(part)
                continue
            seen = self._seen(part.path)
            parts += seen
            words = heard.get(part.path, "")
            if words or not (seen or has_text):
                parts.append(self.said(words))
        return finished(request, parts, " ".join(heard.get(path, "") for path in films(request)))

    def _seen(self, path: str) -> list[Image]:
        if not self.sees:
            return []
        ready = self._ready.pop(path, None)
        return frames(path, self.n_frames, self.max_side) if ready is None else ready


def films(request: Request) -> list[str]:
    """The paths of a request's films."""
    return [part.path for part in request.parts if isinstance(part, Video)]


def frames(path: str, n: int, max_side: int) -> list[Image]:
    """At most `n` frames as PNG, upright: those shown at the middle of each n-th of the film; fewer where it has fewer.

    Raises ValueError when the file is missing, holds no pictures or is damaged before the first one.
    """
    import numpy as np
    from PIL import Image as Pillow

    found = []
    for frame in shown(path, n):
        picture = Pillow.fromarray(upright(frame, np.asarray(frame.to_image())))
        picture.thumbnail((max_side, max_side), Pillow.Resampling.LANCZOS)
        data = io.BytesIO()
        picture.save(data, "PNG", compress_level=1)
        found.append(Image(data.getvalue()))
    return found


def upright(frame: Any, pixels: Any) -> Any:
    """A frame's pixels [h, w, ...] turned and mirrored as the film's display matrix says, to the nearest quarter of a turn."""
    import numpy as np

    if (matrix := frame.side_data.get("DISPLAYMATRIX")) is None or matrix.buffer_size != 9 * 4:
        return pixels
    (a, b, _), (c, d, _), _ = np.frombuffer(matrix, "i4").reshape(3, 3)
    if quarter := abs(int(b)) > abs(int(a)):  # across becomes down
        pixels = pixels.swapaxes(0, 1)
    across, down = (c, b) if quarter else (a, d)
    return np.ascontiguousarray(pixels[:: -1 if down < 0 else 1, :: -1 if across < 0 else 1])


def shown(path: str, n: int) -> Iterator[Any]:
    """The frames on the screen at the middle of each n-th of the film, none twice, not yet `upright`; as `frames` raises."""
    av = sound.library()
    with sound.opened(path) as file:
        track = sound.track_of(path, file.streams.video, "pictures; give a film")
        _refuse_large(path, track)
        sound.refuse_long(path, _seconds(file, track))
        track.thread_type = "AUTO"
        start, seconds = float((track.start_time or 0) * track.time_base), _seconds(file, track)
        given = None
        try:
            for frame in _at(file, track, [start + seconds * (2 * i + 1) / (2 * n) for i in range(n)]):
                if frame is not given:
                    _refuse_large(path, frame)  # a frame may be of another size than the head says
                    yield frame
                given = frame
        except av.error.FFmpegError as error:
            raise ValueError(f"{path} is cut off or damaged ({error.strerror}); bring the file again") from None
        if given is None:
            raise ValueError(f"{path} has no pictures; bring the file again")


def _refuse_large(path: str, picture: Any) -> None:
    if picture.width * picture.height > MOST_PIXELS:
        raise ValueError(f"{path}: {picture.width} x {picture.height} are more than {MOST_PIXELS:,} pixels a frame")


def _at(file: Any, track: Any, seconds: Sequence[float]) -> Iterator[Any]:
    """The last frame that begins by each of these times, or the first of all."""
    n = itertools.count(1)

    def decoded() -> Iterator[Any]:
        for frame in file.decode(track):
            if next(n) > MOST_FRAMES:
                raise ValueError(f"{file.name} has more than {MOST_FRAMES:,} frames; cut it")
            yield frame

    coming = decoded()
    last, ahead = None, next(coming, None)
    for due in seconds:
        if ahead is not None and due - (ahead.time or 0.0) > _LEAP:
            file.seek(int(due / track.time_base), stream=track)  # to the key frame before
            coming = decoded()
            last, ahead = None, next(coming, None)
        while ahead is not None and (last is None or (ahead.time or 0.0) <= due):
            last, ahead = ahead, next(coming, None)
        if last is not None:
            yield last


def _seconds(file: Any, track: Any) -> float:
    """How long the film is by its head: of the pictures, else of the whole; 0 where it does not say."""
    if track.duration:
        return float(track.duration * track.time_base)
    return float(file.duration or 0) / 1e6
