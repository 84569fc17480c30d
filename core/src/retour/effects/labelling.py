"""Makes labels, and finds out what became of them and of the parcels that go with them.

The intent was committed before. A label is made only where no try of it can have made one; after a crash or an answer
that is not clear, the provider is asked first (`retour.rules.labels`).
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial

import attrs

from retour.effects.attempt import Attempt, done, postpone
from retour.effects.providers_word import A_PERSON_MAY
from retour.model.errors import OrderUnreadable
from retour.model.events.labels import (
    LabelCancelRefused,
    LabelHeld,
    LabelMisnamed,
    LabelPutOff,
    LabelRefused,
    LabelUnclear,
)
from retour.model.frozen import frozen
from retour.model.labels import Label, LabelState, ParcelState, Told, WhatFollows
from retour.model.parcels import Parcel, addresses_of_words
from retour.model.reasons import Reason, ReasonCode, as_reason, cannot_be_asked, reason
from retour.model.refunds import Evidence
from retour.model.return_number import return_number
from retour.model.return_reasons import DEFAULT_RETURN_REASONS, ReturnReason
from retour.model.text import Text
from retour.plugins.accounts import Accounts
from retour.plugins.shipping import ShippingCaller
from retour.providers.errors import Disposition, ErrorCode, ProviderError
from retour.providers.http import time_limit
from retour.providers.label_request import LabelRequest, Shipment
from retour.rules.draft import Draft
from retour.rules.label_reports import ReportedItem, ReportedShipment, report
from retour.rules.labels import (
    MADE_BEFORE,
    NextForLabel,
    candidates,
    could_be_ours,
    follows_a_refusal,
    is_being_made,
    known_by_its_parcel,
    label_meant,
    label_named,
    nameless,
    next_for_label,
    numbered,
    same_parcel,
)
from retour.rules.portal_returns import Portal, record_shipment
from retour.rules.unneeded_labels import NOT_TO_COME
from retour.steps.case import Case
from retour.store.effects import ClaimedEffect
from retour.store.records import read_effect
from retour.store.store import Store

_A_MOMENT = datetime.timedelta(seconds=20)
"""Before a provider is asked what became of a label whose answer was lost."""

WATCHED = datetime.timedelta(days=90)
"""How long after it was ordered a parcel is looked at: none is on its way for longer."""

KEPT = datetime.timedelta(days=14)
"""How long what is said of a parcel waits for its label: a customer can take days to pay for one in a portal."""

VALIDATED_WITHIN = 15.0
"""Seconds that are waited for what a provider says of a label before it is bought: the label itself needs its time."""

_OF_THE_ACCOUNT = (ErrorCode.AUTHENTICATION, ErrorCode.CONFIGURATION)
"""Refusals that say nothing of a label."""

_MAY_BE_MADE = (LabelState.ORDERED, LabelState.UNKNOWN)


_LAST = datetime.datetime.max.replace(tzinfo=datetime.UTC)

_SAID = "shipment_event"
"""The stored name of the effects that hold what webhooks said of shipments."""


@frozen(kw_only=True)
class _Said:
    """What one of them holds: see `retour.effects.kinds.RecordShipment`."""

    provider: str
    account: str
    seen: ReportedShipment


@frozen
class Labelling:
    """Talks to shipping providers about labels. ``what_follows`` says, for a shop, what a parcel's steps bring."""

    accounts: Accounts
    store: Store
    what_follows: Callable[[str], Mapping[ParcelState, WhatFollows]]
    reasons: Callable[[str], Sequence[ReturnReason] | None]

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
        codes = {one.code: one.provider_codes.get(provider, one.code) for one in self._reasons(shop)}
        items = [attrs.evolve(item, reason=codes.get(item.reason, item.reason)) for item in parcel.items]
        return attrs.evolve(parcel, items=tuple(items))

    def _reasons(self, shop: str) -> Sequence[ReturnReason]:
        offered = self.reasons(shop)
        return DEFAULT_RETURN_REASONS if offered is None else offered

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
            return self._among_the_orders(effect, label, provider, case)
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
            if error.disposition in (Disposition.FIX, Disposition.FINAL) or error.code is ErrorCode.ALREADY_MADE:
                return self._among_the_orders(effect, label, provider, case)  # it says nothing of the earlier try
            return _unclear(effect, label, error.reason)
        return self._made(effect, label, shipment, Evidence.REPEATED)

    def _among_the_orders(self, effect: ClaimedEffect, label: Label, provider: ShippingCaller, case: Case) -> Attempt:
        """Look for a label that is there, or may be, among the return shipments of its order: one that can be it is
        taken for it, none or several wait for a person."""
        if not provider.capabilities.list_shipments.usable:
            return _held(effect, label, reason(ReasonCode.LABEL_NOT_FOUND))
        try:
            found = _found_among_the_orders(label, provider, case)
        except ProviderError as error:
            return _unclear(effect, label, cannot_be_asked(error.reason))
        if len(found) != 1:
            return _held(effect, label, reason(ReasonCode.LABEL_NOT_FOUND))
        return Attempt(settled=done(effect), fact=self._reports(effect, label, found[0], Evidence.RECONCILE))

    def _made(self, effect: ClaimedEffect, label: Label, shipment: Shipment, evidence: Evidence) -> Attempt:
        """The provider has the label: its word is the outcome."""
        fact = self._reports(effect, label, as_reported_shipment(shipment), evidence)
        return Attempt(settled=done(effect), fact=fact)

    def _reports(
        self, effect: ClaimedEffect, label: Label, seen: ReportedShipment, evidence: Evidence
    ) -> Callable[[Draft], None]:
        """Record what the provider says of a label."""
        follows = self.what_follows(effect.shop)
        return lambda draft: report(draft, draft.dossier.label(label.id), seen, evidence, follows)

    # --- looking at one ------------------------------------------------------------------------------

    def look(self, effect: ClaimedEffect, label_id: str, case: Case) -> Attempt:
        """Look at a label and its parcel, until the parcel is at its end; webhooks are faster."""
        label = case.dossier.label(label_id)
        if label.state in (LabelState.REFUSED, LabelState.CANCELLED) or label.progress is ParcelState.DELIVERED:
            return Attempt(settled=done(effect))
        if case.time.now().earliest - (label.begun_at or label.ordered_at) > WATCHED:
            return _watched_to_the_end(effect, label)
        provider = self.accounts.shipping(case.shop, label.provider, label.account)
        if isinstance(provider, Text):
            return Attempt(settled=postpone(effect, str(provider)))
        try:
            found = _as_it_is(label, provider, case)
        except ProviderError as error:
            return _not_there(effect, label, error)
        if len(found) > 1 and all(one.parcel or one.tracking_number for one in found):
            return _held_among_several(effect, label)
        if len(found) != 1:
            return Attempt(settled=postpone(effect, ""))
        [seen] = found
        ended = seen.progress is ParcelState.DELIVERED or seen.told.value in ("refused", "cancelled")
        portal, reports = self.portal(effect.shop, label.provider, label.account), self._reports

        def fact(draft: Draft) -> None:
            self.record_said_before(draft, case, portal, seen)
            reports(effect, label, seen, Evidence.LOOKUP)(draft)

        return Attempt(settled=done(effect) if ended else postpone(effect, ""), fact=fact)

    def told(self, effect: ClaimedEffect, provider: str, account: str, seen: ReportedShipment, case: Case) -> Attempt:
        """Record what a signed webhook said of a shipment of ours, or of one that the customer made in the portal; of
        any other, as of one that goes out, nothing.

        A webhook can be faster than the answer to the request that made its label, and can name that by its number
        alone: it waits until the answer is known, and then what else names it is read. Where that does not tell whose
        it is, it is taken for a label of ours only if the order has no other shipment that can be it."""
        portal = self.portal(effect.shop, provider, account)
        unnamed = label_named(case.dossier, provider, account, seen) is None
        if unnamed and not seen.reference:
            return self._told_of_a_parcel(effect, provider, account, seen, case)
        if unnamed and seen.reference and could_be_ours(case.dossier, provider, account, seen):
            if is_being_made(case.dossier, provider, account):
                return Attempt(settled=postpone(effect, "", _A_MOMENT))
            try:
                read = self._with_its_parcel(effect.shop, provider, account, seen)
                if (
                    read is not None
                    and not (read.parcel or read.tracking_number)
                    and known_by_its_parcel(case.dossier, provider, account)
                ):
                    return _until_it_has_a_parcel(effect, read, case)
                seen = seen if read is None else read
                waits = self._one_of_several(effect.shop, provider, account, seen, case)
            except ProviderError as error:
                return Attempt(settled=postpone(effect, str(error), error.not_before))
            if waits:
                return Attempt(settled=postpone(effect, str(reason(ReasonCode.WHICH_LABEL))))

        caller = self.accounts.shipping(effect.shop, provider, account)
        can_be_read = not isinstance(caller, Text) and caller.capabilities.fetch_shipment.usable

        def fact(draft: Draft) -> None:
            readable = set(draft.dossier.labels) if can_be_read else set()  # those too that were found meanwhile
            if seen.reference or label_meant(draft.dossier, provider, account, seen) is not None:
                record_shipment(draft, case.order, portal, seen, Evidence.WEBHOOK, readable)

        return Attempt(settled=done(effect), fact=fact)

    def _told_of_a_parcel(
        self, effect: ClaimedEffect, provider: str, account: str, seen: ReportedShipment, case: Case
    ) -> Attempt:
        """Record what a signed webhook said of a parcel of the order that no label is known by. It may be of a label
        that is known by its number alone: each is read, and as long as one has no parcel there, what is said is kept.
        Else it is a parcel that went to the customer. A provider that tells nothing when it is asked is believed where
        one label alone can be meant."""
        could_have = numbered(case.dossier, provider, account, seen)
        waits = nameless(case.dossier, provider, account)
        caller = self.accounts.shipping(case.shop, provider, account)
        if not (could_have or waits) or _is_long_ago(seen, case):
            return Attempt(settled=done(effect))
        if isinstance(caller, Text):
            return Attempt(settled=postpone(effect, str(caller)))
        if not caller.capabilities.fetch_shipment.usable:
            meant = label_meant(case.dossier, provider, account, seen)
            fact = None if meant is None else partial(self._record_at_last, effect.shop, case, meant, seen, seen)
            return Attempt(settled=done(effect), fact=fact)
        for label in could_have:
            try:
                read = read_label(label, caller, case.order_id)
            except ProviderError as error:
                if error.code is ErrorCode.UNKNOWN_SHIPMENT:
                    continue
                return Attempt(settled=postpone(effect, str(error), error.not_before))
            found = same_parcel(read, seen)
            if found:
                fact = partial(self._record_at_last, effect.shop, case, label, read, seen)
                return Attempt(settled=done(effect), fact=fact)
            if found is None:
                waits = True
        return Attempt(settled=postpone(effect, "") if waits else done(effect))

    def _record_at_last(
        self, shop: str, case: Case, label: Label, read: ReportedShipment, seen: ReportedShipment, draft: Draft
    ) -> None:
        """Record what was said of a parcel that turned out to be a label's, and what was said of it before."""
        portal = self.portal(shop, label.provider, label.account)
        self.record_said_before(draft, case, portal, read)
        record_shipment(draft, case.order, portal, attrs.evolve(seen, label_id=label.id), Evidence.WEBHOOK)

    def record_said_before(self, draft: Draft, case: Case, portal: Portal, read: ReportedShipment) -> None:
        """Record what webhooks said of the parcel of a label before it was known that it has it, as it was ``read``
        now: the earliest first. Each comes again by itself, and changes nothing then."""
        label = draft.dossier.labels.get(read.label_id)
        if label is None or label.parcel or label.tracking_number or not (read.parcel or read.tracking_number):
            return
        said = [one for one in self._said(case, portal) if same_parcel(one, read)]
        for one in sorted(said, key=lambda one: one.changed_at or _LAST):
            record_shipment(draft, case.order, portal, attrs.evolve(one, label_id=label.id), Evidence.WEBHOOK)

    def _said(self, case: Case, portal: Portal) -> Iterator[ReportedShipment]:
        """What webhooks of an account said of shipments of an order, and is not recorded yet."""
        for one in self.store.effects.waiting(case.shop, case.order_id, _SAID):
            with suppress(OrderUnreadable):  # it waits for a person, and costs no other
                said = read_effect(_Said, _SAID, case.order_id, one.id, one.body)
                if (said.provider, said.account) == (portal.provider, portal.account):
                    yield said.seen

    def _with_its_parcel(
        self, shop: str, provider: str, account: str, seen: ReportedShipment
    ) -> ReportedShipment | None:
        """What is said of a label, with the names of its parcel as far as its provider has them; None where the
        provider cannot be asked for them. Raises `ProviderError`."""
        if seen.parcel:
            return seen
        caller = self.accounts.shipping(shop, provider, account)
        if isinstance(caller, Text) or not caller.capabilities.fetch_shipment.usable:
            return None
        try:
            read = caller.fetch_shipment(seen.reference, "", order_id=seen.order_id, label_id=seen.label_id)
        except ProviderError as error:
            if error.code is ErrorCode.UNKNOWN_SHIPMENT:
                return seen
            raise
        return attrs.evolve(seen, parcel=read.parcel, tracking_number=read.tracking_number)

    def _one_of_several(self, shop: str, provider: str, account: str, seen: ReportedShipment, case: Case) -> bool:
        """Whether what is said of a label could be said of several, and nothing that is known tells which. Raises
        `ProviderError`."""
        known = label_named(case.dossier, provider, account, seen)
        if known is not None or not could_be_ours(case.dossier, provider, account, seen):
            return False
        caller = self.accounts.shipping(shop, provider, account)
        if isinstance(caller, Text) or not caller.capabilities.list_shipments.usable:
            return False
        label = label_meant(case.dossier, provider, account, seen)
        return label is None or len(_found_among_the_orders(label, caller, case)) != 1

    def portal(self, shop: str, provider: str, account: str) -> Portal:
        """What is known of a provider's portal in a shop."""
        return Portal(provider=provider, account=account, reasons=self._reasons(shop), follows=self.what_follows(shop))

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
            shipment = provider.cancel_label(label.reference, label.parcel, **_whose(label, case.order_id))
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


def _is_long_ago(seen: ReportedShipment, case: Case) -> bool:
    """Whether a word is older than any label that it could be of takes to get its parcel."""
    at = seen.changed_at or seen.made_at
    return at is not None and case.time.now().earliest - at > KEPT


def _until_it_has_a_parcel(effect: ClaimedEffect, seen: ReportedShipment, case: Case) -> Attempt:
    """What is said of a label that has no parcel there yet, while one of ours is known by its parcel alone, waits until
    it has one, which tells whether it is that. What never gets one is none of ours: the portal's returns are looked for
    in the list of the order."""
    ended = seen.told in (Told.REFUSED, Told.CANCELLED) or _is_long_ago(seen, case)
    return Attempt(settled=done(effect) if ended else postpone(effect, ""))


def _as_it_is(label: Label, provider: ShippingCaller, case: Case) -> Sequence[ReportedShipment]:
    """A label as its provider has it. One that is known without its names is looked for among those of its order: it
    has some as soon as its carrier knows it. Gives all that can be it. Raises `ProviderError`."""
    if label.reference or label.parcel:
        return [read_label(label, provider, case.order_id)]
    if not provider.capabilities.list_shipments.usable:
        return []
    return _found_among_the_orders(label, provider, case)


def read_label(label: Label, provider: ShippingCaller, order_id: str) -> ReportedShipment:
    """A label as its provider has it by the names that it has there: what is told is told of this label, also where it
    does not say so. Raises `ProviderError`: an unknown shipment too for the number that a person gave, where that is of
    another order or another label."""
    whose = _whose(label, order_id)
    asked = {"order_id": "", "label_id": ""} if label.unconfirmed else whose
    seen = provider.fetch_shipment(label.reference, label.parcel, **asked)
    if whose["order_id"] and seen.order_id not in ("", order_id):
        raise ProviderError(ErrorCode.UNKNOWN_SHIPMENT, f"{label.reference} is of order {seen.order_id}")
    if whose["label_id"] and seen.label_id not in ("", label.id):
        raise ProviderError(ErrorCode.UNKNOWN_SHIPMENT, f"{label.reference} is label {seen.label_id}")
    return attrs.evolve(as_reported_shipment(seen), label_id=label.id)


def _whose(label: Label, order_id: str) -> dict[str, str]:
    """What an answer about a label must say of it, if it says anything. A label that the customer made in the portal
    has no id of ours, and the number that its order has there."""
    return {"order_id": "", "label_id": ""} if label.in_portal else {"order_id": order_id, "label_id": label.id}


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


def _found_among_the_orders(label: Label, provider: ShippingCaller, case: Case) -> Sequence[ReportedShipment]:
    """The return shipments of an order that can be a label; raises `ProviderError`."""
    shipments = provider.list_shipments(case.order_id, (label.begun_at or label.ordered_at) - MADE_BEFORE)
    return candidates(case.dossier, label, [as_reported_shipment(one) for one in shipments])


def as_reported_shipment(shipment: Shipment) -> ReportedShipment:
    """What a provider says of a shipment, as a value of ours."""
    return ReportedShipment(
        told=shipment.told,
        reference=shipment.reference,
        parcel=shipment.parcel,
        label_id=shipment.label_id,
        order_id=shipment.order_id,
        progress=shipment.progress,
        provider_status=shipment.provider_status,
        because=as_reason(shipment.because),
        carrier=shipment.carrier,
        tracking_number=shipment.tracking_number,
        tracking_url=shipment.tracking_url,
        cost=shipment.cost,
        valid_until=shipment.valid_until,
        made_at=shipment.made_at,
        changed_at=shipment.changed_at,
        items=tuple([ReportedItem(**attrs.asdict(item)) for item in shipment.items]),
    )


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
        if now.open and not (now.reference or now.parcel or now.needs_person):
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
