"""Bank statements: an account, its movements and running balances."""

from __future__ import annotations

from datetime import date, timedelta

from tasks.finmm.picture.document import Column, Document
from tasks.finmm.picture.draft import Draft, Printed
from tasks.finmm.picture.world import people
from tasks.finmm.picture.world.country import fill

N_LAYOUTS = 3
TITLES = ("Account Statement", "STATEMENT OF ACCOUNT", "Bank Statement", "Current Account Statement", "Your Statement")
_OUT = (
    "Card payment {shop}|Direct debit {insurer}|Rent {person}|Transfer to {person}|Cash withdrawal {town}|"
    "Standing order {company}|Card payment {shop}|Electricity {company}|Mobile phone {company}|Monthly account fee"
)
_IN = "Salary {company}|Transfer from {person}|Refund {shop}|Deposit {town} branch|Dividend {company}|Credit interest"


def write(draft: Draft) -> Document:
    """One statement."""
    draft.dress(("A4", "A4", "letter"), N_LAYOUTS)
    _account(draft)
    start = draft.some_day().replace(day=1)
    end = (start + timedelta(31)).replace(day=1) - timedelta(1)
    draft.add("statement_number", f"{start.month}/{start.year}", "Statement no.", "Sheet", "Number")
    draft.add("period_start", draft.day(start), "From", "Period from", "Statement from")
    draft.add("period_end", draft.day(end), "To", "Until", "Statement to")
    _movements(draft, start, (end - start).days)
    draft.ask(
        "contrast", "period_end", "On what day does the statement period end?",
        "Up to which date does the statement run?", "What is the last day covered?",
        "Give the closing date of the period.",
    )  # fmt: skip
    draft.ask(
        "contrast", "period_start", "From which date on are movements listed?", "When does the statement period begin?",
        "What is the first day covered by the statement?", "Give the opening date of the period.",
    )  # fmt: skip
    draft.notes.append(draft.pick((
        "Please check this statement and tell us of any error within 30 days.",
        "Deposits are protected up to the statutory limit.", "This statement was produced without signature.",
    )))  # fmt: skip
    return draft.finish(draft.pick(TITLES))


def _account(draft: Draft) -> None:
    country, stream = draft.country, draft.stream
    bank, holder = people.bank(country, stream), people.person(country, stream)
    if draft.chance(0.3):
        holder = people.company(country, stream)
    place = people.address(country, stream)
    draft.add("bank", bank)
    draft.add("branch", place.town, "Branch", "Branch office")
    home = people.address(country, stream)
    draft.add("holder", holder, "Account holder", "Account name", "Customer")
    draft.add("holder_street", home.street)
    draft.add("holder_town", home.line)
    draft.add("account", fill(country.account, stream), "Account number", "Account no.", "Account")
    draft.ask(
        "entity", "bank", "Which bank sent the statement?", "What is the name of the bank?",
        "Name the bank that keeps the account.", "By which bank was this issued?",
    )  # fmt: skip
    draft.ask(
        "entity", "holder", "Who holds the account?", "In whose name is the account?", "Name the account holder.",
        "Whose statement is this?", "To whom does the account belong?",
    )  # fmt: skip
    draft.ask(
        "lookup", "account", "What is the account number?", "Which account does the statement cover?",
        "Give the number of {holder}'s account.", "Under what number is the account kept?", holder=holder,
    )  # fmt: skip
    draft.ask(
        "entity", "branch", "Which branch looks after the account?", "At what branch is the account kept?",
        "Where is the branch of {bank}?", "Name the branch.", bank=bank,
    )  # fmt: skip


def _text(draft: Draft, pattern: str) -> str:
    country, stream = draft.country, draft.stream
    return pattern.format(
        shop=people.shop(country, stream), insurer=people.insurer(stream), person=people.person(country, stream),
        town=people.town_name(country.choose("towns", stream)), company=people.company(country, stream),
    )  # fmt: skip


def _movements(draft: Draft, start: date, days: int) -> None:
    stream = draft.stream
    balance = opening = draft.units(stream.uniform(300, 6000))
    rows: list[list[Printed | str]] = []
    paid_out = paid_in = 0
    seen: set[str] = set()
    for offset in sorted(stream.sample(range(days + 1), stream.randint(7, 19))):
        going_out = stream.random() < 0.7
        text = _text(draft, draft.pick((_OUT if going_out else _IN).split("|")))
        amount = draft.units(stream.uniform(4, 380) if going_out else stream.uniform(20, 2400))
        if text in seen or (going_out and amount > balance):
            continue
        seen.add(text)
        balance += -amount if going_out else amount
        paid_out, paid_in = paid_out + amount * going_out, paid_in + amount * (not going_out)
        cells = (draft.bare(amount), "") if going_out else ("", draft.bare(amount))
        rows.append([draft.day(start + timedelta(offset)), text, *cells, draft.bare(balance)])
    columns = (
        Column("date", "Date"), Column("text", draft.pick(("Details", "Description", "Transaction"))),
        Column("out", draft.pick(("Paid out", "Debit", "Withdrawals")), "right"),
        Column("in", draft.pick(("Paid in", "Credit", "Deposits")), "right"), Column("balance", "Balance", "right"),
    )  # fmt: skip
    draft.add_table("moves", columns, rows)
    draft.add("opening_balance", draft.cash(opening), "Opening balance", "Balance brought forward", "Previous balance")
    draft.add("total_out", draft.cash(paid_out), "Total paid out", "Total debits", "Payments out")
    draft.add("total_in", draft.cash(paid_in), "Total paid in", "Total credits", "Payments in")
    draft.add("closing_balance", draft.cash(balance), "Closing balance", "Balance carried forward", "New balance")
    _ask_sums(draft, balance > opening)
    _ask_move(draft)


def _ask_sums(draft: Draft, risen: bool) -> None:
    draft.ask(
        "contrast", "opening_balance", "What was on the account at the start of the period?",
        "What is the opening balance?", "With what balance did the period begin?",
        "Which balance was brought over from before?",
    )  # fmt: skip
    draft.ask(
        "contrast", "closing_balance", "What is the balance at the end of the period?",
        "How much is left on the account at the end?", "With which balance does the statement close?",
        "What is the closing balance?",
    )  # fmt: skip
    draft.ask(
        "contrast", "total_out", "How much went out in all?", "What do all payments out of the account add up to?",
        "What is the sum of the debits?", "What total left the account during the period?",
    )  # fmt: skip
    draft.ask(
        "contrast", "total_in", "How much came in during the period?", "What is the sum of the credits?",
        "What do all deposits add up to?", "What total was paid into the account?",
    )  # fmt: skip
    draft.ask_for(
        ("yes",) if risen else ("no",), "compare", ("closing_balance", "opening_balance"),
        "Did the balance rise over the period, yes or no?", "Is the closing balance above the opening one, yes or no?",
        "Was there more money on the account at the end than at the start? Answer yes or no.",
        "Yes or no: has the balance grown?",
    )  # fmt: skip


def _ask_move(draft: Draft) -> None:
    rows = draft.tables[0].rows
    number = draft.stream.randrange(len(rows)) + 1
    day, text, out, _, _ = rows[number - 1]
    here = f"moves_{number}"
    amount = f"{here}_out" if out else f"{here}_in"
    draft.ask(
        "item", (amount, f"{here}_text"), 'What is the amount of the entry "{text}"?',
        'How much was moved with "{text}"?', "Which amount was booked as {text}?",
        'What sum belongs to the transaction "{text}"?', text=text,
    )  # fmt: skip
    draft.ask(
        "item", (f"{here}_date", f"{here}_text"), 'On which date was "{text}" booked?',
        'When did the entry "{text}" take place?', "What is the date of the transaction {text}?",
        'Which day belongs to the line "{text}"?', text=text,
    )  # fmt: skip
    draft.ask(
        "item", (f"{here}_balance", f"{here}_text"), 'What was the balance after "{text}"?',
        'Once "{text}" was booked, how much was left?', "Which running balance stands in the line {text}?",
        'What did the account hold right after "{text}"?', text=text,
    )  # fmt: skip
    if sum(row[0] == day for row in rows) == 1:
        draft.ask(
            "item", (f"{here}_text", f"{here}_date"), "Which transaction was booked on {day}?",
            "What happened on the account on {day}?", "How is the entry of {day} described?",
            "What is the description of the movement dated {day}?", day=day,
        )  # fmt: skip
