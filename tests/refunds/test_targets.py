"""Which of an order's payments a provider means, by the name that it gives: its own for what a refund is made on."""

from __future__ import annotations

import datetime

import attrs
import pytest

from retour import Actor, Mode, Money, Order
from retour.effects.inbox import Sender, payment_named
from retour.model.dossier import Dossier
from retour.model.events.money import RefundPlanned
from retour.model.refunds import RefundInstruction
from retour.rules.draft import Draft
from retour.testing import a_line, a_payment, an_order

CUP = a_line("cup", 4, "100.00")
PAYPAL = Sender(shop="default", provider="paypal", account="default", mode=Mode.LIVE)
NOW = datetime.datetime(2026, 11, 24, 9, 0, tzinfo=datetime.UTC)


def paid_by(*references: str, provider: str = "paypal") -> Order:
    """An order with a payment of EUR 50.00 for each reference, as the shop stored it."""
    return an_order(CUP, payments=[a_payment("50.00", provider=provider, reference=one) for one in references])


def meant(order: Order, target: str, dossier: Dossier | None = None) -> str | None:
    payment = payment_named(order, dossier or Dossier(order_id=order.id), PAYPAL, [target])
    return None if payment is None else payment.reference


@pytest.mark.parametrize("target", ["2GG279541U471931P", "42311647XV020574X"])
def test_of_two_captures_the_one_with_that_name_is_meant(target: str) -> None:
    order = paid_by("capture:2GG279541U471931P", "capture:42311647XV020574X")
    assert meant(order, target) == f"capture:{target}"


@pytest.mark.parametrize("target", ["2GG279541U471931P", "42311647XV020574X"])
def test_of_two_captures_without_a_prefix_the_one_with_that_name_is_meant(target: str) -> None:
    assert meant(paid_by("2GG279541U471931P", "42311647XV020574X"), target) == target


def test_a_name_that_is_only_the_end_of_another_is_not_that_one() -> None:
    order = paid_by("capture:X471931P", "capture:471931P")
    assert meant(order, "471931P") == "capture:471931P"
    assert meant(paid_by("capture:X471931P", "capture:42311647XV020574X"), "471931P") is None


def test_of_two_orders_at_the_provider_the_one_is_meant_whose_refund_was_made_on_that_capture() -> None:
    order = paid_by("order:5O190127TN364715T", "order:8MC585209K746392H")
    one, other = order.payments
    draft = Draft(
        dossier=Dossier(order_id=order.id), at=NOW, by=Actor.staff("anna"), new_id=lambda kind: f"{kind}{len(kind)}"
    )
    draft.see(order)
    for payment, capture in [(one, "2GG279541U471931P"), (other, "42311647XV020574X")]:
        refund_id = f"rf-{capture}"
        sent = RefundInstruction(target=capture, key=refund_id, description="Retour 1001")
        amount = Money.of("10", "EUR")
        draft.record(RefundPlanned(refund_id=refund_id, payment=payment.id, amount=amount, sent=sent))
    assert meant(order, "42311647XV020574X", draft.dossier) == other.reference
    assert meant(order, "2GG279541U471931P", draft.dossier) == one.reference
    assert meant(order, "3C679366HH908993F", draft.dossier) is None


def test_where_the_provider_has_one_payment_of_the_order_that_one_is_meant_whatever_it_is_called() -> None:
    order = attrs.evolve(
        paid_by("order:5O190127TN364715T"),
        payments=(
            a_payment("50.00", provider="mollie", reference="tr_1"),
            a_payment("50.00", provider="paypal", reference="order:5O190127TN364715T"),
        ),
    )
    assert meant(order, "2GG279541U471931P") == "order:5O190127TN364715T"


def test_a_payment_of_another_provider_is_never_meant() -> None:
    assert meant(paid_by("2GG279541U471931P", provider="mollie"), "2GG279541U471931P") is None
