"""A desk that refunds at Stripe: money goes back once, whatever goes wrong on the way."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import pytest

from retour import Actor, MemoryShop, Mode, Money, Payment, PaymentDispute, ReturnDesk, WrongState, hookimpl
from retour.sandbox import Fault, SandboxRequest, SandboxResponse, SandboxServer, Step, send_webhook
from retour.testing import a_line, an_order
from retour_stripe.provider import Stripe
from retour_stripe.sandbox import StripeSandbox

ANNA = Actor.staff("anna")
PAID = Money.of("94.95", "EUR")
HALF = Money.of("44.95", "EUR")


class Disputes:
    """Hears what banks do."""

    name = "disputes"

    def __init__(self) -> None:
        self.steps: list[tuple[str, str, str]] = []

    @hookimpl
    def on_payment_disputed(self, dispute: PaymentDispute) -> None:
        self.steps.append((dispute.step.value, str(dispute.difference), str(dispute.taken_back)))


def desk_of(sandbox: StripeSandbox, reference: str, *plugins: object) -> ReturnDesk:
    paid = Payment(provider="stripe", reference=reference, captured=PAID, mode=Mode.TEST)
    return ReturnDesk(
        shop=MemoryShop([an_order(a_line("teapot", 1, "94.95"), payments=[paid])]),
        store="sqlite://",
        plugins=["stripe", *plugins],
        settings={"stripe": sandbox.settings},
        clock=sandbox.clock.now,
    )


def states(desk: ReturnDesk) -> list[str]:
    return [refund.state.value for refund in desk.dossier("1001").refunds.values()]


def delivered(sandbox: StripeSandbox, desk: ReturnDesk, *, times: int = 1) -> list[int]:
    """Send what is waiting to a host that hands it to the desk, the newest first."""

    def host(request: SandboxRequest) -> SandboxResponse:
        desk.receive_webhook("stripe", request.headers, request.body, mode=Mode.TEST)
        return SandboxResponse(status=200)

    with SandboxServer(host) as server:
        return [
            send_webhook(server.url, webhook.headers, webhook.body)
            for webhook in reversed(sandbox.take_webhooks())
            for _ in range(times)
        ]


@pytest.fixture(params=["pi_", "ch_", "cs_"])
def stored(request: pytest.FixtureRequest, sandbox: StripeSandbox) -> str:
    """The reference of a payment, of each kind that a shop can have stored."""
    if request.param == "cs_":
        return sandbox.check_out(PAID)
    reference = sandbox.pay(PAID)
    return reference if request.param == "pi_" else sandbox.charge_of(reference)


def refund(desk: ReturnDesk, stored: str, form: str = "form-1") -> None:
    desk.refund("1001", f"stripe:{stored}", HALF, by=ANNA, request_id=form)


def test_a_refund_succeeds_and_its_own_webhooks_book_nothing_twice(
    sandbox: StripeSandbox, stripe: Stripe, stored: str
) -> None:
    desk = desk_of(sandbox, stored)
    refund(desk, stored)
    assert states(desk) == ["succeeded"]
    assert delivered(sandbox, desk, times=2) == [200, 200]
    desk.work()
    assert states(desk) == ["succeeded"]


@pytest.mark.parametrize("fault", [Fault.CUT_AFTER, Fault.ERROR_500_AFTER, Fault.NO_JSON_AFTER])
def test_a_lost_answer_is_settled_and_the_money_went_back_once(
    sandbox: StripeSandbox, stripe: Stripe, payment: Callable[..., Payment], stored: str, fault: Fault
) -> None:
    desk = desk_of(sandbox, stored)
    sandbox.server.faults.append(fault)
    refund(desk, stored)
    desk.reconcile("1001")
    assert states(desk) == ["succeeded"]
    assert len(stripe.list_refunds(stripe.refundable(payment(stored)).target)) == 1


def test_a_refund_that_is_not_found_stays_unknown_and_nothing_is_sent_with_another_key(
    sandbox: StripeSandbox, stripe: Stripe
) -> None:
    stored = sandbox.pay(PAID)
    desk = desk_of(sandbox, stored)
    sandbox.server.faults.append(Fault.CUT_BEFORE)
    refund(desk, stored)
    desk.reconcile("1001")
    assert states(desk) == ["unknown"]
    assert stripe.list_refunds(stored) == ()
    assert len({sent.headers["idempotency-key"] for sent in sandbox.server.requests if sent.method == "POST"}) == 1


def test_a_refund_that_fails_days_later_is_told_by_a_webhook(sandbox: StripeSandbox, stored: str) -> None:
    days = datetime.timedelta(days=3)
    sandbox.plans.append([Step(status="succeeded"), Step(status="failed", after=days, reason="declined")])
    desk = desk_of(sandbox, stored)
    refund(desk, stored)
    assert states(desk) == ["succeeded"]
    sandbox.advance(days)
    delivered(sandbox, desk)
    desk.work()
    assert states(desk) != ["succeeded"]


def test_a_refund_in_the_dashboard_is_noticed(sandbox: StripeSandbox) -> None:
    stored = sandbox.pay(PAID)
    desk = desk_of(sandbox, stored)
    desk.mark_returned("1001", by=ANNA)
    made = sandbox.refund_in_dashboard(stored, HALF)
    delivered(sandbox, desk)
    desk.work()
    [external] = desk.dossier("1001").refunds.values()
    assert (external.reference, external.amount) == (made, HALF)


def test_a_disputed_payment_is_told_before_anything_is_planned(sandbox: StripeSandbox) -> None:
    stored = sandbox.pay(PAID)
    sandbox.open_dispute(stored)
    desk = desk_of(sandbox, stored)
    with pytest.raises(WrongState, match=r"a dispute is open .* answer it in the Stripe dashboard"):
        refund(desk, stored)
    assert states(desk) == []


def test_once_stripe_was_asked_a_checkout_session_leads_to_its_payment(sandbox: StripeSandbox) -> None:
    session = sandbox.check_out(PAID)
    desk = desk_of(sandbox, session)
    assert "/search?query=cs_" in desk.refund_link("1001", session).url
    outcome = desk.refund("1001", session, HALF, by=ANNA, request_id="form-1")
    assert outcome.refund is not None
    assert outcome.refund.instruction is not None
    url = desk.refund_link("1001", session).url
    assert url == f"https://dashboard.stripe.com/test/payments/{outcome.refund.instruction.target}"


@pytest.mark.parametrize(
    ("ends", "steps"),
    [
        ("lost", [("taken_back", "EUR 94.95", "EUR 94.95"), ("lost", "EUR 0.00", "EUR 94.95")]),
        ("won", [("won", "EUR 0.00", "EUR 0.00")]),
    ],
)
def test_a_host_hears_of_a_dispute_and_how_it_ended(
    sandbox: StripeSandbox, stored: str, ends: str, steps: list[tuple[str, str, str]]
) -> None:
    heard = Disputes()
    desk = desk_of(sandbox, stored, heard)
    dispute = sandbox.open_dispute(stored)
    delivered(sandbox, desk, times=2)
    desk.work()
    desk.reconcile("1001")
    sandbox.move_dispute(dispute, ends)
    delivered(sandbox, desk, times=2)
    desk.work()
    desk.reconcile("1001")
    assert heard.steps == [("opened", "EUR 0.00", "EUR 0.00"), *steps]
