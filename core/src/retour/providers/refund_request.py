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
    """One refund to send, fixed before it is first sent: the same request always gives the same bytes."""

    refund_id: str
    """Ours (28 characters): it goes along as metadata, so that the refund can be found by it again."""

    key: str
    """The idempotency key, never another for this refund."""

    order_id: str
    """The host's id of the order."""

    target: str
    """What the provider refunds (a payment, a charge, a capture), as `Refundable.target` gave it."""

    amount: Money
    """What goes back, never more than was captured."""

    description: str
    """What the consumer may read."""

    to: BankAccount | None = attrs.field(default=None, repr=False, metadata=PERSONAL)
    """The account that the money goes to; None for back the way it came. A provider that does not declare
    `Destination.BANK_ACCOUNT` is never given one."""


@frozen(kw_only=True, field_transformer=checked(unreadable))
class RefundResult:
    """A refund as the provider has it.

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
    """The provider's id of it; empty only where a person still has to make it."""

    target: Reference
    """What it is made on as the provider says it now, in the word that it was asked with where it has several (a charge
    and its intent); empty where it does not say."""

    status: RefundStatus
    """How far it is, in our word."""

    amount: Money
    """What goes back, as the provider has it."""

    provider_status: str = attrs.field(converter=redacted)
    """The provider's own word."""

    refund_id: str = ""
    """Ours, if it carries it."""

    reason: str = attrs.field(default="", converter=redacted)
    """Why it failed or is pending, in English, without mail addresses and IBANs; else empty. A sentence of your
    package's catalogue is read in the reader's language (`TextDomain`):
    ``reason=str(text("the card has expired"))``."""

    created_at: datetime.datetime | None = None
    """When it was made (UTC); None where the provider does not say."""

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

    >>> Refundable(target="tr_1", remaining=Money.of("40.00", "EUR"), method="ideal").possible
    True
    >>> Refundable(
    ...     target="", remaining=Money.zero("EUR"), possible=False, reason="a gift card", code=ErrorCode.NOT_REFUNDABLE
    ... ).code.value
    'not_refundable'
    """

    target: Reference
    """The id that a refund is made on, resolved from whatever the shop stored; may be empty where none is possible."""

    remaining: Money
    """What the provider would still refund, exact only where the capability ``refundable`` is ``Support.YES``."""

    possible: bool = True
    """Whether a refund by API can be made."""

    reason: str = attrs.field(default="", converter=redacted)
    """Why none can be made, in words as those of `RefundResult.reason`; else empty."""

    code: ErrorCode | None = None
    """The same in our terms, None where no code of ours says it. `ErrorCode.NOT_REFUNDABLE` of what never goes back
    there, as a gift card or a voucher, and `ErrorCode.TOO_LATE` after the provider's time: then a bank transfer is
    offered, and nobody is sent to the provider's page. `ErrorCode.DISPUTED`, `ErrorCode.ALREADY_REFUNDED` and
    `ErrorCode.NOT_YET`: then nothing is transferred either."""

    disputed: bool = False
    """Whether the customer disputes it and nobody has decided that yet, also where it can be refunded meanwhile: then
    it goes back there or not at all."""

    only_whole: bool = False
    """Whether, while it is disputed, the whole payment goes back or nothing."""

    url: str = ""
    """The payment's page in the dashboard; empty where the provider did not give it."""

    names: tuple[Id, ...] = ()
    """All names that a webhook may use of this payment and of no other, the target among them. Two payments with a name
    in common are taken for one, so an order that can have another payment is none."""

    choices: tuple[Id, ...] = ()
    """The paid payments or captures of what the shop stored, where it has several: nobody can tell which one is meant,
    so it is not ``possible``."""

    method: Reference = ""
    """The way of paying in the provider's word; empty where it does not say."""

    captured: Money | None = None
    """What was received; None where the answer does not say."""

    charged_back: Money | None = None
    """What the customer's bank took back; None where the answer does not say."""

    refunds: tuple[RefundResult, ...] | None = None
    """All refunds of the payment where the same call gave them whole; else None, and they are listed when they are
    needed."""

    def __attrs_post_init__(self) -> None:
        if self.possible and not self.target:
            raise ProviderError(ErrorCode.UNREADABLE_ANSWER, "what can be refunded has no target")
        if self.possible and self.code is not None:
            raise ProviderError(ErrorCode.UNREADABLE_ANSWER, "what can be refunded has a code for why it cannot")
        if self.possible and self.choices:
            raise ProviderError(ErrorCode.UNREADABLE_ANSWER, "what is one of several is no payment to refund")
