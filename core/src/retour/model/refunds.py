"""Refunds: money going back on one payment, and the links that lead a person to where it is done."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

import attrs

from retour.model.destinations import TO_THE_ORIGINAL_PAYMENT, RecordedConsent, RefundDestination
from retour.model.fields import Id, Reference, checked
from retour.model.frozen import frozen
from retour.model.money import Money
from retour.model.order import BankAccount, Payment
from retour.model.personal import PERSONAL
from retour.model.reasons import Reason, ReasonCode, as_reason
from retour.model.text import Text, text
from retour.model.when import When


class RefundState(StrEnum):
    """Where one refund is. A person's confirmation makes it succeeded at once."""

    PLANNED = "planned"  #: not sent: it is held, or a person must mend something first
    AWAITING_MERCHANT = "awaiting_merchant"  #: a link or a bank transfer was opened
    SUBMITTING = "submitting"  #: on its way to the provider, or waiting for its turn
    PENDING = "pending"  #: the provider has it
    UNKNOWN = "unknown"  #: sent, and it is not clear what became of it
    SUCCEEDED = "succeeded"  #: its provider, or a person, says so
    FAILED = "failed"  #: no money moved
    CANCELLED = "cancelled"  #: taken back before money moved
    REVERSED = "reversed"  #: succeeded first, failed later: the money came back to the merchant


NO_MONEY_MOVED = frozenset({RefundState.FAILED, RefundState.CANCELLED, RefundState.REVERSED})
"""States in which a refund takes nothing of its payment. In all others it counts, unknown ones included."""


_OF_ANOTHER = frozenset({ReasonCode.PAID_TWICE, ReasonCode.OTHER_CURRENCY})
"""Why a person looks at a refund of which its provider says what becomes of it."""


class RefundSource(StrEnum):
    """Who made a refund: retour by API, a person after opening a link, a person by a bank transfer that was decided in
    place of it, a person who told us later, or somebody at the provider without telling us."""

    API = "api"  #: retour
    LINK = "link"  #: a person, after a link was opened
    TRANSFER = "transfer"  #: a person, by a bank transfer in place of it
    PERSON = "person"  #: a person who told us later
    EXTERNAL = "external"  #: somebody at the provider, who told nobody


class Reported(StrEnum):
    """What a provider can say of a refund. A status that we do not know is pending: never success, never failure."""

    AWAITING_MERCHANT = "awaiting_merchant"  #: the merchant has to make it himself, by bank transfer
    PENDING = "pending"  #: it has it, and the money is not there yet
    SUCCEEDED = "succeeded"  #: the money went back
    FAILED = "failed"  #: it did not
    CANCELLED = "cancelled"  #: it was taken back before


class Evidence(StrEnum):
    """How we know what a provider says of a refund."""

    ANSWER = "answer"  #: it answered a request of ours
    REPEATED = "repeated"  #: it answered the same request, sent once more
    LOOKUP = "lookup"  #: we asked about this refund
    WEBHOOK = "webhook"  #: it told us in a signed webhook
    RECONCILE = "reconcile"  #: we read all refunds of the payment


class MatchedBy(StrEnum):
    """How a refund at the provider was recognised as one of ours."""

    KEY = "key"  #: it carries our id
    REFERENCE = "reference"  #: we know what the provider calls it
    AMOUNT = "amount"  #: the one that waits on this payment with this amount, made after its link was opened


@frozen(kw_only=True, field_transformer=checked())
class RefundInstruction:
    """What a provider is told, fixed before it is sent: what is refunded, the idempotency key, the description."""

    target: Reference
    """What the provider refunds: a payment, a charge, a capture."""

    key: Id
    """The idempotency key, never another for this refund."""

    description: str
    """What the consumer may read."""


@frozen(kw_only=True)
class Refund:
    """Money that goes back on one payment, as its events make it.

    Its times are of the database's clock, but for those of ``opened`` and ``changed``: these decide nothing, but for a
    refund of an earlier release, which has none of the others. A time is None where that has not happened.
    """

    id: str
    """Our id of it, 28 characters."""

    payment: str
    """The id of the payment, as `Payment.id` has it."""

    amount: Money
    """What goes back."""

    state: RefundState
    """Where it is."""

    source: RefundSource
    """Who made it."""

    opened: When
    """When it began."""

    changed: When
    """When something of it last changed."""

    reference: str = ""
    """What the provider or the bank calls the refund; empty until they have said."""

    return_id: str | None = None
    """The return that it is for, where somebody said so."""

    instruction: RefundInstruction | None = None
    """What its provider is told, for a refund by API: there from the moment the refund is planned."""

    sent_at: datetime.datetime | None = None
    """Before its first try began."""

    read_at: datetime.datetime | None = None
    """When the provider's books were last read for it."""

    unclear_at: datetime.datetime | None = None
    """When a try last ended without a clear answer."""

    unknown_since: datetime.datetime | None = None
    """When it became unknown."""

    begun_at: datetime.datetime | None = None
    """Before anybody can have made it."""

    pending_since: datetime.datetime | None = None
    """When its provider had said that it is pending."""

    reported: frozenset[Reported] = frozenset()
    """Everything that the provider ever said of it."""

    succeeded_at: datetime.datetime | None = None
    """When its provider first said that it succeeded."""

    settled: bool | None = None
    """What a person said of it where the provider's word was not to be had: that it happened, or that it did not."""

    in_place_of: str | None = None
    """The refund in whose place this one was made: one that was unknown when a person made this one by hand, or
    that a bank transfer replaces."""

    problem: Reason | None = None
    """Why it waits."""

    needs_person: bool = False
    """Whether somebody has to look: nothing goes on by itself."""

    let_go_after: Reason | None = None
    """The problem that a person had seen when he let it go on."""

    waits_until: datetime.datetime | None = None
    """When it is tried again, or was to be: where it is put off again and again for one reason, that is kept ten times
    in a row."""

    put_off_again: int = 0
    """How often in a row it was put off or held once more for the same reason, as far as that was kept."""

    by_transfer: bool = False
    """Whether the merchant makes it from his own bank account."""

    to: RefundDestination = TO_THE_ORIGINAL_PAYMENT
    """Where its money goes."""

    consent: RecordedConsent | None = None
    """The customer's, to another way than he paid."""

    lacks_consent: bool = False
    """Whether he has not given it yet, so that nothing is transferred."""

    batch: str = ""
    """The name of the file for the bank that holds it; empty where none does."""

    cancelling: bool = False
    """Whether the provider was asked to take it back."""

    page: str = ""
    """The payment's page as the provider named it."""

    step: int = 1
    """That of the amounts which the provider pays, in minor units, when it was decided."""

    @property
    def at(self) -> datetime.datetime:
        """When it began, by the clock of the process that recorded it: UTC."""
        return self.opened.at

    @property
    def changed_at(self) -> datetime.datetime:
        """When it last became what it is, by the clock of the process that recorded it: UTC."""
        return self.changed.at

    @property
    def provider(self) -> str:
        """The provider of its payment, whose name the payment's id begins with."""
        return provider_of(self.payment)

    @property
    def counts_against_payment(self) -> bool:
        """Whether it counts against its payment: it has not certainly failed or been cancelled."""
        return self.state not in NO_MONEY_MOVED

    @property
    def made_by_hand(self) -> bool:
        """Whether a person says that it was made, and its provider does not."""
        return self.state is RefundState.SUCCEEDED and state_of(self.reported) is not RefundState.SUCCEEDED

    @property
    def came_back_by_hand(self) -> bool:
        """Whether a person says that its money came back, and its provider does not."""
        return self.state is RefundState.REVERSED and state_of(self.reported) is not RefundState.REVERSED

    @property
    def contradicted(self) -> bool:
        """Whether its provider says something else about it than a person did, and nobody has said which it is."""
        return self.needs_person and self.problem is not None and self.problem.code is ReasonCode.CONTRADICTED

    @property
    def held_for_its_outcome(self) -> bool:
        """Whether its provider has it, and a person looks since what became of it was not to be had there, or was told
        of something else."""
        return self.state is RefundState.PENDING and self.needs_person and not self.held_beside_its_outcome

    @property
    def held_beside_its_outcome(self) -> bool:
        """Whether a person looks at it for what no word of its provider about it ends: another refund, or what it
        cannot be counted with."""
        return self.needs_person and self.problem is not None and self.problem.code in _OF_ANOTHER


def provider_of(payment: str) -> str:
    """The provider of a payment, whose name the payment's id begins with.

    >>> provider_of("mollie/second:tr_1")
    'mollie'
    """
    return payment.partition(":")[0].partition("/")[0]


def state_of(reported: frozenset[Reported]) -> RefundState:
    """The state that a provider's reports make, whatever their order: a failure after a success is a reversal."""
    if Reported.FAILED in reported:
        return RefundState.REVERSED if Reported.SUCCEEDED in reported else RefundState.FAILED
    if Reported.CANCELLED in reported:
        return RefundState.CANCELLED
    if Reported.SUCCEEDED in reported:
        return RefundState.SUCCEEDED
    return RefundState.PENDING if Reported.PENDING in reported else RefundState.AWAITING_MERCHANT


@frozen(kw_only=True, field_transformer=checked())
class RefundPlan:
    """A refund that is about to be made.

    >>> str(RefundPlan(payment="mollie:tr_1", amount=Money.of("10.00", "EUR")).amount)
    'EUR 10.00'
    """

    payment: str
    """Its `Payment.id`."""

    amount: Money
    """How much of it goes back."""


@frozen(kw_only=True)
class RefundShare:
    """What went back and can go back on one payment, and how much of what we suggest falls on it."""

    payment: Payment
    """The payment."""

    refunded: Money
    """What went back, or is on its way."""

    charged_back: Money
    """What the customer's bank took back of it."""

    left: Money
    """What can still go back on it."""

    suggested: Money
    """What of the whole falls on it."""

    step: int = 1
    """That of the amounts which the payment's provider pays back, in minor units."""

    remainder: Money | None = None
    """What is owed of it too and no step can ever pay; None where that is nothing."""

    held: Reason | None = None
    """Why nothing is suggested on it although something is owed; None where nothing stands in the way."""


@frozen(kw_only=True)
class RefundQuote:
    """What is owed for the goods that came back, and how it falls on the payments."""

    suggested: Money
    """What is owed in all and can go back on the payments."""

    shares: tuple[RefundShare, ...]
    """What falls on each payment."""

    remainder: Money | None = None
    """What is owed too, and no provider of the payments pays: it goes by bank transfer. None where that is nothing."""

    because: Reason | None = None
    """Why nothing is suggested although something is owed, which lines a person has to decide about, or why there is a
    remainder; None where all is plain."""

    to_inspect: Mapping[str, int] = attrs.field(factory=dict)
    """Units that are counted in it and that nobody has inspected yet, by the id of their order line."""


class ApprovalKind(StrEnum):
    """What a policy says of a refund, the strictest last."""

    APPROVE = "approve"  #: it goes out
    HOLD = "hold"  #: a person decides first
    REFUSE = "refuse"  #: it is not made


@frozen(kw_only=True, field_transformer=checked())
class Approval:
    """A policy's answer to a refund that is about to be made.

    >>> Approval.hold("above 250.00 a second person looks").because.text()
    'above 250.00 a second person looks'
    """

    kind: ApprovalKind
    """What the policy says."""

    because: Reason | None = attrs.field(default=None, converter=as_reason)
    """Why, for the staff."""

    @classmethod
    def approve(cls) -> Approval:
        """It may go."""
        return cls(kind=ApprovalKind.APPROVE)

    @classmethod
    def hold(cls, because: str | Reason) -> Approval:
        """It waits until a person lets it go."""
        return cls(kind=ApprovalKind.HOLD, because=because)

    @classmethod
    def refuse(cls, because: str) -> Approval:
        """It is not made."""
        return cls(kind=ApprovalKind.REFUSE, because=because)


class QrCode(Protocol):
    """A QR code that can be shown."""

    def svg(self) -> str:
        """A complete SVG document, for a page."""

    def terminal(self) -> str:
        """Block characters, for a terminal, several lines."""


@frozen(kw_only=True, field_transformer=checked())
class TransferInstruction:
    """What a person needs to transfer money back from the merchant's own bank account."""

    amount: Money
    """What to transfer."""

    to: BankAccount = attrs.field(repr=False, metadata=PERSONAL)
    """The account, its IBAN checked and without blanks."""

    bank: Reference = attrs.field(repr=False, metadata=PERSONAL)
    """The name of the account's bank, where its IBAN tells it; else empty."""

    remittance: str
    """What goes on the statement, by which the bank's file is matched later."""

    qr: QrCode | None = attrs.field(default=None, eq=False)
    """The EPC QR code that fills a banking app; None where there can be none, as for another currency than EUR."""


class LinkKind(StrEnum):
    """What a refund link is: a page of the provider, a bank transfer, or no way that we know of."""

    PROVIDER_PAGE = "provider_page"  #: a page of the provider
    TRANSFER = "transfer"  #: a bank transfer to make
    UNAVAILABLE = "unavailable"  #: no way that we know of


@frozen(kw_only=True, field_transformer=checked())
class RefundLink:
    """Where a person goes to refund one payment, and what to do there. It never moves money by itself.

    >>> link = RefundLink(
    ...     kind=LinkKind.PROVIDER_PAGE,
    ...     label=text("Credit the invoice"),
    ...     instruction=text("Make a credit note; the bookkeeper pays it on Friday."),
    ...     url="https://books.example/invoices/17",
    ... )
    >>> link.label.render("en")
    'Credit the invoice'
    """

    kind: LinkKind
    """What the link is."""

    label: Text
    """The words for a button."""

    instruction: Text
    """What to do there, in two sentences at most."""

    url: str = ""
    """The payment's own page at the provider; empty where there is none."""

    help_url: str = ""
    """The provider's help page on refunding."""

    transfer: TransferInstruction | None = None
    """The bank transfer to make; None for any other link."""


@frozen(kw_only=True, field_transformer=checked())
class LinkRequest:
    """What a provider is asked for a refund link about."""

    order_id: Id
    """The host's id of the order."""

    payment: Payment
    """The payment to refund."""

    amount: Money
    """What is to go back."""

    remittance: str
    """The text for a bank statement."""

    to: BankAccount | None = attrs.field(default=None, repr=False, metadata=PERSONAL)
    """The account that the host named for a transfer; None where it named none, and then the payment's ``payer``
    counts, if the host knows one."""

    page: str = ""
    """The payment's page as the provider itself once named it (`Refundable.url`); empty where it did not."""


@frozen(kw_only=True)
class RefundOption:
    """What can go back on one payment, what we suggest, and how. What is suggested can be paid as it is.

    ``because`` has the customer who disputes the payment, a provider that shows nobody what went back of it, or a
    `refund_plan` that could not answer; and the lines to decide about: one that cannot be right is not in what is
    suggested, one that the shop changed since it came back is, at the price that it had.
    """

    payment: Payment
    """The payment."""

    captured: Money
    """What was really received."""

    refunded: Money
    """What went back, or is on its way."""

    charged_back: Money
    """What the customer's bank took back."""

    left: Money
    """What can still go back on it."""

    suggested: Money
    """What we suggest; zero where nothing is owed."""

    link: RefundLink
    """Where a person does it."""

    because: Reason | None = None
    """Why nothing is suggested although something is owed, or which lines a person has to decide about; else None."""

    remainder: Money | None = None
    """What is owed too, and no step of the provider can pay: it goes by bank transfer, ``refund(..., to=...)``; else
    None."""

    to_inspect: Mapping[str, int] = attrs.field(factory=dict)
    """Units per order line that are here, are in what is suggested, and that nobody has inspected yet."""


REFUND_WORDS: Mapping[RefundState, Text] = {
    RefundState.PLANNED: text("waiting for you"),
    RefundState.AWAITING_MERCHANT: text("waiting for your refund"),
    RefundState.SUBMITTING: text("started"),
    RefundState.PENDING: text("being processed"),
    RefundState.UNKNOWN: text("unknown"),
    RefundState.SUCCEEDED: text("refunded"),
    RefundState.FAILED: text("failed"),
    RefundState.CANCELLED: text("cancelled"),
    RefundState.REVERSED: text("reversed"),
}
