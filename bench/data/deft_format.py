"""The DEFT corpus (SemEval-2020 task 6): `.deft` files of sentences with labels, or of tokens with tags and relations.

Sentence rows are `"sentence" TAB "0|1"`, quoted as CSV. Token rows are `TOKEN FILE START END TAG` and in full also
`TAG_ID ROOT_ID RELATION`, divided by TABs with spaces around and never quoted; a blank line ends a sentence, two end a
passage.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from pathlib import Path

from bench.data.files import read_text
from bench.errors import BenchError
from bench.text.rows import cells as cells_of
from bench.text.rows import rows

EVALUATED = ("Term", "Definition", "Alias-Term", "Referential-Definition", "Referential-Term", "Qualifier")
TAGS = tuple(f"{begin}-{name}" for name in EVALUATED for begin in "BI")
RELATIONS = ("Direct-Defines", "Indirect-Defines", "AKA", "Refers-To", "Supplements")
KNOWN_TAG = re.compile(
    r"O|[BI]-(?:(?:(?:Alias|Ordered|Referential|Secondary)-)?(?:Term|Definition)|Qualifier)(?:-frag)?"
)
KNOWN_RELATIONS = frozenset((*RELATIONS, "fragment", "0"))  # the last two are in the corpus and never scored
_TASK = re.compile(r"task_([0-9])_(.+)")
_NUMBER = re.compile("[0-9]+")


@dataclass(frozen=True)
class Token:
    """A token row and its line; without the last three columns a token has no relation."""

    line: int
    text: str
    tag: str
    tag_id: str = "-1"
    root: str = "0"
    relation: str = "0"


def labelled(root: Path, subtask: int) -> Path:
    """The folder of labelled test files of a subtask, in a copy of the corpus or of its data folder."""
    return _below(root, f"test_files/labeled/subtask_{subtask}")


def dev(root: Path) -> Path:
    """The folder of development files, which have all columns."""
    return _below(root, "deft_files/dev")


def _below(root: Path, part: str) -> Path:
    for folder in (root / part, root / "data" / part):
        if folder.is_dir():
            return folder
    raise BenchError(f"{root} holds no folder {part}; bring the corpus again, or give the folder that holds it")


def files(folder: Path, subtask: int) -> dict[str, Path]:
    """The `.deft` files of a subtask by their name without `task_N_`, in order of name; those of other subtasks are left out.

    Raises BenchError when there is none, or when two files are for the same text.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("*.deft")):
        named = _TASK.fullmatch(path.stem)
        if named is not None and named[1] != str(subtask):
            continue
        stem = named[2] if named else path.stem
        if stem in found:
            raise BenchError(f"{folder} holds both {found[stem].name} and {path.name}; leave one of them")
        found[stem] = path
    if not found:
        raise BenchError(
            f"{folder} holds no file task_{subtask}_NAME.deft and no NAME.deft; give the folder of such files"
        )
    return dict(sorted(found.items()))


def sentence_rows(path: Path) -> Iterator[tuple[int, str, str]]:
    """(line, sentence, label) of the rows of a sentence file, white space around them taken off."""
    for line, row in cells_of(read_text(path), path, delimiter="\t", strict=False):
        if len(row) == 1:
            raise BenchError(f"{path} line {line}: 1 column, expected a sentence and its label; divide them by a TAB")
        yield line, row[0].strip(), row[-1].strip()


def passages(path: Path, *, full: bool) -> list[list[list[Token]]]:
    """The tokens of a file: passages of sentences of tokens. `full` asks for all eight columns, else five will do."""
    found: list[list[list[Token]]] = []
    blank = 2
    for number, line in enumerate(rows(read_text(path)), start=1):
        if not line.strip():
            blank += 1
            continue
        if blank >= 2:
            found.append([])
        if blank >= 1:
            found[-1].append([])
        blank = 0
        found[-1][-1].append(_token(line, f"{path} line {number}", number, full))
    return found


def _token(line: str, where: str, number: int, full: bool) -> Token:
    cells = [cell.strip() for cell in line.split("\t")]
    if len(cells) != 8 and (full or len(cells) != 5):
        names = "TOKEN FILE START END TAG TAG_ID ROOT_ID RELATION" if full else "TOKEN FILE START END TAG"
        raise BenchError(f"{where}: {len(cells)} columns, expected {8 if full else 5} ({names}) divided by TABs")
    if len(cells[0].split()) != 1:
        raise BenchError(f"{where}: found the token {cells[0][:40]!r}, expected one word; bring the file again")
    return Token(number, cells[0], *map(_unquoted, cells[4:]))


def _unquoted(cell: str) -> str:
    """The cell, without the quotes that a CSV writer may have put around it."""
    return cell[1:-1].replace('""', '"') if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell


def same_tokens(path: Path, golds: Sequence[Sequence[str]], *, full: bool) -> list[list[Token]]:
    """The tokens of a submitted file, divided as the gold texts are.

    Rows are compared one by one and blank lines do not count, as in the official script. Raises BenchError naming the
    line of the first token that is not the gold one, too much or missing.
    """
    tokens = [token for passage in passages(path, full=full) for sentence in passage for token in sentence]
    wanted = [text for gold in golds for text in gold]
    for token, text in zip_longest(tokens, wanted):
        if token is None:
            raise BenchError(f"{path}: {len(tokens)} tokens, expected {len(wanted)}; the first missing one is {text!r}")
        if text is None:
            raise BenchError(
                f"{path} line {token.line}: {len(tokens)} tokens, expected {len(wanted)}; take out the rest"
            )
        if text not in (token.text, _unquoted(token.text)):
            raise BenchError(
                f"{path} line {token.line}: found the token {token.text!r}, expected {text!r}; keep the rows"
            )
    rest = iter(tokens)
    return [list(islice(rest, len(gold))) for gold in golds]


def merged(sentences: Sequence[list[Token]]) -> Iterator[list[Token]]:
    """The sentences of a passage as the sentence files have them: the number of a section is put before the next sentence."""
    begun: list[Token] = []
    for sentence in sentences:
        begun = begun + sentence
        if not (len(sentence) == 2 and _NUMBER.fullmatch(sentence[0].text) and sentence[1].text == "."):
            yield begun
            begun = []
    if begun:
        yield begun


def defines(sentence: Sequence[Token]) -> bool:
    """Whether a sentence holds a definition: a token of one."""
    return any(token.tag in ("B-Definition", "I-Definition") for token in sentence)
