"""The forms in which merchants decide about money: what stands in one stays the same until its fate is known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import attrs

from retour import Money, NotPossibleNow, Refund, RefundState, ReturnDesk

from .files import append, lines
from .plan import SUGGESTION, Decision
from .shop import PlannedShop


@attrs.frozen(kw_only=True)
class Form:
    """A payment, as the shop called it when the form was opened, and an amount in minor units; ``instead_of`` is the
    refund in whose place it is made, empty where it is in the place of none."""

    payment: str
    minor: int
    instead_of: str = ""

    @property
    def amount(self) -> Money:
        """What is refunded."""
        return Money(minor=self.minor, currency="EUR")


class Forms:
    """The forms of one merchant, in a file that outlives him.

    He presses again in the same form where he cannot know whether it was saved, and opens a new one where he was told
    that nothing was changed. ``fresh`` are those that he opened in this life.
    """

    def __init__(self, file: Path, shop: PlannedShop) -> None:
        self._file = file
        self._shop = shop
        self._open: dict[int, Form] = {}
        for line in lines(file):
            self._note(json.loads(line))

    def of(self, decision: Decision) -> Form | None:
        """The form of a decision, if it is open."""
        return self._open.get(decision.number)

    def open(self, desk: ReturnDesk, decision: Decision) -> Form | None:
        """Open one: on the payment as the shop calls it now, with what was decided or with what is suggested. None
        where nothing is suggested any more, since it went back already.

        Raises `NotPossibleNow` where nothing can be suggested before a person has said something, and what the desk
        raises.
        """
        if decision.kind == SUGGESTION:
            options = desk.refund_options(decision.order_id)
            payable = [option for option in options if option.suggested.minor]
            if not payable:
                for because in [option.because for option in options if option.because is not None]:
                    raise NotPossibleNow(because.words)
                return None
            form = Form(payment=payable[0].payment.id, minor=payable[0].suggested.minor)
        else:
            payments = [one for one in self._payments(decision) if one.partition(":")[0] == decision.provider]
            form = Form(payment=payments[0], minor=decision.minor)
            replaced = self._replaced(desk, decision)
            if replaced is not None:
                form = attrs.evolve(form, minor=replaced.amount.minor, instead_of=replaced.id)
        self._write({"decision": decision.number, **attrs.asdict(form)})
        return form

    def _replaced(self, desk: ReturnDesk, decision: Decision) -> Refund | None:
        """What is decided to go by bank transfer is in place of a refund that failed or came back, or of a link that
        nobody has followed yet, where there is one that nothing took the place of before."""
        if not decision.to:
            return None
        refunds = desk.dossier(decision.order_id).refunds.values()
        taken = {one.in_place_of for one in refunds}
        waits = [
            one
            for one in refunds
            if one.provider == decision.provider
            and one.id not in taken
            and one.state in (RefundState.FAILED, RefundState.REVERSED, RefundState.AWAITING_MERCHANT)
            and not one.by_transfer
        ]
        return waits[0] if waits else None

    def drop(self, decision: Decision) -> None:
        """Nothing came of it."""
        self._write({"decision": decision.number})

    def _payments(self, decision: Decision) -> list[str]:
        order = self._shop.order(decision.order_id)
        return [payment.id for payment in order.payments] if order is not None else []

    def _write(self, line: Mapping[str, object]) -> None:
        append(self._file, line)
        self._note(line)

    def _note(self, line: Mapping[str, object]) -> None:
        number, *rest = line.values()
        assert isinstance(number, int)
        if rest:
            self._open[number] = Form(
                payment=str(line["payment"]), minor=int(str(line["minor"])), instead_of=str(line["instead_of"])
            )
        else:
            self._open.pop(number, None)
