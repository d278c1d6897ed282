"""Tables: a row each, a label to choose; what columns and labels are stands in a file of conf/task (docs/tables.md)."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from bench.data.files import read_json
from bench.data.source import DataSource
from bench.data.submissions import number, records
from bench.data.tables import read_table
from bench.errors import BenchError
from bench.metrics import binary
from bench.metrics.classification import single_label
from bench.metrics.fairness import NOT_KNOWN, fairness
from bench.metrics.lens import of_key
from bench.metrics.metric import AnyMetric, Metric, RankedMetric
from bench.task import ConfiguredTask, checked_keys
from bench.text.apart import not_apart
from bench.text.described_row import described
from bench.text.normal import normalised
from bench.types import Choose, Column, Example, Json, Request, Row, Text
from tasks.about_values import delimiter, word
from tasks.column_kinds import MISSING, hidden_numbers, kind_of_values
from tasks.labels import LabelTask, readable
from tasks.people_groups import Group, group_of
from tasks.table_problems import unfit

_LIFT, _ALARMS = "lift", "recall_at_false_alarms"
_DATA = Path(__file__).parent / "data"
_TEST_SHARE = 0.2


class TableTask(ConfiguredTask, LabelTask):
    """Rows of a table, each with a label of a fixed list.

    Under `about`: `labels`, the `label` column (its name, or {column, codes: {code: label}}), the `positive` label whose
    probability is looked at (the last one else), `columns` {name: {kind, description, codes}} (all others but the label else,
    numbers where every value is one), `drop`, `groups` {attribute: {column, bands | of}} of people with the `favourable` label,
    `more` of lift and recall_at_false_alarms, `instruction`, and how the file is written: `names`, `delimiter`.

    The rows to evaluate are those of a published split, whose file `splits` is in tasks/data; all of the file where there is one
    of `training` rows; else a fifth of each label's rows, drawn by their digests. Rows that are alike are one cluster, and
    none that is like an evaluated one is learnt from. `carried` is the file in tasks/data that serves where the data directory has
    none.
    """

    parts = frozenset({"text", "row"})
    about = ("labels", "label")
    about_too = (
        "positive", "favourable", "columns", "drop", "groups", "more", "instruction", "names", "delimiter", "paper_reads",
    )  # fmt: skip
    positive: ClassVar[str]
    label_column: ClassVar[str]
    codes: ClassVar[Mapping[str, str]]
    told: ClassVar[tuple[Column, ...] | None]
    dropped: ClassVar[frozenset[str]]
    groups: ClassVar[Mapping[str, Group]]
    names: ClassVar[tuple[str, ...]]
    delimiter: ClassVar[str]
    _columns: tuple[Column, ...] = ()
    _alike: int = 0  # rows to evaluate that are in the training file too
    _odd: tuple[str, ...] = ()  # lines on columns whose kind may not be what was meant

    def __init__(
        self,
        data: DataSource,
        training: DataSource | None = None,
        splits: str | None = None,
        carried: str | None = None,
    ) -> None:
        super().__init__(data)
        self.training_data, self.splits = training, splits
        if carried is not None:
            data.carried = _DATA / carried

    @classmethod
    def defined(cls, about: Mapping[str, Json]) -> Mapping[str, Json]:
        """Labels, columns, groups and metrics."""
        raw = tuple(word(one, "task.about.labels") for one in _a_list(about["labels"], "labels"))
        labels = tuple(map(normalised, raw))
        if len(raw) < 2 or len(set(raw)) != len(raw):
            raise BenchError(f"task.about.labels: found {list(raw)}, expected two labels or more, each once")
        if alike := not_apart(raw):
            raise BenchError(
                f"task.about.labels: {alike}; task.about.label.codes {{value in the file: label}} does that"
            )
        label = about["label"] if isinstance(about["label"], Mapping) else {"column": about["label"]}
        label = checked_keys(label, "task.about.label", ("column",), ("column", "codes"))
        given_codes = _a_map(label, "codes", "task.about.label") or {name: name for name in raw}
        codes = {
            word(code, "task.about.label.codes"): normalised(word(name, "task.about.label.codes"))
            for code, name in given_codes.items()
        }
        if wrong := [name for name in codes.values() if name not in labels]:
            raise BenchError(f"task.about.label.codes: {wrong[0]!r} is not one of the labels {', '.join(labels)}")
        positive, favourable = (
            None if about.get(name) is None else normalised(word(about[name], f"task.about.{name}"))
            for name in ("positive", "favourable")
        )
        positive = labels[-1] if positive is None else positive
        groups = {
            str(name): group_of(one, f"task.about.groups.{name}") for name, one in _a_map(about, "groups").items()
        }
        for name, given in (("positive", positive), ("favourable", labels[0] if favourable is None else favourable)):
            if given not in labels:
                raise BenchError(f"task.about.{name}: {given!r} is not one of the labels {', '.join(labels)}")
        if bool(groups) is not (favourable is not None):
            raise BenchError("task.about: groups and favourable belong together; give both or neither")
        columns = None if about.get("columns") is None else _a_map(about, "columns")
        beside = {
            "drop": _a_list(about.get("drop") or [], "drop"),
            "groups": [one.column for one in groups.values()],
        }
        if wrong := [key for key, names in beside.items() if label["column"] in names]:
            raise BenchError(
                f"task.about.{wrong[0]}: {label['column']!r} is the column of the labels; leave it out there"
            )
        return {
            "labels": labels, "positive": positive, "label_column": str(label["column"]), "codes": codes, "groups": groups,
            "told": None if columns is None else tuple(_column(str(name), one) for name, one in columns.items()),
            "dropped": frozenset(map(str, _a_list(about.get("drop") or [], "drop"))),
            "names": tuple(map(str, _a_list(about.get("names") or [], "names"))),
            "delimiter": delimiter(about.get("delimiter", ",")), "paper_reads": str(about.get("paper_reads", "")),
            "instruction": str(about.get("instruction", "Read the record and choose its label.")),
            "metrics": _metrics(labels, positive, groups, str(favourable), _a_list(about.get("more") or [], "more")),
        }  # fmt: skip

    def examples(self) -> Sequence[Example]:
        """The rows to evaluate, called by their place in the test file or split, or by their number in the file from 0."""
        return self._parts[0]

    def training(self) -> Sequence[Example]:
        """The rows to learn from."""
        return self._parts[1]

    @cached_property
    def _parts(self) -> tuple[list[Example], list[Example]]:
        path = self.data.read(lambda found: found)
        if path.suffix == ".jsonl":
            return self._texts(path), []
        names, found = read_table(path, header=self.names, delimiter=self.delimiter)
        columns = self.columns(names, [row for _, row in found], path)
        rows = [
            self._example(str(i), where, dict(zip(names, row, strict=True)), columns)
            for i, (where, row) in enumerate(found)
        ]
        if self.training_data is not None:
            test = self._split(rows)[0] if self.splits else rows
            seen, beside = {one.cluster for one in test}, self._beside(columns)
            both = seen & {one.cluster for one in beside}
            self._alike = sum(one.cluster in both for one in test)
            return test, [one for one in beside if one.cluster not in seen]
        if self.splits is not None:
            return self._split(rows)
        return _drawn(rows, self.label_of)

    def columns(self, names: Sequence[str], rows: Sequence[Sequence[str]], path: Path) -> tuple[Column, ...]:
        """The columns that a model sees; raises BenchError for one that the file lacks, or that nothing is said of."""
        if self.label_column not in names:
            hint = (
                "; name its delimiter in task.about.delimiter"
                if len(names) == 1 and set(names[0]) & set(";\t|,")
                else ""
            )
            raise BenchError(
                f"{path}: has no column {self.label_column!r} of labels; found {', '.join(names)[:200]}{hint}"
            )
        told = {one.name: one for one in self.told or ()}
        for name in (*told, *self.dropped, *(one.column for one in self.groups.values())):
            if name not in names:
                raise BenchError(
                    f"{path}: has no column {name!r}, which the task names; found {', '.join(names)[:200]}"
                )
        left = [name for name in names if name != self.label_column and name not in self.dropped]
        if self.told is None:
            self._odd = tuple(hidden_numbers(left, [[row[names.index(name)] for name in left] for row in rows]))
            return tuple(Column(name, kind_of_values([row[names.index(name)] for row in rows])) for name in left)
        if unsaid := [name for name in left if name not in told]:
            raise BenchError(
                f"{path}: of column {unsaid[0]!r} nothing is said; name it in task.about.columns or task.about.drop"
            )
        return tuple(told[name] for name in left)

    def request(self, example: Example) -> Request:
        """The instruction with the labels, then the row."""
        names = tuple(readable(label) for label in self.labels)
        system = Text(f"{self.instruction} One of: {', '.join(names)}.", "system")
        text = example.inputs["text"]
        row = (
            Text(text)
            if "values" not in example.inputs
            else Row(text, "user", self._columns, tuple(example.inputs["values"]))
        )
        return Request(example.id, (system, row), Choose(names))

    def problems(self) -> Iterator[str]:
        """Those of every task, and a column that gives the label away."""
        yield from super().problems()
        yield from self._odd
        yield from unfit(self, self._columns, self._parts, self._alike)

    def label_of(self, example: Example) -> str:
        """The label, which stands beside a person's groups where those are compared."""
        return str(example.target["label"] if self.groups else example.target)

    def slices(self, example: Example) -> Mapping[str, str]:
        """The groups, and whether values are missing; not the label, within which there is no MCC."""
        found = dict(example.target["groups"]) if self.groups and example.target is not None else {}
        return {**found, "missing values": "some" if None in example.inputs.get("values", ()) else "none"}

    def _example(self, name: str, where: str, row: Mapping[str, str], columns: Sequence[Column]) -> Example:
        self._columns = tuple(columns)
        code = row[self.label_column]
        if (label := self.codes.get(code)) is None:
            quoted = (
                "; put yes, no, on and off in quotes in the task's file" if {*self.codes} & {"true", "false"} else ""
            )
            raise BenchError(
                f"{where}: {self.label_column} is {code[:60]!r}, expected one of {', '.join(self.codes)}{quoted}"
            )
        values = [_read(one, row[one.name], where) for one in columns]
        target: Json = label
        if self.groups:
            target = {
                "label": label,
                "groups": {name: self._of_group(one, row, where) for name, one in self.groups.items()},
            }
        alike = hashlib.sha256(json.dumps(values).encode()).hexdigest()[:16]
        return Example(name, {"text": described(columns, values), "values": values}, target, alike)

    def _of_group(self, group: Group, row: Mapping[str, str], where: str) -> str:
        value = row[group.column]
        if value in MISSING and value not in dict(group.of):
            return NOT_KNOWN
        return group.name(_number(value, group.column, where) if group.bands else value, where)

    def _beside(self, columns: tuple[Column, ...]) -> list[Example]:
        """The rows of the training file."""
        if self.training_data is None or (self.training_data.here() is None and self.training_data.remote is None):
            return []
        path = self.training_data.read(lambda found: found)
        names, found = read_table(path, header=self.names, delimiter=self.delimiter)
        self.columns(names, [row for _, row in found], path)
        return [
            self._example(f"train-{i}", where, dict(zip(names, row, strict=True)), columns)
            for i, (where, row) in enumerate(found)
        ]

    def _split(self, rows: Sequence[Example]) -> tuple[list[Example], list[Example]]:
        """The rows of the split that the package carries, {"test": [row]} in the order of published outputs, and the others."""
        path = _DATA / str(self.splits)
        found = read_json(path)
        if max(map(max, found.values())) >= len(rows):
            raise BenchError(
                f"{self.data.local}: has {len(rows):,} rows, fewer than its split names; bring the official file again"
            )
        test = [rows[place] for place in found["test"]]
        seen = {one.cluster for one in test}
        return [replace(one, id=str(i)) for i, one in enumerate(test)], [one for one in rows if one.cluster not in seen]

    def _texts(self, path: Path) -> list[Example]:
        """Records that are texts already, {"text", "answer"} a line: published samples whose rows are not told."""
        rows = []
        for i, (where, one) in enumerate(records(path)):
            text, label = one.get("text"), one.get("answer")
            if not isinstance(text, str) or label not in self.labels or self.groups:
                raise BenchError(
                    f"{where}: expected a text and an answer of {', '.join(self.labels)}; give the task's table"
                )
            rows.append(Example(str(i), {"text": text}, label, hashlib.sha256(text.encode()).hexdigest()[:16]))
        return rows


def _metrics(
    labels: tuple[str, ...], positive: str, groups: Mapping[str, Group], favourable: str, more: Sequence[Json]
) -> tuple[AnyMetric, ...]:
    """MCC, which ranks, and the others; those of a ranking for two labels."""
    ranking: tuple[RankedMetric, ...] = ()
    if more and len(labels) != 2:
        raise BenchError(f"task.about.more: {more[0]!r} needs two labels, found {len(labels)}; leave it out")
    if len(labels) == 2:
        made = {_LIFT: binary.lift, _ALARMS: binary.recall_at_false_alarms}
        if unknown := [name for name in more if name not in made]:
            raise BenchError(f"task.about.more: {unknown[0]!r} is not one of {', '.join(made)}")
        ranking = tuple(
            make(positive, labels)
            for make in (binary.roc_auc, binary.average_precision, *(made[name] for name in more))
        )
    found: list[Metric | RankedMetric] = [
        binary.mcc(labels), *single_label(labels), binary.balanced_accuracy(labels), *ranking,
    ]  # fmt: skip
    if not groups:
        return tuple(found)
    return (
        *(of_key(one, "label") for one in found),
        *fairness({name: one.names for name, one in groups.items()}, favourable),
    )


def _a_list(found: Json, key: str) -> list[Json]:
    if not isinstance(found, list):
        raise BenchError(f"task.about.{key}: found {str(found)[:60]!r}, expected a list")
    return found


def _a_map(about: Mapping[str, Json], key: str, where: str = "task.about") -> Mapping[str, Json]:
    """What stands under a key, {} where nothing does."""
    found = about.get(key)
    if found is not None and not isinstance(found, Mapping):
        raise BenchError(f"{where}.{key}: found {str(found)[:60]!r}, expected {{name: …}}")
    return found or {}


def _column(name: str, told: Json) -> Column:
    where = f"task.about.columns.{name}"
    found = checked_keys({} if told is None else told, where, (), ("kind", "description", "codes"))
    codes = found.get("codes") or {}
    kind = found.get("kind", "category" if codes else "number")
    if kind not in ("number", "category") or not isinstance(codes, Mapping):
        raise BenchError(f"{where}: kind must be number or category, and codes {{code: meaning}}")
    return Column(name, kind, str(found.get("description") or ""), tuple((str(a), str(b)) for a, b in codes.items()))


def _read(column: Column, value: str, where: str) -> float | str | None:
    if value in MISSING and value not in dict(column.codes):
        return None
    if column.kind == "number":
        return _number(value, column.name, where)
    if column.codes and value not in dict(column.codes):
        raise BenchError(
            f"{where}: {column.name} is {value[:60]!r}, expected one of {', '.join(dict(column.codes))}"[:600]
        )
    return value


def _number(value: str, name: str, where: str) -> float:
    try:
        return number(value)
    except ValueError as error:
        raise BenchError(f"{where}: {name}: {error}; correct the line, or say kind: category of the column") from None


def _drawn(rows: Sequence[Example], label_of: Any) -> tuple[list[Example], list[Example]]:
    """A fifth of each label's rows, and the others; rows that are alike fall on one side."""
    by_label: dict[str, list[Example]] = defaultdict(list)
    for row in sorted(rows, key=lambda one: hashlib.sha256(one.cluster.encode()).digest()):
        by_label[label_of(row)].append(row)
    test: set[str] = set()
    for some in by_label.values():
        test |= {one.cluster for one in some[: max(1, round(_TEST_SHARE * len(some)))]}
    order = sorted(rows, key=lambda one: hashlib.sha256(one.id.encode()).digest())
    return [one for one in order if one.cluster in test], [one for one in order if one.cluster not in test]
