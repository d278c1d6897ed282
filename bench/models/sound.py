"""Reading recordings: any sound file, or the sound track of a film, as mono samples at the rate that a model wants.

A recording is read piece by piece, so that a call of an hour takes no more memory than one window of it. FFmpeg decodes it,
through PyAV: WAV, FLAC, Ogg, MP3, MP4 and the rest.
"""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from bench.data import whole
from bench.errors import BenchError
from bench.types import Audio, Request

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples: TypeAlias = NDArray[np.float32]

SHORTEST = 0.1  # seconds; what is shorter is padded with silence, for convolutions need a few samples
MOST_SECONDS = 6 * 3600.0  # of a recording or film
RATES = (1_000, 768_000)  # samples a second
MOST_CHANNELS = 64
_LENGTH_IS_KNOWN = ("flac", "mov,mp4", "aiff")  # formats whose head tells the length; elsewhere FFmpeg may estimate it
_XING = (b"Xing\0\0\0", b"Info\0\0\0")  # how an MP3's head that tells the length begins


def library() -> Any:
    """PyAV; raises BenchError where it is not installed."""
    try:
        import av
    except ImportError:
        raise BenchError(
            "reading sound and film needs PyAV; install it with `pip install 'finai-bench[audio]'`"
        ) from None
    return av


def recording(request: Request) -> str:
    """The path of the one recording that a request holds; raises ValueError where there is none, or more than one."""
    paths = [part.path for part in request.parts if isinstance(part, Audio)]
    if len(paths) != 1:
        raise ValueError(f"request {request.id!r} holds {len(paths)} recordings; exactly one can be listened to")
    return paths[0]


def n_tokens(paths: Iterable[str]) -> int:
    """How long recordings are, about, by the size of their files: fifty frames for a second of 16-bit sound at 16 kHz.

    Those that are missing count nothing.
    """
    return sum(Path(path).stat().st_size // 640 for path in paths if Path(path).is_file())


def has_track(path: str, kind: str) -> bool:
    """Whether the file has a track of `kind`, "audio" or "video"; raises ValueError as `opened` does."""
    with opened(path) as file:
        return any(stream.type == kind for stream in file.streams)


def opened(path: str) -> Any:
    """PyAV's container of a file; raises ValueError when it is missing, cut off, or neither sound nor film."""
    av = library()
    if not Path(path).is_file():
        raise ValueError(f"{path} does not exist as a file; bring the recording, or correct the data directory")
    try:
        found = av.open(f"file:{path}", options=dict(whole.READ), metadata_errors="replace")  # tags are of any encoding
    except (OSError, av.error.FFmpegError) as error:
        with Path(path).open("rb") as file:
            pointer = file.read(40).startswith(b"version https://git-lfs")
        advice = "it is a pointer of git-lfs: run `git lfs pull`" if pointer else "bring the file again"
        why = ", ".join(filter(None, (_reason(error), whole.cut(path))))
        raise ValueError(f"{path} holds no sound or film that FFmpeg can read ({why}); {advice}") from None
    try:
        whole.refuse_cut(path)
    except ValueError:
        found.close()
        raise
    return found


def pieces(path: str, rate: int) -> Iterator[Samples]:
    """The samples of a recording in order, as mono float32 [n] at `rate` samples a second, full scale at ±1.

    Channels are averaged. Raises ValueError when the file is missing, holds no sound, is cut off or damaged, or lasts 0
    seconds. That an MP3 or Ogg is cut off can be seen only where its head tells its length.
    """
    av = library()
    n = 0
    with opened(path) as file:
        track = track_of(path, file.streams.audio, "sound track; give a file with sound")
        due = _seconds_due(path, file.format.name, track)
        _refuse_odd(path, track, due)
        try:
            resampler = av.AudioResampler(format="fltp", layout=track.layout, rate=rate)
            for frame in itertools.chain(file.decode(track), [None]):
                for found in resampler.resample(frame):
                    samples = _mono(found.to_ndarray(), path)
                    n += len(samples)
                    refuse_long(path, n / rate)
                    yield samples
        except av.error.FFmpegError as error:
            raise ValueError(
                f"{path} is cut off or damaged after {n / rate:.1f} s ({_reason(error)}); bring the file again"
            ) from None
    if n == 0:
        raise ValueError(f"{path} lasts 0 seconds; bring the file again")
    if due is not None and n / rate < due - max(0.5, 0.01 * due):
        raise ValueError(f"{path} is cut off: {n / rate:.1f} of {due:.1f} s can be read; bring the file again")


def track_of(path: str, tracks: Sequence[Any], what: str) -> Any:
    """The first of the tracks of a kind; raises ValueError where there is none, or nothing can decode it."""
    if not tracks:
        raise ValueError(f"{path} has no {what}")
    if tracks[0].codec_context is None:  # PyAV then knows neither its rate nor its size
        kind = {"audio": "an audio", "video": "a video"}[tracks[0].type]
        raise ValueError(f"{path} has {kind} track in a format that FFmpeg does not know; bring the file again")
    return tracks[0]


def refuse_long(path: str, seconds: float) -> None:
    """Raise ValueError for what lasts longer than anything that is asked about."""
    if seconds > MOST_SECONDS:
        raise ValueError(f"{path} lasts more than {MOST_SECONDS / 3600:g} hours, which is as much as is read; cut it")


def _refuse_odd(path: str, track: Any, seconds: float | None) -> None:
    """Raise ValueError for a track that would cost much more to read than its size."""
    refuse_long(path, seconds or 0.0)
    rate, channels = track.rate or 0, track.channels or 0
    if not RATES[0] <= rate <= RATES[1] or not 1 <= channels <= MOST_CHANNELS:
        raise ValueError(
            f"{path} has {channels} channels of {rate:,} samples a second; 1 to {MOST_CHANNELS} of {RATES[0]:,} to "
            f"{RATES[1]:,} can be read"
        )


def seconds(path: str) -> float | None:
    """How long the longest track of a file is by its head, None where that says nothing; raises ValueError as `opened` does."""
    with opened(path) as file:
        known = [
            float(track.duration * track.time_base) for track in file.streams if track.duration and track.time_base
        ]
        return max(known) if known else float(file.duration) / 1e6 if file.duration else None


def read(path: str, rate: int) -> Samples:
    """A whole recording, as `pieces` gives it."""
    import numpy as np

    return np.concatenate(list(pieces(path, rate)))


def _mono(channels: NDArray[np.float32], path: str) -> Samples:
    """The mean of channels [c, n]; raises ValueError when a sample is no number."""
    import numpy as np

    samples: Samples = channels.mean(axis=0, dtype=np.float32)
    if not np.isfinite(samples).all():
        raise ValueError(f"{path} holds samples that are not finite numbers; bring the file again")
    return samples


def _seconds_due(path: str, kind: str, track: Any) -> float | None:
    """How long the file's head says that it is, None where it says nothing or only FFmpeg's estimate is to be had."""
    with Path(path).open("rb") as file:
        head = file.read(65_536)
    known = kind.startswith(_LENGTH_IS_KNOWN) or (kind == "mp3" and any(mark in head for mark in _XING))
    return float(track.duration * track.time_base) if known and track.duration else None


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).splitlines()[0]


class Ahead:
    """Recordings that are read before they are asked for: at most `seconds` of sound, each handed out once."""

    def __init__(self, seconds: float = 1_800.0) -> None:
        self.seconds = seconds
        self._held: OrderedDict[tuple[str, int], Samples] = OrderedDict()
        self._lock = threading.Lock()  # `prepare` reads in a thread of its own

    def prepare(self, paths: Sequence[str], rate: int) -> None:
        """Read what is short enough; a file that cannot be read is left to `pieces`, whose caller is told."""
        for path in dict.fromkeys(paths):
            if (found := self._read(path, rate)) is not None:
                with self._lock:
                    self._held[path, rate] = found
                    while sum(len(samples) for samples in self._held.values()) > self.seconds * rate:
                        self._held.popitem(last=False)

    def _read(self, path: str, rate: int) -> Samples | None:
        import numpy as np

        found, n = [], 0
        try:
            for piece in pieces(path, rate):
                found.append(piece)
                n += len(piece)
                if n > self.seconds * rate / 4:  # a long call is read while it is listened to
                    return None
        except (ValueError, OSError):
            return None
        return np.concatenate(found)

    def pieces(self, path: str, rate: int) -> Iterator[Samples]:
        """As the function of this name, out of what was read before if it is there."""
        with self._lock:
            found = self._held.pop((path, rate), None)
        return pieces(path, rate) if found is None else iter([found])


def extracted(
    extractor: Any, samples: Sequence[Samples], rate: int, model: Any, *, padding: str = "longest"
) -> dict[str, Any]:
    """A feature extractor's output for a batch, on the model's device and in its dtype."""
    import numpy as np

    least = round(SHORTEST * rate)
    padded = [np.pad(x, (0, max(0, least - len(x)))) for x in samples]
    found = extractor(padded, sampling_rate=rate, padding=padding, return_tensors="pt")
    return {
        name: value.to(model.device, model.dtype) if value.is_floating_point() else value.to(model.device)
        for name, value in found.items()
    }
