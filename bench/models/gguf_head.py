"""The head of a GGUF file, walked within the file's own size before a library believes what it says.

The format: "GGUF", version, number of tensors and of fields; the fields (name, type, value); then each tensor's name, shape,
type and place. Numbers are little-endian. Source: the GGUF specification of ggml.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

MOST_FIELDS, MOST_TENSORS = 10_000, 100_000
MOST_NAME_BYTES, MOST_DIMENSIONS = 65_535, 8
_STRING, _ARRAY = 8, 9
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}  # bytes of a value of each plain type


def walk(path: Path) -> None:
    """Go through the head once; raises ValueError for a number or length that the file has no room for."""
    with path.open("rb") as file:
        if file.read(4) != b"GGUF" or _number(file, 4) not in (2, 3):
            raise ValueError("it does not begin as GGUF of version 2 or 3 does")
        n_tensors, n_fields = _number(file, 8), _number(file, 8)
        if n_tensors > MOST_TENSORS or n_fields > MOST_FIELDS:
            raise ValueError(
                f"{n_tensors:,} tensors and {n_fields:,} fields; {MOST_TENSORS:,} and {MOST_FIELDS:,} are most"
            )
        for _ in range(n_fields):
            _skip(file, _length(file, MOST_NAME_BYTES))
            _value(file, _number(file, 4))
        for _ in range(n_tensors):
            _skip(file, _length(file, MOST_NAME_BYTES))
            n_dimensions = _number(file, 4)
            if n_dimensions > MOST_DIMENSIONS:
                raise ValueError(f"a tensor of {n_dimensions:,} dimensions; {MOST_DIMENSIONS} are most")
            _skip(file, 8 * n_dimensions + 4 + 8)


def _value(file: IO[bytes], kind: int) -> None:
    if kind == _STRING:
        _skip(file, _length(file))
    elif kind == _ARRAY:
        kind, n = _number(file, 4), _number(file, 8)
        if kind == _STRING:
            for _ in range(n):  # ends with the file: each has eight bytes of its own
                _skip(file, _length(file))
        else:
            _skip(file, n * _size(kind))
    else:
        _skip(file, _size(kind))


def _size(kind: int) -> int:
    if kind not in _SIZES:
        raise ValueError(f"a value of type {kind}, which is not read")
    return _SIZES[kind]


def _length(file: IO[bytes], most: int | None = None) -> int:
    found = _number(file, 8)
    if most is not None and found > most:
        raise ValueError(f"a name of {found:,} bytes; {most:,} are most")
    return found


def _number(file: IO[bytes], size: int) -> int:
    found = file.read(size)
    if len(found) < size:
        raise ValueError("its head is cut off")
    return int.from_bytes(found, "little")


def _skip(file: IO[bytes], size: int) -> None:
    if size > os.fstat(file.fileno()).st_size - file.tell():
        raise ValueError(f"{size:,} bytes behind byte {file.tell():,}, where the file ends before")
    file.seek(size, os.SEEK_CUR)
