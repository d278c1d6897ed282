"""From (seed, index) to a document; nothing but the standard library is needed to list questions."""

from __future__ import annotations

from collections.abc import Callable

from tasks.finmm.picture.content import (
    balance_sheet,
    bank_statement,
    cheque,
    insurance_claim,
    invoice,
    loan_application,
    payslip,
    receipt,
)
from tasks.finmm.picture.document import Document
from tasks.finmm.picture.draft import Draft

_WRITERS: dict[str, Callable[[Draft], Document]] = {
    "invoice": invoice.write,
    "receipt": receipt.write,
    "bank_statement": bank_statement.write,
    "cheque": cheque.write,
    "balance_sheet": balance_sheet.write,
    "payslip": payslip.write,
    "insurance_claim": insurance_claim.write,
    "loan_application": loan_application.write,
}
KINDS = tuple(_WRITERS)


def make_document(seed: int, index: int) -> Document:
    """Document number `index` of the endless corpus `seed`; kinds take turns.

    It depends on no other index. Raises ValueError for a negative index.
    """
    if index < 0:
        raise ValueError(f"a document's index counts from 0, got {index}")
    kind = KINDS[index % len(KINDS)]
    return _WRITERS[kind](Draft(kind, seed, index))
