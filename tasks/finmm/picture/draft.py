"""A document while it is being written: facts go in as values, come out as printed text with other spellings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random
from typing import NamedTuple, TypeVar

from tasks.finmm.picture import money
from tasks.finmm.picture.document import Column, Document, Field, Question, Table
from tasks.finmm.picture.style import ASCII_ONLY, PRINTED, Style, draw_stamp, draw_style
from tasks.finmm.picture.world.country import Country
from tasks.finmm.picture.world.people import COUNTRIES

T = TypeVar("T")
NEEDS_WIDE_FONT = "₹₦₺₱"


class Printed(NamedTuple):
    """A value as printed and how else it may be given."""

    text: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ask:
    """A question that could be asked: templates with one slot style, answered by the first field of `evidence`."""

    kind: str
    evidence: tuple[str, ...]
    templates: tuple[str, ...]
    slots: dict[str, str]
    answers: tuple[str, ...] = ()


class Draft:
    """Collects fields, tables and possible questions; everything random comes from one stream."""

    def __init__(self, kind: str, seed: int, index: int) -> None:
        self.id = f"finmm-doc-{seed}-{index:04d}"
        self.kind = kind
        self.stream = Random(f"finmm/picture/{seed}/{index}")
        self.country: Country = self.pick(COUNTRIES)
        self.currency = self.country.currency
        self.scale: float = money.CURRENCIES[self.currency][2] * 10 ** money.decimals(self.currency)
        self.pattern = self.pick(self.country.dates)
        self.by_code = self.chance(0.25)
        self.fields: dict[str, Field] = {}
        self.tables: list[Table] = []
        self.also: dict[str, tuple[str, ...]] = {}
        self.asks: list[Ask] = []
        self.notes: list[str] = []
        self.style: Style

    def pick(self, options: Sequence[T]) -> T:
        """One of the options."""
        return self.stream.choice(options)

    def chance(self, probability: float) -> bool:
        """True with that probability."""
        return self.stream.random() < probability

    def dress(self, papers: Sequence[str], n_layouts: int, families: tuple[str, ...] = (), hand: float = 0.0) -> None:
        """Choose the look; type that lacks the country's letters is left out."""
        pool = families or PRINTED + (ASCII_ONLY if self.country.is_ascii else ())
        pool = tuple(name for name in pool if self.country.is_ascii or not name.startswith("cm"))
        self.style = draw_style(self.stream, self.pick(papers), n_layouts, pool or PRINTED, self.chance(hand))
        self.by_code = self.by_code or not self._symbol_fits()

    def _symbol_fits(self) -> bool:
        symbol = money.CURRENCIES[self.currency][0]
        narrow = self.style.family in ("stix", "dejavu_mono") or self.style.hand is not None
        plain = self.style.family in (*ASCII_ONLY, "cm_mono")
        return symbol.isascii() or not (plain or (narrow and symbol in NEEDS_WIDE_FONT))

    def units(self, dollars: float) -> int:
        """Minor units for an amount thought of in US dollars, rounded as prices are."""
        minor = max(1, round(dollars * self.scale))
        coarse = int(10 ** max(0, len(str(minor)) - 4))
        ending: int = self.pick((0, 0, 0, -1 if coarse > 1 else 0, minor % max(coarse, 1)))
        return max(1, minor // coarse * coarse + ending)

    def bare(self, minor: int) -> Printed:
        """An amount without its currency."""
        text = money.write_amount(minor, self.currency, self.country.number_format)
        symbol = money.CURRENCIES[self.currency][0]
        return Printed(text, (self._with(symbol, text), f"{self.currency} {text}", *self._plain(minor, text)))

    def cash(self, minor: int) -> Printed:
        """An amount with symbol or code."""
        text = money.write_amount(minor, self.currency, self.country.number_format)
        symbol = self.currency if self.by_code else money.CURRENCIES[self.currency][0]
        other = money.CURRENCIES[self.currency][0] if self.by_code else self.currency
        return Printed(self._with(symbol, text), (text, self._with(other, text), *self._plain(minor, text)))

    def _with(self, symbol: str, text: str) -> str:
        if self.country.symbol_after:
            return f"{text} {symbol}"
        return f"{symbol} {text}" if symbol.isalpha() and len(symbol) > 1 else f"{symbol}{text}"

    def _plain(self, minor: int, text: str) -> tuple[str, ...]:
        digits = money.decimals(self.currency)
        plain = f"{minor / 10**digits:.{digits}f}"
        return (plain,) if plain != text else ()

    def day(self, day: date) -> Printed:
        """A date in the document's manner; ISO and the long form are accepted too."""
        text = money.write_date(day, self.pattern)
        return Printed(text, (day.isoformat(), money.write_date(day, "%-d %B %Y"), money.write_date(day, "%B %-d, %Y")))

    def some_day(self, first: int = 2019, last: int = 2025) -> date:
        """A day between two years, both inclusive."""
        start = date(first, 1, 1)
        return start + timedelta(self.stream.randrange((date(last, 12, 31) - start).days))

    def add(self, name: str, value: Printed | str, *labels: str) -> None:
        """One field, labelled with one of the labels."""
        printed = value if isinstance(value, Printed) else Printed(value)
        self.fields[name] = Field(name, printed.text, self.pick(labels) if labels else "")
        self.also[name] = printed.also

    def add_table(self, name: str, columns: Sequence[Column], rows: Sequence[Sequence[Printed | str]]) -> None:
        """A table whose cells are values."""
        printed = [[cell if isinstance(cell, Printed) else Printed(cell) for cell in row] for row in rows]
        table = Table(name, tuple(columns), tuple(tuple(cell.text for cell in row) for row in printed))
        for number, row in enumerate(printed, 1):
            for column, cell in zip(columns, row, strict=True):
                self.also[f"{name}_{number}_{column.key}"] = cell.also
        self.tables.append(table)

    def add_stamp(self, words: Sequence[str], day: date | None) -> None:
        """A rubber stamp, with a question about its date if it has one."""
        self.add("stamp", self.pick(words))
        self.style = replace(self.style, stamp=draw_stamp(self.stream))
        if day is None:
            return
        text = money.write_date(day, "%d %b %Y").upper()
        self.add("stamp_date", Printed(text, (day.isoformat(), money.write_date(day, "%-d %B %Y"))))
        self.ask(
            "lookup", "stamp_date",
            "Which date does the rubber stamp carry?", "What date was stamped on the page?",
            'When was the document stamped "{word}"?', "What is the date in the {word} stamp?",
            "Read the date off the stamp.", word=self.fields["stamp"].value,
        )  # fmt: skip

    def ask(self, kind: str, evidence: str | Sequence[str], *templates: str, **slots: str) -> None:
        """A question answered by the value of its (first) field."""
        names = (evidence,) if isinstance(evidence, str) else tuple(evidence)
        self.asks.append(Ask(kind, names, templates, slots))

    def ask_for(
        self, answers: Sequence[str], kind: str, evidence: Sequence[str], *templates: str, **slots: str
    ) -> None:
        """A question whose answer is not a field, such as a count."""
        self.asks.append(Ask(kind, tuple(evidence), templates, slots, tuple(answers)))

    def finish(self, title: str, n_questions: tuple[int, int] = (3, 6)) -> Document:
        """The document with some of the possible questions."""
        document = Document(
            self.id, self.kind, self.country.name, self.currency, self.country.number_format, self.style, title,
            tuple(self.fields.values()), tuple(self.tables), tuple(self.notes), (),
        )  # fmt: skip
        n = min(len(self.asks), self.stream.randint(*n_questions))
        chosen = self.stream.sample(self.asks, n)
        texts = {field.name: field.value for field in document.all_fields()}
        questions = [self._question(number, ask, texts) for number, ask in enumerate(chosen, 1)]
        return replace(document, questions=tuple(questions))

    def _question(self, number: int, ask: Ask, texts: dict[str, str]) -> Question:
        template = self._frame(self.pick(ask.templates))
        first = ask.evidence[0]
        answers = ask.answers or (texts[first], *self.also.get(first, ()))
        text = template.format(**ask.slots)
        unique = tuple(dict.fromkeys(answers))
        return Question(f"{self.id}-q{number}", ask.kind, text, unique, ask.evidence, not ask.answers, template)

    def _frame(self, template: str) -> str:
        noun = self.pick((self.kind.replace("_", " "), "document", "page"))
        lowered = template[0].lower() + template[1:] if template[:1] != "{" else template
        frames = (
            f"According to the {noun}, {lowered}", f"On this {noun}, {lowered}", f"Looking at the {noun}: {lowered}",
        )  # fmt: skip
        opens_with_verb = template.split(" ")[0] in ("Give", "Name", "Read", "State", "Find", "Tell", "Look", "Quote")
        return template if opens_with_verb or self.chance(0.75) else self.pick(frames)
