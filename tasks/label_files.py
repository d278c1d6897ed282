"""Files of labels or replies that others made: rows of any plausible form."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.data.files import read_text
from bench.data.submissions import kind, records, table
from bench.errors import BenchError
from bench.types import Json

_IDS = ("id", "idx", "index", "example_id", "doc_id")
# Of several the first one counts: a whole reply before what somebody read out of it.
_REPLIES = (
    "output",
    "text_output",
    "raw_output",
    "response",
    "llm_response",
    "llm_responses",
    "reply",
    "generated_text",
    "completion",
)
_LABELS = ("prediction", "pred", "predicted", "predicted_label", "predicted_labels", "answer")
TABLES = {".csv": ",", ".tsv": "\t"}
_LIKE_AN_ID = re.compile(r"(?i:(?:^|[_ -])(?:id|idx|index)|^[uq]id)$|[a-z]I[dD]$")  # no "paid", and no "no"
_GOLD = ("true_label", "gold", "gold_label", "actual_label", "target", "label")


@dataclass(frozen=True)
class Brought:
    """A row: what was `said` (None: nothing), a whole reply else a label alone; and the true label beside it, if any."""

    id: str
    said: str | None
    is_reply: bool
    gold: Json = None
    fault: str = ""  # why nothing was said, where what stands there is no text


def brought(path: Path, label: str, predicted: str = "") -> list[Brought] | None:
    """The rows of a file of replies, or of the chosen column of a table of predictions; None for a file of another form.

    `label` is the column of the true label in the data; `predicted` what columns of predictions end with, "" where there are none.
    Ids are taken as text; where there are none, rows count from 0. Raises BenchError where no column is chosen, or an unknown one.
    """
    file, column = _parted(path)
    rows = _rows(file)
    keys = _keys(rows)
    reply = None if column else _first(keys, _REPLIES)
    chosen = _column(file, keys, column, predicted) if reply is None else None
    key = reply or chosen or _first(keys, _LABELS)
    if key is None and rows and file.suffix.lower() not in TABLES:  # lines of {id, label}
        key = _first(keys, ("label", label))
    if key is None:
        return None
    gold = _first([one for one in keys if one != key], (label, *_GOLD))
    return _of_key(rows, key, gold=gold, is_reply=reply is not None)


def replies(path: Path) -> list[Brought] | None:
    """The rows of a file of replies, or of predictions under a name that says so; None for a file of another form."""
    rows = _rows(path)
    keys = _keys(rows)
    reply = _first(keys, _REPLIES)
    key = reply or _first(keys, tuple(one for one in _LABELS if one != "answer"))
    if (
        key is None
        and keys
        and {one.strip().lower() for one in keys} <= {*_IDS, "label"}
        and path.suffix.lower() not in TABLES
    ):
        key = _first(keys, ("label",))
    return _of_key(rows, key, gold=None, is_reply=reply is not None) if key else None


def of_column(path: Path, key: str) -> list[Brought] | None:
    """The rows by what stands under the key as their answer; None for a file of another form, or without that key."""
    rows = _rows(path)
    return _of_key(rows, key, gold=None, is_reply=False) if key in _keys(rows) else None


def _rows(file: Path) -> list[tuple[str, Mapping[str, Json]]]:
    """The rows of a CSV file, of JSON Lines or of a list; none of another file."""
    if file.is_dir():
        raise BenchError(f"{file} is a folder; give a file of predictions")
    if (delimiter := TABLES.get(file.suffix.lower())) is not None:
        return list(table(file, (), delimiter=delimiter))
    if file.suffix.lower() == ".jsonl" or read_text(file).lstrip().startswith("["):
        return list(records(file))
    return []


def _keys(rows: Sequence[tuple[str, Mapping[str, Json]]]) -> list[str]:
    return list(dict.fromkeys(key for _, row in rows[:50] for key in row))


def _first(keys: Sequence[str], names: Sequence[str]) -> str | None:
    """The key that is the first of these names, in any case of letters."""
    found = {key.strip().casefold(): key for key in reversed(keys)}
    return next((found[name.casefold()] for name in names if name.casefold() in found), None)


def _id_key(rows: Sequence[tuple[str, Mapping[str, Json]]], keys: Sequence[str]) -> str | None:
    """The key of the ids: of a known name, else one that ends as an id's does and stands for another row each time."""
    if known := _first(keys, _IDS):
        return known
    for key in keys:
        if _LIKE_AN_ID.search(key.strip()):
            found = [row.get(key) for _, row in rows]
            if all(isinstance(one, str | int) for one in found) and len(set(found)) == len(rows):
                return key
    return None


def _of_key(
    rows: Sequence[tuple[str, Mapping[str, Json]]], key: str, *, gold: str | None, is_reply: bool
) -> list[Brought]:
    keys = _keys(rows)
    name = _id_key(rows, keys)
    found = []
    for number, (where, row) in enumerate(rows):
        said, fault = row.get(key), ""
        if is_reply and not isinstance(said, str):
            fault, said = f"{where}: {key} is {kind(said)}, expected a text", None
        if said is not None and not isinstance(said, str | int | float):
            raise BenchError(f"{where}: {key!r} is {type(said).__name__}, expected a text")
        one = _id(row.get(name), where) if name else str(number)
        found.append(
            Brought(one, None if said is None else str(said), is_reply, row.get(gold) if gold else None, fault)
        )
    return found


def _id(found: Json, where: str) -> str:
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        raise BenchError(f"{where}: the id is {type(found).__name__}, expected a text or a number")
    if isinstance(found, float) and found.is_integer():  # as tables with a gap write whole numbers
        found = int(found)
    name = str(found).strip()
    return name.removesuffix(".0") if name.removesuffix(".0").isdigit() else name


def _parted(path: Path) -> tuple[Path, str]:
    """The file, and the column named behind its last @."""
    if path.exists():
        return path, ""
    file, _, column = str(path).rpartition("@")
    return Path(file or path), column


def _column(path: Path, keys: Sequence[str], chosen: str, predicted: str) -> str | None:
    """The column of predictions that is meant; None where the file is none of several models' predictions."""
    columns = [key for key in keys if predicted and key.lower().endswith(predicted)]
    if chosen:
        wanted = [chosen.casefold(), f"{chosen}{predicted}".casefold()]
        if found := [key for one in wanted for key in keys if key.casefold() == one]:
            return found[0]
        raise BenchError(f"{path}: no column {chosen!r}; it has {', '.join(columns or keys)}")
    if len(columns) > 1:
        each = ", ".join(columns)
        raise BenchError(
            f"{path} has the predictions of {len(columns)} models; name one of {each} behind @: {path.name}@{columns[0]}"
        )
    return columns[0] if columns else None
