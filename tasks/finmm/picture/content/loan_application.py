"""Loan applications: who borrows how much, what they earn, own and owe."""

from __future__ import annotations

from datetime import timedelta

from tasks.finmm.picture import money
from tasks.finmm.picture.document import Document
from tasks.finmm.picture.draft import Draft, Printed
from tasks.finmm.picture.world import people
from tasks.finmm.picture.world.country import fill

N_LAYOUTS = 3
TITLES = (
    "LOAN APPLICATION",
    "Personal Loan Application",
    "Application for Credit",
    "Consumer Loan Request",
    "Mortgage and Loan Application",
)
_PURPOSES = (
    "Used car|Home renovation|Debt consolidation|Medical expenses|Wedding|New kitchen|University fees|"
    "Small business stock|"
    "Solar panels|Motorcycle|Furniture|Farm equipment|House purchase"
)
_JOBS = (
    "Teacher|Carpenter|Nurse|Bank clerk|Taxi driver|Architect|Shop owner|Civil servant|Mechanic|Pharmacist|"
    "Tailor|Journalist"
)


def instalment(minor: int, yearly_percent: float, months: int) -> int:
    """The level monthly payment of a loan, in minor units.

    >>> instalment(1200000, 6.0, 12)
    103280
    """
    rate = yearly_percent / 1200
    return round(minor * rate / (1 - (1 + rate) ** -months))


def write(draft: Draft) -> Document:
    """One application."""
    draft.dress(("A4", "letter"), N_LAYOUTS, hand=0.4)
    _applicant(draft)
    _loan(draft)
    _means(draft)
    draft.notes.append(draft.pick((
        "I certify that the information given is correct.", "Approval is subject to a credit check.",
        "By signing I allow the lender to verify my details.",
    )))  # fmt: skip
    return draft.finish(draft.pick(TITLES))


def _applicant(draft: Draft) -> None:
    country, stream = draft.country, draft.stream
    name, home = people.person(country, stream), people.address(country, stream)
    day = draft.some_day()
    draft.add("lender", people.bank(country, stream))
    draft.add(
        "application_number", fill(draft.pick(("LA-#####", "#######", "@##/####")), stream), "Application no.",
        "Reference", "File no.",
    )  # fmt: skip
    draft.add("application_date", draft.day(day), "Date of application", "Application date", "Date")
    draft.add("applicant", name, "Applicant", "Full name", "Name of applicant", "Borrower")
    draft.add(
        "birth_date", draft.day(day - timedelta(stream.randint(22 * 365, 64 * 365))), "Date of birth", "Born on",
        "Birth date",
    )  # fmt: skip
    draft.add("applicant_street", home.street, "Home address", "Street address")
    draft.add("applicant_town", home.line, "Postcode and town", "City")
    draft.add("applicant_phone", fill(country.phone, stream), "Phone", "Telephone")
    draft.add("job", draft.pick(_JOBS.split("|")), "Occupation", "Profession")
    draft.add("employer", people.company(country, stream), "Employer", "Employed by")
    draft.add("officer", people.person(country, stream), "Loan officer", "Handled by", "Adviser")
    _ask_applicant(draft, name)
    if draft.chance(0.3):
        draft.add_stamp(("RECEIVED", "APPROVED", "UNDER REVIEW", "DECLINED"), day + timedelta(stream.randint(0, 14)))


def _ask_applicant(draft: Draft, name: str) -> None:
    draft.ask(
        "entity", "applicant", "Who applies for the loan?", "Name the applicant.",
        "Which person wants to borrow money?", "Who is the borrower?",
    )  # fmt: skip
    draft.ask(
        "entity", "lender", "To which bank is the application made?", "Who is the lender?",
        "Name the institution asked for a loan.", "From whom does {name} want to borrow?", name=name,
    )  # fmt: skip
    draft.ask(
        "contrast", "application_date", "When was the application made?", "What is the date of the application?",
        "On which day did the applicant apply?", "Give the application date, not the birth date.",
    )  # fmt: skip
    draft.ask(
        "contrast", "birth_date", "When was the applicant born?", "What is {name}'s date of birth?",
        "Give the birth date.", "On which day was {name} born?", name=name,
    )  # fmt: skip
    draft.ask(
        "lookup", "application_number", "What is the reference of the application?",
        "Under which number is the application filed?", "Give the application number.",
        "Which number identifies the request?",
    )  # fmt: skip
    draft.ask(
        "entity", "employer", "Who employs the applicant?", "For which company does {name} work?",
        "Name the applicant's employer.", "Where is {name} employed?", name=name,
    )  # fmt: skip
    draft.ask(
        "lookup", "job", "What does the applicant do for a living?", "Which occupation is stated?",
        "What is {name}'s profession?", "As what does {name} work?", name=name,
    )  # fmt: skip
    draft.ask(
        "entity", "officer", "Who at the lender handles the application?", "Name the loan officer.",
        "Which adviser is named?", "By whom is the request being handled?",
    )  # fmt: skip
    draft.ask(
        "entity", "applicant_street", "At which street address does {name} live?",
        "What is the applicant's street and number?", "Where does the borrower live, by street?",
        "Give the home address line with the street.", name=name,
    )  # fmt: skip


def _loan(draft: Draft) -> None:
    stream = draft.stream
    step = 10 ** (money.decimals(draft.currency) + 2) * max(1, round(money.CURRENCIES[draft.currency][2]))
    amount = stream.randint(10, 400) * step
    months = draft.pick((12, 18, 24, 36, 48, 60, 72, 84, 120))
    percent = round(stream.uniform(3.1, 14.9), draft.pick((1, 2)))
    point = "," if draft.country.number_format in ("1.234,56", "1 234,56") else "."
    rate = f"{percent}".replace(".", point)
    draft.add("amount", draft.cash(amount), "Loan amount", "Amount requested", "Sum requested")
    draft.add("term", Printed(f"{months} months", (str(months),)), "Term", "Repayment period", "Duration")
    draft.add(
        "rate", Printed(f"{rate} %", (f"{rate}%", rate, f"{percent}%")), "Interest rate", "Annual rate", "Rate p.a.",
    )  # fmt: skip
    draft.add(
        "instalment", draft.cash(instalment(amount, percent, months)), "Monthly instalment", "Monthly payment",
        "Instalment",
    )  # fmt: skip
    draft.add("purpose", draft.pick(_PURPOSES.split("|")), "Purpose", "Purpose of loan", "Use of funds")
    draft.ask(
        "contrast", "amount", "How much does the applicant want to borrow?", "What loan amount is requested?",
        "Which sum is asked for?", "Give the amount of the loan, not the instalment.",
    )  # fmt: skip
    draft.ask(
        "lookup", "term", "Over what term will the loan be paid back?", "How long does repayment take?",
        "For how many months does the loan run?", "Give the term.",
    )  # fmt: skip
    draft.ask(
        "lookup", "rate", "What interest rate applies?", "At which yearly rate is the loan offered?",
        "How much interest is charged, in per cent?", "Give the rate of interest.",
    )  # fmt: skip
    draft.ask(
        "contrast", "instalment", "How much is to be paid back each month?", "What is the monthly instalment?",
        "Which sum falls due every month?", "Give the monthly payment.",
    )  # fmt: skip
    draft.ask(
        "lookup", "purpose", "What is the money for?", "For which purpose is the loan wanted?",
        "What will be bought or paid with the loan?", "Give the purpose of the loan.",
    )  # fmt: skip


def _means(draft: Draft) -> None:
    stream = draft.stream
    income, other = draft.units(stream.uniform(1500, 6000)), draft.units(stream.uniform(50, 700))
    spent = int((income + other) * stream.uniform(0.35, 0.8))
    owned = draft.units(stream.uniform(6000, 150000))
    owed = int(owned * stream.uniform(0.05, 0.7))
    sums = {
        "income": (income, ("Monthly net income", "Net salary", "Income from work")),
        "other_income": (other, ("Other income", "Additional income")),
        "total_income": (income + other, ("Total income", "Total monthly income")),
        "expenses": (spent, ("Monthly expenses", "Living costs")),
        "disposable": (income + other - spent, ("Disposable income", "Left each month")),
        "assets": (owned, ("Total assets", "Assets")),
        "debts": (owed, ("Total debts", "Liabilities", "Outstanding debts")),
        "net_worth": (owned - owed, ("Net worth", "Assets less debts")),
    }
    for name, (minor, labels) in sums.items():
        draft.add(name, draft.cash(minor), *labels)
    draft.ask(
        "contrast", "income", "What does the applicant earn a month, without other income?",
        "How high is the income from work?", "Give the monthly salary.", "What pay comes in each month?",
    )  # fmt: skip
    draft.ask(
        "contrast", "total_income", "What is the total monthly income?",
        "How much comes in each month from all sources?", "What do salary and other income add up to?",
        "Give the income in all.",
    )  # fmt: skip
    draft.ask(
        "lookup", "expenses", "How much does the applicant spend a month?", "What are the monthly outgoings?",
        "Which costs of living are stated?", "Give the monthly expenses.",
    )  # fmt: skip
    draft.ask(
        "contrast", "disposable", "How much is left each month after expenses?", "What is the disposable income?",
        "After living costs, what remains?", "Give the sum left over each month.",
    )  # fmt: skip
    draft.ask(
        "contrast", "debts", "How much does the applicant already owe?", "What are the debts in all?",
        "Which amount of debt is declared?", "Give the outstanding debts.",
    )  # fmt: skip
    draft.ask(
        "contrast", "net_worth", "What is left of the assets after debts?", "What is the applicant's net worth?",
        "How much is the person worth, debts taken off?", "Give the net worth.",
    )  # fmt: skip
