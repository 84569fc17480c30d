"""How a refund goes on by itself, as data: the provider's words for where it is, and how long each of them lasts."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

import attrs

from retour.model.refunds import REFUND_WORDS, RefundState, Reported
from retour.model.text import Text, text
from retour.sandbox.not_possible import NotPossible


@attrs.frozen(kw_only=True)
class Step:
    """One status in the life of a refund."""

    status: str
    """The provider's word."""

    after: datetime.timedelta = datetime.timedelta()
    """How long it takes from the status before it; nothing for one that comes at once."""

    reason: str = ""
    """What the provider says of it, in its own words; empty where it gives none."""


@attrs.frozen(kw_only=True)
class Lifecycle:
    """The life of a refund at a provider."""

    statuses: Mapping[str, Reported]
    """The provider's words, with what each means; one that is not there is pending."""

    way: Sequence[Step]
    """How a refund goes on by itself, from the status that it is made with."""

    waits_for_balance: str = ""
    """Its status as long as the merchant's balance is too low; empty where the provider lets none wait."""

    cancellable: frozenset[str] | None = None
    """The statuses in which a person can cancel it; None for all of them."""

    refusal: str = ""
    """The reason that is given for one that the bank refuses."""

    def meaning(self, status: str) -> Reported:
        """What one of the provider's words means to us."""
        return self.statuses.get(status, Reported.PENDING)

    def in_words(self, status: str) -> Text:
        """What one of the provider's words means, as people read it."""
        return REFUND_WORDS[RefundState(self.meaning(status).value)]

    def word(self, meaning: Reported) -> str:
        """The provider's word for a meaning, the first of several. Raises `ValueError` where it has none."""
        for word, meant in self.statuses.items():
            if meant is meaning:
                return word
        raise NotPossible(_NEVER[meaning])

    def counts(self, status: str) -> bool:
        """Whether a refund with this status takes from what is left of its payment."""
        return self.meaning(status) not in (Reported.FAILED, Reported.CANCELLED)


_NEVER = {
    Reported.PENDING: text("No refund of this provider is ever pending."),
    Reported.SUCCEEDED: text("No refund of this provider ever succeeds."),
    Reported.FAILED: text("No refund of this provider ever fails."),
    Reported.CANCELLED: text("No refund of this provider is ever cancelled."),
}
