"""A zip that nobody vouches for: what is read, and each thing that is refused with its line."""

from __future__ import annotations

import io
import stat
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.bundles import archive
from bench.bundles.archive import Refused, chunks, content, members


def _info(name: str = "a.json", mode: int = 0o100644, method: int = zipfile.ZIP_DEFLATED) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr, info.compress_type = 3, mode << 16, method
    return info


def _zip(*files: tuple[zipfile.ZipInfo, bytes]) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as found:
        for info, data in files or ((_info(), b"{}"), (_info("b.json"), b'{"b": 1}')):
            found.writestr(info, data)
    return memory.getvalue()


def _read(file: io.BytesIO) -> None:
    for member in members(file).values():
        for _ in chunks(file, member):
            pass


def _refusal(data: bytes) -> str:
    file = io.BytesIO(data)
    with pytest.raises(Refused) as caught:
        _read(file)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("data", [b"", b"{}", b"\xff" * 300_001])
def test_what_was_written_is_read(method: int, data: bytes) -> None:
    file = io.BytesIO(_zip((_info("runs/x/a.json", method=method), data), (_info("ü.json"), b"1")))
    found = members(file)
    assert list(found) == ["runs/x/a.json", "ü.json"]
    assert b"".join(chunks(file, found["runs/x/a.json"])) == data


@settings(max_examples=15, deadline=None)
@given(st.binary(max_size=3000), st.integers(0, 9))
def test_any_bytes_at_any_level_are_read_as_they_were(data: bytes, level: int) -> None:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as found:
        found.writestr(_info(), b"x" + data)  # the x hides what may look like an archive by chance
    file = io.BytesIO(memory.getvalue())
    assert content(file, members(file)["a.json"], 4000) == b"x" + data


NAMES = [
    ("../a.json", "leaves the folder"), ("runs/../../a", "leaves the folder"), ("/etc/passwd", "has an absolute path"),
    ("C:/a.json", "has an absolute path"), ("\\\\host\\a", "has an absolute path"), ("a\\b", "has '\\\\' in its name"),
    ("a/./b", "has a part that is empty, or begins or ends with a dot"), ("a//b", "has a part that is empty"),
    (".hidden", "begins or ends with a dot"), ("a /b", "begins or ends with a dot or a space"),
    ("a\x1b[31mb", "has '\\x1b' in its name"), ("a\u202ejson", "has '\\u202e' in its name"), ("a:b", "has an absolute path"),
    ("ab:c", "has ':' in its name"), ("e\u0301.json", "not normal (NFC)"), ("x" * 401, "more than 400 bytes"),
    ("deep/x.ZIP", "is an archive in the archive"), ("x.tar.gz", "is an archive in the archive"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "line"), NAMES)
def test_a_path_that_no_bundle_has_is_refused(name: str, line: str) -> None:
    assert line in _refusal(_zip((_info(name), b"{}")))


def test_a_name_with_a_zero_byte_is_refused() -> None:  # zipfile itself would cut the name there
    assert "has '\\x00' in its name" in _refusal(_zip((_info("aXjson"), b"{}")).replace(b"aXjson", b"a\x00json"))


KINDS = [
    (stat.S_IFLNK | 0o777, "is a symbolic link"), (stat.S_IFIFO | 0o644, "is not a plain file"),
    (stat.S_IFCHR | 0o644, "is not a plain file"), (stat.S_IFDIR | 0o755, "is not a plain file"),
    (0o104755, "is not a plain file"),
]  # fmt: skip


@pytest.mark.parametrize(("mode", "line"), KINDS)
def test_what_is_no_plain_file_is_refused(mode: int, line: str) -> None:
    assert line in _refusal(_zip((_info(mode=mode), b"/etc/passwd")))


def test_a_folder_is_refused() -> None:
    assert "is not a plain file" in _refusal(_zip((_info("runs/"), b"")))


@pytest.mark.parametrize(
    ("one", "two"), [("a.json", "a.json"), ("a.json", "A.JSON"), ("straße", "STRASSE"), ("K.json", "k.json")]
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_stands_twice_for_any_system_is_refused(one: str, two: str) -> None:
    assert f"member {two!r} stands twice (as {one!r})" in _refusal(_zip((_info(one), b"1"), (_info(two), b"2")))


@pytest.mark.parametrize(
    "inner",
    [_zip(), b"\x1f\x8b\x08rest", b"BZh9rest", b"\xfd7zXZ\x00", b"7z\xbc\xaf\x27\x1c", b"x" * 257 + b"ustar\x00"],
)
def test_an_archive_under_an_honest_name_is_refused(inner: bytes) -> None:
    assert "'a.json' is an archive in the archive" in _refusal(_zip((_info(), inner)))


def _patched(data: bytes, *, local: int, central: int, value: bytes) -> bytes:
    """The value in the first member's local header and in its entry of the directory, at these offsets."""
    at = data.index(b"PK\x01\x02")
    data = data[:local] + value + data[local + len(value) :]
    return data[: at + central] + value + data[at + central + len(value) :]


def test_an_encrypted_member_is_refused() -> None:
    assert "is encrypted" in _refusal(_patched(_zip(), local=6, central=8, value=b"\x01\x00"))


def test_a_member_whose_sizes_stand_behind_it_is_refused() -> None:
    assert "has flags" in _refusal(_patched(_zip(), local=6, central=8, value=b"\x08\x00"))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, 99])
def test_another_compression_is_refused(method: int) -> None:
    changed = _patched(_zip(), local=8, central=10, value=struct.pack("<H", method))
    assert f"method {method}" in _refusal(changed) or "not a zip archive that can be read" in _refusal(changed)


def test_the_two_headers_of_a_member_must_agree() -> None:
    data = _zip()
    assert "says one thing" in _refusal(data[:30] + b"b" + data[31:])  # another name where it stands
    assert "says one thing" in _refusal(data[:14] + b"\0\0\0\0" + data[18:])  # another checksum


def test_a_wrong_checksum_is_refused() -> None:
    assert "is damaged" in _refusal(_patched(_zip(), local=14, central=16, value=b"\1\2\3\4"))


GARBAGE: list[tuple[Callable[[bytes], bytes], str]] = [
    (lambda data: data + b"x", "not a zip archive, or something stands behind its end"),
    (lambda data: b"#!/bin/sh\n" + data, "something stands before the archive"),
    (lambda data: data[:-1], "not a zip archive"), (lambda data: b"", "too short"), (lambda data: b"PK" * 40, "not a zip archive"),
    (lambda data: data[: len(data) // 2] + data[-22:], "something stands before"),
    (lambda data: data[-22:], "something stands before"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "line"), GARBAGE)
def test_what_is_no_whole_archive_is_refused(spoil: Callable[[bytes], bytes], line: str) -> None:
    assert line in _refusal(spoil(_zip()))


def test_an_archive_comment_is_refused() -> None:
    memory = io.BytesIO(_zip())
    with zipfile.ZipFile(memory, "a") as found:
        found.comment = b"hello"
    assert "behind its end" in _refusal(memory.getvalue())


def test_extra_fields_and_comments_of_members_are_refused() -> None:
    for change in ({"extra": b"\x75\x70\x01\x00x"}, {"comment": b"hello"}):
        info = _info()
        for name, value in change.items():
            setattr(info, name, value)
        assert "extra fields or a comment" in _refusal(_zip((info, b"{}")))


def _directory_of(data: bytes, entries: list[bytes]) -> bytes:
    """The archive with these entries for its directory."""
    start, end = data.index(b"PK\x01\x02"), data.rindex(b"PK\x05\x06")
    whole = b"".join(entries)
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, len(entries), len(entries), len(whole), start, 0)
    assert data[end : end + 4] == tail[:4]
    return data[:start] + whole + tail


def test_members_that_share_bytes_are_refused() -> None:
    """The overlap bomb: many names for one packed piece."""
    data = _zip((_info("a.json"), b"0" * 100_000))
    entry = data[data.index(b"PK\x01\x02") : data.rindex(b"PK\x05\x06")]
    other = entry.replace(b"a.json", b"b.json")
    assert "overlaps another" in _refusal(_directory_of(data, [entry, other]))


def test_bytes_between_members_are_refused() -> None:
    data = _zip()
    first = data[data.index(b"PK\x01\x02") :][: 46 + 6]
    assert "followed by something that belongs to no member" in _refusal(_directory_of(data, [first]))
    second = data[data.index(b"PK\x01\x02") + 52 : data.rindex(b"PK\x05\x06")]
    assert "something hidden before it" in _refusal(_directory_of(data, [second]))


def test_bytes_behind_a_member_s_end_are_refused() -> None:
    packed = zlib.compressobj(6, zlib.DEFLATED, -15)
    body = packed.compress(b"{}") + packed.flush() + b"secret"
    data = _zip((_info(), b"{}"))
    end = 30 + 6
    start = data.index(b"PK\x01\x02")
    size = struct.pack("<L", len(body))
    head = data[:18] + size + data[22:end]
    entry = data[start : start + 20] + size + data[start + 24 : data.rindex(b"PK\x05\x06")]
    assert "hidden behind its end" in _refusal(_directory_of(head + body + data[start:], [entry]))


@pytest.mark.slow
def test_a_bomb_is_refused_by_what_it_says() -> None:
    assert "unpacks to" in _refusal(_zip((_info(), b"0" * 20_000_000)))


@pytest.mark.slow
def test_a_bomb_that_says_that_it_is_small_is_refused_after_what_it_said() -> None:
    lying = _patched(_zip((_info(), b"0" * 20_000_000)), local=22, central=24, value=struct.pack("<L", 10))
    tracemalloc.start()
    assert "holds more than the 10 bytes that it says" in _refusal(lying)
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


def test_a_member_that_says_more_than_it_holds_is_refused() -> None:
    assert "is damaged: 2 bytes of 9" in _refusal(_patched(_zip(), local=22, central=24, value=struct.pack("<L", 9)))


def test_sizes_beyond_the_limits_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_MEMBER", 5)
    assert "'b.json' says to hold 8 bytes; at most 5" in _refusal(_zip())
    monkeypatch.setattr(archive, "MAX_MEMBER", 50)
    monkeypatch.setattr(archive, "MAX_TOTAL", 9)
    assert "10 bytes together; at most 9" in _refusal(_zip())
    monkeypatch.setattr(archive, "MAX_ARCHIVE", 100)
    assert "at most 100 are read" in _refusal(_zip())


def test_too_many_members_are_refused_before_their_names_are_read() -> None:
    many = [(_info(f"{i}"), b"") for i in range(archive.MAX_MEMBERS + 1)]
    assert "the archive has 1,001 members" in _refusal(_zip(*many))


def test_the_64_bit_form_is_refused() -> None:
    data = bytearray(_zip())
    data[-12:-10] = data[-14:-12] = b"\xff\xff"
    assert "64-bit form" in _refusal(bytes(data))


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_changed_byte_raises_anything_but_a_refusal(data: st.DataObject) -> None:
    whole = bytearray(_zip())
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    file = io.BytesIO(bytes(whole))
    try:
        for member in members(file).values():
            content(file, member, 100)
    except Refused:
        pass


def test_a_name_is_good_that_a_run_has() -> None:
    assert archive.name_problem("runs/squad_v1/ocr_smollm2 v2/0123456789ab-2/run.json") == ""
