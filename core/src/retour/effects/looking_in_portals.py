"""Looks for returns that a customer makes in a provider's portal, where no webhook tells of them."""

from __future__ import annotations

import datetime

from retour.effects.attempt import Attempt, done, postpone
from retour.effects.labelling import WATCHED, Labelling, as_reported_shipment
from retour.model.refunds import Evidence
from retour.model.text import Text
from retour.providers.errors import ProviderError
from retour.rules.draft import Draft
from retour.rules.labels import recognized
from retour.rules.portal_returns import record_shipment
from retour.shop import ShopCaller
from retour.steps.case import Case
from retour.store.effects import ClaimedEffect


def look_in_portal(
    effect: ClaimedEffect,
    provider: str,
    account: str,
    since: datetime.datetime,
    case: Case,
    labelling: Labelling,
    shop: ShopCaller,
) -> Attempt:
    """Read which return shipments an order has at a provider ``since`` its customer was led to the portal there, and
    record what is news. The shop is asked for the order as it is now only where there are any."""
    if case.time.now().earliest - since > WATCHED:
        return Attempt(settled=done(effect))
    caller = labelling.accounts.shipping(case.shop, provider, account)
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
    portal = labelling.portal(case.shop, provider, account)

    def fact(draft: Draft) -> None:
        readable = set(draft.dossier.labels) if caller.capabilities.fetch_shipment.usable else set()
        for seen in recognized(draft.dossier, provider, account, shipments):
            record_shipment(draft, order, portal, seen, Evidence.LOOKUP, readable)

    return Attempt(settled=postpone(effect, ""), given=given, fact=fact)
