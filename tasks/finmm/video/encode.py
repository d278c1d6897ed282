"""Film and sound into an MP4 file whose bytes depend on nothing but the frames and the samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from bench.errors import BenchError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    Samples: TypeAlias = NDArray[np.float32]

RATE = 22_050  # samples a second, of the voices and so of the films
# With mbtree x264 reads memory that it has not written, and the same frames give other bytes from one time to the next.
_QUALITY = {"crf": "24", "preset": "veryfast", "x264-params": "threads=1:lookahead-threads=1:sliced-threads=0:mbtree=0"}


@dataclass(frozen=True)
class Film:
    """What is to be encoded: `frames` come one by one; `samples` [n] at `RATE`, full scale at ±1.

    `words` are (word, start, end) in seconds, `seen` says from when to when what a question asks about is in view, by its id.
    """

    size: tuple[int, int]
    fps: int
    seconds: float
    frames: Iterator[Image.Image]
    samples: Samples
    words: tuple[tuple[str, float, float], ...]
    seen: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def encode(film: Film, path: Path) -> None:
    """Write the film: H.264 and AAC, one thread each, no date and no name of a program in it."""
    av = _library()
    import numpy as np

    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with av.open(str(path), "w", format="mp4", container_options=options) as file:
        pictures = file.add_stream("libx264", rate=film.fps, options=_QUALITY)
        pictures.width, pictures.height = film.size
        pictures.pix_fmt = "yuv420p"
        pictures.codec_context.thread_count = 1
        pictures.codec_context.gop_size = 4 * film.fps
        sound = file.add_stream("aac", rate=RATE, layout="mono")
        sound.codec_context.thread_count = 1
        sound.bit_rate = 48_000
        for stream in (pictures, sound):
            stream.codec_context.flags |= 1 << 23  # AV_CODEC_FLAG_BITEXACT
        n = round(film.seconds * RATE)
        samples = np.zeros(n, np.float32)
        samples[: min(n, len(film.samples))] = film.samples[:n]
        written = 0
        for number, picture in enumerate(film.frames, start=1):
            file.mux(pictures.encode(av.VideoFrame.from_image(picture)))
            due = min(n, round(number * RATE / film.fps))  # sound and picture lie side by side in the file
            written = _sounded(av, file, sound, samples, (written, due))
        _sounded(av, file, sound, samples, (written, n))
        for stream in (pictures, sound):
            file.mux(stream.encode(None))


def _sounded(av: Any, file: Any, stream: Any, samples: Samples, part: tuple[int, int]) -> int:
    start, end = part
    if end > start:
        frame = av.AudioFrame.from_ndarray(samples[None, start:end], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = RATE, start
        file.mux(stream.encode(frame))
    return end


def _library() -> Any:
    try:
        import av
    except ImportError:
        raise BenchError("rendering films needs PyAV; install it with `pip install 'finai-bench[audio]'`") from None
    return av
