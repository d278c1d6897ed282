"""Reading a zip archive that nobody vouches for: every byte is accounted for, and nothing is believed before it was counted.

Only the form that `bench submit` writes is read: plain files one behind the other, stored or deflated, without comments, extra
fields, folders or gaps. What is less usual in a zip is where attacks hide, and no bundle needs it.
"""

from __future__ import annotations

import io
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from bench.errors import BenchError

MIB = 1024 * 1024
MAX_ARCHIVE, MAX_TOTAL, MAX_MEMBER, MAX_MEMBERS, MAX_NAME = 256 * MIB, 512 * MIB, 128 * MIB, 1000, 400
MAX_RATIO, SMALL = 200, MIB  # a member larger than SMALL may not be more than so many times its compressed size
_CHUNK = 256 * 1024
_END = struct.Struct("<4s4H2LH")  # the end record: mark, disks, members, size and place of the directory, comment
_LOCAL = struct.Struct("<4s5H3L2H")  # what stands before each member, in front of its name
_ENCRYPTED, _UTF8 = 0x1 | 0x40 | 0x2000, 0x800
_ARCHIVES = (
    ".zip",
    ".tar",
    ".gz",
    ".tgz",
    ".bz2",
    ".xz",
    ".7z",
    ".rar",
    ".zst",
    ".lz4",
    ".jar",
    ".whl",
    ".npz",
    ".iso",
)
_MAGIC = (
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ",
    b"7z\xbc\xaf\x27",
    b"Rar!",
    b"\x28\xb5\x2f\xfd",
)


class Refused(BenchError):
    """What makes a bundle unworthy of belief, as opposed to what keeps somebody from judging it."""


@dataclass(frozen=True)
class Member:
    """A file in the archive: where its `packed` bytes begin, and how many `size` it says to hold."""

    name: str
    start: int
    packed: int
    size: int
    crc: int
    deflated: bool


def members(file: BinaryIO) -> dict[str, Member]:
    """The archive's files by name; raises Refused, naming the member, for whatever is not as it should be."""
    length = file.seek(0, io.SEEK_END)
    if length > MAX_ARCHIVE:
        raise Refused(f"the file has {length:,} bytes; at most {MAX_ARCHIVE:,} are read")
    directory = _directory(file, length)
    try:
        with zipfile.ZipFile(file) as archive:
            found = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, UnicodeError, ValueError, struct.error, EOFError) as error:
        raise Refused(f"not a zip archive that can be read ({error})") from None
    if len(found) > MAX_MEMBERS:
        raise Refused(f"the archive has {len(found):,} members; at most {MAX_MEMBERS} are read")
    names: dict[str, str] = {}
    for info in found:
        _refuse_kind(info)
        _refuse_name(info.orig_filename)
        _refuse_size(info)
        form = unicodedata.normalize("NFC", info.orig_filename).casefold()
        if form in names:
            raise Refused(f"member {info.orig_filename!r} stands twice (as {names[form]!r})")
        names[form] = info.orig_filename
    if (total := sum(info.file_size for info in found)) > MAX_TOTAL:
        raise Refused(f"the members say to hold {total:,} bytes together; at most {MAX_TOTAL:,} are read")
    return {info.orig_filename: member for info, member in _laid_out(file, found, directory)}


def _directory(file: BinaryIO, length: int) -> int:
    """Where the central directory begins, once the end record stands at the very end and fits the file."""
    if length < _END.size:
        raise Refused("not a zip archive: too short")
    file.seek(length - _END.size)
    mark, disk, start_disk, here, n, size, offset, comment = _END.unpack(file.read(_END.size))
    if mark != b"PK\x05\x06" or comment:
        raise Refused("not a zip archive, or something stands behind its end")
    if disk or start_disk or here != n or n == 0xFFFF or 0xFFFFFFFF in (size, offset):
        raise Refused("the archive is in parts or in the 64-bit form; bundles are neither")
    if offset + size + _END.size != length:
        raise Refused("something stands before the archive, or between its directory and its end")
    if n > MAX_MEMBERS or size > MAX_MEMBERS * (46 + MAX_NAME):
        raise Refused(f"the archive has {n:,} members in a directory of {size:,} bytes; at most {MAX_MEMBERS} are read")
    return int(offset)


def _refuse_kind(info: zipfile.ZipInfo) -> None:
    name, mode = info.orig_filename, info.external_attr >> 16
    if info.flag_bits & _ENCRYPTED:
        raise Refused(f"member {name!r} is encrypted")
    if stat.S_ISLNK(mode):
        raise Refused(f"member {name!r} is a symbolic link")
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG) or mode & 0o7000 or info.external_attr & 0x10 or name.endswith("/"):
        raise Refused(f"member {name!r} is not a plain file (mode {mode:o})")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Refused(f"member {name!r} is compressed by method {info.compress_type}; stored and deflated are read")
    if info.flag_bits & ~_UTF8 & ~0x6 or info.extra or info.comment:  # 0x6 says how hard deflate tried
        raise Refused(f"member {name!r} has flags, extra fields or a comment that no bundle needs")


def _refuse_name(name: str) -> None:
    if problem := name_problem(name):
        raise Refused(f"member {name[:MAX_NAME]!r} {problem}")
    if name.lower().endswith(_ARCHIVES):
        raise Refused(f"member {name!r} is an archive in the archive")


def name_problem(name: str) -> str:
    """What is wrong with a path inside an archive, "" for nothing."""
    if len(name.encode("utf-8", "replace")) > MAX_NAME:
        return f"has a name of more than {MAX_NAME} bytes"
    if name.startswith(("/", "\\")) or (len(name) > 1 and name[1] == ":"):
        return "has an absolute path"
    parts = name.split("/")
    if ".." in parts:
        return "leaves the folder"
    if any(part == "" or part[0] in ". " or part[-1] in ". " for part in parts):
        return "has a part that is empty, or begins or ends with a dot or a space"
    if bad := next(
        (c for c in name if c in '\\:*?"<>|' or unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")), ""
    ):
        return f"has {bad!r} in its name"
    if unicodedata.normalize("NFC", name) != name:
        return "has letters in a form that is not normal (NFC)"
    return ""


def _refuse_size(info: zipfile.ZipInfo) -> None:
    name = info.orig_filename
    if info.file_size > MAX_MEMBER:
        raise Refused(f"member {name!r} says to hold {info.file_size:,} bytes; at most {MAX_MEMBER:,} are read")
    if info.file_size > SMALL and info.file_size > MAX_RATIO * info.compress_size:
        times = info.file_size // max(info.compress_size, 1)
        raise Refused(f"member {name!r} unpacks to {times:,} times its size; at most {MAX_RATIO} times are read")


def _laid_out(file: BinaryIO, found: list[zipfile.ZipInfo], directory: int) -> Iterator[tuple[zipfile.ZipInfo, Member]]:
    """Each member with its place, once they follow each other from the first byte to the directory without gap or overlap."""
    end = 0
    for info in sorted(found, key=lambda info: info.header_offset):
        name = info.orig_filename
        if info.header_offset != end:
            what = "overlaps another" if info.header_offset < end else "has something hidden before it"
            raise Refused(f"member {name!r} {what}")
        file.seek(end)
        head = file.read(_LOCAL.size)
        if len(head) < _LOCAL.size:
            raise Refused(f"member {name!r} is cut off")
        mark, _, flags, method, _, _, crc, packed, size, n_name, n_extra = _LOCAL.unpack(head)
        said = file.read(n_name)
        known = name.encode("utf-8" if info.flag_bits & _UTF8 else "cp437")
        told = (info.flag_bits, info.compress_type, info.CRC, info.compress_size, info.file_size, known)
        if mark != b"PK\x03\x04" or n_extra or (flags, method, crc, packed, size, said) != told:
            raise Refused(f"member {name!r} says one thing in the directory and another where it stands")
        start = end + _LOCAL.size + n_name
        end = start + packed
        yield info, Member(name, start, packed, size, crc, method == zipfile.ZIP_DEFLATED)
    if end != directory:
        what = "overlaps the directory" if end > directory else "is followed by something that belongs to no member"
        raise Refused(f"the last member {what}")


def chunks(file: BinaryIO, member: Member) -> Iterator[bytes]:
    """The member's bytes, piece by piece; raises Refused as soon as there are more than it said, and at the end for fewer.

    Memory: two pieces of 256 KiB, however the bytes were packed.
    """
    seen = crc = 0
    for piece in _inflated(file, member) if member.deflated else _stored(file, member):
        if not seen and (piece.startswith(_MAGIC) or piece[257:262] == b"ustar"):
            raise Refused(f"member {member.name!r} is an archive in the archive")
        seen, crc = seen + len(piece), zlib.crc32(piece, crc)
        if seen > member.size:
            raise Refused(f"member {member.name!r} holds more than the {member.size:,} bytes that it says")
        yield piece
    if seen != member.size or crc != member.crc:
        raise Refused(f"member {member.name!r} is damaged: {seen:,} bytes of {member.size:,}, or another checksum")


def _stored(file: BinaryIO, member: Member) -> Iterator[bytes]:
    for at in range(0, member.packed, _CHUNK):
        file.seek(member.start + at)
        yield file.read(min(_CHUNK, member.packed - at))


def _inflated(file: BinaryIO, member: Member) -> Iterator[bytes]:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    for packed in _stored(file, member):
        rest = packed
        while rest and not inflater.eof:
            try:
                piece = inflater.decompress(rest, _CHUNK)
            except zlib.error as error:
                raise Refused(f"member {member.name!r} is damaged ({error})") from None
            rest = inflater.unconsumed_tail
            if piece:
                yield piece
        if inflater.eof and (inflater.unused_data or rest):
            raise Refused(f"member {member.name!r} has something hidden behind its end")
    while not inflater.eof and (piece := _tail(inflater, member)):
        yield piece
    if not inflater.eof:
        raise Refused(f"member {member.name!r} is cut off")


def _tail(inflater: zlib._Decompress, member: Member) -> bytes:
    try:
        return inflater.decompress(b"", _CHUNK)
    except zlib.error as error:
        raise Refused(f"member {member.name!r} is damaged ({error})") from None


def content(file: BinaryIO, member: Member, at_most: int) -> bytes:
    """The whole member; raises Refused for one of more than `at_most` bytes."""
    if member.size > at_most:
        raise Refused(f"member {member.name!r} says to hold {member.size:,} bytes; at most {at_most:,} are read")
    return b"".join(chunks(file, member))
