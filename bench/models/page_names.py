"""What fields and kinds of documents are called in general; "|" between several names, the likeliest first."""

from __future__ import annotations

from collections.abc import Mapping

# What a field is called on documents.
CALLED: Mapping[str, str] = {
    "invoice number": "invoice number|invoice no|invoice|bill number|bill no|number|no|document no|ref|reference",
    "order number": (
        "order number|order no|purchase order|po number|po no|po|your order|order|customer reference|your reference"
    ),
    "receipt number": "receipt number|receipt no|receipt|transaction|trans|slip no|slip|ticket|bill no|check no|order",
    "cheque number": "cheque number|cheque no|check no|no|number",
    "claim number": "claim number|claim no|claim reference|claim ref|claim|reference|our reference",
    "policy number": "policy number|policy no|policy|contract no|insurance policy",
    "application number": (
        "application number|application no|application reference|application ref|application|reference|file no"
    ),
    "employee id": (
        "employee id|employee number|employee no|personnel no|personnel number|staff no|staff number|staff id|"
        "payroll no|payroll number|id"
    ),
    "account": (
        "account|account number|account no|iban|a c no|ac no|acct|acct no|bank account|to account|pay to|"
        "paid into|account iban"
    ),
    "issue date": "invoice date|issue date|date of issue|issued|issued on|date|dated|bill date",
    "due date": "due date|payment due|due|pay by|due by|payable by|please pay by|payment date",
    "date": "date|dated|on|day",
    "as of": "as at|as of|at|balance sheet as at|position at|position as at|on",
    "period start": "from|period from|statement from|start|period start|beginning|start date|period|statement period",
    "period end": "to|until|through|end|period end|ending|statement to|end date|period to|till",
    "period": "period|pay period|month|salary for|pay for|for the month of|wage period|for",
    "pay date": "pay date|payment date|date of payment|paid on|date paid|pay day|payday|payable on",
    "loss date": (
        "date of loss|loss date|date of incident|incident date|date of accident|date of damage|happened on|"
        "occurred on|loss"
    ),
    "report date": "reported on|date reported|report date|reported|notified on|date of report|date of notice|notified",
    "application date": "date of application|application date|applied on|date|submitted on|received on",
    "birth date": "date of birth|birth date|born on|born|dob|birthday",
    "time": "time|at|hour",
    "subtotal": (
        "subtotal|sub total|net total|net amount|net|sum|total net|total before tax|total excl vat|goods total|"
        "amount before tax"
    ),
    "tax": "tax|vat|gst|sales tax|iva|mwst|tva|hst|consumption tax|total tax|vat amount",
    "total": (
        "total|total due|grand total|amount due|balance due|total amount|total payable|amount payable|to pay|"
        "total to pay|total incl vat|invoice total|amount to pay"
    ),
    "change": "change|change due|cash back|change given|your change",
    "opening balance": (
        "opening balance|previous balance|balance brought forward|brought forward|start balance|starting balance|"
        "old balance|balance at start"
    ),
    "closing balance": (
        "closing balance|new balance|balance carried forward|carried forward|end balance|ending balance|"
        "balance at end|final balance"
    ),
    "total in": (
        "total in|payments in|paid in|total paid in|money in|total credits|credits|deposits|total deposits|receipts"
    ),
    "total out": (
        "total out|payments out|paid out|total paid out|money out|total debits|debits|withdrawals|total withdrawals"
    ),
    "total assets": "total assets|assets total|sum of assets",
    "total liabilities": "total liabilities|total debts|liabilities total",
    "total equity": "total equity|equity|shareholders equity|total shareholders equity|total stockholders equity",
    "total assets before": "total assets",
    "gross": "gross pay|gross|gross salary|total gross|gross wages|gross earnings|total earnings|total pay|gross total",
    "total deductions": "total deductions|deductions total|deductions|sum of deductions",
    "net": "net pay|net|net salary|net wages|take home pay|net amount|amount paid|net payable|pay",
    "claimed": "total claimed|amount claimed|claimed|claim amount|total claim|sum claimed|total",
    "excess": "excess|deductible|own share|your excess|less excess|own contribution|policy excess",
    "payable": "amount payable|payable|to be paid|settlement|amount to pay|net payable|payout|claim payable",
    "amount": "amount|loan amount|amount of loan|sum|principal|amount requested|amount of the loan|credit amount|loan",
    "rate": "rate|interest rate|annual rate|yearly rate|interest|nominal rate|rate of interest|apr",
    "instalment": "instalment|installment|monthly payment|monthly instalment|monthly rate|repayment|monthly repayment",
    "term": "term|duration|repayment period|loan term|runs for|term of loan|period|repaid over",
    "purpose": "purpose|loan purpose|purpose of loan|use of loan|reason|used for",
    "memo": "memo|for|re|purpose|note|reference|in payment of",
    "paid by": "paid by|payment|tender|payment method|method|means of payment|tender type|paid with|payment type|card",
    "buyer": "bill to|billed to|sold to|customer|buyer|client|invoice to|to|ship to|deliver to|attention",
    "payee": "pay to the order of|pay to|pay|payee|to the order of|order of",
    "drawer": "drawer|account holder|account name|from|drawn by|signed",
    "holder": (
        "account name|account holder|holder|name|policyholder|insured|claimant|customer|name of insured|"
        "policy holder|in the name of"
    ),
    "employee": "employee|employee name|name|name of employee|paid to|staff member",
    "applicant": "applicant|name of applicant|applicant name|name|full name|borrower|customer",
    "signer": "signed|signed by|signature|director|chief financial officer|for the board",
    "address": "address",
    "unit": "unit|amounts in|figures in|in|all figures in|all amounts in",
}

# Who gave the document out: its name stands at the top, with one of these words where there are several.
GIVEN_AT_TOP: Mapping[str, str] = {
    "seller": "ltd|inc|llc|gmbh|co|company",
    "shop": "market|store|shop|cafe|restaurant",
    "bank": "bank|union|mutual|trust|savings",
    "company": "ltd|inc|plc|sa|gmbh|group|company",
    "employer": "ltd|inc|plc|gmbh",
    "lender": "bank|union|mutual|loans|finance",
    "insurer": "insurance|assurance|indemnity|mutual|insurers",
}

# What words a kind of document has; each counts once.
CUES: Mapping[str, str] = {
    "invoice": (
        "invoice|bill to|billed to|sold to|due date|payment due|purchase order|terms|unit price|net total|vat no"
    ),
    "receipt": "receipt|cashier|change|cash|till|thank you|tendered|paid by|customer copy|slip|exchange within|card",
    "statement": (
        "statement|opening balance|closing balance|previous balance|new balance|payments in|payments out|"
        "withdrawals|deposits|paid out|direct debit|standing order"
    ),
    "cheque": "cheque|pay to the order of|pay|order of|the sum of|memo|routing|and no",
    "check": "cheque|pay to the order of|pay|order of|the sum of|memo|routing",
    "sheet": (
        "balance sheet|total assets|total liabilities|equity|current assets|inventories|retained earnings|"
        "financial position|as at"
    ),
    "payslip": (
        "payslip|pay slip|wage slip|salary|gross|net pay|deductions|employee|personnel|earnings|allowance|payroll"
    ),
    "claim": "claim|insured|policy|loss|incident|excess|claimed|policyholder|damage|insurance",
    "application": "application|applicant|loan|instalment|purpose|term|born|income|annual rate|borrower",
}
