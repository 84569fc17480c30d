"""Orders to try the shop with, made anew each time: plain placeholder customers, and payments at the sandboxes."""

from __future__ import annotations

import datetime
import math
import random
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Engine, insert, select, update

from retour import Actor, Mode, Money, reading
from webshop import tables
from webshop.running import RunningShop
from webshop.statuses import Status

PRODUCTS = {
    "theepot": ("Theepot", 4995, 900),
    "kop": ("Kop", 1335, 300),
    "bord": ("Bord", 1195, 550),
    "schaal": ("Schaal", 2495, 800),
    "vaas-groen": ("Vaas groen", 2950, 1100),
    "kaars": ("Kaars", 495, 200),
    "handdoek-blauw": ("Handdoek blauw", 1295, 450),
    "tafelkleed": ("Tafelkleed", 3995, 700),
    "snijplank": ("Snijplank", 1850, 1200),
    "karaf": ("Karaf", 2275, 950),
}
"""What is sold, with its name, its price in cents and what it weighs in grams."""

PAID_BY = (
    ("mollie", "ideal"),
    ("stripe", "card"),
    ("paypal", "paypal"),
    ("manual_transfer", "invoice"),
    ("manual_transfer", "bank_transfer_in_advance"),
)
"""How the orders are paid, in turn; so many that each way meets each status."""

_OWN = frozenset([provider for provider, _ in PAID_BY])

STATUSES = (Status.SHIPPED, Status.SHIPPED, Status.SHIPPED, Status.PICKED_UP, Status.PAID, Status.PENDING)
"""How far they are, in turn."""

DELIVERY, RATE, IN_STOCK, FIRST = 495, 21, 20, 1001

BETWEEN, YEAR = datetime.timedelta(hours=11), datetime.timedelta(days=365)
"""From one order to the next, where they fit into a year."""

Pay = Callable[[str, Money], str]
"""A customer pays an amount at a provider; gives what the provider calls the payment."""


def ways_to_pay(providers: Sequence[str]) -> Sequence[tuple[str, str]]:
    """`PAID_BY` behind those of these providers that it has not, each as often as lets each way meet each status."""
    more = [(provider, "") for provider in providers if provider not in _OWN]
    ways = [*more, *PAID_BY]
    while math.gcd(len(ways), len(STATUSES)) > 1:
        ways = [more[0], *ways]
    return ways


def fill(
    engine: Engine,
    pay: Pay,
    *,
    orders: int = 60,
    now: datetime.datetime | None = None,
    paid_by: Sequence[tuple[str, str]] = PAID_BY,
) -> None:
    """Write products, customers and so many orders of the last weeks, of a year at most; the oldest has the first
    number. They are the same every time, but for what the providers call the payments."""
    now = now or datetime.datetime.now(datetime.UTC)
    between = min(BETWEEN, YEAR / max(orders, 1))
    dice = random.Random(orders)  # noqa: S311 - which products somebody buys is no secret
    rows: dict[str, list[dict[str, Any]]] = {"customer": [], "order": [], "order_line": [], "payment": []}
    for position in range(orders):
        way = paid_by[position % len(paid_by)]
        _one_order(rows, position, now - between * (orders - position), dice, pay, way)
    with engine.begin() as connection:
        products = [
            {"id": key, "name": name, "grams": grams, "stock": IN_STOCK} for key, (name, _, grams) in PRODUCTS.items()
        ]
        connection.execute(insert(tables.product), products)
        for name, values in rows.items():
            if values:
                connection.execute(insert(tables.metadata.tables[f"shop_{name}"]), values)


def bring_back(shop: RunningShop, returns: int) -> None:
    """Let that many of the orders that went out come back, the newest first: all of each by the desk, as a merchant
    does, and for each third of them money that waits for him to pay it back."""
    by = Actor.staff(shop.staff)
    went_out = select(tables.order.c.id).where(tables.order.c.shipped).order_by(tables.order.c.placed_at.desc())
    with reading(shop.engine) as connection:
        orders = connection.execute(went_out.limit(returns)).scalars().all()
    for number, order_id in enumerate(orders):
        shop.desk.mark_returned(order_id, by=by)
        if number % 3 == 0:
            for option in shop.desk.refund_options(order_id):
                shop.desk.open_refund_link(
                    order_id, option.payment.id, option.suggested, by=by, request_id=f"bring-back-{order_id}"
                )
    with shop.engine.begin() as connection:
        came_back = tables.order.c.id.in_(orders)
        connection.execute(update(tables.order).where(came_back).values(status=Status.RETURNED.value))


def announce(shop: RunningShop, returns: int) -> Sequence[str]:
    """Let the customers of that many orders that are with them announce that they send all of it back, the newest
    first; and let the merchant approve what is asked for too late. Gives the orders."""
    sent = select(tables.order.c.id, tables.order.c.customer_id).where(tables.order.c.status == Status.SHIPPED.value)
    with reading(shop.engine) as connection:
        orders = connection.execute(sent.order_by(tables.order.c.placed_at.desc()).limit(returns)).all()
    read = shop.port.read_orders([order_id for order_id, _ in orders])
    for order_id, customer_id in orders:
        lines = {line.id: line.fulfilled for line in read[order_id].goods}
        by = Actor.customer(customer_id)
        asked = shop.desk.request_return(order_id, lines, by=by, request_id=f"announce-{order_id}")
        shop.desk.approve_return(order_id, str(asked.return_id), by=Actor.staff(shop.staff))
    return list(read)


def _one_order(
    rows: dict[str, list[dict[str, Any]]],
    position: int,
    placed: datetime.datetime,
    dice: random.Random,
    pay: Pay,
    way: tuple[str, str],
) -> None:
    order_id, customer_id = str(FIRST + position), f"klant-{FIRST + position}"
    status = STATUSES[position % len(STATUSES)]
    chosen = dice.sample(sorted(PRODUCTS), 1 + position % 3)
    lines = [_line(order_id, number, product, dice.randint(1, 3)) for number, product in enumerate(chosen, start=1)]
    total = sum(line["net"] + line["tax"] for line in lines) + DELIVERY
    rows["customer"].append(_customer(customer_id, position))
    rows["order_line"] += lines
    rows["order"].append(
        {
            "id": order_id,
            "customer_id": customer_id,
            "status": status.value,
            "placed_at": placed,
            "currency": "EUR",
            "total": total,
            "delivery": DELIVERY,
            "shipped": status not in (Status.PAID, Status.PENDING),
            "shipped_with": "sendcloud" if status is Status.SHIPPED else "",
            "note": "Graag bij de buren afgeven als er niemand thuis is." if position % 7 == 3 else "",
        }
    )
    if status is not Status.PENDING:
        rows["payment"].append(_payment(order_id, *way, total, placed, pay))


def _line(order_id: str, number: int, product: str, units: int) -> dict[str, Any]:
    name, price, _ = PRODUCTS[product]
    gross = price * units
    net = round(gross * 100 / (100 + RATE))
    return {
        "order_id": order_id,
        "id": f"line-{number}",
        "product_id": product,
        "name": name,
        "units": units,
        "net": net,
        "tax": gross - net,
        "rate": RATE,
    }


def _customer(customer_id: str, position: int) -> dict[str, Any]:
    return {
        "id": customer_id,
        "name": f"Klant {FIRST + position}",
        "email": f"{customer_id}@voorbeeld.example",
        "street": f"Voorbeeldstraat {position + 1}",
        "postal_code": "1012 LM",
        "city": "Amsterdam",
        "country": "NL",
    }


def _payment(
    order_id: str, provider: str, method: str, total: int, placed: datetime.datetime, pay: Pay
) -> dict[str, Any]:
    by_transfer = provider == "manual_transfer"
    return {
        "order_id": order_id,
        "provider": provider,
        "reference": pay(provider, Money(minor=total, currency="EUR")),
        "method": method,
        "mode": (Mode.LIVE if by_transfer else Mode.TEST).value,
        "captured": total,
        "paid_at": placed + datetime.timedelta(minutes=1),
        "payer_name": f"Klant {order_id}" if by_transfer else "",
        "payer_iban": "NL91ABNA0417164300" if by_transfer else "",
    }
