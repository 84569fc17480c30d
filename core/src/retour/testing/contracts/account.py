"""What the contract's tests stand on: a provider's class, its sandbox, and the shop's account there."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from functools import cache
from typing import Any, TypeVar

import attrs
import pytest

from retour.model.making import unchecked
from retour.model.money import Money
from retour.model.order import Mode, Payment
from retour.plugins.registry import installed_plugins, load
from retour.providers.capabilities import PaymentCapabilities, Support
from retour.providers.contract import RefundsByApi
from retour.providers.errors import ProviderError
from retour.providers.http import ProviderSession
from retour.providers.refund_request import RefundRequest
from retour.providers.settings import Secret, read_settings
from retour.providers.webhooks import WebhookRejected, WebhookTrust
from retour.sandbox import BookedRefund, Fault, NamesPayments, PaymentSandbox, SandboxRequest, SandboxResponse

A_YEAR = datetime.timedelta(days=366)
"""After this long every refund has settled that can settle (`PaymentSandbox.advance`)."""

PATIENT = 10.0
"""Seconds that a provider waits for an answer where nothing goes wrong on the way."""

_T = TypeVar("_T")
_Test = TypeVar("_Test", bound=Callable[..., None])

_CAPABILITIES = frozenset(field.name for field in attrs.fields(PaymentCapabilities))


def needs(*capabilities: str) -> Callable[[_Test], _Test]:
    """A test of what a provider declares: skipped, with the reason, where ``capabilities`` (fields of
    `PaymentCapabilities`) say that it cannot. What is declared and not kept fails."""
    unknown = set(capabilities) - _CAPABILITIES
    if unknown:
        raise ValueError(f"{', '.join(sorted(unknown))}: no such capability")

    def mark(test: _Test) -> _Test:
        test.__dict__["needs"] = capabilities
        return test

    return mark


def lacks(capabilities: PaymentCapabilities, capability: str) -> str:
    """What the data says if a provider lacks ``capability``; empty if it has it.

    Support is had when it is yes or partial; refunds by API only when it is yes, as the core sees it.
    """
    declared = getattr(capabilities, capability)
    if isinstance(declared, Support):
        has = declared is Support.YES if capability == "refund_by_api" else declared.usable
    else:
        has = declared is not None and declared is not WebhookTrust.NONE
    said = declared.value if isinstance(declared, Enum) else declared
    return "" if has else f"{capability} is {said}"


def another_secret(secret: str) -> str:
    """Another secret of the same kind: something is put after it, and what is hexadecimal stays so."""
    return f"{secret}0f" if _HEXADECIMAL.fullmatch(secret) else f"{secret}x"


_HEXADECIMAL = re.compile(r"(?:[0-9a-fA-F]{2})+")


@attrs.frozen(kw_only=True)
class Account:
    """The account of a shop at the provider ``kind``, in its ``sandbox``.

    ``deadline`` is how many seconds the provider waits for an answer where one is held back.
    """

    sandbox: PaymentSandbox
    kind: type[Any]
    deadline: float

    # --- the provider ------------------------------------------------------------------------------------

    @property
    def capabilities(self) -> PaymentCapabilities:
        """What the provider declares."""
        found: PaymentCapabilities = self.kind.capabilities
        return found

    def settings(self, given: Mapping[str, object] | None = None) -> Any:
        """The settings of this account, read as the core reads them; or those that are ``given``."""
        settings, faults = read_settings(
            self.kind.settings_type, self.sandbox.settings if given is None else given, self.kind.name
        )
        assert faults == [], f"the settings of the sandbox are no settings of {self.kind.__name__}"
        return settings

    def provider(
        self,
        given: Mapping[str, object] | None = None,
        *,
        deadline: float = PATIENT,
        http: ProviderSession | None = None,
    ) -> RefundsByApi:
        """A provider as the core makes it: the first time, or again after a crash."""
        made: RefundsByApi = self.kind(self.settings(given), http or ProviderSession(deadline=deadline))
        return made

    def secrets(self) -> set[str]:
        """Everything that nobody may see: the secrets in the settings, and what authorised a call so far."""
        settings = self.settings()
        found = {secret.reveal() for field in attrs.fields(type(settings)) for secret in _secrets(settings, field.name)}
        for request in self.sandbox.server.requests:
            found.add(request.headers.get("authorization", "").rpartition(" ")[2])
        return found - {""}

    def with_other_secrets(self) -> dict[str, object] | None:
        """The account's settings with something put after each secret; None where they have none, or take no other."""
        hidden = self.secrets()

        def other(value: object) -> object:
            if isinstance(value, list | tuple):
                return [other(one) for one in value]
            return another_secret(value) if isinstance(value, str) and value in hidden else value

        given = {name: other(value) for name, value in self.sandbox.settings.items()}
        settings, _ = read_settings(self.kind.settings_type, given, self.kind.name)
        return None if settings is None or given == self.sandbox.settings else given

    # --- payments and refunds ----------------------------------------------------------------------------

    @property
    def currency(self) -> str:
        """A currency that the provider takes: EUR unless it says that it does not."""
        listed = self.capabilities.currencies
        return "EUR" if not listed or "EUR" in listed else min(listed)

    def amount(self, minor: int) -> Money:
        """An amount in the account's currency: ``amount(44_95)`` is EUR 44.95."""
        return Money(minor=minor, currency=self.currency)

    def pay(self, amount: Money | None = None) -> Payment:
        """A customer pays, 94.95 unless it is said; gives the payment as a shop stores it."""
        amount = self.amount(94_95) if amount is None else amount
        return self.stored(self.sandbox.pay(amount), amount)

    def stored(self, reference: str, amount: Money, mode: Mode = Mode.TEST) -> Payment:
        """A payment as it was stored, perhaps by an earlier retour that took any reference."""
        return unchecked(Payment)(provider=self.kind.name, reference=reference, captured=amount, mode=mode)

    def names(self, payment: Payment) -> list[str]:
        """Every name of a payment that a shop can have stored, by a sandbox that knows; else what this shop stored."""
        sandbox = self.sandbox
        return list(sandbox.names(payment.reference)) if isinstance(sandbox, NamesPayments) else [payment.reference]

    def target(self, payment: Payment) -> str:
        """What a refund of a payment is made on, as the provider resolves it."""
        if lacks(self.capabilities, "refundable"):
            return payment.reference
        return self.provider().refundable(payment).target

    def request(self, payment: Payment, amount: Money | None = None, number: int = 1) -> RefundRequest:
        """A refund of a payment, 44.95 unless it is said, as the core fixes it before it is sent. Each ``number`` is
        another refund."""
        refund_id = f"rf{number:026d}"
        return RefundRequest(
            refund_id=refund_id,
            key=f"{refund_id}.1",
            order_id="1001",
            target=self.target(payment),
            amount=self.amount(44_95) if amount is None else amount,
            description="Retour 1001",
        )

    def questions(
        self, provider: RefundsByApi, payment: Payment, request: RefundRequest, reference: str
    ) -> dict[str, Callable[[], object]]:
        """Everything that the provider declares that it can be asked, by method, about a payment and a refund of it. A
        provider that tells the outcome by webhook alone can be asked nothing."""
        asked: dict[str, Callable[[], object]] = {
            "check_settings": lambda: provider.check_settings(),
            "refundable": lambda: provider.refundable(payment),
            "payment_names": lambda: provider.payment_names(payment.reference),
            "fetch_refund": lambda: provider.fetch_refund(request.target, reference),
            "find_refund": lambda: provider.find_refund(request),
            "list_refunds": lambda: provider.list_refunds(request.target),
        }
        return {method: ask for method, ask in asked.items() if not lacks(self.capabilities, method)}

    def books(self, payment: Payment) -> list[BookedRefund]:
        """All refunds of a payment by the sandbox's own books, the oldest first."""
        return list(self.sandbox.books(payment.reference))

    # --- the wire ----------------------------------------------------------------------------------------

    def carries(self, sent: SandboxRequest, request: RefundRequest) -> bool:
        """Whether what was sent is this refund: by its key in the declared header, or by our id in the body."""
        idempotency = self.capabilities.idempotency
        key = sent.headers.get(idempotency.header.lower()) if idempotency is not None else None
        return sent.method != "GET" and (key == request.key or request.refund_id.encode() in sent.body)

    def sent(self, request: RefundRequest) -> list[SandboxRequest]:
        """Every time that this refund went over the wire."""
        return [sent for sent in self.sandbox.server.requests if self.carries(sent, request)]

    @contextmanager
    def faults(self, *faults: Fault, of: RefundRequest | None = None) -> Iterator[None]:
        """The next requests go wrong, one for each fault: those of a refund, or without one whatever is asked."""
        server = self.sandbox.server
        before = server.faulty
        server.faulty = lambda sent: of is None or self.carries(sent, of)
        server.faults.extend(faults)
        try:
            yield
        finally:
            server.faults.clear()
            server.faulty = before

    @contextmanager
    def answers(
        self, change: Callable[[SandboxRequest, SandboxResponse], SandboxResponse], *, of: RefundRequest | None = None
    ) -> Iterator[None]:
        """The work is done, and its answer is changed on its way: that to a refund, or without one every answer."""
        server = self.sandbox.server
        handle = server.handle

        def changed(sent: SandboxRequest) -> SandboxResponse:
            response = handle(sent)
            return change(sent, response) if of is None or self.carries(sent, of) else response

        server.handle = changed
        try:
            yield
        finally:
            server.handle = handle


def json_of(response: SandboxResponse) -> Any:
    """The JSON of an answer, None if it holds none."""
    try:
        return json.loads(response.encoded())
    except ValueError:
        return None


def words_of(told: object) -> str:
    """Every text in what a provider tells: a result, something refundable, an error."""
    if isinstance(told, ProviderError):
        return f"{told!r} {told.message} {told.provider_code}"
    return repr(told)


def outcome(call: Callable[[], _T], why: str = "") -> _T | ProviderError:
    """What a call answers, or the `ProviderError` that it raises; a test fails, with ``why``, if it raises another."""
    try:
        return call()
    except ProviderError as error:
        return error
    except WebhookRejected:
        raise
    except Exception as error:  # noqa: BLE001 - whatever else it raises, the core would not know what it means
        pytest.fail(f"{why}: it raised {error!r}, and a provider raises ProviderError only")


def refused(call: Callable[[], object], why: str) -> ProviderError:
    """The `ProviderError` that a call raises; a test fails, with ``why``, if it raises none or another."""
    answered = outcome(call, why)
    if not isinstance(answered, ProviderError):
        pytest.fail(f"{why}: it answered {answered!r}")
    return answered


def _secrets(settings: object, name: str) -> Iterable[Secret]:
    value = getattr(settings, name)
    if isinstance(value, Secret):
        return [value]
    return [one for one in value if isinstance(one, Secret)] if isinstance(value, tuple | list | frozenset) else []


@cache
def _handed_over(name: str) -> type[Any] | None:
    """The payment provider called ``name`` that an installed plugin hands over, the plugin of that name first."""
    for plugin in sorted(installed_plugins(), key=lambda plugin: (plugin != name, plugin)):
        for kind in load([plugin]).plugins[plugin].payment_providers:
            if kind.name == name:
                return kind
    return None


@pytest.fixture
def payment_provider(payment_sandbox: PaymentSandbox) -> type[Any]:
    """The provider's class: what an installed plugin hands over under the name that the sandbox plays. A test module
    that wants another class writes this fixture itself."""
    found = _handed_over(payment_sandbox.provider)
    if found is None:
        pytest.fail(
            f"No installed plugin hands over a payment provider called {payment_sandbox.provider}. Install yours "
            "(pip install -e .), or write a fixture payment_provider that gives the class."
        )
    return found


@pytest.fixture
def other_payment_sandbox(payment_sandbox: PaymentSandbox) -> Iterator[PaymentSandbox]:
    """Another account at the same provider, as another shop in the same process has it. A test module whose sandbox is
    made with arguments writes this fixture itself."""
    try:
        made = type(payment_sandbox)()
    except TypeError as error:
        pytest.fail(
            f"{type(payment_sandbox).__name__} cannot be made without arguments ({error}). Write a fixture "
            "other_payment_sandbox that gives a second one: rules about two accounts need it."
        )
    with made as sandbox:
        yield sandbox


@pytest.fixture
def payment_deadline() -> float:
    """Seconds that a provider waits for an answer that is held back, in the tests that hold one back."""
    return 1.0


@pytest.fixture
def account(
    request: pytest.FixtureRequest,
    payment_sandbox: PaymentSandbox,
    payment_provider: type[Any],
    payment_deadline: float,
) -> Account:
    """The account that a test works with; skips the test where the provider declares that it cannot."""
    for capability in request.function.__dict__.get("needs", ()):
        if lack := lacks(payment_provider.capabilities, capability):
            pytest.skip(f"{payment_provider.name} declares that {lack}")
    return Account(sandbox=payment_sandbox, kind=payment_provider, deadline=payment_deadline)


@pytest.fixture
def other_account(account: Account, other_payment_sandbox: PaymentSandbox) -> Account:
    """Another shop's account at the same provider."""
    return attrs.evolve(account, sandbox=other_payment_sandbox)
