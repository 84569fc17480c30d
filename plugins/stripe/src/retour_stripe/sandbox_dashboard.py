"""What the dashboard of Stripe's sandbox has beyond that of others: disputes, from the bank's question to the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from retour.providers import Money, Text, TextDomain
from retour.sandbox import (
    PAYMENT_ACTIONS,
    PAYMENT_TABLES,
    DashboardAction,
    DashboardField,
    DashboardTable,
    FieldKind,
    SandboxPayment,
)
from retour_stripe.sandbox_disputes import SandboxDispute, disputes_of

text = TextDomain("retour_stripe").text

NOT_PAID = text("not paid")

STATES: Mapping[str, Text] = {
    "warning_needs_response": text("the bank has a question"),
    "warning_under_review": text("the bank reads the answer to its question"),
    "warning_closed": text("the question is closed"),
    "needs_response": text("disputed, waits for your answer"),
    "under_review": text("disputed, the bank reads your answer"),
    "won": text("dispute won"),
    "lost": text("dispute lost"),
}
"""How a dispute is, in words."""

_ASKED = ("warning_needs_response", "warning_under_review")
_OPEN = ("needs_response", "under_review")


def _of_all(sandbox: Any) -> list[SandboxDispute]:
    return [one for payment in sandbox.ledger.payments.values() for one in disputes_of(payment)]


def _disputable(_: Any, payment: SandboxPayment) -> Money:
    return payment.amount - payment.charged_back


def _is(*statuses: str) -> Callable[[Any, SandboxDispute], bool]:
    return lambda _, dispute: dispute.status in statuses


DISPUTES = DashboardTable(
    name="disputes",
    title=text("Disputes"),
    things=_of_all,
    called=lambda dispute: dispute.id,
    columns=(
        (text("Made"), lambda _, dispute: dispute.made_at),
        (text("Amount"), lambda _, dispute: dispute.amount),
        (text("State"), lambda _, dispute: STATES[dispute.status]),
        (text("Payment"), lambda _, dispute: dispute.payment.id),
    ),
    details=lambda _, dispute: {"status": dispute.status},
    part_of="payments",
    owner=lambda dispute: dispute.payment,
)

REFERENCES_ARE = text("Its payments begin with pi_, its charges with ch_ or py_, its checkouts with cs_.")

TABLES = tuple([DISPUTES if table.name == "charge-backs" else table for table in PAYMENT_TABLES])


def _opens(name: str, label: Text, method: str, done: Text) -> DashboardAction:
    amount = DashboardField(name="amount", label=text("Amount in dispute"), kind=FieldKind.AMOUNT, most=_disputable)
    return DashboardAction(
        name=name,
        label=label,
        method=method,
        table="payments",
        fields=(amount,),
        offered=lambda sandbox, payment: payment.status == "succeeded" and bool(_disputable(sandbox, payment)),
        done=done,
    )


def _becomes(name: str, label: Text, status: str, before: tuple[str, ...]) -> DashboardAction:
    return DashboardAction(
        name=name,
        label=label,
        method="move_dispute",
        table="disputes",
        given={"status": status},
        offered=_is(*before),
        done=text("Dispute {of} is changed."),
    )


ACTIONS = (
    *[action for action in PAYMENT_ACTIONS if action.name not in ("charge-back", "give-back")],
    _opens("dispute", text("Dispute it as the customer"), "open_dispute", text("{amount} is in dispute: {made}")),
    _opens("inquiry", text("Let the bank ask about it"), "open_inquiry", text("The bank asks about {amount}: {made}")),
    _becomes("answer", text("Send an answer to the bank"), "under_review", ("needs_response",)),
    _becomes("win", text("Win the dispute"), "won", (*_OPEN, "lost")),
    _becomes("lose", text("Lose the dispute"), "lost", _OPEN),
    _becomes("escalate", text("Let it become a dispute"), "needs_response", _ASKED),
    _becomes("close", text("Close the question"), "warning_closed", _ASKED),
)
