"""Where a person goes: refund links for payments, and ways to send goods back."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from retour.desk.services import Services
from retour.model.destinations import account_of_words
from retour.model.dossier import Dossier
from retour.model.errors import RetourError, WrongState
from retour.model.frozen import frozen
from retour.model.money import Money
from retour.model.order import BankAccount, Order, Payment
from retour.model.parcels import Address
from retour.model.reasons import Reason
from retour.model.refunds import LinkKind, LinkRequest, Refund, RefundLink
from retour.model.shipping import ShippingOption, ShippingWay
from retour.model.text import Text, text
from retour.plugins.context import HookContext
from retour.plugins.providers import PaymentCaller
from retour.plugins.shipping import ShippingCaller
from retour.providers.errors import ProviderError
from retour.rules.closed_ways import why_not_now
from retour.rules.transfers import instead_of_transferring, is_another_way, why_by_transfer, why_not_transferred
from retour.steps.case import Case

log = logging.getLogger("retour.desk")


@frozen
class Links:
    """The links of one shop's orders."""

    services: Services
    shop_id: str

    def refund_link(
        self, case: Case, dossier: Dossier, payment: Payment, amount: Money, to: BankAccount | None, ctx: HookContext
    ) -> RefundLink:
        """The link of a policy of the host's, else of the payment's provider; where neither can, what is known. Nobody
        is sent to a provider's page where it cannot be done, nor where he names an account to transfer it to."""
        if not amount:
            return _nothing_left(dossier, payment)
        not_now = why_not_now(dossier, payment)
        if not_now is not None:
            return _not_now(payment, amount, not_now)
        chosen = self.services.hooks.refund_link(case.order, payment, amount, ctx)
        if chosen is not None:
            return chosen
        accounts = self.services.accounts
        by_transfer = accounts.by_person(payment.provider)
        why = None if by_transfer else self._why_by_transfer(case, dossier, payment, amount)
        if why is not None or (to is not None and is_another_way(payment, to, by_transfer=by_transfer)):
            return self._ask_for_consent(payment, amount, why)
        provider = accounts.payment(self.shop_id, payment.provider, payment.account, payment.mode)
        if isinstance(provider, Text):
            return _no_link(payment, amount, provider)
        return link_by(provider, case.order, payment, amount, to, dossier.page(payment.id))

    def waiting_link(
        self, case: Case, dossier: Dossier, refund: Refund, to: BankAccount | None, ctx: HookContext
    ) -> RefundLink:
        """Where a person makes a refund that waits for him: by bank transfer, once the customer has agreed to it."""
        payment = dossier.payment_of(case.order, refund.payment)
        accounts = self.services.accounts
        why_not = why_not_transferred(dossier, payment, refund) if refund.by_transfer else None
        if why_not is not None:
            return _not_to_transfer(refund, why_not)
        if refund.by_transfer and refund.lacks_consent:
            why = refund.problem or self._why_by_transfer(case, dossier, payment, refund.amount)
            return self._ask_for_consent(payment, refund.amount, why)
        own = accounts.by_person(payment.provider) and refund.to.account_id is None
        if not refund.by_transfer or own:
            return self.refund_link(case, dossier, payment, refund.amount, to, ctx)
        provider = accounts.transfers(self.shop_id, payment)
        if provider is None:
            return _set_up_transfers(payment, refund.amount, None)
        return link_by(provider, case.order, payment, refund.amount, self._account(case, refund, to))

    def _why_by_transfer(self, case: Case, dossier: Dossier, payment: Payment, amount: Money) -> Reason | None:
        declared = self.services.accounts.declared(payment.provider)
        return why_by_transfer(dossier, payment, amount, declared, case.time.now().earliest)

    def _account(self, case: Case, refund: Refund, to: BankAccount | None) -> BankAccount | None:
        """The account that a refund was decided to go to; the one that is given where that was forgotten. Raises
        `WrongState` for another one."""
        if refund.to.account_id is None:
            return to
        words = self.services.store.notes(self.shop_id, case.order_id).get(refund.to.account_id)
        if words is None:
            return to
        known = account_of_words(words)
        if to is not None and to.compact_iban != known.compact_iban:
            raise WrongState(
                text(
                    "Order {order}: refund {refund} of {amount} goes to {account}. Cancel it, and refund it anew to "
                    "the other account.",
                    order=case.order_id,
                    refund=refund.id,
                    amount=refund.amount,
                    account=known.masked,
                )
            )
        return known

    def _ask_for_consent(self, payment: Payment, amount: Money, why: Reason | None) -> RefundLink:
        """How money of a payment goes back by bank transfer, before that was decided with the customer's consent."""
        if self.services.accounts.transfers(self.shop_id, payment) is None:
            return _set_up_transfers(payment, amount, why)
        return _ask_for_consent(payment, amount, why)

    def ways_to_send_back(self, order: Order) -> Sequence[ShippingOption]:
        """The ways in which the customer can send goods back: a return portal where there is one, and by himself."""
        portal = self._portal(order)
        by_himself = _by_himself(self.services.return_address(self.shop_id))
        return (by_himself,) if portal is None else (portal, by_himself)

    def _portal(self, order: Order) -> ShippingOption | None:
        """The return portal of whoever sent the order; None where there is none, or it cannot say. What the customer
        makes there is looked for from then on, where the provider can be asked."""
        if order.delivery is None or not order.delivery.provider:
            return None
        provider = self.services.accounts.shipping(self.shop_id, order.delivery.provider)
        if isinstance(provider, Text):
            return None
        try:
            portal = provider.portal_url(order)
        except ProviderError:
            return None
        if portal is not None and provider.capabilities.list_shipments.usable:
            self._keep_looking(order, provider)
        return portal

    def _keep_looking(self, order: Order, provider: ShippingCaller) -> None:
        """A store that cannot keep it now costs the customer no way to send his goods back."""
        try:
            self.services.keeping.keep_looking(self.shop_id, order.id, provider.name, "default")
        except RetourError as error:
            log.warning("nobody looks for returns of order %s at %s: %s", order.id, provider.name, error)

    def pages(self, order: Order, dossier: Dossier) -> dict[str, str]:
        """The page of each payment at its provider, by the payment's id: as the provider once named it, else as its
        plugin does. No policy is asked, and no plugin more than once for a payment."""
        found = {}
        for payment in order.payments:
            page = dossier.page(payment.id)
            if not page:
                provider = self.services.accounts.payment(self.shop_id, payment.provider, payment.account, payment.mode)
                if not isinstance(provider, Text):
                    page = link_by(provider, order, payment, payment.captured, None).url
            found[payment.id] = page
        return found


def link_by(
    provider: PaymentCaller,
    order: Order,
    payment: Payment,
    amount: Money,
    to: BankAccount | None,
    page: str = "",
) -> RefundLink:
    """The link that a provider gives; an answer too where it fails."""
    request = LinkRequest(
        order_id=order.id,
        payment=payment,
        amount=amount,
        remittance=f"Retour {order.id}",
        to=to or payment.payer,
        page=page,
    )
    try:
        return provider.refund_url(request)
    except ProviderError as error:
        return _no_link(payment, amount, error.reason.words)


def _by_himself(address: Address | None) -> ShippingOption:
    """The customer sends it as he likes, to where the shop wants its goods."""
    if address is None:
        instruction = text(
            "Send the parcel with a carrier of your own choice. Keep the tracking number and give it to the shop."
        )
    else:
        instruction = text(
            "Send the parcel with a carrier of your own choice to: {address}. Keep the tracking number and give it to "
            "the shop.",
            address=", ".join(address.lines),
        )
    return ShippingOption(
        way=ShippingWay.SELF,
        provider="",
        label=text("Send it yourself"),
        instruction=instruction,
        address=address,
    )


_BY_TRANSFER = text("Refund by bank transfer")

_NOTHING_LEFT = text("Nothing left to refund")


def _nothing_left(dossier: Dossier, payment: Payment) -> RefundLink:
    """The answer for a payment of which nothing is left: where a bank has some of it, that is why."""
    at_the_bank = dossier.charged_back(payment.id, payment.captured.currency)
    if at_the_bank:
        instruction = text(
            "Nothing of payment {reference} is left: the customer's bank took back {amount}. If it gives that back, "
            "have the order checked again.",
            reference=payment.reference,
            amount=at_the_bank,
        )
    else:
        instruction = text("Nothing was received on this payment, or all of it went back already.")
    return RefundLink(kind=LinkKind.UNAVAILABLE, label=_NOTHING_LEFT, instruction=instruction)


def _ask_for_consent(payment: Payment, amount: Money, why: Reason | None) -> RefundLink:
    if why is None:
        instruction = text(
            "Ask the customer whether {amount} may go to his bank account, not back the way he paid, and for the IBAN "
            "and the holder's name. Then refund it here to that account, with his consent.",
            amount=amount,
        )
    else:
        instruction = text(
            "Payment {reference}: {why}. Ask the customer whether {amount} may go to his bank account, and for the "
            "IBAN and the holder's name; then refund it here to that account, with his consent.",
            reference=payment.reference,
            why=why.words,
            amount=amount,
        )
    return RefundLink(kind=LinkKind.TRANSFER, label=_BY_TRANSFER, instruction=instruction)


def _set_up_transfers(payment: Payment, amount: Money, why: Reason | None) -> RefundLink:
    """The answer for a refund by bank transfer without a plugin that knows how."""
    return RefundLink(
        kind=LinkKind.TRANSFER,
        label=_BY_TRANSFER,
        instruction=text(
            "Payment {reference}: {why}. Once a plugin for bank transfers is set up, {amount} can go to the customer's "
            "bank account, with his consent.",
            reference=payment.reference,
            why=why.words if why is not None else text("the money goes by bank transfer"),
            amount=amount,
        ),
    )


_NOT_YET = text("Do not transfer it yet")


def not_looked_at(why: Text) -> RefundLink:
    """The answer for a bank transfer while the provider's books, which are read before it is made, cannot be read."""
    return RefundLink(kind=LinkKind.UNAVAILABLE, label=_NOT_YET, instruction=why)


def _not_to_transfer(refund: Refund, why: Reason) -> RefundLink:
    """The answer for a bank transfer that must not be made as things are now."""
    return RefundLink(
        kind=LinkKind.UNAVAILABLE,
        label=_NOT_YET,
        instruction=text(
            "{amount} must not be transferred as things are now: {why}. {advice}",
            amount=refund.amount,
            why=why.words,
            advice=instead_of_transferring(why),
        ),
    )


def _not_now(payment: Payment, amount: Money, why: Reason) -> RefundLink:
    """The answer for a payment of which nothing can go back now, whoever makes it."""
    return RefundLink(
        kind=LinkKind.UNAVAILABLE,
        label=text("Cannot be refunded now"),
        instruction=text(
            "{amount} of payment {reference} cannot go back now, neither at {provider} nor by bank transfer: {why}. "
            "Have the order checked again once that has changed.",
            amount=amount,
            reference=payment.reference,
            provider=payment.provider,
            why=why.words,
        ),
    )


def _no_link(payment: Payment, amount: Money, why: Text) -> RefundLink:
    """The answer for a payment whose plugin cannot say where to go: what is known, and what to do."""
    return RefundLink(
        kind=LinkKind.UNAVAILABLE,
        label=text("Refund at {provider} yourself", provider=payment.provider),
        instruction=text(
            "The plugin for {provider} cannot help: {why}. Refund {amount} of payment {reference} in your "
            "account at {provider}, then confirm it here with the reference that you find there.",
            provider=payment.provider,
            why=why,
            amount=amount,
            reference=payment.reference,
        ),
    )
