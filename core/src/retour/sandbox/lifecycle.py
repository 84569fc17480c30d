"""How a refund goes on by itself, as data: the provider's words for where it is, and how long each of them lasts."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

import attrs

from retour.model.refunds import Reported


@attrs.frozen(kw_only=True)
class Step:
    """One status in the life of a refund: it comes ``after`` this long in the one before it. ``reason`` is what the
    provider says of it, in its own words, where it gives reasons."""

    status: str
    """The provider's word."""

    after: datetime.timedelta = datetime.timedelta()
    reason: str = ""


@attrs.frozen(kw_only=True)
class Lifecycle:
    """The life of a refund at a provider.

    ``statuses`` are the provider's words, with what each means; one that is not there is pending. ``way`` is how a
    refund goes on by itself, from the status that it is made with. ``waits_for_balance`` is its status as long as the
    merchant's balance is too low, where the provider lets it wait. ``cancellable`` are the statuses in which a person
    can cancel it, all of them where it is None. ``refusal`` is the reason that is given for one that the bank refuses.
    """

    statuses: Mapping[str, Reported]
    way: Sequence[Step]
    waits_for_balance: str = ""
    cancellable: frozenset[str] | None = None
    refusal: str = ""

    def meaning(self, status: str) -> Reported:
        """What one of the provider's words means to us."""
        return self.statuses.get(status, Reported.PENDING)

    def word(self, meaning: Reported) -> str:
        """The provider's word for a meaning, the first of several. Raises `ValueError` where it has none."""
        for word, meant in self.statuses.items():
            if meant is meaning:
                return word
        raise ValueError(f"no refund of this provider is ever {meaning}")

    def counts(self, status: str) -> bool:
        """Whether a refund with this status takes from what is left of its payment."""
        return self.meaning(status) not in (Reported.FAILED, Reported.CANCELLED)
