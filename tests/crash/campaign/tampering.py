"""``python -m crash.campaign.tampering``: a small campaign in which nobody dies, and then what an audit must find.

Prints one line of JSON: what the audit found after each of them.
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

from retour.model.refunds import Refund

from .audit import audit
from .run import Campaign, campaign


def lose(one: Campaign, order_id: str, _: Refund) -> None:
    """The store forgets an order."""
    with one.desk._services.store.engine.begin() as connection:
        for table in ("event", "dossier", "refund"):
            connection.execute(text(f"DELETE FROM retour_{table} WHERE order_id = :id"), {"id": order_id})  # noqa: S608 - the test's own


def pay_again(one: Campaign, _: str, refund: Refund) -> None:
    """The same refund is sent with another key."""
    assert refund.instruction is not None
    stripe = one.sandboxes["stripe"]
    made = requests.post(
        f"{stripe.url}/v1/refunds",
        headers={"Authorization": f"Bearer {stripe.settings['api_key']}"},
        data={"payment_intent": refund.instruction.target, "amount": "1", "metadata[refund_id]": refund.id},
        timeout=10,
    )
    assert made.status_code == 200, made.text


def bounce(one: Campaign, _: str, refund: Refund) -> None:
    """A bank sends the money back, and nobody hears of it."""
    one.sandboxes["stripe"].fail(refund.reference)


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


TAMPERINGS: Mapping[str, Callable[[Campaign, str, Refund], None]] = {
    "lose": lose,
    "pay again": pay_again,
    "bounce": bounce,
    "book again": book_again,
    "ask nobody": ask_nobody,
}


def main() -> None:
    logging.getLogger("retour").setLevel(logging.CRITICAL)
    found: dict[str, list[str]] = {}
    for name, tamper in TAMPERINGS.items():
        with tempfile.TemporaryDirectory() as folder:
            database = f"sqlite:///{folder}/retour.db"
            with campaign(database, Path(folder), refunds=30, seed=5, workers=0, complete=False) as one:
                one.settle()
                assert audit(one).clean
                order_id, refund = next(
                    (order_id, refund)
                    for order_id, order in one.world.plan.orders.items()
                    for refund in one.desk.dossier(order_id).refunds.values()
                    if refund.state == "succeeded"
                    and refund.instruction
                    and refund.payment.startswith("stripe:")
                    and order.payment(refund.payment).captured.minor
                    > sum(each.amount.minor for each in one.sandboxes["stripe"].books(refund.instruction.target))
                )
                tamper(one, order_id, refund)
                found[name] = [what for what, several in audit(one).faults_found.items() if several]
    print(json.dumps(found))


if __name__ == "__main__":
    main()
