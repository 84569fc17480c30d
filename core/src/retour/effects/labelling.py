"""Makes labels, and finds out what became of them and of the parcels that go with them.

The intent was committed before. A label is made only where no try of it can have made one; after a crash or an answer
that is not clear, the provider is asked first (`retour.rules.labels`).
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence

import attrs

from retour.effects.attempt import Attempt, Outdated, done, postpone
from retour.effects.labels_read import as_reported_shipment, read_label, whose_it_is
from retour.effects.providers_word import A_PERSON_MAY
from retour.effects.shipment_words import ShipmentWords
from retour.model.dossier import Dossier
from retour.model.events.labels import (
    LabelCancelRefused,
    LabelHeld,
    LabelMisnamed,
    LabelPutOff,
    LabelRefused,
    LabelUnclear,
)
from retour.model.frozen import frozen
from retour.model.labels import Label, LabelState, ParcelState
from retour.model.parcels import Parcel, addresses_of_words
from retour.model.reasons import Reason, ReasonCode, cannot_be_asked, reason
from retour.model.refunds import Evidence
from retour.model.return_number import return_number
from retour.model.text import Text
from retour.plugins.accounts import Accounts
from retour.plugins.shipping import ShippingCaller
from retour.providers.errors import Disposition, ErrorCode, ProviderError
from retour.providers.http import time_limit
from retour.providers.label_request import LabelRequest, Shipment
from retour.rules.draft import Draft
from retour.rules.label_reports import ReportedShipment, report
from retour.rules.labels import NextForLabel, follows_a_refusal, next_for_label
from retour.rules.said_again import is_said_too_often
from retour.rules.unneeded_labels import NOT_TO_COME
from retour.rules.whose_label import MADE_BEFORE, among, are_settled, known, known_labels
from retour.steps.case import Case
from retour.store.effects import ClaimedEffect
from retour.store.store import Store

_A_MOMENT = datetime.timedelta(seconds=20)
"""Before a provider is asked what became of a label whose answer was lost."""

WATCHED = datetime.timedelta(days=90)
"""How long after it was ordered a parcel is looked at: none is on its way for longer."""

VALIDATED_WITHIN = 15.0
"""Seconds that are waited for what a provider says of a label before it is bought: the label itself needs its time."""

_OF_THE_ACCOUNT = (ErrorCode.AUTHENTICATION, ErrorCode.CONFIGURATION)
"""Refusals that say nothing of a label."""

_MAY_BE_MADE = (LabelState.ORDERED, LabelState.UNKNOWN)
_ENDED = (LabelState.REFUSED, LabelState.CANCELLED)


@frozen
class Labelling:
    """Talks to shipping providers about labels; ``words`` records what they say."""

    accounts: Accounts
    store: Store
    words: ShipmentWords

    # --- making one ----------------------------------------------------------------------------------

    def make(self, effect: ClaimedEffect, label_id: str, case: Case) -> Attempt:
        """Have a label made, or find out what became of an earlier try and act on that. Where that does not get done
        for a day, a person is asked, and it is tried all the same."""
        label = case.dossier.label(label_id)
        if label.state not in _MAY_BE_MADE:
            return Attempt(settled=done(effect))
        attempt = self._make(effect, label, case)
        waits = attempt.settled is not None and attempt.settled.state == "waiting"
        if waits and case.time.now().earliest - (label.begun_at or label.ordered_at) >= A_PERSON_MAY:
            return _asking_a_person(attempt, label)
        return attempt

    def _make(self, effect: ClaimedEffect, label: Label, case: Case) -> Attempt:
        provider = self.accounts.shipping(case.shop, label.provider, label.account)
        if isinstance(provider, Text):
            if effect.crashed:
                return _unclear(effect, label, reason(ReasonCode.PLUGIN_UNUSABLE))
            return Attempt(settled=postpone(effect, str(provider)))
        never_asked = label.state is LabelState.ORDERED and not effect.crashed
        if never_asked and case.dossier.return_(label.return_id).goods in NOT_TO_COME:
            return _not_wanted(effect, label)
        request = self._request(case, label)
        if request is None:
            return self._without_addresses(effect, label)
        if never_asked:
            return self._first(effect, label, provider, request)
        return self._recover(effect, label, provider, request, case)

    def _request(self, case: Case, label: Label) -> LabelRequest | None:
        """The request of a label, made of what was fixed when it was ordered; None where its addresses were removed."""
        kept = self.store.notes(case.shop, case.order_id).get(label.addresses_id or "")
        if kept is None or label.option is None or label.parcel_sent is None:
            return None
        sender, recipient = addresses_of_words(kept)
        return LabelRequest(
            label_id=label.id,
            order_id=case.order_id,
            return_number=return_number(label.return_id),
            option=label.option.code,
            contract=label.option.contract,
            form=label.option.form,
            sender=sender,
            recipient=recipient,
            parcel=self._in_its_words(case.shop, label.provider, label.parcel_sent),
            instead_of_refused=follows_a_refusal(case.dossier, label),
        )

    def _in_its_words(self, shop: str, provider: str, parcel: Parcel) -> Parcel:
        """The parcel with the reasons of the shop's list by the provider's own codes; others as they are."""
        codes = {one.code: one.provider_codes.get(provider, one.code) for one in self.words.reasons_of(shop)}
        items = [attrs.evolve(item, reason=codes.get(item.reason, item.reason)) for item in parcel.items]
        return attrs.evolve(parcel, items=tuple(items))

    def _without_addresses(self, effect: ClaimedEffect, label: Label) -> Attempt:
        held = LabelHeld(return_id=label.return_id, label_id=label.id, because=reason(ReasonCode.ADDRESS_FORGOTTEN))
        return Attempt(settled=done(effect), record=_while_open(label, lambda draft: draft.record(held)))

    def _first(self, effect: ClaimedEffect, label: Label, provider: ShippingCaller, request: LabelRequest) -> Attempt:
        """Ask for it where no earlier try can have made it: first what is wrong with it, where its provider says
        that."""
        wrong = _wrong_with(request, provider, tried=effect.attempts)
        if wrong is not None:
            return self._not_made(effect, label, wrong)
        try:
            shipment = provider.create_label(request)
        except ProviderError as error:
            return self._not_made(effect, label, error)
        return self._made(effect, label, shipment, Evidence.ANSWER)

    def _not_made(self, effect: ClaimedEffect, label: Label, error: ProviderError) -> Attempt:
        """A first try that gave no label: what it means decides what follows."""
        because = error.reason
        if error.disposition is Disposition.RETRY:
            settled = postpone(effect, str(error), error.not_before)

            def put_off(draft: Draft) -> None:
                now = draft.dossier.label(label.id)
                if is_said_too_often(because, now.because, now.put_off_again):
                    return
                until = (draft.latest or draft.at) + datetime.timedelta(microseconds=settled.delay)
                draft.record(
                    LabelPutOff(return_id=label.return_id, label_id=label.id, because=because, not_before=until)
                )

            return Attempt(settled=settled, record=_while_open(label, put_off))
        if error.disposition is Disposition.RECONCILE:
            return _unclear(effect, label, because)
        refused = LabelRefused(return_id=label.return_id, label_id=label.id, because=because)
        return Attempt(settled=done(effect), record=_while_open(label, lambda draft: draft.record(refused)))

    # --- finding out ---------------------------------------------------------------------------------

    def _recover(
        self, effect: ClaimedEffect, label: Label, provider: ShippingCaller, request: LabelRequest, case: Case
    ) -> Attempt:
        """Ask the provider what became of an unclear label, and go on by the rule."""
        now = case.time.now()
        if effect.crashed or label.unclear_at is None:  # a worker died with it: its try is as late as can be
            label = attrs.evolve(label, unclear_at=now.latest)
        if provider.capabilities.find_shipment.usable:
            try:
                found = provider.find_shipment(request)
            except ProviderError as error:
                return _unclear(effect, label, cannot_be_asked(error.reason))
            if found is not None:
                return self._made(effect, label, found, Evidence.RECONCILE)
        step = next_for_label(
            label,
            now,
            refuses_repeats=provider.capabilities.refuses_repeats,
            lookup_complete_after=provider.capabilities.lookup_complete_after
            if provider.capabilities.find_shipment.usable
            else None,
        )
        if step is NextForLabel.WAIT:
            return _unclear(effect, label, reason(ReasonCode.NOT_KNOWN_YET))
        if step is NextForLabel.HOLD:
            return self._among_the_orders(effect, label, provider, case, is_there=False)
        if step is NextForLabel.MAKE_ANEW and case.dossier.return_(label.return_id).goods in NOT_TO_COME:
            return _not_wanted(effect, label)
        if step is NextForLabel.MAKE_ANEW:
            wrong = _wrong_with(request, provider, tried=effect.attempts)
            if wrong is not None:
                return self._not_made(effect, label, wrong)
        try:
            shipment = provider.create_label(request)
        except ProviderError as error:
            if step is NextForLabel.MAKE_ANEW and error.code is not ErrorCode.ALREADY_MADE:
                return self._not_made(effect, label, error)
            is_there = error.code is ErrorCode.ALREADY_MADE
            if is_there or error.disposition in (Disposition.FIX, Disposition.FINAL):
                return self._among_the_orders(effect, label, provider, case, is_there=is_there)
            return _unclear(effect, label, error.reason)
        return self._made(effect, label, shipment, Evidence.REPEATED)

    def _among_the_orders(
        self, effect: ClaimedEffect, label: Label, provider: ShippingCaller, case: Case, *, is_there: bool
    ) -> Attempt:
        """Look for a label among the return shipments of its order: one with our id is it, and one that is no other
        label's, where ``is_there`` is proven. None or several wait for a person, and so does one that may be another:
        the customer can have made it at that moment."""
        if not provider.capabilities.list_shipments.usable:
            return _held(effect, label, reason(ReasonCode.LABEL_NOT_FOUND))
        try:
            listed = _listed(label, provider, case)
        except ProviderError as error:
            return _unclear(effect, label, cannot_be_asked(error.reason))
        found = _among(label, case.dossier, listed)
        if len(found) != 1 or not (is_there or found[0].label_id == label.id):
            return _held(effect, label, reason(ReasonCode.LABEL_NOT_FOUND))
        fact = _where_still_found(label, found[0], listed, self._reports(effect, label, found[0], Evidence.RECONCILE))
        return Attempt(settled=done(effect), fact=fact)

    def _made(self, effect: ClaimedEffect, label: Label, shipment: Shipment, evidence: Evidence) -> Attempt:
        """The provider has the label: its word is the outcome."""
        fact = self._reports(effect, label, as_reported_shipment(shipment), evidence)
        return Attempt(settled=done(effect), fact=fact)

    def _reports(
        self, effect: ClaimedEffect, label: Label, seen: ReportedShipment, evidence: Evidence
    ) -> Callable[[Draft], None]:
        """Record what the provider says of a label."""
        follows = self.words.what_follows(effect.shop)
        return lambda draft: report(draft, draft.dossier.label(label.id), seen, evidence, follows)

    # --- looking at one ------------------------------------------------------------------------------

    def look(self, effect: ClaimedEffect, label_id: str, case: Case) -> Attempt:
        """Look at a label and its parcel, until the parcel is at its end; webhooks are faster."""
        label = case.dossier.label(label_id)
        if label.state in _ENDED or label.progress is ParcelState.DELIVERED:
            return Attempt(settled=done(effect))
        if case.time.now().earliest - (label.begun_at or label.ordered_at) > WATCHED:
            return _watched_to_the_end(effect, label)
        provider = self.accounts.shipping(case.shop, label.provider, label.account)
        if isinstance(provider, Text):
            return Attempt(settled=postpone(effect, str(provider)))
        if not (label.reference or label.parcel):
            return self._look_among_the_orders(effect, label, provider, case)
        try:
            seen = read_label(label, provider, case.order_id)
        except ProviderError as error:
            return _not_there(effect, label, error)
        return self._looked(effect, label, case, seen)

    def _look_among_the_orders(
        self, effect: ClaimedEffect, label: Label, provider: ShippingCaller, case: Case
    ) -> Attempt:
        """Look at a label that is known without its names, among the return shipments of its order: it has some as soon
        as its carrier knows it. Where nothing tells it apart any more, or for a day, a person is asked."""
        if not provider.capabilities.list_shipments.usable:
            return Attempt(settled=postpone(effect, ""))
        try:
            listed = _listed(label, provider, case)
        except ProviderError as error:
            return Attempt(settled=postpone(effect, str(error), error.not_before))
        found = _among(label, case.dossier, listed)
        if len(found) == 1:
            return self._looked(effect, label, case, found[0], listed)
        long = case.time.now().earliest - (label.begun_at or label.ordered_at) >= A_PERSON_MAY
        if long or (len(found) > 1 and are_settled(found)):
            return _held_among_several(effect, label)
        return Attempt(settled=postpone(effect, ""))

    def _looked(
        self,
        effect: ClaimedEffect,
        label: Label,
        case: Case,
        seen: ReportedShipment,
        listed: Sequence[ReportedShipment] | None = None,
    ) -> Attempt:
        """What is seen of a label is recorded, and what was said before of the parcel that it turns out to have."""
        ended = seen.progress is ParcelState.DELIVERED or seen.told.value in ("refused", "cancelled")
        portal = self.words.portal(effect.shop, label.provider, label.account)
        reports = self._reports(effect, label, seen, Evidence.LOOKUP)

        def fact(draft: Draft) -> None:
            self.words.record_said_before(draft, case, portal, attrs.evolve(seen, label_id=label.id))
            reports(draft)

        where = fact if listed is None else _where_still_found(label, seen, listed, fact)
        return Attempt(settled=done(effect) if ended else postpone(effect, ""), fact=where)

    # --- taking one back -----------------------------------------------------------------------------

    def cancel(self, effect: ClaimedEffect, label_id: str, case: Case) -> Attempt:
        """Ask the provider to take a label back. A label is cancelled once, however often that is asked."""
        label = case.dossier.label(label_id)
        if not label.cancel_asked or label.state is LabelState.CANCELLED:
            return Attempt(settled=done(effect))
        provider = self.accounts.shipping(case.shop, label.provider, label.account)
        if isinstance(provider, Text):
            return Attempt(settled=postpone(effect, str(provider)))
        if label.unconfirmed:
            try:
                read_label(label, provider, case.order_id)
            except ProviderError as error:
                return _not_there(effect, label, error)
        try:
            shipment = provider.cancel_label(label.reference, label.parcel, **whose_it_is(label, case.order_id))
        except ProviderError as error:
            if error.disposition in (Disposition.RETRY, Disposition.RECONCILE):
                return Attempt(settled=postpone(effect, str(error), error.not_before))
            refused = _cancel_refused(label, error.reason)

            def record(draft: Draft) -> None:
                if draft.dossier.label(label.id).cancel_asked:
                    draft.record(refused)

            return Attempt(settled=done(effect), record=record)
        fact = self._reports(effect, label, as_reported_shipment(shipment), Evidence.ANSWER)
        return Attempt(settled=done(effect), fact=fact)


def _wrong_with(request: LabelRequest, provider: ShippingCaller, *, tried: int) -> ProviderError | None:
    """What a provider says is wrong with a label before it is bought; None where nothing is, or where that is not said.

    Nothing was bought by that question, so it is no try. What is said of the label for certain is the outcome. That it
    cannot be asked, by these keys too, keeps no label from being asked for: one that cannot be made is refused for
    itself. Only who is asked too often is let alone once, since the label would be refused too.
    """
    if not provider.capabilities.validate_label.usable:
        return None
    try:
        with time_limit(VALIDATED_WITHIN):
            provider.validate_label(request)
    except ProviderError as error:
        if error.disposition in (Disposition.FIX, Disposition.FINAL) and error.code not in _OF_THE_ACCOUNT:
            return error
        return error if error.code is ErrorCode.RATE_LIMITED and not tried else None
    return None


def _listed(label: Label, provider: ShippingCaller, case: Case) -> Sequence[ReportedShipment]:
    """The return shipments of an order since a label was asked for; raises `ProviderError`."""
    shipments = provider.list_shipments(case.order_id, (label.begun_at or label.ordered_at) - MADE_BEFORE)
    return [as_reported_shipment(one) for one in shipments]


def _among(label: Label, dossier: Dossier, listed: Sequence[ReportedShipment]) -> Sequence[ReportedShipment]:
    """Those that can be the label."""
    labels = known_labels(dossier, label.provider, label.account)
    return among(labels, known(label, dossier.order_id), listed)


def _where_still_found(
    label: Label, found: ReportedShipment, listed: Sequence[ReportedShipment], record: Callable[[Draft], None]
) -> Callable[[Draft], None]:
    """Record what one of the ``listed`` shipments tells of a label, where it still can be that one alone. Raises
    `Outdated` where another label turned out to be it."""

    def fact(draft: Draft) -> None:
        if list(_among(draft.dossier.label(label.id), draft.dossier, listed)) != [found]:
            raise Outdated
        record(draft)

    return fact


def _not_there(effect: ClaimedEffect, label: Label, error: ProviderError) -> Attempt:
    """A label could not be read. Where its provider has none with the number that a person gave, he is asked again."""
    if error.code is not ErrorCode.UNKNOWN_SHIPMENT or not label.unconfirmed:
        return Attempt(settled=postpone(effect, str(error), error.not_before))

    def record(draft: Draft) -> None:
        now = draft.dossier.label(label.id)
        if now.unconfirmed and now.reference == label.reference:
            draft.record(
                LabelMisnamed(return_id=now.return_id, label_id=now.id, reference=now.reference, because=error.reason)
            )

    return Attempt(settled=done(effect), record=record)


def _asking_a_person(attempt: Attempt, label: Label) -> Attempt:
    """The same try, of which a person is told that nothing came."""

    def record(draft: Draft) -> None:
        if attempt.record is not None:
            attempt.record(draft)
        now = draft.dossier.label(label.id)
        if now.state in _MAY_BE_MADE and not now.needs_person:
            because = now.because or reason(ReasonCode.PLUGIN_UNUSABLE)
            draft.record(LabelHeld(return_id=label.return_id, label_id=label.id, because=because))

    return attrs.evolve(attempt, record=record)


def ended_its_process(effect: ClaimedEffect, label_id: str, case: Case) -> Attempt:
    """Making a label ended too many processes: it may be there, and a person is asked."""
    return _held(effect, case.dossier.label(label_id), reason(ReasonCode.PROCESS_STOPPED))


def _not_wanted(effect: ClaimedEffect, label: Label) -> Attempt:
    """Its return ended before it was made, and it certainly was not."""
    refused = LabelRefused(return_id=label.return_id, label_id=label.id, because=reason(ReasonCode.RETURN_HAS_ENDED))
    return Attempt(settled=done(effect), record=_while_open(label, lambda draft: draft.record(refused)))


def _unclear(effect: ClaimedEffect, label: Label, because: Reason) -> Attempt:
    """It may have been made. The provider is asked again soon, then less and less often; nothing gives up."""

    def record(draft: Draft) -> None:
        now = draft.dossier.label(label.id)
        if now.state is LabelState.ORDERED or not because.repeats(now.because):
            draft.record(
                LabelUnclear(return_id=label.return_id, label_id=label.id, because=because, database_at=draft.latest)
            )

    settled = postpone(effect, str(because), None if effect.attempts else _A_MOMENT)
    return Attempt(settled=settled, record=_while_open(label, record))


def _held(effect: ClaimedEffect, label: Label, because: Reason) -> Attempt:
    def record(draft: Draft) -> None:
        if draft.dossier.label(label.id).state is LabelState.ORDERED:
            draft.record(
                LabelUnclear(return_id=label.return_id, label_id=label.id, because=because, database_at=draft.latest)
            )
        draft.record(LabelHeld(return_id=label.return_id, label_id=label.id, because=because))

    return Attempt(settled=done(effect), record=_while_open(label, record))


def _held_among_several(effect: ClaimedEffect, label: Label) -> Attempt:
    """It is there, and its names are those of one of several: nothing but a person can tell of which."""
    because = reason(ReasonCode.LABEL_NOT_FOUND)

    def record(draft: Draft) -> None:
        now = draft.dossier.label(label.id)
        if now.state not in _ENDED and not (now.reference or now.parcel or now.needs_person):
            draft.record(
                LabelUnclear(return_id=label.return_id, label_id=label.id, because=because, database_at=draft.latest)
            )
            draft.record(LabelHeld(return_id=label.return_id, label_id=label.id, because=because))

    return Attempt(settled=postpone(effect, ""), record=record)


def _watched_to_the_end(effect: ClaimedEffect, label: Label) -> Attempt:
    """It is not looked at any more. One that was to be taken back, and of which nobody ever said that it was, may be
    used or charged: a person looks."""
    refused = _cancel_refused(label, reason(ReasonCode.NO_OUTCOME))

    def record(draft: Draft) -> None:
        if draft.dossier.label(label.id).cancel_asked:
            draft.record(refused)

    return Attempt(settled=done(effect), record=record)


def _cancel_refused(label: Label, because: Reason) -> LabelCancelRefused:
    return LabelCancelRefused(return_id=label.return_id, label_id=label.id, because=because)


def _while_open(label: Label, record: Callable[[Draft], None]) -> Callable[[Draft], None]:
    """Record only if nothing has settled the label meanwhile, a webhook or a person."""

    def if_open(draft: Draft) -> None:
        if draft.dossier.label(label.id).state in _MAY_BE_MADE:
            record(draft)

    return if_open
