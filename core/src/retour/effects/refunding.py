"""Sends refunds, and finds out what became of them. No money moves anywhere else.

The intent was committed before. A refund is sent only when no try of it can have happened; after a crash or an answer
that is not clear, the provider is asked first (`retour.rules.recovery`). What time it is for money is the database's
(`Case.time`).
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from contextlib import suppress

import attrs

from retour.effects.attempt import Attempt, done, given_back, postpone
from retour.effects.providers_word import A_PERSON_MAY, complete_after, window_of
from retour.effects.reading import PartlyRead, as_reported, as_reports, can_be_read, read_books, target_of
from retour.model.actor import Actor
from retour.model.dossier import Dossier
from retour.model.errors import UnknownPayment
from retour.model.events.money import (
    RefundCancelRefused,
    RefundFellBack,
    RefundHeld,
    RefundPutOff,
    RefundRefused,
    RefundSubmitted,
    RefundUnclear,
)
from retour.model.frozen import frozen
from retour.model.moment import Moment
from retour.model.order import Payment
from retour.model.reasons import Reason, ReasonCode, cannot_be_asked, reason
from retour.model.refunds import Evidence, MatchedBy, Refund, RefundState
from retour.model.text import Text, text
from retour.plugins.accounts import Accounts
from retour.plugins.calling import AboutAnother
from retour.plugins.providers import PaymentCaller
from retour.providers.errors import Disposition, ErrorCode, ProviderError
from retour.providers.refund_request import RefundRequest, RefundResult
from retour.providers.write_limit import writes_begin_before
from retour.rules.books import (
    BooksRead,
    as_planned,
    fits_as_planned,
    gone_since_decided,
    holds_up,
    is_of_before,
    record_books,
    refunded_there,
)
from retour.rules.closed_ways import why_nobody_knows
from retour.rules.draft import Draft
from retour.rules.matching import (
    ReportedRefund,
    hold_for_another_answer,
    record_reports,
    report,
    why_no_longer,
)
from retour.rules.recovery import Next, begins_anew, next_step, window_ends
from retour.rules.said_again import is_said_too_often
from retour.rules.transfers import is_past_window
from retour.steps.case import Case, Cases
from retour.store.clock import DatabaseTime
from retour.store.effects import ClaimedEffect

_PERHAPS_A_COLLEAGUES = frozenset({ErrorCode.ALREADY_REFUNDED, ErrorCode.AMOUNT_TOO_HIGH})
"""What a provider says where somebody else refunded the payment already."""

_NO_TIME = datetime.timedelta(0)

FRESH = datetime.timedelta(minutes=1)
"""How old a reading of the provider's books may be when a refund is sent on it."""

_A_MOMENT = datetime.timedelta(seconds=20)
"""Before a provider is asked what became of a refund whose answer was lost."""


@frozen(kw_only=True)
class Sending:
    """A refund whose turn it is: its ``effect``, what it is made on, by whom, and the request that was fixed for it."""

    effect: ClaimedEffect
    refund: Refund
    payment: Payment
    provider: PaymentCaller
    request: RefundRequest
    time: DatabaseTime

    def made(self) -> RefundResult:
        """The provider's answer to the request. None is sent that it would not recognise if it had another before.
        Raises `ProviderError`."""
        window = window_of(self.provider)
        ends = window_ends(self.refund, window)
        if ends is None:
            return self.provider.refund(self.request)
        left = (ends - self.time.now().latest).total_seconds()
        with writes_begin_before(self.time.elapsed() + left, self.time.elapsed):
            return self.provider.refund(self.request)


@frozen
class Refunding:
    """Talks to payment providers about refunds. ``clock`` tells the time in UTC, for the timeline."""

    accounts: Accounts
    cases: Cases
    clock: Callable[[], datetime.datetime]

    # --- sending -------------------------------------------------------------------------------------

    def send(self, effect: ClaimedEffect, refund_id: str, case: Case) -> Attempt:
        """Send a refund, or find out what became of an earlier try and act on that."""
        refund = case.dossier.refund(refund_id)
        if refund.state not in (RefundState.SUBMITTING, RefundState.UNKNOWN) or refund.instruction is None:
            return Attempt(settled=done(effect))
        provider = self._provider(case, refund.payment)
        if isinstance(provider, Text):
            if effect.crashed:
                return _unclear(effect, refund, reason(ReasonCode.PLUGIN_UNUSABLE), later_try=True)
            return Attempt(settled=postpone(effect, str(provider)))
        sending = Sending(
            effect=effect,
            refund=refund,
            payment=payment_of(case, refund.payment),
            provider=provider,
            request=request_of(case.dossier, refund),
            time=case.time,
        )
        if refund.unclear_at is None and not effect.crashed:
            misfit = why_no_longer(case.dossier, sending.payment)
            changed_currency = is_of_before(sending.payment, refund) and can_be_read(provider)
            because = None if changed_currency else misfit  # then the provider's books decide
            because = because or gone_since_decided(case.dossier, sending.payment, refund)
            because = because or why_nobody_knows(case.dossier, sending.payment)
            if because is not None and holds_up(because, refund):
                held = RefundHeld(refund_id=refund.id, because=because)
                return Attempt(settled=done(effect), record=_while_open(refund, lambda draft: draft.record(held)))
            now, window = case.time.now(), window_of(provider)
            if begins_anew(refund, Moment.exactly(now.earliest), window=window):
                return _anew(effect, refund, reason(ReasonCode.NOT_MADE_BEFORE))
            if begins_anew(refund, now, window=window):  # or not: who was suspended while it read the order cannot tell
                return Attempt(settled=given_back(effect))
            if is_past_window(sending.payment, provider.capabilities.refund_window_days, now.earliest):
                late = RefundFellBack(refund_id=refund.id, because=reason(ReasonCode.TOO_LATE))
                return Attempt(settled=done(effect), record=_while_open(refund, lambda draft: draft.record(late)))
            if changed_currency or (_read_long_ago(refund, case.time.now()) and can_be_read(provider)):
                return self._submit_after_reading(sending, case)
            return self._submit(sending)
        return self._recover(sending)

    def _submit_after_reading(self, sending: Sending, case: Case) -> Attempt:
        """Read the provider's books once more before a first try, since somebody may have refunded there meanwhile.
        What a person had seen when he let it go holds nothing up again, but for what a bank has."""
        effect, refund, payment = sending.effect, sending.refund, sending.payment
        try:
            _, books = read_books(sending.provider, as_planned(payment, refund))
        except ProviderError as error:
            return self._not_read(sending, error)

        found = _read(payment, books, own=refund)
        fresh = case.draft(Actor.system(), self.clock())
        hold = record_books(fresh, payment, books, own=refund)
        fits = fits_as_planned(fresh.dossier, payment, refund, books)
        misfit = None if fits else why_no_longer(fresh.dossier, payment)
        because = misfit if hold is None or (misfit is not None and holds_up(misfit, refund)) else hold
        if because is not None and holds_up(because, refund):
            held = RefundHeld(refund_id=refund.id, because=because)
            return Attempt(
                settled=done(effect), fact=found, record=_while_open(refund, lambda draft: draft.record(held))
            )
        sent = self._submit(sending)
        return attrs.evolve(sent, fact=_both(found, sent.fact))

    def _not_read(self, sending: Sending, error: ProviderError) -> Attempt:
        """The books could not be read, so nothing was sent: it is tried again, or a person mends what stands in the
        way, or looks at what they do not show. As far as they were read they are a fact."""
        effect, refund = sending.effect, sending.refund
        read = error.books if isinstance(error, PartlyRead) else None
        if error.disposition in (Disposition.FIX, Disposition.FINAL) or (read is not None and read.not_shown):
            held = RefundHeld(refund_id=refund.id, because=error.reason)
            attempt = Attempt(settled=done(effect), record=_while_open(refund, lambda draft: draft.record(held)))
        else:
            attempt = self._put_off(sending, error, cannot_be_asked(error.reason))
        return attempt if read is None else attrs.evolve(attempt, fact=_read(sending.payment, read, own=refund))

    def _submit(self, sending: Sending) -> Attempt:
        """Send it, where no earlier try can have happened."""
        effect, refund = sending.effect, sending.refund
        try:
            result = sending.made()
        except AboutAnother as error:
            return _about_another(effect, refund, sending.payment, error.found)
        except ProviderError as error:
            return self._refused(sending, error)
        return _settled(effect, refund, result, Evidence.ANSWER)

    def _refused(self, sending: Sending, error: ProviderError) -> Attempt:
        """A first try that gave no refund: what it means for the money decides what follows.

        What is refused for good is failed at once, whatever the words are: no earlier try can have happened. Where
        they say that the money went back already, somebody else's refund is looked for and named.
        """
        effect, refund, because = sending.effect, sending.refund, error.reason
        if error.disposition is Disposition.RETRY:
            return self._put_off(sending, error, because)
        if error.disposition is Disposition.RECONCILE:
            return _unclear(effect, refund, because)
        if error.code is ErrorCode.TOO_LATE:
            late = RefundFellBack(refund_id=refund.id, because=because)
            return Attempt(settled=done(effect), record=_while_open(refund, lambda draft: draft.record(late)))
        if error.disposition is Disposition.FIX:
            held = RefundHeld(refund_id=refund.id, because=because)
            return Attempt(settled=done(effect), record=_while_open(refund, lambda draft: draft.record(held)))
        seen: Sequence[ReportedRefund] = ()
        if error.code in _PERHAPS_A_COLLEAGUES and sending.provider.capabilities.list_refunds.usable:
            with suppress(ProviderError):  # what cannot be read now is read before the next refund
                seen = as_reports(sending.provider.list_refunds(sending.request.target))

        def refused(draft: Draft) -> None:
            colleagues = refunded_there(draft.dossier, sending.payment) if error.code in _PERHAPS_A_COLLEAGUES else []
            there = ", ".join([f"{one.amount} {one.reference}" for one in colleagues])
            named = attrs.evolve(because, said="; ".join([one for one in (because.said, there) if one]))
            draft.record(RefundRefused(refund_id=refund.id, because=named), Actor.provider(refund.provider))

        return Attempt(
            settled=done(effect),
            fact=lambda draft: record_reports(draft, sending.payment, seen, Evidence.RECONCILE),
            record=_while_open(refund, refused),
        )

    def _put_off(self, sending: Sending, error: ProviderError, because: Reason) -> Attempt:
        """It certainly was not made, and goes out again by itself."""
        refund = sending.refund
        settled = postpone(sending.effect, str(error), error.not_before)
        until = sending.time.now().latest + datetime.timedelta(microseconds=settled.delay)
        event = RefundPutOff(refund_id=refund.id, because=because, not_before=until)

        def put_off(draft: Draft) -> None:
            now = draft.dossier.refund(refund.id)
            if not is_said_too_often(because, now.problem, now.put_off_again):
                draft.record(event)

        return Attempt(settled=settled, record=_while_open(refund, put_off))

    # --- finding out ---------------------------------------------------------------------------------

    def _recover(self, sending: Sending) -> Attempt:
        """Ask the provider what became of an unclear refund, and go on by the recovery rule."""
        effect, refund, provider = sending.effect, sending.refund, sending.provider
        now = sending.time.now()
        if effect.crashed or refund.unclear_at is None:  # a worker died with it: its try is as late as can be
            refund = attrs.evolve(refund, unclear_at=now.latest)
        if provider.capabilities.find_refund.usable:
            try:
                found = provider.find_refund(sending.request)
            except AboutAnother as error:
                return _about_another(effect, refund, sending.payment, error.found)
            except ProviderError as error:
                because = cannot_be_asked(error.reason)
                return _unclear(effect, refund, because, tried=False, later_try=effect.crashed)
            if found is not None:
                return _settled(effect, refund, found, Evidence.LOOKUP)
        step = next_step(
            refund,
            now,
            window=window_of(provider),
            lookup_complete_after=complete_after(provider),
        )
        if step is Next.RESEND:
            return self._resend(sending)
        if step is Next.SEND_ANEW:
            return _anew(effect, refund, reason(ReasonCode.DID_NOT_HAPPEN))
        if step is Next.WAIT:
            return _unclear(effect, refund, reason(ReasonCode.NOT_KNOWN_YET), tried=False, later_try=effect.crashed)
        held = RefundHeld(refund_id=refund.id, because=reason(ReasonCode.CANNOT_TELL))
        return Attempt(settled=done(effect), record=_while_open(refund, _after_unclear(refund, held)))

    def _resend(self, sending: Sending) -> Attempt:
        """Send the same request again inside the window. Whatever refusal comes back, the refund stays unclear.

        The provider was asked meanwhile, which takes its time: a refund that somebody has settled by now is not sent.
        """
        effect, refund = sending.effect, sending.refund
        case = self.cases.as_last_seen(effect.shop, effect.order_id)
        if case.dossier.refund(refund.id).state not in (RefundState.SUBMITTING, RefundState.UNKNOWN):
            return Attempt(settled=done(effect))
        try:
            result = attrs.evolve(sending, time=case.time).made()
        except AboutAnother as error:
            return _about_another(effect, refund, sending.payment, error.found)
        except ProviderError as error:
            counts = complete_after(sending.provider) is not None
            return _unclear(effect, refund, error.reason, error.not_before, later_try=counts)
        return _settled(effect, refund, result, Evidence.REPEATED)

    def fetch(self, effect: ClaimedEffect, refund_id: str, case: Case, unheard: datetime.timedelta) -> Attempt:
        """Look at a refund that the provider had pending, also while a person looks at it. The provider was ``unheard``
        of for so long at least. Where it tells the outcome by webhook alone, there is nothing to look at: a person
        looks, when it had its time."""
        refund = case.dossier.refunds.get(refund_id)
        if refund is None or refund.state is not RefundState.PENDING:
            return Attempt(settled=done(effect))  # None: it was matched, and is another one now
        provider = self._provider(case, refund.payment)
        if isinstance(provider, Text):
            return _not_heard(effect, refund, str(provider), reason(ReasonCode.PLUGIN_UNUSABLE), unheard)
        if not provider.capabilities.fetch_refund.usable:
            return _await_outcome(effect, refund, provider, case.time.now())
        payment = payment_of(case, refund.payment)
        try:
            result = provider.fetch_refund(target_of(provider, refund, payment), refund.reference)
        except AboutAnother as error:
            return _to_be_asked_again(effect, _about_another(effect, refund, payment, error.found))
        except ProviderError as error:
            return _not_heard(effect, refund, str(error), cannot_be_asked(error.reason), unheard)
        if result.amount != refund.amount:
            return _to_be_asked_again(effect, _about_another(effect, refund, payment, result))
        seen = as_reported(result)
        no_news = seen.status in refund.reported and not refund.held_for_its_outcome
        return Attempt(
            settled=postpone(effect, "") if no_news else done(effect),
            fact=lambda draft: report(
                draft, draft.dossier.refund(refund.id), seen, Evidence.LOOKUP, MatchedBy.REFERENCE
            ),
        )

    def cancel(self, effect: ClaimedEffect, refund_id: str, case: Case) -> Attempt:
        """Ask the provider to take back a refund that it has not paid out; what it says is the outcome.

        Asked again after a crash or an unclear answer: a refund is cancelled once, however often that is asked.
        """
        refund = case.dossier.refund(refund_id)
        if refund.state is not RefundState.PENDING or not refund.cancelling or refund.instruction is None:
            return Attempt(settled=done(effect))
        provider = self._provider(case, refund.payment)
        if isinstance(provider, Text):
            return Attempt(settled=postpone(effect, str(provider)))
        because, evidence = reason(ReasonCode.PAID_OUT), Evidence.ANSWER
        result: RefundResult | None = None
        try:
            result = provider.cancel_refund(refund.instruction.target, refund.reference)
        except AboutAnother as error:
            return _about_another(effect, refund, payment_of(case, refund.payment), error.found)
        except ProviderError as error:
            if error.disposition in (Disposition.RETRY, Disposition.RECONCILE):
                return Attempt(settled=postpone(effect, str(error), error.not_before))
            because, evidence = error.reason, Evidence.LOOKUP
            if provider.capabilities.fetch_refund.usable:
                try:
                    result = provider.fetch_refund(refund.instruction.target, refund.reference)
                except AboutAnother as another:
                    return _about_another(effect, refund, payment_of(case, refund.payment), another.found)
                except ProviderError as unread:
                    return Attempt(settled=postpone(effect, str(unread)))
        if result is not None and result.amount != refund.amount:
            return _about_another(effect, refund, payment_of(case, refund.payment), result)
        seen = as_reported(result) if result is not None else None

        def fact(draft: Draft) -> None:
            if seen is not None:
                report(draft, draft.dossier.refund(refund.id), seen, evidence, MatchedBy.REFERENCE)

        def record(draft: Draft) -> None:
            if draft.dossier.refund(refund.id).cancelling:
                refused = RefundCancelRefused(refund_id=refund.id, because=because)
                draft.record(refused, by=Actor.provider(refund.provider))

        return Attempt(settled=done(effect), fact=fact, record=record)

    def reconcile(self, effect: ClaimedEffect, payment_id: str, case: Case, *, taken_back: bool = False) -> Attempt:
        """Read all refunds of a payment at the provider, and match them with ours. Money that it told was
        ``taken_back`` is for a person where its books say nothing of it."""
        case = self.cases.knowing(case, payment_id)
        payment = payment_of(case, payment_id)
        try:
            books = self.books(effect.shop, payment)
        except PartlyRead as error:
            settled = done(effect) if error.for_good else postpone(effect, str(error))
            books = attrs.evolve(error.books, taken_back=taken_back)
            return Attempt(settled=settled, given=case.given, fact=_read(payment, books))
        except ProviderError as error:
            return Attempt(settled=postpone(effect, str(error)))
        if isinstance(books, Text):
            return Attempt(settled=postpone(effect, str(books)))
        fact = _read(payment, attrs.evolve(books, taken_back=taken_back))
        return Attempt(settled=done(effect), given=case.given, fact=fact)

    def told(self, effect: ClaimedEffect, payment_id: str, seen: ReportedRefund, case: Case) -> Attempt:
        """Record what a signed webhook said of one refund."""
        case = self.cases.knowing(case, payment_id)
        payment = payment_of(case, payment_id)
        return Attempt(
            settled=done(effect),
            given=case.given,
            fact=lambda draft: record_reports(draft, payment, [seen], Evidence.WEBHOOK),
        )

    def books(self, shop: str, payment: Payment) -> BooksRead | Text:
        """What the provider's books say of one payment, or why there is no provider that could say it.

        Nothing for a provider whose books cannot be read. Raises `PartlyRead` and `ProviderError`.
        """
        provider = self.accounts.payment(shop, payment.provider, payment.account, payment.mode)
        if isinstance(provider, Text):
            return provider
        if not provider.capabilities.refunds or not can_be_read(provider):
            return BooksRead(target="")
        return read_books(provider, payment)[1]

    def _provider(self, case: Case, payment_id: str) -> PaymentCaller | Text:
        return self.accounts.refunding(case.shop, payment_of(case, payment_id))


def _read_long_ago(refund: Refund, now: Moment) -> bool:
    return refund.read_at is None or now.latest - refund.read_at > FRESH


def _await_outcome(effect: ClaimedEffect, refund: Refund, provider: PaymentCaller, now: Moment) -> Attempt:
    since = refund.pending_since or refund.changed_at
    left = since + (provider.capabilities.outcome_within or _NO_TIME) - now.earliest
    if left > _NO_TIME:
        return Attempt(settled=postpone(effect, "", left))
    return Attempt(settled=done(effect), record=_held_while_pending(refund, reason(ReasonCode.NO_OUTCOME)))


def _not_heard(
    effect: ClaimedEffect, refund: Refund, problem: str, because: Reason, unheard: datetime.timedelta
) -> Attempt:
    """A provider that has a refund pending could not be asked. It is asked again, and where it was not heard of for a
    day, a person looks."""
    over = unheard >= A_PERSON_MAY
    return Attempt(settled=postpone(effect, problem), record=_held_while_pending(refund, because) if over else None)


def _held_while_pending(refund: Refund, because: Reason) -> Callable[[Draft], None]:
    def record(draft: Draft) -> None:
        current = draft.dossier.refund(refund.id)
        if current.state is RefundState.PENDING and not current.needs_person:
            draft.record(RefundHeld(refund_id=refund.id, because=because))

    return record


def ended_its_process(effect: ClaimedEffect, refund_id: str, case: Case) -> Attempt:
    """Sending a refund ended too many processes: it may have been made, and a person is asked."""
    refund = case.dossier.refund(refund_id)
    held = RefundHeld(refund_id=refund.id, because=reason(ReasonCode.PROCESS_STOPPED))
    return Attempt(settled=done(effect), record=_while_open(refund, _after_unclear(refund, held)))


def payment_of(case: Case, payment_id: str) -> Payment:
    """A payment of the order, as far as anybody knows it. Raises `UnknownPayment`."""
    payment = case.payment(payment_id)
    if payment is None:
        raise UnknownPayment(text("Order {order} has no payment {payment}.", order=case.order_id, payment=payment_id))
    return payment


def request_of(dossier: Dossier, refund: Refund) -> RefundRequest:
    """The request of a refund: made of what was fixed before it was first sent, and of nothing else."""
    if refund.instruction is None:
        raise LookupError(f"refund {refund.id} is not sent by retour")
    return RefundRequest(
        refund_id=refund.id,
        key=refund.instruction.key,
        order_id=dossier.order_id,
        target=refund.instruction.target,
        amount=refund.amount,
        description=refund.instruction.description,
    )


def _anew(effect: ClaimedEffect, refund: Refund, because: Reason) -> Attempt:
    """It certainly did not happen: it is submitted again, with an effect of its own that sends it."""

    def submitted(draft: Draft) -> None:
        draft.record(RefundSubmitted(refund_id=refund.id, because=because, database_at=draft.earliest))

    return Attempt(settled=done(effect), record=_while_open(refund, submitted))


def _about_another(effect: ClaimedEffect, refund: Refund, payment: Payment, found: RefundResult) -> Attempt:
    """The provider answered about something else than it was asked. What it said is recorded as it is, where it is of
    the same payment, and the refund waits for a person: nobody knows what became of it."""
    seen = as_reported(found)
    target = refund.instruction.target if refund.instruction is not None else ""
    of_the_payment = found.target in ("", target)

    def fact(draft: Draft) -> None:
        if of_the_payment and seen.reference not in ("", refund.reference):
            record_reports(draft, payment, [seen], Evidence.ANSWER)

    def record(draft: Draft) -> None:
        now = draft.dossier.refund(refund.id)
        if now.state in (RefundState.SUBMITTING, RefundState.UNKNOWN, RefundState.PENDING):
            if now.cancelling:
                refused = RefundCancelRefused(refund_id=refund.id, because=reason(ReasonCode.ANOTHER_ANSWER))
                draft.record(refused, by=Actor.provider(refund.provider))
            hold_for_another_answer(draft, now, seen)

    return Attempt(settled=done(effect), fact=fact, record=record)


def _to_be_asked_again(effect: ClaimedEffect, spoke: Attempt) -> Attempt:
    """A provider ``spoke`` of something else once. A person looks at that; what becomes of the refund itself it has
    still to say."""
    return attrs.evolve(spoke, settled=postpone(effect, str(reason(ReasonCode.ANOTHER_ANSWER))))


def _settled(effect: ClaimedEffect, refund: Refund, result: RefundResult, evidence: Evidence) -> Attempt:
    """The provider has the refund: its word is the outcome."""
    seen = as_reported(result)
    return Attempt(
        settled=done(effect),
        fact=lambda draft: report(draft, draft.dossier.refund(refund.id), seen, evidence, MatchedBy.KEY),
    )


def _unclear(
    effect: ClaimedEffect,
    refund: Refund,
    because: Reason,
    pause: datetime.timedelta | None = None,
    *,
    tried: bool = True,
    later_try: bool = False,
) -> Attempt:
    """It may have happened. The provider is asked again soon, then less and less often; nothing gives up.

    Saying the same again is no news, except of a ``later_try`` whose time counts: how old the last try is decides
    what "not found" proves.
    """
    settled = postpone(effect, str(because), pause if pause is not None or effect.attempts else _A_MOMENT)

    def record(draft: Draft) -> None:
        now = draft.dossier.refund(refund.id)
        news = later_try or not because.repeats(now.problem)
        if now.state is RefundState.SUBMITTING or (now.state is RefundState.UNKNOWN and news):
            tries = tried or later_try
            draft.record(RefundUnclear(refund_id=refund.id, because=because, tried=tries, database_at=draft.latest))

    return Attempt(settled=settled, record=record)


def _after_unclear(refund: Refund, held: RefundHeld) -> Callable[[Draft], None]:
    def record(draft: Draft) -> None:
        if draft.dossier.refund(refund.id).state is RefundState.SUBMITTING:
            stopped = reason(ReasonCode.PROCESS_STOPPED)
            draft.record(RefundUnclear(refund_id=refund.id, because=stopped, database_at=draft.latest))
        draft.record(held)

    return record


def _read(payment: Payment, books: BooksRead, own: Refund | None = None) -> Callable[[Draft], None]:
    """Record what was read of a provider's books, whatever follows from it."""

    def found(draft: Draft) -> None:
        record_books(draft, payment, books, own=own)

    return found


def _both(first: Callable[[Draft], None], second: Callable[[Draft], None] | None) -> Callable[[Draft], None]:
    """Record one thing after the other."""

    def record(draft: Draft) -> None:
        first(draft)
        if second is not None:
            second(draft)

    return record


def _while_open(refund: Refund, record: Callable[[Draft], None]) -> Callable[[Draft], None]:
    """Record only if nothing has settled the refund meanwhile, a webhook or a person."""

    def if_open(draft: Draft) -> None:
        if draft.dossier.refund(refund.id).state in (RefundState.SUBMITTING, RefundState.UNKNOWN):
            record(draft)

    return if_open
