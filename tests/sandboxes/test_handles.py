"""What every payment sandbox does, whichever provider it plays: the promises of `PaymentSandbox`."""

from __future__ import annotations

import datetime
import importlib
import json
import socket
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from retour import Actor, MemoryShop, Mode, Money, ReturnDesk
from retour.sandbox import (
    PaymentSandbox,
    SandboxClock,
    SandboxRequest,
    SandboxResponse,
    SandboxServer,
    sandbox_at,
    send_webhook,
)
from retour.testing import a_line, a_payment, an_order

CLASSES = {
    "mollie": "retour_mollie.provider:Mollie",
    "stripe": "retour_stripe.provider:Stripe",
    "paypal": "retour_paypal.provider:PayPal",
}
ANNA = Actor.staff("anna")
PAID = Money.of("94.95", "EUR")
PART = Money.of("44.95", "EUR")
YEAR = datetime.timedelta(days=365)


def sandbox_of(provider: str) -> type[PaymentSandbox]:
    """The sandbox that a provider class names."""
    module, _, name = CLASSES[provider].partition(":")
    where: str = getattr(importlib.import_module(module), name).sandbox
    return sandbox_at(where)


@pytest.fixture(params=CLASSES)
def sandbox(request: pytest.FixtureRequest) -> Iterator[PaymentSandbox]:
    with sandbox_of(request.param)() as made:
        assert made.provider == request.param
        yield made


def desk_of(sandbox: PaymentSandbox, reference: str) -> ReturnDesk:
    paid = a_payment("94.95", provider=sandbox.provider, reference=reference, mode=Mode.TEST)
    return ReturnDesk(
        shop=MemoryShop([an_order(a_line("teapot", 1, "94.95"), payments=[paid])]),
        store="sqlite://",
        plugins=[sandbox.provider],
        settings={sandbox.provider: json.loads(json.dumps(sandbox.settings))},  # as another process gets them
        clock=sandbox.clock.now,
    )


def states(desk: ReturnDesk) -> list[str]:
    return [refund.state.value for refund in desk.dossier("1001").refunds.values()]


def statuses(sandbox: PaymentSandbox, reference: str) -> list[str]:
    return [refund.status.value for refund in sandbox.books(reference)]


def test_a_refund_by_api_is_in_its_books_with_our_id_and_pending_or_done(sandbox: PaymentSandbox) -> None:
    reference = sandbox.pay(PAID)
    desk = desk_of(sandbox, reference)
    outcome = desk.refund("1001", reference, PART, by=ANNA, request_id="form-1")
    [booked] = sandbox.books(reference)
    assert (booked.refund_id, booked.amount) == (outcome.refund_id, PART)
    assert booked.reference == outcome.refund.reference
    assert states(desk) == [booked.status.value]


def test_a_year_settles_every_refund(sandbox: PaymentSandbox) -> None:
    reference = sandbox.pay(PAID)
    sandbox.refund_in_dashboard(reference, PART)
    before = sandbox.clock.now()
    sandbox.advance(YEAR)
    assert statuses(sandbox, reference) == ["succeeded"]
    assert sandbox.clock.now() == before + YEAR


def test_a_held_refund_is_pending_for_ever_and_goes_its_way_when_it_is_released(sandbox: PaymentSandbox) -> None:
    reference = sandbox.pay(PAID)
    sandbox.hold()
    sandbox.refund_in_dashboard(reference, PART)
    sandbox.advance(YEAR)
    assert statuses(sandbox, reference) == ["pending"]
    sandbox.release()
    sandbox.advance(YEAR)
    assert statuses(sandbox, reference) == ["succeeded"]


def test_a_held_refund_can_fail_and_stays_failed_when_it_is_released(sandbox: PaymentSandbox) -> None:
    reference = sandbox.pay(PAID)
    sandbox.hold()
    refund = sandbox.refund_in_dashboard(reference, PART)
    sandbox.fail(refund)
    sandbox.release()
    sandbox.advance(YEAR)
    assert statuses(sandbox, reference) == ["failed"]


@pytest.mark.parametrize("after", [datetime.timedelta(0), YEAR])
def test_the_bank_refuses_a_refund_that_was_pending_or_had_succeeded_and_its_money_is_left_again(
    sandbox: PaymentSandbox, after: datetime.timedelta
) -> None:
    reference = sandbox.pay(PAID)
    if not after:
        sandbox.hold()
    refund = sandbox.refund_in_dashboard(reference, PAID)
    sandbox.advance(after)
    assert statuses(sandbox, reference) == ["succeeded" if after else "pending"]
    sandbox.fail(refund)
    assert statuses(sandbox, reference) == ["failed"]
    with pytest.raises(ValueError, match="already"):
        sandbox.fail(refund)
    sandbox.refund_in_dashboard(reference, PAID)
    assert statuses(sandbox, reference)[0] == "failed"


def test_the_desk_hears_of_everything_by_webhooks_alone(sandbox: PaymentSandbox) -> None:
    reference = sandbox.pay(PAID)
    desk = desk_of(sandbox, reference)
    desk.mark_returned("1001", by=ANNA)
    refund = sandbox.refund_in_dashboard(reference, PART)
    sandbox.advance(YEAR)
    hear(sandbox, desk)
    assert states(desk) == ["succeeded"]
    sandbox.fail(refund)
    hear(sandbox, desk)
    assert states(desk) == ["reversed"]


def hear(sandbox: PaymentSandbox, desk: ReturnDesk) -> None:
    webhooks = sandbox.take_webhooks()
    assert webhooks
    for webhook in webhooks:
        desk.receive_webhook(sandbox.provider, webhook.headers, webhook.body, mode=Mode.TEST)
    with desk._services.store.engine.begin() as connection:  # hints that come one soon after the other wait
        connection.exec_driver_sql("UPDATE retour_effect SET not_before = 0 WHERE state = 'waiting' AND behind = 1")
    desk.work()
    assert sandbox.take_webhooks() == []


def test_its_books_are_of_one_payment_the_oldest_first(sandbox: PaymentSandbox) -> None:
    reference, other = sandbox.pay(PAID), sandbox.pay(PAID)
    amounts = [Money.of(amount, "EUR") for amount in ("3", "1", "2")]
    made = [sandbox.refund_in_dashboard(reference, amount) for amount in amounts]
    assert [booked.reference for booked in sandbox.books(reference)] == made
    assert [booked.amount for booked in sandbox.books(reference)] == amounts
    assert {booked.refund_id for booked in sandbox.books(reference)} == {""}
    assert list(sandbox.books(other)) == []


@pytest.mark.parametrize(
    "provider, reference",
    [
        ("mollie", "tr_7UhSN1zuXS"),
        ("mollie", "ord_kEn1PlbGa"),
        ("stripe", "pi_3MtwBwLkdIwHu7ix28a3tqPa"),
        ("stripe", "ch_3MmlLrLkdIwHu7ix0snN0B15"),
        ("stripe", "py_1Gszqp2eZvKYlo2C"),
        ("stripe", "cs_test_a11YYufWQzNY63zpQ6QSNRQhkUpVph4WRmzW0zWJO2znZKdVujZ0N0S22u"),
        ("paypal", "2GG279541U471931P"),
        ("paypal", "capture:2GG279541U471931P"),
        ("paypal", "order:5O190127TN364715T"),
    ],
)
def test_a_payment_can_have_the_reference_that_a_shop_stored_and_is_refunded_by_it(
    provider: str, reference: str
) -> None:
    with sandbox_of(provider)() as sandbox:
        assert sandbox.pay(PAID, reference=reference) == reference
        with pytest.raises(ValueError, match="already"):
            sandbox.pay(PAID, reference=reference)
        desk = desk_of(sandbox, reference)
        desk.refund("1001", reference, PART, by=ANNA, request_id="form-1")
        sandbox.refund_in_dashboard(reference, Money.of("10", "EUR"))
        sandbox.advance(YEAR)
        desk.reconcile("1001")
        assert states(desk) == ["succeeded", "succeeded"]
        assert [booked.amount.minor for booked in sandbox.books(reference)] == [4495, 1000]


@pytest.mark.parametrize("reference", ["DEMO 1", "x", "tr-1", "pi_", "order:", "../..", "cs_live_a1"])
def test_a_reference_that_the_provider_does_not_give_is_refused(sandbox: PaymentSandbox, reference: str) -> None:
    with pytest.raises(ValueError, match=reference.replace(".", r"\.")):
        sandbox.pay(PAID, reference=reference)


@pytest.mark.parametrize("amount", ["94.96", "0", "-1"])
def test_nobody_refunds_more_in_the_dashboard_than_is_left(sandbox: PaymentSandbox, amount: str) -> None:
    reference = sandbox.pay(PAID)
    with pytest.raises(ValueError, match=r"94\.95"):
        sandbox.refund_in_dashboard(reference, Money.of(amount, "EUR"))
    with pytest.raises(ValueError, match="cannot be refunded"):
        sandbox.refund_in_dashboard(reference, Money.of("1", "USD"))
    assert list(sandbox.books(reference)) == []


def test_what_is_not_there_is_said(sandbox: PaymentSandbox) -> None:
    for attempt in (
        lambda: sandbox.books("UNKNOWN"),
        lambda: sandbox.refund_in_dashboard("UNKNOWN", PART),
        lambda: sandbox.fail("UNKNOWN"),
    ):
        with pytest.raises(ValueError, match=r"There is no .* UNKNOWN"):
            attempt()


def test_it_can_be_given_a_clock_and_a_port(sandbox: PaymentSandbox, two_ports: int) -> None:
    clock = SandboxClock(datetime.datetime(2026, 11, 23, 9, 12, tzinfo=datetime.UTC))
    with type(sandbox)(clock=clock, port=two_ports) as other:
        assert other.url == f"http://127.0.0.1:{two_ports}"
        assert other.clock is clock
        with pytest.raises(OSError, match="in use"):
            type(sandbox)(port=two_ports)


def test_an_answer_comes_at_once(sandbox: PaymentSandbox) -> None:
    """Not after the 40 ms that a head and a body wait for each other where they are sent apart: every one then, but for
    the first of a connection; on a busy machine any other may be late for its own reasons."""
    connection = HTTPConnection(sandbox.url.removeprefix("http://"), timeout=10)
    took = []
    for _ in range(15):
        begin = time.perf_counter()
        connection.request("GET", "/")
        connection.getresponse().read()
        took.append(time.perf_counter() - begin)
    connection.close()
    assert min(took[1:]) < 0.03


@pytest.mark.parametrize("url", ["http://192.0.2.1/hook", "https://127.0.0.1/hook", "http://example.org", "hook", ""])
def test_a_webhook_is_sent_to_this_machine_only(url: str) -> None:
    with pytest.raises(ValueError, match="loopback only"):
        send_webhook(url, {}, b"")


def test_a_webhook_is_sent_to_the_whole_address() -> None:
    with SandboxServer(lambda request: SandboxResponse(status=204)) as host:
        assert send_webhook(f"{host.url}/hook?shop=1", {"x-mark": "a"}, b"body") == 204
        assert send_webhook(host.url, {}, b"") == 204
        first, second = host.requests
    assert (first.path, first.query, first.body, first.headers["x-mark"]) == ("/hook", {"shop": "1"}, b"body", "a")
    assert second.path == "/"


def test_half_a_request_is_not_acted_on() -> None:
    """A process that dies between the head of a request and its body has asked for nothing."""
    seen: list[str] = []

    def handle(request: SandboxRequest) -> SandboxResponse:
        seen.append(request.path)
        return SandboxResponse(status=200)

    with SandboxServer(handle) as server:
        address = urlsplit(server.url)
        with socket.create_connection((address.hostname or "", address.port or 0)) as connection:
            connection.sendall(b"POST /half HTTP/1.1\r\nHost: sandbox\r\nContent-Length: 9\r\n\r\nhalf")
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(100) == b""
        assert send_webhook(f"{server.url}/whole", {}, b"all of it") == 200
    assert seen == ["/whole"]


def test_a_clock_stands_still_until_it_is_moved_and_one_that_runs_goes_on() -> None:
    began = datetime.datetime.now(datetime.UTC)
    still, runs = SandboxClock(), SandboxClock(runs=True)
    before = still.now(), runs.now()
    assert began <= before[1] <= datetime.datetime.now(datetime.UTC)
    time.sleep(0.02)
    assert still.now() == before[0]
    assert datetime.timedelta(milliseconds=15) < runs.now() - before[1] < datetime.timedelta(seconds=60)
    for clock in (still, runs):
        clock.advance(YEAR)
    assert still.now() == before[0] + YEAR
    assert runs.now() > before[1] + YEAR


@pytest.mark.parametrize("where", ["", "retour_mollie.sandbox", "retour_mollie.sandbox:Nothing", "no.such:Sandbox"])
def test_a_sandbox_that_is_not_there_is_said(where: str) -> None:
    with pytest.raises(ImportError, match=r".+"):
        sandbox_at(where)
