"""Lists of goods with amounts, and the tax and total below them."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.finmm.picture.document import Column
from tasks.finmm.picture.draft import Draft, Printed
from tasks.finmm.picture.world.goods import Priced


def share(amount: int, percent: float) -> int:
    """That many per cent of an amount, half a unit rounded up.

    >>> share(1050, 5)
    53
    """
    return int((amount * round(percent * 100) * 2 + 10_000) // 20_000)


def add_items(draft: Draft, wares: Sequence[Priced], big: bool) -> int:
    """The table `items` with quantity, price and amount; returns the sum of the amounts."""
    rows: list[list[Printed | str]] = []
    total = 0
    for name, dollars in wares:
        price = draft.units(dollars)
        quantity = draft.pick((1, 1, 2, 3, 4, 5, 8, 10, 12, 20, 25) if big else (1, 1, 1, 1, 2, 2, 3))
        total += price * quantity
        rows.append([name, str(quantity), draft.bare(price), draft.bare(price * quantity)])
    columns = (
        Column("description", draft.pick(("Description", "Item", "Article", "Product / service"))),
        Column("quantity", draft.pick(("Qty", "Quantity", "Units", "Qty.")), "right"),
        Column("price", draft.pick(("Unit price", "Price", "Rate", "Each")), "right"),
        Column("amount", draft.pick(("Amount", "Total", "Line total", "Value")), "right"),
    )
    draft.add_table("items", columns, rows)
    return total


def ask_items(draft: Draft) -> None:
    """Questions about single lines of the table `items` and about the whole list."""
    table = next(table for table in draft.tables if table.name == "items")
    number = draft.stream.randrange(len(table.rows)) + 1
    row = table.rows[number - 1]
    item, here = row[0], f"items_{number}"
    draft.ask(
        "item", (f"{here}_amount", f"{here}_description"), 'How much was charged for "{item}"?',
        'What is the line amount of "{item}"?', "What does the line {item} come to?",
        "What was the total cost of the {item} line?", "Which amount stands at the end of the line for {item}?",
        item=item,
    )  # fmt: skip
    draft.ask(
        "item", (f"{here}_quantity", f"{here}_description"), 'How many units of "{item}" were bought?',
        "What quantity of {item} is listed?", "Give the quantity in the line {item}.",
        "How many pieces of {item} are on the list?", item=item,
    )  # fmt: skip
    if row[1] != "1":
        draft.ask(
            "contrast", (f"{here}_price", f"{here}_description"), 'What does a single unit of "{item}" cost?',
            "What is the unit price of {item}?", "Before multiplying by the quantity, what is the price of {item}?",
            "How much is one {item}?", item=item,
        )  # fmt: skip
    _ask_list(draft, [int("".join(mark for mark in row[3] if mark.isdigit())) for row in table.rows])


def _ask_list(draft: Draft, amounts: list[int]) -> None:
    n, top = len(amounts), max(amounts)
    if amounts.count(top) == 1:
        number = amounts.index(top) + 1
        draft.ask(
            "compare", (f"items_{number}_description", f"items_{number}_amount"), "Which line has the highest amount?",
            "What is the most expensive entry in the list, by line amount?", "On which item was the most money spent?",
            "Name the item with the largest line amount.",
        )  # fmt: skip
    draft.ask_for(
        (str(n), ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
                  "twelve", "thirteen", "fourteen")[n]),
        "count", [f"items_{number}_description" for number in range(1, n + 1)],
        "How many different items are listed?", "How many lines does the list of goods have?",
        "Count the entries in the list: how many are there?", "Of how many positions does the list consist?",
    )  # fmt: skip


def add_tax_and_total(draft: Draft, taxed: int) -> int:
    """Fields `tax` and `total`; returns the total."""
    rate = draft.pick(draft.country.tax_rates)
    tax, name = share(taxed, rate), draft.country.tax
    draft.add("tax", draft.cash(tax), f"{name} {rate} %", f"{name} ({rate}%)", f"plus {rate}% {name}")
    draft.add("total", draft.cash(taxed + tax), "Total", "Total due", "Amount due", "Grand total", "TOTAL")
    draft.ask(
        "contrast", "total", "What is the total to pay, tax included?", "How much has to be paid in all?",
        "What is the grand total?", "Which amount is due after tax?", "What final sum does the customer owe?",
    )  # fmt: skip
    draft.ask(
        "contrast", "subtotal", "What do the items add up to before tax?", "What is the net sum of all lines?",
        "How high is the subtotal?", "Without tax, what is the sum of the items?",
        "What is the net amount, not the total?",
    )  # fmt: skip
    draft.ask(
        "lookup", "tax", "How much {name} is charged?", "What is the amount of tax?", "How much of the bill is tax?",
        "Which sum is added as {name}?", "What does the {name} come to?", name=name,
    )  # fmt: skip
    return taxed + tax
