"""Every task's data: small files in the official formats, damaged one at a time, read as `bench run` reads them before it asks."""

from __future__ import annotations

import copy
import csv
import io
import itertools
import json
import math
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.data.files import noted
from bench.engine.asking import Asking, asking, ideals
from bench.errors import BenchError
from bench.scoring.measure import without_references
from bench.submissions.reading import measurable
from bench.task import Task
from scripts.hard.damage.subject import Damage, Subject

_TESTS = Path(__file__).parents[3] / "tests"
_BUILT: dict[tuple[str, Path], Any] = {}
_TOO_LONG = re.compile(
    r"characters, allowed are|more than [0-9]+ characters"
)  # no answer may be as long: nobody is right
_MOST_BYTES = 6_000  # of a file that is damaged; a longer one is cut to its first rows or members


def small_data() -> Any:
    """`tests/small_data.py`, with the data that the fast tests use."""
    if str(_TESTS) not in sys.path:
        sys.path.insert(0, str(_TESTS))
    import small_data as found

    return found


def _json(data: bytes) -> Any:
    """The value as the library itself reads it; ValueError where it is none, or holds what JSON cannot (NaN, a key twice)."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a key twice")
        return dict(pairs)

    def constant(name: str) -> Any:
        raise ValueError(name)

    return json.loads(data.decode("utf-8-sig"), object_pairs_hook=once, parse_constant=constant)


def _latin_lines(data: bytes) -> int:
    """Lines of a file in Latin-1, as the official one is, or in UTF-8, as some copies are."""
    try:
        return _lines(data)
    except ValueError:
        return _lines(data.decode("latin-1").encode())


def _turns(data: bytes) -> int:
    """Turns of conversations, each up to the first whose result nobody has."""
    results = [one["exe_ans_list"] if "exe_ans_list" in one else one["questions"] for one in _json(data)]
    return sum(one.index(None) if None in one else len(one) for one in results)


def _lines(data: bytes) -> int:
    return len(
        [
            line
            for line in data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n").split("\n")
            if line.strip()
        ]
    )


def _rows(data: bytes) -> int:
    """Rows of a delimited file behind its header, as `csv` reads them."""
    text = data.decode("utf-8-sig")
    found = csv.reader(io.StringIO(text, newline=""), delimiter=";" if text.count(";") > text.count(",") else ",")
    return len([row for row in found if any(map(str.strip, row))]) - 1


def _questions(data: bytes) -> int:
    found = _json(data)
    paragraphs = (
        found if isinstance(found, list) else [one for article in found["data"] for one in article["paragraphs"]]
    )
    return sum(len(one["qas"]) for one in paragraphs)


# How many examples the format's own library finds in the file of the test split, for the tasks whose examples are all that is in it.  # noqa: E501
COUNTS: Mapping[str, tuple[str, Callable[[bytes], int]]] = {
    "squad_v1": ("squad/dev-v1.1.json", _questions), "squad_v2": ("squad/dev-v2.0.json", _questions),
    "xquad_en": ("xquad/xquad.en.json", _questions), "docvqa": ("docvqa/val_squad_format.json", _questions),
    "goemotions": ("goemotions/test.tsv", _lines), "phrasebank": ("phrasebank/Sentences_50Agree.txt", _latin_lines),
    "banking77": ("banking77/test.csv", _rows), "omg_emotion": ("omg_emotion/omg_ValidationVideos.csv", _rows),
    "ectsum": ("finance/ectsum/test.jsonl", _lines), "fomc": ("finance/fomc/test-5768.jsonl", _lines),
    "fraud_card": ("finance/ccfraud/test.csv", _rows), "claims_travel": ("finance/travel_insurance/test.csv", _rows),
    "phrasebank_zero_shot": ("finance/fpb_zero_shot/test-5768.jsonl", _lines),
    "stock_bigdata22": ("finance/bigdata22/test.jsonl", _lines), "stock_cikm18": ("finance/cikm18/valid.jsonl", _lines),
    "complaints_cfpb": ("finance/cfpb_complaints/dataset.csv", _rows),
    "sec_ner": ("finance/sec_ner/test.jsonl", _lines), "finred": ("finance/finred/test.txt", _lines),
    "causal_detection": ("finance/causal_detection/test.json", lambda data: len(_json(data))),
    "cflue": ("finance/cflue/knowledge.json", lambda data: len(_json(data))),
    "convfinqa": ("finance/convfinqa/convfinqa_dev.json", _turns),
    "tatqa": ("tatqa/tatqa_dataset_dev.json", lambda data: sum(len(one["questions"]) for one in _json(data))),
    "finqa": ("finqa/test.json", lambda data: len(_json(data))),
}  # fmt: skip


def subjects(stride: int = 1) -> Iterator[Subject]:
    """One for each task of conf/task, or for every so manieth, whose data can stand in a folder."""
    small = small_data()
    with tempfile.TemporaryDirectory() as made:
        folder = small.write(Path(made))
        official = Path(os.environ.get("BENCH_DATA") or made)
        for name in small.NAMES[::stride]:
            if name.startswith("finmm_") or name == "digits":
                continue  # made by the package, of files that are pinned in it
            place = folder if name in small.SMALL else official
            try:
                yield _subject(small, name, place)
            except BenchError:
                continue  # its data are not on this machine


def _subject(small: Any, name: str, place: Path) -> Subject:
    changes: dict[str, Any] = {"splits": None} if name in small.ORDERED else {}
    at = _located(small, name, place, changes)
    with noted() as heard:
        told = _asked(_built(small, name, place, changes), learn=True)
    places = {
        path: path.relative_to(place).as_posix() if at is None else at[0]
        for path in sorted({*told.seals, *heard, *told.asked.media})
        if path.is_file() and (path.is_relative_to(place) if at is None else path == at[1])
    }
    files = {local: _cut(path) for path, local in places.items()}
    if name == "chitchat":
        files = {"chitchat.json": small.FILES["chitchat.json"].encode()}
    files = _few(files)
    media = ("jpg", "png", "wav", "mp3")
    damaged = tuple(one for one in files if one.rpartition(".")[2] not in media)
    if not damaged:
        raise BenchError(f"{name} reads no file here")
    subject = Subject(f"reader {name}", files, lambda folder: None, damaged=damaged)
    subject.read = lambda folder: _asked(_built(small, name, folder, changes), learn=True)
    subject.opened = lambda folder: _asked(_built(small, name, folder, changes))
    subject.wrong = lambda folder, found, damage: _wrong(subject, name, found, damage)
    subject.command = lambda folder: [
        "run", f"task={name}", "model=constant", f"data_dir={folder}", f"runs_dir={folder}/runs", "tracking=none", "--fresh", "resamples=10",  # noqa: E501
        *([f"task.source=file:{folder}/chitchat.json", "task.sha256=null"] if name == "chitchat" else []),
        *(["task.splits=null"] if changes else []),
    ]  # fmt: skip
    subject.more["sound"] = None
    return subject


def _few(files: dict[str, bytes]) -> dict[str, bytes]:
    """Of a folder of many files some."""
    of: dict[str, list[str]] = {}
    for name in sorted(files):
        of.setdefault(f"{Path(name).parent}{Path(name).suffix}", []).append(name)
    return {name: files[name] for names in of.values() for name in (names[:3] if len(names) > 12 else names)}


def _located(small: Any, name: str, place: Path, changes: Mapping[str, Any]) -> tuple[str, Path] | None:
    """The name below the data directory and the path of the file that the package carries; None for a task that has none."""
    source = getattr(_built(small, name, place, changes), "source", None)
    carried = getattr(source, "carried", None)
    return (source.local, carried) if carried and not (place / source.local).exists() else None


def _built(small: Any, name: str, folder: Path, changes: Mapping[str, Any]) -> Task:
    """The task as it is before it has read anything: built once, which takes ten times as long as to read a small file."""
    key = (name, folder)
    if key not in _BUILT:
        more = {"source": f"file:{folder / 'chitchat.json'}", "sha256": None} if name == "chitchat" else {}
        _BUILT[key] = small.built(name, folder, **more, **changes)
    task = copy.deepcopy(_BUILT[key])
    assert isinstance(task, Task)
    return task


def _asked(task: Task, *, learn: bool = False) -> Asking:
    found = asking(task, None, 0, 0)
    if learn:
        found.__dict__["training"] = task.training()
    return found


def _cut(path: Path) -> bytes:
    """The file's bytes, of a long one the first rows or members."""
    data = path.read_bytes()
    if len(data) <= _MOST_BYTES:
        return data
    if path.suffix == ".json":
        return json.dumps(_first(json.loads(data.decode("utf-8-sig"))), ensure_ascii=False).encode()
    end = data.rfind(b"\n", 0, _MOST_BYTES) + 1
    return data[:end] if end else data


def _first(value: Any) -> Any:
    """The first members of every list that is long."""
    if isinstance(value, dict):
        some = itertools.islice(value.items(), 5) if len(value) > 200 else value.items()
        return {key: _first(one) for key, one in some}
    return [_first(one) for one in value[:3]] if isinstance(value, list) and len(json.dumps(value)) > 5_000 else value


def _wrong(subject: Subject, name: str, found: Asking, damage: Damage) -> str:
    """Why what was read is not right: no JSON, an id twice, an example lost or made up, or none of the damage's doing."""
    examples = found.examples
    try:
        shown = [
            json.dumps([one.id, one.inputs, one.target, one.cluster], allow_nan=False, default=_media)
            for one in examples
        ]
    except (ValueError, TypeError) as error:
        return f"an example that is no JSON ({error})"
    if len({one.id for one in examples}) != len(examples):
        return "an id twice"
    if damage.what == "none":
        subject.more["sound"] = shown
    if said := _miscounted(name, len(examples), damage):
        return said
    if damage.what != "none" and _is_same(subject.files[damage.file], damage) and shown != subject.more["sound"]:
        return "other examples of the same content"
    return _unmeasured(subject, name, found)


def _media(value: Any) -> Any:
    return repr(value)


def _miscounted(name: str, n: int, damage: Damage) -> str:
    file, count = COUNTS.get(name, ("", None))
    if count is None or file != damage.file:
        return ""
    try:
        due = count(damage.data)
    except (ValueError, TypeError, LookupError, RecursionError, csv.Error, AttributeError) as error:
        return f"{n} examples of what the format's own reader refuses ({type(error).__name__}: {str(error)[:80]})"
    return "" if n == due else f"{n} examples, where the format's own reader has {due}"


def _is_same(sound: bytes, damage: Damage) -> bool:
    """Whether the damaged file says what the sound one says, by the format's own library."""
    try:
        if damage.file.endswith(".json"):
            same = json.dumps(_json(sound)) == json.dumps(_json(damage.data))  # in the same order, too
            return same and "0" not in damage.what
        old, new = (data.decode("utf-8-sig").replace("\r\n", "\n").rstrip("\n") for data in (sound, damage.data))
    except (ValueError, RecursionError):
        return False
    return old == new


def _unmeasured(subject: Subject, name: str, found: Asking) -> str:
    """Why the ideal answers, which the file itself names, cannot be measured."""
    task = _built(small_data(), name, Path.cwd(), {"splits": None} if name in small_data().ORDERED else {})
    if without_references(found.examples):
        return ""
    given = ideals(task, found.examples)
    for example in found.examples:
        answer = measurable(task, example, given[example.id])
        if answer.error is not None and not _TOO_LONG.search(answer.error):
            return f"the target of {example.id!r} cannot be measured: {answer.error}"
        if any(isinstance(value, float) and not math.isfinite(value) for value in (answer.values or {}).values()):
            return f"the target of {example.id!r} is not finite"
    return ""
