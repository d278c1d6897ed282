"""What a country looks like on paper: its money, dates, addresses and names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

LONG_DATES = ("%-d %B %Y", "%d %b %Y", "%d-%b-%Y")
AMERICAN_DATES = ("%m/%d/%Y", "%B %-d, %Y", "%b %-d, %Y")


@dataclass(frozen=True, slots=True)
class Country:
    """One country; in patterns `#` is a digit, `@` a capital letter and `{...}` a slot.

    `scale` is roughly how many units of the currency one US dollar buys; lists are written as one string.
    """

    name: str
    currency: str
    number_format: str
    symbol_after: bool
    dates: tuple[str, ...]
    street: str
    town: str
    phone: str
    tax: str
    tax_rates: tuple[int, ...]
    tax_id: str
    account: str
    legal: str
    given: str
    family: str
    towns: str
    streets: str

    @property
    def is_ascii(self) -> bool:
        """Whether every name of the country is written without accents."""
        return (self.given + self.family + self.towns + self.streets + self.legal).isascii()

    def choose(self, attribute: str, stream: Random) -> str:
        """One entry of a list such as `given` or `towns`."""
        return stream.choice(split(getattr(self, attribute)))


def split(words: str) -> list[str]:
    """The entries of a list written as one string with bars between them.

    >>> split("Rue Haute | Quai Neuf")
    ['Rue Haute', 'Quai Neuf']
    """
    return [word.strip() for word in words.split("|")]


def fill(pattern: str, stream: Random) -> str:
    """A pattern with each `#` a digit and each `@` a capital letter."""
    letters = "ABCDEFGHJKLMNPRSTUVWXYZ"
    marks = {"#": lambda: str(stream.randrange(10)), "@": lambda: stream.choice(letters)}
    return "".join(marks[mark]() if mark in marks else mark for mark in pattern)


def weighted(stream: Random, options: Sequence[tuple[str, int]]) -> str:
    """One of the options, each as likely as its weight."""
    names, weights = zip(*options, strict=True)
    return str(stream.choices(names, weights)[0])
