"""Till receipts: a shop, what was bought, how it was paid."""

from __future__ import annotations

from tasks.finmm.picture import money
from tasks.finmm.picture.content import lines
from tasks.finmm.picture.document import Document
from tasks.finmm.picture.draft import Draft
from tasks.finmm.picture.style import TYPEWRITTEN
from tasks.finmm.picture.world import goods, people
from tasks.finmm.picture.world.country import fill

N_LAYOUTS = 3
TITLES = ("RECEIPT", "Sales receipt", "CASH RECEIPT", "Customer copy", "")


def write(draft: Draft) -> Document:
    """One receipt."""
    draft.dress(("receipt",), N_LAYOUTS, (*TYPEWRITTEN, "arimo", "dejavu_sans"))
    wares = goods.sample(draft.stream, goods.stock(_shop(draft)), draft.stream.randint(2, 12))
    subtotal = lines.add_items(draft, wares, big=False)
    lines.ask_items(draft)
    draft.add("subtotal", draft.cash(subtotal), "Subtotal", "SUBTOTAL", "Sum")
    _payment(draft, lines.add_tax_and_total(draft, subtotal))
    draft.notes.append(draft.pick((
        "Thank you for shopping with us!", "Exchange within 14 days with this receipt.", "Have a nice day",
        "Please come again", "Keep this slip for your records",
    )))  # fmt: skip
    return draft.finish(draft.pick(TITLES))


def _shop(draft: Draft) -> str:
    country, stream = draft.country, draft.stream
    place, name = people.address(country, stream), people.shop(country, stream)
    draft.add("shop", name)
    draft.add("shop_street", place.street)
    draft.add("shop_town", place.line)
    draft.add("shop_phone", fill(country.phone, stream), "Tel", "Phone", "Tel.")
    draft.add("date", draft.day(draft.some_day()), "Date", "DATE")
    draft.add("time", f"{stream.randint(8, 21):02d}:{stream.randrange(60):02d}", "Time", "TIME")
    draft.add(
        "receipt_number", fill(draft.pick(("######", "###-####", "@##-#####")), stream), "Receipt no.", "Trans",
        "Slip #",
    )  # fmt: skip
    draft.add("cashier", draft.country.choose("given", stream), "Cashier", "Served by", "Clerk")
    draft.add("till", str(stream.randint(1, 18)), "Till", "Register", "POS")
    draft.ask(
        "entity", "shop", "In which shop was this bought?", "What is the name of the store?", "Who issued the receipt?",
        "Name the business where the customer paid.", "At what shop did the purchase take place?",
    )  # fmt: skip
    draft.ask(
        "entity", "shop_street", "On which street is the shop?", "Where is the store, by street and number?",
        "What street address is printed under the shop's name?", "Give the street address of {shop}.", shop=name,
    )  # fmt: skip
    draft.ask(
        "lookup", "date", "On what date was the purchase made?", "When did the customer pay?",
        "What is the date of the receipt?", "Which day was this bought?", "Give the date of the sale.",
    )  # fmt: skip
    draft.ask(
        "lookup", "time", "At what time was the receipt printed?", "What time of day is on the receipt?",
        "When, by the clock, was the purchase made?", "Give the time of the sale.",
    )  # fmt: skip
    draft.ask(
        "lookup", "receipt_number", "What is the number of the receipt?", "Which transaction number was printed?",
        "Give the receipt number.", "Under what number is the sale recorded?",
    )  # fmt: skip
    draft.ask(
        "entity", "cashier", "Who was at the till?", "Which cashier served the customer?",
        "Name the person who rang up the sale.", "By whom was the customer served?",
    )  # fmt: skip
    return name


def _payment(draft: Draft, total: int) -> None:
    if draft.chance(0.5):
        card = fill(draft.pick(("**** **** **** ####", "xxxx-xxxx-xxxx-####", "************####")), draft.stream)
        draft.add("paid_by", draft.pick(("CARD", "DEBIT CARD", "CREDIT CARD")), "Paid by", "Payment", "Tender")
        draft.add("card", card, "Card no.", "Card", "Acct")
        draft.ask(
            "lookup", "card", "What card number, partly hidden, is shown?", "Give the masked card number.",
            "With which card was it paid, as printed?", "How does the receipt print the number of the card?",
        )  # fmt: skip
        return
    step = 10 ** max(money.decimals(draft.currency) + 1, len(str(total)) - 2)
    tendered = -(-total // step) * step
    draft.add("paid_by", "CASH", "Paid by", "Payment", "Tender")
    draft.add("tendered", draft.cash(tendered), "Cash given", "Tendered", "Received")
    draft.add("change", draft.cash(tendered - total), "Change", "CHANGE", "Change due")
    draft.ask(
        "contrast", "tendered", "How much cash did the customer hand over?", "What sum was given to the cashier?",
        "How much money was tendered, before change?", "What amount of cash was received?",
    )  # fmt: skip
    draft.ask(
        "contrast", "change", "How much change was given back?", "What did the customer get back?",
        "What is the change?", "Which amount was returned to the customer?",
    )  # fmt: skip
