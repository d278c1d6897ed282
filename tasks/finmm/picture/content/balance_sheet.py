"""Balance sheets of two years: assets, liabilities and equity that balance."""

from __future__ import annotations

from datetime import date

from tasks.finmm.picture import money
from tasks.finmm.picture.document import Column, Document
from tasks.finmm.picture.draft import Draft, Printed
from tasks.finmm.picture.world import people

N_LAYOUTS = 3
TITLES = ("Balance Sheet", "Statement of Financial Position", "BALANCE SHEET", "Consolidated Balance Sheet")
CURRENT = (
    "Cash and cash equivalents|Trade receivables|Inventories|Prepaid expenses|Short-term investments|Other receivables"
)
FIXED = (
    "Property, plant and equipment|Goodwill|Intangible assets|Deferred tax assets|Investments in associates|"
    "Right-of-use assets"
)
SHORT = "Trade payables|Short-term borrowings|Accrued expenses|Income tax payable|Contract liabilities|Provisions"
LONG = "Long-term borrowings|Lease liabilities|Deferred tax liabilities|Pension obligations"
EQUITY = "Share capital|Share premium|Retained earnings|Other reserves"
PARTS = (
    ("current_assets", "Current assets", CURRENT), ("fixed_assets", "Non-current assets", FIXED),
    ("current_debts", "Current liabilities", SHORT), ("long_debts", "Non-current liabilities", LONG),
    ("equity", "Equity", EQUITY),
)  # fmt: skip
_SUMS = {
    "total_assets": ("total assets", "the sum of all that is owned"),
    "total_debts": ("total liabilities", "the sum of all debts"),
    "equity_total": ("total equity", "the owners' equity"),
    "current_assets_total": ("total current assets", "the sum of the current assets"),
    "fixed_assets_total": ("total non-current assets", "the sum of the long-lived assets"),
    "current_debts_total": ("total current liabilities", "the sum of debts due within a year"),
}


def write(draft: Draft) -> Document:
    """One balance sheet, in thousands."""
    draft.dress(("A4", "letter"), N_LAYOUTS)
    day = date(draft.stream.randint(2016, 2025), *draft.pick(((12, 31), (12, 31), (6, 30), (3, 31), (9, 30))))
    name = people.company(draft.country, draft.stream)
    draft.add("company", name)
    draft.add("as_of", draft.day(day), "As at", "As of", "At")
    draft.add(
        "unit",
        draft.pick((f"in thousands of {draft.currency}", f"{draft.currency} thousand", f"{draft.currency} '000")),
    )  # fmt: skip
    draft.add("this_year", str(day.year))
    draft.add("last_year", str(day.year - 1))
    _accounts(draft, day.year)
    _ask_head(draft, name)
    if draft.chance(0.6):
        _sign(draft)
    draft.notes.append(draft.pick((
        "The accompanying notes are an integral part of these statements.", "All figures are stated before dividends.",
        "Unaudited.", "Approved by the board of directors.",
    )))  # fmt: skip
    return draft.finish(draft.pick(TITLES))


def _thousands(draft: Draft, value: int) -> Printed:
    text = money.write_amount(value, "JPY", draft.country.number_format)
    return Printed(text, (str(value),) if str(value) != text else ())


def _split(draft: Draft, total: int, n: int) -> list[int]:
    weights = [draft.stream.uniform(0.3, 2) for _ in range(n)]
    parts = [int(total * weight / sum(weights)) for weight in weights]
    return [total - sum(parts[1:]), *parts[1:]]


def _part_totals(draft: Draft, assets: int) -> list[int]:
    stream = draft.stream
    current, debts = int(assets * stream.uniform(0.25, 0.6)), int(assets * stream.uniform(0.3, 0.65))
    short = int(debts * stream.uniform(0.35, 0.7))
    return [current, assets - current, short, debts - short, assets - debts]


def _accounts(draft: Draft, year: int) -> None:
    stream = draft.stream
    assets = int(draft.stream.uniform(2_000, 90_000) * money.CURRENCIES[draft.currency][2])
    before = int(assets * stream.uniform(0.8, 1.15))
    totals = list(zip(_part_totals(draft, assets), _part_totals(draft, before), strict=True))
    columns = (Column("account", ""), Column("now", str(year), "right"), Column("before", str(year - 1), "right"))
    for (part, heading, accounts), (now, then) in zip(PARTS, totals, strict=True):
        options = accounts.split("|")
        kept = stream.sample(options, stream.randint(2, min(5, len(options))))
        names = [name for name in options if name in kept]
        splits = zip(names, _split(draft, now, len(names)), _split(draft, then, len(names)), strict=True)
        draft.add_table(part, columns, [[name, _thousands(draft, a), _thousands(draft, b)] for name, a, b in splits])
        _sum(draft, f"{part}_total", f"Total {heading[0].lower()}{heading[1:]}", now, then)
    _sum(draft, "total_assets", "Total assets", assets, before)
    _sum(draft, "total_debts", "Total liabilities", *(totals[2][side] + totals[3][side] for side in (0, 1)))
    _sum(draft, "total_funding", "Total equity and liabilities", assets, before)
    _ask_accounts(draft, year)


def _sum(draft: Draft, name: str, label: str, *now_and_before: int) -> None:
    for side, value in zip(("now", "before"), now_and_before, strict=True):
        draft.add(f"{name}_{side}", _thousands(draft, value), label)


def _ask_accounts(draft: Draft, year: int) -> None:
    for table in draft.stream.sample(draft.tables, 3):
        number = draft.stream.randrange(len(table.rows)) + 1
        account = table.rows[number - 1][0]
        side = draft.pick(("now", "before"))
        of = str(year if side == "now" else year - 1)
        draft.ask(
            "item", (f"{table.name}_{number}_{side}", f"{table.name}_{number}_account"),
            "What is the figure for {account} in {of}?", 'How much is shown as "{account}" for {of}?',
            "What did {account} stand at in {of}?", "In {of}, what was the value of {account}?",
            "Give the {of} amount of {account}.", account=account.lower(), of=of,
        )  # fmt: skip
    for name in draft.stream.sample(sorted(_SUMS), 3):
        side = draft.pick(("now", "before"))
        of = str(year if side == "now" else year - 1)
        plain, loose = _SUMS[name]
        draft.ask(
            "contrast", f"{name}_{side}", "What is the {of} figure for {plain}?",
            "How high is {loose} in the {of} column?", "For {of}, what figure is given as {plain}?",
            "What did {loose} amount to in {of}?", "Give {plain} of the year {of}.", plain=plain, loose=loose, of=of,
        )  # fmt: skip


def _ask_head(draft: Draft, name: str) -> None:
    draft.ask(
        "entity", "company", "Whose balance sheet is this?", "Which company drew up the accounts?", "Name the company.",
        "To what firm do these figures belong?",
    )  # fmt: skip
    draft.ask(
        "lookup", "as_of", "As of which date was the balance sheet drawn up?", "What is the reporting date?",
        "On what day do these balances stand?", "Give the balance sheet date of {name}.", name=name,
    )  # fmt: skip
    draft.ask(
        "lookup", "unit", "In what unit are the figures given?", "How is the unit of the amounts stated?",
        "Which currency and scale do the columns use, as printed?",
        "What does the page say about the unit of the numbers?",
    )  # fmt: skip


def _sign(draft: Draft) -> None:
    draft.add(
        "signer", people.person(draft.country, draft.stream), "Director", "Chief Financial Officer", "Auditor",
        "Chairperson",
    )  # fmt: skip
    role = draft.fields["signer"].label
    draft.ask(
        "entity", "signer", "Who signed the balance sheet?", "Name the {role} who signed.",
        "Whose name stands under the signature?", "Which person signed as {role}?",
        role=role.lower() if role != "Chief Financial Officer" else role,
    )  # fmt: skip
