"""The example of every hook runs on a desk, in a command in which the hook acts."""

from __future__ import annotations

import datetime
import inspect
from collections.abc import Callable
from typing import Any, ClassVar

import attrs
import pytest
from shipping.small_carrier import OPTION, Carrier, plugin_of
from sqlalchemy import update

from retour import (
    Actor,
    Address,
    Counted,
    GoodsState,
    MemoryShop,
    Mode,
    Money,
    Objection,
    Paid,
    Parcel,
    ParcelState,
    RequestedLine,
    ReturnDesk,
    StockState,
    hookimpl,
)
from retour.plugins import specs
from retour.providers import (
    Delivery,
    ErrorCode,
    LinkKind,
    LinkRequest,
    Order,
    PaymentCapabilities,
    ProviderError,
    ProviderSession,
    RefundLink,
    RefundRequest,
    RefundResult,
    RefundStatus,
    ShippingCapabilities,
    ShippingOption,
    ShippingWay,
    Support,
    TextDomain,
)
from retour.store import tables
from retour.testing import a_line, a_payment, an_order
from retour_mollie.sandbox import MollieSandbox

text = TextDomain("retour").text
ANNA = Actor.staff("anna")
CUSTOMER = Actor.customer("c-17")
ADDRESS = Address(name="J. Jansen", street="Kade 1", postal_code="1011 AA", city="Amsterdam", country="NL")
Printed = Callable[[], list[str]]
"""The lines that were printed since it was last asked."""

HOOKS = [value for value in vars(specs).values() if hasattr(value, "retour_spec")]


@attrs.frozen(kw_only=True)
class Settings:
    """No settings."""


class AcmePay:
    """The payment provider of the examples: it gives back all that it is asked for, at once."""

    name: ClassVar = "acme"
    display_name: ClassVar = "Acme Pay"
    api: ClassVar = 2
    settings_type: ClassVar = Settings
    capabilities: ClassVar = PaymentCapabilities(refund_by_api=Support.YES, fetch_refund=Support.YES)

    def __init__(self, settings: Settings, http: ProviderSession) -> None:
        del settings, http

    def refund_url(self, request: LinkRequest) -> RefundLink:
        url = f"https://acme.example/payments/{request.payment.reference}"
        return RefundLink(kind=LinkKind.PROVIDER_PAGE, label=text("close"), instruction=text("close"), url=url)

    def refund(self, request: RefundRequest) -> RefundResult:
        return RefundResult(
            reference="re_1",
            target=request.target,
            status=RefundStatus.SUCCEEDED,
            amount=request.amount,
            provider_status="done",
        )

    def fetch_refund(self, target: str, reference: str) -> RefundResult:
        raise ProviderError(ErrorCode.UNKNOWN_PAYMENT, f"{target} has no refund {reference} that is not done")


class AcmeShipping:
    """The shipping provider of the examples: it has a return portal."""

    name: ClassVar = "acme_parcels"
    display_name: ClassVar = "Acme Parcels"
    api: ClassVar = 2
    settings_type: ClassVar = Settings
    capabilities: ClassVar = ShippingCapabilities(portal=Support.YES)

    def __init__(self, settings: Settings, http: ProviderSession) -> None:
        del settings, http

    def portal_url(self, order: Order) -> ShippingOption | None:
        return ShippingOption(
            way=ShippingWay.PORTAL,
            provider=self.name,
            label=text("close"),
            instruction=text("close"),
            url=f"https://acme.example/returns/{order.id}",
        )


class LookAtAll:
    """Lets nothing pass by itself."""

    name = "look-at-all"

    @hookimpl
    def return_policy(self) -> Objection:
        return Objection.review("look")


class AcmePlugin:
    """Hands over `AcmePay`, where a hook is about its refunds."""

    name = "acme"

    @hookimpl
    def payment_providers(self) -> list[type]:
        return [AcmePay]


def example_of(hook: Callable[..., object]) -> object:
    """The plugin that a hook's docstring shows, made as a host makes it."""
    lines = [line[4:] for line in inspect.cleandoc(str(hook.__doc__)).splitlines() if line.startswith((">>> ", "... "))]
    names: dict[str, Any] = {"__name__": "example", "AcmePay": AcmePay, "AcmeShipping": AcmeShipping}
    exec("\n".join(lines), names)  # noqa: S102 - the docstring's own lines
    (plugin,) = [value for value in names.values() if getattr(value, "__module__", "") == "example"]
    made: object = plugin()
    return made


def opened(order: Order, *plugins: object, **more: Any) -> tuple[MemoryShop, ReturnDesk]:
    shop = MemoryShop([order])
    desk = ReturnDesk(shop=shop, store="sqlite://", plugins=plugins, **more)
    assert [plugin.reason for plugin in desk.plugins] == [""] * len(plugins)
    return shop, desk


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def paid_at_acme(amount: str) -> Order:
    return an_order(a_line("cup", 2, amount), payments=[a_payment(amount, provider="acme", reference="ac_1")])


# --- one case for each hook, by its name -----------------------------------------------------------------


def payment_providers(example: object, _: Printed) -> None:
    _, desk = opened(paid_at_acme("40.00"), example)
    (acme,) = desk.plugins
    assert (acme.name, acme.payment_providers) == ("acme", (AcmePay,))
    assert desk.refund_link("1001", "ac_1").url == "https://acme.example/payments/ac_1"
    done = desk.refund("1001", "ac_1", eur("15.00"), by=ANNA, request_id="form-1").refund
    assert done is not None
    assert (done.state, done.amount) == ("succeeded", eur("15.00"))


def shipping_providers(example: object, _: Printed) -> None:
    order = an_order(a_line("cup", 2), delivery=Delivery(paid=Paid.of("4.95", "EUR"), provider="acme_parcels"))
    _, desk = opened(order, example)
    portal, own_way = desk.shipping_options("1001")
    assert (portal.way, portal.url) == (ShippingWay.PORTAL, "https://acme.example/returns/1001")
    assert own_way.way is ShippingWay.SELF


def return_policy(example: object, _: Printed) -> None:
    _, desk = opened(an_order(a_line("card", 1, tags=["gift-card"]), a_line("cup", 2)), example)
    refused = desk.request_return("1001", {"card": 1}, by=CUSTOMER, request_id="form-1").return_id
    allowed = desk.request_return("1001", {"cup": 1}, by=CUSTOMER, request_id="form-2").return_id
    returns = desk.dossier("1001").returns
    assert (returns[refused].goods, returns[allowed].goods) == (GoodsState.REJECTED, GoodsState.APPROVED)
    assert [str(one.because) for one in returns[refused].objections] == ["Gift cards cannot be returned"]
    assert returns[allowed].objections == ()


def restock_policy(example: object, _: Printed) -> None:
    """Each is an order of one product, which the core alone would restock at once."""
    shop, desk = opened(an_order(a_line("swimsuit", 2, tags=["hygiene"])), example)
    decided = desk.mark_returned("1001", by=ANNA).restock
    assert (decided.state, decided.by_hand, shop.stock) == (StockState.BY_HAND, {"swimsuit": 2}, {})
    shop.orders["1002"] = an_order(a_line("cup", 2), order_id="1002")
    assert desk.mark_returned("1002", by=ANNA).restock.state is StockState.APPLIED


def refund_link(example: object, _: Printed) -> None:
    payments = [
        a_payment("30.00", provider="books", reference="F-17", method="invoice"),
        a_payment("10.00", provider="books", reference="F-18"),
    ]
    _, desk = opened(an_order(a_line("cup", 2, "40.00"), payments=payments), example)
    link = desk.refund_link("1001", "F-17", eur("5.00"))
    assert (link.kind, link.url) == (LinkKind.PROVIDER_PAGE, "https://books.example/invoices/F-17")
    assert desk.refund_link("1001", "F-18", eur("5.00")).kind is LinkKind.UNAVAILABLE


def refund_plan(example: object, _: Printed) -> None:
    payments = [
        a_payment("50.00", provider="card", reference="c_1"),
        a_payment("10.00", provider="gift", reference="g_1", method="gift_card"),
    ]
    _, desk = opened(an_order(a_line("cup", 3, "60.00"), payments=payments), example)
    desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="form-1")
    suggested = {option.payment.id: option.suggested for option in desk.refund_options("1001")}
    assert suggested == {"card:c_1": eur("10.00"), "gift:g_1": eur("10.00")}


def refund_approval(example: object, _: Printed) -> None:
    _, desk = opened(paid_at_acme("600.00"), AcmePlugin(), example)
    held = desk.refund("1001", "ac_1", eur("250.01"), by=ANNA, request_id="form-1").refund
    sent = desk.refund("1001", "ac_1", eur("250.00"), by=ANNA, request_id="form-2").refund
    assert held is not None
    assert sent is not None
    assert (held.state, held.needs_person, sent.state) == ("planned", True, "succeeded")
    assert any("above 250.00 a second person looks" in entry.text("en") for entry in desk.timeline("1001"))


def on_return_requested(example: object, printed: Printed) -> None:
    _, desk = opened(an_order(a_line("cup", 2), a_line("pot", 1)), example)
    lines = [
        RequestedLine(line_id="cup", quantity=2, reason="too_small"),
        RequestedLine(line_id="pot", quantity=1, reason="changed_mind"),
    ]
    number = desk.request_return("1001", lines, by=CUSTOMER, request_id="form-1").return_number
    assert printed() == [f"{number}: 2 x Cup (Te klein)", f"{number}: 1 x Pot (Van gedachten veranderd)"]


def on_return_approved(example: object, printed: Printed) -> None:
    _, desk = opened(an_order(a_line("cup", 2)), example)
    asked = desk.request_return("1001", {"cup": 1}, by=CUSTOMER, request_id="form-1")
    assert printed() == [f"Write {asked.return_number} on the parcel. "]
    day = datetime.date(2126, 12, 24)
    desk.approve_return("1001", asked.return_id, by=ANNA, send_by=day, instructions="Use the old box.")
    assert printed() == [f"Write {asked.return_number} on the parcel. Use the old box.", "Send it by 2126-12-24."]


def on_return_closed(example: object, printed: Printed) -> None:
    _, desk = opened(an_order(a_line("cup", 2)), example, LookAtAll())
    asked = desk.request_return("1001", {"cup": 1}, by=CUSTOMER, request_id="form-1")
    desk.reject_return("1001", asked.return_id, by=ANNA, because="It was worn")
    desk.reopen_return("1001", asked.return_id, by=ANNA)
    desk.cancel_return("1001", asked.return_id, by=CUSTOMER)
    number = asked.return_number
    assert printed() == [f"{number} is rejected. It was worn", f"{number} is cancelled. "]


def on_order_returned(example: object, printed: Printed) -> None:
    _, desk = opened(an_order(a_line("cup", 2)), example)
    desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="form-1")
    desk.mark_returned("1001", by=ANNA)
    assert printed() == ["1001 is back: part", "1001 is back: full"]


def on_return_received(example: object, printed: Printed) -> None:
    _, desk = opened(an_order(a_line("cup", 3)), example)
    asked = desk.request_return("1001", {"cup": 2}, by=CUSTOMER, request_id="form-1").return_id
    desk.receive("1001", asked, {"cup": 1}, by=ANNA, request_id="form-2")
    desk.receive("1001", asked, [Counted(line_id="cup", missing=1)], by=ANNA, request_id="form-3")
    assert printed() == ["cup announced 2 here 1"]


def on_order_status_changed(example: object, printed: Printed) -> None:
    _, desk = opened(an_order(a_line("cup", 2)), example)
    receipt = desk.mark_returned("1001", by=ANNA).receipt_id
    desk.correct_receipt("1001", str(receipt), {"cup": 1}, by=ANNA)
    assert printed() == ["1001 returned geretourneerd", "1001 partly_returned deels geretourneerd"]


def on_restocked(example: object, printed: Printed) -> None:
    _, desk = opened(an_order(a_line("cup", 2)), example)
    receipt = desk.mark_returned("1001", by=ANNA).receipt_id
    assert receipt is not None
    desk.correct_receipt("1001", receipt, {"cup": 1}, by=ANNA)
    assert printed() == ["cup 2", "cup -1"]


def on_refund_changed(example: object, printed: Printed) -> None:
    _, desk = opened(paid_at_acme("40.00"), AcmePlugin(), example)
    reserved = desk.open_refund_link("1001", "ac_1", eur("5.00"), by=ANNA, request_id="form-1").refund_id
    assert reserved is not None
    desk.cancel_refund("1001", reserved, by=ANNA)
    assert printed() == []
    desk.refund("1001", "ac_1", eur("15.00"), by=ANNA, request_id="form-2")
    assert printed() == ["1001 refunded EUR 15.00 re_1"]


def on_parcel_moved(example: object, printed: Printed) -> None:
    carrier = Carrier()
    _, desk = opened(an_order(a_line("cup", 2)), plugin_of(carrier), example, return_address=ADDRESS)
    return_id = desk.request_return("1001", {"cup": 2}, by=ANNA, request_id="form-1").return_id
    label = desk.order_label(
        "1001", return_id, OPTION, sender=ADDRESS, parcel=Parcel(weight_grams=9), by=ANNA, request_id="form-2"
    ).label
    assert label is not None
    carrier.bought[0].progress = ParcelState.ON_ITS_WAY
    with desk._services.store.engine.begin() as connection:
        connection.execute(update(tables.effect).values(not_before=0))
    assert printed() == []
    desk.work()
    assert printed() == [f"1001 {label.tracking_number} on_its_way"]


def on_payment_disputed(example: object, printed: Printed) -> None:
    with MollieSandbox() as sandbox:
        reference = sandbox.pay(eur("40.00"))
        payment = a_payment("40.00", reference=reference, mode=Mode.TEST)
        order = an_order(a_line("cup", 2, "40.00"), payments=[payment])
        _, desk = opened(order, "mollie", example, settings={"mollie": sandbox.settings})
        sandbox.charge_back(reference, eur("25.00"))
        desk.reconcile("1001")
    assert printed() == [f"1001 mollie:{reference} taken_back EUR 25.00 EUR 25.00"]


CASES: dict[str, Callable[[object, Printed], None]] = {
    case.__name__: case
    for case in (
        payment_providers,
        shipping_providers,
        return_policy,
        restock_policy,
        refund_link,
        refund_plan,
        refund_approval,
        on_return_requested,
        on_return_approved,
        on_return_closed,
        on_order_returned,
        on_return_received,
        on_order_status_changed,
        on_restocked,
        on_refund_changed,
        on_parcel_moved,
        on_payment_disputed,
    )
}


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: str(hook.__name__))
def test_the_example_of_a_hook_acts_in_a_command(
    hook: Callable[..., object], capsys: pytest.CaptureFixture[str]
) -> None:
    assert hook.__name__ in CASES, f"{hook.__name__} has no case here: run a command in which its example acts"
    example = example_of(hook)
    assert hasattr(example, hook.__name__), f"the example of {hook.__name__} is of another hook"
    CASES[hook.__name__](example, lambda: capsys.readouterr().out.splitlines())


def test_no_case_is_left_of_a_hook_that_is_gone() -> None:
    assert CASES.keys() == {hook.__name__ for hook in HOOKS}
