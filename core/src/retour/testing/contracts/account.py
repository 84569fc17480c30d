"""What the contract's tests stand on: a provider's class, its sandbox, and the shop's account there."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

import attrs
import pytest

from retour.model.making import unchecked
from retour.model.money import Money
from retour.model.order import Mode, Payment
from retour.providers.capabilities import PaymentCapabilities
from retour.providers.contract import RefundsByApi
from retour.providers.http import ProviderSession
from retour.providers.refund_request import RefundRequest
from retour.sandbox import BookedRefund, NamesPayments, PaymentSandbox, SandboxRequest
from retour.testing.contracts.any_account import (
    PATIENT,
    AnyAccount,
    handed_over,
    lacks,
    skip_what_is_lacked,
)

A_YEAR = datetime.timedelta(days=366)
"""After this long every refund has settled that can settle (`PaymentSandbox.advance`)."""


@attrs.frozen(kw_only=True)
class Account(AnyAccount):
    """The account of a shop at the payment provider ``kind``, in its ``sandbox``."""

    sandbox: PaymentSandbox

    # --- the provider ------------------------------------------------------------------------------------

    @property
    def capabilities(self) -> PaymentCapabilities:
        """What the provider declares."""
        found: PaymentCapabilities = self.kind.capabilities
        return found

    def provider(
        self,
        given: Mapping[str, object] | None = None,
        *,
        deadline: float = PATIENT,
        http: ProviderSession | None = None,
    ) -> RefundsByApi:
        """A provider as the core makes it: the first time, or again after a crash."""
        made: RefundsByApi = super().provider(given, deadline=deadline, http=http)
        return made

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
        """Whether what was sent is this refund: by its key where that is declared, or by our id in the body."""
        return sent.method != "GET" and (self.key_of(sent) == request.key or request.refund_id.encode() in sent.body)

    def key_of(self, sent: SandboxRequest) -> object:
        """The key that a request carries where the capabilities say that it stands; None without one."""
        idempotency = self.capabilities.idempotency
        if idempotency is None:
            return None
        return _body(sent).get(idempotency.field) if idempotency.field else sent.headers.get(idempotency.header.lower())


def _body(sent: SandboxRequest) -> Mapping[str, object]:
    """The fields of what was sent, of JSON or of a form; none of what is neither."""
    try:
        if sent.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return dict(parse_qsl(sent.body.decode()))
        fields = json.loads(sent.body)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


@pytest.fixture
def payment_provider(payment_sandbox: PaymentSandbox) -> type[Any]:
    """The provider's class: what an installed plugin hands over under the name that the sandbox plays. A test module
    that wants another class writes this fixture itself."""
    found = handed_over(payment_sandbox.provider, "payment_providers")
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
    skip_what_is_lacked(request.function, payment_provider)
    return Account(sandbox=payment_sandbox, kind=payment_provider, deadline=payment_deadline)


@pytest.fixture
def other_account(account: Account, other_payment_sandbox: PaymentSandbox) -> Account:
    """Another shop's account at the same provider."""
    return attrs.evolve(account, sandbox=other_payment_sandbox)
