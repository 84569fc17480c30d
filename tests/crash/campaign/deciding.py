"""How a merchant decides: in forms that outlive him, sometimes after a colleague, and as often as it takes."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from retour import (
    BankAccount,
    Consent,
    ConsentWay,
    InvalidAmount,
    NotPossibleNow,
    Outcome,
    RetourError,
    ReturnDesk,
    StoreError,
    UnknownPayment,
)

from .attending import ANNA, Attending
from .dashboards import ask_a_colleague
from .files import append, lines
from .forms import Form, Forms
from .plan import AT_ONCE, CANCEL, DASHBOARD, GOES_OUT, LINK, RETURN, SUGGESTION, Decision

if TYPE_CHECKING:
    from .people import World

MOST_TRIES = 4
"""How often a merchant tries what is not possible now, in all his lives; the campaign's end tries it again."""

Faster = Callable[[Decision, Form], object]
"""Lets a colleague refund the very same in the provider's dashboard, and returns when he has."""


@attrs.frozen(kw_only=True)
class Deciding:
    """Decides one thing. ``faster`` is asked before a decision that is ``beaten`` is made for the first time."""

    desk: ReturnDesk
    forms: Forms
    faster: Faster

    def decide(self, decision: Decision) -> str | None:
        """Do what was decided; gives the refund's id where there is one. Raises what the desk raises."""
        order_id = decision.order_id
        if decision.kind in (RETURN, SUGGESTION):
            back = {"cup": decision.units}
            self.desk.mark_returned(order_id, back, by=ANNA, request_id=decision.goods_request_id)
        if decision.kind in GOES_OUT:
            return self._refund(decision)
        if decision.kind == CANCEL:
            self._take_back(order_id)
        return None

    def _refund(self, decision: Decision) -> str | None:
        form = self.forms.of(decision)
        if form is None:
            form = self.forms.open(self.desk, decision)
            if form is None:
                return None
            if decision.beaten:
                self.faster(decision, form)
        try:
            made = self._send(decision, form)
        except StoreError:  # nobody knows whether it is saved: it stays the same form
            raise
        except RetourError:
            self.forms.drop(decision)
            raise
        return made.refund_id

    def _send(self, decision: Decision, form: Form) -> Outcome:
        """What is refunded by bank transfer can be in place of a refund that waits, or did not arrive."""
        order_id, request_id = decision.order_id, decision.request_id
        if decision.kind == LINK:
            return self.desk.open_refund_link(order_id, form.payment, form.amount, by=ANNA, request_id=request_id)
        if decision.kind == AT_ONCE:
            back = {"cup": decision.units}
            return self.desk.return_and_refund(
                order_id, form.payment, form.amount, back, by=ANNA, request_id=request_id
            )
        if not decision.to or form.payment.startswith("manual_transfer:"):
            return self.desk.refund(order_id, form.payment, form.amount, by=ANNA, request_id=request_id)
        return self.desk.refund(
            order_id,
            form.payment,
            form.amount,
            by=ANNA,
            request_id=request_id,
            instead_of=form.instead_of or None,
            to=BankAccount(name="J. Jansen", iban=decision.to),
            consent=Consent(how=ConsentWay.PHONE),
        )

    def _take_back(self, order_id: str) -> None:
        for refund in self.desk.dossier(order_id).refunds.values():
            taken_back = refund.state == "pending" and refund.instruction is not None and not refund.cancelling
            if taken_back or refund.state == "submitting":
                self.desk.cancel_refund(order_id, refund.id, by=ANNA)
                break


@attrs.frozen(kw_only=True)
class Merchant:
    """One life of a merchant: everything of his share is decided, however often he has to begin again.

    ``desk`` runs what it decides at once, ``leaving`` leaves it to the workers. ``complain`` is told of what the store
    could not do.
    """

    world: World
    number: int
    desk: ReturnDesk
    leaving: ReturnDesk
    chance: random.Random
    complain: Callable[[Exception], None]

    def sell(self) -> None:
        """Decide it all; what was refused is not tried again."""
        folder = self.world.folder
        shop = self.world.shop()
        forms = Forms(folder / f"forms-{self.number}", shop)
        attending = Attending(desk=self.desk, plan=self.world.plan, shop=shop, chance=self.chance)
        settled, tried = folder / f"decided-{self.number}", folder / f"tried-{self.number}"
        before = {json.loads(line)["decision"] for line in lines(settled)}
        tries = Counter(json.loads(line)["decision"] for line in lines(tried))
        inline, left = (
            Deciding(
                desk=desk,
                forms=forms,
                faster=lambda decision, form: ask_a_colleague(
                    folder / "colleagues", str(decision.number), decision.order_id, form.payment, form.amount
                ),
            )
            for desk in (self.desk, self.leaving)
        )
        todo = [
            one
            for one in self.world.plan.decisions
            if self.world.plan.merchant_of(one, self.world.merchants) == self.number
            and one.number not in before
            and one.kind != DASHBOARD
        ]
        while todo:
            later: list[Decision] = []
            for decision in (one for one in todo if tries[one.number] < MOST_TRIES):
                if self._must_wait(decision, later):
                    later.append(decision)
                    continue
                refund = None
                try:
                    refund = (inline if decision.inline else left).decide(decision)
                except InvalidAmount:
                    pass  # somebody refunded in the dashboard what this was to come from
                except StoreError as error:  # it is not saved, or perhaps it is: he presses again in the same form
                    self.complain(error)
                    later.append(decision)
                    time.sleep(0.05)
                    continue
                except RetourError as error:
                    if decision.kind != CANCEL:  # what cannot be taken back now is left as it is
                        append(tried, {"decision": decision.number})
                        tries[decision.number] += 1
                        later.append(decision)
                        self._tried(lambda decision=decision, error=error: self._see_to(attending, decision, error))  # type: ignore[misc]  # its own
                        time.sleep(0.05 * tries[decision.number])
                        continue
                append(settled, {"decision": decision.number, "refund": refund})
                if refund is not None and self.chance.random() < 0.02:  # a double click
                    self._tried(lambda decision=decision: inline.decide(decision))  # type: ignore[misc]  # its own
                if self.chance.random() < 0.05:
                    self._tried(lambda: self._attend_to_something(attending))
            todo = later

    def _must_wait(self, decision: Decision, later: list[Decision]) -> bool:
        """Whether a suggestion of the same order is still to be paid: the next is suggested when it is."""
        suggesting = decision.order_id in self.world.plan.suggesting
        return suggesting and decision.order_id in [one.order_id for one in later]

    def _see_to(self, attending: Attending, decision: Decision, error: RetourError) -> None:
        """Perhaps the shop has another name for a payment on which money went back: he says so, as he is asked to."""
        if isinstance(error, NotPossibleNow | UnknownPayment) and self.chance.random() < 0.5:
            for payment in self.desk.dossier(decision.order_id).vanished():
                self._tried(lambda payment=payment: attending.explain(decision.order_id, payment.id))  # type: ignore[misc]  # its own

    def _attend_to_something(self, attending: Attending) -> None:
        waiting = [
            item
            for item in self.desk.attention(limit=50).items
            if item.order_id and int(item.order_id) % self.world.merchants == self.number
        ]
        if waiting:
            attending.attend_to(self.chance.choice(waiting))

    def _tried(self, work: Callable[[], object]) -> None:
        try:
            work()
        except RetourError as error:
            self.complain(error)
