"""Reconcile: what the providers' books say of an order's refunds, and what of it we did not know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from retour.desk.commands import Command, Commands
from retour.desk.services import Services
from retour.effects.reading import PartlyRead
from retour.model.actor import Actor
from retour.model.errors import ProviderUnavailable, WrongState
from retour.model.frozen import frozen
from retour.model.order import Order, Payment
from retour.model.outcome import NotAsked, Outcome
from retour.model.refunds import Refund
from retour.model.text import Text, text
from retour.providers.errors import ProviderError
from retour.rules.books import BooksRead, record_books
from retour.rules.draft import Draft
from retour.steps.case import Case


@frozen(kw_only=True)
class Books:
    """What providers' books say of payments, by the payment's id, and which they could not be asked about; one that was
    read in part is in both."""

    read: Mapping[str, BooksRead]
    not_asked: tuple[NotAsked, ...]


@frozen
class Reconciling:
    """The refunds of one shop, compared with its providers' books."""

    services: Services
    commands: Commands

    def everything(self, order_id: str) -> Outcome:
        """Read all refunds of an order's payments, and record what we did not know, also of the order itself."""
        case = self.commands.known(order_id)
        return self._record(case, self._books(_with_refunds(case)), sees_the_order=True)

    def record(self, case: Case, read: Mapping[str, BooksRead]) -> Outcome:
        """Record what was read already, by the payment's id, and what of it we did not know."""
        return self._record(case, Books(read=read, not_asked=()))

    def before_replacing(self, case: Case, refund_id: str) -> Outcome:
        """Record what the provider knows of the payment of a refund that is to be replaced: it may have been made.

        Raises `ProviderUnavailable` where that cannot be asked, and where it cannot be read in full; what was read is
        recorded all the same.
        """
        refund = case.dossier.refund(refund_id)
        self.check_can_be_looked_up(case, refund)
        payment = in_whose_books(case, refund.payment) or case.dossier.payment_of(case.order, refund.payment)
        books = self._books([payment])
        if books.not_asked and books.read:
            self._record(case, books)
        for unasked in books.not_asked:
            raise ProviderUnavailable(
                text(
                    "Order {order}: refund {refund} of {amount} on payment {payment} may have been made already: "
                    "{why}. Nothing was changed.",
                    order=case.order_id,
                    refund=refund.id,
                    amount=refund.amount,
                    payment=unasked.payment,
                    why=unasked.why,
                )
            )
        return self._record(case, books)

    def check_can_be_looked_up(self, case: Case, refund: Refund) -> None:
        """Raise `WrongState` where the provider cannot tell whether a person made a refund in its dashboard. Of a bank
        transfer he is the only one who knows."""
        payment = case.dossier.payment_of(case.order, refund.payment)
        provider = self.services.accounts.payment(
            self.commands.shop_id, payment.provider, payment.account, payment.mode
        )
        if refund.by_transfer or isinstance(provider, Text) or provider.capabilities.list_refunds.usable:
            return
        raise WrongState(
            text(
                "Order {order}: {provider} cannot tell whether refund {refund} of {amount} was made there. Look "
                "yourself, and confirm or cancel that refund first.",
                order=case.order_id,
                provider=provider.name,
                refund=refund.id,
                amount=refund.amount,
            )
        )

    def _books(self, payments: Iterable[Payment]) -> Books:
        read: dict[str, BooksRead] = {}
        not_asked: list[NotAsked] = []
        for payment in payments:
            try:
                found = self.services.refunding.books(self.commands.shop_id, payment)
            except PartlyRead as error:
                read[payment.id] = error.books
                found = error.reason.words if error.for_good else _not_now(payment, error)
            except ProviderError as error:
                found = _not_now(payment, error)
            if isinstance(found, Text):
                not_asked.append(NotAsked(payment=payment.id, why=found))
            else:
                read[payment.id] = found
        return Books(read=read, not_asked=tuple(not_asked))

    def _record(self, case: Case, books: Books, *, sees_the_order: bool = False) -> Outcome:
        def decide(draft: Draft, order: Order) -> None:
            for payment_id, read in books.read.items():
                now = next((payment for payment in order.payments if payment.id == payment_id), None)
                record_books(draft, now or draft.dossier.payments[payment_id], read)

        command = Command(
            order_id=case.order_id,
            by=Actor.system(),
            decide=decide,
            case=case,
            finishes=True,
            sees_the_order=sees_the_order,
        )
        return attrs.evolve(self.commands.run(command), not_asked=books.not_asked)


def _not_now(payment: Payment, error: ProviderError) -> Text:
    return text("{provider} cannot be asked now: {error}", provider=payment.provider, error=error.reason.words)


def _with_refunds(case: Case) -> list[Payment]:
    """The payments of an order as it is now, and those that left it with refunds on them or with money that a bank has,
    or that are another by a person's word, either way round: what is on its way there ends too."""
    asked = {payment.id: payment for payment in case.order.payments}
    dossier = case.dossier
    refunded = [refund.payment for refund in dossier.refunds.values()]
    for name in (*refunded, *dossier.charge_backs, *dossier.explained, *dossier.explained.values()):
        payment = in_whose_books(case, name)
        if payment is not None:
            asked.setdefault(payment.id, payment)
    return list(asked.values())


def in_whose_books(case: Case, name: str) -> Payment | None:
    """The payment in whose books something is that was recorded on ``name``, None where nobody saw it. What a person
    calls one payment can be two at their provider all the same, whichever of them the order has now."""
    return case.payment(case.dossier.same_there().get(name, name))
