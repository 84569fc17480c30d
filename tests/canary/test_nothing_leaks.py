"""No secret, IBAN, name or mail address where it does not belong: logs, exceptions and the variables of their frames,
timelines, reprs, the database but for its one table of personal data, cassettes, and the command line.

Whole flows run with unmistakable values; then everything that was written anywhere is searched for them.
"""

from __future__ import annotations

import base64
import copy
import datetime
import json
import logging
import pickle
import re
import smtplib
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from inspect import getmembers, isfunction, signature
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import pytest
from cattrs.preconf.json import make_converter
from click.testing import CliRunner
from shipping.small_carrier import OPTION
from shipping.world import BOX, HOME
from sqlalchemy import create_engine, inspect
from sqlalchemy.pool import NullPool

import retour_paypal.sandbox
from retour import (
    Actor,
    BankAccount,
    Counted,
    Delivery,
    EvidenceFile,
    InvalidArgument,
    InvalidValue,
    MemoryShop,
    Mode,
    Money,
    Order,
    Paid,
    Refund,
    RestockDecision,
    RetourError,
    ReturnDesk,
    StockMovement,
    StockRefused,
    StoreError,
    hookimpl,
    to_dict,
)
from retour.cli import main
from retour.providers import Answer, ProviderError, ProviderSession, RawWebhook, RefundRequest, Secret
from retour.sandbox import Fault, PaymentSandbox, SandboxRequest, SandboxResponse
from retour.sandbox.server import Handle
from retour.testing import Cassette, a_line, a_payment, an_order
from retour_manual_transfer.batch import Debtor, pain001
from retour_manual_transfer.statement import StatementLine, match_statement
from retour_manual_transfer.waiting import transfers_of, waiting_refunds
from retour_mollie.provider import Mollie
from retour_mollie.sandbox import MollieSandbox
from retour_paypal.provider import PayPal
from retour_paypal.sandbox import PayPalSandbox
from retour_stripe.provider import Stripe
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


HANDED_OVER = {"headers", "body"}
CHECKS_WEBHOOKS = {"webhooks.py", "inbox.py", "base64.py"}
"""Variables and files in whose frames a host finds what it has in frames of its own."""


# --- everything that is written anywhere -----------------------------------------------------------------


DEPTH = 5


def seen_in(value: object, depth: int = DEPTH) -> Iterator[str]:
    """What a reporter of errors shows of a variable: its repr, and of containers each part, whatever their repr hides;
    an address of SQLAlchemy's is such a one."""
    with suppress(AttributeError):  # of a value that was not made to its end
        yield repr(value)
    if depth and isinstance(value, Mapping | tuple | list | set | frozenset):
        for part in [*value, *(value.values() if isinstance(value, Mapping) else ())]:
            yield from seen_in(part, depth - 1)


class Everything(logging.Handler):
    """All that was written, with where: every log of every library as it is formatted, and what a test adds."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.written: list[tuple[str, str]] = []
        self.more_secrets: set[str] = set()
        self.effects: set[str] = set()
        self._format = logging.Formatter("%(name)s %(message)s")

    def emit(self, record: logging.LogRecord) -> None:
        self.written.append((f"log of {record.name}", self._format.format(record)))
        if record.exc_info and record.exc_info[1] is not None:
            self.error(record.exc_info[1])

    def add(self, where: str, *things: object) -> None:
        """Whatever a person would see of ``things``."""
        for thing in things:
            self.written += [(where, str(thing)), (where, repr(thing))]
            for one in thing if isinstance(thing, tuple | list) else (thing,):
                with suppress(InvalidArgument, InvalidValue):  # no value of ours, or nothing but about a person
                    self.written.append((f"JSON of {where}", json.dumps(to_dict(one, language="nl"))))

    def error(self, error: BaseException) -> None:
        """An exception, as Python prints it, and everything that it was raised from, even where Python hides that.

        With the variables of all frames.
        """
        waiting: list[BaseException | None] = [error]
        seen: set[int] = set()
        while waiting:
            one = waiting.pop()
            if one is None or id(one) in seen:
                continue
            seen.add(id(one))
            self.add(f"exception {type(one).__name__}", one, one.args)
            self.written.append((f"traceback of {type(one).__name__}", "".join(traceback.format_exception(one))))
            self.locals(one)
            if isinstance(one, RetourError):
                self.add("exception in Dutch", one.text("nl"))
            waiting += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]

    def locals(self, error: BaseException) -> None:
        """What a host sees whose logs show the variables of each frame: all but those of this file itself.

        What people are called is left out where the host itself hands it over: the webhook that it got.
        """
        for frame, line in traceback.walk_tb(error.__traceback__):
            path = Path(frame.f_code.co_filename)
            if path == Path(__file__):
                continue
            for name, value in list(frame.f_locals.items()):
                given = name in HANDED_OVER or {path.name, path.parent.name} & CHECKS_WEBHOOKS
                where = f"{'given' if given else 'local'} {name} in {path.name}:{line}"
                self.written += [(where, shown) for shown in seen_in(value)]

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Go on after an error of ours, and keep it."""
        try:
            yield
        except RetourError as error:
            self.error(error)

    def desk(self, desk: ReturnDesk, order_id: str) -> None:
        """What people see of an order; what somebody wrote with an entry is for the staff, and is meant to be there."""
        self.add("dossier", desk.dossier(order_id), desk.can_do(order_id, by=ANNA))
        for audience in ("staff", "customer"):
            for entry in desk.timeline(order_id, audience):
                shown = attrs.evolve(entry, note="") if audience == "staff" else entry
                self.add(f"timeline for {audience}", shown, entry.text("en"), entry.text("nl"))
                self.written.append(("JSON of the timeline", json.dumps(to_dict(entry, language="nl"))))
        self.add("list", desk.list_refunds(order_id=order_id), desk.list_returns(order_id=order_id), desk.attention())
        self.add("list of labels", desk.list_labels(order_id=order_id))

    def database(self, url: str) -> None:
        """Every column of every table but that of personal data."""
        engine = create_engine(url)
        with engine.connect() as connection:
            for table in inspect(engine).get_table_names():
                rows = connection.exec_driver_sql(f'SELECT * FROM "{table}"').all()  # noqa: S608 - our own names
                if table != "retour_personal":
                    self.written += [(f"table {table}", str(value)) for row in rows for value in row]
            kinds = connection.exec_driver_sql("SELECT DISTINCT kind FROM retour_effect")
            self.effects |= {str(row[0]) for row in kinds}
        engine.dispose()

    def leaks(self) -> list[tuple[str, str]]:
        """Where a canary was found, and which."""
        canaries = {*SECRETS, *PERSONAL, *self.more_secrets}
        return sorted(
            {
                (where, canary)
                for where, words in self.written
                for canary in canaries
                if canary in words and not (canary in PERSONAL and where.startswith("given "))
            }
        )


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
    monkeypatch.setattr("retour.providers.http._PAUSES", (0.001, 0.001))
    with MAKE[request.param]() as made:
        tell_tale(made, everything)
        yield made


class Listener:
    """The host's own plugin, so that there are announcements."""

    name = "listener"

    def __init__(self, heard: list[str]) -> None:
        self._heard = heard

    @hookimpl
    def on_order_returned(self, order: Order) -> None:
        self._heard.append(order.id)

    @hookimpl
    def on_refund_changed(self, order: Order, refund: Refund) -> None:
        self._heard.append(refund.id)


class Host:
    """A shop whose orders, each paid for on its own, know their customers."""

    def __init__(self, sandbox: PaymentSandbox, store: str) -> None:
        self.sandbox, self.store = sandbox, store
        self.shop = MemoryShop()
        self.heard: list[str] = []
        self.desk = self.open(dict(sandbox.settings))

    def open(self, settings: dict[str, object]) -> ReturnDesk:
        return ReturnDesk(
            shop=self.shop,
            store=self.store,
            plugins=[self.sandbox.provider, "manual_transfer", Listener(self.heard)],
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
    host.desk.reconcile("refused")
    host.desk.open_refund_link("refused", reference, Money.of("1", "EUR"), by=ANNA, request_id="form-1", note=NOTE)
    with everything.errors():
        everything.add(
            "outcome", host.desk.refund("refused", reference, Money.of("50", "EUR"), by=ANNA, request_id="form-2")
        )
    other = host.open(wrong(dict(host.sandbox.settings), WRONG_KEYS[host.sandbox.provider]))
    payment = host.shop.orders["refused"].payments[0]
    provider: Any = other._services.accounts.payment("default", payment.provider, "default", Mode.TEST)
    everything.add("provider", provider, provider._provider, provider._provider.settings)
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


def a_request(target: str, amount: str = "7") -> RefundRequest:
    """A refund as a provider gets it; each amount is another."""
    refund_id = f"rf01JD3MZ8000000000000{amount.replace('.', ''):0>7}"
    return RefundRequest(
        refund_id=refund_id,
        key=f"{refund_id}-1",
        order_id="failing",
        target=target,
        amount=Money.of(amount, "EUR"),
        description="Return failing",
    )


def fail_at_the_provider(host: Host, everything: Everything) -> list[str]:
    """Every call of the provider itself, with every fault, and with nobody there: whatever it raises is searched.

    A host sees such an error where it asks for the options of a refund, or checks its settings.
    """
    host.order("failing")
    payment = host.shop.orders["failing"].payments[0]
    provider: Any = host.desk._services.accounts.payment("default", payment.provider, "default", Mode.TEST)
    target = provider.refundable(payment).target
    request = a_request(target)
    slow = {Fault.SILENT_AFTER, Fault.TRICKLE_AFTER}  # each takes until the deadline
    calls: dict[str, Callable[[], object]] = {
        "refund": lambda: provider.refund(request),
        "find_refund": lambda: provider.find_refund(request),
        "list_refunds": lambda: provider.list_refunds(target),
        "refundable": lambda: provider.refundable(payment),
        "payment_names": lambda: provider.payment_names(payment.reference),
        "check_settings": provider.check_settings,
        "refund_options": lambda: host.desk.refund_options("failing"),
    }
    faulty = host.sandbox.server.faulty
    host.sandbox.server.faulty = lambda request: True
    for name, call in calls.items():
        for fault in Fault if name == "refund" else set(Fault) - slow:
            host.sandbox.server.faults.extend([fault] * 3)  # a read is repeated twice
            try:
                everything.add(name, call())
            except ProviderError as error:
                everything.error(error)
            host.sandbox.server.faults.clear()
    host.sandbox.server.faulty = faulty
    return ["failing"]


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
    host.order("by batch")
    opened = host.desk.open_refund_link("by batch", "invoice by batch", amount, by=ANNA, request_id="form-1", note=NOTE)
    [waiting] = opened.refunds if hasattr(opened, "refunds") else [opened.refund]
    everything.add("transfers", transfers_of(host.desk, accounts={waiting.id: wrong_iban}))
    ready = transfers_of(host.desk).transfers
    everything.add("transfers", ready, *[one.to for one in ready])
    merchant = Debtor(name="Theewinkel", iban="NL20INGB0001234567")
    today = host.sandbox.clock.now()
    for debtor, to in ((merchant, wrong_iban), (Debtor(name="Theewinkel", iban=IBAN[:-1]), wrong_iban)):
        with everything.errors():
            batch = [attrs.evolve(one, to=to) for one in ready]
            pain001(debtor, batch, batch_id="1", execution_date=today.date(), created_at=today)
    line = StatementLine(
        reference="18", amount=Money.of("-3", "EUR"), words=f"{NOTE} {waiting.id}", booked=today.date()
    )
    everything.add("statement", match_statement([line], waiting_refunds(host.desk)))
    provider: Any = host.desk._services.accounts.payment("default", "manual_transfer", "default", Mode.TEST)
    payment = host.shop.orders["by batch"].payments[1]
    for ask in (lambda: provider.refund(a_request(payment.reference)), lambda: provider.fetch_refund("x", "y")):
        try:
            everything.add("manual transfer", ask())
        except ProviderError as error:
            everything.error(error)
    return ["by hand", "by batch"]


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
    """What `retour refunds`, `retour attention`, `retour plugins` and `retour worker` print."""
    module: Any = ModuleType("host_of_canaries")
    module.desk = lambda: host.open(dict(host.sandbox.settings))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    at = ["--desk", "host_of_canaries:desk"]
    refunds = ["refunds", *at, "--waits-for", "all"]
    for arguments in (["worker", *at, "--once"], refunds, ["attention", *at], ["plugins"]):
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 0, result.output
        everything.add(f"retour {arguments[0]}", result.output)


def test_no_secret_and_nothing_personal_is_where_it_does_not_belong(
    host: Host, everything: Everything, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = refund_whatever_goes_wrong(host, everything)
    orders += be_refused(host, everything)
    orders += fail_at_the_provider(host, everything)
    orders += transfer_by_hand(host, everything)
    orders += answer_nonsense(host, everything)
    set_it_up_wrong(host, everything)
    send_webhooks(host, everything)
    everything.database(host.store)  # what came in and what is to be announced, before it is done
    host.desk.work()
    on_the_command_line(host, everything, monkeypatch)
    host.sandbox.server.stop()
    reference = host.order("nobody there")
    with everything.errors():
        host.desk.refund("nobody there", reference, Money.of("6", "EUR"), by=ANNA, request_id="form-1", note=NOTE)
    with everything.errors():
        host.desk.reconcile("nobody there")
    for order_id in orders:
        everything.desk(host.desk, order_id)
    everything.database(host.store)
    assert everything.leaks() == [], "\n".join(f"{where}: {canary}" for where, canary in everything.leaks())
    kinds = {where.partition(" ")[0] for where, _ in everything.written}
    assert {"JSON", "log", "exception", "traceback", "timeline", "dossier", "outcome", "table", "retour"} <= kinds
    assert any(where == "log of urllib3.connectionpool" for where, _ in everything.written)
    assert {"retour_event", "retour_effect", "retour_refund"} <= {where[6:] for where, _ in everything.written}
    assert everything.effects >= {"announce", "send_refund"}
    assert host.heard
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
    try:
        exec(compile("def open(key): raise LookupError\nopen(given)", "host.py", "exec"), {"given": KEYS["mollie"]})  # noqa: S102
    except LookupError as error:
        everything.error(error)
    found = {canary for _, canary in everything.leaks()}
    assert found == {KEYS["stripe"], KEYS["mollie"], IBAN}
    assert ("local key in host.py:1", KEYS["mollie"]) in everything.leaks()


# --- cassettes -------------------------------------------------------------------------------------------

MADE_UP: dict[str, dict[str, object]] = {
    "mollie": {"api_key": "test_made_up"},
    "stripe": {"api_key": "sk_test_made_up"},
    "paypal": {"client_id": "made-up-client", "client_secret": "made-up-secret", "environment": "sandbox"},
}
KINDS: dict[str, type] = {"mollie": Mollie, "stripe": Stripe, "paypal": PayPal}


@pytest.mark.parametrize("name", KINDS)
def test_nothing_is_on_a_cassette_of_a_provider_that_tells_everything(
    name: str, everything: Everything, tmp_path: Path
) -> None:
    """Refused calls answer with the secrets that they were sent, and with who the customer is."""
    with Cassette(tmp_path / "one.yaml", test="one", record=True) as cassette:
        provider: Any = cassette.provider(KINDS[name], settings=MADE_UP[name])
        everything.more_secrets |= {
            secret.reveal()
            for value in attrs.asdict(provider.settings, recurse=False).values()
            for secret in (value if isinstance(value, tuple) else [value])
            if isinstance(secret, Secret)
        }
        tell_tale(cassette.sandbox, everything)
        reference = cassette.sandbox.pay(Money.of("100", "EUR"))
        payer = BankAccount(name=NAME, iban=IBAN_IN_GROUPS)
        payment = a_payment("100.00", provider=name, reference=reference, mode=Mode.TEST, payer=payer)
        cassette.protect(an_order(a_line("cup", 1, "100.00"), payments=[payment], customer=MAIL))
        target = provider.refundable(payment).target
        refused = 0
        for ask in (
            provider.check_settings,
            lambda: provider.refund(a_request(target, "10")),
            lambda: provider.refund(a_request(target, "9000")),
            lambda: provider.refund(a_request(target, "5.00")),
            lambda: provider.list_refunds("missing1"),
        ):
            try:
                ask()
            except ProviderError as error:
                refused += 1
                everything.error(error)
        assert refused == 3
        assert cassette.finish() == ""
    text = (tmp_path / "one.yaml").read_text()
    assert "the customer is ***, *** or ***" in text
    everything.written.append(("cassette", text))
    assert everything.leaks() == []


# --- what a host's own code says -------------------------------------------------------------------------


def test_what_a_hosts_own_code_raises_is_kept_without_mail_addresses_and_ibans(
    everything: Everything, sqlite_url: str
) -> None:
    """The code that books stock, and that which sends a mail: their errors are kept with the effect and on the
    timeline. A name has no shape, so that one is told as it is."""

    class Mailer:
        name = "mailer"

        @hookimpl
        def on_order_returned(self, order: Order) -> None:
            raise smtplib.SMTPRecipientsRefused({MAIL: (550, f"{IBAN_IN_GROUPS} is unknown".encode())})

        @hookimpl
        def restock_policy(self, order: Order) -> None:
            raise LookupError(f"{MAIL} has no policy")

    class Shop(MemoryShop):
        def book_stock(self, movements: Sequence[StockMovement]) -> None:
            said = f"{IBAN} of {MAIL}"
            refused = [movement.id for movement in movements if movement.product == "cup"]
            raise StockRefused(said, movements=refused) if refused else OSError(said)

    orders = [an_order(a_line(product, 1), order_id=product) for product in ("cup", "pot")]
    desk = ReturnDesk(shop=Shop(orders), store=sqlite_url, plugins=[Mailer()])
    for order in orders:
        outcome = desk.mark_returned(order.id, by=ANNA)
        desk.answer_restock(order.id, outcome.return_id, RestockDecision.all(), by=ANNA)
        everything.desk(desk, order.id)
    kept_by_us = ("dossier", "timeline", "list")
    everything.written = [one for one in everything.written if one[0].startswith(kept_by_us)]
    everything.database(sqlite_url)
    desk.close()
    assert everything.leaks() == []
    kept = "\n".join(words for where, words in everything.written if where.startswith("table "))
    assert kept.count("*** of ***") >= 2
    assert "SMTPRecipientsRefused({'***'" in kept


# --- what is shown of values, and of the frames of an error ---------------------------------------------


@pytest.mark.parametrize(
    "ask",
    [
        lambda session, url: session.read(url, headers={"Authorization": f"Bearer {KEYS['stripe']}"}),
        lambda session, url: session.read(url, auth=(CLIENT, KEYS["stripe"])),
        lambda session, url: session.write("POST", url, headers={"X-Api-Key": KEYS["stripe"]}, json_body={}),
        lambda session, url: session.write("POST", url, auth=(CLIENT, KEYS["stripe"])),
        lambda session, url: session.read(url, headers={"X-Api-Key": f"{KEYS['stripe']}\r\n"}),
    ],
    ids=["header", "auth", "header of a write", "auth of a write", "a header that cannot be sent"],
)
def test_no_frame_and_no_cause_of_a_failed_call_shows_the_key(
    everything: Everything, ask: Callable[[ProviderSession, str], object]
) -> None:
    with pytest.raises(ProviderError) as caught:
        ask(ProviderSession(deadline=0.5), "http://127.0.0.1:1/")
    everything.more_secrets.add(base64.b64encode(f"{CLIENT}:{KEYS['stripe']}".encode()).decode())
    everything.error(caught.value)
    assert any("headers in http.py" in where for where, _ in everything.written)
    assert everything.leaks() == []


def test_an_order_and_what_hangs_on_it_do_not_show_whose_it_is(everything: Everything) -> None:
    payer = BankAccount(name=NAME, iban=IBAN)
    delivery = Delivery(paid=Paid.of("0", "EUR"), postal_code="1017 XX", country="NL")
    order = an_order(a_line("cup"), payments=[a_payment("20.00", payer=payer)], customer=MAIL, delivery=delivery)
    everything.add("order", order, payer, RawWebhook(headers={"from": MAIL}, body=NOTE.encode()))
    everything.more_secrets.add("1017 XX")
    assert everything.leaks() == []


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


TABLES = ("retour_dossier", "retour_event", "retour_return", "retour_personal", "retour_effect")
"""What a command with a note writes to."""


@pytest.mark.parametrize("table", TABLES)
def test_no_error_of_a_database_tells_what_is_kept_apart(everything: Everything, database: str, table: str) -> None:
    desk = ReturnDesk(shop=MemoryShop([an_order(a_line("cup", 1))]), store=database, migrate=True)
    other = create_engine(database, poolclass=NullPool)
    with other.begin() as connection:
        for statement in FAILS[other.dialect.name].format(table=table).split(";;"):
            connection.exec_driver_sql(statement)
    with pytest.raises(StoreError) as caught:
        desk.mark_returned("1001", by=ANNA, note=NOTE)
    desk.close()
    if other.dialect.name == "postgresql":
        with other.begin() as connection:
            connection.exec_driver_sql("DROP FUNCTION tells CASCADE")
    everything.error(caught.value)
    assert any("in connect.py" in where for where, _ in everything.written)
    assert everything.leaks() == []


FAILS = {
    "sqlite": "CREATE TRIGGER full BEFORE INSERT ON {table} BEGIN SELECT RAISE(FAIL, 'full'); END",
    "postgresql": "CREATE FUNCTION tells() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'full' USING DETAIL = NEW::text; END $$;;"
    "CREATE TRIGGER tells BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION tells()",
}
"""How a table refuses a row, and PostgreSQL tells the whole of it."""

GIVEN: dict[str, object] = {
    "lines": {"cup": 1},
    "counted": [Counted(line_id="cup", damaged=1)],
    "amount": Money.of("1", "EUR"),
    "by": ANNA,
    "kind": "refund_failed",
    "note": NOTE,
    "option": OPTION,
    "sender": HOME,
    "parcel": BOX,
    "made": False,
}
WITH_A_NOTE = [name for name, method in getmembers(ReturnDesk, isfunction) if "note" in signature(method).parameters]


@pytest.mark.parametrize("name", [one for one in WITH_A_NOTE if not one.startswith("_")])
def test_no_frame_of_a_command_shows_the_note_that_it_was_given(
    everything: Everything, sqlite_url: str, name: str
) -> None:
    desk = ReturnDesk(shop=MemoryShop([an_order(a_line("cup", 1))]), store=sqlite_url)
    with create_engine(sqlite_url, poolclass=NullPool).begin() as other:
        other.exec_driver_sql("DROP TABLE retour_event")
    wanted = signature(getattr(desk, name)).parameters.values()
    given = {one.name: GIVEN.get(one.name, "x") for one in wanted if one.default is one.empty or one.name == "note"}
    if name == "add_evidence":
        given["evidence"] = [EvidenceFile(reference=NOTE, name=NOTE)]
    with pytest.raises(StoreError) as caught:
        getattr(desk, name)(**given | {"order_id": "1001"})
    desk.close()
    everything.error(caught.value)
    assert any(re.search(r"local note in (label_|goods_|refund_)?desk\.py", where) for where, _ in everything.written)
    assert everything.leaks() == []


def test_no_error_repeats_the_password_in_the_address_of_a_database(everything: Everything) -> None:
    everything.more_secrets.add("canarypassword")
    for address in (
        "postgresql+psycopg:/retour:canarypassword@127.0.0.1/retour",
        "postgresql+psycopg://retour:canarypassword@127.0.0.1:port/retour",
        "postgresql+psycopg://retour:canarypassword@127.0.0.1:1/retour",
        "postgresql+psycopg://retour@127.0.0.1:1/retour?password=canarypassword",
        "postgresql+psycopg://retour@127.0.0.1:1/retour?sslpassword=canarypassword",
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
