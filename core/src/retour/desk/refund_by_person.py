"""What a person does about a refund himself: he goes to make it, made it, or says what became of it."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from retour.desk.commands import Command, Commands, Decide, Request
from retour.desk.reconcile import Reconciling
from retour.desk.refund_questions import RefundQuestions, being_sent
from retour.effects.providers_word import Word, word_on, word_while_pending
from retour.effects.reading import PartlyRead, can_be_read, read_books
from retour.effects.refunding import payment_of, request_of
from retour.model.actor import Actor
from retour.model.errors import InvalidAmount, WrongState
from retour.model.fields import typed_alike
from retour.model.frozen import frozen
from retour.model.money import Money
from retour.model.order import Order, Payment
from retour.model.outcome import Outcome
from retour.model.reasons import Reason, ReasonCode
from retour.model.refunds import Evidence, Refund, RefundSource, RefundState, Reported
from retour.model.text import Text, text
from retour.providers.errors import ProviderError
from retour.rules import refunds
from retour.rules.books import BooksRead, record_books
from retour.rules.closed_ways import refuse_not_now
from retour.rules.draft import Draft
from retour.rules.matching import report
from retour.steps.case import Case
from retour.store.commit import EffectTaken


@frozen
class RefundByPerson:
    """The refunds of one shop, as far as persons settle them.

    A refund that is unclear is settled by a person only while no worker is asking for it, who may send it again; with
    his word, what would have asked is done with.
    """

    commands: Commands
    questions: RefundQuestions
    reconciling: Reconciling

    def open_link(
        self,
        order_id: str,
        payment: str,
        amount: Money,
        by: Actor,
        request: Request,
        *,
        return_id: str | None,
        note: str | None,
    ) -> Outcome:
        """A person goes to refund by hand, at the provider or the bank. The provider's books are read before, where
        they can be: he does not refund what a colleague refunded a moment ago."""
        case = self.commands.read(order_id)
        before = self.commands.before(case, by, request)
        if before is not None:
            return before

        def opened(draft: Draft, order: Order) -> None:
            chosen = order.payment(payment)
            by_person = self.questions.services.accounts.by_person(chosen.provider)
            refunds.check_amount(draft.dossier, order, chosen, amount)
            lacks_consent = not by_person and self.questions.why_by_transfer(draft, chosen, amount) is not None
            by_transfer = by_person or lacks_consent
            refunds.open_link(
                draft,
                order,
                chosen,
                amount,
                return_id,
                note,
                by_transfer=by_transfer,
                lacks_consent=lacks_consent,
                step=1 if by_transfer else self.questions.step(draft.dossier, chosen),
            )

        self.questions.rehearse_refund(case, by, payment, opened)
        chosen = case.order.payment(payment)
        books = self._books(chosen)

        def decide(draft: Draft, order: Order) -> None:
            if books is not None:
                found = record_books(draft, order.payment(payment), books)
                if found is not None and found.code is not ReasonCode.NOT_EXPLAINED:
                    raise _gone_meanwhile(order, chosen, found)
            refuse_not_now(draft.dossier, order, order.payment(payment), amount)
            opened(draft, order)

        try:
            return self.commands.run(Command(order_id=order_id, by=by, decide=decide, request=request, case=case))
        except (InvalidAmount, WrongState):
            if books is not None:
                self.reconciling.record(case, {chosen.id: books})
            raise

    def _books(self, payment: Payment) -> BooksRead | None:
        """What the provider's books say of a payment, as far as they can be read now, None where they cannot. He sees
        them himself, then: the link leads there."""
        provider = self.questions.services.accounts.refunding(self.questions.shop_id, payment)
        if isinstance(provider, Text) or not can_be_read(provider):
            return None
        try:
            return read_books(provider, payment)[1]
        except PartlyRead as error:
            return error.books
        except ProviderError:
            return None

    def confirm(
        self,
        order_id: str,
        payment: str,
        amount: Money,
        by: Actor,
        request: Request,
        *,
        reference: str,
        refund_id: str | None,
        return_id: str | None,
        note: str | None,
    ) -> Outcome:
        """A person made a refund, and the provider or the bank calls it ``reference``."""
        case: Case | None = None
        if refund_id is not None:
            case = self.commands.known(order_id, by)
            before = self.commands.before(case, by, request)
            if before is not None:
                return before
            refund = case.dossier.refund(refund_id)
            if refund.state is RefundState.UNKNOWN or _is_ours_and_pending(refund):
                return self._confirm_in_place_of(case, refund, payment, amount, by, request, reference, return_id, note)

        def decide(draft: Draft, order: Order) -> None:
            refunds.confirm(
                draft, order, draft.dossier.payment_of(order, payment), amount, reference, return_id, note, refund_id
            )
            if refund_id is not None:
                draft.superseded.extend(self.questions.still_asking(draft.dossier, refund_id))

        return self._settled(order_id, refund_id or "", by, decide, request, case)

    def settle(
        self,
        order_id: str,
        refund_id: str,
        by: Actor,
        evidence: str,
        reference: str,
        *,
        happened: bool,
        request: Request | None,
    ) -> Outcome:
        """A person says what became of a refund that is unknown, or that its provider has, where its provider's word is
        not to be had."""
        case = self.commands.known(order_id, by)
        before = self.commands.before(case, by, request)
        if before is not None:
            return before

        def rehearsed(draft: Draft, order: Order) -> None:
            refunds.settle(draft, order, refund_id, evidence, reference, happened=happened)

        self.commands.rehearse(case, by, rehearsed)
        refund = case.dossier.refund(refund_id)
        word = self._word(case, refund, reference.strip())
        if _still_has_it(refund, word) and not refund.held_for_its_outcome:
            raise refunds.not_to_be_settled(case.dossier, refund)

        def decide(draft: Draft, order: Order) -> None:
            now = draft.dossier.refund(refund_id)
            if now != refund:
                rehearsed(draft, order)  # says what it is now, or that it was settled so already
                if draft.dossier.refund(refund_id) != now:
                    raise being_sent(draft.dossier, refund_id)
                return
            draft.superseded.extend(self._still_asking(draft, refund_id))
            if word.found is not None:
                report(draft, refund, word.found, Evidence.LOOKUP, word.matched)
            elif word.did_not_happen:
                refunds.did_not_happen(draft, refund.id)
            else:
                rehearsed(draft, order)

        return self._settled(order_id, refund_id, by, decide, request, case)

    def _confirm_in_place_of(
        self,
        case: Case,
        refund: Refund,
        payment: str,
        amount: Money,
        by: Actor,
        request: Request,
        reference: str,
        return_id: str | None,
        note: str | None,
    ) -> Outcome:
        """A person made by hand a refund that is unknown, or that its provider has and is not heard of. The provider is
        asked first: what it says is a fact of its own, beside the person's."""
        word = self._word(case, refund, reference.strip())
        if _still_has_it(refund, word):
            raise refunds.not_to_be_confirmed(case.dossier, refund)

        def decide(draft: Draft, order: Order) -> None:
            chosen = draft.dossier.payment_of(order, payment)
            refunds.check_fits(draft.dossier, refund, chosen, amount)
            if draft.dossier.refund(refund.id) != refund:
                raise being_sent(draft.dossier, refund.id)
            if word.found is not None:
                report(draft, refund, word.found, Evidence.LOOKUP, word.matched)
                if typed_alike(word.found.reference, reference):
                    return  # the person speaks of the same refund
            elif word.did_not_happen:
                refunds.did_not_happen(draft, refund.id)
            else:
                the_same = refund.reference != "" and typed_alike(reference, refund.reference)
                refunds.settle(draft, order, refund.id, note or reference, "", happened=the_same)
                if the_same:
                    return
            refunds.confirm_in_place_of(draft, order, refund, chosen, reference, return_id, note)

        def excluding_the_worker(draft: Draft, order: Order) -> None:
            decide(draft, order)
            draft.superseded.extend(self._still_asking(draft, refund.id))

        self.commands.rehearse(case, by, decide)
        return self._settled(case.order_id, refund.id, by, excluding_the_worker, request, case)

    def _word(self, case: Case, refund: Refund, reference: str) -> Word:
        """The provider's word on a refund, asked now. Raises `WrongState` while it can still come, and while a worker
        is asking for it."""
        self.questions.still_asking(case.dossier, refund.id)
        payment = payment_of(case, refund.payment)
        provider = self.questions.services.accounts.refunding(case.shop, payment)
        if refund.state is RefundState.PENDING:
            word = word_while_pending(refund, payment, provider)
        elif refund.state is RefundState.UNKNOWN and refund.instruction is not None:
            word = word_on(refund, provider, request_of(case.dossier, refund), case.time.now(), reference)
        else:
            return Word()
        if word.can_still_come:
            raise _can_still_say(case, refund, payment, word, self.questions.services.zone)
        return word

    def _still_asking(self, draft: Draft, refund_id: str) -> Sequence[str]:
        """The ids of all effects that ask about a refund, which a person's word ends."""
        asking = self.questions.still_asking(draft.dossier, refund_id)
        return [*asking, *self.questions.still_looking(draft.dossier.order_id, refund_id)]

    def match(self, order_id: str, refund_id: str, external_id: str, by: Actor, request: Request | None) -> Outcome:
        """A refund found at the provider is one of ours."""

        def decide(draft: Draft, _: Order) -> None:
            refunds.match(draft, refund_id, external_id)
            draft.superseded.extend(self.questions.still_asking(draft.dossier, refund_id))

        return self._settled(order_id, refund_id, by, decide, request)

    def _settled(
        self,
        order_id: str,
        refund_id: str,
        by: Actor,
        decide: Decide,
        request: Request | None,
        case: Case | None = None,
    ) -> Outcome:
        try:
            return self.commands.run(
                Command(order_id=order_id, by=by, decide=decide, request=request, case=case, finishes=True)
            )
        except EffectTaken:  # a worker was faster
            raise being_sent(self.commands.known(order_id, by).dossier, refund_id) from None


def _is_ours_and_pending(refund: Refund) -> bool:
    """Whether the provider has a refund in whose place a person can have made another: not what a colleague made."""
    return refund.state is RefundState.PENDING and refund.source is not RefundSource.EXTERNAL


def _still_has_it(refund: Refund, word: Word) -> bool:
    """Whether the provider says once more that it has a refund on its way."""
    pending = word.found is not None and word.found.status is Reported.PENDING
    return pending and refund.state is RefundState.PENDING


def _can_still_say(case: Case, refund: Refund, payment: Payment, word: Word, zone: datetime.tzinfo) -> WrongState:
    why = word.why.words if word.why is not None else ""
    if word.until is None:
        return WrongState(
            text(
                "Order {order}: what becomes of refund {refund} of {amount}, {provider} can still say: {why}. Where it "
                "is not heard of for 24 hours, you can settle it yourself. Nothing was changed.",
                order=case.order_id,
                refund=refund.id,
                amount=refund.amount,
                provider=payment.provider,
                why=why,
            )
        )
    return WrongState(
        text(
            "Order {order}: whether refund {refund} of {amount} was made, {provider} can still say: {why}. "
            "From {time} on you can settle it yourself. Nothing was changed.",
            order=case.order_id,
            refund=refund.id,
            amount=refund.amount,
            provider=payment.provider,
            why=why,
            time=word.until.astimezone(zone),
        )
    )


def _gone_meanwhile(order: Order, payment: Payment, found: Reason) -> WrongState:
    if found.code is ReasonCode.CHARGED_BACK_MEANWHILE:
        return WrongState(
            text("Order {order}: {why}. Look at what is left before you refund more.", order=order.id, why=found.words)
        )
    return WrongState(
        text(
            "Order {order}: money of payment {payment} went back at the provider meanwhile: {refunds}. Look at what is "
            "left before you refund more.",
            order=order.id,
            payment=payment.id,
            refunds=found.said,
        )
    )
