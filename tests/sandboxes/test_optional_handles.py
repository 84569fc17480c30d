"""What a sandbox has only where its provider has it: webhooks on request, charge-backs, several names of a payment."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from testing.acme_pay import AcmePay, AcmePaySandbox

from retour.providers import Money, ProviderSession, RawWebhook, ToFetch, VerifiedEvents, WebhookRejected
from retour.providers.settings import read_settings
from retour.sandbox import ChargesBack, NamesPayments, SandboxWebhook, TellsOfRefunds
from retour_manual_transfer.sandbox import BankSandbox
from retour_mollie.provider import Mollie
from retour_mollie.sandbox import MollieSandbox
from retour_paypal.provider import PayPal
from retour_paypal.sandbox import PayPalSandbox
from retour_stripe.provider import Stripe
from retour_stripe.sandbox import StripeSandbox

PAID = Money.of("94.95", "EUR")
PART = Money.of("44.95", "EUR")
PROVIDERS: dict[str, tuple[Any, Any]] = {
    "mollie": (MollieSandbox, Mollie),
    "stripe": (StripeSandbox, Stripe),
    "paypal": (PayPalSandbox, PayPal),
    "acmepay": (AcmePaySandbox, AcmePay),
}


class Account:
    """A sandbox, and the provider that reads its webhooks."""

    def __init__(self, sandbox: Any, kind: Any) -> None:
        self.sandbox = sandbox
        settings, faults = read_settings(kind.settings_type, sandbox.settings, kind.name)
        assert faults == []
        self.provider = kind(settings, ProviderSession(deadline=30.0))

    def read(self, webhook: SandboxWebhook) -> VerifiedEvents | ToFetch:
        headers = {name.lower(): value for name, value in webhook.headers.items()}
        told: VerifiedEvents | ToFetch = self.provider.parse_webhook(RawWebhook(headers=headers, body=webhook.body))
        return told

    def hinted(self) -> set[str]:
        """The payments that the webhooks which nobody took yet tell to look at."""
        told = [self.read(webhook) for webhook in self.sandbox.take_webhooks()]
        return {target for one in told if isinstance(one, ToFetch) for target in one.targets}


@pytest.fixture
def account(request: pytest.FixtureRequest) -> Iterator[Account]:
    kind, provider = PROVIDERS[request.param]
    with kind() as sandbox:
        yield Account(sandbox, provider)


of = pytest.mark.parametrize


def test_each_sandbox_has_what_its_provider_has() -> None:
    kinds = {"manual_transfer": BankSandbox} | {name: kind for name, (kind, _) in PROVIDERS.items()}
    with ExitStack() as stack:
        has = {
            name: {
                optional.__name__
                for optional in (TellsOfRefunds, ChargesBack, NamesPayments)
                if isinstance(stack.enter_context(kind()), optional)
            }
            for name, kind in kinds.items()
        }
    everything = {"TellsOfRefunds", "ChargesBack", "NamesPayments"}
    assert has == {
        "mollie": everything,
        "stripe": everything,
        "paypal": everything,
        "acmepay": {"TellsOfRefunds"},
        "manual_transfer": set(),
    }


# --- webhooks on request ---------------------------------------------------------------------------------


@of("account", PROVIDERS, indirect=True)
def test_a_webhook_about_a_refund_says_how_it_is_now_also_that_the_bank_sent_it_back(account: Account) -> None:
    sandbox = account.sandbox
    sandbox.hold()
    refund = sandbox.refund_in_dashboard(sandbox.pay(PAID), PART)
    waiting = account.read(sandbox.webhook_about(refund))
    sandbox.release()
    sandbox.advance(datetime.timedelta(days=365))
    done = account.read(sandbox.webhook_about(refund))
    sandbox.fail(refund)
    failed = account.read(sandbox.webhook_about(refund))
    said = []
    for told in (waiting, done, failed):
        assert isinstance(told, VerifiedEvents)
        [status] = {event.refund.status.value for event in told.events}
        assert {event.refund.reference for event in told.events} == {refund}
        said.append(status)
    assert said == ["pending", "succeeded", "failed"]


@of("account", PROVIDERS, indirect=True)
def test_a_webhook_with_a_spoilt_signature_is_rejected(account: Account) -> None:
    sandbox = account.sandbox
    webhook = sandbox.webhook_about(sandbox.refund_in_dashboard(sandbox.pay(PAID), PART))
    spoilt = sandbox.with_spoilt_signature(webhook)
    assert (spoilt.body, set(spoilt.headers)) == (webhook.body, set(webhook.headers))
    account.read(webhook)
    with pytest.raises(WebhookRejected):
        account.read(spoilt)


@of("account", PROVIDERS, indirect=True)
def test_a_webhook_about_what_is_not_there_or_about_nothing_is_none(account: Account) -> None:
    for refunds in (("UNKNOWN",), ()):
        with pytest.raises(ValueError, match=r".+"):
            account.sandbox.webhook_about(*refunds)


@of("account", ["mollie", "paypal", "acmepay"], indirect=True)
def test_where_a_webhook_is_about_one_refund_none_is_about_two(account: Account) -> None:
    sandbox = account.sandbox
    payment = sandbox.pay(PAID)
    made = [sandbox.refund_in_dashboard(payment, Money.of(euros, "EUR")) for euros in ("1", "2")]
    with pytest.raises(ValueError, match="about one refund"):
        sandbox.webhook_about(*made)


def test_paypal_tells_nobody_that_a_refund_was_cancelled() -> None:
    with PayPalSandbox() as sandbox:
        refund = sandbox.refund_in_dashboard(sandbox.pay(PAID), PART)
        sandbox.cancel_in_dashboard(refund)
        with pytest.raises(ValueError, match=f"no event of PayPal tells that {refund} is CANCELLED"):
            sandbox.webhook_about(refund)


@of("account", ["stripe"], indirect=True)
def test_an_event_of_stripe_about_the_refunds_of_a_charge_says_to_look_at_it(account: Account) -> None:
    sandbox = account.sandbox
    payment = sandbox.pay(PAID)
    made = [sandbox.refund_in_dashboard(payment, Money.of(euros, "EUR")) for euros in ("1", "2")]
    told = account.read(sandbox.webhook_about(*made))
    assert isinstance(told, ToFetch)
    assert set(told.targets) == {payment, sandbox.charge_of(payment)}
    with pytest.raises(ValueError, match="of one charge"):
        sandbox.webhook_about(made[0], sandbox.refund_in_dashboard(sandbox.pay(PAID), PART))


def test_a_hint_of_mollie_has_no_signature_to_spoil() -> None:
    with MollieSandbox() as sandbox:
        sandbox.charge_back(sandbox.pay(PAID))
        [hint] = sandbox.take_webhooks()
        with pytest.raises(ValueError, match="no signature"):
            sandbox.with_spoilt_signature(hint)


# --- charge-backs ----------------------------------------------------------------------------------------

CHARGE_BACKS = of("account", ["mollie", "stripe", "paypal"], indirect=True)


@CHARGE_BACKS
def test_what_the_bank_took_back_is_not_refunded_again(account: Account) -> None:
    payment = account.sandbox.pay(PAID)
    account.sandbox.charge_back(payment)
    with pytest.raises(ValueError, match="cannot be refunded"):
        account.sandbox.refund_in_dashboard(payment, PART)
    with pytest.raises(ValueError, match="cannot be charged back"):
        account.sandbox.charge_back(payment)
    assert list(account.sandbox.books(payment)) == []


@CHARGE_BACKS
def test_the_bank_takes_back_what_was_refunded_before_all_the_same(account: Account) -> None:
    payment = account.sandbox.pay(PAID)
    account.sandbox.refund_in_dashboard(payment, PAID)
    account.sandbox.charge_back(payment)
    assert [one.amount for one in account.sandbox.books(payment)] == [PAID]


@CHARGE_BACKS
def test_a_charge_back_of_a_payment_that_is_not_there_is_said(account: Account) -> None:
    with pytest.raises(ValueError, match="There is no payment UNKNOWN"):
        account.sandbox.charge_back("UNKNOWN")


@of("account", ["mollie", "paypal"], indirect=True)
def test_a_charge_back_is_told_as_a_hint_at_its_payment(account: Account) -> None:
    payment = account.sandbox.pay(PAID)
    account.sandbox.charge_back(payment)
    assert account.hinted() == {payment}


def test_stripe_tells_of_a_dispute_and_that_the_money_is_gone() -> None:
    with StripeSandbox() as sandbox:
        payment = sandbox.pay(PAID)
        dispute = sandbox.open_dispute(payment, PART)
        told = [json.loads(webhook.body) for webhook in sandbox.take_webhooks()]
        assert [event["type"] for event in told] == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
        about = told[1]["data"]["object"]
        assert (about["id"], about["amount"], about["payment_intent"]) == (dispute, 4495, payment)
        assert [one["net"] for one in about["balance_transactions"]] == [-4495]


@of("account", ["mollie", "stripe"], indirect=True)
def test_the_bank_can_take_back_a_part(account: Account) -> None:
    payment = account.sandbox.pay(PAID)
    assert account.sandbox.charge_back(payment, PART)
    assert account.sandbox.charge_back(payment)
    assert [one.amount for one in account.sandbox.stored(payment).charge_backs] == [PART, PAID - PART]


@CHARGE_BACKS
def test_what_the_bank_gave_back_can_be_refunded_and_charged_back_again(account: Account) -> None:
    payment = account.sandbox.pay(PAID)
    with pytest.raises(ValueError, match="The bank has nothing of"):
        account.sandbox.give_back(payment)
    account.sandbox.charge_back(payment)
    account.sandbox.give_back(payment)
    account.sandbox.refund_in_dashboard(payment, PART)
    account.sandbox.charge_back(payment)
    assert account.sandbox.stored(payment).charged_back == PAID


def test_a_dispute_at_stripe_takes_the_money_when_it_is_opened_and_an_inquiry_when_it_becomes_one() -> None:
    with StripeSandbox() as sandbox:
        payment = sandbox.pay(PAID)
        inquiry = sandbox.open_inquiry(payment, PART)
        assert not sandbox.stored(payment).charged_back
        sandbox.refund_in_dashboard(payment, Money.of("1", "EUR"))
        sandbox.move_dispute(inquiry, "needs_response")
        assert sandbox.stored(payment).charged_back == PART
        with pytest.raises(ValueError, match="cannot be refunded"):
            sandbox.refund_in_dashboard(payment, Money.of("1", "EUR"))
        with pytest.raises(ValueError, match="no status of a dispute"):
            sandbox.move_dispute(inquiry, "settled")
        with pytest.raises(ValueError, match="There is no dispute dp_9"):
            sandbox.move_dispute("dp_9", "won")


def test_a_case_at_paypal_is_closed_once() -> None:
    with PayPalSandbox() as sandbox:
        capture = sandbox.pay(PAID)
        sandbox.open_dispute(capture)
        sandbox.close_dispute(capture)
        with pytest.raises(ValueError, match="no open case"):
            sandbox.close_dispute(capture)


def test_paypal_says_nothing_of_a_part_that_was_charged_back() -> None:
    with PayPalSandbox() as sandbox, pytest.raises(ValueError, match="takes back a payment as a whole"):
        sandbox.charge_back(sandbox.pay(PAID), PART)


# --- names -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "provider, reference, kinds",
    [
        ("mollie", "tr_7UhSN1zuXS", ["tr"]),
        ("mollie", "ord_kEn1PlbGa", ["tr", "ord"]),
        ("stripe", "pi_3MtwBwLkdIwHu7ix28a3tqPa", ["pi", "ch"]),
        ("stripe", "ch_3MmlLrLkdIwHu7ix0snN0B15", ["ch"]),
        ("stripe", "cs_test_a11YYufWQzNY63zpQ6QSNRQhkUpVph4W", ["pi", "ch", "cs"]),
    ],
)
def test_every_name_of_a_payment_leads_to_it(provider: str, reference: str, kinds: list[str]) -> None:
    with PROVIDERS[provider][0]() as sandbox:
        sandbox.pay(PAID, reference=reference)
        names = sandbox.names(reference)
        assert [name.partition("_")[0] for name in names] == kinds
        assert reference in names
        refund = sandbox.refund_in_dashboard(reference, PART)
        assert {sandbox.books(name)[0].reference for name in names} == {refund}


def test_a_capture_of_paypal_is_named_as_its_order_as_long_as_that_has_no_other() -> None:
    with PayPalSandbox() as sandbox:
        capture = sandbox.pay(PAID)
        order = sandbox.order_of(capture)
        assert sandbox.names(f"order:{order}") == [capture, f"capture:{capture}", f"order:{order}"]
        sandbox.pay(PAID, order=order)
        assert sandbox.names(capture) == [capture, f"capture:{capture}"]


@of("account", ["mollie", "stripe", "paypal"], indirect=True)
def test_a_payment_that_is_not_there_has_no_names(account: Account) -> None:
    with pytest.raises(ValueError, match="There is no payment UNKNOWN"):
        account.sandbox.names("UNKNOWN")
