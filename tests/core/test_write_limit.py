"""Whether a write may still begin is looked at where its connection stands, right before each part of it goes out."""

from __future__ import annotations

import datetime
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import database_clock
import pytest
import urllib3.util.connection
from loopback_certificate import certificate_and_key

from retour import Actor, MemoryShop, Mode, Money, Payment, ReturnDesk
from retour.providers import ErrorCode, ProviderError, ProviderSession
from retour.providers.write_limit import writes_begin_before
from retour.sandbox import Fault, PaymentSandbox, SandboxRequest, SandboxResponse, SandboxServer
from retour.testing import a_line, an_order
from retour_mollie import Mollie
from retour_mollie.sandbox import MollieSandbox
from retour_paypal.sandbox import PayPalSandbox
from retour_stripe.sandbox import StripeSandbox

ANNA = Actor.staff("anna")
PAID, HALF = Money.of("94.95", "EUR"), Money.of("44.95", "EUR")


class Elapsed:
    """What elapses, as a test says."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def elapsed() -> Elapsed:
    return Elapsed()


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    def handle(request: SandboxRequest) -> SandboxResponse:
        return SandboxResponse(status=200, body={"method": request.method})

    with SandboxServer(handle) as made:
        yield made


@pytest.fixture
def slow_to_connect(monkeypatch: pytest.MonkeyPatch, elapsed: Elapsed) -> None:
    """For every connection a minute goes by: for its name, or since the process was asleep."""
    connect = urllib3.util.connection.create_connection

    def slowly(*arguments: Any, **more: Any) -> Any:
        made = connect(*arguments, **more)
        elapsed.seconds += 60
        return made

    monkeypatch.setattr("urllib3.util.connection.create_connection", slowly)


def failed(call: Callable[[], object]) -> ErrorCode:
    with pytest.raises(ProviderError) as error:
        call()
    return error.value.code


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_a_write_for_which_it_is_too_late_is_certainly_not_sent(
    server: SandboxServer, elapsed: Elapsed, method: str
) -> None:
    http = ProviderSession()
    elapsed.seconds = 10
    with writes_begin_before(10, elapsed):
        assert failed(lambda: http.write(method, server.url, json_body={"amount": 1})) is ErrorCode.NOT_SENT
        assert server.requests == []
        assert http.read(server.url).json() == {"method": "GET"}  # which changes nothing, however late
    with writes_begin_before(10.1, elapsed):
        assert http.write(method, server.url, json_body={"amount": 1}).json() == {"method": method}
    assert http.write(method, server.url).json() == {"method": method}


@pytest.mark.usefixtures("slow_to_connect")
@pytest.mark.parametrize("ends, sent", [(60, False), (61, True)])
def test_what_goes_by_until_the_connection_stands_counts(
    server: SandboxServer, elapsed: Elapsed, ends: float, sent: bool
) -> None:
    http = ProviderSession()
    with writes_begin_before(ends, elapsed):
        if sent:
            http.write("POST", server.url, json_body={})
        else:
            assert failed(lambda: http.write("POST", server.url, json_body={})) is ErrorCode.NOT_SENT
    assert len(server.requests) == sent


def test_a_connection_that_was_kept_alive_is_no_way_past_the_limit(
    server: SandboxServer, elapsed: Elapsed, monkeypatch: pytest.MonkeyPatch
) -> None:
    http, connect, connected = ProviderSession(), urllib3.util.connection.create_connection, []

    def counted(*arguments: Any, **more: Any) -> Any:
        connected.append(arguments)
        return connect(*arguments, **more)

    monkeypatch.setattr("urllib3.util.connection.create_connection", counted)
    with writes_begin_before(10, elapsed):
        http.write("POST", server.url, json_body={})
        elapsed.seconds = 10
        assert failed(lambda: http.write("POST", server.url, json_body={})) is ErrorCode.NOT_SENT
        assert len(server.requests) == 1
    http.write("POST", server.url, json_body={})
    assert len(server.requests) == 2
    assert len(connected) <= 2


def test_a_connection_that_died_in_the_pool_is_no_way_past_the_limit(server: SandboxServer, elapsed: Elapsed) -> None:
    """urllib3 makes a new one for it by itself."""
    http = ProviderSession()
    server.faults.append(Fault.CUT_AFTER)
    with writes_begin_before(10, elapsed):
        assert failed(lambda: http.write("POST", server.url, json_body={})) is ErrorCode.OUTCOME_UNKNOWN
        elapsed.seconds = 10
        assert failed(lambda: http.write("POST", server.url, json_body={})) is ErrorCode.NOT_SENT
    assert len(server.requests) == 1


def test_a_write_whose_head_has_gone_out_is_not_completed_and_nobody_says_that_it_was_not_sent(
    server: SandboxServer,
) -> None:
    told = iter([0.0])
    with writes_begin_before(10, lambda: next(told, 10.0)):
        http = ProviderSession()
        assert failed(lambda: http.write("POST", server.url, json_body={"amount": 1})) is ErrorCode.OUTCOME_UNKNOWN
    assert [request.body for request in server.requests] in ([], [b""])


def test_a_limit_within_another_ends_with_it(server: SandboxServer, elapsed: Elapsed) -> None:
    http = ProviderSession()
    with writes_begin_before(10, elapsed):
        with writes_begin_before(60, elapsed):
            elapsed.seconds = 10
            assert failed(lambda: http.write("POST", server.url)) is ErrorCode.NOT_SENT
        with writes_begin_before(5, elapsed):
            assert failed(lambda: http.write("POST", server.url)) is ErrorCode.NOT_SENT
        elapsed.seconds = 9
        http.write("POST", server.url)
    assert len(server.requests) == 1


def test_the_error_holds_no_frame_with_the_request(server: SandboxServer, elapsed: Elapsed) -> None:
    with writes_begin_before(0, elapsed), pytest.raises(ProviderError) as error:
        ProviderSession().write("POST", server.url, headers={"Authorization": "Bearer secret"})
    assert error.value.__cause__ is not None
    assert error.value.__cause__.__traceback__ is None


@pytest.mark.parametrize("ends, sent", [(100, False), (101, True)])
def test_what_goes_by_in_a_handshake_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, elapsed: Elapsed, ends: float, sent: bool
) -> None:
    asked: list[str] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate, key = certificate_and_key(tmp_path)
    context.load_cert_chain(certificate, key)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *words: object) -> None:
            """Quiet."""

    class Slow(ThreadingHTTPServer):
        def get_request(self) -> Any:
            plain, address = super().get_request()
            elapsed.seconds += 100
            return context.wrap_socket(plain, server_side=True), address

    made = Slow(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=made.serve_forever, args=(0.02,))
    thread.start()
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(certificate))
    url = f"https://127.0.0.1:{made.server_address[1]}/refunds"
    try:
        with writes_begin_before(ends, elapsed):
            if sent:
                assert ProviderSession().write("POST", url, json_body={}).json() == {}
            else:
                assert failed(lambda: ProviderSession().write("POST", url, json_body={})) is ErrorCode.NOT_SENT
    finally:
        made.shutdown()
        made.server_close()
        thread.join()
    assert asked == ["/refunds"] * sent


# --- and every write of an effect ------------------------------------------------------------------------


def desk_of(sandbox: PaymentSandbox, reference: str, elapsed: Callable[[], float]) -> ReturnDesk:
    paid = Payment(provider=sandbox.provider, reference=reference, captured=PAID, mode=Mode.TEST)
    return ReturnDesk(
        shop=MemoryShop([an_order(a_line("teapot", 1, "94.95"), payments=[paid])]),
        store="sqlite://",
        plugins=[sandbox.provider],
        settings={sandbox.provider: sandbox.settings},
        elapsed=elapsed,
    )


def pauses_are_over(desk: ReturnDesk) -> None:
    with desk._services.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE retour_effect SET not_before = 0, lease_until = 0 WHERE state = 'waiting'")


@pytest.mark.parametrize("kind", [MollieSandbox, StripeSandbox, PayPalSandbox])
def test_a_refund_whose_lease_ends_before_it_is_sent_goes_out_by_itself_later(
    kind: type[PaymentSandbox], elapsed: Elapsed, monkeypatch: pytest.MonkeyPatch
) -> None:
    with kind() as sandbox:
        reference = sandbox.pay(PAID)
        desk = desk_of(sandbox, reference, elapsed)
        provider: Any = desk._services.registry.payment[sandbox.provider][0]
        refund = provider.refund

        def late(*arguments: Any) -> Any:
            elapsed.seconds += 121
            return refund(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(provider, "refund", late)
            desk.refund("1001", f"{sandbox.provider}:{reference}", HALF, by=ANNA, request_id="form-1")
        (waiting,) = desk.dossier("1001").refunds.values()
        assert (waiting.state, list(sandbox.books(reference))) == ("submitting", [])
        pauses_are_over(desk)
        desk.work()
        assert [one.amount for one in sandbox.books(reference)] == [HALF]
        desk.close()


def test_a_refund_is_not_taken_back_by_who_came_too_late(elapsed: Elapsed, monkeypatch: pytest.MonkeyPatch) -> None:
    with MollieSandbox() as sandbox:
        reference = sandbox.pay(PAID)
        desk = desk_of(sandbox, reference, elapsed)
        refund_id = desk.refund("1001", f"mollie:{reference}", HALF, by=ANNA, request_id="form-1").refund_id
        cancel = Mollie.cancel_refund

        def late(*arguments: Any) -> Any:
            elapsed.seconds += 121
            return cancel(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(Mollie, "cancel_refund", late)
            desk.cancel_refund("1001", refund_id, by=ANNA)
        (refund,) = desk.dossier("1001").refunds.values()
        assert (refund.state, refund.cancelling) == ("pending", True)
        assert [one.method for one in sandbox.server.requests].count("DELETE") == 0
        pauses_are_over(desk)
        desk.work()
        assert [one.state for one in desk.dossier("1001").refunds.values()] == ["cancelled"]
        desk.close()


@pytest.mark.parametrize("seconds, sent", [(20, True), (40, False)])
def test_a_request_is_not_sent_again_where_its_window_ends_before_it_is_sent(
    monkeypatch: pytest.MonkeyPatch, seconds: int, sent: bool
) -> None:
    """Mollie knows a request for an hour, of which five minutes are taken off; half a minute is left."""
    database_clock.install()
    with MollieSandbox() as sandbox:
        began = sandbox.clock.now()
        database_clock.tell(sandbox.clock.now)
        reference = sandbox.pay(PAID)
        desk = desk_of(sandbox, reference, lambda: (sandbox.clock.now() - began).total_seconds())
        sandbox.server.faults.append(Fault.CUT_BEFORE)
        desk.refund("1001", f"mollie:{reference}", HALF, by=ANNA, request_id="form-1")
        sandbox.advance(datetime.timedelta(minutes=54, seconds=30))
        refund = Mollie.refund

        def slow(*arguments: Any) -> Any:
            sandbox.advance(datetime.timedelta(seconds=seconds))
            return refund(*arguments)

        monkeypatch.setattr(Mollie, "refund", slow)
        pauses_are_over(desk)
        desk.work()
        database_clock.tell(None)
        assert len(sandbox.books(reference)) == sent
        assert [one.state for one in desk.dossier("1001").refunds.values()] == ["pending" if sent else "unknown"]
        desk.close()
