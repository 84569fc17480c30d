"""The part of `ReturnDesk` that is about money: what can go back, how it goes, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from retour.desk.coming_back import ComingBack, CountingGoods
from retour.desk.commands import Request
from retour.desk.reconcile import Reconciling
from retour.desk.refund_by_api import RefundByApi, Wanted
from retour.desk.refund_questions import RefundQuestions
from retour.desk.shop_desk import ShopDesk
from retour.model.actor import Actor
from retour.model.destinations import Consent
from retour.model.fields import shown
from retour.model.money import Money
from retour.model.order import BankAccount, Order
from retour.model.outcome import Outcome
from retour.model.refunds import RefundLink, RefundOption
from retour.model.returns import Counted
from retour.model.unseen import unseen
from retour.rules import payment_identity, refunds
from retour.rules.draft import Draft
from retour.rules.lines import LinesCounted, given_lines

if TYPE_CHECKING:
    from retour.desk.links import Links
    from retour.desk.refund_by_person import RefundByPerson
    from retour.desk.refund_by_transfer import RefundByTransfer
    from retour.desk.refund_offers import RefundOffers


class RefundDesk(ShopDesk):
    """What a person does about the money of a shop's orders, which goes back on the payments that it came by: through
    their providers, by link, or by bank transfer."""

    def refund_options(self, order_id: str) -> Sequence[RefundOption]:
        """What can go back on each payment, how much we suggest for the goods that came back, and where to do it.

        Reads only: nothing is reserved and no money moves.
        """
        return self._offers.options(order_id)

    def refund_link(
        self,
        order_id: str,
        payment: str | None = None,
        amount: Money | None = None,
        *,
        refund_id: str | None = None,
        to: BankAccount | None = None,
    ) -> RefundLink:
        """Where a person goes to refund ``amount`` of one payment, named by its id or reference.

        Without ``amount``: what we suggest, or else all that is left. With ``refund_id`` alone: where to make that
        refund, which waits and has its amount reserved; before the account for a bank transfer is given, its provider's
        books are read, and what they say of the payment is recorded. ``to`` is the account for a bank transfer, where
        the order does not name its payer's. A payment whose plugin is missing or broken gets an answer too.
        """
        return self._offers.link(order_id, payment, amount, refund_id, to)

    def confirm_refund(
        self,
        order_id: str,
        payment: str,
        amount: Money,
        *,
        reference: str,
        by: Actor,
        request_id: str,
        refund_id: str | None = None,
        return_id: str | None = None,
        note: str | None = None,
    ) -> Outcome:
        """A person says: ``amount`` went back on this payment, and the provider or bank calls it ``reference``.

        It settles the refund called ``refund_id``, or the only one that waits on this payment with this amount;
        without one it is a refund that nobody announced.
        """
        note = unseen(note)
        arguments = ("confirm_refund", payment, shown(amount), reference, refund_id, return_id, note)
        return self._by_person.confirm(
            order_id,
            payment,
            amount,
            by,
            Request.of(order_id, request_id, arguments),
            reference=reference,
            refund_id=refund_id,
            return_id=return_id,
            note=note,
        )

    def refund(
        self,
        order_id: str,
        payment: str,
        amount: Money,
        *,
        by: Actor,
        request_id: str,
        return_id: str | None = None,
        instead_of: str | None = None,
        to: BankAccount | None = None,
        consent: Consent | None = None,
        note: str | None = None,
    ) -> Outcome:
        """Refund ``amount`` of one payment, once: through its provider's API, or ``to`` a bank account.

        What is known to be impossible is refused at once; then the provider is asked what it refunds and whether it
        can. The outcome says where the refund is then: succeeded only if the provider said so. One that only a person
        can make, by bank transfer, or that is too late for its provider, waits for the merchant:
        ``refund_link(order_id, refund_id=...)`` says how to make it.

        With ``to`` it goes to that account, of whatever provider's payment it is: it counts on the payment, waits for
        the merchant, who makes the transfer, and is sent nowhere by retour. ``consent`` is the customer's, to another
        way than he paid; without one it raises `ConsentMissing`, but for a payment by bank transfer that goes back to
        its payer's account.

        ``instead_of`` is a refund that waits for the merchant: its payment is reconciled first, and it is cancelled in
        the same step; with ``to`` it can also be one that failed or came back. Raises `ProviderUnavailable` where a
        provider cannot be asked now, about that payment or this one, and `WrongState` where this one cannot be refunded
        by API; give ``to`` and ``consent`` then, or use ``open_refund_link``.
        """
        note = unseen(note)
        arguments: tuple[object, ...] = ("refund", payment, shown(amount), return_id, instead_of, note)
        if to is not None or consent is not None:
            arguments = (*arguments, to, consent)
        request = Request.of(order_id, request_id, arguments)
        if to is not None or consent is not None:
            from retour.desk.refund_by_transfer import WantedTransfer

            transfer = WantedTransfer(
                payment=payment,
                amount=amount,
                to=to,
                consent=consent,
                return_id=return_id,
                instead_of=instead_of,
                note=note,
            )
            return self._by_transfer.refund(order_id, transfer, by, request)
        wanted = Wanted(payment=payment, amount=amount, return_id=return_id, instead_of=instead_of, note=note)
        return self._by_api.refund(order_id, wanted, by, request)

    def open_refund_link(
        self,
        order_id: str,
        payment: str,
        amount: Money,
        *,
        by: Actor,
        request_id: str,
        return_id: str | None = None,
        note: str | None = None,
    ) -> Outcome:
        """A person goes to refund ``amount`` by hand, at the provider or the bank: the amount is reserved until the
        refund is found there, confirmed, or cancelled. Where to go says ``refund_link(order_id, refund_id=...)``."""
        note = unseen(note)
        arguments = ("open_refund_link", payment, shown(amount), return_id, note)
        request = Request.of(order_id, request_id, arguments)
        return self._by_person.open_link(order_id, payment, amount, by, request, return_id=return_id, note=note)

    def reverse_refund(
        self,
        order_id: str,
        refund_id: str,
        *,
        reference: str,
        by: Actor,
        request_id: str | None = None,
        note: str | None = None,
    ) -> Outcome:
        """A person says: the money of a refund that was confirmed by hand came back, as a bank sends back a transfer
        to an account that was closed; ``reference`` is what the bank calls that line. The amount can be refunded again.

        The same twice changes nothing. Raises `WrongState` for a refund that was not confirmed by hand: what a
        provider said of one only the provider can take back.
        """
        note = unseen(note)

        def decide(draft: Draft, order: Order) -> None:
            refunds.reverse(draft, order, refund_id, reference, note)

        request = Request.if_given(order_id, request_id, ("reverse_refund", refund_id, reference, note))
        return self._command(order_id, by, decide, request=request, finishes=True)

    def cancel_refund(
        self, order_id: str, refund_id: str, *, by: Actor, request_id: str | None = None, note: str | None = None
    ) -> Outcome:
        """Give up a refund that waits for a person or for its next try, or ask the provider to take back one that it
        has pending.

        The outcome says which: cancelled, or still pending with ``cancelling`` until the provider has answered. Raises
        `WrongState` where the money is gone, or on its way with a provider that takes nothing back.
        """
        note = unseen(note)
        request = Request.if_given(order_id, request_id, ("cancel_refund", refund_id, note))
        return self._by_api.cancel(order_id, refund_id, by, note, request)

    def set_refund_batch(
        self, order_id: str, refund_id: str, batch: str, *, by: Actor, request_id: str | None = None
    ) -> Outcome:
        """A refund by bank transfer is in the file for the bank called ``batch`` (`is_batch_name`); an empty name
        takes it out again. The same twice changes nothing; a refund that is in one batch is refused for another.

        The provider's books are read before it goes in. Raises `WrongState` where it must not be transferred as things
        are now, and `ProviderUnavailable` where nobody can be asked.
        """
        request = Request.if_given(order_id, request_id, ("set_refund_batch", refund_id, batch))
        return self._by_transfer.hand_over(order_id, refund_id, batch, by, request)

    def retry_refund(self, order_id: str, refund_id: str, *, by: Actor, request_id: str | None = None) -> Outcome:
        """Let a refund that waits for a person go on: with its own key, and after asking the provider where a try of
        it may have happened."""
        request = Request.if_given(order_id, request_id, ("retry_refund", refund_id))
        return self._by_api.retry(order_id, refund_id, by, request)

    def settle_refund(
        self,
        order_id: str,
        refund_id: str,
        *,
        happened: bool,
        evidence: str,
        by: Actor,
        request_id: str | None = None,
        reference: str = "",
    ) -> Outcome:
        """A person says of a refund that is unknown, or that its provider has pending, that it ``happened``, with the
        provider's ``reference`` of it where that is not known, or that it did not; ``evidence`` is how he knows, kept
        as a note. What did not happen is failed by his word, and the money can be refunded anew, under another key.

        The provider is asked first, and where it says what became of the refund, that is recorded instead. His word
        counts where the provider's is not to be had: nothing heard for 24 hours, a plugin that is off, or a provider
        that recognises the request no more and cannot look it up in full. Until then it raises `WrongState`, which says
        from when on. If the provider reports the refund after all, both are kept, and what passes is paid twice.
        The same twice changes nothing.
        """
        request = Request.if_given(order_id, request_id, ("settle_refund", refund_id, happened, evidence, reference))
        return self._by_person.settle(
            order_id, refund_id, by, unseen(evidence), reference, happened=happened, request=request
        )

    def match_refund(
        self, order_id: str, refund_id: str, external_id: str, *, by: Actor, request_id: str | None = None
    ) -> Outcome:
        """Say that a refund found at the provider is one of ours, so that it counts once."""
        request = Request.if_given(order_id, request_id, ("match_refund", refund_id, external_id))
        return self._by_person.match(order_id, refund_id, external_id, by, request)

    def explain_payment(
        self,
        order_id: str,
        payment: str,
        *,
        became: str | None,
        by: Actor,
        request_id: str | None = None,
        note: str | None = None,
    ) -> Outcome:
        """A person says what became of a ``payment`` that is not on the order any more, and on which money went back:
        it is the payment ``became`` of the order now, or with None none of these and no part of the order any more.
        What went back on it keeps counting in what is suggested, since the customer has it.

        Until then nothing new is suggested or decided on the order. A payment that the provider itself knows by both
        names needs no explanation. The last word counts; the same twice changes nothing. Raises `UnknownPayment`, and
        `WrongState` for a payment that the order still has.
        """
        note = unseen(note)

        def decide(draft: Draft, order: Order) -> None:
            payment_identity.explain(draft, order, payment, became, note)

        request = Request.if_given(order_id, request_id, ("explain_payment", payment, became, note))
        return self._command(order_id, by, decide, request=request, finishes=True)

    def reconcile(self, order_id: str) -> Outcome:
        """Read all refunds of the order's payments at their providers, and record what we did not know.

        A refund that the merchant made in a dashboard closes the one that waited for it; one that nobody asked for
        appears as external and lowers what is left. Payments that could not be asked about are in the outcome's
        ``not_asked``, each with the reason; what the providers of the others said is recorded all the same.
        """
        return self._reconciling.everything(order_id)

    def return_and_refund(
        self,
        order_id: str,
        payment: str,
        amount: Money,
        lines: LinesCounted | None = None,
        *,
        by: Actor,
        request_id: str,
        parcel: str = "",
        note: str | None = None,
        also: Callable[[Connection], object] | None = None,
    ) -> Outcome:
        """The goods came back and ``amount`` of one payment goes back, by one press.

        It is what `mark_returned` counts and what `refund` decides through the provider's API, in one commit: both are
        there, or neither is. So it costs one reading of the order and one commit less than one after the other. The
        refund belongs to the return on which the goods were counted, where that is one. Where they were counted before,
        it is a refund alone.

        ``also`` writes what the host has to in the same transaction, on a connection of the desk's database: the
        order's status, say. It is called before anything of ours is written, perhaps more than once, neither commits
        nor rolls back, and what it raises is raised, with nothing written. The provider is asked after the commit.

        Raises what either of them raises. A refund that cannot be made by API, or not now, is no reason to leave the
        goods uncounted: use `mark_returned` for those then, and `open_refund_link` or `refund` for the money.
        """
        note = unseen(note)
        counted = None if lines is None else given_lines(order_id, lines, Counted)
        back = ComingBack(lines=counted, parcel=parcel, note=note)
        request = Request.of(order_id, request_id, ("return_and_refund", payment, shown(amount), *back.arguments))
        wanted = Wanted(payment=payment, amount=amount, goods=back, also=also)
        return self._by_api.refund(order_id, wanted, by, request)

    @cached_property
    def _links(self) -> Links:
        from retour.desk import links

        return links.Links(self._services, self.shop_id)

    @cached_property
    def _reconciling(self) -> Reconciling:
        return Reconciling(self._services, self._commands)

    @cached_property
    def _questions(self) -> RefundQuestions:
        return RefundQuestions(self._services, self._commands, self._reconciling)

    @cached_property
    def _by_person(self) -> RefundByPerson:
        from retour.desk import refund_by_person

        return refund_by_person.RefundByPerson(self._commands, self._questions, self._reconciling)

    @cached_property
    def _by_api(self) -> RefundByApi:
        counting = CountingGoods(self._services, self._commands)
        return RefundByApi(self._commands, self._questions, self._reconciling, counting)

    @cached_property
    def _by_transfer(self) -> RefundByTransfer:
        from retour.desk import refund_by_transfer

        return refund_by_transfer.RefundByTransfer(self._commands, self._questions, self._reconciling)

    @cached_property
    def _offers(self) -> RefundOffers:
        from retour.desk import refund_offers

        return refund_offers.RefundOffers(
            self._services, self._commands, self._links, self._questions, self._by_transfer
        )
