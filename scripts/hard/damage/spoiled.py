"""Damage to bytes, whatever they mean; each drawn from a source of random numbers, so that a seed and an index repeat it."""

from __future__ import annotations

import random
from collections.abc import Callable

_TEXTS = (
    b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999", b"9" * 400, b"9" * 5000, b"1_0", b"0x", b"null", b"true", b"[]", b"{}",
    b'""', b'"', b"'", b"\\", b"\\u", b"\\ud800", b"\\ud83d", b"\\u0000", b"\\x00", b"\x00", b"\x00\x00\x00\x00", b"\xff", b"\xed\xa0\x80",
    b"\xc0\xaf", b"\xef\xbb\xbf", b"\xff\xfe", b"\r", b"\r\n", b"\n", b"\n\n", b"\t", b",", b";", b"|", b"@", b":", b" ", b"\x1b[2J",
    b"\xe2\x80\xae", b"\xe2\x80\xa8", b"\xc2\x85", b"\x0c", b"\x1c", b"../../etc/passwd", b"/", b"%s", b"{0}", b"${x}", b"${oc.env:HOME}",
    b"!!python/object:os.system", b"&a", b"*a", b"<<", b"---", b"#", b"-", b"0", b"-0", b"-1", b"1", b"1.5", b"2147483648",
    b"18446744073709551616", b"0.1", b"=1+1", "٣".encode(), "①".encode(), "ﬁ".encode(), "é".encode("latin-1"), b"<script>", b"PK\x03\x04",
)  # fmt: skip
_SIZES = (1, 1, 2, 3, 4, 8, 16, 64, 256)


def _at(draw: random.Random, data: bytes) -> int:
    return draw.randrange(len(data)) if data else 0


def _span(draw: random.Random, data: bytes) -> tuple[int, int]:
    start = _at(draw, data)
    return start, min(len(data), start + draw.choice(_SIZES))


def _flip(draw: random.Random, data: bytes) -> bytes:
    if not data:
        return b"\x01"
    at = _at(draw, data)
    return data[:at] + bytes([data[at] ^ 1 << draw.randrange(8)]) + data[at + 1 :]


def _replace(draw: random.Random, data: bytes) -> bytes:
    at = _at(draw, data)
    return data[:at] + bytes([draw.randrange(256)]) + data[at + 1 :]


def _insert(draw: random.Random, data: bytes) -> bytes:
    at = _at(draw, data)
    return data[:at] + draw.choice(_TEXTS) + data[at:]


def _overwrite(draw: random.Random, data: bytes) -> bytes:
    at, text = _at(draw, data), draw.choice(_TEXTS)
    return data[:at] + text + data[at + len(text) :]


def _delete(draw: random.Random, data: bytes) -> bytes:
    start, end = _span(draw, data)
    return data[:start] + data[end:]


def _double(draw: random.Random, data: bytes) -> bytes:
    start, end = _span(draw, data)
    return data[:end] + data[start:end] * draw.choice((1, 1, 2, 50)) + data[end:]


def _move(draw: random.Random, data: bytes) -> bytes:
    start, end = _span(draw, data)
    rest = data[:start] + data[end:]
    at = _at(draw, rest)
    return rest[:at] + data[start:end] + rest[at:]


def _cut(draw: random.Random, data: bytes) -> bytes:
    return data[: _at(draw, data)]


def _behead(draw: random.Random, data: bytes) -> bytes:
    return data[_at(draw, data) :]


def _rows(draw: random.Random, data: bytes) -> bytes:
    """A row dropped, doubled, emptied, or two exchanged."""
    rows = data.split(b"\n")
    i, j = draw.randrange(len(rows)), draw.randrange(len(rows))
    kind = draw.randrange(4)
    if kind == 0:
        del rows[i]
    elif kind == 1:
        rows.insert(j, rows[i])
    elif kind == 2:
        rows[i] = b""
    else:
        rows[i], rows[j] = rows[j], rows[i]
    return b"\n".join(rows)


def _number(draw: random.Random, data: bytes) -> bytes:
    """A digit becomes another number."""
    places = [i for i, byte in enumerate(data) if 48 <= byte < 58]
    if not places:
        return _insert(draw, data)
    at = draw.choice(places)
    new = draw.choice((b"1e999", b"-1", b"NaN", b"9" * 30, b"0", b"00", b"1.5", b"1e5", b"-0", b"1_0", "٣".encode(), b"9" * 5000))
    return data[:at] + new + data[at + 1 :]


def _whole(draw: random.Random, data: bytes) -> bytes:
    """The whole file: empty, NULs, of another encoding, of other line ends, with a mark before it, deep, or long."""
    text = data.decode("utf-8", "replace")
    made: tuple[Callable[[], bytes], ...] = (
        lambda: b"",
        lambda: b"\x00" * len(data),
        lambda: b"\xef\xbb\xbf" + data,
        lambda: text.encode("utf-16"),
        lambda: text.encode("utf-16-le"),
        lambda: text.encode("utf-32"),
        lambda: text.encode("latin-1", "replace") + b"\xe9",
        lambda: data.replace(b"\n", b"\r\n"),
        lambda: data.replace(b"\n", b"\r"),
        lambda: data.replace(b"\r\n", b"\n"),
        lambda: data.rstrip(),
        lambda: data + b"\n\n\n",
        lambda: b"\n \n" + data,
        lambda: data + data,
        lambda: data * 20,
        lambda: b"[" * draw.choice((50, 500, 5_000, 100_000)) + data,
        lambda: b'{"a":' * draw.choice((50, 500, 5_000, 100_000)),
        lambda: data[: len(data) // 2] + b"x" * 200_000 + data[len(data) // 2 :],
        lambda: bytes(draw.randrange(256) for _ in range(draw.choice((1, 10, 1000)))),
        lambda: data[::-1],
        lambda: data + b"\x1a",
        lambda: b"null",
        lambda: b"[]",
        lambda: b"{}",
        lambda: b'""',
        lambda: b"1",
    )
    return draw.choice(made)()


_KINDS = (_flip, _replace, _insert, _insert, _overwrite, _delete, _double, _move, _cut, _behead, _rows, _number, _number, _whole)


def spoiled(draw: random.Random, data: bytes) -> tuple[bytes, str]:
    """The bytes with one damage, now and then with up to four, and what was done."""
    names = []
    for _ in range(draw.choice((1, 1, 1, 1, 2, 4))):
        kind = draw.choice(_KINDS)
        data = kind(draw, data)
        names.append(kind.__name__.strip("_"))
    return data, "+".join(names)
