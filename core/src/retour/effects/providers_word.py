"""The provider's word on a refund of which nobody knows whether it happened, or what becomes of it: asked before a
person's word counts."""

from __future__ import annotations

import datetime

from retour.effects.reading import as_reported, target_of
from retour.model.fields import typed_alike
from retour.model.frozen import frozen
from retour.model.moment import Moment
from retour.model.order import Payment
from retour.model.reasons import Reason, ReasonCode, cannot_be_asked, reason
from retour.model.refunds import MatchedBy, Refund
from retour.model.text import Text
from retour.plugins.calling import AboutAnother
from retour.plugins.providers import PaymentCaller
from retour.providers.capabilities import Support
from retour.providers.errors import ProviderError
from retour.providers.refund_request import RefundRequest
from retour.rules.matching import ReportedRefund
from retour.rules.recovery import Next, next_step

A_PERSON_MAY = datetime.timedelta(hours=24)
"""How long the provider has to say what became of a refund, before a person can settle it."""


@frozen(kw_only=True)
class Word:
    """What a provider says of a refund that is unknown, or that it has pending: it ``found`` it, by our id or by the
    reference that a person gave, or it certainly ``did_not_happen``. Else ``why`` it says nothing, whether its word
    ``can_still_come``, and until when that is waited for, None where nobody can say."""

    found: ReportedRefund | None = None
    matched: MatchedBy = MatchedBy.KEY
    did_not_happen: bool = False
    can_still_come: bool = False
    until: datetime.datetime | None = None
    why: Reason | None = None


def word_on(
    refund: Refund,
    provider: PaymentCaller | Text,
    request: RefundRequest,
    now: Moment,
    reference: str = "",
) -> Word:
    """Ask the provider about ``refund``: by our id, and among all refunds of the payment by a ``reference``. ``now`` is
    the database's time.

    Its word is not to be had any more where its plugin cannot be used, where nothing was heard for `A_PERSON_MAY`, and
    where it recognises the request no more and cannot look it up in full.
    """
    if isinstance(provider, Text):
        return Word(why=reason(ReasonCode.PLUGIN_UNUSABLE))
    waited = refund.unknown_since is not None and now.earliest - refund.unknown_since >= A_PERSON_MAY
    if provider.capabilities.find_refund.usable:
        try:
            found = provider.find_refund(request)
        except ProviderError as error:
            return Word(why=cannot_be_asked(error.reason), can_still_come=not waited, until=_a_person_may_from(refund))
        if found is not None:
            return Word(found=as_reported(found))
    listed = _listed(provider, request, reference)
    if listed is not None:
        return Word(found=listed, matched=MatchedBy.REFERENCE)
    step = next_step(refund, now, window=window_of(provider), lookup_complete_after=complete_after(provider))
    if step is Next.SEND_ANEW:
        return Word(did_not_happen=True)
    why = reason(ReasonCode.CANNOT_TELL if step is Next.HOLD else ReasonCode.NOT_KNOWN_YET)
    return Word(why=why, can_still_come=step is not Next.HOLD and not waited, until=_a_person_may_from(refund))


def _a_person_may_from(refund: Refund) -> datetime.datetime | None:
    return None if refund.unknown_since is None else refund.unknown_since + A_PERSON_MAY


def word_while_pending(refund: Refund, payment: Payment, provider: PaymentCaller | Text) -> Word:
    """Ask the provider about ``refund`` of a ``payment``, which it said to have pending.

    Its word is not to be had any more where its plugin cannot be used, where it speaks of something else, and where a
    person looks since it was not heard of for `A_PERSON_MAY`, or never said by webhook what it says by no other way.
    """
    if isinstance(provider, Text):
        return Word(why=reason(ReasonCode.PLUGIN_UNUSABLE))
    waits = not refund.held_for_its_outcome
    if not provider.capabilities.fetch_refund.usable:
        within = provider.capabilities.outcome_within
        until = refund.pending_since + within if within is not None and refund.pending_since is not None else None
        return Word(why=reason(ReasonCode.NOT_KNOWN_YET), can_still_come=waits, until=until)
    try:
        found = provider.fetch_refund(target_of(provider, refund, payment), refund.reference)
    except AboutAnother as error:
        return Word(why=error.reason)
    except ProviderError as error:
        return Word(why=cannot_be_asked(error.reason), can_still_come=waits)
    if found.amount != refund.amount:
        return Word(why=reason(ReasonCode.ANOTHER_ANSWER))
    return Word(found=as_reported(found), matched=MatchedBy.REFERENCE)


def _listed(provider: PaymentCaller, request: RefundRequest, reference: str) -> ReportedRefund | None:
    """The refund that the provider calls ``reference``, if it lists one of this amount that carries no other id."""
    if not reference or not provider.capabilities.list_refunds.usable:
        return None
    try:
        found = provider.list_refunds(request.target)
    except ProviderError:
        return None
    same = [one for one in found if typed_alike(one.reference, reference) and one.amount == request.amount]
    return next((as_reported(one) for one in same if one.refund_id in ("", request.refund_id)), None)


def window_of(provider: PaymentCaller) -> datetime.timedelta | None:
    """How long the provider recognises a request that is repeated; None: it never does."""
    idempotency = provider.capabilities.idempotency
    return None if idempotency is None else idempotency.window


def complete_after(provider: PaymentCaller) -> datetime.timedelta | None:
    """How old a try must be before "not found" proves something; None: never, or nothing can be looked up in full."""
    complete = provider.capabilities.find_refund is Support.YES
    return provider.capabilities.lookup_complete_after if complete else None
