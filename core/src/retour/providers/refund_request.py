"""What a payment provider is asked about a refund by API, and what it answers, as values."""

from __future__ import annotations

import datetime

import attrs

from retour.model.fields import Id, Reference, checked
from retour.model.frozen import frozen
from retour.model.money import LARGEST_AMOUNT, Money
from retour.model.order import BankAccount
from retour.model.personal import PERSONAL
from retour.model.refunds import Reported
from retour.providers.errors import ErrorCode, ProviderError, redacted, unreadable

RefundStatus = Reported
"""What a provider says of a refund: it awaits the merchant, is pending, succeeded, failed, or was cancelled.

A status that we do not know is pending."""


@frozen(kw_only=True)
class RefundRequest:
    """One refund to send, fixed before it is first sent: the same request always gives the same bytes.

    ``refund_id`` is ours (28 characters): it goes along as metadata, so that the refund can be found by it again.
    ``key`` is the idempotency key, never another for this refund. ``target`` is what the provider refunds (a
    payment, a charge, a capture), as `Refundable.target` gave it. ``description`` is what the consumer may read.
    ``to`` is the account that the money goes to, None for back the way it came; a provider that does not declare
    `Destination.BANK_ACCOUNT` is never given one.
    """

    refund_id: str
    key: str
    order_id: str
    """The host's id of the order."""

    target: str
    amount: Money
    """What goes back, never more than was captured."""

    description: str
    to: BankAccount | None = attrs.field(default=None, repr=False, metadata=PERSONAL)


@frozen(kw_only=True, field_transformer=checked(unreadable))
class RefundResult:
    """A refund as the provider has it.

    ``reference`` is the provider's id of it, ``target`` what it is made on as the provider says it now, in the word
    that it was asked with where it has several (a charge and its intent); empty where it does not say.
    ``refund_id`` is ours if it carries it, ``provider_status`` the provider's own word, ``reason`` why it failed or is
    pending, both without mail addresses and IBANs, ``created_at`` when it was made (UTC), if it says so.

    All of it is the provider's word: what was asked for is never filled in for it. The core compares.

    Raises `ProviderError` (unreadable answer) for a field of another type, or that no database keeps; for a refund
    without a reference, which would be taken for any of ours that has none yet; only one that a person still has to
    make has none. And for an amount that no refund has: below zero, or above 10**15 minor units.

    >>> made = RefundResult(
    ...     reference="re_1", target="tr_1", status=RefundStatus.PENDING, amount=Money.of("10.00", "EUR"),
    ...     provider_status="queued", reason="the balance is too low",
    ... )
    >>> made.status.value, str(made.amount)
    ('pending', 'EUR 10.00')
    """

    reference: Reference
    target: Reference
    status: RefundStatus
    """How far it is, in our word."""

    amount: Money
    """What goes back, as the provider has it."""

    provider_status: str = attrs.field(converter=redacted)
    refund_id: str = ""
    reason: str = attrs.field(default="", converter=redacted)
    created_at: datetime.datetime | None = None

    def __attrs_post_init__(self) -> None:
        if not self.reference and self.status is not RefundStatus.AWAITING_MERCHANT:
            raise ProviderError(ErrorCode.UNREADABLE_ANSWER, "a refund has no reference")
        if not 0 <= self.amount.minor <= LARGEST_AMOUNT:
            raise ProviderError(
                ErrorCode.UNREADABLE_ANSWER, f"refund {self.reference} has an amount that no refund has"
            )


@frozen(kw_only=True, field_transformer=checked(unreadable))
class Refundable:
    """What can be refunded of a payment by API, as the provider says now.

    ``target`` is the id that a refund is made on, resolved from whatever the shop stored. ``remaining`` is what the
    provider would still refund, exact only where the capability ``refundable`` is ``Support.YES``. ``possible`` is
    False with a ``reason`` when no refund by API can be made; then there may be no ``target``. ``code`` says why in
    our terms: `ErrorCode.NOT_REFUNDABLE` of what never goes back there, as a gift card or a voucher, and
    `ErrorCode.TOO_LATE` after the provider's time; then a bank transfer is offered, and nobody is sent to the
    provider's page. `ErrorCode.DISPUTED`, `ErrorCode.ALREADY_REFUNDED` and `ErrorCode.NOT_YET`: then nothing is
    transferred either. ``disputed`` says that the customer disputes it and nobody has decided that yet, also where it
    can be refunded meanwhile: then it goes back there or not at all, and, where ``only_whole``, the whole payment or
    nothing. ``url`` is the payment's page in the dashboard, if
    the provider gave it.

    The rest is what else the answer said. ``names`` are all names that a webhook may use of this payment and of no
    other, the target among them. Two payments with a name in common are taken for one, so an order that can have
    another payment is none. ``choices`` are the paid payments or captures of what the shop stored where it has
    several: nobody can tell which one is meant, so it is not ``possible``. ``method`` is the way of paying in the
    provider's word. ``captured`` and ``charged_back`` are what was received and what a bank took back. ``refunds`` are
    all refunds of the payment where the same call gave them whole, else None: they are listed when they are needed.

    >>> Refundable(target="tr_1", remaining=Money.of("40.00", "EUR"), method="ideal").possible
    True
    >>> Refundable(
    ...     target="", remaining=Money.zero("EUR"), possible=False, reason="a gift card", code=ErrorCode.NOT_REFUNDABLE
    ... ).code.value
    'not_refundable'
    """

    target: Reference
    remaining: Money
    possible: bool = True
    reason: str = attrs.field(default="", converter=redacted)
    code: ErrorCode | None = None
    disputed: bool = False
    only_whole: bool = False
    url: str = ""
    names: tuple[Id, ...] = ()
    choices: tuple[Id, ...] = ()
    method: Reference = ""
    captured: Money | None = None
    charged_back: Money | None = None
    refunds: tuple[RefundResult, ...] | None = None

    def __attrs_post_init__(self) -> None:
        if self.possible and not self.target:
            raise ProviderError(ErrorCode.UNREADABLE_ANSWER, "what can be refunded has no target")
        if self.possible and self.code is not None:
            raise ProviderError(ErrorCode.UNREADABLE_ANSWER, "what can be refunded has a code for why it cannot")
        if self.possible and self.choices:
            raise ProviderError(ErrorCode.UNREADABLE_ANSWER, "what is one of several is no payment to refund")
