"""Banking77: which of 77 intents a customer's question to a bank has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from bench.data.files import beside, read_json, read_text
from bench.errors import BenchError
from bench.metrics.classification import single_label
from bench.metrics.metric import AnyMetric
from bench.task import Card
from bench.text.rows import cells
from bench.types import Example
from tasks.labels import LabelTask, mixed

# In the order of categories.json; here, so that scores and prompts are the same whether that file is at hand or not.
LABELS = tuple(
    """
    card_arrival card_linking exchange_rate card_payment_wrong_exchange_rate extra_charge_on_statement
    pending_cash_withdrawal fiat_currency_support card_delivery_estimate automatic_top_up card_not_working
    exchange_via_app lost_or_stolen_card age_limit pin_blocked contactless_not_working
    top_up_by_bank_transfer_charge pending_top_up cancel_transfer top_up_limits wrong_amount_of_cash_received
    card_payment_fee_charged transfer_not_received_by_recipient supported_cards_and_currencies getting_virtual_card
    card_acceptance top_up_reverted balance_not_updated_after_cheque_or_cash_deposit card_payment_not_recognised
    edit_personal_details why_verify_identity unable_to_verify_identity get_physical_card visa_or_mastercard
    topping_up_by_card disposable_card_limits compromised_card atm_support direct_debit_payment_not_recognised
    passcode_forgotten declined_cash_withdrawal pending_card_payment lost_or_stolen_phone request_refund
    declined_transfer Refund_not_showing_up declined_card_payment pending_transfer terminate_account card_swallowed
    transaction_charged_twice verify_source_of_funds transfer_timing reverted_card_payment? change_pin
    beneficiary_not_allowed transfer_fee_charged receiving_money failed_transfer transfer_into_account verify_top_up
    getting_spare_card top_up_by_cash_or_cheque order_physical_card virtual_card_not_working
    wrong_exchange_rate_for_cash_withdrawal get_disposable_virtual_card top_up_failed
    balance_not_updated_after_bank_transfer cash_withdrawal_not_recognised exchange_charge top_up_by_card_charge
    activate_my_card cash_withdrawal_charge card_about_to_expire apple_pay_or_google_pay verify_my_identity
    country_support
    """.split()
)


class Banking77(LabelTask):
    """Intents of customers' questions to an online bank."""

    name, version, labels = "banking77", 1, LABELS
    metrics: ClassVar[tuple[AnyMetric, ...]] = single_label(LABELS)
    instruction = "Say what the customer of a bank wants."
    card = Card(
        title="Banking77",
        source="https://github.com/PolyAI-LDN/task-specific-datasets (banking_data)",
        revision="pinned in bench.lock at the first fetch",
        licence="CC BY 4.0",
        split="test (test.csv; ids are test-0, test-1, … by row)",
        n_examples=3_080,
        language="en",
        chance=(0.007, 0.02),
        scenario="operations",
        cluster="question",
        citation="Casanueva et al. 2020, Efficient Intent Detection with Dual Sentence Encoders (NLP for ConvAI at ACL)",
        references={"BERT, fine-tuned (paper)": 0.9366, "USE + ConveRT (paper)": 0.9336},
    )

    def examples(self) -> Sequence[Example]:
        """The questions of test.csv, which is sorted by label, in a fixed mixed order."""
        return self.data.read(lambda path: mixed(questions(path)))

    def training(self) -> Sequence[Example]:
        """The questions of train.csv, where it lies beside test.csv."""
        path = beside(self.data.here(), "train.csv")
        return questions(path) if path else ()

    def problems(self) -> Iterator[str]:
        """The number of examples, and categories.json, if it is there, against the 77 labels."""
        yield from super().problems()
        path = beside(self.data.here(), "categories.json")
        found = read_json(path) if path else list(LABELS)
        if not isinstance(found, list) or sorted(map(str, found)) != sorted(LABELS):
            yield f"{path}: does not hold the {len(LABELS)} labels of Banking77"


def questions(path: Path) -> list[Example]:
    """The rows `text,category` of a CSV file with a header, or `text` alone; ids are the file's name and the row from 0."""
    rows = cells(read_text(path), path)  # a text may hold line breaks
    found: list[Example] = []
    if (header := next(rows, (1, []))[1]) not in (["text", "category"], ["text"]):
        raise BenchError(f"{path} line 1: found {','.join(header)[:200]!r}, expected the header text,category")
    for line, row in rows:
        where = f"{path} line {line}"
        if len(row) != len(header) or not row[0].strip():
            raise BenchError(
                f"{where}: found {str(row)[:200]}, expected {','.join(header)}; bring the official file again"
            )
        label = row[1] if len(row) == 2 else None
        if label is not None and label not in LABELS:
            raise BenchError(
                f"{where}: {label[:80]!r} is not one of the {len(LABELS)} labels; bring the official file again"
            )
        name = f"{path.stem}-{len(found)}"
        found.append(Example(name, {"text": row[0].strip()}, label, name))
    return found
