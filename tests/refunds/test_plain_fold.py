"""The second fold and the product's agree on a refund of which nobody can tell what became of it."""

from __future__ import annotations

import datetime
from typing import Any

from retour.providers import ErrorCode, ProviderError, Support


def test_an_unknown_refund_that_waits_for_a_person_is_unknown_to_both(world: Any, plain_fold: Any) -> None:
    world.open(find_refund=Support.PROVIDER_CANNOT)
    world.ledger.after = [ProviderError(ErrorCode.OUTCOME_UNKNOWN, "no answer")]
    refund_id = world.refund().refund_id
    world.later(datetime.timedelta(hours=2))  # past the time in which the same request would be recognised
    (refund,) = world.refunds
    assert (refund.state, refund.needs_person) == ("unknown", True)
    told = plain_fold.plain_fold(plain_fold.stored_events(world.desk._services.store.engine, "1001"))
    assert told == plain_fold.plain_dossier(world.desk.dossier("1001"))
    assert told["refunds"][refund_id]["state"] == "unknown"
