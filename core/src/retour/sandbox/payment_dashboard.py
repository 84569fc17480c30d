"""The dashboard of a payment provider, as far as the books that all of them share go: payments, refunds, charge-backs,
the balance and payouts."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from retour.model.money import Money
from retour.model.refunds import Reported
from retour.model.text import Text, text
from retour.sandbox.dashboard_contract import DashboardAction, DashboardField, DashboardTable, FieldKind
from retour.sandbox.every_dashboard import EVERYWHERE, HOLD
from retour.sandbox.ledger import SandboxChargeBack, SandboxPayment, SandboxRefund
from retour.sandbox.payments import ChargesBack, GivesBack

ChargedBack = tuple[SandboxPayment, SandboxChargeBack]


TAKEN = text("taken back by the customer's bank")


def standing(payment: SandboxPayment) -> Text:
    """How a payment is, by what went back of it."""
    if payment.charged_back:
        return TAKEN
    if payment.refunded:
        return text("partly refunded") if payment.left else text("refunded")
    return text("paid")


def state_of(sandbox: Any, refund: SandboxRefund) -> Text:
    """How far a refund is, in words."""
    words: Text = sandbox.lifecycle.in_words(refund.status)
    return words


# --- what is shown ---------------------------------------------------------------------------------------------


def _payment_called(sandbox: Any, name: str) -> SandboxPayment | None:
    try:
        found: SandboxPayment = sandbox.stored(name)
    except ValueError:
        return None
    return found


def _of_payment(_: Any, payment: SandboxPayment) -> Mapping[str, object]:
    return {"status": payment.status, "method": payment.method, "names": ", ".join(payment.names), **payment.said}


def _of_refund(_: Any, refund: SandboxRefund) -> Mapping[str, object]:
    return {"status": refund.status, "reason": refund.reason, **refund.said}


def charge_backs(sandbox: Any) -> list[ChargedBack]:
    """What banks took back, each with its payment."""
    return [(payment, one) for payment in sandbox.ledger.payments.values() for one in payment.charge_backs]


def _currencies(sandbox: Any) -> list[str]:
    paid = [payment.amount.currency for payment in sandbox.ledger.payments.values()]
    return list(dict.fromkeys([*sandbox.ledger.balance, *paid]))


PAYMENTS = DashboardTable(
    name="payments",
    title=text("Payments"),
    things=lambda sandbox: list(sandbox.ledger.payments.values()),
    called=lambda payment: payment.id,
    columns=(
        (text("Made"), lambda _, payment: payment.made_at),
        (text("Paid"), lambda _, payment: payment.amount),
        (text("Can be refunded"), lambda sandbox, payment: sandbox.refundable(payment)),
        (text("State"), lambda sandbox, payment: sandbox.standing(payment)),
    ),
    find=_payment_called,
    details=_of_payment,
)

REFUNDS = DashboardTable(
    name="refunds",
    title=text("Refunds"),
    things=lambda sandbox: list(sandbox.ledger.refunds.values()),
    called=lambda refund: refund.id,
    columns=(
        (text("Made"), lambda _, refund: refund.made_at),
        (text("Amount"), lambda _, refund: refund.amount),
        (text("State"), state_of),
        (text("Since"), lambda _, refund: refund.changed_at),
        (text("Number in your shop"), lambda sandbox, refund: sandbox.refund_id(refund)),
    ),
    details=_of_refund,
    part_of="payments",
    owner=lambda refund: refund.payment,
)

CHARGE_BACKS = DashboardTable(
    name="charge-backs",
    title=text("Taken back by banks"),
    things=charge_backs,
    called=lambda one: one[1].id,
    columns=(
        (text("Made"), lambda _, one: one[1].made_at),
        (text("Amount"), lambda _, one: one[1].amount),
        (text("Payment"), lambda _, one: one[0].id),
        (text("State"), lambda _, one: TAKEN if one[1].reversed_at is None else text("given back")),
    ),
    part_of="payments",
    owner=lambda one: one[0],
)

BALANCE = DashboardTable(
    name="balance",
    title=text("Balance"),
    things=_currencies,
    called=lambda currency: currency,
    columns=((text("To be paid out"), lambda sandbox, currency: sandbox.ledger.on_balance(currency)),),
)

PAYOUTS = DashboardTable(
    name="payouts",
    title=text("Payouts"),
    things=lambda sandbox: sandbox.ledger.payouts,
    called=lambda payout: payout.id,
    columns=(
        (text("Made"), lambda _, payout: payout.made_at),
        (text("Amount"), lambda _, payout: payout.amount),
    ),
    part_of="balance",
    owner=lambda payout: payout.amount.currency,
)

PAYMENT_TABLES: Sequence[DashboardTable] = (PAYMENTS, REFUNDS, CHARGE_BACKS, BALANCE, PAYOUTS)


# --- what is done ----------------------------------------------------------------------------------------------


def refundable(sandbox: Any, payment: SandboxPayment) -> Money:
    """What can be refunded of a payment now."""
    left: Money = sandbox.refundable(payment)
    return left


def not_charged_back(_: Any, payment: SandboxPayment) -> Money:
    """What the bank has not taken back of a payment."""
    return payment.amount - payment.charged_back


def has_lost(_: Any, payment: SandboxPayment) -> bool:
    """Whether the bank has something of a payment."""
    return bool(payment.charged_back)


def _can_fail(sandbox: Any, refund: SandboxRefund) -> bool:
    return refund.counts and Reported.FAILED in sandbox.lifecycle.statuses.values()


def _can_be_cancelled(sandbox: Any, refund: SandboxRefund) -> bool:
    lifecycle = sandbox.lifecycle
    possible = Reported.CANCELLED in lifecycle.statuses.values() and refund.counts
    waits = lifecycle.meaning(refund.status) is Reported.PENDING
    return possible and (waits if lifecycle.cancellable is None else refund.status in lifecycle.cancellable)


PAY = DashboardAction(
    name="pay",
    label=text("Pay as a customer"),
    method="pay",
    fields=(
        DashboardField(name="amount", label=text("Amount"), kind=FieldKind.AMOUNT),
        DashboardField(
            name="reference",
            label=text("Reference of the payment"),
            hint=text("If your shop has one already."),
            may_be_empty=True,
        ),
    ),
    done=text("{amount} is paid: {made}"),
)

REFUND = DashboardAction(
    name="refund",
    label=text("Refund"),
    method="refund_in_dashboard",
    table="payments",
    fields=(DashboardField(name="amount", label=text("Amount to refund"), kind=FieldKind.AMOUNT, most=refundable),),
    offered=lambda sandbox, payment: bool(sandbox.refundable(payment)),
    done=text("A refund of {amount} is made: {made}"),
)

CHARGE_BACK = DashboardAction(
    name="charge-back",
    label=text("Let the customer's bank take money back"),
    method="charge_back",
    table="payments",
    needs=ChargesBack,
    fields=(
        DashboardField(
            name="amount", label=text("Amount that the bank takes back"), kind=FieldKind.AMOUNT, most=not_charged_back
        ),
    ),
    offered=lambda sandbox, payment: bool(not_charged_back(sandbox, payment)),
    done=text("The customer's bank has taken back {amount} of {of}."),
)

GIVE_BACK = DashboardAction(
    name="give-back",
    label=text("Let the bank give it back"),
    method="give_back",
    table="payments",
    needs=GivesBack,
    offered=has_lost,
    done=text("The customer's bank has given back all that it took of {of}."),
)

FAIL = DashboardAction(
    name="fail",
    label=text("Let it fail"),
    method="fail",
    table="refunds",
    explains=text("The bank refuses the refund, or sends it back if it had succeeded."),
    offered=_can_fail,
    done=text("The bank has refused {of}."),
)

CANCEL = DashboardAction(
    name="cancel",
    label=text("Cancel it"),
    method="cancel_in_dashboard",
    table="refunds",
    offered=_can_be_cancelled,
    done=text("{of} is cancelled."),
)

DELAY = DashboardAction(
    name="delay",
    label=text("Let it take 5 days longer"),
    method="delay",
    table="refunds",
    given={"by": datetime.timedelta(days=5)},
    offered=lambda _, refund: bool(refund.steps) and refund.funded,
    done=text("{of} takes 5 days longer."),
)

PAY_OUT = DashboardAction(
    name="pay-out",
    label=text("Pay out"),
    method="pay_out",
    table="balance",
    explains=text("All of it goes to your bank account, so that nothing is left here to refund from."),
    offered=lambda sandbox, currency: sandbox.ledger.on_balance(currency).minor > 0,
    done=text("All that was there in {of} is paid out: {made}"),
)

PAYMENT_ACTIONS: Sequence[DashboardAction] = (
    PAY,
    *EVERYWHERE,
    *HOLD,
    REFUND,
    CHARGE_BACK,
    GIVE_BACK,
    FAIL,
    CANCEL,
    DELAY,
    PAY_OUT,
)
