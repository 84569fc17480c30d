"""Looks again at refunds that succeeded, for as long as a bank can still send their money back."""

from __future__ import annotations

import datetime

from retour.effects.attempt import Attempt, done, postpone
from retour.effects.reading import as_reported, target_of
from retour.effects.refunding import Refunding
from retour.model.order import Payment
from retour.model.refunds import Evidence, Refund
from retour.model.text import Text
from retour.plugins.calling import AboutAnother
from retour.plugins.providers import PaymentCaller
from retour.providers.errors import Disposition, ProviderError
from retour.rules.late_failures import LONGEST, can_come_back, until_next_look
from retour.rules.matching import record_reports
from retour.steps.case import Case
from retour.store.effects import ClaimedEffect

_ONCE_MORE = datetime.timedelta(days=7)
"""After the last look, where that could not be made, it is tried for so long, and once more at the end of it."""


def look_again(effect: ClaimedEffect, refund_id: str, case: Case, refunding: Refunding) -> Attempt:
    """Ask the provider whether a refund that succeeded is still one, and record what it says.

    A plugin that is off, or settings that are wrong, are no reason to hurry: it is looked at when the next look is due.
    """
    refund = case.dossier.refunds.get(refund_id)  # none where it was matched, and is another one now
    payment = case.payment(refund.payment) if refund is not None else None
    if refund is None or payment is None or not can_come_back(refund):
        return Attempt(settled=done(effect))
    now = case.time.now().earliest
    provider = refunding.accounts.payment(case.shop, payment.provider, payment.account, payment.mode)
    if isinstance(provider, Text):
        return _wait(effect, str(provider), until_next_look(refund, now, LONGEST))
    within = provider.capabilities.late_failure_within
    if within is None or not provider.capabilities.fetch_refund.usable:
        return Attempt(settled=done(effect))
    try:
        return _look(effect, refund, payment, provider, until_next_look(refund, now, within))
    except ProviderError as error:
        pause = until_next_look(refund, now, within) or until_next_look(refund, now, within + _ONCE_MORE)
        if pause is not None and error.disposition in (Disposition.RETRY, Disposition.RECONCILE):
            pause = min(pause, error.not_before or datetime.timedelta(microseconds=effect.pause))
        return _wait(effect, str(error), pause)


def _look(
    effect: ClaimedEffect,
    refund: Refund,
    payment: Payment,
    provider: PaymentCaller,
    pause: datetime.timedelta | None,
) -> Attempt:
    target = target_of(provider, refund, payment)
    problem = ""
    try:
        found = provider.fetch_refund(target, refund.reference)
    except AboutAnother as error:
        if error.found.target not in ("", target) or not error.found.reference:
            raise
        found, problem = error.found, str(error)
    looked = _wait(effect, problem, pause)
    return Attempt(
        settled=looked.settled,
        fact=lambda draft: record_reports(draft, payment, [as_reported(found)], Evidence.LOOKUP),
    )


def _wait(effect: ClaimedEffect, problem: str, pause: datetime.timedelta | None) -> Attempt:
    return Attempt(settled=done(effect) if pause is None else postpone(effect, problem, pause))
