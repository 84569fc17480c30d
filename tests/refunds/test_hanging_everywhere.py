"""Everything of a host and of a plugin that retour calls hangs once, and whoever can go on does.

Python cannot end a call that never returns, so none of these calls has an end by itself; what a provider's method sends
through its session has one, and each such method is called under that limit. What is shown of the others is what
`docs/workers.md` says of them: a command waits, and nobody else; a worker's claim ends, three of them are spent, and
then what they did is with a person and everything else is done. A hook, a method or a function that is added without a
row here fails.
"""

from __future__ import annotations

import inspect
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs
import pytest
from refunds import test_costs as costs
from shipping.small_carrier import signed_webhook
from shipping.world import SHOP

from retour import MemoryShop, Paid, ReturnDesk, hookimpl
from retour.effects.kinds import KINDS
from retour.effects.runner import MOST_DEATHS
from retour.plugins import specs
from retour.providers import Delivery, Support
from retour.providers.contract import MakesLabels, RefundsByApi
from retour.providers.http import DEADLINE_SECONDS, _ends_at
from retour.shop import Shop, ShopReadingPages
from retour.testing import a_line, an_order

GOES_ON_WITHIN = 30.0


# --- what can hang ---------------------------------------------------------------------------------------


def public(kind: type) -> list[str]:
    return [name for name, one in inspect.getmembers(kind, callable) if not name.startswith("_")]


HOOKS = [name for name, one in vars(specs).items() if hasattr(one, "retour_spec")]
FUNCTIONS = [
    name
    for name, one in inspect.signature(ReturnDesk).parameters.items()
    if "Callable" in str(one.annotation) or name == "return_reasons"
]
"""Arguments of the desk that can be functions of the host's."""

PLACES = {
    *HOOKS,
    *[f"Shop.{name}" for name in public(ShopReadingPages)],
    *[f"{name}=" for name in FUNCTIONS],
    *[f"{kind}.{name}" for kind, of in (("payment", RefundsByApi), ("shipping", MakesLabels)) for name in public(of)],
    "payment.__init__",
    "shipping.__init__",
}


# --- how it hangs ----------------------------------------------------------------------------------------


@attrs.define
class Hang:
    """At ``place``, whoever comes there does not return before the test is over: for order 1001, or where no order is
    known. ``most`` so many times, and then it is as ever."""

    place: str = ""
    most: int = 1
    began: threading.Semaphore = attrs.field(factory=lambda: threading.Semaphore(0))
    over: threading.Event = attrs.field(factory=threading.Event)
    limits: list[float | None] = attrs.field(factory=list)
    seen: set[str] = attrs.field(factory=set)

    def at(self, place: str, order_id: str = "1001") -> None:
        self.seen.add(place)
        if place == self.place and order_id == "1001" and self.most:
            self.most -= 1
            self.limits.append(_ends_at.get())
            self.began.release()
            assert self.over.wait(120)


def every_hook(hang: Hang) -> object:
    """A plugin that hears of all and decides nothing."""

    def hanging(name: str) -> Callable[..., Any]:
        if "order" not in inspect.signature(getattr(specs, name)).parameters:

            def gives(self: object) -> list[type]:
                hang.at(name)
                return []

            return hookimpl(gives)  # type: ignore[no-any-return]

        def hears(self: object, order: Any) -> None:
            hang.at(name, order.id)

        return hookimpl(hears)  # type: ignore[no-any-return]

    return type("EveryHook", (), {"name": "every_hook", **{name: hanging(name) for name in HOOKS}})()


def hanging_shop(hang: Hang, shop: MemoryShop) -> Shop:
    class Hanging:
        def order(self, order_id: str) -> Any:
            hang.at("Shop.order", order_id)
            return shop.order(order_id)

        def find_order(self, provider: str, reference: str) -> str | None:
            hang.at("Shop.find_order")
            return shop.find_order(provider, reference)

        def read_orders(self, order_ids: Any) -> Any:
            for order_id in order_ids:
                hang.at("Shop.read_orders", order_id)
            return shop.read_orders(order_ids)

        def book_stock(self, movements: Any) -> None:
            hang.at("Shop.book_stock", movements[0].order_id)
            shop.book_stock(movements)

    return Hanging()


def hanging_provider(hang: Hang, of: str, kind: type, protocol: type) -> type:
    """A provider that does what ``kind`` does, where it does not hang."""

    def hanging(name: str) -> Callable[..., Any]:
        does = getattr(kind, name)

        def call(self: object, *given: Any) -> Any:
            hang.at(f"{of}.{name}")
            return does(self, *given)

        return call

    names = [name for name in ("__init__", *public(protocol)) if hasattr(kind, name)]
    return type(kind.__name__, (kind,), {name: hanging(name) for name in names})


def hanging_plugin(hang: Hang, plugin: Any) -> object:
    for hook, of, protocol in (
        ("payment_providers", "payment", RefundsByApi),
        ("shipping_providers", "shipping", MakesLabels),
    ):
        if hasattr(plugin, hook):
            kinds = [hanging_provider(hang, of, kind, protocol) for kind in getattr(plugin, hook)()]
            gives = hookimpl(lambda self, kinds=kinds: kinds)
            return type("Plugin", (), {"name": plugin.name, hook: gives})()
    return plugin


@pytest.fixture
def hang(world: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hang]:
    """What hangs in the desks that the world opens."""
    hang = Hang()

    def function(name: str, gives: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any) -> Any:
            hang.at(f"{name}=")
            return gives(*given)

        return call

    def desk(*, shop: MemoryShop, plugins: Any, settings: Any, clock: Any, elapsed: Any, **more: Any) -> ReturnDesk:
        shop.orders.setdefault("1002", an_order(a_line("cup", 2), order_id="1002"))
        functions = {
            "shop": lambda _: hanging_shop(hang, shop),
            "settings": lambda _: settings,
            "return_reasons": lambda _: None,
            "return_address": lambda _: SHOP,
            "parcel_steps": lambda _: {},
            "clock": clock,
            "elapsed": elapsed,
        }
        assert functions.keys() == {*FUNCTIONS}
        wrapped = [hanging_plugin(hang, one) for one in plugins]
        more |= {name: function(name, gives) for name, gives in functions.items()}
        return ReturnDesk(plugins=[*wrapped, every_hook(hang)], **more)

    monkeypatch.setattr(sys.modules[type(world).__module__], "ReturnDesk", desk)
    yield hang
    hang.over.set()


# --- where it is called ----------------------------------------------------------------------------------


def clear(world: Any) -> None:
    """Nothing is known of any provider yet, as in a process that was just started."""
    world.desk._services.accounts._made.clear()


def started(before: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def then(world: Any) -> Any:
        given = before(world)
        clear(world)
        return given

    return then


def shipped(**more: Any) -> Callable[[Any], Any]:
    """A carrier, and a label of it; ``more`` are other attributes of its class."""

    def before(world: Any) -> Any:
        return_id, _ = costs.to_travel(world, **more)
        return costs.label(world.desk, return_id).label_id

    return before


def announced(world: Any) -> Any:
    """A return that a customer announced, and all of it comes."""
    world.open()
    return world.desk.request_return("1001", {"cup": 2}, by=costs.BUYER, request_id="f").return_id


def lost_refund(world: Any) -> None:
    world.open().ledger.before = [costs.lost(), costs.lost()]


def lost_label(world: Any, **more: Any) -> Any:
    return_id, carrier = costs.to_travel(world, **more)
    carrier.lost_answers = 1
    return return_id, carrier


def finds(**more: bool) -> Any:
    return attrs.evolve(costs.SmallCarrier.capabilities, find_shipment=Support.YES, refuses_repeats=False, **more)


def with_a_portal(world: Any) -> None:
    capabilities = attrs.evolve(costs.SmallCarrier.capabilities, portal=Support.YES)
    costs.to_travel(world, capabilities=capabilities, portal_url=lambda *_: None)
    sent = Delivery(provider="small_carrier", paid=Paid.of("4.95", "EUR"))
    world.shop.orders["1001"] = attrs.evolve(world.shop.orders["1001"], delivery=sent)


def parcels(desk: ReturnDesk, *said: dict[str, str]) -> object:
    return desk.receive_webhook("small_carrier", *signed_webhook(*said))


READY, TRAVELS = ({"told": "ready", "parcel": "p-R1", "progress": one} for one in ("not_sent", "on_its_way"))

COMMAND, WORKER, START = "the command waits", "a worker stands still", "the desk is not made"

Route = tuple[str, Callable[[Any], Any], Callable[[ReturnDesk, Any], Any]]


def by(what: str, command: str) -> Route:
    before, do, _ = costs.COMMANDS[command]
    return what, before, do


ROUTES: Mapping[str, Route] = {
    "payment_providers": (START, costs.opened, lambda desk, _: None),
    "shipping_providers": (START, costs.opened, lambda desk, _: None),
    "return_policy": by(COMMAND, "request_return"),
    "restock_policy": by(COMMAND, "mark_returned"),
    "refund_link": by(COMMAND, "refund_options"),
    "refund_plan": by(COMMAND, "refund_options"),
    "refund_approval": by(COMMAND, "refund"),
    "on_return_requested": by(WORKER, "request_return"),
    "on_return_approved": by(WORKER, "approve_return"),
    "on_return_closed": by(WORKER, "reject_return"),
    "on_order_returned": by(WORKER, "mark_returned"),
    "on_return_received": (
        WORKER,
        announced,
        lambda desk, _: desk.mark_returned("1001", {"cup": 2}, by=costs.ANNA, request_id="r"),
    ),
    "on_order_status_changed": by(WORKER, "mark_returned"),
    "on_restocked": by(WORKER, "mark_returned"),
    "on_refund_changed": by(WORKER, "refund"),
    "on_payment_disputed": (
        WORKER,
        costs.received,
        lambda desk, _: desk.receive_webhook("ledger", {"signature": "right"}, b"taken:p_1:ev_1"),
    ),
    "on_parcel_moved": (WORKER, shipped(), lambda desk, _: parcels(desk, {"id": "e1", **TRAVELS})),
    "Shop.order": by(COMMAND, "mark_returned"),
    "Shop.find_order": by(COMMAND, "receive_webhook"),
    "Shop.read_orders": by(COMMAND, "list_returns"),
    "Shop.book_stock": by(WORKER, "mark_returned"),
    "shop=": by(COMMAND, "mark_returned"),
    "settings=": (COMMAND, started(costs.received), costs.COMMANDS["refund_options"][1]),
    "return_reasons=": by(COMMAND, "request_return"),
    "return_address=": by(COMMAND, "label_options"),
    "parcel_steps=": by(COMMAND, "reconcile_labels"),
    "clock=": by(COMMAND, "mark_returned"),
    "elapsed=": by(COMMAND, "mark_returned"),
    "payment.__init__": (COMMAND, started(costs.received), costs.COMMANDS["refund_options"][1]),
    "payment.refund_url": by(COMMAND, "refund_options"),
    "payment.refundable": by(COMMAND, "refund"),
    "payment.list_refunds": by(COMMAND, "refund"),
    "payment.parse_webhook": by(COMMAND, "receive_webhook"),
    "payment.check_settings": by(COMMAND, "check_settings"),
    "payment.refund": by(WORKER, "refund"),
    "payment.find_refund": (WORKER, lost_refund, costs.COMMANDS["refund"][1]),
    "payment.fetch_refund": (WORKER, costs.pending, lambda desk, _: None),
    "payment.cancel_refund": by(WORKER, "cancel_refund"),
    "payment.payment_names": (
        WORKER,
        lambda world: world.open(payment_names=Support.YES).ledger.paid.update(ch_9=costs.EUR1),
        lambda desk, _: desk.receive_webhook("ledger", {"signature": "right"}, b"fetch:ch_9"),
    ),
    "shipping.__init__": (COMMAND, started(costs.to_travel), costs.COMMANDS["label_options"][1]),
    "shipping.portal_url": (COMMAND, with_a_portal, costs.COMMANDS["shipping_options"][1]),
    "shipping.options": by(COMMAND, "label_options"),
    "shipping.fetch_label": by(COMMAND, "label_document"),
    "shipping.check_settings": (
        COMMAND,
        lambda world: costs.to_travel(
            world,
            check_settings=lambda self: None,
            capabilities=attrs.evolve(costs.SmallCarrier.capabilities, check_settings=Support.YES),
        ),
        lambda desk, _: desk.check_settings("small_carrier"),
    ),
    "shipping.parse_webhook": (COMMAND, shipped(), lambda desk, _: parcels(desk, {"id": "e1", **READY})),
    "shipping.fetch_shipment": by(WORKER, "order_label"),
    "shipping.validate_label": (
        WORKER,
        lambda world: costs.to_travel(
            world, capabilities=attrs.evolve(costs.SmallCarrier.capabilities, validate_label=Support.YES)
        ),
        costs.COMMANDS["order_label"][1],
    ),
    "shipping.create_label": by(WORKER, "order_label"),
    "shipping.cancel_label": by(WORKER, "cancel_label"),
    "shipping.list_shipments": (WORKER, lost_label, costs.COMMANDS["order_label"][1]),
    "shipping.find_shipment": (
        WORKER,
        lambda world: lost_label(world, capabilities=finds(), find_shipment=lambda self, request: None),
        costs.COMMANDS["order_label"][1],
    ),
}
"""By place: who waits there, what is there before, and what leads there, by a command or by the work that it leaves."""

ONCE = {"Shop.read_orders", "shop=", "settings=", "clock=", "elapsed=", "payment.__init__", "shipping.__init__"}
"""What is not about an order, and everything needs: it hangs once, for whoever comes first."""


def test_every_place_where_foreign_code_is_called_has_a_row() -> None:
    assert ROUTES.keys() == PLACES


class Running:
    """Something in a thread of its own, which may never end."""

    def __init__(self, does: Callable[[], object]) -> None:
        self.failed: list[BaseException] = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(does,), daemon=True)
        self.thread.start()

    def _run(self, does: Callable[[], object]) -> None:
        try:
            does()
        except BaseException as error:  # noqa: BLE001 - shown by who waits
            self.failed.append(error)
        self.ended.set()

    def hangs(self, hang: Hang) -> bool:
        """Whether it hangs; or it has ended."""
        for _ in range(int(GOES_ON_WITHIN / 0.01)):
            if hang.began.acquire(timeout=0.01):
                return True
            if self.ended.is_set():
                break
        assert self.ended.is_set()
        assert not self.failed, self.failed
        return hang.began.acquire(blocking=False)


def within(what: str, does: Callable[[], object]) -> None:
    running = Running(does)
    assert running.ended.wait(GOES_ON_WITHIN), f"{what} waits"
    assert not running.failed, (what, running.failed)


def others_go_on(desk: ReturnDesk) -> None:
    mark = lambda: desk.mark_returned("1002", {"cup": 1}, by=costs.ANNA, request_id="other")  # noqa: E731
    within("another order", mark)
    within("what is read of it", lambda: [desk.timeline("1002"), desk.dossier("1002")])
    within("the lists", lambda: [desk.list_returns(), desk.list_refunds(), desk.list_labels(), desk.attention()])
    within("the counts", lambda: [desk.attention_counts(), desk.count_returns(), desk.total_refunds()])


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("place", [name for name, (what, *_) in ROUTES.items() if what == COMMAND])
def test_a_command_waits_for_what_hangs_in_it_and_nobody_else_does(world: Any, hang: Hang, place: str) -> None:
    _, before, do = ROUTES[place]
    given = before(world)
    hang.place, hang.most = place, 1 if place in ONCE else 100
    stuck = Running(lambda: do(world.desk, given))
    assert stuck.hangs(hang), f"nobody called {place}"
    others_go_on(world.desk)
    within("the work", world.desk.work)
    assert not stuck.ended.is_set()
    under_a_limit(place, hang)
    hang.over.set()
    assert stuck.ended.wait(GOES_ON_WITHIN)
    assert not stuck.failed


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("place", [name for name, (what, *_) in ROUTES.items() if what == WORKER])
def test_what_hangs_in_a_worker_costs_three_of_them_and_is_then_with_a_person(
    world: Any, hang: Hang, place: str
) -> None:
    _, before, do = ROUTES[place]
    given = before(world)
    desk = world.desk
    object.__setattr__(desk._services, "inline_seconds", 0.0)
    hang.place, hang.most = place, 100
    within("the command, which leaves it to a worker", lambda: do(desk, given))
    others_go_on(desk)
    hung = 0
    for _ in range(MOST_DEATHS + 6):
        world.now += costs.HOUR
        if Running(desk.work).hangs(hang):
            hung += 1
            within("the lists", lambda: [desk.list_returns(), desk.attention()])
    assert hung, f"no worker called {place}"
    under_a_limit(place, hang)
    if place == "payment.payment_names":  # a question about no order of ours: asked again, each time twice as late
        assert hung < MOST_DEATHS + 6
    elif place == "shipping.validate_label":  # the next worker makes the label: to ask again would tell nothing new
        assert hung == 1
        assert not desk.attention().items
    else:  # of a refund that may have been sent the provider is asked first
        assert hung == (1 if place == "payment.refund" else MOST_DEATHS)
        told = desk.attention().items
        assert [one for one in told if one.order_id == "1001"]
    assert world.shop.stock["cup"] >= 1
    assert {one.kind for one in desk._services.store.effects.waiting("default", "1002", *KINDS)} == set()


def under_a_limit(place: str, hang: Hang) -> None:
    """What a provider's method sends through its session ends in time; nothing can end what else it does."""
    limited = place.startswith(("payment.", "shipping.")) and not place.endswith("__init__")
    assert all((limit is not None) == limited or not limited for limit in hang.limits)
    for limit in hang.limits if limited else ():
        assert limit is not None
        assert limit <= time.monotonic() + DEADLINE_SECONDS


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("place", [name for name, (what, *_) in ROUTES.items() if what == START])
def test_a_desk_that_hangs_while_it_is_made_holds_up_no_desk_that_is_there(world: Any, hang: Hang, place: str) -> None:
    world.open()
    desk = world.desk
    hang.place = place
    stuck = Running(lambda: hanging_desk(hang, world))
    assert stuck.hangs(hang)
    others_go_on(desk)
    within("the work", desk.work)
    hang.over.set()
    assert stuck.ended.wait(GOES_ON_WITHIN)


def hanging_desk(hang: Hang, world: Any) -> None:
    ReturnDesk(shop=MemoryShop(), store=world.database, plugins=[every_hook(hang)]).close()
