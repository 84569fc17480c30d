"""Returns to look at: what customers and the merchant did in the past weeks, each by the desk's own commands and at the
providers' sandboxes, at its time. The clock of the sandboxes, which is the shop's and its database's too, goes back to
the first of them, from one to the next, and comes to now again."""

from __future__ import annotations

import datetime
import heapq
from collections.abc import Callable, Iterator, Sequence
from zoneinfo import ZoneInfo

import attrs
from sqlalchemy import Connection, select

from retour import Actor, Counted, LabelForm, Order, Outcome, RequestedLine, RestockDecision, reading
from webshop import tables
from webshop.once import Making
from webshop.parcels import label_of, sending
from webshop.returns import saved_with_status
from webshop.running import RunningShop
from webshop.sandboxes import Sandboxes

CARRIER, TRACKING = "PostNL", "3SWEBS{order}"
"""With whom customers send parcels themselves, and what these are called."""

NO_ADDRESS = "Adres is niet bekend bij de vervoerder"
"""Why a carrier refuses a label, in its own words."""


@attrs.frozen
class Later:
    """The next thing happens so many ``days`` later, ``at`` that time of the shop's day."""

    at: str
    days: int = 0

    def after(self, day: datetime.date, zone: ZoneInfo) -> datetime.datetime:
        """When that is, counted from a ``day``."""
        time = datetime.time.fromisoformat(self.at)
        return datetime.datetime.combine(day + datetime.timedelta(days=self.days), time, tzinfo=zone)


@attrs.define(kw_only=True)
class OneReturn:
    """What happens with one return of an ``order``, for a ``reason``: each method is a way that it goes, and gives when
    its next step is."""

    shop: RunningShop
    sandboxes: Sandboxes
    order: Order
    reason: str
    return_id: str = ""

    # --- how far it comes --------------------------------------------------------------------------------

    def announced(self) -> Iterator[Later]:
        """Its customer asks for it, and the shop's rules say at once whether he may."""
        lines = [RequestedLine(line_id=one.id, quantity=one.fulfilled, reason=self.reason) for one in self.order.goods]
        asked = self.shop.desk.request_return(self.order.id, lines, by=self.customer, request_id=_first("return"))
        self.return_id = str(asked.return_id)
        yield from ()

    def cancelled(self) -> Iterator[Later]:
        """He keeps the goods after all."""
        yield from self.announced()
        yield Later("21:40")
        self.shop.desk.cancel_return(self.order.id, self.return_id, by=self.customer)

    def rejected(self) -> Iterator[Later]:
        """It was asked for too late, and the merchant rejects it."""
        yield from self.announced()
        yield Later("10:20", days=1)
        because = "De bedenktijd was voorbij en de vaas is gebruikt."
        self.shop.desk.reject_return(self.order.id, self.return_id, by=self.merchant, because=because)

    def with_label(self) -> Iterator[Later]:
        """He has a label made, which is announced to its carrier in a minute."""
        yield from self.announced()
        yield Later("20:24")
        sends = sending(self.shop, self.order, {one.id: one.fulfilled for one in self.order.goods}, self.customer)
        if sends is None:
            raise LookupError(f"order {self.order.id} is gone")
        options = self.shop.desk.label_options(self.order.id, **sends)
        to_print = next(one for one in options if one.form is LabelForm.PDF and not one.pick_up)
        form = _first(label_of(self.return_id))
        self.shop.desk.order_label(self.order.id, self.return_id, to_print, **sends, request_id=form)
        yield Later("20:26")

    def with_refused_label(self) -> Iterator[Later]:
        """The carrier refuses his label, and the desk reads why."""
        self.sandboxes.shipping("sendcloud").refuse(NO_ADDRESS)
        yield from self.with_label()
        self.shop.desk.reconcile_labels(self.order.id)

    def on_its_way(self) -> Iterator[Later]:
        """He hands the parcel in."""
        yield from self.with_label()
        yield Later("17:40", days=1)
        self.sandboxes.shipping("sendcloud").scan(self.label)

    def lost(self) -> Iterator[Later]:
        """The carrier loses it."""
        yield from self.on_its_way()
        yield Later("08:30", days=4)
        self.sandboxes.shipping("sendcloud").lose(self.label)

    def arrived(self) -> Iterator[Later]:
        """It is at the shop."""
        yield from self.on_its_way()
        yield Later("11:05", days=1)
        self.sandboxes.shipping("sendcloud").deliver(self.label)

    def sent_by_himself(self) -> Iterator[Later]:
        """He sends it with a carrier of his own choice."""
        yield from self.announced()
        yield Later("16:10", days=1)
        self.shop.desk.mark_sent(
            self.order.id,
            self.return_id,
            by=self.customer,
            carrier=CARRIER,
            tracking=TRACKING.format(order=self.order.id),
            sent_on=self._today,
        )

    def counted(self) -> Iterator[Later]:
        """The merchant counts it: what is in it goes in stock, or he is asked."""
        yield from self.arrived()
        yield Later("09:40", days=1)
        self._count(damaged=0)

    def counted_with_damage(self) -> Iterator[Later]:
        """One unit is damaged, and is not sold again."""
        yield from self.sent_by_himself()
        yield Later("09:50", days=2)
        self._count(damaged=1)
        self._answer()

    def refunded(self) -> Iterator[Later]:
        """The money goes back through the payment's provider, which takes a day or two."""
        yield from self.sent_by_himself()
        yield Later("09:45", days=2)
        self._count(damaged=0)
        self._answer()
        yield from self._refunded_by_api()

    def refunded_with_label(self) -> Iterator[Later]:
        """The same, with a label of the shop."""
        yield from self.counted()
        self._answer()
        yield from self._refunded_by_api()

    def refund_failed(self) -> Iterator[Later]:
        """The customer's bank does not take the money."""
        self._set_returned()
        self._answer()
        yield Later("14:15")
        self._refund()
        yield Later("08:05", days=1)
        [refund] = self.shop.desk.dossier(self.order.id).refunds.values()
        self.sandboxes.payment(self.order.payments[0].provider).fail(refund.reference)

    def brought_and_refunded(self) -> Iterator[Later]:
        """He brings it to the shop without a word before: the merchant sets the order to Returned, as in the article
        that the shop's pages follow."""
        self._set_returned()
        self._answer()
        yield from self._refunded_by_api()

    def brought_and_to_be_refunded(self) -> Iterator[Later]:
        """The merchant opened the link to refund it at the provider, and has not done it yet."""
        self._set_returned()
        self._answer()
        yield Later("11:30")
        [option] = self.shop.desk.refund_options(self.order.id)
        self.shop.desk.open_refund_link(
            self.order.id, option.payment.id, option.suggested, by=self.merchant, request_id=self._refund_form
        )

    def to_be_transferred(self) -> Iterator[Later]:
        """It goes back by bank transfer, which the merchant has to make."""
        yield from self.counted_with_damage()
        yield Later("15:20")
        self._refund()

    def transferred(self) -> Iterator[Later]:
        """He made it, and says so."""
        yield from self.to_be_transferred()
        yield Later("16:45", days=1)
        [refund] = self.shop.desk.dossier(self.order.id).refunds.values()
        self.shop.desk.confirm_refund(
            self.order.id,
            refund.payment,
            refund.amount,
            reference=f"{self._today:%Y-%m%d}-{self.order.id}",
            by=self.merchant,
            request_id=_first(f"confirm {refund.id}"),
            refund_id=refund.id,
        )

    # --- its steps ---------------------------------------------------------------------------------------

    @property
    def customer(self) -> Actor:
        """Who ordered."""
        return Actor.customer(self.order.customer)

    @property
    def merchant(self) -> Actor:
        """Who works in the shop."""
        return Actor.staff(self.shop.staff)

    @property
    def label(self) -> str:
        """What the provider of its label calls it."""
        return self.sandboxes.shipping("sendcloud").books(self.order.id)[-1].reference

    @property
    def _today(self) -> datetime.date:
        return self.sandboxes.clock.now().astimezone(ZoneInfo(self.shop.zone)).date()

    @property
    def _refund_form(self) -> str:
        return _first(f"refund {self.order.payments[0].id}")

    def _count(self, *, damaged: int) -> None:
        first, *others = self.order.goods
        counts = [
            Counted(line_id=first.id, sellable=first.fulfilled - damaged, damaged=damaged),
            *[Counted(line_id=one.id, sellable=one.fulfilled) for one in others],
        ]
        desk, return_id = self.shop.desk, self.return_id
        saved_with_status(
            self.shop,
            self.order.id,
            lambda connection: [
                desk.receive(
                    self.order.id,
                    return_id,
                    counts,
                    by=self.merchant,
                    request_id=_first("count"),
                    connection=connection,
                )
            ],
        )

    def _set_returned(self) -> None:
        desk = self.shop.desk

        def marked(connection: Connection) -> Sequence[Outcome]:
            return [desk.mark_returned(self.order.id, by=self.merchant, connection=connection)]

        self.return_id = str(saved_with_status(self.shop, self.order.id, marked).return_id)

    def _answer(self) -> None:
        """Where he is asked about the stock, he presses OK."""
        if self.shop.desk.dossier(self.order.id).return_(self.return_id).question_open:
            self.shop.desk.answer_restock(self.order.id, self.return_id, RestockDecision.all(), by=self.merchant)

    def _refund(self) -> None:
        [option] = self.shop.desk.refund_options(self.order.id)
        self.shop.desk.refund(
            self.order.id, option.payment.id, option.suggested, by=self.merchant, request_id=self._refund_form
        )

    def _refunded_by_api(self) -> Iterator[Later]:
        yield Later("14:15")
        self._refund()
        yield Later("14:45", days=1)
        yield Later("14:45", days=1)


@attrs.frozen
class Wanted:
    """A return to look at: the ``way`` that it goes, so many days ago at first, for a ``reason``. ``late`` is of an
    order of long before; ``provider`` and ``several`` products where it matters which order it is."""

    way: Callable[[OneReturn], Iterator[Later]]
    days_ago: int
    reason: str = ""
    provider: str = ""
    several: bool | None = None
    at: str = "20:15"
    late: bool = False

    @property
    def with_label(self) -> bool:
        """Whether its parcel has a label of the shop."""
        return self.way in WITH_LABEL

    @property
    def by_api(self) -> bool:
        """Whether a provider makes its refund, or shows it."""
        return self.way in BY_API


WITH_LABEL = (
    OneReturn.arrived,
    OneReturn.counted,
    OneReturn.lost,
    OneReturn.on_its_way,
    OneReturn.refunded_with_label,
    OneReturn.with_label,
    OneReturn.with_refused_label,
)
"""The ways on which a label is made: of orders that were sent with the provider of labels."""

BY_API = (
    OneReturn.brought_and_refunded,
    OneReturn.brought_and_to_be_refunded,
    OneReturn.refunded,
    OneReturn.refunded_with_label,
)
"""The ways on which the money goes back at the provider of the payment."""

RETURNS = (
    Wanted(OneReturn.refunded, 34, "not_as_expected"),
    Wanted(OneReturn.brought_and_refunded, 33, at="10:50"),
    Wanted(OneReturn.refunded, 30, "damaged_on_arrival"),
    Wanted(OneReturn.refunded, 27, "too_small"),
    Wanted(OneReturn.transferred, 26, "damaged_on_arrival", "manual_transfer"),
    Wanted(OneReturn.refunded, 25, "not_as_expected"),
    Wanted(OneReturn.cancelled, 23, "changed_mind"),
    Wanted(OneReturn.brought_and_refunded, 20, at="14:05"),
    Wanted(OneReturn.refunded, 19, "damaged_on_arrival"),
    Wanted(OneReturn.transferred, 17, "not_as_expected", "manual_transfer"),
    Wanted(OneReturn.refunded, 16, "wrong_product_received"),
    Wanted(OneReturn.lost, 13, "changed_mind"),
    Wanted(OneReturn.refunded, 12, "too_large"),
    Wanted(OneReturn.rejected, 12, "other", late=True),
    Wanted(OneReturn.refunded_with_label, 10, "not_as_expected"),
    Wanted(OneReturn.refund_failed, 9, provider="mollie", at="10:05"),
    Wanted(OneReturn.refunded, 8, "damaged_on_arrival"),
    Wanted(OneReturn.with_refused_label, 7, "not_as_described"),
    Wanted(OneReturn.to_be_transferred, 6, "damaged_on_arrival", "manual_transfer"),
    Wanted(OneReturn.counted, 5, "several_sizes", several=True),
    Wanted(OneReturn.arrived, 4, "not_as_expected"),
    Wanted(OneReturn.brought_and_to_be_refunded, 3, at="11:10"),
    Wanted(OneReturn.arrived, 3, "changed_mind"),
    Wanted(OneReturn.sent_by_himself, 2, "changed_mind"),
    Wanted(OneReturn.on_its_way, 2, "too_small"),
    Wanted(OneReturn.with_label, 1, "not_as_expected"),
    Wanted(OneReturn.with_label, 1, "better_price"),
    Wanted(OneReturn.announced, 1, "changed_mind"),
    Wanted(OneReturn.announced, 1, "does_not_work", late=True),
)
"""What came back in the past weeks, the oldest first: of each state at least one."""

SOONEST, WINDOW = datetime.timedelta(days=2), datetime.timedelta(days=26)
"""How long after the order a return is asked for; what is late is asked for after `LATE`."""

LATE = datetime.timedelta(days=34)
"""Beyond the shop's return window, also where that ends after a weekend."""


def live_through(shop: RunningShop) -> int:
    """Let `RETURNS` happen, each with an order of its own, as far as there are orders that fit; gives how many there
    are. For a shop of sandboxes in which nothing happened yet, and before anybody opens it."""
    sandboxes = shop.sandboxes
    if sandboxes is None:
        raise ValueError("only sandboxes have a clock that goes back")
    clock, zone = sandboxes.clock, ZoneInfo(shop.zone)
    moved, now = datetime.timedelta(), clock.now()
    orders = _orders(shop)
    to_come: list[tuple[datetime.datetime, int, Iterator[Later]]] = []
    for number, wanted in enumerate(RETURNS):
        begins = Later(wanted.at).after(now.astimezone(zone).date() - datetime.timedelta(days=wanted.days_ago), zone)
        order = _taken(orders, wanted, begins)
        if order is not None:
            one = OneReturn(shop=shop, sandboxes=sandboxes, order=order, reason=wanted.reason)
            to_come.append((begins, number, wanted.way(one)))
    lived = len(to_come)
    heapq.heapify(to_come)
    while to_come:
        moment, number, way = heapq.heappop(to_come)
        by = moment - clock.now()
        clock.advance(by)
        moved += by
        following = next(way, None)
        _tell(shop, sandboxes)
        if following is not None:
            heapq.heappush(to_come, (following.after(moment.date(), zone), number, way))
    clock.advance(-moved)
    return lived


def _orders(shop: RunningShop) -> list[Order]:
    """The orders that went out, the newest first."""
    went_out = select(tables.order.c.id).where(tables.order.c.shipped).order_by(tables.order.c.placed_at.desc())
    with reading(shop.engine) as connection:
        ids = connection.execute(went_out).scalars().all()
    read = shop.port.read_orders(ids)
    return [read[one] for one in ids]


def _taken(orders: list[Order], wanted: Wanted, begins: datetime.datetime) -> Order | None:
    """The newest order that fits, which is no other return's any more."""
    for order in orders:
        if order.placed_at is None or order.delivery is None:
            continue
        since, paid_at = begins - order.placed_at, order.payments[0].provider
        in_time = since > LATE if wanted.late else SOONEST <= since <= WINDOW
        paid = wanted.provider in ("", paid_at) and not (wanted.by_api and paid_at == "manual_transfer")
        products = wanted.several is None or wanted.several is (len(order.goods) > 1)
        if in_time and paid and products and (order.delivery.provider or not wanted.with_label):
            orders.remove(order)
            return order
    return None


def _tell(shop: RunningShop, sandboxes: Sandboxes) -> None:
    """Bring the desk what the providers have to tell by now."""
    told = False
    for webhook in sandboxes.take_webhooks():
        shop.desk.receive_webhook(webhook.provider, webhook.headers, webhook.body, mode=webhook.mode)
        told = True
    if told:
        shop.desk.work()


def _first(kind: str) -> str:
    """The id of the form that makes the first of a kind, as its page has it."""
    return Making(kind=kind, made=0, number=1).request_id
