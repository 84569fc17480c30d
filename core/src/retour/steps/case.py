"""A case: one order in one step, as the shop has it now and with all that happened to it. Read once, and carried."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from retour.model.actor import Actor
from retour.model.attention import Attention
from retour.model.dossier import Dossier
from retour.model.errors import InvalidOrder, OrderUnreadable, RetourError, UnknownOrder
from retour.model.events.event import Recorded
from retour.model.fields import Id, Reference, check_again, is_text, shown, wanted_instead
from retour.model.frozen import frozen
from retour.model.history import History
from retour.model.ids import id_maker
from retour.model.making import changed
from retour.model.order import BankAccount, Order, Payment
from retour.model.text import text
from retour.rules.draft import Draft
from retour.shop import ShopCaller
from retour.store.clock import DatabaseTime, microseconds
from retour.store.store import Store


@frozen(kw_only=True)
class Case:
    """An order and its history. ``given`` is the order as the shop has it now, None where this step did not ask, and
    ``facts`` what an event may hold of that, where it was looked at. ``time`` tells the database's, which came with the
    history. ``listed`` is what a person must look at of it, where that was found already.

    What is decided on a case sees the shop's order first: an order or a payment that is met for the first time is
    recorded with the decision.
    """

    shop: str
    order_id: str
    history: History
    time: DatabaseTime
    given: Order | None = None
    facts: Order | None = None
    listed: Sequence[Attention] | None = None

    @property
    def dossier(self) -> Dossier:
        """All that is known of the order's returns and refunds."""
        return self.history.dossier

    @property
    def events(self) -> Sequence[Recorded]:
        """All that happened to the order, the oldest first."""
        return self.history.events

    @property
    def order(self) -> Order:
        """The order as the shop has it now, else as it was last seen. Raises `UnknownOrder` where it is neither."""
        order = self.given or self.dossier.order
        if order is None:
            raise _unknown(self.order_id)
        return order

    def payment(self, payment_id: str) -> Payment | None:
        """The payment with this id as it is now, else as it was last seen, also where it has left the order since; None
        where the order never had one."""
        if self.given is not None and (payment := _find(self.given, payment_id)) is not None:
            return payment
        return self.dossier.payments.get(payment_id)

    def draft(
        self, by: Actor, at: datetime.datetime, *, request_id: str | None = None, request_digest: str | None = None
    ) -> Draft:
        """A draft of what somebody decides, which has seen the order as the shop gave it."""
        draft = Draft(
            dossier=self.dossier,
            at=at,
            moment=self.time.now(),
            by=by,
            new_id=id_maker(microseconds(at) // 1000),
            request_id=request_id,
            request_digest=request_digest,
        )
        if self.given is not None:
            draft.see(self.given, self.facts)
        return draft

    def after(self, draft: Draft) -> Case:
        """This case with what a draft decided."""
        return changed(self, history=self.history.after(draft.events, draft.dossier), listed=None)


def _find(order: Order, payment_id: str) -> Payment | None:
    return next((payment for payment in order.payments if payment.id == payment_id), None)


def history_of(
    store: Store, shop: str, order_id: str, connection: Connection | None = None
) -> tuple[History, DatabaseTime]:
    """The history of an order, as it is stored, and what time it is. Raises `OrderUnreadable`; whoever meets it first
    keeps it. Raises `UnknownOrder` for what is no order's id."""
    check_order_id(order_id)
    try:
        events, time = store.events_now(shop, order_id, connection)
        return History.of(order_id, events), time
    except OrderUnreadable as error:
        raise store.unreadable.met(shop, error, connection) from error.__cause__


@frozen(kw_only=True)
class Cases:
    """Reads cases: one order read and one query."""

    store: Store
    shops: Callable[[str], ShopCaller]

    def read(self, shop: str, order_id: str, connection: Connection | None = None) -> Case:
        """The order as the shop has it now, and its history. Raises `UnknownOrder` and `OrderUnreadable`."""
        given = self._given(shop, order_id)
        case = self.as_last_seen(shop, order_id, connection)
        facts = case.dossier.order
        if facts is None or not _is_as_seen(given, facts):
            _check_made_by_its_class(given, order_id)
            facts = given.without_personal_data()
        return changed(case, given=given, facts=facts)

    def known(self, shop: str, order_id: str, connection: Connection | None = None) -> Case:
        """The order as the shop has it now, or as it was last seen where the shop has it no more: what was begun on it
        is finished all the same. Raises `UnknownOrder` where nobody ever saw it, and `OrderUnreadable`."""
        try:
            return self.read(shop, order_id, connection)
        except UnknownOrder:
            case = self.as_last_seen(shop, order_id, connection)
            if case.dossier.order is None:
                raise
            return case

    def as_last_seen(self, shop: str, order_id: str, connection: Connection | None = None) -> Case:
        """The order's history alone, for what needs no more: the shop is not asked, and may not have it any more.
        Raises `OrderUnreadable`."""
        history, time = history_of(self.store, shop, order_id, connection)
        return Case(shop=shop, order_id=order_id, history=history, time=time)

    def seen(self, shop: str, order_id: str) -> Case:
        """The order's history, for who looks at what happened. The shop is asked for no order but one that nobody has
        seen. Raises `UnknownOrder` where it has none either, and `OrderUnreadable`."""
        case = self.as_last_seen(shop, order_id)
        return changed(case, given=self.order(shop, order_id)) if case.dossier.order is None else case

    def knowing(self, case: Case, payment_id: str) -> Case:
        """The case with the order as the shop has it now, where that is the only place to find a payment. Raises
        `UnknownOrder`."""
        if case.payment(payment_id) is not None:
            return case
        return changed(case, given=self.order(case.shop, case.order_id), facts=None)

    def order(self, shop: str, order_id: str) -> Order:
        """The order as the shop has it now. Raises `UnknownOrder`, and `InvalidOrder` for one made behind the back of
        its class."""
        order = self._given(shop, order_id)
        _check_made_by_its_class(order, order_id)
        return order

    def _given(self, shop: str, order_id: str) -> Order:
        check_order_id(order_id)
        order = self.shops(shop).order(order_id)
        if order is None or not is_text(order.id) or order.id != order_id:
            raise _unknown(order_id)
        return order


def _is_as_seen(given: Order, seen: Order) -> bool:
    """Whether a shop gives the order that we last saw, whose values were checked when they were stored. That costs a
    tenth of checking all of them again."""
    try:
        return given.without_personal_data() == seen and _personal_data_can_be(given)
    except Exception:  # noqa: BLE001 - a value that was not made by its class can fail at anything
        return False


def _personal_data_can_be(given: Order) -> bool:
    """Whether what no event holds of an order is what its classes allow."""
    payers = [payment.payer for payment in given.payments if payment.payer is not None]
    check_again(payers)
    words = [given.customer]
    words += [] if given.delivery is None else [given.delivery.postal_code, given.delivery.country]
    whole = all(wanted_instead(one, Reference) is None for one in words)
    return whole and all(type(payer) is BankAccount for payer in payers)


def _check_made_by_its_class(given: Order, order_id: str) -> None:
    """Raise `InvalidOrder` for an order with a value that its class would have refused: a host can set a field past it,
    or turn the checks of attrs off."""
    try:
        check_again(given)
    except RetourError as fault:
        raise InvalidOrder(
            text("Order {order}: the shop gave an order that cannot be. {fault}", order=order_id, fault=fault.message)
        ) from fault


def check_order_id(order_id: object) -> None:
    """Raise `UnknownOrder` for what names no order."""
    if wanted_instead(order_id, Id) is not None:
        raise _unknown(order_id)


def _unknown(order_id: object) -> UnknownOrder:
    return UnknownOrder(text("The shop has no order {order}. Check the number.", order=shown(order_id)))
