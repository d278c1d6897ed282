"""The nouns: a document is what stands on a page and what may be asked about it."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.finmm.picture.style import Style


@dataclass(frozen=True, slots=True)
class Field:
    """One value as it is printed, with the words printed next to it."""

    name: str
    value: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table; its cells are fields named `<table>_<row>_<key>`, rows counted from 1."""

    key: str
    heading: str
    align: str = "left"


@dataclass(frozen=True, slots=True)
class Table:
    """Printed rows; an empty cell is no field."""

    name: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]

    def fields(self) -> list[Field]:
        """The cells with text in them, row by row."""
        return [
            Field(f"{self.name}_{number}_{column.key}", cell, column.heading)
            for number, row in enumerate(self.rows, 1)
            for column, cell in zip(self.columns, row, strict=True)
            if cell
        ]


@dataclass(frozen=True, slots=True)
class Question:
    """One question; `kind` is lookup, item, contrast, entity, compare or count.

    All but compare, count and some entity questions are extractive: the first answer is the value of the
    first field of `evidence`.
    """

    id: str
    kind: str
    text: str
    answers: tuple[str, ...]
    evidence: tuple[str, ...]
    extractive: bool
    template: str


@dataclass(frozen=True, slots=True)
class Document:
    """One page: facts, look and questions, all fixed before anything is drawn."""

    id: str
    kind: str
    country: str
    currency: str
    number_format: str
    style: Style
    title: str
    fields: tuple[Field, ...]
    tables: tuple[Table, ...]
    notes: tuple[str, ...]
    questions: tuple[Question, ...]

    def has(self, name: str) -> bool:
        """Whether a field of that name is on the page."""
        return any(field.name == name for field in self.fields)

    def field(self, name: str) -> Field:
        """A field outside or inside a table; KeyError when there is none."""
        for field in self.all_fields():
            if field.name == name:
                return field
        raise KeyError(f"document {self.id} has no field {name!r}")

    def table(self, name: str) -> Table:
        """A table by name."""
        return next(table for table in self.tables if table.name == name)

    def all_fields(self) -> tuple[Field, ...]:
        """Single fields, then the cells of every table."""
        return (*self.fields, *(field for table in self.tables for field in table.fields()))
