"""What goes on in the providers' dashboards: the merchant refunds there what he opened a link for, or what he tells
nobody about, and a colleague refunds just what somebody is about to refund himself."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs

from retour import Money

from .plan import Decision, Plan

BESIDE = "beside-"
"""How a question begins for a colleague who refunds what waits to be transferred; the transfer's id follows."""

PATIENCE = 3.0
"""Seconds that somebody waits for a colleague who is about to be faster."""


@attrs.frozen(kw_only=True)
class Dashboards:
    """The dashboards of all providers. ``asked`` is the folder in which processes ask for a colleague.

    ``made`` is what the provider calls the refund that was made there for a link, empty where it was not possible;
    ``unannounced`` is what is refunded there without one. ``beside`` is what the provider calls the refund that a
    colleague made there of the same money as a bank transfer that waited, by the transfer's id; ``earlier`` has the
    numbers of the decisions that a colleague was faster than.
    """

    sandboxes: Mapping[str, Any]
    plan: Plan
    asked: Path
    counts: Counter[str]
    unannounced: list[Decision]
    made: dict[str, str] = attrs.field(factory=dict)
    beside: dict[str, str] = attrs.field(factory=dict)
    earlier: set[str] = attrs.field(factory=set)

    def refund_unannounced(self) -> bool:
        """Refund something that nobody tells retour about; whether there was anything left of that."""
        if not self.unannounced:
            return False
        decision = self.unannounced.pop()
        payment = self.plan.payment(decision.order_id, decision.provider)
        self._refund(payment.provider, payment.reference, decision.amount, "refunds in a dashboard")
        return True

    def make_linked(self, row: Any) -> None:
        """Refund what somebody opened a link for, where enough is left there still."""
        payment = self.plan.payment(row.order_id, row.payment)
        self.made[row.refund_id] = self._refund(
            payment.provider, payment.reference, row.amount, "refunds in a dashboard"
        )

    def be_faster(self, number: str, order_id: str, payment_id: str, amount: Money) -> None:
        """A colleague refunds, once for the decision of each number, also where its merchant died and decides anew:
        nobody suggested what he does twice. What he typed into his banking app nobody could tell from the refund that
        it was for."""
        payment = self.plan.payment(order_id, payment_id)
        if payment.provider != "manual_transfer" and number not in self.earlier:
            self.earlier.add(number)
            self._refund(payment.provider, payment.reference, amount, "refunds by a colleague who was faster")

    def do_both(self, refund_id: str, order_id: str, payment_id: str, amount: Money) -> str:
        """A colleague refunds what waits to be transferred, once for each transfer."""
        if refund_id not in self.beside:
            payment = self.plan.payment(order_id, payment_id)
            self.beside[refund_id] = self._refund(
                payment.provider, payment.reference, amount, "refunds beside a transfer that waits"
            )
        return self.beside[refund_id]

    def answer_those_who_ask(self) -> None:
        """Be the colleague of everybody who asked for one. What is taken up is answered in any case."""
        for asked in self.asked.glob("*.asked"):
            taken = asked.with_suffix(".taken")
            with suppress(FileNotFoundError):  # he waits no longer
                asked.rename(taken)
                order_id, payment_id, minor = json.loads(taken.read_text())
                amount = Money(minor=minor, currency="EUR")
                if asked.stem.startswith(BESIDE):
                    self.do_both(asked.stem.removeprefix(BESIDE), order_id, payment_id, amount)
                else:
                    self.be_faster(asked.stem, order_id, payment_id, amount)
                taken.rename(asked.with_suffix(".done"))

    def _refund(self, provider: str, reference: str, amount: Money, what: str) -> str:
        try:
            made: str = self.sandboxes[provider].refund_in_dashboard(reference, amount)
        except ValueError:
            self.counts["not possible in a dashboard"] += 1
            return ""
        self.counts[what] += 1
        return made


def ask_a_colleague(asked: Path, name: str, order_id: str, payment_id: str, amount: Money) -> None:
    """Let a colleague refund the same in the dashboard, and wait until he has; he does so once for each ``name``. One
    who does not come in time does not come at all."""
    file, done = asked / f"{name}.asked", asked / f"{name}.done"
    if done.exists():
        return
    if not file.with_suffix(".taken").exists():
        draft = file.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps([order_id, payment_id, amount.minor]))
        draft.rename(file)
    ends = time.monotonic() + PATIENCE
    while not done.exists():
        if time.monotonic() > ends:
            with suppress(FileNotFoundError):  # it is taken up
                file.unlink()
                return
        time.sleep(0.01)
