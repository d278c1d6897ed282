"""Reading a stranger's log: bounded, strict, and with one line for what is wrong in it."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from bench.bundles.archive import name_problem
from bench.data.files import parse, read_text
from bench.errors import BenchError
from bench.imports.log import shortly
from bench.text.rows import rows
from bench.types import Json

MIB = 1024 * 1024
MOST, MOST_UNPACKED, MOST_MEMBER, MOST_MEMBERS = 512 * MIB, 2048 * MIB, 64 * MIB, 200_000
MOST_RATIO, SMALL = 400, 4 * MIB  # logs repeat themselves more than bundles do
_ZSTD, _LOCAL = 93, 30  # the method's number; bytes that stand before a member's name
_PACKED = {b"\x1f\x8b": "gzip", b"PK": "a zip", b"BZ": "bzip2", b"\xfd7": "xz", b"\x28\xb5": "zstd"}


def refuse_unread(path: Path, what: str) -> None:
    """Raise BenchError for what is no plain file that may be read: a folder, nothing at all, a packed or a huge one."""
    if path.is_dir():
        raise BenchError(f"{path} is a folder; give {what}")
    if not path.is_file():
        raise BenchError(f"{path} does not exist, or is no plain file; give {what}")
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(2)
    except OSError as error:
        raise BenchError(f"{path} cannot be read ({error.strerror}); check the path") from None
    if not size:
        raise BenchError(f"{path} is empty; give {what}")
    if size > MOST:
        raise BenchError(f"{path} has {size:,} bytes; at most {MOST:,} are read")
    if head in _PACKED and not what.endswith(".eval"):
        raise BenchError(f"{path} is packed ({_PACKED[head]}); unpack it and give {what}")


def document(path: Path, what: str) -> dict[str, Json]:
    """The JSON object of a file; NaN and infinities, which these harnesses write, are null."""
    refuse_unread(path, what)
    return an_object(parse(read_text(path), str(path), constant=_nothing, finite=False), str(path), what)


def value(path: Path, what: str) -> Json:
    """The JSON value of a file, likewise."""
    refuse_unread(path, what)
    return parse(read_text(path), str(path), constant=_nothing, finite=False)


def lines(path: Path, what: str) -> Iterator[tuple[str, dict[str, Json]]]:
    """The objects of a JSON Lines file, each with its place; likewise."""
    refuse_unread(path, what)
    for number, line in enumerate(rows(read_text(path)), start=1):
        if line.strip():
            where = f"{path} line {number}"
            yield where, an_object(parse(line, where, constant=_nothing, finite=False), where, what)


def an_object(found: Json, where: str, what: str) -> dict[str, Json]:
    """The value, which must be an object."""
    if not isinstance(found, dict):
        raise BenchError(f"{where}: found a {type(found).__name__}, expected an object; give {what}")
    return found


def _nothing(name: str) -> None:
    return None


def needed(record: dict[str, Json], keys: tuple[str, ...], where: str, what: str) -> None:
    """Raise BenchError where one of these keys is missing, with those that are there."""
    if missing := [key for key in keys if key not in record]:
        found = ", ".join(shortly(key, 30) for key in list(record)[:8]) or "none"
        raise BenchError(f"{where}: the key {missing[0]!r} is missing (found {found}); give {what}")


class Archive:
    """The members of a zip that nobody vouches for: never unpacked onto the disk, and counted before they are believed."""

    def __init__(self, path: Path, what: str) -> None:
        refuse_unread(path, what)
        self.path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError) as error:
            raise BenchError(f"{path} is no zip that can be read ({error}); is it cut off? give {what}") from None
        infos = self._zip.infolist()
        if len(infos) > MOST_MEMBERS:
            raise BenchError(f"{path} has {len(infos):,} members; at most {MOST_MEMBERS:,} are read")
        self._infos: dict[str, zipfile.ZipInfo] = {}
        for info in infos:
            self._refuse(info)
            self._infos[info.filename] = info  # a header that was written again counts
        if (total := sum(info.file_size for info in infos)) > MOST_UNPACKED:
            raise BenchError(f"{path}: its members say to hold {total:,} bytes; at most {MOST_UNPACKED:,} are read")

    def _refuse(self, info: zipfile.ZipInfo) -> None:
        name = info.filename
        if problem := name_problem(_safe(name)):
            raise BenchError(f"{self.path}: member {shortly(name, 80)!r} {problem}; no log has such a member")
        if info.flag_bits & 0x1:
            raise BenchError(f"{self.path}: member {shortly(name, 80)!r} is encrypted; give the log without a password")
        if info.file_size > MOST_MEMBER:
            raise BenchError(
                f"{self.path}: member {shortly(name, 80)!r} says to hold {info.file_size:,} bytes; at most {MOST_MEMBER:,} are read"
            )
        if info.file_size > SMALL and info.file_size > MOST_RATIO * max(info.compress_size, 1):
            raise BenchError(
                f"{self.path}: member {shortly(name, 80)!r} unpacks to more than {MOST_RATIO} times its size, as no log does"
            )

    def names(self) -> list[str]:
        """The members, in the order in which they stand."""
        return list(self._infos)

    def json(self, name: str) -> Json:
        """The JSON value of a member."""
        info = self._infos[name]
        where = f"{self.path}: {shortly(name, 80)}"
        try:
            data = self._zstd(info) if info.compress_type == _ZSTD else self._plain(info)
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, OSError, EOFError, ValueError) as error:
            raise BenchError(f"{where} cannot be read ({error}); bring the log again") from None
        if len(data) != info.file_size:
            raise BenchError(f"{where} holds another number of bytes than it says; bring the log again")
        try:
            return parse(data.decode("utf-8"), where, constant=_nothing, finite=False)
        except UnicodeDecodeError:
            raise BenchError(f"{where} is not UTF-8; bring the log again") from None

    def _plain(self, info: zipfile.ZipInfo) -> bytes:
        """The bytes of a member, one more than it says to hold at most."""
        with self._zip.open(info) as file:
            return file.read(info.file_size + 1)

    def _zstd(self, info: zipfile.ZipInfo) -> bytes:
        """The same of one in Zstandard, which Python's own reader does not know yet."""
        import pyarrow

        with self.path.open("rb") as file:
            file.seek(info.header_offset)
            head = file.read(_LOCAL)
            if len(head) < _LOCAL or head[:4] != b"PK\x03\x04":
                raise EOFError("it is not where the directory says")
            file.seek(sum(struct.unpack("<2H", head[26:30])), 1)
            packed = file.read(info.compress_size)
        with pyarrow.input_stream(pyarrow.py_buffer(packed), compression="zstd") as stream:
            data = bytes(stream.read(info.file_size + 1))
        if zlib.crc32(data) != info.CRC:
            raise EOFError("another checksum")
        return data


def _safe(name: str) -> str:
    """The name of a member as an id of a sample may stand in it: only what leaves the folder is refused, not its letters."""
    kept = "".join(letter if letter.isalnum() or letter in "/\\.-_:" else "x" for letter in name.rstrip("/"))
    return "/".join(part if part in ("", "..") else f"x{part.replace(':', 'x')}x" for part in kept.split("/"))
