"""Texts with one label each, a data set a file of conf/task: where text and label stand, what the labels mean, what ranks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from bench.data.files import all_or_none
from bench.data.source import DataSource
from bench.errors import BenchError
from bench.metrics.binary import mcc
from bench.metrics.classification import single_label
from bench.metrics.metric import AnyMetric
from bench.metrics.published import begins, label_figures
from bench.task import ConfiguredTask
from bench.text.apart import not_apart
from bench.text.normal import normalised
from bench.types import Example, Json, Prediction
from tasks import label_files
from tasks.labels import LabelTask, code, mixed, readable
from tasks.text_records import Records, alike, cell, records, text_of


class LabelledText(ConfiguredTask, LabelTask):
    """One label of a short list for each text.

    `about` says `instruction`, the `labels` (a list, or {value in the file: the label that a model reads}), and the columns or
    keys of `text` and `label`; if they are not called so, of `id` (else ids are row numbers from 0) and `cluster` (else texts that
    are alike). `ranks` is the metric that ranks. `splits` are {name: {test: file, train: file}} of a folder, of which the
    constructor's `split` chooses one; without them the data are one file, of which `train` may lie beside. `predicted` is what a
    column of predictions of a table ends with; `first_word` that the published figures go by what a reply begins with; `carried`
    a file below tasks/data, which is read where the data lie nowhere else.
    """

    about: ClassVar[tuple[str, ...]] = ("instruction", "labels", "text", "label")
    about_too: ClassVar[tuple[str, ...]] = (
        "id",
        "cluster",
        "ranks",
        "splits",
        "train",
        "predicted",
        "first_word",
        "carried",
    )
    told: ClassVar[Mapping[str, Json]]
    codes: ClassVar[Mapping[str, str]]  # a value of the file, in small letters -> label

    def __init__(self, data: DataSource, split: str | int | None = None) -> None:
        self.data = data
        splits = self.told.get("splits") or {}
        self.split = str(split) if split is not None else next(iter(splits), "")
        if self.split not in splits and (split is not None or splits):
            known = ", ".join(splits) or "none: leave it out"
            raise BenchError(f"task.split={split!r} is no split of '{self.name}'; there are {known}")
        carried = Path(__file__).with_name("data") / str(self.told.get("carried", ""))
        if carried.is_file():
            data.carried = carried

    @classmethod
    def defined(cls, about: Mapping[str, Json]) -> Mapping[str, Json]:
        """Labels, codes and metrics."""
        where, given = "task.about", about["labels"]
        codes = dict(given) if isinstance(given, Mapping) else {str(one): one for one in _list(given, where)}
        raw = list(dict.fromkeys(map(str, codes.values())))
        labels = tuple(dict.fromkeys(map(normalised, raw)))
        if len(raw) < 2 or any(not readable(label).strip() for label in labels):
            raise BenchError(f"{where}.labels: found {given!r}, expected two or more labels")
        if wrong := not_apart(raw):
            raise BenchError(f"{where}.labels: {wrong}; {{value in the file: label}} does that")
        for key in ("instruction", "text", "label"):
            if not isinstance(about[key], str) or not about[key].strip():
                raise BenchError(f"{where}.{key}: found {about[key]!r}, expected a text")
        if not isinstance(splits := about.get("splits", {}), Mapping) or not all(
            isinstance(one, Mapping) and isinstance(one.get("test"), str) for one in splits.values()
        ):
            raise BenchError(f"{where}.splits: found {splits!r}, expected {{name: {{test: file, train: file}}}}")
        return {
            "told": about,
            "labels": labels,
            "codes": _coded(codes, labels, where),
            "instruction": about["instruction"],
            "metrics": cls.scores(labels, about.get("ranks", "accuracy")),
        }

    @classmethod
    def scores(cls, labels: Sequence[str], ranks: str) -> tuple[AnyMetric, ...]:
        """The metrics, the one that `ranks` first; raises BenchError for an unknown one."""
        found = (*single_label(labels)[:3], mcc(labels), *single_label(labels)[3:])
        if ranks not in (names := [metric.name for metric in found[:4]]):
            raise BenchError(f"task.about.ranks: found {ranks!r}, expected one of {', '.join(names)}")
        return tuple(sorted(found, key=lambda metric: metric.name != ranks))

    def examples(self) -> Sequence[Example]:
        """The texts in a fixed mixed order: files are often sorted by day or label."""
        return mixed(self.data.read(self._of_path, self._of_rows))

    def training(self) -> Sequence[Example]:
        """The rows of the training file, where there is one here, without those whose text is evaluated too."""
        path = self._training_file()
        if path is None:
            return ()
        evaluated = {alike(one.inputs["text"]) for one in self.examples()}
        return [one for one in self.made(records(path), "train-") if alike(one.inputs["text"]) not in evaluated]

    def _of_path(self, place: Path) -> list[Example]:
        path = self._file(place)
        return all_or_none(self.made(records(path), ""), str(path))

    def _of_rows(self, rows: Iterable[Mapping[str, Json]]) -> list[Example]:
        return all_or_none(self.made(((f"row {i}", row) for i, row in enumerate(rows)), ""), "the data set")

    def _file(self, place: Path) -> Path:
        """The file that is evaluated: of a folder that of the split."""
        if not place.is_dir():
            return place
        path = place / str(self.told["splits"][self.split]["test"])
        if not path.is_file():
            raise BenchError(f"{path} does not exist; {self.card.obtain or 'put it there'}")
        return path

    def _training_file(self) -> Path | None:
        place = self.data.here()
        if place is None:
            return None
        splits = self.told.get("splits") or {}
        if place.is_file() and splits:  # one file of the folder, which may be another split's than the chosen one
            name = next((one.get("train") for one in splits.values() if one["test"] == place.name), None)
        else:
            name = splits[self.split].get("train") if splits else self.told.get("train")
        folder = place if place.is_dir() else place.parent
        found = folder / name if name else None
        return found if found and found.is_file() and found != place else None

    def made(self, found: Records, before: str) -> list[Example]:
        """The examples of these records, their ids behind `before`; raises BenchError for a text, label or id that is none."""
        made: dict[str, Example] = {}
        first: dict[str, str] = {}
        for number, (where, record) in enumerate(found):
            for one in self.of_record(where, record, str(number)):
                name = f"{before}{one.id}"
                if name in made:
                    raise BenchError(f"{where}: the id {one.id!r} comes twice; bring the official file again")
                cluster = one.cluster or first.setdefault(alike(one.inputs["text"]), name)
                made[name] = Example(name, one.inputs, one.target, cluster)
        return list(made.values())

    def of_record(self, where: str, record: Mapping[str, Json], number: str) -> Iterator[Example]:
        """The example of a record, without a cluster where texts that are alike make one; some files have several in each."""
        told = self.told
        inputs = {"text": text_of(record, told["text"], where)}
        key = str(cell(record, told["id"], where)).strip() if told.get("id") in record else number
        cluster = str(cell(record, told["cluster"], where)).strip() if "cluster" in told else ""
        yield Example(key, inputs, self.read_label(record.get(told["label"]), where), cluster)

    def read_label(self, found: Json, where: str) -> str | None:
        """The label that a value of the file stands for, None where it is held out."""
        if found is None or (isinstance(found, str) and not found.strip()):
            return None
        label = self.codes.get(code(found))
        if label is None:
            raise BenchError(
                f"{where}: the label {str(found)[:60]!r} is not one of {', '.join(self.codes)}; bring the official file again"
            )
        return label

    def submitted(self, path: Path, examples: Sequence[Example]) -> Iterator[tuple[str, Json]]:
        """As every task of labels; also rows with a reply in full (`output`), and FILE@COLUMN of a table of several models."""
        if (rows := self._brought(path)) is None:
            yield from super().submitted(path, examples)
            return
        self._refuse_other_split(path, rows, examples)
        for row in rows:
            if row.is_reply and row.said is not None:
                yield row.id, Prediction(row.id, text=row.said)
            else:
                yield row.id, self._submitted(row.said, None)

    def official_of(self, path: Path, examples: Sequence[Example]) -> Mapping[str, Json]:
        """The published figures of such rows: by the labels that stand beside the replies, and by how each reply begins."""
        if (rows := self._brought(path)) is None:
            return {}
        first_word = bool(self.told.get("first_word"))
        targets = {one.id: self.label_of(one) for one in examples}
        ours = {code(label) for label in self.labels}
        pairs, differ = {}, 0
        for row in rows:
            if row.id in targets:
                gold = self.codes.get(code(row.gold), targets[row.id]) if row.gold is not None else targets[row.id]
                differ += gold != targets[row.id]
                said = row.said or ""
                if not row.is_reply and code(said) not in ours:  # a label alone, as the files of the data write it
                    said = self.codes.get(code(said), said)
                pairs[row.id] = (gold, begins(said, self.labels) if first_word else said)
        if not pairs:
            return {}
        found = label_figures([one for one, _ in pairs.values()], [said for _, said in pairs.values()], self.labels)
        outside = found.pop("unparsed")
        more = {"labels_other_than_ours": differ} if differ else {}
        return {**found, "unparsed" if first_word else "out_of_label_set": outside, **more}

    def _brought(self, path: Path) -> list[label_files.Brought] | None:
        return label_files.brought(path, str(self.told["label"]), self.told.get("predicted", ""))

    def _refuse_other_split(self, path: Path, rows: Sequence[label_files.Brought], examples: Sequence[Example]) -> None:
        """Raise BenchError for replies to another split of the same ids, where the labels beside them tell."""
        targets = {one.id: self.label_of(one) for one in examples if one.target is not None}
        known = [(self.codes.get(code(x.gold)), targets[x.id]) for x in rows if x.gold is not None and x.id in targets]
        if (differ := sum(a != b for a, b in known)) > max(len(known) // 5, 2):
            said = [(x.id, self.codes.get(code(x.gold))) for x in rows]
            fitting = [name for name in self.told.get("splits") or {} if self._agrees(name, said)]
            how = f"it is of task.split={fitting[0]}" if fitting else "choose the examples that it is of by --data FILE"
            raise BenchError(
                f"{path}: {differ} of the {len(known)} labels in it are not those of these examples, so it is of others; {how}"
            )

    def _agrees(self, split: str, said: Sequence[tuple[str, str | None]]) -> bool:
        """Whether nine in ten of these labels are those of the split, where that is here."""
        place = self.data.here()
        path = place / self.told["splits"][split]["test"] if place and place.is_dir() else None
        if path is None or not path.is_file():
            return False
        targets = {one.id: one.target for one in self.made(records(path), "")}
        return 10 * len([key for key, label in said if targets.get(key) == label]) > 9 * len(said)


def _coded(codes: Mapping[str, Json], labels: Sequence[str], where: str) -> dict[str, str]:
    """The label of each value of the file, and of each label; raises BenchError for a value that has two."""
    found: dict[str, str] = {}
    for value, label in codes.items():
        if found.setdefault(code(value), name := normalised(str(label))) != name:
            raise BenchError(
                f"{where}.labels: {value!r} comes twice, as case and white space do not count; give each value one label"
            )
    return found | {code(label): label for label in labels if code(label) not in found}


def _list(given: Json, where: str) -> list[str]:
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise BenchError(f"{where}.labels: found {given!r}, expected a list of texts or {{value: label}}")
    return given
