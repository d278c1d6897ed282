"""espeak-ng through its C interface: speech with the place of every word, and phonemes.

The library keeps its state between two texts, so that the second rendering of a text differs from the first. Each call here
therefore loads a copy of its own, which begins as every other did, and lets go of it afterwards.
"""

from __future__ import annotations

import _ctypes
import ctypes
import importlib
import locale
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from bench.errors import BenchError

RATE = 22_050  # samples a second
_SYNCHRONOUS, _PHONEME_EVENTS, _UTF8, _IPA = 2, 1, 1, 2  # names of speak_lib.h
_SPEED, _PITCH, _RANGE = 1, 3, 4
_WORD, _END, _PHONEME = 1, 5, 7
_ONE_AT_A_TIME = threading.Lock()


class _Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int), ("unique", ctypes.c_uint), ("text_position", ctypes.c_int), ("length", ctypes.c_int),
        ("milliseconds", ctypes.c_int), ("sample", ctypes.c_int), ("user", ctypes.c_void_p), ("id", _Id),
    ]  # fmt: skip


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(_Event))


class Mark(NamedTuple):
    """A place in the sound: a word begins (at `position` in the text, from 0), or a pause does (position -1)."""

    sample: int
    position: int


def loader() -> Any:
    """The package that carries espeak-ng; raises BenchError where it is not installed."""
    try:
        return importlib.import_module("espeakng_loader")
    except ImportError:
        raise BenchError("speaking needs espeakng-loader; install it with `pip install 'finai-bench[audio]'`") from None


@contextmanager
def _library() -> Iterator[Any]:
    """A copy of the library in the state of its first call; one at a time, and with the process's locale left as it was."""
    found = loader()
    with _ONE_AT_A_TIME, tempfile.TemporaryDirectory(prefix="espeak-", ignore_cleanup_errors=True) as folder:
        kept = locale.setlocale(locale.LC_CTYPE)
        copy = shutil.copy(found.get_library_path(), Path(folder) / Path(found.get_library_path()).name)
        library = ctypes.CDLL(str(copy))
        try:
            data = str(found.get_data_path()).encode()
            if library.espeak_Initialize(_SYNCHRONOUS, 0, data, _PHONEME_EVENTS) != RATE:
                raise BenchError("espeak-ng cannot read its data; install espeakng-loader again")
            yield library
        finally:
            library.espeak_Terminate()
            _release(library)
            locale.setlocale(locale.LC_CTYPE, kept)


def _release(library: Any) -> None:
    if hasattr(_ctypes, "dlclose"):  # elsewhere the copy stays in memory until the process ends
        _ctypes.dlclose(library._handle)


def _with_voice(library: Any, voice: str) -> None:
    if library.espeak_SetVoiceByName(voice.encode()):
        raise BenchError(f"espeak-ng knows no voice {voice!r}; take one of SPEAKERS")


def speech(text: str, voice: str, *, pitch: int, pitch_range: int, rate: int) -> tuple[bytes, list[Mark]]:
    """The text as 16-bit samples at `RATE`, and where its words and pauses begin."""
    heard: list[bytes] = []
    marks: list[Mark] = []

    def keep(samples: int | None, n: int, events: Any) -> int:
        if samples and n > 0:
            heard.append(ctypes.string_at(samples, 2 * n))
        for event in _until_end(events):
            if event.type == _WORD:
                marks.append(Mark(event.sample, event.text_position - 1))
            elif event.type == _END or (event.type == _PHONEME and event.id.string.startswith(b"_")):
                marks.append(Mark(event.sample, -1))
        return 0

    with _library() as library:
        callback = _CALLBACK(keep)  # held here, for the library holds no reference
        library.espeak_SetSynthCallback(callback)
        _with_voice(library, voice)
        for name, value in ((_SPEED, rate), (_PITCH, pitch), (_RANGE, pitch_range)):
            library.espeak_SetParameter(name, value, 0)
        said = text.encode() + b"\0"
        library.espeak_Synth(said, ctypes.c_size_t(len(said)), 0, 1, 0, _UTF8, None, None)
        library.espeak_Synchronize()
    return b"".join(heard), marks


def _until_end(events: Any) -> Iterator[Any]:
    i = 0
    while events and events[i].type:
        yield events[i]
        i += 1


def phonemes(clauses: list[str], voice: str) -> list[str]:
    """The sounds of each clause in the International Phonetic Alphabet, with blanks between words."""
    with _library() as library:
        _with_voice(library, voice)
        library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        return [" ".join(_of_clause(library, clause).split()) for clause in clauses]


def _of_clause(library: Any, clause: str) -> str:
    text = ctypes.c_char_p(clause.encode())
    found = ""
    while text.value:
        found += " " + (library.espeak_TextToPhonemes(ctypes.byref(text), _UTF8, _IPA) or b"").decode()
    return found
