"""A voice record and a video record that keep to their specifications, and the files they name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from spoken import tone, write_wav

VOICE: dict[str, Any] = {
    "id": "v1", "file": "sounds/v1.wav", "seconds": 4.0, "rate": 8000, "channel": "telephone", "language": "en-GB",
    "licence": "CC0-1.0", "source": "synthetic", "conversation": "c1",
    "speakers": [
        {"id": "s1", "role": "customer", "accent": "Scottish", "sex": "female", "synthetic": True},
        {"id": "s2", "role": "agent", "accent": "en-US", "sex": "male", "synthetic": True, "voice": "espeak-ng en-us"},
    ],
    "segments": [
        {"speaker": "s1", "start": 0.2, "end": 2.5, "text": "You took £12.50 on 3 March.", "words": [
            {"word": word, "start": 0.2 + 0.2 * i, "end": 0.4 + 0.2 * i}
            for i, word in enumerate("you took twelve pounds fifty on the third of march".split())
        ], "entities": [
            {"kind": "amount", "spoken": "twelve pounds fifty", "written": "£12.50", "value": "12.50 GBP",
             "first_word": 2, "last_word": 4},
            {"kind": "date", "spoken": "the third of March", "written": "3 March", "value": "--03-03",
             "first_word": 6, "last_word": 9},
        ], "valence": -0.5, "arousal": 0.6, "emotion": "anger"},
        {"speaker": "s2", "start": 2.4, "end": 3.9, "text": "Sorry.", "words": [{"word": "sorry", "start": 3.0, "end": 3.9}]},
    ],
    "annotations": [
        {"annotator": "a1", "segment": 0, "valence": -0.4, "arousal": 0.6, "emotion": "anger"},
        {"annotator": "a2", "segment": 0, "valence": -0.6, "arousal": 0.6, "emotion": "sad"},
    ],
    "agreement": "averaged",
}  # fmt: skip

VIDEO: dict[str, Any] = {
    **VOICE, "id": "f1", "file": "f1/1.mp4", "kind": "document", "width": 64, "height": 48, "frame_rate": 10,
    "questions": [{"id": "f1-q1", "question": "What is due?", "answers": ["£12.50"], "from": 0.0, "to": 4.0,
                   "evidence": ["total"]}],
    "boxes": [
        {"name": "total", "value": "£12.50", "from": 0.0, "to": 2.0, "box": [0, 0, 9, 9]},
        {"name": "total", "from": 2.0, "to": 4.0, "box": [9, 0, 64, 48]},
    ],
}  # fmt: skip


def write_sound(path: Path, seconds: float = 4.0, rate: int = 8000) -> Path:
    """A tone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_wav(path, tone(seconds, rate), rate)


def write_film(path: Path, seconds: float = 4.0, *, rate: int | None = 8000, size: tuple[int, int] = (64, 48)) -> Path:
    """Grey frames, ten a second, with a tone unless `rate` is None."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as file:
        picture = file.add_stream("mpeg4", rate=10)
        picture.width, picture.height, picture.pix_fmt = *size, "yuv420p"
        sound = file.add_stream("aac", rate=rate, layout="mono") if rate else None
        for i in range(round(seconds * 10)):
            pixels = np.full((size[1], size[0], 3), 5 * i % 250, np.uint8)
            file.mux(picture.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        file.mux(picture.encode())
        if rate and sound:
            samples = tone(seconds, rate).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
            frame.sample_rate = rate
            file.mux(sound.encode(frame))
            file.mux(sound.encode())
    return path
