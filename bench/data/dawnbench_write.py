"""Writing an entry of DAWNBench, in the layout of the competition and so that it is read back to the very same numbers."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.data.dawnbench_format import TRAIN, Entry, read_entry
from bench.data.dawnbench_values import DATA_SETS
from bench.disk import json_lettered, write_atomically
from bench.errors import BenchError
from bench.text.names import slug
from bench.types import Json

VERSION = "v1.0"  # of the competition
_LONGEST_PART = 48  # bytes of a part of a file's name


@dataclass(frozen=True)
class Draft:
    """What an entry is to say: its fields in the order of the file, and for training the rows (epoch, hours, accuracies…)."""

    data_set: str
    kind: str
    name: str
    fields: Mapping[str, Json]
    rows: Sequence[Sequence[float]] = field(default=())

    @property
    def place(self) -> Path:
        """The JSON file below the folder of all entries."""
        return Path(self.data_set, self.kind, f"{self.name}.json")

    def json(self) -> str:
        """The JSON file; every number in as many digits as tell it from all others."""
        return json_lettered(self.fields, indent=4) + "\n"

    def tsv(self) -> str:
        """The TSV file."""
        lines = ["\t".join(DATA_SETS[self.data_set].columns), *("\t".join(map(_cell, row)) for row in self.rows)]
        return "\n".join(lines) + "\n"


def entry_name(*parts: str) -> str:
    """The name of an entry's files out of author, model, hardware and framework, each as letters, digits and dashes.

    >>> entry_name("Ann Lee", "MiniLM span", "1 × K80 (EC2)", "PyTorch 2.13")
    'ann-lee_minilm-span_1-k80-ec2_pytorch-2-13'
    """
    cut = (slug(part).encode()[:_LONGEST_PART].decode(errors="ignore").strip("-") for part in parts)
    return "_".join(cut)


def write_entry(draft: Draft, folder: Path, *, replaces: bool = False) -> Path:
    """Write the entry below the folder and give its JSON file; the same entry twice is written once.

    Raises BenchError where the importer would not take it whole, where another entry has its name and nothing is replaced, and
    where the folder cannot be written.
    """
    _refuse_unread(draft)
    path = folder / draft.place
    files = {path.with_suffix(".tsv"): draft.tsv()} if draft.kind == TRAIN else {}
    files[path] = draft.json()  # last: an entry is there when its JSON is
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        other = [file for file, text in files.items() if file.exists() and file.read_bytes() != text.encode()]
        if other and not replaces:
            raise BenchError(
                f"{other[0]} exists with another content; --replace puts the new one in its place, -o names another folder"
            )
        for file, text in files.items():
            write_atomically(file, text)
    except OSError as error:
        raise BenchError(
            f"{error.filename or path} cannot be written ({error.strerror}); name another folder with -o"
        ) from None
    return path


def _refuse_unread(draft: Draft) -> None:
    """Raise BenchError where the entry, read as any stranger's is, would be corrected, left out or refused in part."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / draft.place
        path.parent.mkdir(parents=True)
        path.write_text(draft.json(), encoding="utf-8")
        if draft.kind == TRAIN:
            path.with_suffix(".tsv").write_text(draft.tsv(), encoding="utf-8")
        found = read_entry(path, path.name)
    if wrong := next((finding for finding in found.findings if finding.action != "noted"), None):
        raise BenchError(f"the entry would not be taken: {wrong}")
    if not _same(draft, found):
        raise RuntimeError(f"the entry is read back as {found}, not as it was written")


def _same(draft: Draft, found: Entry) -> bool:
    """Whether the numbers are the very same."""
    one = DATA_SETS[draft.data_set]
    if draft.kind == TRAIN:
        place = one.columns.index(one.accuracy)
        curve = [(row[1], row[place]) for row in draft.rows]
        return list(found.curve) == curve and found.cost_per_hour == draft.fields.get("costPerHour")
    given = [draft.fields.get(name) for name in ("latency", "cost", one.accuracy)]
    return [found.latency_ms, found.cost, found.accuracy] == given


def _cell(value: float) -> str:
    """A number in as many digits as tell it from all others; a whole one, as epochs are, without a point."""
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(value)
