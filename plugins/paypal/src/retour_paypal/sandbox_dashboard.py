"""What the dashboard of PayPal's sandbox has beyond that of others: cases, and payments that come in later."""

from __future__ import annotations

from typing import Any

from retour.providers import TextDomain
from retour.sandbox import PAYMENT_ACTIONS, DashboardAction, SandboxPayment

text = TextDomain("retour_paypal").text

REFERENCES_ARE = text("The ids of its payments and orders are capitals and digits.")
DISPUTED = text("the customer has opened a case")
PENDING = text("not paid yet")


def _in_a_case(sandbox: Any, payment: SandboxPayment) -> bool:
    found: bool = sandbox.is_disputed(payment)
    return found


ACTIONS = (
    *[action for action in PAYMENT_ACTIONS if action.name != "charge-back"],
    DashboardAction(
        name="dispute",
        label=text("Open a case as the customer"),
        method="open_dispute",
        table="payments",
        explains=text("While it is open, the whole payment can be refunded and no part of it."),
        offered=lambda sandbox, payment: not (_in_a_case(sandbox, payment) or payment.charged_back),
        done=text("The customer has opened a case about {of}."),
    ),
    DashboardAction(
        name="win",
        label=text("Win the case"),
        method="close_dispute",
        table="payments",
        offered=_in_a_case,
        done=text("The case about {of} is closed in your favour."),
    ),
    DashboardAction(
        name="charge-back",
        label=text("Lose all of it to the customer"),
        method="charge_back",
        table="payments",
        explains=text("A case that is open is lost; without one the customer's bank takes the money back."),
        offered=lambda _, payment: not payment.charged_back,
        done=text("All of {of} went back to the customer."),
    ),
    DashboardAction(
        name="complete",
        label=text("Let the payment come in"),
        method="complete_payment",
        table="payments",
        offered=lambda _, payment: payment.status == "PENDING",
        done=text("{of} is paid now."),
    ),
)
