"""What each annotator said of each unit, out of annotation files of any specification."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from bench.data.check import KINDS, format_problem, iter_problems
from bench.data.files import read_json, read_jsonl
from bench.data.spec_ratings import RATED, SCALES
from bench.data.spec_rules import Record, members
from bench.data.spec_schema import keys
from bench.errors import BenchError


@dataclass
class Judged:
    """One thing that annotators judge, with the values by unit and annotator."""

    name: str
    level: str  # "nominal", "interval", or "likeness" where two are more or less alike
    values: dict[str, dict[str, Hashable]] = field(default_factory=dict)


@dataclass
class Judgements:
    """All of some files: what was judged, in which cluster each unit is, who judged, by `how` the annotators are known."""

    spec: str
    how: str
    judged: dict[str, Judged] = field(default_factory=dict)
    clusters: dict[str, str] = field(default_factory=dict)
    n_files: int = 1
    shown: dict[str, tuple[Hashable, str]] = field(
        default_factory=dict
    )  # what a unit is of, so that no other is compared
    stretches: dict[str, tuple[tuple[float, float, str], str]] = field(
        default_factory=dict
    )  # of each segment its begin, end and text, and where that stands

    def add(self, name: str, unit: str, annotator: str, value: Hashable, where: str) -> None:
        """Note a judgement; BenchError where this annotator has judged the unit before."""
        given = self.judged.setdefault(name, _made(name)).values.setdefault(unit, {})
        if annotator in given:
            raise BenchError(f"{where}: {annotator!r} judges {name} of {unit!r} a second time; keep one of the two")
        given[annotator] = value

    @property
    def annotators(self) -> list[str]:
        """Who judged anything."""
        every = (given for one in self.judged.values() for given in one.values.values())
        return list(dict.fromkeys(name for given in every for name in given))


def _made(name: str) -> Judged:
    alike = name in ("answers", "spans", "boxes", "fields", "values")
    return Judged(name, "interval" if name in SCALES else "likeness" if alike else "nominal")


def judgements(files: Sequence[Path], spec: str | None = None) -> Judgements:
    """The judgements in annotation files; where records hold no `annotations`, each file is one annotator's.

    Raises BenchError for a file that does not keep to its specification, for files of different kinds or of things that are not
    the same under one id, and for one file without `annotations`.
    """
    specs = {spec or spec_of(path) for path in files}
    if len(specs) > 1:
        raise BenchError(f"the files are of the specifications {' and '.join(sorted(specs))}; give files of one")
    found_spec = specs.pop()
    if len({path.resolve() for path in files}) < len(files):
        raise BenchError("a file is given twice; an annotator agrees with himself in all")
    for path in files:
        if first := next(iter_problems(path, found_spec, check_images=False), None):
            raise BenchError(f"{format_problem(first)} (run `bench data check {path} --spec {found_spec}` for all)")
    inside = [_has_annotations(path) for path in files]
    if any(inside) and not all(inside):
        without = files[inside.index(False)]
        raise BenchError(f"{without} holds no annotations, and others do; give files of one sort")
    if not any(inside) and len(files) == 1:
        raise BenchError(
            f"{files[0]} is the work of one annotator, and agreement needs two; give the files of several annotators with the "
            f"same ids{', or records with annotations' if found_spec in ('voice', 'video') else ''}"
        )
    found = Judgements(found_spec, "annotations" if any(inside) else "files", n_files=len(files))
    for path, name in zip(files, _names(files), strict=True):
        for line, record in _records(path):
            _read(found, record, name, f"{path} line {line}" if line else str(path))
    answers = found.judged.get("answers")
    if found.how == "annotations" and answers and all(len(given) < 2 for given in answers.values.values()):
        del found.judged["answers"]  # files of different recordings, whose annotators are those in them
    return found


def spec_of(path: Path) -> str:
    """The specification whose record shares most keys with the file's first; a document over several lines is text."""
    try:
        with path.open("rb") as stream:
            value = json.loads(stream.readline())
    except OSError as error:
        raise BenchError(f"{path} cannot be read ({error.strerror}); give an annotation file") from None
    except (ValueError, RecursionError):
        value = None
    there = value.keys() if isinstance(value, dict) else frozenset()
    shared = {spec: max(len(keys(spec, kind.name) & there) for kind in kinds) for spec, kinds in KINDS.items()}
    return max(shared, key=lambda name: shared[name])


def _records(path: Path) -> Iterator[tuple[int, Record]]:
    """Each record with its line; a document of questions is one, at line 0."""
    try:
        first = next(islice(read_jsonl(path), 1), None)
    except BenchError:
        first = None
    if first is None or "data" in first[1]:
        whole = read_json(path)
        yield 0, whole if isinstance(whole, dict) else {}
        return
    yield from read_jsonl(path)


def _has_annotations(path: Path) -> bool:
    return any(record.get("annotations") for _, record in _records(path))


def _names(files: Sequence[Path]) -> list[str]:
    stems = [path.stem for path in files]
    return stems if len(set(stems)) == len(stems) else [str(path) for path in files]


def _read(found: Judgements, record: Record, name: str, where: str) -> None:
    for test, read in _READERS:
        if test in record:
            read(found, record, name, where)
            return
    raise BenchError(
        f"{where}: holds nothing that annotators judge; utterances, questions, pictures, voices and videos do"
    )


def _same(found: Judgements, unit: str, cluster: str, thing: Hashable, where: str) -> None:
    """Note what a unit is of and its cluster; BenchError where either is another one than before, in whatever file that was."""
    known, first = found.shown.setdefault(unit, (thing, where))
    if known != thing:
        raise BenchError(f"{where}: {unit!r} is of something else than in {first}; give files of the same records")
    if (before := found.clusters.setdefault(unit, cluster)) != cluster:
        raise BenchError(
            f"{where}: {unit!r} belongs to {cluster[:60]!r}, in {first} to {before[:60]!r}; a record is of one conversation "
            "or page, give it the same in all files"
        )


def _same_stretch(found: Judgements, unit: str, segment: Record, where: str) -> None:
    """Note when a segment is and what is said in it; BenchError where that is another one than before under the same place."""
    begin, end, text = round(segment["start"], 3), round(segment["end"], 3), " ".join(segment["text"].split())
    (start, stop, said), first = found.stretches.setdefault(unit, ((begin, end, text), where))
    if (begin, end) != (start, stop):
        raise BenchError(
            f"{where}: segment {unit!r} is from {begin:g} to {end:g} s, in {first} from {start:g} to {stop:g} s; only "
            "the same stretch of a recording can be compared: give files with the same segments"
        )
    if text != said:
        raise BenchError(
            f"{where}: segment {unit!r} ({begin:g} to {end:g} s) says {text[:60]!r}, in {first} {said[:60]!r}; give files with the "
            "same segments"
        )


def _questions(found: Judgements, record: Record, name: str, where: str) -> None:
    for _, article in members(record, (), "data"):
        for _, paragraph in members(article, (), "paragraphs"):
            for _, question in members(paragraph, (), "qas"):
                unit, context = question["id"], paragraph["context"]
                _same(found, unit, context, (context, question["question"]), where)
                answers = tuple(answer["text"] for answer in question["answers"])
                found.add("answerable", unit, name, bool(answers), where)
                if answers:
                    found.add("spans", unit, name, answers, where)


def _utterance(found: Judgements, record: Record, name: str, where: str) -> None:
    _same(found, record["id"], record["conversation"], record["text"], where)
    for key in RATED:
        found.add(key, record["id"], name, record[key], where)


def _picture(found: Judgements, record: Record, name: str, where: str) -> None:
    page = record["id"]
    _same(found, page, page, (record["image"], record["width"], record["height"]), where)
    found.add("kind", page, name, record["kind"], where)
    marked = tuple((one["name"], tuple(one["box"])) for one in record["fields"])
    found.add("fields", page, name, marked, where)
    for key, value in (("values", "value"), ("boxes", "box")):
        for one in {one["name"]: one for one in reversed(record["fields"])}.values():
            unit = f"{page}: {one['name']}"
            found.clusters[unit] = page
            found.add(key, unit, name, tuple(one["box"]) if value == "box" else one["value"], where)
    _answers(found, record, name, where, page)


def _answers(found: Judgements, record: Record, name: str, where: str, cluster: str) -> None:
    for _, question in members(record, (), "questions"):
        _same(found, question["id"], cluster, question["question"], where)
        found.add("answers", question["id"], name, tuple(question["answers"]), where)


def _recording(found: Judgements, record: Record, name: str, where: str) -> None:
    _same(found, record["id"], record["conversation"], record["file"], where)
    rated: list[tuple[int, str, Mapping[str, object]]] = [
        (one["segment"], one["annotator"], one) for one in record.get("annotations", ())
    ]
    if found.how == "files":
        rated = [(place, name, segment) for place, segment in enumerate(record["segments"])]
    if found.how == "files" or found.n_files > 1:  # an answer is its file's, whoever rated the segments
        _answers(found, record, name, where, record["conversation"])
    for place, segment in enumerate(record["segments"]):
        _same_stretch(found, f"{record['id']}[{place}]", segment, where)
    for place, annotator, values in rated:
        unit = f"{record['id']}[{place}]"
        found.clusters[unit] = record["conversation"]
        for key in (key for key in RATED if key in values):
            found.add(key, unit, annotator, values[key], where)


# A record is read by the first of these whose key it has.
_READERS: tuple[tuple[str, Callable[[Judgements, Record, str, str], None]], ...] = (
    ("data", _questions),
    ("segments", _recording),
    ("image", _picture),
    ("emotion", _utterance),
)
