"""All that the page of an order shows: what the shop knows of it, and what retour does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
from flask_babel import lazy_gettext as _l

from retour import (
    CanDo,
    DeskStep,
    Dossier,
    Extent,
    Money,
    Order,
    Plugin,
    Refund,
    RefundOption,
    RefundState,
    Return,
    TimelineEntry,
    provider_name,
    reading,
)
from retour.providers import PaymentProvider, Support
from webshop.languages import reader_language
from webshop.login import merchant
from webshop.orders import OrderDetails, details_of
from webshop.running import RunningShop
from webshop.sandboxes import Sandboxes

METHODS = {
    "ideal": _l("iDEAL"),
    "card": _l("Card"),
    "paypal": _l("PayPal"),
    "bancontact": _l("Bancontact"),
    "bank_transfer_in_advance": _l("Bank transfer in advance"),
    "invoice": _l("Pay via invoice"),
    "pay_on_pickup": _l("Pay on pick-up"),
    "pay_on_delivery": _l("Pay on delivery"),
}
"""The ways of paying in the reader's words."""


@attrs.frozen(kw_only=True)
class PaymentView:
    """One payment of an order: what can go back on it, and in which ways. ``provider`` is how people call it."""

    option: RefundOption
    provider: str
    method: str
    by_api: bool
    by_person: bool
    page: str
    """The payment's page at its provider, empty where there is none."""

    @property
    def form(self) -> str:
        """The name of its form."""
        return f"refund-{self.option.payment.id}"


@attrs.frozen(kw_only=True)
class RefundView:
    """One refund, and what can be done about it."""

    refund: Refund
    steps: Sequence[DeskStep]
    provider: str
    page: str
    """The payment's page at its provider, empty where there is none."""

    @property
    def form(self) -> str:
        """The beginning of the names of its forms."""
        return f"refund-{self.refund.id}"

    @property
    def can_confirm(self) -> bool:
        """Whether a person made it and can say so."""
        return DeskStep.CONFIRM_REFUND in self.steps

    @property
    def is_to_be_made(self) -> bool:
        """Whether a person is to make it, by its link or as a transfer."""
        return self.refund.state is RefundState.AWAITING_MERCHANT

    @property
    def can_cancel(self) -> bool:
        """Whether it can be given up, or its provider asked to take it back."""
        return DeskStep.CANCEL_REFUND in self.steps

    @property
    def can_retry(self) -> bool:
        """Whether it waits for a person who lets it go on."""
        return DeskStep.RETRY_REFUND in self.steps

    @property
    def can_settle(self) -> bool:
        """Whether a person can say what became of it, where nobody else does."""
        return DeskStep.SETTLE_REFUND in self.steps

    @property
    def moving(self) -> bool:
        """Whether it will change without anybody's doing."""
        return self.refund.state in _ON_ITS_WAY


_ON_ITS_WAY = frozenset(
    {RefundState.PENDING, RefundState.UNKNOWN, RefundState.AWAITING_MERCHANT, RefundState.SUBMITTING}
)


@attrs.frozen(kw_only=True)
class OrderView:
    """An order as its page shows it."""

    order: Order
    details: OrderDetails
    dossier: Dossier
    can_do: CanDo
    payments: Sequence[PaymentView]
    refunds: Sequence[RefundView]
    history: Sequence[TimelineEntry]

    @property
    def open_questions(self) -> Sequence[Return]:
        """The returns of which nobody has said what goes back in stock."""
        return [one for one in self.dossier.returns.values() if one.question_open]

    @property
    def returns(self) -> Sequence[Return]:
        """Its returns, the oldest first."""
        return list(self.dossier.returns.values())

    @property
    def came_back(self) -> Mapping[str, int]:
        """Units per order line that are here again."""
        return self.dossier.came_back()

    @property
    def can_come_back(self) -> Mapping[str, int]:
        """Units per order line that went out and are not here: what can be counted."""
        return self.can_do.to_count

    @property
    def delivery(self) -> Money | None:
        """What was paid for delivery, once all goods are here and while it can still go back. No suggestion has it in;
        a consumer who withdraws from the whole order gets standard delivery back (article 13 of Directive
        2011/83/EU)."""
        left = sum(one.option.left.minor for one in self.payments)
        if self.order.delivery is None or self.dossier.extent is not Extent.FULL:
            return None
        paid = self.order.delivery.paid.gross
        return paid if 0 < paid.minor <= left else None

    @property
    def moving(self) -> bool:
        """Whether something of it changes by itself, so that the page looks again."""
        return any(one.moving for one in self.refunds)


def view_of(shop: RunningShop, order_id: str) -> OrderView | None:
    """An order with all that its page shows; None where there is no such order."""
    with reading(shop.engine) as connection:
        details = details_of(connection, order_id)
    if details is None:
        return None
    desk = shop.desk
    order = shop.port.order(order_id)
    if order is None:
        return None
    dossier, can_do = desk.dossier(order_id), desk.can_do(order_id, by=merchant())
    options = desk.refund_options(order_id)
    providers = providers_of(desk.plugins)
    pages = {one.payment.id: _page(shop.sandboxes, one) for one in options}
    return OrderView(
        order=order,
        details=details,
        dossier=dossier,
        can_do=can_do,
        payments=[_payment(one, providers.get(one.payment.provider), pages[one.payment.id]) for one in options],
        refunds=[
            RefundView(
                refund=one,
                steps=can_do.refunds.get(one.id, ()),
                provider=provider_name(one.provider, reader_language()),
                page=pages.get(one.payment) or one.page,
            )
            for one in dossier.refunds.values()
        ],
        history=desk.timeline(order_id),
    )


def providers_of(plugins: Sequence[Plugin]) -> Mapping[str, type[PaymentProvider]]:
    """The payment providers of the plugins that work, by name."""
    return {provider.name: provider for plugin in plugins for provider in plugin.payment_providers}


def _page(sandboxes: Sandboxes | None, option: RefundOption) -> str:
    """Where a payment is seen: what a sandbox took is not at the provider that it plays."""
    payment = option.payment
    return option.link.url if sandboxes is None else sandboxes.page(payment.provider, payment.reference)


def _payment(option: RefundOption, provider: type[PaymentProvider] | None, page: str) -> PaymentView:
    payment = option.payment
    method = METHODS.get(payment.method, payment.method)
    return PaymentView(
        option=option,
        provider=provider_name(payment.provider, reader_language()),
        method=str(method),
        by_api=provider is not None and provider.capabilities.refund_by_api is Support.YES,
        by_person=provider is not None and provider.capabilities.refund_by_person is Support.YES,
        page=page,
    )
