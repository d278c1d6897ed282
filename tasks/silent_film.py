"""A film without its sound, so that a model which takes films sees it and hears nothing."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from bench.artifacts.digest import derived, digest
from bench.errors import BenchError


def without_sound(path: str) -> str:
    """The path of a copy of the film with its pictures alone, made once and kept in the cache.

    A film that is missing or cannot be read is given as it is: the model's reason for failing is then that of any film. Raises
    BenchError where PyAV is not installed or the cache cannot be written.
    """
    av = _library()
    if not Path(path).is_file():
        return path
    place = derived(digest(Path(path)), f"silent-av{av.__version__}.mp4")
    if place.is_file():
        return str(place)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=".") as folder:
            new = Path(folder) / place.name
            _copy_pictures(av, path, new)
            os.replace(new, place)
    except (av.error.FFmpegError, _NoPictures):
        return path
    except OSError as error:
        raise BenchError(
            f"{place.parent} cannot be written ({error.strerror}); set BENCH_CACHE to a folder for films without sound"
        ) from None
    return str(place)


class _NoPictures(Exception):
    pass


def _copy_pictures(av: Any, path: str, new: Path) -> None:
    """The coded pictures as they are: nothing is decoded."""
    with av.open(f"file:{path}", options={"protocol_whitelist": "file"}) as film:
        if not film.streams.video:
            raise _NoPictures
        source = film.streams.video[0]
        with av.open(str(new), "w", format="mp4", container_options={"fflags": "+bitexact"}) as copy:
            track = copy.add_stream_from_template(source)
            for packet in film.demux(source):
                if packet.dts is not None:
                    packet.stream = track
                    copy.mux(packet)


def _library() -> Any:
    try:
        import av
    except ImportError:
        raise BenchError(
            "taking the sound out of films needs PyAV; install it with `pip install 'finai-bench[audio]'`"
        ) from None
    return av
