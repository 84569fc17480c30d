"""What a person says of a refund: that he made it, or that the provider's is this one."""

from __future__ import annotations

import attrs

from retour.desk.commands import Command, Commands, Decide, Request
from retour.desk.refund_questions import RefundQuestions, being_sent
from retour.model.actor import Actor
from retour.model.money import Money
from retour.model.order import Order
from retour.model.outcome import Outcome
from retour.rules import refunds
from retour.rules.draft import Draft
from retour.store.commit import EffectTaken


@attrs.frozen
class RefundByPerson:
    """The refunds of one shop, as far as persons settle them.

    A refund that is unclear is settled by a person only while no worker is asking for it, who may send it again; with
    his word, what would have asked is done with.
    """

    commands: Commands
    questions: RefundQuestions

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

        def decide(draft: Draft, order: Order) -> None:
            refunds.confirm(draft, order, order.payment(payment), amount, reference, return_id, note, refund_id)
            if refund_id is not None:
                draft.superseded.extend(self.questions.still_asking(draft.dossier, refund_id))

        return self._settled(order_id, refund_id or "", by, decide, request)

    def match(self, order_id: str, refund_id: str, external_id: str, by: Actor) -> Outcome:
        """A refund found at the provider is one of ours."""

        def decide(draft: Draft, _: Order) -> None:
            refunds.match(draft, refund_id, external_id)
            draft.superseded.extend(self.questions.still_asking(draft.dossier, refund_id))

        return self._settled(order_id, refund_id, by, decide, None)

    def _settled(self, order_id: str, refund_id: str, by: Actor, decide: Decide, request: Request | None) -> Outcome:
        try:
            return self.commands.run(Command(order_id=order_id, by=by, decide=decide, request=request))
        except EffectTaken:  # a worker was faster
            raise being_sent(self.commands.read(order_id).dossier, refund_id) from None
