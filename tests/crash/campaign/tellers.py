"""Staff who pay by hand what goes back by bank transfer with the customer's consent, and say so: who reserves a
transfer, looks whether it is still to be made, pays it, and confirms it, and is killed between any two of these."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import attrs

from retour import Actor, RetourError, ReturnDesk

from .account import MerchantsAccount, PaidTransfer

TELLERS = 2
"""Two colleagues, who see the same list."""

GIVES_UP = 0.12
"""How often a transfer is cancelled that nobody has begun."""

A_COLLEAGUE_DOES_BOTH = 0.12
"""How often a colleague refunds the same in the provider's dashboard, while the transfer waits."""

DoesBoth = Callable[[Any], object]
"""A colleague refunds the amount of a waiting transfer in the dashboard, and nothing is done until he has."""


@attrs.frozen(kw_only=True)
class Teller:
    """One of them. ``perhaps`` is where he may die."""

    desk: ReturnDesk
    account: MerchantsAccount
    number: int
    chance: random.Random
    does_both: DoesBoth
    perhaps: Callable[[str], None]

    @property
    def name(self) -> str:
        """What he calls what he has begun: a batch of his own, so that no colleague pays it too."""
        return f"by-hand-{self.number}"

    @property
    def by(self) -> Actor:
        """Who he is."""
        return Actor.staff(f"teller-{self.number}")

    def see_to_all(self) -> None:
        """Go through all transfers that wait, and through all that came back. One that cannot be seen to now is seen to
        the next time."""
        for row in list(self._waiting()):
            try:
                self.see_to(row)
            except RetourError:
                continue
        for paid in self.account.transfers():
            if paid.came_back:
                self._reverse(paid)

    def see_to(self, row: Any) -> None:
        """Go on with a transfer where he, or he who died at this desk, left it. Raises what the desk raises."""
        paid = self.account.transfers(row.refund_id)
        if paid:  # also what came back already: that is said next
            self._confirm(row, paid[0])
        elif not row.batch and self.chance.random() < GIVES_UP:
            self.desk.cancel_refund(row.order_id, row.refund_id, by=self.by)
        else:
            self._make(row)

    def _waiting(self) -> list[Any]:
        rows, after = [], None
        while True:
            page = self.desk.list_refunds(waits_for=("transfer", "bank"), limit=500, after=after)
            rows += [row for row in page.refunds if row.batch in ("", self.name)]
            after = page.next
            if after is None:
                return [row for row in rows if not row.payment.startswith("manual_transfer:")]

    def _make(self, row: Any) -> None:
        """What a provider could not be asked about is not paid now; what is not to be paid any more is given up."""
        if not row.batch:
            self.desk.set_refund_batch(row.order_id, row.refund_id, self.name, by=self.by)
        if random.Random(row.refund_id).random() < A_COLLEAGUE_DOES_BOTH:  # whoever sees to it, after whatever
            self.does_both(row)
        if self.desk.reconcile(row.order_id).not_asked:
            return
        link = self.desk.refund_link(row.order_id, refund_id=row.refund_id)
        if link.transfer is None:
            self.desk.set_refund_batch(row.order_id, row.refund_id, "", by=self.by)
            self.desk.cancel_refund(row.order_id, row.refund_id, by=self.by)
            return
        self.perhaps("before a transfer is typed in")
        self.account.transfer(row.refund_id, row.amount, link.transfer.to)
        self.perhaps("after a transfer was typed in")
        self._confirm(row, self.account.transfers(row.refund_id)[-1])

    def _confirm(self, row: Any, paid: PaidTransfer) -> None:
        self.desk.confirm_refund(
            row.order_id,
            row.payment,
            row.amount,
            reference=paid.reference,
            refund_id=row.refund_id,
            by=self.by,
            request_id=f"paid {paid.reference}",
        )

    def _reverse(self, paid: PaidTransfer) -> None:
        for row in self.desk.list_refunds(refund_id=[paid.refund_id]).refunds:
            if row.state == "succeeded":
                try:
                    self.desk.reverse_refund(row.order_id, row.refund_id, reference=paid.came_back, by=self.by)
                except RetourError:
                    return
