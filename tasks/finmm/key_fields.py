"""Which fields of a kind of document are its key information, what each means, and what is a right value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from bench.metrics.field_values import dates
from tasks.finmm.picture import Document, money
from tasks.finmm.picture.world.people import COUNTRIES

_MONTH_FIRST = {country.name for country in COUNTRIES if any(one.startswith("%m") for one in country.dates)}


class Key(NamedTuple):
    """A field as it is asked for: its name, the kind of its value, what it means, and the document's own field."""

    name: str
    kind: str
    meaning: str
    source: str


_CURRENCY = "currency"  # which no field is: it stands in an amount


def _keys(told: str) -> tuple[Key, ...]:
    """Fields out of lines of "name | kind | meaning", with "| source" where the document calls it otherwise."""
    cells = [[cell.strip() for cell in line.split("|")] for line in told.strip().split("\n")]
    return tuple(Key(row[0], row[1], row[2], row[3] if len(row) > 3 else row[0]) for row in cells)


KEY_FIELDS: Mapping[str, tuple[Key, ...]] = {
    "invoice": _keys("""
        seller | text | who issued the invoice
        buyer | text | who has to pay
        invoice_number | number | number of the invoice
        order_number | number | purchase order of the customer
        issue_date | date | when it was issued
        due_date | date | last day to pay
        subtotal | amount | sum before tax, discount and delivery
        tax | amount | amount of tax
        total | amount | amount to pay, tax included
        account | number | account to pay into
        currency | text | currency's sign or code at the total | total
    """),
    "receipt": _keys("""
        shop | text | name of the shop
        date | date | day of the sale
        time | text | time of the sale
        receipt_number | number | number of the receipt
        subtotal | amount | sum before tax
        tax | amount | amount of tax
        total | amount | amount to pay, tax included
        paid_by | text | means of payment
        change | amount | cash given back
        currency | text | currency's sign or code at the total | total
    """),
    "bank_statement": _keys("""
        bank | text | name of the bank
        holder | text | who holds the account
        account | number | number of the account
        period_start | date | first day of the period
        period_end | date | last day of the period
        opening_balance | amount | balance at the start
        total_in | amount | sum of all that was paid in
        total_out | amount | sum of all that was paid out
        closing_balance | amount | balance at the end
        currency | text | currency's sign or code at the closing balance | closing_balance
    """),
    "cheque": _keys("""
        bank | text | name of the bank
        drawer | text | whose account is charged
        payee | text | who is paid
        amount | amount | amount in figures
        date | date | date of the cheque
        cheque_number | number | number of the cheque
        account | number | number of the account
        memo | text | purpose that is noted
        currency | text | currency's sign or code at the amount in figures | amount
    """),
    "balance_sheet": _keys("""
        company | text | whose balance sheet it is
        as_of | date | day that the figures are of
        unit | text | unit of the figures as printed
        total_assets | amount | total assets of the later year | total_assets_now
        total_liabilities | amount | total liabilities of the later year | total_debts_now
        total_equity | amount | total equity of the later year | equity_total_now
        total_assets_before | amount | total assets of the earlier year
        signer | text | name below the signature
    """),
    "payslip": _keys("""
        employer | text | who pays
        employee | text | who is paid
        employee_id | number | number of the employee
        period | text | month of the pay
        pay_date | date | day of payment
        gross | amount | pay before deductions
        total_deductions | amount | sum of the deductions
        net | amount | pay after deductions
        account | number | account that it is paid into
        currency | text | currency's sign or code at the net pay | net
    """),
    "insurance_claim": _keys("""
        insurer | text | name of the insurer
        holder | text | who claims
        claim_number | number | number of the claim
        policy_number | number | number of the policy
        loss_date | date | day of the loss
        report_date | date | day it was reported
        claimed | amount | sum of what is claimed
        excess | amount | share that the insured bears
        payable | amount | amount that is paid
        currency | text | currency's sign or code at the amount that is paid | payable
    """),
    "loan_application": _keys("""
        lender | text | name of the lender
        applicant | text | who asks for the loan
        application_number | number | number of the application
        application_date | date | date of the application
        birth_date | date | applicant's date of birth
        amount | amount | amount of the loan
        term | text | how long it runs
        rate | amount | yearly rate in per cent
        instalment | amount | monthly payment
        purpose | text | what the loan is for
        currency | text | currency's sign or code at the amount of the loan | amount
    """),
}  # fmt: skip


def field_of(document: Document, key: Key) -> Mapping[str, Any]:
    """The field as `bench.metrics.entities` takes it; it has no texts where the document has no such field."""
    found: dict[str, Any] = {"name": key.name, "kind": key.kind, "texts": []}
    if not document.has(key.source):
        return found
    printed = document.field(key.source).value
    if key.name == _CURRENCY:
        found["texts"] = list(dict.fromkeys((_sign(printed), document.currency)))
    elif key.kind == "amount":
        found |= {"texts": [printed], "value": _amount(document, printed)}
    elif key.kind == "date":
        found |= {"texts": [printed], **_date(document, printed)}
    else:
        found["texts"] = [printed]
    return found


def _sign(printed: str) -> str:
    """What stands beside the digits of an amount."""
    return "".join(sign for sign in printed if not sign.isdigit() and sign not in ".,' -").strip()


def _amount(document: Document, printed: str) -> str:
    """The amount in plain decimal digits; a rate and thousands have no cents of a currency."""
    if _sign(printed) in ("", "%"):
        return _bare(document, printed)
    minor = money.read_amount(printed, document.currency, document.number_format)
    digits = money.decimals(document.currency)
    return f"{minor / 10**digits:.{digits}f}"


def _bare(document: Document, printed: str) -> str:
    group, point = money.marks(document.number_format)
    return printed.replace("%", "").replace(group, "").replace(" ", "").replace(point, ".").strip()


def _date(document: Document, printed: str) -> Mapping[str, Any]:
    """The day as an ISO date, and whether dates of that country have the month first."""
    month_first = document.country in _MONTH_FIRST
    (day,) = dates(printed, month_first)
    return {"value": day, "month_first": month_first}
