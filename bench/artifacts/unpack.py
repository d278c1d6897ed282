"""Taking one file or folder out of a zip archive or wheel, within bounds."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

from bench.artifacts.failing import keeping
from bench.artifacts.uri import Source
from bench.errors import BenchError

MOST_MEMBERS = 100_000
MOST_UNPACKED_BYTES = 200 * 1024**3
MOST_RATIO = 200  # how many times larger than the archive what it holds may be, beyond the first GiB
_FIRST = 1024**3


def unpacked(archive: Path, source: Source, folder: Path) -> Path:
    """The file or folder `source.inside` of an archive, written below `folder`; raises BenchError for a bomb or a damaged one."""
    inside = source.inside.rstrip("/")
    try:
        with zipfile.ZipFile(archive) as file:
            members = [
                one for one in file.infolist() if one.filename == inside or one.filename.startswith(inside + "/")
            ]
            if not members:
                raise BenchError(f"{source.uri}: the archive holds no {source.inside}; correct the path in conf/")
            _refuse_bomb(members, archive.stat().st_size, source)
            with keeping(source.uri):
                file.extractall(folder / "unpacked", members)
    except zipfile.BadZipFile as error:
        raise BenchError(f"{source.uri} is not a zip archive ({error}); correct the address in conf/") from None
    except (
        RuntimeError,
        EOFError,
        ValueError,
        OSError,
        zlib.error,
    ) as error:  # locked, cut off, or of names that clash
        raise BenchError(f"{source.uri}: the archive cannot be unpacked ({error}); bring it again") from None
    found = folder / "unpacked" / inside
    if not found.exists():  # a name that zipfile makes harmless
        raise BenchError(
            f"{source.uri}: the archive holds {inside!r} under a name that is no path; correct the archive"
        )
    return found


def _refuse_bomb(members: list[zipfile.ZipInfo], size: int, source: Source) -> None:
    total = sum(one.file_size for one in members)
    if len(members) > MOST_MEMBERS:
        raise BenchError(f"{source.uri}: {len(members):,} files in one archive, at most {MOST_MEMBERS:,} are unpacked")
    if total > MOST_UNPACKED_BYTES or total > max(_FIRST, MOST_RATIO * size):
        raise BenchError(
            f"{source.uri}: {total:,} bytes out of an archive of {size:,}; at most {MOST_RATIO} times its size and "
            f"{MOST_UNPACKED_BYTES:,} bytes are unpacked"
        )
