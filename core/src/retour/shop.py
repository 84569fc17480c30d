"""The port that a host implements: what retour needs from a shop, and nothing more."""

from __future__ import annotations

import inspect
import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from retour.model.actor import Actor
from retour.model.asking import asking
from retour.model.errors import InvalidOrder, InvalidShop
from retour.model.fields import check_again, is_text
from retour.model.frozen import frozen
from retour.model.making import apart
from retour.model.order import Order
from retour.model.returns import StockMovement
from retour.model.text import Text, as_a_name, text, texts

if TYPE_CHECKING:
    from sqlalchemy import Connection

log = logging.getLogger("retour.shop")


@runtime_checkable
class Shop(Protocol):
    """A host's shop. Every method may be called from several threads at once."""

    def order(self, order_id: str) -> Order | None:
        """The order as it is now, or None when there is no such order.

        Read again by every command that counts units or money, so it should be cheap: one or two queries.
        """

    def find_order(self, provider: str, reference: str) -> str | None:
        """The id of the order that was paid by ``reference`` at ``provider`` (``"mollie"``, ``"tr_…"``), or None.

        ``reference`` is the provider's own name for the payment. A shop that stores it with a prefix (``capture:…``)
        finds it without the prefix too: it is one of `Payment.names`.
        """

    def book_stock(self, movements: Sequence[StockMovement]) -> None:
        """Add ``quantity`` units (below zero: take them out) of ``product`` to the stock, for each of ``movements``.

        All of them or none, in one transaction of yours. Called at least once for each movement; one whose ``id`` was
        booked before changes nothing: keep the ids with the bookings, in the same transaction. Raise `StockRefused`
        with the ids of those that can never be booked (the product is gone), and you are asked again without them; any
        other exception means "try again later".
        """


@runtime_checkable
class ShopInSameDatabase(Shop, Protocol):
    """A host's shop whose stock lies in the database in which the desk keeps its own, the desk's ``store``.

    Then stock and what is known of it are saved together, in one transaction in place of three. ``book_stock`` is still
    needed, for what could not be booked so.
    """

    def book_stock_on(self, connection: Connection, movements: Sequence[StockMovement]) -> None:
        """Do what ``book_stock`` does, on this connection alone: it is in the transaction that saves what was decided,
        and that is committed, or taken back, by who called.

        Called before anything else is written in it, and no row of an order is locked meanwhile. Whatever it raises
        takes back the whole transaction; then ``book_stock`` is called for the same movements.
        """


@runtime_checkable
class ShopReadingPages(Shop, Protocol):
    """A host's shop that reads several orders at once: rows of lists have their order then, with its customer and the
    names of its lines."""

    def read_orders(self, order_ids: Sequence[str]) -> Mapping[str, Order]:
        """The orders with these ids as they are now, by their id; those that there are not are left out.

        Asked once for each page of `ReturnDesk.list_returns` and `ReturnDesk.list_refunds`, with at most 500 ids, each
        once: one query of yours, in place of one for each row. A row whose order is missing or is none has none; where
        this raises, no row of the page has one, and the page says why.
        """


@runtime_checkable
class ShopWithNames(Shop, Protocol):
    """A host's shop that says how the people who did something are called, for whoever reads a timeline.

    retour keeps the ids of actors and no names: those are personal data of yours, may change, and have to go when
    somebody asks for that. So they are asked for when a timeline is read, and events from before you had this method
    have names too.
    """

    def name_actors(self, actors: Sequence[Actor]) -> Mapping[Actor, str]:
        """How each of ``actors`` is called: customers and staff of one timeline, each once, in one call. Leave out
        those whom you do not know; for them the timeline says what it says without you.

        A name is shown as plain text of 100 characters at most. Whatever this raises costs the names, not the timeline.
        """


class MemoryShop:
    """A shop in memory, for tests, examples and the demo.

    ``stock`` counts units per product; ``bookings`` are the movements that were applied, in their order.
    """

    def __init__(self, orders: Iterable[Order] = ()) -> None:
        self.orders: dict[str, Order] = {order.id: order for order in orders}
        self.stock: dict[str, int] = {}
        self.bookings: dict[str, StockMovement] = {}
        self._lock = threading.Lock()

    def order(self, order_id: str) -> Order | None:
        """The order, or None."""
        return self.orders.get(order_id)

    def read_orders(self, order_ids: Sequence[str]) -> Mapping[str, Order]:
        """Those of the orders that there are, by their id."""
        return {order_id: self.orders[order_id] for order_id in order_ids if order_id in self.orders}

    def find_order(self, provider: str, reference: str) -> str | None:
        """The id of the order with such a payment, or None."""
        for order in self.orders.values():
            for payment in order.payments:
                if payment.provider == provider and reference in payment.names:
                    return order.id
        return None

    def book_stock(self, movements: Sequence[StockMovement]) -> None:
        """Book movements, each once."""
        with self._lock:
            for movement in movements:
                if movement.id not in self.bookings:
                    self.bookings[movement.id] = movement
                    self.stock[movement.product] = self.stock.get(movement.product, 0) + movement.quantity


@frozen
class ShopCaller:
    """Calls a host's shop, and nothing else in retour does: what crosses is a value of its own on each side.

    ``id`` is the shop's. What the host raises goes on up.
    """

    id: str
    shop: Shop

    def order(self, order_id: str) -> Order | None:
        """The order as it is at this moment. Raises `InvalidOrder` for what is no order."""
        with asking("Shop.order", self.id, order_id):
            given = self.shop.order(order_id)
        if given is None:
            return None
        if type(given) is not Order:  # a kind of its own is never equal to what is read back
            raise InvalidOrder(
                text(
                    "Order {order}: the shop gave {given}. Shop.order gives an Order, or None where there is none.",
                    order=order_id,
                    given=type(given).__name__,
                )
            )
        return apart(given)

    def find_order(self, provider: str, reference: str) -> str | None:
        """The id of the order that was paid by ``reference``. Raises `InvalidShop` for what is no id."""
        with asking("Shop.find_order", self.id, provider, reference):
            given = self.shop.find_order(provider, reference)
        if given is not None and not isinstance(given, str):
            raise InvalidShop(
                text(
                    "Shop.find_order gave {given}. It gives the id of an order, a text, or None.",
                    given=type(given).__name__,
                )
            )
        return given

    def book_stock(self, movements: Sequence[StockMovement]) -> None:
        """Let the shop book movements, all or none."""
        with asking("Shop.book_stock", self.id):
            self.shop.book_stock(apart(tuple(movements)))

    def names_of(self, actors: Sequence[Actor]) -> Mapping[Actor, str]:
        """How customers and staff are called, as far as the shop says so: no timeline is lost for the lack of it."""
        ask: Any = getattr(self.shop, "name_actors", None)
        if not callable(ask) or not actors:
            return {}
        try:
            with asking("Shop.name_actors", self.id):
                given = dict(ask(tuple(actors)))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a directory of people that is away
            log.warning("Shop.name_actors of shop %s failed: %s", self.id, type(error).__name__)
            return {}
        return {actor: as_a_name(given[actor]) for actor in actors if isinstance(given.get(actor), str)}

    @property
    def reads_several(self) -> bool:
        """Whether the shop reads several orders at once."""
        return callable(getattr(self.shop, "read_orders", None))

    def read_orders(self, order_ids: Sequence[str]) -> tuple[dict[str, Order], Text | None]:
        """Those of these orders that the shop gives as what they are; and what was wrong with its answer, if anything:
        a list is not to fail over a name."""
        shop: Any = self.shop
        try:
            with asking("Shop.read_orders", self.id, most=1):
                given = shop.read_orders(list(order_ids))
            found = [(order_id, given.get(order_id)) for order_id in order_ids]
        except KeyboardInterrupt:
            raise
        except BaseException:
            log.warning("shop %s: %s", self.id, _READ_ORDERS_GIVES, exc_info=True)
            return {}, text(
                "The shop could not tell who the customers of these orders are and what their products are called. All "
                "else on the list is right."
            )
        given_one = {order_id: order for order_id, order in found if order is not None}
        orders = {order_id: apart(order) for order_id, order in given_one.items() if _is_order(order, order_id)}
        others = [order_id for order_id in given_one if order_id not in orders]
        if not others:
            return orders, None
        log.warning("shop %s: %s What it gave for %s is not that.", self.id, _READ_ORDERS_GIVES, ", ".join(others))
        return orders, texts(
            "The shop could not tell who the customer of {count} order is and what its products are called. All else "
            "on the list is right.",
            "The shop could not tell who the customers of {count} orders are and what their products are called. All "
            "else on the list is right.",
            len(others),
        )

    @property
    def books_on_connections(self) -> bool:
        """Whether the shop's stock lies in our database."""
        return callable(getattr(self.shop, "book_stock_on", None))

    def book_stock_on(self, connection: Connection, movements: Sequence[StockMovement]) -> None:
        """Let the shop book movements in a transaction of ours, all or none."""
        shop: Any = self.shop
        with asking("Shop.book_stock_on", self.id):
            shop.book_stock_on(connection, apart(tuple(movements)))


_READ_ORDERS_GIVES = "Shop.read_orders gives a mapping from the ids of orders to each Order."


def _is_order(given: object, order_id: str) -> bool:
    """Whether it is the order with this id, as its class makes it."""
    try:
        check_again(given)
    except Exception:  # noqa: BLE001 - a value that was not made by its class can fail at anything
        return False
    return type(given) is Order and is_text(given.id) and given.id == order_id


def shops_of(given: Shop | Callable[[str], Shop]) -> Callable[[str], ShopCaller]:
    """The shop with an id: always ``given``, or what it gives for the id.

    Raises `InvalidShop` for what is no `Shop`: at once, or when it is given.
    """
    if not is_shop(given):
        function: Callable[[str], Shop] = given  # type: ignore[assignment]  # what is no shop has to be one
        _check_takes_an_id(function)

        def of(shop_id: str) -> ShopCaller:
            with asking("the function of the shops", shop_id, most=1):
                return ShopCaller(shop_id, _checked(function(shop_id)))

        return of
    shop = _checked(given)
    return lambda shop_id: ShopCaller(shop_id, shop)


def is_shop(given: object) -> bool:
    """Whether this is one shop, or what should be one, and no function that gives them."""
    gives_them = callable(given) and not any(hasattr(given, name) for name in _METHODS)
    return not isinstance(given, type) and not gives_them


def _check_takes_an_id(function: Callable[..., object]) -> None:
    """Raise `InvalidShop` for a class in place of an object, and a function that takes something else."""
    try:
        inspect.signature(function).bind("a shop's id")
    except ValueError:  # it does not say what it takes
        return
    except TypeError as error:
        raise InvalidShop(
            text(
                "{shop} cannot be called with a shop's id. Hand over an object, shop={shop}(...), or a function from "
                "a shop's id to its Shop.",
                shop=getattr(function, "__name__", type(function).__name__),
            )
        ) from error


def _checked(shop: object) -> Shop:
    if isinstance(shop, Shop) and not isinstance(shop, type):
        return shop
    name = type(shop).__name__
    if hasattr(shop, "apply_stock") and not hasattr(shop, "book_stock"):
        raise InvalidShop(
            text(
                "{shop} has apply_stock, and book_stock took its place: all movements of one command in one call, all "
                "of them booked or none. Write instead:\n\n{lines}",
                shop=name,
                lines=_BOOK_STOCK,
            )
        )
    raise InvalidShop(
        text(
            "{shop} is no Shop: it has no {methods}. A Shop has the methods {all}.",
            shop=name,
            methods=[method for method in _METHODS if not callable(getattr(shop, method, None))],
            all=_METHODS,
        )
    )


_METHODS = ("order", "find_order", "book_stock")

_BOOK_STOCK = """\
    def book_stock(self, movements: Sequence[StockMovement]) -> None:
        with transaction():  # yours; an exception takes all of it back
            for movement in movements:
                ...  # what apply_stock did: nothing, where movement.id was booked before

and name in a refusal what will never be booked:

    raise StockRefused("…", movements=[movement.id])"""
