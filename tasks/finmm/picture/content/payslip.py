"""Payslips: earnings, deductions and what is paid out."""

from __future__ import annotations

from calendar import monthrange
from datetime import date

from tasks.finmm.picture import money
from tasks.finmm.picture.document import Column, Document
from tasks.finmm.picture.draft import Draft, Printed
from tasks.finmm.picture.world import goods, people
from tasks.finmm.picture.world.country import fill

N_LAYOUTS = 3
TITLES = ("PAYSLIP", "Pay Slip", "Salary Statement", "Earnings Statement", "Wage Slip")
_JOBS = (
    "Warehouse clerk|Sales assistant|Site engineer|Staff nurse|Bus driver|Payroll officer|Machine operator|"
    "Head chef|Accountant|"
    "Lab technician|Software tester|Security guard|Product manager|Electrician|Receptionist|Data analyst|"
    "Graphic designer"
)
_DEPARTMENTS = (
    "Finance|Operations|Production|Logistics|Sales|Customer care|Research|Maintenance|Human resources|Kitchen"
)
_EXTRAS = (
    "Overtime|Night shift bonus|Transport allowance|Meal allowance|Commission|Housing allowance|Holiday pay|"
    "Performance bonus"
)
# the number is the most that is taken, in per cent of the gross pay
_DEDUCTIONS = goods.priced(
    "Income tax 24|Social security 10|Pension contribution 8|Health insurance 7|Union dues 1.5|"
    "Unemployment insurance 3|"
    "Staff loan 6|Canteen 2|Parking 1.5|Savings plan 5"
)


def write(draft: Draft) -> Document:
    """One month's payslip."""
    draft.dress(("A4", "letter", "A5", "A5"), N_LAYOUTS)
    _people(draft)
    day = draft.some_day()
    last = date(day.year, day.month, monthrange(day.year, day.month)[1])
    month = f"{money.MONTHS[day.month - 1]} {day.year}"
    draft.add("period", month, "Pay period", "Month", "Period", "Salary for")
    draft.add(
        "pay_date", draft.day(last.replace(day=draft.stream.randint(24, last.day))), "Pay date", "Paid on",
        "Date of payment",
    )  # fmt: skip
    draft.ask(
        "contrast", "period", "For which month is the pay?", "What pay period does the slip cover?",
        "Which month's salary is this?", "Give the period of the pay.",
    )  # fmt: skip
    draft.ask(
        "contrast", "pay_date", "On what day was the salary paid?", "What is the pay date?",
        "When was the money paid out?", "Give the date of payment, not the period.",
    )  # fmt: skip
    _sums(draft)
    draft.notes.append(draft.pick((
        "Confidential. Please keep for your records.", "Questions? Ask your payroll office.", "Computer generated.",
    )))  # fmt: skip
    return draft.finish(draft.pick(TITLES))


def _people(draft: Draft) -> None:
    country, stream = draft.country, draft.stream
    employer, name = people.company(country, stream), people.person(country, stream)
    place = people.address(country, stream)
    draft.add("employer", employer, "Employer", "Company")
    draft.add("employer_street", place.street)
    draft.add("employer_town", place.line)
    draft.add("employee", name, "Employee", "Name", "Employee name")
    draft.add(
        "employee_id", fill(draft.pick(("E-####", "######", "@@###", "00####")), stream), "Employee ID", "Staff no.",
        "Personnel no.",
    )  # fmt: skip
    draft.add("job", draft.pick(_JOBS.split("|")), "Position", "Job title", "Occupation")
    draft.add("department", draft.pick(_DEPARTMENTS.split("|")), "Department", "Dept.", "Cost centre")
    draft.add("account", fill(country.account, stream), "Paid into", "Bank account", "Account")
    draft.ask(
        "entity", "employee", "Who receives this pay?", "Name the employee.", "Whose payslip is this?",
        "For which employee was the slip made?",
    )  # fmt: skip
    draft.ask(
        "entity", "employer", "Who is the employer?", "Which company pays the salary?", "For whom does {name} work?",
        "Name the firm that issued the slip.", name=name,
    )  # fmt: skip
    draft.ask(
        "lookup", "employee_id", "What is the employee's staff number?", "Which number identifies the employee?",
        "Give the personnel number of {name}.", "Under what ID is {name} on the payroll?", name=name,
    )  # fmt: skip
    draft.ask(
        "lookup", "job", "What is the job of {name}?", "Which position does the employee hold?",
        "As what is the person employed?", "Give the employee's job title.", name=name,
    )  # fmt: skip
    draft.ask(
        "lookup", "department", "In which department does {name} work?", "What department is named?",
        "To which part of the company does the employee belong?", "Name the department.", name=name,
    )  # fmt: skip
    draft.ask(
        "lookup", "account", "Into which account is the pay sent?", "What bank account receives the salary?",
        "Give the account number that the net pay goes to.", "Where, by account number, is the money paid?",
    )  # fmt: skip


def _sums(draft: Draft) -> None:
    stream = draft.stream
    base = draft.units(stream.uniform(1200, 5200))
    extras = stream.sample(_EXTRAS.split("|"), stream.randint(1, 4))
    earned = [(draft.pick(("Basic salary", "Base pay", "Monthly salary")), base)]
    earned += [(name, max(1, int(base * stream.uniform(0.02, 0.12)))) for name in extras]
    gross = sum(amount for _, amount in earned)
    chosen = stream.sample(_DEDUCTIONS, stream.randint(2, 5))
    taken = [(name, max(1, int(gross * most * stream.uniform(0.004, 0.01)))) for name, most in chosen]
    off = sum(amount for _, amount in taken)
    for name, entries in (("earnings", earned), ("deductions", taken)):
        heading = Column("name", name.capitalize()), Column("amount", draft.pick(("Amount", draft.currency)), "right")
        rows: list[list[Printed | str]] = [[entry, draft.bare(amount)] for entry, amount in entries]
        draft.add_table(name, heading, rows)
    draft.add("gross", draft.cash(gross), "Gross pay", "Total earnings", "Gross salary")
    draft.add("total_deductions", draft.cash(off), "Total deductions", "Deductions")
    draft.add("net", draft.cash(gross - off), "Net pay", "NET PAY", "Take-home pay", "Amount paid")
    _ask_sums(draft, len(earned), len(taken))


def _ask_sums(draft: Draft, n_earned: int, n_taken: int) -> None:
    draft.ask(
        "contrast", "gross", "What is the pay before anything is taken off?", "How high is the gross pay?",
        "What do all earnings add up to?", "Give the gross amount, not the net one.",
    )  # fmt: skip
    draft.ask(
        "contrast", "net", "How much does the employee actually get?", "What is the take-home pay?",
        "What is paid out after deductions?", "Give the net pay.", "Which sum reaches the bank account?",
    )  # fmt: skip
    draft.ask(
        "contrast", "total_deductions", "How much is deducted in all?", "What do the deductions add up to?",
        "Which total is taken off the gross pay?", "What is the sum of all deductions?",
    )  # fmt: skip
    for table, n in (("earnings", n_earned), ("deductions", n_taken)):
        number = draft.stream.randint(1, n)
        entry = next(part for part in draft.tables if part.name == table).rows[number - 1][0]
        verb = "paid as" if table == "earnings" else "deducted for"
        draft.ask(
            "item", (f"{table}_{number}_amount", f"{table}_{number}_name"), "How much is {verb} {entry}?",
            'What amount stands next to "{entry}"?', "What is the amount of {entry}?", "Give the figure for {entry}.",
            entry=entry.lower(), verb=verb,
        )  # fmt: skip
