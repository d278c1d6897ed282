"""The files of DSTC7 track 2: the release of human judgments, the official test set, plain references, and submissions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.data.files import read_text
from bench.data.submissions import pairs
from bench.errors import BenchError
from bench.text.rows import rows
from bench.types import Example, Json

_PAGE_CHARACTERS = 2_000  # that a prompt shows of a page
_N_REFERENCES, _HUMAN = 6, 1  # of the official script: how many references count, and which one is the row "Human"
_PLAIN = re.compile(r"ref(0|[1-9][0-9]*)\.txt")
_TAG = re.compile(r"</?\w+>")


def official_references(references: Sequence[str]) -> list[str]:
    """The six references that the official script scores by: all but the second, in turns where there are fewer.

    The second is what the row "Human" says, so that people are not compared with themselves. As in the script, the third
    takes its place and so counts twice.
    """
    turns = [i % len(references) for i in range(_N_REFERENCES)] if references else []
    return [references[(i + 1) % len(references) if i == _HUMAN else i] for i in turns]


def examples(folder: Path) -> list[Example]:
    """The official test set where its files lie in the folder, else plain references where only they do, else the release."""
    if has_official(folder):
        return list(official(folder))
    return list(plain(folder) if has_plain(folder) else release(folder))


def has_official(folder: Path) -> bool:
    """Whether the official test conversations lie there with their references."""
    return (folder / "test.convos.txt").is_file() and (folder / "test.refs").is_file()


def has_plain(folder: Path) -> bool:
    """Whether the folder holds references line by line (ref0.txt, ref1.txt, …) and nothing of the other layouts."""
    release_or_test = ("dstc7-task2-context.tsv", "test.convos.txt", "test.refs")
    return (folder / "ref0.txt").is_file() and not any((folder / name).exists() for name in release_or_test)


def plain(folder: Path) -> Iterator[Example]:
    """The lines of ref0.txt, ref1.txt, … as references of one another; ids are line numbers. All of them count."""
    numbers = sorted(int(found[1]) for path in folder.glob("ref*.txt") if (found := _PLAIN.fullmatch(path.name)))
    paths = [folder / f"ref{number}.txt" for number in numbers]
    columns = [rows(read_text(path)) for path in paths]
    for path, lines in zip(paths, columns, strict=True):
        if len(lines) != len(columns[0]):
            raise BenchError(
                f"{path}: {len(lines)} lines, where {paths[0].name} has {len(columns[0])}; each must have a reference for "
                "every hypothesis"
            )
    for number, references in enumerate(zip(*columns, strict=True), start=1):
        yield Example(str(number), {"page": "", "turns": []}, list(references), str(number))


def _rows(path: Path, columns: int, header: str = "") -> Iterator[tuple[str, list[str]]]:
    """The rows of a TAB separated file without quoting that have at least `columns` cells, each with its place."""
    lines = rows(read_text(path)) or [""]
    if header and lines[0].split("\t")[:columns] != header.split():
        raise BenchError(f"{path} line 1: found {lines[0][:60]!r}, expected the columns {header}; bring the file again")
    for number, line in enumerate(lines, start=1):
        cells = line.split("\t")
        if (header and number == 1) or cells == [""]:
            continue
        if len(cells) < columns:
            raise BenchError(f"{path} line {number}: {len(cells)} columns, expected {columns}; bring the file again")
        yield f"{path} line {number}", cells


def _by_key(path: Path, columns: int, header: str = "") -> dict[str, tuple[str, list[str]]]:
    """Place and cells of each row by its first cell; a key that comes twice is refused."""
    found: dict[str, tuple[str, list[str]]] = {}
    for where, cells in _rows(path, columns, header):
        if cells[0] in found:
            raise BenchError(f"{where}: the key {cells[0]!r} stands at {found[cells[0]][0]} too; remove one")
        found[cells[0]] = (where, cells)
    return found


def release(folder: Path) -> Iterator[Example]:
    """The contexts of the human-evaluation release; what it calls context is the text of the page."""
    gold = _by_key(folder / "dstc7-task2-gold_responses.tsv", 2, "InstanceID Reference1")
    discussions: dict[str, str] = {}  # a page's examples share a cluster, for the release does not name discussions
    for key, (where, cells) in _by_key(folder / "dstc7-task2-context.tsv", 3, "InstanceID Depth Context").items():
        if key not in gold:
            raise BenchError(f"{where}: {key!r} is not in dstc7-task2-gold_responses.tsv; bring the release again")
        references = [text for text in gold[key][1][1:] if text]
        inputs = {"page": cells[2], "turns": []}
        yield Example(key, inputs, official_references(references), discussions.setdefault(cells[2], key))


def depths(folder: Path) -> dict[str, int]:
    """How many comments came before the one to write, in the release, which does not hold them; {} for other layouts."""
    path = folder / "dstc7-task2-context.tsv"
    found = _rows(path, 3) if path.is_file() else ()
    return {cells[0]: int(cells[1]) for _, cells in found if re.fullmatch("[0-9]{1,9}", cells[1])}


def official(folder: Path) -> Iterator[Example]:
    """The test conversations that have references, and where test.2k.txt lies there, those whose keys it lists."""
    keys = folder / "test.2k.txt"
    kept = set(read_text(keys).split()) if keys.is_file() else None
    references = _by_key(folder / "test.refs", 2)
    for example in conversations(folder, "test"):
        if example.id not in references or (kept is not None and example.id not in kept):
            continue
        where, cells = references[example.id]
        if bad := [cell for cell in cells[1:] if "|" not in cell]:
            raise BenchError(f"{where}: found the reference {bad[0][:60]!r}, expected score|text; bring the file again")
        golds = official_references([cell.split("|")[1] for cell in cells[1:]])
        yield Example(example.id, example.inputs, golds, example.cluster)


def conversations(folder: Path, split: str) -> Iterator[Example]:
    """The rows of SPLIT.convos.txt, if it is there: hash, subreddit, conversation, score, turn, context, response."""
    path = folder / f"{split}.convos.txt"
    if not path.is_file():
        return
    pages = _pages(folder / f"{split}.facts.txt")
    for key, (_, cells) in _by_key(path, 7).items():
        turns = [turn.strip() for turn in cells[5].split(" EOS ")]
        inputs = {"page": pages.get(cells[2], ""), "turns": [turn for turn in turns if turn not in ("", "START")]}
        yield Example(key, inputs, [cells[6]], cells[2])


def _pages(path: Path) -> dict[str, str]:
    """The beginning of each conversation's page from its facts, or of the part that its address points to."""
    facts: dict[str, list[str]] = {}
    for _, cells in _rows(path, 5) if path.is_file() else ():
        facts.setdefault(cells[2], []).append(cells[4])
    pages = {}
    for conversation, lines in facts.items():
        start = next((i for i, line in enumerate(lines) if "<anchor>" in line), 0)
        text = " ".join(_TAG.sub(" ", " ".join(lines[start:])).split())
        pages[conversation] = text[:_PAGE_CHARACTERS]
    return pages


def responses(path: Path, system: str) -> Iterator[tuple[str, Json]]:
    """The (key, response) pairs of a file, of one system where it holds several; None for a line without a response.

    Raises BenchError where the file is in none of the formats, or where `system` is needed or unknown.
    """
    text = read_text(path)
    if path.suffix in (".json", ".jsonl") or text.lstrip().startswith(("{", "[")):
        yield from pairs(path)
        return
    lines = [row.split("\t") for row in rows(text)] or [[""]]
    if lines[0] == ["SystemID", "InstanceID", "Response"]:
        yield from _of_system(path, system)
        return
    if system:
        raise BenchError(f"{path} holds one system only; leave @{system} out")
    if all(len(cells) == 1 for cells in lines):
        raise BenchError(
            f"{path}: no line has a TAB; expected the key in the first column and the response in the last"
        )
    for cells in lines:
        if cells != [""]:
            yield cells[0], cells[-1] if len(cells) > 1 else None


def plain_responses(path: Path) -> Iterator[tuple[str, Json]]:
    """The lines of a file of hypotheses with their numbers, or (number, hypothesis) of JSON."""
    if path.suffix in (".json", ".jsonl"):
        yield from pairs(path)
        return
    yield from ((str(number), line) for number, line in enumerate(rows(read_text(path)), start=1))


def _of_system(path: Path, system: str) -> Iterator[tuple[str, Json]]:
    found = [cells for _, cells in _rows(path, 3, "SystemID InstanceID Response")]
    systems = sorted({cells[0] for cells in found})
    if not system and len(systems) == 1:
        system = systems[0]
    if system not in systems:
        fault = f"the system {system!r} is not in it" if system else "it holds several systems"
        raise BenchError(f"{path}: {fault}; name one of {', '.join(systems)} behind an @: {path.name}@{systems[0]}")
    yield from ((cells[1], cells[2]) for cells in found if cells[0] == system)
