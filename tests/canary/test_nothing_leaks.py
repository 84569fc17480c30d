"""No secret, IBAN, name or mail address where it does not belong: logs, exceptions, timelines, reprs, the database but
for its one table of personal data, and the command line.

Whole flows run with unmistakable values; then everything that was written anywhere is searched for them.
"""

from __future__ import annotations

import base64
import copy
import datetime
import json
import logging
import pickle
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import attrs
import pytest
from cattrs.preconf.json import make_converter
from click.testing import CliRunner
from sqlalchemy import create_engine, inspect

import retour_paypal.sandbox
from retour import Actor, BankAccount, MemoryShop, Mode, Money, RetourError, ReturnDesk
from retour.cli import main
from retour.providers import Answer, ProviderSession, Secret
from retour.sandbox import Fault, PaymentSandbox, SandboxRequest, SandboxResponse
from retour.sandbox.server import Handle
from retour.testing import a_line, a_payment, an_order
from retour_mollie.sandbox import MollieSandbox
from retour_paypal.sandbox import PayPalSandbox
from retour_stripe.sandbox import StripeSandbox

ANNA = Actor.staff("anna")
DAY = datetime.timedelta(days=1)

NAME, MAIL, STREET = "Kanarina Vogelaar", "kanarina@vogelaar.example", "Kanariestraat 7"
IBAN, IBAN_IN_GROUPS = "NL91ABNA0417164300", "NL91 ABNA 0417 1643 00"
NOTE = f"{NAME} ({MAIL}, {STREET}) wants it on {IBAN_IN_GROUPS}"
PERSONAL = ("Kanarina", "Vogelaar", "Kanariestraat", MAIL, IBAN, IBAN_IN_GROUPS)

KEYS = {
    "mollie": "test_canarycanarycanarycanary1",
    "stripe": "sk_test_canarycanarycanarycanary2",
    "paypal": "ELcanarycanarycanarycanary3",
}
WRONG_KEYS = {name: key.replace("canarycanary", "wrongcanary") for name, key in KEYS.items()}
WEBHOOK_SECRETS = {"mollie": "canaryhookcanaryhook4", "stripe": "whsec_canaryhookcanaryhook5"}
CLIENT = "AYclientclient"
SECRETS = (*KEYS.values(), *WRONG_KEYS.values(), *WEBHOOK_SECRETS.values())


# --- everything that is written anywhere -----------------------------------------------------------------


class Everything(logging.Handler):
    """All that was written, with where: every log of every library as it is formatted, and what a test adds."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.written: list[tuple[str, str]] = []
        self.more_secrets: set[str] = set()
        self._format = logging.Formatter("%(name)s %(message)s")

    def emit(self, record: logging.LogRecord) -> None:
        self.written.append((f"log of {record.name}", self._format.format(record)))
        if record.exc_info and record.exc_info[1] is not None:
            self.error(record.exc_info[1])

    def add(self, where: str, *things: object) -> None:
        """Whatever a person would see of ``things``."""
        for thing in things:
            self.written += [(where, str(thing)), (where, repr(thing))]

    def error(self, error: BaseException) -> None:
        """An exception, as Python prints it, and everything that it was raised from, even where Python hides that."""
        waiting: list[BaseException | None] = [error]
        seen: set[int] = set()
        while waiting:
            one = waiting.pop()
            if one is None or id(one) in seen:
                continue
            seen.add(id(one))
            self.add(f"exception {type(one).__name__}", one, one.args)
            self.written.append((f"traceback of {type(one).__name__}", "".join(traceback.format_exception(one))))
            if isinstance(one, RetourError):
                self.add("exception in Dutch", one.text("nl"))
            waiting += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Go on after an error of ours, and keep it."""
        try:
            yield
        except RetourError as error:
            self.error(error)

    def desk(self, desk: ReturnDesk, order_id: str) -> None:
        """What people see of an order; what somebody wrote with an entry is for the staff, and is meant to be there."""
        self.add("dossier", desk.dossier(order_id))
        for audience in ("staff", "customer"):
            for entry in desk.timeline(order_id, audience):
                shown = attrs.evolve(entry, note="") if audience == "staff" else entry
                self.add(f"timeline for {audience}", shown, entry.text("en"), entry.text("nl"))
        self.add("list", desk.list_refunds(order_id=order_id), desk.list_returns(order_id=order_id))

    def database(self, url: str) -> None:
        """Every column of every table but that of personal data."""
        engine = create_engine(url)
        with engine.connect() as connection:
            for table in inspect(engine).get_table_names():
                rows = connection.exec_driver_sql(f'SELECT * FROM "{table}"').all()  # noqa: S608 - our own names
                if table != "retour_personal":
                    self.written += [(f"table {table}", str(value)) for row in rows for value in row]
        engine.dispose()

    def leaks(self) -> list[tuple[str, str]]:
        """Where a canary was found, and which."""
        canaries = {*SECRETS, *PERSONAL, *self.more_secrets}
        found = {(where, canary) for where, words in self.written for canary in canaries if canary in words}
        return sorted(found)


@pytest.fixture
def everything() -> Iterator[Everything]:
    """All logs from the root down, at DEBUG."""
    handler = Everything()
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.setLevel(before)
    root.removeHandler(handler)


# --- providers that tell on their merchants --------------------------------------------------------------


def credentials(request: SandboxRequest) -> list[str]:
    """The secrets that came with a request: a key, a token, a password."""
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    if kind == "Basic":
        return [given, base64.b64decode(given).decode().partition(":")[2]]
    return [given] if given else []


NOBODY = {"authorization": "Bearer nobody"}


def tell_tale(sandbox: PaymentSandbox, everything: Everything) -> None:
    """Let every refusal repeat the secrets that it was sent, and who the customer is, as providers now and then do.

    A refund of EUR 5.00 is refused, whoever asks: the key was revoked a moment ago.
    """
    handle = sandbox.server.handle

    def told(request: SandboxRequest) -> SandboxResponse:
        revoked = (request.method == "POST" and b"5.00" in request.body) or b"amount=500" in request.body
        response = handle(attrs.evolve(request, headers=request.headers | NOBODY) if revoked else request)
        everything.more_secrets.update(credentials(request))
        if response.status < 400:
            return response
        body: Any = copy.deepcopy(response.body)
        said = f" (you sent {' '.join(credentials(request))}; the customer is {MAIL}, {IBAN} or {IBAN_IN_GROUPS})"
        for fields in (body, body.get("error") if isinstance(body, dict) else None):
            if isinstance(fields, dict):
                for name in ("detail", "message", "error_description", "title", "code"):
                    if isinstance(fields.get(name), str):
                        fields[name] += said
        return attrs.evolve(response, body=body)

    sandbox.server.handle = told


def _mollie() -> MollieSandbox:
    sandbox = MollieSandbox()
    sandbox.test_key = KEYS["mollie"]
    sandbox.subscribe(secret=WEBHOOK_SECRETS["mollie"])
    return sandbox


def _stripe() -> StripeSandbox:
    sandbox = StripeSandbox()
    sandbox.api_key, sandbox.webhook_secret = KEYS["stripe"], WEBHOOK_SECRETS["stripe"]
    return sandbox


MAKE: dict[str, Callable[[], Any]] = {"mollie": _mollie, "stripe": _stripe, "paypal": PayPalSandbox}


@pytest.fixture(params=sorted(KEYS))
def sandbox(
    request: pytest.FixtureRequest, everything: Everything, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PaymentSandbox]:
    monkeypatch.setattr(retour_paypal.sandbox, "CREDENTIALS", (CLIENT, KEYS["paypal"]))
    monkeypatch.setitem(ProviderSession.__init__.__kwdefaults__ or {}, "deadline", 0.5)
    with MAKE[request.param]() as made:
        tell_tale(made, everything)
        yield made


class Host:
    """A shop whose orders, each paid for on its own, know their customers."""

    def __init__(self, sandbox: PaymentSandbox, store: str) -> None:
        self.sandbox, self.store = sandbox, store
        self.shop = MemoryShop()
        self.desk = self.open(dict(sandbox.settings))

    def open(self, settings: dict[str, object]) -> ReturnDesk:
        return ReturnDesk(
            shop=self.shop,
            store=self.store,
            plugins=[self.sandbox.provider, "manual_transfer"],
            settings={self.sandbox.provider: settings},
            clock=self.sandbox.clock.now,
        )

    def order(self, order_id: str) -> str:
        """An order of EUR 100.00; gives the payment's reference."""
        reference = self.sandbox.pay(Money.of("100", "EUR"))
        payer = BankAccount(name=NAME, iban=IBAN_IN_GROUPS)
        payments = [
            a_payment("100.00", provider=self.sandbox.provider, reference=reference, mode=Mode.TEST, payer=payer),
            a_payment("20.00", provider="manual_transfer", reference=f"invoice {order_id}", payer=payer),
        ]
        lines = a_line("cup", 6, "120.00")
        self.shop.orders[order_id] = an_order(lines, order_id=order_id, payments=payments, customer=MAIL)
        return reference


@pytest.fixture
def host(sandbox: PaymentSandbox, sqlite_url: str) -> Iterator[Host]:
    made = Host(sandbox, sqlite_url)
    yield made
    made.desk.close()


def wrong(settings: dict[str, object], key: str) -> dict[str, object]:
    """Settings with another key, or client secret."""
    return settings | {"client_secret" if "client_secret" in settings else "api_key": key}


# --- the flows -------------------------------------------------------------------------------------------


def refund_whatever_goes_wrong(host: Host, everything: Everything) -> list[str]:
    """A refund that goes well, and one with each fault; gives the orders."""
    orders = []
    for number, fault in enumerate([None, *Fault]):
        order_id = f"order-{number}"
        reference = host.order(order_id)
        orders.append(order_id)
        host.desk.mark_returned(order_id, {"cup": 1}, by=ANNA, request_id="form-1", note=NOTE)
        if fault is not None:
            host.sandbox.server.faults.append(fault)
        with everything.errors():
            outcome = host.desk.refund(
                order_id, reference, Money.of("10", "EUR"), by=ANNA, request_id="form-2", note=NOTE
            )
            everything.add("outcome", outcome, outcome.refund)
        host.sandbox.server.faults.clear()
        with everything.errors():
            everything.add("outcome", host.desk.reconcile(order_id))
    return orders


def be_refused(host: Host, everything: Everything) -> list[str]:
    """Too much, a payment that is not there, and a key that is wrong: what the provider answers repeats its secrets."""
    reference = host.order("refused")
    host.sandbox.refund_in_dashboard(reference, Money.of("95", "EUR"))
    host.desk.open_refund_link("refused", reference, Money.of("1", "EUR"), by=ANNA, request_id="form-1", note=NOTE)
    with everything.errors():
        everything.add(
            "outcome", host.desk.refund("refused", reference, Money.of("50", "EUR"), by=ANNA, request_id="form-2")
        )
    other = host.open(wrong(dict(host.sandbox.settings), WRONG_KEYS[host.sandbox.provider]))
    payment = host.shop.orders["refused"].payments[0]
    provider: Any = other._house.accounts.payment("default", payment.provider, "default", Mode.TEST)
    everything.add("provider", provider, provider.settings)
    for ask in (provider.check_settings, lambda: provider.refundable(payment), lambda: other.reconcile("refused")):
        try:
            ask()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is searched
            everything.error(error)
    other.close()
    reference = host.order("revoked")
    with everything.errors():
        everything.add(
            "outcome", host.desk.refund("revoked", reference, Money.of("5", "EUR"), by=ANNA, request_id="form-1")
        )
    return ["refused", "revoked"]


def transfer_by_hand(host: Host, everything: Everything) -> list[str]:
    """A bank transfer to the customer's account, confirmed, and one that he gave a wrong account for."""
    host.order("by hand")
    amount = Money.of("20", "EUR")
    link = host.desk.refund_link("by hand", "invoice by hand", amount)
    assert link.transfer is not None
    assert link.transfer.to.iban == IBAN  # who transfers must see it
    wrong_iban = BankAccount(name=NAME, iban=IBAN[:-1] + "1")
    everything.add("link", host.desk.refund_link("by hand", "invoice by hand", amount, to=wrong_iban))
    opened = host.desk.open_refund_link(
        "by hand", "invoice by hand", amount, by=ANNA, request_id="form-1", note=f"to {NOTE}"
    )
    everything.add("outcome", opened)
    with everything.errors():
        host.desk.refund("by hand", "invoice by hand", amount, by=ANNA, request_id="form-2", note=NOTE)
    confirmed = host.desk.confirm_refund(
        "by hand", "invoice by hand", amount, reference="statement 17", by=ANNA, request_id="form-3", note=NOTE
    )
    everything.add("outcome", confirmed)
    return ["by hand"]


def send_webhooks(host: Host, everything: Everything) -> None:
    """Genuine ones, and ones that are damaged and full of the customer's data."""
    host.sandbox.advance(3 * DAY)
    name = host.sandbox.provider
    for webhook in host.sandbox.take_webhooks():
        everything.add("receipt", host.desk.receive_webhook(name, webhook.headers, webhook.body, mode=Mode.TEST))
        bodies = [webhook.body[:-3], b"{}", json.dumps({"id": MAIL, "type": NAME, "payer": NOTE}).encode()]
        for body in bodies:
            with everything.errors():
                host.desk.receive_webhook(name, webhook.headers, body, mode=Mode.TEST)
        for header in webhook.headers:
            with everything.errors():
                host.desk.receive_webhook(name, webhook.headers | {header: NOTE}, webhook.body, mode=Mode.TEST)


def set_it_up_wrong(host: Host, everything: Everything) -> None:
    """Settings in which the secrets are of the wrong shape or in the wrong place."""
    right = dict(host.sandbox.settings)
    secret = next(iter(KEYS.values()))
    for name in right:
        for odd in (f"pk_{secret}", f"{secret} {secret}é", [secret], {secret: secret}, 7, None, "", f"http://{secret}"):
            with everything.errors():
                host.open(right | {name: odd}).close()
    with everything.errors():
        host.open({"key": secret})
    with everything.errors():
        host.open(right | {"webhook_secrets": [secret, 7, "", [secret]]}).close()


def nonsense(handle: Handle, value: object) -> Handle:
    """Answers as ``handle`` does, but with ``value`` in every field."""

    def answer(request: SandboxRequest) -> SandboxResponse:
        response = handle(request)
        if response.status >= 300 or "token" in request.path or not isinstance(response.body, dict):
            return response
        return attrs.evolve(response, body=dict.fromkeys(response.body, value))

    return answer


def answer_nonsense(host: Host, everything: Everything) -> list[str]:
    """Answers in which the customer's data is where something else should be."""
    reference = host.order("nonsense")
    handle = host.sandbox.server.handle
    for number, value in enumerate((NOTE, [NOTE], {"value": NOTE}, {NAME: MAIL})):
        host.sandbox.server.handle = nonsense(handle, value)
        with everything.errors():
            host.desk.reconcile("nonsense")
        with everything.errors():
            host.desk.refund("nonsense", reference, Money.of("6", "EUR"), by=ANNA, request_id=f"form-{number}")
    host.sandbox.server.handle = handle
    return ["nonsense"]


def on_the_command_line(host: Host, everything: Everything, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `retour refunds`, `retour plugins` and `retour worker` print."""
    module: Any = ModuleType("host_of_canaries")
    module.desk = lambda: host.open(dict(host.sandbox.settings))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    at = ["--desk", "host_of_canaries:desk"]
    for arguments in (["worker", *at, "--once"], ["refunds", *at, "--waits-for", "all"], ["plugins"]):
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 0, result.output
        everything.add(f"retour {arguments[0]}", result.output)


def test_no_secret_and_nothing_personal_is_where_it_does_not_belong(
    host: Host, everything: Everything, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = refund_whatever_goes_wrong(host, everything)
    orders += be_refused(host, everything)
    orders += transfer_by_hand(host, everything)
    orders += answer_nonsense(host, everything)
    set_it_up_wrong(host, everything)
    send_webhooks(host, everything)
    host.desk.work()
    on_the_command_line(host, everything, monkeypatch)
    host.sandbox.server.stop()
    reference = host.order("nobody there")
    with everything.errors():
        host.desk.refund("nobody there", reference, Money.of("6", "EUR"), by=ANNA, request_id="form-1", note=NOTE)
    for order_id in orders:
        everything.desk(host.desk, order_id)
    everything.database(host.store)
    assert everything.leaks() == [], "\n".join(f"{where}: {canary}" for where, canary in everything.leaks())
    kinds = {where.partition(" ")[0] for where, _ in everything.written}
    assert {"log", "exception", "traceback", "timeline", "dossier", "outcome", "table", "retour"} <= kinds
    assert any(where == "log of urllib3.connectionpool" for where, _ in everything.written)
    assert {NOTE} <= {entry.note for entry in host.desk.timeline(orders[0])}  # the staff reads it


def test_what_is_searched_would_be_found(everything: Everything) -> None:
    """Else an empty list of leaks would mean nothing."""
    try:
        try:
            raise ValueError(KEYS["stripe"])
        except ValueError:
            raise LookupError("hidden") from None
    except LookupError as error:
        everything.error(error)
    logging.getLogger("some.library").debug("%s", IBAN)
    found = {canary for _, canary in everything.leaks()}
    assert found == {KEYS["stripe"], IBAN}


# --- what databases say ----------------------------------------------------------------------------------


def test_no_log_of_sqlalchemy_tells_what_is_kept_apart(
    everything: Everything, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host that has its own statements logged gets ours too."""
    monkeypatch.setattr(logging.getLogger("sqlalchemy.engine"), "level", logging.DEBUG)
    desk = ReturnDesk(shop=MemoryShop([an_order(a_line("cup", 1))]), store=sqlite_url)
    desk.mark_returned("1001", by=ANNA, note=NOTE)
    assert NOTE in [entry.note for entry in desk.timeline("1001")]
    desk.close()
    assert everything.leaks() == []


def test_no_error_of_a_database_tells_what_is_kept_apart(everything: Everything, sqlite_url: str) -> None:
    desk = ReturnDesk(shop=MemoryShop([an_order(a_line("cup", 1))]), store=sqlite_url)
    with create_engine(sqlite_url).begin() as other:
        other.exec_driver_sql(
            "CREATE TRIGGER full BEFORE INSERT ON retour_personal BEGIN SELECT RAISE(FAIL, 'full'); END"
        )
    with pytest.raises(Exception) as caught:
        desk.mark_returned("1001", by=ANNA, note=NOTE)
    desk.close()
    everything.error(caught.value)
    assert everything.leaks() == []


def test_no_error_repeats_the_password_in_the_address_of_a_database(everything: Everything) -> None:
    everything.more_secrets.add("canarypassword")
    for address in (
        "postgresql+psycopg:/retour:canarypassword@127.0.0.1/retour",
        "postgresql+psycopg://retour:canarypassword@127.0.0.1:port/retour",
        "postgresql+psycopg://retour:canarypassword@127.0.0.1:1/retour",
        "mysql://retour:canarypassword@127.0.0.1/retour",
    ):
        with pytest.raises(Exception) as caught:
            ReturnDesk(shop=MemoryShop(), store=address)
        everything.error(caught.value)
    assert everything.leaks() == []


# --- secrets as values -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "write",
    [
        pickle.dumps,
        copy.copy,
        copy.deepcopy,
        json.dumps,
        lambda secret: json.dumps({"secret": secret}),
        lambda secret: make_converter().dumps(secret),
        lambda secret: make_converter().dumps(attrs.make_class("Kept", ["secret"])(secret)),
    ],
)
def test_a_secret_is_not_written_anywhere(write: Callable[[Secret], object]) -> None:
    with pytest.raises(TypeError) as caught:
        write(Secret(KEYS["stripe"]))
    assert KEYS["stripe"] not in str(caught.value)


@pytest.mark.parametrize("show", [str, repr, "{}".format, lambda secret: f"{secret!r:>30}", lambda secret: [secret]])
def test_a_secret_is_masked_wherever_it_is_shown(show: Callable[[Secret], object]) -> None:
    assert KEYS["stripe"] not in str(show(Secret(KEYS["stripe"])))


def test_an_answer_shows_nothing_of_what_it_says() -> None:
    answer = Answer(status=200, headers={"set-cookie": KEYS["stripe"]}, body=KEYS["stripe"].encode())
    assert KEYS["stripe"] not in repr(answer)
