"""The provider's books, read before money goes out: what of it is news, and whether what was decided still fits.

A colleague who refunds in the provider's dashboard is not always told of by a webhook. So his refund is recorded where
it is found, in the same step, and what is about to be sent is decided on the figures with it.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Sequence

import attrs

from retour.model.actor import Actor
from retour.model.dossier import Dossier
from retour.model.events.books import RefundsNotShown, RemainderUnexplained
from retour.model.events.charge_backs import PaymentChargedBack, PaymentDisputed, ReversalNotShown
from retour.model.events.transfers import PaymentNotRefundable
from retour.model.frozen import frozen
from retour.model.money import Money
from retour.model.order import Payment
from retour.model.reasons import Reason, ReasonCode, reason
from retour.model.refunds import Evidence, Refund, RefundSource, RefundState
from retour.rules.draft import Draft
from retour.rules.matching import ReportedRefund, record_reports
from retour.rules.payment_identity import identify


@frozen(kw_only=True)
class BooksRead:
    """What a provider says of one payment before money goes out.

    ``target`` is what a refund is made on, ``remaining`` what the provider would still give back, None where it cannot
    be read. ``captured`` and ``charged_back`` are what it received and what a bank took back, None where it does not
    say. ``seen`` are all refunds of the payment, None where they cannot be listed, and ``not_shown`` is why the
    provider shows them to nobody, None where it does, or could not be asked for them now. ``page`` is the payment's
    page, ``names`` are all that webhooks may call the payment, ``method`` is the way of paying where what can go back
    depends on it, ``step`` that of the amounts that can, in minor units, None where nobody was asked.
    ``because`` is why nothing can be refunded by API, None where something can, or nobody said it in our terms.
    ``disputed`` is whether the customer disputes it and nobody has decided that, None where nobody said anything, and
    ``only_whole`` whether as long the whole payment can go back, and no part of it.
    ``taken_back`` is whether the provider told, in a signed webhook, that money of it was taken back.
    ``read_at`` is before it was asked, by the database's clock, None where nobody noted that.
    """

    target: str
    remaining: Money | None = None
    captured: Money | None = None
    charged_back: Money | None = None
    seen: Sequence[ReportedRefund] | None = None
    not_shown: Reason | None = None
    page: str = ""
    names: Sequence[str] = ()
    method: str = ""
    step: int | None = None
    because: Reason | None = None
    disputed: bool | None = None
    only_whole: bool = False
    taken_back: bool = False
    read_at: datetime.datetime | None = None


def record_books(draft: Draft, payment: Payment, books: BooksRead, own: Refund | None = None) -> Reason | None:
    """Record what the books say that we did not know. Gives the reason why what is about to go out has to wait for a
    person, or None where it may go. ``own`` is that refund, where it is decided already.

    It waits where more is gone than was known when it was decided, whoever told it since, and where less is left than
    anything explains.
    """
    currency = payment.captured.currency
    identify(draft, payment, books.target, books.names, books.method, books.step)
    before = draft.dossier
    _record_charge_back(draft, payment, books)
    _record_reversal(draft, payment, books)
    _record_dispute(draft, payment, books)
    _record_not_shown(draft, payment, books)
    record_reports(draft, payment, books.seen or (), Evidence.RECONCILE)
    _record_refundable(draft, payment, books)
    unexplained = _record_unexplained(draft, payment, books, own)
    since_decided = None if own is None else gone_since_decided(draft.dossier, payment, own)
    if since_decided is not None:
        return since_decided
    bank_took = _bank_took_more(draft.dossier, payment, before)
    if bank_took or draft.dossier.refunded(payment.id, currency) > before.refunded(payment.id, currency):
        gone = _gone(draft.dossier, payment, before.refunds, bank_took=bank_took)
        return gone or reason(ReasonCode.REFUNDED_MEANWHILE)
    return unexplained


def _record_charge_back(draft: Draft, payment: Payment, books: BooksRead) -> None:
    """What a bank took back in all, where that is news."""
    told = books.charged_back
    if told is not None and told != draft.dossier.charged_back_there(payment.id, told.currency):
        draft.record(PaymentChargedBack(payment=payment.id, amount=told), by=Actor.provider(payment.provider))


def _record_reversal(draft: Draft, payment: Payment, books: BooksRead) -> None:
    """That the provider told of money that was taken back, where what it shows of the payment says nothing of it."""
    if books.taken_back and not books.charged_back and draft.dossier.reversal(payment.id) is None:
        draft.record(ReversalNotShown(payment=payment.id), by=Actor.provider(payment.provider))


def _record_dispute(draft: Draft, payment: Payment, books: BooksRead) -> None:
    """That the customer disputes a payment, or does no more, where that is news."""
    if books.disputed is None:
        return
    known = draft.dossier.dispute_there(payment.id)
    only_whole = books.disputed and books.only_whole
    if books.disputed is not (known is not None) or (known is not None and only_whole is not known.only_whole):
        event = PaymentDisputed(payment=payment.id, disputed=books.disputed, only_whole=only_whole)
        draft.record(event, by=Actor.provider(payment.provider))


def _record_refundable(draft: Draft, payment: Payment, books: BooksRead) -> None:
    """That nothing of a payment can go back by its provider, and why; or that it can after all. Where nothing is left
    of it that is no news."""
    known, because = draft.dossier.not_refundable_there(payment.id), books.because
    if books.disputed is None or (because is not None and because.repeats(known)):
        return
    if (because or known) is not None and (known is not None or _is_left(draft.dossier, payment)):
        event = PaymentNotRefundable(payment=payment.id, because=because)
        draft.record(event, by=Actor.provider(payment.provider))


def _is_left(dossier: Dossier, payment: Payment) -> bool:
    currency = payment.captured.currency
    return dossier.refunded(payment.id, currency) + dossier.charged_back(payment.id, currency) < payment.captured


def _record_not_shown(draft: Draft, payment: Payment, books: BooksRead) -> None:
    """That the provider shows nobody which refunds of a payment were made; or that it does, after all."""
    known, why = draft.dossier.refunds_not_shown(payment.id), books.not_shown
    news = not why.repeats(known) if why is not None else known is not None and books.seen is not None
    if news:
        draft.record(RefundsNotShown(payment=payment.id, because=why), by=Actor.provider(payment.provider))


def _record_unexplained(draft: Draft, payment: Payment, books: BooksRead, own: Refund | None) -> Reason | None:
    """That less is left than anything explains, and gives it; or that it is explained by now. While the same money is
    gone, that what is left and what should be become less together is no news."""
    known, why = draft.dossier.unexplained_there(payment.id), _unexplained(draft.dossier, payment, books, own)
    news = known is None or _missing(why) != _missing(known) if why is not None else known is not None
    if news and _can_be_compared(payment, books):
        draft.record(RemainderUnexplained(payment=payment.id, because=why), by=Actor.provider(payment.provider))
    return why


def _can_be_compared(payment: Payment, books: BooksRead) -> bool:
    return books.remaining is not None and books.remaining.currency == payment.captured.currency


def _missing(unexplained: Reason) -> Money:
    """How much is gone that nothing explains."""
    left, expected = (unexplained.values[name].split() for name in ("left", "expected"))
    return Money.of(expected[1], expected[0]) - Money.of(left[1], left[0])


def gone_meanwhile(dossier: Dossier, payment: Payment, seen: Dossier) -> Reason | None:
    """Why a refund has to wait for a person: more is gone of its payment than he could see who decided it, since
    colleagues refunded or the customer's bank took money back. None where neither did."""
    return _gone(dossier, payment, seen.refunds, bank_took=_bank_took_more(dossier, payment, seen))


def gone_since_decided(dossier: Dossier, payment: Payment, own: Refund) -> Reason | None:
    """Why a refund that is decided and was not sent yet has to wait for a person: what is gone since, whoever told it.
    None where nothing is."""
    ids = list(dossier.refunds)
    decided = ids.index(own.id)
    bank_took = any(one.refunds_before > decided for one in dossier.charge_backs_on(payment.id))
    return _gone(dossier, payment, ids[:decided], bank_took=bank_took)


def is_of_before(payment: Payment, refund: Refund) -> bool:
    """Whether a refund was planned when its payment was in another currency on the shop's order than it is now."""
    return refund.amount.currency != payment.captured.currency


def as_planned(payment: Payment, refund: Refund) -> Payment:
    """A payment to be read for a refund: in the currency that it had when the refund was planned, with as much of it as
    is known to have been received then."""
    return attrs.evolve(payment, captured=refund.amount) if is_of_before(payment, refund) else payment


def fits_as_planned(dossier: Dossier, payment: Payment, refund: Refund, books: BooksRead) -> bool:
    """Whether a refund can be finished by what was fixed when it was planned, although the order has another currency
    now: the provider has the payment in the refund's, and all that goes back on it is not more than it received."""
    currency = refund.amount.currency
    told = (books.captured, books.remaining)
    if not is_of_before(payment, refund) or any(one is None or one.currency != currency for one in told):
        return False
    counting = [one.amount for one in dossier.on_payment(payment.id) if one.counts_against_payment]
    if any(one.currency != currency for one in counting):
        return False
    there = sum([one.minor for one in counting]) + (books.charged_back.minor if books.charged_back is not None else 0)
    received, left = (one.minor for one in told if one is not None)
    return there <= received and refund.amount.minor <= left


def refunded_there(dossier: Dossier, payment: Payment) -> list[Refund]:
    """The refunds of a payment that count and that nobody asked retour for: made at the provider by a colleague."""
    return [
        one
        for one in dossier.on_payment(payment.id)
        if one.source is RefundSource.EXTERNAL and one.counts_against_payment
    ]


def holds_up(because: Reason, refund: Refund) -> bool:
    """Whether a reason holds a refund up. One that a person let it go after does not; that the customer's bank has the
    money, or may get it by a dispute, always does, since nobody's word brings it back."""
    return because.code in _THE_BANKS or because != refund.let_go_after


_THE_BANKS = frozenset({ReasonCode.CHARGED_BACK, ReasonCode.DISPUTED})
"""Reasons that only the bank can end."""


def _gone(dossier: Dossier, payment: Payment, known: Collection[str], *, bank_took: bool) -> Reason | None:
    """What is gone besides the refunds that were ``known``, in one reason: who lets a refund go has read all of it."""
    named = _named(dossier, payment, known)
    if bank_took:
        amount = dossier.charged_back(payment.id, payment.captured.currency)
        return reason(ReasonCode.CHARGED_BACK_MEANWHILE, named, amount=str(amount), payment=payment.id)
    return reason(ReasonCode.REFUNDED_MEANWHILE, named) if named else None


def _bank_took_more(dossier: Dossier, payment: Payment, before: Dossier) -> bool:
    currency = payment.captured.currency
    return dossier.charged_back(payment.id, currency) > before.charged_back(payment.id, currency)


def _named(dossier: Dossier, payment: Payment, known: Collection[str]) -> str:
    found = [one for one in refunded_there(dossier, payment) if one.id not in known]
    return ", ".join([f"{one.amount} {one.reference}" for one in found])


def _unexplained(dossier: Dossier, payment: Payment, books: BooksRead, own: Refund | None) -> Reason | None:
    """Why nobody knows where money of the payment went: less is left at the provider than what we know leaves."""
    currency = payment.captured.currency
    if books.remaining is None or not _can_be_compared(payment, books):
        return None
    captured = payment.captured
    if books.captured is not None and books.captured.currency == currency:
        captured = min(captured, books.captured)
    gone = sum(
        [
            one.amount.minor
            for one in dossier.on_payment(payment.id)
            if one.amount.currency == currency and _is_there(one, own)
        ]
    )
    if books.charged_back is not None and books.charged_back.currency == currency:
        gone += books.charged_back.minor
    expected = Money(minor=max(captured.minor - gone, 0), currency=currency)
    if books.remaining >= expected:
        return None
    return reason(ReasonCode.NOT_EXPLAINED, left=str(books.remaining), expected=str(expected))


def _is_there(refund: Refund, own: Refund | None) -> bool:
    """Whether a refund can have lowered what is left at the provider."""
    if own is not None and refund.id == own.id:
        return False
    never_sent = refund.state is RefundState.PLANNED and refund.sent_at is None
    return refund.counts_against_payment and not never_sent and not refund.by_transfer
