"""A refund on its way that a colleague cancels in the provider's dashboard is recorded, told and listed."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import database_clock
import pytest

from retour import Actor, MemoryShop, Mode, Money, Payment, ReturnDesk, WrongState
from retour.testing import a_line, an_order
from retour_mollie.sandbox import MollieSandbox
from retour_paypal.sandbox import PayPalSandbox
from retour_stripe.sandbox import StripeSandbox

ANNA = Actor.staff("anna")
PAID, HALF = Money.of("94.95", "EUR"), Money.of("44.95", "EUR")
SANDBOXES: Mapping[str, Callable[[], Any]] = {"mollie": MollieSandbox, "stripe": StripeSandbox, "paypal": PayPalSandbox}
HOURS = datetime.timedelta(hours=2)


@pytest.fixture(params=list(SANDBOXES))
def sandbox(request: pytest.FixtureRequest) -> Iterator[Any]:
    database_clock.install()
    with SANDBOXES[request.param]() as running:
        yield running
    database_clock.tell(None)


def on_its_way(sandbox: Any) -> tuple[ReturnDesk, str, str]:
    """A desk with a refund that the provider has and has not paid out, its id, and what its payment is called."""
    sandbox.hold()
    reference = sandbox.pay(PAID)
    database_clock.tell(sandbox.clock.now)
    paid = Payment(provider=sandbox.provider, reference=reference, captured=PAID, mode=Mode.TEST)
    desk = ReturnDesk(
        shop=MemoryShop([an_order(a_line("teapot", 1, "94.95"), payments=[paid])]),
        store="sqlite://",
        plugins=[sandbox.provider],
        settings={sandbox.provider: sandbox.settings},
        clock=sandbox.clock.now,
    )
    made = desk.refund("1001", paid.id, HALF, by=ANNA, request_id="form-1")
    assert made.refund is not None
    assert made.refund.state == "pending"
    sandbox.take_webhooks()
    return desk, made.refund.id, reference


def a_worker(desk: ReturnDesk, sandbox: Any) -> None:
    for _ in range(3):
        sandbox.advance(HOURS)
        desk.work()


def its_webhooks(desk: ReturnDesk, sandbox: Any) -> None:
    """Not every provider sends one then: what is not told is found by a worker."""
    for webhook in sandbox.take_webhooks():
        desk.receive_webhook(sandbox.provider, webhook.headers, webhook.body, mode=Mode.TEST)
    a_worker(desk, sandbox)


def reconcile(desk: ReturnDesk, _: Any) -> None:
    desk.reconcile("1001")


@pytest.mark.parametrize("found_by", [a_worker, its_webhooks, reconcile], ids=lambda one: one.__name__)
def test_it_is_recorded_told_and_listed_until_the_money_goes_back_anew(
    sandbox: Any, found_by: Callable[[ReturnDesk, Any], None]
) -> None:
    desk, refund_id, reference = on_its_way(sandbox)
    found_by(desk, sandbox)
    assert desk.attention().items == (), "the control: one on its way is nothing to look at"
    sandbox.cancel_in_dashboard(sandbox.books(reference)[0].reference)
    found_by(desk, sandbox)
    assert desk.dossier("1001").refunds[refund_id].state == "cancelled"
    [item] = desk.attention().items
    assert (item.kind, item.about) == ("refund_failed", refund_id)
    assert item.can_do == ("refund", "open_refund_link", "acknowledge")
    assert "cancelled at the provider, which was not requested from this shop" in item.why.render("en")
    assert any("€44.95: cancelled" in entry.text("en") for entry in desk.timeline("1001"))
    assert any("Refund of €44.95 cancelled" in one.text("en") for one in desk.timeline("1001", audience="customer"))
    sandbox.release()
    sandbox.advance(HOURS)
    anew = desk.refund("1001", f"{sandbox.provider}:{reference}", HALF, by=ANNA, request_id="form-2")
    assert anew.refund is not None
    assert anew.refund.state in ("pending", "succeeded")
    assert desk.attention().items == ()


def test_one_that_was_taken_back_by_us_is_nothing_to_look_at(sandbox: Any) -> None:
    desk, refund_id, _ = on_its_way(sandbox)
    try:
        desk.cancel_refund("1001", refund_id, by=ANNA)
    except WrongState as error:
        pytest.skip(str(error))
    a_worker(desk, sandbox)
    if desk.dossier("1001").refunds[refund_id].state == "pending":
        pytest.skip(f"{sandbox.provider} did not take it back")
    assert desk.dossier("1001").refunds[refund_id].state == "cancelled"
    assert desk.attention().items == ()
