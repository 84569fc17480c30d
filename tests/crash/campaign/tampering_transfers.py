"""What is tampered with of bank transfers: on the merchant's account, in the dashboards beside it, and in what staff
say of it. Each begins with a refund at Mollie that bounced and is known to have: its money can be transferred."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs

from retour import BankAccount, Consent, ConsentWay, Money
from retour.model.refunds import Refund

from .account import PaidTransfer
from .attending import ANNA
from .run import Campaign

JANSEN = BankAccount(name="J. Jansen", iban="NL91ABNA0417164300")


def transfer_again(one: Campaign, order_id: str, refund: Refund) -> None:
    """A transfer that was made and confirmed is typed in once more."""
    made, _ = _made(one, order_id, refund)
    one.account.transfer(made.id, made.amount, JANSEN)


def transfer_undecided(one: Campaign, _: str, refund: Refund) -> None:
    """Money is transferred for something that nobody has decided."""
    one.account.transfer("rf00000000000000000000000000", refund.amount, JANSEN)


def send_back(one: Campaign, order_id: str, refund: Refund) -> None:
    """A transfer comes back, and nobody looks at the statement."""
    _, paid = _made(one, order_id, refund)
    one.account.send_back(paid)


def confirm_unpaid(one: Campaign, order_id: str, refund: Refund) -> None:
    """Somebody says that he made a transfer, and did not."""
    _confirm(one, order_id, _decided(one, order_id, refund), "H0")


def pay_cancelled(one: Campaign, order_id: str, refund: Refund) -> None:
    """A transfer is made, and cancelled here."""
    decided = _decided(one, order_id, refund)
    one.account.transfer(decided.id, decided.amount, JANSEN)
    one.desk.cancel_refund(order_id, decided.id, by=ANNA)


def mistype(one: Campaign, order_id: str, refund: Refund) -> None:
    """A transfer is made with another amount than was decided."""
    decided = _decided(one, order_id, refund)
    paid = one.account.transfer(decided.id, decided.amount - Money(minor=1, currency="EUR"), JANSEN)
    _confirm(one, order_id, decided, paid)


def transfer_beside(one: Campaign, order_id: str, refund: Refund) -> None:
    """A colleague refunds what waits to be transferred, and it is transferred all the same."""
    decided = _decided(one, order_id, refund)
    assert one.dashboards.do_both(decided.id, order_id, decided.payment, decided.amount)
    one.desk.reconcile(order_id)
    _confirm(one, order_id, decided, one.account.transfer(decided.id, decided.amount, JANSEN))


def transfer_instead(one: Campaign, order_id: str, refund: Refund) -> None:
    """A refund that bounced is transferred in its place, and arrived after all."""
    made, _ = _made(one, order_id, refund, instead_of=refund.id)
    assert made.in_place_of == refund.id
    bounced = one.sandboxes["mollie"].ledger.refunds[refund.reference]
    bounced.status, bounced.counts = "refunded", True


def transfer_too_much(one: Campaign, order_id: str, refund: Refund) -> None:
    """All that is left is transferred, and a colleague refunds as much at the provider, which knows of no transfers.
    Nobody looks at the list."""
    _made(one, order_id, refund)
    payment = one.world.plan.payment(order_id, refund.payment)
    gone = sum(each.amount.minor for each in one.sandboxes["mollie"].books(payment.reference) if _stands(each.status))
    left = attrs.evolve(payment.captured, minor=payment.captured.minor - gone)
    one.sandboxes["mollie"].refund_in_dashboard(payment.reference, left)
    one.desk.reconcile(order_id)


def transfer_unasked(one: Campaign, _: str, __: Refund) -> None:
    """Goods that nobody has seen are refunded by transfer, on orders of which only what is suggested is."""
    for order_id in sorted(one.world.plan.suggesting)[1::2]:
        for option in one.desk.refund_options(order_id):
            if option.left and not option.payment.id.startswith("manual_transfer:"):
                decided = _decide(one, order_id, option.payment.id, option.left)
                if decided.state == "awaiting_merchant":
                    _confirm(one, order_id, decided, one.account.transfer(decided.id, decided.amount, JANSEN))


TRANSFER_TAMPERINGS: Mapping[str, Callable[[Campaign, str, Refund], None]] = {
    "transfer again": transfer_again,
    "transfer undecided": transfer_undecided,
    "send back": send_back,
    "confirm unpaid": confirm_unpaid,
    "pay cancelled": pay_cancelled,
    "mistype": mistype,
    "transfer beside": transfer_beside,
    "transfer instead": transfer_instead,
    "transfer too much": transfer_too_much,
    "transfer unasked": transfer_unasked,
}


def transferred(one: Campaign, order_id: str, provider: str) -> int:
    """Minor units of an order's payment at a provider that went back by transfer."""
    refunds = [each for each in one.desk.dossier(order_id).refunds.values() if each.provider == provider]
    return sum(paid.minor for each in refunds for paid in one.account.transfers(each.id) if not paid.came_back)


def _stands(status: str) -> bool:
    return status in ("pending", "succeeded")


def _decided(one: Campaign, order_id: str, refund: Refund, instead_of: str | None = None) -> Refund:
    """The refund bounces, and that is known; the same money is to be transferred."""
    one.sandboxes["mollie"].fail(refund.reference)
    one.desk.reconcile(order_id)
    return _decide(one, order_id, refund.payment, refund.amount, instead_of)


def _decide(one: Campaign, order_id: str, payment: str, amount: Money, instead_of: str | None = None) -> Refund:
    dossier = one.desk.dossier(order_id)
    now = next(each for each in dossier.order.payments if each.id == dossier.stands_for(payment))  # type: ignore[union-attr]
    consent = Consent(how=ConsentWay.PHONE)
    made = one.desk.refund(
        order_id,
        now.id,
        amount,
        by=ANNA,
        request_id=f"tampered {now.id}",
        to=JANSEN,
        consent=consent,
        instead_of=instead_of,
    )
    return one.desk.dossier(order_id).refund(made.refund_id or "")


def _confirm(one: Campaign, order_id: str, decided: Refund, reference: str) -> None:
    one.desk.confirm_refund(
        order_id,
        decided.payment,
        decided.amount,
        reference=reference,
        refund_id=decided.id,
        by=ANNA,
        request_id=f"paid {decided.id}",
    )


def _made(one: Campaign, order_id: str, refund: Refund, instead_of: str | None = None) -> tuple[Refund, PaidTransfer]:
    """A transfer as it should be: decided, paid, and confirmed."""
    decided = _decided(one, order_id, refund, instead_of)
    _confirm(one, order_id, decided, one.account.transfer(decided.id, decided.amount, JANSEN))
    return one.desk.dossier(order_id).refund(decided.id), one.account.transfers(decided.id)[0]
