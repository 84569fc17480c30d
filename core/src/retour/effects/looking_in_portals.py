"""Looks for returns that a customer makes in a provider's portal, where no webhook tells of them."""

from __future__ import annotations

import datetime

import attrs

from retour.effects.attempt import Attempt, done, postpone
from retour.effects.labelling import WATCHED
from retour.effects.labels_read import as_reported_shipment
from retour.effects.shipment_words import ShipmentWords, there, what_can_be_asked
from retour.model.refunds import Evidence
from retour.model.text import Text
from retour.providers.errors import ProviderError
from retour.rules.draft import Draft
from retour.rules.portal_returns import record_listed
from retour.rules.whose_label import known_labels
from retour.shop import ShopCaller
from retour.steps.case import Case
from retour.store.effects import ClaimedEffect


def look_in_portal(
    effect: ClaimedEffect,
    provider: str,
    account: str,
    since: datetime.datetime,
    case: Case,
    words: ShipmentWords,
    shop: ShopCaller,
) -> Attempt:
    """Read which return shipments an order has at a provider ``since`` its customer was led to the portal there, and
    record what is news. The shop is asked for the order as it is now only where there are any."""
    if case.time.now().earliest - since > WATCHED:
        return Attempt(settled=done(effect))
    caller = words.accounts.shipping(case.shop, provider, account)
    if isinstance(caller, Text):
        return Attempt(settled=postpone(effect, str(caller)))
    if not caller.capabilities.list_shipments.usable:
        return Attempt(settled=done(effect))
    try:
        shipments = [as_reported_shipment(one) for one in caller.list_shipments(case.order_id, since)]
    except ProviderError as error:
        return Attempt(settled=postpone(effect, str(error), error.not_before))
    given = shop.order(case.order_id) if shipments else None
    order = given or case.dossier.order
    if not shipments or order is None:
        return Attempt(settled=postpone(effect, ""))
    portal = words.portal(case.shop, provider, account)
    when_listed = there(known_labels(case.dossier, provider, account))
    learnt = attrs.evolve(what_can_be_asked(caller), listed=shipments, when_listed=when_listed)

    def fact(draft: Draft) -> None:
        record_listed(draft, order, portal, Evidence.LOOKUP, learnt)

    return Attempt(settled=postpone(effect, ""), given=given, fact=fact)
