"""Insurance claims: a policy, a loss, what is claimed and what the excess leaves."""

from __future__ import annotations

from datetime import timedelta

from tasks.finmm.picture.document import Column, Document
from tasks.finmm.picture.draft import Draft, Printed
from tasks.finmm.picture.world import goods, people
from tasks.finmm.picture.world.country import fill

N_LAYOUTS = 3
TITLES = (
    "INSURANCE CLAIM FORM",
    "Claim Form",
    "Notice of Claim",
    "Claim Settlement Summary",
    "PROPERTY AND MOTOR CLAIM",
)
# what is insured, how it comes to harm; goods.LOSSES has what is lost
_THEMES = {
    "home": ("Household contents|Home building|Small business", "Burst water pipe|Theft|Fire|Storm damage|Hail|"
    "Flood|Burglary|"
             "Lightning strike|Vandalism|Power surge|Fallen tree"),
    "motor": ("Motor, comprehensive|Motor, third party|Company car", "Collision with parked car|Rear-end collision|"
    "Hail|Vandalism|"
              "Wild animal collision|Skidding on ice|Stone chip"),
    "travel": ("Travel|Travel, family|Luggage", "Lost luggage|Theft|Illness abroad|Flight cancelled|Hotel burglary"),
    "injury": ("Personal accident|Health, supplementary|Sports accident", "Fall on stairs|Bicycle accident|"
    "Skiing accident|Dog bite|"
               "Accident at work|Slip on wet floor"),
}  # fmt: skip


def write(draft: Draft) -> Document:
    """One claim."""
    draft.dress(("A4", "letter", "A4"), N_LAYOUTS, hand=0.3)
    theme = draft.pick(("home", "home", "motor", "motor", "travel", "injury"))
    _policy(draft, theme)
    _loss(draft, theme)
    _items(draft, theme)
    draft.notes.append(draft.pick((
        "I declare that the above is true and complete.", "False statements may void the policy.",
        "Please attach invoices, photographs and the police report.",
    )))  # fmt: skip
    return draft.finish(draft.pick(TITLES))


def _policy(draft: Draft, theme: str) -> None:
    country, stream = draft.country, draft.stream
    name, insurer = people.person(country, stream), people.insurer(stream)
    home = people.address(country, stream)
    draft.add("insurer", insurer)
    draft.add(
        "claim_number", fill(draft.pick(("CL-######", "####/##-@", "C########", "##-####-##")), stream), "Claim no.",
        "Claim number", "Our ref.",
    )  # fmt: skip
    draft.add(
        "policy_number", fill(draft.pick(("P#######", "@@@ ######", "###.###.###", "POL-#####-@")), stream),
        "Policy no.", "Policy number", "Policy",
    )  # fmt: skip
    draft.add("cover", draft.pick(_THEMES[theme][0].split("|")), "Type of cover", "Cover", "Class of insurance")
    draft.add("holder", name, "Policyholder", "Insured", "Name of insured", "Claimant")
    draft.add("holder_street", home.street, "Address", "Street")
    draft.add("holder_town", home.line, "Town", "Postcode and town", "City")
    draft.add("holder_phone", fill(country.phone, stream), "Phone", "Telephone", "Mobile")
    draft.ask(
        "entity", "insurer", "Which insurer handles the claim?", "Name the insurance company.",
        "With whom is the loss insured?", "Who is the insurer?",
    )  # fmt: skip
    draft.ask(
        "contrast", "claim_number", "What is the claim number, not the policy number?",
        "Under which number was the claim opened?", "Give the reference of the claim.",
        "Which claim number is shown?",
    )  # fmt: skip
    draft.ask(
        "contrast", "policy_number", "What is the number of the policy?", "Under which policy is the claim made?",
        "Give the policy number, not the claim's.", "Which policy number is shown?",
    )  # fmt: skip
    draft.ask(
        "entity", "holder", "Who makes the claim?", "Name the insured person.", "In whose name is the policy?",
        "Who is the policyholder?",
    )  # fmt: skip
    draft.ask(
        "lookup", "cover", "What kind of cover is it?", "Which type of insurance is concerned?",
        "What class of insurance does the claim fall under?", "Give the type of cover.",
    )  # fmt: skip
    draft.ask(
        "lookup", "holder_phone", "At which number can the claimant be called?", "What is the phone number of {name}?",
        "Give the insured person's telephone number.", "How is {name} reached by phone?", name=name,
    )  # fmt: skip


def _loss(draft: Draft, theme: str) -> None:
    happened = draft.some_day()
    reported = happened + timedelta(draft.stream.randint(1, 24))
    draft.add("loss_date", draft.day(happened), "Date of loss", "Loss date", "Date of incident")
    draft.add("report_date", draft.day(reported), "Date reported", "Reported on", "Notified")
    draft.add("cause", draft.pick(_THEMES[theme][1].split("|")), "Cause of loss", "What happened", "Cause")
    draft.add("place", people.address(draft.country, draft.stream).street, "Place of loss", "Where", "Location")
    draft.add("adjuster", people.person(draft.country, draft.stream), "Adjuster", "Handled by", "Claims handler")
    draft.ask(
        "contrast", "loss_date", "When did the loss happen?", "On what date did the incident take place?",
        "What is the date of loss?", "Give the day of the damage, not of the report.",
    )  # fmt: skip
    draft.ask(
        "contrast", "report_date", "When was the loss reported?", "On which day was the insurer told?",
        "What is the date of the report?", "Give the day on which the claim was notified.",
    )  # fmt: skip
    draft.ask(
        "lookup", "cause", "What caused the loss?", "What happened?", "Which cause of loss is stated?",
        "Why is a claim being made?",
    )  # fmt: skip
    draft.ask(
        "entity", "place", "Where did the loss occur?", "At which place did it happen?",
        "What location is given for the incident?", "Name the scene of the damage.",
    )  # fmt: skip
    draft.ask(
        "entity", "adjuster", "Who handles the claim at the insurer?", "Name the adjuster.",
        "Which person deals with the claim?", "By whom is the claim being handled?",
    )  # fmt: skip
    if draft.chance(0.4):
        draft.add_stamp(("RECEIVED", "RECEIVED", "APPROVED", "FILED"), reported + timedelta(draft.stream.randint(0, 9)))


def _items(draft: Draft, theme: str) -> None:
    stream = draft.stream
    lost = goods.sample(stream, goods.LOSSES[theme], stream.randint(2, 6))
    losses = [(name, draft.units(dollars)) for name, dollars in lost]
    rows: list[list[Printed | str]] = [[name, draft.bare(amount)] for name, amount in losses]
    heads = draft.pick(("Item", "Claimed for", "Description")), draft.pick(("Amount claimed", "Value", "Amount"))
    draft.add_table("losses", (Column("name", heads[0]), Column("amount", heads[1], "right")), rows)
    claimed = sum(amount for _, amount in losses)
    excess = min(draft.units(draft.pick((50, 100, 150, 250, 300))), claimed - 1)
    draft.add("claimed", draft.cash(claimed), "Total claimed", "Total", "Sum claimed")
    draft.add("excess", draft.cash(excess), "Excess", "Deductible", "Less excess")
    draft.add("payable", draft.cash(claimed - excess), "Amount payable", "Payable", "Settlement")
    draft.ask(
        "contrast", "claimed", "How much is claimed in all?", "What do all the items add up to?",
        "What is the total of the claim before the excess?", "Give the full amount claimed.",
    )  # fmt: skip
    draft.ask(
        "lookup", "excess", "How much must the insured bear?", "What is the excess?", "Which deductible applies?",
        "What is taken off as deductible?",
    )  # fmt: skip
    draft.ask(
        "contrast", "payable", "What will the insurer pay?", "How much is payable after the excess?",
        "Which amount is left once the excess is taken off?", "Give the settlement amount.",
    )  # fmt: skip
    number = stream.randint(1, len(losses))
    draft.ask(
        "item", (f"losses_{number}_amount", f"losses_{number}_name"), 'How much is claimed for "{item}"?',
        "What value is put on the {item}?", "Which sum is asked for {item}?",
        'What amount stands in the line "{item}"?', item=losses[number - 1][0],
    )  # fmt: skip
