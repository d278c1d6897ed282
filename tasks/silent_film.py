"""A film without its sound, so that a model which takes films sees it and hears nothing."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

from bench.artifacts.digest import derived, digest
from bench.artifacts.made import made
from bench.data.whole import READ, cut, refuse_cut
from bench.errors import BenchError
from bench.types import Video

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)  # trouble of the cache, not of the film


def shown_only(path: str) -> Video:
    """The film without its sound, known by the film's own name; one that cannot be had so is its fault, and no file."""
    try:
        found, fault = without_sound(path), ""
    except ValueError as error:
        found, fault = path, str(error)
    if found != path or not Path(path).is_file():
        return Video(found, made_from=path)
    if not fault:
        missing = cut(path)
        fault = f"{path} holds no film that FFmpeg can read{f' ({missing})' if missing else ''}; bring the file again"
    return Video(str(_place(_library(), path)), made_from=path, fault=fault)


def without_sound(path: str) -> str:
    """The path of a copy of the film with its pictures alone, made once and kept in the cache.

    What is missing, or nothing that FFmpeg can read, is given as it is: the model's reason for failing is then that of any film.
    Raises ValueError, which names the film, where it is cut off or damaged, holds no pictures, or holds such as cannot be copied;
    BenchError where PyAV is not installed or the cache cannot be written.
    """
    av = _library()
    if not Path(path).is_file():
        return path
    place = _place(av, path)
    if not place.is_file() and not _opens(av, path):
        return path
    refuse_cut(path)
    try:
        made(place, "copying the pictures of", path, lambda draft: _copy_pictures(av, path, draft))
    except av.error.FFmpegError as error:
        if error.errno in _FULL:
            raise _unwritable(place, error) from None
        raise ValueError(
            f"{path} is damaged, or cannot be copied without its sound ({error.strerror}); bring the file again"
        ) from None
    except OSError as error:
        raise _unwritable(place, error) from None
    return str(place)


def _unwritable(place: Path, error: Any) -> BenchError:
    return BenchError(
        f"{place.parent} cannot be written ({error.strerror}); set BENCH_CACHE to a folder for films without sound"
    )


def _place(av: Any, path: str) -> Path:
    return derived(digest(Path(path)), f"silent-av{av.__version__}.mp4")


def _opens(av: Any, path: str) -> bool:
    """Whether FFmpeg finds sound or pictures in the file."""
    try:
        with _opened(av, path) as film:
            return any(stream.type in ("audio", "video") for stream in film.streams)
    except (OSError, av.error.FFmpegError):
        return False


def _opened(av: Any, path: str) -> Any:
    return av.open(f"file:{path}", options=dict(READ), metadata_errors="replace")  # tags are of any encoding


def _copy_pictures(av: Any, path: str, new: Path) -> None:
    """The coded pictures as they are: nothing is decoded. Raises ValueError where there are none, or none that MP4 takes."""
    with _opened(av, path) as film:
        if not film.streams.video:
            raise ValueError(f"{path} has no pictures; give a film")
        source = film.streams.video[0]
        with av.open(str(new), "w", format="mp4", container_options={"fflags": "+bitexact"}) as copy:
            try:
                track = copy.add_stream_from_template(source)
            except (ValueError, AttributeError):  # a codec that is not MP4's, or that nobody here knows
                codec = getattr(source.codec_context, "name", "unknown")
                raise ValueError(
                    f"{path} has pictures of the codec {codec}, which cannot be copied into an MP4 without "
                    "their sound; give the film in H.264, or choose a modality with the sound"
                ) from None
            n = 0
            for packet in film.demux(source):
                if packet.dts is not None:
                    packet.stream = track
                    copy.mux(packet)
                    n += 1
            if not n:
                raise ValueError(f"{path} has no pictures; bring the file again")


def _library() -> Any:
    try:
        import av
    except ImportError:
        raise BenchError(
            "taking the sound out of films needs PyAV; install it with `pip install 'finai-bench[audio]'`"
        ) from None
    return av
