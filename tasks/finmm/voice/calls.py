"""What is said in written calls: a line has places for entities, so that any number of fillings are distinct."""

from __future__ import annotations

from typing import NamedTuple


class Line(NamedTuple):
    """A line of a call with places such as {amount}; the feeling is what the line is about, before anybody's own share of it."""

    topic: str
    role: str
    emotion: str
    valence: float
    arousal: float
    text: str


def _lines(topic: str, role: str, *feeling_and_text: tuple[str, float, float, str]) -> list[Line]:
    return [Line(topic, role, *one) for one in feeling_and_text]


LINES: tuple[Line, ...] = (
    *_lines(
        "claim", "customer",
        ("sad", -0.55, 0.3, "The storm took half the roof on {date}, claim {reference}, and the builder wants {amount} first."),
        ("fear", -0.6, 0.75, "Please help me, water is coming in now, my policy number is {reference}."),
        ("anger", -0.7, 0.8, "You promised me {amount} for claim {reference}, and nothing has arrived!"),
        ("neutral", 0.0, 0.3, "I would like to report a claim for {amount}. The accident happened on {date}."),
        ("happy", 0.65, 0.5, "The {amount} came this morning, thank you, please close claim {reference}."),
        ("surprise", 0.2, 0.7, "Wait, you are paying {amount}? On claim {reference} I had only asked for a new door."),
    ),
    *_lines(
        "claim", "agent",
        ("neutral", 0.15, 0.25, "I have opened claim {reference} for you, and the assessor will come on {date}."),
        ("neutral", 0.1, 0.2, "Your excess is {amount}, and we cover the rest of the bill under policy {reference}."),
        ("happy", 0.5, 0.45, "Good news, claim {reference} was approved on {date}, and you will receive {amount}."),
    ),
    *_lines(
        "dispute", "customer",
        ("anger", -0.75, 0.85, "I never bought anything for {amount}! Take it off the card ending {ending} now!"),
        ("disgust", -0.8, 0.55, "That shop charged me {amount} for spoiled food on {date}, and it refuses to talk to me."),
        ("fear", -0.6, 0.7, "Somebody has used my card ending {ending}, there is a payment of {amount} that is not mine."),
        ("neutral", -0.1, 0.3, "I am calling about a payment of {amount} on {date} that I do not recognise."),
        ("surprise", -0.25, 0.65, "Hang on, the same {amount} was taken again on {date}?"),
        ("sad", -0.5, 0.2, "I have been waiting since {date}, and I am still missing the {amount}."),
    ),
    *_lines(
        "dispute", "agent",
        ("neutral", 0.1, 0.25, "I see a payment of {amount} on {date}. Shall I block the card ending {ending}?"),
        ("sad", -0.25, 0.25, "I am sorry, the shop has refused to return the {amount}, your reference is {reference}."),
        ("neutral", 0.15, 0.3, "We will put {amount} back by {date} while we look into case {reference}."),
    ),
    *_lines(
        "earnings call", "executive",
        ("neutral", 0.2, 0.35, "Good morning. Revenue for the quarter was {millions}, an increase of {percentage} over last year."),
        ("happy", 0.6, 0.55, "We are delighted with net income of {millions} and an operating margin of {percentage}."),
        ("sad", -0.4, 0.25, "Orders fell by {percentage}, and we have written off {millions} in the northern region."),
        ("neutral", 0.05, 0.3, "As of {date} we employed {count} people, and cash stood at {millions}."),
        ("neutral", 0.1, 0.3, "We expect capital spending of {millions} and a tax rate of {percentage}."),
    ),
    *_lines(
        "earnings call", "analyst",
        ("neutral", 0.0, 0.35, "Thank you. You guided to {millions} in the spring, so what changed after {date}?"),
        ("surprise", 0.1, 0.6, "So margins rose by {percentage} to {millions} while you closed {count} branches, is that right?"),
    ),
    *_lines(
        "identity", "customer",
        ("neutral", 0.0, 0.25, "My account number is {account}, and I was born on {date}."),
        ("neutral", 0.05, 0.3, "You can reach me on {phone}. The card ends in {ending}."),
        ("anger", -0.5, 0.65, "I have said it twice already, the account is {account}, please write it down!"),
        ("neutral", 0.0, 0.3, "The last payment on account {account} was {amount}."),
    ),
    *_lines(
        "identity", "agent",
        ("neutral", 0.15, 0.25, "For your safety, did you receive {amount} on {date}?"),
        ("neutral", 0.1, 0.25, "I have account {account} here, and your telephone number is {phone}. Is that correct?"),
        ("happy", 0.4, 0.4, "Thank you, that is right. I have noted it under {reference} today."),
    ),
    *_lines(
        "transfer", "customer",
        ("neutral", 0.05, 0.3, "Please move {amount} to account {account} on {date}."),
        ("fear", -0.55, 0.75, "I sent {amount} to the wrong account, {account}, can you stop it?"),
        ("happy", 0.7, 0.6, "My daughter got the {amount} on account {account}, she rang me at once, thank you so much!"),
        ("disgust", -0.75, 0.5, "A fee of {amount} on every transfer under {reference}, that is simply filthy."),
    ),
    *_lines(
        "transfer", "agent",
        ("neutral", 0.15, 0.25, "The rate is {percentage} until {date}, so the cost would be {amount}."),
        ("neutral", 0.15, 0.3, "I have sent {amount} to account {account}, and the reference is {reference}."),
    ),
)  # fmt: skip
ANSWERS = (
    "Right, I see.", "One moment, please.", "Sorry, could you say that again?", "Yes, I am listening.", "All right, go on.",
    "Let me just look at that.",
)  # fmt: skip  # what the other side says into it where two speak at once
