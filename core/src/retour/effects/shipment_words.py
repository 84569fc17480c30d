"""Records what webhooks of shipping providers say of labels and parcels: of the label that it is said of, or of none.

One rule tells whose it is (`retour.rules.whose_label`). Here its provider is asked what the rule has to know; what
cannot be told yet waits.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress

import attrs

from retour.effects.attempt import Attempt, Outdated, done, postpone
from retour.effects.labels_read import as_reported_shipment, read_label
from retour.model.errors import OrderUnreadable
from retour.model.frozen import frozen
from retour.model.labels import ParcelState, WhatFollows
from retour.model.reasons import ReasonCode, reason
from retour.model.refunds import Evidence
from retour.model.return_reasons import DEFAULT_RETURN_REASONS, ReturnReason
from retour.model.text import Text
from retour.plugins.accounts import Accounts
from retour.plugins.shipping import ShippingCaller
from retour.providers.errors import ErrorCode, ProviderError
from retour.rules.draft import Draft
from retour.rules.label_reports import ReportedShipment, report
from retour.rules.portal_returns import Portal, record_shipment
from retour.rules.whose_label import (
    MADE_BEFORE,
    About,
    Ask,
    Known,
    Learnt,
    This,
    Wait,
    known_labels,
    same_parcel,
    whose,
)
from retour.steps.case import Case
from retour.store.effects import ClaimedEffect
from retour.store.records import read_effect
from retour.store.store import Store

KEPT = datetime.timedelta(days=14)
"""How long what is said of a parcel waits for its label: a customer can take days to pay for one in a portal."""

_A_MOMENT = datetime.timedelta(seconds=20)
"""Before it is looked again whether the answer came to which something belongs."""

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
class ShipmentWords:
    """Records them. ``what_follows`` says, for a shop, what a parcel's steps bring, ``reasons`` why goods come back."""

    accounts: Accounts
    store: Store
    what_follows: Callable[[str], Mapping[ParcelState, WhatFollows]]
    reasons: Callable[[str], Sequence[ReturnReason] | None]

    def reasons_of(self, shop: str) -> Sequence[ReturnReason]:
        """The reasons that a shop offers."""
        offered = self.reasons(shop)
        return DEFAULT_RETURN_REASONS if offered is None else offered

    def portal(self, shop: str, provider: str, account: str) -> Portal:
        """What is known of a provider's portal in a shop."""
        return Portal(
            provider=provider, account=account, reasons=self.reasons_of(shop), follows=self.what_follows(shop)
        )

    def told(self, effect: ClaimedEffect, provider: str, account: str, seen: ReportedShipment, case: Case) -> Attempt:
        """Record what a signed webhook said of a shipment: of a label that is known, or of one that the customer made
        in the portal. Where that cannot be told yet it waits; what went to the customer is nobody's."""
        portal, seen = self.portal(effect.shop, provider, account), seen.believed(case.time.now().latest)
        labels = known_labels(case.dossier, provider, account)
        caller = self.accounts.shipping(effect.shop, provider, account)
        learnt = Learnt() if isinstance(caller, Text) else what_can_be_asked(caller)
        answer = whose(labels, seen, learnt)
        while isinstance(answer, Ask):
            if isinstance(caller, Text):
                return Attempt(settled=postpone(effect, str(caller)))
            try:
                learnt = _asked(answer, caller, case, labels, seen, learnt)
            except ProviderError as error:
                return Attempt(settled=postpone(effect, str(error), error.not_before))
            answer = whose(labels, seen, learnt)
        if isinstance(answer, Wait):
            return _waits(effect, answer, seen, learnt, portal, case)

        def fact(draft: Draft) -> None:
            self._record(draft, case, portal, seen, learnt)

        return Attempt(settled=done(effect), fact=fact)

    def _record(self, draft: Draft, case: Case, portal: Portal, seen: ReportedShipment, learnt: Learnt) -> None:
        """Record it of the order as it is by now; raises `Outdated` where it is not known any more whose it is."""
        now = known_labels(draft.dossier, portal.provider, portal.account)
        answer = whose(now, seen, learnt)
        if isinstance(answer, Ask | Wait):
            raise Outdated
        if isinstance(answer, This):
            read = learnt.labels.get(answer.label_id) or learnt.named(seen)
            self.record_said_before(draft, case, portal, attrs.evolve(read, label_id=answer.label_id))
        record_shipment(draft, case.order, portal, seen, Evidence.WEBHOOK, learnt)

    def record_said_before(self, draft: Draft, case: Case, portal: Portal, read: ReportedShipment) -> None:
        """Record what webhooks said of the parcel of a label before it was known that it has it, as it was ``read``
        now: the earliest first. Each comes again by itself, and changes nothing then."""
        label = draft.dossier.labels.get(read.label_id)
        if label is None or label.parcel or label.tracking_number or not (read.parcel or read.tracking_number):
            return
        said = [one for one in self._said(case, portal) if not one.reference and same_parcel(one, read)]
        for one in sorted(said, key=lambda one: one.changed_at or _LAST):
            report(draft, draft.dossier.label(label.id), one, Evidence.WEBHOOK, portal.follows)

    def _said(self, case: Case, portal: Portal) -> Iterator[ReportedShipment]:
        """What webhooks of an account said of shipments of an order, and is not recorded yet."""
        for one in self.store.effects.waiting(case.shop, case.order_id, _SAID):
            with suppress(OrderUnreadable):  # it waits for a person, and costs no other
                said = read_effect(_Said, _SAID, case.order_id, one.id, one.body)
                if (said.provider, said.account) == (portal.provider, portal.account):
                    yield said.seen


def what_can_be_asked(caller: ShippingCaller) -> Learnt:
    """What a provider can be asked about the labels of an order."""
    able = caller.capabilities
    return Learnt(reads=able.fetch_shipment.usable, lists=able.list_shipments.usable)


def _asked(
    ask: Ask, caller: ShippingCaller, case: Case, labels: Sequence[Known], seen: ReportedShipment, learnt: Learnt
) -> Learnt:
    """What is known once that was asked. Raises `ProviderError`."""
    if ask.about is About.A_LABEL:
        read = _unless_unknown(lambda: read_label(case.dossier.label(ask.label_id), caller, case.order_id))
        return attrs.evolve(learnt, labels={**learnt.labels, ask.label_id: read})
    if ask.about is About.ITSELF:
        whose_it_says = {"order_id": seen.order_id, "label_id": seen.label_id}
        itself = _unless_unknown(
            lambda: as_reported_shipment(caller.fetch_shipment(seen.reference, "", **whose_it_says))
        )
        return attrs.evolve(learnt, itself=itself or seen)
    begun = [one.since for one in labels if one.nameless and one.since is not None]
    since = min(begun, default=case.time.now().earliest - KEPT) - MADE_BEFORE
    listed = [as_reported_shipment(one) for one in caller.list_shipments(case.order_id, since)]
    return attrs.evolve(learnt, listed=listed, when_listed=there(labels))


def there(labels: Sequence[Known]) -> frozenset[str]:
    """The ids of the labels that are known to be there."""
    return frozenset(one.id for one in labels if one.there)


def _unless_unknown(read: Callable[[], ReportedShipment]) -> ReportedShipment | None:
    """What is read; None where its provider has no such. Raises `ProviderError`."""
    try:
        return read()
    except ProviderError as error:
        if error.code is ErrorCode.UNKNOWN_SHIPMENT:
            return None
        raise


def _waits(
    effect: ClaimedEffect, wait: Wait, seen: ReportedShipment, learnt: Learnt, portal: Portal, case: Case
) -> Attempt:
    """What is said waits until it is known whose it is: a parcel that none of the labels gets went to the customer, and
    a number whose label never gets a parcel is found in the list of the order if anything comes of it. What was told of
    no time waits for as long as its label is new: when that gets a parcel, it is read what became of it."""
    at_the_account = [
        one.begun_at or one.ordered_at
        for one in case.dossier.labels.values()
        if (one.provider, one.account) == (portal.provider, portal.account)
    ]
    at = seen.changed_at or seen.made_at or max(at_the_account, default=None)
    is_long_ago = at is not None and case.time.now().earliest - at > KEPT
    if is_long_ago and (wait is Wait.FOR_A_PARCEL or not seen.reference):
        return Attempt(settled=done(effect))
    if wait is Wait.FOR_AN_ANSWER:
        return Attempt(settled=postpone(effect, "", _A_MOMENT))
    problem = "" if learnt.listed is None else str(reason(ReasonCode.WHICH_LABEL))
    return Attempt(settled=postpone(effect, problem))
