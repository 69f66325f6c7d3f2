"""What became of rules of the made-up web shop: who marked them, what is done instead, what speaks against it.

Invented like all the rest, the people too. Each rule stands in another place of a review, so that a newcomer finds
every kind on the first day; `desk/demo_reviews.py` takes them there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from rulebook.desk.sample.world import EVENING

READ = MappingProxyType({"Delivery": 8, "Returns": 6, "Payment and account": 9, "Product help": 5, EVENING: 4})
READ_AGAIN = MappingProxyType({"Delivery": 5, "Returns": 2, "Payment and account": 3, "Product help": 4, EVENING: 1})


@dataclass(frozen=True)
class SaidReview:
    """One rule: from where and why it was marked, what is answered with the decision, and what its notice says."""

    rule: str
    origin: str
    reason: str
    answers: Mapping[str, Any] = field(default_factory=dict)
    headline: str = ""


# Ready to be decided: the front line was heard, nobody answers for it, and only what agents do instead is missing.
READY = SaidReview(
    "R-0042",
    "flag",
    "Four flags in a month, and nobody remembers who said it.",
    {"nobody_knows": True},
)

# Of the full lane: it protects, its owner objects, and nobody has built its fence.
OBJECTED = SaidReview(
    "R-0002",
    "list",
    "The second dearest rule we have. Finance says yes to nearly all that we send over.",
)
OBJECTION = (
    "Two refunds went to the wrong card last year. The limit made somebody look. Tell me what looks instead, and I "
    "am with you."
)

# Decided while the owner was away. Nobody objected, so the front line is told: it ends next week.
NEXT_WEEK = SaidReview(
    "R-0039",
    "ballot",
    "Nine of us voted on it: it hurts, and it is easy to leave out.",
    {
        "play": "Write the complaint down yourself while the customer tells it.\nRead it back, and give the case "
        "number.\n“I have written it down. You need not write to us.”",
        "nobody_knows": True,
    },
    "You may now take a complaint on the phone and in the chat.",
)

# Removed, and still met by agents: `flags.csv` has two who were told otherwise.
STILL_MET = SaidReview(
    "R-0066",
    "rule",
    "Most of us read Swedish and Norwegian. The customer waits a day for nothing.",
    {
        "play": "Answer Swedish and Norwegian mails yourself, in Danish or in English.\nAsk a colleague only about a "
        "word that you do not know.",
        "nobody_knows": True,
    },
    "You may now answer Swedish and Norwegian mails yourself.",
)

# Removed, and nobody has met it since.
QUIET = SaidReview(
    "R-0043",
    "capture",
    "It was on the first sheet of paper. Customers write back to a person, not to a team.",
    {
        "play": "Sign with your first name and the name of the team.",
        "purpose": "Nobody should be looked for by name.",
    },
    "You may now sign mails with your own first name.",
)

# The agents decide themselves, up to a limit.
DELEGATED = SaidReview(
    "R-0011",
    "flag",
    "After six there is no shift lead. The customer waits until the next day for 50 kr.",
    {
        "play": "Give a voucher of up to 100 kr when the mistake is ours.\nWrite the reason on the order, in a line."
        "\n“I am sorry. I have put a voucher on your account.”",
        "purpose": "One person kept an eye on what was given away.",
        "limit": "100 kr",
    },
    "You may now give a voucher of up to 100 kr yourself.",
)

# Decided, and the owner may still object.
ASKED = SaidReview(
    "R-0013",
    "flag",
    "A wrong item number is our own mistake. The customer hears “another department”, and waits two days.",
    {
        "play": "Correct the item number or the address yourself, and send the new invoice.\nAmounts: send the case "
        "to Finance, as before.",
        "new_title": "An amount on an invoice is corrected by Finance only",
        "new_text": "Agents correct item numbers, names and addresses. Finance corrects amounts and VAT.\n\nDansk: "
        "Medarbejdere retter varenumre, navne og adresser. Økonomi retter beløb og moms.",
    },
    "You may now correct item numbers and addresses on an invoice.",
)

# Kept, with what that asks for.
KEPT = SaidReview(
    "R-0034",
    "capture",
    "Nobody could say where it comes from.",
    {
        "purpose": "Whoever calls with somebody else’s name must not learn the address from us.",
        "answer": "No contact is seen to come back because of it, and those who vote say that it helps.",
    },
)
KEPT_FOR = 300  # days until it is looked at again

# Not ours to change: somebody else was asked, and has not answered.
ESCALATED = SaidReview(
    "R-0035",
    "flag",
    "A customer with a closed card waits for weeks.",
    {"addressee": "The card acquirer"},
)

# Its review-by date has come.
LAPSING = "R-0062"

# The shop tries without it.
TRIED = SaidReview(
    "R-0041",
    "rule",
    "Looking for the number takes longer than looking up the name.",
    {
        "play": "Search by name or mail address, and read out the last order.\nAsk for the number only when two "
        "customers have the same name.",
        "purpose": "The old order system could not search by name.",
    },
)
TRIAL_WEEKS = 8
TRIAL_EFFECT = 0.10  # parts of 1: the smallest rise that matters
