"""What is handed to foreign code, and what it hands back, is a value of its own: writing into it changes nothing else.

A vandal writes into everything that it ever had in hand, at once and again whenever anything of it is called. What is
decided, stored, sent, booked and told to others is what it was without it.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs
import pytest

from retour import (
    Actor,
    Approval,
    Delivery,
    HookContext,
    InvalidOrder,
    LinkKind,
    MemoryShop,
    Money,
    Objection,
    Order,
    Paid,
    RefundLink,
    RefundPlan,
    RestockDecision,
    ReturnDesk,
    StockMovement,
    StockRefused,
    hookimpl,
    text,
)
from retour.model.shipping import ShippingOption, ShippingWay
from retour.plugins import specs
from retour.plugins.registry import load
from retour.providers import Payment, Refundable, RefundResult, RefundStatus, ShippingCapabilities, Support
from retour.testing import a_line, a_payment, an_order

ANNA, CUSTOMER = Actor.staff("anna"), Actor.customer("c-1")
EUR = "EUR"
HOOKS = {name for name, hook in vars(specs).items() if hasattr(hook, "retour_spec")}


def parts(value: object) -> Iterator[object]:
    """Everything in a value that can be written into, the value itself included."""
    if attrs.has(type(value)):
        yield value
        for field in attrs.fields(type(value)):  # type: ignore[arg-type]
            yield from parts(getattr(value, field.name))
    elif isinstance(value, Mapping):
        yield value
        for item in value.values():
            yield from parts(item)
    elif isinstance(value, list | tuple):
        yield value
        for item in value:
            yield from parts(item)


def ruin(value: object) -> None:
    """Write something else into all of it."""
    for part in list(parts(value)):
        if isinstance(part, Money):
            object.__setattr__(part, "minor", part.minor + 900)
        elif isinstance(part, dict):
            part["cup"] = 900
        elif isinstance(part, list):
            part.clear()
        elif attrs.has(type(part)):
            for field in attrs.fields(type(part)):  # type: ignore[arg-type]
                if isinstance(getattr(part, field.name), str):
                    object.__setattr__(part, field.name, "ruined")
                elif type(getattr(part, field.name)) is int:
                    object.__setattr__(part, field.name, 900)


@attrs.define
class Vandal:
    """Remembers all that it had in hand, and ruins it. Where it is ``tame``, it only answers."""

    tame: bool = False
    had: list[object] = attrs.field(factory=list)

    def touch(self, *values: object) -> None:
        self.had += values
        if not self.tame:
            for value in self.had:
                ruin(value)

    def answers(self, value: Any, *handed: object) -> Any:
        """An answer, which is ruined as soon as the vandal is called again."""
        self.touch(*handed)
        self.had.append(value)
        return value


def vandal_plugin(vandal: Vandal, name: str, *, answers: bool = True) -> object:
    """A plugin that has every hook that decides or announces; one that does not answer leaves it to the next."""

    class Plugin:
        @hookimpl
        def return_policy(self, order: Order, request: Any, ctx: HookContext) -> object:
            return vandal.answers(Objection.review("look") if answers else None, order, request, ctx)

        @hookimpl
        def restock_policy(self, order: Order, returned: Any, ctx: HookContext) -> object:
            units = {line.line_id: line.sellable for line in returned.lines}
            return vandal.answers(RestockDecision.lines(units, "as it came") if answers else None, order, returned, ctx)

        @hookimpl
        def refund_link(self, order: Order, payment: Payment, amount: Money, ctx: HookContext) -> object:
            link = RefundLink(
                kind=LinkKind.PROVIDER_PAGE,
                label=text("Go"),
                instruction=text("Refund {amount}", amount=Money(minor=amount.minor, currency=amount.currency)),
                url="https://books.example/1",
            )
            return vandal.answers(link if answers and amount.minor == 1000 else None, order, payment, amount, ctx)

        @hookimpl
        def refund_plan(self, order: Order, returned: Any, quote: Any, ctx: HookContext) -> object:
            amount = Money(minor=quote.suggested.minor, currency=EUR)
            plans = [RefundPlan(payment=quote.shares[0].payment.id, amount=amount)]
            return vandal.answers(plans if answers else None, order, returned, quote, ctx)

        @hookimpl
        def refund_approval(self, order: Order, plan: RefundPlan, ctx: HookContext) -> object:
            approval = Approval.hold("look") if plan.amount.minor == 700 else Approval.approve()
            return vandal.answers(approval if answers else None, order, plan, ctx)

        @hookimpl
        def on_order_returned(self, order: Order, returned: Any, ctx: HookContext) -> None:
            vandal.touch(order, returned, ctx)

        @hookimpl
        def on_return_received(self, order: Order, received: Any, ctx: HookContext) -> None:
            vandal.touch(order, received, ctx)

        @hookimpl
        def on_order_status_changed(self, order: Order, status: Any, ctx: HookContext) -> None:
            vandal.touch(order, status, ctx)

        @hookimpl
        def on_return_requested(self, order: Order, requested: Any, ctx: HookContext) -> None:
            vandal.touch(order, requested, ctx)

        @hookimpl
        def on_return_approved(self, order: Order, approved: Any, ctx: HookContext) -> None:
            vandal.touch(order, approved, ctx)

        @hookimpl
        def on_return_closed(self, order: Order, closed: Any, ctx: HookContext) -> None:
            vandal.touch(order, closed, ctx)

        @hookimpl
        def on_parcel_moved(self, order: Order, label: Any, ctx: HookContext) -> None:
            vandal.touch(order, label, ctx)

        @hookimpl
        def on_restocked(self, order: Order, restocked: Any, ctx: HookContext) -> None:
            vandal.touch(order, restocked, ctx)

        @hookimpl
        def on_refund_changed(self, order: Order, refund: Any, ctx: HookContext) -> None:
            vandal.touch(order, refund, ctx)

        @hookimpl
        def on_payment_disputed(self, order: Order, dispute: Any, ctx: HookContext) -> None:
            vandal.touch(order, dispute, ctx)

    plugin = Plugin()
    plugin.name = name  # type: ignore[attr-defined]
    return plugin


def listener(heard: list[tuple[str, str]]) -> object:
    """A plugin that notes what it is handed, word for word."""

    def hook(name: str, takes: Sequence[str]) -> Callable[..., None]:
        made: dict[str, Any] = {"heard": heard}
        exec(f"def {name}(self, {', '.join(takes)}):\n    heard.append(({name!r}, repr(({', '.join(takes)},))))", made)  # noqa: S102 - pluggy reads the names of arguments
        return hookimpl(made[name])  # type: ignore[no-any-return]

    takes = {name: vars(specs)[name].__code__.co_varnames for name in HOOKS if not name.endswith("_providers")}
    return type("Listener", (), {"name": "listener", **{name: hook(name, found) for name, found in takes.items()}})()


class VandalShop(MemoryShop):
    """A shop that goes on writing into the orders that it gave, and into what it was asked to book."""

    def __init__(self, vandal: Vandal) -> None:
        super().__init__()
        self.vandal = vandal

    def order(self, order_id: str) -> Order | None:
        return self.vandal.answers(made_order()) if order_id == "1001" else None  # type: ignore[no-any-return]

    def book_stock(self, movements: Sequence[StockMovement]) -> None:
        if any(one.product == "pot" for one in movements):
            never = [one.id for one in movements if one.product == "pot"]
            self.vandal.touch(movements)
            raise StockRefused("no pots any more", movements=never)
        super().book_stock([attrs.evolve(one) for one in movements])
        self.vandal.touch(movements)


def made_order() -> Order:
    return an_order(
        a_line("cup", 4, "100.00", vat="21", tags=["glass"]),
        a_line("pot", 1, "50.00", vat="9"),
        payments=[a_payment("154.95", provider="ledger", reference="p_1")],
        delivery=Delivery(paid=Paid.of("4.95", EUR), provider="parcels", postal_code="1011AB", country="NL"),
        customer="c-1",
    )


def vandal_provider(kind: type, vandal: Vandal) -> type:
    """A payment provider that does as ``kind`` does, with values of its own, and ruins them afterwards."""

    def wrapped(name: str) -> Callable[..., object]:
        def call(self: Any, *arguments: Any) -> object:
            fresh = [copy.deepcopy(one) for one in arguments]
            answer: Any = getattr(super(made, self), name)(*fresh)
            if isinstance(answer, list):
                answer = [again(one) for one in answer]
            elif isinstance(answer, RefundResult):
                answer = again(answer)
            elif isinstance(answer, Refundable):
                answer = attrs.evolve(answer, remaining=attrs.evolve(answer.remaining))
            return vandal.answers(answer, *arguments)

        return call

    names = (
        "refund_url",
        "refundable",
        "payment_names",
        "refund",
        "fetch_refund",
        "find_refund",
        "list_refunds",
        "cancel_refund",
    )
    made: type = type("VandalPay", (kind,), {name: wrapped(name) for name in names})
    return made


def again(result: RefundResult) -> RefundResult:
    return attrs.evolve(result, amount=Money(minor=result.amount.minor, currency=result.amount.currency))


def vandal_parcels(vandal: Vandal) -> object:
    class Parcels:
        name = display_name = "parcels"
        api = 2
        settings_type = attrs.make_class("NoSettings", [])
        capabilities = ShippingCapabilities(portal=Support.YES)

        def __init__(self, _: object, __: object) -> None: ...

        def portal_url(self, order: Order) -> ShippingOption:
            words = text("Portal for {code}", code=order.delivery.postal_code if order.delivery else "")
            url = "https://parcels.example/returns"
            option = ShippingOption(way=ShippingWay.PORTAL, provider="parcels", label=words, instruction=words, url=url)
            return vandal.answers(option, order)  # type: ignore[no-any-return]

    class Plugin:
        name = "parcels"

        @hookimpl
        def shipping_providers(self) -> list[type]:
            return [Parcels]

    return Plugin()


def story(world: Any, *, tame: bool, answers: bool = True) -> dict[str, object]:
    """What is decided, stored, sent, booked and told where a vandal is everywhere, or where it only answers."""
    vandal, heard = Vandal(tame=tame), list[tuple[str, str]]()
    ledger = world.provider.Ledger(clock=lambda: world.now, paid={"p_1": Money.of("154.95", EUR)})
    shop = VandalShop(vandal)
    provider = vandal_provider(world.provider.make_provider(ledger, cancel_refund=Support.YES), vandal)
    plugins = [
        world.provider.plugin(provider),
        vandal_parcels(vandal),
        listener(heard),
        vandal_plugin(vandal, "vandal", answers=answers),
    ]
    desk = ReturnDesk(shop=shop, store="sqlite://", plugins=plugins, clock=lambda: world.now, elapsed=lambda: 0)
    said: list[object] = []
    asked = desk.request_return("1001", {"cup": 2}, by=CUSTOMER, request_id="a")
    said.append(asked)
    if answers:
        said.append(desk.approve_return("1001", asked.return_id, by=ANNA))
    other = desk.request_return("1001", {"cup": 1, "pot": 1}, by=ANNA, request_id="b")
    if answers:
        desk.approve_return("1001", other.return_id, by=ANNA)
    said.append(desk.mark_returned("1001", by=ANNA))  # on three returns: the policy is asked three times
    said.append(repr(desk.refund_options("1001")))
    said.append(repr(desk.refund_link("1001", "p_1", Money.of("10", EUR))))
    said.append(repr(desk.shipping_options("1001")))
    said.append(desk.refund("1001", "p_1", Money.of("40", EUR), by=ANNA, request_id="c").refund)
    said.append(desk.refund("1001", "p_1", Money.of("7", EUR), by=ANNA, request_id="d").refund)
    ledger.add("p_1", Money.of("5", EUR))  # a colleague, in the dashboard
    said.append(repr(desk.reconcile("1001")))
    desk.work()
    with desk._services.store.engine.connect() as connection:
        rows = [
            [str(one) for one in connection.exec_driver_sql(f"SELECT {columns} FROM {table} ORDER BY 1, 2, 3")]  # noqa: S608 - the test's own
            for table, columns in (
                ("retour_event", "shop, order_id, seq, type, body"),
                ("retour_effect", "kind, state, problem"),
                ("retour_reference", "provider, reference, order_id"),
            )
        ]
    desk.close()
    assert vandal.had
    return {
        "said": steady(said),
        "stored": steady(rows),
        "sent": [json.loads(one)["amount"] for wires in ledger.sent.values() for one in wires],
        "booked": dict(shop.stock),
        "told": sorted(steady(heard)),  # type: ignore[arg-type]
    }


def steady(value: object) -> object:
    """The same without what is made of chance: ids, and the numbers that follow from them."""
    if isinstance(value, list | tuple):
        return [steady(one) for one in value]
    words = value if isinstance(value, str) else repr(value)
    words = re.sub(r"\b[0-9A-HJKMNP-TV-Z]{3}(-[0-9A-HJKMNP-TV-Z]{3}){2}\b", "<number>", words)
    return re.sub(r"\b[a-z]{2}[0-9A-HJKMNP-TV-Z]{26}\b", "<id>", words)


@pytest.mark.parametrize("answers", [True, False], ids=["answers", "leaves it to the next"])
def test_who_writes_into_what_it_was_handed_or_has_answered_changes_nothing(world: Any, answers: bool) -> None:
    assert story(world, tame=False, answers=answers) == story(world, tame=True, answers=answers)


def test_the_vandal_has_every_hook() -> None:
    (plugin,) = load([vandal_plugin(Vandal(), "vandal")]).plugins.values()
    assert set(plugin.hooks) == HOOKS - {"payment_providers", "shipping_providers"}


def test_a_plugin_moves_no_stock_of_another_product(world: Any) -> None:
    class Swaps:
        name = "swaps"

        @hookimpl
        def restock_policy(self, order: Order) -> RestockDecision:
            object.__setattr__(order.lines[0], "product", "golden cup")
            return RestockDecision.all()

    world.open(Swaps())
    world.desk.mark_returned("1001", by=ANNA)
    assert world.shop.stock == {"cup": 4}


def pretends(kind: type, **fields: object) -> object:
    """An object that says of itself that it is a ``kind``."""
    return type("Pretends", (), {"__class__": kind, **fields})()


def test_an_answer_that_only_says_that_it_is_a_value_of_ours_is_none(world: Any) -> None:
    class Policy:
        name = "policy"

        @hookimpl
        def restock_policy(self) -> object:
            return pretends(RestockDecision, kind="all")

    world.open(Policy())
    assert world.desk.mark_returned("1001", by=ANNA).restock.needs_answer
    amount, fields = Money.of("40", EUR), {"status": RefundStatus.SUCCEEDED, "reference": "re_1", "refund_id": ""}
    caller = world.desk._services.accounts.refunding("default", world.shop.orders["1001"].payments[0])
    object.__setattr__(caller._provider, "refund", lambda _: pretends(RefundResult, amount=amount, **fields))
    assert world.refund("40").refund.state == "unknown"
    assert isinstance(pretends(RefundResult), RefundResult)  # Python is fooled


@pytest.mark.parametrize("given", [{"id": "1001"}, "1001", Order], ids=repr)
def test_a_shop_that_gives_something_else_than_an_order_is_told_so(world: Any, given: object) -> None:
    world.open()
    world.shop.orders["1001"] = given
    with pytest.raises(InvalidOrder, match=r"Order 1001: the shop gave (dict|str|type)"):
        world.desk.mark_returned("1001", by=ANNA)
    world.shop.orders["1001"] = made_order()
    assert world.desk.dossier("1001").version == 0
