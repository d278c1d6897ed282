"""The entries of DAWNBench: a JSON file each, and for training a TSV beside it, read with every dirty value named."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.data.dawnbench_curve import Curve, read_curve
from bench.data.dawnbench_values import (
    DATA_SETS,
    LEAST_COST,
    LEAST_COST_PER_HOUR,
    LEAST_LATENCY_MS,
    MOST_COST,
    MOST_COST_PER_HOUR,
    MOST_LATENCY_MS,
    MOST_LETTERS,
    Finding,
    accuracies,
    as_number,
    as_seen,
    unprintable,
    unreadable,
)  # fmt: skip
from bench.data.files import read_text
from bench.data.located_json import Locator
from bench.data.submissions import items, kind
from bench.errors import BenchError
from bench.types import Json

TRAIN, INFERENCE = "train", "inference"
_REQUIRED = ("version", "author", "authorEmail", "framework", "model", "hardware", "timestamp")
_ROUNDED = 0.05  # of a cost, by which it may differ from what it follows from
_DATE = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})(?:[T ].*)?")


@dataclass(frozen=True)
class Entry:
    """One entry. What it lacks or what was refused is None; `fields` are the texts that every entry must have.

    `file` is the name of its JSON in messages, `path` the file itself, None for one that is not read. Latency
    is in milliseconds an item, costs are in US dollars: an hour, or an item for inference.
    """

    file: str
    data_set: str
    kind: str
    fields: Mapping[str, str]
    curve: Curve = ()
    accuracy: float | None = None
    latency_ms: float | None = None
    cost: float | None = None
    cost_per_hour: float | None = None
    findings: Sequence[Finding] = field(default=())
    path: Path | None = None

    @property
    def refused(self) -> bool:
        """Whether a value is missing or cannot be read without which the entry has no place in a ranking."""
        return any(finding.action == "refused" for finding in self.findings)


def read_entry(path: Path, file: str) -> Entry:
    """The entry, with all that is wrong in it; `file` is its name in messages. A file that cannot be read is refused."""
    if path.suffix == ".tsv":
        return unread_entry(path, file, "a TSV without its JSON beside it; add the JSON")
    try:
        found = _Reader(path, file, dict(items(path)), Locator(read_text(path))).entry()
    except BenchError as error:
        return unread_entry(path, file, str(error))
    except RecursionError:  # the line of a value is sought in the text, deeper in the stack than that was read
        return unread_entry(path, file, "nested too deeply; correct the file")
    return replace(found, path=path)


def unread_entry(path: Path, file: str, reason: str) -> Entry:
    """The entry of a file that is not read, refused for this reason."""
    data_set, kind_ = _place(path)
    finding = Finding(file, 1, "", as_seen(Path(file).name), "refused", as_seen(reason, 300))
    return Entry(file, data_set or "unknown", kind_ or TRAIN, {}, findings=(finding,))


def _place(path: Path) -> tuple[str, str]:
    """Data set and kind by the folders that the file lies in, "" for what they do not tell."""
    folder = path.parent.resolve()
    kind_ = folder.name if folder.name in (TRAIN, INFERENCE) else ""
    return (folder.parent.name if kind_ and folder.parent.name in DATA_SETS else ""), kind_


class _Reader:
    """Reads one entry from its JSON object, and keeps what it finds wrong."""

    def __init__(self, path: Path, file: str, record: Mapping[str, Json], lines: Locator) -> None:
        self.path, self.file, self.record, self.lines = path, file, record, lines
        self.findings: list[Finding] = []

    def entry(self) -> Entry:
        """The entry; the folders tell what it is of, else its fields do."""
        data_set, kind_ = _place(self.path)
        kind_ = kind_ or (INFERENCE if "latency" in self.record or "cost" in self.record else TRAIN)
        self._repeated()
        fields = {name: self._text(name) for name in _REQUIRED}
        fields["timestamp"] = self._date(fields["timestamp"])
        per_hour = self._number("costPerHour", LEAST_COST_PER_HOUR, MOST_COST_PER_HOUR, mark="$")
        if kind_ == INFERENCE:
            data_set = data_set or next((name for name, one in DATA_SETS.items() if one.accuracy in self.record), "")
            accuracy, latency, cost = self._inference(data_set, per_hour)
            self._timely(fields["timestamp"], data_set)
            return Entry(
                self.file, data_set or "unknown", kind_, fields, (), accuracy, latency, cost, per_hour, self.findings
            )
        tsv = self.path.with_suffix(".tsv")
        data_set, curve, findings = read_curve(tsv, str(Path(self.file).with_suffix(".tsv")), data_set)
        self.findings += findings
        self._timely(fields["timestamp"], data_set)
        best = max((accuracy for _, accuracy in curve), default=None)
        return Entry(self.file, data_set or "unknown", kind_, fields, curve, best, None, None, per_hour, self.findings)

    def _inference(self, data_set: str, per_hour: float | None) -> tuple[float | None, float | None, float | None]:
        """Accuracy, latency and cost; a cost that is not given comes from the latency and the cost of an hour."""
        accuracy = self._accuracy(data_set)
        latency = self._number("latency", LEAST_LATENCY_MS, MOST_LATENCY_MS, needed=self.record.get("cost") is None)
        cost = self._number("cost", LEAST_COST, MOST_COST, mark="$", needed=self.record.get("latency") is None)
        follows = per_hour * latency / 3.6e6 if latency is not None and per_hour is not None else None
        if cost is None:
            cost = follows
        elif follows is not None and abs(cost - follows) > _ROUNDED * follows:
            self._find(
                "cost",
                repr(cost),
                "noted",
                f"latency and costPerHour give {follows:.4g}; the cost counts as it is given",
            )
        return accuracy, latency, cost

    def _accuracy(self, data_set: str) -> float | None:
        if data_set not in DATA_SETS:
            names = ", ".join(one.accuracy for one in DATA_SETS.values())
            self._find("f1Score", "nothing", "refused", f"the entry has none of {names}; add the one of its data set")
            return None
        name, whole = DATA_SETS[data_set].accuracy, DATA_SETS[data_set].whole
        if name not in self.record and "accuracy" in self.record:  # as the organisers' own example has it
            self._find("accuracy", "another name", "corrected", f"read as {name}")
            name = "accuracy"
        value = self.record.get(name)
        (scaled,) = accuracies([value], whole)
        if scaled is None:
            found = repr(value) if value is not None else "null" if name in self.record else "nothing"
            self._find(name, found, "refused", unreadable(value, whole))
        elif scaled != value:
            self._find(name, repr(value), "corrected", f"read as {scaled!r}, on the scale from 0 to {whole:g}")
        return scaled

    def _repeated(self) -> None:
        """Refuse a key that is given twice with different values; twice the same is harmless."""
        seen: dict[str, Json] = {}
        for key, value in items(self.path):
            if key in seen and seen[key] != value:
                self._find(key, "two values", "refused", f"{seen[key]!r} and {value!r} are both given; keep one")
            seen[key] = value

    def _text(self, name: str) -> str:
        value = self.record.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            self._find(name, repr(value), "corrected", "a number, read as text")
            return str(value)
        if isinstance(value, str) and (unprintable(value) or len(value) > MOST_LETTERS):
            text = f"expected up to {MOST_LETTERS:,} letters without control or direction signs; write it plainly"
            self._find(name, ascii(value), "refused", text)
            return ""
        if isinstance(value, str) and value.strip():
            return value.strip()
        self._find(name, kind(value) if name in self.record else "nothing", "refused", "expected a text; add it")
        return ""

    def _date(self, text: str) -> str:
        """The date as yyyy-mm-dd."""
        try:
            match = _DATE.fullmatch(text)
            date = datetime.date(*map(int, match.groups())).isoformat() if match else ""
        except ValueError:
            date = ""
        if text and not date:
            self._find("timestamp", repr(text), "refused", "expected a date yyyy-mm-dd")
        elif date != text:
            self._find("timestamp", repr(text), "corrected", f"read as {date}")
        return date

    def _timely(self, date: str, data_set: str) -> None:
        """Refuse a date before the data set was published, or that is still to come."""
        since = DATA_SETS[data_set].since if data_set in DATA_SETS else datetime.date.min
        tomorrow = datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=1)  # somewhere it is by now
        if date and not since <= datetime.date.fromisoformat(date) <= tomorrow:
            self._find("timestamp", repr(date), "refused", f"expected a day from {since} to today")

    def _number(self, name: str, least: float, most: float, *, mark: str = "", needed: bool = False) -> float | None:
        """The number of a field, None where it is not given or was left out; one that is `needed` is refused instead."""
        value = self.record.get(name)
        if value is None:
            if needed:
                self._find(name, "null" if name in self.record else "nothing", "refused", "expected a number; add it")
            return None
        try:
            number = as_number(value, mark)
            if not least <= number <= most:
                raise ValueError(f"expected a number from {least:g} to {most:,.0f}")
        except ValueError as error:
            self._find(name, repr(value), "refused" if needed or name == "latency" else "left out", str(error))
            return None
        if isinstance(value, str):
            self._find(name, repr(value), "corrected", f"a text, read as {number!r}")
        return number

    def _find(self, name: str, found: str, action: str, text: str) -> None:
        line = self.lines.line((name,))
        self.findings.append(Finding(self.file, line, as_seen(name), as_seen(found), action, as_seen(text, 300)))
