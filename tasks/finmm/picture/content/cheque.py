"""Cheques: who pays whom how much, in digits and in words."""

from __future__ import annotations

from tasks.finmm.picture import money
from tasks.finmm.picture.document import Document
from tasks.finmm.picture.draft import Draft, Printed
from tasks.finmm.picture.world import people
from tasks.finmm.picture.world.country import fill

N_LAYOUTS = 3
_MEMOS = (
    "Rent for March|Invoice settlement|Consulting fees|School fees, term 2|Deposit for hall|Loan repayment|"
    "Wedding gift|"
    "Car repair|Membership dues|Donation|Final instalment|Refund of advance|Roof repair|Dental bill|Photography|Tuition"
)


def write(draft: Draft) -> Document:
    """One cheque."""
    draft.dress(("cheque",), N_LAYOUTS, hand=0.65)
    _print(draft)
    _fill_in(draft)
    if draft.chance(0.25):
        draft.add_stamp(("PAID", "CLEARED", "CERTIFIED", "DEPOSITED"), None)
    return draft.finish(draft.pick(("CHEQUE", "", "Cheque")))


def _print(draft: Draft) -> None:
    country, stream = draft.country, draft.stream
    place, bank = people.address(country, stream), people.bank(country, stream)
    drawer = people.person(country, stream)
    if draft.chance(0.45):
        draft.add("signer", drawer)
        drawer = people.company(country, stream)
        draft.ask(
            "entity", "signer", "Who signed the cheque for the company?", "Whose name stands below the signature?",
            "Name the person who signed on behalf of {firm}.", "By which person was the cheque signed?", firm=drawer,
        )  # fmt: skip
    draft.add("bank", bank)
    draft.add("branch", place.town, "Branch", "Payable at", "Office")
    draft.add("bank_street", place.street)
    draft.add("drawer", drawer, "Account holder", "For", "Drawer")
    draft.add("cheque_number", fill("######", stream), "Cheque no.", "No.", "Cheque number")
    draft.add("account", fill("##########", stream), "Account no.", "A/C no.", "Account")
    draft.add(
        "sort_code", fill(draft.pick(("##-##-##", "########", "#########")), stream), "Sort code", "Bank code",
        "Routing no.",
    )  # fmt: skip
    draft.ask(
        "entity", "bank", "On which bank is the cheque drawn?", "Name the bank.", "Which bank will pay the cheque?",
        "What bank's name is printed on the cheque?",
    )  # fmt: skip
    draft.ask(
        "entity", "drawer", "Who wrote the cheque?", "From whose account is the money taken?", "Name the drawer.",
        "Who is the account holder that pays?", "Whose cheque is this, not who receives it?",
    )  # fmt: skip
    draft.ask(
        "lookup", "cheque_number", "What is the cheque number?", "Which serial number does the cheque have?",
        "Give the number of the cheque, not of the account.", "Under what number was the cheque issued?",
    )  # fmt: skip
    draft.ask(
        "contrast", "account", "What is the account number?", "Which account will be charged?",
        "Give the number of the account.", "From what account number is the money drawn?",
    )  # fmt: skip
    draft.ask(
        "entity", "branch", "Which branch of the bank is named?", "In which town is the branch?",
        "Name the branch of {bank}.", "Where is the cheque payable?", bank=bank,
    )  # fmt: skip
    draft.ask(
        "lookup", "sort_code", "Which code identifies the bank?", "What is the bank's sort or routing code?",
        "Give the code of the bank.", "What number of the bank is printed next to the account number?",
    )  # fmt: skip


def _fill_in(draft: Draft) -> None:
    country, stream = draft.country, draft.stream
    payee = people.person(country, stream) if draft.chance(0.6) else people.company(country, stream)
    whole = round(stream.uniform(20, 4000) * money.CURRENCIES[draft.currency][2])
    digits = money.decimals(draft.currency)
    minor = whole * 10**digits + (stream.choice((0, 0, 50, stream.randrange(100))) if digits else 0)
    text = money.amount_in_words(minor, draft.currency, draft.pick(("fraction", "words", "only")))
    draft.add("payee", payee, "Pay", "Pay to the order of", "Payee", "Pay to")
    draft.add("amount", draft.cash(minor))
    draft.add("amount_words", Printed(text[0].upper() + text[1:], (text,)), "the sum of", "Amount in words", "Sum")
    draft.add("date", draft.day(draft.some_day()), "Date", "Dated")
    draft.ask(
        "lookup", "amount", "For how much is the cheque?", "What amount in figures is on the cheque?",
        "How much money will be paid?", "What sum stands in the box?", "Give the amount in digits.",
    )  # fmt: skip
    draft.ask(
        "lookup", "amount_words", "How is the amount written in words?", "What is the sum, written out?",
        "Give the amount in words.", "What words spell the sum?",
    )  # fmt: skip
    draft.ask(
        "entity", "payee", "To whom is the cheque payable?", "Who receives the money?", "Name the payee.",
        "Who may cash the cheque?", "In whose favour was the cheque written?",
    )  # fmt: skip
    draft.ask(
        "lookup", "date", "What date is on the cheque?", "When was the cheque written?", "On which day was it dated?",
        "Give the date.",
    )  # fmt: skip
    if draft.chance(0.7):
        draft.add("memo", draft.pick(_MEMOS.split("|")), "Memo", "For", "Re")
        draft.ask(
            "lookup", "memo", "What was the payment for?", "What is written on the memo line?",
            "Give the purpose noted on the cheque.", "For which purpose was the cheque made out?",
        )  # fmt: skip
