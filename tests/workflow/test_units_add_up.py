"""Announced, counted, judged, restocked and freed units add up, whatever comes in which order, on both databases.

So it is over the whole goods track, from the request to each of its ends and on from there, while labels are bought and
carriers carry. The books beside it are kept by the test: what each command that was done said of each receipt, what the
carrier sold, and nothing of what the product makes of it.
"""

from __future__ import annotations

import datetime
import itertools
import logging
import os
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from shipping.small_carrier import OPTION, Carrier, lost, plugin_of, signed_webhook
from shipping.world import BOX, HOME, SHOP, move_effects
from sqlalchemy import delete

from retour import (
    Actor,
    Counted,
    Dossier,
    LabelState,
    MemoryShop,
    Money,
    Objection,
    OrderStatus,
    ParcelState,
    RestockDecision,
    RetourError,
    ReturnDesk,
    WhatFollows,
    hookimpl,
)
from retour.model.labels import SCANNED, USUALLY_FOLLOWS, Told
from retour.model.returns import GoodsState, ReceivedReturn, Return
from retour.providers import ErrorCode, ProviderError
from retour.rules.left import account_of
from retour.store import tables
from retour.testing import a_line, an_order

ANNA, BUYER, SCANNER = Actor.staff("anna"), Actor.customer("c-17"), Actor.system("scanner")
FULFILLED = {"cup": 6, "pot": 3}
PRICE = {"cup": 1000, "pot": 2500}
FOUND = ("sellable", "damaged", "missing", "wrong", "to_inspect", "surplus")
EXAMPLES = int(os.environ.get("RETOUR_EXAMPLES", "10"))
"""How many random orders; ``make campaign`` tries many more."""


class Warehouse:
    """Answers about the stock as the test draws it, and keeps what it hears."""

    name = "warehouse"

    def __init__(self) -> None:
        self.answer = RestockDecision.all()
        self.objection: Objection | None = None
        self.received: list[ReceivedReturn] = []
        self.statuses: list[OrderStatus] = []

    @hookimpl
    def restock_policy(self) -> RestockDecision:
        return self.answer

    @hookimpl
    def return_policy(self) -> Objection | None:
        return self.objection

    @hookimpl
    def on_return_received(self, received: ReceivedReturn) -> None:
        self.received.append(received)

    @hookimpl
    def on_order_status_changed(self, status: OrderStatus) -> None:
        self.statuses.append(status)


def units(most: int) -> st.SearchStrategy[int]:
    return st.sampled_from([0, 0, 0, *range(1, most + 1)])


a_count = st.builds(
    Counted,
    line_id=st.sampled_from(list(FULFILLED)),
    sellable=units(3),
    damaged=units(1),
    missing=units(1),
    wrong=units(1),
    to_inspect=units(2),
    surplus=units(1),
)
counts = st.lists(a_count, min_size=1, max_size=2, unique_by=lambda one: one.line_id)
judged = st.builds(
    Counted,
    line_id=st.sampled_from(list(FULFILLED)),
    sellable=units(2),
    damaged=units(1),
    missing=units(1),
    wrong=units(1),
)


FREED = (GoodsState.REJECTED, GoodsState.CANCELLED, GoodsState.EXPIRED)
"""Ends of a return in which nothing of it comes."""

OBJECTIONS = [None, None, None, Objection.review("look"), Objection.refuse("no")]
MOVES = [one for one in ParcelState if one not in (ParcelState.NOT_SENT, ParcelState.CANCELLED, ParcelState.UNKNOWN)]
STEPS: list[dict[ParcelState, WhatFollows]] = [
    {},
    {},
    {ParcelState.ON_ITS_WAY: WhatFollows.NOTHING, ParcelState.DELIVERED: WhatFollows.ASK},
    {ParcelState.AT_PICKUP_POINT: WhatFollows.COUNT, ParcelState.LOST: WhatFollows.COUNT},
    {ParcelState.DELIVERED: WhatFollows.SENT, ParcelState.DELAYED: WhatFollows.SENT},
]
FAULTS: list[Callable[[], Exception] | None] = [
    None,
    None,
    None,
    lost,
    lambda: ProviderError(ErrorCode.CARRIER_REFUSED, "too wide"),
    lambda: ProviderError(ErrorCode.NOT_SENT, "not now"),
]


def there_is(what: str) -> Any:
    """A rule for where there is one of what a test keeps in its books."""
    return precondition(lambda self: bool(getattr(self, what, None)))


class Units(RuleBasedStateMachine):
    """Goods of one order on their way back: announced, decided about, sent, counted and ended by several people in any
    order, while time passes and a carrier moves their parcels."""

    url: str
    numbers = 0

    @initialize(
        answer=st.sampled_from([RestockDecision.all(), RestockDecision.ask(), RestockDecision.by_hand()]),
        steps=st.sampled_from(STEPS),
    )
    def open(self, answer: RestockDecision, steps: Mapping[ParcelState, WhatFollows]) -> None:
        Units.numbers += 1
        self.order_id = f"units-{id(self)}-{Units.numbers}"
        lines = [a_line(name, number, f"{PRICE[name] * number / 100:.2f}") for name, number in FULFILLED.items()]
        self.shop = MemoryShop([an_order(*lines, order_id=self.order_id)])
        self.warehouse = Warehouse()
        self.warehouse.answer = answer
        self.carrier, self.follows = Carrier(), {**USUALLY_FOLLOWS, **steps}
        self.now = datetime.datetime(2025, 11, 30, 12, tzinfo=datetime.UTC)
        self.desk = ReturnDesk(
            shop=self.shop,
            store=self.url,
            plugins=[self.warehouse, plugin_of(self.carrier)],
            return_address=SHOP,
            parcel_steps=steps,
            clock=lambda: self.now,
            migrate=True,
        )
        self.forms = 0
        self.announced: dict[str, dict[str, int]] = {}
        self.books: dict[str, dict[str, dict[str, int]]] = {}
        self.completed = 0

    def teardown(self) -> None:
        """What waits in the store, and what names labels, is of a carrier who is no more."""
        if hasattr(self, "desk"):
            with self.desk._services.store.engine.begin() as connection:
                for table in (tables.effect, tables.return_, tables.reference):
                    connection.execute(delete(table))
            self.desk.close()

    # --- what people do ------------------------------------------------------------------------------------

    @property
    def dossier(self) -> Dossier:
        return self.desk.dossier(self.order_id)

    def attempt(self, command: Callable[[str], Any]) -> Any:
        """What a command gives; None where it is refused, and then nothing has changed."""
        before = self.dossier
        self.forms += 1
        try:
            done = command(f"form-{self.forms}")
        except RetourError:
            assert self.dossier == before
            return None
        self.completed += sum(
            bool(one.requested) and one.goods is GoodsState.RECEIVED and self.was(before, one) is not one.goods
            for one in self.dossier.returns.values()
        )
        return done

    @staticmethod
    def was(before: Dossier, one: Return) -> GoodsState | None:
        return before.returns[one.id].goods if one.id in before.returns else None

    def pick(self, data: st.DataObject) -> Return | None:
        returns = list(self.dossier.returns.values())
        return data.draw(st.sampled_from(returns)) if returns else None

    def a_receipt(self, data: st.DataObject) -> str | None:
        return data.draw(st.sampled_from(list(self.books))) if self.books else None

    @rule(
        lines=st.dictionaries(st.sampled_from(list(FULFILLED)), st.integers(1, 3), min_size=1),
        objection=st.sampled_from(OBJECTIONS),
    )
    def announce(self, lines: dict[str, int], objection: Objection | None = None) -> None:
        self.warehouse.objection = objection
        asked = self.attempt(lambda form: self.desk.request_return(self.order_id, lines, by=BUYER, request_id=form))
        if asked:
            self.announced[asked.return_id] = lines

    def pick_among(self, data: st.DataObject, *states: GoodsState) -> Return | None:
        returns = [one for one in self.dossier.returns.values() if one.goods in states]
        return data.draw(st.sampled_from(returns)) if returns else None

    @there_is("announced")
    @rule(data=st.data(), days=st.none() | st.integers(0, 5))
    def approve(self, data: st.DataObject, days: int | None) -> None:
        """Or for another last day to send it."""
        chosen = self.pick_among(data, GoodsState.REQUESTED, GoodsState.APPROVED)
        if chosen is not None:
            until = None if days is None else self.now.date() + datetime.timedelta(days=days)
            assert self.attempt(lambda _: self.desk.approve_return(self.order_id, chosen.id, by=ANNA, send_by=until))
            assert self.dossier.returns[chosen.id].goods is GoodsState.APPROVED

    @there_is("announced")
    @rule(data=st.data())
    def reject(self, data: st.DataObject) -> None:
        chosen = self.pick_among(data, GoodsState.REQUESTED)
        if chosen is not None:
            assert self.attempt(lambda _: self.desk.reject_return(self.order_id, chosen.id, by=ANNA, because="no"))

    @there_is("announced")
    @rule(data=st.data())
    def send(self, data: st.DataObject) -> None:
        chosen = self.pick_among(data, GoodsState.APPROVED, GoodsState.IN_TRANSIT)
        if chosen is not None:
            assert self.attempt(lambda _: self.desk.mark_sent(self.order_id, chosen.id, by=BUYER, carrier="PostNL"))
            assert self.dossier.returns[chosen.id].goods is GoodsState.IN_TRANSIT

    @there_is("announced")
    @rule(days=st.integers(1, 6))
    def let_days_pass(self, days: int) -> None:
        """What is late expires, and nothing else; what was left to do is done, and carriers are asked."""
        before = self.dossier
        self.now += datetime.timedelta(days=days)
        move_effects(self.desk, datetime.timedelta(days=days))
        self.desk.work()
        for was in before.returns.values():
            now = self.dossier.returns[was.id].goods
            late = was.goods is GoodsState.APPROVED and was.send_by is not None and was.send_by < self.now.date()
            sent = was.goods is GoodsState.APPROVED and self.was_carried(was)
            can_be = {was.goods} - ({was.goods} if late else set())
            can_be |= ({GoodsState.EXPIRED} if late else set()) | ({GoodsState.IN_TRANSIT} if sent else set())
            can_be |= {was.goods} if late and self.a_carrier_had(was) else set()  # that can be seen before it is late
            assert now in can_be

    @there_is("announced")
    @rule(data=st.data())
    def reopen(self, data: st.DataObject) -> None:
        """A return that ended goes on where its units are still free, and nowhere else."""
        chosen = self.pick_among(data, *FREED, GoodsState.CLOSED)
        if chosen is None:
            return
        order, has = self.shop.orders[self.order_id], chosen.claimed()
        takes = {
            line_id: max(self.announced.get(chosen.id, {}).get(line_id, 0), self.counted(chosen, line_id))
            for line_id in FULFILLED
        }
        fits = all(
            units - has.get(line_id, 0) <= account_of(self.dossier, order, line_id).free
            for line_id, units in takes.items()
        )
        heard = self.completed
        done = self.attempt(lambda _: self.desk.reopen_return(self.order_id, chosen.id, by=ANNA))
        self.completed = heard  # nothing was counted by it
        assert bool(done) == (fits and any(takes.values()))
        if done:
            assert self.dossier.returns[chosen.id].open

    # --- what carriers do ----------------------------------------------------------------------------------

    @there_is("announced")
    @rule(
        data=st.data(), beside=st.booleans(), fault=st.sampled_from(FAULTS), how=st.sampled_from(["", "later", "lost"])
    )
    def order_a_label(self, data: st.DataObject, beside: bool, fault: Callable[[], Exception] | None, how: str) -> None:
        chosen = self.pick(data)
        if chosen is None:
            return
        self.carrier.announces, self.carrier.lost_answers = how == "later", int(how == "lost")
        self.carrier.faults.extend([fault] if fault is not None else [])
        self.attempt(
            lambda form: self.desk.order_label(
                self.order_id,
                chosen.id,
                OPTION,
                sender=HOME,
                parcel=BOX,
                by=BUYER,
                request_id=form,
                another_parcel=beside,
            )
        )
        self.carrier.announces, self.carrier.lost_answers = False, 0
        self.carrier.faults.clear()

    @rule(data=st.data())
    def cancel_a_label(self, data: st.DataObject) -> None:
        labels = list(self.dossier.labels.values())
        if labels:
            chosen = data.draw(st.sampled_from(labels))
            self.attempt(lambda _: self.desk.cancel_label(self.order_id, chosen.id, by=ANNA))

    @rule(data=st.data(), progress=st.sampled_from(MOVES), told=st.sampled_from([True, True, False]))
    def a_parcel_moves(self, data: st.DataObject, progress: ParcelState, told: bool) -> None:
        """It brings what the shop chose, and neither counts, restocks nor frees a unit. Who looks sees what no webhook
        tells."""
        known = {label.reference: label for label in self.dossier.labels.values() if label.reference}
        moving = [one for one in self.carrier.bought if one.reference in known and one.told in _USABLE]
        if not moving:
            return
        bought, before = data.draw(st.sampled_from(moving)), self.dossier
        bought.told, bought.progress = Told.READY, progress
        if not told:
            return
        self.forms += 1
        said = {"id": f"moved-{self.order_id}-{self.forms}", "told": "ready", "progress": progress.value}
        headers, body = signed_webhook({**said, "reference": bought.reference, "order_id": self.order_id})
        assert self.desk.receive_webhook("small_carrier", headers, body).kept == 1
        label = known[bought.reference]
        assert self.dossier.labels[label.id].progress is progress
        for was in before.returns.values():
            sent = (
                was.id == label.return_id
                and was.goods is GoodsState.APPROVED
                and label.progress is not progress
                and self.follows.get(progress) is WhatFollows.SENT
            )
            assert self.dossier.returns[was.id].goods is (GoodsState.IN_TRANSIT if sent else was.goods)

    @there_is("announced")
    @rule(data=st.data(), progress=st.sampled_from([ParcelState.ON_ITS_WAY, ParcelState.DELIVERED]))
    def a_label_is_used(self, data: st.DataObject, progress: ParcelState) -> None:
        """As it mostly goes."""
        self.order_a_label(data, beside=False, fault=None, how="")
        self.a_parcel_moves(data, progress, told=True)

    @rule(
        data=st.data(),
        lines=st.dictionaries(st.sampled_from(list(FULFILLED)), st.integers(1, 2), min_size=1),
        objection=st.sampled_from(OBJECTIONS),
        way=st.sampled_from(["label", "label", "sent", "not sent"]),
        progress=st.sampled_from(MOVES),
        end=st.sampled_from(["", "cancel", "reject", "late", "late"]),
        goes_on=st.booleans(),
    )
    def a_return_on_its_way(
        self,
        data: st.DataObject,
        lines: dict[str, int],
        objection: Objection | None,
        way: str,
        progress: ParcelState,
        end: str,
        goes_on: bool,
    ) -> None:
        """A way through all that is not counting, as it mostly goes."""
        self.announce(lines, objection)
        if end == "reject":
            self.reject(data)
        else:
            self.approve(data, 1 if end == "late" else None)
        if way == "label":
            self.order_a_label(data, beside=True, fault=None, how="")
            self.a_parcel_moves(data, progress, told=end != "late")
        elif way == "sent":
            self.send(data)
        if end == "late":
            self.let_days_pass(3)
        elif end == "cancel":
            self.end(data, "cancel_return")
        if goes_on:
            self.reopen(data)

    def a_carrier_had(self, one: Return) -> bool:
        """Whether a carrier has a parcel of a return, or lost it: then it does not expire."""
        labels = {label.id for label in self.dossier.labels_of(one.id)}
        return any(one.request.label_id in labels and one.progress in SCANNED for one in self.carrier.bought)

    def was_carried(self, one: Return) -> bool:
        """Whether a parcel of a return is where the shop takes it for sent."""
        labels = {label.id for label in self.dossier.labels_of(one.id)}
        return any(
            bought.request.label_id in labels and self.follows.get(bought.progress) is WhatFollows.SENT
            for bought in self.carrier.bought
        )

    # --- what is counted -----------------------------------------------------------------------------------

    @there_is("announced")
    @rule(data=st.data(), found=counts, more=st.booleans(), by=st.sampled_from([ANNA, SCANNER]), parcel=st.booleans())
    def count_a_parcel(self, data: st.DataObject, found: list[Counted], more: bool, by: Actor, parcel: bool) -> None:
        chosen = self.pick(data)
        if chosen is None:
            return
        known, counted_before = set(self.books), parcel and any(one.parcel == "A" for one in chosen.receipts.values())
        done = self.attempt(
            lambda form: self.desk.receive(
                self.order_id,
                chosen.id,
                found,
                by=by,
                request_id=form,
                more_than_requested=more,
                parcel="A" if parcel else "",
            )
        )
        if done:
            assert not counted_before
            assert not (more and by is SCANNER)
            self.enter(found, known)

    @there_is("announced")
    @rule(data=st.data(), kind=st.sampled_from(FOUND[:5]))
    def count_part_of_what_is_to_come(self, data: st.DataObject, kind: str) -> None:
        """As it mostly goes; hands that never know what was announced hardly ever complete a return."""
        waiting = [one for one in self.dossier.returns.values() if one.open and any(one.outstanding().values())]
        if not waiting:
            return
        chosen, known = data.draw(st.sampled_from(waiting)), set(self.books)
        most = {line_id: number for line_id, number in chosen.outstanding().items() if number}
        found = [
            Counted(line_id=line_id, **{kind: data.draw(st.integers(1, number))}) for line_id, number in most.items()
        ]
        assert self.attempt(
            lambda form: self.desk.receive(self.order_id, chosen.id, found, by=SCANNER, request_id=form)
        )
        self.enter(found, known)

    @there_is("books")
    @rule(data=st.data(), kind=st.sampled_from(FOUND[:4]))
    def inspect_what_waits(self, data: st.DataObject, kind: str) -> None:
        live = {receipt for one in self.dossier.returns.values() if one.live for receipt in one.receipts}
        waiting = [
            (receipt, line_id)
            for receipt, lines in self.books.items()
            for line_id, line in lines.items()
            if receipt in live and line["to_inspect"]
        ]
        if not waiting:
            return
        receipt, line_id = data.draw(st.sampled_from(waiting))
        line = self.books[receipt][line_id]
        number = data.draw(st.integers(1, line["to_inspect"]))
        found = [Counted(line_id=line_id, **{kind: number})]
        assert self.attempt(
            lambda form: self.desk.inspect_receipt(self.order_id, receipt, found, by=ANNA, request_id=form)
        )
        line[kind] += number
        line["to_inspect"] -= number

    @there_is("books")
    @rule(data=st.data())
    def close_what_was_counted(self, data: st.DataObject) -> None:
        states = (GoodsState.PARTLY_RECEIVED, GoodsState.RECEIVED)
        counted = [one for one in self.dossier.returns.values() if one.goods in states and not one.question_open]
        if counted:
            chosen = data.draw(st.sampled_from(counted))
            assert self.attempt(lambda _: self.desk.close_return(self.order_id, chosen.id, by=ANNA))
            self.completed += any(chosen.outstanding().values())

    @rule(
        data=st.data(),
        lines=st.dictionaries(st.sampled_from(list(FULFILLED)), st.integers(1, 3), min_size=1),
        kinds=st.lists(st.sampled_from([*FOUND[:5], "to_inspect"]), min_size=1, max_size=3),
        judged_as=st.none() | st.sampled_from(FOUND[:4]),
        closed=st.booleans(),
    )
    def a_whole_return(
        self, data: st.DataObject, lines: dict[str, int], kinds: list[str], judged_as: str | None, closed: bool
    ) -> None:
        """A return's whole way: a random story alone seldom gets far."""
        self.announce(lines)
        for kind in kinds:
            self.count_part_of_what_is_to_come(data, kind)
        if judged_as is not None:
            self.inspect_what_waits(data, judged_as)
        if closed:
            self.close_what_was_counted(data)

    @rule(found=st.none() | counts, really=st.sampled_from([False, False, True]))
    def set_returned(self, found: list[Counted] | None, really: bool) -> None:
        """Not often without lines: nothing is left to happen afterwards."""
        if found is None and not really:
            return
        known = set(self.books)
        left = {name: account_of(self.dossier, self.shop.orders[self.order_id], name) for name in FULFILLED}
        outcome = self.attempt(
            lambda form: self.desk.mark_returned(self.order_id, found, by=ANNA, request_id=form if found else None)
        )
        if outcome and outcome.changed:
            everything = [
                Counted(line_id=name, sellable=one.free + sum(one.announced.values())) for name, one in left.items()
            ]
            self.enter(found if found else everything, known)

    def enter(self, found: list[Counted], known: set[str]) -> None:
        """Enter a count in the books: on however many receipts it was put, together they are what was counted."""
        new = [
            receipt
            for one in self.dossier.returns.values()
            for receipt in one.receipts.values()
            if receipt.id not in known
        ]
        for count in found:
            for name in FOUND:
                put = sum(getattr(one.lines.get(count.line_id, Counted(line_id="x")), name) for one in new)
                assert put == getattr(count, name), (name, count, new)
        for receipt in new:
            self.books[receipt.id] = {line_id: as_found(count) for line_id, count in receipt.lines.items()}

    @there_is("books")
    @rule(data=st.data(), found=counts)
    def correct(self, data: st.DataObject, found: list[Counted]) -> None:
        receipt = self.a_receipt(data)
        if receipt is not None and self.attempt(
            lambda _: self.desk.correct_receipt(self.order_id, receipt, found, by=ANNA)
        ):
            self.books[receipt] |= {one.line_id: as_found(one) for one in found}

    @there_is("books")
    @rule(data=st.data(), found=judged)
    def inspect(self, data: st.DataObject, found: Counted) -> None:
        """Whatever somebody says that he found."""
        receipt = self.a_receipt(data)
        if receipt is not None and self.attempt(
            lambda form: self.desk.inspect_receipt(self.order_id, receipt, [found], by=ANNA, request_id=form)
        ):
            line = self.books[receipt][found.line_id]
            for name in FOUND:
                line[name] += getattr(found, name)
            line["to_inspect"] -= found.units
            assert line["to_inspect"] >= 0

    @there_is("announced")
    @rule(data=st.data(), step=st.sampled_from(["cancel_return", "close_return"]))
    def end(self, data: st.DataObject, step: str) -> None:
        chosen = self.pick(data)
        if chosen is None:
            return
        uncounted = any(chosen.outstanding().values())
        if self.attempt(lambda _: getattr(self.desk, step)(self.order_id, chosen.id, by=ANNA)):
            self.completed += step == "close_return" and uncounted

    @there_is("books")
    @rule(data=st.data(), answer=st.sampled_from([RestockDecision.all(), RestockDecision.by_hand()]))
    def answer(self, data: st.DataObject, answer: RestockDecision) -> None:
        chosen = self.pick(data)
        if chosen is not None:
            self.attempt(lambda _: self.desk.answer_restock(self.order_id, chosen.id, answer, by=ANNA))

    # --- what adds up --------------------------------------------------------------------------------------

    def counted(self, one: Return, line_id: str) -> int:
        """How many units of a line the product says were counted on a return."""
        counts = one.counted
        return counts[line_id].units if line_id in counts else 0

    def booked(self, line_id: str, *names: str) -> int:
        """What the books say of a line, over the receipts of live returns."""
        live = [receipt for one in self.dossier.returns.values() if one.live for receipt in one.receipts]
        return sum(self.books[receipt].get(line_id, {}).get(name, 0) for receipt in live for name in names)

    @precondition(lambda self: hasattr(self, "desk"))
    @invariant()
    def every_unit_is_in_one_place(self) -> None:
        order, dossier = self.shop.orders[self.order_id], self.dossier
        for line_id, fulfilled in FULFILLED.items():
            account = account_of(dossier, order, line_id)
            assert account.free >= 0
            together = [*account.back.values(), *account.away.values(), *account.announced.values(), account.free]
            assert sum(together) == fulfilled == account.fulfilled
            back = self.booked(line_id, "sellable", "damaged", "to_inspect")
            assert sum(account.back.values()) == dossier.came_back().get(line_id, 0) == back
            assert dossier.surplus().get(line_id, 0) == self.booked(line_id, "surplus")
            assert dossier.to_inspect().get(line_id, 0) == self.booked(line_id, "to_inspect")

    @precondition(lambda self: hasattr(self, "desk"))
    @invariant()
    def what_was_announced_stays_what_it_was_and_is_free_when_it_ends(self) -> None:
        for one in self.dossier.returns.values():
            assert one.requested == self.announced.get(one.id, {})
            if not one.live:
                assert one.claimed() == {}
            elif one.goods is GoodsState.CLOSED:
                assert one.claimed() == {line_id: count.units for line_id, count in one.counted.items()}
            if one.requested and one.live:
                beyond = {
                    line_id: count.units - one.requested.get(line_id, 0) for line_id, count in one.counted.items()
                }
                assert one.more_than_requested() == {line_id: n for line_id, n in beyond.items() if n > 0}

    @precondition(lambda self: hasattr(self, "desk"))
    @invariant()
    def what_is_free_is_what_no_live_return_announced_or_counted(self) -> None:
        order = self.shop.orders[self.order_id]
        for line_id, fulfilled in FULFILLED.items():
            taken = 0
            for one in self.dossier.returns.values():
                announced = 0 if one.goods is GoodsState.CLOSED else self.announced.get(one.id, {}).get(line_id, 0)
                taken += 0 if one.goods in FREED else max(announced, self.counted(one, line_id))
            assert account_of(self.dossier, order, line_id).free == fulfilled - taken

    @precondition(lambda self: hasattr(self, "desk"))
    @invariant()
    def each_label_was_bought_once_and_none_is_lost(self) -> None:
        bought = {one.request.label_id: one for one in self.carrier.bought}
        labels = self.dossier.labels
        assert len(bought) == len(self.carrier.bought)
        assert bought.keys() <= labels.keys()
        for label in labels.values():
            there = bought.get(label.id)
            if label.state in (LabelState.ORDERED, LabelState.REFUSED):
                assert there is None
            elif label.state is not LabelState.UNKNOWN:
                assert there is not None
                assert label.reference == there.reference
                assert (label.state is LabelState.CANCELLED) == (there.told is Told.CANCELLED)
        if not any(label.state is LabelState.UNKNOWN for label in labels.values()):
            paid = [one for one in labels.values() if one.cost and one.state is not LabelState.CANCELLED]
            assert self.carrier.spent() == sum([one.cost for one in paid], Money.zero("EUR"))

    @precondition(lambda self: hasattr(self, "desk"))
    @invariant()
    def what_was_delivered_waits_to_be_counted(self) -> None:
        dossier = self.dossier
        delivered = {label.return_id for label in dossier.labels.values() if label.follows is WhatFollows.COUNT}
        travels = (GoodsState.APPROVED, GoodsState.IN_TRANSIT)
        waiting = {one.id for one in dossier.returns.values() if one.goods in travels and one.id in delivered}
        listed = self.desk.list_returns(waits_for="counting", order_id=self.order_id).returns
        assert waiting <= {one.return_id for one in listed} <= delivered

    @precondition(lambda self: hasattr(self, "desk"))
    @invariant()
    def each_sellable_unit_is_restocked_once_or_listed_or_waits_and_no_other_is(self) -> None:
        order, in_stock = self.shop.orders[self.order_id], dict.fromkeys(FULFILLED, 0)
        for one in self.dossier.returns.values():
            waiting, moved = one.undecided(order), one.moved()
            for line_id in FULFILLED:
                sellable = sum(self.books[receipt].get(line_id, {}).get("sellable", 0) for receipt in one.receipts)
                listed = one.by_hand.get(line_id, 0)
                assert moved.get(line_id, 0) + listed + waiting.get(line_id, 0) == sellable
                in_stock[line_id] += moved.get(line_id, 0)
        assert {name: self.shop.stock.get(name, 0) for name in FULFILLED} == in_stock

    @precondition(lambda self: hasattr(self, "desk"))
    @invariant()
    def the_amount_follows_what_was_counted(self) -> None:
        option = self.desk.refund_options(self.order_id)[0]
        back = {line_id: self.booked(line_id, "sellable", "damaged", "to_inspect") for line_id in FULFILLED}
        owed = sum(PRICE[line_id] * number for line_id, number in back.items())
        assert option.suggested == Money(minor=owed, currency="EUR")
        assert option.to_inspect == {
            line_id: self.booked(line_id, "to_inspect") for line_id in FULFILLED if self.booked(line_id, "to_inspect")
        }

    @precondition(lambda self: hasattr(self, "desk"))
    @invariant()
    def plugins_heard_all_that_was_news_once(self) -> None:
        back = {line_id: self.booked(line_id, "sellable", "damaged", "to_inspect") for line_id in FULFILLED}
        status = OrderStatus.PARTLY_RETURNED if any(back.values()) else OrderStatus.NOT_RETURNED
        status = OrderStatus.RETURNED if back == FULFILLED else status
        assert self.dossier.order_status is status
        heard = [OrderStatus.NOT_RETURNED, *self.warehouse.statuses]
        assert heard[-1] is status
        assert all(one is not other for one, other in itertools.pairwise(heard))
        assert len(self.warehouse.received) == self.completed


_USABLE = (Told.ANNOUNCING, Told.READY)
"""Labels with which a parcel can go."""


def as_found(count: Counted) -> dict[str, int]:
    return {name: value for name, value in attrs.asdict(count).items() if name in FOUND}


@pytest.mark.long
def test_units_add_up_in_every_order_of_events(database: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "retour")
    machine = type("Units", (Units,), {"url": database})
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=EXAMPLES if database.startswith("sqlite") else EXAMPLES // 2,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
