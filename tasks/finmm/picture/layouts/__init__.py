"""Where things stand on a page: for each kind a few ways of laying it out."""

from __future__ import annotations

from collections.abc import Callable

from tasks.finmm.picture.canvas import Canvas
from tasks.finmm.picture.layouts import accounts, cheque, claim, invoice, loan, payslip, receipt, statement

LAYOUTS: dict[str, tuple[Callable[[Canvas], None], ...]] = {
    "invoice": invoice.LAYOUTS,
    "receipt": receipt.LAYOUTS,
    "bank_statement": statement.LAYOUTS,
    "cheque": cheque.LAYOUTS,
    "balance_sheet": accounts.LAYOUTS,
    "payslip": payslip.LAYOUTS,
    "insurance_claim": claim.LAYOUTS,
    "loan_application": loan.LAYOUTS,
}
