"""What never returns holds up its caller only: other orders, shops, providers and threads go on; no lock is held."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs
import pytest

from retour import (
    Actor,
    LinkKind,
    MemoryShop,
    Money,
    Order,
    ReturnDesk,
    StockMovement,
    hookimpl,
)
from retour.providers import ErrorCode, ProviderError
from retour.testing import a_line, a_payment, an_order

ANNA = Actor.staff("anna")
AMOUNT = Money.of("10", "EUR")
GOES_ON_WITHIN = 20.0


@attrs.define
class Hang:
    """Something at ``place`` that does not return before the test is over: once, or ``always``."""

    place: str
    always: bool = False
    began: threading.Event = attrs.field(factory=threading.Event)
    over: threading.Event = attrs.field(factory=threading.Event)

    def at(self, place: str, about: str) -> None:
        """Hang here, where the test says so, for the first order of the shop in the north."""
        if place == self.place and about in ("north", "1001") and (self.always or not self.began.is_set()):
            self.began.set()
            assert self.over.wait(120)


class HangingShop(MemoryShop):
    def __init__(self, hang: Hang, shop_id: str) -> None:
        paid = [a_payment("100.00", provider="ledger", reference="p_1")]
        lines = [a_line("cup", 4, "100.00")]
        super().__init__([an_order(*lines, order_id=one, payments=paid) for one in ("1001", "1002")])
        self.hang, self.id = hang, shop_id

    def order(self, order_id: str) -> Order | None:
        if self.id == "north":
            self.hang.at("Shop.order", order_id)
        return super().order(order_id)

    def book_stock(self, movements: Sequence[StockMovement]) -> None:
        if self.id == "north":
            self.hang.at("Shop.book_stock", movements[0].order_id)
        super().book_stock(movements)


def policy(hang: Hang) -> object:
    class Policy:
        name = "policy"

        @hookimpl
        def restock_policy(self, order: Order, ctx: Any) -> None:
            if ctx.shop == "north":
                hang.at("restock_policy", order.id)

        @hookimpl
        def on_order_returned(self, order: Order, ctx: Any) -> None:
            if ctx.shop == "north":
                hang.at("on_order_returned", order.id)

    return Policy()


def hanging_provider(kind: Any, hang: Hang) -> type:
    """A provider that hangs for settings of the north: while it is made, or in a call."""

    class Hanging(kind):  # type: ignore[misc]
        def __init__(self, settings: Any, http: object) -> None:
            hang.at("constructor", settings.secret)
            super().__init__(settings, http)

        def refund_url(self, request: Any) -> object:
            hang.at("refund_url", self.settings.secret)
            return super().refund_url(request)

        def refundable(self, payment: Any) -> object:
            hang.at("refundable", self.settings.secret)
            return super().refundable(payment)

        def check_settings(self) -> None:
            hang.at("check_settings", self.settings.secret)

    return Hanging


def mark(desk: ReturnDesk) -> object:
    return desk.mark_returned("1001", by=ANNA)


def look(desk: ReturnDesk) -> object:
    return desk.refund_options("1001")


CALLS: Mapping[str, Callable[[ReturnDesk], object]] = {
    "settings function": look,
    "constructor": look,
    "refund_url": look,
    "refundable": lambda desk: desk.refund("1001", "p_1", AMOUNT, by=ANNA, request_id="r"),
    "check_settings": lambda desk: desk.check_settings("ledger"),
    "Shop.order": mark,
    "Shop.book_stock": mark,
    "restock_policy": mark,
    "on_order_returned": mark,
}
"""Where it hangs, and a call that gets there."""

OF_THE_PROVIDER = {"settings function", "constructor", "refund_url", "refundable", "check_settings"}


@pytest.fixture
def opened(world: Any, request: pytest.FixtureRequest) -> Iterator[tuple[Hang, ReturnDesk]]:
    given = request.node.callspec.params
    hang = Hang(given["place"], always=given.get("always", False))
    ledger = world.ledger = world.provider.Ledger(clock=lambda: world.now, paid={"p_1": Money.of("100", "EUR")})
    kind = hanging_provider(world.provider.make_provider(ledger), hang)
    shops = {name: HangingShop(hang, name) for name in ("north", "south")}

    def settings(shop_id: str) -> dict[str, object]:
        hang.at("settings function", shop_id)
        return {"ledger": {"secret": shop_id}}

    desk = ReturnDesk(
        shop=shops.__getitem__,
        store=world.database,
        plugins=[world.provider.plugin(kind), policy(hang)],
        settings=settings,
        shop_id="north",
        migrate=True,
    )
    yield hang, desk
    hang.over.set()
    desk.close()


def within(what: str, call: Callable[[], object]) -> object:
    """What a call gives, in a thread of its own; fails where it waits for what hangs."""
    given: list[object] = []
    thread = threading.Thread(target=lambda: given.append(call()), daemon=True)
    thread.start()
    thread.join(GOES_ON_WITHIN)
    assert given, f"{what} waits"
    return given[0]


@pytest.mark.parametrize("place", CALLS)
def test_what_hangs_holds_up_its_caller_only(opened: tuple[Hang, ReturnDesk], place: str) -> None:
    hang, desk = opened
    south = desk.for_shop("south")
    came: list[object] = []
    stuck = threading.Thread(target=lambda: came.append(CALLS[place](desk)), daemon=True)
    stuck.start()
    assert hang.began.wait(GOES_ON_WITHIN)

    for shop, order_id in ((desk, "1002"), (south, "1001"), (south, "1002")):
        of = f"{shop.shop_id} {order_id}"
        within(of, lambda shop=shop, order_id=order_id: shop.mark_returned(order_id, by=ANNA))  # type: ignore[misc]
        within(of, lambda shop=shop, order_id=order_id: shop.timeline(order_id, "customer"))  # type: ignore[misc]
        within(of, lambda shop=shop: shop.list_returns())  # type: ignore[misc]
    options: Any = within("the provider of another shop", lambda: south.refund_options("1001"))
    assert [one.link.kind for one in options] == [LinkKind.PROVIDER_PAGE]
    within("its refund", lambda: south.refund("1001", "p_1", AMOUNT, by=ANNA, request_id="r"))
    within("its settings", lambda: south.check_settings("ledger"))
    within("the plugins of another shop", lambda: south.plugins)
    within("what a person must look at", lambda: [desk.attention(), desk.attention_counts()])
    within("the work", desk.work)
    if place in OF_THE_PROVIDER:  # the same order too: returns need no provider
        within("the order itself", lambda: desk.mark_returned("1001", by=ANNA))
        options = within("the same provider", lambda: desk.refund_options("1002"))  # a second one is made, and kept
        assert [one.link.kind for one in options] == [LinkKind.PROVIDER_PAGE]
    assert stuck.is_alive()
    assert came == []

    hang.over.set()
    stuck.join(GOES_ON_WITHIN)
    assert len(came) == 1
    assert within("the order itself", lambda: desk.mark_returned("1001", by=ANNA))


WITHOUT_A_PROVIDER: Mapping[str, Callable[[ReturnDesk], object]] = {
    "mark_returned": mark,
    "dossier": lambda desk: desk.dossier("1001"),
    "timeline": lambda desk: desk.timeline("1001", "customer"),
    "list_returns": lambda desk: desk.list_returns(),
    "list_refunds": lambda desk: desk.list_refunds(),
    "attention": lambda desk: desk.attention(),
    "attention_counts": lambda desk: desk.attention_counts(),
    "unreadable_orders": lambda desk: desk.unreadable_orders(),
    "find_order": lambda desk: desk.find_order("ledger", "p_1"),
    "return_reasons": lambda desk: desk.return_reasons,
}


@pytest.mark.parametrize("always", [True])
@pytest.mark.parametrize("place", ["settings function", "constructor", "refund_url"])
def test_where_a_provider_is_never_to_be_had_returns_and_lists_go_on(
    world: Any, opened: tuple[Hang, ReturnDesk], place: str, always: bool
) -> None:
    """A refund of the north is unknown, so that the list of what a person must look at says who can settle it."""
    hang, desk = opened
    hang.place = ""
    world.ledger.before = [ProviderError(ErrorCode.OUTCOME_UNKNOWN, "lost")]
    refund_id = desk.refund("1001", "p_1", AMOUNT, by=ANNA, request_id="r").refund_id
    desk._services.accounts._made.clear()  # as in a process that was started since
    hang.place = place
    for name, call in WITHOUT_A_PROVIDER.items():
        assert within(name, lambda call=call: call(desk)) is not None  # type: ignore[misc]
    assert [one.about for one in desk.attention("refund_unknown").items] == [refund_id]


@pytest.mark.parametrize("place", ["constructor"])
def test_of_two_providers_that_were_made_at_once_one_is_kept(opened: tuple[Hang, ReturnDesk], place: str) -> None:
    hang, desk = opened
    stuck = threading.Thread(target=lambda: look(desk), daemon=True)
    stuck.start()
    assert hang.began.wait(GOES_ON_WITHIN)
    within("the second", lambda: look(desk))
    kept = [*desk._services.accounts._made.values()]
    hang.over.set()
    stuck.join(GOES_ON_WITHIN)
    assert [*desk._services.accounts._made.values()] == kept
    assert len(kept) == 1
