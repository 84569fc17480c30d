"""What people who run shops reported of other systems, run through the desk and the providers' sandboxes.

Each has its control: the same without what went wrong, which pays.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import database_clock
import pytest

from retour import (
    Actor,
    BankAccount,
    InvalidAmount,
    MemoryShop,
    Mode,
    Money,
    Order,
    Payment,
    ProviderUnavailable,
    ReturnDesk,
    WrongState,
    connect,
    hookimpl,
)
from retour.providers import PaymentCapabilities, Refundable, RefundRequest, RefundResult, RefundStatus, Support
from retour.sandbox import ChargesBack, Fault, GivesBack, PaymentSandbox
from retour.testing import a_line, a_payment, an_order
from retour_mollie.sandbox import MollieSandbox
from retour_paypal.sandbox import PayPalSandbox
from retour_stripe.sandbox import StripeSandbox

ANNA = Actor.staff("anna")
SANDBOXES: dict[str, type[PaymentSandbox]] = {
    "mollie": MollieSandbox,
    "stripe": StripeSandbox,
    "paypal": PayPalSandbox,
}


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


@attrs.define
class Shop:
    """A shop with one order that was paid in a sandbox; its clock is the database's, and the sandbox's goes with it."""

    provider: str
    sandbox: PaymentSandbox
    reference: str
    desk: ReturnDesk
    orders: MemoryShop
    now: datetime.datetime

    def later(self, hours: float) -> None:
        """Time passes for everybody, and a worker does what is due."""
        self.now += datetime.timedelta(hours=hours)
        self.sandbox.advance(datetime.timedelta(hours=hours))
        self.desk.work()

    def refund(self, amount: str, form: str = "f1") -> Any:
        return self.desk.refund("1001", self.reference, eur(amount), by=ANNA, request_id=form).refund

    def hear(self) -> None:
        """Every webhook arrives, and what it asks for is done."""
        for webhook in self.sandbox.take_webhooks():
            self.desk.receive_webhook(self.provider, webhook.headers, webhook.body, mode=Mode.TEST)
        self.later(1)

    @property
    def went_back(self) -> Money:
        """What the provider's own books say."""
        counting = (RefundStatus.SUCCEEDED, RefundStatus.PENDING)
        back = [one.amount.minor for one in self.sandbox.books(self.reference) if one.status in counting]
        return Money(minor=sum(back), currency="EUR")


@pytest.fixture
def shop_at(tmp_path: Any) -> Iterator[Callable[..., Shop]]:
    """Opens a shop whose order of ``cups`` cups costs ``total``, of which the provider received ``paid``."""
    opened: list[Shop] = []
    database_clock.install()

    def made(provider: str, total: str, paid: str = "", cups: int = 1, **pay: Any) -> Shop:
        sandbox = SANDBOXES[provider]().__enter__()
        reference = sandbox.pay(eur(paid or total), **pay)
        payment = a_payment(total, provider=provider, reference=reference, mode=Mode.TEST)
        orders = MemoryShop([an_order(a_line("cup", cups, total), payments=[payment])])
        engine = connect(f"sqlite:///{tmp_path / f'{provider}{len(opened)}.db'}")
        shop = Shop(
            provider=provider,
            sandbox=sandbox,
            reference=reference,
            desk=None,  # type: ignore[arg-type]  # made below, with this shop's clock
            orders=orders,
            now=sandbox.clock.now(),
        )
        database_clock.tell(lambda: shop.now)
        shop.desk = ReturnDesk(
            shop=orders,
            store=engine,
            plugins=[provider],
            settings={provider: sandbox.settings},
            clock=lambda: shop.now,
            migrate=True,
        )
        opened.append(shop)
        return shop

    yield made
    database_clock.tell(None)
    for shop in opened:
        shop.desk.close()
        shop.sandbox.__exit__(None, None, None)


# --- the provider refuses the first try in so many words -------------------------------------------------


@pytest.mark.parametrize("provider", SANDBOXES)
def test_more_than_the_provider_lets_go_back_is_failed_at_once_and_the_right_amount_goes(
    shop_at: Callable[..., Shop], provider: str
) -> None:
    shop = shop_at(provider, "45.00", paid="44.95")
    shop.desk.mark_returned("1001", by=ANNA)
    refused = shop.refund("45.00")
    assert (refused.state, bool(refused.problem.said)) == ("failed", True)
    assert shop.refund("44.95", "f2").state in ("pending", "succeeded")
    shop.later(96)
    assert shop.went_back == eur("44.95")


@pytest.mark.parametrize("provider", SANDBOXES)
def test_the_amount_that_was_paid_goes(shop_at: Callable[..., Shop], provider: str) -> None:
    shop = shop_at(provider, "45.00")
    assert shop.refund("45.00").state in ("pending", "succeeded")
    assert shop.went_back == eur("45.00")


# --- the first amount that is suggested ------------------------------------------------------------------


@pytest.mark.parametrize("calls_it", ["paypal", "PayPal Express", ""])
@pytest.mark.parametrize("method", ["paypal", "creditcard"])
def test_the_first_suggestion_for_forints_can_be_paid_whatever_the_shop_calls_the_method(
    method: str, calls_it: str
) -> None:
    """Mollie pays PayPal's whole forints, and cards to the fillér: nobody knows which it is before Mollie was asked."""
    with MollieSandbox() as sandbox:
        reference = sandbox.pay(Money.of("2990", "HUF"), method=method)
        payment = a_payment("2990", reference=reference, currency="HUF", mode=Mode.TEST, method=calls_it)
        desk = ReturnDesk(
            shop=MemoryShop([an_order(a_line("cup", 3, "2990", currency="HUF"), payments=[payment])]),
            store="sqlite://",
            plugins=["mollie"],
            settings={"mollie": sandbox.settings},
        )
        made = []
        for form in ("1", "2", "3"):
            desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id=form)
            [option] = desk.refund_options("1001")
            made.append(desk.refund("1001", reference, option.suggested, by=ANNA, request_id=f"refund {form}").refund)
            sandbox.advance(datetime.timedelta(hours=2))
        desk.close()
        assert all(one is not None and one.state == "pending" for one in made)
        assert sum(one.amount.minor for one in sandbox.books(reference)) == 2990_00


# --- the provider shows the refunds of a payment nowhere -------------------------------------------------


@pytest.mark.parametrize("names_order", [True, False])
def test_what_the_bank_took_of_a_payment_whose_refunds_paypal_shows_nowhere_is_recorded(
    shop_at: Callable[..., Shop], *, names_order: bool
) -> None:
    """A capture that does not name its order, partly refunded and then taken back by the bank; and the control, whose
    refunds PayPal shows."""
    shop = shop_at("paypal", "44.95", names_order=names_order)
    shop.desk.mark_returned("1001", by=ANNA)
    assert shop.refund("10.00").state == "succeeded"
    shop.sandbox.take_webhooks()
    assert isinstance(shop.sandbox, ChargesBack)
    shop.sandbox.charge_back(shop.reference)
    shop.hear()
    assert shop.desk.work().idle, "nothing is asked for ever"
    [option] = shop.desk.refund_options("1001")
    assert (option.charged_back, option.left, option.suggested) == (eur("44.95"), eur("0"), eur("0"))
    assert option.link.kind == "unavailable"
    with pytest.raises(InvalidAmount, match="bank took back"):
        shop.desk.open_refund_link("1001", shop.reference, eur("34.95"), by=ANNA, request_id="link")
    with pytest.raises((InvalidAmount, WrongState)):
        shop.refund("34.95", "f2")
    hidden = set() if names_order else {"refunds_not_shown"}
    assert {one.kind for one in shop.desk.attention().items} == {"charged_back", "beyond_order", *hidden}
    assert shop.went_back == eur("10.00")


# --- a colleague refunded in the dashboard, and the webhook never came -----------------------------------


@pytest.mark.parametrize("provider", SANDBOXES)
def test_what_was_refunded_in_the_dashboard_is_not_paid_once_more(shop_at: Callable[..., Shop], provider: str) -> None:
    shop = shop_at(provider, "40.00", cups=2)
    shop.desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="r1")
    shop.sandbox.refund_in_dashboard(shop.reference, eur("20.00"))
    shop.later(30)
    [option] = shop.desk.refund_options("1001")
    held = shop.refund(str(option.suggested.decimal))
    assert (held.state, held.needs_person) == ("planned", True)
    [external] = [one for one in shop.desk.dossier("1001").refunds.values() if one.source == "external"]
    assert external.reference in held.problem.said
    assert shop.went_back == eur("20.00")
    assert not shop.desk.refund_options("1001")[0].suggested


@pytest.mark.parametrize("provider", SANDBOXES)
def test_where_nobody_refunded_there_the_cup_is_paid(shop_at: Callable[..., Shop], provider: str) -> None:
    shop = shop_at(provider, "40.00", cups=2)
    shop.desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="r1")
    shop.refund("20.00")
    assert shop.went_back == eur("20.00")


# --- the answer was lost, and the merchant paid from his bank --------------------------------------------


@pytest.mark.parametrize("provider", SANDBOXES)
@pytest.mark.parametrize("how", ["fails", "succeeds"])
def test_a_transfer_in_place_of_an_unknown_refund_and_the_providers_own_are_both_kept(
    shop_at: Callable[..., Shop], provider: str, how: str
) -> None:
    shop = shop_at(provider, "40.00", cups=2)
    shop.desk.mark_returned("1001", by=ANNA)
    shop.sandbox.hold()
    shop.sandbox.server.faults.append(Fault.CUT_AFTER)
    shop.sandbox.server.faulty = lambda sent: sent.method == "POST" and "refund" in sent.path
    unknown = shop.refund("40.00")
    assert unknown.state == "unknown"
    shop.desk.confirm_refund(
        "1001", shop.reference, eur("40.00"), reference="BANK-77", refund_id=unknown.id, by=ANNA, request_id="c1"
    )
    if how == "fails":
        shop.sandbox.fail(shop.sandbox.books(shop.reference)[0].reference)
    shop.sandbox.release()
    shop.later(48)
    for webhook in shop.sandbox.take_webhooks():
        shop.desk.receive_webhook(provider, webhook.headers, webhook.body, mode=Mode.TEST)
    shop.later(1)
    assert "BANK-77" in " ".join(entry.text("en") for entry in shop.desk.timeline("1001"))
    for_a_person = len(shop.desk.list_refunds(waits_for="person").refunds)
    counted = shop.desk.refund_options("1001")[0].refunded
    assert (for_a_person, counted) == ((0, eur("40.00")) if how == "fails" else (1, eur("80.00")))
    with pytest.raises(Exception, match="is more than"):
        shop.refund("40.00", "f2")


@pytest.mark.parametrize("provider", SANDBOXES)
def test_where_the_answer_comes_the_customer_is_paid_once_and_nobody_transfers(
    shop_at: Callable[..., Shop], provider: str
) -> None:
    shop = shop_at(provider, "40.00", cups=2)
    shop.desk.mark_returned("1001", by=ANNA)
    shop.sandbox.hold()
    made = shop.refund("40.00")
    assert made.state == "pending"
    shop.sandbox.release()
    shop.later(48)
    assert shop.desk.dossier("1001").refunds[made.id].state == "succeeded"
    assert shop.desk.list_refunds(waits_for="person").refunds == ()
    assert shop.went_back == eur("40.00")


# --- the answer is about something else ------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class NoSettings:
    """None."""


def acme(answer: Callable[[RefundRequest], RefundResult]) -> object:
    """A provider that answers as it is told to."""

    class Acme:
        name = "acme"
        display_name = "Acme"
        api = 2
        settings_type = NoSettings
        capabilities = PaymentCapabilities(
            refund_by_api=Support.YES, refundable=Support.YES, fetch_refund=Support.YES, list_refunds=Support.YES
        )

        def __init__(self, settings: NoSettings, http: object) -> None:
            del settings, http

        def refund_url(self, request: object) -> object: ...

        def refundable(self, payment: Payment) -> Refundable:
            return Refundable(target=payment.reference, remaining=payment.captured)

        def refund(self, request: RefundRequest) -> RefundResult:
            return answer(request)

        def list_refunds(self, target: str) -> list[RefundResult]:
            return []

        def fetch_refund(self, target: str, reference: str) -> RefundResult:
            raise RuntimeError("not asked")

    class Plugin:
        name = "acme"

        @hookimpl
        def payment_providers(self) -> list[type]:
            return [Acme]

    return Plugin()


def told(request: RefundRequest, **other: Any) -> RefundResult:
    as_asked: dict[str, Any] = {
        "reference": "re_1",
        "target": request.target,
        "status": RefundStatus.SUCCEEDED,
        "amount": request.amount,
        "provider_status": "ok",
        "refund_id": request.refund_id,
    }
    return RefundResult(**as_asked | other)


def cup_paid_at_acme() -> Order:
    return an_order(a_line("cup", 1, "40.00"), payments=[a_payment("40.00", provider="acme", reference="a1")])


@pytest.mark.parametrize(
    "other",
    [
        {"amount": eur("0.01")},
        {"amount": Money(minor=40, currency="JPY")},
        {"refund_id": "rf_of_somebody_else"},
        {"target": "a2"},
        {"status": "bogus"},
    ],
    ids=["another amount", "another currency", "another id", "another payment", "no status"],
)
def test_an_answer_about_something_else_is_not_believed_and_the_order_stays_readable(other: dict[str, Any]) -> None:
    plugins = [acme(lambda request: told(request, **other))]
    desk = ReturnDesk(shop=MemoryShop([cup_paid_at_acme()]), store="sqlite://", plugins=plugins)
    made = desk.refund("1001", "a1", eur("40.00"), by=ANNA, request_id="f1").refund
    assert made is not None
    assert made.state == "unknown"
    assert made.needs_person or "status" in other
    with pytest.raises(WrongState, match="not clear yet"):
        desk.refund("1001", "a1", eur("0.01"), by=ANNA, request_id="f2")
    desk.close()


def test_an_answer_about_what_was_asked_is_believed() -> None:
    desk = ReturnDesk(shop=MemoryShop([cup_paid_at_acme()]), store="sqlite://", plugins=[acme(told)])
    made = desk.refund("1001", "a1", eur("40.00"), by=ANNA, request_id="f1").refund
    assert made is not None
    assert made.state == "succeeded"
    desk.close()


# --- the payment leaves the order ------------------------------------------------------------------------


def leaves(order: Order) -> Order:
    return attrs.evolve(order, payments=())


def in_dollars(order: Order) -> Order:
    """The shop shows the order in another currency; at the provider the payment is what it was."""
    payments = tuple([attrs.evolve(one, captured=Money.of("48.00", "USD")) for one in order.payments])
    return attrs.evolve(order, currency="USD", lines=(a_line("cup", 2, "48.00", currency="USD"),), payments=payments)


def stays(order: Order) -> Order:
    return order


CHANGES: list[Callable[[Order], Order]] = [leaves, in_dollars, stays]


@pytest.mark.parametrize("change", CHANGES, ids=lambda one: one.__name__)
@pytest.mark.parametrize("provider", SANDBOXES)
def test_a_refund_on_the_way_ends_although_its_payment_left_the_order_or_changed_its_currency(
    shop_at: Callable[..., Shop], provider: str, change: Callable[[Order], Order]
) -> None:
    shop = shop_at(provider, "40.00", cups=2)
    shop.sandbox.hold()
    made = shop.refund("10.00")
    shop.orders.orders["1001"] = change(shop.orders.orders["1001"])
    shop.desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="r1")
    shop.sandbox.release()
    for _ in range(6):
        shop.later(24)
    assert shop.desk.dossier("1001").refunds[made.id].state == "succeeded"
    assert shop.went_back == eur("10.00")


def planned(shop: Shop, change: Callable[[Order], Order]) -> str:
    """A refund that no worker has sent yet when the order changes."""
    shop.desk = ReturnDesk(
        shop=shop.orders,
        store=shop.desk._services.store.engine,
        plugins=[shop.provider],
        settings={shop.provider: shop.sandbox.settings},
        clock=lambda: shop.now,
        inline_seconds=0,
    )
    made: str = shop.refund("10.00").id
    shop.orders.orders["1001"] = change(shop.orders.orders["1001"])
    shop.desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="r1")
    return made


@pytest.mark.parametrize("change", CHANGES, ids=lambda one: one.__name__)
@pytest.mark.parametrize("provider", SANDBOXES)
def test_one_that_was_planned_is_finished_by_what_was_fixed_then(
    shop_at: Callable[..., Shop], provider: str, change: Callable[[Order], Order]
) -> None:
    shop = shop_at(provider, "40.00", cups=2)
    made = planned(shop, change)
    for _ in range(6):
        shop.later(24)
    assert shop.desk.dossier("1001").refunds[made].state == "succeeded"
    assert shop.went_back == eur("10.00")


@pytest.mark.parametrize("provider", SANDBOXES)
@pytest.mark.parametrize("meanwhile", ["35.00", "5.00"])
def test_it_is_held_where_a_colleague_refunded_meanwhile(
    shop_at: Callable[..., Shop], provider: str, meanwhile: str
) -> None:
    """What is left for it, or that the colleague may have meant the same money, is for a person to see."""
    shop = shop_at(provider, "40.00", cups=2)
    made = planned(shop, in_dollars)
    shop.sandbox.refund_in_dashboard(shop.reference, eur(meanwhile))
    for _ in range(6):
        shop.later(24)
    refund = shop.desk.dossier("1001").refunds[made]
    assert (refund.state, refund.needs_person) == ("planned", True)
    assert shop.went_back == eur(meanwhile)


def test_a_refund_whose_payment_left_can_be_taken_back_and_looked_up(shop_at: Callable[..., Shop]) -> None:
    shop = shop_at("mollie", "40.00", cups=2)
    shop.sandbox.hold()
    made = shop.refund("10.00")
    shop.orders.orders["1001"] = an_order(a_line("cup", 2, "40.00"), payments=[])
    assert shop.desk.reconcile("1001").not_asked == ()
    cancelled = shop.desk.cancel_refund("1001", made.id, by=ANNA).refund
    assert cancelled is not None
    assert cancelled.state == "cancelled"
    assert shop.went_back == eur("0.00")


# --- the shop stores another name of the payment ---------------------------------------------------------


def invoiced(reference: str) -> Order:
    payer = BankAccount(name="J. Jansen", iban="NL91ABNA0417164300")
    payment = a_payment("44.95", provider="manual_transfer", reference=reference, payer=payer)
    return an_order(a_line("cup", 1, "44.95"), payments=[payment])


@pytest.mark.parametrize("refunded", [True, False])
def test_what_went_back_counts_although_the_shop_corrected_the_invoice_number(refunded: bool) -> None:
    orders = MemoryShop([invoiced("invoice 17")])
    desk = ReturnDesk(shop=orders, store="sqlite://", plugins=["manual_transfer"])
    desk.mark_returned("1001", by=ANNA)
    if refunded:
        desk.confirm_refund("1001", "invoice 17", eur("44.95"), reference="statement 1", by=ANNA, request_id="f1")
    orders.orders["1001"] = invoiced("invoice 17a")
    [option] = desk.refund_options("1001")
    assert option.suggested == eur("0" if refunded else "44.95")
    if refunded:
        with pytest.raises(WrongState, match="not on the order any more"):
            desk.refund("1001", "invoice 17a", eur("44.95"), by=ANNA, request_id="f2")
    else:
        desk.refund("1001", "invoice 17a", eur("44.95"), by=ANNA, request_id="f2")
    taken = [one for one in desk.dossier("1001").refunds.values() if one.counts_against_payment]
    assert [one.amount for one in taken] == [eur("44.95")]
    desk.close()


@pytest.mark.parametrize("renamed", [True, False])
@pytest.mark.parametrize("cups", [1, 2])
def test_one_cup_is_paid_once_although_the_shop_stores_the_charge_now(
    shop_at: Callable[..., Shop], renamed: bool, cups: int
) -> None:
    shop = shop_at("stripe", "40.00", cups=2)
    assert isinstance(shop.sandbox, StripeSandbox)
    shop.desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="r1")
    shop.refund("20.00")
    if renamed:
        charge = a_payment("40.00", provider="stripe", reference=shop.sandbox.charge_of(shop.reference), mode=Mode.TEST)
        shop.orders.orders["1001"] = an_order(a_line("cup", 2, "40.00"), payments=[charge])
    if cups == 2:
        shop.desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="r2")
    [option] = shop.desk.refund_options("1001")
    if option.suggested:
        shop.desk.refund("1001", option.payment.reference, option.suggested, by=ANNA, request_id="f2")
    assert shop.went_back == eur(f"{20 * cups}.00")


# --- a webhook names the payment, and the shop stored its order or session -------------------------------


def an_order_at_mollie(sandbox: Any) -> str:
    return str(sandbox.pay(eur("40.00"), reference="ord_kEn1PlbGa"))


def a_session_at_stripe(sandbox: Any) -> str:
    return str(sandbox.check_out(eur("40.00")))


def an_order_at_paypal(sandbox: Any) -> str:
    return f"order:{sandbox.order_of(sandbox.pay(eur('40.00')))}"


def a_capture_at_paypal(sandbox: Any) -> str:
    return f" capture:{sandbox.pay(eur('40.00'))}"


OTHER_NAMES = {
    "mollie, an order": ("mollie", an_order_at_mollie),
    "stripe, a session": ("stripe", a_session_at_stripe),
    "paypal, an order": ("paypal", an_order_at_paypal),
    "paypal, a capture": ("paypal", a_capture_at_paypal),
}


@pytest.mark.parametrize("kind", OTHER_NAMES)
@pytest.mark.parametrize("in_dashboard", [True, False])
@pytest.mark.parametrize("seen", [True, False])
def test_a_refund_in_the_dashboard_is_seen_by_webhook_whatever_the_shop_stored(
    shop_at: Callable[..., Shop], kind: str, in_dashboard: bool, seen: bool
) -> None:
    """Also of an order that retour never saw. Without it, the cup is paid."""
    provider, pay = OTHER_NAMES[kind]
    shop = shop_at(provider, "40.00", cups=2)
    shop.sandbox.take_webhooks()
    shop.reference = pay(shop.sandbox)
    payment = a_payment("40.00", provider=provider, reference=shop.reference, mode=Mode.TEST)
    shop.orders.orders["1001"] = an_order(a_line("cup", 2, "40.00"), payments=[payment])
    if seen:
        shop.desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="r1")
    if in_dashboard:
        shop.sandbox.refund_in_dashboard(shop.reference, eur("20.00"))
    shop.later(30)  # Mollie tells of what is paid out
    told = [
        shop.desk.receive_webhook(provider, webhook.headers, webhook.body, mode=Mode.TEST)
        for webhook in shop.sandbox.take_webhooks()
    ]
    assert any(one.kept or one.unknown for one in told) is in_dashboard
    for _ in range(3):
        shop.later(0.1)
    if not seen:
        assert [one.source for one in shop.desk.dossier("1001").refunds.values()] == ["external"] * in_dashboard
        shop.desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="r1")
    [option] = shop.desk.refund_options("1001")
    assert option.suggested == eur("0" if in_dashboard else "20.00")
    if option.suggested:
        shop.desk.refund("1001", shop.reference, option.suggested, by=ANNA, request_id="f1")
    assert shop.went_back == eur("20.00")


# --- what the shop stored was paid in several parts ------------------------------------------------------


@pytest.mark.parametrize("parts", [["40.00", "4.95"], ["44.95"]], ids=["two", "one"])
@pytest.mark.parametrize("provider", ["mollie", "paypal"])
def test_an_order_with_several_paid_payments_or_captures_says_so_and_names_them(
    shop_at: Callable[..., Shop], provider: str, parts: list[str]
) -> None:
    shop = shop_at(provider, "44.95")
    sandbox: Any = shop.sandbox
    if provider == "mollie":
        paid = [sandbox.pay(eur(part)) for part in parts]
        shop.reference = sandbox.order(*paid)
    else:
        paid = [sandbox.pay(eur(parts[0]))]
        order = sandbox.order_of(paid[0])
        paid += [sandbox.pay(eur(part), order=order) for part in parts[1:]]
        shop.reference = f"order:{order}"
    payment = a_payment("44.95", provider=provider, reference=shop.reference, mode=Mode.TEST)
    shop.orders.orders["1001"] = an_order(a_line("cup", 1, "44.95"), payments=[payment])
    shop.desk.mark_returned("1001", by=ANNA)
    assert not shop.desk.reconcile("1001").not_asked
    if len(paid) == 1:
        shop.refund("44.95")
        assert [one.amount for one in sandbox.books(paid[0])] == [eur("44.95")]
        return
    with pytest.raises(WrongState, match=f"{paid[0]}, {paid[1]}"):
        shop.refund("44.95")
    assert [sandbox.books(one) for one in paid] == [[], []]


# --- the bank sends it back days after it succeeded, and the webhook gets lost ---------------------------


def days(shop: Shop, number: int) -> None:
    for _ in range(number):
        shop.later(24)


@pytest.mark.parametrize("provider", SANDBOXES)
def test_a_refund_that_the_bank_sent_back_is_found_by_work_alone(shop_at: Callable[..., Shop], provider: str) -> None:
    shop = shop_at(provider, "44.95")
    shop.desk.mark_returned("1001", by=ANNA)
    made = shop.refund("44.95")
    days(shop, 6)
    assert shop.desk.dossier("1001").refunds[made.id].state == "succeeded"
    assert not shop.desk.refund_options("1001")[0].suggested
    shop.sandbox.fail(shop.sandbox.books(shop.reference)[0].reference)
    days(shop, 60)
    assert shop.desk.dossier("1001").refunds[made.id].state == "reversed"
    assert shop.desk.refund_options("1001")[0].suggested == eur("44.95")


@pytest.mark.parametrize("provider", SANDBOXES)
def test_a_refund_that_arrived_stays_refunded_and_in_the_end_nobody_asks_any_more(
    shop_at: Callable[..., Shop], provider: str
) -> None:
    shop = shop_at(provider, "44.95")
    shop.desk.mark_returned("1001", by=ANNA)
    made, asked_at = shop.refund("44.95"), []
    for _ in range(200):
        already = len(shop.sandbox.server.requests)
        shop.later(24)
        if any("refund" in one.path for one in shop.sandbox.server.requests[already:]):
            asked_at.append(shop.now)
    refund = shop.desk.dossier("1001").refunds[made.id]
    assert refund.succeeded_at is not None
    looks = [(at - refund.succeeded_at).days for at in asked_at if at > refund.succeeded_at]
    planned = (1, 3, 7, 14, 30, 60, 90)
    assert all(plan <= look <= plan * 1.25 + 1 for look, plan in zip(looks, planned, strict=True))
    assert looks[-1] <= 91
    assert (refund.state, shop.went_back) == ("succeeded", eur("44.95"))


# --- currencies that are not paid to the last minor unit -------------------------------------------------

IN_STEPS = [
    ("paypal", "HUF", "2990", ""),
    ("paypal", "TWD", "1000", ""),
    ("paypal", "JPY", "1000", ""),
    ("stripe", "KWD", "10.000", ""),
    ("stripe", "BHD", "10.000", ""),
    ("stripe", "MGA", "1000", ""),
    ("stripe", "ISK", "1000", ""),
    ("mollie", "HUF", "2990", "paypal"),
    ("mollie", "TWD", "1000", "paypal"),
    ("mollie", "EUR", "10.00", ""),  # the control: to the cent
]


@pytest.mark.parametrize(("provider", "currency", "amount", "method"), IN_STEPS)
def test_each_of_three_cups_can_be_paid_and_all_three_sum_to_what_was_paid(
    shop_at: Callable[..., Shop], provider: str, currency: str, amount: str, method: str
) -> None:
    shop = shop_at(provider, "1.00")
    sandbox: Any = shop.sandbox
    paid = Money.of(amount, currency)
    shop.reference = sandbox.pay(paid, method=method) if method else sandbox.pay(paid)
    payment = a_payment(
        amount, provider=provider, reference=shop.reference, currency=currency, mode=Mode.TEST, method=method
    )
    cups = a_line("cup", 3, amount, currency=currency)
    shop.orders.orders["1001"] = an_order(cups, payments=[payment])
    went_back = Money.zero(currency)
    for form in ("1", "2", "3"):
        shop.desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id=f"return {form}")
        [option] = shop.desk.refund_options("1001")
        made = shop.desk.refund("1001", shop.reference, option.suggested, by=ANNA, request_id=form).refund
        assert made is not None
        assert made.state in ("pending", "succeeded"), made.problem
        went_back += option.suggested
        shop.later(2)  # Mollie takes the same amount within an hour for a repetition
    assert went_back == paid


# --- the customer's bank took it back, and later the goods come back -------------------------------------


@pytest.mark.parametrize("taken_back", [True, False])
@pytest.mark.parametrize("told", ["by the books", "by webhook"])
@pytest.mark.parametrize("provider", SANDBOXES)
def test_what_the_bank_took_back_is_not_paid_to_the_customer_once_more(
    shop_at: Callable[..., Shop], provider: str, taken_back: bool, told: str
) -> None:
    shop = shop_at(provider, "44.95")
    assert isinstance(shop.sandbox, ChargesBack)
    shop.desk.mark_returned("1001", by=ANNA)
    if taken_back:
        shop.sandbox.charge_back(shop.reference)
    if told == "by webhook":
        shop.hear()
        assert bool(shop.desk.refund_options("1001")[0].suggested) is not taken_back
    if taken_back:
        with pytest.raises(InvalidAmount, match="bank took back"):
            shop.refund("44.95")
        assert [item.kind for item in shop.desk.attention().items] == ["charged_back"]
        [option] = shop.desk.refund_options("1001")
        assert (option.charged_back, option.left) == (eur("44.95"), eur("0"))
    else:
        shop.refund("44.95")
    assert shop.went_back == eur("0" if taken_back else "44.95")


@pytest.mark.parametrize("provider", SANDBOXES)
def test_what_the_bank_gave_back_can_be_refunded(shop_at: Callable[..., Shop], provider: str) -> None:
    """Stripe says ``disputed`` of a charge for ever, also after the dispute was won."""
    shop = shop_at(provider, "44.95")
    assert isinstance(shop.sandbox, ChargesBack)
    assert isinstance(shop.sandbox, GivesBack)
    shop.desk.mark_returned("1001", by=ANNA)
    shop.sandbox.charge_back(shop.reference)
    shop.desk.reconcile("1001")
    shop.sandbox.give_back(shop.reference)
    assert shop.refund("44.95").state in ("pending", "succeeded")
    assert (shop.went_back, shop.desk.attention("charged_back").items) == (eur("44.95"), ())


# --- the customer disputes it, and nobody has decided yet ------------------------------------------------


@pytest.mark.parametrize(
    ("status", "refundable"),
    [
        ("needs_response", False),
        ("under_review", False),
        ("warning_needs_response", True),
        ("warning_under_review", True),
        ("warning_needs_response", False),
        ("warning_closed", True),
        ("won", True),
    ],
)
def test_a_dispute_at_stripe_says_whether_its_charge_can_be_refunded_now(
    shop_at: Callable[..., Shop], status: str, refundable: bool
) -> None:
    shop = shop_at("stripe", "44.95")
    assert isinstance(shop.sandbox, StripeSandbox)
    shop.desk.mark_returned("1001", by=ANNA)
    dispute = shop.sandbox.open_dispute(shop.reference)
    shop.sandbox.move_dispute(dispute, status, refundable=refundable)
    if refundable:
        assert shop.refund("44.95").state == "succeeded"
    else:
        with pytest.raises(WrongState, match=rf"{dispute}.* answer it in the Stripe dashboard"):
            shop.refund("44.95")
        assert shop.desk.dossier("1001").refunds == {}
        [option] = shop.desk.refund_options("1001")
        assert (option.left, option.suggested) == (eur("44.95"), eur("0")), "nothing is lost yet, and nothing can go"
        shop.sandbox.move_dispute(dispute, "won")
        assert shop.refund("44.95", "f2").state == "succeeded"
        refundable = True
    assert shop.went_back == eur("44.95" if refundable else "0")


@pytest.mark.parametrize("names_order", [True, False], ids=["names its order", "names no order"])
@pytest.mark.parametrize("open_case", [True, False], ids=["disputed", "not disputed"])
def test_a_dispute_at_paypal_that_reads_as_a_refund_is_called_what_it_is(
    shop_at: Callable[..., Shop], open_case: bool, names_order: bool
) -> None:
    """The capture says that it was partly refunded, and nothing went back."""
    shop = shop_at("paypal", "44.95")
    assert isinstance(shop.sandbox, PayPalSandbox)
    shop.reference = shop.sandbox.pay(eur("44.95"), names_order=names_order)
    payment = a_payment("44.95", provider="paypal", reference=shop.reference, mode=Mode.TEST)
    shop.orders.orders["1001"] = an_order(a_line("cup", 1, "44.95"), payments=[payment])
    shop.desk.mark_returned("1001", by=ANNA)
    if open_case:
        shop.sandbox.open_dispute(shop.reference, called="PARTIALLY_REFUNDED", says_so=False)
    not_asked = [one.why.render("en") for one in shop.desk.reconcile("1001").not_asked]
    assert all("while a dispute is open" in why and "was refunded" not in why for why in not_asked)
    assert bool(not_asked) is (open_case and not names_order)
    if open_case:
        with pytest.raises((WrongState, ProviderUnavailable), match=r"dispute .*open"):
            shop.refund("44.95")
        assert shop.desk.dossier("1001").refunds == {}
    else:
        assert shop.refund("44.95").state == "succeeded"
    assert shop.went_back == eur("0" if open_case else "44.95")


@pytest.mark.parametrize("amount", ["44.95", "20.00"])
def test_while_a_case_is_open_at_paypal_a_part_is_refused_and_all_of_it_goes(
    shop_at: Callable[..., Shop], amount: str
) -> None:
    shop = shop_at("paypal", "44.95")
    assert isinstance(shop.sandbox, PayPalSandbox)
    shop.sandbox.open_dispute(shop.reference)
    if amount == "44.95":
        assert shop.refund(amount).state == "succeeded"
    else:
        with pytest.raises(WrongState, match="only the whole payment"):
            shop.refund(amount)
        assert shop.desk.dossier("1001").refunds == {}
        shop.sandbox.close_dispute(shop.reference)
        assert shop.refund(amount, "f2").state == "succeeded"
    assert shop.went_back == eur(amount)
