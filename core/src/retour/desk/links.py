"""Where a person goes: refund links for payments, and ways to send goods back."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from retour.desk.services import Services
from retour.model.dossier import Dossier
from retour.model.money import Money
from retour.model.order import BankAccount, Order, Payment
from retour.model.refunds import LinkKind, LinkRequest, Refund, RefundLink
from retour.model.shipping import ShippingOption, ShippingWay
from retour.model.text import Text, text
from retour.plugins.context import HookContext
from retour.plugins.providers import PaymentCaller
from retour.providers.errors import ProviderError


@attrs.frozen
class Links:
    """The links of one shop's orders."""

    services: Services
    shop_id: str

    def refund_link(
        self,
        order: Order,
        payment: Payment,
        amount: Money,
        to: BankAccount | None,
        ctx: HookContext,
        dossier: Dossier,
    ) -> RefundLink:
        """The link of a policy of the host's, else of the payment's provider; where neither can, what is known."""
        if not amount:
            return _NOTHING_LEFT
        chosen = self.services.hooks.refund_link(order, payment, amount, ctx)
        if chosen is not None:
            return chosen
        provider = self.services.accounts.payment(self.shop_id, payment.provider, payment.account, payment.mode)
        if isinstance(provider, Text):
            return _no_link(payment, amount, provider)
        return _link_by(provider, order, payment, amount, to, dossier.page(payment.id))

    def waiting_link(
        self, order: Order, refund: Refund, to: BankAccount | None, ctx: HookContext, dossier: Dossier
    ) -> RefundLink:
        """Where a person makes a refund that waits for him: by bank transfer, where its provider cannot any more."""
        payment = dossier.payment_of(order, refund.payment)
        accounts = self.services.accounts
        if not refund.by_transfer or accounts.by_person(payment.provider):
            return self.refund_link(order, payment, refund.amount, to, ctx, dossier)
        provider = accounts.transfers(self.shop_id, payment)
        if provider is None:
            return _no_transfer(payment, refund)
        return _link_by(provider, order, payment, refund.amount, to)

    def ways_to_send_back(self, order: Order) -> Sequence[ShippingOption]:
        """The ways in which the customer can send goods back: a return portal where there is one, and by himself."""
        portal = self._portal(order)
        return (_BY_HIMSELF,) if portal is None else (portal, _BY_HIMSELF)

    def _portal(self, order: Order) -> ShippingOption | None:
        """The return portal of whoever sent the order; None where there is none, or it cannot say."""
        if order.delivery is None or not order.delivery.provider:
            return None
        provider = self.services.accounts.shipping(self.shop_id, order.delivery.provider)
        if isinstance(provider, Text):
            return None
        try:
            return provider.portal_url(order)
        except ProviderError:
            return None

    def pages(self, order: Order, dossier: Dossier) -> dict[str, str]:
        """The page of each payment at its provider, by the payment's id: as the provider once named it, else as its
        plugin does. No policy is asked, and no plugin more than once for a payment."""
        found = {}
        for payment in order.payments:
            page = dossier.page(payment.id)
            if not page:
                provider = self.services.accounts.payment(self.shop_id, payment.provider, payment.account, payment.mode)
                if not isinstance(provider, Text):
                    page = _link_by(provider, order, payment, payment.captured, None).url
            found[payment.id] = page
        return found


def _link_by(
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
        return _no_link(payment, amount, text("it failed: {error}", error=error.message))


_BY_HIMSELF = ShippingOption(
    way=ShippingWay.SELF,
    provider="",
    label=text("Send it yourself"),
    instruction=text(
        "Send the parcel with a carrier of your own choice. Keep the tracking number and tell it to the shop."
    ),
)

_NOTHING_LEFT = RefundLink(
    kind=LinkKind.UNAVAILABLE,
    label=text("Nothing left to refund"),
    instruction=text("Nothing was received on this payment, or all of it went back already."),
)


def _no_transfer(payment: Payment, refund: Refund) -> RefundLink:
    """The answer for a refund by bank transfer without a plugin that knows how."""
    return RefundLink(
        kind=LinkKind.TRANSFER,
        label=text("Transfer it yourself"),
        instruction=text(
            "{provider} cannot refund payment {reference} any more: transfer {amount} to the customer's own bank "
            "account, and confirm it here with the bank's reference.",
            provider=payment.provider,
            reference=payment.reference,
            amount=refund.amount,
        ),
    )


def _no_link(payment: Payment, amount: Money, why: Text) -> RefundLink:
    """The answer for a payment whose plugin cannot say where to go: what is known, and what to do."""
    return RefundLink(
        kind=LinkKind.UNAVAILABLE,
        label=text("Refund at {provider} yourself", provider=payment.provider),
        instruction=text(
            "The plugin for {provider} cannot help: {why}. Refund {amount} of payment {reference} in the account "
            "of {provider}, then confirm it here with the reference that you find there.",
            provider=payment.provider,
            why=why,
            amount=amount,
            reference=payment.reference,
        ),
    )
