"""Checks a file of annotations against its specification: `bench data check FILE --spec SPEC`.

The specifications for people stand in `specs/<spec>.md`, their schemas in `specs/<spec>.schema.json`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from bench.data.located_json import Finding, JsonPath, Locator, Unreadable, parse, show_path
from bench.data.spec_media import Opened, film_findings, image_findings, voice_findings
from bench.data.spec_recordings import recording_findings, video_findings
from bench.data.spec_rules import (
    Identity,
    Record,
    dialogue_findings,
    picture_findings,
    qa_findings,
    qa_identities,
    record_identities,
)
from bench.data.spec_schema import keys, schema_findings, show
from bench.errors import BenchError

_BOM = b"\xef\xbb\xbf"
_BOM_MESSAGE = "found a byte order mark; UTF-8 without one is allowed"


@dataclass(frozen=True)
class Problem:
    """One thing to correct: the line (1-based), the field's path, the rule, and what was found and is allowed."""

    file: Path
    line: int
    field: str
    rule: str
    message: str


@dataclass(frozen=True)
class Kind:
    """One kind of record: the name of its schema definition, the rules that the schema cannot say, and those of its file."""

    name: str
    findings: Callable[[Record], Iterator[Finding]] = lambda record: iter(())
    identities: Callable[[Record], Iterator[Identity]] = record_identities
    media: Callable[[Record, Path, Opened | None], Iterator[Finding]] = lambda record, folder, opened: iter(())
    whole_file: bool = False  # one JSON document a file; else one record a line


KINDS: dict[str, tuple[Kind, ...]] = {
    "text": (
        Kind("utterance"),
        Kind("dialogue", dialogue_findings),
        Kind("qa", qa_findings, qa_identities, whole_file=True),
    ),
    "picture": (Kind("picture", picture_findings, media=image_findings),),
    "voice": (Kind("voice", recording_findings, media=voice_findings),),
    "video": (Kind("video", video_findings, media=film_findings),),
}


@dataclass
class _Check:
    """What is known of a file while it is read: its kind, and the ids so far with where each first stood."""

    path: Path
    spec: str
    check_images: bool
    opened: Opened | None
    kind: Kind | None = None
    first_uses: dict[tuple[str, str], tuple[int, JsonPath]] = field(default_factory=dict)

    def problem(self, line: int, rule: str, message: str, where: str) -> Problem:
        return Problem(self.path, line, where, rule, message)


def check_file(path: Path, spec: str, *, check_images: bool = True, opened: Opened | None = None) -> list[Problem]:
    """Every problem of an annotation file, in the order of its lines; none means that it keeps to the specification.

    `check_images` looks at the pictures, sounds and films beside it; what they hold is compared by what `opened` makes of a
    path (`bench.models.sound.opened`), and not without it.
    Raises BenchError for an unknown specification and for a file that cannot be read at all.
    """
    return list(iter_problems(path, spec, check_images=check_images, opened=opened))


def iter_problems(
    path: Path, spec: str, *, check_images: bool = True, opened: Opened | None = None
) -> Iterator[Problem]:
    """`check_file`, one problem at a time: of a JSON Lines file it keeps the ids and no more."""
    if spec not in KINDS:
        raise BenchError(f"there is no specification {spec!r}; choose one of {sorted(KINDS)}")
    check = _Check(path, spec, check_images, opened)
    try:
        if not path.exists():
            raise BenchError(f"{path} does not exist; give the path of an annotation file")
        if not path.is_file():
            raise BenchError(f"{path} is not a file; give the path of one annotation file")
        with path.open("rb") as stream:
            yield from _stream(check, stream)
    except OSError as error:
        raise BenchError(f"{path} cannot be read: {error.strerror or error}; give a file that can") from None


def format_problem(problem: Problem) -> str:
    """One line for a terminal or an editor: `FILE:LINE: FIELD: RULE: message`."""
    return f"{problem.file}:{problem.line}: {problem.field}: {problem.rule}: {problem.message}"


def _stream(check: _Check, stream: BinaryIO) -> Iterator[Problem]:
    first = stream.readline()
    stream.seek(0)
    if first.startswith((b"\xff\xfe", b"\xfe\xff")):
        yield check.problem(1, "encoding", "found the mark of UTF-16; text saved as UTF-8 is allowed", "(file)")
    elif _is_document(first, check.path, check.spec):
        yield from _document(check, stream.read())
    else:
        yield from _lines(check, stream)


def _is_document(first: bytes, path: Path, spec: str) -> bool:
    """Whether the file is one JSON document: told by the keys of its first line, else by its suffix."""
    whole = [kind for kind in KINDS[spec] if kind.whole_file]
    if not whole:
        return False
    try:
        value = json.loads(first.removeprefix(_BOM))
    except (ValueError, RecursionError):
        value = None
    kind = _detect(value, spec, None) if isinstance(value, dict) else None
    return kind in whole if kind else path.suffix.lower() not in (".jsonl", ".ndjson")


def _detect(record: Record, spec: str, default: Kind | None) -> Kind | None:
    """The kind that shares most keys with the record; `default` where no other shares more, or none shares any."""
    if len(KINDS[spec]) == 1:
        return KINDS[spec][0]
    shared = {kind: len(keys(spec, kind.name) & record.keys()) for kind in KINDS[spec]}
    best = max(shared, key=lambda kind: (shared[kind], kind == default))
    return best if shared[best] else default


def _lines(check: _Check, stream: BinaryIO) -> Iterator[Problem]:
    n_records = 0
    for number, raw in enumerate(stream, start=1):
        if number == 1 and raw.startswith(_BOM):
            yield check.problem(1, "encoding", _BOM_MESSAGE, "(file)")
            raw = raw.removeprefix(_BOM)
        if not raw.strip():
            yield check.problem(number, "blank-line", "found a blank line; one record a line is allowed", "(record)")
            continue
        n_records += 1
        if n_records == 1 and raw.strip() in (b"{", b"[", b"[{"):
            message = "found one JSON value over several lines; JSON Lines, one whole record a line, are allowed"
            yield check.problem(number, "json", message, "(file)")
            return
        try:
            value, findings = parse(raw.decode("utf-8").rstrip("\r\n"))  # so that the end has a column of this line
        except UnicodeDecodeError as error:
            yield check.problem(number, "encoding", _bad_byte(error), "(record)")
        except Unreadable as error:
            yield check.problem(number, "json", str(error), "(record)")
        else:
            for finding in _record(check, value, number, findings):
                yield check.problem(number, finding.rule, finding.message, show_path(finding.path, "(record)"))
    if not n_records:
        yield check.problem(1, "empty-file", "found no record; one or more are allowed", "(file)")


def _document(check: _Check, raw: bytes) -> Iterator[Problem]:
    if raw.startswith(_BOM):
        yield check.problem(1, "encoding", _BOM_MESSAGE, "(file)")
        raw = raw.removeprefix(_BOM)
    if not raw.strip():
        yield check.problem(1, "empty-file", "found nothing; one JSON object is allowed", "(file)")
        return
    try:
        text = raw.decode("utf-8")
        value, findings = parse(text)
    except UnicodeDecodeError as error:
        yield check.problem(raw.count(b"\n", 0, error.start) + 1, "encoding", _bad_byte(error), "(file)")
        return
    except Unreadable as error:
        yield check.problem(error.line, "json", str(error), "(file)")
        return
    check.kind = next(kind for kind in KINDS[check.spec] if kind.whole_file)
    findings = list(_record(check, value, 0, findings))
    if findings:
        locator = Locator(text)
        located = sorted(((locator.line(finding.path), finding) for finding in findings), key=lambda pair: pair[0])
        for line, finding in located:
            yield check.problem(line, finding.rule, finding.message, show_path(finding.path, "(file)"))


def _bad_byte(error: UnicodeDecodeError) -> str:
    return f"found the byte 0x{error.object[error.start]:02x}, which is not UTF-8; text saved as UTF-8 is allowed"


def _record(check: _Check, value: Any, line: int, faults: list[Finding]) -> Iterator[Finding]:
    """All findings of one parsed record or document; those of the parser come first and silence others there."""
    yield from faults
    if not isinstance(value, dict):
        yield Finding((), "type", f"found {show(value)}; an object is allowed")
        return
    kind = check.kind if check.kind and check.kind.whole_file else _detect(value, check.spec, check.kind)
    check.kind = check.kind or kind
    if kind is None or kind != check.kind or (kind.whole_file and line):
        yield _other_kind(check, kind)
        return
    silenced = {fault.path for fault in faults if fault.rule != "duplicate-key"}
    try:
        found = [*schema_findings(value, check.spec, kind.name), *kind.findings(value)]
        found += _reused(check, kind, value, line)
    except RecursionError:
        found = [Finding((), "json", "nested too deeply to be read; the layout in the specification is allowed")]
    yield from (finding for finding in found if finding.path not in silenced)
    if check.check_images:
        yield from kind.media(value, check.path.parent, check.opened)


def _other_kind(check: _Check, kind: Kind | None) -> Finding:
    if kind is None:
        names = " or ".join(each.name for each in KINDS[check.spec])
        return Finding((), "kind", f"found none of the keys of a record; a record of kind {names} is allowed")
    began = check.kind.name if check.kind and not check.kind.whole_file else "utterance or dialogue"
    return Finding((), "kind", f"found a {kind.name} record; only {began} records are allowed in this file")


def _reused(check: _Check, kind: Kind, record: Record, line: int) -> Iterator[Finding]:
    for path, scope, identity in kind.identities(record):
        first_line, first = check.first_uses.setdefault((scope, identity), (line, path))
        if (first_line, first) != (line, path):
            place = f"line {first_line}" if first_line else show_path(first, "(file)")
            message = f"found {identity!r} again, first used in {place}; an id that is used once is allowed"
            yield Finding(path, "unique-id", message)
