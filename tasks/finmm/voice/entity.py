"""What a bank loses money on when it is misheard: amounts, dates, numbers and accounts, as written, as spoken and by value."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tasks.finmm.voice.numerals import MONTHS, cardinal, decimal, digits, ordinal, year

MONEY = {"GBP": ("£", "pound", "pence"), "USD": ("$", "dollar", "cents"), "EUR": ("€", "euro", "cents")}


@dataclass(frozen=True)
class Entity:
    """`written` as it stands in the text, `spoken` as it is said, `value` in the normal form of the voice specification.

    `others` are further ways in which a transcript may write it.
    """

    kind: str
    written: str
    spoken: str
    value: str
    others: tuple[str, ...] = ()

    def ways(self) -> list[list[str]]:
        """The ways that a transcript may have it, in lower-case words: the spoken one first, the written one last."""
        without = " ".join(word for word in self.spoken.split() if word != "and")
        written = [word.strip(",") for word in self.written.lower().split()]  # the comma of a date is punctuation
        found: list[list[str]] = []
        for way in (self.spoken, without, *self.others):
            words = way.lower().split()
            if words not in found and words != written:
                found.append(words)
        return [*found, written]


def amount(rng: random.Random, currency: str) -> Entity:
    """Money from 1 to 99,999 with or without pence."""
    sign, major, minor = MONEY[currency]
    whole = rng.choice((rng.randint(2, 99), rng.randint(100, 999), rng.randint(1_000, 99_999)))
    small = rng.choice((0, rng.randint(1, 99), rng.choice((50, 25, 99, 90))))
    name = f"{major}s"
    said = cardinal(whole, "" if currency == "USD" else "and") + f" {name}"
    if not small:
        return Entity("amount", f"{sign}{whole:,}", said, f"{whole} {currency}", (
            f"{sign}{whole}", f"{whole:,} {name}", f"{whole} {name}", f"{whole:,}.00 {name}", f"{sign}{whole:,}.00",
            f"{whole:,}{sign}", f"{currency} {whole:,}", f"{whole:,} {currency}", f"{sign} {whole:,}",
        ))  # fmt: skip
    change = f"1 {minor[:-1] if currency != 'GBP' else 'penny'}" if small == 1 else f"{small} {minor}"
    coin = change.partition(" ")[2]
    cents = f"{small:02d}"
    return Entity("amount", f"{sign}{whole:,}.{cents}", f"{said} and {cardinal(small)} {coin}", f"{whole}.{cents} {currency}", (
        f"{sign}{whole}.{cents}", f"{whole:,}.{cents} {name}", f"{whole}.{cents} {name}", f"{whole:,} {name} and {change}",
        f"{whole} {name} and {change}", f"{sign}{whole:,} and {change}", f"{sign}{whole} and {change}",
        f"{whole:,} {name} {change}", f"{whole} {name} {change}", f"{whole:,}.{cents}{sign}", f"{currency} {whole:,}.{cents}",
        f"{whole:,}.{cents} {currency}", f"{sign} {whole:,}.{cents}",
    ))  # fmt: skip


def millions(rng: random.Random, currency: str) -> Entity:
    """Money of a company's accounts: some millions or billions with one decimal."""
    sign, major, _ = MONEY[currency]
    scale, n = rng.choice((("million", 10**6), ("billion", 10**9)))
    tenths = rng.randint(11, 9_899)
    text = f"{tenths // 10}.{tenths % 10}" if tenths % 10 else f"{tenths // 10}"
    said = f"{decimal(text, '')} {scale} {major}s"
    return Entity(
        "amount", f"{sign}{text} {scale}", said, f"{tenths * n // 10} {currency}", (f"{text} {scale} {major}s",)
    )


def date(rng: random.Random, currency: str) -> Entity:
    """A day from 2015 to 2025, said as in Britain or, where money is dollars, as in America."""
    day, month, y = rng.randint(1, 28), rng.randint(1, 12), rng.randint(2015, 2025)
    name, value = MONTHS[month - 1], f"{y}-{month:02d}-{day:02d}"
    th = f"{day}{_ending(day)}"
    british = (f"{day} {name} {y}", f"the {ordinal(day)} of {name} {year(y)}")
    american = (f"{name} {day}, {y}", f"{name} {ordinal(day)} {year(y)}")
    written, said = american if currency == "USD" else british
    others = (
        *(british[1], american[1], f"{ordinal(day)} of {name} {year(y)}"),
        *(f"the {ordinal(day)} of {name} {y}", f"{name} {ordinal(day)} {y}", f"the {th} of {name} {y}"),
        *(f"{th} of {name} {y}", f"{name} {th} {y}", f"{name} {day} {y}", f"{day} {name} {y}", f"{th} {name} {y}"),
        *(
            f"{ordinal(day)} {name} {year(y)}",
            f"{ordinal(day)} {name} {y}",
            f"{name} the {ordinal(day)} {y}",
            f"{day:02d} {name} {y}",
        ),
        *(f"{name} the {th} {y}", f"{th} of {name} {year(y)}", f"{th} {name} {year(y)}", f"{day} {name} {year(y)}"),
    )
    return Entity("date", written, said, value, others)


def _ending(day: int) -> str:
    return "th" if 10 <= day % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def number(text: str, kind: str = "number") -> Entity:
    """A number as written with digits, such as "1,200"; with kind "percentage" its sign or word is part of it."""
    bare = text.replace(",", "")
    if kind == "percentage":
        said = f"{decimal(text)} percent"
        return Entity(
            kind, f"{text}%", said, bare, (f"{text} percent", said.replace("percent", "per cent"), f"{text} per cent")
        )
    return Entity(kind, text, decimal(text), bare, (decimal(text, ""), bare))


def percentage(rng: random.Random, currency: str) -> Entity:
    """From 0.1 to 39.9 per cent."""
    return number(rng.choice((f"{rng.randint(1, 39)}.{rng.randint(1, 9)}", f"{rng.randint(2, 39)}")), "percentage")


def count(rng: random.Random, currency: str) -> Entity:
    """A whole number that counts something, 21 to 9,999."""
    return number(f"{rng.choice((rng.randint(21, 99), rng.randint(101, 999), rng.randint(1_001, 9_999))):,}")


def signs(value: str, kind: str, letters: str = "", group: int = 4) -> Entity:
    """A code that is said sign by sign."""
    groups = [value[i : i + group] for i in range(0, len(value), group)]
    said = digits(value)
    oh = said.replace("zero", "oh")
    alone = (" ".join(value), " ".join(groups), "-".join(groups), oh)
    if not letters:
        return Entity(kind, " ".join(groups), said, value, (value, *alone))
    code = f"{letters}{value}"
    spelled = " ".join(letters)
    return Entity(kind, code, digits(code), code, (
        f"{letters} {value}", f"{letters}-{value}", f"{spelled} {value}", *(f"{spelled} {one}" for one in alone),
        f"{letters} {said}",
    ))  # fmt: skip


def account(rng: random.Random, currency: str) -> Entity:
    """An account number of eight digits."""
    return signs("".join(rng.choices("0123456789", k=8)), "account")


def ending(rng: random.Random, currency: str) -> Entity:
    """The last four digits of a card."""
    return signs("".join(rng.choices("0123456789", k=4)), "account")


def reference(rng: random.Random, currency: str) -> Entity:
    """Two letters and five digits; the letters are ones that are not said as words."""
    return signs("".join(rng.choices("0123456789", k=5)), "reference", "".join(rng.choices("BCDFGKLMPRTVX", k=2)), 5)


def phone(rng: random.Random, currency: str) -> Entity:
    """Ten digits that belong to nobody: numbers that begin with 0 555."""
    return signs("0555" + "".join(rng.choices("0123456789", k=6)), "phone", group=5)


MAKERS = {
    "amount": amount, "millions": millions, "date": date, "percentage": percentage, "count": count, "account": account,
    "ending": ending, "reference": reference, "phone": phone,
}  # fmt: skip
