"""The part of `ReturnDesk` that is about goods and stock: what is to come back, what came, and what was restocked."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from retour.desk.coming_back import ComingBack, CountingGoods, counted_before
from retour.desk.commands import Request
from retour.desk.shop_desk import ShopDesk
from retour.model.actor import Actor
from retour.model.evidence import EvidenceFile
from retour.model.order import Order
from retour.model.outcome import Outcome
from retour.model.returns import Counted, RequestedLine, RestockDecision, ReturnRequest
from retour.model.unseen import unseen
from retour.rules import counting, requests, stock
from retour.rules.counting import Arrival
from retour.rules.draft import Draft
from retour.rules.lines import LinesCounted, LinesToSend, given_lines

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class GoodsDesk(ShopDesk):
    """What customers and staff do about the goods of a shop's orders, and the merchant about its stock. No money moves
    by any of it."""

    def request_return(
        self,
        order_id: str,
        lines: LinesToSend,
        *,
        by: Actor,
        request_id: str,
        note: str | None = None,
        evidence: Sequence[EvidenceFile] = (),
        connection: Connection | Session | None = None,
    ) -> Outcome:
        """A customer (or staff for him) wants to send ``lines`` back: ``{"line-1": 1}``, or `RequestedLine` values with
        the code of one of the ``return_reasons`` each; ``evidence`` are files of yours, at most 50.

        Without objections of a `return_policy` it is approved at once; a refusal rejects what a customer asks.
        """
        note = unseen(note)

        given, files = given_lines(order_id, lines, RequestedLine), tuple(evidence)
        requests.check_evidence(order_id, len(files))

        def decide(draft: Draft, order: Order) -> None:
            asked = requests.requested_lines(draft.dossier, order, given)
            reasons = requests.chosen_reasons(order, asked, self._services.return_reasons(self.shop_id))
            return_id = draft.new_id("rt")
            request = ReturnRequest(return_id=return_id, lines=asked, files=len(files))
            objections = self._services.hooks.return_policy(order, request, self._commands.context(draft))
            requests.request(draft, order, return_id, asked, reasons, objections, files, note)

        arguments = ("request_return", given, note)  # as they were before there were files, where there are none
        request = Request.of(order_id, request_id, (*arguments, files) if files else arguments)
        return self._command(order_id, by, decide, request=request, connection=connection)

    def add_evidence(
        self,
        order_id: str,
        return_id: str,
        evidence: Sequence[EvidenceFile],
        *,
        by: Actor,
        request_id: str,
        note: str | None = None,
        connection: Connection | Session | None = None,
    ) -> Outcome:
        """Add files of yours to a return: the photo that staff asked for, or one of a parcel that arrived damaged."""
        note = unseen(note)
        files = tuple(evidence)

        def decide(draft: Draft, order: Order) -> None:
            requests.add_evidence(draft, order, return_id, files, note)

        request = Request.of(order_id, request_id, ("add_evidence", return_id, files, note))
        return self._command(order_id, by, decide, request=request, connection=connection, finishes=True)

    def evidence(self, order_id: str, return_id: str) -> Sequence[EvidenceFile]:
        """The files of a return that are still kept, the oldest first; who added which, and when, the timeline says."""
        from retour.rules.timeline import kept_evidence

        ids = self._commands.dossier(order_id).return_(return_id).evidence_ids
        return kept_evidence(self._services.store.notes(self.shop_id, order_id) if ids else {}, ids)

    def approve_return(
        self,
        order_id: str,
        return_id: str,
        *,
        by: Actor,
        request_id: str | None = None,
        send_by: datetime.date | None = None,
        instructions: str | None = None,
        note: str | None = None,
        connection: Connection | Session | None = None,
    ) -> Outcome:
        """Say that the goods may come back; after ``send_by`` (a day in the shop's zone) an unsent return expires. The
        customer reads the ``instructions`` on his timeline, and `on_return_approved` hands them to you for your mail.

        Against the objections of a `return_policy` it is an override, and the timeline says so to staff: who, and which
        objections. Approve again, until the goods are sent, for another day or other instructions: what you do not give
        stays as it is, and the same twice changes nothing.
        """
        note, instructions = unseen(note), unseen(instructions)

        def told(words_id: str) -> str:
            return self._services.store.notes(self.shop_id, order_id).get(words_id, "")

        def decide(draft: Draft, order: Order) -> None:
            requests.approve(
                draft,
                order,
                return_id,
                send_by=send_by,
                instructions=instructions,
                note=note,
                today=self._today(),
                told=told,
            )

        request = Request.if_given(order_id, request_id, ("approve_return", return_id, send_by, instructions, note))
        return self._command(
            order_id, by, decide, request=request, connection=connection, expects=lambda _: [return_id]
        )

    def reject_return(
        self,
        order_id: str,
        return_id: str,
        *,
        by: Actor,
        request_id: str | None = None,
        because: str,
        note: str | None = None,
        connection: Connection | Session | None = None,
    ) -> Outcome:
        """Say that the goods may not come back; the customer reads ``because``. Its units never count as returned."""
        note = unseen(note)

        def decide(draft: Draft, order: Order) -> None:
            requests.reject(draft, order, return_id, because, note)

        request = Request.if_given(order_id, request_id, ("reject_return", return_id, because, note))
        return self._command(order_id, by, decide, request=request, connection=connection, finishes=True)

    def mark_sent(
        self,
        order_id: str,
        return_id: str,
        *,
        by: Actor,
        request_id: str | None = None,
        tracking: str = "",
        carrier: str = "",
        sent_on: datetime.date | None = None,
        proof: EvidenceFile | None = None,
        note: str | None = None,
        connection: Connection | Session | None = None,
    ) -> Outcome:
        """The goods are on their way back, with a ``tracking`` number if there is one, by a ``carrier`` as the customer
        calls it: `tracking_page` knows where PostNL, DHL, DPD, bpost, UPS and GLS show a parcel. ``proof`` is a file of
        yours that shows that he sent it, ``sent_on`` the day; say it again to add what was not known. The same twice
        changes nothing."""
        note = unseen(note)
        sent = requests.Sent(tracking=tracking, carrier=carrier, on=sent_on, proof=proof)

        def decide(draft: Draft, order: Order) -> None:
            requests.send(draft, order, return_id, sent, note, today=self._today())

        request = Request.if_given(order_id, request_id, ("mark_sent", return_id, sent, note))
        return self._command(order_id, by, decide, request=request, connection=connection)

    def cancel_return(
        self,
        order_id: str,
        return_id: str,
        *,
        by: Actor,
        request_id: str | None = None,
        note: str | None = None,
        connection: Connection | Session | None = None,
    ) -> Outcome:
        """The goods will not come back. Possible until something of them was counted."""
        note = unseen(note)

        def decide(draft: Draft, order: Order) -> None:
            requests.cancel(draft, order, return_id, note)

        request = Request.if_given(order_id, request_id, ("cancel_return", return_id, note))
        return self._command(order_id, by, decide, request=request, connection=connection, finishes=True)

    def close_return(
        self,
        order_id: str,
        return_id: str,
        *,
        by: Actor,
        request_id: str | None = None,
        note: str | None = None,
        connection: Connection | Session | None = None,
    ) -> Outcome:
        """Expect nothing more: units that were announced and never counted can be in another return."""
        note = unseen(note)

        def decide(draft: Draft, order: Order) -> None:
            requests.close(draft, order, return_id, note)

        request = Request.if_given(order_id, request_id, ("close_return", return_id, note))
        return self._command(order_id, by, decide, request=request, connection=connection, finishes=True)

    def reopen_return(
        self,
        order_id: str,
        return_id: str,
        *,
        by: Actor,
        request_id: str | None = None,
        send_by: datetime.date | None = None,
        note: str | None = None,
        connection: Connection | Session | None = None,
    ) -> Outcome:
        """Let a return that was rejected or cancelled, that expired or was closed go on where it was. Its units must
        still be in no other return: else it raises `WrongState`, which names those that have them.

        A last day that has passed is none any more; ``send_by`` gives another. One that was rejected waits for
        ``approve_return`` then.
        """
        note = unseen(note)

        def decide(draft: Draft, order: Order) -> None:
            requests.reopen(draft, order, return_id, send_by, note, today=self._today())

        request = Request.if_given(order_id, request_id, ("reopen_return", return_id, send_by, note))
        return self._command(order_id, by, decide, request=request, connection=connection)

    def receive(
        self,
        order_id: str,
        return_id: str,
        lines: LinesCounted,
        *,
        by: Actor,
        request_id: str,
        more_than_requested: bool = False,
        parcel: str = "",
        note: str | None = None,
        connection: Connection | Session | None = None,
    ) -> Outcome:
        """Count one parcel of an announced return: ``{"line-1": 1}`` (sellable) or `Counted` values.

        More units than were announced are refused unless ``more_than_requested`` says that staff has seen them: staff
        alone says it, and the return and its timeline show it.

        ``parcel`` is what the parcel is called: its tracking number, or a name of yours. A parcel of this return that
        was counted before is refused with `WrongState`, however its number is typed: two people who count it at once
        count it once. Without one, two counts are two parcels.
        """
        note = unseen(note)

        given = given_lines(order_id, lines, Counted)

        def decide(draft: Draft, order: Order) -> None:
            if more_than_requested:
                counting.check_may_count_more(draft)
            counting.check_parcel(draft.dossier, parcel, self._services.zone, return_id=return_id)
            counts = counting.counted_lines(order, given)
            arrival = counting.arrival_on(
                draft.dossier,
                order,
                return_id,
                counts,
                draft.new_id,
                more_than_requested=more_than_requested,
            )
            self._counting.count(draft, order, [arrival], note, parcel)

        arguments: tuple[object, ...] = ("receive", return_id, given, more_than_requested, note)
        if parcel:
            arguments = (*arguments, parcel)
        request = Request.of(order_id, request_id, arguments)
        return self._command(order_id, by, decide, request=request, connection=connection)

    def mark_returned(
        self,
        order_id: str,
        lines: LinesCounted | None = None,
        *,
        by: Actor,
        request_id: str | None = None,
        parcel: str = "",
        note: str | None = None,
        connection: Connection | Session | None = None,
    ) -> Outcome:
        """The merchant set the order to Returned and saved.

        Without ``lines``: everything that was fulfilled and not counted yet came back, sellable. Saying it twice
        changes nothing. With ``lines`` (``{"line-1": 1}`` or `Counted` values): that part came back, and
        ``request_id`` is needed. Units that were announced count on their own returns, the rest on a new one.
        ``parcel`` is what the parcel is called, as in `receive`: one that was counted on this order before is refused.

        The outcome says whether the merchant has to answer about the stock. Money never moves.

        ``connection`` is the host's own, in a transaction (SQLAlchemy's ``Connection`` or ``Session``): order row and
        events commit together, and the host calls ``desk.run(outcome)`` after its commit. All commands of goods and
        stock take one.
        """
        note = unseen(note)
        counted = None if lines is None else given_lines(order_id, lines, Counted)
        back = ComingBack(lines=counted, parcel=parcel, note=note)

        def decide(draft: Draft, order: Order) -> None:
            self._counting.count(draft, order, self._counting.arrivals(draft, order, back), note, parcel)

        request = None
        if counted is not None or request_id is not None:
            request = Request.of(order_id, request_id, ("mark_returned", *back.arguments))
        return self._command(order_id, by, decide, request=request, connection=connection, expects=counted_before)

    def correct_receipt(
        self,
        order_id: str,
        receipt_id: str,
        lines: LinesCounted,
        *,
        by: Actor,
        request_id: str | None = None,
        note: str | None = None,
        connection: Connection | Session | None = None,
    ) -> Outcome:
        """A receipt was counted wrong: ``lines`` are the right counts (zero is allowed) of the lines that were wrong.

        Nothing is edited: a new event, and if more went back in stock than is there, a movement below zero.
        """
        note = unseen(note)

        given = given_lines(order_id, lines, Counted)

        def decide(draft: Draft, order: Order) -> None:
            counts = counting.counted_lines(order, given, zero_allowed=True)
            return_ = draft.dossier.return_of_receipt(receipt_id)
            changed = counting.changed_counts(draft.dossier, order, receipt_id, counts)
            if not changed:
                return
            arrival = Arrival(return_id=return_.id, receipt_id=receipt_id, lines=changed)
            returned = counting.returned(draft.dossier, order, arrival)
            policy = self._services.hooks.restock_policy(order, returned, self._commands.context(draft))
            counting.correct(draft, order, receipt_id, changed, note)
            stock.after_correction(draft, order, return_.id, policy)
            counting.end_if_nothing_came(draft, return_.id)

        request = Request.if_given(order_id, request_id, ("correct_receipt", receipt_id, given, note))
        return self._command(order_id, by, decide, request=request, connection=connection, finishes=True)

    def inspect_receipt(
        self,
        order_id: str,
        receipt_id: str,
        lines: LinesCounted,
        *,
        by: Actor,
        request_id: str,
        note: str | None = None,
        connection: Connection | Session | None = None,
    ) -> Outcome:
        """Units of a receipt that were counted ``to_inspect`` were looked at: ``lines`` are those units, as
        ``{"line-1": 1}`` (sellable) or `Counted` values with what they are: sellable, damaged, missing or wrong.

        What is sellable is asked about as newly received units are. Raises `InvalidQuantity` for more than the receipt
        has left to inspect; what was judged wrong is put right with `correct_receipt`.
        """
        note = unseen(note)

        given = given_lines(order_id, lines, Counted)

        def decide(draft: Draft, order: Order) -> None:
            found = counting.inspected_lines(draft.dossier, order, receipt_id, given)
            return_id = draft.dossier.return_of_receipt(receipt_id).id
            counting.inspect(draft, order, return_id, receipt_id, found, note)
            returned = counting.as_returned(order, return_id, receipt_id, found, draft.dossier.extent)
            policy = self._services.hooks.restock_policy(order, returned, self._commands.context(draft))
            stock.after_receipt(draft, order, return_id, policy)

        request = Request.of(order_id, request_id, ("inspect_receipt", receipt_id, given, note))
        return self._command(order_id, by, decide, request=request, connection=connection, finishes=True)

    # --- the stock track -----------------------------------------------------------------------------

    def answer_restock(
        self,
        order_id: str,
        return_id: str,
        decision: RestockDecision,
        *,
        by: Actor,
        request_id: str | None = None,
        connection: Connection | Session | None = None,
    ) -> Outcome:
        """The merchant's answer about the stock: ``RestockDecision.all()`` (OK), ``.by_hand()`` (Cancel), or
        ``.lines({"line-1": 1})``. The same answer twice changes nothing.

        ``connection`` is the host's own, as in `mark_returned`.
        """

        def decide(draft: Draft, order: Order) -> None:
            stock.answer(draft, order, return_id, decision)

        request = Request.if_given(order_id, request_id, ("answer_restock", return_id, decision))
        return self._command(
            order_id, by, decide, request=request, connection=connection, expects=lambda _: [return_id], finishes=True
        )

    @cached_property
    def _counting(self) -> CountingGoods:
        return CountingGoods(self._services, self._commands)
