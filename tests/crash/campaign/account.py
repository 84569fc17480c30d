"""The merchant's own bank account, from which staff transfer by hand: the bank's list of what it really paid.

No provider knows of it, and no process of a campaign has more of it than whoever looks at the statement.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from pathlib import Path

import attrs

from retour import BankAccount, Money

from .files import append, lines


@attrs.frozen(kw_only=True)
class PaidTransfer:
    """A transfer that the bank paid under its ``reference``, for the refund that was typed in with it; ``came_back``
    is the reference of the line by which the customer's bank sent it back, empty where it did not."""

    reference: str
    refund_id: str
    minor: int
    iban: str
    came_back: str = ""

    @property
    def amount(self) -> Money:
        """What was paid."""
        return Money(minor=self.minor, currency="EUR")


@attrs.frozen
class MerchantsAccount:
    """The account, in a file with a line for each thing that happened on it."""

    file: Path

    def transfer(self, refund_id: str, amount: Money, to: BankAccount) -> str:
        """Type in a transfer. Gives what the bank calls it; as every bank it pays what it is told to, also twice."""
        reference = f"H{secrets.token_hex(6)}"
        line = {"reference": reference, "refund_id": refund_id, "minor": amount.minor, "iban": to.compact_iban}
        append(self.file, line)
        return reference

    def send_back(self, paid: PaidTransfer) -> None:
        """The customer's bank sends the money back."""
        append(self.file, {"sent_back": paid.reference, "by": f"B{secrets.token_hex(6)}"})

    def transfers(self, refund_id: str | None = None) -> Sequence[PaidTransfer]:
        """All transfers so far, or those of one refund."""
        written = [json.loads(line) for line in lines(self.file)]
        back = {one["sent_back"]: one["by"] for one in written if "sent_back" in one}
        return [
            PaidTransfer(**one, came_back=back.get(one["reference"], ""))
            for one in written
            if "reference" in one and refund_id in (None, one["refund_id"])
        ]
