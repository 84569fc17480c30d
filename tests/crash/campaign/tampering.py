"""``python -m crash.campaign.tampering``: a small campaign in which nobody dies, and then what an audit must find.

Prints one line of JSON: what the audit found more after each of them.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import requests
from sqlalchemy import text

from retour import Money
from retour.model.refunds import Refund

from .audit import audit, parked
from .opening import campaign
from .run import Campaign
from .settling import Settling
from .tampering_transfers import TRANSFER_TAMPERINGS, transferred


def lose(one: Campaign, order_id: str, _: Refund) -> None:
    """The store forgets an order."""
    with one.desk._services.store.engine.begin() as connection:
        for table in ("event", "dossier", "refund"):
            connection.execute(text(f"DELETE FROM retour_{table} WHERE order_id = :id"), {"id": order_id})  # noqa: S608 - the test's own


def pay_again(one: Campaign, _: str, refund: Refund) -> None:
    """The same refund is sent with another key."""
    assert refund.instruction is not None
    stripe, target = one.sandboxes["stripe"], refund.instruction.target
    on = "payment_intent" if target.startswith("pi_") else "charge"
    made = requests.post(
        f"{stripe.url}/v1/refunds",
        headers={"Authorization": f"Bearer {stripe.settings['api_key']}"},
        data={on: target, "amount": "1", "metadata[refund_id]": refund.id},
        timeout=10,
    )
    assert made.status_code == 200, made.text


def bounce(one: Campaign, _: str, refund: Refund) -> None:
    """A bank sends the money back, and nobody hears of it."""
    one.sandboxes["stripe"].fail(refund.reference)


def take_back(one: Campaign, order_id: str, refund: Refund) -> None:
    """The customer's bank takes a payment back, and nobody hears of it."""
    one.sandboxes["stripe"].charge_back(one.world.plan.payment(order_id, refund.payment).reference)


def book_again(one: Campaign, order_id: str, _: Refund) -> None:
    """A unit is booked that never came back."""
    connection = sqlite3.connect(one.world.folder / "stock.db")
    with connection:
        connection.execute("INSERT INTO booking VALUES ('again', ?, 1)", (f"cup-{order_id}",))
    connection.close()


def ask_nobody(one: Campaign, _: str, refund: Refund) -> None:
    """A refund becomes unknown, and no effect asks the provider."""
    with one.desk._services.store.engine.begin() as connection:
        connection.execute(
            text("UPDATE retour_refund SET state = 'unknown', waits_for = 'provider' WHERE refund_id = :id"),
            {"id": refund.id},
        )


def call_it_otherwise(one: Campaign, order_id: str, refund: Refund) -> None:
    """The shop has a payment by a name that nobody else knows, and nobody says what it was."""
    payment = one.world.plan.payment(order_id, refund.payment)
    one.spellings.store(payment, payment.unrelated)


def pay_too_much(one: Campaign, order_id: str, refund: Refund) -> None:
    """More of a payment goes back than there was."""
    payment = one.world.plan.payment(order_id, refund.payment)
    ledger = one.sandboxes["stripe"].ledger
    ledger.refund(ledger.stored(payment.reference), payment.captured, reference="re_toomuch", said={})
    one.desk.reconcile(order_id)


def pay_unasked(one: Campaign, _: str, __: Refund) -> None:
    """Goods of which nobody has seen anything are refunded, on an order of which only what is suggested is."""
    for order_id in sorted(one.world.plan.suggesting)[::2]:
        for payment in one.world.plan.payments[order_id]:
            sandbox = one.sandboxes[payment.provider]
            gone = sum(each.amount.minor for each in sandbox.books(payment.reference))
            gone += transferred(one, order_id, payment.provider)
            if payment.provider != "manual_transfer" and payment.captured.minor > gone:
                sandbox.refund_in_dashboard(
                    payment.reference, Money(minor=payment.captured.minor - gone, currency="EUR")
                )
                one.desk.reconcile(order_id)


def say_nothing(one: Campaign, order_id: str, refund: Refund) -> None:
    """The list has a refund that came back, and not what to do about it."""
    bounce(one, order_id, refund)
    one.desk.reconcile(order_id)
    with one.desk._services.store.engine.begin() as connection:
        connection.execute(text("UPDATE retour_attention SET can_do = '[]'"))
    Settling(one).attend()


def hold_for_ever(one: Campaign, _: str, refund: Refund) -> None:
    """A refund is held, and stands on no list."""
    with one.desk._services.store.engine.begin() as connection:
        connection.execute(
            text("UPDATE retour_refund SET state = 'planned' WHERE refund_id = :id"),
            {"id": refund.id},
        )
    Settling(one).attend()


TAMPERINGS: Mapping[str, Callable[[Campaign, str, Refund], None]] = {
    "pay again": pay_again,
    "bounce": bounce,
    "take back": take_back,
    "book again": book_again,
    "ask nobody": ask_nobody,
    "pay too much": pay_too_much,
    "pay unasked": pay_unasked,
    "call it otherwise": call_it_otherwise,
    "hold for ever": hold_for_ever,
    "say nothing": say_nothing,
    **TRANSFER_TAMPERINGS,
    "lose": lose,
}


def main() -> None:
    logging.getLogger("retour").setLevel(logging.CRITICAL)
    found: dict[str, list[str]] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        campaign(f"sqlite:///{folder}/retour.db", Path(folder), refunds=320, seed=5, workers=0, complete=False) as one,
    ):
        Settling(one).settle()
        before = parked(one)
        Settling(one).attend()
        clean = audit(one, before)
        assert clean.clean, clean.text()
        at_stripe, at_mollie = (
            iter(_targets(one, "stripe")),
            iter(_targets(one, "mollie")),
        )  # before it is tampered with
        known = clean.faults_found
        for name, tamper in TAMPERINGS.items():
            tamper(one, *next(at_mollie if name in TRANSFER_TAMPERINGS else at_stripe))
            now = audit(one, before).faults_found
            found[name] = [what for what, several in now.items() if len(several) > len(known[what])]
            known = now
    print(json.dumps(found))


def _targets(one: Campaign, provider: str) -> list[tuple[str, Refund]]:
    """A refund that succeeded at a provider, of each order that has one; those first that leave something of it."""
    found: dict[str, tuple[int, Refund]] = {}
    for order_id in one.world.plan.orders:
        for refund in one.desk.dossier(order_id).refunds.values():
            there = refund.provider == provider and refund.state == "succeeded" and refund.instruction is not None
            if there and order_id not in one.world.plan.suggesting:
                payment = one.world.plan.payment(order_id, refund.payment)
                books = one.sandboxes[provider].books(payment.reference)
                found[order_id] = payment.captured.minor - sum(each.amount.minor for each in books), refund
    return [(order_id, found[order_id][1]) for order_id in sorted(found, key=lambda one: -found[one][0])]


if __name__ == "__main__":
    main()
