"""The rows of a document's table as they are printed, its heading row first."""

from __future__ import annotations

from collections.abc import Mapping

from tasks.finmm.picture import Document
from tasks.finmm.picture.content.balance_sheet import PARTS

TABLES_OF: Mapping[str, str] = {
    "invoice": "the goods or services with their prices, without the sums below them",
    "bank_statement": "the entries of the account, without the balances and sums around them",
    "balance_sheet": "all accounts of both years with their headings and sums; assets first, then equity and liabilities",
    "insurance_claim": "the items that are claimed, without the sums below them",
}  # the kinds whose table has its headings printed in every layout
_ORDER = (("fixed_assets", "current_assets"), ("equity", "long_debts", "current_debts"))
_SUMS = (("total_assets",), ("total_debts", "total_funding"))


def printed_rows(document: Document) -> list[list[str]]:
    """The rows; those of a balance sheet are headings, accounts and sums in the order of the page."""
    if document.kind == "balance_sheet":
        return _balance_sheet(document)
    (table,) = document.tables
    return [[column.heading for column in table.columns], *(list(row) for row in table.rows)]


def _balance_sheet(document: Document) -> list[list[str]]:
    headings = {part: heading for part, heading, _ in PARTS}
    found = [["", document.field("this_year").value, document.field("last_year").value]]
    for parts, sums in zip(_ORDER, _SUMS, strict=True):
        for part in parts:
            found += [[headings[part], "", ""], *(list(row) for row in document.table(part).rows)]
            found.append(_sum(document, f"{part}_total"))
        found += [_sum(document, name) for name in sums]
    return found


def _sum(document: Document, name: str) -> list[str]:
    now, before = document.field(f"{name}_now"), document.field(f"{name}_before")
    return [now.label, now.value, before.value]
