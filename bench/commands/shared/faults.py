"""What nobody planned for: a limit of the machine, which a user can raise, or a fault of bench itself, which is reported."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench.disk import remedy, write_atomically
from bench.errors import BenchError, fault
from bench.logs import log
from bench.text.shown import tell

_LEAST_BYTES = 320_000_000  # of address space; below some 260 NumPy's libraries end the process, or hang
KEPT = "what was computed is kept"
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.ESTALE)
_ODD = (errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EISDIR)
_NO_ROOM_FOR_CODE = ("Cannot allocate memory", "failed to map segment")
_NUMBERS = frozenset(
    "limit seed seeds batch_size batch_tokens resamples shots max_new_tokens audit_size device.threads".split()
)  # keys whose numbers say nothing of anybody
_PUBLIC = (
    "suite",
    "task",
    "model",
    "device",
    "tracking",
    "timing",
    "price",
    "launch",
)  # groups whose choices are names of conf/


def limit(error: BaseException) -> str:
    """One line for a limit that this error, or what it came of, ran into, or a folder that went away; "" for every other error."""
    for one in _chain(error):
        if isinstance(one, FileNotFoundError) and (folder := log.folder()) is not None and not folder.is_dir():
            return f"{folder} went away while the run was at it; put it back, if it is somewhere, and run the same command again"
        if isinstance(one, FileNotFoundError) and not _has_folder():
            return "the current folder was removed; change into one that is there and run the same command again"
        if isinstance(one, OSError) and one.errno in _ODD and one.filename is not None:
            return f"{one.filename}: {one.strerror}; correct the name, or what lies there, and run the same command again: {KEPT}"
        is_unloaded = isinstance(one, ImportError) and any(said in str(one) for said in _NO_ROOM_FOR_CODE)
        if isinstance(one, MemoryError) or is_unloaded or (isinstance(one, OSError) and one.errno == errno.ENOMEM):
            return (
                "memory is not enough: a smaller batch_size, limit or model may fit, or a larger limit (`ulimit -v`, the job's); "
                f"{KEPT}, the same command goes on"
            )
        if isinstance(one, OSError) and one.errno in (errno.EMFILE, errno.ENFILE):
            return f"too many files are open: raise the limit (`ulimit -n 1024`) and run the same command again: {KEPT}"
        if isinstance(one, OSError) and one.errno in _DISK:
            where = one.filename2 or one.filename or "a file"
            return f"{where} cannot be written ({one.strerror}); {remedy(one)} and run the same command again: {KEPT}"
        if isinstance(one, RuntimeError) and "can't start new thread" in str(one):
            return f"no thread can be started: raise the limit (`ulimit -u`, the job's) and run the same command again: {KEPT}"
    return ""


def _has_folder() -> bool:
    try:
        return Path.cwd().exists()
    except FileNotFoundError:
        return False


def refuse_hopeless() -> None:
    """Raise BenchError where this process may have less memory than the libraries need to be loaded: they would end or hang it."""
    try:
        import resource
    except ImportError:  # a system without such limits
        return
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    if most != resource.RLIM_INFINITY and most < _LEAST_BYTES:
        raise BenchError(
            f"this process may have {most / 1e6:,.0f} MB of memory, and {_LEAST_BYTES / 1e6:,.0f} MB is the least that its "
            "libraries load in; raise the limit (`ulimit -v`, the job's)"
        )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, and what it came of."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__


def told(error: Exception, words: Sequence[str]) -> str:
    """Say a fault of bench with its traceback, write its report, and give the line that was said of it."""
    with suppress(Exception):  # a machine at its limits may not even log it
        log.log.error("a fault of bench itself", exc_info=error)
    line = f"a fault of bench itself, not yours: {fault(error, tell)}; please report it"
    if path := _reported(error, words):
        line += f" with {path}, which holds no data and no secrets"
    tell(f"bench: {line}", err=True)
    return line


def _reported(error: Exception, words: Sequence[str]) -> Path | None:
    """The file of the report: in the folder of the run that was under way, else in the cache; None where neither takes it."""
    from bench.artifacts.digest import cache_dir
    from bench.logs import crash

    name = f"crash-{_now()}-{os.getpid()}.txt"
    for folder in filter(None, (log.folder(), cache_dir() / "crashes")):
        with suppress(OSError, MemoryError):
            if folder != log.folder():
                folder.mkdir(parents=True, exist_ok=True)
            write_atomically(folder / name, crash.report(error, public_words(words), _facts(), log.recent()))
            return folder / name
    return None


def _facts() -> dict[str, Any]:
    """Versions and the kind of machine; what cannot be asked any more is left out."""
    from bench.runs import environment

    try:
        found = environment.describe()
    except (OSError, MemoryError, RuntimeError):  # the machine is at its limits
        return {}
    packages = found.pop("packages", {})
    return {name: value for name, value in found.items() if value} | {
        "packages": ", ".join(f"{name} {version}" for name, version in packages.items())
    }


def public_words(words: Sequence[str]) -> list[str]:
    """The words of a command line that may be shown: names of commands, options and configurations; of others that they are there.

    >>> public_words(["run", "-m", "task=squad_v1,finqa", "limit=20", "model.api_key=4711", "--runs", "/home/ann"])
    ['run', '-m', 'task=squad_v1,finqa', 'limit=20', 'model.api_key=…', '--runs', '…']
    """
    found: list[str] = []
    for place, word in enumerate(words):
        key, given, value = word.partition("=")
        is_name = re.fullmatch(r"[a-z0-9_]{1,40}(,[a-z0-9_]{1,40})*", value) and key in _PUBLIC
        is_number = re.fullmatch(r"-?[0-9.]{1,12}", value) and key in _NUMBERS
        if given and re.fullmatch(r"[+~]?[a-z_.]{1,60}", key):
            found.append(word if is_name or is_number else f"{key}=…")
        else:
            is_option = re.fullmatch(r"--?[a-z-]{1,30}", word)
            found.append(word if is_option or (place == 0 and word.isalpha()) else "…")
    return found


def _now() -> str:
    import datetime

    return datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
