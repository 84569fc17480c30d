"""The partner that embeds retour and asks it twice: the order came back, and then what was paid is refunded.

``python -m benchmarks.whole_return.two_presses URL``
"""

from __future__ import annotations

import sys

from benchmarks.whole_return.partner import be_partner
from benchmarks.whole_return.retour_host import STAFF, RetourHost
from retour import Money, Outcome, connect


class TwoPresses(RetourHost):
    """A host whose merchant sees what came back before he refunds."""

    def press(self, order_id: str, payment: str, amount: Money) -> Outcome:
        """One after the other, and the order's status in a transaction of the host's."""
        with self.engine.begin() as connection:
            self.set_returned(order_id, connection)
        self.desk.mark_returned(order_id, by=STAFF)
        return self.desk.refund(order_id, payment, amount, by=STAFF, request_id=f"refund-{order_id}")


if __name__ == "__main__":
    be_partner(TwoPresses(connect(sys.argv[1])))
