"""The price that a configuration chooses: a file of conf/price as it stands, or one given on the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.config.compose import choice
from bench.errors import BenchError
from bench.runs import price
from bench.types import Json

NONE = "none"


def chosen(config: Mapping[str, Any], choices: Mapping[str, str]) -> tuple[dict[str, Json], list[str]]:
    """The price of a composed configuration, {} for none, and a line for each number that was read out of a text.

    Raises BenchError for what is no price, and for a named one that the command line changed: its name, day and source would
    then stand beside a figure that is not theirs.
    """
    name, given = choices.get("price", NONE), config["price"]
    if name == NONE:
        return price.read(given)
    file = choice("price", name)
    for key in price.KEYS:
        if _plain(given.get(key)) != _plain(file.get(key)):
            raise BenchError(
                f"price.{key} is given beside price={name}, whose file has its own; take price={name} as it stands, or leave it "
                "out and give price.currency, price.per_hour or price.per_million, price.date and price.source"
            )
    return price.read(given, name)


def _plain(value: Any) -> Any:
    """A value as it compares: prices of tokens without those that are not there, a day as its text."""
    if isinstance(value, Mapping):
        return {key: one for key, one in value.items() if one is not None} or None
    return value if value is None or isinstance(value, str | int | float) else str(value)
