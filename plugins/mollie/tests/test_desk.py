"""A desk that refunds at Mollie: money goes back once, whatever goes wrong on the way."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

import pytest

from retour import Actor, MemoryShop, Mode, Money, Payment, PaymentDispute, ReturnDesk, WrongState, hookimpl
from retour.sandbox import Fault, SandboxRequest, SandboxResponse, SandboxServer, SandboxWebhook, send_webhook
from retour.testing import a_line, an_order
from retour_mollie.sandbox import MollieSandbox

ANNA = Actor.staff("anna")
PAID = Money.of("94.95", "EUR")
HALF = Money.of("44.95", "EUR")
DAYS_2 = datetime.timedelta(days=2)


class Disputes:
    """Hears what banks do."""

    name = "disputes"

    def __init__(self) -> None:
        self.steps: list[tuple[str, str, str]] = []

    @hookimpl
    def on_payment_disputed(self, dispute: PaymentDispute) -> None:
        self.steps.append((dispute.step.value, str(dispute.difference), str(dispute.taken_back)))


def desk_of(sandbox: MollieSandbox, reference: str, *plugins: object) -> ReturnDesk:
    paid = Payment(provider="mollie", reference=reference, captured=PAID, mode=Mode.TEST)
    return ReturnDesk(
        shop=MemoryShop([an_order(a_line("teapot", 1, "94.95"), payments=[paid])]),
        store="sqlite://",
        plugins=["mollie", *plugins],
        settings={"mollie": sandbox.settings},
        clock=sandbox.clock.now,
    )


def refund(desk: ReturnDesk, reference: str, amount: Money = HALF, form: str = "form-1") -> None:
    desk.refund("1001", f"mollie:{reference}", amount, by=ANNA, request_id=form)


def states(desk: ReturnDesk) -> list[str]:
    return [refund.state.value for refund in desk.dossier("1001").refunds.values()]


def deliver(webhooks: Iterable[SandboxWebhook], desk: ReturnDesk, *, times: int = 1) -> None:
    """Send webhooks to a host that hands them to the desk."""

    def host(request: SandboxRequest) -> SandboxResponse:
        desk.receive_webhook("mollie", request.headers, request.body, mode=Mode.TEST)
        return SandboxResponse(status=200)

    with SandboxServer(host) as server:
        answers = [send_webhook(server.url, one.headers, one.body) for one in webhooks for _ in range(times)]
    assert set(answers) == {200}


@pytest.mark.parametrize("signed", [False, True])
def test_a_refund_is_pending_until_a_webhook_says_that_it_arrived_however_often_and_in_whatever_order(
    sandbox: MollieSandbox, signed: bool
) -> None:
    reference = sandbox.pay(PAID)
    sandbox.subscribe(secret="a secret of the subscription")
    desk = desk_of(sandbox, reference)
    refund(desk, reference)
    assert states(desk) == ["pending"]
    sandbox.advance(DAYS_2)
    of_this_kind = [one for one in sandbox.take_webhooks() if ("x-mollie-signature" in one.headers) is signed]
    deliver(reversed(of_this_kind), desk, times=2)
    assert states(desk) == ["succeeded"]


def test_an_order_of_the_orders_api_is_refunded_and_followed_on_its_payment(sandbox: MollieSandbox) -> None:
    reference = sandbox.order(sandbox.pay(PAID))
    desk = desk_of(sandbox, reference)
    refund(desk, reference)
    sandbox.advance(DAYS_2)
    deliver(sandbox.take_webhooks(), desk)
    desk.reconcile("1001")
    assert states(desk) == ["succeeded"]


@pytest.mark.parametrize("fault", [Fault.CUT_AFTER, Fault.ERROR_500_AFTER, Fault.NO_JSON_AFTER])
def test_a_lost_answer_is_settled_and_the_money_goes_back_once(sandbox: MollieSandbox, fault: Fault) -> None:
    reference = sandbox.pay(PAID)
    desk = desk_of(sandbox, reference)
    sandbox.server.faults.append(fault)
    refund(desk, reference)
    desk.reconcile("1001")
    assert states(desk) == ["pending"]
    assert len(sandbox.refunds(reference)) == 1


def test_a_second_refund_of_the_same_amount_waits_and_is_not_given_up(sandbox: MollieSandbox) -> None:
    reference = sandbox.pay(PAID)
    desk = desk_of(sandbox, reference)
    refund(desk, reference, form="form-1")
    refund(desk, reference, form="form-2")
    assert states(desk) == ["pending", "submitting"]
    assert len(sandbox.refunds(reference)) == 1


def test_a_refund_in_the_dashboard_is_noticed(sandbox: MollieSandbox) -> None:
    reference = sandbox.pay(PAID)
    desk = desk_of(sandbox, reference)
    desk.mark_returned("1001", by=ANNA)
    made = sandbox.refund_in_dashboard(reference, HALF)
    sandbox.advance(DAYS_2)
    deliver(sandbox.take_webhooks(), desk)
    [external] = desk.dossier("1001").refunds.values()
    assert (external.reference, external.amount) == (made, HALF)


def test_the_webhook_of_an_order_that_the_shop_stored_tells_of_a_refund_in_the_dashboard(
    sandbox: MollieSandbox,
) -> None:
    """It names the order, and nothing else comes: it was answered and dropped."""
    reference = sandbox.order(sandbox.pay(PAID))
    desk = desk_of(sandbox, reference)
    desk.mark_returned("1001", by=ANNA)
    made = sandbox.refund_in_dashboard(reference, HALF)
    form = {"content-type": "application/x-www-form-urlencoded"}
    deliver([SandboxWebhook(headers=form, body=f"id={reference}".encode())], desk)
    desk.work()
    [external] = desk.dossier("1001").refunds.values()
    assert (external.reference, external.amount) == (made, HALF)
    assert desk.refund_options("1001")[0].suggested == PAID - HALF


def test_a_gift_card_is_told_before_anything_is_planned(sandbox: MollieSandbox) -> None:
    reference = sandbox.pay(PAID, method="giftcard")
    desk = desk_of(sandbox, reference)
    with pytest.raises(WrongState, match="a method without refunds"):
        refund(desk, reference)
    assert states(desk) == []


def test_once_mollie_was_asked_its_own_link_leads_to_the_payment() -> None:
    """The field ``_links.dashboard`` names the organisation, which no address made of the reference does."""
    with MollieSandbox() as sandbox:
        reference = sandbox.pay(PAID)
        desk = desk_of(sandbox, reference)
        assert desk.refund_link("1001", reference).url == f"https://my.mollie.com/dashboard/payments/{reference}"
        refund(desk, reference)
        named = f"https://www.mollie.com/dashboard/org_12345678/payments/{reference}"
        assert desk.refund_link("1001", reference).url == named
        assert desk.timeline("1001")[-2].url == named


def test_a_host_hears_of_a_chargeback_by_webhook_and_that_it_was_reversed(sandbox: MollieSandbox) -> None:
    reference, heard = sandbox.pay(PAID), Disputes()
    desk = desk_of(sandbox, reference, heard)
    sandbox.charge_back(reference, HALF)
    deliver(sandbox.take_webhooks(), desk, times=2)
    desk.work()
    sandbox.give_back(reference)
    deliver(sandbox.take_webhooks(), desk)
    desk.work()
    desk.reconcile("1001")
    assert heard.steps == [
        ("taken_back", "EUR 44.95", "EUR 44.95"),
        ("given_back", "EUR -44.95", "EUR 0.00"),
    ]
