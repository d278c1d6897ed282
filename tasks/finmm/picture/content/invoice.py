"""Invoices: parties, dates, priced lines, tax, total and where to pay."""

from __future__ import annotations

from datetime import timedelta

from tasks.finmm.picture.content import lines
from tasks.finmm.picture.document import Document
from tasks.finmm.picture.draft import Draft
from tasks.finmm.picture.world import goods, people
from tasks.finmm.picture.world.country import fill

N_LAYOUTS = 3
TITLES = ("INVOICE", "Invoice", "TAX INVOICE", "Commercial Invoice", "Sales Invoice")


def write(draft: Draft) -> Document:
    """One invoice."""
    draft.dress(("A4", "A4", "letter", "A5"), N_LAYOUTS)
    _parties(draft)
    _dates(draft)
    n_most = 6 if draft.style.paper == "A5" else 11
    wares = goods.sample(draft.stream, goods.WARES, draft.stream.randint(2, n_most))
    subtotal = lines.add_items(draft, wares, big=True)
    lines.ask_items(draft)
    _totals(draft, subtotal)
    _payment(draft)
    draft.notes.append(draft.pick((
        "Thank you for your business.", "Goods remain our property until paid in full.",
        "Please quote the invoice number with your payment.", "Late payments are charged 1.5 % a month.",
    )))  # fmt: skip
    return draft.finish(draft.pick(TITLES))


def _parties(draft: Draft) -> None:
    country, stream = draft.country, draft.stream
    seller, buyer = people.company(country, stream), people.company(country, stream)
    if draft.chance(0.25):
        buyer = people.person(country, stream)
    draft.add("seller", seller)
    draft.add("buyer", buyer, "Bill to", "Invoice to", "Billed to", "Customer", "Sold to")
    for side in ("seller", "buyer"):
        place = people.address(country, stream)
        draft.add(f"{side}_street", place.street)
        draft.add(f"{side}_town", place.line)
    draft.add("seller_phone", fill(country.phone, stream), "Tel.", "Phone", "T")
    draft.add("seller_email", people.email(seller, stream), "E-mail", "Email", "Mail")
    draft.add("seller_tax_id", fill(country.tax_id, stream), "Tax ID", "Tax reg. no.", "Tax number")
    draft.ask(
        "entity", "seller", "Who issued this invoice?", "Which company is asking to be paid?", "Who is the seller?",
        "Name the supplier on the invoice.", "From which firm does the bill come?",
    )  # fmt: skip
    draft.ask(
        "entity", "buyer", "Who is the invoice addressed to?", "Who has to pay this invoice?", "Name the customer.",
        "To whom were the goods or services sold?", "Which party is being billed?",
    )  # fmt: skip
    draft.ask(
        "entity", "buyer_street", "What is the customer's street address?", "On which street is the buyer located?",
        "Give the street and number of the party being billed.", "At what street address is {buyer} found?",
        buyer=buyer,
    )  # fmt: skip
    draft.ask(
        "lookup", "seller_email", "At which e-mail address can the seller be reached?",
        "What is the supplier's e-mail?", "Where would you write an e-mail to ask about this bill?",
        "Give the e-mail contact of {seller}.", seller=seller,
    )  # fmt: skip
    draft.ask(
        "lookup", "seller_tax_id", "What is the seller's tax registration number?", "Give the tax ID of {seller}.",
        "Under which tax number is the supplier registered?", "Which tax number is printed for the seller?",
        seller=seller,
    )  # fmt: skip


def _dates(draft: Draft) -> None:
    issued = draft.some_day()
    days = draft.pick((7, 10, 14, 21, 30, 30, 45, 60))
    pattern = draft.pick(("INV-{y}-####", "#####", "{y}/###", "@@-#####", "R{y}####", "######"))
    draft.add("invoice_number", fill(pattern.format(y=issued.year), draft.stream),
              "Invoice no.", "Invoice number", "Invoice #", "Inv. No", "Number")  # fmt: skip
    draft.add("issue_date", draft.day(issued), "Invoice date", "Date of issue", "Date", "Issued")
    draft.add("due_date", draft.day(issued + timedelta(days)), "Due date", "Payment due", "Due", "Pay by")
    draft.add("terms", draft.pick((f"{days} days net", f"Net {days}")), "Terms", "Payment terms")
    draft.ask(
        "lookup", "invoice_number", "What is the invoice number?", "Which number identifies this invoice?",
        "Under what number was the bill issued?", "Give the number to quote when paying.",
        "What number does the invoice bear?",
    )  # fmt: skip
    draft.ask(
        "contrast", "issue_date", "When was the invoice issued, not when is it due?", "What is the date of issue?",
        "On what day was the bill written?", "Give the invoice date.", "What date does the invoice carry as its own?",
    )  # fmt: skip
    draft.ask(
        "contrast", "due_date", "By when does the invoice have to be paid?", "What is the due date?",
        "When does payment fall due?", "Until which day may the customer wait before paying?",
        "What is the last day to pay?",
    )  # fmt: skip
    draft.ask(
        "lookup", "terms", "What are the payment terms?", "Which terms of payment were agreed?",
        "How are the terms of payment worded?", "What does the page state as payment terms?",
    )  # fmt: skip
    if draft.chance(0.6):
        order = draft.pick(("PO-#####", "4500######", "##-####", "@###"))
        draft.add("order_number", fill(order, draft.stream), "PO number", "Your order", "Order no.", "Customer ref.")
        draft.ask(
            "lookup", "order_number", "Which purchase order does the invoice refer to?", "What is the order number?",
            "Give the customer's order reference.", "Under which order were these goods bought?",
        )  # fmt: skip
    if draft.chance(0.35):
        draft.add_stamp(
            ("PAID", "RECEIVED", "POSTED", "APPROVED"), issued + timedelta(draft.stream.randint(1, days + 5)),
        )  # fmt: skip


def _totals(draft: Draft, subtotal: int) -> None:
    taxed = subtotal
    draft.add("subtotal", draft.cash(subtotal), "Subtotal", "Net amount", "Net total", "Sum")
    if draft.chance(0.3):
        percent = draft.pick((3, 5, 10, 15))
        discount = lines.share(subtotal, percent)
        taxed -= discount
        draft.add("discount", draft.cash(discount), f"Discount {percent} %", f"Less {percent} % discount")
        draft.ask(
            "lookup", "discount", "How large is the discount?", "What amount was taken off as a discount?",
            "By how much did the seller reduce the price?", "What discount amount was granted?",
        )  # fmt: skip
    if draft.chance(0.35):
        shipping = draft.units(draft.stream.uniform(6, 60))
        taxed += shipping
        draft.add("shipping", draft.cash(shipping), "Shipping", "Freight", "Delivery", "Carriage")
        draft.ask(
            "lookup", "shipping", "What was charged for delivery?", "How much does shipping cost?",
            "Which amount was added for carriage?", "What did it cost to send the goods?",
        )  # fmt: skip
    lines.add_tax_and_total(draft, taxed)


def _payment(draft: Draft) -> None:
    draft.add("bank", people.bank(draft.country, draft.stream), "Bank", "Bank name", "Our bank")
    labels = ("IBAN",) if draft.country.account[:2].isalpha() else ("Account no.", "Account", "Acct. number")
    draft.add("account", fill(draft.country.account, draft.stream), *labels)
    draft.ask(
        "lookup", "account", "To which account should the money be sent?", "What is the seller's bank account number?",
        "Give the account number for payment.", "Which account number is quoted for transfers?",
    )  # fmt: skip
    draft.ask(
        "entity", "bank", "At which bank does the seller hold the account?", "Name the bank that receives the payment.",
        "Which bank is given in the payment details?", "With what bank should the transfer be made?",
    )  # fmt: skip
