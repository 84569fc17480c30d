"""``python -m crash.labels_campaign.tampering``: labels with whom nothing went wrong, and then what an audit must find.

Prints one line of JSON: what the audit found of each of them, each on books and a store of its own.
"""

from __future__ import annotations

import datetime
import json
import logging
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs
import requests
from crash.campaign.files import append
from sqlalchemy import text

from retour import Money
from retour.model.labels import Told
from retour_sendcloud.sandbox_returns import Charge, Moment

from .audit import audit
from .run import Campaign, campaign
from .world import ANNA, BOX, HOME


def buy_again(one: Campaign, order_id: str, label_id: str) -> None:
    """The same label is in the books twice."""
    booked = one.sandbox.returns.of(_reference(one, order_id, label_id))
    one.sandbox.returns.make(dict(booked.body), booked.option, booked.cost)


def buy_unasked(one: Campaign, order_id: str, label_id: str) -> None:
    """Somebody buys a label by API with an id that nobody gave it."""
    body = dict(one.sandbox.returns.of(_reference(one, order_id, label_id)).body)
    settings = one.world.settings
    made = requests.post(
        f"{one.sandbox.url}/api/v3/returns",
        json={**body, "external_reference": "lb-of-nobody"},
        auth=(settings["public_key"], settings["secret_key"]),
        timeout=10,
    )
    assert made.status_code == 201, made.text


def forget(one: Campaign, order_id: str, label_id: str) -> None:
    """The store forgets what was ordered."""
    with one.desk._services.store.engine.begin() as connection:
        connection.execute(
            text("DELETE FROM retour_event WHERE order_id = :id AND type LIKE 'label%' OR type LIKE 'parcel%'"),
            {"id": order_id},
        )


def vanish(one: Campaign, order_id: str, label_id: str) -> None:
    """Sendcloud never had it."""
    returns = one.sandbox.returns
    gone = returns.made.pop(int(_reference(one, order_id, label_id)))
    del returns._of_parcel[gone.parcel]
    returns._of_order[gone.order_number].remove(gone)


def cancel_there(one: Campaign, order_id: str, label_id: str) -> None:
    """It is cancelled at Sendcloud, and nobody hears of it."""
    one.sandbox.returns.cancel(one.sandbox.returns.of(_reference(one, order_id, label_id)))
    one.sandbox.advance(datetime.timedelta(hours=1))


def scan_cancelled(one: Campaign, order_id: str, label_id: str) -> None:
    """A label that was cancelled is used all the same."""
    one.desk.cancel_label(order_id, label_id, by=ANNA)
    one.work_off()
    booked = one.sandbox.returns.of(_reference(one, order_id, label_id))
    booked.history.append(Moment(status="picked-up-by-driver", at=one.clock.now()))


def charge_more(one: Campaign, order_id: str, label_id: str) -> None:
    """The ledger has a cent more."""
    reference = _reference(one, order_id, label_id)
    one.sandbox.returns.charges.append(Charge(reference=reference, amount=Money.of("0.01", "EUR"), at=one.clock.now()))


def tell_another(one: Campaign, order_id: str, label_id: str) -> None:
    """One page was answered with two labels."""
    _tell(one, order_id, f"{label_id}x")


def order_beside(one: Campaign, order_id: str, label_id: str) -> None:
    """Two labels are bought for one parcel."""
    one.desk.order_label(
        order_id,
        one.world.returns[order_id],
        one.world.option,
        sender=HOME,
        parcel=BOX,
        by=ANNA,
        request_id="another",
        another_parcel=True,
    )
    one.work_off()


def not_cancelled(one: Campaign, order_id: str, label_id: str) -> None:
    """A label was to be cancelled, and nobody ever asked Sendcloud."""
    with one.desk._services.store.engine.begin() as connection:
        connection.execute(text("DELETE FROM retour_effect WHERE kind = 'look_at_label'"))
    one.sandbox.server.handle = lambda request, handle=one.sandbox.server.handle: (  # type: ignore[misc]
        attrs.evolve(handle(request), status=202, body={}) if request.method == "PATCH" else handle(request)
    )
    one.desk.cancel_label(order_id, label_id, by=ANNA)
    with one.desk._services.store.engine.begin() as connection:
        connection.execute(text("DELETE FROM retour_effect WHERE kind = 'cancel_label' OR kind = 'look_at_label'"))
    one.look_for_silent_cancellations()


def say_nothing(one: Campaign, order_id: str, label_id: str) -> None:
    """Nobody knows whether a label was made, and no effect asks."""
    with one.desk._services.store.engine.begin() as connection:
        connection.execute(
            text("DELETE FROM retour_event WHERE order_id = :id AND type IN ('label_reported', 'parcel_moved')"),
            {"id": order_id},
        )


TAMPERINGS: Mapping[str, Callable[[Campaign, str, str], None]] = {
    one.__name__.replace("_", " "): one
    for one in (
        buy_again,
        buy_unasked,
        forget,
        vanish,
        cancel_there,
        scan_cancelled,
        charge_more,
        tell_another,
        order_beside,
        not_cancelled,
        say_nothing,
    )
}


def _tell(one: Campaign, order_id: str, label_id: str) -> None:
    append(one.world.folder / "told", {"order": order_id, "request": "page", "label": label_id, "kind": "order"})


def _reference(one: Campaign, order_id: str, label_id: str) -> str:
    return next(booked.reference for booked in one.sandbox.books(order_id) if booked.label_id == label_id)


def found_of(tamper: Callable[[Campaign, str, str], None] | None) -> list[str]:
    """What an audit finds when somebody tampered with a label that is ready."""
    with (
        tempfile.TemporaryDirectory() as name,
        campaign(f"sqlite:///{name}/retour.db", Path(name), orders=2, seed=1, workers=0) as one,
    ):
        order_id, return_id = next(iter(one.world.returns.items()))
        made = one.desk.order_label(
            order_id, return_id, one.world.option, sender=HOME, parcel=BOX, by=ANNA, request_id="page"
        )
        assert made.label_id is not None
        append(
            one.world.folder / "told", {"order": order_id, "request": "page", "label": made.label_id, "kind": "order"}
        )
        one.settle()
        assert [booked.told for booked in one.sandbox.books(order_id)] == [Told.READY]
        if tamper is not None:
            tamper(one, order_id, made.label_id)
        return [what for what, several in audit(one).found.items() if several]


def main() -> None:
    logging.getLogger("retour").setLevel(logging.CRITICAL)
    found = {"nothing": found_of(None), **{name: found_of(tamper) for name, tamper in TAMPERINGS.items()}}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
