"""Any refund can go by bank transfer with the customer's consent, where the way that the money came in is closed."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import database_clock
import pytest
from money_told import money_told

from retour import (
    Actor,
    BankAccount,
    Consent,
    ConsentMissing,
    ConsentWay,
    InvalidAmount,
    InvalidArgument,
    MemoryShop,
    Mode,
    Money,
    ReturnDesk,
    WrongState,
    connect,
)
from retour.providers import RefundStatus
from retour.sandbox import PaymentSandbox
from retour.testing import a_line, a_payment, an_order
from retour_mollie.sandbox import MollieSandbox
from retour_paypal.sandbox import PayPalSandbox
from retour_stripe.sandbox import StripeSandbox

ANNA = Actor.staff("anna")
TO = BankAccount(name="J. Jansen", iban="NL91ABNA0417164300")
AGREED = Consent(how=ConsentWay.EMAIL, note="mail of 23 November")
SANDBOXES: dict[str, type[PaymentSandbox]] = {
    "mollie": MollieSandbox,
    "stripe": StripeSandbox,
    "paypal": PayPalSandbox,
}


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


@attrs.define
class Shop:
    """A shop whose order of EUR 44.95 was paid in a sandbox; its clock is the database's, and the sandbox's goes with
    it."""

    provider: str
    sandbox: Any
    reference: str
    now: datetime.datetime
    desk: ReturnDesk = None  # type: ignore[assignment]
    forms: int = 0

    def later(self, hours: float) -> None:
        self.now += datetime.timedelta(hours=hours)
        self.sandbox.advance(datetime.timedelta(hours=hours))
        self.desk.work()

    def refund(self, amount: str = "44.95", **more: Any) -> Any:
        self.forms += 1
        given = {"by": ANNA, "request_id": f"form-{self.forms}", **more}
        return self.desk.refund("1001", self.reference, eur(amount), **given).refund

    def transfer(self, amount: str = "44.95", **more: Any) -> Any:
        return self.refund(amount, **{"to": TO, "consent": AGREED, **more})

    def webhooks_come(self) -> None:
        for webhook in self.sandbox.take_webhooks():
            self.desk.receive_webhook(self.provider, webhook.headers, webhook.body, mode=Mode.TEST)

    @property
    def waits_for(self) -> list[str]:
        return [one.waits_for for one in self.desk.list_refunds().refunds if one.waits_for]

    @property
    def went_back(self) -> int:
        """What the provider's own books say, in minor units."""
        counting = (RefundStatus.SUCCEEDED, RefundStatus.PENDING)
        return sum(one.amount.minor for one in self.sandbox.books(self.reference) if one.status in counting)


@pytest.fixture
def shop_at(tmp_path: Any) -> Iterator[Callable[..., Shop]]:
    opened: list[Shop] = []
    database_clock.install()

    def made(
        provider: str,
        *,
        plugins: Any = ("manual_transfer",),
        days_ago: int = 0,
        cups: int = 1,
        told: str = "",
        **pay: Any,
    ) -> Shop:
        sandbox: Any = SANDBOXES[provider]().__enter__()
        reference = sandbox.pay(eur("44.95"), **pay)
        shop = Shop(provider=provider, sandbox=sandbox, reference=reference, now=sandbox.clock.now())
        payment = attrs.evolve(
            a_payment("44.95", provider=provider, reference=reference, mode=Mode.TEST, method=told),
            paid_at=shop.now - datetime.timedelta(days=days_ago),
        )
        database_clock.tell(lambda: shop.now)
        shop.desk = ReturnDesk(
            shop=MemoryShop([an_order(a_line("cup", cups, "44.95"), payments=[payment])]),
            store=connect(f"sqlite:///{tmp_path / f'{provider}{len(opened)}.db'}"),
            plugins=[provider, *plugins],
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


def is_transferred(shop: Shop, **more: Any) -> None:
    """It waits for the merchant's bank transfer, he makes it, and the bank's reference confirms it."""
    made = shop.transfer(**more)
    assert (made.state, made.by_transfer, made.consent.how) == ("awaiting_merchant", True, "email")
    link = shop.desk.refund_link("1001", refund_id=made.id)
    assert (link.kind, link.transfer.to) == ("transfer", TO)
    assert shop.waits_for == ["transfer"]
    shop.desk.confirm_refund(
        "1001", shop.reference, eur("44.95"), reference="bank 17", refund_id=made.id, by=ANNA, request_id="bank"
    )
    assert shop.desk.refund_options("1001")[0].left == eur("0")
    with pytest.raises(InvalidAmount):
        shop.transfer("0.01")


# --- the ways that are closed ----------------------------------------------------------------------------


def test_a_gift_card_goes_back_by_bank_transfer(shop_at: Callable[..., Shop]) -> None:
    shop = shop_at("mollie", method="giftcard")
    shop.desk.mark_returned("1001", by=ANNA)
    with pytest.raises(WrongState, match="bank transfer"):
        shop.refund()
    [option] = shop.desk.refund_options("1001")
    assert (option.link.kind, option.link.url) == ("transfer", "")
    assert "gift card" in option.link.instruction.render("en")
    is_transferred(shop)
    assert shop.went_back == 0


@pytest.mark.parametrize("method", ["giftcard", "voucher", "paysafecard"])
def test_what_mollie_never_refunds_leads_to_no_page_before_anybody_asked(
    shop_at: Callable[..., Shop], method: str
) -> None:
    """The shop says how it was paid; Mollie was asked nothing yet, and is asked nothing for it."""
    shop = shop_at("mollie", method=method, told=method)
    shop.desk.mark_returned("1001", by=ANNA)
    [option] = shop.desk.refund_options("1001")
    for link in (option.link, shop.desk.refund_link("1001", shop.reference, eur("44.95"))):
        assert (link.kind, link.url) == ("transfer", "")
        assert method in link.instruction.render("en")
    assert option.suggested == eur("44.95")
    assert not shop.sandbox.server.requests
    is_transferred(shop)


def test_mollies_own_word_on_how_it_was_paid_counts_before_the_shops(shop_at: Callable[..., Shop]) -> None:
    """The control: a shop that calls it a gift card, and Mollie knows better."""
    shop = shop_at("mollie", method="ideal", told="giftcard")
    shop.desk.mark_returned("1001", by=ANNA)
    assert shop.desk.refund_options("1001")[0].link.kind == "transfer"
    shop.desk.reconcile("1001")
    assert shop.desk.refund_options("1001")[0].link.kind == "provider_page"
    assert shop.refund().state == "pending"


def test_a_payment_that_the_provider_refunds_goes_back_the_way_it_came(shop_at: Callable[..., Shop]) -> None:
    """The control of a gift card: the same order, paid by iDEAL."""
    shop = shop_at("mollie", method="ideal")
    shop.desk.mark_returned("1001", by=ANNA)
    assert shop.desk.refund_options("1001")[0].link.kind == "provider_page"
    assert shop.refund().state == "pending"
    assert shop.went_back == 4495


@pytest.mark.parametrize("provider", SANDBOXES)
def test_a_refund_that_the_bank_sent_back_goes_by_bank_transfer(shop_at: Callable[..., Shop], provider: str) -> None:
    """The customer's card or account was closed."""
    shop = shop_at(provider)
    shop.desk.mark_returned("1001", by=ANNA)
    refund_id = shop.refund().id
    shop.later(96)
    shop.desk.reconcile("1001")
    shop.sandbox.fail(shop.desk.dossier("1001").refund(refund_id).reference)
    shop.webhooks_come()
    shop.desk.reconcile("1001")
    assert shop.desk.dossier("1001").refund(refund_id).state == "reversed"
    assert shop.desk.refund_options("1001")[0].link.kind == "transfer"
    is_transferred(shop, instead_of=refund_id)
    assert (shop.went_back, shop.desk.attention().items) == (0, ())


@pytest.mark.parametrize("provider", SANDBOXES)
def test_a_refund_that_arrived_is_not_transferred_as_well(shop_at: Callable[..., Shop], provider: str) -> None:
    """The control of one that was sent back."""
    shop = shop_at(provider)
    shop.desk.mark_returned("1001", by=ANNA)
    refund_id = shop.refund().id
    shop.later(96)
    with pytest.raises(WrongState):
        shop.transfer(instead_of=refund_id)
    with pytest.raises(InvalidAmount):
        shop.transfer()
    assert (shop.went_back, len(shop.desk.dossier("1001").refunds)) == (4495, 1)


def test_a_refund_that_failed_goes_by_bank_transfer(shop_at: Callable[..., Shop]) -> None:
    shop = shop_at("mollie")
    refund = shop.refund()
    shop.sandbox.fail(refund.reference)
    shop.desk.reconcile("1001")
    assert shop.desk.dossier("1001").refund(refund.id).state == "failed"
    is_transferred(shop, instead_of=refund.id)
    with pytest.raises(WrongState, match="in place of"):
        shop.transfer("1.00", instead_of=refund.id)


def test_what_an_empty_balance_holds_up_goes_by_bank_transfer(shop_at: Callable[..., Shop]) -> None:
    """PayPal refuses it, and the refund waits for a person: the transfer takes its place."""
    shop = shop_at("paypal")
    shop.sandbox.set_balance(eur("1.00"))
    held = shop.refund()
    assert (held.state, held.problem.code) == ("planned", "insufficient_balance")
    is_transferred(shop, instead_of=held.id)
    assert shop.went_back == 0


def test_what_waits_for_a_balance_at_the_provider_is_taken_back_there_first(shop_at: Callable[..., Shop]) -> None:
    """Mollie queues it: as long as Mollie has it, it counts."""
    shop = shop_at("mollie")
    shop.sandbox.set_balance(eur("1.00"))
    queued = shop.refund()
    with pytest.raises(WrongState):
        shop.transfer(instead_of=queued.id)
    shop.desk.cancel_refund("1001", queued.id, by=ANNA)
    is_transferred(shop)


def test_a_payment_that_is_too_old_for_its_provider_goes_by_bank_transfer(shop_at: Callable[..., Shop]) -> None:
    shop = shop_at("paypal", days_ago=200)
    assert shop.desk.refund_options("1001")[0].link.kind == "transfer"
    late = shop.refund()
    assert (late.state, late.lacks_consent) == ("awaiting_merchant", True)
    link = shop.desk.refund_link("1001", refund_id=late.id, to=TO)
    assert (link.kind, link.transfer) == ("transfer", None)
    with pytest.raises(ConsentMissing):
        shop.desk.set_refund_batch("1001", late.id, "B1", by=ANNA)
    is_transferred(shop, instead_of=late.id)


def test_a_link_that_was_opened_where_nothing_can_be_done_asks_for_consent(shop_at: Callable[..., Shop]) -> None:
    shop = shop_at("mollie", method="giftcard")
    opened = shop.desk.open_refund_link("1001", shop.reference, eur("44.95"), by=ANNA, request_id="link")
    link = shop.desk.refund_link("1001", refund_id=opened.refund_id, to=TO)
    assert (link.kind, link.transfer, shop.waits_for) == ("transfer", None, ["transfer"])
    assert "gift card" in link.instruction.render("en")
    assert "with his consent" in link.instruction.render("en")
    is_transferred(shop, instead_of=opened.refund_id)


@pytest.mark.parametrize("refundable", [False, True])
def test_what_is_left_of_a_payment_that_was_lost_in_part_goes_back_by_the_way_that_is_open(
    shop_at: Callable[..., Shop], *, refundable: bool
) -> None:
    """Stripe refunds nothing more of it: then it is transferred, and no link leads to Stripe. The control is one of
    which it does."""
    shop = shop_at("stripe")
    shop.desk.mark_returned("1001", by=ANNA)
    dispute = shop.sandbox.open_dispute(shop.reference, eur("10.00"))
    shop.sandbox.move_dispute(dispute, "lost", refundable=refundable)
    shop.desk.reconcile("1001")
    if refundable:
        assert shop.refund("34.95").state == "succeeded"
        return
    with pytest.raises(WrongState, match="was lost, and Stripe refunds nothing more"):
        shop.refund("34.95")
    [option] = shop.desk.refund_options("1001")
    assert (option.charged_back, option.suggested) == (eur("10.00"), eur("34.95"))
    assert (option.link.kind, option.link.url) == ("transfer", "")
    opened = shop.desk.open_refund_link("1001", shop.reference, eur("34.95"), by=ANNA, request_id="link")
    assert opened.refund.lacks_consent
    made = shop.transfer("34.95", instead_of=opened.refund_id)
    assert shop.desk.refund_link("1001", refund_id=made.id).transfer.to == TO
    with pytest.raises(InvalidAmount):
        shop.transfer("0.01")


# --- the ways that are closed for now --------------------------------------------------------------------


def disputed(shop: Shop, how: str) -> Callable[[], object]:
    """The customer disputes the payment; gives what decides that against him."""
    sandbox, reference = shop.sandbox, shop.reference
    if how == "paypal":
        sandbox.open_dispute(reference, called="PENDING")
        return lambda: sandbox.close_dispute(reference)
    dispute = sandbox.open_dispute(reference) if how == "stripe" else sandbox.open_inquiry(reference)
    if how == "stripe inquiry":
        sandbox.move_dispute(dispute, "warning_needs_response", refundable=False)
    over = "won" if how == "stripe" else "warning_closed"
    return lambda: sandbox.move_dispute(dispute, over, refundable=True)


@pytest.mark.parametrize("how", ["stripe", "stripe inquiry", "paypal"])
def test_while_a_dispute_is_open_nobody_is_sent_to_a_page_where_it_cannot_be_refunded(
    shop_at: Callable[..., Shop], how: str
) -> None:
    """By API it is refused with what is so, no link is opened, nothing is suggested, and each says why. Once it is
    decided for the merchant, it is refunded."""
    shop = shop_at(how.partition(" ")[0])
    shop.desk.mark_returned("1001", by=ANNA)
    decide = disputed(shop, how)
    with pytest.raises(WrongState) as refused:
        shop.refund()
    assert "refund link" not in str(refused.value)
    assert "bank transfer" not in str(refused.value)
    with pytest.raises(WrongState):
        shop.desk.open_refund_link("1001", shop.reference, eur("44.95"), by=ANNA, request_id="link")
    with pytest.raises(WrongState):
        shop.transfer()
    [option] = shop.desk.refund_options("1001")
    assert (option.link.kind, option.link.url, option.suggested) == ("unavailable", "", eur("0"))
    assert option.because.text("en") in str(refused.value)
    assert not shop.desk.dossier("1001").refunds
    decide()
    assert shop.refund().state in ("pending", "succeeded")
    assert shop.went_back == 4495


@pytest.mark.parametrize("is_open", [True, False])
def test_while_a_case_is_open_at_paypal_no_part_is_suggested_and_none_is_sent(
    shop_at: Callable[..., Shop], *, is_open: bool
) -> None:
    """PayPal refunds the whole payment then, and no part of it. The control has no case."""
    shop = shop_at("paypal", cups=2)
    shop.desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="one")
    if is_open:
        shop.sandbox.open_dispute(shop.reference)
        with pytest.raises(WrongState, match="only the whole payment"):
            shop.refund("22.48")
        assert shop.desk.refund_options("1001")[0].suggested == eur("0")
        assert shop.refund("44.95").state == "succeeded"
    else:
        assert shop.refund("22.48").state == "succeeded"
    assert shop.went_back == (4495 if is_open else 2248)


# --- the customer's consent ------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", SANDBOXES)
def test_without_the_customers_consent_nothing_is_changed(shop_at: Callable[..., Shop], provider: str) -> None:
    shop = shop_at(provider)
    with pytest.raises(ConsentMissing, match="consent="):
        shop.transfer(consent=None)
    assert shop.desk.dossier("1001").version == 0


def test_the_consent_says_who_recorded_it_when_and_how_it_was_given(shop_at: Callable[..., Shop]) -> None:
    shop = shop_at("stripe")
    made = shop.transfer()
    assert (made.consent.by, made.consent.at, made.consent.how) == (ANNA, shop.now, "email")
    told = shop.desk.timeline("1001")
    assert [(one.text("en"), one.note, one.account) for one in told[-2:]] == [
        ("€44.95 waits for your bank transfer", "", "J. Jansen, NL…4300"),
        ("The customer agreed by e-mail to get €44.95 by bank transfer", "mail of 23 November", ""),
    ]
    for one in shop.desk.timeline("1001", audience="customer"):
        assert "4300" not in f"{one.text('en')}{one.note}{one.account}"
        assert "mail of" not in f"{one.text('en')}{one.note}{one.account}"


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"to": BankAccount(name="J. Jansen", iban="NL00ABNA0417164300")}, "4300 is not valid"),
        ({"to": BankAccount(name="", iban="NL91ABNA0417164300")}, "name of the account holder"),
        ({"to": None}, "to="),
    ],
)
def test_an_account_that_no_money_can_go_to_is_refused_first(
    shop_at: Callable[..., Shop], given: Any, fault: str
) -> None:
    shop = shop_at("stripe")
    with pytest.raises(InvalidArgument, match=fault):
        shop.transfer(**given)
    assert shop.desk.dossier("1001").version == 0


def test_where_nobody_knows_bank_transfers_it_says_what_to_set_up(shop_at: Callable[..., Shop]) -> None:
    shop = shop_at("mollie", plugins=(), method="giftcard")
    with pytest.raises(WrongState, match="manual_transfer"):
        shop.transfer()
    shop.desk.reconcile("1001")
    assert "Once a plugin for bank transfers is set up" in shop.desk.refund_options("1001")[0].link.instruction.render(
        "en"
    )


# --- nobody is paid twice --------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", SANDBOXES)
def test_what_a_colleague_refunded_meanwhile_is_found_before_it_is_transferred(
    shop_at: Callable[..., Shop], provider: str
) -> None:
    shop = shop_at(provider)
    shop.sandbox.refund_in_dashboard(shop.reference, eur("44.95"))
    with pytest.raises(InvalidAmount):
        shop.transfer()
    assert [one.source for one in shop.desk.dossier("1001").refunds.values()] == ["external"]


@pytest.mark.parametrize("provider", SANDBOXES)
def test_a_refund_in_the_dashboard_is_not_taken_for_the_transfer(shop_at: Callable[..., Shop], provider: str) -> None:
    """Somebody refunds it there after all: both count, and the transfer is not to be made."""
    shop = shop_at(provider)
    made = shop.transfer()
    shop.later(1)
    shop.sandbox.refund_in_dashboard(shop.reference, eur("44.95"))
    shop.desk.reconcile("1001")
    assert {one.source for one in shop.desk.dossier("1001").refunds.values()} == {"transfer", "external"}
    assert {one.kind for one in shop.desk.attention().items} == {"perhaps_ours", "beyond_order", "refund_held"}
    link = shop.desk.refund_link("1001", refund_id=made.id)
    assert (link.kind, link.transfer) == ("unavailable", None)
    shop.desk.cancel_refund("1001", made.id, by=ANNA)
    assert not shop.desk.attention().items


@pytest.mark.parametrize("provider", SANDBOXES)
def test_a_transfer_is_not_missed_in_the_providers_books(shop_at: Callable[..., Shop], provider: str) -> None:
    """The provider's books list nothing of it: the rest of the payment goes back by API, and nothing is unexplained."""
    shop = shop_at(provider)
    made = shop.transfer("20.00")
    shop.desk.confirm_refund(
        "1001", shop.reference, eur("20.00"), reference="bank 17", refund_id=made.id, by=ANNA, request_id="bank"
    )
    assert not shop.desk.reconcile("1001").changed
    assert shop.refund("24.95").state in ("pending", "succeeded")
    with pytest.raises(InvalidAmount):
        shop.refund("0.01")
    assert shop.went_back == 2495


@pytest.mark.parametrize("provider", SANDBOXES)
def test_what_the_customers_bank_took_back_is_not_transferred_to_him(
    shop_at: Callable[..., Shop], provider: str
) -> None:
    shop = shop_at(provider)
    shop.sandbox.charge_back(shop.reference)
    with pytest.raises((InvalidAmount, WrongState)):
        shop.transfer()
    assert not shop.desk.dossier("1001").refunds


@pytest.mark.parametrize("provider", ["stripe", "paypal"])
def test_what_the_customer_disputes_goes_back_at_the_provider_or_not_at_all(
    shop_at: Callable[..., Shop], provider: str
) -> None:
    """Stripe refunds while a bank only asks, and PayPal refunds the whole payment: a transfer beside it, and a dispute
    that is lost, would be money twice."""
    shop = shop_at(provider)
    (shop.sandbox.open_inquiry if provider == "stripe" else shop.sandbox.open_dispute)(shop.reference)
    with pytest.raises(WrongState, match="disputes the payment"):
        shop.transfer("20.00")
    assert not shop.desk.dossier("1001").refunds
    if provider == "paypal":
        shop.sandbox.close_dispute(shop.reference)
    else:
        [dispute] = shop.sandbox.stored(shop.reference).said["disputes"]
        shop.sandbox.move_dispute(dispute.id, "warning_closed")
    assert shop.transfer("20.00").state == "awaiting_merchant"


@pytest.mark.parametrize("is_told", [True, False])
@pytest.mark.parametrize("provider", SANDBOXES)
def test_a_transfer_that_waits_is_not_paid_once_the_customer_went_to_his_bank(
    shop_at: Callable[..., Shop], provider: str, *, is_told: bool
) -> None:
    """He disputes the payment at Stripe and PayPal; at Mollie his bank takes it back at once. Whether a webhook told of
    it or nobody did, what he may get by that is not transferred as well. Once it is decided against him, it is."""
    shop = shop_at(provider)
    made = shop.transfer()
    dispute = (shop.sandbox.charge_back if provider == "mollie" else shop.sandbox.open_dispute)(shop.reference)
    if is_told:
        shop.webhooks_come()
        shop.later(1)
        shop.desk.reconcile("1001")
    link = shop.desk.refund_link("1001", refund_id=made.id)
    assert (link.kind, link.transfer) == ("unavailable", None)
    with pytest.raises(WrongState, match="must not be transferred"):
        shop.desk.set_refund_batch("1001", made.id, "B1", by=ANNA)
    assert "refund_held" in shop.desk.attention_counts()
    if provider == "stripe":
        shop.sandbox.move_dispute(dispute, "won")
    else:
        (shop.sandbox.give_back if provider == "mollie" else shop.sandbox.close_dispute)(shop.reference)
    assert shop.desk.refund_link("1001", refund_id=made.id).transfer.to == TO
    assert shop.desk.attention().items == ()


@pytest.mark.parametrize("provider", SANDBOXES)
def test_a_transfer_that_was_paid_before_the_bank_took_the_money_is_told_as_more_than_was_paid(
    shop_at: Callable[..., Shop], provider: str
) -> None:
    shop = shop_at(provider)
    is_transferred(shop)
    shop.sandbox.charge_back(shop.reference)
    shop.desk.reconcile("1001")
    assert {one.kind for one in shop.desk.attention().items} == {"charged_back", "beyond_order"}


@pytest.mark.parametrize("says_so", [True, False])
def test_what_paypal_tells_was_reversed_is_not_lost_where_the_capture_gives_no_reason(
    shop_at: Callable[..., Shop], *, says_so: bool
) -> None:
    shop = shop_at("paypal")
    shop.desk.mark_returned("1001", by=ANNA)
    shop.sandbox.charge_back(shop.reference)
    told = shop.sandbox.take_webhooks()
    if not says_so:
        shop.sandbox.give_back(shop.reference)  # as a capture reads that gives no reason
    for webhook in told:
        shop.desk.receive_webhook("paypal", webhook.headers, webhook.body, mode=Mode.TEST)
    shop.later(1)
    [option] = shop.desk.refund_options("1001")
    assert (option.charged_back, option.suggested) == (eur("44.95" if says_so else "0"), eur("0"))
    assert [one.kind for one in shop.desk.attention().items] == ["charged_back" if says_so else "reversal_not_shown"]
    assert any(
        "took back" in one.text("en") or "was taken back" in one.text("en") for one in shop.desk.timeline("1001")
    )


def test_what_is_missing_in_the_books_is_missed_beside_a_transfer(shop_at: Callable[..., Shop]) -> None:
    """A transfer explains nothing of what the provider has no more."""
    shop = shop_at("mollie")
    shop.transfer("20.00")
    shop.sandbox.charge_back(shop.reference, eur("30.00"))
    with pytest.raises(InvalidAmount, match="bank took back"):
        shop.refund("24.95")
    shop.desk.reconcile("1001")
    assert shop.desk.refund_link("1001", refund_id=next(iter(shop.desk.dossier("1001").refunds))).kind == "unavailable"


def test_the_same_form_again_gives_the_same_transfer(shop_at: Callable[..., Shop]) -> None:
    shop = shop_at("stripe")
    first, again = shop.transfer(request_id="f"), shop.transfer(request_id="f")
    assert (first.id, len(shop.desk.dossier("1001").refunds)) == (again.id, 1)


def test_a_transfer_that_the_bank_sent_back_can_go_to_another_account(shop_at: Callable[..., Shop]) -> None:
    shop = shop_at("mollie", method="giftcard")
    made = shop.transfer()
    other = BankAccount(name="J. Jansen", iban="NL20INGB0001234567")
    with pytest.raises(WrongState, match=r"J\. Jansen, NL…4300"):
        shop.desk.refund_link("1001", refund_id=made.id, to=other)
    shop.desk.confirm_refund(
        "1001", shop.reference, eur("44.95"), reference="bank 17", refund_id=made.id, by=ANNA, request_id="bank"
    )
    shop.desk.reverse_refund("1001", made.id, reference="bank 18", by=ANNA)
    again = shop.transfer(to=other, instead_of=made.id)
    assert shop.desk.refund_link("1001", refund_id=again.id).transfer.to == other


def test_what_no_step_of_a_provider_can_pay_goes_by_bank_transfer() -> None:
    """Mollie pays PayPal's whole forints: the rest is named, leads to no page, and is transferred. Stripe and PayPal
    themselves receive no part of a step."""
    with MollieSandbox() as sandbox:
        reference = sandbox.pay(Money.of("2990.40", "HUF"), method="paypal")
        payment = a_payment("2990.40", reference=reference, currency="HUF", mode=Mode.TEST, method="paypal")
        desk = ReturnDesk(
            shop=MemoryShop([an_order(a_line("cup", 1, "2990.40", currency="HUF"), payments=[payment])]),
            store="sqlite://",
            plugins=["mollie", "manual_transfer"],
            settings={"mollie": sandbox.settings},
        )
        desk.mark_returned("1001", by=ANNA)
        [option] = desk.refund_options("1001")
        assert (option.suggested, option.remainder) == (Money.of("2990", "HUF"), Money.of("0.40", "HUF"))
        assert "bank transfer" in option.because.text("en")
        desk.refund("1001", reference, option.suggested, by=ANNA, request_id="f1")
        [option] = desk.refund_options("1001")
        assert (option.suggested.minor, option.link.kind, option.link.url) == (0, "transfer", "")
        link = desk.open_refund_link("1001", reference, option.remainder, by=ANNA, request_id="link").refund
        assert (link.by_transfer, link.lacks_consent) == (True, True)
        rest = desk.refund(
            "1001", reference, option.remainder, to=TO, consent=AGREED, instead_of=link.id, by=ANNA, request_id="f2"
        )
        assert desk.refund_link("1001", refund_id=rest.refund_id).transfer.amount == Money.of("0.40", "HUF")
        desk.close()


@pytest.mark.parametrize("provider", SANDBOXES)
def test_what_was_transferred_counts_against_the_payment_that_it_came_in_by(
    shop_at: Callable[..., Shop], provider: str
) -> None:
    """A part goes back by API and the rest by transfer: the provider's books and the bank's make the payment together,
    and nothing of it is offered, sent or transferred once more."""
    shop = shop_at(provider)
    shop.desk.mark_returned("1001", by=ANNA)
    assert shop.refund("20.00").state in ("succeeded", "pending")
    waits = shop.transfer("24.95")
    [option] = shop.desk.refund_options("1001")
    assert (option.refunded, option.left, option.suggested) == (eur("44.95"), eur("0"), eur("0")), "it is promised"

    link = shop.desk.refund_link("1001", refund_id=waits.id)
    assert (link.transfer.to, link.transfer.amount) == (TO, eur("24.95"))
    bank = {"BANK-1": link.transfer.amount.minor}
    shop.desk.confirm_refund(
        "1001", waits.payment, waits.amount, refund_id=waits.id, reference="BANK-1", by=ANNA, request_id="paid"
    )
    shop.later(24)
    shop.webhooks_come()
    for _ in range(2):
        shop.desk.reconcile("1001")
    assert shop.went_back == 20_00, "the provider knows nothing of the transfer"
    there = {one.reference: one.amount.minor for one in shop.sandbox.books(shop.reference)} | bank
    here = {one.reference: one.amount.minor for one in shop.desk.dossier("1001").refunds.values()}
    assert here == there
    assert money_told(shop.desk.timeline("1001")) == there
    assert sum(there.values()) == 44_95

    [option] = shop.desk.refund_options("1001")
    assert (option.refunded, option.left, option.suggested) == (eur("44.95"), eur("0"), eur("0"))
    for again in (shop.refund, shop.transfer):
        with pytest.raises(InvalidAmount):
            again("0.01")
    assert shop.desk.attention().items == ()

    shop.sandbox.refund_in_dashboard(shop.reference, eur("5.00"))
    shop.desk.reconcile("1001")
    [item] = shop.desk.attention("beyond_order").items
    assert "5.00" in item.why.render("en"), "a colleague paid more than was left: both books say so"
