"""SROIE, task 3 of ICDAR 2019: company, date, address and total of scanned receipts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from bench.data.files import all_or_none, read_json
from bench.data.source import DataSource
from bench.data.submissions import pairs
from bench.errors import BenchError
from bench.metrics.entities import OFFICIAL
from bench.metrics.field_values import amounts, dates
from bench.metrics.metric import AnyMetric
from bench.task import Card, DataTask, Malformed
from bench.types import Example, ImageFile, Json
from tasks.fields import FieldsTask
from tasks.page_folders import annotation_files, found_below, page_files, picture, without_picture

FIELDS: Mapping[str, tuple[str, str]] = {
    "company": ("text", "name of the shop or company"),
    "date": ("date", "day of the sale"),
    "address": ("text", "address of the shop or company, in one line"),
    "total": ("amount", "amount to pay"),
}
_ROOTS, _KEYS, _PICTURES = ("", "test", "data"), ("key", "entities"), ("img", "images")
_OBTAIN = (
    "register at the Robust Reading Competition (challenge 13), download the test set of task 3 with its ground truth, and put "
    "the pictures into img/ and the JSON files of company, date, address and total into key/ below sroie/ in the data directory"
)


class Sroie(FieldsTask, DataTask):
    """Four fields of each receipt. A value is right where it is the reference's, sign for sign, as the organisers count."""

    name, version = "sroie", 1
    metrics: ClassVar[tuple[AnyMetric, ...]] = OFFICIAL
    card = Card(
        title="SROIE, key information of receipts",
        source="https://rrc.cvc.uab.es/?ch=13",
        revision="ICDAR 2019",
        licence="CC BY 4.0",
        split="test of task 3",
        n_examples=347,
        language="en",
        chance=(0.0, 0.02),
        scenario="operations",
        cluster="receipt",
        citation=("Huang et al. 2019, ICDAR2019 Competition on Scanned Receipt OCR and Information Extraction (ICDAR)"),
        obtain=_OBTAIN,
    )

    def __init__(self, data: DataSource) -> None:
        self.data = data

    def examples(self) -> Sequence[Example]:
        """The receipts by name."""
        return self.data.read(_read)

    def asked(self, example: Example) -> Sequence[tuple[str, str]]:
        """The four fields."""
        return [(name, meaning) for name, (_, meaning) in FIELDS.items()]

    def page(self, example: Example) -> ImageFile:
        """The receipt, which need not be there."""
        return self.data.read(lambda folder: picture(_pictures(folder), example.inputs["receipt"], _OBTAIN))

    def slices(self, example: Example) -> Mapping[str, str]:
        """Whether all four fields are on the receipt."""
        if example.target is None:
            return {}
        return {"fields": "all" if all(field["texts"] for field in example.target) else "some are missing"}

    def submitted(self, path: Path, examples: Sequence[Example]) -> Iterator[tuple[str, Json]]:
        """A folder of NAME.txt or NAME.json with {"company", "date", "address", "total"}, as it is sent in; or {id: fields}.

        A file of the folder that is no JSON is malformed, as is one whose fields are neither texts nor numbers.
        """
        if not path.is_dir():
            yield from pairs(path)
            return
        for file in page_files(path, (".txt", ".json"), "give the folder with a file for each receipt"):
            try:
                yield file.stem, read_json(file)
            except BenchError as error:
                yield file.stem, Malformed(str(error).replace(str(file), file.name))

    def problems(self) -> Iterator[str]:
        """A wrong number of receipts, and receipts without a picture."""
        yield from super().problems()
        yield from without_picture(self.examples(), self.page, "receipts")


def _pictures(folder: Path) -> Path:
    return found_below(folder, _ROOTS, _PICTURES, _OBTAIN)


def _read(folder: Path) -> list[Example]:
    files = annotation_files(found_below(folder, _ROOTS, _KEYS, _OBTAIN), (".txt", ".json"), _OBTAIN)
    return all_or_none((_example(path) for path in files), str(folder))


def _example(path: Path) -> Example:
    found = read_json(path)
    if not isinstance(found, dict) or (other := [key for key in found if key not in FIELDS]):
        what = f"the key {other[0]!r}" if isinstance(found, dict) else type(found).__name__
        raise BenchError(f"{path}: found {what}, expected an object of {', '.join(FIELDS)}; correct the file")
    target = [_field(name, found.get(name, ""), path) for name in FIELDS]
    return Example(path.stem, {"receipt": path.stem}, target, path.stem)


def _field(name: str, text: Json, path: Path) -> Mapping[str, Any]:
    """The field as `bench.metrics.entities` takes it; what cannot be read as a day or an amount is compared as text."""
    if not isinstance(text, str):
        raise BenchError(f"{path}: {name}: found {type(text).__name__}, expected a text; correct the file")
    kind = FIELDS[name][0]
    field: dict[str, Any] = {"name": name, "kind": "text", "texts": [text] if text.strip() else []}
    if kind == "date" and len(days := dates(text)) == 1:
        field |= {"kind": kind, "value": min(days), "month_first": False}
    elif kind == "amount" and len(values := amounts(text)) == 1:
        field |= {"kind": kind, "value": str(min(values))}
    return field
