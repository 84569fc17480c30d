"""Every hook: its kind, when it is called, what may be returned, what happens if it raises, and an example.

A plugin is a module or any object with functions marked `hookimpl`. It may take fewer arguments than the hook has,
never more. Arguments are plain, frozen, and copies: a plugin changes nothing but by what it returns, and that is
taken as it is at that moment. The last plugin in the desk's ``plugins=`` is asked first. ``tryfirst``, ``trylast``
and wrappers are refused.

A hook may use the desk. One that decides and commands the same order is asked about that command too; where it would
be asked within its own answer once more, it fails instead, as if it had raised. No lock of retour's is held while a
hook runs, but for one that others go on without: where several change one order at the same moment, each waits for
whoever is before him, his hooks included, and for five seconds in all. And a transaction that you opened yourself is
yours: on SQLite it is the only writer (`StoreLocked` at once), on PostgreSQL what it has locked stays locked (`Busy`
after five seconds). A hook that never returns holds up its caller and nobody else, see
[Work in the background](workers.md).
"""

from __future__ import annotations

from collections.abc import Sequence

from retour.model.announced_returns import ApprovedReturn, ClosedReturn, RequestedReturn
from retour.model.charge_backs import PaymentDispute
from retour.model.labels import Label
from retour.model.money import Money
from retour.model.order import Order, Payment
from retour.model.refunds import Approval, Refund, RefundLink, RefundPlan, RefundQuote
from retour.model.returns import (
    Objection,
    OrderStatus,
    ReceivedReturn,
    RestockDecision,
    Restocked,
    Returned,
    ReturnedLine,
    ReturnRequest,
)
from retour.plugins.context import HookContext
from retour.plugins.markers import hookspec
from retour.providers.contract import PaymentProvider, ShippingProvider


@hookspec
def payment_providers() -> Sequence[type[PaymentProvider]]:  # type: ignore[empty-body]
    """Hand over payment providers.

    **Kind**: register. **Called** once, when the desk is made. **Return** a list of provider *classes*; the core
    makes one of each per shop, account and mode on first use. **If it raises**, or hands over something that is no
    provider, that plugin is off and the rest load. A class of another ``api`` than 2 is off by itself.

    >>> from retour import hookimpl
    >>> class AcmePlugin:
    ...     name = "acme"
    ...     @hookimpl
    ...     def payment_providers(self):
    ...         return [AcmePay]
    """


@hookspec
def shipping_providers() -> Sequence[type[ShippingProvider]]:  # type: ignore[empty-body]
    """Hand over shipping providers.

    **Kind**: register. **Called** once, when the desk is made. **Return** a list of provider *classes*. **If it
    raises**, that plugin is off and the rest load.

    >>> from retour import hookimpl
    >>> class AcmeParcels:
    ...     name = "acme_parcels"
    ...     @hookimpl
    ...     def shipping_providers(self):
    ...         return [AcmeShipping]
    """


@hookspec
def return_policy(order: Order, request: ReturnRequest, ctx: HookContext) -> Objection | None:
    """Object to a requested return.

    **Kind**: decide, collected; the strictest wins. **Called** by ``request_return``, before anything is locked or
    stored. **Return** ``Objection.refuse("…")``, ``Objection.review("…")``, or None. Without objections the return
    is approved; a refusal rejects what a customer asks; staff can approve all the same. **If it raises**, that
    counts as an objection "needs review".

    >>> from retour import Objection, hookimpl
    >>> class NoGiftCards:
    ...     @hookimpl
    ...     def return_policy(self, order, request, ctx):
    ...         for line in request.lines:
    ...             if "gift-card" in order.line(line.line_id).tags:
    ...                 return Objection.refuse("Gift cards cannot be returned")
    """


@hookspec(firstresult=True)
def restock_policy(order: Order, returned: Returned, ctx: HookContext) -> RestockDecision | None:
    """Decide what goes back in stock.

    **Kind**: decide, first result. **Called** when goods were counted or inspected, before anything is locked or
    stored, once for each receipt and each inspection, of the units that it speaks of; again if somebody else changed
    the order meanwhile. **Return** ``RestockDecision.all()``, ``.ask()``, ``.by_hand("why")``,
    ``.lines({"line-1": 1})``, or None to leave it to the next plugin. The last is the core: one product, all; several,
    ask. Damaged units are never restocked, whatever is returned, and units ``to_inspect`` not before somebody has
    inspected them. **If it raises**, or answers more than there is, the merchant is asked, and sees which plugin
    failed.

    >>> from retour import RestockDecision, hookimpl
    >>> class NoUnderwear:
    ...     @hookimpl
    ...     def restock_policy(self, order, returned, ctx):
    ...         if any(line.tags & {"hygiene"} for line in returned.lines):
    ...             return RestockDecision.by_hand("Inspect hygiene articles first")
    """


@hookspec(firstresult=True)
def refund_link(order: Order, payment: Payment, amount: Money, ctx: HookContext) -> RefundLink | None:
    """Say where a person goes to refund one payment. Never to move money.

    **Kind**: decide, first result. **Called** by ``refund_link`` and ``refund_options``. Asked of the host's own
    objects and of the plugin that owns the payment, of no other plugin. **Return** a `RefundLink`, or None.
    **If it raises**, the provider's own link is given.

    >>> from retour import LinkKind, RefundLink, hookimpl, text
    >>> class OurBookkeeping:
    ...     @hookimpl
    ...     def refund_link(self, order, payment, amount, ctx):
    ...         if payment.method == "invoice":
    ...             return RefundLink(
    ...                 kind=LinkKind.PROVIDER_PAGE,
    ...                 label=text("Credit the invoice"),
    ...                 instruction=text("Make a credit note; the bookkeeper pays it on Friday."),
    ...                 url=f"https://books.example/invoices/{payment.reference}",
    ...             )
    """


@hookspec(firstresult=True)
def refund_plan(
    order: Order, returned: Sequence[ReturnedLine], quote: RefundQuote, ctx: HookContext
) -> Sequence[RefundPlan] | None:
    """Say which payment gets how much of what is owed. Never to move money.

    **Kind**: decide, first result. **Called** by ``refund_options`` and ``refund_link`` when something is owed.
    ``returned`` is what came back so far, per order line; ``quote`` what is owed, and what is left of each payment.
    **Return** a list of `RefundPlan`, at most one for each payment and at most what is left of it; a payment without
    one gets nothing. None leaves it to the next plugin; the last is the core: the payments in their order. **If it
    raises**, or plans what is not there, nothing is suggested: the merchant decides, and sees which plugin failed.

    >>> from retour import RefundPlan, hookimpl
    >>> class GiftCardFirst:
    ...     @hookimpl
    ...     def refund_plan(self, order, returned, quote, ctx):
    ...         rest, plans = quote.suggested, []
    ...         for share in sorted(quote.shares, key=lambda share: share.payment.method != "gift_card"):
    ...             amount = min(rest, share.left)
    ...             plans.append(RefundPlan(payment=share.payment.id, amount=amount))
    ...             rest -= amount
    ...         return plans
    """


@hookspec
def refund_approval(order: Order, plan: RefundPlan, ctx: HookContext) -> Approval | None:
    """Approve, hold or refuse a refund by API, or by bank transfer in place of the way it came in.

    **Kind**: decide, collected; the strictest wins: refuse, hold, approve. **Called** by ``refund``, before anything is
    locked or stored; again if somebody else changed the order meanwhile. **Return** an `Approval`, or None for no
    opinion. Without opinions it is approved. **If it raises**, the refund is held for a person.

    >>> from retour import Approval, Money, hookimpl
    >>> class FourEyes:
    ...     @hookimpl
    ...     def refund_approval(self, order, plan, ctx):
    ...         if plan.amount > Money.of("250.00", order.currency):
    ...             return Approval.hold("above 250.00 a second person looks")
    """


@hookspec
def on_return_requested(order: Order, requested: RequestedReturn, ctx: HookContext) -> None:
    """Hear that somebody wants to send goods back.

    **Kind**: announce. **Called** after commit, once per request, at least once: recognise repeats by ``ctx.event``.
    What policies made of it at once follows in the hooks below. ``order`` is the order as it was seen then, without
    personal data. **Return** nothing. **If it raises**, it is told again later, to that plugin alone.

    >>> from retour import hookimpl
    >>> class TellTheStaff:
    ...     @hookimpl
    ...     def on_return_requested(self, order, requested, ctx):
    ...         for line in requested.lines:
    ...             name, why = order.line(line.line_id).name, requested.reason_text(line.line_id, "nl")
    ...             print(f"{requested.number}: {line.quantity} x {name} ({why})")
    """


@hookspec
def on_return_approved(order: Order, approved: ApprovedReturn, ctx: HookContext) -> None:
    """Hear that goods may come back, and what the customer is told to do.

    **Kind**: announce. **Called** after commit, once per approval, at least once: recognise repeats by ``ctx.event``.
    It comes again (``approved.again``) where the last day or the instructions change, where the return was reopened,
    and when a label of it is ready: ``approved.labels`` are those, and ``label_document`` of the desk gives each. A
    label that is ready while its return waits for a decision is told of with the approval; of one whose return has
    ended nothing is told.
    The instructions are words of the staff for the customer, and every plugin that implements this hook reads them;
    they are empty where there are none, or they were forgotten.
    **Return** nothing. **If it raises**, it is told again later, to that plugin alone.

    >>> from retour import hookimpl
    >>> class ApprovalMail:
    ...     @hookimpl
    ...     def on_return_approved(self, order, approved, ctx):
    ...         print(f"Write {approved.number} on the parcel. {approved.instructions}")
    ...         if approved.send_by is not None:
    ...             print(f"Send it by {approved.send_by}.")
    """


@hookspec
def on_return_closed(order: Order, closed: ClosedReturn, ctx: HookContext) -> None:
    """Hear that nothing more is expected of a return: it was rejected, cancelled or closed, or it expired.

    **Kind**: announce. **Called** after commit, once per end, at least once: recognise repeats by ``ctx.event``. A
    return that staff reopened can end again. **Return** nothing. **If it raises**, it is told again later, to that
    plugin alone.

    >>> from retour import hookimpl
    >>> class EndMail:
    ...     @hookimpl
    ...     def on_return_closed(self, order, closed, ctx):
    ...         print(f"{closed.number} is {closed.ended.value}. {closed.because}")
    """


@hookspec
def on_order_returned(order: Order, returned: Returned, ctx: HookContext) -> None:
    """Hear that goods came back.

    **Kind**: announce. **Called** after commit, once per receipt in which a unit came, at least once: recognise
    repeats by ``ctx.event``. ``returned.extent`` is ``full`` when every fulfilled unit of the order is here again,
    else ``part``: a unit that was counted missing is not back. ``order`` is the order as it was seen then, without
    personal data. **Return** nothing. **If it raises**, it is told again later, to that plugin alone.

    >>> from retour import hookimpl
    >>> class OrderStatus:
    ...     @hookimpl
    ...     def on_order_returned(self, order, returned, ctx):
    ...         print(order.id, "is back:", returned.extent.value)
    """


@hookspec
def on_return_received(order: Order, received: ReceivedReturn, ctx: HookContext) -> None:
    """Hear that nothing more is expected of a return that was announced.

    **Kind**: announce. **Called** after commit when all that was announced is counted, missing units included, or when
    it was closed before that; at least once: recognise repeats by ``ctx.event``. A correction that takes counted units
    back makes the return open again and is not told here; when it is complete once more, that is told anew, with the
    figures of then. A return that began with its count was announced by nobody: `on_order_returned` tells of it.
    ``received.lines`` say per order line what was announced, what was counted, and what never was. **Return** nothing.
    **If it raises**, it is told again later, to that plugin alone.

    >>> from retour import hookimpl
    >>> class ReceivedMail:
    ...     @hookimpl
    ...     def on_return_received(self, order, received, ctx):
    ...         for line in received.lines:
    ...             print(line.line_id, "announced", line.announced, "here", line.counted.came_back)
    """


@hookspec
def on_order_status_changed(order: Order, status: OrderStatus, ctx: HookContext) -> None:
    """Hear what the returns make of the order's status: not returned, partly returned, returned.

    **Kind**: announce. **Called** after commit by each count, correction or inspection that changed it, up or down; at
    least once: recognise repeats by ``ctx.event``. Announcements can arrive in another order than they were made:
    ``desk.dossier(order.id).order_status`` is what holds now. What you change on the order yourself is not told. retour
    never writes your order's status: what you make of this one is yours. **Return** nothing. **If it raises**, it is
    told again later, to that plugin alone.

    >>> from retour import hookimpl
    >>> class OurOrders:
    ...     @hookimpl
    ...     def on_order_status_changed(self, order, status, ctx):
    ...         print(order.id, status.value, status.words.render("nl"))
    """


@hookspec
def on_restocked(order: Order, restocked: Restocked, ctx: HookContext) -> None:
    """Hear that the shop has booked stock movements.

    **Kind**: announce. **Called** after commit, at least once: recognise repeats by ``ctx.event``. **Return**
    nothing. **If it raises**, it is told again later, to that plugin alone.

    >>> from retour import hookimpl
    >>> class BackInStockMail:
    ...     @hookimpl
    ...     def on_restocked(self, order, restocked, ctx):
    ...         for movement in restocked.movements:
    ...             print(movement.product, movement.quantity)
    """


@hookspec
def on_refund_changed(order: Order, refund: Refund, ctx: HookContext) -> None:
    """Hear that something happened to a refund.

    **Kind**: announce. **Called** after commit, at least once per change: recognise repeats by ``ctx.event``.
    ``refund`` is the refund as it was after that change, so ``refund.state`` says whether the money went back.
    **Return** nothing. **If it raises**, it is told again later, to that plugin alone.

    >>> from retour import hookimpl
    >>> class Bookkeeping:
    ...     @hookimpl
    ...     def on_refund_changed(self, order, refund, ctx):
    ...         if refund.state == "succeeded":
    ...             print(order.id, "refunded", refund.amount, refund.reference)
    """


@hookspec
def on_parcel_moved(order: Order, label: Label, ctx: HookContext) -> None:
    """Hear that a parcel with a label got further on its way back: scanned, delivered at the shop, lost.

    **Kind**: announce. **Called** after commit, at least once per step: recognise repeats by ``ctx.event``. ``label``
    is the label as it was after that step, and ``label.progress`` how far its parcel was. Nothing else follows from it:
    goods are back when somebody has counted them. **Return** nothing. **If it raises**, it is told again later, to
    that plugin alone.

    >>> from retour import hookimpl
    >>> class ParcelMail:
    ...     @hookimpl
    ...     def on_parcel_moved(self, order, label, ctx):
    ...         print(order.id, label.tracking_number, label.progress)
    """


@hookspec
def on_payment_disputed(order: Order, dispute: PaymentDispute, ctx: HookContext) -> None:
    """Hear that the customer disputes a payment, how that ended, and what his bank took back or gave back.

    **Kind**: announce. **Called** after commit, at least once per step: recognise repeats by ``ctx.event``.
    ``dispute.step`` says what happened, ``dispute.difference`` how much more the bank has since, and
    ``dispute.taken_back`` how much it has in all. A lost dispute is two steps, the money and its end. It is told when
    the provider's books are read, by whatever cause; nothing is done by it, and what is left of the payment counts it
    already.
    **Return** nothing. **If it raises**, it is told again later, to that plugin alone.

    >>> from retour import hookimpl
    >>> class CreditControl:
    ...     @hookimpl
    ...     def on_payment_disputed(self, order, dispute, ctx):
    ...         print(order.id, dispute.payment, dispute.step, dispute.difference, dispute.taken_back)
    """
