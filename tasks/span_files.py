"""Files of tokens with tags, a token a row or a sentence a record, and lines of "token:Label" in which a model tags tokens."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

from bench.data.submissions import kind, records, table
from bench.errors import BenchError
from bench.text.rows import rows
from bench.types import Json

Sentence: TypeAlias = tuple[
    list[str], list[str] | None, str
]  # tokens, their tags (None: held out) and the cluster, "" for its own
_OUTSIDE = {"o", "other", "none", "outside"}
_MOST = 4  # lines for each token that are looked at
_TAGGED = re.compile(r"^(?:(?P<before>[BI])[-_ ])?(?P<name>.+?)(?:[-_ ](?P<behind>[BI]))?$", re.IGNORECASE)


def tags_of(codes: Sequence[str]) -> tuple[str, ...]:
    """O, then B- and I- of each code."""
    return ("O", *(f"{begin}-{code}" for code in codes for begin in "BI"))


def token_rows(path: Path, tags: Sequence[str]) -> Iterator[Sentence]:
    """The sentences of FiNER-ORD's CSV, a token a row (gold_label, gold_token, doc_idx, sent_idx); a document is a cluster.

    A label is the place of its tag among the `tags`, from 0.
    """
    of: dict[tuple[str, str], tuple[list[str], list[str]]] = {}
    for where, row in table(path, ("gold_label", "gold_token", "doc_idx", "sent_idx")):
        label = row["gold_label"].strip()
        if not (label.isdecimal() and int(label) < len(tags)):
            raise BenchError(
                f"{where}: gold_label is {label!r}, expected a number from 0 to {len(tags) - 1}; bring the file again"
            )
        tokens, found = of.setdefault((row["doc_idx"], row["sent_idx"]), ([], []))
        tokens.append(_token(row["gold_token"], where))
        found.append(tags[int(label)])
    for (document, _), (tokens, found) in of.items():
        yield tokens, found, document


def tag_records(path: Path, known: Sequence[str]) -> Iterator[Sentence]:
    """The sentences of a list or of lines of objects with `tokens` and, unless they are held out, `tags` or `label`."""
    for where, record in records(path):
        tokens = _texts(record.get("tokens"), f"{where}: tokens")
        given = record.get("tags", record.get("label"))
        tags = None if given is None else _texts(given, f"{where}: tags")
        if tags is not None and (wrong := wrong_tags(tags, tokens, known)):
            raise BenchError(f"{where}: {wrong}; bring the file again")
        yield [_token(token, where) for token in tokens], tags, ""


READERS: Mapping[str, Callable[[Path, Sequence[str]], Iterator[Sentence]]] = MappingProxyType(
    {"token rows": token_rows, "tag records": tag_records}
)


def wrong_tags(tags: Sequence[Json], tokens: Sequence[str], known: Sequence[str]) -> str:
    """What is wrong with tags that should be a known one for each token; "" where nothing is."""
    if len(tags) != len(tokens):
        return f"found {len(tags)} tags, expected {len(tokens)}, one for each token"
    wrong = next((tag for tag in tags if not isinstance(tag, str) or tag not in known), None)
    return "" if wrong is None else f"found the tag {str(wrong)[:40]!r}, expected one of {', '.join(known)}"


def aligned(tokens: Sequence[str], output: str, code_of: Callable[[str], str]) -> list[str]:
    """The tag that lines of "token:Label" give each token, "" where none does: a token may hold a colon, a label none.

    Labels are Person_B, B-PER, Person (which begins a phrase, or goes on with the same label before it) or Other. Lines and
    tokens are aligned as they stand, in order, so that lines that are left out or added cost nothing but their own tokens.
    """
    said = [line.strip().rpartition(":") for line in rows(output) if ":" in line][: _MOST * len(tokens) + 100]
    words, labels = [word.strip() for word, _, _ in said], [label for _, _, label in said]
    found = [""] * len(tokens)
    matcher = difflib.SequenceMatcher(None, list(tokens), words, autojunk=False)
    for first, at, n in matcher.get_matching_blocks():
        for i in range(n):
            before = found[first + i - 1] if first + i else ""
            found[first + i] = _tag(labels[at + i], before, code_of)
    return found


def is_tagged(output: str, code_of: Callable[[str], str]) -> bool:
    """Whether most lines of a reply are a token with its label."""
    said = [line.rpartition(":")[2] for line in rows(output) if line.strip()]
    of_tokens = [one for one in said if _tag(one, "", code_of)]
    # Phrases with labels ("Acme Corp: ORG") look alike: only tokens that are none, or that begin or go on, tell.
    return 2 * len(of_tokens) > len(said) and any(
        one.strip().lower() in _OUTSIDE or _parted(one)[0] for one in of_tokens
    )


def _parted(label: str) -> tuple[str, str]:
    """("B", "I" or "", name) of Person_B, B-PER or Person."""
    match = _TAGGED.match(label.strip())
    return ((match["before"] or match["behind"] or "").upper(), match["name"]) if match else ("", "")


def _tag(label: str, before: str, code_of: Callable[[str], str]) -> str:
    if label.strip().lower() in _OUTSIDE:
        return "O"
    begin, name = _parted(label)
    if not (code := code_of(name)):
        return ""
    return f"{begin or ('I' if before[2:] == code else 'B')}-{code}"


def _texts(found: Json, where: str) -> list[str]:
    if not isinstance(found, list) or not found or not all(isinstance(one, str) for one in found):
        raise BenchError(f"{where}: found {kind(found)}, expected a list of texts; bring the file again")
    return found


def _token(token: str, where: str) -> str:
    """A token without white space around it; raises BenchError for one of white space alone, or with some inside."""
    bare = token.strip()
    if len(bare.split()) != 1:
        raise BenchError(f"{where}: found the token {token[:40]!r}, expected one without blanks; part it")
    return bare
