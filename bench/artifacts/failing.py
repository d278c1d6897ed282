"""The one line for what cannot be had, or cannot be kept."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from bench.artifacts.digest import cache_dir
from bench.artifacts.uri import Source
from bench.errors import BenchError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EIO)
_NUMBER = re.compile(r"\[Errno (\d+)\]|\(os error (\d+)\)")  # as Python and Rust write it


def unreachable(source: Source, error: Exception, instead: str = "give a local path") -> BenchError:
    """The one line for a source that could not be brought; where the disk is the reason, it says so."""
    if said := _lacking(error, _FULL):
        return _unkept(source.uri, said)
    lines = str(error).strip().split("\n")
    line = lines[0].strip() or type(error).__name__
    return BenchError(f"{source.uri} could not be fetched ({line[:200]}); check the network, or {instead}")


def full(text: str) -> str:
    """What a program said of a full disk in these lines, "" where it said nothing of one."""
    numbers = [int(one or other) for one, other in _NUMBER.findall(text)]
    return next((os.strerror(number) for number in numbers if number in _FULL), "")


def no_room(uri: str, said: str) -> BenchError:
    """The one line for a source that the cache has no room for."""
    return _unkept(uri, said)


@contextmanager
def keeping(what: str) -> Iterator[None]:
    """A block that writes into the cache: a full disk, and a cache that cannot be written, become one line about `what`."""
    try:
        yield
    except BenchError:
        raise
    except Exception as error:  # libraries that write files wrap what the system says
        said = _lacking(error, (*_FULL, *_CLOSED))
        if not said:
            raise
        raise _unkept(what, said) from None


def _unkept(what: str, said: str) -> BenchError:
    return BenchError(
        f"{what} cannot be kept in {cache_dir()} ({said}), and nothing of it is left there; free space, or set BENCH_CACHE to a "
        "folder that can be written and has room"
    )


def _lacking(error: BaseException, numbers: tuple[int, ...]) -> str:
    """What the system says about the disk in this error, or in those that it was raised from; "" where it says nothing."""
    seen: BaseException | None = error
    while seen is not None:
        inner = getattr(seen, "reason", None)  # of urllib's
        for one in (seen, inner):
            if isinstance(one, OSError) and one.errno in numbers:
                return os.strerror(one.errno)
        for number in (int(a or b) for a, b in _NUMBER.findall(str(seen))):
            if number in numbers:
                return os.strerror(number)
        seen = seen.__cause__ or seen.__context__
    return ""
