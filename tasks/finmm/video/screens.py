"""What is done on a banking or trading screen: the figures before and after, where things stand, and what may be asked."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from random import Random

from tasks.finmm.video.clip import Clip, Question

KINDS = ("transfer", "order", "exchange")
_BANKS = ("Harbour Bank", "Linden Savings", "Northgate Bank", "Crestline", "Union of Tarn", "Palm & Reed Bank")
_BROKERS = ("Brightdesk", "Tidewater Trading", "Quayside Markets", "Elmfolio")
_PEOPLE = (
    "Amara Okafor", "Jonas Weber", "Li Na Tan", "Rosa Delgado", "Priya Nair", "Tomas Novak", "Fatima Haddad", "Kofi Mensah",
    "Ingrid Solberg", "Marek Zielinski", "Aroha Ngata", "Diego Fuentes", "Sana Qureshi", "Peter Okello", "Clara Moreau",
)  # fmt: skip
_ACCOUNTS = ("Everyday", "Savings", "Holiday pot", "Business", "Household", "Rainy day", "School fees", "Tax reserve")
_FOR = (
    "Rent May",
    "School fees",
    "Invoice 2218",
    "Car repair",
    "Dues 2025",
    "Wedding gift",
    "Deposit flat",
    "Timber order",
)
_SYMBOLS = (
    ("HLND", "Holund Ferries"), ("TRVO", "Trevo Foods"), ("QNTA", "Quanta Mills"), ("BRSK", "Brisk Energy"),
    ("OLMR", "Olmar Steel"),
    ("VENT", "Ventra Air"), ("PLXA", "Plexa Health"), ("DORN", "Dorn Paper"), ("KESA", "Kesa Motors"), ("LUMI", "Lumi Glass"),
)  # fmt: skip
_CURRENCIES = {
    "EUR": "1.00",
    "USD": "1.08",
    "GBP": "0.85",
    "CHF": "0.96",
    "SGD": "1.45",
    "AUD": "1.64",
    "CAD": "1.48",
    "NZD": "1.79",
}
_SAID = {
    "transfer": ("I am sending the money now.", "Watch, I fill in the form and press send.", "This is how I made the payment."),
    "order": ("I am buying the shares now.", "Watch how the order goes through.", "I enter the quantity, and then I buy."),
    "exchange": ("I am changing the money now.", "I convert it, and the new balance comes up.", "This is how I change currency."),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Screen:
    """A recorded screen: `rows` are (name, detail, figure before, figure after), `form` (label, value) as it is typed."""

    kind: str
    name: str
    currency: str
    rows: tuple[tuple[str, str, str, str], ...]
    form: tuple[tuple[str, str], ...]
    button: str
    done: tuple[str, ...]  # the lines that come up when it is done
    dark: bool
    accent: int


def money(value: Decimal) -> str:
    """An amount as a screen shows it.

    >>> money(Decimal("1234.5"))
    '1,234.50'
    """
    return f"{value:,.2f}"


def make_screen(seed: int, index: int, number: int) -> Clip:
    """Recording number `number` of a seed; the kinds take turns."""
    key = f"finmm-screen/{seed}/{number}"
    stream = Random(key)
    kind = KINDS[number % len(KINDS)]
    screen, asked = _WRITERS[kind](stream)
    chosen = sorted(stream.sample(range(len(asked)), 3))
    questions = tuple(
        Question(f"finmm-clip-{seed}-{index}-{i}", *asked[which]) for i, which in enumerate(chosen, start=1)
    )
    return Clip(
        seed, index, "screen", f"finmm-{seed}-s{number:04}", "utterance_1", stream.choice(_SAID[kind]), stream.randrange(1_000), "",
        questions=questions, shown={"screen": screen},
    )  # fmt: skip


Asked = tuple[str, str, tuple[str, ...], str]  # kind, question, answers, where on the screen


def _with_currency(figure: str, currency: str) -> tuple[str, ...]:
    return figure, f"{currency} {figure}", f"{figure} {currency}", figure.replace(",", "")


def _amount(stream: Random, low: int, high: int) -> Decimal:
    return Decimal(stream.randrange(low * 100, high * 100)) / 100


def _look(stream: Random) -> tuple[bool, int]:
    return stream.random() < 0.35, stream.randrange(5)


def _transfer(stream: Random) -> tuple[Screen, list[Asked]]:
    currency = stream.choice(("EUR", "USD", "GBP", "SGD", "AUD"))
    names = stream.sample(_ACCOUNTS, 3)
    before = [_amount(stream, 900, 19_000) for _ in names]
    source = stream.randrange(3)
    amount = _amount(stream, 20, 880)
    after = [value - amount if i == source else value for i, value in enumerate(before)]
    who, why, code = stream.choice(_PEOPLE), stream.choice(_FOR), f"TX-{stream.randrange(10_000, 99_999)}"
    rows = tuple(
        (name, f"···· {stream.randrange(1_000, 9_999)}", money(a), money(b))
        for name, a, b in zip(names, before, after, strict=True)
    )
    form = (("From", names[source]), ("To", who), ("Amount", money(amount)), ("Reference", why))
    screen = Screen(
        "transfer",
        stream.choice(_BANKS),
        currency,
        rows,
        form,
        "Send",
        ("Payment sent", f"Confirmation {code}"),
        *_look(stream),
    )
    other = (source + 1) % 3
    return screen, [
        (
            "after",
            f"What is the balance of the {names[source]} account after the transfer?",
            _with_currency(rows[source][3], currency),
            "row",
        ),
        (
            "before",
            f"What was the balance of the {names[source]} account before the transfer?",
            _with_currency(rows[source][2], currency),
            "row",
        ),
        ("typed", "How much is sent?", _with_currency(money(amount), currency), "form"),
        ("typed", "Who gets the money?", (who,), "form"),
        ("typed", "What reference is given for the payment?", (why,), "form"),
        ("message", "What is the confirmation number of the payment?", (code, f"Confirmation {code}"), "done"),
        (
            "unchanged",
            f"What is the balance of the {names[other]} account?",
            _with_currency(rows[other][3], currency),
            "row",
        ),
    ]


def _order(stream: Random) -> tuple[Screen, list[Asked]]:
    currency = stream.choice(("USD", "EUR", "GBP", "CAD"))
    chosen = stream.sample(_SYMBOLS, 4)
    prices = [_amount(stream, 4, 260) for _ in chosen]
    bought, n = stream.randrange(4), stream.randrange(5, 180)
    cost = prices[bought] * n
    cash = cost + _amount(stream, 300, 9_000)
    moved = [
        price if i == bought else price * (1 + Decimal(stream.randrange(-90, 91)) / 10_000)
        for i, price in enumerate(prices)
    ]
    rows = tuple((symbol, name, money(a), money(b)) for (symbol, name), a, b in zip(chosen, prices, moved, strict=True))
    code, (symbol, name) = f"Q{stream.randrange(100_000, 999_999)}", chosen[bought]
    form = (("Symbol", symbol), ("Quantity", str(n)), ("Limit", money(prices[bought])), ("Cash", money(cash)))
    done = (f"Bought {n} {symbol} at {money(prices[bought])}", f"Order {code}", f"Cash left {money(cash - cost)}")
    screen = Screen("order", stream.choice(_BROKERS), currency, rows, form, "Buy", done, *_look(stream))
    return screen, [
        ("after", "How much cash is left after the order?", _with_currency(money(cash - cost), currency), "done"),
        ("before", "How much cash was there before the order?", _with_currency(money(cash), currency), "form"),
        ("typed", "How many shares are bought?", (str(n), f"{n} shares"), "form"),
        (
            "unchanged",
            f"At what price are the {symbol} shares bought?",
            _with_currency(money(prices[bought]), currency),
            "row",
        ),
        ("message", "What is the number of the order?", (code, f"Order {code}"), "done"),
        ("typed", "Which symbol is bought?", (symbol, name), "form"),
        ("unchanged", f"What is the symbol of {chosen[(bought + 1) % 4][1]}?", (chosen[(bought + 1) % 4][0],), "row"),
    ]


def _exchange(stream: Random) -> tuple[Screen, list[Asked]]:
    given, got, third = stream.sample(sorted(_CURRENCIES), 3)
    rate = (
        Decimal(_CURRENCIES[got]) / Decimal(_CURRENCIES[given]) * (1 + Decimal(stream.randrange(-200, 200)) / 10_000)
    ).quantize(Decimal("0.0001"))
    amount = Decimal(stream.randrange(40, 900) * 5)
    changed = (amount * rate).quantize(Decimal("0.01"))
    before = [amount + _amount(stream, 100, 6_000), _amount(stream, 50, 4_000), _amount(stream, 50, 4_000)]
    after = [before[0] - amount, before[1] + changed, before[2]]
    rows = tuple((f"{one} wallet", f"{stream.randrange(100, 999)} {stream.randrange(100, 999)}", money(a), money(b))
                 for one, a, b in zip((given, got, third), before, after, strict=True))  # fmt: skip
    code = f"FX{stream.randrange(10_000, 99_999)}"
    form = (("Sell", given), ("Buy", got), ("Amount", money(amount)), ("Rate", str(rate)))
    done = (f"You get {money(changed)} {got}", f"Receipt {code}")
    screen = Screen("exchange", stream.choice(_BANKS), "", rows, form, "Convert", done, *_look(stream))
    return screen, [
        (
            "after",
            f"What is the balance of the {given} wallet after the exchange?",
            _with_currency(money(after[0]), given),
            "row",
        ),
        (
            "after",
            f"What is the balance of the {got} wallet after the exchange?",
            _with_currency(money(after[1]), got),
            "row",
        ),
        (
            "before",
            f"What was the balance of the {given} wallet before the exchange?",
            _with_currency(money(before[0]), given),
            "row",
        ),
        ("message", f"How much is the customer given in {got}?", _with_currency(money(changed), got), "done"),
        ("typed", "What is the rate of exchange?", (str(rate),), "form"),
        ("message", "What is the number of the receipt?", (code, f"Receipt {code}"), "done"),
        ("unchanged", f"What is the balance of the {third} wallet?", _with_currency(money(before[2]), third), "row"),
    ]


_WRITERS = {"transfer": _transfer, "order": _order, "exchange": _exchange}
